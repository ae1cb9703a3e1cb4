import Foundation
import Numerics

/// A number as the sum of two doubles that do not overlap: about 106 bits.
///
/// Source: Dekker 1971, "A floating-point technique for extending the available precision"; Hida, Li & Bailey 2001,
/// "Algorithms for quad-double precision floating point arithmetic".
package struct DoubleDouble: Sendable {
  package var high: Double
  package var low: Double

  package init(_ high: Double, _ low: Double = 0) {
    self.high = high
    self.low = low
  }

  /// The sum, of which the first part is the larger one.
  private static func normalized(_ a: Double, _ b: Double) -> DoubleDouble {
    let sum = a + b
    return sum.isFinite ? DoubleDouble(sum, b - (sum - a)) : DoubleDouble(sum)
  }

  /// The exact sum and the exact product of two doubles.
  package static func sum(_ a: Double, _ b: Double) -> DoubleDouble {
    let sum = a + b
    guard sum.isFinite else { return DoubleDouble(sum) }
    let part = sum - a
    return DoubleDouble(sum, (a - (sum - part)) + (b - part))
  }

  package static func product(_ a: Double, _ b: Double) -> DoubleDouble {
    let product = a * b
    return product.isFinite ? DoubleDouble(product, (-product).addingProduct(a, b)) : DoubleDouble(product)
  }

  package static func + (a: DoubleDouble, b: DoubleDouble) -> DoubleDouble {
    let (high, low) = (sum(a.high, b.high), sum(a.low, b.low))
    guard high.high.isFinite else { return high }
    let first = normalized(high.high, high.low + low.high)
    return normalized(first.high, first.low + low.low)
  }

  package static prefix func - (a: DoubleDouble) -> DoubleDouble { DoubleDouble(-a.high, -a.low) }
  package static func - (a: DoubleDouble, b: DoubleDouble) -> DoubleDouble { a + -b }

  package static func * (a: DoubleDouble, b: DoubleDouble) -> DoubleDouble {
    let high = product(a.high, b.high)
    guard high.high.isFinite else { return high }
    return normalized(high.high, high.low + (a.high * b.low + a.low * b.high))
  }

  package static func * (a: DoubleDouble, b: Double) -> DoubleDouble { a * DoubleDouble(b) }

  package static func / (a: DoubleDouble, b: DoubleDouble) -> DoubleDouble {
    let first = a.high / b.high
    guard first.isFinite, b.high.isFinite else { return DoubleDouble(first) }
    let rest = a - b * DoubleDouble(first)
    let second = rest.high / b.high
    let third = (rest - b * DoubleDouble(second)).high / b.high
    return normalized(first, second) + DoubleDouble(third)
  }

  package static func / (a: DoubleDouble, b: Double) -> DoubleDouble { a / DoubleDouble(b) }
  package static func < (a: DoubleDouble, b: DoubleDouble) -> Bool {
    a.high < b.high || (a.high == b.high && a.low < b.low)
  }
  package static func == (a: DoubleDouble, b: DoubleDouble) -> Bool { a.high == b.high && a.low == b.low }

  package func scaled(byPowerOfTwo exponent: Int) -> DoubleDouble {
    DoubleDouble(scalbn(high, exponent), scalbn(low, exponent))
  }

  package var isNaN: Bool { high.isNaN }
  var magnitude: DoubleDouble { high < 0 ? -self : self }

  // Each the sum of the two doubles next to the true value.
  static let one = DoubleDouble(1)
  static let pi = DoubleDouble(0x1.921fb54442d18p1, 0x1.1a62633145c07p-53)
  static let halfPi = DoubleDouble(0x1.921fb54442d18p0, 0x1.1a62633145c07p-54)
  static let logTwo = DoubleDouble(0x1.62e42fefa39efp-1, 0x1.abc9e3b39803fp-56)
}

// MARK: - Elementary functions

extension DoubleDouble {
  package func squareRoot() -> DoubleDouble {
    guard high > 0, high.isFinite else { return DoubleDouble(high.squareRoot()) }
    let first = high.squareRoot()
    // Two steps of Newton's, the first of which has all but the last bits.
    var root = DoubleDouble(first) + (self - DoubleDouble.product(first, first)) / (2 * first)
    root = root + (self - root * root) / (root * 2)
    return root
  }

  /// Σ selfᵏ / k! from k = 1.
  private var exponentialTail: DoubleDouble {
    var (term, total) = (self, self)
    var k = 2.0
    while abs(term.high) > abs(total.high) * 1e-33, k < 60 {
      term = term * self / k
      total = total + term
      k += 1
    }
    return total
  }

  package func exponential() -> DoubleDouble {
    guard high < 710, high > -760 else { return DoubleDouble(exp(high)) }
    let count = (high / DoubleDouble.logTwo.high).rounded()
    let rest = (self - DoubleDouble.logTwo * count).scaled(byPowerOfTwo: -9)
    // (1 + s)² − 1 = 2s + s², nine times.
    var tail = rest.exponentialTail
    for _ in 0..<9 { tail = tail * 2 + tail * tail }
    return (tail + .one).scaled(byPowerOfTwo: Int(count))
  }

