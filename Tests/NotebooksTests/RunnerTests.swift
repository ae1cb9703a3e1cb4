import Interpreter
import Notebooks
import Rendering
import Syntax
import TestSupport
import Testing

/// Which cells run, what they show, and what happens when one fails.
struct RunnerTests {
  private static func cell(_ attributes: String, _ code: String) -> String {
    "```swift {\(attributes)}\n\(code)\n```\n\n"
  }

  @Test("Cells run in document order and a name means the nearest definition above")
  func order() throws {
    let text =
      RunnerTests.cell("", "let s = 1\nfunc f() -> Int { return s }")
      + RunnerTests.cell("", "let s = 20\nprint(f() + s)")
      + RunnerTests.cell("", "print(s)\ns + 1")
    let run = try Running(text)
    #expect(run.outcome == .succeeded, "\(run.rendered(run.diagnostics))")
    #expect(run.texts == [[], ["21"], ["20", "21"]])
  }

  @Test("All errors are said before anything runs, and independent cells go on")
  func errorsFirst() throws {
    let text =
      RunnerTests.cell("#good", "let a = 1\nprint(a)") + RunnerTests.cell("#bad", "let b: Int = \"no\"")
      + RunnerTests.cell("#needs-bad", "let c = b + 1") + RunnerTests.cell("#needs-that", "print(c)")
      + RunnerTests.cell("#worse", "func broken() -> Int { nowhere }") + RunnerTests.cell("#calls", "print(broken())")
      + RunnerTests.cell("#in-text", "print(\"b is \\(b)\")") + RunnerTests.cell("#free", "print(a + 1)")
    let run = try Running(text)
    #expect(run.outcome == .failed)
    #expect(run.errors.map(\.code).filter { $0 != "T201" }.count >= 1)
    let expected: [CellResult.Status] = [
      .done, .erroneous, .skipped(because: "it needs `b` of cell `bad`"),
      .skipped(because: "it needs `c` of cell `needs-bad`"), .erroneous,
      .skipped(because: "it needs `broken` of cell `worse`"), .skipped(because: "it needs `b` of cell `bad`"), .done,
    ]
    #expect(run.statuses == expected)
    #expect(run.texts.last == ["2"])
  }

  @Test("What a cell that fails while running should have given is missing, through functions too")
  func failure() throws {
    let text =
      RunnerTests.cell("#first", "let i = 5\nprint(\"before\")\nlet x = [1, 2][i]\nfunc g() -> Int { return 3 }")
      + RunnerTests.cell("#reads", "func h() -> Int { return x }") + RunnerTests.cell("#calls", "print(h())")
      + RunnerTests.cell("#calls-other", "print(g())")
      + RunnerTests.cell("#shadows", "let x = 7\nprint(x)") + RunnerTests.cell("#after", "print(x + 1)")
    let run = try Running(text)
    #expect(run.outcome == .failed)
    #expect(run.failures.map(\.code) == ["R003"], "\(run.rendered(run.failures))")
    let expected: [CellResult.Status] = [
      .failed, .skipped(because: "it needs `x` of cell `first`"), .skipped(because: "it needs `x` of cell `first`"),
      .skipped(because: "it needs `g` of cell `first`"), .done, .done,
    ]
    #expect(run.statuses == expected)
    #expect(run.texts == [["before"], [], [], [], ["7"], ["8"]])
  }

  @Test("Only what is really needed is missing: parameters, members and labels of the same name are not")
  func precise() throws {
    let text =
      RunnerTests.cell("#bad", "let x: Int = \"no\"\nfunc f() -> Int { return x }")
      + RunnerTests.cell("#own", "func g(_ x: Int) -> Int { return x + 1 }\nprint([1, 2].map { x in g(x) })")
      + RunnerTests.cell("#closure", "let h = { (a: Int) in a + f() }") + RunnerTests.cell("#late", "print(h(1))")
      + RunnerTests.cell("#mends", "let x = 5\nfunc f() -> Int { return x }") + RunnerTests.cell("#fine", "print(f())")
    let run = try Running(text)
    let expected: [CellResult.Status] = [
      .erroneous, .done, .skipped(because: "it needs `f` of cell `bad`"),
      .skipped(because: "it needs `h` of cell `closure`"), .done, .done,
    ]
    #expect(run.statuses == expected)
    #expect(run.texts == [[], ["[2, 3]"], [], [], [], ["5"]])
  }

