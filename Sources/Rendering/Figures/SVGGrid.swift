/// The panels of a figure in rows and columns with their axes.
struct SVGGrid {
  private let figure: Figure
  private let panels: [Panel]
  private let scales: [(x: FigureScale, y: FigureScale)]
  private let emptyPanels: [Bool]
  /// Begins the ids of clipping paths.
  private let clip: String
  private let width: Double
  private let top: Double
  private let columns: Int
  private let rows: Int
  private var heights: [Double]
  /// Where the grid ends.
  private(set) var bottom: Double

  /// The label that all panels have in common stands once.
  private let sharedXLabel: String?
  private let sharedYLabel: String?

  init(_ figure: Figure, clip: String, width: Double, top: Double) {
    self.figure = figure
    self.clip = clip
    self.width = width
    self.top = top
    panels = figure.shownPanels
    scales = figure.scales
    emptyPanels = panels.map { panel in !panel.marks.contains { $0.shape.hasFinite } }
    let most = max(1, Int(width / 110))
    let own = SVGGrid.columns(panels.count, categories: panels.contains { SVGGrid.names($0.y) != nil })
    columns = max(1, min(figure.columns ?? own, most, max(1, panels.count)))
    rows = (panels.count + columns - 1) / columns
    heights = []
    bottom = top
    let isAlone = panels.count < 2
    let x = panels.first?.x.label
    let y = panels.first?.y.label
    sharedXLabel = !isAlone && panels.allSatisfy { $0.x.label == x } ? x : nil
    sharedYLabel = !isAlone && panels.allSatisfy { $0.y.label == y } ? y : nil
    heights = (0..<rows).map { row in plotHeight(row) }
  }

  private static func columns(_ count: Int, categories: Bool) -> Int {
    switch count {
    case ..<2: 1
    case 2, 4: 2
    case 3: categories ? 2 : 3
    case 5...9: 3
    default: 4
    }
  }

  static func names(_ axis: Axis) -> [String]? {
    if case .categories(let names) = axis.scale { names } else { nil }
  }

  private func members(_ row: Int) -> Range<Int> { (row * columns)..<min(panels.count, (row + 1) * columns) }

  private func plotHeight(_ row: Int) -> Double {
    let usual: Double =
      switch columns {
      case 1: panels.count == 1 ? 270 : panels.count == 2 ? 180 : 130
      case 2: 190
      case 3: 150
      default: 115
      }
    var height = usual * max(0.6, min(1.4, width / 680))
    for index in members(row) {
      if let names = SVGGrid.names(panels[index].y) {
        // Rows need room for their names, up to a page or two.
        let needed = Double(min(names.count, 100)) * 19 + 8
        height = members(row).count == 1 || needed > height ? max(needed, 60) : height
      }
    }
    return height
  }

  /// Scales the rows so that the grid has a height.
  mutating func fit(height: Double?) {
    guard let height, rows > 0 else { return }
    let plan = layout()
    let used = plan.bottom - top
    let plots = heights.reduce(0, +)
    let room = max(24 * Double(rows), plots + height - used)
    heights = heights.map { $0 * room / plots }
  }

  // MARK: - Layout

  private struct Plot {
    var left = 0.0
    var top = 0.0
    var width = 0.0
    var height = 0.0
    var xTicks: [(place: Double, label: String)] = []
    var yTicks: [(place: Double, label: String)] = []
    var isTurned = false
    var showsX = true
    var showsY = true
    var xLabel: String?
    var yLabel: String?
    /// How far left of the plot the labels of its column stand.
    var labelOffset = 0.0
    /// Room that the labels of the x axis take.
    var below = 0.0
  }

  private struct Plan {
    var plots: [Plot] = []
    var bottom = 0.0
  }

