package import Numerics

/// Brings a graph to the form that depends on its meaning only: dead nodes dropped, the rest in an order that follows
/// from operations, extents and use, not from the order in which the nodes were made.
///
/// Nodes are sorted by depth, which is a topological order, then by what they compute (a digest of their expression, data
/// by extents alone), then by how they are used, and last by the contents of their data. So new data of the same extents
/// keep the order, and with it the program. Sums and products take their operands in that order too, so that rearranging
/// independent statements cannot change a bit. Loops get the same treatment: their operands and results are numbered by
/// what they are.
package enum Canonicalization {
  package static func run(_ graph: Graph) throws(GraphError) -> Graph {
    let result = try rebuild(graph, Analysis(graph, operands: nil), inputSlots: nil)
    try Verifier.checkIfEnabled(result, after: "canonicalization")
    return result
  }

  /// Operations, extents and indexing structure; data by extents only, so that new data do not recompile.
  package static func programDigest(_ graph: Graph) throws(GraphError) -> Digest {
    try run(graph).structuralDigest()
  }

  /// - Parameter inputSlots: The new number of each input; nil keeps them.
  fileprivate static func rebuild(
    _ graph: Graph, _ analysis: Analysis, inputSlots: [Int]?
  ) throws(GraphError) -> Graph {
    let builder = GraphBuilder()
    builder.parameterCount = graph.parameterCount
    builder.inputCount = graph.inputCount
    var map = Array(repeating: NodeID(-1), count: graph.nodes.count)
    for index in analysis.order {
      var node = graph.nodes[index]
      builder.origin = graph.origins[index]
      node.operands = node.operands.map { map[$0.index] }
      switch node.operation {
      case .data(let slot):
        map[index] = builder.data(graph.data[slot], element: node.element, tags: node.shape.map(\.tag))
        continue
      case .input(let slot):
        map[index] = builder.input(inputSlots?[slot] ?? slot, element: node.element, shape: node.shape)
        continue
      case .binary(let operation) where operation.isCommutative: node.operands.sort()
      case .scan:
        if let loop = analysis.loops[index] {
          node.operation = .scan(loop.body)
          node.operands = loop.operandOrder.map { node.operands[$0] }
        }
      case .project(let slot):
        if let loop = analysis.loops[graph.nodes[index].operands[0].index] {
          node.operation = .project(loop.outputSlots[slot])
        }
      default: break
      }
      map[index] = builder.add(node)
    }
    return try builder.finish(outputs: graph.outputs.map { map[$0.index] })
  }
}

extension BinaryOperation {
  var isCommutative: Bool {
    switch self {
    case .add, .multiply, .minimum, .maximum, .equal, .notEqual, .logicalAnd, .logicalOr: true
    case .subtract, .divide, .power, .atan2, .logAddExp, .xLogY, .remainder, .integerQuotient, .integerRemainder, .less,
      .lessOrEqual, .masked:
      false
    }
  }
}

/// What the nodes of a graph are, apart from their numbers.
private struct Analysis {
  /// A node's expression: without the contents of data, and with them.
  struct Label {
    var structure: Digest
    var contents: Digest
  }

  /// Live nodes, sorted.
  var order: [Int] = []
  var labels: [Label]
  /// How a node is used: by which expressions, in which place.
  var uses: [Digest]
  var loops: [Int: CanonicalLoop] = [:]
  private var isLive: [Bool]

  static let none = Digest(words: (0, 0, 0, 0))

