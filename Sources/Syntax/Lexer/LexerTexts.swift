/// Texts between quotes. Each byte is read once, whatever is nested in the interpolations.
extension Lexer {
  /// How deep texts may stand in the interpolations of texts.
  private static let textDepthLimit = 32

  private enum Piece {
    case raw(Range<Int>)
    case interpolation([Token])
  }

  private var isAtThreeQuotes: Bool {
    byte() == UInt8(ascii: "\"") && byte(1) == UInt8(ascii: "\"") && byte(2) == UInt8(ascii: "\"")
  }

  mutating func text() -> Token.Kind {
    let start = position
    let isLong = isAtThreeQuotes
    guard textDepth < Lexer.textDepthLimit else {
      position = lineEnd()
      gaveUp = true
      report(Parser.tooDeep(at: span(start, start + 1)))
      return .string
    }
    let outerLimit = limit
    let (saidBefore, endedBefore) = (diagnostics.count, endedInside)
    textDepth += 1
    position += isLong ? 3 : 1
    var pieces: [Piece] = []
    var rawStart = position
    var isClosed = false
    while !isAtEnd, !isClosed {
      switch byte() {
      case UInt8(ascii: "\\") where byte(1) == UInt8(ascii: "("):
        pieces.append(.raw(rawStart..<position))
        if !isLong { limit = lineEnd() }
        position += 2
        pieces.append(.interpolation(interpolation()))
        limit = outerLimit
        rawStart = position
      case UInt8(ascii: "\\"):
        position = min(position + (byte(1) == 0x0A && !isLong ? 1 : 2), limit)
      case 0x0A where !isLong:
        limit = position
      case UInt8(ascii: "\"") where !isLong || isAtThreeQuotes:
        pieces.append(.raw(rawStart..<position))
        position += isLong ? 3 : 1
        isClosed = true
      default: position += 1
      }
    }
    limit = outerLimit
    textDepth -= 1
    if isClosed {
      texts[Int32(start)] = TextLiteral(parts: isLong ? longText(pieces, start) : parts(pieces, indentation: nil))
    } else if !gaveUp {
      diagnostics.removeLast(diagnostics.count - saidBefore)
      endedInside = endedBefore
      if isLong, diagnostics.isEmpty, limit == bytes.count { endedInside = true }
      report(
        Diagnostic(
          "S005", "the text is not closed", at: span(start, start + (isLong ? 3 : 1)), caret: "opened here",
          help: isLong
            ? "end it with `\"\"\"` on a line of its own"
            : "end it with `\"` on the same line; a text of several lines stands between `\"\"\"`"))
    }
    if textDepth == 0 { gaveUp = false }
    return .string
  }

  /// The end of the line at the position.
  private mutating func lineEnd() -> Int {
    if !knownLine.contains(position) {
      var end = position
      while end < limit, bytes[end] != 0x0A { end += 1 }
      knownLine = position..<max(end, position + 1)
    }
    return min(knownLine.upperBound, limit)
  }

  /// The tokens behind `\(`, up to the parenthesis that closes it, or to the limit.
  private mutating func interpolation() -> [Token] {
    var tokens: [Token] = []
    var parentheses = 0
    var triviaStart = position
    previous = .endOfFile
    while true {
      let followsNewline = skipTrivia()
      if !isAtEnd, byte() == UInt8(ascii: ")"), parentheses == 0 {
        tokens.append(
          Token(
            kind: .endOfFile, triviaStart: Int32(triviaStart), start: Int32(position), end: Int32(position),
            followsNewline: followsNewline))
        position += 1
        return tokens
      }
      let token = token(triviaStart, followsNewline: followsNewline)
      tokens.append(token)
      if token.kind == .endOfFile { return tokens }
      if token.kind == .symbol(.leftParenthesis) { parentheses += 1 }
      if token.kind == .symbol(.rightParenthesis) { parentheses -= 1 }
      triviaStart = position
    }
  }

  // MARK: - Decoding

  /// The parts of a text of several lines: without the first line break, the last line and the indentation of that.
  private mutating func longText(_ pieces: [Piece], _ start: Int) -> [TextLiteral.Part] {
    var pieces = pieces
    guard case .raw(let first)? = pieces.first else { return [] }
    var open = first.lowerBound
    while open < first.upperBound, bytes[open] == 0x20 || bytes[open] == 0x09 || bytes[open] == 0x0D { open += 1 }
    guard open < first.upperBound, bytes[open] == 0x0A else {
      report(
        Diagnostic(
          "S032", "a text between `\"\"\"` starts on its own line", at: span(open, open + 1),
          help: "start a new line after the opening `\"\"\"`"))
      return parts(pieces, indentation: nil)
    }
    guard case .raw(let last)? = pieces.last else { return [] }
    var close = last.upperBound
    while close > last.lowerBound, bytes[close - 1] == 0x20 || bytes[close - 1] == 0x09 { close -= 1 }
    guard close > last.lowerBound, bytes[close - 1] == 0x0A else {
      report(
        Diagnostic(
          "S032", "the closing `\"\"\"` stands on its own line", at: span(last.upperBound, last.upperBound + 3),
          help: "start a new line before it"))
      return parts(pieces, indentation: nil)
    }
    let indentation = close..<last.upperBound
    // The line break in front of the last line goes with it; so does that of a text without lines, which has only one.
    let lastBreak = close - 1 > first.lowerBound && bytes[close - 2] == 0x0D ? close - 2 : close - 1
    if pieces.count == 1 {
      pieces[0] = .raw((open + 1)..<max(open + 1, lastBreak))
    } else {
      pieces[0] = .raw((open + 1)..<first.upperBound)
      pieces[pieces.count - 1] = .raw(last.lowerBound..<max(last.lowerBound, lastBreak))
    }
    return parts(pieces, indentation: indentation)
  }

