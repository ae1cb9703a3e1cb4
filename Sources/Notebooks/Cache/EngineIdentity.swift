import Foundation
package import Interpreter
import Modeling
import Numerics

/// What stands for the program itself in reads.
package struct EngineIdentity: Sendable {
  /// Of library functions and distributions, where it is not 1.
  package var epochs: [String: Int]
  /// In builds under development any change of the program may change any result: the build then stands for all epochs.
  package var build: String?
  package var numericClass: String

  package init(epochs: [String: Int], build: String? = nil, numericClass: String) {
    self.epochs = epochs
    self.build = build
    self.numericClass = numericClass
  }

  /// Of the running program.
  ///
  /// - Parameter isDevelopment: Whether the program runs from the checkout that it was built in.
  package init(registry: IntrinsicRegistry, isDevelopment: Bool, numericClass: String) {
    self.init(
      epochs: registry.entries.values.reduce(into: EngineIdentity.ownEpochs) {
        if $1.epoch != 1 { $0[$1.name] = $1.epoch }
      }, build: isDevelopment ? EngineIdentity.executable : nil, numericClass: numericClass)
  }

  private static var ownEpochs: [String: Int] {
    [Engine.languageEpoch, Engine.engineEpoch].reduce(into: [:]) { $0[$1.name] = $1.epoch }
  }

  /// Tells builds apart without reading a hundred megabytes: a linker writes a new file.
  private static var executable: String {
    guard let stamp = FileStamp("/proc/self/exe") else { return "unknown" }
    return "\(stamp.size)-\(stamp.modified)-\(stamp.inode)"
  }

  func digest(ofBuiltin name: String) -> Digest {
    .of("builtin", build.map { "build \($0)" } ?? "epoch \(epochs[name] ?? 1)")
  }
}
