extension Parser {
  /// The `///` lines in front of the current token.
  func docComment() -> DocComment? {
    let token = current
    guard token.start > token.triviaStart + 3 else { return nil }
    var lines: [String] = []
    let trivia = source.bytes[Int(token.triviaStart)..<Int(token.start)]
    for (number, line) in trivia.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
      // The rest of the line before is about what stands there.
      if number == 0, token.triviaStart > 0 { continue }
      let trimmed = line.drop { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }
      if trimmed.starts(with: [0x2F, 0x2F, 0x2F]) {
        var content = trimmed.dropFirst(3)
        if content.first == 0x20 { content = content.dropFirst() }
        if content.last == 0x0D { content = content.dropLast() }
        lines.append(String(decoding: content, as: UTF8.self))
      } else if !trimmed.isEmpty {
        lines.removeAll()
      }
    }
    return lines.isEmpty ? nil : lines.joined(separator: "\n")
  }

  private mutating func genericNames() -> [Identifier] {
    guard isAt(.less) else { return [] }
    var names: [Identifier] = []
    let opener = cursor
    advance()
    list(to: .greater, opener, of: .names) { names.append($0.identifier("a generic name")) }
    return names
  }

  /// The parameters of a function or model.
  private mutating func parameters(of what: String) -> [Parameter] {
    guard isAt(.leftParenthesis) else {
      note(
        Diagnostic(
          "S025", "expected `(` and the parameters of the \(what)", at: place,
          expected: "`(name: Type, _ name: Type)`", found: foundWords, help: "write `()` where there are none"))
      return []
    }
    var result: [Parameter] = []
    let opener = cursor
    advance()
    list(to: .rightParenthesis, opener, of: .parameters) { parser in
      if let parameter = parser.parameter() { result.append(parameter) }
    }
    return result
  }

  private mutating func parameter() -> Parameter? {
    let start = currentSpan
    let isBare = isAt(word: "_")
    var name: Identifier
    // A label may be any word, also a keyword: `in`, `for`.
    if case .keyword = current.kind, isIdentifier(1) || isAt(.colon, 1) {
      name = anyName("a label")
    } else {
      name = identifier("a parameter", help: "parameters are `name: Type` or `_ name: Type`")
      if name.text.isEmpty {
        isPanicking = true
        return nil
      }
    }
    let label = isBare ? nil : name
    if isIdentifier(), isOnLine() {
      let second = identifier("a parameter")
      if !isBare, !isAt(.colon), name.text.first?.isUppercase == true {
        report(
          Diagnostic(
            "S025", "the type follows the name", at: spanFrom(start), help: "write `\(second.text): \(name.text)`"))
        return nil
      }
      name = second
    } else if isBare {
      note(
        Diagnostic(
          "S025", "expected the parameter's name", at: place, expected: "the parameter's name", found: foundWords,
          help: "write `_ name: Type`"))
    }
    var annotation = TypeExpression(.erroneous, currentSpan)
    if take(.colon) {
      annotation = type()
    } else {
      noteMissingType("parameter", name)
    }
    let value = take(.assign) ? expression() : nil
    return Parameter(label: label, name: name, type: annotation, defaultValue: value, span: spanFrom(start))
  }

  private mutating func noteMissingType(_ what: String, _ name: Identifier) {
    note(
      Diagnostic(
        "S025", "the \(what) `\(name.text)` needs a type", at: name.span, expected: "`\(name.text): Type`",
        help: "write its type, for example `\(name.text): Real`"))
  }

  // MARK: - Functions and models

  /// `func name(…) -> T { … }`; with a form given, what follows `intrinsic`.
  mutating func functionDeclaration(
    _ documentation: DocComment?, form: FunctionDeclaration.Form?
  ) -> FunctionDeclaration {
    let start = currentSpan
    advance()
    let name = identifier("the function's name")
    let generics = genericNames()
    if form == nil, let first = generics.first {
      note(
        Diagnostic("S026", "generic functions belong to the library", at: first.span, help: "write the concrete types"))
    }
    let list = parameters(of: "function")
    if isAt(.throws) || isAt(word: "rethrows") || isAt(word: "async"), isOnLine() {
      note(
        Diagnostic(
          "S019", "`\(text(current))` is not part of the language", at: currentSpan,
          help: "remove it: an error ends the cell"))
      advance()
    }
    let result = functionResult()
    var body = form
    if body == nil {
      body = .body(block(after: "the function's head"))
    } else if kind == .user, isAt(.leftBrace) {
      // That it is not the library has been said.
      skip()
    }
    return FunctionDeclaration(
      name: name, generics: generics, parameters: list, result: result, form: body ?? .intrinsic,
      documentation: documentation, span: spanFrom(start))
  }

  private mutating func functionResult() -> TypeExpression? {
    if take(.arrow) { return type() }
    guard isAt(.colon), isOnLine(), isIdentifier(1) || isAt(.leftBracket, 1) || isAt(.leftParenthesis, 1), isOnLine(1)
    else { return nil }
    let place = currentSpan
    note(
      Diagnostic(
        "S010", "a result type follows `->`", at: place, expected: "`->`", found: "`:`",
        fixes: [.init(span: place, replacement: " ->", certainty: .certain)]))
    advance()
    return type()
  }

  mutating func modelDeclaration(_ documentation: DocComment?) -> ModelDeclaration {
    let start = currentSpan
    let name = identifier("the model's name")
    let list = parameters(of: "model")
    if isAt(.arrow) {
      note(
        Diagnostic("S010", "a model has no result type", at: currentSpan, help: "its sites are its results"))
      advance()
      _ = type()
    }
    let body = block(after: "the model's head")
    return ModelDeclaration(
      name: name, parameters: list, body: body, documentation: documentation, span: spanFrom(start))
  }

  // MARK: - The library's own

  mutating func intrinsicDeclaration(_ documentation: DocComment?) -> FunctionDeclaration {
    let start = currentSpan
    let word = span(advance())
    if kind == .user {
      note(Diagnostic("S026", "`intrinsic` belongs to the library", at: word, help: "write a function with a body"))
    }
    if isAt(word: "elementwise"), isAt(.func, 1) {
      advance()
      return functionDeclaration(documentation, form: .intrinsicElementwise)
    }
    if isAt(.func) { return functionDeclaration(documentation, form: .intrinsic) }
    if isAt(word: "distribution") { return functionDeclaration(documentation, form: .intrinsicDistribution) }
    var name = Identifier("", currentSpan)
    var result: TypeExpression?
    if take(.var) {
      name = identifier("the property's name")
      if take(.colon) {
        result = type()
      } else {
        noteMissingType("property", name)
      }
    } else {
      report(expectation("`func`, `elementwise func`, `distribution` or `var`", "S026"))
      recover()
    }
    return FunctionDeclaration(
      name: name, generics: [], parameters: [], result: result, form: .intrinsicProperty,
      documentation: documentation, span: spanFrom(start))
  }

  mutating func extensionDeclaration() -> ExtensionDeclaration {
    let start = currentSpan
    let word = span(advance())
    if kind == .user {
      note(Diagnostic("S026", "`extension` belongs to the library", at: word, help: "write a function"))
    }
    let extended = type()
    var methods: [FunctionDeclaration] = []
    members(of: .extension) { parser in
      guard let method = parser.method() else { return false }
      methods.append(method)
      return true
    }
    return ExtensionDeclaration(type: extended, generics: [], methods: methods, span: spanFrom(start))
  }
}
