/// Writes diagnostics for a terminal: header, excerpt with carets and labels, expected and found, help.
package struct DiagnosticRenderer: Sendable {
  package var usesColor: Bool
  /// Columns of an excerpt line; longer lines are shown around the mark.
  package var width: Int

  package init(usesColor: Bool = false, width: Int = 120) {
    self.usesColor = usesColor
    self.width = max(40, width)
  }

  private struct Mark {
    var start: Int
    var end: Int
    var text: String?
    var isPrimary: Bool
  }

  private func paint(_ text: String, _ code: String) -> String { usesColor ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text }

  package func text(_ diagnostic: Diagnostic, _ sources: SourceMap) -> String {
    let color = diagnostic.severity == .error ? "1;31" : (diagnostic.severity == .warning ? "1;33" : "1;36")
    var lines = [
      paint("\(diagnostic.severity.rawValue)[\(diagnostic.code)]", color) + paint(": \(diagnostic.message)", "1")
    ]
    let gutter = gutter(diagnostic, sources)
    if let span = diagnostic.span, let source = sources[span.source] {
      let own = diagnostic.labels.filter { $0.span.source == span.source }
      lines += excerpt("-->", .init(span: span, text: diagnostic.caretText ?? ""), own, source, gutter)
      for label in diagnostic.labels where label.span.source != span.source {
        if let other = sources[label.span.source] { lines += excerpt(":::", nil, [label], other, gutter) }
      }
    }
    let indent = String(repeating: " ", count: gutter + 1)
    var facts: [(String, String)] = []
    if let expected = diagnostic.expected { facts.append(("expected", expected)) }
    if let found = diagnostic.found { facts.append(("found", found)) }
    for note in diagnostic.notes { facts.append(("note", note)) }
    if let help = diagnostic.help ?? fixWords(diagnostic, sources) { facts.append(("help", help)) }
    for (kind, words) in facts {
      // Further lines of a note stand under its first.
      let continued = "\n" + indent + String(repeating: " ", count: kind.count + 4)
      let body = words.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: continued)
      lines.append("\(indent)= \(paint(kind, "1;34")): \(body)")
    }
    for call in diagnostic.trail {
      let place =
        sources[call.span.source].map { "\($0.name), line \($0.firstLine + $0.lineIndex(of: call.span.start))" } ?? "?"
      lines.append("\(indent)= \(paint("called", "1;34")): \(call.text) at \(place)")
    }
    return lines.joined(separator: "\n")
  }

  /// A certain fix in words, for a diagnostic that says no other help.
  private func fixWords(_ diagnostic: Diagnostic, _ sources: SourceMap) -> String? {
    guard let fix = diagnostic.fixes.first(where: { $0.certainty == .certain }), let source = sources[fix.span.source]
    else { return nil }
    let old = source.text(fix.span)
    if old.isEmpty { return "insert `\(fix.replacement)`" }
    return fix.replacement.isEmpty ? "remove `\(old)`" : "replace `\(old)` by `\(fix.replacement)`"
  }

  private func lineNumber(_ source: SourceText, _ offset: Int32) -> Int {
    source.firstLine + source.lineIndex(of: offset)
  }

  /// The width of the line numbers.
  private func gutter(_ diagnostic: Diagnostic, _ sources: SourceMap) -> Int {
    guard let span = diagnostic.span, sources[span.source] != nil else { return 1 }
    let widths = ([span] + diagnostic.labels.map(\.span)).compactMap { place in
      sources[place.source].map { String(lineNumber($0, place.start)).count }
    }
    return widths.max() ?? 1
  }

  /// The marked lines of one source, below its name; the line in the heading is the first place given.
  private func excerpt(
    _ arrow: String, _ primary: Diagnostic.Label?, _ labels: [Diagnostic.Label], _ source: SourceText, _ gutter: Int
  ) -> [String] {
    var marks: [Int: [Mark]] = [:]
    func add(_ label: Diagnostic.Label, isPrimary: Bool) {
      let line = source.lineIndex(of: label.span.start)
      let lineStart = Int(source.lineStarts[line])
      let lineEnd = self.lineEnd(source, line)
      let start = max(lineStart, min(Int(label.span.start), lineEnd))
      let end = max(start, min(Int(label.span.end), lineEnd))
      marks[line, default: []].append(
        Mark(
          start: start - lineStart, end: end - lineStart, text: label.text.isEmpty ? nil : label.text,
          isPrimary: isPrimary))
    }
    if let primary { add(primary, isPrimary: true) }
    for label in labels { add(label, isPrimary: false) }
    let blank = String(repeating: " ", count: gutter)
    let bar = paint("|", "1;34")
    let heading = (primary ?? labels.first).map { lineNumber(source, $0.span.start) } ?? source.firstLine
    var lines = ["\(blank)\(paint(arrow, "1;34")) \(source.name), line \(heading)", "\(blank) \(bar)"]
    for line in marks.keys.sorted() {
      let number = String(source.firstLine + line)
      let padded = String(repeating: " ", count: gutter - number.count) + number
      let own = (marks[line] ?? []).sorted { ($0.isPrimary ? 0 : 1, $0.start) < ($1.isPrimary ? 0 : 1, $1.start) }
      let anchor = own.first?.start ?? 0
      let (start, bytes) = neighborhood(source, line, of: anchor)
      let (shown, columns) = display(bytes, around: anchor - start)
      lines.append("\(paint(padded, "1;34")) \(bar) \(shown)")
      for mark in own {
        let first = columns(max(0, mark.start - start))
        let end = max(first + 1, columns(max(0, mark.end - start)))
        let sign = mark.isPrimary ? "^" : "-"
        let underline = paint(String(repeating: sign, count: end - first), mark.isPrimary ? "1;31" : "1;34")
        lines.append(
          "\(blank) \(bar) \(String(repeating: " ", count: first))\(underline)\(mark.text.map { " " + $0 } ?? "")")
      }
    }
    lines.append("\(blank) \(bar)")
    return lines
  }

  /// The bytes of a line, or of its part around a place where it is much longer than what is shown.
  private func neighborhood(_ source: SourceText, _ line: Int, of anchor: Int) -> (start: Int, bytes: [UInt8]) {
    let lineStart = Int(source.lineStarts[line])
    let lineEnd = self.lineEnd(source, line)
    let reach = 16 * width
    var start = max(lineStart, lineStart + anchor - reach)
    // Not in the middle of a character.
    while start > lineStart, source.bytes[start] & 0xC0 == 0x80 { start -= 1 }
    let end = min(lineEnd, lineStart + anchor + reach)
    return (start - lineStart, Array(source.bytes[start..<max(start, end)]))
  }

  private func lineEnd(_ source: SourceText, _ line: Int) -> Int {
    var end = line + 1 < source.lineStarts.count ? Int(source.lineStarts[line + 1]) - 1 : source.bytes.count
    let start = Int(source.lineStarts[line])
    if end > start, source.bytes[end - 1] == 0x0D { end -= 1 }
    return max(start, end)
  }

  /// The line as shown (tabs spread, control characters and bad bytes replaced) and the column of a byte offset.
  private func display(_ bytes: [UInt8], around anchor: Int) -> (String, (Int) -> Int) {
    var text = ""
    var column = 0
    var columnOf = Array(repeating: 0, count: bytes.count + 1)
    var position = 0
    while position < bytes.count {
      let byte = bytes[position]
      var length = 1
      if byte >= 0x80 {
        let wanted = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1
        if wanted > 1, position + wanted <= bytes.count,
          bytes[(position + 1)..<(position + wanted)].allSatisfy({ $0 & 0xC0 == 0x80 })
        {
          length = wanted
        }
      }
      for offset in 0..<length { columnOf[position + offset] = column }
      if byte == 0x09 {
        let spaces = 4 - column % 4
        text += String(repeating: " ", count: spaces)
        column += spaces
      } else if byte < 0x20 || byte == 0x7F {
        text += "\u{FFFD}"
        column += 1
      } else {
        let piece = String(decoding: bytes[position..<(position + length)], as: UTF8.self)
        for scalar in piece.unicodeScalars {
          if scalar.properties.generalCategory == .control || scalar.properties.generalCategory == .format {
            text += "\u{FFFD}"
            column += 1
          } else {
            text.unicodeScalars.append(scalar)
            column += DiagnosticRenderer.displayWidth(scalar)
          }
        }
      }
      position += length
    }
    columnOf[bytes.count] = column
    guard column > width else { return (text, { columnOf[min($0, columnOf.count - 1)] }) }
    // A long line is shown around the mark.
    let center = columnOf[min(anchor, columnOf.count - 1)]
    let first = max(0, min(center - width / 2, column - width))
    var shown = first > 0 ? "…" : ""
    var at = 0
    for scalar in text.unicodeScalars {
      let size = DiagnosticRenderer.displayWidth(scalar)
      if at >= first + (first > 0 ? 1 : 0), at + size < first + width { shown.unicodeScalars.append(scalar) }
      at += size
    }
    if first + width < column { shown += "…" }
    let limit = width
    return (shown, { max(0, min(columnOf[min($0, columnOf.count - 1)] - first, limit)) })
  }

  /// Terminal columns of a character: wide East Asian forms take two, combining marks none.
  package static func displayWidth(_ scalar: Unicode.Scalar) -> Int {
    switch scalar.properties.generalCategory {
    case .nonspacingMark, .enclosingMark: return 0
    default: break
    }
    switch scalar.value {
    case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x33FF, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xA000...0xA4CF,
      0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1F64F,
      0x1F900...0x1F9FF, 0x20000...0x3FFFD:
      return 2
    default: return 1
    }
  }
}
