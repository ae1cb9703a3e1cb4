/// Conditions, branches and loops.
extension Parser {
  // MARK: - Branches

  mutating func conditions() -> [Condition] {
    var result: [Condition] = []
    repeat { result.append(condition()) } while !isUnwinding && take(.comma)
    return result
  }

  private mutating func condition() -> Condition {
    if isAt(.let) || isAt(.var) {
      let isVariable = isAt(.var)
      advance()
      var name = Identifier("", currentSpan)
      if isAt(.leftParenthesis) {
        note(
          Diagnostic(
            "S030", "a condition binds one name", at: currentSpan, help: "bind the value, and take it apart inside"))
        skip()
      } else {
        name = identifier("a name")
      }
      let value = takeAssignment("a value is bound") ? conditionExpression() : nil
      return .optionalBinding(isVariable: isVariable, name: name, value: value)
    }
    if take(.case) {
      let pattern = casePattern()
      if !takeAssignment("a value is bound") { note(expectation("`=` and the value to match", "S010")) }
      return .pattern(pattern, value: conditionExpression())
    }
    let value = conditionExpression()
    if isAt(.assign) {
      let place = currentSpan
      note(
        Diagnostic(
          "S022", "`=` gives a value; a comparison is `==`", at: place, expected: "`==`", found: "`=`",
          fixes: [.init(span: place, replacement: "==", certainty: .certain)]))
      advance()
      _ = conditionExpression()
    }
    if isAt(.in), isOnLine() {
      let name = shortened(source.text(value.span), to: 24)
      let place = currentSpan
      advance()
      let sequence = conditionExpression()
      note(
        Diagnostic(
          "S015", "`in` is not an operator", at: place,
          help: "write `\(shortened(source.text(sequence.span), to: 24)).contains(\(name))`"))
    }
    return .expression(value)
  }

  /// Takes a `=`, or what is written in its place by mistake; false where neither stands.
  mutating func takeAssignment(_ what: String) -> Bool {
    let place = currentSpan
    if take(.assign) { return true }
    if isAt(.equal) {
      note(
        Diagnostic(
          "S022", "`==` compares; \(what) with `=`", at: place, expected: "`=`", found: "`==`",
          fixes: [.init(span: place, replacement: "=", certainty: .certain)]))
      advance()
      return true
    }
    guard isAt(.walrus) || isAt(.leftArrow) else { return false }
    noteForeignAssignment()
    advance()
    return true
  }

  mutating func ifStatement() -> IfStatement {
    let start = currentSpan
    advance()
    guard enter() else {
      leave()
      return IfStatement(conditions: [], then: Block([], start), otherwise: nil, span: start)
    }
    defer { leave() }
    let list = conditions()
    let then = block(after: "the condition")
    var otherwise: Block?
    if take(.else) {
      if isAt(.if) {
        let inner = ifStatement()
        otherwise = Block([Statement(.ifStatement(inner), inner.span)], inner.span)
      } else {
        otherwise = block(after: "`else`")
      }
    }
    return IfStatement(conditions: list, then: then, otherwise: otherwise, span: spanFrom(start))
  }

  mutating func switchStatement() -> SwitchStatement {
    let start = currentSpan
    advance()
    guard enter() else {
      leave()
      return SwitchStatement(subject: Expression(.erroneous, start), cases: [], span: start)
    }
    defer { leave() }
    let subject = conditionExpression()
    var cases: [SwitchStatement.Case] = []
    guard isAt(.leftBrace) else {
      report(expectation("`{` after the value to switch over", "S018"))
      missingBraces += 1
      return SwitchStatement(subject: subject, cases: [], span: spanFrom(start))
    }
    isPanicking = false
    let opener = advance()
    let saved = allowsTrailingClosure
    allowsTrailingClosure = true
    defer { allowsTrailingClosure = saved }
    while !isAtEnd, !isAt(.rightBrace) {
      if isAt(.case) || isAt(.default) {
        cases.append(switchCase())
      } else {
        note(
          Diagnostic(
            "S023", "expected `case` or `default`", at: currentSpan, expected: "`case` or `default`",
            found: foundWords, help: "every statement of a `switch` belongs to a case"))
        while !isAtEnd, !isAt(.rightBrace), !isAt(.case), !isAt(.default) { skip() }
      }
    }
    if !isUnwinding { close(.rightBrace, opener) }
    return SwitchStatement(subject: subject, cases: cases, span: spanFrom(start))
  }

