/// Splits any bytes into tokens. Never fails; concatenating the tokens with their trivia gives the bytes back.
struct Lexer {
  /// What comes out of a text.
  struct Result {
    var tokens: [Token]
    /// The decoded texts by the offset of their token; a text that is not closed has none.
    var texts: [Int32: TextLiteral]
    var diagnostics: [Diagnostic]
    /// Whether a comment or a text of several lines was still open at the end.
    var endedInside: Bool
  }

  let source: SourceText
  let bytes: [UInt8]
  var position = 0
  /// Where the reading stops: the end of the source, or that of the line while inside of a text of one line.
  var limit: Int
  var texts: [Int32: TextLiteral] = [:]
  var diagnostics: [Diagnostic] = []
  var endedInside = false
  /// The last token: a `.` or a quote means something else behind an operand.
  var previous = Token.Kind.endOfFile
  var previousEnd = -1
  /// How many texts are open, one in the interpolation of another.
  var textDepth = 0
  /// Set when texts nest too deeply, so that the open ones are not reported besides.
  var gaveUp = false
  /// The end of the line that was looked for last.
  var knownLine = 0..<0

  private init(_ source: SourceText) {
    self.source = source
    bytes = source.bytes
    limit = source.bytes.count
  }

  static func lex(_ source: SourceText) -> Result {
    var lexer = Lexer(source)
    let tokens = lexer.run()
    return Result(
      tokens: tokens, texts: lexer.texts, diagnostics: lexer.diagnostics, endedInside: lexer.endedInside)
  }

  func byte(_ offset: Int = 0) -> UInt8 {
    let index = position + offset
    return index < limit ? bytes[index] : 0
  }
  var isAtEnd: Bool { position >= limit }
  func span(_ start: Int, _ end: Int) -> SourceSpan {
    SourceSpan(source: source.id, start: Int32(start), end: Int32(end))
  }

  mutating func report(_ diagnostic: Diagnostic) {
    if diagnostics.count < Parser.messageLimit { diagnostics.append(diagnostic) }
  }

  private mutating func run() -> [Token] {
    var tokens: [Token] = []
    tokens.reserveCapacity(bytes.count / 4 + 1)
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
    var triviaStart = 0
    while true {
      let followsNewline = skipTrivia() || tokens.isEmpty
      tokens.append(token(triviaStart, followsNewline: followsNewline))
      triviaStart = position
      if previous == .endOfFile { return tokens }
    }
  }

  /// The token at the position, whose trivia is behind.
  mutating func token(_ triviaStart: Int, followsNewline: Bool) -> Token {
    let start = position
    previous = isAtEnd ? .endOfFile : next()
    previousEnd = position
    return Token(
      kind: previous, triviaStart: Int32(triviaStart), start: Int32(start), end: Int32(position),
      followsNewline: followsNewline)
  }

  // MARK: - Trivia

  /// Skips white space and comments; tells whether a newline was among them.
  mutating func skipTrivia() -> Bool {
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
      case 0..<0x20, 0x7F:
        report(
          Diagnostic("S001", "a control character stands here", at: span(position, position + 1), help: "remove it"))
        position += 1
      case 0x80...:
        guard let (scalar, width) = decode(), skipOddSpace(scalar, width) else { return sawNewline }
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
    if diagnostics.isEmpty { endedInside = true }
    report(
      Diagnostic(
        "S006", "the comment is not closed", at: span(start, start + 2), caret: "opened here", help: "end it with `*/`")
    )
    return sawNewline
  }

  // MARK: - Tokens

  static func isLetter(_ byte: UInt8) -> Bool {
    (byte >= 0x61 && byte <= 0x7A) || (byte >= 0x41 && byte <= 0x5A) || byte == 0x5F
  }
  static func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }

  private mutating func next() -> Token.Kind {
    let first = byte()
    if first >= 0x80 { return unicodeToken() }
    if Lexer.isLetter(first) { return word() }
    if Lexer.isDigit(first) { return number() }
    let start = position
    switch first {
    case UInt8(ascii: "\""): return text()
    case UInt8(ascii: "$") where Lexer.isDigit(byte(1)):
      position += 1
      while Lexer.isDigit(byte()) { position += 1 }
      return .closureParameter
    case UInt8(ascii: "`"):
      position += 1
      skipWord()
      if byte() == UInt8(ascii: "`"), position > start + 1 {
        position += 1
        return .identifier
      }
      position = start + 1
      return invalid(
        start, "a backtick has no meaning here", help: "a keyword as a name stands between two: `` `default` ``")
    case UInt8(ascii: "'"):
      position += 1
      while !isAtEnd, byte() != 0x0A, byte() != UInt8(ascii: "'") { position += 1 }
      if byte() == UInt8(ascii: "'"), !isAtEnd { position += 1 }
      return invalid(
        start, "a text stands between double quotes", found: "`'`", help: "write `\"…\"` instead of `'…'`")
    case UInt8(ascii: "#"):
      position += 1
      let kind = invalid(start, "`#` has no meaning here", help: "comments start with `//`")
      while !isAtEnd, byte() != 0x0A { position += 1 }
      return kind
    case UInt8(ascii: ".") where Lexer.isDigit(byte(1)) && !previousIsOperand:
      return number()
    default: break
    }
    for (symbol, spelling) in Symbol.starting[Int(first)] where matches(spelling) {
      position += spelling.count
      return .symbol(symbol)
    }
    position += 1
    return invalid(start, "`\(Character(Unicode.Scalar(first)))` has no meaning here", help: nil)
  }

  private func matches(_ spelling: [UInt8]) -> Bool {
    guard position + spelling.count <= limit else { return false }
    for offset in spelling.indices.dropFirst() where bytes[position + offset] != spelling[offset] { return false }
    return true
  }

  /// Whether a value may end with the last token, so that a `.` behind it takes a member.
  private var previousIsOperand: Bool {
    switch previous {
    case .identifier, .integer, .real, .string, .closureParameter, .invalid: true
    case .symbol(.rightParenthesis), .symbol(.rightBracket), .symbol(.rightBrace): true
    case .symbol(.question), .symbol(.exclamation): previousEnd == position
    default: false
    }
  }

  // MARK: - Words

  private mutating func word() -> Token.Kind {
    let start = position
    skipWord()
    let count = position - start
    let first = Int(bytes[start]) - 0x61
    if first >= 0, first < 26, count <= 8 {
      for (keyword, spelling) in Keyword.starting[first] where spelling.count == count {
        var isSame = true
        for offset in 1..<count where bytes[start + offset] != spelling[offset] { isSame = false }
        if isSame { return .keyword(keyword) }
      }
    }
    return .identifier
  }

  mutating func skipWord() {
    while !isAtEnd {
      if Lexer.isLetter(byte()) || Lexer.isDigit(byte()) {
        position += 1
      } else if byte() >= 0x80, let (scalar, width) = decode(), scalar.properties.isXIDContinue {
        position += width
      } else {
        return
      }
    }
  }

  /// The character at the position with its width, nil where the bytes are none.
  func decode() -> (Unicode.Scalar, width: Int)? {
    let first = byte()
    let width = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC0 ? 2 : 1
    guard position + width <= limit else { return nil }
    if width == 1 { return first < 0x80 ? (Unicode.Scalar(first), 1) : nil }
    var iterator = bytes[position..<(position + width)].makeIterator()
    var decoder = UTF8()
    if case .scalarValue(let scalar) = decoder.decode(&iterator) { return (scalar, width) }
    return nil
  }
}
