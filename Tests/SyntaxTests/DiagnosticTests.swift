import Syntax
import TestSupport
import Testing

/// A text with what is wrong in it.
struct Mistake: Sendable, CustomStringConvertible {
  var name: String
  var kind: SourceKind
  var bytes: [UInt8]
  var description: String { name }
  var code: String { String(name.prefix(4)) }

  init(_ name: String, _ text: String, as kind: SourceKind = .user) {
    self.name = name
    self.kind = kind
    bytes = Array(text.utf8)
  }
  init(_ name: String, bytes: [UInt8]) {
    self.name = name
    kind = .user
    self.bytes = bytes
  }

  private static let deep = 300

  static let all: [Mistake] = characters + brackets + missing + operators + statements + declarations

  private static let characters = [
    Mistake("S001-hash-comment", "let x = 1 # the first"),
    Mistake("S001-at-sign", "let x = @y"),
    Mistake("S001-no-break-space", "let x\u{A0}= 1\nlet y = x\u{200B} + 1"),
    Mistake("S001-minus-sign", "let x = a \u{2212} b \u{00D7} c"),
    Mistake("S001-control-character", "let x\u{1} = 1"),
    Mistake("S001-backtick", "let x = `"),
    Mistake("S001-single-quotes", "let name = 'Ada'"),
    Mistake("S001-smart-quotes", "let name = \u{201C}Ada\u{201D}"),
    Mistake("S001-emoji", "let \u{1F600} = 1"),
    Mistake(
      "S002-bytes",
      bytes: Array("let x = 1 ".utf8) + [0xFF, 0xFE, 0xC0] + Array("\nlet y = \"a".utf8) + [0xE9] + Array("\"".utf8)),
    Mistake("S002-replaced", "let x = 1 \u{FFFD}"),
    Mistake("S005-text", "let name = \"Ada\nlet y = 1"),
    Mistake("S005-interpolation", "let name = \"n = \\(n\"\nlet y = 1"),
    Mistake("S005-long-text", "let name = \"\"\"\n  Ada\nlet y = 1"),
    Mistake("S005-argument", "let x = f(\"Ada, 2)\nlet y = 1"),
    Mistake("S006-comment", "let x = 1 /* one\n/* two */"),
    Mistake("S007-integer", "let n = 9223372036854775808"),
    Mistake("S007-hexadecimal", "let n = 0x1_0000_0000_0000_0000"),
    Mistake("S007-real", "let x = 1e999"),
    Mistake("S007-extent", "let x: Vector[99999999999999999999]"),
    Mistake("S008-escape", #"let path = "C:\data""#),
    Mistake("S008-code", #"let mark = "\u{110000} \u2713""#),
    Mistake("S028-name", "let x = 2y"),
    Mistake("S028-hexadecimal", "let x = 0xFG"),
    Mistake("S028-leading-point", "let x = .5"),
    Mistake("S028-choice", "let x = a ? .5 : .25"),
    Mistake("S028-trailing-point", "let x = 5.\nlet y = [1., 2.]"),
    Mistake("S032-first-line", "let t = \"\"\"one\n  two\n  \"\"\""),
    Mistake("S032-last-line", "let t = \"\"\"\n  one\n  two\"\"\""),
    Mistake("S032-indentation", "let t = \"\"\"\n    one\n  two\n    \"\"\""),
  ]

  private static let brackets = [
    Mistake("S003-parenthesis", "let x = f(1, 2\nlet y = 3"),
    Mistake("S003-index", "let x = y[1\nprint(x)"),
    Mistake("S003-wrong-bracket", "let x = f(y[1)\nlet z = 2"),
    Mistake("S003-next-statement", "model M() {\n  let mu ~ Normal(0, 1\n  let y ~ Normal(mu, 1)\n}\nlet z = 3"),
    Mistake("S003-brace", "model M(J: Int) {\n  plate j in 0..<J {\n    let y ~ Normal(0, 1)\n  }\n"),
    Mistake("S003-angle", "let fit: Posterior<M = f()"),
    Mistake(
      "S004-parentheses", "let x = " + String(repeating: "(", count: deep) + "1" + String(repeating: ")", count: deep)),
    Mistake("S004-chain", "let x = 1" + String(repeating: " + 1", count: 1200)),
    Mistake("S009-brace", "let x = 1\n}\nlet y = 2"),
    Mistake("S009-parenthesis", "let x = f(1))\nlet y = 2"),
    Mistake("S016-mixed", "let d = [\"a\": 1, 2, \"c\": 3]"),
    Mistake("S031-arguments", "let x = f(a b, c d)"),
    Mistake("S031-lines", "let x = [\n  1,\n  2\n  3\n]"),
    Mistake("S031-parameters", "func f(_ x: Real _ y: Real) -> Real { return x }"),
  ]

  private static let missing = [
    Mistake("S010-colon", "let x = a ? b"),
    Mistake("S010-else", "func f() { guard a { return } }"),
    Mistake("S010-result", "func f(_ x: Real): Real { return x }"),
    Mistake("S010-model-result", "model M() -> Real { }"),
    Mistake("S011-keyword", "let in = 1"),
    Mistake("S011-function", "func (x: Real) { }"),
    Mistake("S011-member", "let x = y.\nlet z = 1"),
    Mistake("S011-dotted-operator", "let same = x .== y"),
    Mistake("S012-type", "let x: = 1"),
    Mistake("S012-extent", "func f(_ x: Vector[N + 1]) { }"),
    Mistake("S012-self", "let t = f(1).self"),
    Mistake("S013-value", "let x =\nlet y = 1"),
    Mistake("S013-operand", "let x = 1 +\n"),
    Mistake("S013-middle", "let x = 1 + * 2"),
    Mistake("S013-argument", "f(1, , 2)"),
    Mistake("S013-index", "let x = y[]"),
    Mistake("S013-statement", "let x = for i in y { i }"),
    Mistake("S013-interpolation", "let x = \"\\(a + ) and \\(b)\""),
    Mistake("S013-two", "let x = f(*) + g(/)"),
    Mistake("S017-words", "print x"),
    Mistake("S017-statements", "let a = 1 let b = 2"),
    Mistake("S017-case", "switch a { case 1: f() case 2: g() }"),
    Mistake("S018-function", "func f(_ x: Real) -> Real\n  return x\nlet y = 1"),
    Mistake("S018-colon", "if a > 1:\n  b = 2\nlet y = 1"),
    Mistake("S018-indentation", "if a:\n  b = 2\nelse:\n  b = 3\nlet y = 1"),
    Mistake("S018-expression-body", "func f(_ x: Real) -> Real = x + 1"),
    Mistake("S018-forgotten", "for i in 0..<n\n  total += i\n}\nlet y = 1"),
    Mistake("S018-switch", "switch x\nlet y = 1"),
  ]

  private static let operators = [
    Mistake("S014-comparison", "check(0 < x < 1, \"inside\")"),
    Mistake("S014-range", "let r = 0..<3..<5"),
    Mistake("S015-identity", "if a === b { }"),
    Mistake("S015-increment", "i++"),
    Mistake("S015-prefix-increment", "++i"),
    Mistake("S015-two-dots", "for i in 1..5 { }"),
    Mistake("S015-words", "if a and not b or c { }"),
    Mistake("S015-single", "let x = a & b | c"),
    Mistake("S015-caret", "let x = a ^ 2"),
    Mistake("S015-arrow", "x <- 3"),
    Mistake("S015-walrus", "x := 3"),
    Mistake("S015-arrow-binding", "let x <- 3"),
    Mistake("S015-in", "if x in xs { }"),
    Mistake("S022-condition", "if x = 3 { }"),
    Mistake("S022-parentheses", "if (x = 3) { }"),
    Mistake("S022-binding", "let x == 3"),
    Mistake("S022-case", "if case .some(let x) == y { }"),
    Mistake("S022-missing", "let x\nlet y = 1"),
    Mistake("S033-label", "let d = Normal(loc = 0, scale = 1)"),
    Mistake("S034-slice", "let x = y[1:3]"),
    Mistake("S034-names", "let x = y[a:b]"),
    Mistake("S034-open", "let x = y[1:, :, :2]"),
    Mistake("S034-loop", "for i in 1:n { }"),
  ]

  private static let statements = [
    Mistake("S019-class", "class Point {\n  let x: Real\n}\nlet y = 1"),
    Mistake("S019-try", "let x = try f()"),
    Mistake("S019-modifier", "private let x = 1"),
    Mistake("S019-constant", "const x = 1"),
    Mistake("S019-def", "def f(x):\n"),
    Mistake("S019-cast", "let x = y as Real"),
    Mistake("S019-inheritance", "struct A: B { }"),
    Mistake("S019-raw-value", "enum A { case a = 1 }"),
    Mistake("S019-throws", "func f() throws -> Real { return 1 }"),
    Mistake("S019-inout", "func f(_ x: inout Real) { }"),
    Mistake("S020-else", "let x = 1\nelse { f() }\nlet y = 2"),
    Mistake("S020-elif", "if a { f() }\nelif b { g() }"),
    Mistake("S021-bare", "model M() {\n  mu ~ Normal(0, 1)\n}"),
    Mistake("S021-variable", "model M() { var mu ~ Normal(0, 1) }"),
    Mistake("S021-tuple", "model M() { let (a, b) ~ Normal(0, 1) }"),
    Mistake("S023-statement", "switch x {\n  f()\n  case 1: g()\n}"),
    Mistake("S023-colon", "switch x {\ncase 1 f()\ndefault: g()\n}"),
    Mistake("S024-c-loop", "for (i = 0; i < n; i += 1) { f(i) }\nlet y = 1"),
    Mistake("S024-r-loop", "for (i in 0..<n) { f(i) }"),
    Mistake("S024-equals", "for i = 0..<n { f(i) }"),
    Mistake("S024-let", "for let i in x { f(i) }"),
    Mistake("S024-plate", "plate j 0..<J { }"),
    Mistake("S030-value", "let 5 = x"),
    Mistake("S030-two", "let a = 1, b = 2"),
    Mistake("S030-names", "let a, b = pair"),
    Mistake("S030-type", "let x Real = 1"),
    Mistake("S030-element", "let y[0] = 1"),
    Mistake("S030-element-site", "model M() { let y[t] ~ Normal(0, 1) }"),
    Mistake("S030-function", "let f(x) = x + 1"),
    Mistake("S030-condition", "if let (a, b) = pair { }"),
  ]

  private static let declarations = [
    Mistake("S025-type", "func f(x) { }"),
    Mistake("S025-order", "func f(Real x) { }"),
    Mistake("S025-parameters", "model M { }"),
    Mistake("S025-field", "struct P { let x }"),
    Mistake("S025-bare", "func f(_: Real) { }"),
    Mistake("S026-intrinsic", "intrinsic func f(_ x: Real) -> Real"),
    Mistake("S026-extension", "extension Table { func f() { } }"),
    Mistake("S026-generic", "func f<T>(_ x: T) { }"),
    Mistake("S026-library", "intrinsic let x = 1", as: .library),
    Mistake("S027-structure", "struct P {\n  x: Real\n  let y: Real\n}"),
    Mistake("S027-init", "struct P { init(x: Real) { } }"),
    Mistake("S027-computed", "struct P { var x: Real { return 1 } }"),
    Mistake("S027-enumeration", "enum E { normal }"),
  ]
}

struct DiagnosticTests {
  @Test("A mistake gives its message, with the place and the way out", arguments: Mistake.all)
  func golden(mistake: Mistake) {
    let codes = Parser.parse(Parsing.source(mistake.bytes), as: mistake.kind).diagnostics.map(\.code)
    #expect(Set(codes) == [mistake.code], "\(codes)")
    let rule = String(repeating: "-", count: 40)
    let text = String(decoding: mistake.bytes, as: UTF8.self)
    let shown =
      (text.utf8.count > 400 ? "(a long line)" : text) + "\n\(rule)\n"
      + Parsing.messages(mistake.bytes, as: mistake.kind)
    let mismatch = Golden.mismatch(shown, "syntax-diagnostics/\(mistake.name).txt")
    #expect(mismatch == nil)
  }

  /// Two mistakes that stand apart, and lists whose every member is wrong; all others have one cause and one message.
  static let several: [String: Int] = [
    "S001-no-break-space": 2, "S001-minus-sign": 2, "S002-bytes": 2, "S008-code": 2, "S028-trailing-point": 3,
    "S028-choice": 2, "S034-open": 3,
    "S013-two": 2, "S015-words": 3, "S015-single": 2, "S033-label": 2,
  ]

  @Test("One cause gives one message", arguments: Mistake.all)
  func once(mistake: Mistake) {
    let count = Parser.parse(Parsing.source(mistake.bytes), as: mistake.kind).diagnostics.count
    #expect(count == DiagnosticTests.several[mistake.name] ?? 1)
  }

  @Test("Each code has an example here")
  func codes() {
    let used = Set(Mistake.all.map(\.code))
    let known = (1...34).filter { $0 != 29 }.map { "S" + String(repeating: "0", count: $0 < 10 ? 2 : 1) + "\($0)" }
    #expect(used.sorted() == known)
  }

  @Test("A certain fix mends the text", arguments: Mistake.all)
  func fixes(mistake: Mistake) {
    let found = Parser.parse(Parsing.source(mistake.bytes), as: mistake.kind).diagnostics
    var bytes = mistake.bytes
    guard !found.isEmpty, found.allSatisfy({ $0.fixes.contains { $0.certainty == .certain } }) else { return }
    var edits = found.flatMap(\.fixes).filter { $0.certainty == .certain }
    edits.sort { $0.span.start > $1.span.start }
    for edit in edits {
      bytes.replaceSubrange(Int(edit.span.start)..<Int(edit.span.end), with: Array(edit.replacement.utf8))
    }
    let codes = Parser.parse(Parsing.source(bytes), as: mistake.kind).diagnostics.map(\.code)
    #expect(codes == [])
  }
}
