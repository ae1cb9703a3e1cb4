import Foundation
package import TensorIR

/// The uniform distribution between two bounds, both included.
package struct UniformFamily: UnivariateFamily {
  package init() {}
  package let name = "Uniform(_:_:)"
  package let parameters = [
    DistributionParameter("low", .real, .finite), DistributionParameter("high", .real, .finite),
  ]
  package let supportDescription = "a number between `low` and `high`"

  package func support(_ p: [NodeID], _ b: GraphBuilder) -> Support { .interval(p[0], p[1]) }

  /// −log(high − low)
  package func logDensity(_ value: NodeID, _ p: [NodeID], _ b: GraphBuilder) -> NodeID {
    let isInside = b.both(b.binary(.lessOrEqual, p[0], value), b.binary(.lessOrEqual, value, p[1]))
    let density = b.spread(b.negate(b.log(b.subtract(p[1], p[0]))), to: b.shape(isInside))
    return b.within(isInside, density)
  }

  package func draw(_ stream: StreamLabel, elements: NodeID, _ p: [NodeID], _ b: GraphBuilder) -> NodeID? {
    b.add(p[0], b.multiply(b.subtract(p[1], p[0]), b.random(.uniform, stream, elements: elements)))
  }

  package func relationFault(_ parameters: [TensorData]) -> String? { boundsFault(parameters, "low", "high") }

  package func mean(_ p: [Double]) -> Double { 0.5 * p[0] + 0.5 * p[1] }
  package func variance(_ p: [Double]) -> Double { (p[1] - p[0]) * (p[1] - p[0]) / 12 }
  package func cdf(_ x: Double, _ p: [Double]) -> Double {
    x.isNaN ? x : min(1, max(0, (x - p[0]) / (p[1] - p[0])))
  }
  package func survival(_ x: Double, _ p: [Double]) -> Double {
    x.isNaN ? x : min(1, max(0, (p[1] - x) / (p[1] - p[0])))
  }
  package func quantile(_ probability: Double, _ p: [Double]) -> Double {
    guard probability >= 0, probability <= 1 else { return .nan }
    if probability < 0.5 { return p[0] + (p[1] - p[0]) * probability }
    return p[1] - (p[1] - p[0]) * (1 - probability)
  }
}

/// Words for a lower bound that is not below the upper one.
func boundsFault(_ parameters: [TensorData], _ low: String, _ high: String) -> String? {
  let (lower, upper) = (parameters[0].elements, parameters[1].elements)
  let count = max(lower.count, upper.count)
  guard !lower.isEmpty, !upper.isEmpty else { return nil }
  for index in 0..<count {
    let a = lower[lower.count == 1 ? 0 : index]
    let b = upper[upper.count == 1 ? 0 : index]
    if !(a < b) { return "\(low) must be below \(high): \(numberText(a)) is not below \(numberText(b))" }
  }
  return nil
}
