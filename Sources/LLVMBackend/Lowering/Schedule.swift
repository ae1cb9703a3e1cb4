internal import TensorIR

/// One piece of a program that runs from beginning to end before the next begins.
enum Step {
  /// A loop over a domain that computes several nodes at each place.
  case nest(domain: [Int], nodes: [NodeID])
  /// Dense algebra, random numbers, a concatenation, or a loop in sequence with its results.
  case single(NodeID)
}

/// Puts the computed nodes of a graph into as few loops as dependences allow.
///
/// Greedy, by domains with the smallest first, so that the transforms of parameters are done when the large plate
/// begins, which then takes the largest closed set: nodes whose every operand is done, or is in the set at the same
/// place and no reduction. So a likelihood and its gradient share one pass.
struct Schedule {
  private(set) var steps: [Step] = []
  /// The step that each computed node belongs to.
  private(set) var stepOfNode: [NodeID: Int] = [:]

  /// Operands of a node as its loop reads them.
  static func sources(of id: NodeID, _ analysis: ViewAnalysis) -> [Source] {
    let graph = analysis.graph
    let node = graph[id]
    if let product = analysis.products[id.index] {
      return product.isRow ? [] : [analysis.source(product.vector, in: graph[product.vector].shape)]
    }
    switch analysis.kind(id.index) {
    case .elementwise where analysis.copies.contains(id.index):
      return [copySource(id, analysis)]
    case .elementwise:
      if case .gather = node.operation {
        return node.operands.dropFirst().map { analysis.source($0, in: node.shape) }
      }
      return node.operands.map { analysis.source($0, in: node.shape) }
    case .reduction: return [analysis.source(node.operands[0], in: graph[node.operands[0]].shape)]
    case .scatter: return node.operands.map { analysis.source($0, in: graph[node.operands[0]].shape) }
    default: return []
    }
  }

  /// What a view that is written out looks at.
  static func copySource(_ id: NodeID, _ analysis: ViewAnalysis) -> Source {
    let node = analysis.graph[id]
    let operand = node.operands[0]
    let inner = analysis.views[operand.index]
    let graph = analysis.graph
    var view = inner
    switch node.operation {
    case .broadcast(let mapping):
      var strides = Array(repeating: 0, count: node.shape.count)
      for (axis, target) in mapping.enumerated() {
        strides[target] = graph[operand].shape[axis].extent == 1 ? 0 : inner.strides[axis]
      }
      view = View(root: inner.root, offset: inner.offset, strides: strides)
    case .permute(let order): view.strides = order.map { inner.strides[$0] }
    case .slice(let axis, let start): view.offset += start * inner.strides[axis]
    default:
      // A reshape to a view that is spread out: its axes are those of the operand but for extents of 1.
      let kept = graph[operand].shape.indices.filter { graph[operand].shape[$0].extent != 1 }
      var strides = Array(repeating: 0, count: node.shape.count)
      if analysis.isContiguous(inner.strides, graph[operand].shape.extents) {
        strides = ViewAnalysis.contiguousStrides(node.shape.extents)
      } else {
        let wanted = node.shape.indices.filter { node.shape[$0].extent != 1 }
        for (from, to) in zip(kept, wanted) { strides[to] = inner.strides[from] }
      }
      view.strides = strides
    }
    let root = graph[view.root]
    if case .constant(let bits) = root.operation { return .constant(Double(bitPattern: bits)) }
    if root.shape.elementCount == 1 { return .scalar(view.root) }
    let strides = node.shape.indices.filter { node.shape[$0].extent != 1 }.map { view.strides[$0] }
    return .memory(root: view.root, offset: view.offset, strides: strides)
  }

