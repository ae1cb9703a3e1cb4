/// What kind of text is parsed: only the library may declare intrinsics and extensions.
package enum SourceKind: Sendable { case user, library }

/// A recursive-descent parser that never fails: what it cannot make sense of becomes `.erroneous` with a diagnostic.
package struct Parser {
  /// How deep expressions, blocks and types may nest.
  package static let depthLimit = 200

  let source: SourceText
  let kind: SourceKind
  let tokens: [Token]
  var cursor = 0
  var diagnostics: [Diagnostic]
  var depth = 0
  /// Set where the nesting became too deep: what follows in the statement cannot be told from its consequences.
  var isLost = false
  /// Off in the condition of `if`, `for`, `while`, `switch`: there `{` starts the body, not a trailing closure.
  var allowsTrailingClosure = true
  /// Offset of the last error, so that one cause gives one message.
  var lastErrorAt: Int32 = -1
  /// Whether a construct was still open when the text ended.
  var endedInside = false

  package static func parse(_ source: SourceText, as kind: SourceKind = .user) -> SyntaxTree {
    let (tokens, diagnostics) = Lexer.lex(source)
    var parser = Parser(source: source, kind: kind, tokens: tokens, diagnostics: diagnostics)
    let statements = parser.statements(untilBrace: false)
    parser.diagnostics.sort { ($0.span?.start ?? 0) < ($1.span?.start ?? 0) }
    return SyntaxTree(source: source, tokens: tokens, statements: statements, diagnostics: parser.diagnostics)
  }

  /// Whether the text ends inside an open construct, so that more lines may complete it.
  package static func isIncomplete(_ source: SourceText) -> Bool {
    let (tokens, lexical) = Lexer.lex(source)
    if lexical.contains(where: { $0.code == "S006" }) { return true }
    if let last = tokens.dropLast().last, last.kind == .string, lexical.contains(where: { $0.code == "S005" }) {
      return Parser.isMultilineString(source, last)
    }
    var parser = Parser(source: source, kind: .user, tokens: tokens, diagnostics: [])
    _ = parser.statements(untilBrace: false)
    return parser.endedInside
  }

  private static func isMultilineString(_ source: SourceText, _ token: Token) -> Bool {
    source.bytes[Int(token.start)..<Int(token.end)].starts(with: [0x22, 0x22, 0x22])
  }

  init(source: SourceText, kind: SourceKind, tokens: [Token], diagnostics: [Diagnostic]) {
    self.source = source
    self.kind = kind
    self.tokens = tokens
    self.diagnostics = diagnostics
  }

  // MARK: - Tokens

  var current: Token { tokens[min(cursor, tokens.count - 1)] }
  func peek(_ offset: Int = 1) -> Token { tokens[min(cursor + offset, tokens.count - 1)] }
  var isAtEnd: Bool { current.kind == .endOfFile }

  func text(_ token: Token) -> String {
    String(decoding: source.bytes[Int(token.start)..<Int(token.end)], as: UTF8.self)
  }

  func span(_ token: Token) -> SourceSpan { SourceSpan(source: source.id, start: token.start, end: token.end) }
  var currentSpan: SourceSpan {
    if isAtEnd, cursor > 0 {
      let last = tokens[cursor - 1]
      return SourceSpan(source: source.id, start: last.end, end: last.end)
    }
    return span(current)
  }
  func spanFrom(_ start: SourceSpan) -> SourceSpan {
    let end = cursor > 0 ? tokens[min(cursor, tokens.count) - 1].end : start.end
    return SourceSpan(source: source.id, start: start.start, end: max(start.start, end))
  }

  func matches(_ token: Token, _ symbol: StaticString) -> Bool {
    let count = symbol.utf8CodeUnitCount
    guard Int(token.end - token.start) == count else { return false }
    let base = Int(token.start)
    for offset in 0..<count where source.bytes[base + offset] != symbol.utf8Start[offset] { return false }
    return true
  }

  func isSymbol(_ symbol: StaticString, _ offset: Int = 0) -> Bool {
    let token = peek(offset)
    return (token.kind == .punctuation || token.kind == .operator) && matches(token, symbol)
  }
  func isKeyword(_ word: StaticString, _ offset: Int = 0) -> Bool {
    let token = peek(offset)
    return token.kind == .keyword && matches(token, word)
  }
  /// A word that is a keyword only where its statement starts.
  func isWord(_ word: StaticString, _ offset: Int = 0) -> Bool {
    let token = peek(offset)
    return token.kind == .identifier && matches(token, word)
  }

  @discardableResult
  mutating func advance() -> Token {
    let token = current
    if cursor < tokens.count - 1 { cursor += 1 }
    return token
  }

  @discardableResult
  mutating func take(_ symbol: StaticString) -> Bool {
    guard isSymbol(symbol) else { return false }
    advance()
    return true
  }
  @discardableResult
  mutating func takeKeyword(_ word: StaticString) -> Bool {
    guard isKeyword(word) else { return false }
    advance()
    return true
  }

  // MARK: - Errors

  mutating func report(_ diagnostic: Diagnostic) {
    if let span = diagnostic.span {
      // The lexer has said what is wrong with an invalid token.
      if current.kind == .invalid, span.start == current.start { return }
      if span.start == lastErrorAt { return }
      lastErrorAt = span.start
    }
    if isAtEnd { endedInside = true }
    if isLost { return }
    diagnostics.append(diagnostic)
  }

  /// What stands at the cursor, for messages.
  var foundWords: String {
    if isAtEnd { return "the end of the text" }
    let shown = text(current)
    return "`\(shown.count > 24 ? String(shown.prefix(24)) + "…" : shown)`"
  }

  mutating func expected(_ what: String, code: String = "S010", help: String? = nil) {
    report(Diagnostic(code, "expected \(what)", at: currentSpan, expected: what, found: foundWords, help: help))
  }

  /// Takes a closing symbol; a missing one is reported once, with the place of its opening.
  mutating func close(_ symbol: StaticString, opened: SourceSpan) {
    if take(symbol) { return }
    if isAtEnd { endedInside = true }
    report(
      Diagnostic(
        "S003", "`\(symbol)` is missing", at: currentSpan, labels: [.init(span: opened, text: "opened here")],
        expected: "`\(symbol)`", found: foundWords))
  }

  /// Guards recursion: nil when the nesting is too deep, which is reported once a statement.
  mutating func enter() -> Bool {
    depth += 1
    if depth <= Parser.depthLimit { return true }
    if !isLost {
      isLost = true
      diagnostics.append(
        Diagnostic(
          "S004", "the nesting is too deep", at: currentSpan, expected: "at most \(Parser.depthLimit) levels",
          help: "name intermediate results with `let`"))
    }
    return false
  }
  mutating func leave() { depth -= 1 }

  /// Skips to a place where a statement may start.
  mutating func recover() {
    var braces = 0
    while !isAtEnd {
      if braces == 0, current.followsNewline || isSymbol(";") { return }
      if isSymbol("{") { braces += 1 }
      if isSymbol("}") {
        if braces == 0 { return }
        braces -= 1
      }
      advance()
    }
  }

  mutating func identifier(_ what: String, help: String? = nil) -> Identifier {
    if current.kind == .identifier {
      let token = advance()
      var name = text(token)
      if name.hasPrefix("`") { name = String(name.dropFirst().dropLast()) }
      return Identifier(name, span(token))
    }
    if current.kind == .keyword {
      let word = text(current)
      expected(what, code: "S011", help: "`\(word)` is a keyword; choose another name or write `` `\(word)` ``")
      if !current.followsNewline {
        let token = advance()
        return Identifier("", span(token))
      }
      return Identifier("", currentSpan)
    }
    expected(what, help: help)
    return Identifier("", currentSpan)
  }
}
