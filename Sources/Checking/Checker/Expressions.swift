import Syntax

extension Checker {
  /// Checks an expression and converts it to an expected type, or reports that it cannot be.
  func check(_ e: Expression, expecting goal: Type) -> CheckedExpression {
    let checked = check(e, hint: goal)
    if let converted = coerced(checked, to: goal) { return converted }
    return mismatch(checked, goal)
  }

  @discardableResult
  func mismatch(_ e: CheckedExpression, _ goal: Type, what: String? = nil) -> CheckedExpression {
    if case .array(_, let want) = goal, case .array(_, let have) = e.type, want.count == have.count, differ(want, have)
    {
      return fail(
        Diagnostic(
          "H201", "the value has another shape than expected", at: e.span, expected: words(goal), found: words(e.type)),
        e.span)
    }
    var help: String?
    switch (goal, e.type) {
    case (.int, .real), (.index, .real): help = "round it on purpose: `Int(round(x))`"
    case (.array(.int, _), .array(.real, _)), (.array(.index, _), .array(.real, _)):
      help = "a column of whole numbers becomes counts by `.asCounts()`"
    case (_, .optional(let inner)) where inner == goal:
      help = "give a default with `??`, or take it apart with `if let`"
    case (.real, .array), (.int, .array): help = "index it, or use `sum` or `mean`"
    case (.array(.index, _), .list(.string, _)), (.array(.int, _), .list(.string, _)):
      help = "turn text into indices by `.index`"
    case (.bool, .int): help = "compare it: `x != 0`"
    case (.array, .list(.optional, _)):
      help = "it has missing values: leave them out with `dropMissing(x)`, or fill them"
    case (.array(.real, _), .array(.bool, _)): help = "count with `sum(x)`, or compute with `x.map { $0 ? 1.0 : 0.0 }`"
    case (_, .optional(.erroneous)): help = "a value that may be missing has the type `\(words(goal))?`"
    case (.string, _): help = "write it into a text: `\"\\(x)\"`"
    default: break
    }
    return fail(
      Diagnostic(
        "T201", what ?? "the types do not fit", at: e.span, expected: words(goal), found: words(e.type), help: help),
      e.span)
  }

  /// How deep expressions may nest; chains of operators and members count as nested.
  static let depthLimit = 300

  func check(_ e: Expression, hint: Type? = nil) -> CheckedExpression {
    depth += 1
    defer { depth -= 1 }
    if depth > Checker.depthLimit {
      // The parser may have said so already.
      if diagnostics.contains(where: { $0.code == "S004" }) { return erroneous(e.span) }
      return fail(
        Diagnostic("S004", "the nesting is too deep", at: e.span, help: "name intermediate results with `let`"), e.span)
    }
    return checkKind(e, hint)
  }

  private func wrappedHint(_ hint: Type?) -> Type? {
    if case .optional(let inner)? = hint { return wrappedHint(inner) }
    return hint
  }

  private func checkKind(_ e: Expression, _ hint: Type?) -> CheckedExpression {
    func made(_ kind: CheckedExpression.Kind, _ type: Type) -> CheckedExpression {
      CheckedExpression(kind, type, e.span)
    }
    switch e.kind {
    case .erroneous: return erroneous(e.span)
    case .boolean(let flag): return made(.bool(flag), .bool)
    case .integer(let number): return made(.int(number), .int)
    case .real(let number): return made(.real(number), .real)
    case .string(let segments): return string(segments, e.span)
    case .nilLiteral:
      if case .optional? = hint { return made(.nilLiteral, hint ?? .erroneous) }
      return made(.nilLiteral, .optional(.erroneous))
    case .name(let name): return self.name(name, e.span, hint)
    case .implicitMember(let name): return implicitMember(name, arguments: nil, e.span, wrappedHint(hint))
    case .keyPath(let names): return made(.paths([names.map(\.text)]), .opaque("SitePaths"))
    case .array(let elements): return array(elements, e.span, wrappedHint(hint))
    case .dictionary(let pairs): return dictionary(pairs, e.span, wrappedHint(hint))
    case .tuple(let arguments):
      if arguments.isEmpty { return made(.unit, .unit) }
      var hints: [Type?] = arguments.map { _ in nil }
      if case .tuple(let fields)? = wrappedHint(hint), fields.count == arguments.count { hints = fields.map(\.type) }
      let values = zip(arguments, hints).map { check($0.value, hint: $1) }
      return made(
        .tuple(values), .tuple(zip(arguments, values).map { TupleField(label: $0.label?.text, type: $1.type) }))
    case .unary(let operation, let operand): return unary(operation, operand, e.span, hint)
    case .binary(let operation, let place, let left, let right):
      return binary(operation, place, left, right, e.span, hint)
    case .range(let lower, let upper, let isClosed):
      guard let lower, let upper else {
        return fail(
          Diagnostic("T202", "a range with an open end stands only in an index", at: e.span, help: "write both bounds"),
          e.span)
      }
      let a = check(lower, expecting: .int)
      let b = check(upper, expecting: .int)
      return made(.range(a, b, isClosed: isClosed), .range)
    case .ternary(let condition, let then, let otherwise):
      let test = self.condition(condition)
      let a = check(then, hint: hint)
      let b = check(otherwise, hint: hint)
      return choice(test, a, b, e.span)
    case .call(let callee, let arguments): return call(callee, arguments, e.span, hint)
    case .index(let base, let arguments): return index(base, arguments, e.span)
    case .member(let base, let name): return member(base, name, e.span)
    case .optionalMember(let base, let name): return optionalMember(base, name, e.span)
    case .forceUnwrap(let operand):
      let value = check(operand)
      guard case .optional(let inner) = value.type else {
        if value.type.isErroneous || value.type == .dynamic { return value }
        return fail(
          Diagnostic("T203", "the value is never `nil`", at: e.span, found: words(value.type), help: "remove `!`"),
          e.span)
      }
      return made(.forceUnwrap(value), inner)
    case .closure(let closure): return self.closure(closure, e.span, wrappedHint(hint))
    case .ifExpression(let statement): return ifExpression(statement, hint)
    case .switchExpression(let statement): return switchExpression(statement, hint)
    case .typeReference(let type):
      let resolved = resolve(type)
      return made(.metatype(resolved), .metatype(resolved))
    }
  }

