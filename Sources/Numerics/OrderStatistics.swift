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

  /// Ascending, NaN last.
  package static func sorted(_ values: [Double]) -> [Double] {
    sortedEntries(values).map { values[Int($0.place)] }
  }

  private struct Entry {
    /// The bits of a double, changed so that they ascend as numbers do.
    var key: UInt64
    var place: UInt32

    init(_ value: Double, _ place: UInt32) {
      let bits = value.isNaN ? Double.nan.bitPattern : value.bitPattern
      key = bits >> 63 == 1 ? ~bits : bits | 1 << 63
      self.place = place
    }
  }

  /// By digits of eleven bits from the lowest, each pass stable: many times as fast as comparing for thousands of draws,
  /// and a digit that all have in common costs next to nothing.
  private static func sortedEntries(_ values: [Double]) -> [Entry] {
    var entries = values.indices.map { Entry(values[$0], UInt32(truncatingIfNeeded: $0)) }
    guard entries.count > 128 else {
      return entries.sorted { $0.key != $1.key ? $0.key < $1.key : $0.place < $1.place }
    }
    let bits = 11
    let size = 1 << bits
    var other = entries
    for shift in stride(from: 0, to: 64, by: bits) {
      var counts = Array(repeating: 0, count: size)
      for entry in entries { counts[Int(truncatingIfNeeded: entry.key >> UInt64(shift)) & (size - 1)] += 1 }
      if counts.contains(entries.count) { continue }
      var start = 0
      for digit in 0..<size {
        let count = counts[digit]
        counts[digit] = start
        start += count
      }
      entries.withUnsafeBufferPointer { from in
        other.withUnsafeMutableBufferPointer { to in
          counts.withUnsafeMutableBufferPointer { next in
            for entry in from {
              let digit = Int(truncatingIfNeeded: entry.key >> UInt64(shift)) & (size - 1)
              to[next[digit]] = entry
              next[digit] += 1
            }
          }
        }
      }
      swap(&entries, &other)
    }
    return entries
  }

  /// Ranks over all chains from 1, ties averaged.
  package static func averageRanks(_ chains: [[Double]]) -> [[Double]] {
    let all = chains.flatMap { $0 }
    let order = sortedEntries(all).map { Int($0.place) }
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
