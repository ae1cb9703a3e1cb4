/// Where the boxes of a diagram stand: layers from causes down to effects, plates as blocks beside each other.
///
/// Each set of plates is a block of its own columns, with the blocks of further plates inside it to the right, so that
/// frames never cross. The layer of a node is its longest way from a node without causes (Sugiyama, Tagawa & Toda 1981,
/// without their crossing reduction: models are small).
struct DiagramLayout {
  struct Box {
    var node: Int
    var x: Double
    var y: Double
    var width: Double
  }
  struct PlateFrame {
    var plate: Int
    var x: Double
    var y: Double
    var width: Double
    var height: Double
  }
  private(set) var boxes: [Box] = []
  private(set) var frames: [PlateFrame] = []
  private(set) var width = 0.0
  private(set) var height = 0.0

  static let boxHeight = 38.0
  private static let layerGap = 34.0
  private static let columnGap = 16.0
  private static let padding = 12.0
  private static let caption = 16.0

  /// Diagrams with more nodes are cut: they could not be read.
  static let nodeLimit = 200

  init(_ diagram: Diagram, top: Double) {
    let count = min(diagram.nodes.count, DiagramLayout.nodeLimit)
    let nodes = Array(diagram.nodes.prefix(count))
    let edges = diagram.edges.filter {
      $0.from < count && $0.to < count && $0.from >= 0 && $0.to >= 0 && $0.from != $0.to
    }
    let layers = DiagramLayout.layers(count, edges)
    let depth = nodes.map(\.plates.count).max() ?? 0
    // Frames that nest need room above and below the outermost layers.
    let head = top + Double(depth) * DiagramLayout.padding + 6
    var right = 8.0
    place(nodes, layers, path: [], x: &right, head: head)
    let layerCount = (layers.max() ?? -1) + 1
    width = right
    height =
      head + Double(layerCount) * (DiagramLayout.boxHeight + DiagramLayout.layerGap)
      + Double(depth) * (DiagramLayout.padding + DiagramLayout.caption) - DiagramLayout.layerGap + 14
  }

  private static func layers(_ count: Int, _ edges: [Diagram.Edge]) -> [Int] {
    var layers = Array(repeating: 0, count: count)
    // A model has no cycles; data that claims one ends after as many rounds as there are nodes.
    for _ in 0..<count {
      var moved = false
      for edge in edges where layers[edge.to] < layers[edge.from] + 1 && layers[edge.from] + 1 < count {
        layers[edge.to] = layers[edge.from] + 1
        moved = true
      }
      if !moved { break }
    }
    return layers
  }

  private static func boxWidth(_ node: Diagram.Node) -> Double {
    let name = SVGText.width(String(node.name.prefix(60)), size: 12)
    let detail = SVGText.width(String((node.detail ?? "").prefix(60)))
    return max(56, min(190, max(name, detail) + 20))
  }

  /// Places the nodes of a block and of the blocks in it from `x` on; gives the layers that it spans.
  @discardableResult
  private mutating func place(
    _ nodes: [Diagram.Node], _ layers: [Int], path: [Int], x: inout Double, head: Double
  ) -> (first: Int, last: Int)? {
    let own = nodes.indices.filter { nodes[$0].plates == path }
    var inner: [[Int]] = []
    for node in nodes where node.plates.count > path.count && node.plates.starts(with: path) {
      let next = Array(node.plates.prefix(path.count + 1))
      if !inner.contains(next) { inner.append(next) }
    }
    var span: (first: Int, last: Int)?
    func reach(_ first: Int, _ last: Int) {
      span = (min(span?.first ?? first, first), max(span?.last ?? last, last))
    }
    let start = x
    if !path.isEmpty { x += DiagramLayout.padding }
    // Own nodes: those of one layer beside each other, layers centered over one another.
    let byLayer = Dictionary(grouping: own) { layers[$0] }
    let rowWidths = byLayer.mapValues { row in
      row.reduce(0) { $0 + DiagramLayout.boxWidth(nodes[$1]) } + Double(row.count - 1) * DiagramLayout.columnGap
    }
    let widest = rowWidths.values.max() ?? 0
    for layer in byLayer.keys.sorted() {
      var left = x + (widest - (rowWidths[layer] ?? 0)) / 2
      for node in byLayer[layer] ?? [] {
        let size = DiagramLayout.boxWidth(nodes[node])
        boxes.append(
          Box(
            node: node, x: left,
            y: head + Double(layer) * (DiagramLayout.boxHeight + DiagramLayout.layerGap), width: size))
        left += size + DiagramLayout.columnGap
      }
      reach(layer, layer)
    }
    if !own.isEmpty { x += widest + DiagramLayout.columnGap }
    for block in inner {
      if let reached = place(nodes, layers, path: block, x: &x, head: head) { reach(reached.first, reached.last) }
      x += DiagramLayout.columnGap
    }
    if !path.isEmpty, let span, let plate = path.last {
      // How many frames may stand inside this one decides how far it reaches beyond its boxes.
      let nested = (nodes.filter { $0.plates.starts(with: path) }.map(\.plates.count).max() ?? path.count) - path.count
      let margin = DiagramLayout.padding * Double(nested + 1)
      let step = DiagramLayout.boxHeight + DiagramLayout.layerGap
      let y = head + Double(span.first) * step - margin
      let bottom =
        head + Double(span.last) * step + DiagramLayout.boxHeight + margin
        + DiagramLayout.caption * Double(nested + 1) - 4
      x = max(x - DiagramLayout.columnGap + DiagramLayout.padding, start + 60)
      frames.append(PlateFrame(plate: plate, x: start, y: y, width: x - start, height: bottom - y))
    }
    return span
  }
}

