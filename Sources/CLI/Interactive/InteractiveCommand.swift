import Foundation
import Interpreter
import Modeling
import Notebooks
import Rendering
import Synchronization
import Syntax

/// Bare `cairn`: entries are read, run and shown until the input ends.
final class InteractiveCommand {
  private let terminal: Terminal
  private let options: RunOptions
  private let interrupts = SessionInterrupts()
  private var session: InteractiveSession
  private var history: History
  private var editor: any LineEditor
  private let isInteractive: Bool
  private let folder: URL
  private var showsTime = false
  private var lastLoaded: String?
  private var hasFailed = false
  /// Lines of a long output that are not shown yet.
  private var rest: [Substring] = []

  /// Outputs with more lines than this are shown in parts on a terminal.
  private static let pageLimit = 400
  /// Entries that take longer than this say so, in seconds.
  private static let timeLimit = 1.0

  /// - Throws: ``DiagnosticError`` where the library cannot be read.
  init(options: RunOptions, terminal: Terminal) throws {
    self.options = options
    self.terminal = terminal
    folder = URL(fileURLWithPath: FileManager.default.currentDirectoryPath)
    isInteractive = isatty(STDIN_FILENO) == 1 && terminal.isTerminal
    session = try InteractiveCommand.makeSession(options, folder, terminal)
    history = History(InteractiveCommand.historyFile(folder))
    editor = PlainEditor(isPrompting: isInteractive)
    guard isInteractive, ProcessInfo.processInfo.environment["TERM"] != "dumb" else { return }
    editor = ReadlineEditor(
      usesColor: terminal.usesColor, interrupts: interrupts.descriptor, history: history.entries,
      complete: { [unowned self] in session.completion($0, at: $1) })
  }

  /// In the project's `.cairn`, else where programs of the user keep their state (XDG Base Directory Specification).
  private static func historyFile(_ folder: URL) -> URL {
    let place = CachePlace(of: folder.appendingPathComponent("session").path)
    if place.isProject { return place.folder.appendingPathComponent("history") }
    let environment = ProcessInfo.processInfo.environment
    let state =
      environment["XDG_STATE_HOME"].flatMap { $0.hasPrefix("/") ? URL(fileURLWithPath: $0) : nil }
      ?? FileManager.default.homeDirectoryForCurrentUser.appendingPathComponent(".local/state")
    return state.appendingPathComponent("cairn/history")
  }

  private static func makeSession(
    _ options: RunOptions, _ folder: URL, _ terminal: Terminal
  ) throws -> InteractiveSession {
    let installation = try Installation.find()
    let place = CachePlace(of: folder.appendingPathComponent("session").path)
    // A session outside of any project leaves nothing behind in the folder that it was begun in.
    let store =
      place.isProject
      ? CacheStore(
        folder: place.folder, checkpointInterval: TestFaults.checkpointInterval, atStep: TestFaults.atStep)
      : nil
    let seed = options.seed ?? 0
    let session = try Session(
      installation: installation, world: ProjectWorld(folder: folder, store: store), threads: options.threadCount,
      seed: seed)
    session.machine.onProgress = { terminal.progress($0) }
    let engine = EngineIdentity(
      registry: session.engine.registry, isDevelopment: installation.isCheckout, numericClass: Engine.numericClass)
    return InteractiveSession(session: session, folder: folder, seed: seed, store: store, engine: engine)
  }

  /// - Returns: The exit status: 1 where an entry of a pipe failed.
  func run() -> Int32 {
    interrupts.onEvaluation = { [session] in session.session.machine.cancellation.cancel() }
    if isInteractive {
      terminal.line(
        "Cairn \(programVersion.map(String.init).joined(separator: ".")). `:help` for help, Ctrl-D to leave.")
      if history.leftOut > 0 {
        terminal.notice("\(history.leftOut) lines of the history could not be read and were left out")
      }
    }
    loop: while true {
      switch editor.read() {
      case .end: break loop
      case .interrupted: continue
      case .entry(let text):
        guard !text.allSatisfy(\.isWhitespace) else { continue }
        if isInteractive {
          if text != history.entries.last { editor.remember(text) }
          history.append(text)
        }
        if !take(text) { break loop }
      }
    }
    for notice in session.notices() + EngineBackend.takeNotices() { terminal.notice(notice) }
    session.close()
    return !isInteractive && hasFailed ? 1 : 0
  }

