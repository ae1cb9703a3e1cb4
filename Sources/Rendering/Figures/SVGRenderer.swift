/// Draws figures as SVG: inside of a page that has ``SVGTheme/css``, or as a file of its own.
///
/// The same figure gives the same bytes. There is no script, no style attribute, no reference to anything outside, and
/// all text is escaped.
package struct SVGRenderer: Sendable {
  /// Begins every id, so that many figures share a page.
  package var idPrefix: String
  /// Whether the picture brings its own style and can be opened as a file.
  package var isStandalone: Bool
  /// In pixels; by default 680 and a height that suits the content.
  package var width: Double?
  package var height: Double?

  package init(idPrefix: String, isStandalone: Bool, width: Double? = nil, height: Double? = nil) {
    self.idPrefix = idPrefix
    self.isStandalone = isStandalone
    self.width = width
    self.height = height
  }

  private static let legendLimit = 24

  /// The picture as text that begins with `<svg`.
  package func svg(_ figure: Figure) -> String {
    var total = SVGRenderer.clamped(width, 680, 160...4000)
    var diagram: SVGDiagram?
    if case .diagram(let content) = figure.content {
      // As wide as its boxes, and its title as far as that fits a page.
      let drawing = SVGDiagram(content)
      let title = figure.title.map { SVGText.width(SVGText.cut($0, to: 600), size: 13.6) + 24 } ?? 0
      total = max(200, drawing.width, min(total, title))
      diagram = drawing
    }
    var body = SVGWriter()
    var top = header(figure, width: total, into: &body)
    if let diagram {
      top = diagram.draw(top: top, width: total, into: &body)
    } else {
      var grid = SVGGrid(figure, clip: id("c"), width: total, top: top)
      grid.fit(height: height.map { SVGRenderer.clamped($0, 300, 80...8000) - top - 24 })
      grid.draw(into: &body)
      top = grid.bottom
    }
    for note in figure.shownNotes {
      for line in SVGText.lines(note, width: total - 8, size: 11, most: 4) {
        top += 15
        body.text(line, x: 4, y: top)
      }
    }
    let size = max(top + 8, height.map { SVGRenderer.clamped($0, 300, 80...8000) } ?? 0).rounded(.up)
    var svg = SVGWriter()
    let space = isStandalone ? " xmlns=\"http://www.w3.org/2000/svg\"" : ""
    svg.raw("<svg\(space) class=\"fig\" viewBox=\"0 0 ")
    svg.number(total)
    svg.raw(" ")
    svg.number(size)
    svg.raw("\" width=\"")
    svg.number(total)
    svg.raw("\" height=\"")
    svg.number(size)
    svg.raw("\" role=\"img\" aria-labelledby=\"\(id("t")) \(id("d"))\">\n<title id=\"\(id("t"))\">")
    svg.escaped(SVGText.cut(figure.title ?? figure.kind, to: 1200))
    svg.raw("</title>\n<desc id=\"\(id("d"))\">")
    svg.escaped(figure.alternativeText)
    svg.raw("</desc>\n")
    if isStandalone { svg.raw("<style>\(SVGTheme.standalone)</style>\n") }
    svg.raw(body.string)
    svg.raw("</svg>\n")
    return svg.string
  }

  private static func clamped(_ value: Double?, _ standard: Double, _ range: ClosedRange<Double>) -> Double {
    guard let value, value.isFinite else { return standard }
    return max(range.lowerBound, min(range.upperBound, value))
  }

  /// An identifier of this drawing; whatever the prefix holds, only letters, digits and marks of names come of it.
  func id(_ name: String) -> String {
    let safe = idPrefix.unicodeScalars.prefix(80).filter { scalar in
      scalar.isASCII
        && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar) || scalar == "-" || scalar == "_")
    }
    let prefix = String(String.UnicodeScalarView(safe))
    return "f" + (prefix.isEmpty ? "" : prefix + "-") + name
  }

  // MARK: - Title and legend

  /// Draws what stands above the panels; returns where they begin.
  private func header(_ figure: Figure, width: Double, into svg: inout SVGWriter) -> Double {
    var y = 8.0
    if let title = figure.title {
      for line in SVGText.lines(title, width: width - 8, size: 13.6, most: 2) {
        y += 17
        svg.text(line, x: 4, y: y - 4, classes: "f-t")
      }
      y += 3
    }
    let (entries, more) = Legend.entries(figure.shownPanels, limit: SVGRenderer.legendLimit)
    guard !entries.isEmpty else { return y }
    var x = 4.0
    y += 14
    for entry in entries {
      let name = SVGText.cut(entry.name, to: min(220, width - 40), size: 12)
      let room = 26 + SVGText.width(name, size: 12)
      if x > 4, x + room > width - 4 {
        x = 4
        y += 18
      }
      for mark in entry.marks { swatch(mark, x: x, y: y - 4, into: &svg) }
      svg.text(name, x: x + 22, y: y, classes: "f-x")
      x += room + 14
    }
    if more > 0 {
      if x + 80 > width {
        x = 4
        y += 18
      }
      svg.text("and \(more) more", x: x, y: y)
    }
    return y + 6
  }

  private func swatch(_ mark: Mark, x: Double, y: Double, into svg: inout SVGWriter) {
    let role = SVGTheme.className(mark.role)
    // Faint marks get their strength by their number.
    let weight = mark.weight == .normal || mark.weight == .faint ? "" : " f-" + mark.weight.rawValue
    let dash = mark.dash == .dashed ? " f-dash" : ""
    var path = SVGPath()
    switch mark.shape {
    case .line, .steps, .slope, .rule:
      path.move(x, y)
      path.line(x + 16, y)
      svg.path(path, classes: "f-l \(role)\(weight)\(dash)")
    case .intervals:
      path.move(x, y)
      path.line(x + 16, y)
      svg.path(path, classes: "f-i \(role)\(weight)\(dash)")
    case .points:
      var shown = mark
      if shown.weight == .faint || shown.weight == .thin { shown.weight = .normal }
      SVGMarks.symbol(mark.symbol, x + 8, y, SVGMarks.radius(shown), &path)
      svg.path(path, classes: SVGMarks.pointClasses(shown, isMany: false, role))
    case .band:
      path.rectangle(x, y - 5, x + 16, y + 5)
      svg.path(path, classes: "f-b \(role)\(weight)")
    case .bars:
      path.rectangle(x + 1, y - 5, x + 15, y + 5)
      svg.path(path, classes: "f-r \(role)\(weight)")
    case .field:
      path.rectangle(x + 1, y - 5, x + 15, y + 5)
      svg.path(path, classes: "f-f \(role)")
    case .labels: svg.text("a", x: x + 8, y: y + 4, classes: "f-m \(role)")
    }
  }
}

