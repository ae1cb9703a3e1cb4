internal import Numerics
internal import Synchronization
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
    let parameterCount = graph.parameterCount
    return CompiledGradientEvaluator(graph: withGradient, prepared: prepared, dimension: parameterCount) {
      // The value is returned, not stored.
      let source = CodeSource(
        prepared, destinations: [nil] + offsets.map { $0.offset }, clearing: parameterCount)
      return try CompiledCode(source, library: try library(), target: target, store: store)
    }
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

/// Machine code behind the hot-path contract, made when it is first needed: a result that is found in the cache needs
/// none.
package final class CompiledGradientEvaluator: GradientEvaluator, @unchecked Sendable {
  package let graph: Graph
  package let preparedGraph: Graph
  package let dimension: Int
  private let make: @Sendable () throws -> CompiledCode
  private let code = Mutex<CompiledCode?>(nil)
  // Set once, before the first workspace is given out.
  private var function: CompiledCode.Function?
  private var data: UnsafePointer<Double>?
  private let table = UnsafeRawPointer(KernelTable.address)

  init(graph: Graph, prepared: Graph, dimension: Int, make: @escaping @Sendable () throws -> CompiledCode) {
    self.graph = graph
    preparedGraph = prepared
    self.dimension = dimension
    self.make = make
  }

  private func prepared() throws -> CompiledCode {
    try code.withLock { known in
      if let known { return known }
      let made = try make()
      known = made
      data = UnsafePointer(made.data)
      function = made.function
      return made
    }
  }

  package func prepare() throws { _ = try prepared() }

  package var codeText: String? { try? prepared().text }
  /// Code that cannot be made needs no memory, and evaluates to NaN; `prepare` says why.
  package var workspaceByteCount: Int { (try? prepared().workspaceByteCount) ?? 64 }
  package var dataByteCount: Int { (try? prepared().dataByteCount) ?? 0 }

  package func evaluate(
    position: UnsafePointer<Double>, gradient: UnsafeMutablePointer<Double>, workspace: UnsafeMutableRawPointer
  ) -> Double {
    guard let function, let data else { return .nan }
    return function(position, gradient, data, workspace, table, nil)
  }
}
