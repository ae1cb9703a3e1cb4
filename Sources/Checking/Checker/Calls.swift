import Syntax

extension Checker {
  // MARK: - Calls

  func call(_ callee: Expression, _ arguments: [Expression.Argument], _ span: SourceSpan, _ hint: Type?)
    -> CheckedExpression
  {
    switch callee.kind {
    case .name(let name):
      if let local = context.lookup(name) {
        return callValue(
          CheckedExpression(.local(local), context.locals[local.rawValue].type, callee.span), arguments, span)
      }
      if let own = selfValue(callee.span), members[memberKey(own.type)]?[name] != nil, isDeclared(own.type) {
        return method(own, Identifier(name, callee.span), arguments, span, callee.span, hint)
      }
      switch entities[name] {
      case .functions(let list)?:
        return overloaded(list, name: name, receiver: nil, arguments, span, callee.span, hint)
      case .model(let id, let signature)?:
        return model(id, signature, arguments, span, callee.span)
      case .structure(let id)?: return structure(id, arguments, span, callee.span)
      case .enumeration?:
        return fail(
          Diagnostic("T106", "an enumeration has no such call", at: callee.span, help: "write `\(name).case`"), span)
      case .global(let id)?: return callValue(global(id, callee.span), arguments, span)
      case .erroneous(let id)?:
        for argument in arguments where !usesShorthand(argument.value) { _ = check(argument.value) }
        return global(id, span)
      case nil: break
      }
      if name == "addLogDensity" {
        return fail(Diagnostic("M111", "`addLogDensity` stands alone, in a model's body", at: span), span)
      }
      let result = unknown(name, callee.span)
      for argument in arguments where !usesShorthand(argument.value) { _ = check(argument.value) }
      return result
    case .implicitMember(let name):
      return implicitMember(name, arguments: arguments, span, unwrapped(hint))
    case .member(let base, let name):
      return method(base, name, arguments, span, callee.span, hint)
    case .optionalMember(let base, let name):
      return optionalCall(base, name, arguments, span)
    default:
      return callValue(check(callee), arguments, span)
    }
  }

  private func isDeclared(_ type: Type) -> Bool {
    switch type {
    case .structure, .enumeration: true
    default: false
    }
  }

  /// `.values(mu: 3).otherwise(.prior)`: the context's type is that of the first member.
  private func startsImplicit(_ e: Expression) -> Bool {
    switch e.kind {
    case .implicitMember: true
    case .call(let callee, _): startsImplicit(callee)
    case .member(let base, _): startsImplicit(base)
    default: false
    }
  }

  private func usesShorthand(_ e: Expression) -> Bool {
    switch e.kind {
    case .implicitMember, .closure, .keyPath: true
    case .call(let callee, _): usesShorthand(callee)
    case .member(let base, _): startsImplicit(base)
    default: false
    }
  }

  private func unwrapped(_ hint: Type?) -> Type? {
    if case .optional(let inner)? = hint { return unwrapped(inner) }
    return hint
  }

  private func callValue(_ callee: CheckedExpression, _ arguments: [Expression.Argument], _ span: SourceSpan)
    -> CheckedExpression
  {
    guard case .function(let parameters, let result) = callee.type else {
      for argument in arguments { _ = check(argument.value) }
      if callee.type.isErroneous { return callee }
      return fail(
        Diagnostic("T217", "\(article(callee.type)) cannot be called", at: callee.span, found: words(callee.type)), span
      )
    }
    guard arguments.count == parameters.count else {
      return fail(
        Diagnostic(
          "T218", "the call has \(arguments.count) argument\(arguments.count == 1 ? "" : "s"), not \(parameters.count)",
          at: span, expected: words(callee.type)),
        span)
    }
    let values = zip(arguments, parameters).map { check($0.value, expecting: $1) }
    if values.contains(where: { $0.type.isErroneous }) { return erroneous(span) }
    return CheckedExpression(.callValue(callee, values), result, span)
  }

  // MARK: - Overloads

  /// Which argument goes to which parameter; nil where labels and number do not fit.
  private func matching(_ signature: Signature, _ arguments: [Expression.Argument]) -> [Int?]? {
    var slots: [Int?] = Array(repeating: nil, count: signature.types.count)
    var last: Int?
    for (number, argument) in arguments.enumerated() {
      if argument.isTrailingClosure {
        // A trailing closure takes the last parameter that is a function and is still free.
        guard
          let slot = signature.types.indices.reversed().first(where: {
            slots[$0] == nil && isFunction(signature.types[$0])
          })
        else { return nil }
        slots[slot] = number
        continue
      }
      // Labels say where an argument belongs, so that settings may come in any order.
      if let label = argument.label?.text {
        guard let slot = signature.labels.indices.first(where: { signature.labels[$0] == label && slots[$0] == nil })
        else { return nil }
        slots[slot] = number
        last = slot
      } else {
        // Key paths after a labeled one belong to it: `keep: \.mean, \.rate`.
        if case .keyPath = argument.value.kind, let last, isPaths(signature.types[last]) { continue }
        guard let slot = signature.labels.indices.first(where: { signature.labels[$0] == nil && slots[$0] == nil })
        else { return nil }
        slots[slot] = number
        last = slot
      }
    }
    for slot in slots.indices where slots[slot] == nil && signature.defaults[slot] == nil { return nil }
    return slots
  }

  private func isFunction(_ type: Type) -> Bool {
    switch type {
    case .function: true
    case .optional(let inner): isFunction(inner)
    default: false
    }
  }

  private func isPaths(_ type: Type) -> Bool {
    switch type {
    case .opaque("SitePaths"): true
    case .optional(let inner): isPaths(inner)
    default: false
    }
  }

