import Checking
import Interpreter
import Modeling
import Notebooks
import Numerics
import Rendering
import Synchronization
import Syntax
import Testing

/// Fits are found again by their result digest, and go on from their checkpoints.
struct StoredFitTests {
  /// One run of a text in a process of its own, as far as the store can tell.
  private struct Run {
    var fit: PosteriorValue?
    var gradients: Int
    var diagnostics: [Diagnostic]
    var texts: [String] = []

    /// Draws and statistics, bit by bit.
    var bits: [UInt64] {
      guard let fit else { return [] }
      var numbers = fit.values.flatMap { $0 }
      if let stats = fit.stats {
        numbers += stats.acceptance + stats.stepSize + stats.energy + stats.logDensity
        numbers += (stats.treeDepth + stats.leapfrogs + [stats.warmupLeapfrogs]).map(Double.init)
        numbers += stats.isDivergent.map { $0 ? 1 : 0 }
      }
      return numbers.map(\.bitPattern) + [fit.key.high, fit.key.low]
    }
    var messages: [String] { diagnostics.map { "\($0.code): \($0.message)" } }
  }

  private func run(
    _ text: String, _ store: MemoryStore?, threads: Int = 1, cancellation: Cancellation = Cancellation()
  ) throws -> Run {
    let session = try Session(
      installation: Running.installation, world: Running.Files(), threads: threads, cancellation: cancellation)
    session.machine.results = store
    let (_, unit) = session.check(session.add(name: "cell", bytes: Array(text.utf8)), as: .cell)
    var diagnostics = unit.diagnostics.filter { $0.severity == .error }
    guard diagnostics.isEmpty else { return Run(fit: nil, gradients: 0, diagnostics: diagnostics) }
    let (events, _, failed) = session.run(unit, identity: "#cell")
    diagnostics += events.compactMap { if case .diagnostic(let diagnostic) = $0 { diagnostic } else { nil } }
    var fit: PosteriorValue?
    if !failed, let index = session.checker.table.globals.lastIndex(where: { $0.name == "fit" }),
      case .engine(let engine) = try session.machine.global(GlobalID(index))
    {
      fit = engine as? PosteriorValue
    }
    let texts = events.compactMap { event -> String? in
      if case .output(.text(let text)) = event { return text }
      return nil
    }
    return Run(fit: fit, gradients: session.machine.work.gradients, diagnostics: diagnostics, texts: texts)
  }

  /// A program with places to change.
  private func text(
    sites: String = "let mu ~ Normal(0, 2)\nlet tau ~ HalfNormal(1)", mean: String = "mu + b", locals: String = "",
    data: String = "[1.0, 2.0, 0.5, 1.5]", before: String = "",
    fit: String = "sample(m, draws: 40, warmup: 60, chains: 2, seed: 5)"
  ) -> String {
    """
    model M(n: Int) {
        \(sites)
        let b ~ Normal(0, 1)
        \(locals)
        plate i in 0..<n { let y ~ Normal(\(mean), tau) }
        let twice = 2 * mu
    }
    let m = M(n: 4).given(y: \(data))
    \(before)
    let fit = \(fit)
    """
  }

  // MARK: - Hits

  @Test func whatDoesNotMatterFindsTheFit() throws {
    let store = MemoryStore()
    let plain = try run(text(), nil)
    let first = try run(text(), store)
    #expect(plain.gradients > 1000 && first.gradients == plain.gradients)
    #expect(first.fit != nil && first.bits == plain.bits)
    #expect(!first.messages.isEmpty && first.messages == plain.messages, "so few draws earn warnings")
    let variants = [
      ("the same again", text()),
      ("a comment", text(locals: "// words\n")),
      ("a local", text(mean: "c", locals: "let c = mu + b")),
      ("a renamed local", text(mean: "center", locals: "let center = b + mu")),
      ("swapped sites", text(sites: "let tau ~ HalfNormal(1)\nlet mu ~ Normal(0, 2)")),
      ("a derived quantity", text().replacing("2 * mu", with: "3 * mu - tau")),
      ("a renamed plate index", text().replacing("plate i", with: "plate k")),
      ("threads", text(fit: "sample(m, draws: 40, warmup: 60, chains: 2, threads: 2, seed: 5)")),
      (
        "settings by name of a local",
        text(before: "let d = 40", fit: "sample(m, draws: d, warmup: 60, chains: 2, seed: 5)")
      ),
      (
        "the usual start in words",
        text(fit: "sample(m, init: .uniform(2.0), draws: 40, warmup: 60, chains: 2, seed: 5)")
      ),
    ]
    for (number, (name, variant)) in variants.enumerated() {
      let again = try run(variant, store, threads: 1 + number % 2)
      #expect(again.gradients == 0, "\(name)")
      #expect(again.bits == first.bits, "\(name)")
      #expect(again.messages == first.messages, "\(name)")
    }
    #expect(store.state.withLock { $0.finished.count } == 1)
    #expect(store.state.withLock { $0.hits } == variants.count)
    #expect(store.state.withLock { $0.claims.isEmpty })
  }

