internal import TensorIR

/// Rewrites composite operations into ones that loops compute directly, so that their parts fuse with what is around.
enum Decomposition {
  static func run(_ graph: Graph) throws(GraphError) -> Graph {
    try GraphRewriting.run(graph) { node, b throws(GraphError) in
      if case .reduce(.logSumExp, let axes) = node.operation { return logSumExp(node.operands[0], axes, in: b) }
      return nil
    }
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
