import Foundation
import Syntax
import TestSupport
import Testing

/// The grammar page, the parser and the examples say the same.
struct GrammarTests {
  @Test("A production parses to its tree", arguments: Production.all)
  func golden(production: Production) {
    let tree = Parsing.tree(production.text, as: production.kind)
    #expect(tree.diagnostics.map(\.message) == [])
    let shown = production.text + "\n\n----\n\n" + SyntaxPrinter.dump(tree.statements)
    let mismatch = Golden.mismatch(shown, "syntax/\(production.name).txt")
    #expect(mismatch == nil)
  }

  /// Productions that are shown inside the example of another.
  static let shownWith: [String: String] = [
    "exponent": "real", "escape": "string", "conditions": "condition", "case": "switch", "pattern": "binding",
    "parameters": "parameter", "field": "structure", "enum-case": "enumeration", "payload": "enumeration",
    "type": "optional-type", "extent": "array-type", "conjunction": "disjunction", "argument": "call",
    "primary": "tuple", "signature": "closure", "name": "closure",
  ]

  @Test("Each production of the page has an example")
  func page() throws {
    let page = try String(contentsOf: Checkout.root.appendingPathComponent("docs/grammar.md"), encoding: .utf8)
    var defined: [String] = []
    for line in page.split(separator: "\n") {
      let words = line.split(separator: " ")
      if words.count > 1, words[1] == "=", line.first != " " { defined.append(String(words[0])) }
    }
    #expect(defined.count >= 60)
    let examples = Set(Production.all.map(\.name))
    let missing = defined.filter { !examples.contains(GrammarTests.shownWith[$0] ?? $0) }
    #expect(missing == [])
    #expect(examples.count == Production.all.count)
  }

  @Test("The touchstone models and the library parse without a message", arguments: Parsing.models + Parsing.library)
  func corpus(file: Parsing.File) {
    let tree = Parser.parse(Parsing.source(file.bytes, name: file.name), as: file.kind)
    #expect(tree.diagnostics.map(\.message) == [])
    #expect(!tree.statements.isEmpty)
  }

  @Test("The corpus is there")
  func corpusSize() {
    #expect(Parsing.models.count >= 19)
    #expect(Parsing.library.count >= 5)
  }
}
