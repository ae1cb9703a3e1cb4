import Checking
import Syntax

extension Lowerer {
  mutating func lower(_ statements: [CheckedStatement]) throws {
    for statement in statements { try lower(statement) }
  }

  mutating func lower(_ statement: CheckedStatement) throws {
    let scalar = scalarTop
    let boxed = boxedTop
    let touched = boxedTouched
    boxedTouched = boxed
    try nested(statement.span) { try $0.lowerKind(statement) }
    // Temporaries must not keep arrays alive: a second reference would make the next change in place copy them.
    if boxedTouched > boxed, !endsFlow(statement) { emit(.clear, boxed, boxedTouched - boxed) }
    boxedTouched = max(touched, boxedTouched)
    scalarTop = scalar
    boxedTop = boxed
  }

  private func endsFlow(_ statement: CheckedStatement) -> Bool {
    switch statement.kind {
    case .returnValue, .breakLoop, .continueLoop: true
    default: false
    }
  }

  /// Runs `body` with another place for messages, and refuses trees that nest without end.
  mutating func nested<T>(_ place: SourceSpan, _ body: (inout Lowerer) throws -> T) throws -> T {
    let outer = span
    span = place
    depth += 1
    guard depth <= 800 else {
      throw Fault("R007", "the code nests too deeply", help: "split the expression into several", span: place)
    }
    let result = try body(&self)
    depth -= 1
    span = outer
    return result
  }

  private mutating func lowerKind(_ statement: CheckedStatement) throws {
    switch statement.kind {
    case .expression(let expression, let isShown):
      if isShown, expression.type != .unit {
        let register = try boxedValue(expression)
        emit(.show, register)
      } else {
        _ = try value(expression)
      }
    case .bind(let local, let expression, _):
      try value(expression, into: slots[local.rawValue].register)
      writeThrough(local)
    case .assign(let local, let expression):
      try assign(local, expression)
      writeThrough(local)
    case .assignPath(let local, let steps, let expression):
      try assignPath(local, steps, expression)
      writeThrough(local)
    case .ifElse(let condition, let then, let otherwise):
      let elseLabel = label()
      try scoped { try $0.jump(condition, when: false, to: elseLabel) }
      try lower(then)
      if otherwise.isEmpty {
        place(elseLabel)
      } else {
        let end = label()
        emit(.jump, Int32(end))
        place(elseLabel)
        try lower(otherwise)
        place(end)
      }
    case .ifLet(let local, let expression, let then, let otherwise):
      let elseLabel = label()
      let end = label()
      let register = try boxedValue(expression)
      emit(.jumpIfNil, register, Int32(elseLabel))
      unwrap(register, into: slots[local.rawValue], isNested: Lowerer.isNestedOptional(expression.type))
      try lower(then)
      emit(.jump, Int32(end))
      place(elseLabel)
      try lower(otherwise)
      place(end)
    case .switchEnum(let subject, let cases, let otherwise):
      try lowerSwitch(subject, cases, otherwise)
    case .forIn(let loop): try lowerLoop(loop)
    case .whileLoop(let condition, let body):
      let context = LoopContext(continueLabel: label(), breakLabel: label())
      let top = label()
      loops.append(context)
      // A condition that draws nothing stands at both ends, which saves a jump per round.
      let isRepeated = !holdsRandomSite(condition)
      if !isRepeated { place(top) }
      try scoped { try $0.jump(condition, when: false, to: context.breakLabel) }
      if isRepeated { place(top) }
      try lower(body)
      place(context.continueLabel)
      if isRepeated { try scoped { try $0.jump(condition, when: false, to: context.breakLabel) } }
      emit(.jumpBack, Int32(top))
      place(context.breakLabel)
      loops.removeLast()
    case .breakLoop: if let loop = loops.last { emit(.jump, Int32(loop.breakLabel)) }
    case .continueLoop: if let loop = loops.last { emit(.jump, Int32(loop.continueLabel)) }
    case .returnValue(let expression): try lowerReturn(expression)
    case .block(let body): try lower(body)
    case .site, .submodel, .openPiecewise, .pieceSite, .pieceValue, .plate, .addLogDensity:
      throw Fault("R092", "a statement of a model cannot run outside one", span: statement.span)
    }
  }

