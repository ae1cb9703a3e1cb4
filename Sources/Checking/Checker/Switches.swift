import Syntax

extension Checker {
  func switchStatement(_ statement: SwitchStatement, into body: inout [CheckedStatement]) {
    guard context.isModel else {
      body += switchBody(statement) { self.scoped($0) }.statements
      return
    }
    // Names bound in the cases join the model's scope.
    var arms: [Arm] = []
    let (skeleton, isVarying) = switchBody(statement) { self.placed($0, statement.span, &arms) }
    body += joined(skeleton, arms, isVarying: isVarying, span: statement.span)
  }

  /// Cases as one jump where that can be, else as a chain in which a flag tells whether one has matched.
  ///
  /// `arm` is called once for every pattern, in the order in which the results stand in the statements.
  func switchBody(
    _ statement: SwitchStatement, _ arm: ([Statement]) -> [CheckedStatement]
  ) -> (statements: [CheckedStatement], isVarying: Bool) {
    let subject = check(statement.subject)
    let isVarying = context.isModel && context.isVarying(subject)
    context.scopes.append([:])
    context.switchDepth += 1
    let value = context.add("", subject.type, isVariable: false, span: subject.span)
    if isVarying {
      context.varying.insert(value.rawValue)
      context.varyingStarts.append(context.locals.count)
    }
    defer {
      if isVarying { context.varyingStarts.removeLast() }
      context.switchDepth -= 1
      context.scopes.removeLast()
    }
    // A last `break` ends the switch, as falling off the case does.
    func body(_ item: SwitchStatement.Case) -> [CheckedStatement] {
      var statements = item.body.statements
      if case .breakStatement? = statements.last?.kind { statements.removeLast() }
      return arm(statements)
    }
    let read = CheckedExpression(.local(value), subject.type, subject.span)
    let cases = reachable(statement)
    if case .enumeration(let id) = subject.type, isSimple(cases, id) {
      let jump = simpleCases(cases, statement, id, read, body)
      return ([CheckedStatement(.bind(value, subject, derivedName: nil), statement.span), jump], isVarying)
    }
    let flag = context.add("", .bool, isVariable: true, span: statement.span)
    func truth(_ value: Bool) -> CheckedExpression { CheckedExpression(.bool(value), .bool, statement.span) }
    func unmatched(_ span: SourceSpan) -> CheckedExpression {
      CheckedExpression(.unary(.not, CheckedExpression(.local(flag), .bool, span)), .bool, span)
    }
    var chain: [CheckedStatement] = [
      CheckedStatement(.bind(value, subject, derivedName: nil), statement.span),
      CheckedStatement(.bind(flag, truth(false), derivedName: nil), statement.span),
    ]
    var coverage = Coverage()
    for item in cases {
      func matched() -> [CheckedStatement] {
        let done = CheckedStatement(.assign(flag, truth(true)), statement.span)
        guard let guardCondition = item.guardCondition else { return [done] + body(item) }
        let test = condition(guardCondition)
        let inner = [done] + body(item)
        return [CheckedStatement(.ifElse(test, then: inner, otherwise: []), guardCondition.span)]
      }
      if item.patterns.isEmpty {
        coverage.isComplete = true
        let inner = matched()
        chain.append(CheckedStatement(.ifElse(unmatched(statement.span), then: inner, otherwise: []), statement.span))
      }
      for pattern in item.patterns {
        context.scopes.append([:])
        let inner = match(pattern, read, span: pattern.span, then: matched)
        context.scopes.removeLast()
        chain.append(CheckedStatement(.ifElse(unmatched(pattern.span), then: inner, otherwise: []), pattern.span))
        if item.guardCondition == nil { note(pattern, subject.type, &coverage) }
      }
    }
    if !subject.type.isErroneous { reportMissing(coverage, subject.type, statement.span) }
    return ([CheckedStatement(.block(chain), statement.span)], isVarying)
  }

  /// The cases up to `default`; what stands after it is never reached.
  private func reachable(_ statement: SwitchStatement) -> [SwitchStatement.Case] {
    guard let last = statement.cases.firstIndex(where: { $0.patterns.isEmpty && $0.guardCondition == nil }) else {
      return statement.cases
    }
    for item in statement.cases[(last + 1)...] {
      report(
        Diagnostic(
          "T147", .warning, "this case is never reached", at: item.patterns.first?.span ?? item.body.span,
          help: "`default` stands last"))
    }
    return Array(statement.cases[...last])
  }

  // MARK: - Coverage

  /// Which values the cases of a switch take.
  private struct Coverage {
    var cases: Set<Int> = []
    var hasTrue = false
    var hasFalse = false
    var hasNil = false
    var hasSome = false
    var isComplete = false
  }

  private func isWhole(_ pattern: Pattern) -> Bool {
    switch pattern.kind {
    case .name, .wildcard: true
    case .tuple(let parts): parts.allSatisfy(isWhole)
    case .enumCase, .expression, .erroneous: false
    }
  }

