import Foundation
import Notebooks
import Rendering
import Syntax
import TestSupport
import Testing

/// Text that wants to be markup, in every place of a notebook that reaches a page: none of it comes alive.
struct HostileTextTests {
  /// Each tries another way out of where texts stand.
  static let strings = [
    "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "'><svg onload=alert(1)>",
    "</title><script>x</script>",
    "</style><script>x</script>", "]]><script>x</script>", "--><script>x</script>", "&lt;script&gt;", "\u{0}<b>",
    "\u{202E}<i>",
    "<iframe srcdoc='<script>x</script>'>", "<a href=javascript:alert(1)>x</a>", "$<script>x</script>$",
    "`<script>x</script>`", "![x](javascript:alert(1))", "[x](javascript:alert(1))",
    "[x](data:text/html,<script>x</script>)",
    "<math href=javascript:x><mi>y</mi></math>", "<style>*{display:none}</style>", "{{constructor}}", "<!--",
    "\u{FFFE}",
  ]

  /// Elements and attributes that pages are made of; whatever else appears came from a text.
  static let elements: Set<String> = [
    "html", "head", "meta", "title", "style", "body", "script", "a", "input", "div", "nav", "p", "ul", "ol", "li",
    "main",
    "section", "header", "footer", "h1", "h2", "h3", "h4", "h5", "h6", "label", "button", "details", "summary", "dl",
    "dt",
    "dd", "pre", "code", "span", "strong", "em", "del", "sup", "blockquote", "hr", "br", "img", "table", "caption",
    "thead",
    "tbody", "tr", "th", "td", "figure", "figcaption", "svg", "desc", "path", "text", "g", "clipPath", "rect", "math",
    "semantics", "annotation", "mrow", "mi", "mn", "mo", "mtext", "mspace", "msup", "msub", "msubsup", "munder",
    "mover",
    "munderover", "mfrac", "msqrt", "mroot", "mtable", "mtr", "mtd", "mstyle", "mphantom", "merror",
  ]
  static let attributes: Set<String> = [
    "lang", "charset", "http-equiv", "content", "name", "class", "id", "href", "type", "for", "hidden", "download",
    "tabindex",
    "role", "aria-label", "aria-labelledby", "open", "scope", "start", "value", "src", "alt", "rel", "title", "viewBox",
    "width", "height", "d", "x", "y", "transform", "clip-path", "display", "encoding", "mathvariant", "stretchy",
    "form",
    "separator", "movablelimits", "accent", "accentunder", "linethickness", "displaystyle", "scriptlevel", "lspace",
    "rspace",
    "minsize", "maxsize", "data-theme", "fill-opacity", "opacity",
  ]

  private static func yaml(_ text: String) -> String {
    let safe = text.replacingOccurrences(of: "\u{0}", with: "").replacingOccurrences(of: "\u{FFFE}", with: "")
    return "\"" + safe.replacingOccurrences(of: "\\", with: "\\\\").replacingOccurrences(of: "\"", with: "\\\"") + "\""
  }

  private static func literal(_ text: String) -> String {
    "\"" + text.replacingOccurrences(of: "\\", with: "\\\\").replacingOccurrences(of: "\"", with: "\\\"") + "\""
  }

  /// A notebook that has the text wherever one may stand.
  static func notebook(_ text: String) -> String {
    let (yaml, code) = (HostileTextTests.yaml(text), HostileTextTests.literal(text))
    return """
      ---
      title: \(yaml)
      subtitle: \(yaml)
      author: [\(yaml), other]
      date: \(yaml)
      lang: \(yaml)
      description: \(yaml)
      number-sections: true
      ---

      # \(text)

      \(text) in a paragraph, **\(text)**, [\(text)](https://example.org "\(text)"), ![\(text)](a.png), $\(text)$

      > [!NOTE]
      > \(text)

      | \(text) | b |
      | --- | --- |
      | \(text) | c |

      A note[^n], a value `= \(code)`.

      [^n]: \(text)

      $$
      \(text)
      $$

      ```\(text.filter { $0 != "`" && !$0.isNewline })
      \(text)
      ```

      ## \(text)

      ```swift {#fig-a}
      //| caption: \(yaml)
      //| alt: \(yaml)
      //| code-summary: \(yaml)
      //| subcaptions: [\(yaml), \(yaml)]
      let s = \(code)
      print(s)
      forest([[1.0, 2.0], [3.0, 4.0]], names: [s, "b"]).titled(s).labeled(x: s, y: s).described(s)
      barPlot([s, "b"], [1.0, 2.0]).titled(s)
      ```

      ```swift {#tbl-a}
      //| caption: \(yaml)
      Table().adding(s, [1.0, 2.0]).adding("level", [s, s])
      ```

      ```swift {}
      //| error: allow
      require(s.count == 0, s)
      ```

      ```swift {}
      //| error: allow
      let wrong: Int = s // \(text)
      ```

      See [Fig.](#fig-a) and [\(text)](#\(text.filter { !$0.isWhitespace && $0 != ")" })).
      """ + "\n"
  }

  @Test("Nothing that a text says becomes part of a page", arguments: strings)
  func inert(text: String) throws {
    let exporting = try Exporting(HostileTextTests.notebook(text))
    let page = exporting.page
    let tokens = PageTokens(page)
    #expect(tokens.faults.isEmpty, "\(tokens.faults)")
    for tag in tokens.tags {
      #expect(HostileTextTests.elements.contains(tag.name), "<\(tag.name)>")
      for (name, value) in tag.attributes {
        #expect(HostileTextTests.attributes.contains(name), "<\(tag.name) \(name)=\"\(value)\">")
        if name == "href" || name == "src" {
          let isSafe = ["#", "https://example.org", "data:text/csv;base64,", "data:text/markdown;base64,"].contains {
            value.hasPrefix($0)
          }
          #expect(isSafe, "\(name)=\"\(value)\"")
        }
      }
    }
    // The page's own style and script, once each, and nothing between them that the text brought.
    #expect(tokens.raw.map(\.tag) == ["style", "script"])
    #expect(!tokens.raw.contains { $0.text.contains("alert(1)") })
    #expect(!page.unicodeScalars.contains { $0.value == 0 || $0.value == 0x202E || $0.value == 0xFFFE })
  }

  @Test("The cells of the hostile notebook ran and show the text", arguments: [strings[0]])
  func shown(text: String) throws {
    let exporting = try Exporting(HostileTextTests.notebook(text))
    let failed = exporting.run.results.filter { $0.status != .done && $0.status != .failedAsAllowed }
    #expect(failed.isEmpty, "\(exporting.run.diagnostics)")
    let escaped = "&lt;script&gt;alert(1)&lt;/script&gt;"
    #expect(exporting.page.components(separatedBy: escaped).count > 20)
  }

  @Test("As a Jupyter notebook and as Markdown the text stays text too", arguments: strings)
  func otherFormats(text: String) throws {
    let exporting = try Exporting(HostileTextTests.notebook(text))
    let back = try JupyterImport.read(try exporting.jupyter, folder: "files")
    #expect(Array(back.text.utf8) == exporting.document.source.bytes)
    let markdown = MarkdownExport(exporting.document, results: exporting.run.results, sources: exporting.sources)
    let (_, figures) = markdown.text(figuresIn: "figures")
    for figure in figures {
      let tokens = PageTokens(figure.svg)
      #expect(tokens.tags.allSatisfy { HostileTextTests.elements.contains($0.name) }, "\(figure.name)")
    }
  }
}
