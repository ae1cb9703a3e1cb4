package import Numerics
package import Rendering

/// What evaluation may ask of the outside: every use is a recorded read.
///
/// Notebooks and CLI supply it; tests supply one in memory.
package protocol World: Sendable {
  /// The bytes of a file named relative to the project; an error says why in words.
  func readFile(_ path: String) throws -> [UInt8]
  func fileExists(_ path: String) -> Bool
  /// The digest of a file's bytes, which need not be read again when it is known; nil where they cannot be read.
  func contentDigest(_ path: String) -> Digest?
  func listDirectory(_ path: String) throws -> [String]
  func environment(_ name: String) -> String?
  /// A parameter of the run (`--param`, front matter).
  func parameter(_ name: String) -> String?
  /// Seconds since 1970; using it makes a cell volatile.
  func now() -> Double
}

extension World {
  package func contentDigest(_ path: String) -> Digest? { (try? readFile(path)).map { Digest(ofFile: $0) } }
}

extension Digest {
  /// Of a file's bytes.
  package init(ofFile bytes: [UInt8]) {
    var builder = DigestBuilder()
    builder.append(tag: "file")
    builder.append(bytes: bytes)
    self = builder.finish()
  }
}

/// Receives what a cell shows, in order.
package protocol OutputSink: AnyObject, Sendable {
  func emit(_ event: OutputEvent)
}
