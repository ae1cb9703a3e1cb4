internal import TensorIR

/// Writes one loop over a domain, eight elements at a time along the last axis, with a masked rest.
///
/// Nodes are computed in registers; what later steps need is stored. A product that one sum alone uses becomes a fused
/// multiply-add: nothing else contracts.
final class NestEmitter {
  private let emitter: GraphEmitter
  private let analysis: ViewAnalysis
  private let graph: Graph
  private let w: IRWriter
  private let domain: [Int]
  private let nodes: [NodeID]
  private let members: Set<NodeID>
  private var sources: [NodeID: [Source]] = [:]
  /// Products that are computed inside the sum that uses them.
  private var contracted: Set<NodeID> = []
  /// Numbers that one side of a choice alone needs, and costly enough for a branch.
  private var branched: Set<NodeID> = []
  /// The loops' extents: the domain, or the number of its elements where all operands are walked in one line.
  private var extents: [Int] = []
  private var isFlat = false

  init(_ emitter: GraphEmitter, domain: [Int], nodes: [NodeID], step: Int) {
    self.emitter = emitter
    analysis = emitter.analysis
    graph = emitter.graph
    w = emitter.w
    self.domain = domain
    self.nodes = nodes
    members = Set(nodes)
    for id in nodes { sources[id] = Schedule.sources(of: id, analysis) }
    findContractions()
    if domain.isEmpty { findBranches() }
  }

  func emit() {
    if domain.isEmpty {
      emitScalars()
    } else {
      emitLoops()
    }
  }

  // MARK: - Contraction

  private func isProduct(_ id: NodeID) -> Bool {
    guard members.contains(id), !analysis.copies.contains(id.index), emitter.useCounts[id] == 1,
      !emitter.isStored(id), graph[id].element == .real
    else { return false }
    switch graph[id].operation {
    case .binary(.multiply), .unary(.square): return true
    default: return false
    }
  }

  private func product(_ source: Source) -> NodeID? {
    switch source {
    case .same(let root): isProduct(root) ? root : nil
    case .scalar(let root): domain.isEmpty && isProduct(root) ? root : nil
    case .constant, .memory: nil
    }
  }

  private func findContractions() {
    for id in nodes where !analysis.copies.contains(id.index) {
      guard let operands = sources[id] else { continue }
      switch graph[id].operation {
      case .binary(.add), .binary(.subtract):
        guard graph[id].element == .real else { continue }
        if let right = product(operands[1]) {
          contracted.insert(right)
        } else if let left = product(operands[0]) {
          contracted.insert(left)
        }
      case .reduce(.sum, _) where analysis.products[id.index] == nil:
        if let operand = product(operands[0]), !domain.isEmpty { contracted.insert(operand) }
      default: break
      }
    }
  }

  /// The factors of a contracted product.
  private func factors(_ id: NodeID, _ at: Place) -> (IRValue, IRValue) {
    let operands = (sources[id] ?? []).map { Elements.real(read($0, at), in: w) }
    return operands.count == 1 ? (operands[0], operands[0]) : (operands[0], operands[1])
  }

  private func contractedOperand(_ source: Source) -> NodeID? {
    switch source {
    case .same(let root), .scalar(let root): contracted.contains(root) ? root : nil
    case .constant, .memory: nil
    }
  }

  // MARK: - Reading

  /// A place within the loops: how many lanes, which of them count, where along the last axis, and what is computed.
  private final class Place {
    let lanes: Int
    let mask: IRValue?
    let index: IRValue
    var values: [NodeID: IRValue] = [:]
    /// The number of this vector within its tile.
    let inTile: IRValue
    /// The group that all rows of this vector belong to, in a grouped loop.
    let group: IRValue?
    init(lanes: Int, mask: IRValue?, index: IRValue, inTile: IRValue = .integer(0), group: IRValue? = nil) {
      self.group = group
      self.lanes = lanes
      self.mask = mask
      self.index = index
      self.inTile = inTile
    }
  }

  private struct Access: Hashable {
    var root: NodeID
    var offset: Int
    var strides: [Int]
    var isIndex = false
  }

  /// Addresses at the beginning of the innermost loop.
  private var rows: [Access: IRValue] = [:]
  /// Numbers that stay the same along the innermost loop, in all lanes.
  private var steady: [Access: IRValue] = [:]
  private var splats: [NodeID: IRValue] = [:]
  /// Counters of the outer loops.
  private var outer: [IRValue] = []

  private func read(_ source: Source, _ at: Place) -> IRValue {
    switch source {
    case .constant(let value): return .real(value, lanes: at.lanes)
    case .scalar(let root):
      if at.lanes == 1 {
        if let known = at.values[root] { return known }
        return branched.contains(root) ? compute(root, at) : emitter.scalar(root)
      }
      if let known = splats[root] { return known }
      return w.splat(emitter.scalar(root))
    case .same(let root):
      if let known = at.values[root] { return known }
      return load(Access(root: root, offset: 0, strides: ViewAnalysis.contiguousStrides(extents)), at)
    case .memory(let root, let offset, let strides):
      return load(access(root, offset, strides), at)
    }
  }

  /// An access by the axes that are walked.
  private func access(_ root: NodeID, _ offset: Int, _ strides: [Int], isIndex: Bool = false) -> Access {
    if isFlat {
      return Access(root: root, offset: offset, strides: [strides.allSatisfy { $0 == 0 } ? 0 : 1], isIndex: isIndex)
    }
    return Access(root: root, offset: offset, strides: strides, isIndex: isIndex)
  }

