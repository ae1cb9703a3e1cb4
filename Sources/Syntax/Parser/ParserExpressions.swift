/// Operators, from the loosest to the tightest.
extension Parser {
  mutating func expression() -> Expression {
    let start = currentSpan
    guard enter() else {
      leave()
      return Expression(.erroneous, start)
    }
    defer { leave() }
    let condition = binary(minimum: 1)
    guard isAt(.question), !isUnwinding else { return condition }
    advance()
    let then = expression()
    if isUnwinding { return condition }
    if !take(.colon) {
      report(expectation("`:` and the other value", "S010", help: "a choice is `condition ? a : b`"))
      return Expression(.erroneous, spanFrom(condition.span))
    }
    let otherwise = expression()
    return Expression(
      .ternary(condition: condition, then: then, otherwise: otherwise), condition.span.union(otherwise.span))
  }

  /// An expression in front of a body: `{` does not start a trailing closure.
  mutating func conditionExpression() -> Expression {
    let saved = allowsTrailingClosure
    allowsTrailingClosure = false
    defer { allowsTrailingClosure = saved }
    return expression()
  }

  /// How tightly binary operators bind; power stands apart.
  private enum Strength {
    static let comparison = 3
    static let coalesce = 4
    static let range = 5
  }

  private enum Infix {
    case binary(BinaryOperator)
    case range(isClosed: Bool)
  }

  private static func infix(_ symbol: Symbol) -> (operation: Infix, strength: Int)? {
    switch symbol {
    case .or, .bar: (.binary(.or), 1)
    case .and, .ampersand: (.binary(.and), 2)
    case .equal, .identical: (.binary(.equal), Strength.comparison)
    case .notEqual, .notIdentical: (.binary(.notEqual), Strength.comparison)
    case .less: (.binary(.less), Strength.comparison)
    case .lessOrEqual: (.binary(.lessOrEqual), Strength.comparison)
    case .greater: (.binary(.greater), Strength.comparison)
    case .greaterOrEqual: (.binary(.greaterOrEqual), Strength.comparison)
    case .coalesce: (.binary(.coalesce), Strength.coalesce)
    case .halfOpen, .twoDots: (.range(isClosed: false), Strength.range)
    case .closed: (.range(isClosed: true), Strength.range)
    case .plus: (.binary(.add), 6)
    case .minus: (.binary(.subtract), 6)
    case .times: (.binary(.multiply), 7)
    case .divide: (.binary(.divide), 7)
    case .remainder: (.binary(.remainder), 7)
    case .elementTimes: (.binary(.elementMultiply), 7)
    case .elementDivide: (.binary(.elementDivide), 7)
    default: nil
    }
  }

  /// The operator at the cursor. One of another language counts as what is meant.
  private func infix() -> (operation: Infix, strength: Int)? {
    guard case .symbol(let symbol) = current.kind else { return wordOperator().flatMap(Parser.infix) }
    guard let found = Parser.infix(symbol) else { return nil }
    return current.followsNewline && !isSpaced ? nil : found
  }

  /// As in Swift: an operator that starts a line goes on with the line before only with a space behind.
  private var isSpaced: Bool {
    let end = Int(current.end)
    return end < source.bytes.count && (source.bytes[end] == 0x20 || source.bytes[end] == 0x0A)
  }

  private mutating func binary(minimum: Int) -> Expression {
    let outer = height
    height = 0
    defer { height = max(outer, height) }
    var left = prefix()
    while !isUnwinding, let (operation, strength) = infix(), strength >= minimum {
      noteForeignOperator()
      let symbol = text(current)
      let place = span(advance())
      switch operation {
      case .range(let isClosed):
        let upper = startsExpression() ? binary(minimum: strength + 1) : nil
        left = Expression(.range(lower: left, upper: upper, isClosed: isClosed), spanFrom(left.span))
      case .binary(let operation):
        guard startsExpression() || isAt(.increment) || isAt(.decrement) else {
          report(expectation("an expression after `\(symbol)`", "S013"))
          return Expression(.erroneous, spanFrom(left.span))
        }
        let right = operation == .coalesce ? rightAssociative(strength) : binary(minimum: strength + 1)
        left = Expression(.binary(operation, operatorSpan: place, left, right), left.span.union(right.span))
      }
      if !addStep() { break }
      if let (_, next) = infix(), next == strength {
        if strength == Strength.comparison {
          note(
            Diagnostic("S014", "comparisons do not chain", at: currentSpan, help: "write `a < b && b < c`"))
          left = Expression(.erroneous, left.span)
        } else if strength == Strength.range {
          note(Diagnostic("S014", "ranges do not chain", at: currentSpan, help: "a range has two ends"))
          left = Expression(.erroneous, left.span)
        }
      }
    }
    if !isUnwinding { operandEnd(left) }
    return left
  }

  private mutating func rightAssociative(_ strength: Int) -> Expression {
    guard enter() else {
      leave()
      return Expression(.erroneous, currentSpan)
    }
    defer { leave() }
    return binary(minimum: strength)
  }

