import Numerics

/// Turns a graph into instructions and assigns every buffer: the memory plan.
final class ProgramBuilder {
  let graph: Graph
  var instructions: [Program.Instruction] = []
  var table: [Int] = []
  var pool: [Double] = []
  var bodies: [Program] = []
  var locations: [Program.Location?]
  private let plan = WorkspacePlan()
  var workspaceCount: Int { plan.count }

  private var isLive: [Bool]
  private var lastUse: [Int]

  init(_ graph: Graph) {
    self.graph = graph
    locations = Array(repeating: nil, count: graph.nodes.count)
    isLive = Array(repeating: false, count: graph.nodes.count)
    lastUse = Array(repeating: -1, count: graph.nodes.count)
  }

  func build() {
    for output in graph.outputs { isLive[output.index] = true }
    for index in graph.nodes.indices.reversed() where isLive[index] {
      for operand in graph.nodes[index].operands { isLive[operand.index] = true }
    }
    for index in graph.nodes.indices where isLive[index] {
      for operand in graph.nodes[index].operands { lastUse[operand.index] = index }
    }
    extendLifetimes()
    for output in graph.outputs { lastUse[output.index] = Int.max }
    var releases: [Int: [Int]] = [:]
    for index in graph.nodes.indices where isLive[index] && lastUse[index] != Int.max && lastUse[index] >= 0 {
      releases[lastUse[index], default: []].append(index)
    }
    for index in graph.nodes.indices where isLive[index] {
      emit(index)
      for done in releases[index] ?? [] { release(done) }
    }
  }

  /// A reshape is the same memory as its operand, and a projection part of its scan's: they keep it alive.
  private func extendLifetimes() {
    for index in graph.nodes.indices.reversed() where isLive[index] {
      let node = graph.nodes[index]
      switch node.operation {
      case .reshape:
        let operand = node.operands[0].index
        lastUse[operand] = max(
          lastUse[operand], graph.outputs.contains(NodeID(Int32(index))) ? Int.max : lastUse[index])
      case .project:
        let scan = node.operands[0].index
        lastUse[scan] = max(lastUse[scan], graph.outputs.contains(NodeID(Int32(index))) ? Int.max : lastUse[index])
      default: break
      }
    }
  }

  // MARK: - Buffers

  private var sizes: [Int: Int] = [:]

  private func release(_ index: Int) {
    guard let size = sizes[index], case .some(let location) = locations[index], location.base == 0 else { return }
    sizes[index] = nil
    plan.release(location.offset, size)
  }

  /// Gives a node its own buffer.
  private func place(_ index: Int) -> Int {
    let count = graph.nodes[index].shape.elementCount
    let offset = plan.allocate(count)
    sizes[index] = count
    locations[index] = Program.Location(base: 0, offset: offset)
    return offset
  }

  private func pooled(_ elements: [Double]) -> Program.Location {
    while pool.count % 8 != 0 { pool.append(0) }
    let offset = pool.count
    pool += elements
    if elements.isEmpty { pool.append(0) }
    return Program.Location(base: 2, offset: offset)
  }

  private func location(_ id: NodeID) -> Program.Location {
    locations[id.index] ?? Program.Location(base: 0, offset: 0)
  }

  private func step(_ id: NodeID, in shape: Shape) -> Int {
    graph[id].shape.isEmpty && !shape.isEmpty ? 0 : (shape.isEmpty ? 0 : 1)
  }

  // MARK: - Instructions

