import Checking
import Distributions
import Interpreter
import Numerics
import Syntax
import TensorIR

/// Traces a model for one purpose: gives each site its value and collects log-density terms.
final class ModelTrace: SiteHandler {
  /// Chooses the source of a site once its shape is known.
  typealias Chooser = (_ name: String, _ shape: [Int], _ isDiscrete: Bool) throws -> SiteSource

  struct State {
    var sites: [SiteRecord] = []
    /// Terms by site name (`addLogDensity` has names of its own), in the order made.
    var terms: [(name: String, node: NodeID)] = []
    var jacobians: [(name: String, node: NodeID)] = []
    var blocks: [LatentBlock] = []
    var nextOffset = 0
    var derived: [(name: String, node: NodeID, shape: [Int], element: ElementType)] = []
    var openPiecewise: [String: PiecewiseSite] = [:]
    var extraTerms = 0
  }

  struct PiecewiseSite {
    var frames: [Frame]
    var extents: [Int]
    var span: SourceSpan
  }

  var state = State()
  private var checkpoints: [State] = []
  let model: ModelValue
  private let choose: Chooser
  /// Offsets by site where the canonical order is known.
  private let layout: [String: Int]?
  /// Whether unconstrained coordinates of replayed sites are wanted.
  private let wantsUnconstrained: Bool

  init(model: ModelValue, layout: [String: Int]?, wantsUnconstrained: Bool = false, choose: @escaping Chooser) {
    self.model = model
    self.layout = layout
    self.wantsUnconstrained = wantsUnconstrained
    self.choose = choose
  }

  func checkpoint() -> Int {
    checkpoints.append(state)
    return checkpoints.count - 1
  }

  func rollback(to checkpoint: Int) { if checkpoint < checkpoints.count { state = checkpoints[checkpoint] } }

  // MARK: - Parameters

  /// A site's distribution brought to the graph: parameter nodes over the frames and the batch.
  private struct Prepared {
    var family: any DistributionFamily
    var parameters: [NodeID]
    /// The parameters as tensors of the dialect, before broadcasting.
    var batch: [Int]
    var event: [Int]
    var frames: [FrameID]
    var builder: GraphBuilder
    var level: Int
    var indexExtent: Int?
  }

  private func prepare(_ request: SiteRequest, _ tracer: Tracer, frames siteFrames: [FrameID]) throws -> Prepared {
    guard case .engine(let engine) = request.distribution, let distribution = engine as? DistributionValue else {
      throw Fault("M112", "the right side of `~` is a distribution", span: request.span)
    }
    let family = distribution.family
    let infos = family.parameters
    var tensors: [TracedTensor] = []
    for (parameter, value) in zip(infos, distribution.arguments) {
      var tensor = try tracer.tensor(value)
      if parameter.kind != .integer { tensor = try tracer.real(tensor) }
      guard tensor.shape.count >= parameter.rank else {
        throw Fault(
          "M204", "`\(parameter.name)` of `\(family.baseName)` has too few dimensions", found: "\(tensor.shape)",
          span: request.span)
      }
      tensors.append(tensor)
    }
    let (lowered, builder, level) = try tracer.common(tensors)
    let shapes = lowered.map(\.shape)
    guard var batch = family.batchShape(shapes) else {
      let found = zip(infos, shapes).map { "`\($0.name)` \($1)" }.joined(separator: ", ")
      throw Fault(
        "H203", "the parameters of `\(family.baseName)` have different shapes",
        expected: "equal shapes; only scalars broadcast",
        found: found, span: request.span)
    }
    if !distribution.iid.isEmpty {
      guard batch.isEmpty else {
        throw Fault("M120", "`.iid` repeats a distribution of one number", span: request.span)
      }
      guard distribution.iid.allSatisfy({ $0 >= 0 }) else {
        throw Fault("M205", "`.iid` needs lengths of 0 or more", found: "\(distribution.iid)", span: request.span)
      }
      batch = distribution.iid
    }
    // Inside a scan the loop's own frame is not an axis: each step draws its own element.
    let frames = level == 0 ? siteFrames : siteFrames.filter { id in !tracer.scanFrames(upTo: level).contains(id) }
    var nodes: [NodeID] = []
    for (parameter, tensor) in zip(infos, lowered) {
      let own = Array(tensor.shape.dropLast(parameter.rank))
      let event = Array(tensor.shape.suffix(parameter.rank))
      if own.isEmpty && tensor.frames.isEmpty {
        nodes.append(tensor.node)
        continue
      }
      let goal = tracer.shape(frames: frames, batch + event)
      var mapping: [Int] = []
      for id in tensor.frames {
        guard let axis = frames.firstIndex(of: id) else {
          throw Fault(
            "M236", "`\(parameter.name)` depends on an index that the site does not have",
            help: "index the site by it too, as in `level[i] ~ …`, or define it outside of the plate or loop",
            span: request.span)
        }
        mapping.append(axis)
      }
      if !own.isEmpty { mapping += (0..<batch.count).map { frames.count + $0 } }
      mapping += (0..<event.count).map { frames.count + batch.count + $0 }
      nodes.append(builder.broadcast(tensor.node, to: goal, mapping: mapping))
    }
    if let fault = family.fault(in: nodes, builder) {
      var wrong = DistributionValue.fault(fault.description, family)
      wrong.span = request.span
      throw wrong
    }
    builder.origin = tracer.originNumber(request.span)
    var bound: Int?
    if family.valueElement == .integer, case .integers(let below) = family.support(nodes, builder) { bound = below }
    return Prepared(
      family: family, parameters: nodes, batch: batch, event: family.eventShape(shapes), frames: frames,
      builder: builder, level: level, indexExtent: bound)
  }

