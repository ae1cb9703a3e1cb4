import Foundation
package import Rendering

// What a model says that data look like, against data: predictive checks.
extension Plots {
  /// Replicated data: one array per draw.
  package struct Replications: Sendable {
    package var draws: [[Double]]
    /// - Parameter size: The number of observations of each.
    package init(_ values: [Double], size: Int) {
      guard size > 0 else {
        draws = []
        return
      }
      draws = stride(from: 0, to: values.count - values.count % size, by: size).map { Array(values[$0..<($0 + size)]) }
    }

    /// Evenly chosen ones.
    func chosen(_ count: Int) -> [[Double]] {
      guard draws.count > count else { return draws }
      return (0..<count).map { draws[$0 * draws.count / count] }
    }

    /// The draws of one observation.
    func column(_ index: Int) -> [Double] { draws.map { index < $0.count ? $0[index] : .nan } }
  }

  private static let overlays = 50

  private static func overlayNote(_ replicated: Replications) -> [String] {
    replicated.draws.count > overlays
      ? ["\(overlays) of \(count(replicated.draws.count, "replication")) are drawn"] : []
  }

  /// Densities of replicated data, and of the observed where there are some.
  package static func ppcDensity(observed: [Double]?, replicated: Replications) -> Figure {
    let shown = replicated.chosen(overlays)
    var marks = shown.enumerated().map { index, draw -> Mark in
      let curve = Samples.density(draw, points: 128)
      return Mark(.line(x: curve.x, y: curve.y), .model, weight: .faint, name: index == 0 ? "replicated" : nil)
    }
    if let observed {
      let curve = Samples.density(observed)
      marks.append(Mark(.line(x: curve.x, y: curve.y), .observed, weight: .heavy, name: "observed"))
    }
    return Figure(
      kind: observed == nil ? "predictive density plot" : "predictive check of densities",
      panels: [Panel(x: Axis("value"), y: Axis("density", ticks: .none, includesZero: true), marks: marks)],
      facts: spreadFacts(observed, replicated),
      notes: overlayNote(replicated) + oddNote(observed ?? [], replicated.draws.flatMap { $0 }))
  }

  /// Where the mean and the spread of the data lie among those of the replications.
  private static func spreadFacts(_ observed: [Double]?, _ replicated: Replications) -> [String] {
    guard let observed else {
      let all = Samples.finite(replicated.draws.flatMap { $0 }).sorted()
      guard !all.isEmpty else { return [] }
      let range = Samples.interval(all, mass: 0.9)
      return [
        "Nine tenths of all replicated values lie between \(NumberText.short(range.low)) and \(NumberText.short(range.high))."
      ]
    }
    let data = Samples.finite(observed)
    guard !data.isEmpty, !replicated.draws.isEmpty else { return [] }
    func share(_ statistic: ([Double]) -> Double) -> Double {
      let own = statistic(data)
      let values = replicated.draws.map { statistic(Samples.finite($0)) }
      return Double(values.filter { $0 >= own }.count) / Double(values.count)
    }
    return [
      "The mean of the replications is at least the observed in \(NumberText.short(100 * share(Samples.mean))) percent of them, the standard deviation in \(NumberText.short(100 * share(Samples.sd))) percent."
    ]
  }

  package static func ppcECDF(observed: [Double], replicated: Replications) -> Figure {
    var marks = replicated.chosen(overlays).enumerated().map { index, draw -> Mark in
      let steps = Samples.ecdf(draw)
      let thin = Thinning.line(x: steps.x, y: steps.y)
      return Mark(.steps(x: thin.x, y: thin.y), .model, weight: .faint, name: index == 0 ? "replicated" : nil)
    }
    let steps = Samples.ecdf(observed)
    marks.append(Mark(.steps(x: steps.x, y: steps.y), .observed, weight: .heavy, name: "observed"))
    return Figure(
      kind: "predictive check of distribution functions",
      panels: [Panel(x: Axis("value"), y: Axis("share at or below", limits: 0...1), marks: marks)],
      facts: spreadFacts(observed, replicated), notes: overlayNote(replicated) + oddNote(observed))
  }

