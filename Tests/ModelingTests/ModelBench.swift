import Checking
import Foundation
import Interpreter
import Modeling
import Rendering
import Syntax
import TestSupport
import Testing

/// Runs texts with models over the whole library, and compiles the models they make: the one place that knows how.
final class ModelBench {
  private struct NoFiles: World {
    struct Missing: Error {}
    func readFile(_ path: String) throws -> [UInt8] { throw Missing() }
    func fileExists(_ path: String) -> Bool { false }
    func listDirectory(_ path: String) throws -> [String] { [] }
    func environment(_ name: String) -> String? { nil }
    func parameter(_ name: String) -> String? { nil }
    func now() -> Double { 0 }
  }

  private final class Silence: OutputSink {
    func emit(_ event: OutputEvent) {}
  }

  private var sources = SourceMap()
  private let checker = Checker()
  private let engine = Engine()
  let machine: Machine

  init() throws {
    machine = Machine(registry: engine.registry, hooks: engine, world: NoFiles(), sink: Silence())
    let library = Checkout.root.appendingPathComponent("stdlib")
    let names = try FileManager.default.contentsOfDirectory(atPath: library.path).filter { $0.hasSuffix(".cairn") }
    for name in names.sorted() {
      try run(Array(try Data(contentsOf: library.appendingPathComponent(name))), as: .library, named: name)
    }
  }

  /// A model of the touchstone page.
  static func touchstone(_ name: String) throws -> String {
    try String(contentsOf: Checkout.data.appendingPathComponent("models/\(name).cairn"), encoding: .utf8)
  }

  func run(_ text: String) throws { try run(Array(text.utf8), as: .script, named: "script") }

  private func run(_ bytes: [UInt8], as kind: Checker.UnitKind, named name: String) throws {
    let source = sources.add(name: name, bytes: bytes)
    let unit = checker.check(Parser.parse(source, as: kind == .library ? .library : .user), as: kind, name: name)
    if let error = unit.diagnostics.first(where: { $0.severity == .error }) { throw DiagnosticError(error) }
    machine.update(checker.table)
    try machine.run(unit)
  }

  private func value(_ name: String) throws -> Value {
    try machine.global(GlobalID(try #require(checker.table.globals.lastIndex { $0.name == name })))
  }

  /// The text that a global holds.
  func text(_ name: String) throws -> String {
    guard case .string(let text) = try value(name) else { throw Mistake("`\(name)` is no text") }
    return text
  }

  /// The model that a global holds, compiled.
  func compile(_ name: String) throws -> CompiledModel {
    guard case .engine(let value) = try value(name), let model = value as? ModelValue else {
      throw Mistake("`\(name)` is no model")
    }
    return try ModelCompiler(context: machine, registry: engine.registry, hooks: engine).compile(model)
  }

  private struct Mistake: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
  }
}
