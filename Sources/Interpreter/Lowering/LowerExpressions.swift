import Checking
import Syntax

extension Lowerer {
  static func isNestedOptional(_ type: Type) -> Bool {
    if case .optional(.optional) = type { return true }
    return false
  }

  // MARK: - Boxing

  /// Copies a slot into a boxed register.
  mutating func box(_ slot: Plan.Slot, into register: Int32) {
    switch slot.kind {
    case .int: emit(.boxInt, register, slot.register)
    case .real: emit(.boxReal, register, slot.register)
    case .bool: emit(.boxBool, register, slot.register)
    case .boxed: if slot.register != register { emit(.moveBoxed, register, slot.register) }
    }
  }

  mutating func unbox(_ boxed: Int32, into register: Int32, _ kind: RegisterKind) {
    switch kind {
    case .int: emit(.unboxInt, register, boxed)
    case .real: emit(.unboxReal, register, boxed)
    case .bool: emit(.unboxBool, register, boxed)
    case .boxed: if boxed != register { emit(.moveBoxed, register, boxed) }
    }
  }

  /// The wrapped value of an optional that is known not to be nil.
  mutating func unwrap(_ boxed: Int32, into slot: Plan.Slot, isNested: Bool) {
    if slot.kind.isBoxed {
      emit(isNested ? .unwrap : .moveBoxed, slot.register, boxed)
    } else {
      unbox(boxed, into: slot.register, slot.kind)
    }
  }

  /// The value in some boxed register: a local's own, or a temporary.
  mutating func boxedValue(_ expression: CheckedExpression) throws -> Int32 {
    let kind = RegisterKind(expression.type)
    if kind.isBoxed { return try value(expression) }
    let register = newBoxed()
    try boxedValue(expression, into: register)
    return register
  }

  mutating func boxedValue(_ expression: CheckedExpression, into register: Int32) throws {
    let kind = RegisterKind(expression.type)
    if kind.isBoxed {
      try value(expression, into: register)
      return
    }
    let scalar = try value(expression)
    box(Plan.Slot(kind: kind, register: scalar), into: register)
  }

  /// The value in a register that evaluating `other` does not change.
  mutating func stableValue(_ expression: CheckedExpression, before other: CheckedExpression?) throws -> Int32 {
    let register = try value(expression)
    guard case .local = expression.kind, let other, Lowerer.mayAssign(other) else { return register }
    let kind = RegisterKind(expression.type)
    let copy = new(kind)
    emit(kind.isBoxed ? .moveBoxed : .moveScalar, copy, register)
    return copy
  }

  /// Whether evaluating the expression may assign a local: only statements inside it can.
  static func mayAssign(_ expression: CheckedExpression) -> Bool {
    switch expression.kind {
    case .int, .real, .bool, .string, .local, .global, .unit, .nilLiteral: return false
    default: break
    }
    var found = false
    var walk = TreeWalk { inner, _ in
      switch inner.kind {
      case .block, .optionalChain: found = true
      default: break
      }
    }
    walk.visit(expression)
    return found
  }

  /// Evaluates arguments into adjacent boxed registers; gives the first.
  mutating func boxedRow(_ expressions: [CheckedExpression]) throws -> Int32 {
    let first = boxedTop
    for _ in expressions { _ = newBoxed() }
    for (index, expression) in expressions.enumerated() { try boxedValue(expression, into: first + Int32(index)) }
    return first
  }

  /// Evaluates the pieces of an interpolated text; tells where they are described.
  mutating func textParts(_ parts: [CheckedExpression]) throws -> (first: Int32, count: Int32) {
    let isCopied = parts.contains(where: Lowerer.mayAssign)
    let pieces = try parts.map { part -> Plan.TextPart in
      if case .string(let text) = part.kind {
        let start = Int32(textBytes.count)
        textBytes += Array(text.utf8)
        return .literal(start: start, count: Int32(textBytes.count) - start)
      }
      let kind = RegisterKind(part.type)
      guard isCopied else { return .slot(Plan.Slot(kind: kind, register: try value(part))) }
      let register = new(kind)
      try value(part, into: register)
      return .slot(Plan.Slot(kind: kind, register: register))
    }
    let first = Int32(textParts.count)
    textParts += pieces
    return (first, Int32(pieces.count))
  }

