/// Writes output events as plain text, for a terminal or a file.
package struct TextRenderer: Sendable {
  /// Columns to stay within; nil for no limit.
  package var width: Int?
  /// Whether lines and marks outside of ASCII may be drawn. The user's own text is never changed.
  package var usesUnicode: Bool
  /// Whether figures are colored by the terminal's commands.
  package var usesColor = false
  package var figureStyle = FigureStyle.drawn

  /// How figures are shown: drawn in characters, or told in words (for screen readers).
  package enum FigureStyle: Sendable { case drawn, words }

  package init(width: Int? = nil, usesUnicode: Bool = true) {
    self.width = width.map { max(20, $0) }
    self.usesUnicode = usesUnicode
  }

  /// The event's lines, each ended by a line feed.
  package func text(_ event: OutputEvent) -> String {
    switch event {
    case .text(let text):
      let shown = DisplayText.printable(text, keepsLines: true)
      return shown.hasSuffix("\n") ? shown : shown + "\n"
    case .table(let table): return text(table)
    case .figure(let figure): return text(figure)
    case .verdict: return ""
    }
  }

  // MARK: - Tables

  /// A table: title, header, rule, rows, notes.
  ///
  /// Numbers of one column align at the decimal point. What is wider than `width` is made to fit in this order: smaller
  /// gaps, shorter texts (cuts are marked), then further blocks below that repeat the first column. Nothing is dropped
  /// silently: columns beyond ``blockLimit`` blocks are named in a note. Numbers are never cut, so a window that is
  /// narrower than the first column and one of numbers overflows.
  package func text(_ table: TextTable) -> String {
    var table = table
    let shown = table.preview.map { max(0, min($0, table.rows.count)) } ?? table.rows.count
    let left = table.rows.count - shown + table.omittedRows
    table.rows.removeSubrange(shown...)
    if left > 0 { table.notes.insert("\(usesUnicode ? "…" : "...") \(left) more row\(left == 1 ? "" : "s")", at: 0) }
    var lines: [String] = []
    if let title = table.title { lines.append(DisplayText.printable(title, keepsLines: false)) }
    var notes = table.notes.map { DisplayText.printable($0, keepsLines: true) }
    if table.columns.isEmpty {
      notes.append("the table has no columns")
    } else {
      var columns = table.columns.indices.map { Column(table, $0, usesUnicode: usesUnicode) }
      let (blocks, gap, unplaced) = layOut(&columns)
      for (number, block) in blocks.enumerated() {
        if number > 0 { lines.append("") }
        lines += draw(columns, block, gap: gap, rows: table.rows.count)
      }
      if table.rows.isEmpty, left == 0 { notes.insert("no rows", at: 0) }
      if !unplaced.isEmpty {
        let names = unplaced.map { columns[$0].name }
        notes.append(
          "\(names.count) column\(names.count == 1 ? " does" : "s do") not fit here: " + names.joined(separator: ", "))
      }
      if columns.contains(where: \.isCut) { notes.append("texts are cut to fit; a wider window shows them whole") }
    }
    for note in notes { lines += wrapped(note) }
    return lines.map { String($0.reversed().drop(while: { $0 == " " }).reversed()) + "\n" }.joined()
  }

  /// How many blocks a table may be broken into before columns are left out.
  static let blockLimit = 6
  /// Text columns are not cut below this many columns.
  private static let leastText = 12

  struct Column {
    var name: String
    var isLeading: Bool
    var cells: [String]
    var width: Int
    var isText: Bool
    /// Whether it holds small histograms.
    var isPicture = false
    var isCut = false

    init(_ table: TextTable, _ index: Int, usesUnicode: Bool) {
      let missing = usesUnicode ? "–" : "-"
      name = DisplayText.printable(table.columns[index].name, keepsLines: false)
      isLeading = table.columns[index].alignment == .leading
      var hasNumbers = false
      var texts: [String] = []
      // Places behind the point, so that points stand in one line.
      var places: [Int?] = []
      for row in table.rows {
        switch index < row.count ? row[index] : .missing {
        case .text(let text):
          texts.append(DisplayText.printable(text, keepsLines: false))
          places.append(nil)
        case .integer(let number):
          texts.append(String(number))
          places.append(0)
          hasNumbers = true
        case .number(let number, let digits):
          let text = NumberText.significant(number, digits: digits)
          texts.append(text)
          places.append(number.isFinite ? Column.tail(text) : nil)
          hasNumbers = true
        case .decimal(let number, let count):
          let text = NumberText.fixed(number, places: count)
          texts.append(text)
          places.append(number.isFinite ? Column.tail(text) : nil)
          hasNumbers = true
        case .bars(let heights):
          texts.append(TextTable.bars(heights, usesUnicode: usesUnicode))
          places.append(nil)
        case .missing:
          texts.append(missing)
          places.append(nil)
        }
      }
      isText = !hasNumbers
      Column.trimZeros(table, index, &texts, &places)
      if hasNumbers, !isLeading, let most = places.compactMap({ $0 }).max(), most > 0 {
        for row in texts.indices {
          if let own = places[row] { texts[row] += String(repeating: " ", count: most - own) }
        }
      }
      isPicture = table.rows.contains { row in
        if index < row.count, case .bars = row[index] { true } else { false }
      }
      cells = texts
      width = ([name] + texts).map { DisplayText.width($0) }.max() ?? 0
    }

    /// Drops decimals that are zero in every row: data such as 1, 2.5 and 3 need one place, whatever their digits allow.
    private static func trimZeros(_ table: TextTable, _ index: Int, _ texts: inout [String], _ places: inout [Int?]) {
      var needed = 0
      var shortened: [Int] = []
      for row in texts.indices {
        guard index < table.rows[row].count, case .number = table.rows[row][index], let own = places[row], own > 0
        else {
          continue
        }
        if texts[row].contains("e") { return }
        shortened.append(row)
        let zeros = texts[row].reversed().prefix { $0 == "0" }.count
        needed = max(needed, own - 1 - zeros)
      }
      for row in shortened {
        guard let own = places[row], own - 1 > needed else { continue }
        // The point goes with its last decimal.
        let dropped = needed == 0 ? own : own - 1 - needed
        texts[row] = String(texts[row].dropLast(dropped))
        places[row] = own - dropped
      }
    }

    /// Columns from the decimal point on; 0 without one.
    private static func tail(_ text: String) -> Int {
      text.firstIndex(of: ".").map { text.distance(from: $0, to: text.endIndex) } ?? 0
    }
  }

  private func layOut(_ columns: inout [Column]) -> (blocks: [[Int]], gap: Int, left: [Int]) {
    let all = Array(columns.indices)
    guard let width else { return ([all], 2, []) }
    func total(_ gap: Int) -> Int { columns.reduce(0) { $0 + $1.width } + gap * (columns.count - 1) }
    if total(2) <= width { return ([all], 2, []) }
    if total(1) <= width { return ([all], 1, []) }
    // Small pictures say nothing that the numbers do not: they go first.
    let pictures = all.filter { columns[$0].isPicture }
    if !pictures.isEmpty {
      let kept = all.filter { !columns[$0].isPicture }
      var others = kept.map { columns[$0] }
      let (blocks, gap, left) = layOut(&others)
      for (place, index) in kept.enumerated() { columns[index] = others[place] }
      return (blocks.map { $0.map { kept[$0] } }, gap, left.map { kept[$0] })
    }
    // The widest texts give way first, as far as it helps.
    while total(1) > width {
      let cuttable = all.filter { columns[$0].isText && columns[$0].width > TextRenderer.leastText }
      guard let widest = cuttable.max(by: { columns[$0].width < columns[$1].width }) else { break }
      let over = total(1) - width
      cut(&columns[widest], to: max(TextRenderer.leastText, columns[widest].width - over))
    }
    if total(1) <= width { return ([all], 1, []) }
    for index in all where columns[index].width > width { cut(&columns[index], to: width) }
    let gap = 2
    var blocks: [[Int]] = []
    var block = [0]
    var used = columns[0].width
    for index in all.dropFirst() {
      if used + gap + columns[index].width > width, block.count > 1 {
        blocks.append(block)
        block = [0]
        used = columns[0].width
      }
      block.append(index)
      used += gap + columns[index].width
    }
    blocks.append(block)
    let left = blocks.dropFirst(TextRenderer.blockLimit).flatMap { $0.dropFirst() }
    return (Array(blocks.prefix(TextRenderer.blockLimit)), gap, left)
  }

  private func cut(_ column: inout Column, to width: Int) {
    let mark = usesUnicode ? "…" : "~"
    column.cells = column.cells.map { DisplayText.truncated($0, to: width, mark: mark) }
    column.name = DisplayText.truncated(column.name, to: width, mark: mark)
    column.width = width
    column.isCut = true
  }

  private func draw(_ columns: [Column], _ block: [Int], gap: Int, rows: Int) -> [String] {
    let space = String(repeating: " ", count: gap)
    func line(_ piece: (Column) -> String) -> String {
      block.map { index in
        let text = piece(columns[index])
        let fill = String(repeating: " ", count: max(0, columns[index].width - DisplayText.width(text)))
        return columns[index].isLeading ? text + fill : fill + text
      }.joined(separator: space)
    }
    let dash = usesUnicode ? "─" : "-"
    var lines = [line(\.name), line { String(repeating: dash, count: max(1, $0.width)) }]
    for row in 0..<rows { lines.append(line { $0.cells[row] }) }
    return lines
  }

  /// A note indented by two columns, broken at spaces where it is too long.
  private func wrapped(_ note: String) -> [String] {
    guard let width else { return note.split(separator: "\n", omittingEmptySubsequences: false).map { "  " + $0 } }
    var lines: [String] = []
    for paragraph in note.split(separator: "\n", omittingEmptySubsequences: false) {
      var line = "  "
      for word in paragraph.split(separator: " ", omittingEmptySubsequences: false) {
        if line.count > 2, DisplayText.width(line) + 1 + DisplayText.width(String(word)) > width {
          lines.append(line)
          line = "  "
        }
        line += (line.count > 2 ? " " : "") + word
      }
      lines.append(line)
    }
    return lines
  }
}

extension TextTable {
  /// A histogram as eighth-blocks; without Unicode as signs that are the denser the higher.
  static func bars(_ heights: [Int], usesUnicode: Bool) -> String {
    let signs = Array(usesUnicode ? "▁▂▃▄▅▆▇█" : "_.:-=+*#")
    return String(heights.map { signs[max(1, min(8, $0)) - 1] })
  }
}
