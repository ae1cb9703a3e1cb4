import Checking
import Foundation
import Interpreter
import Numerics
import Syntax
import TensorIR
import TestSupport
import Testing

/// What the language offers of functions and matrices, against reference values: called, and traced into a graph whose
/// inputs are read from the position. Counts say how much was compared.
@Suite struct ReferenceValueTests {
  /// A number of the files; "inf", "-inf" and "nan" are numbers there.
  private struct Number: Decodable {
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

  private static func file<File: Decodable>(_ name: String, as type: File.Type) throws -> File {
    let url = Checkout.data.appendingPathComponent("conformance/\(name)")
    return try JSONDecoder().decode(type, from: try Data(contentsOf: url))
  }

  // MARK: - Calls

  private let session = Session()

  private func called(_ name: String, _ arguments: [Value]) throws -> Value {
    try session.machine.call(.intrinsicFunction(name), arguments)
  }

  /// The same call over graph nodes.
  private func traced(_ name: String, _ arguments: [Value]) throws -> [Double] {
    let machine = session.machine
    let builder = GraphBuilder()
    let tracer = Tracer(
      handler: NoSites(), context: machine, registry: machine.registry, hooks: machine.hooks, builder: builder,
      span: SourceSpan(source: SourceID(0), start: 0, end: 0), global: { _ in .none })
    var position: [Double] = []
    let inputs = try arguments.map { argument -> Value in
      let elements = try #require(Operations.reals(argument))
      let shape = Operations.shape(of: argument) ?? []
      let node = builder.parameter(offset: position.count, shape: Shape(extents: shape))
      position += elements
      return .traced(TracedValue(.tensor(TracedTensor(node: node, frames: [], element: .real, shape: shape))))
    }
    guard case .traced(let value) = try tracer.call(.intrinsicFunction(name), inputs),
      case .tensor(let tensor) = value.content
    else {
      Issue.record("\(name) gives no tensor")
      return []
    }
    return Program(try builder.finish(outputs: [tensor.node])).run(position: position, inputs: [])[0].elements
  }

  // MARK: - Special functions

  private struct Functions: Decodable {
    struct Case: Decodable {
      var args: [Number]
      var value: Number
      var relative: Double?
      enum CodingKeys: String, CodingKey {
        case args, value
        case relative = "rel_tol"
      }
    }
    struct Function: Decodable {
      var name: String
      var relative: Double
      var absolute: Double
      var cases: [Case]
      enum CodingKeys: String, CodingKey {
        case name, cases
        case relative = "rel_tol"
        case absolute = "abs_tol"
      }
    }
    var functions: [Function]
  }

  /// The reference's name, and ours.
  private static let names: [(reference: String, own: String)] = [
    ("log1p", "log1p(_:)"), ("expm1", "expm1(_:)"), ("log1pexp", "softplus(_:)"), ("log1mexp", "log1mexp(_:)"),
    ("logsumexp", "logSumExp(_:)"), ("logaddexp", "logAddExp(_:_:)"), ("sigmoid", "logistic(_:)"),
    ("log_sigmoid", "logLogistic(_:)"), ("logit", "logit(_:)"), ("lgamma", "lgamma(_:)"), ("digamma", "digamma(_:)"),
    ("trigamma", "trigamma(_:)"), ("erf", "erf(_:)"), ("erfc", "erfc(_:)"), ("norm_cdf", "normalCDF(_:)"),
    ("norm_ppf", "normalQuantile(_:)"), ("lbeta", "logBeta(_:_:)"), ("log_choose", "logChoose(_:_:)"),
  ]

  @Test func specialFunctions() throws {
    let functions = try ReferenceValueTests.file("special.json", as: Functions.self).functions
    var counts: [Int] = []
    for (reference, own) in ReferenceValueTests.names {
      let function = try #require(functions.first { $0.name == reference })
      var count = 0
      for item in function.cases {
        let numbers = item.args.map(\.value)
        let arguments: [Value] =
          reference == "logsumexp" ? [.realArray(RealArray(numbers))] : numbers.map { .real($0) }
        let want = item.value.value
        func agrees(_ got: Double) -> Bool {
          if want.isNaN { return got.isNaN }
          if want.isInfinite || got.isInfinite { return got == want }
          return abs(got - want) <= max(function.absolute, (item.relative ?? function.relative) * abs(want))
        }
        let result = try #require(Operations.reals(try called(own, arguments))?.first)
        #expect(agrees(result), "\(own) of \(numbers): \(result), not \(want)")
        let node = try #require(try traced(own, arguments).first)
        #expect(agrees(node), "\(own) of \(numbers), traced: \(node), not \(want)")
        count += 1
      }
      counts.append(count)
    }
    #expect(counts.reduce(0, +) == 448)
    #expect(counts.allSatisfy { $0 > 0 })
  }

