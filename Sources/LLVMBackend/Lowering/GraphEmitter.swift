internal import TensorIR

/// What the inputs and leaves of a graph are in generated code.
struct Environment {
  var position: IRValue
  var data: IRValue
  var workspace: IRValue
  var table: IRValue
  var stream: IRValue
  /// Inputs of a loop's body: a number in a register, or an array in memory.
  var inputs: [IRValue] = []
}

/// Where an output goes: an address, and how many doubles after it.
struct Destination {
  var base: IRValue
  var offset: Int
}

/// Writes the code of one graph: its steps one after the other, numbers in registers, arrays in the workspace.
final class GraphEmitter {
  let graph: Graph
  let analysis: ViewAnalysis
  let schedule: Schedule
  let w: IRWriter
  let plan: WorkspacePlan
  let pool: DataPool
  let environment: Environment
  /// How many computed nodes and outputs read each root.
  private(set) var useCounts: [NodeID: Int] = [:]
  /// Roots that are read as memory somewhere, or by a later step.
  private var needsMemory: Set<NodeID> = []
  /// The last step that reads a root's memory.
  private var lastStep: [NodeID: Int] = [:]
  private var places: [NodeID: Destination] = [:]
  private var owned: [NodeID: Int] = [:]
  /// Where cycles are counted by step, in an instrumented build.
  var counters: IRValue?
  /// Single numbers.
  var scalars: [NodeID: IRValue] = [:]

  init(_ graph: Graph, writer: IRWriter, plan: WorkspacePlan, pool: DataPool, environment: Environment) {
    self.graph = graph
    w = writer
    self.plan = plan
    self.pool = pool
    self.environment = environment
    analysis = ViewAnalysis(graph)
    schedule = Schedule(analysis)
    analyzeUses()
  }

  private func cycles() -> IRValue {
    w.module.declare("declare i64 @llvm.readcyclecounter()")
    return w.result(.integer, 1, "call i64 @llvm.readcyclecounter()")
  }

  // MARK: - Uses

  private func analyzeUses() {
    func read(_ root: NodeID, at step: Int) { lastStep[root] = max(lastStep[root] ?? -1, step) }
    func count(_ root: NodeID) { useCounts[root, default: 0] += 1 }
    for (number, step) in schedule.steps.enumerated() {
      let nodes: [NodeID]
      switch step {
      case .nest(_, let list): nodes = list
      case .single(let id): nodes = [id]
      }
      for id in nodes {
        let node = graph[id]
        for source in Schedule.sources(of: id, analysis) {
          switch source {
          case .constant: break
          case .scalar(let root): count(root)
          case .same(let root):
            count(root)
            if schedule.stepOfNode[root] != number {
              needsMemory.insert(root)
              read(root, at: number)
            }
          case .memory(let root, _, _):
            count(root)
            needsMemory.insert(root)
            read(root, at: number)
          }
        }
        if let product = analysis.products[id.index] {
          if product.isRow { require(product.vector, number, read, count) }
          continue
        }
        switch analysis.kind(id.index) {
        case .elementwise:
          if case .gather = node.operation { require(node.operands[0], number, read, count) }
        case .opaque, .concatenation:
          for operand in node.operands { require(operand, number, read, count) }
        case .scan:
          for operand in node.operands {
            let root = analysis.views[operand.index].root
            if analysis.isScalar(root) {
              count(root)
            } else {
              require(operand, number, read, count)
            }
          }
        case .projection:
          // A scan's memory lives as long as its results are read; its own entry covers that.
          count(node.operands[0])
        default: break
        }
      }
    }
    for output in graph.outputs {
      let root = analysis.views[output.index].root
      count(root)
      if !analysis.isScalar(root) {
        needsMemory.insert(root)
        read(root, at: Int.max)
      }
    }
  }

  private func require(_ operand: NodeID, _ step: Int, _ read: (NodeID, Int) -> Void, _ count: (NodeID) -> Void) {
    let root = analysis.views[operand.index].root
    count(root)
    needsMemory.insert(root)
    read(root, step)
  }

  // MARK: - Places