  /// A condition: a Bool.
  func condition(_ e: Expression) -> CheckedExpression {
    let value = check(e, hint: .bool)
    switch value.type {
    case .bool, .erroneous: return value
    case .dynamic: return CheckedExpression(.convert(value, .fromDynamic), .bool, value.span)
    case .array(.bool, _):
      return fail(
        Diagnostic(
          "T204", "a condition is one Bool", at: value.span, expected: "Bool", found: words(value.type),
          help: "use `all(…)` or `any(…)`"),
        value.span)
    default: return mismatch(value, .bool, what: "a condition is a Bool")
    }
  }

  private func string(_ segments: [StringSegment], _ span: SourceSpan) -> CheckedExpression {
    if segments.isEmpty { return CheckedExpression(.string(""), .string, span) }
    if segments.count == 1, case .text(let text) = segments[0] {
      return CheckedExpression(.string(text), .string, span)
    }
    var parts: [CheckedExpression] = []
    for segment in segments {
      switch segment {
      case .text(let text): parts.append(CheckedExpression(.string(text), .string, span))
      case .interpolation(let value): parts.append(check(value))
      }
    }
    return CheckedExpression(.interpolation(parts), .string, span)
  }

  // MARK: - Names

  func name(_ name: String, _ span: SourceSpan, _ hint: Type?) -> CheckedExpression {
    if name == "_" {
      return fail(Diagnostic("T105", "`_` is no value", at: span, help: "give it a name"), span)
    }
    if let local = context.lookup(name) {
      return CheckedExpression(.local(local), context.locals[local.rawValue].type, span)
    }
    if let own = selfMember(name, span) { return own }
    switch entities[name] {
    case .global(let id)?: return global(id, span)
    case .functions(let list)?:
      let chosen =
        list.first { signature in
          guard case .function(let parameters, _)? = hint else { return list.count == 1 }
          return parameters.count == signature.types.count && zip(parameters, signature.types).allSatisfy { $0 == $1 }
        } ?? list.first
      guard let chosen else { return erroneous(span) }
      guard chosen.generics.isEmpty else {
        return fail(
          Diagnostic(
            "T106", "`\(name)` needs its arguments here", at: span,
            help: "write a closure: `{ x in \(name)(x) }`"), span)
      }
      let type = Type.function(chosen.types, chosen.result)
      switch chosen.kind {
      case .function(let id):
        if !uses.functions.contains(id) { uses.functions.append(id) }
        return CheckedExpression(.function(id), type, span)
      case .intrinsic(let registration, _): return CheckedExpression(.intrinsicFunction(registration), type, span)
      case .distribution: break
      }
      return fail(
        Diagnostic("T106", "`\(name)` needs its arguments", at: span, help: "write `\(chosen.spelled)`"), span)
    case .model?, .structure?, .enumeration?:
      return fail(
        Diagnostic("T106", "`\(name)` is a type, not a value", at: span, help: "write `\(name)(…)` to make one"), span)
    case .erroneous(let id)?: return global(id, span)
    case nil: break
    }
    return unknown(name, span)
  }

  /// The value of `self` inside a method.
  func selfValue(_ span: SourceSpan) -> CheckedExpression? {
    guard let local = context.lookup("self") else { return nil }
    return CheckedExpression(.local(local), context.locals[local.rawValue].type, span)
  }

  /// A field of `self`, written without it.
  private func selfMember(_ name: String, _ span: SourceSpan) -> CheckedExpression? {
    guard let base = selfValue(span), case .structure(let id) = base.type else { return nil }
    let fields = table.structures[id.rawValue].fields
    guard let index = fields.firstIndex(where: { $0.name == name }) else { return nil }
    return CheckedExpression(.field(base, index), fields[index].type, span)
  }

  func global(_ id: GlobalID, _ span: SourceSpan) -> CheckedExpression {
    if !uses.globals.contains(id) { uses.globals.append(id) }
    if context.kind != .unit && !(context.kind == .closure && isUnitClosure) { readByFunctions.insert(id.rawValue) }
    return CheckedExpression(.global(id), table.globals[id.rawValue].type, span)
  }

