package import Foundation
import Interpreter
import Modeling
package import Numerics
package import Rendering
package import Syntax

/// Makes a report of a notebook and what its cells gave.
package struct ReportBuilder {
  /// What a report says about the program and the run.
  package struct Provenance {
    package var engineVersion: String
    package var engine: EngineIdentity
    package var commandLine: String
    package var seed: UInt64
    package var parameters: [String: String]
    /// Files that the cells read, by path, with their SHA-256.
    package var files: [(path: String, digest: Digest)]
    package var wallSeconds: Double
    /// Whether facts of this run alone are left out.
    package var isReproducible: Bool

    package init(
      engineVersion: String, engine: EngineIdentity, commandLine: String, seed: UInt64, parameters: [String: String],
      files: [(path: String, digest: Digest)], wallSeconds: Double, isReproducible: Bool
    ) {
      self.engineVersion = engineVersion
      self.engine = engine
      self.commandLine = commandLine
      self.seed = seed
      self.parameters = parameters
      self.files = files
      self.wallSeconds = wallSeconds
      self.isReproducible = isReproducible
    }
  }

  private let document: NotebookDocument
  private let results: [CellResult]
  private let sources: SourceMap
  private let provenance: Provenance
  /// `Figure 3` by label.
  private var names: [String: String] = [:]
  private var figureCount = 0
  private var tableCount = 0

  /// - Parameters:
  ///   - results: Of all cells and inline values, in document order.
  ///   - name: The file's, such as `study.nb.md`.
  ///   - folder: Where pictures of the text are looked for.
  package static func report(
    _ document: NotebookDocument, results: [CellResult], sources: SourceMap, name: String, folder: URL,
    provenance: Provenance
  ) -> Report {
    var builder = ReportBuilder(document: document, results: results, sources: sources, provenance: provenance)
    return builder.build(name: name, folder: folder)
  }

  /// Cells as a reader sees them, and what labels are called.
  package struct Content {
    package var cells: [ReportCell]
    /// `Figure 3` by label.
    package var names: [String: String]
  }

  /// The cells without the page around them.
  package static func content(_ document: NotebookDocument, results: [CellResult], sources: SourceMap) -> Content {
    let provenance = Provenance(
      engineVersion: "", engine: EngineIdentity(epochs: [:], numericClass: ""), commandLine: "", seed: 0,
      parameters: [:],
      files: [], wallSeconds: 0, isReproducible: true)
    var builder = ReportBuilder(document: document, results: results, sources: sources, provenance: provenance)
    let display = document.frontMatter.values["code"].flatMap { Report.CodeDisplay(rawValue: $0) } ?? .show
    let cells = results.filter { $0.cell.inline == nil }.map { builder.cell($0, display) }
    for (number, label) in ProseParser.parse(document).equations.enumerated() {
      builder.names[label] = "Equation \(number + 1)"
    }
    return Content(cells: cells, names: builder.names)
  }

  /// Whether a link's words stand for the kind of what it points to.
  static func isKind(_ words: String) -> Bool {
    kindWords.contains(words.lowercased().trimmingCharacters(in: .whitespaces))
  }

  private init(document: NotebookDocument, results: [CellResult], sources: SourceMap, provenance: Provenance) {
    self.document = document
    self.results = results
    self.sources = sources
    self.provenance = provenance
  }

  private mutating func build(name: String, folder: URL) -> Report {
    let front = document.frontMatter
    let cells = results.filter { $0.cell.inline == nil }
    let prose = ProseParser.parse(
      document, values: results.filter { $0.cell.inline != nil }.map { InlineValues.text(of: $0) },
      readFile: { ProseFiles.read($0, in: folder) })
    let outline = Outline(prose.blocks, title: front.title, isNumbered: front.flag("number-sections") ?? false)
    var report = Report(title: outline.title ?? ReportBuilder.bareName(name))
    report.subtitle = front.values["subtitle"]
    report.authors = front.lists["author"] ?? front.values["author"].map { [$0] } ?? []
    report.date = front.values["date"]
    if let language = front.values["lang"], ReportBuilder.isLanguage(language) { report.language = language }
    report.summary = front.values["description"]
    report.theme = front.values["theme"].flatMap { Report.Theme(rawValue: $0) } ?? .auto
    report.showsContents = front.flag("toc") ?? true
    let display = front.values["code"].flatMap { Report.CodeDisplay(rawValue: $0) } ?? .show
    report.cells = cells.map { cell($0, display) }
    for (number, label) in prose.equations.enumerated() { names[label] = "Equation \(number + 1)" }
    for section in outline.sections {
      names[section.id] = section.number.map { "Section \($0)" } ?? section.title
    }
    report.blocks = outline.blocks.map { resolved($0) }
    report.sections = outline.contents
    report.failures = zip(cells, report.cells).compactMap { failure($0, anchor: $1.id) } + inlineFailures
    report.verdicts = zip(cells, report.cells).flatMap { verdicts($0, anchor: $1.id) }
    provenance(&report, name: name)
    report.sourceName = name
    report.source = document.source.bytes
    return report
  }

  private static func bareName(_ name: String) -> String {
    for suffix in [".nb.md", ".md"] where name.hasSuffix(suffix) { return String(name.dropLast(suffix.count)) }
    return name
  }

  /// Letters, digits and hyphens, as language tags have them.
  private static func isLanguage(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.count <= 35 && text.first?.isLetter == true
      && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") }
  }

  // MARK: - Cells

  private mutating func cell(_ result: CellResult, _ display: Report.CodeDisplay) -> ReportCell {
    let cell = result.cell
    var code = document.source.bytes[cell.code.start..<cell.code.end]
    while let last = code.last, last == 0x0A || last == 0x0D || last == 0x20 { code.removeLast() }
    var shown = display
    if cell.flags.contains(.fold) || cell.flags.contains(.solution) { shown = display == .hide ? .hide : .fold }
    if cell.flags.contains(.noCode) || cell.flags.contains(.hidden) { shown = .hide }
    let outputs = outputs(result)
    let ownsLabel = outputs.contains { output in
      switch output {
      case .figures(let group): group.label.id != nil
      case .table(_, let label): label.id != nil
      case .text, .message: false
      }
    }
    let state: ReportCell.State =
      switch result.status {
      case .done, .failedAsAllowed: .done
      case .failed: .failed
      case .erroneous: .erroneous
      case .skipped(let cause): .skipped(because: cause)
      }
    let anchor = cell.label.map { ownsLabel ? "cell.\($0)" : $0 } ?? "cell.\(cell.number)"
    if let label = cell.label, names[label] == nil { names[label] = "cell \(label)" }
    let summary = cell.options["code-summary"] ?? (cell.flags.contains(.solution) ? "Solution" : nil)
    return ReportCell(
      id: anchor, title: cell.name, code: CodeHighlighter.pieces(Array(code)),
      codeDisplay: shown, codeSummary: summary, outputs: outputs, badge: badge(result), state: state)
  }

  private func badge(_ result: CellResult) -> ReportCell.Badge? {
    guard !provenance.isReproducible else {
      // A pinned cell shows an old result, whatever else is left out.
      return result.source == .pinned ? ReportCell.Badge(origin: .pinned, seconds: nil, peakMemory: nil) : nil
    }
    switch result.status {
    case .skipped, .erroneous: return nil
    case .done, .failed, .failedAsAllowed: break
    }
    let origin: ReportCell.Badge.Origin =
      switch result.source {
      case .ran: result.isVolatile ? .volatile : .ran
      case .cached: .cached
      case .pinned: .pinned
      }
    return ReportCell.Badge(origin: origin, seconds: result.seconds, peakMemory: result.peakMemory)
  }

  private mutating func outputs(_ result: CellResult) -> [ReportCell.Output] {
    let cell = result.cell
    var outputs: [ReportCell.Output] = []
    let figures = result.events.filter {
      if case .output(.figure) = $0 { cell.shows($0) } else { false }
    }.count
    let caption = cell.options["caption"].map { ProseParser.caption($0) }
    let isGroup = figures > 1 && (caption != nil || cell.label?.hasPrefix("fig-") == true)
    // The label and the caption belong to the first figure, or to the first table where there is no figure.
    var isCaptionFree = true
    for event in result.events where cell.shows(event) {
      switch event {
      case .diagnostic(let diagnostic): outputs.append(.message(ReportBuilder.message(diagnostic, sources)))
      case .output(.text(let text)):
        let shown = text.hasSuffix("\n") ? String(text.dropLast()) : text
        if case .text(let before)? = outputs.last {
          outputs[outputs.count - 1] = .text(before + "\n" + shown)
        } else {
          outputs.append(.text(shown))
        }
      case .output(.table(let table)):
        var label = ReportCell.Label()
        if figures == 0, isCaptionFree, caption != nil || cell.label?.hasPrefix("tbl-") == true {
          tableCount += 1
          label = ReportCell.Label(id: cell.label, number: tableCount, caption: caption ?? [])
          if let own = cell.label { names[own] = "Table \(tableCount)" }
          isCaptionFree = false
        }
        outputs.append(.table(table, label))
      case .output(.figure(var figure)):
        if let alternative = cell.options["alt"] { figure.alternative = alternative }
        if isGroup, case .figures(var group)? = outputs.last, !isCaptionFree {
          group.figures.append(figure)
          outputs[outputs.count - 1] = .figures(group)
          continue
        }
        figureCount += 1
        var label = ReportCell.Label(number: figureCount)
        if isCaptionFree {
          label.id = cell.label
          label.caption = caption ?? []
          if let own = cell.label { names[own] = "Figure \(figureCount)" }
          isCaptionFree = false
        }
        outputs.append(
          .figures(
            ReportCell.FigureGroup(
              figures: [figure], label: label,
              subcaptions: cell.lists["subcaptions"]?.map { ProseParser.caption($0) } ?? [],
              columns: cell.options["columns"].flatMap { Double($0) }.map { Int(min(4, max(1, $0))) } ?? 1,
              width: cell.options["width"].flatMap { Double($0) }, height: cell.options["height"].flatMap { Double($0) }
            )))
      case .output(.verdict): break
      }
    }
    return outputs
  }

  static func message(_ diagnostic: Diagnostic, _ sources: SourceMap) -> ReportCell.Message {
    var shown = diagnostic
    shown.trail = []
    let text = DiagnosticRenderer(width: 100).text(shown, sources)
    let lines = text.split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false)
    let trail = diagnostic.trail.map { call in
      let place = sources[call.span.source].map {
        "\($0.name), line \($0.firstLine + $0.lineIndex(of: call.span.start))"
      }
      return "\(call.text) at \(place ?? "?")"
    }
    let severity: ReportCell.Message.Severity =
      switch diagnostic.severity {
      case .error: .error
      case .warning: .warning
      case .note: .note
      }
    return ReportCell.Message(
      severity: severity, headline: String(lines[0]), excerpt: lines.count > 1 ? String(lines[1]) : "", trail: trail)
  }

  private func failure(_ result: CellResult, anchor: String) -> Report.Failure? {
    let words: String
    switch result.status {
    case .done, .failedAsAllowed: return nil
    case .failed:
      let error = result.events.compactMap { event -> String? in
        if case .diagnostic(let diagnostic) = event, diagnostic.severity == .error { diagnostic.message } else { nil }
      }.last
      words = error ?? "it failed"
    case .erroneous: words = "it has errors and did not run"
    case .skipped(let cause): words = "skipped: \(cause)"
    }
    return Report.Failure(cell: ReportBuilder.plainTitle(result.cell), anchor: anchor, words: words)
  }

  /// Without the marks that messages put around labels.
  private static func plainTitle(_ cell: NotebookCell) -> String { cell.title.filter { $0 != "`" } }

  private var inlineFailures: [Report.Failure] {
    results.filter { $0.cell.inline != nil }.compactMap { failure($0, anchor: "content") }
  }

  private func verdicts(_ result: CellResult, anchor: String) -> [Report.FitVerdict] {
    result.events.compactMap { event in
      guard case .output(.verdict(let verdict)) = event else { return nil }
      return Report.FitVerdict(
        verdict: verdict, cell: ReportBuilder.plainTitle(result.cell), anchor: anchor, rHatFigure: verdict.rHatFigure,
        essFigure: verdict.essFigure)
    }
  }

  // MARK: - References

  /// Words that stand for the kind of what they point to: they become `Figure 3`.
  private static let kindWords: Set<String> = [
    "", "fig", "fig.", "figure", "tab.", "tbl", "tbl.", "table", "eq", "eq.", "equation", "sec", "sec.", "section", "§",
    "cell",
  ]

  private func resolved(_ block: ProseBlock) -> ProseBlock {
    switch block {
    case .heading(let level, let id, let number, let content):
      .heading(level: level, id: id, number: number, content: resolved(content))
    case .paragraph(let content): .paragraph(resolved(content))
    case .list(let list): .list(resolved(list))
    case .quote(let blocks): .quote(blocks.map { resolved($0) })
    case .alert(let kind, let blocks): .alert(kind, blocks.map { resolved($0) })
    case .table(let table):
      .table(
        ProseTable(
          alignments: table.alignments, header: table.header.map { resolved($0) },
          rows: table.rows.map { $0.map { resolved($0) } }))
    case .footnote(let number, let blocks): .footnote(number: number, blocks.map { resolved($0) })
    case .code, .rule, .equation, .cell: block
    }
  }

  private func resolved(_ list: ProseList) -> ProseList {
    var list = list
    for index in list.items.indices { list.items[index].blocks = list.items[index].blocks.map { resolved($0) } }
    return list
  }

  private func resolved(_ content: [ProseInline]) -> [ProseInline] {
    content.map { inline in
      switch inline {
      case .emphasis(let inner): .emphasis(resolved(inner))
      case .strong(let inner): .strong(resolved(inner))
      case .strikethrough(let inner): .strikethrough(resolved(inner))
      case .link(let target, let title, let inner):
        if target.hasPrefix("#"), let name = names[String(target.dropFirst())],
          ReportBuilder.isKind(inner.plainText)
        {
          .link(target: target, title: title, [.text(name)])
        } else {
          .link(target: target, title: title, resolved(inner))
        }
      case .text, .code, .image, .mathematics, .value, .failedValue, .footnoteReference, .softBreak, .lineBreak: inline
      }
    }
  }

  // MARK: - Provenance

  private func provenance(_ report: inout Report, name: String) {
    report.settings = [Report.Fact("Seed", "\(provenance.seed)")]
    for (name, value) in provenance.parameters.sorted(by: { $0.key < $1.key }) {
      report.settings.append(Report.Fact("Parameter \(name)", value))
    }
    for file in provenance.files {
      report.settings.append(Report.Fact(file.path, "SHA-256 \(file.digest.description.prefix(16))…"))
    }
    let epochs = provenance.engine.epochs.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
    report.reproduction = [
      Report.Fact("Program", "Cairn \(provenance.engineVersion)"),
      Report.Fact("Epochs other than 1", epochs.isEmpty ? "none" : epochs.joined(separator: ", ")),
      Report.Fact("Numeric class", provenance.engine.numericClass),
      Report.Fact(
        "Cache schema", "\(CacheStore.schemaVersion), records \(CellManifest.formatVersion)"),
      Report.Fact("Command", provenance.commandLine),
      Report.Fact(name, "SHA-256 \(Digest.sha256(of: document.source.bytes))"),
    ]
    for file in provenance.files {
      report.reproduction.append(Report.Fact(file.path, "SHA-256 \(file.digest)"))
    }
    guard !provenance.isReproducible else { return }
    let cells = results.filter { $0.cell.inline == nil }
    let cached = cells.filter { $0.source == .cached }.count
    let pinned = cells.filter { $0.source == .pinned }.count
    report.runFacts = [
      Report.Fact(
        "Cells", "\(cells.count), of which \(cached) from the cache" + (pinned > 0 ? " and \(pinned) pinned" : "")),
      Report.Fact("Wall time", NumberText.fixed(provenance.wallSeconds, places: 2) + " s"),
    ]
  }
}

