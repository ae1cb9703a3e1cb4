import Foundation
import Numerics
package import TensorIR

/// The Cauchy distribution; no moments exist.
package struct CauchyFamily: UnivariateFamily {
  package init() {}
  package let name = "Cauchy(_:_:)"
  package let parameters = [
    DistributionParameter("loc", .real, .finite), DistributionParameter("scale", .real, .positive),
  ]
  package let supportDescription = "a real number"

  package func support(_ parameters: [NodeID], _ b: GraphBuilder) -> Support { .real }

  /// −log(π scale) − log(1 + z²)
  package func logDensity(_ value: NodeID, _ p: [NodeID], _ b: GraphBuilder) -> NodeID {
    let z = b.divide(b.subtract(value, p[0]), p[1])
    return b.subtract(b.negate(b.log1pSquare(z)), b.plus(b.log(p[1]), log(Double.pi)))
  }

  package func draw(_ stream: StreamLabel, elements: NodeID, _ p: [NodeID], _ b: GraphBuilder) -> NodeID? {
    let uniform = b.random(.uniform, stream, elements: elements)
    return b.add(p[0], b.multiply(p[1], b.unary(.tan, b.times(b.plus(uniform, -0.5), Double.pi))))
  }

  package func mean(_ p: [Double]) -> Double { .nan }
  package func variance(_ p: [Double]) -> Double { .nan }
  package func cdf(_ x: Double, _ p: [Double]) -> Double { atan2(1, -(x - p[0]) / p[1]) / Double.pi }
  package func survival(_ x: Double, _ p: [Double]) -> Double { atan2(1, (x - p[0]) / p[1]) / Double.pi }
  package func quantile(_ probability: Double, _ p: [Double]) -> Double {
    guard probability > 0, probability < 1 else { return Tails.ends(probability, -.infinity, .infinity) }
    if probability == 0.5 { return p[0] }
    let tail = min(probability, 1 - probability)
    let z = 1 / tan(Double.pi * tail)
    return probability < 0.5 ? p[0] - p[1] * z : p[0] + p[1] * z
  }
}
