import Foundation
import Interpreter
package import Notebooks
import TestSupport
import Testing

/// A notebook with all that a run of it depends on.
struct RunState {
  var cells: [String]
  var files: [String: String] = [:]
  var environment: [String: String] = [:]
  var parameters: [String: String] = [:]
  var seed = 0
  var engine = CacheFuzzTests.engine

  var text: String {
    var result = "---\nseed: \(seed)\nparams:\n  size: \(parameters["size"] ?? "1")\n---\n\n"
    for cell in cells {
      // A cell is `#label //| option: value ⏎ code`, where the first two may be absent.
      var attributes = ""
      var code = cell
      if code.hasPrefix("#"), let space = code.firstIndex(of: "\n") {
        attributes = String(code[..<space])
        code = String(code[code.index(after: space)...])
      }
      result += "```swift {\(attributes)}\n\(code)\n```\n\n"
    }
    return result
  }

  func with(_ change: (inout RunState) -> Void) -> RunState {
    var copy = self
    change(&copy)
    return copy
  }
}

/// Two runs over one cache.
struct CacheCase: Sendable, CustomTestStringConvertible {
  var name: String
  var before: RunState
  var after: RunState
  /// Of the cells that must run the second time; the others must not.
  var runs: [Int]
  var testDescription: String { name }

  struct Outcome {
    /// Numbers of the cells that ran the second time.
    var ran: [Int]
    /// How often any code was entered, and gradients were evaluated, the second time.
    var entries: Int
    var gradients: Int
    var texts: [[String]]
    var cleanTexts: [[String]]
  }

