extension Parser {
  mutating func expression() -> Expression {
    guard enter() else {
      leave()
      let span = currentSpan
      recover()
      return Expression(.erroneous, span)
    }
    defer { leave() }
    return ternary()
  }

  /// An expression in front of a body: `{` does not start a trailing closure.
  mutating func conditionExpression() -> Expression {
    let saved = allowsTrailingClosure
    allowsTrailingClosure = false
    defer { allowsTrailingClosure = saved }
    return expression()
  }

  private mutating func inside<T>(_ body: (inout Parser) -> T) -> T {
    let saved = allowsTrailingClosure
    allowsTrailingClosure = true
    defer { allowsTrailingClosure = saved }
    return body(&self)
  }

  private mutating func ternary() -> Expression {
    let condition = binary(minimum: 1)
    guard isSymbol("?") else { return condition }
    advance()
    let then = expression()
    if !take(":") {
      expected("`:` and the other value", help: "a choice is `condition ? a : b`")
      return Expression(.erroneous, spanFrom(condition.span))
    }
    let otherwise = expression()
    return Expression(
      .ternary(condition: condition, then: then, otherwise: otherwise), condition.span.union(otherwise.span))
  }

  private enum Infix {
    case binary(BinaryOperator)
    case range(isClosed: Bool)
  }

  /// The operator at the cursor with its binding strength; loosest is 1.
  private func infix() -> (Infix, strength: Int)? {
    guard current.kind == .operator else { return nil }
    let strength: (Infix, Int)?
    switch text(current) {
    case "||": strength = (.binary(.or), 1)
    case "&&": strength = (.binary(.and), 2)
    case "==": strength = (.binary(.equal), 3)
    case "!=": strength = (.binary(.notEqual), 3)
    case "<": strength = (.binary(.less), 3)
    case "<=": strength = (.binary(.lessOrEqual), 3)
    case ">": strength = (.binary(.greater), 3)
    case ">=": strength = (.binary(.greaterOrEqual), 3)
    case "??": strength = (.binary(.coalesce), 4)
    case "..<": strength = (.range(isClosed: false), 5)
    case "...": strength = (.range(isClosed: true), 5)
    case "+": strength = (.binary(.add), 6)
    case "-": strength = (.binary(.subtract), 6)
    case "*": strength = (.binary(.multiply), 7)
    case "/": strength = (.binary(.divide), 7)
    case "%": strength = (.binary(.remainder), 7)
    case ".*": strength = (.binary(.elementMultiply), 7)
    case "./": strength = (.binary(.elementDivide), 7)
    default: strength = nil
    }
    guard let strength else { return nil }
    // As in Swift: an operator that starts a line is infix only with space on both sides or none.
    if current.followsNewline {
      let end = Int(current.end)
      let spaceAfter = end < source.bytes.count && (source.bytes[end] == 0x20 || source.bytes[end] == 0x0A)
      if !spaceAfter { return nil }
    }
    return strength
  }

  private mutating func binary(minimum: Int) -> Expression {
    var left = prefix()
    while let (operation, strength) = infix(), strength >= minimum {
      let operatorToken = current
      let operatorSpan = span(operatorToken)
      switch operation {
      case .range(let isClosed):
        advance()
        var upper: Expression?
        if startsExpression() { upper = binary(minimum: strength + 1) }
        left = Expression(
          .range(lower: left, upper: upper, isClosed: isClosed), spanFrom(left.span))
      case .binary(let operation):
        advance()
        if !startsExpression() {
          expected("an expression after `\(operation.rawValue)`", code: "S013")
          return Expression(.erroneous, spanFrom(left.span))
        }
        // `??` is right-associative, the rest left; comparisons do not chain.
        let right = binary(minimum: operation == .coalesce ? strength : strength + 1)
        left = Expression(
          .binary(operation, operatorSpan: operatorSpan, left, right), left.span.union(right.span))
        if strength == 3, let (_, next) = infix(), next == 3 {
          report(
            Diagnostic(
              "S014", "comparisons do not chain", at: span(current), help: "write `a < b && b < c`"))
          advance()
          _ = binary(minimum: 4)
          return Expression(.erroneous, spanFrom(left.span))
        }
      }
    }
    pitfalls()
    return left
  }

