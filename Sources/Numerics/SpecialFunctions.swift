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
    if x > 5 { return log1p(-0.5 * erfc(x * 0.7071067811865475244)) }
    if x > -20 { return log(normalCDF(x)) }
    // Mills' ratio as a continued fraction (DLMF 7.9.2).
    let z = -x
    var fraction = 0.0
    for k in stride(from: 60, through: 1, by: -1) { fraction = Double(k) / (z + fraction) }
    return -0.5 * x * x - 0.5 * logTwoPi - log(z + fraction)
  }

  /// The inverse of ``normalCDF(_:)``: a rational start (Acklam's form, own fit not needed) refined by Halley's method.
  package static func normalQuantile(_ p: Double) -> Double {
    if p.isNaN || p < 0 || p > 1 { return .nan }
    if p == 0 { return -.infinity }
    if p == 1 { return .infinity }
    // Solve in the lower tail, where p is exact.
    if p > 0.5 { return -normalQuantile(1 - p) }
    // Hastings 26.2.23 of Abramowitz & Stegun: absolute error below 4.5e-4.
    let t = (-2 * log(p)).squareRoot()
    let numerator = 2.515517 + t * (0.802853 + t * 0.010328)
    let denominator = 1 + t * (1.432788 + t * (0.189269 + t * 0.001308))
    var x = -(t - numerator / denominator)
    for _ in 0..<4 {
      // On the log scale, so that far tails converge as fast as the middle.
      let value = normalLogCDF(x)
      let slope = exp(-0.5 * x * x - 0.5 * logTwoPi - value)
      let step = (value - log(p)) / slope
      let curvature = -slope * (x + slope)
      let halley = step / (1 - 0.5 * step * curvature / slope)
      x -= halley
      if abs(halley) <= 1e-16 * abs(x) { break }
    }
    return x
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
      return digamma(1 - x) - Double.pi / tan(Double.pi * x)
    }
    var x = x
    var result = 0.0
    while x < 10 {
      result -= 1 / x
      x += 1
    }
    let r = 1 / (x * x)
    let series =
      r * (1.0 / 12 - r * (1.0 / 120 - r * (1.0 / 252 - r * (1.0 / 240 - r * (1.0 / 132 - r * (691.0 / 32760 - r / 12))))))
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
      r * (1.0 / 6 - r * (1.0 / 30 - r * (1.0 / 42 - r * (1.0 / 30 - r * (5.0 / 66 - r * (691.0 / 2730 - r * 7.0 / 6))))))
    return result + 1 / x + 0.5 * r + tail / x
  }
}
