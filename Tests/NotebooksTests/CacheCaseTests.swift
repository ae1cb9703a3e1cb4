import Foundation
import Interpreter
import Notebooks
import TestSupport
import Testing

/// What an edit runs, and what it does not.
@Suite struct CacheCaseTests {
  @Test("Nothing runs: not one step of the interpreter", arguments: CacheCase.nothingRuns)
  func nothingRuns(item: CacheCase) throws {
    let outcome = try item.outcome()
    #expect(outcome.entries == 0)
    #expect(outcome.gradients == 0)
    #expect(outcome.ran == [])
    #expect(outcome.texts == outcome.cleanTexts)
  }

  @Test("Just what the edit touches runs", arguments: CacheCase.someRun)
  func someRun(item: CacheCase) throws {
    let outcome = try item.outcome()
    #expect(outcome.ran == item.runs)
    #expect(outcome.texts == outcome.cleanTexts)
  }

  @Test("Fits are found by their results: no gradient is evaluated", arguments: CacheCase.fitsAreFound)
  func fitsAreFound(item: CacheCase) throws {
    let outcome = try item.outcome()
    #expect(outcome.ran == item.runs)
    #expect(outcome.gradients == 0)
    #expect(outcome.texts == outcome.cleanTexts)
  }

  @Test("Undo finds the earlier run again")
  func undo() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("cairn-case-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    let store = CacheStore(folder: folder)
    let first = RunState(cells: ["let a = 1", "print(a)"])
    _ = try CacheCase.run(first, store, [])
    _ = try CacheCase.run(first.with { $0.cells[0] = "let a = 2" }, store, [])
    let back = try CacheCase.run(first, store, [])
    #expect(back.entries == 0)
    #expect(back.texts == [[], ["1"]])
    #expect(store.takeNotices() == [])
  }

  /// Which test notices that a part of the cache is off: a case by its name, or a seed of the fuzzer.
  static let mutants: [(part: String, noticed: String)] = {
    let file = Checkout.data.appendingPathComponent("cache-mutants.txt")
    let text = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
    return text.split(separator: "\n").compactMap { line in
      let parts = line.split(separator: "\t")
      return parts.count == 2 ? (String(parts[0]), String(parts[1])) : nil
    }
  }()

  /// Whether the named test fails with a part off.
  private static func notices(_ noticed: String, _ part: CacheSwitches) throws -> Bool {
    if noticed.hasPrefix("seed "), let seed = UInt64(noticed.dropFirst(5)) {
      return try CacheFuzzTests.fault(seed: seed, edits: 6, switches: part) != nil
    }
    guard let item = CacheCase.someRun.first(where: { "case \($0.name)" == noticed }) else { return false }
    let outcome = try item.outcome(switches: part)
    return outcome.ran != item.runs || outcome.texts != outcome.cleanTexts
  }

  @Test("Each part of the key and each kind of read is needed")
  func mutation() throws {
    if ProcessInfo.processInfo.environment["CAIRN_MUTATE"] != nil { try CacheCaseTests.search() }
    #expect(CacheCaseTests.mutants.map(\.part) == CacheSwitches.all.map(\.name))
    for (mutant, part) in zip(CacheCaseTests.mutants, CacheSwitches.all) {
      #expect(try CacheCaseTests.notices(mutant.noticed, part.part), "\(part.name) is not noticed by \(mutant.noticed)")
    }
  }

  /// Finds for each part a test that notices, and prints the table; a seed of the fuzzer is preferred.
  private static func search() throws {
    for (name, part) in CacheSwitches.all {
      var found = "survives"
      for seed in UInt64(0)..<40 where try notices("seed \(seed)", part) {
        found = "seed \(seed)"
        break
      }
      if found == "survives" {
        for item in CacheCase.someRun where try notices("case \(item.name)", part) {
          found = "case \(item.name)"
          break
        }
      }
      print("mutant\t\(name)\t\(found)")
    }
  }
}
