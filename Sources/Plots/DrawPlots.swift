import Numerics
package import Rendering

// Plots of draws: whether chains mixed, and what was learned.
extension Plots {
  /// Draws against iteration, a line for each chain; divergent transitions are marked below.
  package static func trace(_ quantities: [Quantity], divergent: [[Bool]] = []) -> Figure {
    let (shown, notes) = limited(quantities, what: "quantity", plural: "quantities")
    let panels = shown.map { quantity -> Panel in
      var marks: [Mark] = []
      for (chain, draws) in quantity.chains.enumerated() {
        let thin = Thinning.line(x: draws.indices.map(Double.init), y: draws)
        marks.append(
          Mark(
            .line(x: thin.x, y: thin.y), .series(chain), weight: .faint,
            name: quantity.chains.count > 1 ? "chain \(chain)" : nil))
      }
      var xs: [Double] = []
      for flags in divergent { for (index, flag) in flags.enumerated() where flag { xs.append(Double(index)) } }
      let lowest = quantity.chains.flatMap { $0 }.filter(\.isFinite).min()
      if let lowest, !xs.isEmpty {
        let kept = xs.count > 500 ? stride(from: 0, to: xs.count, by: xs.count / 500 + 1).map { xs[$0] } : xs
        marks.append(
          Mark(
            .points(x: kept, y: kept.map { _ in lowest }), .trouble, symbol: .bar, name: "divergence"))
      }
      return Panel(title: quantity.name, x: Axis("draw"), y: Axis(), marks: marks)
    }
    return Figure(
      kind: "trace plot", panels: panels, columns: panels.count > 1 ? 2 : 1, facts: divergences(divergent),
      notes: notes + oddNote(quantities.flatMap(\.pooled)))
  }

  static func divergences(_ flags: [[Bool]]) -> [String] {
    let total = flags.reduce(0) { $0 + $1.count }
    if total == 0 { return [] }
    let count = flags.reduce(0) { $0 + $1.filter { $0 }.count }
    return [
      count == 0
        ? "No transition diverged."
        : "\(Thinning.grouped(count)) of \(Thinning.grouped(total)) transitions diverged."
    ]
  }

  static func limited<Item>(
    _ items: [Item], _ limit: Int = panelLimit, what: String, plural: String
  ) -> (items: [Item], notes: [String]) {
    guard items.count > limit else { return (items, []) }
    let left = items.count - limit
    return (
      Array(items.prefix(limit)),
      [
        "\(Thinning.grouped(left)) further \(left == 1 ? what + " is" : plural + " are") not shown; choose with `sites:`"
      ]
    )
  }

  /// How ranks of the draws among all chains are shown.
  package enum RankKind: String, Sendable { case histogram, overlay, ecdf }

