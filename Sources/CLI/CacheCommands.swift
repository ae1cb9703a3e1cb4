import ArgumentParser
import Foundation
import Notebooks
import Rendering
import Syntax

/// `cairn run --dry`: what would run, and why.
struct ForecastCommand {
  let file: String
  let settings: LoadedNotebook.Settings
  let terminal: Terminal

  func run() -> Int32 {
    do {
      let notebook = try LoadedNotebook(file, settings)
      for diagnostic in notebook.runner.errors { terminal.show(diagnostic, notebook.session.sources) }
      let forecast = notebook.runner.forecast()
      let rows = forecast.map { item -> [TextTable.Cell] in
        [
          .text(item.cell.name), .text(ForecastCommand.word(item.outcome)),
          item.seconds.map { .decimal($0, places: 2) } ?? .missing, .text(Why.reason(item.words)),
        ]
      }
      let columns = [
        TextTable.Column(name: "cell", alignment: .leading), TextTable.Column(name: "a run", alignment: .leading),
        TextTable.Column(name: "last time, s", alignment: .trailing),
        TextTable.Column(name: "why", alignment: .leading),
      ]
      terminal.show(.output(.table(TextTable(columns: columns, rows: rows))), notebook.session.sources)
      let runs = forecast.filter { $0.outcome == .runs }
      let known = runs.compactMap(\.seconds)
      let time = known.isEmpty ? "" : String(format: "; those that ran before took %.2f s", known.reduce(0, +))
      terminal.line("\(runs.count) of \(forecast.count) cells would run\(time)")
      for notice in notebook.store?.takeNotices() ?? [] { terminal.notice(notice) }
      notebook.store?.close()
      return notebook.runner.errors.isEmpty ? 0 : 1
    } catch { return terminal.fail(error) }
  }
}

extension ForecastCommand {
  /// What a run would do with the cell.
  static func word(_ outcome: NotebookRunner.Forecast.Outcome) -> String {
    switch outcome {
    case .runs: "runs it"
    case .found: "finds it"
    case .erroneous: "refuses it"
    case .skipped: "skips it"
    }
  }
}

struct Why: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Say why a cell ran or was found in the cache last time, and what a run would do now.")
  @Argument(help: "The cell: its label or number.") var cell: String
  @Argument(help: "The notebook; may be left out where the folder has one.") var file: String?

  mutating func run() throws {
    let terminal = Terminal()
    do {
      let notebook = try LoadedNotebook(try Why.notebook(file), LoadedNotebook.Settings())
      let forecast = notebook.runner.forecast()
      let wanted = cell.hasPrefix("#") ? String(cell.dropFirst()) : cell
      guard let item = forecast.first(where: { $0.cell.label == wanted || String($0.cell.number) == wanted }) else {
        let labels = forecast.compactMap(\.cell.label)
        throw DiagnosticError(
          Diagnostic(
            "N031", "the notebook has no cell `\(wanted)`", at: nil,
            help: Nearest.suggest(wanted, labels).map { "did you mean `\($0)`?" }
              ?? "name a label, or a number from 1 to \(forecast.count)"))
      }
      let last = notebook.store?.history(notebook: notebook.place.name)[item.identity]
      terminal.line("last run: \(last.map(Why.past) ?? "the cell was not part of one")")
      terminal.line("now:      a run \(ForecastCommand.word(item.outcome)): \(Why.reason(item.words))")
      notebook.store?.close()
    } catch { throw ExitCode(terminal.fail(error)) }
  }

  /// Without what became of the cell.
  static func reason(_ words: String) -> String {
    for start in ["runs: ", "found: ", "kept: "] where words.hasPrefix(start) {
      return String(words.dropFirst(start.count))
    }
    return words
  }

  private static func past(_ words: String) -> String {
    words.hasPrefix("runs: ") ? "ran: " + words.dropFirst(6) : words
  }

  /// The notebook named, or the only one of the folder.
  static func notebook(_ file: String?) throws -> String {
    if let file { return file }
    let names = (try? FileManager.default.contentsOfDirectory(atPath: ".")) ?? []
    let notebooks = names.filter { $0.hasSuffix(".nb.md") }.sorted()
    guard notebooks.count == 1 else {
      throw DiagnosticError(
        Diagnostic(
          "N032", notebooks.isEmpty ? "there is no notebook here" : "there are \(notebooks.count) notebooks here",
          at: nil,
          help: "name one after the cell"))
    }
    return notebooks[0]
  }
}

