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
  ]

  @Test("The reader sees what the golden file says", arguments: cases.map(\.name))
  func golden(name: String) throws {
    let item = try #require(BadInputTests.cases.first { $0.name == name })
    let run = try Program.run(["run", "a.nb.md"], in: try Program.folder(item.files))
    #expect(run.status == 1 && run.errors.isEmpty && !run.wasKilled, "\(run)")
    let problem = Golden.mismatch(run.output, "bad-input/\(name).txt")
    #expect(problem == nil, "\(problem ?? "")")
  }
}