  /// Does what an entry says; false where that ends the session.
  private func take(_ text: String) -> Bool {
    if let command = SessionCommand.parse(text) { return obey(command.name, command.argument) }
    if let name = EntryText.question(text) {
      help(name)
      return true
    }
    evaluate(text, isTimed: showsTime)
    return true
  }

  private func evaluate(_ text: String, isTimed: Bool) {
    let entry = interrupts.during { session.enter(text) { self.show($0) } }
    finish(entry, isTimed: isTimed)
  }

  private func finish(_ entry: InteractiveSession.Entry, isTimed: Bool) {
    terminal.endProgress()
    if entry.status != .done { hasFailed = true }
    if isInteractive || isTimed, isTimed || entry.seconds >= InteractiveCommand.timeLimit {
      let isShort = entry.seconds < 1
      terminal.line("(\(NumberText.short(isShort ? entry.seconds * 1000 : entry.seconds)) \(isShort ? "ms" : "s"))")
    }
    for notice in session.notices() + EngineBackend.takeNotices() { terminal.notice(notice) }
  }

  // MARK: - Showing

  private func show(_ event: CellEvent) {
    switch event {
    case .diagnostic(var diagnostic):
      // The whole trail is for `:bt`.
      if diagnostic.trail.count > 3 {
        let left = diagnostic.trail.count - 3
        diagnostic.trail.removeLast(left)
        diagnostic.notes.append("\(left) more call\(left == 1 ? "" : "s"): `:bt` shows all")
      }
      terminal.show(diagnostic, session.session.sources)
    case .output(let output):
      guard isInteractive, case .text(let text) = output else { return terminal.show(event, session.session.sources) }
      page(text)
    }
  }

  /// A long text in parts: what is left is said, and comes with `:more`.
  private func page(_ text: String) {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    guard lines.count > InteractiveCommand.pageLimit else {
      return terminal.show(.output(.text(text)), session.session.sources)
    }
    rest = Array(lines.dropFirst(InteractiveCommand.pageLimit))
    terminal.show(
      .output(.text(lines.prefix(InteractiveCommand.pageLimit).joined(separator: "\n"))), session.session.sources)
    terminal.line("… \(rest.count) more lines: `:more` shows them")
  }

  private func say(_ lines: [String]) { page(lines.joined(separator: "\n")) }

  private func fail(_ diagnostic: Diagnostic) {
    hasFailed = true
    terminal.show(diagnostic, session.session.sources)
  }

  // MARK: - Commands

  private func obey(_ name: String, _ argument: String) -> Bool {
    switch name {
    case "quit", "q", "exit": return false
    case "help", "h", "?": help(argument)
    case "apropos": apropos(argument)
    case "type", "t": type(argument)
    case "info", "i": info(argument)
    case "list": terminal.show(.output(.table(session.table)), session.session.sources)
    case "time": time(argument)
    case "load", "l": load(argument)
    case "reload", "r":
      guard let lastLoaded else {
        fail(Diagnostic("N051", "no file was loaded yet", at: nil, help: "`:load FILE` loads one"))
        break
      }
      load(lastLoaded)
    case "run": runFile(argument)
    case "save": save(argument, replaces: false)
    case "save!": save(argument, replaces: true)
    case "bt":
      if let error = session.lastError {
        terminal.show(error, session.session.sources)
      } else {
        terminal.line("no error yet")
      }
    case "open": open()
    case "clear": FileHandle.standardOutput.write(Data((terminal.usesColor ? "\u{1B}[2J\u{1B}[H" : "\n").utf8))
    case "history":
      for (number, entry) in history.entries.suffix(200).enumerated() { terminal.line("\(number + 1)  \(entry)") }
    case "more":
      let lines = rest
      rest = []
      page(lines.joined(separator: "\n"))
    case "reset": reset()
    default:
      fail(
        Diagnostic(
          "N052", "there is no command `:\(name)`", at: nil,
          help: Nearest.suggest(name, SessionCommand.names).map { "did you mean `:\($0)`?" } ?? "`:help` lists them"))
    }
    return true
  }

