import Foundation
import Syntax
import TestSupport
import Testing

/// The parser on good and bad text.
struct ParserTests {
  private func parse(_ text: String, as kind: SourceKind = .user) -> SyntaxTree {
    Parser.parse(SourceText(id: SourceID(0), name: "test", text: text), as: kind)
  }

  static var corpus: [String] {
    let folder = Checkout.root.appendingPathComponent("stdlib")
    let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []).filter {
      $0.hasSuffix(".cairn")
    }
    return names.sorted().compactMap { try? String(contentsOf: folder.appendingPathComponent($0), encoding: .utf8) }
  }

  @Test func libraryParsesWithoutMessages() {
    #expect(Self.corpus.count >= 3)
    for text in Self.corpus { #expect(parse(text, as: .library).diagnostics.isEmpty) }
  }

  private func printed(_ tree: SyntaxTree) -> [UInt8] {
    tree.tokens.flatMap { tree.source.bytes[Int($0.triviaStart)..<Int($0.end)] }
  }

  @Test func tokensGiveTheBytesBackWhateverTheyAre() {
    var bits = RandomBits(seed: 17)
    for text in Self.corpus {
      for _ in 0..<60 {
        var bytes = Array(text.utf8)
        let start = bits.below(max(1, bytes.count - 400))
        bytes = Array(bytes[start..<min(bytes.count, start + 400)])
        for _ in 0..<bits.below(8) {
          guard !bytes.isEmpty else { break }
          switch bits.below(3) {
          case 0: bytes[bits.below(bytes.count)] = UInt8(bits.below(256))
          case 1: bytes.remove(at: bits.below(bytes.count))
          default: bytes.insert(UInt8(bits.below(256)), at: bits.below(bytes.count))
          }
        }
        let source = SourceText(id: SourceID(0), name: "mutation", bytes: bytes)
        let tree = Parser.parse(source)
        #expect(printed(tree) == bytes)
      }
    }
  }

  @Test(arguments: [
    ("let x = ", "S013"), ("let x = (1", "S003"), ("let x = \"a", "S005"), ("/* open", "S006"),
    ("let x = 99999999999999999999", "S007"), ("let x = \"\\q\"", "S008"), ("}", "S009"), ("let if = 1", "S011"),
    ("let x: = 1", "S012"), ("let a = 1 < 2 < 3", "S014"), ("let b = 1 === 2", "S015"),
    ("let d = [1, \"a\": 2]", "S016"),
    ("let x = 1 let y = 2", "S017"), ("func f()", "S018"), ("class A { }", "S019"), ("else { }", "S020"),
    ("x ~ Normal(0, 1)", "S021"),
    ("let x == 1", "S022"), ("for (i = 0; i < 3; i += 1) { }", "S024"), ("func f(x) { }", "S025"),
    ("intrinsic func f() -> Int", "S026"), ("struct S { 1 }", "S027"), ("let x = 'a'", "S001"),
  ])
  func firstMessage(text: String, code: String) {
    let tree = parse(text)
    #expect(tree.diagnostics.first?.code == code, "\(text): \(tree.diagnostics.map(\.code))")
  }

  @Test func nestingIsLimited() {
    for (open, close) in [("(", ")"), ("[", "]"), ("{ ", " }"), ("-", ""), ("if true { ", " }")] {
      let text = "let x = " + String(repeating: open, count: 20_000) + "1" + String(repeating: close, count: 20_000)
      #expect(!parse(text).diagnostics.isEmpty)
    }
  }

  @Test func badBytesAreSaid() {
    let source = SourceText(id: SourceID(0), name: "bytes", bytes: [0x6C, 0x65, 0x74, 0x20, 0xFF, 0xFE, 0x0A])
    #expect(Parser.parse(source).diagnostics.contains { $0.code == "S002" })
  }

  @Test func incompleteTextsAreKnown() {
    func incomplete(_ text: String) -> Bool {
      Parser.isIncomplete(SourceText(id: SourceID(0), name: "entry", text: text))
    }
    #expect(incomplete("model M() {"))
    #expect(incomplete("let x = [1,"))
    #expect(!incomplete("let x = 1"))
    #expect(!incomplete("let x = )"))
  }

  @Test func powersBindTighterThanMinus() {
    let tree = parse("let a = -x ** 2")
    guard case .binding(let binding)? = tree.statements.first?.kind,
      case .unary(.minus, let inner)? = binding.value?.kind,
      case .binary(.power, _, _, _) = inner.kind
    else {
      Issue.record("-x ** 2 is -(x ** 2)")
      return
    }
  }
}

/// A small generator, so that mutations are the same in every run.
struct RandomBits {
  private var state: UInt64
  init(seed: UInt64) { state = seed }
  mutating func below(_ bound: Int) -> Int {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Int((state >> 33) % UInt64(max(1, bound)))
  }
}
