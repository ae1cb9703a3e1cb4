package import Foundation
import Rendering
package import Syntax

/// A notebook with its results in Jupyter's format (nbformat 4.5), from which ``JupyterImport`` gives the same bytes.
///
/// What Jupyter has no place for is kept verbatim under the key `cairn` of the metadata: fences, options, the blank lines
/// around texts, front matter.
package struct JupyterExport {
  private let document: NotebookDocument
  private let results: [CellResult]
  private let content: ReportBuilder.Content
  private let isReproducible: Bool

  /// A line of the text that separates two Markdown cells, and one before a cell of another language.
  static let textMark = "<!-- cell -->"
  static let codeMark = "<!-- code -->"

  package init(_ document: NotebookDocument, results: [CellResult], sources: SourceMap, isReproducible: Bool) {
    self.document = document
    self.results = results
    self.isReproducible = isReproducible
    content = ReportBuilder.content(document, results: results, sources: sources)
  }

  package func bytes() throws -> [UInt8] {
    var cells: [[String: Any]] = []
    var front: String?
    var gap = ""
    var index = 0
    var textCount = 0
    // One blank line is usual between two cells, and none after a text, which brings its own.
    var usualGap = ""
    let labels = Set(document.cells.compactMap(\.label))
    func free(_ name: String) -> String {
      var name = name
      while labels.contains(name) { name += "-x" }
      return name
    }
    for part in document.parts {
      switch part {
      case .frontMatter(let range): front = text(range)
      case .prose(let range):
        let whole = text(range)
        if whole.allSatisfy({ $0.isWhitespace }) {
          gap += whole
          continue
        }
        for segment in JupyterExport.segments(whole) {
          textCount += 1
          cells.append(segment.cell(id: free("text-\(textCount)")))
        }
        usualGap = ""
      case .cell(let cell):
        let id = cell.label ?? free("cell-\(cell.number)")
        cells.append(code(cell, index, gap: gap == usualGap ? nil : gap, id: id))
        gap = ""
        usualGap = "\n"
        index += 1
      }
    }
    var own: [String: Any] = ["version": 1]
    if hasMark { own["bom"] = true }
    if let front { own["front_matter"] = front }
    if !gap.isEmpty { own["end"] = gap }
    let notebook: [String: Any] = [
      "cells": cells, "nbformat": 4, "nbformat_minor": 5,
      "metadata": [
        "cairn": own, "kernelspec": ["display_name": "Cairn", "language": "cairn", "name": "cairn"],
        "language_info": ["name": "cairn", "file_extension": ".cairn", "pygments_lexer": "swift"],
        "title": document.frontMatter.title ?? "",
      ],
    ]
    let data = try JSONSerialization.data(
      withJSONObject: notebook, options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
    return Array(data) + [0x0A]
  }

  /// Whether the file begins with a byte order mark, which texts of JSON do not keep.
  private var hasMark: Bool { document.source.bytes.starts(with: [0xEF, 0xBB, 0xBF]) }

  private func text(_ range: NotebookDocument.ByteRange) -> String {
    let start = range.start == 0 && hasMark ? 3 : range.start
    return String(decoding: document.source.bytes[start..<max(start, range.end)], as: UTF8.self)
  }

  // MARK: - Text

  /// A Markdown cell, or one of another language, of a text between cells.
  struct Segment {
    var isCode = false
    /// All of it, with the blank lines around.
    var text: String

    func cell(id: String) -> [String: Any] {
      let (before, body, after) = JupyterExport.trimmed(text)
      var own: [String: Any] = [:]
      if before != "\n" { own["before"] = before }
      if after != "\n\n" { own["after"] = after }
      if isCode, let fence = Fence(body) {
        own["shown"] = fence.opening
        if fence.closing != "```" { own["closing"] = fence.closing }
        return [
          "cell_type": "code", "id": id, "metadata": ["cairn": own], "source": JupyterExport.lines(fence.code),
          "outputs": [Any](), "execution_count": NSNull(),
        ]
      }
      if isCode { own["code"] = true }
      return [
        "cell_type": "markdown", "id": id, "metadata": own.isEmpty ? [:] : ["cairn": own],
        "source": JupyterExport.lines(body),
      ]
    }
  }

  /// A text that is one fence.
  struct Fence {
    var opening: String
    var code: String
    var closing: String

    init?(_ text: String) {
      let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
      guard lines.count >= 2, let first = lines.first, let last = lines.last, first.hasPrefix("```"),
        last.allSatisfy({ $0 == "`" }), last.count >= first.prefix(while: { $0 == "`" }).count,
        !lines.dropFirst().dropLast().contains(where: { $0.hasPrefix(last) })
      else { return nil }
      opening = first
      code = lines.dropFirst().dropLast().joined(separator: "\n")
      closing = last
    }
  }

  /// A text cut at the lines that separate cells; joined by them it is the same text again.
  static func segments(_ text: String) -> [Segment] {
    var result = [Segment(text: "")]
    for line in lines(text) {
      if line == textMark + "\n" || line == codeMark + "\n" {
        result.append(Segment(isCode: line == codeMark + "\n", text: ""))
      } else {
        result[result.count - 1].text += line
      }
    }
    return result
  }

  /// Blank lines, what stands between them, blank lines.
  static func trimmed(_ text: String) -> (before: String, body: String, after: String) {
    let before = text.prefix { $0.isNewline }
    let rest = text[before.endIndex...]
    let after = String(rest.reversed().prefix { $0.isNewline }.reversed())
    return (String(before), String(rest.dropLast(after.count)), after)
  }

  /// As Jupyter writes texts: a list of lines, each with its end.
  static func lines(_ text: String) -> [String] {
    var lines: [String] = []
    var current = ""
    for scalar in text.unicodeScalars {
      current.unicodeScalars.append(scalar)
      if scalar == "\n" {
        lines.append(current)
        current = ""
      }
    }
    if !current.isEmpty { lines.append(current) }
    return lines
  }

  // MARK: - Cells

  private func code(_ cell: NotebookCell, _ index: Int, gap: String?, id: String) -> [String: Any] {
    let bytes = document.source.bytes
    func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }
    let openingEnd = bytes[cell.whole.start..<cell.whole.end].firstIndex(of: 0x0A).map { $0 + 1 } ?? cell.whole.end
    var code = text(cell.code.start..<cell.code.end)
    var own: [String: Any] = [
      "opening": text(cell.whole.start..<openingEnd), "closing": text(cell.code.end..<cell.whole.end),
    ]
    let options = text(min(openingEnd, cell.code.start)..<cell.code.start)
    if !options.isEmpty { own["options"] = options }
    if code.hasSuffix("\n") { code.unicodeScalars.removeLast() } else if !code.isEmpty { own["ends_open"] = true }
    if code.isEmpty, cell.code.end > cell.code.start { own["is_blank"] = true }
    if let gap { own["gap"] = gap }
    let result = results.first { $0.cell.inline == nil && $0.cell.number == cell.number }
    var outputs: [[String: Any]] = []
    for event in result?.events ?? [] where cell.shows(event) { outputs += output(event, index) }
    let ran: Bool =
      switch result?.status {
      case .done, .failed, .failedAsAllowed: true
      case .erroneous, .skipped, nil: false
      }
    return [
      "cell_type": "code", "id": id, "metadata": ["cairn": own], "source": JupyterExport.lines(code),
      "outputs": outputs, "execution_count": ran ? cell.number as Any : NSNull(),
    ]
  }

  private func output(_ event: CellEvent, _ index: Int) -> [[String: Any]] {
    let renderer = TextRenderer(width: 100)
    switch event {
    case .output(.text(let text)):
      let shown = text.hasSuffix("\n") ? text : text + "\n"
      return [["output_type": "stream", "name": "stdout", "text": JupyterExport.lines(shown)]]
    case .output(.table(let table)):
      return [
        display([
          "text/plain": JupyterExport.lines(renderer.text(table)),
          "text/html": JupyterExport.lines(HTMLNames.table(table)),
        ])
      ]
    case .output(.figure(let figure)):
      return [
        display([
          "text/plain": JupyterExport.lines(figure.alternativeText),
          "image/svg+xml": JupyterExport.lines(SVGRenderer(idPrefix: "c\(index)", isStandalone: true).svg(figure)),
        ])
      ]
    case .output(.verdict): return []
    case .diagnostic(let diagnostic):
      let message = message(diagnostic, index)
      guard diagnostic.severity == .error else {
        return [["output_type": "stream", "name": "stderr", "text": JupyterExport.lines(message + "\n")]]
      }
      return [
        [
          "output_type": "error", "ename": diagnostic.code, "evalue": diagnostic.message,
          "traceback": message.split(separator: "\n", omittingEmptySubsequences: false).map(String.init),
        ]
      ]
    }
  }

  private func display(_ data: [String: Any]) -> [String: Any] {
    ["output_type": "display_data", "data": data, "metadata": [String: Any]()]
  }

  /// The message as the report has it.
  private func message(_ diagnostic: Diagnostic, _ index: Int) -> String {
    let head = "\(diagnostic.severity.rawValue)[\(diagnostic.code)]: \(diagnostic.message)"
    guard index < content.cells.count else { return head }
    for case .message(let message) in content.cells[index].outputs where message.headline == head {
      return message.headline + "\n" + message.excerpt
    }
    return head
  }
}