  func overloaded(
    _ list: [Signature], name: String, receiver: CheckedExpression?, _ arguments: [Expression.Argument],
    _ span: SourceSpan, _ nameSpan: SourceSpan, _ hint: Type?
  ) -> CheckedExpression {
    let fitting = list.compactMap { signature in matching(signature, arguments).map { (signature, $0) } }
    guard !fitting.isEmpty else { return reportMismatch(list, name, arguments, span, nameSpan) }
    // Arguments that stand on their own are checked once; closures and shorthands wait for a parameter's type.
    var checked: [CheckedExpression?] = []
    for (number, argument) in arguments.enumerated() {
      if usesShorthand(argument.value) {
        checked.append(nil)
      } else {
        var hints = Set<Type>()
        for (signature, slots) in fitting {
          if let slot = slots.firstIndex(of: number) { hints.insert(signature.types[slot]) }
        }
        let only = hints.count == 1 ? hints.first : nil
        checked.append(check(argument.value, hint: only.flatMap { containsGeneric($0) ? nil : $0 }))
      }
    }
    if checked.contains(where: { $0?.type.isErroneous ?? false }) {
      for (argument, value) in zip(arguments, checked) where value == nil {
        if case .closure = argument.value.kind { continue }
      }
      return erroneous(span)
    }
    var candidates: [(result: CheckedExpression, cost: Int, diagnostics: [Diagnostic])] = []
    var firstFailure: [Diagnostic]?
    for (signature, slots) in fitting {
      let before = diagnostics
      let localCount = context.locals.count
      diagnostics = []
      var attempt = apply(signature, slots, receiver, arguments, checked, span, nameSpan)
      // `xs.reduce(0) { $0 + $1 }` over reals: the literal is a real after all.
      if attempt == nil, let wider = realLiterals(signature, slots, checked) {
        let first = diagnostics
        diagnostics = []
        attempt = apply(signature, slots, receiver, arguments, wider, span, nameSpan)
        if attempt == nil { diagnostics = first }
      }
      let made = diagnostics
      diagnostics = before
      if let (result, cost) = attempt, !made.contains(where: { $0.severity == .error }) {
        candidates.append((result, cost, made))
        if cost == 0 { break }
      } else {
        if firstFailure == nil || fitting.count == 1 { firstFailure = made }
        _ = localCount
      }
    }
    if let best = candidates.min(by: { $0.cost < $1.cost }) {
      diagnostics += best.diagnostics
      return best.result
    }
    if fitting.count == 1, let made = firstFailure, !made.isEmpty {
      diagnostics += made
      return erroneous(span)
    }
    return reportTypes(fitting.map(\.0), name, checked, arguments, span, nameSpan, firstFailure)
  }

  /// The signature with extents of its own where it is called from its own body: `N` of the call is not `N` here.
  private func instantiated(_ signature: Signature) -> Signature {
    var renamed: [Int: Extent] = [:]
    func collect(_ type: Type) {
      func note(_ extent: Extent) {
        if case .symbol(let symbol) = extent, context.declaredSymbols.contains(symbol.id), renamed[symbol.id] == nil {
          let fresh = freshSymbol(symbol.name)
          signatureSymbols.insert(fresh.id)
          renamed[symbol.id] = .symbol(fresh)
        }
      }
      switch type {
      case .index(let bound): note(bound)
      case .array(let scalar, let extents):
        extents.forEach(note)
        if case .index(let bound) = scalar { note(bound) }
      case .list(let element, let extent):
        note(extent)
        collect(element)
      case .optional(let inner), .distribution(let inner): collect(inner)
      case .tuple(let fields): for field in fields { collect(field.type) }
      case .function(let parameters, let result): for type in parameters + [result] { collect(type) }
      default: break
      }
    }
    if context.declaredSymbols.isEmpty { return signature }
    for type in signature.types + [signature.result] { collect(type) }
    if renamed.isEmpty { return signature }
    var bindings = Bindings()
    bindings.extents = renamed
    for name in signature.generics { bindings.generics[name] = .generic(name) }
    var copy = signature
    copy.types = signature.types.map { substitute($0, bindings) }
    copy.result = substitute(signature.result, bindings)
    copy.extentParameters = [:]
    for (id, slot) in signature.extentParameters {
      if case .symbol(let fresh)? = renamed[id] {
        copy.extentParameters[fresh.id] = slot
      } else {
        copy.extentParameters[id] = slot
      }
    }
    return copy
  }

  /// The arguments with integer literals of generic parameters as reals; nil where there are none.
  private func realLiterals(_ signature: Signature, _ slots: [Int?], _ checked: [CheckedExpression?])
    -> [CheckedExpression?]?
  {
    var result = checked
    var found = false
    for (slot, type) in signature.types.enumerated() {
      guard case .generic = type, let number = slots[slot], let value = checked[number] else { continue }
      guard value.type == .int, let real = coerced(value, to: .real), case .real = real.kind else { continue }
      result[number] = real
      found = true
    }
    return found ? result : nil
  }

