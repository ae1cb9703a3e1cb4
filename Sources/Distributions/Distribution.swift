package import Numerics
package import TensorIR

/// A family with concrete parameters: what a notebook holds outside of models.
///
/// Parameters may be arrays; the distribution is then the product of independent elements over the batch shape.
package struct Distribution: Sendable {
  package let family: any DistributionFamily
  package let parameters: [TensorData]
  package let batchShape: [Int]
  package let eventShape: [Int]

  /// - Throws: what is wrong with the parameters, in words.
  package init(_ family: any DistributionFamily, _ parameters: [TensorData]) throws(ParameterFault) {
    guard parameters.count == family.parameters.count else {
      throw ParameterFault("\(family.baseName) takes \(family.parameters.count) parameters, not \(parameters.count)")
    }
    if let fault = family.fault(in: parameters) { throw fault }
    self.family = family
    self.parameters = parameters
    batchShape = family.batchShape(parameters.map(\.extents)) ?? []
    eventShape = family.eventShape(parameters.map(\.extents))
  }

  private func nodes(_ b: GraphBuilder) -> [NodeID] {
    zip(family.parameters, parameters).map { b.data($1, element: $0.kind == .integer ? .integer : .real) }
  }

  /// The log densities of a value's elements, by batch; the value's shape is the batch's and the event's, or a longer
  /// batch where the parameters have none.
  package func logDensities(of value: TensorData) throws(GraphError) -> TensorData {
    let b = GraphBuilder()
    let point = b.data(value, element: family.valueElement)
    let density = family.logDensity(point, nodes(b), b)
    let graph = try b.finish(outputs: [density])
    return try run(graph, stream: nil)
  }

  /// The log density of a value; a product gives the sum over its elements.
  package func logDensity(of value: TensorData) throws(GraphError) -> Double {
    try logDensities(of: value).elements.reduce(0, +)
  }

  /// Independent draws: `[count, batch…, event…]`, the same for one key however many are asked for.
  package func draws(_ count: Int, key: RandomKey) throws(GraphError) -> TensorData? {
    guard count >= 0 else { throw GraphError("a negative number of draws") }
    let b = GraphBuilder()
    let shape = [Dimension(count)] + batchShape.map { Dimension($0) }
    let size = shape.elementCount
    let most = 1 << 26
    guard size <= most / max(1, Shape(extents: eventShape).elementCount) else {
      throw GraphError("\(count) draws are too many to hold: one call gives up to \(most) numbers")
    }
    let elements = b.data(
      TensorData(extents: shape.extents, elements: (0..<size).map(Double.init)), element: .integer)
    let wide = zip(family.parameters, nodes(b)).map { parameter, node in
      let own = b.shape(node)
      return own.count == parameter.rank ? node : b.repeated(node, to: [Dimension(count)] + own)
    }
    guard let draw = family.draw(StreamLabel(high: 0x6472_6177, low: 0), elements: elements, wide, b) else {
      return nil
    }
    return try run(try b.finish(outputs: [draw]), stream: Program.Stream(key: key, draw: 0))
  }

  private func run(_ graph: Graph, stream: Program.Stream?) throws(GraphError) -> TensorData {
    guard let result = Program(graph).run(position: [], inputs: [], stream: stream).first else {
      throw GraphError("a distribution's graph without outputs")
    }
    return result
  }
}