  private func address(of access: Access) -> IRValue {
    let place: Destination
    if let arranged = arrangedData(access) {
      let offset =
        access.isIndex ? emitter.pool.placeIndices(arranged) : emitter.pool.place(arranged)
      place = Destination(base: emitter.environment.data, offset: offset ?? 0)
    } else if access.isIndex, case .data(let slot) = graph[access.root].operation,
      let indices = emitter.pool.placeIndices(graph.data[slot])
    {
      place = Destination(base: emitter.environment.data, offset: indices)
    } else {
      place = emitter.place(of: access.root)
    }
    var pointer = emitter.pointer(place, plus: access.offset)
    for (stride, counter) in zip(access.strides, outer) where stride != 0 {
      pointer = w.address(pointer, w.multiplyIntegers(counter, .integer(stride)))
    }
    return pointer
  }

  private func row(_ access: Access) -> IRValue { rows[access] ?? address(of: access) }

  private func load(_ access: Access, _ at: Place) -> IRValue {
    if domain.isEmpty {
      let pointer = address(of: access)
      return access.isIndex ? w.loadInteger(pointer, lanes: 1) : w.load(pointer, lanes: 1)
    }
    let stride = access.strides.last ?? 0
    if stride == 0 {
      if let known = steady[access] { return known }
      let value = access.isIndex ? w.loadInteger(row(access), lanes: 1) : w.load(row(access), lanes: 1)
      return w.splat(value)
    }
    let base = row(access)
    if stride == 1 {
      let pointer = w.address(base, at.index)
      // Arranged data are filled up, so that no lane is out of bounds.
      let mask = grouping == nil ? at.mask : nil
      return access.isIndex
        ? w.loadInteger(pointer, lanes: at.lanes, mask: mask) : w.load(pointer, lanes: at.lanes, mask: mask)
    }
    let places = w.multiplyIntegers(laneNumbers(at), .integer(stride, lanes: at.lanes))
    let value = w.gather(base, places, mask: at.mask)
    return access.isIndex ? w.bits(value) : value
  }

  private func laneNumbers(_ at: Place) -> IRValue {
    let list = (0..<at.lanes).map { "i64 \($0)" }.joined(separator: ", ")
    let numbers = IRValue(text: "<\(list)>", type: .integer, lanes: at.lanes)
    if at.index.text == "0" { return numbers }
    return w.addIntegers(w.splat(at.index), numbers)
  }

  // MARK: - Numbers

  private func emitScalars() {
    let at = Place(lanes: 1, mask: nil, index: .integer(0))
    for id in nodes where !contracted.contains(id) && !branched.contains(id) {
      if case .scatterAdd = graph[id].operation, !analysis.copies.contains(id.index) {
        scatterOne(id, graph[id], at)
        continue
      }
      let value = compute(id, at)
      at.values[id] = value
      emitter.scalars[id] = value
      if emitter.isStored(id) { w.store(Elements.real(value, in: w), to: emitter.pointer(emitter.place(of: id))) }
    }
  }

  /// Finds what a choice's sides need: numbers that are used once, by the choice or by another such number, where a
  /// function is among them. Both sides of other choices are computed.
  private func findBranches() {
    var users: [NodeID: [(user: NodeID, slot: Int)]] = [:]
    for id in nodes {
      for (slot, source) in (sources[id] ?? []).enumerated() {
        if case .scalar(let root) = source { users[root, default: []].append((id, slot)) }
      }
    }
    // The number that a choice reads, for each that only it needs.
    var sides: [NodeID: NodeID] = [:]
    var choices: [NodeID: NodeID] = [:]
    for id in nodes.reversed() {
      guard let found = users[id], found.count == 1, emitter.useCounts[id] == 1, !emitter.isStored(id),
        graph[id].element == .real
      else { continue }
      let (user, slot) = found[0]
      let reads = analysis.copies.contains(user.index) ? nil : graph[user].operation
      if case .select = reads, slot > 0, graph[user].element == .real {
        sides[id] = id
        choices[id] = user
      } else if case .binary(.masked) = reads, slot == 0 {
        sides[id] = id
        choices[id] = user
      } else if let side = sides[user] {
        sides[id] = side
      }
    }
    var costly: Set<NodeID> = []
    for id in nodes where isFunction(id) {
      var next = sides[id]
      while let side = next, costly.insert(side).inserted { next = choices[side].flatMap { sides[$0] } }
    }
    branched = Set(sides.filter { costly.contains($0.value) }.keys)
  }

  private func isFunction(_ id: NodeID) -> Bool {
    if analysis.copies.contains(id.index) { return false }
    switch graph[id].operation {
    case .unary(let operation): return InlineMath.Function(rawValue: operation.rawValue) != nil
    case .binary(.power), .binary(.atan2), .binary(.logAddExp), .binary(.xLogY): return true
    default: return false
    }
  }

  /// Loads what a side of a choice reads before the branch: the numbers are remembered, and must be there for all.
  private func loadBefore(_ source: Source, _ at: Place) {
    guard case .scalar(let root) = source, at.values[root] == nil else { return }
    guard branched.contains(root) || contracted.contains(root) else {
      _ = emitter.scalar(root)
      return
    }
    for source in sources[root] ?? [] { loadBefore(source, at) }
  }

  /// A choice between numbers of which one at least is costly: each side in a block of its own.
  private func choice(_ condition: IRValue, _ then: Source, _ otherwise: Source, _ at: Place) -> IRValue {
    loadBefore(then, at)
    loadBefore(otherwise, at)
    let (first, second, end) = (w.label("then"), w.label("else"), w.label("chosen"))
    w.branch(condition, first, second)
    func side(_ source: Source, _ name: String) -> String {
      w.begin(block: name)
      let value = Elements.real(read(source, at), in: w)
      let text = "[ \(value.text), %\(w.block) ]"
      w.jump(end)
      return text
    }
    let (a, b) = (side(then, first), side(otherwise, second))
    w.begin(block: end)
    return w.result(.real, 1, "phi double \(a), \(b)")
  }

