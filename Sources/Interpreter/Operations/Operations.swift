package import Syntax

/// The primitive operations of the dialect on concrete values: shared by script code and the tracer.
///
/// Every function throws a ``Fault`` without a place; the caller knows the span.
package enum Operations {
  /// The most elements one value may have: one more gigabyte of reals is a mistake more often than a wish.
  package static let elementLimit = 1 << 27

  /// Refuses to make a value that is too large.
  package static func checkBudget(_ count: Int, _ what: @autoclosure () -> String = "an array") throws {
    guard count >= 0, count <= elementLimit else {
      throw Fault(
        "R008", "\(what()) of \(count) elements is over the memory budget",
        expected: "at most \(elementLimit) elements", help: "check the sizes that this was made from")
    }
  }

  /// The product of extents, refused when it overflows or passes the budget.
  package static func elementCount(_ shape: [Int]) throws -> Int {
    var count = 1
    for extent in shape {
      guard extent >= 0 else {
        throw Fault("R012", "an extent cannot be negative", found: "\(extent)")
      }
      let (product, overflow) = count.multipliedReportingOverflow(by: extent)
      if overflow { try checkBudget(Int.max) }
      count = product
    }
    try checkBudget(count)
    return count
  }

  // MARK: - Words for messages

  /// What a value is, in words: `a vector of length 3`.
  package static func words(_ value: Value) -> String {
    switch value {
    case .unit: "nothing"
    case .none: "nil"
    case .some(let inner): words(inner)
    case .bool: "a Bool"
    case .int: "an Int"
    case .real: "a Real"
    case .string: "a String"
    case .realArray(let array): arrayWords("Real", array.shape)
    case .intArray(let array): arrayWords(array.index == nil ? "Int" : "Index", array.shape)
    case .boolArray(let array): arrayWords("Bool", array.shape)
    case .list(let elements): "a list of \(elements.count)"
    case .dictionary(let dictionary): "a dictionary of \(dictionary.count)"
    case .tuple(let elements): "a tuple of \(elements.count)"
    case .structure: "a structure"
    case .enumeration: "an enum case"
    case .range(let lower, let upper): "the range \(lower)..<\(upper)"
    case .function, .intrinsicFunction, .closure: "a function"
    case .table(let table): "a table of \(table.rowCount) rows"
    case .paths: "key paths"
    case .engine(let value): "a \(type(of: value).typeName)"
    case .traced: "a value of the model"
    }
  }

  private static func arrayWords(_ element: String, _ shape: [Int]) -> String {
    switch (element, shape.count) {
    case ("Real", 1): "a vector of length \(shape[0])"
    case ("Real", 2): "a matrix of \(shape[0]) × \(shape[1])"
    case (_, 1): "an array of \(shape[0]) \(element)"
    default: "an array of \(element) of shape \(shape)"
    }
  }

  static func unsuitable(_ what: String, _ value: Value) -> Fault {
    Fault("R020", "\(what) does not work on \(words(value))", found: words(value))
  }

  // MARK: - Extents

  /// The length of an axis; axis −1 is the bound of index elements. Nil where the value has no such axis.
  package static func extent(of value: Value, axis: Int) -> Int? {
    if axis < 0 {
      switch value {
      case .intArray(let array):
        return array.index?.extent ?? (array.elements.max() ?? -1) + 1
      case .int(let number): return number == Int.max ? nil : number + 1
      default: return nil
      }
    }
    switch value {
    case .realArray(let array): return axis < array.shape.count ? array.shape[axis] : nil
    case .intArray(let array): return axis < array.shape.count ? array.shape[axis] : nil
    case .boolArray(let array): return axis < array.shape.count ? array.shape[axis] : nil
    case .list(let elements):
      if axis == 0 { return elements.count }
      return elements.first.flatMap { extent(of: $0, axis: axis - 1) }
    case .table(let table): return axis == 0 ? table.rowCount : nil
    case .range(let lower, let upper): return axis == 0 ? max(0, upper - lower) : nil
    default: return nil
    }
  }

  /// The shape of a dense array; nil for other values, empty for scalars.
  package static func shape(of value: Value) -> [Int]? {
    switch value {
    case .bool, .int, .real: []
    case .realArray(let array): array.shape
    case .intArray(let array): array.shape
    case .boolArray(let array): array.shape
    default: nil
    }
  }

  /// How many elements a loop over the value sees.
  package static func count(_ value: Value) throws -> Int {
    switch value {
    case .realArray(let array): return array.shape.first ?? 0
    case .intArray(let array): return array.shape.first ?? 0
    case .boolArray(let array): return array.shape.first ?? 0
    case .list(let elements): return elements.count
    case .dictionary(let dictionary): return dictionary.count
    case .range(let lower, let upper): return max(0, upper - lower)
    case .string(let text): return characterCount(text)
    case .table(let table): return table.rowCount
    default: throw unsuitable("counting", value)
    }
  }

  /// How many characters a reader sees. ASCII text has as many as bytes, but for CR LF, which is one.
  static func characterCount(_ text: String) -> Int {
    var copy = text
    let isPlain = copy.withUTF8 { bytes in
      var mask: UInt8 = 0
      for byte in bytes { mask |= byte | (byte == 0x0D ? 0x80 : 0) }
      return mask < 0x80
    }
    return isPlain ? text.utf8.count : text.count
  }

  /// The elements a loop over the value sees, in order; dictionaries give pairs.
  package static func elements(of value: Value) throws -> [Value] {
    switch value {
    case .realArray(let array):
      if array.shape.count == 1 { return array.elements.map { .real($0) } }
      return try (0..<(array.shape.first ?? 0)).map { try element(value, at: $0) }
    case .intArray(let array):
      if array.shape.count == 1 { return array.elements.map { .int($0) } }
      return try (0..<(array.shape.first ?? 0)).map { try element(value, at: $0) }
    case .boolArray(let array):
      if array.shape.count == 1 { return array.elements.map { .bool($0) } }
      return try (0..<(array.shape.first ?? 0)).map { try element(value, at: $0) }
    case .list(let elements): return elements
    case .dictionary(let dictionary): return dictionary.pairs.map { .tuple([$0.key, $0.value]) }
    case .range(let lower, let upper):
      guard lower < upper else { return [] }
      try checkBudget(upper - lower, "a range")
      return (lower..<upper).map { .int($0) }
    case .string(let text): return text.map { .string(String($0)) }
    default: throw unsuitable("a loop", value)
    }
  }

  /// Element `position` of what `elements(of:)` would give.
  package static func element(_ value: Value, at position: Int) throws -> Value {
    switch value {
    case .range(let lower, let upper):
      guard position >= 0, position < max(0, upper - lower) else {
        throw outOfRange(position, count: max(0, upper - lower))
      }
      return .int(lower + position)
    case .dictionary(let dictionary):
      let pairs = dictionary.pairs
      guard position >= 0, position < pairs.count else { throw outOfRange(position, count: pairs.count) }
      return .tuple([pairs[position].key, pairs[position].value])
    default:
      return try index(value, [.value(.int(position))])
    }
  }

  static func outOfRange(_ index: Int, count: Int, axis: Int? = nil) -> Fault {
    let place = axis.map { $0 == 0 ? "" : " of axis \($0)" } ?? ""
    let expected = count == 0 ? "nothing: it is empty" : "0 to \(count - 1)"
    let help = index < 0 ? "indices start at 0; for the end use `x[x.count - 1]`" : nil
    return Fault(
      "R003", "index \(index)\(place) is out of range", expected: expected, found: "\(index)", help: help)
  }

  // MARK: - Equality

  /// Whether two values are equal as wholes: what `==` means on everything that is not a dense array.
  package static func isSame(_ left: Value, _ right: Value) -> Bool {
    switch (left, right) {
    case (.unit, .unit), (.none, .none): return true
    case (.some(let a), .some(let b)): return isSame(a, b)
    case (.some(let a), let b): return isSame(a, b)
    case (let a, .some(let b)): return isSame(a, b)
    case (.bool(let a), .bool(let b)): return a == b
    case (.int(let a), .int(let b)): return a == b
    case (.real(let a), .real(let b)): return a == b
    case (.int(let a), .real(let b)): return Double(a) == b
    case (.real(let a), .int(let b)): return a == Double(b)
    case (.string(let a), .string(let b)): return DictionaryKey.sameText(a, b)
    case (.realArray(let a), .realArray(let b)): return a.shape == b.shape && a.elements == b.elements
    case (.intArray(let a), .intArray(let b)): return a.shape == b.shape && a.elements == b.elements
    case (.boolArray(let a), .boolArray(let b)): return a.shape == b.shape && a.elements == b.elements
    case (.list(let a), .list(let b)), (.tuple(let a), .tuple(let b)): return allSame(a, b)
    case (.dictionary(let a), .dictionary(let b)):
      guard a.count == b.count else { return false }
      return a.pairs.allSatisfy { pair in b[pair.key].map { isSame(pair.value, $0) } ?? false }
    case (.structure(let i, let a), .structure(let j, let b)): return i == j && allSame(a, b)
    case (.enumeration(let i, let m, let a), .enumeration(let j, let n, let b)):
      return i == j && m == n && allSame(a, b)
    case (.range(let a, let b), .range(let c, let d)): return a == c && b == d
    case (.function(let a), .function(let b)): return a == b
    case (.intrinsicFunction(let a), .intrinsicFunction(let b)): return a == b
    case (.paths(let a), .paths(let b)): return a == b
    case (.table(let a), .table(let b)):
      guard a.rowCount == b.rowCount, a.columns.count == b.columns.count else { return false }
      return zip(a.columns, b.columns).allSatisfy { $0.name == $1.name && isSame($0.values, $1.values) }
    case (.engine(let a), .engine(let b)): return a === b || a.isSame(as: b)
    default: return false
    }
  }

  /// Whether two tables of values have the same names with the same values.
  package static func allSame(_ left: [String: Value], _ right: [String: Value]) -> Bool {
    left.count == right.count && left.allSatisfy { name, value in right[name].map { isSame(value, $0) } ?? false }
  }

  package static func allSame(_ left: [Value], _ right: [Value]) -> Bool {
    left.count == right.count && zip(left, right).allSatisfy { isSame($0, $1) }
  }

  /// Whether two values are the same to the last bit, so that one may stand for the other.
  package static func isIdentical(_ left: Value, _ right: Value) -> Bool {
    switch (left, right) {
    case (.real(let a), .real(let b)): return a.bitPattern == b.bitPattern
    case (.int, .real), (.real, .int): return false
    case (.realArray(let a), .realArray(let b)):
      return a.shape == b.shape && zip(a.elements, b.elements).allSatisfy { $0.bitPattern == $1.bitPattern }
    case (.intArray(let a), .intArray(let b)):
      return a.shape == b.shape && a.elements == b.elements && a.index === b.index
    case (.list(let a), .list(let b)), (.tuple(let a), .tuple(let b)):
      return a.count == b.count && zip(a, b).allSatisfy { isIdentical($0, $1) }
    case (.structure(let i, let a), .structure(let j, let b)):
      return i == j && a.count == b.count && zip(a, b).allSatisfy { isIdentical($0, $1) }
    case (.enumeration(let i, let m, let a), .enumeration(let j, let n, let b)):
      return i == j && m == n && a.count == b.count && zip(a, b).allSatisfy { isIdentical($0, $1) }
    case (.closure(let a), .closure(let b)):
      return a.code === b.code && a.captures.count == b.captures.count
        && zip(a.captures, b.captures).allSatisfy { isIdentical($0, $1) }
    default: return isSame(left, right)
    }
  }

  // MARK: - Parts

  package static func field(_ value: Value, _ index: Int) throws -> Value {
    guard case .structure(_, let fields) = value, index >= 0, index < fields.count else {
      throw unsuitable("a field", value)
    }
    return fields[index]
  }

  package static func tupleElement(_ value: Value, _ index: Int) throws -> Value {
    guard case .tuple(let elements) = value, index >= 0, index < elements.count else {
      throw unsuitable("a tuple element", value)
    }
    return elements[index]
  }

  /// `d[key]`: the value, or nil.
  package static func key(_ base: Value, _ key: Value) throws -> Value {
    guard case .dictionary(let dictionary) = base else { throw unsuitable("a key", base) }
    return dictionary[key] ?? .none
  }

  /// `d` with a value under a key; nil removes it.
  package static func settingKey(_ base: Value, _ key: Value, _ value: Value) throws -> Value {
    guard case .dictionary(var dictionary) = base else { throw unsuitable("a key", base) }
    if case .none = value { dictionary.remove(key) } else { dictionary.set(key, value) }
    return .dictionary(dictionary)
  }

  /// A column of a table as an array.
  package static func column(_ base: Value, _ name: String) throws -> Value {
    guard case .table(let table) = base else { throw unsuitable("a column", base) }
    guard let column = table.columns.first(where: { $0.name == name }) else {
      let near = Spelling.nearest(name, in: table.columns.map(\.name))
      throw Fault(
        "R016", "there is no column `\(name)`" + (table.origin.map { " in \($0)" } ?? ""),
        expected: "one of " + table.columns.prefix(12).map { "`\($0.name)`" }.joined(separator: ", "),
        help: near.map { "did you mean `\($0)`?" })
    }
    return column.values
  }
}

/// Near names for suggestions.
package enum Spelling {
  /// The candidate with the smallest edit distance, when it is near enough to be meant.
  package static func nearest(_ name: String, in candidates: [String]) -> String? {
    var best: (name: String, distance: Int)?
    for candidate in candidates where !candidate.isEmpty {
      let distance = distance(Array(name.lowercased().utf8), Array(candidate.lowercased().utf8))
      if distance < (best?.distance ?? Int.max) { best = (candidate, distance) }
    }
    guard let best, best.distance <= max(1, name.utf8.count / 3) else { return nil }
    return best.name
  }

  /// Levenshtein's edit distance.
  private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
    if left.count > 64 || right.count > 64 { return left == right ? 0 : Int.max / 2 }
    var row = Array(0...right.count)
    for (i, a) in left.enumerated() {
      var diagonal = row[0]
      row[0] = i + 1
      for (j, b) in right.enumerated() {
        let substituted = diagonal + (a == b ? 0 : 1)
        diagonal = row[j + 1]
        row[j + 1] = min(substituted, row[j] + 1, row[j + 1] + 1)
      }
    }
    return row[right.count]
  }
}
