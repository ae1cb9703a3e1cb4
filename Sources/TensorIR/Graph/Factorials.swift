import Numerics

extension GraphBuilder {
  /// What Stirling's formula leaves: log Γ(a) − [(a − ½) log a − a + ½ log 2π], for a > 0.
  ///
  /// From 10 on by the asymptotic series (DLMF 5.11.1), where the difference itself would cancel.
  package func stirlingRemainder(_ a: NodeID) -> NodeID {
    let inverse = unary(.reciprocal, a)
    let squared = square(inverse)
    var series = constant(StirlingSeries.coefficients[StirlingSeries.coefficients.count - 1])
    for coefficient in StirlingSeries.coefficients.dropLast().reversed() {
      series = add(constant(coefficient), multiply(series, squared))
    }
    let formula = subtract(multiply(shifted(a, -0.5), log(a)), a)
    let direct = shifted(subtract(unary(.logGamma, a), formula), -0.5 * Special.logTwoPi)
    return select(isLarge(a), multiply(series, inverse), direct)
  }

  /// log B(a, b) for positive a and b of one shape, without cancellation for large ones.
  package func logBeta(_ a: NodeID, _ b: NodeID) -> NodeID {
    // Selects, not minimum and maximum: at a = b each must pass its gradient on.
    let isFirstSmall = binary(.less, a, b)
    let small = select(isFirstSmall, a, b)
    let large = select(isFirstSmall, b, a)
    let growth = select(
      isLarge(large), logGammaGrowth(large, small),
      subtract(unary(.logGamma, add(large, small)), unary(.logGamma, large)))
    return subtract(unary(.logGamma, small), growth)
  }

  /// log Γ(a + b) − log Γ(a) for a ≥ 10 and b > 0.
  private func logGammaGrowth(_ a: NodeID, _ b: NodeID) -> NodeID {
    let total = add(a, b)
    let rise = multiply(shifted(a, -0.5), unary(.log1p, divide(b, a)))
    let shift = multiply(b, shifted(log(total), -1))
    return add(add(rise, shift), subtract(stirlingRemainder(total), stirlingRemainder(a)))
  }

  private func isLarge(_ a: NodeID) -> NodeID { binary(.lessOrEqual, constant(10), a) }
  private func shifted(_ a: NodeID, _ number: Double) -> NodeID { add(a, constant(number)) }
}
