internal import Numerics
internal import TensorIR

/// Linear algebra on sums over many rows of what is affine in few unknowns (see ``AffineForm``), before differentiation.
///
/// - Σ (X b + s)² is ‖R u‖² with the triangular factor R of the coefficients, data that are found once: what took a pass
///   over all rows per evaluation takes one over as many as there are unknowns. Orthogonal factors keep the error of
///   the plain sum; normal equations would square the condition number (Higham 2002, section 20.4).
/// - Σ (X b + s) is the product of column sums with the unknowns.
/// - b₁ x₁ + b₂ x₂ + … is X b, which is computed in tiles.
///
/// Where the rows are few, or the coefficients are not all finite, nothing is changed. An unknown that is infinite may give
/// what is not a number where the plain sum is infinite.
struct AffineReduction {
  private let b: GraphBuilder

  static func run(_ graph: Graph) throws(GraphError) -> (graph: Graph, isChanged: Bool) {
    // Sums that are part of larger sums wait for those.
    var isPart = Array(repeating: true, count: graph.nodes.count)
    for output in graph.outputs { isPart[output.index] = false }
    for node in graph.nodes where !isSum(node) { for operand in node.operands { isPart[operand.index] = false } }
    var place = -1
    var isChanged = false
    let result = try GraphRewriting.run(
      graph, counting: { place = $0 }, rewritesBodies: false,
      rewrite: { node, b throws(GraphError) in
        let reduction = AffineReduction(b: b)
        var new: NodeID?
        if isSum(node), !isPart[place] { new = reduction.columns(node) }
        if case .reduce(.sum, let axes) = node.operation, axes.count == b.shape(node.operands[0]).count {
          new = reduction.total(node.operands[0])
        }
        if new != nil { isChanged = true }
        return new
      })
    return (isChanged ? try GraphRewriting.pruned(result) : graph, isChanged)
  }

  private static func isSum(_ node: Node) -> Bool {
    (node.operation == .binary(.add) || node.operation == .binary(.subtract)) && node.element == .real
      && node.shape.count == 1
  }

  // MARK: - Sums over all rows

  private func total(_ x: NodeID) -> NodeID? {
    guard b.element(x) == .real else { return nil }
    let node = b.node(x)
    if node.operation == .unary(.square) { return squares(node.operands[0], weights: nil) }
    if node.operation == .binary(.multiply) {
      for (weights, other) in [(node.operands[0], node.operands[1]), (node.operands[1], node.operands[0])]
      where b.node(other).operation == .unary(.square) {
        guard let contents = b.contents(of: weights), contents.elements.allSatisfy({ $0 >= 0 && $0.isFinite }) else {
          continue
        }
        return squares(b.node(other).operands[0], weights: weights)
      }
    }
    return linear(x)
  }

  private func linear(_ x: NodeID) -> NodeID? {
    guard let form = AffineForm(x, in: b), form.unknownCount > 0, form.rowCount >= 2 * form.columnCount else {
      return nil
    }
    var totals = Array(repeating: 0.0, count: form.columnCount)
    form.forEachBlock { block, lanes in
      for column in totals.indices {
        var sum = SIMD8<Double>()
        for k in 0..<lanes { sum += block[column * lanes + k] }
        totals[column] += sum.sum()
      }
    }
    guard totals.allSatisfy({ $0.isFinite }) else { return nil }
    var result = b.scalarData(totals[form.unknownCount])
    for (unknown, column, width) in form.unknowns {
      var part = b.scalarData(totals[column])
      if let array = unknown.array {
        let weights = b.data(TensorData(extents: [width], elements: Array(totals[column..<(column + width)])))
        part = b.sumAll(b.multiply(weights, b.reshape(array, to: [Dimension(width)])))
      }
      result = b.add(result, unknown.number.map { b.multiply($0, part) } ?? part)
    }
    return result
  }

