import Distributions
import Foundation
import Numerics
import TensorIR
import Testing

/// Bijectors against the reference vectors, and the laws every one keeps.
@Suite struct BijectorTests {
  struct Case: CustomTestStringConvertible {
    var name: String
    /// Bounds, in the order that `make` takes them.
    var bounds: [String]
    var make: @Sendable ([NodeID]) -> any Bijector
    var testDescription: String { name }
  }

  static let cases: [Case] = [
    Case(name: "positive_exp", bounds: []) { _ in PositiveBijector() },
    Case(name: "unit_interval_logit", bounds: []) { _ in UnitIntervalBijector() },
    Case(name: "interval_logit", bounds: ["low", "high"]) { IntervalBijector(low: $0[0], high: $0[1]) },
    Case(name: "lower", bounds: ["low"]) { LowerBijector(bound: $0[0]) },
    Case(name: "upper", bounds: ["high"]) { UpperBijector(bound: $0[0]) },
    Case(name: "offset_multiplier", bounds: ["offset", "multiplier"]) {
      AffineBijector(offset: $0[0], multiplier: $0[1])
    },
    Case(name: "simplex_stick_breaking", bounds: []) { _ in SimplexBijector() },
    Case(name: "ordered", bounds: []) { _ in OrderedBijector() },
  ]

  /// Both ways through graphs that read the vector from the position. Counts say how much was compared.
  @Test func referenceVectors() throws {
    let file = try Conformance.load("transforms.json")
    var (count, forward, inverse) = (0, 0, 0)
    for test in BijectorTests.cases {
      let entry = try #require(file["transforms"]?.list.first { $0["name"]?.text == test.name })
      for item in entry["cases"]?.list ?? [] {
        let y = try #require(item["y"])
        let x = try #require(item["x"])
        func run(_ vector: Entry, _ build: (any Bijector, NodeID, GraphBuilder) -> [NodeID]) throws -> [[Double]] {
          let b = GraphBuilder()
          let bounds = try test.bounds.map { b.scalarData(try #require(item["params"]?[$0]?.number)) }
          let point = b.parameter(offset: 0, shape: Shape(extents: vector.extents))
          let graph = try b.finish(outputs: build(test.make(bounds), point, b))
          return Program(graph).run(position: vector.flat, inputs: []).map(\.elements)
        }
        let ahead = try run(y) { [$0.forward($1, $2), $2.sumAll($0.logDeterminant($1, $2))] }
        try #require(ahead[0].count == x.flat.count)
        for (got, want) in zip(ahead[0], x.flat) {
          forward += 1
          #expect(Conformance.agrees(got, want, rel: 1e-13, abs: 0), "\(test.name) \(item): x \(got)")
        }
        let logDeterminant = try #require(item["logdet"]?.number)
        #expect(
          Conformance.agrees(ahead[1][0], logDeterminant, rel: 1e-12, abs: 1e-12), "\(test.name) \(item): \(ahead[1])")
        count += 1
        // Without it the value has saturated, and there is no way back.
        guard let wanted = item["y_from_x"]?.flat else { continue }
        let back = try run(x) { [$0.inverse($1, $2)] }[0]
        try #require(back.count == wanted.count)
        let rounding = item["inverse_error_due_to_rounding"]?.number ?? 0
        for (got, want) in zip(back, wanted) {
          inverse += 1
          let allowed = max(1e-11, 100 * rounding)
          #expect(
            Conformance.agrees(got, want, rel: 1e-11, abs: allowed), "\(test.name) \(item): y \(got), not \(want)")
        }
      }
    }
    #expect(count == 70)
    #expect(forward == 120)
    #expect(inverse == 109)
  }

  private static let supports: [(String, [Int], @Sendable (GraphBuilder) -> any Bijector)] = [
    ("identity", [3], { _ in IdentityBijector() }), ("positive", [3], { _ in PositiveBijector() }),
    ("unit interval", [2, 3], { _ in UnitIntervalBijector() }),
    ("interval", [3], { IntervalBijector(low: $0.scalarData(-1.5), high: $0.scalarData(4)) }),
    ("lower", [3], { LowerBijector(bound: $0.scalarData(2)) }),
    ("upper", [3], { UpperBijector(bound: $0.scalarData(2)) }),
    ("affine", [3], { AffineBijector(offset: $0.scalarData(2), multiplier: $0.scalarData(0.3)) }),
    ("simplex", [4], { _ in SimplexBijector() }), ("simplex by rows", [2, 3], { _ in SimplexBijector() }),
    ("ordered", [4], { _ in OrderedBijector() }), ("ordered by rows", [3, 2], { _ in OrderedBijector() }),
    ("one category", [1], { _ in SimplexBijector() }), ("ordered of one", [1], { _ in OrderedBijector() }),
    ("no rows", [0, 3], { _ in SimplexBijector() }), ("ordered of none", [0], { _ in OrderedBijector() }),
  ]

  @Test("inverse(forward(y)) is y", arguments: supports.indices) func inverse(_ index: Int) throws {
    let (name, extents, make) = BijectorTests.supports[index]
    let b = GraphBuilder()
    let bijector = make(b)
    let free = bijector.unconstrainedExtents(extents)
    var source = RandomStream(key: RandomKey(seed: 11))
    let y = (0..<Shape(extents: free).elementCount).map { _ in 2 * source.nextNormal() }
    let node = b.data(TensorData(extents: free, elements: y))
    let forward = bijector.forward(node, b)
    #expect(b.shape(forward).extents == extents, "\(name)")
    let back = try #require(b.contents(of: bijector.inverse(forward, b)))
    #expect(b.failure == nil)
    for (got, want) in zip(back.elements, y) { #expect(abs(got - want) < 1e-10 * max(1, abs(want)), "\(name)") }
    let determinant = b.shape(bijector.logDeterminant(node, b)).extents
    #expect(determinant == Array(extents.dropLast(bijector.eventRank)))
  }

  /// The Jacobian of the coordinates that are free (the first K − 1 of a simplex), by central differences.
  @Test("the log determinant is that of the numerical Jacobian", arguments: supports.indices)
  func determinant(_ index: Int) throws {
    let (name, extents, make) = BijectorTests.supports[index]
    guard extents.count == 1, extents[0] > 0 else { return }
    let free = make(GraphBuilder()).unconstrainedExtents(extents)[0]
    func run(_ y: [Double]) throws -> (x: [Double], logDeterminant: Double) {
      let b = GraphBuilder()
      let bijector = make(b)
      let node = b.data(TensorData(extents: [free], elements: y))
      let x = try #require(b.contents(of: bijector.forward(node, b)))
      let determinant = try #require(b.contents(of: b.sumAll(bijector.logDeterminant(node, b))))
      return (x.elements, determinant.elements[0])
    }
    var source = RandomStream(key: RandomKey(seed: 5))
    let y = (0..<free).map { _ in source.nextNormal() }
    var jacobian = Array(repeating: 0.0, count: free * free)
    let step = 1e-5
    for column in 0..<free {
      var (up, down) = (y, y)
      up[column] += step
      down[column] -= step
      let (high, low) = (try run(up).x, try run(down).x)
      for row in 0..<free { jacobian[row * free + column] = (high[row] - low[row]) / (2 * step) }
    }
    // All of these Jacobians are lower triangular.
    let numerical = (0..<free).reduce(0.0) { $0 + log(abs(jacobian[$1 * free + $1])) }
    let got = try run(y).logDeterminant
    #expect(abs(numerical - got) < 1e-7, "\(name)")
  }
}
