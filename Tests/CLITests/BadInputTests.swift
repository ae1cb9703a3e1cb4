import Foundation
import TestSupport
import Testing

/// Everything that a user can get wrong with files and whole notebooks: the text shown, held to golden files.
struct BadInputTests {
  static let cases: [(name: String, files: [String: String])] = [
    ("syntax", ["a.nb.md": "```swift {#a}\nlet x = (1 + 2\n```\n\n```swift {#b}\nprint(\"goes on\")\n```\n"]),
    ("types", ["a.nb.md": "```swift {#a}\nlet x: Int = \"one\"\n```\n\n```swift {#b}\nx + 1\n```\n"]),
    (
      "missing-data",
      ["a.nb.md": "```swift {#data}\nlet t = readCSV(\"data/none.csv\")\n```\n\n```swift {#uses}\nt.count\n```\n"]
    ),
    (
      "malformed-data",
      ["a.nb.md": "```swift {#data}\nlet t = readCSV(\"t.csv\")\n```\n", "t.csv": "x,y\n1,2\n3\n4,5,6\n"]
    ),
    (
      "bad-cells",
      [
        "a.nb.md":
          "```swift {#data}\nstruct Row { let x: Int\n let y: Real }\nlet t = readCSV(\"t.csv\", as: Row.self)\n```\n",
        "t.csv": "x,y\n1,2.5\none,3\n4,?\n",
      ]
    ),
    ("empty-table", ["a.nb.md": "```swift {#data}\nlet t = readCSV(\"t.csv\")\n```\n", "t.csv": ""]),
    ("index", ["a.nb.md": "```swift {#a}\nlet i = [5, 6].count\nlet x = [1, 2][i]\n```\n"]),
    ("recursion", ["a.nb.md": "```swift {#a}\nfunc f(_ n: Int) -> Int { return f(n + 1) }\nf(0)\n```\n"]),
    ("front-matter", ["a.nb.md": "---\ntitel: A\nseed: many\n---\n\n```swift {#a}\nlet x: Int = true\n```\n"]),
    (
      "no-latent",
      [
        "a.nb.md": "```swift {#a}\nmodel M() {\n  let y ~ Normal(0, 1)\n}\nlet fit = sample(M().given(y: 1.0))\n```\n"
      ]
    ),
    (
      "unknown-site",
      [
        "a.nb.md":
          "```swift {#a}\nmodel M() {\n  let mu ~ Normal(0, 1)\n  let y ~ Normal(mu, 1)\n}\nlet m = M().given(yy: 1.0)\n```\n"
      ]
    ),
    (
      "out-of-support",
      [
        "a.nb.md": "```swift {#a}\nlet s = [1.0, -1.0]\nlet x = Normal(0, s[1]).draw(2)\n```\n"
      ]
    ),
    ("shapes", ["a.nb.md": "```swift {#a}\nlet x = [1.0, 2.0, 3.0]\nlet y = x + [1.0, 2.0]\n```\n"]),
    (
      "shapes-while-running",
      [
        "a.nb.md":
          "```swift {#a}\nfunc f(_ a: Vector, _ b: Vector) -> Vector { return a + b }\nlet y = f([1.0, 2.0], [1.0, 2.0, 3.0])\n```\n"
      ]
    ),
    (
      "shapes-of-data",
      [
        "a.nb.md":
          "```swift {#a}\nmodel M(x: Vector[N]) {\n  let b ~ Normal(0, 1)\n  let y ~ Normal(b * x, 1)\n}\nlet fit = sample(M(x: [1.0, 2.0]).given(y: [1.0, 2.0, 3.0]))\n```\n"
      ]
    ),
    (
      "argument-label",
      [
        "a.nb.md":
          "```swift {#a}\nmodel M(count: Int) {\n  let mu ~ Normal(0, 1).iid(count)\n}\nlet m = M(cuont: 3)\n```\n"
      ]
    ),
    (
      "setting-label",
      [
        "a.nb.md":
          "```swift {#a}\nmodel M() {\n  let mu ~ Normal(0, 1)\n}\nlet fit = sample(M(), drawz: 100)\n```\n"
      ]
    ),
    (
      "start-data",
      [
        "a.nb.md":
          "```swift {#a}\nmodel M(n: Int) {\n  let rate ~ Gamma(2, 1)\n  plate i in 0..<n { let y ~ Gamma(rate, 1) }\n}\nlet fit = sample(M(n: 2).given(y: [1.0, -1.0]), seed: 1)\n```\n"
      ]
    ),
    (
      "start-parameter",
      [
        "a.nb.md":
          "```swift {#a}\nmodel M() {\n  let a ~ Normal(0, 1)\n  let y ~ Normal(a, a - 10)\n}\nlet fit = sample(M().given(y: 1.0), init: .values(a: 0.5), seed: 1)\n```\n"
      ]
    ),
    (
      "start-expression",
      [
        "a.nb.md":
          "```swift {#a}\nmodel M() {\n  let a ~ Normal(0, 1)\n  let y ~ Normal(log(a - 10), 1)\n}\nlet fit = sample(M().given(y: 1.0), init: .values(a: 0.5), seed: 1)\n```\n"
      ]
    ),
    (
      "not-definite",
      [
        "a.nb.md":
          "```swift {#a}\nmodel M(S: Matrix[D, D]) {\n  let m ~ Normal(0, 1).iid(D)\n  let x ~ MultivariateNormal(m, covariance: S)\n}\nlet s: Matrix = [[1.0, 2.0], [2.0, 1.0]]\nlet fit = sample(M(S: s).given(x: [1.0, 2.0]), seed: 1)\n```\n"
      ]
    ),
    (
      "singular-solve",
      [
        "a.nb.md":
          "```swift {#a}\nmodel M(A: Matrix[D, D]) {\n  let m ~ Normal(0, 1).iid(D)\n  let z = solve(A, m)\n  let x ~ Normal(z, 1)\n}\nlet fit = sample(M(A: [[1.0, 2.0], [2.0, 4.0]]).given(x: [1.0, 2.0]), seed: 1)\n```\n"
      ]
    ),
    (
      "singular-solve-at-start",
      [
        "a.nb.md":
          "```swift {#a}\nmodel M(D: Int) {\n  let m ~ Normal(0, 1)\n  let a = matrix(D, D) { i, j in m }\n  let x ~ Normal(solve(a, zeros(D) + m), 1)\n}\nlet fit = sample(M(D: 3).given(x: [1.0, 2.0, 3.0]), init: .values(m: 0.0), seed: 1)\n```\n"
      ]
    ),
    (
      "huge-plate",
      [
        "a.nb.md":
          "```swift {#a}\nmodel M(n: Int) {\n  let m ~ Normal(0, 1)\n  plate i in 0..<n { let z ~ Normal(m, 1) }\n}\nlet fit = sample(M(n: 4000000000), seed: 1)\n```\n"
      ]
    ),
    (
      "huge-plates",
      [
        "a.nb.md":
          "```swift {#a}\nmodel M(n: Int) {\n  let m ~ Normal(0, 1)\n  plate i in 0..<n { plate j in 0..<n { let z ~ Normal(m, 1) } }\n}\nlet fit = sample(M(n: 400000), seed: 1)\n```\n"
      ]
    ),
    (
      "varying-site",
      [
        "a.nb.md":
          "```swift {#a}\nmodel M() {\n  let a ~ Normal(0, 1)\n  if a > 0 {\n    let b ~ Normal(a, 1)\n  }\n}\n```\n"
      ]
    ),
    (
      "defined-twice",
      [
        "a.nb.md":
          "```swift {#a}\nmodel M(T: Int) {\n  let x: Vector[T]\n  x[0] ~ Normal(0, 1)\n  for t in 0..<T { x[t] ~ Normal(0, 1) }\n}\nlet p = M(T: 3).prior(2)\n```\n"
      ]
    ),
    (
      "never-defined",
      [
        "a.nb.md":
          "```swift {#a}\nmodel M(T: Int) {\n  let x: Vector[T]\n  x[0] ~ Normal(0, 1)\n  for t in 2..<T { x[t] ~ Normal(0, 1) }\n}\nlet p = M(T: 3).prior(2)\n```\n"
      ]
    ),
    (
      "too-many-draws",
      [
        "a.nb.md":
          "```swift {#a}\nmodel M() {\n  let mu ~ Normal(0, 1).iid(20000)\n}\nlet fit = sample(M(), draws: 100000000)\n```\n"
      ]
    ),
    (
      "deep-nesting",
      [
        "a.nb.md": "```swift {#a}\nlet x = " + String(repeating: "(", count: 50_000) + "1"
          + String(repeating: ")", count: 50_000) + "\n```\n\n```swift {#b}\nprint(\"goes on\")\n```\n"
      ]
    ),
    (
      "deep-blocks",
      [
        "a.nb.md": "```swift {#a}\n" + String(repeating: "if true {\n", count: 3000)
          + String(repeating: "}\n", count: 3000) + "```\n"
      ]
    ),
    (
      "deep-type",
      [
        "a.nb.md": "```swift {#a}\nlet x: " + String(repeating: "[", count: 50_000) + "Int"
          + String(repeating: "]", count: 50_000) + " = []\n```\n"
      ]
    ),
    ("large", ["a.nb.md": BadInputTests.large]),
  ]

