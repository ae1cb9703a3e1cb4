/// What a part of a formula is to its neighbors, which decides the space between them (The TeXbook, chapter 18).
enum MathClass {
  case ordinary, largeOperator, function, binary, relation, opening, closing, punctuation
  /// What stands between delimiters that grow with it.
  case inner
  /// A space, which neighbors look through.
  case transparent
}

/// Where the scripts of a base stand.
enum ScriptPlacement {
  case beside
  /// Under and over in displayed formulas, beside in lines of text.
  case underInDisplay
  case under
}

/// The elements with children that formulas are made of.
enum MathElement: String {
  case row = "mrow"
  case superscript = "msup"
  case `subscript` = "msub"
  case bothScripts = "msubsup"
  case under = "munder"
  case over = "mover"
  case underOver = "munderover"
  case fraction = "mfrac"
  case root = "msqrt"
  case indexedRoot = "mroot"
  case table = "mtable"
  case tableRow = "mtr"
  case tableCell = "mtd"
  case style = "mstyle"
  case padded = "mpadded"
  case phantom = "mphantom"

  /// Whether an operator as first child makes the whole act as one, in the words of MathML an embellished operator.
  var isEmbellishment: Bool {
    switch self {
    case .superscript, .subscript, .bothScripts, .under, .over, .underOver: true
    case .row, .fraction, .root, .indexedRoot, .table, .tableRow, .tableCell, .style, .padded, .phantom: false
    }
  }
}

/// An `<mo>` with what differs from MathML's operator dictionary.
struct MathOperator {
  enum Form: String {
    case prefix, infix, postfix
  }

  var text: String
  var form: Form?
  var isStretchy: Bool?
  /// The exact size of a stretched delimiter.
  var size: String?
  var movesLimits: Bool?
  var leftSpace: String?
  var rightSpace: String?

  init(_ text: String, form: Form? = nil, isStretchy: Bool? = nil, size: String? = nil) {
    self.text = text
    self.form = form
    self.isStretchy = isStretchy
    self.size = size
  }

  var attributes: [(String, String)] {
    var result: [(String, String)] = []
    if let form { result.append(("form", form.rawValue)) }
    if let isStretchy { result.append(("stretchy", "\(isStretchy)")) }
    if let size { result += [("minsize", size), ("maxsize", size)] }
    if let movesLimits { result.append(("movablelimits", "\(movesLimits)")) }
    if let leftSpace { result.append(("lspace", leftSpace)) }
    if let rightSpace { result.append(("rspace", rightSpace)) }
    return result
  }
}

/// A part of a formula.
struct MathNode {
  indirect enum Content {
    case identifier(String, isUpright: Bool)
    case number(String)
    case text(String)
    case `operator`(MathOperator)
    /// Thousandths of an em.
    case space(Int)
    /// A strut below the line, in thousandths of an em.
    case depth(Int)
    /// The sign between a function and its argument, which is not seen, and the space after it.
    case application(isSpaced: Bool)
    case element(MathElement, attributes: [(String, String)], [MathNode])
    /// Source text that was not understood.
    case error(String)
  }

  var content: Content
  var mathClass: MathClass
  var placement = ScriptPlacement.beside

  init(_ content: Content, _ mathClass: MathClass = .ordinary, placement: ScriptPlacement = .beside) {
    self.content = content
    self.mathClass = mathClass
    self.placement = placement
  }

  // MARK: - Making

  static func error(_ source: String) -> MathNode { MathNode(.error(source)) }

  static func `operator`(_ text: String, _ mathClass: MathClass, stretchy: Bool? = nil) -> MathNode {
    MathNode(.operator(MathOperator(text, isStretchy: stretchy)), mathClass)
  }

  static func space(_ thousandths: Int) -> MathNode { MathNode(.space(thousandths), .transparent) }

  static func element(
    _ element: MathElement, _ attributes: [(String, String)], _ children: [MathNode], _ mathClass: MathClass = .ordinary
  ) -> MathNode {
    MathNode(.element(element, attributes: attributes, children), mathClass)
  }

  static func element(
    _ element: MathElement, _ children: [MathNode], _ mathClass: MathClass = .ordinary
  ) -> MathNode {
    MathNode(.element(element, attributes: [], children), mathClass)
  }

