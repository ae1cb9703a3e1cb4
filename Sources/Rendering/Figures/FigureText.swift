extension TextRenderer {
  /// A figure in characters.
  package func text(_ figure: Figure) -> String { (figure.title ?? figure.kind) + "\n" }
}
