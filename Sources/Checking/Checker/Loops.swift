import Syntax

extension Checker {
  // MARK: - Loops

  private func inLoop<Result>(_ make: () -> Result) -> Result {
    let switches = context.switchDepth
    context.loopDepth += 1
    context.switchDepth = 0
    defer {
      context.loopDepth -= 1
      context.switchDepth = switches
    }
    return make()
  }

  func whileLoop(_ conditions: [Condition], _ block: Block, _ span: SourceSpan, into body: inout [CheckedStatement]) {
    if let test = plainCondition(conditions, span) {
      func refuse() {
        guard context.isModel, context.isVarying(test) else { return }
        report(
          Diagnostic(
            "M133", "`while` cannot depend on a varying value", at: test.span,
            caret: "varies from draw to draw or element to element",
            help: "loop over a fixed range and choose with a conditional expression"))
      }
      let wasVarying = context.isModel && context.isVarying(test)
      if wasVarying { refuse() }
      let inside = inLoop { scoped(block.statements) }
      // The body may have made varying what the condition reads.
      if !wasVarying { refuse() }
      body.append(CheckedStatement(.whileLoop(test, inside), span))
      return
    }
    let inside = inLoop {
      branch(
        conditions, span: span, then: { scoped(block.statements) },
        otherwise: { [CheckedStatement(.breakLoop, span)] }
      ).statements
    }
    body.append(CheckedStatement(.whileLoop(CheckedExpression(.bool(true), .bool, span), inside), span))
  }

  func forLoop(
    _ pattern: Pattern, _ sequenceExpression: Expression, _ condition: Expression?, _ block: Block, _ span: SourceSpan,
    into body: inout [CheckedStatement]
  ) {
    let sequence = check(sequenceExpression)
    guard let element = sequence.type.element else {
      if !sequence.type.isErroneous {
        var help: String?
        if sequence.type == .int { help = "write `for i in 0..<n`" }
        report(
          Diagnostic(
            "T236", "\(article(sequence.type)) has no elements to loop over", at: sequence.span,
            expected: "a range, an array or a dictionary", found: words(sequence.type), help: help))
      }
      context.scopes.append([:])
      bindErroneous(pattern)
      inLoop {
        var ignored: [CheckedStatement] = []
        check(block.statements, into: &ignored)
      }
      context.scopes.removeLast()
      return
    }
    if context.isModel, case .range(let lower, let upper, _) = sequence.kind {
      for bound in [lower, upper] { refuseVaryingLength(bound, "a loop's bound") }
    }
    let containsSite = context.isModel && holdsSite(block.statements)
    let loop = Loop(
      pattern: pattern, sequence: sequence, element: element, condition: condition, block: block,
      isRange: sequence.type == .range, containsSite: containsSite, span: span)
    // A range whose body carries a variable that becomes varying is traced once, with a varying index: a first pass
    // finds out. Inside such a pass inner loops are walked once, so that nesting does not multiply.
    var varyingCarry: Set<Int> = []
    if context.isModel, !context.isTrial {
      let start = context.copy()
      let reported = diagnostics
      context.isTrial = true
      let (_, carried) = loopBody(loop, isSymbolic: containsSite)
      varyingCarry = Set(carried.map(\.rawValue)).intersection(context.varying)
      context.restore(start)
      diagnostics = reported
    }
    context.varying.formUnion(varyingCarry)
    let isSymbolic = containsSite || (loop.isRange && !varyingCarry.isEmpty)
    let (inside, carried) = loopBody(loop, isSymbolic: isSymbolic)
    body.append(
      CheckedStatement(
        .forIn(
          CheckedLoop(
            variable: LocalID(inside.variable), sequence: sequence, body: inside.body, containsSite: containsSite,
            carried: carried)), span))
  }

  private struct Loop {
    var pattern: Pattern
    var sequence: CheckedExpression
    var element: Type
    var condition: Expression?
    var block: Block
    var isRange: Bool
    var containsSite: Bool
    var span: SourceSpan
  }

