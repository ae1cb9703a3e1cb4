// The parts that formulas are made of, one function each.
extension TeXParser {
  /// The next part without its scripts; more than one where a command shows several, none where it shows nothing.
  ///
  /// As an argument without braces only the first digit of a number is taken, as in TeX.
  mutating func nucleus(isArgument: Bool) -> [MathNode] {
    let start = index
    switch token.kind {
    case .openBrace: return [row(group())]
    case .character(let character):
      if isDigit(character) || (character == "." && !isArgument && digit(after: index)) {
        return [number(isArgument: isArgument)]
      }
      advance()
      return [self.character(character, isArgument: isArgument)]
    case .command(let name):
      advance()
      guard let command = TeXCommands.byName[name] else { return [unknown(name, from: start)] }
      if let node = tooDeepCommand(command, start) { return [node] }
      return nested { $0.part(command, name, start) }
    // These are dealt with by what calls; each is taken, so that reading goes on.
    case .superscript, .subscript, .ampersand, .closeBrace, .space:
      advance()
      return []
    case .end: return []
    }
  }

  /// A command with arguments where nesting has come to its end.
  private mutating func tooDeepCommand(_ command: TeXCommand, _ start: Int) -> MathNode? {
    switch command {
    case .identifier, .symbol, .large, .function, .delimiter, .space, .limits, .ignored, .label, .newRow, .end, .right,
      .middle, .style, .tag, .refused, .sized, .not, .independence:
      return nil
    case .accent, .over, .under, .arrow, .font, .text, .fraction, .binomial, .root, .left, .operatorName, .placed,
      .phantom,
      .classed, .modulo, .stackedLines, .begin:
      guard depth >= Mathematics.depthLimit else { return nil }
      index = start
      return tooDeep()
    }
  }

  // MARK: - Characters

  private func isDigit(_ character: String) -> Bool { character.count == 1 && character >= "0" && character <= "9" }

  private func digit(after place: Int) -> Bool {
    guard place + 1 < tokens.count, case .character(let next) = tokens[place + 1].kind else { return false }
    return isDigit(next)
  }

  /// `3.14` is one number; the comma of `1,000` is punctuation, as in TeX.
  private mutating func number(isArgument: Bool) -> MathNode {
    var digits = ""
    var hasPoint = false
    while case .character(let character) = token.kind {
      if isDigit(character) {
        digits += character
      } else if character == ".", !hasPoint, digit(after: index) {
        digits += "."
        hasPoint = true
      } else {
        break
      }
      advance()
      if isArgument { break }
    }
    return MathNode(.number(font?.mapped(digits) ?? digits))
  }

  private mutating func character(_ character: String, isArgument: Bool) -> MathNode {
    if let command = TeXCommands.byCharacter[character] {
      switch command {
      case .identifier(let sign, let isUpright): return letter(sign, isUpright: isUpright)
      case .symbol(let sign, let mathClass): return symbol(sign, mathClass)
      case .large(let sign, let placement): return large(sign, placement)
      case .delimiter(let sign, let mathClass): return delimiter(sign, mathClass)
      case .space(let size): return .space(size)
      case .independence: return independence()
      default: break
      }
    }
    guard let scalar = character.unicodeScalars.first else { return .element(.row, []) }
    guard scalar.properties.isAlphabetic else {
      switch scalar.properties.generalCategory {
      case .mathSymbol: return symbol(character, .ordinary)
      default: return MathNode(.text(character))
      }
    }
    var word = character
    if let font, font.isTextual, !isArgument {
      while case .character(let next) = token.kind, isLetter(next) {
        word += next
        advance()
      }
    }
    return letter(word, isUpright: false)
  }

  private func isLetter(_ character: String) -> Bool {
    TeXCommands.byCharacter[character] == nil && character.unicodeScalars.first?.properties.isAlphabetic == true
  }

