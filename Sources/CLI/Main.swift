import ArgumentParser
import Foundation
import Notebooks
import Syntax

/// The version of the program: major, minor, patch.
let programVersion = [0, 1, 0]

@main
struct Cairn: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cairn",
    abstract: "Literate scripting for Bayesian workflow.",
    usage: """
      cairn
      cairn run NOTEBOOK.nb.md
      cairn check NOTEBOOK.nb.md
      cairn export NOTEBOOK.nb.md
      cairn watch NOTEBOOK.nb.md
      cairn SCRIPT.cairn
      cairn -e 'summary(…)'
      cairn explain CODE
      """,
    version: programVersion.map(String.init).joined(separator: "."),
    subcommands: [
      Run.self, Check.self, Export.self, Import.self, New.self, Watch.self, Why.self, Cache.self, Bench.self,
      Explain.self,
      Evaluate.self,
    ],
    defaultSubcommand: Evaluate.self)

  static func main() {
    // A reader that closes the pipe early ends the program quietly.
    signal(SIGPIPE, SIG_DFL)
    // Chains run side by side and each call is of one thread: idle ones would spin, and sums depend on their number.
    setenv("OPENBLAS_NUM_THREADS", "1", 1)
    // Deeply nested programs need more than the main thread's stack.
    let thread = Thread {
      let arguments = Array(CommandLine.arguments.dropFirst())
      do {
        var command = try Cairn.parseAsRoot(arguments)
        try command.run()
      } catch {
        Cairn.exit(withError: error)
      }
      Foundation.exit(0)
    }
    thread.stackSize = 512 << 20
    thread.start()
    while true { sleep(1000) }
  }
}

struct RunOptions: ParsableArguments {
  @Option(help: "The seed of all random streams; overrides the notebook's.")
  var seed: UInt64?
  @Option(help: "Threads for chains; by default one per core.")
  var threads: Int?
  @Flag(help: "Print no cell headings.")
  var quiet = false

  var threadCount: Int { max(1, threads ?? ProcessInfo.processInfo.activeProcessorCount) }

  func validate() throws {
    if let threads, threads < 1 || threads > 1024 { throw ValidationError("--threads is between 1 and 1024") }
  }
}

struct Run: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Run a notebook and show what its cells give.")
  @Argument(help: "A notebook, NAME.nb.md.") var file: String
  @OptionGroup var options: RunOptions
  @Option(name: .customLong("param"), help: "A parameter of the notebook, NAME=VALUE; may be given several times.")
  var parameters: [String] = []
  @Flag(help: "Say what would run and why, and run nothing.") var dry = false
  @Option(help: "Run this share of the found cells again and compare: `5%`.") var audit: String?
  @Flag(help: "Show nothing that another run would show differently.") var reproducible = false
  @Flag(help: "Read all files again, also those that look unchanged.") var paranoid = false
  @Flag(help: "Neither use nor write the cache.") var noCache = false
  @Flag(help: "Write what is shown to NAME.out/, for `cairn check` to compare with.") var snapshot = false

  func validate() throws {
    for parameter in parameters where !parameter.dropFirst().contains("=") {
      throw ValidationError("--param takes NAME=VALUE, not `\(parameter)`")
    }
    if let audit, Run.share(audit) == nil {
      throw ValidationError("--audit takes a share from 0% to 100%, not `\(audit)`")
    }
  }

  /// `5%`, or `0.05`.
  static func share(_ text: String) -> Double? {
    let isPercent = text.hasSuffix("%")
    guard let number = Double(isPercent ? String(text.dropLast()) : text) else { return nil }
    let share = isPercent ? number / 100 : number
    return share >= 0 && share <= 1 ? share : nil
  }

  mutating func run() throws {
    let terminal = Terminal()
    guard file.hasSuffix(".md") else { return try ScriptCommand.run(file: file, options: options, terminal: terminal) }
    var settings = LoadedNotebook.Settings(seed: options.seed, threads: options.threadCount)
    for parameter in parameters {
      let parts = parameter.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      settings.parameters[String(parts[0])] = parts.count > 1 ? String(parts[1]) : ""
    }
    settings.audit = audit.flatMap { Run.share($0) } ?? 0
    settings.isParanoid = paranoid
    settings.usesCache = !noCache
    if dry { throw ExitCode(ForecastCommand(file: file, settings: settings, terminal: terminal).run()) }
    let command = NotebookCommand(
      file: file, options: options, settings: settings, showsFacts: !reproducible, writesSnapshot: snapshot,
      terminal: terminal)
    throw ExitCode(command.run())
  }
}

