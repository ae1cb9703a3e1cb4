import Foundation
import Numerics

/// Values at and beyond the ends of a support; a NaN argument stays NaN.
enum Tails {
  static func zero(_ x: Double) -> Double { x.isNaN ? x : 0 }
  static func one(_ x: Double) -> Double { x.isNaN ? x : 1 }
  static func negativeInfinity(_ x: Double) -> Double { x.isNaN ? x : -.infinity }

  static func normalLogCDF(_ z: Double) -> Double {
    if z == -.infinity { return z }
    return z == .infinity ? 0 : Special.normalLogCDF(z)
  }

  /// A quantile at probability 0 or 1, NaN outside.
  static func ends(_ probability: Double, _ low: Double, _ high: Double) -> Double {
    probability == 0 ? low : (probability == 1 ? high : .nan)
  }

  /// The smallest whole number whose cdf reaches the probability: steps that double from `start`, then halving.
  static func countQuantile(
    _ probability: Double, start: Double, last: Double, cdf: (Double) -> Double, survival: (Double) -> Double
  ) -> Double {
    guard probability >= 0, probability <= 1 else { return .nan }
    if probability == 1 { return last }
    func reaches(_ k: Double) -> Bool {
      // Near one the comparison goes by the other tail, which still has digits there.
      probability < 0.5 ? cdf(k) >= probability : survival(k) <= 1 - probability
    }
    var low = -1.0
    var high = min(last, max(0, start.rounded(.down)))
    var step = 1.0
    while !reaches(high) {
      if high >= last { return last }
      low = high
      high = min(last, high + step)
      step *= 2
    }
    while high - low > 1 {
      let middle = ((low + high) / 2).rounded(.down)
      if middle <= low || middle >= high { break }
      if reaches(middle) { high = middle } else { low = middle }
    }
    return high
  }
}

extension UnivariateFamily {
  package func logCDF(_ x: Double, _ p: [Double]) -> Double {
    let value = cdf(x, p)
    return value < 0.5 ? log(value) : log1p(-survival(x, p))
  }

  package func logSurvival(_ x: Double, _ p: [Double]) -> Double {
    let value = survival(x, p)
    return value < 0.5 ? log(value) : log1p(-cdf(x, p))
  }
}

/// Roots of increasing functions.
enum MonotoneRoot {
  /// A root of an increasing function: brackets by doubling steps from a start, then Brent's method (1973) to full
  /// precision. NaN when no bracket is found.
  static func solve(from start: Double, step: Double, _ f: (Double) -> Double) -> Double {
    var (a, b) = (start, start)
    var fa = f(a)
    if fa == 0 { return a }
    if fa.isNaN { return .nan }
    var fb = fa
    var width = step
    if fa < 0 {
      while fb < 0 {
        (a, fa) = (b, fb)
        b += width
        width *= 2
        fb = f(b)
        if b.isInfinite || fb.isNaN { return .nan }
      }
    } else {
      while fa > 0 {
        (b, fb) = (a, fa)
        a -= width
        width *= 2
        fa = f(a)
        if a.isInfinite || fa.isNaN { return .nan }
      }
    }
    return brent(a, fa, b, fb, f)
  }

  private static func brent(
    _ a: Double, _ fa: Double, _ b: Double, _ fb: Double, _ f: (Double) -> Double
  ) -> Double {
    var (a, fa, b, fb) = (a, fa, b, fb)
    var (c, fc) = (a, fa)
    var d = b - a
    var e = d
    for _ in 0..<200 {
      if (fb > 0) == (fc > 0) {
        (c, fc) = (a, fa)
        d = b - a
        e = d
      }
      if abs(fc) < abs(fb) {
        (a, fa) = (b, fb)
        (b, fb) = (c, fc)
        (c, fc) = (a, fa)
      }
      let tolerance = 2 * Double.ulpOfOne * abs(b) + 1e-300
      let middle = 0.5 * (c - b)
      if abs(middle) <= tolerance || fb == 0 { return b }
      if abs(e) >= tolerance, abs(fa) > abs(fb), fa.isFinite, fc.isFinite {
        let s = fb / fa
        var p: Double
        var q: Double
        if a == c {
          p = 2 * middle * s
          q = 1 - s
        } else {
          let r = fb / fc
          let t = fa / fc
          p = s * (2 * middle * t * (t - r) - (b - a) * (r - 1))
          q = (t - 1) * (r - 1) * (s - 1)
        }
        if p > 0 { q = -q }
        p = abs(p)
        if 2 * p < min(3 * middle * q - abs(tolerance * q), abs(e * q)) {
          e = d
          d = p / q
        } else {
          d = middle
          e = d
        }
      } else {
        d = middle
        e = d
      }
      (a, fa) = (b, fb)
      b += abs(d) > tolerance ? d : (middle > 0 ? tolerance : -tolerance)
      fb = f(b)
      if fb.isNaN { return .nan }
    }
    return b
  }
}
