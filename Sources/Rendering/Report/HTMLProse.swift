import Foundation

// Text between cells.
extension PageWriter {
  mutating func block(_ block: ProseBlock) {
    switch block {
    case .heading(let level, let id, let number, let content):
      let name = "h\(max(2, min(6, level)))"
      html.raw("<\(name)")
      html.id(id)
      html.raw(">")
      if let number { html.element("span", classes: "number", number + " ") }
      inlines(content)
      anchor(id, to: content.plainText)
      html.raw("</\(name)>\n")
    case .paragraph(let content):
      html.raw("<p>")
      inlines(content)
      html.raw("</p>\n")
    case .code(let language, let pieces):
      html.raw("<pre class=\"shown\" tabindex=\"0\"")
      if let language {
        html.raw(" aria-label=\"Code in ")
        html.escaped(language)
        html.raw("\" role=\"group\"")
      }
      html.raw("><code>")
      code(pieces)
      html.raw("</code></pre>\n")
    case .list(let list): self.list(list)
    case .quote(let blocks):
      html.raw("<blockquote>\n")
      for block in blocks { self.block(block) }
      html.raw("</blockquote>\n")
    case .alert(let kind, let blocks):
      html.raw("<div class=\"alert \(kind.rawValue)\" role=\"note\">\n")
      html.element("p", classes: "alert-title", kind.rawValue.capitalized)
      for block in blocks { self.block(block) }
      html.raw("</div>\n")
    case .table(let table): self.table(table)
    case .rule: html.raw("<hr>\n")
    case .equation(let tex, let id, let number):
      html.raw("<div class=\"equation\"")
      html.id(id)
      html.raw(">")
      html.raw(Mathematics.mathML(tex, isDisplay: true).markup)
      if let number { html.raw("<span class=\"equation-number\">(\(number))</span>") }
      html.raw("</div>\n")
    case .cell(let index): if cells(index) { html.raw("\n") }
    case .footnote: break
    }
  }

  /// A link to a place, beside it.
  mutating func anchor(_ id: String, to name: String) {
    html.raw(" <a class=\"anchor\" ")
    html.fragment(id)
    html.raw(" aria-label=\"Link to ")
    html.escaped(name)
    html.raw("\">#</a>")
  }

  private mutating func list(_ list: ProseList) {
    let name = list.isOrdered ? "ol" : "ul"
    let isTask = list.items.contains { $0.isChecked != nil }
    html.raw("<\(name)\(list.isOrdered && list.start != 1 ? " start=\"\(list.start)\"" : "")")
    html.raw("\(isTask ? " class=\"tasks\"" : "")>\n")
    for item in list.items {
      html.raw("<li>")
      if let isChecked = item.isChecked {
        html.raw("<span class=\"task\" role=\"img\" aria-label=\"\(isChecked ? "done" : "open")\">")
        html.raw("\(isChecked ? "☑" : "☐")</span> ")
      }
      for block in item.blocks {
        if list.isTight, case .paragraph(let content) = block { inlines(content) } else { self.block(block) }
      }
      html.raw("</li>\n")
    }
    html.raw("</\(name)>\n")
  }

  private mutating func table(_ table: ProseTable) {
    html.raw("<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"Table\"><table class=\"prose\">\n")
    func side(_ column: Int) -> String {
      switch column < table.alignments.count ? table.alignments[column] : .none {
      case .none, .left: ""
      case .center: " class=\"c\""
      case .right: " class=\"r\""
      }
    }
    html.raw("<thead><tr>")
    for (column, cell) in table.header.enumerated() {
      html.raw("<th scope=\"col\"\(side(column))>")
      inlines(cell)
      html.raw("</th>")
    }
    html.raw("</tr></thead>\n<tbody>\n")
    for row in table.rows {
      html.raw("<tr>")
      for (column, cell) in row.enumerated() {
        html.raw("<td\(side(column))>")
        inlines(cell)
        html.raw("</td>")
      }
      html.raw("</tr>\n")
    }
    html.raw("</tbody></table></div>\n")
  }

