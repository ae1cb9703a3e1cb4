import Foundation
import Syntax

/// What can be said of an entry while it is typed.
package enum EntryText {
  /// Whether an entry can be run, or waits for more lines: an open parenthesis, bracket, brace, text or comment, or a
  /// line that ends in something that needs what follows.
  package static func isComplete(_ text: String) -> Bool {
    if hasOpenText(text) { return false }
    let source = SourceText(id: SourceID(-1), name: "", bytes: Array(text.utf8))
    let tokens = Parser.parse(source).tokens
    var depth = 0
    var last: Token.Kind?
    for token in tokens {
      switch token.kind {
      case .symbol(.leftParenthesis), .symbol(.leftBracket), .symbol(.leftBrace): depth += 1
      case .symbol(.rightParenthesis), .symbol(.rightBracket), .symbol(.rightBrace): depth -= 1
      default: break
      }
      if token.kind != .endOfFile { last = token.kind }
    }
    if depth > 0 { return false }
    return !(last.map(wantsMore) ?? false)
  }

  /// How deep the parentheses, brackets and braces of a text are open at its end.
  package static func depth(of text: String) -> Int {
    let source = SourceText(id: SourceID(-1), name: "", bytes: Array(text.utf8))
    return max(
      0,
      Parser.parse(source).tokens.reduce(0) { depth, token in
        switch token.kind {
        case .symbol(.leftParenthesis), .symbol(.leftBracket), .symbol(.leftBrace): depth + 1
        case .symbol(.rightParenthesis), .symbol(.rightBracket), .symbol(.rightBrace): depth - 1
        default: depth
        }
      })
  }

  private static func wantsMore(_ kind: Token.Kind) -> Bool {
    guard case .symbol(let symbol) = kind else { return false }
    switch symbol {
    case .rightParenthesis, .rightBracket, .rightBrace, .semicolon: return false
    default: break
    }
    // `x!` and `5...` end an expression.
    return !["!", "...", "?"].contains(symbol.rawValue)
  }

  /// Whether a text of several lines or a comment is open at the end.
  private static func hasOpenText(_ text: String) -> Bool {
    var rest = text[...]
    var comments = 0
    while !rest.isEmpty {
      if comments > 0 {
        if rest.hasPrefix("*/") {
          comments -= 1
          rest = rest.dropFirst(2)
        } else if rest.hasPrefix("/*") {
          comments += 1
          rest = rest.dropFirst(2)
        } else {
          rest = rest.dropFirst()
        }
      } else if rest.hasPrefix("/*") {
        comments = 1
        rest = rest.dropFirst(2)
      } else if rest.hasPrefix("//") {
        rest = rest.drop { !$0.isNewline }
      } else if rest.hasPrefix("\"\"\"") {
        guard let end = rest.dropFirst(3).range(of: "\"\"\"") else { return true }
        rest = rest[end.upperBound...]
      } else if rest.hasPrefix("\"") {
        // A text of one line ends with its line, closed or not.
        rest = rest.dropFirst()
        while let character = rest.first, character != "\"", !character.isNewline {
          rest = rest.dropFirst(character == "\\" ? 2 : 1)
        }
        rest = rest.dropFirst()
      } else {
        rest = rest.dropFirst()
      }
    }
    return comments > 0
  }

  /// Pasted text without the prompts of a session that it was copied from.
  package static func withoutPrompts(_ text: String) -> String {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    guard let first = lines.first, first.hasPrefix(prompt) else { return text }
    var result: [Substring] = []
    for line in lines {
      if line.hasPrefix(prompt) {
        result.append(line.dropFirst(prompt.count))
      } else if line.hasPrefix(continuation) {
        result.append(line.dropFirst(continuation.count))
      } else if line + " " == continuation || line + " " == prompt {
        result.append("")
      }
      // Other lines are what the session showed.
    }
    return result.joined(separator: "\n")
  }

  package static let prompt = "cairn> "
  package static let continuation = "  ...> "
}
