/// How a fit went, as numbers and a few words: what a report's strip of verdicts shows.
package struct Verdict: Sendable, Equatable {
  /// The convergence checks of one scalar quantity.
  package struct Quantity: Sendable, Equatable {
    /// `theta[3]`.
    package var name: String
    package var rHat: Double
    /// In draws; of all chains together.
    package var bulkESS: Double
    package var tailESS: Double
    package init(name: String, rHat: Double, bulkESS: Double, tailESS: Double) {
      self.name = name
      self.rHat = rHat
      self.bulkESS = bulkESS
      self.tailESS = tailESS
    }
  }

  /// The model's name.
  package var model: String
  package var chains: Int
  /// Kept draws of all chains together.
  package var draws: Int
  /// Quantities in the order of the fit; of very many those that mixed worst.
  package var quantities: [Quantity]
  /// How many quantities the fit has beyond ``quantities``.
  package var otherQuantities: Int
  package var divergences: Int
  /// Transitions that reached the limit of the tree depth, and the limit.
  package var depthHits: Int
  package var depthLimit: Int
  /// The energy fraction of missing information, by chain.
  package var ebfmi: [Double]
  /// What R-hat, effective draws and E-BFMI are held to.
  package var rHatLimit: Double
  package var essLimit: Double
  package var ebfmiLimit: Double
  /// Each in a few words: `12 divergences`.
  package var problems: [String]

  package init(
    model: String, chains: Int, draws: Int, quantities: [Quantity], otherQuantities: Int, divergences: Int,
    depthHits: Int, depthLimit: Int, ebfmi: [Double], rHatLimit: Double, essLimit: Double, ebfmiLimit: Double,
    problems: [String]
  ) {
    self.model = model
    self.chains = chains
    self.draws = draws
    self.quantities = quantities
    self.otherQuantities = otherQuantities
    self.divergences = divergences
    self.depthHits = depthHits
    self.depthLimit = depthLimit
    self.ebfmi = ebfmi
    self.rHatLimit = rHatLimit
    self.essLimit = essLimit
    self.ebfmiLimit = ebfmiLimit
    self.problems = problems
  }

  /// The quantity with the largest R-hat; nil where none could be computed.
  package var worstRHat: Quantity? { quantities.filter { $0.rHat.isFinite }.max { $0.rHat < $1.rHat } }
  package var leastBulkESS: Quantity? { quantities.filter { $0.bulkESS.isFinite }.min { $0.bulkESS < $1.bulkESS } }
  package var leastTailESS: Quantity? { quantities.filter { $0.tailESS.isFinite }.min { $0.tailESS < $1.tailESS } }

  /// `2 problems`, or that there is none.
  package var headline: String {
    switch problems.count {
    case 0: "no problem found"
    case 1: "1 problem"
    default: "\(problems.count) problems"
    }
  }
}
