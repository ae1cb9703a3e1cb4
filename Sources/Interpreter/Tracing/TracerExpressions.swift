import Checking
import Syntax
import TensorIR

extension Tracer {
  func evaluate(_ expression: CheckedExpression, in activation: Activation) throws -> Value {
    do {
      return try evaluateKind(expression, in: activation)
    } catch var fault as Fault {
      if fault.span == nil { fault.span = expression.span }
      throw fault
    }
  }

  private func evaluateKind(_ expression: CheckedExpression, in activation: Activation) throws -> Value {
    switch expression.kind {
    case .unit: return .unit
    case .bool(let flag): return .bool(flag)
    case .int(let number): return .int(number)
    case .real(let number): return .real(number)
    case .string(let text): return .string(text)
    case .nilLiteral: return .none
    case .local(let local):
      guard let value = activation.locals[local.rawValue] else {
        let name = activation.function.locals[local.rawValue].name
        throw Fault("R091", "`\(name)` has no value here")
      }
      return value
    case .global(let id): return try global(id)
    case .function(let id): return .function(id)
    case .intrinsicFunction(let name): return .intrinsicFunction(name)
    case .interpolation(let segments):
      let values = try segments.map { try evaluate($0, in: activation) }
      return .string(try Operations.interpolate(values, context.declarations))
    case .array(let elements):
      return try array(try elements.map { try evaluate($0, in: activation) }, type: expression.type)
    case .dictionary(let pairs):
      let entries = try pairs.map {
        (try evaluate($0.key, in: activation), try evaluate($0.value, in: activation))
      }
      return .dictionary(DictionaryValue(entries))
    case .tuple(let elements): return .tuple(try elements.map { try evaluate($0, in: activation) })
    case .tupleElement(let base, let index):
      return try Operations.tupleElement(try evaluate(base, in: activation), index)
    case .structure(let id, let fields): return .structure(id, try fields.map { try evaluate($0, in: activation) })
    case .field(let base, let index): return try Operations.field(try evaluate(base, in: activation), index)
    case .enumCase(let id, let index, let payload):
      return .enumeration(id, index, try payload.map { try evaluate($0, in: activation) })
    case .unary(let operation, let operand):
      return try unary(operation, try evaluate(operand, in: activation))
    case .binary(let operation, let left, let right):
      return try binary(operation, try operandValue(left, in: activation), try operandValue(right, in: activation))
    case .product(let left, let right):
      return try product(try evaluate(left, in: activation), try evaluate(right, in: activation))
    case .and(let left, let right): return try logical(.and, left, right, in: activation)
    case .or(let left, let right): return try logical(.or, left, right, in: activation)
    case .coalesce(let left, let right):
      switch try evaluate(left, in: activation) {
      case .none: return try evaluate(right, in: activation)
      case .some(let value): return value
      case let value: return value
      }
    case .conditional(let condition, let then, let otherwise):
      return try conditional(condition, then, otherwise, in: activation)
    case .block(let statements, let result):
      guard case .normal = try execute(statements, in: activation) else {
        throw Fault("M222", "an early `return` cannot stand inside an expression")
      }
      return try evaluate(result, in: activation)
    case .call(let id, let arguments):
      return try call(id, try arguments.map { try evaluate($0, in: activation) }, span: expression.span)
    case .intrinsic(let name, let arguments):
      return try intrinsic(name, try arguments.map { try evaluate($0, in: activation) }, span: expression.span)
    case .distribution(let name, let arguments):
      let values = try arguments.map { try operandValue($0, in: activation) }
      return try hooks.makeDistribution(name, values, span: expression.span, tracer: self, context: context)
    case .callValue(let callee, let arguments):
      callSpan = expression.span
      return try call(
        try evaluate(callee, in: activation), try arguments.map { try evaluate($0, in: activation) })
    case .closure(let closure):
      let captures = closure.captures.map { activation.locals[$0.rawValue] ?? .none }
      return .closure(ClosureValue(code: ClosureCode(function: closure.function), captures: captures))
    case .index(let base, let indices):
      return try index(try evaluate(base, in: activation), indices, in: activation)
    case .range(let lower, let upper, let isClosed):
      return try range(lower, upper, isClosed: isClosed, in: activation)
    case .convert(let operand, let conversion):
      return try convert(try evaluate(operand, in: activation), conversion, to: expression.type)
    case .forceUnwrap(let operand):
      switch try evaluate(operand, in: activation) {
      case .none: throw Fault("R010", "the value is `nil`", help: "use `if let` or `??`")
      case .some(let value): return value
      case let value: return value
      }
    case .optionalChain(let base, let local, let then):
      let value = try evaluate(base, in: activation)
      if case .none = value { return .none }
      activation.locals[local.rawValue] = value
      return try evaluate(then, in: activation)
    case .column(let base, let name): return try Operations.column(try evaluate(base, in: activation), name)
    case .member(let base, let name):
      return try hooks.member(try evaluate(base, in: activation), name, span: expression.span, context: context)
    case .model(let id, let arguments):
      let values = try arguments.map { try evaluate($0, in: activation) }
      return try hooks.makeModel(id, values, span: expression.span, context: context)
    case .modelOperation(let operation, let base, let arguments):
      let value = try base.map { try evaluate($0, in: activation) }
      let given = try arguments.map {
        EvaluatedModelArgument(path: $0.path, value: try evaluate($0.value, in: activation), span: $0.span)
      }
      return try hooks.modelOperation(operation, base: value, given, span: expression.span, context: context)
    case .paths(let paths): return .paths(paths)
    case .siteMember(let base, let name):
      return try siteMember(try evaluate(base, in: activation), name)
    case .metatype, .erroneous:
      throw Fault("R092", "the expression has no value here")
    }
  }

