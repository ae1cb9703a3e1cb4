// Tables, words and tags.
extension TeXParser {
  private enum Look {
    /// Pairs of columns that meet at a relation.
    case aligned
    case centered
    case cases
    case matrix(left: String, right: String)
    case small
    /// Columns by a specification.
    case array
  }

  private static func look(_ name: String) -> Look? {
    switch name {
    case "aligned", "align", "align*", "split", "alignedat", "alignat", "alignat*", "eqnarray", "eqnarray*", "flalign",
      "flalign*":
      .aligned
    case "gathered", "gather", "gather*", "multline", "multline*", "equation", "equation*": .centered
    case "cases", "dcases", "rcases": .cases
    case "matrix": .matrix(left: "", right: "")
    case "pmatrix": .matrix(left: "(", right: ")")
    case "bmatrix": .matrix(left: "[", right: "]")
    case "Bmatrix": .matrix(left: "{", right: "}")
    case "vmatrix": .matrix(left: "|", right: "|")
    case "Vmatrix": .matrix(left: "‖", right: "‖")
    case "smallmatrix": .small
    case "array": .array
    default: nil
    }
  }

  /// Names of environments, for suggestions.
  private static let environmentNames = [
    "Bmatrix", "Vmatrix", "align", "aligned", "array", "bmatrix", "cases", "gather", "gathered", "matrix", "pmatrix",
    "smallmatrix", "split", "vmatrix",
  ]

  /// `\begin{…} … \end{…}`, from behind its `\begin`.
  mutating func environment(_ start: Int) -> MathNode {
    guard let name = rawArgument()?.text else { return failure("`\\begin` wants a name in braces", from: start) }
    guard let look = TeXParser.look(name) else {
      let near = TeXParser.environmentNames.first {
        TeXCommands.editDistance(Array($0.utf8.prefix(24)), Array(name.utf8.prefix(24))) <= 2
      }
      let begin = failure(
        "unknown environment `\(name.prefix(40))`", help: near.map { "did you mean `\($0)`?" }, from: start)
      // What is inside is shown as a table; its end is taken silently.
      openEnvironments += 1
      let rows = nested { $0.rows(.centered) }
      openEnvironments -= 1
      close(name, start)
      return row([begin, table(rows, .centered, name, [])])
    }
    var alignments: [String] = []
    if case .array = look { alignments = columns(start) }
    if name.hasPrefix("alignat") || name == "alignedat" { _ = rawArgument() }
    if case .aligned = look { skipPlace() }
    if case .centered = look { skipPlace() }
    openEnvironments += 1
    let rows = nested { $0.rows(look) }
    openEnvironments -= 1
    close(name, start)
    return table(rows, look, name, alignments)
  }

  /// Passes over the `[t]` of `aligned`.
  private mutating func skipPlace() {
    let start = index
    skipSpaces()
    if isAt("[") {
      advance()
      if isAt("t") || isAt("b") || isAt("c") {
        advance()
        if isAt("]") { return advance() }
      }
    }
    index = start
  }

  private mutating func close(_ name: String, _ start: Int) {
    guard token.kind == .command("end") else {
      return reportStructure("this `\\begin{\(name)}` has no `\\end`", at: tokens[start].range)
    }
    let stop = index
    advance()
    if let found = rawArgument()?.text, found == name { return }
    reportStructure(
      "this `\\end` does not belong to `\\begin{\(name)}`", help: "write `\\end{\(name)}`", at: range(from: stop))
  }

  /// A row of a table: its cells, its tag, and the space wanted below it in thousandths of an em.
  private struct Row {
    var cells: [[MathNode]] = []
    var tag: [MathNode] = []
    var spaceBelow = 0
    var isBlank: Bool { cells.allSatisfy(\.isEmpty) && tag.isEmpty }
  }

  private mutating func rows(_ look: Look) -> [Row] {
    let inner: Bool =
      switch look {
      case .aligned, .centered: true
      case .cases, .matrix, .small, .array: false
      }
    let outerTag = tag
    var rows: [Row] = []
    var row = Row()
    tag = []
    reading: while true {
      row.cells.append(scoped(isDisplay: inner) { $0.list(.cell) })
      switch token.kind {
      case .ampersand:
        advance()
        continue
      case .command(let name):
        guard case .newRow = TeXCommands.byName[name] else { break reading }
        advance()
        if isAt("*") { advance() }
        row.spaceBelow = rowSpace()
        row.tag = tag
        tag = []
        rows.append(row)
        row = Row()
        continue
      case .openBrace, .closeBrace, .superscript, .subscript, .character, .space, .end: break reading
      }
    }
    row.tag = tag
    tag = outerTag
    if !row.isBlank || rows.isEmpty { rows.append(row) }
    return rows
  }

