import Foundation
import GRDB
import Interpreter
import Notebooks
import Numerics
import TestSupport
import Testing

/// The store on its own: what it gives back, and what it does with a bad one.
@Suite(.serialized) struct CacheStoreTests {
  private static func folder() -> URL { Scratch.newPlace() }

  private static func change(_ folder: URL, _ sql: String) throws {
    let queue = try DatabaseQueue(path: folder.appendingPathComponent("index.sqlite").path)
    try queue.write { try $0.execute(sql: sql) }
    try queue.close()
  }

  private static let state = RunState(
    cells: ["let a = 1", "print(a + 1)", "print(readCSV(\"t.csv\").x)"], files: ["t.csv": "x\n4\n"])

  @discardableResult
  private static func run(_ folder: URL, _ state: RunState = state) throws -> (
    texts: [[String]], entries: Int, notices: [String]
  ) {
    let store = CacheStore(folder: folder)
    defer { store.close() }
    let running = try CacheCase.run(state, store, [])
    return (running.texts, running.entries, store.takeNotices())
  }

  private static let texts = [[], ["2"], ["[4]"]]

  @Test("A cache of a newer schema is neither used nor changed")
  func newer() throws {
    let folder = CacheStoreTests.folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    try CacheStoreTests.run(folder)
    try CacheStoreTests.change(folder, "UPDATE meta SET value = 99 WHERE name = 'schema'")
    let found = try CacheStoreTests.run(folder)
    #expect(found.texts == CacheStoreTests.texts && found.entries == 3)
    #expect(found.notices.count == 1 && found.notices[0].contains("newer version"))
    try CacheStoreTests.change(folder, "UPDATE meta SET value = 1 WHERE name = 'schema'")
    #expect(try CacheStoreTests.run(folder).entries == 0)
  }

  @Test("A cache of another program, or of an older schema, is put aside whole")
  func foreign() throws {
    for sql in [
      "CREATE TABLE theirs(x)", "CREATE TABLE meta(name TEXT, value INTEGER); INSERT INTO meta VALUES ('schema', -1)",
    ] {
      let folder = CacheStoreTests.folder()
      defer { try? FileManager.default.removeItem(at: folder) }
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      try CacheStoreTests.change(folder, sql)
      let first = try CacheStoreTests.run(folder)
      #expect(first.texts == CacheStoreTests.texts)
      let kept = try FileManager.default.contentsOfDirectory(atPath: folder.appendingPathComponent("damaged").path)
      #expect(kept.contains("index-1.sqlite"))
      #expect(try CacheStoreTests.run(folder).entries == 0)
    }
  }

  /// `make golden` keeps a cache of a new schema; it never changes one that is there.
  private static func keep(_ place: URL) throws {
    guard ProcessInfo.processInfo.environment["CAIRN_UPDATE_GOLDEN"] == "1",
      !FileManager.default.fileExists(atPath: place.path)
    else { return }
    let folder = CacheStoreTests.folder()
    try CacheStoreTests.run(folder)
    try FileManager.default.removeItem(at: folder.appendingPathComponent(".gitignore"))
    try FileManager.default.createDirectory(at: place.deletingLastPathComponent(), withIntermediateDirectories: true)
    try FileManager.default.moveItem(at: folder, to: place)
  }

  @Test("A kept cache of every schema and format so far is read")
  func fixtures() throws {
    let caches = Checkout.data.appendingPathComponent("caches")
    let current = "schema-\(CacheStore.schemaVersion)-format-\(CellManifest.formatVersion)"
    try CacheStoreTests.keep(caches.appendingPathComponent(current))
    let names = try FileManager.default.contentsOfDirectory(atPath: caches.path).sorted()
    #expect(names == (1...CellManifest.formatVersion).map { "schema-1-format-\($0)" })
    for name in names {
      let folder = CacheStoreTests.folder()
      defer { try? FileManager.default.removeItem(at: folder) }
      try FileManager.default.copyItem(at: caches.appendingPathComponent(name), to: folder)
      let found = try CacheStoreTests.run(folder)
      #expect(found.texts == CacheStoreTests.texts)
      #expect(found.notices == [])
      // Cells of another format run again. Of this one, what one cell read of the library's code may have changed since;
      // the others are found.
      #expect(found.entries <= (name == current ? 1 : 3))
    }
  }

  @Test("An index that another process holds locked costs a notice")
  func locked() throws {
    let folder = CacheStoreTests.folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    try CacheStoreTests.run(folder)
    let queue = try DatabaseQueue(path: folder.appendingPathComponent("index.sqlite").path)
    try queue.inDatabase { db in
      try db.execute(sql: "BEGIN IMMEDIATE")
      defer { try? db.execute(sql: "ROLLBACK") }
      let start = ContinuousClock.now
      let found = try CacheStoreTests.run(folder)
      #expect(found.texts == CacheStoreTests.texts)
      #expect(found.notices.first?.contains("locked") == true)
      #expect(start.duration(to: .now) < .seconds(60))
    }
  }

