import Checking
import Syntax
import TensorIR

extension Tracer {
  func execute(_ statements: [CheckedStatement], in activation: Activation) throws -> Flow {
    for statement in statements {
      let flow = try execute(statement, in: activation)
      guard case .normal = flow else { return flow }
    }
    return .normal
  }

  private func execute(_ statement: CheckedStatement, in activation: Activation) throws -> Flow {
    do {
      return try executeKind(statement, in: activation)
    } catch var fault as Fault {
      if fault.span == nil { fault.span = statement.span }
      throw fault
    }
  }

  private func executeKind(_ statement: CheckedStatement, in activation: Activation) throws -> Flow {
    switch statement.kind {
    case .expression(let expression, _):
      _ = try evaluate(expression, in: activation)
    case .bind(let local, let expression, let derivedName):
      let value = try evaluate(expression, in: activation)
      activation.locals[local.rawValue] = value
      if let derivedName, activation.isModel, loops.isEmpty {
        try handler.derived(name: prefix + derivedName, value: value, frames: frames, self)
      }
    case .assign(let local, let expression):
      try assign(local, try evaluate(expression, in: activation), span: statement.span, in: activation)
    case .assignPath(let local, let path, let expression):
      let value = try evaluate(expression, in: activation)
      try assignPath(local, path, value, span: statement.span, in: activation)
    case .ifElse(let condition, let then, let otherwise):
      return try branch(on: condition, then: then, otherwise: otherwise, span: statement.span, in: activation)
    case .ifLet(let local, let expression, let then, let otherwise):
      let value = try evaluate(expression, in: activation)
      switch value {
      case .none: return try execute(otherwise, in: activation)
      case .some(let wrapped): activation.locals[local.rawValue] = wrapped
      default: activation.locals[local.rawValue] = value
      }
      return try execute(then, in: activation)
    case .switchEnum(let subject, let cases, let otherwise):
      return try switchOver(subject, cases: cases, otherwise: otherwise, in: activation)
    case .forIn(let loop):
      return try forLoop(loop, span: statement.span, in: activation)
    case .whileLoop(let condition, let body):
      return try whileLoop(condition, body, in: activation)
    case .breakLoop:
      return .breakLoop
    case .continueLoop:
      return .continueLoop
    case .returnValue(let expression):
      return .returned(try expression.map { try evaluate($0, in: activation) } ?? .unit)
    case .block(let body):
      return try execute(body, in: activation)
    case .site(let site):
      try traceSite(site, span: statement.span, in: activation)
    case .submodel(let local, let name, let expression):
      let model = try evaluate(expression, in: activation)
      activation.locals[local.rawValue] = try traceSubmodel(name: name, model: model, span: statement.span)
    case .openPiecewise(let local, let name, let type, let extents):
      try openPiecewise(local, name: name, type: type, extents: extents, span: statement.span, in: activation)
    case .pieceSite(let local, let indices, let distribution):
      try pieceSite(local, indices, distribution, span: statement.span, in: activation)
    case .pieceValue(let local, let indices, let expression):
      try pieceValue(local, indices, expression, span: statement.span, in: activation)
    case .plate(let plate):
      return try tracePlate(plate, span: statement.span, in: activation)
    case .addLogDensity(let expression):
      let span = expression.span
      try refuseInVaryingBranch("addLogDensity", span: span)
      let term = try tensor(try evaluate(expression, in: activation))
      try addLogDensity(term, span: span)
    }
    return .normal
  }

  // MARK: - Branches

  private func branch(
    on condition: CheckedExpression, then: [CheckedStatement], otherwise: [CheckedStatement], span: SourceSpan,
    in activation: Activation
  ) throws -> Flow {
    let value = try evaluate(condition, in: activation)
    if case .bool(let flag) = value { return try execute(flag ? then : otherwise, in: activation) }
    let test = try tensor(value)
    if let known = uniformTruth(test) { return try execute(known ? then : otherwise, in: activation) }

    let before = activation.locals
    masks.append(test)
    let thenFlow = try execute(then, in: activation)
    masks.removeLast()
    let afterThen = activation.locals
    activation.locals = before
    masks.append(try elementwise(.logicalNot, test))
    let otherwiseFlow = try execute(otherwise, in: activation)
    masks.removeLast()

    switch (thenFlow, otherwiseFlow) {
    case (.normal, .normal):
      try merge(test, afterThen, before: before, in: activation, span: condition.span)
      return .normal
    case (.returned(let first), .returned(let second)):
      return .returned(try select(test, first, second, span: condition.span))
    case (.breakLoop, _), (_, .breakLoop), (.continueLoop, _), (_, .continueLoop):
      throw Fault(
        "M223", "`break` and `continue` cannot depend on a varying value",
        help: "end the loop on a fixed value, or make the rest of the body a conditional expression",
        span: condition.span)
    case (.returned, .normal), (.normal, .returned):
      throw Fault(
        "M222", "an early `return` cannot depend on a varying value",
        help: "compute both results and choose with `condition ? a : b`", span: condition.span)
    }
  }

