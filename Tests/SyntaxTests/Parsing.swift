import Foundation
import Syntax
import TestSupport

/// What the tests of this target share: sources, trees and the corpus.
enum Parsing {
  static func source(_ text: String, name: String = "test") -> SourceText {
    source(Array(text.utf8), name: name)
  }

  static func source(_ bytes: [UInt8], name: String = "test") -> SourceText {
    var map = SourceMap()
    return map.add(name: name, bytes: bytes)
  }

  static func tree(_ text: String, as kind: SourceKind = .user) -> SyntaxTree {
    Parser.parse(source(text), as: kind)
  }

  static func dump(_ text: String, as kind: SourceKind = .user) -> String {
    SyntaxPrinter.dump(tree(text, as: kind).statements)
  }

  /// Every diagnostic of a text as a terminal shows it.
  static func messages(_ bytes: [UInt8], as kind: SourceKind = .user, width: Int = 120) -> String {
    var map = SourceMap()
    let source = map.add(name: "example, cell 1", bytes: bytes)
    let renderer = DiagnosticRenderer(width: width)
    let found = Parser.parse(source, as: kind).diagnostics.map { renderer.text($0, map) }
    return found.isEmpty ? "nothing is wrong\n" : found.map { $0 + "\n" }.joined(separator: "\n")
  }

  static func codes(_ text: String, as kind: SourceKind = .user) -> [String] {
    tree(text, as: kind).diagnostics.map(\.code)
  }

  struct File: Sendable, CustomStringConvertible {
    var name: String
    var bytes: [UInt8]
    var kind: SourceKind
    var description: String { name }
  }

  private static func files(in folder: URL, as kind: SourceKind) -> [File] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return names.filter { $0.hasSuffix(".cairn") }.sorted().compactMap { name in
      guard let data = try? Data(contentsOf: folder.appendingPathComponent(name)) else { return nil }
      return File(name: name, bytes: Array(data), kind: kind)
    }
  }

  static let models = files(in: Checkout.data.appendingPathComponent("models"), as: .user)
  static let library = files(in: Checkout.root.appendingPathComponent("stdlib"), as: .library)
  static let productions = Production.all.map { File(name: $0.name, bytes: Array($0.text.utf8), kind: $0.kind) }
  static let corpus = models + library + productions
}
