import Checking
import Distributions
import Foundation
import Inference
import Interpreter
import Numerics
import Rendering
import Synchronization
import Syntax
import TensorIR

/// Runs inference on models and programs on fits.
struct FitRunner {
  let engine: Engine
  let context: any CallContext
  var compiler: ModelCompiler { engine.compiler(context) }

  // MARK: - Sampling

  struct SamplingOptions {
    var initialization: Value
    var settings: NUTSSettings
    var keep: [String]?
    var key: RandomKey
    var span: SourceSpan
  }

  func sample(_ model: ModelValue, _ options: SamplingOptions) throws -> PosteriorValue {
    try validate(options.settings, options.span)
    let compiled = try compiler.compile(model)
    try checkSize(
      of: compiled.sites, draws: options.settings.draws * options.settings.chains, "`draws` in all chains", options.span
    )
    try checkMemory(compiled, options)
    if let keep = options.keep {
      for path in keep where !compiled.sites.contains(where: { $0.name == path }) {
        throw Fault(
          "M104", "`\(model.model.name)` has no sampled site `\(path)` to keep",
          help: Spelling.nearest(path, in: compiled.sites.map(\.name)).map { "did you mean `\($0)`?" },
          span: options.span)
      }
    }
    // Made on a hit too: it says which start values are not used.
    let candidates = try candidateMaker(compiled, options.initialization, options.span)
    let settings = options.settings
    let digest = {
      resultDigest(
        "NUTS \(NUTSKernel.epoch)", compiled, compiled.target, candidates, key: options.key,
        settings: [
          "chains \(settings.chains)", "warmup \(settings.warmup)", "draws \(settings.draws)",
          "target acceptance \(settings.targetAcceptance)", "tree depth \(settings.maxTreeDepth)",
        ])
    }
    let dimension = compiled.target.dimension
    var results: [ChainResult]
    do {
      results = try remembered(
        digest, interruption: interruption(0, settings, options.span),
        decode: { ChainResult.decoded($0, for: $1, dimension: dimension, settings: settings) },
        encode: { ChainResult.encoded($0, for: $1) },
        compute: { memory in
          try compiled.target.prepare()
          let starts = try startingPoints(compiled, candidates, options)
          return try chains(compiled, starts, options, memory)
        })
    } catch let interrupted as InterruptedFit {
      results = try partial(interrupted, options)
    }
    let fit = try posterior(compiled, results, options)
    let health = FitHealth(fit)
    let outside = health.divergences > 0 ? outsideDomain(compiled, results) : nil
    for warning in health.warnings(at: options.span, advice: divergenceAdvice(compiled, options), outside: outside) {
      context.warn(warning)
    }
    context.sink.emit(.verdict(health.verdict))
    return fit
  }

  private func chains(
    _ compiled: CompiledModel, _ starts: [[Double]], _ options: SamplingOptions, _ memory: ChainMemory?
  ) throws -> [ChainResult] {
    let flag = CancellationProbe(context)
    let progress = ProgressBoard(chains: options.settings.chains, name: compiled.model.model.name)
    let report = ProgressSink(context)
    let results = ChainRunner.run(
      target: compiled.target, starts: starts, settings: options.settings, key: options.key.child("chains"),
      memory: memory, isCancelled: { flag.isCancelled },
      progress: { fact in
        if let line = progress.update(fact) { report.show(line) }
      })
    context.work.add(gradients: results.reduce(0) { $0 + $1.evaluations })
    // Thrown, so that no store takes it for the whole.
    if results.contains(where: \.isPartial) { throw InterruptedFit(results: results) }
    return results
  }

  /// What a fit had made when it was interrupted.
  private struct InterruptedFit: Error {
    var results: [ChainResult]
  }