  /// With an indentation: of a text of several lines, whose first piece starts a line.
  private mutating func parts(_ pieces: [Piece], indentation: Range<Int>?) -> [TextLiteral.Part] {
    var parts: [TextLiteral.Part] = []
    for (number, piece) in pieces.enumerated() {
      switch piece {
      case .interpolation(let tokens): parts.append(.interpolation(tokens))
      case .raw(let range):
        let text = decoded(range, indentation, startsLine: number == 0)
        if !text.isEmpty { parts.append(.text(text)) }
      }
    }
    return parts
  }

  private mutating func decoded(_ range: Range<Int>, _ indentation: Range<Int>?, startsLine: Bool) -> String {
    let outer = (position, limit)
    defer { (position, limit) = outer }
    (position, limit) = (range.lowerBound, range.upperBound)
    var result: [UInt8] = []
    result.reserveCapacity(range.count)
    if startsLine, let indentation { skipIndentation(indentation) }
    while !isAtEnd {
      switch byte() {
      case UInt8(ascii: "\\"):
        escape(&result, indentation)
      case 0x0D where byte(1) == 0x0A && indentation != nil:
        position += 1
      case 0x0A:
        result.append(0x0A)
        position += 1
        if let indentation { skipIndentation(indentation) }
      case 0x80...:
        if let width = decode()?.width {
          result += bytes[position..<(position + width)]
          position += width
        } else {
          skipBadBytes()
        }
      default:
        result.append(byte())
        position += 1
      }
    }
    return String(decoding: result, as: UTF8.self)
  }

  private mutating func skipIndentation(_ indentation: Range<Int>) {
    let start = position
    for index in indentation {
      if byte() == bytes[index], !isAtEnd {
        position += 1
        continue
      }
      var end = position
      while end < limit, bytes[end] == 0x20 || bytes[end] == 0x09 { end += 1 }
      let isBlank = end >= limit || bytes[end] == 0x0A || bytes[end] == 0x0D
      if !isBlank {
        report(
          Diagnostic(
            "S032", "this line is indented less than the closing `\"\"\"`", at: span(start, end),
            help: "indent it as far, or move the closing quotes to the left"))
      }
      position = end
      return
    }
  }

  private mutating func escape(_ result: inout [UInt8], _ indentation: Range<Int>?) {
    let start = position
    position += 1
    let letter = byte()
    position += 1
    switch letter {
    case UInt8(ascii: "n"): result.append(0x0A)
    case UInt8(ascii: "t"): result.append(0x09)
    case UInt8(ascii: "r"): result.append(0x0D)
    case UInt8(ascii: "0"): result.append(0)
    case UInt8(ascii: "\\"), UInt8(ascii: "\""), UInt8(ascii: "'"): result.append(letter)
    case 0x0A where indentation != nil:
      if let indentation { skipIndentation(indentation) }
    case 0x0D where indentation != nil && byte() == 0x0A:
      position += 1
      if let indentation { skipIndentation(indentation) }
    case UInt8(ascii: "u"):
      let digits = position + 1
      var end = digits
      if byte() == UInt8(ascii: "{") {
        while end < limit, end < digits + 9, bytes[end] != UInt8(ascii: "}") { end += 1 }
        if end < limit, bytes[end] == UInt8(ascii: "}"), bytes[digits] != UInt8(ascii: "+"),
          let code = UInt32(String(decoding: bytes[digits..<end], as: UTF8.self), radix: 16),
          let scalar = Unicode.Scalar(code)
        {
          result += Array(String(Character(scalar)).utf8)
          position = end + 1
          return
        }
      }
      report(
        Diagnostic(
          "S008", "`\\u` is not an escape", at: span(start, position), help: "a character by its code is `\\u{1F3D4}`"))
    default:
      position -= 1
      guard let (scalar, width) = decode() else { return }
      position += width
      report(
        Diagnostic(
          "S008", "`\\\(scalar)` is not an escape", at: span(start, position),
          help: #"a backslash is written `\\`; known are \n \t \r \0 \" \' \u{…} and \(…)"#))
    }
  }
}
