import Foundation
import Numerics

/// Draws of one scalar, by chain.
package struct Quantity: Sendable {
  package var name: String
  package var chains: [[Double]]
  package init(name: String, chains: [[Double]]) {
    self.name = name
    self.chains = chains
  }
  package var pooled: [Double] { chains.count == 1 ? chains[0] : chains.flatMap { $0 } }
}

/// Statistics that plots are made of; numbers that are not finite are left out of all of them.
enum Samples {
  static func finite(_ x: [Double]) -> [Double] { x.allSatisfy(\.isFinite) ? x : x.filter(\.isFinite) }

  /// Of sorted numbers; a share beyond 0 and 1 is one of its ends.
  static func quantile(_ sorted: [Double], _ p: Double) -> Double {
    OrderStatistics.quantile(sorted: sorted, max(0, min(1, p)))
  }

  /// Updated value by value (Welford 1962): exact where all are the same, and without a sum that could overflow.
  static func mean(_ x: [Double]) -> Double {
    var mean = x.isEmpty ? Double.nan : 0
    for (index, value) in x.enumerated() { mean += (value - mean) / Double(index + 1) }
    return mean
  }

  static func sd(_ x: [Double]) -> Double {
    guard x.count > 1 else { return 0 }
    let center = mean(x)
    return (x.reduce(0) { $0 + ($1 - center) * ($1 - center) } / Double(x.count - 1)).squareRoot()
  }

  static func areWhole(_ x: [Double]) -> Bool { x.allSatisfy { $0 == $0.rounded() && $0.magnitude < 1e9 } }

  // MARK: - Histograms

  struct Bins {
    var edges: [Double]
    var counts: [Double]
  }

  /// Bins of one width: of whole numbers one each where that is few, else by the rule of Freedman & Diaconis (1981),
  /// at least 5 and at most 100.
  static func bins(_ x: [Double], count wanted: Int? = nil) -> Bins {
    let x = finite(x)
    guard let low = x.min(), let high = x.max() else { return Bins(edges: [], counts: []) }
    var edges: [Double]
    if wanted == nil, areWhole(x), high - low <= 60 {
      edges = (0...Int(high - low + 1)).map { low - 0.5 + Double($0) }
    } else {
      var number = max(1, min(1000, wanted ?? 0))
      if wanted == nil {
        let sorted = x.sorted()
        let spread = quantile(sorted, 0.75) - quantile(sorted, 0.25)
        let width = 2 * spread / pow(Double(x.count), 1 / 3)
        let fits = width > 0 ? ((high - low) / width).rounded(.up) : 10
        number = fits.isFinite ? Int(max(5, min(100, fits))) : 10
      }
      // Numbers that are all the same stand in the middle of one bin.
      let pad = high > low ? 0 : max(0.5, low.magnitude * 1e-3)
      let (from, to) = (low - pad, high + pad)
      edges = (0...number).map { from * (1 - Double($0) / Double(number)) + to * (Double($0) / Double(number)) }
    }
    return Bins(edges: edges, counts: counts(x, edges))
  }

  /// How many numbers lie in each bin of equal width; the last holds its upper edge too.
  static func counts(_ x: [Double], _ edges: [Double]) -> [Double] {
    guard edges.count > 1, let low = edges.first, let high = edges.last, high > low else { return [] }
    let number = edges.count - 1
    var counts = Array(repeating: 0.0, count: number)
    for value in x where value.isFinite && value >= low && value <= high {
      let position = (value / 2 - low / 2) / (high / 2 - low / 2) * Double(number)
      counts[max(0, min(number - 1, Int(position)))] += 1
    }
    return counts
  }

  // MARK: - Densities

  static let densityPoints = 256

