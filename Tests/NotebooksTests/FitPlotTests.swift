import Notebooks
import Rendering
import Syntax
import TestSupport
import Testing

/// Plots of models and fits, through the language as a notebook calls them.
@Suite struct FitPlotTests {
  private static let model = """
    ```swift {#model}
    model School(stderr: Vector[J]) {
        let mu ~ Normal(0, 5)
        let tau ~ HalfCauchy(5)
        let scale = tau * 2
        plate j in 0..<J {
            let theta ~ Normal(mu, tau)
            let y ~ Normal(theta, stderr[j])
        }
    }
    let effect = [28.0, 8, -3, 7, -1]
    let m = School(stderr: [15.0, 10, 16, 11, 9]).given(y: effect)
    let prior = m.prior(200)
    let fit = sample(m, chains: 2, warmup: 300, draws: 200, seed: 1)
    let r = fit.replicate()
    ```

    """

  private static let plots = [
    "m.graph()", "tracePlot(fit, sites: \\.mu)", "rankPlot(fit)", "rankPlot(fit, sites: \\.tau, kind: .histogram)",
    "rankPlot(fit, sites: \\.tau, kind: .overlay)", "densityPlot(fit, sites: \\.mu, \\.tau)",
    "densityPlot(fit, byChain: true)", "forest(fit)", "forest(fit.theta, names: [\"a\", \"b\", \"c\", \"d\", \"e\"])",
    "forest(comparing: [\"one\": fit, \"two\": prior], sites: \\.mu)", "pairs(fit, sites: \\.mu, \\.tau)",
    "rHatPlot(fit)",
    "essPlot(fit)", "energyPlot(fit)", "priorPosterior(prior, fit, sites: \\.mu, \\.tau)",
    "densityPlot(prior, sites: \\.mu)",
    "ppcDensity(observed: effect, replicated: r.y)",
    "ppcStatistic(observed: effect, replicated: r.y, { x in max(x) }, name: \"max\")",
    "ppcIntervals(observed: effect, replicated: r.y, x: [5.0, 4, 3, 2, 1])",
    "pitECDF(observed: effect, replicated: r.y)",
    "regressionPlot(x: [5.0, 4, 3, 2, 1], y: effect, mean: fit.theta, predicted: r.y)",
  ]

  @Test func allShowWhatTheySay() throws {
    let cells = FitPlotTests.plots.map { "```swift {}\n\($0)\n```\n\n" }.joined()
    let run = try Running(FitPlotTests.model + cells)
    #expect(run.errors.isEmpty && run.outcome == .succeeded, "\(run.rendered(run.errors + run.failures))")
    var figures: [Figure] = []
    for result in run.results {
      for case .output(.figure(let figure)) in result.events { figures.append(figure) }
    }
    #expect(figures.count == FitPlotTests.plots.count)
    // Draws differ between machines in their last bits; what is shown, in which panels, does not.
    for (figure, code) in zip(figures, FitPlotTests.plots) {
      #expect(!figure.alternativeText.contains("nothing to show"), "\(code): \(figure.alternativeText)")
    }
    let kinds = zip(FitPlotTests.plots, figures).map { code, figure in
      "\(code): \(figure.kind), \(figure.panels.map { $0.title ?? "-" }.joined(separator: "; "))\n"
    }
    #expect(Golden.mismatch(kinds.joined() + (figures.first?.alternativeText ?? "") + "\n", "plots/fits.txt") == nil)
  }

  @Test(
    "Wrong arguments are told, at their place",
    arguments: [
      ("tracePlot(fit, sites: \\.nu)", "M104"), ("energyPlot(prior)", "R006"),
      ("forest(fit.theta, names: [\"a\"])", "R004"),
      ("forest(comparing: 3)", "R006"), ("ppcDensity(observed: [1.0, 2], replicated: r.y)", "R004"),
      ("histogram([1.0], bins: 0)", "R012"), ("m.graph().labeled(x: \"a\")", "R006"),
      ("scatter([1.0], [1.0, 2])", "R004"),
    ])
  func mistakes(code: String, message: String) throws {
    let run = try Running(FitPlotTests.model + "```swift {}\n\(code)\n```\n")
    let found = run.errors + run.failures.filter { $0.severity == .error }
    #expect(found.map(\.code).contains(message), "\(code): \(run.rendered(found))")
    #expect(found.allSatisfy { $0.span != nil })
  }
}

extension FitPlotTests {
  @Test("Quantities are called by the levels of the index that their plate runs over, others by number")
  func levels() throws {
    let run = try Running(
      """
      ```swift {}
      let species = ["b", "a", "b", "c"].index
      model M(species: [N of Index[S]], weights: Vector[S]) {
          let tau ~ HalfNormal(1)
          plate s in 0..<S { let alpha ~ Normal(0, tau) }
          plate k in 0..<3 { let other ~ Normal(0, 1) }
          plate i in 0..<N { let y ~ Normal(alpha[species[i]], 1) }
      }
      let m = M(species: species, weights: [1.0, 2.0, 3.0]).given(y: [1.0, 2.0, 1.5, 0.0])
      let fit = sample(m.reparam(alpha: .noncentered), chains: 2, warmup: 200, draws: 200)
      summary(fit)
      ```
      """ + "\n")
    let names = ["alpha[a]", "alpha[b]", "alpha[c]", "other[0]", "other[1]", "other[2]", "tau"]
    let tables = run.results.flatMap(\.events).compactMap { event -> TextTable? in
      if case .output(.table(let table)) = event { table } else { nil }
    }
    let shown = tables.first?.rows.compactMap { if case .text(let name) = $0[0] { name } else { nil } }
    #expect(shown?.sorted() == names, "\(run.diagnostics)")
  }
}