  // MARK: - Sites

  func site(_ request: SiteRequest, _ tracer: Tracer) throws -> Value {
    let prepared = try prepare(request, tracer, frames: request.frames.map(\.id))
    let b = prepared.builder
    let own = prepared.batch + prepared.event
    let shape = request.frames.map(\.extent) + own
    if state.sites.contains(where: { $0.name == request.name }) {
      throw Fault("M101", "`\(request.name)` is bound twice in this model", span: request.span)
    }
    var record = SiteRecord(
      name: request.name, role: .drawn, shape: shape, element: prepared.family.valueElement, family: prepared.family,
      value: NodeID(0), span: request.span)
    record.dependencies = prepared.parameters
    let nodeShape = tracer.shape(frames: prepared.frames, own)

    switch try choose(request.name, shape, prepared.family.isDiscrete) {
    case .position:
      try latent(&record, prepared, nodeShape, request, tracer)
    case .data(let value, let place):
      if let unreadable = try observe(&record, value, place, prepared, nodeShape, request) {
        state.sites.append(record)
        return .traced(TracedValue(.unreadable(unreadable)))
      }
    case .fixed(let value):
      record.role = .intervened
      record.value = try fixed(value, record, nodeShape, request.span, b)
    case .input(let offset):
      record.role = .replayed
      let raw = b.parameter(offset: offset, shape: nodeShape)
      record.value = prepared.family.isDiscrete ? b.unary(.toInteger, raw) : raw
      score(&record, prepared, nodeShape)
      if wantsUnconstrained { record.unconstrained = try unconstrained(record, prepared, request) }
    case .draw:
      record.value = try draw(prepared, elements: numbering(nodeShape.dropLast(prepared.event.count), b), request)
    }
    state.sites.append(record)
    let tensor = TracedTensor(
      node: record.value, frames: prepared.frames, element: element(prepared.family), shape: own,
      index: prepared.indexExtent.map { IndexInfo(extent: $0, levels: nil) }, level: prepared.level)
    return .traced(TracedValue(.tensor(tensor)))
  }

  private func element(_ family: any DistributionFamily) -> TracedTensor.Element {
    family.isDiscrete ? .int : .real
  }

  /// 0, 1, 2, … over a shape.
  private func numbering(_ shape: some Collection<Dimension>, _ b: GraphBuilder) -> NodeID {
    let extents = shape.map(\.extent)
    let count = extents.reduce(1, *)
    return b.data(TensorData(extents: extents, elements: (0..<count).map(Double.init)), element: .integer)
  }

  private func label(_ name: String) -> StreamLabel {
    var builder = DigestBuilder()
    builder.append(tag: "site")
    builder.append(name)
    let digest = builder.finish()
    return StreamLabel(high: digest.words.0, low: digest.words.1)
  }