  private func layout() -> Plan {
    var plan = Plan()
    guard !panels.isEmpty else {
      plan.bottom = top + 40
      return plan
    }
    plan.plots = Array(repeating: Plot(), count: panels.count)
    var left = Array(repeating: 0.0, count: columns)
    for index in panels.indices {
      let (row, column) = (index / columns, index % columns)
      plan.plots[index].height = heights[row]
      plan.plots[index].showsY = !figure.sharesY || column == 0
      plan.plots[index].showsX = !figure.sharesX || index + columns >= panels.count
      plan.plots[index].yLabel = sharedYLabel == nil ? panels[index].y.label : nil
      plan.plots[index].xLabel = sharedXLabel == nil ? panels[index].x.label : nil
      let ticks = yTicks(index, height: heights[row])
      plan.plots[index].yTicks = ticks
      let widest =
        plan.plots[index].showsY ? ticks.map { SVGText.width($0.label, size: 11) }.max() ?? 0 : 0
      // Without numbers between them, the outermost ones below would touch those of the next panel.
      let least = column > 0 && plan.plots[index].showsX ? 14.0 : 4
      left[column] = max(left[column], (widest > 0 ? widest + 8 : least) + (plan.plots[index].yLabel == nil ? 0 : 18))
    }
    let outer = 4 + (sharedYLabel == nil ? 0 : 18.0)
    let gap = columns > 1 ? 16.0 : 0
    let right = 14.0
    let room = width - outer - right - left.reduce(0, +) - gap * Double(columns - 1)
    let plotWidth = max(20, room / Double(columns))
    var y = top
    for row in 0..<rows {
      y += members(row).contains { panels[$0].title != nil } ? 22 : 8
      var x = outer
      var below = 0.0
      for (column, index) in members(row).enumerated() {
        x += left[column]
        plan.plots[index].left = x
        plan.plots[index].labelOffset = left[column] - 9
        plan.plots[index].top = y
        plan.plots[index].width = plotWidth
        xTicks(index, &plan.plots[index])
        x += plotWidth + gap
        below = max(below, plan.plots[index].below + (plan.plots[index].xLabel == nil ? 0 : 17))
      }
      y += heights[row] + below
      if row + 1 < rows { y += 6 }
    }
    plan.bottom = y + (sharedXLabel == nil ? 0 : 18)
    return plan
  }

  private func yTicks(_ index: Int, height: Double) -> [(place: Double, label: String)] {
    let axis = panels[index].y
    let map = scales[index].y
    if axis.ticks == .none { return [] }
    if let names = SVGGrid.names(axis) {
      // Where rows are too close for their names every second, third, … is named.
      let step = max(1, Int((Double(names.count) * 11 / max(1, height)).rounded(.up)))
      return stride(from: 0, to: names.count, by: step).compactMap { number in
        let place = map.place(Double(number)) * height
        guard place >= 0, place <= height else { return nil }
        return (place, SVGText.cut(names[number], to: min(170, width * 0.28 / Double(columns).squareRoot())))
      }
    }
    let most = max(2, Int(height / (height < 140 ? 32 : 44)))
    return map.ticks(axis, count: most).map { ((1 - map.place($0.value)) * height, $0.text) }
  }

  private func xTicks(_ index: Int, _ plot: inout Plot) {
    let axis = panels[index].x
    let map = scales[index].x
    guard axis.ticks != .none else {
      plot.below = 4
      return
    }
    plot.below = plot.showsX ? 18 : 6
    if let names = SVGGrid.names(axis) { return categoryTicks(names, map, &plot) }
    var most = max(3, Int(plot.width / 85))
    while true {
      plot.xTicks = map.ticks(axis, count: most).map { (map.place($0.value) * plot.width, $0.text) }
      let isTight = zip(plot.xTicks, plot.xTicks.dropFirst()).contains { a, b in
        b.place - a.place < (SVGText.width(a.label, size: 11) + SVGText.width(b.label, size: 11)) / 2 + 10
      }
      if !isTight || most <= 1 { return }
      most -= 1
    }
  }

  private func categoryTicks(_ names: [String], _ map: FigureScale, _ plot: inout Plot) {
    let slot = plot.width * (map.place(1) - map.place(0))
    let clean = names.prefix(2000).map { SVGText.cut($0, to: 150) }
    let widest = clean.map { SVGText.width($0, size: 11) }.max() ?? 0
    let isTurned = widest + 8 > slot && plot.showsX && widest > 12
    let step = isTurned || widest + 8 > slot ? max(1, Int((14 / max(0.01, slot)).rounded(.up))) : 1
    var longest = 0.0
    plot.xTicks = stride(from: 0, to: clean.count, by: step).compactMap { number in
      let place = map.place(Double(number)) * plot.width
      guard place >= 0, place <= plot.width else { return nil }
      // A turned name may not leave the picture on the left.
      let name = isTurned ? SVGText.cut(names[number], to: min(150, (plot.left + place) / 0.77 - 6)) : clean[number]
      longest = max(longest, SVGText.width(name, size: 11))
      return (place, name)
    }
    plot.isTurned = isTurned
    if isTurned { plot.below = 14 + longest * 0.66 }
  }

  // MARK: - Drawing

  mutating func draw(into svg: inout SVGWriter) {
    let plan = layout()
    bottom = plan.bottom
    if panels.isEmpty { svg.text("no panels", x: width / 2, y: top + 24, classes: "f-c") }
    for (index, plot) in plan.plots.enumerated() { draw(panels[index], index, plot, into: &svg) }
    guard let first = plan.plots.first, let last = plan.plots.last else { return }
    let end = plan.plots.map { $0.left + $0.width }.max() ?? width
    if let sharedXLabel {
      let text = SVGText.cut(sharedXLabel, to: end - first.left, size: 12)
      svg.text(text, x: (first.left + end) / 2, y: bottom - 3, classes: "f-x f-c")
    }
    if let sharedYLabel {
      let height = last.top + last.height - first.top
      let text = SVGText.cut(sharedYLabel, to: max(60, height), size: 12)
      svg.text(text, x: 13, y: first.top + height / 2, classes: "f-x f-c", turn: -90)
    }
  }

