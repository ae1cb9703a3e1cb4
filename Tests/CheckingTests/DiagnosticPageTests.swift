import Checking
import Foundation
import Syntax
import TestSupport
import Testing

/// A page of `docs/errors/`: its code, and the two cells it shows.
struct ErrorPage: Sendable, CustomTestStringConvertible {
  var code: String
  var title: String
  var wrong: String
  var mended: String
  var testDescription: String { code }

  /// The pages whose codes the checker gives: types, shapes and models.
  static let all: [ErrorPage] = {
    let folder = Checkout.root.appendingPathComponent("docs/errors")
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return names.sorted().compactMap { name in
      guard name.hasSuffix(".md"), isOwn(String(name.dropLast(3))),
        let data = FileManager.default.contents(atPath: folder.appendingPathComponent(name).path)
      else { return nil }
      return ErrorPage(String(name.dropLast(3)), String(decoding: data, as: UTF8.self))
    }
  }()

  /// `M2…` are given while a model is traced.
  private static func isOwn(_ code: String) -> Bool {
    guard let family = code.first else { return false }
    return "TH".contains(family) || code.hasPrefix("M1")
  }

  init(_ code: String, _ text: String) {
    self.code = code
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

  @Test("Every code in the sources has a page")
  func complete() throws {
    let folder = Checkout.root.appendingPathComponent("Sources/Checking").resolvingSymlinksInPath()
    let files = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)?.allObjects ?? []
    var codes: Set<String> = []
    for case let file as URL in files where file.pathExtension == "swift" {
      let text = String(decoding: try Data(contentsOf: file), as: UTF8.self)
      for match in text.matches(of: /"([THM]\d\d\d)"/) { codes.insert(String(match.1)) }
    }
    let pages = Set(ErrorPage.all.map(\.code))
    #expect(codes.count > 80)
    #expect(codes.subtracting(pages).sorted() == [])
    #expect(pages.subtracting(codes).sorted() == [])
  }
}
