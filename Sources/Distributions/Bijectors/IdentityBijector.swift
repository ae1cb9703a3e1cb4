package import TensorIR

/// x = y
package struct IdentityBijector: Bijector {
  package init() {}
  package func forward(_ y: NodeID, _ b: GraphBuilder) -> NodeID { y }
  package func inverse(_ x: NodeID, _ b: GraphBuilder) -> NodeID { x }
  package func logDeterminant(_ y: NodeID, _ b: GraphBuilder) -> NodeID { b.spread(b.constant(0), to: b.shape(y)) }
}