  /// A statistic of the replications against that of the data.
  package static func ppcStatistic(observed: Double, replicated: [Double], name: String) -> Figure {
    let bins = Samples.bins(replicated)
    let finite = Samples.finite(replicated)
    var facts: [String] = []
    if !finite.isEmpty, observed.isFinite {
      let share = Double(finite.filter { $0 >= observed }.count) / Double(finite.count)
      facts.append(
        "The observed \(name) is \(NumberText.short(observed)); \(NumberText.short(100 * share)) percent of the replications reach it."
      )
    }
    return Figure(
      kind: "predictive check of a statistic",
      panels: [
        Panel(
          x: Axis(name), y: Axis("replications", includesZero: true),
          marks: [
            Mark(bars(bins), .model, name: "replicated"),
            Mark(.rule(at: observed, isVertical: true), .observed, weight: .heavy, name: "observed"),
          ])
      ], facts: facts, notes: oddNote(replicated, [observed]))
  }

  /// Two statistics at once.
  package static func ppcStatistics(
    observed: (Double, Double), replicated: ([Double], [Double]), names: (String, String)
  ) -> Figure {
    var made = Thinning.points(x: replicated.0, y: replicated.1)
    for index in made.marks.indices {
      made.marks[index].weight = .faint
      if index == 0 { made.marks[index].name = "replicated" }
    }
    made.marks.append(
      Mark(.points(x: [observed.0], y: [observed.1]), .observed, weight: .heavy, name: "observed"))
    return Figure(
      kind: "predictive check of two statistics",
      panels: [Panel(x: Axis(names.0), y: Axis(names.1), marks: made.marks)],
      facts: ["The observed pair is \(NumberText.short(observed.0)) and \(NumberText.short(observed.1))."],
      notes: [made.note].compactMap { $0 } + oddNote(replicated.0, replicated.1))
  }

  private struct Bands {
    var x: [Double] = []
    var observed: [Double] = []
    var low = [[Double]](repeating: [], count: 2)
    var high = [[Double]](repeating: [], count: 2)
    var median: [Double] = []
    var inside = [0, 0]
    var total = 0
  }

  /// Predictive intervals of every observation, in the order of `x`.
  private static func bands(_ observed: [Double], _ replicated: Replications, _ x: [Double]?) -> Bands {
    let size = min(observed.count, replicated.draws.first?.count ?? 0, x?.count ?? .max)
    let positions = x ?? (0..<max(0, size)).map(Double.init)
    let order = (0..<max(0, size)).filter { positions[$0].isFinite }.sorted {
      positions[$0] < positions[$1] || (positions[$0] == positions[$1] && $0 < $1)
    }
    var result = Bands()
    for index in order {
      let sorted = Samples.finite(replicated.column(index)).sorted()
      result.x.append(positions[index])
      result.observed.append(observed[index])
      result.median.append(Samples.quantile(sorted, 0.5))
      for (level, mass) in [0.9, 0.5].enumerated() {
        let interval = Samples.interval(sorted, mass: mass)
        result.low[level].append(interval.low)
        result.high[level].append(interval.high)
        if observed[index] >= interval.low, observed[index] <= interval.high { result.inside[level] += 1 }
      }
      if observed[index].isFinite, !sorted.isEmpty { result.total += 1 }
    }
    return result
  }

  private static func coverage(_ bands: Bands) -> [String] {
    guard bands.total > 0 else { return [] }
    let total = Double(bands.total)
    return [
      "Of \(count(bands.total, "observation")), \(NumberText.short(100 * Double(bands.inside[0]) / total)) percent lie in their 90 percent interval and \(NumberText.short(100 * Double(bands.inside[1]) / total)) percent in their 50 percent interval."
    ]
  }

  /// Predictive intervals of each observation; many are thinned evenly.
  package static func ppcIntervals(observed: [Double], replicated: Replications, x: [Double]?) -> Figure {
    let bands = bands(observed, replicated, x)
    let every = max(1, (bands.x.count + 399) / 400)
    let kept = Array(stride(from: 0, to: bands.x.count, by: every))
    func pick(_ values: [Double]) -> [Double] { kept.map { values[$0] } }
    let at = pick(bands.x)
    return Figure(
      kind: "predictive intervals",
      panels: [
        Panel(
          x: Axis(x == nil ? "observation" : "x"), y: Axis("value"),
          marks: [
            Mark(
              .intervals(at: at, low: pick(bands.low[0]), high: pick(bands.high[0]), isVertical: true), .model,
              weight: .thin, name: "50 and 90 % of the replications"),
            Mark(
              .intervals(at: at, low: pick(bands.low[1]), high: pick(bands.high[1]), isVertical: true), .model,
              weight: .heavy),
            Mark(.points(x: at, y: pick(bands.observed)), .observed, name: "observed"),
          ])
      ], facts: coverage(bands),
      notes: (every > 1 ? ["every \(every)th of \(count(bands.x.count, "observation")) is drawn"] : [])
        + oddNote(observed))
  }

