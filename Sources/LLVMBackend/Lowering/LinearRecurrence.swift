internal import TensorIR

/// A loop whose only carry is a number c that becomes a c + u each step, with a and u that do not depend on it.
///
/// Eight steps are one affine function, composed in three rounds of shifts (Blelloch 1990, "Prefix sums and their
/// applications", section 1.4), so that the chain of dependent operations has one fused multiply-add per eight steps. A
/// term aᵏ u is rounded as often as in sequence, up to a constant: the error has the same bound. Where the product of up to
/// eight factors overflows, the carry is infinite or not a number, also if what it multiplies is 0.
struct LinearRecurrence {
  /// An operand of the loop, per step or the same for all; nil: 1.
  let factor: Int?
  let isFactorNegated: Bool
  let term: Int
  let isTermNegated: Bool

  /// Nil for any other loop.
  init?(_ body: ScanBody) {
    let graph = body.graph
    guard body.carryCount == 1, let next = graph.outputs.first,
      graph.outputs.allSatisfy({ graph[$0].shape.elementCount == 1 && ($0 == next || graph[$0].operation == .input(0)) }
      )
    else { return nil }
    func input(_ id: NodeID) -> Int? {
      guard case .input(let slot) = graph[id].operation, graph[id].shape.elementCount == 1, graph[id].element == .real
      else { return nil }
      return slot
    }
    /// The other factor of a product with the carry.
    func product(_ id: NodeID) -> (factor: Int?, isKnown: Bool) {
      if input(id) == 0 { return (nil, true) }
      let node = graph[id]
      guard node.operation == .binary(.multiply), let a = input(node.operands[0]), let c = input(node.operands[1]),
        (a == 0) != (c == 0)
      else { return (nil, false) }
      return (max(a, c), true)
    }
    let node = graph[next]
    guard node.operation == .binary(.add) || node.operation == .binary(.subtract) else { return nil }
    let isDifference = node.operation == .binary(.subtract)
    for (carried, other) in [(0, 1), (1, 0)] {
      let (factor, isKnown) = product(node.operands[carried])
      guard isKnown, let term = input(node.operands[other]), term > 0 else { continue }
      self.factor = factor
      self.term = term
      isFactorNegated = isDifference && carried == 1
      isTermNegated = isDifference && carried == 0
      return
    }
    return nil
  }

  /// Writes all whole blocks of eight steps.
  ///
  /// - Parameters:
  ///   - operands: Of the loop: numbers that hold for all steps, or addresses of one number per step.
  ///   - carry: The slot of the carry.
  ///   - zeros: Eight zeros in memory: shifts that fill up with zeros that LLVM knows become much slower instructions.
  ///   - stacks: Addresses of what is kept per step: the carry before the step, and after it.
  /// - Returns: The number of steps done.
  func emit(
    _ w: IRWriter, steps: Int, isReversed: Bool, operands: [Int: IRValue], carry: IRValue, zeros: IRValue,
    before: [IRValue], after: [IRValue]
  ) -> Int {
    let lanes = IRValue.vectorLanes
    let done = steps / lanes * lanes
    guard done >= 2 * lanes, let term = operands[term] else { return 0 }
    /// The lanes of earlier steps, `count` steps away.
    func earlier(_ a: IRValue, _ count: Int, filledWith fill: IRValue) -> IRValue {
      w.shifted(a, by: isReversed ? count : -count, fill: fill)
    }
    let zero = w.load(zeros, lanes: lanes)
    func signed(_ a: IRValue, _ isNegated: Bool) -> IRValue { isNegated ? w.negate(a) : a }
    /// Per lane the product of the factors of its step and those before it in the block, for 1, 2, 4 and 8 steps.
    func products(_ a: IRValue) -> [IRValue] {
      var result = [a]
      for count in [1, 2, 4] {
        let last = result[result.count - 1]
        result.append(w.multiply(last, earlier(last, count, filledWith: .real(1, lanes: lanes))))
      }
      return result
    }
    var fixed: [IRValue]?
    var perStep: IRValue?
    switch factor.map({ operands[$0] }) {
    case .none: break
    case .some(.none): return 0
    case .some(.some(let value)):
      if value.type == .real { fixed = products(w.splat(signed(value, isFactorNegated))) } else { perStep = value }
    }
    if factor == nil, isFactorNegated { fixed = products(.real(-1, lanes: lanes)) }
    w.loop(from: .integer(0), to: .integer(done), step: lanes, "block") { count in
      let first = isReversed ? w.subtractIntegers(.integer(steps - lanes), count) : count
      let factors =
        perStep.map { products(signed(w.load(w.address($0, first), lanes: lanes), isFactorNegated)) } ?? fixed
      var sum =
        term.type == .real ? w.splat(term) : w.load(w.address(term, first), lanes: lanes)
      sum = signed(sum, isTermNegated)
      for (round, count) in [1, 2, 4].enumerated() {
        let moved = earlier(sum, count, filledWith: zero)
        sum = factors.map { w.fma($0[round], moved, sum) } ?? w.add(sum, moved)
      }
      let start = w.loadSlot(carry, .real, lanes: 1)
      let all = w.splat(start)
      let values = factors.map { w.fma($0[3], all, sum) } ?? w.add(all, sum)
      for place in after { w.store(values, to: w.address(place, first)) }
      if !before.isEmpty {
        let previous = w.inserting(start, into: earlier(values, 1, filledWith: zero), at: isReversed ? lanes - 1 : 0)
        for place in before { w.store(previous, to: w.address(place, first)) }
      }
      w.storeSlot(w.lane(values, isReversed ? 0 : lanes - 1), carry)
    }
    return done
  }
}
