import Checking
import Foundation
import Rendering
package import Syntax

/// How an inline value writes a number.
package enum InlineFormat: Sendable, Equatable {
  /// As the language prints it.
  case plain
  /// `.2f`: so many decimals.
  case fixed(Int)
  /// `.3g`: so many significant digits.
  case significant(Int)
  /// `.1e`: a power of ten, with so many decimals.
  case scientific(Int)
  /// `.1%`: a share of 1 in percent.
  case percent(Int)

  /// Of what stands behind the bar; nil where it is none of these.
  init?(_ text: String) {
    guard let last = text.last, text.hasPrefix("."), let places = Int(text.dropFirst().dropLast()),
      (0...15).contains(places), text.dropFirst().first != "+"
    else { return nil }
    switch last {
    case "f": self = .fixed(places)
    case "g": self = .significant(max(1, places))
    case "e": self = .scientific(places)
    case "%": self = .percent(places)
    default: return nil
    }
  }

  /// What a reader sees of a value that the language printed; nil where a number is asked for and it is none.
  package func text(_ printed: String) -> String? {
    if self == .plain { return printed }
    guard let number = Double(printed) else { return nil }
    let text =
      switch self {
      case .plain: printed
      case .fixed(let places): NumberText.fixed(number, places: places)
      case .significant(let digits): NumberText.significant(number, digits: digits)
      case .scientific(let places): number.isFinite ? String(format: "%.\(places)e", number) : "\(number)"
      case .percent(let places):
        number.isFinite ? NumberText.fixed(number * 100, places: places) + "\u{202F}%" : "\(number)"
      }
    return text.hasPrefix("-") ? "−" + text.dropFirst() : text
  }
}

/// Finds the inline values of a text: code spans such as `` `= mean(mu) | .2f` ``.
package enum InlineValues {
  /// - Parameters:
  ///   - ranges: Text between cells, without fences and comments.
  static func find(_ source: SourceText, in ranges: [NotebookDocument.ByteRange]) -> (
    values: [NotebookCell], diagnostics: [Diagnostic]
  ) {
    let scanner = ProseScanner(source.bytes)
    var values: [NotebookCell] = []
    var diagnostics: [Diagnostic] = []
    for range in ranges {
      for piece in scanner.pieces(in: range.start..<range.end) where piece.kind == .code {
        guard let found = value(source, piece) else { continue }
        values.append(found.cell)
        if let diagnostic = found.diagnostic { diagnostics.append(diagnostic) }
      }
    }
    return (values, diagnostics)
  }

  private static func value(
    _ source: SourceText, _ piece: ProseScanner.Piece
  ) -> (cell: NotebookCell, diagnostic: Diagnostic?)? {
    let bytes = source.bytes
    let content = bytes[piece.content]
    guard content.first == UInt8(ascii: "="), content.count > 2, content[content.startIndex + 1] == 0x20,
      content.dropFirst(2).contains(where: { $0 != 0x20 })
    else { return nil }
    func span(_ range: Range<Int>) -> SourceSpan {
      SourceSpan(source: source.id, start: Int32(range.lowerBound), end: Int32(range.upperBound))
    }
    var code = (piece.content.lowerBound + 2)..<piece.content.upperBound
    var format = InlineFormat.plain
    var diagnostic: Diagnostic?
    // The last single bar with spaces around it; `||` is an operator.
    let bar = Array(" | ".utf8)
    if let mark = code.dropLast(2).last(where: { bytes[$0...].starts(with: bar) }) {
      let words = (mark + bar.count)..<code.upperBound
      let text = String(decoding: bytes[words], as: UTF8.self).trimmingCharacters(in: .whitespaces)
      if let known = InlineFormat(text) {
        format = known
      } else {
        diagnostic = Diagnostic(
          "N038", "`\(text)` is no format of a value", at: span(words),
          expected: "`.2f` for decimals, `.3g` for significant digits, `.1e` or `.1%`")
      }
      code = code.lowerBound..<mark
    }
    let whole = span(piece.range)
    let line = source.firstLine + source.lineIndex(of: whole.start)
    var cell = NotebookCell(
      number: 0, label: nil, flags: [], options: [:], errorPolicy: .none, errorSpan: whole, seed: nil,
      whole: .init(start: piece.range.lowerBound, end: piece.range.upperBound),
      code: .init(start: code.lowerBound, end: code.upperBound), firstLine: line)
    cell.inline = format
    if piece.range.contains(where: { bytes[$0] == 0x0A }) {
      diagnostic = Diagnostic(
        "N037", "an inline value stands in one line", at: whole, help: "join the lines of the code span")
    }
    return (cell, diagnostic)
  }

  /// The checked unit of an inline value, which must be one expression.
  static func restricted(_ unit: CheckedUnit, _ tree: SyntaxTree, _ cell: NotebookCell) -> CheckedUnit {
    var unit = unit
    if tree.statements.count == 1, case .expression = tree.statements[0].kind { return unit }
    guard !unit.hasErrors else { return unit }
    unit.diagnostics.append(
      Diagnostic(
        "N037", "an inline value is one expression", at: unit.main.span,
        help: "compute in a cell, and name the result here"))
    return unit
  }

  /// What is wrong with what an inline value gave; nil where it is a text, or a number where the format needs one.
  static func problem(_ cell: NotebookCell, _ events: [CellEvent]) -> Diagnostic? {
    guard let format = cell.inline else { return nil }
    let outputs = events.compactMap { event -> OutputEvent? in
      if case .output(let output) = event { output } else { nil }
    }
    guard outputs.count == 1, case .text(let text) = outputs[0], !text.contains("\n") else {
      return Diagnostic(
        "N037", "the inline value is no number and no short text", at: cell.errorSpan,
        help: "show tables and plots in a cell")
    }
    guard format.text(text) == nil else { return nil }
    return Diagnostic(
      "N038", "the format needs a number", at: cell.errorSpan, found: "`\(text)`", help: "remove what follows the bar")
  }

  /// What a reader sees of an inline value; nil where it gave nothing.
  package static func text(of result: CellResult) -> String? {
    guard let format = result.cell.inline, result.status == .done else { return nil }
    for case .output(.text(let text)) in result.events { return format.text(text) }
    return nil
  }
}