extension SVGRenderer {
  func diagram(_ diagram: Diagram, title: String?) -> (body: String, width: Double, height: Double) {
    var body = ""
    let top = title == nil ? 4.0 : 26.0
    if let title {
      body += "<text class=\"b\" x=\"4\" y=\"16\">\(SVGText.escaped(SVGText.cut(title, to: 600, size: 13)))</text>"
    }
    let layout = DiagramLayout(diagram, top: top)
    if layout.boxes.isEmpty {
      body += "<text x=\"4\" y=\"\(SVGText.number(top + 16))\">nothing to draw</text>"
      return (body, 320, top + 28)
    }
    for frame in layout.frames {
      body += "<rect class=\"x\" rx=\"8\" \(place(frame.x, frame.y, frame.width, frame.height))/>"
      let name = diagram.plates.indices.contains(frame.plate) ? diagram.plates[frame.plate] : ""
      let text = SVGText.escaped(SVGText.cut(name, to: frame.width - 12))
      body += "<text text-anchor=\"end\" \(at(frame.x + frame.width - 7, frame.y + frame.height - 6))>\(text)</text>"
    }
    var boxOf: [Int: DiagramLayout.Box] = [:]
    for box in layout.boxes { boxOf[box.node] = box }
    var lines = SVGPath()
    var heads = SVGPath()
    for edge in diagram.edges {
      guard edge.from != edge.to, let a = boxOf[edge.from], let b = boxOf[edge.to] else { continue }
      let start = (x: a.x + a.width / 2, y: a.y + DiagramLayout.boxHeight)
      let end = (x: b.x + b.width / 2, y: b.y)
      let bend = max(14, (end.y - start.y) / 2)
      lines.move(start.x, start.y)
      let points = [start.x, start.y + bend, end.x, end.y - bend, end.x, end.y - 5].map(SVGText.number)
      lines.raw("C" + points.joined(separator: " "))
      heads.move(end.x - 3.5, end.y - 7)
      heads.line(end.x + 3.5, end.y - 7)
      heads.line(end.x, end.y)
      heads.close()
    }
    if !lines.isEmpty {
      body +=
        "<path class=\"l re\" stroke-width=\"1.3\" d=\"\(lines.text)\"/><path class=\"a re\" d=\"\(heads.text)\"/>"
    }
    for box in layout.boxes {
      let node = diagram.nodes[box.node]
      let rect = place(box.x, box.y, box.width, DiagramLayout.boxHeight)
      switch node.kind {
      case .latent: body += "<rect class=\"n mo\" stroke-width=\"1.5\" rx=\"19\" \(rect)/>"
      case .observed:
        body += "<rect class=\"n ob\" stroke-width=\"1.5\" rx=\"19\" \(rect)/>"
        body += "<rect class=\"a ob\" opacity=\".16\" rx=\"19\" \(rect)/>"
      case .fixed: body += "<rect class=\"n ob\" stroke-width=\"1.5\" rx=\"4\" \(rect)/>"
      case .derived: body += "<rect class=\"n re\" stroke-width=\"1.3\" stroke-dasharray=\"4 3\" rx=\"4\" \(rect)/>"
      case .input: body += "<rect class=\"n re\" stroke-width=\"1\" rx=\"2\" \(rect)/>"
      }
      let middle = box.x + box.width / 2
      let name = SVGText.escaped(SVGText.cut(node.name, to: box.width - 10, size: 12))
      let nameY = node.detail == nil ? box.y + 23 : box.y + 16
      body += "<text class=\"h\" text-anchor=\"middle\" \(at(middle, nameY))>\(name)</text>"
      if let detail = node.detail {
        let text = SVGText.escaped(SVGText.cut(detail, to: box.width - 10))
        body += "<text text-anchor=\"middle\" \(at(middle, box.y + 30))>\(text)</text>"
      }
    }
    let left = diagram.nodes.count - layout.boxes.count
    var height = layout.height
    if left > 0 {
      body += "<text \(at(8, height + 10))>\(left) more nodes are not shown</text>"
      height += 18
    }
    return (body, max(200, layout.width + 8), height)
  }

  private func place(_ x: Double, _ y: Double, _ width: Double, _ height: Double) -> String {
    "x=\"\(SVGText.number(x))\" y=\"\(SVGText.number(y))\" width=\"\(SVGText.number(width))\" height=\"\(SVGText.number(height))\""
  }

  private func at(_ x: Double, _ y: Double) -> String { "x=\"\(SVGText.number(x))\" y=\"\(SVGText.number(y))\"" }
}
