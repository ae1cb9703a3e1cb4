package import Checking

/// Arguments of a library function, read with checks.
struct Arguments {
  let name: String
  let values: [Value]

  init(_ name: String, _ values: [Value]) {
    self.name = Operations.baseName(name)
    self.values = values
  }

  subscript(index: Int) -> Value { index < values.count ? values[index] : .none }

  func wrong(_ index: Int, _ expected: String) -> Fault {
    Fault(
      "R006", "`\(name)` needs \(expected) as argument \(index + 1)", expected: expected,
      found: Operations.words(self[index]))
  }

  func int(_ index: Int) throws -> Int {
    guard case .int(let number) = self[index] else { throw wrong(index, "an Int") }
    return number
  }

  func optionalInt(_ index: Int) throws -> Int? {
    if case .none = self[index] { return nil }
    return try int(index)
  }

  /// A size: not negative, within the budget.
  func count(_ index: Int) throws -> Int {
    let count = try int(index)
    guard count >= 0 else {
      throw Fault("R012", "`\(name)` needs a count that is not negative", found: "\(count)")
    }
    try Operations.checkBudget(count)
    return count
  }

  func real(_ index: Int) throws -> Double {
    switch self[index] {
    case .real(let number): return number
    case .int(let number): return Double(number)
    default: throw wrong(index, "a Real")
    }
  }

  func bool(_ index: Int) throws -> Bool {
    guard case .bool(let flag) = self[index] else { throw wrong(index, "a Bool") }
    return flag
  }

  func string(_ index: Int) throws -> String {
    guard case .string(let text) = self[index] else { throw wrong(index, "a String") }
    return text
  }

  func strings(_ index: Int) throws -> [String] {
    guard case .list(let elements) = self[index] else { throw wrong(index, "a list of texts") }
    return try elements.map {
      guard case .string(let text) = $0 else { throw wrong(index, "a list of texts") }
      return text
    }
  }

  func elements(_ index: Int) throws -> [Value] { try Operations.elements(of: self[index]) }

  func table(_ index: Int) throws -> TableValue {
    guard case .table(let table) = self[index] else { throw wrong(index, "a table") }
    return table
  }

  func dictionary(_ index: Int) throws -> DictionaryValue {
    guard case .dictionary(let dictionary) = self[index] else { throw wrong(index, "a dictionary") }
    return dictionary
  }

  /// All elements of a number or numeric array as reals, whatever its rank.
  func reals(_ index: Int) throws -> [Double] {
    if let reals = Operations.reals(self[index]) { return reals }
    if case .list(let elements) = self[index] {
      return try elements.map {
        if case .none = $0 {
          throw Fault("R010", "`\(name)` met a missing value", help: "drop missing values first: `dropMissing(x)`")
        }
        return try Machine.real($0)
      }
    }
    if case .range = self[index] { return try Operations.integers(self[index]).elements.map(Double.init) }
    throw wrong(index, "numbers")
  }

  /// All elements, at least `minimum` of them.
  func reals(_ index: Int, atLeast minimum: Int) throws -> [Double] {
    let result = try reals(index)
    guard result.count >= minimum else {
      throw Fault(
        "R012", "`\(name)` needs at least \(minimum) \(minimum == 1 ? "element" : "elements")",
        found: result.isEmpty ? "an empty array" : "\(result.count)")
    }
    return result
  }

  func vector(_ index: Int) throws -> [Double] {
    guard let shape = Operations.shape(of: self[index]) else { return try reals(index) }
    guard shape.count == 1 else { throw wrong(index, "a vector") }
    return try reals(index)
  }

  func matrix(_ index: Int) throws -> (rows: Int, columns: Int, elements: [Double]) {
    guard let shape = Operations.shape(of: self[index]), shape.count == 2 else { throw wrong(index, "a matrix") }
    return (shape[0], shape[1], try reals(index))
  }

  func square(_ index: Int) throws -> (size: Int, elements: [Double]) {
    let matrix = try matrix(index)
    guard matrix.rows == matrix.columns else {
      throw Fault("R004", "`\(name)` needs a square matrix", found: "\(matrix.rows) × \(matrix.columns)")
    }
    return (matrix.rows, matrix.elements)
  }
}

extension Value {
  /// What an optional holds, and any other value itself; nil for `nil`.
  package var unwrapped: Value? {
    switch self {
    case .none: nil
    case .some(let inner): inner
    default: self
    }
  }

  static func vector(_ elements: [Double]) -> Value { .realArray(RealArray(elements)) }
  static func matrix(_ rows: Int, _ columns: Int, _ elements: [Double]) -> Value {
    .realArray(RealArray(shape: [rows, columns], elements: elements))
  }
  static func integers(_ elements: [Int]) -> Value { .intArray(IntArray(shape: [elements.count], elements: elements)) }
  static func texts(_ elements: [String]) -> Value { .list(elements.map { .string($0) }) }
}

/// The core library of the dialect: everything that `stdlib/core*.cairn` declares.
package enum CoreLibrary {
  package static let all: [Intrinsic] =
    MathLibrary.all + ArrayLibrary.all + StatisticsLibrary.all + LinearAlgebraLibrary.all + StringLibrary.all
    + DictionaryLibrary.all + TableLibrary.all + OutputLibrary.all + RandomLibrary.all + PlotLibrary.all

  /// A registry with the core library.
  package static var registry: IntrinsicRegistry {
    var registry = IntrinsicRegistry()
    registry.register(all.map(TracedLibrary.withTrace))
    return registry
  }

  /// Registers a general function whose body reads its arguments by position.
  static func make(
    _ name: String, epoch: Int = 1, _ run: @escaping @Sendable (Arguments, any CallContext) throws -> Value
  ) -> Intrinsic {
    Intrinsic(name, epoch: epoch, body: .general { context, values in try run(Arguments(name, values), context) })
  }
}