  private mutating func lowerReturn(_ expression: CheckedExpression?) throws {
    let kind = RegisterKind(function.result)
    guard let expression else {
      let register = newBoxed()
      emit(.loadBoxed, register, boxedConstant(.unit))
      emit(.returnBoxed, register)
      return
    }
    if kind.isBoxed {
      emit(.returnBoxed, try boxedValue(expression))
    } else {
      emit(.returnScalar, try value(expression))
    }
  }

  /// Keeps the global that functions of this unit read in step with the local.
  private mutating func writeThrough(_ local: LocalID) {
    guard let global = writtenThrough[local] else { return }
    let slot = slots[local.rawValue]
    let register = slot.kind.isBoxed ? slot.register : newBoxed()
    box(slot, into: register)
    emit(.storeGlobal, register, Int32(global.rawValue))
  }

  /// Before a change in place, the global's own reference must go.
  private mutating func releaseThrough(_ local: LocalID) {
    guard let global = writtenThrough[local] else { return }
    emit(.releaseGlobal, 0, Int32(global.rawValue))
  }

  // MARK: - Assignment

  private mutating func assign(_ local: LocalID, _ expression: CheckedExpression) throws {
    let slot = slots[local.rawValue]
    if try appendInPlace(local, expression) { return }
    switch expression.kind {
    case .and, .or, .coalesce, .conditional, .block, .optionalChain:
      // These write their target early and may read the variable late.
      let register = new(slot.kind)
      try value(expression, into: register)
      emit(slot.kind.isBoxed ? .takeBoxed : .moveScalar, slot.register, register)
    default:
      try value(expression, into: slot.register)
    }
  }

  /// `x.append(v)`, `s = s + t`: changes the variable where it lies.
  private mutating func appendInPlace(_ local: LocalID, _ expression: CheckedExpression) throws -> Bool {
    let slot = slots[local.rawValue]
    switch expression.kind {
    case .intrinsic("Array.appending(_:)", let arguments), .intrinsic("Array.append(_:)", let arguments):
      guard arguments.count == 2, case .local(local) = arguments[0].kind else { return false }
      let element = arguments[1]
      let elementKind = RegisterKind(element.type)
      switch (arguments[0].type, elementKind) {
      case (.array(.real, let extents), .real) where extents.count == 1:
        let register = try value(element)
        releaseThrough(local)
        emit(.appendReal, slot.register, register)
      case (.array(.int, let extents), .int) where extents.count == 1:
        let register = try value(element)
        releaseThrough(local)
        emit(.appendInt, slot.register, register)
      case (.array(.bool, let extents), .bool) where extents.count == 1:
        let register = try value(element)
        releaseThrough(local)
        emit(.appendBool, slot.register, register)
      case (.list, _):
        let register = newBoxed()
        try boxedValue(element, into: register)
        releaseThrough(local)
        emit(.appendBoxed, slot.register, register)
      default: return false
      }
      return true
    case .intrinsic("Array.droppingLast()", let arguments):
      guard arguments.count == 1, case .local(local) = arguments[0].kind else { return false }
      releaseThrough(local)
      emit(.removeLast, slot.register)
      return true
    case .binary(.add, let left, let right):
      guard case .local(local) = left.kind, left.type == .string, right.type == .string else { return false }
      if case .interpolation(let parts) = right.kind {
        let pieces = try textParts(parts)
        releaseThrough(local)
        emit(.appendParts, slot.register, pieces.first, pieces.count)
        return true
      }
      let register = try value(right)
      guard register != slot.register else { return false }
      releaseThrough(local)
      emit(.appendText, slot.register, register)
      return true
    default: return false
    }
  }

  private mutating func assignPath(
    _ local: LocalID, _ steps: [CheckedPathStep], _ expression: CheckedExpression
  ) throws {
    let slot = slots[local.rawValue]
    if try appendAtPath(local, slot, steps, expression) { return }
    if steps.count == 1, try assignElement(local, slot, steps[0], expression) { return }
    let stepPlans = try steps.map { try plan(for: $0) }
    let register = newBoxed()
    try boxedValue(expression, into: register)
    releaseThrough(local)
    emit(.setPath, slot.register, register, plan(.path(stepPlans)))
  }