  /// Emits everything and puts the outputs where they are wanted.
  ///
  /// - Parameter destinations: One per output; nil for numbers that the caller takes from ``scalars``.
  func emit(destinations: [Destination?]) {
    for (output, destination) in zip(graph.outputs, destinations) {
      guard let destination else { continue }
      let view = analysis.views[output.index]
      let isWhole =
        view.offset == 0 && !analysis.isScalar(view.root)
        && graph[view.root].shape.elementCount == graph[output].shape.elementCount
        && analysis.isContiguous(view.strides, graph[output].shape.extents)
      switch analysis.kind(view.root.index) {
      case .elementwise, .reduction, .scatter, .concatenation, .opaque:
        if isWhole, places[view.root] == nil { places[view.root] = destination }
      case .leaf, .view, .scan, .projection: break
      }
    }
    for (number, step) in schedule.steps.enumerated() {
      let start = counters == nil ? nil : cycles()
      switch step {
      case .nest(let domain, let nodes): NestEmitter(self, domain: domain, nodes: nodes, step: number).emit()
      case .single(let id): emitSingle(id)
      }
      if let counters, let start {
        let place = w.address(counters, .integer(number))
        let spent = w.subtractIntegers(cycles(), start)
        let sum = w.addIntegers(w.loadInteger(place, lanes: 1), spent)
        w.append("store \(sum.typed), \(place.typed), align 8")
      }
      releaseAfter(number)
    }
    for (output, destination) in zip(graph.outputs, destinations) {
      guard let destination else { continue }
      copyOutput(output, to: destination)
    }
  }

  /// Frees the arrays of this graph's run; nothing may read them afterward.
  func releaseAll() {
    for (root, offset) in owned.sorted(by: { $0.key < $1.key }) { plan.release(offset, ownedSizes[root] ?? 0) }
    owned = [:]
  }

  private var ownedSizes: [NodeID: Int] = [:]

  private func releaseAfter(_ step: Int) {
    for (root, offset) in owned.sorted(by: { $0.key < $1.key }) where lastStep[root] ?? -1 <= step {
      plan.release(offset, ownedSizes[root] ?? 0)
      owned[root] = nil
    }
  }

  /// A region of the workspace that belongs to `root`.
  func allocate(_ root: NodeID, count: Int) -> Destination {
    let offset = plan.allocate(count)
    owned[root] = offset
    ownedSizes[root] = count
    return Destination(base: environment.workspace, offset: offset)
  }

  func isStored(_ root: NodeID) -> Bool { needsMemory.contains(root) }

  /// Where a computed node's array lies; given on first use.
  func place(of root: NodeID) -> Destination {
    if let known = places[root] { return known }
    switch graph[root].operation {
    case .parameter(let offset): return Destination(base: environment.position, offset: offset)
    case .data(let slot):
      return Destination(base: environment.data, offset: pool.place(graph.data[slot]))
    case .constant(let bits):
      let data = TensorData(extents: [], elements: [Double(bitPattern: bits)])
      return Destination(base: environment.data, offset: pool.place(data))
    case .input(let slot):
      let value = environment.inputs[slot]
      if value.type == .pointer { return Destination(base: value, offset: 0) }
      // A number that something wants as memory.
      let home = w.slot(.real, lanes: 1)
      w.storeSlot(value, home)
      return Destination(base: home, offset: 0)
    default:
      let place = allocate(root, count: graph[root].shape.elementCount)
      places[root] = place
      return place
    }
  }

  func set(place: Destination, of root: NodeID) { places[root] = place }

  func pointer(_ place: Destination, plus offset: Int = 0) -> IRValue {
    w.address(place.base, .integer(place.offset + offset))
  }

  /// The value of a root with one element.
  func scalar(_ root: NodeID) -> IRValue {
    if let known = scalars[root] { return known }
    let value: IRValue
    switch graph[root].operation {
    case .constant(let bits): value = .real(Double(bitPattern: bits))
    case .input(let slot) where environment.inputs[slot].type != .pointer: value = environment.inputs[slot]
    default: value = w.load(pointer(place(of: root)), lanes: 1)
    }
    scalars[root] = value
    return value
  }

  /// Loads numbers before the loops that use them: a load inside a branch or loop would not reach beyond it.
  func loadScalar(_ source: Source) {
    if case .scalar(let root) = source, scalars[root] == nil { _ = scalar(root) }
  }

  /// The address of an operand that is contiguous memory.
  func wholePointer(_ operand: NodeID) -> IRValue {
    let view = analysis.views[operand.index]
    return pointer(place(of: view.root), plus: view.offset)
  }

  // MARK: - Outputs

  private func copyOutput(_ output: NodeID, to destination: Destination) {
    let view = analysis.views[output.index]
    let node = graph[output]
    if node.shape.elementCount == 0 { return }
    if analysis.isScalar(view.root) {
      let value = Elements.real(scalar(view.root), in: w)
      if analysis.isScalar(output) {
        w.store(value, to: pointer(destination))
      } else {
        fill(destination, count: node.shape.elementCount, with: value)
      }
      return
    }
    if let place = places[view.root], place.base == destination.base, place.offset == destination.offset { return }
    let strides = zip(node.shape, view.strides).filter { $0.0.extent != 1 }.map(\.1)
    copy(
      from: place(of: view.root), offset: view.offset, strides: strides,
      extents: ViewAnalysis.squeezed(node.shape.extents), to: destination)
  }

