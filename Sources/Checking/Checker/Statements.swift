import Syntax

extension Checker {
  func check(_ statements: [Statement], into body: inout [CheckedStatement]) {
    var hasLeft = false
    for (number, statement) in statements.enumerated() {
      if hasLeft {
        report(
          Diagnostic(
            "T147", .warning, "this is never reached", at: statement.span, help: "remove it, or what leaves before it"))
      }
      switch statement.kind {
      case .returnStatement, .breakStatement, .continueStatement: hasLeft = number + 1 < statements.count
      default: hasLeft = false
      }
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
      if context.switchDepth > 0, statement.kind == .breakStatement {
        report(
          Diagnostic(
            "T148", "`break` here would end only the `switch`", at: statement.span,
            help: "to leave the loop, set a flag, or use `if` instead of `switch`"))
        return
      }
      if context.varyingBranches > 0 {
        report(
          Diagnostic(
            "M132", "`\(word)` cannot depend on a varying value", at: statement.span,
            help: "choose with a conditional expression"))
      }
      add(statement.kind == .breakStatement ? .breakLoop : .continueLoop)
    case .returnStatement(let value): returnStatement(value, statement.span, into: &body)
    case .importStatement(let path):
      report(
        Diagnostic(
          "T190", "`import` is not available yet", at: statement.span,
          help: "put what `\(path.map(\.text).joined(separator: "."))` defines into this file"))
    case .function(let declaration):
      report(
        Diagnostic(
          "T142", "functions are declared at the top level of a cell", at: declaration.name.span,
          help: "move it out, or use a closure: `let f = { … }`"))
    case .model(let declaration):
      report(
        Diagnostic(
          "T142", "models are declared at the top level of a cell", at: declaration.name.span, help: "move it out"))
    case .structure(let declaration):
      report(
        Diagnostic(
          "T142", "types are declared at the top level of a cell", at: declaration.name.span, help: "move it out"))
    case .enumeration(let declaration):
      report(
        Diagnostic(
          "T142", "types are declared at the top level of a cell", at: declaration.name.span, help: "move it out"))
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

  private func addLogDensity(
    _ arguments: [Expression.Argument], _ span: SourceSpan, into body: inout [CheckedStatement]
  ) {
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
      let value = check(
        Expression(.call(callee: Expression(.member(base: base, name: name), span), arguments: arguments), span))
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
      case .array(let scalar, let extents):
        context.locals[local.rawValue].type = .array(scalar, [.unknown] + extents.dropFirst())
      case .list(let inner, _): context.locals[local.rawValue].type = .list(inner, .unknown)
      default: break
      }
    }
    let value = CheckedExpression(
      .intrinsic("Array.appending(_:)", [current, item]), path.isEmpty ? context.locals[local.rawValue].type : type,
      span)
    noteAssigned(local, value)
    body.append(CheckedStatement(path.isEmpty ? .assign(local, value) : .assignPath(local, path, value), span))
  }

  // MARK: - Bindings

