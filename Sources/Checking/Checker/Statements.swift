import Syntax

extension Checker {
  func check(_ statements: [Statement], into body: inout [CheckedStatement]) {
    for (number, statement) in statements.enumerated() {
      if case .guardStatement = statement.kind {
        guardStatement(statement, rest: Array(statements[(number + 1)...]), into: &body)
        return
      }
      check(statement, into: &body)
    }
  }

  /// Statements in a scope of their own.
  func scoped(_ statements: [Statement]) -> [CheckedStatement] {
    context.scopes.append([:])
    defer { context.scopes.removeLast() }
    var body: [CheckedStatement] = []
    check(statements, into: &body)
    return body
  }

  private var isTopLevel: Bool { context.kind == .unit && context.scopes.count == 1 }

  func check(_ statement: Statement, into body: inout [CheckedStatement]) {
    func add(_ kind: CheckedStatement.Kind) { body.append(CheckedStatement(kind, statement.span)) }
    switch statement.kind {
    case .erroneous: return
    case .expression(let e): expressionStatement(e, statement.span, into: &body)
    case .binding(let binding): self.binding(binding, statement.span, into: &body)
    case .site(let name, let type, _, let distribution): site(name, type, distribution, statement.span, into: &body)
    case .elementSite(let target, _, let distribution): elementSite(target, distribution, statement.span, into: &body)
    case .assignment(let target, let operation, let value):
      assignment(target, operation, value, statement.span, into: &body)
    case .plate(let index, let range, let block): plate(index, range, block, statement.span, into: &body)
    case .ifStatement(let value): ifStatement(value, into: &body)
    case .guardStatement: guardStatement(statement, rest: [], into: &body)
    case .switchStatement(let value): switchStatement(value, into: &body)
    case .forLoop(let pattern, let sequence, let condition, let block):
      forLoop(pattern, sequence, condition, block, statement.span, into: &body)
    case .whileLoop(let conditions, let block): whileLoop(conditions, block, statement.span, into: &body)
    case .breakStatement, .continueStatement:
      let word = statement.kind == .breakStatement ? "break" : "continue"
      if context.loopDepth == 0 {
        report(Diagnostic("T141", "`\(word)` stands outside of a loop", at: statement.span))
        return
      }
      if context.varyingBranches > 0 {
        report(Diagnostic("M132", "`\(word)` cannot depend on a varying value", at: statement.span, help: "choose with a conditional expression"))
      }
      add(statement.kind == .breakStatement ? .breakLoop : .continueLoop)
    case .returnStatement(let value): returnStatement(value, statement.span, into: &body)
    case .importStatement(let path):
      report(
        Diagnostic(
          "T190", "`import` is not available yet", at: statement.span, help: "put what `\(path.map(\.text).joined(separator: "."))` defines into this file"))
    case .function(let declaration):
      report(Diagnostic("T142", "functions are declared at the top level of a cell", at: declaration.name.span, help: "move it out, or use a closure: `let f = { … }`"))
    case .model(let declaration):
      report(Diagnostic("T142", "models are declared at the top level of a cell", at: declaration.name.span, help: "move it out"))
    case .structure(let declaration):
      report(Diagnostic("T142", "types are declared at the top level of a cell", at: declaration.name.span, help: "move it out"))
    case .enumeration(let declaration):
      report(Diagnostic("T142", "types are declared at the top level of a cell", at: declaration.name.span, help: "move it out"))
    case .extensionDeclaration, .test:
      report(Diagnostic("T142", "this stands at the top level of a cell", at: statement.span))
    }
  }

  // MARK: - Expressions as statements

  private func expressionStatement(_ e: Expression, _ span: SourceSpan, into body: inout [CheckedStatement]) {
    if case .call(let callee, let arguments) = e.kind {
      if case .name("addLogDensity") = callee.kind, context.lookup("addLogDensity") == nil {
        return addLogDensity(arguments, span, into: &body)
      }
      // `x.append(v)` on a variable changes it in place.
      if case .member(let base, let name) = callee.kind, name.text == "append" || name.text == "removeLast",
        let (local, path, type) = place(base, mayFail: true)
      {
        return mutate(local, path, type, base, name, arguments, span, into: &body)
      }
    }
    if case .ifExpression(let statement) = e.kind { return ifStatement(statement, into: &body) }
    if case .switchExpression(let statement) = e.kind { return switchStatement(statement, into: &body) }
    let value = check(e)
    if value.type.isErroneous { return }
    let isShown = isTopLevel && value.type != .unit && unitKind != .library
    if !isShown, context.kind != .unit, value.type != .unit, !mayHaveEffect(value) {
      report(
        Diagnostic("T150", .warning, "the value is not used", at: span, help: "bind it with `let`, or write `_ = …`"))
    }
    body.append(CheckedStatement(.expression(value, isShown: isShown), span))
  }

  private func mayHaveEffect(_ e: CheckedExpression) -> Bool {
    switch e.kind {
    case .call, .intrinsic, .callValue, .optionalChain: return true
    case .convert(let inner, _): return mayHaveEffect(inner)
    // The last expression of a function may be its value.
    default: return context.kind == .function || context.kind == .closure
    }
  }

  private func addLogDensity(_ arguments: [Expression.Argument], _ span: SourceSpan, into body: inout [CheckedStatement]) {
    guard context.isModel else {
      report(Diagnostic("M107", "`addLogDensity` stands only in a model's body", at: span))
      return
    }
    refuseVaryingBranch("`addLogDensity`", span)
    guard arguments.count == 1 else {
      report(Diagnostic("T218", "`addLogDensity` takes one term", at: span, found: "\(arguments.count)"))
      return
    }
    let value = check(arguments[0].value)
    if value.type.isErroneous { return }
    guard let numeric = value.type.numeric, let fit = coerced(value, to: .numeric(.real, numeric.extents)) else {
      mismatch(value, .real)
      return
    }
    body.append(CheckedStatement(.addLogDensity(fit), span))
  }

