package import Syntax
package import TensorIR

/// One graph under construction: the model's, or the body of an open scan.
package final class Scope {
  let builder: GraphBuilder
  /// The loop whose steps the body runs over; nil for the model's own graph.
  let frame: Frame?
  let level: Int
  /// Carries come first among the body's inputs, then slices, then captured values: their numbers are given at the end.
  var carries: [NodeID] = []
  var sliced: [(outer: TracedTensor, inner: NodeID)] = []
  var captured: [(outer: TracedTensor, inner: NodeID)] = []
  private var nextPlaceholder = 0

  init(builder: GraphBuilder, frame: Frame?, level: Int = 0) {
    self.builder = builder
    self.frame = frame
    self.level = level
  }

  func placeholder(_ element: ElementType, _ shape: Shape) -> NodeID {
    defer { nextPlaceholder += 1 }
    return builder.input(nextPlaceholder, element: element, shape: shape)
  }
}

extension Tracer: TraceContext {
  package var builder: GraphBuilder { scopes[scopes.count - 1].builder }

  static func elementType(_ element: TracedTensor.Element) -> ElementType {
    switch element {
    case .real: .real
    case .int: .integer
    case .bool: .boolean
    }
  }

  // MARK: - Frames

  func openFrame(_ kind: Frame.Kind, name: String, lower: Int, extent: Int) throws -> Frame {
    try Operations.checkBudget(extent, "the range of `\(name)`")
    frameCount += 1
    let id = FrameID(frameCount)
    let values = (0..<extent).map { Double(lower + $0) }
    let node = scopes[0].builder.data(
      TensorData(extents: [extent], elements: values), element: .integer, tags: [id.rawValue])
    let index = TracedTensor(node: node, frames: [id], element: .int, shape: [])
    let frame = Frame(id: id, kind: kind, name: name, lower: lower, extent: extent, index: index)
    frames.append(frame)
    return frame
  }

  func closeFrame(_ frame: Frame) { frames.removeAll { $0 === frame } }

  /// Frames in the order they were opened, each once.
  func ordered(_ ids: [FrameID]) -> [FrameID] {
    frames.map(\.id).filter(ids.contains)
  }

  func extent(of id: FrameID) -> Int { frames.first { $0.id == id }?.extent ?? 1 }

  package func shape(frames ids: [FrameID], _ shape: [Int]) -> Shape {
    ids.map { Dimension(extent(of: $0), tag: $0.rawValue) } + shape.map { Dimension($0) }
  }

  // MARK: - Levels

  /// Brings a tensor into the graph of a deeper level: captured, or sliced where it runs over the scan's steps.
  func lowered(_ tensor: TracedTensor, to level: Int) throws -> TracedTensor {
    var tensor = tensor
    while tensor.level < level {
      let scope = scopes[tensor.level + 1]
      guard let frame = scope.frame else { break }
      if tensor.frames.contains(frame.id) {
        let rest = tensor.frames.filter { $0 != frame.id }
        let first = try permuted(tensor, framesTo: [frame.id] + rest)
        if let existing = scope.sliced.first(where: { $0.outer.node == first.node }) {
          tensor.node = existing.inner
        } else {
          let inner = scope.placeholder(
            Tracer.elementType(tensor.element), Array(scopes[tensor.level].builder.shape(first.node).dropFirst()))
          scope.sliced.append((first, inner))
          tensor.node = inner
        }
        tensor.frames = rest
      } else if let existing = scope.captured.first(where: { $0.outer.node == tensor.node }) {
        tensor.node = existing.inner
      } else {
        if case .constant(let bits) = scopes[tensor.level].builder.node(tensor.node).operation {
          tensor.node = scope.builder.constant(Double(bitPattern: bits))
          tensor.level += 1
          continue
        }
        let inner = scope.placeholder(
          Tracer.elementType(tensor.element), scopes[tensor.level].builder.shape(tensor.node))
        scope.captured.append((tensor, inner))
        tensor.node = inner
      }
      tensor.level += 1
    }
    return tensor
  }

  /// All tensors in the graph of the deepest of them.
  package func common(_ tensors: [TracedTensor]) throws -> ([TracedTensor], GraphBuilder, Int) {
    let level = tensors.map(\.level).max() ?? 0
    return (try tensors.map { try lowered($0, to: level) }, scopes[level].builder, level)
  }

  // MARK: - Concrete values as tensors

