internal import TensorIR

/// Algebra on the graph: numbers are pulled out of arrays, so that work on each element becomes work done once, and
/// every sum has one normal form.
///
/// A real array is held as a number times an array wherever that is free; products of numbers are made first. So
/// `s₁ (s₂ v)` is `(s₁ s₂) v`, `v / s` is `(1/s) v`, `Σ s v` is `s Σ v`, and `Σ (v + s)` is `Σ v + n s`. Results differ
/// from the plain order by rounding alone. Products of data with vectors get one form as well (see ``RowProduct``).
enum Simplification {
  static func run(_ graph: Graph) throws(GraphError) -> Graph {
    let result = try GraphRewriting.run(
      graph, rewriteBody: specialized,
      rewrite: { node, b throws(GraphError) in Simplifier(b).rewrite(node) })
    return try sharingDivisors(try GraphRewriting.pruned(result))
  }

  /// Where several quotients have one divisor, it is inverted once.
  private static func sharingDivisors(_ graph: Graph) throws(GraphError) -> Graph {
    var counts: [NodeID: Int] = [:]
    for node in graph.nodes where node.operation == .binary(.divide) && node.element == .real {
      counts[node.operands[1], default: 0] += 1
    }
    for node in graph.nodes where node.operation == .unary(.reciprocal) { counts[node.operands[0], default: 0] += 1 }
    var index = 0
    var shared: Set<Int> = []
    for node in graph.nodes {
      if node.operation == .binary(.divide), counts[node.operands[1], default: 0] > 1 { shared.insert(index) }
      index += 1
    }
    guard !shared.isEmpty else { return graph }
    var place = -1
    return try GraphRewriting.run(
      graph, counting: { place = $0 }, rewritesBodies: false,
      rewrite: { node, b throws(GraphError) in
        guard shared.contains(place), node.operation == .binary(.divide), node.element == .real else { return nil }
        return Simplifier(b).multiply(node.operands[0], b.unary(.reciprocal, node.operands[1]))
      })
  }

  /// Exponents that a power is worth having as products, by value.
  static let exponents: Set<Double> = [-2, -1, 0.5, 1, 2, 3, 4]

  /// A loop's body with exponents that it captures as constants: literals of the model's text are data to the graph.
  private static func specialized(
    _ body: ScanBody, _ operands: [NodeID], _ b: GraphBuilder
  ) throws(GraphError) -> Graph {
    var known: [Int: Double] = [:]
    for slot in (body.carryCount + body.slicedCount)..<operands.count where b.shape(operands[slot]).isEmpty {
      guard let value = b.contents(of: operands[slot])?.elements.first, exponents.contains(value) else { continue }
      known[slot] = value
    }
    guard !known.isEmpty else { return body.graph }
    return try GraphRewriting.run(body.graph) { node, inner throws(GraphError) in
      guard case .binary(.power) = node.operation, case .input(let slot) = inner.node(node.operands[1]).operation,
        let value = known[slot]
      else { return nil }
      return inner.binary(.power, node.operands[0], inner.constant(value))
    }
  }
}

private struct Simplifier {
  let b: GraphBuilder
  init(_ builder: GraphBuilder) { b = builder }

  // MARK: - Asking

  private func constant(_ id: NodeID) -> Double? {
    if case .constant(let bits) = b.node(id).operation { return Double(bitPattern: bits) }
    return nil
  }

  /// The value that all elements have, where it is known.
  private func uniform(_ id: NodeID) -> Double? {
    if case .broadcast(let mapping) = b.node(id).operation, mapping.isEmpty { return constant(b.node(id).operands[0]) }
    return constant(id)
  }

  private func isNumber(_ id: NodeID) -> Bool { b.shape(id).isEmpty }
  private func isReal(_ id: NodeID) -> Bool { b.element(id) == .real }
  private func isData(_ id: NodeID) -> Bool {
    if case .data = b.node(id).operation { return true }
    return false
  }

  /// A number that is given, a constant or data of one element, and has this value: locations and scales of priors are
  /// often 0 and 1.
  private func isKnown(_ id: NodeID, _ value: Double) -> Bool {
    isNumber(id) && isReal(id) && b.contents(of: id)?.elements.first == value
  }

