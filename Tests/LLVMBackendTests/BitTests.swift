import Foundation
import GraphSupport
import LLVMBackend
import Numerics
import TensorIR
import Testing

/// Neither LLVM's version nor its effort, neither the width of the processor's vectors nor the number of threads changes
/// a bit of a result.
@Suite struct BitTests {
  private static func samples() throws -> [(Graph, [Double])] {
    var result: [(Graph, [Double])] = []
    for seed in 0..<6 {
      let graph = try RandomGraph(seed: UInt64(1000 + seed))
      result.append((graph.graph, graph.position))
      let loop = try RandomLoop(seed: UInt64(1000 + seed))
      result.append((loop.graph, loop.position))
    }
    for form in 0..<6 { result.append(try CompiledGraphTests.regression(rows: 83, columns: 9 - form, form: form)) }
    result.append(try CompiledGraphTests.regression(rows: 83, columns: 25, form: 3))
    return result
  }

  private static func bits(_ graph: Graph, _ position: [Double], _ backend: LLVMBackend) throws -> [UInt64] {
    let (value, gradient) = CompiledGraphTests.run(try backend.gradientEvaluator(of: graph), at: position)
    // A NaN is a NaN, whatever its payload.
    return ([value] + gradient).map { $0.isNaN ? Double.nan.bitPattern : $0.bitPattern }
  }

  static let targets: [CodeTarget] = {
    var targets = ["", CodeTarget.usualPasses, "default<O1>", "default<O2>", "default<O3>"].map {
      CodeTarget(passes: $0)
    }
    targets += [1, 3].map { CodeTarget(level: $0) }
    #if arch(x86_64)
      targets.append(CodeTarget(cpu: "x86-64-v3"))
      targets.append(CodeTarget(cpu: "x86-64-v3", features: "", passes: "default<O3>", level: 2))
    #endif
    return targets
  }()

  @Test("effort and vectors", arguments: targets)
  func effort(_ target: CodeTarget) throws {
    for (graph, position) in try Self.samples() {
      let usual = try Self.bits(graph, position, LLVMBackend())
      #expect(try Self.bits(graph, position, LLVMBackend(target: target)) == usual)
    }
  }

  @Test("versions of LLVM that are here") func versions() throws {
    var versions: Set<Int> = []
    for name in LLVMLibrary.names {
      guard let library = try? LLVMLibrary(name: name), versions.insert(library.version.major).inserted else {
        continue
      }
      for (graph, position) in try Self.samples() {
        #expect(
          try Self.bits(graph, position, LLVMBackend(library: library)) == Self.bits(graph, position, LLVMBackend()),
          "LLVM \(library.version)")
      }
    }
    #expect(!versions.isEmpty)
  }

  @Test("threads that share code") func threads() throws {
    let (graph, position) = try CompiledGraphTests.regression(rows: 200, columns: 25, form: 3)
    let evaluator = try LLVMBackend().gradientEvaluator(of: graph)
    let alone = CompiledGraphTests.run(evaluator, at: position)
    nonisolated(unsafe) var results: [(value: Double, gradient: [Double])?] = Array(repeating: nil, count: 8)
    DispatchQueue.concurrentPerform(iterations: 8) { thread in
      var last: (value: Double, gradient: [Double])?
      for _ in 0..<50 { last = CompiledGraphTests.run(evaluator, at: position) }
      results[thread] = last
    }
    for result in results {
      #expect(result?.value == alone.value)
      #expect(result?.gradient == alone.gradient)
    }
  }
}

/// What goes wrong around compiled code.
@Suite struct CompilationFaultTests {
  private final class Memory: ObjectStore, @unchecked Sendable {
    var objects: [Digest: [UInt8]] = [:]
    var made = 0
    func object(for key: Digest) -> [UInt8]? { objects[key] }
    func keep(_ object: [UInt8], for key: Digest) {
      objects[key] = object
      made += 1
    }
    func discard(_ key: Digest) { objects[key] = nil }
  }