  /// The same as a ribbon along x.
  package static func ppcRibbon(observed: [Double], replicated: Replications, x: [Double]?) -> Figure {
    let bands = bands(observed, replicated, x)
    let every = max(1, bands.x.count / 1000)
    let kept = Array(stride(from: 0, to: bands.x.count, by: every))
    func pick(_ values: [Double]) -> [Double] { kept.map { values[$0] } }
    let points = Thinning.points(x: bands.x, y: bands.observed, role: .observed, name: "observed")
    return Figure(
      kind: "predictive ribbon",
      panels: [
        Panel(
          x: Axis(x == nil ? "observation" : "x"), y: Axis("value"),
          marks: [
            Mark(
              .band(x: pick(bands.x), low: pick(bands.low[0]), high: pick(bands.high[0])), .model, weight: .thin,
              name: "90 % of the replications"),
            Mark(
              .band(x: pick(bands.x), low: pick(bands.low[1]), high: pick(bands.high[1])), .model, name: "50 %"),
            Mark(.line(x: pick(bands.x), y: pick(bands.median)), .model),
          ] + points.marks)
      ], facts: coverage(bands), notes: [points.note].compactMap { $0 } + oddNote(observed))
  }

  /// Values of counts or categories, and how often each occurs in each array.
  private static func tallies(_ observed: [Double], _ replicated: Replications) -> (values: [Double], note: [String])? {
    let all = Samples.finite(observed + replicated.chosen(500).flatMap { $0 })
    guard let low = all.min(), let high = all.max(), high - low < 1e6 else { return nil }
    let first = low.rounded(.down)
    // Beyond what data and nearly all replications reach there is nothing to compare.
    let sorted = all.sorted()
    let usual = max(Samples.finite(observed).max() ?? high, Samples.quantile(sorted, 0.999).rounded(.up))
    let last = min(high, usual, first + 80)
    let values = stride(from: first, through: last, by: 1).map { $0 }
    return (values, last < high ? ["values above \(NumberText.short(last)) are not drawn"] : [])
  }

  private static func frequencies(_ x: [Double], _ values: [Double]) -> [Double] {
    guard let first = values.first else { return [] }
    var counts = Array(repeating: 0.0, count: values.count)
    for value in x where value.isFinite {
      let slot = value.rounded() - first
      if slot >= 0, slot < Double(counts.count) { counts[Int(slot)] += 1 }
    }
    return counts
  }

  private static func frequencyBands(
    _ replicated: Replications, _ values: [Double]
  ) -> (low: [Double], median: [Double], high: [Double]) {
    let all = replicated.chosen(1000).map { frequencies($0, values) }
    let columns = values.indices.map { slot in all.map { $0[slot] }.sorted() }
    return (
      columns.map { Samples.quantile($0, 0.05) }, columns.map { Samples.quantile($0, 0.5) },
      columns.map { Samples.quantile($0, 0.95) }
    )
  }

  /// How often each value occurs: bars of the data, intervals of the replications.
  package static func ppcBars(observed: [Double], replicated: Replications) -> Figure {
    let found = tallies(observed, replicated)
    let values = found?.values ?? []
    let own = frequencies(observed, values)
    let bands = frequencyBands(replicated, values)
    let outside = values.indices.filter { own[$0] < bands.low[$0] || own[$0] > bands.high[$0] }
    return Figure(
      kind: "predictive check of frequencies",
      panels: [
        Panel(
          x: Axis("value", ticks: .whole), y: Axis("count", includesZero: true),
          marks: [
            Mark(
              .bars(
                left: values.map { $0 - 0.4 }, right: values.map { $0 + 0.4 }, low: values.map { _ in 0 }, high: own),
              .reference, name: "observed"),
            Mark(
              .intervals(at: values, low: bands.low, high: bands.high, isVertical: true), .model, weight: .heavy,
              name: "90 % of the replications"),
            Mark(.points(x: values, y: bands.median), .model, symbol: .ring),
          ])
      ],
      facts: values.isEmpty
        ? []
        : [
          outside.isEmpty
            ? "Every value occurs as often as the replications say."
            : "\(count(outside.count, "value")) \(outside.count == 1 ? "occurs" : "occur") more or less often than 90 percent of the replications say."
        ], notes: (found?.note ?? []) + oddNote(observed))
  }

