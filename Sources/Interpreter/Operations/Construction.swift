package import Checking

// Making arrays and converting between representations.
extension Operations {
  /// An array literal: elements are scalars, or arrays of one rank less.
  package static func makeArray(_ elements: [Value], type: Type) throws -> Value {
    switch type {
    case .array(let scalar, let extents):
      return try stacked(elements, scalar, rank: max(1, extents.count))
    default:
      return .list(elements)
    }
  }

  /// Stacks scalars or arrays of equal shapes along a new first axis.
  static func stacked(_ elements: [Value], _ scalar: Scalar, rank: Int) throws -> Value {
    var inner: [Int]?
    for (position, element) in elements.enumerated() {
      guard let shape = shape(of: element) ?? listShape(element) else { throw unsuitable("an array element", element) }
      if let inner, inner != shape {
        throw Fault(
          "R009", "rows of different shapes do not make an array", caret: "element \(position) differs",
          expected: "shape \(inner), as element 0", found: "shape \(shape)")
      }
      inner = shape
    }
    let innerShape = inner ?? Array(repeating: 0, count: rank - 1)
    let shape = [elements.count] + innerShape
    _ = try elementCount(shape)
    switch scalar {
    case .real:
      var all: [Double] = []
      for element in elements {
        guard let part = reals(try dense(element, .real)) else {
          throw unsuitable("an element of a real array", element)
        }
        all += part
      }
      return .realArray(RealArray(shape: shape, elements: all))
    case .int, .index:
      var all: [Int] = []
      var info: IndexInfo?
      for element in elements {
        let element = try dense(element, scalar)
        guard let part = ints(element) else { throw unsuitable("an element of an Int array", element) }
        if case .intArray(let array) = element { info = info ?? array.index }
        all += part
      }
      if case .index(let extent) = scalar {
        if case .literal(let count) = extent { info = IndexInfo(extent: count, levels: nil) }
        if let info { try checkIndices(all, info.extent) }
        return .intArray(IntArray(shape: shape, elements: all, index: info))
      }
      return .intArray(IntArray(shape: shape, elements: all))
    case .bool:
      var all: [Bool] = []
      for element in elements {
        guard let part = bools(try dense(element, .bool)) else {
          throw unsuitable("an element of a Bool array", element)
        }
        all += part
      }
      return .boolArray(BoolArray(shape: shape, elements: all))
    }
  }

  private static func listShape(_ value: Value) -> [Int]? {
    guard case .list(let elements) = value else { return nil }
    guard let first = elements.first else { return [0] }
    guard let inner = shape(of: first) ?? listShape(first) else { return nil }
    return [elements.count] + inner
  }

  /// A list of scalars as a dense array; other values as they are.
  private static func dense(_ value: Value, _ scalar: Scalar) throws -> Value {
    guard case .list(let elements) = value else { return value }
    return try stacked(elements, scalar, rank: 1)
  }

  /// Makes an array of results, dense where they are scalars or arrays of one shape and kind: what `map` gives when
  /// only the values tell the type.
  package static func collected(_ elements: [Value]) throws -> Value {
    guard let first = elements.first, let shape = shape(of: first) else { return .list(elements) }
    let scalar: Scalar
    switch first {
    case .real, .realArray: scalar = .real
    case .int, .intArray: scalar = .int
    case .bool, .boolArray: scalar = .bool
    default: return .list(elements)
    }
    for element in elements {
      switch (element, scalar) {
      case (.real, .real), (.realArray, .real), (.int, .int), (.intArray, .int), (.bool, .bool), (.boolArray, .bool):
        if Operations.shape(of: element) != shape { return .list(elements) }
      default: return .list(elements)
      }
    }
    return try stacked(elements, scalar, rank: shape.count + 1)
  }

  /// An array or list with one element more.
  package static func appending(_ value: Value, _ element: Value) throws -> Value {
    switch (value, element) {
    case (.realArray(var array), _) where array.shape.count == 1:
      array.elements.append(try Machine.real(element))
      array.shape[0] += 1
      return .realArray(array)
    case (.intArray(var array), .int(let number)) where array.shape.count == 1:
      if let info = array.index { try checkIndices([number], info.extent) }
      array.elements.append(number)
      array.shape[0] += 1
      return .intArray(array)
    case (.boolArray(var array), .bool(let flag)) where array.shape.count == 1:
      array.elements.append(flag)
      array.shape[0] += 1
      return .boolArray(array)
    case (.list(var elements), _):
      elements.append(element)
      return .list(elements)
    case (.realArray, _), (.intArray, _), (.boolArray, _):
      // A row more for a matrix.
      guard let shape = shape(of: value) else { break }
      return try collected(try elements(of: value) + [element], emptyShape: shape)
    default: break
    }
    throw unsuitable("`append`", value)
  }