  private func apply(
    _ declared: Signature, _ slots: [Int?], _ receiver: CheckedExpression?, _ arguments: [Expression.Argument],
    _ checked: [CheckedExpression?], _ span: SourceSpan, _ nameSpan: SourceSpan
  ) -> (CheckedExpression, Int)? {
    let signature = instantiated(declared)
    var bindings = Bindings()
    var cost = 0
    var values: [CheckedExpression] = []
    if let receiver, let type = signature.receiver {
      guard let fit = coerce(receiver, to: type, &bindings) else { return nil }
      if case .convert = fit.kind, !isSame(fit, receiver) { cost += 1 }
      values.append(fit)
    }
    // Which argument said what each length is.
    var origins: [Int: (name: String, span: SourceSpan)] = [:]
    // Elementwise functions and scalar families take arrays where they say one real.
    var lift: [Extent] = []
    let lifts = isLifting(signature)
    var results: [CheckedExpression?] = Array(repeating: nil, count: signature.types.count)
    // Plain arguments first: they bind what closures need.
    for slot in signature.types.indices {
      guard let number = slots[slot], let value = checked[number] else { continue }
      let goal = signature.types[slot]
      if lifts, let numeric = value.type.numeric, !numeric.extents.isEmpty, let scalar = goal.numeric,
        scalar.extents.isEmpty
      {
        guard let fit = coerce(value, to: .array(scalar.scalar, numeric.extents.map { _ in .unknown }), &bindings)
        else {
          report(typeMismatch(value, goal))
          return nil
        }
        if lift.isEmpty {
          lift = numeric.extents
        } else if differ(lift, numeric.extents) {
          report(
            Diagnostic(
              "H203", "the arguments have different shapes", at: value.span, expected: words(.array(.real, lift)),
              found: words(value.type)))
          return nil
        } else {
          lift = zip(lift, numeric.extents).map { joined($0, $1) }
        }
        results[slot] = fit
        cost += 1
        continue
      }
      let before = bindings.extents
      guard let fit = coerce(value, to: goal, &bindings) else {
        report(
          shapeMismatch(value, goal, signature.names[slot], before, origins)
            ?? typeMismatch(value, substituteForWords(goal, bindings)))
        return nil
      }
      for id in bindings.extents.keys where before[id] == nil && origins[id] == nil {
        origins[id] = (signature.names[slot], value.span)
      }
      if fit.type != value.type { cost += 1 }
      if case .dynamic = value.type { cost += 1 }
      results[slot] = fit
      if let symbol = signature.extentParameters.first(where: { $0.value == slot })?.key {
        if let known = bindings.extents[symbol], differ(known, extent(of: fit)) {
          report(
            lengthMismatch(signature.names[slot], fit, extent(of: fit), known, signature.names[slot], origins[symbol]))
          return nil
        }
        bindings.extents[symbol] = extent(of: fit)
        origins[symbol] = (signature.names[slot], fit.span)
        refuseVaryingLength(fit, "the length `\(signature.names[slot])`")
      }
    }
    for slot in signature.types.indices where results[slot] == nil {
      if let number = slots[slot] {
        let goal = substitutePartly(signature.types[slot], bindings)
        var value = check(arguments[number].value, hint: goal)
        if value.type.isErroneous { return nil }
        // Further key paths of the same argument.
        if isPaths(goal), case .paths(var paths) = value.kind {
          for more in arguments.dropFirst(number + 1) {
            guard more.label == nil, case .keyPath(let names) = more.value.kind else { break }
            paths.append(names.map(\.text))
          }
          value = CheckedExpression(.paths(paths), value.type, value.span)
        }
        guard let fit = coerce(value, to: goal, &bindings) else {
          report(typeMismatch(value, goal))
          return nil
        }
        if case .function(_, let declared) = signature.types[slot], case .function(_, let actual) = fit.type {
          bindResult(declared, actual, &bindings)
        }
        results[slot] = fit
      } else if let value = signature.defaults[slot] {
        var place = value
        place.span = span
        results[slot] = place
      }
    }
    for value in results {
      guard let value else { return nil }
      values.append(value)
    }
    checkPaths(values, bindings)
    var type = substitute(signature.result, bindings)
    if !lift.isEmpty {
      if let numeric = type.numeric { type = .numeric(numeric.scalar, lift) }
    }
    switch signature.kind {
    case .function(let id):
      if !uses.functions.contains(id) { uses.functions.append(id) }
      return (CheckedExpression(.call(id, values), type, span), cost)
    case .intrinsic(let registration, _):
      if signature.name == "readCSV" { type = csvType(arguments, checked, type) }
      return (CheckedExpression(.intrinsic(registration, values), type, span), cost)
    case .distribution(let registration):
      return (CheckedExpression(.distribution(registration, values), .distribution(type), span), cost)
    }
  }

  /// Names in `.values(…)`, `keep:` and the like against the model of the same call, where it is known.
  private func checkPaths(_ values: [CheckedExpression], _ bindings: Bindings) {
    let models = Set(bindings.models.values.compactMap { $0 })
    guard models.count == 1, let id = models.first else { return }
    for value in values {
      value.visit { part in
        switch part.kind {
        case .modelOperation(.values, base: nil, let arguments):
          for argument in arguments { checkSite(argument.path, id, argument.span) }
        case .paths(let paths):
          if value.type == part.type || value.type == .optional(part.type) {
            for path in paths { checkSite(path, id, part.span) }
          }
        default: break
        }
      }
    }
  }

  private func isSame(_ a: CheckedExpression, _ b: CheckedExpression) -> Bool { a.type == b.type }

  private func isLifting(_ signature: Signature) -> Bool {
    switch signature.kind {
    case .intrinsic(_, let isElementwise): return isElementwise
    case .distribution: return signature.result.numeric.map { $0.extents.isEmpty } ?? false
    case .function: return false
    }
  }

  private func bindResult(_ declared: Type, _ actual: Type, _ bindings: inout Bindings) {
    if case .generic(let name) = declared { bindings.generics[name] = bindings.generics[name] ?? actual }
    if case .optional(let inner) = declared, case .optional(let value) = actual { bindResult(inner, value, &bindings) }
    if case .list(let inner, _) = declared {
      if case .list(let value, _) = actual { bindResult(inner, value, &bindings) }
      if case .array = actual, let element = actual.element { bindResult(inner, element, &bindings) }
    }
  }

  /// Generic names that are bound are replaced; others stay.
  private func substitutePartly(_ type: Type, _ bindings: Bindings) -> Type {
    switch type {
    case .generic(let name): return bindings.generics[name] ?? type
    case .function(let parameters, let result):
      return .function(parameters.map { substitutePartly($0, bindings) }, substitutePartly(result, bindings))
    case .optional(let inner): return .optional(substitutePartly(inner, bindings))
    case .list(let inner, let extent):
      let element = substitutePartly(inner, bindings)
      return containsGeneric(element) ? .list(element, extent) : .arrayOf(element, .unknown)
    case .tuple(let fields):
      return .tuple(fields.map { TupleField(label: $0.label, type: substitutePartly($0.type, bindings)) })
    case .dictionary(let a, let b): return .dictionary(substitutePartly(a, bindings), substitutePartly(b, bindings))
    default: return containsGeneric(type) ? type : substitute(type, bindings)
    }
  }

