import Checking
import Foundation
package import Syntax

// Help on names, by what their declarations say.
extension InteractiveSession {
  /// What a name stands for, as lines of text; nil where nothing has it.
  ///
  /// - Parameter isFull: With the description and examples, rather than the declaration alone.
  package func help(on name: String, isFull: Bool) -> [String]? {
    let checker = session.checker
    var found = checker.descriptions(of: name)
    // `Array.map`, or a member's name alone.
    let parts = name.split(separator: ".")
    if parts.count == 2, found.isEmpty {
      found = checker.allMembers.filter { $0.name == parts[1] && ($0.owner ?? "").hasPrefix(parts[0]) }
      if found.isEmpty, let binding = bindings.last(where: { $0.name == parts[0] }) {
        found = checker.members(of: binding.type).filter { $0.name == parts[1] }
      }
    } else {
      found += checker.allMembers.filter { $0.name == name }
    }
    guard !found.isEmpty else { return nil }
    var lines: [String] = []
    var previous: String?
    for item in found.prefix(12) {
      if item.documentation != previous, isFull, !lines.isEmpty { lines.append("") }
      lines.append((item.owner.map { $0 + "." } ?? "") + item.declaration)
      if !isFull, let place = place(of: item.span) { lines.append("  from \(place)") }
      if isFull, item.documentation != previous { lines += SessionHelp.lines(item.documentation ?? "") }
      previous = item.documentation
    }
    if found.count > 12 { lines.append("… and \(found.count - 12) more") }
    return lines
  }

  private func place(of span: SourceSpan) -> String? {
    guard let source = session.sources[span.source] else { return nil }
    return "\(source.name), line \(source.firstLine + source.lineIndex(of: span.start))"
  }

  /// Declarations that have a word in their name, their type or their description.
  package func apropos(_ word: String) -> [String] {
    let checker = session.checker
    let wanted = word.lowercased()
    let all = checker.knownNames.flatMap { checker.descriptions(of: $0) } + checker.allMembers
    var seen: Set<String> = []
    return all.filter { item in
      item.name.lowercased().contains(wanted) || item.declaration.lowercased().contains(wanted)
        || (item.documentation ?? "").lowercased().contains(wanted)
    }.sorted { a, b in
      // Names that have the word come first.
      let (first, second) = (a.name.lowercased().contains(wanted), b.name.lowercased().contains(wanted))
      return first == second ? a.name < b.name : first
    }.compactMap { item in
      let line = (item.owner.map { $0 + "." } ?? "") + item.declaration
      return seen.insert(line).inserted ? line : nil
    }
  }

  /// A name near to one that nothing has.
  package func nearName(_ name: String) -> String? {
    Nearest.suggest(name, session.checker.knownNames + session.checker.allMembers.map(\.name))
  }
}

enum SessionHelp {
  /// A description with each example on a line of its own.
  static func lines(_ documentation: String) -> [String] {
    let text = documentation.split(whereSeparator: \.isNewline).map {
      $0.drop { $0 == "/" || $0 == " " }
    }.joined(separator: " ")
    let pieces = text.components(separatedBy: "Example: ")
    var lines = pieces[0].isEmpty ? [] : ["  " + pieces[0].trimmingCharacters(in: .whitespaces)]
    for piece in pieces.dropFirst() { lines.append("  Example: " + piece.trimmingCharacters(in: .whitespaces)) }
    return lines
  }
}
