import Foundation
import Syntax
import TestSupport
import Testing

/// Large and deep texts.
struct ScaleTests {
  /// Text of about a size, put together from the models.
  static func large(_ bytes: Int) -> [UInt8] {
    let all = Array(Parsing.models.map { $0.bytes + [0x0A] }.joined())
    var text: [UInt8] = []
    text.reserveCapacity(bytes + all.count)
    while text.count < bytes { text += all }
    return text
  }

  /// The processor time that a parse takes: other work on the machine does not count.
  static func seconds(_ bytes: [UInt8]) -> Double {
    let source = Parsing.source(bytes)
    let start = processorTime()
    let tree = Parser.parse(source)
    let elapsed = processorTime() - start
    #expect(tree.tokens.last?.kind == .endOfFile)
    return elapsed
  }

  private static func processorTime() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }

  #if DEBUG
    static let size = 1_000_000
    static let bound = 60.0
  #else
    static let size = 10_000_000
    static let bound = 5.0
  #endif

  @Test("A large text parses in seconds")
  func largeText() {
    let text = ScaleTests.large(ScaleTests.size)
    let time = ScaleTests.seconds(text)
    #expect(time < ScaleTests.bound)
    let codes = Parser.parse(Parsing.source(text)).diagnostics.map(\.code)
    #expect(codes == [])
  }

  /// Beginnings that a careless parser reads again and again.
  static let pieces = [
    "f(a\n", "{ (a: A, ", "let x[", "\"\\(", "[1 ", "(", "[", "{ ", "a ?? ", "a ? b : ", "- ", "if a { ",
    "switch a { case 1: ",
    "@", "'", "\"", "a.b", "x[", "else ", "1 +", "let x: A?", "/*", "`", "case ", "func f(", "struct A { ", "}", ")",
    "$",
    "f { x in ", "a ** ", ".a", "\\.", "for i in ", "# \n", "\u{FFFD}", "model M(", "x ~ ", "a < ", "[a b\n",
  ]

  @Test("Time grows with the text, whatever it holds", arguments: pieces)
  func linear(piece: String) {
    // A quadratic parser would take a thousand times as long for the longer text.
    let size = ScaleTests.size / 10
    let bytes = Array(String(repeating: piece, count: size / piece.utf8.count).utf8)
    #expect(ScaleTests.seconds(bytes) < ScaleTests.bound)
  }

  static let brackets: [(String, String)] = [
    ("(", ")"), ("[", "]"), ("{ ", " }"), ("f(", ")"), ("x[", "]"), ("if a { ", " }"), ("- ", ""), ("a ** ", ""),
    ("a ?? ", ""), ("a ? b : ", ""), ("\"\\(", ")\""), ("f { x in ", " }"), ("(1, ", ")"), ("[1: ", "]"), ("!", ""),
    ("switch a { case 1: ", " }"), ("if a { 1 } else ", "{ 2 }"),
  ]

  @Test("Deep nesting is a message", arguments: brackets)
  func deep(bracket: (String, String)) {
    for depth in [Parser.depthLimit + 10, 20_000] {
      let text =
        "let x = " + String(repeating: bracket.0, count: depth) + "1" + String(repeating: bracket.1, count: depth)
        + "\nlet y = 2"
      let codes = Parsing.codes(text)
      #expect(codes == ["S004"])
    }
  }

  @Test("Nesting within the limit is fine", arguments: brackets.filter { $0.0 != "\"\\(" })
  func shallow(bracket: (String, String)) {
    let depth = 60
    let text =
      "let x = " + String(repeating: bracket.0, count: depth) + "1" + String(repeating: bracket.1, count: depth)
    #expect(Parsing.codes(text).filter { $0 == "S004" } == [])
  }

  static let chains = [" + a", ".b", "[0]", "(1)", " && a", ".*a", "?.b", "!"]

  @Test("Long chains are fine to a length, then a message", arguments: chains)
  func chain(step: String) {
    let short = Parsing.codes("let x = a" + String(repeating: step, count: 900))
    #expect(short == [])
    let long = Parsing.codes("let x = a" + String(repeating: step, count: 100_000) + "\nlet y = 2")
    #expect(long == ["S004"])
  }

  @Test("Lists have no limit")
  func wide() {
    let list = "let x = [" + String(repeating: "a.b + 1, ", count: 50_000) + "]"
    #expect(Parsing.codes(list) == [])
    let types = "let x: " + String(repeating: "[", count: 200) + "Int" + String(repeating: "]", count: 200)
    #expect(Parsing.codes(types) == [])
  }
}
