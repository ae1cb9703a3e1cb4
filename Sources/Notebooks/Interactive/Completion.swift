import Checking
import Foundation
import Interpreter
package import Syntax

/// What can stand at a place of an entry that is being typed.
package struct Completion: Sendable, Equatable {
  /// The bytes that a candidate takes the place of.
  package var start: Int
  package var candidates: [String]
}

extension InteractiveSession {
  /// Candidates for the word that ends at a byte of the text.
  ///
  /// Any text at all gives an answer, and the answer takes no longer than a keystroke may.
  package func completion(_ text: String, at cursor: Int) -> Completion {
    let bytes = Array(text.utf8.prefix(max(0, min(cursor, text.utf8.count))))
    if bytes.first == UInt8(ascii: ":") { return command(bytes) }
    if let path = openText(bytes) { return files(bytes, from: path) }
    var start = bytes.count
    while start > 0, InteractiveSession.isWord(bytes[start - 1]) { start -= 1 }
    let word = String(decoding: bytes[start...], as: UTF8.self)
    func chosen(_ names: [String]) -> Completion {
      Completion(start: start, candidates: Array(Set(names.filter { $0.hasPrefix(word) })).sorted())
    }
    if start > 0, bytes[start - 1] == UInt8(ascii: ".") {
      return chosen(members(before: start - 1, bytes))
    }
    // A number is no beginning of a name.
    if let first = word.first, first.isNumber { return Completion(start: start, candidates: []) }
    let labels = argumentLabels(before: start, bytes).map { $0 + ":" }
    let names = session.checker.knownNames + (word.isEmpty ? [] : InteractiveSession.keywords)
    return chosen(word.isEmpty && !labels.isEmpty ? labels : labels + names)
  }

  static let keywords = [
    "break", "case", "continue", "else", "enum", "false", "for", "func", "guard", "if", "in", "let", "model", "nil",
    "plate",
    "return", "struct", "switch", "true", "var", "while",
  ]

  private static func isWord(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || byte == 0x5F
      || byte >= 0x80
  }

  // MARK: - Commands and files

  private func command(_ bytes: [UInt8]) -> Completion {
    guard let space = bytes.firstIndex(of: 0x20) else {
      let word = String(decoding: bytes.dropFirst(), as: UTF8.self)
      return Completion(start: 1, candidates: SessionCommand.names.filter { $0.hasPrefix(word) })
    }
    let name = String(decoding: bytes[1..<space], as: UTF8.self)
    var start = bytes.count
    while start > space + 1, bytes[start - 1] != 0x20 { start -= 1 }
    let word = String(decoding: bytes[start...], as: UTF8.self)
    switch SessionCommand.argument(of: name) {
    case .file: return files(bytes, from: start)
    case .name:
      let names = session.checker.knownNames
      return Completion(start: start, candidates: names.filter { $0.hasPrefix(word) })
    case .switching: return Completion(start: start, candidates: ["off", "on"].filter { $0.hasPrefix(word) })
    case .expression:
      let rest = String(decoding: bytes[(space + 1)...], as: UTF8.self)
      var inner = completion(rest, at: rest.utf8.count)
      inner.start += space + 1
      if name == "time", start == space + 1 {
        inner.candidates = (["off", "on"].filter { $0.hasPrefix(word) } + inner.candidates).sorted()
      }
      return inner
    case .none: return Completion(start: start, candidates: [])
    }
  }

  /// Where the text begins that is open at the end of a line; nil where none is.
  private func openText(_ bytes: [UInt8]) -> Int? {
    var open: Int?
    var position = 0
    while position < bytes.count {
      switch bytes[position] {
      case UInt8(ascii: "\\") where open != nil: position += 1
      case UInt8(ascii: "\""): open = open == nil ? position + 1 : nil
      case 0x0A: open = nil
      case UInt8(ascii: "/")
      where open == nil && position + 1 < bytes.count && bytes[position + 1] == UInt8(ascii: "/"):
        while position < bytes.count, bytes[position] != 0x0A { position += 1 }
        continue
      default: break
      }
      position += 1
    }
    return open.map { min($0, bytes.count) }
  }

  /// Files and folders whose path begins as the text does.
  private func files(_ bytes: [UInt8], from start: Int) -> Completion {
    let path = String(decoding: bytes[start...], as: UTF8.self)
    let slash = path.lastIndex(of: "/")
    let parent = slash.map { String(path[...$0]) } ?? ""
    let word = slash.map { String(path[path.index(after: $0)...]) } ?? path
    let place = parent.hasPrefix("/") ? URL(fileURLWithPath: parent) : folder.appendingPathComponent(parent)
    let names = (try? FileManager.default.contentsOfDirectory(atPath: place.path)) ?? []
    let shown = names.filter { $0.hasPrefix(word) && (word.hasPrefix(".") || !$0.hasPrefix(".")) }.sorted().prefix(200)
    let candidates = shown.map { name -> String in
      var isFolder: ObjCBool = false
      _ = FileManager.default.fileExists(atPath: place.appendingPathComponent(name).path, isDirectory: &isFolder)
      return parent + name + (isFolder.boolValue ? "/" : "")
    }
    return Completion(start: start, candidates: Array(candidates))
  }

