extension Parser {
  /// Statements up to a closing brace (not taken) or the end of the text.
  mutating func statements(untilBrace: Bool) -> [Statement] {
    var result: [Statement] = []
    while !isAtEnd {
      if isSymbol("}") {
        if untilBrace { return result }
        report(Diagnostic("S009", "`}` closes nothing", at: currentSpan, help: "remove it"))
        advance()
        continue
      }
      if take(";") { continue }
      let before = cursor
      if depth == 0 { isLost = false }
      result.append(statement())
      if !isAtEnd, !isSymbol("}"), !isSymbol(";"), !current.followsNewline {
        if lastErrorAt != current.start, !(lastErrorAt >= 0 && lastErrorAt >= tokens[before].start) {
          report(
            Diagnostic(
              "S017", "statements on one line are separated by `;`", at: currentSpan, found: foundWords,
              help: "start a new line here"))
        }
        recover()
      }
      if cursor == before { advance() }
    }
    if untilBrace { endedInside = true }
    return result
  }

  mutating func block(after what: String) -> Block {
    let start = currentSpan
    guard isSymbol("{") else {
      expected("`{` after \(what)", code: "S018")
      return Block([], start)
    }
    guard enter() else {
      leave()
      recover()
      return Block([], start)
    }
    defer { leave() }
    advance()
    let saved = allowsTrailingClosure
    allowsTrailingClosure = true
    let body = statements(untilBrace: true)
    allowsTrailingClosure = saved
    close("}", opened: start)
    return Block(body, spanFrom(start))
  }

  private mutating func statement() -> Statement {
    let start = currentSpan
    let documentation = docComment()
    func made(_ kind: Statement.Kind, _ parser: Parser) -> Statement { Statement(kind, parser.spanFrom(start)) }

    if current.kind == .keyword {
      if isKeyword("let") || isKeyword("var") {
        let kind = binding()
        return made(kind, self)
      }
      if isKeyword("func") {
        let function = functionDeclaration(documentation, form: nil)
        return made(.function(function), self)
      }
      if isKeyword("struct") {
        let structure = structureDeclaration(documentation)
        return made(.structure(structure), self)
      }
      if isKeyword("enum") {
        let enumeration = enumerationDeclaration(documentation)
        return made(.enumeration(enumeration), self)
      }
      if isKeyword("if") {
        let value = ifStatement()
        return made(.ifStatement(value), self)
      }
      if takeKeyword("guard") {
        let list = conditions()
        if !takeKeyword("else") { expected("`else`", help: "a guard is `guard condition else { return … }`") }
        let body = block(after: "`else`")
        return made(.guardStatement(conditions: list, otherwise: body), self)
      }
      if isKeyword("switch") {
        let value = switchStatement()
        return made(.switchStatement(value), self)
      }
      if isKeyword("for") {
        let kind = forLoop()
        return made(kind, self)
      }
      if takeKeyword("while") {
        let list = conditions()
        let body = block(after: "the condition")
        return made(.whileLoop(conditions: list, body: body), self)
      }
      if takeKeyword("break") { return made(.breakStatement, self) }
      if takeKeyword("continue") { return made(.continueStatement, self) }
      if takeKeyword("return") {
        let value = current.followsNewline || !startsExpression() ? nil : expression()
        return made(.returnStatement(value), self)
      }
      if takeKeyword("import") {
        var path = [identifier("a name to import")]
        while take(".") { path.append(identifier("a name")) }
        return made(.importStatement(path: path), self)
      }
      if isKeyword("class") || isKeyword("protocol") {
        let word = text(current)
        report(
          Diagnostic(
            "S019", "`\(word)` is not part of the language", at: currentSpan,
            help: word == "class" ? "use a `struct`: values are never shared" : "write functions over concrete types"))
        advance()
        recoverPastBlock()
        return made(.erroneous, self)
      }
      if isKeyword("else") || isKeyword("case") || isKeyword("default") || isKeyword("in") || isKeyword("where")
        || isKeyword("try") || isKeyword("throws")
      {
        report(Diagnostic("S020", "`\(text(current))` does not start a statement", at: currentSpan))
        advance()
        recoverPastBlock()
        return made(.erroneous, self)
      }
    }
    if current.kind == .identifier, peek().kind == .identifier || peek().kind == .string || peek().kind == .keyword,
      !peek().followsNewline || isWord("intrinsic")
    {
      if isWord("plate"), peek().kind == .identifier {
        let kind = plate()
        return made(kind, self)
      }
      if isWord("model"), peek().kind == .identifier {
        advance()
        let model = modelDeclaration(documentation)
        return made(.model(model), self)
      }
      if isWord("test"), peek().kind == .string {
        advance()
        let nameToken = advance()
        let name = Expression(.string([]), span(nameToken))
        let segments = stringSegments(nameToken)
        let body = block(after: "the test's name")
        return made(.test(name: segments, nameSpan: name.span, body: body), self)
      }
      if isWord("intrinsic") {
        let function = intrinsicDeclaration(documentation)
        return made(.function(function), self)
      }
      if isWord("extension"), peek().kind == .identifier {
        let declaration = extensionDeclaration()
        return made(.extensionDeclaration(declaration), self)
      }
    }
    if isWord("extension"), isSymbol("[", 1) {
      let declaration = extensionDeclaration()
      return made(.extensionDeclaration(declaration), self)
    }
    return expressionStatement(start)
  }

