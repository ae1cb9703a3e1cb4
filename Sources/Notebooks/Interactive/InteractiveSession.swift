package import Checking
package import Foundation
package import Interpreter
import Modeling
import Numerics
package import Rendering
package import Syntax

/// A session in which entries are made one after the other: what the prompt is to a user, without a terminal.
///
/// Entries are cells: names mean the nearest definition above, and each entry has a label of its own from which its
/// random numbers derive, so that a notebook of the entries shows what the session showed.
package final class InteractiveSession {
  package struct Entry: Sendable {
    package enum Status: Sendable { case done, failed, interrupted }
    package var number: Int
    /// What random streams derive from; written into a saved notebook.
    package var label: String?
    /// As it was entered.
    package var text: String
    package var status: Status
    package var seconds: Double
    /// Where its last statement begins, if its value became `it`.
    var valueStart: Int?
    /// Whether a saved notebook can hold it.
    var identity: String
  }

  package let session: Session
  package private(set) var entries: [Entry] = []
  /// Names that entries bound, in the order of their last binding, with their values.
  package private(set) var bindings: [(name: String, value: Value, type: Type)] = []
  /// The figure that was shown last.
  package private(set) var lastFigure: Figure?
  /// The error that was shown last, with all its calls.
  package private(set) var lastError: Diagnostic?
  package let folder: URL
  package let seed: UInt64
  private let store: CacheStore?
  private var labels: Set<String> = []
  private var occurrences: [String: Int] = [:]

  /// - Parameters:
  ///   - store: Where fits are kept; nil keeps none.
  package init(session: Session, folder: URL, seed: UInt64, store: CacheStore?, engine: EngineIdentity) {
    self.session = session
    self.folder = folder
    self.seed = seed
    self.store = store
    session.machine.keepsInterruptedWork = true
    if let store, store.isOpen { session.machine.results = KeptResults(store: store, engine: engine) }
  }

  // MARK: - Entries

  /// Checks and runs an entry; its events come as they arise.
  ///
  /// An entry with an error binds nothing: names keep what they meant.
  ///
  /// - Parameters:
  ///   - label: Of a cell of a notebook that is loaded; otherwise the entry gets one of its own.
  ///   - isCell: Whether the entry is a loaded cell, which keeps its identity.
  @discardableResult
  package func enter(
    _ text: String, label: String? = nil, isCell: Bool = false, show: @escaping (CellEvent) -> Void
  ) -> Entry {
    let start = ContinuousClock.now
    let number = entries.count + 1
    let own = label ?? (isCell ? nil : freeLabel(number))
    if let own { labels.insert(own) }
    let source = session.add(name: own ?? "entry \(number)", bytes: Array(text.utf8))
    let written = Parser.parse(source)
    let trial = session.trial(written)
    var entry = Entry(number: number, label: own, text: text, status: .failed, seconds: 0, identity: "")
    func finish(_ status: Entry.Status) -> Entry {
      let elapsed = start.duration(to: .now)
      entry.seconds = elapsed.inSeconds
      entry.status = status
      entries.append(entry)
      return entry
    }
    func note(_ event: CellEvent) {
      switch event {
      case .output(.figure(let figure)): lastFigure = figure
      case .diagnostic(let diagnostic) where diagnostic.severity == .error: lastError = diagnostic
      case .output, .diagnostic: break
      }
      show(event)
    }
    for diagnostic in trial.diagnostics { note(.diagnostic(diagnostic)) }
    if trial.hasErrors { return finish(.failed) }

    let (tree, valueStart) = binding(written, trial)
    let before = Checker(copying: session.checker)
    let unit = session.check(tree, as: .cell)
    let identity = session.identity(label: own, unit: unit, occurrences: &occurrences, tree: written)
    entry.identity = identity
    entry.valueStart = valueStart
    session.onEvent = { note($0) }
    defer { session.onEvent = nil }
    session.machine.cancellation.reset()
    let run = session.evaluate(unit, identity: identity)
    if run.failed {
      session.checker.restoreNames(of: before)
      let isInterrupted = session.isInterrupted
      session.machine.cancellation.reset()
      return finish(isInterrupted ? .interrupted : .failed)
    }
    for (global, value) in run.values { bind(global, value) }
    return finish(.done)
  }

  private func freeLabel(_ number: Int) -> String {
    var label = "entry-\(number)"
    while labels.contains(label) { label += "x" }
    return label
  }

  private func bind(_ global: GlobalID, _ value: Value) {
    let info = session.checker.table.globals[global.rawValue]
    bindings.removeAll { $0.name == info.name }
    if !info.name.hasPrefix("_") { bindings.append((info.name, value, info.type)) }
  }

  /// The entry with its last value bound to `it`, where it has one; the value is shown as it would be.
  private func binding(_ tree: SyntaxTree, _ trial: CheckedUnit) -> (SyntaxTree, valueStart: Int?) {
    guard let last = tree.statements.last, case .expression(let expression) = last.kind, let type = trial.lastType,
      type != .unit, !tree.statements.dropLast().contains(where: { InteractiveSession.binds($0, "it") })
    else { return (tree, nil) }
    var changed = tree
    let name = Identifier("it", last.span)
    let binding = Statement.Binding(
      isVariable: false, pattern: Pattern(.name(name), last.span), type: nil, value: expression)
    changed.statements.removeLast()
    changed.statements.append(Statement(.binding(binding), last.span))
    changed.statements.append(Statement(.expression(Expression(.name("it"), last.span)), last.span))
    return (changed, Int(last.span.start))
  }

  private static func binds(_ statement: Statement, _ name: String) -> Bool {
    guard case .binding(let binding) = statement.kind, case .name(let own) = binding.pattern.kind else { return false }
    return own.text == name
  }

  // MARK: - Looking around

  /// The type of an expression, or what is wrong with it.
  package func type(of text: String) -> Result<String, DiagnosticError> {
    let unit = session.trial(Parser.parse(session.add(name: "type", bytes: Array(text.utf8))))
    if let error = unit.diagnostics.first(where: { $0.severity == .error }) { return .failure(DiagnosticError(error)) }
    guard let type = unit.lastType else {
      return .failure(
        DiagnosticError(Diagnostic("N050", "that is no expression", at: unit.main.span, help: "write `:type 1 + 2`")))
    }
    return .success(session.checker.typeWords(type))
  }

  /// Names that entries bound: what they are and how much memory their values take.
  package var table: TextTable {
    let code = CodeDigests(session.checker.table)
    let rows = bindings.map { binding -> [TextTable.Cell] in
      var encoder = ValueEncoder(session.checker.table, code: code)
      let isWritten = (try? encoder.write(binding.value)) != nil
      let bytes = isWritten ? encoder.finish().count : 0
      let digest = binding.value.digest(session.checker.table, code: code).description.prefix(8)
      return [
        .text(binding.name), .text(session.checker.typeWords(binding.type)),
        isWritten ? .text(InteractiveSession.size(bytes)) : .missing, .text(String(digest)),
      ]
    }
    return TextTable(
      columns: [
        .init(name: "name", alignment: .leading), .init(name: "type", alignment: .leading),
        .init(name: "size", alignment: .trailing), .init(name: "value's digest", alignment: .leading),
      ], rows: rows, notes: rows.isEmpty ? ["nothing is bound yet"] : [])
  }

  private static func size(_ bytes: Int) -> String {
    if bytes < 1000 { return "\(bytes) B" }
    if bytes < 1_000_000 { return "\((bytes + 500) / 1000) kB" }
    return NumberText.fixed(Double(bytes) / 1e6, places: 1) + " MB"
  }

  /// The value of a name that an entry bound.
  package func value(_ name: String) -> Value? { bindings.last { $0.name == name }?.value }

  package func close() { store?.close() }
  /// What the store has to say.
  package func notices() -> [String] { store?.takeNotices() ?? [] }
}

