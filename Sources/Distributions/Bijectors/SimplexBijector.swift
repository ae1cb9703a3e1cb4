package import TensorIR

/// Stick breaking: K − 1 unconstrained numbers to K nonnegative ones that sum to one; y = 0 gives 1/K each.
///
/// zₖ = logistic(yₖ − log(K − k)), xₖ = (1 − x₁ − … − xₖ₋₁) zₖ, and the last is the rest. Computed with logs of what is
/// left of the stick, so that tiny pieces keep their relative accuracy.
/// Source: Stan Reference Manual, "Unit simplex inverse transform".
package struct SimplexBijector: Bijector {
  package init() {}
  package var eventRank: Int { 1 }

  package func unconstrainedExtents(_ extents: [Int]) -> [Int] {
    guard let last = extents.last else { return extents }
    return extents.dropLast() + [max(0, last - 1)]
  }

  /// log(K − k) for k = 1, …, K − 1, over the batch.
  private func offsets(_ shape: Shape, _ b: GraphBuilder) -> NodeID {
    let count = shape.last?.extent ?? 0
    let logs = (0..<count).map { logOf(count - $0) }
    return b.repeated(b.data(TensorData(extents: [count], elements: logs)), to: shape)
  }

  /// log zₖ, log(1 − zₖ) and the log of the stick's rest before each k = 1, …, K.
  private func pieces(_ y: NodeID, _ b: GraphBuilder) -> (logZ: NodeID, logRest: NodeID, logOther: NodeID) {
    let shape = b.shape(y)
    let axis = shape.count - 1
    let shifted = b.subtract(y, offsets(shape, b))
    let logOther = b.negate(b.unary(.softplus, shifted))
    let logRest = b.concatenate([zero(shape, b), b.cumulativeSum(logOther)], axis: axis)
    return (b.unary(.logLogistic, shifted), logRest, logOther)
  }

  private func zero(_ shape: Shape, _ b: GraphBuilder) -> NodeID {
    b.spread(b.constant(0), to: Array(shape.dropLast()) + [Dimension(1)])
  }

  package func forward(_ y: NodeID, _ b: GraphBuilder) -> NodeID {
    guard let axis = b.shape(y).indices.last else { return y }
    let (logZ, logRest, _) = pieces(y, b)
    return b.exp(b.add(logRest, b.concatenate([logZ, zero(b.shape(y), b)], axis: axis)))
  }

  package func inverse(_ x: NodeID, _ b: GraphBuilder) -> NodeID {
    let shape = b.shape(x)
    guard let axis = shape.indices.last, shape[axis].extent > 0 else { return x }
    let count = shape[axis].extent - 1
    // Summing from the end keeps small rests exact.
    let rest = b.slice(b.cumulativeSum(x, reversed: true), axis: axis, start: 1, count: count)
    let first = b.slice(x, axis: axis, start: 0, count: count)
    return b.add(b.subtract(b.log(first), b.log(rest)), offsets(b.shape(first), b))
  }

  package func logDeterminant(_ y: NodeID, _ b: GraphBuilder) -> NodeID {
    let shape = b.shape(y)
    guard let axis = shape.indices.last else { return b.constant(0) }
    let (logZ, logRest, logOther) = pieces(y, b)
    let before = b.slice(logRest, axis: axis, start: 0, count: shape[axis].extent)
    return b.reduce(.sum, b.add(before, b.add(logZ, logOther)), axes: [axis])
  }
}