  /// Operators of other languages, said once.
  private mutating func pitfalls() {
    guard current.kind == .operator, !current.followsNewline else { return }
    switch text(current) {
    case "===", "!==":
      report(Diagnostic("S015", "there is no identity of values", at: span(current), help: "write `==` or `!=`"))
      advance()
      _ = binary(minimum: 4)
    case "++", "--":
      let sign = text(current).prefix(1)
      report(Diagnostic("S015", "`\(text(current))` is not an operator", at: span(current), help: "write `\(sign)= 1`"))
      advance()
    case "..":
      report(
        Diagnostic(
          "S015", "`..` is not an operator", at: span(current), help: "write `a..<b` without b, or `a...b` with it"))
      advance()
      _ = binary(minimum: 6)
    default: return
    }
  }

  func startsExpression() -> Bool {
    let token = current
    switch token.kind {
    case .identifier, .integer, .real, .string, .closureParameter: return true
    case .keyword:
      return isKeyword("true") || isKeyword("false") || isKeyword("nil") || isKeyword("if") || isKeyword("switch")
    case .punctuation:
      if token.followsNewline { return isSymbol("(") || isSymbol("[") || isSymbol("{") || isSymbol("\\") }
      return isSymbol("(") || isSymbol("[") || (isSymbol("{") && allowsTrailingClosure) || isSymbol("\\")
    case .operator: return isSymbol("-") || isSymbol("+") || isSymbol("!") || isSymbol(".")
    case .invalid: return true
    case .endOfFile: return false
    }
  }

  private mutating func prefix() -> Expression {
    let start = currentSpan
    // A run of prefix operators nests without recursion of its own.
    var operators: [(UnaryOperator, SourceSpan)] = []
    while current.kind == .operator {
      if isSymbol("-") {
        operators.append((.minus, span(advance())))
      } else if isSymbol("+") {
        operators.append((.plus, span(advance())))
      } else if isSymbol("!") {
        operators.append((.not, span(advance())))
      } else if isSymbol("--") || isSymbol("++") {
        let operation: UnaryOperator = isSymbol("--") ? .minus : .plus
        let token = advance()
        operators.append((operation, span(token)))
        operators.append((operation, span(token)))
      } else {
        break
      }
      if operators.count > Parser.depthLimit {
        _ = start
        while isSymbol("-") || isSymbol("+") || isSymbol("!") || isSymbol("--") || isSymbol("++") { advance() }
        depth += Parser.depthLimit
        _ = enter()
        depth -= Parser.depthLimit + 1
        operators.removeAll()
        break
      }
    }
    var operand = power()
    for (operation, place) in operators.reversed() {
      operand = Expression(.unary(operation, operand), place.union(operand.span))
    }
    return operand
  }

  /// `a ** b`: right-associative, tighter than a minus on its left, while its right side may have one.
  private mutating func power() -> Expression {
    let base = postfix()
    guard isSymbol("**"), !current.followsNewline || infixLineStart() else { return base }
    let operatorSpan = span(advance())
    guard startsExpression() else {
      expected("an expression after `**`", code: "S013")
      return Expression(.erroneous, spanFrom(base.span))
    }
    guard enter() else {
      leave()
      recover()
      return Expression(.erroneous, base.span)
    }
    defer { leave() }
    let exponent = prefix()
    return Expression(
      .binary(.power, operatorSpan: operatorSpan, base, exponent), base.span.union(exponent.span))
  }

  private func infixLineStart() -> Bool {
    let end = Int(current.end)
    return end < source.bytes.count && source.bytes[end] == 0x20
  }

  // MARK: - Postfix

