/// Parts of the cache that a test may switch off, to see that some test notices.
///
/// A program never sets one: each off makes results wrong.
package struct CacheSwitches: OptionSet, Sendable, Hashable {
  package let rawValue: UInt64
  package init(rawValue: UInt64) { self.rawValue = rawValue }

  package static let keyCode = CacheSwitches(rawValue: 1 << 0)
  package static let keyOptions = CacheSwitches(rawValue: 1 << 1)

  /// Observing reads of a kind.
  package static func reads(of kind: Read.Kind) -> CacheSwitches {
    CacheSwitches(rawValue: 1 << (8 + UInt64(kind.rawValue)))
  }

  /// Every single switch with its name.
  package static let all: [(name: String, part: CacheSwitches)] =
    [("key: code", .keyCode), ("key: options", .keyOptions)]
    + Read.Kind.allCases.map { ("read: \($0)", reads(of: $0)) }
}
