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
  /// Seconds between checkpoints, where a test asks for others than usual.
  static let checkpointInterval =
    ProcessInfo.processInfo.environment["CAIRN_TEST_CHECKPOINT_INTERVAL"].flatMap { Double($0) } ?? 10
  private static let reached = Atomic<Int>(0)

  /// Appends what a run does to the file that a test names, so that it knows where the process was when it died.
  static func note(_ text: String) {
    guard let path = ProcessInfo.processInfo.environment["CAIRN_TEST_LOG"] else { return }
    let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND, 0o644)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    _ = (text + "\n").withCString { write(descriptor, $0, strlen($0)) }
  }

  @Sendable static func atStep(_ step: StoreStep) {
    guard let wanted, step == wanted.step else { return }
    if reached.wrappingAdd(1, ordering: .relaxed).newValue == wanted.count { kill(getpid(), SIGKILL) }
  }
}
