package import Checking
import Distributions
import Inference
package import Interpreter
import Numerics
import Rendering
package import Syntax
import TensorIR

/// Joins the language to models and inference: what evaluation calls for distributions, models, fits and their members.
package final class Engine: EngineHooks, @unchecked Sendable {
  /// Core library and engine library together.
  package let registry: IntrinsicRegistry

  package init() {
    var registry = CoreLibrary.registry
    registry.register(EngineLibrary.all)
    self.registry = registry
  }

  /// Readers for everything that the core library and the engine can store.
  package static var valueRegistry: EngineValueRegistry {
    var result = EngineValueRegistry()
    result.registerCore()
    result.register(DistributionValue.typeName) { try DistributionValue.decode(&$0) }
    result.register(ModelValue.typeName) { try ModelValue.decode(&$0) }
    result.register(PosteriorValue.typeName) { try PosteriorValue.decode(&$0) }
    result.register(InitialValues.typeName) { try InitialValues.decode(&$0) }
    result.register(MetatypeValue.typeName) { try MetatypeValue.decode(from: &$0) }
    result.register(SiteBundle.typeName) { try SiteBundle.decode(&$0) }
    return result
  }

  /// Whether a registration's name is a distribution's.
  package static func isDistribution(_ name: String) -> Bool { DistributionLibrary.family(named: name) != nil }

  /// Of evaluation and display of values: raise it when the same code may show something else.
  package static let languageEpoch = (name: "the language", epoch: 1)
  /// Of tracing, sampling and the tables about fits. It moves with what it is made of.
  package static let engineEpoch = (
    name: "the engine", epoch: 1 + 1000 * NUTSKernel.epoch + 1_000_000 * Optimizer.epoch
  )

  private static let numericNames = Set(
    (EngineLibrary.all + LinearAlgebraLibrary.all + MathLibrary.all + StatisticsLibrary.all + RandomLibrary.all)
      .map(\.name))

  /// Whether the result of a library function depends on the mathematics library or the engine's numerics.
  package static func isNumeric(_ name: String, in registry: IntrinsicRegistry) -> Bool {
    if numericNames.contains(name) { return true }
    switch registry[name]?.body {
    case .real1, .real2, .real3: return true
    case .general, nil: return false
    }
  }

  /// What besides program and data decides the bits of a fit; see ``Backend/numericClass``. A read of whatever ran the
  /// engine, and part of every result digest.
  package static let numericClass = EngineBackend.numericClass

  func compiler(_ context: any CallContext) -> ModelCompiler {
    ModelCompiler(context: context, registry: registry, hooks: self)
  }

  // MARK: - Distributions

  package func makeDistribution(
    _ name: String, _ arguments: [Value], span: SourceSpan, tracer: Tracer?, context: any CallContext
  ) throws -> Value {
    guard let family = DistributionLibrary.family(named: name) else {
      throw Fault("R093", "the distribution `\(name)` is declared but not supplied", span: span)
    }
    let distribution = DistributionValue(family: family, arguments: arguments)
    // Outside of models, and for fixed parameters inside, a parameter out of range is said at once.
    if !distribution.isTraced {
      do {
        _ = try distribution.concrete()
      } catch var fault as Fault {
        fault.span = fault.span ?? span
        throw fault
      }
    }
    return .engine(distribution)
  }

  package func mapTensors(
    of distribution: Value, _ transform: (TracedTensor) throws -> TracedTensor
  ) throws -> Value {
    guard case .engine(let engine) = distribution, let own = engine as? DistributionValue else { return distribution }
    let arguments = try own.arguments.map { value -> Value in
      guard case .traced(let traced) = value, case .tensor(let tensor) = traced.content else { return value }
      return .traced(TracedValue(.tensor(try transform(tensor))))
    }
    return .engine(DistributionValue(family: own.family, arguments: arguments, iid: own.iid))
  }

  package func tensors(of value: Value) throws -> [TracedTensor] {
    guard case .engine(let engine) = value, let own = engine as? DistributionValue else { return [] }
    return own.arguments.compactMap {
      if case .traced(let traced) = $0, case .tensor(let tensor) = traced.content { tensor } else { nil }
    }
  }

  // MARK: - Models

  package func makeModel(
    _ id: ModelID, _ arguments: [Value], span: SourceSpan, context: any CallContext
  ) throws -> Value {
    let models = context.declarations.models
    guard id.rawValue >= 0, id.rawValue < models.count else {
      throw Fault("R090", "the model is not known in this run", span: span)
    }
    return .engine(ModelValue(id: id, model: models[id.rawValue], arguments: arguments))
  }

  static func model(_ value: Value?) throws -> ModelValue {
    if case .engine(let engine)? = value, let model = engine as? ModelValue { return model }
    throw Fault("R094", "a model is needed here", found: value.map { Operations.words($0) })
  }

  static func posterior(_ value: Value?) throws -> PosteriorValue {
    if case .engine(let engine)? = value, let fit = engine as? PosteriorValue { return fit }
    throw Fault("R094", "a fit is needed here", found: value.map { Operations.words($0) })
  }

  package func modelOperation(
    _ operation: ModelOperation, base: Value?, _ arguments: [EvaluatedModelArgument], span: SourceSpan,
    context: any CallContext
  ) throws -> Value {
    func table(_ old: [String: Value]) -> [String: Value] {
      var result = old
      for argument in arguments { result[argument.path.joined(separator: ".")] = argument.value }
      return result
    }
    switch operation {
    case .given:
      let model = try Engine.model(base)
      var places = model.places
      for argument in arguments { places[argument.path.joined(separator: ".")] = argument.span }
      try checkNames(model, arguments)
      return .engine(model.with(conditions: table(model.conditions), places: places))
    case .do:
      let model = try Engine.model(base)
      try checkNames(model, arguments)
      return .engine(model.with(interventions: table(model.interventions)))
    case .with:
      let model = try Engine.model(base)
      return .engine(model.with(arguments: try replaced(model, arguments)))
    case .reparam:
      let model = try Engine.model(base)
      try checkNames(model, arguments)
      var coordinates = model.coordinates
      for argument in arguments {
        guard case .enumeration(_, let index, _) = argument.value else {
          throw Fault("R094", "`.centered` or `.noncentered` is needed here", span: argument.span)
        }
        coordinates[argument.path.joined(separator: ".")] = index == 1 ? .noncentered : .centered
      }
      return .engine(model.with(coordinates: coordinates))
    case .values:
      return .engine(InitialValues(values: table([:])))
    case .predict:
      let fit = try Engine.posterior(base)
      var fresh: Set<String> = []
      for argument in arguments where argument.path == ["fresh"] {
        if case .paths(let paths) = argument.value { fresh.formUnion(paths.map { $0.joined(separator: ".") }) }
      }
      let given = arguments.filter { $0.path != ["fresh"] }
      let model = fit.model.with(arguments: try replaced(fit.model, given), conditions: [:])
      return .engine(try FitRunner(engine: self, context: context).predict(fit, model: model, fresh: fresh, span: span))
    }
  }

  /// Where the model was not known before running, names are checked now.
  private func checkNames(_ model: ModelValue, _ arguments: [EvaluatedModelArgument]) throws {
    let known = Set(model.model.members.map(\.name))
    for argument in arguments {
      guard let first = argument.path.first, !known.contains(first) else { continue }
      throw Fault(
        "M104", "`\(model.model.name)` has no site `\(argument.path.joined(separator: "."))`",
        help: Spelling.nearest(first, in: known.sorted()).map { "did you mean `\($0)`?" }, span: argument.span)
    }
  }

  private func replaced(_ model: ModelValue, _ arguments: [EvaluatedModelArgument]) throws -> [Value] {
    var values = model.arguments
    for argument in arguments {
      let name = argument.path.joined(separator: ".")
      guard let slot = model.model.parameterNames.firstIndex(of: name), slot < values.count else {
        throw Fault(
          "M105", "`\(model.model.name)` has no parameter `\(name)`",
          help: Spelling.nearest(name, in: model.model.parameterNames).map { "did you mean `\($0)`?" },
          span: argument.span)
      }
      values[slot] = argument.value
    }
    return values
  }

  // MARK: - Members

  package func member(_ base: Value, _ name: String, span: SourceSpan, context: any CallContext) throws -> Value {
    guard case .engine(let engine) = base, let fit = engine as? PosteriorValue else {
      return try Operations.member(base, name)
    }
    if let value = try fit.member(name) { return value }
    // A bundle of sites: its members are looked up by path later.
    if fit.sites.contains(where: { $0.name.hasPrefix(name + ".") }),
      !fit.model.model.members.contains(where: { $0.name == name && $0.kind == .site })
    {
      return .engine(SiteBundle(fit: fit, prefix: name))
    }
    return try FitRunner(engine: self, context: context).quantity(name, of: fit, span: span)
  }

  package func initialization(_ value: Value, span: SourceSpan, context: any CallContext) throws -> Value {
    if case .engine(let engine) = value, let fit = engine as? PosteriorValue {
      return .engine(InitialValues(values: [:], posterior: fit))
    }
    return value
  }
}