  private mutating func assignElement(
    _ local: LocalID, _ slot: Plan.Slot, _ step: CheckedPathStep, _ expression: CheckedExpression
  ) throws -> Bool {
    let type = function.locals[local.rawValue].type
    let kind = RegisterKind(expression.type)
    switch (step, type) {
    case (.index(let indices), .array(let scalar, let extents))
    where indices.count == extents.count && indices.count <= 2:
      guard let positions = scalarIndices(indices) else { return false }
      let opcode: Opcode
      switch (scalar, kind, indices.count) {
      case (.real, .real, 1): opcode = .setReal
      case (.int, .int, 1): opcode = .setInt
      case (.bool, .bool, 1): opcode = .setBool
      case (.real, .real, 2): opcode = .setReal2
      case (.int, .int, 2): opcode = .setInt2
      default: return false
      }
      let registers = try positions.map { try stableValue($0, before: expression) }
      let register = try value(expression)
      releaseThrough(local)
      if indices.count == 1 {
        emit(opcode, slot.register, registers[0], register)
      } else {
        guard register <= Int32(UInt16.max) else { return false }
        emit(opcode, slot.register, registers[0], registers[1], d: register)
      }
      return true
    case (.index(let indices), .list):
      guard let positions = scalarIndices(indices), positions.count == 1 else { return false }
      let position = try stableValue(positions[0], before: expression)
      let register = newBoxed()
      try boxedValue(expression, into: register)
      releaseThrough(local)
      emit(.setList, slot.register, position, register)
      return true
    case (.index(let indices), .dictionary):
      guard indices.count == 1, case .value(let key) = indices[0] else { return false }
      return try assignElement(local, slot, .key(key), expression)
    case (.key(let key), .dictionary):
      if try addToKey(local, slot, key, expression, kind) { return true }
      let keyRegister = try boxedValue(key)
      let register = newBoxed()
      try boxedValue(expression, into: register)
      releaseThrough(local)
      emit(.setKey, slot.register, keyRegister, register)
      return true
    case (.field(let field), .structure):
      let register = newBoxed()
      try boxedValue(expression, into: register)
      releaseThrough(local)
      emit(.setField, slot.register, Int32(field), register)
      return true
    default: return false
    }
  }

  /// `d[k] = (d[k] ?? start) + amount`, the heart of counting: one look-up instead of two.
  private mutating func addToKey(
    _ local: LocalID, _ slot: Plan.Slot, _ key: CheckedExpression, _ expression: CheckedExpression, _ kind: RegisterKind
  ) throws -> Bool {
    guard case .binary(.add, let left, let amount) = expression.kind, case .coalesce(let found, let start) = left.kind,
      case .index(let base, let indices) = found.kind, case .local(local) = base.kind, indices.count == 1,
      case .value(let sameKey) = indices[0], Lowerer.isSameSimple(key, sameKey), !Lowerer.mayAssign(amount),
      !kind.isBoxed, kind != .bool, RegisterKind(amount.type) == kind, RegisterKind(start.type) == kind
    else { return false }
    switch start.kind {
    case .int, .real: break
    default: return false
    }
    let keyRegister = try boxedValue(key)
    let startRegister = try value(start)
    let amountRegister = try value(amount)
    guard startRegister <= Int32(UInt16.max) else { return false }
    releaseThrough(local)
    emit(kind == .int ? .addToKeyInt : .addToKeyReal, slot.register, keyRegister, amountRegister, d: startRegister)
    return true
  }

