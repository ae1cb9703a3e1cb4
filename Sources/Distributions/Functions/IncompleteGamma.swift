import Foundation
import Numerics

/// The regularized incomplete gamma functions, each tail by a route that keeps its digits.
///
/// Below the transition the power series (DLMF 8.7.1), above it Legendre's continued fraction (DLMF 8.9.2) by the
/// modified Lentz method; near the mode of a large shape, where both need about √a terms, Temme's expansion.
enum IncompleteGamma {
  /// P(a, x) for a > 0, x ≥ 0.
  static func lower(_ a: Double, _ x: Double) -> Double {
    if a.isNaN || x.isNaN { return .nan }
    if x <= 0 || a.isInfinite { return 0 }
    if x.isInfinite { return 1 }
    switch route(a, x) {
    case .series: return min(1, exp(logFactor(a, x)) * series(a, x))
    case .smallShape: return max(0, 1 - smallShapeUpper(a, x))
    case .fraction: return max(0, 1 - exp(logFactor(a, x)) * fraction(a, x))
    case .uniform: return uniform(a, x, isLower: true)
    }
  }

  /// Q(a, x) = 1 − P(a, x)
  static func upper(_ a: Double, _ x: Double) -> Double {
    if a.isNaN || x.isNaN { return .nan }
    if x <= 0 || a.isInfinite { return 1 }
    if x.isInfinite { return 0 }
    switch route(a, x) {
    case .series: return max(0, 1 - exp(logFactor(a, x)) * series(a, x))
    case .smallShape: return smallShapeUpper(a, x)
    case .fraction: return min(1, exp(logFactor(a, x)) * fraction(a, x))
    case .uniform: return uniform(a, x, isLower: false)
    }
  }

  static func logUpper(_ a: Double, _ x: Double) -> Double {
    if x.isNaN || x.isInfinite || x <= 0 || a.isInfinite { return log(upper(a, x)) }
    switch route(a, x) {
    case .series: return log1p(-lower(a, x))
    case .smallShape: return log(smallShapeUpper(a, x))
    case .fraction: return min(0, logFactor(a, x) + log(fraction(a, x)))
    case .uniform: return x < a ? log1p(-lower(a, x)) : log(upper(a, x))
    }
  }

  static func logLower(_ a: Double, _ x: Double) -> Double {
    if x.isNaN || x.isInfinite || x <= 0 || a.isInfinite { return log(lower(a, x)) }
    switch route(a, x) {
    case .series: return min(0, logFactor(a, x) + log(series(a, x)))
    case .smallShape, .fraction: return log1p(-upper(a, x))
    case .uniform: return x < a ? log(lower(a, x)) : log1p(-upper(a, x))
    }
  }

  private enum Route { case series, smallShape, fraction, uniform }

  private static func route(_ a: Double, _ x: Double) -> Route {
    // Within 32 standard deviations, so that neither tail underflows; outside, few terms suffice.
    if a >= 1e8, abs(x - a) < 32 * a.squareRoot() { return .uniform }
    if a < 1 { return x >= 1 ? .fraction : (smallShapeUpper(a, x) < 0.5 ? .smallShape : .series) }
    return x < a + 1 ? .series : .fraction
  }

  /// log(xᵃ e⁻ˣ / Γ(a + 1))
  private static func logFactor(_ a: Double, _ x: Double) -> Double {
    if a < 1 { return a * log(x) - x - logGammaOfOnePlus(a) }
    guard a >= 10 else { return a * log(x) - x - Special.logGamma(a + 1) }
    let d = (x - a) / a
    let deviation = abs(d) < 0.5 ? LogDeviation.log1pMinus(d) : log(x / a) - d
    return a * deviation - 0.5 * log(a) - halfLogTwoPi - StirlingSeries.remainder(a)
  }

  /// log Γ(1 + a) for 0 < a < 1, with what rounding takes from 1 + a given back.
  private static func logGammaOfOnePlus(_ a: Double) -> Double {
    let sum = 1 + a
    return Special.logGamma(sum) + Special.digamma(sum) * (a - (sum - 1))
  }

