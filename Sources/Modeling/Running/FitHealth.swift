import Checking
import Foundation
import Inference
import Syntax

/// How well a fit went: the numbers from which its warnings are worded.
struct FitHealth {
  /// Quantities beyond this many are not looked at: their checks would take longer than many a fit.
  static let scalarLimit = 2000
  static let rHatLimit = 1.01
  static let energyLimit = 0.3

  struct Worst {
    var value: Double
    /// The quantity: `theta[3]`.
    var name: String
  }

  let chains: Int
  let draws: Int
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
        if value < slowestEnergy?.ebfmi ?? .infinity { slowestEnergy = (chain, value) }
      }
    }
    guard (fit.counts.min() ?? 0) >= 4 else { return }
    var seen = 0
    for (slot, site) in fit.sites.enumerated() {
      for element in 0..<site.size {
        seen += 1
        if seen > FitHealth.scalarLimit { return }
        let chains = FitSummary.chains(fit, slot, element)
        let name = FitSummary.elementName(site, element)
        func take(_ value: Double, _ best: inout Worst?, _ isWorse: (Double, Double) -> Bool) {
          guard value.isFinite else { return }
          if best.map({ isWorse(value, $0.value) }) ?? true { best = Worst(value: value, name: name) }
        }
        take(Convergence.rHat(chains), &worstRHat, >)
        take(Convergence.essBulk(chains), &leastBulkESS, <)
        take(Convergence.essTail(chains), &leastTailESS, <)
      }
    }
  }

  /// The smaller of bulk and tail.
  private var leastESS: Worst? {
    [leastBulkESS, leastTailESS].compactMap { $0 }.min { $0.value < $1.value }
  }

  // MARK: - Words

  /// Warnings, each with a next step; the most telling first.
  func warnings(at span: SourceSpan) -> [Diagnostic] {
    var result: [Diagnostic] = []
    if divergences > 0 {
      result.append(
        Diagnostic(
          "C410", .warning, "\(divergences) of \(draws) transitions diverged", at: span,
          notes: ["the sampler met a region it cannot follow; the draws may miss part of the posterior"],
          help: "reparameterize hierarchical sites with `.reparam(site: .noncentered)`, or raise `targetAcceptance`"))
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
}
