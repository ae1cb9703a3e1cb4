import Foundation

/// Writes and reads of whole files below the cache's folder, such that a file under its own name is always whole.
struct FileLayer: Sendable {
  let folder: URL
  let atStep: @Sendable (StoreStep) -> Void

  struct Failure: Error, CustomStringConvertible {
    var description: String
  }

  private static func failure(_ what: String) -> Failure {
    Failure(description: "\(what): \(String(cString: strerror(errno)))")
  }

  func url(_ name: String) -> URL { folder.appendingPathComponent(name) }

  /// Bytes under a temporary name of their own, synced, then renamed, then the folder synced.
  func write(_ bytes: UnsafeRawBufferPointer, to name: String, steps: (written: StoreStep, renamed: StoreStep)) throws {
    let target = url(name)
    let parent = target.deletingLastPathComponent()
    try FileManager.default.createDirectory(at: parent, withIntermediateDirectories: true)
    let temporary = parent.appendingPathComponent(
      ".\(target.lastPathComponent).\(getpid())-\(UInt64.random(in: 0 ... .max))")
    let descriptor = open(temporary.path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw FileLayer.failure("cannot create a file") }
    var isKept = false
    defer {
      close(descriptor)
      if !isKept { unlink(temporary.path) }
    }
    var offset = 0
    while offset < bytes.count {
      // In two halves, so that a test can die between them.
      let most = offset == 0 ? max(1, bytes.count / 2) : bytes.count - offset
      let count = Foundation.write(descriptor, bytes.baseAddress?.advanced(by: offset), most)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw FileLayer.failure("cannot write") }
      offset += count
      if steps.written == .chunkWritten { atStep(.chunkHalfWritten) }
    }
    atStep(steps.written)
    guard fsync(descriptor) == 0 else { throw FileLayer.failure("cannot sync") }
    if steps.written == .chunkWritten { atStep(.chunkSynced) }
    guard rename(temporary.path, target.path) == 0 else { throw FileLayer.failure("cannot rename") }
    isKept = true
    atStep(steps.renamed)
    let directory = open(parent.path, O_RDONLY | O_CLOEXEC)
    if directory >= 0 {
      fsync(directory)
      close(directory)
    }
    if steps.written == .chunkWritten { atStep(.folderSynced) }
  }

  /// A file's bytes, mapped where that is safe; nil where there is none.
  func read(_ name: String) -> Data? { try? Data(contentsOf: url(name), options: .mappedIfSafe) }

  func remove(_ name: String) { unlink(url(name).path) }

  /// Puts a damaged file aside.
  func quarantine(_ name: String) {
    let target = url("damaged/\(name.replacingOccurrences(of: "/", with: "-"))")
    try? FileManager.default.createDirectory(at: target.deletingLastPathComponent(), withIntermediateDirectories: true)
    rename(url(name).path, target.path)
  }
}