  private func isBranched(_ source: Source) -> Bool {
    if case .scalar(let root) = source { branched.contains(root) } else { false }
  }

  // MARK: - Elements

  private func compute(_ id: NodeID, _ at: Place) -> IRValue {
    let node = graph[id]
    let operands = sources[id] ?? []
    if analysis.copies.contains(id.index) { return read(operands[0], at) }
    if let product = analysis.products[id.index] { return rowProduct(id, product, at) }
    switch node.operation {
    case .unary(let operation):
      if operation == .log1p || operation == .log, let function = InlineMath.Function(rawValue: operation.rawValue) {
        let x = Elements.real(read(operands[0], at), in: w)
        return InlineMath.apply(function, x, isNonnegative: analysis.isNonnegative(node.operands[0]), in: w)
      }
      return Elements.apply(operation, read(operands[0], at), table: emitter.environment.table, in: w)
    case .binary(.masked) where isBranched(operands[0]):
      return choice(Elements.truth(read(operands[1], at), in: w), operands[0], .constant(0), at)
    case .binary(let operation):
      if operation == .add || operation == .subtract, let value = fused(operation, operands, at) { return value }
      return Elements.apply(
        operation, read(operands[0], at), read(operands[1], at), table: emitter.environment.table, in: w)
    case .select:
      let condition = Elements.truth(read(operands[0], at), in: w)
      if isBranched(operands[1]) || isBranched(operands[2]) { return choice(condition, operands[1], operands[2], at) }
      let (a, b) = (read(operands[1], at), read(operands[2], at))
      if a.type == .truth, b.type == .truth { return w.select(condition, a, b) }
      return w.select(condition, Elements.real(a, in: w), Elements.real(b, in: w))
    case .gather: return gather(id, node, at)
    case .reduce:
      // Over one element.
      return Elements.real(read(operands[0], at), in: w)
    default: return .real(.nan, lanes: at.lanes)
    }
  }

  private func fused(_ operation: BinaryOperation, _ operands: [Source], _ at: Place) -> IRValue? {
    if let right = contractedOperand(operands[1]) {
      let (a, b) = factors(right, at)
      let c = Elements.real(read(operands[0], at), in: w)
      return w.fma(operation == .add ? a : w.negate(a), b, c)
    }
    if let left = contractedOperand(operands[0]) {
      let (a, b) = factors(left, at)
      let c = Elements.real(read(operands[1], at), in: w)
      return w.fma(a, b, operation == .add ? c : w.negate(c))
    }
    return nil
  }

  // MARK: - Gather and scatter

  /// An index in elements of the array, and whether it is within bounds (nil where that is known).
  private func indexed(
    _ indices: [NodeID], in shape: Shape, extents bounds: [Int], strides: [Int], _ at: Place
  ) -> (offset: IRValue, isInside: IRValue?) {
    var offset = IRValue.integer(0, lanes: at.lanes)
    var isInside: IRValue?
    for (axis, id) in indices.enumerated() {
      let (value, check) = index(id, in: shape, below: bounds[axis], at)
      let part =
        strides[axis] == 1 ? value : w.multiplyIntegers(value, .integer(strides[axis], lanes: at.lanes))
      offset = axis == 0 ? part : w.addIntegers(offset, part)
      if let check { isInside = isInside.map { w.and($0, check) } ?? check }
    }
    return (offset, isInside)
  }

  /// Data whose elements are all valid indices below a bound need no check.
  private func validData(_ source: Source, below bound: Int) -> Access? {
    guard case .memory(let root, let offset, let strides) = source, case .data(let slot) = graph[root].operation,
      graph.data[slot].elements.allSatisfy({ $0 >= 0 && $0 < Double(bound) && $0.rounded() == $0 }),
      emitter.pool.placeIndices(graph.data[slot]) != nil
    else { return nil }
    return access(root, offset, strides, isIndex: true)
  }

  private func index(_ id: NodeID, in shape: Shape, below bound: Int, _ at: Place) -> (IRValue, IRValue?) {
    let source = analysis.source(id, in: shape)
    if let access = validData(source, below: bound) { return (load(access, at), nil) }
    if case .constant(let value) = source, value >= 0, value < Double(bound) {
      return (.integer(Int(value), lanes: at.lanes), nil)
    }
    let value = Elements.real(read(source, at), in: w)
    let isInside = w.and(
      w.compare(.greaterOrEqual, value, .real(0, lanes: at.lanes)),
      w.compare(.less, value, .real(Double(bound), lanes: at.lanes)))
    return (w.toInteger(w.select(isInside, value, .real(0, lanes: at.lanes))), isInside)
  }

  /// Whether the innermost axis runs within a block that one index picks.
  private func isInnermostInBlock(_ shape: Shape, indexRank: Int) -> Bool {
    guard let last = shape.indices.last(where: { shape[$0].extent != 1 }) else { return false }
    return last >= indexRank
  }

  /// Where the block's axes put an element: the outer ones and, in lanes, the innermost.
  private func blockOffset(_ shape: Shape, indexRank: Int, strides: [Int], _ at: Place) -> IRValue? {
    var total: IRValue?
    let axes = shape.indices.filter { shape[$0].extent != 1 }
    for (position, axis) in axes.enumerated() where axis >= indexRank {
      let stride = strides[axis - indexRank]
      if stride == 0 { continue }
      let counter = position == axes.count - 1 ? laneNumbers(at) : w.splat(outer[position])
      let part = w.multiplyIntegers(counter, .integer(stride, lanes: at.lanes))
      total = total.map { w.addIntegers($0, part) } ?? part
    }
    return total
  }

