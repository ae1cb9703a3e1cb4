/// Looking at tokens, taking them, and reporting.
extension Parser {
  var current: Token { tokens[cursor] }
  func peek(_ offset: Int = 1) -> Token { tokens[min(cursor + offset, tokens.count - 1)] }
  var isAtEnd: Bool { tokens[cursor].kind == .endOfFile }

  func text(_ token: Token) -> String {
    String(decoding: source.bytes[Int(token.start)..<Int(token.end)], as: UTF8.self)
  }

  func span(_ token: Token) -> SourceSpan { SourceSpan(source: source.id, start: token.start, end: token.end) }
  /// From a place to the end of the last token taken.
  func spanFrom(_ start: SourceSpan) -> SourceSpan {
    let end = cursor > 0 ? tokens[cursor - 1].end : start.end
    return SourceSpan(source: source.id, start: start.start, end: max(start.start, end))
  }
  /// The token at the cursor; at the end, behind the last one.
  var currentSpan: SourceSpan { isAtEnd ? place : span(current) }
  /// Where something is missing: the token at the cursor, or the end of the line before when that is on a new one.
  var place: SourceSpan {
    if cursor > 0, current.followsNewline || isAtEnd {
      let end = tokens[cursor - 1].end
      return SourceSpan(source: source.id, start: end, end: end)
    }
    return span(current)
  }

  func isAt(_ symbol: Symbol, _ offset: Int = 0) -> Bool {
    if case .symbol(let found) = peek(offset).kind { return found == symbol }
    return false
  }
  func isAt(_ keyword: Keyword, _ offset: Int = 0) -> Bool {
    if case .keyword(let found) = peek(offset).kind { return found == keyword }
    return false
  }
  /// A word that is a keyword only where its construct starts.
  func isAt(word: StaticString, _ offset: Int = 0) -> Bool {
    let token = peek(offset)
    guard token.kind == .identifier, Int(token.end - token.start) == word.utf8CodeUnitCount else { return false }
    for index in 0..<word.utf8CodeUnitCount
    where source.bytes[Int(token.start) + index] != word.utf8Start[index] { return false }
    return true
  }
  func isIdentifier(_ offset: Int = 0) -> Bool { peek(offset).kind == .identifier }
  /// On the same line as the token before.
  func isOnLine(_ offset: Int = 0) -> Bool { !peek(offset).followsNewline }

  @discardableResult
  mutating func advance() -> Token {
    let token = tokens[cursor]
    if cursor < tokens.count - 1 { cursor += 1 }
    return token
  }
  @discardableResult
  mutating func take(_ symbol: Symbol) -> Bool {
    guard isAt(symbol) else { return false }
    advance()
    return true
  }
  @discardableResult
  mutating func take(_ keyword: Keyword) -> Bool {
    guard isAt(keyword) else { return false }
    advance()
    return true
  }

  // MARK: - Messages

  /// Reports a mistake after which parsing goes on as if it were mended.
  mutating func note(_ diagnostic: Diagnostic) {
    guard !isPanicking, !isUnwinding else { return }
    if current.kind == .invalid {
      // The lexer has said what is wrong here.
      isPanicking = true
      return
    }
    if let start = diagnostic.span?.start {
      if start == lastErrorAt { return }
      lastErrorAt = start
    }
    if isAtEnd, interpolationDepth == 0, diagnostics.isEmpty { endedInside = true }
    if diagnostics.count < Parser.messageLimit { diagnostics.append(diagnostic) }
  }

  /// Reports a mistake that leaves unclear what follows.
  mutating func report(_ diagnostic: Diagnostic) {
    note(diagnostic)
    isPanicking = true
  }

  /// What stands at the cursor, for messages.
  var foundWords: String {
    if isAtEnd { return interpolationDepth > 0 ? "`)`" : "the end of the text" }
    return "`\(shortened(text(current), to: 24))`"
  }

  func shortened(_ text: String, to count: Int) -> String {
    text.count > count ? String(text.prefix(count)) + "…" : text
  }

  func expectation(_ what: String, _ code: String, help: String? = nil) -> Diagnostic {
    Diagnostic(code, "expected \(what)", at: place, expected: what, found: foundWords, help: help)
  }

  // MARK: - Depth

  static func tooDeep(at span: SourceSpan) -> Diagnostic {
    Diagnostic(
      "S004", "the nesting is too deep", at: span,
      expected: "at most \(depthLimit) levels, and chains of at most \(chainLimit) steps",
      help: "name intermediate results with `let`")
  }

  /// Opens a level of nesting; false when it is one too many. `leave` closes it in either case.
  mutating func enter() -> Bool {
    levels.append(height)
    height = 0
    if levels.count <= Parser.depthLimit { return !isUnwinding }
    giveUp()
    return false
  }
  mutating func leave() { height = max(levels.removeLast(), height + 1) }

  /// Adds a step to a chain, whose height so far is `height`; false when it is one too many.
  mutating func addStep() -> Bool {
    height += 1
    if height <= Parser.chainLimit { return true }
    giveUp()
    return false
  }

  private mutating func giveUp() {
    guard !isUnwinding else { return }
    if !isPanicking {
      note(Parser.tooDeep(at: currentSpan))
    }
    isUnwinding = true
    if interpolationDepth == 0 { markResumption() }
    cursor = tokens.count - 1
  }

  /// The statement of the text that is too deep ends with a line outside of its brackets.
  mutating func markResumption() {
    var index = statementStart
    while index < tokens.count - 1 {
      index = closers[index] > index ? Int(closers[index]) + 1 : index + 1
      if index > cursor, tokens[min(index, tokens.count - 1)].followsNewline { break }
    }
    resumption = min(index, tokens.count - 1)
  }

