import Distributions
import Foundation
import LLVMBackend
import TensorIR
import TestSupport
import Testing

/// The reference file's name of a family, and the names its parameters have there, in our order.
private let fileNames: [(family: String, file: String, parameters: [String])] = [
  ("Normal(_:_:)", "Normal", ["loc", "scale"]), ("LogNormal(_:_:)", "LogNormal", ["loc", "scale"]),
  ("HalfNormal(_:)", "HalfNormal", ["scale"]), ("Cauchy(_:_:)", "Cauchy", ["loc", "scale"]),
  ("HalfCauchy(_:)", "HalfCauchy", ["scale"]), ("StudentT(_:_:_:)", "StudentT", ["df", "loc", "scale"]),
  ("Laplace(_:_:)", "Laplace", ["loc", "scale"]), ("Exponential(_:)", "Exponential", ["rate"]),
  ("Gamma(_:_:)", "Gamma", ["shape", "rate"]), ("InverseGamma(_:_:)", "InverseGamma", ["shape", "scale"]),
  ("Beta(_:_:)", "Beta", ["a", "b"]),
  ("Uniform(_:_:)", "Uniform", ["low", "high"]), ("Bernoulli(_:)", "BernoulliProbs", ["p"]),
  ("Bernoulli(logits:)", "BernoulliLogits", ["logit"]), ("Binomial(_:_:)", "BinomialProbs", ["n", "p"]),
  ("Binomial(_:logits:)", "BinomialLogits", ["n", "logit"]), ("Poisson(_:)", "Poisson", ["rate"]),
  ("Poisson(log:)", "PoissonLog", ["log_rate"]), ("Categorical(_:)", "CategoricalProbs", ["probs"]),
  ("Categorical(logits:)", "CategoricalLogits", ["logits"]), ("Dirichlet(_:)", "Dirichlet", ["concentration"]),
  ("MultivariateNormal(_:cholesky:)", "MultivariateNormalCholesky", ["loc", "scale_tril"]),
  ("MultivariateNormal(_:covariance:)", "MultivariateNormalCovariance", ["loc", "covariance"]),
  ("MultivariateNormal(_:precision:)", "MultivariateNormalPrecision", ["loc", "precision"]),
]

