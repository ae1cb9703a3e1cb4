extension Figure {
  /// What a reader who does not see the figure is told: the author's own words, or some sentences made from the data.
  package var alternativeText: String {
    if let alternative, alternative.contains(where: { !$0.isWhitespace }) { return alternative }
    switch content {
    case .panels(let panels): return AlternativeText(self, panels).text
    case .diagram(let diagram): return AlternativeText.text(self, diagram)
    }
  }
}

/// Makes sentences from the data of a figure.
private struct AlternativeText {
  private let figure: Figure
  private let panels: [Panel]
  private var missing = 0
  private var total = 0

  init(_ figure: Figure, _ panels: [Panel]) {
    self.figure = figure
    self.panels = panels
  }

  var text: String {
    var copy = self
    return copy.sentences().joined(separator: " ")
  }

  private mutating func sentences() -> [String] {
    count()
    var result: [String] = []
    let kind = AlternativeText.capitalized(AlternativeText.clean(figure.kind, 80))
    let title = figure.title.map { " “\(AlternativeText.clean($0, 120))”" } ?? ""
    guard let first = panels.first, total > missing else {
      // Lines alone are something to see: all values in one place, a threshold.
      let lines = missing == 0 ? thresholds() : []
      if !lines.isEmpty { return ["\(kind)\(title)."] + lines + facts }
      let reason = missing > 0 ? "none of the \(Thinning.grouped(missing)) numbers is finite" : "there are no data"
      return ["\(kind)\(title): nothing to show, \(reason)."] + facts
    }
    let scales = PanelRange.scales(Array(panels.prefix(400)), sharesX: figure.sharesX, sharesY: figure.sharesY)
    if panels.count == 1 {
      let axes = [
        axis(first.x, [scales[0].x], [first.dataExtents.x], "x"),
        axis(first.y, [scales[0].y], [first.dataExtents.y], "y"),
      ]
      result.append("\(kind)\(title): \(axes[1]) against \(axes[0]).")
      if let series = series(first.marks) { result.append(series) }
    } else {
      let filled = zip(panels, scales).filter { $0.0.marks.contains { $0.shape.hasFinite } }.map(\.1)
      let extents = panels.map(\.dataExtents)
      let isSameX = panels.allSatisfy { $0.x.label == first.x.label && $0.x.scale == first.x.scale }
      let isSameY = panels.allSatisfy { $0.y.label == first.y.label && $0.y.scale == first.y.scale }
      var opening = "\(kind)\(title) in \(Thinning.grouped(panels.count)) panels"
      let names = panels.compactMap(\.title)
      if names.count == panels.count { opening += " (\(AlternativeText.list(names, most: 8)))" }
      var parts: [String] = []
      if isSameY { parts.append(axis(first.y, filled.map(\.y), extents.map(\.y), "y")) }
      if isSameX { parts.append(axis(first.x, filled.map(\.x), extents.map(\.x), "x")) }
      result.append(opening + (parts.isEmpty ? "." : ": " + parts.joined(separator: " against ") + "."))
      if let series = series(first.marks) {
        let isAlike = panels.allSatisfy { $0.marks.map(\.name) == first.marks.map(\.name) }
        result.append(
          isAlike
            ? "In each panel " + AlternativeText.lowered(series)
            : "In the first panel " + AlternativeText.lowered(series))
      }
    }
    if let constant = constants() { result.append(constant) }
    result += thresholds()
    if missing > 0 {
      result.append(
        missing == 1
          ? "One number is not finite and is not drawn."
          : "\(Thinning.grouped(missing)) numbers are not finite and are not drawn.")
    }
    return result + facts
  }

  private var facts: [String] { figure.facts.map { AlternativeText.clean($0, 400) } }

  // MARK: - Parts

  private mutating func count() {
    for panel in panels {
      for mark in panel.marks {
        for numbers in mark.shape.coordinates {
          total += numbers.count
          for number in numbers where !number.isFinite { missing += 1 }
        }
      }
    }
  }

  /// - Parameters:
  ///   - maps: The shown ranges, which stand for data that has none.
  ///   - extents: Of the data itself, by panel.
  private func axis(_ axis: Axis, _ maps: [FigureScale], _ extents: [Extent], _ name: String) -> String {
    let label = axis.label.map { AlternativeText.clean($0, 60) } ?? name
    switch axis.scale {
    case .categories(let names):
      let listed = AlternativeText.list(names, most: 6)
      if names.isEmpty { return "\(label), without categories" }
      return axis.label == nil && names.count <= 6
        ? listed
        : "\(names.count == 1 ? "one category" : "\(Thinning.grouped(names.count)) categories") of \(label) (\(listed))"
    case .linear, .logarithmic:
      let data = extents.reduce(into: Extent()) { $0.include($1) }
      guard let low = data.isEmpty ? maps.map(\.low).min() : data.low,
        let high = data.isEmpty ? maps.map(\.high).max() : data.high
      else { return label }
      if low == high { return "\(label) at \(NumberText.short(low))" }
      let kind = axis.scale == .logarithmic ? " on a logarithmic scale" : ""
      return "\(label)\(kind) from \(NumberText.short(low)) to \(NumberText.short(high))"
    }
  }

