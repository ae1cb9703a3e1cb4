import Foundation
import TestSupport

/// A number or nested list of a conformance file; "nan", "inf", "-inf" are numbers there.
enum Entry: Decodable, Sendable {
  case number(Double)
  case list([Entry])
  case object([String: Entry])
  case text(String)
  case null

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let number = try? container.decode(Double.self) {
      self = .number(number)
    } else if let text = try? container.decode(String.self) {
      switch text {
      case "nan": self = .number(.nan)
      case "inf": self = .number(.infinity)
      case "-inf": self = .number(-.infinity)
      default: self = .text(text)
      }
    } else if let list = try? container.decode([Entry].self) {
      self = .list(list)
    } else if let object = try? container.decode([String: Entry].self) {
      self = .object(object)
    } else {
      self = .null
    }
  }

  subscript(key: String) -> Entry? {
    if case .object(let members) = self { return members[key] }
    return nil
  }
  var number: Double? {
    if case .number(let value) = self { return value }
    return nil
  }
  var list: [Entry] {
    if case .list(let entries) = self { return entries }
    return []
  }
  var text: String? {
    if case .text(let value) = self { return value }
    return nil
  }
  var isNull: Bool {
    if case .null = self { return true }
    return false
  }
  /// Row-major numbers of nested lists.
  var flat: [Double] {
    switch self {
    case .number(let value): [value]
    case .list(let entries): entries.flatMap(\.flat)
    case .object, .text, .null: []
    }
  }
  /// The extents of nested lists.
  var extents: [Int] {
    guard case .list(let entries) = self else { return [] }
    return [entries.count] + (entries.first?.extents ?? [])
  }
}

enum Conformance {
  static func load(_ name: String) throws -> Entry {
    let bytes = try Data(contentsOf: Checkout.data.appendingPathComponent("conformance/\(name)"))
    return try JSONDecoder().decode(Entry.self, from: bytes)
  }

  /// The README's rule: |got − want| ≤ max(abs, rel · |want|); infinities agree in sign, NaN with NaN.
  static func agrees(_ got: Double, _ want: Double, rel: Double, abs absolute: Double, scale: Double? = nil) -> Bool {
    if want.isNaN { return got.isNaN }
    if want.isInfinite || got.isInfinite { return got == want }
    return Swift.abs(got - want) <= max(absolute, rel * (scale ?? Swift.abs(want)))
  }
}
