import Foundation
import Numerics

/// Reverse-mode differentiation as a pass: it emits ordinary operations, so that no backend knows what a gradient is.
///
/// A cotangent may be a scalar where its node is an array that receives the same number everywhere. Below a select,
/// products of a cotangent with a local derivative are masked by the cotangent, so that an untaken branch whose
/// derivative is infinite contributes zero and not NaN.
package enum Differentiation {
  /// Adds the gradient of a graph's first output.
  ///
  /// - Parameter graph: Its first output is a real scalar.
  /// - Returns: A graph whose outputs are those of `graph`, then one cotangent per parameter node in ascending offset,
  ///   and the offsets of these nodes.
  package static func valueAndGradient(_ graph: Graph) throws(GraphError) -> (
    graph: Graph, offsets: [(offset: Int, count: Int)]
  ) {
    let builder = GraphBuilder()
    builder.parameterCount = graph.parameterCount
    builder.inputCount = graph.inputCount
    let copied = copy(graph, into: builder, augmentingScans: true)
    guard let output = graph.outputs.first else { throw GraphError("differentiation of a graph without outputs") }
    var parameters: [(offset: Int, node: NodeID)] = []
    for (index, node) in builder.nodes.enumerated() {
      if case .parameter(let offset) = node.operation { parameters.append((offset, NodeID(Int32(index)))) }
    }
    parameters.sort { $0.offset < $1.offset }
    let isActive = activity(in: builder.nodes) { node in
      if case .parameter = node.operation { true } else { false }
    }
    let sweep = ReverseSweep(builder: builder, isActive: isActive)
    let root = copied[output.index]
    sweep.add(builder.constant(1), to: root, guarded: false)
    sweep.run()
    if let failure = sweep.failure { throw failure }
    var outputs = graph.outputs.map { copied[$0.index] }
    var offsets: [(offset: Int, count: Int)] = []
    for parameter in parameters {
      let shape = builder.shape(parameter.node)
      let cotangent = sweep.cotangents[parameter.node.index] ?? builder.constant(0)
      outputs.append(sweep.full(cotangent, shape))
      offsets.append((parameter.offset, shape.elementCount))
    }
    return (try builder.finish(outputs: outputs), offsets)
  }

  /// Copies a graph's nodes; with `augmentingScans`, every scan also stacks its carries, which its reverse needs.
  static func copy(_ graph: Graph, into builder: GraphBuilder, augmentingScans: Bool, inputs: [NodeID]? = nil)
    -> [NodeID]
  {
    var map: [NodeID] = []
    map.reserveCapacity(graph.nodes.count)
    for (index, node) in graph.nodes.enumerated() {
      builder.origin = graph.origins[index]
      switch node.operation {
      case .data(let slot):
        map.append(builder.data(graph.data[slot], element: node.element, tags: node.shape.map(\.tag)))
      case .input(let slot):
        map.append(inputs.map { $0[slot] } ?? builder.input(slot, element: node.element, shape: node.shape))
      case .scan(let body) where augmentingScans:
        var augmented = node
        augmented.operation = .scan(withStackedCarries(body))
        augmented.operands = node.operands.map { map[$0.index] }
        map.append(builder.add(augmented))
      default:
        var copy = node
        copy.operands = node.operands.map { map[$0.index] }
        map.append(builder.add(copy))
      }
    }
    builder.origin = -1
    return map
  }

  /// The same body with its carries, as they are at the start of each step, as further outputs.
  static func withStackedCarries(_ body: ScanBody) -> ScanBody {
    var graph = body.graph
    let inner = GraphBuilder()
    inner.inputCount = graph.inputCount
    let map = copy(graph, into: inner, augmentingScans: true)
    var outputs = graph.outputs.map { map[$0.index] }
    for slot in 0..<body.carryCount {
      let shape = graph[graph.outputs[slot]].shape
      let element = graph[graph.outputs[slot]].element
      outputs.append(inner.input(slot, element: element, shape: shape))
    }
    graph = Graph(
      nodes: inner.nodes, outputs: outputs, data: inner.data, parameterCount: 0, inputCount: inner.inputCount,
      origins: inner.origins)
    return ScanBody(
      graph: graph, carryCount: body.carryCount, slicedCount: body.slicedCount, steps: body.steps,
      isReversed: body.isReversed)
  }

  /// Which nodes are real and depend on a leaf that `isLeaf` names.
  static func activity(in nodes: [Node], isLeaf: (Node) -> Bool) -> [Bool] {
    var result = Array(repeating: false, count: nodes.count)
    for (index, node) in nodes.enumerated() {
      if isLeaf(node) {
        result[index] = true
      } else if case .scan = node.operation {
        result[index] = node.operands.contains { result[$0.index] }
      } else if node.element == .real {
        result[index] = node.operands.contains { result[$0.index] }
      }
    }
    return result
  }
}

