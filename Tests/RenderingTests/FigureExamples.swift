import Foundation
import Rendering
import TestSupport

/// Figures as the library's plots make them, from seeded numbers: what the tests draw.
enum FigureExamples {
  /// Draws of a standard normal by Box & Muller, the same in every run.
  static func normal(_ count: Int, seed: UInt64) -> [Double] {
    var cases = Cases(seed: seed)
    return (0..<count).map { _ in
      let u = Double.random(in: 1e-12..<1, using: &cases)
      let v = Double.random(in: 0..<1, using: &cases)
      return (-2 * log(u)).squareRoot() * cos(2 * .pi * v)
    }
  }

  static func indices(_ count: Int) -> [Double] { (0..<count).map(Double.init) }

  static func bell(_ x: Double, _ mean: Double, _ sd: Double) -> Double {
    exp(-(x - mean) * (x - mean) / (2 * sd * sd)) / (sd * 2.5066)
  }

  static let trace: Figure = {
    let panels = ["mu", "tau", "theta[0]", "theta[1]"].enumerated().map { number, name in
      var marks = (0..<4).map { chain -> Mark in
        var level = 0.0
        let draws = normal(250, seed: UInt64(number * 10 + chain)).map { noise -> Double in
          level = 0.6 * level + noise
          return 4 + level * Double(number + 1)
        }
        return Mark(.line(x: indices(250), y: draws), .series(chain), weight: .thin, name: "chain \(chain + 1)")
      }
      marks.append(
        Mark(
          .points(x: [20, 71, 180], y: [-2, -2, -2].map { $0 * Double(number + 1) }), .trouble, symbol: .bar,
          name: "divergent"))
      return Panel(title: name, x: Axis("draw"), y: Axis(), marks: marks)
    }
    return Figure(
      kind: "trace plot", title: "Draws of EightSchools by chain", panels: panels, columns: 2, sharesX: true,
      facts: ["3 of 1,000 transitions diverged."])
  }()

  static let ranks: Figure = {
    let panels = (0..<4).map { chain -> Panel in
      var cases = Cases(seed: UInt64(chain))
      let counts = (0..<20).map { _ in Double(40 + cases.below(22)) }
      return Panel(
        title: "chain \(chain + 1)", x: Axis("rank"), y: Axis("count", includesZero: true),
        marks: [
          Mark(.band(x: [0, 4000], low: [37, 37], high: [63, 63]), .reference, weight: .thin),
          Mark(
            .bars(
              left: indices(20).map { $0 * 200 }, right: indices(20).map { $0 * 200 + 200 },
              low: Array(repeating: 0, count: 20), high: counts), .series(chain)),
          Mark(.rule(at: 50, isVertical: false), .reference, dash: .dashed),
        ])
    }
    return Figure(
      kind: "rank histogram", title: "Ranks of tau", panels: panels, columns: 4, sharesX: true, sharesY: true)
  }()

  static let forest: Figure = {
    let names = ["mu", "tau"] + (0..<18).map { "theta[\($0)]" }
    let middle = normal(20, seed: 3).map { 4 + 4 * $0 }
    let half = normal(20, seed: 4).map { 3 + abs($0) }
    let rows = indices(20)
    return Figure(
      kind: "forest plot", title: "Intervals of EightSchools",
      panels: [
        Panel(
          x: Axis("value"), y: Axis(scale: .categories(names)),
          marks: [
            Mark(.rule(at: 0, isVertical: true), .reference, dash: .dashed),
            Mark(
              .intervals(
                at: rows, low: zip(middle, half).map { $0 - 1.8 * $1 }, high: zip(middle, half).map { $0 + 1.8 * $1 },
                isVertical: false), .model, weight: .thin, name: "90 %"),
            Mark(
              .intervals(
                at: rows, low: zip(middle, half).map { $0 - 0.7 * $1 }, high: zip(middle, half).map { $0 + 0.7 * $1 },
                isVertical: false), .model, weight: .heavy, name: "50 %"),
            Mark(.points(x: middle, y: rows), .observed, name: "median"),
          ])
      ])
  }()