  private func substituteForWords(_ type: Type, _ bindings: Bindings) -> Type { substitutePartly(type, bindings) }

  /// An array of the right kind whose length another argument has said otherwise.
  private func shapeMismatch(
    _ value: CheckedExpression, _ goal: Type, _ parameter: String, _ known: [Int: Extent],
    _ origins: [Int: (name: String, span: SourceSpan)]
  ) -> Diagnostic? {
    guard case .array(let want, let extents) = goal, case .array(let have, let own) = value.type,
      extents.count == own.count,
      want == have || want == .real || want == .int && have.isInteger
    else { return nil }
    var local: [Int: Extent] = known
    for (extent, actual) in zip(extents, own) {
      guard case .symbol(let symbol) = extent else { continue }
      if let bound = local[symbol.id], differ(bound, actual) {
        return lengthMismatch(symbol.name, value, actual, bound, parameter, origins[symbol.id])
      }
      if local[symbol.id] == nil { local[symbol.id] = actual }
    }
    return nil
  }

  private func lengthMismatch(
    _ name: String, _ value: CheckedExpression, _ actual: Extent, _ bound: Extent, _ parameter: String,
    _ origin: (name: String, span: SourceSpan)?
  ) -> Diagnostic {
    let who =
      origin.map { $0.name == parameter ? "`\(parameter)` says" : "`\($0.name)` and `\(parameter)` say" }
      ?? "`\(parameter)` says"
    return Diagnostic(
      "H202", "\(who) different lengths for `\(name)`: \(words(bound)) and \(words(actual))",
      at: value.span,
      caret: value.type.numeric.map { "shape [\($0.extents.map { words($0) }.joined(separator: ", "))]" },
      labels: origin.map { [.init(span: $0.span, text: "`\(name)` is \(words(bound)) here")] } ?? [],
      expected: "\(words(bound))", found: "\(words(actual))")
  }

  private func typeMismatch(_ value: CheckedExpression, _ goal: Type) -> Diagnostic {
    let before = diagnostics
    mismatch(value, goal)
    let made = diagnostics.last ?? Diagnostic("T201", "the types do not fit", at: value.span)
    diagnostics = before
    return made
  }

  private func reportMismatch(
    _ list: [Signature], _ name: String, _ arguments: [Expression.Argument], _ span: SourceSpan, _ nameSpan: SourceSpan
  ) -> CheckedExpression {
    for argument in arguments where !usesShorthand(argument.value) {
      if check(argument.value).type.isErroneous { return erroneous(span) }
    }
    let spelled = list.map { "`\(headWords($0))`" }
    let labels = Set(list.flatMap { $0.labels.compactMap { $0 } })
    if let wrong = arguments.first(where: { $0.label.map { !labels.contains($0.text) } ?? false }),
      let label = wrong.label
    {
      let help =
        didYouMean(label.text, labels.sorted())
        ?? (labels.isEmpty
          ? "its arguments have no labels"
          : "its labels are \(labels.sorted().map { "`\($0)`" }.joined(separator: ", "))")
      return fail(
        Diagnostic(
          "T219", "`\(name)` has no argument `\(label.text)`", at: label.span,
          expected: spelled.joined(separator: " or "), help: help), span)
    }
    if list.count == 1, let signature = list.first {
      if arguments.count > signature.types.count {
        return fail(
          Diagnostic(
            "T218", "`\(name)` takes \(signature.types.count) argument\(signature.types.count == 1 ? "" : "s")",
            at: arguments[signature.types.count].value.span, expected: spelled[0], found: "\(arguments.count)"), span)
      }
      for (slot, label) in signature.labels.enumerated() where signature.defaults[slot] == nil {
        if let label, let bare = arguments[safe: slot], bare.label == nil {
          return fail(
            Diagnostic(
              "T220", "the argument needs its label `\(label):`", at: bare.value.span, expected: spelled[0],
              fixes: [
                .init(
                  span: SourceSpan(source: span.source, start: bare.value.span.start, end: bare.value.span.start),
                  replacement: "\(label): ", certainty: .likely)
              ]),
            span)
        }
        let isGiven = label.map { l in arguments.contains { $0.label?.text == l } } ?? (slot < arguments.count)
        if !isGiven {
          return fail(
            Diagnostic(
              "T221", "the argument `\(label ?? signature.names[slot])` is missing", at: nameSpan, expected: spelled[0]),
            span)
        }
      }
    }
    return fail(
      Diagnostic(
        "T218", "the arguments do not fit `\(name)`", at: span, expected: spelled.joined(separator: " or "),
        found: "\(name)(" + arguments.map { ($0.label?.text ?? "_") + ":" }.joined() + ")"), span)
  }

  func headWords(_ signature: Signature) -> String {
    if signature.isProperty { return signature.name }
    return signature.name + "("
      + zip(zip(signature.labels, signature.names), signature.types).map { head, type in
        (head.0 == nil ? "_ " + head.1 : (head.0 == head.1 ? head.1 : head.0! + " " + head.1)) + ": " + words(type)
      }.joined(separator: ", ") + ")"
  }

  private func reportTypes(
    _ list: [Signature], _ name: String, _ checked: [CheckedExpression?], _ arguments: [Expression.Argument],
    _ span: SourceSpan, _ nameSpan: SourceSpan, _ failure: [Diagnostic]?
  ) -> CheckedExpression {
    let found = checked.enumerated().map { number, value in
      (arguments[number].label.map { $0.text + ": " } ?? "") + (value.map { words($0.type) } ?? "…")
    }
    // All candidates failing at one argument: that argument is the smallest wrong part.
    let place = failure?.first?.span ?? span
    return fail(
      Diagnostic(
        "T222", "no form of `\(name)` takes these arguments", at: place,
        expected: list.prefix(4).map { headWords($0) }.joined(separator: " or "),
        found: "\(name)(\(found.joined(separator: ", ")))",
        help: failure?.first?.help), span)
  }

