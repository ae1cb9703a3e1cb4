/// Draws the marks of one panel in its own coordinates: 0, 0 is the upper left corner of the plot area.
struct SVGMarks {
  let scales: (x: FigureScale, y: FigureScale)
  let width: Double
  let height: Double
  /// Whether categories run down the y axis.
  let isYDown: Bool

  /// Points beyond this count are drawn once for each half pixel.
  private static let pointLimit = 20_000
  private static let labelLimit = 400

  private func px(_ value: Double) -> Double { scales.x.place(value) * width }
  private func py(_ value: Double) -> Double {
    let position = scales.y.place(value)
    return (isYDown ? position : 1 - position) * height
  }

  /// Whether a mark reaches beyond the plot area, so that it must be clipped.
  static func isOutside(_ shape: Mark.Shape, _ scales: (x: FigureScale, y: FigureScale)) -> Bool {
    func any(_ x: [Double], _ y: [Double]) -> Bool {
      for index in 0..<min(x.count, y.count)
      where x[index].isFinite && y[index].isFinite
        && (!scales.x.contains(x[index]) || !scales.y.contains(y[index]))
      {
        return true
      }
      return false
    }
    switch shape {
    case .line(let x, let y), .steps(let x, let y): return any(x, y)
    case .band(let x, let low, let high): return any(x, low) || any(x, high)
    case .bars(let left, let right, let low, let high): return any(left, low) || any(right, high)
    case .intervals(let at, let low, let high, let isVertical):
      return isVertical ? any(at, low) || any(at, high) : any(low, at) || any(high, at)
    case .field(let xEdges, let yEdges, _):
      return !xEdges.allSatisfy { scales.x.contains($0) } || !yEdges.allSatisfy { scales.y.contains($0) }
    case .slope: return true
    // Points and labels outside are left out as a whole.
    case .points, .labels, .rule: return false
    }
  }

  func draw(_ mark: Mark, into svg: inout SVGWriter) {
    let role = SVGTheme.className(mark.role)
    let weight = mark.weight == .normal ? "" : " f-" + mark.weight.rawValue
    let dash = mark.dash == .dashed ? " f-dash" : ""
    var path = SVGPath()
    switch mark.shape {
    case .line(let x, let y):
      line(x, y, &path)
      svg.path(path, classes: "f-l \(role)\(weight)\(dash)")
    case .steps(let x, let y):
      steps(x, y, &path)
      svg.path(path, classes: "f-l \(role)\(weight)\(dash)")
    case .slope(let intercept, let slope):
      self.slope(intercept, slope, &path)
      svg.path(path, classes: "f-l \(role)\(weight)\(dash)")
    case .rule(let at, let isVertical):
      rule(at, isVertical, &path)
      svg.path(path, classes: "f-l \(role)\(weight)\(dash)")
    case .points(let x, let y): points(x, y, mark, "\(role)\(weight)", into: &svg)
    case .band(let x, let low, let high):
      band(x, low, high, &path)
      svg.path(path, classes: "f-b \(role)\(weight)")
    case .bars(let left, let right, let low, let high):
      bars(left, right, low, high, &path)
      svg.path(path, classes: "f-r \(role)\(weight)")
    case .intervals(let at, let low, let high, let isVertical):
      intervals(at, low, high, isVertical, &path)
      svg.path(path, classes: "f-i \(role)\(weight)\(dash)")
    case .field(let xEdges, let yEdges, let values): field(xEdges, yEdges, values, role, into: &svg)
    case .labels(let x, let y, let texts):
      for index in 0..<min(x.count, y.count, texts.count, SVGMarks.labelLimit) {
        let (a, b) = (px(x[index]), py(y[index]))
        guard isInside(a, b) else { continue }
        // Beside its place, on the side where there is room.
        let text = SVGText.cut(texts[index], to: min(160, width / 2))
        let isLeft = a + 7 + SVGText.width(text) > width + 10
        svg.text(text, x: a + (isLeft ? -7 : 7), y: b + 4, classes: "f-m \(role)\(isLeft ? " f-e" : "")")
      }
    }
  }

