import Checking
import Syntax
import TensorIR

extension Tracer {
  // MARK: - Opening

  func openPiecewise(
    _ local: LocalID, name: String, type: Type, extents: [CheckedExpression], span: SourceSpan,
    in activation: Activation
  ) throws {
    try refuseInVaryingBranch("a piecewise array", span: span)
    let lengths = try extents.map { expression -> Int in
      let length = try fixedInt(expression, what: "an extent", in: activation)
      guard length >= 0 else {
        throw Fault("M243", "the extent of `\(name)` is negative", found: "\(length)", span: expression.span)
      }
      return length
    }
    var element = TracedTensor.Element.real
    if case .array(let scalar, _) = type {
      switch scalar {
      case .real: element = .real
      case .int, .index: element = .int
      case .bool: element = .bool
      }
    }
    let array = PiecewiseArray(
      name: prefix + name, frames: frames.map(\.id), extents: lengths, element: element, span: span)
    activation.piecewise[local.rawValue] = array
    activation.locals[local.rawValue] = .traced(TracedValue(.piecewise(array)))
  }

  private func piecewise(_ local: LocalID, in activation: Activation) throws -> PiecewiseArray {
    if let array = activation.piecewise[local.rawValue] { return array }
    throw Fault("R092", "`\(activation.function.locals[local.rawValue].name)` is not open for definition here")
  }

  // MARK: - Definitions

  func pieceSite(
    _ local: LocalID, _ indices: [CheckedExpression], _ distribution: CheckedExpression, span: SourceSpan,
    in activation: Activation
  ) throws {
    try refuseInVaryingBranch("a site", span: span)
    let array = try piecewise(local, in: activation)
    if !array.isSite {
      guard array.pieces.isEmpty else {
        throw Fault(
          "M244", "`\(array.name)` is partly computed and partly drawn",
          help: "use two arrays: one with `=`, one with `~`", span: span)
      }
      try openSite(array, families: Tracer.families(of: local, in: activation.function.body))
    }
    let place = try positions(of: indices, in: array, span: span, activation: activation)
    let drawn = try evaluate(distribution, in: activation)
    let request = SiteRequest(
      name: array.name, distribution: drawn,
      frames: frames.filter { place.frames.contains($0.id) || array.frames.contains($0.id) },
      span: distribution.span)
    try array.define(place.positions, by: span)
    switch array.source {
    case .whole(let whole):
      let value = try elements(of: whole, array: array, at: place)
      loops.last?.definitions.append(
        LoopState.Definition(
          array: array, positions: place.positions, value: nil, frames: place.frames, rest: place.rest, span: span))
      if let loop = loops.last, loop.isScan, try hooks.tensors(of: drawn).contains(where: { $0.level > 0 }) {
        loop.pendingPieces.append((request, value, place.tensor))
      } else {
        try handler.piece(request, value: value, indices: place.tensor, self)
      }
    case .drawn, nil:
      let value = try tensor(try handler.drawPiece(request, indices: place.tensor, self))
      try give(array, place, value, span: span)
    }
  }

  private func openSite(_ array: PiecewiseArray, families: [String]) throws {
    array.isSite = true
    array.source = try handler.openPiecewise(
      name: array.name, frames: frames.filter { array.frames.contains($0.id) }, extents: array.extents,
      families: families, span: array.span, self)
  }

  func pieceValue(
    _ local: LocalID, _ indices: [CheckedExpression], _ expression: CheckedExpression, span: SourceSpan,
    in activation: Activation
  ) throws {
    try refuseInVaryingBranch("a definition", span: span)
    let array = try piecewise(local, in: activation)
    guard !array.isSite else {
      throw Fault(
        "M244", "`\(array.name)` is partly computed and partly drawn",
        help: "use two arrays: one with `=`, one with `~`", span: span)
    }
    let place = try positions(of: indices, in: array, span: span, activation: activation)
    var value = try tensor(try evaluate(expression, in: activation))
    if array.element == .real { value = try toReal(value) }
    try array.define(place.positions, by: span)
    try give(array, place, value, span: span)
  }

  /// Hands a piece its value: at once, or when the scan that computes it is finished.
  private func give(_ array: PiecewiseArray, _ place: Place, _ value: TracedTensor, span: SourceSpan) throws {
    if let loop = loops.last {
      let definition = LoopState.Definition(
        array: array, positions: place.positions, value: value, frames: place.frames, rest: place.rest, span: span)
      loop.definitions.append(definition)
      if loop.isScan { return }
    }
    try addPiece(array, positions: place.positions, value: value, frames: place.frames)
  }