  private func emit(_ index: Int) {
    let node = graph.nodes[index]
    var instruction = Program.Instruction(code: .copy)
    instruction.node = Int32(index)
    instruction.count = node.shape.elementCount
    func operand(_ slot: Int) -> Shape { graph[node.operands[slot]].shape }

    switch node.operation {
    case .parameter(let offset):
      locations[index] = Program.Location(base: 1, offset: offset)
      return
    case .input(let slot):
      locations[index] = Program.Location(base: 3, offset: slot)
      return
    case .data(let slot):
      locations[index] = pooled(graph.data[slot].elements)
      return
    case .constant(let bits):
      locations[index] = pooled([Double(bitPattern: bits)])
      return
    case .reshape:
      locations[index] = location(node.operands[0])
      return
    case .project(let slot):
      locations[index] = scanResults[node.operands[0].index]?[slot]
      return
    case .unary(let operation):
      instruction.code = .unary
      instruction.unary = operation
      instruction.a = location(node.operands[0])
    case .binary(let operation):
      instruction.code = .binary
      instruction.binary = operation
      instruction.a = location(node.operands[0])
      instruction.b = location(node.operands[1])
      instruction.aStep = step(node.operands[0], in: node.shape)
      instruction.bStep = step(node.operands[1], in: node.shape)
    case .select:
      instruction.code = .select
      instruction.a = location(node.operands[0])
      instruction.b = location(node.operands[1])
      instruction.c = location(node.operands[2])
      instruction.aStep = step(node.operands[0], in: node.shape)
      instruction.bStep = step(node.operands[1], in: node.shape)
      instruction.cStep = step(node.operands[2], in: node.shape)
    case .broadcast(let mapping):
      let source = strides(of: operand(0))
      var result = Array(repeating: 0, count: node.shape.count)
      for (axis, target) in mapping.enumerated() { result[target] = source[axis] }
      strided(&instruction, node, strides: result, start: 0)
    case .permute(let order):
      let source = strides(of: operand(0))
      strided(&instruction, node, strides: order.map { source[$0] }, start: 0)
    case .slice(let axis, let start):
      let source = strides(of: operand(0))
      strided(&instruction, node, strides: source, start: start * source[axis])
    case .concatenate(let axis):
      emitConcatenation(index, node, axis: axis)
      return
    case .reduce(let reduction, let axes):
      emitReduction(index, node, reduction, axes: axes)
      return
    case .cumulativeSum(let reversed):
      instruction.code = .cumulativeSum
      instruction.flag = reversed
      instruction.a = location(node.operands[0])
      instruction.n = node.shape.last?.extent ?? 1
      instruction.m = instruction.n == 0 ? 0 : instruction.count / instruction.n
    case .gather, .scatterAdd:
      let isGather = node.operation == .gather
      instruction.code = isGather ? .gather : .scatterAdd
      instruction.a = location(node.operands[0])
      let whole = isGather ? operand(0) : node.shape
      let indices = node.operands.dropFirst()
      let wholeStrides = strides(of: whole)
      instruction.k = indices.count
      instruction.m = graph[indices[1]].shape.elementCount
      instruction.n = Array(whole.dropFirst(indices.count)).elementCount
      instruction.table = table.count
      for (axis, id) in indices.enumerated() {
        let place = location(id)
        table += [
          Int(place.base), place.offset, graph[id].shape.elementCount == 1 ? 0 : 1, whole[axis].extent,
          wholeStrides[axis],
        ]
      }
    case .matrixProduct:
      let a = operand(0)
      instruction.code = .matrixProduct
      instruction.a = location(node.operands[0])
      instruction.b = location(node.operands[1])
      instruction.m = a[a.count - 2].extent
      instruction.k = a[a.count - 1].extent
      instruction.n = node.shape[node.shape.count - 1].extent
      instruction.count = Array(a.dropLast(2)).elementCount
    case .cholesky, .lowerTriangle:
      if case .lowerTriangle(let halves) = node.operation {
        instruction.code = .lowerTriangle
        instruction.flag = halves
      } else {
        instruction.code = .cholesky
      }
      instruction.a = location(node.operands[0])
      instruction.n = node.shape[node.shape.count - 1].extent
      instruction.count = Array(node.shape.dropLast(2)).elementCount
    case .choleskyAdjoint:
      instruction.code = .choleskyAdjoint
      instruction.a = location(node.operands[0])
      instruction.b = location(node.operands[1])
      instruction.n = node.shape[node.shape.count - 1].extent
      instruction.count = Array(node.shape.dropLast(2)).elementCount
    case .symmetricEigen:
      instruction.code = .symmetricEigen
      instruction.a = location(node.operands[0])
      instruction.n = node.shape[node.shape.count - 1].extent
      instruction.count = Array(node.shape.dropLast(2)).elementCount
    case .triangularSolve(let transposed):
      instruction.code = .triangularSolve
      instruction.flag = transposed
      instruction.a = location(node.operands[0])
      instruction.b = location(node.operands[1])
      instruction.n = node.shape[node.shape.count - 2].extent
      instruction.m = node.shape[node.shape.count - 1].extent
      instruction.count = Array(node.shape.dropLast(2)).elementCount
    case .scan(let body):
      emitScan(index, node, body)
      return
    case .random(let kind, let label):
      instruction.code = .random
      instruction.random = kind
      instruction.label = label
      instruction.a = location(node.operands[0])
      instruction.aStep = step(node.operands[0], in: node.shape)
      let zero = node.operands[0]
      instruction.b = location(node.operands.count > 1 ? node.operands[1] : zero)
      instruction.bStep = step(node.operands.count > 1 ? node.operands[1] : zero, in: node.shape)
      instruction.c = location(node.operands.count > 2 ? node.operands[2] : zero)
      instruction.cStep = step(node.operands.count > 2 ? node.operands[2] : zero, in: node.shape)
    }
    instruction.result = place(index)
    instructions.append(instruction)
  }

  private func strides(of shape: Shape) -> [Int] {
    var result = Array(repeating: 1, count: shape.count)
    for axis in stride(from: shape.count - 2, through: 0, by: -1) {
      result[axis] = result[axis + 1] * shape[axis + 1].extent
    }
    return result
  }