  private func mutate(
    _ local: LocalID, _ path: [CheckedPathStep], _ type: Type, _ base: Expression, _ name: Identifier,
    _ arguments: [Expression.Argument], _ span: SourceSpan, into body: inout [CheckedStatement]
  ) {
    guard let element = type.element, !type.isErroneous else {
      let value = check(Expression(.call(callee: Expression(.member(base: base, name: name), span), arguments: arguments), span))
      if !value.type.isErroneous { body.append(CheckedStatement(.expression(value, isShown: false), span)) }
      return
    }
    guard assignable(local, base.span) else { return }
    let current = check(base)
    if name.text == "removeLast" {
      let value = CheckedExpression(.intrinsic("Array.droppingLast()", [current]), current.type, span)
      body.append(CheckedStatement(path.isEmpty ? .assign(local, value) : .assignPath(local, path, value), span))
      return
    }
    guard arguments.count == 1, arguments[0].label == nil else {
      report(Diagnostic("T218", "`append` takes one element", at: span, expected: words(element)))
      return
    }
    let item = check(arguments[0].value, expecting: element)
    if item.type.isErroneous { return }
    // The length is no longer that of the literal.
    if path.isEmpty {
      switch context.locals[local.rawValue].type {
      case .array(let scalar, let extents): context.locals[local.rawValue].type = .array(scalar, [.unknown] + extents.dropFirst())
      case .list(let inner, _): context.locals[local.rawValue].type = .list(inner, .unknown)
      default: break
      }
    }
    let value = CheckedExpression(.intrinsic("Array.appending(_:)", [current, item]), context.locals[local.rawValue].type, span)
    body.append(CheckedStatement(path.isEmpty ? .assign(local, value) : .assignPath(local, path, value), span))
  }

  // MARK: - Bindings

  private func binding(_ binding: Statement.Binding, _ span: SourceSpan, into body: inout [CheckedStatement]) {
    let annotation = binding.type
    guard let valueExpression = binding.value else {
      guard case .name(let name) = binding.pattern.kind, let annotation else { return }
      if context.isModel, !binding.isVariable { return openPiecewise(name, annotation, span, into: &body) }
      report(
        Diagnostic(
          "T151", "`\(name.text)` needs a value", at: name.span,
          help: context.isModel ? "an array that is defined piece by piece is opened with `let`" : "write `\(binding.isVariable ? "var" : "let") \(name.text): \(words(resolve(annotation))) = …`"))
      _ = context.add(name.text, .erroneous, isVariable: binding.isVariable, span: name.span)
      return
    }
    let goal = annotation.map { resolve($0) }
    var value = goal.map { check(valueExpression, expecting: $0) } ?? check(valueExpression)
    if goal == nil {
      switch value.type {
      case .optional(.erroneous):
        value = fail(Diagnostic("T206", "the type of `nil` is not known here", at: value.span, help: "write `let x: Real? = nil`"), value.span)
      case .list(.erroneous, _):
        value = fail(Diagnostic("T206", "the type of an empty array is not known here", at: value.span, help: "write `let x: [Real] = []`"), value.span)
      case .unit where !value.type.isErroneous:
        report(Diagnostic("T152", .warning, "the value is empty", at: value.span))
      default: break
      }
    }
    bind(binding.pattern, value, isVariable: binding.isVariable, annotated: goal, span, into: &body)
  }

  func bind(
    _ pattern: Pattern, _ value: CheckedExpression, isVariable: Bool, annotated: Type? = nil, _ span: SourceSpan,
    into body: inout [CheckedStatement]
  ) {
    switch pattern.kind {
    case .erroneous: return
    case .wildcard: body.append(CheckedStatement(.expression(value, isShown: false), span))
    case .name(let name):
      var type = value.type
      // A variable may grow or shrink: its lengths are not those of its first value, unless it says so.
      if let annotated { type = annotated.isErroneous ? type : merged(annotated, type) }
      if isVariable, annotated == nil || context.kind != .model { type = loosened(type) }
      if isVariable, context.isModel {} else if case .array(let scalar, let extents) = type, !isVariable, extents.contains(.unknown), extents.count == 1, annotated == nil {
        type = .array(scalar, [.symbol(freshSymbol("the length of `\(name.text)`"))])
      }
      declare(name, type, value, isVariable: isVariable, span, into: &body)
    case .tuple(let parts):
      if value.type.isErroneous {
        for part in parts { bind(part, erroneous(value.span), isVariable: isVariable, span, into: &body) }
        return
      }
      guard case .tuple(let fields) = value.type, fields.count == parts.count else {
        report(
          Diagnostic("T231", "the value does not come apart into \(parts.count) parts", at: pattern.span, found: words(value.type)))
        for part in parts { bind(part, erroneous(value.span), isVariable: isVariable, span, into: &body) }
        return
      }
      context.scopes.append([:])
      let whole = context.add("", value.type, isVariable: false, span: value.span)
      context.scopes.removeLast()
      if context.isVarying(value) { context.varying.insert(whole.rawValue) }
      body.append(CheckedStatement(.bind(whole, value, derivedName: nil), span))
      for (index, (part, field)) in zip(parts, fields).enumerated() {
        let element = CheckedExpression(
          .tupleElement(CheckedExpression(.local(whole), value.type, value.span), index), field.type, part.span)
        bind(part, element, isVariable: isVariable, span, into: &body)
      }
    case .enumCase, .expression:
      report(Diagnostic("T232", "a pattern that may fail stands in `if case` or `switch`", at: pattern.span))
    }
  }

  /// The annotated type with what the value tells about its lengths.
  private func merged(_ annotated: Type, _ actual: Type) -> Type {
    switch (annotated, actual) {
    case (.array(let scalar, let want), .array(_, let have)) where want.count == have.count:
      return .array(scalar, zip(want, have).map { $0 == .unknown ? $1 : $0 })
    case (.list(let inner, .unknown), .list(_, let have)): return .list(inner, have)
    default: return annotated
    }
  }

  private func loosened(_ type: Type) -> Type {
    switch type {
    case .array(let scalar, let extents): .array(scalar, extents.map { _ in .unknown })
    case .list(let inner, _): .list(inner, .unknown)
    default: type
    }
  }

  private func declare(
    _ name: Identifier, _ type: Type, _ value: CheckedExpression, isVariable: Bool, _ span: SourceSpan,
    into body: inout [CheckedStatement]
  ) {
    if context.isModel { checkFresh(name) } else if let old = context.scopes[context.scopes.count - 1][name.text], !isTopLevel {
      report(
        Diagnostic(
          "T130", "`\(name.text)` is defined twice here", at: name.span,
          labels: [.init(span: context.locals[old.rawValue].span, text: "defined here")], help: "give one of them another name"))
    }
    let isVarying = context.isVarying(value)
    let local = context.add(name.text, type, isVariable: isVariable, span: name.span)
    if isVarying { context.varying.insert(local.rawValue) }
    if !isVariable, type == .int {
      switch extent(of: value) {
      case .symbol(let symbol): context.extentOf[local.rawValue] = symbol
      default: context.extentOf[local.rawValue] = freshSymbol(name.text)
      }
    }
    if !context.plates.isEmpty, isVarying { context.plateElements.insert(local.rawValue) }
    let isDerived = context.isModel && !isVariable && context.symbolicLoops == 0 && context.loopDepth == 0 && isReadable(type)
    if isDerived { addMember(name, .derived, type) }
    body.append(CheckedStatement(.bind(local, value, derivedName: isDerived ? name.text : nil), span))
    if isTopLevel { export(local, span: name.span) }
  }

