import Numerics

/// A log density with its gradient, ready for the hot path.
package protocol GradientEvaluator: Sendable {
  /// The canonical program, gradient included, with its data: what identifies the results.
  var graph: Graph { get }
  var dimension: Int { get }
  /// Bytes that `evaluate` needs, assigned before running: with `dataByteCount`, the memory forecast.
  var workspaceByteCount: Int { get }
  var dataByteCount: Int { get }
  /// Does what evaluation needs and identifying results does not: called before the first evaluation, at the latest by
  /// asking for the workspace.
  func prepare() throws
  /// The graph as it runs, after all passes.
  var preparedGraph: Graph { get }
  /// The generated code as text, where there is any.
  var codeText: String? { get }
  /// How long each part of an evaluation takes, by an instrumented build; empty where there is none.
  func stepTimes(position: [Double], evaluations: Int) throws -> [StepTime]
  /// The log density at `position`; writes its gradient. Allocates nothing, locks nothing.
  func evaluate(
    position: UnsafePointer<Double>, gradient: UnsafeMutablePointer<Double>, workspace: UnsafeMutableRawPointer
  ) -> Double
}

/// A loop nest, or a call of dense algebra, with the time that one evaluation spends in it.
package struct StepTime: Sendable {
  /// What the loop goes over; empty for single numbers.
  package var extents: [Int]
  /// Of the processor's time stamp counter.
  package var cycles: Double
  /// What is called, where it is no loop over elements.
  package var kernel: String?
  /// Per node its origin, which the display record resolves to a place in the source, and about what its elements cost.
  package var work: [(origin: Int32, cost: Double)]

  package init(extents: [Int], cycles: Double, kernel: String? = nil, work: [(origin: Int32, cost: Double)]) {
    self.extents = extents
    self.cycles = cycles
    self.kernel = kernel
    self.work = work
  }
}

extension GradientEvaluator {
  package var preparedGraph: Graph { graph }
  package var codeText: String? { nil }
  package func prepare() throws {}
  package func stepTimes(position: [Double], evaluations: Int) throws -> [StepTime] { [] }
}

/// What turns a graph into something that runs: the reference evaluator here, compiled code elsewhere.
package protocol Backend: Sendable {
  var name: String { get }
  /// What besides program and data decides the bits of a result: this evaluator, the libraries it calls, the machine.
  /// Results move only between equal classes.
  var numericClass: String { get }
  /// Prepares a log density (the graph's first output) and its gradient.
  func gradientEvaluator(of graph: Graph) throws -> any GradientEvaluator
  /// Prepares a program of several outputs that runs many times.
  func program(for graph: Graph) throws -> any TensorProgram
}

/// A program made ready to run many times, each time in a workspace that the caller keeps.
package protocol TensorProgram: Sendable {
  var workspaceByteCount: Int { get }
  /// Elements of each output.
  var outputCounts: [Int] { get }
  /// Runs once; writes the outputs one after the other.
  ///
  /// - Parameters:
  ///   - workspace: `workspaceByteCount` bytes, aligned to 64.
  ///   - results: As many doubles as the outputs have elements.
  func run(
    position: UnsafePointer<Double>, stream: Program.Stream?, workspace: UnsafeMutableRawPointer,
    results: UnsafeMutablePointer<Double>)
}

