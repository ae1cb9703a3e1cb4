/// Structures and enumerations, and what stands in their braces.
extension Parser {
  enum Container { case structure, enumeration, `extension` }

  /// Members between braces.
  ///
  /// - Parameter member: takes one, or takes nothing and returns false.
  mutating func members(of container: Container, member: (inout Parser) -> Bool) {
    let (head, expected) =
      switch container {
      case .structure: ("the structure's name", "a field or a function")
      case .enumeration: ("the enumeration's name", "`case` or a function")
      case .extension: ("the extended type", "a function")
      }
    guard isAt(.leftBrace) else {
      report(expectation("`{` after \(head)", "S018"))
      missingBraces += 1
      return
    }
    guard enter() else {
      leave()
      return
    }
    defer { leave() }
    isPanicking = false
    let opener = advance()
    while !isAtEnd, !isAt(.rightBrace) {
      if take(.semicolon) { continue }
      let before = cursor
      if !member(&self) {
        report(
          Diagnostic(
            "S027", "expected \(expected)", at: currentSpan, expected: expected, found: foundWords,
            help: memberHelp(container)))
        skip()
      } else if cursor == before {
        advance()
      }
      endStatement()
    }
    if !isUnwinding { close(.rightBrace, opener) }
  }

  /// What a word that is no member may be meant for.
  private func memberHelp(_ container: Container) -> String? {
    guard isIdentifier() else { return nil }
    switch container {
    case .structure:
      if isAt(word: "init") { return "a structure is made from its fields: `Point(x: 1, y: 2)`" }
      return isAt(.colon, 1) ? "a field starts with `let` or `var`: `let \(text(current)): …`" : nil
    case .enumeration: return "write `case \(text(current))`"
    case .extension: return nil
    }
  }

  mutating func method() -> FunctionDeclaration? {
    if isAt(.func) { return functionDeclaration(docComment(), form: nil) }
    if isAt(word: "intrinsic") { return intrinsicDeclaration(docComment()) }
    return nil
  }

  /// `struct A: B`
  private mutating func noInheritance() {
    guard isAt(.colon) else { return }
    note(
      Diagnostic("S019", "there is no inheritance", at: currentSpan, help: "remove what follows the name"))
    while !isAtEnd, isOnLine(), !isAt(.leftBrace) { advance() }
  }

  // MARK: - Structures

  mutating func structureDeclaration(_ documentation: DocComment?) -> StructureDeclaration {
    let start = currentSpan
    advance()
    let name = identifier("the structure's name")
    noInheritance()
    var fields: [StructureDeclaration.Field] = []
    var methods: [FunctionDeclaration] = []
    members(of: .structure) { parser in
      if parser.isAt(.let) || parser.isAt(.var) {
        parser.fields(into: &fields)
        return true
      }
      guard let method = parser.method() else { return false }
      methods.append(method)
      return true
    }
    return StructureDeclaration(
      name: name, fields: fields, methods: methods, documentation: documentation, span: spanFrom(start))
  }

  private mutating func fields(into fields: inout [StructureDeclaration.Field]) {
    let isVariable = isAt(.var)
    advance()
    // Names that share a type: `let x, y: Real`.
    var sharing: [Identifier] = []
    repeat {
      let name = identifier("a field")
      if name.text.isEmpty {
        isPanicking = true
        break
      }
      sharing.append(name)
      if isAt(.comma) { continue }
      var annotation = TypeExpression(.erroneous, currentSpan)
      if take(.colon) {
        annotation = type()
      } else {
        note(
          Diagnostic(
            "S025", "the field `\(name.text)` needs a type", at: name.span, expected: "`\(name.text): Type`",
            help: "write its type, for example `\(name.text): Real`"))
      }
      let value = take(.assign) ? expression() : nil
      for (number, name) in sharing.enumerated() {
        fields.append(
          .init(
            isVariable: isVariable, name: name, type: annotation,
            defaultValue: number == sharing.count - 1 ? value : nil))
      }
      if isAt(.leftBrace), isOnLine() {
        note(
          Diagnostic(
            "S027", "a field has no body", at: currentSpan,
            help: "compute it in a function: `func \(name.text)() -> …`"))
        skip()
      }
      sharing.removeAll()
    } while !isUnwinding && take(.comma)
  }

  // MARK: - Enumerations

  mutating func enumerationDeclaration(_ documentation: DocComment?) -> EnumerationDeclaration {
    let start = currentSpan
    advance()
    let name = identifier("the enumeration's name")
    noInheritance()
    var cases: [EnumerationDeclaration.Case] = []
    var methods: [FunctionDeclaration] = []
    members(of: .enumeration) { parser in
      if parser.take(.case) {
        repeat {
          if let one = parser.enumerationCase() { cases.append(one) }
        } while !parser.isUnwinding && parser.take(.comma)
        return true
      }
      guard let method = parser.method() else { return false }
      methods.append(method)
      return true
    }
    return EnumerationDeclaration(
      name: name, cases: cases, methods: methods, documentation: documentation, span: spanFrom(start))
  }

  private mutating func enumerationCase() -> EnumerationDeclaration.Case? {
    let name = anyName("a case")
    if name.text.isEmpty { return nil }
    let payload = isAt(.leftParenthesis) && isOnLine() ? typeElements() : []
    if isAt(.assign) {
      note(
        Diagnostic(
          "S019", "cases have no raw values", at: currentSpan, help: "give a function that switches over the cases"))
      advance()
      _ = expression()
    }
    return EnumerationDeclaration.Case(name: name, payload: payload)
  }
}
