internal import TensorIR

/// Takes out of loops what need not run in sequence.
///
/// Of a loop's body only the nodes on a cycle through a carry stay; what they are fed with becomes a map before the loop,
/// what follows from them a map after it, over all steps at once, and a carry that only adds up becomes a sum. A loop
/// without a true recurrence disappears. A carry that is only read as its square and is a square root itself is carried
/// as its square (and so for logarithms and exponentials), which keeps slow functions out of the recurrence.
enum ScanDistribution {
  static func run(_ graph: Graph) throws(GraphError) -> Graph {
    let b = GraphBuilder()
    b.parameterCount = graph.parameterCount
    b.inputCount = graph.inputCount
    var liveSlots: [Int: Set<Int>] = [:]
    for node in graph.nodes {
      if case .project(let slot) = node.operation { liveSlots[node.operands[0].index, default: []].insert(slot) }
    }
    var map: [NodeID] = []
    var results: [Int: [Int: NodeID]] = [:]
    for (index, node) in graph.nodes.enumerated() {
      b.origin = graph.origins[index]
      var copy = node
      copy.operands = node.operands.map { map[$0.index] }
      switch node.operation {
      case .data(let slot):
        map.append(b.data(graph.data[slot], element: node.element, tags: node.shape.map(\.tag)))
      case .scan(let body):
        var distributor = Distributor(
          builder: b, body: body, operands: copy.operands, live: liveSlots[index] ?? [])
        results[index] = try distributor.run()
        // Projections read the results; the node itself is not made here.
        map.append(b.constant(.nan))
      case .project(let slot):
        map.append(results[node.operands[0].index]?[slot] ?? b.constant(.nan))
      default: map.append(b.add(copy))
      }
    }
    let whole = try b.finish(outputs: graph.outputs.map { map[$0.index] })
    return try GraphRewriting.pruned(whole)
  }
}

private struct Distributor {
  let b: GraphBuilder
  var graph: Graph
  let carryCount: Int
  let slicedCount: Int
  let steps: Int
  let isReversed: Bool
  var operands: [NodeID]
  let live: Set<Int>
  /// Carries that are kept as their square or exponential: what gives them back.
  private var inverse: [Int: UnaryOperation] = [:]

  init(builder: GraphBuilder, body: ScanBody, operands: [NodeID], live: Set<Int>) {
    b = builder
    graph = body.graph
    carryCount = body.carryCount
    slicedCount = body.slicedCount
    steps = body.steps
    isReversed = body.isReversed
    self.operands = operands
    self.live = live
  }

  private var capturedStart: Int { carryCount + slicedCount }

  // MARK: - Conjugation

  /// Pairs of a function and its inverse on the function's range.
  private static let pairs: [(function: UnaryOperation, inverse: UnaryOperation)] = [(.square, .sqrt), (.exp, .log)]

  private mutating func conjugate() throws(GraphError) {
    for carry in 0..<carryCount {
      let next = graph[graph.outputs[carry]]
      guard case .unary(let operation) = next.operation,
        let pair = Distributor.pairs.first(where: { $0.inverse == operation })
      else { continue }
      // Read by the function alone: a start below 0 would not come back from its square.
      var isSuitable = false
      var isSpoiled = false
      for node in graph.nodes {
        for operand in node.operands {
          guard case .input(carry) = graph[operand].operation else { continue }
          if node.operation == .unary(pair.function) { isSuitable = true } else { isSpoiled = true }
        }
      }
      for output in graph.outputs {
        if case .input(carry) = graph[output].operation { isSpoiled = true }
      }
      guard isSuitable, !isSpoiled else { continue }
      var conjugated = try GraphRewriting.run(graph, rewritesBodies: false) { node, inner throws(GraphError) in
        guard node.operation == .unary(pair.function), case .input(carry) = inner.node(node.operands[0]).operation
        else { return nil }
        return node.operands[0]
      }
      conjugated.outputs[carry] = conjugated[conjugated.outputs[carry]].operands[0]
      graph = try GraphRewriting.pruned(conjugated)
      operands[carry] = b.unary(pair.function, operands[carry])
      inverse[carry] = pair.inverse
    }
  }

