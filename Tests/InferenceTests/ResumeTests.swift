import Inference
import Numerics
import Synchronization
import Testing

/// Chains that stop and go on make the draws of chains that never stopped, whatever becomes of their bytes.
struct ResumeTests {
  /// Bytes by chain, kept between runs.
  private final class Keeper: Sendable {
    struct State {
      var bytes: [Int: [UInt8]] = [:]
      var asked = 0
      var polls = 0
      var writes = 0
      /// A process that was killed writes nothing more.
      var isDead = false
    }
    let state = Mutex(State())
    /// Every how many iterations of all chains together a checkpoint is due; 0 for never.
    let interval: Int
    init(interval: Int = 0) { self.interval = interval }

    var memory: ChainMemory {
      ChainMemory(
        identity: ResumeTests.identity, load: { chain in self.state.withLock { $0.bytes[chain] } },
        isDue: { _ in
          self.state.withLock { state in
            state.asked += 1
            return self.interval > 0 && state.asked % self.interval == 0
          }
        },
        save: { chain, bytes in
          self.state.withLock { state in
            guard !state.isDead else { return }
            state.bytes[chain] = bytes
            state.writes += 1
          }
        })
    }

    /// True from the given poll on; with `isSudden` what is saved afterward is lost.
    func stop(after polls: Int, isSudden: Bool) -> @Sendable () -> Bool {
      state.withLock { state in
        state.polls = 0
        state.isDead = false
      }
      return {
        self.state.withLock { state in
          state.polls += 1
          guard state.polls > polls else { return false }
          state.isDead = isSudden
          return true
        }
      }
    }

    subscript(chain: Int) -> [UInt8]? {
      get { state.withLock { $0.bytes[chain] } }
      set { state.withLock { $0.bytes[chain] = newValue } }
    }
  }

  private static var identity: Digest { Digest(words: (1, 2, 3, 4)) }
  private let target = GaussianTarget(mean: [1, -2], covariance: [[2, 1.2], [1.2, 1]])
  private let key = RandomKey(seed: 11)

  private func settings(chains: Int, warmup: Int, draws: Int, threads: Int = 1) -> NUTSSettings {
    var settings = NUTSSettings()
    settings.chains = chains
    settings.warmup = warmup
    settings.draws = draws
    settings.threads = threads
    return settings
  }

  private func run(
    _ settings: NUTSSettings, _ memory: ChainMemory? = nil, on target: (any LogDensity)? = nil,
    isCancelled: @escaping @Sendable () -> Bool = { false }
  ) -> [ChainResult] {
    let target = target ?? self.target
    let starts = (0..<settings.chains).map { chain in Array(repeating: 0.1 * Double(chain), count: target.dimension) }
    return ChainRunner.run(
      target: target, starts: starts, settings: settings, key: key, memory: memory, isCancelled: isCancelled)
  }

  /// Everything of a result, bit by bit.
  private func bits(_ results: [ChainResult]) -> [UInt8] { ChainResult.encoded(results, for: ResumeTests.identity) }

  private func evaluations(_ results: [ChainResult]) -> Int { results.reduce(0) { $0 + $1.evaluations } }

  // MARK: - Going on

