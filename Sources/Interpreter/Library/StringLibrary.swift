import Foundation

/// Texts. Characters are Swift's: what a reader sees as one.
enum StringLibrary {
  static let all: [Intrinsic] = [
    CoreLibrary.make("String.count") { a, _ in .int(Operations.characterCount(try a.string(0))) },
    CoreLibrary.make("String.isEmpty") { a, _ in .bool(try a.string(0).isEmpty) },
    CoreLibrary.make("String.uppercased()") { a, _ in .string(try a.string(0).uppercased()) },
    CoreLibrary.make("String.lowercased()") { a, _ in .string(try a.string(0).lowercased()) },
    CoreLibrary.make("String.trimmed()") { a, _ in
      .string(try a.string(0).trimmingCharacters(in: .whitespacesAndNewlines))
    },
    CoreLibrary.make("String.reversed()") { a, _ in .string(String(try a.string(0).reversed())) },
    CoreLibrary.make("String.characters") { a, _ in .texts(try a.string(0).map { String($0) }) },
    CoreLibrary.make("String.hasPrefix(_:)") { a, _ in .bool(try a.string(0).hasPrefix(try a.string(1))) },
    CoreLibrary.make("String.hasSuffix(_:)") { a, _ in .bool(try a.string(0).hasSuffix(try a.string(1))) },
    CoreLibrary.make("String.contains(_:)") { a, _ in
      let part = try a.string(1)
      return .bool(try part.isEmpty || !pieces(try a.string(0), part, limit: 1).isEmpty)
    },
    CoreLibrary.make("String.split(_:)") { a, _ in .texts(try split(try a.string(0), try a.string(1))) },
    CoreLibrary.make("String.lines()") { a, _ in
      .texts(try a.string(0).split(separator: "\n", omittingEmptySubsequences: false).map(String.init))
    },
    CoreLibrary.make("String.words()") { a, _ in
      .texts(try a.string(0).split(whereSeparator: \.isWhitespace).map(String.init))
    },
    CoreLibrary.make("String.replacing(_:with:)") { a, _ in
      let text = try a.string(0)
      let part = try a.string(1)
      let new = try a.string(2)
      if part.isEmpty { return .string(text) }
      let parts = try split(text, part)
      try Operations.checkBudget(text.utf8.count + parts.count * new.utf8.count, "a text")
      return .string(parts.joined(separator: new))
    },
    CoreLibrary.make("String.repeated(_:)") { a, _ in
      let text = try a.string(0)
      let count = try a.count(1)
      try Operations.checkBudget(
        text.utf8.count.multipliedReportingOverflow(by: max(count, 1)).overflow ? .max : text.utf8.count * count,
        "a text")
      return .string(String(repeating: text, count: count))
    },
    CoreLibrary.make("String.padded(to:)") { a, _ in
      let text = try a.string(0)
      return .string(text + String(repeating: " ", count: max(0, try a.count(1) - text.count)))
    },
    CoreLibrary.make("String.padded(left:)") { a, _ in
      let text = try a.string(0)
      return .string(String(repeating: " ", count: max(0, try a.count(1) - text.count)) + text)
    },
    CoreLibrary.make("Array.joined(_:)") { a, context in
      let printer = ValuePrinter(context.declarations)
      return .string(try a.elements(0).map { printer.text($0) }.joined(separator: try a.string(1)))
    },
    CoreLibrary.make("Array.joined(separator:)") { a, context in
      let printer = ValuePrinter(context.declarations)
      return .string(try a.elements(0).map { printer.text($0) }.joined(separator: try a.string(1)))
    },
    CoreLibrary.make("formatted(_:decimals:)") { a, _ in
      let places = try a.int(1)
      guard places >= 0, places <= 30 else {
        throw Fault("R012", "a number is shown with 0 to 30 decimals", found: "\(places)")
      }
      return .string(fixed(try a.real(0), places))
    },
    CoreLibrary.make("formatted(_:significant:)") { a, _ in
      let digits = try a.int(1)
      guard digits >= 1, digits <= 17 else {
        throw Fault("R012", "a number is shown with 1 to 17 significant digits", found: "\(digits)")
      }
      return .string(significant(try a.real(0), digits))
    },
  ]

  /// Fixed-point digits in every locale alike.
  static func fixed(_ number: Double, _ places: Int) -> String {
    if !number.isFinite { return ValuePrinter.text(number) }
    return printed("%.*f", places, number)
  }

  static func significant(_ number: Double, _ digits: Int) -> String {
    if !number.isFinite { return ValuePrinter.text(number) }
    return printed("%.*g", digits, number)
  }

  /// C's own formatting: Foundation's asks a locale.
  private static func printed(_ format: String, _ precision: Int, _ number: Double) -> String {
    // The largest double has 309 digits before the point, and at most 30 follow.
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 400) { buffer in
      let count = withVaList([Int32(truncatingIfNeeded: precision), number]) {
        vsnprintf(buffer.baseAddress, 400, format, $0)
      }
      let bytes = buffer.prefix(max(0, min(399, Int(count)))).map { UInt8(bitPattern: $0) }
      return String(decoding: bytes, as: UTF8.self)
    }
  }

  /// Offsets of a part in a text, by bytes.
  private static func pieces(_ text: String, _ part: String, limit: Int = .max) throws -> [Int] {
    let bytes = Array(text.utf8)
    let pattern = Array(part.utf8)
    guard !pattern.isEmpty, bytes.count >= pattern.count else { return [] }
    var result: [Int] = []
    var index = 0
    while index <= bytes.count - pattern.count {
      if bytes[index] == pattern[0], bytes[index..<(index + pattern.count)].elementsEqual(pattern) {
        result.append(index)
        if result.count >= limit { break }
        index += pattern.count
      } else {
        index += 1
      }
    }
    return result
  }

  /// The parts between separators, empty ones too.
  private static func split(_ text: String, _ separator: String) throws -> [String] {
    if separator.isEmpty { return text.map { String($0) } }
    let bytes = Array(text.utf8)
    var result: [String] = []
    var start = 0
    for position in try pieces(text, separator) {
      result.append(String(decoding: bytes[start..<position], as: UTF8.self))
      start = position + separator.utf8.count
    }
    result.append(String(decoding: bytes[start...], as: UTF8.self))
    return result
  }
}
