/// Splits any bytes into tokens. Never fails; concatenating the tokens with their trivia gives the bytes back.
package struct Lexer {
  package static let keywords: Set<String> = [
    "let", "var", "func", "struct", "enum", "if", "else", "guard", "switch", "case", "default", "for", "in", "while",
    "break", "continue", "return", "import", "true", "false", "nil", "class", "protocol", "where", "throws", "try",
  ]

  private let source: SourceText
  private var position = 0
  private var tokens: [Token] = []
  private(set) var diagnostics: [Diagnostic] = []

  private let limit: Int

  private init(_ source: SourceText, from start: Int, to limit: Int) {
    self.source = source
    position = start
    self.limit = limit
  }

  package static func lex(_ source: SourceText) -> (tokens: [Token], diagnostics: [Diagnostic]) {
    lex(source, from: 0, to: source.bytes.count)
  }

  /// Lexes a part of the text: the inside of an interpolation.
  static func lex(_ source: SourceText, from start: Int, to limit: Int) -> (tokens: [Token], diagnostics: [Diagnostic])
  {
    var lexer = Lexer(source, from: start, to: limit)
    lexer.run()
    return (lexer.tokens, lexer.diagnostics)
  }

  private func byte(_ offset: Int = 0) -> UInt8 {
    let index = position + offset
    return index < limit ? source.bytes[index] : 0
  }
  private var isAtEnd: Bool { position >= limit }
  private func span(_ start: Int, _ end: Int) -> SourceSpan {
    SourceSpan(source: source.id, start: Int32(start), end: Int32(end))
  }

  private mutating func run() {
    tokens.reserveCapacity(source.bytes.count / 4)
    if position == 0, limit >= 3, source.bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
    var triviaStart = position == 3 ? 0 : position
    while true {
      let followsNewline = skipTrivia() || tokens.isEmpty
      let start = position
      let kind = isAtEnd ? Token.Kind.endOfFile : next()
      tokens.append(
        Token(
          kind: kind, triviaStart: Int32(triviaStart), start: Int32(start), end: Int32(position),
          followsNewline: followsNewline))
      triviaStart = position
      if kind == .endOfFile { return }
    }
  }

  /// Skips white space and comments; tells whether a newline was among them.
  private mutating func skipTrivia() -> Bool {
    var sawNewline = false
    while !isAtEnd {
      switch byte() {
      case 0x0A, 0x0D:
        sawNewline = true
        position += 1
      case 0x20, 0x09, 0x0B, 0x0C:
        position += 1
      case UInt8(ascii: "/") where byte(1) == UInt8(ascii: "/"):
        while !isAtEnd, byte() != 0x0A { position += 1 }
      case UInt8(ascii: "/") where byte(1) == UInt8(ascii: "*"):
        if skipBlockComment() { sawNewline = true }
      default:
        return sawNewline
      }
    }
    return sawNewline
  }

  private mutating func skipBlockComment() -> Bool {
    let start = position
    var depth = 0
    var sawNewline = false
    while !isAtEnd {
      if byte() == UInt8(ascii: "/"), byte(1) == UInt8(ascii: "*") {
        depth += 1
        position += 2
      } else if byte() == UInt8(ascii: "*"), byte(1) == UInt8(ascii: "/") {
        depth -= 1
        position += 2
        if depth == 0 { return sawNewline }
      } else {
        if byte() == 0x0A { sawNewline = true }
        position += 1
      }
    }
    diagnostics.append(
      Diagnostic(
        "S006", "the comment is not closed", at: span(start, min(start + 2, source.bytes.count)),
        caret: "opened here", help: "end it with `*/`"))
    return sawNewline
  }

  private static func isIdentifierStart(_ byte: UInt8) -> Bool {
    (byte >= 0x61 && byte <= 0x7A) || (byte >= 0x41 && byte <= 0x5A) || byte == 0x5F || byte >= 0x80
  }
  private static func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }
  private static func isIdentifierPart(_ byte: UInt8) -> Bool { isIdentifierStart(byte) || isDigit(byte) }

  private mutating func next() -> Token.Kind {
    let first = byte()
    if first >= 0x80 { return unicodeToken() }
    if Lexer.isIdentifierStart(first) { return word() }
    if Lexer.isDigit(first) { return number() }
    switch first {
    case UInt8(ascii: "\""): return string()
    case UInt8(ascii: "$") where Lexer.isDigit(byte(1)):
      position += 1
      while Lexer.isDigit(byte()) { position += 1 }
      return .closureParameter
    case UInt8(ascii: "`"):
      let start = position
      position += 1
      while Lexer.isIdentifierPart(byte()) { position += 1 }
      if byte() == UInt8(ascii: "`"), position > start + 1 {
        position += 1
        return .identifier
      }
      return invalid(
        start, "a backtick does not start anything here", help: "write `` `name` `` to use a keyword as a name")
    case UInt8(ascii: "'"):
      let start = position
      position += 1
      while !isAtEnd, byte() != 0x0A, byte() != UInt8(ascii: "'") { position += 1 }
      if byte() == UInt8(ascii: "'") { position += 1 }
      return invalid(start, "text stands between double quotes", help: "write \"…\" instead of '…'")
    case UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: "{"),
      UInt8(ascii: "}"), UInt8(ascii: ","), UInt8(ascii: ";"), UInt8(ascii: ":"), UInt8(ascii: "@"), UInt8(ascii: "#"),
      UInt8(ascii: "\\"):
      position += 1
      return .punctuation
    default: return operatorToken()
    }
  }

  private mutating func word() -> Token.Kind {
    let start = position
    while !isAtEnd, Lexer.isIdentifierPart(byte()) {
      if byte() >= 0x80 {
        guard let width = letterWidth() else { break }
        position += width
      } else {
        position += 1
      }
    }
    return Lexer.keywords.contains(String(decoding: source.bytes[start..<position], as: UTF8.self))
      ? .keyword : .identifier
  }

  /// The bytes of the letter at the position, nil where it is none.
  private func letterWidth() -> Int? {
    guard let (scalar, width) = decode() else { return nil }
    return scalar.properties.isXIDContinue ? width : nil
  }

  private func decode() -> (Unicode.Scalar, Int)? {
    let first = byte()
    let width = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC0 ? 2 : 0
    guard width > 0, position + width <= limit else { return nil }
    var iterator = source.bytes[position..<(position + width)].makeIterator()
    var decoder = UTF8()
    if case .scalarValue(let scalar) = decoder.decode(&iterator) { return (scalar, width) }
    return nil
  }

  private mutating func unicodeToken() -> Token.Kind {
    let start = position
    guard let (scalar, width) = decode() else {
      while !isAtEnd, byte() >= 0x80, decode() == nil { position += 1 }
      return invalid(start, "the bytes are not UTF-8", code: "S002", help: "save the file as UTF-8")
    }
    if scalar.properties.isXIDStart { return word() }
    position += width
    switch scalar {
    case "\u{201C}", "\u{201D}", "\u{201E}":
      return invalid(start, "typographic quotes do not delimit text", help: "use straight double quotes: \"")
    case "\u{2212}", "\u{2013}":
      return invalid(start, "this dash is not the minus sign", help: "type the ASCII `-`")
    case "\u{00D7}": return invalid(start, "`×` is not an operator", help: "write `*`, or `.*` element by element")
    case "\u{2264}": return invalid(start, "`≤` is not an operator", help: "write `<=`")
    case "\u{2265}": return invalid(start, "`≥` is not an operator", help: "write `>=`")
    case "\u{00A0}", "\u{202F}", "\u{2007}":
      return invalid(start, "a no-break space stands here", help: "replace it by an ordinary space")
    default: return invalid(start, "`\(scalar)` has no meaning here", help: nil)
    }
  }

  private mutating func invalid(_ start: Int, _ message: String, code: String = "S001", help: String?) -> Token.Kind {
    if position == start { position += 1 }
    diagnostics.append(Diagnostic(code, message, at: span(start, position), help: help))
    return .invalid
  }

  private mutating func number() -> Token.Kind {
    if byte() == UInt8(ascii: "0"),
      byte(1) == UInt8(ascii: "x") || byte(1) == UInt8(ascii: "b") || byte(1) == UInt8(ascii: "o")
    {
      position += 2
      while Lexer.isIdentifierPart(byte()), byte() < 0x80 { position += 1 }
      return .integer
    }
    var kind = Token.Kind.integer
    func digits() { while Lexer.isDigit(byte()) || byte() == UInt8(ascii: "_") { position += 1 } }
    digits()
    if byte() == UInt8(ascii: "."), Lexer.isDigit(byte(1)) {
      kind = .real
      position += 1
      digits()
    }
    if byte() == UInt8(ascii: "e") || byte() == UInt8(ascii: "E") {
      let signed = byte(1) == UInt8(ascii: "+") || byte(1) == UInt8(ascii: "-")
      if Lexer.isDigit(byte(signed ? 2 : 1)) {
        kind = .real
        position += signed ? 2 : 1
        digits()
      }
    }
    return kind
  }

  /// A whole string literal with its interpolations; the parser looks inside.
  private mutating func string() -> Token.Kind {
    let start = position
    let isMultiline = byte(1) == UInt8(ascii: "\"") && byte(2) == UInt8(ascii: "\"")
    position += isMultiline ? 3 : 1
    var depth = 0
    while !isAtEnd {
      let here = byte()
      if here == UInt8(ascii: "\\") {
        if byte(1) == UInt8(ascii: "(") { skipInterpolation(&depth) } else { position += 2 }
        continue
      }
      if here == 0x0A, !isMultiline { break }
      if here == UInt8(ascii: "\"") {
        if !isMultiline {
          position += 1
          return .string
        }
        if byte(1) == UInt8(ascii: "\""), byte(2) == UInt8(ascii: "\"") {
          position += 3
          return .string
        }
      }
      position += 1
    }
    position = min(position, limit)
    diagnostics.append(
      Diagnostic(
        "S005", "the text is not closed", at: span(start, min(start + 1, source.bytes.count)), caret: "opened here",
        help: "end it with `\"`"))
    return .string
  }

  private mutating func skipInterpolation(_ depth: inout Int) {
    position += 2
    var parentheses = 1
    depth += 1
    defer { depth -= 1 }
    while !isAtEnd, parentheses > 0 {
      switch byte() {
      case UInt8(ascii: "("): parentheses += 1
      case UInt8(ascii: ")"): parentheses -= 1
      case UInt8(ascii: "\"") where depth < 16:
        let before = diagnostics.count
        _ = string()
        if diagnostics.count > before { return }
        continue
      case 0x0A: return
      default: break
      }
      position += 1
    }
  }

  private mutating func operatorToken() -> Token.Kind {
    let start = position
    let text = source.bytes
    func matches(_ symbol: StaticString) -> Bool {
      let count = symbol.utf8CodeUnitCount
      guard start + count <= limit else { return false }
      for offset in 0..<count where text[start + offset] != symbol.utf8Start[offset] { return false }
      return true
    }
    let symbols: [StaticString] = [
      "===", "!==", "..<", "...", "**=", ".*", "./", "**", "==", "!=", "<=", ">=", "&&", "||", "??", "->", "+=", "-=",
      "*=", "/=",
      "%=", "++", "--", "<-", "..", "+", "-", "*", "/", "%", "<", ">", "=", "!", "?", ".", "~", "&", "|", "^",
    ]
    for symbol in symbols where matches(symbol) {
      position = start + symbol.utf8CodeUnitCount
      return .operator
    }
    position += 1
    return invalid(start, "this character has no meaning here", help: nil)
  }
}
