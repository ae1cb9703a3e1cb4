import Foundation

extension TextRenderer {
  /// A figure in characters: Braille dots, rows of intervals, or the text alternative where the reader asks for words.
  ///
  /// Nothing is wider than ``width``; each line ends in a line feed.
  package func text(_ figure: Figure) -> String {
    if figureStyle == .words { return wrap(figure.alternativeText, indent: 0).map { $0 + "\n" }.joined() }
    var lines: [String] = []
    if let title = figure.title { lines += wrap(title, indent: 0) }
    switch figure.content {
    case .panels:
      if figure.panels.isEmpty {
        lines.append("(\(figure.kind): nothing to draw)")
      } else {
        lines += legendLines(figure)
        lines += panelLines(figure)
      }
    case .diagram(let diagram): lines += diagramLines(diagram)
    }
    for note in figure.shownNotes { lines += wrap(note, indent: 2) }
    return lines.map { line in
      var line = line
      while line.hasSuffix(" ") { line.removeLast() }
      return line + "\n"
    }.joined()
  }

  private var total: Int { width ?? 100 }

  func printable(_ text: String) -> String {
    let shown = DisplayText.printable(text, keepsLines: false)
    return usesUnicode
      ? shown : shown.replacingOccurrences(of: "−", with: "-").replacingOccurrences(of: "∞", with: "inf")
  }

  private func cut(_ text: String, _ columns: Int) -> String {
    DisplayText.truncated(
      text.count > 400 ? String(text.prefix(400)) : text, to: columns, mark: usesUnicode ? "…" : "~")
  }

  private func wrap(_ text: String, indent: Int) -> [String] {
    let space = String(repeating: " ", count: indent)
    var lines: [String] = []
    var line = space
    for word in printable(text).split(separator: " ") {
      let word = cut(String(word), max(1, total - indent))
      if line.count > indent, DisplayText.width(line) + 1 + DisplayText.width(word) > total {
        lines.append(line)
        line = space
      }
      line += (line.count > indent ? " " : "") + word
    }
    lines.append(line)
    return lines
  }

  private func pad(_ text: String, _ columns: Int, isTrailing: Bool = false) -> String {
    let fill = String(repeating: " ", count: max(0, columns - visibleWidth(text)))
    return isTrailing ? fill + text : text + fill
  }

  /// Columns without the commands that color a line.
  private func visibleWidth(_ text: String) -> Int {
    guard usesColor, text.contains("\u{1B}") else { return DisplayText.width(text) }
    var count = 0
    var isCommand = false
    for scalar in text.unicodeScalars {
      if scalar == "\u{1B}" { isCommand = true }
      if !isCommand { count += DisplayText.width(String(scalar)) }
      if isCommand, scalar == "m" { isCommand = false }
    }
    return count
  }

  private func color(_ role: Mark.Role) -> String? {
    guard usesColor else { return nil }
    switch role {
    case .series(let number):
      let codes = [34, 33, 32, 35, 36, 94, 93, 37]
      return "\u{1B}[\(codes[((number % 8) + 8) % 8])m"
    case .observed: return "\u{1B}[1m"
    case .model: return "\u{1B}[34m"
    case .reference: return "\u{1B}[2m"
    case .trouble: return "\u{1B}[31m"
    }
  }

  private func colored(_ text: String, _ role: Mark.Role) -> String {
    color(role).map { $0 + text + "\u{1B}[0m" } ?? text
  }

  private func legendLines(_ figure: Figure) -> [String] {
    let entries = figure.legend.prefix(12)
    if entries.isEmpty { return [] }
    var lines: [String] = []
    var line = ""
    for mark in entries {
      let sign: String
      switch mark.shape {
      case .band, .bars, .field: sign = usesUnicode ? "▒" : "#"
      case .points: sign = usesUnicode ? "•" : "*"
      case .line, .steps, .intervals, .rule, .slope, .labels: sign = usesUnicode ? "─" : "-"
      }
      let entry = colored(sign, mark.role) + " " + cut(printable(mark.name ?? ""), max(1, total - 2))
      if !line.isEmpty, visibleWidth(line) + 3 + visibleWidth(entry) > total {
        lines.append(line)
        line = ""
      }
      line += (line.isEmpty ? "" : "   ") + entry
    }
    return lines + [line]
  }

  // MARK: - Panels

