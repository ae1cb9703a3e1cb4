internal import Numerics
internal import TensorIR

/// An array as c₀ + Σₖ cₖ uₖ with coefficients that are data and few unknowns u: what a regression's predictor is, and
/// its residual.
///
/// A row is an element of the array, in row-major order. Coefficients are made block by block when they are read.
struct AffineForm {
  /// A number, an array that is used whole, or a number times one.
  struct Unknown: Hashable {
    var number: NodeID?
    var array: NodeID?
  }

  /// An array has as many columns as elements.
  let unknowns: [(unknown: Unknown, column: Int, width: Int)]
  /// Columns of the unknowns; that of the constant term comes after them.
  let unknownCount: Int
  var columnCount: Int { unknownCount + 1 }
  let rowCount: Int
  /// Additions that the form costs per row, about.
  let work: Int
  private let term: Term
  private let builder: GraphBuilder

  /// Nil where the array is none, or of too many unknowns.
  init?(_ id: NodeID, in builder: GraphBuilder) {
    var reader = AffineReader(builder)
    guard let term = reader.read(id, scale: nil) else { return nil }
    self.term = term
    self.builder = builder
    unknowns = reader.unknowns
    unknownCount = reader.unknownCount
    rowCount = builder.shape(id).elementCount
    work = reader.work
  }

  fileprivate indirect enum Term {
    /// Data, or a number that is given, times an unknown number, or by itself where there is none.
    case given(NodeID, column: Int?)
    case number(column: Int)
    /// Row k is element k of an array.
    case elements(column: Int)
    /// Row k is the product of a matrix's row with an array; `inner`: elements behind the axis that is summed.
    case product(NodeID, inner: Int, width: Int, column: Int)
    case sum(Term, Term, sign: Double)
    case negated(Term)
    case weighted(Term, by: NodeID)
    /// Row k is another term's row `[k]`.
    case moved(Term, [Int])
  }

  /// The rows of a block, one after the other.
  ///
  /// - Parameter body: Given column-major coefficients in lanes of eight rows, the last ones filled up with 0, and the
  ///   number of lanes per column. It may overwrite them.
  func forEachBlock(weights: NodeID? = nil, _ body: (UnsafeMutablePointer<SIMD8<Double>>, Int) -> Void) {
    let lanes = 16
    let block = UnsafeMutablePointer<SIMD8<Double>>.allocate(capacity: lanes * columnCount)
    defer { block.deallocate() }
    let weights = weights.flatMap { builder.contents(of: $0)?.elements }
    for start in stride(from: 0, to: rowCount, by: 8 * lanes) {
      let rows = Array(start..<min(rowCount, start + 8 * lanes))
      let used = (rows.count + 7) / 8
      block.initialize(repeating: .zero, count: used * columnCount)
      let factors = weights.map { all in rows.map { all[all.count == 1 ? 0 : $0].squareRoot() } }
      block.withMemoryRebound(to: Double.self, capacity: 8 * used * columnCount) { elements in
        add(term, rows, factors ?? Array(repeating: 1, count: rows.count), to: elements, stride: 8 * used)
      }
      body(block, used)
    }
  }

  private func add(
    _ term: Term, _ rows: [Int], _ factors: [Double], to block: UnsafeMutablePointer<Double>, stride: Int
  ) {
    switch term {
    case .given(let id, let column):
      let elements = builder.contents(of: id)?.elements ?? []
      let isNumber = elements.count == 1
      let column = column ?? unknownCount
      for k in rows.indices { block[column * stride + k] += factors[k] * elements[isNumber ? 0 : rows[k]] }
    case .number(let column):
      for k in rows.indices { block[column * stride + k] += factors[k] }
    case .elements(let column):
      for k in rows.indices { block[(column + rows[k]) * stride + k] += factors[k] }
    case .product(let matrix, let inner, let width, let column):
      let elements = builder.contents(of: matrix)?.elements ?? []
      elements.withUnsafeBufferPointer { elements in
        for k in rows.indices {
          let first = rows[k] / inner * width * inner + rows[k] % inner
          for j in 0..<width { block[(column + j) * stride + k] += factors[k] * elements[first + j * inner] }
        }
      }
    case .sum(let left, let right, let sign):
      add(left, rows, factors, to: block, stride: stride)
      add(right, rows, sign > 0 ? factors : factors.map { -$0 }, to: block, stride: stride)
    case .negated(let inner): add(inner, rows, factors.map { -$0 }, to: block, stride: stride)
    case .weighted(let inner, let weights):
      let elements = builder.contents(of: weights)?.elements ?? []
      let isNumber = elements.count == 1
      let products = rows.indices.map { factors[$0] * elements[isNumber ? 0 : rows[$0]] }
      add(inner, rows, products, to: block, stride: stride)
    case .moved(let inner, let places): add(inner, rows.map { places[$0] }, factors, to: block, stride: stride)
    }
  }
}

/// Finds out what a node is in terms of data and unknowns.
private struct AffineReader {
  private let b: GraphBuilder
  private(set) var unknowns: [(unknown: AffineForm.Unknown, column: Int, width: Int)] = []
  private(set) var unknownCount = 0
  private(set) var work = 0
  private var visits = 0
  /// Places of moved rows that are held.
  private var placeCount = 0

  /// More unknowns, or larger expressions, are not looked at.
  private static let mostColumns = 256
  private static let mostVisits = 1000
  private static let mostPlaces = 1 << 26

  init(_ builder: GraphBuilder) { b = builder }

