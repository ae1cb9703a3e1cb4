/// The triangular factor R of a tall matrix A = Q R, whose rows come block by block; Q is not kept.
///
/// Each block is eliminated under the factor of the rows before it by Householder reflections (Golub and Van Loan 2013,
/// algorithm 5.2.1; Higham 2002, theorem 19.4: stable column by column). Sums run in one order on every machine.
package struct TriangularFactor {
  package let columnCount: Int
  /// Column-major, the lower triangle 0.
  private var factor: [Double]

  package init(columnCount: Int) {
    self.columnCount = columnCount
    factor = Array(repeating: 0, count: columnCount * columnCount)
  }

  package subscript(row: Int, column: Int) -> Double { factor[column * columnCount + row] }

  /// False after rows that hold anything else than numbers, or whose squares overflow.
  package var isFinite: Bool { factor.allSatisfy { $0.isFinite } }

  /// Adds rows and overwrites them.
  ///
  /// - Parameters:
  ///   - rows: Column-major: `columnCount` columns of `stride` lanes of eight rows; rows that are 0 change nothing.
  package mutating func append(_ rows: UnsafeMutablePointer<SIMD8<Double>>, stride: Int) {
    let n = columnCount
    factor.withUnsafeMutableBufferPointer { factor in
      for j in 0..<n {
        let pivot = rows + j * stride
        let squares = TriangularFactor.dot(pivot, pivot, stride)
        guard squares != 0 else { continue }
        let diagonal = factor[j * n + j]
        let length = (diagonal * diagonal + squares).squareRoot()
        let new = diagonal > 0 ? -length : length
        let weight = (new - diagonal) / new
        let scale = 1 / (diagonal - new)
        for k in 0..<stride { pivot[k] *= scale }
        factor[j * n + j] = new
        for k in (j + 1)..<max(n, j + 1) {
          let column = rows + k * stride
          let change = weight * (factor[k * n + j] + TriangularFactor.dot(pivot, column, stride))
          factor[k * n + j] -= change
          for lane in 0..<stride { column[lane] -= change * pivot[lane] }
        }
      }
    }
  }

  private static func dot(
    _ a: UnsafeMutablePointer<SIMD8<Double>>, _ b: UnsafeMutablePointer<SIMD8<Double>>, _ count: Int
  ) -> Double {
    var total = SIMD8<Double>()
    for k in 0..<count { total += a[k] * b[k] }
    return total.sum()
  }
}
