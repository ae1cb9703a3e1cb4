/// Elementary and special functions written as IR, for one lane or eight, with the same bits in both.
///
/// Each has a stated bound on its error, in units in the last place (ulp), which the tests hold it to; each is right at
/// infinities, NaN, zeros and subnormal numbers.
enum InlineMath {
  /// Writes f(x) into the function that `w` is writing. The function itself is written once per module and width.
  ///
  /// - Parameter isNonnegative: Whether x is known to be +0, positive, or not a number: the bits are the same, with fewer
  ///   special cases.
  static func apply(_ function: Function, _ x: IRValue, isNonnegative: Bool = false, in w: IRWriter) -> IRValue {
    let isShort = isNonnegative && (function == .log1p || function == .log)
    let name = "cairn.\(function.rawValue).\(isShort ? "nonnegative." : "")\(x.lanes)"
    if w.module.begins(name) {
      let inner = IRWriter(module: w.module)
      let type = IRValue.name(of: .real, lanes: x.lanes)
      let argument = IRValue(text: "%x", type: .real, lanes: x.lanes)
      let value = isShort ? shortBody(function, argument, in: inner) : body(function, argument, in: inner)
      let lines = inner.lines.joined(separator: "\n")
      w.module.append(
        function: """
          define internal \(type) @\(name)(\(type) %x) \(function.isLarge && x.lanes > 1 ? "#2" : "#1") {
          entry:
          \(lines)
            ret \(value.typed)
          }
          """)
    }
    return w.call(name, [x], returns: .real, lanes: x.lanes)
  }

  /// The same for a function of two reals.
  static func apply(_ function: BinaryFunction, _ x: IRValue, _ y: IRValue, in w: IRWriter) -> IRValue {
    let name = "cairn.\(function.rawValue).\(x.lanes)"
    if w.module.begins(name) {
      let inner = IRWriter(module: w.module)
      let type = IRValue.name(of: .real, lanes: x.lanes)
      func operand(_ text: String) -> LaneReal { LaneReal(IRValue(text: text, type: .real, lanes: x.lanes), inner) }
      let value =
        switch function {
        case .power: power(operand("%x"), operand("%y")).value
        }
      let lines = inner.lines.joined(separator: "\n")
      w.module.append(
        function: """
          define internal \(type) @\(name)(\(type) %x, \(type) %y) \(x.lanes > 1 ? "#2" : "#1") {
          entry:
          \(lines)
            ret \(value.typed)
          }
          """)
    }
    return w.call(name, [x, y], returns: .real, lanes: x.lanes)
  }

  /// Functions of one real; those that are operations of the graph have the operation's name.
  enum Function: String, CaseIterable, Sendable {
    case exp, log, log1p, expm1
    case logistic, softplus, logLogistic, log1mexp
    case sinh, cosh, tanh
    case sin, cos, tan, asin, acos, atan
    case erf, erfc, normalCDF, normalLogCDF, normalQuantile
    case logGamma, digamma, trigamma

    /// Called, not inlined: so long that a call's cost does not matter.
    var isLarge: Bool {
      switch self {
      case .erf, .erfc, .normalCDF, .normalLogCDF, .normalQuantile, .logGamma, .digamma, .trigamma: true
      default: false
      }
    }

    /// The largest error, in ulp of the exact result: what millions of points showed, rounded up.
    ///
    /// Exceptions: for negative x, where reflection cancels near the roots, the errors of log Γ and ψ are in ulp of
    /// max(|result|, log Γ(1 − x), 1) and max(|result|, ψ(1 − x), 2). Of the quantiles' error a part is AS 241's own.
    var bound: Double {
      switch self {
      case .exp, .log, .log1p, .sin, .cos: 1
      case .asin, .acos, .erf: 1.25
      case .expm1, .cosh: 1.5
      case .softplus, .logLogistic: 1.75
      case .atan: 2
      case .log1mexp, .sinh: 2.25
      case .logistic, .tanh, .tan: 2.5
      case .erfc, .normalCDF: 3.25
      case .normalLogCDF: 4
      case .logGamma: 4.5
      case .trigamma: 5.5
      case .digamma, .normalQuantile: 6
      }
    }
  }

  /// Functions of two reals, named as the graph's operations.
  enum BinaryFunction: String, CaseIterable, Sendable {
    /// xʸ.
    case power

    /// The largest error, in ulp of the exact result.
    var bound: Double { 1 }
  }

  private static func shortBody(_ function: Function, _ value: IRValue, in w: IRWriter) -> IRValue {
    let x = LaneReal(value, w)
    return (function == .log ? log(x, isNonnegative: true) : log1p(x, isNonnegative: true)).value
  }

  private static func body(_ function: Function, _ value: IRValue, in w: IRWriter) -> IRValue {
    let x = LaneReal(value, w)
    let result =
      switch function {
      case .exp: exponential(x).value
      case .log: log(x)
      case .log1p: log1p(x)
      case .expm1: expm1(x)
      case .logistic: logistic(x)
      case .softplus: softplus(x)
      case .logLogistic: -softplus(-x)
      case .log1mexp: log1mexp(x)
      case .sinh: sinh(x)
      case .cosh: cosh(x)
      case .tanh: tanh(x)
      case .sin: trigonometric(.sin, x)
      case .cos: trigonometric(.cos, x)
      case .tan: trigonometric(.tan, x)
      case .asin: asin(x)
      case .acos: acos(x)
      case .atan: atan(x)
      case .erf: erf(x)
      case .erfc: erfc(x)
      case .normalCDF: normalCDF(x)
      case .normalLogCDF: normalLogCDF(x)
      case .normalQuantile: normalQuantile(x)
      case .logGamma: logGamma(x)
      case .digamma: digamma(x)
      case .trigamma: trigamma(x)
      }
    return result.value
  }

  // MARK: - Polynomials

  /// c₀ + c₁ x + … by Estrin's scheme, whose operations overlap.
  static func estrin(_ coefficients: [Double], _ x: IRValue, in w: IRWriter) -> IRValue {
    var terms = coefficients.map { IRValue.real($0, lanes: x.lanes) }
    var power = x
    while terms.count > 1 {
      var next: [IRValue] = []
      for k in stride(from: 0, to: terms.count, by: 2) {
        next.append(k + 1 < terms.count ? w.fma(terms[k + 1], power, terms[k]) : terms[k])
      }
      terms = next
      if terms.count > 1 { power = w.multiply(power, power) }
    }
    return terms[0]
  }

  // MARK: - Powers of two

  /// 2ⁿ · y for whole n in two steps, so that subnormal results round once and large n overflow to infinity.
  static func scale(_ y: IRValue, byPowerOfTwo n: IRValue, in w: IRWriter) -> IRValue {
    let half = w.shiftRightSigned(n, 1)
    let rest = w.subtractIntegers(n, half)
    func power(_ k: IRValue) -> IRValue {
      w.fromBits(w.shiftLeft(w.addIntegers(k, .integer(1023, lanes: k.lanes)), 52))
    }
    return w.multiply(w.multiply(y, power(half)), power(rest))
  }
}