  // MARK: - Products over sums

  /// s (c + u) with a sum of something carried and something that is not becomes s c + s u: the second product then
  /// leaves the loop, and the recurrence is one fused multiply-add.
  private mutating func expand() throws(GraphError) {
    var carried = Array(repeating: false, count: graph.nodes.count)
    for (index, node) in graph.nodes.enumerated() {
      if case .input(let slot) = node.operation { carried[index] = slot < carryCount }
      if node.operands.contains(where: { carried[$0.index] }) { carried[index] = true }
    }
    let (body, isCarried) = (graph, carried)
    var place = 0
    let expanded = try GraphRewriting.run(
      graph, counting: { place = $0 }, rewritesBodies: false,
      rewrite: { node, inner throws(GraphError) in
        guard node.operation == .binary(.multiply), node.element == .real, isCarried[place] else { return nil }
        let original = body.nodes[place].operands
        for (factor, other) in [(0, 1), (1, 0)] where !isCarried[original[factor].index] {
          let sum = body[original[other]]
          guard sum.operation == .binary(.add), sum.element == .real,
            isCarried[sum.operands[0].index] != isCarried[sum.operands[1].index]
          else { continue }
          let copied = inner.node(node.operands[other])
          guard copied.operation == .binary(.add) else { continue }
          let terms = copied.operands
          return inner.add(
            inner.multiply(node.operands[factor], terms[0]), inner.multiply(node.operands[factor], terms[1]))
        }
        return nil
      })
    graph = try GraphRewriting.pruned(expanded)
  }

  // MARK: - What stays

  private func isLiftable(_ node: Node) -> Bool {
    switch node.operation {
    case .scan, .project, .parameter, .random: false
    default: true
    }
  }

  /// Per node of the body: whether it depends on a carry, and whether something below it cannot be lifted.
  private var dependsOnCarry: [Bool] = []
  private var isStuck: [Bool] = []
  private var isCore: [Bool] = []
  /// Carries that are sums: the node that each adds per step, and its sign.
  private var sums: [Int: (term: NodeID, sign: Double)] = [:]

  private mutating func classify() {
    let count = graph.nodes.count
    var uses = Array(repeating: 0, count: count)
    for node in graph.nodes { for operand in node.operands { uses[operand.index] += 1 } }
    for (slot, output) in graph.outputs.enumerated() where slot >= carryCount || live.contains(slot) {
      uses[output.index] += 1
    }
    // Sums: next = carry ± term, and the carry is read nowhere else.
    for carry in 0..<carryCount {
      let output = graph.outputs[carry]
      let node = graph[output]
      guard node.element == .real else { continue }
      func isCarry(_ id: NodeID) -> Bool {
        if case .input(carry) = graph[id].operation { return uses[id.index] == 1 }
        return false
      }
      let isReadAgain =
        graph.outputs.enumerated().contains { $0.offset != carry && $0.element == output }
        || graph.nodes.contains { $0.operands.contains(output) }
      guard !isReadAgain else { continue }
      switch node.operation {
      case .binary(.add):
        if isCarry(node.operands[0]), graph[node.operands[1]].shape.hasSameExtents(as: node.shape) {
          sums[carry] = (node.operands[1], 1)
        } else if isCarry(node.operands[1]), graph[node.operands[0]].shape.hasSameExtents(as: node.shape) {
          sums[carry] = (node.operands[0], 1)
        }
      case .binary(.subtract):
        if isCarry(node.operands[0]), graph[node.operands[1]].shape.hasSameExtents(as: node.shape) {
          sums[carry] = (node.operands[1], -1)
        }
      default: break
      }
    }
    dependsOnCarry = Array(repeating: false, count: count)
    isStuck = Array(repeating: false, count: count)
    for (index, node) in graph.nodes.enumerated() {
      if case .input(let slot) = node.operation { dependsOnCarry[index] = slot < carryCount }
      for operand in node.operands {
        if dependsOnCarry[operand.index] { dependsOnCarry[index] = true }
        if isStuck[operand.index] { isStuck[index] = true }
      }
      if !isLiftable(node) { isStuck[index] = true }
    }
    // Needed: what live results and sums rest on, through the carries that they read.
    var feeds = Array(repeating: false, count: count)
    var pending: [Int] = []
    func mark(_ id: NodeID) {
      guard !feeds[id.index] else { return }
      feeds[id.index] = true
      pending.append(id.index)
    }
    var openCarries: Set<Int> = []
    func open(_ carry: Int) {
      guard sums[carry] == nil, openCarries.insert(carry).inserted else { return }
      mark(graph.outputs[carry])
    }
    func spread(_ roots: [NodeID], into seen: inout [Bool]) -> [Int] {
      var found: [Int] = []
      var stack = roots.map(\.index)
      while let index = stack.popLast() {
        guard !seen[index] else { continue }
        seen[index] = true
        if case .input(let slot) = graph.nodes[index].operation, slot < carryCount { found.append(slot) }
        stack += graph.nodes[index].operands.map(\.index)
      }
      return found
    }
    var roots: [NodeID] = []
    for (slot, output) in graph.outputs.enumerated() where live.contains(slot) {
      if slot < carryCount {
        if let sum = sums[slot] { roots.append(sum.term) } else { open(slot) }
      } else {
        roots.append(output)
      }
    }
    var seen = Array(repeating: false, count: count)
    for carry in spread(roots, into: &seen) { open(carry) }
    while let index = pending.popLast() {
      if case .input(let slot) = graph.nodes[index].operation, slot < carryCount { open(slot) }
      for operand in graph.nodes[index].operands { mark(operand) }
    }
    isCore = Array(repeating: false, count: count)
    for (index, node) in graph.nodes.enumerated() {
      if case .input(let slot) = node.operation, slot < carryCount {
        isCore[index] = openCarries.contains(slot)
      } else if case .input = node.operation {
        isCore[index] = false
      } else {
        isCore[index] = isStuck[index] || (feeds[index] && dependsOnCarry[index])
      }
    }
    keptCarries = openCarries.sorted()
  }

