import Foundation
package import TensorIR

/// Counts with mean `rate`; rate 0 is a point mass at 0.
package struct PoissonFamily: UnivariateFamily {
  package init() {}
  package let name = "Poisson(_:)"
  package let parameters = [DistributionParameter("rate", .real, .nonnegative)]
  package let valueElement = ElementType.integer
  package let supportDescription = "a whole number ≥ 0"

  package func support(_ parameters: [NodeID], _ b: GraphBuilder) -> Support { .integers(below: nil) }

  /// k log rate − rate − log k!, as k log(rate / k) − (rate − k) − what Stirling's formula leaves of log k!.
  package func logDensity(_ value: NodeID, _ p: [NodeID], _ b: GraphBuilder) -> NodeID {
    let positive = b.binary(.maximum, value, b.constant(1))
    let deviation = b.subtract(b.binary(.xLogY, value, b.divide(p[0], positive)), b.subtract(p[0], value))
    return b.within(isCount(value, b), b.subtract(deviation, b.logFactorialRemainder(value)))
  }

  package func draw(_ stream: StreamLabel, elements: NodeID, _ p: [NodeID], _ b: GraphBuilder) -> NodeID? {
    b.random(.poisson, stream, elements: elements, parameters: [p[0]])
  }

  package func mean(_ p: [Double]) -> Double { p[0] }
  package func variance(_ p: [Double]) -> Double { p[0] }
  package func cdf(_ x: Double, _ p: [Double]) -> Double {
    if x.isNaN { return x }
    return x < 0 ? 0 : IncompleteGamma.upper(x.rounded(.down) + 1, p[0])
  }
  package func survival(_ x: Double, _ p: [Double]) -> Double {
    if x.isNaN { return x }
    return x < 0 ? 1 : IncompleteGamma.lower(x.rounded(.down) + 1, p[0])
  }
  package func logCDF(_ x: Double, _ p: [Double]) -> Double {
    x >= 0 ? IncompleteGamma.logUpper(x.rounded(.down) + 1, p[0]) : Tails.negativeInfinity(x)
  }
  package func logSurvival(_ x: Double, _ p: [Double]) -> Double {
    x >= 0 ? IncompleteGamma.logLower(x.rounded(.down) + 1, p[0]) : Tails.zero(x)
  }
  package func quantile(_ probability: Double, _ p: [Double]) -> Double {
    Tails.countQuantile(probability, start: p[0], last: .infinity, cdf: { cdf($0, p) }, survival: { survival($0, p) })
  }
}

/// Counts with mean exp(log).
package struct PoissonLogFamily: UnivariateFamily {
  package init() {}
  package let name = "Poisson(log:)"
  package let parameters = [DistributionParameter("log", .real, .finite)]
  package let valueElement = ElementType.integer
  package let supportDescription = "a whole number ≥ 0"

  package func support(_ parameters: [NodeID], _ b: GraphBuilder) -> Support { .integers(below: nil) }

  /// k η − exp η − log k!
  package func logDensity(_ value: NodeID, _ p: [NodeID], _ b: GraphBuilder) -> NodeID {
    let logFactorial = b.unary(.logGamma, b.plus(b.binary(.maximum, value, b.constant(0)), 1))
    return b.within(
      isCount(value, b), b.subtract(b.subtract(b.multiply(value, p[0]), b.exp(p[0])), logFactorial))
  }

  package func draw(_ stream: StreamLabel, elements: NodeID, _ p: [NodeID], _ b: GraphBuilder) -> NodeID? {
    b.random(.poisson, stream, elements: elements, parameters: [b.exp(p[0])])
  }

  package func mean(_ p: [Double]) -> Double { exp(p[0]) }
  package func variance(_ p: [Double]) -> Double { exp(p[0]) }
  package func cdf(_ x: Double, _ p: [Double]) -> Double { PoissonFamily().cdf(x, [exp(p[0])]) }
  package func survival(_ x: Double, _ p: [Double]) -> Double { PoissonFamily().survival(x, [exp(p[0])]) }
  package func logCDF(_ x: Double, _ p: [Double]) -> Double { PoissonFamily().logCDF(x, [exp(p[0])]) }
  package func logSurvival(_ x: Double, _ p: [Double]) -> Double { PoissonFamily().logSurvival(x, [exp(p[0])]) }
  package func quantile(_ probability: Double, _ p: [Double]) -> Double {
    PoissonFamily().quantile(probability, [exp(p[0])])
  }
}

private func isCount(_ value: NodeID, _ b: GraphBuilder) -> NodeID {
  b.both(b.isWhole(value), b.isAtLeast(value, 0))
}