  // MARK: - Members

  func member(_ baseExpression: Expression, _ name: Identifier, _ span: SourceSpan) -> CheckedExpression {
    // `Noise.normal`
    if case .name(let typeName) = baseExpression.kind, context.lookup(typeName) == nil,
      case .enumeration(let id)? = entities[typeName]
    {
      return enumCase(id, name, nil, span)
    }
    return continued(baseExpression, check(baseExpression), span) { member($0, name, span) }
  }

  /// What follows `?.` belongs to the chain: `a?.b.c` is nil as a whole where `a` is.
  func continued(
    _ source: Expression, _ base: CheckedExpression, _ span: SourceSpan,
    _ then: (CheckedExpression) -> CheckedExpression
  ) -> CheckedExpression {
    guard isChain(source), case .optionalChain(let start, let local, let inner) = base.kind else { return then(base) }
    let value = then(inner)
    if value.type.isErroneous { return value }
    var type = value.type
    if case .optional = type {} else { type = .optional(type) }
    return CheckedExpression(.optionalChain(start, local: local, then: value), type, span)
  }

  private func isChain(_ e: Expression) -> Bool {
    switch e.kind {
    case .optionalMember: true
    case .call(let base, _), .member(let base, _), .index(let base, _): isChain(base)
    default: false
    }
  }

  func member(_ base: CheckedExpression, _ name: Identifier, _ span: SourceSpan) -> CheckedExpression {
    func made(_ kind: CheckedExpression.Kind, _ type: Type) -> CheckedExpression { CheckedExpression(kind, type, span) }
    if name.text.isEmpty { return erroneous(span) }
    switch base.type {
    case .erroneous: return base
    case .tuple(let fields):
      if let index = Int(name.text), fields.indices.contains(index) {
        return made(.tupleElement(base, index), fields[index].type)
      }
      if let index = fields.firstIndex(where: { $0.label == name.text }) {
        return made(.tupleElement(base, index), fields[index].type)
      }
      return fail(
        Diagnostic(
          "T223", "the tuple has no element `\(name.text)`", at: name.span, found: words(base.type),
          help: didYouMean(name.text, fields.compactMap(\.label))), span)
    case .structure(let id):
      let info = table.structures[id.rawValue]
      if let index = info.fields.firstIndex(where: { $0.name == name.text }) {
        return made(.field(base, index), info.fields[index].type)
      }
    case .table(let type):
      if members["Table"]?[name.text]?.first(where: \.isProperty) == nil { return column(base, name, type, span) }
      if let columns = type.columns, columns.contains(where: { $0.name == name.text }) {
        return column(base, name, type, span)
      }
    case .posterior(let id): return fitMember(base, id, [name.text], name.span, span)
    case .sites(let id, let plates): return siteMember(base, id, plates, name, span)
    case .dynamic: return made(.member(base, name.text), .dynamic)
    case .optional(let inner):
      if members["Optional"]?[name.text] == nil {
        return fail(
          Diagnostic(
            "T215", "the value may be `nil`", at: base.span, found: words(base.type),
            help: "use `?.\(name.text)`, `!`, or `if let` first"),
          span == base.span
            ? span
            : {
              _ = inner
              return span
            }())
      }
    default: break
    }
    let key = memberKey(base.type)
    if let list = members[key]?[name.text] {
      if let property = list.first(where: \.isProperty) {
        if let (result, _) = apply(property, [], base, [], [], span, name.span) { return result }
      }
      return fail(
        Diagnostic("T224", "`\(name.text)` is a function", at: name.span, help: "call it: `\(name.text)(…)`"), span)
    }
    return noMember(base.type, name, span)
  }

  func memberKey(_ type: Type) -> String {
    switch type {
    case .structure(let id): table.structures[id.rawValue].name
    case .enumeration(let id): table.enumerations[id.rawValue].name
    case .opaque(let name): name.split(separator: "<").first.map(String.init) ?? name
    default: type.memberBase
    }
  }

  private func noMember(_ type: Type, _ name: Identifier, _ span: SourceSpan) -> CheckedExpression {
    var names = Array((members[memberKey(type)] ?? [:]).keys)
    if case .structure(let id) = type { names += table.structures[id.rawValue].fields.map(\.name) }
    var help = didYouMean(name.text, names.sorted())
    if help == nil, case .functions? = entities[name.text] { help = "it is a function: `\(name.text)(…)`" }
    if case .table = type, ["factor", "categorical", "category", "group", "levels", "codes"].contains(name.text) {
      help = "`table.NAME.index` makes groups of the column NAME, for a parameter `[N of Index[J]]`"
    }
    // Few enough to read: all there are.
    if help == nil, !names.isEmpty, names.count <= 12 {
      help = "its members are " + names.sorted().map { "`\($0)`" }.joined(separator: ", ")
    }
    return fail(
      Diagnostic(
        "T225", "\(article(type)) has no member `\(name.text)`", at: name.span, found: words(type), help: help), span)
  }

  func column(_ base: CheckedExpression, _ name: Identifier, _ type: TableType, _ span: SourceSpan) -> CheckedExpression
  {
    guard let columns = type.columns else { return CheckedExpression(.column(base, name.text), .dynamic, span) }
    guard let found = columns.first(where: { $0.name == name.text }) else {
      return fail(
        Diagnostic(
          "T226", "the table has no column `\(name.text)`", at: name.span,
          expected: "one of " + columns.prefix(12).map { "`\($0.name)`" }.joined(separator: ", "),
          help: didYouMean(name.text, columns.map(\.name))), span)
    }
    return CheckedExpression(.column(base, name.text), .arrayOf(found.cell, type.rows), span)
  }

