import Foundation

/// Draws one after the other from a key: a counter and what it has given so far.
package struct RandomStream: Sendable {
  private let key: RandomKey
  private var counter: UInt64 = 0
  private var block: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
  private var left = 0

  /// - Parameter block: Where the stream begins, in blocks of four numbers.
  package init(key: RandomKey, block: UInt64 = 0) {
    self.key = key
    counter = block
  }

  package mutating func nextBits() -> UInt64 {
    if left == 0 {
      block = key.block(counter)
      counter &+= 1
      left = 4
    }
    left -= 1
    switch left {
    case 3: return block.0
    case 2: return block.1
    case 1: return block.2
    default: return block.3
    }
  }

  /// On the open unit interval: 52 bits and a half.
  package mutating func nextUniform() -> Double {
    (Double(nextBits() >> 12) + 0.5) * 0x1p-52
  }

  /// By the inverse of the normal distribution function: one number of the stream per draw.
  package mutating func nextNormal() -> Double { Special.normalQuantile(nextUniform()) }

  package mutating func nextExponential() -> Double { -log(nextUniform()) }

  /// Uniform on 0..<bound, without bias (Lemire 2019).
  package mutating func nextBelow(_ bound: Int) -> Int {
    guard bound > 0 else { return 0 }
    let range = UInt64(bound)
    let threshold = (0 &- range) % range
    while true {
      let product = nextBits().multipliedFullWidth(by: range)
      if product.low >= threshold { return Int(product.high) }
    }
  }

  /// The log of a gamma variate of rate 1 (Marsaglia & Tsang 2000; below shape 1 by their boost, in logs so that tiny
  /// shapes do not underflow).
  package mutating func nextLogGamma(shape: Double) -> Double {
    if shape < 1 { return nextLogGamma(shape: shape + 1) + log(nextUniform()) / shape }
    let d = shape - 1.0 / 3
    let c = 1 / (9 * d).squareRoot()
    while true {
      let x = nextNormal()
      let root = 1 + c * x
      guard root > 0 else { continue }
      let v = root * root * root
      if log(nextUniform()) < 0.5 * x * x + d - d * v + d * log(v) { return log(d) + log(v) }
    }
  }

  package mutating func nextGamma(shape: Double) -> Double { exp(nextLogGamma(shape: shape)) }

  /// By multiplication below a mean of 10, else by transformed rejection (Hörmann 1993, PTRS).
  package mutating func nextPoisson(rate: Double) -> Double {
    guard rate > 0 else { return 0 }
    if rate < 10 {
      let limit = exp(-rate)
      var product = nextUniform()
      var count = 0.0
      while product > limit {
        product *= nextUniform()
        count += 1
      }
      return count
    }
    let logRate = log(rate)
    let b = 0.931 + 2.53 * rate.squareRoot()
    let a = -0.059 + 0.02483 * b
    let inverseAlpha = 1.1239 + 1.1328 / (b - 3.4)
    let cut = 0.9277 - 3.6224 / (b - 2)
    while true {
      let u = nextUniform() - 0.5
      let v = nextUniform()
      let us = 0.5 - abs(u)
      let k = ((2 * a / us + b) * u + rate + 0.43).rounded(.down)
      if us >= 0.07, v <= cut { return k }
      if k < 0 || (us < 0.013 && v > us) { continue }
      if log(v) + log(inverseAlpha) - log(a / (us * us) + b) <= -rate + k * logRate - Special.logGamma(k + 1) {
        return k
      }
    }
  }

  /// By inversion where n·min(p, 1−p) < 10, else by transformed rejection (Hörmann 1993, BTRS).
  package mutating func nextBinomial(trials: Double, probability: Double) -> Double {
    guard trials >= 1, probability > 0 else { return 0 }
    if probability >= 1 { return trials }
    if probability > 0.5 { return trials - nextBinomial(trials: trials, probability: 1 - probability) }
    let n = trials
    let p = probability
    if n * p < 10 {
      // Waiting times between successes are geometric: exact, and as many draws as successes.
      let logQ = log1p(-p)
      var position = 0.0
      var count = -1.0
      while position <= n {
        position += (log(nextUniform()) / logQ).rounded(.down) + 1
        count += 1
      }
      return count
    }
    let spread = (n * p * (1 - p)).squareRoot()
    let b = 1.15 + 2.53 * spread
    let a = -0.0873 + 0.0248 * b + 0.01 * p
    let c = n * p + 0.5
    let cut = 0.92 - 4.2 / b
    let alpha = (2.83 + 5.1 / b) * spread
    let m = ((n + 1) * p).rounded(.down)
    let logOdds = log(p / (1 - p))
    let h = Special.logGamma(m + 1) + Special.logGamma(n - m + 1)
    while true {
      let u = nextUniform() - 0.5
      var v = nextUniform()
      let us = 0.5 - abs(u)
      let k = ((2 * a / us + b) * u + c).rounded(.down)
      if us >= 0.07, v <= cut { return k }
      guard k >= 0, k <= n else { continue }
      v = log(v * alpha / (a / (us * us) + b))
      if v <= h - Special.logGamma(k + 1) - Special.logGamma(n - k + 1) + (k - m) * logOdds { return k }
    }
  }
}
