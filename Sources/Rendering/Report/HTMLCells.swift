import Foundation

// Cells with their code and what they showed.
extension PageWriter {
  /// Rows of a table on a page; the file beside it has all that there are.
  private static let rowLimit = 100
  /// Bytes of a table's file up to which a page carries it.
  private static let fileLimit = 100_000

  mutating func cell(_ cell: ReportCell) {
    let isBad = cell.state != .done
    // A cell that shows nothing is still a place to link to.
    let isEmpty = !isBad && cell.outputs.isEmpty && (cell.codeDisplay == .hide || cell.code.isEmpty)
    html.raw("<div class=\"cell\(isBad ? " bad" : isEmpty ? " empty" : "")\"")
    html.id(cell.id)
    html.raw(">\n")
    code(of: cell)
    for output in cell.outputs { self.output(output) }
    switch cell.state {
    case .done, .failed: break
    case .skipped(let cause): html.element("p", classes: "state", "Skipped: \(cause).")
    case .erroneous: html.element("p", classes: "state", "Not run: it has errors.")
    }
    html.raw("</div>\n")
  }

  private mutating func code(of cell: ReportCell) {
    guard cell.codeDisplay != .hide, !cell.code.isEmpty else { return }
    html.raw("<details class=\"code\"\(cell.codeDisplay == .show ? " open" : "")><summary>")
    html.element("span", classes: "code-title", cell.codeSummary ?? cell.title)
    if let badge = cell.badge { self.badge(badge) }
    html.raw("</summary>\n<pre tabindex=\"0\"><code>")
    code(cell.code)
    html.raw("</code></pre></details>\n")
  }

  private mutating func badge(_ badge: ReportCell.Badge) {
    var words = [badge.origin.rawValue]
    if let seconds = badge.seconds { words.append(PageWriter.duration(seconds)) }
    if let memory = badge.peakMemory { words.append("\(memory >> 20) MB") }
    html.raw(" ")
    html.element("span", classes: "badge \(badge.origin.rawValue)", words.joined(separator: " · "))
  }

  static func duration(_ seconds: Double) -> String {
    if seconds < 0.001 { return "under 1 ms" }
    if seconds < 1 { return "\(Int((seconds * 1000).rounded())) ms" }
    if seconds < 60 { return NumberText.fixed(seconds, places: 1) + " s" }
    return "\(Int(seconds) / 60) min \(Int(seconds) % 60) s"
  }

  private mutating func output(_ output: ReportCell.Output) {
    switch output {
    case .text(let text): html.element("pre", classes: "out", text)
    case .table(let table, let label): self.table(table, label)
    case .figures(let group): figures(group)
    case .message(let message): self.message(message)
    }
  }

  // MARK: - Messages

  private mutating func message(_ message: ReportCell.Message) {
    html.raw("<div class=\"message \(message.severity.rawValue)\" role=\"note\">\n")
    html.element("p", classes: "message-title", message.headline)
    if !message.excerpt.isEmpty {
      html.raw("<pre tabindex=\"0\">")
      html.escaped(message.excerpt)
      html.raw("</pre>\n")
    }
    if !message.trail.isEmpty {
      html.raw("<details><summary>Calls that led here</summary><ol>")
      for call in message.trail { html.element("li", call) }
      html.raw("</ol></details>\n")
    }
    html.raw("</div>\n")
  }

  // MARK: - Figures

  private mutating func figures(_ group: ReportCell.FigureGroup) {
    html.raw("<figure")
    html.id(group.label.id)
    html.raw(">\n")
    let isGroup = group.figures.count > 1
    if isGroup { html.raw("<div class=\"parts columns-\(max(1, min(4, group.columns)))\">\n") }
    for (index, figure) in group.figures.enumerated() {
      if isGroup { html.raw("<div class=\"part\">\n") }
      // Beside each other figures are drawn smaller, not shrunk with their texts.
      let share = isGroup && group.columns > 1 ? max(230, 760 / Double(min(4, group.columns))) : nil
      drawing(figure, width: group.width ?? share, height: group.height)
      if isGroup {
        html.raw("<p class=\"subcaption\">(\(PageWriter.letter(index)))")
        if index < group.subcaptions.count {
          html.raw(" ")
          inlines(group.subcaptions[index])
        }
        html.raw("</p>\n")
      }
      data(of: figure)
      if isGroup { html.raw("</div>\n") }
    }
    if isGroup { html.raw("</div>\n") }
    html.raw("<figcaption>")
    caption("Figure", group.label, fallback: group.figures.first.map { PageWriter.capitalized($0.kind) })
    html.raw("</figcaption>\n</figure>\n")
  }

  /// `a`, …, `z`, `aa`, …
  static func letter(_ index: Int) -> String {
    let letter = String(Unicode.Scalar(UInt8(97 + index % 26)))
    return index < 26 ? letter : self.letter(index / 26 - 1) + letter
  }

  static func capitalized(_ text: String) -> String { text.prefix(1).uppercased() + text.dropFirst() }

