package import Checking
import Foundation
package import Interpreter
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

    package var isSkipped: Bool { if case .skipped = self { true } else { false } }
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
  /// Where it came from.
  package var source = Source.ran
  /// How long it took, now or when it ran; nil where it did not run and that is not known.
  package var seconds: Double?
  /// The most memory that the process held while it ran, in bytes; nil where it did not run, or where that is not known.
  package var peakMemory: Int?
  /// Whether it always runs: it asked for the time, or says `cache: never`.
  package var isVolatile = false

  package enum Source: Sendable, Equatable {
    case ran
    /// A run that read the same gave it before.
    case cached
    /// `cache: pin` kept it.
    case pinned
  }
}

/// How a run uses what earlier runs kept.
package struct Caching {
  package var store: CacheStore
  package var engine: EngineIdentity
  /// What the notebook is called in the store.
  package var notebook: String
  /// The share of found cells that run nevertheless and are compared, from 0 to 1.
  package var audit = 0.0
  /// Parameters of the run, by name.
  package var parameters: [String: String] = [:]
  package var switches: CacheSwitches = []

  package init(store: CacheStore, engine: EngineIdentity, notebook: String) {
    self.store = store
    self.engine = engine
    self.notebook = notebook
  }
}

/// How the run of a notebook ended.
package enum NotebookOutcome: Sendable { case succeeded, failed, interrupted }

/// Checks a whole notebook, then runs its cells in document order.
package struct NotebookRunner {
  struct CheckedCell {
    var cell: NotebookCell
    var unit: CheckedUnit
    var identity: String
    var names: CellNames
  }

  package let document: NotebookDocument
  let session: Session
  private(set) var checked: [CheckedCell] = []
  let caching: Caching?
  let cache: CellCache?
  /// Whether cells that say `.slow` are left out where they would have to run.
  package var skipsSlowCells = false

  /// Parses and checks every cell.
  package init(document: NotebookDocument, name: String, session: Session, caching: Caching? = nil) {
    self.document = document
    self.session = session
    self.caching = caching
    var occurrences: [String: Int] = [:]
    let items = (document.cells + document.inlineValues).sorted { $0.whole.start < $1.whole.start }
    for cell in items {
      let bytes = Array(document.source.bytes[cell.code.start..<cell.code.end])
      let title = cell.inline == nil ? "\(name), cell \(cell.label ?? String(cell.number))" : "\(name), text"
      let source = session.add(name: title, bytes: bytes, firstLine: cell.firstLine)
      let (tree, checked) = session.check(source, as: .cell)
      let unit = cell.inline == nil ? checked : InlineValues.restricted(checked, tree, cell)
      let identity = session.identity(label: cell.label, unit: unit, occurrences: &occurrences, tree: tree)
      self.checked.append(CheckedCell(cell: cell, unit: unit, identity: identity, names: CellNames(tree)))
    }
    cache = caching.map { caching in
      CellCache(
        store: caching.store, index: CodeIndex(session.checker.table, units: session.units),
        world: session.recordingWorld, engine: caching.engine, notebook: caching.notebook, machine: session.machine,
        libraryValues: session.libraryValues, switches: caching.switches)
    }
    session.machine.globalSource = { [cache] in try cache?.value(of: $0) }
    session.machine.results = caching.map { KeptResults(store: $0.store, engine: $0.engine) }
  }

  /// What the store and random streams know each cell by, in document order.
  package var identities: [String] { checked.map(\.identity) }

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
    var history: [(cell: String, words: String)] = []
    // Cells that ran in this run, by the bindings that they gave.
    var fresh: Set<GlobalID> = []
    for item in checked {
      let cell = item.cell
      func report(
        _ status: CellResult.Status, _ events: [CellEvent] = [], exports: [CellResult.Export] = [],
        source: CellResult.Source = .ran, facts: Execution? = nil, seconds: Double? = nil
      ) {
        onResult(
          CellResult(
            cell: cell, status: status, events: events, exports: exports, source: source,
            seconds: facts?.seconds ?? seconds, peakMemory: facts?.peakMemory,
            isVolatile: (facts?.isVolatile ?? false) || cell.cachePolicy == .never))
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
      let search = find(item)
      history.append((item.identity, words(search, item, fresh)))
      if case .found(let found) = search {
        if found.source == .cached, isAudited(), let different = audit(item, found) {
          outcome = session.isInterrupted ? .interrupted : .failed
          report(.failed, found.events + [.diagnostic(different)], exports: found.exports, source: .cached)
          continue
        }
        let problem = InlineValues.problem(cell, found.events)
        if problem != nil { outcome = .failed }
        report(
          problem == nil ? .done : .failed,
          item.unit.diagnostics.map { .diagnostic($0) } + found.events
            + [problem].compactMap { $0 }.map { .diagnostic($0) },
          exports: found.exports, source: found.source, seconds: found.seconds)
        continue
      }
      if skipsSlowCells, cell.flags.contains(.slow) {
        lost.lose(item.unit, item.names, title: cell.title)
        report(.skipped(because: "it is `.slow`, which a live view leaves to `cairn run`"))
        continue
      }
      onCell(cell)
      let ran = execute(item)
      for export in item.unit.exports { fresh.insert(export.global) }
      let events = item.unit.diagnostics.map { CellEvent.diagnostic($0) } + ran.events
      if session.isInterrupted {
        lost.lose(item.unit, item.names, title: cell.title)
        outcome = .interrupted
        report(ran.failed ? .failed : .done, events, exports: ran.exports, facts: ran)
      } else if ran.failed {
        lost.lose(item.unit, item.names, title: cell.title)
        if cell.errorPolicy == .none { outcome = .failed }
        report(cell.errorPolicy == .none ? .failed : .failedAsAllowed, events, facts: ran)
      } else if cell.errorPolicy == .require {
        outcome = .failed
        let diagnostic = Diagnostic(
          "N017", "the cell was to fail and did not", at: cell.errorSpan, help: "remove `//| error: require`")
        report(.failed, events + [.diagnostic(diagnostic)], exports: ran.exports, facts: ran)
      } else if let diagnostic = InlineValues.problem(cell, ran.events) {
        outcome = .failed
        report(.failed, events + [.diagnostic(diagnostic)], exports: ran.exports, facts: ran)
      } else {
        report(.done, events, exports: ran.exports, facts: ran)
      }
    }
    if let caching {
      caching.store.recordRun(
        notebook: caching.notebook, parameters: parameterBytes, isWhole: outcome == .succeeded, words: history)
    }
    return outcome
  }
}