  private func draw(_ prepared: Prepared, elements: NodeID, _ request: SiteRequest) throws -> NodeID {
    guard
      let node = prepared.family.draw(label(request.name), elements: elements, prepared.parameters, prepared.builder)
    else {
      throw Fault(
        "M210", "`\(request.name)` cannot be drawn: `\(prepared.family.baseName)` is improper",
        help: "give it a proper prior, condition it with `given`, or set it with `do`", span: request.span)
    }
    // A family whose parameters are all scalars may return one number for the whole shape.
    let goal = prepared.builder.shape(elements)
    let have = prepared.builder.shape(node)
    if have.count < goal.count { return prepared.builder.broadcast(node, to: goal, mapping: []) }
    return node
  }

  /// The log density of the site's value, kept per element and summed under the site's name.
  private func score(_ record: inout SiteRecord, _ prepared: Prepared, _ nodeShape: Shape, masked: NodeID? = nil) {
    let b = prepared.builder
    var density = prepared.family.logDensity(record.value, prepared.parameters, b)
    let batchShape = Array(nodeShape.dropLast(prepared.event.count))
    if b.shape(density).count < batchShape.count { density = b.broadcast(density, to: batchShape, mapping: []) }
    if let masked { density = b.select(masked, density, b.constant(0)) }
    record.pointwise.append(.init(node: density))
    state.terms.append((record.name, b.sumAll(density)))
  }

  // MARK: - Latents

  private func offset(_ name: String, _ count: Int) -> Int {
    let offset = layout?[name] ?? state.nextOffset
    state.nextOffset += count
    state.blocks.append(LatentBlock(site: name, offset: offset, count: count))
    return offset
  }

  private func latent(
    _ record: inout SiteRecord, _ prepared: Prepared, _ nodeShape: Shape, _ request: SiteRequest, _ tracer: Tracer
  ) throws {
    let b = prepared.builder
    record.role = .latent
    guard !prepared.family.isDiscrete else { throw discrete(record.name, request.span) }
    if model.coordinates[request.name] == .noncentered {
      let standard = try Standardization.make(
        prepared.family, prepared.parameters, name: request.name, span: request.span)
      let y = b.parameter(offset: offset(record.name, nodeShape.elementCount), shape: nodeShape)
      let (value, density, jacobian) = standard.forward(y, b)
      record.value = value
      var own = density
      let batchShape = Array(nodeShape.dropLast(prepared.event.count))
      if b.shape(own).count < batchShape.count { own = b.broadcast(own, to: batchShape, mapping: []) }
      state.terms.append((record.name, b.sumAll(own)))
      if let jacobian { state.jacobians.append((record.name, b.sumAll(jacobian))) }
      record.pointwise.append(.init(node: own))
      return
    }
    guard let bijector = prepared.family.support(prepared.parameters, b).bijector else {
      throw discrete(record.name, request.span)
    }
    let extents = nodeShape.extents
    let lead = nodeShape.count - prepared.event.count
    let yExtents = Array(extents.prefix(lead)) + bijector.unconstrainedExtents(prepared.event)
    let yShape = Array(nodeShape.prefix(lead)) + yExtents.dropFirst(lead).map { Dimension($0) }
    let y = b.parameter(offset: offset(record.name, yExtents.reduce(1, *)), shape: yShape)
    record.value = bijector.forward(y, b)
    state.jacobians.append((record.name, b.sumAll(bijector.logDeterminant(y, b))))
    score(&record, prepared, nodeShape)
  }

  private func discrete(_ name: String, _ span: SourceSpan) -> Fault {
    Fault(
      "M211", "`\(name)` is discrete and not given", caret: "a sum over its values is not available yet",
      help: "condition it with `given(\(name): …)`, or sum it out by hand with `addLogDensity`", span: span)
  }

  private func unconstrained(_ record: SiteRecord, _ prepared: Prepared, _ request: SiteRequest) throws -> NodeID? {
    guard !prepared.family.isDiscrete else { return nil }
    if model.coordinates[request.name] == .noncentered {
      return try Standardization.make(prepared.family, prepared.parameters, name: request.name, span: request.span)
        .inverse(record.value, prepared.builder)
    }
    return prepared.family.support(prepared.parameters, prepared.builder).bijector?.inverse(
      record.value, prepared.builder)
  }

  // MARK: - Data

