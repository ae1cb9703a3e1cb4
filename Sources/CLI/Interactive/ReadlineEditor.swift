import CReadline
import Foundation
import Notebooks

/// Edits entries on a terminal with GNU Readline: whole entries of several lines, history, search, completion.
///
/// Readline keeps its state in global variables and calls plain functions, so that there is one editor, which these find.
final class ReadlineEditor: LineEditor {
  /// Candidates for the word before a byte of the text.
  private let complete: (String, Int) -> Completion
  private let prompt: String
  /// A byte comes through when the user presses Ctrl-C.
  private let interrupts: Int32
  private var result: LineEvent?
  /// What the arrow keys last recalled.
  private var recalled: String?

  /// Candidates that are listed; of more it is said how many there are.
  private static let listLimit = 200

  nonisolated(unsafe) private static var current: ReadlineEditor?

  /// - Parameters:
  ///   - interrupts: A descriptor that becomes readable at Ctrl-C.
  init(usesColor: Bool, interrupts: Int32, history: [String], complete: @escaping (String, Int) -> Completion) {
    self.complete = complete
    self.interrupts = interrupts
    // Readline must know which bytes of the prompt take no column.
    prompt = usesColor ? "\u{1}\u{1B}[1;36m\u{2}cairn>\u{1}\u{1B}[0m\u{2} " : EntryText.prompt
    ReadlineEditor.current = self
    cairn_rl_prepare()
    rl_initialize()
    using_history()
    stifle_history(Int32(History.entryLimit))
    for entry in history { add_history(entry) }
    for (name, value) in [
      ("enable-bracketed-paste", "on"), ("horizontal-scroll-mode", "off"), ("blink-matching-paren", "off"),
      ("completion-query-items", "200"), ("show-all-if-ambiguous", "on"),
    ] { rl_variable_bind(name, value) }
    bind()
  }

  func remember(_ entry: String) { add_history(entry) }

  // MARK: - Reading

