import Foundation
package import TensorIR

/// Random loops with carries of one number and of several, slices, captured values and stacks; part of their bodies runs
/// in sequence, part need not. Every list of choices gives one graph.
package struct RandomLoop {
  package let graph: Graph
  package let position: [Double]

  package init(seed: UInt64) throws { try self.init(Choices(seed: seed ^ 0x6C6F_6F70)) }

  package init(_ choices: Choices) throws {
    var choices = choices
    let b = GraphBuilder()
    let steps = [0, 1, 2, 5, 9, 17][choices.below(6)]
    let width = [1, 2, 3, 9][choices.below(4)]
    let scalarShape: Shape = []
    let vector: Shape = [Dimension(width)]
    var offset = 0
    func parameter(_ shape: Shape) -> NodeID {
      defer { offset += shape.elementCount }
      return b.parameter(offset: offset, shape: shape)
    }
    let carries = [parameter(scalarShape), parameter(scalarShape), parameter(vector), parameter(scalarShape)]
    let sliced = [
      parameter([Dimension(steps)]), parameter([Dimension(steps)] + vector),
      b.data(
        TensorData(extents: [steps], elements: (0..<steps).map { Double(($0 * 5 + 1) % width) }), element: .integer),
    ]
    let captured = [parameter(scalarShape), parameter(vector), b.scalarData(2)]

    let inner = GraphBuilder()
    var next = 0
    func input(_ outer: NodeID, isSliced: Bool = false) -> NodeID {
      defer { next += 1 }
      return inner.input(
        next, element: b.element(outer), shape: isSliced ? Array(b.shape(outer).dropFirst()) : b.shape(outer))
    }
    let inCarries = carries.map { input($0) }
    let inSliced = sliced.map { input($0, isSliced: true) }
    let inCaptured = captured.map { input($0) }
    var pool = Array(inCarries[0...2]) + Array(inSliced[0...1]) + Array(inCaptured[0...1])
    pool.append(inner.gather(inCaptured[1], [inSliced[2]]))
    pool.append(inner.gather(inCarries[2], [inSliced[2]]))
    for _ in 0..<(4 + choices.below(8)) {
      let x = pool[choices.below(pool.count)]
      let partners = pool.filter { inner.shape($0).isEmpty || inner.shape($0).hasSameExtents(as: inner.shape(x)) }
      let y = partners[choices.below(partners.count)]
      switch choices.below(9) {
      case 0: pool.append(inner.unary(.tanh, x))
      case 1: pool.append(inner.add(x, y))
      case 2: pool.append(inner.multiply(inner.unary(.sin, x), y))
      case 3: pool.append(inner.subtract(y, x))
      case 4: pool.append(inner.divide(x, inner.add(inner.constant(1.5), inner.square(y))))
      case 5: pool.append(inner.select(inner.binary(.less, x, y), inner.unary(.sin, x), y))
      case 6: pool.append(inner.shape(x).isEmpty ? inner.square(x) : inner.sumAll(x))
      case 7: pool.append(inner.shape(x).isEmpty ? inner.unary(.logistic, x) : inner.cumulativeSum(x))
      default: pool.append(inner.binary(.power, inner.unary(.absolute, x), inCaptured[2]))
      }
    }
    func number() -> NodeID {
      let all = pool.filter { inner.shape($0).isEmpty }
      return all[choices.below(all.count)]
    }
    func vectors() -> NodeID {
      let all = pool.filter { !inner.shape($0).isEmpty }
      return all.isEmpty ? inCarries[2] : all[choices.below(all.count)]
    }
    // Sometimes the root of a sum with the square of the carry, sometimes a plain sum.
    let root = inner.unary(
      .sqrt,
      inner.add(
        inner.add(inner.constant(0.3), inner.square(inner.unary(.tanh, number()))),
        inner.multiply(inner.constant(0.5), inner.square(inCarries[0]))))
    let nexts = [
      choices.below(2) == 0 ? root : inner.unary(.tanh, number()),
      choices.below(2) == 0 ? inner.add(inCarries[1], inner.unary(.tanh, number())) : inner.unary(.sin, number()),
      inner.unary(.tanh, vectors()),
      // A total that nothing else reads.
      inner.add(inCarries[3], inner.unary(.atan, number())),
    ]
    let stacks = [number(), vectors(), inCarries[0]]
    inner.inputCount = next
    let body = ScanBody(
      graph: try inner.finish(outputs: nexts + stacks), carryCount: 4, slicedCount: 3, steps: steps,
      isReversed: choices.below(2) == 0)
    let results = b.scan(body, carries: carries, sliced: sliced, captured: captured)
    var terms: [NodeID] = []
    for result in results where choices.below(4) > 0 { terms.append(b.sumAll(b.unary(.tanh, result))) }
    terms.append(b.sumAll(b.unary(.tanh, results[3])))
    graph = try b.finish(outputs: [b.sum(terms)])
    position = (0..<offset).map { 0.7 * choices.normal() + 0.01 * Double($0 + 1) }
  }
}
