import Distributions
import Foundation
import TensorIR
import TestSupport
import Testing

/// The reference file's name of a family, and the names its parameters have there, in our order.
private let fileNames: [(family: String, file: String, parameters: [String])] = [
  ("Normal(_:_:)", "Normal", ["loc", "scale"]), ("LogNormal(_:_:)", "LogNormal", ["loc", "scale"]),
  ("HalfNormal(_:)", "HalfNormal", ["scale"]), ("Cauchy(_:_:)", "Cauchy", ["loc", "scale"]),
  ("HalfCauchy(_:)", "HalfCauchy", ["scale"]), ("StudentT(_:_:_:)", "StudentT", ["df", "loc", "scale"]),
  ("Exponential(_:)", "Exponential", ["rate"]), ("Gamma(_:_:)", "Gamma", ["shape", "rate"]),
  ("InverseGamma(_:_:)", "InverseGamma", ["shape", "scale"]), ("Beta(_:_:)", "Beta", ["a", "b"]),
  ("Uniform(_:_:)", "Uniform", ["low", "high"]), ("Bernoulli(_:)", "BernoulliProbs", ["p"]),
  ("Bernoulli(logits:)", "BernoulliLogits", ["logit"]), ("Binomial(_:_:)", "BinomialProbs", ["n", "p"]),
  ("Binomial(_:logits:)", "BinomialLogits", ["n", "logit"]), ("Poisson(_:)", "Poisson", ["rate"]),
  ("Poisson(log:)", "PoissonLog", ["log_rate"]), ("Categorical(_:)", "CategoricalProbs", ["probs"]),
  ("Categorical(logits:)", "CategoricalLogits", ["logits"]), ("Dirichlet(_:)", "Dirichlet", ["concentration"]),
  ("MultivariateNormal(_:cholesky:)", "MultivariateNormalCholesky", ["loc", "scale_tril"]),
  ("MultivariateNormal(_:covariance:)", "MultivariateNormalCovariance", ["loc", "covariance"]),
  ("MultivariateNormal(_:precision:)", "MultivariateNormalPrecision", ["loc", "precision"]),
]

/// Everything the reference file holds for the families in use. A count says how many numbers were compared, so that a
/// file that lost its cases fails.
@Suite struct ConformanceTests {
  struct Group: CustomTestStringConvertible {
    var family: any DistributionFamily
    var entry: Entry
    var names: [String]
    var testDescription: String { family.name }

    func values(_ object: Entry?) -> [TensorData] {
      names.map { TensorData(extents: object?[$0]?.extents ?? [], elements: object?[$0]?.flat ?? []) }
    }
    func tolerance(_ kind: String) -> (rel: Double, abs: Double) {
      (entry["tol"]?[kind]?["rel"]?.number ?? 0, entry["tol"]?[kind]?["abs"]?.number ?? 0)
    }
  }

  static let groups: [Group] = {
    Verifier.isEnabled = true
    guard let file = try? Conformance.load("distributions.json") else { return [] }
    return fileNames.compactMap { names in
      guard let family = DistributionLibrary.family(named: names.family),
        let entry = file["distributions"]?.list.first(where: { $0["name"]?.text == names.file })
      else { return nil }
      return Group(family: family, entry: entry, names: names.parameters)
    }
  }()

  @Test func everyFamilyButTheImproperAndTheUniformCategoryHasReferenceCases() {
    #expect(ConformanceTests.groups.count == fileNames.count)
    let covered = Set(fileNames.map(\.family))
    let others = DistributionLibrary.all.map(\.name).filter { !covered.contains($0) }
    #expect(others == ["Flat()", "Flat(lower:)", "Flat(upper:)", "Flat(lower:upper:)", "Categorical(uniform:)"])
    let cases = ConformanceTests.groups.reduce(0) { $0 + ($1.entry["cases"]?.list.count ?? 0) }
    #expect(cases == 256)
  }

