extension TextRenderer {
  /// A figure in characters.
  package func text(_ figure: Figure) -> String { (figure.title ?? figure.kind) + "\n" }
}
package struct SVGRenderer {
  package init(idPrefix: String, isStandalone: Bool) {}
  package func svg(_ figure: Figure) -> String { figure.kind }
}
