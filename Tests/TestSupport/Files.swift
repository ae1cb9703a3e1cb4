package import Foundation

/// Paths of the checkout, found from this file's own place.
package enum Checkout {
  package static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()
  /// Committed test inputs: conformance vectors, posteriors, tables.
  package static let data = root.appendingPathComponent("Tests/Data")
  package static let golden = root.appendingPathComponent("Tests/Golden")
}
