import Foundation
package import Numerics
import Synchronization

package struct NUTSSettings: Sendable {
  package var chains = 4
  package var warmup = 1000
  package var draws = 1000
  package var targetAcceptance = 0.8
  package var maxTreeDepth = 10
  package var threads = 1
  package init() {}
}

/// One chain's draws in unconstrained coordinates and what its transitions did.
package struct ChainResult: Sendable {
  /// `count × dimension`, draw after draw.
  package var positions: [Double]
  package var count: Int
  package var acceptance: [Double] = []
  package var stepSizes: [Double] = []
  package var treeDepths: [Int] = []
  package var leapfrogs: [Int] = []
  package var isDivergent: [Bool] = []
  package var energy: [Double] = []
  package var logDensity: [Double] = []
  package var finalStepSize = 0.0
  package var inverseMass: [Double] = []
  package var warmupLeapfrogs = 0
  package var warmupDivergences = 0
  /// Set when the run was stopped before all draws were made.
  package var isPartial = false
}

/// Why a start point was not taken.
package struct StartFailure: Sendable {
  package var position: [Double]
  package var logDensity: Double
  /// The first gradient entry that is not finite, when the log density is.
  package var gradientIndex: Int?
}

/// Runs chains on a pool of threads; the result does not depend on how many.
package enum ChainRunner {
  package struct Progress: Sendable {
    package var chain: Int
    package var iteration: Int
    package var total: Int
    package var divergences: Int
  }

  /// Samples one chain.
  ///
  /// Streams are keyed by iteration, under the chain's own key.
  package static func runChain(
    target: any LogDensity, start: [Double], settings: NUTSSettings, key: RandomKey, chain: Int,
    isCancelled: @Sendable () -> Bool, progress: @Sendable (Progress) -> Void
  ) -> ChainResult {
    let kernel = NUTSKernel(target: target, maxTreeDepth: settings.maxTreeDepth)
    kernel.move(to: start)
    let dimension = target.dimension
    var result = ChainResult(positions: [], count: 0)
    result.positions.reserveCapacity(settings.draws * dimension)
    let schedule = WarmupSchedule(warmup: settings.warmup)
    kernel.findReasonableStepSize(key: key.child(UInt64.max))
    var averaging = DualAveraging(targetAcceptance: settings.targetAcceptance, initialStepSize: kernel.stepSize)
    var variance = VarianceEstimate(dimension: dimension)
    let total = settings.warmup + settings.draws
    var divergences = 0
    for iteration in 0..<total {
      if isCancelled() {
        result.isPartial = true
        break
      }
      let facts = kernel.step(key: key.child(UInt64(iteration)))
      if iteration < settings.warmup {
        result.warmupLeapfrogs += facts.leapfrogs
        if facts.isDivergent { result.warmupDivergences += 1 }
        kernel.stepSize = averaging.update(acceptance: facts.acceptance)
        if schedule.isSlow(iteration) {
          variance.add(kernel.position)
          if schedule.windowEnds.contains(iteration) {
            for (index, value) in variance.regularized.enumerated() { kernel.inverseMass[index] = value }
            variance.reset()
            kernel.findReasonableStepSize(key: key.child(UInt64.max - 1 - UInt64(iteration)))
            averaging.restart(at: kernel.stepSize)
          }
        }
        if iteration == settings.warmup - 1 { kernel.stepSize = averaging.finalStepSize }
      } else {
        for index in 0..<dimension { result.positions.append(kernel.position[index]) }
        result.count += 1
        result.acceptance.append(facts.acceptance)
        result.stepSizes.append(facts.stepSize)
        result.treeDepths.append(facts.treeDepth)
        result.leapfrogs.append(facts.leapfrogs)
        result.isDivergent.append(facts.isDivergent)
        result.energy.append(facts.energy)
        result.logDensity.append(facts.logDensity)
        if facts.isDivergent { divergences += 1 }
      }
      if iteration % 50 == 49 || iteration == total - 1 {
        progress(Progress(chain: chain, iteration: iteration + 1, total: total, divergences: divergences))
      }
    }
    result.finalStepSize = kernel.stepSize
    result.inverseMass = (0..<dimension).map { kernel.inverseMass[$0] }
    return result
  }

  /// Samples all chains.
  ///
  /// - Parameters:
  ///   - starts: One validated position per chain.
  ///   - key: Chain c uses its child c.
  ///   - order: The order in which chains are begun; it cannot change a result (a test shuffles it).
  package static func run(
    target: any LogDensity, starts: [[Double]], settings: NUTSSettings, key: RandomKey, order: [Int]? = nil,
    isCancelled: @escaping @Sendable () -> Bool = { false }, progress: @escaping @Sendable (Progress) -> Void = { _ in }
  ) -> [ChainResult] {
    let order = order ?? Array(starts.indices)
    let results = Mutex<[Int: ChainResult]>([:])
    parallel(count: order.count, threads: settings.threads) { index in
      let chain = order[index]
      let result = runChain(
        target: target, start: starts[chain], settings: settings, key: key.child(UInt64(chain)), chain: chain,
        isCancelled: isCancelled, progress: progress)
      results.withLock { $0[chain] = result }
    }
    return results.withLock { made in starts.indices.compactMap { made[$0] } }
  }

  /// Runs numbered jobs on a number of threads with stacks of 16 MiB.
  package static func parallel(count: Int, threads: Int, _ job: @escaping @Sendable (Int) -> Void) {
    guard count > 0 else { return }
    let workers = max(1, min(threads, count))
    if workers == 1 {
      for index in 0..<count { job(index) }
      return
    }
    let state = PoolState()
    let done = DispatchSemaphore(value: 0)
    for _ in 0..<workers {
      let thread = Thread {
        while true {
          let index = state.next.wrappingAdd(1, ordering: .relaxed).oldValue
          if index >= count { break }
          job(index)
        }
        done.signal()
      }
      thread.stackSize = 16 << 20
      thread.start()
    }
    for _ in 0..<workers { done.wait() }
  }

  private final class PoolState: Sendable {
    let next = Atomic<Int>(0)
  }

  /// The first of up to `attempts` candidates with a finite log density and gradient.
  package static func findStart(
    target: any LogDensity, attempts: Int, candidate: (Int) throws -> [Double]
  ) rethrows -> (position: [Double]?, failures: [StartFailure]) {
    let kernel = NUTSKernel(target: target, maxTreeDepth: 0)
    var failures: [StartFailure] = []
    for attempt in 0..<attempts {
      let position = try candidate(attempt)
      let logDensity = kernel.move(to: position)
      let gradientIndex = kernel.firstNonFiniteGradient
      if logDensity.isFinite, gradientIndex == nil { return (position, failures) }
      if failures.count < 3 {
        failures.append(StartFailure(position: position, logDensity: logDensity, gradientIndex: gradientIndex))
      }
    }
    return (nil, failures)
  }
}
