/// Names that are documented for a later release, with what is there instead.
enum Later {
  static let names: [String: String] = {
    var result: [String: String] = [:]
    func add(_ names: [String], _ help: String) { for name in names { result[name] = help } }
    add(["HalfStudentT"], "`HalfCauchy` and `HalfNormal` are there")
    add(["Logistic", "Gumbel", "SkewNormal", "Stable"], "`Normal`, `StudentT` and `Cauchy` are there")
    add(["AsymmetricLaplace"], "`Laplace` is there")
    add(["Weibull", "Pareto", "InverseGaussian"], "`Gamma`, `LogNormal` and `Exponential` are there")
    add(["Kumaraswamy"], "`Beta` is there")
    add(["VonMises"], "`Uniform` and `Normal` are there; `addLogDensity` can state its density")
    add(["Truncated", "Censored"], "`addLogDensity` can state the density over the range that was seen")
    add(["BetaBinomial", "Hypergeometric"], "`Binomial` is there, with a `Beta` site for its probability")
    add(["NegativeBinomial", "Geometric"], "`Poisson` is there, with a `Gamma` site for its rate")
    add(["ZeroInflated", "Hurdle", "Mixture"], "`addLogDensity(logAddExp(…))` can state the density")
    add(["OrderedLogistic", "DiscreteUniform"], "`Categorical` is there")
    add(["Multinomial", "DirichletMultinomial"], "`Categorical`, one draw each, and `Poisson` counts are there")
    add(
      ["MultivariateStudentT", "LKJ", "LKJCholesky", "Wishart", "InverseWishart"],
      "`MultivariateNormal` with a given or diagonal scale is there")
    add(["GaussianRandomWalk", "AR1"], "write the loop: `let x: Vector[T]`, then `x[t] ~ Normal(x[t - 1], s)`")
    add(["Ordered", "SumToZero"], "a sum of positive steps gives increasing values: `cumulativeSum`")
    add(["solveODE"], "a fixed number of steps can be written as a `for` loop")
    add(["vi", "laplace", "pathfinder", "Guide"], "`sample` and `optimize` are there")
    add(["loo", "compare"], "`fit.logLikelihood()` gives the pointwise terms")
    add(["search", "profile"], "fit the candidates one by one with `sample`")
    add(["forest", "trace", "pairs", "density", "rank"], "plots come later; `summary(fit)` gives a table")
    return result
  }()

  /// How other systems spell what is there.
  static let spellings: [String: String] = [
    "normal": "distributions are spelled with a capital: `Normal`",
    "gamma": "distributions are spelled with a capital: `Gamma`",
    "ln": "the natural logarithm is `log`", "println": "write `print`", "len": "the length is `x.count`",
    "length": "the length is `x.count`", "True": "write `true`", "False": "write `false`", "None": "write `nil`",
    "NULL": "write `nil`", "null": "write `nil`", "NA": "a missing value is `nil`",
    "c": "an array is written `[1, 2, 3]`",
    "self": "`self` stands only in methods", "inf": "infinity is `infinity`", "Inf": "infinity is `infinity`",
    "NaN": "it is `nan`",
  ]
}
