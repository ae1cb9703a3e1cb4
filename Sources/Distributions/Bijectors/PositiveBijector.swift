package import TensorIR

/// x = exp(y), onto the positive numbers.
package struct PositiveBijector: Bijector {
  package init() {}
  package func forward(_ y: NodeID, _ b: GraphBuilder) -> NodeID { b.exp(y) }
  package func inverse(_ x: NodeID, _ b: GraphBuilder) -> NodeID { b.log(x) }
  package func logDeterminant(_ y: NodeID, _ b: GraphBuilder) -> NodeID { y }
}
