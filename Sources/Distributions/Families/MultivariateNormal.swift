import Foundation
import Numerics
package import TensorIR

/// The multivariate normal by mean and Cholesky factor, covariance or precision.
package struct MultivariateNormalFamily: MultivariateFamily {
  package enum Form: Sendable { case cholesky, covariance, precision }

  package let form: Form
  package init(form: Form) { self.form = form }

  package var name: String {
    switch form {
    case .cholesky: "MultivariateNormal(_:cholesky:)"
    case .covariance: "MultivariateNormal(_:covariance:)"
    case .precision: "MultivariateNormal(_:precision:)"
    }
  }
  package var parameters: [DistributionParameter] {
    let matrix =
      switch form {
      case .cholesky: DistributionParameter("cholesky", .matrix, .lowerTriangular)
      case .covariance: DistributionParameter("covariance", .matrix, .positiveDefinite)
      case .precision: DistributionParameter("precision", .matrix, .positiveDefinite)
      }
    return [DistributionParameter("loc", .vector, .finiteVector), matrix]
  }
  package let eventRank = 1
  package let supportDescription = "a vector of real numbers"

  package func support(_ parameters: [NodeID], _ b: GraphBuilder) -> Support { .realVector }

  package func relationFault(_ parameters: [TensorData]) -> String? {
    guard let entries = parameters[0].extents.last, let order = parameters[1].extents.last, entries != order else {
      return nil
    }
    return "loc has \(entries) entries, \(self.parameters[1].name) \(order) rows"
  }

  /// −½‖L⁻¹(x − μ)‖² − Σ log Lᵢᵢ − (d/2) log 2π; with a precision QQᵀ, −½‖Qᵀ(x − μ)‖² + Σ log Qᵢᵢ − (d/2) log 2π.
  package func logDensity(_ value: NodeID, _ p: [NodeID], _ b: GraphBuilder) -> NodeID {
    let shape = b.shape(value)
    let axis = shape.count - 1
    let factor = form == .cholesky ? p[1] : b.cholesky(p[1])
    let deviation = b.subtract(b.repeated(value, to: b.shape(p[0])), b.repeated(p[0], to: shape))
    let standard = applied(factor, deviation, b) { factor, columns in
      form == .precision
        ? b.matrixProduct(b.transpose(factor), columns) : b.triangularSolve(factor, columns)
    }
    let squares = b.reduce(.sum, b.square(standard), axes: [axis])
    let rank = b.shape(factor).count
    let logDiagonal = b.reduce(.sum, b.log(b.diagonalPart(factor)), axes: [rank - 2])
    let constant = Double(shape[axis].extent) * halfLogTwoPi
    let scale = form == .precision ? logDiagonal : b.negate(logDiagonal)
    return b.add(b.times(squares, -0.5), b.plus(scale, -constant))
  }

  package func draw(_ stream: StreamLabel, elements: NodeID, _ p: [NodeID], _ b: GraphBuilder) -> NodeID? {
    let count = b.shape(p[0]).last?.extent ?? 0
    let normal = b.random(.normal, stream, elements: b.entryNumbers(elements, count: count))
    let factor = form == .cholesky ? b.lowerTriangle(p[1]) : b.cholesky(p[1])
    let spread = applied(factor, normal, b) { factor, columns in
      form == .precision
        ? b.triangularSolve(factor, columns, transposed: true) : b.matrixProduct(factor, columns)
    }
    return b.add(spread, b.repeated(p[0], to: b.shape(spread)))
  }

  /// Applies a map of columns to vectors along the last axis: one matrix for all of them, or one each.
  private func applied(
    _ matrix: NodeID, _ vectors: NodeID, _ b: GraphBuilder, _ map: (NodeID, NodeID) -> NodeID
  ) -> NodeID {
    let shape = b.shape(vectors)
    guard let last = shape.last else { return vectors }
    if b.shape(matrix).count == 2 {
      let rows = b.reshape(vectors, to: [Dimension(Array(shape.dropLast()).elementCount), last])
      return b.reshape(b.transpose(map(matrix, b.transpose(rows))), to: shape)
    }
    let columns = b.reshape(vectors, to: shape + [Dimension(1)])
    return b.reshape(map(matrix, columns), to: shape)
  }

  package func mean(_ parameters: [TensorData]) -> [Double] { parameters[0].elements }

  package func covariance(_ parameters: [TensorData]) -> [Double]? {
    let b = GraphBuilder()
    let matrix = b.data(parameters[1])
    let result: NodeID
    switch form {
    case .covariance: return parameters[1].elements
    case .cholesky:
      let factor = b.lowerTriangle(matrix)
      result = b.matrixProduct(factor, b.transpose(factor))
    case .precision:
      let order = parameters[1].extents.last ?? 0
      let identity = (0..<(order * order)).map { $0 % (order + 1) == 0 ? 1.0 : 0 }
      let factor = b.cholesky(matrix)
      let half = b.triangularSolve(factor, b.data(TensorData(extents: [order, order], elements: identity)))
      result = b.matrixProduct(b.transpose(half), half)
    }
    guard let contents = b.contents(of: result), b.failure == nil,
      contents.elements.allSatisfy({ $0.isFinite })
    else { return nil }
    return contents.elements
  }
}