  private var isUnitClosure: Bool {
    var here: FunctionContext? = context
    while let next = here {
      if next.kind == .unit { return true }
      if next.kind != .closure { return false }
      here = next.parent
    }
    return false
  }

  func unknown(_ name: String, _ span: SourceSpan) -> CheckedExpression {
    if let later = Later.names[name] {
      return fail(
        Diagnostic("M190", "`\(name)` is not available yet", at: span, help: later), span)
    }
    var visible = Array(entities.keys)
    for scope in context.scopes { visible += scope.keys }
    var help = didYouMean(name, visible.sorted())
    if let hint = Later.spellings[name] { help = hint }
    var labels: [Diagnostic.Label] = []
    if let later = definedLater(name, after: span) {
      labels = [.init(span: later, text: "defined only here")]
      help = "move its definition up"
    } else if context.plateVariables.contains(name) {
      help = "a `var` does not leave its plate: bind the result with `let`"
    }
    return fail(Diagnostic("T107", "there is no `\(name)` here", at: span, labels: labels, help: help), span)
  }

  /// Where the name is bound by `let`, `var` or `func` further down in the unit.
  private func definedLater(_ name: String, after span: SourceSpan) -> SourceSpan? {
    guard let tree = currentTree, tree.source.id == span.source else { return nil }
    var isBinding = false
    for token in tree.tokens where token.start > span.end {
      let text = tree.source.text(SourceSpan(source: span.source, start: token.start, end: token.end))
      if isBinding, text == name { return SourceSpan(source: span.source, start: token.start, end: token.end) }
      if !text.allSatisfy({ $0 == " " || $0 == "\t" }) { isBinding = text == "let" || text == "var" }
    }
    return nil
  }

  // MARK: - Literals

  private func array(_ elements: [Expression], _ span: SourceSpan, _ hint: Type?) -> CheckedExpression {
    let elementHint = hint?.element
    if elements.isEmpty {
      if let hint, elementHint != nil, !hint.isErroneous, hint != .dynamic {
        return CheckedExpression(.array([]), withExtent(hint, .literal(0)), span)
      }
      return CheckedExpression(.array([]), .list(.erroneous, .literal(0)), span)
    }
    var values = elements.map { check($0, hint: elementHint) }
    if values.contains(where: { $0.type.isErroneous }) { return erroneous(span) }
    // The widest type: reals over integers, optionals over what they wrap.
    var type = values[0].type
    for value in values.dropFirst() { type = wider(type, value.type) ?? type }
    if let elementHint, !elementHint.isErroneous, elementHint != .dynamic, !containsGeneric(elementHint) {
      if values.allSatisfy({ coerced($0, to: elementHint) != nil }) { type = elementHint }
    }
    for number in values.indices {
      guard let converted = coerced(values[number], to: type) else {
        if case .array(_, let want) = type, case .array(_, let own) = values[number].type, differ(want, own) {
          return fail(
            Diagnostic(
              "H205", "the rows have different lengths", at: values[number].span,
              labels: [.init(span: values[0].span, text: words(values[0].type))], expected: words(values[0].type),
              found: words(values[number].type),
              help: "rows of different lengths are kept in a dictionary or as structures"), span)
        }
        return fail(
          Diagnostic(
            "T205", "the elements have different types", at: values[number].span,
            labels: [.init(span: values[0].span, text: words(values[0].type))],
            expected: words(type), found: words(values[number].type)), span)
      }
      values[number] = converted
    }
    if case .array(let scalar, let extents) = type {
      // Rows must agree in length.
      var shape = extents
      for value in values {
        guard case .array(_, let own) = value.type else { continue }
        if own.count != shape.count || zip(own, shape).contains(where: { differ($0, $1) }) {
          return fail(
            Diagnostic(
              "H205", "the rows have different lengths", at: value.span,
              labels: [.init(span: values[0].span, text: words(values[0].type))],
              expected: words(values[0].type), found: words(value.type)), span)
        }
        shape = zip(shape, own).map { joined($0, $1) }
      }
      return CheckedExpression(.array(values), .array(scalar, [.literal(values.count)] + shape), span)
    }
    return CheckedExpression(.array(values), .arrayOf(type, .literal(values.count)), span)
  }

  func containsGeneric(_ type: Type) -> Bool {
    switch type {
    case .generic: true
    case .list(let inner, _), .optional(let inner), .distribution(let inner): containsGeneric(inner)
    case .dictionary(let a, let b): containsGeneric(a) || containsGeneric(b)
    case .tuple(let fields): fields.contains { containsGeneric($0.type) }
    case .function(let parameters, let result): parameters.contains(where: containsGeneric) || containsGeneric(result)
    default: false
    }
  }

  private func withExtent(_ type: Type, _ extent: Extent) -> Type {
    switch type {
    case .array(let scalar, let extents): .array(scalar, [extent] + extents.dropFirst())
    case .list(let element, _): .list(element, extent)
    default: type
    }
  }