  static let pairs: Figure = {
    let names = ["mu", "log tau", "theta[0]"]
    let mu = normal(800, seed: 5).map { 4 + 3 * $0 }
    let tau = normal(800, seed: 6).map { 1 + 0.8 * $0 }
    let noise = normal(800, seed: 7)
    let theta = mu.indices.map { mu[$0] + exp(tau[$0]) * noise[$0] }
    let columns = [mu, tau, theta]
    let trouble = mu.indices.filter { tau[$0] < -0.6 }
    var panels: [Panel] = []
    for row in 0..<3 {
      for column in 0..<3 {
        var marks: [Mark] = []
        if row == column {
          let values = columns[row].sorted()
          let (low, high) = (values[0], values[799])
          let width = (high - low) / 20
          let counts = (0..<20).map { bin in
            Double(values.filter { $0 >= low + Double(bin) * width && $0 < low + Double(bin + 1) * width }.count)
          }
          marks = [
            Mark(
              .bars(
                left: (0..<20).map { low + Double($0) * width }, right: (0..<20).map { low + Double($0 + 1) * width },
                low: Array(repeating: 0, count: 20), high: counts), .model)
          ]
        } else {
          marks = [
            Mark(.points(x: columns[column], y: columns[row]), .model, weight: .thin),
            Mark(
              .points(x: trouble.map { columns[column][$0] }, y: trouble.map { columns[row][$0] }), .trouble,
              symbol: .cross, name: "divergent"),
          ]
        }
        panels.append(
          Panel(
            x: Axis(row == 2 ? names[column] : nil),
            y: Axis(
              column == 0 ? names[row] : nil, ticks: row == column ? .none : .automatic, includesZero: row == column),
            marks: marks))
      }
    }
    return Figure(kind: "pairs plot", title: "Pairs of EightSchools", panels: panels, columns: 3)
  }()

  static let overlay: Figure = {
    let x = (0..<80).map { -8 + Double($0) * 0.3 }
    let shifts = normal(50, seed: 8)
    var marks = shifts.map { shift in
      Mark(
        .line(x: x, y: x.map { bell($0, 3 + 0.7 * shift, 3.5 + 0.5 * shift) }), .model, weight: .faint,
        name: "replicated")
    }
    marks.append(
      Mark(
        .line(x: x, y: x.map { 0.6 * bell($0, 1, 2.5) + 0.4 * bell($0, 7, 2) }), .observed, weight: .normal,
        name: "observed"))
    return Figure(
      kind: "predictive check", title: "Densities of y and of 50 replications",
      panels: [Panel(x: Axis("score"), y: Axis("density", ticks: .none, includesZero: true), marks: marks)])
  }()

  static let ecdf: Figure = {
    let x = normal(120, seed: 9).sorted()
    let y = x.indices.map { Double($0 + 1) / 120 }
    let grid = (0..<60).map { -3.2 + Double($0) * 0.11 }
    let mean = grid.map { 1 / (1 + exp(-1.7 * $0)) }
    return Figure(
      kind: "ECDF plot", title: "Distribution of y with a simultaneous 95 % band",
      panels: [
        Panel(
          x: Axis("y"), y: Axis("share of values below", limits: 0...1),
          marks: [
            Mark(
              .band(
                x: grid, low: mean.map { max(0, $0 - 0.12) }, high: mean.map { min(1, $0 + 0.12) }), .model,
              name: "95 % of replications"),
            Mark(.steps(x: x, y: y), .observed, name: "observed"),
            Mark(.rule(at: 0.5, isVertical: false), .reference, weight: .thin, dash: .dashed),
          ])
      ])
  }()

  static let rootogram: Figure = {
    let k = indices(16)
    let expected = k.map { 9.5 * exp(-($0 - 5) * ($0 - 5) / 14).squareRoot() }
    let observed = k.map { max(0, 9.5 * exp(-($0 - 4.4) * ($0 - 4.4) / 16).squareRoot() - 0.3) }
    return Figure(
      kind: "rootogram", title: "Counts of y",
      panels: [
        Panel(
          x: Axis("y", ticks: .whole), y: Axis("square root of count", includesZero: true),
          marks: [
            Mark(
              .bars(left: k.map { $0 - 0.45 }, right: k.map { $0 + 0.45 }, low: k.map { _ in 0 }, high: observed),
              .observed, weight: .normal, name: "observed"),
            Mark(
              .intervals(at: k, low: expected.map { max(0, $0 - 1) }, high: expected.map { $0 + 1 }, isVertical: true),
              .model, name: "90 % of replications"),
            Mark(.points(x: k, y: expected), .model, name: "90 % of replications"),
          ])
      ])
  }()

  static let pareto: Figure = {
    var values = normal(60, seed: 11).map { 0.2 + 0.15 * $0 }
    values[17] = 0.83
    values[44] = 1.12
    let high = values.indices.filter { values[$0] > 0.7 }
    return Figure(
      kind: "Pareto-k plot", title: "Pareto k of PSIS-LOO",
      panels: [
        Panel(
          x: Axis("observation"), y: Axis("Pareto k"),
          marks: [
            Mark(.rule(at: 0.7, isVertical: false), .trouble, weight: .thin, dash: .dashed, name: "threshold"),
            Mark(.points(x: indices(60), y: values), .model, symbol: .ring),
            Mark(
              .labels(x: high.map(Double.init), y: high.map { values[$0] }, texts: high.map { "y[\($0)]" }), .trouble),
          ])
      ])
  }()

