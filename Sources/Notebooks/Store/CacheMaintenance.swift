package import Foundation
import GRDB
import Interpreter
package import Numerics

// Listing, checking and collecting what the store keeps.
extension CacheStore {
  /// What is kept of one notebook.
  package struct Listing: Sendable {
    package var notebook: String
    package var traces: Int
    /// Of the values of its cells and of the records themselves, in bytes; shared values count for each notebook.
    package var size: Int
    package var seconds: Double
  }

  package struct Totals: Sendable {
    package var traces = 0
    package var objects = 0
    package var results = 0
    package var size = 0
  }

  package func totals() -> Totals {
    look { db in
      Totals(
        traces: try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM trace") ?? 0,
        objects: try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM object") ?? 0,
        results: try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM result") ?? 0,
        size: try Int.fetchOne(db, sql: "SELECT COALESCE(SUM(size), 0) FROM object") ?? 0)
    } ?? Totals()
  }

  package func listings() -> [Listing] {
    let rows = look { db in try Row.fetchAll(db, sql: "SELECT * FROM trace ORDER BY notebook, id") } ?? []
    var result: [Listing] = []
    for row in rows {
      let notebook: String = row.value("notebook") ?? ""
      if result.last?.notebook != notebook {
        result.append(Listing(notebook: notebook, traces: 0, size: 0, seconds: 0))
      }
      let manifest: Data = row.value("manifest") ?? Data()
      var decoder = ValueDecoder.record(Array(manifest))
      let values = (try? decoder.manifest())?.exports.map(\.size).reduce(0, +) ?? 0
      let last = result.count - 1
      result[last].traces += 1
      result[last].size += values + manifest.count
      result[last].seconds += row.value("seconds") ?? 0
    }
    return result
  }

  /// How many reads of each kind the kept runs made.
  package func readCounts() -> [Read.Kind: Int] {
    var result: [Read.Kind: Int] = [:]
    for bytes in look({ db in try Data.fetchAll(db, sql: "SELECT reads FROM trace") }) ?? [] {
      var decoder = ValueDecoder.record(Array(bytes))
      for item in (try? decoder.reads()) ?? [] { result[item.read.kind, default: 0] += 1 }
    }
    return result
  }

  // MARK: - Verifying

  package struct Verification: Sendable {
    package var checked = 0
    package var damaged = 0
    /// Chunks that no value needs: harmless.
    package var unused = 0
  }

  /// Reads everything and compares it with its digest; what is damaged is dropped.
  package func verify() -> Verification {
    var result = Verification()
    let traces = look { db in try Int64.fetchAll(db, sql: "SELECT id FROM trace") } ?? []
    for id in traces {
      result.checked += 1
      let row = look { db in try Row.fetchOne(db, sql: "SELECT * FROM trace WHERE id = ?", arguments: [id]) } ?? nil
      if let row, trace(row) == nil { result.damaged += 1 }
    }
    let objects = (look { db in try Data.fetchAll(db, sql: "SELECT digest FROM object") } ?? [])
    for case let digest? in objects.map({ CacheStore.digest($0) }) {
      result.checked += 1
      if object(digest, kinds: ["value", "result"]) == nil { result.damaged += 1 }
    }
    result.unused = unusedChunks(olderThan: 0).count
    return result
  }

  // MARK: - Collecting

  package struct Collection: Sendable {
    package var traces = 0
    package var objects = 0
    package var size = 0
  }

  /// Drops what no root needs, the longest unused first, until the rest fits the budget.
  ///
  /// Roots are the last three runs of each notebook under each seed and parameters. Chunks of the last hour stay: another
  /// process may be about to list them.
  package func collect(budget: Int, isDry: Bool = false) -> Collection {
    // In one transaction, so that nothing is stored between looking and dropping.
    let result = access("collected") { db in try collect(budget: budget, isDry: isDry, db) } ?? Collection()
    if !isDry { for name in unusedChunks(olderThan: 3600) + oldCheckpoints { files.remove(name) } }
    return result
  }

