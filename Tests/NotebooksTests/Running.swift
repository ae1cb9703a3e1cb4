import Foundation
package import Interpreter
package import Notebooks
package import Rendering
import Synchronization
package import Syntax
import TestSupport

/// Runs notebooks over files in memory: the one place that knows how the runner is put together.
final class Running {
  struct Files: World {
    struct Missing: Error, CustomStringConvertible { var description: String { "no such file" } }
    var contents: [String: [UInt8]] = [:]
    var parameters: [String: String] = [:]
    var variables: [String: String] = [:]
    /// Whether the file `ticker` is another at every look.
    var isTicking = false
    private static let ticks = Atomic<Int>(0)
    func readFile(_ path: String) throws -> [UInt8] {
      if isTicking, path == "ticker" {
        return Array("\(Files.ticks.wrappingAdd(1, ordering: .relaxed).newValue)".utf8)
      }
      guard let bytes = contents[path] else { throw Missing() }
      return bytes
    }
    func fileExists(_ path: String) -> Bool { contents[path] != nil }
    func listDirectory(_ path: String) throws -> [String] { contents.keys.sorted() }
    func environment(_ name: String) -> String? { variables[name] }
    func parameter(_ name: String) -> String? { parameters[name] }
    func now() -> Double { 0 }
  }

  static let installation = Installation(
    stdlib: Checkout.root.appendingPathComponent("stdlib"), docs: Checkout.root.appendingPathComponent("docs/errors"))
  static let version = [0, 1, 0]
  /// Checked once for all tests. Nothing changes it.
  nonisolated(unsafe) static let library = Result { try PreparedLibrary(Running.installation) }

  var outcome = NotebookOutcome.succeeded
  var results: [CellResult] = []
  /// Said before anything runs.
  var errors: [Diagnostic] = []
  /// What `cairn check` says.
  var findings: [Diagnostic] = []
  let session: Session
  /// How often code was entered, and gradients were evaluated, by the run of the notebook.
  var entries = 0
  var gradients = 0
  /// Identities of the cells, in document order.
  var identities: [String] = []

  /// All diagnostics: of checking first, then of running.
  var diagnostics: [Diagnostic] { findings + failures }
  /// Diagnostics of running.
  var failures: [Diagnostic] {
    results.flatMap { result in
      result.events.compactMap { if case .diagnostic(let diagnostic) = $0 { diagnostic } else { nil } }
    }
  }
  /// Shown texts by cell.
  var texts: [[String]] {
    results.map { result in
      result.events.compactMap { event in
        guard case .output(.text(let text)) = event, result.cell.shows(event) else { return nil }
        return text
      }
    }
  }
  var statuses: [CellResult.Status] { results.map(\.status) }

  init(
    _ text: String, files: [String: String] = [:], environment: [String: String] = [:], seed: UInt64? = nil,
    isTicking: Bool = false, caching: Caching? = nil, cancellation: Cancellation = Cancellation(),
    whileRunning: (CellResult) -> Void = { _ in }
  ) throws {
    let library = try Running.library.get()
    var sources = library.sources
    let source = sources.add(name: "page.nb.md", bytes: Array(text.utf8))
    let document = NotebookParser.parse(source, version: Running.version)
    let world = Files(
      contents: files.mapValues { Array($0.utf8) }, parameters: document.frontMatter.parameters, variables: environment,
      isTicking: isTicking)
    session = try Session(
      library: library, sources: sources, world: world, threads: 2,
      seed: seed ?? UInt64(max(0, document.frontMatter.seed ?? 0)), cancellation: cancellation)
    let runner = NotebookRunner(document: document, name: "page", session: session, caching: caching)
    errors = runner.errors
    findings = runner.diagnostics
    identities = runner.identities
    let entriesBefore = session.machine.entryCount
    outcome = runner.run(
      onCell: { _ in },
      onResult: {
        results.append($0)
        whileRunning($0)
      })
    entries = session.machine.entryCount - entriesBefore
    gradients = session.machine.work.gradients
  }

  /// Diagnostics as the terminal shows them.
  func rendered(_ diagnostics: [Diagnostic]) -> String {
    diagnostics.map { DiagnosticRenderer().text($0, session.sources) + "\n" }.joined()
  }
}
