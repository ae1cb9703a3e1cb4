import Foundation
import GraphSupport
import LLVMBackend
import Numerics
import TensorIR
import Testing

/// Sums over many rows of what is affine in few unknowns: their value and slopes, and that no row is left in the code.
@Suite struct AffineReductionTests {
  static let rows = 120

  /// A graph under construction, with data to choose from.
  struct Draft {
    let b = GraphBuilder()
    var source = RandomStream(key: RandomKey(seed: 3))
    var parameterCount = 0

    mutating func data(_ extents: [Int], _ make: (inout RandomStream) -> Double = { $0.nextNormal() }) -> NodeID {
      let count = extents.reduce(1, *)
      return b.data(TensorData(extents: extents, elements: (0..<count).map { _ in make(&source) }))
    }

    mutating func indices(below count: Int) -> NodeID {
      b.data(
        TensorData(
          extents: [AffineReductionTests.rows],
          elements: (0..<AffineReductionTests.rows).map { _ in Double(source.nextBelow(count)) }), element: .integer)
    }

    mutating func parameter(_ shape: Int...) -> NodeID {
      let shape = shape.map { Dimension($0) }
      parameterCount += shape.elementCount
      return b.parameter(offset: parameterCount - shape.elementCount, shape: shape)
    }

    mutating func finish(_ total: NodeID) throws -> (graph: Graph, position: [Double]) {
      let position = (0..<parameterCount).map { _ in source.nextNormal() }
      return (try b.finish(outputs: [total]), position)
    }
  }

  /// Residuals, and what is made of them.
  static let residuals: [(name: String, make: @Sendable (inout Draft) -> NodeID)] = [
    ("one location", { $0.b.subtract($0.data([rows]), $0.parameter()) }),
    (
      "matrix and intercept",
      { d in
        let mean = d.b.matrixVector(d.data([rows, 7]), d.parameter(7))
        return d.b.subtract(d.data([rows]), d.b.add(d.parameter(), mean))
      }
    ),
    (
      "matrix by columns",
      { d in
        let matrix = d.data([4, rows])
        let wide = d.b.broadcast(d.parameter(4), to: d.b.shape(matrix), mapping: [0])
        return d.b.add(d.data([rows]), d.b.reduce(.sum, d.b.multiply(matrix, wide), axes: [0]))
      }
    ),
    (
      "columns by elements of a vector",
      { d in
        let beta = d.parameter(6)
        var mean = d.parameter()
        for k in [3, 0, 5, 2, 4, 1] {
          let element = d.b.reshape(d.b.slice(beta, axis: 0, start: k, count: 1), to: [])
          let column = d.data([rows])
          mean =
            k == 4 ? d.b.subtract(mean, d.b.multiply(element, column)) : d.b.add(mean, d.b.multiply(column, element))
        }
        return d.b.subtract(d.data([rows]), mean)
      }
    ),
    (
      "columns by numbers that are no parameters",
      { d in
        var mean = d.b.exp(d.parameter())
        for _ in 0..<4 { mean = d.b.add(mean, d.b.multiply(d.b.unary(.tanh, d.parameter()), d.data([rows]))) }
        return d.b.subtract(mean, d.data([rows]))
      }
    ),
    (
      "groups",
      { d in
        let (groups, pairs) = (d.indices(below: 3), d.indices(below: 2))
        let first = d.b.gather(d.parameter(3), [groups])
        let second = d.b.multiply(d.data([rows]), d.b.gather(d.parameter(3, 2), [groups, pairs]))
        return d.b.subtract(d.b.add(first, second), d.data([rows]))
      }
    ),
    (
      "weights, and a scale times a mean",
      { d in
        let scale = d.b.exp(d.parameter())
        let mean = d.b.multiply(scale, d.b.add(d.parameter(), d.b.matrixVector(d.data([rows, 3]), d.parameter(3))))
        return d.b.divide(d.b.subtract(d.data([rows]), mean), d.data([rows]) { 0.5 + $0.nextUniform() })
      }
    ),
    (
      "a plate in a plate",
      { d in
        let shape = [Dimension(30), Dimension(4)]
        let levels = d.b.broadcast(d.b.exp(d.parameter(4)), to: shape, mapping: [1])
        let slopes = d.b.permute(
          d.b.broadcast(
            d.b.slice(d.parameter(6), axis: 0, start: 1, count: 4), to: [shape[1], shape[0]], mapping: [0]),
          order: [1, 0])
        let mean = d.b.add(d.b.negate(levels), d.b.multiply(d.data([30, 4]), slopes))
        return d.b.subtract(d.data([30, 4]), mean)
      }
    ),
  ]