  /// `readCSV("path")` with a literal path has the columns of that file.
  private func csvType(_ arguments: [Expression.Argument], _ checked: [CheckedExpression?], _ type: Type) -> Type {
    if let argument = arguments.first(where: { $0.label?.text == "as" }),
      let number = arguments.firstIndex(where: { $0.label?.text == "as" })
    {
      _ = argument
      if case .metatype(.structure(let id))? = checked[number]?.type {
        let columns = table.structures[id.rawValue].fields.map { TableType.Column(name: $0.name, cell: $0.type) }
        return .table(TableType(columns: columns, rows: .symbol(freshSymbol("rows"))))
      }
    }
    guard let first = checked.first ?? nil, case .string(let path) = first.kind, arguments.count == 1,
      let columns = schema?.columns(ofCSV: path)
    else { return .table(TableType(columns: nil, rows: .unknown)) }
    return .table(TableType(columns: columns, rows: .symbol(freshSymbol("rows of \(path)"))))
  }

  private func optionalMember(
    _ base: CheckedExpression, _ span: SourceSpan, _ then: (CheckedExpression) -> CheckedExpression
  ) -> CheckedExpression {
    guard case .optional(let inner) = base.type else {
      if base.type.isErroneous { return base }
      return fail(
        Diagnostic(
          "T203", "the value is never `nil`", at: base.span, found: words(base.type), help: "write `.` instead of `?.`"),
        span)
    }
    context.scopes.append([:])
    let local = context.add("", inner, isVariable: false, span: base.span)
    context.scopes.removeLast()
    let value = then(CheckedExpression(.local(local), inner, base.span))
    if value.type.isErroneous { return value }
    if case .optional = value.type {
      return CheckedExpression(.optionalChain(base, local: local, then: value), value.type, span)
    }
    return CheckedExpression(.optionalChain(base, local: local, then: value), .optional(value.type), span)
  }

  func optionalMember(_ base: Expression, _ name: Identifier, _ span: SourceSpan) -> CheckedExpression {
    optionalMember(check(base), span) { member($0, name, span) }
  }

  private func optionalCall(
    _ base: Expression, _ name: Identifier, _ arguments: [Expression.Argument], _ span: SourceSpan
  ) -> CheckedExpression {
    optionalMember(check(base), span) { method($0, name, arguments, span, name.span, nil) }
  }

  // MARK: - Methods

  private func method(
    _ baseExpression: Expression, _ name: Identifier, _ arguments: [Expression.Argument], _ span: SourceSpan,
    _ calleeSpan: SourceSpan, _ hint: Type?
  ) -> CheckedExpression {
    if case .name(let typeName) = baseExpression.kind, context.lookup(typeName) == nil,
      case .enumeration(let id)? = entities[typeName]
    {
      return enumCase(id, name, arguments, span)
    }
    let base = check(baseExpression, hint: startsImplicit(baseExpression) ? unwrapped(hint) : nil)
    return continued(baseExpression, base, span) { method($0, name, arguments, span, calleeSpan, hint) }
  }

  func method(
    _ base: CheckedExpression, _ name: Identifier, _ arguments: [Expression.Argument], _ span: SourceSpan,
    _ calleeSpan: SourceSpan, _ hint: Type?
  ) -> CheckedExpression {
    if base.type.isErroneous {
      for argument in arguments where !usesShorthand(argument.value) { _ = check(argument.value) }
      return base
    }
    switch (base.type, name.text) {
    case (.model(let id), "given"), (.model(let id), "do"), (.model(let id), "with"), (.model(let id), "reparam"):
      return modelOperation(ModelOperation(rawValue: name.text) ?? .given, base, id, arguments, span, name.span)
    case (.posterior(let id), "predict"): return modelOperation(.predict, base, id, arguments, span, name.span)
    case (.distribution(let value), "iid"): return iid(base, value, arguments, span)
    default: break
    }
    if case .structure(let id) = base.type,
      let field = table.structures[id.rawValue].fields.firstIndex(where: { $0.name == name.text })
    {
      let value = CheckedExpression(.field(base, field), table.structures[id.rawValue].fields[field].type, calleeSpan)
      return callValue(value, arguments, span)
    }
    let key = memberKey(base.type)
    if let list = members[key]?[name.text] {
      let functions = list.filter { !$0.isProperty }
      if functions.isEmpty {
        let value = member(base, name, calleeSpan)
        if value.type.isErroneous { return value }
        if case .function = value.type { return callValue(value, arguments, span) }
        return fail(
          Diagnostic(
            "T217", "`\(name.text)` is not called", at: name.span, found: words(value.type), help: "remove `()`"), span)
      }
      return overloaded(functions, name: name.text, receiver: base, arguments, span, name.span, hint)
    }
    if case .posterior(let id) = base.type {
      let value = fitMember(base, id, [name.text], name.span, calleeSpan)
      if value.type.isErroneous { return value }
      return fail(
        Diagnostic(
          "T217", "`\(name.text)` of the model is not called", at: name.span, found: words(value.type),
          help: "remove `()`"), span)
    }
    if case .table = base.type { return noMember(base.type, name, span) }
    for argument in arguments where !usesShorthand(argument.value) { _ = check(argument.value) }
    if case .optional = base.type {
      return fail(
        Diagnostic(
          "T215", "the value may be `nil`", at: base.span, found: words(base.type),
          help: "use `?.\(name.text)(…)`, `!`, or `if let` first"), span)
    }
    return noMember(base.type, name, span)
  }

