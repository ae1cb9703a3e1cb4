package import Checking
import Foundation
package import Interpreter
package import Modeling
package import Numerics
package import Rendering
package import Syntax

/// One thing a cell gave, in order: output, or a diagnostic.
package enum CellEvent: Sendable {
  case output(OutputEvent)
  case diagnostic(Diagnostic)
}

/// Collects the events of the running cell.
final class EventCollector: OutputSink, @unchecked Sendable {
  private let lock = NSLock()
  private var events: [CellEvent] = []
  var onEvent: ((CellEvent) -> Void)?

  func emit(_ event: OutputEvent) { add(.output(event)) }
  func add(_ event: CellEvent) {
    lock.withLock { events.append(event) }
    onEvent?(event)
  }
  func take() -> [CellEvent] {
    lock.withLock {
      defer { events = [] }
      return events
    }
  }
}

/// The library, read and checked: many sessions of one process may start from it.
package struct PreparedLibrary {
  package let sources: SourceMap
  let checker: Checker
  let units: [CheckedUnit]

  /// - Parameter sources: Texts that come before the library's.
  /// - Throws: ``DiagnosticError`` where the library cannot be read or has an error.
  package init(_ installation: Installation, sources: SourceMap = SourceMap()) throws {
    var sources = sources
    checker = Checker()
    var units: [CheckedUnit] = []
    for (name, bytes) in try installation.libraryFiles() {
      let source = sources.add(name: name, bytes: bytes)
      let unit = checker.check(Parser.parse(source, as: .library), as: .library, name: name)
      if let error = unit.diagnostics.first(where: { $0.severity == .error }) {
        throw DiagnosticError(
          Diagnostic(
            "N021", "the library file `\(name)` has an error: \(error.message)", at: error.span, help: "install again"))
      }
      units.append(unit)
    }
    self.sources = sources
    self.units = units
  }
}

