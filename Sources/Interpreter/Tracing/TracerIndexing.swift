import Checking
import Syntax
import TensorIR

extension Tracer {
  func index(_ base: Value, _ indices: [CheckedIndex], in activation: Activation) throws -> Value {
    let evaluated = try indices.map { try evaluateIndex($0, in: activation) }
    if !Tracer.isTraced(base), !evaluated.contains(where: \.isTraced) {
      return try Operations.index(base, evaluated.map(\.concrete))
    }
    if case .traced(let traced) = base, case .piecewise(let array) = traced.content, array.assembled == nil,
      evaluated.allSatisfy(\.isScalar)
    {
      let parts = try evaluated.map { (tensor: try tensor($0.value ?? .unit), span: $0.span) }
      return wrap(try read(array, parts, span: evaluated.first?.span ?? callSpan))
    }
    switch base {
    case .list(let elements):
      guard evaluated.count == 1, let value = evaluated[0].value else { break }
      if case .int(let number) = value {
        guard number >= 0, number < elements.count else { throw outOfRange(number, elements.count, evaluated[0].span) }
        return elements[number]
      }
      return wrap(try indexed(try stack(elements), evaluated))
    case .dictionary, .table, .string:
      if !evaluated.contains(where: \.isTraced) { return try Operations.index(base, evaluated.map(\.concrete)) }
    default: break
    }
    return wrap(try indexed(try tensor(base), evaluated))
  }

  /// An index with its value: one integer (varying or not), an array of them, or a stretch of the axis.
  struct EvaluatedIndex {
    var value: Value?
    var lower: Int?
    var upper: Int?
    var isAll: Bool
    var span: SourceSpan

    var isTraced: Bool { value.map(Tracer.isTraced) ?? false }
    var isScalar: Bool {
      switch value {
      case .int?: true
      case .traced(let traced)?:
        if case .tensor(let tensor) = traced.content { tensor.shape.isEmpty } else { false }
      default: false
      }
    }
    var concrete: IndexValue {
      if let value {
        if case .range(let first, let last) = value { return .range(first, last) }
        return .value(value)
      }
      return isAll ? .all : .slice(lower: lower, upper: upper, isClosed: false)
    }
  }

  private func evaluateIndex(_ index: CheckedIndex, in activation: Activation) throws -> EvaluatedIndex {
    switch index {
    case .value(let expression):
      return EvaluatedIndex(
        value: try evaluate(expression, in: activation), isAll: false, span: expression.span)
    case .range(let expression):
      let value = try evaluate(expression, in: activation)
      guard case .range(let lower, let upper) = value else {
        throw Fault("M227", "a slice's bounds cannot vary", span: expression.span)
      }
      return EvaluatedIndex(lower: lower, upper: upper, isAll: false, span: expression.span)
    case .slice(let lower, let upper, let isClosed):
      let first = try lower.map { try fixedInt($0, what: "a slice's bound", in: activation) }
      let last = try upper.map { try fixedInt($0, what: "a slice's bound", in: activation) }
      return EvaluatedIndex(
        lower: first, upper: isClosed ? last.map { $0.addingReportingOverflow(1).partialValue } : last, isAll: false,
        span: lower?.span ?? upper?.span ?? callSpan)
    case .all:
      return EvaluatedIndex(isAll: true, span: callSpan)
    }
  }

  private func outOfRange(_ index: Int, _ count: Int, _ span: SourceSpan) -> Fault {
    Fault("R003", "index \(index) is out of range", expected: "0 ..< \(count)", found: "\(index)", span: span)
  }