  // MARK: - Values

  /// Evaluates into a register: a local's own, or `target`, or a new temporary.
  mutating func value(_ expression: CheckedExpression) throws -> Int32 {
    if case .local(let local) = expression.kind { return slots[local.rawValue].register }
    if let bits = Lowerer.literalBits(expression), let register = hoisted[bits] { return register }
    let register = new(RegisterKind(expression.type))
    try value(expression, into: register)
    return register
  }

  mutating func value(_ expression: CheckedExpression, into target: Int32) throws {
    let scalar = scalarTop
    let boxed = boxedTop
    try nested(expression.span) { try $0.lowerKind(expression, into: target) }
    scalarTop = scalar
    boxedTop = boxed
  }

  private mutating func lowerKind(_ expression: CheckedExpression, into target: Int32) throws {
    let kind = RegisterKind(expression.type)
    switch expression.kind {
    case .unit: emit(.loadBoxed, target, boxedConstant(.unit))
    case .nilLiteral: emit(.loadBoxed, target, boxedConstant(.none))
    case .bool(let flag): emit(.loadInt, target, flag ? 1 : 0)
    case .int(let number): loadBits(number, into: target)
    case .real(let number):
      let bits = Int(bitPattern: UInt(number.bitPattern))
      if let register = hoisted[bits] { emit(.moveScalar, target, register) } else { loadBits(bits, into: target) }
    case .string(let text): emit(.loadBoxed, target, boxedConstant(.string(text)))
    case .local(let local):
      let source = slots[local.rawValue].register
      if source != target { emit(kind.isBoxed ? .moveBoxed : .moveScalar, target, source) }
    case .global(let id): fromBoxed(kind, target) { $0.emit(.loadGlobal, $1, Int32(id.rawValue)) }
    case .function(let id): emit(.loadBoxed, target, boxedConstant(.function(id)))
    case .intrinsicFunction(let name):
      _ = try intrinsicNamed(name)
      emit(.loadBoxed, target, boxedConstant(.intrinsicFunction(name)))
    case .interpolation(let parts):
      let pieces = try textParts(parts)
      emit(.interpolate, target, pieces.first, pieces.count)
    case .array(let elements):
      let first = try boxedRow(elements)
      if case .array = expression.type {
        emit(.makeArray, target, first, Int32(elements.count), d: plan(.type(expression.type)))
      } else {
        emit(.makeList, target, first, Int32(elements.count))
      }
    case .dictionary(let pairs):
      let first = try boxedRow(pairs.flatMap { [$0.key, $0.value] })
      emit(.makeDictionary, target, first, Int32(pairs.count))
    case .tuple(let elements):
      let first = try boxedRow(elements)
      emit(.makeTuple, target, first, Int32(elements.count))
    case .tupleElement(let base, let index):
      let register = try value(base)
      if kind.isBoxed {
        emit(.getTuple, target, register, Int32(index))
      } else {
        emit(.getTupleScalar, target, register, Int32(index), d: Int32(kind.rawValue))
      }
    case .structure(let id, let fields):
      let first = try boxedRow(fields)
      emit(.makeStructure, target, first, Int32(fields.count), d: plan(.structure(id)))
    case .field(let base, let index):
      let register = try value(base)
      if kind.isBoxed {
        emit(.getField, target, register, Int32(index))
      } else {
        emit(.getFieldScalar, target, register, Int32(index), d: Int32(kind.rawValue))
      }
    case .enumCase(let id, let index, let payload):
      if payload.isEmpty {
        emit(.loadBoxed, target, boxedConstant(.enumeration(id, index, [])))
      } else {
        let first = try boxedRow(payload)
        emit(.makeEnum, target, first, Int32(payload.count), d: plan(.enumeration(id, index)))
      }
    case .unary(let operation, let operand): try lowerUnary(operation, operand, kind, target)
    case .binary(let operation, let left, let right): try lowerBinary(operation, left, right, kind, target)
    case .product(let left, let right):
      let a = try stableBoxed(left, before: right)
      let b = try boxedValue(right)
      emit(.product, target, a, b)
    case .and(let left, let right): try lowerLogical(left, right, isAnd: true, target)
    case .or(let left, let right): try lowerLogical(left, right, isAnd: false, target)
    case .coalesce(let left, let right):
      let register = try boxedValue(left)
      let end = label()
      let missing = label()
      emit(.jumpIfNil, register, Int32(missing))
      unwrap(register, into: Plan.Slot(kind: kind, register: target), isNested: Lowerer.isNestedOptional(left.type))
      emit(.jump, Int32(end))
      place(missing)
      try value(right, into: target)
      place(end)
    case .conditional(let condition, let then, let otherwise):
      let elseLabel = label()
      let end = label()
      try scoped { try $0.jump(condition, when: false, to: elseLabel) }
      try branch(then, kind, target)
      emit(.jump, Int32(end))
      place(elseLabel)
      try branch(otherwise, kind, target)
      place(end)
    case .block(let statements, let result):
      try lower(statements)
      try value(result, into: target)
    case .call(let id, let arguments):
      try lowerCall(arguments, expression, kind, target) { lowerer, scalarWindow, boxedWindow in
        let site = lowerer.visit("function \(lowerer.functionName(id))", expression)
        lowerer.emitCall(site, .call, Int32(id.rawValue), scalarWindow, boxedWindow)
      }
    case .callValue(let callee, let arguments):
      let register = try stableBoxed(callee, before: arguments.first)
      let signature = plan(.signature(arguments.map { RegisterKind($0.type) }, kind))
      try lowerCall(arguments, expression, kind, target) { lowerer, scalarWindow, boxedWindow in
        let site = lowerer.visit("value", expression)
        lowerer.emitCall(site, .callValue, register, scalarWindow, boxedWindow, d: signature)
      }
    case .intrinsic(let name, let arguments): try lowerIntrinsic(name, arguments, expression, kind, target)
    case .closure(let closure):
      let code = ClosureCode(function: closure.function)
      let captures = closure.captures.map { slots[$0.rawValue] }
      emit(.makeClosure, target, plan(.closure(code, captures)))
    case .index(let base, let indices): try lowerIndex(base, indices, kind, target)
    case .range(let lower, let upper, let isClosed):
      let a = try stableValue(lower, before: upper)
      let b = try value(upper)
      emit(.makeRange, target, a, b, d: isClosed ? 1 : 0)
    case .convert(let operand, let conversion): try lowerConversion(operand, conversion, expression, kind, target)
    case .forceUnwrap(let operand):
      let register = try boxedValue(operand)
      fromBoxed(kind, target) { $0.emit(.forceUnwrap, $1, register) }
    case .optionalChain(let base, let local, let then):
      let register = try boxedValue(base)
      let end = label()
      let missing = label()
      emit(.jumpIfNil, register, Int32(missing))
      unwrap(register, into: slots[local.rawValue], isNested: Lowerer.isNestedOptional(base.type))
      try boxedValue(then, into: target)
      emit(.jump, Int32(end))
      place(missing)
      emit(.loadBoxed, target, boxedConstant(.none))
      place(end)
    case .column(let base, let name):
      let register = try boxedValue(base)
      emit(.column, target, register, plan(.name(name)))
    case .distribution(let name, let arguments):
      try lowerHook(.distribution(name), name, arguments, expression, kind, target)
    case .member(let base, let name): try lowerHook(.member(name), name, [base], expression, kind, target)
    case .siteMember(let base, let name): try lowerHook(.siteMember(name), name, [base], expression, kind, target)
    case .model(let id, let arguments):
      try lowerHook(.model(id), "model", arguments, expression, kind, target)
    case .modelOperation(let operation, let base, let arguments):
      let paths = arguments.map { (path: $0.path, span: $0.span) }
      let values = (base.map { [$0] } ?? []) + arguments.map(\.value)
      let details = Plan.modelOperation(operation, hasBase: base != nil, paths: paths)
      try lowerHook(details, operation.rawValue, values, expression, kind, target)
    case .paths(let paths): emit(.loadBoxed, target, boxedConstant(.paths(paths)))
    case .metatype(let type): emit(.loadBoxed, target, boxedConstant(.engine(MetatypeValue(type))))
    case .erroneous: throw Fault("R092", "an expression with an error cannot run", span: expression.span)
    }
  }

