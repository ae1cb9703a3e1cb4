import Rendering
import TestSupport
import Testing

/// Tables as text, held to golden files at several widths.
struct TableTextTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var name: String
    var table: TextTable
    var testDescription: String { name }
  }

  static let fit = TextTable(
    title: "EightSchools: 4 chains × 1000 draws",
    columns: [TextTable.Column(name: "site", alignment: .leading)]
      + ["mean", "sd", "q5", "median", "q95", "mcse", "R-hat", "ESS bulk", "ESS tail"].map {
        TextTable.Column(name: $0, alignment: .trailing)
      },
    rows: [("mu", 4.4123), ("tau", 3.6), ("theta[0]", 11.2345), ("theta[7]", -0.05)].map { name, mean in
      [
        .text(name), .number(mean, significantDigits: 4), .number(3.25, significantDigits: 4),
        .number(-1.0456, significantDigits: 4), .number(4.5, significantDigits: 4),
        .number(19.99, significantDigits: 4),
        .number(0.0712, significantDigits: 4), .decimal(1.0013, places: 3), .integer(2140), .missing,
      ]
    },
    notes: ["divergences: 0 of 4000   tree depth: at most 4, the limit 10 reached 0 times"])

  static let cases = [
    Case(name: "fit", table: fit),
    Case(
      name: "texts",
      table: TextTable(
        columns: [
          .init(name: "name", alignment: .leading), .init(name: "words", alignment: .leading),
          .init(name: "n", alignment: .trailing),
        ],
        rows: [
          [.text("日本語"), .text("wide forms take two columns"), .integer(1)],
          [
            .text("é\u{301}"), .text("a combining mark takes none, whatever stands before it in the cell"),
            .integer(-20),
          ],
          [.text("a\u{1B}[31mb"), .text("two\nlines\tand a tab"), .missing],
        ])),
    Case(
      name: "numbers",
      table: TextTable(
        columns: ["x", "y", "count"].map { TextTable.Column(name: $0, alignment: .trailing) },
        rows: [
          [.number(0, significantDigits: 3), .decimal(-0.001, places: 2), .integer(0)],
          [.number(123456.7, significantDigits: 3), .decimal(12.345, places: 2), .integer(Int.min)],
          [.number(1.5e-9, significantDigits: 3), .decimal(.nan, places: 2), .integer(Int.max)],
          [.number(.infinity, significantDigits: 3), .decimal(-.infinity, places: 2)],
        ])),
    Case(name: "empty", table: TextTable(title: "nothing", columns: [.init(name: "a", alignment: .leading)], rows: [])),
    Case(name: "no-columns", table: TextTable(columns: [], rows: [[], []])),
    Case(
      name: "wide",
      table: TextTable(
        columns: (0..<60).map { TextTable.Column(name: "column \($0)", alignment: .trailing) },
        rows: [(0..<60).map { .integer($0) }])),
  ]

  @Test("Tables are written as their golden files say", arguments: cases)
  func golden(_ item: Case) {
    var text = ""
    for (title, renderer) in [
      ("no limit", TextRenderer()), ("80 columns", TextRenderer(width: 80)),
      ("40 columns, ASCII", TextRenderer(width: 40, usesUnicode: false)),
    ] {
      text += "== \(title)\n" + renderer.text(item.table)
    }
    let problem = Golden.mismatch(text, "rendering/\(item.name).txt")
    #expect(problem == nil, "\(problem ?? "")")
  }

  @Test("No line is wider than asked", arguments: [40, 60, 80, 100])
  func staysWithin(width: Int) {
    for item in TableTextTests.cases where item.name != "empty" {
      var table = item.table
      table.title = nil
      for line in TextRenderer(width: width).text(table).split(separator: "\n") {
        let columns = DisplayText.width(String(line))
        // A single word of a note is never broken.
        #expect(columns <= width || !line.dropFirst(2).contains(" "), "\(line)")
      }
    }
  }

  @Test("Every number of a table is on the page, at any width")
  func nothingIsLost() {
    let text = TextRenderer(width: 40).text(TableTextTests.fit)
    for name in ["mean", "q95", "mcse", "R-hat", "ESS bulk", "ESS tail"] { #expect(text.contains(name)) }
    for number in ["11.23", "-0.050", "1.001", "2140"] { #expect(text.contains(number)) }
  }

  @Test(
    "Numbers keep their significant digits",
    arguments: [
      (12.3, 4, "12.30"), (0.00123, 4, "0.001230"), (123456.7, 4, "123457"), (9.9996, 4, "10.00"), (0, 3, "0.00"),
      (-0.0, 3, "0.00"), (1e-5, 3, "1.00e-05"), (12_345_678, 3, "1.23e+07"), (-.infinity, 4, "-inf"), (.nan, 4, "nan"),
      (0.99999, 2, "1.0"),
    ] as [(Double, Int, String)])
  func significant(number: Double, digits: Int, text: String) {
    #expect(NumberText.significant(number, digits: digits) == text)
  }

  @Test("Printed text cannot command the terminal")
  func textIsHarmless() {
    let text = TextRenderer().text(.text("a\u{1B}]0;title\u{7}b\r\nc\u{202E}d\te"))
    #expect(text == "a\u{FFFD}]0;title\u{FFFD}b\nc\u{FFFD}d\te\n")
  }
}
