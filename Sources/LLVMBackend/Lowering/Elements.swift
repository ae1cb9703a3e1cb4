internal import TensorIR

/// Functions of elements, for one lane or eight.
enum Elements {
  static func real(_ value: IRValue, in w: IRWriter) -> IRValue {
    value.type == .truth ? w.toReal(truth: value) : value
  }

  static func truth(_ value: IRValue, in w: IRWriter) -> IRValue {
    value.type == .truth ? value : w.compare(.notEqual, value, .real(0, lanes: value.lanes))
  }

  static func apply(_ operation: UnaryOperation, _ operand: IRValue, table: IRValue, in w: IRWriter) -> IRValue {
    let lanes = operand.lanes
    if operation == .logicalNot { return w.not(truth(operand, in: w)) }
    let x = real(operand, in: w)
    func number(_ value: Double) -> IRValue { .real(value, lanes: lanes) }
    if let inline = InlineMath.Function(rawValue: operation.rawValue) { return InlineMath.apply(inline, x, in: w) }
    switch operation {
    case .negate: return w.negate(x)
    case .sqrt: return w.squareRoot(x)
    case .reciprocal: return w.divide(number(1), x)
    case .square: return w.multiply(x, x)
    case .absolute: return w.absolute(x)
    case .sign:
      let positive = w.select(w.compare(.greater, x, number(0)), number(1), x)
      return w.select(w.compare(.less, x, number(0)), number(-1), positive)
    case .floor: return w.floor(x)
    case .ceiling: return w.ceiling(x)
    case .round:
      // Halves go away from zero.
      let whole = w.truncate(x)
      let rest = w.absolute(w.subtract(x, whole))
      let away = w.add(whole, w.copySign(number(1), x))
      return w.select(w.compare(.greaterOrEqual, rest, number(0.5)), away, whole)
    case .truncate, .toInteger: return w.truncate(x)
    case .toReal: return x
    case .isNaN: return w.isNaN(x)
    case .isFinite: return w.compare(.less, w.absolute(x), number(.infinity))
    case .exp, .log, .log1p, .expm1, .sin, .cos, .tan, .asin, .acos, .atan, .sinh, .cosh, .tanh, .logistic,
      .logLogistic, .softplus, .log1mexp, .erf, .erfc, .normalCDF, .normalLogCDF, .normalQuantile, .logGamma, .digamma,
      .trigamma, .logicalNot:
      return call(KernelTable.place(of: operation), [x], table: table, in: w)
    }
  }

  static func apply(_ operation: BinaryOperation, _ a: IRValue, _ b: IRValue, table: IRValue, in w: IRWriter) -> IRValue
  {
    switch operation {
    case .logicalAnd: return w.and(truth(a, in: w), truth(b, in: w))
    case .logicalOr: return w.or(truth(a, in: w), truth(b, in: w))
    case .masked: return w.select(truth(b, in: w), real(a, in: w), .real(0, lanes: a.lanes))
    default: break
    }
    let (x, y) = (real(a, in: w), real(b, in: w))
    let lanes = x.lanes
    func number(_ value: Double) -> IRValue { .real(value, lanes: lanes) }
    switch operation {
    case .add: return w.add(x, y)
    case .subtract: return w.subtract(x, y)
    case .multiply: return w.multiply(x, y)
    case .divide: return w.divide(x, y)
    case .minimum:
      let least = w.select(w.compare(.less, y, x), y, x)
      return w.select(w.compare(.unordered, x, y), number(.nan), least)
    case .maximum:
      let greatest = w.select(w.compare(.greaterOrEqual, y, x), y, x)
      return w.select(w.compare(.unordered, x, y), number(.nan), greatest)
    case .integerQuotient:
      let quotient = w.truncate(w.divide(x, y))
      return w.select(w.compare(.equal, y, number(0)), number(.nan), quotient)
    case .equal: return w.compare(.equal, x, y)
    case .notEqual: return w.compare(.notEqual, x, y)
    case .less: return w.compare(.less, x, y)
    case .lessOrEqual: return w.compare(.lessOrEqual, x, y)
    case .logAddExp:
      // The larger plus log(1 + exp(−distance)); equal infinities are themselves.
      let larger = w.select(w.compare(.greaterOrEqual, x, y), x, y)
      let distance = w.negate(w.absolute(w.subtract(x, y)))
      let rest = apply(.log1p, InlineMath.apply(.exp, distance, in: w), table: table, in: w)
      let sum = w.add(larger, rest)
      let same = w.select(w.compare(.equal, w.absolute(larger), number(.infinity)), larger, sum)
      return w.select(w.compare(.unordered, x, y), number(.nan), same)
    case .xLogY:
      let product = w.multiply(x, InlineMath.apply(.log, y, in: w))
      let isZero = w.and(w.compare(.equal, x, number(0)), w.not(w.isNaN(y)))
      return w.select(isZero, number(0), product)
    case .power: return InlineMath.apply(.power, x, y, in: w)
    case .atan2, .remainder, .integerRemainder:
      return call(KernelTable.place(of: operation), [x, y], table: table, in: w)
    case .logicalAnd, .logicalOr, .masked: return x
    }
  }

  /// Calls a function of the table, lane by lane.
  private static func call(_ place: Int, _ operands: [IRValue], table: IRValue, in w: IRWriter) -> IRValue {
    let slot = w.result(.pointer, 1, "getelementptr inbounds ptr, \(table.typed), i64 \(place)")
    let function = w.loadPointer(slot)
    let lanes = operands[0].lanes
    if lanes == 1 { return w.call(address: function, operands, returns: .real) }
    var result = IRValue(text: "poison", type: .real, lanes: lanes)
    for lane in 0..<lanes {
      let value = w.call(address: function, operands.map { w.lane($0, lane) }, returns: .real)
      result = w.inserting(value, into: result, at: lane)
    }
    return result
  }

  // MARK: - Reductions

  static func neutral(_ reduction: Reduction) -> Double {
    switch reduction {
    case .sum, .logSumExp: 0
    case .product: 1
    case .maximum: -.infinity
    case .minimum: .infinity
    }
  }

  static func combine(_ reduction: Reduction, _ a: IRValue, _ b: IRValue, in w: IRWriter) -> IRValue {
    switch reduction {
    case .sum, .logSumExp: return w.add(a, b)
    case .product: return w.multiply(a, b)
    case .maximum, .minimum:
      let better = w.select(w.compare(reduction == .maximum ? .greater : .less, b, a), b, a)
      return w.select(w.compare(.unordered, a, b), .real(.nan, lanes: a.lanes), better)
    }
  }

  /// All lanes joined by a fixed tree.
  static func combineLanes(_ reduction: Reduction, _ a: IRValue, in w: IRWriter) -> IRValue {
    guard a.lanes > 1 else { return a }
    if reduction == .sum { return w.sum(lanes: a) }
    var values = (0..<a.lanes).map { w.lane(a, $0) }
    while values.count > 1 {
      let half = values.count / 2
      values = (0..<half).map { combine(reduction, values[$0], values[$0 + half], in: w) }
    }
    return values[0]
  }
}