  /// Adds a computed piece. `frames` are those the piece runs over, besides the array's own.
  func addPiece(_ array: PiecewiseArray, positions: [Int], value: TracedTensor, frames: [FrameID]) throws {
    // Bring the value to [array frames…, piece frames…] and read the latter as the piece's elements.
    let goal = array.frames + frames.filter { !array.frames.contains($0) }
    var wide = try broadcast(value, toFrames: ordered(goal), shape: value.shape)
    wide = try permuted(wide, framesTo: goal)
    wide.frames = array.frames
    wide.shape = [positions.count]
    wide = try reshaped(wide)
    array.pieces.append(.init(positions: positions, value: wide))
  }

  // MARK: - Positions

  /// Which elements a definition or read is about.
  struct Place {
    /// Flat positions, row-major over `frames` (then over the rest of a row, for definitions of whole rows).
    var positions: [Int]
    /// Frames the indices run over, outermost first.
    var frames: [FrameID]
    var tensor: TracedTensor
    /// Extents that the indices leave (defining a row of a matrix).
    var rest: [Int]
  }

  private func positions(
    of indices: [CheckedExpression], in array: PiecewiseArray, span: SourceSpan, activation: Activation
  ) throws -> Place {
    guard indices.count <= array.extents.count else {
      throw Fault("H220", "`\(array.name)` has \(array.extents.count) dimensions, not \(indices.count)", span: span)
    }
    var parts: [(tensor: TracedTensor, span: SourceSpan)] = []
    for expression in indices {
      let value = try evaluate(expression, in: activation)
      let part = try tensor(value)
      guard part.shape.isEmpty, part.element == .int, part.level == 0, knownIntegers(part) != nil else {
        throw Fault(
          "M245", "which element is defined must be fixed by plate and loop indices", caret: "depends on a site",
          span: expression.span)
      }
      parts.append((part, expression.span))
    }
    return try place(parts, extents: array.extents, name: array.name)
  }

  /// Flat positions from one known integer tensor per leading axis.
  private func place(_ parts: [(tensor: TracedTensor, span: SourceSpan)], extents: [Int], name: String) throws -> Place
  {
    let frameList = ordered(parts.flatMap(\.tensor.frames))
    let shapeOfFrames = frameList.map { id in frames.first { $0.id == id }?.extent ?? 1 }
    let count = shapeOfFrames.reduce(1, *)
    var flat = Array(repeating: 0, count: count)
    for (axis, part) in parts.enumerated() {
      let wide = try broadcast(part.tensor, toFrames: frameList, shape: [])
      guard let known = knownIntegers(wide) else { continue }
      for position in 0..<count {
        let index = known.count == 1 ? known[0] : known[position]
        guard index >= 0, index < extents[axis] else {
          throw Fault(
            "R003", "index \(index) is out of range", expected: "0 ..< \(extents[axis])", found: "\(index)",
            help: "`\(name)` has \(extents[axis]) elements along this axis", span: part.span)
        }
        flat[position] = flat[position] * extents[axis] + index
      }
    }
    let rest = Array(extents.dropFirst(parts.count))
    let block = rest.reduce(1, *)
    var positions: [Int] = []
    positions.reserveCapacity(count * block)
    for start in flat { for offset in 0..<block { positions.append(start * block + offset) } }
    let tensor = try integers(flat, frames: frameList)
    return Place(positions: positions, frames: frameList, tensor: tensor, rest: rest)
  }

  // MARK: - Reading

  /// The elements of a fully given site (data or latent) at some positions: shape `[frames…]` plus the rest of a row.
  private func elements(of whole: TracedTensor, array: PiecewiseArray, at place: Place) throws -> TracedTensor {
    let flatWhole = try flattened(whole, keepingRest: place.rest)
    return try gather(flatWhole, at: place.tensor)
  }

  /// The whole array as one tensor; every element must be defined by now.
  func whole(_ array: PiecewiseArray, span: SourceSpan) throws -> TracedTensor {
    if let assembled = array.assembled { return assembled }
    if case .whole(let tensor)? = array.source {
      if let missing = firstUndefined(array) { throw array.missing(missing, span: span, isRead: true) }
      return tensor
    }
    if let missing = firstUndefined(array) { throw array.missing(missing, span: span, isRead: true) }
    let assembled = try assemble(array)
    array.assembled = assembled
    return assembled
  }

  private func firstUndefined(_ array: PiecewiseArray) -> Int? {
    array.isComplete ? nil : array.definedBy.firstIndex(of: 0)
  }