  /// A letter or a word in the font of the place.
  func letter(_ text: String, isUpright: Bool) -> MathNode {
    // An <mi> of one letter is slanted by itself, one of several is not.
    let isSingle = text.unicodeScalars.count == 1
    guard let font else { return MathNode(.identifier(text, isUpright: isUpright)) }
    let shown = font.mapped(text)
    return MathNode(.identifier(shown, isUpright: isSingle && shown == text && (font == .roman || isUpright)))
  }

  func symbol(_ sign: String, _ mathClass: MathClass) -> MathNode {
    var inner = MathOperator(sign)
    switch sign {
    // Signs with space in the dictionary of operators that have none in TeX, and the other way.
    case "/", ".", "?", "@", "$", "%", "#", "√", "⋮":
      inner.leftSpace = "0"
      inner.rightSpace = "0"
    case "⌢", "⌣":
      inner.leftSpace = "0.278em"
      inner.rightSpace = "0.278em"
    case ":" where mathClass == .relation:
      inner.leftSpace = "0.278em"
      inner.rightSpace = "0.278em"
    case "∣", "∥", "∤", "∦": inner.isStretchy = false
    default: break
    }
    return MathNode(.operator(inner), mathClass)
  }

  private func large(_ sign: String, _ placement: ScriptPlacement) -> MathNode {
    MathNode(.operator(MathOperator(sign)), .largeOperator, placement: placement)
  }

  private func delimiter(_ sign: String, _ mathClass: MathClass) -> MathNode {
    var inner = MathOperator(sign, isStretchy: false)
    switch mathClass {
    // A bar may open or close: the form is told where it is known, and its space taken away where it is not.
    case .opening where sign == "|" || sign == "‖": inner.form = .prefix
    case .closing where sign == "|" || sign == "‖": inner.form = .postfix
    case .ordinary:
      inner.leftSpace = "0"
      inner.rightSpace = "0"
    case .opening, .closing, .largeOperator, .function, .binary, .relation, .punctuation, .inner, .transparent: break
    }
    return MathNode(.operator(inner), mathClass)
  }

  // MARK: - Commands