  /// `d[k].append(v)`, `s.items.append(v)`: the checker spells it as an assignment of the longer array; done in place.
  private mutating func appendAtPath(
    _ local: LocalID, _ slot: Plan.Slot, _ steps: [CheckedPathStep], _ expression: CheckedExpression
  ) throws -> Bool {
    guard case .intrinsic("Array.appending(_:)", let arguments) = expression.kind, arguments.count == 2 else {
      return false
    }
    var current = arguments[0]
    var start: Type?
    if case .coalesce(let found, let empty) = current.kind, case .array(let elements) = empty.kind, elements.isEmpty {
      current = found
      start = empty.type
    }
    guard Lowerer.isPlace(current, local, steps[...]), !Lowerer.mayAssign(arguments[1]) else { return false }
    let stepPlans = try steps.map { step -> Plan.StepPlan in
      // A dictionary's key may come as an index.
      if case .index(let indices) = step, indices.count == 1, case .value(let key) = indices[0], key.type != .int {
        return .key(try boxedValue(key))
      }
      return try plan(for: step)
    }
    let register = newBoxed()
    try boxedValue(arguments[1], into: register)
    releaseThrough(local)
    emit(.appendAtPath, slot.register, register, plan(.path(stepPlans)), d: plan(.start(start)))
    return true
  }

  /// Whether an expression reads the very place that the steps lead to, through parts that are held apart (not elements
  /// of dense arrays) and indices whose evaluation may be left out.
  private static func isPlace(_ expression: CheckedExpression, _ local: LocalID, _ steps: ArraySlice<CheckedPathStep>)
    -> Bool
  {
    guard let step = steps.last else {
      if case .local(local) = expression.kind { return true }
      return false
    }
    let outer = steps.dropLast()
    switch (step, expression.kind) {
    case (.field(let a), .field(let base, let b)), (.tupleElement(let a), .tupleElement(let base, let b)):
      return a == b && isPlace(base, local, outer)
    case (.key(let key), .index(let base, let indices)):
      guard indices.count == 1, case .value(let other) = indices[0], isSameSimple(key, other) else { return false }
      return isPlace(base, local, outer)
    case (.index(let own), .index(let base, let indices)):
      guard own.count == 1, indices.count == 1, case .value(let key) = own[0], case .value(let other) = indices[0],
        isSameSimple(key, other)
      else { return false }
      switch base.type {
      case .list: return isPlace(base, local, outer)
      case .dictionary(let keyType, _) where keyType != .int: return isPlace(base, local, outer)
      default: return false
      }
    default: return false
    }
  }

  /// Whether both are the same expression without effects, so that evaluating one stands for both.
  private static func isSameSimple(_ a: CheckedExpression, _ b: CheckedExpression) -> Bool {
    guard a.span == b.span || a.type == b.type else { return false }
    switch (a.kind, b.kind) {
    case (.local(let x), .local(let y)): return x == y
    case (.global(let x), .global(let y)): return x == y
    case (.int(let x), .int(let y)): return x == y
    case (.real(let x), .real(let y)): return x == y
    case (.bool(let x), .bool(let y)): return x == y
    case (.string(let x), .string(let y)): return x == y
    case (.interpolation(let x), .interpolation(let y)), (.tuple(let x), .tuple(let y)):
      return x.count == y.count && zip(x, y).allSatisfy { isSameSimple($0, $1) }
    case (.binary(let f, let x, let y), .binary(let g, let z, let w)):
      return f == g && isSameSimple(x, z) && isSameSimple(y, w)
    case (.unary(let f, let x), .unary(let g, let y)): return f == g && isSameSimple(x, y)
    case (.convert(let x, let f), .convert(let y, let g)): return f == g && isSameSimple(x, y)
    case (.field(let x, let i), .field(let y, let j)), (.tupleElement(let x, let i), .tupleElement(let y, let j)):
      return i == j && isSameSimple(x, y)
    case (.index(let x, let i), .index(let y, let j)):
      guard i.count == 1, j.count == 1, case .value(let k) = i[0], case .value(let l) = j[0] else { return false }
      return isSameSimple(x, y) && isSameSimple(k, l)
    default: return false
    }
  }

  /// The indices when all are single integers.
  func scalarIndices(_ indices: [CheckedIndex]) -> [CheckedExpression]? {
    var result: [CheckedExpression] = []
    for index in indices {
      guard case .value(let expression) = index, RegisterKind(expression.type) == .int else { return nil }
      result.append(expression)
    }
    return result
  }

  private mutating func plan(for step: CheckedPathStep) throws -> Plan.StepPlan {
    switch step {
    case .index(let indices): .index(try indices.map { try plan(for: $0) })
    case .field(let field): .field(field)
    case .tupleElement(let index): .tupleElement(index)
    case .key(let key): .key(try boxedValue(key))
    }
  }