  /// `Four lines (chain 1, …) of 1000 points each and 12 points (divergent).`
  private func series(_ marks: [Mark]) -> String? {
    struct Group {
      var noun: (one: String, many: String)
      var names: [String] = []
      var sizes: [Int] = []
    }
    var groups: [Group] = []
    for mark in marks {
      guard let noun = mark.shape.noun else { continue }
      if mark.shape.size == 0 { continue }
      let name = mark.name.map { AlternativeText.clean($0, 40) }
      if let index = groups.firstIndex(where: { $0.noun == noun }) {
        if let name, !groups[index].names.contains(name) { groups[index].names.append(name) }
        groups[index].sizes.append(mark.shape.size)
      } else {
        groups.append(Group(noun: noun, names: name.map { [$0] } ?? [], sizes: [mark.shape.size]))
      }
    }
    let parts = groups.map { group in
      let names = group.names.isEmpty ? "" : " (\(AlternativeText.list(group.names, most: 6)))"
      let isJoined = ["line", "band", "stepped line"].contains(group.noun.one)
      if isJoined {
        let count = group.sizes.count
        let low = group.sizes.min() ?? 0
        let high = group.sizes.max() ?? 0
        let sizes = low == high ? Thinning.grouped(low) : "\(Thinning.grouped(low)) to \(Thinning.grouped(high))"
        let each = "of \(sizes) \(high == 1 ? "point" : "points")\(count > 1 ? " each" : "")"
        return "\(AlternativeText.number(count)) \(count == 1 ? group.noun.one : group.noun.many)\(names) \(each)"
      }
      let count = group.sizes.reduce(0, +)
      return "\(AlternativeText.number(count)) \(count == 1 ? group.noun.one : group.noun.many)\(names)"
    }
    guard !parts.isEmpty else { return nil }
    return AlternativeText.capitalized(AlternativeText.joined(parts)) + "."
  }

  /// Says where all of the data is one number, which a picture shows as a flat line.
  private func constants() -> String? {
    var names: [String] = []
    for (index, panel) in panels.enumerated() {
      var extent = Extent()
      for mark in panel.marks {
        guard mark.role != .reference, let values = mark.shape.values else { continue }
        for value in values where value.isFinite { extent.include(value) }
      }
      guard !extent.isEmpty, extent.low == extent.high else { continue }
      let name = panel.title ?? (panels.count == 1 ? panel.y.label ?? "y" : "panel \(index + 1)")
      names.append("\(AlternativeText.clean(name, 40)) is \(NumberText.short(extent.low)) throughout")
    }
    guard !names.isEmpty else { return nil }
    return AlternativeText.capitalized(AlternativeText.list(names, most: 3)) + "."
  }

  /// `3 of 20 points lie above 1.01 (threshold).`
  private func thresholds() -> [String] {
    var result: [String] = []
    for panel in panels.prefix(4) {
      for rule in panel.marks {
        guard case .rule(let at, let isVertical) = rule.shape, at.isFinite, rule.role == .trouble || rule.name != nil
        else { continue }
        var above = 0
        var below = 0
        for mark in panel.marks {
          let values: [Double]
          switch mark.shape {
          case .points(let x, let y): values = isVertical ? x : y
          case .bars(_, _, _, let high): values = isVertical ? [] : high
          case .line, .steps, .band, .intervals, .field, .rule, .slope, .labels: continue
          }
          for value in values where value.isFinite {
            if value > at { above += 1 } else if value < at { below += 1 }
          }
        }
        let name = rule.name.map { " (\(AlternativeText.clean($0, 40)))" } ?? ""
        let place = panels.count > 1 ? panel.title.map { ", \(AlternativeText.clean($0, 40))" } ?? "" : ""
        let side = isVertical ? "right of" : "above"
        if above + below == 0 {
          if rule.name != nil { result.append("A line marks \(NumberText.short(at))\(name)\(place).") }
        } else {
          result.append(
            "\(Thinning.grouped(above)) of \(Thinning.grouped(above + below)) lie \(side) \(NumberText.short(at))\(name)\(place)."
          )
        }
        if result.count == 3 { return result }
      }
    }
    return result
  }

  // MARK: - Diagrams