  /// Puts the pieces into one tensor of the array's extents.
  private func assemble(_ array: PiecewiseArray) throws -> TracedTensor {
    guard !array.pieces.isEmpty else { return try emptyTensor(shape: array.extents, element: array.element) }
    var order = Array(repeating: 0, count: array.count)
    var offset = 0
    for piece in array.pieces {
      for (slot, position) in piece.positions.enumerated() { order[position] = offset + slot }
      offset += piece.positions.count
    }
    var joined = try concatenated(array.pieces.map { $0.value }, frames: array.frames)
    let isInOrder = !order.indices.contains { order[$0] != $0 }
    if !isInOrder { joined = try gather(joined, at: try integersAlongAxis(order)) }
    joined.shape = array.extents
    return try reshaped(joined)
  }

  /// Reads elements of an array that is still under definition, or complete.
  func read(_ array: PiecewiseArray, _ parts: [(tensor: TracedTensor, span: SourceSpan)], span: SourceSpan) throws
    -> TracedTensor
  {
    // Elements that inactive lanes of a conditional would read are clamped: their values are thrown away.
    let frameList = ordered(parts.flatMap(\.tensor.frames))
    let active = try activeLanes(over: frameList)
    let clamped = try parts.enumerated().map { axis, part in
      (
        tensor: try clampedIndex(
          part.tensor, extent: array.extents[axis], active: active, frames: frameList, span: part.span, name: array.name
        ),
        span: part.span
      )
    }
    let place = try place(clamped, extents: array.extents, name: array.name)

    if let loop = loops.last, array.assembled == nil {
      if let result = try readInsideLoop(array, place, loop: loop, active: active, span: span) { return result }
    }
    for (lane, position) in place.positions.enumerated() where array.definedBy[position] == 0 {
      if let active, !active[lane / max(1, place.rest.reduce(1, *))] { continue }
      throw array.missing(position, span: span, isRead: true)
    }
    if case .whole(let tensor)? = array.source { return try elements(of: tensor, array: array, at: place) }
    if array.isComplete { return try elements(of: try whole(array, span: span), array: array, at: place) }
    return try elements(of: try assemblePartly(array), array: array, at: place)
  }

  /// What is defined so far, zeros elsewhere; only defined elements are read from it.
  private func assemblePartly(_ array: PiecewiseArray) throws -> TracedTensor {
    guard !array.pieces.isEmpty else { return try zeros(shape: array.extents, element: array.element) }
    var order = Array(repeating: 0, count: array.count)
    var offset = 0
    for piece in array.pieces {
      for (slot, position) in piece.positions.enumerated() { order[position] = offset + slot }
      offset += piece.positions.count
    }
    var joined = try concatenated(array.pieces.map { $0.value }, frames: array.frames)
    joined = try gather(joined, at: try integersAlongAxis(order))
    joined.shape = array.extents
    return try reshaped(joined)
  }

  /// A read inside a symbolic loop. Nil where only elements from before the loop are read.
  private func readInsideLoop(
    _ array: PiecewiseArray, _ place: Place, loop: LoopState, active: [Bool]?, span: SourceSpan
  ) throws -> TracedTensor? {
    let read = LoopState.EarlierRead(array: array, place: place, active: active, span: span)
    let inLoop = Set(loop.definitions.filter { $0.array === array }.map(\.span))
    let isAllBefore = read.lanesAreAll { position in
      let number = array.definedBy[position]
      return number != 0 && !inLoop.contains(array.statements[Int(number) - 1])
    }
    if isAllBefore { return nil }
    // A definition made above in this very step.
    for definition in loop.definitions where definition.array === array && definition.positions == place.positions {
      if case .whole? = array.source { return nil }
      return definition.value
    }
    guard loop.isScan else {
      // Whether the element is defined by then shows when the body has been seen to its end.
      loop.earlierReads.append(read)
      if case .whole(let tensor)? = array.source { return try elements(of: tensor, array: array, at: place) }
      return try zeros(
        shape: place.rest, element: array.element, frames: ordered(array.frames + place.frames))
    }
    guard let (key, lag) = try resolve(read, in: loop, among: loop.lookahead) else {
      throw array.missing(read.firstUndefined, span: span, isRead: true)
    }
    if case .whole(let tensor)? = array.source { return try elements(of: tensor, array: array, at: place) }
    guard let history = loop.history[key], lag <= history.count else {
      throw array.missing(read.firstUndefined, span: span, isRead: true)
    }
    return history[lag - 1]
  }

