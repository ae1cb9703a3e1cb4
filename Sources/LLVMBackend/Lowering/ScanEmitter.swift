internal import TensorIR

/// Writes a loop in sequence: carries of one number in registers, others in memory; the body is a graph of its own.
final class ScanEmitter {
  private let emitter: GraphEmitter
  private let id: NodeID
  private let node: Node
  private let body: ScanBody
  private let w: IRWriter

  init(_ emitter: GraphEmitter, id: NodeID, node: Node, body: ScanBody) {
    self.emitter = emitter
    self.id = id
    self.node = node
    self.body = body
    w = emitter.w
  }

  private func size(_ slot: Int) -> Int { body.graph[body.graph.outputs[slot]].shape.elementCount }

  /// An operand with one element, or nil.
  private func number(_ operand: NodeID) -> IRValue? {
    let root = emitter.analysis.views[operand.index].root
    guard emitter.analysis.isScalar(root) else { return nil }
    return Elements.real(emitter.scalar(root), in: w)
  }

  func emit() {
    let graph = emitter.graph
    let capturedStart = body.carryCount + body.slicedCount
    // Results that something reads.
    var projections: [Int: NodeID] = [:]
    for (index, candidate) in graph.nodes.enumerated() where emitter.analysis.isLive[index] {
      if case .project(let slot) = candidate.operation, candidate.operands[0] == id {
        projections[slot] = NodeID(Int32(index))
      }
    }
    // Homes of the carries.
    var slots: [Int: IRValue] = [:]
    var homes: [Int: Destination] = [:]
    var temporaries: [(offset: Int, count: Int)] = []
    func temporary(_ count: Int) -> Destination {
      let offset = emitter.plan.allocate(count)
      temporaries.append((offset, count))
      return Destination(base: emitter.environment.workspace, offset: offset)
    }
    for carry in 0..<body.carryCount {
      let operand = node.operands[carry]
      let count = size(carry)
      if count == 1 {
        let slot = w.slot(.real, lanes: 1)
        let start = number(operand) ?? w.load(emitter.wholePointer(operand), lanes: 1)
        w.storeSlot(start, slot)
        slots[carry] = slot
        continue
      }
      let home: Destination
      if let projection = projections[carry] {
        home = emitter.place(of: projection)
      } else {
        home = temporary(count)
      }
      homes[carry] = home
      guard count > 0 else { continue }
      if let value = number(operand) {
        emitter.fill(home, count: count, with: value)
      } else {
        let view = emitter.analysis.views[operand.index]
        emitter.copy(
          from: emitter.place(of: view.root), offset: view.offset, strides: [1], extents: [count], to: home)
      }
    }
    var stacks: [Int: IRValue] = [:]
    for slot in body.carryCount..<body.graph.outputs.count {
      guard let projection = projections[slot] else { continue }
      stacks[slot] = emitter.pointer(emitter.place(of: projection))
    }
    // Operands that hold for all steps.
    var fixed: [Int: IRValue] = [:]
    for slot in body.carryCount..<node.operands.count {
      if let value = number(node.operands[slot]) {
        fixed[slot] = value
      } else {
        fixed[slot] = emitter.wholePointer(node.operands[slot])
      }
    }

    var done = 0
    if let linear = LinearRecurrence(body), let carry = slots[0],
      node.operands[1..<capturedStart].allSatisfy({ graph[$0].shape.elementCount == body.steps })
    {
      let kept = stacks.keys.sorted()
      func places(_ ofNext: Bool) -> [IRValue] {
        kept.filter { (body.graph.outputs[$0] == body.graph.outputs[0]) == ofNext }.compactMap { stacks[$0] }
      }
      // One element of an array is an address here, and a number to the recurrence.
      var operands = fixed
      for slot in capturedStart..<node.operands.count where graph[node.operands[slot]].shape.elementCount == 1 {
        if let value = fixed[slot], value.type == .pointer { operands[slot] = w.load(value, lanes: 1) }
      }
      let lanes = IRValue.vectorLanes
      let zeros = TensorData(extents: [lanes], elements: Array(repeating: 0, count: lanes))
      let place = Destination(base: emitter.environment.data, offset: emitter.pool.place(zeros))
      done = linear.emit(
        w, steps: body.steps, isReversed: body.isReversed, operands: operands, carry: carry,
        zeros: emitter.pointer(place), before: places(false), after: places(true))
    }
    if body.steps > done {
      w.loop(from: .integer(done), to: .integer(body.steps), step: 1, "step") { count in
        let step =
          body.isReversed ? w.subtractIntegers(.integer(body.steps - 1), count) : count
        var inputs: [IRValue] = []
        for slot in node.operands.indices {
          if slot < body.carryCount {
            inputs.append(
              slots[slot].map { w.loadSlot($0, .real, lanes: 1) }
                ?? homes[slot].map { emitter.pointer($0) } ?? .real(.nan))
          } else if slot < capturedStart {
            guard let base = fixed[slot] else { continue }
            if base.type == .real {
              // One step, or a number in all of them.
              inputs.append(base)
              continue
            }
            let count = graph[node.operands[slot]].shape.dropFirst().reduce(1) { $0 * $1.extent }
            let place = w.address(base, w.multiplyIntegers(step, .integer(count)))
            inputs.append(count == 1 ? w.load(place, lanes: 1) : place)
          } else {
            inputs.append(fixed[slot] ?? .real(.nan))
          }
        }
        emitBody(step: step, inputs: inputs, slots: slots, homes: homes, stacks: stacks)
      }
    }
    for carry in slots.keys.sorted() {
      guard let projection = projections[carry], let slot = slots[carry] else { continue }
      let value = w.loadSlot(slot, .real, lanes: 1)
      emitter.scalars[projection] = value
      if emitter.isStored(projection) { w.store(value, to: emitter.pointer(emitter.place(of: projection))) }
    }
    // Stacks of one element are numbers too.
    for projection in projections.values.sorted() where emitter.scalars[projection] == nil {
      if emitter.analysis.isScalar(projection) {
        emitter.scalars[projection] = w.load(emitter.pointer(emitter.place(of: projection)), lanes: 1)
      }
    }
    for (offset, count) in temporaries { emitter.plan.release(offset, count) }
  }

