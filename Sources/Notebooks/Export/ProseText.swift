import Foundation
import Syntax

/// A notebook's text as Markdown proper: cells are empty fences that stand for them, formulas and inline values are
/// marks that Markdown leaves alone.
struct ProseText {
  enum Mark {
    case formula(tex: String, isDisplay: Bool, label: String?)
    /// An index into the document's inline values.
    case value(Int)
  }

  private(set) var bytes: [UInt8] = []
  /// The line of the file, from 0, of each line of the text.
  private(set) var lines: [Int] = [0]
  /// What marks stand for, with their source text.
  private(set) var marks: [(mark: Mark, source: String)] = []
  /// The info string of a fence that stands for a cell begins with this.
  let cellWord: String
  /// Around the number of a mark; characters that the notebook does not use.
  let opening: Character
  let closing: Character

  init(_ document: NotebookDocument) {
    let source = document.source
    let text = String(decoding: source.bytes, as: UTF8.self)
    // Private-use characters, and a word; the first that the notebook does not hold.
    let unused = (0xF8A0...0xF8F0).lazy.compactMap { Unicode.Scalar($0) }.filter { !text.unicodeScalars.contains($0) }
    let chosen = Array(unused.prefix(2))
    opening = Character(chosen.first ?? "\u{F8A0}")
    closing = Character(chosen.last ?? "\u{F8A1}")
    var word = "cairn-cell"
    while text.contains(word) { word += "x" }
    cellWord = word

    let scanner = ProseScanner(source.bytes)
    var pieces: [(range: Range<Int>, mark: Mark)] = []
    let values = Dictionary(
      document.inlineValues.enumerated().map { ($0.element.whole.start, $0.offset) },
      uniquingKeysWith: { first, _ in first })
    for range in document.textRanges {
      for piece in scanner.pieces(in: range.start..<range.end) {
        let content = String(decoding: source.bytes[piece.content], as: UTF8.self)
        switch piece.kind {
        case .code: if let index = values[piece.range.lowerBound] { pieces.append((piece.range, .value(index))) }
        case .formula: pieces.append((piece.range, .formula(tex: content, isDisplay: false, label: nil)))
        case .display(let label): pieces.append((piece.range, .formula(tex: content, isDisplay: true, label: label)))
        }
      }
    }
    var next = 0
    for part in document.parts {
      switch part {
      case .frontMatter(let range): blank(source.bytes[range.start..<range.end])
      case .cell(let cell): fence(cell, source.bytes)
      case .prose(let range):
        var position = range.start
        while next < pieces.count, pieces[next].range.lowerBound < range.end {
          let piece = pieces[next]
          next += 1
          guard piece.range.lowerBound >= position else { continue }
          append(source.bytes[position..<piece.range.lowerBound])
          let original = source.bytes[piece.range]
          marks.append((piece.mark, String(decoding: original, as: UTF8.self)))
          append(Array("\(opening)\(marks.count - 1)\(closing)".utf8)[...])
          // What follows on the line of the mark's end is on a later line of the file.
          lines[lines.count - 1] += original.reduce(0) { $0 + ($1 == 0x0A ? 1 : 0) }
          position = piece.range.upperBound
        }
        append(source.bytes[position..<range.end])
      }
    }
  }

  private mutating func append(_ more: ArraySlice<UInt8>) {
    for byte in more {
      bytes.append(byte)
      if byte == 0x0A { lines.append((lines.last ?? 0) + 1) }
    }
  }

  /// As many empty lines as a stretch has.
  private mutating func blank(_ range: ArraySlice<UInt8>) {
    append(Array(repeating: 0x0A, count: range.reduce(0) { $0 + ($1 == 0x0A ? 1 : 0) })[...])
  }

  private mutating func fence(_ cell: NotebookCell, _ source: [UInt8]) {
    let whole = source[cell.whole.start..<cell.whole.end]
    let indent = whole.prefix { $0 == 0x20 }
    let breaks = whole.reduce(0) { $0 + ($1 == 0x0A ? 1 : 0) }
    append(indent)
    append(Array("~~~~ \(cellWord) \(cell.number)\n".utf8)[...])
    let endsInBreak = whole.last == 0x0A
    append(Array(repeating: 0x0A, count: max(0, breaks - (endsInBreak ? 2 : 1)))[...])
    append(indent)
    append(Array("~~~~".utf8)[...])
    if endsInBreak { append([0x0A]) }
  }
}
