import Checking
import Foundation
import Interpreter
import Notebooks
import Numerics
import Rendering
import Syntax
import TestSupport
import Testing

/// The interactive session without its terminal.
final class Talking {
  let session: InteractiveSession
  private(set) var shown: [String] = []
  private(set) var codes: [String] = []

  init(seed: UInt64 = 0, folder: URL = FileManager.default.temporaryDirectory) throws {
    let library = try Running.library.get()
    let inner = try Session(library: library, world: Running.Files(), threads: 2, seed: seed)
    session = InteractiveSession(
      session: inner, folder: folder, seed: seed, store: nil, engine: EngineIdentity(epochs: [:], numericClass: "test"))
  }

  @discardableResult
  func say(_ text: String) -> InteractiveSession.Entry {
    session.enter(text) { event in
      switch event {
      case .output(.verdict): break
      case .output(let output): self.shown.append(TextRenderer(width: 80).text(output))
      case .diagnostic(let diagnostic): self.codes.append(diagnostic.code)
      }
    }
  }
}

struct InteractiveTests {
  @Test("Entries see earlier ones, the last value is `it`, and a failed entry binds nothing")
  func entries() throws {
    let talk = try Talking()
    for text in ["let x = [1.0, 2.0, 4.0]", "sum(x)", "it * 2", "print(\"no value\")", "it + 1"] { talk.say(text) }
    #expect(talk.shown == ["7.0\n", "14.0\n", "no value\n", "15.0\n"] && talk.codes.isEmpty)
    #expect(talk.say("let x = nothing").status == .failed)
    #expect(talk.say("let x = [1][\"abc\".count]").status == .failed)
    #expect(talk.codes == ["T107", "R003"])
    talk.say("x.count")
    #expect(talk.shown.last == "3\n")
    talk.say("let x = 2\nx")
    #expect(talk.shown.last == "2\n")
    #expect(talk.session.bindings.map(\.name) == ["x", "it"])
  }