  /// Ranks over all chains: uniform in each chain where the chains tell the same.
  ///
  /// Source: Vehtari et al. (2021), section 5; the band of `ecdf` after Säilynoja et al. (2022).
  package static func rank(_ quantities: [Quantity], kind: RankKind) -> Figure {
    let (shown, notes) = limited(quantities, what: "quantity", plural: "quantities")
    var outside: [String] = []
    var panels: [Panel] = []
    for quantity in shown {
      let chains = quantity.chains.filter { !$0.isEmpty && $0.allSatisfy(\.isFinite) }
      let ranks = OrderStatistics.averageRanks(chains)
      let total = Double(ranks.reduce(0) { $0 + $1.count })
      let length = ranks.map(\.count).min() ?? 0
      switch kind {
      case .histogram, .overlay:
        let number = max(5, min(20, length / 25))
        let edges = (0...number).map { Double($0) / Double(number) }
        let histograms = ranks.map { Samples.counts($0.map { ($0 - 0.5) / max(1, total) }, edges) }
        let expected = Double(length) / Double(number)
        if kind == .overlay {
          let marks = histograms.enumerated().map { chain, counts in
            Mark(
              .steps(x: edges, y: counts + [counts.last ?? 0]), .series(chain), name: "chain \(chain)")
          }
          panels.append(
            Panel(
              title: quantity.name, x: Axis("rank, as a share"), y: Axis("count", includesZero: true),
              marks: marks + [Mark(.rule(at: expected, isVertical: false), .reference, dash: .dashed)]))
        } else {
          for (chain, counts) in histograms.enumerated().prefix(8) {
            panels.append(
              Panel(
                title: "\(quantity.name), chain \(chain)", x: Axis("rank, as a share"),
                y: Axis("count", includesZero: true),
                marks: [
                  Mark(bars(.init(edges: edges, counts: counts)), .series(chain)),
                  Mark(.rule(at: expected, isVertical: false), .reference, dash: .dashed),
                ]))
          }
        }
      case .ecdf:
        let points = max(10, min(50, length / 4))
        let band = Samples.band(count: length, chains: ranks.count, points: points)
        var marks = [
          Mark(
            .band(x: [0] + band.z + [1], low: [0] + band.half.map { -$0 } + [0], high: [0] + band.half + [0]),
            .reference, name: "95 % band, all chains")
        ]
        var isOutside = false
        for (chain, own) in ranks.enumerated() {
          let counts = Samples.counts(
            own.map { ($0 - 0.5) / max(1, total) }, (0...points).map { Double($0) / Double(points) })
          var sum = 0.0
          var xs = [0.0]
          var ys = [0.0]
          for (index, z) in band.z.enumerated() {
            sum += counts[index]
            xs.append(z)
            ys.append(sum / Double(max(1, own.count)) - z)
            if abs(ys[index + 1]) > band.half[index] { isOutside = true }
          }
          marks.append(Mark(.line(x: xs + [1], y: ys + [0]), .series(chain), name: "chain \(chain)"))
        }
        if isOutside { outside.append(quantity.name) }
        panels.append(
          Panel(title: quantity.name, x: Axis("rank, as a share"), y: Axis("difference to uniform"), marks: marks))
      }
    }
    let fact =
      outside.isEmpty
      ? "The chains stay inside of the band." : "Some chain leaves the band of \(outside.joined(separator: ", "))."
    let columns = kind == .histogram ? max(1, min(4, quantities.first?.chains.count ?? 1)) : nil
    return Figure(
      kind: "rank plot", panels: panels, columns: columns, sharesX: true, sharesY: true,
      facts: kind == .ecdf && !panels.isEmpty ? [fact] : [], notes: notes + oddNote(quantities.flatMap(\.pooled)))
  }

  /// Marginal densities: pooled with median and intervals, or a curve for each chain.
  package static func densities(_ quantities: [Quantity], byChain: Bool) -> Figure {
    let (shown, notes) = limited(quantities, what: "quantity", plural: "quantities")
    let panels = shown.map { quantity -> Panel in
      let marks =
        byChain
        ? quantity.chains.enumerated().map { chain, draws -> Mark in
          let curve = Samples.density(draws)
          return Mark(.line(x: curve.x, y: curve.y), .series(chain), name: "chain \(chain)")
        } : densityMarks(quantity.pooled, .model)
      return Panel(title: quantity.name, y: Axis(ticks: .none, includesZero: true), marks: marks)
    }
    return Figure(
      kind: "density plot", panels: panels,
      facts: shown.prefix(4).flatMap { quantity in facts(of: quantity.pooled).map { "\(quantity.name): " + $0 } },
      notes: notes + oddNote(quantities.flatMap(\.pooled)))
  }

  /// A row of a forest plot.
  package struct Row: Sendable {
    package var name: String
    package var draws: [Double]
    /// Which of several fits it belongs to.
    package var series: Int
    /// What stands beside it: R-hat and effective draws.
    package var remark: String?
    package init(name: String, draws: [Double], series: Int = 0, remark: String? = nil) {
      self.name = name
      self.draws = draws
      self.series = series
      self.remark = remark
    }
  }

  static let rowLimit = 120

