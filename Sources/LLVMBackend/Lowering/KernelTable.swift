internal import COpenBLAS
internal import Foundation
internal import Numerics
internal import TensorIR

/// What generated code calls: dense algebra, random numbers, and functions of one number that are not inline.
///
/// The code gets the table's address as an argument, so that objects hold no addresses and can be kept on disk.
enum KernelTable {
  /// Places in the table, in the order of ``entries``.
  static let matrixProduct = 0
  static let cholesky = 1
  static let triangularSolve = 2
  static let lowerTriangle = 3
  static let cumulativeSum = 4
  static let random = 5
  static let choleskyAdjoint = 6
  static let symmetricEigen = 7
  private static let firstUnary = 8

  static func place(of operation: UnaryOperation) -> Int {
    firstUnary + (UnaryOperation.allCases.firstIndex(of: operation) ?? 0)
  }

  static func place(of operation: BinaryOperation) -> Int {
    firstUnary + UnaryOperation.allCases.count + (BinaryOperation.allCases.firstIndex(of: operation) ?? 0)
  }

  /// Addresses; never freed.
  nonisolated(unsafe) static let address: UnsafePointer<UnsafeRawPointer> = {
    let unary = UnaryOperation.allCases.map { unaryFunction($0) }
    let binary = BinaryOperation.allCases.map { binaryFunction($0) }
    let all = dense() + unary + binary
    let table = UnsafeMutablePointer<UnsafeRawPointer>.allocate(capacity: all.count)
    table.initialize(from: all, count: all.count)
    return UnsafePointer(table)
  }()

  /// The library of dense algebra and what it was made for, as part of the numeric class.
  static var denseLibrary: String {
    guard DenseKernels.isLibraryOpen else { return "plain loops" }
    return String(cString: openblas_build()).trimmingCharacters(in: .whitespaces) + " "
      + String(cString: openblas_core())
  }

  // MARK: - Dense algebra

  private typealias Product =
    @convention(c) (UnsafePointer<Double>, UnsafePointer<Double>, UnsafeMutablePointer<Double>, Int, Int, Int, Int) ->
    Void
  private typealias Factor = @convention(c) (UnsafePointer<Double>, UnsafeMutablePointer<Double>, Int, Int) -> Void
  private typealias Solve =
    @convention(c) (UnsafePointer<Double>, UnsafePointer<Double>, UnsafeMutablePointer<Double>, Int, Int, Int, Int) ->
    Void
  private typealias Triangle =
    @convention(c) (UnsafePointer<Double>, UnsafeMutablePointer<Double>, Int, Int, Int) -> Void
  private typealias Adjoint =
    @convention(c) (UnsafePointer<Double>, UnsafePointer<Double>, UnsafeMutablePointer<Double>, Int, Int) -> Void
  private typealias Eigen =
    @convention(c) (UnsafePointer<Double>, UnsafeMutablePointer<Double>, UnsafeMutablePointer<Double>, Int, Int) -> Void
  private typealias Draw =
    @convention(c) (
      UnsafeRawPointer?, Int, Int, Int, UnsafePointer<Double>, Int, UnsafePointer<Double>, Int, UnsafePointer<Double>,
      Int, UnsafeMutablePointer<Double>, Int
    ) -> Void

  private static func dense() -> [UnsafeRawPointer] {
    let product: Product = { a, b, c, batch, m, k, n in
      for t in 0..<batch {
        DenseKernels.matrixProduct(a + t * m * k, b + t * k * n, c + t * m * n, m: m, k: k, n: n)
      }
    }
    let factor: Factor = { a, l, batch, n in
      for t in 0..<batch { DenseKernels.cholesky(a + t * n * n, l + t * n * n, n: n) }
    }
    let solve: Solve = { l, b, x, batch, n, columns, transposed in
      for t in 0..<batch {
        DenseKernels.triangularSolve(
          l + t * n * n, b + t * n * columns, x + t * n * columns, n: n, columns: columns, transposed: transposed != 0)
      }
    }
    let adjoint: Adjoint = { l, cotangent, result, batch, n in
      for t in 0..<batch {
        DenseKernels.choleskyAdjoint(l + t * n * n, cotangent + t * n * n, result + t * n * n, n: n)
      }
    }
    let eigen: Eigen = { a, result, work, batch, n in
      for t in 0..<batch { DenseKernels.symmetricEigen(a + t * n * n, result + t * (n + 1) * n, work: work, n: n) }
    }
    let triangle: Triangle = { a, result, batch, n, halves in
      Kernels.lowerTriangle(a, result, batch: batch, n: n, halvesDiagonal: halves != 0)
    }
    let cumulative: Triangle = { a, result, rows, count, reversed in
      Kernels.cumulativeSum(a, result, rows: rows, count: count, reversed: reversed != 0)
    }
    let draw: Draw = {
      stream, kind, high, low, elements, elementStep, first, firstStep, second, secondStep, result, count in
      let law = RandomKind.allCases[kind]
      guard let stream else {
        for k in 0..<count { result[k] = .nan }
        return
      }
      Program.fillRandom(
        law, StreamLabel(high: UInt64(bitPattern: Int64(high)), low: UInt64(bitPattern: Int64(low))),
        elements: elements, elementStep: elementStep, first: first, firstStep: firstStep, second: second,
        secondStep: secondStep, result, count: count, stream: stream.assumingMemoryBound(to: Program.Stream.self))
    }
    return [
      raw(product), raw(factor), raw(solve), raw(triangle), raw(cumulative), raw(draw), raw(adjoint), raw(eigen),
    ]
  }

