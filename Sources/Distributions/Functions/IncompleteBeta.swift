import Foundation
import Numerics

/// The regularized incomplete beta function by its continued fraction (DLMF 8.17.22), modified Lentz method.
enum IncompleteBeta {
  /// I_x(a, b), with y = 1 − x given apart so that neither end loses digits.
  static func regularized(_ a: Double, _ b: Double, _ x: Double, _ y: Double) -> Double {
    if a.isNaN || b.isNaN || x.isNaN || y.isNaN { return .nan }
    if x <= 0 { return 0 }
    if y <= 0 { return 1 }
    let factor = exp(logFactor(a, b, x, y))
    if x * (b + 1) < y * (a + 1) { return min(1, factor * fraction(a, b, x) / a) }
    return max(0, 1 - factor * fraction(b, a, y) / b)
  }

  /// log(xᵃ yᵇ / B(a, b))
  private static func logFactor(_ a: Double, _ b: Double, _ x: Double, _ y: Double) -> Double {
    guard min(a, b) >= 10 else {
      let logX = x < 0.5 ? log(x) : log1p(-y)
      let logY = y < 0.5 ? log(y) : log1p(-x)
      return a * logX + b * logY - StirlingSeries.logBeta(a, b)
    }
    // As a deviation from x = a / (a + b); x b − y a with the rounding errors of its products.
    let first = x * b
    let second = y * a
    let difference = (first - second) + ((-first).addingProduct(x, b) - (-second).addingProduct(y, a))
    let total = a + b
    let scale = 0.5 * (log(a) + log(b / total)) - halfLogTwoPi
    let remainders = StirlingSeries.remainder(a) + StirlingSeries.remainder(b) - StirlingSeries.remainder(total)
    return a * deviation(difference / a, x * total / a) + b * deviation(-difference / b, y * total / b) + scale
      - remainders
  }

  /// log(1 + d) − d, from 1 + d itself where that is small. Over both terms the linear parts cancel.
  private static func deviation(_ d: Double, _ ratio: Double) -> Double {
    d > -0.5 ? log1p(d) - d : log(ratio) - d
  }

  private static func fraction(_ a: Double, _ b: Double, _ x: Double) -> Double {
    let tiny = 1e-300
    var c = 1.0
    var d = 1 - (a + b) * x / (a + 1)
    if abs(d) < tiny { d = tiny }
    d = 1 / d
    var h = d
    var m = 0.0
    for _ in 0..<1_000_000 {
      m += 1
      let even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
      d = 1 + even * d
      if abs(d) < tiny { d = tiny }
      c = 1 + even / c
      if abs(c) < tiny { c = tiny }
      d = 1 / d
      h *= d * c
      let odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
      d = 1 + odd * d
      if abs(d) < tiny { d = tiny }
      c = 1 + odd / c
      if abs(c) < tiny { c = tiny }
      d = 1 / d
      let factor = d * c
      h *= factor
      if abs(factor - 1) < 1e-16 { break }
    }
    return h
  }
}