  /// Whether all elements are at least 0 or not a number.
  private func isNonnegative(_ id: NodeID, depth: Int = 0) -> Bool {
    if depth > 8 { return false }
    let node = b.node(id)
    func all() -> Bool { node.operands.allSatisfy { isNonnegative($0, depth: depth + 1) } }
    switch node.operation {
    case .constant(let bits): return Double(bitPattern: bits) >= 0
    // A single number that is given keeps its sign, mostly: the scale of a prior, a known error.
    case .data(let slot): return node.shape.isEmpty && b.data[slot].elements.allSatisfy { $0 >= 0 }
    case .unary(let operation):
      switch operation {
      case .exp, .square, .sqrt, .absolute, .logistic, .softplus, .erfc, .normalCDF: return true
      case .reciprocal, .log1p, .toReal: return all()
      default: return node.element == .boolean
      }
    case .binary(let operation):
      switch operation {
      case .add, .multiply, .divide, .maximum, .minimum: return all()
      default: return node.element == .boolean
      }
    case .select:
      return isNonnegative(node.operands[1], depth: depth + 1) && isNonnegative(node.operands[2], depth: depth + 1)
    case .reduce(.sum, _), .broadcast, .reshape, .permute, .slice: return all()
    default: return false
    }
  }

  /// A real array as a number times an array; nil where there is no such number.
  private func scaled(_ id: NodeID) -> (scale: NodeID, array: NodeID)? {
    guard isReal(id), !isNumber(id) else { return nil }
    let node = b.node(id)
    switch node.operation {
    case .unary(.negate):
      if let inner = scaled(node.operands[0]) { return (negate(inner.scale), inner.array) }
      return (b.constant(-1), node.operands[0])
    case .binary(.multiply):
      let (x, y) = (node.operands[0], node.operands[1])
      if isNumber(x), isReal(y) { return (x, y) }
      if isNumber(y), isReal(x) { return (y, x) }
      return nil
    case .broadcast(let mapping) where mapping.isEmpty: return nil
    default: return nil
    }
  }

  // MARK: - Numbers

  private func negate(_ x: NodeID) -> NodeID {
    if let value = constant(x) { return b.constant(-value) }
    return b.negate(x)
  }

  /// A product of numbers, signs and constants in front.
  private func product(_ x: NodeID, _ y: NodeID) -> NodeID {
    if let a = constant(x), let c = constant(y) { return b.constant(a * c) }
    if isKnown(x, 1) { return y }
    if isKnown(y, 1) { return x }
    if let a = constant(x) { return multiplied(a, y) }
    if let c = constant(y) { return multiplied(c, x) }
    if case .unary(.negate) = b.node(x).operation { return negate(product(b.node(x).operands[0], y)) }
    if case .unary(.negate) = b.node(y).operation { return negate(product(x, b.node(y).operands[0])) }
    // c₁x · y is c₁(x y).
    if let (c, rest) = constantFactor(x) { return multiplied(c, product(rest, y)) }
    if let (c, rest) = constantFactor(y) { return multiplied(c, product(x, rest)) }
    return b.multiply(x, y)
  }

  private func constantFactor(_ id: NodeID) -> (Double, NodeID)? {
    let node = b.node(id)
    guard case .binary(.multiply) = node.operation else { return nil }
    if let c = constant(node.operands[0]) { return (c, node.operands[1]) }
    if let c = constant(node.operands[1]) { return (c, node.operands[0]) }
    return nil
  }

  /// A factor that is given, and finite.
  private func knownFactor(_ id: NodeID) -> (Double, NodeID)? {
    let node = b.node(id)
    guard case .binary(.multiply) = node.operation else { return nil }
    for (factor, other) in [(0, 1), (1, 0)] {
      if case .data = b.node(node.operands[factor]).operation, isNumber(node.operands[factor]),
        let value = b.contents(of: node.operands[factor])?.elements.first, value.isFinite
      {
        return (value, node.operands[other])
      }
    }
    return nil
  }

  private func multiplied(_ c: Double, _ x: NodeID) -> NodeID {
    if c == 1 { return x }
    if let (inner, rest) = constantFactor(x) { return multiplied(c * inner, rest) }
    if case .unary(.negate) = b.node(x).operation { return multiplied(-c, b.node(x).operands[0]) }
    if c == -1 { return negate(x) }
    return b.multiply(b.constant(c), x)
  }

  // MARK: - Elements

  private func times(_ scale: NodeID, _ array: NodeID) -> NodeID {
    if isKnown(scale, 1) { return array }
    if let c = constant(scale) { return c == 1 ? array : (c == -1 ? b.negate(array) : b.multiply(scale, array)) }
    return b.multiply(scale, array)
  }

