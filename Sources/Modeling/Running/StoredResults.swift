import Inference
import Interpreter
import Numerics
import TensorIR

extension FitRunner {
  /// The digest under which a computation's result is found again.
  ///
  /// It covers the canonical program with its data, names and shapes of the sites, what start points are made from, settings,
  /// stream and numeric class: nothing else may change a bit of the result, and names of locals, comments, the order of
  /// statements and the number of threads are not in it.
  ///
  /// - Parameter algorithm: With its epoch.
  func resultDigest(
    _ algorithm: String, _ compiled: CompiledModel, _ target: DensityTarget, _ start: StartCandidates, key: RandomKey,
    settings: [String]
  ) -> Digest {
    let graph = target.evaluator.graph
    return ResultDigest.make(
      program: graph.structuralDigest(), siteNames: compiled.sites.map { "\($0.name) \($0.shape)" }, graph: graph,
      settings: [algorithm, "start \(start.identity)"] + settings, stream: key, numericClass: Engine.numericClass)
  }

  /// Takes a result from the run's store, or computes it and leaves it there.
  ///
  /// - Parameters:
  ///   - interruption: Thrown when the user stops while another process computes.
  ///   - decode: Nil for bytes that are not the result; they are discarded then.
  ///   - compute: May go on from the memory and leave its state there.
  func remembered<Result>(
    _ digest: () -> Digest, interruption: Fault, decode: ([UInt8], Digest) -> Result?,
    encode: (Result, Digest) -> [UInt8], compute: (ChainMemory?) throws -> Result
  ) throws -> Result {
    guard let store = context.results else { return try compute(nil) }
    let digest = digest()
    // A second claim follows bytes that were discarded; a store that gives such bytes twice is not asked again.
    for _ in 0..<2 {
      switch store.claim(digest, isCancelled: { context.isCancelled }) {
      case .cancelled: throw interruption
      case .finished(let bytes):
        if let result = decode(bytes, digest) { return result }
        store.discard(digest)
      case .compute:
        do {
          let result = try compute(
            ChainMemory(
              identity: digest, load: { store.checkpoint(digest, part: $0) },
              isDue: { store.isCheckpointDue(digest, part: $0) },
              save: { store.writeCheckpoint(digest, part: $0, bytes: $1) }))
          store.finish(digest, with: encode(result, digest))
          return result
        } catch {
          store.abandon(digest)
          throw error
        }
      }
    }
    return try compute(nil)
  }
}
