import Checking
import Foundation
import Interpreter
import Syntax

// What a run would do with each cell, and why, as a user would say it.
extension NotebookRunner {
  /// What a run would do with a cell.
  package struct Forecast: Sendable {
    package var cell: NotebookCell
    package var identity: String
    package enum Outcome: Sendable { case runs, found, erroneous, skipped }
    package var outcome: Outcome
    /// How long it took last time.
    package var seconds: Double?
    package var words: String
  }

  /// What a run would do with each cell, without running any.
  package func forecast() -> [Forecast] {
    var lost = LostCells()
    return checked.map { item in
      func forecast(_ outcome: Forecast.Outcome, _ words: String, seconds: Double? = nil) -> Forecast {
        Forecast(cell: item.cell, identity: item.identity, outcome: outcome, seconds: seconds, words: words)
      }
      if item.unit.hasErrors {
        lost.lose(item.unit, item.names, title: item.cell.title)
        return forecast(.erroneous, "it has errors")
      }
      if let cause = lost.cause(item.unit, item.names, in: session.checker.table) {
        lost.lose(item.unit, item.names, title: item.cell.title)
        return forecast(.skipped, cause)
      }
      lost.find(item.names)
      let search = find(item)
      switch search {
      case .found: return forecast(.found, words(search, item, []))
      case .runs(_, let seconds): return forecast(.runs, words(search, item, []), seconds: seconds)
      }
    }
  }

  /// What became of a cell and why, as a user would say it.
  func words(_ search: Search, _ item: CheckedCell, _ fresh: Set<GlobalID>) -> String {
    switch search {
    case .found(let found) where found.source == .pinned:
      return "kept: the cell is pinned, and shows what it gave when it last ran"
    case .found(let found):
      let names = session.checker.table.globals
      let rerun = found.reads.compactMap { read -> String? in
        guard let binding = read.read.binding, read.read.kind == .value,
          let number = cache?.index.code.names.index(of: binding), fresh.contains(GlobalID(number)),
          names.indices.contains(number)
        else { return nil }
        return "`\(names[number].name)`"
      }
      if !rerun.isEmpty {
        let isOne = rerun.count == 1
        return "found: \(isOne ? "the value of \(rerun[0]) is" : "the values of \(rerun.joined(separator: ", ")) are") "
          + "the same, although \(isOne ? "its cell" : "their cells") ran again"
      }
      return "found: nothing that it reads has changed"
    case .runs(let reason, _): return "runs: " + words(reason, item)
    }
  }

  private func words(_ reason: MissReason, _ item: CheckedCell) -> String {
    switch reason {
    case .neverRan: return "it has not run before"
    case .edited: return "its code or its options were edited"
    case .notKept:
      if item.cell.errorPolicy == .require { return "a cell that must fail always runs" }
      return item.cell.cachePolicy == .never ? "`cache: never` says so" : "no cache is in use"
    case .lost: return "what it gave is no longer in the cache"
    case .waits(let binding):
      return "it reads `\(binding.words)`, which is computed anew\(place(of: binding).map { " in \($0)" } ?? "")"
    case .differs(let read): return words(read)
    }
  }

  private func words(_ read: Read) -> String {
    switch read.kind {
    case .value:
      let cell = read.binding.flatMap { place(of: $0) }.map { " (\($0))" } ?? ""
      return "the value of `\(read.name)` changed\(cell)"
    case .function, .model:
      let name = read.binding?.words ?? read.name
      let what = read.kind == .function ? "function" : "model"
      guard let line = line(of: read) else { return "\(what) `\(name)` is gone" }
      return "\(what) `\(name)`, line \(line), or what it calls was edited"
    case .text: return "the text that a message of it points to was edited"
    case .file: return session.world.fileExists(read.name) ? "`\(read.name)` changed" : "`\(read.name)` is gone"
    case .existence:
      return session.world.fileExists(read.name)
        ? "`\(read.name)` was absent and is there now" : "`\(read.name)` is gone"
    case .directory: return "the files in `\(read.name)` changed"
    case .environment: return "the environment variable `\(read.name)` changed"
    case .parameter: return "the parameter `\(read.name)` changed"
    case .builtin:
      let name = read.name.prefix { $0 != "(" }
      return caching?.engine.build == nil ? "`\(name)` works differently in this version" : "the program was built anew"
    case .numericClass: return "the machine or its mathematics libraries are others"
    case .identity: return "it draws random numbers by its name, which changed"
    case .seed: return "it draws random numbers, and the seed changed"
    case .clock: return "it asks for the time, so that it always runs"
    }
  }

  /// The title of the cell that defines a value.
  private func place(of binding: BindingName) -> String? {
    guard binding.kind == .value, let number = cache?.index.code.names.index(of: binding) else { return nil }
    return checked.first { item in item.unit.exports.contains { $0.global == GlobalID(number) } }?.cell.title
  }

  /// The line of the file on which a function or model stands.
  private func line(of read: Read) -> Int? {
    guard let binding = read.binding, let number = cache?.index.code.names.index(of: binding) else { return nil }
    let table = session.checker.table
    let span: SourceSpan
    switch binding.kind {
    case .function:
      guard table.functions.indices.contains(number) else { return nil }
      span = table.functions[number].span
    case .model:
      guard table.models.indices.contains(number) else { return nil }
      span = table.models[number].function.span
    case .value: return nil
    }
    guard let source = session.sources[span.source] else { return nil }
    return source.firstLine + source.lineIndex(of: span.start)
  }
}
