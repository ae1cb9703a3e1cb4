package import Checking

/// One index of `x[…]` with its expressions evaluated.
package enum IndexValue: Sendable {
  /// An integer, an integer array (gather), or a Boolean array (mask).
  case value(Value)
  case slice(lower: Int?, upper: Int?, isClosed: Bool)
  /// Half-open.
  case range(Int, Int)
  case all
}

/// One step from a variable down to the place that an assignment changes.
package enum PathStep: Sendable {
  case index([IndexValue])
  case field(Int)
  case tupleElement(Int)
  case key(Value)
}

/// The positions that one index picks along its axis.
enum AxisSelection {
  case one(Int)
  case span(start: Int, count: Int)
  /// Positions with the shape that they bring into the result.
  case list([Int], shape: [Int])

  var shape: [Int] {
    switch self {
    case .one: []
    case .span(_, let count): [count]
    case .list(_, let shape): shape
    }
  }
  var count: Int {
    switch self {
    case .one: 1
    case .span(_, let count): count
    case .list(let positions, _): positions.count
    }
  }
}

// Indexing of arrays of any rank, lists, strings, ranges, dictionaries and tables.
//
// Each index takes one axis in order and brings its own shape into the result: none for an integer, the array's shape
// for a gather, its length for a slice. Axes without an index are kept whole, so `m[i]` is row i.
extension Operations {
  package static func index(_ base: Value, _ indices: [IndexValue]) throws -> Value {
    switch base {
    case .realArray(let array):
      if indices.count == 1, array.shape.count == 1, case .value(.int(let i)) = indices[0] {
        guard i >= 0, i < array.elements.count else { throw outOfRange(i, count: array.elements.count) }
        return .real(array.elements[i])
      }
      let picked = try gather(array.elements, array.shape, indices)
      if picked.shape.isEmpty { return .real(picked.elements[0]) }
      return .realArray(RealArray(shape: picked.shape, elements: picked.elements))
    case .intArray(let array):
      if indices.count == 1, array.shape.count == 1, case .value(.int(let i)) = indices[0] {
        guard i >= 0, i < array.elements.count else { throw outOfRange(i, count: array.elements.count) }
        return .int(array.elements[i])
      }
      let picked = try gather(array.elements, array.shape, indices)
      if picked.shape.isEmpty { return .int(picked.elements[0]) }
      return .intArray(IntArray(shape: picked.shape, elements: picked.elements, index: array.index))
    case .boolArray(let array):
      let picked = try gather(array.elements, array.shape, indices)
      if picked.shape.isEmpty { return .bool(picked.elements[0]) }
      return .boolArray(BoolArray(shape: picked.shape, elements: picked.elements))
    case .list(let elements):
      return try indexList(elements, indices)
    case .dictionary:
      guard indices.count == 1, case .value(let wanted) = indices[0] else { throw unsuitable("a slice", base) }
      return try key(base, wanted)
    case .range(let lower, let upper):
      let count = max(0, upper - lower)
      guard indices.count == 1 else { throw unsuitable("two indices", base) }
      switch try selection(indices[0], extent: count, axis: 0) {
      case .one(let position): return .int(lower + position)
      case .span(let start, let count): return .range(lower + start, lower + start + count)
      case .list(let positions, let shape):
        return .intArray(IntArray(shape: shape, elements: positions.map { lower + $0 }))
      }
    case .string(let text):
      let characters = Array(text)
      guard indices.count == 1 else { throw unsuitable("two indices", base) }
      switch try selection(indices[0], extent: characters.count, axis: 0) {
      case .one(let position): return .string(String(characters[position]))
      case .span(let start, let count): return .string(String(characters[start..<(start + count)]))
      case .list(let positions, _): return .string(String(positions.map { characters[$0] }))
      }
    case .table(let table):
      guard indices.count == 1 else { throw unsuitable("two indices", base) }
      if case .value(.string(let name)) = indices[0] { return try column(base, name) }
      return .table(try rows(of: table, indices[0]))
    default:
      throw unsuitable("an index", base)
    }
  }

