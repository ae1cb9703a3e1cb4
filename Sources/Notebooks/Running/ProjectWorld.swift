package import Checking
package import Foundation
package import Interpreter
package import Numerics
import Synchronization

/// The file system as evaluation sees it: paths are relative to the folder of the notebook or script.
package final class ProjectWorld: World {
  /// Paths of files and folders that were asked for, for whoever waits until one changes.
  private let asked = Mutex<Set<String>>([])

  package let folder: URL
  package let parameters: [String: String]

  /// Knows digests of files that have not changed.
  private let store: CacheStore?
  /// Whether files are read again although they look unchanged.
  private let isParanoid: Bool

  package init(
    folder: URL, parameters: [String: String] = [:], store: CacheStore? = nil, isParanoid: Bool = false
  ) {
    self.folder = folder
    self.parameters = parameters
    self.store = store
    self.isParanoid = isParanoid
  }

  private func resolve(_ path: String) -> URL {
    let url = path.hasPrefix("/") ? URL(fileURLWithPath: path) : folder.appendingPathComponent(path)
    asked.withLock { _ = $0.insert(url.path) }
    return url
  }

  /// Paths of files and folders that were asked for so far, also of those that were not there.
  package var paths: Set<String> { asked.withLock { $0 } }

  package func readFile(_ path: String) throws -> [UInt8] {
    let url = resolve(path)
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder) else {
      throw Fault("R013", "there is no file `\(path)`", help: "paths are relative to the folder of the notebook")
    }
    guard !isFolder.boolValue else { throw Fault("R013", "`\(path)` is a folder", help: "name a file in it") }
    guard let data = FileManager.default.contents(atPath: url.path) else {
      throw Fault("R013", "`\(path)` cannot be read", help: "check its permissions")
    }
    return Array(data)
  }

  package func contentDigest(_ path: String) -> Digest? {
    let file = resolve(path).path
    guard let store, let stamp = FileStamp(file) else { return (try? readFile(path)).map { Digest(ofFile: $0) } }
    if !isParanoid, let known = store.digest(ofFile: file, stamp) { return known }
    guard let bytes = try? readFile(path) else { return nil }
    let digest = Digest(ofFile: bytes)
    // A file that changed while it was read has no stamp to go by.
    if FileStamp(file) == stamp { store.record(digest, ofFile: file, stamp) }
    return digest
  }

  package func fileExists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: resolve(path).path) }

  package func listDirectory(_ path: String) throws -> [String] {
    do {
      return try FileManager.default.contentsOfDirectory(atPath: resolve(path).path).sorted()
    } catch { throw Fault("R013", "`\(path)` cannot be listed") }
  }

  package func environment(_ name: String) -> String? { ProcessInfo.processInfo.environment[name] }
  package func parameter(_ name: String) -> String? { parameters[name] }
  package func now() -> Double { Date().timeIntervalSince1970 }
}

/// The columns of CSV files for the checker, read through the world.
package struct WorldSchema: SchemaSource {
  let world: any World
  package init(_ world: any World) { self.world = world }
  package func columns(ofCSV path: String) -> [TableType.Column]? {
    guard let bytes = try? world.readFile(path) else { return nil }
    return TableLibrary.columns(ofCSV: bytes)
  }
}