  private mutating func switchCase() -> SwitchStatement.Case {
    let start = currentSpan
    var patterns: [Pattern] = []
    var condition: Expression?
    if take(.case) {
      repeat { patterns.append(casePattern()) } while !isUnwinding && take(.comma)
      if take(.where) { condition = conditionExpression() }
    } else {
      advance()
    }
    if !take(.colon) {
      note(Diagnostic("S023", "expected `:` after the pattern", at: place, expected: "`:`", found: foundWords))
    }
    isPanicking = false
    var body: [Statement] = []
    while !isAtEnd, !isAt(.rightBrace), !isAt(.case), !isAt(.default) {
      if take(.semicolon) { continue }
      let before = cursor
      body.append(statement())
      if cursor == before { advance() }
      if isAt(.case) || isAt(.default) {
        if isOnLine() {
          note(
            Diagnostic("S017", "a case starts on its own line", at: currentSpan, help: "start a new line here"))
        }
        isPanicking = false
      } else {
        endStatement()
      }
    }
    return SwitchStatement.Case(
      patterns: patterns, guardCondition: condition, body: Block(body, spanFrom(start)))
  }

  // MARK: - Loops and plates

  mutating func forLoop() -> Statement.Kind {
    advance()
    if isAt(.leftParenthesis), closers[cursor] >= 0 {
      // `for (i in x)` and `for (i = 0; …; …)`: no `in` behind what would be a pattern.
      let behind = Int(closers[cursor]) + 1
      if behind < tokens.count, tokens[behind].kind != .keyword(.in) {
        report(
          Diagnostic("S024", "a loop runs over a sequence", at: currentSpan, help: "write `for i in 0..<n { … }`"))
        recoverPastBlock()
        return .erroneous
      }
    }
    if isAt(.let) || isAt(.var) {
      note(
        Diagnostic(
          "S024", "the name of a loop stands alone", at: currentSpan, help: "remove `\(text(current))`"))
      advance()
    }
    let pattern = bindingPattern()
    takeIn("for i in 0..<n")
    let sequence = loopSequence()
    let condition = take(.where) ? conditionExpression() : nil
    return .forLoop(
      pattern: pattern, sequence: sequence, condition: condition, body: block(after: "the sequence"))
  }

  private mutating func takeIn(_ example: String) {
    if take(.in) { return }
    note(
      Diagnostic(
        "S024", "expected `in` and a sequence", at: place, expected: "`in`", found: foundWords,
        help: "write `\(example) { … }`"))
    if isOnLine() { take(.assign) }
  }

  private mutating func loopSequence() -> Expression {
    let sequence = conditionExpression()
    if isAt(.colon), isOnLine(), startsBound(1) {
      let saved = allowsTrailingClosure
      allowsTrailingClosure = false
      let upper = colonRange(from: sequence)
      allowsTrailingClosure = saved
      return Expression(.range(lower: sequence, upper: upper, isClosed: false), spanFrom(sequence.span))
    }
    return sequence
  }

  /// Whether a value follows a colon on its line, as in `1:n`.
  private func startsBound(_ offset: Int) -> Bool {
    guard isOnLine(offset) else { return false }
    switch peek(offset).kind {
    case .identifier, .integer, .symbol(.leftParenthesis): return true
    default: return false
    }
  }

  mutating func plate() -> Statement.Kind {
    advance()
    let index = identifier("the plate's index")
    takeIn("plate j in 0..<J")
    let range = loopSequence()
    return .plate(index: index, range: range, body: block(after: "the plate's range"))
  }
}
