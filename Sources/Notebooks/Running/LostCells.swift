import Checking
import Interpreter
import Syntax

/// Cells that gave nothing, and what of theirs is missing therefore.
struct LostCells {
  /// Values that were checked but never computed, and code that may read them.
  private var globals: [GlobalID: String] = [:]
  private var functions: [FunctionID: String] = [:]
  private var models: [ModelID: String] = [:]
  /// Names whose nearest definition has an error: they resolve to nothing, so that only the text can tell the cause.
  private var names: [String: String] = [:]

  mutating func lose(_ unit: CheckedUnit, _ cell: CellNames, title: String) {
    for export in unit.exports { globals[export.global] = title }
    for function in unit.functions { functions[function] = title }
    for model in unit.models { models[model] = title }
    for name in cell.defined { names[name.text] = unit.hasErrors ? title : nil }
  }

  /// A cell that runs defines its names anew.
  mutating func find(_ cell: CellNames) {
    for name in cell.defined { names[name.text] = nil }
  }

  /// What a cell needs and does not get; nil if it can run.
  func cause(_ unit: CheckedUnit, _ cell: CellNames, in table: DeclarationTable) -> String? {
    func needs(_ name: String, _ title: String) -> String { "it needs `\(name)` of \(title)" }
    if let read = unit.reads.first(where: { globals[$0] != nil }), let title = globals[read] {
      return needs(table.globals[read.rawValue].name, title)
    }
    var result: String?
    var isBroken = false
    var pending = [unit.main] + unit.functions.map { table.functions[$0.rawValue] }
    pending += unit.models.map { table.models[$0.rawValue].function }
    while let function = pending.popLast() {
      TreeWalk.walk(function.body) { expression, _ in
        switch expression.kind {
        case .erroneous: isBroken = true
        case .closure(let closure): pending.append(closure.function)
        case .call(let id, _), .function(let id):
          if let title = functions[id] { result = result ?? needs(table.functions[id.rawValue].name, title) }
        case .model(let id, _):
          if let title = models[id] { result = result ?? needs(table.models[id.rawValue].name, title) }
        default: break
        }
      }
    }
    if let result { return result }
    guard isBroken else { return nil }
    guard let name = cell.mentioned.first(where: { names[$0] != nil }), let title = names[name] else {
      return "it needs something of a cell with errors"
    }
    return needs(name, title)
  }
}
