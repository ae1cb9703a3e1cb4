import Checking
import Foundation
import Inference
import Interpreter
import Rendering
import Syntax

/// Tables about fits.
enum FitSummary {
  /// How many scalars a table shows before it says how many more there are.
  static let rowLimit = 200

  static func elementName(_ site: StoredSite, _ element: Int) -> String {
    if site.shape.isEmpty { return site.name }
    var rest = element
    var parts: [String] = []
    for extent in site.shape.reversed() {
      guard extent > 0 else { break }
      parts.insert(String(rest % extent), at: 0)
      rest /= extent
    }
    return "\(site.name)[\(parts.joined(separator: ", "))]"
  }

  /// The draws of one scalar, by chain; chains cut to one length.
  static func chains(_ fit: PosteriorValue, _ slot: Int, _ element: Int) -> [[Double]] {
    let size = fit.sites[slot].size
    let length = fit.counts.min() ?? 0
    var start = 0
    var result: [[Double]] = []
    for count in fit.counts {
      result.append((0..<length).map { fit.values[slot][(start + $0) * size + element] })
      start += count
    }
    return result
  }

  private static func column(_ name: String) -> TextTable.Column { .init(name: name, alignment: .trailing) }

  static func table(_ fit: PosteriorValue) -> TextTable {
    if fit.kind == .optimum { return modeTable(fit) }
    let columns =
      [TextTable.Column(name: "site", alignment: .leading)]
      + ["mean", "sd", "q5", "median", "q95", "mcse", "R-hat", "ESS bulk", "ESS tail"].map(column)
    var rows: [[TextTable.Cell]] = []
    var total = 0
    for (slot, site) in fit.sites.enumerated() {
      for element in 0..<site.size {
        total += 1
        guard rows.count < rowLimit else { continue }
        let chains = chains(fit, slot, element)
        let all = chains.flatMap { $0 }
        let sorted = all.sorted()
        let mean = all.reduce(0, +) / Double(max(1, all.count))
        let variance = all.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(max(1, all.count - 1))
        func number(_ x: Double) -> TextTable.Cell { x.isNaN ? .missing : .number(x, significantDigits: 4) }
        func whole(_ x: Double) -> TextTable.Cell { x.isFinite ? .integer(Int(x.rounded())) : .missing }
        let rHat = Convergence.rHat(chains)
        rows.append([
          .text(elementName(site, element)), number(mean), number(variance.squareRoot()),
          number(Convergence.quantile(sorted: sorted, 0.05)), number(Convergence.quantile(sorted: sorted, 0.5)),
          number(Convergence.quantile(sorted: sorted, 0.95)), number(Convergence.mcseMean(chains)),
          rHat.isNaN ? .missing : .decimal(rHat, places: 3), whole(Convergence.essBulk(chains)),
          whole(Convergence.essTail(chains)),
        ])
      }
    }
    var notes: [String] = []
    if total > rowLimit { notes.append("\(total - rowLimit) more scalars are not shown") }
    for (name, moments) in fit.moments.sorted(by: { $0.key < $1.key }) {
      notes.append(
        "`\(name)` was not kept: \(moments.mean.count) mean\(moments.mean.count == 1 ? "" : "s") and variances are stored"
      )
    }
    notes += samplerNotes(fit)
    return TextTable(
      title: "\(fit.model.model.name): \(fit.chains) chains × \(fit.counts.max() ?? 0) draws", columns: columns,
      rows: rows,
      notes: notes)
  }

  private static func modeTable(_ fit: PosteriorValue) -> TextTable {
    var rows: [[TextTable.Cell]] = []
    var total = 0
    for (slot, site) in fit.sites.enumerated() {
      for element in 0..<site.size {
        total += 1
        if rows.count < rowLimit {
          rows.append([.text(elementName(site, element)), .number(fit.values[slot][element], significantDigits: 6)])
        }
      }
    }
    var notes = total > rowLimit ? ["\(total - rowLimit) more scalars are not shown"] : []
    if let logDensity = fit.stats?.logDensity.first {
      notes.append("log density at the mode: \(round(logDensity * 1e6) / 1e6)")
    }
    return TextTable(
      title: "\(fit.model.model.name): posterior mode",
      columns: [.init(name: "site", alignment: .leading), column("mode")], rows: rows, notes: notes)
  }

