package import Foundation

/// Folders for files that tests make: all in one, which goes when the process ends.
package enum Scratch {
  private static let root: URL = {
    let place = FileManager.default.temporaryDirectory.appendingPathComponent(
      "cairn-tests-\(ProcessInfo.processInfo.processIdentifier)-\(UUID().uuidString)")
    atexit { try? FileManager.default.removeItem(at: Scratch.root) }
    return place
  }()

  /// A folder's name that nothing has yet; the folder is not made.
  package static func newPlace() -> URL { root.appendingPathComponent(UUID().uuidString) }
}
