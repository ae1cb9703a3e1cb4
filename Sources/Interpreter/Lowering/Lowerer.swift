import Checking
import Numerics
import Syntax

/// Translates one checked function to register code.
///
/// Locals have fixed registers; temporaries are a stack above them. The arguments of a call are evaluated straight into
/// the windows that become the callee's first registers, so that a call copies nothing.
struct Lowerer {
  let function: CheckedFunction
  let registry: IntrinsicRegistry
  let mayDraw: (FunctionID) -> Bool
  /// What a function is called in the text: random streams go by it, never by its number, which other cells change.
  let functionName: (FunctionID) -> String
  /// Locals of a unit's main that functions of the unit read through a global.
  var writtenThrough: [LocalID: GlobalID] = [:]

  var code: [Instruction] = []
  var spans: [SourceSpan] = []
  var constants: [Int] = []
  var constantIndex: [Int: Int32] = [:]
  var boxedConstants: [Value] = []
  var textParts: [Plan.TextPart] = []
  var textBytes: [UInt8] = []
  var textIndex: [String: Int32] = [:]
  var plans: [Plan] = []
  var intrinsics: [Intrinsic] = []
  var intrinsicIndex: [String: Int32] = [:]
  var real1: [@Sendable (Double) -> Double] = []
  var real2: [@Sendable (Double, Double) -> Double] = []
  var real3: [@Sendable (Double, Double, Double) -> Double] = []
  var sites: [Int: RandomSite] = [:]
  var siteOrdinals: [String: Int] = [:]

  var slots: [Plan.Slot] = []
  /// The next free temporary of each register file, and the most that were ever used.
  var scalarTop: Int32 = 0
  var boxedTop: Int32 = 0
  var scalarMost: Int32 = 0
  var boxedMost: Int32 = 0
  /// The highest boxed temporary of the current statement.
  var boxedTouched: Int32 = 0
  var counterNext: Int32 = 0
  var counters: Range<Int> = 0..<0
  /// Numbers that loops use, loaded once on entry.
  var hoisted: [Int: Int32] = [:]
  var span: SourceSpan
  var depth = 0

  struct LoopContext {
    var continueLabel: Int
    var breakLabel: Int
  }
  var loops: [LoopContext] = []
  /// Positions of labels, and of jumps that wait for them.
  var labels: [Int?] = []

  init(
    _ function: CheckedFunction, registry: IntrinsicRegistry, mayDraw: @escaping (FunctionID) -> Bool,
    functionName: @escaping (FunctionID) -> String
  ) {
    self.function = function
    self.registry = registry
    self.mayDraw = mayDraw
    self.functionName = functionName
    span = function.span
  }

  /// Lowers the function; `captureCount` of its first locals are captures.
  static func lower(
    _ function: CheckedFunction, captureCount: Int = 0, registry: IntrinsicRegistry,
    writtenThrough: [LocalID: GlobalID] = [:], mayDraw: @escaping (FunctionID) -> Bool,
    functionName: @escaping (FunctionID) -> String
  ) throws -> LoweredFunction {
    var lowerer = Lowerer(function, registry: registry, mayDraw: mayDraw, functionName: functionName)
    lowerer.writtenThrough = writtenThrough
    return try lowerer.run(captureCount: captureCount)
  }

  private mutating func run(captureCount: Int) throws -> LoweredFunction {
    slots = function.locals.map { Plan.Slot(kind: RegisterKind($0.type), register: -1) }
    let captured = (0..<min(captureCount, function.locals.count)).map { LocalID($0) }
    for local in function.parameters + captured + function.locals.indices.map({ LocalID($0) }) {
      guard slots.indices.contains(local.rawValue), slots[local.rawValue].register < 0 else { continue }
      slots[local.rawValue].register = slots[local.rawValue].kind.isBoxed ? newBoxed() : newScalar()
    }
    reserve()
    if !function.extents.isEmpty { emit(.bindExtents, plan(.extents(function.extents))) }
    for (bits, register) in hoisted.sorted(by: { $0.value < $1.value }) { loadBits(bits, into: register) }
    try lower(function.body)
    // Falling off the end returns nothing.
    span = function.span
    if RegisterKind(function.result).isBoxed {
      let register = newBoxed()
      emit(.loadBoxed, register, boxedConstant(.unit))
      emit(.returnBoxed, register)
    } else {
      emit(.returnScalar, newScalar())
    }
    patch()
    return LoweredFunction(
      source: function, code: code, spans: spans, constants: constants, boxedConstants: boxedConstants,
      textParts: textParts, textBytes: textBytes, plans: plans,
      intrinsics: intrinsics, real1: real1, real2: real2, real3: real3, scalarCount: Int(max(scalarMost, 1)),
      boxedCount: Int(max(boxedMost, RegisterKind(function.result).isBoxed ? 1 : 0)), counters: counters,
      parameters: function.parameters.map { slots[$0.rawValue] }, captures: captured.map { slots[$0.rawValue] },
      result: RegisterKind(function.result), locals: slots, sites: sites)
  }