  /// An operand of arithmetic or a distribution: a real literal of the text becomes a constant of the graph, so that it
  /// belongs to the program; every other number is data.
  private func operandValue(_ expression: CheckedExpression, in activation: Activation) throws -> Value {
    try evaluate(expression, in: activation)
  }

  // MARK: - Operators

  private func unary(_ operation: UnaryOperator, _ operand: Value) throws -> Value {
    guard Tracer.isTraced(operand) else { return try Operations.unary(operation, operand) }
    let operandTensor = try tensor(operand)
    switch operation {
    case .plus: return operand
    case .minus: return wrap(try elementwise(.negate, operandTensor))
    case .not: return wrap(try elementwise(.logicalNot, operandTensor))
    }
  }

  func binary(_ operation: BinaryOperator, _ left: Value, _ right: Value) throws -> Value {
    guard Tracer.isTraced(left) || Tracer.isTraced(right) else { return try Operations.binary(operation, left, right) }
    let a = try tensor(left)
    let b = try tensor(right)
    let areIntegers = a.element == .int && b.element == .int
    switch operation {
    case .add: return wrap(try elementwise(.add, a, b))
    case .subtract: return wrap(try elementwise(.subtract, a, b))
    case .multiply, .elementMultiply: return wrap(try elementwise(.multiply, a, b))
    case .divide, .elementDivide: return wrap(try elementwise(.divide, try toReal(a), try toReal(b)))
    case .remainder: return wrap(try elementwise(areIntegers ? .integerRemainder : .remainder, a, b))
    case .power: return wrap(try power(a, b))
    case .equal: return wrap(try elementwise(.equal, a, b))
    case .notEqual: return wrap(try elementwise(.notEqual, a, b))
    case .less: return wrap(try elementwise(.less, a, b))
    case .lessOrEqual: return wrap(try elementwise(.lessOrEqual, a, b))
    case .greater: return wrap(try elementwise(.less, b, a))
    case .greaterOrEqual: return wrap(try elementwise(.lessOrEqual, b, a))
    case .and, .or, .coalesce: throw Fault("R092", "the operator has no value here")
    }
  }

  private func logical(
    _ operation: BinaryOperator, _ left: CheckedExpression, _ right: CheckedExpression, in activation: Activation
  ) throws -> Value {
    let first = try evaluate(left, in: activation)
    if case .bool(let flag) = first {
      if operation == .and, !flag { return first }
      if operation == .or, flag { return first }
      return try evaluate(right, in: activation)
    }
    let test = try tensor(first)
    masks.append(operation == .and ? test : try elementwise(.logicalNot, test))
    defer { masks.removeLast() }
    let second = try tensor(try evaluate(right, in: activation))
    return wrap(try elementwise(operation == .and ? .logicalAnd : .logicalOr, test, second))
  }

