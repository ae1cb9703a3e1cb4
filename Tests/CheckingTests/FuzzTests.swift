import Checking
import Foundation
import Syntax
import TestSupport
import Testing

/// SplitMix64 (Steele, Lea & Flood 2014): a seeded source of test cases.
private struct Cases: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

@Suite("Any text at all is checked to its end")
struct FuzzTests {
  private static let corpus: [String] = {
    let models = try? Data(contentsOf: Checkout.data.appendingPathComponent("checking/touchstone-models.cairn"))
    return ErrorPage.all.flatMap { [$0.wrong, $0.mended] } + TypeTests.silent.map(\.1)
      + String(decoding: models ?? Data(), as: UTF8.self).components(separatedBy: "\n\n") + [ModelTests.group]
  }()

  @Test("Swapped, lost, doubled and borrowed tokens", arguments: UInt64(1)...8)
  func tokens(seed: UInt64) throws {
    var random = Cases(state: seed)
    let bench = try Workbench()
    var count = 0
    for _ in 0..<150 {
      guard var words = FuzzTests.corpus.randomElement(using: &random).map(FuzzTests.pieces), !words.isEmpty else {
        continue
      }
      for _ in 0..<Int.random(in: 1...4, using: &random) where !words.isEmpty {
        let place = Int.random(in: 0..<words.count, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: words.swapAt(place, Int.random(in: 0..<words.count, using: &random))
        case 1: words.remove(at: place)
        case 2: words.insert(words[place], at: place)
        default:
          let other = FuzzTests.corpus.randomElement(using: &random).map(FuzzTests.pieces) ?? []
          if let word = other.randomElement(using: &random) { words[place] = word }
        }
      }
      let unit = bench.cell(words.joined())
      for diagnostic in unit.diagnostics { _ = bench.text([diagnostic]) }
      count += 1
    }
    #expect(count > 0, "seed \(seed)")
  }

  /// A text as words, signs and spaces.
  private static func pieces(_ text: String) -> [String] {
    var result: [String] = []
    for character in text {
      let isWord = character.isLetter || character.isNumber || character == "_"
      if isWord, let last = result.last?.last, last.isLetter || last.isNumber || last == "_" {
        result[result.count - 1].append(character)
      } else {
        result.append(String(character))
      }
    }
    return result
  }

  static let deep: [(String, String)] = [
    ("parentheses", String(repeating: "(", count: 5000) + "1" + String(repeating: ")", count: 5000)),
    ("a long sum", (["let x = 1"] + Array(repeating: "1", count: 20000)).joined(separator: " + ")),
    ("a long chain of members", "let x = [1]" + String(repeating: ".reversed()", count: 5000)),
    ("nested ifs", String(repeating: "if true { ", count: 3000) + String(repeating: "}", count: 3000)),
    (
      "a long else-if",
      "let x = 1\nlet y = " + String(repeating: "if x > 1 { let z = 2\n z } else ", count: 150) + "{ 3 }"
    ),
    (
      "nested closures",
      "let f = " + String(repeating: "{ (x: Int) in ", count: 100) + "x" + String(repeating: " }", count: 100)
    ),
    ("nested arrays", "let a = " + String(repeating: "[", count: 150) + "1" + String(repeating: "]", count: 150)),
    (
      "nested loops in a model",
      "model M(n: Int) { var s = 0.0\n let a ~ Normal(0, 1)\n"
        + String(repeating: "for i in 0..<2 { s = s + a\n", count: 60) + String(repeating: "}", count: 61)
    ),
    (
      "nested switches",
      "enum E { case a, b }\nfunc f(_ e: E) -> Int {\n" + String(repeating: "switch e { case .a: ", count: 60)
        + "return 1\n" + String(repeating: "default: return 0\n}\n", count: 60) + "}"
    ),
    (
      "nested calls with closures",
      "let a = [1]" + String(repeating: ".map { x in [x].map { y in ", count: 1) + "y" + " } }"
    ),
  ]

  @Test("Depth and length end in time", arguments: 0..<FuzzTests.deep.count)
  func depth(number: Int) throws {
    let (name, text) = FuzzTests.deep[number]
    let start = ContinuousClock.now
    let unit = try Workbench().cell(text)
    #expect(start.duration(to: .now) < .seconds(20), "\(name)")
    #expect(unit.index >= 0)
  }
}
