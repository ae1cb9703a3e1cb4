extension Figure {
  /// The numbers behind the figure: the first rows of every mark, and how many more there are.
  package func dataTable(limit: Int = 50) -> TextTable {
    switch content {
    case .panels(let panels): FigureTable.table(panels, title: title ?? kind, limit: max(0, limit))
    case .diagram(let diagram): FigureTable.table(diagram, title: title ?? kind, limit: max(0, limit))
    }
  }
}

private enum FigureTable {
  /// What a row can hold, in the order of the columns.
  private enum Field: Int, CaseIterable {
    case x, y, left, right, low, high, value, text

    var name: String {
      switch self {
      case .x: "x"
      case .y: "y"
      case .left: "from"
      case .right: "to"
      case .low: "low"
      case .high: "high"
      case .value: "value"
      case .text: "text"
      }
    }
  }

  private struct Item {
    var panel: Int
    var mark: Mark
    var size: Int
  }

  static func table(_ panels: [Panel], title: String, limit: Int) -> TextTable {
    var items: [Item] = []
    for (index, panel) in panels.enumerated() {
      for mark in panel.marks where mark.shape.size > 0 {
        items.append(Item(panel: index, mark: mark, size: mark.shape.size))
      }
    }
    let total = items.reduce(0) { $0 + $1.size }
    let parts = shares(items.map(\.size), limit: limit)
    let used = Set(zip(items, parts).filter { $0.1 > 0 }.flatMap { fields($0.0.mark.shape) })
    let columnFields = Field.allCases.filter(used.contains)
    let hasPanels = panels.count > 1
    let hasNames = items.count > 1 || items.contains { $0.mark.name != nil }
    var columns: [TextTable.Column] = []
    if hasPanels { columns.append(.init(name: "panel", alignment: .leading)) }
    if hasNames { columns.append(.init(name: "mark", alignment: .leading)) }
    for field in columnFields { columns.append(column(field, panels)) }
    var rows: [[TextTable.Cell]] = []
    for (item, share) in zip(items, parts) {
      let panel = panels[item.panel]
      for index in 0..<share {
        var row: [TextTable.Cell] = []
        if hasPanels { row.append(.text(short(panel.title ?? "\(item.panel + 1)"))) }
        if hasNames { row.append(.text(short(item.mark.name ?? item.mark.shape.noun?.one ?? "line"))) }
        row += columnFields.map { cell($0, item.mark.shape, index, panel) }
        rows.append(row)
      }
    }
    if columns.isEmpty { columns = [.init(name: "x", alignment: .trailing), .init(name: "y", alignment: .trailing)] }
    var notes: [String] = []
    if total > rows.count {
      let more = total - rows.count
      notes.append("\(Thinning.grouped(more)) more \(more == 1 ? "row is" : "rows are") left out.")
    }
    return TextTable(title: short(title), columns: columns, rows: rows, notes: notes)
  }

  /// Rows of each mark: equal shares, and what small marks leave goes to the others.
  private static func shares(_ sizes: [Int], limit: Int) -> [Int] {
    var shares = Array(repeating: 0, count: sizes.count)
    var left = limit
    while left > 0 {
      let open = sizes.indices.filter { shares[$0] < sizes[$0] }
      guard !open.isEmpty else { break }
      let each = max(1, left / open.count)
      for index in open where left > 0 {
        let more = min(each, sizes[index] - shares[index], left)
        shares[index] += more
        left -= more
      }
    }
    return shares
  }

  private static func short(_ text: String) -> String { SVGText.cut(text, to: 400) }

  private static func column(_ field: Field, _ panels: [Panel]) -> TextTable.Column {
    var name = field.name
    var isText = field == .text
    // The axis names its column where all panels agree.
    if field == .x || field == .y {
      let axes = panels.map { field == .x ? $0.x : $0.y }
      if let label = axes.first?.label, axes.allSatisfy({ $0.label == label }) { name = short(label) }
      isText = axes.contains { SVGGrid.names($0) != nil }
    }
    return .init(name: name, alignment: isText ? .leading : .trailing)
  }

  private static func fields(_ shape: Mark.Shape) -> [Field] {
    switch shape {
    case .line, .steps, .points: [.x, .y]
    case .band: [.x, .low, .high]
    case .bars: [.left, .right, .low, .high]
    case .intervals(_, _, _, let isVertical): [isVertical ? .x : .y, .low, .high]
    case .field: [.x, .y, .value]
    case .rule(_, let isVertical): [isVertical ? .x : .y]
    case .slope: [.text]
    case .labels: [.x, .y, .text]
    }
  }