  private func squares(_ x: NodeID, weights: NodeID?) -> NodeID? {
    guard let form = AffineForm(x, in: b), form.unknownCount > 0 else { return nil }
    let count = form.unknownCount
    let padded = (count + 7) / 8 * 8
    guard form.rowCount >= 2 * form.columnCount, form.rowCount * form.work >= 2 * count * padded else { return nil }
    var factor = TriangularFactor(columnCount: form.columnCount)
    form.forEachBlock(weights: weights) { factor.append($0, stride: $1) }
    guard factor.isFinite else { return nil }
    // Rows of zeros fill up whole vectors.
    let rows = count == 1 ? 1 : padded
    func entries(_ k: Int) -> [Double] { (0..<rows).map { $0 < count ? factor[$0, k] : 0 } }
    func column(_ k: Int) -> NodeID { b.data(TensorData(extents: [rows], elements: entries(k))) }
    var sum = column(count)
    var numbers: [(number: NodeID, column: Int)] = []
    for (unknown, first, width) in form.unknowns {
      guard let array = unknown.array else {
        if let number = unknown.number { numbers.append((number, first)) }
        continue
      }
      let part = product(
        (0..<width).map { entries(first + $0) }, b.reshape(array, to: [Dimension(width)]), rows: rows)
      sum = b.add(sum, unknown.number.map { b.multiply($0, part) } ?? part)
    }
    if numbers.count > 2 {
      sum = b.add(
        sum, product(numbers.map { entries($0.column) }, vector(numbers.map { $0.number }), rows: rows))
    } else {
      for (number, k) in numbers { sum = b.add(sum, b.multiply(number, column(k))) }
    }
    // The last row of the factor: what no unknown changes.
    let rest = factor[count, count]
    let explained = count == 1 ? b.square(b.reshape(sum, to: [])) : b.sumAll(b.square(sum))
    return b.add(explained, b.scalarData(rest * rest))
  }

  /// Columns times a vector.
  private func product(_ columns: [[Double]], _ vector: NodeID, rows: Int) -> NodeID {
    var elements: [Double] = []
    elements.reserveCapacity(rows * columns.count)
    for row in 0..<rows { for column in columns { elements.append(column[row]) } }
    let matrix = b.data(TensorData(extents: [rows, columns.count], elements: elements))
    let wide = b.broadcast(vector, to: b.shape(matrix), mapping: [1])
    return b.reduce(.sum, b.multiply(matrix, wide), axes: [1])
  }

  // MARK: - Sums of columns

  /// A sum with three or more products of a number with a column of data among its terms.
  private func columns(_ node: Node) -> NodeID? {
    let rows = node.shape.elementCount
    var columns: [(number: NodeID, data: NodeID, sign: Double)] = []
    var rest: [(term: NodeID, sign: Double)] = []
    var visits = 0
    func collect(_ node: Node, _ id: NodeID?, _ sign: Double) {
      visits += 1
      switch node.operation {
      case .binary(.add) where AffineReduction.isSum(node) && visits < 1000,
        .binary(.subtract) where AffineReduction.isSum(node) && visits < 1000:
        collect(b.node(node.operands[0]), node.operands[0], sign)
        let isSubtraction = node.operation == .binary(.subtract)
        collect(b.node(node.operands[1]), node.operands[1], isSubtraction ? -sign : sign)
      case .binary(.multiply):
        for (number, data) in [(node.operands[0], node.operands[1]), (node.operands[1], node.operands[0])]
        where b.shape(number).isEmpty && b.contents(of: number) == nil && b.contents(of: data) != nil
          && b.shape(data).count == 1
        {
          columns.append((number, data, sign))
          return
        }
        if let id { rest.append((id, sign)) }
      default: if let id { rest.append((id, sign)) }
      }
    }
    collect(node, nil, 1)
    guard columns.count > 2, rows >= 16 else { return nil }
    columns.sort { order($0.number) < order($1.number) }
    let values = columns.map { column in
      (b.contents(of: column.data)?.elements ?? []).map { column.sign * $0 }
    }
    var sum = product(values, vector(columns.map(\.number)), rows: rows)
    for (term, sign) in rest { sum = sign > 0 ? b.add(sum, term) : b.subtract(sum, term) }
    return sum
  }

  /// The element of a vector that a number is.
  private func element(_ number: NodeID) -> (vector: NodeID, index: Int)? {
    var node = b.node(number)
    if node.operation == .reshape { node = b.node(node.operands[0]) }
    guard case .slice(axis: 0, let start) = node.operation, node.shape.elementCount == 1,
      b.shape(node.operands[0]).count == 1
    else { return nil }
    return (node.operands[0], start)
  }

  private func order(_ number: NodeID) -> (Int, Int) {
    element(number).map { ($0.vector.index, $0.index) } ?? (number.index, 0)
  }

  /// Numbers as a vector: a part of the one that they are elements of, where that is so.
  private func vector(_ numbers: [NodeID]) -> NodeID {
    let elements = numbers.compactMap { element($0) }
    if let first = elements.first, elements.count == numbers.count,
      elements.enumerated().allSatisfy({ $1.vector == first.vector && $1.index == first.index + $0 })
    {
      return b.slice(first.vector, axis: 0, start: first.index, count: numbers.count)
    }
    return b.concatenate(numbers.map { b.reshape($0, to: [Dimension(1)]) }, axis: 0)
  }
}
