/// The quantile function of the standard normal distribution.
extension InlineMath {
  /// Coefficients of numerator and denominator from the constant up, for the middle, the outer part and the tails
  /// (Wichura 1988, algorithm AS 241, PPND16).
  private static let quantileNumerators: [[Double]] = [
    [
      3.3871328727963666080, 1.3314166789178437745e2, 1.9715909503065514427e3, 1.3731693765509461125e4,
      4.5921953931549871457e4, 6.7265770927008700853e4, 3.3430575583588128105e4, 2.5090809287301226727e3,
    ],
    [
      1.42343711074968357734, 4.63033784615654529590, 5.76949722146069140550, 3.64784832476320460504,
      1.27045825245236838258, 2.41780725177450611770e-1, 2.27238449892691845833e-2, 7.74545014278341407640e-4,
    ],
    [
      6.65790464350110377720, 5.46378491116411436990, 1.78482653991729133580, 2.96560571828504891230e-1,
      2.65321895265761230930e-2, 1.24266094738807843860e-3, 2.71155556874348757815e-5, 2.01033439929228813265e-7,
    ],
  ]
  private static let quantileDenominators: [[Double]] = [
    [
      1, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3, 2.1213794301586595867e4,
      3.9307895800092710610e4, 2.8729085735721942674e4, 5.2264952788528545610e3,
    ],
    [
      1, 2.05319162663775882187, 1.67638483018380384940, 6.89767334985100004550e-1, 1.48103976427480074590e-1,
      1.51986665636164571966e-2, 5.47593808499534494600e-4, 1.05075007164441684324e-9,
    ],
    [
      1, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2, 7.86869131145613259100e-4,
      1.84631831751005468180e-5, 1.42151175831644588870e-7, 2.04426310338993978564e-15,
    ],
  ]

  static func normalQuantile(_ p: LaneReal) -> LaneReal {
    let q = p - 0.5
    let isMiddle = q.magnitude.isAtMost(0.425)
    let outside = (q .< 0).select(p, 1 - p)
    let root = (-logarithm(outside, subnormal: true).value).squareRoot
    let isTail = root .> 5
    let r = isMiddle.select(q.fma(-q, q.constant(0.180625)), isTail.select(root - 5, root - 1.6))
    /// Horner's rule with each lane's own coefficients.
    func polynomial(_ coefficients: [[Double]]) -> LaneReal {
      var value: LaneReal?
      for k in (0..<8).reversed() {
        let c = isMiddle.select(
          q.constant(coefficients[0][k]), isTail.select(q.constant(coefficients[2][k]), coefficients[1][k]))
        value = value.map { $0.fma(r, c) } ?? c
      }
      return value ?? r
    }
    let ratio = polynomial(quantileNumerators) / polynomial(quantileDenominators)
    let value = isMiddle.select(q * ratio, ratio.withSign(of: q))
    let zero = (p .== 0).select(-.infinity, (p .== 1).select(.infinity, value))
    let outOfRange = (p .< 0).select(.nan, (p .> 1).select(.nan, zero))
    return LaneReal(p.w.select(p.w.isNaN(p.value), p.value, outOfRange.value), p.w)
  }
}