  func wider(_ a: Type, _ b: Type) -> Type? {
    if a == b { return a }
    switch (a, b) {
    case (.real, .int), (.int, .real), (.real, .index), (.index, .real): return .real
    case (.int, .index), (.index, .int): return .int
    case (.index, .index): return .int
    case (.erroneous, _): return b
    case (_, .erroneous): return a
    case (.optional(let x), .optional(let y)): return wider(x, y).map { .optional($0) }
    case (.optional(let x), let y): return wider(x, y).map { .optional($0) }
    case (let x, .optional(let y)): return wider(x, y).map { .optional($0) }
    case (.array(let x, let m), .array(let y, let n)) where m.count == n.count:
      let shape = zip(m, n).map { $0 == $1 ? $0 : Extent.unknown }
      if x == y { return .array(x, shape) }
      if x == .real, y.isInteger { return .array(.real, shape) }
      if y == .real, x.isInteger { return .array(.real, shape) }
      if x.isInteger, y.isInteger { return .array(.int, shape) }
      return nil
    case (.list(let x, let m), .list(let y, let n)):
      guard let inner = wider(x, y) else { return nil }
      return .list(inner, m == n ? m : .unknown)
    case (.list(.erroneous, _), .array): return b
    case (.array, .list(.erroneous, _)): return a
    case (.list(.optional(.real), let m), .array(.real, _)): return .list(.optional(.real), m)
    case (.tuple(let x), .tuple(let y)) where x.count == y.count:
      var fields: [TupleField] = []
      for (p, q) in zip(x, y) {
        guard let inner = wider(p.type, q.type) else { return nil }
        fields.append(TupleField(label: p.label == q.label ? p.label : nil, type: inner))
      }
      return .tuple(fields)
    case (.posterior, .posterior): return .posterior(nil)
    case (.model, .model): return .model(nil)
    case (.table(let x), .table(let y)): return .table(x == y ? x : TableType(columns: nil, rows: .unknown))
    case (.distribution(let x), .distribution(let y)): return wider(x, y).map { .distribution($0) }
    default: return nil
    }
  }

  private func dictionary(
    _ pairs: [Expression.DictionaryElement], _ span: SourceSpan, _ hint: Type?
  ) -> CheckedExpression {
    var keyHint: Type?
    var valueHint: Type?
    if case .dictionary(let key, let value)? = hint { (keyHint, valueHint) = (key, value) }
    if pairs.isEmpty {
      if let hint, case .dictionary = hint { return CheckedExpression(.dictionary([]), hint, span) }
      return fail(
        Diagnostic(
          "T206", "the type of an empty dictionary is not known", at: span, help: "write `let d: [String: Real] = [:]`"),
        span)
    }
    let checked = pairs.map { (key: check($0.key, hint: keyHint), value: check($0.value, hint: valueHint)) }
    var key = checked[0].key.type
    var value = checked[0].value.type
    for pair in checked.dropFirst() {
      key = wider(key, pair.key.type) ?? key
      value = wider(value, pair.value.type) ?? value
    }
    if let keyHint, !containsGeneric(keyHint) { key = keyHint }
    if let valueHint, !containsGeneric(valueHint) { value = valueHint }
    var made: [(key: CheckedExpression, value: CheckedExpression)] = []
    for pair in checked {
      guard let k = coerced(pair.key, to: key) else {
        return mismatch(pair.key, key, what: "the keys have different types")
      }
      guard let v = coerced(pair.value, to: value) else {
        return mismatch(pair.value, value, what: "the values have different types")
      }
      made.append((k, v))
    }
    return CheckedExpression(.dictionary(made), .dictionary(key, value), span)
  }

  // MARK: - Operators

  private func unary(_ operation: UnaryOperator, _ operand: Expression, _ span: SourceSpan, _ hint: Type?)
    -> CheckedExpression
  {
    if operation == .minus, case .integer(let number) = operand.kind {
      return CheckedExpression(.int(-number), .int, span)
    }
    if operation == .minus, case .real(let number) = operand.kind {
      return CheckedExpression(.real(-number), .real, span)
    }
    var value = check(operand, hint: operation == .not ? .bool : hint)
    if value.type == .dynamic { return fail(dynamicOperand(value), span) }
    switch (operation, value.type.numeric) {
    case (_, nil):
      if value.type.isErroneous { return value }
      return fail(
        Diagnostic("T207", "`\(operation.rawValue)` needs a number", at: value.span, found: words(value.type)), span)
    case (.not, (.bool, let extents)?): return CheckedExpression(.unary(.not, value), .numeric(.bool, extents), span)
    case (.not, _): return mismatch(value, .bool, what: "`!` needs a Bool")
    case (_, (.bool, _)?):
      return fail(
        Diagnostic("T207", "`\(operation.rawValue)` needs a number", at: value.span, found: words(value.type)), span)
    case (_, (.index, let extents)?):
      value = CheckedExpression(.convert(value, .indexToInt), .numeric(.int, extents), value.span)
      return CheckedExpression(.unary(operation, value), value.type, span)
    default: return CheckedExpression(.unary(operation, value), value.type, span)
    }
  }

