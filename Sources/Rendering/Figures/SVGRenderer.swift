/// Draws figures as SVG: the same bytes for the same figure, whatever the machine.
///
/// There is no script, no style attribute, no link and no foreign markup in it; colors are classes whose rules are
/// ``SVGTheme/rules``. In a page it takes the page's theme; as a file of its own it brings both.
package struct SVGRenderer {
  /// Put before every identifier, so that many figures can share a page.
  package var idPrefix: String
  package var isStandalone: Bool
  /// Of the whole drawing, in pixels; nil for what suits the figure.
  package var width: Double?
  package var height: Double?

  package init(idPrefix: String, isStandalone: Bool, width: Double? = nil, height: Double? = nil) {
    self.idPrefix = idPrefix
    self.isStandalone = isStandalone
    self.width = width
    self.height = height
  }

  /// The figure as an `<svg>` element.
  package func svg(_ figure: Figure) -> String {
    let drawing: (body: String, width: Double, height: Double)
    switch figure.content {
    case .panels: drawing = panels(figure)
    case .diagram(let diagram): drawing = self.diagram(diagram, title: figure.title)
    }
    let size = "\(SVGText.number(drawing.width)) \(SVGText.number(drawing.height))"
    var text = "<svg class=\"fig\" role=\"img\" viewBox=\"0 0 \(size)\" width=\"\(SVGText.number(drawing.width))\""
    text += " height=\"\(SVGText.number(drawing.height))\" aria-labelledby=\"\(id("t")) \(id("d"))\""
    text += " xmlns=\"http://www.w3.org/2000/svg\">"
    text += "<title id=\"\(id("t"))\">\(SVGText.escaped(figure.title ?? figure.kind))</title>"
    text += "<desc id=\"\(id("d"))\">\(SVGText.escaped(figure.alternativeText))</desc>"
    if isStandalone { text += "<style>\(SVGTheme.standalone)</style>" }
    return text + drawing.body + "</svg>"
  }

  /// An identifier of this drawing; whatever the prefix holds, only letters, digits and marks of names come of it.
  func id(_ name: String) -> String {
    let safe = idPrefix.unicodeScalars.filter { scalar in
      scalar.isASCII
        && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar) || scalar == "-" || scalar == "_")
    }
    let prefix = String(String.UnicodeScalarView(safe))
    return "f" + (prefix.isEmpty ? "" : prefix + "-") + name
  }

  // MARK: - Layout

  struct Frame {
    var x: Double
    var y: Double
    var width: Double
    var height: Double
    var right: Double { x + width }
    var bottom: Double { y + height }
  }

  private func columns(_ figure: Figure) -> Int {
    let count = figure.shownPanels.count
    if let columns = figure.columns { return max(1, min(columns, count, 12)) }
    return count <= 1 ? 1 : count <= 4 ? 2 : 3
  }

  private func panels(_ figure: Figure) -> (body: String, width: Double, height: Double) {
    let panels = figure.shownPanels
    let scales = figure.scales
    let columns = self.columns(figure)
    let rows = panels.isEmpty ? 0 : (panels.count + columns - 1) / columns
    let total = max(160, min(4000, width ?? (columns == 1 ? 640 : columns == 2 ? 700 : 760)))
    let gap = 14.0
    let cell = (total - gap * Double(columns - 1)) / Double(columns)
    var body = ""
    var top = 4.0
    if let title = figure.title {
      body +=
        "<text class=\"b\" x=\"4\" y=\"16\">\(SVGText.escaped(SVGText.cut(title, to: total - 8, size: 13)))</text>"
      top += 20
    }
    top = legend(figure, width: total, from: top, into: &body)
    if panels.isEmpty {
      body += "<text x=\"4\" y=\"\(SVGText.number(top + 16))\">nothing to draw</text>"
      return (body, total, top + 28)
    }
    // One height for all, so that rows line up: rows of categories take what their names need.
    let rowHeight =
      height.map { max(60, (min(6000, $0) - top) / Double(rows) - gap) }
      ?? panels.indices.map { naturalHeight(panels[$0], scales[$0].y, columns: columns) }.max() ?? 200
    for row in 0..<rows {
      let range = (row * columns)..<min(panels.count, (row + 1) * columns)
      for index in range {
        let frame = Frame(
          x: Double(index - range.lowerBound) * (cell + gap), y: top, width: cell, height: rowHeight)
        // Shared axes are numbered at the edge, where the panel below is not missing.
        let showsX = !figure.sharesX || index + columns >= panels.count
        let showsY = !figure.sharesY || index == range.lowerBound
        draw(panels[index], scales[index], in: frame, number: index, showsX: showsX, showsY: showsY, into: &body)
      }
      top += rowHeight + gap
    }
    return (body, total, top - gap + 4)
  }

  private func naturalHeight(_ panel: Panel, _ y: FigureScale, columns: Int) -> Double {
    if let names = y.names { return max(90, min(3000, Double(names.count) * 22 + 60)) }
    return columns == 1 ? 320 : columns == 2 ? 230 : 190
  }

  /// Entries beside each other, in as many lines as they need; the top of what follows.
  private func legend(_ figure: Figure, width: Double, from top: Double, into body: inout String) -> Double {
    let entries = figure.legend.prefix(12)
    guard !entries.isEmpty else { return top }
    var x = 6.0
    var y = top + 10
    for mark in entries {
      let name = SVGText.cut(mark.name ?? "", to: width - 40)
      let size = 22 + SVGText.width(name) + 18
      if x + size > width, x > 6 {
        x = 6
        y += 16
      }
      body += swatch(mark, x: x, y: y)
      body += "<text x=\"\(SVGText.number(x + 22))\" y=\"\(SVGText.number(y + 4))\">\(SVGText.escaped(name))</text>"
      x += size
    }
    return y + 14
  }

  private func swatch(_ mark: Mark, x: Double, y: Double) -> String {
    let a = SVGText.number(x)
    let b = SVGText.number(y)
    switch mark.shape {
    case .band, .bars, .field:
      return
        "<path class=\"a \(roleClass(mark.role))\" \(opacity(fillOpacity(mark)))d=\"M\(a) \(SVGText.number(y - 5))h16v10h-16z\"/>"
    case .points:
      return points(mark, at: [(x + 8, y)])
    case .line, .steps, .intervals, .rule, .slope, .labels:
      let width = mark.weight == .faint ? 1.2 : strokeWidth(mark)
      return
        "<path class=\"l \(roleClass(mark.role))\" \(dash(mark))stroke-width=\"\(SVGText.number(width))\" d=\"M\(a) \(b)h16\"/>"
    }
  }

  // MARK: - Panels

  private func draw(
    _ panel: Panel, _ scales: (x: FigureScale, y: FigureScale), in frame: Frame, number: Int, showsX: Bool,
    showsY: Bool, into body: inout String
  ) {
    let yTicks = scales.y.ticks(panel.y, count: max(2, Int(frame.height / 48)))
    let xTicks = scales.x.ticks(panel.x, count: max(2, Int(frame.width / 85)))
    let hasYNumbers = panel.y.ticks != .none && showsY
    let longest = yTicks.map { SVGText.width(String($0.text.prefix(60))) }.max() ?? 0
    let nameRoom = min(longest, frame.width * 0.38)
    var inner = frame
    let left = (hasYNumbers ? nameRoom + 8 : 4) + (panel.y.label != nil && showsY ? 17 : 0)
    let rotates = scales.x.names.map { rotated($0, width: frame.width - left) } ?? false
    let xRoom =
      rotates
      ? min(90, (scales.x.names ?? []).map { SVGText.width(String($0.prefix(40))) }.max() ?? 0) * 0.72 + 12 : 17.0
    inner.x += left
    inner.width = max(20, frame.width - left - 10)
    inner.y += panel.title == nil ? 6 : 20
    let bottom = (panel.x.ticks != .none || scales.x.names != nil) && showsX ? xRoom : 4
    inner.height = max(20, frame.bottom - inner.y - bottom - (panel.x.label != nil && showsX ? 16 : 0))
    if let title = panel.title {
      let shown = SVGText.cut(title, to: inner.width, size: 12)
      body +=
        "<text class=\"h\" x=\"\(SVGText.number(inner.x))\" y=\"\(SVGText.number(frame.y + 13))\">\(SVGText.escaped(shown))</text>"
    }
    let place = Place(frame: inner, x: scales.x, y: scales.y)
    grid(place, xTicks, yTicks, into: &body)
    let clip = id("c\(number)")
    body +=
      "<clipPath id=\"\(clip)\"><rect x=\"\(SVGText.number(inner.x))\" y=\"\(SVGText.number(inner.y - 3))\" width=\"\(SVGText.number(inner.width))\" height=\"\(SVGText.number(inner.height + 3))\"/></clipPath><g clip-path=\"url(#\(clip))\">"
    for mark in panel.marks { body += draw(mark, place) }
    body += "</g>"
    axis(place, panel, xTicks, yTicks, frame, showsX: showsX, showsY: showsY, rotates: rotates, into: &body)
  }

  /// Where numbers lie in a panel's frame.
  struct Place {
    var frame: Frame
    var x: FigureScale
    var y: FigureScale

    func x(_ value: Double) -> Double? { x.position(value).map { frame.x + clamp($0) * frame.width } }
    /// Upward; names run downward.
    func y(_ value: Double) -> Double? {
      y.position(value).map {
        y.names == nil ? frame.bottom - clamp($0) * frame.height : frame.y + clamp($0) * frame.height
      }
    }
    func point(_ x: Double, _ y: Double) -> (x: Double, y: Double)? {
      guard let a = self.x(x), let b = self.y(y) else { return nil }
      return (a, b)
    }
    /// Far beyond the frame is as good as anywhere beyond it.
    private func clamp(_ position: Double) -> Double { max(-20, min(21, position)) }
  }

  private func grid(_ place: Place, _ xTicks: [Ticks.Tick], _ yTicks: [Ticks.Tick], into body: inout String) {
    var path = SVGPath()
    let frame = place.frame
    if place.x.names == nil {
      for tick in xTicks {
        guard let x = place.x(tick.value) else { continue }
        path.move(x, frame.y)
        path.line(x, frame.bottom)
      }
    }
    for tick in yTicks {
      guard let y = place.y(tick.value) else { continue }
      path.move(frame.x, y)
      path.line(frame.right, y)
    }
    if !path.isEmpty { body += "<path class=\"g\" d=\"\(path.text)\"/>" }
  }

  private func rotated(_ names: [String], width: Double) -> Bool {
    let room = width / Double(max(1, names.count))
    return names.contains { SVGText.width(String($0.prefix(60))) + 6 > room }
  }

  private func axis(
    _ place: Place, _ panel: Panel, _ xTicks: [Ticks.Tick], _ yTicks: [Ticks.Tick], _ outer: Frame, showsX: Bool,
    showsY: Bool, rotates: Bool, into body: inout String
  ) {
    let frame = place.frame
    body +=
      "<path class=\"x\" d=\"M\(SVGText.number(frame.x)) \(SVGText.number(frame.bottom))h\(SVGText.number(frame.width))\"/>"
    if showsX {
      var end = -Double.infinity
      // Names that stand too close are left out evenly.
      let room = frame.width / Double(max(1, xTicks.count))
      let every = rotates ? max(1, Int((12 / max(0.01, room)).rounded(.up))) : 1
      for (index, tick) in xTicks.enumerated() where index % every == 0 {
        guard let x = place.x(tick.value), x >= frame.x - 1, x <= frame.right + 1 else { continue }
        if rotates {
          let text = SVGText.escaped(SVGText.cut(tick.text, to: 90))
          let point = "\(SVGText.number(x + 3)) \(SVGText.number(frame.bottom + 12))"
          body += "<text text-anchor=\"end\" transform=\"translate(\(point)) rotate(-40)\">\(text)</text>"
          continue
        }
        let text = SVGText.cut(tick.text, to: place.x.names == nil ? 200 : room - 2)
        let half = SVGText.width(text) / 2
        if x - half < end + 5 { continue }
        end = x + half
        // The outermost numbers stay inside of the drawing.
        let isLast = x + half > outer.right
        let anchor = isLast ? "end" : "middle"
        let at = isLast ? outer.right : x
        body +=
          "<text text-anchor=\"\(anchor)\" x=\"\(SVGText.number(at))\" y=\"\(SVGText.number(frame.bottom + 14))\">\(SVGText.escaped(text))</text>"
      }
      if let label = panel.x.label {
        let text = SVGText.escaped(SVGText.cut(label, to: frame.width))
        body +=
          "<text text-anchor=\"middle\" x=\"\(SVGText.number(frame.x + frame.width / 2))\" y=\"\(SVGText.number(outer.bottom - 4))\">\(text)</text>"
      }
    }
    guard showsY else { return }
    let left = outer.x + (panel.y.label == nil ? 0 : 17)
    var last = -Double.infinity
    for tick in yTicks.sorted(by: { (place.y($0.value) ?? 0) < (place.y($1.value) ?? 0) }) {
      guard let y = place.y(tick.value), y >= frame.y - 1, y <= frame.bottom + 1, y >= last + 10 else { continue }
      last = y
      let text = SVGText.escaped(SVGText.cut(tick.text, to: frame.x - left - 5))
      body +=
        "<text text-anchor=\"end\" x=\"\(SVGText.number(frame.x - 6))\" y=\"\(SVGText.number(y + 4))\">\(text)</text>"
    }
    if let label = panel.y.label {
      let text = SVGText.escaped(SVGText.cut(label, to: frame.height + 10))
      let point = "\(SVGText.number(outer.x + 11)) \(SVGText.number(frame.y + frame.height / 2))"
      body += "<text text-anchor=\"middle\" transform=\"translate(\(point)) rotate(-90)\">\(text)</text>"
    }
  }
}
