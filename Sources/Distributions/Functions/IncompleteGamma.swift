import Foundation
import Numerics

/// The regularized incomplete gamma functions, each tail by a route that keeps its digits.
///
/// Below the transition the power series (DLMF 8.7.1), above it Legendre's continued fraction (DLMF 8.9.2) by the
/// modified Lentz method; the common factor xᵃ e⁻ˣ / Γ(a) as a deviation from the mode for large a.
enum IncompleteGamma {
  /// P(a, x) for a > 0, x ≥ 0.
  static func lower(_ a: Double, _ x: Double) -> Double {
    if a.isNaN || x.isNaN { return .nan }
    if x <= 0 { return 0 }
    if x.isInfinite { return 1 }
    return isBelow(a, x) ? exp(logFactor(a, x)) * series(a, x) : 1 - exp(logFactor(a, x)) * fraction(a, x)
  }

  /// Q(a, x) = 1 − P(a, x)
  static func upper(_ a: Double, _ x: Double) -> Double {
    if a.isNaN || x.isNaN { return .nan }
    if x <= 0 { return 1 }
    if x.isInfinite { return 0 }
    return isBelow(a, x) ? 1 - exp(logFactor(a, x)) * series(a, x) : exp(logFactor(a, x)) * fraction(a, x)
  }

  static func logUpper(_ a: Double, _ x: Double) -> Double {
    if x.isNaN || x.isInfinite || x <= 0 { return log(upper(a, x)) }
    return isBelow(a, x) ? log1p(-lower(a, x)) : logFactor(a, x) + log(fraction(a, x))
  }

  static func logLower(_ a: Double, _ x: Double) -> Double {
    if x.isNaN || x.isInfinite || x <= 0 { return log(lower(a, x)) }
    return isBelow(a, x) ? logFactor(a, x) + log(series(a, x)) : log1p(-upper(a, x))
  }

  private static func isBelow(_ a: Double, _ x: Double) -> Bool { x < (a < 1 ? 1 : a + 1) }

  /// log(xᵃ e⁻ˣ / Γ(a))
  private static func logFactor(_ a: Double, _ x: Double) -> Double {
    guard a >= 10 else { return a * log(x) - x - Special.logGamma(a) }
    let ratio = x / a
    // Near the mode log(ratio) − ratio + 1 through log1p, whose argument is exact there.
    let deviation = abs(ratio - 1) < 0.5 ? log1p((x - a) / a) - (x - a) / a : log(ratio) - ratio + 1
    return a * deviation + 0.5 * log(a) - halfLogTwoPi - StirlingSeries.remainder(a)
  }

  /// Σ xⁿ / (a (a + 1) … (a + n))
  private static func series(_ a: Double, _ x: Double) -> Double {
    var term = 1 / a
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
    return h
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