  /// A column of unknown type beside a number is taken as reals; draws of a site of unknown shape have to say theirs.
  private func withKnownRank(_ e: CheckedExpression, beside other: CheckedExpression) -> CheckedExpression {
    guard e.type == .dynamic, let numeric = other.type.numeric, numeric.extents.isEmpty, numeric.scalar != .bool else {
      return e
    }
    switch e.kind {
    case .column: return coerced(e, to: .array(.real, [.unknown])) ?? e
    case .member(let base, _):
      if case .posterior = base.type { return fail(dynamicOperand(e), e.span) }
      return e
    default: return e
    }
  }

  private func dynamicOperand(_ value: CheckedExpression) -> Diagnostic {
    Diagnostic(
      "T208", "the type of this value is known only when running", at: value.span,
      help: "say what it is: `let x: Vector = …`")
  }

  private func binary(
    _ operation: BinaryOperator, _ place: SourceSpan, _ left: Expression, _ right: Expression, _ span: SourceSpan,
    _ hint: Type?
  ) -> CheckedExpression {
    switch operation {
    case .and, .or:
      let a = condition(left)
      let b = condition(right)
      if a.type.isErroneous || b.type.isErroneous { return erroneous(span) }
      return CheckedExpression(operation == .and ? .and(a, b) : .or(a, b), .bool, span)
    case .coalesce: return coalesce(left, right, span, hint)
    default: break
    }
    // Chains like a + b + c lean left: walk down without recursion through `check` only once per level.
    var a = check(left)
    var b = check(right, hint: (operation == .equal || operation == .notEqual) ? a.type : nil)
    if case .implicitMember = left.kind, a.type.isErroneous {}
    if a.type.isErroneous || b.type.isErroneous { return erroneous(span) }
    // Columns and draws are arrays, also where their type is known only when running.
    a = withKnownRank(a, beside: b)
    b = withKnownRank(b, beside: a)
    if a.type.isErroneous || b.type.isErroneous { return erroneous(span) }
    if a.type == .dynamic, let fit = coerced(a, to: b.type), b.type != .dynamic { a = fit }
    if b.type == .dynamic, let fit = coerced(b, to: a.type), a.type != .dynamic { b = fit }
    if a.type == .dynamic { return fail(dynamicOperand(a), span) }
    switch operation {
    case .equal, .notEqual: return equality(operation, a, b, span)
    case .add:
      if a.type == .string, b.type == .string { return CheckedExpression(.binary(.add, a, b), .string, span) }
      if case .list(let x, let m) = a.type, case .list(let y, let n) = b.type {
        return fail(
          Diagnostic(
            "T209", "`+` adds numbers; lists are joined otherwise", at: place,
            found: "\(words(.list(x, m))) and \(words(.list(y, n)))",
            help: "write `concat(a, b)`"), span)
      }
      if a.type == .string || b.type == .string {
        let other = a.type == .string ? b : a
        return fail(
          Diagnostic(
            "T209", "`+` does not join text and \(words(other.type))", at: place,
            help: "write it into the text: `\"… \\(x)\"`"), span)
      }
    case .less, .lessOrEqual, .greater, .greaterOrEqual:
      if a.type == .string, b.type == .string { return CheckedExpression(.binary(operation, a, b), .bool, span) }
    default: break
    }
    return arithmetic(operation, place, a, b, span)
  }

  private func equality(
    _ operation: BinaryOperator, _ a: CheckedExpression, _ b: CheckedExpression, _ span: SourceSpan
  ) -> CheckedExpression {
    if let x = a.type.numeric, let y = b.type.numeric, (x.scalar == .bool) == (y.scalar == .bool) {
      return arithmetic(operation, span, a, b, span)
    }
    if let fit = coerced(b, to: a.type) { return CheckedExpression(.binary(operation, a, fit), .bool, span) }
    if let fit = coerced(a, to: b.type) { return CheckedExpression(.binary(operation, fit, b), .bool, span) }
    return fail(
      Diagnostic(
        "T210", "values of different types are never equal", at: span,
        labels: [.init(span: a.span, text: words(a.type))],
        expected: words(a.type), found: words(b.type)), span)
  }

  private func coalesce(_ left: Expression, _ right: Expression, _ span: SourceSpan, _ hint: Type?) -> CheckedExpression
  {
    let a = check(left, hint: hint.map { .optional($0) })
    guard case .optional(let inner) = a.type else {
      if a.type.isErroneous { return a }
      return fail(
        Diagnostic(
          "T203", "the left side of `??` is never `nil`", at: a.span, found: words(a.type), help: "remove `?? …`"), span
      )
    }
    let b = check(right, hint: inner)
    if b.type.isErroneous { return b }
    if let fit = coerced(b, to: inner) { return CheckedExpression(.coalesce(a, fit), inner, span) }
    if let fit = coerced(b, to: a.type) { return CheckedExpression(.coalesce(a, fit), a.type, span) }
    return mismatch(b, inner)
  }

