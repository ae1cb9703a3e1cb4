import Foundation
import Notebooks
import Rendering
import Syntax
import TestSupport
import Testing

/// The file format: taken apart without loss, whatever the bytes, and every mistake said with its place.
struct FormatTests {
  static func parse(_ text: String) -> NotebookDocument { parse(Array(text.utf8)) }
  static func parse(_ bytes: [UInt8]) -> NotebookDocument {
    var sources = SourceMap()
    return NotebookParser.parse(sources.add(name: "page.nb.md", bytes: bytes), version: Running.version)
  }

  /// A file that uses every construct.
  static let full = """
    ---
    title: "All: of it"
    author: [One, Two]
    date: 2020-01-02
    lang: en
    engine: 0.1
    seed: 12
    params:
      n: 10
      name: text
    toc: true
    number-sections: false
    code: fold
    data:
      scores.csv: sha256
    ---

    Prose with `code`, and $x$.

    ```swift {#first .hidden}
    //| caption: "Scores: all"
    //| subcaptions: [a, b]
    //| seed: 3
    //| error: allow
    let x = 1
    ```

    ~~~ swift {}
    ```
    let y = 2
    ~~~

    ```swift
    shown only
    ```

    ````markdown
    ```swift {#not-a-cell}
    ```
    ````

    <!--
    ```swift {#commented-out}
    ```
    -->

      ```swift{.no-output}
      let z = 3
      ```
    """ + "\n"

  @Test("A file becomes its parts")
  func parts() {
    let document = FormatTests.parse(FormatTests.full)
    #expect(document.diagnostics.isEmpty, "\(document.diagnostics)")
    let cells = document.cells
    #expect(cells.map(\.label) == ["first", nil, nil])
    #expect(cells.map(\.number) == [1, 2, 3])
    #expect(cells.map(\.flags) == [[.hidden], [], [.noOutput]])
    #expect(cells.map(\.seed) == [3, nil, nil])
    #expect(cells[0].errorPolicy == .allow)
    #expect(cells[0].options["caption"] == "Scores: all")
    let code = cells.map { String(decoding: document.source.bytes[$0.code.start..<$0.code.end], as: UTF8.self) }
    #expect(code == ["let x = 1\n", "```\nlet y = 2\n", "  let z = 3\n"])
    #expect(cells.map(\.firstLine) == [25, 29, 48])
    #expect(document.frontMatter.title == "All: of it")
    #expect(document.frontMatter.seed == 12)
    #expect(document.frontMatter.parameters == ["n": "10", "name": "text"])
  }

  static let tricky: [String] = [
    "", "\n", "---", "---\n", "---\n---", "```", "```swift {", "```swift {}", "```swift {}\n", "```swift {}\n```",
    "\u{FEFF}```swift {#a}\nlet x = 1\n```", "\u{FEFF}---\nseed: 1\n---\n",
    "a\r\n```swift {#a}\r\nlet x = 1\r\n```\r\n",
    "```swift {}\n//|\n//| :\n//| a\n```\n", "~~~swift {}\n~~~~~", "<!--", "<!-- -->\n```swift {}\n```", "<!-->\n-->",
    "```swift {#a#b}\n```", "```swift {.}\n```", "```swift {#}\n```", "```swift {}}\n```", "a\0b\n```swift {}\n\0\n```",
    "    ```swift {}\n", "> ```swift {}\n> ```\n", "---\n? - - a\n---\n", "---\n&a [*a]\n---\n", "---\na: b: c\n---\n",
    "---\n- 1\n---\n", "---\n\t\n---\n", "---\nseed: [1\n---\n", "---\n1: 2\n---\n",
  ]

  @Test("Printing gives the bytes back")
  func roundTrip() {
    for text in FormatTests.tricky + [FormatTests.full] {
      let bytes = Array(text.utf8)
      #expect(FormatTests.parse(bytes).printed == bytes, "\(text.debugDescription)")
    }
  }