  /// - Parameter operands: Labels of the inputs of a loop's body; nil where inputs are known by their numbers.
  init(_ graph: Graph, operands: [Label]?, outputRoles: [Digest]? = nil) throws(GraphError) {
    let count = graph.nodes.count
    labels = Array(repeating: Label(structure: Analysis.none, contents: Analysis.none), count: count)
    uses = Array(repeating: Analysis.none, count: count)
    isLive = Array(repeating: false, count: count)
    for output in graph.outputs { isLive[output.index] = true }
    for index in graph.nodes.indices.reversed() where isLive[index] {
      for operand in graph.nodes[index].operands { isLive[operand.index] = true }
    }
    for index in graph.nodes.indices where isLive[index] { try label(index, graph, operands) }
    findUses(graph, outputRoles)
    var depth = Array(repeating: 0, count: count)
    for index in graph.nodes.indices where isLive[index] {
      depth[index] = graph.nodes[index].operands.reduce(0) { max($0, depth[$1.index] + 1) }
    }
    order = graph.nodes.indices.filter { isLive[$0] }.sorted { a, b in
      if depth[a] != depth[b] { return depth[a] < depth[b] }
      if labels[a].structure != labels[b].structure { return labels[a].structure < labels[b].structure }
      if uses[a] != uses[b] { return uses[a] < uses[b] }
      return labels[a].contents != labels[b].contents ? labels[a].contents < labels[b].contents : a < b
    }
  }

  private mutating func label(_ index: Int, _ graph: Graph, _ operands: [Label]?) throws(GraphError) {
    let node = graph.nodes[index]
    var below = node.operands.map { labels[$0.index] }
    var name = ""
    switch node.operation {
    case .input(let slot):
      if let operands {
        labels[index] = operands[slot]
        return
      }
      name = GraphPrinter.name(of: node.operation)
    case .scan(let body):
      let loop = try CanonicalLoop(body, operands: below)
      loops[index] = loop
      below = loop.operandOrder.map { below[$0] }
      name = GraphPrinter.name(of: .scan(loop.body))
    case .project(let slot):
      name = GraphPrinter.name(of: .project(loops[node.operands[0].index]?.outputSlots[slot] ?? slot))
    case .parameter, .data, .constant, .unary, .binary, .select, .broadcast, .reshape, .permute, .slice, .concatenate,
      .reduce, .cumulativeSum, .gather, .scatterAdd, .matrixProduct, .cholesky, .choleskyAdjoint, .symmetricEigen,
      .triangularSolve,
      .lowerTriangle,
      .random:
      name = GraphPrinter.name(of: node.operation, includingData: false)
    }
    func digest(_ parts: [Digest], _ contents: TensorData?) -> Digest {
      var builder = DigestBuilder()
      builder.append(tag: "node")
      builder.append(name)
      builder.append(Int(node.element.rawValue))
      for dimension in node.shape { builder.append(dimension.extent) }
      if let contents { contents.elements.withUnsafeBufferPointer { builder.append(doubles: $0) } }
      for part in parts { builder.append(part) }
      return builder.finish()
    }
    var structures = below.map(\.structure)
    var contents = below.map(\.contents)
    if case .binary(let operation) = node.operation, operation.isCommutative {
      structures.sort()
      contents.sort()
    }
    var data: TensorData?
    if case .data(let slot) = node.operation { data = graph.data[slot] }
    labels[index] = Label(structure: digest(structures, nil), contents: digest(contents, data))
  }

  /// From the outputs down: the sorted uses of a node, each by its user's own label and uses and the place there.
  private mutating func findUses(_ graph: Graph, _ outputRoles: [Digest]?) {
    var received: [[Digest]] = Array(repeating: [], count: graph.nodes.count)
    for (slot, output) in graph.outputs.enumerated() {
      var builder = DigestBuilder()
      builder.append(tag: "output")
      if let outputRoles { builder.append(outputRoles[slot]) } else { builder.append(slot) }
      received[output.index].append(builder.finish())
    }
    for index in graph.nodes.indices.reversed() where isLive[index] {
      let node = graph.nodes[index]
      var builder = DigestBuilder()
      builder.append(tag: "uses")
      for use in received[index].sorted() { builder.append(use) }
      uses[index] = builder.finish()
      var isOrdered = true
      if case .binary(let operation) = node.operation { isOrdered = !operation.isCommutative }
      let places = loops[index]?.operandOrder ?? Array(node.operands.indices)
      for (place, slot) in places.enumerated() {
        var builder = DigestBuilder()
        builder.append(tag: "use")
        builder.append(uses[index])
        builder.append(labels[index].structure)
        builder.append(isOrdered ? place : 0)
        received[node.operands[slot].index].append(builder.finish())
      }
    }
  }
}

