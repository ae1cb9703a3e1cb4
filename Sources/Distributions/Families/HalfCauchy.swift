import Foundation
import Numerics
package import TensorIR

/// A Cauchy centered at 0 restricted to positive values.
package struct HalfCauchyFamily: UnivariateFamily {
  package init() {}
  package let name = "HalfCauchy(_:)"
  package let parameters = [DistributionParameter("scale", .real, .positive)]
  package let supportDescription = "a nonnegative number"

  package func support(_ parameters: [NodeID], _ b: GraphBuilder) -> Support { .positive }

  /// log 2 − log(π scale) − log(1 + (x / scale)²)
  package func logDensity(_ value: NodeID, _ p: [NodeID], _ b: GraphBuilder) -> NodeID {
    let tail = b.negate(b.log1pSquare(b.divide(value, p[0])))
    return b.within(b.isAtLeast(value, 0), b.subtract(tail, b.plus(b.log(p[0]), log(Double.pi / 2))))
  }

  package func draw(_ stream: StreamLabel, elements: NodeID, _ p: [NodeID], _ b: GraphBuilder) -> NodeID? {
    let uniform = b.random(.uniform, stream, elements: elements)
    return b.multiply(p[0], b.unary(.tan, b.times(uniform, Double.pi / 2)))
  }

  package func mean(_ p: [Double]) -> Double { .infinity }
  package func variance(_ p: [Double]) -> Double { .infinity }
  package func cdf(_ x: Double, _ p: [Double]) -> Double { x > 0 ? 2 / Double.pi * atan(x / p[0]) : Tails.zero(x) }
  package func survival(_ x: Double, _ p: [Double]) -> Double {
    x > 0 ? 2 / Double.pi * atan2(1, x / p[0]) : Tails.one(x)
  }
  package func quantile(_ probability: Double, _ p: [Double]) -> Double {
    guard probability > 0, probability < 1 else { return Tails.ends(probability, 0, .infinity) }
    if probability < 0.5 { return p[0] * tan(0.5 * Double.pi * probability) }
    return p[0] / tan(0.5 * Double.pi * (1 - probability))
  }
}