  private func help(_ argument: String) {
    guard !argument.isEmpty else {
      let width = SessionCommand.all.map(\.usage.count).max() ?? 0
      say(
        ["Type code and press Enter; an unfinished entry goes on in the next line. `it` is the last value.", ""]
          + SessionCommand.all.map { $0.usage.padding(toLength: width + 2, withPad: " ", startingAt: 0) + $0.words })
      return
    }
    let code = argument.uppercased()
    if let page = (try? Installation.find())?.docs?.appendingPathComponent("\(code).md"),
      code.allSatisfy({ $0.isLetter || $0.isNumber }), let text = try? String(contentsOf: page, encoding: .utf8)
    {
      return pageWhole(text)
    }
    if let term = Glossary.term(argument), session.help(on: argument, isFull: true) == nil {
      return say(["\(term.term): \(term.words)"])
    }
    guard let lines = session.help(on: argument, isFull: true) else {
      let words = session.apropos(argument)
      if !words.isEmpty {
        say(["Nothing is called `\(argument)`; it is mentioned by", ""] + words.prefix(20))
        return
      }
      fail(
        Diagnostic(
          "N053", "there is no help on `\(argument)`", at: nil,
          help: session.nearName(argument).map { "did you mean `\($0)`?" } ?? "`:apropos WORD` looks in descriptions"))
      return
    }
    say(lines)
  }

  private func pageWhole(_ text: String) { page(text.hasSuffix("\n") ? String(text.dropLast()) : text) }

  private func apropos(_ word: String) {
    guard !word.isEmpty else { return needs("apropos", "a word") }
    let lines = session.apropos(word)
    say(lines.isEmpty ? ["nothing has `\(word)` in its name, type or description"] : lines)
  }

  private func needs(_ command: String, _ what: String) {
    let usage = SessionCommand.all.first { $0.name == command }?.usage ?? ":\(command)"
    fail(Diagnostic("N054", "`:\(command)` needs \(what)", at: nil, help: "write `\(usage)`"))
  }

  private func type(_ text: String) {
    guard !text.isEmpty else { return needs("type", "an expression") }
    switch session.type(of: text) {
    case .success(let words): terminal.line(words)
    case .failure(let error): fail(error.diagnostic)
    }
  }

  private func info(_ name: String) {
    guard !name.isEmpty else { return needs("info", "a name") }
    guard let lines = session.help(on: name, isFull: false) else {
      return fail(
        Diagnostic(
          "N053", "nothing is called `\(name)`", at: nil,
          help: session.nearName(name).map { "did you mean `\($0)`?" } ?? "`:list` shows what is bound"))
    }
    say(lines)
  }

  private func time(_ argument: String) {
    switch argument {
    case "on": showsTime = true
    case "off": showsTime = false
    case "": needs("time", "an expression, `on` or `off`")
    default: evaluate(argument, isTimed: true)
    }
  }

  private func load(_ file: String) {
    guard !file.isEmpty else { return needs("load", "a file") }
    do {
      let bytes = try InputFile.read(path(file)).get()
      lastLoaded = file
      let isWhole = try interrupts.during {
        try session.load(
          bytes, name: URL(fileURLWithPath: file).lastPathComponent, version: programVersion,
          onCell: { self.terminal.heading("── \($0)") }, show: { self.show($0) })
      }
      terminal.endProgress()
      if !isWhole { hasFailed = true }
    } catch { fail((error as? DiagnosticError)?.diagnostic ?? Diagnostic("R099", "\(error)", at: nil)) }
  }

  private func path(_ file: String) -> String {
    file.hasPrefix("/") ? file : folder.appendingPathComponent(file).path
  }

  /// Runs a file as the program would, apart from this session.
  private func runFile(_ file: String) {
    guard !file.isEmpty else { return needs("run", "a file") }
    let status: Int32
    if file.hasSuffix(".md") {
      let settings = LoadedNotebook.Settings(seed: options.seed, threads: options.threadCount)
      status = interrupts.lending {
        NotebookCommand(file: path(file), options: options, settings: settings, terminal: terminal).run()
      }
    } else {
      status = interrupts.lending {
        (try? ScriptCommand.run(file: path(file), options: options, terminal: terminal)) == nil ? 1 : 0
      }
    }
    if status != 0 { hasFailed = true }
  }