  private func fixed(
    _ value: Value, _ record: SiteRecord, _ nodeShape: Shape, _ span: SourceSpan, _ b: GraphBuilder
  ) throws -> NodeID {
    guard let data = TensorConversion.data(value) else {
      throw Fault("M206", "the value for `\(record.name)` has no numbers", found: Operations.words(value), span: span)
    }
    if data.extents.isEmpty, !record.shape.isEmpty {
      // One number for all elements.
      return b.data(
        TensorData(extents: record.shape, elements: Array(repeating: data.elements[0], count: nodeShape.elementCount)),
        element: record.element, tags: nodeShape.map(\.tag))
    }
    guard data.extents == record.shape else { throw wrongShape(record.name, data.extents, record.shape, span) }
    return b.data(data, element: record.element, tags: nodeShape.map(\.tag))
  }

  private func wrongShape(_ name: String, _ found: [Int], _ expected: [Int], _ span: SourceSpan?) -> Fault {
    Fault(
      "H230", "the data for `\(name)` have another shape than the site",
      expected: "shape \(expected)", found: "shape \(found)",
      help: "the site's shape follows from the model's arguments",
      span: span)
  }

  /// Conditions the site. Returns why its value may not be read, where that is so.
  private func observe(
    _ record: inout SiteRecord, _ value: Value, _ place: SourceSpan?, _ prepared: Prepared, _ nodeShape: Shape,
    _ request: SiteRequest
  ) throws -> Fault? {
    let b = prepared.builder
    record.role = .observed
    guard let (data, isPresent) = TensorConversion.partial(value) else {
      throw Fault(
        "M206", "the data for `\(record.name)` have no numbers", found: Operations.words(value),
        span: place ?? request.span)
    }
    guard data.extents == record.shape || (data.elements.isEmpty && nodeShape.elementCount == 0) else {
      throw wrongShape(record.name, data.extents, record.shape, place ?? request.span)
    }
    if let index = data.elements.indices.first(where: { isPresent[$0] && !data.elements[$0].isFinite }) {
      throw Fault(
        "M207", "the data for `\(record.name)` are not all finite",
        found: "\(data.elements[index]) at position \(index)",
        help: "drop the entry, or mark it as missing with `nil`", span: place ?? request.span)
    }
    if prepared.family.isDiscrete,
      let index = data.elements.indices.first(where: {
        isPresent[$0] && data.elements[$0] != data.elements[$0].rounded()
      })
    {
      throw Fault(
        "M208", "the data for `\(record.name)` are not whole numbers",
        found: "\(data.elements[index]) at position \(index)",
        span: place ?? request.span)
    }
    let tags = nodeShape.map(\.tag)
    let missing = isPresent.indices.filter { !isPresent[$0] }
    guard !missing.isEmpty else {
      record.value = b.data(
        TensorData(extents: record.shape, elements: data.elements), element: record.element, tags: tags)
      score(&record, prepared, nodeShape)
      return nil
    }
    record.missing = missing
    let mask = b.data(
      TensorData(extents: record.shape, elements: isPresent.map { $0 ? 1 : 0 }), element: .boolean, tags: tags)
    guard prepared.event.isEmpty else {
      throw Fault(
        "M209", "`\(record.name)` has missing entries inside a vector",
        help: "give whole vectors, or leave the site out",
        span: place ?? request.span)
    }
    if prepared.family.isDiscrete {
      // A lawful value stands in for what is missing; its term is masked.
      let filler = isPresent.indices.first { isPresent[$0] }.map { data.elements[$0] } ?? 0
      let filled = zip(data.elements, isPresent).map { $1 ? $0 : filler }
      record.value = b.data(TensorData(extents: record.shape, elements: filled), element: record.element, tags: tags)
      score(&record, prepared, nodeShape, masked: mask)
      return Fault(
        "M212", "`\(record.name)` is discrete and has missing entries, and something reads it",
        help: "a sum over the missing values is not available yet: drop these rows, or do not read `\(record.name)`",
        span: place ?? request.span)
    }
    guard let bijector = prepared.family.support(prepared.parameters, b).bijector else {
      throw discrete(record.name, request.span)
    }
    // One coordinate per missing entry, spread over the shape; what is given stays data.
    let imputed: NodeID
    switch try choose(record.name + SiteNames.missing, [missing.count], false) {
    case .draw, .data, .fixed:
      imputed = try draw(prepared, elements: numbering(nodeShape, b), request)
    case .input(let offset):
      let values = b.parameter(offset: offset, shape: [Dimension(missing.count)])
      imputed = spread(values, missing, nodeShape, b)
      if wantsUnconstrained {
        let y = bijector.inverse(
          b.select(mask, b.data(TensorData(extents: record.shape, elements: data.elements)), imputed), b)
        let flat = b.reshape(y, to: [Dimension(nodeShape.elementCount)])
        let index = b.data(TensorData(extents: [missing.count], elements: missing.map(Double.init)), element: .integer)
        record.unconstrained = b.gather(flat, [index])
      }
    case .position:
      let y = b.parameter(
        offset: offset(record.name + SiteNames.missing, missing.count), shape: [Dimension(missing.count)])
      let wide = spread(y, missing, nodeShape, b)
      imputed = bijector.forward(wide, b)
      let determinant = bijector.logDeterminant(wide, b)
      let all =
        b.shape(determinant).count < nodeShape.count
        ? b.broadcast(determinant, to: nodeShape, mapping: []) : determinant
      state.jacobians.append((record.name, b.sumAll(b.select(mask, b.constant(0), all))))
    }
    let given = b.data(TensorData(extents: record.shape, elements: data.elements), tags: tags)
    record.value = b.select(mask, given, imputed)
    score(&record, prepared, nodeShape)
    return nil
  }

