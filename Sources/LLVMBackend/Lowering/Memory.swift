internal import TensorIR

/// Data of a program, one after the other; indices a second time as integers.
final class DataPool {
  private(set) var elements: [Double] = []
  private var known: [TensorData: Int] = [:]
  private var knownIndices: [TensorData: Int] = [:]

  private func append(_ values: [Double]) -> Int {
    let offset = elements.count
    elements += values
    elements += Array(repeating: 0, count: WorkspacePlan.rounded(values.count) - values.count)
    return offset
  }

  func place(_ data: TensorData) -> Int {
    if let offset = known[data] { return offset }
    let offset = append(data.elements)
    known[data] = offset
    return offset
  }

  /// A matrix `[N, D]` in tiles of rows: `[N / rows][D][rows]`, padded with zeros.
  func placeTiled(_ data: TensorData, rows: Int) -> Int {
    let key = TiledKey(data: data, rows: rows)
    if let offset = knownTiles[key] { return offset }
    let (count, columns) = (data.extents[0], data.extents[1])
    let tiles = (count + rows - 1) / rows
    var values = Array(repeating: 0.0, count: tiles * columns * rows)
    data.elements.withUnsafeBufferPointer { source in
      values.withUnsafeMutableBufferPointer { target in
        for tile in 0..<tiles {
          let first = tile * rows
          let last = min(count, first + rows)
          for row in first..<last {
            let from = row * columns
            let to = tile * columns * rows + (row - first)
            for column in 0..<columns { target[to + column * rows] = source[from + column] }
          }
        }
      }
    }
    let offset = append(values)
    knownTiles[key] = offset
    return offset
  }

  /// The rows of a plate sorted by an index, each group filled up to whole vectors.
  struct Grouping {
    /// Where the number of vectors, the group of each vector, and the number of rows in it lie, as integers.
    var vectorCount: Int
    var groups: Int
    var sizes: Int
    /// The row in each place; −1 for filling.
    var rows: [Int]
  }

  private var knownGroupings: [TensorData: Grouping] = [:]

  func grouping(by index: TensorData, groups count: Int) -> Grouping {
    if let known = knownGroupings[index] { return known }
    var members: [[Int]] = Array(repeating: [], count: count)
    for (row, group) in index.elements.enumerated() { members[Int(group)].append(row) }
    var rows: [Int] = []
    var groups: [Int] = []
    var sizes: [Int] = []
    for (group, list) in members.enumerated() {
      for start in stride(from: 0, to: list.count, by: 8) {
        let part = list[start..<min(list.count, start + 8)]
        rows += part
        rows += Array(repeating: -1, count: 8 - part.count)
        groups.append(group)
        sizes.append(part.count)
      }
    }
    let used = groups.count
    // As many places as any index of this length and these groups could need: other data must not move what follows.
    let capacity = (index.elements.count + 7 * count) / 8
    rows += Array(repeating: -1, count: 8 * max(0, capacity - used))
    groups += Array(repeating: 0, count: max(0, capacity - used))
    sizes += Array(repeating: 0, count: max(0, capacity - used))
    func integers(_ values: [Int]) -> Int { append(values.map { Double(bitPattern: UInt64(bitPattern: Int64($0))) }) }
    let result = Grouping(
      vectorCount: integers([used]), groups: integers(groups), sizes: integers(sizes), rows: rows)
    knownGroupings[index] = result
    return result
  }

  /// A column, or the rows of a matrix, in the order of a grouping; filled with zeros.
  static func arranged(_ data: TensorData, by grouping: Grouping) -> TensorData {
    let width = data.extents.dropFirst().reduce(1, *)
    var elements = Array(repeating: 0.0, count: grouping.rows.count * width)
    for (place, row) in grouping.rows.enumerated() where row >= 0 {
      for k in 0..<width { elements[place * width + k] = data.elements[row * width + k] }
    }
    return TensorData(extents: [grouping.rows.count] + data.extents.dropFirst(), elements: elements)
  }

  private struct TiledKey: Hashable {
    var data: TensorData
    var rows: Int
  }

  private var knownTiles: [TiledKey: Int] = [:]

  /// The same numbers as 64-bit integers; nil where one of them is none.
  func placeIndices(_ data: TensorData) -> Int? {
    if let offset = knownIndices[data] { return offset }
    guard data.elements.allSatisfy({ abs($0) < 0x1p53 && $0.rounded() == $0 }) else { return nil }
    let offset = append(data.elements.map { Double(bitPattern: UInt64(bitPattern: Int64($0))) })
    knownIndices[data] = offset
    return offset
  }
}
