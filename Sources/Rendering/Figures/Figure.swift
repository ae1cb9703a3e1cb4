/// A plot as data: what is drawn, in the data's own units, with no pixel and no color in it.
///
/// One figure gives the SVG of a report, the characters of a terminal, the text alternative and the table beside it.
/// Builders reduce large data before they make a figure (``Thinning``), so that a figure is small whatever it was made
/// from. Numbers that are not finite are allowed everywhere: lines break at them, other marks leave them out, and the
/// text alternative says how many there were.
package struct Figure: Sendable, Equatable {
  package enum Content: Sendable, Equatable {
    /// Small multiples in reading order.
    case panels([Panel])
    case diagram(Diagram)
  }

  /// What a reader calls it, in lower case: `trace plot`, `forest plot`.
  package var kind: String
  package var title: String?
  package var content: Content
  /// Panels beside each other; nil where the renderer decides.
  package var columns: Int?
  /// Whether all panels show the same range of x, or of y.
  package var sharesX = false
  package var sharesY = false
  /// What the figure shows beyond its marks, as whole sentences for the text alternative: `R-hat is at most 1.01.`
  package var facts: [String] = []
  /// Lines below the figure: what was thinned or left out.
  package var notes: [String] = []
  /// Text that the author gives in place of the generated alternative.
  package var alternative: String?

  package init(
    kind: String, title: String? = nil, panels: [Panel], columns: Int? = nil, sharesX: Bool = false,
    sharesY: Bool = false, facts: [String] = [], notes: [String] = []
  ) {
    self.kind = kind
    self.title = title
    content = .panels(panels)
    self.columns = columns
    self.sharesX = sharesX
    self.sharesY = sharesY
    self.facts = facts
    self.notes = notes
  }

  package init(kind: String, title: String? = nil, diagram: Diagram, facts: [String] = [], notes: [String] = []) {
    self.kind = kind
    self.title = title
    content = .diagram(diagram)
    self.facts = facts
    self.notes = notes
  }

  package var panels: [Panel] { if case .panels(let panels) = content { panels } else { [] } }
}

/// One pair of axes with its marks, drawn in order: later ones lie on top.
package struct Panel: Sendable, Equatable {
  package var title: String?
  package var x: Axis
  package var y: Axis
  package var marks: [Mark]

  package init(title: String? = nil, x: Axis = Axis(), y: Axis = Axis(), marks: [Mark]) {
    self.title = title
    self.x = x
    self.y = y
    self.marks = marks
  }
}

package struct Axis: Sendable, Equatable {
  package enum Scale: Sendable, Equatable {
    case linear
    /// Base 10; numbers of 0 and below are left out.
    case logarithmic
    /// Names at 0, 1, 2, …: the first on the left, or at the top.
    case categories([String])
  }
  package enum Ticks: String, Sendable { case automatic, whole, none }

  package var label: String?
  package var scale: Scale
  /// The shown range; nil where it follows from the marks.
  package var limits: ClosedRange<Double>?
  package var ticks: Ticks
  /// Whether zero is to be in the range (bars, counts).
  package var includesZero: Bool

  package init(
    _ label: String? = nil, scale: Scale = .linear, limits: ClosedRange<Double>? = nil, ticks: Ticks = .automatic,
    includesZero: Bool = false
  ) {
    self.label = label
    self.scale = scale
    self.limits = limits
    self.ticks = ticks
    self.includesZero = includesZero
  }
}

