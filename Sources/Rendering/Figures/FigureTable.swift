extension Figure {
  /// The numbers behind the figure, for whoever would rather read them.
  ///
  /// - Parameter limit: The most rows; how many are left out is said.
  package func dataTable(limit: Int = 50) -> TextTable {
    switch content {
    case .diagram(let diagram): return Figure.table(diagram, limit: limit)
    case .panels(let panels): return Figure.table(panels, limit: limit)
    }
  }

  private static func table(_ panels: [Panel], limit: Int) -> TextTable {
    let hasTitles = panels.contains { $0.title != nil }
    var rows: [[TextTable.Cell]] = []
    var total = 0
    func number(_ value: Double) -> TextTable.Cell {
      value.isFinite ? .number(value, significantDigits: 5) : .text(Ticks.short(value))
    }
    for panel in panels {
      for mark in panel.marks {
        let (names, arrays, texts) = mark.shape.columns
        let count = arrays.map(\.count).min() ?? 0
        for index in 0..<count {
          total += 1
          guard rows.count < limit else { continue }
          var position = number(arrays[0][index])
          // A row of an axis of names is called by its name.
          if let row = mark.shape.categoryRow(index, panel) { position = .text(row) }
          var row: [TextTable.Cell] = hasTitles ? [.text(panel.title ?? "")] : []
          row.append(.text(mark.name ?? names.mark))
          row.append(position)
          row += arrays.dropFirst().map { number($0[index]) }
          while row.count < (hasTitles ? 5 : 4) { row.append(.missing) }
          if let texts, index < texts.count { row[row.count - 1] = .text(texts[index]) }
          rows.append(row)
        }
      }
    }
    var columns: [TextTable.Column] = hasTitles ? [.init(name: "panel", alignment: .leading)] : []
    columns.append(.init(name: "mark", alignment: .leading))
    let x = panels.first?.x.label ?? "position"
    columns += [x, "value or low", "high"].map { .init(name: $0, alignment: .trailing) }
    var table = TextTable(columns: columns, rows: rows.map { Array($0.prefix(columns.count)) })
    table.omittedRows = total - rows.count
    return table
  }

  private static func table(_ diagram: Diagram, limit: Int) -> TextTable {
    let rows = diagram.nodes.prefix(limit).enumerated().map { index, node -> [TextTable.Cell] in
      let causes = diagram.edges.filter { $0.to == index && diagram.nodes.indices.contains($0.from) }
      return [
        .text(node.name), .text(node.kind.rawValue), .text(node.detail ?? ""),
        .text(causes.map { diagram.nodes[$0.from].name }.joined(separator: ", ")),
        .text(
          node.plates.compactMap { diagram.plates.indices.contains($0) ? diagram.plates[$0] : nil }.joined(
            separator: "; ")),
      ]
    }
    var table = TextTable(
      columns: ["node", "kind", "distribution", "depends on", "plates"].map { .init(name: $0, alignment: .leading) },
      rows: Array(rows))
    table.omittedRows = diagram.nodes.count - rows.count
    return table
  }
}

extension Mark.Shape {
  /// The arrays that a table shows, the position first, and what the mark is called without a name.
  fileprivate var columns: (names: (mark: String, second: String), arrays: [[Double]], texts: [String]?) {
    switch self {
    case .line(let x, let y): (("line", "y"), [x, y], nil)
    case .steps(let x, let y): (("steps", "y"), [x, y], nil)
    case .points(let x, let y): (("point", "y"), [x, y], nil)
    case .band(let x, let low, let high): (("band", "low"), [x, low, high], nil)
    case .bars(let left, let right, let low, let high):
      (("bar", "height"), [zip(left, right).map { $0 / 2 + $1 / 2 }, low, high], nil)
    case .intervals(let positions, let low, let high, _): (("interval", "low"), [positions, low, high], nil)
    case .field(let xEdges, let yEdges, let values): Mark.Shape.cells(xEdges, yEdges, values)
    case .rule(let position, _): (("line", ""), [[position]], nil)
    case .slope(let intercept, let slope): (("line", ""), [[intercept], [slope]], nil)
    case .labels(let x, let y, let texts): (("label", "y"), [x, y], texts)
    }
  }

  private static func cells(
    _ xEdges: [Double], _ yEdges: [Double], _ values: [Double]
  ) -> (names: (mark: String, second: String), arrays: [[Double]], texts: [String]?) {
    var x: [Double] = []
    var y: [Double] = []
    var counts: [Double] = []
    let columns = max(0, xEdges.count - 1)
    for row in 0..<max(0, yEdges.count - 1) {
      for column in 0..<columns where row * columns + column < values.count {
        let value = values[row * columns + column]
        guard value != 0 else { continue }
        x.append((xEdges[column] + xEdges[column + 1]) / 2)
        y.append((yEdges[row] + yEdges[row + 1]) / 2)
        counts.append(value)
      }
    }
    return (("cell", "count"), [x, y, counts], nil)
  }

  /// The name of the row or column that an entry stands at.
  fileprivate func categoryRow(_ index: Int, _ panel: Panel) -> String? {
    func name(_ axis: Axis, _ position: Double) -> String? {
      guard case .categories(let names) = axis.scale, let row = Int(exactly: position.rounded()),
        names.indices.contains(row)
      else { return nil }
      return names[row]
    }
    switch self {
    case .intervals(let positions, _, _, let isVertical): return name(isVertical ? panel.x : panel.y, positions[index])
    case .points(let x, let y):
      return name(panel.x, x[index]) ?? name(panel.y, y[index]).map { "\($0): \(Ticks.short(x[index], digits: 5))" }
    case .bars(let left, let right, _, _): return name(panel.x, left[index] / 2 + right[index] / 2)
    default: return nil
    }
  }
}
