import Foundation

/// log(1 + d) − d, the exponent of a density about its mode.
enum LogDeviation {
  /// Near 0 as 2 artanh r − d with r = d / (2 + d), so that the linear parts cancel exactly.
  static func log1pMinus(_ d: Double) -> Double {
    guard abs(d) < 0.1 else { return log1p(d) - d }
    let r = d / (2 + d)
    let squared = r * r
    // At |d| = 0.1 the first term left out is below 1e-18.
    var series = 0.0
    for k in stride(from: 15.0, through: 3, by: -2) { series = 1 / k + series * squared }
    return 2 * r * squared * series - d * r
  }
}
