/// How a fit went, in numbers: one line of a report's verdict strip.
///
/// The numbers decide nothing by themselves; ``problems`` words those that are beyond their thresholds.
package struct Verdict: Sendable, Equatable {
  /// The model's name.
  package var model: String
  package var chains: Int
  /// Kept draws of all chains.
  package var draws: Int
  /// The largest rank-normalized split R-hat, and whose; nil where chains are too short for one.
  package var worstRHat: Worst?
  package var leastBulkESS: Worst?
  package var leastTailESS: Worst?
  package var divergences: Int
  /// Transitions that ended at the limit of the tree depth.
  package var depthHits: Int
  /// The least over chains; nil where chains are too short.
  package var leastEBFMI: Double?
  /// Problems in words, the worst first: `37 divergences`.
  package var problems: [String]
  /// Small figures that show what the numbers say: R-hat and ESS of all quantities, energy, ranks of the worst.
  package var figures: [Figure]

  package struct Worst: Sendable, Equatable {
    package var value: Double
    /// The quantity: `theta[3]`.
    package var name: String
    package init(value: Double, name: String) {
      self.value = value
      self.name = name
    }
  }

  package init(
    model: String, chains: Int, draws: Int, worstRHat: Worst?, leastBulkESS: Worst?, leastTailESS: Worst?,
    divergences: Int, depthHits: Int, leastEBFMI: Double?, problems: [String], figures: [Figure]
  ) {
    self.model = model
    self.chains = chains
    self.draws = draws
    self.worstRHat = worstRHat
    self.leastBulkESS = leastBulkESS
    self.leastTailESS = leastTailESS
    self.divergences = divergences
    self.depthHits = depthHits
    self.leastEBFMI = leastEBFMI
    self.problems = problems
    self.figures = figures
  }
}
