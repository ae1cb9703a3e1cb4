import Checking
import Syntax

// Calls, indexing and conversions.
extension Lowerer {
  /// Evaluates arguments into windows on top of the temporaries, calls, and moves the result to its target.
  mutating func lowerCall(
    _ arguments: [CheckedExpression], _ expression: CheckedExpression, _ kind: RegisterKind, _ target: Int32,
    _ emitCall: (inout Lowerer, Int32, Int32) -> Void
  ) throws {
    let scalarWindow = scalarTop
    let boxedWindow = boxedTop
    // Registers of the windows first, so that temporaries of later arguments lie above all of them.
    let registers = arguments.map { new(RegisterKind($0.type)) }
    for (argument, register) in zip(arguments, registers) { try value(argument, into: register) }
    // The result needs a place even when there are no arguments.
    if kind.isBoxed, boxedTop == boxedWindow { _ = newBoxed() }
    if !kind.isBoxed, scalarTop == scalarWindow { _ = newScalar() }
    emitCall(&self, scalarWindow, boxedWindow)
    if kind.isBoxed {
      if target != boxedWindow { emit(.takeBoxed, target, boxedWindow) }
    } else if target != scalarWindow {
      emit(.moveScalar, target, scalarWindow)
    }
  }

  mutating func lowerIntrinsic(
    _ name: String, _ arguments: [CheckedExpression], _ expression: CheckedExpression, _ kind: RegisterKind,
    _ target: Int32
  ) throws {
    let kinds = arguments.map { RegisterKind($0.type) }
    if try lowerDirect(name, arguments, kinds, kind, target) { return }
    let entry = try intrinsicNamed(name)
    if kind == .real, kinds.allSatisfy({ $0 == .real || $0 == .int }) {
      switch entry.body {
      case .real1(let body) where arguments.count == 1:
        let a = try real(arguments[0])
        real1.append(body)
        emit(.callReal1, target, a, Int32(real1.count - 1))
        return
      case .real2(let body) where arguments.count == 2:
        let a = try real(arguments[0], before: arguments[1])
        let b = try real(arguments[1])
        real2.append(body)
        emit(.callReal2, target, a, b, d: Int32(real2.count - 1))
        return
      case .real3(let body) where arguments.count == 3:
        let first = scalarTop
        for _ in 0..<3 { _ = newScalar() }
        for (index, argument) in arguments.enumerated() {
          let register = try real(argument)
          emit(.moveScalar, first + Int32(index), register)
        }
        real3.append(body)
        emit(.callReal3, target, first, Int32(real3.count - 1))
        return
      default: break
      }
    }
    let first = try boxedRow(arguments)
    let slot = intrinsicSlot(entry)
    let site = visit(name, expression)
    let register = kind.isBoxed ? target : newBoxed()
    emitCall(site, .callIntrinsic, register, first, slot, d: Int32(arguments.count))
    switch expression.type {
    case .array, .list:
      // A generic library function knows the values only; the static type settles how an empty result is held.
      emit(.convert, register, register, plan(.convert(.fromDynamic, expression.type)))
    default: break
    }
    if !kind.isBoxed { unbox(register, into: target, kind) }
  }

  private mutating func real(_ expression: CheckedExpression, before other: CheckedExpression? = nil) throws -> Int32 {
    let register = try stableValue(expression, before: other)
    guard RegisterKind(expression.type) == .int else { return register }
    let result = newScalar()
    emit(.intToReal, result, register)
    return result
  }

  /// Library functions that are one instruction on scalars.
  private mutating func lowerDirect(
    _ name: String, _ arguments: [CheckedExpression], _ kinds: [RegisterKind], _ kind: RegisterKind, _ target: Int32
  ) throws -> Bool {
    switch (name, kinds) {
    case ("sqrt(_:)", [.real]): emit(.squareRoot, target, try value(arguments[0]))
    case ("abs(_:)", [.real]): emit(.absoluteReal, target, try value(arguments[0]))
    case ("Real(_:)", [.int]): emit(.intToReal, target, try value(arguments[0]))
    case ("quotient(_:_:)", [.int, .int]): try two(.quotientInt, arguments, target)
    case ("min(_:_:)", [.int, .int]) where kind == .int: try two(.minInt, arguments, target)
    case ("max(_:_:)", [.int, .int]) where kind == .int: try two(.maxInt, arguments, target)
    case ("min(_:_:)", [.real, .real]): try two(.minReal, arguments, target)
    case ("max(_:_:)", [.real, .real]): try two(.maxReal, arguments, target)
    case ("Array.count", [.boxed]), ("Dictionary.count", [.boxed]):
      emit(.count, target, try value(arguments[0]))
    case ("Dictionary.subscript(_:default:)", _) where arguments.count == 3:
      let key = try boxedValue(arguments[1])
      let base = try value(arguments[0])
      let register = newBoxed()
      emit(.getKey, register, base, key)
      let end = label()
      let missing = label()
      emit(.jumpIfNil, register, Int32(missing))
      if kind.isBoxed { emit(.takeBoxed, target, register) } else { unbox(register, into: target, kind) }
      emit(.jump, Int32(end))
      place(missing)
      try value(arguments[2], into: target)
      place(end)
    default: return false
    }
    return true
  }