  /// The length in `\\[1ex]`, in thousandths of an em; zero where there is none.
  private mutating func rowSpace() -> Int {
    let start = index
    skipSpaces()
    guard isAt("[") else {
      index = start
      return 0
    }
    advance()
    var length = ""
    while case .character(let character) = token.kind, character != "]", length.utf8.count < 16 {
      length += character
      advance()
    }
    guard isAt("]"), let size = TeXParser.thousandths(length) else {
      index = start
      return 0
    }
    advance()
    return size
  }

  private static func thousandths(_ length: String) -> Int? {
    let units: [(String, Double)] = [
      ("em", 1000), ("ex", 431), ("pt", 100), ("mm", 285), ("cm", 2845), ("in", 7227), ("mu", 56),
    ]
    for (unit, size) in units where length.hasSuffix(unit) {
      guard let number = Double(length.dropLast(unit.count)), abs(number) < 100 else { return nil }
      return Int(number * size)
    }
    return nil
  }

  /// The columns of an array: `l`, `c`, `r`.
  private mutating func columns(_ start: Int) -> [String] {
    guard let (specification, place) = rawArgument() else {
      report("`array` wants its columns, as in `\\begin{array}{lcr}`", at: range(from: start))
      return []
    }
    if specification.contains("|") {
      report("lines inside of tables are not drawn", help: "leave `|` out", at: place)
    }
    if specification.contains(where: { !"lcr| ".contains($0) }) {
      report("columns of an array are `l`, `c` or `r`", at: place)
    }
    return specification.compactMap {
      switch $0 {
      case "l": "left"
      case "c": "center"
      case "r": "right"
      default: nil
      }
    }
  }

  private func table(_ rows: [Row], _ look: Look, _ name: String, _ alignments: [String]) -> MathNode {
    let width = rows.map(\.cells.count).max() ?? 1
    let hasTags = rows.contains { !$0.tag.isEmpty }
    func alignment(_ column: Int) -> String? {
      switch look {
      case .aligned: column % 2 == 0 ? "right" : "left"
      case .centered, .matrix, .small: nil
      case .cases: "left"
      case .array: column < alignments.count && alignments[column] != "center" ? alignments[column] : nil
      }
    }
    let lines = rows.map { row -> MathNode in
      var cells = row.cells.enumerated().map { column, nodes -> MathNode in
        var parts = nodes
        // TeX puts an empty group before the sign at which the lines meet, so that it keeps its space.
        if case .aligned = look, column % 2 == 1, let first = parts.first, first.mathClass == .binary {
          parts[0].becomeInfix()
          parts[0].mathClass = .ordinary
        }
        parts = spaced(parts)
        if row.spaceBelow != 0, column == row.cells.count - 1 {
          parts.append(MathNode(.depth(max(0, 360 + row.spaceBelow)), .transparent))
        }
        return .element(.tableCell, alignment(column).map { [("columnalign", $0)] } ?? [], parts)
      }
      if hasTags, !row.tag.isEmpty {
        while cells.count < width { cells.append(.element(.tableCell, [])) }
        cells.append(.element(.tableCell, [.space(2000)] + row.tag))
      }
      return .element(.tableRow, cells)
    }
    var attributes: [(String, String)] = []
    switch look {
    case .aligned: attributes = [("displaystyle", "true"), ("columnspacing", "0")]
    case .centered: attributes = [("displaystyle", "true")]
    case .cases where name == "dcases": attributes = [("displaystyle", "true")]
    case .small: attributes = [("scriptlevel", "1")]
    case .cases, .matrix, .array: break
    }
    let table = MathNode.element(.table, attributes, lines)
    switch look {
    case .cases where name == "rcases": return fenced(table, "", "}")
    case .cases: return fenced(table, "{", "")
    case .matrix(let left, let right): return fenced(table, left, right)
    case .aligned, .centered, .small, .array: return table
    }
  }

  private func fenced(_ node: MathNode, _ left: String, _ right: String) -> MathNode {
    if left.isEmpty && right.isEmpty { return node }
    var nodes = [node]
    if !left.isEmpty {
      nodes.insert(MathNode(.operator(MathOperator(left, form: .prefix, isStretchy: true))), at: 0)
    }
    if !right.isEmpty { nodes.append(MathNode(.operator(MathOperator(right, form: .postfix, isStretchy: true)))) }
    return .element(.row, nodes)
  }

  /// `\substack{a \\ b}`.
  mutating func stackedLines(_ start: Int) -> MathNode {
    skipSpaces()
    guard token.kind == .openBrace else { return failure("an argument of `\\substack` is missing", from: start) }
    if let node = tooDeep() { return node }
    let brace = index
    advance()
    openBraces += 1
    let rows = nested { $0.rows(.matrix(left: "", right: "")) }
    openBraces -= 1
    if token.kind == .closeBrace {
      advance()
    } else {
      reportStructure("this `{` is never closed", at: tokens[brace].range)
    }
    return table(rows, .matrix(left: "", right: ""), "substack", [])
  }

