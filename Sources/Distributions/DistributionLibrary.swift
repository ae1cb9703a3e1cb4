import TensorIR

/// The families in use. To add one: a file with its family, and a row here.
package enum DistributionLibrary {
  package static let all: [any DistributionFamily] = [
    NormalFamily(), HalfNormalFamily(), LogNormalFamily(), CauchyFamily(), HalfCauchyFamily(), StudentTFamily(),
    LaplaceFamily(), ExponentialFamily(), GammaFamily(), InverseGammaFamily(), BetaFamily(), UniformFamily(),
    FlatFamily(bounds: .none), FlatFamily(bounds: .lower), FlatFamily(bounds: .upper), FlatFamily(bounds: .both),
    BernoulliFamily(), BernoulliLogitsFamily(), BinomialFamily(), BinomialLogitsFamily(), PoissonFamily(),
    PoissonLogFamily(), CategoricalFamily(), CategoricalLogitsFamily(), CategoricalUniformFamily(), DirichletFamily(),
    MultivariateNormalFamily(form: .cholesky), MultivariateNormalFamily(form: .covariance),
    MultivariateNormalFamily(form: .precision),
  ]

  private static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

  /// The family of a constructor: `Normal(_:_:)`, `Bernoulli(logits:)`.
  package static func family(named name: String) -> (any DistributionFamily)? { byName[name] }
}
