import Checking
import Foundation
package import Interpreter
import Numerics

/// The outside world with a list of what was asked of it.
///
/// Within one run a file has one content: a file that changes while the run goes on makes what read it unkeepable.
final class RecordingWorld: World, @unchecked Sendable {
  let base: any World
  private let lock = NSLock()
  private var reads: [ObservedRead] = []
  private var known: Set<Read> = []
  private var firstContents: [String: Digest] = [:]
  private var hasVolatile = false
  private var changed: [String] = []

  init(_ base: any World) { self.base = base }

  /// Starts the list of another cell.
  func begin() {
    lock.withLock {
      reads = []
      known = []
      hasVolatile = false
      changed = []
    }
  }

  /// What the cell asked, in order; whether it asked what no second run would answer the same; files that changed.
  func finish() -> (reads: [ObservedRead], isVolatile: Bool, changed: [String]) {
    lock.withLock { (reads, hasVolatile, changed) }
  }

  /// Files that were read or compared, by path.
  var files: [(path: String, digest: Digest)] {
    lock.withLock { firstContents.map { (path: $0.key, digest: $0.value) } }.sorted { $0.path < $1.path }
  }

  private func record(_ read: Read, _ digest: Digest) {
    lock.withLock { if known.insert(read).inserted { reads.append(ObservedRead(read, digest)) } }
  }

  func readFile(_ path: String) throws -> [UInt8] {
    do {
      let bytes = try base.readFile(path)
      let digest = Digest(ofFile: bytes)
      lock.withLock {
        if let first = firstContents[path], first != digest { changed.append(path) }
        firstContents[path] = firstContents[path] ?? digest
      }
      record(Read(.file, path), digest)
      return bytes
    } catch {
      record(Read(.existence, path), ReadValidator.existenceDigest(false))
      throw error
    }
  }

  /// For validation: no read of the cell's, but the content that the run goes by from now on.
  func contentDigest(_ path: String) -> Digest? {
    if let known = lock.withLock({ firstContents[path] }) { return known }
    let digest = base.contentDigest(path)
    lock.withLock { firstContents[path] = digest }
    return digest
  }

  func fileExists(_ path: String) -> Bool {
    let exists = base.fileExists(path)
    record(Read(.existence, path), ReadValidator.existenceDigest(exists))
    return exists
  }

  func listDirectory(_ path: String) throws -> [String] {
    let names = try base.listDirectory(path)
    record(Read(.directory, path), ReadValidator.directoryDigest(names))
    return names
  }

  func environment(_ name: String) -> String? {
    let value = base.environment(name)
    record(Read(.environment, name), .of("environment", value))
    return value
  }

  func parameter(_ name: String) -> String? {
    let value = base.parameter(name)
    record(Read(.parameter, name), .of("parameter", value))
    return value
  }

  func now() -> Double {
    lock.withLock { hasVolatile = true }
    return base.now()
  }
}

/// What a cell read of the program: values and code of other cells, and the start of its random streams.
final class ReadRecorder: RunObserver {
  private(set) var globals: [GlobalID] = []
  private(set) var functions: [FunctionID] = []
  private(set) var models: [ModelID] = []
  private(set) var hasDrawn = false
  /// The unit that runs: its own bindings are no reads.
  private let unit: Int
  private let table: DeclarationTable

  init(unit: CheckedUnit, table: DeclarationTable) {
    self.unit = unit.index
    self.table = table
  }

  func didRead(_ global: GlobalID) {
    guard table.globals.indices.contains(global.rawValue), table.globals[global.rawValue].unit != unit else { return }
    globals.append(global)
  }
  func didCall(_ function: FunctionID) { functions.append(function) }
  func didUse(model: ModelID) { if !models.contains(model) { models.append(model) } }
  func didDraw() { hasDrawn = true }
}
