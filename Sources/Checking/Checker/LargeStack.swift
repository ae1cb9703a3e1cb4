import Dispatch
import Foundation

/// Runs work whose recursion follows the nesting of the source.
///
/// The depth is limited by a diagnostic well before this stack ends; the stacks of callers may be too small for it.
enum LargeStack {
  private static let size = 64 << 20

  /// What goes to the thread and comes back; the caller waits, so that only one of them touches it at a time.
  private final class Exchange<Result>: @unchecked Sendable {
    var work: (() -> Result)?
    var result: Result?
  }

  static func run<Result>(_ work: () -> Result) -> Result {
    let exchange = Exchange<Result>()
    withoutActuallyEscaping(work) { escaping in
      exchange.work = escaping
      let done = DispatchSemaphore(value: 0)
      let thread = Thread {
        exchange.result = exchange.work?()
        exchange.work = nil
        done.signal()
      }
      thread.stackSize = size
      thread.start()
      done.wait()
    }
    // The thread has always stored a result before it signals; running again is only for the compiler.
    return exchange.result ?? work()
  }
}
