import Foundation

/// A shown range of an axis, and where on it a number lies.
struct FigureScale: Equatable {
  var low: Double
  var high: Double
  var isLogarithmic = false
  /// The names of an axis of categories.
  var names: [String]?

  /// Where a number lies: 0 at the low end, 1 at the high end; nil where it is not on the axis at all.
  func position(_ value: Double) -> Double? {
    guard value.isFinite else { return nil }
    let result: Double
    if isLogarithmic {
      guard value > 0 else { return nil }
      result = (log(value) - log(low)) / (log(high) - log(low))
    } else {
      // Halves, so that the widest of ranges does not overflow.
      result = (value / 2 - low / 2) / (high / 2 - low / 2)
    }
    return result.isFinite ? result : nil
  }

  func ticks(_ axis: Axis, count: Int) -> [Ticks.Tick] {
    if let names { return names.indices.map { Ticks.Tick(value: Double($0), text: names[$0]) } }
    switch axis.ticks {
    case .none: return []
    case .automatic, .whole:
      return isLogarithmic
        ? Ticks.logarithmic(low...high, count: count).ticks
        : Ticks.linear(low...high, count: count, isWhole: axis.ticks == .whole).ticks
    }
  }

  /// The scale of an axis over its marks' numbers.
  init(_ axis: Axis, values: [(low: Double, high: Double)]) {
    if case .categories(let names) = axis.scale {
      self.names = names
      low = -0.6
      high = Double(max(1, names.count)) - 0.4
      return
    }
    isLogarithmic = axis.scale == .logarithmic
    var lowest = Double.infinity
    var highest = -Double.infinity
    for value in values {
      lowest = min(lowest, value.low)
      highest = max(highest, value.high)
    }
    if axis.includesZero, !isLogarithmic {
      lowest = min(lowest, 0)
      highest = max(highest, 0)
    }
    if let limits = axis.limits, limits.lowerBound.isFinite, limits.upperBound.isFinite,
      !isLogarithmic || limits.lowerBound > 0
    {
      low = limits.lowerBound
      high = limits.upperBound
      if low == high { widen() }
      return
    }
    guard lowest <= highest else {
      (low, high) = isLogarithmic ? (1, 10) : (0, 1)
      return
    }
    low = lowest
    high = highest
    if low == high {
      widen()
      return
    }
    if isLogarithmic {
      let pad = pow(high / low, 0.04)
      if pad.isFinite, pad > 0 {
        (low, high) = (max(low / pad, .leastNormalMagnitude), min(high * pad, .greatestFiniteMagnitude))
      }
    } else {
      let pad = (high / 2 - low / 2) * 0.08
      // Bars and counts stand on their zero.
      if !(axis.includesZero && low == 0) { low = max(low - pad, -Double.greatestFiniteMagnitude) }
      if !(axis.includesZero && high == 0) { high = min(high + pad, Double.greatestFiniteMagnitude) }
      if low == high { widen() }
    }
  }

  private mutating func widen() {
    if isLogarithmic {
      (low, high) = (max(low / 2, .leastNormalMagnitude), min(high * 2, .greatestFiniteMagnitude))
    } else {
      let pad = max(low.magnitude * 0.1, low.magnitude > 1e-300 ? 0 : 0.5)
      (low, high) = (max(low - pad, -Double.greatestFiniteMagnitude), min(high + pad, Double.greatestFiniteMagnitude))
    }
    if !(low < high) { (low, high) = (low - 0.5, low + 0.5) }
  }
}

/// The range of finite numbers of an array; nil where there are none.
func finiteRange(_ numbers: [Double], above floor: Double = -.infinity) -> (low: Double, high: Double)? {
  var low = Double.infinity
  var high = -Double.infinity
  for number in numbers where number.isFinite && number > floor {
    low = min(low, number)
    high = max(high, number)
  }
  return low <= high ? (low, high) : nil
}

extension Panel {
  /// Ranges of x and y that the marks reach.
  var extents: (x: [(low: Double, high: Double)], y: [(low: Double, high: Double)]) {
    var xs: [(low: Double, high: Double)] = []
    var ys: [(low: Double, high: Double)] = []
    let xFloor = x.scale == .logarithmic ? 0 : -Double.infinity
    let yFloor = y.scale == .logarithmic ? 0 : -Double.infinity
    func addX(_ numbers: [Double]) { if let range = finiteRange(numbers, above: xFloor) { xs.append(range) } }
    func addY(_ numbers: [Double]) { if let range = finiteRange(numbers, above: yFloor) { ys.append(range) } }
    for mark in marks {
      switch mark.shape {
      case .line(let x, let y), .steps(let x, let y), .points(let x, let y), .labels(let x, let y, _):
        addX(x)
        addY(y)
      case .band(let x, let low, let high):
        addX(x)
        addY(low)
        addY(high)
      case .bars(let left, let right, let low, let high):
        addX(left)
        addX(right)
        addY(low)
        addY(high)
      case .intervals(let positions, let low, let high, let isVertical):
        if isVertical {
          addX(positions)
          addY(low)
          addY(high)
        } else {
          addY(positions)
          addX(low)
          addX(high)
        }
      case .field(let xEdges, let yEdges, _):
        addX(xEdges)
        addY(yEdges)
      case .rule(let position, let isVertical):
        if isVertical { addX([position]) } else { addY([position]) }
      case .slope: break
      }
    }
    return (xs, ys)
  }
}

extension Figure {
  /// Panels beyond this many are left out: nobody compares hundreds of small pictures.
  static let panelLimit = 48

  var shownPanels: [Panel] { Array(panels.prefix(Figure.panelLimit)) }

  /// Notes, with one about panels that are left out.
  var shownNotes: [String] {
    let left = panels.count - Figure.panelLimit
    return left > 0 ? notes + ["\(left) more panel\(left == 1 ? " is" : "s are") not shown"] : notes
  }

  /// The scales of all shown panels, shared where the figure says so.
  var scales: [(x: FigureScale, y: FigureScale)] {
    let panels = shownPanels
    let extents = panels.map(\.extents)
    let allX = extents.flatMap(\.x)
    let allY = extents.flatMap(\.y)
    return panels.indices.map { index in
      (
        FigureScale(panels[index].x, values: sharesX ? allX : extents[index].x),
        FigureScale(panels[index].y, values: sharesY ? allY : extents[index].y)
      )
    }
  }

  /// Names of marks in the order of their first appearance, each with a mark to draw beside it.
  var legend: [Mark] {
    var seen: Set<String> = []
    return shownPanels.flatMap(\.marks).filter { mark in
      guard let name = mark.name else { return false }
      return seen.insert(name).inserted
    }
  }
}
