/// Literals, names, brackets and closures.
extension Parser {
  mutating func primary() -> Expression {
    let start = currentSpan
    let token = current
    switch token.kind {
    case .integer:
      advance()
      return integer(token)
    case .real:
      advance()
      return real(token)
    case .string:
      advance()
      let segments = segments(of: token)
      return Expression(texts[token.start] == nil ? .erroneous : .string(segments), span(token))
    case .closureParameter:
      advance()
      return Expression(.name(text(token)), span(token))
    case .identifier:
      let name = identifier("a name")
      return Expression(.name(name.text), name.span)
    case .keyword(.true), .keyword(.false):
      advance()
      return Expression(.boolean(token.kind == .keyword(.true)), start)
    case .keyword(.nil):
      advance()
      return Expression(.nilLiteral, start)
    case .keyword(.if): return Expression(.ifExpression(ifStatement()), spanFrom(start))
    case .keyword(.switch): return Expression(.switchExpression(switchStatement()), spanFrom(start))
    case .symbol(.leftParenthesis): return parenthesized()
    case .symbol(.leftBracket): return arrayOrDictionary()
    case .symbol(.leftBrace): return closureExpression()
    case .symbol(.backslash): return keyPath()
    case .symbol(.dot):
      advance()
      return Expression(.implicitMember(anyName("a member's name")), spanFrom(start))
    case .invalid:
      // The lexer has said what is wrong here.
      isPanicking = true
      advance()
      return Expression(.erroneous, span(token))
    case .keyword(let word):
      let isStatement = isOnLine() && !isEndWord(word)
      report(
        expectation(
          "an expression", "S013", help: isStatement ? "`\(word)` is a statement, without a value" : nil))
    case .symbol, .endOfFile:
      report(expectation("an expression", "S013"))
    }
    return Expression(.erroneous, start)
  }

  /// Words that only go on with a statement.
  private func isEndWord(_ word: Keyword) -> Bool {
    switch word {
    case .in, .else, .case, .default, .where, .throws, .try: true
    default: false
    }
  }

  // MARK: - Numbers

  /// The value of an integer token; nil when it is too large.
  func integerValue(_ token: Token) -> Int? {
    let digits = text(token).filter { $0 != "_" }
    if digits.hasPrefix("0x") { return Int(digits.dropFirst(2), radix: 16) }
    if digits.hasPrefix("0b") { return Int(digits.dropFirst(2), radix: 2) }
    if digits.hasPrefix("0o") { return Int(digits.dropFirst(2), radix: 8) }
    return Int(digits)
  }

  private mutating func integer(_ token: Token) -> Expression {
    if let value = integerValue(token) { return Expression(.integer(value), span(token)) }
    note(
      Diagnostic(
        "S007", "the integer is too large", at: span(token), expected: "at most \(Int.max)",
        help: "a real number has a point or an exponent: `1e19`"))
    return Expression(.erroneous, span(token))
  }

  private mutating func real(_ token: Token) -> Expression {
    var digits = text(token).filter { $0 != "_" }
    if digits.hasPrefix(".") { digits = "0" + digits }
    if digits.hasSuffix(".") { digits += "0" }
    let value = Double(digits) ?? .infinity
    if value.isFinite { return Expression(.real(value), span(token)) }
    note(
      Diagnostic(
        "S007", "the number is too large", at: span(token), expected: "at most \(Double.greatestFiniteMagnitude)",
        help: "`infinity` is larger than every number"))
    return Expression(.erroneous, span(token))
  }

  // MARK: - Brackets

  private mutating func parenthesized() -> Expression {
    let open = currentSpan
    let list = arguments(.tuple, to: .rightParenthesis)
    if list.count == 1, list[0].label == nil {
      var value = list[0].value
      value.span = spanFrom(open)
      return value
    }
    return Expression(.tuple(list), spanFrom(open))
  }

  private mutating func arrayOrDictionary() -> Expression {
    let open = currentSpan
    if isAt(.colon, 1), isAt(.rightBracket, 2) {
      for _ in 0..<3 { advance() }
      return Expression(.dictionary([]), spanFrom(open))
    }
    var elements: [Expression] = []
    var pairs: [Expression.DictionaryElement] = []
    let opener = cursor
    advance()
    list(to: .rightBracket, opener, of: .expressions) { parser in
      guard parser.startsExpression() || parser.isAt(.increment) || parser.isAt(.decrement) else {
        parser.report(parser.expectation("an element", "S013"))
        return
      }
      let first = parser.expression()
      if parser.take(.colon) {
        pairs.append(.init(key: first, value: parser.expression()))
      } else {
        elements.append(first)
      }
    }
    let place = spanFrom(open)
    if let pair = pairs.first, let element = elements.first {
      note(
        Diagnostic(
          "S016", "some elements have keys and some have none", at: element.span, caret: "without a key",
          labels: [.init(span: pair.key.span, text: "a key")], help: "write `key: value` for all, or for none"))
      return Expression(.erroneous, place)
    }
    return pairs.isEmpty ? Expression(.array(elements), place) : Expression(.dictionary(pairs), place)
  }

