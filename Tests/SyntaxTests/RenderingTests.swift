import Foundation
import Syntax
import TestSupport
import Testing

/// How diagnostics look.
struct RenderingTests {
  private static func span(_ source: SourceText, _ text: String, after: String = "") -> SourceSpan {
    let whole = String(decoding: source.bytes, as: UTF8.self)
    let skipped = after.isEmpty ? whole.startIndex : whole.range(of: after)?.upperBound ?? whole.startIndex
    let range = whole.range(of: text, range: skipped..<whole.endIndex) ?? whole.startIndex..<whole.startIndex
    let start = whole.utf8.distance(from: whole.startIndex, to: range.lowerBound)
    return SourceSpan(source: source.id, start: Int32(start), end: Int32(start + text.utf8.count))
  }

  @Test("The form of the style guide")
  func guide() {
    var map = SourceMap()
    let cell = map.add(
      name: "eight-schools, cell 5",
      bytes: Array(
        "    let effect = mu + tau * z[school]\n\n    // why\n    let scores ~ Normal(effect, sigma)\n".utf8),
      firstLine: 11)
    let diagnostic = Diagnostic(
      "H203", "shapes [120] and [8] do not broadcast", at: RenderingTests.span(cell, "sigma"),
      caret: "shape [8]: one per school, from cell 2",
      labels: [
        .init(
          span: RenderingTests.span(cell, "mu + tau * z[school]"), text: "shape [120]: one per row of `students`")
      ],
      expected: "equal extents; only scalars broadcast", help: "index it as `z` is indexed: `sigma[school]`")
    let wanted = """
      error[H203]: shapes [120] and [8] do not broadcast
        --> eight-schools, cell 5, line 14
         |
      11 |     let effect = mu + tau * z[school]
         |                  -------------------- shape [120]: one per row of `students`
      14 |     let scores ~ Normal(effect, sigma)
         |                                 ^^^^^ shape [8]: one per school, from cell 2
         |
         = expected: equal extents; only scalars broadcast
         = help: index it as `z` is indexed: `sigma[school]`
      """
    #expect(DiagnosticRenderer().text(diagnostic, map) == wanted)
    let plain = DiagnosticRenderer(usesColor: true).text(diagnostic, map)
    #expect(plain.contains("\u{1B}[1;31m^^^^^\u{1B}[0m"))
    #expect(plain.contains("\u{1B}[1;31merror[H203]\u{1B}[0m"))
  }

  @Test("Tabs, wide characters, bad bytes, long lines, other sources, trails")
  func layouts() {
    var map = SourceMap()
    let lines = map.add(
      name: "layout.cairn",
      bytes: Array("\tlet 温度 = wrong + 1\nlet e\u{301} = wrong2\nlet b = \"".utf8) + [0xE9, 0xFF]
        + Array("\" + wrong3\nlet 😀 wrong4 \u{7} x".utf8))
    let long = map.add(
      name: "long.cairn",
      bytes: Array(
        (String(repeating: "alpha + ", count: 60) + "wrong + " + String(repeating: "beta + ", count: 60)).utf8))
    let other = map.add(name: "notes, cell 2", bytes: Array("let z = 1\nlet sigma = 2".utf8), firstLine: 98)
    var shown: [String] = []
    for word in ["wrong + 1", "wrong2", "wrong3", "wrong4"] {
      shown.append(
        DiagnosticRenderer().text(
          Diagnostic(
            "T001", "this is \(word)", at: RenderingTests.span(lines, word, after: word == "wrong + 1" ? "" : "=")), map
        ))
    }
    shown.append(
      DiagnosticRenderer(width: 60).text(
        Diagnostic("T002", "far along the line", at: RenderingTests.span(long, "wrong"), caret: "here"), map))
    shown.append(
      DiagnosticRenderer(width: 60).text(
        Diagnostic("T002", "at its start", at: RenderingTests.span(long, "alpha"), caret: "here"), map))
    var called = Diagnostic(
      "R001", .warning, "two places and more", at: RenderingTests.span(lines, "wrong + 1"), caret: "first",
      labels: [
        .init(span: RenderingTests.span(lines, "温度"), text: "the same line"),
        .init(span: RenderingTests.span(other, "sigma"), text: "from another cell"),
      ], found: "words", notes: ["one", "two\nof two lines"],
      fixes: [.init(span: RenderingTests.span(lines, "wrong"), replacement: "right", certainty: .certain)])
    called.trail = [
      .init(span: RenderingTests.span(other, "z"), text: "`f`"),
      .init(span: RenderingTests.span(lines, "1"), text: "`g`"),
    ]
    shown.append(DiagnosticRenderer().text(called, map))
    shown.append(DiagnosticRenderer().text(Diagnostic("R002", .note, "no place at all", at: nil, help: "none"), map))
    let mismatch = Golden.mismatch(shown.joined(separator: "\n\n") + "\n", "syntax-diagnostics/layouts.txt")
    #expect(mismatch == nil)
  }

  @Test(
    "Places outside the text do not trap",
    arguments: [(-5, 3), (0, 0), (5, 5), (3, 1), (100, 200), (Int32.max - 1, Int32.max)])
  func outside(range: (Int32, Int32)) {
    var map = SourceMap()
    let source = map.add(name: "a", bytes: Array("ab\nc".utf8))
    let span = SourceSpan(source: source.id, start: range.0, end: range.1)
    let text = DiagnosticRenderer().text(
      Diagnostic("T001", "anywhere", at: span, labels: [.init(span: span, text: "x")]), map)
    #expect(text.contains("^"))
    let unknown = SourceSpan(source: SourceID(9), start: 0, end: 1)
    #expect(DiagnosticRenderer().text(Diagnostic("T001", "nowhere", at: unknown), map) == "error[T001]: nowhere")
  }

  @Test("A line of megabytes gives a short excerpt")
  func endless() {
    var map = SourceMap()
    let source = map.add(name: "a", bytes: Array(repeating: 0x61, count: 5_000_000))
    let span = SourceSpan(source: source.id, start: 2_500_000, end: 2_500_003)
    let text = DiagnosticRenderer().text(Diagnostic("T001", "far", at: span), map)
    #expect(text.utf8.count < 1000)
    #expect(text.contains("^^^"))
  }
}
