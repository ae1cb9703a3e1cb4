package import Checking
import Foundation
import Numerics
package import Rendering
import Syntax

/// Tables: reading, choosing rows and columns, summaries.
package enum TableLibrary {
  static let all: [Intrinsic] = reading + shaping + columns

  private static let reading: [Intrinsic] = [
    CoreLibrary.make("readCSV(_:separator:missing:)") { a, context in
      let path = try a.string(0)
      let options = try CSV.Options(separator: try a.string(1), missing: try a.strings(2))
      let (table, warnings) = try CSV(try read(path, context), options: options).table(origin: "`\(path)`")
      for warning in warnings { context.warn(Diagnostic("R014", .warning, warning, at: context.callSpan)) }
      return .table(table)
    },
    CoreLibrary.make("readCSV(_:as:separator:missing:)") { a, context in
      let path = try a.string(0)
      guard case .engine(let engine) = a[1], let metatype = engine as? MetatypeValue,
        case .structure(let id) = metatype.type, context.declarations.structures.indices.contains(id.rawValue)
      else { throw a.wrong(1, "a structure's type, such as `Row.self`") }
      let wanted = context.declarations.structures[id.rawValue].fields.map {
        TableType.Column(name: $0.name, cell: $0.type)
      }
      let options = try CSV.Options(separator: try a.string(2), missing: try a.strings(3))
      return .table(try CSV(try read(path, context), options: options).table(as: wanted, origin: "`\(path)`"))
    },
    CoreLibrary.make("readText(_:)") { a, context in
      let bytes = try read(try a.string(0), context)
      guard let text = String(validating: bytes, as: UTF8.self) else {
        throw Fault("R015", "the file is not UTF-8 text")
      }
      return .string(text)
    },
    CoreLibrary.make("fileExists(_:)") { a, context in .bool(context.world.fileExists(try a.string(0))) },
    CoreLibrary.make("listFiles(_:)") { a, context in
      let folder = try a.string(0)
      do {
        return .list(try context.world.listDirectory(folder).map { .string($0) })
      } catch let fault as Fault {
        throw fault
      } catch {
        throw Fault("R013", "the folder `\(folder)` cannot be listed", found: "\(error)")
      }
    },
  ]

  private static func read(_ path: String, _ context: any CallContext) throws -> [UInt8] {
    do {
      return try context.world.readFile(path)
    } catch let fault as Fault {
      throw fault
    } catch {
      throw Fault(
        "R013", "the file `\(path)` cannot be read", found: "\(error)", help: "paths are relative to the project")
    }
  }

  /// Names and types of a file's columns, for the checker.
  package static func columns(ofCSV bytes: [UInt8]) -> [TableType.Column]? {
    (try? CSV(bytes))?.columns()
  }

  private static let shaping: [Intrinsic] = [
    CoreLibrary.make("Table.count") { a, _ in .int(try a.table(0).rowCount) },
    CoreLibrary.make("Table.rowCount") { a, _ in .int(try a.table(0).rowCount) },
    CoreLibrary.make("Table.columnNames") { a, _ in .texts(try a.table(0).columns.map(\.name)) },
    CoreLibrary.make("Table.rows") { a, _ in
      let table = try a.table(0)
      return .list(try (0..<table.rowCount).map { .dictionary(try row(table, $0)) })
    },
    CoreLibrary.make("Table.column(_:)") { a, _ in try Operations.column(a[0], try a.string(1)) },
    CoreLibrary.make("Table.reals(_:)") { a, _ in
      let column = try Operations.column(a[0], try a.string(1))
      return .vector(try Arguments("reals", [column]).reals(0))
    },
    CoreLibrary.make("Table.select(_:)") { a, _ in
      let table = try a.table(0)
      let columns = try a.strings(1).map {
        TableValue.Column(name: $0, values: try Operations.column(a[0], $0))
      }
      return .table(TableValue(columns: columns, rowCount: table.rowCount, origin: table.origin))
    },
    CoreLibrary.make("Table.filter(_:)") { a, context in
      let table = try a.table(0)
      if case .boolArray = a[1] { return .table(try Operations.rows(of: table, .value(a[1]))) }
      var kept: [Int] = []
      for index in 0..<table.rowCount
      where try Machine.truth(try context.call(a[1], [.dictionary(try row(table, index))])) {
        kept.append(index)
      }
      return .table(try Operations.rows(of: table, .value(.integers(kept))))
    },
    CoreLibrary.make("Table.filter(where:)") { a, _ in
      .table(try Operations.rows(of: try a.table(0), .value(a[1])))
    },
    CoreLibrary.make("Table.sorted(by:descending:)") { a, _ in
      let table = try a.table(0)
      let values = try Operations.elements(of: try Operations.column(a[0], try a.string(1)))
      let isDescending = try a.bool(2)
      let positions = try ArrayLibrary.merged(values.indices.map { .int($0) }) { left, right in
        guard case .int(let i) = left, case .int(let j) = right else { return false }
        // Missing values come last in both directions.
        if case .none = values[i] { return false }
        if case .none = values[j] { return true }
        return try Machine.truth(
          try Operations.binary(.less, values[isDescending ? j : i], values[isDescending ? i : j]))
      }
      return .table(try Operations.rows(of: table, .value(try Operations.collected(positions, like: .integers([])))))
    },
    CoreLibrary.make("Table.adding(_:_:)") { a, _ in
      var table = try a.table(0)
      let name = try a.string(1)
      let count = try Operations.count(a[2])
      guard count == table.rowCount || table.columns.isEmpty else {
        throw Fault(
          "R004", "the new column has \(count) rows", expected: "\(table.rowCount)", found: "\(count)")
      }
      table.columns.removeAll { $0.name == name }
      table.columns.append(TableValue.Column(name: name, values: a[2]))
      table.rowCount = count
      return .table(table)
    },
    CoreLibrary.make("Table.dropMissing()") { a, _ in .table(try dropMissing(try a.table(0))) },
    CoreLibrary.make("Table()") { _, _ in .table(TableValue(columns: [], rowCount: 0, origin: nil)) },
    CoreLibrary.make("Table(columns:)") { a, _ in try made(try a.dictionary(0).pairs) },
    CoreLibrary.make("head(_:_:)") { a, _ in
      let count = max(0, try a.int(1))
      if case .table(let table) = a[0] {
        return .table(try Operations.rows(of: table, .range(0, min(count, table.rowCount))))
      }
      return try Operations.index(a[0], [.range(0, min(count, try Operations.count(a[0])))])
    },
    CoreLibrary.make("describe(_:)") { a, _ in .engine(SummaryValue(summary(try a.table(0)))) },
    CoreLibrary.make("summary(_:)") { a, _ in .engine(SummaryValue(summary(try a.table(0)))) },
  ]

  private static let columns: [Intrinsic] = [
    // Levels in the order of their code points, so that the order of rows does not decide which is first.
    CoreLibrary.make("Array.index") { a, _ in
      if case .intArray(let array) = a[0] {
        if array.index != nil { return a[0] }
        return try Operations.convert(a[0], .intToIndex, to: .array(.index(.unknown), [.unknown]))
      }
      let texts = try a.strings(0)
      var codes: [String: Int] = [:]
      var levels: [String] = []
      for text in texts where codes[text] == nil {
        codes[text] = 0
        levels.append(text)
      }
      levels.sort(by: Operations.precedes)
      for (code, level) in levels.enumerated() { codes[level] = code }
      let elements = texts.map { codes[$0] ?? 0 }
      return .intArray(
        IntArray(shape: [texts.count], elements: elements, index: IndexInfo(extent: levels.count, levels: levels)))
    },
    CoreLibrary.make("Array.index(levels:)") { a, _ in
      let levels = try a.strings(1)
      let elements = try a.strings(0).enumerated().map { row, text in
        guard let code = levels.firstIndex(of: text) else {
          let near = Spelling.nearest(text, in: levels)
          throw Fault(
            "R011", "“\(text)” in row \(row) is not one of the levels", help: near.map { "did you mean “\($0)”?" })
        }
        return code
      }
      return .intArray(
        IntArray(shape: [elements.count], elements: elements, index: IndexInfo(extent: levels.count, levels: levels)))
    },
  ]

  static func row(_ table: TableValue, _ index: Int) throws -> DictionaryValue {
    DictionaryValue(try table.columns.map { (.string($0.name), try Operations.element($0.values, at: index)) })
  }

  /// A table of named columns of one length.
  package static func made(_ columns: [(key: Value, value: Value)]) throws -> Value {
    var result: [TableValue.Column] = []
    var rowCount: Int?
    for column in columns {
      guard case .string(let name) = column.key else { throw Operations.unsuitable("a column name", column.key) }
      let count = try Operations.count(column.value)
      if let rowCount, rowCount != count {
        throw Fault("R004", "column `\(name)` has \(count) rows", expected: "\(rowCount)", found: "\(count)")
      }
      rowCount = count
      result.append(TableValue.Column(name: name, values: column.value))
    }
    return .table(TableValue(columns: result, rowCount: rowCount ?? 0, origin: nil))
  }

  /// Rows without missing cells; columns of optionals become dense.
  static func dropMissing(_ table: TableValue) throws -> TableValue {
    var keeps = [Bool](repeating: true, count: table.rowCount)
    for column in table.columns {
      guard case .list(let elements) = column.values else { continue }
      for (row, element) in elements.enumerated() { if case .none = element { keeps[row] = false } }
    }
    var result = try Operations.rows(
      of: table, .value(.boolArray(BoolArray(shape: [table.rowCount], elements: keeps))))
    for index in result.columns.indices {
      guard case .list(let elements) = result.columns[index].values else { continue }
      result.columns[index].values = try Operations.collected(elements)
    }
    return result
  }

  /// One line per column: type, missing cells, and moments or levels.
  package static func summary(_ table: TableValue) -> TextTable {
    let names = ["column", "type", "missing", "mean", "sd", "min", "median", "max"]
    let columns = names.enumerated().map { TextTable.Column(name: $1, alignment: $0 < 2 ? .leading : .trailing) }
    let rows = table.columns.map { column -> [TextTable.Cell] in
      let elements = (try? Operations.elements(of: column.values)) ?? []
      let present = elements.filter { if case .none = $0 { false } else { true } }
      let start: [TextTable.Cell] = [
        .text(column.name), .text(typeName(column.values, present.first)), .integer(elements.count - present.count),
      ]
      let numbers = present.compactMap { Operations.reals($0)?.first }
      guard numbers.count == present.count, let low = numbers.min(), let high = numbers.max() else {
        return start + Array(repeating: .missing, count: 5)
      }
      let sd: TextTable.Cell =
        numbers.count > 1
        ? .number(StatisticsLibrary.variance(numbers).squareRoot(), significantDigits: 4) : .missing
      let median = OrderStatistics.quantile(sorted: StatisticsLibrary.sorted(numbers), 0.5)
      return start + [
        .number(StatisticsLibrary.mean(numbers), significantDigits: 4), sd, .number(low, significantDigits: 4),
        .number(median, significantDigits: 4), .number(high, significantDigits: 4),
      ]
    }
    return TextTable(columns: columns, rows: rows, notes: ["\(table.rowCount) rows"])
  }

  private static func typeName(_ values: Value, _ first: Value?) -> String {
    switch values {
    case .realArray: return "Real"
    case .intArray(let array): return array.index == nil ? "Int" : "Index[\(array.index?.extent ?? 0)]"
    case .boolArray: return "Bool"
    default: break
    }
    switch first {
    case .string?: return "String"
    case .int?: return "Int?"
    case .real?: return "Real?"
    case .bool?: return "Bool?"
    default: return "empty"
    }
  }
}
