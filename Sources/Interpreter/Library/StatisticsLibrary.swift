import Foundation
import Numerics
import Syntax

/// Sums, moments and order statistics of arrays of any rank.
package enum StatisticsLibrary {
  package static let all: [Intrinsic] = [
    CoreLibrary.make("sum(_:)") { a, _ in
      switch a[0] {
      case .intArray(let array): return .int(try sum(array.elements))
      case .boolArray(let array): return .int(array.elements.reduce(0) { $0 + ($1 ? 1 : 0) })
      case .range: return .int(try sum(try Operations.integers(a[0]).elements))
      case .int: return a[0]
      default: return .real(sum(try a.reals(0)))
      }
    },
    CoreLibrary.make("product(_:)") { a, _ in
      if case .intArray(let array) = a[0] {
        return .int(try array.elements.reduce(1) { try Operations.integer(.multiply, $0, $1) })
      }
      return .real(try a.reals(0).reduce(1, *))
    },
    reduced("mean(_:)", atLeast: 1) { mean($0) },
    reduced("variance(_:)", atLeast: 2) { variance($0) },
    reduced("sd(_:)", atLeast: 2) { variance($0).squareRoot() },
    reduced("median(_:)", atLeast: 1) { OrderStatistics.quantile(sorted: sorted($0), 0.5) },
    reduced("logSumExp(_:)", atLeast: 0) { logSumExp($0) },
    CoreLibrary.make("quantile(_:_:)") { a, _ in
      let values = sorted(try a.reals(0, atLeast: 1))
      let points = try a.reals(1)
      for point in points where !(point >= 0 && point <= 1) {
        throw Fault("R012", "a quantile needs a probability between 0 and 1", found: "\(point)")
      }
      let result = points.map { OrderStatistics.quantile(sorted: values, $0) }
      if case .realArray = a[1] { return .vector(result) }
      return .real(result[0])
    },
    CoreLibrary.make("min(_:)") { a, _ in try extreme(a) { $0 < $1 } },
    CoreLibrary.make("max(_:)") { a, _ in try extreme(a) { $0 > $1 } },
    CoreLibrary.make("argMin(_:)") { a, _ in .int(try extremePosition(a) { $0 < $1 }) },
    CoreLibrary.make("argMax(_:)") { a, _ in .int(try extremePosition(a) { $0 > $1 }) },
    CoreLibrary.make("cumulativeSum(_:)") { a, _ in
      if case .intArray(let array) = a[0] {
        var total = 0
        return .integers(
          try array.elements.map {
            total = try Operations.integer(.add, total, $0)
            return total
          })
      }
      var total = 0.0
      return .vector(
        try a.vector(0).map {
          total += $0
          return total
        })
    },
    CoreLibrary.make("differences(_:)") { a, _ in
      let x = try a.vector(0)
      return .vector(zip(x.dropFirst(), x).map { $0 - $1 })
    },
    CoreLibrary.make("center(_:)") { a, _ in
      let x = try a.reals(0)
      let middle = x.isEmpty ? 0 : mean(x)
      return .realArray(RealArray(shape: Operations.shape(of: a[0]) ?? [x.count], elements: x.map { $0 - middle }))
    },
    CoreLibrary.make("standardize(_:)") { a, _ in
      let x = try a.reals(0, atLeast: 2)
      let middle = mean(x)
      let scale = variance(x).squareRoot()
      guard scale > 0 else {
        throw Fault("R012", "`standardize` needs values that differ", found: "standard deviation \(scale)")
      }
      return .realArray(
        RealArray(shape: Operations.shape(of: a[0]) ?? [x.count], elements: x.map { ($0 - middle) / scale }))
    },
    CoreLibrary.make("covariance(_:_:)") { a, _ in
      let (x, y) = try pair(a)
      return .real(covariance(x, y))
    },
    CoreLibrary.make("correlation(_:_:)") { a, _ in
      let (x, y) = try pair(a)
      return .real(covariance(x, y) / (variance(x) * variance(y)).squareRoot())
    },
  ]

  private static func reduced(
    _ name: String, atLeast minimum: Int, _ body: @escaping @Sendable ([Double]) -> Double
  ) -> Intrinsic {
    CoreLibrary.make(name) { a, _ in .real(body(try a.reals(0, atLeast: minimum))) }
  }

  private static func pair(_ a: Arguments) throws -> ([Double], [Double]) {
    let x = try a.reals(0, atLeast: 2)
    let y = try a.reals(1, atLeast: 2)
    guard x.count == y.count else {
      throw Fault("R004", "`\(a.name)` needs equal lengths", expected: "\(x.count)", found: "\(y.count)")
    }
    return (x, y)
  }

  static func sum(_ x: [Int]) throws -> Int {
    try x.reduce(0) { total, next in
      let (result, didOverflow) = total.addingReportingOverflow(next)
      if didOverflow { throw Operations.overflow("+", total, next) }
      return result
    }
  }

  /// A sum over a fixed binary tree: its rounding error grows with log n, and no thread count can change it.
  static func sum(_ x: [Double]) -> Double {
    x.withUnsafeBufferPointer { tree($0, 0, $0.count) }
  }

  private static func tree(_ x: UnsafeBufferPointer<Double>, _ start: Int, _ end: Int) -> Double {
    if end - start <= 64 {
      var total = 0.0
      for index in start..<end { total += x[index] }
      return total
    }
    let middle = start + (end - start) / 2
    return tree(x, start, middle) + tree(x, middle, end)
  }

  static func mean(_ x: [Double]) -> Double { sum(x) / Double(x.count) }

  /// With denominator n − 1.
  static func variance(_ x: [Double]) -> Double {
    let middle = mean(x)
    return sum(x.map { ($0 - middle) * ($0 - middle) }) / Double(x.count - 1)
  }

  private static func covariance(_ x: [Double], _ y: [Double]) -> Double {
    let mx = mean(x)
    let my = mean(y)
    return sum(zip(x, y).map { ($0 - mx) * ($1 - my) }) / Double(x.count - 1)
  }

  static func sorted(_ x: [Double]) -> [Double] { x.sorted { $0 < $1 || ($1.isNaN && !$0.isNaN) } }

  static func logSumExp(_ x: [Double]) -> Double {
    guard let top = x.max() else { return -.infinity }
    if x.contains(where: \.isNaN) { return .nan }
    if top.isInfinite { return top }
    return top + log(sum(x.map { exp($0 - top) }))
  }

  private static func extremePosition(_ a: Arguments, _ better: (Double, Double) -> Bool) throws -> Int {
    let x = try a.reals(0, atLeast: 1)
    var best = 0
    for index in x.indices {
      if x[index].isNaN { return index }
      if better(x[index], x[best]) { best = index }
    }
    return best
  }

  private static func extreme(_ a: Arguments, _ better: (Double, Double) -> Bool) throws -> Value {
    if case .list(let elements) = a[0], case .string? = elements.first {
      let sorted = try Operations.elements(of: try ArrayLibrary.sorted(a[0]))
      return (better(0, 1) ? sorted.first : sorted.last) ?? .none
    }
    if case .intArray(let array) = a[0] {
      guard let first = array.elements.first else {
        throw Fault("R012", "`\(a.name)` needs at least 1 element", found: "an empty array")
      }
      let isSmallest = better(0, 1)
      return .int(array.elements.reduce(first) { isSmallest ? min($0, $1) : max($0, $1) })
    }
    return .real(try a.reals(0)[try extremePosition(a, better)])
  }
}