  private static func indexList(_ elements: [Value], _ indices: [IndexValue]) throws -> Value {
    guard let first = indices.first else { return .list(elements) }
    let rest = Array(indices.dropFirst())
    switch try selection(first, extent: elements.count, axis: 0) {
    case .one(let position): return rest.isEmpty ? elements[position] : try index(elements[position], rest)
    case .span(let start, let count):
      let slice = Array(elements[start..<(start + count)])
      return .list(rest.isEmpty ? slice : try slice.map { try index($0, rest) })
    case .list(let positions, _):
      let slice = positions.map { elements[$0] }
      return .list(rest.isEmpty ? slice : try slice.map { try index($0, rest) })
    }
  }

  /// The rows of a table that an index picks.
  static func rows(of table: TableValue, _ index: IndexValue) throws -> TableValue {
    var selection = try selection(index, extent: table.rowCount, axis: 0)
    if case .one(let position) = selection { selection = .span(start: position, count: 1) }
    let picked: IndexValue
    switch selection {
    case .one(let position): picked = .range(position, position + 1)
    case .span(let start, let count): picked = .range(start, start + count)
    case .list(let positions, _): picked = .value(.intArray(IntArray(shape: [positions.count], elements: positions)))
    }
    let columns = try table.columns.map {
      TableValue.Column(name: $0.name, values: try Operations.index($0.values, [picked]))
    }
    return TableValue(columns: columns, rowCount: selection.count, origin: table.origin)
  }

  /// The positions that an index picks on an axis, checked.
  static func selection(_ index: IndexValue, extent: Int, axis: Int) throws -> AxisSelection {
    switch index {
    case .all: return .span(start: 0, count: extent)
    case .range(let lower, let upper): return try span(lower, upper, extent: extent, axis: axis)
    case .slice(let lower, let upper, let isClosed):
      var end = upper ?? extent
      if isClosed, let upper {
        guard upper < Int.max else { throw outOfRange(upper, count: extent, axis: axis) }
        end = upper + 1
      }
      return try span(lower ?? 0, end, extent: extent, axis: axis)
    case .value(.int(let position)):
      guard position >= 0, position < extent else { throw outOfRange(position, count: extent, axis: axis) }
      return .one(position)
    case .value(.range(let lower, let upper)): return try span(lower, upper, extent: extent, axis: axis)
    case .value(.intArray(let array)):
      for position in array.elements where position < 0 || position >= extent {
        throw outOfRange(position, count: extent, axis: axis)
      }
      return .list(array.elements, shape: array.shape)
    case .value(.boolArray(let mask)):
      guard mask.shape == [extent] else {
        throw Fault(
          "R004", "a mask needs one Bool per element", expected: "shape [\(extent)]", found: "shape \(mask.shape)")
      }
      let positions = mask.elements.indices.filter { mask.elements[$0] }
      return .list(positions, shape: [positions.count])
    case .value(.list(let elements)) where elements.isEmpty: return .list([], shape: [0])
    case .value(let other): throw unsuitable("an index", other)
    }
  }

  private static func span(_ lower: Int, _ upper: Int, extent: Int, axis: Int) throws -> AxisSelection {
    // `a..<b` with b < a is empty, wherever it lies.
    if upper <= lower {
      guard lower >= 0, lower <= extent || upper < lower else { throw outOfRange(lower, count: extent, axis: axis) }
      return .span(start: 0, count: 0)
    }
    guard lower >= 0 else { throw outOfRange(lower, count: extent, axis: axis) }
    guard upper <= extent else { throw outOfRange(upper - 1, count: extent, axis: axis) }
    return .span(start: lower, count: upper - lower)
  }