  private func save(_ argument: String, replaces: Bool) {
    guard !argument.isEmpty else { return needs("save", "a file") }
    let file = argument.hasSuffix(".nb.md") ? argument : argument + ".nb.md"
    let place = URL(fileURLWithPath: path(file))
    guard replaces || !FileManager.default.fileExists(atPath: place.path) else {
      return fail(
        Diagnostic(
          "N048", "`\(file)` is there already", at: nil,
          help: "choose another name, or replace it with `:save! \(file)`"))
    }
    let (text, leftOut) = session.notebook(title: InputFile.bareName(file))
    do {
      try ExportCommand.write(Array(text.utf8), to: place)
      let words = leftOut == 0 ? "" : "; \(leftOut) entr\(leftOut == 1 ? "y" : "ies") that did not finish left out"
      terminal.line("\(file): written\(words)")
    } catch { fail((error as? DiagnosticError)?.diagnostic ?? Diagnostic("R099", "\(error)", at: nil)) }
  }

  private func open() {
    guard let figure = session.lastFigure else {
      return fail(Diagnostic("N055", "no figure was shown yet", at: nil, help: "try `histogram([1.0, 2.0, 2.5])`"))
    }
    let name = "cairn-figure-\(getpid()).svg"
    let place = FileManager.default.temporaryDirectory.appendingPathComponent(name)
    do {
      try ExportCommand.write(Array(SVGRenderer(idPrefix: "", isStandalone: true).svg(figure).utf8), to: place)
      terminal.line(place.path)
    } catch { return fail((error as? DiagnosticError)?.diagnostic ?? Diagnostic("R099", "\(error)", at: nil)) }
    let environment = ProcessInfo.processInfo.environment
    guard environment["DISPLAY"] != nil || environment["WAYLAND_DISPLAY"] != nil,
      let viewer = ["/usr/bin/xdg-open", "/usr/local/bin/xdg-open"].first(where: {
        FileManager.default.isExecutableFile(atPath: $0)
      })
    else { return }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: viewer)
    process.arguments = [place.path]
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try? process.run()
  }

  private func reset() {
    do {
      session.close()
      session = try InteractiveCommand.makeSession(options, folder, terminal)
      interrupts.onEvaluation = { [session] in session.session.machine.cancellation.cancel() }
      terminal.line("all entries are forgotten")
    } catch { fail((error as? DiagnosticError)?.diagnostic ?? Diagnostic("R099", "\(error)", at: nil)) }
  }
}

/// Ctrl-C in a session: at the prompt it clears the line, during an entry it stops the entry.
final class SessionInterrupts: @unchecked Sendable {
  /// Readable after a Ctrl-C at the prompt.
  let descriptor: Int32
  var onEvaluation: () -> Void = {}
  private let writing: Int32
  private let pressed = Atomic<Int>(0)
  private let isEvaluating = Atomic<Bool>(false)
  private var source: (any DispatchSourceSignal)?

  init() {
    var ends: [Int32] = [0, 0]
    _ = pipe(&ends)
    descriptor = ends[0]
    writing = ends[1]
    listen()
  }

  private func listen() {
    signal(SIGINT, SIG_IGN)
    let source = DispatchSource.makeSignalSource(signal: SIGINT, queue: DispatchQueue(label: "interrupt"))
    source.setEventHandler { @Sendable [self] in press() }
    source.resume()
    self.source = source
  }

  private func press() {
    guard isEvaluating.load(ordering: .acquiring) else {
      var byte: UInt8 = 1
      _ = write(writing, &byte, 1)
      return
    }
    let count = pressed.wrappingAdd(1, ordering: .relaxed).newValue
    if count <= 2 { onEvaluation() }
    if count == 2 {
      FileHandle.standardError.write(Data("\ncairn: still stopping; Ctrl-C once more ends the session\n".utf8))
    }
    if count > 2 { _exit(130) }
  }

  /// Work that Ctrl-C stops.
  func during<Result>(_ work: () throws -> Result) rethrows -> Result {
    pressed.store(0, ordering: .relaxed)
    isEvaluating.store(true, ordering: .releasing)
    defer { isEvaluating.store(false, ordering: .releasing) }
    return try work()
  }

  /// Work that listens to Ctrl-C itself.
  func lending<Result>(_ work: () throws -> Result) rethrows -> Result {
    source?.cancel()
    defer { listen() }
    return try work()
  }
}