  @Test("Printing gives the bytes back after 3000 seeded mutations", arguments: [UInt64(1), 2, 3])
  func mutatedRoundTrip(seed: UInt64) {
    var state = seed
    // Multiplier and increment of Knuth's MMIX generator.
    func next(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int((state >> 33) % UInt64(max(1, bound)))
    }
    let corpus = FormatTests.tricky.map { Array($0.utf8) } + [Array(FormatTests.full.utf8)]
    let pieces = ["```", "~~~", "---\n", "{", "}", "#", ".", "//|", ": ", "\n", "\r\n", "\0", "<!--", "-->", "swift "]
    for _ in 0..<1000 {
      var bytes = corpus[next(corpus.count)]
      for _ in 0..<(1 + next(6)) {
        switch next(4) {
        case 0: if !bytes.isEmpty { bytes[next(bytes.count)] = UInt8(next(256)) }
        case 1: if !bytes.isEmpty { bytes.remove(at: next(bytes.count)) }
        case 2: bytes.insert(contentsOf: Array(pieces[next(pieces.count)].utf8), at: next(bytes.count + 1))
        default:
          let other = corpus[next(corpus.count)]
          bytes = Array(bytes.prefix(next(bytes.count + 1)) + other.suffix(next(other.count + 1)))
        }
      }
      let document = FormatTests.parse(bytes)
      #expect(document.printed == bytes, "seed \(seed): \(bytes)")
      for cell in document.cells {
        #expect(
          cell.whole.start <= cell.code.start && cell.code.start <= cell.code.end && cell.code.end <= cell.whole.end)
      }
      for diagnostic in document.diagnostics {
        guard let span = diagnostic.span else { continue }
        #expect(span.start >= 0 && span.start <= span.end && Int(span.end) <= bytes.count, "seed \(seed): \(bytes)")
      }
    }
  }

  /// Mistakes by name; each golden file holds what the reader sees.
  static let mistakes: [(name: String, text: String)] = [
    ("unclosed-cell", "# A\n\n```swift {#a}\nlet x = 1\n"),
    ("unclosed-display", "```text\nhello\n\n```swift {#a}\n"),
    ("unclosed-front-matter", "---\ntitle: A\n\n# B\n"),
    ("unclosed-comment", "a\n\n  <!-- b\n```swift {}\n```\n"),
    ("front-matter-syntax", "---\ntitle: A\nauthor: [B, C\nseed: 1\n---\n"),
    ("front-matter-colon", "---\ntitle: A: B\n---\n"),
    ("front-matter-keys", "---\ntitel: A\nsed: 1\nwhatever: 2\n---\n"),
    ("front-matter-values", "---\ntitle: [a]\nseed: -1\ntoc: perhaps\ncode: never\nparams: 3\n---\n"),
    ("front-matter-twice", "---\nseed: 1\ntitle: A\nseed: 2\n---\n"),
    ("front-matter-list", "---\n- a\n- b\n---\n"),
    ("engine", "---\nengine: 2.5\n---\n"),
    ("engine-nonsense", "---\nengine: newest\n---\n"),
    ("labels", "```swift {#Fit}\n```\n```swift {#a #b}\n```\n```swift {#a}\n```\n"),
    ("flags", "```swift {.hiden}\n```\n```swift {.nothing-like-it}\n```\n"),
    ("attributes", "```swift {#a eval=false}\n```\n```swift {#b\n```\n```swift {#c} more\n```\n"),
    (
      "options",
      "```swift {}\n//| captoin: x\n//| zzz: 1\n//| error\n//| seed: 1\n//| seed: 2\n//| caption: [a, {b: c}]\nlet x = 1\n```\n"
    ),
    (
      "option-values",
      "```swift {}\n//| error: perhaps\n//| output: sound\n//| cache: sometimes\n//| width: -3\n//| subcaptions: a\n```\n"
    ),
    ("option-late", "```swift {}\nlet x = 1\n//| error: allow\n```\n"),
    ("option-ineffective", "```swift {}\n//| timeout: 10\n//| cache: pin\n```\n"),
    ("braces-first", "```{swift}\nlet x = 1\n```\n"),
    ("crlf", "---\r\nsed: 1\r\n---\r\n\r\n```swift {#a .b}\r\n//| eror: allow\r\n```\r\n"),
    ("wide-text", "```swift {#a .日本語}\n```\n"),
  ]

  @Test("Mistakes are said as their golden files say", arguments: mistakes.map(\.name))
  func mistake(name: String) throws {
    let item = try #require(FormatTests.mistakes.first { $0.name == name })
    var sources = SourceMap()
    let source = sources.add(name: "page.nb.md", bytes: Array(item.text.utf8))
    let document = NotebookParser.parse(source, version: Running.version)
    let text = document.diagnostics.map { DiagnosticRenderer().text($0, sources) + "\n" }.joined()
    #expect(!document.diagnostics.isEmpty)
    let problem = Golden.mismatch(text, "notebooks/\(name).txt")
    #expect(problem == nil, "\(problem ?? "")")
  }

  @Test(
    "Bytes that are not UTF-8 are found where they are",
    arguments: [[0xFF], [0xC3, 0x28], [0xE2, 0x82], [0xED, 0xA0, 0x80]])
  func invalidUTF8(bad: [UInt8]) {
    let bytes = Array("# é\n\nabc".utf8) + bad + Array("\n```swift {}\nlet x = 1\n```\n".utf8)
    let document = FormatTests.parse(bytes)
    #expect(document.diagnostics.first?.code == "N002")
    #expect(document.diagnostics.first?.span?.start == 9)
    #expect(document.printed == bytes)
    #expect(document.cells.count == 1)
  }

  @Test("Front matter and options that nest without end are refused")
  func deepNesting() {
    for deep in [String(repeating: "[", count: 100_000), String(repeating: "- ", count: 100_000)] {
      #expect(FormatTests.parse("---\nauthor: \(deep)\n---\n").diagnostics.first?.code == "N005")
      #expect(FormatTests.parse("```swift {}\n//| caption: \(deep)\n```\n").diagnostics.first?.code == "N013")
    }
    let steps = (0..<400).map { String(repeating: " ", count: $0) + "a:\n" }.joined()
    #expect(FormatTests.parse("---\n\(steps)---\n").diagnostics.first?.code == "N005")
  }

  @Test("A file of ten megabytes is read in seconds")
  func large() {
    let section =
      "## Part\n\nSome prose with words in it, and more words, until the line is long.\n\n```swift {}\nlet x = [1, 2, 3]\nprint(x)\n```\n\n"
    let count = 10_000_000 / section.utf8.count + 1
    let bytes = Array(String(repeating: section, count: count).utf8)
    let clock = ContinuousClock()
    var document = FormatTests.parse([])
    let time = clock.measure { document = FormatTests.parse(bytes) }
    #expect(document.cells.count == count)
    #expect(document.printed == bytes)
    // About a second in a release build on one core; the margin is for a busy machine.
    #expect(time < .seconds(20))
  }
}