  private func loopBody(
    _ loop: Loop, isSymbolic: Bool
  ) -> (inside: (variable: Int, body: [CheckedStatement]), carried: [LocalID]) {
    let start = context.locals.count
    context.scopes.append([:])
    defer { context.scopes.removeLast() }
    var inside: [CheckedStatement] = []
    let variable: LocalID
    func note(_ variable: LocalID) {
      if isSymbolic || context.isVarying(loop.sequence) { context.varying.insert(variable.rawValue) }
    }
    if case .name(let name) = loop.pattern.kind {
      variable = context.add(name.text, loop.element, isVariable: false, span: name.span)
      if loop.element == .int { context.extentOf[variable.rawValue] = freshSymbol(name.text) }
      note(variable)
    } else {
      variable = context.add("", loop.element, isVariable: false, span: loop.pattern.span)
      note(variable)
      if case .wildcard = loop.pattern.kind {
      } else {
        let value = CheckedExpression(.local(variable), loop.element, loop.pattern.span)
        bind(loop.pattern, value, isVariable: false, loop.pattern.span, into: &inside)
      }
    }
    if context.isModel { context.enclosingLoops += 1 }
    inLoop {
      if let condition = loop.condition {
        let test = self.condition(condition)
        let isVarying = context.isModel && context.isVarying(test)
        if isVarying { context.varyingStarts.append(context.locals.count) }
        let then = scoped(loop.block.statements)
        if isVarying { context.varyingStarts.removeLast() }
        inside.append(CheckedStatement(.ifElse(test, then: then, otherwise: []), condition.span))
      } else {
        inside += scoped(loop.block.statements)
      }
    }
    if context.isModel { context.enclosingLoops -= 1 }
    var carried: [LocalID] = []
    collectAssigned(inside, before: start, &carried)
    if isSymbolic { for local in carried { context.varying.insert(local.rawValue) } }
    return ((variable.rawValue, inside), carried)
  }

  /// Whether a loop's body, as written, defines sites or pieces or adds to the log density.
  private func holdsSite(_ statements: [Statement]) -> Bool {
    statements.contains { statement in
      switch statement.kind {
      case .site, .elementSite, .plate: true
      case .assignment(let target, _, _):
        if case .index(let base, _) = target.kind, case .name(let name) = base.kind, let local = context.lookup(name) {
          context.piecewise[local.rawValue] != nil
        } else {
          false
        }
      case .expression(let e):
        if case .call(let callee, _) = e.kind, case .name("addLogDensity") = callee.kind { true } else { false }
      case .ifStatement(let value): holdsSite(value.then.statements) || holdsSite(value.otherwise?.statements ?? [])
      case .switchStatement(let value): value.cases.contains { holdsSite($0.body.statements) }
      case .forLoop(_, _, _, let block), .whileLoop(_, let block): holdsSite(block.statements)
      case .guardStatement(_, let block): holdsSite(block.statements)
      default: false
      }
    }
  }

  private func collectAssigned(_ statements: [CheckedStatement], before start: Int, _ result: inout [LocalID]) {
    for statement in statements {
      switch statement.kind {
      case .assign(let local, _), .assignPath(let local, _, _):
        if local.rawValue < start, !result.contains(local) { result.append(local) }
      case .ifElse(_, let a, let b), .ifLet(_, _, let a, let b):
        collectAssigned(a, before: start, &result)
        collectAssigned(b, before: start, &result)
      case .switchEnum(_, let cases, let otherwise):
        for item in cases { collectAssigned(item.body, before: start, &result) }
        collectAssigned(otherwise ?? [], before: start, &result)
      case .forIn(let loop): collectAssigned(loop.body, before: start, &result)
      case .whileLoop(_, let body), .block(let body): collectAssigned(body, before: start, &result)
      case .plate(let plate): collectAssigned(plate.body, before: start, &result)
      default: break
      }
    }
  }
}