  private mutating func part(_ command: TeXCommand, _ name: String, _ start: Int) -> [MathNode] {
    switch command {
    case .identifier(let sign, let isUpright): return [letter(sign, isUpright: isUpright)]
    case .symbol("⟂", .relation): return [takesSecondPerpendicular() ? independence() : symbol("⟂", .relation)]
    case .independence: return [independence()]
    case .symbol(let sign, let mathClass): return [symbol(sign, mathClass)]
    case .large(let sign, let placement): return [large(sign, placement)]
    case .function(let shown, let placement):
      return [MathNode(.identifier(shown, isUpright: false), .function, placement: placement)]
    case .delimiter(let sign, let mathClass): return [delimiter(sign, mathClass)]
    case .accent(let sign, let isStretchy):
      let accent = MathNode.operator(sign, .ordinary, stretchy: isStretchy)
      // Without accent="true", which makes Chromium set dots and lines into the letter.
      return [.element(.over, [argument(of: start), accent])]
    case .over(let sign):
      let line = MathNode.operator(sign, .ordinary, stretchy: true)
      var node = MathNode.element(.over, [argument(of: start), line])
      if name == "overbrace" || name == "overbracket" { node.placement = .under }
      return [node]
    case .under(let sign):
      let line = MathNode.operator(sign, .ordinary, stretchy: true)
      var node = MathNode.element(.under, [argument(of: start), line])
      if name == "underbrace" || name == "underbracket" { node.placement = .under }
      return [node]
    case .arrow(let sign):
      var arrow = MathNode.operator(sign, .relation, stretchy: true)
      arrow.becomeInfix()
      let lower = scoped { parser -> MathNode? in
        parser.isScript = true
        return parser.optionalArgument().map { parser.row($0) }
      }
      let upper = script(of: start)
      if let lower { return [.element(.underOver, [arrow, lower, upper], .relation)] }
      return [.element(.over, [arrow, upper], .relation)]
    case .font(let alphabet):
      let nodes = parts(of: start, font: .some(alphabet))
      return [alphabet == .boldSymbol ? .base(nodes, isScript: isScript) : row(nodes)]
    case .text(let alphabet): return [words(alphabet, start)]
    case .space(let size): return [.space(size)]
    case .fraction(let isDisplay): return [fraction(start, isDisplay: isDisplay, isBinomial: false)]
    case .binomial(let isDisplay): return [fraction(start, isDisplay: isDisplay, isBinomial: true)]
    case .root:
      if let index = optionalArgument() {
        return [.element(.indexedRoot, [argument(of: start), row(index)])]
      }
      return [.element(.root, [argument(of: start)])]
    case .left: return [fenced(start)]
    case .sized(let size, let mathClass): return [sized(size, mathClass, start)]
    case .operatorName: return [operatorName(start)]
    case .placed(let isOver):
      let script = script(of: start)
      var base = MathNode.base(parts(of: start), isScript: isScript)
      if base.mathClass == .relation { base.becomeInfix() }
      return [.element(isOver ? .over : .under, [base, script], base.mathClass)]
    case .phantom(let hasWidth, let hasHeight):
      let hidden = MathNode.element(.phantom, [argument(of: start)])
      if hasWidth && hasHeight { return [hidden] }
      return [.element(.padded, hasWidth ? [("height", "0"), ("depth", "0")] : [("width", "0")], [hidden])]
    case .classed(let mathClass): return [classed(mathClass, start)]
    case .not: return [negated(start)]
    case .modulo:
      let inside = argument(of: start)
      let word = MathNode(.identifier("mod", isUpright: false))
      return [
        .space(1000), delimiter("(", .opening), word, .space(333), inside, delimiter(")", .closing),
      ]
    case .stackedLines: return [stackedLines(start)]
    case .begin: return [environment(start)]
    case .refused(let count, let message, let help): return [refused(count, message, help, start)]
    case .limits: return [failure("`\\\(name)` follows no sum, integral or function", from: start)]
    // Lists deal with these; each is listed here so that a new command is thought of.
    case .style, .tag, .label, .ignored, .end, .newRow, .right, .middle: return []
    }
  }

  /// The sign of independence, from two signs that many fonts have rather than from one that few have.
  private func independence(isNegated: Bool = false) -> MathNode {
    let bars = [isNegated ? "⟂\u{338}" : "⟂", "⟂"].map { sign -> MathNode in
      var node = MathNode.operator(sign, .relation)
      node.loseSpace()
      return node
    }
    let sign = [.element(.padded, [("width", "0.22em")], [bars[0]]), bars[1]]
    return .element(.row, isScript ? sign : [.space(278)] + sign + [.space(278)], .relation)
  }

  /// Whether `\!\!\!\perp` follows a `\perp`; it is taken then. Negative space is not shown everywhere.
  private mutating func takesSecondPerpendicular() -> Bool {
    let start = index
    var count = 0
    while true {
      skipSpaces()
      guard case .command(let name) = token.kind else { break }
      if name == "!" || name == "negthinspace" {
        count += 1
        advance()
      } else if count > 0, name == "perp" || name == "bot" {
        advance()
        return true
      } else {
        break
      }
    }
    index = start
    return false
  }

  private mutating func fraction(_ start: Int, isDisplay style: Bool?, isBinomial: Bool) -> MathNode {
    let upper = argument(of: start, isDisplay: false)
    let lower = argument(of: start, isDisplay: false)
    var node = MathNode.element(.fraction, isBinomial ? [("linethickness", "0")] : [], [upper, lower])
    if isBinomial {
      node = .element(
        .row,
        [
          MathNode(.operator(MathOperator("(", form: .prefix, isStretchy: true))), node,
          MathNode(.operator(MathOperator(")", form: .postfix, isStretchy: true))),
        ])
    }
    guard let style else { return node }
    return .element(.style, [("displaystyle", "\(style)"), ("scriptlevel", "0")], [node])
  }

