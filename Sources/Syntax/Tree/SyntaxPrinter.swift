/// Trees and token lists as text.
package enum SyntaxPrinter {
  /// The tokens of a tree with their trivia: the source, byte for byte.
  package static func bytes(of tree: SyntaxTree) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(tree.source.bytes.count)
    for token in tree.tokens { result += tree.source.bytes[Int(token.triviaStart)..<Int(token.end)] }
    return result
  }

  /// The tree as nested lists, without places: one statement after the other, a long list over several lines.
  package static func dump(_ statements: [Statement]) -> String {
    var text = ""
    for statement in statements {
      node(statement).write(to: &text, indentation: 0)
      text += "\n"
    }
    return text
  }

  /// A word, or a list that begins with one.
  enum Node {
    case word(String)
    case list(String, [Node])

    private static let width = 100

    private var flat: String {
      switch self {
      case .word(let word): word
      case .list(let head, let parts): "(" + ([head] + parts.map(\.flat)).joined(separator: " ") + ")"
      }
    }

    func write(to text: inout String, indentation: Int) {
      let line = flat
      if case .list(let head, let parts) = self, indentation + line.count > Node.width {
        text += "(" + head
        for part in parts {
          text += "\n" + String(repeating: " ", count: indentation + 2)
          part.write(to: &text, indentation: indentation + 2)
        }
        text += ")"
      } else {
        text += line
      }
    }
  }

  // MARK: - Statements

  private static func node(_ statement: Statement) -> Node {
    switch statement.kind {
    case .expression(let value): node(value)
    case .binding(let binding):
      .list(
        binding.isVariable ? "var" : "let",
        [node(binding.pattern)] + optional(binding.type.map(node)) + optional(binding.value.map(assigned)))
    case .site(let name, let type, _, let distribution):
      .list("site", [.word(name.text)] + optional(type.map(node)) + [.list("~", [node(distribution)])])
    case .elementSite(let target, _, let distribution):
      .list("element-site", [node(target), .list("~", [node(distribution)])])
    case .assignment(let target, let operation, let value):
      .list("assign", [.word((operation?.rawValue ?? "") + "="), node(target), node(value)])
    case .plate(let index, let range, let body): .list("plate", [.word(index.text), node(range), block(body)])
    case .ifStatement(let value): branch("if", value)
    case .guardStatement(let conditions, let otherwise):
      .list("guard", conditions.map(node) + [block(otherwise, "else")])
    case .switchStatement(let value): selection("switch", value)
    case .forLoop(let pattern, let sequence, let condition, let body):
      .list(
        "for",
        [node(pattern), node(sequence)] + optional(condition.map { .list("where", [node($0)]) }) + [block(body)])
    case .whileLoop(let conditions, let body): .list("while", conditions.map(node) + [block(body)])
    case .breakStatement: .word("break")
    case .continueStatement: .word("continue")
    case .returnStatement(let value): .list("return", optional(value.map(node)))
    case .importStatement(let path): .list("import", path.map { .word($0.text) })
    case .function(let function): node(function)
    case .model(let model):
      .list(
        "model",
        [.word(model.name.text), parameters(model.parameters)] + documentation(model.documentation)
          + [block(model.body)])
    case .structure(let structure): node(structure)
    case .enumeration(let enumeration): node(enumeration)
    case .extensionDeclaration(let declaration):
      .list("extension", [node(declaration.type)] + declaration.methods.map(node))
    case .test(let name, _, let body): .list("test", [string(name), block(body)])
    case .erroneous: .word("<error>")
    }
  }

  static func optional(_ node: Node?) -> [Node] { node.map { [$0] } ?? [] }
  private static func assigned(_ value: Expression) -> Node { .list("=", [node(value)]) }
  static func block(_ block: Block, _ head: String = "block") -> Node { .list(head, block.statements.map(node)) }
  private static func documentation(_ text: DocComment?) -> [Node] {
    optional(text.map { .list("doc", [.word($0.debugDescription)]) })
  }

  static func branch(_ head: String, _ value: IfStatement) -> Node {
    .list(
      head,
      value.conditions.map(node) + [block(value.then, "then")] + optional(value.otherwise.map { block($0, "else") })
    )
  }

  static func selection(_ head: String, _ value: SwitchStatement) -> Node {
    let cases = value.cases.map { one -> Node in
      let patterns = one.patterns.isEmpty ? [.word("default")] : one.patterns.map(node)
      return .list(
        "case", patterns + optional(one.guardCondition.map { .list("where", [node($0)]) }) + [block(one.body)])
    }
    return .list(head, [node(value.subject)] + cases)
  }

  private static func node(_ condition: Condition) -> Node {
    switch condition {
    case .expression(let value): node(value)
    case .optionalBinding(let isVariable, let name, let value):
      .list(isVariable ? "if-var" : "if-let", [.word(name.text)] + optional(value.map(node)))
    case .pattern(let pattern, let value): .list("if-case", [node(pattern), node(value)])
    }
  }

  private static func node(_ pattern: Pattern) -> Node {
    switch pattern.kind {
    case .wildcard: .word("_")
    case .name(let name): .list("bind", [.word(name.text)])
    case .tuple(let elements): .list("tuple-pattern", elements.map(node))
    case .enumCase(let type, let name, let arguments):
      .list("case-pattern", [.word((type?.text ?? "") + "." + name.text)] + arguments.map(node))
    case .expression(let value): .list("matches", [node(value)])
    case .erroneous: .word("<error>")
    }
  }

  // MARK: - Declarations

  private static func parameters(_ list: [Parameter]) -> Node {
    .list(
      "parameters",
      list.map {
        .list(
          "\($0.label?.text ?? "_"):", [.word($0.name.text), node($0.type)] + optional($0.defaultValue.map(assigned)))
      })
  }

  private static func node(_ function: FunctionDeclaration) -> Node {
    var head = "func"
    var body: [Node] = []
    switch function.form {
    case .body(let statements): body = [block(statements)]
    case .intrinsic: head = "intrinsic-func"
    case .intrinsicElementwise: head = "intrinsic-elementwise-func"
    case .intrinsicDistribution: head = "intrinsic-distribution"
    case .intrinsicProperty: head = "intrinsic-var"
    }
    var parts: [Node] = [.word(function.name.text)]
    if !function.generics.isEmpty { parts.append(.list("generics", function.generics.map { .word($0.text) })) }
    parts.append(parameters(function.parameters))
    if let result = function.result { parts.append(.list("->", [node(result)])) }
    return .list(head, parts + documentation(function.documentation) + body)
  }

  private static func node(_ structure: StructureDeclaration) -> Node {
    let fields = structure.fields.map { field -> Node in
      .list(
        field.isVariable ? "var" : "let",
        [.word(field.name.text), node(field.type)] + optional(field.defaultValue.map(assigned)))
    }
    return .list(
      "struct",
      [.word(structure.name.text)] + documentation(structure.documentation) + fields + structure.methods.map(node))
  }

  private static func node(_ enumeration: EnumerationDeclaration) -> Node {
    let cases = enumeration.cases.map { Node.list("case", [.word($0.name.text)] + $0.payload.map(node)) }
    return .list(
      "enum",
      [.word(enumeration.name.text)] + documentation(enumeration.documentation) + cases
        + enumeration.methods.map(node))
  }
}