  /// Joins the variables of two branches: what differs becomes a select.
  private func merge(
    _ test: TracedTensor, _ afterThen: [Value?], before: [Value?], in activation: Activation, span: SourceSpan
  ) throws {
    for slot in before.indices where before[slot] != nil {
      guard let first = afterThen[slot], let second = activation.locals[slot] else { continue }
      if Tracer.isSame(first, second) { continue }
      activation.locals[slot] = try select(test, first, second, span: span)
    }
    // Names bound inside a branch do not leave it on a varying condition.
    for slot in before.indices where before[slot] == nil { activation.locals[slot] = nil }
  }

  private func switchOver(
    _ subject: CheckedExpression, cases: [CheckedSwitchCase], otherwise: [CheckedStatement]?, in activation: Activation
  ) throws -> Flow {
    let value = try evaluate(subject, in: activation)
    guard case .enumeration(_, let index, let payload) = value else {
      throw Fault("M224", "`switch` needs a fixed value here", span: subject.span)
    }
    for candidate in cases where candidate.caseIndex == index {
      for (local, element) in zip(candidate.payload, payload) {
        if let local { activation.locals[local.rawValue] = element }
      }
      return try execute(candidate.body, in: activation)
    }
    return try execute(otherwise ?? [], in: activation)
  }

  private func whileLoop(
    _ condition: CheckedExpression, _ body: [CheckedStatement], in activation: Activation
  ) throws -> Flow {
    var rounds = 0
    while true {
      let value = try evaluate(condition, in: activation)
      guard case .bool(let flag) = value else {
        throw Fault(
          "M221", "`while` cannot depend on a varying value", caret: "varies from draw to draw or element to element",
          help: "loop over a fixed range and choose with a conditional expression", span: condition.span)
      }
      guard flag else { return .normal }
      rounds += 1
      if rounds % 1024 == 0, context.isCancelled { throw Fault("R080", "interrupted") }
      switch try execute(body, in: activation) {
      case .normal, .continueLoop: continue
      case .breakLoop: return .normal
      case .returned(let value): return .returned(value)
      }
    }
  }

  // MARK: - Plates

  private func tracePlate(_ plate: CheckedPlate, span: SourceSpan, in activation: Activation) throws -> Flow {
    let lower = try fixedInt(plate.lower, what: "a plate's bound", in: activation)
    let upper = try fixedInt(plate.upper, what: "a plate's bound", in: activation)
    let end = plate.isClosed ? upper.addingReportingOverflow(1).partialValue : upper
    let extent = max(0, end.subtractingReportingOverflow(lower).partialValue)
    try refuseInVaryingBranch("plate", span: span)
    let name = activation.function.locals[plate.index.rawValue].name
    let frame = try openFrame(.plate, name: name, lower: lower, extent: extent)
    activation.locals[plate.index.rawValue] = .traced(TracedValue(.tensor(frame.index)))
    let before = activation.locals
    let flow = try execute(plate.body, in: activation)
    guard case .normal = flow else {
      throw Fault("M225", "a plate has no order that `break`, `continue` or `return` could leave", span: span)
    }
    try finishPiecewise(in: activation, openedIn: frame)
    let inside = activation.locals
    closeFrame(frame)
    // A `var` does not leave a plate, and outer variables are not assigned inside (the checker says so).
    for slot in before.indices { activation.locals[slot] = before[slot] }
    for export in plate.exports {
      guard let value = inside[export.inner.rawValue] else { continue }
      activation.locals[export.outer.rawValue] = try leaving(frame, value, span: span)
    }
    return .normal
  }

  /// A value bound inside a frame as it is seen after it: the frame's axis in front.
  func leaving(_ frame: Frame, _ value: Value, span: SourceSpan) throws -> Value {
    switch value {
    case .traced(let traced):
      switch traced.content {
      case .tensor(let tensor):
        return .traced(TracedValue(.tensor(try leaving(frame, tensor))))
      case .piecewise(let array):
        return .traced(TracedValue(.tensor(try leaving(frame, try whole(array, span: span)))))
      case .unreadable:
        return value
      }
    case .bool, .int, .real, .realArray, .intArray, .boolArray:
      return .traced(TracedValue(.tensor(try leaving(frame, try tensor(value)))))
    case .structure(let id, let fields):
      return .structure(id, try fields.map { try leaving(frame, $0, span: span) })
    case .tuple(let elements):
      return .tuple(try elements.map { try leaving(frame, $0, span: span) })
    default:
      return .list(Array(repeating: value, count: frame.extent))
    }
  }