  private func collect(budget: Int, isDry: Bool, _ db: Database) throws -> Collection {
    let rows = try Row.fetchAll(db, sql: "SELECT id, manifest FROM trace ORDER BY used DESC, id DESC")
    let runs = try Row.fetchAll(db, sql: "SELECT traces FROM run")
    let results = try Row.fetchAll(db, sql: "SELECT digest, object FROM result ORDER BY used DESC")
    let sizes = try Row.fetchAll(db, sql: "SELECT digest, size FROM object")
    var roots: Set<Int64> = []
    for row in runs {
      let list: Data = row.value("traces") ?? Data()
      for start in stride(from: 0, to: list.count - 7, by: 8) {
        let word = list[(list.startIndex + start)..<(list.startIndex + start + 8)]
        roots.insert(Int64(bitPattern: word.reversed().reduce(0) { $0 << 8 | UInt64($1) }))
      }
    }
    var sizeOf: [Digest: Int] = [:]
    for row in sizes {
      if let digest = CacheStore.digest(row.value("digest")) { sizeOf[digest] = row.value("size") ?? 0 }
    }
    var kept: Set<Digest> = []
    var total = 0
    func add(_ digests: [Digest]) {
      for digest in digests where kept.insert(digest).inserted { total += sizeOf[digest] ?? 0 }
    }
    func cost(_ digests: [Digest]) -> Int { digests.filter { !kept.contains($0) }.reduce(0) { $0 + (sizeOf[$1] ?? 0) } }
    var dropped: [Int64] = []
    let entries = rows.map { row -> (id: Int64, digests: [Digest]) in
      var decoder = ValueDecoder.record(Array(row.value("manifest") as Data? ?? Data()))
      return (row.value("id") ?? 0, (try? decoder.manifest())?.exports.map(\.digest) ?? [])
    }
    for entry in entries where roots.contains(entry.id) { add(entry.digests) }
    for entry in entries where !roots.contains(entry.id) {
      if total + cost(entry.digests) <= budget { add(entry.digests) } else { dropped.append(entry.id) }
    }
    // Results save a sampler's work when a cell must run again; they go first when space is short.
    var droppedResults: [Data] = []
    for row in results {
      guard let object = CacheStore.digest(row.value("object")) else { continue }
      if total + cost([object]) <= budget {
        add([object])
      } else {
        droppedResults.append(row.value("digest") ?? Data())
      }
    }
    let gone = sizeOf.keys.filter { !kept.contains($0) }.sorted()
    if !isDry {
      for id in dropped { try db.execute(sql: "DELETE FROM trace WHERE id = ?", arguments: [id]) }
      for digest in droppedResults { try db.execute(sql: "DELETE FROM result WHERE digest = ?", arguments: [digest]) }
      for digest in gone { try db.execute(sql: "DELETE FROM object WHERE digest = ?", arguments: [Data(digest.bytes)]) }
    }
    return Collection(
      traces: dropped.count, objects: gone.count, size: gone.reduce(0) { $0 + (sizeOf[$1] ?? 0) })
  }

  /// Checkpoints that nobody went on from for a week.
  private var oldCheckpoints: [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: files.url("checkpoints").path)) ?? []
    return names.sorted().map { "checkpoints/\($0)" }.filter { name in
      let changed =
        (try? FileManager.default.attributesOfItem(atPath: files.url(name).path))?[.modificationDate] as? Date
      return changed.map { Date().timeIntervalSince($0) > 7 * 86_400 } ?? false
    }
  }

  /// Files of chunks and unfinished writes that no listed value needs.
  private func unusedChunks(olderThan age: Double) -> [String] {
    guard let lists = look({ db in try Data.fetchAll(db, sql: "SELECT chunks FROM object WHERE chunks IS NOT NULL") })
    else {
      return []
    }
    let needed = Set(lists.flatMap { CacheStore.digests($0).map(\.description) })
    var result: [String] = []
    let objects = folder.appendingPathComponent("objects")
    for part in ((try? FileManager.default.contentsOfDirectory(atPath: objects.path)) ?? []).sorted() {
      let inside = objects.appendingPathComponent(part)
      for name in ((try? FileManager.default.contentsOfDirectory(atPath: inside.path)) ?? []).sorted()
      where !needed.contains(part + name) {
        let changed =
          (try? FileManager.default.attributesOfItem(atPath: inside.appendingPathComponent(name).path))?[
            .modificationDate]
          as? Date
        // A time in the future tells of a clock that jumped: better kept.
        if let changed, Date().timeIntervalSince(changed) >= age { result.append("objects/\(part)/\(name)") }
      }
    }
    return result
  }

  /// Forgets all runs of a notebook.
  ///
  /// - Returns: How many; values that nothing else needs go at the next collection.
  package func remove(notebook: String) -> Int {
    access("changed") { db in
      try db.execute(sql: "DELETE FROM run WHERE notebook = ?", arguments: [notebook])
      try db.execute(sql: "DELETE FROM history WHERE notebook = ?", arguments: [notebook])
      try db.execute(sql: "DELETE FROM trace WHERE notebook = ?", arguments: [notebook])
      return db.changesCount
    } ?? 0
  }
}
