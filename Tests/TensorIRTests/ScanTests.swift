import Foundation
import Numerics
import TensorIR
import Testing

/// Loops: what they compute, and their gradients by a loop the other way.
@Suite struct ScanTests {
  /// h[t] = tanh(a h[t − 1]) + u[t], stacked; carries (h, product of h).
  private func recurrence(
    _ b: GraphBuilder, start: NodeID, input: NodeID, factor: NodeID, steps: Int, reversed: Bool = false
  ) throws -> [NodeID] {
    let inner = GraphBuilder()
    let h = inner.input(0, element: .real, shape: [])
    let total = inner.input(1, element: .real, shape: [])
    let u = inner.input(2, element: .real, shape: [])
    let a = inner.input(3, element: .real, shape: [])
    let next = inner.add(inner.unary(.tanh, inner.multiply(a, h)), u)
    let graph = try inner.finish(outputs: [next, inner.multiply(total, next), inner.square(next)])
    let body = ScanBody(graph: graph, carryCount: 2, slicedCount: 1, steps: steps, isReversed: reversed)
    return b.scan(body, carries: [start, b.constant(1)], sliced: [input], captured: [factor])
  }

  @Test(arguments: [false, true]) func valuesOfALoop(_ reversed: Bool) throws {
    let b = GraphBuilder()
    let u = [0.3, -0.2, 0.9, 0.1]
    let results = try recurrence(
      b, start: b.parameter(offset: 0, shape: []), input: b.data(TensorData(extents: [4], elements: u)),
      factor: b.parameter(offset: 1, shape: []), steps: 4, reversed: reversed)
    let got = Run.plainly(try b.finish(outputs: results), at: [0.5, 0.8])
    var h = 0.5
    var product = 1.0
    var stack = Array(repeating: 0.0, count: 4)
    for step in 0..<4 {
      let t = reversed ? 3 - step : step
      h = tanh(0.8 * h) + u[t]
      product *= h
      stack[t] = h * h
    }
    #expect(got[0].elements == [h])
    #expect(got[1].elements == [product])
    #expect(got[2].elements == stack)
    #expect(got[2].extents == [4])
  }

  @Test(arguments: [0, 1, 2, 7], [false, true]) func gradients(_ steps: Int, _ reversed: Bool) throws {
    let b = GraphBuilder()
    let results = try recurrence(
      b, start: b.parameter(offset: 0, shape: []), input: b.parameter(offset: 2, shape: [Dimension(steps)]),
      factor: b.parameter(offset: 1, shape: []), steps: steps, reversed: reversed)
    // Final carries and the stack, all weighted differently.
    let total = b.sum([
      results[0], b.multiply(b.constant(0.7), results[1]), b.sumAll(b.multiply(b.exp(results[2]), b.constant(0.3))),
    ])
    let graph = try b.finish(outputs: [total])
    try Run.requireGradient(graph, at: [0.4, 0.9] + Run.normals(steps, seed: 3), "\(steps) steps")
  }

  /// A captured matrix, a carried vector: the forward recursion of a hidden Markov chain, with an impossible transition.
  @Test func hiddenMarkovForwardRecursion() throws {
    let b = GraphBuilder()
    let (states, steps) = (3, 6)
    let logits = b.parameter(offset: 0, shape: Run.shape(states, states))
    let emission = b.parameter(offset: 9, shape: Run.shape(steps, states))
    let blocked = b.data(TensorData(extents: [3, 3], elements: [0, 0, -.infinity, 0, 0, 0, 0, 0, 0]))
    let transition = b.add(logits, blocked)
    let inner = GraphBuilder()
    let alpha = inner.input(0, element: .real, shape: Run.shape(states))
    let term = inner.input(1, element: .real, shape: Run.shape(states))
    let matrix = inner.input(2, element: .real, shape: Run.shape(states, states))
    let wide = inner.add(inner.broadcast(alpha, to: Run.shape(states, states), mapping: [0]), matrix)
    let next = inner.add(inner.reduce(.logSumExp, wide, axes: [0]), term)
    let body = ScanBody(
      graph: try inner.finish(outputs: [next]), carryCount: 1, slicedCount: 1, steps: steps, isReversed: false)
    let start = b.data(TensorData(extents: [3], elements: [0, -.infinity, -.infinity]))
    let final = b.scan(body, carries: [start], sliced: [emission], captured: [transition])[0]
    let graph = try b.finish(outputs: [b.reduce(.logSumExp, final, axes: [0])])
    let position = Run.normals(9 + steps * states, seed: 5)
    try Run.requireGradient(graph, at: position, "forward recursion")
    let (_, gradient) = try Run.gradient(graph, at: position)
    #expect(gradient[2] == 0)
  }

