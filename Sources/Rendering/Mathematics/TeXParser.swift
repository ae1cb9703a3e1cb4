/// Reads a formula by recursive descent; it always comes to an end and always gives a tree.
///
/// Every step takes a token or returns, and recursion ends at ``Mathematics/depthLimit``.
struct TeXParser {
  /// What a list of parts stands in, which says what ends it.
  enum Context {
    case formula, group, brackets, fence, cell
    /// Between dollar signs inside of words.
    case words
  }

  let source: [UInt8]
  let tokens: [TeXToken]
  var index = 0
  private let log = Log()
  var problems: [Mathematics.Problem] { log.problems }

  /// How the parts that follow are set.
  var isDisplay: Bool
  var font: MathAlphabet?
  /// Scripts have no space around their operators.
  var isScript = false

  var depth = 0
  var openBraces = 0
  var openFences = 0
  var openEnvironments = 0
  /// The formula's `\tag`, and the one of the row being read.
  var tag: [MathNode] = []

  /// Braces, fences and environments that do not match are told once: one is often the cause of the next.
  private var hasToldStructure = false
  private var hasToldDepth = false

  /// What grows while a formula is read: a class, as an array in the parser was copied with each of thousands of problems.
  private final class Log {
    var problems: [Mathematics.Problem] = []
    /// The names that unknown commands are near to.
    var nearest: [String: String?] = [:]
  }

  init(_ tex: String, isDisplay: Bool) {
    source = Array(tex.utf8)
    tokens = TeXTokens.of(tex)
    self.isDisplay = isDisplay
  }

  // MARK: - Tokens

  var token: TeXToken { tokens[min(index, tokens.count - 1)] }

  /// Goes on by one token, never past the end.
  mutating func advance() { if index < tokens.count - 1 { index += 1 } }

  mutating func skipSpaces() { while token.kind == .space { advance() } }

  func text(_ range: Range<Int>) -> String { String(decoding: source[range], as: UTF8.self) }

  /// The source from a token to the last one read.
  func text(from start: Int) -> String { text(range(from: start)) }

  func range(from start: Int) -> Range<Int> {
    let begin = tokens[min(start, tokens.count - 1)].range.lowerBound
    let end = index > start ? tokens[min(index, tokens.count) - 1].range.upperBound : begin
    return begin..<max(begin, end)
  }

  /// Whether the next token is this one character.
  func isAt(_ character: String) -> Bool { token.kind == .character(character) }

  // MARK: - Problems

  mutating func report(_ message: String, help: String? = nil, at range: Range<Int>) {
    log.problems.append(
      Mathematics.Problem(message: message, help: help, offset: range.lowerBound, length: range.count))
  }

  mutating func reportStructure(_ message: String, help: String? = nil, at range: Range<Int>) {
    if !hasToldStructure { report(message, help: help, at: range) }
    hasToldStructure = true
  }

  /// A part that was not understood, as its source.
  mutating func failure(_ message: String, help: String? = nil, from start: Int) -> MathNode {
    report(message, help: help, at: range(from: start))
    return .error(text(from: start))
  }

  private mutating func structureFailure(_ message: String, help: String? = nil, from start: Int) -> MathNode {
    reportStructure(message, help: help, at: range(from: start))
    return .error(text(from: start))
  }

  // MARK: - Lists

  /// The whole formula, with its tag at the right.
  mutating func formula() -> MathNode {
    var nodes = list(.formula)
    if nodes.isEmpty, tag.isEmpty, problems.isEmpty {
      report("this formula is empty", at: 0..<source.count)
    }
    if !tag.isEmpty { nodes = [row(nodes), .space(2000), row(tag)] }
    return row(nodes)
  }

