import Foundation
package import Syntax
import Yams

/// Reads `.nb.md` files: Markdown with executable fences.
package struct NotebookParser {
  package static let frontMatterKeys = [
    "title", "subtitle", "author", "date", "lang", "description", "engine", "seed", "params", "tolerance",
    "bibliography",
    "toc",
    "number-sections", "theme", "code", "data",
  ]
  package static let optionKeys = [
    "cache", "refresh", "seed", "timeout", "params", "error", "caption", "alt", "width", "height", "code-summary",
    "columns", "subcaptions", "output",
  ]

  private let source: SourceText
  private let version: [Int]
  private var diagnostics: [Diagnostic] = []
  private var parts: [NotebookDocument.Part] = []
  private var textRanges: [NotebookDocument.ByteRange] = []
  private var frontMatter = FrontMatter()
  private var labels: [String: SourceSpan] = [:]
  private var cellCount = 0

  /// - Parameter version: of this program, for `engine:` in the front matter.
  package static func parse(_ source: SourceText, version: [Int]) -> NotebookDocument {
    var parser = NotebookParser(source: source, version: version)
    parser.run()
    var document = NotebookDocument(
      source: source, parts: parser.parts, frontMatter: parser.frontMatter, diagnostics: parser.diagnostics)
    document.textRanges = parser.textRanges
    let inline = InlineValues.find(source, in: parser.textRanges)
    document.inlineValues = inline.values
    document.diagnostics += inline.diagnostics
    return document
  }

  private init(source: SourceText, version: [Int]) {
    self.source = source
    self.version = version
  }

  private var bytes: [UInt8] { source.bytes }
  private var lineCount: Int { source.lineStarts.count }
  private func lineStart(_ line: Int) -> Int { Int(source.lineStarts[line]) }
  /// After the line's terminator.
  private func lineEnd(_ line: Int) -> Int { line + 1 < lineCount ? Int(source.lineStarts[line + 1]) : bytes.count }

  /// The line without its terminator.
  private func content(_ line: Int) -> ArraySlice<UInt8> {
    var end = lineEnd(line)
    let start = lineStart(line)
    if end > start, bytes[end - 1] == 0x0A { end -= 1 }
    if end > start, bytes[end - 1] == 0x0D { end -= 1 }
    return bytes[start..<end]
  }

  private func text(_ slice: ArraySlice<UInt8>) -> String { String(decoding: slice, as: UTF8.self) }
  private func span(_ start: Int, _ end: Int) -> SourceSpan {
    SourceSpan(source: source.id, start: Int32(start), end: Int32(end))
  }

  private mutating func run() {
    checkEncoding()
    var line = 0
    var proseStart = 0
    var textStart = 0
    // Ends a stretch of plain text before a line; the next begins after another.
    func text(until line: Int) -> NotebookDocument.ByteRange? {
      textStart < lineStart(line) ? .init(start: textStart, end: lineStart(line)) : nil
    }
    if let end = parseFrontMatter() {
      parts.append(.frontMatter(.init(start: 0, end: lineEnd(end))))
      line = end + 1
      proseStart = lineEnd(end)
      textStart = proseStart
    }
    while line < lineCount {
      if opensComment(line) {
        if let range = text(until: line) { textRanges.append(range) }
        line = commentEnd(line) + 1
        textStart = line < lineCount ? lineStart(line) : bytes.count
        continue
      }
      guard let fence = openingFence(line) else {
        line += 1
        continue
      }
      if let range = text(until: line) { textRanges.append(range) }
      var close = line + 1
      while close < lineCount, !closes(fence, close) { close += 1 }
      if !fence.isExecutable { checkDisplayed(fence, open: line, isClosed: close < lineCount) }
      if fence.isExecutable {
        if proseStart < lineStart(line) { parts.append(.prose(.init(start: proseStart, end: lineStart(line)))) }
        if close >= lineCount {
          diagnostics.append(
            Diagnostic(
              "N003", "the cell is not closed", at: span(lineStart(line), lineStart(line) + content(line).count),
              caret: "opened here",
              help: "end it with a line of \(String(repeating: fence.character, count: fence.length))"))
        }
        parseCell(fence, open: line, close: close)
        proseStart = close < lineCount ? lineEnd(close) : bytes.count
      }
      line = close + 1
      textStart = close < lineCount ? lineEnd(close) : bytes.count
    }
    if textStart < bytes.count { textRanges.append(.init(start: textStart, end: bytes.count)) }
    if proseStart < bytes.count { parts.append(.prose(.init(start: proseStart, end: bytes.count))) }
  }

  private mutating func checkEncoding() {
    guard String(validating: bytes, as: UTF8.self) == nil else { return }
    var position = 0
    while position < bytes.count {
      let byte = bytes[position]
      let length = byte < 0x80 ? 1 : byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC2 ? 2 : 0
      let isGood =
        length > 0 && position + length <= bytes.count
        && String(validating: bytes[position..<(position + max(1, length))], as: UTF8.self) != nil
      guard isGood else {
        diagnostics.append(
          Diagnostic(
            "N002", "the file is not UTF-8", at: span(position, position + 1),
            found: "the byte 0x" + String(byte, radix: 16, uppercase: true), help: "save it as UTF-8"))
        return
      }
      position += length
    }
  }

  // MARK: - Text between cells

  /// Whether an HTML comment starts here: what it hides is no cell.
  private func opensComment(_ line: Int) -> Bool {
    let slice = content(line)
    let indent = slice.prefix { $0 == 0x20 }.count
    return indent <= 3 && slice.dropFirst(indent).starts(with: "<!--".utf8)
  }

  /// The line that ends a comment; one that is never closed is reported, since it would hide the rest of the file.
  private mutating func commentEnd(_ line: Int) -> Int {
    let mark = Array("-->".utf8)
    var last = line
    while last < lineCount {
      let slice = content(last)
      if let end = slice.indices.first(where: { slice[$0...].starts(with: mark) }),
        last > line || end > slice.startIndex + 3
      {
        return last
      }
      last += 1
    }
    diagnostics.append(
      Diagnostic(
        "N018", "the comment is not closed", at: span(lineStart(line), lineStart(line) + content(line).count),
        caret: "opened here", help: "end it with `-->`"))
    return lineCount
  }

  /// A fence that is only shown: it must be closed, and not look like a cell in another tool's spelling.
  private mutating func checkDisplayed(_ fence: Fence, open: Int, isClosed: Bool) {
    let slice = content(open)
    if !isClosed {
      diagnostics.append(
        Diagnostic(
          "N003", "the block is not closed", at: span(lineStart(open), lineStart(open) + slice.count),
          caret: "opened here",
          help:
            "end it with a line of \(String(repeating: fence.character, count: fence.length)); cells below it would be lost"
        ))
    }
    let info = text(slice[fence.attributes...])
    if info.hasPrefix("{swift") || info.hasPrefix("{.swift") {
      diagnostics.append(
        Diagnostic(
          "N019", "a cell names its language before the braces", at: span(fence.attributes, slice.endIndex),
          expected: "`swift {#label .flag}`", found: "`\(info)`",
          help: "write `swift {…}`, or `swift {}` without a label"))
    }
  }

  // MARK: - Front matter

  private mutating func parseFrontMatter() -> Int? {
    guard lineCount > 1 else { return nil }
    var first = content(0)
    if first.starts(with: [0xEF, 0xBB, 0xBF]) { first = first.dropFirst(3) }
    guard text(first).trimmingCharacters(in: .whitespaces) == "---" else { return nil }
    guard
      let end = (1..<lineCount).first(where: {
        ["---", "..."].contains(text(content($0)).trimmingCharacters(in: .whitespaces))
      })
    else {
      diagnostics.append(
        Diagnostic(
          "N004", "the front matter is not closed", at: span(lineStart(0), lineStart(0) + 3), caret: "opened here",
          help: "end it with a line of `---`"))
      return nil
    }
    let yaml = text(bytes[lineStart(1)..<lineStart(end)])
    guard !NotebookParser.nestsTooDeeply(yaml) else {
      diagnostics.append(
        Diagnostic(
          "N005", "the front matter nests too deeply", at: span(lineStart(1), lineStart(1) + content(1).count),
          expected: "scalars, flat lists, and one level of keys"))
      return end
    }
    do {
      guard let node = try Yams.compose(yaml: yaml) else { return end }
      guard let mapping = node.mapping else {
        diagnostics.append(
          Diagnostic(
            "N005", "the front matter has no `key: value` lines",
            at: span(lineStart(1), lineStart(1) + content(1).count)))
        return end
      }
      for (key, value) in mapping { take(key, value) }
    } catch YamlError.duplicatedKeysInMapping(let keys, _) {
      reportDuplicates(keys, in: 1..<end)
    } catch let error as YamlError {
      let (mark, words) = NotebookParser.place(error)
      let whole = span(lineStart(1), lineStart(1) + content(1).count)
      // A mark at the end of a text points behind it: the last line is meant then.
      let at = mark.flatMap { mark in
        offset(line: min(mark.line, end - 1), column: mark.line < end ? mark.column : Int.max)
      }
      diagnostics.append(
        Diagnostic(
          "N005", "the front matter is not YAML: \(words)", at: at.map { span($0, $0 + 1) } ?? whole,
          help: "quote texts that hold `:`, `#`, brackets or quotes"))
    } catch {
      diagnostics.append(
        Diagnostic("N005", "the front matter is not YAML", at: span(lineStart(1), lineStart(1) + content(1).count)))
    }
    return end
  }

  /// Keys that stand twice, each at its second place.
  private mutating func reportDuplicates(_ keys: [String], in lines: Range<Int>) {
    for key in keys.sorted() {
      let places = lines.filter { text(content($0)).drop { $0 == " " }.hasPrefix(key + ":") }
      guard places.count > 1 else { continue }
      let spans = places.map { line in
        let start = lineStart(line) + content(line).prefix { $0 == 0x20 }.count
        return span(start, start + key.utf8.count)
      }
      diagnostics.append(
        Diagnostic(
          "N015", "the key `\(key)` stands twice", at: spans[1], labels: [.init(span: spans[0], text: "first here")]))
    }
    if diagnostics.isEmpty {
      diagnostics.append(
        Diagnostic("N015", "a key stands twice", at: span(lineStart(1), lineStart(1) + content(1).count)))
    }
  }

  /// Whether a text could exhaust the stack of a YAML reader, which works by recursion.
  static func nestsTooDeeply(_ yaml: String) -> Bool {
    var brackets = 0
    var indents: [Int] = []
    for line in yaml.utf8.split(separator: 0x0A) {
      let body = line.drop { $0 == 0x20 }
      let indent = line.count - body.count
      while let last = indents.last, last > indent { indents.removeLast() }
      if indents.last != indent { indents.append(indent) }
      // `- - - x` nests once per dash.
      var dashes = 0
      for byte in body {
        if byte == UInt8(ascii: "-") || byte == UInt8(ascii: "?") { dashes += 1 } else if byte != 0x20 { break }
      }
      for byte in line {
        if byte == UInt8(ascii: "[") || byte == UInt8(ascii: "{") { brackets += 1 }
        if byte == UInt8(ascii: "]") || byte == UInt8(ascii: "}") { brackets = max(0, brackets - 1) }
      }
      if brackets > 100 || indents.count > 100 || dashes > 100 { return true }
    }
    return false
  }

  private static func place(_ error: YamlError) -> (mark: Mark?, words: String) {
    switch error {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
      .composer(_, let problem, let mark, _):
      return (mark, problem)
    case .reader(let problem, _, _, _): return (nil, problem)
    default: return (nil, "it cannot be read")
    }
  }

  private func keySpan(_ key: Yams.Node) -> SourceSpan {
    valueSpan(key) ?? span(lineStart(1), lineStart(1) + content(1).count)
  }

  /// Where a scalar of the front matter stands; nil where it is written in another way than it reads.
  private func valueSpan(_ node: Yams.Node) -> SourceSpan? {
    guard let mark = node.mark, let start = offset(line: mark.line, column: mark.column), let text = node.string,
      !text.isEmpty, bytes[start...].starts(with: text.utf8)
    else { return nil }
    return span(start, start + text.utf8.count)
  }

  /// The byte offset of a place in the front matter, whose lines and columns count from 1 after the opening `---`.
  private func offset(line: Int, column: Int) -> Int? {
    guard line >= 1, line < lineCount, column >= 1 else { return nil }
    let slice = content(line)
    let scalars = text(slice).unicodeScalars.prefix(column - 1)
    return min(slice.endIndex, slice.startIndex + String(String.UnicodeScalarView(scalars)).utf8.count)
  }

  private mutating func take(_ key: Yams.Node, _ value: Yams.Node) {
    guard let name = key.string else { return }
    guard NotebookParser.frontMatterKeys.contains(name) else {
      diagnostics.append(
        Diagnostic(
          "N006", "`\(name)` is no key of the front matter", at: keySpan(key),
          help: Nearest.suggest(name, NotebookParser.frontMatterKeys).map { "did you mean `\($0)`?" }
            ?? "keys are \(NotebookParser.frontMatterKeys.joined(separator: ", "))"))
      return
    }
    if let scalar = value.string { frontMatter.values[name] = scalar }
    if let list = value.sequence { frontMatter.lists[name] = list.compactMap(\.string) }
    let place = valueSpan(value) ?? keySpan(key)
    switch name {
    case "toc", "number-sections":
      if value.bool == nil { wrongValue(name, at: place, expected: "`true` or `false`", found: value) }
    case "code":
      if !["show", "fold", "hide"].contains(value.string ?? "") {
        wrongValue(name, at: place, expected: "`show`, `fold` or `hide`", found: value)
      }
    case "seed":
      guard let seed = value.int, seed >= 0 else {
        wrongValue(name, at: place, expected: "a whole number, 0 or more", found: value)
        return
      }
      frontMatter.seed = seed
    case "tolerance":
      guard let tolerance = value.float, tolerance >= 0, tolerance.isFinite else {
        wrongValue(name, at: place, expected: "a number, 0 or more, such as `1e-6`", found: value)
        return
      }
      frontMatter.tolerance = tolerance
    case "engine":
      frontMatter.engine = value.string
      let words = (value.string ?? "").split(separator: ".", omittingEmptySubsequences: false)
      let wanted = words.compactMap { Int($0) }
      guard !wanted.isEmpty, wanted.count == words.count, wanted.allSatisfy({ $0 >= 0 }) else {
        wrongValue(name, at: place, expected: "a version, such as `0.1`", found: value)
        return
      }
      if version.lexicographicallyPrecedes(wanted) {
        diagnostics.append(
          Diagnostic(
            "N008", "the notebook needs a newer engine", at: place, expected: value.string,
            found: version.map(String.init).joined(separator: "."), help: "update Cairn, or lower `engine:`"))
      }
    case "params":
      if value.mapping == nil { wrongValue(name, at: place, expected: "lines `name: default`", found: value) }
      for (parameter, default_) in value.mapping.map({ Array($0) }) ?? [] {
        if let label = parameter.string, let text = default_.string { frontMatter.parameters[label] = text }
      }
    case "author", "bibliography", "data": break
    default:
      if value.string == nil { wrongValue(name, at: place, expected: "a text", found: value) }
      if name == "title" { frontMatter.title = value.string }
    }
  }

  private mutating func wrongValue(_ name: String, at place: SourceSpan, expected: String, found: Yams.Node) {
    diagnostics.append(
      Diagnostic(
        "N007", "the value of `\(name)` does not fit", at: place, expected: expected,
        found: found.string.map { "`\($0)`" } ?? (found.mapping == nil ? "a list" : "keys with values")))
  }

  // MARK: - Fences

  private struct Fence {
    var character: Character
    var length: Int
    var isExecutable: Bool
    /// Offset of `{` of the attributes.
    var attributes: Int
  }

  private func openingFence(_ line: Int) -> Fence? {
    let slice = content(line)
    var position = slice.startIndex
    if line == 0, slice.starts(with: [0xEF, 0xBB, 0xBF]) { position += 3 }
    var indent = 0
    while position < slice.endIndex, slice[position] == 0x20 {
      position += 1
      indent += 1
    }
    guard indent <= 3, position < slice.endIndex, slice[position] == 0x60 || slice[position] == 0x7E else { return nil }
    let mark = slice[position]
    var length = 0
    while position < slice.endIndex, slice[position] == mark {
      position += 1
      length += 1
    }
    guard length >= 3 else { return nil }
    let info = slice[position...]
    if mark == 0x60, info.contains(0x60) { return nil }
    while position < slice.endIndex, slice[position] == 0x20 || slice[position] == 0x09 { position += 1 }
    var isExecutable = false
    let word = Array("swift".utf8)
    if slice[position...].starts(with: word) {
      var rest = position + word.count
      while rest < slice.endIndex, slice[rest] == 0x20 || slice[rest] == 0x09 { rest += 1 }
      if rest < slice.endIndex, slice[rest] == UInt8(ascii: "{") {
        isExecutable = true
        position = rest
      }
    }
    return Fence(
      character: Character(Unicode.Scalar(mark)), length: length, isExecutable: isExecutable, attributes: position)
  }

  private func closes(_ fence: Fence, _ line: Int) -> Bool {
    let trimmed = text(content(line)).drop { $0 == " " }
    let run = trimmed.prefix { $0 == fence.character }
    return run.count >= fence.length && trimmed.dropFirst(run.count).allSatisfy { $0 == " " || $0 == "\t" }
  }

  private mutating func parseCell(_ fence: Fence, open: Int, close: Int) {
    cellCount += 1
    var cell = NotebookCell(
      number: cellCount, label: nil, flags: [], options: [:], errorPolicy: .none,
      errorSpan: span(lineStart(open), lineStart(open) + content(open).count), seed: nil,
      whole: .init(start: lineStart(open), end: close < lineCount ? lineEnd(close) : bytes.count),
      code: .init(start: lineEnd(open), end: close < lineCount ? lineStart(close) : bytes.count),
      firstLine: source.firstLine + open + 1)
    attributes(fence, open, &cell)
    var line = open + 1
    while line < close, content(line).starts(with: "//|".utf8) {
      option(line, &cell)
      line += 1
    }
    cell.code.start = line < lineCount ? min(lineStart(line), cell.code.end) : cell.code.end
    cell.firstLine = source.firstLine + line
    while line < close {
      if content(line).starts(with: "//|".utf8) {
        diagnostics.append(
          Diagnostic(
            "N023", "options come before the code of a cell",
            at: span(lineStart(line), lineStart(line) + content(line).count),
            help: "move the line up, or write `//` for a comment"))
      }
      line += 1
    }
    parts.append(.cell(cell))
  }

  private mutating func attributes(_ fence: Fence, _ line: Int, _ cell: inout NotebookCell) {
    let slice = content(line)
    guard let end = slice[fence.attributes...].firstIndex(of: UInt8(ascii: "}")) else {
      diagnostics.append(
        Diagnostic(
          "N009", "`{` of the cell's attributes is not closed", at: span(fence.attributes, fence.attributes + 1),
          help: "write `{#label .flag}`"))
      return
    }
    if !slice[(end + 1)...].allSatisfy({ $0 == 0x20 || $0 == 0x09 }) {
      diagnostics.append(
        Diagnostic(
          "N009", "text after the attributes",
          at: span(slice[(end + 1)...].firstIndex { $0 != 0x20 && $0 != 0x09 } ?? end, slice.endIndex),
          help: "options are lines `//| key: value`"))
    }
    var position = fence.attributes + 1
    while position < end {
      while position < end, slice[position] == 0x20 || slice[position] == 0x09 { position += 1 }
      let start = position
      while position < end, slice[position] != 0x20, slice[position] != 0x09 { position += 1 }
      guard position > start else { break }
      attribute(text(slice[start..<position]), span(start, position), &cell)
    }
  }

  private mutating func attribute(_ word: String, _ place: SourceSpan, _ cell: inout NotebookCell) {
    let name = String(word.dropFirst())
    if word.hasPrefix("#") {
      let isLawful =
        name.utf8.count <= 64 && name.first.map { $0.isASCII && $0.isLowercase } == true
        && name.allSatisfy { $0.isASCII && ($0.isLowercase || $0.isNumber || $0 == "-") }
      guard isLawful else {
        diagnostics.append(
          Diagnostic(
            "N010", "`\(name)` is no label", at: place,
            expected: "lower-case letters, digits and `-`, a letter first, at most 64"))
        return
      }
      if let first = labels[name] {
        diagnostics.append(
          Diagnostic(
            "N011", "the label `\(name)` stands twice", at: place, labels: [.init(span: first, text: "first here")],
            help: "labels are unique in a notebook"))
        return
      }
      if cell.label != nil {
        diagnostics.append(Diagnostic("N010", "a cell has one label", at: place))
        return
      }
      labels[name] = place
      cell.label = name
    } else if word.hasPrefix(".") {
      guard let flag = NotebookCell.Flag(rawValue: name) else {
        let known = NotebookCell.Flag.allCases.map(\.rawValue)
        diagnostics.append(
          Diagnostic(
            "N012", "`.\(name)` is no flag of a cell", at: place,
            help: Nearest.suggest(name, known).map { "did you mean `.\($0)`?" }
              ?? "flags are \(known.map { "." + $0 }.joined(separator: " "))"))
        return
      }
      cell.flags.insert(flag)
    } else {
      diagnostics.append(
        Diagnostic(
          "N009", "`\(word)` is neither a label nor a flag", at: place, expected: "`#label` or `.flag`",
          help: "options are lines `//| key: value` at the top of the cell"))
    }
  }

  private mutating func option(_ line: Int, _ cell: inout NotebookCell) {
    let slice = content(line)
    let body = text(slice.dropFirst(3))
    guard let colon = body.firstIndex(of: ":") else {
      diagnostics.append(
        Diagnostic("N013", "an option is `//| key: value`", at: span(slice.startIndex, slice.endIndex)))
      return
    }
    let key = body[..<colon].trimmingCharacters(in: .whitespaces)
    let offset = slice.startIndex + 3 + body[..<colon].prefix { $0 == " " }.utf8.count
    let place = span(offset, offset + key.utf8.count)
    guard NotebookParser.optionKeys.contains(key) else {
      diagnostics.append(
        Diagnostic(
          "N014", "`\(key)` is no option of a cell", at: place,
          help: Nearest.suggest(key, NotebookParser.optionKeys).map { "did you mean `\($0)`?" }
            ?? "options are \(NotebookParser.optionKeys.joined(separator: ", "))"))
      return
    }
    guard cell.options[key] == nil else {
      diagnostics.append(Diagnostic("N015", "the option `\(key)` stands twice", at: place))
      return
    }
    let raw = body[body.index(after: colon)...].trimmingCharacters(in: .whitespaces)
    let valueStart = min(slice.startIndex + 3 + body[...colon].utf8.count, slice.endIndex)
    let spaces = slice[valueStart...].prefix { $0 == 0x20 || $0 == 0x09 }.count
    let valuePlace = raw.isEmpty ? place : span(valueStart + spaces, valueStart + spaces + raw.utf8.count)
    guard !NotebookParser.nestsTooDeeply(raw), let node = try? Yams.compose(yaml: raw) ?? nil, node.mapping == nil,
      node.sequence?.allSatisfy({ $0.string != nil }) ?? true
    else {
      diagnostics.append(
        Diagnostic(
          "N013", "the value of `\(key)` cannot be read", at: valuePlace, expected: "a text, a number, or a flat list",
          found: raw.isEmpty ? "nothing" : raw))
      return
    }
    cell.options[key] = node.string ?? raw
    if let list = node.sequence { cell.lists[key] = list.compactMap(\.string) }
    func reject(_ expected: String) {
      diagnostics.append(
        Diagnostic(
          "N016", "the value of `\(key)` does not fit", at: valuePlace, expected: expected,
          found: "`\(raw)`"))
    }
    func ineffective() {
      diagnostics.append(
        Diagnostic(
          "N024", .warning, "the option `\(key)` has no effect in this version", at: place,
          help: "remove it, or leave it for a later version"))
    }
    let scalar = node.string ?? ""
    switch key {
    case "error":
      cell.errorSpan = span(slice.startIndex, slice.endIndex)
      guard let policy = NotebookCell.ErrorPolicy(rawValue: scalar), policy != .none else {
        return reject("`allow` or `require`")
      }
      cell.errorPolicy = policy
    case "seed":
      guard let seed = node.int, seed >= 0 else { return reject("a whole number, 0 or more") }
      cell.seed = seed
    case "output":
      guard let output = NotebookCell.Output(rawValue: scalar) else {
        return reject("`text`, `table`, `plot` or `all`")
      }
      cell.output = output
    case "cache":
      guard let policy = NotebookCell.CachePolicy(rawValue: scalar) else { return reject("`never`, `auto` or `pin`") }
      cell.cachePolicy = policy
    case "timeout", "params": ineffective()
    case "width", "height", "columns":
      guard let size = node.float, size > 0 else { return reject("a number above 0") }
    case "subcaptions":
      guard node.sequence != nil else { return reject("a list: `[first, second]`") }
    default:
      guard node.string != nil else { return reject("a text or number") }
    }
  }
}

/// The candidate nearest to a misspelled word.
package enum Nearest {
  package static func suggest(_ name: String, _ candidates: [String]) -> String? {
    let goal = Array(name.lowercased())
    let ranked = candidates.map { ($0, distance(goal, Array($0.lowercased()))) }.sorted { ($0.1, $0.0) < ($1.1, $1.0) }
    guard let best = ranked.first, best.1 <= max(1, goal.count / 3) else { return nil }
    return best.0
  }

  /// Edits between two words; two letters exchanged count once.
  package static func distance(_ a: [Character], _ b: [Character]) -> Int {
    var before: [Int] = []
    var previous = Array(0...b.count)
    for (i, x) in a.enumerated() {
      var row = [i + 1]
      for (j, y) in b.enumerated() {
        var next = min(previous[j + 1] + 1, row[j] + 1, previous[j] + (x == y ? 0 : 1))
        if i > 0, j > 0, x == b[j - 1], a[i - 1] == y { next = min(next, before[j - 1] + 1) }
        row.append(next)
      }
      before = previous
      previous = row
    }
    return previous[b.count]
  }
}
