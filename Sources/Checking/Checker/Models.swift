import Syntax

extension Checker {
  // MARK: - Instances

  func model(
    _ id: ModelID, _ signature: Signature, _ arguments: [Expression.Argument], _ span: SourceSpan,
    _ nameSpan: SourceSpan
  ) -> CheckedExpression {
    let result = overloaded([signature], name: signature.name, receiver: nil, arguments, span, nameSpan, nil)
    if !uses.models.contains(id) { uses.models.append(id) }
    guard case .intrinsic(_, let values) = result.kind else { return result }
    return CheckedExpression(.model(id, values), .model(id), span)
  }

  /// Whether a model's body has errors, so that nothing is said about its members.
  private func isBroken(_ id: ModelID) -> Bool {
    ensureChecked(id)
    return brokenModels.contains(id.rawValue) || modelsInProgress.contains(id.rawValue)
  }

  /// A member by its path: `["g", "scale"]`.
  func modelMember(_ id: ModelID, _ path: [String]) -> ModelMember? {
    ensureChecked(id)
    guard let first = path.first, let member = table.models[id.rawValue].members.last(where: { $0.name == first })
    else { return nil }
    if path.count == 1 { return member }
    guard case .submodel(let inner) = member.kind, var nested = modelMember(inner, Array(path.dropFirst())) else {
      return nil
    }
    if case .sites(_, let plates) = member.type {
      for plate in plates.reversed() { nested.type = lifted(nested.type, plate) }
    }
    return nested
  }

  /// All names that `given` and its like may say.
  func memberPaths(_ id: ModelID, sitesOnly: Bool) -> [String] {
    ensureChecked(id)
    return table.models[id.rawValue].members.flatMap { member -> [String] in
      switch member.kind {
      case .site: [member.name]
      case .derived: sitesOnly ? [] : [member.name]
      case .submodel(let inner): memberPaths(inner, sitesOnly: sitesOnly).map { member.name + "." + $0 }
      }
    }
  }

  func lifted(_ type: Type, _ extent: Extent) -> Type {
    if case .optional(let inner) = type { return .optional(lifted(inner, extent)) }
    if case .sites(let id, let plates) = type { return .sites(id, plates: [extent] + plates) }
    return .arrayOf(type, extent)
  }

  // MARK: - given, do, with, reparam, predict, values

  func modelOperation(
    _ operation: ModelOperation, _ base: CheckedExpression?, _ id: ModelID?, _ arguments: [Expression.Argument],
    _ span: SourceSpan, _ nameSpan: SourceSpan
  ) -> CheckedExpression {
    var made: [ModelArgument] = []
    var position = 0
    while position < arguments.count {
      let argument = arguments[position]
      position += 1
      var path: [String]
      var place: SourceSpan
      var valueExpression = argument.value
      if let label = argument.label {
        path = [label.text]
        place = label.span
        if operation == .predict, label.text == "fresh" {
          var paths: [[String]] = []
          if case .keyPath(let names) = argument.value.kind { paths.append(names.map(\.text)) }
          while position < arguments.count, arguments[position].label == nil,
            case .keyPath(let names) = arguments[position].value.kind
          {
            paths.append(names.map(\.text))
            position += 1
          }
          for fresh in paths { checkSite(fresh, id, argument.value.span) }
          made.append(
            ModelArgument(
              path: path, value: CheckedExpression(.paths(paths), .opaque("SitePaths"), argument.value.span),
              span: place))
          continue
        }
      } else if case .keyPath(let names) = argument.value.kind, position < arguments.count,
        arguments[position].label == nil
      {
        path = names.map(\.text)
        place = argument.value.span
        valueExpression = arguments[position].value
        position += 1
      } else {
        _ = fail(
          Diagnostic(
            "M102",
            "the argument needs the name of a \(operation == .with || operation == .predict ? "parameter" : "site")",
            at: argument.value.span,
            help: "write `\(operation.rawValue)(name: value)`"), span)
        continue
      }
      made.append(operand(operation, path, place, valueExpression, id))
    }
    for (number, argument) in made.enumerated() where made[..<number].contains(where: { $0.path == argument.path }) {
      report(Diagnostic("M103", "`\(argument.path.joined(separator: "."))` stands twice", at: argument.span))
    }
    if made.contains(where: { $0.value.type.isErroneous }) { return erroneous(span) }
    let type: Type
    switch operation {
    case .given, .do, .with, .reparam: type = .model(id)
    case .predict: type = .posterior(id)
    case .values:
      guard case .enumeration(let initialization)? = entities["Initialization"] else { return erroneous(span) }
      type = .enumeration(initialization)
    }
    return CheckedExpression(.modelOperation(operation, base: base, made), type, span)
  }