  private func iid(_ base: CheckedExpression, _ value: Type, _ arguments: [Expression.Argument], _ span: SourceSpan)
    -> CheckedExpression
  {
    guard !arguments.isEmpty, arguments.allSatisfy({ $0.label == nil }) else {
      return fail(Diagnostic("T218", "`iid` takes one or more lengths", at: span, expected: "iid(n)"), span)
    }
    let counts = arguments.map { check($0.value, expecting: .int) }
    if counts.contains(where: { $0.type.isErroneous }) || base.type.isErroneous { return erroneous(span) }
    for count in counts { refuseVaryingLength(count, "a length") }
    guard let numeric = value.numeric, numeric.extents.isEmpty else {
      return fail(
        Diagnostic(
          "M120", "`.iid` repeats a distribution of one number", at: base.span, found: words(base.type),
          help: "put it into a plate: `plate i in 0..<n { let x ~ … }`"), span)
    }
    return CheckedExpression(
      .intrinsic("Distribution.iid(_:)", [base] + counts),
      .distribution(.numeric(numeric.scalar, counts.map { extent(of: $0) })), span)
  }

  // MARK: - Structures and enumerations

  private func structure(
    _ id: StructureID, _ arguments: [Expression.Argument], _ span: SourceSpan, _ nameSpan: SourceSpan
  ) -> CheckedExpression {
    let info = table.structures[id.rawValue]
    let signature = Signature(
      name: info.name, kind: .intrinsic("", isElementwise: false), generics: [], labels: info.fields.map(\.name),
      names: info.fields.map(\.name), types: info.fields.map(\.type),
      defaults: fieldDefaults[id.rawValue] ?? info.fields.map { _ in nil },
      result: .structure(id), receiver: nil, span: nameSpan)
    guard let slots = matching(signature, arguments) else {
      return reportMismatch([signature], info.name, arguments, span, nameSpan)
    }
    var values: [CheckedExpression] = []
    for slot in info.fields.indices {
      if let number = slots[slot] {
        values.append(check(arguments[number].value, expecting: info.fields[slot].type))
      } else if let value = signature.defaults[slot] {
        values.append(value)
      }
    }
    if values.contains(where: { $0.type.isErroneous }) { return erroneous(span) }
    return CheckedExpression(.structure(id, values), .structure(id), span)
  }

  func enumCase(_ id: EnumerationID, _ name: Identifier, _ arguments: [Expression.Argument]?, _ span: SourceSpan)
    -> CheckedExpression
  {
    let info = table.enumerations[id.rawValue]
    guard let index = info.cases.firstIndex(where: { $0.name == name.text }) else {
      return fail(
        Diagnostic(
          "T227", "`\(info.name)` has no case `\(name.text)`", at: name.span,
          expected: info.cases.map { "`.\($0.name)`" }.joined(separator: ", "),
          help: didYouMean(name.text, info.cases.map(\.name))), span)
    }
    let payload = info.cases[index].payload
    let given = arguments ?? []
    guard given.count == payload.count else {
      return fail(
        Diagnostic(
          "T218",
          payload.isEmpty
            ? "`.\(name.text)` has no values"
            : "`.\(name.text)` needs \(payload.count) value\(payload.count == 1 ? "" : "s")",
          at: span, expected: "\(payload.count)", found: "\(given.count)"), span)
    }
    var values: [CheckedExpression] = []
    for (argument, field) in zip(given, payload) {
      if let label = argument.label, label.text != field.label {
        report(
          Diagnostic(
            "T219", "`.\(name.text)` has no label `\(label.text)`", at: label.span, expected: field.label ?? "no label")
        )
      }
      values.append(check(argument.value, expecting: field.type))
    }
    if values.contains(where: { $0.type.isErroneous }) { return erroneous(span) }
    return CheckedExpression(.enumCase(id, index, values), .enumeration(id), span)
  }

  func implicitMember(_ name: Identifier, arguments: [Expression.Argument]?, _ span: SourceSpan, _ hint: Type?)
    -> CheckedExpression
  {
    guard case .enumeration(let id)? = hint else {
      if let hint, hint.isErroneous { return erroneous(span) }
      return fail(
        Diagnostic(
          "T228", "what `.\(name.text)` belongs to is not known here", at: span, expected: hint.map { words($0) },
          help: "write the type in front: `Type.\(name.text)`"), span)
    }
    if table.enumerations[id.rawValue].name == "Initialization", name.text == "values" {
      return modelOperation(.values, nil, nil, arguments ?? [], span, name.span)
    }
    return enumCase(id, name, arguments, span)
  }

  // MARK: - Closures