// MARK: - Running and finding cells

extension NotebookRunner {
  struct Found {
    var events: [CellEvent]
    var exports: [CellResult.Export]
    var source: CellResult.Source
    /// What the stored run had read.
    var reads: [ObservedRead]
    /// How long it had taken.
    var seconds: Double?
  }

  /// A cell that ran.
  struct Execution {
    var events: [CellEvent]
    var exports: [CellResult.Export]
    var failed: Bool
    var seconds: Double
    var peakMemory: Int?
    var isVolatile = false
  }

  enum Search {
    case found(Found)
    /// The cell runs; how long it took last time, where that is known.
    case runs(MissReason, seconds: Double?)
  }

  // MARK: - Finding

  private func seed(_ cell: NotebookCell) -> UInt64 { cell.seed.map { UInt64($0) } ?? session.machine.seedRoot }

  /// Parameters and seed: what tells runs of one notebook apart.
  private var parameterBytes: [UInt8] {
    var encoder = ValueEncoder.record()
    encoder.write(Int(bitPattern: UInt(session.machine.seedRoot)))
    for (name, value) in (caching?.parameters ?? [:]).sorted(by: { $0.key < $1.key }) { encoder.write([name, value]) }
    return encoder.finish()
  }

  /// What the cell gave before, where that still holds.
  func find(_ item: CheckedCell) -> Search {
    guard let cache, let caching, item.cell.cachePolicy != .never, item.cell.errorPolicy != .require else {
      return .runs(.notKept, seconds: nil)
    }
    func found(
      _ manifest: CellManifest, _ events: [CellEvent], _ source: CellResult.Source, _ reads: [ObservedRead],
      seconds: Double? = nil
    ) -> Search {
      cache.adopt(manifest, of: item.unit)
      let exports = manifest.exports.map { CellResult.Export(name: $0.name, digest: $0.digest) }
      return .found(Found(events: events, exports: exports, source: source, reads: reads, seconds: seconds))
    }
    let lookup = cache.lookup(
      item.unit, options: item.cell.options, identity: item.identity, seed: seed(item.cell))
    switch lookup {
    case .hit(let manifest, let events, let trace, let reads):
      caching.store.noteUse(of: trace.id)
      return found(manifest, events, .cached, reads, seconds: trace.seconds)
    case .miss(let reason, let seconds):
      if item.cell.cachePolicy == .pin, let pinned = cache.pinned(item.unit, identity: item.identity) {
        return found(pinned.manifest, pinned.events, .pinned, [])
      }
      return .runs(reason, seconds: seconds)
    }
  }