  func checkSite(_ path: [String], _ id: ModelID?, _ span: SourceSpan) {
    guard let id, !isBroken(id), modelMember(id, path) == nil else { return }
    reportUnknownSite(path, id, span, sitesOnly: false)
  }

  private func reportUnknownSite(_ path: [String], _ id: ModelID, _ span: SourceSpan, sitesOnly: Bool) {
    let names = memberPaths(id, sitesOnly: sitesOnly)
    let name = path.joined(separator: ".")
    report(
      Diagnostic(
        "M104", "`\(table.models[id.rawValue].name)` has no site `\(name)`", at: span,
        expected: names.isEmpty ? nil : "one of " + names.prefix(16).map { "`\($0)`" }.joined(separator: ", "),
        help: didYouMean(name, names)))
  }

  private func operand(
    _ operation: ModelOperation, _ path: [String], _ place: SourceSpan, _ value: Expression, _ id: ModelID?
  ) -> ModelArgument {
    func made(_ checked: CheckedExpression) -> ModelArgument { ModelArgument(path: path, value: checked, span: place) }
    switch operation {
    case .with, .predict:
      guard let id else { return made(check(value)) }
      let model = table.models[id.rawValue]
      guard let number = model.parameterNames.firstIndex(of: path.joined(separator: ".")),
        case .model(_, let signature)? = entity(of: id)
      else {
        if isBroken(id) { return made(check(value)) }
        return made(
          fail(
            Diagnostic(
              "M105", "`\(model.name)` has no parameter `\(path.joined(separator: "."))`", at: place,
              expected: model.parameterNames.isEmpty
                ? "no parameters" : "one of " + model.parameterNames.map { "`\($0)`" }.joined(separator: ", "),
              help: didYouMean(path[0], model.parameterNames)), value.span))
      }
      let checked = check(value, hint: signature.types[number])
      var bindings = Bindings()
      if let fit = coerce(checked, to: signature.types[number], &bindings) { return made(fit) }
      return made(mismatch(checked, signature.types[number]))
    case .reparam:
      if let id, !isBroken(id), modelMember(id, path)?.kind != .site {
        reportUnknownSite(path, id, place, sitesOnly: true)
      }
      guard case .enumeration(let kind)? = entities["Reparameterizer"] else { return made(check(value)) }
      return made(check(value, expecting: .enumeration(kind)))
    case .given, .do, .values:
      guard let id, !isBroken(id) else { return made(check(value)) }
      guard let member = modelMember(id, path) else {
        reportUnknownSite(path, id, place, sitesOnly: true)
        return made(erroneous(value.span))
      }
      switch member.kind {
      case .site: break
      case .derived:
        return made(
          fail(
            Diagnostic(
              "M106", "`\(member.name)` is computed, not drawn", at: place,
              labels: [.init(span: member.span, text: "defined by `=`")],
              help: "condition a site that is declared with `~`"), value.span))
      case .submodel:
        return made(
          fail(
            Diagnostic(
              "M106", "`\(member.name)` is a sub-model, not a site", at: place,
              labels: [.init(span: member.span, text: "defined here")],
              help: "name one of its sites: `\(operation.rawValue)(\\.\(member.name).…, value)`"), value.span))
      }
      return made(siteValue(value, member.type))
    }
  }

  private func entity(of id: ModelID) -> Entity? {
    if let entity = entities[table.models[id.rawValue].name], case .model(let own, _) = entity, own == id {
      return entity
    }
    return nil
  }

  /// Data for a site: its type, the same shape with missing entries, or what converts to it.
  private func siteValue(_ e: Expression, _ type: Type) -> CheckedExpression {
    var goal = type
    if case .optional(let inner) = goal { goal = inner }
    let loose = unboundExtents(goal)
    let value = check(e, hint: loose)
    if value.type.isErroneous || value.type == .dynamic { return value }
    if let fit = coerced(value, to: loose) { return fit }
    if let numeric = loose.numeric {
      // Missing entries, Booleans for counts of 0 and 1.
      if case .array(.bool, let own) = value.type, numeric.scalar.isInteger, own.count == numeric.extents.count {
        return CheckedExpression(.convert(value, .boolToInt), .array(.int, own), value.span)
      }
      if value.type == .bool, numeric.scalar.isInteger, numeric.extents.isEmpty {
        return CheckedExpression(.convert(value, .boolToInt), .int, value.span)
      }
      var element = Type.numeric(numeric.scalar, [])
      for (depth, _) in numeric.extents.enumerated() {
        element = depth == 0 ? .list(.optional(element), .unknown) : .list(element, .unknown)
      }
      if case .list = value.type, let fit = coerced(value, to: element) { return fit }
      if case .list(.optional(.bool), _) = value.type, numeric.scalar.isInteger { return value }
    }
    return mismatch(value, loose)
  }

