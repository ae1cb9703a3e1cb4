import ArgumentParser
import Foundation
import Interpreter
import Modeling
import Notebooks
import Numerics
import Rendering
import Syntax

/// `cairn export`: a notebook with its results, for others to read.
struct Export: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Write a notebook with its results as one HTML file, as Markdown, or as a Jupyter notebook.",
    discussion:
      "Results come from the cache; what is stale runs. Without a format, a self-contained HTML report is written.")
  @Argument(help: "A notebook, NAME.nb.md.") var file: String
  @Flag(help: "Write NAME.md, with figures in NAME.figures/.") var md = false
  @Flag(help: "Write NAME.ipynb, from which `cairn import` gives the same notebook again.") var ipynb = false
  @Option(name: .shortAndLong, help: "Write to this file instead.") var output: String?
  @Flag(help: "Replace a file that this program did not write.") var force = false
  @Flag(help: "Run nothing: fail where a result is missing or stale.") var frozen = false
  @Flag(help: "Leave out what another run would show differently: times, memory, badges.") var reproducible = false
  @Option(name: .customLong("param"), help: "A parameter of the notebook, NAME=VALUE; may be given several times.")
  var parameters: [String] = []
  @OptionGroup var options: RunOptions

  func validate() throws {
    if md, ipynb { throw ValidationError("--md and --ipynb exclude each other: one format at a time") }
    for parameter in parameters where !parameter.dropFirst().contains("=") {
      throw ValidationError("--param takes NAME=VALUE, not `\(parameter)`")
    }
  }

  mutating func run() throws {
    var settings = LoadedNotebook.Settings(seed: options.seed, threads: options.threadCount)
    for parameter in parameters {
      let parts = parameter.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      settings.parameters[String(parts[0])] = parts.count > 1 ? String(parts[1]) : ""
    }
    let command = ExportCommand(
      file: file, format: md ? .markdown : (ipynb ? .jupyter : .html), output: output, isForced: force,
      isFrozen: frozen,
      isReproducible: reproducible, settings: settings, terminal: Terminal())
    throw ExitCode(command.run())
  }
}

struct ExportCommand {
  enum Format: String {
    case html
    case markdown = "md"
    case jupyter = "ipynb"
  }

  let file: String
  let format: Format
  let output: String?
  let isForced: Bool
  let isFrozen: Bool
  let isReproducible: Bool
  let settings: LoadedNotebook.Settings
  let terminal: Terminal

  /// Above this a page is slow to open and to send.
  private static let sizeWarning = 5 << 20

  private var place: URL { output.map { URL(fileURLWithPath: $0) } ?? ExportCommand.place(of: file, format) }

  /// Nobody's own file is replaced unasked: only what an export wrote, which says so.
  private func checkPlace() throws {
    guard !isForced, FileManager.default.fileExists(atPath: place.path) else { return }
    let mark =
      switch format {
      case .html: "<meta name=\"generator\" content=\"Cairn\">"
      case .markdown: MarkdownExport.mark
      case .jupyter: "\"cairn\""
      }
    let bytes = FileManager.default.contents(atPath: place.path) ?? Data()
    if bytes.isEmpty || bytes.firstRange(of: Data(mark.utf8)) != nil { return }
    throw DiagnosticError(
      Diagnostic(
        "N048", "`\(place.lastPathComponent)` is there already, and was not written by an export", at: nil,
        help: "name another file with `--output`, or replace it with `--force`"))
  }

  func run() -> Int32 {
    do {
      try checkPlace()
      let start = ContinuousClock.now
      let cancellation = Cancellation()
      let notebook = try LoadedNotebook(file, settings, cancellation: cancellation)
      let interrupts = Interrupts(cancellation)
      defer { withExtendedLifetime(interrupts) {} }
      notebook.session.machine.onProgress = { terminal.progress($0) }
      let problems = notebook.runner.errors + notebook.textProblems
      for diagnostic in problems { terminal.show(diagnostic, notebook.session.sources) }
      guard !notebook.document.diagnostics.contains(where: { $0.severity == .error }) else { return 1 }
      if isFrozen, let stale = notebook.stale {
        terminal.show(stale, notebook.session.sources)
        return 1
      }
      var results: [CellResult] = []
      let outcome = notebook.runner.run(onCell: { _ in }, onResult: { results.append($0) })
      terminal.endProgress()
      for notice in (notebook.store?.takeNotices() ?? []) + EngineBackend.takeNotices() { terminal.notice(notice) }
      notebook.store?.close()
      if outcome == .interrupted {
        terminal.notice("interrupted: nothing was written; run it again, it goes on from there")
        return 130
      }
      let place = try write(notebook, results, start)
      say(place, results)
      return outcome == .succeeded && !problems.contains { $0.severity == .error } ? 0 : 1
    } catch { return terminal.fail(error) }
  }

