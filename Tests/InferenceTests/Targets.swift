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
