/// Quantiles and ranks: what diagnostics, plots and the library compute them by.
package enum OrderStatistics {
  /// Linear interpolation between order statistics, type 7 of Hyndman & Fan (1996).
  ///
  /// - Parameter sorted: In ascending order, NaN last; then the result is NaN. So it is of an empty array.
  package static func quantile(sorted: [Double], _ p: Double) -> Double {
    guard let last = sorted.last, !last.isNaN else { return .nan }
    let position = p * Double(sorted.count - 1)
    let lower = Int(position.rounded(.down))
    let fraction = position - Double(lower)
    if fraction == 0 || lower + 1 >= sorted.count { return sorted[min(lower, sorted.count - 1)] }
    return sorted[lower] + fraction * (sorted[lower + 1] - sorted[lower])
  }

  /// Ranks over all chains from 1, ties averaged.
  package static func averageRanks(_ chains: [[Double]]) -> [[Double]] {
    let all = chains.flatMap { $0 }
    let order = all.indices.sorted { all[$0] < all[$1] }
    var ranks = Array(repeating: 0.0, count: all.count)
    var position = 0
    while position < order.count {
      var end = position
      while end + 1 < order.count, all[order[end + 1]] == all[order[position]] { end += 1 }
      for slot in position...end { ranks[order[slot]] = Double(position + end) / 2 + 1 }
      position = end + 1
    }
    var start = 0
    return chains.map { chain in
      defer { start += chain.count }
      return Array(ranks[start..<(start + chain.count)])
    }
  }
}
