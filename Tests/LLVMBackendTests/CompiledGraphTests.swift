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

  static func isClose(_ a: Double, _ b: Double, scale: Double, tolerance: Double = 1e-10) -> Bool {
    (a.isNaN && b.isNaN) || a == b || abs(a - b) <= tolerance * max(1, scale)
  }

  /// In what a compiled graph differs from the reference evaluator and, along some directions, from differences of values
  /// in double-double arithmetic; nil where in nothing.
  static func difference(
    _ graph: Graph, at position: [Double], _ backend: LLVMBackend, along directions: [[Double]] = [],
    tolerance: Double = 1e-10
  ) throws -> String? {
    let compiled = run(try backend.gradientEvaluator(of: graph), at: position)
    let reference = run(try ReferenceBackend().gradientEvaluator(of: graph), at: position)
    let scale = reference.gradient.reduce(abs(reference.value)) { max($0, $1.isFinite ? abs($1) : 0) }
    if !isClose(compiled.value, reference.value, scale: abs(reference.value), tolerance: tolerance) {
      return "value \(compiled.value), not \(reference.value)"
    }
    for (index, (a, b)) in zip(compiled.gradient, reference.gradient).enumerated()
    where !isClose(a, b, scale: scale, tolerance: tolerance) {
      return "slope \(index) is \(a), not \(b)"
    }
    guard !directions.isEmpty else { return nil }
    let extended = ExtendedEvaluator(graph)
    let exact = extended.run(position: position.map { DoubleDouble($0) })[0].high
    if !isClose(compiled.value, exact, scale: abs(exact), tolerance: tolerance) {
      return "value \(compiled.value), not \(exact) of double-double arithmetic"
    }
    for direction in directions {
      let terms = zip(compiled.gradient, direction).map { $0 * $1 }
      let slope = terms.reduce(0, +)
      let wanted = extended.slope(at: position, along: direction)
      let scale = terms.reduce(abs(exact)) { max($0, abs($1)) }
      if !isClose(slope, wanted, scale: scale, tolerance: tolerance) {
        return "slope \(slope), not \(wanted) of double-double arithmetic, along \(direction)"
      }
    }
    return nil
  }

  /// Two random directions, and for some seeds every coordinate.
  static func directions(_ seed: Int, _ count: Int) -> [[Double]] {
    var source = RandomStream(key: RandomKey(seed: UInt64(seed)))
    let random = (0..<2).map { _ in (0..<count).map { _ in source.nextNormal() } }
    let axes = (0..<count).map { axis in (0..<count).map { $0 == axis ? 1.0 : 0 } }
    return seed % 25 == 0 ? random + axes : random
  }

  /// Reports what goes wrong with a list of choices, on the simplest list where anything does.
  static func check(
    _ choices: Choices, _ make: (Choices) throws -> (graph: Graph, position: [Double]), _ name: String,
    _ fault: (Graph, [Double]) throws -> String?
  ) throws {
    let first = try make(choices)
    guard let message = try fault(first.graph, first.position) else { return }
    let words = try Choices.smallest(choices.words, tries: 500) { words in
      let sample = try make(Choices(words: words))
      return try fault(sample.graph, sample.position) != nil
    }
    let least = try make(Choices(words: words))
    let simplest = try fault(least.graph, least.position) ?? message
    Issue.record("\(name): \(message); simplest: \(simplest), at \(least.position)\n\(GraphPrinter.text(least.graph))")
  }

  static func graph(_ choices: Choices) throws -> (graph: Graph, position: [Double]) {
    let sample = try RandomGraph(choices)
    return (sample.graph, sample.position)
  }

  static func loop(_ choices: Choices) throws -> (graph: Graph, position: [Double]) {
    let sample = try RandomLoop(choices)
    return (sample.graph, sample.position)
  }

  @Test("random graphs", arguments: 0..<40)
  func random(block: Int) throws {
    let backend = LLVMBackend(library: try LLVMLibrary.shared.get())
    for seed in (block * 50)..<(block * 50 + 50) {
      try Self.check(Choices(seed: UInt64(seed)), Self.graph, "graph \(seed)") {
        try Self.difference($0, at: $1, backend, along: Self.directions(seed, $1.count))
      }
    }
  }

  @Test("random loops", arguments: 0..<30)
  func loops(block: Int) throws {
    Verifier.isEnabled = true
    let backend = LLVMBackend(library: try LLVMLibrary.shared.get())
    for seed in (block * 20)..<(block * 20 + 20) {
      try Self.check(Choices(seed: UInt64(seed), count: 150), Self.loop, "loop \(seed)") {
        try Self.difference($0, at: $1, backend, along: Self.directions(seed, $1.count))
      }
    }
  }

  /// The search for a simple case, on a fault that is not there: "no graph multiplies matrices".
  @Test func theSimplestCaseIsSmall() throws {
    func multiplies(_ graph: Graph) -> Bool { graph.nodes.contains { $0.operation == .matrixProduct } }
    var sizes: [Int] = []
    for seed in 0..<200 {
      let choices = Choices(seed: UInt64(seed))
      guard multiplies(try Self.graph(choices).graph) else { continue }
      let words = try Choices.smallest(choices.words) { multiplies(try Self.graph(Choices(words: $0)).graph) }
      let least = try Self.graph(Choices(words: words)).graph
      #expect(multiplies(least))
      sizes.append(least.nodes.count)
    }
    #expect(sizes.count > 20)
    // Its operands, their shapes, the product, and the sum that a graph ends with.
    #expect(sizes.allSatisfy { $0 <= 16 }, "\(sizes)")
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
      let difference = try Self.difference(graph, at: position, backend)
      #expect(difference == nil, "\(rows) × \(columns), form \(form)")
    }
  }

  /// How the carry of a recurrence changes: by a factor that stays or differs from step to step, a sum, a difference.
  enum Recurrence: CaseIterable {
    case fixedFactor, factorPerStep, sum, fixedFactorBehindMinus, factorPerStepBehindMinus, alternatingSum, fixedTerm

    func next(_ b: GraphBuilder, carry: NodeID, term: NodeID, factor: NodeID) -> NodeID {
      switch self {
      case .fixedFactor, .factorPerStep, .fixedTerm: b.add(b.multiply(carry, factor), term)
      case .sum: b.add(term, carry)
      case .fixedFactorBehindMinus, .factorPerStepBehindMinus: b.subtract(term, b.multiply(factor, carry))
      case .alternatingSum: b.subtract(term, carry)
      }
    }
    var hasFactorPerStep: Bool { self == .factorPerStep || self == .factorPerStepBehindMinus }
  }

  /// - Parameter isElement: Whether what holds for all steps is an element of an array, as `phi[1]` in a model is.
  @Test(
    "recurrences that are linear in one carry", arguments: Recurrence.allCases,
    [(false, false), (true, false), (false, true)])
  func linearRecurrences(form: Recurrence, options: (isReversed: Bool, isElement: Bool)) throws {
    let (isReversed, isElement) = options
    Verifier.isEnabled = true
    let backend = LLVMBackend(library: try LLVMLibrary.shared.get())
    for steps in [1, 7, 8, 15, 16, 17, 24, 31, 40, 203] {
      let body = GraphBuilder()
      let carry = body.input(0, element: .real, shape: [])
      let (term, factor) = (body.input(1, element: .real, shape: []), body.input(2, element: .real, shape: []))
      let next = form.next(body, carry: carry, term: term, factor: factor)
      let slicedCount = (form == .fixedTerm ? 0 : 1) + (form.hasFactorPerStep ? 1 : 0)
      let loop = ScanBody(
        graph: try body.finish(outputs: [next, carry, next, body.multiply(carry, carry)]), carryCount: 1,
        slicedCount: slicedCount, steps: steps, isReversed: isReversed)
      let b = GraphBuilder()
      let start = b.parameter(offset: 0, shape: [])
      let terms = b.parameter(offset: 1, shape: form == .fixedTerm ? [] : [Dimension(steps)])
      let count = 1 + (form == .fixedTerm ? 1 : steps)
      let factors = b.unary(.tanh, b.parameter(offset: count, shape: form.hasFactorPerStep ? [Dimension(steps)] : []))
      let elements = b.unary(.tanh, b.parameter(offset: 2 * steps + 2, shape: [Dimension(3)]))
      func element(_ k: Int) -> NodeID { b.reshape(b.slice(elements, axis: 0, start: k, count: 1), to: []) }
      let operands = [
        isElement && b.shape(terms).isEmpty ? element(1) : terms,
        isElement && b.shape(factors).isEmpty ? element(2) : factors,
      ]
      let results = b.scan(
        loop, carries: [start], sliced: Array(operands[..<slicedCount]), captured: Array(operands[slicedCount...]))
      var source = RandomStream(key: RandomKey(seed: UInt64(steps)))
      var total = results[0]
      for stack in results[1...] {
        let weights = TensorData(extents: [steps], elements: (0..<steps).map { _ in source.nextNormal() })
        total = b.add(total, b.sumAll(b.multiply(b.data(weights), stack)))
      }
      let graph = try b.finish(outputs: [total])
      let position = (0..<graph.parameterCount).map { _ in source.nextNormal() }
      let directions = Self.directions(steps, position.count)
      let difference = try Self.difference(graph, at: position, backend, along: directions)
      #expect(difference == nil, "\(form), \(steps) steps")
    }
  }

  /// One fused multiply-add per step or eight: what a recurrence over many steps costs shows in its code.
  @Test func linearRecurrencesRunInBlocks() throws {
    let (graph, _) = try Self.autoregression(steps: 100)
    let text = try #require(try LLVMBackend().gradientEvaluator(of: graph).codeText)
    #expect(text.components(separatedBy: "\nblock").count > 4, "forward and backward")
  }

  private static func autoregression(steps: Int) throws -> (Graph, [Double]) {
    let body = GraphBuilder()
    let carry = body.input(0, element: .real, shape: [])
    let term = body.input(1, element: .real, shape: [])
    let next = body.add(body.multiply(carry, body.input(2, element: .real, shape: [])), term)
    let loop = ScanBody(
      graph: try body.finish(outputs: [next, next]), carryCount: 1, slicedCount: 1, steps: steps, isReversed: false)
    let b = GraphBuilder()
    let terms = b.parameter(offset: 1, shape: [Dimension(steps)])
    let results = b.scan(loop, carries: [b.constant(0)], sliced: [terms], captured: [b.parameter(offset: 0, shape: [])])
    let total = b.subtract(b.constant(0), b.sumAll(b.square(results[1])))
    return (try b.finish(outputs: [total]), Array(repeating: 0.5, count: steps + 1))
  }

  /// LAPACK takes over from nine rows on; in a plate, and with vectors that are used by themselves.
  @Test("eigenvalues and eigenvectors", arguments: [0, 1, 2, 5, 8, 9, 20], [[], [3]])
  func eigen(size n: Int, batch: [Int]) throws {
    let backend = LLVMBackend(library: try LLVMLibrary.shared.get())
    let b = GraphBuilder()
    let shape = (batch + [n, n]).map { Dimension($0) }
    let x = b.parameter(offset: 0, shape: shape)
    let steps = (0..<(n * n)).map { $0 % (n + 1) == 0 ? 3 * Double($0 / (n + 1)) : 0 }
    let apart = b.broadcast(
      b.data(TensorData(extents: [n, n], elements: steps)), to: shape, mapping: [batch.count, batch.count + 1])
    let symmetric = b.add(b.multiply(b.constant(0.5), b.add(x, b.transpose(x))), apart)
    let (values, vectors) = b.symmetricEigen(symmetric)
    var source = RandomStream(key: RandomKey(seed: UInt64(n)))
    let weights = TensorData(
      extents: shape.extents, elements: (0..<shape.elementCount).map { _ in source.nextNormal() })
    let total = b.add(b.sumAll(b.unary(.sin, values)), b.sumAll(b.multiply(b.data(weights), vectors)))
    let graph = try b.finish(outputs: [total])
    let position = (0..<graph.parameterCount).map { _ in 0.3 * source.nextNormal() }
    let directions = n <= 9 ? Self.directions(1, position.count) : []
    let difference = try Self.difference(graph, at: position, backend, along: directions)
    #expect(difference == nil)
  }
}
