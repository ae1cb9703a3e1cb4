import Foundation
import TestSupport

/// A number or nested list of a conformance file; "nan", "inf", "-inf" are numbers there.
enum Entry {
  case number(Double)
  case list([Entry])
  case object([String: Entry])
  case text(String)
  case null

  init(_ any: Any) {
    switch any {
    case let number as NSNumber: self = .number(number.doubleValue)
    case let text as String:
      switch text {
      case "nan": self = .number(.nan)
      case "inf": self = .number(.infinity)
      case "-inf": self = .number(-.infinity)
      default: self = .text(text)
      }
    case let list as [Any]: self = .list(list.map { Entry($0) })
    case let object as [String: Any]: self = .object(object.mapValues { Entry($0) })
    default: self = .null
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
    return Entry(try JSONSerialization.jsonObject(with: bytes))
  }

  /// The README's rule: |got − want| ≤ max(abs, rel · |want|); infinities agree in sign, NaN with NaN.
  static func agrees(_ got: Double, _ want: Double, rel: Double, abs absolute: Double, scale: Double? = nil) -> Bool {
    if want.isNaN { return got.isNaN }
    if want.isInfinite || got.isInfinite { return got == want }
    return Swift.abs(got - want) <= max(absolute, rel * (scale ?? Swift.abs(want)))
  }
}