  static let regression: Figure = {
    let x = (0..<50).map { Double($0) * 200 + 1000 }
    let noise = normal(50, seed: 12)
    return Figure(
      kind: "regression plot", title: "Price against area",
      panels: [
        Panel(
          x: Axis("area (m²)"), y: Axis("price (€)"),
          marks: [
            Mark(
              .band(x: x, low: x.map { 30 * $0 - 40_000 }, high: x.map { 30 * $0 + 40_000 }), .model, weight: .thin,
              name: "90 %"),
            Mark(.band(x: x, low: x.map { 30 * $0 - 12_000 }, high: x.map { 30 * $0 + 12_000 }), .model, name: "50 %"),
            Mark(.slope(intercept: 0, slope: 30), .model, name: "mean"),
            Mark(.points(x: x, y: zip(x, noise).map { 30 * $0 + 24_000 * $1 }), .observed, name: "observed"),
          ])
      ])
  }()

  static let logarithmic: Figure = {
    let x = (0..<40).map { pow(10, Double($0) / 10 - 1) }
    return Figure(
      kind: "line plot", title: "Effective sample size by draws",
      panels: [
        Panel(
          x: Axis("draws", scale: .logarithmic), y: Axis("ESS", scale: .logarithmic),
          marks: [
            Mark(.line(x: x, y: x.map { 0.4 * $0 }), .series(0), name: "bulk"),
            Mark(.line(x: x, y: x.map { 0.05 * pow($0, 1.2) }), .series(1), dash: .dashed, name: "tail"),
            Mark(.points(x: x, y: x.map { 0.2 * $0 }), .series(2), symbol: .cross, name: "mean"),
          ])
      ])
  }()

  static let field: Figure = {
    let x = normal(20_000, seed: 13)
    let noise = normal(20_000, seed: 14)
    let made = Thinning.points(x: x, y: zip(x, noise).map { 0.7 * $0 + 0.5 * $1 }, role: .model)
    return Figure(
      kind: "scatter plot", title: "Many points",
      panels: [Panel(x: Axis("a"), y: Axis("b"), marks: made.marks)], notes: [made.note].compactMap { $0 })
  }()

  static let categories = Figure(
    kind: "bar chart", title: "Counts by answer",
    panels: [
      Panel(
        x: Axis(
          scale: .categories([
            "strongly disagree", "disagree", "neither agree nor disagree", "agree", "strongly agree", "no answer",
          ])),
        y: Axis("count", ticks: .whole, includesZero: true),
        marks: [
          Mark(
            .bars(
              left: indices(6).map { $0 - 0.4 }, right: indices(6).map { $0 + 0.4 }, low: Array(repeating: 0, count: 6),
              high: [12, 30, 18, 44, 25, 3]), .observed, name: "observed"),
          Mark(
            .intervals(at: indices(6), low: [9, 22, 15, 33, 20, 1], high: [20, 37, 29, 50, 33, 8], isVertical: true),
            .model, name: "90 % of replications"),
        ])
    ])

  static let comparison: Figure = {
    let names = ["hierarchical", "no pooling", "complete pooling"]
    return Figure(
      kind: "model comparison", title: "Differences of ELPD",
      panels: [
        Panel(
          x: Axis("ELPD difference"), y: Axis(scale: .categories(names)),
          marks: [
            Mark(.rule(at: 0, isVertical: true), .reference, dash: .dashed),
            Mark(.intervals(at: [0, 1, 2], low: [0, -3.3, -8.8], high: [0, 0.2, -2.1], isVertical: false), .model),
            Mark(.points(x: [0, -1.5, -5.4], y: [0, 1, 2]), .model),
          ])
      ])
  }()

  static let densities: Figure = {
    let panels = ["mu", "tau", "theta[0]", "theta[1]", "theta[2]"].enumerated().map { number, name in
      let x = (0..<100).map { Double($0) / 10 - 5 + Double(number) }
      return Panel(
        title: name, x: Axis(), y: Axis(ticks: .none, includesZero: true),
        marks: [
          Mark(
            .band(x: x, low: x.map { _ in 0 }, high: x.map { bell($0, Double(number), 1) }), .model, name: "posterior"),
          Mark(.line(x: x, y: x.map { bell($0, Double(number), 1) }), .model, name: "posterior"),
          Mark(.line(x: x, y: x.map { bell($0, 0.5, 2.5) }), .reference, dash: .dashed, name: "prior"),
        ])
    }
    return Figure(kind: "density plot", title: "Prior and posterior", panels: panels, columns: 3)
  }()