  static func text(_ figure: Figure, _ diagram: Diagram) -> String {
    let kind = capitalized(clean(figure.kind, 80))
    let title = figure.title.map { " “\(clean($0, 120))”" } ?? ""
    let facts = figure.facts.map { clean($0, 400) }
    if diagram.nodes.isEmpty {
      return (["\(kind)\(title): nothing to show, there are no nodes."] + facts).joined(separator: " ")
    }
    let kinds: [(Diagram.Node.Kind, String)] = [
      (.input, "input"), (.fixed, "fixed"), (.latent, "latent"), (.derived, "derived"), (.observed, "observed"),
    ]
    var parts: [String] = []
    for (kind, word) in kinds {
      let names = diagram.nodes.filter { $0.kind == kind }.map { clean($0.name, 40) }
      if !names.isEmpty { parts.append("\(number(names.count)) \(word) (\(list(names, most: 8)))") }
    }
    let edges = diagram.validEdges.count
    var sentences = [
      "\(kind)\(title): \(joined(parts)), joined by \(number(edges)) \(edges == 1 ? "arrow" : "arrows")."
    ]
    let plates = diagram.plates.enumerated().compactMap { index, name -> String? in
      let members = diagram.nodes.filter { $0.plates.contains(index) }.map { clean($0.name, 40) }
      return members.isEmpty ? nil : "\(clean(name, 40)) around \(list(members, most: 5))"
    }
    if !plates.isEmpty {
      sentences.append("\(plates.count == 1 ? "Plate" : "Plates"): \(plates.prefix(6).joined(separator: "; ")).")
    }
    if let edge = diagram.observedDependencies { sentences.append(edge) }
    return (sentences + facts).joined(separator: " ")
  }

  // MARK: - Words

  /// Text of others inside of a sentence: on one line, of bounded length.
  static func clean(_ text: String, _ most: Int) -> String {
    let head = String(text.unicodeScalars.prefix(most * 4))
    return DisplayText.truncated(DisplayText.printable(head, keepsLines: false), to: most, mark: "…")
  }

  static func number(_ count: Int) -> String {
    let words = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
    return words.indices.contains(count) ? words[count] : Thinning.grouped(count)
  }

  static func joined(_ parts: [String]) -> String {
    guard parts.count > 1, let last = parts.last else { return parts.first ?? "" }
    return parts.dropLast().joined(separator: ", ") + " and " + last
  }

  static func list(_ names: [String], most: Int) -> String {
    let shown = names.prefix(most).map { clean($0, 40) }
    if names.count <= most { return joined(shown) }
    return shown.dropLast().joined(separator: ", ") + " and \(Thinning.grouped(names.count - most + 1)) more"
  }

  static func capitalized(_ text: String) -> String { text.prefix(1).uppercased() + text.dropFirst() }
  static func lowered(_ text: String) -> String { text.prefix(1).lowercased() + text.dropFirst() }
}

extension Mark.Shape {
  /// All numbers that place a shape.
  var coordinates: [[Double]] {
    switch self {
    case .line(let x, let y), .steps(let x, let y), .points(let x, let y), .labels(let x, let y, _): [x, y]
    case .band(let x, let low, let high): [x, low, high]
    case .bars(let left, let right, let low, let high): [left, right, low, high]
    case .intervals(let at, let low, let high, _): [at, low, high]
    case .field(let xEdges, let yEdges, let values): [xEdges, yEdges, values]
    case .rule, .slope: []
    }
  }

  /// The numbers along y of shapes that show values.
  var values: [Double]? {
    switch self {
    case .line(_, let y), .steps(_, let y): y
    case .points, .band, .bars, .intervals, .field, .rule, .slope, .labels: nil
    }
  }

  /// How many items there are: points, bars, cells.
  var size: Int {
    switch self {
    case .line(let x, let y), .steps(let x, let y), .points(let x, let y): min(x.count, y.count)
    case .labels(let x, let y, let texts): min(x.count, y.count, texts.count)
    case .band(let x, let low, let high): min(x.count, low.count, high.count)
    case .bars(let left, let right, let low, let high): min(left.count, right.count, low.count, high.count)
    case .intervals(let at, let low, let high, _): min(at.count, low.count, high.count)
    case .field(let xEdges, let yEdges, let values):
      min(values.count, max(0, xEdges.count - 1) * max(0, yEdges.count - 1))
    case .rule, .slope: 1
    }
  }

  /// What the items are called; nil for help lines.
  var noun: (one: String, many: String)? {
    switch self {
    case .line: ("line", "lines")
    case .steps: ("stepped line", "stepped lines")
    case .points: ("point", "points")
    case .band: ("band", "bands")
    case .bars: ("bar", "bars")
    case .intervals: ("interval", "intervals")
    case .field: ("cell of a field of counts", "cells of a field of counts")
    case .labels: ("label", "labels")
    case .rule, .slope: nil
    }
  }
}
