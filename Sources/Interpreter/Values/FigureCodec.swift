package import Rendering

// Figures as bytes: what a plot's digest is made of, and what the cache keeps of a cell's output.

extension ValueEncoder {
  package mutating func write(_ figure: Figure) {
    write(figure.kind)
    write(optional: figure.title)
    switch figure.content {
    case .panels(let panels):
      write(UInt8(0))
      write(panels.count)
      for panel in panels { write(panel) }
    case .diagram(let diagram):
      write(UInt8(1))
      write(diagram)
    }
    write(figure.columns ?? 0)
    write(figure.sharesX)
    write(figure.sharesY)
    write(figure.facts)
    write(figure.notes)
    write(optional: figure.alternative)
  }

  private mutating func write(optional text: String?) {
    write(text != nil)
    if let text { write(text) }
  }

  private mutating func write(_ panel: Panel) {
    write(optional: panel.title)
    write(panel.x)
    write(panel.y)
    write(panel.marks.count)
    for mark in panel.marks { write(mark) }
  }

  private mutating func write(_ axis: Axis) {
    write(optional: axis.label)
    switch axis.scale {
    case .linear: write(UInt8(0))
    case .logarithmic: write(UInt8(1))
    case .categories(let names):
      write(UInt8(2))
      write(names)
    }
    write(axis.limits != nil)
    if let limits = axis.limits {
      write(limits.lowerBound)
      write(limits.upperBound)
    }
    write(axis.ticks.rawValue)
    write(axis.includesZero)
  }

  private mutating func write(_ mark: Mark) {
    write(mark.shape)
    switch mark.role {
    case .series(let number):
      write(UInt8(0))
      write(number)
    case .observed: write(UInt8(1))
    case .model: write(UInt8(2))
    case .reference: write(UInt8(3))
    case .trouble: write(UInt8(4))
    }
    write(mark.weight.rawValue)
    write(mark.dash.rawValue)
    write(mark.symbol.rawValue)
    write(optional: mark.name)
  }

  private mutating func write(_ shape: Mark.Shape) {
    func arrays(_ tag: UInt8, _ arrays: [[Double]]) {
      write(tag)
      for array in arrays { write(array) }
    }
    switch shape {
    case .line(let x, let y): arrays(0, [x, y])
    case .steps(let x, let y): arrays(1, [x, y])
    case .points(let x, let y): arrays(2, [x, y])
    case .band(let x, let low, let high): arrays(3, [x, low, high])
    case .bars(let left, let right, let low, let high): arrays(4, [left, right, low, high])
    case .intervals(let positions, let low, let high, let isVertical):
      arrays(5, [positions, low, high])
      write(isVertical)
    case .field(let xEdges, let yEdges, let values): arrays(6, [xEdges, yEdges, values])
    case .rule(let position, let isVertical):
      write(UInt8(7))
      write(position)
      write(isVertical)
    case .slope(let intercept, let slope):
      write(UInt8(8))
      write(intercept)
      write(slope)
    case .labels(let x, let y, let texts):
      arrays(9, [x, y])
      write(texts)
    }
  }

  private mutating func write(_ diagram: Diagram) {
    write(diagram.nodes.count)
    for node in diagram.nodes {
      write(node.name)
      write(node.kind.rawValue)
      write(optional: node.detail)
      write(node.plates)
    }
    write(diagram.edges.flatMap { [$0.from, $0.to] })
    write(diagram.plates)
  }
}

extension ValueDecoder {
  package mutating func figure() throws -> Figure {
    let kind = try string()
    let title = try optionalText()
    var figure: Figure
    switch try byte() {
    case 0:
      var panels: [Panel] = []
      for _ in 0..<(try count(size: 8)) { panels.append(try panel()) }
      figure = Figure(kind: kind, title: title, panels: panels)
    case 1: figure = Figure(kind: kind, title: title, diagram: try diagram())
    default: throw DecodingError("a figure of an unknown kind")
    }
    let columns = try int()
    figure.columns = columns > 0 ? columns : nil
    figure.sharesX = try bool()
    figure.sharesY = try bool()
    figure.facts = try strings()
    figure.notes = try strings()
    figure.alternative = try optionalText()
    return figure
  }

