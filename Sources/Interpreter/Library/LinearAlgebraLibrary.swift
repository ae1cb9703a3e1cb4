import Checking
import Foundation
import TensorIR

/// Vectors and matrices.
package enum LinearAlgebraLibrary {
  package static let all: [Intrinsic] = [
    CoreLibrary.make("dot(_:_:)") { a, _ in
      let x = try a.vector(0)
      let y = try a.vector(1)
      guard x.count == y.count else {
        throw Fault("R004", "`dot` needs vectors of one length", expected: "\(x.count)", found: "\(y.count)")
      }
      return .real(StatisticsLibrary.sum(zip(x, y).map { $0 * $1 }))
    },
    CoreLibrary.make("Matrix(rows:)") { a, _ in
      let matrix = try asMatrix(a)
      return .matrix(matrix.rows, matrix.columns, matrix.elements)
    },
    CoreLibrary.make("Matrix(columns:)") { a, _ in
      let matrix = try asMatrix(a)
      return transposed(matrix)
    },
    CoreLibrary.make("transpose(_:)") { a, _ in
      let matrix = try a.matrix(0)
      return transposed(matrix)
    },
    CoreLibrary.make("Array.transposed") { a, _ in
      let matrix = try a.matrix(0)
      return transposed(matrix)
    },
    CoreLibrary.make("identity(_:)") { a, _ in
      let size = try a.count(0)
      var result = [Double](repeating: 0, count: try Operations.elementCount([size, size]))
      for index in 0..<size { result[index * size + index] = 1 }
      return .matrix(size, size, result)
    },
    CoreLibrary.make("diagonal(_:)") { a, _ in
      if let shape = Operations.shape(of: a[0]), shape.count == 2 {
        let matrix = try a.matrix(0)
        return .vector((0..<min(matrix.rows, matrix.columns)).map { matrix.elements[$0 * matrix.columns + $0] })
      }
      let x = try a.vector(0)
      var result = [Double](repeating: 0, count: try Operations.elementCount([x.count, x.count]))
      for index in x.indices { result[index * x.count + index] = x[index] }
      return .matrix(x.count, x.count, result)
    },
    CoreLibrary.make("outer(_:_:)") { a, _ in
      let x = try a.vector(0)
      let y = try a.vector(1)
      _ = try Operations.elementCount([x.count, y.count])
      return .matrix(x.count, y.count, x.flatMap { left in y.map { left * $0 } })
    },
    CoreLibrary.make("cholesky(_:)") { a, _ in
      let (size, elements) = try a.square(0)
      return .matrix(size, size, try cholesky(elements, size))
    },
    CoreLibrary.make("solve(_:_:)") { a, _ in
      let (size, elements) = try a.square(0)
      let right = try a.reals(1)
      let shape = Operations.shape(of: a[1]) ?? []
      guard shape.first == size, shape.count <= 2 else {
        throw Fault(
          "R004", "`solve` needs as many right-hand rows as the matrix has", expected: "\(size)", found: "\(shape)")
      }
      return .realArray(
        RealArray(shape: shape, elements: try solved(elements, size, right, shape.count == 2 ? shape[1] : 1)))
    },
    CoreLibrary.make("inverse(_:)") { a, _ in
      let (size, elements) = try a.square(0)
      var unit = [Double](repeating: 0, count: size * size)
      for index in 0..<size { unit[index * size + index] = 1 }
      return .matrix(size, size, try solved(elements, size, unit, size))
    },
    CoreLibrary.make("logDeterminant(_:)") { a, _ in
      let (size, elements) = try a.square(0)
      let factor = try cholesky(elements, size)
      return .real(2 * StatisticsLibrary.sum((0..<size).map { Foundation.log(factor[$0 * size + $0]) }))
    },
    CoreLibrary.make("eigenvalues(_:)") { a, _ in .vector(try eigen(a).values) },
    CoreLibrary.make("eigenvectors(_:)") { a, _ in
      let (size, _, rows) = try eigen(a)
      return transposed((size, size, rows))
    },
    CoreLibrary.make("trace(_:)") { a, _ in
      let (size, elements) = try a.square(0)
      return .real(StatisticsLibrary.sum((0..<size).map { elements[$0 * size + $0] }))
    },
    CoreLibrary.make("rowSums(_:)") { a, _ in
      let matrix = try a.matrix(0)
      return .vector(
        (0..<matrix.rows).map {
          StatisticsLibrary.sum(Array(matrix.elements[($0 * matrix.columns)..<(($0 + 1) * matrix.columns)]))
        })
    },
    CoreLibrary.make("columnSums(_:)") { a, _ in
      let matrix = try a.matrix(0)
      return .vector(
        (0..<matrix.columns).map { column in
          StatisticsLibrary.sum((0..<matrix.rows).map { matrix.elements[$0 * matrix.columns + column] })
        })
    },
    CoreLibrary.make("squaredExponential(_:_:_:)") { a, _ in
      let x = try a.vector(0)
      let alpha = try a.real(1)
      let rho = try a.real(2)
      _ = try Operations.elementCount([x.count, x.count])
      let elements = x.flatMap { left in
        x.map { right in
          let distance = (left - right) / rho
          return alpha * alpha * Foundation.exp(-0.5 * distance * distance)
        }
      }
      return .matrix(x.count, x.count, elements)
    },
  ]

  private static func asMatrix(_ a: Arguments) throws -> (rows: Int, columns: Int, elements: [Double]) {
    if case .list(let rows) = a[0] {
      if rows.isEmpty { return (0, 0, []) }
      let stacked = try Operations.stacked(rows, .real, rank: 2)
      return try Arguments(a.name, [stacked]).matrix(0)
    }
    return try a.matrix(0)
  }

  static func transposed(_ matrix: (rows: Int, columns: Int, elements: [Double])) -> Value {
    var result = [Double](repeating: 0, count: matrix.elements.count)
    for row in 0..<matrix.rows {
      for column in 0..<matrix.columns {
        result[column * matrix.rows + row] = matrix.elements[row * matrix.columns + column]
      }
    }
    return .matrix(matrix.columns, matrix.rows, result)
  }

  /// The lower Cholesky factor; the upper half of the input is not read.
  static func cholesky(_ a: [Double], _ n: Int) throws -> [Double] {
    var l = [Double](repeating: 0, count: n * n)
    for j in 0..<n {
      var pivot = a[j * n + j]
      for k in 0..<j { pivot -= l[j * n + k] * l[j * n + k] }
      guard pivot > 0, pivot.isFinite else {
        throw Fault(
          "R017", "the matrix is not positive definite", caret: "pivot \(j) is \(pivot)",
          help: "add a small number to the diagonal: `+ 1e-10 * identity(\(n))`")
      }
      let root = pivot.squareRoot()
      l[j * n + j] = root
      for i in stride(from: j + 1, to: n, by: 1) {
        var sum = a[i * n + j]
        for k in 0..<j { sum -= l[i * n + k] * l[j * n + k] }
        l[i * n + j] = sum / root
      }
    }
    return l
  }

  /// Eigenvalues from the least, and eigenvectors in rows.
  private static func eigen(_ a: Arguments) throws -> (size: Int, values: [Double], rows: [Double]) {
    let (size, elements) = try a.square(0)
    let greatest = elements.reduce(0) { max($0, abs($1)) }
    // What is not finite has eigenvalues that are not numbers.
    for i in 0..<(elements.allSatisfy({ $0.isFinite }) ? size : 0) {
      for j in 0..<i where !(abs(elements[i * size + j] - elements[j * size + i]) <= 1e-10 * greatest) {
        let (one, other) = (elements[i * size + j], elements[j * size + i])
        throw Fault(
          "R022", "the matrix is not symmetric",
          caret: "entries [\(i), \(j)] and [\(j), \(i)] are \(one) and \(other)",
          help: "`0.5 * (a + transpose(a))` is the symmetric part of `a`")
      }
    }
    var both = Array(repeating: 0.0, count: (size + 1) * size)
    var work = Array(repeating: 0.0, count: max(1, size * size))
    both.withUnsafeMutableBufferPointer { both in
      work.withUnsafeMutableBufferPointer { work in
        guard let result = both.baseAddress, let work = work.baseAddress else { return }
        Kernels.symmetricEigen(elements, result, work: work, batch: 1, n: size)
      }
    }
    return (size, Array(both[..<size]), Array(both[size...]))
  }

  /// Gaussian elimination with partial pivoting.
  static func solved(_ matrix: [Double], _ n: Int, _ right: [Double], _ columns: Int) throws -> [Double] {
    var a = matrix
    var b = right
    for column in 0..<n {
      var pivot = column
      for row in (column + 1)..<max(n, column + 1) where a[row * n + column].magnitude > a[pivot * n + column].magnitude
      {
        pivot = row
      }
      let value = a[pivot * n + column]
      guard value != 0, value.isFinite else {
        throw Fault("R017", "the matrix is singular", caret: "column \(column) depends on earlier ones")
      }
      if pivot != column {
        for k in 0..<n { a.swapAt(pivot * n + k, column * n + k) }
        for k in 0..<columns { b.swapAt(pivot * columns + k, column * columns + k) }
      }
      for row in (column + 1)..<max(n, column + 1) {
        let factor = a[row * n + column] / value
        if factor == 0 { continue }
        for k in column..<n { a[row * n + k] -= factor * a[column * n + k] }
        for k in 0..<columns { b[row * columns + k] -= factor * b[column * columns + k] }
      }
    }
    for row in stride(from: n - 1, through: 0, by: -1) {
      for k in 0..<columns {
        var sum = b[row * columns + k]
        for inner in (row + 1)..<max(n, row + 1) { sum -= a[row * n + inner] * b[inner * columns + k] }
        b[row * columns + k] = sum / a[row * n + row]
      }
    }
    return b
  }
}