  private var keptCarries: [Int] = []

  // MARK: - Lifting

  private struct Lifted {
    var id: NodeID
    /// Whether it has the steps as its first axis.
    var varies: Bool
  }

  private var lifted: [Int: Lifted] = [:]
  private var stackOfCore: [Int: NodeID] = [:]

  private func varying(_ value: Lifted, _ shape: Shape) -> NodeID {
    if value.varies { return value.id }
    let wide = [Dimension(steps)] + shape
    if b.shape(value.id).isEmpty { return b.broadcast(value.id, to: wide, mapping: []) }
    return b.broadcast(value.id, to: wide, mapping: Array(1...shape.count))
  }

  /// An operand of an elementwise node with the steps in front.
  private func aligned(_ operand: NodeID, _ shape: Shape) -> NodeID {
    guard let value = lifted[operand.index] else { return b.constant(.nan) }
    let own = graph[operand].shape
    if !value.varies {
      return b.shape(value.id).isEmpty ? value.id : varying(value, own)
    }
    if own.isEmpty, !shape.isEmpty {
      return b.broadcast(value.id, to: [Dimension(steps)] + shape, mapping: [0])
    }
    return value.id
  }

  private func stepNumbers(_ shape: Shape) -> NodeID {
    let numbers = b.data(
      TensorData(extents: [steps], elements: (0..<steps).map(Double.init)), element: .integer)
    return shape.isEmpty ? numbers : b.broadcast(numbers, to: [Dimension(steps)] + shape, mapping: [0])
  }

