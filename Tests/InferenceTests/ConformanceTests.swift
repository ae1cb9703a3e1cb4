import Foundation
import Inference
import Numerics
import TestSupport
import Testing

/// Reference values of convergence checks and adaptation.
struct ConformanceTests {
  static func json(_ name: String) throws -> [String: Any] {
    let data = try Data(contentsOf: Checkout.data.appendingPathComponent("conformance/\(name).json"))
    return try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
  }

  static func number(_ value: Any?) -> Double? {
    if let text = value as? String { return text == "inf" ? .infinity : (text == "-inf" ? -.infinity : .nan) }
    return (value as? NSNumber)?.doubleValue
  }

  static func numbers(_ value: Any?) -> [Double] { (value as? [Any])?.compactMap { number($0) } ?? [] }

  static func rows(_ value: Any?) -> [[Double]] { (value as? [Any])?.map { numbers($0) } ?? [] }

  @Test func convergenceChecks() throws {
    let cases = try #require(try Self.json("diagnostics")["mcmc"] as? [[String: Any]])
    #expect(cases.count == 22)
    var compared = 0
    var degenerate = 0
    for item in cases {
      let name = item["name"] as? String ?? ""
      let chains = Self.rows(item["draws"])
      let all = chains.flatMap { $0 }
      let results: [(String, Double, Double)] = [
        ("rhat_rank", Convergence.rHat(chains), 1e-9), ("rhat_split", Convergence.splitRHat(chains), 1e-9),
        ("ess_bulk", Convergence.essBulk(chains), 1e-6), ("ess_tail", Convergence.essTail(chains), 1e-6),
        ("ess_mean", Convergence.essMean(chains), 1e-6), ("ess_q0.05", Convergence.essQuantile(chains, 0.05), 1e-6),
        ("ess_median", Convergence.essQuantile(chains, 0.5), 1e-6), ("mcse_mean", Convergence.mcseMean(chains), 1e-6),
        ("mcse_sd", Convergence.mcseSD(chains), 1e-6), ("mcse_q0.05", Convergence.mcseQuantile(chains, 0.05), 1e-6),
        ("mcse_q0.5", Convergence.mcseQuantile(chains, 0.5), 1e-6),
        ("mcse_q0.9", Convergence.mcseQuantile(chains, 0.9), 1e-6),
      ]
      if item["expected"] is String {
        // Undefined. Of constant draws a count may stand for the effective sizes, and 0 for the errors.
        for (key, got, _) in results {
          let isConstant = name.hasPrefix("constant")
          let isCount = isConstant && key.hasPrefix("ess") && got == Double(all.count)
          #expect(got.isNaN || isCount || (isConstant && key.hasPrefix("mcse") && got == 0), "\(name) \(key): \(got)")
          degenerate += 1
        }
        continue
      }
      for (key, got, tolerance) in results {
        if item[key] is NSNull {
          #expect(key.hasPrefix("rhat") && chains.count == 1)
          continue
        }
        let want = try #require(Self.number(item[key]))
        compared += 1
        #expect(abs(got - want) <= tolerance * abs(want), "\(name) \(key): \(got), not \(want)")
      }
      let interval = Convergence.highestDensityInterval(all, mass: 0.9)
      let bounds = Self.numbers(item["hdi90"])
      try #require(bounds.count == 2)
      for (got, want) in zip([interval.low, interval.high], bounds) {
        #expect(abs(got - want) <= 1e-12 * abs(want), "\(name) hdi90: \(interval)")
      }
      let sorted = all.sorted()
      let quantiles = try #require(item["quantiles_type7"] as? [String: Any])
      for (text, value) in quantiles {
        let probability = try #require(Double(text))
        let want = try #require(Self.number(value))
        let got = OrderStatistics.quantile(sorted: sorted, probability)
        #expect(abs(got - want) <= 1e-12 * abs(want), "\(name) quantile \(text): \(got), not \(want)")
        compared += 1
      }
    }
    // Of 20 cases 12 figures (a single chain has no R-hat) and 5 quantiles; of the two degenerate ones 12 figures.
    #expect(compared == 20 * 17 - 2)
    #expect(degenerate == 24)
  }

  @Test func energyFractions() throws {
    let cases = try #require(try Self.json("diagnostics")["ebfmi"] as? [[String: Any]])
    #expect(cases.count == 3)
    var compared = 0
    for item in cases {
      let energies = Self.rows(item["energy"])
      let wanted = Self.numbers(item["ebfmi_arviz"])
      try #require(energies.count == wanted.count)
      for (energy, want) in zip(energies, wanted) {
        compared += 1
        #expect(abs(Convergence.ebfmi(energy) - want) <= 1e-10 * want)
      }
    }
    #expect(compared == 10)
  }

  @Test func dualAveraging() throws {
    let cases = try #require(try Self.json("leapfrog")["dual_averaging"] as? [[String: Any]])
    #expect(cases.count == 2)
    for item in cases {
      var averaging = DualAveraging(
        targetAcceptance: Self.number(item["target"]) ?? 0, initialStepSize: Self.number(item["initial_step_size"]) ?? 0
      )
      averaging.gamma = Self.number(item["gamma"]) ?? 0
      averaging.t0 = Self.number(item["t0"]) ?? 0
      averaging.kappa = Self.number(item["kappa"]) ?? 0
      let wanted = Self.numbers(item["step_sizes"])
      let statistics = Self.numbers(item["accept_stats"])
      #expect(wanted.count == statistics.count && !wanted.isEmpty)
      let averaged = Self.numbers(item["averaged_step_sizes"])
      #expect(averaged.count == statistics.count)
      for (statistic, (want, average)) in zip(statistics, zip(wanted, averaged)) {
        let got = averaging.update(acceptance: statistic)
        #expect(abs(got - want) <= 1e-10 * want)
        #expect(abs(averaging.finalStepSize - average) <= 1e-10 * average)
      }
    }
  }

  @Test func varianceEstimates() throws {
    let item = try #require(try Self.json("leapfrog")["welford"] as? [String: Any])
    let draws = Self.rows(item["draws"])
    #expect(draws.count == 25)
    var estimate = VarianceEstimate(dimension: draws[0].count)
    for draw in draws { draw.withUnsafeBufferPointer { if let base = $0.baseAddress { estimate.add(base) } } }
    let wanted = Self.numbers(item["regularised_diagonal"])
    #expect(wanted.count == draws[0].count)
    for (got, want) in zip(estimate.regularized, wanted) { #expect(abs(got - want) <= 1e-12 * want) }
    let covariance = Self.rows(item["covariance"])
    for (index, got) in estimate.variance.enumerated() {
      #expect(abs(got - covariance[index][index]) <= 1e-12 * covariance[index][index])
    }
    for (got, want) in zip(estimate.mean, Self.numbers(item["mean"])) { #expect(abs(got - want) <= 1e-12 * abs(want)) }
  }
}