  private mutating func keyPath() -> Expression {
    let start = span(advance())
    var names: [Identifier] = []
    if !isAt(.dot) { report(expectation("`.` and a site's name", "S011", help: "a key path is `\\.g.scale`")) }
    while !isPanicking, take(.dot) { names.append(anyName("a site's name")) }
    return Expression(.keyPath(names), spanFrom(start))
  }

  // MARK: - Closures

  mutating func closureExpression() -> Expression {
    let start = currentSpan
    guard enter() else {
      leave()
      return Expression(.erroneous, start)
    }
    defer { leave() }
    let opener = advance()
    let (parameters, result) = hasSignature() ? closureSignature() : (nil, nil)
    let saved = allowsTrailingClosure
    allowsTrailingClosure = true
    let body = statements(untilBrace: true)
    allowsTrailingClosure = saved
    if !isUnwinding { close(.rightBrace, opener) }
    return Expression(
      .closure(Closure(parameters: parameters, result: result, body: Block(body, spanFrom(start)))), spanFrom(start))
  }

  /// Whether `x, y in` or `(x: Real) -> Real in` follows.
  private func hasSignature() -> Bool {
    var index = cursor
    func kind(_ index: Int) -> Token.Kind { tokens[min(index, tokens.count - 1)].kind }
    if isAt(.leftParenthesis) {
      guard closers[index] >= 0 else { return false }
      index = Int(closers[index]) + 1
      guard kind(index) == .symbol(.arrow) else { return kind(index) == .keyword(.in) }
      while true {
        switch kind(index) {
        case .keyword(.in): return true
        case .identifier, .integer, .symbol(.arrow), .symbol(.question), .symbol(.coalesce), .symbol(.less),
          .symbol(.greater), .symbol(.comma):
          index += 1
        case .symbol(.leftParenthesis), .symbol(.leftBracket):
          guard closers[index] >= 0 else { return false }
          index = Int(closers[index]) + 1
        default: return false
        }
      }
    }
    while kind(index) == .identifier {
      index += 1
      if kind(index) == .keyword(.in) { return true }
      guard kind(index) == .symbol(.comma) else { return false }
      index += 1
    }
    return false
  }

  private mutating func closureSignature() -> ([Closure.Parameter]?, TypeExpression?) {
    var parameters: [Closure.Parameter] = []
    var result: TypeExpression?
    if isAt(.leftParenthesis) {
      let opener = cursor
      advance()
      list(to: .rightParenthesis, opener, of: .names) { parser in
        let name = parser.identifier("a parameter")
        parameters.append(.init(name: name, type: parser.take(.colon) ? parser.type() : nil))
      }
      if take(.arrow) { result = type() }
    } else {
      repeat { parameters.append(.init(name: identifier("a parameter"), type: nil)) } while take(.comma)
    }
    take(.in)
    return (parameters, result)
  }

  // MARK: - Texts

  mutating func segments(of token: Token) -> [StringSegment] {
    guard let literal = texts[token.start] else {
      // It is not closed, which the lexer has said.
      isPanicking = true
      return []
    }
    return literal.parts.map { part in
      switch part {
      case .text(let text): .text(text)
      case .interpolation(let tokens): .interpolation(interpolation(tokens))
      }
    }
  }

  private mutating func interpolation(_ inner: [Token]) -> Expression {
    let outer = (tokens, closers, cursor, allowsTrailingClosure, isPanicking)
    (tokens, closers, cursor, allowsTrailingClosure, isPanicking) = (inner, Parser.closers(inner), 0, true, false)
    interpolationDepth += 1
    let value = expression()
    if !isUnwinding, !isAtEnd { report(expectation("`)`", "S013")) }
    interpolationDepth -= 1
    (tokens, closers, cursor, allowsTrailingClosure, isPanicking) = outer
    if isUnwinding {
      if interpolationDepth == 0 { markResumption() }
      cursor = tokens.count - 1
    }
    return value
  }
}
