import Foundation
import Numerics

/// The regularized incomplete beta function by a continued fraction.
enum IncompleteBeta {
  /// I_x(a, b), with y = 1 − x given apart so that neither end loses digits.
  static func regularized(_ a: Double, _ b: Double, _ x: Double, _ y: Double) -> Double {
    if a.isNaN || b.isNaN || x.isNaN || y.isNaN { return .nan }
    if x <= 0 { return 0 }
    if y <= 0 { return 1 }
    let factor = exp(logFactor(a, b, x, y))
    if x * (b + 1) < y * (a + 1) { return min(1, factor * fraction(a, b, x, y)) }
    if b < 1, a < 10, y < 0.1 { return smallShapeComplement(b, a, y) }
    return max(0, 1 - factor * fraction(b, a, y, x))
  }

  /// 1 − I_x(a, b) for small a and x, where I itself is near one, from I = xᵃ / (a B(a, b)) · (1 + a Σ (1 − b)ₖ xᵏ / (k! (a + k)))
  /// (DLMF 8.17.7 and 15.2.1) without forming the difference.
  private static func smallShapeComplement(_ a: Double, _ b: Double, _ x: Double) -> Double {
    var power = 1.0
    var sum = 0.0
    for k in 1..<60 {
      power *= (Double(k) - b) * x / Double(k)
      sum += power / (a + Double(k))
      if abs(power) < 1e-18 * abs(sum) { break }
    }
    // a B(a, b)
    let logFactor = Special.logGamma(1 + a) + Special.logGamma(b) - Special.logGamma(a + b)
    return max(0, -expm1(a * log(x) - logFactor + log1p(a * sum)))
  }

  /// log(xᵃ yᵇ / B(a, b))
  private static func logFactor(_ a: Double, _ b: Double, _ x: Double, _ y: Double) -> Double {
    guard min(a, b) >= 10 else {
      let logX = x < 0.5 ? log(x) : log1p(-y)
      let logY = y < 0.5 ? log(y) : log1p(-x)
      return a * logX + b * logY - Special.logBeta(a, b)
    }
    // As a deviation from x = a / (a + b).
    let lambda = difference(a, y, b, x)
    let total = a + b
    let scale = 0.5 * (log(a) + log(b / total)) - halfLogTwoPi
    let remainders = StirlingSeries.remainder(a) + StirlingSeries.remainder(b) - StirlingSeries.remainder(total)
    return a * deviation(-lambda / a, x * total / a) + b * deviation(lambda / b, y * total / b) + scale
      - remainders
  }

  /// log(1 + d) − d, from 1 + d itself where that is small. Over both terms the linear parts cancel.
  private static func deviation(_ d: Double, _ ratio: Double) -> Double {
    d > -0.5 ? LogDeviation.log1pMinus(d) : log(ratio) - d
  }

  /// I_x(a, b) · B(a, b) / (xᵃ yᵇ), by the even part of the continued fraction in λ = a y − b x, which does not cancel when
  /// a is large and x near 1 (DiDonato & Morris 1992, "Algorithm 708", eq. 9).
  private static func fraction(_ a: Double, _ b: Double, _ x: Double, _ y: Double) -> Double {
    let c = 1 + difference(a, y, b, x)
    let c0 = b / a
    let c1 = 1 + 1 / a
    var (n, p, s) = (0.0, 1.0, a + 1)
    var (before, numerator) = (0.0, 1.0)
    var (beforeDenominator, denominator) = (1.0, c / c1)
    var result = c1 / c
    for _ in 0..<1_000_000 {
      n += 1
      let t = n / a
      let w = n * (b - n) * x
      let e = a / s
      let alpha = (p * (p + c0) * e * e) * (w * x)
      let beta = n + w / s + (1 + t) / (c1 + t + t) * (c + n * (1 + y))
      p = 1 + t
      s += 2
      (before, numerator) = (numerator, alpha * before + beta * numerator)
      (beforeDenominator, denominator) = (denominator, alpha * beforeDenominator + beta * denominator)
      let last = result
      result = numerator / denominator
      if abs(result - last) <= 1e-16 * result { break }
      before /= denominator
      beforeDenominator /= denominator
      numerator = result
      denominator = 1
    }
    return result
  }

  /// a y − b x with the rounding errors of its products.
  private static func difference(_ a: Double, _ y: Double, _ b: Double, _ x: Double) -> Double {
    let first = a * y
    let second = b * x
    return (first - second) + ((-first).addingProduct(a, y) - (-second).addingProduct(b, x))
  }
}