  static let totals: [(name: String, make: @Sendable (inout Draft, NodeID) -> NodeID)] = [
    ("squares", { d, r in d.b.sumAll(d.b.square(r)) }),
    ("a scale", { d, r in d.b.sumAll(d.b.square(d.b.divide(r, d.b.exp(d.parameter())))) }),
    ("the best scale", { d, r in d.b.log(d.b.sumAll(d.b.square(r))) }),
    (
      "weighted squares",
      { d, r in
        let weights = d.data(d.b.shape(r).extents) { $0.nextUniform() }
        return d.b.sumAll(d.b.multiply(weights, d.b.square(r)))
      }
    ),
    ("the sum", { d, r in d.b.exp(d.b.multiply(d.b.constant(0.01), d.b.sumAll(r))) }),
    ("a weighted sum", { d, r in d.b.square(d.b.sumAll(d.b.multiply(r, d.data(d.b.shape(r).extents)))) }),
  ]

  private static func size(_ graph: Graph) -> Int { graph.nodes.map { $0.shape.elementCount }.max() ?? 0 }

  @Test("no row is left, and value and slopes are right", arguments: residuals.indices, totals.indices)
  func reduces(_ residual: Int, _ total: Int) throws {
    let backend = LLVMBackend(library: try LLVMLibrary.shared.get())
    var draft = Draft()
    let rest = Self.residuals[residual].make(&draft)
    let (graph, position) = try draft.finish(Self.totals[total].make(&draft, rest))
    let directions = CompiledGraphTests.directions(25, position.count)
    let difference = try CompiledGraphTests.difference(graph, at: position, backend, along: directions)
    #expect(difference == nil, "\(Self.residuals[residual].name), \(Self.totals[total].name)")
    let prepared = try backend.gradientEvaluator(of: graph).preparedGraph
    #expect(Self.size(prepared) < Self.rows, "\(GraphPrinter.text(prepared))")
  }

  /// What identifies results knows nothing of the reduction, which is only made when code is needed.
  @Test func theIdentifyingGraphIsPlain() throws {
    var draft = Draft()
    let rest = Self.residuals[1].make(&draft)
    let (graph, _) = try draft.finish(Self.totals[0].make(&draft, rest))
    #expect(Self.size(try LLVMBackend().gradientEvaluator(of: graph).graph) >= Self.rows)
  }

  @Test("what must stay as it is", arguments: 0..<5)
  func stays(_ form: Int) throws {
    let backend = LLVMBackend(library: try LLVMLibrary.shared.get())
    var d = Draft()
    let total: NodeID
    switch form {
    case 0:
      // As many unknowns as rows.
      let mean = d.b.matrixVector(d.data([Self.rows, Self.rows]), d.parameter(Self.rows))
      total = d.b.sumAll(d.b.square(d.b.subtract(d.data([Self.rows]), mean)))
    case 1:
      // An infinite observation.
      var isFirst = true
      let y = d.data([Self.rows]) {
        defer { isFirst = false }
        return isFirst ? .infinity : $0.nextNormal()
      }
      total = d.b.sumAll(d.b.square(d.b.subtract(y, d.parameter())))
    case 2:
      // Columns whose squares overflow, though residuals need not.
      let mean = d.b.multiply(d.data([Self.rows]) { 1e200 * $0.nextNormal() }, d.parameter())
      total = d.b.sumAll(d.b.square(d.b.subtract(d.data([Self.rows]), mean)))
    case 3:
      // A weight below 0.
      let r = d.b.subtract(d.data([Self.rows]), d.b.gather(d.parameter(4), [d.indices(below: 4)]))
      total = d.b.sumAll(d.b.multiply(d.data([Self.rows]), d.b.square(r)))
    default:
      // An index that is out of range.
      let r = d.b.subtract(d.data([Self.rows]), d.b.gather(d.parameter(4), [d.indices(below: 5)]))
      total = d.b.sumAll(d.b.square(r))
    }
    let (graph, position) = try d.finish(total)
    #expect(try CompiledGraphTests.difference(graph, at: position, backend) == nil)
    #expect(Self.size(try backend.gradientEvaluator(of: graph).preparedGraph) >= Self.rows)
  }