  private func gather(_ id: NodeID, _ node: Node, _ at: Place) -> IRValue {
    let array = node.operands[0]
    let indices = Array(node.operands.dropFirst())
    if let group = at.group, isGroupIndex(indices) {
      let view = analysis.views[array.index]
      let base = emitter.pointer(emitter.place(of: view.root), plus: view.offset)
      let place = w.multiplyIntegers(group, .integer(view.strides.first ?? 1))
      return w.splat(w.load(w.address(base, place), lanes: 1))
    }
    let view = analysis.views[array.index]
    let shape = graph[array].shape
    let bounds = shape.prefix(indices.count).map(\.extent)
    if shape.elementCount == 0 || bounds.contains(0) { return .real(.nan, lanes: at.lanes) }
    let base = emitter.pointer(emitter.place(of: view.root), plus: view.offset)
    let (picked, isInside) = indexed(
      indices, in: node.shape, extents: bounds, strides: Array(view.strides.prefix(indices.count)), at)
    var offset = picked
    let rank = graph[indices[0]].shape.count
    if at.lanes > 1, node.shape.count > rank,
      let block = blockOffset(
        node.shape, indexRank: rank, strides: Array(view.strides.dropFirst(indices.count)), at)
    {
      offset = w.addIntegers(offset, block)
    }
    let value = w.gather(base, offset, mask: at.mask)
    guard let isInside else { return value }
    return w.select(isInside, value, .real(.nan, lanes: at.lanes))
  }

  private func scatterTarget(_ id: NodeID, _ node: Node, _ at: Place) -> (offset: IRValue, isInside: IRValue?) {
    let indices = Array(node.operands.dropFirst())
    let updates = graph[node.operands[0]].shape
    let bounds = node.shape.prefix(indices.count).map(\.extent)
    let strides = ViewAnalysis.contiguousStrides(node.shape.extents)
    let (picked, isInside) = indexed(
      indices, in: updates, extents: bounds, strides: Array(strides.prefix(indices.count)), at)
    var offset = picked
    let rank = graph[indices[0]].shape.count
    if at.lanes > 1, updates.count > rank,
      let block = blockOffset(updates, indexRank: rank, strides: Array(strides.dropFirst(indices.count)), at)
    {
      offset = w.addIntegers(offset, block)
    }
    return (offset, isInside)
  }

  /// A scatter of one element, as part of a sequence of numbers.
  private func scatterOne(_ id: NodeID, _ node: Node, _ at: Place) {
    let place = emitter.place(of: id)
    emitter.fill(place, count: node.shape.elementCount, with: .real(0))
    if node.shape.elementCount > 0 { scatter(id, node, at) }
    if analysis.isScalar(id) { emitter.scalars[id] = w.load(emitter.pointer(place), lanes: 1) }
  }

  private func scatter(_ id: NodeID, _ node: Node, _ at: Place) {
    let base = emitter.pointer(emitter.place(of: id))
    let read = Elements.real(read((sources[id] ?? [])[0], at), in: w)
    // In a grouped loop lanes that only fill up count as 0.
    let value =
      grouping == nil ? read : at.mask.map { w.select($0, read, .real(0, lanes: at.lanes)) } ?? read
    if let group = at.group, isGroupIndex(Array(node.operands.dropFirst())) {
      let target = w.address(base, group)
      w.store(w.add(w.load(target, lanes: 1), w.sum(lanes: value)), to: target)
      return
    }
    let (offset, isInside) = scatterTarget(id, node, at)
    let kept = isInside.map { w.select($0, value, .real(0, lanes: at.lanes)) } ?? value
    let isWhole = at.mask == nil || grouping != nil
    let count = isWhole ? at.lanes : (extents.last ?? 1) % IRValue.vectorLanes
    for lane in 0..<count {
      let target = w.address(base, at.lanes == 1 ? offset : w.lane(offset, lane))
      let sum = w.add(w.load(target, lanes: 1), at.lanes == 1 ? kept : w.lane(kept, lane))
      w.store(sum, to: target)
    }
  }

  // MARK: - Loops

  /// A reduction with the axes that are walked: which are summed over, and the result's stride along the others.
  private struct Fold {
    var id: NodeID
    var reduction: Reduction
    var isReduced: [Bool]
    var strides: [Int]
    var slot: IRValue?
    var isComplete: Bool { isReduced.allSatisfy { $0 } }
    var reducesLast: Bool { isReduced.last ?? false }
    /// Whether one element of the result is visited several times by the outer loops.
    var returns: Bool { isReduced.dropLast().contains(true) }
  }

  private var folds: [Fold] = []

  private func fold(_ id: NodeID) -> Fold? {
    guard case .reduce(let reduction, let axes) = graph[id].operation, !analysis.copies.contains(id.index),
      analysis.products[id.index] == nil
    else { return nil }
    let shape = graph[graph[id].operands[0]].shape
    let walked = shape.indices.filter { shape[$0].extent != 1 }
    var isReduced = walked.map { axes.contains($0) }
    var strides = Array(repeating: 0, count: walked.count)
    var step = 1
    for (position, axis) in walked.enumerated().reversed() where !isReduced[position] {
      strides[position] = step
      step *= shape[axis].extent
    }
    if isFlat {
      isReduced = [isReduced.allSatisfy { $0 }]
      strides = [isReduced[0] ? 0 : 1]
    }
    return Fold(id: id, reduction: reduction, isReduced: isReduced, strides: strides)
  }