  func fill(_ destination: Destination, count: Int, with value: IRValue) {
    let base = pointer(destination)
    if count <= 4 {
      for k in 0..<count { w.store(value, to: w.address(base, .integer(k))) }
      return
    }
    let wide = w.splat(value)
    vectorLoop(count) { index, mask in w.store(wide, to: w.address(base, index), mask: mask) }
  }

  /// Strided elements into a contiguous array.
  func copy(from source: Destination, offset: Int, strides: [Int], extents: [Int], to destination: Destination) {
    let from = pointer(source, plus: offset)
    let to = pointer(destination)
    if ViewAnalysis.contiguousStrides(extents) == strides {
      vectorLoop(extents.reduce(1, *)) { index, mask in
        w.store(w.load(w.address(from, index), lanes: 8, mask: mask), to: w.address(to, index), mask: mask)
      }
      return
    }
    let targets = ViewAnalysis.contiguousStrides(extents)
    func level(_ axis: Int, _ read: IRValue, _ write: IRValue) {
      if axis == extents.count {
        w.store(w.load(w.address(from, read), lanes: 1), to: w.address(to, write))
        return
      }
      w.loop(from: .integer(0), to: .integer(extents[axis]), step: 1, "copy") { k in
        let a = w.addIntegers(read, w.multiplyIntegers(k, .integer(strides[axis])))
        let b = w.addIntegers(write, w.multiplyIntegers(k, .integer(targets[axis])))
        level(axis + 1, a, b)
      }
    }
    level(0, .integer(0), .integer(0))
  }

  /// Whole vectors, then one with a mask.
  func vectorLoop(_ count: Int, _ body: (IRValue, IRValue?) -> Void) {
    let whole = count & ~7
    if whole == 8 {
      body(.integer(0), nil)
    } else if whole > 0 {
      w.loop(from: .integer(0), to: .integer(whole), step: 8, "loop") { body($0, nil) }
    }
    if count > whole { body(.integer(whole), GraphEmitter.mask(count - whole)) }
  }

  static func mask(_ lanes: Int) -> IRValue {
    let list = (0..<IRValue.vectorLanes).map { $0 < lanes ? "i1 true" : "i1 false" }.joined(separator: ", ")
    return IRValue(text: "<\(list)>", type: .truth, lanes: IRValue.vectorLanes)
  }

  // MARK: - Single steps

  private func emitSingle(_ id: NodeID) {
    let node = graph[id]
    switch node.operation {
    case .concatenate(let axis): concatenate(id, node, axis: axis)
    case .scan(let body): ScanEmitter(self, id: id, node: node, body: body).emit()
    case .project: break
    default: callKernel(id, node)
    }
    if analysis.kind(id.index) != .scan, analysis.kind(id.index) != .projection, analysis.isScalar(id) {
      scalars[id] = w.load(pointer(place(of: id)), lanes: 1)
    }
  }

  private func storeIfScalar(_ operand: NodeID) {
    let root = analysis.views[operand.index].root
    guard analysis.isScalar(root), let value = scalars[root] else { return }
    switch analysis.kind(root.index) {
    case .leaf: break
    default: w.store(Elements.real(value, in: w), to: pointer(place(of: root)))
    }
  }

  private func concatenate(_ id: NodeID, _ node: Node, axis: Int) {
    let place = place(of: id)
    let extents = node.shape.extents
    let targets = ViewAnalysis.contiguousStrides(extents)
    var start = 0
    for operand in node.operands {
      let part = graph[operand].shape
      let view = analysis.views[operand.index]
      let destination = Destination(base: place.base, offset: place.offset + start * targets[axis])
      start += part[axis].extent
      if part.elementCount == 0 { continue }
      let outer = extents[..<axis].reduce(1, *)
      let inner = part.extents[axis...].reduce(1, *)
      let row = targets[axis] * extents[axis]
      if analysis.isScalar(view.root) {
        let value = Elements.real(scalar(view.root), in: w)
        if outer == 1 {
          fill(destination, count: inner, with: value)
        } else {
          w.loop(from: .integer(0), to: .integer(outer), step: 1, "rows") { k in
            let base = w.address(pointer(destination), w.multiplyIntegers(k, .integer(row)))
            fill(Destination(base: base, offset: 0), count: inner, with: value)
          }
        }
        continue
      }
      let source = self.place(of: view.root)
      if outer == 1 {
        let strides = zip(part, view.strides).filter { $0.0.extent != 1 }.map(\.1)
        copy(
          from: source, offset: view.offset, strides: strides, extents: ViewAnalysis.squeezed(part.extents),
          to: destination)
        continue
      }
      // Element by element into rows that are farther apart than they are long.
      func level(_ at: Int, _ read: IRValue, _ write: IRValue) {
        if at == part.count {
          w.store(
            w.load(w.address(pointer(source, plus: view.offset), read), lanes: 1),
            to: w.address(pointer(destination), write))
          return
        }
        if part[at].extent == 1 {
          level(at + 1, read, write)
          return
        }
        w.loop(from: .integer(0), to: .integer(part[at].extent), step: 1, "part") { k in
          let a = w.addIntegers(read, w.multiplyIntegers(k, .integer(view.strides[at])))
          let b = w.addIntegers(write, w.multiplyIntegers(k, .integer(targets[at])))
          level(at + 1, a, b)
        }
      }
      level(0, .integer(0), .integer(0))
    }
  }