/// `cairn cache …`: what is kept, and how to be rid of it.
struct Cache: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "List, verify, collect or remove what is kept between runs.",
    subcommands: [List.self, Verify.self, Collect.self, Remove.self], defaultSubcommand: List.self)

  struct Place: ParsableArguments {
    @Option(name: .customLong("of"), help: "A notebook or folder whose cache is meant; by default the current folder.")
    var file: String?

    func open() throws -> CacheStore {
      let path = file ?? FileManager.default.currentDirectoryPath
      var isFolder: ObjCBool = false
      let exists = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
      let place = CachePlace(of: exists && isFolder.boolValue ? path + "/notebook" : path)
      guard FileManager.default.fileExists(atPath: place.folder.path) else {
        Terminal().line("nothing is kept here")
        throw ExitCode(0)
      }
      let store = CacheStore(folder: place.folder)
      for notice in store.takeNotices() { Terminal().notice(notice) }
      guard store.isOpen else { throw ExitCode(1) }
      return store
    }
  }

  /// Bytes as people read them.
  static func size(_ bytes: Int) -> String {
    let units = ["bytes", "KiB", "MiB", "GiB", "TiB"]
    var value = Double(bytes)
    var unit = 0
    while value >= 1024, unit < units.count - 1 {
      value /= 1024
      unit += 1
    }
    return unit == 0 ? "\(bytes) bytes" : String(format: "%.1f %@", value, units[unit])
  }

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "ls", abstract: "List what is kept, by notebook.")
    @OptionGroup var place: Place
    func run() throws {
      let terminal = Terminal()
      let store = try place.open()
      let rows = store.listings().map { item -> [TextTable.Cell] in
        [.text(item.notebook), .integer(item.traces), .text(Cache.size(item.size)), .decimal(item.seconds, places: 2)]
      }
      let columns = [
        TextTable.Column(name: "notebook", alignment: .leading),
        TextTable.Column(name: "runs of cells", alignment: .trailing),
        TextTable.Column(name: "size", alignment: .trailing), TextTable.Column(name: "took, s", alignment: .trailing),
      ]
      terminal.show(.output(.table(TextTable(columns: columns, rows: rows))), SourceMap())
      let totals = store.totals()
      terminal.line("\(totals.objects) values and \(totals.results) results, \(Cache.size(totals.size))")
    }
  }

  struct Verify: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Read everything again and drop what is damaged.")
    @OptionGroup var place: Place
    func run() throws {
      let store = try place.open()
      let found = store.verify()
      Terminal().line(
        "\(found.checked) entries checked, \(found.damaged) damaged and dropped, \(found.unused) unused files")
      if found.damaged > 0 { throw ExitCode(1) }
    }
  }

  struct Collect: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "gc", abstract: "Drop the longest unused until the rest fits the budget; the last three runs stay.")
    @OptionGroup var place: Place
    @Option(help: "How much may stay, in MiB.") var budget = 5120
    @Flag(help: "Say what would go, and drop nothing.") var dryRun = false
    func validate() throws { if budget < 0 { throw ValidationError("--budget is 0 or more") } }
    func run() throws {
      let store = try place.open()
      let gone = store.collect(budget: budget.multipliedReportingOverflow(by: 1 << 20).partialValue, isDry: dryRun)
      let verb = dryRun ? "would go" : "dropped"
      Terminal().line("\(gone.traces) runs of cells and \(gone.objects) values, \(Cache.size(gone.size)), \(verb)")
    }
  }

  struct Remove: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "rm", abstract: "Forget all runs of a notebook.")
    @Argument(help: "A notebook, NAME.nb.md.") var file: String
    func run() throws {
      let place = CachePlace(of: file)
      guard FileManager.default.fileExists(atPath: place.folder.path) else {
        return Terminal().line("nothing is kept here")
      }
      let store = CacheStore(folder: place.folder)
      for notice in store.takeNotices() { Terminal().notice(notice) }
      Terminal().line("\(store.remove(notebook: place.name)) runs of cells forgotten")
    }
  }
}
