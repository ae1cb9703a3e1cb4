package import Syntax

/// A mistake found while evaluating, before it has a place: the run loop adds span and call trail.
package struct Fault: Error, Sendable {
  package var code: String
  package var message: String
  package var caret: String?
  package var expected: String?
  package var found: String?
  package var help: String?
  package var labels: [Diagnostic.Label]
  /// Set where the place is known better than by the run loop.
  package var span: SourceSpan?
  package init(
    _ code: String, _ message: String, caret: String? = nil, expected: String? = nil, found: String? = nil,
    help: String? = nil, labels: [Diagnostic.Label] = [], span: SourceSpan? = nil
  ) {
    self.code = code
    self.message = message
    self.caret = caret
    self.expected = expected
    self.found = found
    self.help = help
    self.labels = labels
    self.span = span
  }

  package func diagnostic(at place: SourceSpan?) -> Diagnostic {
    Diagnostic(
      code, .error, message, at: span ?? place, caret: caret, labels: labels, expected: expected, found: found,
      help: help)
  }
}
