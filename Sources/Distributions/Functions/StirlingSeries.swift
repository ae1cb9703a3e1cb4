import Foundation
import Numerics

/// What Stirling's formula leaves of log Γ: B₂ₖ / (2k(2k − 1) a²ᵏ⁻¹) (DLMF 5.11.1).
enum StirlingSeries {
  /// At a = 10 the first term left out is below 1e-15.
  static let coefficients: [Double] = [
    1.0 / 12, -1.0 / 360, 1.0 / 1260, -1.0 / 1680, 1.0 / 1188, -691.0 / 360360, 1.0 / 156,
  ]

  /// log Γ(a) − [(a − ½) log a − a + ½ log 2π], for a > 0.
  static func remainder(_ a: Double) -> Double {
    guard a >= 10 else { return Special.logGamma(a) - ((a - 0.5) * log(a) - a + halfLogTwoPi) }
    let squared = 1 / (a * a)
    var series = 0.0
    for coefficient in coefficients.reversed() { series = coefficient + series * squared }
    return series / a
  }

  /// log B(a, b), without cancellation for large arguments.
  static func logBeta(_ a: Double, _ b: Double) -> Double {
    let small = min(a, b)
    let large = max(a, b)
    guard large >= 10 else { return Special.logGamma(small) + Special.logGamma(large) - Special.logGamma(a + b) }
    let total = a + b
    let growth =
      (large - 0.5) * log1p(small / large) + small * (log(total) - 1) + remainder(total) - remainder(large)
    return Special.logGamma(small) - growth
  }
}