  mutating func plan(for index: CheckedIndex) throws -> Plan.IndexPlan {
    switch index {
    case .value(let expression): .value(try boxedValue(expression))
    case .slice(let lower, let upper, let isClosed):
      .slice(
        lower: try lower.map { try stableValue($0, before: upper) }, upper: try upper.map { try value($0) },
        isClosed: isClosed)
    case .range(let expression): .range(try boxedValue(expression))
    case .all: .all
    }
  }

  // MARK: - Switches and loops

  private mutating func lowerSwitch(
    _ subject: CheckedExpression, _ cases: [CheckedSwitchCase], _ otherwise: [CheckedStatement]?
  ) throws {
    let register = newBoxed()
    try boxedValue(subject, into: register)
    let number = newScalar()
    emit(.enumIndex, number, register)
    let end = label()
    for item in cases {
      let next = label()
      emit(.jumpNotEqualImmediate, number, Int32(item.caseIndex), Int32(next))
      for (position, local) in item.payload.enumerated() {
        guard let local else { continue }
        let slot = slots[local.rawValue]
        if slot.kind.isBoxed {
          emit(.enumPayload, slot.register, register, Int32(position))
        } else {
          let temporary = newBoxed()
          emit(.enumPayload, temporary, register, Int32(position))
          unbox(temporary, into: slot.register, slot.kind)
        }
      }
      try lower(item.body)
      emit(.jump, Int32(end))
      place(next)
    }
    try lower(otherwise ?? [])
    place(end)
  }

  private mutating func lowerLoop(_ loop: CheckedLoop) throws {
    let context = LoopContext(continueLabel: label(), breakLabel: label())
    let top = label()
    let variable = slots[loop.variable.rawValue]
    loops.append(context)
    defer { loops.removeLast() }
    if loop.sequence.type == .range {
      try lowerRangeLoop(loop, variable, context, top)
      return
    }
    let sequence = newBoxed()
    try boxedValue(loop.sequence, into: sequence)
    emit(.sequence, sequence, sequence)
    let counter = newScalar()
    let end = newScalar()
    emit(.loadInt, counter, 0)
    emit(.count, end, sequence)
    emit(.jumpLessOrEqual, end, counter, Int32(context.breakLabel))
    place(top)
    switch (loop.sequence.type, variable.kind) {
    case (.array(.real, let extents), .real) where extents.count == 1:
      emit(.getReal, variable.register, sequence, counter)
    case (.array(_, let extents), .int) where extents.count == 1: emit(.getInt, variable.register, sequence, counter)
    case (.array(.bool, let extents), .bool) where extents.count == 1:
      emit(.getBool, variable.register, sequence, counter)
    default:
      if variable.kind.isBoxed {
        emit(.getIndexed, variable.register, sequence, counter)
      } else {
        let temporary = newBoxed()
        emit(.getIndexed, temporary, sequence, counter)
        unbox(temporary, into: variable.register, variable.kind)
      }
    }
    try lower(loop.body)
    place(context.continueLabel)
    emit(.loopNext, counter, end, Int32(top))
    place(context.breakLabel)
    if variable.kind.isBoxed { emit(.clear, variable.register, 1) }
  }

  private mutating func lowerRangeLoop(
    _ loop: CheckedLoop, _ variable: Plan.Slot, _ context: LoopContext, _ top: Int
  ) throws {
    let isVariable = function.locals[loop.variable.rawValue].isVariable
    let counter = isVariable ? newScalar() : variable.register
    let end = newScalar()
    if case .range(let lower, let upper, let isClosed) = loop.sequence.kind {
      try value(lower, into: counter)
      try value(upper, into: end)
      if isClosed { emit(.addImmediate, end, end, 1) }
    } else {
      let range = try value(loop.sequence)
      emit(.rangeUpper, end, range)
      emit(.rangeLower, counter, range)
    }
    emit(.jumpLessOrEqual, end, counter, Int32(context.breakLabel))
    place(top)
    if isVariable { emit(.moveScalar, variable.register, counter) }
    try lower(loop.body)
    place(context.continueLabel)
    emit(.loopNext, counter, end, Int32(top))
    place(context.breakLabel)
  }
}