  @Test("objects are kept by all that decides them, and damaged ones are made anew") func objects() throws {
    let store = Memory()
    let (graph, position) = try CompiledGraphTests.regression(rows: 40, columns: 5, form: 0)
    func run(_ target: CodeTarget = CodeTarget()) throws -> Double {
      CompiledGraphTests.run(
        try LLVMBackend(target: target, store: store).gradientEvaluator(of: graph), at: position
      ).value
    }
    let first = try run()
    #expect(try run() == first)
    #expect(store.made == 1)
    #expect(try run(CodeTarget(passes: "default<O2>")) == first)
    #expect(store.made == 2)
    for key in store.objects.keys {
      store.objects[key] = Array(store.objects[key]?.prefix(100) ?? [])
    }
    #expect(try run() == first)
    #expect(store.made == 3)
    for key in store.objects.keys { store.objects[key] = Array("nothing of the kind".utf8) }
    #expect(try run() == first)
  }

  @Test("new data of the same extents need no new code") func newData() throws {
    let store = Memory()
    for seed in 0..<3 {
      let b = GraphBuilder()
      var source = RandomStream(key: RandomKey(seed: UInt64(seed)))
      let y = b.data(TensorData(extents: [50], elements: (0..<50).map { _ in source.nextNormal() }))
      let groups = b.data(
        TensorData(extents: [50], elements: (0..<50).map { _ in Double(source.nextBelow(7)) }), element: .integer)
      let mean = b.gather(b.parameter(offset: 0, shape: [Dimension(7)]), [groups])
      let graph = try b.finish(outputs: [b.negate(b.sumAll(b.square(b.subtract(y, mean))))])
      let position = (0..<7).map { 0.1 * Double($0) }
      let compiled = CompiledGraphTests.run(try LLVMBackend(store: store).gradientEvaluator(of: graph), at: position)
      let reference = CompiledGraphTests.run(try ReferenceBackend().gradientEvaluator(of: graph), at: position)
      #expect(abs(compiled.value - reference.value) < 1e-10)
    }
    #expect(store.made == 1)
  }

  @Test("a library that is none, and code that is none, say so") func faults() {
    #expect(throws: CompilationError.self) { try LLVMLibrary(name: "libc.so.6") }
    #expect(throws: CompilationError.self) { try LLVMLibrary(name: "no-such-library.so") }
    #expect(throws: CompilationError.self) {
      try LLVMLibrary.shared.get().compile("define double @f( {", for: CodeTarget())
    }
    #expect(throws: CompilationError.self) {
      try LLVMLibrary.shared.get().compile("define void @f() { ret void }", for: CodeTarget(passes: "no-such-pass"))
    }
    #expect(throws: CompilationError.self) { try LLVMLibrary.shared.get().link([1, 2, 3]) }
  }

  @Test("a factorization of more than a block has the gradient of the loops", arguments: [9, 32, 33, 64, 100])
  func factorization(n: Int) throws {
    let b = GraphBuilder()
    let x = (0..<n).map { Double($0) / 10 }
    var squares: [Double] = []
    for i in 0..<n { for j in 0..<n { squares.append((x[i] - x[j]) * (x[i] - x[j])) } }
    let distance = b.data(TensorData(extents: [n, n], elements: squares))
    let scale = b.exp(b.parameter(offset: 0, shape: []))
    let noise = b.exp(b.parameter(offset: 1, shape: []))
    let kernel = b.exp(b.multiply(b.negate(scale), distance))
    let diagonal = b.diagonalMatrix(b.broadcast(noise, to: [Dimension(n)], mapping: []))
    let factor = b.cholesky(b.add(kernel, diagonal))
    let y = b.data(TensorData(extents: [n, 1], elements: x.map { sin($0) }))
    let z = b.triangularSolve(factor, y)
    let density = b.subtract(
      b.multiply(b.constant(-0.5), b.sumAll(b.square(z))), b.sumAll(b.log(b.diagonalPart(factor))))
    let graph = try b.finish(outputs: [density])
    let difference = try CompiledGraphTests.difference(graph, at: [0.3, -1.2], LLVMBackend(), tolerance: 1e-9)
    #expect(difference == nil, "\(n)")
  }

  @Test("a matrix that is not positive definite gives no number, and does not stop") func notPositive() throws {
    let b = GraphBuilder()
    let n = 40
    let matrix = b.broadcast(b.parameter(offset: 0, shape: []), to: [Dimension(n), Dimension(n)], mapping: [])
    let graph = try b.finish(outputs: [b.sumAll(b.cholesky(matrix))])
    let result = CompiledGraphTests.run(try LLVMBackend().gradientEvaluator(of: graph), at: [-1])
    #expect(result.value.isNaN)
  }
}
