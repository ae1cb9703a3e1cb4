import Interpreter
import Numerics
import Synchronization

/// Results and checkpoints in memory, for one process after the other.
final class MemoryStore: ResultStore {
  struct State {
    var finished: [Digest: [UInt8]] = [:]
    var checkpoints: [Digest: [Int: [UInt8]]] = [:]
    var claims: Set<Digest> = []
    var hits = 0
    var discarded = 0
    var abandoned = 0
    var iterations = 0
    /// Answered instead of what is stored.
    var answer: ResultClaim?
    /// Called at an iteration counted over all chains.
    var alarm: (iteration: Int, action: @Sendable () -> Void)?
  }
  let state = Mutex(State())

  func claim(_ digest: Digest, isCancelled: () -> Bool) -> ResultClaim {
    state.withLock { state in
      if let answer = state.answer { return answer }
      if let bytes = state.finished[digest] {
        state.hits += 1
        return .finished(bytes)
      }
      precondition(state.claims.insert(digest).inserted, "a computation is claimed twice")
      return .compute
    }
  }

  func finish(_ digest: Digest, with bytes: [UInt8]) {
    state.withLock { state in
      state.claims.remove(digest)
      state.finished[digest] = bytes
      state.checkpoints[digest] = nil
    }
  }

  func abandon(_ digest: Digest) {
    state.withLock { state in
      state.claims.remove(digest)
      state.abandoned += 1
    }
  }

  func discard(_ digest: Digest) {
    state.withLock { state in
      state.finished[digest] = nil
      state.discarded += 1
    }
  }

  func checkpoint(_ digest: Digest, part: Int) -> [UInt8]? { state.withLock { $0.checkpoints[digest]?[part] } }

  func isCheckpointDue(_ digest: Digest, part: Int) -> Bool {
    let (isDue, action) = state.withLock { state in
      state.iterations += 1
      return (state.iterations % 25 == 0, state.alarm?.iteration == state.iterations ? state.alarm?.action : nil)
    }
    action?()
    return isDue
  }

  func writeCheckpoint(_ digest: Digest, part: Int, bytes: [UInt8]) {
    state.withLock { $0.checkpoints[digest, default: [:]][part] = bytes }
  }

  /// Acts at an iteration, counted from now.
  func alarm(at iteration: Int, _ action: @escaping @Sendable () -> Void) {
    state.withLock { state in
      state.iterations = 0
      state.alarm = (iteration, action)
    }
  }
}