  private func arithmetic(
    _ operation: BinaryOperator, _ place: SourceSpan, _ a: CheckedExpression, _ b: CheckedExpression, _ span: SourceSpan
  ) -> CheckedExpression {
    guard let x = a.type.numeric, let y = b.type.numeric else {
      let wrong = a.type.numeric == nil ? a : b
      var help: String?
      if case .optional = wrong.type { help = "give a default with `??`, or take it apart with `if let`" }
      if case .list(.optional, _) = wrong.type { help = "it has missing values: fill or drop them first" }
      return fail(
        Diagnostic(
          "T207", "`\(operation.rawValue)` needs numbers", at: wrong.span, expected: "a number or an array of numbers",
          found: words(wrong.type), help: help), span)
    }
    let isComparison: Bool
    switch operation {
    case .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual: isComparison = true
    default: isComparison = false
    }
    let isEquality = operation == .equal || operation == .notEqual
    if (x.scalar == .bool || y.scalar == .bool) && !(isEquality && x.scalar == y.scalar) {
      let wrong = x.scalar == .bool ? a : b
      return fail(
        Diagnostic(
          "T207", "`\(operation.rawValue)` needs numbers", at: wrong.span, found: words(wrong.type),
          help: "choose with `flag ? 1 : 0`"), span)
    }
    // The linear-algebra product.
    if operation == .multiply, !x.extents.isEmpty, !y.extents.isEmpty {
      return productOf(a, b, x.extents, y.extents, place, span)
    }
    if operation == .divide, !x.extents.isEmpty, !y.extents.isEmpty {
      return fail(
        Diagnostic(
          "T212", "`/` does not divide an array by an array", at: place, labels: shapeLabels(a, b),
          help: "element by element it is `./`",
          fixes: [.init(span: place, replacement: "./", certainty: .likely)]), span)
    }
    guard let extents = broadcast(a, b, x.extents, y.extents, span, place) else { return erroneous(span) }
    // One scalar kind on both sides.
    let wantsReal =
      operation == .divide || operation == .elementDivide || x.scalar == .real || y.scalar == .real
      || (operation == .power && !isNonnegativeLiteral(b))
    let scalar: Scalar = x.scalar == .bool ? .bool : (wantsReal ? .real : .int)
    guard let left = coerced(a, to: .numeric(scalar, x.extents.map { _ in .unknown })),
      let right = coerced(b, to: .numeric(scalar, y.extents.map { _ in .unknown }))
    else { return mismatch(b, a.type) }
    if operation == .remainder, scalar == .real, x.scalar != .real || y.scalar != .real {
      // Int % Real promotes as elsewhere.
    }
    return CheckedExpression(
      .binary(operation, left, right), .numeric(isComparison ? .bool : scalar, extents), span)
  }

  private func isNonnegativeLiteral(_ e: CheckedExpression) -> Bool {
    if case .int(let number) = e.kind { return number >= 0 }
    return false
  }

  private func shapeLabels(_ a: CheckedExpression, _ b: CheckedExpression) -> [Diagnostic.Label] {
    [.init(span: a.span, text: words(a.type)), .init(span: b.span, text: words(b.type))]
  }

  private func broadcast(
    _ a: CheckedExpression, _ b: CheckedExpression, _ x: [Extent], _ y: [Extent], _ span: SourceSpan,
    _ place: SourceSpan
  ) -> [Extent]? {
    if x.isEmpty { return y }
    if y.isEmpty { return x }
    if differ(x, y) {
      func list(_ extents: [Extent]) -> String { "[" + extents.map { words($0) }.joined(separator: ", ") + "]" }
      report(
        Diagnostic(
          "H203", "shapes \(list(x)) and \(list(y)) do not broadcast", at: b.span, caret: "shape \(list(y))",
          labels: [.init(span: a.span, text: "shape \(list(x))\(origin(a))")],
          expected: "equal extents; only scalars broadcast", found: "\(list(x)) and \(list(y))",
          help: gatherHelp(a, b, x, y)))
      return nil
    }
    return zip(x, y).map { joined($0, $1) }
  }

  /// One value per group beside one per observation: the index of groups that is in sight brings them together.
  private func gatherHelp(_ a: CheckedExpression, _ b: CheckedExpression, _ x: [Extent], _ y: [Extent]) -> String? {
    guard x.count == y.count else { return nil }
    guard x.count == 1, let source = currentTree?.source else { return "index one side as the other is indexed" }
    for (values, few, many) in [(b, y[0], x[0]), (a, x[0], y[0])] {
      for local in context.locals where local.type == .array(.index(few), [many]) && !local.name.isEmpty {
        guard values.span.source == source.id else { continue }
        switch values.kind {
        case .local, .global, .column: return "index it: `\(source.text(values.span))[\(local.name)]`"
        default: return "index it by `\(local.name)`"
        }
      }
    }
    return "index one side as the other is indexed"
  }

  /// Where an array comes from, in words.
  private func origin(_ e: CheckedExpression) -> String {
    switch e.kind {
    case .local(let id): ": `\(context.locals[id.rawValue].name)`"
    case .global(let id): ": `\(table.globals[id.rawValue].name)`"
    case .column(_, let name): ": column `\(name)`"
    default: ""
    }
  }

