import Foundation
import Notebooks
import Synchronization

/// Ends the process at a named moment of writing, for tests of what survives: `CAIRN_TEST_KILL_AT=STEP` or `STEP:N` for
/// the N-th time. Without the variable nothing happens.
enum TestFaults {
  private static let wanted: (step: StoreStep, count: Int)? = {
    guard let text = ProcessInfo.processInfo.environment["CAIRN_TEST_KILL_AT"] else { return nil }
    let parts = text.split(separator: ":")
    guard let name = parts.first, let step = StoreStep(rawValue: String(name)) else { return nil }
    return (step, parts.count > 1 ? Int(parts[1]) ?? 1 : 1)
  }()
  private static let reached = Atomic<Int>(0)

  @Sendable static func atStep(_ step: StoreStep) {
    guard let wanted, step == wanted.step else { return }
    if reached.wrappingAdd(1, ordering: .relaxed).newValue == wanted.count { kill(getpid(), SIGKILL) }
  }
}
