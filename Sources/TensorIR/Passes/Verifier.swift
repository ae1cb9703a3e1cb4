import Synchronization

/// Checks that a graph keeps the rules every pass relies on. Runs after each pass when switched on; tests switch it on.
package enum Verifier {
  private static let enabled = Atomic<Bool>(false)

  package static var isEnabled: Bool {
    get { enabled.load(ordering: .relaxed) }
    set { enabled.store(newValue, ordering: .relaxed) }
  }

  package static func checkIfEnabled(_ graph: Graph, after pass: String) throws(GraphError) {
    guard isEnabled else { return }
    if let fault = firstFault(in: graph) { throw GraphError("after \(pass): \(fault)") }
  }

  /// The first broken rule, in words.
  package static func firstFault(in graph: Graph) -> String? {
    for (index, node) in graph.nodes.enumerated() {
      if node.operands.contains(where: { $0.index >= index || $0.index < 0 }) {
        return "%\(index) uses a node that does not stand before it"
      }
      if node.shape.contains(where: { $0.extent < 0 }) { return "%\(index) has a negative extent" }
      if let fault = shapeFault(node, graph) { return "%\(index) = \(GraphPrinter.name(of: node.operation)): \(fault)" }
    }
    for output in graph.outputs where output.index < 0 || output.index >= graph.nodes.count {
      return "an output is no node"
    }
    return nil
  }

  private static func shapeFault(_ node: Node, _ graph: Graph) -> String? {
    func shape(_ slot: Int) -> Shape { graph[node.operands[slot]].shape }
    func expectOperands(_ count: Int) -> String? {
      node.operands.count == count ? nil : "has \(node.operands.count) operands, not \(count)"
    }
    func elementwise() -> String? {
      for slot in node.operands.indices where !shape(slot).isEmpty && !shape(slot).hasSameExtents(as: node.shape) {
        return "operand \(slot) has shape \(shape(slot).extents), the result \(node.shape.extents)"
      }
      return nil
    }
    func sameCount() -> String? {
      shape(0).elementCount == node.shape.elementCount ? nil : "changes the number of elements"
    }
    switch node.operation {
    case .parameter(let offset):
      return offset >= 0 && offset + node.shape.elementCount <= graph.parameterCount ? nil : "reaches past the position"
    case .input(let slot): return slot >= 0 && slot < graph.inputCount ? nil : "is no input of the graph"
    case .data(let slot):
      guard slot >= 0, slot < graph.data.count else { return "has no contents" }
      return graph.data[slot].elements.count == node.shape.elementCount ? nil : "has contents of another size"
    case .constant: return node.shape.isEmpty ? nil : "is not a scalar"
    case .unary: return expectOperands(1) ?? elementwise()
    case .binary: return expectOperands(2) ?? elementwise()
    case .select: return expectOperands(3) ?? elementwise()
    case .random: return node.operands.isEmpty ? "has no element numbers" : elementwise()
    case .broadcast(let mapping):
      if let fault = expectOperands(1) { return fault }
      guard mapping.count == shape(0).count else { return "maps \(mapping.count) axes of \(shape(0).count)" }
      for (axis, target) in mapping.enumerated() {
        guard target < node.shape.count, node.shape[target].extent == shape(0)[axis].extent else {
          return "axis \(axis) does not fit axis \(target) of the result"
        }
      }
      return nil
    case .reshape: return expectOperands(1) ?? sameCount()
    case .permute(let order):
      if let fault = expectOperands(1) ?? sameCount() { return fault }
      return order.map { shape(0)[$0].extent } == node.shape.extents ? nil : "permutes to another shape"
    case .slice(let axis, let start):
      if let fault = expectOperands(1) { return fault }
      return start >= 0 && start + node.shape[axis].extent <= shape(0)[axis].extent ? nil : "reaches past the operand"
    case .concatenate(let axis):
      let total = node.operands.indices.reduce(0) { $0 + shape($1)[axis].extent }
      return total == node.shape[axis].extent ? nil : "has \(node.shape[axis].extent) where its parts have \(total)"
    case .reduce(_, let axes):
      if let fault = expectOperands(1) { return fault }
      let kept = shape(0).enumerated().filter { !axes.contains($0.offset) }.map(\.element.extent)
      return kept == node.shape.extents ? nil : "keeps \(kept), not \(node.shape.extents)"
    case .cumulativeSum, .cholesky, .lowerTriangle:
      return expectOperands(1) ?? (shape(0).hasSameExtents(as: node.shape) ? nil : "changes the shape")
    case .choleskyAdjoint:
      if let fault = expectOperands(2) { return fault }
      return shape(0).hasSameExtents(as: node.shape) && shape(1).hasSameExtents(as: node.shape)
        ? nil : "changes the shape"
    case .symmetricEigen:
      if let fault = expectOperands(1) { return fault }
      let n = shape(0).extents.last ?? 0
      let expected = Array(shape(0).extents.dropLast(2)) + [n + 1, n]
      return expected == node.shape.extents ? nil : "should have shape \(expected)"
    case .gather:
      guard node.operands.count >= 2 else { return "has no indices" }
      let expected = shape(1).extents + shape(0).extents.dropFirst(node.operands.count - 1)
      return expected == node.shape.extents ? nil : "should have shape \(expected)"
    case .scatterAdd:
      guard node.operands.count >= 2 else { return "has no indices" }
      let expected = shape(1).extents + node.shape.extents.dropFirst(node.operands.count - 1)
      return expected == shape(0).extents ? nil : "needs updates of shape \(expected)"
    case .matrixProduct:
      if let fault = expectOperands(2) { return fault }
      return Array(shape(0).extents.dropLast()) + [shape(1).extents.last ?? 0] == node.shape.extents
        ? nil : "multiplies \(shape(0).extents) and \(shape(1).extents) to \(node.shape.extents)"
    case .triangularSolve:
      return expectOperands(2) ?? (shape(1).hasSameExtents(as: node.shape) ? nil : "changes the shape")
    case .scan(let body):
      guard node.operands.count == body.graph.inputCount else {
        return "has \(node.operands.count) operands for \(body.graph.inputCount) inputs"
      }
      for slot in 0..<body.carryCount where !shape(slot).hasSameExtents(as: body.graph[body.graph.outputs[slot]].shape)
      {
        return "carry \(slot) changes its shape"
      }
      return firstFault(in: body.graph).map { "in the body: \($0)" }
    case .project(let slot):
      guard let fault = expectOperands(1) else {
        guard case .scan(let body) = graph[node.operands[0]].operation else { return "is of no scan" }
        return slot < body.graph.outputs.count ? nil : "is past the scan's outputs"
      }
      return fault
    }
  }
}
