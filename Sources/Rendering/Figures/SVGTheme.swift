/// The colors of figures, for light and dark pages: classes of SVG elements refer to them by role.
///
/// Series colors follow Okabe & Ito (2008), "Color universal design", made darker or lighter until they stand out from
/// the page by 3 to 1.
package enum SVGTheme {
  /// Colors of a page: the background, text, weak lines, and the roles of marks.
  package struct Palette: Sendable {
    package var page: String
    package var text: String
    package var axis: String
    package var grid: String
    package var series: [String]
    package var observed: String
    package var model: String
    package var reference: String
    package var trouble: String
  }

  package static let light = Palette(
    page: "#ffffff", text: "#3a3f46", axis: "#7b828c", grid: "#e6e8ec",
    series: ["#0072b2", "#c35500", "#00825f", "#b2568c", "#9a6a00", "#2a83b8", "#7d7000", "#5a5f66"],
    observed: "#1c1f23", model: "#0072b2", reference: "#7b828c", trouble: "#c8102e")

  package static let dark = Palette(
    page: "#15181c", text: "#c9cfd6", axis: "#848d98", grid: "#2b3037",
    series: ["#56b4e9", "#f0843c", "#2dc59a", "#e08dbb", "#e6a523", "#8fcdf2", "#d8cf4a", "#a9b0b8"],
    observed: "#f2f4f6", model: "#56b4e9", reference: "#848d98", trouble: "#ff6b78")

  private static func variables(_ palette: Palette) -> String {
    var text = "--ft:\(palette.text);--fa:\(palette.axis);--fg:\(palette.grid);--fp:\(palette.page);"
    for (index, color) in palette.series.enumerated() { text += "--f\(index):\(color);" }
    return text
      + "--fo:\(palette.observed);--fm:\(palette.model);--fr:\(palette.reference);--fx:\(palette.trouble)"
  }

  /// Custom properties of the light and of the dark theme, as declarations without a selector.
  package static let lightVariables = variables(light)
  package static let darkVariables = variables(dark)

  /// Rules for everything that ``SVGRenderer`` writes; they need the variables on some element around it.
  package static let rules: String = {
    var css = ".fig text{font-family:system-ui,-apple-system,\"Segoe UI\",Roboto,Helvetica,Arial,sans-serif;"
    css +=
      "font-size:11px;fill:var(--ft)}.fig .h{font-size:12px;font-weight:600}.fig .b{font-size:13px;font-weight:600}"
    css += ".fig .g{stroke:var(--fg);fill:none}.fig .x{stroke:var(--fa);fill:none}"
    for index in 0..<Mark.Role.seriesCount { css += ".s\(index){color:var(--f\(index))}" }
    css += ".ob{color:var(--fo)}.mo{color:var(--fm)}.re{color:var(--fr)}.tr{color:var(--fx)}"
    css += ".l{fill:none;stroke:currentColor;stroke-linejoin:round;stroke-linecap:round}"
    css += ".a{fill:currentColor;stroke:none}.n{fill:var(--fp);stroke:currentColor}"
    css += ".fig .u{fill:currentColor}"
    return css
  }()

  /// The style of an SVG file of its own, light or dark as its reader prefers.
  static let standalone =
    "svg{\(lightVariables)}@media (prefers-color-scheme:dark){svg{\(darkVariables)}}" + rules
    + "svg{background:var(--fp)}"
}
