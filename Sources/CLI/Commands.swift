import ArgumentParser
import Checking
import Foundation
import Interpreter
import Modeling
import Notebooks
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
  let runner: NotebookRunner
  let document: NotebookDocument
  let store: CacheStore?
  let place: CachePlace

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
    place = CachePlace(of: file)
    let installation = try Installation.find()
    store = settings.usesCache ? CacheStore(folder: place.folder, atStep: TestFaults.atStep) : nil
    let world = ProjectWorld(
      folder: InputFile.folder(file), parameters: parameters, store: store, isParanoid: settings.isParanoid)
    session = try Session(
      installation: installation, world: world, sources: sources, threads: settings.threads,
      seed: settings.seed ?? UInt64(max(0, document.frontMatter.seed ?? 0)), cancellation: cancellation)
    var caching: Caching?
    if let store, store.isOpen {
      let engine = EngineIdentity(
        registry: session.engine.registry, isDevelopment: installation.isCheckout,
        numericClass: "reference")
      var with = Caching(store: store, engine: engine, notebook: place.name)
      with.audit = settings.audit
      caching = with
    }
    runner = NotebookRunner(document: document, name: InputFile.name(file), session: session, caching: caching)
  }
}

struct NotebookCommand {
  let file: String
  let options: RunOptions
  let settings: LoadedNotebook.Settings
  var showsFacts = true
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
      let outcome = notebook.runner.run(
        onCell: { _ in },
        onResult: {
          show($0, session)
          if case .skipped = $0.status { return }
          if $0.status != .erroneous { counts[$0.source, default: 0] += 1 }
        })
      terminal.endProgress()
      for notice in notebook.store?.takeNotices() ?? [] { terminal.notice(notice) }
      if showsFacts, !options.quiet { terminal.facts(counts, start.duration(to: .now)) }
      notebook.store?.close()
      switch outcome {
      case .succeeded: return 0
      case .failed: return 1
      case .interrupted: return 130
      }
    } catch let error as DiagnosticError {
      terminal.show(error.diagnostic, SourceMap())
      return 1
    } catch {
      terminal.line("cairn: \(error)")
      return 1
    }
  }

  private func show(_ result: CellResult, _ session: Session) {
    terminal.endProgress()
    let badge = result.source == .pinned ? " (pinned)" : ""
    let title = (result.cell.label ?? "cell \(result.cell.number)") + badge
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

struct CheckCommand {
  let file: String
  let terminal: Terminal

  func run() -> Int32 {
    do {
      let bytes = try InputFile.read(file).get()
      let session = try Session(
        installation: try Installation.find(), world: ProjectWorld(folder: InputFile.folder(file)), threads: 1)
      let source = session.add(name: URL(fileURLWithPath: file).lastPathComponent, bytes: bytes)
      let diagnostics: [Diagnostic]
      var cells = 0
      if file.hasSuffix(".md") {
        let document = NotebookParser.parse(source, version: programVersion)
        let runner = NotebookRunner(document: document, name: InputFile.name(file), session: session)
        diagnostics = runner.diagnostics
        cells = document.cells.count
      } else {
        diagnostics = session.check(source, as: .script).unit.diagnostics
      }
      for diagnostic in diagnostics { terminal.show(diagnostic, session.sources) }
      let errors = diagnostics.filter { $0.severity == .error }.count
      let warnings = diagnostics.filter { $0.severity == .warning }.count
      let what = cells > 0 ? "\(cells) cell\(cells == 1 ? "" : "s"), " : ""
      terminal.line(
        "\(InputFile.name(file)): \(what)\(errors) error\(errors == 1 ? "" : "s"), \(warnings) warning\(warnings == 1 ? "" : "s")"
      )
      return errors == 0 ? 0 : 1
    } catch let error as DiagnosticError {
      terminal.show(error.diagnostic, SourceMap())
      return 1
    } catch {
      terminal.line("cairn: \(error)")
      return 1
    }
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
