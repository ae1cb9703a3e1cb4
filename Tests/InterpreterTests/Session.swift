import Checking
import Foundation
import Interpreter
import Rendering
import Syntax
import TestSupport

/// Runs source texts in one machine with the core library, the way a script runs.
final class Session {
  final class Sink: OutputSink, @unchecked Sendable {
    var events: [OutputEvent] = []
    func emit(_ event: OutputEvent) { events.append(event) }
  }

  /// Files in memory.
  struct Files: World {
    struct Missing: Error, CustomStringConvertible { var description: String { "no such file" } }
    var contents: [String: [UInt8]] = [:]
    func readFile(_ path: String) throws -> [UInt8] {
      guard let bytes = contents[path] else { throw Missing() }
      return bytes
    }
    func fileExists(_ path: String) -> Bool { contents[path] != nil }
    func listDirectory(_ path: String) throws -> [String] { contents.keys.sorted() }
    func environment(_ name: String) -> String? { nil }
    func parameter(_ name: String) -> String? { nil }
    func now() -> Double { 0 }
  }

  struct Outcome {
    var lines: [String] = []
    var tables: [TextTable] = []
    var diagnostics: [Diagnostic] = []
    /// The code of the first error, or nil.
    var code: String? { diagnostics.first { $0.severity == .error }?.code }
    var error: Diagnostic? { diagnostics.first { $0.severity == .error } }
    var warnings: [Diagnostic] { diagnostics.filter { $0.severity == .warning } }
  }

  var sources = SourceMap()
  let checker = Checker()
  let machine: Machine
  let sink = Sink()
  var warnings: [Diagnostic] = []

  static let libraryFiles = ["core", "core-arrays", "core-tables", "plots"]

  init(files: [String: String] = [:]) {
    let world = Files(contents: files.mapValues { Array($0.utf8) })
    machine = Machine(registry: CoreLibrary.registry, hooks: PlainHooks(), world: world, sink: sink)
    machine.onWarning = { [unowned self] in warnings.append($0) }
    for name in Session.libraryFiles {
      let path = Checkout.root.appendingPathComponent("stdlib/\(name).cairn")
      let bytes = (try? Data(contentsOf: path)).map { Array($0) } ?? []
      _ = run(bytes, as: .library, named: name)
    }
  }

  @discardableResult
  func run(_ text: String, identity: String = "cell") -> Outcome {
    machine.cellIdentity = identity
    return run(Array(text.utf8), as: .script, named: identity)
  }

  private func run(_ bytes: [UInt8], as kind: Checker.UnitKind, named name: String) -> Outcome {
    let source = sources.add(name: name, bytes: bytes)
    let unit = checker.check(Parser.parse(source, as: kind == .library ? .library : .user), as: kind, name: name)
    var outcome = Outcome(diagnostics: unit.diagnostics)
    if unit.hasErrors { return outcome }
    machine.update(checker.table)
    sink.events = []
    warnings = []
    do {
      try machine.run(unit)
      lastUnit = unit
    } catch let error as DiagnosticError {
      outcome.diagnostics.append(error.diagnostic)
    } catch {
      outcome.diagnostics.append(Diagnostic("X000", .error, "\(error)", at: nil))
    }
    outcome.diagnostics += warnings
    for event in sink.events {
      if case .text(let text) = event { outcome.lines.append(text) }
      if case .table(let table) = event { outcome.tables.append(table) }
    }
    return outcome
  }
  var lastUnit: CheckedUnit?

  /// The value of a global by name, the latest of that name.
  func value(_ name: String) throws -> Value {
    guard let index = checker.table.globals.lastIndex(where: { $0.name == name }) else { return .none }
    return try machine.global(GlobalID(index))
  }
}
