package import Syntax

/// Checks units one after the other: names, types, shapes with named extents, and the rules of models.
///
/// Library files come first; later units see the names of earlier ones. An error makes the names a unit binds erroneous,
/// which silences what follows from it.
package final class Checker {
  package enum UnitKind: Sendable { case library, cell, script }

  package private(set) var table = DeclarationTable()
  var entities: [String: Entity] = [:]
  /// Members by base name, then member name.
  var members: [String: [String: [Signature]]] = [:]
  var distributions: [String: [Signature]] = [:]
  /// Which unit bound an entity: redefinition inside one unit is an error, in a later one it is not.
  var definedIn: [String: Int] = [:]
  var unitCount = 0
  var symbolCount = 0
  /// Symbols that belong to signatures: bound anew at every call.
  var signatureSymbols: Set<Int> = []
  var context = FunctionContext(kind: .unit, parent: nil)
  var diagnostics: [Diagnostic] = []
  var schema: (any SchemaSource)?
  var unitKind = UnitKind.library
  /// What the body being checked reads and calls.
  var uses = Uses()
  var functionUses: [Int: Uses] = [:]
  var modelUses: [Int: Uses] = [:]
  /// Model bodies that have not been checked yet: a use of their members checks them first.
  var pendingModels: [Int: () -> Void] = [:]
  var modelsInProgress: Set<Int> = []
  var readByFunctions: Set<Int> = []
  var unitFunctions: [FunctionID] = []
  var unitModels: [ModelID] = []
  var currentTree: SyntaxTree?
  var depth = 0
  var structureFields: [Int: [StructureDeclaration.Field]] = [:]
  var fieldDefaults: [Int: [CheckedExpression?]] = [:]
  var documentation: [String: String] = [:]
  var unitStart = 0

  package init() {}

  /// Goes on where another one is: both then check further units on their own.
  package init(copying other: Checker) {
    table = other.table
    entities = other.entities
    members = other.members
    distributions = other.distributions
    definedIn = other.definedIn
    unitCount = other.unitCount
    symbolCount = other.symbolCount
    signatureSymbols = other.signatureSymbols
    functionUses = other.functionUses
    modelUses = other.modelUses
    structureFields = other.structureFields
    fieldDefaults = other.fieldDefaults
    documentation = other.documentation
  }

  // MARK: - Entry

  /// Checks a unit and adds its declarations to the table.
  ///
  /// Runs on a thread with a large stack, since expressions nest; the caller waits for it.
  package func check(
    _ tree: SyntaxTree, as kind: UnitKind, name: String, schema: (any SchemaSource)? = nil
  ) -> CheckedUnit {
    LargeStack.run { checkUnit(tree, as: kind, name: name, schema: schema) }
  }

  private func checkUnit(
    _ tree: SyntaxTree, as kind: UnitKind, name: String, schema: (any SchemaSource)?
  ) -> CheckedUnit {
    let index = unitCount
    unitCount += 1
    unitKind = kind
    self.schema = schema
    diagnostics = tree.diagnostics
    uses = Uses()
    readByFunctions = []
    unitFunctions = []
    unitModels = []
    currentTree = tree
    depth = 0
    context = FunctionContext(kind: .unit, parent: nil)
    unitStart = table.globals.count
    var tests: [(name: String, function: CheckedFunction)] = []

    let body = unitBody(tree.statements, index: index, tests: &tests)
    let span = SourceSpan(source: tree.source.id, start: 0, end: Int32(clamping: tree.source.bytes.count))
    let main = CheckedFunction(
      name: name, parameters: [], locals: context.locals, extents: [], result: .unit, body: body, span: span)
    var exports: [CheckedUnit.Export] = []
    for (_, export) in context.exports.sorted(by: { $0.value.global.rawValue < $1.value.global.rawValue }) {
      exports.append(
        .init(
          local: export.local, global: export.global,
          isReadByFunctions: readByFunctions.contains(export.global.rawValue)))
    }
    var unit = CheckedUnit(
      index: index, name: name, main: main, exports: exports, functions: unitFunctions, models: unitModels,
      reads: allReads().filter { table.globals[$0.rawValue].unit != index }, tests: tests,
      diagnostics: diagnostics.sorted { Checker.precedes($0, $1) })
    if unit.hasErrors { spoil(&unit) }
    // Names with a leading underscore do not leave their cell.
    if kind == .cell {
      for (name, owner) in definedIn where owner == index && name.hasPrefix("_") { entities[name] = nil }
    }
    return unit
  }

  /// Gives every name of a unit with errors the erroneous type, so that what reads it is silent and can be skipped.
  private func spoil(_ unit: inout CheckedUnit) {
    for name in definedIn.filter({ $0.value == unit.index }).keys.sorted() {
      if let export = context.exports[name] {
        table.globals[export.global.rawValue].type = .erroneous
        entities[name] = .erroneous(export.global)
        continue
      }
      let global = GlobalID(table.globals.count)
      table.globals.append(GlobalInfo(name: name, type: .erroneous, span: unit.main.span, unit: unit.index))
      entities[name] = .erroneous(global)
      let local = context.add(name, .erroneous, isVariable: false, span: unit.main.span)
      unit.exports.append(.init(local: local, global: global, isReadByFunctions: false))
    }
    unit.main.locals = context.locals
  }

  /// Globals that the unit's main body, or anything it declares or calls, may read.
  private func allReads() -> [GlobalID] {
    var result: [GlobalID] = []
    var known: Set<GlobalID> = []
    var seenFunctions: Set<Int> = []
    var seenModels: Set<Int> = []
    var queue = [uses]
    queue[0].functions += unitFunctions
    queue[0].models += unitModels
    while let next = queue.popLast() {
      for global in next.globals where known.insert(global).inserted { result.append(global) }
      for id in next.functions where seenFunctions.insert(id.rawValue).inserted {
        if let more = functionUses[id.rawValue] { queue.append(more) }
      }
      for id in next.models where seenModels.insert(id.rawValue).inserted {
        if let more = modelUses[id.rawValue] { queue.append(more) }
      }
    }
    return result
  }

  private static func precedes(_ a: Diagnostic, _ b: Diagnostic) -> Bool {
    (a.span?.start ?? 0) < (b.span?.start ?? 0)
  }

  // MARK: - Reporting

  func report(_ diagnostic: Diagnostic) { diagnostics.append(diagnostic) }

  func erroneous(_ span: SourceSpan) -> CheckedExpression { CheckedExpression(.erroneous, .erroneous, span) }

  @discardableResult
  func fail(_ diagnostic: Diagnostic, _ span: SourceSpan) -> CheckedExpression {
    report(diagnostic)
    return erroneous(span)
  }

  func nearest(_ name: String, _ candidates: some Sequence<String>) -> String? { Near.suggest(name, candidates) }

  func didYouMean(_ name: String, _ candidates: some Sequence<String>) -> String? {
    nearest(name, candidates).map { "did you mean `\($0)`?" }
  }

  // MARK: - Units

  private func unitBody(
    _ statements: [Statement], index: Int, tests: inout [(name: String, function: CheckedFunction)]
  ) -> [CheckedStatement] {
    // Types, then functions and models are hoisted inside their own unit.
    for statement in statements { declareType(statement, unit: index) }
    for statement in statements { defineType(statement) }
    var declared: [(Int, () -> Void)] = []
    for (number, statement) in statements.enumerated() {
      if let later = declareCallable(statement, unit: index) { declared.append((number, later)) }
    }
    var body: [CheckedStatement] = []
    var pending = declared[...]
    for (number, statement) in statements.enumerated() {
      switch statement.kind {
      case .structure, .enumeration, .extensionDeclaration: continue
      case .function, .model:
        // Bodies see the values bound above them.
        while let next = pending.first, next.0 <= number {
          next.1()
          pending = pending.dropFirst()
        }
      case .test(let segments, _, let block):
        let name = segments.map { if case .text(let text) = $0 { text } else { "…" } }.joined()
        tests.append(
          (name, function(named: "test \"\(name)\"", kind: .test, parameters: [], result: .unit, body: block)))
      default:
        check(statement, into: &body)
      }
    }
    for next in pending { next.1() }
    return body
  }

  /// Makes a top-level `let` or `var` of the unit a global.
  func export(_ local: LocalID, span: SourceSpan) {
    let info = context.locals[local.rawValue]
    let name = info.name
    if definedIn[name] == unitCount - 1 {
      report(
        Diagnostic(
          "T130", "`\(name)` is defined twice in one cell", at: span, labels: previousLabel(name),
          help: "give one of them another name; a later cell may define it again"))
      return
    }
    let global = GlobalID(table.globals.count)
    table.globals.append(GlobalInfo(name: name, type: info.type, span: span, unit: unitCount - 1))
    entities[name] = .global(global)
    definedIn[name] = unitCount - 1
    context.exports[name] = (local, global)
  }

  private func previousLabel(_ name: String) -> [Diagnostic.Label] {
    switch entities[name] {
    case .global(let id)?: [.init(span: table.globals[id.rawValue].span, text: "defined here")]
    case .functions(let list)?: list.first.map { [.init(span: $0.span, text: "defined here")] } ?? []
    default: []
    }
  }

  // MARK: - Declarations

  func define(_ name: Identifier, _ entity: Entity, unit: Int) {
    guard !name.text.isEmpty else { return }
    if definedIn[name.text] == unit, unitKind != .library {
      report(
        Diagnostic(
          "T130", "`\(name.text)` is defined twice in one cell", at: name.span, labels: previousLabel(name.text),
          help: "give one of them another name; a later cell may define it again"))
      return
    }
    entities[name.text] = entity
    definedIn[name.text] = unit
  }

  private func declareType(_ statement: Statement, unit: Int) {
    switch statement.kind {
    case .structure(let declaration):
      let id = StructureID(table.structures.count)
      table.structures.append(StructureInfo(name: declaration.name.text, fields: []))
      structureFields[id.rawValue] = declaration.fields
      define(declaration.name, .structure(id), unit: unit)
      documentation[declaration.name.text] = declaration.documentation
    case .enumeration(let declaration):
      let id = EnumerationID(table.enumerations.count)
      table.enumerations.append(EnumerationInfo(name: declaration.name.text, cases: []))
      define(declaration.name, .enumeration(id), unit: unit)
      documentation[declaration.name.text] = declaration.documentation
    default: break
    }
  }

  private func defineType(_ statement: Statement) {
    switch statement.kind {
    case .structure(let declaration):
      guard case .structure(let id)? = entities[declaration.name.text] else { return }
      var fields: [StructureInfo.Field] = []
      var defaults: [CheckedExpression?] = []
      for field in declaration.fields {
        if fields.contains(where: { $0.name == field.name.text }) {
          report(Diagnostic("T131", "the field `\(field.name.text)` stands twice", at: field.name.span))
          continue
        }
        let type = resolve(field.type)
        fields.append(.init(name: field.name.text, type: type, isVariable: field.isVariable))
        defaults.append(field.defaultValue.map { check($0, expecting: type) })
      }
      if fields.contains(where: { contains($0.type, .structure(id)) }) {
        report(
          Diagnostic(
            "T132", "`\(declaration.name.text)` contains itself", at: declaration.name.span,
            help: "hold it in an array: `[\(declaration.name.text)]`"))
        fields.removeAll { contains($0.type, .structure(id)) }
        defaults = fields.map { _ in nil }
      }
      table.structures[id.rawValue].fields = fields
      fieldDefaults[id.rawValue] = defaults
    case .enumeration(let declaration):
      guard case .enumeration(let id)? = entities[declaration.name.text] else { return }
      var cases: [EnumerationInfo.Case] = []
      for item in declaration.cases {
        if cases.contains(where: { $0.name == item.name.text }) {
          report(Diagnostic("T131", "the case `\(item.name.text)` stands twice", at: item.name.span))
          continue
        }
        cases.append(
          .init(
            name: item.name.text,
            payload: item.payload.map { TupleField(label: $0.label?.text, type: resolve($0.type)) }))
      }
      table.enumerations[id.rawValue].cases = cases
    default: break
    }
  }

  private func contains(_ type: Type, _ part: Type) -> Bool {
    if type == part { return true }
    return switch type {
    case .tuple(let fields): fields.contains { contains($0.type, part) }
    case .optional(let wrapped): contains(wrapped, part)
    default: false
    }
  }

  /// Enters a function or model by its head; the closure checks the body later.
  private func declareCallable(_ statement: Statement, unit: Int) -> (() -> Void)? {
    switch statement.kind {
    case .function(let declaration):
      return declare(function: declaration, receiver: nil, generics: [], unit: unit)
    case .model(let declaration):
      return declare(model: declaration, unit: unit)
    case .structure(let declaration):
      guard case .structure(let id)? = entities[declaration.name.text] else { return nil }
      return declare(methods: declaration.methods, of: .structure(id), base: declaration.name.text, unit: unit)
    case .enumeration(let declaration):
      guard case .enumeration(let id)? = entities[declaration.name.text] else { return nil }
      return declare(methods: declaration.methods, of: .enumeration(id), base: declaration.name.text, unit: unit)
    case .extensionDeclaration(let declaration):
      guard unitKind == .library else { return nil }
      var generics: [String] = []
      genericNames = genericCandidates(declaration.type)
      generics = genericNames
      let receiver = resolve(declaration.type)
      genericNames = []
      var base = receiver.memberBase
      if case .opaque(let name) = receiver { base = name.split(separator: "<").first.map(String.init) ?? name }
      if case .enumeration(let id) = receiver { base = table.enumerations[id.rawValue].name }
      return declare(methods: declaration.methods, of: receiver, base: base, unit: unit, generics: generics)
    default: return nil
    }
  }

  private func declare(
    methods: [FunctionDeclaration], of receiver: Type, base: String, unit: Int, generics: [String] = []
  ) -> () -> Void {
    var later: [() -> Void] = []
    for method in methods {
      if let body = declare(function: method, receiver: (receiver, base), generics: generics, unit: unit) {
        later.append(body)
      }
    }
    return { for body in later { body() } }
  }

  /// Single capital letters in an extended type are its generic names: `[T]`, `Distribution<T>`, `Model<M>`.
  private func genericCandidates(_ type: TypeExpression) -> [String] {
    switch type.kind {
    case .named(let name, let generics, _):
      var list = generics.flatMap(genericCandidates)
      if generics.isEmpty, name.text.count == 1, entities[name.text] == nil { list.append(name.text) }
      return list
    case .array(_, let element): return genericCandidates(element)
    case .dictionary(let key, let value): return genericCandidates(key) + genericCandidates(value)
    case .optional(let wrapped): return genericCandidates(wrapped)
    default: return []
    }
  }

  private func declare(
    function declaration: FunctionDeclaration, receiver: (type: Type, base: String)?, generics: [String], unit: Int
  ) -> (() -> Void)? {
    let saved = context
    context = FunctionContext(kind: .function, parent: nil)
    defer { context = saved }
    genericNames = generics + declaration.generics.map(\.text)
    defer { genericNames = [] }
    extentScope = ExtentScope()
    defer { extentScope = nil }
    if let receiver { noteSymbols(receiver.type) }
    for (number, parameter) in declaration.parameters.enumerated() where isIntType(parameter.type) {
      extentScope?.parameters[parameter.name.text] = number
    }
    let types = declaration.parameters.map { resolve($0.type) }
    let result = declaration.result.map { resolve($0) } ?? .unit
    let scope = extentScope ?? ExtentScope()
    var defaults: [CheckedExpression?] = []
    for (parameter, type) in zip(declaration.parameters, types) {
      defaults.append(parameter.defaultValue.map { check($0, expecting: type) })
    }
    var signature = Signature(
      name: declaration.name.text, kind: .intrinsic("", isElementwise: false), generics: genericNames,
      labels: declaration.parameters.map { $0.label?.text }, names: declaration.parameters.map(\.name.text),
      types: types,
      defaults: defaults, result: result, receiver: receiver?.type, documentation: declaration.documentation,
      span: declaration.name.span)
    for (name, symbol) in scope.symbols {
      if let number = scope.parameters[name] { signature.extentParameters[symbol.id] = number }
    }
    signature.isProperty = declaration.form == .intrinsicProperty
    let registration =
      (receiver.map { $0.base + "." } ?? "")
      + (signature.isProperty ? declaration.name.text : registrationName(declaration))
    var later: (() -> Void)?
    switch declaration.form {
    case .intrinsic, .intrinsicProperty: signature.kind = .intrinsic(registration, isElementwise: false)
    case .intrinsicElementwise: signature.kind = .intrinsic(registration, isElementwise: true)
    case .intrinsicDistribution: signature.kind = .distribution(registration)
    case .body(let block):
      let id = FunctionID(table.functions.count)
      let placeholder = CheckedFunction(
        name: declaration.name.text, parameters: [], locals: [], extents: [], result: result, body: [],
        span: declaration.span)
      table.functions.append(placeholder)
      unitFunctions.append(id)
      signature.kind = .function(id)
      let parameterTypes = (receiver.map { [$0.type] } ?? []) + types
      let symbols = scope
      later = { [self] in
        let names =
          (receiver == nil ? [] : [Identifier("self", declaration.name.span)]) + declaration.parameters.map(\.name)
        let outer = uses
        uses = Uses()
        table.functions[id.rawValue] = self.function(
          named: declaration.name.text, kind: .function,
          parameters: Array(zip(names, parameterTypes)), result: result, body: block, extents: symbols)
        functionUses[id.rawValue] = uses
        uses = outer
      }
    }
    if let receiver {
      members[receiver.base, default: [:]][declaration.name.text, default: []].append(signature)
      documentation["\(receiver.base).\(declaration.name.text)"] = declaration.documentation
      return later
    }
    documentation[declaration.name.text] = declaration.documentation ?? documentation[declaration.name.text]
    if definedIn[declaration.name.text] == unit, case .functions(var list)? = entities[declaration.name.text] {
      if let twin = list.first(where: { $0.spelled == signature.spelled && $0.types == signature.types }) {
        report(
          Diagnostic(
            "T130", "`\(signature.spelled)` is defined twice in one cell", at: declaration.name.span,
            labels: [.init(span: twin.span, text: "defined here")], help: "give one of them another name"))
        return later
      }
      list.append(signature)
      entities[declaration.name.text] = .functions(list)
    } else if case .functions(let list)? = entities[declaration.name.text], unitKind == .library {
      entities[declaration.name.text] = .functions(list + [signature])
      definedIn[declaration.name.text] = unit
    } else {
      define(declaration.name, .functions([signature]), unit: unit)
    }
    return later
  }

  private func registrationName(_ declaration: FunctionDeclaration) -> String {
    declaration.name.text + "(" + declaration.parameters.map { ($0.label?.text ?? "_") + ":" }.joined() + ")"
  }

  private func isIntType(_ type: TypeExpression) -> Bool {
    if case .named(let name, _, _) = type.kind { return name.text == "Int" }
    return false
  }

  private func declare(model declaration: ModelDeclaration, unit: Int) -> () -> Void {
    let saved = context
    context = FunctionContext(kind: .model, parent: nil)
    defer { context = saved }
    extentScope = ExtentScope()
    defer { extentScope = nil }
    for (number, parameter) in declaration.parameters.enumerated() where isIntType(parameter.type) {
      extentScope?.parameters[parameter.name.text] = number
    }
    let types = declaration.parameters.map { resolve($0.type) }
    let scope = extentScope ?? ExtentScope()
    let defaults = zip(declaration.parameters, types).map { parameter, type in
      parameter.defaultValue.map { check($0, expecting: type) }
    }
    let id = ModelID(table.models.count)
    let placeholder = CheckedFunction(
      name: declaration.name.text, parameters: [], locals: [], extents: [], result: .unit, body: [],
      span: declaration.span)
    table.models.append(
      CheckedModel(
        id: id, name: declaration.name.text, parameterNames: declaration.parameters.map(\.name.text),
        function: placeholder, members: []))
    unitModels.append(id)
    // A model's arguments are labeled by their names unless written `_`.
    let signature = Signature(
      name: declaration.name.text, kind: .intrinsic("", isElementwise: false), generics: [],
      labels: declaration.parameters.map { $0.label?.text }, names: declaration.parameters.map(\.name.text),
      types: types, defaults: defaults, result: .model(id), receiver: nil,
      extentParameters: Dictionary(
        uniqueKeysWithValues: scope.symbols.compactMap { name, symbol in scope.parameters[name].map { (symbol.id, $0) }
        }),
      documentation: declaration.documentation, span: declaration.name.span)
    define(declaration.name, .model(id, signature), unit: unit)
    documentation[declaration.name.text] = declaration.documentation
    pendingModels[id.rawValue] = { [self] in
      let before = errorCount
      let saved = (uses, extentScope, genericNames, depth)
      (uses, extentScope, genericNames, depth) = (Uses(), nil, [], 0)
      let parameters = Array(zip(declaration.parameters.map(\.name), types))
      let function = self.function(
        named: declaration.name.text, kind: .model, parameters: parameters, result: .unit, body: declaration.body,
        extents: scope, onEnd: { self.table.models[id.rawValue].members = $0.members })
      table.models[id.rawValue].function = function
      modelUses[id.rawValue] = uses
      (uses, extentScope, genericNames, depth) = saved
      if errorCount > before { brokenModels.insert(id.rawValue) }
    }
    return { [self] in ensureChecked(id) }
  }

  /// Checks a model's body unless that has been done; members are known only after it.
  func ensureChecked(_ id: ModelID) {
    guard let body = pendingModels.removeValue(forKey: id.rawValue) else { return }
    modelsInProgress.insert(id.rawValue)
    body()
    modelsInProgress.remove(id.rawValue)
  }

  private var errorCount: Int { diagnostics.reduce(0) { $0 + ($1.severity == .error ? 1 : 0) } }

  /// Models whose body had errors: their members are not known for sure, so that nothing is said about them.
  var brokenModels: Set<Int> = []

  // MARK: - Bodies

  /// Names that a signature binds: extents by name, and which of them are `Int` parameters.
  struct ExtentScope {
    var symbols: [String: ExtentSymbol] = [:]
    var parameters: [String: Int] = [:]
  }
  var extentScope: ExtentScope?
  var genericNames: [String] = []

  func noteSymbols(_ type: Type) {
    if case .array(_, let extents) = type {
      for case .symbol(let symbol) in extents { extentScope?.symbols[symbol.name] = symbol }
    }
  }

  /// Checks a body in a context of its own.
  func function(
    named name: String, kind: FunctionContext.Kind, parameters: [(Identifier, Type)], result: Type, body: Block,
    extents: ExtentScope = ExtentScope(), onEnd: (FunctionContext) -> Void = { _ in }
  ) -> CheckedFunction {
    let saved = context
    let inner = FunctionContext(kind: kind, parent: kind == .test ? saved : nil)
    context = inner
    defer { context = saved }
    inner.result = result
    var parameterIDs: [LocalID] = []
    for (identifier, type) in parameters {
      if inner.scopes[0][identifier.text] != nil {
        report(Diagnostic("T131", "the parameter `\(identifier.text)` stands twice", at: identifier.span))
      }
      parameterIDs.append(inner.add(identifier.text, type, isVariable: false, span: identifier.span))
    }
    // Every extent of the signature is an Int inside.
    var bindings: [CheckedFunction.ExtentBinding] = []
    for (extentName, symbol) in extents.symbols.sorted(by: { $0.key < $1.key }) {
      inner.declaredSymbols.insert(symbol.id)
      let isGiven = extents.parameters[extentName] != nil
      let local: LocalID
      if isGiven, let given = inner.lookup(extentName) {
        local = given
      } else {
        local = inner.add(extentName, .int, isVariable: false, span: body.span)
      }
      inner.extentOf[local.rawValue] = symbol
      var places: [CheckedFunction.ExtentBinding.Place] = []
      for (number, (_, type)) in parameters.enumerated() { collect(symbol, type, number, &places) }
      bindings.append(.init(name: extentName, local: local, isGiven: isGiven, places: places))
    }
    for (number, (identifier, type)) in parameters.enumerated() where type == .int {
      if inner.extentOf[parameterIDs[number].rawValue] == nil {
        inner.extentOf[parameterIDs[number].rawValue] = freshSymbol(identifier.text)
      }
    }
    var statements: [CheckedStatement] = []
    // Locals of a function may have the names of its parameters; in a model every name binds once.
    if kind != .model { inner.scopes.append([:]) }
    check(body.statements, into: &statements)
    if kind == .model { finishModel(body) }
    if kind == .function, result != .unit, !result.isErroneous {
      if !ends(body.statements) {
        if statements.count == 1, case .expression(let value, _) = statements[0].kind,
          let converted = coerced(value, to: result)
        {
          statements = [CheckedStatement(.returnValue(converted), statements[0].span)]
        } else {
          let end = SourceSpan(
            source: body.span.source, start: max(body.span.start, body.span.end - 1), end: body.span.end)
          report(
            Diagnostic(
              "T140", "`\(name)` may end without a value", at: end, caret: "reached without `return`",
              expected: "a `return` with \(words(result)) on every path"))
        }
      }
    }
    onEnd(inner)
    return CheckedFunction(
      name: name, parameters: parameterIDs, locals: inner.locals, extents: bindings, result: result,
      body: statements, span: body.span)
  }

  private func collect(
    _ symbol: ExtentSymbol, _ type: Type, _ parameter: Int, _ places: inout [CheckedFunction.ExtentBinding.Place]
  ) {
    switch type {
    case .array(let scalar, let extents):
      for (axis, extent) in extents.enumerated() where extent == .symbol(symbol) {
        places.append(.init(parameter: parameter, axis: axis))
      }
      if case .index(.symbol(symbol)) = scalar { places.append(.init(parameter: parameter, axis: -1)) }
    case .list(_, .symbol(symbol)): places.append(.init(parameter: parameter, axis: 0))
    default: break
    }
  }

  /// Whether control never gets past the statements, by their form.
  func ends(_ statements: [Statement]) -> Bool {
    statements.contains { statement in
      switch statement.kind {
      case .returnStatement: true
      case .ifStatement(let value):
        if case .expression(let test)? = value.conditions.first, value.conditions.count == 1,
          case .boolean(true) = test.kind
        {
          ends(value.then.statements)
        } else if let otherwise = value.otherwise {
          ends(value.then.statements) && ends(otherwise.statements)
        } else {
          false
        }
      case .expression(let e):
        switch e.kind {
        case .ifExpression(let value): ends([Statement(.ifStatement(value), e.span)])
        case .switchExpression(let value): ends([Statement(.switchStatement(value), e.span)])
        default: false
        }
      case .switchStatement(let value): value.cases.allSatisfy { ends($0.body.statements) } && !value.cases.isEmpty
      case .whileLoop(let conditions, let block):
        if conditions.count == 1, case .expression(let test) = conditions[0], case .boolean(true) = test.kind {
          !breaks(block.statements)
        } else {
          false
        }
      default: false
      }
    }
  }

  /// Whether a `break` of the loop itself stands among the statements of its body.
  private func breaks(_ statements: [Statement]) -> Bool {
    statements.contains { statement in
      switch statement.kind {
      case .breakStatement: true
      case .ifStatement(let value): breaks(value.then.statements) || breaks(value.otherwise?.statements ?? [])
      case .guardStatement(_, let otherwise): breaks(otherwise.statements)
      case .expression(let e):
        if case .ifExpression(let value) = e.kind { breaks([Statement(.ifStatement(value), e.span)]) } else { false }
      default: false
      }
    }
  }

  /// Converts with a report when it cannot be done; nil without one where the value is already erroneous.
  func coerced(_ e: CheckedExpression, to goal: Type) -> CheckedExpression? {
    var bindings = Bindings()
    return coerce(e, to: goal, &bindings)
  }
}