  private func isInside(_ a: Double, _ b: Double) -> Bool {
    a >= -0.5 && b >= -0.5 && a <= width + 0.5 && b <= height + 0.5
  }

  // MARK: - Lines

  /// Keeps a line near the plot area, whatever its numbers are.
  private struct Pen {
    let width: Double
    let height: Double
    private var last: (x: Double, y: Double)?
    private var isDown = false

    init(width: Double, height: Double) {
      self.width = width
      self.height = height
    }

    mutating func lift(_ path: inout SVGPath) {
      // A number between two gaps is a line of no length: shown as a dot.
      if let last, !isDown, isNear(last.x, last.y) { path.dot(last.x, last.y) }
      last = nil
      isDown = false
    }

    private func isNear(_ x: Double, _ y: Double) -> Bool {
      x >= -width && x <= 2 * width && y >= -height && y <= 2 * height
    }

    mutating func go(_ x: Double, _ y: Double, _ path: inout SVGPath) {
      guard x.isFinite, y.isFinite else { return lift(&path) }
      guard let from = last else {
        last = (x, y)
        return
      }
      last = (x, y)
      if isNear(from.x, from.y), isNear(x, y) {
        if !isDown { path.move(from.x, from.y) }
        path.line(x, y)
        isDown = true
        return
      }
      // Liang & Barsky 1984: the part of the segment inside of the box.
      var enter = 0.0
      var leave = 1.0
      let (dx, dy) = (x - from.x, y - from.y)
      for (step, room) in [
        (-dx, from.x + width), (dx, 2 * width - from.x), (-dy, from.y + height), (dy, 2 * height - from.y),
      ] {
        if step == 0 {
          if room < 0 { leave = -1 }
        } else if step < 0 {
          enter = max(enter, room / step)
        } else {
          leave = min(leave, room / step)
        }
      }
      guard enter <= leave else {
        isDown = false
        return
      }
      if !isDown || enter > 0 { path.move(from.x + enter * dx, from.y + enter * dy) }
      path.line(from.x + leave * dx, from.y + leave * dy)
      isDown = leave >= 1
    }
  }

  private func line(_ x: [Double], _ y: [Double], _ path: inout SVGPath) {
    let count = min(x.count, y.count)
    var pen = Pen(width: width, height: height)
    guard Double(count) > 4 * width else {
      for index in 0..<count { pen.go(px(x[index]), py(y[index]), &path) }
      return pen.lift(&path)
    }
    // More points than pixels: of each run inside of one pixel column the first, lowest, highest and last.
    var run = Run()
    for index in 0..<count {
      let a = px(x[index])
      let b = py(y[index])
      let isGap = !(a.isFinite && b.isFinite)
      let column = isGap ? 0 : max(-width, min(2 * width, a)).rounded(.down)
      if isGap || (run.count > 0 && column != run.column) {
        run.flush { pen.go($0, $1, &path) }
      }
      if isGap {
        pen.lift(&path)
      } else {
        run.add(a, b, column)
      }
    }
    run.flush { pen.go($0, $1, &path) }
    pen.lift(&path)
  }

  private struct Run {
    var column = 0.0
    var count = 0
    private var first = (0.0, 0.0)
    private var last = (0.0, 0.0)
    private var low = (0.0, 0.0)
    private var high = (0.0, 0.0)
    private var isLowFirst = true

    init() {}

    mutating func add(_ x: Double, _ y: Double, _ column: Double) {
      last = (x, y)
      if count == 0 {
        self.column = column
        (first, low, high) = (last, last, last)
      } else if y < low.1 {
        low = last
        isLowFirst = false
      } else if y > high.1 {
        high = last
        isLowFirst = true
      }
      count += 1
    }

