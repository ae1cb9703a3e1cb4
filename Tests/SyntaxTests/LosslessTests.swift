import Syntax
import TestSupport
import Testing

/// A small generator (splitmix64), so that a failing case comes again from its seed.
struct Dice {
  private var state: UInt64
  init(seed: Int) { state = UInt64(truncatingIfNeeded: seed) &* 0x9E37_79B9_7F4A_7C15 }

  mutating func next() -> UInt64 {
    state = state &+ 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
  mutating func roll(_ sides: Int) -> Int { Int(next() % UInt64(max(1, sides))) }
}

/// Parsing any bytes ends, never traps, and printing gives the bytes back.
struct LosslessTests {
  /// What is wrong with the parse of some bytes, or nil.
  static func fault(of bytes: [UInt8], as kind: SourceKind = .user) -> String? {
    let source = Parsing.source(bytes)
    let tree = Parser.parse(source, as: kind)
    if SyntaxPrinter.bytes(of: tree) != bytes { return "the tokens do not give the bytes back" }
    var position: Int32 = 0
    for token in tree.tokens {
      if token.triviaStart != position || token.start < token.triviaStart || token.end < token.start {
        return "tokens overlap or leave a gap at \(position)"
      }
      position = token.end
    }
    for diagnostic in tree.diagnostics {
      guard let span = diagnostic.span, span.start >= 0, span.end >= span.start, Int(span.end) <= bytes.count else {
        return "\(diagnostic.code) has no place in the text"
      }
    }
    var last: Int32 = 0
    for statement in tree.statements {
      if statement.span.start < last || statement.span.end < statement.span.start {
        return "statements are out of order"
      }
      last = statement.span.start
    }
    var map = SourceMap()
    map.add(name: "text", bytes: bytes)
    let renderer = DiagnosticRenderer()
    for diagnostic in tree.diagnostics.prefix(5) where renderer.text(diagnostic, map).isEmpty { return "no message" }
    _ = Parser.isIncomplete(source)
    if SyntaxPrinter.dump(tree.statements).isEmpty, !tree.statements.isEmpty { return "no tree" }
    return nil
  }

  @Test("The corpus and the mistakes print back to themselves", arguments: Parsing.corpus)
  func corpus(file: Parsing.File) {
    let fault = LosslessTests.fault(of: file.bytes, as: file.kind)
    #expect(fault == nil)
  }

  @Test("Mistakes print back to themselves", arguments: Mistake.all)
  func mistakes(mistake: Mistake) {
    let fault = LosslessTests.fault(of: mistake.bytes, as: mistake.kind)
    #expect(fault == nil)
  }

  static let oddTexts: [[UInt8]] = [
    [], [0], [0xEF, 0xBB, 0xBF], [0xEF, 0xBB], [0xFF], [0x22], [0x5C], [0x60], [0x27], [0x2F, 0x2A], [0x0D],
    [0x24, 0x30],
    [0xF0, 0x9F], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80],
    Array("\u{FEFF}let x = 1".utf8), Array("x\u{0}y\u{0}\u{0}z".utf8), Array("\"\\".utf8), Array("\"\\(".utf8),
    Array("\"\"\"".utf8), Array("\"\"\"\n\"\"\"".utf8), Array("\"\"\"\n\\".utf8), Array("a\r\nb\rc".utf8),
    Array("\"\\u{".utf8), Array("0x".utf8), Array("1e".utf8), Array("1.".utf8), Array(".".utf8), Array("....".utf8),
    Array("let".utf8), Array("model".utf8), Array("{ in".utf8), Array("\\".utf8), Array("test \"".utf8),
    Array("case".utf8), Array("switch a { case".utf8), Array("extension [".utf8), Array("a ? b ? c".utf8),
  ]

  @Test("Odd beginnings and ends", arguments: oddTexts)
  func odd(bytes: [UInt8]) {
    let fault = LosslessTests.fault(of: bytes)
    #expect(fault == nil)
  }

  static let signs = Array("(){}[]\"\\,;:.~=<>?!`'$@#\n".utf8)

  /// Seeds that once failed come first.
  static let seeds: [Int] = Array(0..<2000)

  @Test("Changed bytes", .timeLimit(.minutes(5)))
  func changedBytes() {
    let corpus = Parsing.corpus
    for seed in LosslessTests.seeds {
      var dice = Dice(seed: seed)
      let file = corpus[dice.roll(corpus.count)]
      var bytes = file.bytes
      if bytes.count > 600 {
        let start = dice.roll(bytes.count - 600)
        bytes = Array(bytes[start..<(start + 600)])
      }
      for _ in 0...dice.roll(12) {
        guard !bytes.isEmpty else { break }
        let place = dice.roll(bytes.count)
        switch dice.roll(5) {
        case 0: bytes[place] = UInt8(dice.roll(256))
        case 1: bytes.remove(at: place)
        case 2: bytes.insert(UInt8(dice.roll(256)), at: place)
        case 3: bytes.insert(LosslessTests.signs[dice.roll(LosslessTests.signs.count)], at: place)
        default: bytes.removeSubrange(place..<min(bytes.count, place + dice.roll(40)))
        }
      }
      if let fault = LosslessTests.fault(of: bytes, as: file.kind) { Issue.record("seed \(seed): \(fault)") }
    }
  }

  @Test("Swapped, dropped and doubled tokens", .timeLimit(.minutes(5)))
  func changedTokens() {
    let corpus = Parsing.corpus
    for seed in LosslessTests.seeds {
      var dice = Dice(seed: seed + 1_000_000)
      let file = corpus[dice.roll(corpus.count)]
      let tree = Parser.parse(Parsing.source(file.bytes), as: file.kind)
      var pieces = tree.tokens.map { Array(file.bytes[Int($0.triviaStart)..<Int($0.end)]) }
      if pieces.count > 200 {
        let start = dice.roll(pieces.count - 200)
        pieces = Array(pieces[start..<(start + 200)])
      }
      for _ in 0...dice.roll(8) {
        let place = dice.roll(pieces.count)
        let other = dice.roll(pieces.count)
        switch dice.roll(4) {
        case 0: pieces.swapAt(place, other)
        case 1: pieces[place] = []
        case 2: pieces.insert(pieces[other], at: place)
        default:
          let symbols = Symbol.allCases
          pieces.insert(Array(" \(symbols[dice.roll(symbols.count)].rawValue) ".utf8), at: place)
        }
      }
      let bytes = Array(pieces.joined())
      if let fault = LosslessTests.fault(of: bytes, as: file.kind) { Issue.record("seed \(seed): \(fault)") }
    }
  }

  @Test("Noise", .timeLimit(.minutes(5)))
  func noise() {
    for seed in LosslessTests.seeds {
      var dice = Dice(seed: seed + 2_000_000)
      let alphabet: [UInt8]? = dice.roll(2) == 0 ? nil : Array("(){}[]<>\"'`\\/*.,;:~=+-!?$_ \n1aelt".utf8)
      let bytes = (0..<dice.roll(200)).map { _ in alphabet.map { $0[dice.roll($0.count)] } ?? UInt8(dice.roll(256)) }
      if let fault = LosslessTests.fault(of: bytes) { Issue.record("seed \(seed): \(fault)") }
    }
  }
}
