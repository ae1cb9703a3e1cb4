import Testing

/// What closures give.
@Suite struct ClosureTests {
  @Test(
    "A closure of one `if` gives the value of its branch, as one of an expression does",
    arguments: [
      ("[1, 2].map { i in if i > 1 { \"a\" } else { \"b\" } }", "[\"b\", \"a\"]"),
      ("[1, 2, 3].map { i in if i > 2 { 1.5 } else if i > 1 { 2 } else { 3 } }", "[3.0, 2.0, 1.5]"),
      ("[1, 2].map { i in i > 1 ? \"a\" : \"b\" }", "[\"b\", \"a\"]"),
      ("var n = 0\nfor i in 0..<3 { if i > 1 { n += 1 } else { n += 2 } }\nn", "5"),
    ])
  func value(code: String, shown: String) {
    let outcome = Session().run(code)
    #expect(outcome.code == nil && outcome.lines.joined(separator: "\n") == shown)
  }
}
