internal import Numerics
package import TensorIR

/// Compiles graphs to machine code through LLVM.
package struct LLVMBackend: Backend {
  /// nil: the shared one, opened when something is compiled for the first time.
  private let given: LLVMLibrary?
  package let target: CodeTarget
  let store: (any ObjectStore)?

  /// Raised whenever a change of the emitter or of a pass may change a bit of some result.
  package static let epoch = 1

  package init(library: LLVMLibrary? = nil, target: CodeTarget = CodeTarget(), store: (any ObjectStore)? = nil) {
    given = library
    self.target = target
    self.store = store
  }

  package var name: String { "compiled" }

  /// Neither the version of LLVM nor the processor's vectors are part of it: they change no bit.
  package var numericClass: String {
    "\(name) \(LLVMBackend.epoch); \(NumericClass.platform); \(KernelTable.denseLibrary)"
  }

  private func library() throws(CompilationError) -> LLVMLibrary {
    if let given { return given }
    return try LLVMLibrary.shared.get()
  }

  /// Simple algebra, then loops without what need not run in sequence, then the algebra that this opens.
  private static func distributed(_ graph: Graph) throws(GraphError) -> Graph {
    let simple = try Simplification.run(graph)
    try Verifier.checkIfEnabled(simple, after: "simplification")
    let apart = try ScanDistribution.run(simple)
    try Verifier.checkIfEnabled(apart, after: "distribution of loops")
    let result = try Simplification.run(apart)
    try Verifier.checkIfEnabled(result, after: "simplification")
    return result
  }

  package func gradientEvaluator(of graph: Graph) throws -> any GradientEvaluator {
    var plain = try Canonicalization.run(graph)
    plain.outputs = [plain.outputs[0]]
    let simple = try LLVMBackend.distributed(plain)
    let (withGradient, offsets) = try Differentiation.valueAndGradient(simple)
    try Verifier.checkIfEnabled(withGradient, after: "differentiation")
    let prepared = try LLVMBackend.distributed(try Decomposition.run(withGradient))
    // The value is returned, not stored.
    let source = CodeSource(
      prepared, destinations: [nil] + offsets.map { $0.offset }, clearing: graph.parameterCount)
    let code = try CompiledCode(source, library: try library(), target: target, store: store)
    return CompiledGradientEvaluator(
      code: code, graph: withGradient, prepared: prepared, dimension: graph.parameterCount)
  }

  package func program(for graph: Graph) throws -> any TensorProgram {
    let prepared = try LLVMBackend.distributed(try Decomposition.run(try Canonicalization.run(graph)))
    var offset = 0
    var destinations: [Int] = []
    for output in prepared.outputs {
      destinations.append(offset)
      offset += prepared[output].shape.elementCount
    }
    let source = CodeSource(prepared, destinations: destinations)
    let code = try CompiledCode(source, library: try library(), target: target, store: store)
    return CompiledProgram(code: code, outputCounts: prepared.outputs.map { prepared[$0].shape.elementCount })
  }
}

/// Machine code of a program with several outputs.
package final class CompiledProgram: TensorProgram, @unchecked Sendable {
  package let code: CompiledCode
  package let outputCounts: [Int]
  private let table = UnsafeRawPointer(KernelTable.address)

  init(code: CompiledCode, outputCounts: [Int]) {
    self.code = code
    self.outputCounts = outputCounts
  }

  package var workspaceByteCount: Int { code.workspaceByteCount }

  package func run(
    position: UnsafePointer<Double>, stream: Program.Stream?, workspace: UnsafeMutableRawPointer,
    results: UnsafeMutablePointer<Double>
  ) {
    guard var stream else {
      _ = code.function(position, results, code.data, workspace, table, nil)
      return
    }
    _ = code.function(position, results, code.data, workspace, table, &stream)
  }
}

/// Machine code behind the hot-path contract.
package final class CompiledGradientEvaluator: GradientEvaluator, @unchecked Sendable {
  package let code: CompiledCode
  package let graph: Graph
  /// What the passes made of the graph: what the code computes.
  package let preparedGraph: Graph
  package let dimension: Int
  private let table = UnsafeRawPointer(KernelTable.address)

  init(code: CompiledCode, graph: Graph, prepared: Graph, dimension: Int) {
    self.code = code
    self.graph = graph
    preparedGraph = prepared
    self.dimension = dimension
  }

  package var codeText: String? { code.text }
  package var workspaceByteCount: Int { code.workspaceByteCount }
  package var dataByteCount: Int { code.dataByteCount }

  package func evaluate(
    position: UnsafePointer<Double>, gradient: UnsafeMutablePointer<Double>, workspace: UnsafeMutableRawPointer
  ) -> Double {
    code.function(position, gradient, code.data, workspace, table, nil)
  }
}
