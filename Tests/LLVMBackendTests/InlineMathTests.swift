import Foundation
import GraphSupport
import LLVMBackend
import Numerics
import QuadPrecision
import TensorIR
import TestSupport
import Testing

/// The inline functions against arithmetic of 113 bits, and at the values that formulas forget.
@Suite struct InlineMathTests {
  static func library() throws -> LLVMLibrary { try LLVMLibrary.shared.get() }

  /// |computed − expected| in units in the last place of what is expected, subnormal spacing below the normal range.
  static func ulps(_ computed: Double, _ expected: Double) -> Double {
    if computed.isNaN && expected.isNaN { return 0 }
    if expected.isInfinite || computed.isInfinite || expected.isNaN || computed.isNaN {
      return computed == expected ? 0 : .infinity
    }
    return abs(computed - expected) / max(expected.ulp, Double.leastNonzeroMagnitude)
  }

  /// The magnitude by whose ulp smaller values of log Γ and ψ are measured for negative x, where reflection cancels near
  /// the roots: that of what is subtracted there.
  static func least(_ name: String, _ x: Double) -> Double {
    guard x < 0 else { return 0 }
    return name == "logGamma" ? max(1, Special.logGamma(1 - x)) : name == "digamma" ? max(2, Special.digamma(1 - x)) : 0
  }

  /// The worst error of computed values against arithmetic of 113 bits, in ulp, and where it is.
  static func worst(
    _ name: String, _ x: [Double], _ computed: [Double], exponents y: [Double]? = nil
  ) throws -> (ulps: Double, at: Int) {
    var errors = Array(repeating: 0.0, count: x.count)
    let isKnown = quad_errors(name, x, y, computed, x.map { least(name, $0) }, &errors, x.count)
    try #require(isKnown == 1, "there is no \(name) of 113 bits on this machine")
    // A NaN would not be seen by a comparison.
    let place = errors.indices.max { errors[$0].isNaN ? false : errors[$1].isNaN || errors[$0] < errors[$1] }
    return place.map { (errors[$0], $0) } ?? (0, 0)
  }

  static let special: [Double] = [
    0, -0.0, 1, -1, .infinity, -.infinity, .nan, .leastNonzeroMagnitude, -.leastNonzeroMagnitude, 0x1p-1022, -0x1p-1022,
    0x1p-1030, 1e-300,
    .greatestFiniteMagnitude, -.greatestFiniteMagnitude, 709.78, 709.79, -708.4, -745.13, -745.14, 1e17, -1e17, 0.5, 2,
    10,
  ]

  static func points(_ range: ClosedRange<Double>, _ count: Int, seed: UInt64 = 3) -> [Double] {
    var source = RandomStream(key: RandomKey(seed: seed))
    let width = range.upperBound - range.lowerBound
    // The second number fills the last bits, which are 0 otherwise where the bounds are larger than the result.
    return (0..<count).map { _ in
      range.lowerBound + width * source.nextUniform() + width * 0x1p-53 * source.nextUniform()
    }.map { min($0, range.upperBound) }
  }