  /// A Gaussian kernel density estimate over the range of the data, its mass reflected at both ends.
  ///
  /// The bandwidth is Silverman's (1986, eq. 3.31), `0.9 min(sd, IQR / 1.34) n^(−1/5)`; the data are binned linearly on
  /// a grid, so that millions of draws cost one pass.
  static func density(_ x: [Double], points: Int = densityPoints) -> (x: [Double], y: [Double]) {
    let x = finite(x)
    guard let low = x.min(), let high = x.max() else { return ([], []) }
    let range = high - low
    guard range > 0, range.isFinite else { return ([], []) }
    let sample = x.count > 200_000 ? stride(from: 0, to: x.count, by: x.count / 100_000).map { x[$0] } : x
    let sorted = sample.sorted()
    let spread = (quantile(sorted, 0.75) - quantile(sorted, 0.25)) / 1.34
    let deviation = sd(sample)
    let scale = spread > 0 ? min(deviation, spread) : deviation
    let step = range / Double(points - 1)
    let width = max(0.9 * scale * pow(Double(x.count), -0.2), step * 0.75)
    var grid = Array(repeating: 0.0, count: points)
    for value in x {
      let position = (value - low) / step
      let below = max(0, min(points - 1, Int(position)))
      let share = position - Double(below)
      grid[below] += 1 - share
      if below + 1 < points { grid[below + 1] += share }
    }
    let reach = min(points * 2, Int((4 * width / step).rounded(.up)))
    let kernel = (0...reach).map { exp(-0.5 * pow(Double($0) * step / width, 2)) }
    var y = Array(repeating: 0.0, count: points)
    for slot in 0..<points where grid[slot] > 0 {
      for offset in -reach...reach {
        // What falls over an end comes back: reflection.
        var target = slot + offset
        while target < 0 || target >= points { target = target < 0 ? -1 - target : 2 * points - 1 - target }
        y[target] += grid[slot] * kernel[abs(offset)]
      }
    }
    let total = y.reduce(0, +) * step
    return ((0..<points).map { low + Double($0) * step }, y.map { $0 / total })
  }

  // MARK: - Distribution functions

  /// The empirical distribution function as steps, thinned to what can be seen.
  static func ecdf(_ x: [Double]) -> (x: [Double], y: [Double]) {
    let sorted = finite(x).sorted()
    guard let first = sorted.first else { return ([], []) }
    let count = sorted.count
    var xs = [first]
    var ys = [0.0]
    let every = max(1, count / 1000)
    var index = 0
    while index < count {
      var end = min(count - 1, index + every - 1)
      // Equal numbers are one step.
      while end + 1 < count, sorted[end + 1] == sorted[end] { end += 1 }
      xs.append(sorted[end])
      ys.append(Double(end + 1) / Double(count))
      index = end + 1
    }
    return (xs, ys)
  }

  /// The central interval that holds a share of the numbers.
  static func interval(_ sorted: [Double], mass: Double) -> (low: Double, high: Double) {
    (quantile(sorted, (1 - mass) / 2), quantile(sorted, (1 + mass) / 2))
  }

  // MARK: - Simultaneous bands

  /// How far the empirical distribution function of uniform numbers strays from the diagonal, jointly at many points:
  /// bounds `z ± c √(z (1 − z) v)` that a share of samples keeps to everywhere.
  ///
  /// After Säilynoja, Bürkner & Vehtari (2022), "Graphical test for discrete uniformity and its applications", by
  /// simulation; departures: bounds of equal standardized width in place of binomial quantiles, and for several chains
  /// the ranks are shuffled among them, as their section 3 has it for comparing samples. The stream is fixed.
  static func band(count: Int, chains: Int = 1, points: Int, mass: Double = 0.95) -> (z: [Double], half: [Double]) {
    guard count > 0, points > 1 else { return ([], []) }
    let z = (1..<points).map { Double($0) / Double(points) }
    // More than this many numbers behave alike, up to their scale.
    let size = min(count, 1000)
    let groups = max(1, min(chains, 4))
    var stream = RandomStream(key: RandomKey(words: (0x6361_6972_6E62_616E, 0x6473)).child("ecdf band"))
    var worst: [Double] = []
    let rounds = 400
    for _ in 0..<rounds {
      var greatest = 0.0
      var cells = Array(repeating: Array(repeating: 0, count: points), count: groups)
      if groups == 1 {
        for _ in 0..<size { cells[0][min(points - 1, Int(stream.nextUniform() * Double(points)))] += 1 }
      } else {
        // Every rank once, dealt to the chains at random.
        let total = size * groups
        var room = Array(repeating: size, count: groups)
        for rank in 0..<total {
          var pick = stream.nextBelow(total - rank)
          var chain = 0
          while pick >= room[chain] {
            pick -= room[chain]
            chain += 1
          }
          room[chain] -= 1
          cells[chain][rank * points / total] += 1
        }
      }
      for chain in cells {
        var sum = 0
        for (index, at) in z.enumerated() {
          sum += chain[index]
          let deviation = abs(Double(sum) / Double(size) - at)
          greatest = max(greatest, deviation / spread(at, size, groups))
        }
      }
      worst.append(greatest)
    }
    worst.sort()
    let c = quantile(worst, mass)
    return (z, z.map { c * spread($0, count, groups) })
  }

  private static func spread(_ z: Double, _ count: Int, _ chains: Int) -> Double {
    let total = Double(count * chains)
    // Without replacement among chains: the others' ranks are what remains.
    let correction = chains > 1 && total > 1 ? (total - Double(count)) / (total - 1) : 1
    return (z * (1 - z) / Double(count) * correction).squareRoot()
  }
}
