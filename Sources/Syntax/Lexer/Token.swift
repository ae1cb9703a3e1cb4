/// A token and the trivia in front of it. Concatenating all tokens with their trivia gives the source back.
package struct Token: Sendable, Equatable {
  package enum Kind: Sendable, Equatable {
    case identifier, integer, real, string
    case keyword(Keyword)
    case symbol(Symbol)
    /// `$0`
    case closureParameter
    /// What the lexer has given a message about.
    case invalid
    case endOfFile
  }
  package var kind: Kind
  /// Where the trivia (white space, comments) starts.
  package var triviaStart: Int32
  package var start: Int32
  package var end: Int32
  /// Whether a newline stands between this token and the one before: statements end there.
  package var followsNewline: Bool
  package init(kind: Kind, triviaStart: Int32, start: Int32, end: Int32, followsNewline: Bool) {
    self.kind = kind
    self.triviaStart = triviaStart
    self.start = start
    self.end = end
    self.followsNewline = followsNewline
  }
}

/// What stands between the quotes of a text, decoded.
struct TextLiteral {
  enum Part {
    case text(String)
    /// The tokens of `\( … )`; the last is the end, at the closing parenthesis.
    case interpolation([Token])
  }
  var parts: [Part]
}
