extension Parser {
  /// Statements up to a closing brace (not taken) or the end of the text.
  mutating func statements(untilBrace: Bool) -> [Statement] {
    var result: [Statement] = []
    while true {
      if isUnwinding {
        if untilBrace { break }
        isUnwinding = false
        isPanicking = false
        cursor = resumption
      }
      if isAtEnd { break }
      if isAt(.rightBrace) {
        if untilBrace { break }
        strayBrace()
        continue
      }
      if take(.semicolon) { continue }
      if !untilBrace {
        statementStart = cursor
        height = 0
      }
      let before = cursor
      result.append(statement())
      if cursor == before { advance() }
      endStatement()
    }
    return result
  }

  private mutating func strayBrace() {
    if missingBraces > 0 {
      missingBraces -= 1
      isPanicking = true
    } else {
      report(Diagnostic("S009", "`}` closes nothing", at: currentSpan, help: "remove it"))
    }
    advance()
    endStatement()
  }

  /// A statement ends with its line, at `;`, or in front of the brace of its block; what else follows is reported.
  mutating func endStatement() {
    if isUnwinding { return }
    if !isAtEnd, !isAt(.rightBrace), !isAt(.semicolon), isOnLine(), cursor > 0 {
      if !isPanicking { reportRest() }
      recover()
    }
    isPanicking = false
  }

  private mutating func reportRest() {
    if isAt(.rightParenthesis) || isAt(.rightBracket) {
      report(Diagnostic("S009", "`\(text(current))` closes nothing", at: currentSpan, help: "remove it"))
      return
    }
    var help = "start a new line here"
    // `print x`
    let before = tokens[max(cursor, 1) - 1]
    if before.kind == .identifier,
      cursor <= 1 || tokens[cursor - 2].kind == .symbol(.semicolon) || before.followsNewline
    {
      switch current.kind {
      case .identifier, .integer, .real, .string:
        help = "a call takes parentheses: `\(shortened(text(before), to: 24))(\(shortened(text(current), to: 24)))`"
      default: break
      }
    }
    report(
      Diagnostic(
        "S017", "statements on one line are separated by `;`", at: currentSpan, expected: "a new line or `;`",
        found: foundWords, help: help))
  }

  /// A body between braces.
  mutating func block(after what: String, help: String? = nil) -> Block {
    let start = place
    guard isAt(.leftBrace) else {
      var help = help
      if isOnLine(), help == nil {
        if isAt(.colon) { help = "a body stands between braces: `{ … }`" }
        if isAt(.assign) { help = "a body is `{ … }`, without `=`" }
      }
      report(expectation("`{` after \(what)", "S018", help: help))
      missingBraces += 1
      return Block([], start)
    }
    // What was wrong in front of the body is behind us.
    isPanicking = false
    guard enter() else {
      leave()
      return Block([], start)
    }
    defer { leave() }
    let opener = advance()
    let saved = allowsTrailingClosure
    allowsTrailingClosure = true
    let body = statements(untilBrace: true)
    allowsTrailingClosure = saved
    close(.rightBrace, opener)
    return Block(body, spanFrom(span(opener)))
  }

  mutating func statement() -> Statement {
    let start = currentSpan
    let kind: Statement.Kind
    switch current.kind {
    case .keyword(let word): kind = statement(word)
    case .identifier: kind = constructOfWord() ?? foreignStatement() ?? expressionStatement()
    case .symbol(.rightParenthesis), .symbol(.rightBracket):
      reportRest()
      kind = .erroneous
    default: kind = expressionStatement()
    }
    return Statement(kind, spanFrom(start))
  }

