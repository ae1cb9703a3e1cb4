/// Functions made of the exponential and the logarithm.
extension InlineMath {
  /// log 2 in two parts, the first short enough for exact multiples.
  static let logTwoHigh = 0.6931471803691238
  static let logTwoLow = 1.9082149292705877e-10

  // MARK: - The exponential's core

  /// eˣ = 2ⁿ (1 + r + tail), |r| ≤ ½ log 2.
  struct ExponentialParts {
    /// n as a real and as an integer.
    var n: LaneReal
    var whole: IRValue
    var r: LaneReal
    var tail: LaneReal

    /// eˣ.
    var value: LaneReal {
      LaneReal(scale((1 + (r + tail)).value, byPowerOfTwo: whole, in: r.w), r.w)
    }

    /// eˣ − 1 over 2ⁿ: (1 − 2⁻ⁿ) + r + tail; n ≥ −100.
    var minusOne: LaneReal {
      let w = r.w
      let lanes = r.value.lanes
      let power = w.fromBits(w.shiftLeft(w.subtractIntegers(.integer(1023, lanes: lanes), whole), 52))
      let rest = (n .> 60).select(1, 1.0 - LaneReal(power, w))
      let (high, low) = LaneReal.orderedSum(rest, r)
      return high + (low + tail)
    }
  }

  /// Splits x + low, bounded below and at 711, where the result overflows (Cody & Waite 1980). The low part of r goes
  /// into the tail, eʳ's Taylor series of degree 13.
  static func exponential(_ x: LaneReal, low: LaneReal? = nil, atLeast bound: Double = -746) -> ExponentialParts {
    let w = x.w
    let lanes = x.value.lanes
    let bounded = x.atLeast(bound).atMost(711)
    // Adding 1.5 · 2⁵² leaves the nearest whole number in the low bits.
    let magic = 6_755_399_441_055_744.0
    let shifted = bounded.fma(1.4426950408889634, magic)
    let n = shifted - magic
    let whole = w.subtractIntegers(w.bits(shifted.value), .integer(Int(magic.bitPattern), lanes: lanes))
    let exact = n.fma(-logTwoHigh, bounded)
    let small = low.map { n.fma(-logTwoLow, $0) } ?? n * -logTwoLow
    let (r, rest) = LaneReal.orderedSum(exact, small)
    var coefficients: [Double] = []
    var factorial = 1.0
    for k in 2...13 {
      factorial *= Double(k)
      coefficients.append(1 / factorial)
    }
    let tail = (r * r).fma(r.polynomial(coefficients), rest)
    return ExponentialParts(n: n, whole: whole, r: r, tail: tail)
  }

  static func expm1(_ x: LaneReal) -> LaneReal {
    let parts = exponential(x, atLeast: -60)
    let value = LaneReal(scale(parts.minusOne.value, byPowerOfTwo: parts.whole, in: x.w), x.w)
    return (x .== 0).select(x, value)
  }

  // MARK: - The logarithm's core

  /// x = 2ᵏ (1 + f) with √½ ≤ 1 + f < √2, for positive normal x.
  struct LogarithmParts {
    var k: LaneReal
    var f: LaneReal
    /// What f lacks.
    var low: LaneReal?

    /// As in fdlibm's e_log.c: log(1 + f) = f − (f²/2 − s (f²/2 + R)), s = f / (2 + f).
    private var pieces: (half: LaneReal, small: LaneReal) {
      let s = f / (f + 2)
      let z = s * s
      // 2/3, 2/5, … as atanh's series has them; enough terms for |s| ≤ 0.1716.
      let series = z * z.polynomial((1...10).map { 2 / Double(2 * $0 + 1) })
      let half = f * 0.5 * f
      let rest = low.map { k.fma(logTwoLow, $0) } ?? k * logTwoLow
      return (half, s.fma(half + series, rest))
    }

    var value: LaneReal {
      let (half, small) = pieces
      return k.fma(logTwoHigh, f - (half - small))
    }

    /// The logarithm in two parts, with an error near 2⁻⁵⁷ + 2⁻⁵⁷ |log x|.
    var pair: (high: LaneReal, low: LaneReal) {
      let (half, small) = pieces
      let (sum, rest) = LaneReal.orderedSum(k * logTwoHigh, f)
      return LaneReal.orderedSum(sum, rest - (half - small))
    }
  }

  /// The parts of x, or of x + low where low is given. Subnormal x only if asked for.
  static func logarithm(_ x: LaneReal, low: LaneReal? = nil, subnormal: Bool = false) -> LogarithmParts {
    let w = x.w
    let lanes = x.value.lanes
    var normal = x
    var offset: LaneReal?
    if subnormal {
      let isSmall = x .< 0x1p-1022
      normal = isSmall.select(x * 0x1p54, x)
      offset = isSmall.select(x.constant(-54), 0)
    }
    // Subtracting the bits of √½ makes the exponent round where the mantissa passes √2.
    let bits = w.subtractIntegers(w.bits(normal.value), .integer(0x3FE6_A09E_0000_0000, lanes: lanes))
    let exponent = w.shiftRightSigned(bits, 52)
    var k = LaneReal(w.toReal(exponent), w)
    if let offset { k = k + offset }
    let mantissa = w.addIntegers(
      w.and(bits, .integer(0x000F_FFFF_FFFF_FFFF, lanes: lanes)), .integer(0x3FE6_A09E_0000_0000, lanes: lanes))
    let f = LaneReal(w.fromBits(mantissa), w) - 1
    guard let low else { return LogarithmParts(k: k, f: f, low: nil) }
    // 2¹⁻ᵏ, as k may be 1024.
    let unit = w.fromBits(w.shiftLeft(w.subtractIntegers(.integer(1024, lanes: lanes), exponent), 52))
    let (sum, rest) = LaneReal.orderedSum(f, low * 0.5 * LaneReal(unit, w))
    return LogarithmParts(k: k, f: sum, low: rest)
  }

