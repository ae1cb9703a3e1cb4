import Checking
import Distributions
import Foundation
import Inference
import Interpreter
import Numerics
import Rendering
import Syntax
import TensorIR

/// Library functions about distributions, models and fits: what `stdlib/distributions.cairn` and
/// `stdlib/inference.cairn` declare.
enum EngineLibrary {
  static let all: [Intrinsic] = distributions + models + fits + FitPlots.all

  private static func runner(_ context: any CallContext) throws -> FitRunner {
    guard let engine = (context as? Machine)?.hooks as? Engine else {
      throw Fault("R093", "models are not part of this run")
    }
    return FitRunner(engine: engine, context: context)
  }

  private static func distribution(_ value: Value?) throws -> DistributionValue {
    if case .engine(let engine)? = value, let own = engine as? DistributionValue { return own }
    throw Fault("R094", "a distribution is needed here", found: value.map { Operations.words($0) })
  }

  private static func integer(_ value: Value?) throws -> Int {
    if case .int(let number)? = value { return number }
    throw Fault("R094", "a whole number is needed here", found: value.map { Operations.words($0) })
  }

  private static func real(_ value: Value?) throws -> Double {
    switch value {
    case .real(let number)?: return number
    case .int(let number)?: return Double(number)
    default: throw Fault("R094", "a number is needed here", found: value.map { Operations.words($0) })
    }
  }

  private static func key(_ seed: Value?, _ context: any CallContext) throws -> RandomKey {
    guard case .int(let number)? = seed else { return context.randomKey() }
    return context.randomKey(seed: UInt64(bitPattern: Int64(number)))
  }

  // MARK: - Distributions

  private static let distributions: [Intrinsic] = [
    .general(
      "Distribution.iid(_:)",
      trace: { _, arguments in try iid(arguments) }, { _, arguments in try iid(arguments) }),
    .general("Distribution.draw(_:)") { context, arguments in
      let own = try distribution(arguments.first)
      let count = try integer(arguments.dropFirst().first)
      guard count >= 0, count < 1 << 32 else {
        throw Fault("M302", "the number of draws is out of range", expected: "0 or more", found: "\(count)")
      }
      let made = try own.concrete()
      let wide: TensorData?
      do {
        wide = try made.draws(count, key: context.randomKey())
      } catch { throw Fault("M202", "the draws cannot be made: \(error)") }
      guard let wide else {
        throw Fault(
          "M210", "`\(own.family.baseName)` is improper and cannot be drawn", help: "use a proper distribution")
      }
      var data = wide
      if !own.iid.isEmpty, made.batchShape.isEmpty {
        data = TensorData(extents: [count] + own.iid, elements: wide.elements)
      }
      return TensorConversion.value(data, element: own.family.valueElement)
    },
    .general("Distribution.logDensity(_:)") { _, arguments in
      let own = try distribution(arguments.first)
      guard let value = arguments.dropFirst().first, let data = TensorConversion.data(value) else {
        throw Fault("R094", "a value of the distribution is needed here")
      }
      let made = try own.concrete()
      let expected = (own.iid.isEmpty ? made.batchShape : own.iid) + made.eventShape
      guard data.extents == expected || (expected.isEmpty && made.eventShape.isEmpty) else {
        throw Fault(
          "H230", "the value has another shape than the distribution", expected: "shape \(expected)",
          found: "shape \(data.extents)")
      }
      do { return .real(try made.logDensity(of: data)) } catch {
        throw Fault("M202", "the density cannot be evaluated: \(error)")
      }
    },
    scalarFunction("Distribution.cdf(_:)") { family, x, p in family.cdf(x, p) },
    scalarFunction("Distribution.quantile(_:)") { family, x, p in family.quantile(x, p) },
    .general("Distribution.mean") { _, arguments in try distribution(arguments.first).member("mean") ?? .none },
    .general("Distribution.variance") { _, arguments in try distribution(arguments.first).member("variance") ?? .none },
  ]

  private static func iid(_ arguments: [Value]) throws -> Value {
    let own = try distribution(arguments.first)
    let extents = try arguments.dropFirst().map { try integer($0) }
    guard extents.allSatisfy({ $0 >= 0 }) else {
      throw Fault("M205", "`.iid` needs lengths of 0 or more", found: "\(extents)")
    }
    return .engine(DistributionValue(family: own.family, arguments: own.arguments, iid: extents))
  }

  private static func scalarFunction(
    _ name: String, _ body: @escaping @Sendable (any UnivariateFamily, Double, [Double]) -> Double
  ) -> Intrinsic {
    .general(name) { _, arguments in
      let own = try distribution(arguments.first)
      let x = try real(arguments.dropFirst().first)
      guard let family = own.family as? any UnivariateFamily else {
        throw Fault("M203", "this is known for distributions of one number", found: own.family.baseName)
      }
      return try own.elementwise(try own.concrete()) { body(family, x, $0) }
    }
  }

  // MARK: - Models

