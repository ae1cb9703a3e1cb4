import Foundation
import TestSupport
import Testing

/// Whatever becomes of a cache, a run shows what a run without one shows.
@Suite(.serialized) struct CacheFaultTests {
  /// A fit, a value beyond what the index holds itself, and something that reads both.
  static let notebook = """
    ```swift {#data}
    let y = [1.2, 0.4, 2.0, 1.1, 0.7, 1.9]
    ```

    ```swift {#model}
    model M(n: Int) {
      let mu ~ Normal(0, 5)
      let tau ~ HalfNormal(2)
      plate i in 0..<n { let y ~ Normal(mu, tau) }
    }
    ```

    ```swift {#large}
    let large = (0..<200000).map { sin(Real($0)) }
    ```

    ```swift {#fit}
    let fit = sample(M(n: 6).given(y: y), draws: 1500, warmup: 500, chains: 2)
    summary(fit)
    ```

    ```swift {#uses}
    print([sum(large), fit.mu[17], fit.tau[399]])
    ```

    """

  static func folder() throws -> URL { try Program.folder(["n.nb.md": notebook]) }

  static let clean: Program.Outcome? = try? Program.run(["run", "--no-cache", "n.nb.md"], in: try folder())

  private static func cached(_ folder: URL, _ environment: [String: String] = [:]) throws -> Program.Outcome {
    try Program.run(["run", "n.nb.md"], in: folder, environment: environment)
  }

  private static func checkAgain(_ folder: URL, _ what: String) throws {
    let again = try cached(folder)
    #expect(again.output == clean?.output, "\(what): \(again.output) \(again.errors)")
    #expect(again.status == 0, "\(what)")
  }

  @Test("Two runs agree, and the second runs nothing")
  func finds() throws {
    let folder = try CacheFaultTests.folder()
    let log = folder.appendingPathComponent("log").path
    try CacheFaultTests.checkAgain(folder, "first")
    let second = try CacheFaultTests.cached(folder, ["CAIRN_TEST_LOG": log])
    #expect(second.output == CacheFaultTests.clean?.output)
    let text = try String(contentsOfFile: log, encoding: .utf8)
    #expect(text.contains("end 5") && !text.contains("begin"))
  }

  static let steps = [
    "before-chunk", "chunk-half-written", "chunk-written", "chunk-synced", "chunk-renamed", "folder-synced",
    "object-inserted", "trace-inserted", "cell-committed", "result-committed", "checkpoint-written",
    "checkpoint-renamed",
    "run-recorded",
  ]

