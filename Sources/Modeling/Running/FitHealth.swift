import Checking
import Foundation
import Inference
import Plots
package import Rendering
import Syntax

/// How well a fit went: the numbers from which its warnings, and the verdict of a report, are worded.
struct FitHealth {
  /// Quantities beyond this many are not looked at: their checks would take longer than many a fit.
  static let scalarLimit = 2000
  static let rHatLimit = 1.01
  static let energyLimit = 0.3
  /// Quantities that a verdict lists.
  static let verdictLimit = 200

  struct Worst {
    var value: Double
    /// The quantity: `theta[3]`.
    var name: String
  }

  let model: String
  let chains: Int
  let draws: Int
  /// The checks of each quantity that was looked at, in the order of the fit.
  private(set) var quantities: [Verdict.Quantity] = []
  private(set) var quantityCount = 0
  private(set) var ebfmi: [Double] = []
  private(set) var divergences = 0
  private(set) var depthHits = 0
  private(set) var depthLimit = 0
  private(set) var worstRHat: Worst?
  private(set) var leastBulkESS: Worst?
  private(set) var leastTailESS: Worst?
  /// The chain whose energy is explored slowest.
  private(set) var slowestEnergy: (chain: Int, ebfmi: Double)?

  /// Draws per chain that bulk and tail should be worth.
  var essLimit: Double { 100 * Double(chains) }

  init(_ fit: PosteriorValue) {
    model = fit.model.model.name
    chains = fit.chains
    draws = fit.drawCount
    if let stats = fit.stats {
      divergences = stats.isDivergent.filter { $0 }.count
      depthHits = stats.treeDepth.filter { $0 >= stats.maxTreeDepth }.count
      depthLimit = stats.maxTreeDepth
      var start = 0
      for (chain, count) in fit.counts.enumerated() {
        let end = start + count
        defer { start = end }
        guard count > 1, end <= stats.energy.count else { continue }
        let value = Convergence.ebfmi(Array(stats.energy[start..<end]))
        ebfmi.append(value)
        if value < slowestEnergy?.ebfmi ?? .infinity { slowestEnergy = (chain, value) }
      }
    }
    quantityCount = fit.sites.reduce(0) { $0 + $1.size }
    guard (fit.counts.min() ?? 0) >= 4 else { return }
    let names = ElementNames(fit)
    var seen = 0
    for (slot, site) in fit.sites.enumerated() {
      for element in 0..<site.size {
        seen += 1
        if seen > FitHealth.scalarLimit { return }
        let chains = FitSummary.chains(fit, slot, element)
        let name = names.name(site, element)
        func take(_ value: Double, _ best: inout Worst?, _ isWorse: (Double, Double) -> Bool) {
          guard value.isFinite else { return }
          if best.map({ isWorse(value, $0.value) }) ?? true { best = Worst(value: value, name: name) }
        }
        let checked = Verdict.Quantity(
          name: name, rHat: Convergence.rHat(chains), bulkESS: Convergence.essBulk(chains),
          tailESS: Convergence.essTail(chains))
        quantities.append(checked)
        take(checked.rHat, &worstRHat, >)
        take(checked.bulkESS, &leastBulkESS, <)
        take(checked.tailESS, &leastTailESS, <)
      }
    }
  }

  /// The smaller of bulk and tail.
  private var leastESS: Worst? {
    [leastBulkESS, leastTailESS].compactMap { $0 }.min { $0.value < $1.value }
  }

  // MARK: - Words

