import ArgumentParser
import Checking
import Foundation
import Interpreter
import Modeling
import Notebooks
import Rendering
import Syntax

/// Reads a file, or says why it cannot be read.
enum InputFile {
  static func read(_ path: String) -> Result<[UInt8], DiagnosticError> {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      return .failure(
        DiagnosticError(Diagnostic("N001", "there is no file `\(path)`", at: nil, help: "check the name")))
    }
    guard !isFolder.boolValue else {
      return .failure(DiagnosticError(Diagnostic("N001", "`\(path)` is a folder", at: nil, help: "name a file in it")))
    }
    guard let data = FileManager.default.contents(atPath: path) else {
      return .failure(
        DiagnosticError(Diagnostic("N001", "`\(path)` cannot be read", at: nil, help: "check its permissions")))
    }
    return .success(Array(data))
  }

  static func name(_ path: String) -> String {
    let last = URL(fileURLWithPath: path).lastPathComponent
    return last.hasSuffix(".nb.md") ? String(last.dropLast(6)) : last
  }

  static func folder(_ path: String) -> URL { URL(fileURLWithPath: path).deletingLastPathComponent() }
}

/// A notebook file, checked and ready to run.
struct LoadedNotebook {
  let session: Session
  var runner: NotebookRunner
  let document: NotebookDocument
  let store: CacheStore?
  let place: CachePlace
  let world: ProjectWorld
  let folder: URL
  let engine: EngineIdentity
  /// Of the run, by name.
  let parameters: [String: String]

  struct Settings {
    var seed: UInt64?
    var threads = 1
    /// `--param` by name.
    var parameters: [String: String] = [:]
    var audit = 0.0
    var isParanoid = false
    var usesCache = true
  }

  /// - Throws: ``DiagnosticError`` where the file, the library or a parameter cannot be used.
  init(_ file: String, _ settings: Settings, cancellation: Cancellation = Cancellation()) throws {
    let bytes = try InputFile.read(file).get()
    var sources = SourceMap()
    let source = sources.add(name: URL(fileURLWithPath: file).lastPathComponent, bytes: bytes)
    document = NotebookParser.parse(source, version: programVersion)
    var parameters = document.frontMatter.parameters
    for (name, value) in settings.parameters.sorted(by: { $0.key < $1.key }) {
      guard parameters[name] != nil else {
        throw DiagnosticError(
          Diagnostic(
            "N030", "the notebook has no parameter `\(name)`", at: nil,
            help: Nearest.suggest(name, parameters.keys.sorted()).map { "did you mean `\($0)`?" }
              ?? "name it under `params:` in the front matter"))
      }
      parameters[name] = value
    }
    self.parameters = parameters
    folder = InputFile.folder(file)
    place = CachePlace(of: file)
    let installation = try Installation.find()
    store =
      settings.usesCache
      ? CacheStore(
        folder: place.folder, checkpointInterval: TestFaults.checkpointInterval, atStep: TestFaults.atStep)
      : nil
    world = ProjectWorld(
      folder: InputFile.folder(file), parameters: parameters, store: store, isParanoid: settings.isParanoid)
    session = try Session(
      installation: installation, world: world, sources: sources, threads: settings.threads,
      seed: settings.seed ?? UInt64(max(0, document.frontMatter.seed ?? 0)), cancellation: cancellation)
    var caching: Caching?
    engine = EngineIdentity(
      registry: session.engine.registry, isDevelopment: installation.isCheckout, numericClass: Engine.numericClass)
    if let store, store.isOpen {
      var with = Caching(store: store, engine: engine, notebook: place.name)
      with.audit = settings.audit
      with.parameters = parameters
      caching = with
    }
    runner = NotebookRunner(document: document, name: InputFile.name(file), session: session, caching: caching)
  }
}

extension LoadedNotebook {
  /// What a reader sees of a cell, under the name by which snapshots know it.
  static func shown(_ result: CellResult) -> (name: String, outputs: [OutputEvent]) {
    let outputs = result.events.compactMap { event -> OutputEvent? in
      if case .output(let output) = event, result.cell.shows(event) { output } else { nil }
    }
    return (result.cell.label ?? "\(result.cell.number)", outputs)
  }

  /// What a reader sees of all cells, then of the values in the text in their order.
  static func shown(_ results: [CellResult]) -> [(name: String, outputs: [OutputEvent])] {
    let values = results.filter { $0.cell.inline != nil }
    return results.filter { $0.cell.inline == nil }.map { shown($0) }
      + values.enumerated().map { index, result in
        ("value.\(index + 1)", InlineValues.text(of: result).map { [.text($0)] } ?? [])
      }
  }
}

struct NotebookCommand {
  let file: String
  let options: RunOptions
  let settings: LoadedNotebook.Settings
  var showsFacts = true
  /// Whether what is shown is written to `NAME.out/`.
  var writesSnapshot = false
  let terminal: Terminal

