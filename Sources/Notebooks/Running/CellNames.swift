import Syntax

/// What a cell's text defines and mentions, by name.
///
/// Checking resolves names precisely, but a name of a cell with errors resolves to nothing; which one was meant is told by
/// the text. A mention may be one too many (a closure's parameter of the same name), so it serves for words only.
struct CellNames {
  /// Values bound at the top level.
  var values: [Identifier] = []
  /// Functions, models and types.
  var declarations: [Identifier] = []
  /// In the order of their first mention.
  var mentioned: [String] = []

  /// Names that leave the cell: not those with a leading underscore.
  var defined: [Identifier] { (values + declarations).filter { !$0.text.hasPrefix("_") && !$0.text.isEmpty } }

  init(_ tree: SyntaxTree) {
    for statement in tree.statements {
      switch statement.kind {
      case .binding(let binding): collect(binding.pattern)
      case .site(let name, _, _, _): values.append(name)
      case .function(let declaration): declarations.append(declaration.name)
      case .model(let declaration): declarations.append(declaration.name)
      case .structure(let declaration): declarations.append(declaration.name)
      case .enumeration(let declaration): declarations.append(declaration.name)
      case .expression, .elementSite, .assignment, .plate, .ifStatement, .guardStatement, .switchStatement, .forLoop,
        .whileLoop, .breakStatement, .continueStatement, .returnStatement, .importStatement, .extensionDeclaration,
        .test, .erroneous:
        break
      }
    }
    mention(tree)
  }

  private mutating func collect(_ pattern: Pattern) {
    switch pattern.kind {
    case .name(let name): values.append(name)
    case .tuple(let parts): for part in parts { collect(part) }
    case .enumCase(_, _, let arguments): for argument in arguments { collect(argument) }
    case .wildcard, .expression, .erroneous: break
    }
  }

  private mutating func mention(_ tree: SyntaxTree) {
    var seen: Set<String> = []
    func add(_ word: String) { if seen.insert(word).inserted { mentioned.append(word) } }
    func text(_ token: Token) -> String {
      tree.source.text(SourceSpan(source: tree.source.id, start: token.start, end: token.end))
    }
    func isSymbol(_ index: Int, _ symbols: String...) -> Bool {
      tree.tokens.indices.contains(index) && symbols.contains(text(tree.tokens[index]))
    }
    for (index, token) in tree.tokens.enumerated() {
      switch token.kind {
      case .identifier:
        // Members and argument labels name something else.
        if isSymbol(index - 1, ".") || (isSymbol(index + 1, ":") && isSymbol(index - 1, "(", ",")) { continue }
        add(text(token))
      case .string:
        let words = text(token)
        guard words.contains("\\(") else { continue }
        for word in words.split(whereSeparator: { !($0.isLetter || $0.isNumber || $0 == "_") }) { add(String(word)) }
      case .keyword, .symbol, .integer, .real, .closureParameter, .invalid, .endOfFile: break
      }
    }
  }
}
