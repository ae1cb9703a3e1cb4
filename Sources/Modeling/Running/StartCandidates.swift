import Checking
import Inference
import Interpreter
import Numerics
import Syntax
import TensorIR

/// Where chains may start.
struct StartCandidates {
  /// Covers all that candidates are made from, apart from the key: equal identities, equal candidates.
  var identity: Digest
  /// Whether all candidates are one.
  var isFixed: Bool
  var make: (_ chain: Int, _ key: RandomKey) throws -> [Double]

  static func identity(_ kind: String, _ append: (inout DigestBuilder) -> Void) -> Digest {
    var builder = DigestBuilder()
    builder.append(tag: "start")
    builder.append(kind)
    append(&builder)
    return builder.finish()
  }
}

/// Brings constrained values of all sites to a position.
private struct Unconstrainer {
  let program: Program
  /// By site.
  let blocks: [LatentBlock?]
  let dimension: Int

  var identity: Digest {
    StartCandidates.identity("coordinates") { builder in
      builder.append(program.graph.contentDigest())
      builder.append(integers: blocks.flatMap { [$0?.offset ?? -1, $0?.count ?? 0] })
    }
  }

  /// - Parameter values: Those of one site after the other.
  func position(_ values: [Double]) -> [Double] {
    let parts = program.run(position: values, inputs: [])
    var position = Array(repeating: 0.0, count: dimension)
    for (block, part) in zip(blocks, parts) {
      guard let block else { continue }
      for (index, value) in part.elements.prefix(block.count).enumerated() { position[block.offset + index] = value }
    }
    return position
  }
}

extension FitRunner {
  /// Reads an `init:`; says which start values are not used, and evaluates no density.
  func candidateMaker(_ compiled: CompiledModel, _ value: Value, _ span: SourceSpan) throws -> StartCandidates {
    let dimension = compiled.target.dimension
    func uniform(_ radius: Double) -> StartCandidates {
      StartCandidates(identity: StartCandidates.identity("uniform") { $0.append(radius) }, isFixed: radius == 0) {
        _, key in
        var stream = RandomStream(key: key)
        return (0..<dimension).map { _ in radius * (2 * stream.nextUniform() - 1) }
      }
    }
    switch value {
    case .enumeration(_, let index, let payload):
      switch index {
      case 0:
        guard case .real(let radius)? = payload.first, radius >= 0, radius.isFinite else {
          throw Fault("M303", "the radius of `.uniform` is not negative", span: span)
        }
        return uniform(radius)
      case 1:
        let prior = try compiler.replay(compiled.model, stored: []) { name, _, _ in
          if let value = compiled.model.interventions[name] { return .fixed(value) }
          return .draw
        }
        let outputs = compiled.sites.compactMap { prior.site($0.name)?.value }
        guard outputs.count == compiled.sites.count else { return uniform(2) }
        let program = try prior.program(outputs: outputs)
        let back = try unconstrainer(compiled)
        let identity = StartCandidates.identity("prior") {
          $0.append(program.graph.contentDigest())
          $0.append(back.identity)
        }
        return StartCandidates(identity: identity, isFixed: false) { chain, key in
          let drawn = program.run(position: [], inputs: [], stream: Program.Stream(key: key, draw: UInt64(chain)))
          return back.position(drawn.flatMap(\.elements))
        }
      default:
        guard case .engine(let engine)? = payload.first, let fit = engine as? PosteriorValue else {
          throw Fault("M303", "`.from` needs a fit", span: span)
        }
        return try from(compiled, InitialValues(values: [:], posterior: fit), span)
      }
    case .engine(let engine):
      if let values = engine as? InitialValues { return try from(compiled, values, span) }
      if let fit = engine as? PosteriorValue {
        return try from(compiled, InitialValues(values: [:], posterior: fit), span)
      }
      throw Fault("M303", "this is no way to start", found: Operations.words(value), span: span)
    default:
      throw Fault("M303", "this is no way to start", found: Operations.words(value), span: span)
    }
  }

