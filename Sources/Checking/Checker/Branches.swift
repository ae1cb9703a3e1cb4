import Syntax

extension Checker {
  // MARK: - Conditions

  /// Conditions as nested branches: the innermost holds `then`; every failure ends in `otherwise`, which stands once.
  ///
  /// - Parameter otherwiseFirst: For `guard`, whose `else` must not see what the statements after it bind.
  func branch(
    _ conditions: [Condition], span: SourceSpan, otherwiseFirst: Bool = false, then: () -> [CheckedStatement],
    otherwise: () -> [CheckedStatement]
  ) -> (statements: [CheckedStatement], isVarying: Bool) {
    if let test = plainCondition(conditions, span) {
      let isVarying = context.isModel && context.isVarying(test)
      if isVarying { context.varyingStarts.append(context.locals.count) }
      defer { if isVarying { context.varyingStarts.removeLast() } }
      let early = otherwiseFirst ? otherwise() : nil
      let a = then()
      let b = early ?? otherwise()
      return ([CheckedStatement(.ifElse(test, then: a, otherwise: b), span)], isVarying)
    }
    let early = otherwiseFirst ? otherwise() : nil
    if conditions.count == 1, case .optionalBinding(let isVariable, let name, let source) = conditions[0] {
      let value = check(source ?? Expression(.name(name.text), name.span))
      context.scopes.append([:])
      let local = bindUnwrapped(name, value, isVariable: isVariable)
      let a = then()
      context.scopes.removeLast()
      return ([CheckedStatement(.ifLet(local, value, then: a, otherwise: early ?? otherwise()), span)], false)
    }
    // A flag tells whether all conditions held.
    context.scopes.append([:])
    let flag = context.add("", .bool, isVariable: true, span: span)
    func truth(_ value: Bool) -> CheckedExpression { CheckedExpression(.bool(value), .bool, span) }
    func nested(_ rest: ArraySlice<Condition>) -> [CheckedStatement] {
      guard let first = rest.first else {
        return [CheckedStatement(.assign(flag, truth(true)), span)] + then()
      }
      switch first {
      case .expression(let e):
        let test = condition(e)
        let isVarying = context.isModel && context.isVarying(test)
        if isVarying { context.varyingStarts.append(context.locals.count) }
        defer { if isVarying { context.varyingStarts.removeLast() } }
        return [CheckedStatement(.ifElse(test, then: nested(rest.dropFirst()), otherwise: []), e.span)]
      case .optionalBinding(let isVariable, let name, let source):
        let value = check(source ?? Expression(.name(name.text), name.span))
        let local = bindUnwrapped(name, value, isVariable: isVariable)
        return [CheckedStatement(.ifLet(local, value, then: nested(rest.dropFirst()), otherwise: []), name.span)]
      case .pattern(let pattern, let valueExpression):
        let value = check(valueExpression)
        return match(pattern, value, span: pattern.span) { nested(rest.dropFirst()) }
      }
    }
    let inside = nested(conditions[...])
    context.scopes.removeLast()
    let rest = early ?? otherwise()
    var statements: [CheckedStatement] = [CheckedStatement(.bind(flag, truth(false), derivedName: nil), span)]
    statements += inside
    if !rest.isEmpty {
      let failed = CheckedExpression(.unary(.not, CheckedExpression(.local(flag), .bool, span)), .bool, span)
      statements.append(CheckedStatement(.ifElse(failed, then: rest, otherwise: []), span))
    }
    return ([CheckedStatement(.block(statements), span)], false)
  }

  /// Boolean conditions joined by `and`; nil where one of them binds a name.
  func plainCondition(_ conditions: [Condition], _ span: SourceSpan) -> CheckedExpression? {
    guard conditions.allSatisfy({ if case .expression = $0 { true } else { false } }) else { return nil }
    var test: CheckedExpression?
    for case .expression(let e) in conditions {
      let next = condition(e)
      test = test.map { CheckedExpression(.and($0, next), .bool, $0.span.union(next.span)) } ?? next
    }
    return test ?? CheckedExpression(.bool(true), .bool, span)
  }

