internal import Foundation
internal import Interpreter
internal import LLVMBackend
internal import TensorIR

/// The evaluator that the engine runs on: machine code where LLVM is there, else the reference evaluator.
package enum EngineBackend {
  /// Set `CAIRN_BACKEND=reference` to do without machine code.
  private static let isReferenceAsked = ProcessInfo.processInfo.environment["CAIRN_BACKEND"] == "reference"

  static let current: any Backend = {
    if isReferenceAsked || LLVMLibrary.available == nil { return ReferenceBackend() }
    return LLVMBackend()
  }()

  /// One line for people where models are not compiled and nobody asked for that.
  package static let notice: String? =
    isReferenceAsked || LLVMLibrary.available != nil
    ? nil
    : "models run in the reference evaluator, which is slow: libLLVM was not found (Debian: `apt-get install libllvm19`)"

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