  private mutating func classed(_ mathClass: MathClass, _ start: Int) -> MathNode {
    let nodes = parts(of: start)
    var node = nodes.count == 1 ? nodes[0] : row(nodes)
    switch mathClass {
    case .ordinary:
      node.becomeOrdinary()
      return node
    case .binary, .relation:
      // Only operators have space by themselves.
      if !node.isOperator {
        let size = mathClass == .binary ? 222 : 278
        node = .element(.row, [.space(size), node, .space(size)])
      }
    case .function: node.placement = .underInDisplay
    case .largeOperator, .opening, .closing, .punctuation, .inner, .transparent: break
    }
    node.mathClass = mathClass
    return node
  }

  /// `\not` and the sign it strikes out.
  private mutating func negated(_ start: Int) -> MathNode {
    skipSpaces()
    while token.kind == .command("!") {
      advance()
      skipSpaces()
    }
    var sign: String?
    switch token.kind {
    case .character(let character):
      if case .symbol(let found, _) = TeXCommands.byCharacter[character] { sign = found } else { sign = character }
    case .command(let name):
      if case .symbol(let found, .relation) = TeXCommands.byName[name] { sign = found }
      if case .symbol(let found, .ordinary) = TeXCommands.byName[name] { sign = found }
    case .openBrace, .closeBrace, .superscript, .subscript, .ampersand, .space, .end: break
    }
    if case .command(let name) = token.kind, name == "indep" || name == "Vbar" {
      advance()
      return independence(isNegated: true)
    }
    guard let sign else { return failure("`\\not` strikes out a sign, and none follows", from: start) }
    advance()
    if sign == "⟂", takesSecondPerpendicular() { return independence(isNegated: true) }
    let struck = TeXParser.negations[sign] ?? sign + "\u{338}"
    return .operator(struck, .relation)
  }

  private static let negations: [String: String] = [
    "=": "≠", "∈": "∉", "∋": "∌", "<": "≮", ">": "≯", "≤": "≰", "≥": "≱", "∼": "≁", "≈": "≉", "≡": "≢", "≅": "≇",
    "⊂": "⊄", "⊃": "⊅", "⊆": "⊈", "⊇": "⊉", "∣": "∤", "∥": "∦", "∃": "∄", "→": "↛", "←": "↚", "⇒": "⇏", "⊢": "⊬",
    "⊨": "⊭", "≺": "⊀", "≻": "⊁", "↔": "↮", "⇔": "⇎",
  ]

  /// A command that is left out on purpose, with its arguments.
  private mutating func refused(_ count: Int, _ message: String, _ help: String?, _ start: Int) -> MathNode {
    for place in 0..<count {
      // A definition names its command first, with or without braces.
      skipSpaces()
      if case .command = token.kind, place == 0 {
        advance()
      } else if rawArgument() == nil {
        break
      }
    }
    return failure(message, help: help, from: start)
  }

  // MARK: - Functions

  /// `\operatorname{…}` and `\operatorname*{…}`: one word where it is one.
  private mutating func operatorName(_ start: Int) -> MathNode {
    skipSpaces()
    let takesLimits = isAt("*")
    if takesLimits { advance() }
    let nodes = parts(of: start, font: .some(.roman))
    var word: String? = ""
    for node in nodes {
      switch node.content {
      case .identifier(let text, _): word?.append(text)
      case .number(let digits): word?.append(digits)
      case .operator(let inner) where inner.text == "−" || inner.text == "∗":
        word?.append(inner.text == "−" ? "-" : "*")
      case .space(let size): word?.append(size > 0 ? "\u{2009}" : "")
      case .text, .operator, .depth, .application, .element, .error: word = nil
      }
    }
    var node: MathNode
    if let word, !word.isEmpty {
      node = MathNode(.identifier(word, isUpright: word.unicodeScalars.count == 1))
    } else {
      node = row(nodes)
    }
    node.mathClass = .function
    node.placement = takesLimits ? .underInDisplay : .beside
    return node
  }

