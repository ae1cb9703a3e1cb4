/// xʸ.
extension InlineMath {
  /// log x for positive x in two parts, relative error near 2⁻⁶⁴.
  ///
  /// log m = 2 s + s³ (2/3 + 2/5 s² + …) with s = (m − 1)/(m + 1), all but the last terms in double length.
  private static func longLogarithm(_ x: LaneReal) -> (high: LaneReal, low: LaneReal) {
    let parts = logarithm(x, subnormal: true)
    let f = parts.f
    let (sum, sumLow) = LaneReal.orderedSum(f.constant(2), f)
    let inverse = 1 / sum
    let s = f * inverse
    let sLow = s.fma(-sumLow, s.fma(-sum, f)) * inverse
    let (z, zError) = LaneReal.twoProduct(s, s)
    let zLow = (s + s).fma(sLow, zError)
    // From 2/5 on a double suffices.
    let rest = z * z.polynomial((2...11).map { 2 / Double(2 * $0 + 1) })
    let (c, cError) = LaneReal.orderedSum(z.constant(0.6666666666666666), rest)
    let cLow = cError + 3.700743415417188e-17
    let (cube, cubeError) = LaneReal.twoProduct(s, z)
    let cubeLow = cubeError + s.fma(zLow, sLow * z)
    let (term, termError) = LaneReal.twoProduct(cube, c)
    let termLow = termError + cube.fma(cLow, cubeLow * c)
    let (first, firstLow) = LaneReal.orderedSum(parts.k * logTwoHigh, s + s)
    let (second, secondLow) = LaneReal.orderedSum(first, term)
    let low = (firstLow + secondLow) + parts.k.fma(logTwoLow, (sLow + sLow) + termLow)
    return LaneReal.orderedSum(second, low)
  }

  /// exp(y log |x|) with the product in double length; the cases of C's pow (ISO C, F.10.4.4).
  static func power(_ x: LaneReal, _ y: LaneReal) -> LaneReal {
    let w = x.w
    let t = x.magnitude
    let (high, low) = longLogarithm(t)
    let (product, error) = LaneReal.twoProduct(y, high)
    // Far beyond overflow the low part means nothing and may not be a number.
    let isHuge = product.magnitude .> 1000
    let rest = isHuge.select(0, y.fma(low, error))
    var value = exponential(product, low: rest).value
    // Bases 0 and infinity: the exponent's sign says which of the two results.
    let isZero = t .== 0
    let isInfinite = t .== .infinity
    let grows = w.exclusiveOr(isZero, y .> 0)
    let extreme = LaneReal(w.select(grows, x.constant(.infinity).value, x.constant(0).value), w)
    value = w.or(isZero, isInfinite).select(extreme, value)
    // Negative bases have powers with whole exponents only.
    let isWhole = y .== y.floor
    let half = y * 0.5
    let isOdd = w.and(isWhole, half .!= half.floor)
    let invalid = w.and(w.and(x .< 0, w.not(isWhole)), w.not(isInfinite))
    value = invalid.select(.nan, isOdd.select(value.withSign(of: x), value))
    // |x| = 1 to an infinite power is 1; 1 to any power and any base to the power 0 are 1, NaN or not.
    let isUnit = w.or(x .== 1, w.and(t .== 1, y.magnitude .== .infinity))
    let isNaN = w.compare(.unordered, x.value, y.value)
    value = isNaN.select(x + y, value)
    return w.or(isUnit, y .== 0).select(1, value)
  }
}