  private mutating func statement(_ word: Keyword) -> Statement.Kind {
    switch word {
    case .let, .var: return binding()
    case .func:
      let documentation = docComment()
      return .function(functionDeclaration(documentation, form: nil))
    case .struct: return .structure(structureDeclaration(docComment()))
    case .enum: return .enumeration(enumerationDeclaration(docComment()))
    case .if: return .ifStatement(ifStatement())
    case .guard:
      advance()
      let list = conditions()
      if !take(.else) {
        note(expectation("`else`", "S010", help: "a guard is `guard condition else { return … }`"))
      }
      return .guardStatement(conditions: list, otherwise: block(after: "`else`"))
    case .switch: return .switchStatement(switchStatement())
    case .for: return forLoop()
    case .while:
      advance()
      let list = conditions()
      return .whileLoop(conditions: list, body: block(after: "the condition"))
    case .break:
      advance()
      return .breakStatement
    case .continue:
      advance()
      return .continueStatement
    case .return:
      advance()
      return .returnStatement(isOnLine() && startsExpression() ? expression() : nil)
    case .import:
      advance()
      var path = [identifier("a name to import")]
      while take(.dot) { path.append(anyName("a name")) }
      return .importStatement(path: path)
    case .class, .protocol: return foreignDeclaration()
    case .else, .case, .default, .in, .where, .throws: return strayWord(word)
    case .true, .false, .nil, .try: return expressionStatement()
    }
  }

  private mutating func strayWord(_ word: Keyword) -> Statement.Kind {
    let help: String? =
      switch word {
      case .else: "`else` follows the `}` of an `if` or the conditions of a `guard`"
      case .case, .default: "`\(word)` stands inside of a `switch`"
      default: nil
      }
    // The `else` of an `if` whose braces are missing has been explained there.
    if word == .else, missingBraces > 0 { isPanicking = true }
    report(Diagnostic("S020", "`\(word)` does not start a statement", at: currentSpan, help: help))
    advance()
    recoverPastBlock()
    return .erroneous
  }

  /// What begins with a word that is a keyword only here.
  private mutating func constructOfWord() -> Statement.Kind? {
    guard isOnLine(1) else { return nil }
    let next = peek().kind
    if next == .identifier || next == .invalid || isKeyword(next) {
      if isAt(word: "plate"), next == .identifier { return plate() }
      if isAt(word: "model"), next == .identifier {
        let documentation = docComment()
        advance()
        return .model(modelDeclaration(documentation))
      }
      if isAt(word: "intrinsic") { return .function(intrinsicDeclaration(docComment())) }
    }
    if isAt(word: "test"), next == .string {
      advance()
      let name = advance()
      let segments = self.segments(of: name)
      return .test(name: segments, nameSpan: span(name), body: block(after: "the test's name"))
    }
    if isAt(word: "extension"), next == .identifier || isExtendedArray() {
      return .extensionDeclaration(extensionDeclaration())
    }
    return nil
  }

  func isKeyword(_ kind: Token.Kind) -> Bool {
    if case .keyword = kind { return true }
    return false
  }

  /// `extension [T] {`: an array type and a body follow, no use of a variable.
  private func isExtendedArray() -> Bool {
    guard isAt(.leftBracket, 1) else { return false }
    let closer = Int(closers[cursor + 1])
    return closer >= 0 && closer + 1 < tokens.count && tokens[closer + 1].kind == .symbol(.leftBrace)
  }

  // MARK: - Assignments and sites

  private mutating func expressionStatement() -> Statement.Kind {
    let target = expression()
    if isUnwinding { return .erroneous }
    if isAt(.tilde) {
      let tilde = span(advance())
      let distribution = expression()
      if case .name(let name) = target.kind {
        note(
          Diagnostic(
            "S021", "a site is declared with `let`", at: target.span, help: "write `let \(name) ~ …`",
            fixes: [
              .init(
                span: SourceSpan(source: source.id, start: target.span.start, end: target.span.start),
                replacement: "let ", certainty: .likely)
            ]))
        return .site(name: Identifier(name, target.span), type: nil, tilde: tilde, distribution: distribution)
      }
      return .elementSite(target: target, tilde: tilde, distribution: distribution)
    }
    guard case .symbol(let symbol) = current.kind else { return .expression(target) }
    let operation: BinaryOperator?
    switch symbol {
    case .assign: operation = nil
    case .plusAssign: operation = .add
    case .minusAssign: operation = .subtract
    case .timesAssign: operation = .multiply
    case .divideAssign: operation = .divide
    case .remainderAssign: operation = .remainder
    case .powerAssign: operation = .power
    default: return .expression(target)
    }
    advance()
    return .assignment(target: target, operator: operation, value: expression())
  }
}
