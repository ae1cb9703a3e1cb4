import Foundation
package import Syntax

// Unary and binary operators on scalars and dense arrays, and the linear-algebra product.
extension Operations {
  package static func unary(_ operation: UnaryOperator, _ value: Value) throws -> Value {
    switch (operation, value) {
    case (.minus, .int(let number)): return .int(try negated(number))
    case (.minus, .real(let number)): return .real(-number)
    case (.minus, .realArray(let array)):
      return .realArray(RealArray(shape: array.shape, elements: array.elements.map { -$0 }))
    case (.minus, .intArray(let array)):
      return .intArray(IntArray(shape: array.shape, elements: try array.elements.map { try negated($0) }))
    case (.plus, .int), (.plus, .real), (.plus, .realArray), (.plus, .intArray): return value
    case (.not, .bool(let flag)): return .bool(!flag)
    case (.not, .boolArray(let array)):
      return .boolArray(BoolArray(shape: array.shape, elements: array.elements.map { !$0 }))
    default: throw unsuitable("`\(operation.rawValue)`", value)
    }
  }

  package static func binary(_ operation: BinaryOperator, _ left: Value, _ right: Value) throws -> Value {
    switch (left, right) {
    case (.int(let a), .int(let b)): return try onInts(operation, a, b)
    case (.real(let a), .real(let b)): return try onReals(operation, a, b)
    case (.int(let a), .real(let b)): return try onReals(operation, Double(a), b)
    case (.real(let a), .int(let b)): return try onReals(operation, a, Double(b))
    case (.bool(let a), .bool(let b)):
      switch operation {
      case .equal: return .bool(a == b)
      case .notEqual: return .bool(a != b)
      case .and: return .bool(a && b)
      case .or: return .bool(a || b)
      default: throw unsuitable("`\(operation.rawValue)`", left)
      }
    case (.string(let a), .string(let b)): return try onStrings(operation, a, b)
    case (.realArray, _), (.intArray, _), (.boolArray, _), (_, .realArray), (_, .intArray), (_, .boolArray):
      if let result = try onArrays(operation, left, right) { return result }
    case (.list(let a), .list(let b)) where operation == .add:
      try checkBudget(a.count + b.count)
      return .list(a + b)
    case (.tuple(let a), .tuple(let b)):
      if let order = try lexicographic(operation, a, b) { return .bool(order) }
    default: break
    }
    switch operation {
    case .equal: return .bool(isSame(left, right))
    case .notEqual: return .bool(!isSame(left, right))
    default: throw unsuitable("`\(operation.rawValue)`", isPlain(left) ? right : left)
    }
  }

  private static func isPlain(_ value: Value) -> Bool {
    switch value {
    case .int, .real, .bool: true
    default: false
    }
  }

  // MARK: - Scalars

  static let overflowHelp = "an Int holds −2⁶³ to 2⁶³ − 1; use Real for larger numbers"

  static func overflow(_ operation: String, _ a: Int, _ b: Int) -> Fault {
    Fault("R001", "the result of `\(a) \(operation) \(b)` does not fit an Int", help: overflowHelp)
  }

  static func divisionByZero(_ operation: String) -> Fault {
    Fault("R002", "\(operation) by zero has no value among the integers", help: "test the divisor first, or use Real")
  }

  static func negated(_ number: Int) throws -> Int {
    let (result, didOverflow) = number.multipliedReportingOverflow(by: -1)
    if didOverflow { throw Fault("R001", "the negative of \(number) does not fit an Int", help: overflowHelp) }
    return result
  }

  package static func onInts(_ operation: BinaryOperator, _ a: Int, _ b: Int) throws -> Value {
    switch operation {
    case .equal: return .bool(a == b)
    case .notEqual: return .bool(a != b)
    case .less: return .bool(a < b)
    case .lessOrEqual: return .bool(a <= b)
    case .greater: return .bool(a > b)
    case .greaterOrEqual: return .bool(a >= b)
    case .divide, .elementDivide: return .real(Double(a) / Double(b))
    case .add, .subtract, .multiply, .elementMultiply, .remainder, .power:
      return .int(try integer(operation, a, b))
    case .and, .or, .coalesce: throw unsuitable("`\(operation.rawValue)`", .int(a))
    }
  }

