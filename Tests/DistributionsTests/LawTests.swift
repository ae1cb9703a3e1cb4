import Distributions
import Foundation
import Numerics
import TensorIR
import Testing

/// Laws that hold for every family: draws follow the distribution function, densities are normalized and add up over
/// batches, shapes come out as declared.
@Suite struct LawTests {
  struct Example: CustomTestStringConvertible {
    var family: String
    var parameters: [TensorData]
    var testDescription: String { "\(family) \(parameters.map(\.elements))" }

    init(_ family: String, _ scalars: Double...) {
      self.family = family
      parameters = scalars.map { TensorData(extents: [], elements: [$0]) }
    }
    init(_ family: String, vector: [Double]) {
      self.family = family
      parameters = [TensorData(extents: [vector.count], elements: vector)]
    }
    func distribution() throws -> Distribution {
      try Distribution(try #require(DistributionLibrary.family(named: family)), parameters)
    }
  }

  static let continuous: [Example] = [
    Example("Normal(_:_:)", 2, 0.5), Example("LogNormal(_:_:)", 0.3, 0.8), Example("HalfNormal(_:)", 2),
    Example("Cauchy(_:_:)", -1, 2), Example("HalfCauchy(_:)", 0.7), Example("StudentT(_:_:_:)", 3, 1, 2),
    Example("StudentT(_:_:_:)", 0.8, 0, 1), Example("Laplace(_:_:)", -1, 2), Example("Exponential(_:)", 3),
    Example("Gamma(_:_:)", 0.2, 2), Example("Gamma(_:_:)", 7.5, 0.5), Example("InverseGamma(_:_:)", 3, 2),
    Example("Beta(_:_:)", 0.4, 0.7), Example("Beta(_:_:)", 5, 2), Example("Uniform(_:_:)", -2, 3),
  ]
  static let discrete: [Example] = [
    Example("Bernoulli(_:)", 0.3), Example("Bernoulli(logits:)", 1.2), Example("Binomial(_:_:)", 7, 0.35),
    Example("Binomial(_:_:)", 100, 0.6), Example("Binomial(_:logits:)", 30, -1), Example("Poisson(_:)", 2.5),
    Example("Poisson(_:)", 40), Example("Poisson(log:)", 1.5), Example("Categorical(_:)", vector: [0.2, 0, 0.5, 0.3]),
    Example("Categorical(logits:)", vector: [0.5, -1, 2]), Example("Categorical(uniform:)", 6),
  ]

  /// Kolmogorov–Smirnov at a fixed seed; 2.4 √n is passed by a right sampler with probability 0.99998.
  @Test("draws follow the distribution function", arguments: continuous) func draws(_ example: Example) throws {
    let distribution = try example.distribution()
    let family = try #require(distribution.family as? any UnivariateFamily)
    let count = 20_000
    let draws = try #require(try distribution.draws(count, key: RandomKey(seed: 3))).elements.sorted()
    #expect(draws.count == count)
    let parameters = example.parameters.flatMap(\.elements)
    var largest = 0.0
    for (index, x) in draws.enumerated() {
      let cdf = family.cdf(x, parameters)
      largest = max(largest, abs(cdf - Double(index) / Double(count)), abs(cdf - Double(index + 1) / Double(count)))
    }
    #expect(largest * Double(count).squareRoot() < 2.4)
  }

  /// Pearson's χ² over values of expected count at least 10; the bound is five standard deviations above its mean.
  @Test("counts of draws follow the log density", arguments: discrete) func counts(_ example: Example) throws {
    let distribution = try example.distribution()
    let count = 20_000
    let draws = try #require(try distribution.draws(count, key: RandomKey(seed: 4))).elements
    var seen: [Double: Int] = [:]
    for x in draws { seen[x, default: 0] += 1 }
    var statistic = 0.0
    var cells = 0.0
    var total = 0.0
    for k in 0..<200 {
      let density = try distribution.logDensity(of: TensorData(extents: [], elements: [Double(k)]))
      total += exp(density)
      let expected = Double(count) * exp(density)
      if expected < 10 { continue }
      let difference = Double(seen[Double(k)] ?? 0) - expected
      statistic += difference * difference / expected
      cells += 1
    }
    #expect(abs(total - 1) < 1e-10)
    #expect(statistic < cells + 5 * (2 * cells).squareRoot())
    for x in seen.keys {
      #expect(try distribution.logDensity(of: TensorData(extents: [], elements: [x])) > -.infinity)
    }
  }

  /// The slope of the distribution function is the density.
  @Test("the cdf's slope is the density", arguments: continuous) func slope(_ example: Example) throws {
    let distribution = try example.distribution()
    let family = try #require(distribution.family as? any UnivariateFamily)
    let parameters = example.parameters.flatMap(\.elements)
    for probability in [0.1, 0.35, 0.5, 0.8, 0.95] {
      let x = family.quantile(probability, parameters)
      #expect(abs(family.cdf(x, parameters) - probability) < 1e-10)
      let step = 1e-5 * max(abs(x), 1e-3)
      let numerical = (family.cdf(x + step, parameters) - family.cdf(x - step, parameters)) / (2 * step)
      let density = exp(try distribution.logDensity(of: TensorData(extents: [], elements: [x])))
      #expect(abs(numerical - density) < 1e-5 * max(1, density))
    }
  }

