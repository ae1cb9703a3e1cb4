internal import Foundation
package import Numerics

/// A node: an operation on earlier nodes.
package struct Node: Hashable, Sendable {
  package var operation: Operation
  package var operands: [NodeID]
  package var element: ElementType
  package var shape: Shape
  package init(operation: Operation, operands: [NodeID], element: ElementType, shape: Shape) {
    self.operation = operation
    self.operands = operands
    self.element = element
    self.shape = shape
  }
}

/// Contents of a tensor, row-major, as doubles.
package struct TensorData: Hashable, Sendable {
  package var extents: [Int]
  package var elements: [Double]
  package init(extents: [Int], elements: [Double]) {
    self.extents = extents
    self.elements = elements
  }

  /// A sample of the elements: every pass looks data up, and equal arrays mostly share their storage.
  package func hash(into hasher: inout Hasher) {
    hasher.combine(extents)
    hasher.combine(elements.count)
    let step = max(1, elements.count / 61)
    var place = 0
    while place < elements.count {
      hasher.combine(elements[place].bitPattern)
      place += step
    }
  }

  /// By bits, so that data with NaN are equal to themselves, and 0 and −0 are two.
  package static func == (left: TensorData, right: TensorData) -> Bool {
    guard left.extents == right.extents, left.elements.count == right.elements.count else { return false }
    return left.elements.withUnsafeBytes { a in
      right.elements.withUnsafeBytes { b in
        guard let x = a.baseAddress, let y = b.baseAddress, x != y else { return true }
        return memcmp(x, y, a.count) == 0
      }
    }
  }
}

/// An immutable static single-assignment graph over dense tensors; operands always stand before their users.
package struct Graph: Sendable {
  package var nodes: [Node]
  package var outputs: [NodeID]
  /// Contents of `data` nodes: inputs of a run, not part of the program's identity.
  package var data: [TensorData]
  /// The length of the position that `parameter` nodes read.
  package var parameterCount: Int
  package var inputCount: Int
  /// Per node, a number that the display record resolves to a source place; −1 for none.
  package var origins: [Int32]

  package init(
    nodes: [Node], outputs: [NodeID], data: [TensorData], parameterCount: Int, inputCount: Int, origins: [Int32]
  ) {
    self.nodes = nodes
    self.outputs = outputs
    self.data = data
    self.parameterCount = parameterCount
    self.inputCount = inputCount
    self.origins = origins
  }

  package subscript(id: NodeID) -> Node { nodes[id.index] }

  /// A digest of operations, types, extents and indexing, node by node in the order that they stand in.
  ///
  /// Data nodes are represented by their extents: new data leave it unchanged. Bring the graph to canonical form first
  /// where construction order must not matter.
  package func structuralDigest() -> Digest {
    var builder = DigestBuilder()
    builder.append(tag: "graph")
    builder.append(parameterCount)
    builder.append(inputCount)
    builder.append(nodes.count)
    for node in nodes {
      builder.append(GraphPrinter.name(of: node.operation, includingData: false))
      builder.append(Int(node.element.rawValue))
      builder.append(node.shape.count)
      for dimension in node.shape { builder.append(dimension.extent) }
      builder.append(node.operands.count)
      for operand in node.operands { builder.append(operand.index) }
    }
    for output in outputs { builder.append(output.index) }
    return builder.finish()
  }
}

/// Stable text of a graph, for golden tests and `cairn ir`.
package enum GraphPrinter {
  package static func name(of operation: Operation, includingData: Bool = true) -> String {
    switch operation {
    case .parameter(let offset): "parameter[\(offset)]"
    case .input(let index): "input[\(index)]"
    case .data(let index): includingData ? "data[\(index)]" : "data"
    case .constant(let bits): "constant(\(Double(bitPattern: bits)))"
    case .unary(let operation): operation.rawValue
    case .binary(let operation): operation.rawValue
    case .select: "select"
    case .broadcast(let mapping): "broadcast\(mapping)"
    case .reshape: "reshape"
    case .permute(let order): "permute\(order)"
    case .slice(let axis, let start): "slice(axis: \(axis), from: \(start))"
    case .concatenate(let axis): "concatenate(axis: \(axis))"
    case .reduce(let reduction, let axes): "\(reduction.rawValue)\(axes)"
    case .cumulativeSum(let reversed): reversed ? "cumulativeSumFromEnd" : "cumulativeSum"
    case .gather: "gather"
    case .scatterAdd: "scatterAdd"
    case .matrixProduct: "matrixProduct"
    case .cholesky: "cholesky"
    case .choleskyAdjoint: "choleskyAdjoint"
    case .symmetricEigen: "symmetricEigen"
    case .triangularSolve(let transposed): transposed ? "triangularSolveTransposed" : "triangularSolve"
    case .lowerTriangle(let halves): halves ? "lowerTriangleHalfDiagonal" : "lowerTriangle"
    case .scan(let body): "scan(\(body.digest))"
    case .project(let index): "project[\(index)]"
    case .random(let kind, let label): "random(\(kind.rawValue), \(label.high):\(label.low))"
    }
  }

  package static func text(_ graph: Graph, indent: String = "") -> String {
    var lines: [String] = []
    for (index, node) in graph.nodes.enumerated() {
      let shape = node.shape.map { $0.tag == 0 ? "\($0.extent)" : "\($0.extent)@\($0.tag)" }.joined(separator: ", ")
      let operands = node.operands.map { "%\($0.index)" }.joined(separator: ", ")
      let type = node.element == .real ? "" : node.element == .integer ? "int " : "bool "
      var name = name(of: node.operation)
      if case .scan(let body) = node.operation {
        name = "scan(steps: \(body.steps)\(body.isReversed ? ", reversed" : ""))"
      }
      lines.append("\(indent)%\(index) = \(name)(\(operands)) : \(type)[\(shape)]")
      if case .scan(let body) = node.operation { lines.append(text(body.graph, indent: indent + "    ")) }
    }
    lines.append("\(indent)return \(graph.outputs.map { "%\($0.index)" }.joined(separator: ", "))")
    return lines.joined(separator: "\n")
  }
}
