/// Trigonometric functions and their inverses.
///
/// Polynomial coefficients interpolate the function at Chebyshev nodes, solved with 50 digits.
extension InlineMath {
  /// From here on the reduction of |x| by π/2 takes whole numbers of many words.
  private static let farBound = 0x1p46

  /// sin and cos of r + low for |r| ≤ 0.8.
  private static func sineAndCosine(_ r: LaneReal, _ low: LaneReal) -> (sine: LaneReal, cosine: LaneReal) {
    let z = r * r
    let sineSeries = z.polynomial([
      -0.16666666666666666, 0.008333333333333331, -0.0001984126984126402, 2.7557319218542833e-06,
      -2.5052105961377e-08, 1.605848950955874e-10, -7.584263996034166e-13,
    ])
    let cosineSeries = z.polynomial([
      0.041666666666666664, -0.0013888888888888887, 2.4801587301584066e-05, -2.755731922096008e-07,
      2.087675564036913e-09, -1.1470437475266499e-11, 4.7445191096480046e-14,
    ])
    let half = z * 0.5
    // The derivatives carry the low part over: cos r ≈ 1 − z/2, sin r ≈ r.
    let sine = r + (r * z).fma(sineSeries, low.fma(-half, low))
    let first = 1.0 - half
    let lost = (1.0 - first) - half
    let cosine = first + (z * z).fma(cosineSeries, lost - r * low)
    return (sine, cosine)
  }

  /// x less the nearest multiple of π/2, in two parts, and the multiple's low bits.
  private static func reduced(_ x: LaneReal) -> (r: LaneReal, low: LaneReal, quadrant: IRValue) {
    let magic = 6_755_399_441_055_744.0
    // Lanes out of range are replaced later.
    let x = x.atMost(farBound).atLeast(-farBound)
    let shifted = x.fma(0.6366197723675814, magic)
    let n = shifted - magic
    // π/2 in three parts (Cody & Waite 1980); with a fused product the first step is exact, the second is kept in two
    // parts.
    let first = n.fma(-1.5707963267948966, x)
    let (product, error) = LaneReal.twoProduct(n, n.constant(6.123233995736766e-17))
    let (r, rest) = LaneReal.orderedSum(first, -product)
    let low = n.fma(1.4973849048591698e-33, rest - error)
    return (r, low, x.w.bits(shifted.value))
  }

  private static func isOdd(_ quadrant: IRValue, in w: IRWriter) -> IRValue {
    let one = IRValue.integer(1, lanes: quadrant.lanes)
    return w.compareIntegers(.equal, w.and(quadrant, one), one)
  }

  /// Changes the sign where bit 1 of the quadrant is set.
  private static func signed(_ x: LaneReal, _ quadrant: IRValue) -> LaneReal {
    let w = x.w
    let bit = w.shiftLeft(w.and(quadrant, .integer(2, lanes: quadrant.lanes)), 62)
    return LaneReal(w.fromBits(w.exclusiveOr(w.bits(x.value), bit)), w)
  }

  /// A function of r + low and a multiple of π/2.
  static func finished(_ function: Trigonometric, _ r: LaneReal, _ low: LaneReal, _ quadrant: IRValue) -> LaneReal {
    let w = r.w
    let (sine, cosine) = sineAndCosine(r, low)
    let odd = isOdd(quadrant, in: w)
    switch function {
    case .sin: return signed(odd.select(cosine, sine), quadrant)
    case .cos:
      return signed(odd.select(sine, cosine), w.addIntegers(quadrant, .integer(1, lanes: quadrant.lanes)))
    case .tan: return odd.select(-cosine, sine) / odd.select(sine, cosine)
    }
  }

  static func trigonometric(_ function: Trigonometric, _ x: LaneReal) -> LaneReal {
    let (r, low, quadrant) = reduced(x)
    var value = finished(function, r, low, quadrant)
    if function != .cos { value = (x .== 0).select(x, value) }
    return selectRare(x.magnitude .> farBound, usual: value) {
      (x.magnitude .== .infinity).select(.nan, far(function, x))
    }
  }

