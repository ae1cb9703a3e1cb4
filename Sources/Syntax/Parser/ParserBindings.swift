/// `let` and `var`, and the patterns that take values apart.
extension Parser {
  mutating func binding() -> Statement.Kind {
    let isVariable = isAt(.var)
    let keyword = span(advance())
    let pattern = boundPattern()
    if let kind = malformedBinding(pattern) { return kind }
    var annotation = take(.colon) ? type() : nil
    if annotation == nil, isIdentifier(), isOnLine(), case .name(let name) = pattern.kind {
      note(
        Diagnostic(
          "S030", "a type follows `:`", at: currentSpan, expected: "`:`, `=` or `~`", found: foundWords,
          help: "write `\(name.text): \(text(current))`; one name is one word"))
      annotation = type()
    }
    if isAt(.tilde) {
      let tilde = span(advance())
      let distribution = expression()
      guard case .name(let name) = pattern.kind else {
        if case .erroneous = pattern.kind { return .erroneous }
        note(Diagnostic("S021", "a site has one name", at: pattern.span, help: "write `let name ~ …`"))
        return .erroneous
      }
      if isVariable {
        note(
          Diagnostic(
            "S021", "a site is declared with `let`", at: keyword, help: "write `let \(name.text) ~ …`",
            fixes: [.init(span: keyword, replacement: "let", certainty: .certain)]))
      }
      oneBinding()
      return .site(name: name, type: annotation, tilde: tilde, distribution: distribution)
    }
    let value = takeAssignment("a value is given") ? expression() : nil
    if value == nil, annotation == nil, !isAt(.comma) {
      report(
        Diagnostic(
          "S022", "expected `=` and a value, or `~` and a distribution", at: place,
          expected: "`=` and a value, or `~` and a distribution", found: foundWords))
    }
    oneBinding()
    return .binding(.init(isVariable: isVariable, pattern: pattern, type: annotation, value: value))
  }

  /// `let a = 1, b = 2`, `let a, b = pair`
  private mutating func oneBinding() {
    guard isAt(.comma) else { return }
    report(
      Diagnostic(
        "S030", "a `let` or `var` has one name", at: currentSpan,
        help: "start a new line with `let`, or bind a tuple: `let (a, b) = (1, 2)`"))
  }

  /// A pattern behind `let`, where a literal may stand by mistake.
  private mutating func boundPattern() -> Pattern {
    switch current.kind {
    case .integer, .real, .string:
      let span = currentSpan
      note(
        Diagnostic(
          "S030", "a name is bound, not a value", at: span, expected: "a name", found: foundWords,
          help: "names start with a letter"))
      advance()
      return Pattern(.erroneous, span)
    default: return bindingPattern()
    }
  }

  /// `let y[0] = 1`, `let f(x) = …`
  private mutating func malformedBinding(_ pattern: Pattern) -> Statement.Kind? {
    guard case .name(let name) = pattern.kind, isOnLine() else { return nil }
    if isAt(.leftBracket) {
      let closer = Int(closers[cursor])
      let sign = closer >= 0 && closer + 1 < tokens.count && tokens[closer + 1].kind == .symbol(.tilde) ? "~" : "="
      report(
        Diagnostic(
          "S030", "an element is defined without `let`", at: currentSpan,
          help: "open the \(sign == "~" ? "site" : "array") with `let \(name.text): Vector[N]`, "
            + "then write `\(name.text)[…] \(sign) …`"))
      recover()
      return .erroneous
    }
    if isAt(.leftParenthesis) {
      report(
        Diagnostic(
          "S030", "a name, not a call, follows `let`", at: currentSpan,
          help: "a function is `func \(name.text)(_ x: Real) -> Real { … }`"))
      recover()
      return .erroneous
    }
    return nil
  }

  // MARK: - Patterns

  /// In `let` and `for`: bare names bind.
  mutating func bindingPattern() -> Pattern {
    let start = currentSpan
    guard enter() else {
      leave()
      return Pattern(.erroneous, start)
    }
    defer { leave() }
    if isAt(.leftParenthesis) { return tuplePattern { $0.bindingPattern() } }
    if isAt(word: "_") {
      advance()
      return Pattern(.wildcard, start)
    }
    if current.kind == .invalid {
      // The lexer has said what is wrong; the name may be meant.
      advance()
      return Pattern(.erroneous, start)
    }
    let name = identifier("a name")
    return name.text.isEmpty ? Pattern(.erroneous, name.span) : Pattern(.name(name), name.span)
  }

  /// `( … )`: one element is just the element.
  private mutating func tuplePattern(_ element: (inout Parser) -> Pattern) -> Pattern {
    let start = currentSpan
    let elements = patterns(element)
    if elements.count == 1, let only = elements.first { return only }
    return Pattern(.tuple(elements), spanFrom(start))
  }

  /// Patterns between parentheses, perhaps with labels.
  private mutating func patterns(_ element: (inout Parser) -> Pattern) -> [Pattern] {
    var elements: [Pattern] = []
    let opener = cursor
    advance()
    list(to: .rightParenthesis, opener, of: .patterns) {
      parser in
      if parser.isIdentifier(), parser.isAt(.colon, 1) {
        parser.advance()
        parser.advance()
      }
      elements.append(element(&parser))
    }
    return elements
  }

  /// In `case`: names bind only behind `let`.
  mutating func casePattern(binds: Bool = false) -> Pattern {
    let start = currentSpan
    guard enter() else {
      leave()
      return Pattern(.erroneous, start)
    }
    defer { leave() }
    if take(.let) || take(.var) { return casePattern(binds: true) }
    if isAt(word: "_") {
      advance()
      return Pattern(.wildcard, start)
    }
    if isAt(.leftParenthesis) { return tuplePattern { $0.casePattern(binds: binds) } }
    let isQualified = isIdentifier() && isAt(.dot, 1) && peek(2).kind == .identifier
    if isAt(.dot) || isQualified {
      let typeName = isQualified ? identifier("a type") : nil
      advance()
      let name = anyName("a case")
      let arguments =
        isAt(.leftParenthesis) && isOnLine() ? patterns { $0.casePattern(binds: binds) } : []
      return Pattern(.enumCase(type: typeName, name: name, arguments: arguments), spanFrom(start))
    }
    if binds, isIdentifier() {
      let name = identifier("a name")
      return Pattern(.name(name), name.span)
    }
    let value = conditionExpression()
    if case .erroneous = value.kind { return Pattern(.erroneous, value.span) }
    return Pattern(.expression(value), value.span)
  }
}