  /// Values and real parameters are read from the position, so that every derivative comes from one reverse sweep.
  @Test(arguments: groups) func logDensityAndGradient(_ group: Group) throws {
    for entry in group.entry["cases"]?.list ?? [] {
      let value = try #require(entry["x"])
      let parameters = group.values(entry["params"])
      let traced = try Traced(group.family, value: TensorData(extents: value.extents, elements: value.flat), parameters)
      let (density, gradient) = try traced.evaluate()
      let (rel, abs) = group.tolerance("logp")
      let want = try #require(entry["logp"]?.number)
      let tolerance = entry["logp_abs_tol"]?.number ?? abs
      #expect(
        Conformance.agrees(density, want, rel: rel, abs: tolerance), "\(entry): logp \(density), not \(want)")
      guard let wanted = entry["grad"], !wanted.isNull else { continue }
      let slope = group.tolerance("grad")
      let slopeRel = entry["grad_rel_tol"]?.number ?? slope.rel
      for (name, numbers) in gradient(group.names) {
        guard let reference = wanted[name]?.flat else { continue }
        // A case's own tolerance was measured where large terms cancel: relative to 1 where the result is smaller.
        let floor = entry["grad_rel_tol"] == nil ? 0 : 1.0
        let scale = reference.reduce(floor) { max($0, Swift.abs($1)) }
        for (got, want) in zip(numbers, reference) {
          #expect(
            Conformance.agrees(got, want, rel: slopeRel, abs: slope.abs, scale: scale),
            "\(entry): d/d\(name) \(numbers), not \(reference)")
        }
        #expect(numbers.count == reference.count)
      }
    }
  }

  /// The same log densities where all is known when the graph is built.
  @Test(arguments: groups) func logDensityOfConcreteDistributions(_ group: Group) throws {
    for entry in group.entry["cases"]?.list ?? [] {
      let value = try #require(entry["x"])
      let distribution = try Distribution(group.family, group.values(entry["params"]))
      let density = try distribution.logDensity(of: TensorData(extents: value.extents, elements: value.flat))
      let (rel, abs) = group.tolerance("logp")
      let want = try #require(entry["logp"]?.number)
      let tolerance = entry["logp_abs_tol"]?.number ?? abs
      #expect(
        Conformance.agrees(density, want, rel: rel, abs: tolerance), "\(entry): logp \(density), not \(want)")
    }
  }

  @Test(arguments: groups) func distributionFunctions(_ group: Group) throws {
    guard let family = group.family as? any UnivariateFamily else { return }
    for entry in group.entry["cases"]?.list ?? [] {
      let parameters = group.values(entry["params"]).flatMap(\.elements)
      let x = try #require(entry["x"]?.number)
      let functions: [(String, String, (Double, [Double]) -> Double)] = [
        ("cdf", "cdf", family.cdf), ("sf", "cdf", family.survival), ("logcdf", "logcdf", family.logCDF),
        ("logsf", "logcdf", family.logSurvival),
      ]
      for (key, kind, function) in functions {
        guard let want = entry[key]?.number else { continue }
        let (rel, abs) = group.tolerance(kind)
        let got = function(x, parameters)
        #expect(Conformance.agrees(got, want, rel: rel, abs: abs), "\(entry): \(key) \(got), not \(want)")
      }
    }
  }

  @Test(arguments: groups) func quantiles(_ group: Group) throws {
    guard let family = group.family as? any UnivariateFamily else { return }
    for entry in group.entry["quantiles"]?.list ?? [] {
      let parameters = group.values(entry["params"]).flatMap(\.elements)
      let (rel, abs) = group.tolerance("quantile")
      let want = try #require(entry["x"]?.number)
      let probability = try #require(entry["p"]?.number)
      let got = family.quantile(probability, parameters)
      #expect(Conformance.agrees(got, want, rel: rel, abs: abs), "\(entry): quantile \(got)")
    }
  }

  @Test(arguments: groups) func moments(_ group: Group) throws {
    for entry in group.entry["moments"]?.list ?? [] {
      let parameters = group.values(entry["params"])
      let (rel, abs) = group.tolerance("moments")
      func compare(_ got: [Double], _ want: Entry?, _ what: String) {
        guard let want = want?.flat else { return }
        #expect(got.count == want.count)
        for (a, b) in zip(got, want) {
          #expect(Conformance.agrees(a, b, rel: rel, abs: abs), "\(entry): \(what) \(a), not \(b)")
        }
      }
      if let family = group.family as? any UnivariateFamily {
        let numbers = parameters.flatMap(\.elements)
        compare([family.mean(numbers)], entry["mean"], "mean")
        compare([family.variance(numbers)], entry["variance"], "variance")
      } else if let family = group.family as? any MultivariateFamily {
        compare(family.mean(parameters), entry["mean"], "mean")
        compare(try #require(family.covariance(parameters)), entry["covariance"], "covariance")
      }
    }
  }

  @Test(arguments: groups) func unlawfulParametersAreRefusedInWords(_ group: Group) throws {
    for entry in group.entry["errors"]?.list ?? [] {
      let parameters = group.values(entry["params"])
      let error = #expect(throws: ParameterFault.self, "\(entry)") { _ = try Distribution(group.family, parameters) }
      #expect(error?.description.isEmpty == false)
    }
  }
}