    mutating func flush(_ emit: (Double, Double) -> Void) {
      guard count > 0 else { return }
      emit(first.0, first.1)
      if count > 2 {
        let (a, b) = isLowFirst ? (low, high) : (high, low)
        emit(a.0, a.1)
        emit(b.0, b.1)
      }
      if count > 1 { emit(last.0, last.1) }
      count = 0
    }
  }

  private func steps(_ x: [Double], _ y: [Double], _ path: inout SVGPath) {
    var pen = Pen(width: width, height: height)
    let count = min(x.count, y.count)
    let isDense = Double(count) > 4 * width
    var level = Double.nan
    var column = -Double.infinity
    for index in 0..<count {
      let a = px(x[index])
      let b = py(y[index])
      // Of many steps inside of one half pixel the last tells where the line goes on.
      if isDense, a.isFinite, b.isFinite, level.isFinite, index + 1 < count {
        let next = (a * 2).rounded(.down)
        if next == column { continue }
        column = next
      }
      if level.isFinite { pen.go(a, level, &path) }
      pen.go(a, b, &path)
      level = a.isFinite ? b : .nan
    }
    pen.lift(&path)
  }

  private func slope(_ intercept: Double, _ slope: Double, _ path: inout SVGPath) {
    guard intercept.isFinite, slope.isFinite else { return }
    var pen = Pen(width: width, height: height)
    // Bent on logarithmic axes.
    let pieces = scales.x.isLogarithmic || scales.y.isLogarithmic ? 64 : 1
    for piece in 0...pieces {
      let x = scales.x.value(at: Double(piece) / Double(pieces))
      let position = scales.y.place(intercept + slope * x)
      pen.go(px(x), (isYDown ? position : 1 - position) * height, &path)
    }
    pen.lift(&path)
  }

  private func rule(_ at: Double, _ isVertical: Bool, _ path: inout SVGPath) {
    let place = isVertical ? px(at) : py(at)
    guard place >= -0.5, place <= (isVertical ? width : height) + 0.5 else { return }
    path.move(isVertical ? place : 0, isVertical ? 0 : place)
    path.line(isVertical ? place : width, isVertical ? height : place)
  }

  // MARK: - Areas

  private func band(_ x: [Double], _ low: [Double], _ high: [Double], _ path: inout SVGPath) {
    let count = min(x.count, low.count, high.count)
    let isDense = Double(count) > 2 * width
    var upper: [(Double, Double)] = []
    var lower: [Double] = []
    var column = -Double.infinity
    func near(_ value: Double, _ size: Double) -> Double { max(-size, min(2 * size, value)) }
    func flush() {
      guard let first = upper.first, let last = upper.last else { return }
      // One position is drawn one pixel wide.
      let widening = upper.count == 1 ? 0.5 : 0
      path.move(first.0 - widening, first.1)
      for item in upper.dropFirst() { path.line(item.0, item.1) }
      path.line(last.0 + widening, last.1)
      path.line(last.0 + widening, lower[lower.count - 1])
      for index in lower.indices.reversed() { path.line(upper[index].0 - (index == 0 ? widening : 0), lower[index]) }
      path.close(at: first.0 - widening, first.1)
      upper = []
      lower = []
    }
    for index in 0..<count {
      let a = px(x[index])
      let (b, c) = (py(low[index]), py(high[index]))
      guard a.isFinite, b.isFinite, c.isFinite else {
        flush()
        column = -Double.infinity
        continue
      }
      let (top, bottom) = (near(min(b, c), height), near(max(b, c), height))
      if isDense, a.rounded(.down) == column, !upper.isEmpty {
        upper[upper.count - 1].1 = min(upper[upper.count - 1].1, top)
        lower[lower.count - 1] = max(lower[lower.count - 1], bottom)
        continue
      }
      column = a.rounded(.down)
      upper.append((near(a, width), top))
      lower.append(bottom)
    }
    flush()
  }