  /// A member's type as data for it is checked: lengths are compared when the program runs.
  private func unboundExtents(_ type: Type) -> Type {
    switch type {
    case .array(let scalar, let extents):
      var kind = scalar
      if case .index = scalar { kind = .int }
      return .array(kind, extents.map { if case .literal = $0 { $0 } else { .unknown } })
    case .list(let inner, _): return .list(unboundExtents(inner), .unknown)
    case .index: return .int
    default: return type
    }
  }

  // MARK: - Members of fits and sub-models

  func fitMember(_ base: CheckedExpression, _ id: ModelID?, _ path: [String], _ place: SourceSpan, _ span: SourceSpan)
    -> CheckedExpression
  {
    let name = path.joined(separator: ".")
    guard let id, !isBroken(id) else { return CheckedExpression(.member(base, name), .dynamic, span) }
    guard let member = modelMember(id, path) else {
      if let list = members["Posterior"]?[name], let first = list.first {
        return fail(
          Diagnostic("T224", "`\(name)` is a function of every fit", at: place, help: "call it: `\(headWords(first))`"),
          span)
      }
      let names = memberPaths(id, sitesOnly: false)
      return fail(
        Diagnostic(
          "M104", "`\(table.models[id.rawValue].name)` has no site or quantity `\(name)`", at: place,
          expected: names.isEmpty ? nil : "one of " + names.prefix(16).map { "`\($0)`" }.joined(separator: ", "),
          help: didYouMean(name, names)), span)
    }
    if case .submodel = member.kind { return CheckedExpression(.member(base, name), .sites(id, plates: []), span) }
    var type = member.type
    var isOptional = false
    if case .optional(let inner) = type {
      type = inner
      isOptional = true
    }
    let draws = Type.arrayOf(unboundExtents(type), .unknown)
    return CheckedExpression(.member(base, name), isOptional ? .optional(draws) : draws, span)
  }

  func siteMember(_ base: CheckedExpression, _ id: ModelID, _ plates: [Extent], _ name: Identifier, _ span: SourceSpan)
    -> CheckedExpression
  {
    if case .member(let owner, let path) = base.kind, case .posterior(let model) = owner.type {
      return fitMember(owner, model, path.split(separator: ".").map(String.init) + [name.text], name.span, span)
    }
    guard let member = modelMember(id, [name.text]) else {
      let names = memberPaths(id, sitesOnly: false)
      return fail(
        Diagnostic(
          "M104", "`\(table.models[id.rawValue].name)` has no site `\(name.text)`", at: name.span,
          help: didYouMean(name.text, names)), span)
    }
    // Extents of the sub-model's own signature mean nothing outside it.
    var type = outsideExtents(member.type)
    for plate in plates.reversed() { type = lifted(type, plate) }
    return CheckedExpression(.siteMember(base, name.text), type, span)
  }

  private func outsideExtents(_ type: Type) -> Type {
    switch type {
    case .array(let scalar, let extents):
      return .array(scalar, extents.map { if case .literal = $0 { $0 } else { .unknown } })
    case .list(let inner, _): return .list(outsideExtents(inner), .unknown)
    case .optional(let inner): return .optional(outsideExtents(inner))
    default: return type
    }
  }

  // MARK: - Bodies

  func addMember(_ name: Identifier, _ kind: ModelMember.Kind, _ type: Type) {
    var outside = type
    for plate in context.plates.reversed() { outside = lifted(outside, plate) }
    if let index = context.members.firstIndex(where: { $0.name == name.text }) {
      // The same name on another path of an `if`: one member.
      context.members[index].type = wider(context.members[index].type, outside) ?? context.members[index].type
      return
    }
    context.members.append(ModelMember(name: name.text, kind: kind, type: outside, span: name.span))
  }

