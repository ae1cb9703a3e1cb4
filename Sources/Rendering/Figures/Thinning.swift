/// Makes marks of large data small without losing what the eye would see.
package enum Thinning {
  /// Points of a line beyond which it is thinned: about three to a pixel.
  package static let lineLimit = 2000
  /// Points beyond which a scatter becomes a field of counts.
  package static let pointLimit = 5000

  /// A line with at most about ``lineLimit`` points: of each stretch of equal numbers of points the first, the least,
  /// the greatest and the last are kept, so that no extreme is lost. Gaps stay gaps.
  package static func line(x: [Double], y: [Double]) -> (x: [Double], y: [Double]) {
    let count = min(x.count, y.count)
    guard count > lineLimit else { return (Array(x.prefix(count)), Array(y.prefix(count))) }
    let buckets = lineLimit / 4
    var outX: [Double] = []
    var outY: [Double] = []
    outX.reserveCapacity(lineLimit + 8)
    outY.reserveCapacity(lineLimit + 8)
    for bucket in 0..<buckets {
      let start = bucket * count / buckets
      let end = (bucket + 1) * count / buckets
      guard start < end else { continue }
      var least = -1
      var greatest = -1
      var gap = -1
      for index in start..<end {
        let value = y[index]
        guard value.isFinite, x[index].isFinite else {
          gap = index
          continue
        }
        if least < 0 || value < y[least] { least = index }
        if greatest < 0 || value > y[greatest] { greatest = index }
      }
      var kept: [Int] = [start, end - 1]
      for index in [least, greatest, gap] where index >= 0 { kept.append(index) }
      kept.sort()
      var last = -1
      for index in kept where index != last {
        outX.append(x[index])
        outY.append(y[index])
        last = index
      }
    }
    return (outX, outY)
  }

  /// Marks for a scatter: points, or beyond ``pointLimit`` of them a field of counts with the outermost points.
  ///
  /// - Returns: The marks, and what a reader is told about it.
  package static func points(
    x: [Double], y: [Double], role: Mark.Role = .model, name: String? = nil
  ) -> (marks: [Mark], note: String?) {
    let count = min(x.count, y.count)
    guard count > pointLimit, let xs = finiteRange(x), let ys = finiteRange(y), xs.low < xs.high, ys.low < ys.high
    else {
      guard count > pointLimit else {
        return ([Mark(.points(x: Array(x.prefix(count)), y: Array(y.prefix(count))), role, name: name)], nil)
      }
      // All on a line or in one place: as few of them as a line needs.
      let thinned = line(x: x, y: y)
      return (
        [Mark(.points(x: thinned.x, y: thinned.y), role, name: name)], "thinned from \(grouped(count)) points"
      )
    }
    let columns = 90
    let rows = 60
    let width = (xs.high / 2 - xs.low / 2) * 2
    let height = (ys.high / 2 - ys.low / 2) * 2
    guard width.isFinite, height.isFinite else {
      let thinned = line(x: x, y: y)
      return ([Mark(.points(x: thinned.x, y: thinned.y), role, name: name)], "thinned from \(grouped(count)) points")
    }
    var counts = [Double](repeating: 0, count: columns * rows)
    var first = [Int](repeating: -1, count: columns * rows)
    let xScale = Double(columns) / width
    let yScale = Double(rows) / height
    for index in 0..<count where x[index].isFinite && y[index].isFinite {
      let column = min(columns - 1, max(0, Int((x[index] - xs.low) * xScale)))
      let row = min(rows - 1, max(0, Int((y[index] - ys.low) * yScale)))
      let slot = row * columns + column
      counts[slot] += 1
      if first[slot] < 0 { first[slot] = index }
    }
    // Cells with a single point are shown as the point: the outskirts keep their shape.
    var pointX: [Double] = []
    var pointY: [Double] = []
    for slot in counts.indices where counts[slot] == 1 {
      counts[slot] = 0
      pointX.append(x[first[slot]])
      pointY.append(y[first[slot]])
    }
    let xEdges = (0...columns).map { xs.low + Double($0) / xScale }
    let yEdges = (0...rows).map { ys.low + Double($0) / yScale }
    return (
      [
        Mark(.field(xEdges: xEdges, yEdges: yEdges, values: counts), role, name: name),
        Mark(.points(x: pointX, y: pointY), role, weight: .thin),
      ], "\(grouped(count)) points, counted in cells; single ones are drawn"
    )
  }

  /// A whole number with commas.
  package static func grouped(_ number: Int) -> String {
    var text = String(number.magnitude)
    var result = ""
    while text.count > 3 {
      result = "," + text.suffix(3) + result
      text.removeLast(3)
    }
    return (number < 0 ? "−" : "") + text + result
  }
}
