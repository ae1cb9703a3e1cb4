/// A log density over unconstrained space with its gradient: all that inference knows of a model.
package protocol LogDensity: Sendable {
  var dimension: Int { get }
  /// Bytes of scratch memory that `evaluate` needs; one block per chain, made once.
  var workspaceByteCount: Int { get }
  /// The log density at a position, in nats up to a constant; writes its gradient.
  ///
  /// Allocates nothing and touches nothing but its arguments. A value that is not finite means that the position is
  /// outside of what the model can evaluate; the gradient is then of no use.
  func evaluate(
    position: UnsafePointer<Double>, gradient: UnsafeMutablePointer<Double>, workspace: UnsafeMutableRawPointer
  ) -> Double
}