  /// A loop in a loop, with a value captured through both.
  @Test func nestedLoops() throws {
    let b = GraphBuilder()
    let innermost = GraphBuilder()
    let x = innermost.input(0, element: .real, shape: [])
    let a = innermost.input(1, element: .real, shape: [])
    let inside = try innermost.finish(outputs: [innermost.unary(.sin, innermost.add(innermost.multiply(a, x), a))])
    let inner = GraphBuilder()
    let state = inner.input(0, element: .real, shape: [])
    let u = inner.input(1, element: .real, shape: [])
    let factor = inner.input(2, element: .real, shape: [])
    let innerBody = ScanBody(graph: inside, carryCount: 1, slicedCount: 0, steps: 3, isReversed: false)
    let looped = inner.scan(innerBody, carries: [inner.add(state, u)], sliced: [], captured: [factor])[0]
    let body = ScanBody(
      graph: try inner.finish(outputs: [looped, inner.multiply(looped, u)]), carryCount: 1, slicedCount: 1, steps: 4,
      isReversed: false)
    let results = b.scan(
      body, carries: [b.constant(0.1)], sliced: [b.parameter(offset: 1, shape: [Dimension(4)])],
      captured: [b.parameter(offset: 0, shape: [])])
    let graph = try b.finish(outputs: [b.add(results[0], b.sumAll(results[1]))])
    try Run.requireGradient(graph, at: [0.8] + Run.normals(4, seed: 9), "nested loops")
  }

  /// Carries that exchange places read each other's old value; integers are carried beside reals.
  @Test func carriesMoveTogether() throws {
    let b = GraphBuilder()
    let inner = GraphBuilder()
    let first = inner.input(0, element: .real, shape: [])
    let second = inner.input(1, element: .real, shape: [])
    let count = inner.input(2, element: .integer, shape: [])
    let table = inner.input(3, element: .real, shape: Run.shape(3))
    let isEven = inner.binary(.equal, inner.binary(.integerRemainder, count, inner.constant(2)), inner.constant(0))
    let read = inner.gather(table, [count])
    let next = inner.binary(.add, count, inner.scalarData(1, element: .integer))
    let graph = try inner.finish(outputs: [
      inner.select(isEven, inner.multiply(second, read), second), first, next,
    ])
    let body = ScanBody(graph: graph, carryCount: 3, slicedCount: 0, steps: 3, isReversed: false)
    let results = b.scan(
      body,
      carries: [
        b.parameter(offset: 0, shape: []), b.parameter(offset: 1, shape: []), b.scalarData(0, element: .integer),
      ],
      sliced: [], captured: [b.parameter(offset: 2, shape: [Dimension(3)])])
    let whole = try b.finish(outputs: [b.add(results[0], b.multiply(b.constant(2), results[1])), results[2]])
    let position = [0.5, -1.2, 2, 3, 0.7]
    let got = Run.plainly(whole, at: position)
    // Steps: (x, y) → (2y, x) → (x, 2y) → (2y · 0.7, x).
    #expect(abs(got[0].elements[0] - (2 * -1.2 * 0.7 + 2 * 0.5)) < 1e-15)
    #expect(got[1].elements == [3])
    try Run.requireGradient(whole, at: position, "exchanged carries")
  }
}