  private func bars(
    _ left: [Double], _ right: [Double], _ low: [Double], _ high: [Double], _ path: inout SVGPath
  ) {
    var columns = Columns(count: min(left.count, right.count, low.count, high.count), width: width)
    for index in 0..<min(left.count, right.count, low.count, high.count) {
      let (a, b) = (px(left[index]), px(right[index]))
      // Bars from zero on a logarithmic axis stand on its low end.
      let foot = scales.y.isLogarithmic && low[index] <= 0 ? scales.y.low : low[index]
      let (c, d) = (py(foot), py(high[index]))
      guard a.isFinite, b.isFinite, c.isFinite, d.isFinite else { continue }
      let box = (
        left: max(-width, min(a, b)), right: min(2 * width, max(a, b)), top: max(-height, min(c, d)),
        bottom: min(2 * height, max(c, d))
      )
      guard box.left <= box.right, box.top <= box.bottom, box.left < width + 1, box.right > -1 else { continue }
      if columns.isUsed {
        columns.add(at: (box.left + box.right) / 2, box.top, box.bottom)
        continue
      }
      // A hairline between neighbors where there is room for one.
      let gap = box.right - box.left > 5 ? 0.5 : 0
      if box.bottom - box.top >= 0.05 { path.rectangle(box.left + gap, box.top, box.right - gap, box.bottom) }
    }
    columns.visit { place, top, bottom in path.rectangle(place, top, place + 1, bottom) }
  }

  private func intervals(
    _ at: [Double], _ low: [Double], _ high: [Double], _ isVertical: Bool, _ path: inout SVGPath
  ) {
    let count = min(at.count, low.count, high.count)
    let (along, across) = isVertical ? (height, width) : (width, height)
    var columns = Columns(count: count, width: across)
    for index in 0..<count {
      let place = isVertical ? px(at[index]) : py(at[index])
      let a = isVertical ? py(low[index]) : px(low[index])
      let b = isVertical ? py(high[index]) : px(high[index])
      guard a.isFinite, b.isFinite, place >= -0.5, place <= across + 0.5 else { continue }
      let (from, to) = (max(-along, min(a, b)), min(2 * along, max(a, b)))
      guard from <= to else { continue }
      if columns.isUsed {
        columns.add(at: place, from, to)
      } else {
        segment(place, from, to, isVertical, &path)
      }
    }
    columns.visit { place, from, to in segment(place + 0.5, from, to, isVertical, &path) }
  }

  private func segment(_ place: Double, _ from: Double, _ to: Double, _ isVertical: Bool, _ path: inout SVGPath) {
    // A segment of no length is shown as the shortest that can be seen.
    let end = to - from < 0.1 ? from + 0.5 : to
    path.move(isVertical ? place : from, isVertical ? from : place)
    path.line(isVertical ? place : end, isVertical ? end : place)
  }

  /// Joins what falls on one pixel, where there is far more than pixels.
  private struct Columns {
    let isUsed: Bool
    private var low: [Double]
    private var high: [Double]

    init(count: Int, width: Double) {
      isUsed = Double(count) > 4 * width
      low = isUsed ? Array(repeating: .infinity, count: Int(width) + 1) : []
      high = isUsed ? Array(repeating: -.infinity, count: Int(width) + 1) : []
    }

    mutating func add(at place: Double, _ from: Double, _ to: Double) {
      let index = Int(max(0, min(Double(low.count - 1), place)))
      low[index] = min(low[index], from)
      high[index] = max(high[index], to)
    }

    func visit(_ body: (Double, Double, Double) -> Void) {
      for index in low.indices where low[index] <= high[index] { body(Double(index), low[index], high[index]) }
    }
  }

  /// Strengths that a field is drawn in.
  private static let fieldLevels = 8

