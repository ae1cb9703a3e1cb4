import Checking
import Inference
import Interpreter
import Plots
import Rendering

/// Plots of fits: what `stdlib/plots.cairn` declares for models and posteriors.
enum FitPlots {
  static let all: [Intrinsic] = [
    .general("tracePlot(_:sites:)") { _, arguments in
      let fit = try Engine.posterior(arguments.first)
      let chosen = try quantities(fit, arguments, 1)
      return plot(Plots.trace(chosen.items, divergent: divergences(fit)), chosen.note)
    },
    .general("rankPlot(_:sites:kind:)") { _, arguments in
      let fit = try Engine.posterior(arguments.first)
      let chosen = try quantities(fit, arguments, 1)
      return plot(Plots.rank(chosen.items, kind: rankKind(arguments.count > 2 ? arguments[2] : .none)), chosen.note)
    },
    .general("densityPlot(_:sites:byChain:)") { _, arguments in
      let fit = try Engine.posterior(arguments.first)
      let chosen = try quantities(fit, arguments, 1)
      var byChain = false
      if arguments.count > 2, case .bool(let flag) = arguments[2] { byChain = flag }
      return plot(Plots.densities(chosen.items, byChain: byChain && fit.chains > 1), chosen.note)
    },
    .general("forest(_:sites:)") { _, arguments in
      let fit = try Engine.posterior(arguments.first)
      let names = ElementNames(fit)
      let rows = try scalars(fit, arguments, 1).map { slot, element -> Plots.Row in
        let chains = FitSummary.chains(fit, slot, element)
        let rHat = fit.kind == .sampled ? Convergence.rHat(chains) : .nan
        return Plots.Row(
          name: names.name(fit.sites[slot], element), draws: pooled(fit, slot, element),
          remark: rHat > FitHealth.rHatLimit ? "(R-hat \(NumberText.short(rHat)))" : nil)
      }
      return plot(Plots.forest(rows, label: nil))
    },
    .general("forest(comparing:sites:)") { _, arguments in
      guard case .dictionary(let fits)? = arguments.first else {
        throw Fault("R006", "`forest(comparing:)` needs fits by name", help: "write `[\"a\": fit, \"b\": other]`")
      }
      var rows: [Plots.Row] = []
      var names: [String] = []
      for (name, value) in fits.pairs {
        guard case .string(let text) = name else {
          throw Fault(
            "R006", "the names of the fits are texts", help: "write `[\"a\": fit, \"b\": other]`")
        }
        let fit = try Engine.posterior(value)
        let elements = ElementNames(fit)
        rows += try scalars(fit, arguments, 1).map { slot, element in
          Plots.Row(
            name: elements.name(fit.sites[slot], element), draws: pooled(fit, slot, element),
            series: names.count)
        }
        names.append(text)
      }
      return plot(Plots.forest(rows, label: nil, seriesNames: names))
    },
    .general("pairs(_:sites:)") { _, arguments in
      let fit = try Engine.posterior(arguments.first)
      let chosen = try quantities(fit, arguments, 1)
      return plot(Plots.pairs(chosen.items, divergent: divergences(fit)), chosen.note)
    },
    .general("rHatPlot(_:sites:)") { _, arguments in
      let fit = try Engine.posterior(arguments.first)
      return plot(Plots.rHat(try numbers(fit, arguments) { Convergence.rHat($0) }))
    },
    .general("essPlot(_:sites:)") { _, arguments in
      let fit = try Engine.posterior(arguments.first)
      return plot(
        Plots.ess(
          try numbers(fit, arguments) { min(Convergence.essBulk($0), Convergence.essTail($0)) },
          threshold: 100 * Double(fit.chains)))
    },
    .general("energyPlot(_:)") { _, arguments in
      let fit = try Engine.posterior(arguments.first)
      guard fit.stats != nil, fit.kind == .sampled else {
        throw Fault(
          "R006", "`energyPlot` needs a sampled fit", found: "draws that no sampler made",
          help: "give what `sample` gave")
      }
      return plot(energy(fit))
    },
    .general("priorPosterior(_:_:sites:)") { _, arguments in
      let prior = try Engine.posterior(arguments.first)
      let fit = try Engine.posterior(arguments.dropFirst().first)
      let names = ElementNames(fit)
      let pairs = try scalars(fit, arguments, 2).compactMap {
        slot, element -> (name: String, prior: [Double], posterior: [Double])? in
        let site = fit.sites[slot]
        guard let other = prior.slot(site.name), prior.sites[other].shape == site.shape else { return nil }
        return (names.name(site, element), pooled(prior, other, element), pooled(fit, slot, element))
      }
      return plot(Plots.priorPosterior(pairs))
    },
    .general("Model.graph()") { context, arguments in
      plot(ModelGraph.figure(try Engine.model(arguments.first), context.declarations))
    },
  ]