  /// Draws without a chain structure: prior or predictive.
  static func drawsTable(_ fit: PosteriorValue) -> TextTable {
    let columns =
      [TextTable.Column(name: "site", alignment: .leading)]
      + ["mean", "sd", "q5", "median", "q95"].map(column)
    var rows: [[TextTable.Cell]] = []
    var total = 0
    for (slot, site) in fit.sites.enumerated() {
      for element in 0..<site.size {
        total += 1
        guard rows.count < rowLimit else { continue }
        let all = (0..<fit.drawCount).map { fit.values[slot][$0 * site.size + element] }
        let sorted = all.sorted()
        let mean = all.reduce(0, +) / Double(max(1, all.count))
        let variance = all.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(max(1, all.count - 1))
        func number(_ x: Double) -> TextTable.Cell { x.isNaN ? .missing : .number(x, significantDigits: 4) }
        rows.append([
          .text(elementName(site, element)), number(mean), number(variance.squareRoot()),
          number(Convergence.quantile(sorted: sorted, 0.05)), number(Convergence.quantile(sorted: sorted, 0.5)),
          number(Convergence.quantile(sorted: sorted, 0.95)),
        ])
      }
    }
    return TextTable(
      title: "\(fit.model.model.name): \(fit.drawCount) \(fit.kind == .prior ? "prior" : "predictive") draws",
      columns: columns, rows: rows, notes: total > rowLimit ? ["\(total - rowLimit) more scalars are not shown"] : [])
  }

  /// Facts about the sampler, in words.
  static func samplerNotes(_ fit: PosteriorValue) -> [String] {
    guard let stats = fit.stats, fit.kind == .sampled else { return [] }
    let divergent = stats.isDivergent.filter { $0 }.count
    let deep = stats.treeDepth.filter { $0 >= stats.maxTreeDepth }.count
    let depth = stats.treeDepth.max() ?? 0
    return [
      "divergences: \(divergent) of \(fit.drawCount)   tree depth: at most \(depth), the limit \(stats.maxTreeDepth) reached \(deep) times"
    ]
  }

  /// Warnings that a fit earns, each with a next step.
  static func warnings(_ fit: PosteriorValue, span: SourceSpan) -> [Diagnostic] {
    var result: [Diagnostic] = []
    guard let stats = fit.stats else { return result }
    let total = fit.drawCount
    let divergent = stats.isDivergent.filter { $0 }.count
    if divergent > 0 {
      result.append(
        Diagnostic(
          "C410", .warning, "\(divergent) of \(total) transitions diverged", at: span,
          notes: ["the sampler met a region it cannot follow; the draws may miss part of the posterior"],
          help: "reparameterize hierarchical sites with `.reparam(site: .noncentered)`, or raise `targetAcceptance`"))
    }
    let deep = stats.treeDepth.filter { $0 >= stats.maxTreeDepth }.count
    if deep > 0 {
      result.append(
        Diagnostic(
          "C411", .warning, "\(deep) of \(total) transitions reached the tree depth limit \(stats.maxTreeDepth)",
          at: span,
          help: "correlated or badly scaled sites make trajectories long: center predictors, or raise `maxTreeDepth`"))
    }
    var worst: (name: String, rHat: Double)?
    var least: (name: String, ess: Double)?
    var shown = 0
    scalars: for (slot, site) in fit.sites.enumerated() {
      for element in 0..<site.size {
        shown += 1
        if shown > 2000 { break scalars }
        let chains = chains(fit, slot, element)
        guard (chains.first?.count ?? 0) >= 4 else { break scalars }
        let rHat = Convergence.rHat(chains)
        if rHat > (worst?.rHat ?? 1.01) { worst = (elementName(site, element), rHat) }
        let ess = min(Convergence.essBulk(chains), Convergence.essTail(chains))
        if ess < (least?.ess ?? 100 * Double(fit.chains)) { least = (elementName(site, element), ess) }
      }
    }
    var mixing: [Diagnostic] = []
    var sizes: [Diagnostic] = []
    if let worst {
      mixing.append(
        Diagnostic(
          "C412", .warning,
          "the chains have not mixed: R-hat of `\(worst.name)` is \(String(format: "%.3f", worst.rHat))", at: span,
          expected: "at most 1.01", help: "run longer, look for several modes, or reparameterize"))
    }
    if let least {
      sizes.append(
        Diagnostic(
          "C413", .warning, "few effective draws: \(Int(least.ess)) of `\(least.name)`", at: span,
          expected: "at least \(100 * fit.chains)", help: "raise `draws`, or reparameterize"))
    }
    // Short chains alone lift R-hat a little: then their number of draws is what to say first.
    result += (worst?.rHat ?? 1) < 1.1 ? sizes + mixing : mixing + sizes
    var start = 0
    for (chain, count) in fit.counts.enumerated() where count > 1 {
      let value = Convergence.ebfmi(Array(stats.energy[start..<(start + count)]))
      start += count
      if value < 0.3 {
        result.append(
          Diagnostic(
            "C414", .warning,
            "the energy of chain \(chain) is explored slowly: E-BFMI is \(String(format: "%.2f", value))", at: span,
            expected: "at least 0.3", help: "heavy tails: reparameterize scales, or use tighter priors"))
        break
      }
    }
    return result
  }
}