  // MARK: - Members

  /// Members of the value that ends before a point.
  private func members(before point: Int, _ bytes: [UInt8]) -> [String] {
    let start = InteractiveSession.operandStart(bytes, end: point)
    // `.ecdf`: the type comes from the place, so that all cases are offered.
    guard start < point else {
      return session.checker.knownNames.flatMap { cases(of: $0) }
    }
    let text = String(decoding: bytes[start..<point], as: UTF8.self)
    // A bare name whose value is known tells more than its type: columns, sites, statistics.
    if let value = value(text) {
      var names = session.checker.members(of: bindings.last { $0.name == text }?.type ?? .erroneous).map(\.name)
      switch value {
      case .engine(let engine): names += engine.memberNames
      case .table(let table): names += table.columns.map(\.name)
      default: break
      }
      return names
    }
    let checker = session.checker
    let choices = cases(of: text)
    if !choices.isEmpty { return choices }
    guard text.utf8.count < 2000 else { return [] }
    let source = SourceText(id: SourceID(-1), name: "", bytes: Array(text.utf8))
    let unit = session.trial(Parser.parse(source))
    guard !unit.hasErrors, let type = unit.lastType else { return [] }
    return checker.members(of: type).map(\.name)
  }

  /// The cases of an enum; none for other names.
  private func cases(of name: String) -> [String] {
    guard let item = session.checker.descriptions(of: name).first, case .enumeration = item.kind else { return [] }
    return item.declaration.components(separatedBy: "case ").dropFirst().map {
      String($0.prefix { $0.isLetter || $0.isNumber })
    }
  }

  /// Where a postfix expression begins that ends at a byte: names, members, calls, indices, literals.
  static func operandStart(_ bytes: [UInt8], end: Int) -> Int {
    var position = end
    while position > 0 {
      let byte = bytes[position - 1]
      switch byte {
      case UInt8(ascii: ")"), UInt8(ascii: "]"), UInt8(ascii: "}"):
        var depth = 0
        var scan = position
        repeat {
          scan -= 1
          switch bytes[scan] {
          case UInt8(ascii: ")"), UInt8(ascii: "]"), UInt8(ascii: "}"): depth += 1
          case UInt8(ascii: "("), UInt8(ascii: "["), UInt8(ascii: "{"): depth -= 1
          default: break
          }
        } while depth > 0 && scan > 0
        guard depth == 0 else { return position }
        position = scan
        // A closure stands a space behind the call that it belongs to.
        if bytes[scan] == UInt8(ascii: "{") {
          let spaces = bytes[..<scan].reversed().prefix { $0 == 0x20 }.count
          let before = scan - spaces
          if before > 0, isWord(bytes[before - 1]) || bytes[before - 1] == UInt8(ascii: ")") { position = before }
        }
      case UInt8(ascii: "\""):
        guard let open = bytes[..<(position - 1)].lastIndex(of: UInt8(ascii: "\"")) else { return position }
        position = open
      case UInt8(ascii: "."), UInt8(ascii: "!"), UInt8(ascii: "?"): position -= 1
      default:
        guard isWord(byte) else { return position }
        position -= 1
      }
    }
    return position
  }

  // MARK: - Arguments

  /// Labels that the call may still take whose parenthesis is open before a byte.
  private func argumentLabels(before end: Int, _ bytes: [UInt8]) -> [String] {
    var depth = 0
    var position = end
    var taken: Set<String> = []
    while position > 0 {
      position -= 1
      switch bytes[position] {
      case UInt8(ascii: ")"), UInt8(ascii: "]"), UInt8(ascii: "}"): depth += 1
      case UInt8(ascii: "["), UInt8(ascii: "{"):
        if depth == 0 { return [] }
        depth -= 1
      case UInt8(ascii: "("):
        if depth == 0 { return labels(ofCallAt: position, bytes).filter { !taken.contains($0) } }
        depth -= 1
      case UInt8(ascii: ":") where depth == 0:
        let start = InteractiveSession.operandStart(bytes, end: position)
        taken.insert(String(decoding: bytes[start..<position], as: UTF8.self))
      default: break
      }
    }
    return []
  }

  private func labels(ofCallAt parenthesis: Int, _ bytes: [UInt8]) -> [String] {
    var start = parenthesis
    while start > 0, InteractiveSession.isWord(bytes[start - 1]) { start -= 1 }
    guard start < parenthesis else { return [] }
    let name = String(decoding: bytes[start..<parenthesis], as: UTF8.self)
    let checker = session.checker
    if start > 0, bytes[start - 1] == UInt8(ascii: ".") {
      return checker.allMembers.filter { $0.name == name }.flatMap { $0.labels.compactMap { $0 } }
    }
    return checker.descriptions(of: name).flatMap { $0.labels.compactMap { $0 } }
  }
}
