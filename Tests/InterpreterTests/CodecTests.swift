import Checking
import Interpreter
import Rendering
import Syntax
import Testing

/// A small generator for seeded cases: SplitMix64 (Steele, Lea & Flood 2014).
struct Seeded {
  var state: UInt64
  init(_ seed: UInt64) { state = seed }
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
  mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(max(1, bound))) }
}

@Suite struct CodecTests {
  static let declarations: DeclarationTable = {
    var table = DeclarationTable()
    table.structures = [StructureInfo(name: "P", fields: [.init(name: "x", type: .real, isVariable: true)])]
    table.enumerations = [
      EnumerationInfo(
        name: "E",
        cases: [.init(name: "none", payload: []), .init(name: "one", payload: [TupleField(label: nil, type: .int)])])
    ]
    return table
  }()

  /// A random value of any storable kind.
  static func value(_ random: inout Seeded, depth: Int = 0) -> Value {
    let kinds = depth > 3 ? 9 : 17
    switch random.below(kinds) {
    case 0: return .unit
    case 1: return .none
    case 2: return .bool(random.below(2) == 0)
    case 3: return .int(Int(truncatingIfNeeded: random.next()))
    // Any bits at all: NaN payloads, −0, subnormals.
    case 4: return .real(Double(bitPattern: random.next()))
    case 5: return .string(["", "a", "héllo", "👩‍👩‍👧", "e\u{301}", "é", String(random.next())][random.below(7)])
    case 6:
      let count = random.below(6)
      return .realArray(RealArray(shape: [count, 1], elements: (0..<count).map { _ in Double(random.below(9)) }))
    case 7:
      let count = random.below(6)
      let info = random.below(2) == 0 ? nil : IndexInfo(extent: 4, levels: ["a", "b", "c", "d"])
      return .intArray(IntArray(shape: [count], elements: (0..<count).map { _ in random.below(4) }, index: info))
    case 8: return .boolArray(BoolArray(shape: [2], elements: [random.below(2) == 0, true]))
    case 9: return .list((0..<random.below(4)).map { _ in value(&random, depth: depth + 1) })
    case 10: return .tuple((0..<random.below(4)).map { _ in value(&random, depth: depth + 1) })
    case 11:
      return .dictionary(
        DictionaryValue((0..<random.below(5)).map { (.int($0 * 7), value(&random, depth: depth + 1)) }))
    case 12: return .structure(StructureID(0), [value(&random, depth: depth + 1)])
    case 13:
      return random.below(2) == 0 ? .enumeration(EnumerationID(0), 0, []) : .enumeration(EnumerationID(0), 1, [.int(3)])
    case 14: return .range(random.below(10), 20)
    case 15: return .some(value(&random, depth: depth + 1))
    default:
      let column = TableValue.Column(name: "x", values: .realArray(RealArray([1, .nan])))
      return .table(TableValue(columns: [column], rowCount: 2, origin: random.below(2) == 0 ? nil : "t"))
    }
  }

  @Test(arguments: 0..<400) func decodingGivesTheSameBytes(_ seed: Int) throws {
    var random = Seeded(UInt64(seed))
    let value = CodecTests.value(&random)
    let bytes = try value.encoded(CodecTests.declarations)
    let back = try ValueDecoder.decode(bytes, CodecTests.declarations)
    // NaN keeps this from being a comparison of values; the encoding is injective.
    #expect(try back.encoded(CodecTests.declarations) == bytes)
    #expect(back.digest(CodecTests.declarations) == value.digest(CodecTests.declarations))
  }

  @Test func differentValuesHaveDifferentDigests() {
    let values: [Value] = [
      .unit, .none, .some(.none), .bool(false), .int(0), .real(0), .real(-0.0), .real(.nan), .string(""), .string("0"),
      .string("e\u{301}"), .string("é"), .list([]), .tuple([]), .list([.int(1), .int(2)]),
      .list([.list([.int(1)]), .int(2)]),
      .realArray(RealArray([])), .realArray(RealArray(shape: [0, 2], elements: [])),
      .intArray(IntArray(shape: [0], elements: [])),
      .realArray(RealArray(shape: [1, 2], elements: [1, 2])), .realArray(RealArray(shape: [2, 1], elements: [1, 2])),
      .intArray(IntArray(shape: [1], elements: [0], index: IndexInfo(extent: 1, levels: nil))),
      .intArray(IntArray(shape: [1], elements: [0], index: IndexInfo(extent: 2, levels: nil))),
      .dictionary(DictionaryValue([(.int(1), .int(2)), (.int(3), .int(4))])),
      .dictionary(DictionaryValue([(.int(3), .int(4)), (.int(1), .int(2))])), .range(0, 0), .paths([]), .paths([["a"]]),
      .intrinsicFunction("exp(_:)"),
    ]
    let digests = values.map { "\($0.digest(CodecTests.declarations))" }
    #expect(Set(digests).count == values.count)
  }

