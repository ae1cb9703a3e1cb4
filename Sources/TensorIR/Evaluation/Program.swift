import Foundation
package import Numerics

/// A graph made ready to run: a flat list of instructions over buffers that are assigned beforehand.
///
/// Immutable and shared by threads; each thread brings its own workspace. Running allocates nothing.
package final class Program: TensorProgram, @unchecked Sendable {
  /// Where an operand lies, resolved against the bases of a run.
  struct Location {
    /// 0 workspace, 1 position, 2 data, 3 input table.
    var base: UInt8
    var offset: Int
  }

  enum Code: UInt8 {
    case unary, binary, select, strided, copy, concatenatePart, reduce, cumulativeSum, gather, scatterAdd
    case matrixProduct, cholesky, choleskyAdjoint, symmetricEigen, triangularSolve, lowerTriangle, scan, random
  }

  /// Plain old data, so that the loop over instructions touches no reference counts.
  struct Instruction {
    var code: Code
    var unary: UnaryOperation = .negate
    var binary: BinaryOperation = .add
    var reduction: Reduction = .sum
    var random: RandomKind = .uniform
    var flag = false
    var a = Location(base: 0, offset: 0)
    var b = Location(base: 0, offset: 0)
    var c = Location(base: 0, offset: 0)
    var aStep = 1
    var bStep = 1
    var cStep = 1
    var result = 0
    var count = 0
    var m = 0
    var k = 0
    var n = 0
    /// Start of this instruction's entries in the table of integers.
    var table = 0
    var node: Int32 = 0
    var label = StreamLabel(high: 0, low: 0)
  }

  package let graph: Graph
  let instructions: UnsafeMutablePointer<Instruction>
  let instructionCount: Int
  /// Extents, strides and other lists of integers.
  let table: UnsafeMutablePointer<Int>
  let tableCount: Int
  /// Data and constants, one after the other.
  let pool: UnsafeMutablePointer<Double>
  let poolCount: Int
  let bodies: [Program]
  let locations: [Location?]
  /// Where the outputs lie, for loops over this program as a body.
  let outputs: UnsafeMutablePointer<Location>
  /// Doubles of workspace, scans included.
  package let workspaceCount: Int
  package var workspaceByteCount: Int { (workspaceCount + 8) * MemoryLayout<Double>.stride }
  /// Bytes of data and constants: with the workspace, the memory that running takes.
  package var dataByteCount: Int { poolCount * MemoryLayout<Double>.stride }

  deinit {
    instructions.deallocate()
    table.deallocate()
    pool.deallocate()
    outputs.deallocate()
  }

  /// The key that random nodes draw from, and the number of the draw.
  package struct Stream: Sendable {
    package var key: RandomKey
    package var draw: UInt64
    package init(key: RandomKey, draw: UInt64) {
      self.key = key
      self.draw = draw
    }
  }

  // MARK: - Preparing

  package init(_ graph: Graph) {
    let builder = ProgramBuilder(graph)
    builder.build()
    self.graph = graph
    instructionCount = builder.instructions.count
    instructions = UnsafeMutablePointer<Instruction>.allocate(capacity: max(1, instructionCount))
    instructions.initialize(from: builder.instructions, count: instructionCount)
    tableCount = builder.table.count
    table = UnsafeMutablePointer<Int>.allocate(capacity: max(1, tableCount))
    table.initialize(from: builder.table, count: tableCount)
    poolCount = builder.pool.count
    pool = UnsafeMutablePointer<Double>.allocate(capacity: max(1, poolCount))
    pool.initialize(from: builder.pool, count: poolCount)
    bodies = builder.bodies
    locations = builder.locations
    outputs = UnsafeMutablePointer<Location>.allocate(capacity: max(1, graph.outputs.count))
    for (slot, output) in graph.outputs.enumerated() {
      (outputs + slot).initialize(to: builder.locations[output.index] ?? Location(base: 0, offset: 0))
    }
    workspaceCount = builder.workspaceCount
  }

  // MARK: - Running

  /// Runs on bases given by the caller; nothing is allocated.
  ///
  /// - Parameters:
  ///   - position: `graph.parameterCount` doubles.
  ///   - inputs: A table of `graph.inputCount` addresses.
  ///   - workspace: `workspaceCount` doubles.
  func execute(
    position: UnsafePointer<Double>, inputs: UnsafePointer<UnsafePointer<Double>>,
    workspace: UnsafeMutablePointer<Double>, stream: UnsafePointer<Stream>?
  ) {
    for index in 0..<instructionCount {
      step(instructions + index, position: position, inputs: inputs, workspace: workspace, stream: stream)
    }
  }

  @inline(__always)
  func address(
    _ location: Location, _ position: UnsafePointer<Double>, _ inputs: UnsafePointer<UnsafePointer<Double>>,
    _ workspace: UnsafeMutablePointer<Double>
  ) -> UnsafePointer<Double> {
    switch location.base {
    case 0: UnsafePointer(workspace + location.offset)
    case 1: position + location.offset
    case 2: UnsafePointer(pool + location.offset)
    default: inputs[location.offset]
    }
  }

  func step(
    _ instruction: UnsafePointer<Instruction>, position: UnsafePointer<Double>,
    inputs: UnsafePointer<UnsafePointer<Double>>, workspace: UnsafeMutablePointer<Double>,
    stream: UnsafePointer<Stream>?
  ) {
    let i = instruction.pointee
    let result = workspace + i.result
    let a = address(i.a, position, inputs, workspace)
    switch i.code {
    case .unary: Kernels.unary(i.unary, a, result, i.count)
    case .binary:
      Kernels.binary(i.binary, a, i.aStep, address(i.b, position, inputs, workspace), i.bStep, result, i.count)
    case .select:
      let b = address(i.b, position, inputs, workspace)
      let c = address(i.c, position, inputs, workspace)
      for k in 0..<i.count { result[k] = a[k * i.aStep] != 0 ? b[k * i.bStep] : c[k * i.cStep] }
    case .strided:
      Kernels.strided(a + i.k, result, extents: table + i.table, strides: table + i.table + i.n, rank: i.n)
    case .copy: result.update(from: a, count: i.count)
    case .concatenatePart:
      // m rows of n elements, written with a row stride of k.
      for row in 0..<i.m { (result + row * i.k).update(from: a + row * i.n, count: i.n) }
    case .reduce: Kernels.reduce(i.reduction, a, result, outer: i.m, axis: i.k, inner: i.n)
    case .cumulativeSum: Kernels.cumulativeSum(a, result, rows: i.m, count: i.n, reversed: i.flag)
    case .gather, .scatterAdd:
      index(i, a, result, position, inputs, workspace)
    case .matrixProduct:
      Kernels.matrixProduct(
        a, address(i.b, position, inputs, workspace), result, batch: i.count, m: i.m, k: i.k, n: i.n)
    case .cholesky: Kernels.cholesky(a, result, batch: i.count, n: i.n)
    case .choleskyAdjoint:
      Kernels.choleskyAdjoint(
        a, address(i.b, position, inputs, workspace), result, batch: i.count, n: i.n)
    case .symmetricEigen:
      withUnsafeTemporaryAllocation(of: Double.self, capacity: max(1, i.n * i.n)) { work in
        guard let work = work.baseAddress else { return }
        Kernels.symmetricEigen(a, result, work: work, batch: i.count, n: i.n)
      }
    case .triangularSolve:
      Kernels.triangularSolve(
        a, address(i.b, position, inputs, workspace), result, batch: i.count, n: i.n, columns: i.m,
        transposed: i.flag)
    case .lowerTriangle: Kernels.lowerTriangle(a, result, batch: i.count, n: i.n, halvesDiagonal: i.flag)
    case .scan: runScan(i, position, inputs, workspace, stream)
    case .random:
      guard let stream else {
        for k in 0..<i.count { result[k] = .nan }
        return
      }
      Program.fillRandom(
        i.random, i.label, elements: a, elementStep: i.aStep, first: address(i.b, position, inputs, workspace),
        firstStep: i.bStep, second: address(i.c, position, inputs, workspace), secondStep: i.cStep, result,
        count: i.count, stream: stream)
    }
  }

  /// Gather and scatter: the table holds, per index operand, its base, offset, element step, axis extent and stride.
  private func index(
    _ i: Instruction, _ a: UnsafePointer<Double>, _ result: UnsafeMutablePointer<Double>,
    _ position: UnsafePointer<Double>, _ inputs: UnsafePointer<UnsafePointer<Double>>,
    _ workspace: UnsafeMutablePointer<Double>
  ) {
    let rows = i.m
    let block = i.n
    let axes = i.k
    if i.code == .scatterAdd { for k in 0..<i.count { result[k] = 0 } }
    for row in 0..<rows {
      var offset = 0
      var isInside = true
      for axis in 0..<axes {
        let entry = table + i.table + axis * 5
        let values = address(
          Location(base: UInt8(truncatingIfNeeded: entry[0]), offset: entry[1]), position, inputs, workspace)
        let value = values[row * entry[2]]
        if value >= 0, value < Double(entry[3]) {
          offset += Int(value) * entry[4]
        } else {
          isInside = false
        }
      }
      if i.code == .gather {
        let target = result + row * block
        if isInside {
          let source = a + offset
          if block == 1 { target[0] = source[0] } else { target.update(from: source, count: block) }
        } else {
          for k in 0..<block { target[k] = .nan }
        }
      } else if isInside {
        let source = a + row * block
        let target = result + offset
        for k in 0..<block { target[k] += source[k] }
      }
    }
  }

  /// Table of a scan: body number, then for each operand its base, offset and size (per step for slices), then for each
  /// body output its size and where it goes.
  ///
  /// - Parameter blame: Where set, steps run in checked mode until one of them is blamed.
  func runScan(
    _ i: Instruction, _ position: UnsafePointer<Double>, _ inputs: UnsafePointer<UnsafePointer<Double>>,
    _ workspace: UnsafeMutablePointer<Double>, _ stream: UnsafePointer<Stream>?,
    blame: UnsafeMutablePointer<Blame?>? = nil
  ) {
    let entries = table + i.table
    let program = bodies[entries[0]]
    let carryCount = entries[1]
    let slicedCount = entries[2]
    let operandCount = entries[3]
    let outputCount = entries[4]
    let steps = entries[5]
    let addressTable = entries[6]
    let bodyWorkspace = workspace + entries[7]
    let temporary = workspace + entries[8]
    let operands = entries + 9
    let outputs = operands + 3 * operandCount
    let addresses = UnsafeMutableRawPointer(workspace + addressTable)
      .assumingMemoryBound(to: UnsafePointer<Double>.self)
    // Carries live where the final ones are read from.
    for k in 0..<carryCount {
      let source = address(
        Location(base: UInt8(truncatingIfNeeded: operands[3 * k]), offset: operands[3 * k + 1]), position, inputs,
        workspace)
      let home = workspace + outputs[2 * k + 1]
      home.update(from: source, count: operands[3 * k + 2])
      addresses[k] = UnsafePointer(home)
    }
    for k in carryCount..<operandCount {
      addresses[k] = address(
        Location(base: UInt8(truncatingIfNeeded: operands[3 * k]), offset: operands[3 * k + 1]), position, inputs,
        workspace)
    }
    for count in 0..<steps {
      let step = i.flag ? steps - 1 - count : count
      for k in carryCount..<(carryCount + slicedCount) {
        let base = address(
          Location(base: UInt8(truncatingIfNeeded: operands[3 * k]), offset: operands[3 * k + 1]), position, inputs,
          workspace)
        addresses[k] = base + step * operands[3 * k + 2]
      }
      if let blame, blame.pointee == nil {
        blame.pointee = program.checkedRun(
          position: position, inputs: UnsafePointer(addresses), workspace: bodyWorkspace, stream: stream)
      } else {
        program.execute(position: position, inputs: UnsafePointer(addresses), workspace: bodyWorkspace, stream: stream)
      }
      // Next carries go through a temporary: one may be another's old value.
      var offset = 0
      for k in 0..<outputCount {
        let size = outputs[2 * k]
        let source = program.address(program.outputs[k], position, UnsafePointer(addresses), bodyWorkspace)
        if k < carryCount {
          (temporary + offset).update(from: source, count: size)
          offset += size
        } else {
          (workspace + outputs[2 * k + 1] + step * size).update(from: source, count: size)
        }
      }
      offset = 0
      for k in 0..<carryCount {
        let size = outputs[2 * k]
        (workspace + outputs[2 * k + 1]).update(from: temporary + offset, count: size)
        offset += size
      }
    }
  }

  // MARK: - Many runs

  package var outputCounts: [Int] { graph.outputs.map { graph[$0].shape.elementCount } }

  package func run(
    position: UnsafePointer<Double>, stream: Stream?, workspace: UnsafeMutableRawPointer,
    results: UnsafeMutablePointer<Double>
  ) {
    let buffer = workspace.assumingMemoryBound(to: Double.self)
    // There are no inputs; the table is never read.
    let inputs = UnsafeRawPointer(workspace).assumingMemoryBound(to: UnsafePointer<Double>.self)
    if var stream {
      execute(position: position, inputs: inputs, workspace: buffer, stream: &stream)
    } else {
      execute(position: position, inputs: inputs, workspace: buffer, stream: nil)
    }
    var offset = 0
    for (slot, output) in graph.outputs.enumerated() {
      let count = graph[output].shape.elementCount
      (results + offset).update(from: address(outputs[slot], position, inputs, buffer), count: count)
      offset += count
    }
  }

  // MARK: - Whole tensors

  /// Runs once on tensors given whole and returns the outputs.
  package func run(position: [Double], inputs: [TensorData], stream: Stream? = nil) -> [TensorData] {
    let workspace = UnsafeMutablePointer<Double>.allocate(capacity: workspaceCount + 8)
    defer { workspace.deallocate() }
    return run(position: position, inputs: inputs, stream: stream, workspace: workspace)
  }

  /// As above in a workspace that the caller keeps from run to run.
  package func run(
    position: [Double], inputs: [TensorData], stream: Stream?, workspace: UnsafeMutablePointer<Double>
  ) -> [TensorData] {
    withArguments(position: position, inputs: inputs, stream: stream) { position, table, stream in
      execute(position: position, inputs: table, workspace: workspace, stream: stream)
      return graph.outputs.map { output in
        let node = graph[output]
        guard let location = locations[output.index] else { return TensorData(extents: [], elements: [.nan]) }
        let source = address(location, position, table, workspace)
        return TensorData(
          extents: node.shape.extents,
          elements: Array(UnsafeBufferPointer(start: source, count: node.shape.elementCount)))
      }
    }
  }

  func withArguments<Result>(
    position: [Double], inputs: [TensorData], stream: Stream?,
    _ body: (UnsafePointer<Double>, UnsafePointer<UnsafePointer<Double>>, UnsafePointer<Stream>?) -> Result
  ) -> Result {
    var sizes = [0]
    for input in inputs { sizes.append(sizes[sizes.count - 1] + input.elements.count) }
    let storage = UnsafeMutablePointer<Double>.allocate(capacity: max(1, sizes[sizes.count - 1]))
    let addresses = UnsafeMutablePointer<UnsafePointer<Double>>.allocate(capacity: max(1, inputs.count))
    let point = UnsafeMutablePointer<Double>.allocate(capacity: max(1, position.count))
    defer {
      storage.deallocate()
      addresses.deallocate()
      point.deallocate()
    }
    point.initialize(from: position, count: position.count)
    for (index, input) in inputs.enumerated() {
      (storage + sizes[index]).initialize(from: input.elements, count: input.elements.count)
      (addresses + index).initialize(to: UnsafePointer(storage + sizes[index]))
    }
    guard var stream else { return body(point, addresses, nil) }
    return withUnsafePointer(to: &stream) { body(point, addresses, $0) }
  }
}
