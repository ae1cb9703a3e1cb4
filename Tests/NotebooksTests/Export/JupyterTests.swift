import Foundation
import Notebooks
import Syntax
import TestSupport
import Testing

/// To Jupyter's format and back.
struct JupyterTests {
  /// Without running: the cells' outputs are no part of the way back.
  private static func exported(_ text: String) throws -> [UInt8] {
    let source = SourceText(id: SourceID(-1), name: "t.nb.md", bytes: Array(text.utf8))
    let document = NotebookParser.parse(source, version: Running.version)
    return try JupyterExport(document, results: [], sources: SourceMap(), isReproducible: true).bytes()
  }

  private static func again(_ text: String) throws -> String {
    try JupyterImport.read(try exported(text), folder: "files").text
  }

  static let notebooks: [String] = {
    let folder = Checkout.root.appendingPathComponent("notebooks")
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return names.filter { $0.hasSuffix(".nb.md") }.sorted()
  }()

  @Test("Every notebook comes back byte for byte", arguments: notebooks)
  func all(name: String) throws {
    let file = Checkout.root.appendingPathComponent("notebooks/\(name)")
    let text = try String(contentsOf: file, encoding: .utf8)
    #expect(try JupyterTests.again(text) == text)
  }

  @Test(
    "Odd spacing, fences, options and line ends come back too",
    arguments: [
      "", "\n", "text", "text\n", "\n\ntext\n\n\n", "```swift {}\n```\n", "```swift {}\n\n```\n", "```swift {}\n1\n```",
      "```swift {}\n1\n```\n```swift {}\n2\n```\n", "```swift {}\n1\n```\n\n\n\n```swift {}\n2\n```\n",
      "~~~~ swift {#a .fold}  \n//| caption: x\n\n1\n\n~~~~\ntext\n", "---\ntitle: x\n---\n```swift {}\n1\n```\n",
      "a\n\n<!-- cell -->\n\nb\n", "a\n\n<!-- code -->\n```python\nx = 1\n```\n\n<!-- cell -->\n\nc\n",
      "<!-- cell -->\n",
      "<!-- cell -->", "a\r\n\r\n```swift {}\r\n1\r\n```\r\n\r\nb\r\n", "  ```swift {}\n  1\n  ```\n",
      "a\n\n<!-- code -->\nno fence\n",
      "````swift {}\nlet s = \"```\"\n````\n", "```swift {}\n1\n```\n   \n\t\n```swift {}\n2\n```\n", "\r", "a\r",
      "\u{FEFF}---\ntitle: x\n---\ntext\n",
    ])
  func odd(text: String) throws { #expect(try JupyterTests.again(text) == text) }

  @Test("Random notebooks come back", arguments: 0..<80)
  func random(seed: UInt64) throws {
    var cases = Cases(seed: seed)
    let pieces = [
      "\n", "\n\n", "text\n", "# H\n", "```swift {#l%}\n1\n```\n", "```swift {}\n//| cache: never\nlet x = 1\n```\n",
      "```python\nx\n```\n", "<!-- cell -->\n", "<!-- code -->\n", "  ", "> q\n", "- a\n- b\n", "~~~swift {}\n~~~\n",
      "$x$\n",
    ]
    var text = cases.chance(30) ? "---\ntitle: \"x\"\n---\n" : ""
    for index in 0..<cases.below(14) { text += cases.pick(pieces).replacingOccurrences(of: "%", with: "\(index)") }
    let again = try JupyterTests.again(text)
    #expect(again == text, "\(text.debugDescription)\n\(again.debugDescription)")
  }

  @Test("The file says what Jupyter needs")
  func structure() throws {
    let exporting = try Exporting(ReportTests.small)
    let root = try JSONSerialization.jsonObject(with: Data(try exporting.jupyter)) as? [String: Any] ?? [:]
    #expect(root["nbformat"] as? Int == 4 && root["nbformat_minor"] as? Int == 5)
    let cells = root["cells"] as? [[String: Any]] ?? []
    let ids = cells.compactMap { $0["id"] as? String }
    #expect(ids.count == cells.count && Set(ids).count == ids.count)
    #expect(ids.allSatisfy { (1...64).contains($0.count) && $0.allSatisfy { $0.isLetter || $0.isNumber || $0 == "-" } })
    #expect(ids.contains("fig-x"))
    let outputs = cells.flatMap { $0["outputs"] as? [[String: Any]] ?? [] }
    let kinds = outputs.compactMap { $0["output_type"] as? String }
    #expect(Set(kinds) == ["stream", "display_data", "error"])
    let data = outputs.compactMap { ($0["data"] as? [String: Any])?.keys.sorted() }
    #expect(data == [["image/svg+xml", "text/plain"], ["text/html", "text/plain"]])
  }

  @Test("A notebook of another language is kept, shown, and not run")
  func foreign() throws {
    let text = """
      {"cells": [
        {"cell_type": "markdown", "metadata": {}, "source": ["# Title\\n", "text"]},
        {"cell_type": "markdown", "metadata": {}, "source": "more ![p](attachment:a b.png)",
         "attachments": {"a b.png": {"image/png": "iVBORw0KGgo="}}},
        {"cell_type": "code", "metadata": {}, "source": ["x = '```'\\n", "print(x)"], "outputs": [], "execution_count": 1},
        {"cell_type": "raw", "metadata": {}, "source": "raw"}
      ], "metadata": {"kernelspec": {"name": "python3", "language": "Python", "display_name": "P"}}, "nbformat": 4,
      "nbformat_minor": 2}
      """
    let result = try JupyterImport.read(Array(text.utf8), folder: "t.files")
    #expect(
      result.text == """
        # Title
        text

        <!-- cell -->

        more ![p](t.files/1-ab.png)

        <!-- code -->

        ````python
        x = '```'
        print(x)
        ````

        <!-- cell -->

        ```text
        raw
        ```

        """)
    #expect(result.files.map(\.name) == ["1-ab.png"] && result.warnings.map(\.code) == ["N047"])
    // The same text, to Jupyter and back.
    #expect(try JupyterTests.again(result.text) == result.text)
    let cells = try JSONSerialization.jsonObject(with: Data(try JupyterTests.exported(result.text))) as? [String: Any]
    let kinds = (cells?["cells"] as? [[String: Any]] ?? []).compactMap { $0["cell_type"] as? String }
    #expect(kinds == ["markdown", "markdown", "code", "markdown"])
  }

  @Test(
    "What is no notebook is said so",
    arguments: ["", "{", "[]", "{\"cells\": 1}", "{\"cells\": [1, 2]}", "{\"worksheets\": [], \"nbformat\": 3}"])
  func bad(text: String) {
    #expect(throws: DiagnosticError.self) { try JupyterImport.read(Array(text.utf8), folder: "f") }
  }

  @Test("Damaged files never trap", arguments: 0..<60)
  func damaged(seed: UInt64) throws {
    var cases = Cases(seed: seed)
    var bytes = try JupyterTests.exported(ReportTests.small)
    for _ in 0..<(1 + cases.below(8)) where !bytes.isEmpty {
      let place = cases.below(bytes.count)
      switch cases.below(3) {
      case 0: bytes[place] = UInt8(cases.below(256))
      case 1: bytes.removeSubrange(place..<min(bytes.count, place + cases.below(40)))
      default: bytes.insert(contentsOf: Array("null".utf8), at: place)
      }
    }
    _ = try? JupyterImport.read(bytes, folder: "f")
  }
}