/// One sweep from the outputs to the leaves.
final class ReverseSweep {
  let b: GraphBuilder
  /// Which data were looked through, and have only finite elements.
  private var finiteData: [Int: Bool] = [:]
  let isActive: [Bool]
  let count: Int
  var cotangents: [NodeID?]
  var guarded: [Bool]
  var scanCotangents: [Int: [Int: NodeID]] = [:]
  var failure: GraphError?

  init(builder: GraphBuilder, isActive: [Bool]) {
    b = builder
    self.isActive = isActive
    count = builder.nodes.count
    cotangents = Array(repeating: nil, count: count)
    guarded = Array(repeating: false, count: count)
  }

  func add(_ cotangent: NodeID, to id: NodeID, guarded isGuarded: Bool) {
    guard id.index < count, isActive[id.index] else { return }
    if let old = cotangents[id.index] {
      cotangents[id.index] = b.add(old, cotangent)
    } else {
      cotangents[id.index] = cotangent
    }
    if isGuarded { guarded[id.index] = true }
  }

  /// A cotangent with its node's shape.
  func full(_ cotangent: NodeID, _ shape: Shape) -> NodeID {
    let own = b.shape(cotangent)
    if own.isEmpty && !shape.isEmpty { return b.broadcast(cotangent, to: shape, mapping: []) }
    return cotangent
  }

  func run() {
    for index in stride(from: count - 1, through: 0, by: -1) where isActive[index] {
      let node = b.nodes[index]
      b.origin = b.origins[index]
      if case .scan(let body) = node.operation {
        scan(index, node, body)
      } else if let cotangent = cotangents[index] {
        propagate(index, node, cotangent)
      }
    }
    b.origin = -1
  }

  /// Whether a node shows finite numbers that are known: of the text, or given.
  private func isFinite(_ id: NodeID) -> Bool {
    let node = b.nodes[id.index]
    switch node.operation {
    case .constant(let bits): return Double(bitPattern: bits).isFinite
    case .data(let slot):
      if let known = finiteData[slot] { return known }
      let isFinite = b.data[slot].elements.allSatisfy { $0.isFinite }
      finiteData[slot] = isFinite
      return isFinite
    case .broadcast, .reshape, .permute, .slice: return isFinite(node.operands[0])
    default: return false
    }
  }

  /// The cotangent of symmetric matrices from those of their eigenvalues λ and eigenvectors, the rows of U: Uᵀ (diag λ̄ +
  /// F ∘ U Ūᵀ) U, of which the symmetric part counts, in the lower triangle, which is what was read, with Fᵢⱼ = 1 / (λⱼ − λᵢ) (Giles 2008, "Collected matrix derivative
  /// results", section 3.1). Where eigenvalues are equal their vectors have no derivative: 0 stands there.
  private func eigenCotangent(_ node: Node, _ result: NodeID, _ g: NodeID) -> NodeID {
    let axis = node.shape.count - 2
    let n = node.shape[axis + 1]
    let batch = Array(node.shape.prefix(axis))
    let matrix = batch + [n, n]
    func values(_ id: NodeID) -> NodeID {
      b.reshape(b.slice(id, axis: axis, start: 0, count: 1), to: batch + [n])
    }
    func vectors(_ id: NodeID) -> NodeID { b.slice(id, axis: axis, start: 1, count: n.extent) }
    func spread(_ id: NodeID, along last: Int) -> NodeID {
      b.broadcast(id, to: matrix, mapping: Array(0..<axis) + [last])
    }
    let gap = b.subtract(spread(values(result), along: axis + 1), spread(values(result), along: axis))
    let turns = b.matrixProduct(vectors(result), b.transpose(vectors(g)))
    let unit = (0..<(n.extent * n.extent)).map { $0 % (n.extent + 1) == 0 ? 1.0 : 0 }
    let diagonal = b.broadcast(
      b.data(TensorData(extents: [n.extent, n.extent], elements: unit), element: .boolean), to: matrix,
      mapping: [axis, axis + 1])
    let inner = b.add(
      b.select(b.binary(.equal, gap, b.constant(0)), b.constant(0), b.divide(turns, gap)),
      b.binary(.masked, spread(values(g), along: axis), diagonal))
    let whole = b.matrixProduct(b.transpose(vectors(result)), b.matrixProduct(inner, vectors(result)))
    return b.lowerTriangle(b.add(whole, b.transpose(whole)), halvesDiagonal: true)
  }