  private func isReadable(_ type: Type) -> Bool {
    switch type {
    case .real, .int, .bool, .index, .array: true
    default: false
    }
  }

  // MARK: - Assignment

  /// A variable and the way down to the assigned place.
  private func place(_ e: Expression, mayFail: Bool = false) -> (LocalID, [CheckedPathStep], Type)? {
    switch e.kind {
    case .name(let name):
      if let local = context.lookup(name) { return (local, [], context.locals[local.rawValue].type) }
      if mayFail { return nil }
      if case .global(let id)? = entities[name] {
        let isOwn = definedIn[name] == unitCount - 1
        report(
          Diagnostic(
            "T153", isOwn ? "a function cannot assign `\(name)`" : "`\(name)` belongs to another cell and cannot be changed", at: e.span,
            labels: [.init(span: table.globals[id.rawValue].span, text: "defined here")],
            help: isOwn ? "return the new value" : "bind a new name: `let new\(name.prefix(1).uppercased() + name.dropFirst()) = …`"))
        return nil
      }
      _ = unknown(name, e.span)
      return nil
    case .member(let base, let name):
      guard let (local, path, type) = place(base, mayFail: mayFail) else { return nil }
      switch type {
      case .structure(let id):
        let info = table.structures[id.rawValue]
        guard let index = info.fields.firstIndex(where: { $0.name == name.text }) else {
          if mayFail { return nil }
          report(
            Diagnostic("T225", "a \(info.name) has no field `\(name.text)`", at: name.span, help: didYouMean(name.text, info.fields.map(\.name))))
          return nil
        }
        if !info.fields[index].isVariable, !mayFail {
          report(Diagnostic("T154", "the field `\(name.text)` is a `let`", at: name.span, help: "declare it with `var` to change it"))
          return nil
        }
        return (local, path + [.field(index)], info.fields[index].type)
      case .tuple(let fields):
        let index = Int(name.text) ?? fields.firstIndex { $0.label == name.text } ?? -1
        guard fields.indices.contains(index) else { return nil }
        return (local, path + [.tupleElement(index)], fields[index].type)
      default:
        if !mayFail, !type.isErroneous {
          report(Diagnostic("T155", "this cannot be assigned", at: e.span, found: words(type)))
        }
        return nil
      }
    case .index(let base, let arguments):
      guard let (local, path, type) = place(base, mayFail: mayFail) else { return nil }
      if case .dictionary(let key, let value) = type, arguments.count >= 1 {
        let k = check(arguments[0].value, expecting: key)
        if k.type.isErroneous { return nil }
        return (local, path + [.key(k)], value)
      }
      context.scopes.append([:])
      let probe = context.add("", type, isVariable: false, span: base.span)
      context.scopes.removeLast()
      let result = index(CheckedExpression(.local(probe), type, base.span), arguments, e.span)
      guard case .index(_, let indices) = result.kind else { return nil }
      return (local, path + [.index(indices)], result.type)
    default:
      if !mayFail { report(Diagnostic("T155", "this cannot be assigned", at: e.span, help: "assign to a variable, an element or a field")) }
      return nil
    }
  }

  private func assignable(_ local: LocalID, _ span: SourceSpan) -> Bool {
    let info = context.locals[local.rawValue]
    if context.captured.contains(local.rawValue) {
      report(
        Diagnostic(
          "T156", "a closure cannot assign the captured `\(info.name)`", at: span, labels: [.init(span: info.span, text: "captured by value")],
          help: "return the new value"))
      return false
    }
    if let start = context.plateStart.last, local.rawValue < start {
      report(
        Diagnostic(
          "M119", "`\(info.name)` of outside cannot be assigned in a plate", at: span, labels: [.init(span: info.span, text: "declared outside")],
          help: "a plate's elements do not depend on each other: use `sum`, or a `for` loop"))
      return false
    }
    if !info.isVariable {
      if info.type.isErroneous { return false }
      let isParameter = context.kind != .unit && local.rawValue < 16 && info.span.start < (context.locals.last?.span.start ?? 0)
      report(
        Diagnostic(
          "T157", "`\(info.name)` is a constant", at: span, labels: [.init(span: info.span, text: isParameter ? "bound here" : "declared with `let`")],
          help: "declare it with `var` to change it"))
      return false
    }
    return true
  }

  private func assignment(
    _ target: Expression, _ operation: BinaryOperator?, _ valueExpression: Expression, _ span: SourceSpan,
    into body: inout [CheckedStatement]
  ) {
    if case .name("_") = target.kind, operation == nil {
      let value = check(valueExpression)
      body.append(CheckedStatement(.expression(value, isShown: false), span))
      return
    }
    // A piece of an array that is open for definition.
    if context.isModel, operation == nil, case .index(let base, _) = target.kind, case .name(let name) = base.kind,
      let local = context.lookup(name), context.piecewise[local.rawValue] != nil
    {
      guard let (array, indices) = pieceTarget(target) else { return }
      refuseVaryingBranch("a definition", target.span)
      guard let element = elementType(context.locals[array.rawValue].type, indices.count) else { return }
      let value = check(valueExpression, expecting: element)
      if value.type.isErroneous { return }
      markPiece(array, isSite: false)
      body.append(CheckedStatement(.pieceValue(array, indices, value), span))
      return
    }
    if case .index(let base, _) = target.kind, case .name(let name) = base.kind, context.isModel,
      let local = context.lookup(name), context.varying.contains(local.rawValue), !context.locals[local.rawValue].isVariable
    {
      report(
        Diagnostic(
          "M114", "`\(name)` is not open for definition piece by piece", at: base.span, help: "open it first: `let \(name): Vector[T]`"))
      return
    }
    guard let (local, path, type) = place(target) else {
      _ = check(valueExpression)
      return
    }
    guard assignable(local, target.span) else {
      _ = check(valueExpression)
      return
    }
    var value: CheckedExpression
    if let operation {
      let combined = Expression(.binary(operation, operatorSpan: target.span, target, valueExpression), span)
      var checked = check(combined)
      if case .optional? = Optional(checked.type) {}
      if !checked.type.isErroneous {
        if let fit = coerced(checked, to: type) { checked = fit } else { checked = mismatch(checked, type) }
      }
      value = checked
    } else {
      var goal = type
      var isRemoval = false
      if case .key? = path.last { goal = .optional(type) }
      if case .key? = path.last, case .nilLiteral = valueExpression.kind { isRemoval = true }
      value = check(valueExpression, hint: type)
      if !value.type.isErroneous {
        if isRemoval {
          value = CheckedExpression(.nilLiteral, goal, value.span)
        } else if let fit = coerced(value, to: type) { value = fit } else { value = mismatch(value, type) }
      }
    }
    if value.type.isErroneous { return }
    if context.isVarying(value) { context.varying.insert(local.rawValue) }
    body.append(CheckedStatement(path.isEmpty ? .assign(local, value) : .assignPath(local, path, value), span))
  }

