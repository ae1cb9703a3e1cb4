// Figures in words, for whoever does not see them.
extension Figure {
  /// What the figure shows, in a few sentences; the author's own words where there are some.
  package var alternativeText: String {
    if let alternative, !alternative.isEmpty { return alternative }
    var sentences: [String] = []
    let opening = kind.prefix(1).uppercased() + kind.dropFirst()
    sentences.append(title.map { "\(opening): \($0)" } ?? opening)
    switch content {
    case .panels(let panels): sentences += words(panels)
    case .diagram(let diagram): sentences += Figure.words(diagram)
    }
    return (sentences.map(Figure.sentence) + facts.map(Figure.sentence)).joined(separator: " ")
  }

  private static func sentence(_ text: String) -> String {
    guard let last = text.last else { return "" }
    return ".!?…".contains(last) ? text : text + "."
  }

  static func count(_ number: Int, _ one: String, _ many: String? = nil) -> String {
    "\(Thinning.grouped(number)) \(number == 1 ? one : many ?? one + "s")"
  }

  private static func list(_ items: [String], limit: Int = 6) -> String {
    var shown = Array(items.prefix(limit)).map { $0.count > 60 ? String($0.prefix(60)) + "…" : $0 }
    if items.count > limit { shown.append("\(items.count - limit) more") }
    if shown.count < 2 { return shown.first ?? "" }
    return shown.dropLast().joined(separator: ", ") + " and " + (shown.last ?? "")
  }

  // MARK: - Panels

  private func words(_ panels: [Panel]) -> [String] {
    guard let first = panels.first else { return ["There is nothing in it"] }
    var result: [String] = []
    if panels.count > 1 {
      let titles = panels.compactMap(\.title)
      result.append(
        "\(Figure.count(panels.count, "panel"))" + (titles.isEmpty ? "" : ": \(Figure.list(titles))"))
    }
    // Panels of one kind are described by the first and the ranges of all.
    let extents = panels.map(\.extents)
    let x = Figure.words(first.x, extents.flatMap(\.x), fallback: "x")
    let y = Figure.words(first.y, extents.flatMap(\.y), fallback: "y")
    let isAlike = panels.allSatisfy { $0.x.label == first.x.label && $0.y.label == first.y.label }
    if isAlike { result.append(contentsOf: [x, y].compactMap { $0 }) }
    if panels.allSatisfy({ $0.marks.allSatisfy { $0.shape.isEmpty } }) {
      result.append("It holds no data")
    } else {
      let names = legend.compactMap(\.name)
      if !names.isEmpty { result.append("It shows \(Figure.list(names))") }
    }
    let odd = panels.flatMap(\.marks).reduce(0) { $0 + $1.shape.unusable }
    if odd > 0 {
      result.append(
        "\(Figure.count(odd, "number")) that \(odd == 1 ? "is" : "are") not finite \(odd == 1 ? "is" : "are") left out")
    }
    return result
  }

  private static func words(_ axis: Axis, _ extents: [(low: Double, high: Double)], fallback: String) -> String? {
    if case .categories(let names) = axis.scale {
      if names.isEmpty { return nil }
      return "\(axis.label ?? "Rows"): \(list(names))"
    }
    guard axis.ticks != .none || axis.label != nil else { return nil }
    guard let low = extents.map(\.low).min(), let high = extents.map(\.high).max() else { return nil }
    let name = axis.label ?? fallback
    if low == high { return "\(name) is \(Ticks.short(low)) throughout" }
    let scale = axis.scale == .logarithmic ? " on a logarithmic scale" : ""
    return "\(name) runs from \(Ticks.short(low)) to \(Ticks.short(high))\(scale)"
  }

  // MARK: - Diagrams

  private static func words(_ diagram: Diagram) -> [String] {
    var result: [String] = []
    func names(_ kind: Diagram.Node.Kind) -> [String] { diagram.nodes.filter { $0.kind == kind }.map(\.name) }
    let kinds: [(Diagram.Node.Kind, String)] = [
      (.latent, "Latent"), (.observed, "Observed"), (.fixed, "Fixed"), (.derived, "Derived"), (.input, "Given as data"),
    ]
    for (kind, word) in kinds where !names(kind).isEmpty { result.append("\(word): \(list(names(kind), limit: 12))") }
    for (index, node) in diagram.nodes.enumerated().prefix(24) {
      let causes = diagram.edges.filter { $0.to == index && diagram.nodes.indices.contains($0.from) }
        .map { diagram.nodes[$0.from].name }
      if !causes.isEmpty { result.append("\(node.name) depends on \(list(causes))") }
    }
    if !diagram.plates.isEmpty { result.append("Plates: \(list(diagram.plates))") }
    return result.isEmpty ? ["There is nothing in it"] : result
  }
}

extension Mark.Shape {
  var isEmpty: Bool {
    switch self {
    case .rule, .slope: true
    default: numbers.first?.isEmpty ?? true
    }
  }

  /// Numbers that are not finite; gaps that lines have on purpose are none.
  var unusable: Int {
    switch self {
    case .line, .steps, .rule, .slope: numbers.reduce(0) { $0 + $1.filter(\.isInfinite).count }
    default: numbers.reduce(0) { $0 + $1.filter { !$0.isFinite }.count }
    }
  }
}
