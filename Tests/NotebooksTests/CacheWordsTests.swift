import Foundation
import Notebooks
import TestSupport
import Testing

/// What `cairn why` says, for each kind of hit and miss.
@Suite struct CacheWordsTests {
  /// Runs both states over one cache and gives the words of the second run, a cell a line.
  private static func words(_ item: CacheCase) throws -> String {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("cairn-words-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    let store = CacheStore(folder: folder)
    defer { store.close() }
    _ = try CacheCase.run(item.before, store, [])
    let second = try CacheCase.run(item.after, store, [])
    let history = store.history(notebook: "page.nb.md")
    let lines = second.identities.enumerated().map { number, identity in
      "  cell \(number + 1) \(history[identity] ?? "is not in the history")"
    }
    return item.name + "\n" + lines.joined(separator: "\n") + "\n"
  }

  private static let further: [CacheCase] = [
    CacheCase(
      name: "a file is gone",
      before: RunState(cells: ["print(fileExists(\"a\") ? readText(\"a\") : \"none\")"], files: ["a": "x"]),
      after: RunState(cells: ["print(fileExists(\"a\") ? readText(\"a\") : \"none\")"]), runs: [1]),
    CacheCase(
      name: "a pinned cell", before: RunState(cells: ["let a = 1", "#kept\n//| cache: pin\nprint(a)"]),
      after: RunState(cells: ["let a = 2", "#kept\n//| cache: pin\nprint(a)"]), runs: [1]),
    CacheCase(
      name: "a new cell", before: RunState(cells: ["let a = 1"]),
      after: RunState(cells: ["let a = 1", "#new\nprint(a * 7)"]),
      runs: [2]),
    CacheCase(
      name: "a cell that was edited", before: RunState(cells: ["#shown\nprint(1)"]),
      after: RunState(cells: ["#shown\nprint(2)"]), runs: [1]),
    CacheCase(
      name: "a cell that must fail", before: RunState(cells: ["let i = 7", "//| error: require\nprint([1][i])"]),
      after: RunState(cells: ["let i = 7", "//| error: require\nprint([1][i])"]), runs: [2]),
  ]

  @Test("The words are those of the golden file")
  func golden() throws {
    let text = try (CacheCase.nothingRuns.prefix(2) + CacheCase.someRun + CacheWordsTests.further).map(
      CacheWordsTests.words
    )
    .joined(separator: "\n")
    let problem = Golden.mismatch(text, "cache/why.txt")
    #expect(problem == nil, "\(problem ?? "")")
  }

  @Test("A pinned cell keeps what it showed, and its readers see that")
  func pin() throws {
    let item = CacheWordsTests.further[1]
    let outcome = try item.outcome()
    #expect(outcome.texts == [[], ["1"]])
    #expect(outcome.cleanTexts == [[], ["2"]])
  }
}