  /// Lengths and bounds are the same for every draw and element.
  func refuseVaryingLength(_ length: CheckedExpression, _ what: String) {
    guard context.isModel, context.isVarying(length) else { return }
    report(
      Diagnostic(
        "M131", "\(what) cannot vary", at: length.span, caret: "depends on a site or on an index",
        help: "lengths are fixed by the model's arguments"))
  }

  func refuseVaryingBranch(_ what: String, _ span: SourceSpan) {
    guard context.varyingBranches > 0 else { return }
    report(
      Diagnostic(
        "M130", "\(what) cannot stand in a branch that depends on a varying value", at: span,
        help: "use a plate over the subset of indices, or a mixture of both cases"))
  }

  func site(
    _ name: Identifier, _ annotation: TypeExpression?, _ distribution: Expression, _ span: SourceSpan,
    into body: inout [CheckedStatement]
  ) {
    guard context.isModel else {
      report(
        Diagnostic(
          "M107", "a site stands only in a model's body", at: name.span,
          help: context.kind == .unit
            ? "declare a `model`, or draw with `.draw(n)`" : "move it into the model, or make a sub-model"))
      _ = context.add(name.text, .erroneous, isVariable: false, span: name.span)
      return
    }
    refuseVaryingBranch("a site", name.span)
    if context.enclosingLoops > 0 {
      report(
        Diagnostic(
          "M108", "`\(name.text)` would be defined anew at every step", at: name.span,
          help: "open `let \(name.text): Vector[T]` before the loop and write `\(name.text)[t] ~ …`, or use a plate"))
    }
    let value = check(distribution)
    checkFresh(name)
    if case .model(let id) = value.type {
      guard let id else {
        report(
          Diagnostic(
            "M109", "the sub-model must be known before running", at: value.span,
            help: "write `let \(name.text) ~ Name(…)`"))
        _ = context.add(name.text, .erroneous, isVariable: false, span: name.span)
        return
      }
      ensureChecked(id)
      if modelsInProgress.contains(id.rawValue) {
        report(
          Diagnostic(
            "M110", "a model cannot draw from itself", at: value.span,
            caret: "`\(table.models[id.rawValue].name)` is being defined here",
            help: "repeat with a plate or a `for` loop"))
        _ = context.add(name.text, .erroneous, isVariable: false, span: name.span)
        return
      }
      let type = isBroken(id) ? Type.erroneous : Type.sites(id, plates: [])
      let local = context.add(name.text, type, isVariable: false, span: name.span)
      context.varying.insert(local.rawValue)
      addMember(name, .submodel(id), type)
      body.append(CheckedStatement(.submodel(local, name: name.text, value), span))
      return
    }
    guard case .distribution(let drawn) = value.type else {
      _ = context.add(name.text, .erroneous, isVariable: false, span: name.span)
      if value.type.isErroneous { return }
      report(
        Diagnostic(
          "M112", "the right side of `~` is a distribution or a model", at: value.span, found: words(value.type),
          help: "a computed value is written with `=`"))
      return
    }
    if let annotation {
      let type = resolve(annotation)
      if coerced(CheckedExpression(.unit, drawn, span), to: type) == nil, !type.isErroneous {
        report(
          Diagnostic("T201", "the types do not fit", at: annotation.span, expected: words(type), found: words(drawn)))
      }
    }
    let local = context.add(name.text, drawn, isVariable: false, span: name.span)
    context.varying.insert(local.rawValue)
    if !context.plates.isEmpty { context.plateElements.insert(local.rawValue) }
    addMember(name, .site, drawn)
    body.append(CheckedStatement(.site(CheckedSite(name: name.text, local: local, distribution: value)), span))
  }

  /// A name of a model binds once on every path.
  func checkFresh(_ name: Identifier) {
    for scope in context.scopes.dropFirst(0) {
      guard let old = scope[name.text], context.kind == .model else { continue }
      let info = context.locals[old.rawValue]
      report(
        Diagnostic(
          "M101", "`\(name.text)` is bound twice in this model", at: name.span,
          labels: [.init(span: info.span, text: "bound here first")],
          help: "give one of them another name"))
      return
    }
  }

