import Foundation
import Numerics
import TestSupport
import Testing

/// Reference values of special functions, from 50-digit arithmetic.
struct SpecialFunctionTests {
  private struct File: Decodable {
    struct Function: Decodable {
      struct Case: Decodable {
        var args: [Number]
        var value: Number
        var relativeTolerance: Double?
        var absoluteTolerance: Double?

        enum CodingKeys: String, CodingKey {
          case args, value
          case relativeTolerance = "rel_tol"
          case absoluteTolerance = "abs_tol"
        }
      }
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

  /// Numbers, with "inf", "-inf" and "nan" as text.
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

  private static let functions: [String: @Sendable ([Double]) -> Double] = [
    "log1pexp": { Special.softplus($0[0]) }, "log1mexp": { Special.logOneMinusExp($0[0]) },
    "logaddexp": { Special.logAddExp($0[0], $0[1]) }, "sigmoid": { Special.logistic($0[0]) },
    "log_sigmoid": { Special.logLogistic($0[0]) }, "lgamma": { Special.logGamma($0[0]) },
    "digamma": { Special.digamma($0[0]) }, "trigamma": { Special.trigamma($0[0]) }, "erf": { Special.erf($0[0]) },
    "erfc": { Special.erfc($0[0]) }, "norm_cdf": { Special.normalCDF($0[0]) },
    "norm_logcdf": { Special.normalLogCDF($0[0]) }, "norm_ppf": { Special.normalQuantile($0[0]) },
  ]

  @Test(arguments: functions.keys.sorted())
  func agrees(name: String) throws {
    let data = try Data(contentsOf: Checkout.data.appendingPathComponent("conformance/special.json"))
    let file = try JSONDecoder().decode(File.self, from: data)
    let function = try #require(file.functions.first { $0.name == name })
    let evaluate = try #require(Self.functions[name])
    #expect(!function.cases.isEmpty)
    for item in function.cases {
      let want = item.value.value
      let got = evaluate(item.args.map(\.value))
      let tolerance = max(
        item.absoluteTolerance ?? function.absoluteTolerance,
        (item.relativeTolerance ?? function.relativeTolerance) * abs(want))
      let isClose = want.isNaN ? got.isNaN : (want.isInfinite ? got == want : abs(got - want) <= tolerance)
      #expect(isClose, "\(name)(\(item.args.map(\.value))): \(got), not \(want)")
    }
  }

  @Test func incompleteBetaInvertsItself() {
    for (a, b) in [(0.5, 0.5), (2.0, 5.0), (200.0, 30.0)] {
      for p in [0.01, 0.3, 0.5, 0.9] {
        let x = Special.inverseRegularizedBeta(a, b, p)
        let back = Special.regularizedBeta(a, b, x)
        #expect(abs(back - p) < 1e-10)
      }
    }
  }
}