  private mutating func lift(_ index: Int) {
    guard lifted[index] == nil else { return }
    let node = graph.nodes[index]
    b.origin = graph.origins[index]
    if isCore[index] {
      if let stack = stackOfCore[index] { lifted[index] = Lifted(id: stack, varies: true) }
      return
    }
    switch node.operation {
    case .input(let slot):
      lifted[index] = Lifted(id: operands[slot], varies: slot < capturedStart)
      return
    case .constant(let bits):
      lifted[index] = Lifted(id: b.constant(Double(bitPattern: bits)), varies: false)
      return
    case .data(let slot):
      lifted[index] = Lifted(id: b.data(graph.data[slot], element: node.element), varies: false)
      return
    default: break
    }
    for operand in node.operands { lift(operand.index) }
    var copy = node
    guard node.operands.contains(where: { lifted[$0.index]?.varies ?? false }) else {
      copy.operands = node.operands.map { lifted[$0.index]?.id ?? b.constant(.nan) }
      lifted[index] = Lifted(id: b.add(copy), varies: false)
      return
    }
    let wide = [Dimension(steps)] + node.shape
    func whole(_ slot: Int) -> NodeID {
      let operand = node.operands[slot]
      return varying(lifted[operand.index] ?? Lifted(id: b.constant(.nan), varies: false), graph[operand].shape)
    }
    let id: NodeID
    switch node.operation {
    case .unary, .binary, .select:
      copy.operands = node.operands.map { aligned($0, node.shape) }
      copy.shape = wide
      id = b.add(copy)
    case .broadcast(let mapping):
      id = b.broadcast(whole(0), to: wide, mapping: [0] + mapping.map { $0 + 1 })
    case .reshape: id = b.reshape(whole(0), to: wide)
    case .permute(let order): id = b.permute(whole(0), order: [0] + order.map { $0 + 1 })
    case .slice(let axis, let start):
      id = b.slice(whole(0), axis: axis + 1, start: start, count: node.shape[axis].extent)
    case .concatenate(let axis):
      id = b.concatenate(node.operands.indices.map { whole($0) }, axis: axis + 1)
    case .reduce(let reduction, let axes): id = b.reduce(reduction, whole(0), axes: axes.map { $0 + 1 })
    case .cumulativeSum(let reversed): id = b.cumulativeSum(whole(0), reversed: reversed)
    case .gather:
      let indexShape = graph[node.operands[1]].shape
      let indices = (1..<node.operands.count).map { whole($0) }
      if let array = lifted[node.operands[0].index], !array.varies {
        id = b.gather(array.id, indices)
      } else {
        id = b.gather(whole(0), [stepNumbers(indexShape)] + indices)
      }
    case .scatterAdd:
      let indexShape = graph[node.operands[1]].shape
      let indices = (1..<node.operands.count).map { whole($0) }
      id = b.scatterAdd(whole(0), [stepNumbers(indexShape)] + indices, into: wide)
    case .matrixProduct: id = b.matrixProduct(whole(0), whole(1))
    case .cholesky: id = b.cholesky(whole(0))
    case .choleskyAdjoint: id = b.choleskyAdjoint(whole(0), whole(1))
    case .symmetricEigen: id = b.eigenRows(whole(0))
    case .triangularSolve(let transposed): id = b.triangularSolve(whole(0), whole(1), transposed: transposed)
    case .lowerTriangle(let halves): id = b.lowerTriangle(whole(0), halvesDiagonal: halves)
    case .parameter, .input, .data, .constant, .scan, .project, .random: id = b.constant(.nan)
    }
    lifted[index] = Lifted(id: id, varies: true)
  }

  // MARK: - The loop that stays

  mutating func run() throws(GraphError) -> [Int: NodeID] {
    guard steps > 0 else { return try whole() }
    try conjugate()
    try expand()
    classify()
    // Core values that something outside of the core reads.
    var isWanted = Array(repeating: false, count: graph.nodes.count)
    var seen = Array(repeating: false, count: graph.nodes.count)
    func want(_ root: NodeID) {
      var stack = [root.index]
      while let index = stack.popLast() {
        guard !seen[index] else { continue }
        seen[index] = true
        if isCore[index] {
          isWanted[index] = true
        } else {
          stack += graph.nodes[index].operands.map(\.index)
        }
      }
    }
    for (slot, output) in graph.outputs.enumerated() where live.contains(slot) {
      if slot >= carryCount { want(output) } else if let sum = sums[slot] { want(sum.term) }
    }
    let wanted = graph.nodes.indices.filter { isWanted[$0] }
    var results: [Int: NodeID] = [:]
    var finals: [Int: NodeID] = [:]
    if !keptCarries.isEmpty || !wanted.isEmpty {
      let projected = try emitCore(wanted)
      for (position, index) in wanted.enumerated() { stackOfCore[index] = projected[keptCarries.count + position] }
      for (position, carry) in keptCarries.enumerated() { finals[carry] = projected[position] }
    }
    for (slot, output) in graph.outputs.enumerated() where live.contains(slot) {
      let shape = graph[output].shape
      if slot < carryCount {
        if let sum = sums[slot] {
          lift(sum.term.index)
          let terms = varying(lifted[sum.term.index] ?? Lifted(id: b.constant(.nan), varies: false), shape)
          let total = b.reduce(.sum, terms, axes: [0])
          results[slot] = sum.sign > 0 ? b.add(operands[slot], total) : b.subtract(operands[slot], total)
        } else if let final = finals[slot] {
          results[slot] = inverse[slot].map { b.unary($0, final) } ?? final
        }
      } else {
        lift(output.index)
        results[slot] = varying(lifted[output.index] ?? Lifted(id: b.constant(.nan), varies: false), shape)
      }
    }
    return results
  }

