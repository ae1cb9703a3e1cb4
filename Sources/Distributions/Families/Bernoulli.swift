import Foundation
import Numerics
package import TensorIR

/// 1 with probability p, else 0.
package struct BernoulliFamily: UnivariateFamily {
  package init() {}
  package let name = "Bernoulli(_:)"
  package let parameters = [DistributionParameter("p", .real, .unitInterval)]
  package let valueElement = ElementType.integer
  package let supportDescription = "0 or 1"

  package func support(_ parameters: [NodeID], _ b: GraphBuilder) -> Support { .integers(below: 2) }

  /// k log p + (1 − k) log(1 − p), a zero count taking nothing from a log of 0.
  package func logDensity(_ value: NodeID, _ p: [NodeID], _ b: GraphBuilder) -> NodeID {
    let isOne = b.binary(.equal, value, b.constant(1))
    let density = b.select(isOne, b.log(p[0]), b.unary(.log1p, b.negate(p[0])))
    return b.within(isBinary(value, b), density)
  }

  package func draw(_ stream: StreamLabel, elements: NodeID, _ p: [NodeID], _ b: GraphBuilder) -> NodeID? {
    b.unary(.toInteger, b.binary(.less, b.random(.uniform, stream, elements: elements), p[0]))
  }

  package func mean(_ p: [Double]) -> Double { p[0] }
  package func variance(_ p: [Double]) -> Double { p[0] * (1 - p[0]) }
  package func cdf(_ x: Double, _ p: [Double]) -> Double { binaryCDF(x, 1 - p[0]) }
  package func survival(_ x: Double, _ p: [Double]) -> Double { binarySurvival(x, p[0]) }
  package func logCDF(_ x: Double, _ p: [Double]) -> Double {
    binaryLog(x, zeroToOne: log1p(-p[0]), below: -.infinity, above: 0)
  }
  package func logSurvival(_ x: Double, _ p: [Double]) -> Double {
    binaryLog(x, zeroToOne: log(p[0]), below: 0, above: -.infinity)
  }
  package func quantile(_ probability: Double, _ p: [Double]) -> Double {
    guard probability >= 0, probability <= 1 else { return .nan }
    return probability <= 1 - p[0] ? 0 : 1
  }
}

/// 1 with log odds `logits`.
package struct BernoulliLogitsFamily: UnivariateFamily {
  package init() {}
  package let name = "Bernoulli(logits:)"
  package let parameters = [DistributionParameter("logits", .real, .extended)]
  package let valueElement = ElementType.integer
  package let supportDescription = "0 or 1"

  package func support(_ parameters: [NodeID], _ b: GraphBuilder) -> Support { .integers(below: 2) }

  /// −softplus((1 − 2k) η): exact in both tails.
  package func logDensity(_ value: NodeID, _ p: [NodeID], _ b: GraphBuilder) -> NodeID {
    let sign = b.subtract(b.constant(1), b.times(value, 2))
    return b.within(isBinary(value, b), b.negate(b.unary(.softplus, b.multiply(sign, p[0]))))
  }

  package func draw(_ stream: StreamLabel, elements: NodeID, _ p: [NodeID], _ b: GraphBuilder) -> NodeID? {
    let uniform = b.random(.uniform, stream, elements: elements)
    return b.unary(.toInteger, b.binary(.less, uniform, b.unary(.logistic, p[0])))
  }

  package func mean(_ p: [Double]) -> Double { Special.logistic(p[0]) }
  package func variance(_ p: [Double]) -> Double { Special.logistic(p[0]) * Special.logistic(-p[0]) }
  package func cdf(_ x: Double, _ p: [Double]) -> Double { binaryCDF(x, Special.logistic(-p[0])) }
  package func survival(_ x: Double, _ p: [Double]) -> Double { binarySurvival(x, Special.logistic(p[0])) }
  package func logCDF(_ x: Double, _ p: [Double]) -> Double {
    binaryLog(x, zeroToOne: Special.logLogistic(-p[0]), below: -.infinity, above: 0)
  }
  package func logSurvival(_ x: Double, _ p: [Double]) -> Double {
    binaryLog(x, zeroToOne: Special.logLogistic(p[0]), below: 0, above: -.infinity)
  }
  package func quantile(_ probability: Double, _ p: [Double]) -> Double {
    guard probability >= 0, probability <= 1 else { return .nan }
    return probability <= Special.logistic(-p[0]) ? 0 : 1
  }
}

private func isBinary(_ value: NodeID, _ b: GraphBuilder) -> NodeID {
  b.binary(.logicalOr, b.binary(.equal, value, b.constant(0)), b.binary(.equal, value, b.constant(1)))
}

private func binaryCDF(_ x: Double, _ zero: Double) -> Double { x < 0 ? 0 : (x < 1 ? zero : (x.isNaN ? x : 1)) }
private func binarySurvival(_ x: Double, _ one: Double) -> Double { x < 0 ? 1 : (x < 1 ? one : (x.isNaN ? x : 0)) }
private func binaryLog(_ x: Double, zeroToOne: Double, below: Double, above: Double) -> Double {
  x < 0 ? below : (x < 1 ? zeroToOne : (x.isNaN ? x : above))
}