  private func panelLines(_ figure: Figure) -> [String] {
    let panels = figure.shownPanels
    let scales = figure.scales
    let isRows = panels.allSatisfy { if case .categories = $0.y.scale { true } else { false } }
    let wanted = figure.columns ?? (panels.count <= 1 ? 1 : panels.count <= 4 ? 2 : 3)
    // A picture below thirty columns says nothing.
    let columns = isRows ? 1 : max(1, min(wanted, panels.count, total / 32))
    let cell = (total - 2 * (columns - 1)) / columns
    var lines: [String] = []
    var start = 0
    while start < panels.count {
      let range = start..<min(panels.count, start + columns)
      let blocks = range.map { index in
        scales[index].y.names != nil
          ? rowLines(panels[index], scales[index], columns: cell)
          : canvasLines(panels[index], scales[index], columns: cell, isSmall: columns > 1)
      }
      let height = blocks.map(\.count).max() ?? 0
      for line in 0..<height {
        lines.append(
          blocks.enumerated().map { index, block in
            let text = line < block.count ? block[line] : ""
            return index + 1 < blocks.count ? pad(text, cell) : text
          }.joined(separator: "  "))
      }
      start += columns
    }
    return lines
  }

  /// A panel as a canvas with numbers at its edges.
  private func canvasLines(
    _ panel: Panel, _ scales: (x: FigureScale, y: FigureScale), columns: Int, isSmall: Bool
  ) -> [String] {
    let rows = isSmall ? 8 : max(6, min(16, columns / 5))
    var ticks: [(value: Double, text: String)] = []
    if panel.y.ticks != .none || scales.y.names != nil {
      ticks = scales.y.ticks(panel.y, count: max(2, rows / 3)).map { ($0.value, printable($0.text)) }
    }
    let margin = min(columns / 3, ticks.map { DisplayText.width($0.text) }.max() ?? 0)
    let inner = max(4, columns - margin - 2)
    var canvas = BrailleCanvas(columns: inner, rows: rows)
    for mark in panel.marks { draw(mark, on: &canvas, scales) }
    let picture = canvas.lines(usesUnicode: usesUnicode, color: color)
    var labels = Array(repeating: "", count: rows)
    for tick in ticks {
      guard let position = scales.y.position(tick.value), position >= -0.001, position <= 1.001 else { continue }
      let row = max(0, min(rows - 1, Int(((1 - position) * Double(rows)).rounded(.down))))
      if labels[row].isEmpty { labels[row] = cut(tick.text, margin) }
    }
    var lines: [String] = []
    if let title = panel.title { lines.append(pad("", margin + 2) + cut(printable(title), inner)) }
    if let label = panel.y.label { lines.append(cut(printable(label), columns)) }
    let bar = usesUnicode ? "│" : "|"
    for row in 0..<rows {
      lines.append(
        pad(labels[row], margin, isTrailing: true) + (labels[row].isEmpty ? " " + bar : " " + (usesUnicode ? "┤" : "+"))
          + picture[row])
    }
    lines += axisLines(panel.x, scales.x, margin: margin + 1, columns: inner)
    return lines
  }

  /// The rule below a picture, the numbers under it and the axis's name.
  private func axisLines(_ axis: Axis, _ scale: FigureScale, margin: Int, columns: Int) -> [String] {
    var rule = Array(repeating: usesUnicode ? "─" : "-", count: columns)
    var numbers = ""
    if axis.ticks != .none || scale.names != nil {
      for tick in scale.ticks(axis, count: max(2, columns / 12)) {
        guard let position = scale.position(tick.value), position >= -0.001, position <= 1.001 else { continue }
        let column = max(0, min(columns - 1, Int((position * Double(columns)).rounded(.down))))
        let text = cut(printable(tick.text), columns)
        let size = DisplayText.width(text)
        let start = max(0, min(columns - size, column - size / 2))
        let used = DisplayText.width(numbers)
        if used > 0, start < used + 1 { continue }
        numbers += String(repeating: " ", count: max(0, start - used)) + text
        rule[column] = usesUnicode ? "┬" : "+"
      }
    }
    var lines = [String(repeating: " ", count: margin) + (usesUnicode ? "└" : "+") + rule.joined()]
    let space = String(repeating: " ", count: margin + 1)
    if !numbers.isEmpty { lines.append(space + numbers) }
    if let label = axis.label {
      let text = cut(printable(label), columns)
      lines.append(space + String(repeating: " ", count: max(0, (columns - DisplayText.width(text)) / 2)) + text)
    }
    return lines
  }

