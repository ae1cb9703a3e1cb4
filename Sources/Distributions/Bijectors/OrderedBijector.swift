package import TensorIR

/// Increasing vectors: x₁ = y₁, xₖ = xₖ₋₁ + exp(yₖ).
package struct OrderedBijector: Bijector {
  package init() {}
  package var eventRank: Int { 1 }

  private func split(_ v: NodeID, _ b: GraphBuilder) -> (first: NodeID, rest: NodeID)? {
    let shape = b.shape(v)
    guard let last = shape.last, last.extent > 0 else { return nil }
    let axis = shape.count - 1
    return (
      b.slice(v, axis: axis, start: 0, count: 1), b.slice(v, axis: axis, start: 1, count: last.extent - 1)
    )
  }

  package func forward(_ y: NodeID, _ b: GraphBuilder) -> NodeID {
    guard let (first, rest) = split(y, b) else { return y }
    return b.cumulativeSum(b.concatenate([first, b.exp(rest)], axis: b.shape(y).count - 1))
  }

  package func inverse(_ x: NodeID, _ b: GraphBuilder) -> NodeID {
    guard let (first, rest) = split(x, b) else { return x }
    let axis = b.shape(x).count - 1
    let before = b.slice(x, axis: axis, start: 0, count: b.shape(rest)[axis].extent)
    return b.concatenate([first, b.log(b.subtract(rest, before))], axis: axis)
  }

  package func logDeterminant(_ y: NodeID, _ b: GraphBuilder) -> NodeID {
    let batch = Array(b.shape(y).dropLast())
    guard let (_, rest) = split(y, b) else { return b.spread(b.constant(0), to: batch) }
    return b.reduce(.sum, rest, axes: [batch.count])
  }
}