  func multiply(_ x: NodeID, _ y: NodeID) -> NodeID {
    if isNumber(x), isNumber(y) { return product(x, y) }
    if isNumber(x) {
      if let (scale, array) = scaled(y) { return times(product(x, scale), array) }
      return times(x, y)
    }
    if isNumber(y) { return multiply(y, x) }
    let (a, c) = (scaled(x), scaled(y))
    if a == nil, c == nil { return b.multiply(x, y) }
    let scale = a.map { left in c.map { product(left.scale, $0.scale) } ?? left.scale } ?? c?.scale
    let inner = b.multiply(a?.array ?? x, c?.array ?? y)
    return scale.map { times($0, inner) } ?? inner
  }

  private func square(_ x: NodeID) -> NodeID {
    // (a / √h)² is a² / h: no root at all where a scale is only used so.
    let quotient = b.node(x)
    if quotient.operation == .binary(.divide), case .unary(.sqrt) = b.node(quotient.operands[1]).operation {
      return divide(square(quotient.operands[0]), b.node(quotient.operands[1]).operands[0])
    }
    if quotient.operation == .unary(.sqrt), isNonnegative(quotient.operands[0]) { return quotient.operands[0] }
    if let (scale, array) = scaled(x) { return times(squareOfNumber(scale), b.square(array)) }
    if isNumber(x), isReal(x) { return squareOfNumber(x) }
    return b.square(x)
  }

  /// The logarithm of what is made of exponentials by products, quotients, powers and roots, without taking one.
  ///
  /// It errs by a few units in the last place of its terms, as the logarithm of the rounded product does.
  private func logarithm(_ id: NodeID, depth: Int = 0) -> NodeID? {
    guard depth < 8 else { return nil }
    let node = b.node(id)
    func operand(_ k: Int) -> NodeID? { logarithm(node.operands[k], depth: depth + 1) }
    switch node.operation {
    case .unary(.exp): return node.operands[0]
    case .unary(.reciprocal): return operand(0).map { multiply(b.constant(-1), $0) }
    case .unary(.square): return operand(0).map { multiply(b.constant(2), $0) }
    case .unary(.sqrt): return operand(0).map { multiply(b.constant(0.5), $0) }
    case .binary(.multiply), .binary(.divide):
      let isQuotient = node.operation == .binary(.divide)
      for (given, other) in [(1, 0), (0, 1)] {
        guard let value = b.contents(of: node.operands[given])?.elements, value.count == 1, value[0] > 0,
          isNumber(node.operands[given]), let rest = operand(other)
        else { continue }
        let known = b.log(node.operands[given])
        guard isQuotient else { return add(rest, known, sign: 1) }
        return given == 1 ? add(rest, known, sign: -1) : add(known, rest, sign: -1)
      }
      guard let x = operand(0), let y = operand(1) else { return nil }
      return add(x, y, sign: isQuotient ? -1 : 1)
    default: return nil
    }
  }

  private func root(_ x: NodeID) -> NodeID? {
    let node = b.node(x)
    switch node.operation {
    case .unary(.square):
      return isNonnegative(node.operands[0]) ? node.operands[0] : b.unary(.absolute, node.operands[0])
    case .unary(.reciprocal):
      return b.unary(.reciprocal, root(node.operands[0]) ?? b.unary(.sqrt, node.operands[0]))
    default: return nil
    }
  }

  private func squareOfNumber(_ x: NodeID) -> NodeID {
    if let value = constant(x) { return b.constant(value * value) }
    if case .unary(.negate) = b.node(x).operation { return squareOfNumber(b.node(x).operands[0]) }
    return b.square(x)
  }

  private func divide(_ x: NodeID, _ y: NodeID) -> NodeID {
    if isKnown(y, 1) { return x }
    if isNumber(x), isNumber(y), !isData(y) { return b.divide(x, y) }
    if isNumber(y) { return multiply(b.unary(.reciprocal, y), x) }
    if isData(y), isReal(y) { return multiply(x, b.unary(.reciprocal, y)) }
    if let (scale, array) = scaled(y) { return multiply(b.unary(.reciprocal, scale), divide(x, array)) }
    if let (scale, array) = scaled(x) { return times(scale, b.divide(array, y)) }
    return b.divide(x, y)
  }