  @Test(
    "When an entry is complete",
    arguments: [
      ("1 + 1", true), ("1 +", false), ("f(", false), ("[1,", false), ("func f() {", false), ("func f() {\n}", true),
      ("\"a", true), ("\"\"\"\na", false), ("/* a", false), ("/* a */ 1", true), ("// {", true), ("let x =", false),
      ("x!", true), ("5...", true), ("x.", false), ("", true), (")", true), ("\"{\"", true), ("let x ~", false),
    ])
  func completeness(text: String, isComplete: Bool) { #expect(EntryText.isComplete(text) == isComplete) }

  @Test("Prompts of a pasted session are dropped, and what it showed")
  func prompts() {
    #expect(EntryText.withoutPrompts("cairn> let x = 1\ncairn> f(\n  ...> 2)\n3\ncairn> x") == "let x = 1\nf(\n2)\nx")
    #expect(EntryText.withoutPrompts("let x = 1\ncairn> y") == "let x = 1\ncairn> y")
  }

  @Test("A saved session shows what the session showed, random numbers and `it` included")
  func saving() throws {
    let talk = try Talking(seed: 5)
    for text in [
      "randomNormal(2)", "let x = randomUniform(3)", "sum(x)", "print(\"between\")", "it + 1", "let bad = oops", "it",
      "func g(_ n: Int) -> Int {\n    return n + 1\n}", "g(2)", "let s = \"```\"\ns", "x[0]", "it == x[0]",
    ] {
      talk.say(text)
    }
    let (text, leftOut) = talk.session.notebook(title: "a \"title\"")
    #expect(leftOut == 1)
    let run = try Running(text, seed: 5)
    #expect(run.outcome == .succeeded, "\(run.diagnostics)")
    #expect(run.texts.flatMap { $0 }.map { $0.hasSuffix("\n") ? $0 : $0 + "\n" } == talk.shown)
  }

  @Test("A notebook that is loaded binds and draws what it does when it runs")
  func loading() throws {
    let text =
      "```swift {#a}\nlet x = randomNormal(2)\n```\n\n```swift {}\nlet y = randomNormal(2)\ny\n```\n\n```swift {}\nx\n```\n"
    let run = try Running(text)
    let talk = try Talking()
    var shown: [String] = []
    let isWhole = try talk.session.load(Array(text.utf8), name: "n.nb.md", version: [0, 1, 0]) { event in
      if case .output(.text(let text)) = event { shown.append(text) }
    }
    #expect(isWhole && shown == run.texts.flatMap { $0 })
  }

  @Test(
    "Completion",
    arguments: [
      ("norma", "normalCDF"), ("let y = su", "sum"), ("x.appe", "appending"), ("[1, 2].cou", "count"),
      ("histogram(x, bi", "bins:"), ("histogram(x, ", "bins:"), (":hel", "help"), (":info mea", "mean"),
      (":time o", "on"),
      ("t.heig", "height"), ("RankKind.ec", "ecdf"), ("rankPlot(fit, kind: .hi", "histogram"),
      ("(x + x).map { v in v }.app", "appending"), ("whi", "while"),
    ])
  func completion(text: String, expected: String) throws {
    let talk = try Talking()
    talk.say("let x = [1.0, 2.0]")
    talk.say("let t = Table().adding(\"height\", x)")
    let found = talk.session.completion(text, at: text.utf8.count)
    #expect(found.candidates.contains(expected), "\(found)")
    #expect(found.start <= text.utf8.count)
  }

  @Test("Files complete within quotes")
  func files() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("cairn-files-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    try Data().write(to: folder.appendingPathComponent("numbers.csv"))
    try FileManager.default.createDirectory(
      at: folder.appendingPathComponent("more"), withIntermediateDirectories: true)
    let talk = try Talking(folder: folder)
    #expect(talk.session.completion("readCSV(\"num", at: 12).candidates == ["numbers.csv"])
    #expect(talk.session.completion("readCSV(\"", at: 9).candidates == ["more/", "numbers.csv"])
    #expect(talk.session.completion(":load mo", at: 8).candidates == ["more/"])
    #expect(talk.session.completion("f(\"a\", su", at: 9).candidates.contains("sum"))
  }

  @Test("Completion of any half-typed text gives an answer", arguments: 0..<40)
  func completionFuzz(seed: UInt64) throws {
    let library = Checkout.root.appendingPathComponent("stdlib/plots.cairn")
    let corpus = Array(try Data(contentsOf: library)) + Array(ReportTests.small.utf8)
    var cases = Cases(seed: seed)
    let talk = try Talking()
    talk.say("let x = [1.0, 2.0]")
    for _ in 0..<12 {
      let start = cases.below(corpus.count)
      var piece = Array(corpus[start..<min(corpus.count, start + 1 + cases.below(120))])
      if cases.chance(30), !piece.isEmpty { piece[cases.below(piece.count)] = UInt8(cases.below(256)) }
      if cases.chance(30) { piece += Array("x.".utf8) }
      let text = String(decoding: piece, as: UTF8.self)
      let cursor = cases.chance(50) ? text.utf8.count : cases.below(text.utf8.count + 1)
      let found = talk.session.completion(text, at: cursor)
      #expect(found.start >= 0 && found.start <= text.utf8.count)
      _ = EntryText.isComplete(text)
      _ = EntryText.withoutPrompts(text)
    }
  }

  @Test("A thousand names in scope do not delay completion")
  func manyNames() throws {
    let talk = try Talking()
    talk.say((0..<1000).map { "let name\($0) = \($0)" }.joined(separator: "\n"))
    let start = ContinuousClock.now
    #expect(talk.session.completion("name99", at: 6).candidates.count == 11)
    #expect(talk.session.completion("[name1, name2].fi", at: 17).candidates.contains("first"))
    #expect(start.duration(to: .now) < .seconds(1))
  }

  @Test("Every public name of the library has help with its declaration")
  func help() throws {
    let talk = try Talking()
    for name in talk.session.session.checker.knownNames {
      let lines = talk.session.help(on: name, isFull: true) ?? []
      #expect(lines.first?.contains(name) ?? false, "\(name)")
    }
    let mean = talk.session.help(on: "mean", isFull: true) ?? []
    #expect(mean.contains("  Example: `mean([1.0, 2.0, 6.0])` is `3.0`"))
    #expect(talk.session.help(on: "meen", isFull: true) == nil && talk.session.nearName("meen") == "mean")
    #expect(talk.session.apropos("quantile").contains { $0.hasPrefix("quantile(") })
  }

  @Test("Summaries of one and two draws have no histogram, and do not trap")
  func fewDraws() throws {
    let talk = try Talking()
    talk.say("model M() { let mu ~ Normal(0, 1) }")
    for count in [1, 2, 3] { talk.say("summary(M().prior(\(count)))") }
    #expect(talk.codes.isEmpty && talk.shown.count == 3)
  }

  /// Examples of doc comments with what they give, where that is said.
  static func examples(_ file: String) throws -> [(code: String, shown: String?)] {
    let path = Checkout.root.appendingPathComponent("stdlib/\(file).cairn")
    return try String(contentsOf: path, encoding: .utf8).split(separator: "\n").compactMap { line in
      guard let start = line.range(of: "Example: `"), line.hasSuffix("`") else { return nil }
      let parts = line[start.upperBound...].dropLast().components(separatedBy: "` is `")
      return (parts[0], parts.count > 1 ? parts[1] : nil)
    }
  }

  @Test("Every function and distribution has an example, and those of distributions, models and fits hold")
  func allExamples() throws {
    let talk = try Talking()
    for text in [
      "model Coin(n: Int) {\n  let p ~ Beta(1, 1)\n  plate i in 0..<n { let y ~ Bernoulli(p) }\n}",
      "let m = Coin(n: 5).given(y: [1, 0, 1, 1, 0])", "let fit = sample(m, seed: 1)",
    ] {
      talk.say(text)
    }
    var count = 0
    for file in ["distributions", "inference", "plots"] {
      for example in try InteractiveTests.examples(file) {
        let entry = talk.say(example.code)
        #expect(entry.status == .done, "\(example.code): \(talk.codes)")
        if let shown = example.shown { #expect(talk.shown.last == shown + "\n", "\(example.code)") }
        count += 1
      }
    }
    // How a fit of few draws went is chance.
    let codes = talk.codes.filter { !["C410", "C412", "C413"].contains($0) }
    #expect(count > 80 && codes.isEmpty, "\(codes)")
    for name in talk.session.session.checker.knownNames {
      guard let item = talk.session.session.checker.descriptions(of: name).first,
        item.kind == .function || item.kind == .distribution, name.first.map({ $0 != "_" }) ?? false,
        !["m", "fit", "it", "Coin"].contains(name)
      else { continue }
      let lines = talk.session.help(on: name, isFull: true) ?? []
      #expect(lines.contains { $0.contains("Example:") }, "\(name) has no example")
    }
  }

  @Test("Types are told without running anything")
  func types() throws {
    let talk = try Talking()
    talk.say("let x = [1.0, 2.0]")
    #expect(try talk.session.type(of: "x").get() == "Vector[2]")
    #expect(throws: DiagnosticError.self) { try talk.session.type(of: "let y = 1").get() }
    #expect(throws: DiagnosticError.self) { try talk.session.type(of: "nothing").get() }
    talk.say("x[0]")
    #expect(talk.shown == ["1.0\n"])
  }

  @Test("An interrupted fit gives the draws that it has, and the session goes on")
  func partialFit() throws {
    let talk = try Talking()
    talk.say("model M(n: Int) {\n  plate i in 0..<n { let x ~ Normal(0, 1) }\n}")
    let cancellation = talk.session.session.machine.cancellation
    // Stopped by its own progress: some draws after the warmup.
    talk.session.session.machine.onProgress = { line in
      if line.contains("draw") || line.contains("%") { cancellation.cancel() }
    }
    let entry = talk.say("let fit = sample(M(n: 50), chains: 2, warmup: 20, draws: 2000000)")
    #expect(entry.status == .done && talk.codes.contains("C430"), "\(talk.codes) \(talk.shown)")
    talk.session.session.machine.onProgress = { _ in }
    talk.say("fit.x.shape[1]")
    #expect(talk.shown.last == "50\n")
  }
}
