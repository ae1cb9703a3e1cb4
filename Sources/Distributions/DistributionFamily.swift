package import TensorIR

/// What a parameter must satisfy; NaN never does.
package enum ParameterConstraint: Sendable {
  case finite
  /// Also ±∞.
  case extended
  case positive
  case nonnegative
  case unitInterval
  /// A whole number ≥ 0.
  case count
  /// A whole number ≥ 1.
  case positiveCount
  /// Nonnegative entries along the last axis that sum to one.
  case simplex
  /// Entries along the last axis, +∞ excluded, at least one of them finite.
  case logits
  /// Positive entries along the last axis.
  case positiveVector
  case finiteVector
  /// Square, positive diagonal; what stands above the diagonal is not read.
  case lowerTriangular
  case positiveDefinite
}

/// A parameter of a family, as its constructor declares it.
package struct DistributionParameter: Sendable {
  package enum Kind: Sendable { case real, integer, vector, matrix }

  package var name: String
  package var kind: Kind
  package var constraint: ParameterConstraint

  package init(_ name: String, _ kind: Kind = .real, _ constraint: ParameterConstraint) {
    self.name = name
    self.kind = kind
    self.constraint = constraint
  }

  /// The rank of one value of it: what stands before belongs to the batch.
  package var rank: Int {
    switch kind {
    case .real, .integer: 0
    case .vector: 1
    case .matrix: 2
    }
  }
}

/// Where a distribution has mass; bounds are nodes, because they may depend on other sites.
package enum Support: Sendable {
  case real
  case lower(NodeID)
  case upper(NodeID)
  case interval(NodeID, NodeID)
  /// x ≥ 0.
  case positive
  case unitInterval
  /// Vectors of nonnegative numbers that sum to one.
  case simplex
  /// All vectors.
  case realVector
  /// Whole numbers from 0, below the number of categories where there is an end.
  case integers(below: Int?)
}

/// A family of distributions: its support, log density and draws as graph operations.
///
/// Shapes: a parameter has the shape of one value of it (`[]`, `[K]`, `[K, K]`), or the batch shape before that. Values
/// have the batch shape, with the event's extent behind it where `eventRank` is 1. Log densities have the batch shape.
package protocol DistributionFamily: Sendable {
  /// The constructor with its labels: `Bernoulli(logits:)`.
  var name: String { get }
  var parameters: [DistributionParameter] { get }
  var valueElement: ElementType { get }
  /// 0 for numbers, 1 for vectors.
  var eventRank: Int { get }
  /// Where values lie, in words: `a positive number`.
  var supportDescription: String { get }
  func support(_ parameters: [NodeID], _ b: GraphBuilder) -> Support
  /// The normalized log density in nats; −∞ outside the support, never NaN for lawful parameters.
  func logDensity(_ value: NodeID, _ parameters: [NodeID], _ b: GraphBuilder) -> NodeID
  /// A draw per element; nil for improper families.
  ///
  /// - Parameter elements: numbers the batch's elements within the stream; has the batch shape.
  func draw(_ stream: StreamLabel, elements: NodeID, _ parameters: [NodeID], _ b: GraphBuilder) -> NodeID?
  /// What is wrong between parameters that are each in order: `low must be below high`.
  func relationFault(_ parameters: [TensorData]) -> String?
}

extension DistributionFamily {
  package var eventRank: Int { 0 }
  package var valueElement: ElementType { .real }
  package func relationFault(_ parameters: [TensorData]) -> String? { nil }
  /// `Normal` of `Normal(_:_:)`.
  package var baseName: String { String(name.prefix { $0 != "(" }) }
  package var isDiscrete: Bool { valueElement != .real }

  /// The shape of one value, from the parameters' shapes; the batch left out.
  package func eventShape(_ shapes: [[Int]]) -> [Int] {
    guard eventRank == 1 else { return [] }
    for (parameter, shape) in zip(parameters, shapes) where parameter.rank > 0 {
      if let extent = shape.last { return [extent] }
    }
    return [0]
  }

  /// The batch shape that parameters of these shapes have together; nil where they disagree.
  package func batchShape(_ shapes: [[Int]]) -> [Int]? {
    var batch: [Int] = []
    for (parameter, shape) in zip(parameters, shapes) {
      guard shape.count >= parameter.rank else { return nil }
      let own = Array(shape.dropLast(parameter.rank))
      if own.isEmpty { continue }
      if batch.isEmpty { batch = own } else if batch != own { return nil }
    }
    return batch
  }
}

/// A family of numbers with the functions of probability theory, on plain doubles.
///
/// Parameters come in declared order; a family whose parameter is a vector takes its entries.
package protocol UnivariateFamily: DistributionFamily {
  /// NaN where it does not exist.
  func mean(_ p: [Double]) -> Double
  /// Infinite or NaN where it does not exist.
  func variance(_ p: [Double]) -> Double
  /// P(X ≤ x)
  func cdf(_ x: Double, _ p: [Double]) -> Double
  /// P(X > x), accurate where it is small.
  func survival(_ x: Double, _ p: [Double]) -> Double
  func logCDF(_ x: Double, _ p: [Double]) -> Double
  func logSurvival(_ x: Double, _ p: [Double]) -> Double
  /// The smallest value whose cdf reaches `probability`; NaN outside 0...1.
  func quantile(_ probability: Double, _ p: [Double]) -> Double
}

/// A family of vectors with its first two moments.
package protocol MultivariateFamily: DistributionFamily {
  func mean(_ parameters: [TensorData]) -> [Double]
  /// Row-major, `[K, K]`; nil where a factorization fails.
  func covariance(_ parameters: [TensorData]) -> [Double]?
}
