import Rendering
package import Syntax

/// A notebook file taken apart without loss: concatenating the parts gives the bytes back.
package struct NotebookDocument: Sendable {
  package enum Part: Sendable {
    /// Everything before the closing `---` line, that line included.
    case frontMatter(ByteRange)
    case prose(ByteRange)
    case cell(NotebookCell)
  }

  package struct ByteRange: Sendable, Equatable {
    package var start: Int
    package var end: Int
  }

  package var source: SourceText
  package var parts: [Part]
  /// Text between cells, without fences that are only shown and without comments.
  package var textRanges: [ByteRange] = []
  /// Expressions in the text whose values stand in their place, in order.
  package var inlineValues: [NotebookCell] = []
  package var frontMatter: FrontMatter
  package var diagnostics: [Diagnostic]

  package var cells: [NotebookCell] {
    parts.compactMap { if case .cell(let cell) = $0 { cell } else { nil } }
  }

  /// The bytes of the file.
  package var printed: [UInt8] {
    parts.flatMap { part -> ArraySlice<UInt8> in
      switch part {
      case .frontMatter(let range), .prose(let range): source.bytes[range.start..<range.end]
      case .cell(let cell): source.bytes[cell.whole.start..<cell.whole.end]
      }
    }
  }
}

/// An executable cell: a fence whose info string is `swift {…}`.
package struct NotebookCell: Sendable {
  package enum Flag: String, Sendable, CaseIterable {
    case hidden, fold, setup, slow, exercise, solution
    case noCode = "no-code"
    case noOutput = "no-output"
  }
  package enum Output: String, Sendable { case text, table, plot, all }
  package enum ErrorPolicy: String, Sendable { case none, allow, require }
  /// `never`: the cell always runs; `pin`: its last result stays, whatever changes.
  package enum CachePolicy: String, Sendable { case never, auto, pin }

  /// From 1, in document order; 0 for an inline value.
  package var number: Int
  package var label: String?
  package var flags: Set<Flag>
  /// Option values as written, by key.
  package var options: [String: String]
  /// Options that are lists, by key.
  package var lists: [String: [String]] = [:]
  package var errorPolicy: ErrorPolicy
  /// Where the option `error` stands, or the fence.
  package var errorSpan: SourceSpan
  package var seed: Int?
  package var cachePolicy = CachePolicy.auto
  /// Which kinds of events are shown.
  package var output = Output.all
  /// The fence with its first and last line.
  package var whole: NotebookDocument.ByteRange
  /// The code after the option lines.
  package var code: NotebookDocument.ByteRange
  /// The line of the file that the code starts on.
  package var firstLine: Int
  /// For an expression in the text, a cell of its own: how it writes its value. Nil for a fence.
  package var inline: InlineFormat?

  /// How lists and headings call the cell.
  package var name: String { label ?? (inline == nil ? "cell \(number)" : "line \(firstLine)") }

  /// How messages call the cell.
  package var title: String {
    if inline != nil { return "the value in line \(firstLine)" }
    return label.map { "cell `\($0)`" } ?? "cell \(number)"
  }

  /// Whether an event of the cell is to be seen among its output: `.hidden`, `.no-output` and `output:` keep back what
  /// it shows, diagnostics never. Verdicts of fits stand at the top of a report.
  package func shows(_ event: CellEvent) -> Bool {
    guard case .output(let shown) = event else { return true }
    if case .verdict = shown { return false }
    if flags.contains(.hidden) || flags.contains(.noOutput) { return false }
    switch output {
    case .all: return true
    case .text: if case .text = shown { return true } else { return false }
    case .table: if case .table = shown { return true } else { return false }
    case .plot: if case .figure = shown { return true } else { return false }
    }
  }
}

/// What stands between `---` lines at the top.
package struct FrontMatter: Sendable {
  package var title: String?
  package var seed: Int?
  package var engine: String?
  /// How much numbers of a snapshot may differ, relatively.
  package var tolerance = 1e-6
  /// `params:` by name, as text.
  package var parameters: [String: String] = [:]
  /// Scalars of all keys, as text.
  package var values: [String: String] = [:]
  /// Flat lists of all keys, as texts.
  package var lists: [String: [String]] = [:]
  package init() {}

  /// A `true` or `false`; nil where the key is absent.
  func flag(_ key: String) -> Bool? {
    switch values[key]?.lowercased() {
    case "true", "yes", "on": true
    case "false", "no", "off": false
    default: nil
    }
  }
}
