import Foundation
import Notebooks
import Rendering
import Syntax
import TestSupport
import Testing

/// Text between cells.
struct ProseTests {
  private static func document(_ text: String) -> NotebookDocument {
    NotebookParser.parse(SourceText(id: SourceID(-1), name: "t.nb.md", bytes: Array(text.utf8)), version: [0, 1, 0])
  }

  private static func inlines(_ text: String) -> [ProseInline] {
    guard case .paragraph(let content)? = ProseParser.parse(document(text)).blocks.first else { return [] }
    return content
  }

  @Test(
    "Where formulas begin and end",
    arguments: [
      ("$x$", ["x"]), ("a $x_1$ and $y_2$.", ["x_1", "y_2"]), ("cost $5 and $6", []), ("$ x$", []), ("$x $", []),
      ("\\$x$", []), ("`$x$`", []), ("$a_b$ and *em*", ["a_b"]), ("$x$5", []), ("a$x$", []), ("$\\$$", ["\\$"]),
      ("$$x$$", ["x"]), ("$$\na\n\nb$$", []), ("**$x$**", ["x"]), ("$x$-axis", ["x"]), ("$", []), ("$$", []),
      ("$$$$", []),
    ])
  func formulas(text: String, expected: [String]) {
    func all(_ content: [ProseInline]) -> [String] {
      content.flatMap { inline -> [String] in
        switch inline {
        case .mathematics(let tex, _): [tex]
        case .strong(let inner), .emphasis(let inner): all(inner)
        default: []
        }
      }
    }
    let found = ProseParser.parse(ProseTests.document(text + "\n")).blocks.flatMap { block -> [String] in
      switch block {
      case .paragraph(let content): all(content)
      case .equation(let tex, _, _): [tex]
      default: []
      }
    }
    #expect(found == expected)
  }

