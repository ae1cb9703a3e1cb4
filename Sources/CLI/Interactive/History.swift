import Foundation

/// Entries of earlier sessions in a file: one line each, line ends within an entry written as `\n`.
///
/// The file may hold anything: lines that are no text, or far too long for an entry, are left out.
struct History {
  static let entryLimit = 1000
  private static let lengthLimit = 100_000

  let file: URL
  private(set) var entries: [String] = []
  /// Lines that could not be read.
  private(set) var leftOut = 0

  init(_ file: URL) {
    self.file = file
    guard let data = FileManager.default.contents(atPath: file.path) else { return }
    for line in data.split(separator: 0x0A) {
      guard line.count <= History.lengthLimit, let text = String(validating: line, as: UTF8.self),
        !text.unicodeScalars.contains(where: { $0.value < 0x20 && $0 != "\t" })
      else {
        leftOut += 1
        continue
      }
      entries.append(History.decoded(text))
    }
    if entries.count > History.entryLimit { entries.removeFirst(entries.count - History.entryLimit) }
    // What cannot be read, or is too old, goes; else the file would grow for ever.
    if leftOut > 0 || data.count > 4 << 20 { rewrite() }
  }

  mutating func append(_ entry: String) {
    guard !entry.allSatisfy(\.isWhitespace), entry != entries.last, entry.utf8.count < History.lengthLimit else {
      return
    }
    entries.append(entry)
    let line = Data((History.encoded(entry) + "\n").utf8)
    if let handle = try? FileHandle(forWritingTo: file) {
      defer { try? handle.close() }
      _ = try? handle.seekToEnd()
      try? handle.write(contentsOf: line)
    } else {
      try? FileManager.default.createDirectory(
        at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try? line.write(to: file)
    }
  }

  private func rewrite() {
    let text = entries.map { History.encoded($0) + "\n" }.joined()
    try? Data(text.utf8).write(to: file, options: .atomic)
  }

  static func encoded(_ entry: String) -> String {
    entry.replacingOccurrences(of: "\\", with: "\\\\").replacingOccurrences(of: "\r\n", with: "\n")
      .replacingOccurrences(of: "\n", with: "\\n").replacingOccurrences(of: "\r", with: "")
  }

  static func decoded(_ line: String) -> String {
    var result = ""
    var isEscaped = false
    for character in line {
      if isEscaped {
        result.append(character == "n" ? "\n" : character)
        isEscaped = false
      } else if character == "\\" {
        isEscaped = true
      } else {
        result.append(character)
      }
    }
    return result
  }
}
