import Foundation
import GraphSupport
import Numerics
import TensorIR
import Testing

/// Passes preserve values; digests follow meaning; the verifier sees broken graphs.
@Suite struct PassTests {
  static let seeds: [UInt64] = Array(1...60)

  @Test("optimized graph = original graph", arguments: seeds) func canonicalFormKeepsValues(_ seed: UInt64) throws {
    Verifier.isEnabled = true
    let random = try RandomGraph(seed: seed)
    let canonical = try Canonicalization.run(random.graph)
    #expect(canonical.nodes.count <= random.graph.nodes.count)
    #expect(Verifier.firstFault(in: random.graph) == nil)
    let want = Run.plainly(random.graph, at: random.position)[0].elements[0]
    let got = Run.plainly(canonical, at: random.position)[0].elements[0]
    #expect(abs(got - want) <= 1e-12 * max(1, abs(want)), "seed \(seed): \(got), not \(want)")
  }

  @Test("gradient = differences", arguments: seeds) func gradientsOfRandomGraphs(_ seed: UInt64) throws {
    let random = try RandomGraph(seed: seed)
    try Run.requireGradient(random.graph, at: random.position, tolerance: 1e-5, "seed \(seed)")
  }

  /// Construction order, dead nodes and node numbers must not reach the digest or a bit of the result.
  @Test("the order of construction does not matter", arguments: seeds) func digests(_ seed: UInt64) throws {
    let plain = try RandomGraph(seed: seed)
    let shuffled = try RandomGraph(seed: seed, shuffled: true)
    #expect(
      try Canonicalization.programDigest(plain.graph) == Canonicalization.programDigest(shuffled.graph), "seed \(seed)")
    let a = try Run.gradient(plain.graph, at: plain.position)
    let b = try Run.gradient(shuffled.graph, at: shuffled.position)
    #expect(a.value.bitPattern == b.value.bitPattern, "seed \(seed)")
    #expect(a.gradient.map(\.bitPattern) == b.gradient.map(\.bitPattern), "seed \(seed)")
    // Canonical form is a fixed point.
    let once = try Canonicalization.run(plain.graph)
    #expect(GraphPrinter.text(once) == GraphPrinter.text(try Canonicalization.run(once)))
  }

  private func regression(_ y: [Double], scale: Double = 2, prior: Double = 1) throws -> Graph {
    let b = GraphBuilder()
    let mean = b.parameter(offset: 0, shape: [])
    let data = b.data(TensorData(extents: [y.count], elements: y))
    let z = b.divide(b.subtract(data, mean), b.scalarData(scale))
    return try b.finish(outputs: [
      b.subtract(b.multiply(b.constant(-0.5), b.sumAll(b.square(z))), b.multiply(b.constant(prior), b.square(mean)))
    ])
  }

  @Test func programDigestCoversOperationsAndExtentsNotData() throws {
    let first = try regression([1, 2, 3])
    #expect(try Canonicalization.programDigest(first) == Canonicalization.programDigest(try regression([4, 5, 7])))
    #expect(try Canonicalization.programDigest(first) != Canonicalization.programDigest(try regression([1, 2])))
    #expect(
      try Canonicalization.programDigest(first) != Canonicalization.programDigest(try regression([1, 2, 3], prior: 3)))
  }

  /// Two data of one shape keep their places, whatever they hold.
  @Test func newDataKeepTheProgramWhereSeveralDataHaveOneShape() throws {
    func graph(_ seed: UInt64) throws -> Graph {
      let b = GraphBuilder()
      let slope = b.parameter(offset: 0, shape: [])
      let (x, y, w) = (Run.normals(4, seed: seed), Run.normals(4, seed: seed + 1), Run.normals(4, seed: seed + 2))
      func data(_ elements: [Double]) -> NodeID { b.data(TensorData(extents: [4], elements: elements)) }
      let fitted = b.add(data(w), b.multiply(slope, b.exp(b.multiply(slope, data(x)))))
      return try b.finish(outputs: [b.sumAll(b.square(b.subtract(data(y), fitted)))])
    }
    let digests = try (0..<20).map { try Canonicalization.programDigest(try graph(UInt64($0 * 10))) }
    #expect(digests.allSatisfy { $0 == digests[0] })
  }

  /// A loop of two recurrences whose statements may stand in either order.
  private func loop(swapped: Bool, dataSeed: UInt64 = 1) throws -> Graph {
    let inner = GraphBuilder()
    // Numbers of carries, slices, captured and stacks follow the order of statements.
    func slot(_ first: Int) -> Int { swapped ? 1 - first : first }
    let level = inner.input(slot(0), element: .real, shape: [])
    let trend = inner.input(slot(1), element: .real, shape: [])
    let u = inner.input(2 + slot(0), element: .real, shape: [])
    let v = inner.input(2 + slot(1), element: .real, shape: [])
    let a = inner.input(4 + slot(0), element: .real, shape: [])
    let c = inner.input(4 + slot(1), element: .real, shape: [])
    func nextLevel() -> NodeID { inner.add(inner.multiply(a, level), inner.add(u, trend)) }
    func nextTrend() -> NodeID { inner.add(inner.unary(.tanh, inner.multiply(c, trend)), v) }
    let (first, second) = swapped ? (nextTrend(), nextLevel()) : (nextLevel(), nextTrend())
    let body = ScanBody(
      graph: try inner.finish(outputs: [first, second, inner.exp(first), inner.exp(second)]), carryCount: 2,
      slicedCount: 2, steps: 3, isReversed: false)
    let b = GraphBuilder()
    func ordered(_ pair: [NodeID]) -> [NodeID] { swapped ? pair.reversed() : pair }
    func data(_ seed: UInt64) -> NodeID { b.data(TensorData(extents: [3], elements: Run.normals(3, seed: seed))) }
    let results = b.scan(
      body, carries: ordered([b.constant(0), b.constant(0)]), sliced: ordered([data(dataSeed), data(dataSeed + 1)]),
      captured: ordered([b.parameter(offset: 0, shape: []), b.parameter(offset: 1, shape: [])]))
    let levels = swapped ? results[3] : results[2]
    let trends = swapped ? results[2] : results[3]
    return try b.finish(outputs: [b.add(b.sumAll(levels), b.sumAll(b.square(trends)))])
  }

  @Test func statementsOfALoopMayStandInAnyOrder() throws {
    let (plain, swapped) = (try loop(swapped: false), try loop(swapped: true))
    #expect(try Canonicalization.programDigest(plain) == Canonicalization.programDigest(swapped))
    #expect(
      GraphPrinter.text(try Canonicalization.run(plain)) == GraphPrinter.text(try Canonicalization.run(swapped)))
    let position = [0.7, -0.4]
    let want = Run.plainly(plain, at: position)[0].elements[0]
    #expect(abs(Run.plainly(try Canonicalization.run(swapped), at: position)[0].elements[0] - want) < 1e-13)
    let (a, b) = (try Run.gradient(plain, at: position), try Run.gradient(swapped, at: position))
    #expect(a.value.bitPattern == b.value.bitPattern)
    #expect(a.gradient == b.gradient)
    try Run.requireGradient(plain, at: position, "two recurrences")
    let digests = try (0..<10).map { try Canonicalization.programDigest(try loop(swapped: false, dataSeed: 10 * $0)) }
    #expect(digests.allSatisfy { $0 == digests[0] })
  }

  @Test func resultDigestCoversEverythingThatAResultDependsOn() throws {
    func digest(
      _ graph: Graph, names: [String] = ["mu"], settings: [String] = ["draws 10"], seed: UInt64 = 1,
      numericClass: String = "reference"
    ) throws -> Digest {
      let canonical = try Canonicalization.run(graph)
      return ResultDigest.make(
        program: try Canonicalization.programDigest(graph), siteNames: names, graph: canonical, settings: settings,
        stream: RandomKey(seed: seed), numericClass: numericClass)
    }
    let graph = try regression([1, 2, 3])
    let base = try digest(graph)
    #expect(try digest(try regression([1, 2, 3])) == base)
    #expect(try digest(try regression([1, 2, 4])) != base)
    #expect(try digest(graph, names: ["m", "u"]) != base)
    #expect(try digest(graph, settings: ["draws", "10"]) != base)
    #expect(try digest(graph, seed: 2) != base)
    #expect(try digest(graph, numericClass: "compiled") != base)
  }

  @Test func contentDigestsCoverWhichNodeHasWhichData() throws {
    func graph(_ first: [Double], _ second: [Double], takesFirst: Bool = true) throws -> Graph {
      let b = GraphBuilder()
      let (x, y) = (
        b.data(TensorData(extents: [2], elements: first)), b.data(TensorData(extents: [2], elements: second))
      )
      let position = b.parameter(offset: 0, shape: [Dimension(2)])
      let difference = takesFirst ? b.subtract(x, y) : b.subtract(y, x)
      return try b.finish(outputs: [b.sumAll(b.multiply(position, b.exp(b.multiply(difference, position))))])
    }
    let base = try graph([1, 2], [3, 4]).contentDigest()
    #expect(try graph([1, 2], [3, 4]).contentDigest() == base)
    #expect(try graph([1, 2], [3, 5]).contentDigest() != base)
    #expect(try graph([3, 4], [1, 2]).contentDigest() != base)
    #expect(try graph([3, 4], [1, 2], takesFirst: false).contentDigest() != base)
  }

  @Test func theNumericClassNamesEvaluatorAndLibrary() {
    let name = ReferenceBackend().numericClass
    #expect(name.hasPrefix("reference \(ReferenceBackend.epoch); "))
    #expect(name.hasSuffix(NumericClass.platform))
    #expect(name.contains("glibc 2."))
  }

  @Test func termsOfDataAloneLeaveTheGraph() throws {
    let b = GraphBuilder()
    let data = b.data(TensorData(extents: [3], elements: [1, 2, 3]))
    let total = b.sumAll(b.exp(b.gather(data, [Run.numbers(b, [2], [0, 2])])))
    let contents = try #require(b.contents(of: total))
    #expect(abs(contents.elements[0] - (exp(1) + exp(3))) < 1e-13)
  }

  @Test func equalNodesAreShared() throws {
    let b = GraphBuilder()
    let x = b.parameter(offset: 0, shape: [Dimension(2)])
    #expect(b.add(x, b.exp(x)) == b.add(b.exp(x), x))
    #expect(b.log(b.exp(x)) == x)
    #expect(b.negate(b.negate(x)) == x)
    #expect(b.multiply(b.constant(1), x) == x)
    #expect(b.multiply(x, x) == b.square(x))
    let before = b.nodes.count
    _ = b.add(x, b.exp(x))
    #expect(b.nodes.count == before)
  }

  /// N · x in place of a sum over a repeated scalar: the graph does not grow with N.
  @Test func sumsOfRepeatedValuesAreProducts() throws {
    let b = GraphBuilder()
    let x = b.parameter(offset: 0, shape: [Dimension(2)])
    let wide = b.broadcast(x, to: Run.shape(1000, 2), mapping: [1])
    let graph = try b.finish(outputs: [b.sumAll(b.reduce(.sum, wide, axes: [0]))])
    #expect(Program(try Canonicalization.run(graph)).workspaceByteCount < 1000)
    let (value, gradient) = try Run.gradient(graph, at: [0.5, 2])
    #expect(value == 2500)
    #expect(gradient == [1000, 1000])
  }

  @Test func brokenShapeRulesAreReported() {
    let builds: [(GraphBuilder) -> NodeID] = [
      { $0.add($0.parameter(offset: 0, shape: Run.shape(2)), $0.parameter(offset: 2, shape: Run.shape(3))) },
      { $0.reshape($0.parameter(offset: 0, shape: Run.shape(2)), to: Run.shape(3)) },
      { $0.slice($0.parameter(offset: 0, shape: Run.shape(2)), axis: 0, start: 1, count: 2) },
      { $0.slice($0.parameter(offset: 0, shape: Run.shape(2)), axis: 3, start: 0, count: 1) },
      { $0.broadcast($0.parameter(offset: 0, shape: Run.shape(2)), to: Run.shape(3), mapping: [0]) },
      { $0.broadcast($0.parameter(offset: 0, shape: Run.shape(2)), to: Run.shape(2), mapping: [1]) },
      { $0.permute($0.parameter(offset: 0, shape: Run.shape(2, 2)), order: [0, 0]) },
      { $0.concatenate([], axis: 0) },
      { $0.concatenate([$0.parameter(offset: 0, shape: Run.shape(2)), $0.parameter(offset: 2, shape: [])], axis: 0) },
      { $0.reduce(.sum, $0.parameter(offset: 0, shape: Run.shape(2)), axes: [1]) },
      { $0.gather($0.parameter(offset: 0, shape: []), [Run.numbers($0, [1], [0])]) },
      {
        $0.matrixProduct(
          $0.parameter(offset: 0, shape: Run.shape(2, 2)), $0.parameter(offset: 4, shape: Run.shape(3, 1)))
      },
      {
        $0.triangularSolve(
          $0.parameter(offset: 0, shape: Run.shape(2, 2)), $0.parameter(offset: 4, shape: Run.shape(2)))
      },
      { $0.cholesky($0.parameter(offset: 0, shape: Run.shape(2, 3))) },
      { $0.cholesky($0.parameter(offset: 0, shape: [])) },
      { $0.lowerTriangle($0.parameter(offset: 0, shape: Run.shape(2))) },
      { $0.diagonalPart($0.parameter(offset: 0, shape: Run.shape(2, 3))) },
      {
        $0.scatterAdd(
          $0.parameter(offset: 0, shape: Run.shape(2)), [Run.numbers($0, [3], [0, 0, 0])], into: Run.shape(2))
      },
    ]
    for (index, build) in builds.enumerated() {
      let b = GraphBuilder()
      let node = build(b)
      #expect(throws: GraphError.self, "rule \(index)") { try b.finish(outputs: [node]) }
    }
  }

  @Test func theVerifierSeesBrokenGraphs() throws {
    let good = try regression([1, 2, 3])
    #expect(Verifier.firstFault(in: good) == nil)
    var forward = good
    forward.nodes[1].operands = [NodeID(Int32(good.nodes.count - 1))]
    #expect(Verifier.firstFault(in: forward) != nil)
    var misshapen = good
    for index in misshapen.nodes.indices where !misshapen.nodes[index].shape.isEmpty {
      misshapen.nodes[index].shape[0].extent += 1
      #expect(Verifier.firstFault(in: misshapen) != nil)
      misshapen = good
    }
    var lost = good
    lost.outputs = [NodeID(99)]
    #expect(Verifier.firstFault(in: lost) != nil)
    var short = good
    short.parameterCount = 0
    #expect(Verifier.firstFault(in: short) != nil)
  }

  @Test func printedGraphsAreStable() throws {
    let b = GraphBuilder()
    let x = b.parameter(offset: 0, shape: [Dimension(3, tag: 2)])
    let graph = try b.finish(outputs: [b.sumAll(b.exp(x))])
    #expect(
      GraphPrinter.text(graph) == """
        %0 = parameter[0]() : [3@2]
        %1 = exp(%0) : [3@2]
        %2 = sum[0](%1) : []
        return %2
        """)
  }
}
