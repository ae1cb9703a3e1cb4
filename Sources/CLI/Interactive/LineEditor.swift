import Foundation
import Notebooks

/// What came of asking for an entry.
enum LineEvent: Equatable {
  case entry(String)
  /// Ctrl-C at the prompt.
  case interrupted
  /// The end of the input.
  case end
}

/// Gets entries from whoever makes them: somebody at a terminal, or a file.
protocol LineEditor: AnyObject {
  /// Waits for the next whole entry.
  func read() -> LineEvent
  /// Keeps an entry to be recalled.
  func remember(_ entry: String)
}

/// Reads entries line by line, without editing: from a pipe, or where the terminal can do nothing else.
final class PlainEditor: LineEditor {
  private let prompt: String
  private let continuation: String

  /// - Parameter isPrompting: Whether somebody sees what is asked for.
  init(isPrompting: Bool) {
    prompt = isPrompting ? EntryText.prompt : ""
    continuation = isPrompting ? EntryText.continuation : ""
  }

  func read() -> LineEvent {
    var text = ""
    var isFirst = true
    var blankLines = 0
    while true {
      ask(isFirst ? prompt : continuation)
      guard let line = readLine(strippingNewline: true) else {
        return text.allSatisfy(\.isWhitespace) ? .end : .entry(text)
      }
      blankLines = line.allSatisfy(\.isWhitespace) ? blankLines + 1 : 0
      text += isFirst ? line : "\n" + line
      isFirst = false
      // Two blank lines end whatever is open: the error says what was missing.
      if EntryText.isWhole(text) || blankLines >= 2 { return .entry(text) }
    }
  }

  private func ask(_ words: String) {
    guard !words.isEmpty else { return }
    FileHandle.standardOutput.write(Data(words.utf8))
  }

  func remember(_ entry: String) {}
}

extension EntryText {
  /// Whether a text is an entry that can be taken: a command, a question, or code that is complete.
  static func isWhole(_ text: String) -> Bool {
    let trimmed = text.trimmingCharacters(in: .whitespacesAndNewlines)
    if trimmed.hasPrefix(":") || question(trimmed) != nil { return true }
    return isComplete(text)
  }

  /// The name in `name?` or `?name`; nil for other texts.
  static func question(_ text: String) -> String? {
    let trimmed = text.trimmingCharacters(in: .whitespaces)
    let name: Substring
    if trimmed.hasPrefix("?") {
      name = trimmed.drop { $0 == "?" || $0 == " " }
    } else if trimmed.hasSuffix("?") {
      name = trimmed.prefix { $0 != "?" }
      guard trimmed.dropFirst(name.count).allSatisfy({ $0 == "?" }) else { return nil }
    } else {
      return nil
    }
    let isName = !name.isEmpty && name.allSatisfy { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "." }
    return isName || trimmed.hasPrefix("?") ? String(name) : nil
  }
}
