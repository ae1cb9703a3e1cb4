/// Identifies one source text of a run: a cell, a script, a file of `stdlib/`.
package struct SourceID: Hashable, Sendable {
  package var rawValue: Int32
  package init(_ rawValue: Int32) { self.rawValue = rawValue }
}

/// A half-open range of UTF-8 offsets in one source text.
package struct SourceSpan: Hashable, Sendable {
  package var source: SourceID
  package var start: Int32
  package var end: Int32

  package init(source: SourceID, start: Int32, end: Int32) {
    self.source = source
    self.start = start
    self.end = end
  }

  /// The smallest span that holds both; spans of two sources give the first one unchanged.
  package func union(_ other: SourceSpan) -> SourceSpan {
    guard source == other.source else { return self }
    return SourceSpan(source: source, start: min(start, other.start), end: max(end, other.end))
  }
}

/// One immutable source text with its line table.
///
/// The text is bytes, not a `String`: any bytes at all may come in, and spans stay exact.
package struct SourceText: Sendable {
  package let id: SourceID
  /// What a reader sees after `-->`: a path, or a notebook's name and cell.
  package let name: String
  package let bytes: [UInt8]
  /// The number of the first line as shown to the reader (a cell of a notebook file may start at line 40).
  package let firstLine: Int
  /// Offsets at which lines start; never empty.
  package let lineStarts: [Int32]

  package init(id: SourceID, name: String, bytes: [UInt8], firstLine: Int = 1) {
    self.id = id
    self.name = name
    self.bytes = bytes
    self.firstLine = firstLine
    var starts: [Int32] = [0]
    for (offset, byte) in bytes.enumerated() where byte == 0x0A { starts.append(Int32(offset + 1)) }
    lineStarts = starts
  }

  package init(id: SourceID, name: String, text: String, firstLine: Int = 1) {
    self.init(id: id, name: name, bytes: Array(text.utf8), firstLine: firstLine)
  }

  /// The zero-based index of the line that holds an offset.
  package func lineIndex(of offset: Int32) -> Int {
    var low = 0
    var high = lineStarts.count - 1
    while low < high {
      let middle = (low + high + 1) / 2
      if lineStarts[middle] <= offset { low = middle } else { high = middle - 1 }
    }
    return low
  }

  /// The text of a span; bytes that are not UTF-8 are shown as U+FFFD.
  package func text(_ span: SourceSpan) -> String {
    let start = max(0, min(bytes.count, Int(span.start)))
    let end = max(start, min(bytes.count, Int(span.end)))
    return String(decoding: bytes[start..<end], as: UTF8.self)
  }
}

/// The source texts of a run, by identity: what a diagnostic needs to show its excerpt.
package struct SourceMap: Sendable {
  package private(set) var texts: [SourceText] = []

  package init() {}

  /// Adds a text and gives it its identity.
  @discardableResult
  package mutating func add(name: String, bytes: [UInt8], firstLine: Int = 1) -> SourceText {
    let text = SourceText(id: SourceID(Int32(texts.count)), name: name, bytes: bytes, firstLine: firstLine)
    texts.append(text)
    return text
  }

  package subscript(id: SourceID) -> SourceText? {
    let index = Int(id.rawValue)
    return index >= 0 && index < texts.count ? texts[index] : nil
  }
}
