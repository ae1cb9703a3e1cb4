import Checking
import Syntax
import TensorIR

extension Tracer {
  /// A `for` loop of a model or of a function that a model calls.
  ///
  /// Concrete unless its body holds a site, or carries a variable that becomes varying. Otherwise the body is traced once:
  /// as a map over all steps where no step needs an earlier one, else as a scan.
  func forLoop(_ loop: CheckedLoop, span: SourceSpan, in activation: Activation) throws -> Flow {
    let sequence = try evaluate(loop.sequence, in: activation)
    guard case .range(let lower, let upper) = sequence else {
      if loop.containsSite {
        throw Fault(
          "M231", "a loop with sites runs over a range", caret: "not a range of integers",
          help: "loop over indices: `for t in 0..<n`", span: loop.sequence.span)
      }
      return try concreteLoop(loop, elements: try loopElements(sequence), in: activation)
    }
    if loop.containsSite {
      return try symbolicLoop(loop, lower: lower, upper: upper, span: span, in: activation)
    }
    if !loop.carried.isEmpty, upper - lower > 1,
      try carriesVarying(loop, lower: lower, upper: upper, span: span, in: activation)
    {
      try scanLoop(loop, lower: lower, upper: upper, attempt: nil, recurrences: [], span: span, in: activation)
      return .normal
    }
    return try concreteLoop(loop, elements: (lower..<max(lower, upper)).lazy.map { .int($0) }, in: activation)
  }

  private func concreteLoop(
    _ loop: CheckedLoop, elements: some Sequence<Value>, in activation: Activation
  ) throws -> Flow {
    var rounds = 0
    for element in elements {
      rounds += 1
      if rounds % 1024 == 0, context.isCancelled { throw Fault("R080", "interrupted") }
      activation.locals[loop.variable.rawValue] = element
      switch try execute(loop.body, in: activation) {
      case .normal, .continueLoop: continue
      case .breakLoop: return .normal
      case .returned(let value): return .returned(value)
      }
    }
    return .normal
  }

  private func loopElements(_ sequence: Value) throws -> [Value] {
    guard case .traced(let traced) = sequence else { return try Operations.elements(of: sequence) }
    let tensor = try self.tensor(.traced(traced))
    guard let count = tensor.shape.first else { throw Fault("R092", "the value has no elements to loop over") }
    return try (0..<count).map { wrap(try element(tensor, at: $0)) }
  }

  /// Whether a variable that the loop assigns ends up varying: decided by running the first step.
  private func carriesVarying(
    _ loop: CheckedLoop, lower: Int, upper: Int, span: SourceSpan, in activation: Activation
  ) throws -> Bool {
    let carried = loop.carried.filter { activation.locals[$0.rawValue] != nil }
    if carried.contains(where: { Tracer.isTraced(activation.locals[$0.rawValue] ?? .none) }) {
      return carried.allSatisfy { Tracer.isNumeric(activation.locals[$0.rawValue] ?? .none) }
    }
    let before = activation.locals
    let mark = handler.checkpoint()
    defer {
      activation.locals = before
      handler.rollback(to: mark)
    }
    activation.locals[loop.variable.rawValue] = .int(lower)
    guard case .normal = try execute(loop.body, in: activation) else { return false }
    let after = carried.map { activation.locals[$0.rawValue] ?? .none }
    return after.contains(where: Tracer.isTraced) && after.allSatisfy(Tracer.isNumeric)
  }

  // MARK: - Loops with sites