  /// The notes that the text refers to, at its end.
  mutating func footnotes(_ blocks: [ProseBlock]) {
    let notes = blocks.compactMap { block -> (Int, [ProseBlock])? in
      if case .footnote(let number, let content) = block { (number, content) } else { nil }
    }.sorted { $0.0 < $1.0 }
    guard !notes.isEmpty else { return }
    html.raw("<section class=\"footnotes\" aria-label=\"Footnotes\">\n<ol>\n")
    for (number, content) in notes {
      html.raw("<li id=\"fn.\(number)\" value=\"\(number)\">\n")
      for block in content { self.block(block) }
      html.raw("<a href=\"#fnref.\(number).1\" aria-label=\"Back to note \(number) in the text\">↩</a></li>\n")
    }
    html.raw("</ol>\n</section>\n")
  }

  // MARK: - Inside of blocks

  mutating func inlines(_ content: [ProseInline]) { for inline in content { self.inline(inline) } }

  private mutating func wrapped(_ name: String, _ content: [ProseInline]) {
    html.raw("<\(name)>")
    inlines(content)
    html.raw("</\(name)>")
  }

  private mutating func inline(_ inline: ProseInline) {
    switch inline {
    case .text(let text): html.escaped(text)
    case .code(let text): html.element("code", text)
    case .emphasis(let content): wrapped("em", content)
    case .strong(let content): wrapped("strong", content)
    case .strikethrough(let content): wrapped("del", content)
    case .link(let target, let title, let content): link(target, title, content)
    case .image(let type, let bytes, let alternative):
      html.raw("<img src=\"data:\(PageWriter.imageType(type));base64,\(Data(bytes).base64EncodedString())\" alt=\"")
      html.escaped(alternative)
      html.raw("\">")
    case .mathematics(let tex, let isDisplay): html.raw(Mathematics.mathML(tex, isDisplay: isDisplay).markup)
    case .value(let text): html.element("span", classes: "value", text)
    case .failedValue(let text): html.element("code", classes: "failed-value", text)
    case .footnoteReference(let number, let occurrence):
      html.raw("<sup><a id=\"fnref.\(number).\(occurrence)\" href=\"#fn.\(number)\" aria-label=\"Note \(number)\">")
      html.raw("\(number)</a></sup>")
    case .softBreak: html.raw("\n")
    case .lineBreak: html.raw("<br>\n")
    }
  }

  private static func imageType(_ type: String) -> String {
    ["image/png", "image/jpeg", "image/gif", "image/webp", "image/svg+xml"].contains(type) ? type : "image/png"
  }

  /// A link to a place of the page, to the web or to a mailbox; what points elsewhere stays text.
  private mutating func link(_ target: String, _ title: String, _ content: [ProseInline]) {
    if target.hasPrefix("#") {
      html.raw("<a ")
      let id = String(target.dropFirst())
      html.fragment(id.removingPercentEncoding ?? id)
    } else if PageWriter.isSafe(target) {
      html.raw("<a rel=\"noopener noreferrer\" href=\"")
      html.escaped(target)
      html.raw("\"")
    } else {
      return inlines(content)
    }
    if !title.isEmpty {
      html.raw(" title=\"")
      html.escaped(title)
      html.raw("\"")
    }
    html.raw(">")
    inlines(content)
    html.raw("</a>")
  }

  /// Whether a link's target is of a scheme that only leads somewhere.
  static func isSafe(_ target: String) -> Bool {
    guard target.unicodeScalars.allSatisfy({ $0.value > 0x20 && $0.value != 0x7F }) else { return false }
    let lower = target.lowercased()
    return ["http://", "https://", "mailto:"].contains { lower.hasPrefix($0) }
  }

  mutating func code(_ pieces: [CodePiece]) {
    for piece in pieces {
      switch piece.kind {
      case .plain, .operator: html.escaped(piece.text)
      case .keyword, .type, .function, .string, .number, .comment:
        html.element("span", classes: "c-\(piece.kind.rawValue)", piece.text)
      }
    }
  }
}