  /// The draws so far of chains that have some, where the run goes on with them.
  ///
  /// - Throws: Where it does not, or where no chain has left its warmup.
  private func partial(_ interrupted: InterruptedFit, _ options: SamplingOptions) throws -> [ChainResult] {
    let made = interrupted.results.reduce(0) { $0 + $1.count }
    let chains = interrupted.results.filter { $0.count >= 4 }
    guard !chains.isEmpty, context.acceptInterruption() else {
      throw interruption(made, options.settings, options.span)
    }
    let settings = options.settings
    let usable = chains.reduce(0) { $0 + $1.count }
    context.warn(
      Diagnostic(
        "C430", .warning,
        "the fit was interrupted: it has \(usable) of \(settings.chains * settings.draws) draws, of \(chains.count) chain\(chains.count == 1 ? "" : "s")",
        at: options.span, help: "run it again to go on from there"))
    return chains
  }

  private func interruption(_ made: Int, _ settings: NUTSSettings, _ span: SourceSpan) -> Fault {
    Fault(
      "R080", "the fit was interrupted", found: "\(made) of \(settings.chains * settings.draws) draws were made",
      span: span)
  }

  private func validate(_ settings: NUTSSettings, _ span: SourceSpan) throws {
    func demand(_ condition: Bool, _ name: String, _ expected: String, _ found: String) throws {
      guard condition else {
        throw Fault("M302", "`\(name)` is out of range", expected: expected, found: found, span: span)
      }
    }
    try demand(settings.chains >= 1 && settings.chains <= 4096, "chains", "1 to 4096", "\(settings.chains)")
    try demand(settings.draws >= 1 && settings.draws <= 100_000_000, "draws", "at least 1", "\(settings.draws)")
    try demand(settings.warmup >= 0 && settings.warmup <= 100_000_000, "warmup", "0 or more", "\(settings.warmup)")
    try demand(
      settings.targetAcceptance > 0 && settings.targetAcceptance < 1, "targetAcceptance", "between 0 and 1",
      "\(settings.targetAcceptance)")
    try demand(
      settings.maxTreeDepth >= 1 && settings.maxTreeDepth <= 20, "maxTreeDepth", "1 to 20", "\(settings.maxTreeDepth)")
    try demand(settings.threads >= 1 && settings.threads <= 1024, "threads", "1 to 1024", "\(settings.threads)")
  }

  /// All draws stand in memory: what cannot is refused before anything runs.
  private func checkSize(of sites: [StoredSite], draws: Int, _ what: String, _ span: SourceSpan) throws {
    let limit = 1 << 30
    let sizes = sites.map { Shape(extents: $0.shape).elementCount }
    let size = sizes.reduce(0) { total, size in
      let (sum, overflow) = total.addingReportingOverflow(size)
      return overflow ? .max : sum
    }
    guard size > limit / max(1, draws) else { return }
    guard size <= limit else {
      throw Fault(
        "M302", "one draw is too much to hold", expected: "at most \(limit) numbers",
        found: size == .max ? "more than can be counted" : "\(size)",
        help: "check the sizes that the model is made from",
        span: span)
    }
    throw Fault(
      "M302", "the draws are too many to hold", expected: "at most \(limit / max(1, size)) \(what)",
      found: "\(draws), of \(size) numbers each", help: "draw less", span: span)
  }

  /// Refuses, before anything is allocated, what would not fit: draws, in the sampler's coordinates and in the model's,
  /// and the vectors of the chains that run at once.
  private func checkMemory(_ compiled: CompiledModel, _ options: SamplingOptions) throws {
    let settings = options.settings
    let dimension = compiled.target.dimension
    let size = compiled.sites.reduce(0.0) { $0 + Double($1.size) }
    let draws = 8 * Double(settings.draws) * Double(settings.chains) * (size + Double(dimension))
    let running = min(settings.chains, settings.threads)
    let vectors =
      Double(running) * NUTSKernel.byteCount(dimension: dimension, maxTreeDepth: settings.maxTreeDepth)
    let available = Double(ProcessInfo.processInfo.physicalMemory)
    guard draws + vectors > available else { return }
    func words(_ bytes: Double) -> String { "\((bytes / 0x1p30 * 10).rounded() / 10) GiB" }
    throw Fault(
      "M312", "sampling takes more memory than this machine has", expected: "at most \(words(available))",
      found: "\(words(vectors)) for \(running) chain\(running == 1 ? "" : "s") at once, \(words(draws)) for the draws",
      help: vectors > draws
        ? "the model has \(dimension) coordinates: lower `threads` or `maxTreeDepth`, or make sites local by summing them out"
        : "lower `draws`", span: options.span)
  }