/// Everything the reference file holds for the families in use. Counts say how many numbers were compared, so that nothing
/// is skipped unseen.
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
    #expect(cases == 262)
  }

  /// All groups, one after the other, and how many numbers were compared.
  private func compared(_ compare: (Group) throws -> Int) rethrows -> Int {
    try ConformanceTests.groups.reduce(0) { try $0 + compare($1) }
  }

  /// Values and real parameters are read from the position, so that every derivative comes from one reverse sweep.
  @Test func logDensitiesAndGradients() throws {
    var slopes = 0
    let densities = try compared { group in
      let cases = group.entry["cases"]?.list ?? []
      for entry in cases {
        let value = try #require(entry["x"])
        let parameters = group.values(entry["params"])
        let traced = try Traced(
          group.family, value: TensorData(extents: value.extents, elements: value.flat), parameters)
        let (density, gradient) = try traced.evaluate()
        let (rel, abs) = group.tolerance("logp")
        let want = try #require(entry["logp"]?.number)
        let tolerance = entry["logp_abs_tol"]?.number ?? abs
        #expect(
          Conformance.agrees(density, want, rel: rel, abs: tolerance), "\(group) \(entry): logp \(density), not \(want)"
        )
        guard case .object(let wanted)? = entry["grad"] else { continue }
        let slope = group.tolerance("grad")
        let slopeRel = entry["grad_rel_tol"]?.number ?? slope.rel
        let found = Dictionary(uniqueKeysWithValues: gradient(group.names))
        for (name, reference) in wanted {
          let numbers = try #require(found[name], "\(group): no derivative by \(name)")
          let reference = reference.flat
          try #require(numbers.count == reference.count && !numbers.isEmpty)
          // A case's own tolerance was measured where large terms cancel: relative to 1 where the result is smaller.
          let floor = entry["grad_rel_tol"] == nil ? 0 : 1.0
          let scale = reference.reduce(floor) { max($0, Swift.abs($1)) }
          for (got, want) in zip(numbers, reference) {
            slopes += 1
            #expect(
              Conformance.agrees(got, want, rel: slopeRel, abs: slope.abs, scale: scale),
              "\(group) \(entry): d/d\(name) \(numbers), not \(reference)")
          }
        }
      }
      return cases.count
    }
    #expect(densities == 262)
    #expect(slopes == 857)
  }

  /// The same log densities where all is known when the graph is built.
  @Test func logDensitiesOfConcreteDistributions() throws {
    let count = try compared { group in
      let cases = group.entry["cases"]?.list ?? []
      for entry in cases {
        let value = try #require(entry["x"])
        let distribution = try Distribution(group.family, group.values(entry["params"]))
        let density = try distribution.logDensity(of: TensorData(extents: value.extents, elements: value.flat))
        let (rel, abs) = group.tolerance("logp")
        let want = try #require(entry["logp"]?.number)
        let tolerance = entry["logp_abs_tol"]?.number ?? abs
        #expect(
          Conformance.agrees(density, want, rel: rel, abs: tolerance), "\(group) \(entry): logp \(density), not \(want)"
        )
      }
      return cases.count
    }
    #expect(count == 262)
  }

  @Test func distributionFunctions() throws {
    let count = try compared { group in
      guard let family = group.family as? any UnivariateFamily else { return 0 }
      var count = 0
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
          #expect(Conformance.agrees(got, want, rel: rel, abs: abs), "\(group) \(entry): \(key) \(got), not \(want)")
          count += 1
        }
      }
      return count
    }
    // Four functions of 180 cases; the file has none for logits, categories and vectors.
    #expect(count == 4 * 180)
  }

  @Test func quantiles() throws {
    let count = try compared { group in
      let entries = group.entry["quantiles"]?.list ?? []
      for entry in entries {
        let family = try #require(group.family as? any UnivariateFamily)
        let parameters = group.values(entry["params"]).flatMap(\.elements)
        let (rel, abs) = group.tolerance("quantile")
        let want = try #require(entry["x"]?.number)
        let probability = try #require(entry["p"]?.number)
        let got = family.quantile(probability, parameters)
        #expect(Conformance.agrees(got, want, rel: rel, abs: abs), "\(group) \(entry): quantile \(got)")
      }
      return entries.count
    }
    #expect(count == 145)
  }

  @Test func moments() throws {
    let count = try compared { group in
      var count = 0
      for entry in group.entry["moments"]?.list ?? [] {
        let parameters = group.values(entry["params"])
        let (rel, abs) = group.tolerance("moments")
        func compare(_ got: [Double], _ want: Entry?, _ what: String) throws {
          let want = try #require(want).flat
          try #require(got.count == want.count)
          for (a, b) in zip(got, want) {
            #expect(Conformance.agrees(a, b, rel: rel, abs: abs), "\(group) \(entry): \(what) \(a), not \(b)")
            count += 1
          }
        }
        if let family = group.family as? any UnivariateFamily {
          let numbers = parameters.flatMap(\.elements)
          try compare([family.mean(numbers)], entry["mean"], "mean")
          try compare([family.variance(numbers)], entry["variance"], "variance")
        } else {
          let family = try #require(group.family as? any MultivariateFamily)
          try compare(family.mean(parameters), entry["mean"], "mean")
          try compare(try #require(family.covariance(parameters)), entry["covariance"], "covariance")
        }
      }
      return count
    }
    #expect(count == 224)
  }

  @Test func unlawfulParametersAreRefusedInWords() {
    let count = compared { group in
      let entries = group.entry["errors"]?.list ?? []
      for entry in entries {
        let parameters = group.values(entry["params"])
        let error = #expect(throws: ParameterFault.self, "\(group) \(entry)") {
          _ = try Distribution(group.family, parameters)
        }
        #expect(error?.description.isEmpty == false)
      }
      return entries.count
    }
    #expect(count == 73)
  }

  /// The incomplete gamma and beta functions, as what they are here: distribution functions and their inverses.
  @Test func incompleteFunctions() throws {
    let gamma = try #require(DistributionLibrary.family(named: "Gamma(_:_:)") as? any UnivariateFamily)
    let beta = try #require(DistributionLibrary.family(named: "Beta(_:_:)") as? any UnivariateFamily)
    let functions: [(name: String, value: ([Double]) -> Double)] = [
      ("gamma_p", { gamma.cdf($0[1], [$0[0], 1]) }), ("gamma_q", { gamma.survival($0[1], [$0[0], 1]) }),
      ("gamma_p_inv", { gamma.quantile($0[1], [$0[0], 1]) }), ("beta_inc", { beta.cdf($0[2], [$0[0], $0[1]]) }),
      ("beta_inc_c", { beta.survival($0[2], [$0[0], $0[1]]) }),
      ("beta_inc_inv", { beta.quantile($0[2], [$0[0], $0[1]]) }),
    ]
    let file = try Conformance.load("special.json")
    var count = 0
    for (name, value) in functions {
      let function = try #require(file["functions"]?.list.first { $0["name"]?.text == name })
      let rel = try #require(function["rel_tol"]?.number)
      let abs = try #require(function["abs_tol"]?.number)
      for entry in function["cases"]?.list ?? [] {
        let arguments = try #require(entry["args"]).flat
        let want = try #require(entry["value"]?.number)
        let got = value(arguments)
        #expect(
          Conformance.agrees(got, want, rel: entry["rel_tol"]?.number ?? rel, abs: abs),
          "\(name)(\(arguments)): \(got), not \(want)")
        count += 1
      }
    }
    #expect(count == 150)
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
    func read(_ contents: TensorData, slot: Int, isReal: Bool, isSymmetric: Bool) -> NodeID {
      guard isReal else { return b.data(contents, element: .integer) }
      defer { position += contents.elements }
      places.append((slot, position.count, contents.elements.count))
      let node = b.parameter(offset: position.count, shape: Shape(extents: contents.extents))
      // Slopes by symmetric matrices: pairs of entries share what they receive.
      return isSymmetric ? b.multiply(b.constant(0.5), b.add(node, b.transpose(node))) : node
    }
    let hasSymmetricValue = family.name.contains("Wishart(") || family.name.hasPrefix("LKJ(")
    let point = read(value, slot: -1, isReal: !family.isDiscrete, isSymmetric: hasSymmetricValue)
    let nodes = zip(family.parameters.indices, parameters).map { index, contents in
      let parameter = family.parameters[index]
      return read(
        contents, slot: index, isReal: parameter.kind != .integer,
        isSymmetric: parameter.constraint == .positiveDefinite)
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

/// Value and gradient through the hot path of both evaluators, which must agree; the compiled one's are returned.
func gradientOf(_ graph: Graph, at position: [Double]) throws -> (value: Double, gradient: [Double]) {
  let reference = try gradient(of: graph, at: position, by: ReferenceBackend())
  let compiled = try gradient(of: graph, at: position, by: LLVMBackend())
  func isClose(_ a: Double, _ b: Double) -> Bool {
    a == b || (a.isNaN && b.isNaN) || abs(a - b) <= 1e-10 * max(1e-3, abs(b))
  }
  #expect(isClose(compiled.value, reference.value), "compiled \(compiled.value), not \(reference.value)")
  for (a, b) in zip(compiled.gradient, reference.gradient) {
    #expect(isClose(a, b), "a slope is \(a) compiled, not \(b), at \(position)")
  }
  return compiled
}

private func gradient(
  of graph: Graph, at position: [Double], by backend: any Backend
) throws -> (value: Double, gradient: [Double]) {
  let evaluator = try backend.gradientEvaluator(of: graph)
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