  package func exponentialMinusOne() -> DoubleDouble {
    abs(high) < 0.35 ? (high == 0 ? self : exponentialTail) : exponential() - .one
  }

  package func logarithm() -> DoubleDouble {
    guard high > 0, high.isFinite else { return DoubleDouble(log(high)) }
    // Subnormal numbers have no room for a second part.
    if high < 1e-280 { return scaled(byPowerOfTwo: 120).logarithm() - DoubleDouble.logTwo * 120 }
    let first = log(high)
    let error = self * DoubleDouble(-first).exponential() - .one
    return DoubleDouble(first) + (error - error * error * 0.5)
  }

  package func logarithmOfOnePlus() -> DoubleDouble {
    guard abs(high) < 1e-3 else { return (self + .one).logarithm() }
    var (power, total) = (self, self)
    for k in 2..<13 {
      power = power * -self
      total = total + power / Double(k)
    }
    return total
  }

  private static func sineAndCosine(small x: DoubleDouble) -> (sine: DoubleDouble, cosine: DoubleDouble) {
    var (term, sine, cosine) = (x, x, DoubleDouble.one)
    var k = 1.0
    while abs(term.high) > 1e-35, k < 80 {
      k += 1
      term = term * x / k
      if k.remainder(dividingBy: 4) == 2 || k.remainder(dividingBy: 4) == -2 { cosine = cosine - term }
      if k.remainder(dividingBy: 4) == -1 { sine = sine - term }
      if k.remainder(dividingBy: 4) == 0 { cosine = cosine + term }
      if k.remainder(dividingBy: 4) == 1 { sine = sine + term }
    }
    return (sine, cosine)
  }

  func sineAndCosine() -> (sine: DoubleDouble, cosine: DoubleDouble) {
    guard abs(high) < 1e9 else { return (DoubleDouble(sin(high)), DoubleDouble(cos(high))) }
    let quarters = (high / DoubleDouble.halfPi.high).rounded()
    let (sine, cosine) = DoubleDouble.sineAndCosine(small: self - DoubleDouble.halfPi * quarters)
    switch Int(quarters) & 3 {
    case 0: return (sine, cosine)
    case 1: return (cosine, -sine)
    case 2: return (-sine, -cosine)
    default: return (-cosine, sine)
    }
  }

  func arcTangent(over x: DoubleDouble = .one) -> DoubleDouble {
    let first = atan2(high, x.high)
    guard high.isFinite, x.high.isFinite, !(high == 0 && x.high == 0) else { return DoubleDouble(first) }
    // The angle that is left, whose tangent is small.
    let (sine, cosine) = DoubleDouble(first).sineAndCosine()
    return DoubleDouble(first) + (self * cosine - x * sine) / (x * cosine + self * sine)
  }

  func arcSine() -> DoubleDouble {
    guard abs(high) < 1 else { return DoubleDouble(asin(high)) }
    return arcTangent(over: ((DoubleDouble.one - self) * (DoubleDouble.one + self)).squareRoot())
  }

  func hyperbolic() -> (sine: DoubleDouble, cosine: DoubleDouble, tangent: DoubleDouble) {
    if abs(high) > 300 { return (DoubleDouble(sinh(high)), DoubleDouble(cosh(high)), DoubleDouble(tanh(high))) }
    let up = exponentialMinusOne()
    let down = (-self).exponentialMinusOne()
    let (sine, cosine) = ((up - down) * 0.5, (up + down) * 0.5 + .one)
    return (sine, cosine, sine / cosine)
  }

  func power(_ exponent: DoubleDouble) -> DoubleDouble {
    let value = pow(high, exponent.high)
    guard value.isFinite, value != 0, high != 0, exponent.high != 0 else { return DoubleDouble(value) }
    let size = (exponent * magnitude.logarithm()).exponential()
    return value < 0 ? -size : size
  }
}

// MARK: - Error function and gamma function

extension DoubleDouble {
  private static let twoOverRootPi = DoubleDouble(2) / pi.squareRoot()

  /// erf by its series of positive terms, 2/√π e^(−x²) Σ 2ⁿ x^(2n+1) / (2n + 1)!! (Abramowitz & Stegun 7.1.6).
  private var errorFunctionSeries: DoubleDouble {
    let square = self * self
    var (term, total) = (self, self)
    var k = 1.0
    while abs(term.high) > abs(total.high) * 1e-33, k < 400 {
      term = term * square * 2 / (2 * k + 1)
      total = total + term
      k += 1
    }
    return DoubleDouble.twoOverRootPi * (-square).exponential() * total
  }