  @Test("Text that Markdown has verbatim keeps its dollars and its values")
  func verbatim() {
    #expect(ProseTests.inlines("``$x$ and `= y` ``\n") == [.code("$x$ and `= y` ")])
    #expect(
      ProseParser.parse(ProseTests.document("    $x$ `= y`\n")).blocks
        == [.code(language: nil, pieces: [CodePiece("$x$ `= y`\n", .plain)])])
  }

  @Test(
    "Inline values and their formats",
    arguments: [
      ("`= x`", "x", InlineFormat.plain), ("`= x | .2f`", "x", .fixed(2)), ("`= a || b`", "a || b", .plain),
      ("`= x | .3g`", "x", .significant(3)), ("`= x | .0%`", "x", .percent(0)), ("`= x | .1e`", "x", .scientific(1)),
    ])
  func values(text: String, code: String, format: InlineFormat) {
    let document = ProseTests.document("The value \(text).\n")
    #expect(document.inlineValues.map(\.inline) == [format] && document.diagnostics.isEmpty)
    let range = document.inlineValues.first.map { $0.code.start..<$0.code.end } ?? 0..<0
    #expect(String(decoding: document.source.bytes[range], as: UTF8.self) == code)
  }

  @Test(
    "What is no inline value",
    arguments: ["`=`", "`==`", "`=x`", "`= `", "`x = 1`", "```text\n`= x`\n```", "<!-- `= x` -->"])
  func noValues(text: String) { #expect(ProseTests.document(text + "\n").inlineValues.isEmpty) }

  @Test(
    "How numbers are written",
    arguments: [
      ("0.1234", InlineFormat.fixed(2), "0.12"), ("-1.5", .fixed(1), "−1.5"), ("1234567.0", .significant(3), "1234567"),
      ("0.2", .percent(1), "20.0\u{202F}%"), ("12345.0", .scientific(2), "1.23e+04"), ("nan", .fixed(1), "nan"),
      ("a text", .plain, "a text"),
    ])
  func formats(printed: String, format: InlineFormat, shown: String) { #expect(format.text(printed) == shown) }

  @Test("A text has no format") func noNumber() { #expect(InlineFormat.fixed(2).text("a text") == nil) }

  @Test("An inline value follows its cell, and its name the nearest definition above")
  func order() throws {
    let run = try Running(
      "```swift {}\nlet x = 1\n```\n\nNow `= x`.\n\n```swift {}\nlet x = 2\n```\n\nNow `= x`, and `= x * 2.0 | .1f`.\n")
    let values = run.results.filter { $0.cell.inline != nil }.map { InlineValues.text(of: $0) }
    #expect(values == ["1", "2", "4.0"])
  }

  @Test("A value that needs what a failed cell should give is skipped")
  func lost() throws {
    let run = try Running("```swift {}\nlet x = [1][5 + \"\".count]\n```\n\nNow `= x`.\n")
    guard case .skipped? = run.results.last?.status else {
      Issue.record("\(run.results)")
      return
    }
  }

  @Test("Headings, alerts, lists, tables, footnotes and pictures")
  func blocks() {
    let text = """
      # One {#sec-one}

      ## A *b* `c`

      > [!WARNING]
      > Mind this.

      1. first
      2. second

      - [x] done
      - [ ] open

      | a | b |
      |:-:|--:|
      | 1 | 2 |

      Text[^1] and again[^1].

      [^1]: Note.

      ![words](missing.png) <b>raw</b>
      """
    let prose = ProseParser.parse(ProseTests.document(text + "\n"))
    #expect(prose.headings == ["sec-one", "a-b-c"])
    var kinds: [String] = []
    for block in prose.blocks {
      switch block {
      case .heading(let level, let id, _, let content): kinds.append("h\(level) \(id) \(content.plainText)")
      case .alert(let kind, let inner): kinds.append("\(kind) \(inner.count)")
      case .list(let list):
        kinds.append("list \(list.isOrdered) \(list.items.map { $0.isChecked.map { "\($0)" } ?? "-" })")
      case .table(let table): kinds.append("table \(table.alignments) \(table.rows.count)")
      case .footnote(let number, _): kinds.append("note \(number)")
      case .paragraph(let content): kinds.append(content.plainText)
      case .code, .quote, .rule, .equation, .cell: kinds.append("other")
      }
    }
    #expect(
      kinds == [
        "h1 sec-one One", "h2 a-b-c A b c", "warning 1", "list true [\"-\", \"-\"]", "list false [\"true\", \"false\"]",
        "table [Rendering.ProseTable.Alignment.center, Rendering.ProseTable.Alignment.right] 1", "Text and again.",
        "[picture: words] <b>raw</b>", "note 1",
      ])
    #expect(prose.missingImages.map(\.path) == ["missing.png"])
  }

  @Test("References to nothing are found with their place")
  func references() {
    let document = ProseTests.document(
      "# A b\n\nSee [x](#a-b), [y](#a-c) and [z](#fig-q).\n\n```swift {#fig-p}\n1\n```\n")
    let found = ProseCheck.diagnostics(document, folder: URL(fileURLWithPath: "/nonexistent"))
    #expect(found.map(\.code) == ["N039", "N039"])
    #expect(found.map(\.help) == ["did you mean `#a-b`?", "did you mean `#fig-p`?"])
    let texts = found.compactMap { $0.span.map { document.source.text($0) } }
    #expect(texts == ["(#a-c", "(#fig-q"])
  }

  @Test("Any bytes give a tree, in linear time", arguments: 0..<60)
  func fuzz(seed: UInt64) {
    var cases = Cases(seed: seed)
    let pieces = [
      "`", "``", "$", "$$", "\n", "\n\n", "[", "](#a)", "![", "](b.png)", "*", "_", "**", "> ", "- ", "1. ", "|",
      "---\n", "# ",
      "<b>", "<!-- x -->", "[^1]", "[^1]: ", "```swift {}\n1\n```\n", "```\n", "~~~", "= x", "\\", "{#eq-a}", "a", " ",
      "\r\n",
      "\u{F8A0}0\u{F8A1}", "é", "    ", "[!NOTE]",
    ]
    var text = ""
    for _ in 0..<cases.below(400) { text += cases.pick(pieces) }
    let document = ProseTests.document(text)
    _ = ProseParser.parse(document)
    _ = ProseCheck.diagnostics(document, folder: URL(fileURLWithPath: "/nonexistent"))
    #expect(document.printed == document.source.bytes)
  }

  @Test(
    "Long texts of one kind take no more than their share of time",
    arguments: ["`", "$", "[", "![", "*", "> ", "$$ ", "| a"])
  func long(piece: String) {
    let text = String(repeating: piece, count: 20_000) + "\n"
    let start = ContinuousClock.now
    _ = ProseParser.parse(ProseTests.document(text))
    #expect(start.duration(to: .now) < .seconds(5))
  }
}
