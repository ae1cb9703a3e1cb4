import Foundation
import Numerics
import TensorIR
import Testing

/// One helper per boundary, so that a change of API touches one place.
enum Run {
  /// Outputs of a graph as it stands.
  static func plainly(_ graph: Graph, at position: [Double], stream: Program.Stream? = nil) -> [TensorData] {
    Program(graph).run(position: position, inputs: [], stream: stream)
  }

  /// The first output and its gradient through the hot path.
  static func gradient(_ graph: Graph, at position: [Double]) throws -> (value: Double, gradient: [Double]) {
    Verifier.isEnabled = true
    let evaluator = try ReferenceBackend().gradientEvaluator(of: graph)
    let workspace = UnsafeMutableRawPointer.allocate(byteCount: evaluator.workspaceByteCount, alignment: 64)
    defer { workspace.deallocate() }
    let point = UnsafeMutablePointer<Double>.allocate(capacity: position.count + 1)
    let slopes = UnsafeMutablePointer<Double>.allocate(capacity: position.count + 1)
    defer {
      point.deallocate()
      slopes.deallocate()
    }
    point.initialize(from: position, count: position.count)
    let value = evaluator.evaluate(position: point, gradient: slopes, workspace: workspace)
    return (value, Array(UnsafeBufferPointer(start: slopes, count: position.count)))
  }

  /// Central differences, extrapolated (Richardson), of the first output.
  static func differences(_ graph: Graph, at position: [Double], step: Double = 1e-3) -> [Double] {
    let program = Program(graph)
    func value(_ index: Int, _ shift: Double) -> Double {
      var point = position
      point[index] += shift
      return program.run(position: point, inputs: [])[0].elements[0]
    }
    return position.indices.map { index in
      func slope(_ h: Double) -> Double { (value(index, h) - value(index, -h)) / (2 * h) }
      return (64 * slope(step / 4) - 20 * slope(step / 2) + slope(step)) / 45
    }
  }

  /// Requires that the sweep's gradient is that of differences, and that the value is the plain run's.
  static func requireGradient(
    _ graph: Graph, at position: [Double], tolerance: Double = 1e-7, _ what: String,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let (value, gradient) = try Run.gradient(graph, at: position)
    let plain = plainly(graph, at: position)[0].elements[0]
    #expect(
      abs(value - plain) <= 1e-12 * max(1, abs(plain)), "\(what): \(value), not \(plain)",
      sourceLocation: sourceLocation)
    let wanted = differences(graph, at: position)
    let scale = wanted.reduce(1) { max($0, abs($1)) }
    for (index, (got, want)) in zip(gradient, wanted).enumerated() {
      #expect(
        abs(got - want) <= tolerance * scale, "\(what): slope \(index) is \(got), differences give \(want)",
        sourceLocation: sourceLocation)
    }
    #expect(gradient.count == position.count)
  }

  /// A graph of one real scalar: the sum of a node times fixed weights, so that no slope hides behind symmetry.
  static func weighted(_ b: GraphBuilder, _ node: NodeID) throws -> Graph {
    let shape = b.shape(node)
    var source = RandomStream(key: RandomKey(seed: 77))
    let weights = (0..<shape.elementCount).map { _ in 0.5 + source.nextUniform() }
    let weight = b.data(TensorData(extents: shape.extents, elements: weights))
    let real = b.unary(.toReal, node)
    return try b.finish(outputs: [b.sumAll(b.multiply(real, weight))])
  }

  static func normals(_ count: Int, seed: UInt64) -> [Double] {
    var source = RandomStream(key: RandomKey(seed: seed))
    return (0..<count).map { _ in source.nextNormal() }
  }

  static func shape(_ extents: Int...) -> Shape { Shape(extents: extents) }

  static func numbers(_ b: GraphBuilder, _ extents: [Int], _ values: [Int]) -> NodeID {
    b.data(TensorData(extents: extents, elements: values.map(Double.init)), element: .integer)
  }
}
