import ArgumentParser
import Checking
import Foundation
import Inference
import Interpreter
import Modeling
import Notebooks
import Numerics
import Rendering
import Syntax
import TensorIR

/// `cairn bench`: how fast the gradients of a notebook's models are.
struct Bench: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Time the log density and gradient of a notebook's models that are given data.")
  @Argument(help: "A notebook, NAME.nb.md.") var file: String
  @Option(help: "Write the figures to this file too, with log density and gradient at the position.")
  var json: String?
  @Option(name: .customLong("model"), help: "Only the model that this name is bound to; may be given several times.")
  var names: [String] = []
  @Option(help: "Seconds of processor time for each of seven batches.") var seconds = 0.1
  @Option(help: "The seed of the position.") var seed: UInt64 = 1
  @Flag(help: "Leave out the sampler's own work.") var gradientsOnly = false
  @Option(
    help:
      "Instead of timing, list what runs: the graph after all passes, the code, or the loops with their times and expressions."
  ) var list: Listing?
  @Flag(help: "Neither use nor write the cache.") var noCache = false

  enum Listing: String, ExpressibleByArgument, CaseIterable { case graph, code, loops }

  func validate() throws {
    guard seconds > 0, seconds <= 60 else { throw ValidationError("--seconds is above 0 and at most 60") }
  }

  mutating func run() throws {
    let terminal = Terminal()
    let status: Int32
    do { status = try bench(terminal) } catch { status = terminal.fail(error) }
    throw ExitCode(status)
  }

  private func bench(_ terminal: Terminal) throws -> Int32 {
    var settings = LoadedNotebook.Settings(threads: ProcessInfo.processInfo.activeProcessorCount)
    settings.usesCache = !noCache
    let notebook = try LoadedNotebook(file, settings)
    let session = notebook.session
    let interrupts = Interrupts(session.machine.cancellation)
    defer { withExtendedLifetime(interrupts) {} }
    session.machine.onProgress = { terminal.progress($0) }
    for diagnostic in notebook.runner.errors { terminal.show(diagnostic, session.sources) }
    let outcome = notebook.runner.run(
      onCell: { _ in },
      onResult: { result in
        guard case .failed = result.status else { return }
        for case .diagnostic(let diagnostic) in result.events { terminal.show(diagnostic, session.sources) }
      })
    terminal.endProgress()
    defer { notebook.store?.close() }
    for notice in (notebook.store?.takeNotices() ?? []) + EngineBackend.takeNotices() { terminal.notice(notice) }
    if outcome == .interrupted { return 130 }
    let models = try wanted(BoundModel.all(in: session, notebook.runner))
    guard !models.isEmpty else {
      terminal.line("nothing in the notebook is bound to a model or a fit")
      return 1
    }
    var status: Int32 = outcome == .succeeded ? 0 : 1
    var figures: [ModelFigures] = []
    for bound in models {
      if session.machine.cancellation.isCancelled { return 130 }
      terminal.progress("\(bound.name): timing")
      do {
        if let list {
          terminal.endProgress()
          terminal.line(try listing(list, bound, session))
          continue
        }
        figures.append(try measure(bound, session))
      } catch let fault as Fault {
        terminal.show(fault.diagnostic(at: nil), session.sources)
        status = 1
      }
    }
    terminal.endProgress()
    if !figures.isEmpty { terminal.show(.output(.table(ModelFigures.table(figures))), session.sources) }
    if let json {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys]
      encoder.nonConformingFloatEncodingStrategy = .convertToString(
        positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
      let text = try encoder.encode(["models": figures])
      try ExportCommand.write(Array(text) + Array("\n".utf8), to: URL(fileURLWithPath: json))
    }
    return status
  }

  /// Models by name, or all that were given data; those that were not where there are no others.
  private func wanted(_ models: [BoundModel]) throws -> [BoundModel] {
    let known = models.map(\.name)
    for name in names where !known.contains(name) {
      throw DiagnosticError(
        Diagnostic(
          "N053", "no model of the notebook is called `\(name)`", at: nil,
          help: Nearest.suggest(name, known).map { "did you mean `\($0)`?" }
            ?? (known.isEmpty ? "bind one with `let` in a cell" : "there are \(known.joined(separator: ", "))")))
    }
    if !names.isEmpty { return models.filter { names.contains($0.name) } }
    let given = models.filter { !$0.model.conditions.isEmpty }
    return given.isEmpty ? models : given
  }

  private func listing(_ list: Listing, _ bound: BoundModel, _ session: Session) throws -> String {
    let compiler = ModelCompiler(
      context: session.machine, registry: session.engine.registry, hooks: session.engine)
    let compiled = try compiler.compile(bound.model)
    let evaluator = compiled.target.evaluator
    switch list {
    case .loops: return try loops(compiled, session)
    case .graph: return GraphPrinter.text(evaluator.preparedGraph)
    case .code: return evaluator.codeText ?? "the reference evaluator has no code"
    }
  }

  /// Loop by loop: time, share, what it goes over, and the expressions in it with their shares of its work.
  ///
  /// Times are of an instrumented build, scaled to the plain one's; shares within a loop are estimated from the kinds of
  /// operations, which "≈" says.
  private func loops(_ compiled: CompiledModel, _ session: Session) throws -> String {
    try compiled.target.prepare()
    var stream = RandomStream(key: RandomKey(seed: seed))
    let position = (0..<compiled.target.dimension).map { _ in 0.5 * stream.nextNormal() }
    let bench = GradientBench(target: compiled.target, position: position, batchSeconds: seconds)
    let plain = bench.gradients()
    let nanoseconds = plain.nanoseconds.sorted()[plain.nanoseconds.count / 2]
    let steps = try compiled.target.evaluator.stepTimes(position: position, evaluations: plain.evaluations)
    guard !steps.isEmpty else { return "the reference evaluator has no loops to time" }
    let total = steps.reduce(0) { $0 + $1.cycles }
    var lines = ["\(Int(nanoseconds.rounded())) ns per evaluation, in \(steps.count) parts"]
    for step in steps.sorted(by: { $0.cycles > $1.cycles }) where step.cycles > 0.005 * total {
      let share = step.cycles / total
      let place =
        step.kernel
        ?? (step.extents.isEmpty ? "single numbers" : step.extents.map(String.init).joined(separator: " × "))
      lines.append("")
      lines.append(
        "\(Int((share * nanoseconds).rounded())) ns, \(Int((100 * share).rounded())) %: \(place)")
      var costs: [String: Double] = [:]
      for (origin, cost) in step.work {
        guard let span = compiled.finished.span(ofOrigin: origin), let source = session.sources[span.source] else {
          continue
        }
        let text = source.text(span).split(separator: "\n").joined(separator: " ")
        costs[DisplayText.printable(String(text.prefix(90)), keepsLines: false), default: 0] += cost
      }
      let work = costs.values.reduce(0, +)
      for (text, cost) in costs.sorted(by: { ($1.value, $0.key) < ($0.value, $1.key) }).prefix(6) {
        lines.append("    ≈ \(Int((100 * cost / work).rounded())) %  \(text)")
      }
    }
    return lines.joined(separator: "\n")
  }

  private func measure(_ bound: BoundModel, _ session: Session) throws -> ModelFigures {
    let compiler = ModelCompiler(
      context: session.machine, registry: session.engine.registry, hooks: session.engine)
    let start = ThreadClock.now
    let wallStart = ContinuousClock.now
    let compiled = try compiler.compile(bound.model)
    try compiled.target.prepare()
    let compile = ThreadClock.now - start
    let wall = wallStart.duration(to: .now).inSeconds
    let target = compiled.target
    var stream = RandomStream(key: RandomKey(seed: seed))
    let position = (0..<target.dimension).map { _ in 0.5 * stream.nextNormal() }
    let bench = GradientBench(target: target, position: position, batchSeconds: seconds)
    let alone = GradientBench(
      target: StandIn(dimension: target.dimension), position: position, batchSeconds: seconds)
    let gradient = bench.gradients()
    return ModelFigures(
      name: bound.name, model: bound.model.inlineDescription, dimension: target.dimension,
      sites: compiled.sites.map { .init(name: $0.name, shape: $0.shape) }, compileMilliseconds: 1e3 * wall,
      compileProcessorMilliseconds: 1e3 * compile, gradientNanoseconds: gradient.nanoseconds,
      evaluationsPerBatch: gradient.evaluations, workspaceBytes: target.workspaceByteCount,
      dataBytes: target.evaluator.dataByteCount,
      sampler: gradientsOnly ? nil : bench.sampler(key: RandomKey(seed: seed).child("sampler")),
      samplerAlone: gradientsOnly ? nil : alone.sampler(key: RandomKey(seed: seed).child("sampler")),
      position: position,
      logDensity: bench.logDensity, gradient: bench.gradient)
  }
}