  /// |sin πt| and π cot πt for |t| < 2⁵¹ that are not whole.
  static func sineAndCotangent(ofPiTimes t: LaneReal) -> (sine: LaneReal, cotangent: LaneReal) {
    let half = (t + t).rounded * 0.5
    let d = t - half
    let r = d * 3.141592653589793
    let low = d.fma(1.2246467991473532e-16, d.fma(3.141592653589793, -r))
    let (sine, cosine) = sineAndCosine(r, low)
    let odd = half .!= half.floor
    let upper = odd.select(-sine, cosine)
    let lower = odd.select(cosine, sine)
    return (lower.magnitude, upper * 3.141592653589793 / lower)
  }

  // MARK: - Inverses

  /// atan t = offset + atan of t, (t − 1)/(t + 1) or −1/t, whichever is within ±tan π/8.
  static func atan(_ x: LaneReal) -> LaneReal {
    let t = x.magnitude
    let isMiddle = t .> 0.41421356237309503
    let isLarge = t .> 2.414213562373095
    let above = isLarge.select(x.constant(-1), isMiddle.select(t - 1, t))
    let below = isLarge.select(t, isMiddle.select(t + 1, 1))
    let high = isLarge.select(
      x.constant(1.5707963267948966), isMiddle.select(x.constant(0.7853981633974483), 0))
    let low = isLarge.select(
      x.constant(6.123233995736766e-17), isMiddle.select(x.constant(3.061616997868383e-17), 0))
    let q = above / below
    let z = q * q
    let series = z.polynomial([
      -0.3333333333333333, 0.1999999999999548, -0.14285714284657894, 0.11111111014561013, -0.09090904549884611,
      0.07692182535116648, -0.06664502215671447, 0.058580687568615106, -0.05085030492810941, 0.03921955253259129,
      -0.019162068915902573,
    ])
    return (high + (q + (q * z).fma(series, low))).withSign(of: x)
  }

  /// asin s − s over s for s² = z ≤ ¼.
  private static func arcsineTail(_ z: LaneReal) -> LaneReal {
    z
      * z.polynomial([
        0.16666666666666669, 0.07499999999998433, 0.04464285714635543, 0.030381944138531247, 0.02237217294214989,
        0.017352392720869973, 0.013971212973552933, 0.011479177415184906, 0.01032281435018578, 0.005457506718640358,
        0.01740087944269402, -0.014851887071247204, 0.028757851367421566,
      ])
  }

  /// |x| ≤ ½ by the series, otherwise asin |x| = π/2 − 2 asin √((1 − |x|)/2).
  static func asin(_ x: LaneReal) -> LaneReal {
    let t = x.magnitude
    let isLarge = t .> 0.5
    let complement = (1.0 - t) * 0.5
    let z = isLarge.select(complement, t * t)
    let s = isLarge.select(complement.squareRoot, t)
    let tail = s * arcsineTail(z)
    let near = t + tail
    // What the rounded square root lacks, from its square.
    let lacking = s.fma(-s, complement) / (s + s)
    let correction = (s .== 0).select(0, lacking) + tail
    let far = 1.5707963267948966 - (s + s - (correction.fma(-2, 6.123233995736766e-17)))
    return isLarge.select(far, near).withSign(of: x)
  }

  /// As asin; near 1 it is 2 asin √((1 − x)/2) alone.
  static func acos(_ x: LaneReal) -> LaneReal {
    let t = x.magnitude
    let isLarge = t .> 0.5
    let complement = (1.0 - t) * 0.5
    let z = isLarge.select(complement, t * t)
    let s = isLarge.select(complement.squareRoot, x)
    let tail = s * arcsineTail(z)
    let near = 1.5707963267948966 - (x + (tail - 6.123233995736766e-17))
    let lacking = (s .== 0).select(0, s.fma(-s, complement) / (s + s))
    let double = (s + (lacking + tail)) * 2
    let negative = 3.141592653589793 - (double - 1.2246467991473532e-16)
    return isLarge.select((x .< 0).select(negative, double), near)
  }
}