  private func callKernel(_ id: NodeID, _ node: Node) {
    for operand in node.operands { storeIfScalar(operand) }
    let shapes = node.operands.map { graph[$0].shape }
    let result = pointer(place(of: id))
    let pointers = node.operands.map { wholePointer($0) }
    func number(_ value: Int) -> IRValue { .integer(value) }
    func batch(_ shape: Shape) -> IRValue { number(Array(shape.dropLast(2)).elementCount) }
    let kernel: Int
    let arguments: [IRValue]
    var scratch: (offset: Int, count: Int)?
    defer { if let scratch { plan.release(scratch.offset, scratch.count) } }
    switch node.operation {
    case .matrixProduct:
      let a = shapes[0]
      kernel = KernelTable.matrixProduct
      arguments = [
        pointers[0], pointers[1], result, batch(a), number(a[a.count - 2].extent), number(a[a.count - 1].extent),
        number(node.shape[node.shape.count - 1].extent),
      ]
    case .cholesky:
      kernel = KernelTable.cholesky
      arguments = [pointers[0], result, batch(node.shape), number(node.shape[node.shape.count - 1].extent)]
    case .choleskyAdjoint:
      kernel = KernelTable.choleskyAdjoint
      arguments = [
        pointers[0], pointers[1], result, batch(node.shape), number(node.shape[node.shape.count - 1].extent),
      ]
    case .symmetricEigen:
      let n = node.shape[node.shape.count - 1].extent
      let count = DenseKernels.eigenWorkCount(n)
      let offset = plan.allocate(count)
      scratch = (offset, count)
      kernel = KernelTable.symmetricEigen
      arguments = [
        pointers[0], result, pointer(Destination(base: environment.workspace, offset: offset)), batch(node.shape),
        number(n),
      ]
    case .lowerTriangle(let halves):
      kernel = KernelTable.lowerTriangle
      arguments = [
        pointers[0], result, batch(node.shape), number(node.shape[node.shape.count - 1].extent), number(halves ? 1 : 0),
      ]
    case .triangularSolve(let transposed):
      kernel = KernelTable.triangularSolve
      arguments = [
        pointers[0], pointers[1], result, batch(node.shape), number(node.shape[node.shape.count - 2].extent),
        number(node.shape[node.shape.count - 1].extent), number(transposed ? 1 : 0),
      ]
    case .cumulativeSum(let reversed):
      let count = node.shape.last?.extent ?? 1
      kernel = KernelTable.cumulativeSum
      arguments = [
        pointers[0], result, number(count == 0 ? 0 : node.shape.elementCount / count), number(count),
        number(reversed ? 1 : 0),
      ]
    case .random(let law, let label):
      func step(_ slot: Int) -> IRValue { number(shapes[slot].isEmpty ? 0 : 1) }
      let first = node.operands.count > 1 ? 1 : 0
      let second = node.operands.count > 2 ? 2 : 0
      kernel = KernelTable.random
      arguments = [
        environment.stream, number(RandomKind.allCases.firstIndex(of: law) ?? 0),
        number(Int(truncatingIfNeeded: label.high)), number(Int(truncatingIfNeeded: label.low)), pointers[0], step(0),
        pointers[first], step(first), pointers[second], step(second), result, number(node.shape.elementCount),
      ]
    default: return
    }
    if node.shape.elementCount == 0 { return }
    let slot = w.result(.pointer, 1, "getelementptr inbounds ptr, \(environment.table.typed), i64 \(kernel)")
    w.call(address: w.loadPointer(slot), arguments, returns: nil)
  }
}