  /// Parts up to what ends the list, which is not taken.
  mutating func list(_ context: Context) -> [MathNode] {
    var nodes: [MathNode] = []
    while true {
      skipSpaces()
      let start = index
      switch token.kind {
      case .end: return nodes
      case .closeBrace:
        if openBraces > 0 { return nodes }
        advance()
        nodes.append(
          structureFailure("this `}` closes nothing", help: "write `\\}` for a brace that shows", from: start))
        continue
      case .ampersand:
        if context == .cell { return nodes }
        advance()
        nodes.append(
          failure(
            "`&` stands outside of a table", help: "put it inside `\\begin{aligned} … \\end{aligned}`", from: start))
        continue
      case .character("]") where context == .brackets: return nodes
      case .character("$") where context == .words: return nodes
      case .command(let name):
        switch TeXCommands.byName[name] {
        case .newRow:
          if context == .cell { return nodes }
          advance()
          nodes.append(
            failure(
              "`\\\\` stands outside of a table", help: "put the lines inside `\\begin{aligned} … \\end{aligned}`",
              from: start))
          continue
        case .end:
          if openEnvironments > 0 { return nodes }
          advance()
          _ = rawArgument()
          nodes.append(structureFailure("this `\\end` has no `\\begin`", from: start))
          continue
        case .right:
          if openFences > 0 { return nodes }
          advance()
          nodes.append(structureFailure("this `\\right` has no `\\left`", from: start))
          continue
        case .middle:
          if context == .fence { return nodes }
          advance()
          nodes.append(structureFailure("this `\\middle` is not between `\\left` and `\\right`", from: start))
          continue
        case .style(let display, let level):
          guard depth < Mathematics.depthLimit else {
            nodes.append(tooDeep() ?? .element(.row, []))
            continue
          }
          advance()
          let rest = nested { parser in
            parser.isDisplay = display
            return parser.list(context)
          }
          let attributes = [("displaystyle", "\(display)"), ("scriptlevel", "\(level)")]
          nodes.append(.element(.style, attributes, spaced(rest)))
          return nodes
        case .ignored:
          advance()
          continue
        case .label:
          advance()
          _ = rawArgument()
          continue
        case .tag:
          advance()
          readTag()
          continue
        case .identifier, .symbol, .large, .function, .delimiter, .accent, .over, .under, .arrow, .font, .text, .space,
          .fraction, .binomial, .root, .left, .sized, .operatorName, .placed, .phantom, .classed, .not, .independence,
          .modulo, .stackedLines, .begin, .refused, .limits, nil:
          break
        }
      case .openBrace, .superscript, .subscript, .character, .space: break
      }
      nodes.append(contentsOf: scripted())
    }
  }

  /// Runs with the settings of a group: what is changed inside ends with it.
  mutating func scoped<Result>(
    isDisplay inner: Bool? = nil, font innerFont: MathAlphabet?? = .none, _ body: (inout TeXParser) -> Result
  ) -> Result {
    let (outerDisplay, outerFont, outerScript) = (isDisplay, font, isScript)
    if let inner { isDisplay = inner }
    if let innerFont { font = innerFont }
    defer { (isDisplay, font, isScript) = (outerDisplay, outerFont, outerScript) }
    return body(&self)
  }

  func spaced(_ nodes: [MathNode]) -> [MathNode] { MathSpacing.spaced(nodes, isScript: isScript) }

  func row(_ nodes: [MathNode]) -> MathNode { .row(nodes, isScript: isScript) }

  /// Runs a level deeper.
  mutating func nested<Result>(isDisplay inner: Bool? = nil, _ body: (inout TeXParser) -> Result) -> Result {
    depth += 1
    defer { depth -= 1 }
    return scoped(isDisplay: inner, body)
  }

  /// Whether nesting has come to its end; then the rest of the group is passed over, and shown as its source.
  mutating func tooDeep() -> MathNode? {
    guard depth >= Mathematics.depthLimit else { return nil }
    let start = index
    var open = 0
    repeat {
      switch token.kind {
      case .openBrace: open += 1
      case .closeBrace: open -= 1
      case .end: open = 0
      case .command, .character, .space, .superscript, .subscript, .ampersand: break
      }
      advance()
    } while open > 0
    if !hasToldDepth {
      report(
        "this is nested deeper than \(Mathematics.depthLimit) levels", help: "write it as several formulas",
        at: range(from: start))
    }
    hasToldDepth = true
    return .error(text(from: start))
  }

  /// A group in braces, at its opening brace.
  mutating func group() -> [MathNode] {
    if let node = tooDeep() { return [node] }
    let start = index
    advance()
    openBraces += 1
    let nodes = nested { $0.list(.group) }
    openBraces -= 1
    if token.kind == .closeBrace {
      advance()
    } else {
      reportStructure("this `{` is never closed", at: tokens[start].range)
    }
    return nodes
  }