  /// In eight lanes: one lane has the same bits.
  @Test("each function keeps its bound", arguments: InlineMathCase.all)
  func bound(_ item: InlineMathCase) throws {
    let function = try InlineFunction(item.name, lanes: 8, library: Self.library())
    for range in item.ranges {
      let points = Self.points(range, 20_000)
      let worst = try Self.worst(item.name, points, function(points))
      #expect(
        worst.ulps <= function.bound,
        "\(item.name): \(worst.ulps) ulp at \(points[worst.at]), bound \(function.bound)")
    }
  }

  @Test func everyFunctionIsMeasured() {
    #expect(Set(InlineMathCase.all.map(\.name)) == Set(InlineFunction.names))
  }

  /// The yardstick itself, against tables that another library made.
  @Test("functions of 113 bits agree with tables", arguments: InlineMathTable.all)
  func yardstick(_ item: InlineMathTable) throws {
    let rows = try item.rows()
    var errors = Array(repeating: 0.0, count: rows.count)
    let isKnown = quad_relative_errors(
      item.name, rows.map(\.x), rows.map(\.high), rows.map(\.low), &errors, rows.count)
    try #require(isKnown == 1)
    for (row, error) in zip(rows, errors) {
      // A sum of two doubles has 106 bits, but for what is below the least double. Next to a root errors are absolute.
      let size = abs(row.high)
      let hasRoots = ["digamma", "logGamma", "normalQuantile"].contains(item.name)
      let bound = max(3e-31, 1e-323 / size, hasRoots ? 1e-30 / size : 0)
      #expect(error < bound, "\(item.name)(\(row.x)): \(error)")
    }
  }

  @Test("special values are the interpreter's", arguments: InlineFunction.names)
  func specials(_ name: String) throws {
    let operation = try #require(UnaryOperation(rawValue: name))
    for lanes in [1, 8] {
      let function = try InlineFunction(name, lanes: lanes, library: Self.library())
      let points = Self.special
      for (x, y) in zip(points, function(points)) {
        let expected = Kernels.apply(operation, x)
        // The interpreter's own values may be off by a few ulp.
        let error = Self.ulps(y, expected)
        #expect(error <= function.bound + InlineMathCase.allowance(name, x), "\(name)(\(x)) is \(y), not \(expected)")
        if y == 0 && expected == 0 { #expect(y.sign == expected.sign, "\(name)(\(x)) is \(y), not \(expected)") }
      }
    }
  }

  @Test("one lane and eight give the same bits", arguments: InlineFunction.names)
  func lanes(_ name: String) throws {
    let one = try InlineFunction(name, lanes: 1, library: Self.library())
    let eight = try InlineFunction(name, lanes: 8, library: Self.library())
    let points = Self.special + Self.points(-40...40, 5000) + Self.points(0...1, 5000) + Self.points(-1e8...1e8, 1000)
    for (x, (a, b)) in zip(points, zip(one(points), eight(points))) {
      #expect(a.bitPattern == b.bitPattern || (a.isNaN && b.isNaN), "\(name)(\(x)): \(a), \(b)")
    }
  }

  #if arch(x86_64)
    @Test("vectors of 256 bits give the same bits", arguments: InlineFunction.names)
    func narrowVectors(_ name: String) throws {
      let library = try Self.library()
      let here = try InlineFunction(name, lanes: 8, library: library)
      let narrow = try InlineFunction(name, lanes: 8, library: library, target: CodeTarget(cpu: "x86-64-v3"))
      let points = Self.special + Self.points(-40...40, 5000) + Self.points(0...1, 5000)
      for (x, (a, b)) in zip(points, zip(here(points), narrow(points))) {
        #expect(a.bitPattern == b.bitPattern || (a.isNaN && b.isNaN), "\(name)(\(x)): \(a), \(b)")
      }
    }
  #endif

  @Test("next to multiples of π/2", arguments: InlineMathCase.all.filter { ["sin", "cos", "tan"].contains($0.name) })
  func quarterTurns(_ item: InlineMathCase) throws {
    let function = try InlineFunction(item.name, lanes: 8, library: Self.library())
    let counts = Array(-2000...2000) + (0..<40).flatMap { k in (1...50).map { ($0 << k) / 3 } }
    let points = counts.map { Double($0) * 1.5707963267948966 }
    let worst = try Self.worst(item.name, points, function(points))
    #expect(worst.ulps <= function.bound, "\(item.name)(\(points[worst.at])): \(worst.ulps) ulp")
  }

  /// 6381956970095103 · 2⁷⁹⁷ is the double nearest to a multiple of π/2 (Kahan; in Muller, Elementary Functions).
  @Test("huge arguments", arguments: InlineMathCase.all.filter { ["sin", "cos", "tan"].contains($0.name) })
  func hugeArguments(_ item: InlineMathCase) throws {
    let worst = Double(sign: .plus, exponent: 797, significand: 6_381_956_970_095_103)
    let points =
      (40...1023).flatMap { e in
        Self.points(-2...2, 40).map { Double(sign: .plus, exponent: e - 1, significand: $0) * 0.99 }
      } + [.greatestFiniteMagnitude, worst, -worst, 0x1p46, 0x1p46.nextUp]
    for lanes in [1, 8] {
      let function = try InlineFunction(item.name, lanes: lanes, library: Self.library())
      let worst = try Self.worst(item.name, points, function(points))
      #expect(worst.ulps <= function.bound, "\(item.name)(\(points[worst.at])): \(worst.ulps) ulp")
    }
  }

  /// Errors against tables, each value the sum of two doubles.
  @Test("tables", arguments: InlineMathTable.all)
  func tables(_ item: InlineMathTable) throws {
    let function = try InlineFunction(item.name, lanes: 8, library: Self.library())
    let rows = try item.rows()
    var worst = (ulps: 0.0, at: 0.0)
    for (row, y) in zip(rows, function(rows.map(\.x))) {
      let error = item.error(y, row)
      if !(error <= worst.ulps) { worst = (error, row.x) }
    }
    #expect(rows.count > 250)
    #expect(worst.ulps <= function.bound, "\(item.name): \(worst.ulps) ulp at \(worst.at)")
  }

  /// The arithmetic that gradients are held to, against the same tables.
  @Test("double-double functions agree with tables", arguments: InlineMathTable.all)
  func extended(_ item: InlineMathTable) throws {
    let operation = try #require(UnaryOperation(rawValue: item.name))
    for row in try item.rows() where abs(row.x) < 500 {
      let value = ExtendedEvaluator.unary(operation, DoubleDouble(row.x))
      let size = abs(row.high)
      let error = abs((value.high - row.high) + (value.low - row.low))
      let scale = row.x < 0 || size < 1e-3 ? max(size, 1) : size
      // Far out the square of x, of 106 bits, is an exponent: x² 2⁻¹⁰⁶ remains. Up to 4 erfc is 1 − erf, which cancels.
      let tolerance = item.name.hasPrefix("normal") ? 1e-24 : 1e-27
      #expect(error <= tolerance * scale || size < 1e-280, "\(item.name)(\(row.x)): \(error / size)")
    }
  }

  // MARK: - Two arguments

  @Test func powerKeepsItsBound() throws {
    for lanes in [1, 8] {
      let function = try InlineBinaryFunction("power", lanes: lanes, library: Self.library())
      for (bases, exponents) in [
        (0.0...3, -30.0...30), (0.5...2, -1000...1000), (1e-300...1e-290, -1...1.1), (0...1e5, -60...60),
        (0...0.5, 0...1100), (0.999...1.001, -7e5...7e5),
      ] {
        let x = Self.points(bases, 20_000)
        let y = Array(Self.points(exponents, 20_001).dropFirst())
        let worst = try Self.worst("power", x, function(x, y), exponents: y)
        #expect(worst.ulps <= function.bound, "\(x[worst.at]) to \(y[worst.at]): \(worst.ulps) ulp")
      }
    }
  }

  @Test func powerOfSpecialValuesIsTheInterpreters() throws {
    let all = Self.special + [-2, 3, -3, 0.25, -0.5, 0x1p53, 0x1p54, -0x1p53 + 1, 1.5, -1.5]
    let x = all.flatMap { x in all.map { _ in x } }
    let y = all.flatMap { _ in all }
    for lanes in [1, 8] {
      let function = try InlineBinaryFunction("power", lanes: lanes, library: Self.library())
      for (z, (x, y)) in zip(function(x, y), zip(x, y)) {
        let expected = Kernels.apply(BinaryOperation.power, x, y)
        #expect(Self.ulps(z, expected) <= function.bound + 0.5, "\(x) to \(y) is \(z), not \(expected)")
        if z == 0 && expected == 0 { #expect(z.sign == expected.sign, "\(x) to \(y) is \(z), not \(expected)") }
      }
    }
  }

  // MARK: - Measurements

  /// Holds every function to its bound once more, on other points; CAIRN_MEASURE=1 takes many more, and prints a
  /// table of errors and times per value.
  @Test func measurements() throws {
    let isAsked = ProcessInfo.processInfo.environment["CAIRN_MEASURE"] != nil
    let library = try Self.library()
    var lines = ["function          ulp  bound   ns×8   ns×1  reference"]
    func nanoseconds(_ count: Int, _ body: () -> Void) -> Double {
      body()
      var best = Double.infinity
      for _ in 0..<(isAsked ? 15 : 1) {
        let time = ContinuousClock().measure(body)
        best = min(best, Double(time.components.attoseconds) / 1e9 / Double(count))
      }
      return best
    }
    func cell(_ value: Double) -> String { String(format: "%7.2f", value) }
    func padded(_ name: String) -> String { name.padding(toLength: 15, withPad: " ", startingAt: 0) }
    for name in InlineFunction.names {
      let function = try InlineFunction(name, lanes: 8, library: library)
      let single = try InlineFunction(name, lanes: 1, library: library)
      var worst = 0.0
      for item in InlineMathCase.all where item.name == name {
        for range in item.ranges {
          let points = Self.points(range, isAsked ? 400_000 : 4_000, seed: 4)
          worst = max(worst, try Self.worst(item.name, points, function(points)).ulps)
        }
      }
      for item in InlineMathTable.all where item.name == name {
        let rows = try item.rows()
        for (row, y) in zip(rows, function(rows.map(\.x))) { worst = max(worst, item.error(y, row)) }
      }
      #expect(worst <= function.bound, "\(name): \(worst) ulp")
      let range: ClosedRange<Double> =
        switch name {
        case "log1mexp": -5 ... -0.01
        case "asin", "acos": -1...1
        case "normalQuantile": 0.0001...0.9999
        case "log", "logGamma", "digamma", "trigamma": 0.01...10
        default: -4...4
        }
      let points = Self.points(range, 4096)
      let operation = try #require(UnaryOperation(rawValue: name))
      var result = Array(repeating: 0.0, count: points.count + 8)
      let padding = points + Array(repeating: 1.0, count: 8)
      let fast = nanoseconds(points.count) { function.run(padding, &result, points.count) }
      let slow = nanoseconds(points.count) { single.run(padding, &result, points.count) }
      let reference = nanoseconds(points.count) {
        for k in points.indices { result[k] = Kernels.apply(operation, points[k]) }
      }
      lines.append(padded(name) + cell(worst) + cell(function.bound) + cell(fast) + cell(slow) + cell(reference))
    }
    let power = try InlineBinaryFunction("power", lanes: 8, library: library)
    let x = Self.points(0...3, 4096)
    let y = Self.points(-30...30, 4096)
    let worst = try Self.worst("power", x, power(x, y), exponents: y).ulps
    let padding = Array(repeating: 1.0, count: 8)
    let (a, b) = (x + padding, y + padding)
    var result = a
    let time = nanoseconds(4096) { power.run(a, b, &result, 4096) }
    let reference = nanoseconds(4096) {
      for k in x.indices { result[k] = Kernels.apply(BinaryOperation.power, x[k], y[k]) }
    }
    lines.append(padded("power") + cell(worst) + cell(power.bound) + cell(time) + "       " + cell(reference))
    #expect(worst <= power.bound)
    if isAsked { print(lines.joined(separator: "\n")) }
  }
}

/// A function, and where to try it.
struct InlineMathCase: Sendable, CustomTestStringConvertible {
  var name: String
  var ranges: [ClosedRange<Double>]
  var testDescription: String { name }

  static let all = [
    InlineMathCase(name: "exp", ranges: [-1...1, -740...709.7]),
    InlineMathCase(name: "log", ranges: [0.5...2, 0...1e-300, 1e-5...1e10]),
    InlineMathCase(name: "log1p", ranges: [-1...1, -0.01...0.01, -1e-300...1e-300, -0.5...20, 0...1e20]),
    InlineMathCase(name: "expm1", ranges: [-1...1, -0.01...0.01, -1e-300...1e-300, -50...10, -2...709.7]),
    InlineMathCase(name: "logistic", ranges: [-1...1, -40...40, -740...0]),
    InlineMathCase(name: "softplus", ranges: [-1...1, -40...40, -740...740]),
    InlineMathCase(name: "logLogistic", ranges: [-1...1, -40...40, -740...740]),
    InlineMathCase(name: "log1mexp", ranges: [-1...0, -0.01...0, -1e-300...0, -40...0, -740...0]),
    InlineMathCase(name: "sinh", ranges: [-1...1, -1e-6...1e-6, -30...30, -710...710]),
    InlineMathCase(name: "cosh", ranges: [-1...1, -30...30, -710...710]),
    InlineMathCase(name: "tanh", ranges: [-1...1, -0.01...0.01, -1e-300...1e-300, -30...30]),
    InlineMathCase(name: "sin", ranges: [-1...1, -1e-6...1e-6, -30...30, -1e5...1e5, -7e13...7e13]),
    InlineMathCase(name: "cos", ranges: [-1...1, -30...30, -1e5...1e5, -7e13...7e13]),
    InlineMathCase(name: "tan", ranges: [-1...1, -1e-6...1e-6, -30...30, -1e5...1e5]),
    InlineMathCase(name: "asin", ranges: [-1...1, -0.01...0.01, 0.999...1]),
    InlineMathCase(name: "acos", ranges: [-1...1, -0.01...0.01, 0.999...1]),
    InlineMathCase(name: "atan", ranges: [-1...1, -0.01...0.01, -5...5, -1e8...1e8]),
    InlineMathCase(name: "erf", ranges: [-1...1, -1e-6...1e-6, -6...6]),
    InlineMathCase(name: "erfc", ranges: [-1...1, -6...6, 6...27.2]),
    InlineMathCase(name: "logGamma", ranges: [0...1, 0.7...2.5, 1.9...3.1, 3...20, 20...1e10, 0...1e-300]),
    InlineMathCase(name: "logGamma", ranges: [-30 ... -0.001, -1 ... -1e-6]),
    InlineMathCase(name: "normalCDF", ranges: [-1...1, -8...8, -38...8]),
    InlineMathCase(name: "normalLogCDF", ranges: [-1...1, -8...8, -38...40, -1000...0, -1e10...0]),
    InlineMathCase(name: "normalQuantile", ranges: [0...1, 0.4...0.6, 0...1e-3, 0...1e-300, 0.999...1]),
    InlineMathCase(name: "digamma", ranges: [0...1, 1...2, 0.7...2.5, 3...20, 20...1e10, 0...1e-300]),
    InlineMathCase(name: "digamma", ranges: [-30 ... -0.001, -1 ... -1e-6, -1e12 ... -100]),
    InlineMathCase(name: "trigamma", ranges: [0...1, 0.7...2.5, 3...20, 20...1e10, 1e-150...1e-140]),
    InlineMathCase(name: "trigamma", ranges: [-30 ... -0.001]),
  ]

  /// What the interpreter's own value may be off by there, in ulp: x/√2 and πx are rounded there.
  static func allowance(_ name: String, _ x: Double) -> Double {
    switch name {
    case "normalCDF", "normalLogCDF": x.isNaN ? 1 : 1 + min(x * x, 2000)
    case "digamma" where x < -1, "trigamma" where x < -1: 1e4
    // Its series leaves 5 ulp at 10.
    case "trigamma": 5
    default: 1
    }
  }
}

/// A function with a table of its values: at random points, uniform and logarithmic, and near its zeros, computed with
/// mpmath at 70 digits.
struct InlineMathTable: Sendable, CustomTestStringConvertible {
  typealias Row = (x: Double, high: Double, low: Double)
  var name: String
  /// Values smaller than this for negative x are held to its ulp: reflection cancels near the roots.
  var negativeScale = 0.0
  var testDescription: String { name }

  static let all = [
    InlineMathTable(name: "erf"), InlineMathTable(name: "erfc"), InlineMathTable(name: "normalCDF"),
    InlineMathTable(name: "normalLogCDF"), InlineMathTable(name: "normalQuantile"),
    InlineMathTable(name: "logGamma", negativeScale: 1), InlineMathTable(name: "digamma", negativeScale: 2),
    InlineMathTable(name: "trigamma"),
  ]

  func rows() throws -> [Row] {
    let file = Checkout.data.appendingPathComponent("inlinemath/\(name).csv")
    return try String(contentsOf: file, encoding: .utf8).split(separator: "\n").dropFirst().map { line in
      let parts = line.split(separator: ",").compactMap { Double($0) }
      try #require(parts.count == 3)
      return (parts[0], parts[1], parts[2])
    }
  }

  func error(_ y: Double, _ row: Row) -> Double {
    if y == row.high { return abs(row.low) / row.high.ulp }
    let spacing = row.x < 0 ? max(abs(row.high), negativeScale).ulp : row.high.ulp
    return abs((y - row.high) - row.low) / max(spacing, .leastNonzeroMagnitude)
  }
}