  /// Nearly collinear predictors far from 0: errors no larger than those of the plain sum, of which the normal equations
  /// would leave no digit.
  @Test("errors with ill-conditioned data", arguments: 0..<20)
  func conditioning(_ seed: Int) throws {
    let backend = LLVMBackend(library: try LLVMLibrary.shared.get())
    var d = Draft()
    d.source = RandomStream(key: RandomKey(seed: UInt64(seed)))
    let rows = 500
    var columns: [[Double]] = [(0..<rows).map { _ in 1e5 + d.source.nextNormal() }]
    for _ in 0..<3 { columns.append(columns[0].map { $0 + 1e-4 * d.source.nextNormal() }) }
    let truth = [1.5, -2, 0.5, 1]
    let y = (0..<rows).map { row in
      zip(columns, truth).reduce(1e-3 * d.source.nextNormal()) { $0 + $1.0[row] * $1.1 }
    }
    let elements = (0..<rows).flatMap { row in columns.map { $0[row] } }
    let x = d.b.data(TensorData(extents: [rows, 4], elements: elements))
    let residual = d.b.subtract(
      d.b.data(TensorData(extents: [rows], elements: y)), d.b.matrixVector(x, d.parameter(4)))
    let (graph, _) = try d.finish(d.b.sumAll(d.b.square(residual)))
    let position = truth.map { $0 + 1e-9 * d.source.nextNormal() }
    let exact = ExtendedEvaluator(graph).run(position: position.map { DoubleDouble($0) })[0].high
    let compiled = CompiledGraphTests.run(try backend.gradientEvaluator(of: graph), at: position).value
    // Each residual is a difference of terms of 10⁵: its rounding, in the mean of the squares.
    let rounding = 4 * 0x1p-53 * 1e5 * 5
    let bound = 2 * rounding * (exact * Double(rows)).squareRoot() + Double(rows) * rounding * rounding
    #expect(abs(compiled - exact) <= bound, "\(compiled), not \(exact)")
    #expect(Self.size(try backend.gradientEvaluator(of: graph).preparedGraph) < rows)
  }

  /// Factors of blocks are one factor of all rows, whatever their order; the squares of its columns are those of the rows.
  @Test func triangularFactor() {
    var source = RandomStream(key: RandomKey(seed: 8))
    let (rows, columns) = (72, 5)
    let elements = (0..<columns).map { _ in (0..<rows).map { _ in source.nextNormal() } }
    var factor = TriangularFactor(columnCount: columns)
    // The last column is 0 in the first block; blocks differ in size.
    for range in [0..<8, 8..<40, 40..<72] {
      var block: [SIMD8<Double>] = []
      for column in elements {
        for first in stride(from: range.lowerBound, to: range.upperBound, by: 8) {
          block.append(SIMD8(column[first..<(first + 8)]))
        }
      }
      block.withUnsafeMutableBufferPointer { factor.append($0.baseAddress!, stride: range.count / 8) }
    }
    for j in 0..<columns {
      for k in 0..<columns {
        let wanted = (0..<rows).reduce(0) { $0 + elements[j][$1] * elements[k][$1] }
        let found = (0..<columns).reduce(0) { $0 + factor[$1, j] * factor[$1, k] }
        #expect(abs(found - wanted) < 1e-13 * Double(rows))
        if k < j { #expect(factor[j, k] == 0) }
      }
    }
    #expect(factor.isFinite)
  }
}