  /// Draws in the model's own coordinates.
  private func posterior(
    _ compiled: CompiledModel, _ results: [ChainResult], _ options: SamplingOptions
  ) throws -> PosteriorValue {
    let dimension = compiled.target.dimension
    let total = results.reduce(0) { $0 + $1.count }
    let origins = results.enumerated().flatMap { chain, result in (0..<result.count).map { (chain, $0) } }
    var values =
      try compiled.repeatedConstrain(results: context.results).run(
        draws: total,
        position: { draw in
          let (chain, own) = origins[draw]
          return Array(results[chain].positions[(own * dimension)..<((own + 1) * dimension)])
        }, stream: { _ in nil }) ?? []
    let stats = SamplerStatistics(
      acceptance: results.flatMap(\.acceptance), stepSize: results.flatMap(\.stepSizes),
      treeDepth: results.flatMap(\.treeDepths), leapfrogs: results.flatMap(\.leapfrogs),
      isDivergent: results.flatMap(\.isDivergent), energy: results.flatMap(\.energy),
      logDensity: results.flatMap(\.logDensity), maxTreeDepth: options.settings.maxTreeDepth,
      warmupLeapfrogs: results.reduce(0) { $0 + $1.warmupLeapfrogs })
    var sites = compiled.sites
    var moments: [String: SiteMoments] = [:]
    if let keep = options.keep {
      for slot in sites.indices.reversed() where !keep.contains(sites[slot].name) {
        moments[sites[slot].name] = FitRunner.moments(values[slot], sites[slot], total)
        sites.remove(at: slot)
        values.remove(at: slot)
      }
    }
    return PosteriorValue(
      model: compiled.model, kind: .sampled, chains: results.count, sites: sites, values: values,
      counts: results.map(\.count), stats: stats, key: options.key.child("fit"), moments: moments)
  }

  private static func moments(_ draws: [Double], _ site: StoredSite, _ count: Int) -> SiteMoments {
    var mean = Array(repeating: 0.0, count: site.size)
    var squares = mean
    for draw in 0..<count {
      for element in 0..<site.size {
        let delta = draws[draw * site.size + element] - mean[element]
        mean[element] += delta / Double(draw + 1)
        squares[element] += delta * (draws[draw * site.size + element] - mean[element])
      }
    }
    return SiteMoments(
      shape: site.shape, mean: mean, variance: squares.map { count > 1 ? $0 / Double(count - 1) : .nan })
  }

  // MARK: - Starting points

  /// One position per chain with a finite density and gradient.
  private func startingPoints(
    _ compiled: CompiledModel, _ candidates: StartCandidates, _ options: SamplingOptions
  ) throws -> [[Double]] {
    try (0..<options.settings.chains).map { chain in
      let key = options.key.child("start").child(UInt64(chain))
      let isFixed = candidates.isFixed
      let (found, failures, evaluations) = try ChainRunner.findStart(
        target: compiled.target, attempts: isFixed ? 1 : 100
      ) {
        attempt in
        try candidates.make(chain, key.child(UInt64(attempt)))
      }
      context.work.add(gradients: evaluations)
      if let found { return found }
      throw blame(compiled, failures, attempts: isFixed ? 1 : 100, span: options.span)
    }
  }

