import Foundation
import GRDB
import Numerics

/// What a file looked like from outside: if nothing of it changed, neither did the content.
struct FileStamp: Equatable {
  var size: Int64
  /// Nanoseconds since 1970: of the content, and of the file's own record.
  var modified: Int64
  var changed: Int64
  var inode: Int64

  init?(_ path: String) {
    self.init(ofAnything: path, where: { $0 == S_IFREG })
  }

  /// Of a file or folder, whose times tell that entries came or went.
  init?(ofAnything path: String, where isWanted: (mode_t) -> Bool = { _ in true }) {
    var status = stat()
    guard stat(path, &status) == 0, isWanted(status.st_mode & S_IFMT) else { return nil }
    size = Int64(status.st_size)
    modified = Int64(status.st_mtim.tv_sec) &* 1_000_000_000 &+ Int64(status.st_mtim.tv_nsec)
    changed = Int64(status.st_ctim.tv_sec) &* 1_000_000_000 &+ Int64(status.st_ctim.tv_nsec)
    inode = Int64(truncatingIfNeeded: status.st_ino)
  }

  static var now: Int64 { Int64(Date().timeIntervalSince1970 * 1e9) }
}

extension CacheStore {
  /// A file changed within this time of being read may change again without its times telling (git's "racy" window).
  private static let racyWindow: Int64 = 2_000_000_000

  private static func checksum(_ path: String, _ stamp: FileStamp, _ recorded: Int64, _ digest: Digest) -> Digest {
    var builder = DigestBuilder()
    builder.append(tag: "stamp")
    builder.append(path)
    builder.append(integers: [stamp.size, stamp.modified, stamp.changed, stamp.inode, recorded].map { Int($0) })
    builder.append(digest)
    return builder.finish()
  }

  /// The digest that a file with this stamp had, where the stamp can be trusted.
  func digest(ofFile path: String, _ stamp: FileStamp) -> Digest? {
    let found = look { db in try Row.fetchOne(db, sql: "SELECT * FROM stamp WHERE path = ?", arguments: [path]) }
    guard let row = found ?? nil, let recorded: Int64 = row.value("recorded"),
      let digest = CacheStore.digest(row.value("digest")),
      row.value("size") == stamp.size, row.value("modified") == stamp.modified, row.value("changed") == stamp.changed,
      row.value("inode") == stamp.inode,
      CacheStore.digest(row.value("checksum")) == CacheStore.checksum(path, stamp, recorded, digest),
      max(stamp.modified, stamp.changed) < recorded - CacheStore.racyWindow
    else { return nil }
    return digest
  }

  func record(_ digest: Digest, ofFile path: String, _ stamp: FileStamp) {
    let recorded = FileStamp.now
    // Of no use before the window has passed.
    guard max(stamp.modified, stamp.changed) < recorded - CacheStore.racyWindow else { return }
    access("written") { db in
      try db.execute(
        sql: "INSERT OR REPLACE INTO stamp VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        arguments: [
          path, stamp.size, stamp.modified, stamp.changed, stamp.inode, recorded, Data(digest.bytes),
          Data(CacheStore.checksum(path, stamp, recorded, digest).bytes),
        ])
    }
  }
}
