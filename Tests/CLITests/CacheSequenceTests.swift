import Foundation
import TestSupport
import Testing

/// The fuzzer's sequences in processes of their own: after every edit the cached run prints what a run without a cache does.
@Suite(.serialized) struct CacheSequenceTests {
  /// One in ten of the fuzzer's sequences.
  static let sequences = (ProcessInfo.processInfo.environment["CAIRN_FUZZ_SEQUENCES"].flatMap { Int($0) } ?? 500) / 10

  @Test("Separate processes agree after every edit")
  func separateProcesses() throws {
    for seed in 0..<CacheSequenceTests.sequences {
      let folder = try Program.temporaryFolder()
      defer { try? FileManager.default.removeItem(at: folder) }
      for (step, state) in FuzzedNotebook.sequence(seed: UInt64(10_000 + seed), edits: 4).enumerated() {
        try CacheSequenceTests.write(state.notebook, isTouch: state.edit == .touchFile, to: folder)
        let environment = state.notebook.environment
        let cached = try Program.run(["run", "page.nb.md"], in: folder, environment: environment)
        let clean = try Program.run(["run", "--no-cache", "page.nb.md"], in: folder, environment: environment)
        try #require(
          cached.output == clean.output && cached.status == clean.status && !cached.wasKilled,
          "seed \(seed), step \(step): \(cached.output)\n--- clean:\n\(clean.output)\n--- of:\n\(state.notebook.text)")
        #expect(cached.errors == "", "seed \(seed), step \(step)")
      }
    }
  }

  private static func write(_ notebook: FuzzedNotebook, isTouch: Bool, to folder: URL) throws {
    try Data(notebook.text.utf8).write(to: folder.appendingPathComponent("page.nb.md"))
    for name in ["t.csv", "base.txt", "extra.txt"] {
      let file = folder.appendingPathComponent(name)
      guard let text = notebook.files[name] else {
        try? FileManager.default.removeItem(at: file)
        continue
      }
      let old = try? String(contentsOf: file, encoding: .utf8)
      if old != text || isTouch { try Data(text.utf8).write(to: file) }
    }
  }
}