  /// A branch whose static type may differ from the whole's by what needs no conversion (`nil`, an unwrapped value).
  private mutating func branch(_ expression: CheckedExpression, _ kind: RegisterKind, _ target: Int32) throws {
    if kind.isBoxed { try boxedValue(expression, into: target) } else { try value(expression, into: target) }
  }

  private mutating func stableBoxed(_ expression: CheckedExpression, before other: CheckedExpression?) throws -> Int32 {
    RegisterKind(expression.type).isBoxed ? try stableValue(expression, before: other) : try boxedValue(expression)
  }

  /// Runs `emit` with a boxed register and unboxes its result where the target is scalar.
  private mutating func fromBoxed(_ kind: RegisterKind, _ target: Int32, _ emit: (inout Lowerer, Int32) -> Void) {
    if kind.isBoxed {
      emit(&self, target)
      return
    }
    let register = newBoxed()
    emit(&self, register)
    unbox(register, into: target, kind)
  }

  private mutating func lowerHook(
    _ details: Plan, _ name: String, _ arguments: [CheckedExpression], _ expression: CheckedExpression,
    _ kind: RegisterKind, _ target: Int32
  ) throws {
    let first = try boxedRow(arguments)
    let index = plan(details)
    let site = visit(name, expression)
    if let site {
      emit(.addImmediate, site.counter, site.counter, 1)
      // The call is the next instruction emitted below.
      sites[code.count] = site
    }
    fromBoxed(kind, target) { $0.emit(.hook, $1, first, index, d: Int32(arguments.count)) }
  }

