package import TensorIR

/// x = low + (high − low) / (1 + exp(−y)); the bounds may depend on other sites.
package struct IntervalBijector: Bijector {
  package let low: NodeID
  package let high: NodeID
  package init(low: NodeID, high: NodeID) {
    self.low = low
    self.high = high
  }
  package func forward(_ y: NodeID, _ b: GraphBuilder) -> NodeID {
    b.add(low, b.multiply(b.subtract(high, low), b.unary(.logistic, y)))
  }
  package func inverse(_ x: NodeID, _ b: GraphBuilder) -> NodeID {
    b.subtract(b.log(b.subtract(x, low)), b.log(b.subtract(high, x)))
  }
  package func logDeterminant(_ y: NodeID, _ b: GraphBuilder) -> NodeID {
    b.add(b.log(b.subtract(high, low)), UnitIntervalBijector().logDeterminant(y, b))
  }
}