  func closure(_ closure: Closure, _ span: SourceSpan, _ hint: Type?) -> CheckedExpression {
    var expected: ([Type], Type)?
    if case .function(let parameters, let result)? = hint { expected = (parameters, result) }
    let outer = context
    let inner = FunctionContext(kind: .closure, parent: outer)
    inner.declaredSymbols = outer.declaredSymbols
    // Parameters: named, or $0, $1, … as many as the context wants.
    var names: [(String, TypeExpression?, SourceSpan)] = []
    if let parameters = closure.parameters {
      names = parameters.map { ($0.name.text, $0.type, $0.name.span) }
    } else if let expected {
      names = expected.0.indices.map { ("$\($0)", nil, span) }
    } else {
      let used = words(in: span).filter { $0.hasPrefix("$") }.compactMap { Int($0.dropFirst()) }.max()
      names = used.map { (0...$0).map { ("$\($0)", nil, span) } } ?? []
    }
    if let expected, closure.parameters != nil, expected.0.count != names.count {
      // A pair may be taken apart by two names.
      if expected.0.count == 1, case .tuple(let fields) = expected.0[0], fields.count == names.count {
        return destructuring(closure, fields.map(\.type), expected, span)
      }
      return fail(
        Diagnostic(
          "T229", "the closure has \(names.count) parameter\(names.count == 1 ? "" : "s"), not \(expected.0.count)",
          at: span,
          expected: words(.function(expected.0, expected.1))), span)
    }
    let captures = captured(in: span, excluding: Set(names.map(\.0)))
    context = inner
    defer { context = outer }
    var captureLocals: [LocalID] = []
    for (name, local) in captures {
      let info = outer.locals[local.rawValue]
      let own = inner.add(name, info.type, isVariable: false, span: info.span)
      inner.captured.insert(own.rawValue)
      if let symbol = outer.extentOf[local.rawValue] { inner.extentOf[own.rawValue] = symbol }
      if outer.varying.contains(local.rawValue) { inner.varying.insert(own.rawValue) }
      captureLocals.append(local)
    }
    inner.scopes.append([:])
    var parameterIDs: [LocalID] = []
    var types: [Type] = []
    for (number, (name, annotation, place)) in names.enumerated() {
      var type = annotation.map { resolve($0) } ?? expected?.0[safe: number] ?? .erroneous
      if containsGeneric(type) { type = .erroneous }
      if annotation == nil, expected == nil {
        report(
          Diagnostic("T230", "the type of `\(name)` is not known", at: place, help: "write `{ (\(name): Real) in … }`"))
      }
      types.append(type)
      parameterIDs.append(inner.add(name, type, isVariable: false, span: place))
      if type == .int { inner.extentOf[parameterIDs[number].rawValue] = freshSymbol(name) }
    }
    var wanted: Type?
    if let annotation = closure.result {
      wanted = resolve(annotation)
    } else if let result = expected?.1, !containsGeneric(result), !result.isErroneous {
      wanted = result
    }
    inner.result = wanted
    var statements: [CheckedStatement] = []
    var result = wanted ?? .unit
    if closure.body.statements.count == 1, let only = soleValue(closure.body.statements[0]) {
      let value = check(only, hint: wanted ?? expected?.1)
      if value.type.isErroneous { return erroneous(span) }
      if let wanted, wanted != .unit {
        guard let fit = coerced(value, to: wanted) else {
          return mismatch(value, wanted, what: "the closure gives another type")
        }
        statements = [CheckedStatement(.returnValue(fit), fit.span)]
      } else if wanted == .unit {
        statements = [CheckedStatement(.expression(value, isShown: false), value.span)]
      } else {
        result = value.type
        statements = [CheckedStatement(.returnValue(value), value.span)]
      }
    } else {
      let before = diagnostics.count
      check(closure.body.statements, into: &statements)
      if diagnostics[before...].contains(where: { $0.severity == .error }) { return erroneous(span) }
      if wanted == nil {
        var joinedType = inner.inferredResults.first
        for type in inner.inferredResults.dropFirst() { joinedType = joinedType.flatMap { wider($0, type) } }
        result = joinedType ?? .unit
      }
      if result != .unit, !ends(closure.body.statements) {
        let end = SourceSpan(source: span.source, start: max(span.start, span.end - 1), end: span.end)
        return fail(
          Diagnostic("T140", "the closure may end without a value", at: end, expected: "a `return` on every path"), span
        )
      }
    }
    let function = CheckedFunction(
      name: "closure", parameters: parameterIDs, locals: inner.locals, extents: [], result: result, body: statements,
      span: span)
    return CheckedExpression(
      .closure(CheckedClosure(function: function, captures: captureLocals)), .function(types, result), span)
  }

  /// `{ k, v in … }` where the context hands one pair.
  private func destructuring(
    _ closure: Closure, _ types: [Type], _ expected: ([Type], Type), _ span: SourceSpan
  ) -> CheckedExpression {
    let pair = Identifier("$pair", span)
    var statements: [Statement] = []
    for (number, parameter) in (closure.parameters ?? []).enumerated() {
      let value = Expression(.member(base: Expression(.name("$pair"), span), name: Identifier("\(number)", span)), span)
      statements.append(
        Statement(
          .binding(
            .init(
              isVariable: false, pattern: Pattern(.name(parameter.name), parameter.name.span), type: nil, value: value)),
          span))
    }
    var body = closure.body
    if body.statements.count == 1, case .expression(let only) = body.statements[0].kind {
      body.statements = [Statement(.returnStatement(only), only.span)]
    }
    body.statements = statements + body.statements
    return self.closure(
      Closure(parameters: [.init(name: pair, type: nil)], result: closure.result, body: body), span,
      .function(expected.0, expected.1))
  }

  /// Outer locals whose names occur in a stretch of text, each once.
  private func captured(in span: SourceSpan, excluding: Set<String>) -> [(String, LocalID)] {
    var result: [(String, LocalID)] = []
    var seen = excluding
    for word in words(in: span) where !seen.contains(word) {
      seen.insert(word)
      if let local = context.lookup(word) { result.append((word, local)) }
      if !seen.contains("self"), let own = selfValue(span), case .local(let local) = own.kind,
        isOwnMember(word, own.type)
      {
        seen.insert("self")
        result.append(("self", local))
      }
    }
    if !seen.contains("$pair"), let local = context.lookup("$pair") { result.append(("$pair", local)) }
    return result
  }

  private func isOwnMember(_ name: String, _ type: Type) -> Bool {
    if case .structure(let id) = type, table.structures[id.rawValue].fields.contains(where: { $0.name == name }) {
      return true
    }
    return isDeclared(type) && members[memberKey(type)]?[name] != nil
  }

  /// Identifiers that occur in a stretch of the text, inside texts too.
  private func words(in span: SourceSpan) -> [String] {
    guard let tree = currentTree else { return [] }
    let tokens = tree.tokens
    var low = 0
    var high = tokens.count
    while low < high {
      let middle = (low + high) / 2
      if tokens[middle].start < span.start { low = middle + 1 } else { high = middle }
    }
    var result: [String] = []
    let bytes = tree.source.bytes
    while low < tokens.count, tokens[low].start < span.end {
      let token = tokens[low]
      let slice = bytes[Int(token.start)..<Int(token.end)]
      switch token.kind {
      case .identifier, .closureParameter:
        result.append(String(decoding: slice.filter { $0 != 0x60 }, as: UTF8.self))
      case .string:
        for word in String(decoding: slice, as: UTF8.self).split(whereSeparator: {
          !($0.isLetter || $0.isNumber || $0 == "_" || $0 == "$")
        }) {
          result.append(String(word))
        }
      default: break
      }
      low += 1
    }
    return result
  }
}