  @Test func keptSitesAreChosenAfterward() throws {
    let store = MemoryStore()
    let all = try run(text(), store)
    let some = try run(text(fit: "sample(m, draws: 40, warmup: 60, chains: 2, keep: \\.mu, seed: 5)"), store)
    #expect(some.gradients == 0)
    #expect(some.fit?.sites.map(\.name) == ["mu"])
    #expect(some.fit?.values.first == all.fit?.slot("mu").flatMap { all.fit?.values[$0] })
    #expect(some.fit?.moments.keys.sorted() == ["b", "tau"])
  }

  @Test func theModelOfAFoundFitIsTheCurrentOne() throws {
    let store = MemoryStore()
    let program = text() + "\nprint(round(mean(fit.twice) / mean(fit.mu)))"
    #expect(try run(program, store).texts == ["2.0"])
    let again = try run(program.replacing("2 * mu", with: "3 * mu"), store)
    #expect(again.gradients == 0)
    #expect(again.texts == ["3.0"])
  }

  // MARK: - Misses

  @Test func whatMattersIsComputed() throws {
    let store = MemoryStore()
    _ = try run(text(), store)
    let sample = { (arguments: String) in
      self.text(fit: "sample(m, draws: 40, warmup: 60, chains: 2, \(arguments))")
    }
    let variants = [
      ("data", text(data: "[1.0, 2.0, 0.5, 1.25]")),
      ("data in another order", text(data: "[2.0, 1.0, 0.5, 1.5]")),
      ("a prior's constant", text(sites: "let mu ~ Normal(0, 2.5)\nlet tau ~ HalfNormal(1)")),
      ("another family", text(sites: "let mu ~ Normal(0, 2)\nlet tau ~ Exponential(1)")),
      ("the likelihood", text(mean: "mu - b")),
      (
        "a site's name",
        text(sites: "let nu ~ Normal(0, 2)\nlet tau ~ HalfNormal(1)", mean: "nu + b").replacing("* mu", with: "* nu")
      ),
      (
        "swapped names",
        text(sites: "let b2 ~ Normal(0, 2)\nlet tau ~ HalfNormal(1)", mean: "b2 + b").replacing("* mu", with: "* b2")
      ),
      ("seed", sample("seed: 6")),
      ("no seed", text(fit: "sample(m, draws: 40, warmup: 60, chains: 2)")),
      ("acceptance", sample("targetAcceptance: 0.81, seed: 5")),
      ("tree depth", sample("maxTreeDepth: 9, seed: 5")),
      ("draws", text(fit: "sample(m, draws: 41, warmup: 60, chains: 2, seed: 5)")),
      ("warmup", text(fit: "sample(m, draws: 40, warmup: 61, chains: 2, seed: 5)")),
      ("chains", text(fit: "sample(m, draws: 40, warmup: 60, chains: 3, seed: 5)")),
      ("radius", sample("init: .uniform(1.5), seed: 5")),
      ("start values", sample("init: .values(mu: 0.5), seed: 5")),
      ("other start values", sample("init: .values(mu: 0.75), seed: 5")),
      ("start values of another site", sample("init: .values(b: 0.5), seed: 5")),
      ("another fallback", sample("init: .values(mu: 0.5).otherwise(.uniform(1.0)), seed: 5")),
      ("start from the prior", sample("init: .prior, seed: 5")),
      ("an intervention", text(fit: "sample(m.do(b: 0.25), draws: 40, warmup: 60, chains: 2, seed: 5)")),
      ("another intervention", text(fit: "sample(m.do(b: 0.5), draws: 40, warmup: 60, chains: 2, seed: 5)")),
      ("coordinates", text(fit: "sample(m.reparam(mu: .noncentered), draws: 40, warmup: 60, chains: 2, seed: 5)")),
      ("optimum", text(fit: "optimize(m, seed: 5)")),
      ("optimum with Jacobian", text(fit: "optimize(m, jacobian: true, seed: 5)")),
      ("restarts", text(fit: "optimize(m, restarts: 2, seed: 5)")),
      ("start of an optimum", text(fit: "optimize(m, init: .values(mu: 0.5), seed: 5)")),
      ("seed of an optimum", text(fit: "optimize(m, seed: 6)")),
    ]
    for (number, (name, variant)) in variants.enumerated() {
      let other = try run(variant, store)
      #expect(other.gradients > 0 && other.fit != nil, "\(name): \(other.messages)")
      #expect(store.state.withLock { $0.finished.count } == number + 2, "\(name)")
    }
    // And each of them is found again, with what an empty store gives.
    for (name, variant) in variants {
      let again = try run(variant, store)
      #expect(again.gradients == 0, "\(name)")
      let clean = try run(variant, nil)
      #expect(again.bits == clean.bits && again.messages == clean.messages, "\(name)")
    }
    #expect(store.state.withLock { $0.claims.isEmpty })
  }