  private func leaving(_ frame: Frame, _ tensor: TracedTensor) throws -> TracedTensor {
    var result = tensor
    if !tensor.frames.contains(frame.id) {
      result = try broadcast(tensor, toFrames: ordered(tensor.frames + [frame.id]), shape: tensor.shape)
    }
    // The frame being left is the innermost, hence the last of the leading axes: nothing moves.
    result.frames.removeAll { $0 == frame.id }
    result.shape.insert(frame.extent, at: 0)
    return result
  }

  // MARK: - Variables

  private func assign(_ local: LocalID, _ value: Value, span: SourceSpan, in activation: Activation) throws {
    activation.locals[local.rawValue] = value
  }

  private func assignPath(
    _ local: LocalID, _ path: [CheckedPathStep], _ value: Value, span: SourceSpan, in activation: Activation
  ) throws {
    guard let base = activation.locals[local.rawValue] else {
      throw Fault("R091", "`\(activation.function.locals[local.rawValue].name)` has no value yet")
    }
    activation.locals[local.rawValue] = try setting(base, path[...], value, in: activation)
  }

  private func setting(
    _ base: Value, _ path: ArraySlice<CheckedPathStep>, _ value: Value, in activation: Activation
  ) throws -> Value {
    guard let step = path.first else { return value }
    let rest = path.dropFirst()
    switch step {
    case .field(let index):
      guard case .structure(let id, var fields) = base, index < fields.count else { break }
      fields[index] = try setting(fields[index], rest, value, in: activation)
      return .structure(id, fields)
    case .tupleElement(let index):
      guard case .tuple(var elements) = base, index < elements.count else { break }
      elements[index] = try setting(elements[index], rest, value, in: activation)
      return .tuple(elements)
    case .key(let key):
      let keyValue = try evaluate(key, in: activation)
      let inner = rest.isEmpty ? value : try setting(try Operations.key(base, keyValue), rest, value, in: activation)
      return try Operations.settingKey(base, keyValue, inner)
    case .index(let indices):
      let inner =
        rest.isEmpty ? value : try setting(try index(base, indices, in: activation), rest, value, in: activation)
      return try settingElement(base, indices, inner, in: activation)
    }
    throw Fault("R092", "the value cannot be changed in place here")
  }

  // MARK: - Sites

  private func traceSite(_ site: CheckedSite, span: SourceSpan, in activation: Activation) throws {
    try refuseInVaryingBranch("a site", span: span)
    let distribution = try evaluate(site.distribution, in: activation)
    if let loop = loops.last, frames.contains(where: { $0 === loop.frame }) {
      throw Fault(
        "M226", "`\(site.name)` would be defined anew at every step of the loop", span: span)
    }
    let request = SiteRequest(
      name: prefix + site.name, distribution: distribution, frames: frames, span: site.distribution.span)
    activation.locals[site.local.rawValue] = try handler.site(request, self)
  }

  private func traceSubmodel(name: String, model: Value, span: SourceSpan) throws -> Value {
    try refuseInVaryingBranch("a sub-model", span: span)
    let call = try handler.submodel(name: prefix + name, model: model, span: span, self)
    let declaration = context.declarations.models[call.model]
    let saved = prefix
    prefix = prefix + name + "."
    defer { prefix = saved }
    let activation = try run(declaration.function, arguments: call.arguments, captures: [], isModel: true)
    var members: [(String, Value)] = []
    for member in declaration.members {
      guard let slot = activation.function.locals.lastIndex(where: { $0.name == member.name }) else { continue }
      members.append((member.name, activation.locals[slot] ?? .none))
    }
    return .dictionary(DictionaryValue(members.map { (.string($0.0), $0.1) }))
  }

  func addLogDensity(_ term: TracedTensor, span: SourceSpan) throws {
    if term.level > 0, let loop = loops.last {
      loop.pendingTerms.append((term, span))
    } else {
      try handler.addLogDensity(term, span: span, self)
    }
  }

  func refuseInVaryingBranch(_ what: String, span: SourceSpan) throws {
    guard let mask = masks.last else { return }
    _ = mask
    throw Fault(
      "M220", "\(what) cannot stand in a branch that depends on a varying value",
      help: "use a plate over the subset of indices, or a mixture of both cases", span: span)
  }

  func fixedInt(_ expression: CheckedExpression, what: String, in activation: Activation) throws -> Int {
    let value = try evaluate(expression, in: activation)
    if case .int(let number) = value { return number }
    if case .traced(let traced) = value, case .tensor(let tensor) = traced.content, tensor.frames.isEmpty,
      tensor.shape.isEmpty, tensor.element == .int, let known = knownIntegers(tensor), let number = known.first
    {
      return number
    }
    throw Fault(
      "M227", "\(what) cannot vary", caret: "depends on a site or on an index",
      help: "extents and loop bounds are fixed by the model's arguments", span: expression.span)
  }
}
