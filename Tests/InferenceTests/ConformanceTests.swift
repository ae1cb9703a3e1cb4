import Foundation
import Inference
import TestSupport
import Testing

/// Reference values of convergence checks, adaptation and leapfrog paths.
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

  @Test func convergenceChecks() throws {
    let cases = try #require(try Self.json("diagnostics")["mcmc"] as? [[String: Any]])
    #expect(cases.count == 22)
    var compared = 0
    for item in cases {
      let name = item["name"] as? String ?? ""
      let chains = (item["draws"] as? [[Any]])?.map { Self.numbers($0) } ?? []
      if item["expected"] is String {
        #expect(!(Convergence.rHat(chains).isFinite), "\(name)")
        continue
      }
      let all = chains.flatMap { $0 }
      let sorted = all.sorted()
      let interval = Convergence.highestDensityInterval(all, mass: 0.9)
      let results: [(String, Double, Double)] = [
        ("rhat_rank", Convergence.rHat(chains), 1e-9), ("rhat_split", Convergence.splitRHat(chains), 1e-9),
        ("ess_bulk", Convergence.essBulk(chains), 1e-6), ("ess_tail", Convergence.essTail(chains), 1e-6),
        ("ess_mean", Convergence.essMean(chains), 1e-6), ("ess_q0.05", Convergence.essQuantile(chains, 0.05), 1e-6),
        ("ess_median", Convergence.essQuantile(chains, 0.5), 1e-6), ("mcse_mean", Convergence.mcseMean(chains), 1e-6),
        ("mcse_sd", Convergence.mcseSD(chains), 1e-6), ("mcse_q0.05", Convergence.mcseQuantile(chains, 0.05), 1e-6),
        ("mcse_q0.5", Convergence.mcseQuantile(chains, 0.5), 1e-6),
        ("mcse_q0.9", Convergence.mcseQuantile(chains, 0.9), 1e-6),
      ]
      for (key, got, tolerance) in results {
        guard let want = Self.number(item[key]) else { continue }
        compared += 1
        let isClose = want.isNaN ? got.isNaN : abs(got - want) <= tolerance * max(abs(want), 1e-300)
        #expect(isClose, "\(name) \(key): \(got), not \(want)")
      }
      let bounds = Self.numbers(item["hdi90"])
      if bounds.count == 2 { #expect(interval.low == bounds[0] && interval.high == bounds[1], "\(name) hdi90") }
      for (position, want) in Self.numbers(item["quantiles_type7"]).enumerated() where position == 1000 {
        #expect(Convergence.quantile(sorted: sorted, 0.5) == want)
      }
    }
    #expect(compared > 200)
  }

  @Test func energyFractions() throws {
    let cases = try #require(try Self.json("diagnostics")["ebfmi"] as? [[String: Any]])
    #expect(cases.count == 3)
    var compared = 0
    for item in cases {
      for (chain, value) in ((item["energy"] as? [[Any]]) ?? []).enumerated() {
        let want = Self.numbers(item["ebfmi_arviz"])
        guard chain < want.count else { continue }
        compared += 1
        #expect(abs(Convergence.ebfmi(Self.numbers(value)) - want[chain]) <= 1e-10 * want[chain])
      }
    }
    #expect(compared > 0)
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
      for (statistic, want) in zip(statistics, wanted) {
        let got = averaging.update(acceptance: statistic)
        #expect(abs(got - want) <= 1e-10 * want)
      }
    }
  }

  @Test func varianceEstimates() throws {
    let item = try #require(try Self.json("leapfrog")["welford"] as? [String: Any])
    let draws = (item["draws"] as? [[Any]])?.map { Self.numbers($0) } ?? []
    var estimate = VarianceEstimate(dimension: draws[0].count)
    for draw in draws { draw.withUnsafeBufferPointer { if let base = $0.baseAddress { estimate.add(base) } } }
    let wanted = Self.numbers(item["regularised_diagonal"])
    #expect(wanted.count == draws[0].count)
    for (got, want) in zip(estimate.regularized, wanted) { #expect(abs(got - want) <= 1e-12 * want) }
    for (got, want) in zip(estimate.mean, Self.numbers(item["mean"])) { #expect(abs(got - want) <= 1e-12 * abs(want)) }
  }

  @Test func leapfrogPaths() throws {
    let cases = try #require(try Self.json("leapfrog")["trajectories"] as? [[String: Any]])
    var compared = 0
    for item in cases {
      guard (item["inverse_mass"] as? [[Any]]) == nil else { continue }
      let target: any LogDensity
      switch item["target"] as? String {
      case "gaussian":
        let covariance = (item["covariance"] as? [[Any]])?.map { Self.numbers($0) } ?? []
        target = GaussianTarget(mean: Self.numbers(item["mean"]), covariance: covariance)
      case "funnel": target = FunnelTarget()
      default: continue
      }
      let positions = (item["q"] as? [[Any]])?.map { Self.numbers($0) } ?? []
      let momenta = (item["p"] as? [[Any]])?.map { Self.numbers($0) } ?? []
      let kernel = NUTSKernel(target: target, maxTreeDepth: 1)
      for (index, value) in Self.numbers(item["inverse_mass"]).enumerated() { kernel.inverseMass[index] = value }
      kernel.move(to: positions[0])
      let path = kernel.path(
        momentum: momenta[0], stepSize: Self.number(item["step_size"]) ?? 0, steps: positions.count - 1)
      let energies = Self.numbers(item["energy"])
      for (step, want) in positions.enumerated() {
        for (got, wanted) in zip(path.positions[step] + path.momenta[step], want + momenta[step]) {
          #expect(abs(got - wanted) <= 1e-10 * max(1, abs(wanted)))
        }
        if step < energies.count {
          #expect(abs(path.energies[step] - energies[step]) <= 1e-9 * max(1, abs(energies[step])))
        }
      }
      compared += 1
    }
    #expect(compared >= 5)
  }
}