/// A model that a notebook binds a name to, or the model of a fit.
private struct BoundModel {
  var name: String
  var model: ModelValue

  /// In the order of their definitions; a fit counts where its model has no name of its own.
  static func all(in session: Session, _ runner: NotebookRunner) throws -> [BoundModel] {
    let table = session.checker.table.globals
    var nearest: [String: GlobalID] = [:]
    let exports = session.units.flatMap { $0.exports.map(\.global) }.sorted { $0.rawValue < $1.rawValue }
    for global in exports { nearest[table[global.rawValue].name] = global }
    var models: [BoundModel] = []
    var fits: [BoundModel] = []
    for global in exports where nearest[table[global.rawValue].name] == global {
      // What a cell with an error would have given is not there.
      guard case .engine(let value)? = runner.value(of: global) else { continue }
      let name = table[global.rawValue].name
      if let model = value as? ModelValue {
        models.append(BoundModel(name: name, model: model))
      } else if let fit = value as? PosteriorValue, fit.kind == .sampled || fit.kind == .optimum {
        fits.append(BoundModel(name: name, model: fit.model))
      }
    }
    for fit in fits where !models.contains(where: { $0.model.isSame(as: fit.model) }) { models.append(fit) }
    return models
  }
}

/// Processor time of the calling thread.
private enum ThreadClock {
  /// In seconds.
  static var now: Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + 1e-9 * Double(time.tv_nsec)
  }
}

