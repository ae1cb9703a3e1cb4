/// Pieces of pages that other formats use too.
package enum HTMLNames {
  /// A path's part in a link.
  package static func percentEncoded(_ text: String) -> String { HTMLWriter.percentEncoded(text) }

  /// A table alone, for a page that has its own style.
  package static func table(_ table: TextTable) -> String {
    var page = PageWriter()
    page.bareTable(table)
    return page.html.string
  }
}

extension TextTable {
  /// Every cell as text, numbers of one column with the same decimals.
  package var cellTexts: [[String]] {
    let columns = columns.indices.map { TextRenderer.Column(self, $0, usesUnicode: true) }
    return rows.indices.map { row in
      columns.map { column in String(column.cells[row].reversed().drop { $0 == " " }.reversed()) }
    }
  }
}