  mutating func stringSegments(_ token: Token) -> [StringSegment] {
    let saved = cursor
    cursor = tokens.firstIndex { $0.start == token.start } ?? saved
    let expression = self.expression()
    cursor = saved
    if case .string(let segments) = expression.kind { return segments }
    return []
  }

  private mutating func recoverPastBlock() {
    while !isAtEnd, !isSymbol("{"), !current.followsNewline { advance() }
    if isSymbol("{") {
      var braces = 0
      repeat {
        if isSymbol("{") { braces += 1 }
        if isSymbol("}") { braces -= 1 }
        advance()
      } while braces > 0 && !isAtEnd
    }
  }

  private mutating func expressionStatement(_ start: SourceSpan) -> Statement {
    let target = expression()
    if isSymbol("~") {
      let tilde = span(advance())
      let distribution = expression()
      if case .name(let name) = target.kind {
        report(
          Diagnostic(
            "S021", "a site is declared with `let`", at: target.span, help: "write `let \(name) ~ …`",
            fixes: [
              .init(
                span: SourceSpan(source: source.id, start: target.span.start, end: target.span.start),
                replacement: "let ", certainty: .likely)
            ]))
        return Statement(.erroneous, spanFrom(start))
      }
      return Statement(.elementSite(target: target, tilde: tilde, distribution: distribution), spanFrom(start))
    }
    let compound: [(StaticString, BinaryOperator)] = [
      ("+=", .add), ("-=", .subtract), ("*=", .multiply), ("/=", .divide), ("%=", .remainder), ("**=", .power),
    ]
    for (symbol, operation) in compound where isSymbol(symbol) {
      advance()
      let value = expression()
      return Statement(.assignment(target: target, operator: operation, value: value), spanFrom(start))
    }
    if isSymbol("=") {
      advance()
      let value = expression()
      return Statement(.assignment(target: target, operator: nil, value: value), spanFrom(start))
    }
    if isSymbol("<-") {
      report(Diagnostic("S015", "`<-` is not an operator", at: currentSpan, help: "write `let x = …`"))
      advance()
      _ = expression()
      return Statement(.erroneous, spanFrom(start))
    }
    return Statement(.expression(target), spanFrom(start))
  }

  // MARK: - Bindings