/// Independent standard normals: a target that costs next to nothing.
private struct StandIn: LogDensity {
  let dimension: Int
  var workspaceByteCount: Int { 0 }
  func evaluate(
    position: UnsafePointer<Double>, gradient: UnsafeMutablePointer<Double>, workspace: UnsafeMutableRawPointer
  ) -> Double {
    var square = 0.0
    for index in 0..<dimension {
      gradient[index] = -position[index]
      square += position[index] * position[index]
    }
    return -0.5 * square
  }
}

/// Times one log density at one position, and the sampler on it.
private final class GradientBench {
  static let batches = 7
  /// Of a batch, where two things are timed in turn.
  static let pieces = 16
  /// Compiled code may read and write whole vectors past the end.
  static let spare = 8

  let target: any LogDensity
  let batchSeconds: Double
  let start: [Double]
  private let position, result: UnsafeMutablePointer<Double>
  private let workspace: UnsafeMutableRawPointer
  private(set) var logDensity = 0.0
  var gradient: [Double] { (0..<target.dimension).map { result[$0] } }

  init(target: any LogDensity, position start: [Double], batchSeconds: Double) {
    self.target = target
    self.batchSeconds = batchSeconds
    self.start = start
    let count = target.dimension + GradientBench.spare
    func aligned() -> UnsafeMutablePointer<Double> {
      let memory = UnsafeMutableRawPointer.allocate(byteCount: count * MemoryLayout<Double>.stride, alignment: 64)
      return memory.initializeMemory(as: Double.self, repeating: 0, count: count)
    }
    position = aligned()
    result = aligned()
    workspace = .allocate(byteCount: max(64, target.workspaceByteCount), alignment: 64)
    move(to: start)
  }

  deinit {
    UnsafeMutableRawPointer(position).deallocate()
    UnsafeMutableRawPointer(result).deallocate()
    workspace.deallocate()
  }

  private func move(to point: [Double]) {
    for (index, value) in point.enumerated() { position[index] = value }
    logDensity = target.evaluate(position: position, gradient: result, workspace: workspace)
  }

  /// Seconds of this many evaluations.
  private func time(_ evaluations: Int) -> Double {
    let (target, position, result, workspace) = (self.target, self.position, self.result, self.workspace)
    var value = 0.0
    let start = ThreadClock.now
    for _ in 0..<evaluations {
      value = target.evaluate(position: position, gradient: result, workspace: workspace)
    }
    let elapsed = ThreadClock.now - start
    logDensity = value
    return elapsed
  }

  /// Nanoseconds per evaluation, batch by batch.
  func gradients() -> (nanoseconds: [Double], evaluations: Int) {
    var evaluations = 1
    var elapsed = time(1)
    while elapsed < batchSeconds / 4 {
      evaluations *= 2
      elapsed = time(evaluations)
    }
    evaluations = max(1, Int(Double(evaluations) * batchSeconds / elapsed))
    let batches = (0..<GradientBench.batches).map { _ in 1e9 * time(evaluations) / Double(evaluations) }
    return (batches, evaluations)
  }