  // MARK: - Operators

  private mutating func lowerUnary(
    _ operation: UnaryOperator, _ operand: CheckedExpression, _ kind: RegisterKind, _ target: Int32
  ) throws {
    switch (operation, kind) {
    case (.minus, .int):
      if case .int(let number) = operand.kind, number != Int.min {
        loadBits(-number, into: target)
      } else {
        emit(.negateInt, target, try value(operand))
      }
    case (.minus, .real): emit(.negateReal, target, try value(operand))
    case (.not, .bool): emit(.not, target, try value(operand))
    case (.plus, .int), (.plus, .real): try value(operand, into: target)
    default:
      let register = try boxedValue(operand)
      let code = Int32(UnaryOperator.allCases.firstIndex(of: operation) ?? 0)
      fromBoxed(kind, target) { $0.emit(.unary, $1, register, d: code) }
    }
  }

  private mutating func lowerLogical(
    _ left: CheckedExpression, _ right: CheckedExpression, isAnd: Bool, _ target: Int32
  ) throws {
    let end = label()
    try value(left, into: target)
    emit(isAnd ? .jumpIfNot : .jumpIf, target, Int32(end))
    try value(right, into: target)
    place(end)
  }

  private mutating func lowerBinary(
    _ operation: BinaryOperator, _ left: CheckedExpression, _ right: CheckedExpression, _ kind: RegisterKind,
    _ target: Int32
  ) throws {
    let kinds = (RegisterKind(left.type), RegisterKind(right.type))
    switch kinds {
    case (.int, .int):
      if operation == .add || operation == .subtract, case .int(let number) = right.kind,
        let immediate = Int32(exactly: operation == .add ? number : 0 &- number), immediate != Int32.min
      {
        emit(.addImmediate, target, try value(left), immediate)
        return
      }
      if let (opcode, isSwapped) = Lowerer.intOpcode(operation) {
        let a = try stableValue(left, before: right)
        let b = try value(right)
        emit(opcode, target, isSwapped ? b : a, isSwapped ? a : b)
        return
      }
    case (.real, .real), (.int, .real), (.real, .int):
      if operation == .power, kinds.0 == .real, case .real(2) = right.kind {
        let a = try value(left)
        emit(.multiplyReal, target, a, a)
        return
      }
      if let (opcode, isSwapped) = Lowerer.realOpcode(operation) {
        let a = try realValue(left, before: right)
        let b = try realValue(right, before: nil)
        emit(opcode, target, isSwapped ? b : a, isSwapped ? a : b)
        return
      }
    case (.bool, .bool):
      if operation == .equal || operation == .notEqual {
        let a = try stableValue(left, before: right)
        let b = try value(right)
        emit(operation == .equal ? .equalInt : .notEqualInt, target, a, b)
        return
      }
    default: break
    }
    let a = try stableBoxed(left, before: right)
    let b = try boxedValue(right)
    let code = Int32(BinaryOperator.allCases.firstIndex(of: operation) ?? 0)
    fromBoxed(kind, target) { $0.emit(.binary, $1, a, b, d: code) }
  }