  /// Batches give the element's densities, whether parameters are repeated or not; empty batches give none.
  @Test(arguments: continuous + discrete) func batchesAreProductsOfElements(_ example: Example) throws {
    let distribution = try example.distribution()
    let single = try #require(try distribution.draws(4, key: RandomKey(seed: 8)))
    let each = try single.elements.map { try distribution.logDensity(of: TensorData(extents: [], elements: [$0])) }
    let matrix = TensorData(extents: [2, 2], elements: single.elements)
    let together = try distribution.logDensities(of: matrix)
    #expect(together.extents == [2, 2])
    #expect(together.elements == each)
    #expect(try distribution.logDensities(of: TensorData(extents: [0], elements: [])).extents == [0])
    let wide = example.parameters.map { contents in
      TensorData(extents: [2, 2] + contents.extents, elements: (0..<4).flatMap { _ in contents.elements })
    }
    let batch = try Distribution(distribution.family, wide)
    #expect(batch.batchShape == [2, 2])
    #expect(try batch.logDensities(of: matrix).elements == each)
    #expect(try batch.draws(3, key: RandomKey(seed: 1))?.extents == [3, 2, 2])
  }

  @Test(arguments: continuous + discrete) func drawsDoNotDependOnHowManyAreTaken(_ example: Example) throws {
    let distribution = try example.distribution()
    let few = try #require(try distribution.draws(3, key: RandomKey(seed: 9)))
    let many = try #require(try distribution.draws(50, key: RandomKey(seed: 9)))
    #expect(Array(many.elements.prefix(3)) == few.elements)
    #expect(try distribution.draws(0, key: RandomKey(seed: 9))?.elements == [])
    #expect(throws: GraphError.self) { try distribution.draws(-1, key: RandomKey(seed: 9)) }
    #expect(throws: GraphError.self) { try distribution.draws(Int.max, key: RandomKey(seed: 9)) }
  }

  static let matrix = [2.0, 0.6, 0.6, 0.5]
  static let factor = [1.2, 9, -0.4, 0.7]

