/// A shape rule that was broken while a graph was built.
package struct GraphError: Error, Sendable, CustomStringConvertible {
  package var description: String
  package init(_ description: String) { self.description = description }
}

/// Builds a graph node by node, sharing equal nodes.
///
/// Elementwise operations take operands of one shape, or scalars (rank 0), which are not broadcast in memory. Every other
/// alignment is an explicit `broadcast`. Nodes whose operands are all data are evaluated at once and become data
/// themselves, so that nothing which depends on data alone stays in the hot path. A broken shape rule is kept in
/// `failure` and reported by `finish`.
package final class GraphBuilder {
  package private(set) var nodes: [Node] = []
  package private(set) var data: [TensorData] = []
  package private(set) var origins: [Int32] = []
  package private(set) var failure: GraphError?
  /// The origin given to nodes made from now on.
  package var origin: Int32 = -1
  package var parameterCount = 0
  package var inputCount = 0

  private var known: [Node: NodeID] = [:]
  private var knownData: [TensorData: Int] = [:]
  /// Data-only results larger than this stay nodes; the program computes them once when it is prepared.
  private let foldingLimit = 1 << 26

  package init() {}

  package func node(_ id: NodeID) -> Node { nodes[id.index] }
  package func shape(_ id: NodeID) -> Shape { nodes[id.index].shape }
  package func element(_ id: NodeID) -> ElementType { nodes[id.index].element }

  package func finish(outputs: [NodeID]) throws(GraphError) -> Graph {
    if let failure { throw failure }
    return Graph(
      nodes: nodes, outputs: outputs, data: data, parameterCount: parameterCount, inputCount: inputCount,
      origins: origins)
  }

  private func fail(_ message: String) { if failure == nil { failure = GraphError(message) } }

  // MARK: - Adding nodes

  /// Adds a node whose shape is known to be right; equal nodes are shared.
  package func add(_ node: Node) -> NodeID {
    if let folded = folded(node) { return folded }
    if let existing = known[node] { return existing }
    let id = NodeID(Int32(nodes.count))
    nodes.append(node)
    origins.append(origin)
    known[node] = id
    return id
  }

  private func add(_ operation: Operation, _ operands: [NodeID], _ element: ElementType, _ shape: Shape) -> NodeID {
    add(Node(operation: operation, operands: operands, element: element, shape: shape))
  }

  /// A node of data only, evaluated now.
  private func folded(_ node: Node) -> NodeID? {
    guard !node.operands.isEmpty, node.shape.elementCount <= foldingLimit else { return nil }
    switch node.operation {
    case .random, .scan, .project, .parameter, .input, .data, .constant: return nil
    default: break
    }
    var allConstant = true
    for operand in node.operands {
      switch nodes[operand.index].operation {
      case .data: allConstant = false
      case .constant: break
      default: return nil
      }
    }
    let operands = node.operands.map { ($0, contents(of: $0) ?? TensorData(extents: [], elements: [0])) }
    guard
      let elements = Kernels.evaluate(
        node, operands: operands.map { (shape: nodes[$0.0.index].shape, elements: $0.1.elements) })
    else { return nil }
    if allConstant, node.shape.isEmpty, node.element == .real { return constant(elements[0]) }
    return data(
      TensorData(extents: node.shape.extents, elements: elements), element: node.element, tags: node.shape.map(\.tag))
  }

  /// The contents of a data or constant node.
  package func contents(of id: NodeID) -> TensorData? {
    switch nodes[id.index].operation {
    case .data(let index): data[index]
    case .constant(let bits): TensorData(extents: [], elements: [Double(bitPattern: bits)])
    default: nil
    }
  }

  // MARK: - Leaves

  package func constant(_ value: Double) -> NodeID {
    let node = Node(operation: .constant(value.bitPattern), operands: [], element: .real, shape: [])
    if let existing = known[node] { return existing }
    let id = NodeID(Int32(nodes.count))
    nodes.append(node)
    origins.append(origin)
    known[node] = id
    return id
  }

  package func data(_ contents: TensorData, element: ElementType = .real, tags: [Int32] = []) -> NodeID {
    let index: Int
    if let existing = knownData[contents] {
      index = existing
    } else {
      index = data.count
      data.append(contents)
      knownData[contents] = index
    }
    let shape = contents.extents.enumerated().map { axis, extent in
      Dimension(extent, tag: axis < tags.count ? tags[axis] : 0)
    }
    let node = Node(operation: .data(index), operands: [], element: element, shape: shape)
    if let existing = known[node] { return existing }
    let id = NodeID(Int32(nodes.count))
    nodes.append(node)
    origins.append(origin)
    known[node] = id
    return id
  }

  package func scalarData(_ value: Double, element: ElementType = .real) -> NodeID {
    data(TensorData(extents: [], elements: [value]), element: element)
  }

  package func parameter(offset: Int, shape: Shape) -> NodeID {
    parameterCount = max(parameterCount, offset + shape.elementCount)
    return add(.parameter(offset: offset), [], .real, shape)
  }

  package func input(_ index: Int, element: ElementType, shape: Shape) -> NodeID {
    inputCount = max(inputCount, index + 1)
    return add(.input(index), [], element, shape)
  }

  // MARK: - Elementwise

  package func unary(_ operation: UnaryOperation, _ operand: NodeID) -> NodeID {
    let node = nodes[operand.index]
    if case .unary(let inner) = node.operation {
      switch (operation, inner) {
      case (.negate, .negate), (.log, .exp), (.reciprocal, .reciprocal), (.logicalNot, .logicalNot):
        return node.operands[0]
      default: break
      }
    }
    if operation == .log || operation == .log1p, let stable = stableLogarithm(operation, node) { return stable }
    let element: ElementType
    switch operation {
    case .logicalNot, .isNaN, .isFinite: element = .boolean
    case .toReal:
      if node.element == .real { return operand }
      element = .real
    case .toInteger:
      if node.element == .integer { return operand }
      element = .integer
    case .negate, .absolute, .sign, .square: element = node.element == .boolean ? .integer : node.element
    case .exp, .log, .log1p, .expm1, .sqrt, .reciprocal, .floor, .ceiling, .round, .truncate, .sin, .cos, .tan, .asin,
      .acos, .atan, .sinh, .cosh, .tanh, .logistic, .logLogistic, .softplus, .log1mexp, .erf, .erfc, .normalCDF,
      .normalLogCDF, .normalQuantile, .logGamma, .digamma, .trigamma:
      element = .real
    }
    return add(.unary(operation), [operand], element, node.shape)
  }

  /// A logarithm in a form that neither overflows nor cancels, and takes one function where there were two:
  /// log p, log(1 − p) of p = logistic x, and log(1 ± eˣ).
  private func stableLogarithm(_ operation: UnaryOperation, _ operand: Node) -> NodeID? {
    func function(_ id: NodeID) -> (operation: UnaryOperation, operand: NodeID)? {
      guard case .unary(let operation) = nodes[id.index].operation else { return nil }
      return (operation, nodes[id.index].operands[0])
    }
    /// log(1 + u) for u = eˣ; log(1 − u) for u = eˣ or logistic x.
    func ofOne(plus u: NodeID) -> NodeID? {
      guard let inner = function(u), inner.operation == .exp else { return nil }
      return unary(.softplus, inner.operand)
    }
    func ofOne(minus u: NodeID) -> NodeID? {
      guard let inner = function(u) else { return nil }
      switch inner.operation {
      case .logistic: return unary(.logLogistic, unary(.negate, inner.operand))
      case .exp: return unary(.log1mexp, inner.operand)
      default: return nil
      }
    }
    switch (operation, operand.operation) {
    case (.log, .unary(.logistic)): return unary(.logLogistic, operand.operands[0])
    case (.log1p, .unary(.exp)): return unary(.softplus, operand.operands[0])
    case (.log1p, .unary(.negate)): return ofOne(minus: operand.operands[0])
    case (.log, .binary(.subtract)) where isOne(operand.operands[0]): return ofOne(minus: operand.operands[1])
    case (.log, .binary(.add)) where isOne(operand.operands[0]): return ofOne(plus: operand.operands[1])
    case (.log, .binary(.add)) where isOne(operand.operands[1]): return ofOne(plus: operand.operands[0])
    default: return nil
    }
  }

  /// Whether a node is the number 1, of the text or given.
  private func isOne(_ id: NodeID) -> Bool {
    if case .data(let slot) = nodes[id.index].operation {
      return nodes[id.index].shape.isEmpty && data[slot].elements == [1]
    }
    return isConstant(id, 1)
  }

  /// The common shape of operands that are scalars or share one shape.
  private func elementwiseShape(_ operands: [NodeID]) -> Shape {
    var shape: Shape = []
    for operand in operands {
      let other = nodes[operand.index].shape
      if other.isEmpty { continue }
      if shape.isEmpty {
        shape = other
      } else if !shape.hasSameExtents(as: other) {
        fail("elementwise operands of shapes \(shape.extents) and \(other.extents)")
      }
    }
    return shape
  }

  private func isConstant(_ id: NodeID, _ value: Double) -> Bool {
    if case .constant(let bits) = nodes[id.index].operation { return Double(bitPattern: bits) == value }
    return false
  }

  package func binary(_ operation: BinaryOperation, _ left: NodeID, _ right: NodeID) -> NodeID {
    let shape = elementwiseShape([left, right])
    func keepsShape(_ id: NodeID) -> Bool { nodes[id.index].shape.count == shape.count }
    let a = nodes[left.index].element
    let b = nodes[right.index].element
    let element: ElementType
    switch operation {
    case .equal, .notEqual, .less, .lessOrEqual, .logicalAnd, .logicalOr: element = .boolean
    case .integerQuotient, .integerRemainder: element = .integer
    case .add, .subtract, .multiply, .minimum, .maximum, .remainder:
      element = a == .real || b == .real ? .real : .integer
    case .divide, .power, .atan2, .logAddExp, .xLogY: element = .real
    case .masked: element = a
    }
    if element == .real {
      switch operation {
      case .add:
        if isConstant(left, 0), keepsShape(right) { return right }
        if isConstant(right, 0), keepsShape(left) { return left }
        if left == right { return binary(.multiply, constant(2), left) }
      case .subtract:
        if isConstant(right, 0), keepsShape(left) { return left }
        if isConstant(left, 0), keepsShape(right) { return unary(.negate, right) }
      case .multiply:
        if isConstant(left, 1), keepsShape(right) { return right }
        if isConstant(right, 1), keepsShape(left) { return left }
        if isConstant(left, -1), keepsShape(right) { return unary(.negate, right) }
        if isConstant(right, -1), keepsShape(left) { return unary(.negate, left) }
        if left == right { return unary(.square, left) }
      case .divide:
        if isConstant(right, 1), keepsShape(left) { return left }
      case .power:
        if isConstant(right, 2) { return unary(.square, left) }
        if isConstant(right, 1) { return left }
        if isConstant(right, 0.5) { return unary(.sqrt, left) }
      default: break
      }
    }
    // One order for commutative operations, so that equal sums are shared.
    switch operation {
    case .add, .multiply, .equal, .notEqual, .minimum, .maximum, .logicalAnd, .logicalOr:
      if right < left { return add(.binary(operation), [right, left], element, shape) }
    default: break
    }
    return add(.binary(operation), [left, right], element, shape)
  }

  package func select(_ condition: NodeID, _ then: NodeID, _ otherwise: NodeID) -> NodeID {
    if then == otherwise { return then }
    let shape = elementwiseShape([condition, then, otherwise])
    // The function of the chosen rather than the choice between two of its values.
    if case .unary(let first) = nodes[then.index].operation, case .unary(let second) = nodes[otherwise.index].operation,
      first == second, nodes[then.index].shape.hasSameExtents(as: shape),
      nodes[otherwise.index].shape.hasSameExtents(as: shape)
    {
      let (a, b) = (nodes[then.index].operands[0], nodes[otherwise.index].operands[0])
      if nodes[a.index].element == .real, nodes[b.index].element == .real {
        return unary(first, select(condition, a, b))
      }
    }
    let a = nodes[then.index].element
    let b = nodes[otherwise.index].element
    let element = a == b ? a : (a == .real || b == .real ? .real : .integer)
    return add(.select, [condition, then, otherwise], element, shape)
  }

  // Short spellings for densities.
  package func add(_ a: NodeID, _ b: NodeID) -> NodeID { binary(.add, a, b) }
  package func subtract(_ a: NodeID, _ b: NodeID) -> NodeID { binary(.subtract, a, b) }
  package func multiply(_ a: NodeID, _ b: NodeID) -> NodeID { binary(.multiply, a, b) }
  package func divide(_ a: NodeID, _ b: NodeID) -> NodeID { binary(.divide, a, b) }
  package func negate(_ a: NodeID) -> NodeID { unary(.negate, a) }
  package func exp(_ a: NodeID) -> NodeID { unary(.exp, a) }
  package func log(_ a: NodeID) -> NodeID { unary(.log, a) }
  package func square(_ a: NodeID) -> NodeID { unary(.square, a) }
  package func sum(_ operands: [NodeID]) -> NodeID {
    guard let first = operands.first else { return constant(0) }
    return operands.dropFirst().reduce(first) { add($0, $1) }
  }

  // MARK: - Structure

  package func broadcast(_ operand: NodeID, to shape: Shape, mapping: [Int]) -> NodeID {
    let node = nodes[operand.index]
    guard mapping.count == node.shape.count,
      zip(mapping, node.shape).allSatisfy({ $0 < shape.count && shape[$0].extent == $1.extent })
    else {
      fail("broadcast of \(node.shape.extents) to \(shape.extents) by \(mapping)")
      return operand
    }
    if mapping == Array(0..<shape.count) { return operand }
    return add(.broadcast(mapping: mapping), [operand], node.element, shape)
  }

  package func reshape(_ operand: NodeID, to shape: Shape) -> NodeID {
    let node = nodes[operand.index]
    guard node.shape.elementCount == shape.elementCount else {
      fail("reshape of \(node.shape.extents) to \(shape.extents)")
      return operand
    }
    if node.shape.extents == shape.extents { return operand }
    if case .reshape = node.operation { return reshape(node.operands[0], to: shape) }
    return add(.reshape, [operand], node.element, shape)
  }

  package func permute(_ operand: NodeID, order: [Int]) -> NodeID {
    let node = nodes[operand.index]
    guard order.sorted() == Array(0..<node.shape.count) else {
      fail("permutation \(order) of rank \(node.shape.count)")
      return operand
    }
    if order == Array(0..<node.shape.count) { return operand }
    return add(.permute(order: order), [operand], node.element, order.map { node.shape[$0] })
  }

  package func slice(_ operand: NodeID, axis: Int, start: Int, count: Int) -> NodeID {
    let node = nodes[operand.index]
    guard axis < node.shape.count, start >= 0, count >= 0, start + count <= node.shape[axis].extent else {
      fail("slice \(start)..<\(start + count) of axis \(axis) of \(node.shape.extents)")
      return operand
    }
    if start == 0, count == node.shape[axis].extent { return operand }
    var shape = node.shape
    shape[axis].extent = count
    return add(.slice(axis: axis, start: start), [operand], node.element, shape)
  }

  package func concatenate(_ operands: [NodeID], axis: Int) -> NodeID {
    guard let first = operands.first else {
      fail("concatenation of nothing")
      return constant(0)
    }
    if operands.count == 1 { return first }
    var shape = nodes[first.index].shape
    guard axis < shape.count else {
      fail("concatenation along axis \(axis) of \(shape.extents)")
      return first
    }
    var element = nodes[first.index].element
    for operand in operands.dropFirst() {
      let other = nodes[operand.index]
      var expected = shape.extents
      var found = other.shape.extents
      if found.count == expected.count {
        expected[axis] = 0
        found[axis] = 0
      }
      if expected != found { fail("concatenation of \(shape.extents) and \(other.shape.extents) along \(axis)") }
      if other.shape.count > axis { shape[axis].extent += other.shape[axis].extent }
      if other.element == .real { element = .real }
    }
    return add(.concatenate(axis: axis), operands, element, shape)
  }

  /// Operands of one shape along a new first axis.
  package func stack(_ operands: [NodeID]) -> NodeID {
    concatenate(operands.map { reshape($0, to: [Dimension(1)] + nodes[$0.index].shape) }, axis: 0)
  }

  package func reduce(_ reduction: Reduction, _ operand: NodeID, axes: [Int]) -> NodeID {
    let node = nodes[operand.index]
    let axes = axes.sorted()
    guard axes.allSatisfy({ $0 < node.shape.count }) else {
      fail("reduction over \(axes) of rank \(node.shape.count)")
      return operand
    }
    if axes.isEmpty { return operand }
    let shape = node.shape.enumerated().filter { !axes.contains($0.offset) }.map(\.element)
    let element: ElementType = reduction == .logSumExp ? .real : (node.element == .boolean ? .integer : node.element)
    // Σ over a repeated axis is a multiplication.
    if reduction == .sum, element == .real, case .broadcast(let mapping) = node.operation {
      let repeated = axes.filter { !mapping.contains($0) }
      if repeated.count == axes.count {
        let factor = axes.reduce(1.0) { $0 * Double(node.shape[$1].extent) }
        let kept = (0..<node.shape.count).filter { !axes.contains($0) }
        let inner = broadcast(
          node.operands[0], to: shape, mapping: mapping.map { axis in kept.firstIndex(of: axis) ?? 0 })
        return multiply(inner, scalarData(factor))
      }
    }
    return add(.reduce(reduction, axes: axes), [operand], element, shape)
  }

  package func sumAll(_ operand: NodeID) -> NodeID {
    reduce(.sum, operand, axes: Array(0..<nodes[operand.index].shape.count))
  }

  package func cumulativeSum(_ operand: NodeID, reversed: Bool = false) -> NodeID {
    add(.cumulativeSum(reversed: reversed), [operand], nodes[operand.index].element, nodes[operand.index].shape)
  }

  /// `result[i…, rest…] = operand[indices₀[i…], indices₁[i…], …, rest…]`; an index out of range gives NaN.
  package func gather(_ operand: NodeID, _ indices: [NodeID]) -> NodeID {
    let node = nodes[operand.index]
    guard let first = indices.first, indices.count <= node.shape.count,
      indices.allSatisfy({ nodes[$0.index].shape.hasSameExtents(as: nodes[first.index].shape) })
    else {
      fail("gather from \(node.shape.extents) by \(indices.count) indices")
      return operand
    }
    let shape = nodes[first.index].shape + node.shape.dropFirst(indices.count)
    return add(.gather, [operand] + indices, node.element, shape)
  }

  /// Zeros of `shape` plus `updates` added at the indices; the adjoint of ``gather(_:_:)``.
  package func scatterAdd(_ updates: NodeID, _ indices: [NodeID], into shape: Shape) -> NodeID {
    let places = indices.map { nodes[$0.index].shape }
    guard let first = places.first, indices.count <= shape.count, places.allSatisfy({ $0.hasSameExtents(as: first) }),
      nodes[updates.index].shape.extents == first.extents + shape.dropFirst(indices.count).map(\.extent)
    else {
      fail("scatter of \(nodes[updates.index].shape.extents) by \(indices.count) indices into \(shape.extents)")
      return updates
    }
    return add(.scatterAdd, [updates] + indices, nodes[updates.index].element, shape)
  }

  // MARK: - Linear algebra

  package func matrixProduct(_ left: NodeID, _ right: NodeID) -> NodeID {
    let a = nodes[left.index].shape
    let b = nodes[right.index].shape
    guard a.count >= 2, a.count == b.count, a[a.count - 1].extent == b[b.count - 2].extent,
      Array(a.dropLast(2)).hasSameExtents(as: Array(b.dropLast(2)))
    else {
      fail("matrix product of \(a.extents) and \(b.extents)")
      return left
    }
    return add(.matrixProduct, [left, right], .real, Array(a.dropLast()) + [b[b.count - 1]])
  }

  /// `[…, m, k] × […, k]`
  package func matrixVector(_ matrix: NodeID, _ vector: NodeID) -> NodeID {
    let shape = nodes[vector.index].shape
    let column = reshape(vector, to: shape + [Dimension(1)])
    let product = matrixProduct(matrix, column)
    return reshape(product, to: Array(nodes[product.index].shape.dropLast()))
  }

  package func transpose(_ matrix: NodeID) -> NodeID {
    let rank = nodes[matrix.index].shape.count
    guard rank >= 2 else { return matrix }
    return permute(matrix, order: Array(0..<(rank - 2)) + [rank - 1, rank - 2])
  }

  private func isSquare(_ shape: Shape) -> Bool {
    shape.count >= 2 && shape[shape.count - 1].extent == shape[shape.count - 2].extent
  }

  package func cholesky(_ matrix: NodeID) -> NodeID {
    guard isSquare(nodes[matrix.index].shape) else {
      fail("Cholesky factor of \(nodes[matrix.index].shape.extents)")
      return matrix
    }
    return add(.cholesky, [matrix], .real, nodes[matrix.index].shape)
  }

  /// `lower: […, n, n]`, a Cholesky factor, and its cotangent, of which the lower triangle counts.
  package func choleskyAdjoint(_ lower: NodeID, _ cotangent: NodeID) -> NodeID {
    let shape = nodes[lower.index].shape
    guard isSquare(shape), shape.hasSameExtents(as: nodes[cotangent.index].shape) else {
      fail("adjoint of a factor of \(shape.extents) with a cotangent of \(nodes[cotangent.index].shape.extents)")
      return lower
    }
    return add(.choleskyAdjoint, [lower, cotangent], .real, shape)
  }

  /// Eigenvalues `[…, n]` from the least, and eigenvectors `[…, n, n]`, one per row, of symmetric matrices `[…, n, n]`.
  package func symmetricEigen(_ matrix: NodeID) -> (values: NodeID, vectors: NodeID) {
    let both = eigenRows(matrix)
    let shape = nodes[both.index].shape
    guard shape.count >= 2, let last = shape.last, shape[shape.count - 2].extent == last.extent + 1 else {
      return (both, both)
    }
    let axis = shape.count - 2
    let values = slice(both, axis: axis, start: 0, count: 1)
    return (
      reshape(values, to: shape.prefix(axis) + [last]), slice(both, axis: axis, start: 1, count: last.extent)
    )
  }

  /// Both of ``symmetricEigen(_:)`` as the operation gives them, `[…, n + 1, n]`.
  package func eigenRows(_ matrix: NodeID) -> NodeID {
    let shape = nodes[matrix.index].shape
    guard isSquare(shape), let last = shape.last else {
      fail("eigenvalues of \(shape.extents)")
      return matrix
    }
    return add(.symmetricEigen, [matrix], .real, shape.dropLast(2) + [Dimension(last.extent + 1), last])
  }

  /// `L: […, n, n]`, `right: […, n, k]`
  package func triangularSolve(_ lower: NodeID, _ right: NodeID, transposed: Bool = false) -> NodeID {
    let a = nodes[lower.index].shape
    let b = nodes[right.index].shape
    guard isSquare(a), a.count == b.count, a[a.count - 1].extent == b[b.count - 2].extent,
      Array(a.dropLast(2)).hasSameExtents(as: Array(b.dropLast(2)))
    else {
      fail("triangular solve of \(a.extents) and \(b.extents)")
      return right
    }
    return add(.triangularSolve(transposed: transposed), [lower, right], .real, b)
  }

  package func lowerTriangle(_ matrix: NodeID, halvesDiagonal: Bool = false) -> NodeID {
    guard isSquare(nodes[matrix.index].shape) else {
      fail("lower triangle of \(nodes[matrix.index].shape.extents)")
      return matrix
    }
    return add(.lowerTriangle(halvesDiagonal: halvesDiagonal), [matrix], .real, nodes[matrix.index].shape)
  }

  /// The diagonal of `[…, n, n]` as `[…, n]`.
  package func diagonalPart(_ matrix: NodeID) -> NodeID {
    let shape = nodes[matrix.index].shape
    guard isSquare(shape) else {
      fail("diagonal of \(shape.extents)")
      return matrix
    }
    let n = shape[shape.count - 1].extent
    let batch = Array(shape.dropLast(2))
    let flat = reshape(matrix, to: batch + [Dimension(n * n)])
    let last = permute(flat, order: [batch.count] + Array(0..<batch.count))
    let indices = data(TensorData(extents: [n], elements: (0..<n).map { Double($0 * (n + 1)) }), element: .integer)
    return permute(gather(last, [indices]), order: Array(1..<(batch.count + 1)) + [0])
  }

  /// `[…, n]` on the diagonal of `[…, n, n]`.
  package func diagonalMatrix(_ vector: NodeID) -> NodeID {
    let shape = nodes[vector.index].shape
    guard let last = shape.last else { return vector }
    let n = last.extent
    let batch = Array(shape.dropLast())
    let first = permute(vector, order: [batch.count] + Array(0..<batch.count))
    let indices = data(TensorData(extents: [n], elements: (0..<n).map { Double($0 * (n + 1)) }), element: .integer)
    let flat = scatterAdd(first, [indices], into: [Dimension(n * n)] + batch)
    let moved = permute(flat, order: Array(1..<(batch.count + 1)) + [0])
    return reshape(moved, to: batch + [Dimension(n), Dimension(n)])
  }

  // MARK: - Loops and randomness

  /// Adds a scan; its results are `project`ed.
  ///
  /// - Returns: Final carries, then stacked values with the steps in front.
  package func scan(_ body: ScanBody, carries: [NodeID], sliced: [NodeID], captured: [NodeID]) -> [NodeID] {
    let operands = carries + sliced + captured
    guard operands.count == body.graph.inputCount, carries.count == body.carryCount, sliced.count == body.slicedCount,
      zip(carries, body.graph.outputs).allSatisfy({ nodes[$0.index].shape.hasSameExtents(as: body.graph[$1].shape) }),
      sliced.allSatisfy({ nodes[$0.index].shape.first?.extent == body.steps })
    else {
      fail("a loop of \(body.steps) steps over operands that do not fit its body")
      return body.graph.outputs.map { _ in constant(.nan) }
    }
    let scan = add(.scan(body), operands, .real, [])
    return body.graph.outputs.enumerated().map { index, output in
      let node = body.graph[output]
      let shape = index < body.carryCount ? node.shape : [Dimension(body.steps)] + node.shape
      return add(.project(index), [scan], node.element, shape)
    }
  }

  /// Random numbers, one per element of `elements` (its numbering within the stream).
  package func random(_ kind: RandomKind, _ label: StreamLabel, elements: NodeID, parameters: [NodeID] = []) -> NodeID {
    let shape = elementwiseShape([elements] + parameters)
    let element: ElementType = kind == .poisson || kind == .binomial ? .integer : .real
    return add(.random(kind, label), [elements] + parameters, element, shape)
  }
}
