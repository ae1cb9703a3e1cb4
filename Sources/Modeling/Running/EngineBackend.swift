internal import Foundation
internal import Interpreter
internal import LLVMBackend
internal import Numerics
internal import Synchronization
internal import TensorIR

/// The evaluator that the engine runs on: machine code where LLVM is there, else the reference evaluator.
package enum EngineBackend {
  /// Set `CAIRN_BACKEND=reference` to do without machine code.
  private static let isReferenceAsked = ProcessInfo.processInfo.environment["CAIRN_BACKEND"] == "reference"

  private static let isCompiled = !isReferenceAsked && LLVMLibrary.available != nil

  /// - Parameter results: Where machine code is kept between runs.
  static func current(keepingIn results: (any ResultStore)?) -> any Backend {
    if isCompiled { return LLVMBackend(store: results.map { KeptObjects(results: $0) }) }
    if !isReferenceAsked { isSlowlyRun.store(true, ordering: .relaxed) }
    return ReferenceBackend()
  }

  static let numericClass = isCompiled ? LLVMBackend().numericClass : ReferenceBackend().numericClass

  private static let isSlowlyRun = Atomic<Bool>(false)

  /// One line for people, once, where a model ran that was not compiled although nobody asked for that.
  package static func takeNotices() -> [String] {
    guard isSlowlyRun.exchange(false, ordering: .relaxed) else { return [] }
    return [
      "models run in the reference evaluator, which is slow: libLLVM was not found (Debian: `apt-get install libllvm19`)"
    ]
  }

  /// Runs `body` with errors of graphs and code as faults.
  static func faults<Result>(_ body: () throws -> Result) throws -> Result {
    do {
      return try body()
    } catch let error as GraphError {
      throw Fault("R096", "the model's graph is broken: \(error)", help: "please report this")
    } catch let error as CompilationError {
      throw Fault(
        "R097", "the model could not be compiled: \(error)",
        help: "`CAIRN_BACKEND=reference` runs models without machine code, more slowly; please report this")
    }
  }
}

/// Machine code among the results of a cache.
private struct KeptObjects: ObjectStore {
  let results: any ResultStore

  func object(for key: Digest) -> [UInt8]? { results.byproduct(key) }
  func keep(_ object: [UInt8], for key: Digest) { results.keep(byproduct: object, key) }
  func discard(_ key: Digest) { results.discard(key) }
}
