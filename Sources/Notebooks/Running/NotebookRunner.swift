package import Checking
import Foundation
import Interpreter
package import Numerics
package import Syntax

/// What became of a cell.
package struct CellResult: Sendable {
  package enum Status: Sendable, Equatable {
    case done
    /// It has errors; nothing of it ran.
    case erroneous
    case failed
    /// It failed as `error: allow` or `require` says it may.
    case failedAsAllowed
    /// It needs something that another cell did not give.
    case skipped(because: String)
  }
  package var cell: NotebookCell
  package var status: Status
  package var events: [CellEvent]
  package struct Export: Sendable, Equatable {
    package var name: String
    /// Of the value's canonical encoding.
    package var digest: Digest
  }
  /// What leaves the cell, by name.
  package var exports: [Export]
}

/// How the run of a notebook ended.
package enum NotebookOutcome: Sendable { case succeeded, failed, interrupted }

/// Checks a whole notebook, then runs its cells in document order.
package struct NotebookRunner {
  private struct CheckedCell {
    var cell: NotebookCell
    var unit: CheckedUnit
    var identity: String
    var names: CellNames
  }

  package let document: NotebookDocument
  let session: Session
  private var checked: [CheckedCell] = []

  /// Parses and checks every cell.
  package init(document: NotebookDocument, name: String, session: Session) {
    self.document = document
    self.session = session
    var occurrences: [String: Int] = [:]
    for cell in document.cells {
      let bytes = Array(document.source.bytes[cell.code.start..<cell.code.end])
      let title = "\(name), cell \(cell.label ?? String(cell.number))"
      let source = session.add(name: title, bytes: bytes, firstLine: cell.firstLine)
      let (tree, unit) = session.check(source, as: .cell)
      let identity = session.identity(label: cell.label, unit: unit, occurrences: &occurrences, tree: tree)
      checked.append(CheckedCell(cell: cell, unit: unit, identity: identity, names: CellNames(tree)))
    }
  }

  /// What must be said before anything runs: problems of the file, then errors of cells that may not fail.
  package var errors: [Diagnostic] {
    document.diagnostics
      + unsaid(checked.filter { $0.cell.errorPolicy == .none && $0.unit.hasErrors }.flatMap { $0.unit.diagnostics })
  }

  /// Without what the file's own diagnostics say already: bytes of a cell that are no text are bytes of the file.
  private func unsaid(_ diagnostics: [Diagnostic]) -> [Diagnostic] {
    guard document.diagnostics.contains(where: { $0.code == "N002" }) else { return diagnostics }
    return diagnostics.filter { $0.code != "S002" }
  }

  /// All errors and warnings that checking finds, in document order, and habits that invite mistakes.
  package var diagnostics: [Diagnostic] {
    let found = checked.flatMap { item -> [Diagnostic] in
      guard item.cell.errorPolicy != .none else { return item.unit.diagnostics }
      return item.unit.diagnostics.filter { $0.severity != .error }
    }
    return document.diagnostics + unsaid(found) + redefinitions
  }

  /// Names that a later cell defines again: well defined, since a name means the nearest definition above, but easy to
  /// overlook.
  private var redefinitions: [Diagnostic] {
    var first: [String: (span: SourceSpan, cell: Int)] = [:]
    var result: [Diagnostic] = []
    for item in checked {
      for name in item.names.defined {
        if let earlier = first[name.text], earlier.cell != item.cell.number {
          result.append(
            Diagnostic(
              "N022", .warning, "`\(name.text)` is defined again", at: name.span,
              labels: [.init(span: earlier.span, text: "defined here before")],
              help: "cells below this one see the new value; another name says which is meant"))
        }
        first[name.text] = (name.span, item.cell.number)
      }
    }
    return result
  }

  /// Runs the cells. Those that need what a failed one should have given are skipped; independent ones go on.
  ///
  /// Nothing runs while the file itself has an error: what its cells and its seed are is not certain then. An
  /// interruption ends the running cell and leaves out the rest.
  package func run(onCell: (NotebookCell) -> Void, onResult: (CellResult) -> Void) -> NotebookOutcome {
    if document.diagnostics.contains(where: { $0.severity == .error }) { return .failed }
    var outcome = NotebookOutcome.succeeded
    var lost = LostCells()
    for item in checked {
      let cell = item.cell
      func report(_ status: CellResult.Status, _ events: [CellEvent] = [], exports: [CellResult.Export] = []) {
        onResult(CellResult(cell: cell, status: status, events: events, exports: exports))
      }
      if outcome == .interrupted {
        report(.skipped(because: "the run was interrupted"))
        continue
      }
      if item.unit.hasErrors {
        lost.lose(item.unit, item.names, title: cell.title)
        if cell.errorPolicy == .none {
          outcome = .failed
          report(.erroneous)
        } else {
          report(.failedAsAllowed, item.unit.diagnostics.map { .diagnostic($0) })
        }
        continue
      }
      if let cause = lost.cause(item.unit, item.names, in: session.checker.table) {
        lost.lose(item.unit, item.names, title: cell.title)
        report(.skipped(because: cause))
        continue
      }
      lost.find(item.names)
      onCell(cell)
      var (events, exports, failed) = session.run(
        item.unit, identity: item.identity, seed: cell.seed.map { UInt64($0) })
      events = item.unit.diagnostics.map { .diagnostic($0) } + events
      if session.isInterrupted {
        lost.lose(item.unit, item.names, title: cell.title)
        outcome = .interrupted
        report(failed ? .failed : .done, events, exports: exports)
      } else if failed {
        lost.lose(item.unit, item.names, title: cell.title)
        if cell.errorPolicy == .none { outcome = .failed }
        report(cell.errorPolicy == .none ? .failed : .failedAsAllowed, events)
      } else if cell.errorPolicy == .require {
        outcome = .failed
        let diagnostic = Diagnostic(
          "N017", "the cell was to fail and did not", at: cell.errorSpan, help: "remove `//| error: require`")
        report(.failed, events + [.diagnostic(diagnostic)], exports: exports)
      } else {
        report(.done, events, exports: exports)
      }
    }
    return outcome
  }
}

