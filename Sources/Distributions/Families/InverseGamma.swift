import Foundation
import Numerics
package import TensorIR

/// The distribution of 1 / x with x gamma of this shape and rate `scale`.
package struct InverseGammaFamily: UnivariateFamily {
  package init() {}
  package let name = "InverseGamma(_:_:)"
  package let parameters = [
    DistributionParameter("shape", .real, .positive), DistributionParameter("scale", .real, .positive),
  ]
  package let supportDescription = "a positive number"

  package func support(_ parameters: [NodeID], _ b: GraphBuilder) -> Support { .positive }

  /// a log(s / x) − s / x − log Γ(a) − log x
  package func logDensity(_ value: NodeID, _ p: [NodeID], _ b: GraphBuilder) -> NodeID {
    let ratio = b.divide(p[1], value)
    // The ratio says it for value and scale together: not where the value is 0, negative or infinite.
    let isInside = b.both(b.isAbove(ratio, 0), b.isBelow(ratio, .infinity))
    return b.within(isInside, b.subtract(b.gammaKernel(p[0], ratio), b.log(value)))
  }

  package func draw(_ stream: StreamLabel, elements: NodeID, _ p: [NodeID], _ b: GraphBuilder) -> NodeID? {
    b.exp(b.subtract(b.log(p[1]), b.random(.logGamma, stream, elements: elements, parameters: [p[0]])))
  }

  package func mean(_ p: [Double]) -> Double { p[0] > 1 ? p[1] / (p[0] - 1) : .infinity }
  package func variance(_ p: [Double]) -> Double {
    guard p[0] > 2 else { return .infinity }
    let mean = mean(p)
    return mean * mean / (p[0] - 2)
  }
  package func cdf(_ x: Double, _ p: [Double]) -> Double {
    x > 0 ? IncompleteGamma.upper(p[0], p[1] / x) : Tails.zero(x)
  }
  package func survival(_ x: Double, _ p: [Double]) -> Double {
    x > 0 ? IncompleteGamma.lower(p[0], p[1] / x) : Tails.one(x)
  }
  package func logCDF(_ x: Double, _ p: [Double]) -> Double {
    x > 0 ? IncompleteGamma.logUpper(p[0], p[1] / x) : Tails.negativeInfinity(x)
  }
  package func logSurvival(_ x: Double, _ p: [Double]) -> Double {
    x > 0 ? IncompleteGamma.logLower(p[0], p[1] / x) : Tails.zero(x)
  }
  package func quantile(_ probability: Double, _ p: [Double]) -> Double {
    p[1] / IncompleteGamma.quantile(ofComplement: probability, shape: p[0])
  }
}
