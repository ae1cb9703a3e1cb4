package import Checking
import Foundation

/// Comma-separated values: RFC 4180, and what is met in practice.
///
/// Quoted fields may hold separators, quotes (doubled) and line ends; lines end in LF, CRLF or CR; a byte order mark is
/// dropped. Types are inferred from all cells: Bool, Int, Real, else String.
package struct CSV: Sendable {
  package struct Options: Sendable {
    package var separator: UInt8 = 0x2C
    /// Unquoted cells with one of these texts are missing.
    package var missing: [String] = ["", "NA"]
    package init() {}
    package init(separator: String, missing: [String]) throws {
      guard separator.utf8.count == 1, let byte = separator.utf8.first, byte != 0x22, byte != 0x0A, byte != 0x0D else {
        throw Fault("R015", "a separator is one character", expected: "`,`, `;` or a tab", found: "`\(separator)`")
      }
      self.separator = byte
      self.missing = missing
    }
  }

  package enum Kind: Sendable { case bool, int, real, string }

  /// One field: where it lies, and whether it was quoted.
  struct Field {
    var start: Int32
    var end: Int32
    var isQuoted: Bool
    var hasDoubledQuotes: Bool
  }

  let bytes: [UInt8]
  let options: Options
  package private(set) var header: [String] = []
  /// Row-major, `header.count` per row.
  private var fields: [Field] = []
  /// The line of the file on which each row starts.
  private var lines: [Int32] = []
  package var rowCount: Int { lines.count }
  private let missing: [[UInt8]]

  /// Splits a file into fields.
  ///
  /// - Throws: ``Fault`` R015 for text that is not UTF-8, an unclosed quote, a header with empty or repeated names, and
  ///   rows of the wrong length (all of them are counted, ten are listed).
  package init(_ input: [UInt8], options: Options = Options()) throws {
    self.options = options
    missing = options.missing.map { Array($0.utf8) }
    bytes = input.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(input.dropFirst(3)) : input
    guard bytes.count < Int(Int32.max) else {
      throw Fault("R008", "the file is over the memory budget", found: "\(bytes.count) bytes")
    }
    if let offset = CSV.firstInvalidUTF8(bytes) {
      let line = bytes[..<offset].count { $0 == 0x0A } + 1
      throw Fault(
        "R015", "the file is not UTF-8 text", caret: "line \(line) has the byte \(bytes[offset])",
        help: "save it as UTF-8; spreadsheets call it “CSV UTF-8”")
    }
    try split()
  }

  private mutating func split() throws {
    var isHeader = true
    var row: [Field] = []
    var ragged: [String] = []
    var raggedCount = 0
    var position = 0
    var line = 1
    let separator = options.separator
    var failure: Fault?
    bytes.withUnsafeBufferPointer { bytes in
      while position < bytes.count {
        let rowLine = line
        row.removeAll(keepingCapacity: true)
        // One row.
        while true {
          if position < bytes.count, bytes[position] == 0x22 {
            let start = position + 1
            position = start
            var hasDoubled = false
            var isClosed = false
            while position < bytes.count {
              if bytes[position] == 0x22 {
                if position + 1 < bytes.count, bytes[position + 1] == 0x22 {
                  hasDoubled = true
                  position += 2
                  continue
                }
                isClosed = true
                break
              }
              if bytes[position] == 0x0A { line += 1 }
              position += 1
            }
            guard isClosed else {
              failure = Fault(
                "R015", "a quoted cell that starts on line \(rowLine) is not closed",
                help: "double a quote inside quotes: `\"\"`")
              return
            }
            row.append(Field(start: Int32(start), end: Int32(position), isQuoted: true, hasDoubledQuotes: hasDoubled))
            position += 1
            if position < bytes.count, bytes[position] != separator, bytes[position] != 0x0A, bytes[position] != 0x0D {
              failure = Fault(
                "R015", "text follows a closed quote on line \(line)", help: "double a quote inside quotes: `\"\"`")
              return
            }
          } else {
            let start = position
            while position < bytes.count, bytes[position] != separator, bytes[position] != 0x0A, bytes[position] != 0x0D
            {
              position += 1
            }
            row.append(Field(start: Int32(start), end: Int32(position), isQuoted: false, hasDoubledQuotes: false))
          }
          if position < bytes.count, bytes[position] == separator {
            position += 1
            continue
          }
          break
        }
        if position < bytes.count {
          if bytes[position] == 0x0D, position + 1 < bytes.count, bytes[position + 1] == 0x0A { position += 1 }
          position += 1
          line += 1
        }
        // An empty line is no row, except in a file of one column, where it is a missing cell.
        let isEmpty = row.count == 1 && row[0].start == row[0].end && !row[0].isQuoted
        if isEmpty, isHeader || header.count != 1 { continue }
        if isHeader {
          header = row.map { text($0).trimmingCharacters(in: .whitespaces) }
          isHeader = false
        } else if row.count != header.count {
          raggedCount += 1
          if ragged.count < 10 { ragged.append("line \(rowLine) has \(row.count)") }
        } else {
          fields.append(contentsOf: row)
          lines.append(Int32(rowLine))
        }
      }
    }
    if let failure { throw failure }
    try checkHeader()
    guard raggedCount == 0 else {
      let more = raggedCount > ragged.count ? ", and \(raggedCount - ragged.count) more" : ""
      throw Fault(
        "R015", "\(raggedCount) \(raggedCount == 1 ? "row has" : "rows have") another number of cells than the header",
        expected: "\(header.count) cells", found: ragged.joined(separator: ", ") + more,
        help: "put quotes around cells that hold the separator")
    }
  }

  private func checkHeader() throws {
    if header.isEmpty { throw Fault("R015", "the file is empty", expected: "a header line with column names") }
    var seen: [String] = []
    for (index, name) in header.enumerated() {
      if name.isEmpty {
        throw Fault("R015", "column \(index + 1) has no name", help: "give every column a name in the first line")
      }
      if seen.contains(name) {
        throw Fault("R015", "two columns are called `\(name)`", help: "rename one of them in the first line")
      }
      seen.append(name)
    }
  }

  private static func firstInvalidUTF8(_ bytes: [UInt8]) -> Int? {
    // All of it is ASCII in most files.
    if bytes.allSatisfy({ $0 < 0x80 }) { return nil }
    if String(validating: bytes, as: UTF8.self) != nil { return nil }
    var decoder = UTF8()
    var iterator = bytes.makeIterator()
    var offset = 0
    while true {
      switch decoder.decode(&iterator) {
      case .scalarValue(let scalar): offset += UTF8.width(scalar)
      case .emptyInput: return nil
      case .error: return min(offset, bytes.count - 1)
      }
    }
  }

  // MARK: - Cells

  private func field(_ row: Int, _ column: Int) -> Field { fields[row * header.count + column] }

  func text(_ field: Field) -> String {
    let slice = bytes[Int(field.start)..<Int(field.end)]
    let text = String(decoding: slice, as: UTF8.self)
    return field.hasDoubledQuotes ? text.replacingOccurrences(of: "\"\"", with: "\"") : text
  }

  private func isMissing(_ field: Field) -> Bool {
    if field.isQuoted { return false }
    let count = Int(field.end - field.start)
    for candidate in missing where candidate.count == count {
      if bytes[Int(field.start)..<Int(field.end)].elementsEqual(candidate) { return true }
    }
    return false
  }

  /// The bytes without white space around them.
  private func trimmed(_ field: Field) -> Range<Int> {
    var start = Int(field.start)
    var end = Int(field.end)
    while start < end, bytes[start] == 0x20 || bytes[start] == 0x09 { start += 1 }
    while end > start, bytes[end - 1] == 0x20 || bytes[end - 1] == 0x09 { end -= 1 }
    return start..<end
  }

  private func int(_ field: Field) -> Int? {
    let range = trimmed(field)
    guard !range.isEmpty, range.count <= 20 else { return nil }
    var index = range.lowerBound
    let isNegative = bytes[index] == 0x2D
    if isNegative || bytes[index] == 0x2B { index += 1 }
    guard index < range.upperBound else { return nil }
    var result = 0
    while index < range.upperBound {
      let digit = Int(bytes[index]) - 0x30
      guard digit >= 0, digit <= 9 else { return nil }
      let (scaled, overflow) = result.multipliedReportingOverflow(by: 10)
      let (next, didOverflow) =
        isNegative ? scaled.subtractingReportingOverflow(digit) : scaled.addingReportingOverflow(digit)
      if overflow || didOverflow { return nil }
      result = next
      index += 1
    }
    return result
  }

  private func real(_ field: Field) -> Double? {
    let range = trimmed(field)
    return bytes[range].withUnsafeBufferPointer { CSV.real($0) }
  }

  package static func real(_ text: String) -> Double? {
    Array(text.utf8).withUnsafeBufferPointer { real($0) }
  }

  /// A decimal number; hexadecimal forms and trailing text are refused.
  private static func real(_ bytes: UnsafeBufferPointer<UInt8>) -> Double? {
    guard let base = bytes.baseAddress, bytes.count > 0, bytes.count < 400 else { return nil }
    var start = 0
    if bytes[0] == 0x2D || bytes[0] == 0x2B { start = 1 }
    guard start < bytes.count else { return nil }
    let first = bytes[start]
    if first == 0x2E || (first >= 0x30 && first <= 0x39) {
      for byte in bytes {
        switch byte {
        case 0x30...0x39, 0x2B, 0x2D, 0x2E, 0x45, 0x65: continue
        default: return nil
        }
      }
    } else {
      let word = String(decoding: bytes[start...], as: UTF8.self).lowercased()
      switch word {
      case "inf", "infinity": return bytes[0] == 0x2D ? -.infinity : .infinity
      case "nan": return .nan
      default: return nil
      }
    }
    return withUnsafeTemporaryAllocation(of: CChar.self, capacity: bytes.count + 1) { buffer -> Double? in
      for index in 0..<bytes.count { buffer[index] = CChar(bitPattern: base[index]) }
      buffer[bytes.count] = 0
      guard let text = buffer.baseAddress else { return nil }
      var end: UnsafeMutablePointer<CChar>?
      let result = strtod(text, &end)
      return end == text + bytes.count ? result : nil
    }
  }

  private func bool(_ field: Field) -> Bool? {
    switch String(decoding: bytes[trimmed(field)], as: UTF8.self) {
    case "true", "TRUE", "True": true
    case "false", "FALSE", "False": false
    default: nil
    }
  }

  // MARK: - Types

  /// What a column holds.
  struct ColumnScan {
    var kind: Kind
    var hasMissing: Bool
    /// For a text column: cells that are not numbers although most are.
    var strays: [Int]
    var strayCount: Int
  }

  func scan(_ column: Int) -> ColumnScan {
    var canBool = true
    var canInt = true
    var present = 0
    var missingCount = 0
    var notReal = 0
    var strays: [Int] = []
    for row in 0..<rowCount {
      let cell = field(row, column)
      if isMissing(cell) {
        missingCount += 1
        continue
      }
      present += 1
      if canBool, bool(cell) == nil { canBool = false }
      if canInt, int(cell) == nil { canInt = false }
      if !canInt, int(cell) == nil, real(cell) == nil {
        notReal += 1
        if strays.count < 3 { strays.append(row) }
      }
    }
    let kind: Kind = present == 0 ? .real : canBool ? .bool : canInt ? .int : notReal == 0 ? .real : .string
    let isMostlyNumbers = kind == .string && notReal * 5 <= present
    return ColumnScan(
      kind: kind, hasMissing: missingCount > 0, strays: isMostlyNumbers ? strays : [], strayCount: notReal)
  }

  /// Names and types of the columns: what the checker learns of a literal path.
  package func columns() -> [TableType.Column] {
    header.indices.map { column in
      let scan = scan(column)
      let cell = CSV.type(scan.kind)
      return TableType.Column(name: header[column], cell: scan.hasMissing ? .optional(cell) : cell)
    }
  }

  static func type(_ kind: Kind) -> Type {
    switch kind {
    case .bool: .bool
    case .int: .int
    case .real: .real
    case .string: .string
    }
  }

  // MARK: - Values

  /// A bad cell, in words.
  struct BadCell {
    var line: Int
    var column: String
    var text: String
    var expected: String
  }

  /// The cells of a column as an array; with missing cells a list of optionals.
  func values(_ column: Int, kind: Kind, allowsMissing: Bool, bad: inout [BadCell], badCount: inout Int) -> Value {
    var elements: [Value] = []
    var reals: [Double] = []
    var ints: [Int] = []
    var bools: [Bool] = []
    var texts: [Value] = []
    let isDense = !allowsMissing
    func report(_ row: Int, _ cell: Field, _ expected: String) {
      badCount += 1
      if bad.count < 10 {
        bad.append(BadCell(line: Int(lines[row]), column: header[column], text: text(cell), expected: expected))
      }
    }
    for row in 0..<rowCount {
      let cell = field(row, column)
      if isMissing(cell), allowsMissing || kind != .string {
        if allowsMissing { elements.append(.none) } else { report(row, cell, CSV.words(kind)) }
        continue
      }
      switch kind {
      case .real:
        guard let number = real(cell) else {
          report(row, cell, CSV.words(kind))
          continue
        }
        if isDense { reals.append(number) } else { elements.append(.real(number)) }
      case .int:
        guard let number = int(cell) else {
          report(row, cell, CSV.words(kind))
          continue
        }
        if isDense { ints.append(number) } else { elements.append(.int(number)) }
      case .bool:
        guard let flag = bool(cell) else {
          report(row, cell, CSV.words(kind))
          continue
        }
        if isDense { bools.append(flag) } else { elements.append(.bool(flag)) }
      case .string:
        if isDense { texts.append(.string(text(cell))) } else { elements.append(.string(text(cell))) }
      }
    }
    if allowsMissing { return .list(elements) }
    switch kind {
    case .real: return .vector(reals)
    case .int: return .integers(ints)
    case .bool: return .boolArray(BoolArray(shape: [bools.count], elements: bools))
    case .string: return .list(texts)
    }
  }

  static func words(_ kind: Kind) -> String {
    switch kind {
    case .bool: "true or false"
    case .int: "a whole number"
    case .real: "a number"
    case .string: "a text"
    }
  }

  /// The whole file as a table with inferred types.
  ///
  /// - Returns: Also warnings about text columns that look like numbers with a few strays.
  package func table(origin: String) throws -> (table: TableValue, warnings: [String]) {
    var bad: [BadCell] = []
    var badCount = 0
    var warnings: [String] = []
    let columns = header.indices.map { column in
      let scan = scan(column)
      for row in scan.strays.prefix(1) {
        let more = scan.strayCount > 1 ? " and \(scan.strayCount - 1) more" : ""
        warnings.append(
          "column `\(header[column])` of \(origin) is text because of “\(text(field(row, column)))” on line \(lines[row])\(more)"
        )
      }
      let values = values(column, kind: scan.kind, allowsMissing: scan.hasMissing, bad: &bad, badCount: &badCount)
      return TableValue.Column(name: header[column], values: values)
    }
    try CSV.refuse(bad, badCount, origin)
    return (TableValue(columns: columns, rowCount: rowCount, origin: origin), warnings)
  }

  /// The file as a table of declared columns; other columns are left out.
  package func table(as wanted: [TableType.Column], origin: String) throws -> TableValue {
    var bad: [BadCell] = []
    var badCount = 0
    var columns: [TableValue.Column] = []
    for item in wanted {
      guard let column = header.firstIndex(of: item.name) else {
        let near = Spelling.nearest(item.name, in: header)
        throw Fault(
          "R016", "\(origin) has no column `\(item.name)`",
          expected: "one of " + header.prefix(12).map { "`\($0)`" }.joined(separator: ", "),
          help: near.map { "did you mean `\($0)`?" })
      }
      var cell = item.cell
      var allowsMissing = false
      if case .optional(let wrapped) = cell {
        allowsMissing = true
        cell = wrapped
      }
      let kind: Kind
      switch cell {
      case .bool: kind = .bool
      case .int, .index: kind = .int
      case .real: kind = .real
      case .string: kind = .string
      default:
        throw Fault(
          "R015", "a column of a file cannot be \(Operations.words(cell))", expected: "Bool, Int, Real or String")
      }
      let values = values(column, kind: kind, allowsMissing: allowsMissing, bad: &bad, badCount: &badCount)
      columns.append(TableValue.Column(name: item.name, values: values))
    }
    try CSV.refuse(bad, badCount, origin)
    return TableValue(columns: columns, rowCount: rowCount, origin: origin)
  }

  private static func refuse(_ bad: [BadCell], _ count: Int, _ origin: String) throws {
    guard count > 0 else { return }
    let list = bad.map { "line \($0.line), `\($0.column)`: “\($0.text)” is not \($0.expected)" }
    let more = count > bad.count ? ["and \(count - bad.count) more"] : []
    throw Fault(
      "R014", "\(count) \(count == 1 ? "cell" : "cells") of \(origin) cannot be read",
      found: (list + more).joined(separator: "; "),
      help: "mend the cells, name their text in `missing:`, or declare the column optional")
  }
}