  private func symbolicLoop(
    _ loop: CheckedLoop, lower: Int, upper: Int, span: SourceSpan, in activation: Activation
  ) throws -> Flow {
    guard upper > lower else { return .normal }
    // First as a map. Reads of elements that the loop itself defines at earlier steps show that it is a recurrence.
    let marks = activation.piecewise.mapValues { $0.checkpoint() }
    let before = activation.locals
    let mark = handler.checkpoint()
    let frame = try openFrame(
      .loop, name: activation.function.locals[loop.variable.rawValue].name, lower: lower, extent: upper - lower)
    let state = LoopState(frame: frame, isScan: false)
    loops.append(state)
    activation.locals[loop.variable.rawValue] = wrap(frame.index)
    let flow: Flow
    do {
      flow = try execute(loop.body, in: activation)
    } catch {
      loops.removeLast()
      closeFrame(frame)
      throw error
    }
    loops.removeLast()
    closeFrame(frame)
    guard case .normal = flow else {
      throw Fault("M232", "a loop with sites runs to its end", help: "remove `break` or `return`", span: span)
    }
    let carries = loop.carried.contains { local in
      guard let old = before[local.rawValue], let new = activation.locals[local.rawValue] else { return false }
      return !Tracer.isSame(old, new)
    }
    var recurrences: [Recurrence] = []
    for read in state.earlierReads {
      guard let (key, lag) = try resolve(read, in: state, among: state.definitions) else {
        throw read.array.missing(read.firstUndefined, span: read.span, isRead: true)
      }
      if case .whole? = read.array.source { continue }
      recurrences.append(Recurrence(read: read, key: key, lag: lag))
    }
    if recurrences.isEmpty && !carries {
      for slot in before.indices { activation.locals[slot] = before[slot] }
      return .normal
    }
    activation.locals = before
    for (slot, checkpoint) in marks { activation.piecewise[slot]?.rollback(to: checkpoint) }
    handler.rollback(to: mark)
    try scanLoop(
      loop, lower: lower, upper: upper, attempt: state, recurrences: recurrences, span: span, in: activation)
    return .normal
  }

  /// A read of an element that the loop defined some steps earlier.
  struct Recurrence {
    var read: LoopState.EarlierRead
    var key: LoopState.DefinitionKey
    var lag: Int
  }