  /// Many quantities at once: median, central half and nine tenths of each.
  package static func forest(_ rows: [Row], label: String?, seriesNames: [String] = []) -> Figure {
    let shown = Array(rows.prefix(rowLimit))
    var notes = rows.count > shown.count ? ["\(count(rows.count - shown.count, "further row")) not shown"] : []
    notes += oddNote(rows.flatMap(\.draws))
    var marks: [Mark] = [Mark(.rule(at: 0, isVertical: true), .reference, weight: .thin, dash: .dashed)]
    // Names that come again (several fits) share a row, one above the other.
    var names: [String] = []
    for row in shown where !names.contains(row.name) || seriesNames.isEmpty { names.append(row.name) }
    let series = max(1, seriesNames.count)
    var extremes: [(name: String, median: Double)] = []
    for number in 0..<series {
      var at: [Double] = []
      var medians: [Double] = []
      var wide: [(low: Double, high: Double)] = []
      var narrow: [(low: Double, high: Double)] = []
      for (index, row) in shown.enumerated() where seriesNames.isEmpty || row.series == number {
        let sorted = Samples.finite(row.draws).sorted()
        let place = seriesNames.isEmpty ? index : names.firstIndex(of: row.name) ?? 0
        let shift = series > 1 ? (Double(number) - Double(series - 1) / 2) * 0.6 / Double(series) : 0
        at.append(Double(place) + shift)
        medians.append(Samples.quantile(sorted, 0.5))
        wide.append(Samples.interval(sorted, mass: 0.9))
        narrow.append(Samples.interval(sorted, mass: 0.5))
        if let median = medians.last, median.isFinite { extremes.append((row.name, median)) }
      }
      let role: Mark.Role = seriesNames.isEmpty ? .model : .series(number)
      let name = seriesNames.indices.contains(number) ? seriesNames[number] : nil
      marks.append(
        Mark(
          .intervals(at: at, low: wide.map(\.low), high: wide.map(\.high), isVertical: false), role, weight: .normal,
          name: name))
      marks.append(
        Mark(
          .intervals(at: at, low: narrow.map(\.low), high: narrow.map(\.high), isVertical: false), role, weight: .heavy)
      )
      marks.append(Mark(.points(x: medians, y: at), role, weight: .heavy, symbol: .ring))
    }
    let low = shown.flatMap { Samples.finite($0.draws) }.min() ?? 0
    let high = shown.flatMap { Samples.finite($0.draws) }.max() ?? 0
    // The line at zero is drawn where the draws come near it.
    if low > 0 || high < 0, !(low - (high - low) <= 0 && high + (high - low) >= 0) { marks.removeFirst() }
    var facts: [String] = []
    if let least = extremes.min(by: { $0.median < $1.median }), let most = extremes.max(by: { $0.median < $1.median }) {
      facts.append(
        extremes.count == 1
          ? "The median is \(NumberText.short(least.median))."
          : "Medians run from \(NumberText.short(least.median)), of \(least.name), to \(NumberText.short(most.median)), of \(most.name)."
      )
      facts.append("Thick lines hold half of the draws, thin ones nine tenths.")
    }
    let labeled = zip(names, shown).map { name, row in row.remark.map { "\(name)  \($0)" } ?? name }
    return Figure(
      kind: "forest plot",
      panels: [Panel(x: Axis(label), y: Axis(scale: .categories(seriesNames.isEmpty ? labeled : names)), marks: marks)],
      facts: facts, notes: notes)
  }