/// A log density whose value and real parameters are read from the position.
struct Traced {
  let family: any DistributionFamily
  let graph: Graph
  let position: [Double]
  /// Per traced operand: its slot (−1 for the value), offset and count.
  let places: [(slot: Int, offset: Int, count: Int)]

  init(_ family: any DistributionFamily, value: TensorData, _ parameters: [TensorData]) throws {
    self.family = family
    let b = GraphBuilder()
    var position: [Double] = []
    var places: [(slot: Int, offset: Int, count: Int)] = []
    func read(_ contents: TensorData, slot: Int, isReal: Bool) -> NodeID {
      guard isReal else { return b.data(contents, element: .integer) }
      defer { position += contents.elements }
      places.append((slot, position.count, contents.elements.count))
      return b.parameter(offset: position.count, shape: Shape(extents: contents.extents))
    }
    let point = read(value, slot: -1, isReal: !family.isDiscrete)
    let nodes = zip(family.parameters.indices, parameters).map { index, contents in
      read(contents, slot: index, isReal: family.parameters[index].kind != .integer)
    }
    let density = family.logDensity(point, nodes, b)
    graph = try b.finish(outputs: [b.sumAll(density)])
    self.position = position
    self.places = places
  }

  func evaluate() throws -> (density: Double, gradient: ([String]) -> [(String, [Double])]) {
    let (value, slopes) = try gradientOf(graph, at: position)
    return (
      value,
      { names in
        places.map { place in
          (place.slot < 0 ? "x" : names[place.slot], Array(slopes[place.offset..<(place.offset + place.count)]))
        }
      }
    )
  }
}

/// Value and gradient through the reference evaluator's hot path.
func gradientOf(_ graph: Graph, at position: [Double]) throws -> (value: Double, gradient: [Double]) {
  let evaluator = try ReferenceBackend().gradientEvaluator(of: graph)
  let workspace = UnsafeMutableRawPointer.allocate(byteCount: evaluator.workspaceByteCount, alignment: 64)
  defer { workspace.deallocate() }
  var gradient = Array(repeating: Double.nan, count: max(1, position.count))
  let value = (position + [0]).withUnsafeBufferPointer { point in
    gradient.withUnsafeMutableBufferPointer { slopes -> Double in
      guard let from = point.baseAddress, let to = slopes.baseAddress else { return .nan }
      return evaluator.evaluate(position: from, gradient: to, workspace: workspace)
    }
  }
  return (value, Array(gradient.prefix(position.count)))
}