  /// Parts with their spaces, as one ordinary part.
  static func row(_ nodes: [MathNode], isScript: Bool) -> MathNode {
    var spaced = MathSpacing.spaced(nodes, isScript: isScript)
    if spaced.count == 1 {
      if spaced[0].mathClass != .transparent { spaced[0].becomeOrdinary() }
      return spaced[0]
    }
    return element(.row, spaced)
  }

  /// Parts with their spaces, keeping the class of a single one: what a script stands on.
  static func base(_ nodes: [MathNode], isScript: Bool) -> MathNode {
    nodes.count == 1 ? nodes[0] : row(nodes, isScript: isScript)
  }

  // MARK: - Operators inside

  /// Changes the operator that this part is, or is an embellishment of.
  mutating func changeOperator(_ change: (inout MathOperator) -> Void) {
    switch content {
    case .operator(var inner):
      change(&inner)
      content = .operator(inner)
    case .element(let element, let attributes, var children):
      guard element.isEmbellishment, !children.isEmpty else { return }
      children[0].changeOperator(change)
      content = .element(element, attributes: attributes, children)
    case .identifier, .number, .text, .space, .depth, .application, .error: return
    }
  }

  /// Whether this is an operator, or an embellishment of one.
  var isOperator: Bool {
    switch content {
    case .operator: true
    case .element(let element, _, let children): element.isEmbellishment && children.first?.isOperator == true
    case .identifier, .number, .text, .space, .depth, .application, .error: false
    }
  }

  /// Takes the spaces of an operator away, as braces do in TeX.
  mutating func becomeOrdinary() {
    switch mathClass {
    case .binary, .relation, .punctuation:
      changeOperator { inner in
        if inner.form == nil, MathSpacing.signs.contains(inner.text) {
          inner.form = .prefix
        } else if inner.form == nil || inner.leftSpace != nil {
          inner.leftSpace = "0"
          inner.rightSpace = "0"
        }
      }
      mathClass = .ordinary
    case .opening, .closing: mathClass = .ordinary
    case .ordinary, .largeOperator, .function, .inner, .transparent: break
    }
  }

  mutating func loseSpace() {
    changeOperator { inner in
      inner.leftSpace = "0"
      inner.rightSpace = "0"
    }
  }

  mutating func becomeInfix() { changeOperator { $0.form = $0.form ?? .infix } }

  /// Whether this is the empty group `{}`.
  var isEmpty: Bool {
    if case .element(.row, _, let children) = content { return children.isEmpty }
    return false
  }

  // MARK: - Writing

  func write(to html: inout HTMLWriter) {
    switch content {
    case .identifier(let name, let isUpright):
      html.raw(isUpright ? "<mi mathvariant=\"normal\">" : "<mi>")
      html.escaped(name)
      html.raw("</mi>")
    case .number(let digits): html.element("mn", digits)
    case .text(let text): html.element("mtext", text)
    case .operator(let inner):
      html.raw("<mo")
      for (key, value) in inner.attributes { html.raw(" \(key)=\"\(value)\"") }
      html.raw(">")
      html.escaped(inner.text)
      html.raw("</mo>")
    case .space(let size): html.raw("<mspace width=\"\(MathNode.ems(size))\"/>")
    case .depth(let size): html.raw("<mspace width=\"0\" depth=\"\(MathNode.ems(size))\"/>")
    case .application(let isSpaced):
      html.raw(isSpaced ? "<mo rspace=\"\(MathSpacing.thin)\">" : "<mo>")
      html.raw("&#x2061;</mo>")
    case .element(let element, let attributes, let children):
      html.raw("<\(element.rawValue)")
      for (key, value) in attributes { html.raw(" \(key)=\"\(value)\"") }
      html.raw(">")
      for child in children { child.write(to: &html) }
      html.raw("</\(element.rawValue)>")
    case .error(let source):
      html.raw("<merror>")
      html.element("mtext", source)
      html.raw("</merror>")
    }
  }

  /// A length without trailing zeros: `-0.167em`.
  static func ems(_ thousandths: Int) -> String {
    let size = thousandths.magnitude
    var fraction = String(size % 1000 + 1000).dropFirst()
    while fraction.hasSuffix("0") { fraction.removeLast() }
    return "\(thousandths < 0 ? "-" : "")\(size / 1000)\(fraction.isEmpty ? "" : ".")\(fraction)em"
  }
}
