package import TensorIR

/// x = 1 / (1 + exp(−y)), onto (0, 1).
package struct UnitIntervalBijector: Bijector {
  package init() {}
  /// At most the largest number below 1: a density that is infinite at 1 stays finite for every position.
  package func forward(_ y: NodeID, _ b: GraphBuilder) -> NodeID {
    b.binary(.minimum, b.unary(.logistic, y), b.constant(1.0.nextDown))
  }
  package func inverse(_ x: NodeID, _ b: GraphBuilder) -> NodeID {
    b.subtract(b.log(x), b.unary(.log1p, b.negate(x)))
  }
  /// log x + log(1 − x) = y − 2 softplus(y)
  package func logDeterminant(_ y: NodeID, _ b: GraphBuilder) -> NodeID {
    b.subtract(y, b.multiply(b.constant(2), b.unary(.softplus, y)))
  }
}
