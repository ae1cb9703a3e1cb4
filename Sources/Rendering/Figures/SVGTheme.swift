/// The colors of figures, for light and dark pages: classes of SVG elements refer to them by role.
///
/// Series colors follow Okabe & Ito (2008), "Color universal design", made darker or lighter until they stand out from
/// the page by 3 to 1.
package enum SVGTheme {
  /// Colors of a page: the background, text, weak lines, and the roles of marks.
  package struct Palette: Sendable {
    package var page: String
    package var text: String
    /// Of numbers at axes and of notes.
    package var quietText: String
    package var axis: String
    package var grid: String
    /// Fills the boxes of observed nodes.
    package var fill: String
    package var series: [String]
    package var observed: String
    package var model: String
    package var reference: String
    package var trouble: String
  }

  package static let light = Palette(
    page: "#ffffff", text: "#2b3036", quietText: "#545b64", axis: "#7b828c", grid: "#e6e8ec", fill: "#d3d7dc",
    series: ["#0072b2", "#c35500", "#00825f", "#b2568c", "#9a6a00", "#2a83b8", "#7d7000", "#5a5f66"],
    observed: "#1c1f23", model: "#0072b2", reference: "#7b828c", trouble: "#c8102e")

  package static let dark = Palette(
    page: "#15181c", text: "#dde1e6", quietText: "#a7afb9", axis: "#848d98", grid: "#2b3037", fill: "#434a54",
    series: ["#56b4e9", "#f0843c", "#2dc59a", "#e08dbb", "#e6a523", "#8fcdf2", "#d8cf4a", "#a9b0b8"],
    observed: "#f2f4f6", model: "#56b4e9", reference: "#848d98", trouble: "#ff6b78")

  private static func variables(_ palette: Palette) -> String {
    var text =
      "--ft:\(palette.text);--fs:\(palette.quietText);--fn:\(palette.fill);--fa:\(palette.axis);--fg:\(palette.grid);--fp:\(palette.page);"
    for (index, color) in palette.series.enumerated() { text += "--f\(index):\(color);" }
    return text
      + "--fo:\(palette.observed);--fm:\(palette.model);--fr:\(palette.reference);--fx:\(palette.trouble)"
  }

  /// Custom properties of the light and of the dark theme, as declarations without a selector.
  package static let lightVariables = variables(light)
  package static let darkVariables = variables(dark)

  /// Rules for everything that ``SVGRenderer`` writes; they need the variables on some element around it.
  package static let rules = """
    .fig{max-width:100%;height:auto}
    .fig text{font:11px system-ui,-apple-system,"Segoe UI",Roboto,Helvetica,Arial,sans-serif;fill:var(--fs)}
    .fig .f-t{fill:var(--ft);font-size:13px;font-weight:600}
    .fig .f-p{fill:var(--ft);font-size:12px;font-weight:600}
    .fig .f-x{fill:var(--ft);font-size:12px}
    .fig .f-m{fill:currentColor}
    .f-c{text-anchor:middle}.f-e{text-anchor:end}
    .f-g{fill:none;stroke:var(--fg)}
    .f-a{fill:none;stroke:var(--fa)}
    .f-l,.f-i,.f-o,.f-q{fill:none;stroke:currentColor;stroke-width:1.6;stroke-linejoin:round}
    .f-l,.f-o{stroke-linecap:round}
    .f-i{stroke-width:2.6}
    .f-o{stroke-width:5}
    .f-q{stroke-width:1.4}
    .f-b,.f-r,.f-f{fill:currentColor}
    .f-b{fill-opacity:.25}.f-r{fill-opacity:.7}
    .f-thin{stroke-width:1.1}.f-heavy{stroke-width:2.8}.f-faint{stroke-width:1;stroke-opacity:.3}
    .f-i.f-thin{stroke-width:1.6}.f-i.f-heavy{stroke-width:5}
    .f-o.f-thin{stroke-width:3.4}.f-o.f-heavy{stroke-width:7.5}.f-o.f-faint{stroke-width:3.4;stroke-opacity:.5}
    .f-q.f-thin,.f-q.f-faint{stroke-width:1.1}.f-q.f-heavy{stroke-width:2}
    .f-b.f-thin{fill-opacity:.15}.f-b.f-heavy{fill-opacity:.4}.f-b.f-faint{fill-opacity:.08}
    .f-r.f-thin,.f-r.f-faint{fill-opacity:.3}.f-r.f-heavy{fill-opacity:.9}
    .f-many{stroke-opacity:.45}
    .f-ring{fill:var(--fp)}
    .f-dash{stroke-dasharray:5 4}
    .f-n{fill:var(--fp);stroke:var(--fa);stroke-width:1.4}
    .f-no{fill:var(--fn)}.f-nd{stroke-dasharray:4 3}
    .f-w{fill:none;stroke:var(--fa)}
    .f-h{fill:var(--fa)}
    .f-ko{color:var(--fo)}.f-km{color:var(--fm)}.f-kr{color:var(--fr)}.f-kt{color:var(--fx)}
    \((0..<Mark.Role.seriesCount).map { ".f-k\($0){color:var(--f\($0))}" }.joined())

    """

  /// Everything that a page with figures needs: the theme is the reader's, or what `data-theme` on the root says.
  package static let css = """
    :root{\(lightVariables)}
    @media (prefers-color-scheme:dark){:root:not([data-theme=light]){\(darkVariables)}}
    :root[data-theme=dark]{\(darkVariables)}
    \(rules)
    """

  /// The style of an SVG file of its own, light or dark as its reader prefers.
  static let standalone = """
    .fig{\(lightVariables);background:var(--fp)}
    @media (prefers-color-scheme:dark){.fig{\(darkVariables)}}
    \(rules)
    """

  static func className(_ role: Mark.Role) -> String {
    switch role {
    case .series(let number):
      let index = number % Mark.Role.seriesCount
      return "f-k\(index < 0 ? index + Mark.Role.seriesCount : index)"
    case .observed: return "f-ko"
    case .model: return "f-km"
    case .reference: return "f-kr"
    case .trouble: return "f-kt"
    }
  }
}