  /// Counts on a square-root scale: bars of the data hang from what is expected, so that what misses zero shows.
  ///
  /// Source: Kleiber & Zeileis (2016), "Visualizing count data regressions using rootograms".
  package static func rootogram(observed: [Double], replicated: Replications) -> Figure {
    let found = tallies(observed, replicated)
    let values = found?.values ?? []
    let own = frequencies(observed, values).map { $0.squareRoot() }
    let bands = frequencyBands(replicated, values)
    let expected = bands.median.map { $0.squareRoot() }
    return Figure(
      kind: "hanging rootogram",
      panels: [
        Panel(
          x: Axis("value", ticks: .whole), y: Axis("square root of the count", includesZero: true),
          marks: [
            Mark(
              .bars(
                left: values.map { $0 - 0.4 }, right: values.map { $0 + 0.4 }, low: zip(expected, own).map { $0 - $1 },
                high: expected), .reference, name: "observed, hanging"),
            Mark(
              .band(x: values, low: bands.low.map { $0.squareRoot() }, high: bands.high.map { $0.squareRoot() }),
              .model,
              weight: .thin, name: "90 % of the replications"),
            Mark(.line(x: values, y: expected), .model, name: "expected"),
            Mark(.rule(at: 0, isVertical: false), .observed, weight: .thin),
          ])
      ], facts: ["Bars that end above or below zero are values seen less or more often than expected."],
      notes: (found?.note ?? []) + oddNote(observed))
  }

  // MARK: - Calibration

  /// The share of the replications at or below each observation; ties at random would need a stream, so half of them
  /// count.
  package static func pit(observed: [Double], replicated: Replications) -> [Double] {
    observed.indices.map { index in
      let own = observed[index]
      let draws = Samples.finite(replicated.column(index))
      guard own.isFinite, !draws.isEmpty else { return .nan }
      let below = draws.reduce(0.0) { $0 + ($1 < own ? 1 : $1 == own ? 0.5 : 0) }
      return below / Double(draws.count)
    }
  }

  /// The distribution function of probability integral transforms less that of uniform ones, with a simultaneous band.
  package static func pitECDF(_ values: [Double], kind: String = "PIT-ECDF plot") -> Figure {
    let pit = Samples.finite(values).map { max(0, min(1, $0)) }
    let points = max(10, min(100, pit.count))
    let band = Samples.band(count: pit.count, points: points)
    let counts = Samples.counts(pit, (0...points).map { Double($0) / Double(points) })
    var sum = 0.0
    var ys = [0.0]
    var outside = 0
    for (index, z) in band.z.enumerated() {
      sum += counts.indices.contains(index) ? counts[index] : 0
      let difference = sum / Double(max(1, pit.count)) - z
      ys.append(difference)
      if abs(difference) > band.half[index] { outside += 1 }
    }
    let xs = [0] + band.z + [1]
    ys.append(0)
    let marks: [Mark] =
      pit.isEmpty
      ? []
      : [
        Mark(
          .band(x: xs, low: [0] + band.half.map { -$0 } + [0], high: [0] + band.half + [0]), .reference,
          name: "95 % band"),
        Mark(.rule(at: 0, isVertical: false), .reference, weight: .thin, dash: .dashed),
        Mark(.line(x: xs, y: ys), .observed, name: "observed"),
      ]
    return Figure(
      kind: kind,
      panels: [Panel(x: Axis("PIT", limits: 0...1), y: Axis("difference to uniform"), marks: marks)],
      facts: pit.isEmpty
        ? []
        : [
          outside == 0
            ? "The \(count(pit.count, "value")) stay inside of the band: nothing speaks against calibration."
            : "The curve leaves the band at \(outside) of \(band.z.count) points: the predictions are not calibrated."
        ], notes: oddNote(values))
  }

  // MARK: - Comparison

