extension Lexer {
  /// A number; one that is malformed is reported, and still a number where its value is clear.
  mutating func number() -> Token.Kind {
    let start = position
    // `pair.0.1`: behind the point of a member stand digits only.
    if previous == .symbol(.dot), previousEnd == position {
      skipDigits()
      return .integer
    }
    if byte() == UInt8(ascii: "0"), let (base, letter) = base(byte(1)) {
      position += 2
      let digits = position
      skipWord()
      let isGood =
        bytes[digits..<position].contains { $0 != 0x5F }
        && bytes[digits..<position].allSatisfy {
          $0 == 0x5F || isDigit($0, base)
        }
      return isGood ? .integer : malformed(start, "digits to base \(base) follow `0\(letter)`")
    }
    if byte() == UInt8(ascii: ".") {
      position += 1
      skipDigits()
      skipExponent()
      report(
        Diagnostic(
          "S028", "a number starts with a digit", at: span(start, position), help: "write `0\(spelling(start))`"))
      return .real
    }
    var kind = Token.Kind.integer
    skipDigits()
    if byte() == UInt8(ascii: "."), Lexer.isDigit(byte(1)) {
      kind = .real
      position += 1
      skipDigits()
    } else if byte() == UInt8(ascii: "."), endsBehindPoint(byte(1)) {
      position += 1
      report(
        Diagnostic(
          "S028", "a digit follows the decimal point", at: span(start, position), help: "write `\(spelling(start))0`"))
      return .real
    }
    if skipExponent() { kind = .real }
    if !isAtEnd, Lexer.isLetter(byte()) || byte() >= 0x80 && decode()?.0.properties.isXIDStart == true {
      skipWord()
      return malformed(start, "a name starts with a letter; a product is written with `*`")
    }
    return kind
  }

  private func base(_ letter: UInt8) -> (Int, Character)? {
    switch letter {
    case UInt8(ascii: "x"): (16, "x")
    case UInt8(ascii: "o"): (8, "o")
    case UInt8(ascii: "b"): (2, "b")
    default: nil
    }
  }

  private func isDigit(_ byte: UInt8, _ base: Int) -> Bool {
    guard byte < 0x80, let value = Character(Unicode.Scalar(byte)).hexDigitValue else { return false }
    return value < base
  }

  /// Whether nothing that goes on from a point stands here: `5.` is meant as a number.
  private func endsBehindPoint(_ next: UInt8) -> Bool {
    switch next {
    case UInt8(ascii: "."), UInt8(ascii: "*"), UInt8(ascii: "/"), UInt8(ascii: "`"): false
    default: !Lexer.isLetter(next) && next < 0x80
    }
  }

  private mutating func skipDigits() {
    while Lexer.isDigit(byte()) || byte() == UInt8(ascii: "_") { position += 1 }
  }

  @discardableResult
  private mutating func skipExponent() -> Bool {
    guard byte() == UInt8(ascii: "e") || byte() == UInt8(ascii: "E") else { return false }
    let isSigned = byte(1) == UInt8(ascii: "+") || byte(1) == UInt8(ascii: "-")
    guard Lexer.isDigit(byte(isSigned ? 2 : 1)) else { return false }
    position += isSigned ? 2 : 1
    skipDigits()
    return true
  }

  private func spelling(_ start: Int) -> String { String(decoding: bytes[start..<position].prefix(40), as: UTF8.self) }

  private mutating func malformed(_ start: Int, _ help: String) -> Token.Kind {
    report(Diagnostic("S028", "`\(spelling(start))` is not a number", at: span(start, position), help: help))
    return .invalid
  }
}