  /// Roots that a node reads as memory, or needs finished before its step begins.
  static func prerequisites(of id: NodeID, _ analysis: ViewAnalysis) -> [NodeID] {
    let node = analysis.graph[id]
    var result: [NodeID] = []
    for source in sources(of: id, analysis) {
      switch source {
      case .memory(let root, _, _): result.append(root)
      case .constant, .scalar, .same: break
      }
    }
    if let product = analysis.products[id.index] {
      if product.isRow { result.append(analysis.views[product.vector.index].root) }
      return result
    }
    switch analysis.kind(id.index) {
    case .elementwise:
      if case .gather = node.operation { result.append(analysis.views[node.operands[0].index].root) }
    case .opaque, .scan, .concatenation: result += node.operands.map { analysis.views[$0.index].root }
    case .projection: result.append(node.operands[0])
    default: break
    }
    return result
  }

  init(_ analysis: ViewAnalysis) {
    let graph = analysis.graph
    var remaining: [NodeID] = []
    var isDone = Array(repeating: false, count: graph.nodes.count)
    for index in graph.nodes.indices where analysis.isLive[index] {
      switch analysis.kind(index) {
      case .leaf: isDone[index] = true
      case .view: break
      default: remaining.append(NodeID(Int32(index)))
      }
    }
    var domains: [NodeID: [Int]] = [:]
    var sources: [NodeID: [Source]] = [:]
    var prerequisites: [NodeID: [NodeID]] = [:]
    for id in remaining {
      domains[id] = analysis.domain(id.index)
      sources[id] = Schedule.sources(of: id, analysis)
      prerequisites[id] = Schedule.prerequisites(of: id, analysis)
    }
    func isSingle(_ id: NodeID) -> Bool {
      switch analysis.kind(id.index) {
      case .opaque, .scan, .concatenation, .projection: true
      default: false
      }
    }
    func isReady(_ id: NodeID, within set: Set<NodeID>) -> Bool {
      for root in prerequisites[id] ?? [] where !isDone[root.index] { return false }
      for source in sources[id] ?? [] {
        switch source {
        case .constant, .memory: break
        case .scalar(let root):
          let isNear = (domains[id] ?? []).isEmpty && set.contains(root)
          if !isDone[root.index] && !isNear { return false }
        case .same(let root):
          if isDone[root.index] { continue }
          guard set.contains(root) else { return false }
          switch analysis.kind(root.index) {
          case .reduction, .scatter: return false
          default: break
          }
        }
      }
      return true
    }

    while !remaining.isEmpty {
      // Domains in the order of their sizes; extents break ties so that the order follows from the graph alone.
      var best: (size: Int, domain: [Int], nodes: [NodeID])?
      var candidates: [[Int]] = []
      for id in remaining where !isSingle(id) {
        if let domain = domains[id], !candidates.contains(domain) { candidates.append(domain) }
      }
      candidates.sort { a, b in
        let (sizeA, sizeB) = (a.reduce(1, *), b.reduce(1, *))
        return sizeA != sizeB
          ? sizeA < sizeB : (a.count != b.count ? a.count < b.count : a.lexicographicallyPrecedes(b))
      }
      for domain in candidates {
        var set: Set<NodeID> = []
        var nodes: [NodeID] = []
        for id in remaining where domains[id] == domain && !isSingle(id) && isReady(id, within: set) {
          set.insert(id)
          nodes.append(id)
        }
        if !nodes.isEmpty {
          best = (domain.reduce(1, *), domain, nodes)
          break
        }
      }
      let single = remaining.first { isSingle($0) && isReady($0, within: []) }
      var chosen: [NodeID]
      if let single, best == nil || analysis.kind(single.index) == .projection || (best?.size ?? 0) > 1 {
        chosen = [single]
        steps.append(.single(single))
      } else if let best {
        chosen = best.nodes
        steps.append(.nest(domain: best.domain, nodes: best.nodes))
      } else {
        break
      }
      for id in chosen {
        isDone[id.index] = true
        stepOfNode[id] = steps.count - 1
      }
      let done = Set(chosen)
      remaining.removeAll { done.contains($0) }
    }
  }
}
