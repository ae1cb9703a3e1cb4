import AllocationCounter
import Distributions
import Foundation
import Inference
import Modeling
import Numerics
import TensorIR
import Testing

/// The hot path allocates nothing: counted by standing before the C library's allocator.
struct AllocationTests {
  private struct Target: LogDensity {
    let evaluator: any GradientEvaluator
    var dimension: Int { evaluator.dimension }
    var workspaceByteCount: Int { evaluator.workspaceByteCount }
    func evaluate(
      position: UnsafePointer<Double>, gradient: UnsafeMutablePointer<Double>, workspace: UnsafeMutableRawPointer
    ) -> Double {
      evaluator.evaluate(position: position, gradient: gradient, workspace: workspace)
    }
  }

  /// A varying-intercepts model with a scan beside it: gathers, scatters, special functions, loops.
  private func evaluator() throws -> any GradientEvaluator {
    let b = GraphBuilder()
    let groups = 8
    let rows = 40
    let mu = b.parameter(offset: 0, shape: [])
    let tau = b.exp(b.parameter(offset: 1, shape: []))
    let theta = b.parameter(offset: 2, shape: [Dimension(groups)])
    let index = b.data(
      TensorData(extents: [rows], elements: (0..<rows).map { Double($0 % groups) }), element: .integer)
    let y = b.data(TensorData(extents: [rows], elements: (0..<rows).map { Double(($0 * 7) % 11) - 5 }))
    let normal = try #require(DistributionLibrary.family(named: "Normal(_:_:)"))
    let student = try #require(DistributionLibrary.family(named: "StudentT(_:_:_:)"))
    let prior = normal.logDensity(theta, [mu, tau], b)
    let likelihood = student.logDensity(y, [b.constant(4), b.gather(theta, [index]), b.constant(2)], b)
    let inner = GraphBuilder()
    let carry = inner.input(0, element: .real, shape: [])
    let slice = inner.input(1, element: .real, shape: [])
    let captured = inner.input(2, element: .real, shape: [])
    let next = inner.unary(.tanh, inner.add(inner.multiply(carry, captured), slice))
    let body = ScanBody(
      graph: try inner.finish(outputs: [next, next]), carryCount: 1, slicedCount: 1, steps: rows, isReversed: false)
    let scanned = b.scan(body, carries: [mu], sliced: [y], captured: [tau])
    let total = b.sum([b.sumAll(prior), b.sumAll(likelihood), b.sumAll(scanned[1]), b.negate(b.square(mu))])
    return try ReferenceBackend().gradientEvaluator(of: try b.finish(outputs: [total]))
  }

  /// The hand-made graph, and every touchstone model as it is compiled for sampling.
  static let names = ["graph"] + TraceTests.sizes.map(\.file)

  private func target(_ name: String) throws -> any LogDensity {
    guard let item = TraceTests.sizes.first(where: { $0.file == name }) else {
      return Target(evaluator: try evaluator())
    }
    let bench = try ModelBench()
    try bench.run(try ModelBench.touchstone(name) + "\n" + item.text.replacingOccurrences(of: "SIZE", with: "10"))
    return try bench.compile("m").target
  }

  @Test(arguments: names) func gradientsAllocateNothing(_ name: String) throws {
    let target = try target(name)
    let workspace = UnsafeMutableRawPointer.allocate(byteCount: max(64, target.workspaceByteCount), alignment: 64)
    let position = UnsafeMutablePointer<Double>.allocate(capacity: target.dimension)
    let gradient = UnsafeMutablePointer<Double>.allocate(capacity: target.dimension)
    defer {
      workspace.deallocate()
      position.deallocate()
      gradient.deallocate()
    }
    for index in 0..<target.dimension { position[index] = 0.1 * Double(index % 7) }
    _ = target.evaluate(position: position, gradient: gradient, workspace: workspace)
    let control = allocation_count()
    let block = UnsafeMutableRawPointer.allocate(byteCount: 64, alignment: 8)
    #expect(allocation_count() > control, "the counter sees allocations")
    block.deallocate()
    var sum = 0.0
    let before = allocation_count()
    for _ in 0..<10_000 {
      sum += target.evaluate(position: position, gradient: gradient, workspace: workspace)
      position[0] += 1e-6
    }
    let made = allocation_count() - before
    #expect(sum.isFinite)
    #expect(made == 0)
  }

  @Test(arguments: ["graph", "crossed", "garch"]) func transitionsAllocateNothing(_ name: String) throws {
    let target = try target(name)
    let kernel = NUTSKernel(target: target, maxTreeDepth: 8)
    kernel.stepSize = 0.05
    kernel.move(to: Array(repeating: 0.1, count: target.dimension))
    let key = RandomKey(seed: 2)
    _ = kernel.step(key: key.child(0))
    let before = allocation_count()
    var leapfrogs = 0
    for iteration in 1..<300 { leapfrogs += kernel.step(key: key.child(UInt64(iteration))).leapfrogs }
    #expect(allocation_count() - before == 0)
    #expect(leapfrogs > 300)
  }
}
