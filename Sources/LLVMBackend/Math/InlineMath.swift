internal import TensorIR

/// Elementary and special functions written as IR, for one lane or eight, with the same bits in both.
///
/// Each has a stated bound on its error, in units in the last place (ulp), which the tests hold it to; each is right at
/// infinities, NaN, zeros and subnormal numbers.
enum InlineMath {
  /// Writes f(x) into the function that `w` is writing. The function itself is written once per module and width.
  static func apply(_ function: Function, _ x: IRValue, in w: IRWriter) -> IRValue {
    let name = "cairn.\(function.rawValue).\(x.lanes)"
    if w.module.begins(name) {
      let inner = IRWriter(module: w.module)
      let type = IRValue.name(of: .real, lanes: x.lanes)
      let value = body(function, IRValue(text: "%x", type: .real, lanes: x.lanes), in: inner)
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

  /// Functions of one real.
  enum Function: String, CaseIterable, Sendable {
    case exp, log, log1p, expm1, logistic, softplus, logLogistic, log1mexp, tanh

    /// Called, not inlined: so long that a call's cost does not matter.
    var isLarge: Bool { false }

    /// The largest error, in ulp of the exact result.
    var bound: Double {
      switch self {
      case .exp, .log: 1
      case .log1p: 1.5
      case .expm1, .softplus, .logLogistic: 2
      case .logistic: 2.5
      case .log1mexp, .tanh: 3
      }
    }
  }

  private static func body(_ function: Function, _ x: IRValue, in w: IRWriter) -> IRValue {
    switch function {
    case .exp: exp(x, in: w)
    case .log: log(x, in: w)
    case .log1p: log1p(x, in: w)
    case .expm1: expm1(x, in: w)
    case .logistic: logistic(x, in: w)
    case .softplus: softplus(x, in: w)
    case .logLogistic: w.negate(apply(.softplus, w.negate(x), in: w))
    case .log1mexp: log1mexp(x, in: w)
    case .tanh: tanh(x, in: w)
    }
  }

  // MARK: - Polynomials

  /// c₀ + c₁ x + … by Horner's rule.
  static func horner(_ coefficients: [Double], _ x: IRValue, in w: IRWriter) -> IRValue {
    var value = IRValue.real(coefficients[coefficients.count - 1], lanes: x.lanes)
    for c in coefficients.dropLast().reversed() { value = w.fma(value, x, .real(c, lanes: x.lanes)) }
    return value
  }

  /// The same by Estrin's scheme, whose operations overlap.
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

  // MARK: - Exponential and logarithm

  /// 2ⁿ · y for whole n in two steps, so that subnormal results round once and large n overflow to infinity.
  static func scale(_ y: IRValue, byPowerOfTwo n: IRValue, in w: IRWriter) -> IRValue {
    let half = w.shiftRightSigned(n, 1)
    let rest = w.subtractIntegers(n, half)
    func power(_ k: IRValue) -> IRValue {
      w.fromBits(w.shiftLeft(w.addIntegers(k, .integer(1023, lanes: k.lanes)), 52))
    }
    return w.multiply(w.multiply(y, power(half)), power(rest))
  }

  /// x = n log 2 + r with |r| ≤ ½ log 2, in two parts (Cody & Waite 1980): n as a real and as an integer, and r.
  private static func reduced(_ x: IRValue, in w: IRWriter) -> (n: IRValue, whole: IRValue, r: IRValue) {
    func real(_ value: Double) -> IRValue { .real(value, lanes: x.lanes) }
    // Adding 1.5 · 2⁵² leaves the nearest whole number in the low bits.
    let magic = 6_755_399_441_055_744.0
    let shifted = w.fma(x, real(1.4426950408889634), real(magic))
    let n = w.subtract(shifted, real(magic))
    let whole = w.subtractIntegers(w.bits(shifted), .integer(Int(magic.bitPattern), lanes: x.lanes))
    let r = w.fma(n, real(-1.9082149292705877e-10), w.fma(n, real(-0.6931471803691238), x))
    return (n, whole, r)
  }

  /// x with bounds; NaN passes.
  private static func clamped(_ x: IRValue, _ low: Double, _ high: Double, in w: IRWriter) -> IRValue {
    func real(_ value: Double) -> IRValue { .real(value, lanes: x.lanes) }
    let above = w.select(w.compare(.less, x, real(low)), real(low), x)
    return w.select(w.compare(.greater, above, real(high)), real(high), above)
  }

  /// (eʳ − 1 − r) / r², by its Taylor series.
  private static func exponentialTail(_ r: IRValue, in w: IRWriter) -> IRValue {
    var coefficients: [Double] = []
    var factorial = 1.0
    for k in 2...13 {
      factorial *= Double(k)
      coefficients.append(1 / factorial)
    }
    return estrin(coefficients, r, in: w)
  }

  /// eʳ by its Taylor series of degree 13, then scaled.
  private static func exp(_ x: IRValue, in w: IRWriter) -> IRValue {
    // Beyond these the result is 0 or infinity whatever n is, and n stays small.
    let (_, whole, r) = reduced(clamped(x, -746, 710, in: w), in: w)
    // 1 + r + r² q(r): the small part is added last.
    let tail = w.multiply(w.multiply(r, r), exponentialTail(r, in: w))
    let y = w.add(.real(1, lanes: x.lanes), w.add(r, tail))
    return scale(y, byPowerOfTwo: whole, in: w)
  }

  /// 2ⁿ (eʳ − 1) + (2ⁿ − 1), doubled at the end so that 2ⁿ itself may be out of range.
  private static func expm1(_ x: IRValue, in w: IRWriter) -> IRValue {
    func real(_ value: Double) -> IRValue { .real(value, lanes: x.lanes) }
    let (_, whole, r) = reduced(clamped(x, -50, 710, in: w), in: w)
    let p = w.fma(w.multiply(r, r), exponentialTail(r, in: w), r)
    let half = w.fromBits(w.shiftLeft(w.addIntegers(whole, .integer(1022, lanes: x.lanes)), 52))
    let y = w.multiply(real(2), w.fma(half, p, w.subtract(half, real(0.5))))
    // Halving would lose bits of the smallest numbers, which are their own result.
    return w.select(w.compare(.less, w.absolute(x), real(1e-300)), x, y)
  }

  /// k log 2 + log(1 + f) with s = f / (2 + f): f − (f²/2 − s (f²/2 + R)), as in fdlibm's e_log.c.
  ///
  /// - Parameter rest: Added to the small parts.
  private static func logarithm(
    f: IRValue, exponent k: IRValue, rest: IRValue? = nil, in w: IRWriter
  ) -> IRValue {
    func real(_ value: Double) -> IRValue { .real(value, lanes: f.lanes) }
    let s = w.divide(f, w.add(f, real(2)))
    let z = w.multiply(s, s)
    // 2/3, 2/5, … as the series of atanh has them; enough terms for |s| ≤ 0.1716.
    let series = (1...10).map { 2 / Double(2 * $0 + 1) }
    let R = w.multiply(z, estrin(series, z, in: w))
    let half = w.multiply(w.multiply(real(0.5), f), f)
    var low = w.multiply(k, real(1.9082149292705877e-10))
    if let rest { low = w.add(low, rest) }
    let small = w.fma(s, w.add(half, R), low)
    return w.fma(k, real(0.6931471803691238), w.subtract(f, w.subtract(half, small)))
  }

  /// x = 2ᵏ m with √½ ≤ m < √2, for positive normal x: k as an integer, and m.
  private static func split(_ x: IRValue, in w: IRWriter) -> (k: IRValue, m: IRValue) {
    // Subtracting the bits of √½ makes the exponent step where the mantissa passes √2.
    let bits = w.subtractIntegers(w.bits(x), .integer(0x3FE6_A09E_0000_0000, lanes: x.lanes))
    let mantissa = w.addIntegers(
      w.and(bits, .integer(0x000F_FFFF_FFFF_FFFF, lanes: x.lanes)), .integer(0x3FE6_A09E_0000_0000, lanes: x.lanes))
    return (w.shiftRightSigned(bits, 52), w.fromBits(mantissa))
  }

  /// −∞ at 0, NaN below, the rest as it is.
  private static func logarithmOfAny(_ x: IRValue, _ value: IRValue, in w: IRWriter) -> IRValue {
    func real(_ value: Double) -> IRValue { .real(value, lanes: x.lanes) }
    let infinite = w.select(w.compare(.equal, x, real(.infinity)), real(.infinity), value)
    let negative = w.select(w.compare(.less, x, real(0)), real(.nan), infinite)
    let zero = w.select(w.compare(.equal, x, real(0)), real(-.infinity), negative)
    return w.select(w.isNaN(x), x, zero)
  }

  private static func log(_ x: IRValue, in w: IRWriter) -> IRValue {
    func real(_ value: Double) -> IRValue { .real(value, lanes: x.lanes) }
    let isSmall = w.compare(.less, x, real(0x1p-1022))
    let normal = w.select(isSmall, w.multiply(x, real(0x1p54)), x)
    let offset = w.select(isSmall, real(-54), real(0))
    let (k, m) = split(normal, in: w)
    let value = logarithm(f: w.subtract(m, real(1)), exponent: w.add(w.toReal(k), offset), in: w)
    return logarithmOfAny(x, value, in: w)
  }

  /// log u for u = 1 + x rounded, plus what the rounding lost, over u.
  private static func log1p(_ x: IRValue, in w: IRWriter) -> IRValue {
    func real(_ value: Double) -> IRValue { .real(value, lanes: x.lanes) }
    let u = w.add(real(1), x)
    // For large x it is the 1 that is lost.
    let isLarge = w.compare(.greater, w.absolute(x), real(1))
    let lost = w.select(isLarge, w.subtract(real(1), w.subtract(u, x)), w.subtract(x, w.subtract(u, real(1))))
    let (k, m) = split(u, in: w)
    let value = logarithm(f: w.subtract(m, real(1)), exponent: w.toReal(k), rest: w.divide(lost, u), in: w)
    // Where u rounds to 1, x is the result; this keeps zeros' signs and subnormal numbers.
    let tiny = w.select(w.compare(.less, w.absolute(x), real(0x1p-54)), x, value)
    return logarithmOfAny(u, tiny, in: w)
  }

  /// log(1 + e) for 0 ≤ e ≤ 1, where halving and subtracting lose nothing.
  private static func log1pOfUnit(_ e: IRValue, in w: IRWriter) -> IRValue {
    func real(_ value: Double) -> IRValue { .real(value, lanes: e.lanes) }
    let isUpper = w.compare(.greater, e, real(0.41421356237309503))
    let f = w.select(isUpper, w.multiply(real(0.5), w.subtract(e, real(1))), e)
    let value = logarithm(f: f, exponent: w.select(isUpper, real(1), real(0)), in: w)
    return w.select(w.compare(.less, e, real(0x1p-54)), e, value)
  }

  /// e^−|x|, which several functions share.
  private static func decay(_ x: IRValue, in w: IRWriter) -> IRValue {
    apply(.exp, w.negate(w.absolute(x)), in: w)
  }

  private static func softplus(_ x: IRValue, in w: IRWriter) -> IRValue {
    let positive = w.select(w.compare(.greater, x, .real(0, lanes: x.lanes)), x, .real(0, lanes: x.lanes))
    return w.add(positive, log1pOfUnit(decay(x, in: w), in: w))
  }

  private static func logistic(_ x: IRValue, in w: IRWriter) -> IRValue {
    func real(_ value: Double) -> IRValue { .real(value, lanes: x.lanes) }
    let e = decay(x, in: w)
    let top = w.select(w.compare(.greaterOrEqual, x, real(0)), real(1), e)
    return w.divide(top, w.add(real(1), e))
  }

  /// log(1 − eˣ) for x < 0: by expm1 near 0, by log1p elsewhere (Mächler 2012).
  private static func log1mexp(_ x: IRValue, in w: IRWriter) -> IRValue {
    func real(_ value: Double) -> IRValue { .real(value, lanes: x.lanes) }
    let near = apply(.log, w.negate(apply(.expm1, x, in: w)), in: w)
    let far = apply(.log1p, w.negate(apply(.exp, x, in: w)), in: w)
    let value = w.select(w.compare(.greater, x, real(-0.6931471805599453)), near, far)
    return w.select(w.compare(.greater, x, real(0)), real(.nan), value)
  }

  /// −m / (m + 2) with m = e^−2|x| − 1, with the sign of x.
  private static func tanh(_ x: IRValue, in w: IRWriter) -> IRValue {
    func real(_ value: Double) -> IRValue { .real(value, lanes: x.lanes) }
    let m = apply(.expm1, w.multiply(real(-2), w.absolute(x)), in: w)
    let size = w.divide(w.negate(m), w.add(m, real(2)))
    return w.copySign(size, x)
  }
}