  static func integer(_ operation: BinaryOperator, _ a: Int, _ b: Int) throws -> Int {
    let result: (partialValue: Int, overflow: Bool)
    switch operation {
    case .add: result = a.addingReportingOverflow(b)
    case .subtract: result = a.subtractingReportingOverflow(b)
    case .multiply, .elementMultiply: result = a.multipliedReportingOverflow(by: b)
    case .remainder: return try remainder(a, b)
    case .power: return try integerPower(a, b)
    default: throw unsuitable("`\(operation.rawValue)`", .int(a))
    }
    if result.overflow { throw overflow(operation.rawValue, a, b) }
    return result.partialValue
  }

  static func remainder(_ a: Int, _ b: Int) throws -> Int {
    if b == 0 { throw divisionByZero("a remainder") }
    // Int.min % -1 is 0, but the machine instruction traps.
    return b == -1 ? 0 : a % b
  }

  static func quotient(_ a: Int, _ b: Int) throws -> Int {
    if b == 0 { throw divisionByZero("a quotient") }
    let (result, didOverflow) = a.dividedReportingOverflow(by: b)
    if didOverflow { throw overflow("/", a, b) }
    return result
  }

  static func integerPower(_ base: Int, _ exponent: Int) throws -> Int {
    guard exponent >= 0 else {
      throw Fault(
        "R012", "an Int has no negative power among the integers", found: "\(base) ** \(exponent)",
        help: "write the base as a Real: `\(base).0 ** \(exponent)`")
    }
    var result = 1
    var factor = base
    var rest = exponent
    while rest > 0 {
      if rest & 1 == 1 {
        let (product, didOverflow) = result.multipliedReportingOverflow(by: factor)
        if didOverflow { throw overflow("**", base, exponent) }
        result = product
      }
      rest >>= 1
      if rest > 0 {
        let (square, didOverflow) = factor.multipliedReportingOverflow(by: factor)
        if didOverflow { throw overflow("**", base, exponent) }
        factor = square
      }
    }
    return result
  }

  package static func onReals(_ operation: BinaryOperator, _ a: Double, _ b: Double) throws -> Value {
    switch operation {
    case .equal: return .bool(a == b)
    case .notEqual: return .bool(a != b)
    case .less: return .bool(a < b)
    case .lessOrEqual: return .bool(a <= b)
    case .greater: return .bool(a > b)
    case .greaterOrEqual: return .bool(a >= b)
    case .add, .subtract, .multiply, .elementMultiply, .divide, .elementDivide, .remainder, .power:
      return .real(real(operation, a, b))
    case .and, .or, .coalesce: throw unsuitable("`\(operation.rawValue)`", .real(a))
    }
  }

  /// Arithmetic on reals; for operators that give a Bool the result is NaN.
  @inline(__always)
  static func real(_ operation: BinaryOperator, _ a: Double, _ b: Double) -> Double {
    switch operation {
    case .add: a + b
    case .subtract: a - b
    case .multiply, .elementMultiply: a * b
    case .divide, .elementDivide: a / b
    case .remainder: fmod(a, b)
    case .power: power(a, b)
    default: .nan
    }
  }

  /// `a ** b`; the common squares are exact products.
  @inline(__always)
  static func power(_ a: Double, _ b: Double) -> Double {
    b == 2 ? a * a : pow(a, b)
  }

  private static func onStrings(_ operation: BinaryOperator, _ a: String, _ b: String) throws -> Value {
    switch operation {
    case .add:
      try checkBudget(a.utf8.count + b.utf8.count, "a text")
      return .string(a + b)
    case .equal: return .bool(DictionaryKey.sameText(a, b))
    case .notEqual: return .bool(!DictionaryKey.sameText(a, b))
    case .less: return .bool(precedes(a, b))
    case .greater: return .bool(precedes(b, a))
    case .lessOrEqual: return .bool(!precedes(b, a))
    case .greaterOrEqual: return .bool(!precedes(a, b))
    default: throw unsuitable("`\(operation.rawValue)`", .string(a))
    }
  }

  /// Texts are ordered by their code points: the same order in every locale.
  static func precedes(_ a: String, _ b: String) -> Bool {
    a.utf8.lexicographicallyPrecedes(b.utf8)
  }

