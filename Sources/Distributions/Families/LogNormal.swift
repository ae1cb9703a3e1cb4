import Foundation
import Numerics
package import TensorIR

/// The distribution of exp(x) with x normal.
package struct LogNormalFamily: UnivariateFamily {
  package init() {}
  package let name = "LogNormal(_:_:)"
  package let parameters = [
    DistributionParameter("loc", .real, .finite), DistributionParameter("scale", .real, .positive),
  ]
  package let supportDescription = "a positive number"

  package func support(_ parameters: [NodeID], _ b: GraphBuilder) -> Support { .positive }

  /// The normal log density of log x, minus log x.
  package func logDensity(_ value: NodeID, _ p: [NodeID], _ b: GraphBuilder) -> NodeID {
    let logValue = b.log(value)
    return b.within(b.isAbove(value, 0), b.subtract(NormalFamily().logDensity(logValue, p, b), logValue))
  }

  package func draw(_ stream: StreamLabel, elements: NodeID, _ p: [NodeID], _ b: GraphBuilder) -> NodeID? {
    NormalFamily().draw(stream, elements: elements, p, b).map { b.exp($0) }
  }

  package func mean(_ p: [Double]) -> Double { exp(p[0] + 0.5 * p[1] * p[1]) }
  package func variance(_ p: [Double]) -> Double { expm1(p[1] * p[1]) * exp(2 * p[0] + p[1] * p[1]) }

  private func standard(_ x: Double, _ p: [Double]) -> Double {
    x > 0 ? (log(x) - p[0]) / p[1] : (x.isNaN ? x : -.infinity)
  }
  package func cdf(_ x: Double, _ p: [Double]) -> Double { Special.normalCDF(standard(x, p)) }
  package func survival(_ x: Double, _ p: [Double]) -> Double { Special.normalCDF(-standard(x, p)) }
  package func logCDF(_ x: Double, _ p: [Double]) -> Double { Tails.normalLogCDF(standard(x, p)) }
  package func logSurvival(_ x: Double, _ p: [Double]) -> Double { Tails.normalLogCDF(-standard(x, p)) }
  package func quantile(_ probability: Double, _ p: [Double]) -> Double {
    exp(p[0] + p[1] * Special.normalQuantile(probability))
  }
}