struct Check: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Find errors, stale snapshots, pins and failed checks; runs what the cache does not hold.")
  @Argument(help: "A notebook or script.") var file: String
  @Flag(name: .customLong("static"), help: "Check the text alone and run nothing.") var isStatic = false
  @Flag(help: "Also ask for a caption and an author's text alternative of every figure.") var strict = false

  mutating func run() throws {
    let terminal = Terminal()
    throw ExitCode(CheckCommand(file: file, isStatic: isStatic, isStrict: strict, terminal: terminal).run())
  }
}

struct Explain: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Explain the code of a message: why, an example, and its mend.")
  @Argument(help: "A code such as H203.") var code: String

  mutating func run() throws {
    let installation: Installation
    do { installation = try Installation.find() } catch let error as DiagnosticError {
      Terminal().show(error.diagnostic, SourceMap())
      throw ExitCode(1)
    }
    let name = code.uppercased()
    let isCode = name.utf8.count == 4 && name.first?.isLetter == true && name.dropFirst().allSatisfy(\.isNumber)
    guard isCode, let page = installation.docs?.appendingPathComponent("\(name).md"),
      let text = try? String(contentsOf: page, encoding: .utf8)
    else {
      FileHandle.standardError.write(Data("cairn: no message has the code `\(code)`\n".utf8))
      throw ExitCode(1)
    }
    print(text, terminator: text.hasSuffix("\n") ? "" : "\n")
  }
}

/// `cairn SCRIPT.cairn`, `cairn -e TEXT`, and bare `cairn`.
struct Evaluate: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate", abstract: "Run a script, or the text after -e.", shouldDisplay: false)
  @Option(name: .short, parsing: .unconditional, help: "Run this text.") var expression: String?
  @Argument(help: "A script, NAME.cairn, or a notebook.") var files: [String] = []
  @OptionGroup var options: RunOptions

  mutating func run() throws {
    let terminal = Terminal()
    if let expression { return try ScriptCommand.run(text: expression, options: options, terminal: terminal) }
    guard let file = files.first else {
      do { throw ExitCode(try InteractiveCommand(options: options, terminal: terminal).run()) } catch let error
        as DiagnosticError
      {
        throw ExitCode(terminal.fail(error))
      }
    }
    if !FileManager.default.fileExists(atPath: file), !file.contains("."), !file.contains("/") {
      let known = Cairn.configuration.subcommands.filter { $0.configuration.shouldDisplay }.map { $0._commandName }
      let hint = Nearest.suggest(file, known).map { "; did you mean `cairn \($0)`?" } ?? ""
      FileHandle.standardError.write(Data("cairn: `\(file)` is neither a command nor a file\(hint)\n".utf8))
      throw ExitCode(64)
    }
    if let second = files.dropFirst().first {
      FileHandle.standardError.write(Data("cairn: one file at a time, and `\(second)` is one too many\n".utf8))
      throw ExitCode(64)
    }
    if file.hasSuffix(".md") {
      let settings = LoadedNotebook.Settings(seed: options.seed, threads: options.threadCount)
      throw ExitCode(NotebookCommand(file: file, options: options, settings: settings, terminal: terminal).run())
    }
    try ScriptCommand.run(file: file, options: options, terminal: terminal)
  }
}
