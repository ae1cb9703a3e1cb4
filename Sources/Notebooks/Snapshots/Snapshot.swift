package import Foundation
package import Rendering

/// What a notebook showed, as files to commit: `NAME.out/` with a text file per output and an index of exact numbers.
///
/// A later run is compared by meaning: words exactly, numbers within the notebook's tolerance, estimates from draws
/// within their Monte Carlo errors.
package struct Snapshot: Codable, Equatable, Sendable {
  package static let formatVersion = 1

  package struct Cell: Codable, Equatable, Sendable {
    /// Its label, or its number.
    package var name: String
    package var outputs: [Output]
  }

  package struct Output: Codable, Equatable, Sendable {
    /// The file with the text as a reader sees it.
    package var file: String
    package var text: String?
    package var table: Table?
    package var figure: Drawing?
  }

  /// A figure taken apart: what is said and what is drawn, each in the order of the figure.
  package struct Drawing: Codable, Equatable, Sendable {
    package var texts: [String]
    package var numbers: [[Value]]
  }

  package struct Table: Codable, Equatable, Sendable {
    package var title: String?
    package var columns: [String]
    package var rows: [[Value]]
    package var notes: [String]
  }

  /// A cell of a table: a number, a text, or nothing.
  package enum Value: Codable, Equatable, Sendable {
    case number(Double)
    case text(String)
    case missing
  }

  package var version = formatVersion
  package var cells: [Cell]

  /// Of the outputs of cells, by name in document order.
  package init(_ results: [(name: String, outputs: [OutputEvent])]) {
    cells = results.map { name, outputs in
      Cell(
        name: name,
        outputs: outputs.enumerated().compactMap { number, event in
          let file = Snapshot.fileName(name, number, event)
          switch event {
          case .text(let text): return Output(file: file, text: text)
          case .table(let table): return Output(file: file, table: Table(table))
          case .figure(let figure): return Output(file: file, figure: Drawing(figure))
          // How well a sampler did is not compared.
          case .verdict: return nil
          }
        })
    }.filter { !$0.outputs.isEmpty }
  }

  struct UnknownVersion: Error {}

  /// The file of a cell's output: a text, or a drawing.
  private static func fileName(_ cell: String, _ number: Int, _ event: OutputEvent) -> String {
    if case .figure = event { return "\(cell)-\(number + 1).svg" }
    return "\(cell)-\(number + 1).txt"
  }

  // MARK: - Files

  /// The folder of a notebook's snapshot: `NAME.out` beside it.
  package static func folder(of file: String) -> URL {
    let url = URL(fileURLWithPath: file)
    var name = url.lastPathComponent
    for suffix in [".nb.md", ".md"] where name.hasSuffix(suffix) {
      name.removeLast(suffix.count)
      break
    }
    return url.deletingLastPathComponent().appendingPathComponent(name + ".out")
  }

  /// The snapshot in a folder; nil where there is none.
  ///
  /// - Throws: Where there is one that cannot be read.
  package static func read(_ folder: URL) throws -> Snapshot? {
    let index = folder.appendingPathComponent("index.json")
    guard FileManager.default.fileExists(atPath: index.path) else { return nil }
    let snapshot = try JSONDecoder().decode(Snapshot.self, from: try Data(contentsOf: index))
    guard snapshot.version == formatVersion else { throw UnknownVersion() }
    return snapshot
  }

  /// Writes the snapshot in place of an earlier one; files of outputs that are gone go too.
  package func write(_ folder: URL, outputs: [(name: String, outputs: [OutputEvent])]) throws {
    let earlier = (try? Snapshot.read(folder))?.cells.flatMap { $0.outputs.map(\.file) } ?? []
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    try encoder.encode(self).write(to: folder.appendingPathComponent("index.json"), options: .atomic)
    let renderer = TextRenderer(width: 100)
    var written: Set<String> = []
    for (name, events) in outputs {
      for (number, event) in events.enumerated() {
        let file = Snapshot.fileName(name, number, event)
        let text: String
        switch event {
        case .figure(let figure): text = SVGRenderer(idPrefix: "", isStandalone: true).svg(figure)
        case .text, .table: text = renderer.text(event)
        case .verdict: continue
        }
        try Data(text.utf8).write(to: folder.appendingPathComponent(file), options: .atomic)
        written.insert(file)
      }
    }
    // The index may come from anybody: only texts and drawings in the folder itself go, and never a folder.
    for file in earlier where !written.contains(file) && !file.contains("/") {
      guard file.hasSuffix(".txt") || file.hasSuffix(".svg") else { continue }
      unlink(folder.appendingPathComponent(file).path)
    }
  }
}

extension Snapshot.Value {
  /// As JSON has them: a number, a text, or null.
  package init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .missing
    } else if let number = try? container.decode(Double.self) {
      self = .number(number)
    } else {
      self = .text(try container.decode(String.self))
    }
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .number(let number): try container.encode(number)
    case .text(let text): try container.encode(text)
    case .missing: try container.encodeNil()
    }
  }
}

extension Snapshot.Table {
  init(_ table: TextTable) {
    self.init(
      title: table.title, columns: table.columns.map(\.name),
      rows: table.rows.map { row in
        row.map { cell in
          switch cell {
          case .text(let text): .text(text)
          case .integer(let number): .number(Double(number))
          case .number(let number, _), .decimal(let number, _): Snapshot.Table.value(number)
          // A picture of numbers that are beside it, and different with every draw.
          case .bars, .missing: .missing
          }
        }
      }, notes: table.notes)
  }

  /// JSON has no infinities.
  static func value(_ number: Double) -> Snapshot.Value {
    number.isFinite ? .number(number) : .text("\(number)")
  }
}

extension Snapshot.Drawing {
  init(_ figure: Figure) {
    var texts = [figure.kind, figure.title ?? ""]
    var numbers: [[Double]] = []
    switch figure.content {
    case .diagram(let diagram):
      texts += diagram.plates + diagram.nodes.flatMap { [$0.name, $0.kind.rawValue, $0.detail ?? ""] }
      numbers =
        diagram.nodes.map { $0.plates.map(Double.init) } + [
          diagram.edges.flatMap { [$0.from, $0.to].map(Double.init) }
        ]
    case .panels(let panels):
      for panel in panels {
        texts += [panel.title ?? "", panel.x.label ?? "", panel.y.label ?? ""]
        for axis in [panel.x, panel.y] { if case .categories(let names) = axis.scale { texts += names } }
        for mark in panel.marks {
          texts.append(mark.name ?? "")
          if case .labels(_, _, let labels) = mark.shape { texts += labels }
          numbers += mark.shape.numbers
        }
      }
    }
    self.init(texts: texts, numbers: numbers.map { $0.map(Snapshot.Table.value) })
  }
}