  package func tensor(_ value: Value) throws -> TracedTensor {
    let root = scopes[0].builder
    root.origin = originNumber(callSpan)
    switch value {
    case .real(let number):
      return TracedTensor(node: root.scalarData(number), frames: [], element: .real, shape: [])
    case .int(let number):
      return TracedTensor(
        node: root.scalarData(Double(number), element: .integer), frames: [], element: .int, shape: [])
    case .bool(let flag):
      return TracedTensor(node: root.scalarData(flag ? 1 : 0, element: .boolean), frames: [], element: .bool, shape: [])
    case .realArray(let array):
      let node = root.data(TensorData(extents: array.shape, elements: array.elements))
      return TracedTensor(node: node, frames: [], element: .real, shape: array.shape)
    case .intArray(let array):
      let node = root.data(
        TensorData(extents: array.shape, elements: array.elements.map(Double.init)), element: .integer)
      return TracedTensor(node: node, frames: [], element: .int, shape: array.shape, index: array.index)
    case .boolArray(let array):
      let node = root.data(
        TensorData(extents: array.shape, elements: array.elements.map { $0 ? 1 : 0 }), element: .boolean)
      return TracedTensor(node: node, frames: [], element: .bool, shape: array.shape)
    case .list(let elements): return try stack(elements)
    case .some(let inner): return try tensor(inner)
    case .traced(let traced):
      switch traced.content {
      case .tensor(let tensor): return tensor
      case .piecewise(let array): return try whole(array, span: callSpan)
      case .unreadable(let reason): throw reason
      }
    default:
      throw Fault("M235", "a number or an array of numbers is needed here", found: Operations.words(value))
    }
  }

  func emptyTensor(shape: [Int], element: TracedTensor.Element) throws -> TracedTensor {
    try zeros(shape: shape, element: element)
  }

  func zeros(shape: [Int], element: TracedTensor.Element, frames ids: [FrameID] = []) throws -> TracedTensor {
    let whole = self.shape(frames: ids, shape)
    let node = scopes[0].builder.data(
      TensorData(extents: whole.extents, elements: Array(repeating: 0, count: whole.elementCount)),
      element: Tracer.elementType(element), tags: whole.map(\.tag))
    return TracedTensor(node: node, frames: ids, element: element, shape: shape)
  }

  /// Integers as data over frames.
  func integers(_ values: [Int], frames ids: [FrameID]) throws -> TracedTensor {
    let whole = shape(frames: ids, [])
    let node = scopes[0].builder.data(
      TensorData(extents: whole.extents, elements: values.map(Double.init)), element: .integer, tags: whole.map(\.tag))
    return TracedTensor(node: node, frames: ids, element: .int, shape: [])
  }

  func integersAlongAxis(_ values: [Int]) throws -> TracedTensor {
    let node = scopes[0].builder.data(
      TensorData(extents: [values.count], elements: values.map(Double.init)), element: .integer)
    return TracedTensor(node: node, frames: [], element: .int, shape: [values.count])
  }

  func knownIntegers(_ tensor: TracedTensor) -> [Int]? {
    guard tensor.level == 0, let contents = scopes[0].builder.contents(of: tensor.node) else { return nil }
    return contents.elements.map { Int(exactly: $0) ?? 0 }
  }

  /// Whether a known Boolean is the same for every element.
  func uniformTruth(_ tensor: TracedTensor) -> Bool? {
    guard tensor.level == 0, let contents = scopes[0].builder.contents(of: tensor.node),
      let first = contents.elements.first
    else { return nil }
    return contents.elements.allSatisfy { $0 == first } ? first != 0 : nil
  }

  // MARK: - Alignment

  package func aligned(_ tensors: [TracedTensor]) throws -> (tensors: [TracedTensor], frames: [FrameID]) {
    let (same, _, _) = try common(tensors)
    let union = ordered(same.flatMap(\.frames))
    return (try same.map { try broadcast($0, toFrames: union, shape: $0.shape) }, union)
  }

