import Foundation
import Syntax
import TestSupport
import Testing

/// Each code of the parser has a page whose first example gives exactly that code, and whose second gives none.
struct SyntaxPageTests {
  static let codes = Set(Mistake.all.map(\.code)).sorted()

  static func examples(_ page: String) -> [String] {
    let parts = page.components(separatedBy: "\n```")
    return stride(from: 1, to: parts.count, by: 2).map { part in
      parts[part].split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false).last.map { $0 + "\n" } ?? ""
    }
  }

  @Test("The page shows the mistake and mends it", arguments: codes)
  func page(code: String) throws {
    let file = Checkout.root.appendingPathComponent("docs/errors/\(code).md")
    let page = try String(contentsOf: file, encoding: .utf8)
    #expect(page.hasPrefix("# \(code): "))
    let examples = SyntaxPageTests.examples(page)
    try #require(examples.count == 2)
    let shown = Parsing.codes(examples[0])
    #expect(!shown.isEmpty && Set(shown) == [code], "\(shown)")
    let mended = Parsing.codes(examples[1])
    #expect(mended == [])
  }

  @Test("The codes in the sources, those with an example and those with a page are the same")
  func complete() throws {
    let sources = Checkout.root.appendingPathComponent("Sources/Syntax").resolvingSymlinksInPath()
    var found: Set<String> = []
    for case let file as URL in FileManager.default.enumerator(at: sources, includingPropertiesForKeys: nil)?.allObjects
      ?? []
    where file.pathExtension == "swift" {
      for match in try String(contentsOf: file, encoding: .utf8).matches(of: /"(S\d\d\d)"/) {
        found.insert(String(match.1))
      }
    }
    let folder = Checkout.root.appendingPathComponent("docs/errors")
    let pages = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasPrefix("S") }
    #expect(found.sorted() == SyntaxPageTests.codes)
    #expect(pages.map { String($0.dropLast(3)) }.sorted() == SyntaxPageTests.codes)
  }
}