  // MARK: - Choosing

  private static func plot(_ figure: Figure, _ note: String? = nil) -> Value {
    var figure = figure
    if let note { figure.notes.append(note) }
    return .engine(PlotValue(figure))
  }

  private static func pooled(_ fit: PosteriorValue, _ slot: Int, _ element: Int) -> [Double] {
    let size = fit.sites[slot].size
    return (0..<fit.drawCount).map { fit.values[slot][$0 * size + element] }
  }

  /// The scalars of the sites that an argument names; of all sites where it names none.
  private static func scalars(
    _ fit: PosteriorValue, _ arguments: [Value], _ index: Int
  ) throws -> [(slot: Int, element: Int)] {
    var slots = Array(fit.sites.indices)
    if index < arguments.count, case .paths(let paths)? = arguments[index].unwrapped {
      slots = try paths.map { path in
        let name = path.joined(separator: ".")
        guard let slot = fit.slot(name) else {
          throw Fault(
            "M104", "the fit has no draws of `\(name)`",
            help: Spelling.nearest(name, in: fit.sites.map(\.name)).map { "did you mean `\($0)`?" })
        }
        return slot
      }
    }
    return slots.flatMap { slot in (0..<min(fit.sites[slot].size, 5000)).map { (slot, $0) } }
  }

  /// Quantities by chain; of more than fit in a figure those that mixed worst come first.
  private static func quantities(
    _ fit: PosteriorValue, _ arguments: [Value], _ index: Int
  ) throws -> (items: [Quantity], note: String?) {
    let scalars = try scalars(fit, arguments, index)
    let names = ElementNames(fit)
    func quantity(_ scalar: (slot: Int, element: Int)) -> Quantity {
      Quantity(
        name: names.name(fit.sites[scalar.slot], scalar.element),
        chains: FitSummary.chains(fit, scalar.slot, scalar.element))
    }
    guard scalars.count > 12, fit.kind == .sampled else { return (scalars.prefix(2000).map(quantity), nil) }
    let rated = scalars.prefix(FitHealth.scalarLimit).map {
      scalar -> (scalar: (slot: Int, element: Int), rHat: Double) in
      let rHat = Convergence.rHat(FitSummary.chains(fit, scalar.slot, scalar.element))
      return (scalar, rHat.isFinite ? rHat : 0)
    }
    let order = rated.enumerated().sorted {
      $0.element.rHat > $1.element.rHat || ($0.element.rHat == $1.element.rHat && $0.offset < $1.offset)
    }
    return (order.prefix(100).map { quantity($0.element.scalar) }, "the largest R-hat come first")
  }

  private static func numbers(
    _ fit: PosteriorValue, _ arguments: [Value], _ measure: ([[Double]]) -> Double
  ) throws -> [(name: String, value: Double)] {
    let names = ElementNames(fit)
    return try scalars(fit, arguments, 1).prefix(FitHealth.scalarLimit).map { slot, element in
      (names.name(fit.sites[slot], element), measure(FitSummary.chains(fit, slot, element)))
    }
  }

  private static func divergences(_ fit: PosteriorValue) -> [[Bool]] {
    guard let stats = fit.stats, stats.isDivergent.count == fit.drawCount else { return [] }
    var start = 0
    return fit.counts.map { count in
      defer { start += count }
      return Array(stats.isDivergent[start..<(start + count)])
    }
  }

  private static func energy(_ fit: PosteriorValue) -> Figure {
    var chains: [[Double]] = []
    var start = 0
    for count in fit.counts {
      let end = min(start + count, fit.stats?.energy.count ?? 0)
      if start < end { chains.append(Array((fit.stats?.energy ?? [])[start..<end])) }
      start += count
    }
    return Plots.energy(chains, ebfmi: chains.filter { $0.count > 1 }.map { Convergence.ebfmi($0) })
  }

  /// The cases of `RankKind` in their order.
  private static func rankKind(_ value: Value) -> Plots.RankKind {
    guard case .enumeration(_, let index, _) = value else { return .ecdf }
    return [.ecdf, .histogram, .overlay][max(0, min(2, index))]
  }
}
