package import Syntax

/// What a `~` statement asks of the model side: the distribution, and the frames the site stands in.
package struct SiteRequest {
  /// The path from the outermost model: `bySchool.scale`.
  package var name: String
  package var distribution: Value
  /// Open frames, outermost first: they lead the site's shape.
  package var frames: [Frame]
  package var span: SourceSpan
  package init(name: String, distribution: Value, frames: [Frame], span: SourceSpan) {
    self.name = name
    self.distribution = distribution
    self.frames = frames
    self.span = span
  }
}

/// Where the elements of a piecewise site come from.
package enum PiecewiseSource {
  /// All elements are known beforehand (data, or a latent of the position): shape `[frames…, extents…]`.
  case whole(TracedTensor)
  /// Each piece gets its value where it is defined.
  case drawn
}

/// Gives sites their values while a model is traced; Modeling supplies one per purpose (density, forward draws, …).
package protocol SiteHandler: AnyObject {
  /// The value of a site. Called once per `let x ~ D`, or per piece of a `drawn` piecewise site.
  func site(_ request: SiteRequest, _ tracer: Tracer) throws -> Value
  /// Called where `let x: Vector[T]` turns out to be a site, before its first piece.
  ///
  /// - Parameter families: constructors that stand in the site's pieces, in text order.
  func openPiecewise(
    name: String, frames: [Frame], extents: [Int], families: [String], span: SourceSpan, _ tracer: Tracer
  ) throws -> PiecewiseSource
  /// A piece of a `whole` site: `value` has the elements at `indices` (flat positions within the site's own extents).
  func piece(_ request: SiteRequest, value: TracedTensor, indices: TracedTensor, _ tracer: Tracer) throws
  /// A piece of a `drawn` site.
  func drawPiece(_ request: SiteRequest, indices: TracedTensor, _ tracer: Tracer) throws -> Value
  /// All pieces of a `drawn` site together, once it is complete.
  func completePiecewise(name: String, value: TracedTensor, _ tracer: Tracer) throws
  /// Instantiates a sub-model and traces it under the name.
  func submodel(name: String, model: Value, span: SourceSpan, _ tracer: Tracer) throws -> (ModelCall)
  func addLogDensity(_ term: TracedTensor, span: SourceSpan, _ tracer: Tracer) throws
  /// A deterministic `let` of a model body, readable as `fit.NAME`.
  func derived(name: String, value: Value, frames: [Frame], _ tracer: Tracer) throws
  /// State to go back to when a loop is traced again in another way.
  func checkpoint() -> Int
  func rollback(to checkpoint: Int)
}

/// A model to trace: its declaration and arguments.
package struct ModelCall {
  package var model: Int
  package var arguments: [Value]
  package init(model: Int, arguments: [Value]) {
    self.model = model
    self.arguments = arguments
  }
}
