import Foundation

/// Lays out a report as one HTML file that needs nothing else: no network, no fonts, no script to be read.
///
/// The same report gives the same bytes. A policy in the page allows its own style and its own small script by their
/// digests, pictures that are part of it, and nothing besides, so that even markup which got in could not act.
package struct HTMLRenderer: Sendable {
  /// How a page that is served while its notebook is edited hears of changes.
  package struct Live: Sendable {
    /// The path of the server-sent events, such as `/TOKEN/events`.
    package var events: String
    package init(events: String) { self.events = events }
  }

  private let hash: @Sendable (String) -> String
  private let live: Live?

  /// - Parameter hash: SHA-256 of a text's UTF-8, as base64.
  package init(hash: @escaping @Sendable (String) -> String, live: Live? = nil) {
    self.hash = hash
    self.live = live
  }

  /// What every page carries, whatever its report: style and script.
  package static var shellSize: Int { ReportStyle.css.utf8.count + ReportScript.page.utf8.count }

  package func page(_ report: Report) -> String {
    var page = PageWriter()
    page.html.raw("<!DOCTYPE html>\n<html lang=\"")
    page.html.escaped(report.language)
    page.html.raw("\"\(report.theme == .auto ? "" : " data-theme=\"\(report.theme.rawValue)\"")>\n<head>\n")
    page.html.raw("<meta charset=\"utf-8\">\n")
    page.html.raw("<meta http-equiv=\"Content-Security-Policy\" content=\"\(policy)\">\n")
    page.html.raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n")
    page.html.raw("<meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"generator\" content=\"Cairn\">\n")
    if let summary = report.summary {
      page.html.raw("<meta name=\"description\" content=\"")
      page.html.escaped(summary)
      page.html.raw("\">\n")
    }
    page.html.element("title", report.title)
    page.html.raw("\n<style>\(ReportStyle.css)</style>\n</head>\n<body>\n")
    page.body(report)
    page.html.raw("<script>\(ReportScript.page)</script>\n")
    if let live {
      // The path is ours: a token and a word.
      page.html.raw("<script>\(ReportScript.live(events: live.events))</script>\n")
    }
    page.html.raw("</body>\n</html>\n")
    return page.html.string
  }

  private var policy: String {
    var scripts = ["'sha256-\(hash(ReportScript.page))'"]
    if let live { scripts.append("'sha256-\(hash(ReportScript.live(events: live.events)))'") }
    var parts = [
      "default-src 'none'", "img-src data:", "style-src 'sha256-\(hash(ReportStyle.css))'",
      "script-src \(scripts.joined(separator: " "))", "base-uri 'none'", "form-action 'none'",
    ]
    if live != nil { parts.append("connect-src 'self'") }
    return parts.joined(separator: "; ")
  }
}

/// A page as it is written: counts what needs an identifier of its own.
struct PageWriter {
  var html = HTMLWriter()
  /// Drawings so far: each has identifiers of its own.
  var drawings = 0
  private var cells: [ReportCell] = []

  /// The cell that a place of the text stands for.
  func cell(at index: Int) -> ReportCell? { cells.indices.contains(index) ? cells[index] : nil }

  mutating func body(_ report: Report) {
    cells = report.cells
    html.raw("<a class=\"skip\" href=\"#content\">Skip to the content</a>\n")
    let hasContents = report.showsContents && report.sections.count > 1
    html.raw("<div class=\"page\(hasContents ? " with-contents" : "")\">\n")
    header(report)
    if hasContents {
      html.raw("<nav class=\"contents wide\" aria-label=\"Contents\">\n<p class=\"contents-title\">Contents</p>\n")
      contents(report.sections)
      html.raw(
        "</nav>\n<nav class=\"contents narrow\" aria-label=\"Contents\">\n<details><summary>Contents</summary>\n")
      contents(report.sections)
      html.raw("</details>\n</nav>\n")
    }
    html.raw("<main id=\"content\" tabindex=\"-1\">\n")
    banner(report.failures)
    verdicts(report.verdicts)
    for block in report.blocks { self.block(block) }
    footnotes(report.blocks)
    html.raw("</main>\n")
    footer(report)
    html.raw("</div>\n")
  }

  // MARK: - Top

  private mutating func header(_ report: Report) {
    html.raw("<header class=\"title\">\n<div class=\"tools\">")
    html.raw("<label class=\"tool\"><input type=\"checkbox\" id=\"hide-code\" class=\"switch\">Hide code</label>")
    html.raw("<button type=\"button\" class=\"tool\" id=\"theme\" hidden>Dark</button>")
    if !report.source.isEmpty {
      html.download(report.source, type: "text/markdown", name: report.sourceName, words: "Notebook")
    }
    html.raw("</div>\n")
    html.element("h1", report.title)
    if let subtitle = report.subtitle { html.element("p", classes: "subtitle", subtitle) }
    let byline =
      (report.authors.isEmpty ? [] : [report.authors.joined(separator: ", ")]) + [report.date].compactMap { $0 }
    if !byline.isEmpty { html.element("p", classes: "byline", byline.joined(separator: " · ")) }
    if let summary = report.summary { html.element("p", classes: "abstract", summary) }
    if !report.settings.isEmpty {
      html.raw("<details class=\"settings\"><summary>Settings and data</summary>\n")
      facts(report.settings)
      html.raw("</details>\n")
    }
    html.raw("</header>\n")
  }

  private mutating func facts(_ facts: [Report.Fact]) {
    html.raw("<dl class=\"facts\">\n")
    for fact in facts {
      html.element("dt", fact.name)
      html.element("dd", fact.value)
      html.raw("\n")
    }
    html.raw("</dl>\n")
  }

  private mutating func contents(_ sections: [Report.Section]) {
    html.raw("<ul>\n")
    for section in sections {
      html.raw("<li class=\"l\(max(2, min(6, section.level)))\"><a ")
      html.fragment(section.id)
      html.raw(">")
      html.escaped((section.number.map { $0 + " " } ?? "") + section.title)
      html.raw("</a></li>\n")
    }
    html.raw("</ul>\n")
  }

  private mutating func banner(_ failures: [Report.Failure]) {
    guard !failures.isEmpty else { return }
    html.raw("<section class=\"banner\" aria-label=\"Failed cells\">\n")
    let many = failures.count > 1
    html.element("p", classes: "banner-title", "\(failures.count) cell\(many ? "s" : "") did not finish")
    html.raw("<ul>\n")
    for failure in failures {
      html.raw("<li><a ")
      html.fragment(failure.anchor)
      html.raw(">")
      html.escaped(failure.cell)
      html.raw("</a>: ")
      html.escaped(failure.words)
      html.raw("</li>\n")
    }
    html.raw("</ul>\n</section>\n")
  }

  // MARK: - Bottom

  private mutating func footer(_ report: Report) {
    html.raw("<footer>\n")
    if !report.verdicts.isEmpty { glossary() }
    html.raw("<h2 id=\"how-this-was-made\">How this was made</h2>\n")
    facts(report.reproduction)
    if !report.runFacts.isEmpty {
      html.raw("<div class=\"run-facts\">\n<h3>This run</h3>\n")
      facts(report.runFacts)
      html.raw("</div>\n")
    }
    if !report.source.isEmpty {
      html.raw("<p>The notebook is part of this page: ")
      html.download(report.source, type: "text/markdown", name: report.sourceName, words: report.sourceName)
      html.raw("</p>\n")
    }
    html.raw("</footer>\n")
  }
}
