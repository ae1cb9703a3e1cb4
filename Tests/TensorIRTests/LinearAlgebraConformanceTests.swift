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
      var A: [[Double]]
      var b: [Double]
      var W: [[Double]]
      var logdet: Double
      var cholesky: [[Double]]
      var grad_sum_W_cholesky: [[Double]]
      var grad_logdet: [[Double]]
      var grad_quadratic_b_Ainv_b: [[Double]]
      var quadratic_b_Ainv_b: Double
      var sum_W_cholesky: Double
      var L_rounded: [[Double]]
      var tri_solve_weighted_sum: Double
      var grad_tri_solve_weighted_sum_wrt_L: [[Double]]
      var rel_tol: Double
    }
    var spd: [Matrix]
  }

  static let matrices: [File.Matrix] = {
    let url = Checkout.data.appendingPathComponent("conformance/linalg.json")
    guard let bytes = try? Data(contentsOf: url), let file = try? JSONDecoder().decode(File.self, from: bytes) else {
      return []
    }
    return file.spd
  }()

  @Test func allMatricesAreThere() { #expect(LinearAlgebraConformanceTests.matrices.count == 12) }

  private func tensor(_ b: GraphBuilder, _ rows: [[Double]]) -> NodeID {
    b.data(TensorData(extents: [rows.count, rows.first?.count ?? 0], elements: rows.flatMap { $0 }))
  }

  /// Value and gradient by the matrix of a scalar function of it.
  private func check(
    _ matrix: File.Matrix, of rows: [[Double]], value: Double, gradient: [[Double]], _ what: String,
    _ build: (GraphBuilder, NodeID) -> NodeID
  ) throws {
    let b = GraphBuilder()
    let x = b.parameter(offset: 0, shape: Run.shape(rows.count, rows.count))
    let graph = try b.finish(outputs: [build(b, x)])
    let (got, slopes) = try Run.gradient(graph, at: rows.flatMap { $0 })
    #expect(abs(got - value) <= max(1e-13, matrix.rel_tol) * max(1, abs(value)), "\(matrix.name) \(what): \(got)")
    let wanted = gradient.flatMap { $0 }
    let scale = wanted.reduce(0) { max($0, abs($1)) }
    let worst = zip(slopes, wanted).reduce(0.0) { max($0, abs($1.0 - $1.1)) }
    #expect(worst <= matrix.rel_tol * scale, "\(matrix.name) \(what): off by \(worst / scale)")
  }

  @Test(arguments: matrices.indices) func gradients(_ index: Int) throws {
    let matrix = LinearAlgebraConformanceTests.matrices[index]
    let b = matrix.b
    try check(matrix, of: matrix.A, value: matrix.sum_W_cholesky, gradient: matrix.grad_sum_W_cholesky, "W · L") {
      $0.sumAll($0.multiply($0.cholesky($1), tensor($0, matrix.W)))
    }
    try check(matrix, of: matrix.A, value: matrix.logdet, gradient: matrix.grad_logdet, "log det") {
      $0.multiply($0.constant(2), $0.sumAll($0.log($0.diagonalPart($0.cholesky($1)))))
    }
    try check(
      matrix, of: matrix.A, value: matrix.quadratic_b_Ainv_b, gradient: matrix.grad_quadratic_b_Ainv_b, "b'A⁻¹b"
    ) {
      let column = $0.data(TensorData(extents: [b.count, 1], elements: b))
      return $0.sumAll($0.square($0.triangularSolve($0.cholesky($1), column)))
    }
    try check(
      matrix, of: matrix.L_rounded, value: matrix.tri_solve_weighted_sum,
      gradient: matrix.grad_tri_solve_weighted_sum_wrt_L, "weighted L⁻¹b"
    ) {
      let column = $0.data(TensorData(extents: [b.count, 1], elements: b))
      let weights = $0.data(TensorData(extents: [b.count, 1], elements: triangularWeights(b.count)))
      return $0.sumAll($0.multiply(weights, $0.triangularSolve($1, column)))
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
      var rel_tol: Double?
    }
    struct Function: Decodable {
      var name: String
      var rel_tol: Double
      var abs_tol: Double
      var cases: [Case]
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
    return abs(got - want) <= max(function.abs_tol, (test.rel_tol ?? function.rel_tol) * abs(want))
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
    #expect(got.count > 10)
  }

  @Test(arguments: ["logaddexp", "xlogy", "logsumexp"]) func functionsOfSeveralNumbers(_ name: String) throws {
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