  /// Whether all operands are walked in one line, so that one loop serves for all axes.
  private func canFlatten() -> Bool {
    let line = ViewAnalysis.contiguousStrides(domain)
    for id in nodes {
      for source in sources[id] ?? [] {
        if case .memory(_, _, let strides) = source, strides != line, !strides.allSatisfy({ $0 == 0 }) { return false }
      }
      let node = graph[id]
      switch node.operation {
      case .reduce(_, let axes) where !analysis.copies.contains(id.index) && analysis.products[id.index] == nil:
        let shape = graph[node.operands[0]].shape
        let walked = shape.indices.filter { shape[$0].extent != 1 }
        let reduced = walked.filter { axes.contains($0) }.count
        if reduced != 0, reduced != walked.count { return false }
      case .gather where !analysis.copies.contains(id.index):
        if graph[node.operands[1]].shape.count != node.shape.count { return false }
      case .scatterAdd:
        if graph[node.operands[1]].shape.count != graph[node.operands[0]].shape.count { return false }
      default: break
      }
    }
    return true
  }

  private func emitLoops() {
    isFlat = domain.count > 1 && canFlatten()
    extents = isFlat ? [domain.reduce(1, *)] : domain
    let count = domain.reduce(1, *)
    folds = nodes.compactMap { fold($0) }
    prepareResults(isEmpty: count == 0)
    guard count > 0 else {
      for fold in folds where fold.isComplete {
        emitter.scalars[fold.id] = .real(Elements.neutral(fold.reduction))
        storeNumber(fold.id)
      }
      return
    }
    for id in nodes {
      for source in sources[id] ?? [] {
        guard case .scalar(let root) = source, splats[root] == nil else { continue }
        splats[root] = w.splat(emitter.scalar(root))
      }
    }
    findGrouping()
    prepareProducts()
    if isTiled { emitTiles() } else if let grouping { emitGroups(grouping) } else { level(0) }
    finishProducts()
    for fold in folds where fold.isComplete {
      guard let slot = fold.slot else { continue }
      let total = w.loadSlot(slot, .real, lanes: IRValue.vectorLanes)
      emitter.scalars[fold.id] = Elements.combineLanes(fold.reduction, total, in: w)
      storeNumber(fold.id)
    }
    for id in nodes where emitter.graph[id].operation == .scatterAdd && analysis.isScalar(id) {
      emitter.scalars[id] = w.load(emitter.pointer(emitter.place(of: id)), lanes: 1)
    }
  }

  private func storeNumber(_ id: NodeID) {
    guard emitter.isStored(id), let value = emitter.scalars[id] else { return }
    w.store(value, to: emitter.pointer(emitter.place(of: id)))
  }

  /// Starts sums and clears arrays that are added into.
  private func prepareResults(isEmpty: Bool) {
    for position in folds.indices {
      let fold = folds[position]
      if fold.reducesLast {
        let slot = w.slot(.real, lanes: IRValue.vectorLanes)
        folds[position].slot = slot
        if fold.isComplete { w.storeSlot(.real(Elements.neutral(fold.reduction), lanes: IRValue.vectorLanes), slot) }
      }
      if !fold.isComplete, fold.returns || isEmpty {
        emitter.fill(
          emitter.place(of: fold.id), count: graph[fold.id].shape.elementCount,
          with: .real(Elements.neutral(fold.reduction)))
      }
    }
    for id in nodes {
      if case .scatterAdd = graph[id].operation, !analysis.copies.contains(id.index) {
        emitter.fill(emitter.place(of: id), count: graph[id].shape.elementCount, with: .real(0))
      }
    }
  }

  private func level(_ axis: Int) {
    if axis < extents.count - 1 {
      w.loop(from: .integer(0), to: .integer(extents[axis]), step: 1, "axis") { counter in
        outer.append(counter)
        level(axis + 1)
        outer.removeLast()
      }
      return
    }
    prepareRow()
    emitter.vectorLoop(extents[axis]) { index, mask in
      body(Place(lanes: IRValue.vectorLanes, mask: mask, index: index))
    }
    finishRow()
  }

  /// Addresses and numbers that hold for one run of the innermost loop.
  private func prepareRow() {
    rows = [:]
    steady = [:]
    func prepare(_ access: Access) {
      guard rows[access] == nil else { return }
      let address = address(of: access)
      rows[access] = address
      if access.strides.last == 0 {
        let value = access.isIndex ? w.loadInteger(address, lanes: 1) : w.load(address, lanes: 1)
        steady[access] = w.splat(value)
      }
    }
    for id in nodes {
      for source in sources[id] ?? [] {
        switch source {
        case .constant, .scalar: break
        case .same(let root):
          if !members.contains(root) {
            prepare(Access(root: root, offset: 0, strides: ViewAnalysis.contiguousStrides(extents)))
          }
        case .memory(let root, let offset, let strides): prepare(access(root, offset, strides))
        }
      }
      if stores(id) { prepare(Access(root: id, offset: 0, strides: ViewAnalysis.contiguousStrides(extents))) }
    }
    for fold in folds where fold.reducesLast && !fold.isComplete {
      if let slot = fold.slot {
        w.storeSlot(.real(Elements.neutral(fold.reduction), lanes: IRValue.vectorLanes), slot)
      }
    }
  }

  /// Sums along the innermost loop go to their places.
  private func finishRow() {
    for fold in folds where fold.reducesLast && !fold.isComplete {
      guard let slot = fold.slot else { continue }
      let total = Elements.combineLanes(fold.reduction, w.loadSlot(slot, .real, lanes: IRValue.vectorLanes), in: w)
      var pointer = emitter.pointer(emitter.place(of: fold.id))
      for (stride, counter) in zip(fold.strides, outer) where stride != 0 {
        pointer = w.address(pointer, w.multiplyIntegers(counter, .integer(stride)))
      }
      let value = fold.returns ? Elements.combine(fold.reduction, w.load(pointer, lanes: 1), total, in: w) : total
      w.store(value, to: pointer)
    }
  }

