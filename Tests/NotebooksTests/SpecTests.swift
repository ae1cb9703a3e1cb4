import Foundation
import Notebooks
import Rendering
import TestSupport
import Testing

/// Pages that cannot rot: `docs/language.md` and `Tests/Spec/*.md` are run as notebooks, and a `text` block right after a
/// cell holds what the cell shows.
struct SpecTests {
  static let pages: [String] = {
    let folder = Checkout.root.appendingPathComponent("Tests/Spec")
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return ["docs/language.md"] + names.filter { $0.hasSuffix(".md") }.sorted().map { "Tests/Spec/\($0)" }
  }()

  /// The text block that follows a cell with nothing but empty lines between.
  private static func expectation(after end: Int, in bytes: [UInt8]) -> String? {
    let rest = String(decoding: bytes[end...], as: UTF8.self).drop { $0 == "\n" }
    guard rest.hasPrefix("```text\n"), let close = rest.range(of: "\n```\n") else { return nil }
    return String(rest[rest.index(rest.startIndex, offsetBy: 8)..<close.lowerBound]) + "\n"
  }

  @Test("Every cell shows what the page says", arguments: pages)
  func page(path: String) throws {
    let text = try String(contentsOf: Checkout.root.appendingPathComponent(path), encoding: .utf8)
    let bytes = Array(text.utf8)
    let run = try Running(text)
    #expect(run.outcome == .succeeded, "\(run.rendered(run.diagnostics))")
    var compared = 0
    for result in run.results {
      var shown = ""
      for event in result.events {
        switch event {
        case .output(let output): shown += TextRenderer(width: 100).text(output)
        case .diagnostic(let diagnostic): shown += run.rendered([diagnostic])
        }
      }
      if let expected = SpecTests.expectation(after: result.cell.whole.end, in: bytes) {
        compared += 1
        #expect(shown == expected, "\(path), \(result.cell.title)")
      } else {
        #expect(shown.isEmpty, "\(path), \(result.cell.title) shows something that the page does not tell:\n\(shown)")
      }
    }
    #expect(compared > 0)
  }
}
