import Foundation
import Numerics
import TensorIR
import Testing

/// Gradients of operations that move, join and reduce, extents 0 and 1 included.
@Suite struct StructureGradientTests {
  struct Case: CustomTestStringConvertible {
    var name: String
    var extents: [Int]
    var build: @Sendable (GraphBuilder, NodeID) -> NodeID
    var testDescription: String { "\(name) of \(extents)" }
    init(_ name: String, _ extents: Int..., build: @escaping @Sendable (GraphBuilder, NodeID) -> NodeID) {
      self.name = name
      self.extents = extents
      self.build = build
    }
  }

  static let cases: [Case] = [
    Case("broadcast of a scalar") { b, x in b.broadcast(x, to: Run.shape(2, 3), mapping: []) },
    Case("broadcast", 3) { b, x in b.broadcast(x, to: Run.shape(2, 3), mapping: [1]) },
    Case("broadcast with axes exchanged", 2, 3) { b, x in b.broadcast(x, to: Run.shape(3, 4, 2), mapping: [2, 0]) },
    Case("broadcast to nothing", 3) { b, x in b.broadcast(x, to: Run.shape(0, 3), mapping: [1]) },
    Case("reshape", 2, 3) { b, x in b.reshape(x, to: Run.shape(3, 2)) },
    Case("permute", 2, 3, 4) { b, x in b.permute(x, order: [2, 0, 1]) },
    Case("slice", 4, 3) { b, x in b.slice(x, axis: 0, start: 1, count: 2) },
    Case("slice of columns", 4, 3) { b, x in b.slice(x, axis: 1, start: 2, count: 1) },
    Case("empty slice", 4) { b, x in b.slice(x, axis: 0, start: 2, count: 0) },
    Case("concatenate", 2, 3) { b, x in b.concatenate([x, b.square(x), b.negate(x)], axis: 1) },
    Case("concatenate with nothing", 0, 2) { b, x in
      b.concatenate([x, b.data(TensorData(extents: [1, 2], elements: [1, 2])), b.exp(x)], axis: 0)
    },
    Case("stack", 3) { b, x in b.stack([x, b.exp(x)]) },
    Case("sum", 2, 3, 4) { b, x in b.reduce(.sum, b.square(x), axes: [1]) },
    Case("sum of two axes apart", 2, 3, 4) { b, x in b.reduce(.sum, b.exp(x), axes: [0, 2]) },
    Case("sum of all", 5) { b, x in b.sumAll(b.square(x)) },
    Case("sum of nothing", 0) { b, x in b.sumAll(b.square(x)) },
    Case("sum over an empty axis", 2, 0) { b, x in b.reduce(.sum, b.square(x), axes: [1]) },
    Case("product", 2, 3) { b, x in b.reduce(.product, x, axes: [1]) },
    Case("maximum", 3, 4) { b, x in b.reduce(.maximum, x, axes: [1]) },
    Case("minimum", 3, 4) { b, x in b.reduce(.minimum, x, axes: [0]) },
    Case("logSumExp", 3, 4) { b, x in b.reduce(.logSumExp, x, axes: [0]) },
    Case("logSumExp of one", 1) { b, x in b.reduce(.logSumExp, x, axes: [0]) },
    Case("logSumExp of two axes", 2, 2, 3) { b, x in b.reduce(.logSumExp, x, axes: [0, 2]) },
    Case("cumulativeSum", 2, 4) { b, x in b.cumulativeSum(b.square(x)) },
    Case("cumulativeSum from the end", 4) { b, x in b.cumulativeSum(b.square(x), reversed: true) },
    Case("gather", 3) { b, x in b.gather(b.square(x), [Run.numbers(b, [5], [2, 0, 2, 2, 1])]) },
    Case("gather of rows", 3, 2) { b, x in b.gather(x, [Run.numbers(b, [2, 2], [2, 0, 2, 1])]) },
    Case("gather by pairs", 3, 2) { b, x in
      b.gather(b.exp(x), [Run.numbers(b, [4], [2, 0, 2, 1]), Run.numbers(b, [4], [0, 1, 0, 1])])
    },
    Case("gather of nothing", 3) { b, x in b.gather(x, [Run.numbers(b, [0], [])]) },
    Case("gather by a scalar", 3, 2) { b, x in b.gather(x, [Run.numbers(b, [], [1])]) },
    Case("scatter", 4) { b, x in b.scatterAdd(b.square(x), [Run.numbers(b, [4], [1, 0, 1, 1])], into: Run.shape(3)) },
    Case("scatter of rows", 3, 2) { b, x in b.scatterAdd(x, [Run.numbers(b, [3], [1, 1, 0])], into: Run.shape(2, 2)) },
    Case("crossed scatters", 4) { b, x in
      let indices = [Run.numbers(b, [4], [1, 0, 1, 1]), Run.numbers(b, [4], [0, 1, 1, 0])]
      let table = b.scatterAdd(b.exp(x), indices, into: Run.shape(2, 2))
      return b.multiply(table, b.permute(table, order: [1, 0]))
    },
    Case("matrix product", 2, 3) { b, x in b.matrixProduct(x, b.transpose(b.square(x))) },
    Case("batched product", 2, 2, 3) { b, x in b.matrixProduct(b.transpose(x), x) },
    Case("matrix times vector", 3, 3) { b, x in b.matrixVector(x, b.reduce(.sum, b.square(x), axes: [0])) },
    Case("product of no rows", 0, 3) { b, x in b.matrixProduct(b.transpose(x), x) },
    Case("lowerTriangle", 3, 3) { b, x in b.lowerTriangle(b.square(x)) },
    Case("lowerTriangle with half the diagonal", 3, 3) { b, x in b.lowerTriangle(b.square(x), halvesDiagonal: true) },
    Case("diagonalPart", 2, 3, 3) { b, x in b.diagonalPart(b.square(x)) },
    Case("diagonalMatrix", 2, 3) { b, x in b.diagonalMatrix(b.square(x)) },
    Case("cholesky", 3, 3) { b, x in b.cholesky(positiveDefinite(b, x)) },
    Case("cholesky of one", 1, 1) { b, x in b.cholesky(positiveDefinite(b, x)) },
    Case("cholesky of nothing", 0, 0) { b, x in b.cholesky(positiveDefinite(b, x)) },
    Case("batched cholesky", 2, 2, 2) { b, x in b.cholesky(positiveDefinite(b, x)) },
    Case("triangular solve", 3, 3) { b, x in b.triangularSolve(b.cholesky(positiveDefinite(b, x)), b.transpose(x)) },
    Case("transposed triangular solve", 2, 3, 3) { b, x in
      b.triangularSolve(b.cholesky(positiveDefinite(b, x)), b.square(x), transposed: true)
    },
  ]