  private func propagate(_ index: Int, _ node: Node, _ g: NodeID) {
    let isGuarded = guarded[index]
    let result = NodeID(Int32(index))

    /// Cotangent times a local derivative.
    func times(_ derivative: NodeID) -> NodeID {
      let product = b.multiply(g, derivative)
      // 0 times a finite number is 0 without a guard, and a product with data stays one.
      return isGuarded && !isFinite(derivative) ? b.binary(.masked, product, g) : product
    }
    func over(_ divisor: NodeID) -> NodeID {
      let quotient = b.divide(g, divisor)
      return isGuarded ? b.binary(.masked, quotient, g) : quotient
    }
    /// Sends a contribution to an operand of an elementwise operation: a scalar receives the sum.
    func send(_ contribution: NodeID, to slot: Int, guarded more: Bool = false) {
      let operand = node.operands[slot]
      guard isActive[operand.index] else { return }
      let goal = b.shape(operand)
      var value = contribution
      if goal.isEmpty && !node.shape.isEmpty {
        value =
          b.shape(value).isEmpty
          ? b.multiply(value, b.scalarData(Double(node.shape.elementCount))) : b.sumAll(value)
      }
      add(value, to: operand, guarded: isGuarded || more)
    }
    func isWanted(_ slot: Int) -> Bool { isActive[node.operands[slot].index] }
    func whole() -> NodeID { full(g, node.shape) }

    switch node.operation {
    case .parameter, .input, .data, .constant, .random, .scan: return
    case .unary(let operation):
      let x = node.operands[0]
      switch operation {
      case .negate: send(b.negate(g), to: 0)
      case .exp: send(times(result), to: 0)
      case .log: send(over(x), to: 0)
      case .log1p: send(over(b.add(b.constant(1), x)), to: 0)
      case .expm1: send(times(b.add(result, b.constant(1))), to: 0)
      case .sqrt: send(over(b.multiply(b.constant(2), result)), to: 0)
      case .reciprocal: send(b.negate(times(b.square(result))), to: 0)
      case .square: send(times(b.multiply(b.constant(2), x)), to: 0)
      case .absolute: send(times(b.unary(.sign, x)), to: 0)
      case .sign, .floor, .ceiling, .round, .truncate, .logicalNot, .isNaN, .isFinite, .toInteger: return
      case .toReal: send(g, to: 0)
      case .sin: send(times(b.unary(.cos, x)), to: 0)
      case .cos: send(b.negate(times(b.unary(.sin, x))), to: 0)
      case .tan: send(times(b.add(b.constant(1), b.square(result))), to: 0)
      case .asin: send(over(b.unary(.sqrt, b.subtract(b.constant(1), b.square(x)))), to: 0)
      case .acos: send(b.negate(over(b.unary(.sqrt, b.subtract(b.constant(1), b.square(x))))), to: 0)
      case .atan: send(over(b.add(b.constant(1), b.square(x))), to: 0)
      case .sinh: send(times(b.unary(.cosh, x)), to: 0)
      case .cosh: send(times(b.unary(.sinh, x)), to: 0)
      case .tanh: send(times(b.subtract(b.constant(1), b.square(result))), to: 0)
      // y(1 − y) would cancel where y is near 1.
      case .logistic: send(times(b.multiply(result, b.unary(.logistic, b.negate(x)))), to: 0)
      case .logLogistic: send(times(b.unary(.logistic, b.negate(x))), to: 0)
      case .softplus: send(times(b.unary(.logistic, x)), to: 0)
      case .log1mexp: send(b.negate(over(b.unary(.expm1, b.negate(x)))), to: 0)
      case .erf: send(times(b.multiply(b.constant(2 / Double.pi.squareRoot()), b.exp(b.negate(b.square(x))))), to: 0)
      case .erfc: send(times(b.multiply(b.constant(-2 / Double.pi.squareRoot()), b.exp(b.negate(b.square(x))))), to: 0)
      case .normalCDF: send(times(b.exp(normalLogDensity(x))), to: 0)
      case .normalLogCDF: send(times(b.exp(b.subtract(normalLogDensity(x), result))), to: 0)
      case .normalQuantile: send(over(b.exp(normalLogDensity(result))), to: 0)
      case .logGamma: send(times(b.unary(.digamma, x)), to: 0)
      case .digamma: send(times(b.unary(.trigamma, x)), to: 0)
      case .trigamma: failure = failure ?? GraphError("trigamma has no derivative here")
      }
    case .binary(let operation):
      binary(operation, node, result, g, isWanted: isWanted, times: times, over: over) { send($0, to: $1) }
    case .select:
      let condition = node.operands[0]
      send(b.binary(.masked, whole(), condition), to: 1, guarded: true)
      send(b.binary(.masked, whole(), b.unary(.logicalNot, condition)), to: 2, guarded: true)
    case .broadcast(let mapping):
      let operand = node.operands[0]
      let repeated = (0..<node.shape.count).filter { !mapping.contains($0) }
      var value: NodeID
      if b.shape(g).isEmpty && !node.shape.isEmpty {
        let factor = repeated.reduce(1.0) { $0 * Double(node.shape[$1].extent) }
        value = factor == 1 ? g : b.multiply(g, b.scalarData(factor))
      } else {
        value = b.reduce(.sum, g, axes: repeated)
        let kept = mapping.sorted()
        if kept != mapping { value = b.permute(value, order: mapping.map { kept.firstIndex(of: $0) ?? 0 }) }
      }
      add(value, to: operand, guarded: isGuarded)
    case .reshape:
      let shape = b.shape(node.operands[0])
      if b.shape(g).isEmpty && !shape.isEmpty && !node.shape.isEmpty {
        add(g, to: node.operands[0], guarded: isGuarded)
      } else {
        add(b.reshape(whole(), to: shape), to: node.operands[0], guarded: isGuarded)
      }
    case .permute(let order):
      if b.shape(g).isEmpty && !node.shape.isEmpty {
        add(g, to: node.operands[0], guarded: isGuarded)
      } else {
        var inverse = order
        for (axis, source) in order.enumerated() { inverse[source] = axis }
        add(b.permute(g, order: inverse), to: node.operands[0], guarded: isGuarded)
      }
    case .slice(let axis, let start):
      let shape = b.shape(node.operands[0])
      let end = start + node.shape[axis].extent
      var parts: [NodeID] = []
      if start > 0 { parts.append(zeros(shape, axis: axis, extent: start)) }
      parts.append(whole())
      if end < shape[axis].extent { parts.append(zeros(shape, axis: axis, extent: shape[axis].extent - end)) }
      add(b.concatenate(parts, axis: axis), to: node.operands[0], guarded: isGuarded)
    case .concatenate(let axis):
      var start = 0
      for operand in node.operands {
        let extent = b.shape(operand)[axis].extent
        if isActive[operand.index] {
          let part = b.shape(g).isEmpty ? g : b.slice(g, axis: axis, start: start, count: extent)
          add(part, to: operand, guarded: isGuarded)
        }
        start += extent
      }
    case .reduce(let reduction, let axes):
      reduce(reduction, axes, node, result, g, isGuarded)
    case .cumulativeSum(let reversed):
      add(b.cumulativeSum(whole(), reversed: !reversed), to: node.operands[0], guarded: isGuarded)
    case .gather:
      let operand = node.operands[0]
      add(
        b.scatterAdd(whole(), Array(node.operands.dropFirst()), into: b.shape(operand)), to: operand,
        guarded: isGuarded)
    case .scatterAdd:
      if b.shape(g).isEmpty && !node.shape.isEmpty {
        add(g, to: node.operands[0], guarded: isGuarded)
      } else {
        add(b.gather(g, Array(node.operands.dropFirst())), to: node.operands[0], guarded: isGuarded)
      }
    case .matrixProduct:
      let (left, right) = (node.operands[0], node.operands[1])
      if isWanted(0) { add(b.matrixProduct(whole(), b.transpose(right)), to: left, guarded: isGuarded) }
      if isWanted(1) { add(b.matrixProduct(b.transpose(left), whole()), to: right, guarded: isGuarded) }
    case .cholesky:
      add(b.choleskyAdjoint(result, whole()), to: node.operands[0], guarded: isGuarded)
    case .symmetricEigen: add(eigenCotangent(node, result, whole()), to: node.operands[0], guarded: isGuarded)
    case .choleskyAdjoint: failure = failure ?? GraphError("the adjoint of a factorization has no derivative here")
    case .triangularSolve(let transposed):
      let lower = node.operands[0]
      let right = b.triangularSolve(lower, whole(), transposed: !transposed)
      add(right, to: node.operands[1], guarded: isGuarded)
      if isWanted(0) {
        let outer =
          transposed
          ? b.matrixProduct(result, b.transpose(right)) : b.matrixProduct(right, b.transpose(result))
        add(b.negate(b.lowerTriangle(outer)), to: lower, guarded: isGuarded)
      }
    case .lowerTriangle(let halves):
      add(b.lowerTriangle(whole(), halvesDiagonal: halves), to: node.operands[0], guarded: isGuarded)
    case .project(let slot):
      scanCotangents[node.operands[0].index, default: [:]][slot] = whole()
    }
  }