  private mutating func binding() -> Statement.Kind {
    let isVariable = isKeyword("var")
    let keyword = span(advance())
    let pattern = bindingPattern()
    let annotation = take(":") ? type() : nil
    if isSymbol("~") {
      let tilde = span(advance())
      let distribution = expression()
      guard case .name(let name) = pattern.kind else {
        report(Diagnostic("S021", "a site has one name", at: pattern.span, help: "write `let name ~ …`"))
        return .erroneous
      }
      if isVariable {
        report(
          Diagnostic(
            "S021", "a site is declared with `let`", at: keyword, help: "write `let \(name.text) ~ …`",
            fixes: [.init(span: keyword, replacement: "let", certainty: .certain)]))
      }
      return .site(name: name, type: annotation, tilde: tilde, distribution: distribution)
    }
    if take("=") {
      let value = expression()
      return .binding(.init(isVariable: isVariable, pattern: pattern, type: annotation, value: value))
    }
    if isSymbol("==") {
      report(
        Diagnostic(
          "S022", "`==` compares; a value is given with `=`", at: currentSpan,
          fixes: [.init(span: currentSpan, replacement: "=", certainty: .certain)]))
      advance()
      _ = expression()
      return .erroneous
    }
    if annotation == nil, lastErrorAt != pattern.span.start {
      expected("`=` and a value, or `~` and a distribution", code: "S022")
    }
    return .binding(.init(isVariable: isVariable, pattern: pattern, type: annotation, value: nil))
  }

  /// In `let` and `for`: bare names bind.
  mutating func bindingPattern() -> Pattern {
    let start = currentSpan
    guard enter() else {
      leave()
      recover()
      return Pattern(.erroneous, start)
    }
    defer { leave() }
    if isSymbol("(") {
      advance()
      var elements: [Pattern] = []
      while !isSymbol(")"), !isAtEnd {
        if current.kind == .identifier, isSymbol(":", 1) {
          advance()
          advance()
        }
        elements.append(bindingPattern())
        if !take(",") { break }
      }
      close(")", opened: start)
      return elements.count == 1 ? elements[0] : Pattern(.tuple(elements), spanFrom(start))
    }
    if isWord("_") {
      advance()
      return Pattern(.wildcard, start)
    }
    if current.kind == .integer || current.kind == .real || current.kind == .string {
      expected("a name", code: "S011", help: "names start with a letter")
      advance()
      return Pattern(.erroneous, start)
    }
    let name = identifier("a name")
    if name.text.isEmpty { return Pattern(.erroneous, start) }
    return Pattern(.name(name), name.span)
  }

  /// In `case`: names bind only after `let`.
  private mutating func casePattern(binds: Bool = false) -> Pattern {
    let start = currentSpan
    guard enter() else {
      leave()
      recover()
      return Pattern(.erroneous, start)
    }
    defer { leave() }
    if takeKeyword("let") || takeKeyword("var") { return casePattern(binds: true) }
    if isWord("_") {
      advance()
      return Pattern(.wildcard, start)
    }
    if isSymbol("(") {
      advance()
      var elements: [Pattern] = []
      while !isSymbol(")"), !isAtEnd {
        if current.kind == .identifier, isSymbol(":", 1) {
          advance()
          advance()
        }
        elements.append(casePattern(binds: binds))
        if !take(",") { break }
      }
      close(")", opened: start)
      return elements.count == 1 ? elements[0] : Pattern(.tuple(elements), spanFrom(start))
    }
    let isQualified = current.kind == .identifier && isSymbol(".", 1) && peek(2).kind == .identifier
    if isSymbol(".") || isQualified {
      let typeName = isQualified ? identifier("a type") : nil
      advance()
      let token = current
      let name = current.kind == .keyword ? Identifier(text(advance()), span(token)) : identifier("a case")
      var arguments: [Pattern] = []
      if isSymbol("("), !current.followsNewline {
        let open = span(advance())
        while !isSymbol(")"), !isAtEnd {
          if current.kind == .identifier, isSymbol(":", 1) {
            advance()
            advance()
          }
          arguments.append(casePattern(binds: binds))
          if !take(",") { break }
        }
        close(")", opened: open)
      }
      return Pattern(.enumCase(type: typeName, name: name, arguments: arguments), spanFrom(start))
    }
    if binds, current.kind == .identifier {
      let name = identifier("a name")
      return Pattern(.name(name), name.span)
    }
    let value = conditionExpression()
    if case .erroneous = value.kind { return Pattern(.erroneous, value.span) }
    return Pattern(.expression(value), value.span)
  }

  // MARK: - Conditions and branches