  @Test("Stamps with times of a clock that jumped are not trusted")
  func clockJumps() throws {
    let folder = CacheStoreTests.folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appendingPathComponent("t.csv")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let store = CacheStore(folder: folder.appendingPathComponent(".cairn"))
    defer { store.close() }
    let world = ProjectWorld(folder: folder, store: store)
    let old = Date(timeIntervalSinceNow: -3600)
    func write(_ text: String, at time: Date) throws {
      try Data(text.utf8).write(to: file)
      try FileManager.default.setAttributes([.modificationDate: time], ofItemAtPath: file.path)
    }
    try write("x\n1\n", at: old)
    let first = world.contentDigest("t.csv")
    // Times in the future, far back, and the same size: the content decides.
    for (text, time) in [
      ("x\n2\n", Date(timeIntervalSinceNow: 86_400)), ("x\n3\n", Date(timeIntervalSince1970: 0)), ("x\n1\n", old),
    ] {
      try write(text, at: time)
      #expect(world.contentDigest("t.csv") == Digest(ofFile: Array(text.utf8)))
    }
    #expect(first == world.contentDigest("t.csv"))
  }

  @Test("A file of the same size and times but other bytes is noticed when all files are read again")
  func paranoid() throws {
    let folder = CacheStoreTests.folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let file = folder.appendingPathComponent("t.csv")
    try Data("x\n1\n".utf8).write(to: file)
    let store = CacheStore(folder: folder.appendingPathComponent(".cairn"))
    defer { store.close() }
    let path = file.path
    let careful = ProjectWorld(folder: folder, store: store, isParanoid: true)
    let first = careful.contentDigest("t.csv")
    let handle = try FileHandle(forWritingTo: file)
    try handle.seek(toOffset: 2)
    try handle.write(contentsOf: Data("7".utf8))
    try handle.close()
    #expect(careful.contentDigest("t.csv") != first)
    #expect(FileManager.default.fileExists(atPath: path))
  }

  @Test("A file that changes while the notebook runs keeps its readers from being kept")
  func changingFile() throws {
    let folder = CacheStoreTests.folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let store = CacheStore(folder: folder)
    defer { store.close() }
    let state = RunState(cells: [
      "print(readText(\"ticker\"))", "let late = readText(\"ticker\")\nprint(late)", "print(1)",
    ])
    let caching = Caching(store: store, engine: state.engine, notebook: "page.nb.md")
    _ = try Running(state.text, files: ["ticker": ""], isTicking: true, caching: caching)
    #expect(store.takeNotices().contains { $0.contains("`ticker` changed while the notebook ran") })
    let second = try Running(state.text, files: ["ticker": ""], isTicking: true, caching: caching)
    #expect(second.results.map(\.source) == [.ran, .ran, .cached])
  }

  @Test("Collecting keeps the last three runs of a notebook and what fits the budget")
  func collection() throws {
    let folder = CacheStoreTests.folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    for number in 0..<6 {
      try CacheStoreTests.run(
        folder, RunState(cells: ["let a = (0..<3000).map { Real($0 + \(number)) }", "print(a[0])"]))
    }
    let store = CacheStore(folder: folder)
    let before = store.totals()
    #expect(before.traces == 12)
    let dry = store.collect(budget: 0, isDry: true)
    #expect(store.totals().traces == 12)
    let gone = store.collect(budget: 0)
    #expect(gone.traces == 6 && gone.traces == dry.traces && gone.size > 3 * 3000 * 8)
    #expect(store.totals().traces == 6)
    #expect(store.verify().damaged == 0)
    store.close()
    #expect(
      try CacheStoreTests.run(folder, RunState(cells: ["let a = (0..<3000).map { Real($0 + 5) }", "print(a[0])"]))
        .entries == 0)
    #expect(
      try CacheStoreTests.run(folder, RunState(cells: ["let a = (0..<3000).map { Real($0 + 0) }", "print(a[0])"]))
        .entries == 2)
  }

  @Test("Records that are damaged or hostile never trap")
  func hostile() throws {
    let folder = CacheStoreTests.folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    try CacheStoreTests.run(folder)
    let store = CacheStore(folder: folder)
    defer { store.close() }
    var random = Cases(seed: 5)
    let key = Digest(words: (1, 2, 3, 4))
    for _ in 0..<300 {
      let reads = (0..<random.below(80)).map { _ in UInt8(random.below(256)) }
      let manifest = (0..<random.below(200)).map { _ in UInt8(random.below(4)) }
      store.store(
        CacheStore.NewTrace(
          key: key, reads: reads, manifest: manifest, notebook: "page.nb.md", cell: "a/1", seconds: 0, objects: []))
      _ = store.readCounts()
      _ = store.listings()
    }
    #expect(try CacheStoreTests.run(folder).texts == CacheStoreTests.texts)
  }

  @Test("64 MB of draws are digested in well under a second")
  func hashing() {
    let numbers = (0..<8_000_000).map { Double($0) }
    let start = clock()
    let digest = numbers.withUnsafeBytes { bytes in
      ContentDigest.whole("value", size: bytes.count, chunks: ContentDigest.chunks(of: bytes))
    }
    let seconds = Double(clock() - start) / Double(CLOCKS_PER_SEC)
    print("64 MB digested in \(seconds) s of processor time")
    #expect(digest != Digest(words: (0, 0, 0, 0)))
    #expect(seconds < 3)
  }
}
