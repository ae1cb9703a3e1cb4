import Checking
import Distributions
import Interpreter
import Modeling
import Numerics
import Rendering
import Testing

/// Engine values survive their encoding.
struct StoredValueTests {
  private func roundTrip(_ value: Value) throws -> Value {
    let table = DeclarationTable()
    let bytes = try value.encoded(table)
    return try ValueDecoder.decode(bytes, table, engineValues: Engine.valueRegistry)
  }

  @Test func distributionsComeBack() throws {
    for family in DistributionLibrary.all where family.parameters.allSatisfy({ $0.rank == 0 }) {
      let arguments = family.parameters.enumerated().map { index, parameter -> Value in
        parameter.kind == .integer ? .int(3) : .real(0.25 * Double(index + 1))
      }
      let value = Value.engine(DistributionValue(family: family, arguments: arguments, iid: [2, 3]))
      guard case .engine(let back) = try roundTrip(value), let own = back as? DistributionValue else {
        Issue.record("\(family.name) does not come back")
        continue
      }
      #expect(own.family.name == family.name)
      #expect(own.iid == [2, 3])
      #expect(
        own.inlineDescription == DistributionValue(family: family, arguments: arguments, iid: [2, 3]).inlineDescription)
    }
  }

  /// What `summary` gives of a table and of a fit is one kind of value, with one encoding.
  @Test func summariesComeBack() throws {
    let table = TextTable(
      title: "fit", columns: [.init(name: "site", alignment: .leading), .init(name: "mean", alignment: .trailing)],
      rows: [[.text("mu"), .number(0.25, significantDigits: 2)], [.text("tau"), .missing]], notes: ["few draws"])
    guard case .engine(let back) = try roundTrip(.engine(SummaryValue(table))), let own = back as? SummaryValue else {
      Issue.record("a summary does not come back")
      return
    }
    #expect(own.table == table)
  }

  @Test func damagedBytesNeverTrap() throws {
    let family = try #require(DistributionLibrary.family(named: "Normal(_:_:)"))
    let table = DeclarationTable()
    let bytes = try Value.engine(DistributionValue(family: family, arguments: [.real(0), .real(1)])).encoded(table)
    for position in bytes.indices {
      for change: UInt8 in [1, 0x80, 0xFF] {
        var damaged = bytes
        damaged[position] ^= change
        _ = try? ValueDecoder.decode(damaged, table, engineValues: Engine.valueRegistry)
      }
      _ = try? ValueDecoder.decode(Array(bytes[..<position]), table, engineValues: Engine.valueRegistry)
    }
  }
}