  // MARK: - Diagrams

  static let schools = Figure(
    kind: "model graph", title: "EightSchools",
    diagram: Diagram(
      nodes: [
        .init(name: "mu", kind: .latent, detail: "Normal(0, 5)"),
        .init(name: "tau", kind: .latent, detail: "HalfCauchy(5)"),
        .init(name: "z", kind: .latent, detail: "Normal(0, 1)", plates: [0]),
        .init(name: "theta", kind: .derived, detail: "mu + tau * z", plates: [0]),
        .init(name: "sigma", kind: .input, plates: [0]),
        .init(name: "y", kind: .observed, detail: "Normal(theta, sigma)", plates: [0]),
      ],
      edges: [
        .init(from: 0, to: 3), .init(from: 1, to: 3), .init(from: 2, to: 3), .init(from: 3, to: 5),
        .init(from: 4, to: 5),
      ],
      plates: ["school in 0..<8"]))

  static let nested = Figure(
    kind: "model graph", title: "Nested plates",
    diagram: Diagram(
      nodes: [
        .init(name: "mu", kind: .latent), .init(name: "tau", kind: .latent),
        .init(name: "alpha", kind: .latent, detail: "Normal(mu, tau)", plates: [0]),
        .init(name: "sigma", kind: .latent), .init(name: "beta", kind: .latent),
        .init(name: "x", kind: .input, plates: [0, 1]),
        .init(name: "y", kind: .observed, detail: "Normal(…)", plates: [0, 1]),
        .init(name: "u", kind: .input, plates: [0]),
      ],
      edges: [
        .init(from: 0, to: 2), .init(from: 1, to: 2), .init(from: 2, to: 6), .init(from: 3, to: 6),
        .init(from: 4, to: 6),
        .init(from: 5, to: 6), .init(from: 7, to: 2),
      ], plates: ["county in 0..<85", "house in 0..<919"]))

  static let crossed = Figure(
    kind: "model graph", title: "Crossed plates",
    diagram: Diagram(
      nodes: [
        .init(name: "sigmaA", kind: .latent), .init(name: "sigmaB", kind: .latent),
        .init(name: "student", kind: .latent, detail: "Normal(0, sigmaA)", plates: [0]),
        .init(name: "item", kind: .latent, detail: "Normal(0, sigmaB)", plates: [1]),
        .init(name: "p", kind: .derived, plates: [0, 1]),
        .init(name: "answer", kind: .observed, detail: "Bernoulli(p)", plates: [0, 1]),
        .init(name: "guess", kind: .fixed),
      ],
      edges: [
        .init(from: 0, to: 2), .init(from: 1, to: 3), .init(from: 2, to: 4), .init(from: 3, to: 4),
        .init(from: 4, to: 5),
        .init(from: 6, to: 4),
      ], plates: ["student in 0..<40", "item in 0..<12"]))

  static let large: Figure = {
    var nodes: [Diagram.Node] = []
    var edges: [Diagram.Edge] = []
    for group in 0..<5 {
      nodes.append(.init(name: "mu\(group)", kind: .latent))
      nodes.append(.init(name: "tau\(group)", kind: .latent))
      nodes.append(.init(name: "z\(group)", kind: .latent, detail: "Normal(0, 1)", plates: [group]))
      nodes.append(.init(name: "theta\(group)", kind: .derived, plates: [group]))
      nodes.append(.init(name: "y\(group)", kind: .observed, plates: [group]))
      let start = group * 5
      edges += [
        .init(from: start, to: start + 3), .init(from: start + 1, to: start + 3), .init(from: start + 2, to: start + 3),
        .init(from: start + 3, to: start + 4),
      ]
    }
    for number in 0..<5 {
      nodes.append(.init(name: "w\(number)", kind: .latent))
      edges.append(.init(from: nodes.count - 1, to: number * 5))
      edges.append(.init(from: nodes.count - 1, to: ((number + 1) % 5) * 5 + 4))
    }
    return Figure(
      kind: "model graph", title: "Thirty nodes",
      diagram: Diagram(nodes: nodes, edges: edges, plates: (0..<5).map { "i\($0) in 0..<10" }))
  }()

  static let all: [(name: String, figure: Figure)] = [
    ("trace", trace), ("ranks", ranks), ("forest", forest), ("pairs", pairs), ("overlay", overlay), ("ecdf", ecdf),
    ("rootogram", rootogram), ("pareto", pareto), ("regression", regression), ("logarithmic", logarithmic),
    ("field", field), ("categories", categories), ("comparison", comparison), ("densities", densities),
    ("schools", schools), ("nested", nested), ("crossed", crossed), ("large", large),
  ]
}
