import Foundation
package import TensorIR

/// The exponential distribution by its rate: mean 1 / rate.
package struct ExponentialFamily: UnivariateFamily {
  package init() {}
  package let name = "Exponential(_:)"
  package let parameters = [DistributionParameter("rate", .real, .positive)]
  package let supportDescription = "a nonnegative number"

  package func support(_ parameters: [NodeID], _ b: GraphBuilder) -> Support { .positive }

  /// log rate − rate x
  package func logDensity(_ value: NodeID, _ p: [NodeID], _ b: GraphBuilder) -> NodeID {
    b.within(b.isAtLeast(value, 0), b.subtract(b.log(p[0]), b.multiply(p[0], value)))
  }

  package func draw(_ stream: StreamLabel, elements: NodeID, _ p: [NodeID], _ b: GraphBuilder) -> NodeID? {
    b.divide(b.negate(b.log(b.random(.uniform, stream, elements: elements))), p[0])
  }

  package func mean(_ p: [Double]) -> Double { 1 / p[0] }
  package func variance(_ p: [Double]) -> Double { 1 / (p[0] * p[0]) }
  package func cdf(_ x: Double, _ p: [Double]) -> Double { x > 0 ? -expm1(-p[0] * x) : Tails.zero(x) }
  package func survival(_ x: Double, _ p: [Double]) -> Double { x > 0 ? exp(-p[0] * x) : Tails.one(x) }
  package func logSurvival(_ x: Double, _ p: [Double]) -> Double { x > 0 ? -p[0] * x : Tails.zero(x) }
  package func quantile(_ probability: Double, _ p: [Double]) -> Double {
    guard probability >= 0, probability <= 1 else { return .nan }
    return -log1p(-probability) / p[0]
  }
}
