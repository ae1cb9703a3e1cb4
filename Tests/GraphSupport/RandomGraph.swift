import Foundation
package import TensorIR

/// Random graphs over small tensors, some of them empty: every list of choices gives one graph.
package struct RandomGraph {
  package let graph: Graph
  package let position: [Double]

  private typealias Step = (kind: Int, first: UInt64, second: UInt64, detail: Int)

  package init(seed: UInt64, shuffled: Bool = false) throws {
    try self.init(Choices(seed: seed), shuffled: shuffled)
  }

  /// - Parameter shuffled: makes the same expressions in another order of construction.
  package init(_ choices: Choices, shuffled: Bool = false) throws {
    var choices = choices
    let b = GraphBuilder()
    let rows = choices.pick([1, 0, 2, 3, 5])
    let columns = choices.pick([1, 1, 2, 4])
    let parameterShapes = [[], [rows], [columns], [rows, columns]]
    var offset = 0
    var offsets: [Int] = []
    for extents in parameterShapes {
      offsets.append(offset)
      offset += Shape(extents: extents).elementCount
    }
    // No two are equal, not even where all choices are 0: some functions have no slope there.
    position = (0..<offset).map { 0.8 * choices.normal() + 0.01 * Double($0 + 1) }
    // Nodes that no output needs, and parameters made in reverse, must not matter.
    if shuffled {
      for index in parameterShapes.indices.reversed() {
        let node = b.parameter(offset: offsets[index], shape: Shape(extents: parameterShapes[index]))
        _ = b.exp(b.unary(.sin, node))
      }
    }
    let parameters = zip(parameterShapes, offsets).map { b.parameter(offset: $1, shape: Shape(extents: $0)) }
    func step() -> Step {
      (choices.below(RandomGraph.kinds), choices.bits(), choices.bits(), choices.below(64))
    }
    // The first steps read only parameters: their order is free.
    let independent = (0..<choices.below(5)).map { _ in step() }
    let dependent = (0..<choices.below(11)).map { _ in step() }
    let termCount = 1 + choices.below(5)
    let made = (shuffled ? Array(independent.reversed()) : independent).map {
      RandomGraph.make($0, b, parameters, rows, columns)
    }
    var pool = parameters + (shuffled ? made.reversed() : made)
    for step in dependent { pool.append(RandomGraph.make(step, b, pool, rows, columns)) }
    let terms = pool.suffix(termCount).map { b.sumAll(b.unary(.tanh, $0)) }
    graph = try b.finish(outputs: [b.sum(Array(terms))])
  }

  private static let kinds = 19

  /// A function of one number, and what brings any number into its domain, away from where it has no slope.
  private static let functions: [(UnaryOperation, inner: @Sendable (GraphBuilder, NodeID) -> NodeID)] = {
    @Sendable func bounded(_ b: GraphBuilder, _ x: NodeID) -> NodeID { b.unary(.atan, x) }
    @Sendable func positive(_ b: GraphBuilder, _ x: NodeID) -> NodeID {
      b.add(b.constant(0.3), b.square(b.unary(.atan, x)))
    }
    @Sendable func unit(_ b: GraphBuilder, _ x: NodeID) -> NodeID { b.multiply(b.constant(0.6), b.unary(.atan, x)) }
    @Sendable func chance(_ b: GraphBuilder, _ x: NodeID) -> NodeID { b.unary(.logistic, b.unary(.atan, x)) }
    @Sendable func negative(_ b: GraphBuilder, _ x: NodeID) -> NodeID { b.negate(positive(b, x)) }
    return
      [.exp, .sin, .cos, .tanh, .logistic, .softplus, .negate, .erf, .square, .expm1, .sinh, .cosh, .atan].map {
        ($0, bounded)
      } + [.erfc, .normalCDF, .normalLogCDF, .logLogistic, .tan].map { ($0, unit) }
      + [.log, .sqrt, .reciprocal, .log1p, .logGamma, .digamma].map { ($0, positive) }
      + [(.asin, unit), (.acos, unit), (.normalQuantile, chance), (.log1mexp, negative), (.absolute, positive)]
  }()

  private static func make(
    _ step: Step, _ b: GraphBuilder, _ pool: [NodeID], _ rows: Int, _ columns: Int
  ) -> NodeID {
    let x = pool[Int(step.first % UInt64(pool.count))]
    let shape = b.shape(x)
    let partners = pool.filter { b.shape($0).isEmpty || b.shape($0).hasSameExtents(as: shape) || shape.isEmpty }
    let y = partners[Int(step.second % UInt64(partners.count))]
    let choice = step.detail
    func integers(_ count: Int, _ factor: Int, below bound: Int) -> NodeID {
      let elements = (0..<count).map { Double(($0 * factor + choice) % max(1, bound)) }
      return b.data(TensorData(extents: [count], elements: elements), element: .integer)
    }
    switch step.kind {
    case 0, 13, 14:
      let (function, inner) = functions[(choice + 17 * step.kind) % functions.count]
      return b.unary(function, inner(b, x))
    case 1: return b.add(x, y)
    case 2: return b.multiply(x, y)
    case 3: return b.subtract(y, x)
    case 4: return b.divide(x, b.add(b.constant(1.5), b.square(y)))
    case 5: return b.select(b.binary(.less, x, y), b.unary(.sin, x), b.multiply(b.constant(0.3), y))
    case 6: return shape.isEmpty ? b.exp(b.unary(.tanh, x)) : b.reduce(.sum, x, axes: [choice % shape.count])
    case 7: return shape.isEmpty ? x : b.cumulativeSum(b.unary(.tanh, x), reversed: choice % 2 == 0)
    case 8:
      guard let first = shape.first, first.extent > 0 else { return b.negate(x) }
      return b.gather(x, [integers(1 + choice % 4, 7, below: first.extent)])
    case 9:
      guard shape.count == 1, shape[0].extent > 0 else { return b.unary(.tanh, x) }
      return b.scatterAdd(x, [integers(shape[0].extent, 5, below: columns)], into: [Dimension(max(1, columns))])
    case 10:
      guard shape.count == 2 else { return b.multiply(b.constant(0.5), x) }
      return b.matrixProduct(b.transpose(x), b.unary(.sin, x))
    case 11:
      guard shape.count <= 1 else { return b.permute(x, order: [1, 0]) }
      return b.broadcast(x, to: [Dimension(2)] + shape, mapping: shape.isEmpty ? [] : [1])
    case 12: return shape.isEmpty ? b.square(x) : b.concatenate([x, b.negate(x)], axis: choice % shape.count)
    case 15:
      // By two indices at once: rows and columns cross, and some pairs come more than once.
      guard shape.count == 2, shape.elementCount > 0 else { return b.unary(.sin, x) }
      let count = 1 + choice % 9
      return b.gather(x, [integers(count, 3, below: shape[0].extent), integers(count, 5, below: shape[1].extent)])
    case 16:
      guard shape.count == 1, shape[0].extent > 0 else { return b.negate(x) }
      let count = shape[0].extent
      return b.scatterAdd(
        x, [integers(count, 3, below: 2), integers(count, 2, below: columns)],
        into: [Dimension(2), Dimension(max(1, columns))])
    case 17:
      guard !shape.isEmpty, shape.elementCount > 0 else { return b.square(x) }
      return b.reduce([.logSumExp, .product][choice % 2], b.unary(.atan, x), axes: [choice / 2 % shape.count])
    default:
      // log det and a solve of A = X Xᵀ + I.
      guard shape.count == 2, shape[0].extent > 0 else { return b.unary(.cos, x) }
      let n = shape[0].extent
      let bounded = b.unary(.atan, x)
      let unit = b.data(
        TensorData(extents: [n, n], elements: (0..<(n * n)).map { $0 % (n + 1) == 0 ? 1 : 0 }))
      let positive = b.add(b.matrixProduct(bounded, b.transpose(bounded)), unit)
      if choice % 3 == 2 {
        // The logarithm of a matrix whose eigenvalues differ, times X.
        let steps = (0..<(n * n)).map { $0 % (n + 1) == 0 ? Double($0 / (n + 1)) : 0 }
        let (values, vectors) = b.symmetricEigen(b.add(positive, b.data(TensorData(extents: [n, n], elements: steps))))
        let wide = b.broadcast(b.log(values), to: b.shape(vectors), mapping: [0])
        return b.matrixProduct(b.matrixProduct(b.transpose(vectors), b.multiply(wide, vectors)), bounded)
      }
      let factor = b.cholesky(positive)
      return b.triangularSolve(factor, bounded, transposed: choice % 2 == 0)
    }
  }
}