  /// Traces a loop as a scan.
  ///
  /// Carried are the variables that the body assigns and, for each recurrent definition, its last values. What does not
  /// depend on them stays outside, computed for all steps at once, and comes in one slice per step.
  private func scanLoop(
    _ loop: CheckedLoop, lower: Int, upper: Int, attempt: LoopState?, recurrences: [Recurrence], span: SourceSpan,
    in activation: Activation
  ) throws {
    let frame = try openFrame(
      .loop, name: activation.function.locals[loop.variable.rawValue].name, lower: lower, extent: upper - lower)
    // Positions do not change between the attempt as a map and the scan; only its frame is a new one.
    func renamed(_ frames: [FrameID]) -> [FrameID] { frames.map { $0 == attempt?.frame.id ? frame.id : $0 } }
    let lookahead = (attempt?.definitions ?? []).map { definition in
      var copy = definition
      copy.frames = renamed(definition.frames)
      return copy
    }
    let recurrent = lookahead.filter { definition in
      recurrences.contains {
        $0.key == LoopState.DefinitionKey(array: ObjectIdentifier(definition.array), span: definition.span)
      }
    }
    func maximumLag(_ definition: LoopState.Definition) -> Int {
      recurrences.filter { $0.key.span == definition.span && $0.key.array == ObjectIdentifier(definition.array) }
        .map(\.lag).max() ?? 1
    }
    let carried = loop.carried.filter { activation.locals[$0.rawValue] != nil }
    let before = activation.locals

    // Shapes and frames of a carry are only known after a step: start from the initial value and widen until stable.
    var initial = try carried.map { local -> TracedTensor in
      guard let value = activation.locals[local.rawValue], Tracer.isNumeric(value) else {
        throw Fault(
          "M233", "`\(activation.function.locals[local.rawValue].name)` cannot be carried through the loop",
          help: "only numbers and arrays of numbers keep their type and shape from step to step", span: span)
      }
      return try tensor(value)
    }
    var starts: [[TracedTensor]] = try recurrent.map { definition in
      let reads = recurrences.filter { $0.key.span == definition.span }.map { (read: $0.read, lag: $0.lag) }
      return try (1...maximumLag(definition)).map {
        try historyStart(definition, stepsBack: $0, reads: reads, frame: frame)
      }
    }
    let marks = activation.piecewise.mapValues { $0.checkpoint() }
    let mark = handler.checkpoint()

    for _ in 0..<8 {
      let scope = Scope(builder: GraphBuilder(), frame: frame, level: scopes.count)
      scopes.append(scope)
      let state = LoopState(frame: frame, isScan: true)
      state.lookahead = lookahead
      loops.append(state)
      let carryNodes = try initial.map { try addCarry($0, to: scope) }
      for (local, carry) in zip(carried, carryNodes) { activation.locals[local.rawValue] = wrap(carry) }
      for (definition, list) in zip(recurrent, starts) {
        let key = LoopState.DefinitionKey(array: ObjectIdentifier(definition.array), span: definition.span)
        state.history[key] = try list.map { try addCarry($0, to: scope) }
      }
      activation.locals[loop.variable.rawValue] = wrap(frame.index)
      let flow = try execute(loop.body, in: activation)
      guard case .normal = flow else {
        throw Fault("M232", "a loop that is traced runs to its end", help: "remove `break` or `return`", span: span)
      }
      var next = try carried.map { local in try tensor(activation.locals[local.rawValue] ?? .none) }
      for definition in recurrent {
        let key = LoopState.DefinitionKey(array: ObjectIdentifier(definition.array), span: definition.span)
        guard
          let value = state.definitions.last(where: { $0.array === definition.array && $0.span == definition.span })?
            .value
        else { throw definition.array.missing(0, span: span, isRead: false) }
        next.append(value)
        next += (state.history[key] ?? []).dropLast()
      }
      let flatStarts = initial + starts.flatMap { $0 }
      // A carry takes the widest form it has at any step.
      var widened: [TracedTensor] = []
      var isStable = true
      for (slot, (start, after)) in zip(flatStarts, next).enumerated() {
        let goal = try commonForm(start, after, excluding: frame.id) { [carried] in
          let name = slot < carried.count ? activation.function.locals[carried[slot].rawValue].name : "the array"
          return Fault(
            "M234", "`\(name)` changes its shape from step to step",
            expected: "the shape it has before the loop, \(start.shape)", found: "\(after.shape)", span: span)
        }
        if goal.frames != start.frames || goal.element != start.element || goal.shape != start.shape {
          isStable = false
        }
        widened.append(try adapted(start, to: goal))
      }
      if !isStable {
        loops.removeLast()
        scopes.removeLast()
        activation.locals = before
        for (slot, checkpoint) in marks { activation.piecewise[slot]?.rollback(to: checkpoint) }
        handler.rollback(to: mark)
        initial = Array(widened.prefix(initial.count))
        var rest = widened.dropFirst(initial.count)
        starts = starts.map { list in
          let part = Array(rest.prefix(list.count))
          rest = rest.dropFirst(list.count)
          return part
        }
        continue
      }
      var wanted = state.definitions.compactMap(\.value) + state.pendingTerms.map(\.term)
      for piece in state.pendingPieces {
        wanted += try hooks.tensors(of: piece.request.distribution)
        wanted.append(piece.value)
      }
      let final = try finishScan(scope, frame: frame, next: next, starts: flatStarts, wanted: wanted)
      loops.removeLast()
      for (slot, local) in carried.enumerated() { activation.locals[local.rawValue] = wrap(final.carries[slot]) }
      for slot in before.indices where !carried.contains(where: { $0.rawValue == slot }) {
        activation.locals[slot] = before[slot]
      }
      // What the steps produced becomes pieces, terms and scores over all steps at once.
      for definition in state.definitions {
        guard let value = definition.value else { continue }
        try addPiece(
          definition.array, positions: definition.positions, value: final.outside(value), frames: definition.frames)
      }
      for (request, value, indices) in state.pendingPieces {
        var outside = request
        outside.distribution = try hooks.mapTensors(of: request.distribution) { final.outside($0) }
        try handler.piece(outside, value: final.outside(value), indices: indices, self)
      }
      for (term, place) in state.pendingTerms {
        try handler.addLogDensity(final.outside(term), span: place, self)
      }
      closeFrame(frame)
      return
    }
    throw Fault("M234", "the carried values of the loop do not settle on one shape", span: span)
  }
}

// MARK: - Scans

extension Tracer {
  /// What a finished scan gives to the graph around it.
  struct ScanResult {
    var carries: [TracedTensor]
    /// By node of the body: the values of all steps.
    var stacked: [NodeID: TracedTensor]
    var level: Int