  // MARK: - Scripts

  /// A part with its scripts.
  private mutating func scripted() -> [MathNode] {
    var base: MathNode?
    var rest: [MathNode] = []
    switch token.kind {
    case .superscript, .subscript, .character("'"), .character("’"), .character("′"): base = nil
    case .openBrace, .character, .command, .space, .ampersand, .closeBrace, .end:
      rest = nucleus(isArgument: false)
      base = rest.popLast()
      // An empty nucleus is a command that shows nothing.
      if base == nil { return [] }
    }
    if let last = base, last.mathClass == .transparent { return rest + [last] }
    var placement = base?.placement ?? .beside
    var lower: MathNode?
    var upper: [MathNode] = []
    var hasUpper = false
    while true {
      skipSpaces()
      let start = index
      switch token.kind {
      case .command(let name):
        guard case .limits(let wanted) = TeXCommands.byName[name] else { break }
        advance()
        if base?.mathClass == .largeOperator || base?.mathClass == .function {
          placement = wanted
        } else {
          report("`\\\(name)` follows no sum, integral or function", at: range(from: start))
        }
        continue
      case .character("'"), .character("’"), .character("′"):
        upper.insert(primes(), at: hasUpper ? upper.count : 0)
        continue
      case .superscript:
        if hasUpper {
          report("a second superscript", help: "put braces around the first: `{x^a}^b`", at: token.range)
          return rest + [withScripts(base, lower, upper, placement)] + scriptWithoutBase()
        }
        advance()
        hasUpper = true
        upper.append(script(of: start))
        continue
      case .subscript:
        if lower != nil {
          report("a second subscript", help: "put braces around the first: `{x_a}_b`", at: token.range)
          return rest + [withScripts(base, lower, upper, placement)] + scriptWithoutBase()
        }
        advance()
        lower = script(of: start)
        continue
      case .openBrace, .closeBrace, .ampersand, .space, .character, .end: break
      }
      if hasUpper || upper.isEmpty { return rest + [withScripts(base, lower, upper, placement)] }
      // A prime is raised by its own design; as a superscript it would be raised twice.
      let primed = base == nil && lower == nil ? [] : [withScripts(base, lower, [], placement)]
      return rest + primed + upper
    }
  }

  /// A script that its base cannot take: it stands behind it, on nothing.
  private mutating func scriptWithoutBase() -> [MathNode] {
    let start = index
    let isUpper = token.kind == .superscript
    advance()
    let script = script(of: start)
    return [withScripts(nil, isUpper ? nil : script, isUpper ? [script] : [], .beside)]
  }

  private mutating func primes() -> MathNode {
    var count = 0
    while true {
      switch token.kind {
      case .character("'"), .character("’"), .character("′"):
        count += 1
        advance()
        skipSpaces()
        continue
      case .openBrace, .closeBrace, .superscript, .subscript, .ampersand, .space, .character, .command, .end: break
      }
      let signs = ["′", "″", "‴", "⁗"]
      let sign = count <= 4 ? signs[max(0, count - 1)] : String(repeating: "′", count: count)
      return MathNode(.operator(MathOperator(sign, form: .postfix)))
    }
  }

  private func withScripts(
    _ base: MathNode?, _ lower: MathNode?, _ upper: [MathNode], _ placement: ScriptPlacement
  ) -> MathNode {
    var base = base ?? .element(.row, [])
    let upper = upper.isEmpty ? nil : upper.count == 1 ? upper[0] : MathNode.element(.row, upper)
    if lower == nil, upper == nil {
      return base
    }
    let isUnder: Bool
    switch placement {
    case .under: isUnder = true
    case .beside: isUnder = false
    // MathML moves the limits of a sum by itself, but not those of a function's name.
    case .underInDisplay: isUnder = isDisplay || base.mathClass == .largeOperator
    }
    if placement == .under, base.mathClass == .largeOperator { base.changeOperator { $0.movesLimits = false } }
    let mathClass = base.mathClass
    // Inside of its scripts an operator stands first, which is not where it stands in the row.
    if mathClass == .relation { base.becomeInfix() }
    switch (lower, upper) {
    case (let lower?, let upper?):
      return .element(isUnder ? .underOver : .bothScripts, [base, lower, upper], mathClass)
    case (let lower?, nil): return .element(isUnder ? .under : .subscript, [base, lower], mathClass)
    case (nil, let upper?): return .element(isUnder ? .over : .superscript, [base, upper], mathClass)
    case (nil, nil): return base
    }
  }