  /// Q for a < 1 and x < 1 from P = xᵃ/Γ(1 + a) · (1 + a Σ (−x)ᵏ / (k! (a + k))) (DLMF 8.7.1) without forming 1 − P.
  private static func smallShapeUpper(_ a: Double, _ x: Double) -> Double {
    let logPower = a * log(x) - logGammaOfOnePlus(a)
    var power = 1.0
    var total = 0.0
    for k in 1..<40 {
      power *= -x / Double(k)
      total += power / (a + Double(k))
      if abs(power) < 1e-18 * abs(total) { break }
    }
    return min(1, max(0, -expm1(logPower) - exp(logPower) * a * total))
  }

  /// Temme's uniform expansion (DLMF 8.12.3–8.12.8) to the term in 1/a: from a = 10⁸ on the next is below 1e-17.
  private static func uniform(_ a: Double, _ x: Double, isLower: Bool) -> Double {
    let d = (x - a) / a
    let half = -LogDeviation.log1pMinus(d)
    let eta = (d < 0 ? -1 : 1) * (2 * half).squareRoot()
    let side = isLower ? -eta : eta
    // c₀ = 1/d − 1/η and c₁ by their series at η = 0 (DLMF 8.12.11, 8.12.12), where the differences would cancel.
    let zeroth = -1.0 / 3 + eta * (1.0 / 12 + eta * (-2.0 / 135 + eta * (1.0 / 864 + eta / 2835)))
    let first = -1.0 / 540 - eta / 288
    let correction = exp(-a * half) / (2 * Double.pi * a).squareRoot() * (zeroth + first / a)
    let tail = 0.5 * Special.erfc(side * (0.5 * a).squareRoot())
    return min(1, max(0, isLower ? tail - correction : tail + correction))
  }

  /// Σ xⁿ / ((a + 1) … (a + n))
  private static func series(_ a: Double, _ x: Double) -> Double {
    var term = 1.0
    var total = term
    var n = a
    for _ in 0..<1_000_000 {
      n += 1
      term *= x / n
      total += term
      if term < total * 1e-17 { break }
    }
    return total
  }

  /// Q Γ(a + 1) / (xᵃ e⁻ˣ)
  private static func fraction(_ a: Double, _ x: Double) -> Double {
    let tiny = 1e-300
    var b = x + 1 - a
    var c = 1 / tiny
    var d = 1 / (b == 0 ? tiny : b)
    var h = d
    var n = 0.0
    for _ in 0..<1_000_000 {
      n += 1
      let numerator = -n * (n - a)
      b += 2
      d = numerator * d + b
      if abs(d) < tiny { d = tiny }
      c = b + numerator / c
      if abs(c) < tiny { c = tiny }
      d = 1 / d
      let factor = c * d
      h *= factor
      if abs(factor - 1) < 1e-16 { break }
    }
    return a * h
  }

  /// x with P(a, x) = probability.
  static func quantile(_ probability: Double, shape: Double) -> Double {
    guard probability > 0, probability < 1 else { return Tails.ends(probability, 0, .infinity) }
    return solve(isLower: probability < 0.5, goal: log(probability < 0.5 ? probability : 1 - probability), shape)
  }

  /// x with Q(a, x) = probability.
  static func quantile(ofComplement probability: Double, shape: Double) -> Double {
    guard probability > 0, probability < 1 else { return Tails.ends(probability, .infinity, 0) }
    return solve(isLower: probability > 0.5, goal: log(probability > 0.5 ? 1 - probability : probability), shape)
  }

  private static func solve(isLower: Bool, goal: Double, _ shape: Double) -> Double {
    let logX = MonotoneRoot.solve(from: log(shape), step: 0.5) { u in
      isLower ? logLower(shape, exp(u)) - goal : goal - logUpper(shape, exp(u))
    }
    // A small shape puts the quantile below the smallest double.
    return logX.isNaN ? 0 : exp(logX)
  }
}