    /// A tensor of the body as seen after the scan, over the loop's frame.
    func outside(_ tensor: TracedTensor) -> TracedTensor {
      tensor.level < level ? tensor : stacked[tensor.node] ?? tensor
    }
  }

  /// A value carried from step to step, with the frames and shape of its start.
  func addCarry(_ start: TracedTensor, to scope: Scope) throws -> TracedTensor {
    let node = scope.placeholder(Tracer.elementType(start.element), shape(frames: start.frames, start.shape))
    scope.carries.append(node)
    return TracedTensor(
      node: node, frames: start.frames, element: start.element, shape: start.shape, index: start.index,
      level: scope.level)
  }

  /// The form that fits a carry before and after a step.
  func commonForm(
    _ start: TracedTensor, _ after: TracedTensor, excluding frame: FrameID, mismatch: () -> Fault
  ) throws -> (frames: [FrameID], element: TracedTensor.Element, shape: [Int]) {
    guard start.shape == after.shape || start.shape.isEmpty else { throw mismatch() }
    guard start.shape == after.shape else { throw mismatch() }
    let ids = ordered(start.frames + after.frames).filter { $0 != frame }
    let element: TracedTensor.Element = start.element == after.element ? start.element : .real
    return (ids, element, start.shape)
  }

  func adapted(
    _ tensor: TracedTensor, to form: (frames: [FrameID], element: TracedTensor.Element, shape: [Int])
  ) throws -> TracedTensor {
    var result = try broadcast(tensor, toFrames: form.frames, shape: form.shape)
    if form.element == .real { result = try toReal(result) }
    return result
  }

  /// Closes the body's graph and adds the scan to the graph around it.
  func finishScan(
    _ scope: Scope, frame: Frame, next: [TracedTensor], starts: [TracedTensor], wanted: [TracedTensor]
  ) throws -> ScanResult {
    let nextNodes = try zip(next, starts).map { after, start in
      let inside = try lowered(after, to: scope.level)
      return try adapted(inside, to: (start.frames, start.element, start.shape)).node
    }
    var stackNodes: [TracedTensor] = []
    for tensor in wanted where tensor.level == scope.level && !stackNodes.contains(where: { $0.node == tensor.node }) {
      stackNodes.append(tensor)
    }
    // Inputs are numbered carries, slices, captured.
    let order = scope.carries + scope.sliced.map(\.inner) + scope.captured.map(\.inner)
    var numbers: [NodeID: Int] = [:]
    for (number, node) in order.enumerated() { numbers[node] = number }
    let raw = try scope.builder.finish(outputs: nextNodes + stackNodes.map(\.node))
    var nodes = raw.nodes
    for index in nodes.indices {
      if case .input = nodes[index].operation, let number = numbers[NodeID(Int32(index))] {
        nodes[index].operation = .input(number)
      }
    }
    let graph = Graph(
      nodes: nodes, outputs: raw.outputs, data: raw.data, parameterCount: 0, inputCount: order.count,
      origins: raw.origins)
    let body = ScanBody(
      graph: graph, carryCount: starts.count, slicedCount: scope.sliced.count, steps: frame.extent, isReversed: false)
    scopes.removeLast()
    let outer = scopes[scopes.count - 1]
    let startNodes = try starts.map { try lowered($0, to: outer.level).node }
    let slicedNodes = try scope.sliced.map { try lowered($0.outer, to: outer.level).node }
    let capturedNodes = try scope.captured.map { try lowered($0.outer, to: outer.level).node }
    let results = outer.builder.scan(body, carries: startNodes, sliced: slicedNodes, captured: capturedNodes)
    var stacked: [NodeID: TracedTensor] = [:]
    for (tensor, node) in zip(stackNodes, results.dropFirst(starts.count)) {
      let all = TracedTensor(
        node: node, frames: [frame.id] + tensor.frames, element: tensor.element, shape: tensor.shape,
        index: tensor.index, level: outer.level)
      stacked[tensor.node] = try permuted(all, framesTo: ordered(all.frames))
    }
    let carries = zip(starts, results).map { start, node in
      TracedTensor(
        node: node, frames: start.frames, element: start.element, shape: start.shape, index: start.index,
        level: outer.level)
    }
    return ScanResult(carries: carries, stacked: stacked, level: scope.level)
  }
}
