import Checking
package import Interpreter
package import Numerics
package import Rendering
import Syntax

/// Draws of a model's sites, in the model's own coordinates.
package final class PosteriorValue: EngineValue {
  package static let typeName = "Posterior"

  package enum Kind: String, Sendable { case sampled, prior, predictive, optimum }

  package let model: ModelValue
  package let kind: Kind
  package let chains: Int
  package let sites: [StoredSite]
  /// Per site: draws of all chains, chain after chain, each draw row-major.
  package let values: [[Double]]
  /// Draws of each chain.
  package let counts: [Int]
  package let stats: SamplerStatistics?
  /// The stream of whatever is computed from the draws on demand.
  package let key: RandomKey
  /// Means and variances of sites that were not kept.
  package let moments: [String: SiteMoments]

  package init(
    model: ModelValue, kind: Kind, chains: Int, sites: [StoredSite], values: [[Double]], counts: [Int],
    stats: SamplerStatistics?, key: RandomKey, moments: [String: SiteMoments] = [:]
  ) {
    self.model = model
    self.kind = kind
    self.chains = chains
    self.sites = sites
    self.values = values
    self.counts = counts
    self.stats = stats
    self.key = key
    self.moments = moments
  }

  package var drawCount: Int { counts.reduce(0, +) }

  package func slot(_ name: String) -> Int? { sites.firstIndex { $0.name == name } }

  /// All stored sites of one draw, one after the other.
  func inputs(_ draw: Int) -> [Double] {
    var result: [Double] = []
    for (site, draws) in zip(sites, values) { result += draws[(draw * site.size)..<((draw + 1) * site.size)] }
    return result
  }

  package func member(_ name: String) throws -> Value? {
    guard let slot = slot(name) else { return nil }
    return PosteriorValue.value(
      values[slot], shape: sites[slot].shape, draws: drawCount, isInteger: sites[slot].isInteger)
  }

  static func value(_ elements: [Double], shape: [Int], draws: Int, isInteger: Bool) -> Value {
    if isInteger {
      return .intArray(IntArray(shape: [draws] + shape, elements: elements.map { Int(exactly: $0) ?? 0 }))
    }
    return .realArray(RealArray(shape: [draws] + shape, elements: elements))
  }

  package var memberNames: [String] { model.model.members.map(\.name) }

  package func display() throws -> [OutputEvent] {
    switch kind {
    case .sampled, .optimum: [.table(FitSummary.table(self))]
    case .prior, .predictive: [.table(FitSummary.drawsTable(self))]
    }
  }

  package func isSame(as other: any EngineValue) -> Bool {
    guard let other = other as? PosteriorValue else { return false }
    return model.isSame(as: other.model) && kind == other.kind && sites == other.sites && values == other.values
      && counts == other.counts
  }

  package var inlineDescription: String {
    "\(kind == .optimum ? "the mode" : "\(drawCount) draws") of \(model.model.name)"
  }

  package func encode(into encoder: inout ValueEncoder) throws {
    try model.encode(into: &encoder)
    encoder.reserve(8 * (values.reduce(0) { $0 + $1.count } + (stats == nil ? 0 : 8 * drawCount)) + 4096)
    encoder.write(kind.rawValue)
    encoder.write(chains)
    encoder.write(sites.count)
    for (site, draws) in zip(sites, values) {
      encoder.write(site.name)
      encoder.write(site.shape)
      encoder.write(site.isInteger)
      encoder.write(draws)
    }
    encoder.write(counts)
    encoder.write(Int(bitPattern: UInt(key.high)))
    encoder.write(Int(bitPattern: UInt(key.low)))
    encoder.write(stats != nil)
    stats?.encode(into: &encoder)
    let names = moments.keys.sorted()
    encoder.write(names)
    for name in names {
      encoder.write(moments[name]?.shape ?? [])
      encoder.write(moments[name]?.mean ?? [])
      encoder.write(moments[name]?.variance ?? [])
    }
  }

  static func decode(_ decoder: inout ValueDecoder) throws -> any EngineValue {
    guard let model = try ModelValue.decode(&decoder) as? ModelValue, let kind = Kind(rawValue: try decoder.string())
    else {
      throw Fault("R095", "the stored fit cannot be read")
    }
    let chains = try decoder.int()
    let count = try decoder.count()
    var sites: [StoredSite] = []
    var values: [[Double]] = []
    for _ in 0..<count {
      let name = try decoder.string()
      let shape = try decoder.ints()
      let isInteger = try decoder.bool()
      guard shape.allSatisfy({ $0 >= 0 && $0 < 1 << 32 }) else { throw Fault("R095", "the stored fit cannot be read") }
      sites.append(StoredSite(name: name, shape: shape, isInteger: isInteger))
      values.append(try decoder.doubles())
    }
    let counts = try decoder.ints()
    let high = try decoder.int()
    let low = try decoder.int()
    let stats = try decoder.bool() ? try SamplerStatistics.decode(&decoder) : nil
    var moments: [String: SiteMoments] = [:]
    for name in try decoder.strings() {
      moments[name] = SiteMoments(
        shape: try decoder.ints(), mean: try decoder.doubles(), variance: try decoder.doubles())
    }
    // Bytes may come from anybody: whatever is indexed later must fit.
    guard counts.count == chains, counts.allSatisfy({ $0 >= 0 && $0 < 1 << 40 }), chains < 1 << 16 else {
      throw Fault("R095", "the stored fit cannot be read")
    }
    let total = counts.reduce(0, +)
    for (site, draws) in zip(sites, values) {
      var wanted = (count: total, overflow: false)
      for extent in site.shape {
        let (product, overflow) = wanted.count.multipliedReportingOverflow(by: extent)
        wanted = (product, wanted.overflow || overflow)
      }
      guard !wanted.overflow, draws.count == wanted.count else {
        throw Fault("R095", "the stored fit has the wrong number of draws")
      }
    }
    if let stats, kind == .sampled, !stats.fits(total) { throw Fault("R095", "the stored fit cannot be read") }
    let key = RandomKey(words: (UInt64(UInt(bitPattern: high)), UInt64(UInt(bitPattern: low))))
    return PosteriorValue(
      model: model, kind: kind, chains: chains, sites: sites, values: values, counts: counts, stats: stats, key: key,
      moments: moments)
  }
}