  // MARK: - Words

  /// The argument of `\text` and its relatives.
  mutating func words(_ alphabet: MathAlphabet?, _ start: Int) -> MathNode {
    skipSpaces()
    guard token.kind == .openBrace else {
      if case .character(let character) = token.kind {
        advance()
        return MathNode(.text(alphabet?.mapped(character) ?? character))
      }
      return failure("an argument of `\(text(tokens[start].range))` is missing", from: start)
    }
    if let node = tooDeep() { return node }
    let nodes = nested { $0.wordGroup(alphabet) }
    if nodes.isEmpty { return MathNode(.text("")) }
    return nodes.count == 1 ? nodes[0] : .element(.row, nodes)
  }

  /// Words in braces, at the opening one: text, formulas between dollar signs, other fonts.
  private mutating func wordGroup(_ alphabet: MathAlphabet?) -> [MathNode] {
    let brace = index
    advance()
    openBraces += 1
    defer { openBraces -= 1 }
    var nodes: [MathNode] = []
    var plain = ""
    func flush() {
      if !plain.isEmpty { nodes.append(MathNode(.text(TeXParser.keepingEdges(alphabet?.mapped(plain) ?? plain)))) }
      plain = ""
    }
    while true {
      let start = index
      switch token.kind {
      case .end:
        flush()
        reportStructure("this `{` is never closed", at: tokens[brace].range)
        return nodes
      case .closeBrace:
        flush()
        advance()
        return nodes
      case .openBrace:
        flush()
        if let node = tooDeep() {
          nodes.append(node)
        } else {
          nodes += nested { $0.wordGroup(alphabet) }
        }
      case .space:
        plain += " "
        advance()
      case .character("$"):
        flush()
        advance()
        nodes.append(innerFormula(start))
      case .character("~"):
        plain += "\u{A0}"
        advance()
      case .character("`"):
        advance()
        if isAt("`") { advance() }
        plain += index - start == 2 ? "“" : "‘"
      case .character("'"):
        advance()
        if isAt("'") { advance() }
        plain += index - start == 2 ? "”" : "’"
      case .character("-"):
        while isAt("-"), index - start < 3 { advance() }
        plain += index - start == 1 ? "-" : index - start == 2 ? "–" : "—"
      case .character(let character):
        plain += character
        advance()
      case .superscript, .subscript, .ampersand:
        // Signs of formulas show as they are in words.
        plain += text(token.range)
        advance()
      case .command(let name):
        advance()
        switch (name, TeXCommands.byName[name]) {
        case ("{", _), ("}", _), ("$", _), ("%", _), ("&", _), ("#", _), ("_", _): plain += name
        case (_, .text(let inner)):
          flush()
          nodes.append(words(inner ?? alphabet, start))
        case (_, .space(let size)):
          if size == 250 {
            plain += "\u{A0}"
          } else {
            flush()
            nodes.append(.space(size))
          }
        case (_, .none):
          flush()
          nodes.append(unknown(name, from: start))
        case (_, .some):
          flush()
          nodes.append(
            failure(
              "`\\\(name.prefix(40))` is for formulas, not for words", help: "write `$…$` around it", from: start))
        }
      }
    }
  }

  /// A formula inside of words, from behind its dollar sign.
  private mutating func innerFormula(_ start: Int) -> MathNode {
    let nodes = scoped(isDisplay: false, font: .some(nil)) { parser in parser.nested { $0.list(.words) } }
    if isAt("$") {
      advance()
    } else {
      reportStructure("this `$` is never closed", at: tokens[start].range)
    }
    return row(nodes)
  }

  /// White space at the edges of text would be dropped.
  private static func keepingEdges(_ text: String) -> String {
    var text = text
    if text.hasPrefix(" ") { text = "\u{A0}" + text.dropFirst() }
    if text.hasSuffix(" ") { text = text.dropLast() + "\u{A0}" }
    return text
  }

  // MARK: - Tags

  /// The argument of `\tag`, kept for the right of its line.
  mutating func readTag() {
    let start = max(0, index - 1)
    skipSpaces()
    let isBare = isAt("*")
    if isBare { advance() }
    skipSpaces()
    guard token.kind == .openBrace else {
      return report("an argument of `\\tag` is missing", at: range(from: start))
    }
    let inside = words(nil, start)
    tag = isBare ? [inside] : [MathNode(.text("(")), inside, MathNode(.text(")"))]
  }
}