  func run() -> Int32 {
    do {
      let start = ContinuousClock.now
      let cancellation = Cancellation()
      let notebook = try LoadedNotebook(file, settings, cancellation: cancellation)
      let session = notebook.session
      let interrupts = Interrupts(cancellation)
      defer { withExtendedLifetime(interrupts) {} }
      session.machine.onProgress = { terminal.progress($0) }
      if let title = notebook.document.frontMatter.title, !options.quiet { terminal.heading(title) }
      // All errors first: nothing wrong runs long.
      for diagnostic in notebook.runner.errors { terminal.show(diagnostic, session.sources) }
      var counts: [CellResult.Source: Int] = [:]
      var results: [CellResult] = []
      let outcome = notebook.runner.run(
        onCell: { TestFaults.note("begin \($0.number)") },
        onResult: {
          TestFaults.note("end \($0.cell.number)")
          // Several values of one line have one title, and one reason to be skipped.
          let before = results.last
          let isRepeated =
            $0.cell.inline != nil && $0.status.isSkipped && before?.cell.title == $0.cell.title
            && before?.status.isSkipped == true
          if !isRepeated { show($0, session) }
          results.append($0)
          if case .skipped = $0.status { return }
          if $0.cell.inline != nil { return }
          if $0.status != .erroneous { counts[$0.source, default: 0] += 1 }
        })
      terminal.endProgress()
      for notice in (notebook.store?.takeNotices() ?? []) + EngineBackend.takeNotices() { terminal.notice(notice) }
      if showsFacts, !options.quiet { terminal.facts(counts, start.duration(to: .now)) }
      notebook.store?.close()
      if writesSnapshot, outcome == .succeeded {
        let folder = Snapshot.folder(of: file)
        let outputs = LoadedNotebook.shown(results)
        try Snapshot(outputs).write(folder, outputs: outputs)
        terminal.notice("the snapshot is in \(folder.lastPathComponent)")
      }
      switch outcome {
      case .succeeded: return 0
      case .failed: return 1
      case .interrupted: return 130
      }
    } catch { return terminal.fail(error) }
  }

  private func show(_ result: CellResult, _ session: Session) {
    terminal.endProgress()
    // A value in the text is shown where the text is: here its troubles alone.
    if result.cell.inline != nil {
      let troubles = result.events.filter { if case .diagnostic = $0 { true } else { false } }
      if case .skipped(let cause) = result.status {
        terminal.line("\(result.cell.title) is skipped: \(cause)")
      } else if !troubles.isEmpty {
        terminal.heading("── \(result.cell.title)")
        for event in troubles { terminal.show(event, session.sources) }
      }
      return
    }
    let badge = result.source == .pinned ? " (pinned)" : ""
    let title = result.cell.name + badge
    let events = result.events.filter { result.cell.shows($0) }
    switch result.status {
    case .skipped(let cause):
      terminal.heading("── \(title)")
      terminal.line("skipped: \(cause)")
      return
    case .erroneous:
      terminal.heading("── \(title)")
      terminal.line("not run: it has errors, shown above")
      return
    case .done, .failed, .failedAsAllowed: break
    }
    if events.isEmpty { return }
    if !options.quiet { terminal.heading("── \(title)") }
    for event in events { terminal.show(event, session.sources) }
  }
}

/// `cairn check`: the text first; then, where that is sound, a run over the cache, compared with the snapshot.
struct CheckCommand {
  let file: String
  /// Whether only the text is checked.
  let isStatic: Bool
  /// Whether every figure needs a caption and a text alternative of its author's.
  var isStrict = false
  let terminal: Terminal

  func run() -> Int32 {
    do {
      return file.hasSuffix(".md") ? try checkNotebook() : try checkScript()
    } catch { return terminal.fail(error) }
  }

  private func checkScript() throws -> Int32 {
    let bytes = try InputFile.read(file).get()
    let session = try Session(
      installation: try Installation.find(), world: ProjectWorld(folder: InputFile.folder(file)), threads: 1)
    let source = session.add(name: URL(fileURLWithPath: file).lastPathComponent, bytes: bytes)
    let diagnostics = session.check(source, as: .script).unit.diagnostics
    for diagnostic in diagnostics { terminal.show(diagnostic, session.sources) }
    return conclude(diagnostics, cells: 0)
  }

  private func checkNotebook() throws -> Int32 {
    var settings = LoadedNotebook.Settings(threads: ProcessInfo.processInfo.activeProcessorCount)
    settings.usesCache = !isStatic
    let notebook = try LoadedNotebook(file, settings)
    var diagnostics = notebook.runner.diagnostics + notebook.textProblems
    for diagnostic in diagnostics { terminal.show(diagnostic, notebook.session.sources) }
    if !isStatic, !diagnostics.contains(where: { $0.severity == .error }) {
      let found = try rederive(notebook)
      for diagnostic in found { terminal.show(diagnostic, notebook.session.sources) }
      diagnostics += found
    }
    for notice in (notebook.store?.takeNotices() ?? []) + EngineBackend.takeNotices() { terminal.notice(notice) }
    notebook.store?.close()
    return conclude(diagnostics, cells: notebook.document.cells.count)
  }

