package import Foundation
import GRDB
package import Numerics
import Synchronization

/// What is kept between runs: read traces with what they gave, values by digest, results of the engine.
///
/// An SQLite index in WAL mode beside files of chunks. Every record carries a digest that is verified when it is read;
/// what fails is put aside and counts as absent. Whatever goes wrong costs time and a notice, never a result.
package final class CacheStore: @unchecked Sendable {
  /// Raised whenever the tables change their meaning. A cache of an older schema is moved aside and not read, one of a newer
  /// schema is left as it is.
  package static let schemaVersion = 1
  /// Values up to this size lie in the index itself.
  package static let inlineLimit = 64 << 10
  /// How many traces are kept for one key.
  package static let tracesPerKey = 8

  package let folder: URL
  let files: FileLayer
  private let lock = NSRecursiveLock()
  private var database: DatabaseQueue?
  private var notices: [String] = []
  private var usedTraces: Set<Int64> = []
  private var usedResults: Set<Digest> = []
  /// What this process computes for the store.
  let claims = Mutex(ClaimState())
  /// Seconds between checkpoints of a long computation.
  package let checkpointInterval: Double
  /// Counts runs: what was used last is told by it, not by a clock that may jump.
  private(set) var runNumber: Int64 = 0

  /// - Parameters:
  ///   - checkpointInterval: Seconds between checkpoints of a long computation.
  ///   - atStep: Called at each moment of writing; a test may end the process there.
  package init(
    folder: URL, checkpointInterval: Double = 10, atStep: @escaping @Sendable (StoreStep) -> Void = { _ in }
  ) {
    self.folder = folder
    self.checkpointInterval = checkpointInterval
    files = FileLayer(folder: folder, atStep: atStep)
    open(isRetry: false)
  }

  /// Whether there is a usable store.
  package var isOpen: Bool { lock.withLock { database != nil } }

  /// Notices since the last call: one line each, for people.
  package func takeNotices() -> [String] {
    lock.withLock {
      defer { notices = [] }
      return notices
    }
  }

  func notice(_ text: String) { lock.withLock { if !notices.contains(text) { notices.append(text) } } }

  // MARK: - Opening

  private var indexFile: URL { folder.appendingPathComponent("index.sqlite") }

  private func open(isRetry: Bool) {
    do {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      let ignore = folder.appendingPathComponent(".gitignore")
      if !FileManager.default.fileExists(atPath: ignore.path) { try Data("*\n".utf8).write(to: ignore) }
      var configuration = GRDB.Configuration()
      configuration.busyMode = .timeout(10)
      configuration.label = "cairn cache"
      let isRemote = CacheStore.isRemote(folder)
      if isRemote {
        notice("the cache lies on a network file system: it is kept with a rollback journal, for one process at a time")
      } else {
        configuration.journalMode = .wal
      }
      configuration.prepareDatabase { db in try db.execute(sql: "PRAGMA synchronous = NORMAL") }
      let queue = try DatabaseQueue(path: indexFile.path, configuration: configuration)
      try queue.write { db in
        let found = try CacheStore.version(db)
        if found == 0 { try CacheStore.create(db) }
        if found > CacheStore.schemaVersion {
          throw Newer(version: found)
        }
        if found > 0, found < CacheStore.schemaVersion { throw Older(version: found) }
        try db.execute(sql: "UPDATE meta SET value = value + 1 WHERE name = 'runs'")
        runNumber = try Int64.fetchOne(db, sql: "SELECT value FROM meta WHERE name = 'runs'") ?? 0
      }
      database = queue
    } catch let newer as Newer {
      notice("the cache is of a newer version of the program (schema \(newer.version)): it is neither used nor changed")
    } catch is Foreign where !isRetry {
      setAside("of another program")
      open(isRetry: true)
    } catch is Older where !isRetry {
      setAside("of an older version of the program")
      open(isRetry: true)
    } catch let error as DatabaseError where CacheStore.isDamage(error) && !isRetry {
      setAside("damaged")
      open(isRetry: true)
    } catch {
      notice("the cache cannot be used: \(CacheStore.words(error)); everything runs")
    }
  }

  private struct Newer: Error { var version: Int }
  private struct Older: Error { var version: Int }
  private struct Foreign: Error {}

  private static func version(_ db: Database) throws -> Int {
    guard try db.tableExists("meta") else {
      // A file with tables of another program is no cache of ours.
      let count = try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM sqlite_master") ?? 0
      if count > 0 { throw Foreign() }
      return 0
    }
    return try Int.fetchOne(db, sql: "SELECT value FROM meta WHERE name = 'schema'") ?? Int.max
  }

  private static func create(_ db: Database) throws {
    try db.execute(
      sql: """
        CREATE TABLE meta(name TEXT PRIMARY KEY, value INTEGER NOT NULL);
        INSERT INTO meta VALUES ('schema', \(schemaVersion)), ('runs', 0);
        CREATE TABLE trace(
          id INTEGER PRIMARY KEY, key BLOB NOT NULL, reads BLOB NOT NULL, manifest BLOB NOT NULL, checksum BLOB NOT NULL,
          notebook TEXT NOT NULL, cell TEXT NOT NULL, seconds REAL NOT NULL, used INTEGER NOT NULL);
        CREATE INDEX trace_key ON trace(key);
        CREATE INDEX trace_cell ON trace(notebook, cell);
        CREATE TABLE object(
          digest BLOB PRIMARY KEY, size INTEGER NOT NULL, bytes BLOB, chunks BLOB, used INTEGER NOT NULL);
        CREATE TABLE result(digest BLOB PRIMARY KEY, object BLOB NOT NULL, used INTEGER NOT NULL);
        CREATE TABLE stamp(
          path TEXT PRIMARY KEY, size INTEGER NOT NULL, modified INTEGER NOT NULL, changed INTEGER NOT NULL,
          inode INTEGER NOT NULL, recorded INTEGER NOT NULL, digest BLOB NOT NULL, checksum BLOB NOT NULL);
        CREATE TABLE run(
          id INTEGER PRIMARY KEY, notebook TEXT NOT NULL, parameters BLOB NOT NULL, number INTEGER NOT NULL,
          traces BLOB NOT NULL);
        CREATE TABLE history(
          notebook TEXT NOT NULL, cell TEXT NOT NULL, words TEXT NOT NULL, PRIMARY KEY (notebook, cell));
        CREATE TABLE lease(
          digest BLOB PRIMARY KEY, pid INTEGER NOT NULL, started INTEGER NOT NULL, boot TEXT NOT NULL,
          beat INTEGER NOT NULL);
        """)
  }

  /// Whether a folder lies on a network file system, where WAL's shared memory does not work.
  ///
  /// By the longest mount point that holds it (`proc_pid_mountinfo(5)`: the mount point is the fifth field, the type
  /// follows the lone dash).
  private static func isRemote(_ folder: URL) -> Bool {
    guard let mounts = try? String(contentsOfFile: "/proc/self/mountinfo", encoding: .utf8) else { return false }
    let path = folder.resolvingSymlinksInPath().path
    var longest = -1
    var kind = ""
    for line in mounts.split(separator: "\n") {
      let fields = line.split(separator: " ")
      guard fields.count > 5, let dash = fields.firstIndex(of: "-"), dash + 1 < fields.count else { continue }
      let point = fields[4].replacingOccurrences(of: "\\040", with: " ")
      let isAbove = point == "/" || path == point || path.hasPrefix(point + "/")
      if isAbove, point.utf8.count >= longest {
        longest = point.utf8.count
        kind = String(fields[dash + 1])
      }
    }
    let remote: Set<String> = [
      "nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "ceph", "fuse.sshfs", "fuse.glusterfs", "afs",
    ]
    return remote.contains(kind)
  }

  static func isDamage(_ error: DatabaseError) -> Bool {
    [.SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_MISMATCH].contains(error.resultCode)
      || (error.resultCode == .SQLITE_ERROR && (error.message ?? "").hasPrefix("no such"))
  }

  /// Moves the index aside, so that nothing in it is lost or trusted.
  private func setAside(_ why: String) {
    let aside = folder.appendingPathComponent("damaged")
    try? FileManager.default.createDirectory(at: aside, withIntermediateDirectories: true)
    var number = 1
    while FileManager.default.fileExists(atPath: aside.appendingPathComponent("index-\(number).sqlite").path) {
      number += 1
    }
    for suffix in ["", "-wal", "-shm"] {
      let from = folder.appendingPathComponent("index.sqlite\(suffix)")
      try? FileManager.default.moveItem(at: from, to: aside.appendingPathComponent("index-\(number).sqlite\(suffix)"))
    }
    notice("the cache was \(why): it was moved to \(folder.lastPathComponent)/damaged, and a new one is begun")
  }

  static func words(_ error: any Error) -> String {
    if let error = error as? DatabaseError {
      switch error.resultCode {
      case .SQLITE_BUSY, .SQLITE_LOCKED: return "another process holds it locked"
      case .SQLITE_FULL: return "the disk is full"
      case .SQLITE_READONLY, .SQLITE_PERM, .SQLITE_CANTOPEN: return "it cannot be written"
      case .SQLITE_IOERR: return "the disk reports an error"
      default: return error.message ?? "SQLite error \(error.resultCode.rawValue)"
      }
    }
    if let error = error as? FileLayer.Failure { return error.description }
    let words = (error as NSError).localizedDescription
    return words.hasSuffix(".") ? String(words.dropLast()) : words
  }

  // MARK: - Access

  /// Runs a piece of work on the index; nil, and a notice, where it fails.
  @discardableResult
  func access<T>(_ purpose: String, _ work: (Database) throws -> T) -> T? {
    attempt(purpose) { try $0.write(work) }
  }

  /// As ``access(_:_:)`` for reading alone, which never waits for a writer.
  func look<T>(_ work: (Database) throws -> T) -> T? { attempt("read") { try $0.read(work) } }

  private func attempt<T>(_ purpose: String, _ work: (DatabaseQueue) throws -> T) -> T? {
    lock.withLock {
      guard let database else { return nil }
      do {
        return try work(database)
      } catch let error as DatabaseError where CacheStore.isDamage(error) {
        self.database = nil
        setAside("damaged")
        open(isRetry: true)
        return nil
      } catch {
        // A full disk or a lock may pass; this piece is simply not kept.
        notice("the cache could not be \(purpose): \(CacheStore.words(error))")
        return nil
      }
    }
  }

  // MARK: - Traces

  package struct Trace: Sendable {
    package var id: Int64
    package var reads: [UInt8]
    package var manifest: [UInt8]
    /// How long the cell took when it ran.
    package var seconds: Double
  }

  private static func checksum(_ key: Digest, _ reads: [UInt8], _ manifest: [UInt8]) -> Digest {
    var builder = DigestBuilder()
    builder.append(tag: "trace")
    builder.append(key)
    builder.append(bytes: reads)
    builder.append(bytes: manifest)
    return builder.finish()
  }

  func trace(_ row: Row) -> Trace? {
    guard let id: Int64 = row.value("id"), let key = CacheStore.digest(row.value("key")),
      let reads: Data = row.value("reads"), let manifest: Data = row.value("manifest"),
      let checksum = CacheStore.digest(row.value("checksum"))
    else { return nil }
    let found = Trace(id: id, reads: Array(reads), manifest: Array(manifest), seconds: row.value("seconds") ?? 0)
    guard CacheStore.checksum(key, found.reads, found.manifest) == checksum else {
      notice("a damaged entry of the cache was dropped")
      access("mended") { try $0.execute(sql: "DELETE FROM trace WHERE id = ?", arguments: [id]) }
      return nil
    }
    return found
  }

  static func digest(_ data: Data?) -> Digest? { data.flatMap { Digest(bytes: $0) } }

  /// Traces of a key, the last used first.
  package func traces(for key: Digest) -> [Trace] {
    let rows = look { db in
      try Row.fetchAll(
        db, sql: "SELECT * FROM trace WHERE key = ? ORDER BY used DESC, id DESC", arguments: [Data(key.bytes)])
    }
    return (rows ?? []).compactMap { trace($0) }
  }

  /// The last trace of a cell of a notebook, whatever its key.
  package func lastTrace(notebook: String, cell: String) -> Trace? {
    let row = look { db in
      try Row.fetchOne(
        db, sql: "SELECT * FROM trace WHERE notebook = ? AND cell = ? ORDER BY used DESC, id DESC LIMIT 1",
        arguments: [notebook, cell])
    }
    return (row ?? nil).flatMap { trace($0) }
  }

  package func noteUse(of trace: Int64) { lock.withLock { _ = usedTraces.insert(trace) } }
  func noteUse(ofResult digest: Digest) { lock.withLock { _ = usedResults.insert(digest) } }

  package struct NewTrace {
    package var key: Digest
    package var reads: [UInt8]
    package var manifest: [UInt8]
    package var notebook: String
    package var cell: String
    package var seconds: Double
    package var objects: [NewObject]

    package init(
      key: Digest, reads: [UInt8], manifest: [UInt8], notebook: String, cell: String, seconds: Double,
      objects: [NewObject]
    ) {
      self.key = key
      self.reads = reads
      self.manifest = manifest
      self.notebook = notebook
      self.cell = cell
      self.seconds = seconds
      self.objects = objects
    }
  }

  package struct NewObject {
    package var digest: Digest
    package var chunks: [Digest]
    package var bytes: [UInt8]
  }

  /// Keeps what a cell gave: chunks first, then all rows in one transaction, so that a row never points to nothing.
  ///
  /// - Returns: The number of the trace; nil where nothing was kept.
  @discardableResult
  package func store(_ new: NewTrace) -> Int64? {
    do {
      for object in new.objects where object.bytes.count > CacheStore.inlineLimit { try writeChunks(object) }
    } catch {
      notice("the cache could not be written: \(CacheStore.words(error))")
      return nil
    }
    let checksum = CacheStore.checksum(new.key, new.reads, new.manifest)
    let id = access("written") { db -> Int64 in
      for object in new.objects { try insert(object, db) }
      files.atStep(.objectInserted)
      try db.execute(
        sql: "DELETE FROM trace WHERE key = ? AND reads = ?", arguments: [Data(new.key.bytes), Data(new.reads)])
      try db.execute(
        sql: """
          INSERT INTO trace(key, reads, manifest, checksum, notebook, cell, seconds, used) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
          """,
        arguments: [
          Data(new.key.bytes), Data(new.reads), Data(new.manifest), Data(checksum.bytes), new.notebook, new.cell,
          new.seconds, runNumber,
        ])
      let id = db.lastInsertedRowID
      try db.execute(
        sql: """
          DELETE FROM trace WHERE key = ? AND id NOT IN
            (SELECT id FROM trace WHERE key = ? ORDER BY used DESC, id DESC LIMIT ?)
          """,
        arguments: [Data(new.key.bytes), Data(new.key.bytes), CacheStore.tracesPerKey])
      files.atStep(.traceInserted)
      return id
    }
    if let id {
      files.atStep(.cellCommitted)
      noteUse(of: id)
    }
    return id
  }

  func insert(_ object: NewObject, _ db: Database) throws {
    let isInline = object.bytes.count <= CacheStore.inlineLimit
    try db.execute(
      sql: "INSERT OR REPLACE INTO object(digest, size, bytes, chunks, used) VALUES (?, ?, ?, ?, ?)",
      arguments: [
        Data(object.digest.bytes), object.bytes.count, isInline ? Data(object.bytes) : nil,
        isInline ? nil : Data(object.chunks.flatMap(\.bytes)), runNumber,
      ])
  }

  /// Keeps what became of the cells of a run, and of a whole successful one which traces it used: the last three of a
  /// notebook under each seed and parameters are not collected.
  ///
  /// - Parameter words: For each cell what became of it and why, as `why` says later.
  package func recordRun(notebook: String, parameters: [UInt8], isWhole: Bool, words: [(cell: String, words: String)]) {
    let (used, results) = lock.withLock { (usedTraces, usedResults) }
    access("written") { db in
      for digest in results {
        try db.execute(
          sql: "UPDATE result SET used = ? WHERE digest = ?", arguments: [runNumber, Data(digest.bytes)])
      }
      for item in words {
        try db.execute(
          sql: """
            INSERT INTO history(notebook, cell, words) VALUES (?, ?, ?)
              ON CONFLICT DO UPDATE SET words = excluded.words WHERE words <> excluded.words
            """, arguments: [notebook, item.cell, item.words])
      }
      for id in used.sorted() {
        try db.execute(
          sql: "UPDATE trace SET used = ? WHERE id = ? AND used < ?", arguments: [runNumber, id, runNumber])
      }
      guard isWhole else { return }
      let ids = used.sorted().flatMap { withUnsafeBytes(of: $0.littleEndian) { Array($0) } }
      try db.execute(
        sql: "INSERT INTO run(notebook, parameters, number, traces) VALUES (?, ?, ?, ?)",
        arguments: [notebook, Data(parameters), runNumber, Data(ids)])
      try db.execute(
        sql: """
          DELETE FROM run WHERE notebook = ? AND parameters = ? AND id NOT IN
            (SELECT id FROM run WHERE notebook = ? AND parameters = ? ORDER BY id DESC LIMIT 3)
          """,
        arguments: [notebook, Data(parameters), notebook, Data(parameters)])
    }
    files.atStep(.runRecorded)
  }

  /// What became of each cell in the last run of its notebook, and why, by identity of the cell.
  package func history(notebook: String) -> [String: String] {
    let rows = look { db in
      try Row.fetchAll(db, sql: "SELECT cell, words FROM history WHERE notebook = ?", arguments: [notebook])
    }
    return (rows ?? []).reduce(into: [:]) { if let cell: String = $1.value("cell") { $0[cell] = $1.value("words") } }
  }

  /// Ends the use of the store.
  package func close() {
    for digest in claims.withLock({ Array($0.parts.keys) }) { abandon(digest) }
    lock.withLock {
      try? database?.close()
      database = nil
    }
  }
}

extension Row {
  /// A column as a type, or nil where it holds another one: the subscript would end the process on an index that somebody
  /// else has written.
  func value<Value: DatabaseValueConvertible>(_ column: String) -> Value? {
    (self[column] as DatabaseValue?).flatMap { Value.fromDatabaseValue($0) }
  }
}
