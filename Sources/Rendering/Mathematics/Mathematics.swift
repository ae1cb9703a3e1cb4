/// A formula written in a subset of TeX, as MathML.
package struct Mathematics {
  /// Something in a formula that was not understood.
  package struct Problem: Sendable, Equatable {
    package var message: String
    /// What is likely meant.
    package var help: String?
    /// Where it begins, in bytes of the formula's UTF-8.
    package var offset: Int
    /// How many bytes it takes.
    package var length: Int

    package init(message: String, help: String? = nil, offset: Int, length: Int) {
      self.message = message
      self.help = help
      self.offset = offset
      self.length = length
    }
  }

  /// The longest formula, in bytes.
  static let lengthLimit = 20_000
  /// How deep groups, arguments and environments may stand in each other.
  static let depthLimit = 100

  /// The rules a page's style sheet needs: MathML Core leaves the alignment of columns to CSS.
  ///
  /// They refer to attributes of the markup alone, as a strict content policy forbids `style` attributes.
  package static let styleSheet = """
    mtd[columnalign="left"]{text-align:left;text-align:-webkit-left}
    mtd[columnalign="right"]{text-align:right;text-align:-webkit-right}
    mtable[columnspacing]>mtr>mtd[columnalign="right"]{padding-right:0}
    mtable[columnspacing]>mtr>mtd[columnalign="left"]{padding-left:0}
    mtable[columnspacing]>mtr>mtd[columnalign="right"]:first-child{padding-left:0}
    mtable[columnspacing]>mtr>mtd[columnalign="right"]:not(:first-child){padding-left:1.5em}
    merror{outline:none;border:1px dotted;background:none}
    """

  /// The `<math>` element of a formula.
  ///
  /// Never fails: what is not understood appears as its source text inside `<merror><mtext>…</mtext></merror>`, and
  /// is listed in `problems`. The source stands in an `<annotation>`, where copying tools find it and screen readers,
  /// which read the elements, are not given backslashes to speak.
  ///
  /// - Complexity: linear in the formula's length.
  package static func mathML(_ tex: String, isDisplay: Bool) -> (markup: String, problems: [Problem]) {
    var html = HTMLWriter()
    html.raw(isDisplay ? "<math display=\"block\"><semantics>" : "<math><semantics>")
    var problems: [Problem] = []
    if tex.utf8.count > lengthLimit {
      problems.append(
        Problem(
          message: "this formula has \(tex.utf8.count) bytes; a formula may have \(lengthLimit)",
          help: "write it as several formulas", offset: 0, length: tex.utf8.count))
      MathNode.error(tex).write(to: &html)
    } else {
      var parser = TeXParser(tex, isDisplay: isDisplay)
      parser.formula().write(to: &html)
      problems = parser.problems.sorted { ($0.offset, $0.length) < ($1.offset, $1.length) }
    }
    html.raw("<annotation encoding=\"application/x-tex\">")
    html.escaped(tex)
    html.raw("</annotation></semantics></math>")
    return (html.string, problems)
  }
}