  func read() -> LineEvent {
    result = nil
    recalled = nil
    rl_callback_handler_install(prompt) { line in ReadlineEditor.current?.take(line) }
    while result == nil {
      var sources = [
        pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0),
        pollfd(fd: interrupts, events: Int16(POLLIN), revents: 0),
      ]
      if poll(&sources, 2, -1) < 0 {
        // A resized window, most likely.
        rl_resize_terminal()
        continue
      }
      if sources[1].revents != 0 {
        var byte: UInt8 = 0
        _ = Glibc.read(interrupts, &byte, 1)
        rl_callback_sigcleanup()
        rl_free_line_state()
        rl_callback_handler_remove()
        FileHandle.standardOutput.write(Data("^C\n".utf8))
        return .interrupted
      }
      if sources[0].revents != 0 { rl_callback_read_char() }
    }
    return result ?? .end
  }

  private func take(_ line: UnsafeMutablePointer<CChar>?) {
    rl_callback_handler_remove()
    guard let line else {
      FileHandle.standardOutput.write(Data("\n".utf8))
      result = .end
      return
    }
    defer { free(line) }
    // Bytes that are no text come out repaired: an entry is text.
    result = .entry(EntryText.withoutPrompts(String(decoding: Data(bytes: line, count: strlen(line)), as: UTF8.self)))
  }

  // MARK: - Keys

  private func bind() {
    for key in ["\\C-m", "\\C-j"] { rl_bind_keyseq(key) { _, key in ReadlineEditor.current?.enter(key) ?? 0 } }
    rl_bind_keyseq("\\C-i") { _, _ in ReadlineEditor.current?.tab() ?? 0 }
    for key in ["\\e[A", "\\eOA", "\\C-p"] { rl_bind_keyseq(key) { _, key in ReadlineEditor.current?.up(key) ?? 0 } }
    for key in ["\\e[B", "\\eOB", "\\C-n"] { rl_bind_keyseq(key) { _, key in ReadlineEditor.current?.down(key) ?? 0 } }
    for key in ["}", ")", "]"] { rl_bind_keyseq(key) { _, key in ReadlineEditor.current?.close(key) ?? 0 } }
    // Another line, whatever the entry is: Alt-Enter.
    rl_bind_keyseq("\\e\\C-m") { _, _ in ReadlineEditor.current?.newLine() ?? 0 }
  }

  private var text: String { String(cString: cairn_rl_text()) }
  private var bytes: [UInt8] { Array(text.utf8) }

  /// Runs a whole entry; otherwise, and within an entry of several lines, begins another line.
  private func enter(_ key: Int32) -> Int32 {
    let text = self.text
    let isAtEnd = cairn_rl_point() >= cairn_rl_end()
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    let isGivenUp = lines.count > 2 && lines.suffix(2).allSatisfy { $0.allSatisfy(\.isWhitespace) }
    let isPasted = text.hasPrefix(EntryText.prompt)
    if isPasted || (EntryText.isWhole(text) && (isAtEnd || lines.count == 1)) || (isGivenUp && isAtEnd) {
      cairn_rl_move(cairn_rl_end())
      return rl_newline(1, key)
    }
    return newLine()
  }

  /// A closing bracket at the beginning of a line stands one step to the left.
  private func close(_ key: Int32) -> Int32 {
    let before = bytes.prefix(Int(cairn_rl_point()))
    let spaces = before.reversed().prefix { $0 == 0x20 }.count
    let isFirst = spaces >= 4 && before.dropLast(spaces).last == 0x0A
    if isFirst { rl_delete_text(cairn_rl_point() - 4, cairn_rl_point()) }
    if isFirst { cairn_rl_move(cairn_rl_point() - 4) }
    return rl_insert(1, key)
  }

  private func newLine() -> Int32 {
    let before = String(decoding: bytes.prefix(Int(cairn_rl_point())), as: UTF8.self)
    rl_insert_text("\n" + String(repeating: "    ", count: min(20, EntryText.depth(of: before))))
    return 0
  }

  private func tab() -> Int32 {
    let text = bytes
    let point = min(Int(cairn_rl_point()), text.count)
    // At the beginning of a line Tab indents.
    let line = text[..<point].lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
    if line > 0, text[line..<point].allSatisfy({ $0 == 0x20 }) {
      rl_insert_text("    ")
      return 0
    }
    let found = complete(String(decoding: text, as: UTF8.self), point)
    guard let first = found.candidates.first, found.start <= point else {
      rl_ding()
      return 0
    }
    let common = found.candidates.dropFirst().reduce(Array(first.utf8)) { prefix, next in
      Array(zip(prefix, next.utf8).prefix { $0 == $1 }.map(\.0))
    }
    if common.count > point - found.start {
      rl_delete_text(Int32(found.start), Int32(point))
      cairn_rl_move(Int32(found.start))
      rl_insert_text(ReadlineEditor.whole(common))
    } else if found.candidates.count > 1 {
      list(found.candidates)
    }
    return 0
  }

  /// Bytes without a character that is cut at their end.
  private static func whole(_ bytes: [UInt8]) -> String {
    var bytes = bytes
    while !bytes.isEmpty, String(validating: bytes, as: UTF8.self) == nil { bytes.removeLast() }
    return String(decoding: bytes, as: UTF8.self)
  }

  private func list(_ candidates: [String]) {
    var pointers: [UnsafeMutablePointer<CChar>?] = [strdup("")]
    let shown = candidates.prefix(ReadlineEditor.listLimit)
    for candidate in shown { pointers.append(strdup(candidate)) }
    pointers.append(nil)
    defer { for pointer in pointers { free(pointer) } }
    let longest = shown.map(\.utf8.count).max() ?? 1
    pointers.withUnsafeMutableBufferPointer { buffer in
      rl_display_match_list(buffer.baseAddress, Int32(buffer.count - 2), Int32(longest))
    }
    if candidates.count > shown.count {
      FileHandle.standardOutput.write(Data("… and \(candidates.count - shown.count) more\n".utf8))
    }
    rl_forced_update_display()
  }

  // MARK: - Moving

  /// To the line above; from the first line back in the history, to entries that begin as this one does.
  private func up(_ key: Int32) -> Int32 {
    if moveLine(by: -1) { return 0 }
    return recall(key, rl_get_previous_history, rl_history_search_backward)
  }

  private func down(_ key: Int32) -> Int32 {
    if moveLine(by: 1) { return 0 }
    return recall(key, rl_get_next_history, rl_history_search_forward)
  }

  private func recall(_ key: Int32, _ step: rl_command_func_t, _ search: rl_command_func_t) -> Int32 {
    let isBrowsing = cairn_rl_point() == 0 || text == recalled
    let status = isBrowsing ? step(1, key) : search(1, key)
    if isBrowsing {
      cairn_rl_move(cairn_rl_end())
      recalled = text
    }
    return status
  }

  /// Moves within an entry of several lines; false where there is no line that way.
  private func moveLine(by step: Int) -> Bool {
    // Entries that were just recalled are passed over whole.
    guard text != recalled || step == 0 else { return false }
    let text = bytes
    let point = min(Int(cairn_rl_point()), text.count)
    let start = text[..<point].lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
    let column = point - start
    if step < 0 {
      guard start > 0 else { return false }
      let above = text[..<(start - 1)].lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
      cairn_rl_move(Int32(min(above + column, start - 1)))
      return true
    }
    guard let end = text[point...].firstIndex(of: 0x0A) else { return false }
    let next = text[(end + 1)...].firstIndex(of: 0x0A) ?? text.count
    cairn_rl_move(Int32(min(end + 1 + column, next)))
    return true
  }
}
