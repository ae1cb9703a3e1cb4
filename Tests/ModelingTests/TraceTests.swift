import Foundation
import Inference
import Modeling
import Numerics
import TensorIR
import TestSupport
import Testing

/// What a model becomes: a graph whose size does not follow the data's, and whose identity does not follow the text's.
struct TraceTests {
  /// Nodes of a graph and of the loops in it.
  private func count(_ nodes: [Node]) -> Int {
    nodes.reduce(nodes.count) { sum, node in
      guard case .scan(let body) = node.operation else { return sum }
      return sum + count(body.graph.nodes)
    }
  }

  /// A touchstone model, how it is made for SIZE observations, and the larger SIZE.
  static let sizes: [(file: String, text: String, large: Int)] = [
    (
      "regression",
      "let m = Regression(x: matrix(SIZE, 2) { i, j in i % 7 - 0.5 * j }).given(y: vector(SIZE) { i in 1.0 * (i % 5) })",
      100_000
    ),
    (
      "two-parameter-irt",
      "let who = (0..<SIZE).map { $0 % 5 }\nlet m = TwoParameterIRT(person: who, item: who).given(y: who.map { $0 % 2 })",
      100_000
    ),
    ("garch", "let m = GARCH(T: SIZE, sigma1: 0.5).given(y: vector(SIZE) { t in 0.1 * (t % 5) })", 100_000),
    (
      "autoregressive",
      "let m = Autoregressive(T: SIZE, start: [0.1, 0.2]).given(y: vector(SIZE) { t in 0.1 * (t % 5) })", 100_000
    ),
    (
      "panel-growth", "let m = PanelGrowth(P: SIZE, T: 4).given(y: matrix(SIZE, 4) { p, t in 0.1 * (p % 5) })", 100_000
    ),
    ("local-level", "let m = LocalLevel(T: SIZE).given(y: vector(SIZE) { t in 0.1 * (t % 5) })", 100_000),
    // Its covariance has SIZE² entries.
    (
      "poisson-process",
      "let m = PoissonProcess(x: vector(SIZE) { i in 1.0 * i }).given(k: (0..<SIZE).map { $0 % 3 })", 400
    ),
    (
      "horseshoe",
      "let m = Horseshoe(x: matrix(SIZE, 2) { i, j in i % 7 - j }, scale: 0.5).given(y: vector(SIZE) { i in 1.0 * (i % 5) })",
      100_000
    ),
    (
      "flexible",
      "let m = Flexible(x: vector(SIZE) { i in 1.0 * (i % 7) }, noise: .studentT, curved: true).given(y: vector(SIZE) { i in 1.0 * (i % 5) })",
      100_000
    ),
    ("group-effects", "let m = GroupEffects(J: SIZE)", 100_000),
    (
      "crossed",
      "let group = (0..<SIZE).map { $0 % 5 }\nlet m = Crossed(school: group, teacher: group).given(y: vector(SIZE) { i in 1.0 * (i % 5) })",
      100_000
    ),
  ]

  @Test("As many nodes for 10 observations as for 100,000", arguments: sizes.indices)
  func nodeCounts(_ index: Int) throws {
    let (file, text, large) = TraceTests.sizes[index]
    var traced: [Int] = []
    var programs: [Int] = []
    var seconds: [Double] = []
    for size in [10, 17, large] {
      let bench = try ModelBench()
      try bench.run(try ModelBench.touchstone(file) + "\n" + text.replacingOccurrences(of: "SIZE", with: "\(size)"))
      let start = ContinuousClock.now
      let compiled = try bench.compile("m")
      seconds.append((ContinuousClock.now - start) / .seconds(1))
      let program = compiled.target.explaining()
      traced.append(count(compiled.finished.builder.nodes))
      programs.append(count(program.graph.nodes))
    }
    #expect(traced[0] > 20 && traced[0] == traced[1] && traced[0] == traced[2])
    // A gradient may multiply by the number of rows. Ten may be a number of the model already, seventeen is not.
    #expect(programs[0] > 20 && abs(programs[0] - programs[1]) <= 1 && programs[1] == programs[2])
    print("\(file): \(traced[2]) nodes, \(programs[2]) with the gradient, in \(seconds)")
  }

