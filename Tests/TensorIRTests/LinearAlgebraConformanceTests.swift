import Foundation
import Numerics
import TensorIR
import TestSupport
import Testing

/// The gradient entries of the linear-algebra vectors, and special functions that are operations, through graphs.
@Suite struct LinearAlgebraConformanceTests {
  struct File: Decodable {
    struct Matrix: Decodable {
      var name: String
      var whole: [[Double]]
      var right: [Double]
      var weights: [[Double]]
      var logDeterminant: Double
      var weightedCholeskyGradient: [[Double]]
      var logDeterminantGradient: [[Double]]
      var quadraticGradient: [[Double]]
      var quadratic: Double
      var weightedCholesky: Double
      var lower: [[Double]]
      var solveLower: [Double]
      var solveLowerTransposed: [Double]
      var weightedSolve: Double
      var weightedSolveGradient: [[Double]]
      var eigenvalues: [Double]
      var relativeTolerance: Double

      enum CodingKeys: String, CodingKey {
        case name
        case whole = "A"
        case right = "b"
        case weights = "W"
        case logDeterminant = "logdet"
        case weightedCholeskyGradient = "grad_sum_W_cholesky"
        case logDeterminantGradient = "grad_logdet"
        case quadraticGradient = "grad_quadratic_b_Ainv_b"
        case quadratic = "quadratic_b_Ainv_b"
        case weightedCholesky = "sum_W_cholesky"
        case lower = "L_rounded"
        case solveLower = "solve_L_b"
        case solveLowerTransposed = "solve_Lt_b"
        case weightedSolve = "tri_solve_weighted_sum"
        case eigenvalues = "eigenvalues_ascending"
        case weightedSolveGradient = "grad_tri_solve_weighted_sum_wrt_L"
        case relativeTolerance = "rel_tol"
      }
    }
    struct Symmetric: Decodable {
      var name: String
      var whole: [[Double]]
      var values: [Double]
      /// Where each eigenvalue has one.
      var vectors: [[Double]]?

      enum CodingKeys: String, CodingKey {
        case name
        case whole = "A"
        case values = "eigenvalues_ascending"
        case vectors = "eigenvectors_columns"
      }
    }
    var spd: [Matrix]
    var symmetric: [Symmetric]

    enum CodingKeys: String, CodingKey {
      case spd
      case symmetric = "symmetric_eigen"
    }
  }

  static let file: File? = {
    let url = Checkout.data.appendingPathComponent("conformance/linalg.json")
    return (try? Data(contentsOf: url)).flatMap { try? JSONDecoder().decode(File.self, from: $0) }
  }()
  static let matrices = file?.spd ?? []
  static let symmetric = file?.symmetric ?? []

  @Test func allMatricesAreThere() {
    #expect(LinearAlgebraConformanceTests.matrices.count == 12 && LinearAlgebraConformanceTests.symmetric.count == 5)
  }

  private func tensor(_ b: GraphBuilder, _ rows: [[Double]]) -> NodeID {
    b.data(TensorData(extents: [rows.count, rows.first?.count ?? 0], elements: rows.flatMap { $0 }))
  }

