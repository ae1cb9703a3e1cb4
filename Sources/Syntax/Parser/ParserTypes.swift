extension Parser {
  mutating func type() -> TypeExpression {
    let start = currentSpan
    guard enter() else {
      leave()
      return TypeExpression(.erroneous, start)
    }
    defer { leave() }
    if isAt(word: "inout"), isOnLine(1), isIdentifier(1) || isAt(.leftBracket, 1) {
      note(
        Diagnostic(
          "S019", "`inout` is not part of the language", at: currentSpan, help: "return the new value instead"))
      advance()
    }
    var result = primaryType()
    while isOnLine(), isAt(.question) || isAt(.coalesce) {
      let isDouble = isAt(.coalesce)
      advance()
      result = TypeExpression(.optional(result), spanFrom(start))
      if isDouble { result = TypeExpression(.optional(result), spanFrom(start)) }
      if !addStep() { return TypeExpression(.erroneous, start) }
    }
    if take(.arrow) {
      let value = type()
      var parameters = [result]
      if case .tuple(let elements) = result.kind { parameters = elements.map(\.type) }
      return TypeExpression(.function(parameters: parameters, result: value), spanFrom(start))
    }
    return result
  }

  private mutating func primaryType() -> TypeExpression {
    let start = currentSpan
    if isAt(.leftParenthesis) {
      let elements = typeElements()
      if elements.count == 1, elements[0].label == nil, !isAt(.arrow) { return elements[0].type }
      return TypeExpression(.tuple(elements), spanFrom(start))
    }
    if isAt(.leftBracket) { return bracketType() }
    if isIdentifier() {
      let name = identifier("a type")
      var generics: [TypeExpression] = []
      var extents: [ExtentExpression] = []
      if isAt(.less) {
        let opener = cursor
        advance()
        list(to: .greater, opener, of: .types) { generics.append($0.type()) }
      }
      if isAt(.leftBracket), isOnLine() {
        let opener = cursor
        advance()
        list(to: .rightBracket, opener, of: .extents) {
          if let extent = $0.extentExpression() { extents.append(extent) }
        }
      }
      return TypeExpression(.named(name, generics: generics, extents: extents), spanFrom(start))
    }
    note(expectation("a type", "S012", help: "types are `Real`, `Int`, `Bool`, `String`, `Vector[N]`, `[T]`, …"))
    return TypeExpression(.erroneous, place)
  }

  /// `(A, label: B)`, of tuples and of the payloads of cases.
  mutating func typeElements() -> [TypeExpression.Element] {
    var elements: [TypeExpression.Element] = []
    let opener = cursor
    advance()
    list(to: .rightParenthesis, opener, of: .types) { parser in
      var label: Identifier?
      if parser.isIdentifier(), parser.isAt(.colon, 1) {
        label = parser.identifier("a label")
        parser.advance()
      }
      elements.append(.init(label: label, type: parser.type()))
    }
    return elements
  }

  /// `[N of T]`, `[T]`, `[K: V]`
  private mutating func bracketType() -> TypeExpression {
    let start = currentSpan
    let opener = advance()
    var kind: TypeExpression.Kind
    if isIdentifier() || current.kind == .integer, isAt(word: "of", 1), !isAt(.rightBracket, 2) {
      let extent = extentExpression()
      advance()
      kind = .array(extent: extent, element: type())
    } else {
      let element = type()
      kind = take(.colon) ? .dictionary(key: element, value: type()) : .array(extent: nil, element: element)
    }
    close(.rightBracket, opener)
    if isUnwinding { kind = .erroneous }
    return TypeExpression(kind, spanFrom(start))
  }

  /// A number, a name or `_`; nil, reported, where something else or something more stands.
  private mutating func extentExpression() -> ExtentExpression? {
    var extent: ExtentExpression?
    if current.kind == .integer {
      let token = advance()
      let value = integerValue(token)
      if value == nil {
        note(
          Diagnostic("S007", "the extent is too large", at: span(token), expected: "at most \(Int.max)"))
      }
      extent = .literal(value ?? 0, span(token))
    } else if isAt(word: "_") {
      extent = .unknown(span(advance()))
    } else if isIdentifier() {
      extent = .name(identifier("an extent"))
    }
    switch current.kind {
    case .symbol(.comma), .symbol(.rightBracket), .endOfFile: if extent != nil { return extent }
    case .identifier, .integer: if extent != nil { return extent }
    default: if !isOnLine(), extent != nil { return extent }
    }
    report(
      Diagnostic(
        "S012", "an extent is a number or a name", at: currentSpan,
        help: "leave it out: `Vector[_]`, or bind a name to it where the array is made"))
    return nil
  }
}