  /// Sets registers aside for visit counters and for the numbers of loops.
  private mutating func reserve() {
    var siteCount = 0
    var bits: [Int] = []
    let isRandom = mayDraw
    TreeWalk.walk(function.body) { expression, loopDepth in
      if Lowerer.mayDraw(expression, isRandom) { siteCount += 1 }
      guard loopDepth > 0, bits.count < 24 else { return }
      if let value = Lowerer.literalBits(expression), !bits.contains(value) { bits.append(value) }
    }
    counterNext = scalarTop
    for _ in 0..<siteCount { _ = newScalar() }
    counters = Int(counterNext)..<Int(scalarTop)
    for value in bits { hoisted[value] = newScalar() }
  }

  /// Whether a call may reach a random draw: everything but arithmetic and functions known to hold only that.
  static func mayDraw(_ expression: CheckedExpression, _ isRandom: (FunctionID) -> Bool) -> Bool {
    switch expression.kind {
    case .call(let id, _): isRandom(id)
    case .intrinsic(let name, _): !quiet.contains(name)
    case .callValue, .member, .modelOperation: true
    default: false
    }
  }

  func holdsRandomSite(_ expression: CheckedExpression) -> Bool {
    var found = false
    let isRandom = mayDraw
    var walk = TreeWalk { inner, _ in if Lowerer.mayDraw(inner, isRandom) { found = true } }
    walk.visit(expression)
    return found
  }

  /// The library functions that the lowering turns into single instructions.
  static let quiet: Set<String> = [
    "sqrt(_:)", "abs(_:)", "quotient(_:_:)", "Array.count", "Array.append(_:)", "Array.appending(_:)", "exp(_:)",
    "log(_:)", "sin(_:)", "cos(_:)", "Dictionary.count", "Int(_:)", "Real(_:)", "min(_:_:)", "max(_:_:)",
    "Dictionary.subscript(_:default:)",
  ]

  /// The bits of a number that the text spells out; nil for other expressions, and for small integers, which fit an
  /// instruction.
  static func literalBits(_ expression: CheckedExpression) -> Int? {
    switch expression.kind {
    case .real(let number): return Int(bitPattern: UInt(number.bitPattern))
    case .convert(let inner, .intToReal):
      guard case .int(let number) = inner.kind else { return nil }
      return Int(bitPattern: UInt(Double(number).bitPattern))
    case .unary(.minus, let inner):
      guard case .real(let number) = inner.kind else { return nil }
      return Int(bitPattern: UInt((-number).bitPattern))
    default: return nil
    }
  }

  // MARK: - Registers

  mutating func newScalar() -> Int32 {
    let register = scalarTop
    scalarTop += 1
    scalarMost = max(scalarMost, scalarTop)
    return register
  }

  mutating func newBoxed() -> Int32 {
    let register = boxedTop
    boxedTop += 1
    boxedMost = max(boxedMost, boxedTop)
    boxedTouched = max(boxedTouched, boxedTop)
    return register
  }

  mutating func new(_ kind: RegisterKind) -> Int32 { kind.isBoxed ? newBoxed() : newScalar() }

  /// Gives back the temporaries that `body` takes.
  mutating func scoped<T>(_ body: (inout Lowerer) throws -> T) rethrows -> T {
    let scalar = scalarTop
    let boxed = boxedTop
    let result = try body(&self)
    scalarTop = scalar
    boxedTop = boxed
    return result
  }