  private func normalLogDensity(_ x: NodeID) -> NodeID {
    b.subtract(b.multiply(b.constant(-0.5), b.square(x)), b.constant(0.5 * Special.logTwoPi))
  }

  private func zeros(_ shape: Shape, axis: Int? = nil, extent: Int = 0) -> NodeID {
    var shape = shape
    if let axis { shape[axis].extent = extent }
    return b.broadcast(b.constant(0), to: shape, mapping: [])
  }

  private func binary(
    _ operation: BinaryOperation, _ node: Node, _ result: NodeID, _ g: NodeID, isWanted: (Int) -> Bool,
    times: (NodeID) -> NodeID, over: (NodeID) -> NodeID, send: (NodeID, Int) -> Void
  ) {
    let (x, y) = (node.operands[0], node.operands[1])
    switch operation {
    case .add:
      send(g, 0)
      send(g, 1)
    case .subtract:
      send(g, 0)
      if isWanted(1) { send(b.negate(g), 1) }
    case .multiply:
      if isWanted(0) { send(times(y), 0) }
      if isWanted(1) { send(times(x), 1) }
    case .divide:
      if isWanted(0) { send(over(y), 0) }
      if isWanted(1) { send(b.negate(times(b.divide(result, y))), 1) }
    case .power:
      if isWanted(0) { send(times(b.multiply(y, b.binary(.power, x, b.subtract(y, b.constant(1))))), 0) }
      // 0ʸ has derivative 0 by y for y > 0, where the product would be 0 · −∞.
      if isWanted(1) { send(times(b.binary(.masked, b.multiply(result, b.log(x)), x)), 1) }
    case .minimum, .maximum:
      let first = operation == .minimum ? b.binary(.lessOrEqual, x, y) : b.binary(.lessOrEqual, y, x)
      let wide = full(g, node.shape)
      if isWanted(0) { send(b.binary(.masked, wide, first), 0) }
      if isWanted(1) { send(b.binary(.masked, wide, b.unary(.logicalNot, first)), 1) }
    case .atan2:
      let norm = b.add(b.square(x), b.square(y))
      if isWanted(0) { send(times(b.divide(y, norm)), 0) }
      if isWanted(1) { send(b.negate(times(b.divide(x, norm))), 1) }
    case .logAddExp:
      let difference = b.subtract(x, y)
      if isWanted(0) { send(times(b.unary(.logistic, difference)), 0) }
      if isWanted(1) { send(times(b.unary(.logistic, b.negate(difference))), 1) }
    case .xLogY:
      if isWanted(0) { send(times(b.log(y)), 0) }
      if isWanted(1) { send(times(b.binary(.masked, b.divide(x, y), x)), 1) }
    case .remainder:
      send(g, 0)
      if isWanted(1) { send(b.negate(times(b.unary(.truncate, b.divide(x, y)))), 1) }
    case .masked:
      send(b.binary(.masked, full(g, node.shape), y), 0)
    case .integerQuotient, .integerRemainder, .equal, .notEqual, .less, .lessOrEqual, .logicalAnd, .logicalOr:
      return
    }
  }

