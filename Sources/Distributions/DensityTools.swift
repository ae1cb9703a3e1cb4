import Foundation
import Numerics
package import TensorIR

func logOf(_ count: Int) -> Double { log(Double(count)) }

/// Half the log of 2π.
let halfLogTwoPi = 0.5 * Special.logTwoPi

extension GraphBuilder {
  /// A scalar over a shape; anything else as it is.
  package func spread(_ node: NodeID, to shape: Shape) -> NodeID {
    self.shape(node).isEmpty && !shape.isEmpty ? broadcast(node, to: shape, mapping: []) : node
  }

  /// A tensor repeated over batch axes in front of its own.
  package func repeated(_ node: NodeID, to shape: Shape) -> NodeID {
    let rank = self.shape(node).count
    if rank >= shape.count { return node }
    return broadcast(node, to: shape, mapping: Array((shape.count - rank)..<shape.count))
  }

  /// `density` where `condition` holds, −∞ elsewhere. Known to hold everywhere (data inside the support), it costs nothing.
  func within(_ condition: NodeID, _ density: NodeID) -> NodeID {
    if let known = contents(of: condition), known.elements.allSatisfy({ $0 != 0 }) { return density }
    return select(condition, density, constant(-.infinity))
  }

  /// Whether a value is a whole number; integers that are computed are, data are looked at.
  func isWhole(_ x: NodeID) -> NodeID {
    let isChecked = element(x) == .real || contents(of: x) != nil
    return binary(.equal, x, isChecked ? unary(.floor, x) : x)
  }

  /// x ≥ bound; false for NaN.
  func isAtLeast(_ x: NodeID, _ bound: Double) -> NodeID { binary(.lessOrEqual, constant(bound), x) }
  func isAbove(_ x: NodeID, _ bound: Double) -> NodeID { binary(.less, constant(bound), x) }
  func isAtMost(_ x: NodeID, _ bound: Double) -> NodeID { binary(.lessOrEqual, x, constant(bound)) }
  func isBelow(_ x: NodeID, _ bound: Double) -> NodeID { binary(.less, x, constant(bound)) }
  func both(_ a: NodeID, _ b: NodeID) -> NodeID { binary(.logicalAnd, a, b) }

  func plus(_ x: NodeID, _ number: Double) -> NodeID { add(x, constant(number)) }
  func times(_ x: NodeID, _ number: Double) -> NodeID { multiply(constant(number), x) }

  /// log(1 + u²) without overflow.
  func log1pSquare(_ u: NodeID) -> NodeID {
    // From 2³⁰ on the 1 is below half an ulp of the logarithm.
    let size = unary(.absolute, u)
    return select(isAbove(size, 0x1p30), times(log(size), 2), unary(.log1p, square(u)))
  }

  /// log(k! / √(2πk) …): log Γ(k + 1) − k log k + k, for whole k ≥ 0.
  func logFactorialRemainder(_ k: NodeID) -> NodeID {
    let positive = binary(.maximum, k, constant(1))
    let remainder = add(times(plus(log(positive), Special.logTwoPi), 0.5), stirlingRemainder(positive))
    return select(isAbove(k, 0), remainder, constant(0))
  }

  /// log C(n, k) for whole 0 ≤ k ≤ n; outside meaningless but not NaN.
  func logChoose(_ n: NodeID, _ k: NodeID) -> NodeID {
    let kept = binary(.maximum, subtract(n, k), constant(0))
    let first = binary(.maximum, k, constant(1))
    let second = binary(.maximum, kept, constant(1))
    let whole = binary(.maximum, n, constant(1))
    // k log(n/k) + (n − k) log(n/(n − k)) + what Stirling's formula leaves of the three factorials.
    let terms = add(
      multiply(k, log(divide(whole, first))),
      multiply(kept, unary(.log1p, divide(binary(.maximum, k, constant(0)), second))))
    let remainder = subtract(
      logFactorialRemainder(n), add(logFactorialRemainder(k), logFactorialRemainder(kept)))
    let isInner = both(isAbove(k, 0), isAbove(kept, 0))
    return select(isInner, add(terms, remainder), constant(0))
  }

  /// log of the density of a gamma variate of rate 1 at y, times y: a log y − y − log Γ(a), for positive y.
  ///
  /// From shape 10 on as a deviation from the mode (Loader 2000, "Fast and accurate computation of binomial
  /// probabilities"), so that large shapes lose no digits.
  func gammaKernel(_ a: NodeID, _ y: NodeID) -> NodeID {
    let ratio = divide(y, a)
    let deviation = multiply(a, plus(subtract(log(ratio), ratio), 1))
    let scale = plus(times(log(a), 0.5), -halfLogTwoPi)
    let large = add(deviation, subtract(scale, stirlingRemainder(a)))
    let small = subtract(subtract(multiply(a, log(y)), y), unary(.logGamma, a))
    return select(isAtLeast(a, 10), large, small)
  }

  /// Entries of the last axis picked by whole numbers: `[…, K]`, or `[K]` for all, at indices of the batch shape.
  func pick(_ table: NodeID, _ index: NodeID) -> NodeID {
    let shape = self.shape(table)
    guard let last = shape.last else { return table }
    let top = scalarData(Double(max(0, last.extent - 1)), element: .integer)
    let lowest = scalarData(0, element: .integer)
    let safe = binary(.minimum, binary(.maximum, unary(.toInteger, index), lowest), top)
    if shape.count == 1 { return gather(table, [safe]) }
    let batch = Array(shape.dropLast())
    var indices = batch.indices.map { axis in
      let numbers = data(
        TensorData(extents: [batch[axis].extent], elements: (0..<batch[axis].extent).map(Double.init)),
        element: .integer)
      return broadcast(numbers, to: batch, mapping: [axis])
    }
    indices.append(spread(safe, to: batch))
    return gather(table, indices)
  }

  /// Numbers for the entries of vectors whose own numbers are `elements`: `[…]` to `[…, count]`.
  func entryNumbers(_ elements: NodeID, count: Int) -> NodeID {
    let shape = self.shape(elements) + [Dimension(count)]
    let batchAxes = Array(0..<(shape.count - 1))
    let entries = data(
      TensorData(extents: [count], elements: (0..<count).map(Double.init)), element: .integer)
    let base = multiply(elements, scalarData(Double(count), element: .integer))
    return add(
      broadcast(base, to: shape, mapping: batchAxes), broadcast(entries, to: shape, mapping: [shape.count - 1]))
  }
}

extension StreamLabel {
  /// The label of a further stream of the same draw.
  func part(_ number: UInt64) -> StreamLabel {
    StreamLabel(high: high, low: low &+ number &* 0x9E37_79B9_7F4A_7C15)
  }
}
