package import Numerics

/// Keeps finished and unfinished computations of the engine between runs, by result digest.
///
/// Bytes come back as they were stored or not at all. A store that cannot keep anything (full disk, no permission) says
/// `.compute` and forgets what it is given: then everything is computed, and nothing fails.
package protocol ResultStore: AnyObject, Sendable {
  /// Claims a computation, so that no two processes run it at once.
  ///
  /// While another process has the claim this one waits for its result and polls `isCancelled`.
  func claim(_ digest: Digest, isCancelled: () -> Bool) -> ResultClaim
  /// Stores a result, drops its checkpoints and ends the claim.
  func finish(_ digest: Digest, with bytes: [UInt8])
  /// Ends the claim without a result: the computation failed or was interrupted. Its checkpoints stay.
  func abandon(_ digest: Digest)
  /// Forgets a finished result that could not be read, so that the next claim computes it. There is no claim to end.
  func discard(_ digest: Digest)

  // By-products, machine code of models: made again at will, so that nobody claims them or waits for them.

  func byproduct(_ digest: Digest) -> [UInt8]?
  func keep(byproduct bytes: [UInt8], _ digest: Digest)

  // Parts of a computation (chains) leave their states under its claim, from several threads at once.

  /// The last checkpoint of a part.
  func checkpoint(_ digest: Digest, part: Int) -> [UInt8]?
  /// Whether it is time for a part's next checkpoint: the store owns the clock. Asked once per iteration, so it must cost
  /// next to nothing.
  func isCheckpointDue(_ digest: Digest, part: Int) -> Bool
  /// Replaces the part's last checkpoint. Also called without having been due, when an interrupted computation ends.
  func writeCheckpoint(_ digest: Digest, part: Int, bytes: [UInt8])
}

extension ResultStore {
  package func byproduct(_ digest: Digest) -> [UInt8]? { nil }
  package func keep(byproduct bytes: [UInt8], _ digest: Digest) {}
}

/// The answer to a claim.
package enum ResultClaim: Sendable {
  /// The caller computes: it ends the claim by `finish` or `abandon`.
  case compute
  /// The result is there, stored before or by another process in the meantime. There is no claim to end.
  case finished([UInt8])
  /// The user asked to stop while another process was computing. There is no claim to end.
  case cancelled
}
