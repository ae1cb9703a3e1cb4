import Foundation

/// Texts that tests hold results to, in `Tests/Golden/`. `make golden` rewrites them; read the diff before committing.
package enum Golden {
  /// Compares a text with its golden file.
  ///
  /// - Returns: What is wrong, or nil. With `CAIRN_UPDATE_GOLDEN=1` in the environment the file is written instead.
  package static func mismatch(_ actual: String, _ path: String) -> String? {
    let file = Checkout.golden.appendingPathComponent(path)
    if ProcessInfo.processInfo.environment["CAIRN_UPDATE_GOLDEN"] == "1" {
      do {
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(actual.utf8).write(to: file)
        return nil
      } catch {
        return "\(path) cannot be written: \(error)"
      }
    }
    guard let data = try? Data(contentsOf: file) else {
      return "\(path) is missing: `make golden` writes it. The text is now:\n\(actual)"
    }
    let expected = String(decoding: data, as: UTF8.self)
    if expected == actual { return nil }
    return "\(path) differs. Expected:\n\(expected)\nThe text is now:\n\(actual)"
  }
}