  @Test("`error: allow` and `error: require`")
  func allowedErrors() throws {
    let allow = "//| error: allow\n"
    let require = "//| error: require\n"
    let text =
      RunnerTests.cell("", allow + "let a: Int = \"x\"")
      + RunnerTests.cell("", allow + "[1, 2].map { $0 + 9223372036854775807 }")
      + RunnerTests.cell("", require + "[1][\"a\"]") + RunnerTests.cell("", allow + "print(1)")
    let run = try Running(text)
    #expect(run.outcome == .succeeded, "\(run.rendered(run.diagnostics))")
    #expect(run.statuses == [.failedAsAllowed, .failedAsAllowed, .failedAsAllowed, .done])
    #expect(run.errors.isEmpty)
    let needless = try Running(RunnerTests.cell("", require + "print(1)"))
    #expect(needless.outcome == .failed)
    #expect(needless.failures.map(\.code) == ["N017"])
  }

  @Test("Nothing runs while the file itself has an error")
  func fileErrors() throws {
    let run = try Running("---\nsede: 1\n---\n" + RunnerTests.cell("", "print(1)"))
    #expect(run.outcome == .failed)
    #expect(run.results.isEmpty)
    #expect(run.errors.map(\.code) == ["N006"])
  }

  @Test("Flags and `output:` keep back what a cell shows, never its diagnostics")
  func flags() throws {
    let text =
      RunnerTests.cell(".hidden", "print(1)\nlet i = 3") + RunnerTests.cell(".no-output", "print(2)\n[1][i]")
      + RunnerTests.cell(".no-code", "print(3)") + RunnerTests.cell("", "//| output: table\nprint(4)")
    let run = try Running(text)
    #expect(run.texts == [[], [], ["3"], []])
    #expect(run.failures.map(\.code) == ["R003"])
  }

  @Test("What leaves a cell cannot be changed by another")
  func frozen() throws {
    let text =
      RunnerTests.cell("", "var x = [1, 2]\nx[0] = 5") + RunnerTests.cell("", "x[1] = 7")
      + RunnerTests.cell("", "print(x)")
    let run = try Running(text)
    #expect(run.statuses == [.done, .erroneous, .done])
    #expect(run.texts.last == ["[5, 2]"])
  }

  @Test("A name with a leading underscore stays in its cell")
  func privateNames() throws {
    let run = try Running(RunnerTests.cell("", "let _x = 1\nprint(_x)") + RunnerTests.cell("", "print(_x)"))
    #expect(run.statuses == [.done, .erroneous])
  }

  private static let random = "let u = Uniform(0, 1).draw(3)\nprint(u)"

  @Test("Random numbers go by the seed and the cell's label, not by its place")
  func streams() throws {
    let plain = try Running(RunnerTests.cell("#a", RunnerTests.random))
    let moved = try Running(
      "# Words\n\n" + RunnerTests.cell("", "let k = 1") + RunnerTests.cell("#a", "// x\n" + RunnerTests.random))
    let other = try Running(RunnerTests.cell("#b", RunnerTests.random))
    let seeded = try Running("---\nseed: 9\n---\n" + RunnerTests.cell("#a", RunnerTests.random))
    let option = try Running(RunnerTests.cell("#a", "//| seed: 9\n" + RunnerTests.random))
    let overridden = try Running("---\nseed: 9\n---\n" + RunnerTests.cell("#a", RunnerTests.random), seed: 0)
    #expect(plain.outcome == .succeeded, "\(plain.rendered(plain.diagnostics))")
    #expect(plain.texts.last == moved.texts.last)
    #expect(plain.texts.last != other.texts.last)
    #expect(plain.texts.last != seeded.texts.last)
    #expect(seeded.texts.last == option.texts.last)
    #expect(plain.texts.last == overridden.texts.last)
    #expect(plain.results.last?.exports == moved.results.last?.exports)
  }