  /// Repeats a tensor over more frames and, if it is a scalar, over a shape.
  package func broadcast(_ tensor: TracedTensor, toFrames ids: [FrameID], shape goal: [Int]) throws -> TracedTensor {
    if tensor.frames == ids && tensor.shape == goal { return tensor }
    guard tensor.shape.isEmpty || tensor.shape == goal else {
      throw Fault(
        "H201", "shapes \(tensor.shape) and \(goal) do not broadcast", expected: "equal extents; only scalars broadcast"
      )
    }
    var mapping: [Int] = []
    for id in tensor.frames {
      guard let place = ids.firstIndex(of: id) else {
        throw Fault("M236", "the value depends on an index that has no meaning here")
      }
      mapping.append(place)
    }
    if !tensor.shape.isEmpty { mapping += (0..<goal.count).map { ids.count + $0 } }
    let builder = scopes[tensor.level].builder
    var result = tensor
    result.node = builder.broadcast(tensor.node, to: shape(frames: ids, goal), mapping: mapping)
    result.frames = ids
    result.shape = goal
    return result
  }

  /// Reorders the frame axes of a tensor.
  func permuted(_ tensor: TracedTensor, framesTo goal: [FrameID]) throws -> TracedTensor {
    if tensor.frames == goal { return tensor }
    let order = goal.compactMap { tensor.frames.firstIndex(of: $0) }
    guard order.count == tensor.frames.count else {
      throw Fault("M236", "the value depends on an index that has no meaning here")
    }
    var result = tensor
    let rank = scopes[tensor.level].builder.shape(tensor.node).count
    result.node = scopes[tensor.level].builder.permute(tensor.node, order: order + Array(order.count..<rank))
    result.frames = goal
    return result
  }

  /// Gives the node the shape that frames and shape say.
  func reshaped(_ tensor: TracedTensor) throws -> TracedTensor {
    var result = tensor
    result.node = scopes[tensor.level].builder.reshape(tensor.node, to: shape(frames: tensor.frames, tensor.shape))
    return result
  }

  // MARK: - Elementwise

  package func elementwise(_ operation: UnaryOperation, _ operand: Value) throws -> Value {
    wrap(try elementwise(operation, try tensor(operand)))
  }

  package func elementwise(_ operation: BinaryOperation, _ left: Value, _ right: Value) throws -> Value {
    wrap(try elementwise(operation, try tensor(left), try tensor(right)))
  }

  func elementwise(_ operation: UnaryOperation, _ operand: TracedTensor) throws -> TracedTensor {
    let builder = scopes[operand.level].builder
    builder.origin = originNumber(callSpan)
    var result = operand
    result.node = builder.unary(operation, operand.node)
    result.element = Tracer.element(builder.element(result.node))
    result.index = nil
    return result
  }

  func elementwise(_ operation: BinaryOperation, _ left: TracedTensor, _ right: TracedTensor) throws -> TracedTensor {
    let (operands, builder, level) = try common([left, right])
    let (a, b) = (operands[0], operands[1])
    guard a.shape.isEmpty || b.shape.isEmpty || a.shape == b.shape else {
      throw Fault(
        "H201", "shapes \(a.shape) and \(b.shape) do not broadcast", expected: "equal extents; only scalars broadcast",
        found: "\(a.shape) and \(b.shape)")
    }
    let goal = a.shape.isEmpty ? b.shape : a.shape
    let ids = ordered(a.frames + b.frames)
    builder.origin = originNumber(callSpan)
    func operand(_ tensor: TracedTensor) throws -> NodeID {
      // A plain scalar stays one: the graph's elementwise operations take it as it is.
      if tensor.frames.isEmpty && tensor.shape.isEmpty { return tensor.node }
      return try broadcast(tensor, toFrames: ids, shape: goal).node
    }
    let node = builder.binary(operation, try operand(a), try operand(b))
    return TracedTensor(
      node: node, frames: ids, element: Tracer.element(builder.element(node)), shape: goal, level: level)
  }

  func selectTensors(_ test: TracedTensor, _ first: TracedTensor, _ second: TracedTensor) throws -> TracedTensor {
    let (operands, builder, level) = try common([test, first, second])
    var goal: [Int] = []
    for operand in operands where !operand.shape.isEmpty {
      guard goal.isEmpty || goal == operand.shape else {
        throw Fault(
          "H202", "the two sides of a varying choice have different shapes",
          expected: "one shape", found: "\(first.shape) and \(second.shape)")
      }
      goal = operand.shape
    }
    let ids = ordered(operands.flatMap(\.frames))
    func operand(_ tensor: TracedTensor) throws -> NodeID {
      if tensor.frames.isEmpty && tensor.shape.isEmpty { return tensor.node }
      return try broadcast(tensor, toFrames: ids, shape: goal).node
    }
    let node = builder.select(try operand(operands[0]), try operand(operands[1]), try operand(operands[2]))
    return TracedTensor(
      node: node, frames: ids, element: Tracer.element(builder.element(node)), shape: goal,
      index: first.index ?? second.index, level: level)
  }