  /// Differences of expected log predictive densities to the best model, with twice their standard errors.
  package static func comparison(differences: [Double], errors: [Double], names: [String]) -> Figure {
    let count = min(differences.count, errors.count, names.count, rowLimit)
    let order = (0..<count).sorted {
      differences[$0] > differences[$1] || (differences[$0] == differences[$1] && $0 < $1)
    }
    let rows = order.indices.map(Double.init)
    let values = order.map { differences[$0] }
    let spreads = order.map { abs(errors[$0]) }
    let unclear = order.indices.filter { $0 > 0 && values[$0].magnitude < 2 * spreads[$0] }.map { names[order[$0]] }
    var facts: [String] = []
    if let best = order.first {
      facts.append("\(names[best]) predicts best.")
      if !unclear.isEmpty {
        facts.append("The difference to \(unclear.joined(separator: ", ")) is within two standard errors.")
      }
    }
    return Figure(
      kind: "model comparison plot",
      panels: [
        Panel(
          x: Axis("difference in ELPD"), y: Axis(scale: .categories(order.map { names[$0] })),
          marks: [
            Mark(.rule(at: 0, isVertical: true), .reference, dash: .dashed),
            Mark(
              .intervals(
                at: rows, low: zip(values, spreads).map { $0 - 2 * $1 }, high: zip(values, spreads).map { $0 + 2 * $1 },
                isVertical: false), .model, name: "± 2 standard errors"),
            Mark(.points(x: values, y: rows), .model, weight: .heavy),
          ])
      ], facts: facts, notes: oddNote(differences, errors))
  }

  /// The Pareto shape of each observation's importance weights; above 0.7 its estimate is not reliable.
  ///
  /// Source: Vehtari, Simpson, Gelman, Yao & Gabry (2024), "Pareto smoothed importance sampling", section 3.
  package static func paretoK(_ values: [Double]) -> Figure {
    let bad = values.indices.filter { values[$0].isFinite && values[$0] > 0.7 }
    let good = values.indices.filter { values[$0].isFinite && values[$0] <= 0.7 }
    let made = Thinning.points(x: good.map(Double.init), y: good.map { values[$0] })
    let shownBad = Array(bad.sorted { values[$0] > values[$1] }.prefix(1000))
    return Figure(
      kind: "Pareto-k plot",
      panels: [
        Panel(
          x: Axis("observation"), y: Axis("Pareto k"),
          marks: made.marks + [
            Mark(
              .points(x: shownBad.map(Double.init), y: shownBad.map { values[$0] }), .trouble, symbol: .cross,
              name: "above 0.7"),
            Mark(.rule(at: 0.7, isVertical: false), .reference, dash: .dashed),
          ])
      ],
      facts: [
        bad.isEmpty
          ? "All \(count(good.count, "value")) are at most 0.7."
          : "\(bad.count) of \(count(values.count, "value")) \(bad.count == 1 ? "is" : "are") above 0.7, the largest \(NumberText.short(values[shownBad[0]])) of observation \(shownBad[0])."
      ], notes: [made.note].compactMap { $0 } + oddNote(values))
  }

  /// A regression: data, the mean with its central half and nine tenths, and where new observations would lie.
  package static func regression(
    x: [Double], y: [Double], mean: Replications, predicted: Replications?
  ) -> Figure {
    let line = bands(y, mean, x)
    var marks: [Mark] = []
    var facts: [String] = []
    let every = max(1, line.x.count / 800)
    let kept = Array(stride(from: 0, to: line.x.count, by: every))
    func pick(_ values: [Double]) -> [Double] { kept.map { values[$0] } }
    if let predicted {
      let wide = bands(y, predicted, x)
      marks.append(
        Mark(
          .band(
            x: kept.filter { $0 < wide.x.count }.map { wide.x[$0] },
            low: kept.filter { $0 < wide.x.count }.map { wide.low[0][$0] },
            high: kept.filter { $0 < wide.x.count }.map { wide.high[0][$0] }), .reference, weight: .thin,
          name: "90 % of new observations"))
      facts += coverage(wide)
    }
    marks.append(
      Mark(.band(x: pick(line.x), low: pick(line.low[0]), high: pick(line.high[0])), .model, name: "90 % of the mean"))
    marks.append(Mark(.line(x: pick(line.x), y: pick(line.median)), .model, name: "median of the mean"))
    let points = Thinning.points(x: x, y: y, role: .observed, name: "observed")
    return Figure(
      kind: "regression plot", panels: [Panel(x: Axis("x"), y: Axis("y"), marks: marks + points.marks)], facts: facts,
      notes: [points.note].compactMap { $0 } + oddNote(x, y))
  }
}
