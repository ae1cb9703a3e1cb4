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
    case exp, log

    /// Called, not inlined: so long that a call's cost does not matter.
    var isLarge: Bool { false }

    /// The largest error, in ulp of the exact result.
    var bound: Double {
      switch self {
      case .exp: 1
      case .log: 1
      }
    }
  }

  private static func body(_ function: Function, _ x: IRValue, in w: IRWriter) -> IRValue {
    switch function {
    case .exp: exp(x, in: w)
    case .log: log(x, in: w)
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

  /// x = n log 2 + r with |r| ≤ ½ log 2, in two parts (Cody & Waite 1980); eʳ by its Taylor series of degree 13.
  private static func exp(_ x: IRValue, in w: IRWriter) -> IRValue {
    let lanes = x.lanes
    func real(_ value: Double) -> IRValue { .real(value, lanes: lanes) }
    // Beyond these the result is 0 or infinity whatever n is, and n stays small. NaN passes both selects.
    let low = w.select(w.compare(.less, x, real(-746)), real(-746), x)
    let bounded = w.select(w.compare(.greater, low, real(710)), real(710), low)
    // Adding 1.5 · 2⁵² leaves the nearest whole number in the low bits.
    let magic = 6_755_399_441_055_744.0
    let shifted = w.fma(bounded, real(1.4426950408889634), real(magic))
    let n = w.subtract(shifted, real(magic))
    let whole = w.subtractIntegers(w.bits(shifted), .integer(Int(magic.bitPattern), lanes: lanes))
    let r = w.fma(n, real(-1.9082149292705877e-10), w.fma(n, real(-0.6931471803691238), bounded))
    var coefficients: [Double] = []
    var factorial = 1.0
    for k in 0...11 {
      factorial *= Double(k + 2)
      coefficients.append(1 / factorial)
      _ = k
    }
    // 1 + r + r² q(r): the small part is added last.
    let tail = w.multiply(w.multiply(r, r), estrin(coefficients, r, in: w))
    let y = w.add(real(1), w.add(r, tail))
    return scale(y, byPowerOfTwo: whole, in: w)
  }

  /// x = 2ᵏ m with √½ ≤ m < √2; log m = f − (f²/2 − s (f²/2 + R)) with s = f / (2 + f), as in fdlibm's e_log.c.
  private static func log(_ x: IRValue, in w: IRWriter) -> IRValue {
    let lanes = x.lanes
    func real(_ value: Double) -> IRValue { .real(value, lanes: lanes) }
    let isSmall = w.compare(.less, x, real(0x1p-1022))
    let normal = w.select(isSmall, w.multiply(x, real(0x1p54)), x)
    let offset = w.select(isSmall, real(-54), real(0))
    // Subtracting the bits of √½ makes the exponent round where the mantissa passes √2.
    let bits = w.subtractIntegers(w.bits(normal), .integer(0x3FE6_A09E_0000_0000, lanes: lanes))
    let k = w.add(w.toReal(w.shiftRightSigned(bits, 52)), offset)
    let mantissa = w.addIntegers(
      w.and(bits, .integer(0x000F_FFFF_FFFF_FFFF, lanes: lanes)), .integer(0x3FE6_A09E_0000_0000, lanes: lanes))
    let f = w.subtract(w.fromBits(mantissa), real(1))
    let s = w.divide(f, w.add(f, real(2)))
    let z = w.multiply(s, s)
    // 2/3, 2/5, … as atanh's series has them; enough terms for |s| ≤ 0.1716.
    let series = (1...10).map { 2 / Double(2 * $0 + 1) }
    let R = w.multiply(z, estrin(series, z, in: w))
    let half = w.multiply(w.multiply(real(0.5), f), f)
    let small = w.fma(s, w.add(half, R), w.multiply(k, real(1.9082149292705877e-10)))
    let value = w.fma(k, real(0.6931471803691238), w.subtract(f, w.subtract(half, small)))
    let infinite = w.select(w.compare(.equal, x, real(.infinity)), real(.infinity), value)
    let negative = w.select(w.compare(.less, x, real(0)), real(.nan), infinite)
    let zero = w.select(w.compare(.equal, x, real(0)), real(-.infinity), negative)
    return w.select(w.isNaN(x), x, zero)
  }
}