  private func reduce(
    _ reduction: Reduction, _ axes: [Int], _ node: Node, _ result: NodeID, _ g: NodeID, _ isGuarded: Bool
  ) {
    let operand = node.operands[0]
    let shape = b.shape(operand)
    let kept = (0..<shape.count).filter { !axes.contains($0) }
    func spread(_ id: NodeID) -> NodeID {
      b.shape(id).isEmpty ? id : b.broadcast(id, to: shape, mapping: kept)
    }
    let wide = spread(g)
    func masked(_ value: NodeID) -> NodeID { isGuarded ? b.binary(.masked, value, wide) : value }
    switch reduction {
    case .sum: add(wide, to: operand, guarded: isGuarded)
    case .product:
      // The product of the others: with one zero among them all slopes but its own are 0, with two all are.
      let isZero = b.binary(.equal, operand, b.constant(0))
      let zeros = spread(b.reduce(.sum, b.unary(.toReal, isZero), axes: axes))
      let nonzero = b.select(isZero, b.constant(1), operand)
      let product = spread(b.reduce(.product, nonzero, axes: axes))
      let others = b.select(
        isZero, b.select(b.binary(.equal, zeros, b.constant(1)), product, b.constant(0)),
        b.select(b.binary(.equal, zeros, b.constant(0)), b.divide(product, nonzero), b.constant(0)))
      add(masked(b.multiply(wide, others)), to: operand, guarded: isGuarded)
    case .maximum, .minimum:
      // Equal ones share the slope, so that the largest of one number taken twice has that number's.
      let chosen = b.binary(.equal, operand, spread(result))
      let count = b.reduce(.sum, b.unary(.toReal, chosen), axes: axes)
      add(b.binary(.masked, full(b.divide(wide, spread(count)), shape), chosen), to: operand, guarded: isGuarded)
    case .logSumExp:
      // A term of −∞ has weight 0, also where all are −∞.
      let weight = b.exp(b.subtract(operand, spread(result)))
      let isTerm = b.binary(.less, b.constant(-.infinity), operand)
      add(masked(b.multiply(wide, b.select(isTerm, weight, b.constant(0)))), to: operand, guarded: isGuarded)
    }
  }