  private mutating func postfix() -> Expression {
    var base = primary()
    while true {
      if isSymbol("."), !isSymbol("..") {
        if current.followsNewline, !(peek().kind == .identifier || peek().kind == .integer) { return base }
        advance()
        base = member(of: base)
      } else if isSymbol("("), !current.followsNewline {
        base = call(base)
      } else if isSymbol("["), !current.followsNewline {
        base = subscriptExpression(base)
      } else if isSymbol("?"), isSymbol(".", 1), peek().start == current.end {
        advance()
        advance()
        let name = identifier("a member's name")
        base = Expression(.optionalMember(base: base, name: name), spanFrom(base.span))
      } else if isSymbol("!"), !current.followsNewline, current.start == (cursor > 0 ? tokens[cursor - 1].end : 0) {
        advance()
        base = Expression(.forceUnwrap(base), spanFrom(base.span))
      } else if isSymbol("{"), allowsTrailingClosure, !current.followsNewline, mayTakeClosure(base) {
        let closure = closureExpression()
        let argument = Expression.Argument(label: nil, value: closure, isTrailingClosure: true)
        if case .call(let callee, var arguments) = base.kind {
          arguments.append(argument)
          base = Expression(.call(callee: callee, arguments: arguments), spanFrom(base.span))
        } else {
          base = Expression(.call(callee: base, arguments: [argument]), spanFrom(base.span))
        }
      } else {
        return base
      }
    }
  }

  private func mayTakeClosure(_ base: Expression) -> Bool {
    switch base.kind {
    case .name, .member, .call, .implicitMember: true
    default: false
    }
  }

  private mutating func member(of base: Expression) -> Expression {
    if current.kind == .integer {
      let token = advance()
      return Expression(.member(base: base, name: Identifier(text(token), span(token))), spanFrom(base.span))
    }
    if current.kind == .real {
      // `t.0.1` lexes as a real.
      let token = advance()
      let parts = text(token).split(separator: ".").map(String.init)
      var result = base
      for part in parts {
        result = Expression(.member(base: result, name: Identifier(part, span(token))), spanFrom(base.span))
      }
      return result
    }
    if isWord("self") || isKeyword("self") {
      advance()
      if let type = typeFrom(base) { return Expression(.typeReference(type), spanFrom(base.span)) }
      return Expression(.erroneous, spanFrom(base.span))
    }
    if current.kind == .keyword {
      // Members may be called as keywords are: `.default`, `.in`.
      let token = advance()
      return Expression(.member(base: base, name: Identifier(text(token), span(token))), spanFrom(base.span))
    }
    let name = identifier("a member's name")
    return Expression(.member(base: base, name: name), spanFrom(base.span))
  }

  private func typeFrom(_ expression: Expression) -> TypeExpression? {
    if case .name(let name) = expression.kind {
      return TypeExpression(.named(Identifier(name, expression.span), generics: [], extents: []), expression.span)
    }
    return nil
  }

  private mutating func arguments(closing: StaticString, opened: SourceSpan) -> [Expression.Argument] {
    inside { parser in
      var arguments: [Expression.Argument] = []
      while !parser.isAtEnd, !parser.matchesClosing(closing) {
        var label: Identifier?
        if parser.current.kind == .identifier || parser.current.kind == .keyword, parser.isSymbol(":", 1) {
          let token = parser.advance()
          label = Identifier(parser.text(token), parser.span(token))
          parser.advance()
        }
        let before = parser.cursor
        guard parser.startsExpression() || parser.isSymbol("...") || parser.isSymbol("..<") else {
          parser.expected("an argument", code: "S013")
          break
        }
        arguments.append(.init(label: label, value: parser.argumentValue()))
        if !parser.take(",") { break }
        if parser.cursor == before { break }
      }
      parser.close(closing, opened: opened)
      return arguments
    }
  }

  private func matchesClosing(_ symbol: StaticString) -> Bool { isSymbol(symbol) }

  /// An expression, or a stretch with an open beginning: `...`, `..<b`, `...b`.
  private mutating func argumentValue() -> Expression {
    if isSymbol("...") || isSymbol("..<") {
      let start = currentSpan
      let isClosed = isSymbol("...")
      advance()
      let upper = startsExpression() ? expression() : nil
      return Expression(.range(lower: nil, upper: upper, isClosed: isClosed), spanFrom(start))
    }
    return expression()
  }