  private func returnStatement(_ e: Expression?, _ span: SourceSpan, into body: inout [CheckedStatement]) {
    switch context.kind {
    case .unit, .model, .test:
      report(Diagnostic("T143", "`return` stands only in a function", at: span))
      return
    case .function, .closure: break
    }
    if context.varyingBranches > 0 {
      report(Diagnostic("M132", "an early `return` cannot depend on a varying value", at: span, help: "choose with a conditional expression"))
    }
    guard let goal = context.result else {
      let value = e.map { check($0) }
      if let value, !value.type.isErroneous { context.inferredResults.append(value.type) }
      body.append(CheckedStatement(.returnValue(value), span))
      return
    }
    guard let e else {
      if goal != .unit, !goal.isErroneous {
        report(Diagnostic("T144", "a value is missing", at: span, expected: words(goal)))
      }
      body.append(CheckedStatement(.returnValue(nil), span))
      return
    }
    if goal == .unit {
      let value = check(e)
      if !value.type.isErroneous, value.type != .unit {
        report(Diagnostic("T144", "the function returns nothing", at: e.span, found: words(value.type), help: "declare its result: `-> \(words(value.type))`"))
      }
      return
    }
    let value = check(e, expecting: goal)
    if value.type.isErroneous { return }
    body.append(CheckedStatement(.returnValue(value), span))
  }

  // MARK: - Branches

  /// Conditions joined into nested branches: the innermost holds `then`; every failure ends in `otherwise`.
  private func branch(
    _ conditions: [Condition], span: SourceSpan, then: () -> [CheckedStatement], otherwise: @escaping () -> [CheckedStatement]
  ) -> (statements: [CheckedStatement], isVarying: Bool) {
    // Plain Boolean conditions make one branch; bindings need their own.
    if conditions.count == 1, case .expression(let e) = conditions[0] {
      let test = condition(e)
      let isVarying = context.isModel && context.isVarying(test)
      if isVarying { context.varyingBranches += 1 }
      let a = then()
      let b = otherwise()
      if isVarying { context.varyingBranches -= 1 }
      return ([CheckedStatement(.ifElse(test, then: a, otherwise: b), span)], isVarying)
    }
    if conditions.allSatisfy({ if case .expression = $0 { true } else { false } }) {
      var test: CheckedExpression?
      for case .expression(let e) in conditions {
        let next = condition(e)
        test = test.map { CheckedExpression(.and($0, next), .bool, $0.span.union(next.span)) } ?? next
      }
      let joinedTest = test ?? CheckedExpression(.bool(true), .bool, span)
      let isVarying = context.isModel && context.isVarying(joinedTest)
      if isVarying { context.varyingBranches += 1 }
      let a = then()
      let b = otherwise()
      if isVarying { context.varyingBranches -= 1 }
      return ([CheckedStatement(.ifElse(joinedTest, then: a, otherwise: b), span)], isVarying)
    }
    // A flag tells whether all conditions held, so that `otherwise` is written once.
    context.scopes.append([:])
    let flag = context.add("", .bool, isVariable: true, span: span)
    func flagValue(_ value: Bool) -> CheckedExpression { CheckedExpression(.bool(value), .bool, span) }
    func nested(_ rest: ArraySlice<Condition>) -> [CheckedStatement] {
      guard let first = rest.first else {
        return [CheckedStatement(.assign(flag, flagValue(true)), span)] + then()
      }
      switch first {
      case .expression(let e):
        let test = condition(e)
        return [CheckedStatement(.ifElse(test, then: nested(rest.dropFirst()), otherwise: []), e.span)]
      case .optionalBinding(let isVariable, let name, let valueExpression):
        let source = valueExpression ?? Expression(.name(name.text), name.span)
        let value = check(source)
        var inner = Type.erroneous
        if case .optional(let wrapped) = value.type { inner = wrapped } else if !value.type.isErroneous {
          report(
            Diagnostic("T203", "the value is never `nil`", at: value.span, found: words(value.type), help: "bind it with a plain `let`"))
        }
        let local = context.add(name.text, inner, isVariable: isVariable, span: name.span)
        if context.isVarying(value) { context.varying.insert(local.rawValue) }
        return [CheckedStatement(.ifLet(local, value, then: nested(rest.dropFirst()), otherwise: []), name.span)]
      case .pattern(let pattern, let valueExpression):
        let value = check(valueExpression)
        return match(pattern, value, span: pattern.span) { nested(rest.dropFirst()) }
      }
    }
    let inside = nested(conditions[...])
    context.scopes.removeLast()
    let rest = otherwise()
    var statements: [CheckedStatement] = [
      CheckedStatement(.bind(flag, flagValue(false), derivedName: nil), span),
    ]
    statements += inside
    if !rest.isEmpty {
      let failed = CheckedExpression(.unary(.not, CheckedExpression(.local(flag), .bool, span)), .bool, span)
      statements.append(CheckedStatement(.ifElse(failed, then: rest, otherwise: []), span))
    }
    return ([CheckedStatement(.block(statements), span)], false)
  }

