import Foundation
import Numerics
package import TensorIR

/// The beta distribution on (0, 1).
package struct BetaFamily: UnivariateFamily {
  package init() {}
  package let name = "Beta(_:_:)"
  package let parameters = [DistributionParameter("a", .real, .positive), DistributionParameter("b", .real, .positive)]
  package let supportDescription = "a number between 0 and 1"

  package func support(_ parameters: [NodeID], _ b: GraphBuilder) -> Support { .unitInterval }

  /// (a − 1) log x + (b − 1) log(1 − x) − log B(a, b), with its limits at 0 and 1.
  package func logDensity(_ value: NodeID, _ p: [NodeID], _ b: GraphBuilder) -> NodeID {
    let first = b.plus(p[0], -1)
    let second = b.plus(p[1], -1)
    let normalizer = b.logBeta(p[0], p[1])
    let inner = b.subtract(
      b.add(b.multiply(first, b.log(value)), b.multiply(second, b.unary(.log1p, b.negate(value)))), normalizer)
    let isInner = b.both(b.isAbove(value, 0), b.isBelow(value, 1))
    if let known = b.contents(of: isInner), known.elements.allSatisfy({ $0 != 0 }) { return inner }
    let edge = b.subtract(
      b.add(
        b.binary(.xLogY, first, value), b.binary(.xLogY, second, b.subtract(b.constant(1), value))), normalizer)
    let isInside = b.both(b.isAtLeast(value, 0), b.isAtMost(value, 1))
    return b.within(isInside, b.select(isInner, inner, edge))
  }

  package func draw(_ stream: StreamLabel, elements: NodeID, _ p: [NodeID], _ b: GraphBuilder) -> NodeID? {
    let first = b.random(.logGamma, stream, elements: elements, parameters: [p[0]])
    let second = b.random(.logGamma, stream.part(1), elements: elements, parameters: [p[1]])
    return b.unary(.logistic, b.subtract(first, second))
  }

  package func mean(_ p: [Double]) -> Double { p[0] / (p[0] + p[1]) }
  package func variance(_ p: [Double]) -> Double {
    let total = p[0] + p[1]
    return (p[0] / total) * (p[1] / total) / (total + 1)
  }
  package func cdf(_ x: Double, _ p: [Double]) -> Double {
    guard x > 0, x < 1 else { return x >= 1 ? 1 : Tails.zero(x) }
    return IncompleteBeta.regularized(p[0], p[1], x, 1 - x)
  }
  package func survival(_ x: Double, _ p: [Double]) -> Double {
    guard x > 0, x < 1 else { return x >= 1 ? 0 : Tails.one(x) }
    return IncompleteBeta.regularized(p[1], p[0], 1 - x, x)
  }
  package func quantile(_ probability: Double, _ p: [Double]) -> Double {
    guard probability > 0, probability < 1 else { return Tails.ends(probability, 0, 1) }
    // On the logit scale both ends keep their digits.
    let start = log(p[0] / p[1])
    let isLow = probability < 0.5
    let goal = log(isLow ? probability : 1 - probability)
    let logit = MonotoneRoot.solve(from: start, step: 1) { u in
      let x = Special.logistic(u)
      let y = Special.logistic(-u)
      if isLow { return log(IncompleteBeta.regularized(p[0], p[1], x, y)) - goal }
      return goal - log(IncompleteBeta.regularized(p[1], p[0], y, x))
    }
    return Special.logistic(logit)
  }
}