  /// e^(x²) erfc x for x ≥ 4 by its continued fraction (Abramowitz & Stegun 7.1.14).
  private var scaledComplement: DoubleDouble {
    var fraction = DoubleDouble(0)
    for k in stride(from: 240.0, through: 1, by: -1) { fraction = DoubleDouble(0.5 * k) / (self + fraction) }
    return DoubleDouble.twoOverRootPi * 0.5 / (self + fraction)
  }

  package func errorFunction() -> DoubleDouble {
    if abs(high) < 4 { return high == 0 ? self : errorFunctionSeries }
    return high > 0 ? .one - complementaryErrorFunction() : (-self).complementaryErrorFunction() - .one
  }

  package func complementaryErrorFunction() -> DoubleDouble {
    if high < 4 { return .one - errorFunction() }
    return high > 27.5 ? DoubleDouble(erfc(high)) : (-(self * self)).exponential() * scaledComplement
  }

  func normalCDF() -> DoubleDouble { (-self / DoubleDouble(2).squareRoot()).complementaryErrorFunction() * 0.5 }

  func normalLogCDF() -> DoubleDouble {
    let scaled = -self / DoubleDouble(2).squareRoot()
    guard scaled.high > 4, scaled.high < 1e150 else { return normalCDF().logarithm() }
    return (scaled.scaledComplement * 0.5).logarithm() - scaled * scaled
  }

  func normalQuantile() -> DoubleDouble {
    let first = Special.normalQuantile(high)
    guard first.isFinite else { return DoubleDouble(first) }
    let x = DoubleDouble(first)
    let density = (-(x * x) * 0.5).exponential() / (DoubleDouble.pi * 2).squareRoot()
    let error = (x.normalCDF() - self) / density
    // Halley's step.
    return x - error / (DoubleDouble.one + error * x * 0.5)
  }

  /// B₂ₖ, as fractions, from B₂.
  private static let bernoulli: [(Double, Double)] = [
    (1, 6), (-1, 30), (1, 42), (-1, 30), (5, 66), (-691, 2730), (7, 6), (-3617, 510), (43867, 798), (-174611, 330),
    (854513, 138), (-236_364_091, 2730), (8_553_103, 6), (-23_749_461_029, 870), (8_615_841_276_005, 14322),
  ]

  /// From where the asymptotic series serve.
  private static let asymptotic = 35.0

  /// log |Γ|: upward until Stirling's series holds (Abramowitz & Stegun 6.1.41).
  package func logGamma() -> DoubleDouble {
    if high <= 0, high == high.rounded() { return DoubleDouble(.infinity) }
    guard high.isFinite, high > -1000, high < 1e15 else { return DoubleDouble(Special.logGamma(high)) }
    var x = self
    var product = DoubleDouble.one
    var total = DoubleDouble(0)
    while x.high < DoubleDouble.asymptotic {
      product = product * x
      x = x + .one
      if abs(product.high) > 1e200 {
        total = total - product.magnitude.logarithm()
        product = .one
      }
    }
    total = total - product.magnitude.logarithm()
    total = total + (x - DoubleDouble(0.5)) * x.logarithm() - x + (DoubleDouble.pi * 2).logarithm() * 0.5
    var power = DoubleDouble.one / x
    let square = power * power
    for (index, (top, bottom)) in DoubleDouble.bernoulli.enumerated() {
      let k = 2 * Double(index + 1)
      total = total + DoubleDouble(top) / bottom * power / (k * (k - 1))
      power = power * square
    }
    return total
  }

  package func digamma() -> DoubleDouble {
    if high <= 0, high == high.rounded() { return DoubleDouble(.nan) }
    guard high.isFinite, high > -1000 else { return DoubleDouble(Special.digamma(high)) }
    var x = self
    var total = DoubleDouble(0)
    while x.high < DoubleDouble.asymptotic {
      total = total - .one / x
      x = x + .one
    }
    total = total + x.logarithm() - DoubleDouble(0.5) / x
    let square = DoubleDouble.one / (x * x)
    var power = square
    for (index, (top, bottom)) in DoubleDouble.bernoulli.enumerated() {
      total = total - DoubleDouble(top) / bottom * power / (2 * Double(index + 1))
      power = power * square
    }
    return total
  }

  package func trigamma() -> DoubleDouble {
    if high <= 0, high == high.rounded() { return DoubleDouble(.infinity) }
    guard high.isFinite, high > -1000 else { return DoubleDouble(Special.trigamma(high)) }
    var x = self
    var total = DoubleDouble(0)
    while x.high < DoubleDouble.asymptotic {
      total = total + .one / (x * x)
      x = x + .one
    }
    let inverse = DoubleDouble.one / x
    let square = inverse * inverse
    total = total + inverse + square * 0.5
    var power = inverse * square
    for (top, bottom) in DoubleDouble.bernoulli {
      total = total + DoubleDouble(top) / bottom * power
      power = power * square
    }
    return total
  }
}