  private static func raw<F>(_ function: F) -> UnsafeRawPointer {
    unsafeBitCast(function, to: UnsafeRawPointer.self)
  }

  // MARK: - Single numbers

  private static func unaryFunction(_ operation: UnaryOperation) -> UnsafeRawPointer {
    typealias F = @convention(c) (Double) -> Double
    let function: F =
      switch operation {
      case .tan: { Kernels.apply(.tan, $0) }
      case .asin: { Kernels.apply(.asin, $0) }
      case .acos: { Kernels.apply(.acos, $0) }
      case .atan: { Kernels.apply(.atan, $0) }
      case .sinh: { Kernels.apply(.sinh, $0) }
      case .cosh: { Kernels.apply(.cosh, $0) }
      case .sin: { Kernels.apply(.sin, $0) }
      case .cos: { Kernels.apply(.cos, $0) }
      case .tanh: { Kernels.apply(.tanh, $0) }
      case .log1p: { Kernels.apply(.log1p, $0) }
      case .expm1: { Kernels.apply(.expm1, $0) }
      case .logistic: { Kernels.apply(.logistic, $0) }
      case .logLogistic: { Kernels.apply(.logLogistic, $0) }
      case .softplus: { Kernels.apply(.softplus, $0) }
      case .log1mexp: { Kernels.apply(.log1mexp, $0) }
      case .erf: { Kernels.apply(.erf, $0) }
      case .erfc: { Kernels.apply(.erfc, $0) }
      case .normalCDF: { Kernels.apply(.normalCDF, $0) }
      case .normalLogCDF: { Kernels.apply(.normalLogCDF, $0) }
      case .normalQuantile: { Kernels.apply(.normalQuantile, $0) }
      case .logGamma: { Kernels.apply(.logGamma, $0) }
      case .digamma: { Kernels.apply(.digamma, $0) }
      case .trigamma: { Kernels.apply(.trigamma, $0) }
      case .exp: { Kernels.apply(.exp, $0) }
      case .log: { Kernels.apply(.log, $0) }
      case .negate, .sqrt, .reciprocal, .square, .absolute, .sign, .floor, .ceiling, .round, .truncate, .logicalNot,
        .isNaN, .isFinite, .toReal, .toInteger:
        // Always inline.
        { $0 }
      }
    return raw(function)
  }

  private static func binaryFunction(_ operation: BinaryOperation) -> UnsafeRawPointer {
    typealias F = @convention(c) (Double, Double) -> Double
    let function: F =
      switch operation {
      case .power: { Kernels.apply(.power, $0, $1) }
      case .atan2: { Kernels.apply(.atan2, $0, $1) }
      case .logAddExp: { Kernels.apply(.logAddExp, $0, $1) }
      case .xLogY: { Kernels.apply(.xLogY, $0, $1) }
      case .remainder: { Kernels.apply(.remainder, $0, $1) }
      case .integerRemainder: { Kernels.apply(.integerRemainder, $0, $1) }
      case .add, .subtract, .multiply, .divide, .minimum, .maximum, .integerQuotient, .equal, .notEqual, .less,
        .lessOrEqual, .logicalAnd, .logicalOr, .masked:
        // Always inline.
        { x, _ in x }
      }
    return raw(function)
  }
}

/// Dense algebra through OpenBLAS and LAPACK; small sizes go through plain loops, where a call costs more than the work.
enum DenseKernels {
  private static let smallProduct = 512

  /// Opens the library when first asked; without one, plain loops serve at all sizes.
  static let isLibraryOpen = openblas_open() != 0

  /// c = a b for row-major a `[m, k]`, b `[k, n]`.
  static func matrixProduct(
    _ a: UnsafePointer<Double>, _ b: UnsafePointer<Double>, _ c: UnsafeMutablePointer<Double>, m: Int, k: Int, n: Int
  ) {
    if m * k * n <= smallProduct || m == 0 || k == 0 || n == 0 || !isLibraryOpen {
      Kernels.matrixProduct(a, b, c, batch: 1, m: m, k: k, n: n)
    } else if n == 1 {
      openblas_gemv(Int32(m), Int32(k), a, Int32(k), b, c)
    } else {
      openblas_gemm(0, 0, Int32(m), Int32(n), Int32(k), 1, a, Int32(k), b, Int32(n), 0, c, Int32(n))
    }
  }

