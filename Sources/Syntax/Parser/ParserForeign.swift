/// Words of other languages, each said once with what to write instead.
extension Parser {
  /// `class Point { … }`
  mutating func foreignDeclaration() -> Statement.Kind {
    let isClass = isAt(.class)
    report(
      Diagnostic(
        "S019", "`\(text(current))` is not part of the language", at: currentSpan,
        help: isClass ? "use a `struct`: values are never shared" : "write functions over concrete types"))
    advance()
    recoverPastBlock()
    return .erroneous
  }

  /// A statement that begins with two words, the first of another language.
  mutating func foreignStatement() -> Statement.Kind? {
    guard isOnLine(1) else { return nil }
    let next = peek().kind
    let word = text(current)
    if case .keyword(let keyword) = next, Parser.modifiers.contains(word) {
      switch keyword {
      case .let, .var, .func, .struct, .enum, .class:
        note(
          Diagnostic("S019", "`\(word)` is not part of the language", at: currentSpan, help: "remove it"))
        advance()
        return keyword == .class ? foreignDeclaration() : foreignModified(keyword)
      default: return nil
      }
    }
    let startsValue = next == .identifier || next == .integer || next == .real || next == .string
    guard startsValue || isKeyword(next) else { return nil }
    if Parser.elseIf.contains(word) {
      if missingBraces > 0 { isPanicking = true }
      report(
        Diagnostic("S020", "`\(word)` does not start a statement", at: currentSpan, help: "write `else if`"))
    } else if let help = Parser.foreignWords[word], next == .identifier {
      report(Diagnostic("S019", "`\(word)` is not part of the language", at: currentSpan, help: help))
    } else {
      return nil
    }
    advance()
    recoverPastBlock()
    return .erroneous
  }

  private mutating func foreignModified(_ keyword: Keyword) -> Statement.Kind {
    switch keyword {
    case .func: .function(functionDeclaration(nil, form: nil))
    case .struct: .structure(structureDeclaration(nil))
    case .enum: .enumeration(enumerationDeclaration(nil))
    default: binding()
    }
  }

  private static let modifiers: Set<String> = [
    "private", "public", "internal", "fileprivate", "package", "open", "static", "final", "mutating", "override",
    "lazy",
    "weak", "async", "const", "indirect",
  ]
  private static let elseIf: Set<String> = ["elif", "elseif", "elsif"]
  private static let foreignWords: [String: String] = {
    let function = "a function is `func name(_ x: Real) -> Real { … }`"
    let constant = "a constant is `let name = …`, a variable `var name = …`"
    return [
      "def": function, "fn": function, "fun": function, "function": function, "const": constant, "val": constant,
      "auto": constant, "actor": "use a `struct`: values are never shared", "typealias": "write the type itself",
      "throw": "stop with `check(condition, \"message\")`", "from": "a module is named by `import name`",
    ]
  }()

  /// `and`, `or` and `not` between or before operands.
  func wordOperator() -> Symbol? {
    guard isIdentifier(), isOnLine() else { return nil }
    if isAt(word: "and") { return .and }
    if isAt(word: "or") { return .or }
    return nil
  }

  /// `not x`: a word in front of an operand is no name.
  func isNot() -> Bool {
    guard isAt(word: "not"), isOnLine(1) else { return false }
    switch peek().kind {
    case .identifier, .keyword(.true), .keyword(.false), .closureParameter: return true
    default: return false
    }
  }

  /// `1:n`, where a range is meant. The cursor is at the colon; it and the upper bound are taken.
  mutating func colonRange(from lower: Expression) -> Expression {
    let colon = currentSpan
    advance()
    let upper = isAt(.colon) || !startsExpression() ? nil : expression()
    let (a, b) = (source.text(lower.span), upper.map { source.text($0.span) } ?? "")
    let help: String
    if upper == nil {
      help = "write `\(shortened(a, to: 24))...`"
    } else if a.count <= 24, b.count <= 24 {
      help = "write `\(a)..<\(b)` without `\(b)`, or `\(a)...\(b)` with it"
    } else {
      help = "write `a..<b` without `b`, or `a...b` with it"
    }
    note(Diagnostic("S034", "`:` does not make a range", at: colon, help: help))
    return upper ?? Expression(.erroneous, colon)
  }
}
