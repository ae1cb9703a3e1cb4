import Foundation
import Syntax
import TestSupport
import Testing

/// Every declaration of the core library has an example in its doc comment; they all hold.
@Suite struct LibraryExampleTests {
  struct Example: CustomTestStringConvertible, Sendable {
    var code: String
    var shown: String?
    var testDescription: String { code }
  }

  static let examples: [Example] = Session.libraryFiles.flatMap { name -> [Example] in
    let path = Checkout.root.appendingPathComponent("stdlib/\(name).cairn")
    let text = (try? String(contentsOf: path, encoding: .utf8)) ?? ""
    return text.split(separator: "\n").compactMap { line in
      guard let start = line.range(of: "Example: `") else { return nil }
      let rest = line[start.upperBound...]
      guard rest.hasSuffix("`") else { return Example(code: "unfinished: \(rest)", shown: nil) }
      let body = rest.dropLast()
      // Examples about a fit run where there are fits, with the interactive session.
      if body.contains("fit") || body.hasPrefix("m.") { return nil }
      guard let middle = body.range(of: "` is `") else { return Example(code: String(body), shown: nil) }
      return Example(code: String(body[..<middle.lowerBound]), shown: String(body[middle.upperBound...]))
    }
  }

  @Test func allHold() {
    let session = Session()
    for example in LibraryExampleTests.examples {
      let outcome = session.run(example.code)
      #expect(outcome.code == nil, "\(example.code): \(outcome.error?.message ?? "")")
      if let shown = example.shown { #expect(outcome.lines.joined(separator: "\n") == shown, "\(example.code)") }
    }
  }

  @Test func everyDeclarationHasOne() throws {
    #expect(LibraryExampleTests.examples.count > 200)
    for name in Session.libraryFiles {
      let path = Checkout.root.appendingPathComponent("stdlib/\(name).cairn")
      var comment = ""
      for line in try String(contentsOf: path, encoding: .utf8).split(separator: "\n") {
        let text = line.trimmingCharacters(in: .whitespaces)
        if text.hasPrefix("///") {
          comment += text
        } else {
          let isDeclaration = text.hasPrefix("intrinsic") || text.hasPrefix("func") || text.hasPrefix("let")
          if isDeclaration { #expect(comment.contains("Example:"), "\(text)") }
          comment = ""
        }
      }
    }
  }
}