  /// The reverse of a scan is a scan the other way over the stacked carries.
  private func scan(_ index: Int, _ node: Node, _ body: ScanBody) {
    guard let received = scanCotangents[index], !received.isEmpty else { return }
    let forward = body.graph
    let outputs = forward.outputs
    // The stacked carries are the last outputs (see `withStackedCarries`).
    let stackCount = outputs.count - body.carryCount
    let firstStack = stackCount
    func projection(_ slot: Int) -> NodeID {
      let output = forward[outputs[slot]]
      let shape = slot < body.carryCount ? output.shape : [Dimension(body.steps)] + output.shape
      return b.add(
        Node(operation: .project(slot), operands: [NodeID(Int32(index))], element: output.element, shape: shape))
    }
    let carried = (0..<body.carryCount).filter { forward[outputs[$0]].element == .real }
    let operands = node.operands
    let capturedStart = body.carryCount + body.slicedCount
    let capturedActive = (capturedStart..<operands.count).filter { isActive[operands[$0].index] }
    let slicedActive = (body.carryCount..<capturedStart).filter { isActive[operands[$0].index] }
    let stacked = (body.carryCount..<stackCount).filter { forward[outputs[$0]].element == .real && received[$0] != nil }

    // Body of the reverse: carries (cotangents of carries, sums for captured), then slices, then captured.
    let inner = GraphBuilder()
    var next = 0
    func input(_ element: ElementType, _ shape: Shape) -> NodeID {
      defer { next += 1 }
      return inner.input(next, element: element, shape: shape)
    }
    let carryBars = carried.map { input(.real, forward[outputs[$0]].shape) }
    let sums = capturedActive.map { input(.real, b.shape(operands[$0])) }
    var inputs = Array(repeating: NodeID(-1), count: operands.count)
    for slot in 0..<body.carryCount {
      inputs[slot] = input(forward[outputs[slot]].element, forward[outputs[slot]].shape)
    }
    for slot in body.carryCount..<capturedStart {
      inputs[slot] = input(b.element(operands[slot]), Array(b.shape(operands[slot]).dropFirst()))
    }
    let stackBars = stacked.map { input(.real, forward[outputs[$0]].shape) }
    for slot in capturedStart..<operands.count {
      inputs[slot] = input(b.element(operands[slot]), b.shape(operands[slot]))
    }

    let map = Differentiation.copy(forward, into: inner, augmentingScans: false, inputs: inputs)
    let leaves = Set(carried.map { inputs[$0] } + (slicedActive + capturedActive).map { inputs[$0] })
    var active = Array(repeating: false, count: inner.nodes.count)
    for (slot, candidate) in inner.nodes.enumerated() {
      if leaves.contains(NodeID(Int32(slot))) {
        active[slot] = true
      } else if candidate.element == .real {
        active[slot] = candidate.operands.contains { active[$0.index] }
      } else if case .scan = candidate.operation {
        active[slot] = candidate.operands.contains { active[$0.index] }
      }
    }
    let sweep = ReverseSweep(builder: inner, isActive: active)
    let isGuarded = guarded[index]
    for (slot, bar) in zip(carried, carryBars) { sweep.add(bar, to: map[outputs[slot].index], guarded: isGuarded) }
    for (slot, bar) in zip(stacked, stackBars) { sweep.add(bar, to: map[outputs[slot].index], guarded: isGuarded) }
    sweep.run()
    if let inside = sweep.failure { failure = failure ?? inside }
    func bar(_ input: NodeID) -> NodeID {
      let shape = inner.shape(input)
      return sweep.full(sweep.cotangents[input.index] ?? inner.constant(0), shape)
    }
    var results = carried.map { bar(inputs[$0]) }
    for (sum, slot) in zip(sums, capturedActive) { results.append(inner.add(sum, bar(inputs[slot]))) }
    for slot in slicedActive { results.append(bar(inputs[slot])) }
    inner.inputCount = next
    let graph = Graph(
      nodes: inner.nodes, outputs: results, data: inner.data, parameterCount: 0, inputCount: next,
      origins: inner.origins)
    let reverse = ScanBody(
      graph: graph, carryCount: carried.count + sums.count,
      slicedCount: body.carryCount + body.slicedCount + stacked.count, steps: body.steps, isReversed: !body.isReversed)

    var carries = carried.map { received[$0] ?? zeros(forward[outputs[$0]].shape) }
    carries += capturedActive.map { zeros(b.shape(operands[$0])) }
    var sliced = (0..<body.carryCount).map { projection(firstStack + $0) }
    sliced += operands[body.carryCount..<capturedStart]
    sliced += stacked.compactMap { received[$0] }
    let backward = b.scan(reverse, carries: carries, sliced: sliced, captured: Array(operands[capturedStart...]))
    for (slot, value) in zip(carried, backward) { add(value, to: operands[slot], guarded: isGuarded) }
    for (slot, value) in zip(capturedActive, backward.dropFirst(carried.count)) {
      add(value, to: operands[slot], guarded: isGuarded)
    }
    for (slot, value) in zip(slicedActive, backward.dropFirst(carried.count + sums.count)) {
      add(value, to: operands[slot], guarded: isGuarded)
    }
  }
}
