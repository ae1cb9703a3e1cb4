import Foundation
import GRDB
package import Interpreter
package import Numerics
import Synchronization

// Results of the engine, who computes them, and how far they are.
extension CacheStore: ResultStore {
  /// The process as others see it: a number alone may be given again after a restart.
  struct Owner: Equatable {
    var pid: Int64
    /// Clock ticks since boot at which it started (`proc_pid_stat(5)`, field 22); 0 where unknown.
    var started: Int64
    var boot: String

    static func started(_ pid: Int64) -> Int64? {
      guard let text = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),
        let name = text.lastIndex(of: ")")
      else { return nil }
      // The fields after the name begin with the third.
      let fields = text[text.index(after: name)...].split(separator: " ")
      return fields.count > 19 ? Int64(fields[19]) : nil
    }

    static let own = Owner(
      pid: Int64(getpid()), started: started(Int64(getpid())) ?? 0,
      boot: (try? String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8)) ?? "")

    /// Whether the process is surely gone.
    var isGone: Bool { boot != Owner.own.boot || Owner.started(pid) != started }
  }

  /// How long a foreign claim may show no sign of life, by this process's own clock, before it is taken over.
  private static let patience = Duration.seconds(60)

  package func claim(_ digest: Digest, isCancelled: () -> Bool) -> ResultClaim {
    var lastBeat: Int64?
    var lastChange = ContinuousClock.now
    while true {
      if let bytes = result(digest) { return .finished(bytes) }
      let taken = access("written") { db -> Int64? in
        let row = try Row.fetchOne(
          db, sql: "SELECT * FROM lease WHERE digest = ?", arguments: [Data(digest.bytes)])
        if let row, let pid: Int64 = row.value("pid"), let started: Int64 = row.value("started"),
          let boot: String = row.value("boot"),
          let beat: Int64 = row.value("beat")
        {
          let owner = Owner(pid: pid, started: started, boot: boot)
          let isStuck = beat == lastBeat && lastChange.duration(to: .now) > CacheStore.patience
          if owner != Owner.own, !owner.isGone, !isStuck { return beat }
        }
        let own = Owner.own
        try db.execute(
          sql: "INSERT OR REPLACE INTO lease(digest, pid, started, boot, beat) VALUES (?, ?, ?, ?, 0)",
          arguments: [Data(digest.bytes), own.pid, own.started, own.boot])
        return nil
      }
      guard let taken, let beat = taken else {
        // Ours now; or the index cannot be written, and then everybody computes for himself.
        begin(digest)
        return .compute
      }
      if beat != lastBeat {
        lastBeat = beat
        lastChange = .now
      }
      notice("another process computes the same fit: its result is waited for")
      if isCancelled() { return .cancelled }
      Thread.sleep(forTimeInterval: 0.1)
    }
  }

  /// A stored result, verified.
  private func result(_ digest: Digest) -> [UInt8]? {
    let found = look { db in
      try Data.fetchOne(db, sql: "SELECT object FROM result WHERE digest = ?", arguments: [Data(digest.bytes)])
    }
    guard let own = CacheStore.digest(found ?? nil), let bytes = object(own, kinds: ["result"]) else { return nil }
    noteUse(ofResult: digest)
    return bytes
  }

  package func byproduct(_ digest: Digest) -> [UInt8]? { result(digest) }

  package func keep(byproduct bytes: [UInt8], _ digest: Digest) { write(bytes, digest) }

  package func finish(_ digest: Digest, with bytes: [UInt8]) {
    write(bytes, digest)
    let parts = end(digest)
    for part in parts { files.remove(checkpointName(digest, part)) }
  }

  /// Stores a result and ends the claim that there may be.
  private func write(_ bytes: [UInt8], _ digest: Digest) {
    let chunks = bytes.withUnsafeBytes { ContentDigest.chunks(of: $0) }
    let object = NewObject(
      digest: ContentDigest.whole("result", size: bytes.count, chunks: chunks), chunks: chunks, bytes: bytes)
    do {
      if bytes.count > CacheStore.inlineLimit { try writeChunks(object) }
      access("written") { db in
        try insert(object, db)
        try db.execute(
          sql: "INSERT OR REPLACE INTO result(digest, object, used) VALUES (?, ?, ?)",
          arguments: [Data(digest.bytes), Data(object.digest.bytes), runNumber])
        try db.execute(sql: "DELETE FROM lease WHERE digest = ?", arguments: [Data(digest.bytes)])
      }
      files.atStep(.resultCommitted)
    } catch {
      notice("the cache could not be written: \(CacheStore.words(error))")
      release(digest)
    }
  }

  package func abandon(_ digest: Digest) {
    release(digest)
    _ = end(digest)
  }

  package func discard(_ digest: Digest) {
    access("mended") { try $0.execute(sql: "DELETE FROM result WHERE digest = ?", arguments: [Data(digest.bytes)]) }
  }

  func release(_ digest: Digest) {
    let own = Owner.own
    access("written") { db in
      try db.execute(
        sql: "DELETE FROM lease WHERE digest = ? AND pid = ? AND started = ?",
        arguments: [Data(digest.bytes), own.pid, own.started])
    }
  }

  /// Shows other processes that the claims of this one are alive.
  func beat() {
    let digests = claims.withLock { Array($0.parts.keys) }
    guard !digests.isEmpty else { return }
    let own = Owner.own
    access("written") { db in
      for digest in digests {
        try db.execute(
          sql: "UPDATE lease SET beat = beat + 1 WHERE digest = ? AND pid = ? AND started = ?",
          arguments: [Data(digest.bytes), own.pid, own.started])
      }
    }
  }

  // MARK: - Checkpoints

  private func checkpointName(_ digest: Digest, _ part: Int) -> String { "checkpoints/\(digest)-\(part)" }

  package func checkpoint(_ digest: Digest, part: Int) -> [UInt8]? {
    claims.withLock { _ = $0.parts[digest]?.insert(part) }
    guard let data = files.read(checkpointName(digest, part)) else { return nil }
    let bytes = Array(data)
    guard bytes.count >= 32, let wanted = Digest(bytes: bytes[..<32]),
      Digest.of("checkpoint", bytes: Array(bytes[32...])) == wanted
    else {
      notice("a damaged checkpoint was put aside; its chain starts again")
      files.quarantine(checkpointName(digest, part))
      return nil
    }
    return Array(bytes[32...])
  }

  package func isCheckpointDue(_ digest: Digest, part: Int) -> Bool {
    let now = DispatchTime.now().uptimeNanoseconds
    let interval = checkpointInterval
    return claims.withLock { state in
      let key = ClaimState.Part(digest: digest, part: part)
      guard let last = state.written[key] else {
        state.written[key] = now
        return interval <= 0
      }
      // A checkpoint holds all draws so far: writing one takes at most a twentieth of the time.
      let pause = max(interval, 20 * (state.cost[key] ?? 0))
      return Double(now &- last) >= (interval <= 0 ? 0 : pause) * 1e9
    }
  }

  package func writeCheckpoint(_ digest: Digest, part: Int, bytes: [UInt8]) {
    let start = DispatchTime.now().uptimeNanoseconds
    defer {
      let end = DispatchTime.now().uptimeNanoseconds
      claims.withLock { state in
        let key = ClaimState.Part(digest: digest, part: part)
        state.written[key] = end
        state.cost[key] = Double(end &- start) * 1e-9
        _ = state.parts[digest]?.insert(part)
      }
    }
    let content = Digest.of("checkpoint", bytes: bytes).bytes + bytes
    do {
      try content.withUnsafeBytes {
        try files.write($0, to: checkpointName(digest, part), steps: (.checkpointWritten, .checkpointRenamed))
      }
    } catch {
      notice("a checkpoint could not be written: \(CacheStore.words(error))")
    }
  }

  // MARK: - Claims of this process

  private func begin(_ digest: Digest) {
    let isFirst = claims.withLock { state -> Bool in
      state.parts[digest] = []
      defer { state.hasHeart = true }
      return !state.hasHeart
    }
    guard isFirst else { return }
    let thread = Thread { [weak self] in
      while true {
        Thread.sleep(forTimeInterval: 2)
        guard let store = self, store.isOpen else { return }
        store.beat()
      }
    }
    thread.start()
  }

  /// Ends a claim of this process; gives the parts that may have left a checkpoint.
  private func end(_ digest: Digest) -> Set<Int> {
    claims.withLock { state in
      state.written = state.written.filter { $0.key.digest != digest }
      state.cost = state.cost.filter { $0.key.digest != digest }
      return state.parts.removeValue(forKey: digest) ?? []
    }
  }
}

