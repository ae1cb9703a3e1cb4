import CMarkGFM
import Foundation
package import Rendering
import Syntax

/// Reads the text between cells: GitHub's Markdown by cmark-gfm, formulas, inline values, alerts and labels by passes
/// over its tree.
package struct ProseParser {
  /// A link to a place in the document.
  package struct Reference {
    package var id: String
    /// Lines of the file, from 0, of the block that it stands in.
    package var lines: ClosedRange<Int>
  }

  package struct Result {
    package var blocks: [ProseBlock] = []
    /// Ids of headings, in order.
    package var headings: [String] = []
    /// Labels of equations by number.
    package var equations: [String] = []
    package var references: [Reference] = []
    /// Formulas with what is not understood in them.
    package var formulas: [(tex: String, problems: [Mathematics.Problem], lines: ClosedRange<Int>)] = []
    /// Pictures that are not part of the report, with the reason.
    package var missingImages: [(path: String, reason: String, lines: ClosedRange<Int>)] = []
  }

  private let text: ProseText
  /// What each inline value shows; nil for one that gave nothing.
  private let values: [String?]
  private let sources: [String]
  private let readFile: (String) -> [UInt8]?
  private var result = Result()
  private var lines = 0...0
  private var takenIDs: Set<String>
  private var footnoteUses: [Int: Int] = [:]
  private var footnoteNumber = 0

  /// How deep blocks and inlines nest; what lies deeper is shown as text.
  private static let depthLimit = 60
  private static let imageLimit = 2 << 20

  /// - Parameters:
  ///   - values: What the document's inline values show, in their order; empty before a run.
  ///   - readFile: A file beside the notebook, for pictures.
  package static func parse(
    _ document: NotebookDocument, values: [String?] = [], readFile: @escaping (String) -> [UInt8]? = { _ in nil }
  ) -> Result {
    let text = ProseText(document)
    var parser = ProseParser(
      text: text, values: values,
      sources: document.inlineValues.map {
        String(decoding: document.source.bytes[$0.code.start..<$0.code.end], as: UTF8.self)
      }, readFile: readFile, takenIDs: Set(document.cells.compactMap(\.label)))
    parser.run(text.bytes)
    return parser.result
  }

  /// The words of a caption: inline Markdown with formulas.
  static func caption(_ caption: String) -> [ProseInline] {
    let source = SourceText(id: SourceID(-1), name: "caption", bytes: Array(caption.utf8))
    var document = NotebookDocument(
      source: source, parts: [.prose(.init(start: 0, end: source.bytes.count))], frontMatter: FrontMatter(),
      diagnostics: [])
    document.textRanges = [.init(start: 0, end: source.bytes.count)]
    let blocks = parse(document).blocks
    guard blocks.count == 1, case .paragraph(let content) = blocks[0] else { return [.text(caption)] }
    return content
  }

  private init(
    text: ProseText, values: [String?], sources: [String], readFile: @escaping (String) -> [UInt8]?,
    takenIDs: Set<String>
  ) {
    self.text = text
    self.values = values
    self.sources = sources
    self.readFile = readFile
    self.takenIDs = takenIDs
  }

  private static let extensions = ["table", "strikethrough", "tasklist", "autolink"]
  private static let registered: Void = cmark_gfm_core_extensions_ensure_registered()

  private mutating func run(_ bytes: [UInt8]) {
    _ = ProseParser.registered
    let options = CMARK_OPT_VALIDATE_UTF8 | CMARK_OPT_FOOTNOTES
    guard let parser = cmark_parser_new(options) else { return }
    defer { cmark_parser_free(parser) }
    for name in ProseParser.extensions {
      if let found = cmark_find_syntax_extension(name) { cmark_parser_attach_syntax_extension(parser, found) }
    }
    bytes.withUnsafeBytes { buffer in
      buffer.withMemoryRebound(to: CChar.self) { cmark_parser_feed(parser, $0.baseAddress, $0.count) }
    }
    guard let root = cmark_parser_finish(parser) else { return }
    defer { cmark_node_free(root) }
    result.blocks = blocks(of: root, depth: 0)
  }

  // MARK: - Nodes

  private typealias Node = OpaquePointer

  private func children(_ node: Node) -> [Node] {
    var result: [Node] = []
    var child = cmark_node_first_child(node)
    while let next = child {
      result.append(next)
      child = cmark_node_next(next)
    }
    return result
  }

  private func kind(_ node: Node) -> String {
    // Footnotes have no names.
    switch cmark_node_get_type(node) {
    case CMARK_NODE_FOOTNOTE_DEFINITION: "footnote_definition"
    case CMARK_NODE_FOOTNOTE_REFERENCE: "footnote_reference"
    default: String(cString: cmark_node_get_type_string(node))
    }
  }
  private func literal(_ node: Node) -> String { cmark_node_get_literal(node).map { String(cString: $0) } ?? "" }

  /// Lines of the file that a block takes.
  private func place(_ node: Node) -> ClosedRange<Int> {
    func line(_ number: Int32) -> Int { text.lines[max(0, min(text.lines.count - 1, Int(number) - 1))] }
    let first = line(cmark_node_get_start_line(node))
    return first...max(first, line(cmark_node_get_end_line(node)))
  }

  // MARK: - Blocks

  private mutating func blocks(of node: Node, depth: Int) -> [ProseBlock] {
    guard depth < ProseParser.depthLimit else { return [.paragraph([.text("…")])] }
    return children(node).flatMap { block($0, depth: depth) }
  }

  private mutating func block(_ node: Node, depth: Int) -> [ProseBlock] {
    lines = place(node)
    switch kind(node) {
    case "paragraph": return paragraph(inlines(of: node, depth: 0))
    case "heading": return [heading(node)]
    case "thematic_break": return [.rule]
    case "code_block": return [code(node)]
    case "block_quote": return [quote(node, depth: depth)]
    case "list":
      let isOrdered = cmark_node_get_list_type(node) == CMARK_ORDERED_LIST
      return [
        .list(
          ProseList(
            isOrdered: isOrdered, start: Int(cmark_node_get_list_start(node)),
            isTight: cmark_node_get_list_tight(node) != 0,
            items: children(node).map { item in
              let isTask = kind(item) == "tasklist"
              return ProseList.Item(
                blocks: blocks(of: item, depth: depth + 1),
                isChecked: isTask ? cmark_gfm_extensions_get_tasklist_item_checked(item) : nil)
            }))
      ]
    case "table": return [table(node)]
    case "footnote_definition":
      footnoteNumber += 1
      return [.footnote(number: footnoteNumber, blocks(of: node, depth: depth + 1))]
    case "html_block":
      // A comment is for whoever reads the source.
      let html = restored(literal(node))
      if html.hasPrefix("<!--") { return [] }
      return [.paragraph([.text(html.trimmingCharacters(in: .whitespacesAndNewlines))])]
    default: return blocks(of: node, depth: depth + 1)
    }
  }

  /// A paragraph; one that is a formula alone is an equation.
  private mutating func paragraph(_ content: [ProseInline]) -> [ProseBlock] {
    guard content.count == 1, case .mathematics(let tex, true) = content[0] else { return [.paragraph(content)] }
    guard let label = displayLabel else { return [.equation(tex: tex, id: nil, number: nil)] }
    displayLabel = nil
    result.equations.append(label)
    return [.equation(tex: tex, id: label, number: result.equations.count)]
  }

  /// The label of the last formula on lines of its own.
  private var displayLabel: String?

  private mutating func heading(_ node: Node) -> ProseBlock {
    var content = inlines(of: node, depth: 0)
    var id = ProseParser.slug(content.plainText)
    // `## Title {#sec-name}`
    if case .text(let last)? = content.last, last.hasSuffix("}"), let start = last.range(of: "{#", options: .backwards)
    {
      let name = String(last[start.upperBound...].dropLast())
      if name.hasPrefix("sec-"), name.allSatisfy({ $0.isASCII && ($0.isLowercase || $0.isNumber || $0 == "-") }) {
        id = name
        let rest = last[..<start.lowerBound]
        content[content.count - 1] = .text(String(rest.reversed().drop { $0 == " " }.reversed()))
      }
    }
    if id.isEmpty { id = "section" }
    var unique = id
    var count = 0
    while !takenIDs.insert(unique).inserted {
      count += 1
      unique = "\(id)-\(count)"
    }
    result.headings.append(unique)
    return .heading(
      level: Int(cmark_node_get_heading_level(node)), id: unique, number: nil, content: content)
  }

  /// As code hosts make ids of headings: lower case, spaces to `-`, no punctuation.
  static func slug(_ text: String) -> String {
    String(
      text.lowercased().compactMap { character -> Character? in
        if character == " " { return "-" }
        return character.isLetter || character.isNumber || character == "-" || character == "_" ? character : nil
      })
  }

  private func code(_ node: Node) -> ProseBlock {
    let info = cmark_node_get_fence_info(node).map { String(cString: $0) } ?? ""
    let words = info.split(separator: " ")
    if words.count == 2, words[0] == text.cellWord, let number = Int(words[1]) { return .cell(number - 1) }
    let code = restored(literal(node))
    let language = words.first.map { restored(String($0)) }
    let pieces = language == "swift" ? CodeHighlighter.pieces(Array(code.utf8)) : [CodePiece(code, .plain)]
    return .code(language: language, pieces: pieces)
  }

  private mutating func quote(_ node: Node, depth: Int) -> ProseBlock {
    var content = blocks(of: node, depth: depth + 1)
    guard case .paragraph(var inlines)? = content.first, case .text(let text)? = inlines.first,
      let kind = ProseAlert.allCases.first(where: { text == "[!\($0.rawValue.uppercased())]" })
    else { return .quote(content) }
    inlines.removeFirst()
    if inlines.first == .softBreak || inlines.first == .lineBreak { inlines.removeFirst() }
    if inlines.isEmpty { content.removeFirst() } else { content[0] = .paragraph(inlines) }
    return .alert(kind, content)
  }

  private mutating func table(_ node: Node) -> ProseBlock {
    let count = Int(cmark_gfm_extensions_get_table_columns(node))
    let sides = cmark_gfm_extensions_get_table_alignments(node)
    let alignments = (0..<count).map { column -> ProseTable.Alignment in
      switch sides?[column] {
      case UInt8(ascii: "l"): .left
      case UInt8(ascii: "c"): .center
      case UInt8(ascii: "r"): .right
      default: .none
      }
    }
    var rows = children(node).map { row in children(row).map { inlines(of: $0, depth: 0) } }
    let header = rows.isEmpty ? [] : rows.removeFirst()
    return .table(ProseTable(alignments: alignments, header: header, rows: rows))
  }

  // MARK: - Inlines

  private mutating func inlines(of node: Node, depth: Int) -> [ProseInline] {
    guard depth < ProseParser.depthLimit else { return [.text("…")] }
    var content: [ProseInline] = []
    for child in children(node) {
      for inline in inline(child, depth: depth) {
        // Markdown splits texts at characters that turned out to mean nothing.
        if case .text(let more) = inline, case .text(let text)? = content.last {
          content[content.count - 1] = .text(text + more)
        } else {
          content.append(inline)
        }
      }
    }
    return content
  }

  private mutating func inline(_ node: Node, depth: Int) -> [ProseInline] {
    switch kind(node) {
    case "text": return marked(literal(node))
    case "softbreak": return [.softBreak]
    case "linebreak": return [.lineBreak]
    case "code": return [.code(restored(literal(node)))]
    case "html_inline":
      let html = restored(literal(node))
      return html.hasPrefix("<!--") ? [] : [.text(html)]
    case "emph": return [.emphasis(inlines(of: node, depth: depth + 1))]
    case "strong": return [.strong(inlines(of: node, depth: depth + 1))]
    case "strikethrough": return [.strikethrough(inlines(of: node, depth: depth + 1))]
    case "link":
      let target = restored(cmark_node_get_url(node).map { String(cString: $0) } ?? "")
      let title = restored(cmark_node_get_title(node).map { String(cString: $0) } ?? "")
      if target.hasPrefix("#") {
        let id = String(target.dropFirst())
        result.references.append(Reference(id: id.removingPercentEncoding ?? id, lines: lines))
      }
      return [.link(target: target, title: title, inlines(of: node, depth: depth + 1))]
    case "image": return image(node, depth: depth)
    case "footnote_reference":
      guard let number = Int(literal(node)) else { return [.text(restored(literal(node)))] }
      footnoteUses[number, default: 0] += 1
      return [.footnoteReference(number: number, occurrence: footnoteUses[number] ?? 1)]
    default: return inlines(of: node, depth: depth + 1)
    }
  }

  private mutating func image(_ node: Node, depth: Int) -> [ProseInline] {
    let path = restored(cmark_node_get_url(node).map { String(cString: $0) } ?? "")
    let words = inlines(of: node, depth: depth + 1)
    func missing(_ reason: String) -> [ProseInline] {
      result.missingImages.append((path, reason, lines))
      return [.link(target: path, title: "", [.text("[picture: ")] + words + [.text("]")])]
    }
    if path.contains("://") || path.hasPrefix("//") { return missing("it lies elsewhere, and a report loads nothing") }
    guard let bytes = readFile(path.removingPercentEncoding ?? path) else { return missing("there is no such file") }
    guard bytes.count <= ProseParser.imageLimit else { return missing("it is larger than 2 MB") }
    guard let type = ProseParser.imageType(bytes) else { return missing("it is no PNG, JPEG, GIF, WebP or SVG") }
    return [.image(type: type, bytes: bytes, alternative: words.plainText)]
  }

  private static func imageType(_ bytes: [UInt8]) -> String? {
    if bytes.starts(with: [0x89, 0x50, 0x4E, 0x47]) { return "image/png" }
    if bytes.starts(with: [0xFF, 0xD8, 0xFF]) { return "image/jpeg" }
    if bytes.starts(with: Array("GIF8".utf8)) { return "image/gif" }
    if bytes.starts(with: Array("RIFF".utf8)), bytes.count > 12, bytes[8..<12].elementsEqual(Array("WEBP".utf8)) {
      return "image/webp"
    }
    let start = String(decoding: bytes.prefix(400), as: UTF8.self)
    return start.contains("<svg") ? "image/svg+xml" : nil
  }

  // MARK: - Marks

  /// A text with formulas and values in the place of their marks.
  private mutating func marked(_ literal: String) -> [ProseInline] {
    split(literal).map { piece in
      switch piece {
      case .text(let words): return .text(words)
      case .mark(let index):
        switch text.marks[index].mark {
        case .formula(let tex, let isDisplay, let label):
          let problems = Mathematics.mathML(tex, isDisplay: isDisplay).problems
          if !problems.isEmpty { result.formulas.append((tex, problems, lines)) }
          if isDisplay { displayLabel = label }
          return .mathematics(tex: tex, isDisplay: isDisplay)
        case .value(let number):
          if number < values.count, let shown = values[number] { return .value(shown) }
          return .failedValue(number < sources.count ? sources[number] : "")
        }
      }
    }
  }

  /// A text with the source of marks in their place: where Markdown has it verbatim.
  private func restored(_ literal: String) -> String {
    split(literal).map { piece in
      switch piece {
      case .text(let words): words
      case .mark(let index): text.marks[index].source
      }
    }.joined()
  }

  private enum Piece {
    case text(String)
    case mark(Int)
  }

  private func split(_ literal: String) -> [Piece] {
    guard literal.contains(text.opening) else { return literal.isEmpty ? [] : [.text(literal)] }
    var result: [Piece] = []
    var rest = literal[...]
    while let start = rest.firstIndex(of: text.opening), let end = rest[start...].firstIndex(of: text.closing),
      let number = Int(rest[rest.index(after: start)..<end]), text.marks.indices.contains(number)
    {
      if start > rest.startIndex { result.append(.text(String(rest[..<start]))) }
      result.append(.mark(number))
      rest = rest[rest.index(after: end)...]
    }
    if !rest.isEmpty { result.append(.text(String(rest))) }
    return result
  }
}