  private func write(
    _ notebook: LoadedNotebook, _ results: [CellResult], _ start: ContinuousClock.Instant
  ) throws -> URL {
    let url = place
    switch format {
    case .html:
      let report = notebook.report(
        results, file: file, commandLine: commandLine, start: start, isReproducible: isReproducible)
      let page = HTMLRenderer(hash: HTMLHash.base64).page(report)
      if page.utf8.count > ExportCommand.sizeWarning {
        terminal.notice(
          "the report has \(page.utf8.count >> 20) MB: thin large tables and figures, or leave some out with `.no-output`"
        )
      }
      try ExportCommand.write(Array(page.utf8), to: url)
    case .markdown:
      let export = MarkdownExport(notebook.document, results: results, sources: notebook.session.sources)
      try export.write(to: url)
    case .jupyter:
      let export = JupyterExport(
        notebook.document, results: results, sources: notebook.session.sources, isReproducible: isReproducible)
      try ExportCommand.write(try export.bytes(), to: url)
    }
    return url
  }

  /// `NAME.html` beside the notebook.
  static func place(of file: String, _ format: Format) -> URL {
    InputFile.folder(file).appendingPathComponent(InputFile.bareName(file) + "." + format.rawValue)
  }

  /// Writes a whole file or nothing.
  ///
  /// - Throws: ``DiagnosticError`` where that cannot be done.
  static func write(_ bytes: [UInt8], to url: URL) throws {
    do { try Data(bytes).write(to: url, options: .atomic) } catch {
      throw DiagnosticError(
        Diagnostic(
          "N043", "`\(url.lastPathComponent)` cannot be written", at: nil,
          help: "check the folder's permissions and the free space, or name another file with `--output`"))
    }
  }

  private var commandLine: String {
    var words = ["cairn export \(URL(fileURLWithPath: file).lastPathComponent)"]
    if let seed = settings.seed { words.append("--seed \(seed)") }
    for (name, value) in settings.parameters.sorted(by: { $0.key < $1.key }) {
      words.append("--param \(name)=\(value)")
    }
    if isReproducible { words.append("--reproducible") }
    return words.joined(separator: " ")
  }

  private func say(_ place: URL, _ results: [CellResult]) {
    let size = (try? FileManager.default.attributesOfItem(atPath: place.path)[.size] as? Int) ?? nil
    let kilobytes = size.map { ", \(max(1, $0 / 1000)) kB" } ?? ""
    let cells = results.filter { $0.cell.inline == nil }
    let ran = cells.filter { result in
      if case .skipped = result.status { return false }
      return result.source == .ran && result.status != .erroneous
    }.count
    let bad = cells.filter { ![.done, .failedAsAllowed].contains($0.status) }.count
    terminal.line(
      "\(place.lastPathComponent): \(cells.count) cells, \(ran) ran\(bad > 0 ? ", \(bad) did not finish" : "")\(kilobytes)"
    )
  }
}

/// What the page's policy names its style and script by.
enum HTMLHash {
  @Sendable static func base64(_ text: String) -> String {
    Data(Digest.sha256(of: Array(text.utf8)).bytes).base64EncodedString()
  }
}

extension InputFile {
  /// The file's name without `.nb.md` or `.md`.
  static func bareName(_ path: String) -> String {
    let last = URL(fileURLWithPath: path).lastPathComponent
    for suffix in [".nb.md", ".md"] where last.hasSuffix(suffix) { return String(last.dropLast(suffix.count)) }
    return last
  }
}

extension LoadedNotebook {
  /// What is wrong in the text between cells: references to nothing, formulas, pictures.
  var textProblems: [Diagnostic] { ProseCheck.diagnostics(document, folder: folder) }

  /// Why nothing may be shown without running something; nil where all results are there.
  var stale: Diagnostic? {
    let stale = runner.forecast().filter { $0.outcome == .runs }
    guard !stale.isEmpty else { return nil }
    return Diagnostic(
      "N045", "\(stale.count) cell\(stale.count == 1 ? " has" : "s have") no result that still holds", at: nil,
      notes: stale.prefix(10).map { "\($0.cell.title): \($0.words)" },
      help: "export without `--frozen`, or run the notebook")
  }

  func report(
    _ results: [CellResult], file: String, commandLine: String, start: ContinuousClock.Instant, isReproducible: Bool
  ) -> Report {
    let elapsed = start.duration(to: .now)
    let seconds = elapsed.inSeconds
    let world = ProjectWorld(folder: folder)
    let files = session.files.compactMap { file in
      (try? world.readFile(file.path)).map { (path: file.path, digest: Digest.sha256(of: $0)) }
    }
    return ReportBuilder.report(
      document, results: results, sources: session.sources, name: URL(fileURLWithPath: file).lastPathComponent,
      folder: folder,
      provenance: .init(
        engineVersion: programVersion.map(String.init).joined(separator: "."), engine: engine, commandLine: commandLine,
        seed: session.machine.seedRoot, parameters: parameters, files: files, wallSeconds: seconds,
        isReproducible: isReproducible))
  }
}