  /// x + y, or x − y.
  private func add(_ x: NodeID, _ y: NodeID, sign: Double) -> NodeID {
    func plain(_ x: NodeID, _ y: NodeID) -> NodeID { sign > 0 ? b.add(x, y) : b.subtract(x, y) }
    if isKnown(y, 0) { return x }
    if isKnown(x, 0) { return sign > 0 ? y : (isNumber(y) ? negate(y) : multiply(b.constant(-1), y)) }
    if isNumber(x), isNumber(y) {
      let (c, u) = constantFactor(x) ?? (1, x)
      let (d, v) = constantFactor(y) ?? (1, y)
      if u == v, constant(u) == nil { return multiplied(c + sign * d, u) }
      if case .unary(.negate) = b.node(y).operation {
        return sign > 0 ? b.subtract(x, b.node(y).operands[0]) : b.add(x, b.node(y).operands[0])
      }
      return plain(x, y)
    }
    if isNumber(x) || isNumber(y) {
      if case .unary(.negate) = b.node(y).operation {
        return sign > 0 ? b.subtract(x, b.node(y).operands[0]) : b.add(x, b.node(y).operands[0])
      }
      return plain(x, y)
    }
    let (a, c) = (scaled(x), scaled(y))
    let (u, v) = (a?.array ?? x, c?.array ?? y)
    let (s, t) = (a?.scale ?? b.constant(1), c?.scale ?? b.constant(1))
    // s u ± t u is (s ± t) u, and s u ± s v is s (u ± v) where s is a common factor.
    if u == v {
      let total = add(s, t, sign: sign)
      return multiply(total, u)
    }
    if a != nil, c != nil, s == t { return times(s, b.binary(sign > 0 ? .add : .subtract, u, v)) }
    if let value = constant(t), value == -1 { return sign > 0 ? b.subtract(x, v) : b.add(x, v) }
    if let value = constant(s), value == -1, sign > 0 { return b.subtract(y, u) }
    return plain(x, y)
  }

  /// A number that was spread over an array, as the number, where other operands still give the shape.
  private func unspread(_ operands: [NodeID], _ shape: Shape) -> [NodeID]? {
    func number(_ id: NodeID) -> NodeID? {
      if case .broadcast(let mapping) = b.node(id).operation, mapping.isEmpty { return b.node(id).operands[0] }
      return nil
    }
    let plain = operands.map { number($0) ?? $0 }
    guard plain != operands, plain.contains(where: { b.shape($0).count == shape.count }) else { return nil }
    return plain
  }

  private func binary(_ operation: BinaryOperation, _ node: Node) -> NodeID? {
    if !node.shape.isEmpty, let plain = unspread(node.operands, node.shape) {
      var copy = node
      copy.operands = plain
      return binary(operation, copy) ?? b.binary(operation, plain[0], plain[1])
    }
    let (x, y) = (node.operands[0], node.operands[1])
    switch operation {
    case .lessOrEqual:
      // 0 ≤ exp(x) and its like hold wherever they are numbers at all.
      if isNumber(x), let value = constant(x), value <= 0, isNonnegative(y) { return truth(node.shape) }
      return nil
    case .masked:
      if let value = uniform(y) { return value != 0 ? spread(x, node.shape) : spread(b.constant(0), node.shape) }
      // A finite multiple of the mask is 0 where the mask is.
      if isNumber(x), let (_, rest) = constantFactor(x) ?? knownFactor(x), rest == y { return x }
      if let value = uniform(x), value == 0 { return spread(x, node.shape) }
      return nil
    case .logicalAnd:
      if let value = uniform(x) { return value != 0 ? spreadTruth(y, node) : nil }
      if let value = uniform(y) { return value != 0 ? spreadTruth(x, node) : nil }
      return nil
    default: break
    }
    guard node.element == .real, isReal(x), isReal(y) else { return nil }
    switch operation {
    case .multiply: return multiply(x, y)
    case .divide: return divide(x, y)
    case .add: return add(x, y, sign: 1)
    case .subtract: return add(x, y, sign: -1)
    case .power: return power(x, y)
    default: return nil
    }
  }

