/// Text between cells, as a tree: what a renderer may show of Markdown, and nothing else.
///
/// There is no node for raw HTML: it appears as the text that it is.
package enum ProseBlock: Sendable, Equatable {
  /// `level` counts from 1; `number` is `2.1` where sections are numbered.
  case heading(level: Int, id: String, number: String?, content: [ProseInline])
  case paragraph([ProseInline])
  case code(language: String?, pieces: [CodePiece])
  case list(ProseList)
  case quote([ProseBlock])
  case alert(ProseAlert, [ProseBlock])
  case table(ProseTable)
  case rule
  /// A formula on a line of its own; numbered where it has an id.
  case equation(tex: String, id: String?, number: Int?)
  /// The place of a cell, by its index in the report's cells.
  case cell(Int)
  /// What a note at the end of the document says.
  case footnote(number: Int, [ProseBlock])
}

/// Text inside of a block.
package indirect enum ProseInline: Sendable, Equatable {
  case text(String)
  case code(String)
  case emphasis([ProseInline])
  case strong([ProseInline])
  case strikethrough([ProseInline])
  /// To a fragment (`#id`), or to a place outside; the renderer shows links of other schemes as text.
  case link(target: String, title: String, [ProseInline])
  /// A picture that is part of the document.
  case image(type: String, bytes: [UInt8], alternative: String)
  case mathematics(tex: String, isDisplay: Bool)
  /// What an expression in the text gave.
  case value(String)
  /// An expression in the text that gave nothing, in its own words.
  case failedValue(String)
  case footnoteReference(number: Int, occurrence: Int)
  case softBreak
  case lineBreak
}

package struct ProseList: Sendable, Equatable {
  package struct Item: Sendable, Equatable {
    package var blocks: [ProseBlock]
    /// Of a task list; nil elsewhere.
    package var isChecked: Bool?
    package init(blocks: [ProseBlock], isChecked: Bool? = nil) {
      self.blocks = blocks
      self.isChecked = isChecked
    }
  }
  package var isOrdered: Bool
  package var start: Int
  /// Whether items have no space between them.
  package var isTight: Bool
  package var items: [Item]
  package init(isOrdered: Bool, start: Int, isTight: Bool, items: [Item]) {
    self.isOrdered = isOrdered
    self.start = start
    self.isTight = isTight
    self.items = items
  }
}

package enum ProseAlert: String, Sendable, CaseIterable { case note, tip, important, warning, caution }

package struct ProseTable: Sendable, Equatable {
  package enum Alignment: Sendable { case none, left, center, right }
  package var alignments: [Alignment]
  package var header: [[ProseInline]]
  package var rows: [[[ProseInline]]]
  package init(alignments: [Alignment], header: [[ProseInline]], rows: [[[ProseInline]]]) {
    self.alignments = alignments
    self.header = header
    self.rows = rows
  }
}

extension [ProseInline] {
  /// The words alone.
  package var plainText: String {
    map { inline in
      switch inline {
      case .text(let text), .code(let text), .value(let text), .failedValue(let text): text
      case .emphasis(let content), .strong(let content), .strikethrough(let content), .link(_, _, let content):
        content.plainText
      case .image(_, _, let alternative): alternative
      case .mathematics(let tex, _): tex
      case .footnoteReference: ""
      case .softBreak, .lineBreak: " "
      }
    }.joined()
  }
}

/// A piece of code and what kind of word it is; the pieces of a text give it back.
package struct CodePiece: Sendable, Equatable {
  package enum Kind: String, Sendable { case plain, keyword, type, function, string, number, comment, `operator` }
  package var text: String
  package var kind: Kind
  package init(_ text: String, _ kind: Kind) {
    self.text = text
    self.kind = kind
  }
}
