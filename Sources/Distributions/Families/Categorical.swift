import Foundation
import Numerics
package import TensorIR

/// A category in 0..<K with probabilities p.
package struct CategoricalFamily: UnivariateFamily {
  package init() {}
  package let name = "Categorical(_:)"
  package let parameters = [DistributionParameter("p", .vector, .simplex)]
  package let valueElement = ElementType.integer
  package let supportDescription = "a category: a whole number from 0, below the number of probabilities"

  package func support(_ p: [NodeID], _ b: GraphBuilder) -> Support { .integers(below: b.shape(p[0]).last?.extent) }

  /// log pₖ
  package func logDensity(_ value: NodeID, _ p: [NodeID], _ b: GraphBuilder) -> NodeID {
    b.within(isCategory(value, p[0], b), b.log(b.pick(p[0], value)))
  }

  package func draw(_ stream: StreamLabel, elements: NodeID, _ p: [NodeID], _ b: GraphBuilder) -> NodeID? {
    drawCategory(stream, elements, p[0], b)
  }

  package func mean(_ p: [Double]) -> Double { p.enumerated().reduce(0) { $0 + Double($1.offset) * $1.element } }
  package func variance(_ p: [Double]) -> Double {
    let center = mean(p)
    return p.enumerated().reduce(0) { $0 + (Double($1.offset) - center) * (Double($1.offset) - center) * $1.element }
  }
  package func cdf(_ x: Double, _ p: [Double]) -> Double {
    if x.isNaN { return x }
    return min(1, p.enumerated().reduce(0) { Double($1.offset) <= x ? $0 + $1.element : $0 })
  }
  package func survival(_ x: Double, _ p: [Double]) -> Double {
    if x.isNaN { return x }
    return min(1, p.enumerated().reduce(0) { Double($1.offset) > x ? $0 + $1.element : $0 })
  }
  package func quantile(_ probability: Double, _ p: [Double]) -> Double {
    Tails.countQuantile(
      probability, start: 0, last: Double(max(0, p.count - 1)), cdf: { cdf($0, p) }, survival: { survival($0, p) })
  }
}

/// A category in 0..<K with unnormalized log probabilities.
package struct CategoricalLogitsFamily: UnivariateFamily {
  package init() {}
  package let name = "Categorical(logits:)"
  package let parameters = [DistributionParameter("logits", .vector, .logits)]
  package let valueElement = ElementType.integer
  package let supportDescription = "a category: a whole number from 0, below the number of logits"

  package func support(_ p: [NodeID], _ b: GraphBuilder) -> Support { .integers(below: b.shape(p[0]).last?.extent) }

  /// ηₖ − log Σ exp η
  package func logDensity(_ value: NodeID, _ p: [NodeID], _ b: GraphBuilder) -> NodeID {
    let total = b.reduce(.logSumExp, p[0], axes: [b.shape(p[0]).count - 1])
    return b.within(isCategory(value, p[0], b), b.subtract(b.pick(p[0], value), total))
  }

  package func draw(_ stream: StreamLabel, elements: NodeID, _ p: [NodeID], _ b: GraphBuilder) -> NodeID? {
    let shape = b.shape(p[0])
    let axis = shape.count - 1
    let top = b.reduce(.maximum, p[0], axes: [axis])
    let weights = b.exp(b.subtract(p[0], b.broadcast(top, to: shape, mapping: Array(0..<axis))))
    return drawCategory(stream, elements, weights, b)
  }

  private func probabilities(_ logits: [Double]) -> [Double] {
    let top = logits.max() ?? 0
    let weights = logits.map { exp($0 - top) }
    let total = weights.reduce(0, +)
    return weights.map { $0 / total }
  }
  package func mean(_ p: [Double]) -> Double { CategoricalFamily().mean(probabilities(p)) }
  package func variance(_ p: [Double]) -> Double { CategoricalFamily().variance(probabilities(p)) }
  package func cdf(_ x: Double, _ p: [Double]) -> Double { CategoricalFamily().cdf(x, probabilities(p)) }
  package func survival(_ x: Double, _ p: [Double]) -> Double { CategoricalFamily().survival(x, probabilities(p)) }
  package func quantile(_ probability: Double, _ p: [Double]) -> Double {
    CategoricalFamily().quantile(probability, probabilities(p))
  }
}