  /// A power of a small whole or half exponent, also where the exponent is a literal of the model's text, which is data
  /// to the graph: what is multiplied follows from its value.
  private func power(_ x: NodeID, _ y: NodeID) -> NodeID? {
    guard isNumber(y), let contents = b.contents(of: y), let exponent = contents.elements.first else { return nil }
    switch exponent {
    case 1: return x
    case 2: return square(x)
    case 3: return multiply(x, b.square(x))
    case 4: return b.square(b.square(x))
    case -1: return b.unary(.reciprocal, x)
    case -2: return b.unary(.reciprocal, b.square(x))
    case 0.5: return b.unary(.sqrt, x)
    default: return nil
    }
  }

  /// A number or an array in the shape that is wanted.
  private func spread(_ id: NodeID, _ shape: Shape) -> NodeID {
    b.shape(id).isEmpty && !shape.isEmpty ? b.broadcast(id, to: shape, mapping: []) : id
  }

  private func truth(_ shape: Shape) -> NodeID { spread(b.constant(1), shape) }

  private func spreadTruth(_ id: NodeID, _ node: Node) -> NodeID? {
    b.shape(id).count == node.shape.count ? id : nil
  }

  // MARK: - Sums

  private func sum(_ x: NodeID, _ axes: [Int], _ node: Node) -> NodeID {
    if let (scale, array) = scaled(x) { return multiply(scale, sum(array, axes, node)) }
    let operand = b.node(x)
    let count = axes.reduce(1.0) { $0 * Double(b.shape(x)[$1].extent) }
    func whole(_ number: NodeID) -> NodeID {
      let total = product(b.constant(count), number)
      return spread(total, node.shape)
    }
    switch operand.operation {
    case .binary(.add):
      let (u, v) = (operand.operands[0], operand.operands[1])
      if isNumber(u) { return add(sum(v, axes, node), whole(u), sign: 1) }
      if isNumber(v) { return add(sum(u, axes, node), whole(v), sign: 1) }
    case .binary(.subtract):
      let (u, v) = (operand.operands[0], operand.operands[1])
      if isNumber(u) { return add(whole(u), sum(v, axes, node), sign: -1) }
      if isNumber(v) { return add(sum(u, axes, node), whole(v), sign: -1) }
    default: break
    }
    return b.reduce(.sum, x, axes: axes)
  }

  /// A product of a matrix of data with a vector, over the longer side of the matrix.
  private func matrixProduct(_ node: Node) -> NodeID? {
    let (left, right) = (node.operands[0], node.operands[1])
    let (a, c) = (b.shape(left), b.shape(right))
    guard a.count == 2, c.count == 2, c[1].extent == 1, isData(left), isReal(right) else { return nil }
    let column = b.reshape(right, to: [c[0]])
    if let (scale, array) = scaled(column) {
      return multiply(scale, matrixProduct(left, array, node.shape))
    }
    return matrixProduct(left, column, node.shape)
  }

  private func matrixProduct(_ left: NodeID, _ vector: NodeID, _ shape: Shape) -> NodeID {
    let a = b.shape(left)
    // The transposed matrix is the one that rows were made with: equal data are one node.
    let isColumn = a[1].extent > a[0].extent
    let matrix = isColumn ? b.permute(left, order: [1, 0]) : left
    return b.reshape(product(matrix, vector, isColumn: isColumn), to: shape)
  }

  /// Σ over the columns of a matrix, or over its rows.
  private func product(_ matrix: NodeID, _ vector: NodeID, isColumn: Bool) -> NodeID {
    let wide = b.broadcast(vector, to: b.shape(matrix), mapping: [isColumn ? 0 : 1])
    return b.reduce(.sum, b.multiply(matrix, wide), axes: [isColumn ? 0 : 1])
  }

  /// A column times a row has an element for each pair.
  private func outerProduct(_ node: Node) -> NodeID? {
    let (left, right) = (node.operands[0], node.operands[1])
    let (a, c) = (b.shape(left), b.shape(right))
    guard a.count == 2, a[1].extent == 1, c[0].extent == 1, isReal(left), isReal(right) else { return nil }
    let column = b.broadcast(b.reshape(left, to: [a[0]]), to: node.shape, mapping: [0])
    let row = b.broadcast(b.reshape(right, to: [c[1]]), to: node.shape, mapping: [1])
    return multiply(column, row)
  }

