import Foundation

/// What Stirling's formula leaves of log Γ: B₂ₖ / (2k(2k − 1) a²ᵏ⁻¹) (DLMF 5.11.1).
package enum StirlingSeries {
  /// At a = 10 the first term left out is below 1e-15.
  package static let coefficients: [Double] = [
    1.0 / 12, -1.0 / 360, 1.0 / 1260, -1.0 / 1680, 1.0 / 1188, -691.0 / 360360, 1.0 / 156,
  ]

  /// log Γ(a) − [(a − ½) log a − a + ½ log 2π], for a > 0.
  package static func remainder(_ a: Double) -> Double {
    guard a >= 10 else { return Special.logGamma(a) - ((a - 0.5) * log(a) - a + 0.5 * Special.logTwoPi) }
    let squared = 1 / (a * a)
    var series = 0.0
    for coefficient in coefficients.reversed() { series = coefficient + series * squared }
    return series / a
  }
}

extension Special {
  /// log B(a, b), without cancellation for large arguments.
  package static func logBeta(_ a: Double, _ b: Double) -> Double {
    let small = min(a, b)
    let large = max(a, b)
    guard large >= 10, small > 0 else { return logGamma(small) + logGamma(large) - logGamma(a + b) }
    let total = a + b
    let rise = (large - 0.5) * log1p(small / large) + small * (log(total) - 1)
    return logGamma(small) - (rise + StirlingSeries.remainder(total) - StirlingSeries.remainder(large))
  }

  /// The log of the binomial coefficient of real numbers.
  package static func logChoose(_ n: Double, _ k: Double) -> Double { -log1p(n) - logBeta(n - k + 1, k + 1) }
}