  mutating func drawing(_ figure: Figure, width: Double? = nil, height: Double? = nil) {
    drawings += 1
    html.raw("<div class=\"drawing\">\n")
    html.raw(SVGRenderer(idPrefix: "_\(drawings)", isStandalone: false, width: width, height: height).svg(figure))
    html.raw("</div>\n")
  }

  /// The numbers behind a drawing, folded away.
  private mutating func data(of figure: Figure) {
    html.raw("<details class=\"data\"><summary>Data of the figure</summary>\n")
    html.element("p", classes: "alternative", figure.alternativeText)
    html.raw("\n")
    var table = figure.dataTable(limit: 50)
    table.title = nil
    grid(table, name: "Data of the figure", label: nil, hasFile: false)
    html.raw("</details>\n")
  }

  /// `Figure 3.` and the caption's words.
  private mutating func caption(_ kind: String, _ label: ReportCell.Label, fallback: String?) {
    if let number = label.number { html.element("span", classes: "number", "\(kind) \(number). ") }
    if !label.caption.isEmpty {
      inlines(label.caption)
    } else if let fallback {
      html.escaped(fallback)
    }
    if let id = label.id { anchor(id, to: label.number.map { "\(kind) \($0)" } ?? kind) }
  }

  // MARK: - Tables

  private mutating func table(_ table: TextTable, _ label: ReportCell.Label) {
    // A table that fits a page of paper stays in one piece.
    html.raw("<div class=\"table\(table.rows.count <= 25 ? " short" : "")\"")
    html.id(label.id)
    html.raw(">\n")
    let hasCaption = label.number != nil || !label.caption.isEmpty || table.title != nil
    grid(
      table, name: label.caption.isEmpty ? table.title ?? "Table" : label.caption.plainText,
      label: hasCaption ? label : nil, hasFile: true)
    html.raw("</div>\n")
  }

  /// A table alone, with its first rows.
  mutating func bareTable(_ table: TextTable) {
    grid(
      table, name: table.title ?? "Table", label: table.title == nil ? nil : ReportCell.Label(), hasFile: false)
  }

  private mutating func grid(_ table: TextTable, name: String, label: ReportCell.Label?, hasFile: Bool) {
    var shown = table
    if shown.rows.count > PageWriter.rowLimit { shown.rows.removeSubrange(PageWriter.rowLimit...) }
    let columns = shown.columns.indices.map { TextRenderer.Column(shown, $0, usesUnicode: true) }
    html.raw("<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"")
    html.escaped(name)
    html.raw("\"><table class=\"data\">\n")
    if let label {
      html.raw("<caption>")
      caption("Table", label, fallback: table.title)
      html.raw("</caption>\n")
    }
    html.raw("<thead><tr>")
    for column in columns {
      html.raw("<th scope=\"col\"\(column.isLeading ? "" : " class=\"r\"")>")
      html.escaped(column.name)
      html.raw("</th>")
    }
    html.raw("</tr></thead>\n<tbody>\n")
    for row in shown.rows.indices {
      html.raw("<tr>")
      for (index, column) in columns.enumerated() {
        let isName = index == 0 && column.isLeading && column.isText
        html.raw(isName ? "<th scope=\"row\">" : (column.isLeading ? "<td>" : "<td class=\"r\">"))
        if case .bars? = index < shown.rows[row].count ? shown.rows[row][index] : nil {
          html.raw("<span class=\"bars\" role=\"img\" aria-label=\"histogram of the draws\">")
          html.escaped(column.cells[row])
          html.raw("</span>")
        } else {
          html.escaped(PageWriter.aligned(column.cells[row]))
        }
        html.raw(isName ? "</th>" : "</td>")
      }
      html.raw("</tr>\n")
    }
    html.raw("</tbody></table></div>\n")
    var notes = table.notes
    if table.rows.isEmpty, table.omittedRows == 0 { notes.insert("no rows", at: 0) }
    let left = table.rows.count - shown.rows.count + table.omittedRows
    if left > 0 { notes.insert("… \(left) more row\(left == 1 ? "" : "s")", at: 0) }
    if !notes.isEmpty {
      html.raw("<div class=\"notes\">")
      for note in notes { html.element("p", note) }
      html.raw("</div>\n")
    }
    guard hasFile, table.rows.count > 1 else { return }
    let file = table.csv
    guard file.utf8.count <= PageWriter.fileLimit else { return }
    html.raw("<p class=\"file\">")
    html.download(Array(file.utf8), type: "text/csv", name: "table.csv", words: "CSV")
    html.raw("</p>\n")
  }

  /// Spaces that stand for digits are as wide as digits.
  private static func aligned(_ text: String) -> String {
    let body = text.reversed().drop { $0 == " " }
    let spaces = text.count - body.count
    guard spaces > 0, spaces < text.count else { return text }
    // The first of them stands for the point where the number has none.
    let fill =
      body.contains(".")
      ? String(repeating: "\u{2007}", count: spaces) : "\u{2008}" + String(repeating: "\u{2007}", count: spaces - 1)
    return String(body.reversed()) + fill
  }
}

extension TextTable {
  /// The table as comma-separated values with all digits, after RFC 4180.
  package var csv: String {
    func field(_ text: String) -> String {
      let needsQuotes = text.contains { $0 == "," || $0 == "\"" || $0.isNewline }
      return needsQuotes ? "\"" + text.replacingOccurrences(of: "\"", with: "\"\"") + "\"" : text
    }
    let lines =
      [columns.map { field($0.name) }]
      + rows.map { row in
        row.map { cell in
          switch cell {
          case .text(let text): field(text)
          case .integer(let number): String(number)
          case .number(let number, _), .decimal(let number, _): "\(number)"
          case .bars, .missing: ""
          }
        }
      }
    return lines.map { $0.joined(separator: ",") + "\n" }.joined()
  }
}

// MARK: - Fits

extension PageWriter {
  /// Writes the cell of an index; false where there is none.
  mutating func cells(_ index: Int) -> Bool {
    guard let cell = cell(at: index) else { return false }
    self.cell(cell)
    return true
  }