  // MARK: - Auditing

  /// Whether a found cell is run again to compare: a random share of them is.
  private func isAudited() -> Bool {
    guard let share = caching?.audit, share > 0 else { return false }
    return Double.random(in: 0..<1) < share
  }

  /// Runs a found cell and says what it gives otherwise than before; nil where all is the same.
  private func audit(_ item: CheckedCell, _ found: Found) -> Diagnostic? {
    // Neither the fits that are kept nor the run that is checked may answer for themselves.
    let results = session.machine.results
    session.machine.results = nil
    defer { session.machine.results = results }
    let ran = execute(item, isKept: false)
    if session.isInterrupted { return Diagnostic("R080", "the run was interrupted", at: nil) }
    func encoded(_ events: [CellEvent]) -> [UInt8] {
      guard let cache else { return [] }
      var places = PlaceCodec(cache.index, own: item.unit)
      var encoder = ValueEncoder.record()
      encoder.write(CellManifest(exports: [], events: events.map { places.stored($0) }))
      return encoder.finish()
    }
    let changed = zip(found.exports, ran.exports).filter { $0 != $1 }.map { "`\($0.0.name)`" }
    guard ran.failed || !changed.isEmpty || encoded(found.events) != encoded(ran.events) else { return nil }
    return Diagnostic(
      "N033", "\(item.cell.title) gives something else than the cache holds", at: item.cell.errorSpan,
      found: ran.failed
        ? "it fails now" : (changed.isEmpty ? "another output" : "other values of \(changed.joined(separator: ", "))"),
      help: "run with `--no-cache`, and report this: it should not happen")
  }

  // MARK: - Running

  /// Runs a cell, and again when a value that an earlier run had kept turned out to be gone: the cell that defines it
  /// runs first then.
  ///
  /// - Parameter isKept: Whether what it gives is kept for later runs, where it may be.
  private func execute(_ item: CheckedCell, isKept: Bool = true) -> Execution {
    let seed = item.cell.seed.map { UInt64($0) }
    let start = ContinuousClock.now
    var seconds: Double {
      let elapsed = start.duration(to: .now)
      return elapsed.inSeconds
    }
    ProcessMemory.resetPeak()
    guard let cache else {
      let run = session.run(item.unit, identity: item.identity, seed: seed)
      return Execution(
        events: run.events, exports: run.exports, failed: run.failed, seconds: seconds, peakMemory: ProcessMemory.peak)
    }
    var recomputed: Set<GlobalID> = []
    while true {
      let observation = cache.begin(item.unit)
      let run = session.evaluate(item.unit, identity: item.identity, seed: seed)
      let lost = cache.takeLost().filter { recomputed.insert($0).inserted }
      if !lost.isEmpty, !session.isInterrupted {
        session.machine.observer = nil
        runDefiners(of: lost)
        continue
      }
      let isKept =
        isKept && !run.failed && !session.isInterrupted && item.cell.cachePolicy != .never
        && item.cell.errorPolicy != .require
      let exports = cache.finish(
        observation, of: item.unit, options: item.cell.options, identity: item.identity, seed: self.seed(item.cell),
        values: run.values, events: run.events, isKept: isKept, isRead: isReadLater)
      return Execution(
        events: run.events, exports: exports, failed: run.failed, seconds: seconds, peakMemory: ProcessMemory.peak,
        isVolatile: session.recordingWorld.finish().isVolatile)
    }
  }

  /// The value of a binding after the run; a cell whose value was not kept, since no other reads it, runs again.
  package func value(of global: GlobalID) -> Value? {
    var recomputed: Set<GlobalID> = []
    while true {
      if let value = try? session.machine.global(global) { return value }
      let lost = (cache?.takeLost() ?? []).filter { recomputed.insert($0).inserted }
      guard !lost.isEmpty, !session.isInterrupted else { return nil }
      runDefiners(of: lost)
    }
  }

  private func runDefiners(of lost: [GlobalID]) {
    for global in lost {
      if let definer = checked.first(where: { $0.unit.exports.contains { $0.global == global } }) {
        _ = execute(definer)
      }
    }
  }

  /// Whether some cell may read the binding.
  private func isReadLater(_ global: GlobalID) -> Bool { checked.contains { $0.unit.reads.contains(global) } }
}
