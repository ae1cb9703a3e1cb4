extension SyntaxPrinter {
  static func node(_ expression: Expression) -> Node {
    switch expression.kind {
    case .boolean(let value): .word("\(value)")
    case .integer(let value): .word("\(value)")
    case .real(let value): .word("\(value)")
    case .string(let segments): string(segments)
    case .nilLiteral: .word("nil")
    case .name(let name): .word(name)
    case .implicitMember(let name): .list("implicit-member", [.word(name.text)])
    case .keyPath(let names): .list("key-path", names.map { .word($0.text) })
    case .array(let elements): .list("array", elements.map(node))
    case .dictionary(let elements): .list("dictionary", elements.map { .list(":", [node($0.key), node($0.value)]) })
    case .tuple(let elements): .list("tuple", elements.map(node))
    case .unary(let operation, let operand): .list(operation.rawValue, [node(operand)])
    case .binary(let operation, _, let left, let right): .list(operation.rawValue, [node(left), node(right)])
    case .range(let lower, let upper, let isClosed):
      .list(isClosed ? "..." : "..<", [lower.map(node) ?? .word("<start>"), upper.map(node) ?? .word("<end>")])
    case .ternary(let condition, let then, let otherwise):
      .list("?:", [node(condition), node(then), node(otherwise)])
    case .call(let callee, let arguments): .list("call", [node(callee)] + arguments.map(node))
    case .index(let base, let arguments): .list("index", [node(base)] + arguments.map(node))
    case .member(let base, let name): .list("member", [node(base), .word(name.text)])
    case .optionalMember(let base, let name): .list("optional-member", [node(base), .word(name.text)])
    case .forceUnwrap(let base): .list("force", [node(base)])
    case .closure(let closure): node(closure)
    case .ifExpression(let value): branch("if-expression", value)
    case .switchExpression(let value): selection("switch-expression", value)
    case .typeReference(let type): .list("self", [node(type)])
    case .erroneous: .word("<error>")
    }
  }

  private static func node(_ argument: Expression.Argument) -> Node {
    if argument.isTrailingClosure { return .list("trailing", [node(argument.value)]) }
    return argument.label.map { .list("\($0.text):", [node(argument.value)]) } ?? node(argument.value)
  }

  static func string(_ segments: [StringSegment]) -> Node {
    .list(
      "string",
      segments.map { segment in
        switch segment {
        case .text(let text): .word(text.debugDescription)
        case .interpolation(let value): .list("interpolation", [node(value)])
        }
      })
  }

  private static func node(_ closure: Closure) -> Node {
    let parameters = closure.parameters.map { list -> Node in
      .list(
        "parameters",
        list.map { parameter in
          parameter.type.map { .list(":", [.word(parameter.name.text), node($0)]) } ?? .word(parameter.name.text)
        })
    }
    return .list(
      "closure",
      optional(parameters) + optional(closure.result.map { .list("->", [node($0)]) }) + [block(closure.body)])
  }

  // MARK: - Types

  static func node(_ type: TypeExpression) -> Node {
    switch type.kind {
    case .named(let name, let generics, let extents):
      .list(
        "type",
        [.word(name.text)] + (generics.isEmpty ? [] : [.list("generics", generics.map(node))])
          + (extents.isEmpty ? [] : [.list("extents", extents.map(node))]))
    case .array(let extent, let element): .list("array-type", optional(extent.map(node)) + [node(element)])
    case .dictionary(let key, let value): .list("dictionary-type", [node(key), node(value)])
    case .tuple(let elements): .list("tuple-type", elements.map(node))
    case .optional(let type): .list("optional-type", [node(type)])
    case .function(let parameters, let result):
      .list("function-type", [.list("parameters", parameters.map(node)), node(result)])
    case .erroneous: .word("<error>")
    }
  }

  static func node(_ element: TypeExpression.Element) -> Node {
    element.label.map { .list("\($0.text):", [node(element.type)]) } ?? node(element.type)
  }

  private static func node(_ extent: ExtentExpression) -> Node {
    switch extent {
    case .literal(let number, _): .word("\(number)")
    case .name(let name): .word(name.text)
    case .unknown: .word("_")
    }
  }
}
