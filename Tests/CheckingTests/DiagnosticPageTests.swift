import Checking
import Foundation
import Syntax
import TestSupport
import Testing

/// A page of `docs/errors/`: its code, and the two cells it shows.
struct ErrorPage: Sendable, CustomTestStringConvertible {
  var code: String
  var text: String
  var title: String
  var wrong: String
  var mended: String
  var testDescription: String { code }

  /// The codes that occur in the sources of the checker; tracing and running give others of the same families.
  static let codes: [String] = {
    let folder = Checkout.root.appendingPathComponent("Sources/Checking").resolvingSymlinksInPath()
    let files = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)?.allObjects ?? []
    var codes: Set<String> = []
    for case let file as URL in files where file.pathExtension == "swift" {
      let text = String(decoding: FileManager.default.contents(atPath: file.path) ?? Data(), as: UTF8.self)
      for match in text.matches(of: /"([THM]\d\d\d)"/) { codes.insert(String(match.1)) }
    }
    return codes.sorted()
  }()

  static let all: [ErrorPage] = codes.map { code in
    let file = Checkout.root.appendingPathComponent("docs/errors/\(code).md")
    return ErrorPage(code, String(decoding: FileManager.default.contents(atPath: file.path) ?? Data(), as: UTF8.self))
  }

  init(_ code: String, _ text: String) {
    self.code = code
    self.text = text
    title = text.split(separator: "\n").first.map(String.init) ?? ""
    let cells = text.components(separatedBy: "```swift\n").dropFirst().map {
      $0.components(separatedBy: "\n```").first ?? ""
    }
    wrong = cells.first ?? ""
    mended = cells.dropFirst().first ?? ""
  }
}

@Suite("Diagnostics and their pages")
struct DiagnosticPageTests {
  @Test(
    "The first cell gives the code, as the golden text shows it; the mended one gives nothing", arguments: ErrorPage.all
  )
  func page(_ page: ErrorPage) throws {
    #expect(page.title.hasPrefix("# \(page.code): "))
    let bench = try Workbench()
    let unit = bench.cell(page.wrong)
    #expect(unit.diagnostics.first?.code == page.code, "\(bench.text(unit.diagnostics))")
    let mismatch = Golden.mismatch(bench.text(unit.diagnostics), "checking/\(page.code).txt")
    #expect(mismatch == nil)
    let other = try Workbench()
    let mended = other.cell(page.mended)
    #expect(mended.diagnostics.isEmpty, "\(other.text(mended.diagnostics))")
  }

  @Test("Every code in the sources has a page, and every page says why")
  func complete() {
    #expect(ErrorPage.codes.count > 80)
    for page in ErrorPage.all { #expect(page.text.contains("\n## Why\n\n"), "\(page.code)") }
  }
}