  /// One line per fit, the numbers as links to where they are shown, and the plots folded below.
  mutating func verdicts(_ verdicts: [Report.FitVerdict]) {
    guard !verdicts.isEmpty else { return }
    html.raw("<section class=\"verdicts\" aria-labelledby=\"verdicts\">\n")
    html.raw("<h2 id=\"verdicts\">Did the fits work?</h2>\n")
    for (index, item) in verdicts.enumerated() { fit(item, number: index + 1) }
    html.raw("</section>\n")
  }

  private mutating func fit(_ item: Report.FitVerdict, number: Int) {
    let verdict = item.verdict
    html.raw("<div class=\"verdict \(verdict.problems.isEmpty ? "good" : "poor")\">\n<p class=\"verdict-line\">")
    html.element("span", classes: "mark", verdict.problems.isEmpty ? "✓" : "⚠")
    html.raw(" <strong>")
    html.escaped(verdict.headline)
    html.raw("</strong>: fit of ")
    html.escaped(verdict.model)
    html.raw(" in <a ")
    html.fragment(item.anchor)
    html.raw(">")
    html.escaped(item.cell)
    html.raw("</a>, ")
    html.escaped("\(verdict.chains) chain\(verdict.chains == 1 ? "" : "s"), \(verdict.draws) draws")
    html.raw("</p>\n")
    if !verdict.problems.isEmpty {
      html.raw("<ul>")
      for problem in verdict.problems { html.element("li", problem) }
      html.raw("</ul>\n")
    }
    html.raw("<dl class=\"checks\">\n")
    func check(_ term: String, _ id: String, _ value: String, _ target: String, isPoor: Bool) {
      html.raw("<div\(isPoor ? " class=\"poor\"" : "")><dt><a href=\"#term.\(id)\">\(term)</a></dt><dd><a ")
      html.fragment(target)
      html.raw(">")
      html.escaped(value)
      html.raw("</a></dd></div>\n")
    }
    let plots = "fit.\(number)"
    if let worst = verdict.worstRHat {
      let text = "at most \(NumberText.fixed(worst.rHat, places: 3)) (\(worst.name))"
      check("R-hat", "rhat", text, plots, isPoor: worst.rHat > verdict.rHatLimit)
    }
    if let least = verdict.leastBulkESS {
      let text = "at least \(Int(least.bulkESS)) (\(least.name))"
      check("bulk ESS", "ess", text, plots, isPoor: least.bulkESS < verdict.essLimit)
    }
    if let least = verdict.leastTailESS {
      let text = "at least \(Int(least.tailESS)) (\(least.name))"
      check("tail ESS", "ess", text, plots, isPoor: least.tailESS < verdict.essLimit)
    }
    check("divergences", "divergence", "\(verdict.divergences)", item.anchor, isPoor: verdict.divergences > 0)
    if verdict.depthLimit > 0 {
      check(
        "tree depth", "depth", "limit \(verdict.depthLimit) reached \(verdict.depthHits) times", item.anchor,
        isPoor: verdict.depthHits > 0)
    }
    if let least = verdict.ebfmi.filter(\.isFinite).min() {
      check(
        "E-BFMI", "ebfmi", "at least \(NumberText.fixed(least, places: 2))", item.anchor,
        isPoor: least < verdict.ebfmiLimit)
    }
    html.raw("</dl>\n")
    html.raw("<details class=\"data\"><summary>Plots of the checks</summary>\n<div id=\"\(plots)\">\n")
    if verdict.otherQuantities > 0 {
      html.element(
        "p", "Shown are \(verdict.quantities.count) quantities; \(verdict.otherQuantities) more are not shown.")
    }
    for figure in [item.rHatFigure, item.essFigure].compactMap({ $0 }) { drawing(figure) }
    html.raw("</div></details>\n</div>\n")
  }

  /// What the words of the verdicts mean.
  mutating func glossary() {
    html.raw("<h2 id=\"what-the-checks-mean\">What the checks mean</h2>\n<dl class=\"glossary\">\n")
    for entry in Glossary.terms {
      html.raw("<dt id=\"term.\(entry.id)\">")
      html.escaped(entry.term)
      html.raw("</dt>")
      html.element("dd", entry.words)
      html.raw("\n")
    }
    html.raw("</dl>\n")
  }
}
