internal import TensorIR

/// What a node's elements are: elements of another node, found by an offset and a stride per axis.
struct View {
  /// A leaf, or a node that is computed.
  var root: NodeID
  var offset: Int
  /// Per axis of the viewing node, in elements of the root.
  var strides: [Int]
}

/// Where an operand's element comes from, seen from a loop over a domain.
enum Source {
  case constant(Double)
  /// A single number, kept in a register.
  case scalar(NodeID)
  /// The same element of a node that is computed over the same domain.
  case same(NodeID)
  /// Memory of `root`, by a stride per axis of the domain.
  case memory(root: NodeID, offset: Int, strides: [Int])
}

/// A matrix of data times a vector, as a sum of products along one axis of the matrix.
struct MatrixVector {
  /// Data, `[N, D]`.
  var matrix: NodeID
  /// `[D]` for a row product, `[N]` for a column product.
  var vector: NodeID
  /// Σ_d M[n, d] v[d] per row n; else Σ_n M[n, d] v[n] per column d. Both go over the rows.
  var isRow: Bool
  var rows: Int
  var columns: Int
}

/// Follows broadcasts, slices, permutations and reshapes to what they look at, so that they cost nothing, and says which
/// nodes are computed, over which domain.
///
/// A domain is a list of extents without those that are 1: arrays of one domain are computed in one loop, whatever
/// plates they come from.
struct ViewAnalysis {
  let graph: Graph
  let isLive: [Bool]
  private(set) var views: [View]
  /// Views that are written out, since something needs them as contiguous memory.
  private(set) var copies: Set<Int> = []
  /// Sums that are products of a matrix and a vector.
  private(set) var products: [Int: MatrixVector] = [:]

  init(_ graph: Graph) {
    self.graph = graph
    for index in graph.nodes.indices { products[index] = ViewAnalysis.product(graph, index) }
    var live = Array(repeating: false, count: graph.nodes.count)
    for output in graph.outputs { live[output.index] = true }
    for index in graph.nodes.indices.reversed() where live[index] {
      if let product = products[index] {
        live[product.matrix.index] = true
        live[product.vector.index] = true
        continue
      }
      for operand in graph.nodes[index].operands { live[operand.index] = true }
    }
    isLive = live
    views = []
    views.reserveCapacity(graph.nodes.count)
    for index in graph.nodes.indices {
      let node = graph.nodes[index]
      if live[index] { requireMemory(of: node) }
      views.append(live[index] ? view(of: node, index) : ViewAnalysis.whole(index, node))
    }
  }

  private static func product(_ graph: Graph, _ index: Int) -> MatrixVector? {
    guard case .reduce(.sum, let axes) = graph.nodes[index].operation, axes.count == 1 else { return nil }
    let operand = graph[graph.nodes[index].operands[0]]
    guard operand.operation == .binary(.multiply), operand.shape.count == 2, operand.shape[0].extent >= 8,
      operand.shape[1].extent > 1
    else { return nil }
    for (first, second) in [(0, 1), (1, 0)] {
      let matrix = operand.operands[first]
      let wide = graph[operand.operands[second]]
      guard case .data = graph[matrix].operation, graph[matrix].shape.hasSameExtents(as: operand.shape),
        case .broadcast(let mapping) = wide.operation, mapping == axes
      else { continue }
      return MatrixVector(
        matrix: matrix, vector: wide.operands[0], isRow: axes == [1], rows: operand.shape[0].extent,
        columns: operand.shape[1].extent)
    }
    return nil
  }

  private static func whole(_ index: Int, _ node: Node) -> View {
    View(root: NodeID(Int32(index)), offset: 0, strides: contiguousStrides(node.shape.extents))
  }

  static func contiguousStrides(_ extents: [Int]) -> [Int] {
    var result = Array(repeating: 1, count: extents.count)
    for axis in stride(from: extents.count - 2, through: 0, by: -1) {
      result[axis] = result[axis + 1] * extents[axis + 1]
    }
    return result
  }

  private func view(of node: Node, _ index: Int) -> View {
    switch node.operation {
    case .broadcast(let mapping):
      let inner = views[node.operands[0].index]
      var strides = Array(repeating: 0, count: node.shape.count)
      for (axis, target) in mapping.enumerated() {
        strides[target] = graph[node.operands[0]].shape[axis].extent == 1 ? 0 : inner.strides[axis]
      }
      return View(root: inner.root, offset: inner.offset, strides: strides)
    case .permute(let order):
      let inner = views[node.operands[0].index]
      return View(root: inner.root, offset: inner.offset, strides: order.map { inner.strides[$0] })
    case .slice(let axis, let start):
      let inner = views[node.operands[0].index]
      return View(root: inner.root, offset: inner.offset + start * inner.strides[axis], strides: inner.strides)
    case .reshape:
      return reshaped(node) ?? ViewAnalysis.whole(index, node)
    default: return ViewAnalysis.whole(index, node)
    }
  }

  /// A reshape of elements that are equally spaced along one line, or one that only adds or drops axes of extent 1.
  private func reshaped(_ node: Node) -> View? {
    let operand = node.operands[0]
    let inner = views[operand.index]
    let extents = graph[operand].shape.extents
    if isContiguous(inner.strides, extents) {
      return View(root: inner.root, offset: inner.offset, strides: ViewAnalysis.contiguousStrides(node.shape.extents))
    }
    let kept = extents.indices.filter { extents[$0] != 1 }
    let wanted = node.shape.extents.indices.filter { node.shape[$0].extent != 1 }
    guard kept.map({ extents[$0] }) == wanted.map({ node.shape[$0].extent }) else { return nil }
    var strides = Array(repeating: 0, count: node.shape.count)
    for (from, to) in zip(kept, wanted) { strides[to] = inner.strides[from] }
    return View(root: inner.root, offset: inner.offset, strides: strides)
  }