  private func ifStatement(_ statement: IfStatement, into body: inout [CheckedStatement]) {
    guard context.isModel else {
      let (statements, _) = branch(
        statement.conditions, span: statement.span, then: { scoped(statement.then.statements) },
        otherwise: { [self] in statement.otherwise.map { scoped($0.statements) } ?? [] })
      body += statements
      return
    }
    // In a model, names bound in branches join the enclosing scope.
    var arms: [Arm] = []
    let (statements, isVarying) = branch(
      statement.conditions, span: statement.span,
      then: {
        let arm = self.arm(statement.then.statements)
        arms.append(arm)
        return [CheckedStatement(.block([]), statement.span)]
      },
      otherwise: { [self] in
        arms.append(arm(statement.otherwise?.statements ?? []))
        return [CheckedStatement(.block([]), statement.span)]
      })
    var filled = statements
    let joined = isVarying ? arms.map(\.body) : join(&arms, span: statement.span, into: &body)
    if arms.count == 2, filled.count == 1, case .ifElse(let test, _, _) = filled[0].kind {
      filled[0].kind = .ifElse(test, then: joined[0], otherwise: joined[1])
    } else {
      filled = fill(filled, joined)
    }
    body += filled
  }

  /// A branch of a model with the names it binds.
  private struct Arm {
    var body: [CheckedStatement]
    var names: [String: LocalID]
  }

  private func arm(_ statements: [Statement]) -> Arm {
    context.scopes.append([:])
    var body: [CheckedStatement] = []
    check(statements, into: &body)
    let names = context.scopes.removeLast()
    return Arm(body: body, names: names)
  }

  /// Replaces the placeholders of `branch` by the arms, first `then`, then `otherwise`.
  private func fill(_ statements: [CheckedStatement], _ arms: [[CheckedStatement]]) -> [CheckedStatement] {
    var next = 0
    func visit(_ list: [CheckedStatement]) -> [CheckedStatement] {
      list.flatMap { statement -> [CheckedStatement] in
        var copy = statement
        switch statement.kind {
        case .block(let inner):
          if inner.isEmpty, next < arms.count {
            next += 1
            return arms[next - 1]
          }
          copy.kind = .block(visit(inner))
        case .ifElse(let test, let a, let b): copy.kind = .ifElse(test, then: visit(a), otherwise: visit(b))
        case .ifLet(let local, let value, let a, let b): copy.kind = .ifLet(local, value, then: visit(a), otherwise: visit(b))
        case .switchEnum(let subject, let cases, let otherwise):
          copy.kind = .switchEnum(
            subject, cases: cases.map { CheckedSwitchCase(caseIndex: $0.caseIndex, payload: $0.payload, body: visit($0.body)) },
            otherwise: otherwise.map(visit))
        default: break
        }
        return [copy]
      }
    }
    return visit(statements)
  }

  /// Makes the names that arms bind visible after them: optional where not every arm does.
  private func join(_ arms: inout [Arm], span: SourceSpan, into body: inout [CheckedStatement]) -> [[CheckedStatement]] {
    var results = arms.map(\.body)
    var names: [String] = []
    for arm in arms { for name in arm.names.keys.sorted() where !names.contains(name) && !name.isEmpty { names.append(name) } }
    for name in names {
      let bound = arms.compactMap { $0.names[name] }
      var type: Type? = context.locals[bound[0].rawValue].type
      for local in bound.dropFirst() { type = type.flatMap { wider($0, context.locals[local.rawValue].type) } }
      guard var type, !bound.contains(where: { context.locals[$0.rawValue].isVariable || context.piecewise[$0.rawValue] != nil }) else { continue }
      let everywhere = bound.count == arms.count
      if !everywhere { if case .optional = type {} else { type = .optional(type) } }
      let outer = context.add(name, type, isVariable: false, span: context.locals[bound[0].rawValue].span)
      if bound.contains(where: { context.varying.contains($0.rawValue) }) { context.varying.insert(outer.rawValue) }
      if !everywhere, let index = context.members.firstIndex(where: { $0.name == name }) {
        if case .optional = context.members[index].type {} else {
          context.members[index].type = .optional(context.members[index].type)
        }
      }
      for (number, arm) in arms.enumerated() {
        if let inner = arm.names[name] {
          let value = CheckedExpression(.local(inner), context.locals[inner.rawValue].type, span)
          results[number].append(CheckedStatement(.assign(outer, coerced(value, to: type) ?? value), span))
        } else {
          results[number].append(CheckedStatement(.assign(outer, CheckedExpression(.nilLiteral, type, span)), span))
        }
      }
    }
    return results
  }

  private func guardStatement(_ statement: Statement, rest: [Statement], into body: inout [CheckedStatement]) {
    guard case .guardStatement(let conditions, let otherwise) = statement.kind else { return }
    // What follows is the `then` of the conditions.
    var inner: [CheckedStatement] = []
    let (statements, _) = branch(
      conditions, span: statement.span,
      then: {
        check(rest, into: &inner)
        return inner
      },
      otherwise: { [self] in
        let leave = scoped(otherwise.statements)
        if !alwaysReturns(leave), !leaves(leave) {
          report(
            Diagnostic(
              "T145", "the `else` of a guard must leave", at: otherwise.span, expected: "`return`, `break` or `continue` at its end"))
        }
        return leave
      })
    body += statements
  }

