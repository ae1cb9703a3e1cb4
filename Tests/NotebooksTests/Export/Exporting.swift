import Foundation
import Notebooks
import Numerics
import Rendering
import Syntax
import TestSupport

/// A notebook run over files in memory, as a report: the one place that knows how reports are put together.
struct Exporting {
  let document: NotebookDocument
  let run: Running
  let sources: SourceMap
  let report: Report

  init(_ text: String, files: [String: String] = [:], folder: URL? = nil) throws {
    run = try Running(text, files: files)
    sources = run.session.sources
    let source = SourceText(id: SourceID(-1), name: "page.nb.md", bytes: Array(text.utf8))
    document = NotebookParser.parse(source, version: Running.version)
    report = ReportBuilder.report(
      document, results: run.results, sources: sources, name: "page.nb.md",
      folder: folder ?? URL(fileURLWithPath: "/nonexistent"),
      provenance: .init(
        engineVersion: "0.1.0", engine: EngineIdentity(epochs: [:], numericClass: "test"), commandLine: "cairn export",
        seed: 0, parameters: [:],
        files: files.map { ($0.key, Digest.sha256(of: Array($0.value.utf8))) }.sorted { $0.0 < $1.0 },
        wallSeconds: 0, isReproducible: true))
  }

  var page: String { HTMLRenderer(hash: { _ in "hash" }).page(report) }
  var jupyter: [UInt8] {
    get throws { try JupyterExport(document, results: run.results, sources: sources, isReproducible: true).bytes() }
  }

  /// What stands in the page's `<main>`.
  var main: String {
    let page = page
    guard let start = page.range(of: "<main"), let end = page.range(of: "</main>") else { return "" }
    return String(page[start.lowerBound..<end.upperBound])
  }
}