  private func draw(_ panel: Panel, _ index: Int, _ plot: Plot, into svg: inout SVGWriter) {
    svg.raw("<g transform=\"translate(")
    svg.number(plot.left)
    svg.raw(" ")
    svg.number(plot.top)
    svg.raw(")\">\n")
    var grid = SVGPath()
    if SVGGrid.names(panel.x) == nil {
      for tick in plot.xTicks {
        grid.move(tick.place, 0)
        grid.line(tick.place, plot.height)
      }
    }
    for tick in plot.yTicks {
      grid.move(0, tick.place)
      grid.line(plot.width, tick.place)
    }
    svg.path(grid, classes: "f-g")
    if let title = panel.title {
      svg.text(SVGText.cut(title, to: plot.width, size: 12.6), x: 0, y: -7, classes: "f-p")
    }
    drawMarks(panel, index, plot, into: &svg)
    drawAxes(panel, plot, into: &svg)
    svg.raw("</g>\n")
  }

  private func drawMarks(_ panel: Panel, _ index: Int, _ plot: Plot, into svg: inout SVGWriter) {
    let scales = scales[index]
    let drawer = SVGMarks(
      scales: scales, width: plot.width, height: plot.height, isYDown: SVGGrid.names(panel.y) != nil)
    let isClipped = panel.marks.contains { SVGMarks.isOutside($0.shape, scales) }
    if isClipped {
      svg.raw("<clipPath id=\"\(clip)\(index)\"><path d=\"M-1-1h")
      svg.number(plot.width + 2)
      svg.raw("v")
      svg.number(plot.height + 2)
      svg.raw("H-1z\"/></clipPath><g clip-path=\"url(#\(clip)\(index))\">\n")
    }
    for mark in panel.marks { drawer.draw(mark, into: &svg) }
    if isClipped { svg.raw("</g>\n") }
    if emptyPanels[index] {
      svg.text("nothing to show", x: plot.width / 2, y: plot.height / 2 + 4, classes: "f-c")
    }
  }

  private func drawAxes(_ panel: Panel, _ plot: Plot, into svg: inout SVGWriter) {
    var axis = SVGPath()
    axis.move(0, plot.height)
    axis.line(plot.width, plot.height)
    if plot.showsX, SVGGrid.names(panel.x) == nil {
      for tick in plot.xTicks {
        axis.move(tick.place, plot.height)
        axis.line(tick.place, plot.height + 4)
      }
    }
    svg.path(axis, classes: "f-a")
    if plot.showsX, !plot.xTicks.isEmpty {
      svg.raw("<g class=\"\(plot.isTurned ? "f-e" : "f-c")\">\n")
      for tick in plot.xTicks {
        if plot.isTurned {
          svg.text(tick.label, x: tick.place + 4, y: plot.height + 12, turn: -40)
        } else {
          svg.text(tick.label, x: tick.place, y: plot.height + 16)
        }
      }
      svg.raw("</g>\n")
    }
    if plot.showsY, !plot.yTicks.isEmpty {
      svg.raw("<g class=\"f-e\">\n")
      for tick in plot.yTicks { svg.text(tick.label, x: -7, y: tick.place + 4) }
      svg.raw("</g>\n")
    }
    if let label = plot.xLabel {
      let text = SVGText.cut(label, to: plot.width + 20, size: 12)
      svg.text(text, x: plot.width / 2, y: plot.height + plot.below + 13, classes: "f-x f-c")
    }
    if let label = plot.yLabel {
      let text = SVGText.cut(label, to: max(50, plot.height + 16), size: 12)
      svg.text(text, x: -plot.labelOffset, y: plot.height / 2, classes: "f-x f-c", turn: -90)
    }
  }
}

extension Mark.Shape {
  /// Whether anything of it can be drawn.
  var hasFinite: Bool {
    switch self {
    case .rule(let position, _): position.isFinite
    case .slope(let intercept, let slope): intercept.isFinite && slope.isFinite
    case .field(_, _, let values): values.contains { $0.isFinite && $0 > 0 }
    case .line(let x, let y), .steps(let x, let y), .points(let x, let y), .labels(let x, let y, _):
      zip(x, y).contains { $0.isFinite && $1.isFinite }
    case .band(let x, let low, let high): zip(x, zip(low, high)).contains { ($0 - $1.0 + $1.1).isFinite }
    case .bars(_, let right, _, let high): zip(right, high).contains { $0.isFinite && $1.isFinite }
    case .intervals(let positions, let low, let high, _):
      zip(positions, zip(low, high)).contains { $0.isFinite && $1.0.isFinite && $1.1.isFinite }
    }
  }
}