  private static func collected(_ elements: [Value], emptyShape: [Int]) throws -> Value {
    let result = try collected(elements)
    if case .list = result {
      throw Fault("R009", "rows of different shapes do not make an array", expected: "shape \(emptyShape.dropFirst())")
    }
    return result
  }

  /// The range from `lower` to `upper`; one that runs backwards is empty.
  package static func range(_ lower: Int, _ upper: Int, isClosed: Bool) throws -> Value {
    let (end, didOverflow) = isClosed ? upper.addingReportingOverflow(1) : (upper, false)
    if didOverflow { throw overflow("+", upper, 1) }
    return .range(lower, max(lower, end))
  }

  // MARK: - Conversions

  package static func convert(_ value: Value, _ conversion: Conversion, to type: Type) throws -> Value {
    switch conversion {
    case .intToReal:
      switch value {
      case .int(let number): return .real(Double(number))
      case .intArray(let array):
        return .realArray(RealArray(shape: array.shape, elements: array.elements.map(Double.init)))
      case .none, .real, .realArray: return value
      case .range: return try convert(.intArray(integers(value)), .intToReal, to: type)
      case .list(let elements): return .list(try elements.map { try convert($0, .intToReal, to: .real) })
      default: throw unsuitable("a conversion to Real", value)
      }
    case .boolToInt:
      switch value {
      case .bool(let flag): return .int(flag ? 1 : 0)
      case .boolArray(let array):
        return .intArray(IntArray(shape: array.shape, elements: array.elements.map { $0 ? 1 : 0 }))
      case .list(let elements): return .list(try elements.map { try convert($0, .boolToInt, to: .int) })
      default: return value
      }
    case .wrap:
      // `.none` as a value of type `T` can only be an optional itself: wrapping it must not lose a level.
      if case .optional(.optional) = type { return .some(value) }
      return value
    case .indexToInt:
      if case .intArray(var array) = value {
        array.index = nil
        return .intArray(array)
      }
      return value
    case .intToIndex:
      return try toIndex(value, type)
    case .listToArray:
      if case .list(let elements) = value { return try makeArray(elements, type: type) }
      if case .range = value { return .intArray(try integers(value)) }
      return value
    case .elements(let inner):
      let elementType = elementType(of: type)
      switch value {
      case .none: return .none
      case .some(let wrapped): return .some(try convert(wrapped, inner, to: elementType))
      case .list(let elements): return .list(try elements.map { try convert($0, inner, to: elementType) })
      case .dictionary(let dictionary):
        return .dictionary(
          DictionaryValue(try dictionary.pairs.map { ($0.key, try convert($0.value, inner, to: elementType)) }))
      default: return try convert(value, inner, to: elementType)
      }
    case .fromDynamic:
      return try checked(value, as: type)
    case .toDynamic, .toInitialization:
      return value
    }
  }

  private static func elementType(of type: Type) -> Type {
    switch type {
    case .list(let element, _): element
    case .optional(let wrapped): wrapped
    case .dictionary(_, let value): value
    case .array(.real, _): .real
    case .array(.int, _): .int
    case .array(.bool, _): .bool
    case .array(.index(let extent), _): .index(extent)
    default: type
    }
  }

  private static func toIndex(_ value: Value, _ type: Type) throws -> Value {
    var bound: Int?
    if case .index(.literal(let count)) = type { bound = count }
    if case .array(.index(.literal(let count)), _) = type { bound = count }
    switch value {
    case .int(let number):
      guard number >= 0, number < bound ?? Int.max else {
        throw Fault(
          "R011", "\(number) is not an index", expected: bound.map { "0 to \($0 - 1)" } ?? "0 or more",
          found: "\(number)")
      }
      return value
    case .intArray(var array):
      if let info = array.index, bound == nil || bound == info.extent { return .intArray(array.with(info)) }
      let top = array.elements.max() ?? -1
      let extent = bound ?? (top == Int.max ? top : top + 1)
      try checkIndices(array.elements, extent)
      array.index = IndexInfo(extent: extent, levels: nil)
      return .intArray(array)
    case .list(let elements) where elements.isEmpty:
      return .intArray(IntArray(shape: [0], elements: [], index: IndexInfo(extent: bound ?? 0, levels: nil)))
    default:
      return value
    }
  }