/// The named marks of a figure.
enum Legend {
  struct Entry: Equatable {
    var name: String
    /// One mark of each look, in drawing order.
    var marks: [Mark]
  }

  /// Entries in the order of first use, and how many more there are.
  static func entries(_ panels: [Panel], limit: Int) -> (entries: [Entry], more: Int) {
    var entries: [Entry] = []
    var places: [String: Int] = [:]
    for mark in panels.lazy.flatMap(\.marks) {
      guard let name = mark.name else { continue }
      let bare = Mark(mark.shape.emptied, mark.role, weight: mark.weight, dash: mark.dash, symbol: mark.symbol)
      if let place = places[name] {
        if place < limit, entries[place].marks.count < 3, !entries[place].marks.contains(bare) {
          entries[place].marks.append(bare)
        }
      } else {
        places[name] = places.count
        if entries.count < limit { entries.append(Entry(name: name, marks: [bare])) }
      }
    }
    return (entries, places.count - entries.count)
  }
}

extension Mark.Shape {
  /// The same kind of shape without numbers.
  var emptied: Mark.Shape {
    switch self {
    case .line: .line(x: [], y: [])
    case .steps: .steps(x: [], y: [])
    case .points: .points(x: [], y: [])
    case .band: .band(x: [], low: [], high: [])
    case .bars: .bars(left: [], right: [], low: [], high: [])
    case .intervals(_, _, _, let isVertical): .intervals(at: [], low: [], high: [], isVertical: isVertical)
    case .field: .field(xEdges: [], yEdges: [], values: [])
    case .rule(_, let isVertical): .rule(at: 0, isVertical: isVertical)
    case .slope: .slope(intercept: 0, slope: 0)
    case .labels: .labels(x: [], y: [], texts: [])
    }
  }
}
