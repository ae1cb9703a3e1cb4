/// A real of one lane or eight with the writer of its function, so that formulas read as formulas.
///
/// Every operator is one instruction, written in the order in which Swift evaluates.
struct LaneReal {
  let value: IRValue
  let w: IRWriter

  init(_ value: IRValue, _ w: IRWriter) {
    self.value = value
    self.w = w
  }

  func constant(_ c: Double) -> LaneReal { LaneReal(.real(c, lanes: value.lanes), w) }

  static func + (a: LaneReal, b: LaneReal) -> LaneReal { LaneReal(a.w.add(a.value, b.value), a.w) }
  static func - (a: LaneReal, b: LaneReal) -> LaneReal { LaneReal(a.w.subtract(a.value, b.value), a.w) }
  static func * (a: LaneReal, b: LaneReal) -> LaneReal { LaneReal(a.w.multiply(a.value, b.value), a.w) }
  static func / (a: LaneReal, b: LaneReal) -> LaneReal { LaneReal(a.w.divide(a.value, b.value), a.w) }
  static func + (a: LaneReal, b: Double) -> LaneReal { a + a.constant(b) }
  static func - (a: LaneReal, b: Double) -> LaneReal { a - a.constant(b) }
  static func * (a: LaneReal, b: Double) -> LaneReal { a * a.constant(b) }
  static func + (a: Double, b: LaneReal) -> LaneReal { b.constant(a) + b }
  static func - (a: Double, b: LaneReal) -> LaneReal { b.constant(a) - b }
  static func / (a: Double, b: LaneReal) -> LaneReal { b.constant(a) / b }
  static prefix func - (a: LaneReal) -> LaneReal { LaneReal(a.w.negate(a.value), a.w) }

  static func .< (a: LaneReal, b: Double) -> IRValue { a.w.compare(.less, a.value, a.constant(b).value) }
  func isAtMost(_ bound: Double) -> IRValue { w.compare(.lessOrEqual, value, constant(bound).value) }
  static func .> (a: LaneReal, b: Double) -> IRValue { a.w.compare(.greater, a.value, a.constant(b).value) }
  static func .== (a: LaneReal, b: Double) -> IRValue { a.w.compare(.equal, a.value, a.constant(b).value) }
  static func .== (a: LaneReal, b: LaneReal) -> IRValue { a.w.compare(.equal, a.value, b.value) }
  static func .!= (a: LaneReal, b: LaneReal) -> IRValue { a.w.compare(.notEqual, a.value, b.value) }

  /// self · b + c, rounded once.
  func fma(_ b: LaneReal, _ c: LaneReal) -> LaneReal { LaneReal(w.fma(value, b.value, c.value), w) }
  func fma(_ b: Double, _ c: LaneReal) -> LaneReal { fma(constant(b), c) }
  func fma(_ b: Double, _ c: Double) -> LaneReal { fma(constant(b), constant(c)) }

  var magnitude: LaneReal { LaneReal(w.absolute(value), w) }
  var squareRoot: LaneReal { LaneReal(w.squareRoot(value), w) }
  var floor: LaneReal { LaneReal(w.floor(value), w) }
  var rounded: LaneReal { LaneReal(w.roundToEven(value), w) }
  func withSign(of other: LaneReal) -> LaneReal { LaneReal(w.copySign(value, other.value), w) }
  func withSign(of other: Double) -> LaneReal { withSign(of: constant(other)) }

  /// NaN stays.
  func atMost(_ bound: Double) -> LaneReal { (self .> bound).select(constant(bound), self) }
  func atLeast(_ bound: Double) -> LaneReal { (self .< bound).select(constant(bound), self) }

  /// c₀ + c₁ x + … by Estrin's scheme.
  func polynomial(_ coefficients: [Double]) -> LaneReal {
    LaneReal(InlineMath.estrin(coefficients, value, in: w), w)
  }

  /// The same by Horner's rule in x⁴, four chains side by side (Knuth, TAOCP 4.6.4): for long polynomials it rounds less
  /// than Estrin's scheme.
  func longPolynomial(_ coefficients: [Double]) -> LaneReal {
    let square = self * self
    let power = square * square
    func chain(_ start: Int) -> LaneReal {
      let terms = stride(from: start, to: coefficients.count, by: 4).map { coefficients[$0] }
      return terms.dropLast().reversed().reduce(constant(terms[terms.count - 1])) { $0.fma(power, constant($1)) }
    }
    let upper = chain(3).fma(self, chain(2))
    return upper.fma(square, chain(1).fma(self, chain(0)))
  }

  // MARK: - Sums and products without error (Dekker 1971; Knuth, TAOCP 4.2.2)

  /// a + b = high + low exactly.
  static func twoSum(_ a: LaneReal, _ b: LaneReal) -> (high: LaneReal, low: LaneReal) {
    let high = a + b
    let part = high - a
    return (high, (a - (high - part)) + (b - part))
  }

  /// The same where |a| ≥ |b| or a is 0.
  static func orderedSum(_ a: LaneReal, _ b: LaneReal) -> (high: LaneReal, low: LaneReal) {
    let high = a + b
    return (high, b - (high - a))
  }

  /// a · b = high + low exactly, unless the low part underflows.
  static func twoProduct(_ a: LaneReal, _ b: LaneReal) -> (high: LaneReal, low: LaneReal) {
    let high = a * b
    return (high, a.fma(b, -high))
  }
}

extension IRValue {
  /// self ? a : b per lane.
  func select(_ a: LaneReal, _ b: LaneReal) -> LaneReal { LaneReal(a.w.select(self, a.value, b.value), a.w) }
  func select(_ a: Double, _ b: LaneReal) -> LaneReal { select(b.constant(a), b) }
  func select(_ a: LaneReal, _ b: Double) -> LaneReal { select(a, a.constant(b)) }
}

/// Compares lane by lane, as the operators of SIMD vectors do.
infix operator .< : ComparisonPrecedence
infix operator .> : ComparisonPrecedence
infix operator .== : ComparisonPrecedence
infix operator .!= : ComparisonPrecedence

extension InlineMath {
  /// `usual`, or where the condition holds `rare`, whose instructions are passed over where no lane needs them.
  static func selectRare(_ condition: IRValue, usual: LaneReal, rare: () -> LaneReal) -> LaneReal {
    let w = usual.w
    var isAny = condition
    if condition.lanes > 1 {
      let mask = w.register()
      w.append("\(mask) = bitcast \(condition.typed) to i\(condition.lanes)")
      isAny = w.result(.truth, 1, "icmp ne i\(condition.lanes) \(mask), 0")
    }
    // Registers are then given to the usual way.
    w.module.declare("declare i1 @llvm.expect.i1(i1, i1)")
    isAny = w.result(.truth, 1, "call i1 @llvm.expect.i1(\(isAny.typed), i1 false)")
    let before = w.block
    let inside = w.label("rare")
    let after = w.label("usual")
    w.branch(isAny, inside, after)
    w.begin(block: inside)
    let value = condition.select(rare(), usual)
    let end = w.block
    w.jump(after)
    w.begin(block: after)
    return LaneReal(
      w.result(
        .real, condition.lanes,
        "phi \(usual.value.typeName) [ \(usual.value.text), %\(before) ], [ \(value.value.text), %\(end) ]"), w)
  }
}
