import Foundation
import Numerics
package import TensorIR

/// The normal distribution by mean and standard deviation.
package struct NormalFamily: UnivariateFamily {
  package init() {}
  package let name = "Normal(_:_:)"
  package let parameters = [
    DistributionParameter("loc", .real, .finite), DistributionParameter("scale", .real, .positive),
  ]
  package let supportDescription = "a real number"

  package func support(_ parameters: [NodeID], _ b: GraphBuilder) -> Support { .real }

  /// −½z² − log scale − ½ log 2π with z = (x − loc) / scale.
  package func logDensity(_ value: NodeID, _ p: [NodeID], _ b: GraphBuilder) -> NodeID {
    let z = b.divide(b.subtract(value, p[0]), p[1])
    return b.subtract(b.times(b.square(z), -0.5), b.plus(b.log(p[1]), halfLogTwoPi))
  }

  package func draw(_ stream: StreamLabel, elements: NodeID, _ p: [NodeID], _ b: GraphBuilder) -> NodeID? {
    b.add(p[0], b.multiply(p[1], b.random(.normal, stream, elements: elements)))
  }

  package func mean(_ p: [Double]) -> Double { p[0] }
  package func variance(_ p: [Double]) -> Double { p[1] * p[1] }
  package func cdf(_ x: Double, _ p: [Double]) -> Double { Special.normalCDF((x - p[0]) / p[1]) }
  package func survival(_ x: Double, _ p: [Double]) -> Double { Special.normalCDF((p[0] - x) / p[1]) }
  package func logCDF(_ x: Double, _ p: [Double]) -> Double { Special.normalLogCDF((x - p[0]) / p[1]) }
  package func logSurvival(_ x: Double, _ p: [Double]) -> Double { Special.normalLogCDF((p[0] - x) / p[1]) }
  package func quantile(_ probability: Double, _ p: [Double]) -> Double {
    p[0] + p[1] * Special.normalQuantile(probability)
  }
}