  @Test("Without a label the first export and its occurrence tell cells apart, else their text")
  func unlabelledStreams() throws {
    let twice = try Running(RunnerTests.cell("", RunnerTests.random) + RunnerTests.cell("", RunnerTests.random))
    #expect(twice.texts[0] != twice.texts[1])
    let named = try Running(RunnerTests.cell("", RunnerTests.random))
    #expect(named.texts[0] == twice.texts[0])
    let nameless = "Uniform(0, 1).draw(2)"
    let commented = try Running(RunnerTests.cell("", nameless) + RunnerTests.cell("", "// words\n" + nameless))
    #expect(commented.texts[0] == commented.texts[1])
  }

  @Test("Every exported value has a digest, equal for equal values")
  func digests() throws {
    let code =
      "let a = 1\nlet b = [1.5, 2.0]\nlet c = { (x: Int) in x + a }\nlet d = [\"k\": (1, true)]\nlet e = Normal(0, 1)"
    let first = try Running(RunnerTests.cell("", code))
    let second = try Running("words\n\n" + RunnerTests.cell("#other", "// words\n" + code))
    #expect(first.outcome == .succeeded, "\(first.rendered(first.diagnostics))")
    #expect(first.results.first?.exports.map(\.name) == ["a", "b", "c", "d", "e"])
    #expect(first.results.first?.exports == second.results.first?.exports)
  }

  @Test("An interruption ends the running cell and leaves out the rest")
  func interruption() throws {
    let cancellation = Cancellation()
    let text =
      RunnerTests.cell("", "print(1)")
      + RunnerTests.cell("#long", "var i = 0\nwhile true { i += 1\nif i > 1000 { i = 0 } }")
      + RunnerTests.cell("", "print(2)")
    let run = try Running(text, cancellation: cancellation) { result in
      if result.cell.number == 1 { cancellation.cancel() }
    }
    #expect(run.outcome == .interrupted)
    #expect(run.failures.first?.code == "R080")
    #expect(run.statuses == [.done, .failed, .skipped(because: "the run was interrupted")])
  }

  @Test("Files and parameters are read through the world")
  func inputs() throws {
    let text =
      "---\nparams:\n  n: 3\n---\n"
      + RunnerTests.cell("", "let t = readCSV(\"t.csv\")\nprint(t.x)\nprint(parameter(\"n\") ?? \"none\")")
    let run = try Running(text, files: ["t.csv": "x,y\n1,a\n2,b\n"])
    #expect(run.texts.first == ["[1, 2]", "3"], "\(run.rendered(run.diagnostics))")
  }

  @Test("Columns of a literal path are known while checking")
  func schema() throws {
    let run = try Running(
      RunnerTests.cell("", "let t = readCSV(\"t.csv\")\nprint(t.z)"), files: ["t.csv": "x,y\n1,a\n"])
    #expect(run.statuses == [.erroneous])
    #expect(run.errors.count == 1)
  }

  @Test("Messages name the cell and the line of the file")
  func places() throws {
    let run = try Running(
      "# A\n\nwords\n\n" + RunnerTests.cell("#fit", "//| caption: x\nlet a = 1\nlet b = a + nothing"))
    let text = run.rendered(run.errors)
    #expect(text.contains("--> page, cell fit, line 8"), "\(text)")
    #expect(text.contains("8 | let b = a + nothing"), "\(text)")
  }
}