  @Test(arguments: 0..<60) func damagedBytesNeverTrap(_ seed: Int) throws {
    var random = Seeded(UInt64(seed) &+ 1000)
    let bytes = try CodecTests.value(&random).encoded(CodecTests.declarations)
    for _ in 0..<40 {
      var damaged = bytes
      switch random.below(4) {
      case 0 where !damaged.isEmpty: damaged[random.below(damaged.count)] ^= UInt8(1 << random.below(8))
      case 1: damaged = Array(damaged.prefix(random.below(damaged.count + 1)))
      case 2: damaged.insert(UInt8(random.below(256)), at: random.below(damaged.count + 1))
      default: damaged = (0..<random.below(64)).map { _ in UInt8(random.below(256)) }
      }
      // Whatever comes out, it ends, and what decodes encodes again.
      if let value = try? ValueDecoder.decode(damaged, CodecTests.declarations) {
        _ = try value.encoded(CodecTests.declarations)
      }
    }
  }

  @Test func deepValuesAreRefused() {
    var value = Value.int(1)
    for _ in 0..<1000 { value = .list([value]) }
    #expect(throws: (any Error).self) { try value.encoded(CodecTests.declarations) }
    let bytes = [UInt8](repeating: Value.Tag.some.rawValue, count: 100_000)
    #expect(throws: (any Error).self) { try ValueDecoder.decode(bytes, CodecTests.declarations) }
  }

  @Test func summariesKeepTheirCells() throws {
    let table = TextTable(
      title: "t", columns: [.init(name: "a", alignment: .trailing)],
      rows: [[.text("x")], [.integer(3)], [.number(2.5, significantDigits: 3)], [.decimal(1, places: 2)], [.missing]],
      notes: ["n"])
    var registry = EngineValueRegistry()
    registry.registerCore()
    let bytes = try Value.engine(SummaryValue(table)).encoded(CodecTests.declarations)
    let back = try ValueDecoder.decode(bytes, CodecTests.declarations, engineValues: registry)
    guard case .engine(let engine) = back, let summary = engine as? SummaryValue else {
      Issue.record("not a summary")
      return
    }
    #expect(summary.table == table)
    // Without the reader it is an error, not a trap.
    #expect(throws: (any Error).self) { try ValueDecoder.decode(bytes, CodecTests.declarations) }
  }

  @Test func closuresComeBackByTheirCode() throws {
    let session = Session()
    session.run("let k = 3\nlet f = { (x: Int) -> Int in x * k }")
    let closure = try session.value("f")
    let table = session.checker.table
    let bytes = try closure.encoded(table)
    let main = try #require(session.lastUnit?.main)
    let known = CodeDigests(table).closures(in: [main])
    let back = try ValueDecoder.decode(bytes, table, closures: { digest, _ in known[digest]?.first })
    let result = try session.machine.call(back, [.int(5)])
    #expect(Operations.isSame(result, .int(15)))
    #expect(back.digest(table) == closure.digest(table))
  }

  @Test func codeDigestsFollowTheCode() throws {
    func digest(_ text: String) throws -> String {
      let session = Session()
      session.run(text)
      let index = try #require(session.checker.table.functions.lastIndex { $0.name.hasPrefix("f") })
      return "\(CodeDigests(session.checker.table).digest(of: FunctionID(index)))"
    }
    let base = try digest("func g(_ x: Real) -> Real { return x + 1 }\nfunc f(_ x: Real) -> Real { return g(x) }")
    let moved = try digest(
      "let before = 3\n\n// a comment\nfunc g(_ x: Real) -> Real { return x + 1 }\nfunc f(_ x: Real) -> Real {\n  return g(x)\n}"
    )
    let changed = try digest("func g(_ x: Real) -> Real { return x + 2 }\nfunc f(_ x: Real) -> Real { return g(x) }")
    #expect(base == moved)
    #expect(base != changed)
  }
}