  private func note(_ pattern: Pattern, _ type: Type, _ coverage: inout Coverage) {
    switch pattern.kind {
    case .wildcard, .name, .erroneous: coverage.isComplete = true
    case .tuple: if isWhole(pattern) { coverage.isComplete = true }
    case .enumCase(_, let name, let arguments):
      guard arguments.allSatisfy(isWhole) else { return }
      if case .enumeration(let id) = type {
        if let index = table.enumerations[id.rawValue].cases.firstIndex(where: { $0.name == name.text }) {
          coverage.cases.insert(index)
        }
        return
      }
      if name.text == "some" { coverage.hasSome = true }
      if name.text == "none" { coverage.hasNil = true }
      if case .optional(.enumeration(let id)) = type,
        let index = table.enumerations[id.rawValue].cases.firstIndex(where: { $0.name == name.text })
      {
        coverage.cases.insert(index)
        if coverage.cases.count == table.enumerations[id.rawValue].cases.count { coverage.hasSome = true }
      }
    case .expression(let e):
      switch e.kind {
      case .boolean(true): coverage.hasTrue = true
      case .boolean(false): coverage.hasFalse = true
      case .nilLiteral: coverage.hasNil = true
      default: break
      }
    }
  }

  private func reportMissing(_ coverage: Coverage, _ type: Type, _ span: SourceSpan) {
    var missing: [String] = []
    switch type {
    case _ where coverage.isComplete: return
    case .enumeration(let id):
      let cases = table.enumerations[id.rawValue].cases
      missing = cases.indices.filter { !coverage.cases.contains($0) }.map { "`.\(cases[$0].name)`" }
      if missing.isEmpty { return }
    case .bool:
      missing = (coverage.hasTrue ? [] : ["`true`"]) + (coverage.hasFalse ? [] : ["`false`"])
      if missing.isEmpty { return }
    case .optional:
      missing = (coverage.hasSome ? [] : ["`.some(let x)`"]) + (coverage.hasNil ? [] : ["`nil`"])
      if missing.isEmpty { return }
    default: break
    }
    let word = SourceSpan(source: span.source, start: span.start, end: min(span.end, span.start &+ 6))
    report(
      Diagnostic(
        "T146", "the switch does not cover every \(missing.isEmpty ? "value" : "case")", at: word,
        expected: missing.isEmpty ? nil : "also " + missing.joined(separator: ", "),
        help: missing.isEmpty ? "add `default:`" : "add the cases, or `default:`"))
  }

  // MARK: - One jump

  /// Whether every pattern is a case with plain names, without guards.
  private func isSimple(_ cases: [SwitchStatement.Case], _ id: EnumerationID) -> Bool {
    let info = table.enumerations[id.rawValue]
    return cases.allSatisfy { item in
      item.guardCondition == nil
        && item.patterns.allSatisfy { pattern in
          guard case .enumCase(_, let name, let arguments) = pattern.kind,
            let found = info.cases.first(where: { $0.name == name.text })
          else { return false }
          return (item.patterns.count == 1 || arguments.isEmpty)
            && (arguments.isEmpty || arguments.count == found.payload.count)
            && arguments.allSatisfy { if case .tuple = $0.kind { false } else { isWhole($0) } }
        }
    }
  }

  private func simpleCases(
    _ items: [SwitchStatement.Case], _ statement: SwitchStatement, _ id: EnumerationID, _ subject: CheckedExpression,
    _ arm: (SwitchStatement.Case) -> [CheckedStatement]
  ) -> CheckedStatement {
    let info = table.enumerations[id.rawValue]
    var cases: [CheckedSwitchCase] = []
    var coverage = Coverage()
    var otherwise: [CheckedStatement]?
    for item in items {
      if item.patterns.isEmpty {
        otherwise = arm(item)
        coverage.isComplete = true
      }
      for pattern in item.patterns {
        guard case .enumCase(_, let name, let arguments) = pattern.kind,
          let index = info.cases.firstIndex(where: { $0.name == name.text })
        else { continue }
        guard coverage.cases.insert(index).inserted else {
          report(
            Diagnostic(
              "T147", .warning, "this case is never reached", at: pattern.span,
              help: "`.\(name.text)` stands further up; remove one of them"))
          continue
        }
        let payload = info.cases[index].payload
        context.scopes.append([:])
        var locals: [LocalID?] = payload.map { _ in nil }
        for (slot, argument) in arguments.enumerated() where slot < payload.count {
          if case .name(let bound) = argument.kind {
            locals[slot] = context.add(bound.text, payload[slot].type, isVariable: false, span: bound.span)
            if context.isVarying(subject), let local = locals[slot] { context.varying.insert(local.rawValue) }
          }
        }
        let body = arm(item)
        context.scopes.removeLast()
        cases.append(CheckedSwitchCase(caseIndex: index, payload: locals, body: body))
      }
    }
    reportMissing(coverage, subject.type, statement.span)
    return CheckedStatement(.switchEnum(subject, cases: cases, otherwise: otherwise), statement.span)
  }
}
