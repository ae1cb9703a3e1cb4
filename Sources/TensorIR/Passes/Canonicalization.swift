package import Numerics

/// Brings a graph to the form that depends on its meaning only: dead nodes dropped, the rest in an order that follows
/// from operations, extents and operands, not from the order in which the nodes were made.
///
/// Every node gets a digest of its own expression (leaves: their offset, or the digest of their contents); nodes are
/// sorted by depth, then digest, which is a topological order. Sums and products take their operands in that order too, so
/// that rearranging independent statements cannot change a bit.
package enum Canonicalization {
  package static func run(_ graph: Graph) throws(GraphError) -> Graph {
    var isLive = Array(repeating: false, count: graph.nodes.count)
    for output in graph.outputs { isLive[output.index] = true }
    for index in graph.nodes.indices.reversed() where isLive[index] {
      for operand in graph.nodes[index].operands { isLive[operand.index] = true }
    }
    let digests = expressionDigests(graph, isLive: isLive)
    var depth = Array(repeating: 0, count: graph.nodes.count)
    for index in graph.nodes.indices where isLive[index] {
      depth[index] = graph.nodes[index].operands.reduce(0) { max($0, depth[$1.index] + 1) }
    }
    let order = graph.nodes.indices.filter { isLive[$0] }.sorted {
      depth[$0] != depth[$1] ? depth[$0] < depth[$1] : digests[$0] < digests[$1]
    }
    let builder = GraphBuilder()
    builder.parameterCount = graph.parameterCount
    builder.inputCount = graph.inputCount
    var map = Array(repeating: NodeID(-1), count: graph.nodes.count)
    for index in order {
      let node = graph.nodes[index]
      builder.origin = graph.origins[index]
      var operands = node.operands.map { map[$0.index] }
      switch node.operation {
      case .data(let slot):
        map[index] = builder.data(graph.data[slot], element: node.element, tags: node.shape.map(\.tag))
      case .binary(let operation):
        switch operation {
        case .add, .multiply, .minimum, .maximum, .equal, .notEqual, .logicalAnd, .logicalOr: operands.sort()
        default: break
        }
        map[index] = builder.add(
          Node(operation: node.operation, operands: operands, element: node.element, shape: node.shape))
      default:
        map[index] = builder.add(
          Node(operation: node.operation, operands: operands, element: node.element, shape: node.shape))
      }
    }
    let result = try builder.finish(outputs: graph.outputs.map { map[$0.index] })
    try Verifier.checkIfEnabled(result, after: "canonicalization")
    return result
  }

  /// A digest per node of the expression it stands for, data by contents.
  static func expressionDigests(_ graph: Graph, isLive: [Bool]) -> [Digest] {
    var digests = Array(repeating: Digest(words: (0, 0, 0, 0)), count: graph.nodes.count)
    for (index, node) in graph.nodes.enumerated() where isLive[index] {
      var builder = DigestBuilder()
      builder.append(tag: "node")
      builder.append(GraphPrinter.name(of: node.operation, includingData: false))
      builder.append(Int(node.element.rawValue))
      for dimension in node.shape { builder.append(dimension.extent) }
      if case .data(let slot) = node.operation {
        graph.data[slot].elements.withUnsafeBufferPointer { builder.append(doubles: $0) }
      }
      var operands = node.operands.map { digests[$0.index] }
      if case .binary(let operation) = node.operation {
        switch operation {
        case .add, .multiply, .minimum, .maximum, .equal, .notEqual, .logicalAnd, .logicalOr: operands.sort()
        default: break
        }
      }
      for operand in operands { builder.append(operand) }
      digests[index] = builder.finish()
    }
    return digests
  }

  /// Operations, extents and indexing structure of a canonical graph; data by extents only, so that new data do not
  /// recompile.
  package static func programDigest(_ graph: Graph) throws(GraphError) -> Digest {
    try run(graph).structuralDigest()
  }
}

/// What identifies a result: the program, what its sites are called, its data, settings, stream and numeric class.
package struct ResultDigest {
  package static func make(
    program: Digest, siteNames: [String], graph: Graph, settings: [String], stream: RandomKey, numericClass: String
  ) -> Digest {
    var builder = DigestBuilder()
    builder.append(tag: "result")
    builder.append(program)
    builder.append(siteNames.count)
    for name in siteNames { builder.append(name) }
    builder.append(graph.data.count)
    for contents in graph.data { contents.elements.withUnsafeBufferPointer { builder.append(doubles: $0) } }
    builder.append(settings.count)
    for setting in settings { builder.append(setting) }
    builder.append(Int(truncatingIfNeeded: stream.high))
    builder.append(Int(truncatingIfNeeded: stream.low))
    builder.append(numericClass)
    return builder.finish()
  }
}