  @Test("A process that dies at any moment of writing leaves a cache that the next one can use", arguments: steps)
  func kills(step: String) throws {
    for count in [1, 2] {
      let folder = try CacheFaultTests.folder()
      let killed = try CacheFaultTests.cached(
        folder, ["CAIRN_TEST_KILL_AT": "\(step):\(count)", "CAIRN_TEST_CHECKPOINT_INTERVAL": "0.001"])
      // The end of a run comes once.
      if count == 1 || step != "run-recorded" && step != "result-committed" { #expect(killed.wasKilled, "\(step)") }
      try CacheFaultTests.checkAgain(folder, "\(step):\(count)")
      try CacheFaultTests.checkAgain(folder, "\(step):\(count), again")
    }
  }

  @Test("A process that dies at random moments, most of them inside a cell")
  func randomKills() throws {
    var random = Cases(seed: 11)
    var inside = 0
    var moments: [Int] = []
    var killed = 0
    let start = ContinuousClock.now
    try CacheFaultTests.checkAgain(try CacheFaultTests.folder(), "whole")
    var whole = start.duration(to: .now) / .milliseconds(1)
    for _ in 0..<50 {
      let folder = try CacheFaultTests.folder()
      let log = folder.appendingPathComponent("log").path
      let after = Int(whole * Double(15 + random.below(75)) / 100)
      let outcome = try Program.run(
        ["run", "n.nb.md"], in: folder,
        environment: ["CAIRN_TEST_LOG": log, "CAIRN_TEST_CHECKPOINT_INTERVAL": "0.02"], killAfter: Double(after) / 1000)
      moments.append(after)
      if outcome.wasKilled {
        killed += 1
        let last = (try? String(contentsOfFile: log, encoding: .utf8))?.split(separator: "\n").last ?? ""
        if last.hasPrefix("begin") { inside += 1 }
      } else {
        // The machine was slower when the whole was timed than it is now.
        whole *= 0.8
      }
      try CacheFaultTests.checkAgain(folder, "killed after \(after) ms")
    }
    print("killed after \(moments.sorted()) ms: \(killed) were still running, \(inside) of them inside a cell")
    #expect(killed >= 25)
    #expect(2 * inside >= killed)
  }

  @Test("A fit killed five times and gone on with gives the draws of one never killed")
  func resumedFit() throws {
    let folder = try CacheFaultTests.folder()
    for count in [3, 40, 7, 90, 21] {
      let killed = try CacheFaultTests.cached(
        folder, ["CAIRN_TEST_KILL_AT": "checkpoint-renamed:\(count)", "CAIRN_TEST_CHECKPOINT_INTERVAL": "0"])
      #expect(killed.wasKilled, "\(count)")
    }
    let checkpoints = try FileManager.default.contentsOfDirectory(
      atPath: folder.appendingPathComponent(".cairn/checkpoints").path)
    #expect(checkpoints.contains { !$0.hasPrefix(".") })
    try CacheFaultTests.checkAgain(folder, "resumed")
  }

  /// All files of a cache.
  private static func files(_ folder: URL) -> [URL] {
    let root = folder.appendingPathComponent(".cairn")
    let names = FileManager.default.enumerator(atPath: root.path)?.compactMap { $0 as? String } ?? []
    return names.sorted().map { root.appendingPathComponent($0) }.filter {
      var isFolder: ObjCBool = false
      return FileManager.default.fileExists(atPath: $0.path, isDirectory: &isFolder) && !isFolder.boolValue
    }
  }

  @Test("Flipped bits, cuts and foreign content in any file")
  func damage() throws {
    var random = Cases(seed: 3)
    let original = try CacheFaultTests.folder()
    try CacheFaultTests.checkAgain(original, "first")
    for number in 0..<60 {
      let folder = try Program.temporaryFolder()
      try FileManager.default.removeItem(at: folder)
      try FileManager.default.copyItem(at: original, to: folder)
      let files = CacheFaultTests.files(folder)
      let file = files[random.below(files.count)]
      var bytes = [UInt8](try Data(contentsOf: file))
      let kind: String
      switch number % 4 {
      case 0, 1:
        kind = "flipped"
        for _ in 0..<(1 + random.below(8)) where !bytes.isEmpty {
          bytes[random.below(bytes.count)] ^= 1 << UInt8(random.below(8))
        }
      case 2:
        kind = "cut"
        bytes = Array(bytes.prefix(random.below(max(1, bytes.count))))
      default:
        kind = "foreign"
        bytes = Array("This is no cache at all.\n".utf8)
      }
      try Data(bytes).write(to: file)
      try CacheFaultTests.checkAgain(folder, "\(kind) \(file.lastPathComponent)")
      try CacheFaultTests.checkAgain(folder, "\(kind) \(file.lastPathComponent), again")
      try? FileManager.default.removeItem(at: folder)
    }
  }

  @Test("No room to write: at any size of file that is refused", arguments: [0, 1, 8, 40, 100, 200, 400])
  func fullDisk(blocks: Int) throws {
    // A limit on the size of files makes every write beyond it fail, as a full disk does, without a disk to fill.
    let folder = try CacheFaultTests.folder()
    let limited = try Program.run(
      ["-c", "trap '' XFSZ; ulimit -f \(blocks); exec \"$0\" run n.nb.md 2>errors | cat", Program.path], in: folder,
      program: "/bin/bash")
    #expect(limited.output == CacheFaultTests.clean?.output, "\(limited.errors)")
    try CacheFaultTests.checkAgain(folder, "after \(blocks)")
  }

  @Test("A place where no cache can be made")
  func noPlace() throws {
    let folder = try Program.folder(["n.nb.md": CacheFaultTests.notebook, ".cairn": "a file, no folder"])
    let run = try CacheFaultTests.cached(folder)
    #expect(run.output == CacheFaultTests.clean?.output && run.status == 0)
    #expect(run.errors.contains("the cache cannot be used"))
  }

  @Test("Many processes on one cache", arguments: [2, 5, 16])
  func together(count: Int) throws {
    let folder = try CacheFaultTests.folder()
    let outcomes = OutcomeList()
    let group = DispatchGroup()
    for _ in 0..<count {
      let thread = Thread {
        if let outcome = try? CacheFaultTests.cached(folder) { outcomes.add(outcome) }
        group.leave()
      }
      group.enter()
      thread.start()
    }
    group.wait()
    #expect(outcomes.all.count == count)
    for outcome in outcomes.all {
      #expect(outcome.output == CacheFaultTests.clean?.output && outcome.status == 0, "\(outcome.errors)")
    }
    try CacheFaultTests.checkAgain(folder, "afterwards")
  }

  private final class OutcomeList: @unchecked Sendable {
    private let lock = NSLock()
    private var list: [Program.Outcome] = []
    func add(_ outcome: Program.Outcome) { lock.withLock { list.append(outcome) } }
    var all: [Program.Outcome] { lock.withLock { list } }
  }
}