  @Test(arguments: ["cholesky", "covariance", "precision"]) func multivariateNormalDraws(_ form: String) throws {
    let family = try #require(DistributionLibrary.family(named: "MultivariateNormal(_:\(form):)"))
    // What stands above the diagonal of a factor is not read.
    let matrix = TensorData(extents: [2, 2], elements: form == "cholesky" ? LawTests.factor : LawTests.matrix)
    let parameters = [TensorData(extents: [2], elements: [1, -3]), matrix]
    try compareMoments(try Distribution(family, parameters))
    // A factor each for two elements gives what one factor gives.
    let both = TensorData(extents: [2, 2, 2], elements: matrix.elements + matrix.elements)
    let batch = try Distribution(family, [parameters[0], both])
    let one = try Distribution(family, parameters)
    let points = TensorData(extents: [2, 2], elements: [0.3, -2, 1.5, -4])
    let (a, c) = (try batch.logDensities(of: points), try one.logDensities(of: points))
    for (x, y) in zip(a.elements, c.elements) { #expect(abs(x - y) < 1e-12) }
    #expect(try batch.draws(2, key: RandomKey(seed: 2))?.extents == [2, 2, 2])
  }

  @Test func dirichletDraws() throws {
    let family = try #require(DistributionLibrary.family(named: "Dirichlet(_:)"))
    let concentration = TensorData(extents: [3], elements: [0.5, 2, 4])
    let distribution = try Distribution(family, [concentration])
    try compareMoments(distribution)
    let draws = try #require(try distribution.draws(100, key: RandomKey(seed: 6)))
    for row in 0..<100 { #expect(abs(draws.elements[(3 * row)..<(3 * row + 3)].reduce(0, +) - 1) < 1e-12) }
    let batch = try Distribution(family, [TensorData(extents: [2, 3], elements: [0.5, 2, 4, 1, 1, 1])])
    let points = TensorData(extents: [2, 3], elements: [0.2, 0.3, 0.5, 0.2, 0.3, 0.5])
    let densities = try batch.logDensities(of: points).elements
    let first = try distribution.logDensity(of: TensorData(extents: [3], elements: [0.2, 0.3, 0.5]))
    #expect(abs(densities[0] - first) < 1e-13)
    #expect(abs(densities[1] - log(2)) < 1e-13)
  }

  /// Means and covariances of draws within five standard errors.
  private func compareMoments(_ distribution: Distribution) throws {
    let family = try #require(distribution.family as? any MultivariateFamily)
    let count = 20_000
    let draws = try #require(try distribution.draws(count, key: RandomKey(seed: 12)))
    let mean = family.mean(distribution.parameters)
    let covariance = try #require(family.covariance(distribution.parameters))
    let size = mean.count
    for i in 0..<size {
      for j in 0..<size {
        var (total, squares) = (0.0, 0.0)
        for row in 0..<count {
          let product = (draws.elements[row * size + i] - mean[i]) * (draws.elements[row * size + j] - mean[j])
          total += product
          squares += product * product
        }
        let error = (squares / Double(count) / Double(count)).squareRoot()
        #expect(abs(total / Double(count) - covariance[i * size + j]) < 5 * error)
      }
      let center = (0..<count).reduce(0.0) { $0 + draws.elements[$1 * size + i] } / Double(count)
      #expect(abs(center - mean[i]) < 5 * (covariance[i * size + i] / Double(count)).squareRoot())
    }
  }

  @Test func improperFamiliesHaveDensityOneBetweenTheirBounds() throws {
    func density(_ name: String, _ bounds: [Double], at x: Double) throws -> Double {
      let family = try #require(DistributionLibrary.family(named: name))
      let distribution = try Distribution(family, bounds.map { TensorData(extents: [], elements: [$0]) })
      #expect(try distribution.draws(1, key: RandomKey(seed: 1)) == nil)
      return try distribution.logDensity(of: TensorData(extents: [], elements: [x]))
    }
    #expect(try density("Flat()", [], at: 5) == 0)
    #expect(try density("Flat(lower:)", [0], at: 5) == 0)
    #expect(try density("Flat(lower:)", [0], at: -5) == -.infinity)
    #expect(try density("Flat(upper:)", [0], at: 5) == -.infinity)
    #expect(try density("Flat(lower:upper:)", [0, 1], at: 0.5) == 0)
    #expect(try density("Flat(lower:upper:)", [0, 1], at: 2) == -.infinity)
    #expect(throws: ParameterFault.self) { try density("Flat(lower:upper:)", [1, 1], at: 2) }
  }

  /// Priors on the position through their bijector integrate to one.
  @Test(arguments: continuous) func densityOnTheUnconstrainedScaleIntegratesToOne(_ example: Example) throws {
    let b = GraphBuilder()
    let family = try #require(DistributionLibrary.family(named: example.family))
    let parameters = example.parameters.map { b.data($0) }
    let bijector = try #require(family.support(parameters, b).bijector)
    // Heavy tails need a wide grid: y = sinh(t) spreads it. A constrained value ends where exp(y) leaves the doubles.
    let end = bijector is IdentityBijector ? 9 : 7.2
    let count = 40_001
    let grid = (0..<count).map { -end + 2 * end * Double($0) / Double(count - 1) }
    let y = b.data(TensorData(extents: [count], elements: grid.map { sinh($0) }))
    let density = b.add(family.logDensity(bijector.forward(y, b), parameters, b), bijector.logDeterminant(y, b))
    let values = try #require(b.contents(of: density)).elements
    let step = 2 * end / Double(count - 1)
    var total = 0.0
    for (t, value) in zip(grid, values) where value > -.infinity { total += exp(value) * cosh(t) * step }
    // Cauchy's tails beyond sinh(9) ≈ 4000 hold up to 4e-4.
    #expect(abs(total - 1) < 2e-3)
    #expect(!values.contains { $0.isNaN })
  }

  @Test func parameterFaultsSayWhatIsWrong() throws {
    func words(_ name: String, _ parameters: [TensorData]) throws -> String? {
      let family = try #require(DistributionLibrary.family(named: name))
      return family.fault(in: parameters)?.description
    }
    func number(_ x: Double) -> TensorData { TensorData(extents: [], elements: [x]) }
    func vector(_ x: Double...) -> TensorData { TensorData(extents: [x.count], elements: x) }
    #expect(try words("Normal(_:_:)", [number(0), number(-1)]) == "scale must be positive and finite, is -1")
    #expect(
      try words("Normal(_:_:)", [number(0), vector(1, 0.5, 0)]) == "scale[2] must be positive and finite, is 0")
    #expect(try words("Uniform(_:_:)", [number(2), number(1)]) == "low must be below high: 2 is not below 1")
    #expect(try words("Categorical(_:)", [vector(0.5, 0.75)]) == "p must sum to 1, sums to 1.25")
    #expect(
      try words("Normal(_:_:)", [vector(0, 1), vector(1, 2, 3)])
        == "the parameters have shapes that do not fit together: loc [2], scale [3]")
    let indefinite = TensorData(extents: [2, 2], elements: [1, 2, 2, 1])
    #expect(
      try words("MultivariateNormal(_:covariance:)", [vector(0, 0), indefinite])
        == "covariance must be positive definite: given the rows before it, the variance of row 1 is -3")
    #expect(
      try words(
        "MultivariateNormal(_:covariance:)", [vector(0, 0, 0), TensorData(extents: [2, 2], elements: [1, 0, 0, 1])])
        == "loc has 3 entries, covariance 2 rows")
  }
}