  /// Axis by axis: stretches and fixed integers first, then all varying integers at once, then arrays of integers.
  private func indexed(_ base: TracedTensor, _ indices: [EvaluatedIndex]) throws -> TracedTensor {
    guard indices.count <= base.shape.count else {
      throw Fault(
        "H220", "the value has \(base.shape.count) dimensions, not \(indices.count)", span: indices.last?.span)
    }
    var tensor = base
    var axis = 0
    var pending: [(axis: Int, index: EvaluatedIndex)] = []
    for index in indices {
      let builder = scopes[tensor.level].builder
      let place = tensor.frames.count + axis
      let extent = tensor.shape[axis]
      if let value = index.value {
        if case .int(let number) = value {
          guard number >= 0, number < extent else { throw outOfRange(number, extent, index.span) }
          tensor.node = builder.slice(tensor.node, axis: place, start: number, count: 1)
          tensor.shape.remove(at: axis)
          tensor = try reshaped(tensor)
        } else {
          pending.append((axis, index))
          axis += 1
        }
        continue
      }
      if !index.isAll {
        let lower = index.lower ?? 0
        let upper = index.upper ?? extent
        guard lower >= 0, upper <= extent else {
          throw Fault(
            "R003", "the slice \(lower)..<\(upper) is out of range", expected: "within 0 ..< \(extent)",
            span: index.span)
        }
        let count = max(0, upper - lower)
        tensor.node = builder.slice(tensor.node, axis: place, start: min(lower, extent), count: count)
        tensor.shape[axis] = count
      }
      axis += 1
    }
    return try gathered(tensor, pending)
  }

  private func gathered(_ base: TracedTensor, _ pending: [(axis: Int, index: EvaluatedIndex)]) throws -> TracedTensor {
    guard !pending.isEmpty else { return base }
    var tensor = base
    // From the last axis to the first, each index replaces its axis by its own shape.
    let scalars = pending.filter(\.index.isScalar)
    for (axis, index) in pending.reversed() where !index.isScalar {
      let positions = try self.tensor(index.value ?? .unit)
      tensor = try gatherAxis(tensor, axis: axis, positions, span: index.span)
    }
    if scalars.isEmpty { return tensor }
    if scalars.count == 1 {
      return try gatherAxis(
        tensor, axis: scalars[0].axis, try self.tensor(scalars[0].index.value ?? .unit), span: scalars[0].index.span)
    }
    // Several varying integers pick one element together: x[i, j] without the intermediate x[i].
    var flatIndex: TracedTensor?
    for (axis, index) in scalars {
      let part = try checked(try self.tensor(index.value ?? .unit), extent: tensor.shape[axis], span: index.span)
      if let so = flatIndex {
        let scale = try self.tensor(.int(tensor.shape[axis]))
        flatIndex = try elementwise(.add, try elementwise(.multiply, so, scale), part)
      } else {
        flatIndex = part
      }
    }
    guard let flatIndex else { return tensor }
    let axes = scalars.map(\.axis)
    let others = tensor.shape.indices.filter { !axes.contains($0) }
    let lead = tensor.frames.count
    let builder = scopes[tensor.level].builder
    tensor.node = builder.permute(
      tensor.node, order: Array(0..<lead) + axes.map { lead + $0 } + others.map { lead + $0 })
    tensor.shape = [axes.reduce(1) { $0 * tensor.shape[$1] }] + others.map { tensor.shape[$0] }
    return try gather(try reshaped(tensor), at: flatIndex)
  }

  private func gatherAxis(_ base: TracedTensor, axis: Int, _ index: TracedTensor, span: SourceSpan) throws
    -> TracedTensor
  {
    guard index.element == .int else {
      throw Fault("T120", "an index is an integer", found: "a \(index.element)", span: span)
    }
    let positions = try checked(index, extent: base.shape[axis], span: span)
    var tensor = base
    let lead = base.frames.count
    if axis > 0 {
      let order = [axis] + (0..<base.shape.count).filter { $0 != axis }
      let builder = scopes[base.level].builder
      tensor.node = builder.permute(base.node, order: Array(0..<lead) + order.map { lead + $0 })
      tensor.shape = order.map { base.shape[$0] }
    }
    var result = try gather(tensor, at: positions)
    if axis > 0 {
      // Back to its place: [index…, before…, after…] → [before…, index…, after…].
      let width = index.shape.count
      let own = result.shape.count
      let order = Array(width..<(width + axis)) + Array(0..<width) + Array((width + axis)..<own)
      let builder = scopes[result.level].builder
      let frameCount = result.frames.count
      result.node = builder.permute(
        result.node, order: Array(0..<frameCount) + order.map { frameCount + $0 })
      result.shape = order.map { result.shape[$0] }
    }
    return result
  }

  // MARK: - Range checks