  /// Without data, the operations alone tell two models apart.
  @Test func programsWithoutDataAreToldApart() throws {
    let store = MemoryStore()
    for (number, density) in ["-mu * mu", "-mu * mu * mu * mu", "-abs(mu)"].enumerated() {
      let program = """
        model M() {
            let mu ~ Flat()
            addLogDensity(\(density))
        }
        let fit = sample(M(), draws: 20, warmup: 30, chains: 1, seed: 9)
        """
      let fit = try run(program, store)
      #expect(fit.gradients > 0 && fit.fit != nil, "\(fit.messages)")
      #expect(try run(program, store).gradients == 0)
      #expect(store.state.withLock { $0.finished.count } == number + 1)
    }
  }

  @Test func startsFromAFitDependOnItsDraws() throws {
    let store = MemoryStore()
    let from = { (seed: Int) in
      self.text(
        before: "let pilot = sample(m, draws: 20, warmup: 30, chains: 1, seed: \(seed))",
        fit: "sample(m, init: .from(pilot), draws: 20, warmup: 30, chains: 1, seed: 9)")
    }
    let first = try run(from(1), store)
    let again = try run(from(1), store)
    #expect(again.gradients == 0 && again.bits == first.bits)
    #expect(try run(from(2), store).gradients > 0)
    #expect(store.state.withLock { $0.finished.count } == 4)
  }

  /// Given `y = 0.5`, the density of `y` is the same under both laws; what the prior draws of `mu` follow is not.
  @Test func startsFromThePriorDependOnIt() throws {
    let store = MemoryStore()
    let fit = { (law: String, start: String) in
      """
      model M(n: Int) {
          let y ~ \(law)
          let mu ~ Normal(y, 1)
          let x ~ Normal(mu, 1)
      }
      let fit = sample(M(n: 1).given(y: 0.5, x: 1.0), init: \(start), draws: 20, warmup: 30, chains: 1, seed: 9)
      """
    }
    #expect(try run(fit("Uniform(-1, 1)", ".uniform(2.0)"), store).gradients > 0)
    #expect(try run(fit("Uniform(0, 2)", ".uniform(2.0)"), store).gradients == 0)
    #expect(try run(fit("Uniform(-1, 1)", ".prior"), store).gradients > 0)
    #expect(try run(fit("Uniform(-1, 1)", ".prior"), store).gradients == 0)
    #expect(try run(fit("Uniform(0, 2)", ".prior"), store).gradients > 0)
  }

  // MARK: - Failures

  @Test func bytesThatCannotBeReadAreComputedAnew() throws {
    for fit in ["sample(m, draws: 20, warmup: 30, chains: 2, seed: 5)", "optimize(m, seed: 5)"] {
      let store = MemoryStore()
      let first = try run(text(fit: fit), store)
      let bytes = try #require(store.state.withLock { $0.finished.values.first })
      for damage in 0..<4 {
        store.state.withLock { state in
          for key in state.finished.keys {
            state.finished[key] =
              [[], Array(bytes.dropLast()), bytes + [0], bytes.enumerated().map { $0 == 100 ? $1 ^ 4 : $1 }][damage]
          }
        }
        let again = try run(text(fit: fit), store)
        #expect(again.gradients == first.gradients && again.bits == first.bits)
        #expect(store.state.withLock { $0.discarded } == damage + 1)
        #expect(store.state.withLock { $0.finished.values.first } == bytes)
      }
      store.state.withLock { $0.answer = .finished([1, 2, 3]) }
      #expect(try run(text(fit: fit), store).bits == first.bits)
    }
  }

  @Test func whatFailsEndsItsClaim() throws {
    let store = MemoryStore()
    let impossible = text(sites: "let mu ~ Normal(0, 2)\nlet tau ~ HalfNormal(1)\naddLogDensity(log(0.0 * tau))")
    for count in 1...2 {
      let result = try run(impossible, store)
      #expect(result.fit == nil && result.messages.first?.hasPrefix("M301") == true, "\(result.messages)")
      #expect(result.gradients == 100)
      #expect(store.state.withLock { $0.abandoned } == count)
    }
    #expect(store.state.withLock { $0.finished.isEmpty && $0.claims.isEmpty })
  }