  /// Value and gradient by the matrix of a scalar function of it.
  private func check(
    _ matrix: File.Matrix, of rows: [[Double]], value: Double, gradient: [[Double]], _ what: String,
    isSymmetric: Bool = true,
    _ build: (GraphBuilder, NodeID) -> NodeID
  ) throws {
    let b = GraphBuilder()
    let x = b.parameter(offset: 0, shape: Run.shape(rows.count, rows.count))
    // The file's gradients are of symmetric matrices: pairs of entries share what they receive.
    let argument = isSymmetric ? b.multiply(b.constant(0.5), b.add(x, b.transpose(x))) : x
    let graph = try b.finish(outputs: [build(b, argument)])
    let (got, slopes) = try Run.gradient(graph, at: rows.flatMap { $0 })
    #expect(
      abs(got - value) <= max(1e-13, matrix.relativeTolerance) * max(1, abs(value)), "\(matrix.name) \(what): \(got)")
    let wanted = gradient.flatMap { $0 }
    let scale = wanted.reduce(0) { max($0, abs($1)) }
    let worst = zip(slopes, wanted).reduce(0.0) { max($0, abs($1.0 - $1.1)) }
    #expect(worst <= matrix.relativeTolerance * scale, "\(matrix.name) \(what): off by \(worst / scale)")
  }

  @Test(arguments: matrices.indices) func gradients(_ index: Int) throws {
    let matrix = LinearAlgebraConformanceTests.matrices[index]
    let b = matrix.right
    try check(
      matrix, of: matrix.whole, value: matrix.weightedCholesky, gradient: matrix.weightedCholeskyGradient, "W · L"
    ) {
      $0.sumAll($0.multiply($0.cholesky($1), tensor($0, matrix.weights)))
    }
    try check(
      matrix, of: matrix.whole, value: matrix.logDeterminant, gradient: matrix.logDeterminantGradient, "log det"
    ) {
      $0.multiply($0.constant(2), $0.sumAll($0.log($0.diagonalPart($0.cholesky($1)))))
    }
    try check(
      matrix, of: matrix.whole, value: matrix.quadratic, gradient: matrix.quadraticGradient, "b'A⁻¹b"
    ) {
      let column = $0.data(TensorData(extents: [b.count, 1], elements: b))
      return $0.sumAll($0.square($0.triangularSolve($0.cholesky($1), column)))
    }
    try check(
      matrix, of: matrix.lower, value: matrix.weightedSolve,
      gradient: matrix.weightedSolveGradient, "weighted L⁻¹b", isSymmetric: false
    ) {
      let column = $0.data(TensorData(extents: [b.count, 1], elements: b))
      let weights = $0.data(TensorData(extents: [b.count, 1], elements: triangularWeights(b.count)))
      return $0.sumAll($0.multiply(weights, $0.triangularSolve($1, column)))
    }
  }

  @Test(arguments: symmetric.indices) func eigenvectors(_ index: Int) throws {
    let matrix = LinearAlgebraConformanceTests.symmetric[index]
    let n = matrix.values.count
    let b = GraphBuilder()
    let (values, vectors) = b.symmetricEigen(b.parameter(offset: 0, shape: Run.shape(n, n)))
    let results = Run.plainly(
      try b.finish(outputs: [values, b.transpose(vectors)]), at: matrix.whole.flatMap { $0 }
    ).map(\.elements)
    let scale = matrix.values.reduce(0) { max($0, abs($1)) }
    for (got, want) in zip(results[0], matrix.values) {
      #expect(abs(got - want) <= 64 * 0x1p-52 * scale, "\(matrix.name): \(got), not \(want)")
    }
    // A vector errs by the rounding of the matrix over the distance to the next eigenvalue.
    for column in matrix.vectors == nil ? 0..<0 : 0..<n {
      let gap = (0..<n).filter { $0 != column }.map { abs(matrix.values[$0] - matrix.values[column]) }.min() ?? scale
      // The file leaves the sign open; ours has the greatest entry positive.
      let greatest = (0..<n).map { matrix.vectors?[$0][column] ?? .nan }.max { abs($0) < abs($1) } ?? 1
      for row in 0..<n {
        let (got, want) = (
          results[1][row * n + column], (greatest < 0 ? -1 : 1) * (matrix.vectors?[row][column] ?? .nan)
        )
        #expect(abs(got - want) <= 64 * 0x1p-52 * scale / gap, "\(matrix.name), vector \(column): \(got), not \(want)")
      }
    }
  }

  @Test(arguments: matrices.indices) func eigenvalues(_ index: Int) throws {
    let matrix = LinearAlgebraConformanceTests.matrices[index]
    let n = matrix.right.count
    let b = GraphBuilder()
    let (values, _) = b.symmetricEigen(b.parameter(offset: 0, shape: Run.shape(n, n)))
    // log det by eigenvalues, with its gradient, the inverse.
    try check(
      matrix, of: matrix.whole, value: matrix.logDeterminant, gradient: matrix.logDeterminantGradient, "Σ log λ"
    ) { $0.sumAll($0.log($0.symmetricEigen($1).values)) }
    let got = Run.plainly(try b.finish(outputs: [values]), at: matrix.whole.flatMap { $0 })[0].elements
    let scale = matrix.eigenvalues.reduce(0) { max($0, abs($1)) }
    for (got, want) in zip(got, matrix.eigenvalues) {
      #expect(abs(got - want) <= 64 * 0x1p-52 * scale, "\(matrix.name): \(got), not \(want)")
    }
  }

  /// What only has a lower triangle gets its slopes there.
  @Test func slopesStandInTheTriangleThatIsRead() throws {
    let functions: [(GraphBuilder, NodeID) -> NodeID] = [
      { $0.sumAll($0.square($0.cholesky($1))) }, { $0.sumAll($0.exp($0.symmetricEigen($1).values)) },
      { $0.sumAll($0.exp($0.slice($0.symmetricEigen($1).vectors, axis: 0, start: 1, count: 1))) },
    ]
    let position = [4, 100, 100, 1, 3, 100, 0.5, -0.25, 2]
    for function in functions {
      let b = GraphBuilder()
      let graph = try b.finish(outputs: [function(b, b.parameter(offset: 0, shape: Run.shape(3, 3)))])
      let slopes = try Run.gradient(graph, at: position).1
      for k in position.indices {
        func value(_ step: Double) throws -> Double {
          var moved = position
          moved[k] += step
          return try Run.gradient(graph, at: moved).0
        }
        let wanted = try (value(1e-5) - value(-1e-5)) / 2e-5
        #expect(abs(slopes[k] - wanted) < 1e-6 * max(1, abs(wanted)), "entry \(k): \(slopes[k]), not \(wanted)")
      }
    }
  }

  @Test func eigenvaluesOfLargeMatrices() {
    let b = GraphBuilder()
    let (values, _) = b.symmetricEigen(
      b.data(TensorData(extents: [2, 2], elements: [1e308, -1e308, -1e308, -1e308])))
    let found = b.contents(of: values)?.elements ?? []
    #expect(found.count == 2 && zip(found, [-1, 1]).allSatisfy { abs($0 / 1.4142135623730951e308 - $1) < 1e-14 })
  }

  @Test func eigenvaluesOfWhatIsNotFiniteAreNaN() {
    for elements in [[1.0, 2, .nan, 1], [.infinity, 0, 0, 1]] {
      let b = GraphBuilder()
      let (values, vectors) = b.symmetricEigen(b.data(TensorData(extents: [2, 2], elements: elements)))
      for part in [values, vectors] { #expect(b.contents(of: part)?.elements.allSatisfy { $0.isNaN } ?? false) }
    }
    // Equal eigenvalues: any vectors that are orthogonal, and no slope that is not a number.
    let b = GraphBuilder()
    let (values, _) = b.symmetricEigen(b.parameter(offset: 0, shape: Run.shape(2, 2)))
    let slopes = try? Run.gradient(try b.finish(outputs: [b.sumAll(b.square(values))]), at: [3, 0, 0, 3]).1
    #expect(slopes == [6, 0, 0, 6])
  }

  @Test(arguments: matrices.indices) func triangularSolves(_ index: Int) throws {
    let matrix = LinearAlgebraConformanceTests.matrices[index]
    let count = matrix.right.count
    let b = GraphBuilder()
    let factor = b.cholesky(b.parameter(offset: 0, shape: Run.shape(count, count)))
    let right = b.parameter(offset: count * count, shape: Run.shape(count, 1))
    let graph = try b.finish(outputs: [
      b.triangularSolve(factor, right), b.triangularSolve(factor, right, transposed: true),
    ])
    let results = Run.plainly(graph, at: matrix.whole.flatMap { $0 } + matrix.right).map(\.elements)
    for (got, want) in zip(results, [matrix.solveLower, matrix.solveLowerTransposed]) {
      #expect(got.count == want.count)
      let scale = want.reduce(0) { max($0, abs($1)) }
      let worst = zip(got, want).reduce(0.0) { max($0, abs($1.0 - $1.1)) }
      #expect(worst <= max(1e-13, matrix.relativeTolerance) * scale, "\(matrix.name): off by \(worst / scale)")
    }
  }

  private func triangularWeights(_ count: Int) -> [Double] { (1...max(1, count)).prefix(count).map(Double.init) }

  @Test func failedFactorizationsAreNaN() {
    for elements in [[1.0, 2, 2, 1], [1, 1, 1, 1], [-1, 0, 0, 1], [.nan, 0, 0, 1]] {
      let b = GraphBuilder()
      let factor = b.cholesky(b.data(TensorData(extents: [2, 2], elements: elements)))
      let contents = b.contents(of: factor)?.elements ?? []
      #expect(contents.count == 4)
      #expect(contents.allSatisfy { $0.isNaN })
    }
  }

  struct SpecialFile: Decodable {
    struct Number: Decodable {
      var value: Double
      init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let text = try? container.decode(String.self) {
          value = text == "inf" ? .infinity : (text == "-inf" ? -.infinity : .nan)
        } else {
          value = try container.decode(Double.self)
        }
      }
    }
    struct Case: Decodable {
      var args: [Number]
      var value: Number
      var relativeTolerance: Double?

      enum CodingKeys: String, CodingKey {
        case args, value
        case relativeTolerance = "rel_tol"
      }
    }
    struct Function: Decodable {
      var name: String
      var relativeTolerance: Double
      var absoluteTolerance: Double
      var cases: [Case]

      enum CodingKeys: String, CodingKey {
        case name, cases
        case relativeTolerance = "rel_tol"
        case absoluteTolerance = "abs_tol"
      }
    }
    var functions: [Function]
  }

  static let unary: [(String, UnaryOperation)] = [
    ("log1p", .log1p), ("expm1", .expm1), ("log1pexp", .softplus), ("log1mexp", .log1mexp), ("sigmoid", .logistic),
    ("log_sigmoid", .logLogistic), ("lgamma", .logGamma), ("digamma", .digamma), ("trigamma", .trigamma), ("erf", .erf),
    ("erfc", .erfc), ("norm_cdf", .normalCDF), ("norm_logcdf", .normalLogCDF), ("norm_ppf", .normalQuantile),
  ]

  private func function(_ name: String) throws -> SpecialFile.Function {
    let bytes = try Data(contentsOf: Checkout.data.appendingPathComponent("conformance/special.json"))
    let file = try JSONDecoder().decode(SpecialFile.self, from: bytes)
    return try #require(file.functions.first { $0.name == name })
  }

  private func agrees(_ got: Double, _ test: SpecialFile.Case, _ function: SpecialFile.Function) -> Bool {
    let want = test.value.value
    if want.isNaN { return got.isNaN }
    if want.isInfinite || got.isInfinite { return got == want }
    return abs(got - want)
      <= max(function.absoluteTolerance, (test.relativeTolerance ?? function.relativeTolerance) * abs(want))
  }

  private static let several = ["logaddexp", "xlogy", "logsumexp"]

  @Test func allSpecialFunctionsAreThere() throws {
    let one = try LinearAlgebraConformanceTests.unary.reduce(0) { $0 + (try function($1.0).cases.count) }
    let more = try LinearAlgebraConformanceTests.several.reduce(0) { $0 + (try function($1).cases.count) }
    #expect(one == 409 && more == 28)
  }

  @Test(arguments: unary.indices) func specialFunctions(_ index: Int) throws {
    let (name, operation) = LinearAlgebraConformanceTests.unary[index]
    let function = try function(name)
    let b = GraphBuilder()
    let arguments = function.cases.map(\.args[0].value)
    let x = b.parameter(offset: 0, shape: [Dimension(arguments.count)])
    let got = Run.plainly(try b.finish(outputs: [b.unary(operation, x)]), at: arguments)[0].elements
    for (test, value) in zip(function.cases, got) {
      #expect(agrees(value, test, function), "\(name)(\(test.args[0].value)): \(value), not \(test.value.value)")
    }
    #expect(got.count == function.cases.count && got.count > 10)
  }

  @Test(arguments: several) func functionsOfSeveralNumbers(_ name: String) throws {
    let function = try function(name)
    for test in function.cases {
      let arguments = test.args.map(\.value)
      let b = GraphBuilder()
      let x = b.parameter(offset: 0, shape: [Dimension(arguments.count)])
      func entry(_ slot: Int) -> NodeID { b.reshape(b.slice(x, axis: 0, start: slot, count: 1), to: []) }
      let result =
        switch name {
        case "logaddexp": b.binary(.logAddExp, entry(0), entry(1))
        case "xlogy": b.binary(.xLogY, entry(0), entry(1))
        default: b.reduce(.logSumExp, x, axes: [0])
        }
      let got = Run.plainly(try b.finish(outputs: [result]), at: arguments)[0].elements[0]
      #expect(agrees(got, test, function), "\(name)(\(arguments)): \(got), not \(test.value.value)")
    }
  }
}