  /// Says which site and expression made a start point useless.
  private func blame(_ compiled: CompiledModel, _ failures: [StartFailure], attempts: Int, span: SourceSpan) -> Fault {
    guard let failure = failures.first else {
      return Fault("M301", "no start point was found", span: span)
    }
    var fault = Fault(
      "M301", "the log density cannot be evaluated at the start",
      expected: "a finite log density and gradient", found: FitRunner.words(failure.logDensity), span: span)
    if let culprit = culprit(compiled, at: failure.position) {
      fault.message = "the log density of `\(culprit.name)` is \(FitRunner.words(culprit.value)) at the start"
      fault.span = culprit.record.span
      fault.caret = attempts == 1 ? "this distribution" : "this distribution, in every one of \(attempts) attempts"
      if let wrong = culprit.parameterFault {
        fault.found = wrong
        fault.help =
          "keep the parameter in its range for all values of the sites, as `exp(…)` keeps a scale positive"
      } else if culprit.record.role == .observed,
        let data = compiled.finished.builder.contents(of: culprit.record.value), culprit.element < data.elements.count
      {
        fault.found =
          "the value \(data.elements[culprit.element]); it must be \(culprit.record.family.supportDescription)"
      }
      fault.labels.append(Diagnostic.Label(span: span, text: "sampled here"))
    }
    if let label = expressionLabel(compiled, at: failure.position, besides: fault.span) { fault.labels.append(label) }
    fault.help =
      fault.help ?? "check the data against the distribution's support, or start elsewhere with `init: .values(…)`"
    return fault
  }

  /// A site's element whose term of the log density is not finite.
  private struct Culprit {
    var record: SiteRecord
    var element: Int
    var name: String
    var value: Double
    /// What is wrong with the distribution's parameters, where that is it.
    var parameterFault: String?
  }

  /// The first site whose term is not finite at a position.
  private func culprit(_ compiled: CompiledModel, at position: [Double]) -> Culprit? {
    let records = compiled.finished.trace.state.sites.filter { !$0.pointwise.isEmpty }
    guard let program = try? compiled.finished.program(outputs: records.flatMap { $0.pointwise.map(\.node) }) else {
      return nil
    }
    var outputs = program.run(position: position, inputs: [])[...]
    for record in records {
      for piece in record.pointwise {
        guard let values = outputs.popFirst()?.elements, let bad = values.firstIndex(where: { !$0.isFinite }) else {
          continue
        }
        let element = piece.positions?[bad] ?? bad
        let site = StoredSite(name: record.name, shape: record.shape, isInteger: false)
        return Culprit(
          record: record, element: element,
          name: record.shape.isEmpty ? record.name : ElementNames(compiled.model).name(site, element),
          value: values[bad], parameterFault: parameterFault(compiled, record, at: position))
      }
    }
    return nil
  }

  /// The expression that first gives what is not finite at a position. What a density does inside is no expression of the
  /// user's.
  private func expressionLabel(
    _ compiled: CompiledModel, at position: [Double], besides span: SourceSpan?
  ) -> Diagnostic.Label? {
    guard let blame = compiled.target.explaining().blame(position: position),
      let place = compiled.finished.tracer.span(ofOrigin: blame.origin), place != span
    else { return nil }
    let operands = blame.operands.map { "\($0)" }.joined(separator: ", ")
    let text =
      blame.operation == "cholesky"
      ? "the matrix that is factored here is not positive definite, or singular"
      : "`\(blame.operation)`\(operands.isEmpty ? "" : " of \(operands)") gives \(FitRunner.words(blame.result))"
    return Diagnostic.Label(span: place, text: text)
  }

