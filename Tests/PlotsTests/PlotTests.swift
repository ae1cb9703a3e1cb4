import Foundation
import Plots
import Rendering
import TestSupport
import Testing

/// Every named plot with usual, empty, constant, odd and large data.
@Suite struct PlotTests {
  /// Normal draws by Box & Muller, the same in every run.
  static func normal(_ count: Int, seed: UInt64) -> [Double] {
    var cases = Cases(seed: seed)
    return (0..<count).map { _ in
      let u = Double.random(in: 1e-12..<1, using: &cases)
      let v = Double.random(in: 0..<1, using: &cases)
      return (-2 * log(u)).squareRoot() * cos(2 * .pi * v)
    }
  }

  /// All plots of one array of numbers, whatever it is.
  static func all(_ x: [Double]) -> [Figure] {
    let chains = [x, x.reversed().map { $0 }]
    let quantities = [Quantity(name: "mu", chains: chains), Quantity(name: "tau", chains: chains)]
    let flags = chains.map { $0.indices.map { $0 % 7 == 0 } }
    let replicated = Plots.Replications(x + x.map { $0 / 2 } + x, size: x.count)
    let groups = Plots.Groups(index: x.indices.map { $0 % 2 }, names: ["a", "b"])
    let names = x.indices.map { "quantity \($0)" }
    return [
      Plots.scatter(x: x, y: x.reversed()), Plots.scatter(x: x, y: x, groups: groups), Plots.line(x: x, y: x),
      Plots.histogram(x), Plots.histogram(x, bins: 7, groups: groups), Plots.density(x),
      Plots.density(x, groups: groups),
      Plots.ecdf(x), Plots.quantileDots(x), Plots.bars(names: names, heights: x),
      Plots.trace(quantities, divergent: flags), Plots.rank(quantities, kind: .ecdf),
      Plots.rank(quantities, kind: .histogram), Plots.rank(quantities, kind: .overlay),
      Plots.densities(quantities, byChain: true), Plots.densities(quantities, byChain: false),
      Plots.forest([.init(name: "mu", draws: x), .init(name: "tau", draws: x)], label: "effect"),
      Plots.forest(
        [.init(name: "mu", draws: x), .init(name: "mu", draws: x, series: 1)], label: nil, seriesNames: ["one", "two"]),
      Plots.pairs(quantities, divergent: flags), Plots.rHat(zip(names, x).map { ($0, 1 + abs($1) / 50) }),
      Plots.ess(zip(names, x).map { ($0, abs($1) * 400) }, threshold: 400), Plots.energy(chains, ebfmi: [0.8, 0.2]),
      Plots.priorPosterior([("mu", x, x.map { $0 / 3 })]), Plots.ppcDensity(observed: x, replicated: replicated),
      Plots.ppcDensity(observed: nil, replicated: replicated), Plots.ppcECDF(observed: x, replicated: replicated),
      Plots.ppcStatistic(observed: x.first ?? .nan, replicated: x, name: "mean"),
      Plots.ppcStatistics(observed: (0, 0), replicated: (x, x), names: ("mean", "sd")),
      Plots.ppcIntervals(observed: x, replicated: replicated, x: nil),
      Plots.ppcRibbon(observed: x, replicated: replicated, x: x), Plots.ppcBars(observed: x, replicated: replicated),
      Plots.rootogram(observed: x, replicated: replicated),
      Plots.pitECDF(Plots.pit(observed: x, replicated: replicated)),
      Plots.comparison(differences: x, errors: x, names: names), Plots.paretoK(x.map { abs($0) / 3 }),
      Plots.regression(x: x, y: x, mean: replicated, predicted: replicated),
    ]
  }

  static let data: [(name: String, x: [Double])] = [
    ("usual", normal(80, seed: 1)), ("empty", []), ("single", [2]), ("constant", Array(repeating: 3, count: 40)),
    ("nan", Array(repeating: .nan, count: 12)), ("odd", [1, .nan, .infinity, -.infinity, 2, 0, -0.0, 1e308, -1e308]),
    ("tiny", [1e-320, 2e-320, 0, 5e-324]),
  ]

  @Test func wordsOfEveryPlot() {
    for (name, x) in PlotTests.data {
      var text = ""
      var drawings = ""
      for figure in PlotTests.all(x) {
        text += figure.alternativeText + "\n" + figure.notes.map { "  " + $0 + "\n" }.joined()
        let svg = SVGRenderer(idPrefix: "p", isStandalone: false).svg(figure)
        #expect(svg.utf8.count < 300_000)
        drawings += svg
        #expect(!TextRenderer(width: 60).text(figure).isEmpty)
      }
      #expect(Golden.mismatch(text, "plots/\(name).txt") == nil)
      // One drawing below the other; `Tests/Pages/gallery.py` makes a page of them to look at.
      #expect(Golden.mismatch(drawings, "plots/\(name).svgs") == nil)
    }
  }

  @Test func aMillionValues() {
    let x = PlotTests.normal(1_000_000, seed: 3)
    let start = ContinuousClock.now
    for figure in [Plots.scatter(x: x, y: x.reversed()), Plots.line(x: x, y: x), Plots.histogram(x), Plots.density(x)] {
      let size = SVGRenderer(idPrefix: "", isStandalone: true).svg(figure).utf8.count
      #expect(size < 300_000, "\(figure.kind): \(size)")
    }
    print("four plots of a million values: \(start.duration(to: .now))")
  }

  @Test func aDensityHoldsAllMass() {
    for (scale, seed) in [(1.0, 5), (1e-6, 6), (1e9, 7)] as [(Double, UInt64)] {
      let figure = Plots.density(PlotTests.normal(500, seed: seed).map { $0 * scale })
      for mark in figure.panels[0].marks {
        guard case .line(let x, let y) = mark.shape else { continue }
        let mass = y.reduce(0, +) * (x[1] - x[0])
        #expect(abs(mass - 1) < 1e-9)
      }
    }
  }

  @Test("A band of 95 percent holds about that share of uniform samples")
  func coverage() {
    var cases = Cases(seed: 11)
    var inside = 0
    for _ in 0..<300 {
      let figure = Plots.pitECDF((0..<200).map { _ in Double.random(in: 0..<1, using: &cases) })
      if figure.facts.contains(where: { $0.contains("stay inside") }) { inside += 1 }
    }
    // Binomial(300, 0.95) has a standard deviation of 3.8; the band itself is simulated.
    #expect(inside >= 268 && inside <= 298, "\(inside) of 300")
    let skewed = Plots.pitECDF((0..<200).map { pow((Double($0) + 0.5) / 200, 2) })
    #expect(skewed.facts.contains { $0.contains("leaves the band") })
  }
}
