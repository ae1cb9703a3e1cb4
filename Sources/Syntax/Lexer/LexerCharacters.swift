/// Characters beyond ASCII: letters begin names, the others get a message that says what to type instead.
extension Lexer {
  mutating func unicodeToken() -> Token.Kind {
    let start = position
    guard let (scalar, width) = decode() else {
      skipBadBytes()
      return .invalid
    }
    if scalar.properties.isXIDStart {
      skipWord()
      return .identifier
    }
    position += width
    func symbol(_ symbol: Symbol, _ help: String) -> Token.Kind {
      _ = invalid(start, "`\(scalar)` is not an operator", help: help)
      return .symbol(symbol)
    }
    switch scalar {
    case "\u{201C}", "\u{201D}", "\u{201E}": return typographicText(start)
    case "\u{2018}", "\u{2019}", "\u{AB}", "\u{BB}":
      return invalid(start, "typographic quotes do not delimit a text", help: "use straight double quotes: `\"`")
    case "\u{2212}", "\u{2013}", "\u{2014}": return symbol(.minus, "write `-`")
    case "\u{D7}", "\u{22C5}", "\u{B7}": return symbol(.times, "write `*`")
    case "\u{F7}": return symbol(.divide, "write `/`")
    case "\u{2264}": return symbol(.lessOrEqual, "write `<=`")
    case "\u{2265}": return symbol(.greaterOrEqual, "write `>=`")
    case "\u{2260}": return symbol(.notEqual, "write `!=`")
    case "\u{2192}": return symbol(.arrow, "write `->`")
    case "\u{2026}": return symbol(.closed, "write `...`")
    case "\u{FFFD}":
      while decode()?.0 == "\u{FFFD}", !isAtEnd { position += 3 }
      return invalid(
        start, "a character was lost here: the text was not UTF-8", code: "S002",
        help: "write it anew, and save the file as UTF-8")
    default: return invalid(start, "`\(scalar)` has no meaning here", help: nil)
    }
  }

  /// Skips bytes that are no characters, as one mistake.
  mutating func skipBadBytes() {
    let start = position
    while !isAtEnd, byte() >= 0x80, decode() == nil { position += 1 }
    report(
      Diagnostic("S002", "the bytes are not UTF-8", at: span(start, position), help: "save the file as UTF-8"))
  }

  /// A text between typographic quotes, as far as the line goes.
  private mutating func typographicText(_ start: Int) -> Token.Kind {
    while !isAtEnd, byte() != 0x0A, byte() != UInt8(ascii: "\"") {
      if byte() < 0x80 {
        position += 1
        continue
      }
      guard let (scalar, width) = decode() else { break }
      position += width
      if scalar == "\u{201C}" || scalar == "\u{201D}" { break }
    }
    return invalid(start, "typographic quotes do not delimit a text", help: "use straight double quotes: `\"`")
  }

  /// Skips a space or an invisible character that is none of the language's; false where something else stands.
  mutating func skipOddSpace(_ scalar: Unicode.Scalar, _ width: Int) -> Bool {
    let code = "U+" + String(repeating: "0", count: max(0, 4 - hexadecimal(scalar).count)) + hexadecimal(scalar)
    let place = span(position, position + width)
    switch scalar.properties.generalCategory {
    case .spaceSeparator, .lineSeparator, .paragraphSeparator:
      report(
        Diagnostic(
          "S001", "the space here is not an ordinary one (\(code))", at: place, help: "replace it by a space"))
    case .format, .control:
      report(Diagnostic("S001", "an invisible character (\(code)) stands here", at: place, help: "remove it"))
    default: return false
    }
    position += width
    return true
  }

  private func hexadecimal(_ scalar: Unicode.Scalar) -> String { String(scalar.value, radix: 16, uppercase: true) }

  mutating func invalid(
    _ start: Int, _ message: String, code: String = "S001", found: String? = nil, help: String?
  ) -> Token.Kind {
    report(Diagnostic(code, message, at: span(start, position), found: found, help: help))
    return .invalid
  }
}