  /// The lower factor of a symmetric positive definite matrix, NaN throughout where it is none.
  static func cholesky(_ a: UnsafePointer<Double>, _ l: UnsafeMutablePointer<Double>, n: Int) {
    guard n > 8, isLibraryOpen else {
      Kernels.cholesky(a, l, batch: 1, n: n)
      return
    }
    for i in 0..<n {
      (l + i * n).update(from: a + i * n, count: i + 1)
      for j in (i + 1)..<max(n, i + 1) { l[i * n + j] = 0 }
    }
    var isFinite = openblas_potrf(Int32(n), l, Int32(n)) == 0
    for i in 0..<n where !(l[i * n + i].isFinite) { isFinite = false }
    if !isFinite { for i in 0..<(n * n) { l[i] = .nan } }
  }

  /// What ``symmetricEigen(_:_:work:n:)`` needs besides, in numbers: for small matrices a copy, otherwise what LAPACK's
  /// blocks of at most 64 columns take.
  static func eigenWorkCount(_ n: Int) -> Int { max(n * n, 66 * n) }

  /// Eigenvalues, then eigenvectors in rows; NaN throughout where the matrix is not finite.
  static func symmetricEigen(
    _ a: UnsafePointer<Double>, _ result: UnsafeMutablePointer<Double>, work: UnsafeMutablePointer<Double>, n: Int
  ) {
    guard n > 8, isLibraryOpen else {
      Kernels.symmetricEigen(a, result, work: work, batch: 1, n: n)
      return
    }
    let vectors = result + n
    var isFinite = true
    for i in 0..<n {
      for j in 0...i {
        let entry = a[i * n + j]
        (vectors[i * n + j], vectors[j * n + i]) = (entry, entry)
        if !entry.isFinite { isFinite = false }
      }
    }
    guard isFinite, openblas_syev(Int32(n), vectors, Int32(n), result, work, Int32(eigenWorkCount(n))) == 0 else {
      for k in 0..<((n + 1) * n) { result[k] = .nan }
      return
    }
    Kernels.arrangeEigenvectors(result, vectors, n: n)
  }

  private static let block = 32

  /// The cotangent of a symmetric matrix from that of its factor, block by block from the last (Murray 2016, section
  /// 4.3): about as many operations as two factorizations.
  static func choleskyAdjoint(
    _ l: UnsafePointer<Double>, _ cotangent: UnsafePointer<Double>, _ result: UnsafeMutablePointer<Double>, n: Int
  ) {
    guard n > block, isLibraryOpen else {
      Kernels.choleskyAdjoint(l, cotangent, result, batch: 1, n: n)
      return
    }
    let order = Int32(n)
    for i in 0..<n { (result + i * n).update(from: cotangent + i * n, count: i + 1) }
    var end = n
    while end > 0 {
      let start = max(0, end - block)
      let (width, below, before) = (Int32(end - start), Int32(n - end), Int32(start))
      let diagonal = l + start * n + start
      let column = l + end * n + start
      let row = l + start * n
      let rest = l + end * n
      let (dBar, cBar) = (result + start * n + start, result + end * n + start)
      let (rBar, bBar) = (result + start * n, result + end * n)
      if below > 0 {
        openblas_trsm(1, 0, below, width, diagonal, order, cBar, order)
        if before > 0 {
          openblas_gemm(0, 0, below, before, width, -1, cBar, order, row, order, 1, bBar, order)
          openblas_gemm(1, 0, width, before, below, -1, cBar, order, rest, order, 1, rBar, order)
        }
        // The upper triangle of this block is scratch; the end of the work overwrites it.
        openblas_gemm(1, 0, width, width, below, -1, cBar, order, column, order, 1, dBar, order)
      }
      for j in stride(from: Int(width) - 1, through: 0, by: -1) {
        Kernels.choleskyAdjointRow(j, diagonal, dBar, n: Int(width), stride: n)
      }
      if before > 0 {
        // (D̄ + D̄ᵀ) R, with D̄'s diagonal counted twice.
        for i in 0..<Int(width) {
          dBar[i * n + i] *= 2
          for k in 0..<i { dBar[k * n + i] = dBar[i * n + k] }
        }
        openblas_gemm(0, 0, width, before, width, -1, dBar, order, row, order, 1, rBar, order)
        for i in 0..<Int(width) { dBar[i * n + i] *= 0.5 }
      }
      end = start
    }
    for i in 0..<n {
      for j in 0..<i { result[j * n + i] = 0 }
    }
  }

  /// Solves L x = b, or Lᵀ x = b, for row-major b `[n, columns]`.
  static func triangularSolve(
    _ l: UnsafePointer<Double>, _ b: UnsafePointer<Double>, _ x: UnsafeMutablePointer<Double>, n: Int, columns: Int,
    transposed: Bool
  ) {
    if n * n * columns <= smallProduct || columns == 0 || !isLibraryOpen {
      Kernels.triangularSolve(l, b, x, batch: 1, n: n, columns: columns, transposed: transposed)
      return
    }
    x.update(from: b, count: n * columns)
    if columns == 1 {
      openblas_trsv(transposed ? 1 : 0, Int32(n), l, Int32(n), x)
    } else {
      openblas_trsm(0, transposed ? 1 : 0, Int32(n), Int32(columns), l, Int32(n), x, Int32(columns))
    }
  }
}