  private func binding(_ binding: Statement.Binding, _ span: SourceSpan, into body: inout [CheckedStatement]) {
    let annotation = binding.type
    guard let valueExpression = binding.value else {
      guard case .name(let name) = binding.pattern.kind, let annotation else { return }
      if context.isModel, !binding.isVariable { return openPiecewise(name, annotation, span, into: &body) }
      // Where the type could not be read, the value behind it was not either.
      if !annotation.isErroneous {
        report(
          Diagnostic(
            "T151", "`\(name.text)` needs a value", at: name.span,
            help: context.isModel
              ? "an array that is defined piece by piece is opened with `let`"
              : "write `\(binding.isVariable ? "var" : "let") \(name.text): \(words(resolve(annotation))) = …`"))
      }
      _ = context.add(name.text, .erroneous, isVariable: binding.isVariable, span: name.span)
      return
    }
    let goal = annotation.map { resolve($0) }
    var value = goal.map { check(valueExpression, expecting: $0) } ?? check(valueExpression)
    if goal == nil {
      switch value.type {
      case .optional(.erroneous):
        value = fail(
          Diagnostic("T206", "the type of `nil` is not known here", at: value.span, help: "write `let x: Real? = nil`"),
          value.span)
      case .list(.erroneous, _):
        value = fail(
          Diagnostic(
            "T206", "the type of an empty array is not known here", at: value.span, help: "write `let x: [Real] = []`"),
          value.span)
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
      if isVariable, context.isModel {
      } else if case .array(let scalar, let extents) = type, !isVariable, extents.contains(.unknown),
        extents.count == 1, annotated == nil
      {
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
          Diagnostic(
            "T231", "the value does not come apart into \(parts.count) parts", at: pattern.span,
            found: words(value.type)))
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
      report(
        Diagnostic(
          "T231", "a binding takes a value apart without a choice", at: pattern.span, help: "use `if case` or `switch`")
      )
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
    if context.isModel {
      checkFresh(name)
    } else if let old = context.scopes[context.scopes.count - 1][name.text], !isTopLevel {
      report(
        Diagnostic(
          "T130", "`\(name.text)` is defined twice here", at: name.span,
          labels: [.init(span: context.locals[old.rawValue].span, text: "defined here")],
          help: "give one of them another name"))
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
    let isDerived =
      context.isModel && !isVariable && context.loopDepth == 0 && context.varyingBranches == 0 && isReadable(type)
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
            "T153",
            isOwn ? "a function cannot assign `\(name)`" : "`\(name)` belongs to another cell and cannot be changed",
            at: e.span,
            labels: [.init(span: table.globals[id.rawValue].span, text: "defined here")],
            help: isOwn
              ? "return the new value"
              : "bind a new name: `let new\(name.prefix(1).uppercased() + name.dropFirst()) = …`"))
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
            Diagnostic(
              "T225", "a \(info.name) has no field `\(name.text)`", at: name.span,
              help: didYouMean(name.text, info.fields.map(\.name))))
          return nil
        }
        if !info.fields[index].isVariable, !mayFail {
          report(
            Diagnostic(
              "T154", "the field `\(name.text)` is a `let`", at: name.span, help: "declare it with `var` to change it"))
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
      if !mayFail {
        report(
          Diagnostic("T155", "this cannot be assigned", at: e.span, help: "assign to a variable, an element or a field")
        )
      }
      return nil
    }
  }

  private func assignable(_ local: LocalID, _ span: SourceSpan) -> Bool {
    let info = context.locals[local.rawValue]
    if context.captured.contains(local.rawValue) {
      report(
        Diagnostic(
          "T156", "a closure cannot assign the captured `\(info.name)`", at: span,
          labels: [.init(span: info.span, text: "captured by value")],
          help: "return the new value"))
      return false
    }
    if let start = context.plateStart.last, local.rawValue < start {
      report(
        Diagnostic(
          "M119", "`\(info.name)` of outside cannot be assigned in a plate", at: span,
          labels: [.init(span: info.span, text: "declared outside")],
          help: "a plate's elements do not depend on each other: use `sum`, or a `for` loop"))
      return false
    }
    if !info.isVariable {
      if info.type.isErroneous { return false }
      let isParameter =
        context.kind != .unit && local.rawValue < 16 && info.span.start < (context.locals.last?.span.start ?? 0)
      report(
        Diagnostic(
          "T157", "`\(info.name)` is a constant", at: span,
          labels: [.init(span: info.span, text: isParameter ? "bound here" : "declared with `let`")],
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
      let local = context.lookup(name), context.varying.contains(local.rawValue),
      !context.locals[local.rawValue].isVariable
    {
      report(
        Diagnostic(
          "M114", "`\(name)` is not open for definition piece by piece", at: base.span,
          help: "open it first: `let \(name): Vector[T]`"))
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
        } else if let fit = coerced(value, to: type) {
          value = fit
        } else {
          value = mismatch(value, type)
        }
      }
    }
    if value.type.isErroneous { return }
    noteAssigned(local, value)
    body.append(CheckedStatement(path.isEmpty ? .assign(local, value) : .assignPath(local, path, value), span))
  }

  /// A variable varies when what it is given does, or whether it is assigned at all.
  private func noteAssigned(_ local: LocalID, _ value: CheckedExpression) {
    let isInVaryingBranch = context.varyingStarts.last.map { local.rawValue < $0 } ?? false
    if context.isVarying(value) || isInVaryingBranch { context.varying.insert(local.rawValue) }
  }

  private func returnStatement(_ e: Expression?, _ span: SourceSpan, into body: inout [CheckedStatement]) {
    switch context.kind {
    case .unit, .model, .test:
      report(Diagnostic("T143", "`return` stands only in a function", at: span))
      return
    case .function, .closure: break
    }
    if context.varyingBranches > 0 {
      report(
        Diagnostic(
          "M132", "an early `return` cannot depend on a varying value", at: span,
          help: "choose with a conditional expression"))
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
        report(
          Diagnostic(
            "T144", "the function returns nothing", at: e.span, found: words(value.type),
            help: "declare its result: `-> \(words(value.type))`"))
      }
      return
    }
    let value = check(e, expecting: goal)
    if value.type.isErroneous { return }
    body.append(CheckedStatement(.returnValue(value), span))
  }
}