/// Streaming moments of a site whose draws were not kept.
package struct SiteMoments: Sendable {
  package var shape: [Int]
  package var mean: [Double]
  package var variance: [Double]
}

/// What the sampler's transitions did, draw by draw, chain after chain.
package struct SamplerStatistics: Sendable {
  package var acceptance: [Double]
  package var stepSize: [Double]
  package var treeDepth: [Int]
  package var leapfrogs: [Int]
  package var isDivergent: [Bool]
  package var energy: [Double]
  package var logDensity: [Double]
  package var maxTreeDepth: Int
  package var warmupLeapfrogs: Int

  func encode(into encoder: inout ValueEncoder) {
    encoder.write(acceptance)
    encoder.write(stepSize)
    encoder.write(treeDepth)
    encoder.write(leapfrogs)
    encoder.write(isDivergent.map { $0 ? 1 : 0 })
    encoder.write(energy)
    encoder.write(logDensity)
    encoder.write(maxTreeDepth)
    encoder.write(warmupLeapfrogs)
  }

  /// Whether there is one entry for each draw.
  func fits(_ count: Int) -> Bool {
    let lengths = [
      acceptance.count, stepSize.count, treeDepth.count, leapfrogs.count, isDivergent.count, energy.count,
      logDensity.count,
    ]
    return lengths.allSatisfy { $0 == count }
  }

  static func decode(_ decoder: inout ValueDecoder) throws -> SamplerStatistics {
    SamplerStatistics(
      acceptance: try decoder.doubles(), stepSize: try decoder.doubles(), treeDepth: try decoder.ints(),
      leapfrogs: try decoder.ints(), isDivergent: try decoder.ints().map { $0 != 0 }, energy: try decoder.doubles(),
      logDensity: try decoder.doubles(), maxTreeDepth: try decoder.int(), warmupLeapfrogs: try decoder.int())
  }
}

/// Starting values by site, with what stands in for the sites they do not name.
package final class InitialValues: EngineValue {
  package static let typeName = "Initialization"
  package let values: [String: Value]
  package let posterior: PosteriorValue?
  package let fallback: Value?
  package init(values: [String: Value], posterior: PosteriorValue? = nil, fallback: Value? = nil) {
    self.values = values
    self.posterior = posterior
    self.fallback = fallback
  }
  package func member(_ name: String) throws -> Value? { nil }
  package var memberNames: [String] { [] }
  package func display() throws -> [OutputEvent] { [.text(inlineDescription)] }
  package func isSame(as other: any EngineValue) -> Bool {
    guard let other = other as? InitialValues else { return false }
    func same(_ a: Value?, _ b: Value?) -> Bool { Operations.isSame(a ?? .none, b ?? .none) }
    return Operations.allSame(values, other.values) && same(fallback, other.fallback)
      && same(posterior.map { .engine($0) }, other.posterior.map { .engine($0) })
  }
  package var inlineDescription: String {
    posterior.map { "start from \($0.inlineDescription)" }
      ?? "start values for \(values.keys.sorted().joined(separator: ", "))"
  }
  package func encode(into encoder: inout ValueEncoder) throws {
    let names = values.keys.sorted()
    encoder.write(names)
    try encoder.write(names.map { values[$0] ?? .none })
    try encoder.write(posterior.map { [Value.engine($0)] } ?? [])
    try encoder.write(fallback.map { [$0] } ?? [])
  }
  static func decode(_ decoder: inout ValueDecoder) throws -> any EngineValue {
    let names = try decoder.strings()
    let values = try decoder.values()
    var posterior: PosteriorValue?
    if case .engine(let engine)? = try decoder.values().first { posterior = engine as? PosteriorValue }
    let fallback = try decoder.values().first
    return InitialValues(
      values: Dictionary(zip(names, values), uniquingKeysWith: { first, _ in first }), posterior: posterior,
      fallback: fallback)
  }
}
