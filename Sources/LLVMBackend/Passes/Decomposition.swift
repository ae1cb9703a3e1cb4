internal import TensorIR

/// Rewrites composite reductions into ones that loops compute directly, so that their parts fuse with what is around.
enum Decomposition {
  static func run(_ graph: Graph) throws(GraphError) -> Graph {
    let b = GraphBuilder()
    b.parameterCount = graph.parameterCount
    b.inputCount = graph.inputCount
    var map: [NodeID] = []
    map.reserveCapacity(graph.nodes.count)
    for (index, node) in graph.nodes.enumerated() {
      b.origin = graph.origins[index]
      var copy = node
      copy.operands = node.operands.map { map[$0.index] }
      switch node.operation {
      case .data(let slot):
        map.append(b.data(graph.data[slot], element: node.element, tags: node.shape.map(\.tag)))
      case .reduce(.logSumExp, let axes):
        map.append(logSumExp(copy.operands[0], axes, in: b))
      case .scan(let body):
        let inner = try run(body.graph)
        copy.operation = .scan(
          ScanBody(
            graph: inner, carryCount: body.carryCount, slicedCount: body.slicedCount, steps: body.steps,
            isReversed: body.isReversed))
        map.append(b.add(copy))
      default: map.append(b.add(copy))
      }
    }
    return try b.finish(outputs: graph.outputs.map { map[$0.index] })
  }

  /// max + log Σ exp(x − max); an infinite or undefined maximum is the result.
  private static func logSumExp(_ x: NodeID, _ axes: [Int], in b: GraphBuilder) -> NodeID {
    let shape = b.shape(x)
    let kept = shape.indices.filter { !axes.contains($0) }
    let top = b.reduce(.maximum, x, axes: axes)
    let isFinite = b.unary(.isFinite, top)
    let base = b.select(isFinite, top, b.constant(0))
    let wide = b.shape(base).isEmpty ? base : b.broadcast(base, to: shape, mapping: kept)
    let total = b.reduce(.sum, b.exp(b.subtract(x, wide)), axes: axes)
    return b.select(isFinite, b.add(base, b.log(total)), top)
  }
}
