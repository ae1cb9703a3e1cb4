import Foundation

/// Special functions of real arguments.
package enum Special {
  package static let logTwoPi = 1.837877066409345483560659472811235279722

  // MARK: - Logistic family

  package static func logistic(_ x: Double) -> Double {
    if x >= 0 { return 1 / (1 + exp(-x)) }
    let e = exp(x)
    return e / (1 + e)
  }

  /// log(1 + eˣ)
  package static func softplus(_ x: Double) -> Double {
    if x > 33.3 { return x + exp(-x) }
    // Below −37, exp(x) is under half an ulp of 1, so log1p(exp(x)) rounds to exp(x).
    if x < -37 { return exp(x) }
    return log1p(exp(x))
  }

  package static func logLogistic(_ x: Double) -> Double { -softplus(-x) }

  /// log(1 − e⁻ˣ) written for x < 0 as log(1 − eˣ) (Mächler 2012).
  package static func logOneMinusExp(_ x: Double) -> Double {
    if x > 0 { return .nan }
    return x > -0.6931471805599453 ? log(-expm1(x)) : log1p(-exp(x))
  }

  package static func logAddExp(_ x: Double, _ y: Double) -> Double {
    if x.isNaN || y.isNaN { return .nan }
    let top = max(x, y)
    guard top.isFinite else { return top }
    return top + log1p(exp(-abs(x - y)))
  }

  // MARK: - Normal distribution

  package static func erf(_ x: Double) -> Double { Foundation.erf(x) }
  package static func erfc(_ x: Double) -> Double { Foundation.erfc(x) }

  package static func normalCDF(_ x: Double) -> Double { 0.5 * erfc(-x * 0.7071067811865475244) }

  package static func normalLogCDF(_ x: Double) -> Double {
    // Above 0 the complement is the smaller part and keeps its digits.
    if x > 0 { return log1p(-0.5 * erfc(x * 0.7071067811865475244)) }
    if x > -20 { return log(normalCDF(x)) }
    // Mills' ratio as a continued fraction (DLMF 7.9.2).
    let z = -x
    var fraction = 0.0
    for k in stride(from: 60, through: 1, by: -1) { fraction = Double(k) / (z + fraction) }
    return -0.5 * x * x - 0.5 * logTwoPi - log(z + fraction)
  }

  /// The inverse of ``normalCDF(_:)`` (Wichura 1988, algorithm AS 241, PPND16: relative accuracy 1e-16).
  package static func normalQuantile(_ p: Double) -> Double {
    if p.isNaN || p < 0 || p > 1 { return .nan }
    if p == 0 { return -.infinity }
    if p == 1 { return .infinity }
    let q = p - 0.5
    if abs(q) <= 0.425 {
      let r = 0.180625 - q * q
      return q
        * ratio(
          r,
          (
            2.5090809287301226727e3, 3.3430575583588128105e4, 6.7265770927008700853e4, 4.5921953931549871457e4,
            1.3731693765509461125e4, 1.9715909503065514427e3, 1.3314166789178437745e2, 3.3871328727963666080
          ),
          (
            5.2264952788528545610e3, 2.8729085735721942674e4, 3.9307895800092710610e4, 2.1213794301586595867e4,
            5.3941960214247511077e3, 6.8718700749205790830e2, 4.2313330701600911252e1
          ))
    }
    var r = (-log(q < 0 ? p : 1 - p)).squareRoot()
    let x: Double
    if r <= 5 {
      r -= 1.6
      x = ratio(
        r,
        (
          7.74545014278341407640e-4, 2.27238449892691845833e-2, 2.41780725177450611770e-1, 1.27045825245236838258,
          3.64784832476320460504, 5.76949722146069140550, 4.63033784615654529590, 1.42343711074968357734
        ),
        (
          1.05075007164441684324e-9, 5.47593808499534494600e-4, 1.51986665636164571966e-2, 1.48103976427480074590e-1,
          6.89767334985100004550e-1, 1.67638483018380384940, 2.05319162663775882187
        ))
    } else {
      r -= 5
      x = ratio(
        r,
        (
          2.01033439929228813265e-7, 2.71155556874348757815e-5, 1.24266094738807843860e-3, 2.65321895265761230930e-2,
          2.96560571828504891230e-1, 1.78482653991729133580, 5.46378491116411436990, 6.65790464350110377720
        ),
        (
          2.04426310338993978564e-15, 1.42151175831644588870e-7, 1.84631831751005468180e-5, 7.86869131145613259100e-4,
          1.48753612908506148525e-2, 1.36929880922735805310e-1, 5.99832206555887937690e-1
        ))
    }
    return q < 0 ? -x : x
  }

  private typealias Seven = (Double, Double, Double, Double, Double, Double, Double)
  private typealias Eight = (Double, Double, Double, Double, Double, Double, Double, Double)

  /// A quotient of polynomials of degree seven, the divisor's constant term 1.
  @inline(__always)
  private static func ratio(_ r: Double, _ a: Eight, _ b: Seven) -> Double {
    var top = a.0 * r + a.1
    top = top * r + a.2
    top = top * r + a.3
    top = top * r + a.4
    top = top * r + a.5
    top = top * r + a.6
    top = top * r + a.7
    var bottom = b.0 * r + b.1
    bottom = bottom * r + b.2
    bottom = bottom * r + b.3
    bottom = bottom * r + b.4
    bottom = bottom * r + b.5
    bottom = bottom * r + b.6
    return top / (bottom * r + 1)
  }

  // MARK: - Gamma family

  package static func logGamma(_ x: Double) -> Double {
    var sign: Int32 = 0
    return lgamma_r(x, &sign)
  }

  /// ψ(x), by recurrence to x ≥ 10 and the asymptotic series (DLMF 5.11.2), reflection for x < 0.
  package static func digamma(_ x: Double) -> Double {
    if x.isNaN || x == -.infinity { return .nan }
    if x == .infinity { return x }
    if x <= 0 {
      if x == x.rounded(.down) { return .nan }
      // The tangent has period 1 in x; the whole part would cost digits.
      return digamma(1 - x) - Double.pi / tan(Double.pi * (x - x.rounded()))
    }
    var x = x
    var result = 0.0
    while x < 10 {
      result -= 1 / x
      x += 1
    }
    let r = 1 / (x * x)
    let series =
      r
      * (1.0 / 12 - r * (1.0 / 120 - r * (1.0 / 252 - r * (1.0 / 240 - r * (1.0 / 132 - r * (691.0 / 32760 - r / 12))))))
    return result + log(x) - 0.5 / x - series
  }

  /// ψ′(x) (DLMF 5.15.8).
  package static func trigamma(_ x: Double) -> Double {
    if x.isNaN { return .nan }
    if x <= 0 {
      if x == x.rounded(.down) { return .infinity }
      let s = sin(Double.pi * x)
      return Double.pi * Double.pi / (s * s) - trigamma(1 - x)
    }
    var x = x
    var result = 0.0
    while x < 10 {
      result += 1 / (x * x)
      x += 1
    }
    let r = 1 / (x * x)
    let tail =
      r
      * (1.0 / 6 - r * (1.0 / 30 - r * (1.0 / 42 - r * (1.0 / 30 - r * (5.0 / 66 - r * (691.0 / 2730 - r * 7.0 / 6))))))
    return result + 1 / x + 0.5 * r + tail / x
  }
}
