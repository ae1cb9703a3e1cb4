import Foundation
import Numerics
package import TensorIR

/// The Dirichlet distribution on the simplex.
package struct DirichletFamily: MultivariateFamily {
  package init() {}
  package let name = "Dirichlet(_:)"
  package let parameters = [DistributionParameter("concentration", .vector, .positiveVector)]
  package let eventRank = 1
  package let supportDescription = "nonnegative numbers that sum to 1"

  package func support(_ parameters: [NodeID], _ b: GraphBuilder) -> Support { .simplex }

  /// log Γ(Σ a) − Σ log Γ(aᵢ) + Σ (aᵢ − 1) log xᵢ, with respect to the first K − 1 coordinates.
  package func logDensity(_ value: NodeID, _ p: [NodeID], _ b: GraphBuilder) -> NodeID {
    let axis = b.shape(value).count - 1
    let own = b.shape(p[0]).count - 1
    let normalizer = b.subtract(
      b.unary(.logGamma, b.reduce(.sum, p[0], axes: [own])), b.reduce(.sum, b.unary(.logGamma, p[0]), axes: [own]))
    let exponents = b.repeated(b.plus(p[0], -1), to: b.shape(value))
    let kernel = b.reduce(.sum, b.binary(.xLogY, exponents, value), axes: [axis])
    let total = b.reduce(.sum, value, axes: [axis])
    let sumsToOne = b.isAtMost(b.unary(.absolute, b.plus(total, -1)), 1e-8)
    let lowest = b.reduce(.minimum, value, axes: [axis])
    // On the boundary infinities of both signs may meet; no limit exists there.
    let isNumber = b.unary(.logicalNot, b.unary(.isNaN, kernel))
    let isInside = b.both(b.both(sumsToOne, b.isAtLeast(lowest, 0)), isNumber)
    return b.within(isInside, b.add(normalizer, kernel))
  }

  /// Gamma variates divided by their sum, on the log scale.
  package func draw(_ stream: StreamLabel, elements: NodeID, _ p: [NodeID], _ b: GraphBuilder) -> NodeID? {
    let count = b.shape(p[0]).last?.extent ?? 0
    let numbers = b.entryNumbers(elements, count: count)
    let shape = b.shape(numbers)
    let logs = b.random(.logGamma, stream, elements: numbers, parameters: [b.repeated(p[0], to: shape)])
    let total = b.reduce(.logSumExp, logs, axes: [shape.count - 1])
    return b.exp(b.subtract(logs, b.broadcast(total, to: shape, mapping: Array(0..<(shape.count - 1)))))
  }

  package func mean(_ parameters: [TensorData]) -> [Double] {
    let total = parameters[0].elements.reduce(0, +)
    return parameters[0].elements.map { $0 / total }
  }

  package func covariance(_ parameters: [TensorData]) -> [Double]? {
    let mean = mean(parameters)
    let divisor = parameters[0].elements.reduce(0, +) + 1
    return mean.indices.flatMap { i in
      mean.indices.map { j in ((i == j ? mean[i] : 0) - mean[i] * mean[j]) / divisor }
    }
  }
}