  private mutating func two(_ op: Opcode, _ arguments: [CheckedExpression], _ target: Int32) throws {
    let a = try stableValue(arguments[0], before: arguments[1])
    let b = try value(arguments[1])
    emit(op, target, a, b)
  }

  mutating func lowerIndex(
    _ base: CheckedExpression, _ indices: [CheckedIndex], _ kind: RegisterKind, _ target: Int32
  ) throws {
    if let positions = scalarIndices(indices), try lowerElement(base, positions, kind, target) { return }
    let register = try stableValue(base, before: nil)
    if case .dictionary = base.type, indices.count == 1, case .value(let key) = indices[0] {
      let keyRegister = try boxedValue(key)
      emit(.getKey, target, register, keyRegister)
      return
    }
    let plans = try indices.map { try plan(for: $0) }
    let result = kind.isBoxed ? target : newBoxed()
    emit(.index, result, register, plan(.index(plans)))
    if !kind.isBoxed { unbox(result, into: target, kind) }
  }

  private mutating func lowerElement(
    _ base: CheckedExpression, _ positions: [CheckedExpression], _ kind: RegisterKind, _ target: Int32
  ) throws -> Bool {
    switch base.type {
    case .array(let scalar, let extents) where extents.count == positions.count && positions.count <= 2:
      let opcode: Opcode
      switch (scalar, positions.count) {
      case (.real, 1): opcode = .getReal
      case (.int, 1), (.index, 1): opcode = .getInt
      case (.bool, 1): opcode = .getBool
      case (.real, 2): opcode = .getReal2
      case (.int, 2), (.index, 2): opcode = .getInt2
      default: return false
      }
      let array = try stableValue(base, before: positions[0])
      let first = try positions.count == 2 ? stableValue(positions[0], before: positions[1]) : value(positions[0])
      if positions.count == 1 {
        emit(opcode, target, array, first)
      } else {
        let second = try value(positions[1])
        guard second <= Int32(UInt16.max) else { return false }
        emit(opcode, target, array, first, d: second)
      }
      return true
    case .list where positions.count == 1:
      let list = try stableValue(base, before: positions[0])
      let position = try value(positions[0])
      let register = kind.isBoxed ? target : newBoxed()
      emit(.getList, register, list, position)
      if !kind.isBoxed { unbox(register, into: target, kind) }
      return true
    default: return false
    }
  }

  mutating func lowerConversion(
    _ operand: CheckedExpression, _ conversion: Conversion, _ expression: CheckedExpression, _ kind: RegisterKind,
    _ target: Int32
  ) throws {
    let operandKind = RegisterKind(operand.type)
    switch (conversion, operandKind, kind) {
    case (.intToReal, .int, .real):
      if let bits = Lowerer.literalBits(expression) {
        if let register = hoisted[bits] { emit(.moveScalar, target, register) } else { loadBits(bits, into: target) }
      } else {
        emit(.intToReal, target, try value(operand))
      }
    case (.indexToInt, .int, .int), (.boolToInt, .bool, .int), (.intToReal, .real, .real), (.boolToInt, .int, .int):
      try value(operand, into: target)
    case (.wrap, _, .boxed) where !Lowerer.isNestedOptional(expression.type):
      try boxedValue(operand, into: target)
    case (.toDynamic, _, .boxed):
      try boxedValue(operand, into: target)
    case (.toInitialization, _, _):
      let first = try boxedRow([operand])
      emit(.hook, target, first, plan(.initialization), d: 1)
    default:
      let register = try boxedValue(operand)
      let result = kind.isBoxed ? target : newBoxed()
      emit(.convert, result, register, plan(.convert(conversion, expression.type)))
      if !kind.isBoxed { unbox(result, into: target, kind) }
    }
  }
}
