package import Checking
package import Rendering

/// Values as text, the way Swift prints them: reals by the shortest digits that read back as the same number.
package struct ValuePrinter {
  /// Names of structures, enums and functions.
  package var declarations: DeclarationTable
  /// How many elements of an array or rows of a matrix are shown; the rest is counted. Nil shows all.
  package var limit: Int?

  package init(_ declarations: DeclarationTable, limit: Int? = nil) {
    self.declarations = declarations
    self.limit = limit
  }

  /// How many elements are shown where a value stands alone at the top level of a cell.
  package static let displayLimit = 12

  /// The text of a value; strings stand without quotes, but with them inside other values.
  package func text(_ value: Value) -> String {
    if case .string(let text) = value { return text }
    return nested(value, depth: 0)
  }

  /// What a value shows when it stands alone at the top level of a cell.
  package func events(_ value: Value) throws -> [OutputEvent] {
    switch value {
    case .unit: return []
    case .engine(let engine): return try engine.display()
    case .table(let table): return [.table(textTable(table, preview: limit ?? ValuePrinter.displayLimit))]
    default: return [.text(text(value))]
    }
  }

  private func nested(_ value: Value, depth: Int) -> String {
    if depth > 60 { return "…" }
    switch value {
    case .unit: return "()"
    case .none: return "nil"
    case .some(let inner): return nested(inner, depth: depth + 1)
    case .bool(let flag): return flag ? "true" : "false"
    case .int(let number): return String(number)
    case .real(let number): return ValuePrinter.text(number)
    case .string(let text): return ValuePrinter.quoted(text)
    case .realArray(let array): return dense(array.shape, depth: depth) { ValuePrinter.text(array.elements[$0]) }
    case .intArray(let array):
      return dense(array.shape, depth: depth) { position in
        let number = array.elements[position]
        if let levels = array.index?.levels, number >= 0, number < levels.count {
          return ValuePrinter.quoted(levels[number])
        }
        return String(number)
      }
    case .boolArray(let array): return dense(array.shape, depth: depth) { array.elements[$0] ? "true" : "false" }
    case .list(let elements): return bracketed(elements.count) { nested(elements[$0], depth: depth + 1) }
    case .dictionary(let dictionary):
      if dictionary.isEmpty { return "[:]" }
      let pairs = dictionary.pairs
      return bracketed(pairs.count) {
        nested(pairs[$0].key, depth: depth + 1) + ": " + nested(pairs[$0].value, depth: depth + 1)
      }
    case .tuple(let elements):
      return "(" + elements.map { nested($0, depth: depth + 1) }.joined(separator: ", ") + ")"
    case .structure(let id, let fields): return structure(id, fields, depth: depth)
    case .enumeration(let id, let index, let payload): return enumeration(id, index, payload, depth: depth)
    case .range(let lower, let upper): return "\(lower)..<\(upper)"
    case .function(let id): return "function \(name(of: id))"
    case .intrinsicFunction(let name): return "function \(name)"
    case .closure(let closure): return "closure of \(closure.code.function.parameters.count) parameters"
    case .table(let table):
      return "table of \(table.rowCount) rows: " + table.columns.map(\.name).joined(separator: ", ")
    case .paths(let paths): return paths.map { "\\." + $0.joined(separator: ".") }.joined(separator: ", ")
    case .engine(let engine): return engine.inlineDescription
    case .traced: return "value of the model"
    }
  }

  /// The shortest decimal that reads back as the same number.
  package static func text(_ number: Double) -> String { number.description }

  static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\t": result += "\\t"
      case "\r": result += "\\r"
      case "\0": result += "\\0"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }

  private func bracketed(_ count: Int, separator: String = ", ", _ element: (Int) -> String) -> String {
    let shown = limit.map { count > $0 ? $0 : count } ?? count
    var parts = (0..<shown).map(element)
    if shown < count { parts.append("… \(count - shown) more") }
    return "[" + parts.joined(separator: separator) + "]"
  }

  private func dense(_ shape: [Int], depth: Int, _ element: (Int) -> String) -> String {
    func part(_ axis: Int, _ offset: Int, _ stride: Int) -> String {
      if axis == shape.count { return element(offset) }
      let inner = shape[axis] == 0 ? 0 : stride / shape[axis]
      // Rows of a matrix that stands alone get a line each.
      let separator = depth == 0 && axis < shape.count - 1 ? ",\n" + String(repeating: " ", count: axis + 1) : ", "
      return bracketed(shape[axis], separator: separator) { part(axis + 1, offset + $0 * inner, inner) }
    }
    return part(0, 0, shape.reduce(1, *))
  }

  private func structure(_ id: StructureID, _ fields: [Value], depth: Int) -> String {
    guard declarations.structures.indices.contains(id.rawValue) else { return "structure" }
    let info = declarations.structures[id.rawValue]
    let parts = zip(info.fields, fields).map { $0.name + ": " + nested($1, depth: depth + 1) }
    return info.name + "(" + parts.joined(separator: ", ") + ")"
  }

  private func enumeration(_ id: EnumerationID, _ index: Int, _ payload: [Value], depth: Int) -> String {
    guard declarations.enumerations.indices.contains(id.rawValue),
      declarations.enumerations[id.rawValue].cases.indices.contains(index)
    else { return "case \(index)" }
    let info = declarations.enumerations[id.rawValue].cases[index]
    if payload.isEmpty { return info.name }
    let parts = payload.enumerated().map { position, value in
      let label = info.payload.indices.contains(position) ? info.payload[position].label.map { $0 + ": " } ?? "" : ""
      return label + nested(value, depth: depth + 1)
    }
    return info.name + "(" + parts.joined(separator: ", ") + ")"
  }

  private func name(of id: FunctionID) -> String {
    declarations.functions.indices.contains(id.rawValue) ? declarations.functions[id.rawValue].name : "\(id.rawValue)"
  }

  // MARK: - Tables

  /// The cells of a table that a report may show: beyond them it is a file to be read by programs.
  static let tableCellLimit = 10_000

  /// A table's first rows.
  ///
  /// - Parameter preview: The rows that a terminal shows; more go along, for media with more room.
  package func textTable(_ table: TableValue, preview: Int) -> TextTable {
    let columns = table.columns.map { column in
      TextTable.Column(name: column.name, alignment: ValuePrinter.isNumeric(column.values) ? .trailing : .leading)
    }
    let shown = max(0, preview)
    let room = max(shown, min(1000, ValuePrinter.tableCellLimit / max(1, columns.count)))
    let count = min(table.rowCount, room)
    let rows = (0..<count).map { row in table.columns.map { ValuePrinter.cell($0.values, row) } }
    var result = TextTable(columns: columns, rows: rows)
    if shown < table.rowCount { result.preview = shown }
    result.omittedRows = table.rowCount - count
    return result
  }

  private static func isNumeric(_ values: Value) -> Bool {
    switch values {
    case .realArray: true
    case .intArray(let array): array.index?.levels == nil
    case .list(let elements):
      elements.contains { value in
        switch value {
        case .int, .real: true
        default: false
        }
      }
    default: false
    }
  }

  static func cell(_ values: Value, _ row: Int) -> TextTable.Cell {
    guard let value = try? Operations.element(values, at: row) else { return .missing }
    switch value {
    case .none: return .missing
    case .int(let number):
      if case .intArray(let array) = values, let levels = array.index?.levels, number >= 0, number < levels.count {
        return .text(levels[number])
      }
      return .integer(number)
    case .real(let number): return .number(number, significantDigits: 6)
    case .bool(let flag): return .text(flag ? "true" : "false")
    case .string(let text): return .text(text)
    default: return .text(ValuePrinter(DeclarationTable(), limit: 6).text(value))
    }
  }
}

extension Operations {
  /// The text of an interpolated string; names of structures and enums come from the declarations.
  package static func interpolate(
    _ parts: [Value], _ declarations: DeclarationTable = DeclarationTable()
  ) throws -> String {
    var text = ""
    for part in parts { try append(part, to: &text, declarations) }
    return text
  }

  @inline(__always)
  static func append(_ part: Value, to text: inout String, _ declarations: @autoclosure () -> DeclarationTable) throws {
    switch part {
    case .string(let piece): text += piece
    case .int(let number): text += String(number)
    case .real(let number): text += ValuePrinter.text(number)
    default: text += ValuePrinter(declarations()).text(part)
    }
    try checkBudget(text.utf8.count, "a text")
  }

  /// What a value shows when it stands alone at the top level of a cell.
  package static func display(_ value: Value, _ declarations: DeclarationTable) throws -> [OutputEvent] {
    try ValuePrinter(declarations, limit: ValuePrinter.displayLimit).events(value)
  }
}