extension TensorProgram {
  /// Runs once per draw, and gives the outputs' elements, each with all draws one after the other.
  ///
  /// - Parameter isCancelled: Asked now and then; nil is returned when it says so.
  package func run(
    draws count: Int, position: (Int) -> [Double], stream: (Int) -> Program.Stream?, isCancelled: () -> Bool = { false }
  ) -> [[Double]]? {
    let total = outputCounts.reduce(0, +)
    let results = UnsafeMutablePointer<Double>.allocate(capacity: max(1, total))
    let workspace = UnsafeMutableRawPointer.allocate(byteCount: max(64, workspaceByteCount), alignment: 64)
    defer {
      results.deallocate()
      workspace.deallocate()
    }
    var values = outputCounts.map { size in
      var elements: [Double] = []
      elements.reserveCapacity(min(count * size, 1 << 28))
      return elements
    }
    for draw in 0..<count {
      if draw % 64 == 63, isCancelled() { return nil }
      let point = position(draw)
      point.withUnsafeBufferPointer { buffer in
        run(
          position: buffer.baseAddress ?? UnsafePointer(results), stream: stream(draw), workspace: workspace,
          results: results)
      }
      var offset = 0
      for (slot, size) in outputCounts.enumerated() {
        values[slot] += UnsafeBufferPointer(start: results + offset, count: size)
        offset += size
      }
    }
    return values
  }
}

/// Plain loops that define what every operation means.
package struct ReferenceBackend: Backend {
  package init() {}
  package var name: String { "reference" }

  /// Raised whenever a change of the evaluator or of a pass may change a bit of some result.
  package static let epoch = 3

  /// Dense algebra is loops of the evaluator's own, so no library of linear algebra is named here.
  package var numericClass: String { "\(name) \(ReferenceBackend.epoch); \(NumericClass.platform)" }

  package func gradientEvaluator(of graph: Graph) throws -> any GradientEvaluator {
    let canonical = try Canonicalization.run(graph)
    let (withGradient, offsets) = try Differentiation.valueAndGradient(canonical)
    try Verifier.checkIfEnabled(withGradient, after: "differentiation")
    return ReferenceGradientEvaluator(
      program: Program(withGradient), offsets: offsets, outputCount: canonical.outputs.count,
      dimension: graph.parameterCount)
  }

  package func program(for graph: Graph) throws -> any TensorProgram { try singleProgram(for: graph) }

  /// A program that runs a few times, with whole tensors.
  package func singleProgram(for graph: Graph) throws -> Program { Program(try Canonicalization.run(graph)) }
}

/// The reference evaluator behind the hot-path contract.
package final class ReferenceGradientEvaluator: GradientEvaluator, @unchecked Sendable {
  package let dimension: Int
  package let program: Program
  package var graph: Graph { program.graph }
  private let value: Program.Location
  /// Per parameter node: where its cotangent lies, its offset in the gradient, its length.
  private let blocks: UnsafeMutablePointer<(location: Program.Location, offset: Int, count: Int)>
  private let blockCount: Int

  init(program: Program, offsets: [(offset: Int, count: Int)], outputCount: Int, dimension: Int) {
    self.program = program
    self.dimension = dimension
    let outputs = program.graph.outputs
    value = program.locations[outputs[0].index] ?? Program.Location(base: 0, offset: 0)
    blockCount = offsets.count
    blocks = .allocate(capacity: max(1, blockCount))
    for (index, block) in offsets.enumerated() {
      let location = program.locations[outputs[outputCount + index].index] ?? Program.Location(base: 0, offset: 0)
      (blocks + index).initialize(to: (location, block.offset, block.count))
    }
  }

  deinit { blocks.deallocate() }

  package var workspaceByteCount: Int { program.workspaceByteCount }
  package var dataByteCount: Int { program.dataByteCount }

  package func evaluate(
    position: UnsafePointer<Double>, gradient: UnsafeMutablePointer<Double>, workspace: UnsafeMutableRawPointer
  ) -> Double {
    let buffer = workspace.assumingMemoryBound(to: Double.self)
    let inputs = UnsafeRawPointer(workspace).assumingMemoryBound(to: UnsafePointer<Double>.self)
    program.execute(position: position, inputs: inputs, workspace: buffer, stream: nil)
    for index in 0..<dimension { gradient[index] = 0 }
    for index in 0..<blockCount {
      let block = blocks[index]
      let source = program.address(block.location, position, inputs, buffer)
      for k in 0..<block.count { gradient[block.offset + k] += source[k] }
    }
    return program.address(value, position, inputs, buffer)[0]
  }
}