  /// The integers of a range as an array.
  package static func integers(_ value: Value) throws -> IntArray {
    switch value {
    case .range(let lower, let upper):
      guard lower < upper else { return IntArray(shape: [0], elements: []) }
      let (count, overflow) = upper.subtractingReportingOverflow(lower)
      try checkBudget(overflow ? Int.max : count, "a range")
      return IntArray(shape: [count], elements: Array(lower..<upper))
    case .intArray(let array): return array
    case .list(let elements) where elements.isEmpty: return IntArray(shape: [0], elements: [])
    default: throw unsuitable("a list of integers", value)
    }
  }

  /// A dynamic value as a value of a static type, or an error that says what it is.
  package static func checked(_ value: Value, as type: Type) throws -> Value {
    switch (type, value) {
    case (.dynamic, _), (.generic, _), (.erroneous, _): return value
    case (.optional, .none): return value
    case (.optional(let wrapped), _): return try checked(value, as: wrapped)
    case (_, .none):
      throw Fault("R010", "the value is `nil`", help: "test it with `if let`, or give a default with `??`")
    case (.unit, .unit), (.bool, .bool), (.int, .int), (.real, .real), (.string, .string), (.index, .int): return value
    case (.real, .int(let number)): return .real(Double(number))
    case (.array(.real, let extents), .realArray(let array)):
      return try checkExtents(value, array.shape, extents)
    case (.array(.real, _), .intArray): return try checked(try convert(value, .intToReal, to: type), as: type)
    case (.array(.int, let extents), .intArray(let array)), (.array(.index, let extents), .intArray(let array)):
      return try checkExtents(value, array.shape, extents)
    case (.array(.int, _), .range): return .intArray(try integers(value))
    case (.array(.bool, let extents), .boolArray(let array)): return try checkExtents(value, array.shape, extents)
    case (.array, .list(let elements)): return try checked(try makeArray(elements, type: type), as: type)
    case (.list, .list), (.dictionary, .dictionary), (.range, .range), (.table, .table): return value
    case (.list, .realArray), (.list, .intArray), (.list, .boolArray): return .list(try elements(of: value))
    case (.tuple(let fields), .tuple(let parts)) where fields.count == parts.count:
      return .tuple(try zip(fields, parts).map { try checked($1, as: $0.type) })
    case (.structure(let a), .structure(let b, _)) where a == b: return value
    case (.enumeration(let a), .enumeration(let b, _, _)) where a == b: return value
    case (.function, .function), (.function, .closure), (.function, .intrinsicFunction): return value
    case (.distribution, .engine), (.model, .engine), (.posterior, .engine), (.opaque, _), (.sites, _): return value
    case (.metatype, _): return value
    default:
      throw Fault("R006", "the value has another type", expected: words(type), found: words(value))
    }
  }

  private static func checkExtents(_ value: Value, _ shape: [Int], _ extents: [Extent]) throws -> Value {
    guard shape.count == extents.count else {
      throw Fault(
        "R006", "the array has rank \(shape.count)", expected: "rank \(extents.count)", found: "shape \(shape)")
    }
    for (length, extent) in zip(shape, extents) {
      if case .literal(let wanted) = extent, wanted != length {
        throw Fault("R004", "the array has \(length) elements", expected: "\(wanted)", found: "\(length)")
      }
    }
    return value
  }

  /// A static type in words.
  package static func words(_ type: Type) -> String {
    switch type {
    case .unit: "nothing"
    case .bool: "a Bool"
    case .int: "an Int"
    case .real: "a Real"
    case .string: "a String"
    case .index: "an index"
    case .array(.real, let extents) where extents.count == 1: "a vector"
    case .array(.real, let extents) where extents.count == 2: "a matrix"
    case .array(let scalar, let extents): "an array of \(scalarWords(scalar)) of rank \(extents.count)"
    case .list: "a list"
    case .dictionary: "a dictionary"
    case .tuple(let fields): "a tuple of \(fields.count)"
    case .optional(let wrapped): words(wrapped) + " or nil"
    case .function: "a function"
    case .range: "a range"
    case .structure: "a structure"
    case .enumeration: "an enum case"
    case .table: "a table"
    case .distribution: "a distribution"
    case .model: "a model"
    case .posterior: "a posterior"
    case .sites: "a sub-model's sites"
    case .opaque(let name): "a \(name)"
    case .metatype: "a type"
    case .generic(let name): name
    case .dynamic: "a value"
    case .erroneous: "an erroneous value"
    }
  }

  private static func scalarWords(_ scalar: Scalar) -> String {
    switch scalar {
    case .real: "Real"
    case .int: "Int"
    case .bool: "Bool"
    case .index: "Index"
    }
  }
}

extension IntArray {
  func with(_ info: IndexInfo) -> IntArray {
    var copy = self
    copy.index = info
    return copy
  }
}