/// A loop whose carries, slices, captured values and stacks are numbered by what they are.
private struct CanonicalLoop {
  let body: ScanBody
  /// New operand k was operand `operandOrder[k]`.
  let operandOrder: [Int]
  /// The new number of each result.
  let outputSlots: [Int]

  init(_ original: ScanBody, operands: [Analysis.Label]) throws(GraphError) {
    let graph = original.graph
    let carryCount = original.carryCount
    let sliceEnd = carryCount + original.slicedCount
    var labels = operands.enumerated().map { slot, label in
      let kind = slot < carryCount ? "carry" : (slot < sliceEnd ? "slice" : "captured")
      return Analysis.Label(
        structure: CanonicalLoop.joined(kind, label.structure), contents: CanonicalLoop.joined(kind, label.contents))
    }
    func roles() -> [Digest] {
      graph.outputs.indices.map { $0 < carryCount ? labels[$0].structure : CanonicalLoop.joined("stack") }
    }
    var analysis = try Analysis(graph, operands: labels, outputRoles: roles())
    // A carry is known by its start and by how it goes on; a chain of lags needs as many rounds as it has links.
    for _ in 0..<min(carryCount, 8) {
      let next = graph.outputs.prefix(carryCount).map { analysis.labels[$0.index] }
      for (slot, after) in next.enumerated() {
        labels[slot].structure = CanonicalLoop.joined("carry", labels[slot].structure, after.structure)
        labels[slot].contents = CanonicalLoop.joined("carry", labels[slot].contents, after.contents)
      }
      analysis = try Analysis(graph, operands: labels, outputRoles: roles())
    }
    var uses = Array(repeating: Analysis.none, count: operands.count)
    for index in analysis.order {
      if case .input(let slot) = graph.nodes[index].operation { uses[slot] = analysis.uses[index] }
    }
    func sorted(_ slots: Range<Int>) -> [Int] {
      slots.sorted { a, b in
        if labels[a].structure != labels[b].structure { return labels[a].structure < labels[b].structure }
        if uses[a] != uses[b] { return uses[a] < uses[b] }
        return labels[a].contents != labels[b].contents ? labels[a].contents < labels[b].contents : a < b
      }
    }
    let carries = sorted(0..<carryCount)
    operandOrder = carries + sorted(carryCount..<sliceEnd) + sorted(sliceEnd..<operands.count)
    let stacks = (carryCount..<graph.outputs.count).sorted { a, b in
      let (first, second) = (analysis.labels[graph.outputs[a].index], analysis.labels[graph.outputs[b].index])
      if first.structure != second.structure { return first.structure < second.structure }
      return first.contents != second.contents ? first.contents < second.contents : a < b
    }
    var inputSlots = Array(repeating: 0, count: operands.count)
    for (new, old) in operandOrder.enumerated() { inputSlots[old] = new }
    var outputSlots = Array(repeating: 0, count: graph.outputs.count)
    for (new, old) in (carries + stacks).enumerated() { outputSlots[old] = new }
    self.outputSlots = outputSlots
    var reordered = graph
    reordered.outputs = (carries + stacks).map { graph.outputs[$0] }
    body = ScanBody(
      graph: try Canonicalization.rebuild(reordered, analysis, inputSlots: inputSlots), carryCount: carryCount,
      slicedCount: original.slicedCount, steps: original.steps, isReversed: original.isReversed)
  }

  private static func joined(_ tag: String, _ parts: Digest...) -> Digest {
    var builder = DigestBuilder()
    builder.append(tag: tag)
    for part in parts { builder.append(part) }
    return builder.finish()
  }
}
