import Checking
import Interpreter
import Rendering
import Syntax
import Testing

@Suite struct CSVTests {
  private func columns(_ text: String) throws -> [String] {
    try CSV(Array(text.utf8)).columns().map { "\($0.name): \($0.cell)" }
  }

  @Test func typesComeFromAllCells() throws {
    #expect(
      try columns("a,b,c,d,e\n1,1.5,true,x,\n2,3,false,4,\n")
        == ["a: int", "b: real", "c: bool", "d: string", "e: optional(Checking.Type.real)"])
    #expect(try columns("a\n1\nNA\n") == ["a: optional(Checking.Type.int)"])
    #expect(try columns("a\n1e3\n-2\n") == ["a: real"])
    #expect(try columns("a\n99999999999999999999\n") == ["a: real"])
    #expect(try columns("a\n0x10\n") == ["a: string"])
    #expect(try columns("a\n1 \n 2\n") == ["a: int"])
    #expect(try columns("a\ninf\nnan\n") == ["a: real"])
  }

  private func shown(_ text: String, _ expression: String = "for c in t.columnNames { print(t[c]) }") -> Session.Outcome
  {
    Session(files: ["f.csv": text]).run("let t = readCSV(\"f.csv\")\n\(expression)")
  }

  struct Case: CustomTestStringConvertible, Sendable {
    var name: String
    var text: String
    var values: [String]
    var testDescription: String { name }
  }

  static let cases: [Case] = [
    Case(name: "plain", text: "a,b\n1,x\n2,y\n", values: ["a [1, 2]", "b [\"x\", \"y\"]"]),
    Case(name: "no final newline", text: "a\n1", values: ["a [1]"]),
    Case(name: "CRLF", text: "a,b\r\n1,2\r\n", values: ["a [1]", "b [2]"]),
    Case(name: "CR", text: "a,b\r1,2\r", values: ["a [1]", "b [2]"]),
    Case(name: "byte order mark", text: "\u{FEFF}a\n1\n", values: ["a [1]"]),
    Case(
      name: "quotes", text: "\"a,b\",c\n\"x \"\"y\"\"\",\"1\n2\"\n", values: ["a,b [\"x \"y\"\"]", "c [\"1\\n2\"]"]),
    Case(name: "empty lines", text: "a,b\n\n1,2\n\n", values: ["a [1]", "b [2]"]),
    Case(name: "missing", text: "a,b\n,x\n2,NA\n", values: ["a [nil, 2]", "b [\"x\", nil]"]),
    Case(name: "one column keeps empty cells", text: "a\n1\n\n3\n", values: ["a [1, nil, 3]"]),
    Case(name: "no rows", text: "a,b\n", values: ["a []", "b []"]),
    Case(name: "Unicode", text: "größe\n“1”\n", values: ["größe [\"“1”\"]"]),
  ]

  @Test(arguments: cases) func reads(_ item: Case) throws {
    let table = try CSV(Array(item.text.utf8)).table(origin: "f").table
    let printer = ValuePrinter(DeclarationTable())
    let values = table.columns.map { column in
      let text = printer.text(column.values)
      return "\(column.name) \(column.name == "a,b" ? text.replacingQuotes : text)"
    }
    #expect(values == item.values)
  }

  struct Bad: CustomTestStringConvertible, Sendable {
    var text: [UInt8]
    var code: String
    var mentions: String
    init(_ text: String, _ code: String, _ mentions: String) {
      self.init(bytes: Array(text.utf8), code, mentions)
    }
    init(bytes: [UInt8], _ code: String, _ mentions: String) {
      text = bytes
      self.code = code
      self.mentions = mentions
    }
    var testDescription: String { mentions }
  }

  static let bad: [Bad] = [
    Bad("", "R015", "empty"),
    Bad("a,a\n1,2\n", "R015", "`a`"),
    Bad("a,\n1,2\n", "R015", "column 2"),
    Bad("a,b\n1\n1,2,3\n", "R015", "line 2 has 1, line 3 has 3"),
    Bad("a\n\"open\n", "R015", "line 2"),
    Bad("a\n\"x\"y\n", "R015", "line 2"),
    Bad(bytes: [0x61, 0x0A, 0x31, 0xFF, 0x0A], "R015", "line 2"),
  ]

  @Test(arguments: bad) func refuses(_ item: Bad) {
    do {
      _ = try CSV(item.text).table(origin: "f")
      Issue.record("accepted")
    } catch let fault as Fault {
      #expect(fault.code == item.code)
      let words = [fault.message, fault.found ?? "", fault.caret ?? ""].joined(separator: " ")
      #expect(words.contains(item.mentions), "\(words)")
    } catch {
      Issue.record("\(error)")
    }
  }

  @Test func everyBadCellIsListed() {
    let rows = (0..<25).map { $0 % 2 == 0 ? "x\($0)" : "1" }.joined(separator: "\n")
    let session = Session(files: ["f.csv": "a\n" + rows + "\n"])
    let outcome = session.run("struct Row {\n  let a: Real\n}\nlet t = readCSV(\"f.csv\", as: Row.self)")
    #expect(outcome.code == "R014")
    let found = outcome.error?.found ?? ""
    #expect(outcome.error?.message.contains("13 cells") == true)
    #expect(found.contains("line 2, `a`: “x0” is not a number"))
    #expect(found.contains("and 3 more"))
  }

  @Test func declaredColumns() {
    let session = Session(files: ["f.csv": "a,b,c\n1,,x\n2,3,y\n"])
    let outcome = session.run(
      "struct Row {\n  let b: Int?\n  let a: Real\n}\nlet t = readCSV(\"f.csv\", as: Row.self)\nt.a\nt.b\nt.columnNames"
    )
    #expect(outcome.lines == ["[1.0, 2.0]", "[nil, 3]", "[\"b\", \"a\"]"])
    let wrong = session.run("struct Other {\n  let bb: Int\n}\nreadCSV(\"f.csv\", as: Other.self)")
    #expect(wrong.code == "R016")
    #expect(wrong.error?.help == "did you mean `b`?")
  }

  @Test func strayTextIsMentioned() {
    let rows = (0..<10).map(String.init).joined(separator: "\n")
    let outcome = shown("a\n\(rows)\noops\n", "t.count")
    #expect(outcome.warnings.first?.message.contains("“oops” on line 12") == true)
  }

  @Test func options() {
    let session = Session(files: ["f.csv": "a;b\n-99;1\n2;x\n"])
    let outcome = session.run("let t = readCSV(\"f.csv\", separator: \";\", missing: [\"-99\"])\nt.a\nt.b")
    #expect(outcome.lines == ["[nil, 2]", "[\"1\", \"x\"]"])
    #expect(session.run("readCSV(\"f.csv\", separator: \"ab\")").code == "R015")
  }

  @Test func rowsAndColumns() {
    let text = "x,g\n3,b\n1,a\n,b\n2,a\n"
    let outcome = shown(
      text,
      """
      t.sorted(by: "x").reals("x").count
      """)
    #expect(outcome.code == "R010")
    let good = shown(
      text,
      """
      let d = t.dropMissing()
      d.count
      d.sorted(by: "x", descending: true).reals("x")
      d.filter { row in row.x > 1 }.count
      d.select(["g"]).columnNames
      head(d, 2).count
      """)
    #expect(good.code == nil, "\(good.error?.message ?? "")")
    #expect(good.lines == ["3", "[3.0, 2.0, 1.0]", "2", "[\"g\"]", "2"])
    let table = shown(text, "t").tables.first
    #expect(table?.rows.count == 4)
    #expect(table?.rows[2][0] == .missing)
    let summary = shown(text, "summary(t)").tables.first
    #expect(summary?.rows[0][2] == .integer(1))
  }

  @Test func randomBytesNeverTrap() {
    var random = Seeded(7)
    let alphabet: [UInt8] = Array("a1,\"\n\r;.- ".utf8) + [0xFF, 0xC3, 0xA9, 0x00]
    for _ in 0..<3000 {
      let bytes = (0..<random.below(40)).map { _ in alphabet[random.below(alphabet.count)] }
      _ = try? CSV(bytes).table(origin: "f")
    }
  }

  @Test func aMillionCells() throws {
    var text = "a,b,c,d,e\n"
    for row in 0..<200_000 { text += "\(row),\(row).25,true,word\(row % 10),-1e-3\n" }
    let clock = ContinuousClock()
    var count = 0
    let time = try clock.measure { count = try CSV(Array(text.utf8)).table(origin: "f").table.rowCount }
    #expect(count == 200_000)
    // Far above what it takes (well under two seconds when optimized): only a change of complexity should trip it.
    #expect(time < .seconds(60))
  }
}

extension String {
  /// Without the backslashes of printed quotes.
  fileprivate var replacingQuotes: String { replacing("\\\"", with: "\"") }
}