  /// Whether a node of the loop is written to memory element by element.
  private func stores(_ id: NodeID) -> Bool {
    analysis.kind(id.index) == .elementwise && emitter.isStored(id)
  }

  private func body(_ at: Place) {
    for id in nodes where !contracted.contains(id) {
      if let fold = folds.first(where: { $0.id == id }) {
        accumulate(fold, at)
        continue
      }
      if case .scatterAdd = graph[id].operation, !analysis.copies.contains(id.index) {
        if graph[id].shape.elementCount > 0 { scatter(id, graph[id], at) }
        continue
      }
      if let product = analysis.products[id.index], !product.isRow {
        columnProduct(id, product, at)
        continue
      }
      let value = compute(id, at)
      at.values[id] = value
      if stores(id) {
        let access = Access(root: id, offset: 0, strides: ViewAnalysis.contiguousStrides(extents))
        w.store(Elements.real(value, in: w), to: w.address(row(access), at.index), mask: at.mask)
      }
    }
  }

  private func accumulate(_ fold: Fold, _ at: Place) {
    let source = (sources[fold.id] ?? [])[0]
    func joined(_ old: IRValue) -> IRValue {
      if fold.reduction == .sum, let inner = contractedOperand(source) {
        let (a, b) = factors(inner, at)
        return w.fma(a, b, old)
      }
      return Elements.combine(fold.reduction, old, Elements.real(read(source, at), in: w), in: w)
    }
    if fold.reducesLast, let slot = fold.slot {
      let old = w.loadSlot(slot, .real, lanes: at.lanes)
      let new = joined(old)
      w.storeSlot(at.mask.map { w.select($0, new, old) } ?? new, slot)
      return
    }
    var pointer = emitter.pointer(emitter.place(of: fold.id))
    for (stride, counter) in zip(fold.strides, outer) where stride != 0 {
      pointer = w.address(pointer, w.multiplyIntegers(counter, .integer(stride)))
    }
    pointer = w.address(pointer, at.index)
    let start = IRValue.real(Elements.neutral(fold.reduction), lanes: at.lanes)
    let old = fold.returns ? w.load(pointer, lanes: at.lanes, mask: at.mask) : start
    w.store(joined(old), to: pointer, mask: at.mask)
  }

  // MARK: - Matrices of data

  /// Columns up to which every sum of a column stays in a register.
  private static let narrow = 8
  /// Vectors in a tile of rows.
  private static let tileVectors = 5

  /// Per product: where its matrix lies.
  private var matrices: [NodeID: IRValue] = [:]
  /// Row products of narrow matrices: the vector's elements in all lanes.
  private var coefficients: [NodeID: [IRValue]] = [:]
  /// Column products: sums in registers (narrow), or in memory, eight lanes per column.
  private var columnSlots: [NodeID: [IRValue]] = [:]
  private var columnSums: [NodeID: Destination] = [:]
  private var temporaries: [(offset: Int, count: Int)] = []
  /// Values of a tile between its loops.
  private var tileValues: [NodeID: IRValue] = [:]

  private var productNodes: [NodeID] { nodes.filter { analysis.products[$0.index] != nil } }

  /// Wide matrices are gone through in tiles of rows, so that the second product finds the tile in the cache.
  private var isTiled: Bool {
    nodes.contains { (analysis.products[$0.index]?.columns ?? 0) > NestEmitter.narrow }
  }

  private var tileRows: Int { isTiled ? NestEmitter.tileVectors * IRValue.vectorLanes : IRValue.vectorLanes }

  private func temporary(_ count: Int) -> Destination {
    let offset = emitter.plan.allocate(count)
    temporaries.append((offset, count))
    return Destination(base: emitter.environment.workspace, offset: offset)
  }

  private func prepareProducts() {
    for id in productNodes {
      guard let product = analysis.products[id.index], case .data(let slot) = graph[product.matrix].operation else {
        continue
      }
      let data = grouping.map { DataPool.arranged(graph.data[slot], by: $0) } ?? graph.data[slot]
      let offset = emitter.pool.placeTiled(data, rows: tileRows)
      matrices[id] = emitter.pointer(Destination(base: emitter.environment.data, offset: offset))
      let isNarrow = !isTiled
      if product.isRow {
        if isNarrow {
          coefficients[id] = (0..<product.columns).map { w.splat(w.load(element(of: product.vector, $0), lanes: 1)) }
        }
      } else if isNarrow {
        columnSlots[id] = (0..<product.columns).map { _ in
          let slot = w.slot(.real, lanes: IRValue.vectorLanes)
          w.storeSlot(.real(0, lanes: IRValue.vectorLanes), slot)
          return slot
        }
      } else {
        let sums = temporary(product.columns * IRValue.vectorLanes)
        emitter.fill(sums, count: product.columns * IRValue.vectorLanes, with: .real(0))
        columnSums[id] = sums
      }
      if isTiled { tileValues[id] = emitter.pointer(temporary(tileRows)) }
    }
  }

  /// The address of an element of a vector in memory.
  private func element(of vector: NodeID, _ index: Int) -> IRValue {
    let view = analysis.views[vector.index]
    let stride = view.strides.first ?? 1
    return emitter.pointer(emitter.place(of: view.root), plus: view.offset + index * stride)
  }