  // MARK: - Emission

  @discardableResult
  mutating func emit(_ op: Opcode, _ a: Int32 = 0, _ b: Int32 = 0, _ c: Int32 = 0, d: Int32 = 0) -> Int {
    code.append(Instruction(op, a, b, c, d: UInt16(truncatingIfNeeded: d)))
    spans.append(span)
    return code.count - 1
  }

  /// Counts a visit of a call that may reach randomness; the next instruction is the call.
  mutating func visit(_ name: String, _ expression: CheckedExpression) -> RandomSite? {
    guard Lowerer.mayDraw(expression, mayDraw), Int(counterNext) < counters.upperBound else { return nil }
    let ordinal = siteOrdinals[name, default: 0]
    siteOrdinals[name] = ordinal + 1
    let register = counterNext
    counterNext += 1
    return RandomSite(name: "\(name)#\(ordinal)", counter: register)
  }

  mutating func emitCall(_ site: RandomSite?, _ op: Opcode, _ a: Int32, _ b: Int32, _ c: Int32, d: Int32 = 0) {
    if let site {
      emit(.addImmediate, site.counter, site.counter, 1)
      sites[code.count] = site
    }
    emit(op, a, b, c, d: d)
  }

  mutating func plan(_ plan: Plan) -> Int32 {
    plans.append(plan)
    return Int32(plans.count - 1)
  }

  mutating func boxedConstant(_ value: Value) -> Int32 {
    if case .string(let text) = value {
      if let known = textIndex[text] { return known }
      textIndex[text] = Int32(boxedConstants.count)
    }
    boxedConstants.append(value)
    return Int32(boxedConstants.count - 1)
  }

  mutating func loadBits(_ bits: Int, into register: Int32) {
    if let small = Int32(exactly: bits) {
      emit(.loadInt, register, small)
      return
    }
    let index = constantIndex[bits] ?? Int32(constants.count)
    if Int(index) == constants.count { constants.append(bits) }
    constantIndex[bits] = index
    emit(.loadConstant, register, index)
  }

  func intrinsicNamed(_ name: String) throws -> Intrinsic {
    guard let entry = registry[name] else {
      throw Fault("R093", "the library function `\(name)` is declared but not supplied", span: span)
    }
    return entry
  }

  mutating func intrinsicSlot(_ entry: Intrinsic) -> Int32 {
    if let known = intrinsicIndex[entry.name] { return known }
    intrinsics.append(entry)
    intrinsicIndex[entry.name] = Int32(intrinsics.count - 1)
    return Int32(intrinsics.count - 1)
  }

  // MARK: - Labels

  mutating func label() -> Int {
    labels.append(nil)
    return labels.count - 1
  }

  mutating func place(_ label: Int) { labels[label] = code.count }

  /// Where an instruction keeps its jump target.
  static func targetOperand(_ op: Opcode) -> Int? {
    switch op {
    case .jump, .jumpBack: 0
    case .jumpIf, .jumpIfNot, .jumpIfNil, .jumpIfNotNil: 1
    case .jumpEqual, .jumpNotEqual, .jumpLess, .jumpLessOrEqual, .jumpEqualImmediate, .jumpNotEqualImmediate,
      .jumpLessImmediate, .jumpLessOrEqualImmediate, .jumpGreaterImmediate, .jumpGreaterOrEqualImmediate,
      .jumpEqualReal, .jumpNotEqualReal, .jumpLessReal, .jumpLessOrEqualReal, .jumpNotLessReal,
      .jumpNotLessOrEqualReal, .loopNext:
      2
    default: nil
    }
  }

  /// Replaces labels by positions.
  private mutating func patch() {
    for index in code.indices {
      guard let operand = Lowerer.targetOperand(code[index].op) else { continue }
      switch operand {
      case 0: code[index].a = position(code[index].a)
      case 1: code[index].b = position(code[index].b)
      default: code[index].c = position(code[index].c)
      }
    }
  }

  private func position(_ label: Int32) -> Int32 { Int32(labels[Int(label)] ?? code.count) }
}