  func elementSite(
    _ target: Expression, _ distribution: Expression, _ span: SourceSpan, into body: inout [CheckedStatement]
  ) {
    guard context.isModel else {
      report(Diagnostic("M107", "a site stands only in a model's body", at: target.span))
      return
    }
    guard let (local, indices) = pieceTarget(target) else { return }
    refuseVaryingBranch("a site", target.span)
    let value = check(distribution)
    guard case .distribution(let drawn) = value.type else {
      if value.type.isErroneous { return }
      report(
        Diagnostic(
          "M112", "the right side of `~` is a distribution", at: value.span, found: words(value.type),
          help: "a computed element is written with `=`"))
      return
    }
    let info = context.locals[local.rawValue]
    if let element = elementType(info.type, indices.count) {
      let fits = coerced(CheckedExpression(.unit, drawn, value.span), to: unboundExtents(element)) != nil
      // Counts stay counts: an array of reals holds no draws of integers.
      let isCount = drawn.numeric.map { $0.scalar.isInteger } ?? false
      if !fits || isCount && element.numeric?.scalar == .real {
        report(
          Diagnostic(
            "T201", "the distribution draws another type than the array holds", at: value.span,
            labels: [.init(span: info.span, text: "opened as `\(words(info.type))`")], expected: words(element),
            found: words(drawn), help: isCount ? "open an array of integers: `let \(info.name): [T of Int]`" : nil))
      }
    }
    markPiece(local, isSite: true)
    body.append(CheckedStatement(.pieceSite(local, indices, value), span))
  }

  func elementType(_ type: Type, _ indices: Int) -> Type? {
    guard case .array(let scalar, let extents) = type, indices <= extents.count else { return nil }
    return .numeric(scalar, Array(extents.dropFirst(indices)))
  }

  private func spine(_ e: Expression) -> LocalID? {
    switch e.kind {
    case .name(let name): context.lookup(name)
    case .index(let base, _): spine(base)
    default: nil
    }
  }

  /// `x[t]` where x is an array under piecewise definition.
  func pieceTarget(_ target: Expression) -> (LocalID, [CheckedExpression])? {
    guard case .index(let base, let arguments) = target.kind, case .name(let name) = base.kind else {
      report(
        Diagnostic(
          "M113", "an element to define is written `x[t]`, or `x[t, k]`", at: target.span,
          help: "a whole site is `let x ~ …`"))
      if let local = spine(target) { markPiece(local, isSite: true) }
      return nil
    }
    guard let local = context.lookup(name), context.piecewise[local.rawValue] != nil else {
      if context.lookup(name) == nil {
        _ = unknown(name, base.span)
      } else if context.lookup(name).map({ !context.locals[$0.rawValue].type.isErroneous }) ?? true {
        report(
          Diagnostic(
            "M114", "`\(name)` is not open for definition piece by piece", at: base.span,
            help: "open it first: `let \(name): Vector[T]`"))
      }
      return nil
    }
    // Also a definition with a mistake in it defines: the mistake is reported once.
    markPiece(local, isSite: false)
    let indices = arguments.map { check($0.value, expecting: .int) }
    if indices.contains(where: { $0.type.isErroneous }) { return nil }
    if elementType(context.locals[local.rawValue].type, indices.count) == nil {
      report(
        Diagnostic(
          "H220", "the array has other dimensions", at: target.span, found: words(context.locals[local.rawValue].type)))
      return nil
    }
    return (local, indices)
  }

  func markPiece(_ local: LocalID, isSite: Bool) {
    guard var entry = context.piecewise[local.rawValue] else { return }
    entry.isDefined = true
    context.piecewise[local.rawValue] = entry
    if isSite, let index = context.members.firstIndex(where: { $0.name == entry.name }) {
      context.members[index].kind = .site
    }
    context.varying.insert(local.rawValue)
  }

  func openPiecewise(
    _ name: Identifier, _ annotation: TypeExpression, _ span: SourceSpan, into body: inout [CheckedStatement]
  ) {
    checkFresh(name)
    let type = resolve(annotation)
    guard case .array(let scalar, let extents) = type else {
      if !type.isErroneous {
        report(
          Diagnostic(
            "M116", "only an array of numbers is defined piece by piece", at: annotation.span, found: words(type),
            help: "give it a value: `let \(name.text) = …`"))
      }
      _ = context.add(name.text, .erroneous, isVariable: false, span: name.span)
      return
    }
    let lengths = extentExpressions(annotation, count: extents.count)
    guard let lengths else {
      report(
        Diagnostic(
          "M117", "the extents must be said here", at: annotation.span, help: "write `let \(name.text): Vector[T]`"))
      _ = context.add(name.text, .erroneous, isVariable: false, span: name.span)
      return
    }
    let own: Type = .array(scalar, lengths.map { extent(of: $0) })
    let local = context.add(name.text, own, isVariable: false, span: name.span)
    context.piecewise[local.rawValue] = (name.span, false, name.text)
    addMember(name, .derived, own)
    body.append(CheckedStatement(.openPiecewise(local, name: name.text, type: own, extents: lengths), span))
  }

