package import Foundation
import Rendering
package import Syntax

/// A notebook with its results as plain Markdown that code hosts show: tables as tables, figures as SVG files beside it.
package struct MarkdownExport {
  private let document: NotebookDocument
  private let results: [CellResult]
  private let content: ReportBuilder.Content

  /// The first line of what is written, by which a later export knows its own.
  package static let mark = "<!-- written by cairn export -->"

  /// Rows of a table; the notebook itself has them all.
  private static let rowLimit = 50

  package init(_ document: NotebookDocument, results: [CellResult], sources: SourceMap) {
    self.document = document
    self.results = results
    content = ReportBuilder.content(document, results: results, sources: sources)
  }

  /// Writes the text, and figures into `NAME.figures/` beside it.
  ///
  /// - Throws: ``DiagnosticError`` where a file cannot be written.
  package func write(to url: URL) throws {
    let folder = url.deletingPathExtension().lastPathComponent + ".figures"
    let (text, figures) = text(figuresIn: folder)
    let place = url.deletingLastPathComponent().appendingPathComponent(folder)
    do {
      if !figures.isEmpty { try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true) }
      for figure in figures {
        try Data(figure.svg.utf8).write(to: place.appendingPathComponent(figure.name), options: .atomic)
      }
      try Data(text.utf8).write(to: url, options: .atomic)
    } catch {
      throw DiagnosticError(
        Diagnostic(
          "N043", "`\(url.lastPathComponent)` or its figures cannot be written", at: nil,
          help: "check the folder's permissions and the free space, or name another file with `--output`"))
    }
  }

  /// The whole text, and the drawings that it refers to.
  package func text(figuresIn folder: String) -> (text: String, figures: [(name: String, svg: String)]) {
    var text = ""
    var figures: [(name: String, svg: String)] = []
    let front = document.frontMatter
    if let title = front.title { text += "# \(MarkdownExport.escaped(title))\n" }
    let byline = front.lists["author"] ?? front.values["author"].map { [$0] } ?? []
    if !byline.isEmpty { text += "\n*\(MarkdownExport.escaped(byline.joined(separator: ", ")))*\n" }
    var index = 0
    for part in document.parts {
      switch part {
      case .frontMatter: break
      case .prose(let range):
        let prose = self.prose(range)
        // One blank line below the title, whatever the text begins with.
        let isFirst = index == 0 && !prose.hasPrefix("\n")
        text += text.isEmpty ? String(prose.drop { $0.isNewline }) : (isFirst ? "\n" : "") + prose
      case .cell(let cell):
        if index < content.cells.count { text += self.cell(content.cells[index], cell, folder, &figures) }
        index += 1
      }
    }
    return (MarkdownExport.mark + "\n\n" + text, figures)
  }

  // MARK: - Prose

  /// The text with values in the place of expressions, and `Figure 3` in the place of references.
  private func prose(_ range: NotebookDocument.ByteRange) -> String {
    let bytes = document.source.bytes
    let inline = results.filter { $0.cell.inline != nil }
    var text = ""
    var position = range.start
    for result in inline where result.cell.whole.start >= range.start && result.cell.whole.end <= range.end {
      text += references(String(decoding: bytes[position..<result.cell.whole.start], as: UTF8.self))
      text +=
        InlineValues.text(of: result).map { MarkdownExport.escaped($0) }
        ?? String(decoding: bytes[result.cell.whole.start..<result.cell.whole.end], as: UTF8.self)
      position = result.cell.whole.end
    }
    return text + references(String(decoding: bytes[position..<range.end], as: UTF8.self))
  }

  /// With equations' labels as places to link to, and kinds of things by number.
  private func references(_ text: String) -> String {
    var text = text
    for label in content.names.keys.sorted() where label.hasPrefix("eq-") {
      text = text.replacingOccurrences(of: "$$ {#\(label)}", with: "$$\n\n<a id=\"\(label)\"></a>")
    }
    var result = ""
    var rest = text[...]
    while let mark = rest.range(of: "](#") {
      guard let close = rest[mark.upperBound...].firstIndex(of: ")"),
        let open = rest[..<mark.lowerBound].lastIndex(of: "["),
        let name = content.names[String(rest[mark.upperBound..<close])],
        ReportBuilder.isKind(String(rest[rest.index(after: open)..<mark.lowerBound]))
      else {
        result += rest[..<mark.upperBound]
        rest = rest[mark.upperBound...]
        continue
      }
      result += rest[...open] + name + rest[mark.lowerBound...close]
      rest = rest[rest.index(after: close)...]
    }
    return result + rest
  }

  // MARK: - Cells

  private func cell(
    _ shown: ReportCell, _ cell: NotebookCell, _ folder: String, _ figures: inout [(name: String, svg: String)]
  ) -> String {
    var blocks: [String] = []
    if let label = cell.label { blocks.append("<a id=\"\(label)\"></a>") }
    let code = shown.code.map(\.text).joined()
    if !code.isEmpty {
      switch shown.codeDisplay {
      case .show: blocks.append(MarkdownExport.fence(code, "swift"))
      case .fold:
        let summary = MarkdownExport.html(shown.codeSummary ?? "Code")
        blocks.append(
          "<details><summary>\(summary)</summary>\n\n\(MarkdownExport.fence(code, "swift"))\n\n</details>")
      case .hide: break
      }
    }
    let caption = cell.options["caption"]
    for output in shown.outputs {
      switch output {
      case .text(let text): blocks.append(MarkdownExport.fence(DisplayText.printable(text, keepsLines: true), "text"))
      case .message(let message):
        blocks.append(MarkdownExport.fence(message.headline + "\n" + message.excerpt, "text"))
      case .table(let table, let label):
        if let number = label.number { blocks.append("**Table \(number).** \(caption ?? "")") }
        blocks.append(MarkdownExport.table(table, hasTitle: label.number == nil))
      case .figures(let group):
        for figure in group.figures {
          let name =
            "\(cell.label ?? "cell-\(cell.number)")-\(figures.filter { $0.name.hasPrefix("\(cell.label ?? "cell-\(cell.number)")-") }.count + 1).svg"
          figures.append(
            (
              name,
              SVGRenderer(idPrefix: "", isStandalone: true, width: group.width, height: group.height).svg(figure)
            ))
          blocks.append(
            "![\(MarkdownExport.escaped(figure.alternativeText))](\(HTMLNames.percentEncoded(folder))/\(name))")
        }
        if let number = group.label.number {
          blocks.append("**Figure \(number).** \(group.label.caption.isEmpty ? "" : caption ?? "")")
        }
      }
    }
    switch shown.state {
    case .done, .failed: break
    case .skipped(let cause): blocks.append("*Skipped: \(MarkdownExport.escaped(cause)).*")
    case .erroneous: blocks.append("*Not run: it has errors.*")
    }
    return blocks.isEmpty ? "" : blocks.joined(separator: "\n\n") + "\n"
  }

  // MARK: - Pieces

  /// A fence that is longer than any in the text.
  private static func fence(_ text: String, _ language: String) -> String {
    let mark = CodeFence.mark(for: text)
    return "\(mark)\(language)\n\(text)\(text.hasSuffix("\n") ? "" : "\n")\(mark)"
  }

  private static func table(_ table: TextTable, hasTitle: Bool) -> String {
    var lines: [String] = []
    if hasTitle, let title = table.title { lines += ["*\(escaped(title))*", ""] }
    func row(_ cells: [String]) -> String { "| " + cells.joined(separator: " | ") + " |" }
    func cell(_ text: String) -> String { escaped(text).replacingOccurrences(of: "|", with: "\\|") }
    guard !table.columns.isEmpty else { return lines.joined(separator: "\n") + "*the table has no columns*" }
    lines.append(row(table.columns.map { cell($0.name) }))
    lines.append(row(table.columns.map { $0.alignment == .leading ? "---" : "---:" }))
    let texts = table.cellTexts
    for line in texts.prefix(rowLimit) { lines.append(row(line.map(cell))) }
    let left = table.rows.count - min(table.rows.count, rowLimit) + table.omittedRows
    var notes = left > 0 ? ["… \(left) more row\(left == 1 ? "" : "s")"] : []
    notes += table.notes
    for note in notes { lines += ["", escaped(note)] }
    return lines.joined(separator: "\n")
  }

  /// A text in which no character means anything to Markdown or HTML.
  private static func escaped(_ text: String) -> String {
    var result = ""
    for character in DisplayText.printable(text, keepsLines: false) {
      if "\\`*_{}[]<>#|!$~&".contains(character) { result.append("\\") }
      result.append(character)
    }
    return result
  }

  private static func html(_ text: String) -> String {
    text.replacingOccurrences(of: "&", with: "&amp;").replacingOccurrences(of: "<", with: "&lt;")
  }
}
