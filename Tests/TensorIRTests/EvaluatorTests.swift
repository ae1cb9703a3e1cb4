import Foundation
import Numerics
import TensorIR
import Testing

/// The reference evaluator: memory, threads, random numbers, blame.
@Suite struct EvaluatorTests {
  /// A logistic regression of N rows and K columns.
  private func logistic(rows: Int, columns: Int) throws -> (graph: Graph, x: [Double], y: [Double]) {
    let x = Run.normals(rows * columns, seed: 1)
    let y = Run.normals(rows, seed: 2).map { $0 > 0 ? 1.0 : 0 }
    let b = GraphBuilder()
    let beta = b.parameter(offset: 0, shape: Run.shape(columns))
    let matrix = b.data(TensorData(extents: [rows, columns], elements: x))
    let eta = b.matrixVector(matrix, beta)
    let sign = b.data(TensorData(extents: [rows], elements: y.map { 1 - 2 * $0 }))
    let likelihood = b.negate(b.sumAll(b.unary(.softplus, b.multiply(sign, eta))))
    let prior = b.multiply(b.constant(-0.5), b.sumAll(b.square(beta)))
    return (try b.finish(outputs: [b.add(likelihood, prior)]), x, y)
  }

  @Test func logisticRegressionAgreesWithLoopsByHand() throws {
    let (rows, columns) = (203, 7)
    let (graph, x, y) = try logistic(rows: rows, columns: columns)
    let beta = Run.normals(columns, seed: 3)
    let (value, gradient) = try Run.gradient(graph, at: beta)
    var want = 0.0
    var slopes = Array(repeating: 0.0, count: columns)
    for row in 0..<rows {
      let eta = (0..<columns).reduce(0.0) { $0 + x[row * columns + $1] * beta[$1] }
      want += y[row] * eta - log1p(exp(-abs(eta))) - max(eta, 0)
      for k in 0..<columns { slopes[k] += (y[row] - 1 / (1 + exp(-eta))) * x[row * columns + k] }
    }
    for k in 0..<columns {
      want -= 0.5 * beta[k] * beta[k]
      slopes[k] -= beta[k]
    }
    #expect(abs(value - want) < 1e-11 * abs(want))
    for (a, b) in zip(gradient, slopes) { #expect(abs(a - b) < 1e-11) }
  }

  /// Buffers whose values are done are used again: a chain of maps needs a few, not one each.
  @Test func memoryIsReused() throws {
    let b = GraphBuilder()
    var x = b.parameter(offset: 0, shape: Run.shape(1000))
    for _ in 0..<50 { x = b.unary(.tanh, b.add(b.unary(.sin, x), b.constant(0.1))) }
    let graph = try b.finish(outputs: [b.sumAll(x)])
    #expect(Program(graph).workspaceByteCount <= 3 * 8 * 1008 + 1024)
  }

  @Test func oneEvaluatorServesManyThreads() async throws {
    let (graph, _, _) = try logistic(rows: 64, columns: 5)
    let evaluator = try ReferenceBackend().gradientEvaluator(of: graph)
    let positions = (0..<16).map { Run.normals(5, seed: UInt64(100 + $0)) }
    let alone = try positions.map { try Run.gradient(graph, at: $0) }
    let together = await withTaskGroup(of: (Int, Double, [Double]).self) { group in
      for (index, position) in positions.enumerated() {
        group.addTask {
          let workspace = UnsafeMutableRawPointer.allocate(byteCount: evaluator.workspaceByteCount, alignment: 64)
          defer { workspace.deallocate() }
          var gradient = Array(repeating: 0.0, count: 5)
          var value = 0.0
          for _ in 0..<50 {
            value = position.withUnsafeBufferPointer { point in
              gradient.withUnsafeMutableBufferPointer { slopes in
                guard let from = point.baseAddress, let to = slopes.baseAddress else { return .nan }
                return evaluator.evaluate(position: from, gradient: to, workspace: workspace)
              }
            }
          }
          return (index, value, gradient)
        }
      }
      var results: [(Int, Double, [Double])] = []
      for await result in group { results.append(result) }
      return results.sorted { $0.0 < $1.0 }
    }
    for (one, other) in zip(alone, together) {
      #expect(one.value == other.1)
      #expect(one.gradient == other.2)
    }
  }

  @Test func indicesOutOfRangeGiveNaN() throws {
    let b = GraphBuilder()
    let x = b.parameter(offset: 0, shape: Run.shape(3))
    let result = b.gather(x, [Run.numbers(b, [4], [0, 3, -1, 2])])
    let got = Run.plainly(try b.finish(outputs: [result]), at: [1, 2, 3])[0].elements
    #expect(got[0] == 1)
    #expect(got[1].isNaN)
    #expect(got[2].isNaN)
    #expect(got[3] == 3)
  }

  // MARK: - Random numbers

  private func draws(
    _ kind: RandomKind, elements: [Double], label: UInt64 = 7, parameters: [Double] = [], seed: UInt64 = 1,
    draw: UInt64 = 0
  ) throws -> [Double] {
    let b = GraphBuilder()
    let numbers = b.data(TensorData(extents: [elements.count], elements: elements), element: .integer)
    let node = b.random(
      kind, StreamLabel(high: label, low: 1), elements: numbers, parameters: parameters.map { b.scalarData($0) })
    let stream = Program.Stream(key: RandomKey(seed: seed), draw: draw)
    return Run.plainly(try b.finish(outputs: [node]), at: [], stream: stream)[0].elements
  }

  private static let kinds: [(RandomKind, [Double])] = [
    (.uniform, []), (.normal, []), (.logGamma, [2.5]), (.poisson, [4]), (.binomial, [20, 0.3]),
  ]

  @Test func anElementsNumberDependsOnItsPlaceInTheStreamOnly() throws {
    for (kind, parameters) in EvaluatorTests.kinds {
      let forward = try draws(kind, elements: [0, 1, 2, 3, 4, 5], parameters: parameters)
      let backward = try draws(kind, elements: [5, 4, 3, 2, 1, 0], parameters: parameters)
      #expect(forward == backward.reversed(), "\(kind)")
      #expect(try draws(kind, elements: [3], parameters: parameters) == [forward[3]])
    }
    let base = try draws(.normal, elements: [0, 1, 2])
    #expect(try draws(.normal, elements: [0, 1, 2], label: 8) != base)
    #expect(try draws(.normal, elements: [0, 1, 2], seed: 2) != base)
    #expect(try draws(.normal, elements: [0, 1, 2], draw: 1) != base)
  }

  /// Numbers drawn in the steps of a loop are those drawn all at once.
  @Test func loopsDrawTheSameNumbers() throws {
    let inner = GraphBuilder()
    let number = inner.input(0, element: .integer, shape: [])
    let normal = inner.random(.normal, StreamLabel(high: 7, low: 1), elements: number)
    let body = ScanBody(
      graph: try inner.finish(outputs: [normal]), carryCount: 0, slicedCount: 1, steps: 5, isReversed: false)
    let b = GraphBuilder()
    let stack = b.scan(body, carries: [], sliced: [Run.numbers(b, [5], [0, 1, 2, 3, 4])], captured: [])[0]
    let stream = Program.Stream(key: RandomKey(seed: 1), draw: 0)
    let got = Run.plainly(try b.finish(outputs: [stack]), at: [], stream: stream)[0].elements
    #expect(got == (try draws(.normal, elements: [0, 1, 2, 3, 4])))
  }

  @Test func unlawfulParametersOfRandomNumbersGiveNaN() throws {
    #expect(try draws(.poisson, elements: [0], parameters: [-1])[0].isNaN)
    #expect(try draws(.binomial, elements: [0], parameters: [3, 1.5])[0].isNaN)
    #expect(try draws(.logGamma, elements: [0], parameters: [0])[0].isNaN)
  }

  // MARK: - Blame

  @Test func theFirstNodeThatLeavesTheFiniteNumbersIsNamed() throws {
    let b = GraphBuilder()
    let x = b.parameter(offset: 0, shape: Run.shape(3))
    b.origin = 4
    let shifted = b.subtract(x, b.constant(1))
    b.origin = 5
    let logs = b.log(shifted)
    b.origin = 6
    let total = b.sumAll(b.multiply(logs, b.constant(2)))
    let program = Program(try b.finish(outputs: [total]))
    let blame = try #require(program.blame(position: [3, 0.25, 2]))
    #expect(blame.origin == 5)
    #expect(blame.operation == "log")
    #expect(blame.element == 1)
    #expect(blame.operands == [-0.75])
    #expect(blame.result.isNaN)
    #expect(program.blame(position: [3, 2, 2]) == nil)
  }

  /// log 0 in the branch that is not taken is no fault; the division that follows is.
  @Test func harmlessInfinitiesAreNotBlamed() throws {
    let b = GraphBuilder()
    let x = b.parameter(offset: 0, shape: [])
    b.origin = 1
    let chosen = b.select(b.binary(.less, b.constant(0), x), b.log(x), x)
    b.origin = 2
    let program = Program(try b.finish(outputs: [b.divide(b.constant(1), chosen)]))
    #expect(try #require(program.blame(position: [0])).origin == 2)
    #expect(program.blame(position: [0.5]) == nil)
    #expect(program.blame(position: [-1]) == nil)
  }

  @Test func blameInsideALoop() throws {
    let inner = GraphBuilder()
    let state = inner.input(0, element: .real, shape: [])
    inner.origin = 12
    let next = inner.unary(.sqrt, inner.subtract(state, inner.constant(1)))
    let body = ScanBody(
      graph: try inner.finish(outputs: [next]), carryCount: 1, slicedCount: 0, steps: 4, isReversed: false)
    let b = GraphBuilder()
    let final = b.scan(body, carries: [b.parameter(offset: 0, shape: [])], sliced: [], captured: [])[0]
    let program = Program(try b.finish(outputs: [final]))
    let blame = try #require(program.blame(position: [5]))
    #expect(blame.origin == 12)
    #expect(blame.operation == "sqrt")
    #expect(program.blame(position: [1000]) == nil)
  }

  /// The value is finite, its slope is not: √x at 0.
  @Test func blameOfAGradient() throws {
    let b = GraphBuilder()
    let x = b.parameter(offset: 0, shape: [])
    b.origin = 9
    let root = b.unary(.sqrt, x)
    let graph = try b.finish(outputs: [root])
    let (whole, _) = try Differentiation.valueAndGradient(graph)
    #expect(Program(graph).blame(position: [0]) == nil)
    let blame = try #require(Program(whole).blame(position: [0]))
    #expect(blame.origin == 9)
    #expect(blame.operation == "divide")
  }
}
