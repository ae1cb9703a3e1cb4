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
}