  private mutating func column(_ number: NodeID?, _ array: NodeID?, width: Int = 1) -> Int? {
    let unknown = AffineForm.Unknown(number: number, array: array)
    if let known = unknowns.first(where: { $0.unknown == unknown }) { return known.column }
    guard unknownCount + width <= AffineReader.mostColumns else { return nil }
    unknowns.append((unknown, unknownCount, width))
    unknownCount += width
    return unknownCount - width
  }

  private func product(_ scale: NodeID?, _ number: NodeID) -> NodeID { scale.map { b.multiply($0, number) } ?? number }

  /// - Parameter scale: A number that everything is multiplied by.
  mutating func read(_ id: NodeID, scale: NodeID?) -> AffineForm.Term? {
    visits += 1
    guard visits < AffineReader.mostVisits, b.element(id) == .real else { return nil }
    work += 1
    if b.contents(of: id) != nil {
      guard let scale else { return .given(id, column: nil) }
      return column(scale, nil).map { .given(id, column: $0) }
    }
    if b.shape(id).isEmpty { return column(product(scale, id), nil).map { .number(column: $0) } }
    let before = (unknowns, unknownCount, work)
    if let term = parts(of: b.node(id), scale) { return term }
    (unknowns, unknownCount, work) = before
    let count = b.shape(id).elementCount
    return column(scale, id, width: count).map { .elements(column: $0) }
  }

  private mutating func parts(of node: Node, _ scale: NodeID?) -> AffineForm.Term? {
    switch node.operation {
    case .unary(.negate): return read(node.operands[0], scale: scale).map { .negated($0) }
    case .binary(.add), .binary(.subtract):
      guard let left = read(node.operands[0], scale: scale), let right = read(node.operands[1], scale: scale) else {
        return nil
      }
      return .sum(left, right, sign: node.operation == .binary(.add) ? 1 : -1)
    case .binary(.multiply):
      for (factor, other) in [(node.operands[0], node.operands[1]), (node.operands[1], node.operands[0])] {
        if b.contents(of: factor) != nil { return read(other, scale: scale).map { .weighted($0, by: factor) } }
        if b.shape(factor).isEmpty { return read(other, scale: product(scale, factor)) }
      }
      return nil
    case .reshape: return read(node.operands[0], scale: scale)
    case .broadcast(let mapping) where mapping.isEmpty: return read(node.operands[0], scale: scale)
    case .broadcast, .permute, .slice, .gather: return moved(node, scale)
    case .reduce(.sum, let axes): return axes.count == 1 ? matrixProduct(node.operands[0], axes[0], scale) : nil
    default: return nil
    }
  }

  /// Σ over one axis of data times an array that lies along it.
  private mutating func matrixProduct(_ id: NodeID, _ axis: Int, _ scale: NodeID?) -> AffineForm.Term? {
    let node = b.node(id)
    guard node.operation == .binary(.multiply) else { return nil }
    for (matrix, wide) in [(node.operands[0], node.operands[1]), (node.operands[1], node.operands[0])] {
      guard b.contents(of: matrix) != nil, b.shape(matrix).count == node.shape.count,
        case .broadcast(mapping: [axis]) = b.node(wide).operation
      else { continue }
      let width = node.shape[axis].extent
      let inner = Array(node.shape[(axis + 1)...]).elementCount
      work += width
      guard let column = column(scale, b.node(wide).operands[0], width: width) else { return nil }
      return .product(matrix, inner: inner, width: width, column: column)
    }
    return nil
  }

  /// A node whose rows are rows of its operand.
  private mutating func moved(_ node: Node, _ scale: NodeID?) -> AffineForm.Term? {
    let operand = node.operands[0]
    let from = b.shape(operand).extents
    let to = node.shape.extents
    let count = node.shape.elementCount
    // Per axis of the result: how far apart its steps lie in the operand.
    var strides = Array(repeating: 1, count: from.count)
    for axis in from.indices.dropLast().reversed() { strides[axis] = strides[axis + 1] * from[axis + 1] }
    var steps = Array(repeating: 0, count: to.count)
    var first = 0
    var indices: [[Double]] = []
    switch node.operation {
    case .broadcast(let mapping): for (axis, target) in mapping.enumerated() { steps[target] = strides[axis] }
    case .permute(let order): for (axis, source) in order.enumerated() { steps[axis] = strides[source] }
    case .slice(let axis, let start):
      steps = strides
      first = start * strides[axis]
    default:
      for index in node.operands.dropFirst() {
        guard let contents = b.contents(of: index) else { return nil }
        indices.append(contents.elements)
      }
      for (elements, extent) in zip(indices, from) where !elements.allSatisfy({ $0 >= 0 && $0 < Double(extent) }) {
        return nil
      }
    }
    work += 3
    guard placeCount + count <= AffineReader.mostPlaces else { return nil }
    placeCount += count
    guard let term = read(operand, scale: scale) else { return nil }
    var places = Array(repeating: 0, count: count)
    if indices.isEmpty {
      var counter = Array(repeating: 0, count: to.count)
      var place = first
      for row in 0..<count {
        places[row] = place
        for axis in to.indices.reversed() {
          counter[axis] += 1
          place += steps[axis]
          if counter[axis] < to[axis] { break }
          place -= steps[axis] * to[axis]
          counter[axis] = 0
        }
      }
    } else {
      let rest = from.dropFirst(indices.count).reduce(1, *)
      for row in 0..<count {
        var place = row % max(1, rest)
        for (axis, elements) in indices.enumerated() { place += Int(elements[row / max(1, rest)]) * strides[axis] }
        places[row] = place
      }
    }
    return .moved(term, places)
  }
}
