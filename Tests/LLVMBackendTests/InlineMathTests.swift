import Foundation
import LLVMBackend
import Numerics
import Testing

/// The inline functions against extended precision, and at the values that formulas forget.
@Suite struct InlineMathTests {
  static func library() throws -> LLVMLibrary { try LLVMLibrary.shared.get() }

  /// |computed − exact| in units in the last place of the exact result, subnormal spacing below the normal range.
  static func ulps(_ computed: Double, _ exact: Float80) -> Double {
    if computed.isNaN && exact.isNaN { return 0 }
    let rounded = Double(exact)
    if rounded.isInfinite || computed.isInfinite || exact.isNaN || computed.isNaN {
      return computed == rounded ? 0 : .infinity
    }
    let spacing = max(rounded.ulp, Double.leastNonzeroMagnitude)
    return abs(Double((Float80(computed) - exact) / Float80(spacing)))
  }

  static let special: [Double] = [
    0, -0.0, 1, -1, .infinity, -.infinity, .nan, .leastNonzeroMagnitude, -.leastNonzeroMagnitude, 0x1p-1022, -0x1p-1022,
    0x1p-1030, 1e-300,
    .greatestFiniteMagnitude, -.greatestFiniteMagnitude, 709.78, 709.79, -708.4, -745.13, -745.14, 1e17, -1e17, 0.5, 2,
    10,
  ]

  static func points(_ range: ClosedRange<Double>, _ count: Int) -> [Double] {
    var source = RandomStream(key: RandomKey(seed: 3))
    return (0..<count).map { _ in range.lowerBound + (range.upperBound - range.lowerBound) * source.nextUniform() }
  }

  @Test("each function keeps its bound", arguments: InlineMathCase.all)
  func bound(_ item: InlineMathCase) throws {
    for lanes in [1, 8] {
      let function = try InlineFunction(item.name, lanes: lanes, library: Self.library())
      for range in item.ranges {
        let points = Self.points(range, 40_000)
        var worst = (ulps: 0.0, at: 0.0)
        for (x, y) in zip(points, function(points)) {
          let error = Self.ulps(y, item.reference(Float80(x)))
          if !(error <= worst.ulps) { worst = (error, x) }
        }
        #expect(
          worst.ulps <= function.bound,
          "\(item.name), \(lanes) lanes: \(worst.ulps) ulp at \(worst.at), bound \(function.bound)")
      }
    }
  }

  @Test("special values", arguments: InlineMathCase.all)
  func specials(_ item: InlineMathCase) throws {
    for lanes in [1, 8] {
      let function = try InlineFunction(item.name, lanes: lanes, library: Self.library())
      for (x, y) in zip(Self.special, function(Self.special)) {
        let error = Self.ulps(y, item.reference(Float80(x)))
        #expect(error <= function.bound, "\(item.name)(\(x)) is \(y), not \(item.reference(Float80(x)))")
      }
    }
  }
}

/// A function, where to try it, and what it should be.
struct InlineMathCase: Sendable, CustomTestStringConvertible {
  var name: String
  var ranges: [ClosedRange<Double>]
  var reference: @Sendable (Float80) -> Float80
  var testDescription: String { name }

  static let all = [
    InlineMathCase(name: "exp", ranges: [-1...1, -740...709.7]) { Foundation.exp($0) },
    InlineMathCase(name: "log", ranges: [0.5...2, 0...1e-300, 1e-5...1e10]) { Foundation.log($0) },
    InlineMathCase(name: "log1p", ranges: [-1...1, -1e-5...1e-5, 1...1e20]) { Foundation.log1p($0) },
    InlineMathCase(name: "expm1", ranges: [-1...1, -1e-5...1e-5, -40...709]) { Foundation.expm1($0) },
    InlineMathCase(name: "logistic", ranges: [-1...1, -745...745, -40...40]) { x in
      x >= 0 ? 1 / (1 + Foundation.exp(-x)) : Foundation.exp(x) / (1 + Foundation.exp(x))
    },
    InlineMathCase(name: "softplus", ranges: [-1...1, -745...745, -40...40]) { softplus($0) },
    InlineMathCase(name: "logLogistic", ranges: [-1...1, -745...745, -40...40]) { -softplus(-$0) },
    InlineMathCase(name: "log1mexp", ranges: [-1...0, -1e-5...0, -745...0]) { x in
      x > 0 ? .nan : (x > -0.69 ? Foundation.log(-Foundation.expm1(x)) : Foundation.log1p(-Foundation.exp(x)))
    },
    InlineMathCase(name: "tanh", ranges: [-1...1, -1e-5...1e-5, -30...30]) { Foundation.tanh($0) },
  ]

  private static func softplus(_ x: Float80) -> Float80 {
    (x > 0 ? x : (x.isNaN ? x : 0)) + Foundation.log1p(Foundation.exp(-abs(x)))
  }
}
