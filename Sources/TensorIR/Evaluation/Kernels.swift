import Foundation
import Numerics

/// What operations mean: plain loops over doubles. The program runs these; folding in the builder runs them once.
package enum Kernels {
  // MARK: - Elements

  package static func apply(_ operation: UnaryOperation, _ x: Double) -> Double {
    switch operation {
    case .negate: -x
    case .exp: Foundation.exp(x)
    case .log: Foundation.log(x)
    case .log1p: Foundation.log1p(x)
    case .expm1: Foundation.expm1(x)
    case .sqrt: x.squareRoot()
    case .reciprocal: 1 / x
    case .square: x * x
    case .absolute: abs(x)
    case .sign: x > 0 ? 1 : (x < 0 ? -1 : x)
    case .floor: x.rounded(.down)
    case .ceiling: x.rounded(.up)
    case .round: x.rounded(.toNearestOrAwayFromZero)
    case .truncate, .toInteger: x.rounded(.towardZero)
    case .sin: Foundation.sin(x)
    case .cos: Foundation.cos(x)
    case .tan: Foundation.tan(x)
    case .asin: Foundation.asin(x)
    case .acos: Foundation.acos(x)
    case .atan: Foundation.atan(x)
    case .sinh: Foundation.sinh(x)
    case .cosh: Foundation.cosh(x)
    case .tanh: Foundation.tanh(x)
    case .logistic: Special.logistic(x)
    case .logLogistic: Special.logLogistic(x)
    case .softplus: Special.softplus(x)
    case .log1mexp: Special.logOneMinusExp(x)
    case .erf: Special.erf(x)
    case .erfc: Special.erfc(x)
    case .normalCDF: Special.normalCDF(x)
    case .normalLogCDF: Special.normalLogCDF(x)
    case .normalQuantile: Special.normalQuantile(x)
    case .logGamma: Special.logGamma(x)
    case .digamma: Special.digamma(x)
    case .trigamma: Special.trigamma(x)
    case .logicalNot: x == 0 ? 1 : 0
    case .isNaN: x.isNaN ? 1 : 0
    case .isFinite: x.isFinite ? 1 : 0
    case .toReal: x
    }
  }

  package static func apply(_ operation: BinaryOperation, _ x: Double, _ y: Double) -> Double {
    switch operation {
    case .add: x + y
    case .subtract: x - y
    case .multiply: x * y
    case .divide: x / y
    case .power: Foundation.pow(x, y)
    case .minimum: x.isNaN || y.isNaN ? .nan : Swift.min(x, y)
    case .maximum: x.isNaN || y.isNaN ? .nan : Swift.max(x, y)
    case .atan2: Foundation.atan2(x, y)
    case .logAddExp: Special.logAddExp(x, y)
    case .xLogY: x == 0 && !y.isNaN ? 0 : x * Foundation.log(y)
    case .remainder: Foundation.fmod(x, y)
    case .integerQuotient: y == 0 ? .nan : (x / y).rounded(.towardZero)
    case .integerRemainder: y == 0 ? .nan : Foundation.fmod(x, y)
    case .equal: x == y ? 1 : 0
    case .notEqual: x != y ? 1 : 0
    case .less: x < y ? 1 : 0
    case .lessOrEqual: x <= y ? 1 : 0
    case .logicalAnd: x != 0 && y != 0 ? 1 : 0
    case .logicalOr: x != 0 || y != 0 ? 1 : 0
    case .masked: y != 0 ? x : 0
    }
  }

  /// A loop per common operation, so that the compiler can vectorize it; the rest goes element by element.
  static func unary(
    _ operation: UnaryOperation, _ x: UnsafePointer<Double>, _ result: UnsafeMutablePointer<Double>, _ count: Int
  ) {
    switch operation {
    case .negate: for i in 0..<count { result[i] = -x[i] }
    case .square: for i in 0..<count { result[i] = x[i] * x[i] }
    case .reciprocal: for i in 0..<count { result[i] = 1 / x[i] }
    case .sqrt: for i in 0..<count { result[i] = x[i].squareRoot() }
    case .exp: for i in 0..<count { result[i] = Foundation.exp(x[i]) }
    case .log: for i in 0..<count { result[i] = Foundation.log(x[i]) }
    case .toReal: result.update(from: x, count: count)
    default: for i in 0..<count { result[i] = apply(operation, x[i]) }
    }
  }

  /// `xStep`, `yStep` are 1, or 0 for scalars.
  static func binary(
    _ operation: BinaryOperation, _ x: UnsafePointer<Double>, _ xStep: Int, _ y: UnsafePointer<Double>, _ yStep: Int,
    _ result: UnsafeMutablePointer<Double>, _ count: Int
  ) {
    switch (operation, xStep, yStep) {
    case (.add, 1, 1): for i in 0..<count { result[i] = x[i] + y[i] }
    case (.subtract, 1, 1): for i in 0..<count { result[i] = x[i] - y[i] }
    case (.multiply, 1, 1): for i in 0..<count { result[i] = x[i] * y[i] }
    case (.divide, 1, 1): for i in 0..<count { result[i] = x[i] / y[i] }
    case (.add, 1, 0), (.subtract, 1, 0), (.multiply, 1, 0), (.divide, 1, 0):
      let scalar = y[0]
      switch operation {
      case .add: for i in 0..<count { result[i] = x[i] + scalar }
      case .subtract: for i in 0..<count { result[i] = x[i] - scalar }
      case .multiply: for i in 0..<count { result[i] = x[i] * scalar }
      default: for i in 0..<count { result[i] = x[i] / scalar }
      }
    case (.add, 0, 1), (.subtract, 0, 1), (.multiply, 0, 1), (.divide, 0, 1):
      let scalar = x[0]
      switch operation {
      case .add: for i in 0..<count { result[i] = scalar + y[i] }
      case .subtract: for i in 0..<count { result[i] = scalar - y[i] }
      case .multiply: for i in 0..<count { result[i] = scalar * y[i] }
      default: for i in 0..<count { result[i] = scalar / y[i] }
      }
    default: for i in 0..<count { result[i] = apply(operation, x[i * xStep], y[i * yStep]) }
    }
  }

  // MARK: - Structure

  /// Copies by strides: result element (i₀, i₁, …) is `x[Σ iₖ·strides[k]]`.
  static func strided(
    _ x: UnsafePointer<Double>, _ result: UnsafeMutablePointer<Double>, extents: UnsafePointer<Int>,
    strides: UnsafePointer<Int>, rank: Int
  ) {
    if rank == 0 {
      result[0] = x[0]
      return
    }
    var out = 0
    copyAxis(x, result, &out, extents, strides, 0, rank)
  }

  private static func copyAxis(
    _ x: UnsafePointer<Double>, _ result: UnsafeMutablePointer<Double>, _ out: inout Int,
    _ extents: UnsafePointer<Int>, _ strides: UnsafePointer<Int>, _ axis: Int, _ rank: Int
  ) {
    let extent = extents[axis]
    let stride = strides[axis]
    if axis == rank - 1 {
      if stride == 1 {
        (result + out).update(from: x, count: extent)
      } else {
        for i in 0..<extent { result[out + i] = x[i * stride] }
      }
      out += extent
      return
    }
    for i in 0..<extent { copyAxis(x + i * stride, result, &out, extents, strides, axis + 1, rank) }
  }

  /// Reduces a `[outer, axis, inner]` view.
  static func reduce(
    _ reduction: Reduction, _ x: UnsafePointer<Double>, _ result: UnsafeMutablePointer<Double>, outer: Int, axis: Int,
    inner: Int
  ) {
    switch reduction {
    case .sum:
      if inner == 1 {
        for o in 0..<outer { result[o] = pairwiseSum(x + o * axis, axis) }
        return
      }
      for o in 0..<outer {
        let row = result + o * inner
        for i in 0..<inner { row[i] = 0 }
        for a in 0..<axis {
          let source = x + (o * axis + a) * inner
          for i in 0..<inner { row[i] += source[i] }
        }
      }
    case .product, .maximum, .minimum, .logSumExp:
      for o in 0..<outer {
        for i in 0..<inner {
          let base = x + o * axis * inner + i
          result[o * inner + i] = reduceOne(reduction, base, axis, inner)
        }
      }
    }
  }

  /// Eight partial sums over blocks, joined by a tree: the order is fixed, the error grows with log n.
  static func pairwiseSum(_ x: UnsafePointer<Double>, _ count: Int) -> Double {
    if count > 256 {
      let half = (count / 2 + 7) & ~7
      return pairwiseSum(x, half) + pairwiseSum(x + half, count - half)
    }
    var s = SIMD8<Double>.zero
    var i = 0
    while i + 8 <= count {
      s += UnsafeRawPointer(x + i).loadUnaligned(as: SIMD8<Double>.self)
      i += 8
    }
    var tail = 0.0
    while i < count {
      tail += x[i]
      i += 1
    }
    let four = s.lowHalf + s.highHalf
    let two = four.lowHalf + four.highHalf
    return (two[0] + two[1]) + tail
  }

  private static func reduceOne(_ reduction: Reduction, _ x: UnsafePointer<Double>, _ count: Int, _ step: Int) -> Double
  {
    switch reduction {
    case .sum:
      var total = 0.0
      for k in 0..<count { total += x[k * step] }
      return total
    case .product:
      var total = 1.0
      for k in 0..<count { total *= x[k * step] }
      return total
    case .maximum:
      var best = -Double.infinity
      for k in 0..<count { best = apply(.maximum, best, x[k * step]) }
      return best
    case .minimum:
      var best = Double.infinity
      for k in 0..<count { best = apply(.minimum, best, x[k * step]) }
      return best
    case .logSumExp:
      let top = reduceOne(.maximum, x, count, step)
      guard top.isFinite else { return top }
      var total = 0.0
      for k in 0..<count { total += Foundation.exp(x[k * step] - top) }
      return top + Foundation.log(total)
    }
  }

  package static func cumulativeSum(
    _ x: UnsafePointer<Double>, _ result: UnsafeMutablePointer<Double>, rows: Int, count: Int, reversed: Bool
  ) {
    for row in 0..<rows {
      var total = 0.0
      for k in 0..<count {
        let i = row * count + (reversed ? count - 1 - k : k)
        total += x[i]
        result[i] = total
      }
    }
  }

  // MARK: - Linear algebra

  package static func matrixProduct(
    _ a: UnsafePointer<Double>, _ b: UnsafePointer<Double>, _ c: UnsafeMutablePointer<Double>, batch: Int, m: Int,
    k: Int, n: Int
  ) {
    for t in 0..<batch {
      let left = a + t * m * k
      let right = b + t * k * n
      let result = c + t * m * n
      if n == 1 {
        for i in 0..<m { result[i] = dot(left + i * k, right, k) }
        continue
      }
      for i in 0..<(m * n) { result[i] = 0 }
      for i in 0..<m {
        let row = result + i * n
        for p in 0..<k {
          let factor = left[i * k + p]
          let source = right + p * n
          for j in 0..<n { row[j] += factor * source[j] }
        }
      }
    }
  }

  private static func dot(_ x: UnsafePointer<Double>, _ y: UnsafePointer<Double>, _ count: Int) -> Double {
    var s = SIMD4<Double>.zero
    var i = 0
    while i + 4 <= count {
      let a = UnsafeRawPointer(x + i).loadUnaligned(as: SIMD4<Double>.self)
      let b = UnsafeRawPointer(y + i).loadUnaligned(as: SIMD4<Double>.self)
      s += a * b
      i += 4
    }
    var tail = 0.0
    while i < count {
      tail += x[i] * y[i]
      i += 1
    }
    let two = s.lowHalf + s.highHalf
    return (two[0] + two[1]) + tail
  }

  /// Row by row (Cholesky–Banachiewicz); a pivot that is not positive makes the whole factor NaN.
  package static func cholesky(_ a: UnsafePointer<Double>, _ l: UnsafeMutablePointer<Double>, batch: Int, n: Int) {
    for t in 0..<batch {
      let source = a + t * n * n
      let factor = l + t * n * n
      var isPositive = true
      rows: for i in 0..<n {
        for j in 0...i {
          var sum = source[i * n + j]
          for k in 0..<j { sum -= factor[i * n + k] * factor[j * n + k] }
          if i == j {
            guard sum > 0, sum.isFinite else {
              isPositive = false
              break rows
            }
            factor[i * n + i] = sum.squareRoot()
          } else {
            factor[i * n + j] = sum / factor[j * n + j]
          }
        }
        for j in (i + 1)..<max(n, i + 1) { factor[i * n + j] = 0 }
      }
      if !isPositive { for i in 0..<(n * n) { factor[i] = .nan } }
    }
  }

  /// The first row, from 0, whose leading block is not positive definite, and its pivot; nil where all are.
  package static func firstBadPivot(of matrix: [Double], order n: Int) -> (row: Int, pivot: Double)? {
    var factor = Array(repeating: 0.0, count: n * n)
    for i in 0..<n {
      for j in 0...i {
        var sum = matrix[i * n + j]
        for k in 0..<j { sum -= factor[i * n + k] * factor[j * n + k] }
        if i == j {
          guard sum > 0, sum.isFinite else { return (i, sum) }
          factor[i * n + i] = sum.squareRoot()
        } else {
          factor[i * n + j] = sum / factor[j * n + j]
        }
      }
    }
    return nil
  }

  /// The cotangent of a symmetric matrix from that of its factor, from the last row up (Smith 1995; Murray 2016,
  /// "Differentiation of the Cholesky decomposition", section 4.1): all of it in the lower triangle, which is what was
  /// read.
  package static func choleskyAdjoint(
    _ l: UnsafePointer<Double>, _ cotangent: UnsafePointer<Double>, _ result: UnsafeMutablePointer<Double>, batch: Int,
    n: Int
  ) {
    for t in 0..<batch {
      let factor = l + t * n * n
      let bar = result + t * n * n
      for i in 0..<n { (bar + i * n).update(from: cotangent + (t * n + i) * n, count: i + 1) }
      for j in stride(from: n - 1, through: 0, by: -1) {
        choleskyAdjointRow(j, factor, bar, n: n, stride: n)
      }
      for i in 0..<n {
        for j in 0..<i { bar[j * n + i] = 0 }
      }
    }
  }

  /// One row of the sweep: rows j and below of a factor of which `n` rows count, in rows of `stride` numbers.
  package static func choleskyAdjointRow(
    _ j: Int, _ factor: UnsafePointer<Double>, _ bar: UnsafeMutablePointer<Double>, n: Int, stride: Int
  ) {
    let pivot = factor[j * stride + j]
    let row = factor + j * stride
    var diagonal = bar[j * stride + j]
    for i in (j + 1)..<max(n, j + 1) { diagonal -= factor[i * stride + j] * bar[i * stride + j] / pivot }
    diagonal /= pivot
    let rowBar = bar + j * stride
    for k in 0..<j { rowBar[k] -= diagonal * row[k] }
    for i in (j + 1)..<max(n, j + 1) {
      let column = bar[i * stride + j] / pivot
      bar[i * stride + j] = column
      let other = factor + i * stride
      let otherBar = bar + i * stride
      for k in 0..<j {
        rowBar[k] -= column * other[k]
        otherBar[k] -= column * row[k]
      }
    }
    bar[j * stride + j] = 0.5 * diagonal
  }

  /// Eigenvalues, then eigenvectors in rows, by Jacobi's method in cycles (Golub and Van Loan 2013, algorithm 8.5.3).
  ///
  /// - Parameter work: Room for n² numbers.
  package static func symmetricEigen(
    _ a: UnsafePointer<Double>, _ result: UnsafeMutablePointer<Double>, work: UnsafeMutablePointer<Double>, batch: Int,
    n: Int
  ) {
    for t in 0..<batch {
      let values = result + t * (n + 1) * n
      let vectors = values + n
      var norm = 0.0
      var isFinite = true
      for i in 0..<n {
        for j in 0...i {
          let entry = a[(t * n + i) * n + j]
          norm = max(norm, abs(entry))
          if !entry.isFinite { isFinite = false }
        }
      }
      guard isFinite else {
        for k in 0..<((n + 1) * n) { values[k] = .nan }
        continue
      }
      // By a power of two, so that differences and products of entries do not overflow.
      let scale = norm > 0x1p500 ? 0x1p-600 : 1
      norm *= scale
      for i in 0..<n {
        for j in 0...i {
          let entry = a[(t * n + i) * n + j] * scale
          (work[i * n + j], work[j * n + i]) = (entry, entry)
          (vectors[i * n + j], vectors[j * n + i]) = (i == j ? 1 : 0, i == j ? 1 : 0)
        }
      }
      // Cycles converge quadratically: far fewer than this are needed.
      for _ in 0..<50 {
        var isDiagonal = true
        for p in 0..<n {
          for q in (p + 1)..<max(n, p + 1) where abs(work[p * n + q]) > 0x1p-70 * norm {
            isDiagonal = false
            rotate(work, vectors, p, q, n: n)
          }
        }
        if isDiagonal { break }
      }
      for i in 0..<n { values[i] = work[i * n + i] / scale }
      arrangeEigenvectors(values, vectors, n: n)
    }
  }

  /// Makes the entry (p, q) of a symmetric matrix 0.
  private static func rotate(
    _ a: UnsafeMutablePointer<Double>, _ vectors: UnsafeMutablePointer<Double>, _ p: Int, _ q: Int, n: Int
  ) {
    let entry = a[p * n + q]
    let ratio = (a[q * n + q] - a[p * n + p]) / (2 * entry)
    let tangent = (ratio < 0 ? -1 : 1) / (abs(ratio) + (ratio * ratio + 1).squareRoot())
    let cosine = 1 / (tangent * tangent + 1).squareRoot()
    let sine = tangent * cosine
    a[p * n + p] -= tangent * entry
    a[q * n + q] += tangent * entry
    (a[p * n + q], a[q * n + p]) = (0, 0)
    for k in 0..<n {
      if k != p, k != q {
        let (x, y) = (a[k * n + p], a[k * n + q])
        let (new, other) = (cosine * x - sine * y, sine * x + cosine * y)
        (a[k * n + p], a[p * n + k]) = (new, new)
        (a[k * n + q], a[q * n + k]) = (other, other)
      }
      let (x, y) = (vectors[p * n + k], vectors[q * n + k])
      vectors[p * n + k] = cosine * x - sine * y
      vectors[q * n + k] = sine * x + cosine * y
    }
  }

  /// Eigenvalues from the least, and of each vector the entry of the greatest magnitude positive: the first of several.
  package static func arrangeEigenvectors(
    _ values: UnsafeMutablePointer<Double>, _ vectors: UnsafeMutablePointer<Double>, n: Int
  ) {
    for i in 0..<n {
      var least = i
      for j in (i + 1)..<max(n, i + 1) where values[j] < values[least] { least = j }
      guard least != i else { continue }
      (values[i], values[least]) = (values[least], values[i])
      for k in 0..<n {
        (vectors[i * n + k], vectors[least * n + k]) = (vectors[least * n + k], vectors[i * n + k])
      }
    }
    for i in 0..<n {
      let vector = vectors + i * n
      var greatest = 0
      for k in 0..<n where abs(vector[k]) > abs(vector[greatest]) { greatest = k }
      if vector[greatest] < 0 { for k in 0..<n { vector[k] = -vector[k] } }
    }
  }

  package static func triangularSolve(
    _ l: UnsafePointer<Double>, _ b: UnsafePointer<Double>, _ x: UnsafeMutablePointer<Double>, batch: Int, n: Int,
    columns: Int, transposed: Bool
  ) {
    for t in 0..<batch {
      let factor = l + t * n * n
      let result = x + t * n * columns
      result.update(from: b + t * n * columns, count: n * columns)
      if transposed {
        for i in stride(from: n - 1, through: 0, by: -1) {
          for k in (i + 1)..<max(n, i + 1) {
            let entry = factor[k * n + i]
            for c in 0..<columns { result[i * columns + c] -= entry * result[k * columns + c] }
          }
          for c in 0..<columns { result[i * columns + c] /= factor[i * n + i] }
        }
      } else {
        for i in 0..<n {
          for k in 0..<i {
            let entry = factor[i * n + k]
            for c in 0..<columns { result[i * columns + c] -= entry * result[k * columns + c] }
          }
          for c in 0..<columns { result[i * columns + c] /= factor[i * n + i] }
        }
      }
    }
  }

  package static func lowerTriangle(
    _ a: UnsafePointer<Double>, _ result: UnsafeMutablePointer<Double>, batch: Int, n: Int, halvesDiagonal: Bool
  ) {
    for t in 0..<batch {
      for i in 0..<n {
        for j in 0..<n {
          let slot = (t * n + i) * n + j
          result[slot] = j < i ? a[slot] : (j == i ? (halvesDiagonal ? 0.5 * a[slot] : a[slot]) : 0)
        }
      }
    }
  }

  // MARK: - Folding

  /// Evaluates one node on operands given whole; nil where the operation needs a run.
  static func evaluate(_ node: Node, operands: [(shape: Shape, elements: [Double])]) -> [Double]? {
    var nodes: [Node] = []
    var data: [TensorData] = []
    for operand in operands {
      nodes.append(Node(operation: .data(data.count), operands: [], element: .real, shape: operand.shape))
      data.append(TensorData(extents: operand.shape.extents, elements: operand.elements))
    }
    var last = node
    last.operands = operands.indices.map { NodeID(Int32($0)) }
    nodes.append(last)
    let graph = Graph(
      nodes: nodes, outputs: [NodeID(Int32(operands.count))], data: data, parameterCount: 0, inputCount: 0,
      origins: Array(repeating: -1, count: nodes.count))
    return Program(graph).run(position: [], inputs: []).first?.elements
  }
}