  /// Warnings, each with a next step; the most telling first.
  ///
  /// - Parameters:
  ///   - advice: What to do about divergences.
  ///   - outside: What was wrong where divergent trajectories left the density's domain.
  func warnings(at span: SourceSpan, advice: String, outside: OutsideDomain? = nil) -> [Diagnostic] {
    var result: [Diagnostic] = []
    if divergences > 0 {
      var diagnostic = Diagnostic(
        "C410", .warning, "\(divergences) of \(draws) transitions diverged", at: span,
        notes: ["the sampler met a region it cannot follow; the draws may miss part of the posterior"],
        help: advice)
      if let outside {
        diagnostic.notes = [
          "\(outside.count) of them ended where the log density of `\(outside.site)` is \(outside.value)",
          "the draws may miss part of the posterior",
        ]
        diagnostic.labels += outside.labels
        diagnostic.help =
          "keep the parameter in its range for all values of the sites, as `exp(…)` keeps a scale positive"
      }
      result.append(diagnostic)
    }
    if depthHits > 0 {
      result.append(
        Diagnostic(
          "C411", .warning, "\(depthHits) of \(draws) transitions reached the tree depth limit \(depthLimit)", at: span,
          help: "correlated or badly scaled sites make trajectories long: center predictors, or raise `maxTreeDepth`"))
    }
    var mixing: [Diagnostic] = []
    var sizes: [Diagnostic] = []
    if let worst = worstRHat, worst.value > FitHealth.rHatLimit {
      mixing.append(
        Diagnostic(
          "C412", .warning,
          "the chains have not mixed: R-hat of `\(worst.name)` is \(String(format: "%.3f", worst.value))", at: span,
          expected: "at most \(FitHealth.rHatLimit)", help: "run longer, look for several modes, or reparameterize"))
    }
    if let least = leastESS, least.value < essLimit {
      sizes.append(
        Diagnostic(
          "C413", .warning, "few effective draws: \(Int(least.value)) of `\(least.name)`", at: span,
          expected: "at least \(Int(essLimit))", help: "raise `draws`, or reparameterize"))
    }
    // Short chains alone lift R-hat a little: then their number of draws is what to say first.
    result += (worstRHat?.value ?? 1) < 1.1 ? sizes + mixing : mixing + sizes
    if let slowest = slowestEnergy, slowest.ebfmi < FitHealth.energyLimit {
      result.append(
        Diagnostic(
          "C414", .warning,
          "the energy of chain \(slowest.chain) is explored slowly: E-BFMI is "
            + String(format: "%.2f", slowest.ebfmi), at: span, expected: "at least \(FitHealth.energyLimit)",
          help: "heavy tails: reparameterize scales, or use tighter priors"))
    }
    return result
  }

  /// The same for the strip of a report.
  var verdict: Verdict {
    func count(_ number: Int, _ one: String, _ many: String) -> String { "\(number) \(number == 1 ? one : many)" }
    var problems: [String] = []
    if divergences > 0 { problems.append(count(divergences, "divergence", "divergences")) }
    if let worst = worstRHat, worst.value > FitHealth.rHatLimit {
      problems.append("R-hat of \(worst.name) is \(String(format: "%.3f", worst.value))")
    }
    if let least = leastESS, least.value < essLimit {
      problems.append("\(Int(least.value)) effective draws of \(least.name)")
    }
    if depthHits > 0 {
      problems.append(count(depthHits, "transition at the tree depth limit", "transitions at the tree depth limit"))
    }
    if let slowest = slowestEnergy, slowest.ebfmi < FitHealth.energyLimit {
      problems.append("E-BFMI of chain \(slowest.chain) is \(String(format: "%.2f", slowest.ebfmi))")
    }
    return Verdict(
      model: model, chains: chains, draws: draws, quantities: worstQuantities,
      otherQuantities: quantityCount - min(quantities.count, FitHealth.verdictLimit), divergences: divergences,
      depthHits: depthHits, depthLimit: depthLimit, ebfmi: ebfmi, rHatLimit: FitHealth.rHatLimit, essLimit: essLimit,
      ebfmiLimit: FitHealth.energyLimit, problems: problems)
  }

  /// All quantities, or of very many those that mixed worst, in the order of the fit.
  private var worstQuantities: [Verdict.Quantity] {
    guard quantities.count > FitHealth.verdictLimit else { return quantities }
    func badness(_ quantity: Verdict.Quantity) -> Double {
      let size = min(quantity.bulkESS, quantity.tailESS)
      return max(quantity.rHat.isFinite ? quantity.rHat - 1 : 0, size.isFinite ? essLimit / max(size, 1) * 0.01 : 0)
    }
    let order = quantities.indices.sorted {
      let (a, b) = (badness(quantities[$0]), badness(quantities[$1]))
      return a > b || (a == b && $0 < $1)
    }
    return order.prefix(FitHealth.verdictLimit).sorted().map { quantities[$0] }
  }
}

extension Verdict {
  /// R-hat by quantity; nil where there is none.
  package var rHatFigure: Figure? {
    let values = quantities.filter { $0.rHat.isFinite }.map { (name: $0.name, value: $0.rHat) }
    return values.isEmpty ? nil : Plots.rHat(values)
  }

  /// The smaller of bulk and tail effective draws by quantity; nil where there are none.
  package var essFigure: Figure? {
    let values = quantities.map { (name: $0.name, value: min($0.bulkESS, $0.tailESS)) }.filter { $0.value.isFinite }
    return values.isEmpty ? nil : Plots.ess(values, threshold: essLimit)
  }
}

/// Where trajectories ended that left the domain of the log density.
struct OutsideDomain {
  /// Of how many transitions.
  var count: Int
  var site: String
  /// The log density's value there, in words.
  var value: String
  /// The distribution, and the expression where the number went wrong.
  var labels: [Diagnostic.Label]
}