  private mutating func realValue(_ expression: CheckedExpression, before other: CheckedExpression?) throws -> Int32 {
    let register = try other.map { try stableValue(expression, before: $0) } ?? value(expression)
    guard RegisterKind(expression.type) == .int else { return register }
    let real = newScalar()
    emit(.intToReal, real, register)
    return real
  }

  /// The instruction of an operator on integers, and whether its operands trade places.
  static func intOpcode(_ operation: BinaryOperator) -> (Opcode, Bool)? {
    switch operation {
    case .add: (.addInt, false)
    case .subtract: (.subtractInt, false)
    case .multiply, .elementMultiply: (.multiplyInt, false)
    case .remainder: (.remainderInt, false)
    case .power: (.powerInt, false)
    case .divide, .elementDivide: (.divideInts, false)
    case .equal: (.equalInt, false)
    case .notEqual: (.notEqualInt, false)
    case .less: (.lessInt, false)
    case .lessOrEqual: (.lessOrEqualInt, false)
    case .greater: (.lessInt, true)
    case .greaterOrEqual: (.lessOrEqualInt, true)
    case .or, .and, .coalesce: nil
    }
  }

  static func realOpcode(_ operation: BinaryOperator) -> (Opcode, Bool)? {
    switch operation {
    case .add: (.addReal, false)
    case .subtract: (.subtractReal, false)
    case .multiply, .elementMultiply: (.multiplyReal, false)
    case .divide, .elementDivide: (.divideReal, false)
    case .remainder: (.remainderReal, false)
    case .power: (.powerReal, false)
    case .equal: (.equalReal, false)
    case .notEqual: (.notEqualReal, false)
    case .less: (.lessReal, false)
    case .lessOrEqual: (.lessOrEqualReal, false)
    case .greater: (.lessReal, true)
    case .greaterOrEqual: (.lessOrEqualReal, true)
    case .or, .and, .coalesce: nil
    }
  }

  // MARK: - Conditions

  /// Jumps to a label when the condition has the given truth, else goes on.
  mutating func jump(_ condition: CheckedExpression, when truth: Bool, to target: Int) throws {
    try nested(condition.span) { try $0.jumpKind(condition, when: truth, to: target) }
  }