  private static func lexicographic(_ operation: BinaryOperator, _ a: [Value], _ b: [Value]) throws -> Bool? {
    switch operation {
    case .less, .lessOrEqual, .greater, .greaterOrEqual: break
    default: return nil
    }
    for (x, y) in zip(a, b) where !isSame(x, y) {
      let strict: BinaryOperator = operation == .less || operation == .lessOrEqual ? .less : .greater
      guard case .bool(let result) = try binary(strict, x, y) else { return nil }
      return result
    }
    return operation == .lessOrEqual || operation == .greaterOrEqual
  }

  // MARK: - Arrays

  /// Whether two shapes may meet: equal, or one a scalar's.
  static func commonShape(_ left: [Int], _ right: [Int], _ operation: String) throws -> [Int] {
    if left == right || right.isEmpty { return left }
    if left.isEmpty { return right }
    throw Fault(
      "R004", "`\(operation)` needs equal shapes, not \(left) and \(right)", expected: "\(left)", found: "\(right)",
      help: "only scalars broadcast")
  }

  private static func onArrays(_ operation: BinaryOperator, _ left: Value, _ right: Value) throws -> Value? {
    guard let leftShape = shape(of: left), let rightShape = shape(of: right) else { return nil }
    let shape = try commonShape(leftShape, rightShape, operation.rawValue)
    switch (left, right) {
    case (.intArray, .intArray), (.intArray, .int), (.int, .intArray):
      guard let a = ints(left), let b = ints(right) else { return nil }
      return try onIntArrays(operation, a, b, shape)
    case (.boolArray, .boolArray), (.boolArray, .bool), (.bool, .boolArray):
      guard let a = bools(left), let b = bools(right) else { return nil }
      switch operation {
      case .equal: return .boolArray(BoolArray(shape: shape, elements: zipped(a, b, ==)))
      case .notEqual: return .boolArray(BoolArray(shape: shape, elements: zipped(a, b, !=)))
      case .and: return .boolArray(BoolArray(shape: shape, elements: zipped(a, b) { $0 && $1 }))
      case .or: return .boolArray(BoolArray(shape: shape, elements: zipped(a, b) { $0 || $1 }))
      default: return nil
      }
    default:
      guard let a = reals(left), let b = reals(right) else { return nil }
      return onRealArrays(operation, a, b, shape)
    }
  }

  private static func onRealArrays(_ operation: BinaryOperator, _ a: [Double], _ b: [Double], _ shape: [Int]) -> Value?
  {
    func made(_ combine: (Double, Double) -> Double) -> Value {
      .realArray(RealArray(shape: shape, elements: zipped(a, b, combine)))
    }
    func compared(_ combine: (Double, Double) -> Bool) -> Value {
      .boolArray(BoolArray(shape: shape, elements: zipped(a, b, combine)))
    }
    switch operation {
    case .add: return made { $0 + $1 }
    case .subtract: return made { $0 - $1 }
    case .multiply, .elementMultiply: return made { $0 * $1 }
    case .divide, .elementDivide: return made { $0 / $1 }
    case .remainder: return made { fmod($0, $1) }
    case .power: return made { power($0, $1) }
    case .equal: return compared { $0 == $1 }
    case .notEqual: return compared { $0 != $1 }
    case .less: return compared { $0 < $1 }
    case .lessOrEqual: return compared { $0 <= $1 }
    case .greater: return compared { $0 > $1 }
    case .greaterOrEqual: return compared { $0 >= $1 }
    case .and, .or, .coalesce: return nil
    }
  }

  private static func onIntArrays(_ operation: BinaryOperator, _ a: [Int], _ b: [Int], _ shape: [Int]) throws -> Value?
  {
    func compared(_ combine: (Int, Int) -> Bool) -> Value {
      .boolArray(BoolArray(shape: shape, elements: zipped(a, b, combine)))
    }
    switch operation {
    case .equal: return compared { $0 == $1 }
    case .notEqual: return compared { $0 != $1 }
    case .less: return compared { $0 < $1 }
    case .lessOrEqual: return compared { $0 <= $1 }
    case .greater: return compared { $0 > $1 }
    case .greaterOrEqual: return compared { $0 >= $1 }
    case .divide, .elementDivide:
      return .realArray(RealArray(shape: shape, elements: zipped(a, b) { Double($0) / Double($1) }))
    case .add, .subtract, .multiply, .elementMultiply, .remainder, .power:
      return .intArray(IntArray(shape: shape, elements: try zippedThrowing(a, b) { try integer(operation, $0, $1) }))
    case .and, .or, .coalesce: return nil
    }
  }

