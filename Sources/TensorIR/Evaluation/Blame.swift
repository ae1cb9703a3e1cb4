import Numerics

extension Program {
  /// The first node that turns finite operands into a value that is not finite, and what it was given.
  package struct Blame: Sendable {
    package var node: NodeID
    package var origin: Int32
    package var operation: String
    package var element: Int
    package var result: Double
    package var operands: [Double]
  }

  /// Runs in checked mode and names the first culprit of an output that is not finite; nil where all outputs are finite.
  ///
  /// An infinity that no output receives (of a branch that was not taken) does no harm and is not blamed. A culprit inside
  /// a loop is named by the node of the loop's body, with that node's origin.
  package func blame(position: [Double], inputs: [TensorData] = [], stream: Stream? = nil) -> Blame? {
    let workspace = UnsafeMutablePointer<Double>.allocate(capacity: workspaceCount + 8)
    defer { workspace.deallocate() }
    return withArguments(position: position, inputs: inputs, stream: stream) { point, table, stream in
      checkedRun(position: point, inputs: table, workspace: workspace, stream: stream)
    }
  }

  /// Executes everything, so that callers find the results in place, and looks at each result as soon as it is written:
  /// buffers are used again later.
  func checkedRun(
    position: UnsafePointer<Double>, inputs: UnsafePointer<UnsafePointer<Double>>,
    workspace: UnsafeMutablePointer<Double>, stream: UnsafePointer<Stream>?
  ) -> Blame? {
    var isBad = Array(repeating: false, count: graph.nodes.count)
    var culprits: [Int: Blame] = [:]
    func values(_ id: NodeID) -> UnsafeBufferPointer<Double>? {
      guard let location = locations[id.index] else { return nil }
      let count = graph[id].shape.elementCount
      return UnsafeBufferPointer(start: address(location, position, inputs, workspace), count: count)
    }
    for index in 0..<instructionCount {
      let instruction = instructions[index]
      let id = NodeID(instruction.node)
      if instruction.code == .scan {
        var inner: Blame?
        runScan(instruction, position, inputs, workspace, stream, blame: &inner)
        if let inner {
          isBad[id.index] = true
          culprits[id.index] = inner
        }
        continue
      }
      step(instructions + index, position: position, inputs: inputs, workspace: workspace, stream: stream)
      guard graph[id].element == .real, let result = values(id) else { continue }
      // A reduction or concatenation of several instructions is whole after the last of them.
      if index + 1 < instructionCount, instructions[index + 1].node == instruction.node { continue }
      guard let element = result.firstIndex(where: { !$0.isFinite }) else { continue }
      isBad[id.index] = true
      culprits[id.index] = culprit(id, element, result[element], values)
    }
    for (index, node) in graph.nodes.enumerated() {
      switch node.operation {
      case .reshape, .project: isBad[index] = isBad[node.operands[0].index]
      default: break
      }
    }
    return firstCulprit(isBad, culprits)
  }

  /// A node with a result that is not finite, if all its operands are.
  private func culprit(
    _ id: NodeID, _ element: Int, _ result: Double, _ values: (NodeID) -> UnsafeBufferPointer<Double>?
  ) -> Blame? {
    let node = graph[id]
    var operands: [Double] = []
    for operand in node.operands {
      guard let contents = values(operand), !contents.isEmpty else { continue }
      let isMatching = contents.count == node.shape.elementCount
      if isMatching || contents.count == 1 {
        let value = contents[isMatching ? element : 0]
        guard value.isFinite else { return nil }
        operands.append(value)
      } else {
        guard contents.allSatisfy({ $0.isFinite }) else { return nil }
      }
    }
    return Blame(
      node: id, origin: graph.origins[id.index],
      operation: GraphPrinter.name(of: node.operation, includingData: false), element: element, result: result,
      operands: operands)
  }

  /// The first culprit that an output which is not finite depends on through nodes that are not finite.
  private func firstCulprit(_ isBad: [Bool], _ culprits: [Int: Blame]) -> Blame? {
    var isReached = Array(repeating: false, count: isBad.count)
    for output in graph.outputs where isBad[output.index] { isReached[output.index] = true }
    var first: Blame?
    for index in graph.nodes.indices.reversed() where isReached[index] {
      if let blame = culprits[index] { first = blame }
      for operand in graph.nodes[index].operands where isBad[operand.index] { isReached[operand.index] = true }
    }
    return first
  }
}
