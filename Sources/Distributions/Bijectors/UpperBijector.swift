package import TensorIR

/// x = bound − exp(y)
package struct UpperBijector: Bijector {
  package let bound: NodeID
  package init(bound: NodeID) { self.bound = bound }
  package func forward(_ y: NodeID, _ b: GraphBuilder) -> NodeID { b.subtract(bound, b.exp(y)) }
  package func inverse(_ x: NodeID, _ b: GraphBuilder) -> NodeID { b.log(b.subtract(bound, x)) }
  package func logDeterminant(_ y: NodeID, _ b: GraphBuilder) -> NodeID { y }
}