  private func conditional(
    _ condition: CheckedExpression, _ then: CheckedExpression, _ otherwise: CheckedExpression,
    in activation: Activation
  ) throws -> Value {
    let value = try evaluate(condition, in: activation)
    if case .bool(let flag) = value { return try evaluate(flag ? then : otherwise, in: activation) }
    let test = try tensor(value)
    if let known = uniformTruth(test) { return try evaluate(known ? then : otherwise, in: activation) }
    masks.append(test)
    let first = try evaluate(then, in: activation)
    masks.removeLast()
    masks.append(try elementwise(.logicalNot, test))
    let second = try evaluate(otherwise, in: activation)
    masks.removeLast()
    return try select(test, first, second, span: condition.span)
  }

  /// A choice per element between two values of one type.
  func select(_ test: TracedTensor, _ first: Value, _ second: Value, span: SourceSpan) throws -> Value {
    switch (first, second) {
    case (.tuple(let a), .tuple(let b)) where a.count == b.count:
      return .tuple(try zip(a, b).map { try select(test, $0, $1, span: span) })
    case (.structure(let id, let a), .structure(_, let b)) where a.count == b.count:
      return .structure(id, try zip(a, b).map { try select(test, $0, $1, span: span) })
    case (.list(let a), .list(let b)) where a.count == b.count:
      return .list(try zip(a, b).map { try select(test, $0, $1, span: span) })
    case (.unit, .unit), (.none, .none):
      return first
    default:
      guard Tracer.isNumeric(first), Tracer.isNumeric(second) else {
        throw Fault(
          "M228", "a varying condition can choose between numbers, not between other values",
          help: "make the condition fixed, or choose between numbers", span: span)
      }
      return wrap(try selectTensors(test, try tensor(first), try tensor(second)))
    }
  }

  // MARK: - Calls

  private func call(_ id: FunctionID, _ arguments: [Value], span: SourceSpan) throws -> Value {
    callSpan = span
    if !arguments.contains(where: Tracer.isTraced) { return try context.call(.function(id), arguments) }
    let function = context.declarations.functions[id.rawValue]
    return try run(function, arguments: arguments, captures: [], isModel: false).result ?? .unit
  }

  package func call(_ function: Value, _ arguments: [Value]) throws -> Value {
    switch function {
    case .function(let id):
      return try call(id, arguments, span: callSpan)
    case .intrinsicFunction(let name):
      return try intrinsic(name, arguments, span: callSpan)
    case .closure(let closure):
      if !closure.captures.contains(where: Tracer.isTraced), !arguments.contains(where: Tracer.isTraced) {
        return try context.call(function, arguments)
      }
      let activation = try run(
        closure.code.function, arguments: arguments, captures: closure.captures, isModel: false)
      return activation.result ?? .unit
    default:
      throw Fault("R092", "the value cannot be called")
    }
  }

  private func intrinsic(_ name: String, _ arguments: [Value], span: SourceSpan) throws -> Value {
    callSpan = span
    guard let entry = registry[name] else {
      throw Fault("R093", "the library function `\(name)` is declared but not supplied", span: span)
    }
    guard arguments.contains(where: Tracer.isTraced) else {
      switch entry.body {
      case .general(let body):
        // Closures among the arguments may hold nodes in their captures or use them through calls.
        if let traced = entry.trace, arguments.contains(where: Tracer.isFunction) { return try traced(self, arguments) }
        return try body(context, arguments)
      case .real1, .real2, .real3:
        return try context.call(.intrinsicFunction(name), arguments)
      }
    }
    guard let traced = entry.trace else {
      let readable = name.split(separator: "(").first.map(String.init) ?? name
      throw Fault(
        "M229", "`\(readable)` cannot be used on values that vary inside a model",
        help: "compute it from data before the model, or from the fit afterwards", span: span)
    }
    return try traced(self, try arguments.map { try readable($0, span: span) })
  }

  /// An argument for a library function: an array under piecewise definition is handed over whole.
  private func readable(_ value: Value, span: SourceSpan) throws -> Value {
    if case .traced(let traced) = value, case .piecewise(let array) = traced.content {
      return wrap(try whole(array, span: span))
    }
    return value
  }

