import ArgumentParser
import Foundation
import Interpreter
import Notebooks
import Syntax

/// `cairn new`: a notebook to begin with.
struct New: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Write a starting notebook: with a small example, or about a CSV file.")
  @Argument(help: "What the notebook is called; NAME.nb.md is written.") var name: String
  @Option(help: "A CSV file to begin with.") var from: String?

  mutating func run() throws {
    let terminal = Terminal()
    do { try write(terminal) } catch { throw ExitCode(terminal.fail(error)) }
  }

  private func write(_ terminal: Terminal) throws {
    let file = name.hasSuffix(".nb.md") ? name : name + ".nb.md"
    let place = URL(fileURLWithPath: file)
    guard !FileManager.default.fileExists(atPath: place.path) else {
      throw DiagnosticError(
        Diagnostic("N048", "`\(file)` is there already", at: nil, help: "choose another name; nothing was changed"))
    }
    let folder = place.deletingLastPathComponent()
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: folder.path, isDirectory: &isFolder), isFolder.boolValue else {
      throw DiagnosticError(
        Diagnostic("N043", "there is no folder for `\(file)`", at: nil, help: "make it first, with `mkdir -p`"))
    }
    let title = InputFile.bareName(file)
    let text: String
    if let from {
      let bytes = try InputFile.read(from).get()
      guard let columns = TableLibrary.columns(ofCSV: bytes), !columns.isEmpty else {
        throw DiagnosticError(
          Diagnostic(
            "N049", "`\(from)` cannot be read as a table", at: nil,
            help: "a CSV file has a line of column names, then lines of as many values"))
      }
      text = StartingNotebook.about(path: NewPath.relative(from, to: folder), columns: columns, title: title)
    } else {
      text = StartingNotebook.example(title: title)
    }
    try ExportCommand.write(Array(text.utf8), to: place)
    terminal.line("\(file): written; run it with `cairn run \(file)`, or `cairn export \(file)` for a report")
  }
}

enum NewPath {
  /// A file as seen from a folder, where it lies below; else its whole path.
  static func relative(_ file: String, to folder: URL) -> String {
    let path = URL(fileURLWithPath: file).standardizedFileURL.path
    let base = folder.standardizedFileURL.path
    let prefix = base.hasSuffix("/") ? base : base + "/"
    return path.hasPrefix(prefix) ? String(path.dropFirst(prefix.count)) : path
  }
}