  private func draw(_ mark: Mark, on canvas: inout BrailleCanvas, _ scales: (x: FigureScale, y: FigureScale)) {
    let width = Double(canvas.width)
    let height = Double(canvas.height)
    func place(_ x: Double, _ y: Double) -> (x: Double, y: Double)? {
      guard let a = scales.x.position(x), let b = scales.y.position(y) else { return nil }
      return (
        max(-3, min(4, a)) * width, (scales.y.names == nil ? 1 - max(-3, min(4, b)) : max(-3, min(4, b))) * height
      )
    }
    func join(_ a: (x: Double, y: Double), _ b: (x: Double, y: Double)) {
      canvas.line(a.x, a.y, b.x, b.y, mark.role, isDashed: mark.dash == .dashed)
    }
    func dot(_ point: (x: Double, y: Double)) {
      canvas.set(
        Int(max(-9, min(1e6, point.x)).rounded(.down)), Int(max(-9, min(1e6, point.y)).rounded(.down)), mark.role)
    }
    switch mark.shape {
    case .line(let x, let y), .steps(let x, let y):
      var isStepped = false
      if case .steps = mark.shape { isStepped = true }
      var previous: (x: Double, y: Double)?
      for (x, y) in zip(x, y) {
        guard let point = place(x, y) else {
          previous = nil
          continue
        }
        if let previous {
          if isStepped {
            join(previous, (point.x, previous.y))
            join((point.x, previous.y), point)
          } else {
            join(previous, point)
          }
        } else {
          dot(point)
        }
        previous = point
      }
    case .points(let x, let y), .labels(let x, let y, _):
      for (x, y) in zip(x, y) {
        if let point = place(x, y) { dot(point) }
      }
    case .band(let x, let low, let high):
      // Its two edges, and every other column between them.
      for (index, (x, (low, high))) in zip(x, zip(low, high)).enumerated() where index % 2 == 0 {
        if let a = place(x, low), let b = place(x, high) { canvas.line(a.x, a.y, b.x, b.y, mark.role, isDashed: true) }
      }
    case .bars(let left, let right, let low, let high):
      for ((left, right), (low, high)) in zip(zip(left, right), zip(low, high)) {
        guard let a = place(left, low), let b = place(right, high), low != high else { continue }
        let from = max(0, Int(min(a.x, b.x).rounded()))
        let to = min(canvas.width, max(from + 1, Int(max(a.x, b.x).rounded())))
        guard from < to else { continue }
        for column in from..<to { canvas.line(Double(column), a.y - 0.5, Double(column), b.y, mark.role) }
      }
    case .intervals(let positions, let low, let high, let isVertical):
      for (position, (low, high)) in zip(positions, zip(low, high)) {
        let ends =
          isVertical ? (place(position, low), place(position, high)) : (place(low, position), place(high, position))
        if let a = ends.0, let b = ends.1 { join(a, b) }
      }
    case .field(let xEdges, let yEdges, let values):
      let columns = max(0, xEdges.count - 1)
      for row in 0..<max(0, yEdges.count - 1) {
        for column in 0..<columns where row * columns + column < values.count && values[row * columns + column] > 0 {
          if let point = place((xEdges[column] + xEdges[column + 1]) / 2, (yEdges[row] + yEdges[row + 1]) / 2) {
            dot(point)
          }
        }
      }
    case .rule(let position, let isVertical):
      let x = isVertical ? [position, position] : [scales.x.low, scales.x.high]
      let y = isVertical ? [scales.y.low, scales.y.high] : [position, position]
      if let a = place(x[0], y[0]), let b = place(x[1], y[1]) { join(a, b) }
    case .slope(let intercept, let slope):
      let x = [scales.x.low, scales.x.high]
      if let a = place(x[0], intercept + slope * x[0]), let b = place(x[1], intercept + slope * x[1]) { join(a, b) }
    }
  }

