import Syntax

extension Checker {
  // MARK: - Patterns and switch

  /// Statements that run `then` with the pattern's names bound when the value matches.
  func match(
    _ pattern: Pattern, _ value: CheckedExpression, span: SourceSpan, then: () -> [CheckedStatement]
  ) -> [CheckedStatement] {
    if value.type.isErroneous {
      bindErroneous(pattern)
      return then()
    }
    switch pattern.kind {
    case .erroneous:
      return then()
    case .wildcard: return then()
    case .name(let name):
      let local = context.add(name.text, value.type, isVariable: false, span: name.span)
      if context.isVarying(value) { context.varying.insert(local.rawValue) }
      return [CheckedStatement(.bind(local, value, derivedName: nil), span)] + then()
    case .tuple(let parts):
      guard case .tuple(let fields) = value.type, fields.count == parts.count else {
        report(
          Diagnostic(
            "T231", "the value does not come apart into \(parts.count) parts", at: pattern.span,
            found: words(value.type)))
        bindErroneous(pattern)
        return then()
      }
      let whole = context.add("", value.type, isVariable: false, span: span)
      func part(_ index: Int) -> [CheckedStatement] {
        guard index < parts.count else { return then() }
        let element = CheckedExpression(
          .tupleElement(CheckedExpression(.local(whole), value.type, value.span), index), fields[index].type, value.span
        )
        return match(parts[index], element, span: span) { part(index + 1) }
      }
      return [CheckedStatement(.bind(whole, value, derivedName: nil), span)] + part(0)
    case .enumCase(let typeName, let name, let arguments):
      if case .optional(let wrapped) = value.type {
        if name.text == "some", arguments.count <= 1, typeName == nil {
          let local = context.add("", wrapped, isVariable: false, span: span)
          let inside =
            arguments.first.map { match($0, CheckedExpression(.local(local), wrapped, span), span: span, then: then) }
            ?? then()
          return [CheckedStatement(.ifLet(local, value, then: inside, otherwise: []), span)]
        }
        if name.text == "none", arguments.isEmpty {
          let local = context.add("", wrapped, isVariable: false, span: span)
          return [CheckedStatement(.ifLet(local, value, then: [], otherwise: then()), span)]
        }
        let local = context.add("", wrapped, isVariable: false, span: span)
        let inside = match(pattern, CheckedExpression(.local(local), wrapped, span), span: span, then: then)
        return [CheckedStatement(.ifLet(local, value, then: inside, otherwise: []), span)]
      }
      guard case .enumeration(let id) = value.type else {
        report(Diagnostic("T233", "\(article(value.type)) has no cases", at: pattern.span, found: words(value.type)))
        bindErroneous(pattern)
        return then()
      }
      let info = table.enumerations[id.rawValue]
      guard let index = info.cases.firstIndex(where: { $0.name == name.text }) else {
        report(
          Diagnostic(
            "T227", "`\(info.name)` has no case `\(name.text)`", at: name.span,
            expected: info.cases.map { "`.\($0.name)`" }.joined(separator: ", "),
            help: didYouMean(name.text, info.cases.map(\.name))))
        bindErroneous(pattern)
        return then()
      }
      let payload = info.cases[index].payload
      guard arguments.isEmpty || arguments.count == payload.count else {
        report(
          Diagnostic(
            "T218", "`.\(name.text)` has \(payload.count) value\(payload.count == 1 ? "" : "s")", at: pattern.span,
            found: "\(arguments.count)"))
        bindErroneous(pattern)
        return then()
      }
      var locals: [LocalID?] = payload.map { _ in nil }
      var rest: [(Pattern, LocalID, Type)] = []
      for (slot, argument) in arguments.enumerated() {
        if case .wildcard = argument.kind { continue }
        let hidden: LocalID
        if case .name(let bound) = argument.kind {
          hidden = context.add(bound.text, payload[slot].type, isVariable: false, span: bound.span)
        } else {
          hidden = context.add("", payload[slot].type, isVariable: false, span: argument.span)
          rest.append((argument, hidden, payload[slot].type))
        }
        locals[slot] = hidden
      }
      func deeper(_ number: Int) -> [CheckedStatement] {
        guard number < rest.count else { return then() }
        let (inner, local, type) = rest[number]
        return match(inner, CheckedExpression(.local(local), type, inner.span), span: span) { deeper(number + 1) }
      }
      let inside = deeper(0)
      return [
        CheckedStatement(
          .switchEnum(
            value, cases: [CheckedSwitchCase(caseIndex: index, payload: locals, body: inside)], otherwise: []), span)
      ]
    case .expression(let e):
      let test: CheckedExpression
      if case .range(let lower, let upper, let isClosed) = e.kind, value.type.numeric != nil {
        func bound(_ e: Expression, _ operation: BinaryOperator) -> CheckedExpression {
          let limit = check(e, hint: value.type)
          guard let goal = wider(value.type, limit.type), let a = coerced(value, to: goal),
            let b = coerced(limit, to: goal)
          else {
            return mismatch(limit, value.type)
          }
          return CheckedExpression(.binary(operation, a, b), .bool, e.span)
        }
        let first = lower.map { bound($0, .greaterOrEqual) }
        let last = upper.map { bound($0, isClosed ? .lessOrEqual : .less) }
        if let first, let last {
          test = CheckedExpression(.and(first, last), .bool, e.span)
        } else {
          test = first ?? last ?? CheckedExpression(.bool(true), .bool, e.span)
        }
      } else {
        if case .nilLiteral = e.kind, case .optional(let wrapped) = value.type {
          let local = context.add("", wrapped, isVariable: false, span: span)
          return [CheckedStatement(.ifLet(local, value, then: [], otherwise: then()), span)]
        }
        let other = check(e, hint: value.type)
        if other.type.isErroneous { return then() }
        guard let goal = wider(value.type, other.type), let a = coerced(value, to: goal),
          let b = coerced(other, to: goal)
        else {
          mismatch(other, value.type, what: "the pattern has another type than the value")
          return then()
        }
        test = CheckedExpression(.binary(.equal, a, b), .bool, e.span)
      }
      return [CheckedStatement(.ifElse(test, then: then(), otherwise: []), span)]
    }
  }

  func bindErroneous(_ pattern: Pattern) {
    switch pattern.kind {
    case .name(let name): _ = context.add(name.text, .erroneous, isVariable: false, span: name.span)
    case .tuple(let parts): for part in parts { bindErroneous(part) }
    case .enumCase(_, _, let arguments): for argument in arguments { bindErroneous(argument) }
    case .wildcard, .expression, .erroneous: break
    }
  }
}
