/// What kind of text is parsed: only the library may declare intrinsics and extensions.
package enum SourceKind: Sendable { case user, library }

/// A recursive-descent parser that never fails: what it cannot make sense of becomes `.erroneous` with a diagnostic.
///
/// One cause gives one message. A mistake that is understood is reported with `note`, and parsing goes on as if it had
/// been written right; after another one, reported with `report`, nothing more is said up to the end of the list or
/// statement it stands in (`isPanicking`).
package struct Parser {
  /// How deep expressions, blocks and types may nest.
  package static let depthLimit = 256
  /// How high a chain such as `a + b + …` may make a tree.
  package static let chainLimit = 1000
  /// A text with more mistakes is something else than a program.
  static let messageLimit = 1000

  let source: SourceText
  let kind: SourceKind
  let texts: [Int32: TextLiteral]
  /// The tokens being read: of the source, or of an interpolation. The last is the end.
  var tokens: [Token]
  /// For each bracket that opens, the index of the one that closes it; −1 where there is none, and for other tokens.
  var closers: [Int32]
  var cursor = 0
  var diagnostics: [Diagnostic]
  /// Off in the condition of `if`, `for`, `while`, `switch`: there `{` starts the body, not a trailing closure.
  var allowsTrailingClosure = true
  /// Whether something was reported that is not yet behind us.
  var isPanicking = false
  var lastErrorAt: Int32 = -1
  /// Bodies whose `{` is missing: a `}` too much belongs to one of them.
  var missingBraces = 0
  /// Whether the first mistake is that the text ends inside of an open construct.
  var endedInside: Bool
  var interpolationDepth = 0

  /// The height of the tree so far in each open level, and in the present one.
  var levels: [Int] = []
  var height = 0
  /// Set when the nesting is too deep: everything returns, and the statements of the text go on at `resumption`.
  var isUnwinding = false
  var resumption = 0
  var statementStart = 0

  package static func parse(_ source: SourceText, as kind: SourceKind = .user) -> SyntaxTree {
    var parser = Parser(source, kind)
    let tokens = parser.tokens
    let statements = parser.statements(untilBrace: false)
    let sorted = parser.diagnostics.enumerated().sorted {
      ($0.element.span?.start ?? 0, $0.offset) < ($1.element.span?.start ?? 0, $1.offset)
    }
    return SyntaxTree(source: source, tokens: tokens, statements: statements, diagnostics: sorted.map(\.element))
  }

  /// Whether the text ends inside an open construct, so that more lines may complete it.
  package static func isIncomplete(_ source: SourceText) -> Bool {
    var parser = Parser(source, .user)
    _ = parser.statements(untilBrace: false)
    return parser.endedInside
  }

  private init(_ source: SourceText, _ kind: SourceKind) {
    let lexed = Lexer.lex(source)
    self.source = source
    self.kind = kind
    tokens = lexed.tokens
    closers = Parser.closers(lexed.tokens)
    texts = lexed.texts
    diagnostics = lexed.diagnostics
    endedInside = lexed.endedInside
  }

  /// Pairs the brackets. `)` and `]` close nothing beyond a `{`; `}` closes whatever is open since its partner.
  static func closers(_ tokens: [Token]) -> [Int32] {
    var result = Array(repeating: Int32(-1), count: tokens.count)
    var open: [(index: Int, symbol: Symbol)] = []
    // How many of each are open since the last `{`, and the counts outside of it.
    var counts = (parentheses: 0, brackets: 0)
    var outer: [(parentheses: Int, brackets: Int)] = []
    func close(_ partner: Symbol, at index: Int) {
      while let last = open.popLast() {
        if last.symbol == partner {
          result[last.index] = Int32(index)
          return
        }
        if last.symbol == .leftParenthesis { counts.parentheses -= 1 } else { counts.brackets -= 1 }
      }
    }
    for (index, token) in tokens.enumerated() {
      switch token.kind {
      case .symbol(.leftParenthesis):
        open.append((index, .leftParenthesis))
        counts.parentheses += 1
      case .symbol(.leftBracket):
        open.append((index, .leftBracket))
        counts.brackets += 1
      case .symbol(.leftBrace):
        open.append((index, .leftBrace))
        outer.append(counts)
        counts = (0, 0)
      case .symbol(.rightParenthesis) where counts.parentheses > 0:
        close(.leftParenthesis, at: index)
        counts.parentheses -= 1
      case .symbol(.rightBracket) where counts.brackets > 0:
        close(.leftBracket, at: index)
        counts.brackets -= 1
      case .symbol(.rightBrace):
        guard let counted = outer.popLast() else { continue }
        close(.leftBrace, at: index)
        counts = counted
      case .keyword(let word) where token.followsNewline && index > 0 && startsDeclaration(word):
        // A declaration on a new line: brackets still open on the line before have no partner.
        if word == .let || word == .var {
          let before = tokens[index - 1].kind
          if before == .symbol(.comma) || before == .symbol(.leftParenthesis) { continue }
        }
        while let last = open.last, last.symbol == .leftParenthesis || last.symbol == .leftBracket { open.removeLast() }
        counts = (0, 0)
      default: break
      }
    }
    return result
  }

  private static func startsDeclaration(_ word: Keyword) -> Bool {
    switch word {
    case .let, .var, .func, .struct, .enum, .import, .return, .for, .while, .guard, .break, .continue: true
    default: false
    }
  }
}