  /// Element by element; an array of one element stands for a scalar against a longer or empty one.
  @inline(__always)
  static func zipped<A, B, C>(_ a: [A], _ b: [B], _ combine: (A, B) -> C) -> [C] {
    if a.count == b.count {
      return [C](unsafeUninitializedCapacity: a.count) { buffer, count in
        for index in 0..<a.count {
          (buffer.baseAddress.unsafelyUnwrapped + index).initialize(to: combine(a[index], b[index]))
        }
        count = a.count
      }
    }
    if b.count == 1 {
      let scalar = b[0]
      return a.map { combine($0, scalar) }
    }
    guard a.count == 1 else { return [] }
    let scalar = a[0]
    return b.map { combine(scalar, $0) }
  }

  private static func zippedThrowing<A, B, C>(_ a: [A], _ b: [B], _ combine: (A, B) throws -> C) throws -> [C] {
    if a.count == b.count { return try zip(a, b).map { try combine($0, $1) } }
    if b.count == 1 { return try a.map { try combine($0, b[0]) } }
    guard a.count == 1 else { return [] }
    return try b.map { try combine(a[0], $0) }
  }

  /// The elements of a number or numeric array as reals.
  package static func reals(_ value: Value) -> [Double]? {
    switch value {
    case .real(let number): [number]
    case .int(let number): [Double(number)]
    case .realArray(let array): array.elements
    case .intArray(let array): array.elements.map(Double.init)
    case .boolArray(let array): array.elements.map { $0 ? 1 : 0 }
    case .bool(let flag): [flag ? 1 : 0]
    default: nil
    }
  }

  /// The elements of an integer or integer array.
  package static func ints(_ value: Value) -> [Int]? {
    switch value {
    case .int(let number): [number]
    case .intArray(let array): array.elements
    default: nil
    }
  }

  package static func bools(_ value: Value) -> [Bool]? {
    switch value {
    case .bool(let flag): [flag]
    case .boolArray(let array): array.elements
    default: nil
    }
  }

  // MARK: - Product

  /// Matrix × matrix, matrix × vector, vector × matrix.
  package static func product(_ left: Value, _ right: Value) throws -> Value {
    guard let a = reals(left), let b = reals(right) else { throw unsuitable("`*`", left) }
    let leftShape: [Int] = shape(of: left) ?? []
    let rightShape: [Int] = shape(of: right) ?? []
    if leftShape.isEmpty || rightShape.isEmpty { return try binary(.multiply, left, right) }
    guard leftShape.count <= 2, rightShape.count <= 2, leftShape.count + rightShape.count >= 3 else {
      throw Fault(
        "R004", "`*` is the product of matrices and vectors", found: "\(leftShape) and \(rightShape)",
        help: "use `.*` element by element, or `dot(a, b)`")
    }
    let inner = leftShape[leftShape.count - 1]
    guard inner == rightShape[0] else {
      throw Fault(
        "R004", "a product of \(leftShape) and \(rightShape) needs equal inner extents", expected: "\(inner)",
        found: "\(rightShape[0])")
    }
    let rows = leftShape.count == 2 ? leftShape[0] : 1
    let columns = rightShape.count == 2 ? rightShape[1] : 1
    var shape: [Int] = []
    if leftShape.count == 2 { shape.append(rows) }
    if rightShape.count == 2 { shape.append(columns) }
    let count = try elementCount(shape)
    var result = [Double](repeating: 0, count: count)
    for row in 0..<rows {
      for k in 0..<inner {
        let factor = a[row * inner + k]
        let source = k * columns
        let target = row * columns
        for column in 0..<columns { result[target + column] += factor * b[source + column] }
      }
    }
    return .realArray(RealArray(shape: shape, elements: result))
  }
}
