/// Members, calls, indices and trailing closures.
extension Parser {
  mutating func postfix() -> Expression {
    let outer = height
    height = 0
    defer { height = max(outer, height) }
    var base = primary()
    while !isUnwinding, !isPanicking, let next = postfixStep(base) {
      base = next
      if !addStep() { break }
    }
    return base
  }

  private mutating func postfixStep(_ base: Expression) -> Expression? {
    guard case .symbol(let symbol) = current.kind else { return nil }
    switch symbol {
    case .dot:
      if current.followsNewline, !isIdentifier(1), peek().kind != .integer { return nil }
      advance()
      return member(of: base)
    case .leftParenthesis:
      return isOnLine() ? call(base) : nil
    case .leftBracket:
      return isOnLine() ? index(base) : nil
    case .question:
      guard isAt(.dot, 1), peek().start == current.end, cursor > 0, tokens[cursor - 1].end == current.start else {
        return nil
      }
      advance()
      advance()
      return Expression(.optionalMember(base: base, name: memberName()), spanFrom(base.span))
    case .exclamation:
      guard cursor > 0, tokens[cursor - 1].end == current.start else { return nil }
      advance()
      return Expression(.forceUnwrap(base), spanFrom(base.span))
    case .leftBrace:
      guard allowsTrailingClosure, isOnLine(), mayTakeClosure(base) else { return nil }
      return withTrailingClosure(base)
    default: return nil
    }
  }

  private func mayTakeClosure(_ base: Expression) -> Bool {
    switch base.kind {
    case .name, .member, .call, .implicitMember: true
    default: false
    }
  }

  private mutating func withTrailingClosure(_ base: Expression) -> Expression {
    let argument = Expression.Argument(label: nil, value: closureExpression(), isTrailingClosure: true)
    if case .call(let callee, let arguments) = base.kind {
      return Expression(.call(callee: callee, arguments: arguments + [argument]), spanFrom(base.span))
    }
    return Expression(.call(callee: base, arguments: [argument]), spanFrom(base.span))
  }

  private mutating func member(of base: Expression) -> Expression {
    if isAt(word: "self") {
      let word = currentSpan
      advance()
      if let type = typeFrom(base) { return Expression(.typeReference(type), spanFrom(base.span)) }
      note(
        Diagnostic("S012", "`.self` follows the name of a type", at: word, help: "write `Row.self`"))
      return Expression(.erroneous, spanFrom(base.span))
    }
    return Expression(.member(base: base, name: memberName()), spanFrom(base.span))
  }

  private mutating func memberName() -> Identifier {
    if current.kind == .integer {
      let token = advance()
      return Identifier(text(token), span(token))
    }
    return anyName("a member's name")
  }

  /// The type that an expression spells, for `.self`.
  private func typeFrom(_ expression: Expression) -> TypeExpression? {
    let kind: TypeExpression.Kind
    switch expression.kind {
    case .name(let name): kind = .named(Identifier(name, expression.span), generics: [], extents: [])
    case .index(let base, let arguments):
      guard case .name(let name) = base.kind else { return nil }
      var extents: [ExtentExpression] = []
      for argument in arguments {
        switch argument.value.kind {
        case .integer(let number): extents.append(.literal(number, argument.value.span))
        case .name("_"): extents.append(.unknown(argument.value.span))
        case .name(let name): extents.append(.name(Identifier(name, argument.value.span)))
        default: return nil
        }
      }
      kind = .named(Identifier(name, base.span), generics: [], extents: extents)
    case .array(let elements):
      guard elements.count == 1, let element = elements.first.flatMap(typeFrom) else { return nil }
      kind = .array(extent: nil, element: element)
    case .dictionary(let elements):
      guard elements.count == 1, let pair = elements.first, let key = typeFrom(pair.key),
        let value = typeFrom(pair.value)
      else { return nil }
      kind = .dictionary(key: key, value: value)
    default: return nil
    }
    return TypeExpression(kind, expression.span)
  }

  // MARK: - Arguments

  /// What arguments stand in: it decides what `=` and `:` may be meant for.
  enum Arguments { case call, index, tuple }

  mutating func arguments(_ place: Arguments, to closing: Symbol) -> [Expression.Argument] {
    var result: [Expression.Argument] = []
    let opener = cursor
    advance()
    list(to: closing, opener, of: .expressions) { parser in
      if let argument = parser.argument(place, isFirst: result.isEmpty) { result.append(argument) }
    }
    return result
  }

  private mutating func argument(_ place: Arguments, isFirst: Bool) -> Expression.Argument? {
    let label = argumentLabel(place)
    if place == .index, label == nil, isAt(.colon) {
      let colon = currentSpan
      advance()
      let upper = startsExpression() ? expression() : nil
      let help = upper.map { "write `..<\(shortened(source.text($0.span), to: 24))`" } ?? "write `...`"
      note(Diagnostic("S034", "`:` does not make a range", at: colon, help: help))
      return .init(label: nil, value: Expression(.erroneous, colon))
    }
    guard startsExpression() || isAt(.closed) || isAt(.halfOpen) || isAt(.increment) || isAt(.decrement) else {
      report(expectation("an argument", "S013"))
      return nil
    }
    let value = argumentValue()
    if place == .index, isAt(.colon) {
      _ = colonRange(from: value)
      return .init(label: nil, value: Expression(.erroneous, spanFrom(value.span)))
    }
    if place == .tuple, isAt(.assign) {
      let sign = currentSpan
      note(
        Diagnostic(
          "S022", "`=` gives a value; a comparison is `==`", at: sign, expected: "`==`", found: "`=`",
          fixes: [.init(span: sign, replacement: "==", certainty: .certain)]))
      advance()
      _ = expression()
    }
    return .init(label: label, value: value)
  }

  private mutating func argumentLabel(_ place: Arguments) -> Identifier? {
    switch current.kind {
    case .identifier, .keyword: break
    default: return nil
    }
    if isAt(.colon, 1) {
      // `x[a:b]` is meant as a stretch; the only label of an index is `default`.
      if place == .index, !isAt(.default) { return nil }
      let label = anyName("a label")
      advance()
      return label
    }
    guard place == .call, isAt(.assign, 1), isIdentifier() else { return nil }
    let label = anyName("a label")
    note(
      Diagnostic(
        "S033", "an argument's label ends with `:`", at: currentSpan, found: "`=`", help: "write `\(label.text): …`"))
    advance()
    return label
  }

  /// An expression, or a stretch with an open beginning: `...`, `..<b`, `...b`.
  private mutating func argumentValue() -> Expression {
    guard isAt(.closed) || isAt(.halfOpen) else { return expression() }
    let start = currentSpan
    let isClosed = isAt(.closed)
    advance()
    let upper = startsExpression() ? expression() : nil
    return Expression(.range(lower: nil, upper: upper, isClosed: isClosed), spanFrom(start))
  }

  private mutating func call(_ callee: Expression) -> Expression {
    let list = arguments(.call, to: .rightParenthesis)
    return Expression(.call(callee: callee, arguments: list), spanFrom(callee.span))
  }

  private mutating func index(_ base: Expression) -> Expression {
    let open = currentSpan
    let list = arguments(.index, to: .rightBracket)
    if list.isEmpty {
      note(Diagnostic("S013", "an index is missing", at: spanFrom(open), help: "`x[...]` takes all"))
    }
    return Expression(.index(base: base, arguments: list), spanFrom(base.span))
  }
}
