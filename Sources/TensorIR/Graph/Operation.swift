package import Numerics

/// Identifies a node of one graph; an index into its `nodes`.
package struct NodeID: Hashable, Comparable, Sendable {
  package var rawValue: Int32
  package init(_ rawValue: Int32) { self.rawValue = rawValue }
  package static func < (left: NodeID, right: NodeID) -> Bool { left.rawValue < right.rawValue }
  package var index: Int { Int(rawValue) }
}

/// What a tensor's elements mean. The reference evaluator stores all of them as doubles: integers below 2⁵³ are exact,
/// Booleans are 0 and 1.
package enum ElementType: UInt8, Hashable, Sendable { case real, integer, boolean }

/// One axis: a plain number, tagged with the plate or loop it came from (0: none).
package struct Dimension: Hashable, Sendable {
  package var extent: Int
  package var tag: Int32
  package init(_ extent: Int, tag: Int32 = 0) {
    self.extent = extent
    self.tag = tag
  }
}

package typealias Shape = [Dimension]

extension [Dimension] {
  package init(extents: [Int]) { self = extents.map { Dimension($0) } }
  /// The number of elements; saturates instead of overflowing.
  package var elementCount: Int {
    var product = 1
    for dimension in self {
      let (next, overflow) = product.multipliedReportingOverflow(by: dimension.extent)
      if overflow { return Int.max }
      product = next
    }
    return product
  }
  package var extents: [Int] { map(\.extent) }
  package func hasSameExtents(as other: Shape) -> Bool {
    count == other.count && extents == other.extents
  }
}

/// Functions of one element.
package enum UnaryOperation: String, Hashable, Sendable, CaseIterable {
  case negate, exp, log, log1p, expm1, sqrt, reciprocal, square, absolute, sign
  case floor, ceiling, round, truncate
  case sin, cos, tan, asin, acos, atan, sinh, cosh, tanh
  case logistic, logLogistic, softplus, log1mexp
  case erf, erfc, normalCDF, normalLogCDF, normalQuantile
  case logGamma, digamma, trigamma
  case logicalNot, isNaN, isFinite
  /// Changes the element type only.
  case toReal
  /// Truncates toward zero.
  case toInteger
}

/// Functions of two elements.
package enum BinaryOperation: String, Hashable, Sendable, CaseIterable {
  case add, subtract, multiply, divide, power, minimum, maximum, atan2, logAddExp
  /// x · log y, 0 where x is 0.
  case xLogY
  /// The sign follows the dividend, as in C.
  case remainder
  case integerQuotient, integerRemainder
  case equal, notEqual, less, lessOrEqual
  case logicalAnd, logicalOr
  /// Left where the right is nonzero, 0 elsewhere: multiplication by a mask that never makes NaN of infinity.
  case masked
}

package enum Reduction: String, Hashable, Sendable, CaseIterable { case sum, product, maximum, minimum, logSumExp }

/// Laws of the random primitives; every other sampler is made of these.
package enum RandomKind: String, Hashable, Sendable, CaseIterable {
  /// On the open unit interval; no parameter.
  case uniform
  /// Mean 0, standard deviation 1; no parameter.
  case normal
  /// The log of a gamma variate of rate 1; one parameter, the shape.
  case logGamma
  /// One parameter, the mean.
  case poisson
  /// Two parameters, trials and probability.
  case binomial
}

/// The name of a random stream inside a program: two words made from a site's name and a purpose.
package struct StreamLabel: Hashable, Sendable {
  package var high: UInt64
  package var low: UInt64
  package init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }
}

/// What a node computes. Operands stand beside it in ``Node``.
package enum Operation: Hashable, Sendable {
  /// Consecutive entries of the position, from an offset.
  case parameter(offset: Int)
  /// An argument of a scan's body, or of a program run with whole tensors.
  case input(Int)
  /// A tensor whose contents belong to the run, not to the program.
  case data(Int)
  /// A number of the program text.
  case constant(UInt64)
  case unary(UnaryOperation)
  case binary(BinaryOperation)
  /// condition ? a : b per element; operands share the result's shape or are scalars.
  case select
  /// Operand axis k becomes result axis `mapping[k]`; the others are repeated.
  case broadcast(mapping: [Int])
  case reshape
  /// Result axis k is operand axis `order[k]`.
  case permute(order: [Int])
  case slice(axis: Int, start: Int)
  case concatenate(axis: Int)
  case reduce(Reduction, axes: [Int])
  /// Along the last axis.
  case cumulativeSum(reversed: Bool)
  /// Operand 0 indexed on its leading axes by the remaining operands, integer tensors of one shape.
  case gather
  /// The adjoint of gather: operand 0 (updates) is added into zeros at the indices.
  case scatterAdd
  /// Batched over equal leading axes: `[…, m, k] × […, k, n]`.
  case matrixProduct
  /// Lower factor of a symmetric positive definite matrix (its lower triangle is read); NaN where it is none.
  case cholesky
  /// Of a lower factor and its cotangent, the cotangent of the lower triangle of the symmetric matrix that was factored.
  case choleskyAdjoint
  /// Of symmetric matrices `[…, n, n]` (the lower triangle is read), `[…, n + 1, n]`: the eigenvalues from the least,
  /// then an eigenvector of each per row, of length 1, its entry of the greatest magnitude positive. NaN where the
  /// matrix is not finite.
  case symmetricEigen
  /// Solves L X = B, or Lᵀ X = B; the strict upper triangle of L is not read.
  case triangularSolve(transposed: Bool)
  /// The lower triangle, the diagonal multiplied by a factor of 1 or ½.
  case lowerTriangle(halvesDiagonal: Bool)
  /// A sequential loop; its results are taken by `project`.
  case scan(ScanBody)
  case project(Int)
  /// Operand 0 numbers the elements of the stream; parameters follow.
  case random(RandomKind, StreamLabel)
}

/// The body of a scan.
///
/// Operands of the node: initial carries, then tensors sliced along their first axis, then captured values. Inputs of the
/// body are numbered in the same order. Outputs of the body: next carries, then values stacked along a new first axis.
/// `project(k)` gives the final carries, then the stacks.
package final class ScanBody: Hashable, Sendable {
  package let graph: Graph
  package let carryCount: Int
  package let slicedCount: Int
  package let steps: Int
  package let isReversed: Bool
  package let digest: Digest

  package init(graph: Graph, carryCount: Int, slicedCount: Int, steps: Int, isReversed: Bool) {
    self.graph = graph
    self.carryCount = carryCount
    self.slicedCount = slicedCount
    self.steps = steps
    self.isReversed = isReversed
    var builder = DigestBuilder()
    builder.append(tag: "scan")
    builder.append(carryCount)
    builder.append(slicedCount)
    builder.append(steps)
    builder.append(isReversed ? 1 : 0)
    builder.append(graph.structuralDigest())
    // A body holds few data of its own (counts, masks); two bodies that differ in them are two bodies.
    for contents in graph.data { contents.elements.withUnsafeBufferPointer { builder.append(doubles: $0) } }
    digest = builder.finish()
  }

  package static func == (left: ScanBody, right: ScanBody) -> Bool { left === right || left.digest == right.digest }
  package func hash(into hasher: inout Hasher) { hasher.combine(digest) }
}
