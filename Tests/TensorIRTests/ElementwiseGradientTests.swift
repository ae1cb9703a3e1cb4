import Foundation
import Numerics
import TensorIR
import Testing

/// Every elementwise operation's gradient against central differences, on arrays, scalars and mixtures.
@Suite struct ElementwiseGradientTests {
  /// Points inside the operation's domain, away from kinks.
  private static func points(_ operation: UnaryOperation) -> [Double] {
    switch operation {
    case .log, .sqrt, .logGamma, .digamma, .trigamma: [0.3, 1.7, 6.2]
    case .log1p: [-0.6, 0.4, 3]
    case .asin, .acos: [-0.7, 0.1, 0.6]
    case .log1mexp: [-3, -0.9, -0.2]
    case .normalQuantile: [0.1, 0.55, 0.8]
    case .negate, .exp, .expm1, .reciprocal, .square, .absolute, .sign, .floor, .ceiling, .round, .truncate, .sin, .cos,
      .tan, .atan, .sinh, .cosh, .tanh, .logistic, .logLogistic, .softplus, .erf, .erfc, .normalCDF, .normalLogCDF,
      .logicalNot, .isNaN, .isFinite, .toReal, .toInteger:
      [-1.3, 0.4, 1.1]
    }
  }

  @Test(arguments: UnaryOperation.allCases) func unary(_ operation: UnaryOperation) throws {
    let point = ElementwiseGradientTests.points(operation)
    for extents in [[3], [3, 1], []] {
      let b = GraphBuilder()
      let x = b.parameter(offset: 0, shape: Shape(extents: extents))
      let graph = try Run.weighted(b, b.unary(operation, x))
      if operation == .trigamma {
        #expect(throws: GraphError.self) { try Run.gradient(graph, at: point) }
      } else {
        try Run.requireGradient(graph, at: extents.isEmpty ? [point[1]] : point, "\(operation) \(extents)")
      }
    }
  }

  @Test(arguments: BinaryOperation.allCases) func binary(_ operation: BinaryOperation) throws {
    // Positive first operands, because powers and logs need them; no ties.
    let (x, y) = ([0.7, 1.9, 2.4], [1.4, 1.2, 3.1])
    for (left, right) in [([3], [3]), ([3], []), ([], [3]), ([], []), ([3, 1], [3, 1])] {
      let b = GraphBuilder()
      let first = b.parameter(offset: 0, shape: Shape(extents: left))
      let count = left.isEmpty ? 1 : 3
      let second = b.parameter(offset: count, shape: Shape(extents: right))
      let position = Array(x.prefix(count)) + Array(y.prefix(right.isEmpty ? 1 : 3))
      let takesIntegers = operation == .integerQuotient || operation == .integerRemainder
      let operands = [first, second].map { takesIntegers ? b.unary(.toInteger, $0) : $0 }
      let graph = try Run.weighted(b, b.binary(operation, operands[0], operands[1]))
      try Run.requireGradient(graph, at: position, "\(operation) \(left) \(right)")
    }
    // The same operand twice.
    let b = GraphBuilder()
    let both = b.parameter(offset: 0, shape: [Dimension(2)])
    switch operation {
    case .minimum, .maximum, .remainder, .equal, .notEqual, .less, .lessOrEqual, .integerQuotient, .integerRemainder:
      break
    case .add, .subtract, .multiply, .divide, .power, .atan2, .logAddExp, .xLogY, .logicalAnd, .logicalOr, .masked:
      try Run.requireGradient(
        try Run.weighted(b, b.binary(operation, both, both)), at: [0.8, 1.9], "\(operation) twice")
    }
  }

  @Test func select() throws {
    for extents in [[4], [0], [1]] {
      let count = extents[0]
      let b = GraphBuilder()
      let x = b.parameter(offset: 0, shape: Shape(extents: extents))
      let scalar = b.parameter(offset: count, shape: [])
      let condition = b.binary(.less, x, b.constant(0.2))
      let graph = try Run.weighted(b, b.select(condition, b.square(x), b.multiply(scalar, x)))
      let position = Array([-0.5, 0.9, 0.1, 1.4].prefix(count)) + [1.3]
      try Run.requireGradient(graph, at: position, "select \(extents)")
    }
  }

  /// log, sqrt, division and power have infinite or undefined slopes in the branch that is not taken.
  @Test func untakenBranchesGiveNoNaN() throws {
    let branches: [(GraphBuilder, NodeID) -> NodeID] = [
      { $0.log($1) }, { $0.unary(.sqrt, $1) }, { $0.unary(.reciprocal, $1) }, { $0.divide($0.constant(1), $1) },
      { $0.binary(.power, $1, $0.constant(0.3)) }, { $0.binary(.xLogY, $1, $1) }, { $0.exp($0.unary(.reciprocal, $1)) },
      { $0.log($0.log($1)) }, { $0.reduce(.logSumExp, $0.log($1), axes: [0]) },
    ]
    for (index, branch) in branches.enumerated() {
      let b = GraphBuilder()
      let x = b.parameter(offset: 0, shape: [Dimension(2)])
      let isSafe = b.binary(.less, b.constant(0.5), x)
      let inner = branch(b, x)
      let graph = try b.finish(outputs: [b.sumAll(b.select(isSafe, inner, b.multiply(b.constant(3), x)))])
      let (_, gradient) = try Run.gradient(graph, at: [0, 0])
      #expect(gradient == [3, 3], "branch \(index)")
    }
  }

  /// A zero transition probability, as log 0, has weight 0 and no NaN.
  @Test func logSumExpAtInfinities() throws {
    let b = GraphBuilder()
    let x = b.parameter(offset: 0, shape: [Dimension(3)])
    let impossible = b.data(TensorData(extents: [3], elements: [0, -.infinity, 0]))
    let graph = try b.finish(outputs: [b.reduce(.logSumExp, b.add(x, impossible), axes: [0])])
    let (value, gradient) = try Run.gradient(graph, at: [0, 5, 0])
    #expect(abs(value - log(2)) < 1e-15)
    #expect(gradient == [0.5, 0, 0.5])
    let none = GraphBuilder()
    let y = none.parameter(offset: 0, shape: [Dimension(2)])
    let all = none.data(TensorData(extents: [2], elements: [-.infinity, -.infinity]))
    let blocked = try none.finish(outputs: [none.reduce(.logSumExp, none.add(y, all), axes: [0])])
    let (nothing, slopes) = try Run.gradient(blocked, at: [1, 2])
    #expect(nothing == -.infinity)
    #expect(slopes == [0, 0])
  }

  @Test func integersHaveNoGradient() throws {
    let b = GraphBuilder()
    let x = b.parameter(offset: 0, shape: [])
    let whole = b.unary(.toInteger, b.multiply(x, b.constant(10)))
    let graph = try b.finish(outputs: [b.multiply(b.unary(.toReal, whole), x)])
    let (value, gradient) = try Run.gradient(graph, at: [0.77])
    #expect(abs(value - 7 * 0.77) < 1e-15)
    #expect(gradient == [7])
  }
}