/// The store's results for one build of the program: while it is under development every build has its own.
final class KeptResults: ResultStore {
  private let store: CacheStore
  private let build: String?

  init(store: CacheStore, engine: EngineIdentity) {
    self.store = store
    build = engine.build
  }

  private func name(_ digest: Digest) -> Digest {
    guard let build else { return digest }
    var builder = DigestBuilder()
    builder.append(tag: "build")
    builder.append(build)
    builder.append(digest)
    return builder.finish()
  }

  func claim(_ digest: Digest, isCancelled: () -> Bool) -> ResultClaim {
    store.claim(name(digest), isCancelled: isCancelled)
  }
  func finish(_ digest: Digest, with bytes: [UInt8]) { store.finish(name(digest), with: bytes) }
  func abandon(_ digest: Digest) { store.abandon(name(digest)) }
  func discard(_ digest: Digest) { store.discard(name(digest)) }
  func byproduct(_ digest: Digest) -> [UInt8]? { store.byproduct(name(digest)) }
  func keep(byproduct bytes: [UInt8], _ digest: Digest) { store.keep(byproduct: bytes, name(digest)) }
  func checkpoint(_ digest: Digest, part: Int) -> [UInt8]? { store.checkpoint(name(digest), part: part) }
  func isCheckpointDue(_ digest: Digest, part: Int) -> Bool { store.isCheckpointDue(name(digest), part: part) }
  func writeCheckpoint(_ digest: Digest, part: Int, bytes: [UInt8]) {
    store.writeCheckpoint(name(digest), part: part, bytes: bytes)
  }
}

/// What this process computes, and when it last left a checkpoint of it.
struct ClaimState {
  struct Part: Hashable {
    var digest: Digest
    var part: Int
  }
  var parts: [Digest: Set<Int>] = [:]
  /// By the clock that never jumps, in nanoseconds.
  var written: [Part: UInt64] = [:]
  /// How many seconds the last checkpoint took to write.
  var cost: [Part: Double] = [:]
  var hasHeart = false
}