  @Test func waitingForAnotherProcessCanBeStopped() throws {
    let store = MemoryStore()
    store.state.withLock { $0.answer = .cancelled }
    let fit = try run(text(), store)
    #expect(fit.messages == ["R080: the fit was interrupted"])
    #expect(fit.diagnostics.first?.found == "0 of 80 draws were made")
    let mode = try run(text(fit: "optimize(m, seed: 5)"), store)
    #expect(mode.messages == ["R080: the optimization was interrupted"])
    #expect(store.state.withLock { $0.abandoned } == 0)
  }

  // MARK: - Going on

  private static let autoregressive = """
    model M(n: Int) {
        let phi ~ Uniform(-1, 1)
        let sigma ~ HalfNormal(1)
        let scale ~ HalfNormal(1)
        let x: Vector[n]
        x[0] ~ Normal(0, 1)
        for t in 1..<n { x[t] ~ Normal(phi * x[t - 1], sigma) }
        plate t in 0..<n { let y ~ Normal(x[t], scale) }
    }
    let m = M(n: 6).given(y: [0.5, 0.7, 0.1, -0.4, -0.9, 0.2])
    let fit = sample(m, draws: 60, warmup: 80, chains: 3, seed: 2)
    """

  @Test(arguments: [1, 2])
  func aFitKilledFiveTimesIsTheFitNeverKilled(threads: Int) throws {
    for program in [text(fit: "sample(m, draws: 60, warmup: 80, chains: 3, seed: 5)"), StoredFitTests.autoregressive] {
      let whole = try run(program, nil)
      let store = MemoryStore()
      var spent = 0
      // 420 iterations in all; with one thread the kills hit warmup, draws, draws, warmup and draws.
      for (number, iteration) in [33, 60, 42, 60, 110].enumerated() {
        let cancellation = Cancellation()
        store.alarm(at: iteration) { cancellation.cancel() }
        let killed = try run(program, store, threads: threads, cancellation: cancellation)
        #expect(killed.fit == nil)
        #expect(killed.messages == ["R080: the fit was interrupted"])
        let found = killed.diagnostics.first?.found
        #expect(found?.hasSuffix("of 180 draws were made") == true)
        if threads == 1 { #expect(found == "\([0, 13, 55, 60, 120][number]) of 180 draws were made") }
        spent += killed.gradients
        #expect(store.state.withLock { $0.claims.isEmpty && $0.abandoned == number + 1 })
      }
      let last = try run(program, store, threads: threads)
      spent += last.gradients
      #expect(last.bits == whole.bits && last.fit != nil)
      #expect(last.messages == whole.messages)
      #expect(last.gradients < whole.gradients / 2)
      // Done twice: the search for starts, a look at each restored position, and steps that a kill cut short.
      #expect(spent < whole.gradients + 5 * 3 * 8 + 5 * threads * 128)
      #expect(store.state.withLock { $0.checkpoints.isEmpty }, "a finished fit needs no checkpoints")
      #expect(try run(program, store).gradients == 0)
    }
  }

  @Test func damagedCheckpointsChangeNoDraw() throws {
    let program = text(fit: "sample(m, draws: 30, warmup: 40, chains: 2, seed: 5)")
    let whole = try run(program, nil)
    func stopped() throws -> MemoryStore {
      let store = MemoryStore()
      let cancellation = Cancellation()
      store.alarm(at: 120) { cancellation.cancel() }
      #expect(try run(program, store, cancellation: cancellation).fit == nil)
      return store
    }
    let good = try run(program, try stopped())
    #expect(good.bits == whole.bits && good.gradients < whole.gradients / 2)
    for damage in 0..<5 {
      let store = try stopped()
      store.state.withLock { state in
        for (digest, parts) in state.checkpoints {
          var new = parts
          for (part, bytes) in parts {
            switch damage {
            case 0: new[part] = []
            case 1: new[part] = Array(bytes.dropLast(1))
            case 2: new[part] = bytes.enumerated().map { $0 == bytes.count / 2 ? $1 ^ 1 : $1 }
            case 3: new[part] = parts[1 - part]
            default: new[part] = Array(repeating: 0xFF, count: bytes.count)
            }
          }
          state.checkpoints[digest] = new
        }
      }
      let again = try run(program, store)
      #expect(again.bits == whole.bits)
      #expect(again.gradients > whole.gradients / 2, "chains begin anew")
    }
  }
}
