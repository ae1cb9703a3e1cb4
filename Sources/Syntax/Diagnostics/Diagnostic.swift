/// A message to the user, tied to a place in the source.
///
/// One type for lexer, parser, checker, tracer, run time and sampler warnings. Inference and TensorIR return facts;
/// whoever knows the source words them as diagnostics.
package struct Diagnostic: Sendable, Equatable {
  package enum Severity: String, Sendable { case error, warning, note }

  /// A second place that explains the first: where the other shape came from, where a name was defined.
  package struct Label: Sendable, Equatable {
    package var span: SourceSpan
    package var text: String
    package init(span: SourceSpan, text: String) {
      self.span = span
      self.text = text
    }
  }

  /// An edit that would mend the source, with how sure we are.
  package struct Fix: Sendable, Equatable {
    package enum Certainty: Sendable { case certain, likely }
    package var span: SourceSpan
    package var replacement: String
    package var certainty: Certainty
    package init(span: SourceSpan, replacement: String, certainty: Certainty) {
      self.span = span
      self.replacement = replacement
      self.certainty = certainty
    }
  }

  /// A stable code such as `H203`; the letter names the family: S, T, H, M, R, C, N.
  package var code: String
  package var severity: Severity
  /// Stands alone: lower case, no full stop.
  package var message: String
  /// The smallest wrong part; nil only where no source line is at fault (a missing `stdlib`).
  package var span: SourceSpan?
  /// What is said under the carets.
  package var caretText: String?
  package var labels: [Label] = []
  package var expected: String?
  package var found: String?
  package var notes: [String] = []
  package var help: String?
  package var fixes: [Fix] = []
  /// The call trail of a run-time error, innermost first.
  package var trail: [Label] = []

  package init(
    _ code: String, _ severity: Severity, _ message: String, at span: SourceSpan?, caret: String? = nil,
    labels: [Label] = [], expected: String? = nil, found: String? = nil, notes: [String] = [], help: String? = nil,
    fixes: [Fix] = []
  ) {
    self.code = code
    self.severity = severity
    self.message = message
    self.span = span
    self.caretText = caret
    self.labels = labels
    self.expected = expected
    self.found = found
    self.notes = notes
    self.help = help
    self.fixes = fixes
  }

  /// An error.
  package init(
    _ code: String, _ message: String, at span: SourceSpan?, caret: String? = nil, labels: [Label] = [],
    expected: String? = nil, found: String? = nil, notes: [String] = [], help: String? = nil, fixes: [Fix] = []
  ) {
    self.init(
      code, .error, message, at: span, caret: caret, labels: labels, expected: expected, found: found, notes: notes,
      help: help, fixes: fixes)
  }
}

/// A diagnostic thrown where evaluation cannot go on.
package struct DiagnosticError: Error, Sendable {
  package var diagnostic: Diagnostic
  package init(_ diagnostic: Diagnostic) { self.diagnostic = diagnostic }
}
