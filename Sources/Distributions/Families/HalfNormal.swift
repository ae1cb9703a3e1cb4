import Foundation
import Numerics
package import TensorIR

/// A normal of mean 0 restricted to positive values.
package struct HalfNormalFamily: UnivariateFamily {
  package init() {}
  package let name = "HalfNormal(_:)"
  package let parameters = [DistributionParameter("scale", .real, .positive)]
  package let supportDescription = "a nonnegative number"

  package func support(_ parameters: [NodeID], _ b: GraphBuilder) -> Support { .positive }

  /// log 2 − ½(x / scale)² − log scale − ½ log 2π
  package func logDensity(_ value: NodeID, _ p: [NodeID], _ b: GraphBuilder) -> NodeID {
    let z = b.divide(value, p[0])
    let density = b.subtract(b.times(b.square(z), -0.5), b.plus(b.log(p[0]), halfLogTwoPi - log(2)))
    return b.within(b.isAtLeast(value, 0), density)
  }

  package func draw(_ stream: StreamLabel, elements: NodeID, _ p: [NodeID], _ b: GraphBuilder) -> NodeID? {
    b.multiply(p[0], b.unary(.absolute, b.random(.normal, stream, elements: elements)))
  }

  package func mean(_ p: [Double]) -> Double { p[0] * (2 / Double.pi).squareRoot() }
  package func variance(_ p: [Double]) -> Double { p[0] * p[0] * (1 - 2 / Double.pi) }
  package func cdf(_ x: Double, _ p: [Double]) -> Double {
    x > 0 ? Special.erf(x / p[0] / 2.0.squareRoot()) : Tails.zero(x)
  }
  package func survival(_ x: Double, _ p: [Double]) -> Double {
    x > 0 ? Special.erfc(x / p[0] / 2.0.squareRoot()) : Tails.one(x)
  }
  package func logSurvival(_ x: Double, _ p: [Double]) -> Double {
    x > 0 ? log(2) + Special.normalLogCDF(-x / p[0]) : Tails.zero(x)
  }
  package func quantile(_ probability: Double, _ p: [Double]) -> Double {
    guard probability > 0, probability < 1 else { return Tails.ends(probability, 0, .infinity) }
    var z = -Special.normalQuantile(0.5 * (1 - probability))
    // In the lower half (1 − p) / 2 has lost the digits of p; one step on erf brings them back.
    if probability < 0.5 {
      let slope = (2 / Double.pi).squareRoot() * exp(-0.5 * z * z)
      z -= (Special.erf(z / 2.0.squareRoot()) - probability) / slope
    }
    return p[0] * z
  }
}