  /// Every pair of quantities, with the draws that ended in a divergence on top.
  package static func pairs(_ quantities: [Quantity], divergent: [[Bool]] = []) -> Figure {
    let (shown, notes) = limited(quantities, 4, what: "quantity", plural: "quantities")
    let flags = divergent.flatMap { $0 }
    let pooled = shown.map(\.pooled)
    var panels: [Panel] = []
    for row in shown.indices {
      for column in shown.indices {
        if row == column {
          panels.append(
            Panel(
              title: shown[row].name, y: Axis(ticks: .none, includesZero: true),
              marks: [Mark(bars(Samples.bins(pooled[row], count: 25)), .model)]))
          continue
        }
        var made = Thinning.points(x: thinned(pooled[column]), y: thinned(pooled[row]), role: .model)
        for index in made.marks.indices { made.marks[index].weight = .faint }
        let bad = flags.indices.filter { flags[$0] && $0 < pooled[row].count && $0 < pooled[column].count }
        if !bad.isEmpty {
          made.marks.append(
            Mark(
              .points(x: bad.prefix(500).map { pooled[column][$0] }, y: bad.prefix(500).map { pooled[row][$0] }),
              .trouble, symbol: .cross, name: "divergence"))
        }
        panels.append(Panel(x: Axis(shown[column].name), y: Axis(shown[row].name), marks: made.marks))
      }
    }
    var facts = divergences(divergent)
    var strongest: (r: Double, a: String, b: String)?
    for row in shown.indices {
      for column in shown.indices where column > row {
        let r = correlation(pooled[row], pooled[column])
        if r.isFinite, r.magnitude > strongest?.r.magnitude ?? 0 {
          strongest = (r, shown[row].name, shown[column].name)
        }
      }
    }
    if let strongest {
      facts.append(
        "The strongest correlation is \(NumberText.short(strongest.r)), of \(strongest.a) and \(strongest.b).")
    }
    return Figure(
      kind: "pairs plot", panels: panels, columns: max(1, shown.count), facts: facts,
      notes: notes
        + (pooled.first.map { $0.count > 2000 ? ["2,000 of \(count($0.count, "draw")) in each panel"] : [] } ?? []))
  }

  /// Every n-th draw, about 2,000 of them.
  private static func thinned(_ x: [Double]) -> [Double] {
    guard x.count > 2000 else { return x }
    return (0..<2000).map { x[$0 * x.count / 2000] }
  }

  /// Numbers of all quantities as dots, worst first, with a threshold.
  private static func dots(
    _ values: [(name: String, value: Double)], kind: String, label: String, threshold: Double, isBelow: Bool,
    lowest: Double?
  ) -> Figure {
    let usable = values.filter { $0.value.isFinite }
    let sorted = usable.sorted { isBelow ? $0.value < $1.value : $0.value > $1.value }
    let shown = Array(sorted.prefix(30))
    func isBad(_ value: Double) -> Bool { isBelow ? value < threshold : value > threshold }
    let rows = shown.indices.map(Double.init)
    let bad = shown.indices.filter { isBad(shown[$0].value) }
    let good = shown.indices.filter { !isBad(shown[$0].value) }
    var marks = [
      Mark(
        .rule(at: threshold, isVertical: true), .reference, dash: .dashed,
        name: "threshold \(NumberText.short(threshold))")
    ]
    if let lowest {
      marks.append(
        Mark(
          .intervals(at: rows, low: rows.map { _ in lowest }, high: shown.map(\.value), isVertical: false), .reference,
          weight: .thin))
    }
    marks.append(Mark(.points(x: good.map { shown[$0].value }, y: good.map(Double.init)), .model, weight: .heavy))
    marks.append(Mark(.points(x: bad.map { shown[$0].value }, y: bad.map(Double.init)), .trouble, weight: .heavy))
    var facts: [String] = []
    if let worst = sorted.first {
      let over = usable.filter { isBad($0.value) }.count
      facts.append("The \(isBelow ? "least" : "largest") is \(NumberText.short(worst.value)), of \(worst.name).")
      facts.append(
        over == 0
          ? "All \(count(usable.count, "value")) are on the good side of \(NumberText.short(threshold))."
          : "\(over) of \(count(usable.count, "value")) \(over == 1 ? "is" : "are") \(isBelow ? "below" : "above") \(NumberText.short(threshold))."
      )
    }
    let left = usable.count - shown.count
    return Figure(
      kind: kind,
      panels: [Panel(x: Axis(label), y: Axis(scale: .categories(shown.map(\.name))), marks: marks)], facts: facts,
      notes: left > 0
        ? ["\(Thinning.grouped(left)) further \(left == 1 ? "quantity is" : "quantities are") better and not shown"]
        : [])
  }

