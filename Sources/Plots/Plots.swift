import Foundation
package import Rendering

/// Named plots: from numbers to figures. Each of them takes whatever it is given, empty or not finite, and says in a
/// note what it left out.
package enum Plots {
  /// Panels of one figure by default: what a screen holds.
  static let panelLimit = 12

  /// A note about numbers that are not finite; empty where all are.
  static func oddNote(_ arrays: [Double]...) -> [String] {
    let odd = arrays.reduce(0) { $0 + $1.reduce(0) { $0 + ($1.isFinite ? 0 : 1) } }
    return odd == 0
      ? [] : ["\(count(odd, "value")) that \(odd == 1 ? "is" : "are") not finite \(odd == 1 ? "is" : "are") not drawn"]
  }

  static func count(_ number: Int, _ one: String) -> String {
    "\(Thinning.grouped(number)) \(one)\(number == 1 ? "" : "s")"
  }

  static func bars(_ bins: Samples.Bins, scale: Double = 1) -> Mark.Shape {
    .bars(
      left: Array(bins.edges.dropLast()), right: Array(bins.edges.dropFirst()),
      low: Array(repeating: 0, count: bins.counts.count), high: bins.counts.map { $0 * scale })
  }
}

// MARK: - Data

extension Plots {
  /// Groups of data: which group each entry belongs to, and the groups' names.
  package struct Groups: Sendable {
    package var index: [Int]
    package var names: [String]
    package init(index: [Int], names: [String]) {
      self.index = index
      self.names = names
    }
    func select(_ x: [Double], _ group: Int) -> [Double] { zip(x, index).filter { $0.1 == group }.map(\.0) }
  }

  /// Points, colored by group.
  package static func scatter(x: [Double], y: [Double], groups: Groups? = nil) -> Figure {
    var marks: [Mark] = []
    var notes = oddNote(x, y)
    if let groups {
      for (number, name) in groups.names.enumerated().prefix(20) {
        let made = Thinning.points(
          x: groups.select(x, number), y: groups.select(y, number), role: .series(number), name: name)
        marks += made.marks
        notes += [made.note].compactMap { $0 }
      }
    } else {
      let made = Thinning.points(x: x, y: y)
      marks = made.marks
      notes += [made.note].compactMap { $0 }
    }
    var facts: [String] = []
    let pairs = zip(x, y).filter { $0.isFinite && $1.isFinite }
    if pairs.count > 2 {
      let r = correlation(pairs.map(\.0), pairs.map(\.1))
      if r.isFinite { facts.append("The correlation of the \(count(pairs.count, "point")) is \(NumberText.short(r)).") }
    }
    return Figure(
      kind: "scatter plot", panels: [Panel(x: Axis("x"), y: Axis("y"), marks: marks)], facts: facts, notes: notes)
  }

  static func correlation(_ x: [Double], _ y: [Double]) -> Double {
    let a = Samples.mean(x)
    let b = Samples.mean(y)
    var (sxy, sxx, syy) = (0.0, 0.0, 0.0)
    for (x, y) in zip(x, y) {
      sxy += (x - a) * (y - b)
      sxx += (x - a) * (x - a)
      syy += (y - b) * (y - b)
    }
    return sxy / (sxx * syy).squareRoot()
  }

  /// A line through points in the given order.
  package static func line(x: [Double], y: [Double], groups: Groups? = nil) -> Figure {
    var marks: [Mark] = []
    if let groups {
      for (number, name) in groups.names.enumerated().prefix(20) {
        let thin = Thinning.line(x: groups.select(x, number), y: groups.select(y, number))
        marks.append(Mark(.line(x: thin.x, y: thin.y), .series(number), name: name))
      }
    } else {
      let thin = Thinning.line(x: x, y: y)
      marks = [Mark(.line(x: thin.x, y: thin.y), .model)]
    }
    let total = min(x.count, y.count)
    let notes = total > Thinning.lineLimit ? ["thinned from \(count(total, "point")); extremes are kept"] : []
    return Figure(kind: "line plot", panels: [Panel(x: Axis("x"), y: Axis("y"), marks: marks)], notes: notes)
  }

  package static func histogram(_ x: [Double], bins: Int? = nil, groups: Groups? = nil) -> Figure {
    let all = Samples.bins(x, count: bins)
    var marks: [Mark] = []
    if let groups {
      for (number, name) in groups.names.enumerated().prefix(8) {
        let counts = Samples.counts(groups.select(x, number), all.edges)
        marks.append(
          Mark(bars(.init(edges: all.edges, counts: counts)), .series(number), weight: .heavy, name: name))
      }
    } else {
      marks = [Mark(bars(all), .model)]
    }
    return Figure(
      kind: "histogram", panels: [Panel(x: Axis("value"), y: Axis("count", includesZero: true), marks: marks)],
      facts: facts(of: x), notes: oddNote(x))
  }

  static func facts(of x: [Double]) -> [String] {
    let sorted = Samples.finite(x).sorted()
    guard !sorted.isEmpty else { return [] }
    if sorted.first == sorted.last {
      return ["All \(count(sorted.count, "value")) are \(NumberText.short(sorted[0]))."]
    }
    let middle = Samples.interval(sorted, mass: 0.9)
    return [
      "The median of \(count(sorted.count, "value")) is \(NumberText.short(Samples.quantile(sorted, 0.5))); 90 percent lie between \(NumberText.short(middle.low)) and \(NumberText.short(middle.high))."
    ]
  }

