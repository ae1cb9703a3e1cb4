import Checking
import Foundation
import Numerics

/// Functions of numbers.
package enum MathLibrary {
  package static let all: [Intrinsic] = elementwise + binary + general + conversions

  private static let elementwise: [Intrinsic] = [
    real("exp") { exp($0) }, real("log") { log($0) }, real("log10") { log10($0) }, real("log2") { log2($0) },
    real("log1p") { log1p($0) }, real("expm1") { expm1($0) }, real("sqrt") { $0.squareRoot() },
    real("sin") { sin($0) }, real("cos") { cos($0) }, real("tan") { tan($0) }, real("asin") { asin($0) },
    real("acos") { acos($0) }, real("atan") { atan($0) }, real("sinh") { sinh($0) }, real("cosh") { cosh($0) },
    real("tanh") { tanh($0) }, real("floor") { $0.rounded(.down) }, real("ceil") { $0.rounded(.up) },
    // Halves go away from zero, as in Swift and C.
    real("round") { $0.rounded(.toNearestOrAwayFromZero) }, real("trunc") { $0.rounded(.towardZero) },
    real("square") { $0 * $0 }, real("logistic") { Special.logistic($0) }, real("logit") { log($0) - log1p(-$0) },
    real("softplus") { Special.softplus($0) }, real("logLogistic") { Special.logLogistic($0) },
    real("log1mexp") { Special.logOneMinusExp($0) },
    real("lgamma") { Special.logGamma($0) }, real("digamma") { Special.digamma($0) },
    real("trigamma") { Special.trigamma($0) }, real("erf") { Special.erf($0) }, real("erfc") { Special.erfc($0) },
    real("normalCDF") { Special.normalCDF($0) }, real("normalQuantile") { Special.normalQuantile($0) },
  ]

  private static func real(_ name: String, _ body: @escaping @Sendable (Double) -> Double) -> Intrinsic {
    Intrinsic("\(name)(_:)", body: .real1(body))
  }

  private static let binary: [Intrinsic] = [
    Intrinsic("pow(_:_:)", body: .real2 { Operations.power($0, $1) }),
    Intrinsic("atan2(_:_:)", body: .real2 { atan2($0, $1) }),
    Intrinsic("hypot(_:_:)", body: .real2 { hypot($0, $1) }),
    Intrinsic("logAddExp(_:_:)", body: .real2 { Special.logAddExp($0, $1) }),
    Intrinsic("logBeta(_:_:)", body: .real2 { Special.logBeta($0, $1) }),
    Intrinsic("logChoose(_:_:)", body: .real2 { Special.logChoose($0, $1) }),
  ]

  private static let general: [Intrinsic] = [
    CoreLibrary.make("abs(_:)") { a, _ in
      try mapped(a, ints: { $0 < 0 ? try Operations.negated($0) : $0 }, reals: { $0.magnitude })
    },
    CoreLibrary.make("sign(_:)") { a, _ in
      try mapped(a, ints: { $0.signum() }, reals: { $0 > 0 ? 1 : $0 < 0 ? -1 : $0 })
    },
    CoreLibrary.make("min(_:_:)") { a, _ in try paired(a, ints: min, reals: Operations.smaller) },
    CoreLibrary.make("max(_:_:)") { a, _ in try paired(a, ints: max, reals: Operations.larger) },
    CoreLibrary.make("clamp(_:_:_:)") { a, _ in
      let low = try paired(Arguments("clamp", [a[0], a[1]]), ints: max, reals: Operations.larger)
      return try paired(Arguments("clamp", [low, a[2]]), ints: min, reals: Operations.smaller)
    },
    CoreLibrary.make("quotient(_:_:)") { a, _ in
      try paired(a, ints: Operations.quotient, reals: { ($0 / $1).rounded(.towardZero) })
    },
    CoreLibrary.make("isNaN(_:)") { a, _ in try tested(a) { $0.isNaN } },
    CoreLibrary.make("isFinite(_:)") { a, _ in try tested(a) { $0.isFinite } },
    CoreLibrary.make("isInfinite(_:)") { a, _ in try tested(a) { $0.isInfinite } },
    CoreLibrary.make("factorial(_:)") { a, _ in
      let n = try a.int(0)
      guard n >= 0 else { throw Fault("R012", "`factorial` needs a number that is not negative", found: "\(n)") }
      var result = 1
      for factor in stride(from: 2, through: n, by: 1) {
        let (product, didOverflow) = result.multipliedReportingOverflow(by: factor)
        if didOverflow {
          throw Fault("R001", "the factorial of \(n) does not fit an Int", help: "use `exp(lgamma(\(n) + 1.0))`")
        }
        result = product
      }
      return .int(result)
    },
  ]

  private static let conversions: [Intrinsic] = [
    CoreLibrary.make("Int(_:)") { a, _ in
      switch a[0] {
      case .int, .intArray: return a[0]
      case .bool, .boolArray: return try Operations.convert(a[0], .boolToInt, to: .int)
      case .real(let number): return .int(try integer(number))
      case .realArray(let array):
        return .intArray(IntArray(shape: array.shape, elements: try array.elements.map { try integer($0) }))
      case .string(let text): return Int(text.trimmingCharacters(in: .whitespaces)).map { .int($0) } ?? .none
      default: throw a.wrong(0, "a number or a text")
      }
    },
    CoreLibrary.make("Real(_:)") { a, _ in
      switch a[0] {
      case .real, .realArray: return a[0]
      case .int, .intArray: return try Operations.convert(a[0], .intToReal, to: .real)
      case .bool(let flag): return .real(flag ? 1 : 0)
      case .boolArray(let array):
        return .realArray(RealArray(shape: array.shape, elements: array.elements.map { $0 ? 1 : 0 }))
      case .string(let text): return CSV.real(text.trimmingCharacters(in: .whitespaces)).map { .real($0) } ?? .none
      default: throw a.wrong(0, "a number or a text")
      }
    },
    CoreLibrary.make("Bool(_:)") { a, _ in
      switch a[0] {
      case .bool, .boolArray: return a[0]
      case .int(let number): return .bool(number != 0)
      case .string("true"): return .bool(true)
      case .string("false"): return .bool(false)
      case .string: return .none
      default: throw a.wrong(0, "a text or an Int")
      }
    },
    CoreLibrary.make("String(_:)") { a, context in .string(ValuePrinter(context.declarations).text(a[0])) },
  ]

  static func integer(_ number: Double) throws -> Int {
    let whole = number.rounded(.towardZero)
    guard let result = Int(exactly: whole) else {
      throw Fault("R006", "\(number) has no Int", expected: "a number between −2⁶³ and 2⁶³ − 1", found: "\(number)")
    }
    return result
  }

  private static func mapped(
    _ a: Arguments, ints: (Int) throws -> Int, reals: (Double) -> Double
  ) throws -> Value {
    switch a[0] {
    case .int(let number): return .int(try ints(number))
    case .real(let number): return .real(reals(number))
    case .intArray(let array):
      return .intArray(IntArray(shape: array.shape, elements: try array.elements.map { try ints($0) }))
    case .realArray(let array):
      return .realArray(RealArray(shape: array.shape, elements: array.elements.map { reals($0) }))
    default: throw a.wrong(0, "a number")
    }
  }

  private static func tested(_ a: Arguments, _ test: (Double) -> Bool) throws -> Value {
    switch a[0] {
    case .realArray(let array):
      return .boolArray(BoolArray(shape: array.shape, elements: array.elements.map { test($0) }))
    case .intArray(let array):
      return .boolArray(BoolArray(shape: array.shape, elements: array.elements.map { test(Double($0)) }))
    default: return .bool(test(try a.real(0)))
    }
  }

  private static func paired(
    _ a: Arguments, ints: (Int, Int) throws -> Int, reals: (Double, Double) -> Double
  ) throws -> Value {
    guard let left = Operations.shape(of: a[0]), let right = Operations.shape(of: a[1]) else {
      throw a.wrong(Operations.shape(of: a[0]) == nil ? 0 : 1, "a number")
    }
    let shape = try Operations.commonShape(left, right, a.name)
    if let x = Operations.ints(a[0]), let y = Operations.ints(a[1]) {
      let count = max(x.count, y.count)
      let isEmpty = x.isEmpty || y.isEmpty
      let result = try (0..<(isEmpty ? 0 : count)).map { try ints(x[x.count == 1 ? 0 : $0], y[y.count == 1 ? 0 : $0]) }
      return shape.isEmpty ? .int(result[0]) : .intArray(IntArray(shape: shape, elements: result))
    }
    let result = Operations.zipped(try a.reals(0), try a.reals(1)) { reals($0, $1) }
    return shape.isEmpty ? .real(result[0]) : .realArray(RealArray(shape: shape, elements: result))
  }
}