  /// Which definition of the loop a read looks back to, and how many steps: the same number at every step, or nil.
  func resolve(
    _ read: LoopState.EarlierRead, in loop: LoopState, among definitions: [LoopState.Definition]
  ) throws -> (LoopState.DefinitionKey, lag: Int)? {
    let steps = loop.frame.extent
    guard steps > 0 else { return nil }
    for definition in definitions where definition.array === read.array {
      let mine = read.place.positions
      guard definition.positions.count == mine.count || read.place.frames.first != loop.frame.id else { continue }
      guard definition.positions.count == mine.count else { continue }
      let lanes = mine.count / steps
      let inLoop = Set(definitions.filter { $0.array === read.array }.map(\.span))
      candidates: for lag in 1...max(1, min(steps, 64)) {
        for step in 0..<steps {
          for lane in 0..<lanes {
            let here = step * lanes + lane
            guard read.isActive(here) else { continue }
            if step >= lag {
              if mine[here] != definition.positions[(step - lag) * lanes + lane] { continue candidates }
            } else {
              let number = read.array.definedBy[mine[here]]
              guard number != 0 else { continue candidates }
              if !loop.isScan, inLoop.contains(read.array.statements[Int(number) - 1]) { continue candidates }
            }
          }
        }
        return (LoopState.DefinitionKey(array: ObjectIdentifier(read.array), span: definition.span), lag)
      }
    }
    return nil
  }

  /// The value that a loop's history of a definition starts from, some steps before the first.
  func historyStart(
    _ definition: LoopState.Definition, stepsBack: Int, reads: [(read: LoopState.EarlierRead, lag: Int)], frame: Frame
  ) throws -> TracedTensor {
    let array = definition.array
    let frameList = ordered(array.frames + definition.frames.filter { $0 != frame.id })
    let lanes = definition.positions.count / max(1, frame.extent)
    for (read, lag) in reads where lag >= stepsBack && lag - stepsBack < frame.extent {
      let step = lag - stepsBack
      let lanePositions = Array(read.place.positions[(step * lanes)..<((step + 1) * lanes)])
      guard lanePositions.indices.allSatisfy({ read.isActive(step * lanes + $0) }) else { continue }
      guard lanePositions.allSatisfy({ array.definedBy[$0] != 0 }) else { continue }
      let block = max(1, definition.rest.reduce(1, *))
      let flat = try flattened(try assemblePartly(array), keepingRest: definition.rest)
      let rows = stride(from: 0, to: lanePositions.count, by: block).map { lanePositions[$0] / block }
      return try gather(flat, at: try integers(rows, frames: frameList.filter { !array.frames.contains($0) }))
    }
    return try zeros(shape: definition.rest, element: array.element, frames: frameList)
  }

  // MARK: - Ends

  /// At the end of a model, or of a plate that opened the array: everything must be defined.
  func finishPiecewise(in activation: Activation, openedIn frame: Frame? = nil) throws {
    for (slot, array) in activation.piecewise.sorted(by: { $0.key < $1.key }) {
      if let frame, !array.frames.contains(frame.id) { continue }
      if let missing = firstUndefined(array) { throw array.missing(missing, span: array.span, isRead: false) }
      // A loop without steps defines nothing: that an empty array is a site is then known from the text alone.
      if !array.isSite, array.count == 0 {
        let families = Tracer.families(of: LocalID(slot), in: activation.function.body)
        if !families.isEmpty { try openSite(array, families: families) }
      }
      let value = try whole(array, span: array.span)
      if array.isSite {
        if case .drawn? = array.source { try handler.completePiecewise(name: array.name, value: value, self) }
      } else {
        try handler.derived(name: array.name, value: wrap(value), frames: frames, self)
      }
      activation.piecewise[slot] = nil
      activation.locals[slot] = wrap(value)
    }
  }

  /// Constructors named in the pieces of an array, in text order.
  static func families(of local: LocalID, in statements: [CheckedStatement]) -> [String] {
    var names: [String] = []
    func family(_ expression: CheckedExpression) {
      switch expression.kind {
      case .distribution(let name, _): names.append(name)
      case .convert(let inner, _): family(inner)
      default: names.append("")
      }
    }
    func visit(_ statements: [CheckedStatement]) {
      for statement in statements {
        switch statement.kind {
        case .pieceSite(local, _, let distribution): family(distribution)
        case .ifElse(_, let then, let otherwise), .ifLet(_, _, let then, let otherwise):
          visit(then)
          visit(otherwise)
        case .switchEnum(_, let cases, let otherwise):
          for candidate in cases { visit(candidate.body) }
          visit(otherwise ?? [])
        case .forIn(let loop): visit(loop.body)
        case .whileLoop(_, let body), .block(let body): visit(body)
        case .plate(let plate): visit(plate.body)
        default: break
        }
      }
    }
    visit(statements)
    return names
  }
}
