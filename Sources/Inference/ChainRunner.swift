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
  /// Draws whose trajectory ended where the density cannot be evaluated, and where the first of them did.
  package var outsideCount = 0
  package var outsidePosition: [Double] = []
  package var finalStepSize = 0.0
  package var inverseMass: [Double] = []
  package var warmupLeapfrogs = 0
  package var warmupDivergences = 0
  /// Set when the run was stopped before all draws were made.
  package var isPartial = false
  /// Evaluations of the log density that this run made: a fact about the run, not about the result.
  package var evaluations = 0
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

  /// Samples one chain, from its start or from where an earlier run left it.
  ///
  /// Streams are keyed by iteration, under the chain's own key, so that a chain that goes on makes the same draws as one
  /// that never stopped.
  ///
  /// - Returns: The state at the end, with the result in it.
  private static func runChain(
    target: any LogDensity, start: [Double], settings: NUTSSettings, key: RandomKey, chain: Int, memory: ChainMemory?,
    isCancelled: @Sendable () -> Bool, progress: @Sendable (Progress) -> Void
  ) -> ChainCheckpoint {
    let kernel = NUTSKernel(target: target, maxTreeDepth: settings.maxTreeDepth)
    let dimension = target.dimension
    let identity = memory?.identity(of: chain)
    let schedule = MetricSchedule(warmup: settings.warmup)
    var state = ChainCheckpoint(dimension: dimension, targetAcceptance: settings.targetAcceptance)
    if let identity, let bytes = memory?.load(chain),
      let kept = ChainCheckpoint(bytes, for: identity, dimension: dimension, settings: settings), kernel.restore(kept)
    {
      state = kept
    } else {
      kernel.move(to: start)
      kernel.updateInverseMass { MetricEstimate.first(kernel.gradient, into: $0, dimension) }
      kernel.findReasonableStepSize(key: key.child(UInt64.max))
      state.averaging.restart(at: kernel.stepSize)
    }
    state.result.positions.reserveCapacity(settings.draws * dimension)
    let total = settings.warmup + settings.draws
    var divergences = state.result.isDivergent.count { $0 }
    while state.iteration < total {
      let iteration = state.iteration
      if isCancelled() {
        state.result.isPartial = true
        break
      }
      let facts = kernel.step(key: key.child(UInt64(iteration)), isCancelled: isCancelled)
      if facts.stop == .interrupted {
        state.result.isPartial = true
        break
      }
      if iteration < settings.warmup {
        state.result.warmupLeapfrogs += facts.leapfrogs
        if facts.isDivergent { state.result.warmupDivergences += 1 }
        // On the way to where the mass is, energy falls with nearly every step: that must not count as an error.
        kernel.stepSize = state.averaging.update(
          acceptance: iteration < schedule.early ? facts.acceptance : facts.symmetricAcceptance)
        if iteration < schedule.last {
          // A chain that does not move, or diverges, says nothing of scales.
          if facts.leapfrogs > 0, !facts.isDivergent {
            state.metric.add(position: kernel.position, gradient: kernel.gradient)
          }
          let isEarly = iteration < schedule.early
          let span = isEarly ? MetricEstimate.earlySpan : MetricEstimate.lateSpan
          if iteration + span < schedule.last { _ = state.metric.renew(after: span) }
          kernel.updateInverseMass { state.metric.write(into: $0) }
          // Not again where the metric comes to rest: a short average of step sizes that still swing is too small.
          if iteration == schedule.early { state.averaging.restart(at: state.averaging.finalStepSize) }
        }
        if iteration == settings.warmup - 1 { kernel.stepSize = state.averaging.finalStepSize }
      } else {
        for index in 0..<dimension { state.result.positions.append(kernel.position[index]) }
        state.result.count += 1
        state.result.acceptance.append(facts.acceptance)
        state.result.stepSizes.append(facts.stepSize)
        state.result.treeDepths.append(facts.treeDepth)
        state.result.leapfrogs.append(facts.leapfrogs)
        state.result.isDivergent.append(facts.isDivergent)
        state.result.energy.append(facts.energy)
        state.result.logDensity.append(facts.logDensity)
        if facts.isDivergent { divergences += 1 }
        if facts.isOutside {
          if state.result.outsideCount == 0 { state.result.outsidePosition = kernel.divergenceEnd }
          state.result.outsideCount += 1
        }
      }
      state.iteration += 1
      if let memory, let identity, memory.isDue(chain) {
        kernel.save(into: &state)
        memory.save(chain, state.encoded(for: identity))
      }
      if iteration % 50 == 49 || iteration == total - 1 {
        progress(Progress(chain: chain, iteration: iteration + 1, total: total, divergences: divergences))
      }
    }
    kernel.save(into: &state)
    state.result.finalStepSize = kernel.stepSize
    state.result.evaluations = kernel.evaluations
    return state
  }

  /// Samples all chains.
  ///
  /// - Parameters:
  ///   - starts: One validated position per chain.
  ///   - key: Chain c uses its child c.
  ///   - order: The order in which chains are begun; it cannot change a result (a test shuffles it).
  ///   - memory: Chains go on from the states in it. When the run is stopped, all chains leave theirs there.
  package static func run(
    target: any LogDensity, starts: [[Double]], settings: NUTSSettings, key: RandomKey, order: [Int]? = nil,
    memory: ChainMemory? = nil, isCancelled: @escaping @Sendable () -> Bool = { false },
    progress: @escaping @Sendable (Progress) -> Void = { _ in }
  ) -> [ChainResult] {
    let order = order ?? Array(starts.indices)
    let states = Mutex<[Int: ChainCheckpoint]>([:])
    parallel(count: order.count, threads: settings.threads) { index in
      let chain = order[index]
      let state = runChain(
        target: target, start: starts[chain], settings: settings, key: key.child(UInt64(chain)), chain: chain,
        memory: memory, isCancelled: isCancelled, progress: progress)
      states.withLock { $0[chain] = state }
    }
    let made = states.withLock { $0 }
    // Finished chains too: a run that goes on must not make them again.
    if let memory, made.values.contains(where: \.result.isPartial) {
      for (chain, state) in made.sorted(by: { $0.key < $1.key }) {
        memory.save(chain, state.encoded(for: memory.identity(of: chain)))
      }
    }
    return starts.indices.compactMap { made[$0]?.result }
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
  ) rethrows -> (position: [Double]?, failures: [StartFailure], evaluations: Int) {
    let kernel = NUTSKernel(target: target, maxTreeDepth: 0)
    var failures: [StartFailure] = []
    for attempt in 0..<attempts {
      let position = try candidate(attempt)
      let logDensity = kernel.move(to: position)
      let gradientIndex = kernel.firstNonFiniteGradient
      if logDensity.isFinite, gradientIndex == nil { return (position, failures, kernel.evaluations) }
      if failures.count < 3 {
        failures.append(StartFailure(position: position, logDensity: logDensity, gradientIndex: gradientIndex))
      }
    }
    return (nil, failures, kernel.evaluations)
  }
}