/// Something drawn: a shape, how it looks, and what the legend calls it.
package struct Mark: Sendable, Equatable {
  /// All arrays of one shape have the same length.
  package enum Shape: Sendable, Equatable {
    /// Joined points in the given order; a number that is not finite breaks the line.
    case line(x: [Double], y: [Double])
    /// As a line that stays level until the next x (cumulative distributions).
    case steps(x: [Double], y: [Double])
    case points(x: [Double], y: [Double])
    /// The area between two lines.
    case band(x: [Double], low: [Double], high: [Double])
    /// Upright bars from `low` to `high` over `left` to `right`.
    case bars(left: [Double], right: [Double], low: [Double], high: [Double])
    /// Segments beside or above each other: at each position from `low` to `high`. `isVertical` along y, at positions
    /// of x; else along x, at positions of y.
    case intervals(at: [Double], low: [Double], high: [Double], isVertical: Bool)
    /// A field of rectangles, row by row from the lowest y: `values` has `(xEdges.count − 1) · (yEdges.count − 1)`
    /// entries, drawn the stronger the larger; 0 is not drawn.
    case field(xEdges: [Double], yEdges: [Double], values: [Double])
    /// A line across the panel: `isVertical` at an x, else at a y.
    case rule(at: Double, isVertical: Bool)
    /// The line y = a + b·x across the panel.
    case slope(intercept: Double, slope: Double)
    case labels(x: [Double], y: [Double], texts: [String])
  }

  /// What a mark stands for; themes give the colors.
  package enum Role: Sendable, Equatable {
    /// One of several alike, such as chains: colors repeat after ``Role/seriesCount``.
    case series(Int)
    /// What was observed, against what a model says.
    case observed
    /// What a model says.
    case model
    /// Help lines, simultaneous bands, what lies in the background.
    case reference
    /// Divergences, values beyond a threshold.
    case trouble

    package static let seriesCount = 8
  }

  package enum Weight: String, Sendable {
    case thin, normal, heavy
    /// For many marks of one kind on top of each other.
    case faint
  }

  package enum Dash: String, Sendable { case solid, dashed }
  package enum Symbol: String, Sendable { case disc, ring, cross, bar }

  package var shape: Shape
  package var role: Role
  package var weight: Weight
  package var dash: Dash
  package var symbol: Symbol
  /// The legend's entry; marks of one name share one.
  package var name: String?

  package init(
    _ shape: Shape, _ role: Role = .model, weight: Weight = .normal, dash: Dash = .solid, symbol: Symbol = .disc,
    name: String? = nil
  ) {
    self.shape = shape
    self.role = role
    self.weight = weight
    self.dash = dash
    self.symbol = symbol
    self.name = name
  }
}

/// Boxes and arrows: the sites of a model and what depends on what.
package struct Diagram: Sendable, Equatable {
  package struct Node: Sendable, Equatable {
    package enum Kind: String, Sendable { case latent, observed, fixed, derived, input }
    /// Unique in the diagram.
    package var name: String
    package var kind: Kind
    /// A second line: the distribution or the shape.
    package var detail: String?
    /// Indices of the plates around it, the outermost first.
    package var plates: [Int]
    package init(name: String, kind: Kind, detail: String? = nil, plates: [Int] = []) {
      self.name = name
      self.kind = kind
      self.detail = detail
      self.plates = plates
    }
  }
  package struct Edge: Sendable, Equatable, Hashable {
    /// Indices of nodes.
    package var from: Int
    package var to: Int
    package init(from: Int, to: Int) {
      self.from = from
      self.to = to
    }
  }

  package var nodes: [Node]
  package var edges: [Edge]
  /// What the frames are called: `j in 0..<8`.
  package var plates: [String]
  package init(nodes: [Node], edges: [Edge], plates: [String]) {
    self.nodes = nodes
    self.edges = edges
    self.plates = plates
  }
}

extension Mark.Shape {
  /// Its numbers, array by array.
  package var numbers: [[Double]] {
    switch self {
    case .line(let x, let y), .steps(let x, let y), .points(let x, let y), .labels(let x, let y, _): [x, y]
    case .band(let x, let low, let high): [x, low, high]
    case .bars(let left, let right, let low, let high): [left, right, low, high]
    case .intervals(let positions, let low, let high, _): [positions, low, high]
    case .field(let xEdges, let yEdges, let values): [xEdges, yEdges, values]
    case .rule(let position, _): [[position]]
    case .slope(let intercept, let slope): [[intercept, slope]]
    }
  }
}