  func power(_ base: TracedTensor, _ exponent: TracedTensor) throws -> TracedTensor {
    let isInteger = base.element == .int && exponent.element == .int
    let result = try elementwise(.power, try toReal(base), try toReal(exponent))
    return isInteger ? try toInteger(result) : result
  }

  func toReal(_ tensor: TracedTensor) throws -> TracedTensor {
    tensor.element == .real ? tensor : try elementwise(.toReal, tensor)
  }

  func toInteger(_ tensor: TracedTensor) throws -> TracedTensor {
    tensor.element == .int ? tensor : try elementwise(.toInteger, tensor)
  }

  static func element(_ type: ElementType) -> TracedTensor.Element {
    switch type {
    case .real: .real
    case .integer: .int
    case .boolean: .bool
    }
  }

  // MARK: - Structure

  /// `[a, b, c]` of values that hold nodes.
  func stack(_ values: [Value]) throws -> TracedTensor {
    var parts = try values.map { try tensor($0) }
    guard !parts.isEmpty else { return try zeros(shape: [0], element: .real) }
    if parts.contains(where: { $0.element == .real }) { parts = try parts.map { try toReal($0) } }
    let (same, ids) = try aligned(parts)
    guard let first = same.first, same.allSatisfy({ $0.shape == first.shape }) else {
      throw Fault(
        "H203", "the elements have different shapes", expected: "one shape",
        found: parts.map { "\($0.shape)" }.joined(separator: ", "))
    }
    let builder = scopes[first.level].builder
    let rows = same.map { part in
      builder.reshape(part.node, to: shape(frames: ids, [1] + part.shape))
    }
    return TracedTensor(
      node: builder.concatenate(rows, axis: ids.count), frames: ids, element: first.element,
      shape: [same.count] + first.shape, level: first.level)
  }

  /// Pieces `[frames…, n]` one after the other.
  func concatenated(_ parts: [TracedTensor], frames ids: [FrameID]) throws -> TracedTensor {
    let (same, builder, level) = try common(parts)
    let wide = try same.map { part in
      try broadcast(part, toFrames: ids, shape: part.shape)
    }
    return TracedTensor(
      node: builder.concatenate(wide.map(\.node), axis: ids.count), frames: ids, element: wide[0].element,
      shape: [wide.reduce(0) { $0 + $1.shape[0] }], level: level)
  }

  /// The leading axes of a tensor's own shape as one.
  func flattened(_ tensor: TracedTensor, keepingRest rest: [Int]) throws -> TracedTensor {
    var result = tensor
    result.shape = [tensor.shape.dropLast(rest.count).reduce(1, *)] + rest
    return try reshaped(result)
  }

  func element(_ tensor: TracedTensor, at index: Int) throws -> TracedTensor {
    let builder = scopes[tensor.level].builder
    let axis = tensor.frames.count
    var result = tensor
    result.node = builder.slice(tensor.node, axis: axis, start: index, count: 1)
    result.shape = Array(tensor.shape.dropFirst())
    return try reshaped(result)
  }

  /// Indexes the first axis of a tensor's own shape by an integer tensor: result shape `index.shape + rest`.
  func gather(_ base: TracedTensor, at index: TracedTensor) throws -> TracedTensor {
    let (operands, builder, level) = try common([base, index])
    let (x, i) = (operands[0], operands[1])
    let rest = Array(x.shape.dropFirst())
    let ids = ordered(x.frames + i.frames)
    var result = TracedTensor(
      node: x.node, frames: ids, element: x.element, shape: i.shape + rest, index: x.index, level: level)
    if x.frames.isEmpty {
      if level == 0, let shortcut = try contiguous(x, i, result) { return shortcut }
      result.node = builder.gather(x.node, [i.node])
      return result
    }
    // Frames of the base are indexed by their own number, so that one gather serves all.
    var indices: [NodeID] = []
    let wide = try broadcast(i, toFrames: ids, shape: i.shape)
    let whole = builder.shape(wide.node)
    for id in x.frames {
      let extent = self.extent(of: id)
      let iota = scopes[0].builder.data(
        TensorData(extents: [extent], elements: (0..<extent).map(Double.init)), element: .integer)
      let own = try lowered(TracedTensor(node: iota, frames: [], element: .int, shape: [extent]), to: level)
      indices.append(builder.broadcast(own.node, to: whole, mapping: [ids.firstIndex(of: id) ?? 0]))
    }
    result.node = builder.gather(x.node, indices + [wide.node])
    return result
  }