  private func spread(_ values: NodeID, _ positions: [Int], _ shape: Shape, _ b: GraphBuilder) -> NodeID {
    let index = b.data(TensorData(extents: [positions.count], elements: positions.map(Double.init)), element: .integer)
    return b.reshape(b.scatterAdd(values, [index], into: [Dimension(shape.elementCount)]), to: shape)
  }

  // MARK: - Piecewise sites

  func openPiecewise(
    name: String, frames: [Frame], extents: [Int], families: [String], span: SourceSpan, _ tracer: Tracer
  ) throws -> PiecewiseSource {
    let shape = frames.map(\.extent) + extents
    state.openPiecewise[name] = PiecewiseSite(frames: frames, extents: extents, span: span)
    let ids = frames.map(\.id)
    let nodeShape = tracer.shape(frames: ids, extents)
    let b = tracer.rootBuilder
    b.origin = tracer.originNumber(span)
    let kinds = families.map { DistributionLibrary.family(named: $0) }
    guard let family = kinds.first ?? nil else {
      throw Fault(
        "M213", "the distributions of `\(name)` must be written where it is defined", span: span)
    }
    var record = SiteRecord(
      name: name, role: .drawn, shape: shape, element: family.valueElement, family: family, value: NodeID(0), span: span
    )
    func whole(_ node: NodeID) -> PiecewiseSource {
      record.value = node
      state.sites.append(record)
      return .whole(
        TracedTensor(node: node, frames: ids, element: element(family), shape: extents))
    }
    switch try choose(name, shape, family.isDiscrete) {
    case .position:
      record.role = .latent
      guard !family.isDiscrete else { throw discrete(name, span) }
      if model.coordinates[name] == .noncentered {
        throw Fault(
          "M214", "`\(name)` is defined piece by piece and stays centered", help: "remove it from `reparam`", span: span
        )
      }
      let bijector = try piecewiseBijector(name, kinds, span, b)
      let y = b.parameter(offset: offset(name, nodeShape.elementCount), shape: nodeShape)
      state.jacobians.append((name, b.sumAll(bijector.logDeterminant(y, b))))
      return whole(bijector.forward(y, b))
    case .data(let value, let place):
      record.role = .observed
      guard let (data, isPresent) = TensorConversion.partial(value) else {
        throw Fault(
          "M206", "the data for `\(name)` have no numbers", found: Operations.words(value), span: place ?? span)
      }
      guard data.extents == shape else { throw wrongShape(name, data.extents, shape, place ?? span) }
      if let index = data.elements.indices.first(where: { isPresent[$0] && !data.elements[$0].isFinite }) {
        throw Fault(
          "M207", "the data for `\(name)` are not all finite", found: "\(data.elements[index]) at position \(index)",
          help: "drop the entry, or mark it as missing with `nil`", span: place ?? span)
      }
      let missing = isPresent.indices.filter { !isPresent[$0] }
      let given = b.data(
        TensorData(extents: shape, elements: data.elements), element: family.valueElement, tags: nodeShape.map(\.tag))
      guard !missing.isEmpty else { return whole(given) }
      guard !family.isDiscrete else {
        throw Fault(
          "M212", "`\(name)` is discrete and has missing entries", help: "a sum over them is not available yet",
          span: place ?? span)
      }
      record.missing = missing
      let mask = b.data(TensorData(extents: shape, elements: isPresent.map { $0 ? 1 : 0 }), element: .boolean)
      switch try choose(name + SiteNames.missing, [missing.count], false) {
      case .input(let offset):
        let values = b.parameter(offset: offset, shape: [Dimension(missing.count)])
        if wantsUnconstrained {
          record.unconstrained = try piecewiseBijector(name, kinds, span, b).inverse(values, b)
        }
        return whole(b.select(mask, given, spread(values, missing, nodeShape, b)))
      case .position, .draw, .data, .fixed:
        let bijector = try piecewiseBijector(name, kinds, span, b)
        let y = b.parameter(offset: offset(name + SiteNames.missing, missing.count), shape: [Dimension(missing.count)])
        state.jacobians.append((name, b.sumAll(bijector.logDeterminant(y, b))))
        return whole(b.select(mask, given, spread(bijector.forward(y, b), missing, nodeShape, b)))
      }
    case .fixed(let value):
      record.role = .intervened
      return whole(try fixed(value, record, nodeShape, span, b))
    case .input(let offset):
      record.role = .replayed
      let raw = b.parameter(offset: offset, shape: nodeShape)
      let value = family.isDiscrete ? b.unary(.toInteger, raw) : raw
      if wantsUnconstrained, !family.isDiscrete {
        record.unconstrained = try piecewiseBijector(name, kinds, span, b).inverse(value, b)
      }
      return whole(value)
    case .draw:
      state.sites.append(record)
      return .drawn
    }
  }