  private func bindUnwrapped(_ name: Identifier, _ value: CheckedExpression, isVariable: Bool) -> LocalID {
    var inner = Type.erroneous
    if case .optional(let wrapped) = value.type {
      inner = wrapped
    } else if !value.type.isErroneous {
      report(
        Diagnostic(
          "T203", "the value is never `nil`", at: value.span, found: words(value.type),
          help: "bind it with a plain `let`"))
    }
    let local = context.add(name.text, inner, isVariable: isVariable, span: name.span)
    if context.isVarying(value) { context.varying.insert(local.rawValue) }
    return local
  }

  // MARK: - if

  func ifStatement(_ statement: IfStatement, into body: inout [CheckedStatement]) {
    let otherwise = statement.otherwise?.statements ?? []
    guard context.isModel else {
      body +=
        branch(
          statement.conditions, span: statement.span, then: { scoped(statement.then.statements) },
          otherwise: { scoped(otherwise) }
        ).statements
      return
    }
    // In a model, names bound in branches join the enclosing scope.
    var arms: [Arm] = []
    let (skeleton, isVarying) = branch(
      statement.conditions, span: statement.span, then: { placed(statement.then.statements, statement.span, &arms) },
      otherwise: { placed(otherwise, statement.span, &arms) })
    body += joined(skeleton, arms, isVarying: isVarying, span: statement.span)
  }

  func guardStatement(_ statement: Statement, rest: [Statement], into body: inout [CheckedStatement]) {
    guard case .guardStatement(let conditions, let otherwise) = statement.kind else { return }
    // What follows is the `then` of the conditions.
    body +=
      branch(
        conditions, span: statement.span, otherwiseFirst: true,
        then: {
          var inner: [CheckedStatement] = []
          check(rest, into: &inner)
          return inner
        },
        otherwise: {
          let leave = scoped(otherwise.statements)
          if !ends(otherwise.statements), !leaves(otherwise.statements) {
            report(
              Diagnostic(
                "T145", "the `else` of a guard must leave", at: otherwise.span,
                expected: "`return`, `break` or `continue` at its end"))
          }
          return leave
        }
      ).statements
  }

  private func leaves(_ statements: [Statement]) -> Bool {
    switch statements.last?.kind {
    case .breakStatement?, .continueStatement?, .returnStatement?: true
    case .ifStatement(let value)?: leaves(value.then.statements) && leaves(value.otherwise?.statements ?? [])
    case .switchStatement(let value)?: value.cases.allSatisfy { leaves($0.body.statements) }
    default: false
    }
  }

  // MARK: - Branches of models

  /// A branch of a model with the names it binds.
  struct Arm {
    var body: [CheckedStatement]
    var names: [String: LocalID]
  }

  /// Checks a branch of a model and leaves an empty block in its place until the names of all branches are known.
  func placed(_ statements: [Statement], _ span: SourceSpan, _ arms: inout [Arm]) -> [CheckedStatement] {
    context.scopes.append([:])
    var body: [CheckedStatement] = []
    check(statements, into: &body)
    arms.append(Arm(body: body, names: context.scopes.removeLast()))
    return [CheckedStatement(.block([]), span)]
  }

  /// The skeleton with the branches filled in, and their names bound in the enclosing scope.
  func joined(
    _ skeleton: [CheckedStatement], _ arms: [Arm], isVarying: Bool, span: SourceSpan
  ) -> [CheckedStatement] {
    var bodies = arms.map(\.body)
    if !isVarying { join(arms, &bodies, span: span) }
    var next = 0
    func visit(_ list: [CheckedStatement]) -> [CheckedStatement] {
      list.flatMap { statement -> [CheckedStatement] in
        var copy = statement
        switch statement.kind {
        case .block(let inner):
          if inner.isEmpty, next < bodies.count {
            next += 1
            return bodies[next - 1]
          }
          copy.kind = .block(visit(inner))
        case .ifElse(let test, let a, let b): copy.kind = .ifElse(test, then: visit(a), otherwise: visit(b))
        case .ifLet(let local, let value, let a, let b):
          copy.kind = .ifLet(local, value, then: visit(a), otherwise: visit(b))
        case .switchEnum(let subject, let cases, let otherwise):
          copy.kind = .switchEnum(
            subject,
            cases: cases.map { CheckedSwitchCase(caseIndex: $0.caseIndex, payload: $0.payload, body: visit($0.body)) },
            otherwise: otherwise.map(visit))
        default: break
        }
        return [copy]
      }
    }
    return visit(skeleton)
  }

