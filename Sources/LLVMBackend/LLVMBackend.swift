internal import Numerics
package import TensorIR

/// Compiles graphs to machine code through LLVM.
package struct LLVMBackend: Sendable {
  package let library: LLVMLibrary
  package let target: CodeTarget
  let store: (any ObjectStore)?

  /// Raised whenever a change of the emitter or of a pass may change a bit of some result.
  package static let epoch = 1

  package init(library: LLVMLibrary, target: CodeTarget = CodeTarget(), store: (any ObjectStore)? = nil) {
    self.library = library
    self.target = target
    self.store = store
  }

  package var name: String { "compiled" }

  package var numericClass: String {
    "\(name) \(LLVMBackend.epoch); \(NumericClass.platform); \(KernelTable.denseLibrary)"
  }

  package func gradientEvaluator(of graph: Graph) throws -> CompiledGradientEvaluator {
    let canonical = try Canonicalization.run(graph)
    let (withGradient, offsets) = try Differentiation.valueAndGradient(canonical)
    try Verifier.checkIfEnabled(withGradient, after: "differentiation")
    let prepared = try Decomposition.run(withGradient)
    // The first output is returned; other outputs of the program are not wanted here.
    var trimmed = prepared
    trimmed.outputs = [prepared.outputs[0]] + prepared.outputs.dropFirst(canonical.outputs.count)
    let source = CodeSource(
      trimmed, destinations: [nil] + offsets.map { $0.offset }, clearing: graph.parameterCount)
    let code = try CompiledCode(source, library: library, target: target, store: store)
    return CompiledGradientEvaluator(code: code, graph: withGradient, dimension: graph.parameterCount)
  }
}

/// Machine code behind the hot-path contract.
package final class CompiledGradientEvaluator: GradientEvaluator, @unchecked Sendable {
  package let code: CompiledCode
  package let graph: Graph
  package let dimension: Int
  private let table = UnsafeRawPointer(KernelTable.address)

  init(code: CompiledCode, graph: Graph, dimension: Int) {
    self.code = code
    self.graph = graph
    self.dimension = dimension
  }

  package var workspaceByteCount: Int { code.workspaceByteCount }
  package var dataByteCount: Int { code.dataByteCount }

  package func evaluate(
    position: UnsafePointer<Double>, gradient: UnsafeMutablePointer<Double>, workspace: UnsafeMutableRawPointer
  ) -> Double {
    code.function(position, gradient, code.data, workspace, table, nil)
  }
}
