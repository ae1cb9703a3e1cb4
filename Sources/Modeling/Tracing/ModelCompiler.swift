import Checking
package import Inference
package import Interpreter
import Numerics
package import Syntax
package import TensorIR

/// A finished trace with what is needed to build programs from it and to say where a node came from.
package struct FinishedTrace {
  var trace: ModelTrace
  var tracer: Tracer
  package var builder: GraphBuilder

  /// The place in the source that an origin number of the graph stands for.
  package func span(ofOrigin origin: Int32) -> SourceSpan? { tracer.span(ofOrigin: origin) }

  func site(_ name: String) -> SiteRecord? { trace.state.sites.last { $0.name == name } }

  /// Σ of terms, in the order of their names, so that the order of statements does not matter.
  func total(includingJacobians: Bool) -> NodeID {
    var terms = trace.state.terms
    if includingJacobians { terms += trace.state.jacobians.map { ("~jacobian " + $0.name, $0.node) } }
    let ordered = terms.enumerated().sorted { ($0.element.name, $0.offset) < ($1.element.name, $1.offset) }
    return builder.sum(ordered.map(\.element.node))
  }

  /// A program that runs a few times: it is not worth compiling.
  func program(outputs: [NodeID]) throws -> Program {
    try EngineBackend.faults { try ReferenceBackend().singleProgram(for: try builder.finish(outputs: outputs)) }
  }

  /// A program that runs once per draw.
  func repeatedProgram(outputs: [NodeID], results: (any ResultStore)?) throws -> any TensorProgram {
    try EngineBackend.faults {
      try EngineBackend.current(keepingIn: results).program(for: try builder.finish(outputs: outputs))
    }
  }
}

/// A model ready to be sampled: its log density with gradient, and the way back from positions to sites.
package final class CompiledModel {
  let model: ModelValue
  let blocks: [LatentBlock]
  package let target: DensityTarget
  package let finished: FinishedTrace
  /// Position → values of `sites`, one output each.
  let constrain: Program
  package let sites: [StoredSite]
  /// Log density without Jacobians, as a target of its own (for the mode in constrained coordinates).
  let plainTarget: DensityTarget?

  init(
    model: ModelValue, blocks: [LatentBlock], target: DensityTarget, finished: FinishedTrace, constrain: Program,
    sites: [StoredSite], plainTarget: DensityTarget?
  ) {
    self.model = model
    self.blocks = blocks
    self.target = target
    self.finished = finished
    self.constrain = constrain
    self.sites = sites
    self.plainTarget = plainTarget
  }

  /// `constrain` for many positions.
  func repeatedConstrain(results: (any ResultStore)?) throws -> any TensorProgram {
    try EngineBackend.faults { try EngineBackend.current(keepingIn: results).program(for: constrain.graph) }
  }
}

/// A site whose draws are stored: its shape, and whether its values are whole numbers.
package struct StoredSite: Sendable, Equatable {
  package var name: String
  package var shape: [Int]
  package var isInteger: Bool
  package var size: Int { shape.reduce(1, *) }
}

/// The log density as inference sees it.
package final class DensityTarget: LogDensity, @unchecked Sendable {
  package let evaluator: any GradientEvaluator
  init(_ evaluator: any GradientEvaluator) {
    self.evaluator = evaluator
  }

  /// Makes the code where there is none yet.
  package func prepare() throws { try EngineBackend.faults { try evaluator.prepare() } }

  /// The same density in the reference evaluator, which can say where a number went wrong.
  package func explaining() -> Program { Program(evaluator.graph) }
  package var dimension: Int { evaluator.dimension }
  package var workspaceByteCount: Int { evaluator.workspaceByteCount }
  package func evaluate(
    position: UnsafePointer<Double>, gradient: UnsafeMutablePointer<Double>, workspace: UnsafeMutableRawPointer
  ) -> Double {
    evaluator.evaluate(position: position, gradient: gradient, workspace: workspace)
  }
}

