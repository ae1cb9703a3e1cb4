import Foundation
import Interpreter
import Notebooks
import Numerics
import Rendering
import Syntax
import TestSupport
import Testing

/// After every edit a run over the cache shows what a run with an empty one shows.
@Suite(.serialized) struct CacheFuzzTests {
  /// What a reader sees of a run, and the digests of what leaves its cells.
  struct View: Equatable {
    var cells: [String]
    var found: Int
    var ran: Int
    var statuses: [String: Int]

    static func == (left: View, right: View) -> Bool { left.cells == right.cells }
  }

  /// Counts over many sequences.
  final class Histogram: @unchecked Sendable {
    private let lock = NSLock()
    var edits: [FuzzedNotebook.Edit: Int] = [:]
    var mixed = 0
    var total = 0
    var reads: [Read.Kind: Int] = [:]
    var statuses: [String: Int] = [:]
    func count(_ edit: FuzzedNotebook.Edit?, _ view: View) {
      guard let edit else { return }
      lock.withLock {
        edits[edit, default: 0] += 1
        total += 1
        statuses.merge(view.statuses) { $0 + $1 }
        if view.found > 0, view.ran > 0 { mixed += 1 }
      }
    }
    func add(_ kinds: [Read.Kind: Int]) { lock.withLock { reads.merge(kinds) { $0 + $1 } } }
    func print() {
      Swift.print("edits: \(total), with a hit and a miss: \(mixed) (\(100 * mixed / max(1, total)) %)")
      let byEdit = FuzzedNotebook.Edit.allCases.map { "\($0.rawValue) \(edits[$0] ?? 0)" }
      Swift.print("by edit: \(byEdit.joined(separator: ", "))")
      let byRead = Read.Kind.allCases.map { "\($0) \(reads[$0] ?? 0)" }
      Swift.print(
        "cells: \(statuses.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", "))")
      Swift.print("by read: \(byRead.joined(separator: ", "))")
    }
  }

  static let engine = EngineIdentity(epochs: [:], numericClass: "test")

  static func view(_ notebook: FuzzedNotebook, store: CacheStore?, switches: CacheSwitches = []) throws -> View {
    var caching = store.map { Caching(store: $0, engine: engine, notebook: "page.nb.md") }
    caching?.switches = switches
    let running = try Running(
      notebook.text, files: notebook.files, environment: notebook.environment, caching: caching)
    var cells: [String] = []
    var found = 0
    var ran = 0
    var statuses: [String: Int] = [:]
    for result in running.results {
      let events = result.events.map { event -> String in
        switch event {
        case .output(let output): "\(output)"
        case .diagnostic(let diagnostic): running.rendered([diagnostic])
        }
      }
      let exports = result.exports.map { "\($0.name)=\($0.digest)" }
      cells.append("\(result.status) \(exports.joined(separator: " "))\n" + events.joined(separator: "\n"))
      let word = "\(result.status)".split(separator: "(").first.map { String($0) } ?? ""
      statuses[result.source == .cached ? "found" : word, default: 0] += 1
      if result.source == .cached { found += 1 } else if result.status == .done { ran += 1 }
    }
    return View(cells: cells, found: found, ran: ran, statuses: statuses)
  }

  /// Runs a sequence; what differs first, or nil.
  static func fault(
    seed: UInt64, edits: Int, switches: CacheSwitches = [], histogram: Histogram? = nil
  ) throws -> String? {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("cairn-fuzz-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    let store = CacheStore(folder: folder)
    defer { store.close() }
    for (step, state) in FuzzedNotebook.sequence(seed: seed, edits: edits).enumerated() {
      let cached = try view(state.notebook, store: store, switches: switches)
      let clean = try view(state.notebook, store: nil)
      histogram?.count(state.edit, cached)
      if cached != clean {
        let cell = zip(cached.cells, clean.cells).first { $0 != $1 }
        return """
          seed \(seed), step \(step) (\(state.edit?.rawValue ?? "start")):
          the cached run shows
          \(cell?.0 ?? "\(cached.cells.count) cells")
          the clean run
          \(cell?.1 ?? "\(clean.cells.count) cells")
          of
          \(state.notebook.text)
          """
      }
    }
    histogram?.add(store.readCounts())
    let notices = store.takeNotices()
    return notices.isEmpty ? nil : "seed \(seed): \(notices)"
  }

  /// `CAIRN_FUZZ_SEQUENCES` asks for more than the tests' share.
  static let sequences = ProcessInfo.processInfo.environment["CAIRN_FUZZ_SEQUENCES"].flatMap { Int($0) } ?? 500

  /// `CAIRN_FUZZ_FROM` begins at a later one.
  static let first = ProcessInfo.processInfo.environment["CAIRN_FUZZ_FROM"].flatMap { Int($0) } ?? 0

  /// Seeds that once failed.
  static let kept = [4408]

  @Test("The cached run equals the clean one after every edit")
  func sequencesAgree() throws {
    let histogram = Histogram()
    let seeds = CacheFuzzTests.first..<max(CacheFuzzTests.first, CacheFuzzTests.sequences)
    for seed in CacheFuzzTests.kept + Array(seeds) {
      let fault = try CacheFuzzTests.fault(seed: UInt64(seed), edits: 6, histogram: histogram)
      try #require(fault == nil, "\(fault ?? "")")
    }
    histogram.print()
    #expect(Double(histogram.mixed) >= 0.6 * Double(histogram.total))
    #expect(FuzzedNotebook.Edit.allCases.allSatisfy { (histogram.edits[$0] ?? 0) > 0 })
    #expect(Read.Kind.allCases.allSatisfy { (histogram.reads[$0] ?? 0) > 0 })
  }
}