  /// A model, and the same model in another order, with other names of locals.
  static let orders: [(name: String, first: String, second: String, use: String, sites: [String])] = [
    (
      "Regression",
      """
      model M(x: Matrix[N, K]) {
          let alpha ~ Normal(0, 10)
          let beta ~ Normal(0, 2.5).iid(K)
          let sigma ~ Exponential(1)
          let eta = alpha + x * beta
          let y ~ Normal(eta, sigma)
      }
      """,
      """
      model M(x: Matrix[N, K]) {
          let sigma ~ Exponential(1)
          let beta ~ Normal(0, 2.5).iid(K)
          let line = x * beta
          let alpha ~ Normal(0, 10)
          let y ~ Normal(alpha + line, sigma)
      }
      """,
      "M(x: [[1.0, 2.0], [0.5, -1.0], [2.0, 0.0]]).given(y: [1.0, nil, 0.5])", ["alpha", "beta", "sigma", "y"]
    ),
    (
      "TwoParameterIRT",
      """
      model M(person: [N of Index[P]], item: [N of Index[I]]) {
          plate i in 0..<I {
              let difficulty ~ Normal(0, 1.5)
              let discrimination ~ LogNormal(0, 0.5)
          }
          plate p in 0..<P { let ability ~ Normal(0, 1) }
          plate n in 0..<N {
              let y ~ Bernoulli(logits: discrimination[item[n]] * (ability[person[n]] - difficulty[item[n]]))
          }
      }
      """,
      """
      model M(person: [N of Index[P]], item: [N of Index[I]]) {
          plate who in 0..<P { let ability ~ Normal(0, 1) }
          plate what in 0..<I { let discrimination ~ LogNormal(0, 0.5) }
          plate k in 0..<I { let difficulty ~ Normal(0, 1.5) }
          plate row in 0..<N {
              let which = item[row]
              let distance = ability[person[row]] - difficulty[which]
              let y ~ Bernoulli(logits: discrimination[which] * distance)
          }
      }
      """,
      "M(person: [0, 0, 1, 1], item: [0, 1, 0, 1]).given(y: [1, 0, 1, 1])",
      ["difficulty", "discrimination", "ability", "y"]
    ),
    (
      "GARCH",
      """
      model M(T: Int, sigma1: Real) {
          let mu ~ Normal(0, 5)
          let alpha0 ~ HalfNormal(1)
          let alpha1 ~ Uniform(0, 1)
          let beta1 ~ Uniform(0, 1 - alpha1)
          let sigma: Vector[T]
          let y: Vector[T]
          sigma[0] = sigma1
          y[0] ~ Normal(mu, sigma[0])
          for t in 1..<T {
              sigma[t] = sqrt(alpha0 + alpha1 * (y[t - 1] - mu) ** 2 + beta1 * sigma[t - 1] ** 2)
              y[t] ~ Normal(mu, sigma[t])
          }
      }
      """,
      """
      model M(T: Int, sigma1: Real) {
          let alpha1 ~ Uniform(0, 1)
          let y: Vector[T]
          let s: Vector[T]
          s[0] = sigma1
          let beta1 ~ Uniform(0, 1 - alpha1)
          let alpha0 ~ HalfNormal(1)
          let mu ~ Normal(0, 5)
          y[0] ~ Normal(mu, s[0])
          for step in 1..<T {
              s[step] = sqrt(alpha0 + alpha1 * (y[step - 1] - mu) ** 2 + beta1 * s[step - 1] ** 2)
              y[step] ~ Normal(mu, s[step])
          }
      }
      """,
      "M(T: 4, sigma1: 0.5).given(y: [1.0, 2.0, 0.5, 1.5])", ["mu", "alpha0", "alpha1", "beta1", "y"]
    ),
    (
      "Crossed",
      """
      model G(J: Int) {
          let scale ~ HalfNormal(1)
          let effect ~ Normal(0, scale).iid(J)
      }
      model M(school: [N of Index[S]], teacher: [N of Index[T]]) {
          let mu ~ Normal(0, 5)
          let bySchool ~ G(J: S)
          let byTeacher ~ G(J: T)
          let sigma ~ HalfNormal(1)
          plate i in 0..<N {
              let y ~ Normal(mu + bySchool.effect[school[i]] + byTeacher.effect[teacher[i]], sigma)
          }
      }
      """,
      """
      model G(J: Int) {
          let scale ~ HalfNormal(1)
          let effect ~ Normal(0, scale).iid(J)
      }
      model M(school: [N of Index[S]], teacher: [N of Index[T]]) {
          let sigma ~ HalfNormal(1)
          let byTeacher ~ G(J: T)
          let mu ~ Normal(0, 5)
          let bySchool ~ G(J: S)
          plate row in 0..<N {
              let y ~ Normal(mu + bySchool.effect[school[row]] + byTeacher.effect[teacher[row]], sigma)
          }
      }
      """,
      "M(school: [0, 0, 1, 1], teacher: [0, 1, 0, 1]).given(y: [1.0, 2.0, 0.5, 3.0])",
      ["mu", "bySchool.scale", "byTeacher.effect", "sigma", "y"]
    ),
  ]

