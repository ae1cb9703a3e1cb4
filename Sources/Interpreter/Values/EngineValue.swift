package import Numerics
package import Rendering

/// A value that the engine defines: a distribution, model, posterior, summary, plot.
///
/// Immutable. Modeling registers a decoder per `typeName`.
package protocol EngineValue: AnyObject, Sendable {
  /// The dialect's name of its type: `Distribution`, `Model`, `Posterior`, `Summary`.
  static var typeName: String { get }
  /// `fit.NAME`; nil where there is no such member.
  func member(_ name: String) throws -> Value?
  /// Names that `member` knows, for suggestions.
  var memberNames: [String] { get }
  /// What is shown when the value stands alone at the top level of a cell.
  func display() throws -> [OutputEvent]
  /// Whether `==` holds. Never by identity of the object alone: a value that was stored comes back as another one.
  func isSame(as other: any EngineValue) -> Bool
  /// One line for interpolation into a string.
  var inlineDescription: String { get }
  /// Writes everything that `decode` needs; the canonical encoding whose digest identifies the value.
  func encode(into encoder: inout ValueEncoder) throws
}