/// Each of K categories alike.
package struct CategoricalUniformFamily: UnivariateFamily {
  package init() {}
  package let name = "Categorical(uniform:)"
  package let parameters = [DistributionParameter("uniform", .integer, .positiveCount)]
  package let valueElement = ElementType.integer
  package let supportDescription = "a category: a whole number from 0, below the number of categories"

  package func support(_ p: [NodeID], _ b: GraphBuilder) -> Support {
    guard let known = b.contents(of: p[0]), let largest = known.elements.max() else { return .integers(below: nil) }
    return .integers(below: Int(exactly: largest))
  }

  /// −log K
  package func logDensity(_ value: NodeID, _ p: [NodeID], _ b: GraphBuilder) -> NodeID {
    let isCategory = b.both(b.isWhole(value), b.both(b.isAtLeast(value, 0), b.binary(.less, value, p[0])))
    return b.within(isCategory, b.spread(b.negate(b.log(b.unary(.toReal, p[0]))), to: b.shape(isCategory)))
  }

  package func draw(_ stream: StreamLabel, elements: NodeID, _ p: [NodeID], _ b: GraphBuilder) -> NodeID? {
    let count = b.unary(.toReal, p[0])
    let scaled = b.unary(.floor, b.multiply(count, b.random(.uniform, stream, elements: elements)))
    return b.unary(.toInteger, b.binary(.minimum, scaled, b.plus(count, -1)))
  }

  package func mean(_ p: [Double]) -> Double { 0.5 * (p[0] - 1) }
  package func variance(_ p: [Double]) -> Double { (p[0] * p[0] - 1) / 12 }
  package func cdf(_ x: Double, _ p: [Double]) -> Double {
    x.isNaN ? x : min(1, max(0, (x.rounded(.down) + 1) / p[0]))
  }
  package func survival(_ x: Double, _ p: [Double]) -> Double {
    x.isNaN ? x : min(1, max(0, (p[0] - 1 - x.rounded(.down)) / p[0]))
  }
  package func quantile(_ probability: Double, _ p: [Double]) -> Double {
    guard probability >= 0, probability <= 1 else { return .nan }
    return min(p[0] - 1, max(0, (probability * p[0]).rounded(.up) - 1))
  }
}

private func isCategory(_ value: NodeID, _ table: NodeID, _ b: GraphBuilder) -> NodeID {
  let count = Double(b.shape(table).last?.extent ?? 0)
  return b.both(b.isWhole(value), b.both(b.isAtLeast(value, 0), b.isBelow(value, count)))
}

/// The number of cumulative weights that a uniform share of their sum exceeds.
private func drawCategory(_ stream: StreamLabel, _ elements: NodeID, _ weights: NodeID, _ b: GraphBuilder) -> NodeID {
  let batch = b.shape(elements)
  let count = b.shape(weights).last?.extent ?? 0
  let shape = batch + [Dimension(count)]
  let axes = Array(0..<batch.count)
  let cumulative = b.repeated(b.cumulativeSum(weights), to: shape)
  let total = b.slice(cumulative, axis: batch.count, start: max(0, count - 1), count: min(1, count))
  let share = b.multiply(
    b.random(.uniform, stream, elements: elements), b.reshape(total, to: batch))
  let isPast = b.binary(.lessOrEqual, cumulative, b.broadcast(share, to: shape, mapping: axes))
  let passed = b.reduce(.sum, b.unary(.toInteger, isPast), axes: [batch.count])
  return b.binary(.minimum, passed, b.scalarData(Double(max(0, count - 1)), element: .integer))
}