  // MARK: - Matrices

  private struct Matrices: Decodable {
    struct Matrix: Decodable {
      var name: String
      var whole: [[Double]]
      var vector: [Double]
      var columns: [[Double]]
      var cholesky: [[Double]]
      var logDeterminant: Double
      var solvedVector: [Double]
      var solvedColumns: [[Double]]
      var inverse: [[Double]]
      var tolerance: Double
      enum CodingKeys: String, CodingKey {
        case name, cholesky, inverse
        case whole = "A"
        case vector = "b"
        case columns = "B"
        case logDeterminant = "logdet"
        case solvedVector = "solve_A_b"
        case solvedColumns = "solve_A_B"
        case tolerance = "rel_tol"
      }
    }
    struct Failure: Decodable {
      var name: String
      var whole: [[Number]]
      enum CodingKeys: String, CodingKey {
        case name
        case whole = "A"
      }
    }
    var positive: [Matrix]
    var failing: [Failure]
    enum CodingKeys: String, CodingKey {
      case positive = "spd"
      case failing = "cholesky_must_fail"
    }
  }

  private func value(_ rows: [[Double]]) -> Value {
    .realArray(RealArray(shape: [rows.count, rows.first?.count ?? 0], elements: rows.flatMap { $0 }))
  }

  @Test func matrices() throws {
    let file = try ReferenceValueTests.file("linalg.json", as: Matrices.self)
    #expect(file.positive.count == 12)
    var count = 0
    for item in file.positive {
      let whole = value(item.whole)
      let vector = Value.realArray(RealArray(item.vector))
      let cases: [(name: String, arguments: [Value], want: [Double])] = [
        ("cholesky(_:)", [whole], item.cholesky.flatMap { $0 }), ("logDeterminant(_:)", [whole], [item.logDeterminant]),
        ("solve(_:_:)", [whole, vector], item.solvedVector),
        ("solve(_:_:)", [whole, value(item.columns)], item.solvedColumns.flatMap { $0 }),
        ("inverse(_:)", [whole], item.inverse.flatMap { $0 }),
      ]
      for (name, arguments, want) in cases {
        // Relative to the largest entry; the logarithm of a determinant loses what its matrix does.
        let scale = max(want.reduce(0) { max($0, abs($1)) }, name.hasPrefix("log") ? 1 : 0)
        let result = try #require(Operations.reals(try called(name, arguments)))
        try #require(result.count == want.count)
        let worst = zip(result, want).reduce(0.0) { max($0, abs($1.0 - $1.1)) }
        #expect(worst <= max(1e-13, item.tolerance) * scale, "\(item.name) \(name): off by \(worst / scale)")
        count += 1
      }
    }
    #expect(count == 60)
    #expect(file.failing.count == 4)
    for item in file.failing {
      #expect(throws: Fault.self, "\(item.name)") {
        _ = try called("cholesky(_:)", [value(item.whole.map { $0.map(\.value) })])
      }
    }
  }

  // MARK: - Moments and quantiles of draws

  private struct Draws: Decodable {
    struct Case: Decodable {
      var name: String
      var draws: [[Number]]
      var mean: Number?
      var sd: Number?
      var quantiles: [String: Number]?
      enum CodingKeys: String, CodingKey {
        case name, draws, mean, sd
        case quantiles = "quantiles_type7"
      }
    }
    var mcmc: [Case]
  }

  @Test func momentsAndQuantiles() throws {
    let file = try ReferenceValueTests.file("diagnostics.json", as: Draws.self)
    var count = 0
    for item in file.mcmc {
      guard let mean = item.mean, let sd = item.sd, let quantiles = item.quantiles else { continue }
      let draws = Value.realArray(RealArray(item.draws.flatMap { $0.map(\.value) }))
      func check(_ name: String, _ arguments: [Value], _ want: Double) throws {
        let got = try #require(Operations.reals(try called(name, arguments))?.first)
        #expect(abs(got - want) <= 1e-12 * abs(want) + 1e-14, "\(item.name) \(name): \(got), not \(want)")
        count += 1
      }
      try check("mean(_:)", [draws], mean.value)
      try check("sd(_:)", [draws], sd.value)
      for (text, want) in quantiles {
        try check("quantile(_:_:)", [draws, .real(try #require(Double(text)))], want.value)
      }
    }
    // All but the case with a nan among its draws.
    #expect(count == 21 * 7)
  }
}