  private static let models: [Intrinsic] = [
    .general("Model.prior(_:)") { context, arguments in
      .engine(try runner(context).prior(try Engine.model(arguments.first), count: try integer(arguments.last)))
    },
    .general("Model.simulate(_:)") { context, arguments in
      .engine(try runner(context).simulate(try Engine.model(arguments.first), count: try integer(arguments.last)))
    },
    .general("Model.logDensity(_:)") { context, arguments in
      guard case .engine(let engine)? = arguments.last, let values = engine as? InitialValues else {
        throw Fault("M309", "the values of all sites are needed", help: "write `.values(mu: 0, …)`")
      }
      return try runner(context).logDensity(try Engine.model(arguments.first), at: values)
    },
    .general("Model.sites") { context, arguments in
      .engine(SummaryValue(try siteTable(try Engine.model(arguments.first), context)))
    },
    .general("sample(_:init:chains:warmup:draws:targetAcceptance:maxTreeDepth:threads:keep:seed:)", epoch: 2) {
      context, arguments in
      let model = try Engine.model(arguments.first)
      var settings = NUTSSettings()
      settings.chains = try integer(arguments[2])
      settings.warmup = try integer(arguments[3])
      settings.draws = try integer(arguments[4])
      settings.targetAcceptance = try real(arguments[5])
      settings.maxTreeDepth = try integer(arguments[6])
      if case .int(let threads) = arguments[7] {
        settings.threads = threads
      } else {
        settings.threads = context.threads
      }
      var keep: [String]?
      if case .paths(let paths) = arguments[8] { keep = paths.map { $0.joined(separator: ".") } }
      let options = FitRunner.SamplingOptions(
        initialization: arguments[1], settings: settings, keep: keep, key: try key(arguments[9], context),
        span: context.callSpan)
      return .engine(try runner(context).sample(model, options))
    },
    .general("optimize(_:init:jacobian:restarts:seed:)") { context, arguments in
      guard case .bool(let jacobian) = arguments[2] else { throw Fault("R094", "`jacobian` is true or false") }
      return .engine(
        try runner(context).optimize(
          try Engine.model(arguments.first), initialization: arguments[1], jacobian: jacobian,
          restarts: try integer(arguments[3]), key: try key(arguments[4], context), span: context.callSpan))
    },
    .general("Initialization.otherwise(_:)") { _, arguments in
      guard case .engine(let engine)? = arguments.first, let values = engine as? InitialValues else {
        throw Fault("M303", "`otherwise` follows `.values(…)` or a fit")
      }
      return .engine(InitialValues(values: values.values, posterior: values.posterior, fallback: arguments.last))
    },
  ]

  /// Name, shape, distribution and role of every site.
  private static func siteTable(_ model: ModelValue, _ context: any CallContext) throws -> TextTable {
    let compiler = try runner(context).compiler
    let finished = try compiler.trace(model.with(coordinates: [:])) { name, _, isDiscrete in
      if let value = model.interventions[name] { return .fixed(value) }
      if let value = model.conditions[name] { return .data(value, model.places[name]) }
      return isDiscrete ? .draw : .position
    }
    let rows = finished.trace.state.sites.map { record -> [TextTable.Cell] in
      let role: String
      switch record.role {
      case .observed: role = record.missing.isEmpty ? "given" : "given, \(record.missing.count) missing"
      case .intervened: role = "set"
      case .latent, .drawn, .replayed:
        role = model.coordinates[record.name] == .noncentered ? "free, noncentered" : "free"
      }
      return [
        .text(record.name),
        .text(record.shape.isEmpty ? "" : "[\(record.shape.map(String.init).joined(separator: ", "))]"),
        .text(record.family.baseName), .text(record.family.supportDescription), .text(role),
      ]
    }
    return TextTable(
      title: "sites of \(model.model.name)",
      columns: ["site", "shape", "distribution", "support", "role"].map { .init(name: $0, alignment: .leading) },
      rows: rows)
  }

  // MARK: - Fits

  private static let fits: [Intrinsic] = [
    .general("summary(_:)") { context, arguments in
      if case .table? = arguments.first, let other = CoreLibrary.registry["summary(_:)"],
        case .general(let body) = other.body
      {
        return try body(context, arguments)
      }
      let fit = try Engine.posterior(arguments.first)
      switch fit.kind {
      case .sampled, .optimum: return .engine(SummaryValue(FitSummary.table(fit)))
      case .prior, .predictive: return .engine(SummaryValue(FitSummary.drawsTable(fit)))
      }
    },
    .general("Posterior.draws()") { _, arguments in
      let fit = try Engine.posterior(arguments.first)
      let pairs = zip(fit.sites, fit.values).map { site, values -> (Value, Value) in
        (.string(site.name), .realArray(RealArray(shape: [fit.drawCount, site.size], elements: values)))
      }
      return .dictionary(DictionaryValue(pairs))
    },
    .general("Posterior.stats()") { _, arguments in
      let fit = try Engine.posterior(arguments.first)
      guard let stats = fit.stats, fit.kind == .sampled else {
        throw Fault("M310", "only a sampled fit has sampler statistics", found: fit.inlineDescription)
      }
      var chain: [Int] = []
      for (number, count) in fit.counts.enumerated() { chain += Array(repeating: number, count: count) }
      func reals(_ x: [Double]) -> Value { .realArray(RealArray(x)) }
      func integers(_ x: [Int]) -> Value { .intArray(IntArray(shape: [x.count], elements: x)) }
      return .table(
        TableValue(
          columns: [
            .init(name: "chain", values: integers(chain)), .init(name: "acceptance", values: reals(stats.acceptance)),
            .init(name: "stepSize", values: reals(stats.stepSize)),
            .init(name: "treeDepth", values: integers(stats.treeDepth)),
            .init(name: "leapfrogs", values: integers(stats.leapfrogs)),
            .init(
              name: "divergent",
              values: .boolArray(BoolArray(shape: [stats.isDivergent.count], elements: stats.isDivergent))),
            .init(name: "energy", values: reals(stats.energy)),
            .init(name: "logDensity", values: reals(stats.logDensity)),
          ], rowCount: fit.drawCount, origin: "sampler statistics"))
    },
    .general("Posterior.replicate()") { context, arguments in
      .engine(try runner(context).replicate(try Engine.posterior(arguments.first)))
    },
    .general("Posterior.logLikelihood()") { context, arguments in
      try runner(context).logLikelihood(try Engine.posterior(arguments.first))
    },
  ]
}