  // MARK: - Recovery

  /// Skips the token at the cursor, with everything inside when it is a bracket that is closed.
  mutating func skip() {
    if closers[cursor] >= 0 { cursor = Int(closers[cursor]) }
    advance()
  }

  /// Skips to a place where a statement may start.
  mutating func recover() {
    while !isAtEnd, !current.followsNewline, !isAt(.semicolon), !isAt(.rightBrace) { skip() }
  }

  /// Skips the rest of the line, with a block that begins on it.
  mutating func recoverPastBlock() {
    while !isAtEnd, !current.followsNewline, !isAt(.rightBrace) {
      let isBlock = isAt(.leftBrace)
      skip()
      if isBlock { return }
    }
  }

  /// Takes a closing symbol; a missing one is reported, with the place of its opening.
  mutating func close(_ symbol: Symbol, _ opener: Token) {
    if take(symbol) { return }
    report(
      Diagnostic(
        "S003", "`\(symbol.rawValue)` is missing", at: place, labels: [.init(span: span(opener), text: "opened here")],
        expected: "`\(symbol.rawValue)`", found: foundWords))
  }

  /// What a list holds.
  enum Elements { case expressions, patterns, parameters, types, extents, names }

  /// Whether an element of a list may start at the cursor.
  private func startsElement(_ elements: Elements) -> Bool {
    switch elements {
    case .expressions: return startsExpression()
    case .patterns: return startsExpression() || isAt(.let) || isAt(.var)
    case .types: return isIdentifier() || isAt(.leftParenthesis) || isAt(.leftBracket)
    case .extents: return isIdentifier() || current.kind == .integer
    case .names: return isIdentifier()
    case .parameters:
      if case .keyword = current.kind { return isOnLine() }
      return isIdentifier()
    }
  }

  /// Elements up to a closing bracket, separated by commas. The opening one has been taken.
  mutating func list(to closing: Symbol, _ openerIndex: Int, of elements: Elements, element: (inout Parser) -> Void) {
    let saved = allowsTrailingClosure
    allowsTrailingClosure = true
    defer { allowsTrailingClosure = saved }
    let opener = tokens[openerIndex]
    let closer = Int(closers[openerIndex])
    var comma: Int?
    while !isAtEnd, !isAt(closing), closer >= 0 || !endsOpenList() {
      let before = cursor
      element(&self)
      if isUnwinding { return }
      if isPanicking {
        guard closer >= cursor else { break }
        while cursor < closer, !isAt(.comma) { skip() }
        isPanicking = false
      }
      if take(.comma) { continue }
      if isAtEnd || isAt(closing) { break }
      if closer < 0, current.followsNewline || !startsElement(elements) || cursor == before { break }
      comma = missingComma(comma)
      if !startsElement(elements) || cursor == before {
        while cursor < closer, !isAt(.comma) { skip() }
        take(.comma)
      }
    }
    close(closing, opener)
  }

  /// Reports a missing comma; more of them in the same list are added to the first one's message, by its index.
  private mutating func missingComma(_ said: Int?) -> Int? {
    let end = tokens[max(cursor, 1) - 1].end
    let fix = Diagnostic.Fix(
      span: SourceSpan(source: source.id, start: end, end: end), replacement: ",", certainty: .certain)
    if let said {
      if said < diagnostics.count { diagnostics[said].fixes.append(fix) }
      return said
    }
    let count = diagnostics.count
    note(
      Diagnostic(
        "S031", "a comma is missing", at: place, expected: "`,`", found: foundWords, help: "insert `,`", fixes: [fix]))
    return count < diagnostics.count ? count : nil
  }

  /// Whether a list whose bracket is never closed has come to its end.
  private func endsOpenList() -> Bool {
    guard current.followsNewline else { return false }
    switch current.kind {
    case .keyword(.if), .keyword(.switch), .keyword(.true), .keyword(.false), .keyword(.nil): return false
    case .keyword, .symbol(.rightBrace): return true
    default: return false
    }
  }

  // MARK: - Names

  /// A name that is introduced; a keyword is reported and taken for one.
  mutating func identifier(_ what: String, help: String? = nil) -> Identifier {
    if current.kind == .identifier { return takeIdentifier() }
    if case .keyword = current.kind, isOnLine() {
      let word = text(current)
      note(
        expectation(
          what, "S011", help: "`\(word)` is a keyword: choose another name, or write `` `\(word)` ``"))
      let token = advance()
      return Identifier("", span(token))
    }
    note(expectation(what, "S011", help: help))
    return Identifier("", place)
  }

  /// A name behind a point or a label, where keywords are names too.
  mutating func anyName(_ what: String) -> Identifier {
    if case .keyword = current.kind, isOnLine() {
      let token = advance()
      return Identifier(text(token), span(token))
    }
    if current.kind == .identifier { return takeIdentifier() }
    report(expectation(what, "S011", help: dottedOperatorHelp))
    return Identifier("", place)
  }

  /// What to write for `.==`, `.<` and their like of other languages, where the parser stands behind the point.
  private var dottedOperatorHelp: String? {
    guard case .symbol(let symbol) = current.kind, isOnLine(),
      [.equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual, .plus, .minus].contains(symbol)
    else { return nil }
    return "`\(symbol.rawValue)` works element by element on arrays: leave out the point"
  }

  private mutating func takeIdentifier() -> Identifier {
    let token = advance()
    if source.bytes[Int(token.start)] == 0x60 {
      let inner = Int(token.start + 1)..<max(Int(token.start + 1), Int(token.end - 1))
      return Identifier(String(decoding: source.bytes[inner], as: UTF8.self), span(token))
    }
    return Identifier(text(token), span(token))
  }
}