  /// Checks indices that are known now; elements that no active branch uses are clamped.
  private func checked(_ index: TracedTensor, extent: Int, span: SourceSpan) throws -> TracedTensor {
    if let info = index.index, info.extent <= extent { return index }
    guard let known = knownIntegers(index) else { return index }
    guard known.contains(where: { $0 < 0 || $0 >= extent }) else { return index }
    let active = try activeLanes(over: index.frames)
    return try clampedIndex(index, extent: extent, active: active, frames: index.frames, span: span, name: "the array")
  }

  /// Per element of the frames, whether the open branches take it; nil where all may.
  func activeLanes(over ids: [FrameID]) throws -> [Bool]? {
    guard !masks.isEmpty else { return nil }
    let count = ids.reduce(1) { $0 * extent(of: $1) }
    var active = Array(repeating: true, count: count)
    for mask in masks {
      // A mask over other frames, or one that only a draw decides, may take any element.
      guard mask.level == 0, scopes[0].builder.contents(of: mask.node) != nil,
        mask.frames.allSatisfy(ids.contains), mask.shape.isEmpty
      else { continue }
      let wide = try broadcast(mask, toFrames: ids, shape: [])
      guard let contents = scopes[0].builder.contents(of: wide.node) else { continue }
      for lane in 0..<count where contents.elements[contents.elements.count == 1 ? 0 : lane] == 0 {
        active[lane] = false
      }
    }
    return active
  }

  func clampedIndex(
    _ index: TracedTensor, extent: Int, active: [Bool]?, frames ids: [FrameID], span: SourceSpan, name: String
  ) throws -> TracedTensor {
    guard let known = knownIntegers(index), known.contains(where: { $0 < 0 || $0 >= extent }) else { return index }
    let wide = try broadcast(index, toFrames: ids, shape: index.shape)
    guard let values = knownIntegers(wide) else { return index }
    let block = max(1, index.shape.reduce(1, *))
    for (slot, value) in values.enumerated() where value < 0 || value >= extent {
      let lane = slot / block
      if let active, lane < active.count, !active[lane] { continue }
      throw outOfRange(value, extent, span)
    }
    let clamped = values.map { min(max($0, 0), max(0, extent - 1)) }
    let whole = shape(frames: ids, index.shape)
    var result = wide
    result.node = scopes[0].builder.data(
      TensorData(extents: whole.extents, elements: clamped.map(Double.init)), element: .integer, tags: whole.map(\.tag))
    return result
  }

  /// `x[i] = v` on an array that is not under piecewise definition: a new array with the elements replaced.
  func settingElement(
    _ base: Value, _ indices: [CheckedIndex], _ value: Value, in activation: Activation
  ) throws -> Value {
    let evaluated = try indices.map { try evaluateIndex($0, in: activation) }
    if !Tracer.isTraced(base), !Tracer.isTraced(value), !evaluated.contains(where: \.isTraced) {
      var changed = base
      try Operations.setPath(&changed, [PathStep.index(evaluated.map(\.concrete))], value)
      return changed
    }
    if case .list(var elements) = base, evaluated.count == 1, case .int(let number)? = evaluated[0].value {
      guard number >= 0, number < elements.count else { throw outOfRange(number, elements.count, evaluated[0].span) }
      elements[number] = value
      return .list(elements)
    }
    var array = try tensor(base)
    let replacement = try tensor(value)
    guard evaluated.allSatisfy(\.isScalar), evaluated.count == array.shape.count, replacement.shape.isEmpty else {
      throw Fault(
        "M237", "inside a model one element is assigned at a time", span: evaluated.first?.span)
    }
    if replacement.element == .real { array = try toReal(array) }
    // A mask over the array's positions that is true at the index.
    var flat: TracedTensor?
    for (axis, index) in evaluated.enumerated() {
      let part = try checked(try tensor(index.value ?? .unit), extent: array.shape[axis], span: index.span)
      flat =
        try flat.map {
          try elementwise(.add, try elementwise(.multiply, $0, try tensor(.int(array.shape[axis]))), part)
        } ?? part
    }
    guard let flat else { return base }
    let count = array.shape.reduce(1, *)
    var positions = try integersAlongAxis(Array(0..<count))
    positions.shape = array.shape
    positions = try reshaped(positions)
    let test = try elementwise(.equal, positions, flat)
    return wrap(try selectTensors(test, replacement, array))
  }
}