  private mutating func call(_ callee: Expression) -> Expression {
    let open = span(advance())
    let list = arguments(closing: ")", opened: open)
    return Expression(.call(callee: callee, arguments: list), spanFrom(callee.span))
  }

  private mutating func subscriptExpression(_ base: Expression) -> Expression {
    let open = span(advance())
    let list = arguments(closing: "]", opened: open)
    if list.isEmpty {
      report(Diagnostic("S013", "an index is missing", at: spanFrom(open), help: "`x[...]` takes all"))
    }
    return Expression(.index(base: base, arguments: list), spanFrom(base.span))
  }

  // MARK: - Primary

  private mutating func primary() -> Expression {
    let start = currentSpan
    let token = current
    switch token.kind {
    case .integer: return integerLiteral(advance())
    case .real:
      advance()
      let value = Double(text(token).replacingUnderscores()) ?? .nan
      return Expression(.real(value), span(token))
    case .string: return Expression(.string(segments(of: advance())), span(token))
    case .closureParameter:
      advance()
      return Expression(.name(text(token)), span(token))
    case .identifier:
      let name = identifier("a name")
      return Expression(.name(name.text), name.span)
    case .keyword:
      if takeKeyword("true") { return Expression(.boolean(true), start) }
      if takeKeyword("false") { return Expression(.boolean(false), start) }
      if takeKeyword("nil") { return Expression(.nilLiteral, start) }
      if isKeyword("if") { return Expression(.ifExpression(ifStatement()), spanFrom(start)) }
      if isKeyword("switch") { return Expression(.switchExpression(switchStatement()), spanFrom(start)) }
    case .punctuation, .operator:
      if isSymbol("(") { return parenthesized() }
      if isSymbol("[") { return arrayOrDictionary() }
      if isSymbol("{") { return closureExpression() }
      if isSymbol("\\") { return keyPath() }
      if isSymbol(".") {
        advance()
        let wordToken = current
        if current.kind == .keyword {
          advance()
          return Expression(.implicitMember(Identifier(text(wordToken), span(wordToken))), spanFrom(start))
        }
        let name = identifier("a member's name")
        return Expression(.implicitMember(name), spanFrom(start))
      }
    case .invalid:
      advance()
      return Expression(.erroneous, span(token))
    case .endOfFile: break
    }
    expected("an expression", code: "S013")
    if !current.followsNewline, !isAtEnd, !isSymbol("}"), !isSymbol(")"), !isSymbol("]"), !isSymbol(","), !isSymbol(";")
    {
      advance()
    }
    return Expression(.erroneous, start)
  }

  private mutating func integerLiteral(_ token: Token) -> Expression {
    let digits = text(token).replacingUnderscores()
    var value: Int?
    if digits.hasPrefix("0x") {
      value = Int(digits.dropFirst(2), radix: 16)
    } else if digits.hasPrefix("0b") {
      value = Int(digits.dropFirst(2), radix: 2)
    } else if digits.hasPrefix("0o") {
      value = Int(digits.dropFirst(2), radix: 8)
    } else {
      value = Int(digits)
    }
    guard let value else {
      let isDecimal = digits.allSatisfy(\.isNumber)
      diagnostics.append(
        Diagnostic(
          "S007", isDecimal ? "the integer is too large" : "this is no number", at: span(token),
          expected: isDecimal ? "at most \(Int.max)" : nil, help: isDecimal ? "write a real number: `1e19`" : nil))
      return Expression(.erroneous, span(token))
    }
    return Expression(.integer(value), span(token))
  }

  private mutating func parenthesized() -> Expression {
    let open = span(advance())
    let list = arguments(closing: ")", opened: open)
    if list.count == 1, list[0].label == nil {
      var value = list[0].value
      value.span = spanFrom(open)
      return value
    }
    return Expression(.tuple(list), spanFrom(open))
  }

