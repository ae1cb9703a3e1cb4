import Foundation
import Inference

/// A normal law by mean and covariance of two or more dimensions.
struct GaussianTarget: LogDensity {
  let mean: [Double]
  let precision: [[Double]]
  let constant: Double
  var dimension: Int { mean.count }
  var workspaceByteCount: Int { 0 }

  init(mean: [Double], covariance: [[Double]]) {
    self.mean = mean
    let n = mean.count
    // Gauss–Jordan elimination; the determinant falls out of the pivots.
    var rows = covariance.enumerated().map { row, values in values + (0..<n).map { $0 == row ? 1.0 : 0.0 } }
    var logDeterminant = 0.0
    for column in 0..<n {
      let pivot = rows[column][column]
      logDeterminant += log(pivot)
      rows[column] = rows[column].map { $0 / pivot }
      for row in 0..<n where row != column {
        let factor = rows[row][column]
        rows[row] = zip(rows[row], rows[column]).map { $0 - factor * $1 }
      }
    }
    precision = rows.map { Array($0[n...]) }
    constant = -0.5 * logDeterminant - 0.5 * Double(n) * log(2 * Double.pi)
  }

  func evaluate(
    position: UnsafePointer<Double>, gradient: UnsafeMutablePointer<Double>, workspace: UnsafeMutableRawPointer
  ) -> Double {
    var quadratic = 0.0
    for i in 0..<dimension {
      var sum = 0.0
      for j in 0..<dimension { sum += precision[i][j] * (position[j] - mean[j]) }
      gradient[i] = -sum
      quadratic += sum * (position[i] - mean[i])
    }
    return constant - 0.5 * quadratic
  }
}

/// Neal's funnel in three dimensions: v ~ N(0, 3), two coordinates N(0, exp(v / 2)).
struct FunnelTarget: LogDensity {
  var dimension: Int { 3 }
  var workspaceByteCount: Int { 0 }
  func evaluate(
    position q: UnsafePointer<Double>, gradient: UnsafeMutablePointer<Double>, workspace: UnsafeMutableRawPointer
  ) -> Double {
    let v = q[0]
    let w = exp(-v)
    let squares = q[1] * q[1] + q[2] * q[2]
    gradient[0] = -v / 9 - 1 + 0.5 * squares * w
    gradient[1] = -q[1] * w
    gradient[2] = -q[2] * w
    return -0.5 * v * v / 9 - log(3) - v - 0.5 * squares * w - 1.5 * log(2 * Double.pi)
  }
}

/// A target in the coordinates z of q = A z, A lower triangular; the density is still that of q.
struct LinearTarget: LogDensity {
  let base: any LogDensity
  let factor: [[Double]]
  var dimension: Int { base.dimension }
  var workspaceByteCount: Int { 0 }

  func evaluate(
    position z: UnsafePointer<Double>, gradient: UnsafeMutablePointer<Double>, workspace: UnsafeMutableRawPointer
  ) -> Double {
    let point = factor.map { row in row.indices.reduce(0.0) { $0 + row[$1] * z[$1] } }
    var slopes = point
    let value = point.withUnsafeBufferPointer { q in
      slopes.withUnsafeMutableBufferPointer { g -> Double in
        guard let from = q.baseAddress, let to = g.baseAddress else { return .nan }
        return base.evaluate(position: from, gradient: to, workspace: workspace)
      }
    }
    for (index, slope) in LinearTarget.transposedProduct(factor, slopes).enumerated() { gradient[index] = slope }
    return value
  }

  static func cholesky(_ matrix: [[Double]]) -> [[Double]] {
    var lower = matrix.map { $0.map { _ in 0.0 } }
    for i in matrix.indices {
      for j in 0...i {
        let sum = (0..<j).reduce(matrix[i][j]) { $0 - lower[i][$1] * lower[j][$1] }
        lower[i][j] = i == j ? sum.squareRoot() : sum / lower[j][j]
      }
    }
    return lower
  }

  static func solve(_ lower: [[Double]], _ right: [Double]) -> [Double] {
    var result = right
    for i in right.indices {
      result[i] = (0..<i).reduce(right[i]) { $0 - lower[i][$1] * result[$1] } / lower[i][i]
    }
    return result
  }

  static func transposedProduct(_ lower: [[Double]], _ x: [Double]) -> [Double] {
    x.indices.map { column in x.indices.reduce(0.0) { $0 + lower[$1][column] * x[$1] } }
  }
}
