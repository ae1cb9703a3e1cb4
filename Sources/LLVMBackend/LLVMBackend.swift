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
  package static let epoch = 3

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
    let (withGradient, offsets) = try LLVMBackend.differentiated(simple)
    let parameterCount = graph.parameterCount
    return CompiledGradientEvaluator(
      graph: withGradient, dimension: parameterCount,
      prepare: { try LLVMBackend.prepared(simple, withGradient, offsets) },
      make: { prepared, isCounting in
        // The value is returned, not stored.
        let source = CodeSource(
          prepared.graph, destinations: [nil] + prepared.offsets, clearing: parameterCount, countsCycles: isCounting)
        return try CompiledCode(source, library: try library(), target: target, store: isCounting ? nil : store)
      })
  }

  private static func differentiated(_ graph: Graph) throws(GraphError) -> (graph: Graph, offsets: [Int]) {
    let (result, blocks) = try Differentiation.valueAndGradient(graph)
    try Verifier.checkIfEnabled(result, after: "differentiation")
    return (result, blocks.map { $0.offset })
  }

  /// A density with its gradient as it is compiled. Work on data alone is done here, and not before code is needed.
  private static func prepared(
    _ density: Graph, _ withGradient: Graph, _ offsets: [Int]
  ) throws(GraphError) -> PreparedGradient {
    let reduced = try AffineReduction.run(density)
    guard reduced.isChanged else {
      return PreparedGradient(graph: try distributed(try Decomposition.run(withGradient)), offsets: offsets)
    }
    try Verifier.checkIfEnabled(reduced.graph, after: "reduction of affine sums")
    let (graph, offsets) = try differentiated(try distributed(reduced.graph))
    return PreparedGradient(graph: try distributed(try Decomposition.run(graph)), offsets: offsets)
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
    // It runs once per draw: to be there soon counts for more than to be fast, and effort changes no bit.
    var target = target
    target.passes = "always-inline,function(sroa,early-cse)"
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

/// What a gradient is compiled from: the value first, then the parts of the gradient with their places.
struct PreparedGradient {
  var graph: Graph
  var offsets: [Int]
}

/// Machine code behind the hot-path contract, made when it is first needed: a result that is found in the cache needs
/// none.
package final class CompiledGradientEvaluator: GradientEvaluator, @unchecked Sendable {
  package let graph: Graph
  package let dimension: Int
  private let makeGraph: @Sendable () throws -> PreparedGradient
  private let make: @Sendable (_ graph: PreparedGradient, _ countsCycles: Bool) throws -> CompiledCode
  private let state = Mutex<(graph: PreparedGradient?, code: CompiledCode?)>((nil, nil))
  // Set once, before the first workspace is given out.
  private var function: CompiledCode.Function?
  private var data: UnsafePointer<Double>?
  private let table = UnsafeRawPointer(KernelTable.address)

  init(
    graph: Graph, dimension: Int, prepare: @escaping @Sendable () throws -> PreparedGradient,
    make: @escaping @Sendable (_ graph: PreparedGradient, _ countsCycles: Bool) throws -> CompiledCode
  ) {
    self.graph = graph
    self.dimension = dimension
    makeGraph = prepare
    self.make = make
  }

  private func preparedGradient() throws -> PreparedGradient {
    try state.withLock { state in
      if let known = state.graph { return known }
      let made = try makeGraph()
      state.graph = made
      return made
    }
  }

  private func prepared() throws -> CompiledCode {
    let graph = try preparedGradient()
    return try state.withLock { state in
      if let known = state.code { return known }
      let made = try make(graph, false)
      state.code = made
      data = UnsafePointer(made.data)
      function = made.function
      return made
    }
  }

  /// The plain graph where the passes fail, which `prepare` says.
  package var preparedGraph: Graph { (try? preparedGradient().graph) ?? graph }

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

  package func stepTimes(position: [Double], evaluations: Int) throws -> [StepTime] {
    let prepared = try preparedGradient()
    let preparedGraph = prepared.graph
    let counting = try make(prepared, true)
    let counters = UnsafeMutablePointer<Int>.allocate(capacity: counting.steps.count + 1)
    let workspace = UnsafeMutableRawPointer.allocate(byteCount: counting.workspaceByteCount, alignment: 64)
    let gradient = UnsafeMutablePointer<Double>.allocate(capacity: dimension + 8)
    let point = UnsafeMutablePointer<Double>.allocate(capacity: dimension + 8)
    defer {
      counters.deallocate()
      workspace.deallocate()
      gradient.deallocate()
      point.deallocate()
    }
    point.initialize(from: position, count: position.count)
    // Once to warm caches up, then in earnest.
    for round in [1, max(1, evaluations)] {
      counters.initialize(repeating: 0, count: counting.steps.count + 1)
      for _ in 0..<round { _ = counting.function(point, gradient, counting.data, workspace, table, counters) }
    }
    return counting.steps.enumerated().map { number, step in
      var time = StepTime(extents: [], cycles: Double(counters[number]) / Double(max(1, evaluations)), work: [])
      let nodes: [NodeID]
      switch step {
      case .nest(let domain, let list): (time.extents, nodes) = (domain, list)
      case .single(let id):
        nodes = [id]
        time.kernel = GraphPrinter.name(of: preparedGraph[id].operation, includingData: false)
        if case .scan(let body) = preparedGraph[id].operation { time.kernel = "\(body.steps) steps in sequence" }
      }
      for id in nodes {
        time.work.append((preparedGraph.origins[id.index], CompiledGradientEvaluator.cost(preparedGraph[id])))
      }
      return time
    }
  }

  /// About how many additions an element of a node costs: what shares within a loop are estimated from.
  private static func cost(_ node: Node) -> Double {
    switch node.operation {
    case .unary(let operation):
      switch operation {
      case .negate, .square, .absolute, .toReal, .logicalNot, .isNaN, .isFinite, .sign: 1
      case .floor, .ceiling, .round, .truncate, .toInteger: 2
      case .reciprocal, .sqrt: 8
      default: 30
      }
    case .binary(let operation):
      switch operation {
      case .divide: 8
      case .power, .atan2, .logAddExp, .xLogY, .remainder, .integerRemainder: 50
      default: 1
      }
    case .gather, .scatterAdd: 4
    default: 1
    }
  }
}