  /// What to try against divergences: standardized coordinates of the sites whose scale or location is sampled too; where
  /// they have them, smaller steps.
  private func divergenceAdvice(_ compiled: CompiledModel, _ options: SamplingOptions) -> String {
    let hierarchical = compiled.finished.trace.state.sites.filter { record in
      record.role == .latent && !record.shape.isEmpty && Standardization.isPossible(record.family)
        && compiled.model.coordinates[record.name] != .noncentered
        && record.dependencies.contains { compiler.dependsOnPosition($0, compiled.finished.builder) }
    }
    let now = options.settings.targetAcceptance
    let next = now < 0.9 ? 0.95 : now < 0.98 ? 0.99 : nil
    let smaller = next.map { "`targetAcceptance: \($0)` (now \(now))" }
    if !hierarchical.isEmpty {
      let list = hierarchical.map { "\($0.name): .noncentered" }.joined(separator: ", ")
      return "sample `.reparam(\(list))` of the model" + (smaller.map { ", or with \($0)" } ?? "")
    }
    return smaller.map { "take smaller steps: \($0)" }
      ?? "use tighter priors for scales, or fewer groups: smaller steps help no more"
  }

  /// What was wrong where trajectories left the domain of the log density; nil where none did.
  private func outsideDomain(_ compiled: CompiledModel, _ results: [ChainResult]) -> OutsideDomain? {
    let count = results.reduce(0) { $0 + $1.outsideCount }
    guard count > 0 else { return nil }
    for result in results where result.outsideCount > 0 {
      guard let culprit = culprit(compiled, at: result.outsidePosition) else { continue }
      let reason = culprit.parameterFault ?? "this distribution"
      let expression = expressionLabel(compiled, at: result.outsidePosition, besides: culprit.record.span)
      return OutsideDomain(
        count: count, site: culprit.name, value: FitRunner.words(culprit.value),
        labels: [Diagnostic.Label(span: culprit.record.span, text: reason)] + (expression.map { [$0] } ?? []))
    }
    return nil
  }

  /// What is wrong at a position with the parameters of a site that is made in one piece.
  private func parameterFault(_ compiled: CompiledModel, _ record: SiteRecord, at position: [Double]) -> String? {
    guard record.pointwise.count == 1, record.pointwise[0].positions == nil,
      record.dependencies.count == record.family.parameters.count,
      let program = try? compiled.finished.program(outputs: record.dependencies)
    else { return nil }
    return record.family.fault(in: program.run(position: position, inputs: []))?.description
  }

  /// A number in a message; whether a `nan` has a sign depends on the machine.
  private static func words(_ number: Double) -> String {
    if number.isNaN { return "not a number" }
    return number == -.infinity ? "−∞" : number == .infinity ? "∞" : "\(number)"
  }

  // MARK: - Optimization

  func optimize(
    _ model: ModelValue, initialization: Value, jacobian: Bool, restarts: Int, key: RandomKey, span: SourceSpan
  ) throws -> PosteriorValue {
    guard restarts >= 1, restarts <= 10_000 else {
      throw Fault("M302", "`restarts` is out of range", expected: "1 to 10000", found: "\(restarts)", span: span)
    }
    let compiled = try compiler.compile(model, plain: !jacobian)
    var options = SamplingOptions(
      initialization: initialization, settings: NUTSSettings(), keep: nil, key: key, span: span)
    options.settings.chains = restarts
    let target = compiled.plainTarget ?? compiled.target
    let candidates = try candidateMaker(compiled, initialization, span)
    let digest = {
      resultDigest(
        "L-BFGS \(Optimizer.epoch)", compiled, target, candidates, key: key,
        settings: ["restarts \(restarts)", "start search over \(compiled.target.evaluator.graph.contentDigest())"])
    }
    let interruption = Fault("R080", "the optimization was interrupted", span: span)
    let best = try remembered(
      digest, interruption: interruption,
      decode: { OptimizationResult.decoded($0, for: $1, dimension: target.dimension) },
      encode: { $0.encoded(for: $1) },
      compute: { _ in
        var best: OptimizationResult?
        try target.prepare()
        try compiled.target.prepare()
        for start in try startingPoints(compiled, candidates, options) {
          let result = Optimizer.maximize(target, from: start, isCancelled: { context.isCancelled })
          context.work.add(gradients: result.evaluations)
          if result.reason == .cancelled { throw interruption }
          if result.logDensity > (best?.logDensity ?? -.infinity) { best = result }
        }
        guard let best else { throw Fault("M301", "no start point was found", span: span) }
        return best
      })
    if best.reason == .iterations || best.reason == .lineSearch
      || best.gradientNorm > 1e-3 * max(1, abs(best.logDensity))
    {
      context.warn(
        Diagnostic(
          "C420", .warning, "the mode was not reached: the gradient is still \(best.gradientNorm)", at: span,
          help: "the density may have no maximum (a scale that goes to 0): try `jacobian: true`, or sample"))
    }
    let parts = compiled.constrain.run(position: best.position, inputs: [])
    let stats = SamplerStatistics(
      acceptance: [], stepSize: [], treeDepth: [], leapfrogs: [best.evaluations], isDivergent: [], energy: [],
      logDensity: [best.logDensity], maxTreeDepth: 0, warmupLeapfrogs: 0)
    return PosteriorValue(
      model: model, kind: .optimum, chains: 1, sites: compiled.sites, values: parts.map(\.elements), counts: [1],
      stats: stats, key: key.child("fit"))
  }