/// Cells that gave nothing, and what of theirs is missing therefore.
private struct LostCells {
  /// Values that were checked but never computed, and code that may read them.
  private var globals: [GlobalID: String] = [:]
  private var functions: [FunctionID: String] = [:]
  private var models: [ModelID: String] = [:]
  /// Names whose nearest definition has an error: they resolve to nothing, so that only the text can tell the cause.
  private var names: [String: String] = [:]

  mutating func lose(_ unit: CheckedUnit, _ cell: CellNames, title: String) {
    for export in unit.exports { globals[export.global] = title }
    for function in unit.functions { functions[function] = title }
    for model in unit.models { models[model] = title }
    for name in cell.defined { names[name.text] = unit.hasErrors ? title : nil }
  }

  /// A cell that runs defines its names anew.
  mutating func find(_ cell: CellNames) {
    for name in cell.defined { names[name.text] = nil }
  }

  /// What a cell needs and does not get; nil if it can run.
  func cause(_ unit: CheckedUnit, _ cell: CellNames, in table: DeclarationTable) -> String? {
    func needs(_ name: String, _ title: String) -> String { "it needs `\(name)` of \(title)" }
    if let read = unit.reads.first(where: { globals[$0] != nil }), let title = globals[read] {
      return needs(table.globals[read.rawValue].name, title)
    }
    var result: String?
    var isBroken = false
    var pending = [unit.main] + unit.functions.map { table.functions[$0.rawValue] }
    pending += unit.models.map { table.models[$0.rawValue].function }
    while let function = pending.popLast() {
      TreeWalk.walk(function.body) { expression, _ in
        switch expression.kind {
        case .erroneous: isBroken = true
        case .closure(let closure): pending.append(closure.function)
        case .call(let id, _), .function(let id):
          if let title = functions[id] { result = result ?? needs(table.functions[id.rawValue].name, title) }
        case .model(let id, _):
          if let title = models[id] { result = result ?? needs(table.models[id.rawValue].name, title) }
        default: break
        }
      }
    }
    if let result { return result }
    guard isBroken else { return nil }
    guard let name = cell.mentioned.first(where: { names[$0] != nil }), let title = names[name] else {
      return "it needs something of a cell with errors"
    }
    return needs(name, title)
  }
}
