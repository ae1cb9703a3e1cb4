extension Parser {
  /// The `///` lines in front of the current token.
  func docComment() -> DocComment? {
    let token = current
    guard token.start > token.triviaStart else { return nil }
    let trivia = String(
      decoding: source.bytes[Int(token.triviaStart)..<Int(token.start)], as: UTF8.self)
    guard trivia.contains("///") else { return nil }
    var lines: [String] = []
    for line in trivia.split(separator: "\n", omittingEmptySubsequences: false) {
      let trimmed = line.drop { $0 == " " || $0 == "\t" || $0 == "\r" }
      if trimmed.hasPrefix("///") {
        var content = trimmed.dropFirst(3)
        if content.first == " " { content = content.dropFirst() }
        lines.append(String(content.last == "\r" ? content.dropLast() : content))
      } else if !trimmed.isEmpty {
        lines.removeAll()
      }
    }
    return lines.isEmpty ? nil : lines.joined(separator: "\n")
  }

  mutating func genericNames() -> [Identifier] {
    guard isSymbol("<") else { return [] }
    let open = span(advance())
    var names: [Identifier] = []
    while !isSymbol(">"), !isAtEnd {
      names.append(identifier("a generic name"))
      if !take(",") { break }
    }
    close(">", opened: open)
    return names
  }

  mutating func parameters() -> [Parameter] {
    let open = currentSpan
    guard take("(") else {
      expected("`(` and parameters", code: "S025")
      return []
    }
    var result: [Parameter] = []
    while !isSymbol(")"), !isAtEnd {
      let start = currentSpan
      let before = cursor
      var label: Identifier?
      var name: Identifier
      let isBare = isWord("_")
      // A label may be any word, also a keyword: `in`, `for`.
      if current.kind == .keyword, peek().kind == .identifier || isSymbol(":", 1) {
        let token = advance()
        name = Identifier(text(token), span(token))
      } else {
        name = identifier("a parameter", help: "parameters are `name: Type` or `_ name: Type`")
      }
      if name.text.isEmpty { break }
      if current.kind == .identifier {
        label = isBare ? nil : name
        name = identifier("a parameter")
      } else {
        label = isBare ? nil : name
      }
      if !take(":") {
        report(
          Diagnostic(
            "S025", "the parameter `\(name.text)` needs a type", at: name.span, expected: "`\(name.text): Real`",
            found: foundWords))
      }
      let annotation = isSymbol(",") || isSymbol(")") ? TypeExpression(.erroneous, currentSpan) : type()
      let value = take("=") ? expression() : nil
      result.append(
        Parameter(label: label, name: name, type: annotation, defaultValue: value, span: spanFrom(start)))
      if !take(",") { break }
      if cursor == before { break }
    }
    close(")", opened: open)
    return result
  }

  /// `func name(…) -> T { … }`; with a form given, what follows `intrinsic`.
  mutating func functionDeclaration(
    _ documentation: DocComment?, form: FunctionDeclaration.Form?
  ) -> FunctionDeclaration {
    let start = currentSpan
    advance()
    let name = identifier("the function's name")
    let generics = genericNames()
    if form == nil, let first = generics.first {
      report(
        Diagnostic(
          "S026", "generic functions belong to the library", at: first.span, help: "write the concrete types"))
    }
    let list = parameters()
    let result = take("->") ? type() : nil
    if let form {
      return FunctionDeclaration(
        name: name, generics: generics, parameters: list, result: result, form: form, documentation: documentation,
        span: spanFrom(start))
    }
    let body = block(after: "the function's head")
    return FunctionDeclaration(
      name: name, generics: generics, parameters: list, result: result, form: .body(body),
      documentation: documentation, span: spanFrom(start))
  }

  mutating func intrinsicDeclaration(_ documentation: DocComment?) -> FunctionDeclaration {
    let start = currentSpan
    let word = span(advance())
    if kind == .user {
      report(Diagnostic("S026", "`intrinsic` belongs to the library", at: word, help: "write a function with a body"))
    }
    if isWord("elementwise"), isKeyword("func", 1) {
      advance()
      return functionDeclaration(documentation, form: .intrinsicElementwise)
    }
    if isKeyword("func") { return functionDeclaration(documentation, form: .intrinsic) }
    if isWord("distribution") { return functionDeclaration(documentation, form: .intrinsicDistribution) }
    if isKeyword("var") {
      advance()
      let name = identifier("the property's name")
      if !take(":") { expected("`:` and a type") }
      let result = type()
      return FunctionDeclaration(
        name: name, generics: [], parameters: [], result: result, form: .intrinsicProperty,
        documentation: documentation, span: spanFrom(start))
    }
    expected("`func`, `elementwise func`, `distribution` or `var`", code: "S026")
    recover()
    return FunctionDeclaration(
      name: Identifier("", currentSpan), generics: [], parameters: [], result: nil, form: .intrinsic,
      documentation: documentation, span: spanFrom(start))
  }

  mutating func extensionDeclaration() -> ExtensionDeclaration {
    let start = currentSpan
    let word = span(advance())
    if kind == .user {
      report(Diagnostic("S026", "`extension` belongs to the library", at: word, help: "write a function"))
    }
    let extended = type()
    let methods = members(after: "the extended type")
    return ExtensionDeclaration(type: extended, generics: [], methods: methods, span: spanFrom(start))
  }

  /// Methods between braces.
  private mutating func members(after what: String) -> [FunctionDeclaration] {
    let open = currentSpan
    guard take("{") else {
      expected("`{` after \(what)", code: "S018")
      return []
    }
    var methods: [FunctionDeclaration] = []
    while !isSymbol("}"), !isAtEnd {
      if take(";") { continue }
      if let method = method() {
        methods.append(method)
      } else {
        expected("a function", code: "S027")
        skipMember()
      }
    }
    close("}", opened: open)
    return methods
  }

  private mutating func skipMember() {
    let before = cursor
    recover()
    if cursor == before, !isSymbol("}") { advance() }
  }

  private mutating func method() -> FunctionDeclaration? {
    let documentation = docComment()
    if isKeyword("func") { return functionDeclaration(documentation, form: nil) }
    if isWord("intrinsic") { return intrinsicDeclaration(documentation) }
    return nil
  }

  mutating func modelDeclaration(_ documentation: DocComment?) -> ModelDeclaration {
    let start = currentSpan
    let name = identifier("the model's name")
    let list = parameters()
    let body = block(after: "the model's head")
    return ModelDeclaration(
      name: name, parameters: list, body: body, documentation: documentation, span: spanFrom(start))
  }

  mutating func structureDeclaration(_ documentation: DocComment?) -> StructureDeclaration {
    let start = currentSpan
    advance()
    let name = identifier("the structure's name")
    let open = currentSpan
    var fields: [StructureDeclaration.Field] = []
    var methods: [FunctionDeclaration] = []
    guard take("{") else {
      expected("`{` after the structure's name", code: "S018")
      return StructureDeclaration(
        name: name, fields: [], methods: [], documentation: documentation, span: spanFrom(start))
    }
    while !isSymbol("}"), !isAtEnd {
      if take(";") { continue }
      if isKeyword("let") || isKeyword("var") {
        let isVariable = isKeyword("var")
        advance()
        repeat {
          let field = identifier("a field")
          if field.text.isEmpty { break }
          if !take(":") {
            report(
              Diagnostic(
                "S025", "the field `\(field.text)` needs a type", at: field.span, help: "write `\(field.text): Real`"))
          }
          let annotation =
            isSymbol("}") || current.followsNewline && !isSymbol("[") ? TypeExpression(.erroneous, currentSpan) : type()
          let value = take("=") ? expression() : nil
          fields.append(.init(isVariable: isVariable, name: field, type: annotation, defaultValue: value))
        } while take(",")
      } else if let method = method() {
        methods.append(method)
      } else {
        expected("a field or a function", code: "S027")
        skipMember()
      }
    }
    close("}", opened: open)
    return StructureDeclaration(
      name: name, fields: fields, methods: methods, documentation: documentation, span: spanFrom(start))
  }

  mutating func enumerationDeclaration(_ documentation: DocComment?) -> EnumerationDeclaration {
    let start = currentSpan
    advance()
    let name = identifier("the enumeration's name")
    let open = currentSpan
    var cases: [EnumerationDeclaration.Case] = []
    var methods: [FunctionDeclaration] = []
    guard take("{") else {
      expected("`{` after the enumeration's name", code: "S018")
      return EnumerationDeclaration(
        name: name, cases: [], methods: [], documentation: documentation, span: spanFrom(start))
    }
    while !isSymbol("}"), !isAtEnd {
      if take(";") { continue }
      if takeKeyword("case") {
        repeat {
          let token = current
          let caseName = current.kind == .keyword ? Identifier(text(advance()), span(token)) : identifier("a case")
          if caseName.text.isEmpty { break }
          var payload: [TypeExpression.Element] = []
          if isSymbol("("), !current.followsNewline {
            let parenthesis = span(advance())
            while !isSymbol(")"), !isAtEnd {
              var label: Identifier?
              if current.kind == .identifier, isSymbol(":", 1) {
                label = identifier("a label")
                advance()
              }
              payload.append(.init(label: label, type: type()))
              if !take(",") { break }
            }
            close(")", opened: parenthesis)
          }
          cases.append(.init(name: caseName, payload: payload))
        } while take(",")
      } else if let method = method() {
        methods.append(method)
      } else {
        expected("`case` or a function", code: "S027")
        skipMember()
      }
    }
    close("}", opened: open)
    return EnumerationDeclaration(
      name: name, cases: cases, methods: methods, documentation: documentation, span: spanFrom(start))
  }
}