/// Checks and runs units of text one after the other over one library: what notebooks, scripts and `-e` share.
package final class Session {
  package private(set) var sources: SourceMap
  package let checker: Checker
  package let machine: Machine
  package let engine: Engine
  let collector = EventCollector()
  /// What evaluation asks the outside through, and the outside itself.
  let recordingWorld: RecordingWorld
  let world: any World
  /// All units checked so far, the library's first.
  package private(set) var units: [CheckedUnit] = []
  /// Values that the library binds.
  private(set) var libraryValues: [(global: GlobalID, value: Value)] = []

  /// - Throws: ``DiagnosticError`` where the library cannot be read or has an error.
  package convenience init(
    installation: Installation, world: any World, sources: SourceMap = SourceMap(), threads: Int, seed: UInt64 = 0,
    cancellation: Cancellation = Cancellation()
  ) throws {
    try self.init(
      library: try PreparedLibrary(installation, sources: sources), world: world, threads: threads, seed: seed,
      cancellation: cancellation)
  }

  /// A session over a library that was read before.
  ///
  /// - Parameter sources: The library's texts and further ones after them.
  package init(
    library: PreparedLibrary, sources: SourceMap? = nil, world: any World, threads: Int, seed: UInt64 = 0,
    cancellation: Cancellation = Cancellation()
  ) throws {
    self.world = world
    self.sources = sources ?? library.sources
    checker = Checker(copying: library.checker)
    units = library.units
    engine = Engine()
    recordingWorld = RecordingWorld(world)
    machine = Machine(
      registry: engine.registry, hooks: engine, world: recordingWorld, sink: collector, threads: threads,
      cancellation: cancellation)
    machine.seedRoot = seed
    let collector = self.collector
    machine.onWarning = { collector.add(.diagnostic($0)) }
    machine.update(checker.table)
    for unit in units { libraryValues += try machine.run(unit) }
  }

  package func add(name: String, bytes: [UInt8], firstLine: Int = 1) -> SourceText {
    sources.add(name: name, bytes: bytes, firstLine: firstLine)
  }

  /// Parses and checks a text as a unit.
  package func check(_ source: SourceText, as kind: Checker.UnitKind) -> (tree: SyntaxTree, unit: CheckedUnit) {
    let tree = Parser.parse(source)
    let unit = checker.check(tree, as: kind, name: source.name, schema: WorldSchema(world))
    machine.update(checker.table)
    units.append(unit)
    return (tree, unit)
  }

  /// Checks a tree as a unit.
  func check(_ tree: SyntaxTree, as kind: Checker.UnitKind) -> CheckedUnit {
    let unit = checker.check(tree, as: kind, name: tree.source.name, schema: WorldSchema(world))
    machine.update(checker.table)
    units.append(unit)
    return unit
  }

  /// Checks a tree without a trace of it: what it would mean, and what is wrong with it.
  func trial(_ tree: SyntaxTree) -> CheckedUnit {
    Checker(copying: checker).check(tree, as: .cell, name: tree.source.name, schema: WorldSchema(world))
  }

  /// The identity from which a cell's random streams derive: its label, else its first export with its occurrence, else
  /// its text.
  package func identity(label: String?, unit: CheckedUnit, occurrences: inout [String: Int], tree: SyntaxTree) -> String
  {
    if let label { return "#" + label }
    if let export = unit.exports.min(by: { $0.global.rawValue < $1.global.rawValue }) {
      let name = checker.table.globals[export.global.rawValue].name
      occurrences[name, default: 0] += 1
      return "\(name)/\(occurrences[name] ?? 1)"
    }
    var builder = DigestBuilder()
    builder.append(tag: "cell")
    for token in tree.tokens {
      builder.append(tree.source.text(SourceSpan(source: tree.source.id, start: token.start, end: token.end)))
    }
    return builder.finish().description
  }

  /// Files that cells read or would read, by path as they name them, with digests of what this run goes by.
  package var files: [(path: String, digest: Digest)] { recordingWorld.files }

  /// Whether the user asked to stop.
  package var isInterrupted: Bool { machine.cancellation.isCancelled }

  /// What a unit gave: its events in order, an error the last of them, and the values of its exports.
  struct Run {
    var events: [CellEvent]
    var values: [(global: GlobalID, value: Value)]
    var failed: Bool
  }

  /// Runs a checked unit.
  func evaluate(_ unit: CheckedUnit, identity: String, seed: UInt64? = nil) -> Run {
    machine.cellIdentity = identity
    let root = machine.seedRoot
    if let seed { machine.seedRoot = seed }
    defer { machine.seedRoot = root }
    _ = collector.take()
    func failure(_ diagnostic: Diagnostic) -> Run {
      collector.add(.diagnostic(diagnostic))
      return Run(events: collector.take(), values: [], failed: true)
    }
    do {
      let values = try machine.run(unit)
      return Run(events: collector.take(), values: values, failed: false)
    } catch let error as DiagnosticError {
      return failure(error.diagnostic)
    } catch let fault as Fault {
      return failure(fault.diagnostic(at: unit.main.span))
    } catch {
      return failure(Diagnostic("R099", "the cell failed: \(error)", at: unit.main.span))
    }
  }

  /// Runs a checked unit without keeping anything.
  package func run(
    _ unit: CheckedUnit, identity: String, seed: UInt64? = nil
  ) -> (events: [CellEvent], exports: [CellResult.Export], failed: Bool) {
    let run = evaluate(unit, identity: identity, seed: seed)
    let code = CodeDigests(checker.table)
    let exports = run.values.map { global, value in
      CellResult.Export(
        name: checker.table.globals[global.rawValue].name, digest: value.digest(checker.table, code: code))
    }
    return (run.events, exports, run.failed)
  }

  package var onEvent: ((CellEvent) -> Void)? {
    get { collector.onEvent }
    set { collector.onEvent = newValue }
  }
}
