import Foundation
import Numerics
package import TensorIR

/// Graphs evaluated in double-double arithmetic, operation by operation: slow, and by no code that the other evaluators
/// share.
package struct ExtendedEvaluator {
  fileprivate struct Tensor {
    var extents: [Int]
    var elements: [DoubleDouble]
    var isScalar: Bool { extents.isEmpty }
    subscript(broadcasting index: Int) -> DoubleDouble { elements[isScalar ? 0 : index] }
  }

  private let graph: Graph

  package init(_ graph: Graph) { self.graph = graph }

  /// All outputs, one after the other.
  package func run(position: [DoubleDouble]) -> [DoubleDouble] {
    ExtendedEvaluator.run(graph, position, []).flatMap(\.elements)
  }

  /// The derivative of the first output along a direction, by the five-point formula.
  package func slope(at position: [Double], along direction: [Double]) -> Double {
    let step = 0x1p-22
    func value(_ factor: Double) -> DoubleDouble {
      run(position: zip(position, direction).map { DoubleDouble($0) + DoubleDouble.product(factor * step, $1) })[0]
    }
    let near = value(1) - value(-1)
    let far = value(2) - value(-2)
    return ((near * 8 - far) / (12 * step)).high
  }

  private static func run(_ graph: Graph, _ position: [DoubleDouble], _ inputs: [Tensor]) -> [Tensor] {
    var values: [[Tensor]] = []
    values.reserveCapacity(graph.nodes.count)
    for node in graph.nodes {
      let operands = node.operands.map { values[$0.index][0] }
      switch node.operation {
      case .scan(let body): values.append(scan(body, operands, position))
      case .project(let index): values.append([values[node.operands[0].index][index]])
      default: values.append([evaluate(node, operands, graph, position, inputs)])
      }
    }
    return graph.outputs.map { values[$0.index][0] }
  }

  private static func scan(_ body: ScanBody, _ operands: [Tensor], _ position: [DoubleDouble]) -> [Tensor] {
    var carries = Array(operands[..<body.carryCount])
    let sliced = operands[body.carryCount..<(body.carryCount + body.slicedCount)]
    let captured = operands[(body.carryCount + body.slicedCount)...]
    var stacks: [[Tensor]] = []
    for step in body.isReversed ? Array((0..<body.steps).reversed()) : Array(0..<body.steps) {
      let slices = sliced.map { whole in
        let extents = Array(whole.extents.dropFirst())
        let size = extents.reduce(1, *)
        return Tensor(extents: extents, elements: Array(whole.elements[(step * size)..<((step + 1) * size)]))
      }
      let results = run(body.graph, position, carries + slices + captured)
      carries = Array(results[..<body.carryCount])
      stacks.append(Array(results[body.carryCount...]))
    }
    if body.isReversed { stacks.reverse() }
    let outputs = body.graph.outputs[body.carryCount...].map { body.graph[$0].shape.extents }
    return carries
      + outputs.enumerated().map { index, extents in
        Tensor(extents: [body.steps] + extents, elements: stacks.flatMap { $0[index].elements })
      }
  }

  private static func evaluate(
    _ node: Node, _ operands: [Tensor], _ graph: Graph, _ position: [DoubleDouble], _ inputs: [Tensor]
  ) -> Tensor {
    let extents = node.shape.extents
    let count = node.shape.elementCount
    func make(_ element: (Int) -> DoubleDouble) -> Tensor {
      Tensor(extents: extents, elements: (0..<count).map(element))
    }
    /// Of each result element its index on every axis.
    func indices(_ number: Int, _ extents: [Int]) -> [Int] {
      var rest = number
      var result = extents
      for axis in extents.indices.reversed() {
        result[axis] = rest % extents[axis]
        rest /= extents[axis]
      }
      return result
    }
    func number(_ indices: [Int], _ extents: [Int]) -> Int {
      zip(indices, extents).reduce(0) { $0 * $1.1 + $1.0 }
    }
    switch node.operation {
    case .parameter(let offset): return make { position[offset + $0] }
    case .input(let index): return inputs[index]
    case .data(let index): return make { DoubleDouble(graph.data[index].elements[$0]) }
    case .constant(let bits): return make { _ in DoubleDouble(Double(bitPattern: bits)) }
    case .unary(let operation): return make { unary(operation, operands[0].elements[$0]) }
    case .binary(let operation):
      return make { binary(operation, operands[0][broadcasting: $0], operands[1][broadcasting: $0]) }
    case .select:
      return make { operands[operands[0][broadcasting: $0].high != 0 ? 1 : 2][broadcasting: $0] }
    case .broadcast(let mapping):
      return make { index in
        let place = indices(index, extents)
        return operands[0].elements[number(mapping.map { place[$0] }, operands[0].extents)]
      }
    case .reshape: return Tensor(extents: extents, elements: operands[0].elements)
    case .permute(let order):
      return make { index in
        var place = extents
        for (axis, from) in zip(indices(index, extents), order) { place[from] = axis }
        return operands[0].elements[number(place, operands[0].extents)]
      }
    case .slice(let axis, let start):
      return make { index in
        var place = indices(index, extents)
        place[axis] += start
        return operands[0].elements[number(place, operands[0].extents)]
      }
    case .concatenate(let axis):
      return make { index in
        var place = indices(index, extents)
        var part = 0
        while place[axis] >= operands[part].extents[axis] {
          place[axis] -= operands[part].extents[axis]
          part += 1
        }
        return operands[part].elements[number(place, operands[part].extents)]
      }
    case .reduce(let reduction, let axes):
      var groups: [[DoubleDouble]] = Array(repeating: [], count: count)
      for (index, element) in operands[0].elements.enumerated() {
        let place = indices(index, operands[0].extents)
        groups[number(place.indices.filter { !axes.contains($0) }.map { place[$0] }, extents)].append(element)
      }
      return make { reduce(reduction, groups[$0]) }
    case .cumulativeSum(let reversed):
      let length = extents.last ?? 1
      var elements = operands[0].elements
      for row in 0..<(length > 0 ? count / length : 0) {
        var total = DoubleDouble(0)
        for k in 0..<length {
          let place = row * length + (reversed ? length - 1 - k : k)
          total = total + elements[place]
          elements[place] = total
        }
      }
      return Tensor(extents: extents, elements: elements)
    case .gather, .scatterAdd:
      let isGather = node.operation == .gather
      let whole = isGather ? operands[0].extents : extents
      let axes = operands.count - 1
      let block = whole[axes...].reduce(1, *)
      var result = Array(repeating: DoubleDouble(isGather ? .nan : 0), count: count)
      for row in operands[1].elements.indices {
        let place = (0..<axes).map { operands[1 + $0].elements[row].high }
        guard zip(place, whole).allSatisfy({ $0 >= 0 && $0 < Double($1) }) else { continue }
        let start = number(place.map { Int($0) }, Array(whole[..<axes])) * block
        for k in 0..<block {
          if isGather {
            result[row * block + k] = operands[0].elements[start + k]
          } else {
            result[start + k] = result[start + k] + operands[0].elements[row * block + k]
          }
        }
      }
      return Tensor(extents: extents, elements: result)
    case .matrixProduct:
      let (m, n) = (extents[extents.count - 2], extents[extents.count - 1])
      let inner = operands[0].extents[extents.count - 1]
      return make { index in
        let (batch, row, column) = (index / (m * n), index / n % m, index % n)
        return (0..<inner).reduce(DoubleDouble(0)) { total, k in
          total + operands[0].elements[(batch * m + row) * inner + k]
            * operands[1].elements[(batch * inner + k) * n + column]
        }
      }
    case .cholesky: return Tensor(extents: extents, elements: cholesky(operands[0].elements, extents))
    case .triangularSolve(let transposed):
      let (n, columns) = (extents[extents.count - 2], extents[extents.count - 1])
      return make { _ in DoubleDouble(0) }.solved(operands[0].elements, operands[1].elements, n, columns, transposed)
    case .symmetricEigen:
      return Tensor(extents: extents, elements: eigen(operands[0].elements, extents[extents.count - 1]))
    case .lowerTriangle(let halvesDiagonal):
      let n = extents[extents.count - 1]
      return make { index in
        let (row, column) = (index / n % n, index % n)
        let element = operands[0].elements[index]
        return column > row ? DoubleDouble(0) : column == row && halvesDiagonal ? element * 0.5 : element
      }
    case .choleskyAdjoint, .random, .scan, .project:
      // Adjoints are what differences are compared with; randomness has no slope.
      return make { _ in DoubleDouble(.nan) }
    }
  }

  /// Eigenvalues from the least, then vectors in rows, by Jacobi's method with the largest entry first.
  private static func eigen(_ elements: [DoubleDouble], _ n: Int) -> [DoubleDouble] {
    var result: [DoubleDouble] = []
    for start in stride(from: 0, to: elements.count, by: max(1, n * n)) {
      var a = (0..<n).map { i in (0..<n).map { j in elements[start + max(i, j) * n + min(i, j)] } }
      var vectors = (0..<n).map { i in (0..<n).map { DoubleDouble($0 == i ? 1 : 0) } }
      let norm = a.joined().reduce(0) { max($0, abs($1.high)) }
      for _ in 0..<(20 * n * n) {
        var (p, q, greatest) = (0, 0, 0x1p-104 * norm)
        for i in 0..<n {
          for j in (i + 1)..<max(n, i + 1) where abs(a[i][j].high) > greatest {
            (p, q, greatest) = (i, j, abs(a[i][j].high))
          }
        }
        guard q > p else { break }
        let ratio = (a[q][q] - a[p][p]) / (a[p][q] * 2)
        let size = (ratio * ratio + .one).squareRoot()
        let tangent = ratio.high < 0 ? -(.one / (size - ratio)) : .one / (size + ratio)
        let cosine = .one / (tangent * tangent + .one).squareRoot()
        let sine = tangent * cosine
        for k in 0..<n {
          let (x, y) = (a[k][p], a[k][q])
          (a[k][p], a[k][q]) = (cosine * x - sine * y, sine * x + cosine * y)
        }
        for k in 0..<n {
          let (x, y) = (a[p][k], a[q][k])
          (a[p][k], a[q][k]) = (cosine * x - sine * y, sine * x + cosine * y)
          let (u, v) = (vectors[p][k], vectors[q][k])
          (vectors[p][k], vectors[q][k]) = (cosine * u - sine * v, sine * u + cosine * v)
        }
      }
      let order = (0..<n).sorted { a[$0][$0] < a[$1][$1] }
      result += order.map { a[$0][$0] }
      for i in order {
        let top = vectors[i].max { $0.magnitude < $1.magnitude } ?? .one
        result += top.high < 0 ? vectors[i].map { -$0 } : vectors[i]
      }
    }
    return result
  }

  private static func cholesky(_ elements: [DoubleDouble], _ extents: [Int]) -> [DoubleDouble] {
    let n = extents[extents.count - 1]
    var factor = elements.map { _ in DoubleDouble(0) }
    for start in stride(from: 0, to: elements.count, by: max(1, n * n)) {
      for i in 0..<n {
        for j in 0...i {
          var sum = elements[start + i * n + j]
          for k in 0..<j { sum = sum - factor[start + i * n + k] * factor[start + j * n + k] }
          factor[start + i * n + j] = i == j ? sum.squareRoot() : sum / factor[start + j * n + j]
        }
      }
    }
    return factor
  }

  private static func reduce(_ reduction: Reduction, _ elements: [DoubleDouble]) -> DoubleDouble {
    switch reduction {
    case .sum: return elements.reduce(DoubleDouble(0), +)
    case .product: return elements.reduce(.one, *)
    case .maximum: return elements.reduce(DoubleDouble(-.infinity)) { binary(.maximum, $0, $1) }
    case .minimum: return elements.reduce(DoubleDouble(.infinity)) { binary(.minimum, $0, $1) }
    case .logSumExp:
      let top = reduce(.maximum, elements)
      guard top.high.isFinite else { return top }
      return top + elements.reduce(DoubleDouble(0)) { $0 + ($1 - top).exponential() }.logarithm()
    }
  }

  package static func unary(_ operation: UnaryOperation, _ x: DoubleDouble) -> DoubleDouble {
    switch operation {
    case .negate: -x
    case .exp: x.exponential()
    case .log: x.logarithm()
    case .log1p: x.logarithmOfOnePlus()
    case .expm1: x.exponentialMinusOne()
    case .sqrt: x.squareRoot()
    case .reciprocal: .one / x
    case .square: x * x
    case .absolute: x.magnitude
    case .sin: x.sineAndCosine().sine
    case .cos: x.sineAndCosine().cosine
    case .tan: x.sineAndCosine().sine / x.sineAndCosine().cosine
    case .asin: x.arcSine()
    case .acos: .halfPi - x.arcSine()
    case .atan: x.arcTangent()
    case .sinh: x.hyperbolic().sine
    case .cosh: x.hyperbolic().cosine
    case .tanh: x.hyperbolic().tangent
    case .logistic: .one / (.one + (-x).exponential())
    case .logLogistic: -softplus(-x)
    case .softplus: softplus(x)
    case .log1mexp: x.high > -0.7 ? (-x.exponentialMinusOne()).logarithm() : (-x.exponential()).logarithmOfOnePlus()
    case .erf: x.errorFunction()
    case .erfc: x.complementaryErrorFunction()
    case .normalCDF: x.normalCDF()
    case .normalLogCDF: x.normalLogCDF()
    case .normalQuantile: x.normalQuantile()
    case .logGamma: x.logGamma()
    case .digamma: x.digamma()
    case .trigamma: x.trigamma()
    case .toReal: x
    case .sign, .floor, .ceiling, .round, .truncate, .logicalNot, .isNaN, .isFinite, .toInteger:
      DoubleDouble(Kernels.apply(operation, x.high))
    }
  }

  private static func softplus(_ x: DoubleDouble) -> DoubleDouble {
    x.high > 0 ? x + (-x).exponential().logarithmOfOnePlus() : x.exponential().logarithmOfOnePlus()
  }

  package static func binary(_ operation: BinaryOperation, _ x: DoubleDouble, _ y: DoubleDouble) -> DoubleDouble {
    func truth(_ condition: Bool) -> DoubleDouble { DoubleDouble(condition ? 1 : 0) }
    switch operation {
    case .add: return x + y
    case .subtract: return x - y
    case .multiply: return x * y
    case .divide: return x / y
    case .power: return x.power(y)
    case .minimum: return x.isNaN || y.isNaN ? DoubleDouble(.nan) : y < x ? y : x
    case .maximum: return x.isNaN || y.isNaN ? DoubleDouble(.nan) : x < y ? y : x
    case .atan2: return x.arcTangent(over: y)
    case .logAddExp: return reduce(.logSumExp, [x, y])
    case .xLogY: return x.high == 0 && !y.isNaN ? DoubleDouble(0) : x * y.logarithm()
    case .equal: return truth(x == y)
    case .notEqual: return truth(!(x == y))
    case .less: return truth(x < y)
    case .lessOrEqual: return truth(x < y || x == y)
    case .masked: return y.high != 0 ? x : DoubleDouble(0)
    case .remainder, .integerQuotient, .integerRemainder, .logicalAnd, .logicalOr:
      return DoubleDouble(Kernels.apply(operation, x.high, y.high))
    }
  }
}

extension ExtendedEvaluator.Tensor {
  /// Solutions of L X = B, or Lᵀ X = B, batch by batch.
  fileprivate func solved(
    _ l: [DoubleDouble], _ b: [DoubleDouble], _ n: Int, _ columns: Int, _ transposed: Bool
  ) -> ExtendedEvaluator.Tensor {
    var result = self
    result.elements = b
    let size = n * columns
    for batch in 0..<(size > 0 ? b.count / size : 0) {
      let rows = transposed ? Array((0..<n).reversed()) : Array(0..<n)
      for (place, i) in rows.enumerated() {
        for column in 0..<columns {
          var sum = b[batch * size + i * columns + column]
          for k in rows[..<place] {
            let entry = l[batch * n * n + (transposed ? k * n + i : i * n + k)]
            sum = sum - entry * result.elements[batch * size + k * columns + column]
          }
          result.elements[batch * size + i * columns + column] = sum / l[batch * n * n + i * n + i]
        }
      }
    }
    return result
  }
}