/// Files that a notebook's text shows.
enum ProseFiles {
  static func read(_ path: String, in folder: URL) -> [UInt8]? {
    guard !path.isEmpty else { return nil }
    let url = path.hasPrefix("/") ? URL(fileURLWithPath: path) : folder.appendingPathComponent(path)
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder), !isFolder.boolValue else {
      return nil
    }
    return FileManager.default.contents(atPath: url.path).map { Array($0) }
  }
}

/// The headings of a text: levels that fit below the page's title, numbers, contents.
private struct Outline {
  private(set) var title: String?
  private(set) var blocks: [ProseBlock]
  private(set) var sections: [Report.Section] = []

  init(_ blocks: [ProseBlock], title: String?, isNumbered: Bool) {
    self.title = title
    self.blocks = blocks
    // Without a title above, the first heading is the title.
    if title == nil, case .heading(1, _, _, let content)? = blocks.first {
      self.title = content.plainText
      self.blocks.removeFirst()
    }
    let levels = self.blocks.compactMap { if case .heading(let level, _, _, _) = $0 { level } else { nil } }
    let shift = 2 - (levels.min() ?? 2)
    var counters = Array(repeating: 0, count: 7)
    for index in self.blocks.indices {
      guard case .heading(let level, let id, _, let content) = self.blocks[index] else { continue }
      let shown = max(2, min(6, level + shift))
      counters[shown] += 1
      for deeper in (shown + 1)..<8 where deeper < counters.count { counters[deeper] = 0 }
      let number = isNumbered ? (2...shown).map { String(counters[$0]) }.joined(separator: ".") : nil
      self.blocks[index] = .heading(level: shown, id: id, number: number, content: content)
      sections.append(Report.Section(level: shown, id: id, number: number, title: content.plainText))
    }
  }

  /// Two levels; three where the upper one is a single heading over everything.
  var contents: [Report.Section] {
    let deepest = sections.filter { $0.level == 2 }.count == 1 ? 4 : 3
    return sections.filter { $0.level <= deepest }
  }
}

extension Report {
  /// Shows messages about the whole notebook above everything else.
  package mutating func add(_ diagnostics: [Diagnostic], sources: SourceMap) {
    guard !diagnostics.isEmpty else { return }
    let outputs = diagnostics.map { ReportCell.Output.message(ReportBuilder.message($0, sources)) }
    cells.append(
      ReportCell(
        id: "messages", title: "Messages", code: [], codeDisplay: .hide, outputs: outputs, badge: nil, state: .done))
    blocks.insert(.cell(cells.count - 1), at: 0)
  }
}