// MARK: - Notebooks

extension InteractiveSession {
  /// The session as a notebook whose run shows what the session showed; entries that failed are left out.
  package func notebook(title: String) -> (text: String, leftOut: Int) {
    let kept = entries.filter { $0.status == .done && !$0.text.allSatisfy(\.isWhitespace) }
    let usesIt = Set(kept.filter { InteractiveSession.mentions("it", in: $0.text) }.map(\.number))
    let quoted = title.replacingOccurrences(of: "\\", with: "\\\\").replacingOccurrences(of: "\"", with: "\\\"")
    var text = "---\ntitle: \"\(quoted)\"\nseed: \(seed)\n---\n"
    for (index, entry) in kept.enumerated() {
      // `it` of a later entry is the value of the last entry above that had one.
      let readers = kept[(index + 1)...].prefix { later in
        usesIt.contains(later.number) || later.valueStart == nil
      }
      let isRead = readers.contains { usesIt.contains($0.number) } || nextReads(kept, index, usesIt)
      let code = isRead ? withName(entry) : entry.text
      text += "\n" + InteractiveSession.cell(code, label: entry.label)
    }
    return (text, entries.count - kept.count)
  }

  /// Whether some entry reads `it` before another value takes the name.
  private func nextReads(_ kept: [Entry], _ index: Int, _ usesIt: Set<Int>) -> Bool {
    guard kept[index].valueStart != nil else { return false }
    for later in kept[(index + 1)...] {
      if usesIt.contains(later.number) { return true }
      if later.valueStart != nil { return false }
    }
    return false
  }

  /// The entry with its last value named.
  private func withName(_ entry: Entry) -> String {
    guard let start = entry.valueStart else { return entry.text }
    let bytes = Array(entry.text.utf8)
    let head = String(decoding: bytes[..<start], as: UTF8.self)
    let value = String(decoding: bytes[start...], as: UTF8.self)
    return head + "let it = " + value + (value.hasSuffix("\n") ? "" : "\n") + "it"
  }

  private static func cell(_ code: String, label: String?) -> String {
    let mark = CodeFence.mark(for: code)
    let body = code.hasSuffix("\n") ? code : code + "\n"
    return "\(mark)swift {\(label.map { "#" + $0 } ?? "")}\n\(body)\(mark)\n"
  }

  private static func mentions(_ name: String, in text: String) -> Bool {
    let source = SourceText(id: SourceID(-1), name: "", bytes: Array(text.utf8))
    return CellNames(Parser.parse(source)).mentioned.contains(name)
  }

  /// Runs the cells of a notebook, or a script, as entries.
  ///
  /// - Returns: Whether all of them succeeded.
  /// - Throws: ``DiagnosticError`` where the notebook itself is at fault.
  package func load(
    _ bytes: [UInt8], name: String, version: [Int], onCell: (String) -> Void = { _ in },
    show: @escaping (CellEvent) -> Void
  ) throws -> Bool {
    guard name.hasSuffix(".md") else {
      return enter(String(decoding: bytes, as: UTF8.self), show: show).status == .done
    }
    let document = NotebookParser.parse(session.add(name: name, bytes: bytes), version: version)
    if let error = document.diagnostics.first(where: { $0.severity == .error }) { throw DiagnosticError(error) }
    for cell in document.cells {
      let code = String(decoding: bytes[cell.code.start..<cell.code.end], as: UTF8.self)
      onCell(cell.name)
      let entry = enter(code, label: cell.label, isCell: true) { if cell.shows($0) { show($0) } }
      if entry.status != .done, cell.errorPolicy == .none { return false }
    }
    return true
  }
}