  private func extentExpressions(_ annotation: TypeExpression, count: Int) -> [CheckedExpression]? {
    var list: [ExtentExpression] = []
    func collect(_ type: TypeExpression) {
      switch type.kind {
      case .named(let name, _, let extents):
        if name.text == "Vector" || name.text == "Matrix" || name.text == "Tensor" { list += extents }
      case .array(let extent, let element):
        if let extent { list.append(extent) }
        collect(element)
      default: break
      }
    }
    collect(annotation)
    guard list.count == count else { return nil }
    var result: [CheckedExpression] = []
    for item in list {
      switch item {
      case .literal(let number, let span): result.append(CheckedExpression(.int(number), .int, span))
      case .unknown: return nil
      case .name(let name):
        let value = self.name(name.text, name.span, nil)
        guard let fit = coerced(value, to: .int) else { return nil }
        result.append(fit)
      }
    }
    return result
  }

  func finishModel(_ body: Block) {
    for (_, entry) in context.piecewise.sorted(by: { $0.key < $1.key }) where !entry.isDefined {
      report(
        Diagnostic(
          "M115", "no element of `\(entry.name)` is ever defined", at: entry.span,
          help: "write `\(entry.name)[…] ~ …` or `\(entry.name)[…] = …`, or give it a value with `=`"))
    }
  }

  func plate(
    _ index: Identifier, _ range: Expression, _ block: Block, _ span: SourceSpan, into body: inout [CheckedStatement]
  ) {
    guard context.isModel else {
      report(Diagnostic("M107", "a plate stands only in a model's body", at: span, help: "elsewhere use `for`"))
      return
    }
    refuseVaryingBranch("a plate", index.span)
    guard case .range(let lowerExpression?, let upperExpression?, let isClosed) = range.kind else {
      _ = check(range)
      report(
        Diagnostic(
          "M118", "a plate runs over a range", at: range.span, help: "write `plate \(index.text) in 0..<n { … }`"))
      return
    }
    let lower = check(lowerExpression, expecting: .int)
    let upper = check(upperExpression, expecting: .int)
    for bound in [lower, upper] { refuseVaryingLength(bound, "a plate's bound") }
    var extent = Extent.unknown
    if case .int(let first) = lower.kind {
      if case .int(let last) = upper.kind {
        extent = rangeExtent(first, last, isClosed: isClosed)
      } else if first == 0, !isClosed {
        extent = self.extent(of: upper)
      }
    }
    let start = context.locals.count
    context.scopes.append([:])
    var indexType = Type.int
    if case .int(0) = lower.kind, !isClosed, extent != .unknown { indexType = .index(extent) }
    let local = context.add(index.text, indexType, isVariable: false, span: index.span)
    context.varying.insert(local.rawValue)
    context.plates.append(extent)
    context.plateStart.append(start)
    var inside: [CheckedStatement] = []
    let loops = (context.loopDepth, context.switchDepth)
    (context.loopDepth, context.switchDepth) = (0, 0)
    check(block.statements, into: &inside)
    (context.loopDepth, context.switchDepth) = loops
    context.plateStart.removeLast()
    context.plates.removeLast()
    let bound = context.scopes.removeLast()
    var exports: [CheckedPlate.Export] = []
    for (name, inner) in bound.sorted(by: { $0.value.rawValue < $1.value.rawValue }) where inner != local {
      let info = context.locals[inner.rawValue]
      if info.isVariable { context.plateVariables.insert(name) }
      if info.isVariable || name.isEmpty { continue }
      let type: Type
      switch info.type {
      case .bool, .int, .real, .index, .array, .sites, .tuple, .structure, .list, .erroneous:
        type = lifted(info.type, extent)
      default: continue
      }
      let outer = context.add(name, type, isVariable: false, span: info.span)
      if context.varying.contains(inner.rawValue) { context.varying.insert(outer.rawValue) }
      exports.append(.init(name: name, inner: inner, outer: outer))
    }
    body.append(
      CheckedStatement(
        .plate(
          CheckedPlate(index: local, lower: lower, upper: upper, isClosed: isClosed, body: inside, exports: exports)),
        span))
  }
}