  /// Runs what is stale, and says what a fresh run shows otherwise than the committed snapshot.
  private func rederive(_ notebook: LoadedNotebook) throws -> [Diagnostic] {
    let interrupts = Interrupts(notebook.session.machine.cancellation)
    defer { withExtendedLifetime(interrupts) {} }
    notebook.session.machine.onProgress = { terminal.progress($0) }
    var found: [Diagnostic] = []
    let known = notebook.runner.diagnostics
    var results: [CellResult] = []
    let outcome = notebook.runner.run(onCell: { _ in }, onResult: { results.append($0) })
    terminal.endProgress()
    if outcome == .interrupted {
      return [Diagnostic("R080", "the check was interrupted", at: nil, help: "run it again: it goes on from there")]
    }
    for result in results {
      let place = result.cell.errorSpan
      if result.source == .pinned {
        found.append(
          Diagnostic(
            "N034", "\(result.cell.title) is pinned: it shows an old result", at: place,
            help: "remove `//| cache: pin`, so that it runs when what it reads changes"))
      }
      guard result.cell.errorPolicy == .none || result.status == .failed else { continue }
      for case .diagnostic(let diagnostic) in result.events
      where diagnostic.severity == .error || diagnostic.code == "R019" {
        // A rung of the validation ladder that does not hold is a warning of the run and an error of the check.
        var shown = diagnostic
        shown.severity = .error
        found.append(shown)
      }
      // What a run warns of; text alone gives the other warnings, which were shown before.
      for case .diagnostic(let diagnostic) in result.events
      where diagnostic.severity == .warning && diagnostic.code != "R019" && !known.contains(diagnostic) {
        found.append(diagnostic)
      }
    }
    if isStrict { found += ProseCheck.strict(results) }
    let folder = Snapshot.folder(of: file)
    let kept: Snapshot?
    do { kept = try Snapshot.read(folder) } catch {
      return found + [
        Diagnostic(
          "N035", "the snapshot `\(folder.lastPathComponent)` cannot be read", at: nil,
          help: "write it anew with `cairn run --snapshot`")
      ]
    }
    guard let kept else { return found }
    let today = Snapshot(LoadedNotebook.shown(results))
    for line in kept.differences(from: today, tolerance: notebook.document.frontMatter.tolerance) {
      found.append(
        Diagnostic(
          "N036", "the snapshot is stale: \(line)", at: nil,
          help: "if the new result is right, write it anew with `cairn run --snapshot`"))
    }
    return found
  }

  private func conclude(_ diagnostics: [Diagnostic], cells: Int) -> Int32 {
    let errors = diagnostics.filter { $0.severity == .error }.count
    let warnings = diagnostics.filter { $0.severity == .warning }.count
    let what = cells > 0 ? "\(cells) cell\(cells == 1 ? "" : "s"), " : ""
    terminal.line(
      "\(InputFile.name(file)): \(what)\(errors) error\(errors == 1 ? "" : "s"), \(warnings) warning\(warnings == 1 ? "" : "s")"
    )
    return errors == 0 ? 0 : 1
  }
}

enum ScriptCommand {
  static func run(file: String, options: RunOptions, terminal: Terminal) throws {
    switch InputFile.read(file) {
    case .failure(let error):
      terminal.show(error.diagnostic, SourceMap())
      throw ExitCode(1)
    case .success(let bytes):
      try run(
        name: URL(fileURLWithPath: file).lastPathComponent, bytes: bytes, folder: InputFile.folder(file),
        options: options,
        terminal: terminal)
    }
  }

  static func run(text: String, options: RunOptions, terminal: Terminal) throws {
    try run(
      name: "-e", bytes: Array(text.utf8), folder: URL(fileURLWithPath: FileManager.default.currentDirectoryPath),
      options: options, terminal: terminal)
  }

  private static func run(
    name: String, bytes: [UInt8], folder: URL, options: RunOptions, terminal: Terminal
  ) throws {
    do {
      let cancellation = Cancellation()
      let session = try Session(
        installation: try Installation.find(), world: ProjectWorld(folder: folder), threads: options.threadCount,
        seed: options.seed ?? 0, cancellation: cancellation)
      let interrupts = Interrupts(cancellation)
      defer { withExtendedLifetime(interrupts) {} }
      session.machine.onProgress = { terminal.progress($0) }
      let source = session.add(name: name, bytes: bytes)
      let (tree, unit) = session.check(source, as: .script)
      for diagnostic in unit.diagnostics { terminal.show(diagnostic, session.sources) }
      if unit.hasErrors { throw ExitCode(1) }
      session.onEvent = { terminal.show($0, session.sources) }
      var occurrences: [String: Int] = [:]
      let identity = session.identity(label: "script", unit: unit, occurrences: &occurrences, tree: tree)
      let failed = session.run(unit, identity: identity).failed
      terminal.endProgress()
      if failed { throw ExitCode(1) }
    } catch let error as DiagnosticError {
      terminal.show(error.diagnostic, SourceMap())
      throw ExitCode(1)
    }
  }
}
