package import TensorIR

/// A one-to-one map from unconstrained numbers to a support, as graph operations.
///
/// Operands may have any batch axes in front; `eventRank` trailing axes are mapped together.
package protocol Bijector: Sendable {
  /// 0: element by element; 1: along the last axis.
  var eventRank: Int { get }
  /// Unconstrained → constrained.
  func forward(_ y: NodeID, _ b: GraphBuilder) -> NodeID
  /// Constrained → unconstrained.
  func inverse(_ x: NodeID, _ b: GraphBuilder) -> NodeID
  /// The log absolute determinant of `forward`'s Jacobian at `y`; has the batch shape.
  func logDeterminant(_ y: NodeID, _ b: GraphBuilder) -> NodeID
  /// The extents of `y` for a value of these extents.
  func unconstrainedExtents(_ extents: [Int]) -> [Int]
}

extension Bijector {
  package var eventRank: Int { 0 }
  package func unconstrainedExtents(_ extents: [Int]) -> [Int] { extents }
}

extension Support {
  /// The bijector from all reals onto the support; nil for whole numbers.
  package var bijector: (any Bijector)? {
    switch self {
    case .real, .realVector: IdentityBijector()
    case .lower(let bound): LowerBijector(bound: bound)
    case .upper(let bound): UpperBijector(bound: bound)
    case .interval(let low, let high): IntervalBijector(low: low, high: high)
    case .positive: PositiveBijector()
    case .unitInterval: UnitIntervalBijector()
    case .simplex: SimplexBijector()
    case .integers: nil
    }
  }
}
