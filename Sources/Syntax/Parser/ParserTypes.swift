extension Parser {
  mutating func type() -> TypeExpression {
    guard enter() else {
      leave()
      let span = currentSpan
      recover()
      return TypeExpression(.erroneous, span)
    }
    defer { leave() }
    let start = currentSpan
    var result = primaryType()
    while isSymbol("?") || isSymbol("??") {
      let isDouble = isSymbol("??")
      advance()
      result = TypeExpression(.optional(result), spanFrom(start))
      if isDouble { result = TypeExpression(.optional(result), spanFrom(start)) }
    }
    if isSymbol("->") {
      advance()
      let value = type()
      var parameters = [result]
      if case .tuple(let elements) = result.kind { parameters = elements.map(\.type) }
      return TypeExpression(.function(parameters: parameters, result: value), spanFrom(start))
    }
    return result
  }

  private mutating func primaryType() -> TypeExpression {
    let start = currentSpan
    if take("(") {
      var elements: [TypeExpression.Element] = []
      while !isSymbol(")"), !isAtEnd {
        var label: Identifier?
        if current.kind == .identifier, isSymbol(":", 1) {
          label = identifier("a label")
          advance()
        }
        elements.append(.init(label: label, type: type()))
        if !take(",") { break }
      }
      close(")", opened: start)
      if elements.count == 1, elements[0].label == nil, !isSymbol("->") { return elements[0].type }
      return TypeExpression(.tuple(elements), spanFrom(start))
    }
    if take("[") {
      // [N of T], [T], [K: V]
      if isExtentOf() {
        let extent = extentExpression()
        advance()
        let element = type()
        close("]", opened: start)
        return TypeExpression(.array(extent: extent, element: element), spanFrom(start))
      }
      let element = type()
      if take(":") {
        let value = type()
        close("]", opened: start)
        return TypeExpression(.dictionary(key: element, value: value), spanFrom(start))
      }
      close("]", opened: start)
      return TypeExpression(.array(extent: nil, element: element), spanFrom(start))
    }
    if current.kind == .identifier {
      let name = identifier("a type")
      var generics: [TypeExpression] = []
      var extents: [ExtentExpression] = []
      if isSymbol("<") {
        let open = currentSpan
        advance()
        while !isSymbol(">"), !isAtEnd {
          generics.append(type())
          if !take(",") { break }
        }
        close(">", opened: open)
      }
      if isSymbol("["), !current.followsNewline {
        let open = currentSpan
        advance()
        while !isSymbol("]"), !isAtEnd {
          extents.append(extentExpression())
          if !take(",") { break }
        }
        close("]", opened: open)
      }
      return TypeExpression(.named(name, generics: generics, extents: extents), spanFrom(start))
    }
    expected("a type", code: "S012", help: "types are `Real`, `Int`, `Bool`, `String`, `Vector[N]`, `[T]`, …")
    return TypeExpression(.erroneous, currentSpan)
  }

  private func isExtentOf() -> Bool {
    (current.kind == .identifier || current.kind == .integer) && isWord("of", 1) && !isSymbol("]", 2)
  }

  private mutating func extentExpression() -> ExtentExpression {
    if current.kind == .integer {
      let token = advance()
      return .literal(Int(text(token).replacingUnderscores()) ?? 0, span(token))
    }
    if isWord("_") {
      return .unknown(span(advance()))
    }
    return .name(identifier("an extent: a number or a name"))
  }
}

extension String {
  func replacingUnderscores() -> String { String(filter { $0 != "_" }) }
}
