package import Rendering

/// What evaluation may ask of the outside: every use is a recorded read.
///
/// Notebooks and CLI supply it; tests supply one in memory.
package protocol World: Sendable {
  /// The bytes of a file named relative to the project; an error says why in words.
  func readFile(_ path: String) throws -> [UInt8]
  func fileExists(_ path: String) -> Bool
  func listDirectory(_ path: String) throws -> [String]
  func environment(_ name: String) -> String?
  /// A parameter of the run (`--param`, front matter).
  func parameter(_ name: String) -> String?
  /// Seconds since 1970; using it makes a cell volatile.
  func now() -> Double
}

/// Receives what a cell shows, in order.
package protocol OutputSink: AnyObject, Sendable {
  func emit(_ event: OutputEvent)
}