  // MARK: - Conversions and composites

  func convert(_ value: Value, _ conversion: Conversion, to type: Type) throws -> Value {
    guard Tracer.isTraced(value) else { return try Operations.convert(value, conversion, to: type) }
    if case .traced(let traced) = value, case .unreadable(let reason) = traced.content { throw reason }
    switch conversion {
    case .intToReal, .boolToInt:
      if case .traced(let traced) = value, case .piecewise(let array) = traced.content {
        return wrap(try toReal(try whole(array, span: callSpan)))
      }
      let operand = try tensor(value)
      return wrap(conversion == .intToReal ? try toReal(operand) : try toInteger(operand))
    case .wrap, .indexToInt, .intToIndex, .fromDynamic, .toDynamic, .toInitialization:
      return value
    case .listToArray:
      guard case .list(let elements) = value else { return value }
      return wrap(try stack(elements))
    case .elements(let inner):
      guard case .list(let elements) = value else { return try convert(value, inner, to: type) }
      return .list(try elements.map { try convert($0, inner, to: type) })
    }
  }

  private func array(_ elements: [Value], type: Type) throws -> Value {
    guard elements.contains(where: Tracer.isTraced) else { return try Operations.makeArray(elements, type: type) }
    if case .array = type { return wrap(try stack(elements)) }
    return .list(elements)
  }

  private func range(
    _ lower: CheckedExpression, _ upper: CheckedExpression, isClosed: Bool, in activation: Activation
  ) throws -> Value {
    let first = try fixedInt(lower, what: "a range's bound", in: activation)
    let last = try fixedInt(upper, what: "a range's bound", in: activation)
    let (end, overflow) = isClosed ? last.addingReportingOverflow(1) : (last, false)
    if overflow { throw Fault("R001", "integer overflow") }
    return .range(first, max(first, end))
  }

  private func siteMember(_ base: Value, _ name: String) throws -> Value {
    if case .dictionary(let members) = base, let value = members[.string(name)] { return value }
    if case .list(let elements) = base { return .list(try elements.map { try siteMember($0, name) }) }
    throw Fault("M110", "the sub-model has no site `\(name)` here")
  }

  // MARK: - Kinds of values

  func wrap(_ tensor: TracedTensor) -> Value { .traced(TracedValue(.tensor(tensor))) }

  /// Whether a value holds a node anywhere.
  static func isTraced(_ value: Value) -> Bool {
    switch value {
    case .traced: true
    case .some(let inner): isTraced(inner)
    case .list(let elements), .tuple(let elements): elements.contains(where: isTraced)
    case .structure(_, let fields), .enumeration(_, _, let fields): fields.contains(where: isTraced)
    case .closure(let closure): closure.captures.contains(where: isTraced)
    case .dictionary(let dictionary): dictionary.values.contains(where: isTraced)
    case .engine(let engine): (engine as? any TraceableEngineValue)?.isTraced ?? false
    case .unit, .none, .bool, .int, .real, .string, .realArray, .intArray, .boolArray, .range, .function,
      .intrinsicFunction, .table, .paths:
      false
    }
  }

  static func isFunction(_ value: Value) -> Bool {
    switch value {
    case .closure, .function: true
    default: false
    }
  }

  static func isNumeric(_ value: Value) -> Bool {
    switch value {
    case .bool, .int, .real, .realArray, .intArray, .boolArray: true
    case .traced(let traced):
      if case .unreadable = traced.content { false } else { true }
    case .list(let elements): !elements.isEmpty && elements.allSatisfy(isNumeric)
    default: false
    }
  }

  /// Whether two slots hold the very same thing, so that a merge needs no select.
  static func isSame(_ first: Value, _ second: Value) -> Bool {
    switch (first, second) {
    case (.traced(let a), .traced(let b)):
      if a === b { return true }
      if case .tensor(let x) = a.content, case .tensor(let y) = b.content {
        return x.node == y.node && x.level == y.level && x.frames == y.frames && x.shape == y.shape
      }
      return false
    case (.traced, _), (_, .traced): return false
    default: return !isTraced(first) && !isTraced(second) && Operations.isSame(first, second)
    }
  }
}