  /// Reports an operator of another language that has a counterpart here; the cursor is at it.
  private mutating func noteForeignOperator() {
    let help: String
    switch current.kind {
    case .identifier: help = isAt(word: "and") ? "write `&&`" : "write `||`"
    case .symbol(.ampersand): help = "write `&&`"
    case .symbol(.bar): help = "write `||`"
    case .symbol(.identical): help = "write `==`: values have no identity"
    case .symbol(.notIdentical): help = "write `!=`: values have no identity"
    case .symbol(.twoDots): help = "write `a..<b` without `b`, or `a...b` with it"
    default: return
    }
    note(Diagnostic("S015", "`\(text(current))` is not an operator", at: currentSpan, help: help))
  }

  /// `x <- 3`, `x := 3`; the cursor is at the sign.
  mutating func noteForeignAssignment() {
    note(
      Diagnostic(
        "S015", "`\(text(current))` is not an operator", at: currentSpan,
        help: "write `let x = …` for a new name, `=` for a variable"
          + (isAt(.leftArrow) ? "; for “less than minus” write `< -`" : "")))
  }

  /// What may stand behind an operand by mistake: `i++`, `x <- 3`, `y as Real`.
  private mutating func operandEnd(_ operand: Expression) {
    guard isOnLine() else { return }
    if isAt(.increment) || isAt(.decrement) {
      let sign = text(current)
      note(
        Diagnostic(
          "S015", "`\(sign)` is not an operator", at: currentSpan, help: "write `\(sign.prefix(1))= 1`"))
      advance()
    } else if isAt(.leftArrow) || isAt(.walrus) {
      noteForeignAssignment()
      advance()
      _ = expression()
    } else if isAt(word: "as"), isOnLine(1), isIdentifier(1) || isAt(.leftBracket, 1) || isAt(.exclamation, 1) {
      let place = span(advance())
      if !take(.exclamation) { take(.question) }
      let target = type()
      note(
        Diagnostic(
          "S019", "`as` is not part of the language", at: place,
          help:
            "convert by a call: `\(shortened(source.text(target.span), to: 24))(\(shortened(source.text(operand.span), to: 24)))`"
        ))
    }
  }

  func startsExpression() -> Bool {
    switch current.kind {
    case .identifier, .integer, .real, .string, .closureParameter, .invalid: true
    case .keyword(.true), .keyword(.false), .keyword(.nil), .keyword(.if), .keyword(.switch), .keyword(.try): true
    case .symbol(.leftParenthesis), .symbol(.leftBracket), .symbol(.backslash): true
    case .symbol(.leftBrace): allowsTrailingClosure
    case .symbol(.minus), .symbol(.plus), .symbol(.exclamation), .symbol(.dot): true
    default: false
    }
  }

  // MARK: - Signs and powers

  private mutating func prefix() -> Expression {
    let operation: UnaryOperator
    switch current.kind {
    case .symbol(.minus), .symbol(.decrement): operation = .minus
    case .symbol(.plus), .symbol(.increment): operation = .plus
    case .symbol(.exclamation): operation = .not
    case .identifier where isNot(): operation = .not
    case .keyword(.try):
      note(
        Diagnostic(
          "S019", "`try` is not part of the language", at: currentSpan, help: "remove it: an error ends the cell"))
      advance()
      if !take(.exclamation) { take(.question) }
      return power()
    default: return power()
    }
    let start = currentSpan
    guard enter() else {
      leave()
      return Expression(.erroneous, start)
    }
    defer { leave() }
    let sign = text(current)
    if isAt(.increment) || isAt(.decrement) {
      note(
        Diagnostic(
          "S015", "`\(sign)` is not an operator", at: start,
          help: "write `\(sign.prefix(1))= 1`, or two signs apart: `\(sign.prefix(1)) \(sign.prefix(1))x`"))
    } else if isIdentifier() {
      note(Diagnostic("S015", "`not` is not an operator", at: start, help: "write `!`"))
    }
    advance()
    let operand = prefix()
    return Expression(.unary(operation, operand), start.union(operand.span))
  }

  /// `a ** b`: right-associative, tighter than a minus on its left, while its right side may have one.
  private mutating func power() -> Expression {
    let base = postfix()
    guard isAt(.power) || isAt(.caret), isOnLine() || isSpaced, !isUnwinding else { return base }
    if isAt(.caret) {
      note(Diagnostic("S015", "`^` is not an operator", at: currentSpan, help: "a power is written `**`"))
    }
    let symbol = text(current)
    let place = span(advance())
    guard startsExpression() else {
      report(expectation("an expression after `\(symbol)`", "S013"))
      return Expression(.erroneous, spanFrom(base.span))
    }
    guard enter() else {
      leave()
      return Expression(.erroneous, base.span)
    }
    defer { leave() }
    let exponent = prefix()
    return Expression(
      .binary(.power, operatorSpan: place, base, exponent), base.span.union(exponent.span))
  }
}
