/// Draws a diagram: frames, arrows, boxes.
struct SVGDiagram {
  private let diagram: Diagram
  private let layout: DiagramLayout

  init(_ diagram: Diagram) {
    self.diagram = diagram
    layout = DiagramLayout(diagram)
  }

  /// The width that the boxes need.
  var width: Double { layout.width }

  /// Draws below `top`, in the middle of a width; returns where it ends.
  func draw(top: Double, width: Double, into svg: inout SVGWriter) -> Double {
    guard !layout.boxes.isEmpty else {
      svg.text("nothing to draw", x: width / 2, y: top + 18, classes: "f-c")
      return top + 28
    }
    svg.raw("<g transform=\"translate(")
    svg.number(max(0, (width - layout.width) / 2))
    svg.raw(" ")
    svg.number(top)
    svg.raw(")\">\n")
    for frame in layout.frames {
      rectangle("f-w", frame.x, frame.y, frame.width, frame.height, radius: 8, into: &svg)
      let caption = SVGText.cut(diagram.plates[frame.plate], to: frame.width - 12)
      let x = frame.hasLeftCaption ? frame.x + 8 : frame.x + frame.width - 8
      svg.text(caption, x: x, y: frame.y + frame.height - 6, classes: frame.hasLeftCaption ? "" : "f-e")
    }
    arrows(into: &svg)
    for box in layout.boxes { node(box, into: &svg) }
    svg.raw("</g>\n")
    let left = diagram.nodes.count - layout.boxes.count
    guard left > 0 else { return top + layout.height }
    let words = "\(Thinning.grouped(left)) more node\(left == 1 ? " is" : "s are") not shown"
    svg.text(words, x: 4, y: top + layout.height + 12)
    return top + layout.height + 16
  }

  private func rectangle(
    _ classes: String, _ x: Double, _ y: Double, _ width: Double, _ height: Double, radius: Double,
    into svg: inout SVGWriter
  ) {
    svg.raw("<rect class=\"\(classes)\" x=\"")
    svg.number(x)
    svg.raw("\" y=\"")
    svg.number(y)
    svg.raw("\" width=\"")
    svg.number(width)
    svg.raw("\" height=\"")
    svg.number(height)
    svg.raw("\" rx=\"")
    svg.number(radius)
    svg.raw("\"/>\n")
  }

  private func node(_ box: DiagramLayout.Box, into svg: inout SVGWriter) {
    let node = diagram.nodes[box.node]
    let classes: String
    let radius: Double
    switch node.kind {
    case .latent: (classes, radius) = ("f-n", box.height / 2)
    case .observed: (classes, radius) = ("f-n f-no", box.height / 2)
    case .derived: (classes, radius) = ("f-n f-nd", box.height / 2)
    case .fixed: (classes, radius) = ("f-n f-no", 3)
    case .input: (classes, radius) = ("f-n", 3)
    }
    rectangle(
      classes, box.x - box.width / 2, box.y - box.height / 2, box.width, box.height, radius: radius, into: &svg)
    let name = SVGText.cut(node.name, to: box.width - 12, size: 12)
    svg.text(name, x: box.x, y: box.y + (node.detail == nil ? 4 : -2.5), classes: "f-p f-c")
    if let detail = node.detail {
      svg.text(SVGText.cut(detail, to: box.width - 12), x: box.x, y: box.y + 11.5, classes: "f-c")
    }
  }

  private func arrows(into svg: inout SVGWriter) {
    var boxOf: [Int: DiagramLayout.Box] = [:]
    for box in layout.boxes { boxOf[box.node] = box }
    var lines = SVGPath()
    var heads = SVGPath()
    for route in layout.routes {
      guard let a = boxOf[route.from], let b = boxOf[route.to] else { continue }
      // Edges of a cycle go up; the others leave below and arrive above.
      let sign = b.y > a.y ? 1.0 : -1.0
      let toward = route.stops.first ?? (b.x, b.y)
      let from = route.stops.last ?? (a.x, a.y)
      let start = SVGDiagram.end(of: a, toward: toward, side: sign)
      let end = SVGDiagram.end(of: b, toward: from, side: -sign)
      lines.move(start.x, start.y)
      // A smooth line through the stops: each stop's direction is that from the one before to the one after.
      let points = [start] + route.stops + [end]
      var tail = start
      for index in 1..<points.count {
        let (p, q) = (points[index - 1], points[index])
        if points.count == 2 {
          lines.line(q.x, q.y)
          continue
        }
        let before = points[max(0, index - 2)]
        let after = points[min(points.count - 1, index + 1)]
        tail = (q.x - (after.x - p.x) / 6, q.y - (after.y - p.y) / 6)
        lines.curve(p.x + (q.x - before.x) / 6, p.y + (q.y - before.y) / 6, tail.x, tail.y, q.x, q.y)
      }
      SVGDiagram.head(from: tail, to: end, &heads)
    }
    svg.path(lines, classes: "f-a")
    svg.path(heads, classes: "f-h")
  }

  /// Where an edge meets a box: on its upper or lower side, as far aside as it comes from there.
  private static func end(
    of box: DiagramLayout.Box, toward other: (x: Double, y: Double), side: Double
  ) -> (x: Double, y: Double) {
    let half = box.height / 2
    let flat = max(0, box.width / 2 - half)
    let share = half / max(half, (other.y - box.y).magnitude)
    let shift = max(-flat, min(flat, (other.x - box.x) * share))
    return (box.x + shift, box.y + side * half)
  }

  private static func head(from tail: (x: Double, y: Double), to end: (x: Double, y: Double), _ path: inout SVGPath) {
    let (dx, dy) = (end.x - tail.x, end.y - tail.y)
    let size = (dx * dx + dy * dy).squareRoot()
    guard size > 0 else { return }
    let (ux, uy) = (dx / size, dy / size)
    path.move(end.x, end.y)
    path.line(end.x - 8 * ux - 3.4 * uy, end.y - 8 * uy + 3.4 * ux)
    path.line(end.x - 8 * ux + 3.4 * uy, end.y - 8 * uy - 3.4 * ux)
    path.close(at: end.x, end.y)
  }
}