  package static func rHat(_ values: [(name: String, value: Double)]) -> Figure {
    dots(values, kind: "R-hat plot", label: "R-hat", threshold: 1.01, isBelow: false, lowest: 1)
  }

  /// Effective draws against the draws there are.
  package static func ess(_ values: [(name: String, value: Double)], threshold: Double) -> Figure {
    dots(
      values, kind: "effective sample size plot", label: "effective draws", threshold: threshold, isBelow: true,
      lowest: 0)
  }

  /// The energies that draws have, centered, against the changes from draw to draw; alike where momentum resampling
  /// can carry the sampler through all energies.
  ///
  /// Source: Betancourt (2016), "Diagnosing suboptimal cotangent disintegrations in Hamiltonian Monte Carlo".
  package static func energy(_ chains: [[Double]], ebfmi: [Double]) -> Figure {
    let center = Samples.mean(Samples.finite(chains.flatMap { $0 }))
    let marginal = chains.flatMap { $0 }.map { $0 - center }
    let transitions = chains.flatMap { chain in zip(chain, chain.dropFirst()).map { $1 - $0 } }
    let a = Samples.density(marginal)
    let b = Samples.density(transitions)
    var facts: [String] = []
    if let worst = ebfmi.filter(\.isFinite).min() {
      facts.append(
        "The least E-BFMI of \(count(ebfmi.count, "chain")) is \(NumberText.short(worst)); below 0.3 energies are explored slowly."
      )
    }
    return Figure(
      kind: "energy plot",
      panels: [
        Panel(
          x: Axis("energy, centered"), y: Axis("density", ticks: .none, includesZero: true),
          marks: [
            Mark(.band(x: a.x, low: a.x.map { _ in 0 }, high: a.y), .series(0), weight: .thin),
            Mark(.line(x: a.x, y: a.y), .series(0), name: "of the draws"),
            Mark(.line(x: b.x, y: b.y), .series(1), name: "change from draw to draw"),
          ])
      ], facts: facts, notes: oddNote(chains.flatMap { $0 }))
  }

  /// What was believed before against what is believed after, for quantities of both.
  package static func priorPosterior(_ pairs: [(name: String, prior: [Double], posterior: [Double])]) -> Figure {
    let (shown, notes) = limited(pairs, what: "quantity", plural: "quantities")
    var facts: [String] = []
    let panels = shown.map { pair -> Panel in
      let after = Samples.density(pair.posterior)
      let before = Samples.density(pair.prior)
      let narrower = Samples.sd(Samples.finite(pair.posterior)) / Samples.sd(Samples.finite(pair.prior))
      if narrower.isFinite {
        facts.append("The spread of \(pair.name) went to \(NumberText.short(narrower * 100)) percent of the prior's.")
      }
      // Heavy tails of a prior would squeeze the rest: the panel shows where the posterior is, and as much around it.
      var axis = Axis()
      if let low = Samples.finite(pair.posterior).min(), let high = Samples.finite(pair.posterior).max(), high > low {
        let sorted = Samples.finite(pair.prior).sorted()
        let wide = sorted.isEmpty ? (low: low, high: high) : Samples.interval(sorted, mass: 0.98)
        axis.limits =
          min(low, max(wide.low, low - 3 * (high - low)))...max(high, min(wide.high, high + 3 * (high - low)))
      }
      return Panel(
        title: pair.name, x: axis, y: Axis(ticks: .none, includesZero: true),
        marks: [
          Mark(.line(x: before.x, y: before.y), .reference, name: "prior"),
          Mark(.band(x: after.x, low: after.x.map { _ in 0 }, high: after.y), .model, weight: .thin),
          Mark(.line(x: after.x, y: after.y), .model, name: "posterior"),
        ])
    }
    return Figure(kind: "prior and posterior plot", panels: panels, facts: Array(facts.prefix(6)), notes: notes)
  }
}