  private mutating func arrayOrDictionary() -> Expression {
    let open = span(advance())
    if isSymbol(":"), isSymbol("]", 1) {
      advance()
      advance()
      return Expression(.dictionary([]), spanFrom(open))
    }
    return inside { parser in
      var elements: [Expression] = []
      var pairs: [Expression.DictionaryElement] = []
      while !parser.isSymbol("]"), !parser.isAtEnd {
        guard parser.startsExpression() else {
          parser.expected("an element", code: "S013")
          break
        }
        let first = parser.expression()
        if parser.take(":") {
          pairs.append(.init(key: first, value: parser.expression()))
        } else {
          elements.append(first)
        }
        if !parser.take(",") { break }
      }
      parser.close("]", opened: open)
      let place = parser.spanFrom(open)
      if !pairs.isEmpty, !elements.isEmpty {
        parser.report(
          Diagnostic(
            "S016", "some elements have keys and some have none", at: place, help: "write `key: value` for all"))
        return Expression(.erroneous, place)
      }
      return pairs.isEmpty ? Expression(.array(elements), place) : Expression(.dictionary(pairs), place)
    }
  }

  private mutating func keyPath() -> Expression {
    let start = span(advance())
    var names: [Identifier] = []
    if !isSymbol(".") { expected("`.` and a site's name", help: "a key path is `\\.g.scale`") }
    while take(".") { names.append(identifier("a site's name")) }
    return Expression(.keyPath(names), spanFrom(start))
  }

  mutating func closureExpression() -> Expression {
    let start = currentSpan
    guard enter() else {
      leave()
      recover()
      return Expression(.erroneous, start)
    }
    defer { leave() }
    let open = span(advance())
    let (parameters, result) = closureSignature()
    let saved = allowsTrailingClosure
    allowsTrailingClosure = true
    let body = statements(untilBrace: true)
    allowsTrailingClosure = saved
    close("}", opened: open)
    let block = Block(body, spanFrom(open))
    return Expression(
      .closure(Closure(parameters: parameters, result: result, body: block)), spanFrom(open))
  }

  /// `x, y in`, `(x: Real, y) -> Real in`: looked for by trying, and undone when no `in` follows.
  private mutating func closureSignature() -> ([Closure.Parameter]?, TypeExpression?) {
    let mark = cursor
    let errors = diagnostics.count
    let lastError = lastErrorAt
    let ended = endedInside
    func undo(_ parser: inout Parser) -> ([Closure.Parameter]?, TypeExpression?) {
      parser.cursor = mark
      parser.diagnostics.removeLast(parser.diagnostics.count - errors)
      parser.lastErrorAt = lastError
      parser.endedInside = ended
      return (nil, nil)
    }
    var parameters: [Closure.Parameter] = []
    if isSymbol("(") {
      advance()
      while current.kind == .identifier {
        let name = identifier("a parameter")
        var annotation: TypeExpression?
        if take(":") { annotation = type() }
        parameters.append(.init(name: name, type: annotation))
        if !take(",") { break }
      }
      if !take(")") { return undo(&self) }
    } else {
      while current.kind == .identifier {
        let name = identifier("a parameter")
        var annotation: TypeExpression?
        if isSymbol(":") {
          advance()
          annotation = type()
        }
        parameters.append(.init(name: name, type: annotation))
        if !take(",") { break }
      }
    }
    var result: TypeExpression?
    if take("->") { result = type() }
    if takeKeyword("in") { return (parameters, result) }
    return undo(&self)
  }

  // MARK: - Text