  private func emitBody(
    step: IRValue, inputs: [IRValue], slots: [Int: IRValue], homes: [Int: Destination], stacks: [Int: IRValue]
  ) {
    var environment = emitter.environment
    environment.inputs = inputs
    let inner = GraphEmitter(
      body.graph, writer: w, plan: emitter.plan, pool: emitter.pool, environment: environment)
    var destinations: [Destination?] = []
    var next: [Int: (from: Destination, to: Destination, count: Int)] = [:]
    for slot in body.graph.outputs.indices {
      let count = size(slot)
      if slot < body.carryCount {
        guard count != 1, let home = homes[slot] else {
          destinations.append(nil)
          continue
        }
        // One carry may be another's old value, so that all are computed before the first is written.
        let place = Destination(base: environment.workspace, offset: emitter.plan.allocate(count))
        next[slot] = (place, home, count)
        destinations.append(place)
      } else if count == 1 {
        destinations.append(nil)
      } else if let stack = stacks[slot] {
        destinations.append(
          Destination(base: w.address(stack, w.multiplyIntegers(step, .integer(count))), offset: 0))
      } else {
        destinations.append(nil)
      }
    }
    inner.emit(destinations: destinations)
    var values: [(IRValue, IRValue)] = []
    for (slot, output) in body.graph.outputs.enumerated() where size(slot) == 1 {
      let value = Elements.real(inner.scalarOutput(output), in: w)
      if let home = slots[slot], slot < body.carryCount {
        values.append((value, home))
      } else if let stack = stacks[slot] {
        w.store(value, to: w.address(stack, step))
      }
    }
    for (value, home) in values { w.storeSlot(value, home) }
    for slot in next.keys.sorted() {
      guard let (from, to, count) = next[slot] else { continue }
      emitter.copy(from: from, offset: 0, strides: [1], extents: [count], to: to)
      emitter.plan.release(from.offset, count)
    }
    inner.releaseAll()
  }
}

extension GraphEmitter {
  /// The value of an output with one element.
  func scalarOutput(_ output: NodeID) -> IRValue {
    let view = analysis.views[output.index]
    if analysis.isScalar(view.root) { return scalar(view.root) }
    return w.load(pointer(place(of: view.root), plus: view.offset), lanes: 1)
  }
}