  private mutating func jumpKind(_ condition: CheckedExpression, when truth: Bool, to target: Int) throws {
    switch condition.kind {
    case .bool(let flag): if flag == truth { emit(.jump, Int32(target)) }
    case .unary(.not, let inner): try jump(inner, when: !truth, to: target)
    case .and(let left, let right): try jumpLogical(left, right, isAnd: true, when: truth, to: target)
    case .or(let left, let right): try jumpLogical(left, right, isAnd: false, when: truth, to: target)
    case .binary(let operation, let left, let right):
      if try jumpComparison(operation, left, right, when: truth, to: target) { return }
      emit(truth ? .jumpIf : .jumpIfNot, try value(condition), Int32(target))
    default:
      emit(truth ? .jumpIf : .jumpIfNot, try value(condition), Int32(target))
    }
  }

  private mutating func jumpLogical(
    _ left: CheckedExpression, _ right: CheckedExpression, isAnd: Bool, when truth: Bool, to target: Int
  ) throws {
    if isAnd != truth {
      try jump(left, when: truth, to: target)
      try jump(right, when: truth, to: target)
    } else {
      let skip = label()
      try jump(left, when: !truth, to: skip)
      try jump(right, when: truth, to: target)
      place(skip)
    }
  }

  private mutating func jumpComparison(
    _ operation: BinaryOperator, _ left: CheckedExpression, _ right: CheckedExpression, when truth: Bool, to target: Int
  ) throws -> Bool {
    switch operation {
    case .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual: break
    default: return false
    }
    let kinds = (RegisterKind(left.type), RegisterKind(right.type))
    if kinds == (.int, .int) {
      let wanted = truth ? operation : Lowerer.negated(operation)
      if case .int(let number) = right.kind, let immediate = Int32(exactly: number) {
        emit(Lowerer.immediateJump(wanted), try value(left), immediate, Int32(target))
        return true
      }
      let a = try stableValue(left, before: right)
      let b = try value(right)
      switch wanted {
      case .equal: emit(.jumpEqual, a, b, Int32(target))
      case .notEqual: emit(.jumpNotEqual, a, b, Int32(target))
      case .less: emit(.jumpLess, a, b, Int32(target))
      case .lessOrEqual: emit(.jumpLessOrEqual, a, b, Int32(target))
      case .greater: emit(.jumpLess, b, a, Int32(target))
      default: emit(.jumpLessOrEqual, b, a, Int32(target))
      }
      return true
    }
    guard kinds.0 == .real || kinds.1 == .real, !kinds.0.isBoxed, !kinds.1.isBoxed else { return false }
    let a = try realValue(left, before: right)
    let b = try realValue(right, before: nil)
    // With NaN, "not less" is not "greater or equal".
    switch operation {
    case .equal: emit(truth ? .jumpEqualReal : .jumpNotEqualReal, a, b, Int32(target))
    case .notEqual: emit(truth ? .jumpNotEqualReal : .jumpEqualReal, a, b, Int32(target))
    case .less: emit(truth ? .jumpLessReal : .jumpNotLessReal, a, b, Int32(target))
    case .lessOrEqual: emit(truth ? .jumpLessOrEqualReal : .jumpNotLessOrEqualReal, a, b, Int32(target))
    case .greater: emit(truth ? .jumpLessReal : .jumpNotLessReal, b, a, Int32(target))
    default: emit(truth ? .jumpLessOrEqualReal : .jumpNotLessOrEqualReal, b, a, Int32(target))
    }
    return true
  }

  private static func negated(_ operation: BinaryOperator) -> BinaryOperator {
    switch operation {
    case .equal: .notEqual
    case .notEqual: .equal
    case .less: .greaterOrEqual
    case .lessOrEqual: .greater
    case .greater: .lessOrEqual
    case .greaterOrEqual: .less
    default: operation
    }
  }

  private static func immediateJump(_ operation: BinaryOperator) -> Opcode {
    switch operation {
    case .equal: .jumpEqualImmediate
    case .notEqual: .jumpNotEqualImmediate
    case .less: .jumpLessImmediate
    case .lessOrEqual: .jumpLessOrEqualImmediate
    case .greater: .jumpGreaterImmediate
    default: .jumpGreaterOrEqualImmediate
    }
  }
}