  private mutating func segments(of token: Token) -> [StringSegment] {
    let bytes = source.bytes
    let start = Int(token.start)
    var end = Int(token.end)
    let isMultiline = bytes[start..<end].starts(with: [0x22, 0x22, 0x22])
    let quotes = isMultiline ? 3 : 1
    var position = start + quotes
    if end - quotes >= position, bytes[end - 1] == 0x22 { end -= quotes }
    var segments: [StringSegment] = []
    var buffer: [UInt8] = []
    func flush() {
      if !buffer.isEmpty { segments.append(.text(String(decoding: buffer, as: UTF8.self))) }
      buffer = []
    }
    while position < end {
      let byte = bytes[position]
      guard byte == UInt8(ascii: "\\"), position + 1 < end else {
        buffer.append(byte)
        position += 1
        continue
      }
      let escape = bytes[position + 1]
      position += 2
      switch escape {
      case UInt8(ascii: "n"): buffer.append(0x0A)
      case UInt8(ascii: "t"): buffer.append(0x09)
      case UInt8(ascii: "r"): buffer.append(0x0D)
      case UInt8(ascii: "0"): buffer.append(0)
      case UInt8(ascii: "\\"), UInt8(ascii: "\""), UInt8(ascii: "'"): buffer.append(escape)
      case UInt8(ascii: "u") where position < end && bytes[position] == UInt8(ascii: "{"):
        var digits = ""
        position += 1
        while position < end, bytes[position] != UInt8(ascii: "}") {
          digits.unicodeScalars.append(Unicode.Scalar(bytes[position]))
          position += 1
        }
        position += 1
        if let number = UInt32(digits, radix: 16), let scalar = Unicode.Scalar(number) {
          buffer += Array(String(Character(scalar)).utf8)
        } else {
          badEscape(position - digits.count - 4, min(position, end))
        }
      case UInt8(ascii: "("):
        let first = position
        var parentheses = 1
        var inText = false
        while position < end, parentheses > 0 {
          switch bytes[position] {
          case UInt8(ascii: "\\") where inText: position += 1
          case UInt8(ascii: "\""): inText.toggle()
          case UInt8(ascii: "(") where !inText: parentheses += 1
          case UInt8(ascii: ")") where !inText: parentheses -= 1
          default: break
          }
          position += 1
        }
        flush()
        segments.append(.interpolation(interpolation(from: first, to: max(first, min(position, end) - 1))))
      default: badEscape(position - 2, position)
      }
    }
    flush()
    if isMultiline { return Parser.unindented(segments) }
    return segments
  }

  private mutating func badEscape(_ start: Int, _ end: Int) {
    diagnostics.append(
      Diagnostic(
        "S008", "this escape is not known", at: SourceSpan(source: source.id, start: Int32(start), end: Int32(end)),
        help: "known are \\n \\t \\r \\0 \\\\ \\\" \\u{…} and \\(…)"))
  }

  private mutating func interpolation(from start: Int, to end: Int) -> Expression {
    let (inner, lexical) = Lexer.lex(source, from: start, to: end)
    var parser = Parser(source: source, kind: kind, tokens: inner, diagnostics: lexical)
    parser.depth = depth
    defer { diagnostics += parser.diagnostics }
    guard enter() else {
      leave()
      return Expression(.erroneous, SourceSpan(source: source.id, start: Int32(start), end: Int32(end)))
    }
    defer { leave() }
    parser.depth = depth
    let value = parser.expression()
    if !parser.isAtEnd { parser.expected("`)`") }
    return value
  }

  /// A multi-line text loses the first line break, the last line and the indentation of the closing quotes.
  private static func unindented(_ segments: [StringSegment]) -> [StringSegment] {
    var segments = segments
    guard case .text(let first)? = segments.first, first.hasPrefix("\n") else { return segments }
    segments[0] = .text(String(first.dropFirst()))
    guard case .text(let last)? = segments.last, let lineStart = last.lastIndex(of: "\n") else { return segments }
    let indent = last[last.index(after: lineStart)...]
    guard indent.allSatisfy({ $0 == " " || $0 == "\t" }) else { return segments }
    segments[segments.count - 1] = .text(String(last[..<lineStart]))
    return segments.enumerated().map { number, segment in
      guard case .text(let text) = segment else { return segment }
      var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
      for index in lines.indices where index > 0 || number == 0 {
        if lines[index].hasPrefix(indent) { lines[index].removeFirst(indent.count) }
      }
      return .text(lines.joined(separator: "\n"))
    }
  }
}
