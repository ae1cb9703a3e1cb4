import ArgumentParser
import Foundation
import Notebooks
import Syntax

/// `cairn import`: a notebook from a Jupyter notebook, or the one that a report holds.
struct Import: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Make a notebook of a Jupyter notebook, or take out the one that a report holds.")
  @Argument(help: "NAME.ipynb, or a report NAME.html.") var file: String
  @Option(name: .shortAndLong, help: "Write to this file instead of NAME.nb.md.") var output: String?
  @Flag(help: "Replace a file that is there already.") var force = false

  mutating func run() throws {
    let terminal = Terminal()
    do { try convert(terminal) } catch { throw ExitCode(terminal.fail(error)) }
  }

  private func convert(_ terminal: Terminal) throws {
    let bytes = try InputFile.read(file).get()
    let url = URL(fileURLWithPath: file)
    let name = url.deletingPathExtension().lastPathComponent
    let place =
      output.map { URL(fileURLWithPath: $0) }
      ?? url.deletingLastPathComponent().appendingPathComponent(name + ".nb.md")
    guard force || !FileManager.default.fileExists(atPath: place.path) else {
      throw DiagnosticError(
        Diagnostic(
          "N048", "`\(place.lastPathComponent)` is there already", at: nil,
          help: "name another file with `--output`, or replace it with `--force`"))
    }
    if url.pathExtension.lowercased() == "html" {
      guard let source = ReportSource.notebook(in: bytes) else {
        throw DiagnosticError(
          Diagnostic(
            "N044", "the page holds no notebook", at: nil, help: "only reports that `cairn export` wrote hold theirs"))
      }
      try ExportCommand.write(source, to: place)
    } else {
      let folder = InputFile.bareName(place.lastPathComponent) + ".files"
      let result = try JupyterImport.read(bytes, folder: folder)
      for warning in result.warnings { terminal.show(warning, SourceMap()) }
      let files = place.deletingLastPathComponent().appendingPathComponent(folder)
      if !result.files.isEmpty {
        try? FileManager.default.createDirectory(at: files, withIntermediateDirectories: true)
        for item in result.files { try ExportCommand.write(item.bytes, to: files.appendingPathComponent(item.name)) }
      }
      try ExportCommand.write(Array(result.text.utf8), to: place)
    }
    terminal.line("\(place.lastPathComponent): written")
  }
}