  private static func selections(_ shape: [Int], _ indices: [IndexValue]) throws -> [AxisSelection] {
    guard indices.count <= shape.count else {
      throw Fault(
        "R003", "\(indices.count) indices on an array of rank \(shape.count)", expected: "at most \(shape.count)",
        found: "\(indices.count)")
    }
    return try shape.indices.map { axis in
      axis < indices.count
        ? try selection(indices[axis], extent: shape[axis], axis: axis) : .span(start: 0, count: shape[axis])
    }
  }

  private static func gather<T>(
    _ elements: [T], _ shape: [Int], _ indices: [IndexValue]
  ) throws -> (shape: [Int], elements: [T]) {
    let selections = try selections(shape, indices)
    let resultShape = selections.flatMap(\.shape)
    var result: [T] = []
    result.reserveCapacity(try elementCount(resultShape))
    visit(selections, shape) { start, count in result.append(contentsOf: elements[start..<(start + count)]) }
    return (resultShape, result)
  }

  /// Calls back for each run of adjacent elements, in row-major order of the result.
  private static func visit(_ selections: [AxisSelection], _ shape: [Int], _ body: (Int, Int) -> Void) {
    var strides = [Int](repeating: 1, count: shape.count)
    for axis in shape.indices.dropLast().reversed() { strides[axis] = strides[axis + 1] * shape[axis + 1] }
    // Trailing axes that are kept whole form one run with the axis before them.
    var depth = selections.count
    while depth > 0, case .span(0, let count) = selections[depth - 1], count == shape[depth - 1] { depth -= 1 }
    func descend(_ axis: Int, _ offset: Int) {
      if axis == depth {
        body(offset, axis == 0 ? shape.reduce(1, *) : strides[axis - 1])
        return
      }
      switch selections[axis] {
      case .one(let position): descend(axis + 1, offset + position * strides[axis])
      case .span(let start, let count):
        if axis + 1 == depth {
          if count > 0 { body(offset + start * strides[axis], count * strides[axis]) }
        } else {
          for position in start..<(start + count) { descend(axis + 1, offset + position * strides[axis]) }
        }
      case .list(let positions, _):
        for position in positions { descend(axis + 1, offset + position * strides[axis]) }
      }
    }
    descend(0, 0)
  }

  // MARK: - Changing in place

  /// Assigns to a place inside a value. The value is changed where it lies when nothing else refers to it.
  package static func setPath(_ base: inout Value, _ steps: ArraySlice<PathStep>, _ value: Value) throws {
    guard let step = steps.first else {
      base = value
      return
    }
    let rest = steps.dropFirst()
    switch step {
    case .field(let index):
      guard case .structure(let id, var fields) = base, index >= 0, index < fields.count else {
        throw unsuitable("a field", base)
      }
      base = .unit
      defer { base = .structure(id, fields) }
      try setPath(&fields[index], rest, value)
    case .tupleElement(let index):
      guard case .tuple(var elements) = base, index >= 0, index < elements.count else {
        throw unsuitable("a tuple element", base)
      }
      base = .unit
      defer { base = .tuple(elements) }
      try setPath(&elements[index], rest, value)
    case .key(let key):
      try setKey(&base, key, rest, value)
    case .index(let indices):
      try setIndex(&base, indices, rest, value)
    }
  }

  package static func setPath(_ base: inout Value, _ steps: [PathStep], _ value: Value) throws {
    try setPath(&base, steps[...], value)
  }

  private static func setKey(_ base: inout Value, _ key: Value, _ rest: ArraySlice<PathStep>, _ value: Value) throws {
    guard case .dictionary(var dictionary) = base else { throw unsuitable("a key", base) }
    base = .unit
    defer { base = .dictionary(dictionary) }
    if rest.isEmpty {
      if case .none = value { dictionary.remove(key) } else { dictionary.set(key, value) }
      return
    }
    guard let taken = dictionary.take(key) else {
      throw Fault(
        "R021", "there is no value under this key to change", help: "set the whole value first, or give a `default:`")
    }
    var inner = taken.value
    defer { dictionary.put(taken.entry, inner) }
    try setPath(&inner, rest, value)
  }

