import Foundation
import Notebooks
import Syntax
import TestSupport
import Testing

/// Every page of `docs/errors/`: its first example gives exactly that message, its second none.
struct ErrorPageTests {
  static let folder = Checkout.root.appendingPathComponent("docs/errors")
  static let codes: [String] = {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return names.filter { $0.hasSuffix(".md") && $0 != "README.md" }.map { String($0.dropLast(3)) }.sorted()
  }()

  /// Codes that no text of a cell or notebook can bring about: they come from the command line, the installation, an
  /// interruption, or the state of a session; or an earlier check always speaks first; or the program itself is wrong.
  static let unshowable: Set<String> = [
    "M225", "M226", "M304", "N001", "N002", "N020", "N021", "N030", "N031", "N032", "N033", "N034", "N035", "N036",
    "N041", "N042", "N043", "N044", "N045", "N047", "N048", "N049", "N050", "N051", "N052", "N053", "N054", "N055",
    "N070", "C430", "M312",
    "R080", "R090", "R091", "R092", "R093", "R095", "R096", "R097", "R099",
  ]

  /// Codes that the sources name as string literals, and in which file.
  static func codesInSources() throws -> [String: String] {
    let sources = Checkout.root.appendingPathComponent("Sources")
    guard let files = FileManager.default.enumerator(at: sources, includingPropertiesForKeys: nil) else { return [:] }
    let letters = Array("STHMRCN".utf8)
    let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
    let quote = UInt8(ascii: "\"")
    var result: [String: String] = [:]
    for case let file as URL in files where file.pathExtension == "swift" {
      let bytes = [UInt8](try Data(contentsOf: file))
      for start in bytes.indices.dropLast(5) where bytes[start] == quote && bytes[start + 5] == quote {
        let code = bytes[(start + 1)..<(start + 5)]
        guard letters.contains(bytes[start + 1]), code.dropFirst().allSatisfy(digits.contains) else { continue }
        result[String(decoding: code, as: UTF8.self)] = file.lastPathComponent
      }
    }
    return result
  }

  struct Page {
    var title: String
    var sections: [String: String] = [:]

    init(_ text: String) {
      var lines = text.split(separator: "\n", omittingEmptySubsequences: false)[...]
      title = lines.popFirst().map(String.init) ?? ""
      var name = ""
      var fence: Substring?
      for line in lines {
        if let open = fence {
          if line == open { fence = nil }
        } else if line.hasPrefix("```") {
          fence = line.prefix { $0 == "`" }
        } else if line.hasPrefix("## ") {
          name = String(line.dropFirst(3))
          sections[name] = ""
          continue
        }
        sections[name, default: ""] += line + "\n"
      }
    }

    /// The fence of a section: its info word and its text.
    func example(_ section: String) -> (language: String, text: String)? {
      guard let body = sections[section] else { return nil }
      let lines = body.split(separator: "\n", omittingEmptySubsequences: false)
      guard let open = lines.firstIndex(where: { $0.hasPrefix("```") }) else { return nil }
      let marks = lines[open].prefix { $0 == "`" }
      guard let close = lines[(open + 1)...].firstIndex(of: marks) else { return nil }
      let text = lines[(open + 1)..<close].map { $0 + "\n" }.joined()
      return (String(lines[open].dropFirst(marks.count)), text)
    }
  }

  /// What checking and running an example says, in order.
  static func diagnostics(of example: (language: String, text: String)) throws -> (found: [Diagnostic], shown: String) {
    var sources = SourceMap()
    let isNotebook = example.language == "markdown"
    let text = isNotebook ? example.text : "```swift {}\n" + example.text + "```\n"
    let source = sources.add(name: "page.nb.md", bytes: Array(text.utf8))
    let document = NotebookParser.parse(source, version: Running.version)
    let session = try Session(
      installation: Running.installation, world: ProjectWorld(folder: folder), sources: sources, threads: 2)
    let runner = NotebookRunner(document: document, name: "page", session: session)
    var found = runner.diagnostics + ProseCheck.diagnostics(document, folder: folder)
    _ = runner.run(
      onCell: { _ in },
      onResult: { result in
        for case .diagnostic(let diagnostic) in result.events where !found.contains(diagnostic) {
          found.append(diagnostic)
        }
      })
    return (found, found.map { DiagnosticRenderer().text($0, session.sources) }.joined(separator: "\n"))
  }

  @Test("There are pages")
  func some() { #expect(ErrorPageTests.codes.count >= 40) }

  @Test("Every code of the sources has its page, and every page a code")
  func complete() throws {
    let raised = try ErrorPageTests.codesInSources()
    #expect(raised.count >= 40)
    for (code, file) in raised.sorted(by: { $0.key < $1.key }) {
      #expect(ErrorPageTests.codes.contains(code), "\(code) of \(file) has no page")
    }
    for code in ErrorPageTests.codes { #expect(raised[code] != nil, "\(code) has a page, but no source names it") }
    #expect(ErrorPageTests.unshowable.isSubset(of: raised.keys), "a code is listed as unshowable that does not exist")
  }

  @Test("A page has its title, a reason, and examples that do what they say", arguments: codes)
  func page(code: String) throws {
    let text = try String(contentsOf: ErrorPageTests.folder.appendingPathComponent("\(code).md"), encoding: .utf8)
    let page = Page(text)
    #expect(page.title.hasPrefix("# \(code): "))
    #expect((page.sections["Why"] ?? "").count > 20)
    guard let bad = page.example("Shows it"), let good = page.example("Mended") else {
      #expect(ErrorPageTests.unshowable.contains(code), "\(code) has no examples")
      return
    }
    #expect(!ErrorPageTests.unshowable.contains(code), "\(code) can be shown after all")
    let first = try ErrorPageTests.diagnostics(of: bad)
    #expect(first.found.first?.code == code, "\(code) shows:\n\(first.shown)")
    let second = try ErrorPageTests.diagnostics(of: good)
    #expect(second.found.isEmpty, "\(code), mended, shows:\n\(second.shown)")
  }
}