  func isContiguous(_ strides: [Int], _ extents: [Int]) -> Bool {
    let wanted = ViewAnalysis.contiguousStrides(extents)
    return extents.indices.allSatisfy { extents[$0] == 1 || strides[$0] == wanted[$0] }
  }

  /// Operands that a node reads as whole contiguous memory; views that are not become copies.
  private mutating func requireMemory(of node: Node) {
    for operand in ViewAnalysis.wholeOperands(of: node) {
      let inner = views[operand.index]
      let extents = graph[operand].shape.extents
      guard !isContiguous(inner.strides, extents) else { continue }
      copies.insert(operand.index)
      views[operand.index] = ViewAnalysis.whole(operand.index, graph[operand])
    }
    // A reshape that cannot be a view needs its operand written out.
    if case .reshape = node.operation, reshaped(node) == nil {
      let operand = node.operands[0]
      copies.insert(operand.index)
      views[operand.index] = ViewAnalysis.whole(operand.index, graph[operand])
    }
  }

  static func wholeOperands(of node: Node) -> [NodeID] {
    switch node.operation {
    case .matrixProduct, .cholesky, .choleskyAdjoint, .symmetricEigen, .triangularSolve, .lowerTriangle, .cumulativeSum,
      .random, .scan:
      node.operands
    default: []
    }
  }

  // MARK: - Kinds

  enum Kind { case leaf, view, elementwise, reduction, scatter, concatenation, opaque, scan, projection }

  func kind(_ index: Int) -> Kind {
    if copies.contains(index) { return .elementwise }
    if let product = products[index] { return product.isRow ? .elementwise : .reduction }
    switch graph.nodes[index].operation {
    case .parameter, .input, .data, .constant: return .leaf
    case .broadcast, .permute, .slice, .reshape: return .view
    case .unary, .binary, .select, .gather: return .elementwise
    case .reduce: return .reduction
    case .scatterAdd: return .scatter
    case .concatenate: return .concatenation
    case .matrixProduct, .cholesky, .choleskyAdjoint, .symmetricEigen, .triangularSolve, .lowerTriangle, .cumulativeSum,
      .random:
      return .opaque
    case .scan: return .scan
    case .project: return .projection
    }
  }

  /// The extents that a node's computation goes over.
  func domain(_ index: Int) -> [Int] {
    let node = graph.nodes[index]
    if let product = products[index] { return [product.rows] }
    switch kind(index) {
    case .reduction, .scatter: return ViewAnalysis.squeezed(graph[node.operands[0]].shape.extents)
    default: return ViewAnalysis.squeezed(node.shape.extents)
    }
  }

  static func squeezed(_ extents: [Int]) -> [Int] { extents.filter { $0 != 1 } }

  func isScalar(_ id: NodeID) -> Bool { graph[id].shape.elementCount == 1 }

  /// Where `id` is read from in a loop over `shape`; its axes are the first ones of `shape`.
  func source(_ id: NodeID, in shape: Shape) -> Source {
    if case .constant(let bits) = graph[id].operation { return .constant(Double(bitPattern: bits)) }
    let view = views[id.index]
    let root = graph[view.root]
    if case .constant(let bits) = root.operation { return .constant(Double(bitPattern: bits)) }
    if root.shape.elementCount == 1 { return .scalar(view.root) }
    let own = graph[id].shape
    var strides: [Int] = []
    for (axis, dimension) in shape.enumerated() where dimension.extent != 1 {
      let isBroadcast = axis >= own.count || own[axis].extent == 1
      strides.append(isBroadcast ? 0 : view.strides[axis])
    }
    let extents = ViewAnalysis.squeezed(shape.extents)
    if view.offset == 0, strides == ViewAnalysis.contiguousStrides(extents),
      root.shape.elementCount == shape.elementCount, kind(view.root.index) != .leaf,
      ViewAnalysis.squeezed(root.shape.extents) == extents
    {
      return .same(view.root)
    }
    return .memory(root: view.root, offset: view.offset, strides: strides)
  }
}

// MARK: - Signs

extension ViewAnalysis {
  /// Whether all elements of a node are +0, positive, or not a number, as far as a few steps back show.
  func isNonnegative(_ id: NodeID, steps: Int = 6) -> Bool {
    guard steps > 0 else { return false }
    let node = graph[id]
    func all(_ operands: ArraySlice<NodeID>) -> Bool { operands.allSatisfy { isNonnegative($0, steps: steps - 1) } }
    switch node.operation {
    case .constant(let bits): return Double(bitPattern: bits).sign == .plus
    case .data(let slot):
      return graph.data[slot].elements.count <= 1 << 16 && graph.data[slot].elements.allSatisfy { $0.sign == .plus }
    case .unary(let operation):
      switch operation {
      case .exp, .square, .absolute, .logistic, .softplus, .cosh, .erfc, .normalCDF: return true
      case .sqrt, .reciprocal, .toReal, .expm1, .log1p, .tanh, .erf: return all(node.operands[...])
      default: return false
      }
    case .binary(let operation):
      switch operation {
      case .add, .multiply, .divide, .minimum, .maximum: return all(node.operands[...])
      case .power, .masked: return all(node.operands[..<1])
      default: return false
      }
    case .select: return all(node.operands[1...])
    case .broadcast, .reshape, .permute, .slice, .concatenate: return all(node.operands[...])
    case .reduce(let reduction, _):
      return reduction != .logSumExp && reduction != .minimum && reduction != .maximum && all(node.operands[...])
    default: return false
    }
  }
}
