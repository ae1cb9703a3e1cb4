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
  package static func setPath(_ base: inout Value, _ steps: [PathStep], _ value: Value) throws {
    try withUnsafeMutablePointer(to: &base) { try setPath(at: $0, steps[...], value) }
  }

  // The tag alone is looked at before a payload is changed: a pattern that binds the payload would hold a second
  // reference, and the change would copy the whole.
  private static func setPath(
    at slot: UnsafeMutablePointer<Value>, _ steps: ArraySlice<PathStep>, _ value: Value
  ) throws {
    guard let step = steps.first else {
      slot.pointee = value
      return
    }
    let rest = steps.dropFirst()
    let tag = slot.pointee.tag
    switch (step, tag) {
    case (.field(let index), .structure):
      try setPart(ValueLayout.fields(slot), index, rest, value)
    case (.tupleElement(let index), .tuple):
      try setPart(ValueLayout.list(slot), index, rest, value)
    case (.key(let key), .dictionary):
      try setKey(ValueLayout.dictionary(slot), key, rest, value)
    case (.index(let indices), .dictionary):
      guard indices.count == 1, case .value(let key) = indices[0] else { throw unsuitable("a slice", slot.pointee) }
      try setKey(ValueLayout.dictionary(slot), key, rest, value)
    case (.index(let indices), .list):
      try setList(ValueLayout.list(slot), indices, rest, value)
    case (.index(let indices), .realArray), (.index(let indices), .intArray), (.index(let indices), .boolArray):
      var inner = value
      if !rest.isEmpty {
        inner = try index(slot.pointee, indices)
        try withUnsafeMutablePointer(to: &inner) { try setPath(at: $0, rest, value) }
      }
      try setElements(slot, tag, indices, inner)
    default:
      throw unsuitable("an assignment to a part", slot.pointee)
    }
  }

  /// Appends an element to an array where it lies.
  static func append(_ element: Value, to slot: UnsafeMutablePointer<Value>) throws {
    switch slot.pointee.tag {
    case .list: ValueLayout.list(slot).pointee.append(element)
    case .realArray where ValueLayout.reals(slot).pointee.shape.count == 1:
      ValueLayout.reals(slot).pointee.elements.append(try Machine.real(element))
      ValueLayout.reals(slot).pointee.shape[0] += 1
    case .intArray where ValueLayout.ints(slot).pointee.shape.count == 1:
      let number = try Machine.integer(element)
      if let info = ValueLayout.ints(slot).pointee.index { try checkIndices([number], info.extent) }
      ValueLayout.ints(slot).pointee.elements.append(number)
      ValueLayout.ints(slot).pointee.shape[0] += 1
    case .boolArray where ValueLayout.bools(slot).pointee.shape.count == 1:
      ValueLayout.bools(slot).pointee.elements.append(try Machine.truth(element))
      ValueLayout.bools(slot).pointee.shape[0] += 1
    default: slot.pointee = try appending(slot.pointee, element)
    }
  }

  /// Appends an element to the array at a place, where it lies; a missing key starts with `start`.
  static func append(
    _ element: Value, at slot: UnsafeMutablePointer<Value>, _ steps: ArraySlice<PathStep>, start: Value?
  ) throws {
    guard let step = steps.first else {
      try append(element, to: slot)
      return
    }
    let rest = steps.dropFirst()
    func inside(_ parts: UnsafeMutablePointer<[Value]>, _ index: Int) throws {
      guard index >= 0, index < parts.pointee.count else { throw outOfRange(index, count: parts.pointee.count) }
      try parts.pointee.withUnsafeMutableBufferPointer { buffer in
        try append(element, at: buffer.baseAddress.unsafelyUnwrapped + index, rest, start: start)
      }
    }
    switch (step, slot.pointee.tag) {
    case (.field(let index), .structure): try inside(ValueLayout.fields(slot), index)
    case (.tupleElement(let index), .tuple): try inside(ValueLayout.list(slot), index)
    case (.index(let indices), .list):
      guard indices.count == 1, case .value(.int(let index)) = indices[0] else {
        throw unsuitable("`append`", slot.pointee)
      }
      try inside(ValueLayout.list(slot), index)
    case (.key(let key), .dictionary):
      let dictionary = ValueLayout.dictionary(slot)
      if try dictionary.pointee.modify(key, { try append(element, at: $0, rest, start: start) }) { return }
      guard let start, rest.isEmpty else {
        throw Fault("R021", "there is no value under this key to change", help: "give a `default:`")
      }
      dictionary.pointee.set(key, try appending(start, element))
    default: throw unsuitable("`append`", slot.pointee)
    }
  }

  private static func setPart(
    _ parts: UnsafeMutablePointer<[Value]>, _ index: Int, _ rest: ArraySlice<PathStep>, _ value: Value
  ) throws {
    guard index >= 0, index < parts.pointee.count else { throw outOfRange(index, count: parts.pointee.count) }
    try parts.pointee.withUnsafeMutableBufferPointer { buffer in
      try setPath(at: buffer.baseAddress.unsafelyUnwrapped + index, rest, value)
    }
  }

  private static func setKey(
    _ dictionary: UnsafeMutablePointer<DictionaryValue>, _ key: Value, _ rest: ArraySlice<PathStep>, _ value: Value
  ) throws {
    if rest.isEmpty {
      if case .none = value { dictionary.pointee.remove(key) } else { dictionary.pointee.set(key, value) }
      return
    }
    guard try dictionary.pointee.modify(key, { try setPath(at: $0, rest, value) }) else {
      throw Fault(
        "R021", "there is no value under this key to change", help: "set the whole value first, or give a `default:`")
    }
  }

  private static func setList(
    _ list: UnsafeMutablePointer<[Value]>, _ indices: [IndexValue], _ rest: ArraySlice<PathStep>, _ value: Value
  ) throws {
    guard let first = indices.first else { throw unsuitable("an assignment", value) }
    let deeper = indices.count > 1 ? [PathStep.index(Array(indices.dropFirst()))] + rest : Array(rest)
    let positions: [Int]
    switch try selection(first, extent: list.pointee.count, axis: 0) {
    case .one(let position):
      try setPart(list, position, deeper[...], value)
      return
    case .span(let start, let count): positions = Array(start..<(start + count))
    case .list(let picked, _): positions = picked
    }
    let values = try Operations.elements(of: value)
    guard values.count == positions.count else {
      throw Fault(
        "R004", "the slice has \(positions.count) elements, the new value \(values.count)",
        expected: "\(positions.count)", found: "\(values.count)")
    }
    for (position, element) in zip(positions, values) { try setPart(list, position, deeper[...], element) }
  }

  private static func setElements(
    _ slot: UnsafeMutablePointer<Value>, _ tag: Value.Tag, _ indices: [IndexValue], _ value: Value
  ) throws {
    let newShape = shape(of: value) ?? []
    switch tag {
    case .realArray:
      guard let new = reals(value) else { throw unsuitable("an element of a real array", value) }
      let array = ValueLayout.reals(slot)
      try scatter(&array.pointee.elements, array.pointee.shape, indices, new, newShape)
    case .intArray:
      guard let new = ints(value) else { throw unsuitable("an element of an Int array", value) }
      let array = ValueLayout.ints(slot)
      if let info = array.pointee.index { try checkIndices(new, info.extent) }
      try scatter(&array.pointee.elements, array.pointee.shape, indices, new, newShape)
    default:
      guard let new = bools(value) else { throw unsuitable("an element of a Bool array", value) }
      let array = ValueLayout.bools(slot)
      try scatter(&array.pointee.elements, array.pointee.shape, indices, new, newShape)
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
    elements.withUnsafeMutableBufferPointer { target in
      var next = 0
      visit(selections, shape) { start, count in
        for position in start..<(start + count) {
          target[position] = newShape.isEmpty ? new[0] : new[next]
          next += 1
        }
      }
    }
  }

  static func checkIndices(_ elements: [Int], _ extent: Int) throws {
    for element in elements where element < 0 || element >= extent {
      throw Fault("R011", "\(element) is not an index", expected: "0 to \(extent - 1)", found: "\(element)")
    }
  }
}
