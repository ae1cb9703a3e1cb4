import Foundation
import Numerics
package import TensorIR

/// Random graphs over small tensors: every call with one seed gives one graph.
package struct RandomGraph {
  package let graph: Graph
  package let position: [Double]

  /// - Parameter shuffled: makes the same expressions in another order of construction.
  package init(seed: UInt64, shuffled: Bool = false) throws {
    var source = RandomStream(key: RandomKey(seed: seed))
    let b = GraphBuilder()
    let rows = [0, 1, 2, 3, 5][source.nextBelow(5)]
    let columns = [1, 1, 2, 4][source.nextBelow(4)]
    let parameterShapes = [[], [rows], [columns], [rows, columns]]
    var offset = 0
    var parameters: [NodeID] = []
    var offsets: [Int] = []
    for extents in parameterShapes {
      offsets.append(offset)
      offset += Shape(extents: extents).elementCount
    }
    // Nodes that no output needs, and parameters made in reverse, must not matter.
    if shuffled {
      for index in parameterShapes.indices.reversed() {
        let node = b.parameter(offset: offsets[index], shape: Shape(extents: parameterShapes[index]))
        _ = b.exp(b.unary(.sin, node))
      }
    }
    for (extents, offset) in zip(parameterShapes, offsets) {
      parameters.append(b.parameter(offset: offset, shape: Shape(extents: extents)))
    }
    var plan = (0..<(6 + source.nextBelow(8))).map { _ in
      (source.nextBelow(13), source.nextBits(), source.nextBits(), source.nextBits())
    }
    // Independent steps read only what the first round made: their order is free.
    let independent = plan.prefix(4)
    plan = Array(plan.dropFirst(4))
    var pool = parameters
    let made = (shuffled ? Array(independent.reversed()) : Array(independent)).map { step in
      RandomGraph.step(b, parameters, step, rows: rows, columns: columns)
    }
    pool += shuffled ? made.reversed() : made
    for step in plan { pool.append(RandomGraph.step(b, pool, step, rows: rows, columns: columns)) }
    let terms = pool.suffix(5).map { b.sumAll(b.unary(.tanh, $0)) }
    graph = try b.finish(outputs: [b.sum(Array(terms))])
    position = (0..<offset).map { _ in 0.8 * source.nextNormal() }
  }

  private static func step(
    _ b: GraphBuilder, _ pool: [NodeID], _ plan: (Int, UInt64, UInt64, UInt64), rows: Int, columns: Int
  ) -> NodeID {
    let x = pool[Int(plan.1 % UInt64(pool.count))]
    let shape = b.shape(x)
    let partners = pool.filter { b.shape($0).isEmpty || b.shape($0).hasSameExtents(as: shape) || shape.isEmpty }
    let y = partners[Int(plan.2 % UInt64(partners.count))]
    let choice = Int(plan.3 % 64)
    switch plan.0 {
    case 0:
      return b.unary([.exp, .sin, .tanh, .logistic, .softplus, .negate, .erf, .square][choice % 8], b.unary(.atan, x))
    case 1: return b.add(x, y)
    case 2: return b.multiply(x, y)
    case 3: return b.subtract(y, x)
    case 4: return b.divide(x, b.add(b.constant(1.5), b.square(y)))
    case 5: return b.select(b.binary(.less, x, y), b.unary(.sin, x), b.multiply(b.constant(0.3), y))
    case 6: return shape.isEmpty ? b.exp(b.unary(.tanh, x)) : b.reduce(.sum, x, axes: [choice % shape.count])
    case 7: return shape.isEmpty ? x : b.cumulativeSum(b.unary(.tanh, x), reversed: choice % 2 == 0)
    case 8:
      guard let first = shape.first, first.extent > 0 else { return b.negate(x) }
      let count = 1 + choice % 4
      let indices = (0..<count).map { Double(($0 * 7 + choice) % first.extent) }
      return b.gather(x, [b.data(TensorData(extents: [count], elements: indices), element: .integer)])
    case 9:
      guard shape.count == 1, shape[0].extent > 0 else { return b.unary(.tanh, x) }
      let indices = (0..<shape[0].extent).map { Double(($0 * 5 + choice) % max(1, columns)) }
      return b.scatterAdd(
        x, [b.data(TensorData(extents: [shape[0].extent], elements: indices), element: .integer)],
        into: [Dimension(max(1, columns))])
    case 10:
      guard shape.count == 2 else { return b.multiply(b.constant(0.5), x) }
      return b.matrixProduct(b.transpose(x), b.unary(.sin, x))
    case 11:
      guard shape.count <= 1 else { return b.permute(x, order: [1, 0]) }
      return b.broadcast(x, to: [Dimension(2)] + shape, mapping: shape.isEmpty ? [] : [1])
    default: return shape.isEmpty ? b.square(x) : b.concatenate([x, b.negate(x)], axis: choice % shape.count)
    }
  }
}