  /// A panel whose y are names: a line of characters for each.
  private func rowLines(_ panel: Panel, _ scales: (x: FigureScale, y: FigureScale), columns: Int) -> [String] {
    let names = (scales.y.names ?? []).map { printable($0) }
    let margin = max(1, min(columns * 2 / 5, names.map { DisplayText.width($0) }.max() ?? 1))
    let inner = max(4, columns - margin - 2)
    var rows = Array(repeating: Array(repeating: (text: " ", role: Mark.Role?.none), count: inner), count: names.count)
    func column(_ x: Double) -> Int? {
      scales.x.position(x).map { max(0, min(inner - 1, Int((max(-1, min(2, $0)) * Double(inner)).rounded(.down)))) }
    }
    func put(_ row: Double, _ column: Int, _ text: String, _ role: Mark.Role) {
      guard row.isFinite, let index = Int(exactly: row.rounded()), rows.indices.contains(index) else { return }
      rows[index][column] = (text, role)
    }
    for mark in panel.marks {
      switch mark.shape {
      case .rule(let x, true):
        guard let at = column(x), let position = scales.x.position(x), position >= 0, position <= 1 else { continue }
        for row in rows.indices { rows[row][at] = (usesUnicode ? "┊" : ":", mark.role) }
      case .intervals(let positions, let low, let high, false):
        let sign = mark.weight == .heavy ? (usesUnicode ? "━" : "=") : (usesUnicode ? "─" : "-")
        for (row, (low, high)) in zip(positions, zip(low, high)) {
          guard let from = column(low), let to = column(high), from <= to else { continue }
          for at in from...to { put(row, at, sign, mark.role) }
        }
      case .points(let x, let y):
        let sign =
          mark.symbol == .cross
          ? (usesUnicode ? "×" : "x") : mark.symbol == .ring ? (usesUnicode ? "○" : "o") : (usesUnicode ? "●" : "o")
        for (x, row) in zip(x, y) { if let at = column(x) { put(row, at, sign, mark.role) } }
      case .bars(let left, let right, let low, let high):
        for ((left, right), (low, high)) in zip(zip(left, right), zip(low, high)) {
          guard let from = column(left), let to = column(right), from <= to else { continue }
          for at in from...to { put(low / 2 + high / 2, at, usesUnicode ? "█" : "#", mark.role) }
        }
      case .line, .steps, .band, .intervals, .field, .rule, .slope, .labels: break
      }
    }
    var lines: [String] = []
    if let title = panel.title { lines.append(cut(printable(title), columns)) }
    for (name, row) in zip(names, rows) {
      let text = row.map { cell in cell.role.map { colored(cell.text, $0) } ?? cell.text }.joined()
      lines.append(pad(cut(name, margin), margin, isTrailing: true) + " " + (usesUnicode ? "┤" : "|") + text)
    }
    lines += axisLines(panel.x, scales.x, margin: margin + 1, columns: inner)
    return lines
  }

  // MARK: - Diagrams

  private func diagramLines(_ diagram: Diagram) -> [String] {
    if diagram.nodes.isEmpty { return ["(nothing to draw)"] }
    let names = diagram.nodes.prefix(DiagramLayout.nodeLimit).map { cut(printable($0.name), max(4, total / 3)) }
    let margin = names.map { DisplayText.width($0) }.max() ?? 0
    let signs: [Diagram.Node.Kind: String] =
      usesUnicode
      ? [.latent: "○", .observed: "●", .fixed: "■", .derived: "◇", .input: "□"]
      : [.latent: "o", .observed: "*", .fixed: "#", .derived: "+", .input: "="]
    var lines: [String] = []
    var shown: [Int] = []
    // By plates, so that what belongs together stands together.
    let order = diagram.nodes.indices.prefix(names.count).sorted {
      diagram.nodes[$0].plates == diagram.nodes[$1].plates
        ? $0 < $1 : diagram.nodes[$0].plates.lexicographicallyPrecedes(diagram.nodes[$1].plates)
    }
    for index in order {
      let node = diagram.nodes[index]
      if node.plates != shown, !node.plates.isEmpty {
        let plates = node.plates.compactMap { diagram.plates.indices.contains($0) ? diagram.plates[$0] : nil }
        lines.append(cut("plate " + printable(plates.joined(separator: ", ")), total))
      }
      shown = node.plates
      let indent = node.plates.isEmpty ? "" : "  "
      let causes = diagram.edges.filter { $0.to == index && diagram.nodes.indices.contains($0.from) }
        .map { diagram.nodes[$0.from].name }
      var line = indent + (signs[node.kind] ?? "o") + " " + pad(names[index], margin)
      if let detail = node.detail { line += "  " + printable(detail) }
      if !causes.isEmpty { line += (usesUnicode ? "  ← " : "  <- ") + printable(causes.joined(separator: ", ")) }
      lines.append(cut(line, total))
    }
    let kinds = Set(diagram.nodes.map(\.kind))
    let words: [(Diagram.Node.Kind, String)] = [
      (.latent, "latent"), (.observed, "observed"), (.fixed, "fixed"), (.derived, "derived"), (.input, "input"),
    ]
    let key = words.filter { kinds.contains($0.0) }.map { "\(signs[$0.0] ?? "o") \($0.1)" }.joined(separator: "   ")
    lines.append(cut(key, total))
    return lines
  }
}