/// `fit.g` of a sub-model `g`.
final class SiteBundle: EngineValue {
  static let typeName = "Sites"
  let fit: PosteriorValue
  let prefix: String
  init(fit: PosteriorValue, prefix: String) {
    self.fit = fit
    self.prefix = prefix
  }
  func member(_ name: String) throws -> Value? { try fit.member("\(prefix).\(name)") }
  var memberNames: [String] {
    fit.sites.compactMap { $0.name.hasPrefix(prefix + ".") ? String($0.name.dropFirst(prefix.count + 1)) : nil }
  }
  func display() throws -> [Rendering.OutputEvent] { [.text(inlineDescription)] }
  func isSame(as other: any EngineValue) -> Bool {
    guard let other = other as? SiteBundle else { return false }
    return prefix == other.prefix && fit.isSame(as: other.fit)
  }
  var inlineDescription: String { "sites \(memberNames.joined(separator: ", ")) of \(prefix)" }
  func encode(into encoder: inout ValueEncoder) throws {
    try fit.encode(into: &encoder)
    encoder.write(prefix)
  }
  static func decode(_ decoder: inout ValueDecoder) throws -> any EngineValue {
    guard let fit = try PosteriorValue.decode(&decoder) as? PosteriorValue else {
      throw DecodingError("the sites of a fit have no fit")
    }
    return SiteBundle(fit: fit, prefix: try decoder.string())
  }
}