  private func rowProduct(_ id: NodeID, _ product: MatrixVector, _ at: Place) -> IRValue {
    guard let matrix = matrices[id] else { return .real(.nan, lanes: at.lanes) }
    if isTiled, let values = tileValues[id] {
      return w.load(w.address(values, w.multiplyIntegers(at.inTile, .integer(8))), lanes: at.lanes)
    }
    let base = w.address(matrix, w.multiplyIntegers(at.index, .integer(product.columns)))
    var total: IRValue?
    for (column, coefficient) in (coefficients[id] ?? []).enumerated() {
      let x = w.load(w.address(base, .integer(column * IRValue.vectorLanes)), lanes: at.lanes)
      total = total.map { w.fma(x, coefficient, $0) } ?? w.multiply(x, coefficient)
    }
    return total ?? .real(0, lanes: at.lanes)
  }

  private func columnProduct(_ id: NodeID, _ product: MatrixVector, _ at: Place) {
    let read = Elements.real(read((sources[id] ?? [])[0], at), in: w)
    // Lanes that do not count may hold anything.
    let value = at.mask.map { w.select($0, read, .real(0, lanes: at.lanes)) } ?? read
    if isTiled, let values = tileValues[id] {
      w.store(value, to: w.address(values, w.multiplyIntegers(at.inTile, .integer(8))))
      return
    }
    guard let matrix = matrices[id] else { return }
    let base = w.address(matrix, w.multiplyIntegers(at.index, .integer(product.columns)))
    for (column, slot) in (columnSlots[id] ?? []).enumerated() {
      let x = w.load(w.address(base, .integer(column * IRValue.vectorLanes)), lanes: at.lanes)
      w.storeSlot(w.fma(x, value, w.loadSlot(slot, .real, lanes: at.lanes)), slot)
    }
  }

  /// Tile by tile: products with rows for all of the tile, then elements vector by vector, then products with columns.
  private func emitTiles() {
    let count = extents[0]
    let tiles = (count + tileRows - 1) / tileRows
    let vectors = NestEmitter.tileVectors
    prepareRow()
    let rowNodes = productNodes.filter { analysis.products[$0.index]?.isRow ?? false }
    let columnNodes = productNodes.filter { !(analysis.products[$0.index]?.isRow ?? true) }
    w.loop(from: .integer(0), to: .integer(tiles), step: 1, "tile") { tile in
      let first = w.multiplyIntegers(tile, .integer(tileRows))
      func matrixTile(_ id: NodeID, _ product: MatrixVector) -> IRValue {
        w.address(matrices[id] ?? .integer(0), w.multiplyIntegers(tile, .integer(tileRows * product.columns)))
      }
      for id in rowNodes {
        guard let product = analysis.products[id.index], let values = tileValues[id] else { continue }
        let matrix = matrixTile(id, product)
        let slots = (0..<vectors).map { _ in w.slot(.real, lanes: IRValue.vectorLanes) }
        for slot in slots { w.storeSlot(.real(0, lanes: IRValue.vectorLanes), slot) }
        let stride = analysis.views[product.vector.index].strides.first ?? 1
        let start = element(of: product.vector, 0)
        w.loop(from: .integer(0), to: .integer(product.columns), step: 1, "column") { column in
          let coefficient = w.splat(w.load(w.address(start, w.multiplyIntegers(column, .integer(stride))), lanes: 1))
          let base = w.address(matrix, w.multiplyIntegers(column, .integer(tileRows)))
          for (k, slot) in slots.enumerated() {
            let x = w.load(w.address(base, .integer(k * IRValue.vectorLanes)), lanes: IRValue.vectorLanes)
            w.storeSlot(w.fma(x, coefficient, w.loadSlot(slot, .real, lanes: IRValue.vectorLanes)), slot)
          }
        }
        for (k, slot) in slots.enumerated() {
          w.store(
            w.loadSlot(slot, .real, lanes: IRValue.vectorLanes),
            to: w.address(values, .integer(k * IRValue.vectorLanes)))
        }
      }
      let isLast = w.compareIntegers(.equal, tile, .integer(tiles - 1))
      let wholeVectors = (count % tileRows) / IRValue.vectorLanes
      let isEven = count % tileRows == 0
      let limit = isEven ? IRValue.integer(vectors) : w.select(isLast, .integer(wholeVectors), .integer(vectors))
      if !isEven {
        // What the last tile does not fill counts as 0.
        for id in columnNodes {
          guard let values = tileValues[id] else { continue }
          for k in wholeVectors..<vectors {
            w.store(
              .real(0, lanes: IRValue.vectorLanes), to: w.address(values, .integer(k * IRValue.vectorLanes)))
          }
        }
      }
      w.loop(from: .integer(0), to: limit, step: 1, "vector") { k in
        let index = w.addIntegers(first, w.multiplyIntegers(k, .integer(IRValue.vectorLanes)))
        body(Place(lanes: IRValue.vectorLanes, mask: nil, index: index, inTile: k))
      }
      if count % IRValue.vectorLanes != 0 {
        let rest = w.label("rest")
        let done = w.label("rest.end")
        w.branch(isLast, rest, done)
        w.begin(block: rest)
        let index = IRValue.integer(count & ~(IRValue.vectorLanes - 1))
        body(
          Place(
            lanes: IRValue.vectorLanes, mask: GraphEmitter.mask(count % IRValue.vectorLanes), index: index,
            inTile: .integer(wholeVectors)))
        w.jump(done)
        w.begin(block: done)
      }
      for id in columnNodes {
        guard let product = analysis.products[id.index], let values = tileValues[id], let sums = columnSums[id] else {
          continue
        }
        let matrix = matrixTile(id, product)
        let weights = (0..<vectors).map {
          w.load(w.address(values, .integer($0 * IRValue.vectorLanes)), lanes: IRValue.vectorLanes)
        }
        let total = emitter.pointer(sums)
        w.loop(from: .integer(0), to: .integer(product.columns), step: 1, "column") { column in
          let place = w.address(total, w.multiplyIntegers(column, .integer(IRValue.vectorLanes)))
          let base = w.address(matrix, w.multiplyIntegers(column, .integer(tileRows)))
          var sum = w.load(place, lanes: IRValue.vectorLanes)
          for (k, weight) in weights.enumerated() {
            let x = w.load(w.address(base, .integer(k * IRValue.vectorLanes)), lanes: IRValue.vectorLanes)
            sum = w.fma(x, weight, sum)
          }
          w.store(sum, to: place)
        }
      }
    }
  }

