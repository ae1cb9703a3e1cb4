import Foundation
import Numerics
package import TensorIR

/// The number of successes in n trials of probability p.
package struct BinomialFamily: UnivariateFamily {
  package init() {}
  package let name = "Binomial(_:_:)"
  package let parameters = [
    DistributionParameter("n", .integer, .count), DistributionParameter("p", .real, .unitInterval),
  ]
  package let valueElement = ElementType.integer
  package let supportDescription = "a whole number from 0 to `n`"

  package func support(_ p: [NodeID], _ b: GraphBuilder) -> Support { .integers(below: binomialEnd(p[0], b)) }

  /// log C(n, k) + k log p + (n − k) log(1 − p), a zero count taking nothing from a log of 0.
  package func logDensity(_ value: NodeID, _ p: [NodeID], _ b: GraphBuilder) -> NodeID {
    let successes = b.binary(.xLogY, value, p[1])
    let failureCount = b.subtract(p[0], value)
    let logFailure = b.unary(.log1p, b.negate(p[1]))
    let failures = b.select(b.isAbove(failureCount, 0), b.multiply(failureCount, logFailure), b.constant(0))
    return b.within(
      isCount(value, upTo: p[0], b), b.add(b.logChoose(p[0], value), b.add(successes, failures)))
  }

  package func draw(_ stream: StreamLabel, elements: NodeID, _ p: [NodeID], _ b: GraphBuilder) -> NodeID? {
    b.random(.binomial, stream, elements: elements, parameters: [p[0], p[1]])
  }

  package func mean(_ p: [Double]) -> Double { p[0] * p[1] }
  package func variance(_ p: [Double]) -> Double { p[0] * p[1] * (1 - p[1]) }
  package func cdf(_ x: Double, _ p: [Double]) -> Double { binomialCDF(x, p[0], p[1], 1 - p[1]) }
  package func survival(_ x: Double, _ p: [Double]) -> Double { binomialSurvival(x, p[0], p[1], 1 - p[1]) }
  package func quantile(_ probability: Double, _ p: [Double]) -> Double {
    Tails.countQuantile(probability, start: p[0] * p[1], last: p[0], cdf: { cdf($0, p) }, survival: { survival($0, p) })
  }
}

/// The number of successes in n trials with log odds `logits`.
package struct BinomialLogitsFamily: UnivariateFamily {
  package init() {}
  package let name = "Binomial(_:logits:)"
  package let parameters = [
    DistributionParameter("n", .integer, .count), DistributionParameter("logits", .real, .extended),
  ]
  package let valueElement = ElementType.integer
  package let supportDescription = "a whole number from 0 to `n`"

  package func support(_ p: [NodeID], _ b: GraphBuilder) -> Support { .integers(below: binomialEnd(p[0], b)) }

  /// log C(n, k) − k softplus(−η) − (n − k) softplus(η)
  package func logDensity(_ value: NodeID, _ p: [NodeID], _ b: GraphBuilder) -> NodeID {
    // softplus(−η) = softplus(η) − η would cancel where η is large; both tails are kept. A zero count takes nothing
    // from an infinite one.
    let failureCount = b.subtract(p[0], value)
    let successes = b.multiply(value, b.binary(.masked, b.unary(.logLogistic, p[1]), value))
    let failures = b.multiply(failureCount, b.binary(.masked, b.unary(.softplus, p[1]), failureCount))
    return b.within(
      isCount(value, upTo: p[0], b), b.add(b.logChoose(p[0], value), b.subtract(successes, failures)))
  }

  package func draw(_ stream: StreamLabel, elements: NodeID, _ p: [NodeID], _ b: GraphBuilder) -> NodeID? {
    b.random(.binomial, stream, elements: elements, parameters: [p[0], b.unary(.logistic, p[1])])
  }

  package func mean(_ p: [Double]) -> Double { p[0] * Special.logistic(p[1]) }
  package func variance(_ p: [Double]) -> Double { p[0] * Special.logistic(p[1]) * Special.logistic(-p[1]) }
  package func cdf(_ x: Double, _ p: [Double]) -> Double {
    binomialCDF(x, p[0], Special.logistic(p[1]), Special.logistic(-p[1]))
  }
  package func survival(_ x: Double, _ p: [Double]) -> Double {
    binomialSurvival(x, p[0], Special.logistic(p[1]), Special.logistic(-p[1]))
  }
  package func quantile(_ probability: Double, _ p: [Double]) -> Double {
    Tails.countQuantile(probability, start: mean(p), last: p[0], cdf: { cdf($0, p) }, survival: { survival($0, p) })
  }
}

private func isCount(_ value: NodeID, upTo n: NodeID, _ b: GraphBuilder) -> NodeID {
  b.both(b.isWhole(value), b.both(b.isAtLeast(value, 0), b.binary(.lessOrEqual, value, n)))
}

private func binomialEnd(_ n: NodeID, _ b: GraphBuilder) -> Int? {
  guard let known = b.contents(of: n), let largest = known.elements.max() else { return nil }
  return Int(exactly: largest + 1)
}

/// P(X ≤ k) = I₁₋ₚ(n − k, k + 1), with q = 1 − p given apart.
private func binomialCDF(_ x: Double, _ n: Double, _ p: Double, _ q: Double) -> Double {
  if x.isNaN { return x }
  let k = x.rounded(.down)
  if k < 0 { return 0 }
  if k >= n { return 1 }
  return IncompleteBeta.regularized(n - k, k + 1, q, p)
}

private func binomialSurvival(_ x: Double, _ n: Double, _ p: Double, _ q: Double) -> Double {
  if x.isNaN { return x }
  let k = x.rounded(.down)
  if k < 0 { return 1 }
  if k >= n { return 0 }
  return IncompleteBeta.regularized(k + 1, n - k, p, q)
}
