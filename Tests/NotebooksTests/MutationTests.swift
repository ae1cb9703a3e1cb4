import Checking
import Foundation
import Interpreter
import Notebooks
import Rendering
import Syntax
import TestSupport
import Testing

/// The notebook and the scripts with damaged bytes and words, through everything: each must come to an end, with a
/// message or a result, and without a trap.
struct MutationTests {
  /// Where a mutant's way ended.
  enum Stage: String, CaseIterable, Sendable { case parser, checker, evaluator, sampler }

  struct Text: Sendable {
    var name: String
    var isNotebook: Bool
    var text: String
  }

  /// Everything with settings for a short run.
  static let texts: [Text] = {
    let notebook = Checkout.root.appendingPathComponent("notebooks/eight-schools.nb.md")
    var result = [Text(name: "eight-schools.nb.md", isNotebook: true, text: read(notebook))]
    for folder in [
      Checkout.data.appendingPathComponent("fits"), Checkout.root.appendingPathComponent("Benchmarks/scripts"),
    ] {
      let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
      for name in names.sorted() where name.hasSuffix(".cairn") {
        result.append(Text(name: name, isNotebook: false, text: read(folder.appendingPathComponent(name))))
      }
    }
    let shorter = [
      ("chains: 4", "draws: 20, warmup: 20, chains: 2"), ("draws: 60, warmup: 120", "draws: 20, warmup: 20"),
      ("prior(1000)", "prior(20)"), ("1500000", "1500"), ("fib(27)", "fib(10)"), ("simulate(20000)", "simulate(20)"),
      ("2000000", "2000"), ("500000", "500"),
    ]
    for index in result.indices {
      for (long, short) in shorter { result[index].text = result[index].text.replacing(long, with: short) }
    }
    return result
  }()

  private static func read(_ url: URL) -> String { (try? String(contentsOf: url, encoding: .utf8)) ?? "" }

  // MARK: - Damage

  private struct Random {
    var state: UInt64
    mutating func below(_ bound: Int) -> Int {
      state &+= 0x9E37_79B9_7F4A_7C15
      var z = state
      z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
      return Int((z ^ (z >> 31)) % UInt64(max(1, bound)))
    }
  }

  /// Words and the marks between them, so that joining gives the text back.
  private static func words(_ text: String) -> [String] {
    var result: [String] = []
    for character in text {
      func isPart(_ character: Character?) -> Bool {
        character.map { $0.isLetter || $0.isNumber || $0 == "_" } ?? false
      }
      if isPart(character), isPart(result.last?.last) {
        result[result.count - 1].append(character)
      } else {
        result.append(String(character))
      }
    }
    return result
  }

  /// In a notebook, the words of its code: damaged prose is prose.
  private static func isCode(_ words: [String], _ isNotebook: Bool) -> [Int] {
    guard isNotebook else { return words.indices.filter { words[$0].first?.isWhitespace == false } }
    var places: [Int] = []
    var line = ""
    var isOpen = false
    for (index, word) in words.enumerated() {
      if word == "\n" {
        if line.hasPrefix("```") { isOpen = line.contains("swift") }
        line = ""
      } else {
        line += word
        if isOpen, !line.hasPrefix("`"), !word.allSatisfy(\.isWhitespace) { places.append(index) }
      }
    }
    return places
  }

  private static let numbers = [
    "0", "-1", "1", "9223372036854775807", "1e308", "nan", "0.5", "1000", "-7", "2", "[]", "nil", "true", "1e-320",
  ]

  private static func mutant(_ source: Text, _ random: inout Random) -> [UInt8] {
    if random.below(5) == 0 {
      var bytes = Array(source.text.utf8)
      for _ in 0...random.below(3) where bytes.count > 2 {
        let place = random.below(bytes.count)
        switch random.below(4) {
        case 0: bytes[place] = UInt8(random.below(256))
        case 1: bytes.remove(at: place)
        case 2: bytes.insert(bytes[random.below(bytes.count)], at: place)
        default: bytes.removeSubrange(place..<min(bytes.count, place + 1 + random.below(40)))
        }
      }
      return bytes
    }
    var words = words(source.text)
    for _ in 0...random.below(2) {
      let places = isCode(words, source.isNotebook)
      guard places.count > 2 else { break }
      let numeric = places.filter { words[$0].first?.isNumber == true }
      let i = places[random.below(places.count)]
      let j = places[random.below(places.count)]
      switch random.below(8) {
      case 0: words.swapAt(i, j)
      case 1: words.remove(at: i)
      case 2: words.insert(words[j], at: i)
      case 3: words[i] = words[j]
      default:
        guard !numeric.isEmpty else { break }
        words[numeric[random.below(numeric.count)]] = numbers[random.below(numbers.count)]
      }
    }
    return Array(words.joined().utf8)
  }