  /// A kernel density estimate with median and central intervals.
  package static func density(_ x: [Double], groups: Groups? = nil) -> Figure {
    var marks: [Mark] = []
    if let groups {
      for (number, name) in groups.names.enumerated().prefix(8) {
        let curve = Samples.density(groups.select(x, number))
        marks.append(Mark(.line(x: curve.x, y: curve.y), .series(number), name: name))
      }
    } else {
      marks = densityMarks(x, .model)
    }
    return Figure(
      kind: "density plot",
      panels: [Panel(x: Axis("value"), y: Axis("density", ticks: .none, includesZero: true), marks: marks)],
      facts: facts(of: x), notes: oddNote(x) + pointMassNote(x))
  }

  static func pointMassNote(_ x: [Double]) -> [String] {
    let finite = Samples.finite(x)
    guard let first = finite.first, finite.count > 1, finite.allSatisfy({ $0 == first }) else { return [] }
    return ["all values are equal: there is no density to draw"]
  }

  /// A density curve over its central half and nine tenths, with the median.
  static func densityMarks(_ x: [Double], _ role: Mark.Role) -> [Mark] {
    let curve = Samples.density(x)
    let sorted = Samples.finite(x).sorted()
    guard !sorted.isEmpty else { return [] }
    guard !curve.x.isEmpty else { return [Mark(.rule(at: sorted[0], isVertical: true), role, name: "all values")] }
    var marks: [Mark] = []
    for mass in [0.9, 0.5] {
      let interval = Samples.interval(sorted, mass: mass)
      let inside = curve.x.indices.filter { curve.x[$0] >= interval.low && curve.x[$0] <= interval.high }
      marks.append(
        Mark(
          .band(x: inside.map { curve.x[$0] }, low: inside.map { _ in 0 }, high: inside.map { curve.y[$0] }), role,
          weight: .thin))
    }
    marks.append(Mark(.line(x: curve.x, y: curve.y), role))
    marks.append(Mark(.rule(at: Samples.quantile(sorted, 0.5), isVertical: true), role, weight: .thin, dash: .dashed))
    return marks
  }

  package static func ecdf(_ x: [Double], groups: Groups? = nil) -> Figure {
    var marks: [Mark] = []
    if let groups {
      for (number, name) in groups.names.enumerated().prefix(8) {
        let steps = Samples.ecdf(groups.select(x, number))
        marks.append(Mark(.steps(x: steps.x, y: steps.y), .series(number), name: name))
      }
    } else {
      let steps = Samples.ecdf(x)
      marks = [Mark(.steps(x: steps.x, y: steps.y), .model)]
    }
    return Figure(
      kind: "ECDF plot",
      panels: [Panel(x: Axis("value"), y: Axis("share at or below", limits: 0...1), marks: marks)], facts: facts(of: x),
      notes: oddNote(x))
  }

  /// Quantile dots: a distribution as a few countable dots, each an equal share of it.
  ///
  /// Source: Kay, Kola, Hullman & Munson (2016), "When (ish) is my bus?", CHI.
  package static func quantileDots(_ x: [Double], dots: Int = 50) -> Figure {
    let sorted = Samples.finite(x).sorted()
    let number = max(1, min(200, dots))
    var marks: [Mark] = []
    if let low = sorted.first, let high = sorted.last {
      let quantiles = (0..<number).map { Samples.quantile(sorted, (Double($0) + 0.5) / Double(number)) }
      // As many columns as make the dots of a usual shape stack about evenly.
      let columns = max(4, Int((Double(number).squareRoot() * 2.2).rounded()))
      // Halves, so that the widest of ranges does not overflow.
      let range = high / 2 - low / 2
      var heights: [Int: Double] = [:]
      var xs: [Double] = []
      var ys: [Double] = []
      for value in quantiles {
        let share = range > 0 ? (value / 2 - low / 2) / range : 0
        let column = share.isFinite ? max(0, min(columns - 1, Int(share * Double(columns)))) : 0
        heights[column, default: 0] += 1
        let middle = (Double(column) + 0.5) / Double(columns)
        xs.append(range > 0 ? low * (1 - middle) + high * middle : low)
        ys.append((heights[column] ?? 1) - 0.5)
      }
      marks = [Mark(.points(x: xs, y: ys), .model, weight: .heavy)]
    }
    return Figure(
      kind: "quantile dot plot",
      panels: [Panel(x: Axis("value"), y: Axis(ticks: .none, includesZero: true), marks: marks)],
      facts: facts(of: x)
        + (marks.isEmpty
          ? [] : ["Each of the \(number) dots stands for \(NumberText.short(100 / Double(number))) percent."]),
      notes: oddNote(x))
  }

  /// Bars with names.
  package static func bars(names: [String], heights: [Double]) -> Figure {
    let count = min(names.count, heights.count)
    let shown = min(count, 200)
    let marks = [
      Mark(
        .bars(
          left: (0..<shown).map { Double($0) - 0.38 }, right: (0..<shown).map { Double($0) + 0.38 },
          low: Array(repeating: 0, count: shown), high: Array(heights.prefix(shown))))
    ]
    return Figure(
      kind: "bar chart",
      panels: [
        Panel(
          x: Axis(scale: .categories(Array(names.prefix(shown)))), y: Axis("value", includesZero: true), marks: marks)
      ], notes: (count > shown ? ["\(count - shown) further bars are not shown"] : []) + oddNote(heights))
  }
}