  private func unconstrainer(_ compiled: CompiledModel) throws -> Unconstrainer {
    let model = compiled.model
    let finished = try compiler.replay(model, stored: compiled.sites, wantsUnconstrained: true) { name, _, _ in
      if let value = model.interventions[name] { return .fixed(value) }
      if let value = model.conditions[name] { return .data(value, model.places[name]) }
      return .draw
    }
    var outputs: [NodeID] = []
    for site in compiled.sites {
      let base =
        site.name.hasSuffix(SiteNames.missing) ? String(site.name.dropLast(SiteNames.missing.count)) : site.name
      guard let node = finished.site(base)?.unconstrained else {
        throw Fault("M304", "the coordinates of `\(base)` cannot be computed from its value", span: context.callSpan)
      }
      outputs.append(node)
    }
    let program = try finished.program(outputs: outputs)
    let blocks = compiled.sites.map { site in compiled.blocks.first { $0.site == site.name } }
    return Unconstrainer(program: program, blocks: blocks, dimension: compiled.target.dimension)
  }

  /// Sites given by name or by another fit; the rest as the fallback says. What was taken and what not is told.
  private func from(_ compiled: CompiledModel, _ initial: InitialValues, _ span: SourceSpan) throws -> StartCandidates {
    let back = try unconstrainer(compiled)
    let fallback = try candidateMaker(
      compiled, initial.fallback ?? .enumeration(EnumerationID(0), 0, [.real(2)]), span)
    var fixed: [Int: [Double]] = [:]
    for (name, value) in initial.values.sorted(by: { $0.key < $1.key }) {
      guard let slot = compiled.sites.firstIndex(where: { $0.name == name }) else {
        context.warn(
          Diagnostic(
            "C401", .warning, "the start value of `\(name)` is not used", at: span,
            notes: ["the site is given, set, or not part of this instance"]))
        continue
      }
      guard let data = TensorConversion.data(value) else {
        throw Fault("M206", "the start value of `\(name)` has no numbers", span: span)
      }
      let site = compiled.sites[slot]
      if data.extents.isEmpty, !site.shape.isEmpty {
        fixed[slot] = Array(repeating: data.elements[0], count: site.size)
      } else {
        guard data.extents == site.shape else {
          throw Fault(
            "H230", "the start value of `\(name)` has another shape than the site", expected: "shape \(site.shape)",
            found: "shape \(data.extents)", span: span)
        }
        fixed[slot] = data.elements
      }
    }
    var sources: [Int: Int] = [:]
    if let fit = initial.posterior {
      var defaulted: [String] = []
      for (slot, site) in compiled.sites.enumerated() {
        if let own = fit.slot(site.name), fit.sites[own].shape == site.shape {
          sources[slot] = own
        } else {
          defaulted.append(site.name)
        }
      }
      if !defaulted.isEmpty {
        context.warn(
          Diagnostic(
            "C402", .note, "start values not found in the fit: \(defaulted.map { "`\($0)`" }.joined(separator: ", "))",
            at: span,
            notes: ["these sites start as the fallback says"]))
      }
    }
    let isFixed = (fixed.count + sources.count) == compiled.sites.count && initial.posterior == nil
    let drawCount = initial.posterior?.drawCount ?? 0
    let identity = StartCandidates.identity("values") { builder in
      for (slot, values) in fixed.sorted(by: { $0.key < $1.key }) {
        builder.append("value of \(compiled.sites[slot].name)")
        values.withUnsafeBufferPointer { builder.append(doubles: $0) }
      }
      for (slot, own) in sources.sorted(by: { $0.key < $1.key }) {
        builder.append("\(drawCount) draws of \(compiled.sites[slot].name)")
        initial.posterior?.values[own].withUnsafeBufferPointer { builder.append(doubles: $0) }
      }
      builder.append(fallback.identity)
      builder.append(compiled.constrain.graph.contentDigest())
      builder.append(back.identity)
    }
    return StartCandidates(identity: identity, isFixed: isFixed) { chain, key in
      let position = try fallback.make(chain, key)
      var parts = compiled.constrain.run(position: position, inputs: []).map(\.elements)
      for (slot, values) in fixed { parts[slot] = values }
      if let fit = initial.posterior, fit.drawCount > 0 {
        var stream = RandomStream(key: key.child("draw"))
        let draw = stream.nextBelow(fit.drawCount)
        for (slot, own) in sources {
          let size = fit.sites[own].size
          parts[slot] = Array(fit.values[own][(draw * size)..<((draw + 1) * size)])
        }
      }
      return back.position(parts.flatMap { $0 })
    }
  }
}
