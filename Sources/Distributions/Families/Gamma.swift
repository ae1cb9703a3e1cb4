import Foundation
import Numerics
package import TensorIR

/// The gamma distribution by shape and rate: mean shape / rate.
package struct GammaFamily: UnivariateFamily {
  package init() {}
  package let name = "Gamma(_:_:)"
  package let parameters = [
    DistributionParameter("shape", .real, .positive), DistributionParameter("rate", .real, .positive),
  ]
  package let supportDescription = "a positive number"

  package func support(_ parameters: [NodeID], _ b: GraphBuilder) -> Support { .positive }

  /// a log βx − βx − log Γ(a) − log x; at 0 its limit: +∞ below shape 1, log rate at 1, −∞ above.
  package func logDensity(_ value: NodeID, _ p: [NodeID], _ b: GraphBuilder) -> NodeID {
    let scaled = b.multiply(p[1], value)
    let inner = b.subtract(b.gammaKernel(p[0], scaled), b.log(value))
    let isInner = b.both(b.isAbove(value, 0), b.isBelow(value, .infinity))
    if let known = b.contents(of: isInner), known.elements.allSatisfy({ $0 != 0 }) { return inner }
    let atZero = b.select(
      b.isBelow(p[0], 1), b.constant(.infinity), b.select(b.isAbove(p[0], 1), b.constant(-.infinity), b.log(p[1])))
    // The product, not the value: where it overflows, the kernel's terms are infinities of both signs.
    let isInside = b.both(b.isAtLeast(value, 0), b.isBelow(scaled, .infinity))
    return b.within(isInside, b.select(isInner, inner, atZero))
  }

  package func draw(_ stream: StreamLabel, elements: NodeID, _ p: [NodeID], _ b: GraphBuilder) -> NodeID? {
    b.exp(b.subtract(b.random(.logGamma, stream, elements: elements, parameters: [p[0]]), b.log(p[1])))
  }

  package func mean(_ p: [Double]) -> Double { p[0] / p[1] }
  package func variance(_ p: [Double]) -> Double { p[0] / (p[1] * p[1]) }
  package func cdf(_ x: Double, _ p: [Double]) -> Double {
    x > 0 ? IncompleteGamma.lower(p[0], p[1] * x) : Tails.zero(x)
  }
  package func survival(_ x: Double, _ p: [Double]) -> Double {
    x > 0 ? IncompleteGamma.upper(p[0], p[1] * x) : Tails.one(x)
  }
  package func logCDF(_ x: Double, _ p: [Double]) -> Double {
    x > 0 ? IncompleteGamma.logLower(p[0], p[1] * x) : Tails.negativeInfinity(x)
  }
  package func logSurvival(_ x: Double, _ p: [Double]) -> Double {
    x > 0 ? IncompleteGamma.logUpper(p[0], p[1] * x) : Tails.zero(x)
  }
  package func quantile(_ probability: Double, _ p: [Double]) -> Double {
    IncompleteGamma.quantile(probability, shape: p[0]) / p[1]
  }
}
