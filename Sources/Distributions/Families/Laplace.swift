import Foundation
package import TensorIR

/// The Laplace distribution: the difference from `loc` is exponential of mean `scale`, to either side alike.
package struct LaplaceFamily: UnivariateFamily {
  package init() {}
  package let name = "Laplace(_:_:)"
  package let parameters = [
    DistributionParameter("loc", .real, .finite), DistributionParameter("scale", .real, .positive),
  ]
  package let supportDescription = "a real number"

  package func support(_ parameters: [NodeID], _ b: GraphBuilder) -> Support { .real }

  /// −|z| − log(2 scale)
  package func logDensity(_ value: NodeID, _ p: [NodeID], _ b: GraphBuilder) -> NodeID {
    let z = b.divide(b.subtract(value, p[0]), p[1])
    return b.subtract(b.negate(b.unary(.absolute, z)), b.plus(b.log(p[1]), log(2)))
  }

  package func draw(_ stream: StreamLabel, elements: NodeID, _ p: [NodeID], _ b: GraphBuilder) -> NodeID? {
    let uniform = b.random(.uniform, stream, elements: elements)
    // The quantile function: one number of the stream per draw, and 1 − u is exact on the stream's grid.
    let tail = b.binary(.minimum, uniform, b.subtract(b.constant(1), uniform))
    let size = b.log(b.times(tail, 2))
    return b.add(p[0], b.multiply(p[1], b.select(b.isBelow(uniform, 0.5), size, b.negate(size))))
  }

  package func mean(_ p: [Double]) -> Double { p[0] }
  package func variance(_ p: [Double]) -> Double { 2 * p[1] * p[1] }
  package func cdf(_ x: Double, _ p: [Double]) -> Double { below((x - p[0]) / p[1]) }
  package func survival(_ x: Double, _ p: [Double]) -> Double { below((p[0] - x) / p[1]) }
  package func logCDF(_ x: Double, _ p: [Double]) -> Double { logBelow((x - p[0]) / p[1]) }
  package func logSurvival(_ x: Double, _ p: [Double]) -> Double { logBelow((p[0] - x) / p[1]) }
  package func quantile(_ probability: Double, _ p: [Double]) -> Double {
    guard probability > 0, probability < 1 else { return Tails.ends(probability, -.infinity, .infinity) }
    return probability < 0.5 ? p[0] + p[1] * log(2 * probability) : p[0] - p[1] * log(2 * (1 - probability))
  }

  private func below(_ z: Double) -> Double { z < 0 ? 0.5 * exp(z) : 1 - 0.5 * exp(-z) }

  /// Not the log of `below`: that is 0 where exp(z) leaves the doubles.
  private func logBelow(_ z: Double) -> Double { z < 0 ? z - log(2) : log1p(-0.5 * exp(-z)) }
}