  private func field(
    _ xEdges: [Double], _ yEdges: [Double], _ values: [Double], _ role: String, into svg: inout SVGWriter
  ) {
    let (columns, rows) = (xEdges.count - 1, yEdges.count - 1)
    guard columns > 0, rows > 0 else { return }
    let largest = values.lazy.filter(\.isFinite).max() ?? 0
    guard largest > 0 else { return }
    var paths = Array(repeating: SVGPath(), count: SVGMarks.fieldLevels)
    for row in 0..<rows {
      let (c, d) = (py(yEdges[row]), py(yEdges[row + 1]))
      for column in 0..<columns {
        // Checked against overflow by the multiplication of counts of arrays in memory.
        let index = row * columns + column
        guard index < values.count, values[index].isFinite, values[index] > 0 else { continue }
        let (a, b) = (px(xEdges[column]), px(xEdges[column + 1]))
        guard a.isFinite, b.isFinite, c.isFinite, d.isFinite else { continue }
        let box = (max(0, min(a, b)), max(0, min(c, d)), min(width, max(a, b)), min(height, max(c, d)))
        guard box.0 < box.2, box.1 < box.3 else { continue }
        // The root spreads the few large and the many small counts over the levels.
        let strength = (values[index] / largest).squareRoot()
        let level = max(0, min(SVGMarks.fieldLevels - 1, Int(strength * Double(SVGMarks.fieldLevels))))
        paths[level].rectangle(box.0, box.1, box.2, box.3)
      }
    }
    for (level, path) in paths.enumerated() {
      guard !path.bytes.isEmpty else { continue }
      let opacity = 12 + level * 88 / (SVGMarks.fieldLevels - 1)
      svg.raw("<g fill-opacity=\"\(opacity == 100 ? "1" : ".\(opacity)")\">")
      svg.path(path, classes: "f-f \(role)")
      svg.raw("</g>")
    }
  }

  // MARK: - Points

  private func points(_ x: [Double], _ y: [Double], _ mark: Mark, _ classes: String, into svg: inout SVGWriter) {
    let count = min(x.count, y.count)
    // Layers of transparent discs show where many lie on top of each other, without an element for each.
    let isMany = count > 250 && mark.symbol == .disc && mark.weight != .heavy
    var layers = Array(repeating: SVGPath(), count: isMany ? 6 : 1)
    var drawn = 0
    let grid = (width: Int(width * 2) + 2, height: Int(height * 2) + 2)
    var isTaken = count > SVGMarks.pointLimit ? Array(repeating: false, count: grid.width * grid.height) : []
    let size = SVGMarks.radius(mark)
    for index in 0..<count {
      let (a, b) = (px(x[index]), py(y[index]))
      guard isInside(a, b) else { continue }
      if !isTaken.isEmpty {
        let cell = Int(max(0, b) * 2) * grid.width + Int(max(0, a) * 2)
        guard cell < isTaken.count, !isTaken[cell] else { continue }
        isTaken[cell] = true
      }
      SVGMarks.symbol(mark.symbol, a, b, size, &layers[drawn % layers.count])
      drawn += 1
    }
    for path in layers { svg.path(path, classes: SVGMarks.pointClasses(mark, isMany: isMany, classes)) }
  }

  static func radius(_ mark: Mark) -> Double {
    switch mark.weight {
    case .thin, .faint: 2.2
    case .normal: 3
    case .heavy: 4.2
    }
  }

  static func pointClasses(_ mark: Mark, isMany: Bool, _ classes: String) -> String {
    mark.symbol == .disc
      ? "f-o \(classes)\(isMany ? " f-many" : "")" : "f-q \(classes)\(mark.symbol == .ring ? " f-ring" : "")"
  }

  /// Adds a symbol; discs are the round ends of strokes without length.
  static func symbol(_ symbol: Mark.Symbol, _ x: Double, _ y: Double, _ size: Double, _ path: inout SVGPath) {
    switch symbol {
    case .disc: path.dot(x, y)
    case .ring: path.circle(x, y, radius: size)
    case .cross:
      path.move(x - size, y - size)
      path.line(x + size, y + size)
      path.move(x + size, y - size)
      path.line(x - size, y + size)
    case .bar:
      path.move(x, y - size - 1)
      path.line(x, y + size + 1)
    }
  }
}