  private static func cell(_ field: Field, _ shape: Mark.Shape, _ index: Int, _ panel: Panel) -> TextTable.Cell {
    func number(_ value: Double) -> TextTable.Cell {
      let axis = field == .x ? panel.x : panel.y
      if field == .x || field == .y, let names = SVGGrid.names(axis), let place = Int(exactly: value),
        names.indices.contains(place)
      {
        return .text(short(names[place]))
      }
      if let whole = Int(exactly: value), whole.magnitude < 1_000_000_000 { return .integer(whole) }
      return .number(value, significantDigits: 4)
    }
    switch (shape, field) {
    case (.line(let x, _), .x), (.steps(let x, _), .x), (.points(let x, _), .x), (.labels(let x, _, _), .x),
      (.band(let x, _, _), .x):
      return number(x[index])
    case (.line(_, let y), .y), (.steps(_, let y), .y), (.points(_, let y), .y), (.labels(_, let y, _), .y):
      return number(y[index])
    case (.band(_, let low, _), .low), (.bars(_, _, let low, _), .low), (.intervals(_, let low, _, _), .low):
      return number(low[index])
    case (.band(_, _, let high), .high), (.bars(_, _, _, let high), .high), (.intervals(_, _, let high, _), .high):
      return number(high[index])
    case (.bars(let left, _, _, _), .left): return number(left[index])
    case (.bars(_, let right, _, _), .right): return number(right[index])
    case (.intervals(let at, _, _, true), .x), (.intervals(let at, _, _, false), .y): return number(at[index])
    case (.field(let edges, _, _), .x):
      let column = index % max(1, edges.count - 1)
      return number(edges[column] / 2 + edges[column + 1] / 2)
    case (.field(let xEdges, let edges, _), .y):
      let row = index / max(1, xEdges.count - 1)
      return number(edges[row] / 2 + edges[row + 1] / 2)
    case (.field(_, _, let values), .value): return number(values[index])
    case (.rule(let at, true), .x), (.rule(let at, false), .y): return number(at)
    case (.slope(let intercept, let slope), .text):
      return .text("y = \(NumberText.short(intercept)) + \(NumberText.short(slope)) x")
    case (.labels(_, _, let texts), .text): return .text(short(texts[index]))
    default: return .missing
    }
  }

  static func table(_ diagram: Diagram, title: String, limit: Int) -> TextTable {
    let names = ["node", "kind", "what", "plates", "depends on"]
    let edges = diagram.validEdges
    let rows: [[TextTable.Cell]] = diagram.nodes.enumerated().prefix(limit).map { index, node in
      let parents = edges.filter { $0.to == index }.map { diagram.nodes[$0.from].name }
      let plates = node.plates.filter(diagram.plates.indices.contains).map { diagram.plates[$0] }
      return [
        .text(short(node.name)), .text(node.kind.rawValue), .text(short(node.detail ?? "")),
        .text(short(plates.joined(separator: ", "))), .text(short(parents.joined(separator: ", "))),
      ]
    }
    let more = diagram.nodes.count - rows.count
    return TextTable(
      title: short(title), columns: names.map { .init(name: $0, alignment: .leading) }, rows: rows,
      notes: more > 0 ? ["\(Thinning.grouped(more)) more \(more == 1 ? "row is" : "rows are") left out."] : [])
  }
}

extension Diagram {
  /// Edges between nodes that exist, each once, without loops on one node.
  var validEdges: [Edge] {
    var seen: Set<Edge> = []
    return edges.filter { edge in
      nodes.indices.contains(edge.from) && nodes.indices.contains(edge.to) && edge.from != edge.to
        && seen.insert(edge).inserted
    }
  }

  /// `y depends on theta and sigma.`
  var observedDependencies: String? {
    let edges = validEdges
    for (index, node) in nodes.enumerated() where node.kind == .observed {
      let parents = edges.filter { $0.to == index }.map { nodes[$0.from].name }
      guard !parents.isEmpty else { continue }
      let shown = parents.prefix(5).map { SVGText.cut($0, to: 200) }
      let more = parents.count > 5 ? " and \(parents.count - 5) more" : ""
      let text =
        more.isEmpty && shown.count > 1
        ? shown.dropLast().joined(separator: ", ") + " and " + (shown.last ?? "") : shown.joined(separator: ", ") + more
      return "\(SVGText.cut(node.name, to: 200)) depends on \(text)."
    }
    return nil
  }
}