  private func leaves(_ statements: [CheckedStatement]) -> Bool {
    switch statements.last?.kind {
    case .breakLoop?, .continueLoop?, .returnValue?: true
    case .ifElse(_, let a, let b)?: leaves(a) && leaves(b)
    case .block(let inner)?: leaves(inner)
    default: false
    }
  }

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
        report(Diagnostic("T231", "the value does not come apart into \(parts.count) parts", at: pattern.span, found: words(value.type)))
        bindErroneous(pattern)
        return then()
      }
      let whole = context.add("", value.type, isVariable: false, span: span)
      func part(_ index: Int) -> [CheckedStatement] {
        guard index < parts.count else { return then() }
        let element = CheckedExpression(
          .tupleElement(CheckedExpression(.local(whole), value.type, value.span), index), fields[index].type, value.span)
        return match(parts[index], element, span: span) { part(index + 1) }
      }
      return [CheckedStatement(.bind(whole, value, derivedName: nil), span)] + part(0)
    case .enumCase(let typeName, let name, let arguments):
      if case .optional(let wrapped) = value.type {
        if name.text == "some", arguments.count <= 1, typeName == nil {
          let local = context.add("", wrapped, isVariable: false, span: span)
          let inside = arguments.first.map { match($0, CheckedExpression(.local(local), wrapped, span), span: span, then: then) } ?? then()
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
        report(Diagnostic("T233", "a \(words(value.type)) has no cases", at: pattern.span, found: words(value.type)))
        bindErroneous(pattern)
        return then()
      }
      let info = table.enumerations[id.rawValue]
      guard let index = info.cases.firstIndex(where: { $0.name == name.text }) else {
        report(
          Diagnostic(
            "T227", "`\(info.name)` has no case `\(name.text)`", at: name.span,
            expected: info.cases.map { "`.\($0.name)`" }.joined(separator: ", "), help: didYouMean(name.text, info.cases.map(\.name))))
        bindErroneous(pattern)
        return then()
      }
      let payload = info.cases[index].payload
      guard arguments.isEmpty || arguments.count == payload.count else {
        report(Diagnostic("T218", "`.\(name.text)` has \(payload.count) value\(payload.count == 1 ? "" : "s")", at: pattern.span, found: "\(arguments.count)"))
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
          .switchEnum(value, cases: [CheckedSwitchCase(caseIndex: index, payload: locals, body: inside)], otherwise: []), span)
      ]
    case .expression(let e):
      let test: CheckedExpression
      if case .range(let lower, let upper, let isClosed) = e.kind, value.type.numeric != nil {
        func bound(_ e: Expression, _ operation: BinaryOperator) -> CheckedExpression {
          let limit = check(e, hint: value.type)
          guard let goal = wider(value.type, limit.type), let a = coerced(value, to: goal), let b = coerced(limit, to: goal) else {
            return mismatch(limit, value.type)
          }
          return CheckedExpression(.binary(operation, a, b), .bool, e.span)
        }
        let first = lower.map { bound($0, .greaterOrEqual) }
        let last = upper.map { bound($0, isClosed ? .lessOrEqual : .less) }
        if let first, let last { test = CheckedExpression(.and(first, last), .bool, e.span) } else {
          test = first ?? last ?? CheckedExpression(.bool(true), .bool, e.span)
        }
      } else {
        if case .nilLiteral = e.kind, case .optional(let wrapped) = value.type {
          let local = context.add("", wrapped, isVariable: false, span: span)
          return [CheckedStatement(.ifLet(local, value, then: [], otherwise: then()), span)]
        }
        let other = check(e, hint: value.type)
        if other.type.isErroneous { return then() }
        guard let goal = wider(value.type, other.type), let a = coerced(value, to: goal), let b = coerced(other, to: goal) else {
          mismatch(other, value.type, what: "the pattern has another type than the value")
          return then()
        }
        test = CheckedExpression(.binary(.equal, a, b), .bool, e.span)
      }
      return [CheckedStatement(.ifElse(test, then: then(), otherwise: []), span)]
    }
  }

  private func bindErroneous(_ pattern: Pattern) {
    switch pattern.kind {
    case .name(let name): _ = context.add(name.text, .erroneous, isVariable: false, span: name.span)
    case .tuple(let parts): for part in parts { bindErroneous(part) }
    case .enumCase(_, _, let arguments): for argument in arguments { bindErroneous(argument) }
    case .wildcard, .expression, .erroneous: break
    }
  }

  private func switchStatement(_ statement: SwitchStatement, into body: inout [CheckedStatement]) {
    if context.isModel, let made = modelSwitch(statement) {
      var arms = made.arms
      let joined = join(&arms, span: statement.span, into: &body)
      var next = 0
      let cases = made.cases.map { index, payload -> CheckedSwitchCase in
        next += 1
        return CheckedSwitchCase(caseIndex: index, payload: payload, body: joined[next - 1])
      }
      body.append(
        CheckedStatement(
          .switchEnum(made.subject, cases: cases, otherwise: made.hasDefault ? joined.last : nil), statement.span))
      return
    }
    body += switchBody(statement) { arm in self.scoped(arm) }
  }

  /// A switch over enum cases in a model: one arm per case, so that names join the scope.
  private func modelSwitch(_ statement: SwitchStatement) -> (subject: CheckedExpression, cases: [(Int, [LocalID?])], arms: [Arm], hasDefault: Bool)? {
    let before = diagnostics
    let subject = check(statement.subject)
    guard case .enumeration(let id) = subject.type else {
      diagnostics = before
      return nil
    }
    let info = table.enumerations[id.rawValue]
    var cases: [(Int, [LocalID?])] = []
    var arms: [Arm] = []
    var covered: Set<Int> = []
    var hasDefault = false
    for item in statement.cases {
      guard item.guardCondition == nil, item.patterns.count <= 1 else {
        diagnostics = before
        return nil
      }
      guard let pattern = item.patterns.first else {
        hasDefault = true
        arms.append(arm(item.body.statements))
        continue
      }
      guard case .enumCase(_, let name, let arguments) = pattern.kind, let index = info.cases.firstIndex(where: { $0.name == name.text }) else {
        diagnostics = before
        return nil
      }
      context.scopes.append([:])
      var payload: [LocalID?] = info.cases[index].payload.map { _ in nil }
      for (slot, argument) in arguments.enumerated() where slot < payload.count {
        if case .name(let bound) = argument.kind {
          payload[slot] = context.add(bound.text, info.cases[index].payload[slot].type, isVariable: false, span: bound.span)
        }
      }
      var own = arm(item.body.statements)
      own.names = own.names.filter { name, local in !payload.contains(local) }
      context.scopes.removeLast()
      covered.insert(index)
      cases.append((index, payload))
      arms.append(own)
    }
    reportMissing(info, covered, hasDefault, statement.span)
    return (subject, cases, arms, hasDefault)
  }

  private func reportMissing(_ info: EnumerationInfo, _ covered: Set<Int>, _ hasDefault: Bool, _ span: SourceSpan) {
    guard !hasDefault else { return }
    let missing = info.cases.indices.filter { !covered.contains($0) }.map { "`.\(info.cases[$0].name)`" }
    guard !missing.isEmpty else { return }
    report(
      Diagnostic(
        "T146", "the switch does not cover every case", at: SourceSpan(source: span.source, start: span.start, end: span.start + 6),
        expected: "also " + missing.joined(separator: ", "), help: "add the cases, or `default:`"))
  }

  /// Cases as a chain: a flag tells whether one has matched.
  private func switchBody(_ statement: SwitchStatement, _ arm: ([Statement]) -> [CheckedStatement]) -> [CheckedStatement] {
    let subject = check(statement.subject)
    context.scopes.append([:])
    defer { context.scopes.removeLast() }
    let value = context.add("", subject.type, isVariable: false, span: subject.span)
    if context.isVarying(subject) { context.varying.insert(value.rawValue) }
    let read = CheckedExpression(.local(value), subject.type, subject.span)
    var covered: Set<Int> = []
    var coversTrue = false
    var coversFalse = false
    var coversNil = false
    var coversSome = false
    var isComplete = subject.type.isErroneous
    // Plain enum cases without guards become one jump.
    if case .enumeration(let id) = subject.type, let simple = simpleCases(statement, id, read, arm) {
      return [CheckedStatement(.bind(value, subject, derivedName: nil), statement.span), simple]
    }
    let flag = context.add("", .bool, isVariable: true, span: statement.span)
    func flagRead() -> CheckedExpression { CheckedExpression(.local(flag), .bool, statement.span) }
    var chain: [CheckedStatement] = [
      CheckedStatement(.bind(value, subject, derivedName: nil), statement.span),
      CheckedStatement(.bind(flag, CheckedExpression(.bool(false), .bool, statement.span), derivedName: nil), statement.span),
    ]
    var isFirst = true
    for item in statement.cases {
      var alternatives: [CheckedStatement] = []
      func matched() -> [CheckedStatement] {
        let done = CheckedStatement(.assign(flag, CheckedExpression(.bool(true), .bool, statement.span)), statement.span)
        guard let guardCondition = item.guardCondition else { return [done] + arm(item.body.statements) }
        let test = condition(guardCondition)
        return [CheckedStatement(.ifElse(test, then: [done] + arm(item.body.statements), otherwise: []), guardCondition.span)]
      }
      if item.patterns.isEmpty {
        isComplete = true
        alternatives = matched()
      }
      for pattern in item.patterns {
        context.scopes.append([:])
        let statements = match(pattern, read, span: pattern.span, then: matched)
        context.scopes.removeLast()
        let failed = CheckedExpression(.unary(.not, flagRead()), .bool, pattern.span)
        alternatives.append(CheckedStatement(.ifElse(failed, then: statements, otherwise: []), pattern.span))
        guard item.guardCondition == nil else { continue }
        switch pattern.kind {
        case .wildcard, .name: isComplete = true
        case .tuple(let parts):
          if parts.allSatisfy({ if case .name = $0.kind { true } else if case .wildcard = $0.kind { true } else { false } }) { isComplete = true }
        case .enumCase(_, let name, let arguments):
          let isWhole = arguments.allSatisfy { if case .name = $0.kind { true } else if case .wildcard = $0.kind { true } else { false } }
          if name.text == "some", isWhole { coversSome = true }
          if name.text == "none" { coversNil = true }
          if case .enumeration(let id) = subject.type, isWhole, let index = table.enumerations[id.rawValue].cases.firstIndex(where: { $0.name == name.text }) {
            covered.insert(index)
          }
        case .expression(let e):
          if case .boolean(let flag) = e.kind { if flag { coversTrue = true } else { coversFalse = true } }
          if case .nilLiteral = e.kind { coversNil = true }
        case .erroneous: isComplete = true
        }
      }
      if isFirst || item.patterns.isEmpty {
        if item.patterns.isEmpty {
          let failed = CheckedExpression(.unary(.not, flagRead()), .bool, statement.span)
          chain.append(CheckedStatement(.ifElse(failed, then: alternatives, otherwise: []), statement.span))
        } else {
          chain += alternatives
        }
      } else {
        chain += alternatives
      }
      isFirst = false
    }
    if case .enumeration(let id) = subject.type, !isComplete {
      reportMissing(table.enumerations[id.rawValue], covered, false, statement.span)
      isComplete = true
    }
    if subject.type == .bool, coversTrue, coversFalse { isComplete = true }
    if case .optional = subject.type, coversSome, coversNil { isComplete = true }
    if !isComplete {
      report(
        Diagnostic(
          "T146", "the switch does not cover every value", at: SourceSpan(source: statement.span.source, start: statement.span.start, end: statement.span.start + 6),
          help: "add `default:`"))
    }
    return [CheckedStatement(.block(chain), statement.span)]
  }

  private func simpleCases(
    _ statement: SwitchStatement, _ id: EnumerationID, _ subject: CheckedExpression, _ arm: ([Statement]) -> [CheckedStatement]
  ) -> CheckedStatement? {
    let info = table.enumerations[id.rawValue]
    for item in statement.cases {
      guard item.guardCondition == nil else { return nil }
      for pattern in item.patterns {
        guard case .enumCase(_, let name, let arguments) = pattern.kind, info.cases.contains(where: { $0.name == name.text }),
          item.patterns.count == 1 || arguments.isEmpty,
          arguments.allSatisfy({ if case .name = $0.kind { true } else if case .wildcard = $0.kind { true } else { false } })
        else { return nil }
      }
    }
    var cases: [CheckedSwitchCase] = []
    var covered: Set<Int> = []
    var otherwise: [CheckedStatement]?
    for item in statement.cases {
      if item.patterns.isEmpty {
        otherwise = arm(item.body.statements)
        continue
      }
      for pattern in item.patterns {
        guard case .enumCase(_, let name, let arguments) = pattern.kind, let index = info.cases.firstIndex(where: { $0.name == name.text }) else { continue }
        let payload = info.cases[index].payload
        if !arguments.isEmpty, arguments.count != payload.count {
          report(Diagnostic("T218", "`.\(name.text)` has \(payload.count) value\(payload.count == 1 ? "" : "s")", at: pattern.span, found: "\(arguments.count)"))
        }
        context.scopes.append([:])
        var locals: [LocalID?] = payload.map { _ in nil }
        for (slot, argument) in arguments.enumerated() where slot < payload.count {
          if case .name(let bound) = argument.kind {
            locals[slot] = context.add(bound.text, payload[slot].type, isVariable: false, span: bound.span)
          }
        }
        let body = arm(item.body.statements)
        context.scopes.removeLast()
        if covered.insert(index).inserted { cases.append(CheckedSwitchCase(caseIndex: index, payload: locals, body: body)) }
      }
    }
    reportMissing(info, covered, otherwise != nil, statement.span)
    return CheckedStatement(.switchEnum(subject, cases: cases, otherwise: otherwise), statement.span)
  }

  // MARK: - if and switch as expressions

  func ifExpression(_ statement: IfStatement, _ hint: Type?) -> CheckedExpression {
    guard let otherwise = statement.otherwise else {
      return fail(Diagnostic("T234", "`if` as a value needs an `else`", at: statement.span), statement.span)
    }
    if statement.conditions.count == 1, case .expression(let e) = statement.conditions[0],
      let a = single(statement.then), let b = single(otherwise)
    {
      return choice(condition(e), check(a, hint: hint), check(b, hint: hint), statement.span)
    }
    return valued(statement.span, hint) { assign in
      self.branch(
        statement.conditions, span: statement.span, then: { assign(statement.then.statements) },
        otherwise: { assign(otherwise.statements) }
      ).statements
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
    valued(statement.span, hint) { assign in self.switchBody(statement, assign) }
  }

  /// A statement whose branches end in a value: each assigns it to a hidden variable.
  private func valued(
    _ span: SourceSpan, _ hint: Type?, _ build: (@escaping ([Statement]) -> [CheckedStatement]) -> [CheckedStatement]
  ) -> CheckedExpression {
    context.scopes.append([:])
    let result = context.add("", .erroneous, isVariable: true, span: span)
    context.scopes.removeLast()
    var type: Type?
    var wrong = false
    // Two passes: the first finds the common type, the second converts to it.
    func pass(_ goal: Type?) -> [CheckedStatement] {
      build { [self] statements in
        context.scopes.append([:])
        defer { context.scopes.removeLast() }
        var body: [CheckedStatement] = []
        check(Array(statements.dropLast()), into: &body)
        var last: CheckedExpression?
        switch statements.last?.kind {
        case .expression(let e)?: last = check(e, hint: goal ?? hint)
        case .ifStatement(let inner)?: last = ifExpression(inner, goal ?? hint)
        case .switchStatement(let inner)?: last = switchExpression(inner, goal ?? hint)
        case .returnStatement?, .breakStatement?, .continueStatement?:
          if let statement = statements.last { check(statement, into: &body) }
          return body
        default: break
        }
        guard let last else {
          report(Diagnostic("T235", "the branch ends without a value", at: statements.last?.span ?? span))
          wrong = true
          return body
        }
        if last.type.isErroneous {
          wrong = true
          return body
        }
        if let goal {
          guard let fit = coerced(last, to: goal) else {
            mismatch(last, goal, what: "the branches have different types")
            wrong = true
            return body
          }
          body.append(CheckedStatement(.assign(result, fit), last.span))
        } else {
          type = type.map { wider($0, last.type) ?? $0 } ?? last.type
        }
        return body
      }
    }
    let before = diagnostics
    _ = pass(nil)
    if wrong { return erroneous(span) }
    diagnostics = before
    guard let type else { return erroneous(span) }
    context.locals[result.rawValue].type = type
    let statements = pass(type)
    if wrong { return erroneous(span) }
    return CheckedExpression(.block(statements, result: CheckedExpression(.local(result), type, span)), type, span)
  }

  // MARK: - Loops

  private func whileLoop(_ conditions: [Condition], _ block: Block, _ span: SourceSpan, into body: inout [CheckedStatement]) {
    func inLoop(_ make: () -> [CheckedStatement]) -> [CheckedStatement] {
      context.loopDepth += 1
      defer { context.loopDepth -= 1 }
      return make()
    }
    if conditions.allSatisfy({ if case .expression = $0 { true } else { false } }) {
      var test: CheckedExpression?
      for case .expression(let e) in conditions {
        let next = condition(e)
        test = test.map { CheckedExpression(.and($0, next), .bool, $0.span.union(next.span)) } ?? next
      }
      let whole = test ?? CheckedExpression(.bool(true), .bool, span)
      if context.isModel, context.isVarying(whole) {
        report(
          Diagnostic(
            "M133", "`while` cannot depend on a varying value", at: whole.span, caret: "varies from draw to draw or element to element",
            help: "loop over a fixed range and choose with a conditional expression"))
      }
      let inside = inLoop { scoped(block.statements) }
      body.append(CheckedStatement(.whileLoop(whole, inside), span))
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

  private func forLoop(
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
            "T236", "a \(words(sequence.type)) has no elements to loop over", at: sequence.span,
            expected: "a range, an array or a dictionary", found: words(sequence.type), help: help))
      }
      context.scopes.append([:])
      bindErroneous(pattern)
      context.loopDepth += 1
      var ignored: [CheckedStatement] = []
      check(block.statements, into: &ignored)
      context.loopDepth -= 1
      context.scopes.removeLast()
      return
    }
    if context.isModel, case .range(let lower, let upper, _) = sequence.kind {
      for bound in [lower, upper] where context.isVarying(bound) {
        report(
          Diagnostic("M131", "a loop's bound cannot vary", at: bound.span, caret: "depends on a site or on an index", help: "bounds are fixed by the model's arguments"))
      }
    }
    let isSymbolic = context.isModel && holdsSite(block.statements)
    let start = context.locals.count
    context.scopes.append([:])
    defer { context.scopes.removeLast() }
    var inside: [CheckedStatement] = []
    let variable: LocalID
    if case .name(let name) = pattern.kind {
      variable = context.add(name.text, element, isVariable: false, span: name.span)
      if element == .int { context.extentOf[variable.rawValue] = freshSymbol(name.text) }
    } else {
      variable = context.add("", element, isVariable: false, span: pattern.span)
      if case .wildcard = pattern.kind {} else {
        bind(pattern, CheckedExpression(.local(variable), element, pattern.span), isVariable: false, pattern.span, into: &inside)
      }
    }
    if isSymbolic || context.isVarying(sequence) { context.varying.insert(variable.rawValue) }
    context.loopDepth += 1
    if isSymbolic { context.symbolicLoops += 1 }
    if let condition {
      let test = self.condition(condition)
      let then = scoped(block.statements)
      inside.append(CheckedStatement(.ifElse(test, then: then, otherwise: []), condition.span))
    } else {
      inside += scoped(block.statements)
    }
    if isSymbolic { context.symbolicLoops -= 1 }
    context.loopDepth -= 1
    var carried: [LocalID] = []
    collectAssigned(inside, before: start, &carried)
    if context.isModel {
      for local in carried where isSymbolic { context.varying.insert(local.rawValue) }
    }
    body.append(
      CheckedStatement(
        .forIn(
          CheckedLoop(
            variable: variable, sequence: sequence, body: inside, containsSite: isSymbolic,
            carried: carried)), span))
  }

  /// Whether a loop's body, as written, defines sites or pieces or adds to the log density.
  private func holdsSite(_ statements: [Statement]) -> Bool {
    statements.contains { statement in
      switch statement.kind {
      case .site, .elementSite, .plate: true
      case .assignment(let target, _, _):
        if case .index(let base, _) = target.kind, case .name(let name) = base.kind, let local = context.lookup(name) {
          context.piecewise[local.rawValue] != nil
        } else { false }
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
