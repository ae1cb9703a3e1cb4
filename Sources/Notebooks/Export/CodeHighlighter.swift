package import Rendering
import Syntax

/// Splits code into words by the language's own lexer, so that what is colored is what is meant.
package enum CodeHighlighter {
  /// Words that open statements and are names elsewhere.
  private static let openers: Set<String> = ["model", "plate", "extension", "intrinsic", "self", "do", "given"]

  /// - Parameter bytes: Any bytes; what is no UTF-8 comes out repaired.
  package static func pieces(_ bytes: [UInt8]) -> [CodePiece] {
    let tokens = Parser.parse(SourceText(id: SourceID(-1), name: "", bytes: bytes)).tokens
    var pieces: [CodePiece] = []
    func add(_ range: Range<Int>, _ kind: CodePiece.Kind) {
      guard !range.isEmpty else { return }
      let text = String(decoding: bytes[range], as: UTF8.self)
      if pieces.last?.kind == kind { pieces[pieces.count - 1].text += text } else { pieces.append(.init(text, kind)) }
    }
    var position = 0
    for (index, token) in tokens.enumerated() {
      let start = max(position, min(bytes.count, Int(token.start)))
      let end = max(start, min(bytes.count, Int(token.end)))
      addTrivia(bytes, position..<start, add)
      add(start..<end, kind(of: index, tokens, bytes))
      position = end
    }
    addTrivia(bytes, position..<bytes.count, add)
    return pieces
  }

  /// White space stays plain; `//` runs to the end of its line, `/*` to where it ends or the text does.
  private static func addTrivia(_ bytes: [UInt8], _ range: Range<Int>, _ add: (Range<Int>, CodePiece.Kind) -> Void) {
    var start = range.lowerBound
    while start < range.upperBound {
      if bytes[start] == UInt8(ascii: "/"), start + 1 < range.upperBound {
        var end = range.upperBound
        if bytes[start + 1] == UInt8(ascii: "/") {
          end = bytes[start..<range.upperBound].firstIndex(of: UInt8(ascii: "\n")) ?? end
        } else {
          // Comments nest, so that the last `*/` of the trivia ends the run of them.
          var last = start
          for index in start..<(range.upperBound - 1)
          where bytes[index] == UInt8(ascii: "*") && bytes[index + 1] == UInt8(ascii: "/") { last = index + 2 }
          if last > start { end = last }
        }
        add(start..<end, .comment)
        start = end
        continue
      }
      add(start..<(start + 1), .plain)
      start += 1
    }
  }

  private static func kind(of index: Int, _ tokens: [Token], _ bytes: [UInt8]) -> CodePiece.Kind {
    let token = tokens[index]
    switch token.kind {
    case .keyword: return .keyword
    case .integer, .real: return .number
    case .string: return .string
    case .symbol(let symbol):
      switch symbol {
      case .leftParenthesis, .rightParenthesis, .leftBracket, .rightBracket, .leftBrace, .rightBrace, .comma,
        .semicolon, .colon, .dot:
        return .plain
      default: return .operator
      }
    case .closureParameter, .invalid, .endOfFile: return .plain
    case .identifier:
      let start = max(0, min(bytes.count, Int(token.start)))
      let end = max(start, min(bytes.count, Int(token.end)))
      let text = String(decoding: bytes[start..<end], as: UTF8.self)
      let next = index + 1 < tokens.count ? tokens[index + 1].kind : .endOfFile
      if openers.contains(text), case .identifier = next { return .keyword }
      if text.first?.isUppercase == true { return .type }
      if next == .symbol(.leftParenthesis) { return .function }
      return .plain
    }
  }
}