  private static func positiveDefinite(_ b: GraphBuilder, _ x: NodeID) -> NodeID {
    let shape = b.shape(x)
    let order = shape[shape.count - 1].extent
    let ones = b.broadcast(b.constant(1.5), to: Array(shape.dropLast()), mapping: [])
    let product = b.matrixProduct(x, b.transpose(x))
    return order == 0 ? product : b.add(product, b.diagonalMatrix(ones))
  }

  @Test(arguments: cases) func gradient(_ test: Case) throws {
    let b = GraphBuilder()
    let shape = Shape(extents: test.extents)
    let x = b.parameter(offset: 0, shape: shape)
    let result = test.build(b, x)
    let graph = try Run.weighted(b, result)
    try Run.requireGradient(
      graph, at: Run.normals(shape.elementCount, seed: 21), tolerance: 1e-6, test.testDescription)
  }

  /// The product of the others, also where factors are 0; equal extremes share the slope.
  @Test func productsWithZerosAndTiedExtremes() throws {
    func slopes(_ reduction: Reduction, _ x: [Double]) throws -> [Double] {
      let b = GraphBuilder()
      let graph = try b.finish(outputs: [
        b.reduce(reduction, b.parameter(offset: 0, shape: [Dimension(x.count)]), axes: [0])
      ])
      return try Run.gradient(graph, at: x).gradient
    }
    #expect(try slopes(.product, [2, 3, 5]) == [15, 10, 6])
    #expect(try slopes(.product, [2, 0, 5]) == [0, 10, 0])
    #expect(try slopes(.product, [0, 0, 5]) == [0, 0, 0])
    #expect(try slopes(.product, [-0.0, 4]) == [4, 0])
    #expect(try slopes(.maximum, [1, 3, 3, 2]) == [0, 0.5, 0.5, 0])
    #expect(try slopes(.minimum, [1, 1, 1, 1]) == [0.25, 0.25, 0.25, 0.25])
  }

  /// Logarithms of probabilities far out, where the formula as it is written gives −∞ or 0.
  @Test(arguments: [
    (0, -800.0, -800.0, 1.0), (1, 800, -800, -1), (2, 800, -800, -1), (3, 800, 800, 1), (4, 800, 800, 1),
    (5, -1e-20, log(1e-20), -1e20), (6, -1e-20, log(1e-20), -1e20),
  ])
  func stableLogarithms(form: Int, at x: Double, value: Double, slope: Double) throws {
    let b = GraphBuilder()
    let p = b.parameter(offset: 0, shape: [])
    let (share, power, one) = (b.unary(.logistic, p), b.exp(p), b.constant(1))
    let result =
      switch form {
      case 0: b.log(share)
      case 1: b.unary(.log1p, b.negate(share))
      case 2: b.log(b.subtract(one, share))
      case 3: b.log(b.add(one, power))
      case 4: b.unary(.log1p, power)
      case 5: b.log(b.subtract(one, power))
      default: b.unary(.log1p, b.negate(power))
      }
    let found = try Run.gradient(try b.finish(outputs: [result]), at: [x])
    #expect(abs(found.value - value) <= 1e-14 * abs(value), "\(found.value)")
    #expect(abs(found.gradient[0] - slope) <= 1e-14 * abs(slope), "\(found.gradient)")
  }
}
