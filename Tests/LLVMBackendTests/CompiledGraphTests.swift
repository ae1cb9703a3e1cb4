import Foundation
import GraphSupport
import LLVMBackend
import Numerics
import TensorIR
import Testing

/// Compiled programs against the reference evaluator.
@Suite struct CompiledGraphTests {
  /// Value and gradient by any evaluator, with a check that nothing past the gradient is written.
  static func run(_ evaluator: any GradientEvaluator, at position: [Double]) -> (value: Double, gradient: [Double]) {
    let workspace = UnsafeMutableRawPointer.allocate(byteCount: evaluator.workspaceByteCount, alignment: 64)
    defer { workspace.deallocate() }
    workspace.initializeMemory(as: UInt8.self, repeating: 0xFF, count: evaluator.workspaceByteCount)
    let count = position.count
    let point = UnsafeMutablePointer<Double>.allocate(capacity: count + 1)
    let slopes = UnsafeMutablePointer<Double>.allocate(capacity: count + 16)
    defer {
      point.deallocate()
      slopes.deallocate()
    }
    point.initialize(from: position, count: count)
    slopes.initialize(repeating: 12345, count: count + 16)
    let value = evaluator.evaluate(position: point, gradient: slopes, workspace: workspace)
    for k in count..<(count + 16) { #expect(slopes[k] == 12345, "written past the gradient") }
    return (value, Array(UnsafeBufferPointer(start: slopes, count: count)))
  }

  static func isClose(_ a: Double, _ b: Double, scale: Double, tolerance: Double) -> Bool {
    (a.isNaN && b.isNaN) || a == b || abs(a - b) <= tolerance * max(1, scale)
  }

  static func compare(
    _ graph: Graph, at position: [Double], _ backend: LLVMBackend, tolerance: Double = 1e-10, _ what: String
  ) throws {
    let reference = run(try ReferenceBackend().gradientEvaluator(of: graph), at: position)
    let compiled = run(try backend.gradientEvaluator(of: graph), at: position)
    let scale = reference.gradient.reduce(abs(reference.value)) { max($0, $1.isFinite ? abs($1) : 0) }
    #expect(
      isClose(compiled.value, reference.value, scale: abs(reference.value), tolerance: tolerance),
      "\(what): value \(compiled.value), not \(reference.value)")
    for (index, (a, b)) in zip(compiled.gradient, reference.gradient).enumerated() {
      #expect(isClose(a, b, scale: scale, tolerance: tolerance), "\(what): slope \(index) is \(a), not \(b)")
    }
  }

  @Test("random graphs", arguments: 0..<40)
  func random(block: Int) throws {
    let backend = LLVMBackend(library: try LLVMLibrary.shared.get())
    for seed in 0..<50 {
      let sample = try RandomGraph(seed: UInt64(block * 50 + seed))
      try Self.compare(sample.graph, at: sample.position, backend, "seed \(block * 50 + seed)")
    }
  }

  @Test("random loops", arguments: 0..<30)
  func loops(block: Int) throws {
    Verifier.isEnabled = true
    let backend = LLVMBackend(library: try LLVMLibrary.shared.get())
    for seed in 0..<20 {
      let sample = try RandomLoop(seed: UInt64(block * 20 + seed))
      try Self.compare(sample.graph, at: sample.position, backend, "loop \(block * 20 + seed)")
    }
  }

  /// A regression with a matrix of data, at sizes around those of vectors and tiles.
  ///
  /// - Parameter form: 0 logistic, 1 normal with a scale, 2 with group intercepts, 3 with the predictor centered, 4 with
  ///   the scale at its best value, 5 two matrices and a vector that is not a parameter.
  static func regression(rows: Int, columns: Int, form: Int) throws -> (Graph, [Double]) {
    var source = RandomStream(key: RandomKey(seed: UInt64(rows * 1000 + columns * 10 + form)))
    let b = GraphBuilder()
    func data(_ extents: [Int]) -> NodeID {
      b.data(TensorData(extents: extents, elements: (0..<extents.reduce(1, *)).map { _ in source.nextNormal() }))
    }
    let x = data([rows, columns])
    let y = data([rows])
    let beta = b.parameter(offset: 0, shape: [Dimension(columns)])
    let scale = b.exp(b.parameter(offset: columns, shape: []))
    var predictor = b.add(b.parameter(offset: columns + 1, shape: []), b.matrixVector(x, beta))
    var count = columns + 2
    if form == 2 {
      let groups = b.data(
        TensorData(extents: [rows], elements: (0..<rows).map { _ in Double(source.nextBelow(5)) }), element: .integer)
      predictor = b.add(predictor, b.gather(b.parameter(offset: count, shape: [Dimension(5)]), [groups]))
      count += 5
    }
    if form == 5 {
      let z = data([rows, 3])
      let gamma = b.unary(.tanh, b.multiply(scale, b.parameter(offset: count, shape: [Dimension(3)])))
      predictor = b.add(predictor, b.multiply(scale, b.matrixVector(z, gamma)))
      count += 3
    }
    if form == 3 {
      let mean = b.divide(b.sumAll(predictor), b.constant(Double(rows)))
      predictor = b.subtract(predictor, mean)
    }
    let total: NodeID
    switch form {
    case 1, 2, 5:
      let z = b.divide(b.subtract(y, predictor), scale)
      total = b.sumAll(b.subtract(b.multiply(b.constant(-0.5), b.square(z)), b.log(scale)))
    case 4:
      let r = b.subtract(y, predictor)
      total = b.multiply(b.constant(-0.5 * Double(rows)), b.log(b.sumAll(b.square(r))))
    default: total = b.sumAll(b.unary(.logLogistic, b.multiply(b.binary(.less, b.constant(0), y), predictor)))
    }
    let prior = b.multiply(b.constant(-0.5), b.sumAll(b.square(beta)))
    let graph = try b.finish(outputs: [b.add(total, prior)])
    return (graph, (0..<count).map { _ in 0.5 * source.nextNormal() })
  }

  @Test("regressions of all sizes", arguments: [7, 8, 9, 39, 40, 41, 83, 200], 0..<6)
  func regressions(rows: Int, form: Int) throws {
    let backend = LLVMBackend(library: try LLVMLibrary.shared.get())
    for columns in [1, 2, 5, 8, 9, 25] {
      let (graph, position) = try Self.regression(rows: rows, columns: columns, form: form)
      try Self.compare(graph, at: position, backend, "\(rows) × \(columns), form \(form)")
    }
  }
}