  private mutating func optionalText() throws -> String? { try bool() ? try string() : nil }

  private mutating func panel() throws -> Panel {
    let title = try optionalText()
    let x = try axis()
    let y = try axis()
    var marks: [Mark] = []
    for _ in 0..<(try count(size: 8)) { marks.append(try mark()) }
    return Panel(title: title, x: x, y: y, marks: marks)
  }

  private mutating func axis() throws -> Axis {
    let label = try optionalText()
    let scale: Axis.Scale
    switch try byte() {
    case 0: scale = .linear
    case 1: scale = .logarithmic
    case 2: scale = .categories(try strings())
    default: throw DecodingError("an axis of an unknown kind")
    }
    var limits: ClosedRange<Double>?
    if try bool() {
      let low = try double()
      let high = try double()
      guard low <= high else { throw DecodingError("the limits of an axis are exchanged") }
      limits = low...high
    }
    guard let ticks = Axis.Ticks(rawValue: try string()) else { throw DecodingError("ticks of an unknown kind") }
    return Axis(label, scale: scale, limits: limits, ticks: ticks, includesZero: try bool())
  }

  private mutating func mark() throws -> Mark {
    let shape = try shape()
    let role: Mark.Role
    switch try byte() {
    case 0: role = .series(try int())
    case 1: role = .observed
    case 2: role = .model
    case 3: role = .reference
    case 4: role = .trouble
    default: throw DecodingError("a mark of an unknown role")
    }
    guard let weight = Mark.Weight(rawValue: try string()), let dash = Mark.Dash(rawValue: try string()),
      let symbol = Mark.Symbol(rawValue: try string())
    else { throw DecodingError("a mark of an unknown look") }
    return Mark(shape, role, weight: weight, dash: dash, symbol: symbol, name: try optionalText())
  }

  private mutating func shape() throws -> Mark.Shape {
    switch try byte() {
    case 0: return .line(x: try doubles(), y: try doubles())
    case 1: return .steps(x: try doubles(), y: try doubles())
    case 2: return .points(x: try doubles(), y: try doubles())
    case 3: return .band(x: try doubles(), low: try doubles(), high: try doubles())
    case 4: return .bars(left: try doubles(), right: try doubles(), low: try doubles(), high: try doubles())
    case 5:
      return .intervals(at: try doubles(), low: try doubles(), high: try doubles(), isVertical: try bool())
    case 6: return .field(xEdges: try doubles(), yEdges: try doubles(), values: try doubles())
    case 7: return .rule(at: try double(), isVertical: try bool())
    case 8: return .slope(intercept: try double(), slope: try double())
    case 9: return .labels(x: try doubles(), y: try doubles(), texts: try strings())
    default: throw DecodingError("a mark of an unknown shape")
    }
  }

  private mutating func diagram() throws -> Diagram {
    var nodes: [Diagram.Node] = []
    for _ in 0..<(try count(size: 8)) {
      let name = try string()
      guard let kind = Diagram.Node.Kind(rawValue: try string()) else {
        throw DecodingError("a node of an unknown kind")
      }
      nodes.append(Diagram.Node(name: name, kind: kind, detail: try optionalText(), plates: try ints()))
    }
    let ends = try ints()
    let edges = stride(from: 0, to: ends.count - 1, by: 2).map { Diagram.Edge(from: ends[$0], to: ends[$0 + 1]) }
    let plates = try strings()
    let isWhole =
      ends.count % 2 == 0 && ends.allSatisfy(nodes.indices.contains)
      && nodes.allSatisfy { $0.plates.allSatisfy(plates.indices.contains) }
    guard isWhole else { throw DecodingError("a diagram whose parts do not fit") }
    return Diagram(nodes: nodes, edges: edges, plates: plates)
  }
}
