import Synchronization

/// Counts work that was really done, so that it can be shown that there was none.
package final class WorkCounter: Sendable {
  private let gradientCount = Atomic<Int>(0)
  package init() {}

  /// Evaluations of a log density with its gradient: by searching for start points, sampling and optimizing.
  package var gradients: Int { gradientCount.load(ordering: .relaxed) }

  package func add(gradients count: Int) { gradientCount.wrappingAdd(count, ordering: .relaxed) }
}