  // MARK: - Forward draws

  /// Draws the sites of a trace `count` times.
  private func forward(
    _ finished: FinishedTrace, model: ModelValue, kind: PosteriorValue.Kind, count: Int, key: RandomKey,
    names: (SiteRecord) -> Bool, inputs: (Int) -> [Double]
  ) throws -> PosteriorValue {
    let records = finished.trace.state.sites.filter(names)
    let program = try finished.repeatedProgram(outputs: records.map(\.value), results: context.results)
    let sites = records.map { StoredSite(name: $0.name, shape: $0.shape, isInteger: $0.element == .integer) }
    try checkSize(of: sites, draws: count, "draws", context.callSpan)
    let drawn = program.run(
      draws: count, position: inputs, stream: { Program.Stream(key: key, draw: UInt64($0)) },
      isCancelled: { context.isCancelled })
    guard let values = drawn else { throw Fault("R080", "interrupted", span: context.callSpan) }
    return PosteriorValue(
      model: model, kind: kind, chains: 1, sites: sites, values: values, counts: [count], stats: nil, key: key)
  }

  private func checkCount(_ count: Int) throws {
    guard count >= 0, count <= 100_000_000 else {
      throw Fault(
        "M302", "the number of draws is out of range", expected: "0 or more", found: "\(count)", span: context.callSpan)
    }
  }

  func prior(_ model: ModelValue, count: Int) throws -> PosteriorValue {
    try checkCount(count)
    let finished = try compiler.trace(model.with(conditions: [:], coordinates: [:])) { name, _, _ in
      if let value = model.interventions[name] { return .fixed(value) }
      return .draw
    }
    return try forward(
      finished, model: model, kind: .prior, count: count, key: context.randomKey(), names: { _ in true },
      inputs: { _ in [] })
  }

  func simulate(_ model: ModelValue, count: Int) throws -> PosteriorValue {
    try checkCount(count)
    let finished = try compiler.trace(model) { name, _, _ in
      if let value = model.interventions[name] { return .fixed(value) }
      if let value = model.conditions[name] { return .data(value, model.places[name]) }
      return .draw
    }
    for record in finished.trace.state.sites where record.role == .observed {
      if record.dependencies.contains(where: { compiler.dependsOnDraw($0, finished.builder) }) {
        throw Fault(
          "M305", "`\(record.name)` is given but depends on a site that is not",
          span: model.places[record.name] ?? record.span)
      }
    }
    return try forward(
      finished, model: model, kind: .predictive, count: count, key: context.randomKey(), names: { _ in true },
      inputs: { _ in [] })
  }