  /// Makes the names that arms bind visible after them: optional where not every arm does.
  private func join(_ arms: [Arm], _ bodies: inout [[CheckedStatement]], span: SourceSpan) {
    var names: [String] = []
    for arm in arms {
      for name in arm.names.keys.sorted() where !names.contains(name) && !name.isEmpty { names.append(name) }
    }
    for name in names {
      let bound = arms.compactMap { $0.names[name] }
      guard !bound.contains(where: { context.locals[$0.rawValue].isVariable || context.piecewise[$0.rawValue] != nil })
      else { continue }
      var joinedType: Type? = context.locals[bound[0].rawValue].type
      for local in bound.dropFirst() {
        joinedType = joinedType.flatMap { wider($0, context.locals[local.rawValue].type) }
      }
      guard var type = joinedType else {
        let places = bound.map { context.locals[$0.rawValue] }
        report(
          Diagnostic(
            "M122", "`\(name)` has different types in the branches", at: places[1].span,
            labels: [.init(span: places[0].span, text: words(places[0].type))], expected: words(places[0].type),
            found: words(places[1].type), help: "give them different names"))
        _ = context.add(name, .erroneous, isVariable: false, span: places[0].span)
        continue
      }
      let isEverywhere = bound.count == arms.count
      if !isEverywhere { if case .optional = type {} else { type = .optional(type) } }
      let outer = context.add(name, type, isVariable: false, span: context.locals[bound[0].rawValue].span)
      if bound.contains(where: { context.varying.contains($0.rawValue) }) { context.varying.insert(outer.rawValue) }
      if !isEverywhere, let index = context.members.firstIndex(where: { $0.name == name }) {
        if case .optional = context.members[index].type {
        } else {
          context.members[index].type = .optional(context.members[index].type)
        }
      }
      for (number, arm) in arms.enumerated() {
        if let inner = arm.names[name] {
          let value = CheckedExpression(.local(inner), context.locals[inner.rawValue].type, span)
          bodies[number].append(CheckedStatement(.assign(outer, coerced(value, to: type) ?? value), span))
        } else {
          bodies[number].append(CheckedStatement(.assign(outer, CheckedExpression(.nilLiteral, type, span)), span))
        }
      }
    }
  }

  // MARK: - if and switch as expressions

  func ifExpression(_ statement: IfStatement, _ hint: Type?) -> CheckedExpression {
    guard let otherwise = statement.otherwise else {
      return fail(
        Diagnostic(
          "T234", "`if` as a value needs an `else`", at: statement.span, help: "write `if … { … } else { … }`"),
        statement.span)
    }
    if statement.conditions.count == 1, case .expression(let e) = statement.conditions[0],
      let a = single(statement.then), let b = single(otherwise)
    {
      let test = condition(e)
      let first = check(a, hint: hint)
      return choice(test, first, check(b, hint: hint ?? first.type), statement.span)
    }
    return valued(statement.span, hint) { assign in
      self.branch(
        statement.conditions, span: statement.span, then: { assign(statement.then.statements) },
        otherwise: { assign(otherwise.statements) }
      ).statements
    }
  }

  /// What a closure of one statement gives: an expression, or an `if` with an expression in each branch.
  func soleValue(_ statement: Statement) -> Expression? {
    switch statement.kind {
    case .expression(let e): return e
    case .ifStatement(let inner):
      guard let otherwise = inner.otherwise else { return nil }
      let hasValues = [inner.then, otherwise].allSatisfy {
        $0.statements.count == 1 && soleValue($0.statements[0]) != nil
      }
      return hasValues ? Expression(.ifExpression(inner), inner.span) : nil
    default: return nil
    }
  }

