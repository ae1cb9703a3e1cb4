import Syntax
import TestSupport
import Testing

/// Which entries of a session go on.
struct EntryTests {
  static let incomplete = [
    "model M() {", "let x = [1,", "f(", "let x =", "let x = 1 +", "let mu ~", "/* open", "let t = \"\"\"\nabc", "if a",
    "if a { b() } else", "func f() -> Real", "switch x {", "switch x {\ncase 1:", "struct A {\n  let x: Real\n",
    "xs.map { x in", "let x = a ? b :", "for i in", "test \"a\" {", "f(a, b\n", "m.", "enum E { case", "let x: [N of",
    "let t = \"\"\"\n\\(f(1", "plate j in 0..<J {\n  let x ~ Normal(0, 1)",
  ]
  static let complete = [
    "", "let x = 1", "let x = )", "f()", "x", "let t = \"abc", "f(a b", "let 5 = (", "}", "let x = 1 /* done */",
    "if a { b() }", "x[1...]", "// words", "let t = \"\"\"\nabc\n\"\"\"", "class A {", "let x = 'a", "a..", "@ (",
  ]

  @Test("An open construct asks for more", arguments: incomplete)
  func open(text: String) { #expect(Parser.isIncomplete(Parsing.source(text))) }

  @Test("A whole text, or one that no line can mend, does not", arguments: complete)
  func closed(text: String) { #expect(!Parser.isIncomplete(Parsing.source(text))) }
}