  static func log(_ x: LaneReal, isNonnegative: Bool = false) -> LaneReal {
    let value = logarithm(x, subnormal: true).value
    let infinite = (x .== .infinity).select(.infinity, value)
    let negative = isNonnegative ? infinite : (x .< 0).select(.nan, infinite)
    let zero = (x .== 0).select(-.infinity, negative)
    return LaneReal(x.w.select(x.w.isNaN(x.value), x.value, zero.value), x.w)
  }

  static func log1p(_ x: LaneReal, isNonnegative: Bool = false) -> LaneReal {
    let (u, low) = LaneReal.twoSum(x.constant(1), x)
    let value = logarithm(u, low: low).value
    let infinite = (x .== .infinity).select(.infinity, value)
    // Of +0 the value is +0 already.
    if isNonnegative { return infinite }
    let negative = (x .< -1).select(.nan, infinite)
    return (x .== 0).select(x, (x .== -1).select(-.infinity, negative))
  }

  // MARK: - The logistic family

  /// 1 / (1 + e⁻ˣ), by e^−|x| on both sides.
  static func logistic(_ x: LaneReal) -> LaneReal {
    let e = exponential(-x.magnitude).value
    return (x .< 0).select(e, 1) / (e + 1)
  }

  /// log(1 + eˣ) = max(x, 0) + log(1 + e^−|x|); 1 + e, which is at most 2, is split without rounding.
  static func softplus(_ x: LaneReal) -> LaneReal {
    let e = exponential(-x.magnitude).value
    let isUpper = e .> 0.5
    let parts = LogarithmParts(
      k: isUpper.select(x.constant(1), 0), f: isUpper.select((e - 1) * 0.5, e), low: nil)
    return (x .> 0).select(x, 0) + parts.value
  }

  /// log(1 − eˣ) for x ≤ 0 (Mächler 2012): of −(eˣ − 1) above −log 2; below, of 1 − e, split without rounding.
  static func log1mexp(_ x: LaneReal) -> LaneReal {
    let w = x.w
    let parts = exponential(x)
    let e = parts.value
    let unit = w.fromBits(w.shiftLeft(w.addIntegers(parts.whole, .integer(1023, lanes: x.value.lanes)), 52))
    let near = logarithm(-(parts.minusOne * LaneReal(unit, w)), subnormal: true)
    let isNear = x .> -0.6931471805599453
    let isHalved = e .> 0.2928932188134524
    let k = isNear.select(near.k, isHalved.select(x.constant(-1), 0))
    let f = isNear.select(near.f, isHalved.select(1 - (e + e), -e))
    let value = LogarithmParts(k: k, f: f, low: nil).value.withSign(of: -1)
    let zero = (x .== 0).select(-.infinity, value)
    return (x .> 0).select(.nan, LaneReal(w.select(w.isNaN(x.value), x.value, zero.value), w))
  }

  // MARK: - Hyperbolic functions

  /// E / (E + 2) with E = e^2|x| − 1; 1 from 22 on.
  static func tanh(_ x: LaneReal) -> LaneReal {
    let t = x.magnitude.atMost(22)
    let parts = exponential(t + t)
    let excess = LaneReal(scale(parts.minusOne.value, byPowerOfTwo: parts.whole, in: x.w), x.w)
    return (excess / (excess + 2)).withSign(of: x)
  }

  /// G + G / (2G + 1) with G = (e^|x| − 1)/2, which overflows where sinh does; x itself where x³ no longer counts.
  static func sinh(_ x: LaneReal) -> LaneReal {
    let t = x.magnitude
    let parts = exponential(t)
    let below = x.w.subtractIntegers(parts.whole, .integer(1, lanes: x.value.lanes))
    let halfExcess = LaneReal(scale(parts.minusOne.value, byPowerOfTwo: below, in: x.w), x.w)
    let bounded = halfExcess.atMost(1e300)
    let value = (halfExcess + bounded / bounded.fma(2, 1)).withSign(of: x)
    return (t .< 1e-8).select(x, value)
  }

  /// H + 1 / (4H) with H = e^|x| / 2.
  static func cosh(_ x: LaneReal) -> LaneReal {
    let parts = exponential(x.magnitude)
    let below = x.w.subtractIntegers(parts.whole, .integer(1, lanes: x.value.lanes))
    let halfPower = LaneReal(scale((1.0 + (parts.r + parts.tail)).value, byPowerOfTwo: below, in: x.w), x.w)
    return halfPower + 0.25 / halfPower
  }
}