  /// A system whose factor is data, by the factor's inverse, which is data too; forward errors have the same bound
  /// (Higham 2002, section 8.2 and 14.2).
  private func solve(_ node: Node, transposed: Bool) -> NodeID? {
    let (lower, right) = (node.operands[0], node.operands[1])
    let shape = b.shape(lower)
    guard isData(lower), shape.count == 2, shape[0].extent >= 8, node.shape[1].extent == 1 else { return nil }
    let n = shape[0].extent
    var identity = Array(repeating: 0.0, count: n * n)
    for k in 0..<n { identity[k * n + k] = 1 }
    let inverse = b.triangularSolve(lower, b.data(TensorData(extents: [n, n], elements: identity)))
    guard b.contents(of: inverse)?.elements.allSatisfy({ $0.isFinite }) ?? false else { return nil }
    let column = b.reshape(right, to: [node.shape[0]])
    let (scale, array) = scaled(column) ?? (b.constant(1), column)
    return b.reshape(multiply(scale, product(inverse, array, isColumn: transposed)), to: node.shape)
  }

  /// The triangle of one matrix as a mask, which fuses with what is around.
  private func triangle(_ node: Node, halvesDiagonal: Bool) -> NodeID? {
    guard node.shape.count == 2, !isData(node.operands[0]) else { return nil }
    let n = node.shape[0].extent
    var mask = Array(repeating: 0.0, count: n * n)
    var weights = Array(repeating: 1.0, count: n * n)
    for i in 0..<n {
      for j in 0...i { mask[i * n + j] = 1 }
      weights[i * n + i] = 0.5
    }
    var value = node.operands[0]
    if halvesDiagonal { value = multiply(value, b.data(TensorData(extents: [n, n], elements: weights))) }
    return b.binary(.masked, value, b.data(TensorData(extents: [n, n], elements: mask), element: .boolean))
  }

  // MARK: - Nodes

  func rewrite(_ node: Node) -> NodeID? {
    switch node.operation {
    case .unary(let operation):
      let x = node.operands[0]
      switch operation {
      case .square where isReal(x): return square(x)
      case .absolute where isNonnegative(x): return x
      case .sqrt: return root(x)
      case .log:
        if let known = logarithm(x) { return known }
        // log √x is ½ log x.
        guard case .unary(.sqrt) = b.node(x).operation else { return nil }
        return multiply(b.constant(0.5), b.log(b.node(x).operands[0]))
      case .negate where isReal(x):
        if let (scale, array) = scaled(x) { return times(negate(scale), array) }
        if isNumber(x) {
          if let value = constant(x) { return b.constant(-value) }
          if let (c, rest) = constantFactor(x) { return multiplied(-c, rest) }
        }
        if case .binary(.subtract) = b.node(x).operation, b.shape(x).count == node.shape.count {
          let operands = b.node(x).operands
          return b.subtract(operands[1], operands[0])
        }
        return nil
      case .logicalNot:
        if let value = uniform(x) { return spread(b.constant(value == 0 ? 1 : 0), node.shape) }
        return nil
      default: return nil
      }
    case .binary(let operation): return binary(operation, node)
    case .select:
      if let value = uniform(node.operands[0]) {
        return spread(value != 0 ? node.operands[1] : node.operands[2], node.shape)
      }
      return nil
    case .reshape:
      let x = node.operands[0]
      if let (scale, array) = scaled(x) { return times(scale, b.reshape(array, to: node.shape)) }
      return nil
    case .broadcast(let mapping):
      let x = node.operands[0]
      if let (scale, array) = scaled(x) {
        return times(scale, b.broadcast(array, to: node.shape, mapping: mapping))
      }
      return nil
    case .reduce(.sum, let axes) where isReal(node.operands[0]):
      return sum(node.operands[0], axes, node)
    case .scatterAdd:
      let indices = Array(node.operands.dropFirst())
      if let (scale, array) = scaled(node.operands[0]) {
        return multiply(scale, b.scatterAdd(array, indices, into: node.shape))
      }
      // The same number at each place: that number times the counts, which are data.
      if case .broadcast(let mapping) = b.node(node.operands[0]).operation, mapping.isEmpty, isReal(node.operands[0]) {
        let number = b.node(node.operands[0]).operands[0]
        if constant(number) != 1 {
          let ones = b.broadcast(b.constant(1), to: b.shape(node.operands[0]), mapping: [])
          return multiply(number, b.scatterAdd(ones, indices, into: node.shape))
        }
      }
      return nil
    case .matrixProduct: return outerProduct(node) ?? matrixProduct(node)
    case .triangularSolve(let transposed): return solve(node, transposed: transposed)
    case .lowerTriangle(let halves): return triangle(node, halvesDiagonal: halves)
    default: return nil
    }
  }
}