  private func productOf(
    _ a: CheckedExpression, _ b: CheckedExpression, _ x: [Extent], _ y: [Extent], _ place: SourceSpan,
    _ span: SourceSpan
  ) -> CheckedExpression {
    guard x.count <= 2, y.count <= 2, x.count + y.count >= 3 else {
      return fail(
        Diagnostic(
          "T211", "`*` of two vectors is not defined", at: place, labels: shapeLabels(a, b),
          help: "element by element it is `.*`; the inner product is `dot(a, b)`",
          fixes: [.init(span: place, replacement: ".*", certainty: .likely)]), span)
    }
    guard let left = coerced(a, to: .array(.real, x.map { _ in .unknown })),
      let right = coerced(b, to: .array(.real, y.map { _ in .unknown }))
    else { return mismatch(b, a.type) }
    if differ(x[x.count - 1], y[0]) {
      return fail(
        Diagnostic(
          "H204", "the shapes do not multiply", at: place, labels: shapeLabels(a, b),
          expected: "inner extents that agree", found: "\(words(x[x.count - 1])) and \(words(y[0]))"), span)
    }
    let extents = Array(x.dropLast()) + Array(y.dropFirst())
    return CheckedExpression(.product(left, right), .array(.real, extents), span)
  }

  func choice(
    _ test: CheckedExpression, _ a: CheckedExpression, _ b: CheckedExpression, _ span: SourceSpan
  ) -> CheckedExpression {
    if a.type.isErroneous { return a }
    if b.type.isErroneous { return b }
    guard let type = wider(a.type, b.type), let x = coerced(a, to: type), let y = coerced(b, to: type) else {
      return fail(
        Diagnostic(
          "T213", "the two sides have different types", at: b.span, labels: [.init(span: a.span, text: words(a.type))],
          expected: words(a.type), found: words(b.type)), span)
    }
    return CheckedExpression(.conditional(test, x, y), type, span)
  }

  // MARK: - Indexing

  func index(_ base: Expression, _ arguments: [Expression.Argument], _ span: SourceSpan) -> CheckedExpression {
    continued(base, check(base), span) { index($0, arguments, span) }
  }

  func index(_ base: CheckedExpression, _ arguments: [Expression.Argument], _ span: SourceSpan) -> CheckedExpression {
    switch base.type {
    case .erroneous: return base
    case .dictionary(let key, let value):
      if arguments.count == 2, arguments[1].label?.text == "default" {
        let k = check(arguments[0].value, expecting: key)
        let fallback = check(arguments[1].value, expecting: value)
        let found = CheckedExpression(.index(base, [.value(k)]), .optional(value), span)
        return CheckedExpression(.coalesce(found, fallback), value, span)
      }
      guard arguments.count == 1 else {
        return fail(Diagnostic("T214", "a dictionary takes one key", at: span, found: "\(arguments.count)"), span)
      }
      let k = check(arguments[0].value, expecting: key)
      return CheckedExpression(.index(base, [.value(k)]), .optional(value), span)
    case .array(let scalar, let extents): return indexArray(base, scalar, extents, arguments, span)
    case .list(let element, let extent):
      guard arguments.count == 1 else {
        // [T] of arrays: one index a level.
        if let first = arguments.first {
          let inner = index(base, [first], span)
          return index(inner, Array(arguments.dropFirst()), span)
        }
        return erroneous(span)
      }
      let (checked, kept) = indexOf(arguments[0].value, extent)
      guard let kept else { return CheckedExpression(.index(base, [checked]), element, span) }
      return CheckedExpression(.index(base, [checked]), .list(element, kept), span)
    case .string:
      guard arguments.count == 1 else { break }
      let (checked, _) = indexOf(arguments[0].value, .unknown)
      return CheckedExpression(.index(base, [checked]), .string, span)
    case .range:
      guard arguments.count == 1 else { break }
      let (checked, kept) = indexOf(arguments[0].value, .unknown)
      return CheckedExpression(.index(base, [checked]), kept == nil ? .int : .range, span)
    case .table(let type):
      guard arguments.count == 1 else { break }
      let argument = arguments[0].value
      if case .string(let segments) = argument.kind, segments.count == 1, case .text(let name) = segments[0] {
        return column(base, Identifier(name, argument.span), type, span)
      }
      let value = check(argument)
      if case .array(.bool, _) = value.type {
        return CheckedExpression(
          .index(base, [.value(value)]), .table(TableType(columns: type.columns, rows: .unknown)), span)
      }
      let (checked, _) = indexOf(argument, type.rows)
      return CheckedExpression(.index(base, [checked]), .table(TableType(columns: type.columns, rows: .unknown)), span)
    case .dynamic:
      let vector = CheckedExpression(.convert(base, .toDynamic), .dynamic, base.span)
      let indices = arguments.map { indexOf($0.value, .unknown).0 }
      return CheckedExpression(.index(vector, indices), .dynamic, span)
    case .optional:
      return fail(
        Diagnostic(
          "T215", "the value may be `nil`", at: base.span, found: words(base.type),
          help: "use `!`, `??` or `if let` first"), span)
    default: break
    }
    if case .local(let id) = base.kind, context.plateElements.contains(id.rawValue) {
      let name = context.locals[id.rawValue].name
      return fail(
        Diagnostic(
          "M121", "inside its plate `\(name)` is one element", at: base.span,
          labels: [.init(span: context.locals[id.rawValue].span, text: "one for each index of the plate")],
          found: words(base.type),
          help: "elements of a plate do not see each other: open `let \(name): Vector[N]` and define it in a `for` loop"
        ),
        span)
    }
    var help: String?
    if base.type.numeric != nil { help = "only arrays, texts, tables and dictionaries are indexed" }
    return fail(
      Diagnostic(
        "T216", "\(article(base.type)) has no elements to index", at: base.span, found: words(base.type), help: help),
      span)
  }

