/// One thing a cell shows. Terminal, report, snapshot and cache all hold these, in order.
///
/// No event holds a time, a path of this machine or anything else that a second run would not repeat.
package enum OutputEvent: Sendable, Equatable {
  /// Text as printed, or the value of a cell's last expression.
  case text(String)
  case table(TextTable)
  case figure(Figure)
  /// How a fit went; reports show it at their top, terminals leave it out.
  case verdict(Verdict)
}

/// A table as data: cells keep their numbers, so that every renderer formats for its own medium.
package struct TextTable: Sendable, Equatable {
  package enum Alignment: String, Sendable { case leading, trailing }

  package enum Cell: Sendable, Equatable {
    case text(String)
    case integer(Int)
    /// `significantDigits` of the number are worth showing.
    case number(Double, significantDigits: Int)
    /// Fixed number of decimals, for columns that must align at the point.
    case decimal(Double, places: Int)
    /// A histogram in a line: heights from 1 to 8.
    case bars([Int])
    case missing
  }

  package struct Column: Sendable, Equatable {
    package var name: String
    package var alignment: Alignment
    package init(name: String, alignment: Alignment) {
      self.name = name
      self.alignment = alignment
    }
  }

  package var title: String?
  package var columns: [Column]
  package var rows: [[Cell]]
  /// Lines under the table: what was left out, what a column means, warnings in words.
  package var notes: [String]
  /// How many rows a terminal shows, where that are fewer than there are; a report shows more.
  package var preview: Int?
  /// Rows that were left out of ``rows``, at the end.
  package var omittedRows = 0
  package init(title: String? = nil, columns: [Column], rows: [[Cell]], notes: [String] = []) {
    self.title = title
    self.columns = columns
    self.rows = rows
    self.notes = notes
  }
}
