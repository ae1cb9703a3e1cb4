import ArgumentParser
import Foundation
import Interpreter
import Modeling
import Notebooks
import Rendering
import Synchronization
import Syntax

/// `cairn watch`: the notebook as a page that follows its file.
struct Watch: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show a notebook as a page on this machine, and again whenever it or its data are saved.")
  @Argument(help: "A notebook, NAME.nb.md.") var file: String
  @Option(help: "The port to listen on; by default a free one.") var port: UInt16 = 0
  @OptionGroup var options: RunOptions

  mutating func run() throws {
    let settings = LoadedNotebook.Settings(seed: options.seed, threads: options.threadCount)
    let command = WatchCommand(file: file, port: port, settings: settings, terminal: Terminal())
    throw ExitCode(command.run())
  }
}

/// Runs the notebook on a thread of its own and looks at the files meanwhile: an edit stops a run that it outdates.
final class WatchCommand: @unchecked Sendable {
  /// How often files are looked at, in seconds.
  private static let interval = 0.15

  private let file: String
  private let port: UInt16
  private let settings: LoadedNotebook.Settings
  private let terminal: Terminal
  private let isEnding = Atomic<Bool>(false)

  init(file: String, port: UInt16, settings: LoadedNotebook.Settings, terminal: Terminal) {
    self.file = file
    self.port = port
    self.settings = settings
    self.terminal = terminal
  }

  func run() -> Int32 {
    do {
      // A file that is not there now is a mistake; one that is gone later may come back.
      _ = try InputFile.read(file).get()
      let server: LiveServer
      do { server = try LiveServer(port: port) } catch let error as LiveServer.CannotListen {
        throw DiagnosticError(
          Diagnostic(
            "N070", "port \(error.port) cannot be used", at: nil,
            help: "another program listens there: leave out `--port` for a free one"))
      }
      let source = interrupts()
      defer { source.cancel() }
      terminal.line("\(URL(fileURLWithPath: file).lastPathComponent) is at \(server.address)")
      terminal.line("Ctrl-C ends.")
      while !isEnding.load(ordering: .relaxed) { follow(server) }
      server.stop()
      terminal.endProgress()
      return 0
    } catch { return terminal.fail(error) }
  }

  private func interrupts() -> any DispatchSourceSignal {
    signal(SIGINT, SIG_IGN)
    let source = DispatchSource.makeSignalSource(signal: SIGINT, queue: DispatchQueue(label: "interrupt"))
    source.setEventHandler { @Sendable [self] in
      if isEnding.exchange(true, ordering: .relaxed) { _exit(130) }
    }
    source.resume()
    return source
  }

  /// One run, and the wait for the next change.
  private func follow(_ server: LiveServer) {
    let cancellation = Cancellation()
    let run = LiveRun(file: file, settings: settings, terminal: terminal, server: server, cancellation: cancellation)
    var watch = FileWatch([URL(fileURLWithPath: file).path])
    run.start()
    var isStopped = false
    while !run.isDone {
      Thread.sleep(forTimeInterval: WatchCommand.interval)
      if !isStopped, watch.hasChanged || isEnding.load(ordering: .relaxed) {
        cancellation.cancel()
        isStopped = true
      }
    }
    if isStopped { return }
    watch = FileWatch(run.paths.union([URL(fileURLWithPath: file).path]), known: watch)
    while !watch.hasChanged, !isEnding.load(ordering: .relaxed) {
      Thread.sleep(forTimeInterval: WatchCommand.interval)
    }
  }
}

/// A run of the notebook for the page.
private final class LiveRun: @unchecked Sendable {
  private let file: String
  private let settings: LoadedNotebook.Settings
  private let terminal: Terminal
  private let server: LiveServer
  private let cancellation: Cancellation
  private let done = Atomic<Bool>(false)
  private let asked = Mutex<Set<String>>([])

  init(
    file: String, settings: LoadedNotebook.Settings, terminal: Terminal, server: LiveServer, cancellation: Cancellation
  ) {
    self.file = file
    self.settings = settings
    self.terminal = terminal
    self.server = server
    self.cancellation = cancellation
  }

  var isDone: Bool { done.load(ordering: .acquiring) }
  /// Files and folders that the notebook asked for.
  var paths: Set<String> { asked.withLock { $0 } }

  func start() {
    let thread = Thread { [self] in
      run()
      done.store(true, ordering: .releasing)
    }
    // Deeply nested programs need more than a thread's usual stack.
    thread.stackSize = 512 << 20
    thread.start()
  }

  private func run() {
    do {
      let start = ContinuousClock.now
      var notebook = try LoadedNotebook(file, settings, cancellation: cancellation)
      notebook.runner.skipsSlowCells = true
      notebook.session.machine.onProgress = { [terminal] in terminal.progress($0) }
      let problems = notebook.runner.errors + notebook.textProblems
      for diagnostic in problems { terminal.show(diagnostic, notebook.session.sources) }
      var waiting = notebook.runner.forecast().filter { $0.outcome == .runs }.map(\.cell.number)
      let isSlow = !waiting.isEmpty
      func announce() {
        let cells = notebook.document.cells.filter { waiting.contains($0.number) }
        server.announce(
          running: cells.flatMap { cell in cell.label.map { [$0, "cell.\($0)"] } ?? ["cell.\(cell.number)"] })
      }
      if isSlow { announce() }
      var results: [CellResult] = []
      let outcome = notebook.runner.run(
        onCell: { [terminal] cell in terminal.progress("running \(cell.name)") },
        onResult: { result in
          results.append(result)
          if waiting.contains(result.cell.number) {
            waiting.removeAll { $0 == result.cell.number }
            announce()
          }
        })
      terminal.endProgress()
      for notice in (notebook.store?.takeNotices() ?? []) + EngineBackend.takeNotices() { terminal.notice(notice) }
      notebook.store?.close()
      asked.withLock { $0 = notebook.world.paths }
      guard outcome != .interrupted else { return }
      var report = notebook.report(
        results, file: file, commandLine: "cairn watch \(URL(fileURLWithPath: file).lastPathComponent)", start: start,
        isReproducible: false)
      report.add(problems, sources: notebook.session.sources)
      publish(report)
      let ran = results.filter { $0.source == .ran && $0.cell.inline == nil && $0.status != .erroneous }
      let names = ran.compactMap { result -> String? in
        if case .skipped = result.status { nil } else { result.cell.name }
      }
      terminal.line(names.isEmpty ? "shown; nothing had to run" : "shown; ran \(names.joined(separator: ", "))")
    } catch {
      // A notebook that cannot be read at all: the page says so, and waits.
      var report = Report(title: URL(fileURLWithPath: file).lastPathComponent)
      let diagnostic = (error as? DiagnosticError)?.diagnostic ?? Diagnostic("R099", "\(error)", at: nil)
      terminal.show(diagnostic, SourceMap())
      report.add([diagnostic], sources: SourceMap())
      publish(report)
    }
  }

  private func publish(_ report: Report) {
    let path = URL(string: server.address)?.path ?? "/"
    let events = path.hasSuffix("/") ? path + "events" : path + "/events"
    server.announce(running: [])
    server.publish(HTMLRenderer(hash: HTMLHash.base64, live: .init(events: events)).page(report))
  }
}