  /// One index and the extent that stays; nil where the axis is gone.
  private func indexOf(_ e: Expression, _ extent: Extent) -> (CheckedIndex, Extent?) {
    if case .range(let lower, let upper, let isClosed) = e.kind {
      if lower == nil, upper == nil { return (.all, extent) }
      let a = lower.map { check($0, expecting: .int) }
      let b = upper.map { check($0, expecting: .int) }
      var kept = Extent.unknown
      if case .int(let first) = a?.kind ?? .int(0), case .int(let last)? = b?.kind {
        kept = rangeExtent(first, last, isClosed: isClosed)
      } else if a == nil, let b, !isClosed {
        kept = self.extent(of: b)
      }
      return (.slice(lower: a, upper: b, isClosed: isClosed), kept)
    }
    let value = check(e)
    switch value.type {
    case .int, .index:
      return (
        .value(value.type == .int ? value : CheckedExpression(.convert(value, .indexToInt), .int, value.span)), nil
      )
    case .range: return (.range(value), .unknown)
    case .array(.bool, _): return (.value(value), .unknown)
    case .array(let scalar, let shape) where scalar.isInteger && shape.count == 1: return (.value(value), shape[0])
    case .dynamic: return (.value(CheckedExpression(.convert(value, .fromDynamic), .int, value.span)), nil)
    case .erroneous: return (.value(value), nil)
    default:
      report(
        Diagnostic(
          "T120", "an index is an integer", at: value.span, expected: "Int, a range, or an array of integers",
          found: words(value.type), help: value.type == .real ? "round it on purpose: `Int(round(x))`" : nil))
      return (.value(erroneous(value.span)), nil)
    }
  }

  /// The number of integers in a range of two literals.
  func rangeExtent(_ first: Int, _ last: Int, isClosed: Bool) -> Extent {
    let (length, overflows) = last.subtractingReportingOverflow(first)
    guard !overflows, length < Int.max else { return .unknown }
    return .literal(max(0, length + (isClosed ? 1 : 0)))
  }

  private func indexArray(
    _ base: CheckedExpression, _ scalar: Scalar, _ extents: [Extent], _ arguments: [Expression.Argument],
    _ span: SourceSpan
  ) -> CheckedExpression {
    guard arguments.count <= extents.count else {
      return fail(
        Diagnostic(
          "H220", "the array has \(extents.count) dimension\(extents.count == 1 ? "" : "s"), not \(arguments.count)",
          at: arguments[extents.count].value.span, found: words(base.type)), span)
    }
    var indices: [CheckedIndex] = []
    var result: [Extent] = []
    for (number, argument) in arguments.enumerated() {
      var kept: Extent?
      let checked: CheckedIndex
      (checked, kept) = indexOf(argument.value, extents[number])
      // Arrays of integers of any rank gather.
      if case .value(let value) = checked, case .array(let kind, let shape) = value.type, kind.isInteger,
        shape.count > 1
      {
        result += shape
        indices.append(checked)
        continue
      }
      if case .value(let value) = checked {
        if case .int(let literal) = value.kind, case .literal(let count) = extents[number],
          literal < 0 || literal >= count
        {
          report(
            Diagnostic(
              "H221", "index \(literal) is out of range", at: argument.value.span, expected: "0 ..< \(count)",
              found: "\(literal)",
              help: literal < 0 ? "indices start at 0; for the end use `x[x.count - 1]`" : nil))
        }
        checkIndexBound(argument.value, value, extents[number], base)
      }
      indices.append(checked)
      if let kept { result.append(kept) }
      kept = nil
    }
    result += extents.dropFirst(arguments.count)
    return CheckedExpression(.index(base, indices), .numeric(scalar, result), span)
  }

  /// An index into one thing used for another: `alpha[item]` where `alpha` has one element per person.
  private func checkIndexBound(
    _ source: Expression, _ value: CheckedExpression, _ extent: Extent, _ base: CheckedExpression
  ) {
    var inner = value
    while case .convert(let next, .indexToInt) = inner.kind { inner = next }
    var bound: Extent?
    if case .index(let own) = inner.type { bound = own }
    if case .array(.index(let own), _) = inner.type { bound = own }
    guard let bound, differ(bound, extent) else { return }
    report(
      Diagnostic(
        "H222", "the index belongs to another axis", at: source.span, caret: "an index into \(words(bound))",
        labels: [.init(span: base.span, text: "has \(words(extent)) elements")], expected: "Index[\(words(extent))]",
        found: "Index[\(words(bound))]"))
  }
}