/// Traces models and builds their programs.
package struct ModelCompiler {
  let context: any CallContext
  let registry: IntrinsicRegistry
  let hooks: any EngineHooks

  package init(context: any CallContext, registry: IntrinsicRegistry, hooks: any EngineHooks) {
    self.context = context
    self.registry = registry
    self.hooks = hooks
  }

  func trace(
    _ model: ModelValue, layout: [String: Int]? = nil, wantsUnconstrained: Bool = false,
    choose: @escaping ModelTrace.Chooser
  ) throws -> FinishedTrace {
    let trace = ModelTrace(model: model, layout: layout, wantsUnconstrained: wantsUnconstrained, choose: choose)
    let builder = GraphBuilder()
    let context = self.context
    let tracer = Tracer(
      handler: trace, context: context, registry: registry, hooks: hooks, builder: builder, span: context.callSpan,
      global: { id in
        guard let machine = context as? Machine else { throw Fault("R091", "the variable is not known in this run") }
        return try machine.global(id)
      })
    try tracer.trace(model: model.id, arguments: model.arguments)
    if let failure = builder.failure {
      throw Fault("R096", "the model's graph is broken: \(failure)", help: "please report this")
    }
    let known = Set(trace.state.sites.map(\.name))
    for name in (model.conditions.keys.sorted() + model.interventions.keys.sorted()) where !known.contains(name) {
      throw Fault(
        "M104", "`\(model.model.name)` has no site `\(name)` with these arguments",
        help: Spelling.nearest(name, in: known.sorted()).map { "did you mean `\($0)`?" }, span: model.places[name])
    }
    for name in model.coordinates.keys.sorted() where !known.contains(name) {
      throw Fault("M104", "`\(model.model.name)` has no site `\(name)` to reparameterize", span: model.places[name])
    }
    return FinishedTrace(trace: trace, tracer: tracer, builder: builder)
  }

  /// Sites come from conditions and interventions, else from the position.
  private func positionChooser(_ model: ModelValue) -> ModelTrace.Chooser {
    { name, _, _ in
      if let value = model.interventions[name] { return .fixed(value) }
      if let value = model.conditions[name] { return .data(value, model.places[name]) }
      return .position
    }
  }

  /// Compiles the log density over the sites that are not given.
  package func compile(_ model: ModelValue, plain: Bool = false) throws -> CompiledModel {
    let first = try trace(model, choose: positionChooser(model))
    guard !first.trace.state.blocks.isEmpty, first.trace.state.blocks.contains(where: { $0.count > 0 }) else {
      throw Fault(
        "M311", "`\(model.model.name)` has no site left to sample",
        found: first.trace.state.sites.isEmpty ? "no sites" : "every site is given, set, or empty",
        help: "leave at least one continuous site free, or draw with `prior` or `simulate`", span: context.callSpan)
    }
    // The order of the position follows from the model's meaning: by dependency, then by name.
    let order = canonicalOrder(first)
    var layout: [String: Int] = [:]
    var offset = 0
    for name in order {
      layout[name] = offset
      offset += first.trace.state.blocks.first { $0.site == name }?.count ?? 0
    }
    let finished = try trace(model, layout: layout, choose: positionChooser(model))
    finished.builder.parameterCount = offset
    let target = try density(finished, includingJacobians: true)
    var stored: [StoredSite] = []
    var outputs: [NodeID] = []
    for name in order {
      if name.hasSuffix(SiteNames.missing) {
        guard let record = finished.site(String(name.dropLast(SiteNames.missing.count))) else { continue }
        let b = finished.builder
        let flat = b.reshape(record.value, to: [Dimension(b.shape(record.value).elementCount)])
        let index = b.data(
          TensorData(extents: [record.missing.count], elements: record.missing.map(Double.init)), element: .integer)
        stored.append(StoredSite(name: name, shape: [record.missing.count], isInteger: false))
        outputs.append(b.gather(flat, [index]))
      } else if let record = finished.site(name) {
        stored.append(StoredSite(name: name, shape: record.shape, isInteger: false))
        outputs.append(record.value)
      }
    }
    let constrain = try finished.program(outputs: outputs)
    return CompiledModel(
      model: model, blocks: finished.trace.state.blocks.sorted { $0.offset < $1.offset }, target: target,
      finished: finished, constrain: constrain, sites: stored,
      plainTarget: plain ? try density(finished, includingJacobians: false) : nil)
  }

  private func density(_ finished: FinishedTrace, includingJacobians: Bool) throws -> DensityTarget {
    try EngineBackend.faults {
      let graph = try finished.builder.finish(outputs: [finished.total(includingJacobians: includingJacobians)])
      return DensityTarget(try EngineBackend.current(keepingIn: context.results).gradientEvaluator(of: graph))
    }
  }

  /// Latent blocks by how deep they depend on each other, then by name.
  private func canonicalOrder(_ finished: FinishedTrace) -> [String] {
    let nodes = finished.builder.nodes
    let blocks = finished.trace.state.blocks
    var ownerByOffset: [Int: String] = [:]
    for block in blocks { ownerByOffset[block.offset] = block.site }
    // The latent sites that a node reads.
    var reached: [Int: Set<String>] = [:]
    func sites(below root: NodeID) -> Set<String> {
      var stack = [root.index]
      var seen: Set<Int> = []
      var found: Set<String> = []
      while let index = stack.popLast() {
        guard seen.insert(index).inserted else { continue }
        if let known = reached[index] {
          found.formUnion(known)
          continue
        }
        if case .parameter(let offset) = nodes[index].operation, let owner = ownerByOffset[offset] {
          found.insert(owner)
        }
        stack += nodes[index].operands.map(\.index)
      }
      reached[root.index] = found
      return found
    }
    var parents: [String: Set<String>] = [:]
    for block in blocks {
      let base =
        block.site.hasSuffix(SiteNames.missing) ? String(block.site.dropLast(SiteNames.missing.count)) : block.site
      var own: Set<String> = []
      for node in finished.site(base)?.dependencies ?? [] where node.index < nodes.count {
        own.formUnion(sites(below: node))
      }
      own.remove(block.site)
      parents[block.site] = own
    }
    var level: [String: Int] = [:]
    func depth(_ name: String, _ open: Set<String>) -> Int {
      if let known = level[name] { return known }
      let result =
        (parents[name] ?? []).filter { !open.contains($0) }.map { depth($0, open.union([name])) + 1 }.max() ?? 0
      level[name] = result
      return result
    }
    for name in parents.keys.sorted() { _ = depth(name, [name]) }
    return blocks.map(\.site).sorted { ((level[$0] ?? 0), $0) < ((level[$1] ?? 0), $1) }
  }

  /// Traces with stored sites as inputs, in the order given; other sites as `others` says.
  func replay(
    _ model: ModelValue, stored: [StoredSite], wantsUnconstrained: Bool = false,
    others: @escaping ModelTrace.Chooser
  ) throws -> FinishedTrace {
    var offsets: [String: (offset: Int, shape: [Int])] = [:]
    var offset = 0
    for site in stored {
      offsets[site.name] = (offset, site.shape)
      offset += site.size
    }
    let finished = try trace(model, wantsUnconstrained: wantsUnconstrained) { name, shape, isDiscrete in
      if let own = offsets[name], own.shape == shape { return .input(offset: own.offset) }
      return try others(name, shape, isDiscrete)
    }
    finished.builder.parameterCount = max(finished.builder.parameterCount, offset)
    return finished
  }

  /// Whether a node depends on a random draw.
  func dependsOnDraw(_ root: NodeID, _ builder: GraphBuilder) -> Bool {
    depends(root, builder) { if case .random = $0 { true } else { false } }
  }

  /// Whether a value changes with the position.
  func dependsOnPosition(_ root: NodeID, _ builder: GraphBuilder) -> Bool {
    depends(root, builder) { if case .parameter = $0 { true } else { false } }
  }

  private func depends(_ root: NodeID, _ builder: GraphBuilder, on isIt: (Operation) -> Bool) -> Bool {
    var stack = [root.index]
    var seen: Set<Int> = []
    while let index = stack.popLast() {
      guard seen.insert(index).inserted else { continue }
      let node = builder.nodes[index]
      if isIt(node.operation) { return true }
      if case .scan(let body) = node.operation, body.graph.nodes.contains(where: { isIt($0.operation) }) { return true }
      stack += node.operands.map(\.index)
    }
    return false
  }
}