  // MARK: - Delimiters

  /// The sign of the delimiter that stands next; empty for a full stop, nil where there is none.
  private mutating func delimiterSign() -> String? {
    skipSpaces()
    switch token.kind {
    case .character(let character):
      switch character {
      case "(", ")", "[", "]", "|", "/", "‖", "⟨", "⟩", "⌊", "⌋", "⌈", "⌉", "⟦", "⟧", "↑", "↓":
        advance()
        return character
      case "<", ">":
        advance()
        return character == "<" ? "⟨" : "⟩"
      case ".":
        advance()
        return ""
      default: return nil
      }
    case .command(let name):
      switch TeXCommands.byName[name] {
      case .delimiter(let sign, _):
        advance()
        return sign
      case .symbol(let sign, .relation) where ["↑", "↓", "↕", "⇑", "⇓", "⇕"].contains(sign):
        advance()
        return sign
      default: return nil
      }
    case .openBrace, .closeBrace, .superscript, .subscript, .ampersand, .space, .end: return nil
    }
  }

  private func fence(_ sign: String, _ form: MathOperator.Form, _ mathClass: MathClass) -> [MathNode] {
    if sign.isEmpty { return [] }
    var inner = MathOperator(sign, form: form, isStretchy: true)
    let isArrow = sign.unicodeScalars.contains { (0x2190..<0x2200).contains($0.value) }
    if form == .infix || isArrow || sign == "/" || sign == "\\" {
      inner.leftSpace = "0"
      inner.rightSpace = "0"
    }
    return [MathNode(.operator(inner), mathClass)]
  }

  /// `\left( … \middle| … \right)`, from behind its `\left`.
  private mutating func fenced(_ start: Int) -> MathNode {
    var nodes: [MathNode] = []
    if let opening = delimiterSign() {
      nodes = fence(opening, .prefix, .opening)
    } else {
      nodes = [failure("`\\left` wants a delimiter", help: "write `\\left.` for none", from: start)]
    }
    openFences += 1
    defer { openFences -= 1 }
    while true {
      nodes += nested { $0.list(.fence) }
      let stop = index
      guard case .command(let name) = token.kind else { break }
      switch TeXCommands.byName[name] {
      case .middle:
        advance()
        if let sign = delimiterSign() {
          nodes += fence(sign, .infix, .opening)
        } else {
          nodes.append(failure("`\\middle` wants a delimiter", from: stop))
        }
        continue
      case .right:
        advance()
        if let sign = delimiterSign() {
          nodes += fence(sign, .postfix, .closing)
        } else {
          nodes.append(failure("`\\right` wants a delimiter", help: "write `\\right.` for none", from: stop))
        }
        return closed(nodes)
      default: break
      }
      break
    }
    reportStructure(
      "this `\\left` has no `\\right`", help: "write `\\right.` where nothing closes it", at: tokens[start].range)
    return closed(nodes)
  }

  private func closed(_ nodes: [MathNode]) -> MathNode { .element(.row, spaced(nodes), .inner) }

  private mutating func sized(_ size: String, _ mathClass: MathClass, _ start: Int) -> MathNode {
    guard let sign = delimiterSign() else {
      return failure("`\(text(tokens[start].range))` wants a delimiter", from: start)
    }
    if sign.isEmpty { return .element(.row, []) }
    var inner = MathOperator(sign, isStretchy: true, size: size)
    switch mathClass {
    case .opening: inner.form = .prefix
    case .closing: inner.form = .postfix
    case .relation: inner.form = .infix
    case .ordinary, .largeOperator, .function, .binary, .punctuation, .inner, .transparent:
      inner.leftSpace = "0"
      inner.rightSpace = "0"
    }
    if mathClass == .relation {
      inner.leftSpace = "0.278em"
      inner.rightSpace = "0.278em"
    }
    return MathNode(.operator(inner), mathClass)
  }
}