  // MARK: - The way through

  private struct Files: World {
    struct Missing: Error {}
    func readFile(_ path: String) throws -> [UInt8] {
      guard path == "data/eight-schools.csv" else { throw Missing() }
      return Array(try Data(contentsOf: Checkout.root.appendingPathComponent("notebooks/\(path)")))
    }
    func fileExists(_ path: String) -> Bool { path == "data/eight-schools.csv" }
    func listDirectory(_ path: String) throws -> [String] { [] }
    func environment(_ name: String) -> String? { nil }
    func parameter(_ name: String) -> String? { nil }
    func now() -> Double { 0 }
  }

  /// Runs a mutant as the program would, rendering included, and says how far it came.
  private static func run(_ bytes: [UInt8], isNotebook: Bool, _ cancellation: Cancellation) throws -> Stage {
    var sources = SourceMap()
    let source = sources.add(name: "mutant", bytes: bytes)
    var diagnostics: [Diagnostic] = []
    var shown = 0
    func show(_ events: [CellEvent], _ session: Session) {
      for event in events {
        switch event {
        case .output(let output): shown += TextRenderer(width: 100).text(output).count
        case .diagnostic(let diagnostic): shown += DiagnosticRenderer().text(diagnostic, session.sources).count
        }
      }
    }
    let session = try Session(
      installation: Running.installation, world: Files(), sources: sources, threads: 2, cancellation: cancellation)
    let sampled = Sampled()
    session.machine.onProgress = { _ in sampled.isReached = true }
    if isNotebook {
      let document = NotebookParser.parse(source, version: Running.version)
      let runner = NotebookRunner(document: document, name: "mutant", session: session)
      diagnostics = runner.diagnostics
      _ = runner.run(onCell: { _ in }, onResult: { show($0.events, session) })
    } else {
      let (_, unit) = session.check(source, as: .script)
      diagnostics = unit.diagnostics
      if !unit.hasErrors { show(session.run(unit, identity: "script").events, session) }
    }
    show(diagnostics.map { .diagnostic($0) }, session)
    let codes = diagnostics.filter { $0.severity == .error }.compactMap(\.code.first)
    if codes.contains(where: { $0 == "S" || $0 == "N" }) { return .parser }
    if !codes.isEmpty { return .checker }
    return sampled.isReached ? .sampler : .evaluator
  }

  private final class Sampled { var isReached = false }

  private final class Outcome: @unchecked Sendable {
    let done = DispatchSemaphore(value: 0)
    var result: Result<Stage, any Error> = .success(.parser)
  }

  /// On a thread of its own with the program's stack. What runs long is stopped as Ctrl-C would; nil if even that does
  /// not end it.
  private static func watched(_ bytes: [UInt8], isNotebook: Bool) throws -> Stage? {
    let outcome = Outcome()
    let cancellation = Cancellation()
    let thread = Thread {
      outcome.result = Result { try run(bytes, isNotebook: isNotebook, cancellation) }
      outcome.done.signal()
    }
    thread.stackSize = 8 << 20
    thread.start()
    if outcome.done.wait(timeout: .now() + .seconds(2)) == .timedOut {
      cancellation.cancel()
      if outcome.done.wait(timeout: .now() + .seconds(60)) == .timedOut { return nil }
    }
    return try outcome.result.get()
  }

  @Test func mutantsComeToAnEnd() throws {
    #expect(MutationTests.texts.count == 16)
    var reached: [Stage: Int] = [:]
    for seed in 0..<300 {
      var random = Random(state: UInt64(seed) &* 0x2545_F491_4F6C_DD1D)
      // The notebook is one text among many, and the one that people read.
      let source = MutationTests.texts[random.below(3) == 0 ? 0 : random.below(MutationTests.texts.count)]
      let bytes = MutationTests.mutant(source, &random)
      guard let stage = try MutationTests.watched(bytes, isNotebook: source.isNotebook) else {
        Issue.record("seed \(seed): this does not end:\n\(String(decoding: bytes, as: UTF8.self))")
        return
      }
      reached[stage, default: 0] += 1
    }
    print("mutants: " + Stage.allCases.map { "\($0.rawValue) \(reached[$0] ?? 0)" }.joined(separator: ", "))
    for stage in Stage.allCases { #expect((reached[stage] ?? 0) >= 20, "\(stage)") }
  }
}