  mutating func conditions() -> [Condition] {
    var result: [Condition] = []
    repeat {
      if isKeyword("let") || isKeyword("var") {
        let isVariable = isKeyword("var")
        advance()
        let name = identifier("a name")
        let value = take("=") ? conditionExpression() : nil
        result.append(.optionalBinding(isVariable: isVariable, name: name, value: value))
      } else if takeKeyword("case") {
        let pattern = casePattern()
        if !take("=") { expected("`=` and the value to match") }
        result.append(.pattern(pattern, value: conditionExpression()))
      } else {
        let value = conditionExpression()
        if isSymbol("=") {
          report(
            Diagnostic(
              "S022", "`=` assigns; a comparison is `==`", at: currentSpan,
              fixes: [.init(span: currentSpan, replacement: "==", certainty: .likely)]))
          advance()
          _ = conditionExpression()
        }
        result.append(.expression(value))
      }
    } while take(",")
    return result
  }

  mutating func ifStatement() -> IfStatement {
    let start = currentSpan
    takeKeyword("if")
    guard enter() else {
      leave()
      recover()
      return IfStatement(conditions: [], then: Block([], start), otherwise: nil, span: start)
    }
    defer { leave() }
    let list = conditions()
    let then = block(after: "the condition")
    var otherwise: Block?
    if takeKeyword("else") {
      if isKeyword("if") {
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
    takeKeyword("switch")
    let subject = conditionExpression()
    let open = currentSpan
    var cases: [SwitchStatement.Case] = []
    guard take("{") else {
      expected("`{` after the value to switch over", code: "S018")
      return SwitchStatement(subject: subject, cases: [], span: spanFrom(start))
    }
    while !isSymbol("}"), !isAtEnd {
      let caseStart = currentSpan
      var patterns: [Pattern] = []
      var condition: Expression?
      if takeKeyword("case") {
        repeat { patterns.append(casePattern()) } while take(",")
        if takeKeyword("where") { condition = conditionExpression() }
      } else if !takeKeyword("default") {
        expected("`case` or `default`", code: "S023")
        let before = cursor
        recover()
        if isSymbol("}") || isAtEnd { break }
        if cursor == before { advance() }
        continue
      }
      if !take(":") { expected("`:` after the pattern") }
      var body: [Statement] = []
      while !isAtEnd, !isSymbol("}"), !isKeyword("case"), !isKeyword("default") {
        if take(";") { continue }
        let before = cursor
        body.append(statement())
        if cursor == before { advance() }
      }
      cases.append(
        .init(patterns: patterns, guardCondition: condition, body: Block(body, spanFrom(caseStart))))
    }
    close("}", opened: open)
    return SwitchStatement(subject: subject, cases: cases, span: spanFrom(start))
  }

  // MARK: - Loops and plates

  private mutating func forLoop() -> Statement.Kind {
    advance()
    if isSymbol("("), looksLikeCLoop() {
      report(
        Diagnostic("S024", "loops run over a sequence", at: currentSpan, help: "write `for i in 0..<n { … }`"))
      recoverPastBlock()
      return .erroneous
    }
    let pattern = bindingPattern()
    if !takeKeyword("in") { expected("`in` and a sequence", code: "S024", help: "write `for i in 0..<n { … }`") }
    let sequence = conditionExpression()
    let condition = takeKeyword("where") ? conditionExpression() : nil
    let body = block(after: "the sequence")
    return .forLoop(pattern: pattern, sequence: sequence, condition: condition, body: body)
  }

  private func looksLikeCLoop() -> Bool {
    var offset = 0
    while offset < 64 {
      let token = peek(offset)
      if token.kind == .endOfFile || isSymbol("{", offset) { return false }
      if isSymbol(";", offset) { return true }
      offset += 1
    }
    return false
  }

  private mutating func plate() -> Statement.Kind {
    advance()
    let index = identifier("the plate's index")
    if !takeKeyword("in") { expected("`in` and a range", code: "S024", help: "write `plate j in 0..<J { … }`") }
    let range = conditionExpression()
    let body = block(after: "the plate's range")
    return .plate(index: index, range: range, body: body)
  }
}
