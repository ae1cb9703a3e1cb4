import Checking
import Syntax

// Instructions that are not worth a place in the run loop, and the slow sides of those that are.
extension Machine {
  /// Appends the pieces of an interpolated text. Short ones gather in a buffer first: one append instead of many.
  func appendParts(
    _ parts: UnsafeMutablePointer<Plan.TextPart>, _ count: Int, _ literals: UnsafeMutablePointer<UInt8>,
    to text: inout String, _ s: UnsafeMutablePointer<Int>, _ v: UnsafeMutablePointer<Value>
  ) throws {
    try withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 128) { buffer in
      var filled = 0
      func flush() {
        if filled > 0 {
          text.append(String(decoding: UnsafeBufferPointer(rebasing: buffer[0..<filled]), as: UTF8.self))
        }
        filled = 0
      }
      for index in 0..<count {
        switch parts[index] {
        case .literal(let start, let length):
          let bytes = UnsafeBufferPointer(start: literals + Int(start), count: Int(length))
          if bytes.count > 64 {
            flush()
            text.append(String(decoding: bytes, as: UTF8.self))
            continue
          }
          if filled + bytes.count > buffer.count { flush() }
          for byte in bytes {
            buffer[filled] = byte
            filled += 1
          }
        case .slot(let slot) where slot.kind == .int:
          if filled + 24 > buffer.count { flush() }
          filled = Machine.writeDigits(s[Int(slot.register)], buffer, filled)
        case .slot(let slot):
          flush()
          try Operations.append(Machine.read(slot, s, v), to: &text, declarations)
        }
      }
      flush()
    }
    try Operations.checkBudget(text.utf8.count, "a text")
  }

  /// Writes the decimal digits of a number; gives the position behind them.
  private static func writeDigits(_ number: Int, _ buffer: UnsafeMutableBufferPointer<UInt8>, _ start: Int) -> Int {
    var position = start
    var rest = number.magnitude
    if number < 0 {
      buffer[position] = 0x2D
      position += 1
    }
    let first = position
    repeat {
      let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
      buffer[position] = 0x30 + UInt8(truncatingIfNeeded: digit)
      position += 1
      rest = quotient
    } while rest > 0
    var digits = UnsafeMutableBufferPointer(rebasing: buffer[first..<position])
    digits.reverse()
    return position
  }

  private func removeLast(_ slot: UnsafeMutablePointer<Value>) throws {
    let count = try Operations.count(slot.pointee)
    guard count > 0 else { throw Fault("R012", "there is no element to remove", help: "test `isEmpty` first") }
    switch slot.pointee.tag {
    case .list: ValueLayout.list(slot).pointee.removeLast()
    case .realArray where ValueLayout.reals(slot).pointee.shape.count == 1:
      ValueLayout.reals(slot).pointee.elements.removeLast()
      ValueLayout.reals(slot).pointee.shape[0] -= 1
    case .intArray where ValueLayout.ints(slot).pointee.shape.count == 1:
      ValueLayout.ints(slot).pointee.elements.removeLast()
      ValueLayout.ints(slot).pointee.shape[0] -= 1
    default: slot.pointee = try Operations.index(slot.pointee, [.range(0, count - 1)])
    }
  }

  func setKey(_ slot: UnsafeMutablePointer<Value>, _ key: Value, _ value: Value) throws {
    guard slot.pointee.tag == .dictionary else { throw Operations.unsuitable("a key", slot.pointee) }
    let dictionary = ValueLayout.dictionary(slot)
    if case .none = value { dictionary.pointee.remove(key) } else { dictionary.pointee.set(key, value) }
  }

  /// Moves values out of adjacent registers.
  private func taken(_ v: UnsafeMutablePointer<Value>, _ first: Int32, _ count: Int) -> [Value] {
    [Value](unsafeUninitializedCapacity: count) { buffer, initialized in
      if let base = buffer.baseAddress, count > 0 {
        base.moveInitialize(from: v + Int(first), count: count)
        (v + Int(first)).initialize(repeating: .unit, count: count)
      }
      initialized = count
    }
  }

  func callIntrinsic(
    _ i: Instruction, _ function: Unmanaged<LoweredFunction>, _ v: UnsafeMutablePointer<Value>
  ) throws {
    let arguments = taken(v, i.b, Int(i.d))
    let entry = function._withUnsafeGuaranteedRef { $0.intrinsics[Int(i.c)] }
    v[Int(i.a)] = try callLibrary(entry, arguments)
  }

  // MARK: - Calls through values

  /// Code that can run in the caller's windows: its parameters are of the kinds that the caller passes.
  func directCallee(
    _ value: Value, plan: Int, _ caller: Unmanaged<LoweredFunction>, _ v: UnsafeMutablePointer<Value>
  ) throws -> Unmanaged<LoweredFunction>? {
    let code: LoweredFunction
    switch value {
    case .closure(let closure): code = try self.code(of: closure)
    case .function(let id): code = try link(id)
    default: return nil
    }
    guard case .signature(let kinds, let result) = caller._withUnsafeGuaranteedRef({ $0.plans[plan] }),
      code.result == result, code.parameters.count == kinds.count
    else { return nil }
    for (slot, kind) in zip(code.parameters, kinds) where slot.kind != kind { return nil }
    return .passUnretained(code)
  }

  func passCaptures(
    _ value: Value, _ code: Unmanaged<LoweredFunction>, _ s: UnsafeMutablePointer<Int>, _ v: UnsafeMutablePointer<Value>
  ) throws {
    guard case .closure(let closure) = value else { return }
    try code._withUnsafeGuaranteedRef { code in
      for (slot, captured) in zip(code.captures, closure.captures) { try Machine.write(captured, slot, s, v) }
    }
  }

  func callIndirectly(
    _ value: Value, plan: Int, _ caller: Unmanaged<LoweredFunction>, _ s: UnsafeMutablePointer<Int>,
    _ v: UnsafeMutablePointer<Value>
  ) throws {
    guard case .signature(let kinds, let result) = caller._withUnsafeGuaranteedRef({ $0.plans[plan] }) else { return }
    var arguments: [Value] = []
    var scalar: Int32 = 0
    var boxedIndex: Int32 = 0
    for kind in kinds {
      let slot = Plan.Slot(kind: kind, register: kind.isBoxed ? boxedIndex : scalar)
      arguments.append(Machine.read(slot, s, v))
      if kind.isBoxed { boxedIndex += 1 } else { scalar += 1 }
    }
    let output = try call(value, arguments)
    try Machine.write(output, Plan.Slot(kind: result, register: 0), s, v)
  }

  // MARK: - Rare instructions

  func rare(
    _ i: Instruction, _ function: Unmanaged<LoweredFunction>, _ s: UnsafeMutablePointer<Int>,
    _ v: UnsafeMutablePointer<Value>
  ) throws {
    let code = function._withUnsafeGuaranteedRef { $0 }
    let a = Int(i.a)
    let b = Int(i.b)
    let c = Int(i.c)
    switch i.op {
    case .loadGlobal: v[a] = try global(GlobalID(b))
    case .storeGlobal: setGlobal(GlobalID(b), v[a])
    case .releaseGlobal: setGlobal(GlobalID(b), nil)
    case .bindExtents: try bindExtents(code, a, s, v)
    case .unary: v[a] = try Operations.unary(UnaryOperator.allCases[Int(i.d)], v[b])
    case .binary: v[a] = try Operations.binary(BinaryOperator.allCases[Int(i.d)], v[b], v[c])
    case .product: v[a] = try Operations.product(v[b], v[c])
    case .convert:
      guard case .convert(let conversion, let type) = code.plans[c] else { return }
      v[a] = try Operations.convert(v[b], conversion, to: type)
    case .index:
      guard case .index(let plans) = code.plans[c] else { return }
      v[a] = try Operations.index(v[b], try plans.map { try indexValue($0, s, v) })
    case .setPath:
      guard case .path(let plans) = code.plans[c] else { return }
      let steps = try plans.map { try step($0, s, v) }
      let value = v[b]
      v[b] = .unit
      try Operations.setPath(&v[a], steps, value)
    case .makeArray:
      guard case .type(let type) = code.plans[Int(i.d)] else { return }
      v[a] = try Operations.makeArray(taken(v, i.b, c), type: type)
    case .makeClosure:
      guard case .closure(let closure, let slots) = code.plans[b] else { return }
      v[a] = .closure(ClosureValue(code: closure, captures: slots.map { Machine.read($0, s, v) }))
    case .interpolate:
      var text = ""
      try appendParts(code.textParts + b, c, code.textBytes, to: &text, s, v)
      v[a] = .string(text)
    case .appendAtPath:
      guard case .path(let plans) = code.plans[c], case .start(let type) = code.plans[Int(i.d)] else { return }
      let steps = try plans.map { try step($0, s, v) }
      let element = v[b]
      v[b] = .unit
      let start = try type.map { try Operations.makeArray([], type: $0) }
      try Operations.append(element, at: v + a, steps[...], start: start)
    case .removeLast: try removeLast(v + a)
    case .makeTuple: v[a] = .tuple(taken(v, i.b, c))
    case .makeList: v[a] = .list(taken(v, i.b, c))
    case .makeStructure:
      guard case .structure(let id) = code.plans[Int(i.d)] else { return }
      v[a] = .structure(id, taken(v, i.b, c))
    case .makeEnum:
      guard case .enumeration(let id, let index) = code.plans[Int(i.d)] else { return }
      v[a] = .enumeration(id, index, taken(v, i.b, c))
    case .makeDictionary:
      let items = taken(v, i.b, 2 * c)
      v[a] = .dictionary(DictionaryValue((0..<c).map { (items[2 * $0], items[2 * $0 + 1]) }))
    case .makeRange: v[a] = try Operations.range(s[b], s[c], isClosed: i.d == 1)
    case .rangeLower, .rangeUpper:
      guard case .range(let lower, let upper) = v[b] else { throw Operations.unsuitable("a loop", v[b]) }
      s[a] = i.op == .rangeLower ? lower : upper
    case .sequence:
      switch v[b] {
      case .dictionary, .string: v[a] = .list(try Operations.elements(of: v[b]))
      default: if a != b { v[a] = v[b] }
      }
    case .getIndexed: v[a] = try Operations.element(v[b], at: s[c])
    case .enumIndex:
      guard case .enumeration(_, let index, _) = v[b] else { throw Operations.unsuitable("`switch`", v[b]) }
      s[a] = index
    case .enumPayload:
      guard case .enumeration(_, _, let payload) = v[b], c < payload.count else {
        throw Operations.unsuitable("`switch`", v[b])
      }
      v[a] = payload[c]
    case .unwrap:
      if case .some(let inner) = v[b] { v[a] = inner } else { v[a] = v[b] }
    case .forceUnwrap:
      switch v[b] {
      case .none: throw Fault("R010", "the value is `nil`", help: "use `if let` or `??`")
      case .some(let inner): v[a] = inner
      default: v[a] = v[b]
      }
    case .column:
      guard case .name(let name) = code.plans[c] else { return }
      v[a] = try Operations.column(v[b], name)
    case .hook: v[a] = try hook(code.plans[c], taken(v, i.b, Int(i.d)))
    case .show:
      for event in try Operations.display(v[a], declarations) { sink.emit(event) }
    default: throw Fault("R092", "the instruction is not a rare one")
    }
  }

  private func hook(_ plan: Plan, _ values: [Value]) throws -> Value {
    let span = callSpan
    switch plan {
    case .distribution(let name):
      return try hooks.makeDistribution(name, values, span: span, tracer: nil, context: self)
    case .model(let id):
      observer?.didUse(model: id)
      return try hooks.makeModel(id, values, span: span, context: self)
    case .modelOperation(let operation, let hasBase, let paths):
      let given = zip(paths, values.dropFirst(hasBase ? 1 : 0)).map {
        EvaluatedModelArgument(path: $0.path, value: $1, span: $0.span)
      }
      return try hooks.modelOperation(operation, base: hasBase ? values.first : nil, given, span: span, context: self)
    case .member(let name):
      let base = values.first ?? .none
      // A property of a value whose type was not known to the checker: a computed column's `index`.
      if let kind = Operations.memberBase(base), let entry = registry["\(kind).\(name)"] {
        return try callLibrary(entry, [base])
      }
      return try hooks.member(base, name, span: span, context: self)
    case .siteMember(let name): return try Operations.member(values.first ?? .none, name)
    case .initialization: return try hooks.initialization(values.first ?? .none, span: span, context: self)
    case .convert, .type, .name, .signature, .index, .path, .start, .structure, .enumeration, .closure, .extents:
      throw Fault("R092", "the plan is not one of the engine's")
    }
  }

  private func indexValue(
    _ plan: Plan.IndexPlan, _ s: UnsafeMutablePointer<Int>, _ v: UnsafeMutablePointer<Value>
  ) throws -> IndexValue {
    switch plan {
    case .value(let register): return .value(v[Int(register)])
    case .slice(let lower, let upper, let isClosed):
      return .slice(lower: lower.map { s[Int($0)] }, upper: upper.map { s[Int($0)] }, isClosed: isClosed)
    case .range(let register):
      guard case .range(let lower, let upper) = v[Int(register)] else { return .value(v[Int(register)]) }
      return .range(lower, upper)
    case .all: return .all
    }
  }

  private func step(
    _ plan: Plan.StepPlan, _ s: UnsafeMutablePointer<Int>, _ v: UnsafeMutablePointer<Value>
  ) throws -> PathStep {
    switch plan {
    case .index(let plans): .index(try plans.map { try indexValue($0, s, v) })
    case .field(let index): .field(index)
    case .tupleElement(let index): .tupleElement(index)
    case .key(let register): .key(v[Int(register)])
    }
  }

  /// Gives extents named in the signature their lengths, or checks them.
  private func bindExtents(
    _ code: LoweredFunction, _ plan: Int, _ s: UnsafeMutablePointer<Int>, _ v: UnsafeMutablePointer<Value>
  ) throws {
    guard case .extents(let bindings) = code.plans[plan] else { return }
    for binding in bindings {
      var known: (length: Int, place: CheckedFunction.ExtentBinding.Place)?
      let slot = code.locals[binding.local.rawValue]
      if binding.isGiven, case .int(let given) = Machine.read(slot, s, v) {
        known = (given, .init(parameter: -1, axis: 0))
      }
      for place in binding.places where place.parameter < code.parameters.count {
        let argument = Machine.read(code.parameters[place.parameter], s, v)
        guard let length = Operations.extent(of: argument, axis: place.axis) else { continue }
        guard let first = known else {
          known = (length, place)
          continue
        }
        // Indices may stay below the bound that another argument gives.
        if place.axis < 0 ? length > first.length : length != first.length {
          let span = depth >= 2 ? callerSpan : code.source.span
          throw ExtentFault.disagree(
            name: binding.name, function: code.source, first: first.length, firstPlace: first.place, second: length,
            secondPlace: place, span: span)
        }
      }
      if let known, !binding.isGiven { try Machine.write(.int(known.length), slot, s, v) }
    }
  }

  /// The place of the call that opened the innermost frame.
  private var callerSpan: SourceSpan {
    let frame = frames[depth - 2]
    return frame.function._withUnsafeGuaranteedRef { code in
      let position = max(0, min(frame.position - 1, code.spans.count - 1))
      return code.spans.isEmpty ? code.source.span : code.spans[position]
    }
  }
}
