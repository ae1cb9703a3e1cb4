import Foundation
import Notebooks
import Syntax
import TestSupport
import Testing

/// The models that language and engine are measured by: each draws, conditions, fits and predicts.
struct ModelFitTests {
  private func run(_ text: String) throws -> Running { try Running("```swift {}\n" + text + "\n```\n") }

  private func errors(_ running: Running) -> [String] {
    running.diagnostics.filter { $0.severity == .error }.map { "\($0.code): \($0.message)" }
  }

  @Test(arguments: [
    ("Regression", "[7, 4] [3, 4] [120, 4] [120, 4] [120, 4] [120, 1]"),
    ("TwoParameterIRT", "[3, 4] [120, 2] [120, 4]"),
    ("GARCH", "[120, 12] 0.5 [120, 12]"),
    ("Autoregressive", "[120, 2] [120, 12]"),
    ("PanelGrowth", "[2, 3, 4] [120, 3, 4]"),
    ("LocalLevel", "[120, 8] [120, 8]"),
    ("PoissonProcess", "[2, 3] [120, 3]"),
    ("Horseshoe", "[120, 2] [120, 2]"),
    ("Flexible", "false true"),
    ("Crossed", "[2, 4] [120, 2] [120]"),
  ])
  func touchstone(name: String, shapes: String) throws {
    let text = try String(contentsOf: Checkout.data.appendingPathComponent("fits/\(name).cairn"), encoding: .utf8)
    let running = try run(text)
    #expect(errors(running).isEmpty)
    #expect(running.texts.flatMap { $0 }.last == shapes)
  }

  private static let plates = """
    model M(n: Int) {
        let s ~ Gamma(5, 5)
        plate i in 0..<n {
            let a ~ Normal(0, 1)
            let y ~ Normal(a, s)
        }
    }
    """

  @Test(arguments: [0, 1, 2])
  func extents(count: Int) throws {
    let data = Array(repeating: "0.5", count: count).joined(separator: ", ")
    let running = try run(
      Self.plates + """

        let y: [Real] = [\(data)]
        let fit = sample(M(n: \(count)).given(y: y), draws: 40, warmup: 80, chains: 2, seed: 1)
        "\\(M(n: \(count)).prior(3).y.shape) \\(fit.a.shape) \\(fit.replicate().y.shape)"
        """)
    #expect(errors(running).isEmpty)
    #expect(running.texts.flatMap { $0 }.last == "[3, \(count)] [80, \(count)] [80, \(count)]")
  }

  private func draws(_ body: String) throws -> String? {
    let running = try run(
      "model M(n: Int) {\n" + body + """

        }
        let fit = sample(M(n: 3).given(y: [1.0, 2.0, 0.5]), draws: 40, warmup: 60, chains: 2, seed: 5)
        "\\(fit.mu) \\(fit.tau) \\(fit.b) \\(M(n: 2).prior(2).y)"
        """)
    #expect(errors(running).isEmpty)
    return running.texts.flatMap { $0 }.last
  }

  @Test func theOrderOfStatementsAndNamesOfLocalsChangeNoDraw() throws {
    let first = try draws(
      "let mu ~ Normal(0, 1)\nlet tau ~ HalfNormal(1)\nlet b ~ Normal(0, 2)\nplate i in 0..<n { let y ~ Normal(mu + b, tau) }"
    )
    let second = try draws(
      "let b ~ Normal(0, 2)\nlet tau ~ HalfNormal(1)\nlet mu ~ Normal(0, 1)\nlet c = b + mu\nplate k in 0..<n { let y ~ Normal(c, tau) }"
    )
    #expect(first != nil && first == second)
  }

  @Test func aNormalMeanHasItsClosedForm() throws {
    // y₁…y₄ ~ N(mu, 1), mu ~ N(0, 2): precision 4 + 1/4, mean Σy / 4.25.
    let running = try run(
      """
      model M(n: Int) {
          let mu ~ Normal(0, 2)
          plate i in 0..<n { let y ~ Normal(mu, 1) }
      }
      let fit = sample(M(n: 4).given(y: [1.0, 2.0, 0.5, 3.0]), draws: 4000, seed: 1)
      let error = abs(mean(fit.mu) - 6.5 / 4.25)
      let ratio = sd(fit.mu) * sqrt(4.25)
      "\\(error < 0.03) \\(ratio > 0.95) \\(ratio < 1.05)"
      """)
    #expect(errors(running).isEmpty)
    #expect(running.texts.flatMap { $0 }.last == "true true true")
  }

  @Test(arguments: [
    ("M(n: 3).given(y: [1.0]).prior(1)\nsample(M(n: 3).given(y: [1.0]))", "H230"),
    ("sample(M(n: 1).given(y: [1.0]).do(s: 1.0, a: [0.0]))", "M311"), ("M(n: 1).given(y: [1.0]).simulate(2)", "M305"),
    ("sample(M(n: 1).given(y: [1.0]), chains: 0)", "M302"), ("M(n: 1).given(yy: [1.0])", "M104"),
    ("M(n: 1).prior(-1)", "M302"),
    (
      "model Q(n: Int) {\n let level: Vector[n]\n plate i in 0..<n {\n let a ~ Normal(0, 1)\n level[1] ~ Normal(a, 1)\n }\n}\nQ(n: 3).prior(1)",
      "M236"
    ), ("sample(M(n: 1).given(y: [1.0]).reparam(s: .noncentered))", "M218"),
  ])
  func refusals(text: String, code: String) throws {
    let running = try run(Self.plates + "\n" + text)
    let found = running.diagnostics.filter { $0.severity == .error }.map(\.code)
    #expect(found.first == code)
  }
}