  /// A notebook of ten megabytes of prose and cells, with an error in the last.
  private static var large: String {
    var text = "---\ntitle: large\n---\n\n"
    let prose = String(repeating: "Prose that goes on about nothing in particular, line after line.\n\n", count: 1000)
    var cell = 0
    while text.utf8.count < 10 << 20 {
      text += prose + "```swift {#c\(cell)}\nlet v\(cell) = \(cell) + 1\n```\n\n"
      cell += 1
    }
    return text + "```swift {#last}\nlet x: Int = v7 > 3\n```\n"
  }

  @Test("The reader sees what the golden file says", arguments: cases.map(\.name))
  func golden(name: String) throws {
    let item = try #require(BadInputTests.cases.first { $0.name == name })
    let run = try Program.run(["run", "a.nb.md"], in: try Program.folder(item.files))
    #expect(run.status == 1 && run.errors.isEmpty && !run.wasKilled, "\(run)")
    expectGolden(run, name)
  }

  /// Trajectories that leave the domain of a density say at which expression; also when the fit comes from the cache.
  @Test func divergencesOutsideTheDomainHaveACause() throws {
    let folder = try Program.folder([
      "a.nb.md": """
      ```swift {#a}
      model M(D: Int) {
        let rho ~ Normal(0, 1)
        let s = matrix(D, D) { i, j in i == j ? 1.0 : rho }
        let x ~ MultivariateNormal(zeros(D), covariance: s)
      }
      let fit = sample(M(D: 3).given(x: [1.0, 2.0, 3.0]), draws: 2000, seed: 1)
      ```
      """
    ])
    let first = try Program.run(["run", "a.nb.md"], in: folder)
    #expect(first.output.contains("of 8000 transitions diverged"))
    #expect(
      first.output.contains("covariance must be positive definite: given the rows before it, the variance of row"))
    #expect(first.output.contains("of them ended where the log density of `x[0]` is not a number"))
    // Another cell of the same text makes the fit anew out of the stored draws.
    let text = try String(contentsOf: folder.appendingPathComponent("a.nb.md"), encoding: .utf8)
    try text.replacingOccurrences(of: "let fit", with: "\n// again\nlet fit")
      .write(to: folder.appendingPathComponent("a.nb.md"), atomically: true, encoding: .utf8)
    let second = try Program.run(["run", "a.nb.md"], in: folder)
    func notes(_ text: String) -> [Substring] { text.split(separator: "\n").filter { $0.contains("note:") } }
    #expect(notes(first.output) == notes(second.output))
  }

  private func expectGolden(_ run: Program.Outcome, _ name: String) {
    let problem = Golden.mismatch(run.output, "bad-input/\(name).txt")
    #expect(problem == nil, "\(problem ?? "")")
  }

  /// Bytes that are no text, in prose, in front matter and in a cell.
  @Test(arguments: [
    ("utf8-prose", "---\ntitle: a\n---\n\nCaf% au lait.\n\n```swift {#a}\nlet x = 1\n```\n"),
    ("utf8-front-matter", "---\ntitle: caf%\n---\n\n```swift {#a}\nlet x = 1\n```\n"),
    ("utf8-cell", "```swift {#a}\nlet x = \"caf%\"\n```\n\n```swift {#b}\nlet y = 2\n```\n"),
  ])
  func invalidText(name: String, text: String) throws {
    let folder = try Program.folder([:])
    // Latin 1 for the percent sign's place.
    let bytes = text.utf8.map { $0 == UInt8(ascii: "%") ? 0xE9 : $0 }
    try Data(bytes).write(to: folder.appendingPathComponent("a.nb.md"))
    let run = try Program.run(["run", "a.nb.md"], in: folder)
    #expect(run.status == 1 && run.errors.isEmpty && !run.wasKilled, "\(run)")
    expectGolden(run, name)
  }

  @Test(arguments: [["run", "a.nb.md"], ["check", "a.nb.md"], ["-e", "1"], ["a.cairn"]])
  func missingLibrary(arguments: [String]) throws {
    let folder = try Program.folder(["a.nb.md": "```swift {#a}\nlet x = 1\n```\n", "a.cairn": "print(1)\n"])
    let run = try Program.run(arguments, in: folder, environment: ["CAIRN_STDLIB": "/no/such/folder"])
    #expect(run.status == 1 && run.errors.isEmpty && !run.wasKilled, "\(run)")
    expectGolden(run, "missing-stdlib")
  }
}
