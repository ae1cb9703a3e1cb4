/// Offsets of temporary arrays within one workspace, given before anything runs: the memory plan.
package final class WorkspacePlan {
  package private(set) var count = 0
  private var free: [(offset: Int, size: Int)] = []

  package init() {}

  /// Doubles, rounded up to whole vectors.
  package static func rounded(_ count: Int) -> Int {
    let (sum, overflow) = max(1, count).addingReportingOverflow(7)
    return overflow ? Int.max & ~7 : sum & ~7
  }

  package func allocate(_ elements: Int) -> Int {
    let size = WorkspacePlan.rounded(elements)
    var best: Int?
    for (slot, block) in free.enumerated() where block.size >= size {
      if best.map({ free[$0].size > block.size }) ?? true { best = slot }
    }
    if let best {
      let block = free.remove(at: best)
      if block.size > size { free.append((block.offset + size, block.size - size)) }
      return block.offset
    }
    let offset = count
    let (sum, overflow) = count.addingReportingOverflow(size)
    count = overflow ? Int.max >> 4 : min(sum, Int.max >> 4)
    return offset
  }

  package func release(_ offset: Int, _ elements: Int) {
    free.append((offset, WorkspacePlan.rounded(elements)))
    // Neighbors are joined so that large buffers find room again.
    free.sort { $0.offset < $1.offset }
    var joined: [(offset: Int, size: Int)] = []
    for block in free {
      if let last = joined.last, last.offset + last.size == block.offset {
        joined[joined.count - 1].size += block.size
      } else {
        joined.append(block)
      }
    }
    free = joined
  }
}
