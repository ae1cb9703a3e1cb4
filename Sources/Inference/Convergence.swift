import Foundation
import Numerics
import Synchronization

/// Convergence checks of Vehtari, Gelman, Simpson, Carpenter & Bürkner (2021), "Rank-normalization, folding, and
/// localization: an improved R-hat", as ArviZ computes them. Draws are given by chain; chains of one length.
package enum Convergence {
  // MARK: - Parts

  /// Chains cut in halves; an odd middle draw is dropped.
  static func split(_ chains: [[Double]]) -> [[Double]] {
    chains.flatMap { chain -> [[Double]] in
      let half = chain.count / 2
      return [Array(chain.prefix(half)), Array(chain.suffix(half))]
    }
  }

  /// Normal scores of the ranks over all chains, ties averaged: Φ⁻¹((rank − 3/8) / (S + 1/4)).
  package static func rankNormalized(_ chains: [[Double]]) -> [[Double]] {
    let scores = normalScores(chains.reduce(0) { $0 + $1.count })
    // Ranks are whole or halfway between.
    return OrderStatistics.averageRanks(chains).map { ranks in ranks.map { scores[Int(2 * $0)] } }
  }

  /// Scores by twice the rank; those of one number of draws are kept, as all quantities of a fit have it.
  private static func normalScores(_ count: Int) -> [Double] {
    lastScores.withLock { last in
      if last.count != 2 * count + 1 {
        last = (0...(2 * count)).map { Special.normalQuantile((Double($0) / 2 - 0.375) / (Double(count) + 0.25)) }
      }
      return last
    }
  }

  private static let lastScores = Mutex<[Double]>([])

  /// Σ x[k] y[k], eight partial sums.
  private static func dot(_ x: UnsafePointer<Double>, _ y: UnsafePointer<Double>, _ count: Int) -> Double {
    var sum = SIMD8<Double>.zero
    var k = 0
    while k + 8 <= count {
      let a = UnsafeRawPointer(x + k).loadUnaligned(as: SIMD8<Double>.self)
      let b = UnsafeRawPointer(y + k).loadUnaligned(as: SIMD8<Double>.self)
      sum += a * b
      k += 8
    }
    var rest = 0.0
    while k < count {
      rest += x[k] * y[k]
      k += 1
    }
    return sum.sum() + rest
  }

  static func mean(_ x: [Double]) -> Double { x.reduce(0, +) / Double(x.count) }

  static func variance(_ x: [Double]) -> Double {
    let center = mean(x)
    return x.reduce(0) { $0 + ($1 - center) * ($1 - center) } / Double(x.count - 1)
  }

  private static func isUsable(_ chains: [[Double]]) -> Bool {
    guard let first = chains.first, first.count >= 4, chains.allSatisfy({ $0.count == first.count }) else {
      return false
    }
    return chains.allSatisfy { $0.allSatisfy(\.isFinite) }
  }

  private static func isConstant(_ chains: [[Double]]) -> Bool {
    guard let value = chains.first?.first else { return true }
    return chains.allSatisfy { $0.allSatisfy { $0 == value } }
  }

  // MARK: - R-hat

  static func basicRHat(_ chains: [[Double]]) -> Double {
    let n = Double(chains[0].count)
    let means = chains.map(mean)
    let within = mean(chains.map(variance))
    let between = n * variance(means)
    return ((between / within + n - 1) / n).squareRoot()
  }

  /// Split R-hat without rank normalization.
  package static func splitRHat(_ chains: [[Double]]) -> Double {
    guard isUsable(chains), !isConstant(chains) else { return .nan }
    return basicRHat(split(chains))
  }

  /// The larger of rank-normalized split R-hat and its folded form.
  package static func rHat(_ chains: [[Double]]) -> Double {
    guard isUsable(chains), !isConstant(chains) else { return .nan }
    let halves = split(chains)
    let bulk = basicRHat(rankNormalized(halves))
    let sorted = OrderStatistics.sorted(halves.flatMap { $0 })
    let median = OrderStatistics.quantile(sorted: sorted, 0.5)
    let folded = halves.map { $0.map { abs($0 - median) } }
    let tail = basicRHat(rankNormalized(folded))
    return tail.isNaN ? bulk : max(bulk, tail)
  }

  // MARK: - Effective sample size

  /// Geyer's initial monotone sequence over the mean autocovariance of the chains.
  static func effectiveSampleSize(ofSplit chains: [[Double]]) -> Double {
    let m = chains.count
    let n = chains[0].count
    let total = Double(m * n)
    let means = chains.map(mean)
    let centered = zip(chains, means).map { chain, center in chain.map { $0 - center } }
    func autocovariance(_ lag: Int) -> Double {
      var sum = 0.0
      for chain in centered {
        sum += chain.withUnsafeBufferPointer { buffer in
          buffer.baseAddress.map { dot($0, $0 + lag, n - lag) / Double(n) } ?? 0
        }
      }
      return sum / Double(m)
    }
    let variance0 = autocovariance(0)
    let meanVariance = variance0 * Double(n) / Double(n - 1)
    var plus = meanVariance * Double(n - 1) / Double(n)
    if m > 1 { plus += variance(means) }
    guard plus > 0 else { return total }
    func rho(_ lag: Int) -> Double { 1 - (meanVariance - autocovariance(lag)) / plus }
    var values = Array(repeating: 0.0, count: n)
    var even = 1.0
    values[0] = 1
    var odd = rho(1)
    values[1] = odd
    var t = 1
    while t < n - 3, even + odd > 0 {
      even = rho(t + 1)
      odd = rho(t + 2)
      if even + odd >= 0 {
        values[t + 1] = even
        values[t + 2] = odd
      }
      t += 2
    }
    let last = t - 2
    if even > 0, last + 1 >= 0 { values[last + 1] = even }
    t = 1
    while t <= last - 2 {
      if values[t + 1] + values[t + 2] > values[t - 1] + values[t] {
        values[t + 1] = (values[t - 1] + values[t]) / 2
        values[t + 2] = values[t + 1]
      }
      t += 2
    }
    var tau = -1.0
    if last >= 0 { tau += 2 * values[0...last].reduce(0, +) }
    if last + 1 >= 0, last + 1 < n { tau += values[last + 1] }
    tau = max(tau, 1 / log10(total))
    return tau.isNaN ? .nan : total / tau
  }

  private static func total(_ chains: [[Double]]) -> Double { Double(chains.reduce(0) { $0 + $1.count }) }

  package static func essBulk(_ chains: [[Double]]) -> Double {
    guard isUsable(chains) else { return .nan }
    if isConstant(chains) { return total(chains) }
    return effectiveSampleSize(ofSplit: rankNormalized(split(chains)))
  }

  package static func essMean(_ chains: [[Double]]) -> Double {
    guard isUsable(chains) else { return .nan }
    if isConstant(chains) { return total(chains) }
    return effectiveSampleSize(ofSplit: split(chains))
  }

  /// Of the indicator that a draw is at most the p-quantile.
  package static func essQuantile(_ chains: [[Double]], _ p: Double) -> Double {
    guard isUsable(chains) else { return .nan }
    if isConstant(chains) { return total(chains) }
    let bound = OrderStatistics.quantile(sorted: OrderStatistics.sorted(chains.flatMap { $0 }), p)
    let indicators = split(chains).map { $0.map { $0 <= bound ? 1.0 : 0.0 } }
    if isConstant(indicators) { return total(indicators) }
    return effectiveSampleSize(ofSplit: indicators)
  }

  package static func essTail(_ chains: [[Double]]) -> Double {
    min(essQuantile(chains, 0.05), essQuantile(chains, 0.95))
  }

  // MARK: - Monte Carlo standard errors

  package static func mcseMean(_ chains: [[Double]]) -> Double {
    guard isUsable(chains) else { return .nan }
    if isConstant(chains) { return 0 }
    return (variance(chains.flatMap { $0 }) / essMean(chains)).squareRoot()
  }

  package static func mcseSD(_ chains: [[Double]]) -> Double {
    guard isUsable(chains) else { return .nan }
    if isConstant(chains) { return 0 }
    let center = mean(chains.flatMap { $0 })
    let squares = chains.map { $0.map { ($0 - center) * ($0 - center) } }
    let ess = essMean(squares)
    let all = squares.flatMap { $0 }
    let second = mean(all)
    let fourth = mean(all.map { $0 * $0 })
    return ((fourth - second * second) / ess / second / 4).squareRoot()
  }

  package static func mcseQuantile(_ chains: [[Double]], _ p: Double) -> Double {
    guard isUsable(chains) else { return .nan }
    if isConstant(chains) { return 0 }
    let ess = essQuantile(chains, p)
    let sorted = OrderStatistics.sorted(chains.flatMap { $0 })
    let count = Double(sorted.count)
    func order(_ level: Double) -> Double {
      let a = Special.inverseRegularizedBeta(ess * p + 1, ess * (1 - p) + 1, level)
      let position = level < 0.5 ? (a * count - 1).rounded(.down) : (a * count - 1).rounded(.up)
      return sorted[Int(max(0, min(count - 1, position)))]
    }
    return (order(0.8413447460685429) - order(0.1586552539314571)) / 2
  }

  // MARK: - Others

  /// The narrowest window of ⌊mass·S⌋ + 1 sorted draws.
  package static func highestDensityInterval(_ draws: [Double], mass: Double) -> (low: Double, high: Double) {
    let sorted = OrderStatistics.sorted(draws)
    let width = Int(mass * Double(sorted.count))
    guard width < sorted.count, width > 0 else { return (sorted.first ?? .nan, sorted.last ?? .nan) }
    var best = 0
    for start in 0..<(sorted.count - width)
    where sorted[start + width] - sorted[start] < sorted[best + width] - sorted[best] {
      best = start
    }
    return (sorted[best], sorted[best + width])
  }

  /// Energy Bayesian fraction of missing information of one chain (Betancourt 2016): below 0.3 the momentum resampling
  /// explores the energy too slowly.
  package static func ebfmi(_ energy: [Double]) -> Double {
    guard energy.count > 1 else { return .nan }
    let numerator = zip(energy.dropFirst(), energy).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    let center = mean(energy)
    let denominator = energy.reduce(0) { $0 + ($1 - center) * ($1 - center) }
    return numerator / denominator
  }
}