  private func finishProducts() {
    for id in productNodes {
      guard let product = analysis.products[id.index], !product.isRow else { continue }
      let result = emitter.pointer(emitter.place(of: id))
      if let slots = columnSlots[id] {
        for (column, slot) in slots.enumerated() {
          let total = w.sum(lanes: w.loadSlot(slot, .real, lanes: IRValue.vectorLanes))
          w.store(total, to: w.address(result, .integer(column)))
        }
      } else if let sums = columnSums[id] {
        let base = emitter.pointer(sums)
        w.loop(from: .integer(0), to: .integer(product.columns), step: 1, "total") { column in
          let vector = w.load(
            w.address(base, w.multiplyIntegers(column, .integer(IRValue.vectorLanes))), lanes: IRValue.vectorLanes)
          w.store(w.sum(lanes: vector), to: w.address(result, column))
        }
      }
    }
    for (offset, count) in temporaries { emitter.plan.release(offset, count) }
    temporaries = []
  }

  // MARK: - Groups of rows

  /// Where one index says which group each row belongs to, rows are sorted by it and each group is filled up to whole
  /// vectors: the group's value is then the same in all lanes, and what is scattered is one sum per vector.
  private var grouping: DataPool.Grouping?
  private var groupIndex: NodeID?

  private func isGroupIndex(_ indices: [NodeID]) -> Bool { indices.count == 1 && indices[0] == groupIndex }

  private func arrangedData(_ access: Access) -> TensorData? {
    guard let grouping, access.strides == [1], case .data(let slot) = graph[access.root].operation else { return nil }
    if let known = arranged[slot] { return known }
    let data = DataPool.arranged(graph.data[slot], by: grouping)
    arranged[slot] = data
    return data
  }

  private var arranged: [Int: TensorData] = [:]

  /// Fewer rows per group would be mostly filling.
  private static let leastRowsPerGroup = 4

  private func findGrouping() {
    guard domain.count == 1, !isTiled else { return }
    var found: (index: NodeID, groups: Int)?
    for id in nodes {
      guard case .scatterAdd = graph[id].operation, !analysis.copies.contains(id.index) else { continue }
      let node = graph[id]
      guard node.operands.count == 2, node.shape.count == 1, graph[node.operands[0]].shape.count == 1,
        case .data(let slot) = graph[node.operands[1]].operation,
        domain[0] >= NestEmitter.leastRowsPerGroup * node.shape[0].extent,
        graph.data[slot].elements.allSatisfy({ $0 >= 0 && $0 < Double(node.shape[0].extent) && $0.rounded() == $0 })
      else { continue }
      // The index with the most groups leaves the least to scatter one by one.
      if found.map({ $0.groups < node.shape[0].extent }) ?? true { found = (node.operands[1], node.shape[0].extent) }
    }
    guard let found, case .data(let slot) = graph[found.index].operation else { return }
    // Every row must come from data, in whatever order; nothing may be kept by row.
    for id in nodes {
      if stores(id) { return }
      if analysis.copies.contains(id.index) { return }
      if case .gather = graph[id].operation {
        let indices = Array(graph[id].operands.dropFirst())
        if indices.contains(found.index) {
          let array = graph[graph[id].operands[0]].shape
          guard indices.count == 1, array.count == 1, array[0].extent == found.groups else { return }
        }
      }
      for source in sources[id] ?? [] {
        switch source {
        case .constant, .scalar: break
        case .same(let root): if !members.contains(root) { return }
        case .memory(let root, let offset, let strides):
          if strides == [0] { continue }
          guard strides == [1], offset == 0, case .data = graph[root].operation,
            graph[root].shape.elementCount == domain[0]
          else { return }
        }
      }
    }
    groupIndex = found.index
    grouping = emitter.pool.grouping(by: graph.data[slot], groups: found.groups)
  }

  private func emitGroups(_ grouping: DataPool.Grouping) {
    func integers(_ offset: Int) -> IRValue {
      emitter.pointer(Destination(base: emitter.environment.data, offset: offset))
    }
    let count = w.loadInteger(integers(grouping.vectorCount), lanes: 1)
    let (groups, sizes) = (integers(grouping.groups), integers(grouping.sizes))
    prepareRow()
    let numbers = IRValue(
      text: "<\((0..<IRValue.vectorLanes).map { "i64 \($0)" }.joined(separator: ", "))>", type: .integer,
      lanes: IRValue.vectorLanes)
    w.loop(from: .integer(0), to: count, step: 1, "group") { vector in
      let group = w.loadInteger(w.address(groups, vector), lanes: 1)
      let size = w.loadInteger(w.address(sizes, vector), lanes: 1)
      let mask = w.compareIntegers(.less, numbers, w.splat(size))
      let index = w.multiplyIntegers(vector, .integer(IRValue.vectorLanes))
      body(Place(lanes: IRValue.vectorLanes, mask: mask, index: index, group: group))
    }
  }
}