  private func strided(_ instruction: inout Program.Instruction, _ node: Node, strides: [Int], start: Int) {
    instruction.code = .strided
    instruction.a = location(node.operands[0])
    instruction.k = start
    if node.shape.elementCount == 0 {
      instruction.code = .copy
      return
    }
    // Neighboring axes that are contiguous in the source are one axis.
    var extents: [Int] = []
    var merged: [Int] = []
    for (dimension, step) in zip(node.shape, strides) {
      if let last = merged.last, last == step * dimension.extent, step != 0 {
        extents[extents.count - 1] *= dimension.extent
        merged[merged.count - 1] = step
      } else if let last = merged.last, last == 0, step == 0 {
        extents[extents.count - 1] *= dimension.extent
      } else {
        extents.append(dimension.extent)
        merged.append(step)
      }
    }
    instruction.n = extents.count
    instruction.table = table.count
    table += extents + merged
  }

  private func emitConcatenation(_ index: Int, _ node: Node, axis: Int) {
    let result = place(index)
    let inner = Array(node.shape.dropFirst(axis + 1)).elementCount
    let outer = Array(node.shape.prefix(axis)).elementCount
    let row = node.shape[axis].extent * inner
    var offset = 0
    for operand in node.operands {
      let part = graph[operand].shape[axis].extent * inner
      var instruction = Program.Instruction(code: .concatenatePart)
      instruction.node = Int32(index)
      instruction.a = location(operand)
      instruction.m = outer
      instruction.n = part
      instruction.k = row
      instruction.result = result + offset
      instructions.append(instruction)
      offset += part
    }
  }

  /// Axes are reduced one run of neighbors at a time, the last first.
  private func emitReduction(_ index: Int, _ node: Node, _ reduction: Reduction, axes: [Int]) {
    var shape = graph[node.operands[0]].shape.extents
    var source = location(node.operands[0])
    var rest = axes
    var temporaries: [(offset: Int, size: Int)] = []
    while let last = rest.popLast() {
      var first = last
      while let next = rest.last, next == first - 1 {
        first = next
        rest.removeLast()
      }
      var instruction = Program.Instruction(code: .reduce)
      instruction.node = Int32(index)
      instruction.reduction = reduction
      instruction.a = source
      instruction.m = shape[..<first].reduce(1, *)
      instruction.k = shape[first...last].reduce(1, *)
      instruction.n = shape[(last + 1)...].reduce(1, *)
      instruction.count = instruction.m * instruction.n
      shape.removeSubrange(first...last)
      if rest.isEmpty {
        instruction.result = place(index)
      } else {
        instruction.result = plan.allocate(instruction.count)
        temporaries.append((instruction.result, instruction.count))
      }
      source = Program.Location(base: 0, offset: instruction.result)
      instructions.append(instruction)
    }
    for temporary in temporaries { plan.release(temporary.offset, temporary.size) }
  }

  private var scanResults: [Int: [Program.Location]] = [:]

  private func emitScan(_ index: Int, _ node: Node, _ body: ScanBody) {
    let program = Program(body.graph)
    bodies.append(program)
    var instruction = Program.Instruction(code: .scan)
    instruction.node = Int32(index)
    instruction.flag = body.isReversed
    instruction.count = 0
    // One block holds everything the scan writes, so that one lifetime covers it.
    var outputs: [Int] = []
    var results: [Program.Location] = []
    var total = 0
    func reserve(_ count: Int) -> Int {
      defer { total += (max(1, count) + 7) & ~7 }
      return total
    }
    var carrySize = 0
    for (slot, output) in body.graph.outputs.enumerated() {
      let size = body.graph[output].shape.elementCount
      if slot < body.carryCount { carrySize += size }
      outputs += [size, reserve(slot < body.carryCount ? size : size * body.steps)]
    }
    let addresses = reserve(node.operands.count)
    let bodyWorkspace = reserve(program.workspaceCount + 8)
    let temporary = reserve(carrySize)
    let base = plan.allocate(total)
    sizes[index] = total
    locations[index] = Program.Location(base: 0, offset: base)
    for slot in stride(from: 1, to: outputs.count, by: 2) {
      outputs[slot] += base
      results.append(Program.Location(base: 0, offset: outputs[slot]))
    }
    scanResults[index] = results
    instruction.table = table.count
    table += [
      bodies.count - 1, body.carryCount, body.slicedCount, node.operands.count, body.graph.outputs.count, body.steps,
      base + addresses, base + bodyWorkspace, base + temporary,
    ]
    for (slot, operand) in node.operands.enumerated() {
      let place = location(operand)
      let shape = graph[operand].shape
      let isSliced = slot >= body.carryCount && slot < body.carryCount + body.slicedCount
      let size = isSliced ? Array(shape.dropFirst()).elementCount : shape.elementCount
      table += [Int(place.base), place.offset, size]
    }
    table += outputs
    instructions.append(instruction)
  }
}
