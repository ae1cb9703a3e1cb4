import Checking
import Foundation
import Syntax
import TestSupport

/// One checker with the real library, to which cells are added: the boundary that these tests look through.
final class Workbench {
  let checker = Checker()
  private(set) var sources = SourceMap()
  /// What checking the library itself reported.
  private(set) var libraryDiagnostics: [Diagnostic] = []

  private var libraryCount = 0

  init() throws {
    let folder = Checkout.root.appendingPathComponent("stdlib")
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".cairn") }
    for name in names.sorted() {
      let data = try Data(contentsOf: folder.appendingPathComponent(name))
      let source = sources.add(name: "stdlib/" + name, bytes: Array(data))
      libraryDiagnostics += checker.check(Parser.parse(source, as: .library), as: .library, name: name).diagnostics
    }
    libraryCount = names.count
  }

  @discardableResult
  func cell(_ text: String, schema: (any SchemaSource)? = nil) -> CheckedUnit {
    let source = sources.add(name: "cell \(sources.texts.count - libraryCount + 1)", bytes: Array(text.utf8))
    return checker.check(Parser.parse(source), as: .cell, name: source.name, schema: schema)
  }

  /// The codes of what a cell reports, in the order of their places.
  func codes(_ text: String, schema: (any SchemaSource)? = nil) -> [String] {
    cell(text, schema: schema).diagnostics.map(\.code)
  }

  /// The type of an expression, as it is shown; or the codes of what is wrong with it.
  func type(_ expression: String) -> String {
    let unit = cell("let result__ = " + expression)
    if !unit.diagnostics.isEmpty { return unit.diagnostics.map(\.code).joined(separator: " ") }
    guard let export = unit.exports.first else { return "nothing" }
    return checker.words(checker.table.globals[export.global.rawValue].type)
  }

  func text(_ diagnostics: [Diagnostic]) -> String {
    let renderer = DiagnosticRenderer()
    return diagnostics.map { renderer.text($0, sources) + "\n" }.joined(separator: "\n")
  }

  /// The members of a model, each as `name: type`.
  func members(_ name: String) -> [String] {
    guard let model = checker.table.models.last(where: { $0.name == name }) else { return [] }
    return model.members.map { "\($0.name): \(checker.words($0.type))" }
  }
}

/// Two tables that are not there: schools, and one whose columns may be missing.
struct SampleSchema: SchemaSource {
  func columns(ofCSV path: String) -> [TableType.Column]? {
    guard path == "schools.csv" else { return nil }
    return [
      .init(name: "school", cell: .string), .init(name: "effect", cell: .real), .init(name: "stderr", cell: .real),
      .init(name: "pupils", cell: .int), .init(name: "gap", cell: .optional(.real)),
    ]
  }
}