  func replicate(_ fit: PosteriorValue) throws -> PosteriorValue {
    let model = fit.model
    let finished = try compiler.replay(model, stored: fit.sites) { name, _, _ in
      if let value = model.interventions[name] { return .fixed(value) }
      return .draw
    }
    let result = try forward(
      finished, model: model, kind: .predictive, count: fit.drawCount, key: fit.key.child("replicate"),
      names: { model.conditions[$0.name] != nil }, inputs: { fit.inputs($0) })
    return result
  }

  func predict(_ fit: PosteriorValue, model: ModelValue, fresh: Set<String>, span: SourceSpan) throws -> PosteriorValue
  {
    let observed = Set(fit.model.conditions.keys)
    let finished = try compiler.trace(model.with(coordinates: [:])) { name, shape, _ in
      if let value = model.interventions[name] { return .fixed(value) }
      if observed.contains(name) || fresh.contains(name) { return .draw }
      if let slot = fit.slot(name) {
        if fit.sites[slot].shape == shape {
          return .input(offset: fit.sites[..<slot].reduce(0) { $0 + $1.size })
        }
        throw Fault(
          "M306", "`\(name)` has another shape with these arguments",
          expected: "shape \(fit.sites[slot].shape), as in the fit",
          found: "shape \(shape)", help: "list it in `fresh: \\.\(name)` to draw it anew", span: span)
      }
      if fit.moments[name] != nil {
        throw Fault("M307", "the draws of `\(name)` were not kept", help: "add it to `keep:`", span: span)
      }
      return .draw
    }
    finished.builder.parameterCount = max(finished.builder.parameterCount, fit.sites.reduce(0) { $0 + $1.size })
    return try forward(
      finished, model: model, kind: .predictive, count: fit.drawCount, key: fit.key.child("predict"),
      names: { $0.role != .replayed }, inputs: { fit.inputs($0) })
  }

  // MARK: - Quantities

  /// `fit.NAME` of what is not stored: derived quantities, given sites, imputed values.
  func quantity(_ name: String, of fit: PosteriorValue, span: SourceSpan) throws -> Value {
    let model = fit.model
    let finished = try compiler.replay(model, stored: fit.sites) { site, _, _ in
      if let value = model.interventions[site] { return .fixed(value) }
      if let value = model.conditions[site] { return .data(value, model.places[site]) }
      return .draw
    }
    let node: NodeID
    let shape: [Int]
    let element: ElementType
    if let derived = finished.trace.state.derived.last(where: { $0.name == name }) {
      (node, shape, element) = (derived.node, derived.shape, derived.element)
    } else if let record = finished.site(name) {
      (node, shape, element) = (record.value, record.shape, record.element)
    } else {
      // A name of the model that this instance does not have reads as nil.
      if modelKnows(name, model) { return .none }
      let names = model.model.members.map(\.name)
      throw Fault(
        "M104", "`\(model.model.name)` has no site or quantity `\(name)`",
        help: Spelling.nearest(name, in: names).map { "did you mean `\($0)`?" }, span: span)
    }
    if compiler.dependsOnDraw(node, finished.builder) {
      throw Fault(
        "M307", "`\(name)` needs sites whose draws were not kept",
        found: "kept: \(fit.sites.map(\.name).joined(separator: ", "))",
        help: "add them to `keep:`", span: span)
    }
    let program = try finished.repeatedProgram(outputs: [node], results: context.results)
    let elements = program.run(draws: fit.drawCount, position: fit.inputs, stream: { _ in nil })?.first ?? []
    return PosteriorValue.value(elements, shape: shape, draws: fit.drawCount, isInteger: element == .integer)
  }

  private func modelKnows(_ name: String, _ model: ModelValue) -> Bool {
    let first = name.split(separator: ".").first.map(String.init) ?? name
    return model.model.members.contains { $0.name == first }
  }

