import Distributions
import Interpreter
import Syntax
import TensorIR

/// Noncentered coordinates: a site as a function of a standardized one whose law has no free location or scale
/// (Papaspiliopoulos, Roberts & Sköld 2007).
struct Standardization {
  /// z → (value, log density of z in its own law, log Jacobian of z's own unconstraining where it has one)
  var forward: (NodeID, GraphBuilder) -> (value: NodeID, density: NodeID, jacobian: NodeID?)
  /// value → unconstrained coordinate
  var inverse: (NodeID, GraphBuilder) -> NodeID

  /// Whether a distribution has a location or scale to take out.
  static func isPossible(_ family: any DistributionFamily) -> Bool { names.contains(family.name) }

  private static let names: Set<String> = [
    "Normal(_:_:)", "LogNormal(_:_:)", "Cauchy(_:_:)", "Laplace(_:_:)", "StudentT(_:_:_:)", "HalfNormal(_:)",
    "HalfCauchy(_:)", "Exponential(_:)", "MultivariateNormal(_:cholesky:)", "MultivariateNormal(_:covariance:)",
  ]

  static func make(
    _ family: any DistributionFamily, _ p: [NodeID], name: String, span: SourceSpan
  ) throws -> Standardization {
    func locationScale(
      _ standard: @escaping (GraphBuilder) -> [NodeID], loc: NodeID, scale: NodeID, isLog: Bool = false,
      law: any DistributionFamily
    ) -> Standardization {
      Standardization(
        forward: { z, b in
          let x = b.add(loc, b.multiply(scale, z))
          return (isLog ? b.exp(x) : x, law.logDensity(z, standard(b), b), nil)
        },
        inverse: { x, b in b.divide(b.subtract(isLog ? b.log(x) : x, loc), scale) })
    }
    /// u ~ law of scale 1 on the positive numbers, u = exp(y).
    func positiveScale(_ parameters: @escaping (GraphBuilder) -> [NodeID], scale: @escaping (GraphBuilder) -> NodeID)
      -> Standardization
    {
      Standardization(
        forward: { y, b in
          let u = b.exp(y)
          return (b.multiply(scale(b), u), family.logDensity(u, parameters(b), b), y)
        },
        inverse: { x, b in b.log(b.divide(x, scale(b))) })
    }
    switch family.name {
    case "Normal(_:_:)":
      return locationScale({ [$0.constant(0), $0.constant(1)] }, loc: p[0], scale: p[1], law: family)
    case "LogNormal(_:_:)":
      let normal = DistributionLibrary.family(named: "Normal(_:_:)") ?? family
      return locationScale({ [$0.constant(0), $0.constant(1)] }, loc: p[0], scale: p[1], isLog: true, law: normal)
    case "Cauchy(_:_:)", "Laplace(_:_:)":
      return locationScale({ [$0.constant(0), $0.constant(1)] }, loc: p[0], scale: p[1], law: family)
    case "StudentT(_:_:_:)":
      return locationScale({ [p[0], $0.constant(0), $0.constant(1)] }, loc: p[1], scale: p[2], law: family)
    case "HalfNormal(_:)", "HalfCauchy(_:)":
      return positiveScale({ [$0.constant(1)] }, scale: { _ in p[0] })
    case "Exponential(_:)":
      return positiveScale({ [$0.constant(1)] }, scale: { $0.unary(.reciprocal, p[0]) })
    case "MultivariateNormal(_:cholesky:)", "MultivariateNormal(_:covariance:)":
      let normal = DistributionLibrary.family(named: "Normal(_:_:)") ?? family
      let isCovariance = family.name.contains("covariance")
      func factor(_ z: NodeID, _ b: GraphBuilder) -> NodeID {
        let lower = isCovariance ? b.cholesky(p[1]) : b.lowerTriangle(p[1])
        let batch = Array(b.shape(z).dropLast())
        let own = b.shape(lower)
        if own.count == 2, !batch.isEmpty {
          return b.broadcast(lower, to: batch + own, mapping: [batch.count, batch.count + 1])
        }
        return lower
      }
      func location(_ z: NodeID, _ b: GraphBuilder) -> NodeID {
        let goal = b.shape(z)
        let own = b.shape(p[0])
        return own.count < goal.count ? b.broadcast(p[0], to: goal, mapping: [goal.count - 1]) : p[0]
      }
      return Standardization(
        forward: { z, b in
          let x = b.add(location(z, b), b.matrixVector(factor(z, b), z))
          let density = normal.logDensity(z, [b.constant(0), b.constant(1)], b)
          return (x, b.reduce(.sum, density, axes: [b.shape(density).count - 1]), nil)
        },
        inverse: { x, b in
          let centered = b.subtract(x, location(x, b))
          let column = b.reshape(centered, to: b.shape(centered) + [Dimension(1)])
          return b.reshape(b.triangularSolve(factor(x, b), column), to: b.shape(centered))
        })
    default:
      throw Fault(
        "M218", "`\(name)` has no location and scale to take out",
        found: family.baseName,
        help:
          "`.noncentered` works for Normal, StudentT, Cauchy, Laplace, LogNormal, HalfNormal, HalfCauchy, Exponential and MultivariateNormal",
        span: span)
    }
  }
}
