import Foundation
import Inference
import Numerics
import Testing

/// The sampler against closed forms, and its laws.
struct SamplerTests {
  private let correlated = GaussianTarget(mean: [1, -2], covariance: [[2, 1.2], [1.2, 1]])

  private func settings(_ threads: Int = 1) -> NUTSSettings {
    var settings = NUTSSettings()
    settings.threads = threads
    settings.warmup = 500
    settings.draws = 1000
    return settings
  }

  @Test func momentsOfACorrelatedNormal() {
    let results = ChainRunner.run(
      target: correlated, starts: Array(repeating: [0, 0], count: 4), settings: settings(), key: RandomKey(seed: 3))
    for (index, (mean, variance)) in [(1.0, 2.0), (-2.0, 1.0)].enumerated() {
      let chains = results.map { result in (0..<result.count).map { result.positions[$0 * 2 + index] } }
      let all = chains.flatMap { $0 }
      let average = all.reduce(0, +) / Double(all.count)
      #expect(abs(average - mean) < 4 * Convergence.mcseMean(chains))
      let spread = all.reduce(0) { $0 + ($1 - average) * ($1 - average) } / Double(all.count - 1)
      #expect(abs(spread.squareRoot() - variance.squareRoot()) < 4 * Convergence.mcseSD(chains))
      #expect(Convergence.rHat(chains) < 1.01)
    }
    #expect(results.allSatisfy { !$0.isDivergent.contains(true) })
  }

  @Test func threadsAndOrderChangeNothing() {
    let starts = (0..<8).map { [Double($0), 0] }
    let one = ChainRunner.run(target: correlated, starts: starts, settings: settings(1), key: RandomKey(seed: 5))
    let two = ChainRunner.run(
      target: correlated, starts: starts, settings: settings(2), key: RandomKey(seed: 5),
      order: [7, 0, 3, 1, 6, 2, 5, 4])
    let eight = ChainRunner.run(
      target: correlated, starts: starts, settings: settings(8), key: RandomKey(seed: 5),
      order: [4, 3, 2, 1, 0, 7, 6, 5])
    #expect(one.map(\.positions) == two.map(\.positions))
    #expect(one.map(\.positions) == eight.map(\.positions))
  }

  @Test func funnelDivergesAndIsReported() {
    var options = settings()
    options.draws = 2000
    let results = ChainRunner.run(
      target: FunnelTarget(), starts: Array(repeating: [0, 0.1, -0.1], count: 4), settings: options,
      key: RandomKey(seed: 9))
    #expect(results.contains { $0.isDivergent.contains(true) })
  }

  @Test func leapfrogIsReversibleAndSecondOrder() {
    let kernel = NUTSKernel(target: correlated, maxTreeDepth: 1)
    var errors: [Double] = []
    for stepSize in [0.1, 0.05, 0.025] {
      kernel.move(to: [0.3, -1])
      let there = kernel.path(momentum: [0.5, -0.2], stepSize: stepSize, steps: Int((2 / stepSize).rounded()))
      errors.append(there.energies.map { abs($0 - there.energies[0]) }.max() ?? 0)
      kernel.move(to: there.positions[there.positions.count - 1])
      let back = kernel.path(
        momentum: there.momenta[there.momenta.count - 1], stepSize: -stepSize, steps: there.positions.count - 1)
      let last = back.positions[back.positions.count - 1]
      #expect(abs(last[0] - 0.3) < 1e-12 && abs(last[1] + 1) < 1e-12)
    }
    #expect(abs(errors[0] / errors[1] - 4) < 0.5 && abs(errors[1] / errors[2] - 4) < 0.5)
  }

  @Test func cancellationEndsCleanly() {
    let results = ChainRunner.run(
      target: correlated, starts: [[0, 0], [1, 1]], settings: settings(), key: RandomKey(seed: 1), isCancelled: { true }
    )
    #expect(results.allSatisfy { $0.isPartial && $0.count == 0 })
  }

  @Test func optimizerFindsTheMode() {
    let result = Optimizer.maximize(correlated, from: [30, 40])
    #expect(abs(result.position[0] - 1) < 1e-6 && abs(result.position[1] + 2) < 1e-6)
    #expect(result.reason == .gradient || result.reason == .change)
  }

  /// Scales that differ by ten orders of magnitude are found within a short warmup, in the target's own units.
  @Test func theMetricFollowsScales() {
    let scales = [1e-5, 1, 1e5]
    let covariance = scales.indices.map { i in scales.indices.map { $0 == i ? scales[i] * scales[i] : 0.0 } }
    let target = GaussianTarget(mean: [3e-5, -2, 1e5], covariance: covariance)
    var settings = NUTSSettings()
    settings.chains = 1
    settings.warmup = 150
    settings.draws = 200
    let result = ChainRunner.run(target: target, starts: [[0, 0, 0]], settings: settings, key: RandomKey(seed: 4))[0]
    for (found, scale) in zip(result.inverseMass, scales) {
      #expect(abs(found / (scale * scale) - 1) < 0.2, "\(found) for a variance of \(scale * scale)")
    }
    #expect(result.leapfrogs.reduce(0, +) < 10 * settings.draws)
  }

  @Test func theLastPartOfWarmupLeavesTheMetricAlone() {
    let schedule = MetricSchedule(warmup: 1000)
    #expect(schedule.early == 300)
    #expect(schedule.last == 850)
    #expect(MetricSchedule(warmup: 3).last == 0)
    #expect(MetricSchedule(warmup: 0).last == 0)
  }
}