  /// What NUTS does besides evaluating, per leapfrog: stretches of the sampler, each followed by as many evaluations at
  /// positions that it visited.
  func sampler(key: RandomKey) -> ModelFigures.Sampler {
    // A shallow limit: work per leapfrog hardly depends on the depth, and a transition must not outlast its piece.
    let kernel = NUTSKernel(target: target, maxTreeDepth: 6)
    kernel.move(to: start)
    kernel.findReasonableStepSize(key: key.child("step size"))
    var averaging = DualAveraging(targetAcceptance: 0.8, initialStepSize: kernel.stepSize)
    var variance = VarianceEstimate(dimension: target.dimension)
    var iteration: UInt64 = 0
    func step() -> TransitionFacts {
      iteration += 1
      return kernel.step(key: key.child(iteration))
    }
    // A short warmup, so that trajectories are as long as in a fit: one window for the metric, then the step size anew.
    let limit = 5 * batchSeconds
    for window in 0..<2 {
      let begin = ThreadClock.now
      for index in 0..<150 where ThreadClock.now - begin < limit {
        kernel.stepSize = averaging.update(acceptance: step().acceptance)
        if window == 0, index >= 75 { variance.add(kernel.position) }
      }
      if window == 0, variance.count >= 50 {
        kernel.updateInverseMass { metric in
          for (index, value) in variance.regularized.enumerated() { metric[index] = value }
        }
        kernel.findReasonableStepSize(key: key.child("step size again"))
        averaging.restart(at: kernel.stepSize)
      }
    }
    kernel.stepSize = averaging.finalStepSize
    var own: [Double] = []
    var (leapfrogs, transitions) = (0, 0)
    for _ in 0..<GradientBench.batches {
      var (difference, count, spent) = (0.0, 0, 0.0)
      // Short pieces in turn: whatever else the machine does slows both alike.
      while spent < batchSeconds {
        var (visited, steps): ([[Double]], Int) = ([], 0)
        let begin = ThreadClock.now
        var total = 0.0
        // The clock costs as much as a few leapfrogs of a small model: it is asked less and less often.
        var (asked, number) = (1, 0)
        repeat {
          for _ in 0..<asked { steps += step().leapfrogs }
          transitions += asked
          number += 1
          if visited.count < 4 { visited.append((0..<target.dimension).map { kernel.position[$0] }) }
          if number > 4 { asked = min(2 * asked, 64) }
          total = ThreadClock.now - begin
        } while total < batchSeconds / Double(GradientBench.pieces)
        let each = max(1, steps / visited.count)
        let evaluating = visited.reduce(0.0) { sum, point in
          move(to: point)
          return sum + time(each)
        }
        difference += total - evaluating * Double(steps) / Double(each * visited.count)
        count += steps
        spent += total
      }
      leapfrogs += count
      own.append(1e9 * difference / Double(max(1, count)))
    }
    move(to: start)
    return ModelFigures.Sampler(nanosecondsPerLeapfrog: own, leapfrogs: leapfrogs, transitions: transitions)
  }
}

/// What was measured of one model.
private struct ModelFigures: Encodable {
  struct Site: Encodable {
    var name: String
    var shape: [Int]
  }

  struct Sampler: Encodable {
    /// The sampler's own work, stretch by stretch: without the gradients.
    var nanosecondsPerLeapfrog: [Double]
    var leapfrogs: Int
    var transitions: Int
  }

  var name: String
  var model: String
  var dimension: Int
  /// In the order of the position; shapes are those of the values, not of their coordinates.
  var sites: [Site]
  var compileMilliseconds: Double
  var compileProcessorMilliseconds: Double
  /// Per evaluation, one number per batch.
  var gradientNanoseconds: [Double]
  var evaluationsPerBatch: Int
  var workspaceBytes: Int
  /// Nil where the backend does not tell.
  var dataBytes: Int?
  var sampler: Sampler?
  /// The same on a stand-in of as many dimensions, which tells more where gradients take nearly all of the time.
  var samplerAlone: Sampler?
  var position: [Double]
  var logDensity: Double
  var gradient: [Double]

  static func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

  static func table(_ figures: [ModelFigures]) -> TextTable {
    let rows = figures.map { item -> [TextTable.Cell] in
      [
        .text(item.name), .text(item.model), .integer(item.dimension), .decimal(item.compileMilliseconds, places: 1),
        .decimal(median(item.gradientNanoseconds), places: 0),
        item.sampler.map { .decimal(median($0.nanosecondsPerLeapfrog), places: 0) } ?? .missing,
        .text(Cache.size(item.workspaceBytes)), item.dataBytes.map { .text(Cache.size($0)) } ?? .missing,
      ]
    }
    let names = ["compile, ms", "gradient, ns", "sampler, ns", "workspace", "data"]
    let columns =
      [
        TextTable.Column(name: "name", alignment: .leading), TextTable.Column(name: "model", alignment: .leading),
        TextTable.Column(name: "dimension", alignment: .trailing),
      ] + names.map { TextTable.Column(name: $0, alignment: .trailing) }
    return TextTable(
      columns: columns, rows: rows,
      notes: [
        "processor time, medians of seven batches; gradient: log density and gradient at one position; "
          + "sampler: its own work per leapfrog"
      ])
  }
}
