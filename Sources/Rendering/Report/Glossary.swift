/// What the words mean in which the checks of fits are told.
package enum Glossary {
  package struct Term: Sendable {
    package var id: String
    package var term: String
    package var words: String
    /// Other ways to ask for it, in lower case.
    package var synonyms: [String]
  }

  package static let terms: [Term] = [
    Term(
      id: "rhat", term: "R-hat",
      words: "compares the spread between chains with the spread within them, after ranking the draws (Vehtari et al. "
        + "2021). 1 means that the chains tell the same story; above 1.01 they do not yet.",
      synonyms: ["rhat", "r hat", "convergence", "mixing"]),
    Term(
      id: "ess", term: "Effective sample size (ESS)",
      words:
        "how many independent draws would know as much: in the bulk for means, in the tails for quantiles. At least "
        + "100 per chain make intervals and the checks themselves trustworthy.",
      synonyms: ["ess", "effective sample size", "effective draws", "bulk", "tail"]),
    Term(
      id: "divergence", term: "Divergences",
      words: "places where the simulated path left the true one, since the posterior bends more sharply there than one "
        + "step can follow. Draws near them are missing, so that estimates are off; other coordinates are the usual cure.",
      synonyms: ["divergence", "divergent"]),
    Term(
      id: "depth", term: "Tree depth",
      words:
        "how often a path doubled before it turned back. Reaching the limit costs time rather than correctness; it "
        + "points at strong correlations or very unequal scales.",
      synonyms: ["treedepth", "depth"]),
    Term(
      id: "ebfmi", term: "E-BFMI",
      words: "how well the sampler moves between energy levels. Below 0.3 heavy tails are explored slowly.",
      synonyms: ["ebfmi", "bfmi", "energy"]),
  ]

  /// The term that a user asks for; nil where there is none.
  package static func term(_ name: String) -> Term? {
    let wanted = name.lowercased()
    return terms.first { $0.term.lowercased() == wanted || $0.synonyms.contains(wanted) }
  }
}
