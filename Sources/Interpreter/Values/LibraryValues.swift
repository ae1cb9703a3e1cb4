package import Checking
package import Rendering

/// A type as a value: `Row.self`.
package final class MetatypeValue: EngineValue {
  package static let typeName = "Type"
  package let type: Type
  package init(_ type: Type) { self.type = type }
  package func member(_ name: String) throws -> Value? { nil }
  package var memberNames: [String] { [] }
  package func display() throws -> [OutputEvent] { [.text(inlineDescription)] }
  package var inlineDescription: String { Operations.words(type) }
  package func isSame(as other: any EngineValue) -> Bool { (other as? MetatypeValue)?.type == type }
  package func encode(into encoder: inout ValueEncoder) throws {
    guard case .structure(let id) = type else { throw Fault("R020", "the type cannot be stored") }
    try encoder.write(structure: id)
  }
  package static func decode(from decoder: inout ValueDecoder) throws -> any EngineValue {
    MetatypeValue(.structure(try decoder.structureID()))
  }
}

/// A table of results, shown as such: summaries of fits and of data.
package final class SummaryValue: EngineValue {
  package static let typeName = "Summary"
  package let table: TextTable
  package init(_ table: TextTable) { self.table = table }

  /// A column by its name: numbers as a vector, else texts.
  package func member(_ name: String) throws -> Value? {
    guard let column = table.columns.firstIndex(where: { $0.name == name }) else { return nil }
    let cells = table.rows.map { column < $0.count ? $0[column] : .missing }
    let numbers = cells.compactMap { cell -> Double? in
      switch cell {
      case .integer(let number): Double(number)
      case .number(let number, _), .decimal(let number, _): number
      case .missing: .nan
      case .text, .bars: nil
      }
    }
    if numbers.count == cells.count { return .vector(numbers) }
    return .list(cells.map { if case .text(let text) = $0 { .string(text) } else { .none } })
  }
  package var memberNames: [String] { table.columns.map(\.name) }
  package func display() throws -> [OutputEvent] { [.table(table)] }
  package func isSame(as other: any EngineValue) -> Bool { (other as? SummaryValue)?.table == table }
  package var inlineDescription: String { "summary of \(table.rows.count) rows" }

  package func encode(into encoder: inout ValueEncoder) throws { encoder.write(table) }
  package static func decode(from decoder: inout ValueDecoder) throws -> any EngineValue {
    SummaryValue(try decoder.textTable())
  }
}

/// A plot, shown as such.
package final class PlotValue: EngineValue {
  package static let typeName = "Plot"
  package let figure: Figure
  package init(_ figure: Figure) { self.figure = figure }
  package func member(_ name: String) throws -> Value? { nil }
  package var memberNames: [String] { [] }
  package func display() throws -> [OutputEvent] { [.figure(figure)] }
  package func isSame(as other: any EngineValue) -> Bool { (other as? PlotValue)?.figure == figure }
  package var inlineDescription: String { figure.title.map { "\(figure.kind) “\($0)”" } ?? figure.kind }
  package func encode(into encoder: inout ValueEncoder) throws { encoder.write(figure) }
  package static func decode(from decoder: inout ValueDecoder) throws -> any EngineValue {
    PlotValue(try decoder.figure())
  }
}

extension EngineValueRegistry {
  /// Registers the values of the core library.
  package mutating func registerCore() {
    register(MetatypeValue.typeName, MetatypeValue.decode)
    register(SummaryValue.typeName, SummaryValue.decode)
    register(PlotValue.typeName, PlotValue.decode)
  }
}

extension ValueEncoder {
  package mutating func write(_ table: TextTable) {
    write(table.title != nil)
    if let title = table.title { write(title) }
    write(table.columns.count)
    for column in table.columns {
      write(column.name)
      write(column.alignment == .trailing)
    }
    write(table.rows.count)
    for row in table.rows {
      write(row.count)
      for cell in row { write(cell) }
    }
    write(table.notes)
    write(table.preview ?? -1)
    write(table.omittedRows)
  }

  private mutating func write(_ cell: TextTable.Cell) {
    switch cell {
    case .missing: write(UInt8(0))
    case .bars(let heights):
      write(UInt8(5))
      write(heights)
    case .text(let text):
      write(UInt8(1))
      write(text)
    case .integer(let number):
      write(UInt8(2))
      write(number)
    case .number(let number, let digits):
      write(UInt8(3))
      write(number)
      write(digits)
    case .decimal(let number, let places):
      write(UInt8(4))
      write(number)
      write(places)
    }
  }
}

extension ValueDecoder {
  package mutating func textTable() throws -> TextTable {
    let title = try bool() ? try string() : nil
    var columns: [TextTable.Column] = []
    for _ in 0..<(try count(size: 9)) {
      columns.append(TextTable.Column(name: try string(), alignment: try bool() ? .trailing : .leading))
    }
    var rows: [[TextTable.Cell]] = []
    for _ in 0..<(try count(size: 8)) {
      var row: [TextTable.Cell] = []
      for _ in 0..<(try count()) { row.append(try cell()) }
      rows.append(row)
    }
    var table = TextTable(title: title, columns: columns, rows: rows, notes: try strings())
    let preview = try int()
    table.preview = preview < 0 ? nil : preview
    table.omittedRows = max(0, min(1 << 40, try int()))
    return table
  }

  private mutating func cell() throws -> TextTable.Cell {
    switch try byte() {
    case 0: return .missing
    case 5: return .bars(try ints())
    case 1: return .text(try string())
    case 2: return .integer(try int())
    case 3: return .number(try double(), significantDigits: try int())
    case 4: return .decimal(try double(), places: try int())
    default: throw DecodingError("a cell of an unknown kind")
    }
  }
}