  /// Runs both states.
  func outcome(switches: CacheSwitches = []) throws -> Outcome {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("cairn-case-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    let store = CacheStore(folder: folder)
    defer { store.close() }
    _ = try CacheCase.run(before, store, switches)
    let second = try CacheCase.run(after, store, switches)
    let clean = try CacheCase.run(after, nil, [])
    return Outcome(
      ran: second.results.filter { $0.source == .ran && $0.status == .done }.map(\.cell.number),
      entries: second.entries, gradients: second.gradients, texts: second.texts, cleanTexts: clean.texts)
  }

  static func run(_ state: RunState, _ store: CacheStore?, _ switches: CacheSwitches) throws -> Running {
    var caching = store.map { Caching(store: $0, engine: state.engine, notebook: "page.nb.md") }
    caching?.switches = switches
    return try Running(state.text, files: state.files, environment: state.environment, caching: caching)
  }

  private static let model = """
    model M(n: Int) {
      let mu ~ Normal(0, 2)
      let tau ~ HalfNormal(1)
      let eta = mu * 2
      plate i in 0..<n { let y ~ Normal(mu, tau) }
    }
    """
  private static let rolling = "func roll(_ n: Int) -> Real { return sum(Uniform(0, 1).draw(n)) }"
  private static let sampling = "sample(M(n: 2).given(y: [0.5, 1.0]), draws: 8, warmup: 8, chains: 1)"
  private static let checking = "let k = { (x: Int) -> Bool in\n  check(x > 5, \"large\")\n  return true\n}"
  private static let fit = "#fit\nlet fit = sample(M(n: 2).given(y: [0.5, 1.0]), draws: 8, warmup: 8, chains: 1)"
  private static let base = RunState(cells: [
    "let a = 2", "func f(_ x: Int) -> Int { return x * 3 }", "print(f(a))", "#draws\nprint(Uniform(0, 1).draw(2))",
    model, fit, "print(fit.eta)",
  ])

  /// Edits after which nothing at all runs.
  static let nothingRuns: [CacheCase] = [
    CacheCase(name: "nothing changed", before: base, after: base, runs: []),
    CacheCase(
      name: "a comment", before: base, after: base.with { $0.cells[2] = "// words\nprint(f(a)) // more" }, runs: []),
    CacheCase(
      name: "a comment in a cell that warned", before: base,
      after: base.with { $0.cells[5] = "#fit\n// words\n" + fit.dropFirst(5) }, runs: []),
    CacheCase(name: "white space", before: base, after: base.with { $0.cells[2] = "\n  print( f( a ) )\n" }, runs: []),
    CacheCase(name: "parentheses", before: base, after: base.with { $0.cells[2] = "print((f((a))))" }, runs: []),
    CacheCase(
      name: "a caption", before: base, after: base.with { $0.cells[2] = "//| caption: words\nprint(f(a))" }, runs: []),
    CacheCase(
      name: "an independent cell moves", before: base,
      after: base.with { $0.cells.insert($0.cells.remove(at: 3), at: 0) }, runs: []),
    CacheCase(
      name: "a cell that draws nothing gets another label", before: base,
      after: base.with { $0.cells[2] = "#other\nprint(f(a))" }, runs: []),
    CacheCase(
      name: "the seed of cells that draw nothing",
      before: RunState(cells: ["let a = 2", "print(a)"]), after: RunState(cells: ["let a = 2", "print(a)"], seed: 5),
      runs: []),
    CacheCase(
      name: "a function declared above one that draws",
      before: RunState(cells: [rolling, "#r\nprint(roll(2))"]),
      after: RunState(cells: ["func other() -> Int { return 1 }", rolling, "#r\nprint(roll(2))"]), runs: []),
    CacheCase(
      name: "a file that nothing reads", before: base, after: base.with { $0.files["x.csv"] = "a\n1\n" }, runs: []),
    CacheCase(
      name: "a branch not taken calls what was edited",
      before: RunState(cells: [
        "func f() -> Int { return 1 }", "let a = 1", "if a > 5 { print(f()) } else { print(a) }",
      ]),
      after: RunState(cells: ["func f() -> Int { return 2 }", "let a = 1", "if a > 5 { print(f()) } else { print(a) }"]
      ),
      runs: []),
  ]

  /// Edits after which the given cells run, and no others.
  static let someRun: [CacheCase] = [
    CacheCase(name: "a literal", before: base, after: base.with { $0.cells[0] = "let a = 3" }, runs: [1, 3]),
    CacheCase(
      name: "a value computed anew and the same", before: base, after: base.with { $0.cells[0] = "let a = 1 + 1" },
      runs: [1]),
    CacheCase(
      name: "a helper's constant", before: base,
      after: base.with { $0.cells[1] = "func f(_ x: Int) -> Int { return x * 4 }" }, runs: [3]),
    CacheCase(
      name: "an overload that fits better",
      before: RunState(cells: ["func f(_ x: Real) -> Real { return x }", "print(f(2))"]),
      after: RunState(cells: [
        "func f(_ x: Real) -> Real { return x }", "func f(_ x: Int) -> Int { return x + 1 }", "print(f(2))",
      ]), runs: [3]),
    CacheCase(
      name: "an absent file appears",
      before: RunState(cells: ["print(fileExists(\"a.txt\") ? readText(\"a.txt\") : \"none\")"]),
      after: RunState(
        cells: ["print(fileExists(\"a.txt\") ? readText(\"a.txt\") : \"none\")"], files: ["a.txt": "here"]),
      runs: [1]),
    CacheCase(
      name: "two inputs exchanged", before: RunState(cells: ["let a = 1", "let b = 2", "print(a - b)"]),
      after: RunState(cells: ["let a = 2", "let b = 1", "print(a - b)"]), runs: [1, 2, 3]),
    CacheCase(
      name: "values of one name exchanged around a function",
      before: RunState(cells: ["let s = 1", "func f() -> Int { return s }", "let s = 2", "print(f())"]),
      after: RunState(cells: ["let s = 2", "func f() -> Int { return s }", "let s = 1", "print(f())"]), runs: [4]),
    CacheCase(
      name: "a model's prior", before: base,
      after: base.with { $0.cells[4] = model.replacingOccurrences(of: "Normal(0, 2)", with: "Normal(0, 3)") },
      runs: [6, 7]),
    CacheCase(
      name: "a message that points into another cell, which was edited",
      before: RunState(cells: [checking, "print(k(1))"]),
      after: RunState(cells: ["let z = 7\n" + checking, "print(k(1))"]),
      runs: [1, 2]),
    CacheCase(
      name: "a derived quantity", before: base,
      after: base.with { $0.cells[4] = model.replacingOccurrences(of: "mu * 2", with: "mu * 3") }, runs: [6, 7]),
    CacheCase(
      name: "the label of a cell that draws", before: base,
      after: base.with { $0.cells[3] = "#others\nprint(Uniform(0, 1).draw(2))" }, runs: [4]),
    CacheCase(
      name: "the seed", before: base, after: base.with { $0.seed = 7 }, runs: [4, 6, 7]),
    CacheCase(
      name: "a file's content",
      before: RunState(cells: ["let t = readCSV(\"t.csv\")", "print(t.x)"], files: ["t.csv": "x\n1\n"]),
      after: RunState(cells: ["let t = readCSV(\"t.csv\")", "print(t.x)"], files: ["t.csv": "x\n2\n"]), runs: [1, 2]),
    CacheCase(
      name: "a parameter", before: RunState(cells: ["print(parameter(\"size\") ?? \"\")"]),
      after: RunState(cells: ["print(parameter(\"size\") ?? \"\")"], parameters: ["size": "2"]), runs: [1]),
    CacheCase(
      name: "the environment", before: RunState(cells: ["print(environment(\"E\") ?? \"\")"]),
      after: RunState(cells: ["print(environment(\"E\") ?? \"\")"], environment: ["E": "1"]), runs: [1]),
    CacheCase(
      name: "a folder's files", before: RunState(cells: ["print(listFiles(\".\"))"]),
      after: RunState(cells: ["print(listFiles(\".\"))"], files: ["new.txt": ""]), runs: [1]),
    CacheCase(
      name: "the refresh token", before: RunState(cells: ["//| refresh: 1\nprint(1)", "print(2)"]),
      after: RunState(cells: ["//| refresh: 2\nprint(1)", "print(2)"]), runs: [1]),
    CacheCase(
      name: "another epoch of a library function", before: RunState(cells: ["print(sum([1.0]))", "print(2)"]),
      after: RunState(
        cells: ["print(sum([1.0]))", "print(2)"],
        engine: EngineIdentity(epochs: ["sum(_:)": 2], numericClass: CacheFuzzTests.engine.numericClass)), runs: [1]),
    CacheCase(
      name: "a type declared again, equal in every part",
      before: RunState(cells: [
        "struct P { let x: Int }", "let a = P(x: 1)", "let b = P(x: 2)", "print(a == b)", "struct P { let x: Int }",
      ]),
      after: RunState(cells: [
        "struct P { let x: Int }", "let a = P(x: 1)", "let b = P(x: 1)", "print(a == b)", "struct P { let x: Int }",
      ]), runs: [3, 4]),
    CacheCase(
      name: "equal distributions, each fetched by itself",
      before: RunState(cells: ["let d = Normal(0, 1)", "let e = d", "print(1)"]),
      after: RunState(cells: ["let d = Normal(0, 1)", "let e = d", "print([d].contains(e))"]), runs: [3]),
    CacheCase(
      name: "a body with `return` and without",
      before: RunState(cells: [model, "func go() -> Posterior<M> { \(sampling) }", "print(go().mu[0])"]),
      after: RunState(cells: [model, "func go() -> Posterior<M> { return \(sampling) }", "print(go().mu[0])"]), runs: []
    ),
    CacheCase(
      name: "another numeric class", before: RunState(cells: ["print(exp(1.0))", "print(2)"]),
      after: RunState(
        cells: ["print(exp(1.0))", "print(2)"], engine: EngineIdentity(epochs: [:], numericClass: "another")), runs: [1]
    ),
    CacheCase(
      name: "`cache: never`", before: RunState(cells: ["//| cache: never\nprint(1)", "print(2)"]),
      after: RunState(cells: ["//| cache: never\nprint(1)", "print(2)"]), runs: [1]),
    CacheCase(
      name: "the clock", before: RunState(cells: ["let late = now() > 1", "print(late)"]),
      after: RunState(cells: ["let late = now() > 1", "print(late)"]), runs: [1]),
  ]

  /// Edits after which cells run but no sampler does: the fits are found by their results.
  static let fitsAreFound: [CacheCase] = [
    CacheCase(
      name: "a derived quantity", before: base,
      after: base.with { $0.cells[4] = model.replacingOccurrences(of: "mu * 2", with: "mu * 3") }, runs: [6, 7]),
    CacheCase(
      name: "a local of the model renamed", before: base,
      after: base.with { $0.cells[4] = model.replacingOccurrences(of: "i in", with: "row in") }, runs: [6, 7]),
    CacheCase(
      name: "two independent sites exchanged", before: base,
      after: base.with {
        $0.cells[4] = model.replacingOccurrences(
          of: "let mu ~ Normal(0, 2)\n  let tau ~ HalfNormal(1)",
          with: "let tau ~ HalfNormal(1)\n  let mu ~ Normal(0, 2)")
      }, runs: [6, 7]),
  ]
}