  @Test(arguments: [1, 2], [false, true])
  func fiveKillsChangeNoBit(threads: Int, isSudden: Bool) throws {
    let settings = settings(chains: 3, warmup: 120, draws: 100, threads: threads)
    // Which of several threads is how far at a kill is not ours to say, so that both targets together show both.
    var places: Set<Bool> = []
    for target in [target as any LogDensity, FunnelTarget()] {
      let whole = run(settings, on: target)
      let keeper = Keeper(interval: 10)
      var spent = 0
      // Polls come with every leapfrog, so that most kills fall into the middle of a trajectory.
      for share in [0.02, 0.15, 0.2, 0.2, 0.2] {
        let polls = Int(share * Double(evaluations(whole)))
        let results = run(
          settings, keeper.memory, on: target, isCancelled: keeper.stop(after: polls, isSudden: isSudden))
        #expect(results.contains { $0.isPartial })
        spent += evaluations(results)
        for chain in 0..<settings.chains {
          guard let bytes = keeper[chain] else { continue }
          let kept = try #require(
            ChainCheckpoint(
              bytes, for: keeper.memory.identity(of: chain), dimension: target.dimension, settings: settings))
          if kept.iteration < 220 { places.insert(kept.iteration < 120) }
        }
      }
      let resumed = run(settings, keeper.memory, on: target)
      spent += evaluations(resumed)
      #expect(bits(resumed) == bits(whole))
      #expect(resumed.allSatisfy { !$0.isPartial })
      // Each run starts or restores three chains; beyond that only what was not written down is done twice.
      let repeated = isSudden ? 5 * 30 * 64 : 5 * 64 * threads
      #expect(spent <= evaluations(whole) + 6 * 3 + repeated)
      #expect(evaluations(resumed) < evaluations(whole) / 2)
    }
    #expect(places == [true, false], "kills in warmup and after it")
  }

  @Test func writingCheckpointsChangesNoBit() {
    let settings = settings(chains: 2, warmup: 60, draws: 40)
    let keeper = Keeper(interval: 1)
    #expect(bits(run(settings, keeper.memory)) == bits(run(settings)))
    #expect(keeper.state.withLock { $0.writes } == 200)
    // From the last of them nothing is left to do but to look at the position again.
    let again = run(settings, keeper.memory)
    #expect(bits(again) == bits(run(settings)))
    #expect(evaluations(again) == 2)
  }

  @Test func withoutStopNothingIsWrittenThatWasNotDue() {
    let keeper = Keeper()
    _ = run(settings(chains: 2, warmup: 20, draws: 20), keeper.memory)
    #expect(keeper.state.withLock { $0.writes } == 0)
    #expect(keeper.state.withLock { $0.asked } == 80)
  }

  @Test func finishedChainsOfAStoppedRunAreNotMadeAgain() {
    let settings = settings(chains: 2, warmup: 60, draws: 40)
    let whole = run(settings)
    let keeper = Keeper()
    let stopped = run(
      settings, keeper.memory, isCancelled: keeper.stop(after: whole[0].evaluations + 100, isSudden: false))
    #expect(stopped.map(\.isPartial) == [false, true])
    let resumed = run(settings, keeper.memory)
    #expect(bits(resumed) == bits(whole))
    #expect(resumed[0].evaluations == 1)
  }

  @Test func aStateOfAnotherDensityIsNotTaken() throws {
    let settings = settings(chains: 1, warmup: 30, draws: 30)
    let keeper = Keeper()
    _ = run(settings, keeper.memory, isCancelled: keeper.stop(after: 100, isSudden: false))
    #expect(keeper[0] != nil)
    let other = GaussianTarget(mean: [1, -2], covariance: [[2, 1.2], [1.2, 1.0000001]])
    #expect(bits(run(settings, keeper.memory, on: other)) == bits(run(settings, on: other)))
  }

  // MARK: - Damage

  /// A state amid the draws and the result of the whole.
  private func stopped(_ settings: NUTSSettings) throws -> (bytes: [UInt8], whole: [UInt8]) {
    let keeper = Keeper(interval: settings.warmup + settings.draws / 2)
    _ = run(settings, keeper.memory)
    return (try #require(keeper[0]), bits(run(settings)))
  }

  @Test func damagedStatesStartTheChainAnew() throws {
    let settings = settings(chains: 1, warmup: 10, draws: 8)
    let (bytes, whole) = try stopped(settings)
    let keeper = Keeper()
    let identity = keeper.memory.identity(of: 0)
    #expect(ChainCheckpoint(bytes, for: identity, dimension: 2, settings: settings)?.iteration == 14)
    func check(_ damaged: [UInt8]) {
      #expect(ChainCheckpoint(damaged, for: identity, dimension: 2, settings: settings) == nil)
      keeper[0] = damaged
      #expect(bits(run(settings, keeper.memory)) == whole)
    }
    for position in bytes.indices {
      var damaged = bytes
      damaged[position] ^= 1 << UInt8(position % 8)
      check(damaged)
      check(Array(bytes[..<position]))
    }
    check(bytes + [0])
    // Whole bytes, but of another chain, other settings, another dimension.
    #expect(ChainCheckpoint(bytes, for: keeper.memory.identity(of: 1), dimension: 2, settings: settings) == nil)
    #expect(ChainCheckpoint(bytes, for: identity, dimension: 3, settings: settings) == nil)
    var shorter = settings
    shorter.draws = 3
    #expect(ChainCheckpoint(bytes, for: identity, dimension: 2, settings: shorter) == nil)
  }

  @Test func damagedResultsAreNone() throws {
    let settings = settings(chains: 2, warmup: 10, draws: 8)
    let bytes = bits(run(settings))
    let decode = { ChainResult.decoded($0, for: ResumeTests.identity, dimension: 2, settings: settings) }
    #expect(decode(bytes).map(bits) == bytes)
    for position in bytes.indices {
      var damaged = bytes
      damaged[position] ^= 0x10
      #expect(decode(damaged) == nil)
      #expect(decode(Array(bytes[..<position])) == nil)
    }
    #expect(
      ChainResult.decoded(bytes, for: Digest(words: (0, 0, 0, 0)), dimension: 2, settings: settings) == nil)
  }

  /// Someone who knows the format writes what he likes: chains may then be nonsense, but nothing traps.
  @Test func forgedStatesNeverTrap() throws {
    let settings = settings(chains: 1, warmup: 10, draws: 8)
    let (bytes, _) = try stopped(settings)
    let keeper = Keeper()
    let identity = keeper.memory.identity(of: 0)
    func sealed(_ payload: [UInt8], _ format: String, _ identity: Digest) -> [UInt8] {
      var builder = DigestBuilder()
      builder.append(tag: "sealed")
      builder.append(format)
      builder.append(identity)
      builder.append(bytes: payload)
      return payload + builder.finish().bytes
    }
    let payload = Array(bytes.dropLast(32))
    #expect(sealed(payload, "chain checkpoint 3", identity) == bytes)
    let result = bits(run(settings))
    let words: [UInt64] = [
      0, 1, .max, 1 << 63, (1 << 63) - 1, 1 << 40, Double.nan.bitPattern, Double.infinity.bitPattern,
    ]
    var taken = 0
    for word in words {
      for start in stride(from: 0, to: payload.count - 7, by: 8) {
        var forged = payload
        withUnsafeBytes(of: word) { forged.replaceSubrange(start..<(start + 8), with: $0) }
        keeper[0] = sealed(forged, "chain checkpoint 3", identity)
        if ChainCheckpoint(keeper[0] ?? [], for: identity, dimension: 2, settings: settings) != nil { taken += 1 }
        _ = run(settings, keeper.memory)
      }
      for start in stride(from: 0, to: result.count - 39, by: 8) {
        var forged = Array(result.dropLast(32))
        withUnsafeBytes(of: word) { forged.replaceSubrange(start..<(start + 8), with: $0) }
        _ = ChainResult.decoded(
          sealed(forged, "chains 1", ResumeTests.identity), for: ResumeTests.identity, dimension: 2, settings: settings)
      }
    }
    for length in payload.indices {
      keeper[0] = sealed(Array(payload[..<length]), "chain checkpoint 3", identity)
      #expect(ChainCheckpoint(keeper[0] ?? [], for: identity, dimension: 2, settings: settings) == nil)
    }
    // The seal was right: what was refused was refused by the reader.
    #expect(taken > 0)
  }

  @Test func optimaComeBack() throws {
    let result = Optimizer.maximize(target, from: [30, 40])
    let bytes = result.encoded(for: ResumeTests.identity)
    let back = try #require(OptimizationResult.decoded(bytes, for: ResumeTests.identity, dimension: 2))
    #expect(back.encoded(for: ResumeTests.identity) == bytes)
    #expect(back.position == result.position && back.reason == result.reason)
    #expect(OptimizationResult.decoded(bytes, for: ResumeTests.identity, dimension: 3) == nil)
    for position in bytes.indices {
      var damaged = bytes
      damaged[position] ^= 1
      #expect(OptimizationResult.decoded(damaged, for: ResumeTests.identity, dimension: 2) == nil)
      #expect(OptimizationResult.decoded(Array(bytes[..<position]), for: ResumeTests.identity, dimension: 2) == nil)
    }
  }
}
