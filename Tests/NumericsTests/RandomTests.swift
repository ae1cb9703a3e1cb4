import Foundation
import Numerics
import Testing

/// Known answers and laws of the random streams.
struct RandomTests {
  @Test func philoxGivesThePublishedBlocks() {
    // NumPy's Philox with key (0x6361726E00000001, 2); it counts up before its first block.
    let first = Philox.block(counter: (1, 0, 0, 0), key: (0x6361_726E_0000_0001, 2))
    #expect(first.0 == 0xe25c_d831_0b41_b21a)
    #expect(first.1 == 0xc503_123a_e506_043c)
    #expect(first.2 == 0xdbe2_c206_7ad5_38ab)
    #expect(first.3 == 0x1cb9_2672_6c90_4b73)
    let other = Philox.block(counter: (5, 0, 1, 0), key: (1, 2))
    #expect(other.0 == 0x8fda_fc9d_5cfd_1396)
    #expect(other.3 == 0xac5f_2173_382a_6fb8)
  }

  @Test func childrenDiffer() {
    let key = RandomKey(seed: 7)
    var seen: Set<RandomKey> = [key]
    for index in 0..<1000 { seen.insert(key.child(UInt64(index))) }
    for name in ["a", "b", "ab", ""] { seen.insert(key.child(name)) }
    #expect(seen.count == 1005)
  }

  /// Mean and variance of many draws within five standard errors of the law's.
  private func check(_ name: String, mean: Double, variance: Double, _ draw: (inout RandomStream) -> Double) {
    var stream = RandomStream(key: RandomKey(seed: 11).child(name))
    let count = 40_000
    let draws = (0..<count).map { _ in draw(&stream) }
    let average = draws.reduce(0, +) / Double(count)
    let spread = draws.reduce(0) { $0 + ($1 - average) * ($1 - average) } / Double(count - 1)
    let fourth = draws.reduce(0) { $0 + pow($1 - average, 4) } / Double(count)
    let errorOfMean = (variance / Double(count)).squareRoot()
    let errorOfVariance = ((fourth - spread * spread) / Double(count)).squareRoot()
    #expect(abs(average - mean) < 5 * errorOfMean, "\(name): mean \(average), not \(mean)")
    #expect(abs(spread - variance) < 5 * errorOfVariance, "\(name): variance \(spread), not \(variance)")
  }

  @Test func momentsAreThoseOfTheLaws() {
    check("uniform", mean: 0.5, variance: 1.0 / 12) { $0.nextUniform() }
    check("normal", mean: 0, variance: 1) { $0.nextNormal() }
    check("exponential", mean: 1, variance: 1) { $0.nextExponential() }
    for shape in [0.3, 1, 4.5, 300] {
      check("gamma \(shape)", mean: shape, variance: shape) { $0.nextGamma(shape: shape) }
    }
    for rate in [0.2, 3, 9.9, 10.1, 500] {
      check("poisson \(rate)", mean: rate, variance: rate) { $0.nextPoisson(rate: rate) }
    }
    for (n, p) in [(5.0, 0.3), (40.0, 0.9), (1000.0, 0.25), (30.0, 0.01)] {
      check("binomial \(n) \(p)", mean: n * p, variance: n * p * (1 - p)) { $0.nextBinomial(trials: n, probability: p) }
    }
  }

  /// All layers have one area, and the last closes at the density's top.
  @Test func layersOfTheZigguratCloseAtTheTop() {
    let ends = Ziggurat.ends
    #expect(ends.count == 257 && ends[1] == Ziggurat.tail)
    #expect(zip(ends, ends.dropFirst()).allSatisfy { $0 > $1 })
    func density(_ x: Double) -> Double { exp(-0.5 * x * x) }
    for k in 1..<256 {
      #expect(abs(ends[k] * (density(ends[k + 1]) - density(ends[k])) - Ziggurat.area) < 1e-9)
    }
    // Below the tail's start the widest layer, and the tail itself.
    let tail = (0.5 * Double.pi).squareRoot() * erfc(Ziggurat.tail / 2.0.squareRoot())
    #expect(abs(Ziggurat.tail * density(Ziggurat.tail) + tail - Ziggurat.area) < 1e-11)
  }

  /// Counts in 200 cells of equal probability, and in the tails, against the normal law; signs and neighbours unrelated.
  @Test func numbersOfTheZigguratAreNormal() {
    var stream = RandomStream(key: RandomKey(seed: 12))
    let count = 2_000_000
    var draws = Array(repeating: 0.0, count: count)
    draws.withUnsafeMutableBufferPointer { buffer in
      if let start = buffer.baseAddress { Ziggurat.fill(start, count: count, from: &stream) }
    }
    var cells = Array(repeating: 0, count: 200)
    for x in draws { cells[min(199, Int(200 * Special.normalCDF(x)))] += 1 }
    let expected = Double(count) / 200
    let statistic = cells.reduce(0.0) { $0 + (Double($1) - expected) * (Double($1) - expected) / expected }
    // Mean 199, standard deviation 20.
    #expect(statistic < 199 + 5 * 20 && statistic > 199 - 5 * 20, "\(statistic)")
    for bound in [3, Ziggurat.tail, 4, 4.5] {
      let beyond = draws.count { abs($0) > bound }
      let wanted = Double(count) * erfc(bound / 2.0.squareRoot())
      #expect(abs(Double(beyond) - wanted) < 5 * wanted.squareRoot(), "\(beyond) beyond \(bound), not \(wanted)")
    }
    let neighbours = zip(draws, draws.dropFirst()).reduce(0.0) { $0 + $1.0 * $1.1 }
    #expect(abs(neighbours) < 5 * Double(count).squareRoot())
    let fourth = draws.reduce(0.0) { $0 + $1 * $1 * $1 * $1 } / Double(count)
    #expect(abs(fourth - 3) < 5 * (96 / Double(count)).squareRoot())
  }

  @Test func edgesAreDefined() {
    var stream = RandomStream(key: RandomKey(seed: 1))
    #expect(stream.nextPoisson(rate: 0) == 0)
    #expect(stream.nextBinomial(trials: 0, probability: 0.5) == 0)
    #expect(stream.nextBinomial(trials: 9, probability: 1) == 9)
    #expect(stream.nextBinomial(trials: 9, probability: 0) == 0)
    #expect(stream.nextBelow(1) == 0)
  }

  @Test func digestsSeparateFields() {
    func digest(_ parts: [String]) -> Digest {
      var builder = DigestBuilder()
      for part in parts { builder.append(part) }
      return builder.finish()
    }
    #expect(digest(["ab", "c"]) != digest(["a", "bc"]))
    #expect(digest(["a"]) == digest(["a"]))
    #expect(digest([]).description == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
  }
}
