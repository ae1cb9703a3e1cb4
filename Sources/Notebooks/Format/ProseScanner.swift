/// Finds in text between cells what Markdown itself does not know, or must not touch: formulas and code spans.
///
/// Follows what code hosts do with `$`: `$x$` opens before a character that is no space and closes after one, and not
/// before a digit, so that "$5 and $6" stays text; `$$ … $$` may span lines of one paragraph.
struct ProseScanner {
  struct Piece: Equatable {
    enum Kind: Equatable {
      /// A code span; `content` is what stands between the backticks.
      case code
      case formula
      /// `$$ … $$`, with the label of a `{#eq-label}` behind it.
      case display(label: String?)
    }
    var kind: Kind
    /// With the marks around it.
    var range: Range<Int>
    var content: Range<Int>
  }

  private let bytes: [UInt8]

  /// - Parameter bytes: Of the whole file.
  init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// The pieces of a stretch of text without fences and comments, in order.
  func pieces(in range: Range<Int>) -> [Piece] {
    paragraphs(in: range).flatMap { scan($0) }
  }

  /// Runs of lines that are not blank.
  private func paragraphs(in range: Range<Int>) -> [Range<Int>] {
    var result: [Range<Int>] = []
    var start: Int?
    var line = range.lowerBound
    while line < range.upperBound {
      let end = bytes[line..<range.upperBound].firstIndex(of: 0x0A).map { $0 + 1 } ?? range.upperBound
      let isBlank = bytes[line..<end].allSatisfy { $0 == 0x20 || $0 == 0x09 || $0 == 0x0A || $0 == 0x0D }
      if isBlank {
        if let first = start { result.append(first..<line) }
        start = nil
      } else if start == nil {
        start = line
      }
      line = end
    }
    if let first = start { result.append(first..<range.upperBound) }
    return result
  }

  private func scan(_ range: Range<Int>) -> [Piece] {
    let (tick, dollar, backslash) = (UInt8(ascii: "`"), UInt8(ascii: "$"), UInt8(ascii: "\\"))
    var result: [Piece] = []
    var position = range.lowerBound
    // Lengths of backtick runs that nothing closes any more: a text full of them takes linear time.
    var hopeless: Set<Int> = []
    var hasNoFormula = false
    while position < range.upperBound {
      switch bytes[position] {
      case backslash: position += 2
      case tick:
        let count = run(tick, from: position, to: range.upperBound)
        let inside = position + count
        if !hopeless.contains(count), let close = closingRun(count, from: inside, to: range.upperBound) {
          result.append(Piece(kind: .code, range: position..<(close + count), content: inside..<close))
          position = close + count
        } else {
          hopeless.insert(count)
          position = inside
        }
      case dollar where !hasNoFormula:
        if let piece = formula(at: position, in: range) {
          result.append(piece)
          position = piece.range.upperBound
        } else {
          // Where one of two does not close, later ones may: only a text without any `$` ahead is done.
          let count = run(dollar, from: position, to: range.upperBound)
          position += count
          hasNoFormula = !bytes[position..<range.upperBound].contains(dollar)
        }
      default: position += 1
      }
    }
    return result
  }

  private func run(_ byte: UInt8, from start: Int, to end: Int) -> Int {
    var position = start
    while position < end, bytes[position] == byte { position += 1 }
    return position - start
  }

  private func closingRun(_ count: Int, from start: Int, to end: Int) -> Int? {
    var position = start
    while position < end {
      guard bytes[position] == UInt8(ascii: "`") else {
        position += 1
        continue
      }
      let length = run(UInt8(ascii: "`"), from: position, to: end)
      if length == count { return position }
      position += length
    }
    return nil
  }

  private func formula(at start: Int, in range: Range<Int>) -> Piece? {
    let dollar = UInt8(ascii: "$")
    if run(dollar, from: start, to: range.upperBound) == 2 {
      var position = start + 2
      while position + 1 < range.upperBound {
        if bytes[position] == UInt8(ascii: "\\") {
          position += 2
          continue
        }
        if bytes[position] == dollar, bytes[position + 1] == dollar {
          guard position > start + 2 else { return nil }
          let label = label(after: position + 2, in: range)
          return Piece(
            kind: .display(label: label?.text), range: start..<(label?.end ?? position + 2),
            content: (start + 2)..<position)
        }
        position += 1
      }
      return nil
    }
    func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D }
    func isWord(_ byte: UInt8) -> Bool {
      (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || byte >= 0x80
    }
    guard start + 2 < range.upperBound, !isSpace(bytes[start + 1]), bytes[start + 1] != dollar else { return nil }
    if start > range.lowerBound, isWord(bytes[start - 1]) { return nil }
    // As far as one may look for the end: formulas in a line are short.
    let limit = min(range.upperBound, start + 2000)
    var position = start + 1
    while position < limit {
      if bytes[position] == UInt8(ascii: "\\") {
        position += 2
        continue
      }
      if bytes[position] == dollar {
        let isDigitNext = position + 1 < range.upperBound && (0x30...0x39).contains(bytes[position + 1])
        guard !isSpace(bytes[position - 1]), !isDigitNext else { return nil }
        return Piece(kind: .formula, range: start..<(position + 1), content: (start + 1)..<position)
      }
      position += 1
    }
    return nil
  }

  /// ` {#eq-name}` behind a formula on lines of its own.
  private func label(after start: Int, in range: Range<Int>) -> (text: String, end: Int)? {
    var position = start
    while position < range.upperBound, bytes[position] == 0x20 { position += 1 }
    let opening = Array("{#eq-".utf8)
    guard position + opening.count < range.upperBound, bytes[position...].starts(with: opening),
      let close = bytes[position..<range.upperBound].firstIndex(of: UInt8(ascii: "}"))
    else { return nil }
    let text = String(decoding: bytes[(position + 2)..<close], as: UTF8.self)
    guard text.utf8.count <= 64, text.allSatisfy({ $0.isASCII && ($0.isLowercase || $0.isNumber || $0 == "-") })
    else { return nil }
    return (text, close + 1)
  }
}