  @Test("Another order of statements gives the same draws, programs and digests", arguments: orders.indices)
  func order(_ index: Int) throws {
    let item = TraceTests.orders[index]
    func run(_ model: String) throws -> (draws: String, program: Digest, result: Digest, sites: [StoredSite]) {
      let bench = try ModelBench()
      let shown = item.sites.map { "\\(fit.\($0)) \\(prior.\($0))" }.joined(separator: "\n")
      try bench.run(
        """
        \(model)
        let m = \(item.use)
        let fit = sample(m, draws: 20, warmup: 40, chains: 2, seed: 5)
        let prior = m.prior(2)
        let shown = "\(shown.replacingOccurrences(of: "\n", with: " "))"
        """)
      let compiled = try bench.compile("m")
      let graph = compiled.target.evaluator.graph
      let program = graph.structuralDigest()
      let result = ResultDigest.make(
        program: program, siteNames: compiled.sites.map(\.name), graph: graph, settings: ["20", "40"],
        stream: RandomKey(seed: 5), numericClass: "reference")
      return (try bench.text("shown"), program, result, compiled.sites)
    }
    let first = try run(item.first)
    let second = try run(item.second)
    #expect(first.draws.count > 100 && first.draws == second.draws)
    #expect(first.program == second.program)
    #expect(first.result == second.result)
    #expect(first.sites == second.sites)
  }

  /// Draws of a compiled model whatever the workers, and in whatever order its chains start.
  @Test func workersChangeNoDraw() throws {
    let bench = try ModelBench()
    let (file, text, _) = TraceTests.sizes[TraceTests.sizes.count - 1]
    try bench.run(try ModelBench.touchstone(file) + "\n" + text.replacingOccurrences(of: "SIZE", with: "10"))
    let target = try bench.compile("m").target
    let starts = (0..<8).map { chain in Array(repeating: 0.1 * Double(chain), count: target.dimension) }
    let orders: [(threads: Int, order: [Int])] = [
      (1, [0, 1, 2, 3, 4, 5, 6, 7]), (2, [7, 0, 3, 1, 6, 2, 5, 4]), (8, [4, 6, 2, 1, 0, 7, 3, 5]),
    ]
    let runs = orders.map { threads, order in
      var settings = NUTSSettings()
      settings.threads = threads
      settings.warmup = 60
      settings.draws = 60
      return ChainRunner.run(
        target: target, starts: starts, settings: settings, key: RandomKey(seed: 5), order: order
      ).map(\.positions)
    }
    #expect(runs[0].count == 8 && Set(runs[0]).count == 8)
    #expect(runs[0] == runs[1])
    #expect(runs[0] == runs[2])
  }
}
