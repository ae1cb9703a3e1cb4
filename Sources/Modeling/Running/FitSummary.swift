import Checking
import Foundation
import Inference
import Interpreter
import Numerics
import Rendering
import Syntax

/// Tables about fits.
enum FitSummary {
  /// How many scalars a table shows before it says how many more there are.
  static let rowLimit = 200

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
      [TextTable.Column(name: "site", alignment: .leading), TextTable.Column(name: "draws", alignment: .leading)]
      + ["mean", "sd", "q5", "median", "q95", "mcse", "R-hat", "ESS bulk", "ESS tail"].map(column)
    let names = ElementNames(fit)
    var rows: [[TextTable.Cell]] = []
    var total = 0
    for (slot, site) in fit.sites.enumerated() {
      for element in 0..<site.size {
        total += 1
        guard rows.count < rowLimit else { continue }
        let chains = chains(fit, slot, element)
        let all = chains.flatMap { $0 }
        let sorted = OrderStatistics.sorted(all)
        let mean = all.reduce(0, +) / Double(max(1, all.count))
        let variance = all.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(max(1, all.count - 1))
        func number(_ x: Double) -> TextTable.Cell { x.isNaN ? .missing : .number(x, significantDigits: 4) }
        func whole(_ x: Double) -> TextTable.Cell { x.isFinite ? .integer(Int(x.rounded())) : .missing }
        let rHat = Convergence.rHat(chains)
        rows.append([
          .text(names.name(site, element)), bars(sorted), number(mean), number(variance.squareRoot()),
          number(OrderStatistics.quantile(sorted: sorted, 0.05)), number(OrderStatistics.quantile(sorted: sorted, 0.5)),
          number(OrderStatistics.quantile(sorted: sorted, 0.95)), number(Convergence.mcseMean(chains)),
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
    let names = ElementNames(fit)
    var rows: [[TextTable.Cell]] = []
    var total = 0
    for (slot, site) in fit.sites.enumerated() {
      for element in 0..<site.size {
        total += 1
        if rows.count < rowLimit {
          rows.append([.text(names.name(site, element)), .number(fit.values[slot][element], significantDigits: 6)])
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
      [TextTable.Column(name: "site", alignment: .leading), TextTable.Column(name: "draws", alignment: .leading)]
      + ["mean", "sd", "q5", "median", "q95"].map(column)
    let names = ElementNames(fit)
    var rows: [[TextTable.Cell]] = []
    var total = 0
    for (slot, site) in fit.sites.enumerated() {
      for element in 0..<site.size {
        total += 1
        guard rows.count < rowLimit else { continue }
        let all = (0..<fit.drawCount).map { fit.values[slot][$0 * site.size + element] }
        let sorted = OrderStatistics.sorted(all)
        let mean = all.reduce(0, +) / Double(max(1, all.count))
        let variance = all.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(max(1, all.count - 1))
        func number(_ x: Double) -> TextTable.Cell { x.isNaN ? .missing : .number(x, significantDigits: 4) }
        rows.append([
          .text(names.name(site, element)), bars(sorted), number(mean), number(variance.squareRoot()),
          number(OrderStatistics.quantile(sorted: sorted, 0.05)), number(OrderStatistics.quantile(sorted: sorted, 0.5)),
          number(OrderStatistics.quantile(sorted: sorted, 0.95)),
        ])
      }
    }
    return TextTable(
      title: "\(fit.model.model.name): \(fit.drawCount) \(fit.kind == .prior ? "prior" : "predictive") draws",
      columns: columns, rows: rows, notes: total > rowLimit ? ["\(total - rowLimit) more scalars are not shown"] : [])
  }

  /// A histogram of the middle 98 percent of some draws, eight bars wide; missing where there is no range.
  static func bars(_ sorted: [Double]) -> TextTable.Cell {
    let count = 8
    let low = OrderStatistics.quantile(sorted: sorted, 0.01)
    let high = OrderStatistics.quantile(sorted: sorted, 0.99)
    guard low.isFinite, high.isFinite, low < high, (high - low).isFinite else { return .missing }
    var heights = Array(repeating: 0, count: count)
    for value in sorted where value >= low && value <= high {
      heights[min(count - 1, Int((value - low) / (high - low) * Double(count)))] += 1
    }
    // Of two draws neither lies in the middle.
    guard let most = heights.max(), most > 0 else { return .missing }
    return .bars(heights.map { max(1, (8 * $0 + most - 1) / most) })
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
}
