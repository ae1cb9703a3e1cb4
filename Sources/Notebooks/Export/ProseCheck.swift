package import Foundation
import Rendering
package import Syntax

/// Checks the text between cells: what a report could not show as it is meant.
package enum ProseCheck {
  /// - Parameter folder: Where pictures are looked for.
  package static func diagnostics(_ document: NotebookDocument, folder: URL) -> [Diagnostic] {
    let prose = ProseParser.parse(document, readFile: { ProseFiles.read($0, in: folder) })
    var result: [Diagnostic] = []
    var known = Set(prose.headings + prose.equations + document.cells.compactMap(\.label))
    known.insert("content")
    for reference in prose.references where !known.contains(reference.id) {
      result.append(
        Diagnostic(
          "N039", "nothing is called `#\(reference.id)`",
          at: span(of: "(#\(reference.id)", in: reference.lines, document.source),
          help: Nearest.suggest(reference.id, known.sorted()).map { "did you mean `#\($0)`?" }
            ?? "labels are those of cells, of equations, and of headings"))
    }
    var seen: [String: Int] = [:]
    for label in prose.equations {
      seen[label, default: 0] += 1
      if seen[label] == 2 {
        result.append(
          Diagnostic(
            "N011", "the label `\(label)` stands twice", at: span(of: "{#\(label)}", in: 0...Int.max, document.source),
            help: "labels are unique in a notebook"))
      }
    }
    for formula in prose.formulas {
      for problem in formula.problems {
        let offset = max(0, min(formula.tex.utf8.count, problem.offset))
        result.append(
          Diagnostic(
            "N040", .warning, problem.message,
            at: span(
              of: formula.tex, in: formula.lines, document.source, from: offset,
              length: max(1, min(problem.length, formula.tex.utf8.count - offset))),
            help: problem.help ?? "`docs/mathematics.md` lists what formulas may hold"))
      }
    }
    for image in prose.missingImages {
      result.append(
        Diagnostic(
          "N046", .warning, "the picture `\(image.path)` is left out: \(image.reason)",
          at: span(of: image.path, in: image.lines, document.source),
          help: "paths are relative to the folder of the notebook"))
    }
    return result
  }

  /// What a careful reader misses: captions and text alternatives of figures, as `check --strict` asks.
  package static func strict(_ results: [CellResult]) -> [Diagnostic] {
    results.flatMap { result -> [Diagnostic] in
      let cell = result.cell
      let figures = result.events.filter {
        if case .output(.figure) = $0 { cell.shows($0) } else { false }
      }
      guard !figures.isEmpty else { return [] }
      var missing: [Diagnostic] = []
      if cell.options["caption"] == nil {
        missing.append(
          Diagnostic(
            "N041", "\(cell.title) shows a figure without a caption", at: cell.errorSpan,
            help: "write `//| caption: …` at the top of the cell"))
      }
      if cell.options["alt"] == nil, cell.lists["alt"] == nil {
        missing.append(
          Diagnostic(
            "N042", "\(cell.title) shows a figure without an author's text alternative", at: cell.errorSpan,
            help: "write `//| alt: …`: what the figure shows, and what a reader should see in it"))
      }
      return missing
    }
  }

  /// The first place of a text in some lines of the file; their beginning where it is not found.
  private static func span(
    of text: String, in lines: ClosedRange<Int>, _ source: SourceText, from offset: Int = 0, length: Int? = nil
  ) -> SourceSpan {
    let count = source.lineStarts.count
    let first = max(0, min(count - 1, lines.lowerBound))
    let last = max(first, min(count - 1, lines.upperBound))
    let start = Int(source.lineStarts[first])
    let end = last + 1 < count ? Int(source.lineStarts[last + 1]) : source.bytes.count
    let wanted = Array(text.utf8)
    let region = source.bytes[start..<max(start, end)]
    let found = wanted.isEmpty ? nil : region.firstRange(of: wanted)
    let place = found.map {
      ($0.lowerBound + offset)..<min($0.upperBound, $0.lowerBound + offset + (length ?? wanted.count))
    }
    let range = place ?? start..<min(end, start + 1)
    return SourceSpan(source: source.id, start: Int32(range.lowerBound), end: Int32(range.upperBound))
  }
}