  /// Draws × observations.
  func logLikelihood(_ fit: PosteriorValue) throws -> Value {
    let model = fit.model
    let finished = try compiler.replay(model, stored: fit.sites) { site, _, _ in
      if let value = model.interventions[site] { return .fixed(value) }
      if let value = model.conditions[site] { return .data(value, model.places[site]) }
      return .draw
    }
    let observed = finished.trace.state.sites.filter { $0.role == .observed }
    guard !observed.isEmpty else {
      throw Fault("M308", "the model of this fit has no given site", span: context.callSpan)
    }
    let pieces = observed.flatMap { record in record.pointwise.map { (record, $0) } }
    let program = try finished.repeatedProgram(outputs: pieces.map(\.1.node), results: context.results)
    var starts: [String: Int] = [:]
    var width = 0
    for record in observed {
      starts[record.name] = width
      width += record.family.eventRank == 0 ? record.shape.reduce(1, *) : record.shape.dropLast().reduce(1, *)
    }
    var elements = Array(repeating: 0.0, count: fit.drawCount * width)
    let outputs = program.run(draws: fit.drawCount, position: fit.inputs, stream: { _ in nil }) ?? []
    for (((record, piece), values), size) in zip(zip(pieces, outputs), program.outputCounts) {
      for draw in 0..<fit.drawCount {
        let start = draw * width + (starts[record.name] ?? 0)
        for index in 0..<size { elements[start + (piece.positions?[index] ?? index)] += values[draw * size + index] }
      }
    }
    return .realArray(RealArray(shape: [fit.drawCount, width], elements: elements))
  }

  /// The log density at constrained values of all latent sites, without Jacobian terms.
  func logDensity(_ model: ModelValue, at initial: InitialValues) throws -> Value {
    let compiled = try compiler.compile(model.with(coordinates: [:]))
    var inputs: [Double] = []
    for site in compiled.sites {
      guard let value = initial.values[site.name], let data = TensorConversion.data(value) else {
        throw Fault(
          "M309", "a value for `\(site.name)` is missing", help: "write `.values(\(site.name): …)`",
          span: context.callSpan)
      }
      guard data.extents == site.shape else {
        throw Fault(
          "H230", "the value of `\(site.name)` has another shape than the site", expected: "shape \(site.shape)",
          found: "shape \(data.extents)", span: context.callSpan)
      }
      inputs += data.elements
    }
    let finished = try compiler.replay(compiled.model, stored: compiled.sites) { site, _, _ in
      if let value = model.interventions[site] { return .fixed(value) }
      if let value = model.conditions[site] { return .data(value, model.places[site]) }
      return .draw
    }
    let program = try finished.program(outputs: [finished.total(includingJacobians: false)])
    return .real(program.run(position: inputs, inputs: [])[0].elements[0])
  }
}

/// Reads the cancellation flag from sampling threads.
final class CancellationProbe: @unchecked Sendable {
  private let context: any CallContext
  init(_ context: any CallContext) { self.context = context }
  var isCancelled: Bool { context.isCancelled }
}

/// Shows progress lines, one at a time.
final class ProgressSink: @unchecked Sendable {
  private let context: any CallContext
  private let lock = NSLock()
  init(_ context: any CallContext) { self.context = context }
  func show(_ line: String) { lock.withLock { context.progress(line) } }
}

/// Adds up what the chains report.
final class ProgressBoard: Sendable {
  private let state: Mutex<(done: [Int], total: Int, divergences: [Int])>
  private let name: String
  init(chains: Int, name: String) {
    self.name = name
    state = Mutex((Array(repeating: 0, count: chains), 0, Array(repeating: 0, count: chains)))
  }
  func update(_ fact: ChainRunner.Progress) -> String? {
    state.withLock { state in
      state.done[fact.chain] = fact.iteration
      state.divergences[fact.chain] = fact.divergences
      state.total = fact.total
      let all = state.done.reduce(0, +)
      let goal = state.total * state.done.count
      let divergent = state.divergences.reduce(0, +)
      return "\(name): \(100 * all / max(1, goal)) % of \(goal) transitions"
        + (divergent > 0 ? ", \(divergent) divergent" : "")
    }
  }
}