  private static func setIndex(
    _ base: inout Value, _ indices: [IndexValue], _ rest: ArraySlice<PathStep>, _ value: Value
  ) throws {
    switch base {
    case .dictionary:
      guard indices.count == 1, case .value(let key) = indices[0] else { throw unsuitable("a slice", base) }
      try setKey(&base, key, rest, value)
    case .list(var elements):
      guard let first = indices.first else { throw unsuitable("an assignment", base) }
      let deeper = indices.count > 1 ? [PathStep.index(Array(indices.dropFirst()))] + rest : Array(rest)
      let selection = try selection(first, extent: elements.count, axis: 0)
      base = .unit
      defer { base = .list(elements) }
      switch selection {
      case .one(let position): try setPath(&elements[position], deeper[...], value)
      case .span(let start, let count): try setEach(&elements, Array(start..<(start + count)), deeper, value)
      case .list(let positions, _): try setEach(&elements, positions, deeper, value)
      }
    case .realArray, .intArray, .boolArray:
      var inner = value
      if !rest.isEmpty {
        inner = try index(base, indices)
        try setPath(&inner, rest, value)
      }
      try setElements(&base, indices, inner)
    default:
      throw unsuitable("an assignment to an element", base)
    }
  }

  private static func setEach(
    _ elements: inout [Value], _ positions: [Int], _ deeper: [PathStep], _ value: Value
  ) throws {
    let values = try Operations.elements(of: value)
    guard values.count == positions.count else {
      throw Fault(
        "R004", "the slice has \(positions.count) elements, the new value \(values.count)",
        expected: "\(positions.count)", found: "\(values.count)")
    }
    for (position, element) in zip(positions, values) { try setPath(&elements[position], deeper[...], element) }
  }

  private static func setElements(_ base: inout Value, _ indices: [IndexValue], _ value: Value) throws {
    switch base {
    case .realArray(var array):
      guard let new = reals(value) else { throw unsuitable("an element of a real array", value) }
      base = .unit
      defer { base = .realArray(array) }
      try scatter(&array.elements, array.shape, indices, new, shape(of: value) ?? [])
    case .intArray(var array):
      guard let new = ints(value) else { throw unsuitable("an element of an Int array", value) }
      if let info = array.index { try checkIndices(new, info.extent) }
      base = .unit
      defer { base = .intArray(array) }
      try scatter(&array.elements, array.shape, indices, new, shape(of: value) ?? [])
    case .boolArray(var array):
      guard let new = bools(value) else { throw unsuitable("an element of a Bool array", value) }
      base = .unit
      defer { base = .boolArray(array) }
      try scatter(&array.elements, array.shape, indices, new, shape(of: value) ?? [])
    default: throw unsuitable("an assignment to an element", base)
    }
  }

  private static func scatter<T>(
    _ elements: inout [T], _ shape: [Int], _ indices: [IndexValue], _ new: [T], _ newShape: [Int]
  ) throws {
    let selections = try selections(shape, indices)
    let place = selections.flatMap(\.shape)
    guard newShape.isEmpty || newShape == place else {
      throw Fault(
        "R004", "the place has shape \(place), the new value \(newShape)", expected: "\(place)", found: "\(newShape)")
    }
    var next = 0
    var target = elements
    elements = []
    visit(selections, shape) { start, count in
      for position in start..<(start + count) {
        target[position] = newShape.isEmpty ? new[0] : new[next]
        next += 1
      }
    }
    elements = target
  }

  static func checkIndices(_ elements: [Int], _ extent: Int) throws {
    for element in elements where element < 0 || element >= extent {
      throw Fault("R011", "\(element) is not an index", expected: "0 to \(extent - 1)", found: "\(element)")
    }
  }
}
