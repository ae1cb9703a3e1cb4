internal import TensorIR

/// Rebuilds a graph node by node; a pass says what becomes of each.
enum GraphRewriting {
  /// - Parameters:
  ///   - counting: Told the number of each node of `graph` itself before it is rewritten.
  ///   - rewriteBody: Given a loop and its operands, what its body becomes before it is itself rewritten.
  ///   - rewrite: Given a node with its operands already rewritten; nil keeps it as it is.
  static func run(
    _ graph: Graph,
    counting: ((Int) -> Void)? = nil, rewritesBodies: Bool = true,
    rewriteBody: ((ScanBody, [NodeID], GraphBuilder) throws(GraphError) -> Graph)? = nil,
    rewrite: (Node, GraphBuilder) throws(GraphError) -> NodeID?
  ) throws(GraphError) -> Graph {
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
        continue
      case .scan(let body) where rewritesBodies:
        let inside = try rewriteBody?(body, copy.operands, b) ?? body.graph
        copy.operation = .scan(
          ScanBody(
            graph: try run(inside, rewriteBody: rewriteBody, rewrite: rewrite), carryCount: body.carryCount,
            slicedCount: body.slicedCount,
            steps: body.steps, isReversed: body.isReversed))
      default: break
      }
      counting?(index)
      map.append(try rewrite(copy, b) ?? b.add(copy))
    }
    return try b.finish(outputs: graph.outputs.map { map[$0.index] })
  }

  /// Drops what no output needs.
  static func pruned(_ graph: Graph) throws(GraphError) -> Graph {
    var live = Array(repeating: false, count: graph.nodes.count)
    for output in graph.outputs { live[output.index] = true }
    for index in graph.nodes.indices.reversed() where live[index] {
      for operand in graph.nodes[index].operands { live[operand.index] = true }
    }
    let b = GraphBuilder()
    b.parameterCount = graph.parameterCount
    b.inputCount = graph.inputCount
    var map = Array(repeating: NodeID(-1), count: graph.nodes.count)
    for (index, node) in graph.nodes.enumerated() where live[index] {
      b.origin = graph.origins[index]
      var copy = node
      copy.operands = node.operands.map { map[$0.index] }
      switch node.operation {
      case .data(let slot):
        map[index] = b.data(graph.data[slot], element: node.element, tags: node.shape.map(\.tag))
      case .scan(let body):
        copy.operation = .scan(
          ScanBody(
            graph: try pruned(body.graph), carryCount: body.carryCount, slicedCount: body.slicedCount,
            steps: body.steps, isReversed: body.isReversed))
        map[index] = b.add(copy)
      default: map[index] = b.add(copy)
      }
    }
    return try b.finish(outputs: graph.outputs.map { map[$0.index] })
  }
}