  private func single(_ block: Block) -> Expression? {
    guard block.statements.count == 1 else { return nil }
    switch block.statements[0].kind {
    case .expression(let e): return e
    case .ifStatement(let inner): return Expression(.ifExpression(inner), inner.span)
    default: return nil
    }
  }

  func switchExpression(_ statement: SwitchStatement, _ hint: Type?) -> CheckedExpression {
    valued(statement.span, hint) { assign in self.switchBody(statement, assign).statements }
  }

  /// A statement whose branches end in a value: each assigns it to a hidden variable.
  private func valued(
    _ span: SourceSpan, _ hint: Type?, _ build: (@escaping ([Statement]) -> [CheckedStatement]) -> [CheckedStatement]
  ) -> CheckedExpression {
    context.scopes.append([:])
    let result = context.add("", .erroneous, isVariable: true, span: span)
    context.scopes.removeLast()
    let outerBranches = context.varyingBranches
    var common: CheckedExpression?
    var isWrong = false
    var isVarying = false
    let statements = build { [self] statements in
      context.scopes.append([:])
      defer { context.scopes.removeLast() }
      var body: [CheckedStatement] = []
      check(Array(statements.dropLast()), into: &body)
      let goal = hint ?? common?.type
      let last: CheckedExpression
      switch statements.last?.kind {
      case .expression(let e)?: last = check(e, hint: goal)
      case .ifStatement(let inner)?: last = ifExpression(inner, goal)
      case .switchStatement(let inner)?: last = switchExpression(inner, goal)
      case .returnStatement?, .breakStatement?, .continueStatement?:
        if let statement = statements.last { check(statement, into: &body) }
        return body
      default:
        report(
          Diagnostic(
            "T235", "the branch ends without a value", at: statements.last?.span ?? span,
            help: "end it with the value it stands for"))
        isWrong = true
        return body
      }
      guard !last.type.isErroneous else {
        isWrong = true
        return body
      }
      isVarying = isVarying || context.isVarying(last) || context.varyingBranches > outerBranches
      if let known = common {
        guard let type = wider(known.type, last.type) else {
          report(
            Diagnostic(
              "T213", "the branches have different types", at: last.span,
              labels: [.init(span: known.span, text: words(known.type))], expected: words(known.type),
              found: words(last.type)))
          isWrong = true
          return body
        }
        common = CheckedExpression(.unit, type, known.span)
      } else {
        common = last
      }
      body.append(CheckedStatement(.assign(result, last), last.span))
      return body
    }
    guard !isWrong, let type = common?.type else { return erroneous(span) }
    context.locals[result.rawValue].type = type
    if isVarying { context.varying.insert(result.rawValue) }
    return CheckedExpression(
      .block(converting(statements, result, type), result: CheckedExpression(.local(result), type, span)), type, span)
  }

  /// Converts what branches assign to the variable to the type all of them have in common.
  private func converting(_ statements: [CheckedStatement], _ result: LocalID, _ type: Type) -> [CheckedStatement] {
    statements.map { statement in
      var copy = statement
      switch statement.kind {
      case .assign(result, let value): copy.kind = .assign(result, coerced(value, to: type) ?? value)
      case .block(let inner): copy.kind = .block(converting(inner, result, type))
      case .ifElse(let test, let a, let b):
        copy.kind = .ifElse(test, then: converting(a, result, type), otherwise: converting(b, result, type))
      case .ifLet(let local, let value, let a, let b):
        copy.kind = .ifLet(local, value, then: converting(a, result, type), otherwise: converting(b, result, type))
      case .switchEnum(let subject, let cases, let otherwise):
        copy.kind = .switchEnum(
          subject,
          cases: cases.map {
            CheckedSwitchCase(caseIndex: $0.caseIndex, payload: $0.payload, body: converting($0.body, result, type))
          }, otherwise: otherwise.map { converting($0, result, type) })
      default: break
      }
      return copy
    }
  }
}
