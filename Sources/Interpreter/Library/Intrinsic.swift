package import Checking
package import Numerics
package import Syntax

/// A library function that the engine supplies for an `intrinsic` declaration of `stdlib/`.
package struct Intrinsic: Sendable {
  /// How it runs on concrete values.
  package enum Body: Sendable {
    /// Functions of reals; the machine calls them unboxed, and element by element on arrays.
    case real1(@Sendable (Double) -> Double)
    case real2(@Sendable (Double, Double) -> Double)
    case real3(@Sendable (Double, Double, Double) -> Double)
    case general(@Sendable (any CallContext, [Value]) throws -> Value)
  }

  /// The registration's name, as ``CheckedExpression/Kind/intrinsic(_:_:)`` spells it.
  package var name: String
  /// Raised whenever the observable result may change.
  package var epoch: Int
  package var body: Body
  /// How it acts when an argument holds a graph node; nil where it has no meaning inside a model.
  package var trace: (@Sendable (any TraceContext, [Value]) throws -> Value)?

  package init(
    _ name: String, epoch: Int = 1, body: Body, trace: (@Sendable (any TraceContext, [Value]) throws -> Value)? = nil
  ) {
    self.name = name
    self.epoch = epoch
    self.body = body
    self.trace = trace
  }

  package static func general(
    _ name: String, epoch: Int = 1, trace: (@Sendable (any TraceContext, [Value]) throws -> Value)? = nil,
    _ run: @escaping @Sendable (any CallContext, [Value]) throws -> Value
  ) -> Intrinsic {
    Intrinsic(name, epoch: epoch, body: .general(run), trace: trace)
  }
}

/// The library functions of a run, by registration name.
package struct IntrinsicRegistry: Sendable {
  package private(set) var entries: [String: Intrinsic] = [:]
  package init() {}
  package mutating func register(_ intrinsics: [Intrinsic]) {
    for intrinsic in intrinsics { entries[intrinsic.name] = intrinsic }
  }
  package subscript(name: String) -> Intrinsic? { entries[name] }
}

/// What a library function may use of the run it is called in.
package protocol CallContext: AnyObject {
  var world: any World { get }
  var sink: any OutputSink { get }
  /// The declarations of the run so far (models, enums by identity).
  var declarations: DeclarationTable { get }
  /// The place of the call, for diagnostics.
  var callSpan: SourceSpan { get }
  /// The number of worker threads that engine functions may use.
  var threads: Int { get }
  /// The stream of this random call: seed root, identity of the executing cell, chain of (call site, visit count).
  func randomKey() -> RandomKey
  /// As ``randomKey()`` under another seed root (`seed:` arguments).
  func randomKey(seed: UInt64) -> RandomKey
  /// Calls a function value of the dialect.
  func call(_ function: Value, _ arguments: [Value]) throws -> Value
  /// Whether the user asked to stop; long loops poll it.
  var isCancelled: Bool { get }
  /// Shows a warning or note; errors are thrown as ``Fault``.
  func warn(_ diagnostic: Diagnostic)
  /// Tells progress of a long task; shown on a terminal only, never part of a result.
  func progress(_ text: String)
  /// Where results of the engine are kept between runs; nil where every one is computed.
  var results: (any ResultStore)? { get }
  /// What the engine did in this run.
  var work: WorkCounter { get }
  /// Takes note that an interrupted task has given what it had, so that the run goes on with that; false where an
  /// interruption ends the run, as it does outside of interactive sessions.
  func acceptInterruption() -> Bool
}

extension CallContext {
  package func acceptInterruption() -> Bool { false }
}