  /// All pieces must share a support that no parameter moves: the whole array is then one block of the position.
  private func piecewiseBijector(
    _ name: String, _ families: [(any DistributionFamily)?], _ span: SourceSpan, _ b: GraphBuilder
  ) throws -> any Bijector {
    var kinds: Set<String> = []
    var bijector: (any Bijector)?
    for family in families {
      guard let family else { continue }
      let dummies = family.parameters.map { _ in b.constant(1) }
      let support = family.parameters.allSatisfy { $0.rank == 0 } ? family.support(dummies, b) : .real
      switch support {
      case .real: kinds.insert("real")
      case .positive: kinds.insert("positive")
      case .unitInterval: kinds.insert("unit interval")
      case .lower, .upper, .interval, .simplex, .realVector, .integers: kinds.insert("moving")
      }
      bijector = support.bijector
    }
    guard kinds.count == 1, !kinds.contains("moving"), let bijector else {
      throw Fault(
        "M215", "the pieces of `\(name)` have supports that differ or move", span: span)
    }
    return bijector
  }

  private func isIntervened(_ name: String) -> Bool {
    state.sites.last { $0.name == name }.map { $0.role == .intervened } ?? false
  }

  func piece(_ request: SiteRequest, value: TracedTensor, indices: TracedTensor, _ tracer: Tracer) throws {
    guard let slot = state.sites.lastIndex(where: { $0.name == request.name }) else { return }
    let prepared = try prepare(request, tracer, frames: request.frames.map(\.id))
    state.sites[slot].dependencies += prepared.parameters
    if isIntervened(request.name) { return }
    let b = prepared.builder
    let wide = try tracer.broadcast(value, toFrames: prepared.frames, shape: prepared.batch + prepared.event)
    var density = prepared.family.logDensity(wide.node, prepared.parameters, b)
    let goal = tracer.shape(frames: prepared.frames, prepared.batch)
    if b.shape(density).count < goal.count { density = b.broadcast(density, to: goal, mapping: []) }
    state.terms.append((request.name, b.sumAll(density)))
    let positions = try flatPositions(request, indices, prepared.frames, tracer)
    state.sites[slot].pointwise.append(.init(node: density, positions: positions))
  }