  // MARK: - Arguments

  /// The argument of the command at a token, as one part: a group, or what stands next.
  mutating func argument(of start: Int, isDisplay inner: Bool? = nil, font: MathAlphabet?? = .none) -> MathNode {
    row(parts(of: start, isDisplay: inner, font: font))
  }

  /// What stands at a script of another part.
  mutating func script(of start: Int) -> MathNode {
    scoped(isDisplay: false) { parser in
      parser.isScript = true
      return parser.argument(of: start)
    }
  }

  mutating func parts(
    of start: Int, isDisplay inner: Bool? = nil, font: MathAlphabet?? = .none
  ) -> [MathNode] {
    skipSpaces()
    switch token.kind {
    case .openBrace: return scoped(isDisplay: inner, font: font) { $0.group() }
    case .character, .command:
      if case .command(let name) = token.kind, let command = TeXCommands.byName[name] {
        switch command {
        case .newRow, .end, .right, .middle, .limits, .style, .tag, .label, .ignored: return [missing(start)]
        case .identifier, .symbol, .large, .function, .delimiter, .accent, .over, .under, .arrow, .font, .text, .space,
          .fraction, .binomial, .root, .left, .sized, .operatorName, .placed, .phantom, .classed, .not, .independence,
          .modulo, .stackedLines, .begin, .refused:
          break
        }
      }
      if let node = tooDeep() { return [node] }
      return scoped(isDisplay: inner, font: font) { $0.nucleus(isArgument: true) }
    case .closeBrace, .superscript, .subscript, .ampersand, .space, .end: return [missing(start)]
    }
  }

  private mutating func missing(_ start: Int) -> MathNode {
    let place = tokens[start].range
    let name = text(place)
    if name == "^" || name == "_" {
      report("nothing follows this `\(name)`", help: "write `\\\(name == "^" ? "hat{}" : "_")` for the sign", at: place)
    } else {
      report("an argument of `\(name)` is missing", at: place)
    }
    return .error(name)
  }

  /// The source of a group in braces, as it stands, or nil where none follows.
  mutating func rawArgument() -> (text: String, range: Range<Int>)? {
    let start = index
    skipSpaces()
    guard token.kind == .openBrace else {
      index = start
      return nil
    }
    advance()
    let first = index
    var open = 1
    while open > 0 {
      switch token.kind {
      case .openBrace: open += 1
      case .closeBrace: open -= 1
      case .end:
        reportStructure("this `{` is never closed", at: tokens[max(0, first - 1)].range)
        let inside = range(from: first)
        return (text(inside), inside)
      case .command, .character, .space, .superscript, .subscript, .ampersand: break
      }
      advance()
    }
    let begin = tokens[first].range.lowerBound
    let end = tokens[index - 1].range.lowerBound
    return (text(begin..<max(begin, end)), begin..<max(begin, end))
  }

  /// The parts of `[…]`, or nil where none follows.
  mutating func optionalArgument() -> [MathNode]? {
    let start = index
    skipSpaces()
    guard isAt("["), depth < Mathematics.depthLimit else {
      index = start
      return nil
    }
    advance()
    let nodes = nested(isDisplay: false) { $0.list(.brackets) }
    if isAt("]") {
      advance()
    } else {
      reportStructure("this `[` is never closed", at: range(from: start))
    }
    return nodes
  }

  /// A command that is not known, with the name that was likely meant.
  mutating func unknown(_ name: String, from start: Int) -> MathNode {
    let near: String?
    if let found = log.nearest[name] {
      near = found
    } else {
      // Enough for one reader; looking for a name takes as long as reading a page.
      near = log.nearest.count < 32 ? TeXCommands.nearest(to: name) : nil
      log.nearest[name] = near
    }
    if name.isEmpty { return failure("a backslash without a command", from: start) }
    let shown = name.utf8.count > 40 ? name.prefix(40) + "…" : name
    return failure("unknown command `\\\(shown)`", help: near.map { "did you mean `\\\($0)`?" }, from: start)
  }
}