  /// The loop as it is, with no steps.
  private func whole() throws(GraphError) -> [Int: NodeID] {
    let body = ScanBody(
      graph: graph, carryCount: carryCount, slicedCount: slicedCount, steps: steps, isReversed: isReversed)
    let projected = b.scan(
      body, carries: Array(operands[..<carryCount]), sliced: Array(operands[carryCount..<capturedStart]),
      captured: Array(operands[capturedStart...]))
    return Dictionary(uniqueKeysWithValues: projected.enumerated().map { ($0.offset, $0.element) })
  }

  /// A loop of the core alone: final carries, then the stacked values that are wanted.
  private mutating func emitCore(_ wanted: [Int]) throws(GraphError) -> [NodeID] {
    // What the core reads from outside of itself.
    var needed = Array(repeating: false, count: graph.nodes.count)
    var stack = wanted + keptCarries.map { graph.outputs[$0].index }
    while let index = stack.popLast() {
      guard !needed[index] else { continue }
      needed[index] = true
      if isCore[index] { stack += graph.nodes[index].operands.map(\.index) }
    }
    var slices: [(index: Int, outer: NodeID)] = []
    var captured: [(index: Int, outer: NodeID)] = []
    var inline: Set<Int> = []
    for index in graph.nodes.indices where needed[index] && !isCore[index] {
      if case .constant = graph.nodes[index].operation {
        inline.insert(index)
        continue
      }
      lift(index)
      guard let value = lifted[index] else { continue }
      if value.varies { slices.append((index, value.id)) } else { captured.append((index, value.id)) }
    }
    let inner = GraphBuilder()
    var map: [Int: NodeID] = [:]
    var next = 0
    func input(_ index: Int) {
      let node = graph.nodes[index]
      map[index] = inner.input(next, element: node.element, shape: node.shape)
      next += 1
    }
    for carry in keptCarries {
      // A carry that nothing in the body reads has no node; it is numbered all the same.
      if let index = graph.nodes.firstIndex(where: { $0.operation == .input(carry) }) {
        input(index)
      } else {
        let output = graph[graph.outputs[carry]]
        _ = inner.input(next, element: output.element, shape: output.shape)
        next += 1
      }
    }
    for slice in slices { input(slice.index) }
    for value in captured { input(value.index) }
    for index in graph.nodes.indices where needed[index] && map[index] == nil {
      var copy = graph.nodes[index]
      inner.origin = graph.origins[index]
      copy.operands = copy.operands.map { map[$0.index] ?? inner.constant(.nan) }
      switch copy.operation {
      case .data(let slot): map[index] = inner.data(graph.data[slot], element: copy.element)
      default: map[index] = inner.add(copy)
      }
    }
    inner.inputCount = next
    let outputs = keptCarries.map { graph.outputs[$0].index } + wanted
    let body = ScanBody(
      graph: try inner.finish(outputs: outputs.map { map[$0] ?? inner.constant(.nan) }), carryCount: keptCarries.count,
      slicedCount: slices.count, steps: steps, isReversed: isReversed)
    return b.scan(
      body, carries: keptCarries.map { operands[$0] }, sliced: slices.map(\.outer), captured: captured.map(\.outer))
  }
}
