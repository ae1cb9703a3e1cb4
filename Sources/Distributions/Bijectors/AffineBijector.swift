package import TensorIR

/// x = offset + multiplier · y with a positive multiplier: location and scale taken out of a site.
package struct AffineBijector: Bijector {
  package let offset: NodeID
  package let multiplier: NodeID
  package init(offset: NodeID, multiplier: NodeID) {
    self.offset = offset
    self.multiplier = multiplier
  }
  package func forward(_ y: NodeID, _ b: GraphBuilder) -> NodeID { b.add(offset, b.multiply(multiplier, y)) }
  package func inverse(_ x: NodeID, _ b: GraphBuilder) -> NodeID { b.divide(b.subtract(x, offset), multiplier) }
  package func logDeterminant(_ y: NodeID, _ b: GraphBuilder) -> NodeID {
    b.spread(b.log(multiplier), to: b.shape(y))
  }
}