  /// A gather by 0, 1, 2, … of one frame is the array itself with its axis renamed; by a, a + 1, … a slice of it.
  private func contiguous(_ x: TracedTensor, _ i: TracedTensor, _ result: TracedTensor) throws -> TracedTensor? {
    guard i.frames.count + i.shape.count == 1, let known = knownIntegers(i), let first = known.first, first >= 0,
      first + known.count <= x.shape[0]
    else { return nil }
    for (offset, value) in known.enumerated() where value != first + offset { return nil }
    let builder = scopes[0].builder
    var renamed = result
    renamed.node = builder.slice(x.node, axis: 0, start: first, count: known.count)
    return renamed
  }

  // MARK: - Products

  func product(_ left: Value, _ right: Value) throws -> Value {
    guard Tracer.isTraced(left) || Tracer.isTraced(right) else { return try Operations.product(left, right) }
    let (same, ids) = try aligned([try toReal(try tensor(left)), try toReal(try tensor(right))])
    let (a, b) = (same[0], same[1])
    let builder = scopes[a.level].builder
    func fail() -> Fault {
      Fault(
        "H204", "shapes \(a.shape) and \(b.shape) do not multiply", expected: "inner extents that agree",
        found: "\(a.shape.last ?? 0) and \(b.shape.first ?? 0)")
    }
    builder.origin = originNumber(callSpan)
    switch (a.shape.count, b.shape.count) {
    case (2, 2):
      guard a.shape[1] == b.shape[0] else { throw fail() }
      return wrap(
        TracedTensor(
          node: builder.matrixProduct(a.node, b.node), frames: ids, element: .real, shape: [a.shape[0], b.shape[1]],
          level: a.level))
    case (2, 1):
      guard a.shape[1] == b.shape[0] else { throw fail() }
      return wrap(
        TracedTensor(
          node: builder.matrixVector(a.node, b.node), frames: ids, element: .real, shape: [a.shape[0]], level: a.level))
    case (1, 2):
      guard a.shape[0] == b.shape[0] else { throw fail() }
      return wrap(
        TracedTensor(
          node: builder.matrixVector(builder.transpose(b.node), a.node), frames: ids, element: .real,
          shape: [b.shape[1]], level: a.level))
    default: throw fail()
    }
  }

  // MARK: - Places

  /// A number that stands for a source place in the graph; resolved by ``span(ofOrigin:)``.
  package func originNumber(_ span: SourceSpan) -> Int32 {
    if let last = origins.last, last == span { return Int32(origins.count - 1) }
    if let known = originNumbers[span] { return known }
    origins.append(span)
    originNumbers[span] = Int32(origins.count - 1)
    return Int32(origins.count - 1)
  }

  package func span(ofOrigin origin: Int32) -> SourceSpan? {
    origin >= 0 && Int(origin) < origins.count ? origins[Int(origin)] : nil
  }
}

// MARK: - For the model side

extension Tracer {
  /// The model's own graph.
  package var rootBuilder: GraphBuilder { scopes[0].builder }
  package func real(_ tensor: TracedTensor) throws -> TracedTensor { try toReal(tensor) }
  package func integers(of tensor: TracedTensor) -> [Int]? { knownIntegers(tensor) }
  package func integerTensor(_ values: [Int], frames ids: [FrameID]) throws -> TracedTensor {
    try integers(values, frames: ids)
  }
  package func extent(ofFrame id: FrameID) -> Int { extent(of: id) }
  package func lowering(_ tensor: TracedTensor, to level: Int) throws -> TracedTensor { try lowered(tensor, to: level) }
  package func isPlate(_ id: FrameID) -> Bool { frames.contains { $0.id == id } }
  /// Loops whose steps are a scan's: not axes of what its body computes.
  package func scanFrames(upTo level: Int) -> [FrameID] {
    scopes.prefix(level + 1).compactMap { $0.frame?.id }
  }
  package static func holdsNodes(_ value: Value) -> Bool { isTraced(value) }
}
