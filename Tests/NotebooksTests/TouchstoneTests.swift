import Foundation
import Notebooks
import Syntax
import TestSupport
import Testing

/// The touchstone models at the edges: what they lack yet, extents of zero and one, missing data, models within models.
struct TouchstoneTests {
  private func model(_ file: String) throws -> String {
    try String(contentsOf: Checkout.data.appendingPathComponent("models/\(file).cairn"), encoding: .utf8)
  }

  private func run(_ text: String) throws -> Running { try Running("```swift {}\n" + text + "\n```\n") }

  private func errors(_ running: Running) -> [String] {
    running.diagnostics.filter { $0.severity == .error }.map { "\($0.code): \($0.message)" }
  }

  /// Each file of the folder is fitted, or says what it lacks.
  @Test func everyModelHasItsTest() throws {
    let folder = Checkout.data.appendingPathComponent("models")
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.path).map {
      $0.replacing(".cairn", with: "")
    }
    // `use` and `eight-schools` are uses, not models; the latter is the repository's notebook.
    let covered = Set(TouchstoneTests.edges.map(\.file) + TouchstoneTests.later.map(\.file) + ["use", "eight-schools"])
    #expect(Set(files) == covered)
  }

  // MARK: - What is not there yet

  static let later: [(file: String, missing: [String])] = [
    ("varying-slopes", ["M190: `LKJCholesky` is not available yet"]),
    ("clusters", ["M190: `Ordered` is not available yet"]),
    ("hidden-markov", ["M190: `Ordered` is not available yet"]),
    ("growth", ["M190: `Multinomial` is not available yet"]),
    ("epidemic", ["M190: `solveODE` is not available yet", "M190: `NegativeBinomial` is not available yet"]),
    ("survival", ["M190: `Censored` is not available yet", "M190: `Weibull` is not available yet"]),
  ]

  @Test("What is missing is named, and nothing else", arguments: later.indices) func missing(_ index: Int) throws {
    let (file, missing) = TouchstoneTests.later[index]
    #expect(errors(try run(try model(file))) == missing)
  }

  /// Without the order of its means a mixture draws, and names the sum that its fit would need.
  @Test(arguments: [
    ("clusters", "Clusters(N: 3, K: 2)", "[2, 3]"), ("hidden-markov", "HiddenMarkov(T: 3, K: 2)", "[2, 3]"),
  ])
  func discreteSites(file: String, make: String, shape: String) throws {
    let text = try model(file).replacing("Ordered(Normal(0, 5).iid(K))", with: "Normal(0, 5).iid(K)")
    let running = try run(
      "\(text)\nlet m = \(make)\nprint(\"\\(m.prior(2).y.shape)\")\nsample(m.given(y: [1.0, 2.0, 3.0]))")
    #expect(running.texts.flatMap { $0 } == [shape])
    #expect(errors(running) == ["M211: `z` is discrete and not given"])
    // With the discrete site given, it is a model like any other.
    let given = try run(
      """
      \(text)
      let m = \(make).given(y: [1.0, 2.0, 3.0], z: [0, 1, 1])
      "\\(sample(m, draws: 20, warmup: 40, chains: 2, seed: 1).mu.shape)"
      """)
    #expect(errors(given).isEmpty)
    #expect(given.texts.flatMap { $0 }.last == "[40, 2]")
  }

  // MARK: - Extents of zero and one

  /// REALS and CODES stand for lists of SIZE numbers, FIT for the settings of a short fit.
  static let edges: [(file: String, text: String, zero: String, one: String)] = [
    (
      "regression",
      """
      let m = Regression(x: zeros(SIZE, 2))
      let fit = sample(m.given(y: REALS), FIT)
      "\\(m.prior(3).y.shape) \\(fit.beta.shape) \\(fit.eta.shape) \\(fit.replicate().y.shape)"
      """, "[3, 0] [60, 2] [60, 0] [60, 0]", "[3, 1] [60, 2] [60, 1] [60, 1]"
    ),
    (
      "regression",
      """
      let m = Regression(x: zeros(3, SIZE))
      let fit = sample(m.given(y: [1.0, 2.0, 0.5]), FIT)
      "\\(m.prior(3).beta.shape) \\(fit.beta.shape) \\(fit.predict(x: zeros(2, SIZE)).y.shape)"
      """, "[3, 0] [60, 0] [60, 2]", "[3, 1] [60, 1] [60, 2]"
    ),
    (
      "two-parameter-irt",
      """
      let who: [Int] = CODES
      let m = TwoParameterIRT(person: who, item: who)
      "\\(m.prior(3).y.shape) \\(m.prior(3).ability.shape)"
      """, "[3, 0] [3, 0]", "[3, 1] [3, 1]"
    ),
    (
      "autoregressive",
      """
      let m = Autoregressive(T: SIZE, start: [0.1, 0.2])
      let fit = sample(m.given(y: REALS), FIT)
      "\\(m.prior(2).y.shape) \\(fit.beta.shape) \\(fit.replicate().y.shape)"
      """, "[2, 0] [60, 2] [60, 0]", "[2, 1] [60, 2] [60, 1]"
    ),
    (
      "autoregressive",
      """
      let m = Autoregressive(T: 3, start: REALS)
      let fit = sample(m.given(y: [1.0, 2.0, 3.0]), FIT)
      "\\(m.prior(2).y.shape) \\(fit.beta.shape) \\(fit.replicate().y.shape)"
      """, "[2, 3] [60, 0] [60, 3]", "[2, 3] [60, 1] [60, 3]"
    ),
    (
      "panel-growth",
      """
      let m = PanelGrowth(P: SIZE, T: 3)
      let p = m.prior(2)
      let fit = sample(m.given(y: p.y[0]), FIT)
      "\\(p.x.shape) \\(fit.x.shape) \\(fit.replicate().y.shape)"
      """, "[2, 0, 3] [60, 0, 3] [60, 0, 3]", "[2, 1, 3] [60, 1, 3] [60, 1, 3]"
    ),
    (
      "poisson-process",
      """
      let m = PoissonProcess(x: REALS)
      let p = m.prior(2)
      let fit = sample(m.given(k: p.k[0]).reparam(f: .noncentered), FIT)
      "\\(p.k.shape) \\(fit.f.shape) \\(fit.replicate().k.shape)"
      """, "[2, 0] [60, 0] [60, 0]", "[2, 1] [60, 1] [60, 1]"
    ),
    (
      "horseshoe",
      """
      let m = Horseshoe(x: zeros(SIZE, 2), scale: 0.5)
      let fit = sample(m.given(y: REALS).reparam(beta: .noncentered), FIT)
      "\\(m.prior(3).y.shape) \\(fit.shrunk.shape) \\(fit.replicate().y.shape)"
      """, "[3, 0] [60, 2] [60, 0]", "[3, 1] [60, 2] [60, 1]"
    ),
    (
      "horseshoe",
      """
      let m = Horseshoe(x: zeros(3, SIZE), scale: 0.5)
      let fit = sample(m.given(y: [1.0, 2.0, 0.5]).reparam(beta: .noncentered), FIT)
      "\\(m.prior(3).beta.shape) \\(fit.shrunk.shape) \\(fit.replicate().y.shape)"
      """, "[3, 0] [60, 0] [60, 3]", "[3, 1] [60, 1] [60, 3]"
    ),
    (
      "flexible",
      """
      let m = Flexible(x: REALS, noise: .studentT, curved: true)
      let fit = sample(m.given(y: REALS), FIT)
      "\\(m.prior(3).y.shape) \\(fit.c == nil) \\(fit.replicate().y.shape)"
      """, "[3, 0] false [60, 0]", "[3, 1] false [60, 1]"
    ),
    (
      "group-effects",
      """
      let m = GroupEffects(J: SIZE)
      let fit = sample(m, FIT)
      "\\(m.prior(3).effect.shape) \\(fit.effect.shape)"
      """, "[3, 0] [60, 0]", "[3, 1] [60, 1]"
    ),
    (
      "crossed",
      """
      let m = Crossed(school: CODES, teacher: CODES)
      let fit = sample(m.given(y: REALS), FIT)
      "\\(m.prior(3).y.shape) \\(fit.bySchool.effect.shape) \\(fit.replicate().y.shape)"
      """, "[3, 0] [60, 0] [60, 0]", "[3, 1] [60, 1] [60, 1]"
    ),
    // These name element 0 outside of any loop: one element is the least they have.
    (
      "garch",
      """
      let m = GARCH(T: SIZE, sigma1: 0.5)
      let fit = sample(m.given(y: REALS), FIT)
      "\\(fit.sigma.shape) \\(fit.replicate().y.shape)"
      """, "R003: index 0 is out of range", "[60, 1] [60, 1]"
    ),
    (
      "panel-growth",
      """
      let m = PanelGrowth(P: 2, T: SIZE)
      let p = m.prior(2)
      let fit = sample(m.given(y: p.y[0]), FIT)
      "\\(p.x.shape) \\(fit.x.shape) \\(fit.replicate().y.shape)"
      """, "R003: index 0 is out of range", "[2, 2, 1] [60, 2, 1] [60, 2, 1]"
    ),
    (
      "local-level",
      """
      let m = LocalLevel(T: SIZE)
      let p = m.prior(2)
      let fit = sample(m.given(y: p.y[0]), FIT)
      "\\(p.level.shape) \\(fit.level.shape) \\(fit.replicate().y.shape)"
      """, "R003: index 0 is out of range", "[2, 1] [60, 1] [60, 1]"
    ),
  ]

  @Test("Extents of zero and one are ordinary", arguments: edges.indices, [0, 1])
  func extents(_ index: Int, size: Int) throws {
    let (file, text, zero, one) = TouchstoneTests.edges[index]
    let filled = text.replacing("SIZE", with: "\(size)").replacing("REALS", with: size == 0 ? "[]" : "[1.0]")
      .replacing("CODES", with: size == 0 ? "[]" : "[0]")
      .replacing("FIT", with: "draws: 30, warmup: 60, chains: 2, seed: 1")
    let running = try run(try model(file) + "\n" + filled)
    let found = errors(running)
    #expect((found.isEmpty ? running.texts.flatMap { $0 }.last : found[0]) == (size == 0 ? zero : one))
  }

  /// All of it is empty: there is nothing to sample, and that is what is said.
  @Test func aModelOfNothingHasNothingToSample() throws {
    let running = try run(
      try model("two-parameter-irt")
        + "\nlet none: [Int] = []\nsample(TwoParameterIRT(person: none, item: none).given(y: none))")
    #expect(errors(running) == ["M311: `TwoParameterIRT` has no site left to sample"])
  }

  // MARK: - Missing data, and models within models

  static let partial: [(file: String, text: String, shown: String)] = [
    (
      "regression",
      """
      let m = Regression(x: [[1.0, 2.0], [0.5, -1.0], [2.0, 0.0], [1.0, 1.0]]).given(y: [1.0, nil, nil, 3.0])
      let fit = sample(m, FIT)
      "\\(fit.y.shape) \\(fit.y[0, 0]) \\(fit.y[0, 3]) \\(fit.y[0, 1] == fit.y[1, 1]) \\(fit.replicate().y.shape)"
      """, "[60, 4] 1.0 3.0 false [60, 4]"
    ),
    // What a discrete site lacks is left out of the density, and drawn afterwards.
    (
      "two-parameter-irt",
      """
      let m = TwoParameterIRT(person: [0, 0, 1, 1], item: [0, 1, 0, 1]).given(y: [1, nil, 0, 1])
      let fit = sample(m, FIT)
      "\\(fit.ability.shape) \\(fit.replicate().y.shape)"
      """, "[60, 2] [60, 4]"
    ),
    (
      "garch",
      """
      let fit = sample(GARCH(T: 4, sigma1: 0.5).given(y: [1.0, nil, 2.0, 1.5]), FIT)
      "\\(fit.y.shape) \\(fit.y[0, 2]) \\(fit.sigma.shape)"
      """, "[60, 4] 2.0 [60, 4]"
    ),
    (
      "autoregressive",
      """
      let fit = sample(Autoregressive(T: 4, start: [0.1, 0.2]).given(y: [1.0, nil, 2.0, nil]), FIT)
      "\\(fit.y.shape) \\(fit.y[0, 0])"
      """, "[60, 4] 1.0"
    ),
    (
      "local-level",
      """
      let fit = sample(LocalLevel(T: 4).given(y: [1.0, nil, 2.0, 1.5]), FIT)
      "\\(fit.y.shape) \\(fit.level.shape) \\(fit.y[0, 2])"
      """, "[60, 4] [60, 4] 2.0"
    ),
    (
      "horseshoe",
      """
      let m = Horseshoe(x: [[1.0, 2.0], [0.5, -1.0], [2.0, 0.0]], scale: 0.5)
      let fit = sample(m.given(y: [1.0, nil, 0.5]).reparam(beta: .noncentered), FIT)
      "\\(fit.y.shape) \\(fit.y[0, 0])"
      """, "[60, 3] 1.0"
    ),
    (
      "flexible",
      """
      let fit = sample(Flexible(x: [1.0, 2.0, 3.0], noise: .normal, curved: false).given(y: [1.0, nil, 0.5]), FIT)
      "\\(fit.y[0, 0]) \\(fit.replicate().y.shape)"
      """, "1.0 [60, 3]"
    ),
    // Two crossed groups, and a person that is missing: one latent block.
    (
      "crossed",
      """
      let m = Crossed(school: [0, 0, 1, 1, 2, 2], teacher: [0, 1, 0, 1, 0, 1]).given(y: [1.0, 2.0, nil, 3.0, 1.5, nil])
      let fit = sample(m.reparam(\\.bySchool.effect, .noncentered).reparam(\\.byTeacher.effect, .noncentered), FIT)
      "\\(fit.y.shape) \\(fit.bySchool.effect.shape) \\(fit.byTeacher.effect.shape) \\(fit.y[0, 3])"
      """, "[60, 6] [60, 3] [60, 2] 3.0"
    ),
    // A sub-model in a plate: its sites gain the plate's dimension.
    (
      "group-effects",
      """
      model Regions(R: Int, J: Int) {
          let mu ~ Normal(0, 1)
          plate r in 0..<R {
              let group ~ GroupEffects(J: J)
              let total = mu + sum(group.effect)
              let y ~ Normal(total, 1)
          }
      }
      let m = Regions(R: 3, J: 2)
      let p = m.prior(4)
      let fit = sample(m.given(y: [1.0, nil, 0.5]).reparam(\\.group.effect, .noncentered), FIT)
      "\\(p.group.effect.shape) \\(p.group.scale.shape) \\(fit.group.effect.shape) \\(fit.total.shape) \\(fit.replicate().y.shape)"
      """, "[4, 3, 2] [4, 3] [60, 3, 2] [60, 3] [60, 3]"
    ),
  ]

  @Test("Data may lack entries, models may hold models", arguments: partial.indices)
  func partialData(_ index: Int) throws {
    let (file, text, shown) = TouchstoneTests.partial[index]
    let filled = text.replacing("FIT", with: "draws: 30, warmup: 60, chains: 2, seed: 1")
    let running = try run(try model(file) + "\n" + filled)
    #expect(errors(running).isEmpty)
    #expect(running.texts.flatMap { $0 }.last == shown)
  }

  // MARK: - Prediction

  static let predictions: [(file: String, fit: String, shown: String, wanted: String)] = [
    (
      "two-parameter-irt",
      "sample(TwoParameterIRT(person: [0, 0, 1, 1], item: [0, 1, 0, 1]).given(y: [1, 0, 1, 1]), FIT)",
      """
      "\\(fit.predict(person: [1, 0, 0], item: [1, 1, 0]).y.shape) \\(fit.predict(person: [2, 0], item: [1, 1], fresh: \\.ability).y.shape)"
      """, "[60, 3] [60, 2]"
    ),
    (
      "garch", "sample(GARCH(T: 4, sigma1: 0.5).given(y: [1.0, 0.5, 2.0, 1.5]), FIT)",
      """
      "\\(fit.predict(T: 6).y.shape)"
      """, "[60, 6]"
    ),
    (
      "autoregressive", "sample(Autoregressive(T: 4, start: [0.1, 0.2]).given(y: [1.0, 0.5, 2.0, 1.5]), FIT)",
      """
      "\\(fit.predict(T: 6, start: [1.5, 2.0]).y.shape)"
      """, "[60, 6]"
    ),
    (
      "panel-growth", "sample(PanelGrowth(P: 2, T: 3).given(y: [[1.0, 0.5, 0.2], [0.1, 0.2, 0.3]]), FIT)",
      """
      "\\(fit.predict(P: 4, fresh: \\.x).y.shape) \\(fit.predict().y.shape)"
      """, "[60, 4, 3] [60, 2, 3]"
    ),
    (
      "local-level", "sample(LocalLevel(T: 4).given(y: [1.0, 0.5, 2.0, 1.5]), FIT)",
      """
      "\\(fit.predict(T: 6, fresh: \\.level).y.shape)"
      """, "[60, 6]"
    ),
    (
      "poisson-process", "sample(PoissonProcess(x: [0.0, 1.0, 2.0]).given(k: [1, 2, 3]).reparam(f: .noncentered), FIT)",
      """
      "\\(fit.predict(x: [0.0, 1.0, 2.0, 3.0], fresh: \\.f).k.shape)"
      """, "[60, 4]"
    ),
    (
      "horseshoe",
      "sample(Horseshoe(x: [[1.0, 2.0], [0.5, -1.0], [2.0, 0.0]], scale: 0.5).given(y: [1.0, 2.0, 0.5]), FIT)",
      """
      "\\(fit.predict(x: [[1.0, 1.0]]).y.shape)"
      """, "[60, 1]"
    ),
    (
      "flexible",
      "sample(Flexible(x: [1.0, 2.0, 3.0], noise: .studentT, curved: true).given(y: [1.0, 2.0, 0.5]), FIT)",
      """
      "\\(fit.predict(x: [1.0, 2.0]).y.shape)"
      """, "[60, 2]"
    ),
    (
      "crossed", "sample(Crossed(school: [0, 0, 1, 1], teacher: [0, 1, 0, 1]).given(y: [1.0, 2.0, 0.5, 3.0]), FIT)",
      """
      "\\(fit.predict(school: [0, 1], teacher: [1, 0]).y.shape) \\(fit.predict(school: [0, 2], teacher: [1, 0], fresh: \\.bySchool.effect).y.shape)"
      """, "[60, 2] [60, 2]"
    ),
    (
      "group-effects", "sample(GroupEffects(J: 3), FIT)",
      """
      "\\(fit.predict(J: 5, fresh: \\.effect).effect.shape)"
      """, "[60, 5]"
    ),
    // Another number of groups has no draws for the new ones, unless they are asked for anew.
    (
      "crossed", "sample(Crossed(school: [0, 0, 1, 1], teacher: [0, 1, 0, 1]).given(y: [1.0, 2.0, 0.5, 3.0]), FIT)",
      "fit.predict(school: [0, 2], teacher: [1, 0])", "M306: `bySchool.effect` has another shape with these arguments"
    ),
  ]

  @Test("Fits predict at new inputs", arguments: predictions.indices) func predicts(_ index: Int) throws {
    let (file, fit, shown, wanted) = TouchstoneTests.predictions[index]
    let running = try run(
      "\(try model(file))\nlet fit = \(fit.replacing("FIT", with: "draws: 30, warmup: 60, chains: 2, seed: 1"))\n\(shown)"
    )
    let found = errors(running)
    #expect((found.isEmpty ? running.texts.flatMap { $0 }.last : found[0]) == wanted)
  }
}
