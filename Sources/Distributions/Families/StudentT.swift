import Foundation
import Numerics
package import TensorIR

/// Student's t by degrees of freedom, location and scale.
package struct StudentTFamily: UnivariateFamily {
  package init() {}
  package let name = "StudentT(_:_:_:)"
  package let parameters = [
    DistributionParameter("df", .real, .positive), DistributionParameter("loc", .real, .finite),
    DistributionParameter("scale", .real, .positive),
  ]
  package let supportDescription = "a real number"

  package func support(_ parameters: [NodeID], _ b: GraphBuilder) -> Support { .real }

  /// log Γ((ν + 1) / 2) − log Γ(ν / 2) − ½ log νπ − log scale − ½(ν + 1) log(1 + z² / ν)
  package func logDensity(_ value: NodeID, _ p: [NodeID], _ b: GraphBuilder) -> NodeID {
    let z = b.divide(b.subtract(value, p[1]), p[2])
    let tail = b.multiply(b.times(b.plus(p[0], 1), 0.5), b.log1pSquare(b.divide(z, b.unary(.sqrt, p[0]))))
    return b.subtract(b.subtract(normalizer(p[0], b), b.log(p[2])), tail)
  }

  /// log Γ((ν + 1) / 2) − log Γ(ν / 2) − ½ log νπ. From ν = 40 on by the series of log(Γ(a + ½) / (Γ(a) √a)) in a = ν / 2
  /// (DLMF 5.11.14), because the difference loses all digits for large ν.
  private func normalizer(_ df: NodeID, _ b: GraphBuilder) -> NodeID {
    let half = b.times(df, 0.5)
    let inverse = b.unary(.reciprocal, half)
    let squared = b.square(inverse)
    var series = b.constant(-31.0 / 18432)
    for coefficient in [17.0 / 14336, -1.0 / 640, 1.0 / 192, -1.0 / 8] {
      series = b.plus(b.multiply(series, squared), coefficient)
    }
    let large = b.plus(b.multiply(series, inverse), -halfLogTwoPi)
    let difference = b.subtract(b.unary(.logGamma, b.plus(half, 0.5)), b.unary(.logGamma, half))
    let small = b.subtract(difference, b.times(b.plus(b.log(df), log(Double.pi)), 0.5))
    return b.select(b.isAtLeast(df, 40), large, small)
  }

  /// z √(ν / 2) / √g with g gamma of shape ν / 2, on the log scale.
  package func draw(_ stream: StreamLabel, elements: NodeID, _ p: [NodeID], _ b: GraphBuilder) -> NodeID? {
    let half = b.times(p[0], 0.5)
    let z = b.random(.normal, stream, elements: elements)
    let logGamma = b.random(.logGamma, stream.part(1), elements: elements, parameters: [half])
    let stretch = b.exp(b.times(b.subtract(b.log(half), logGamma), 0.5))
    return b.add(p[1], b.multiply(p[2], b.multiply(z, stretch)))
  }

  package func mean(_ p: [Double]) -> Double { p[0] > 1 ? p[1] : .nan }
  package func variance(_ p: [Double]) -> Double {
    if p[0] <= 1 { return .nan }
    return p[0] <= 2 ? .infinity : p[2] * p[2] * p[0] / (p[0] - 2)
  }

  /// P(T > z) of the standard distribution, for z ≥ 0: half an incomplete beta function of ν / (ν + z²).
  private func tail(_ z: Double, _ df: Double) -> Double {
    if z.isInfinite { return 0 }
    let ratio = z / df.squareRoot()
    let squared = ratio * ratio
    guard squared.isFinite else { return 0.5 * IncompleteBeta.regularized(0.5 * df, 0.5, (1 / ratio) * (1 / ratio), 1) }
    return 0.5 * IncompleteBeta.regularized(0.5 * df, 0.5, 1 / (1 + squared), squared / (1 + squared))
  }

  package func cdf(_ x: Double, _ p: [Double]) -> Double { above((p[1] - x) / p[2], p[0]) }
  package func survival(_ x: Double, _ p: [Double]) -> Double { above((x - p[1]) / p[2], p[0]) }
  private func above(_ z: Double, _ df: Double) -> Double {
    if z.isNaN { return .nan }
    return z >= 0 ? tail(z, df) : 1 - tail(-z, df)
  }

  package func quantile(_ probability: Double, _ p: [Double]) -> Double {
    guard probability > 0, probability < 1 else { return Tails.ends(probability, -.infinity, .infinity) }
    if probability == 0.5 { return p[1] }
    let goal = log(min(probability, 1 - probability))
    let logZ = MonotoneRoot.solve(from: 0, step: 1) { goal - log(tail(exp($0), p[0])) }
    return probability < 0.5 ? p[1] - p[2] * exp(logZ) : p[1] + p[2] * exp(logZ)
  }
}