  /// Positions in the whole site, its frames included, of a piece's elements.
  private func flatPositions(
    _ request: SiteRequest, _ indices: TracedTensor, _ frames: [FrameID], _ tracer: Tracer
  ) throws -> [Int]? {
    guard let site = state.openPiecewise[request.name],
      let known = tracer.integers(of: try tracer.broadcast(indices, toFrames: frames, shape: []))
    else {
      return nil
    }
    let size = site.extents.reduce(1, *)
    let extents = frames.map { tracer.extent(ofFrame: $0) }
    let count = extents.reduce(1, *)
    // Of each of the site's own frames: how far apart its steps lie among the lanes (0 lanes, none).
    var strides = Array(repeating: 1, count: extents.count)
    for axis in extents.indices.reversed().dropFirst() { strides[axis] = strides[axis + 1] * extents[axis + 1] }
    let own = site.frames.map { frame -> (stride: Int, extent: Int, width: Int) in
      guard let axis = frames.firstIndex(of: frame.id) else { return (1, 1, frame.extent) }
      return (strides[axis], extents[axis], frame.extent)
    }
    return (0..<count).map { lane in
      let row = own.reduce(0) { $0 * $1.width + lane / $1.stride % $1.extent }
      return row * size + (known.count == 1 ? known[0] : known[lane])
    }
  }

  func drawPiece(_ request: SiteRequest, indices: TracedTensor, _ tracer: Tracer) throws -> Value {
    let prepared = try prepare(request, tracer, frames: request.frames.map(\.id))
    if let slot = state.sites.lastIndex(where: { $0.name == request.name }) {
      state.sites[slot].dependencies += prepared.parameters
    }
    guard prepared.batch.isEmpty, prepared.event.isEmpty else {
      throw Fault("M216", "one element of `\(request.name)` is one number", span: request.span)
    }
    // Each element has its own number in the stream, whatever statement defines it.
    let allFrames = request.frames.map(\.id)
    var number = try tracer.broadcast(indices, toFrames: allFrames, shape: [])
    if let positions = try flatPositions(request, indices, allFrames, tracer) {
      number = try tracer.integerTensor(positions, frames: allFrames)
    }
    let elements = try tracer.lowering(number, to: prepared.level)
    let node = try draw(prepared, elements: elements.node, request)
    return .traced(
      TracedValue(
        .tensor(
          TracedTensor(
            node: node, frames: elements.frames, element: element(prepared.family), shape: [],
            index: prepared.indexExtent.map { IndexInfo(extent: $0, levels: nil) }, level: prepared.level))))
  }

  func completePiecewise(name: String, value: TracedTensor, _ tracer: Tracer) throws {
    guard let slot = state.sites.lastIndex(where: { $0.name == name }) else { return }
    state.sites[slot].value = value.node
  }

  // MARK: - The rest

  func submodel(name: String, model value: Value, span: SourceSpan, _ tracer: Tracer) throws -> ModelCall {
    guard case .engine(let engine) = value, let inner = engine as? ModelValue else {
      throw Fault("M112", "the right side of `~` is a distribution or a model", span: span)
    }
    guard inner.conditions.isEmpty, inner.interventions.isEmpty, inner.coordinates.isEmpty else {
      throw Fault(
        "M217", "a sub-model carries no conditions of its own",
        help: "condition the whole: `given(\\.\(name).…, value)`",
        span: span)
    }
    return ModelCall(model: inner.id.rawValue, arguments: inner.arguments)
  }

  func addLogDensity(_ term: TracedTensor, span: SourceSpan, _ tracer: Tracer) throws {
    state.extraTerms += 1
    let open = try tracer.broadcast(
      term, toFrames: tracer.frames.map(\.id).filter { term.frames.contains($0) || tracer.isPlate($0) },
      shape: term.shape)
    state.terms.append(("~term \(state.extraTerms)", tracer.rootBuilder.sumAll(try tracer.real(open).node)))
  }

  func derived(name: String, value: Value, frames: [Frame], _ tracer: Tracer) throws {
    guard var tensor = try? tracer.tensor(value), tensor.level == 0 else { return }
    let ids = frames.map(\.id)
    tensor = try tracer.broadcast(tensor, toFrames: ids, shape: tensor.shape)
    let b = tracer.rootBuilder
    state.derived.append((name, tensor.node, frames.map(\.extent) + tensor.shape, b.element(tensor.node)))
  }
}

/// Names made from site names.
enum SiteNames {
  /// The block of a site's missing entries.
  static let missing = "[missing]"
}
