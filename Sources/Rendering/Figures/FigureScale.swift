import Foundation

/// A shown range of an axis, and where on it a number lies.
struct FigureScale: Equatable {
  let low: Double
  let high: Double
  let isLogarithmic: Bool
  /// The names of an axis of categories.
  var names: [String]?
  /// Shrinks numbers where the range itself would overflow.
  private let factor: Double
  private let start: Double
  private let span: Double

  /// A range that is empty, reversed or not finite becomes one that can be drawn.
  init(low: Double, high: Double, isLogarithmic: Bool) {
    var low = low
    var high = high
    if low > high { swap(&low, &high) }
    if !low.isFinite || !high.isFinite || (isLogarithmic && low <= 0) { (low, high) = isLogarithmic ? (1, 10) : (0, 1) }
    (low, high) = FigureScale.widened(low, high, isLogarithmic: isLogarithmic)
    self.low = low
    self.high = high
    self.isLogarithmic = isLogarithmic
    if isLogarithmic {
      factor = 1
      start = log10(low)
      span = log10(high) - log10(low)
    } else {
      factor = (high - low).isFinite ? 1 : 0.25
      start = low * factor
      span = high * factor - start
    }
  }

  /// Where a number lies: 0 at the low end, 1 at the high end; nil where it is not on the axis at all.
  func position(_ value: Double) -> Double? {
    let result = place(value)
    return result.isNaN ? nil : result
  }

  /// As ``position(_:)``; NaN where a number is not on the axis.
  func place(_ value: Double) -> Double {
    guard value.isFinite else { return .nan }
    if isLogarithmic { return value > 0 ? (log10(value) - start) / span : .nan }
    let result = (value * factor - start) / span
    // Numbers far beyond a narrow range.
    return result.isFinite ? result : result < 0 ? -1e30 : 1e30
  }

  /// The number at a place: the inverse of ``place(_:)``.
  func value(at position: Double) -> Double {
    isLogarithmic ? pow(10, start + span * position) : (start + span * position) / factor
  }

  func contains(_ value: Double) -> Bool { value >= low && value <= high }

  /// At most about `count` ticks with their texts; every name of an axis of categories.
  func ticks(_ axis: Axis, count: Int, isTypographic: Bool = true) -> [Ticks.Tick] {
    if let names { return names.enumerated().map { Ticks.Tick(value: Double($0), text: $1) } }
    switch axis.ticks {
    case .none: return []
    case .automatic, .whole:
      return isLogarithmic
        ? Ticks.logarithmic(self, most: count, isTypographic: isTypographic)
        : Ticks.linear(self, count: count, isWhole: axis.ticks == .whole, isTypographic: isTypographic)
    }
  }

  /// Opens a range of (nearly) one number.
  private static func widened(_ low: Double, _ high: Double, isLogarithmic: Bool) -> (Double, Double) {
    let most = Double.greatestFiniteMagnitude
    if isLogarithmic {
      if log10(high) - log10(low) > 1e-9 { return (low, high) }
      return (max(low / 2, Double.leastNonzeroMagnitude), min(high * 2, most))
    }
    let size = max(low.magnitude, high.magnitude)
    // Below this span neighbors cannot be told apart; the smallest numbers have too few bits for ticks.
    let least = max(size * 1e-12, 1e-290)
    if high * 0.5 - low * 0.5 > least * 0.5 { return (low, high) }
    let pad = size < 1e-280 ? 0.5 : size * 0.1
    return (max(low - pad, -most), min(high + pad, most))
  }
}

/// The smallest and the largest of some numbers.
struct Extent: Equatable {
  var low = Double.infinity
  var high = -Double.infinity
  var isEmpty: Bool { low > high }

  mutating func include(_ value: Double) {
    if value < low { low = value }
    if value > high { high = value }
  }

  mutating func include(_ other: Extent) {
    guard !other.isEmpty else { return }
    include(other.low)
    include(other.high)
  }
}

extension Figure {
  /// Panels beyond this many are left out: nobody compares hundreds of small pictures.
  package static let panelLimit = 48

  var shownPanels: [Panel] { Array(panels.prefix(Figure.panelLimit)) }

  /// Notes, with one about panels that are left out.
  var shownNotes: [String] {
    let left = panels.count - Figure.panelLimit
    return left > 0 ? notes + ["\(Thinning.grouped(left)) more panel\(left == 1 ? " is" : "s are") not shown"] : notes
  }

  /// Names of marks in the order of their first appearance, each with a mark to draw beside it.
  var legend: [Mark] {
    Legend.entries(shownPanels, limit: 100).entries.compactMap { entry in
      entry.marks.first.map { mark in
        var mark = mark
        mark.name = entry.name
        return mark
      }
    }
  }

  /// The scales of all shown panels, shared where the figure says so.
  var scales: [(x: FigureScale, y: FigureScale)] { PanelRange.scales(shownPanels, sharesX: sharesX, sharesY: sharesY) }
}

extension Panel {
  /// The range of its marks without the room around them; help lines and what lies in the background count only where
  /// there is nothing else.
  var dataExtents: (x: Extent, y: Extent) {
    var range = PanelRange(self)
    for mark in marks where mark.role != .reference && !mark.shape.isRule { range.include(mark.shape) }
    if range.isEmpty { for mark in marks { range.include(mark.shape) } }
    return (range.x, range.y)
  }
}

extension Mark.Shape {
  var isRule: Bool { if case .rule = self { true } else { false } }
}

/// Finds the range that the marks of a panel need.
struct PanelRange {
  let panel: Panel
  var x = Extent()
  var y = Extent()
  /// Room beyond the outermost marks: lines may end at the edge, points may not.
  var padX = 0.015
  var hasZeroBars = false
  private let limitsX: ClosedRange<Double>?
  private let limitsY: ClosedRange<Double>?
  private let isLogX: Bool
  private let isLogY: Bool

  init(_ panel: Panel) {
    self.panel = panel
    limitsX = PanelRange.sound(panel.x.limits)
    limitsY = PanelRange.sound(panel.y.limits)
    isLogX = panel.x.scale == .logarithmic
    isLogY = panel.y.scale == .logarithmic
  }

  /// Limits with both ends in order and finite; made by unchecked ways they may be anything.
  private static func sound(_ limits: ClosedRange<Double>?) -> ClosedRange<Double>? {
    guard let limits, limits.lowerBound.isFinite, limits.upperBound.isFinite else { return nil }
    let low = min(limits.lowerBound, limits.upperBound)
    return low...max(limits.lowerBound, limits.upperBound)
  }

  private mutating func include(_ a: Double, _ b: Double) {
    guard a.isFinite, b.isFinite, !isLogX || a > 0, !isLogY || b > 0 else { return }
    // What lies outside of given limits is not shown, so the other axis need not reach it.
    if let limitsX, a < limitsX.lowerBound || a > limitsX.upperBound { return }
    if let limitsY, b < limitsY.lowerBound || b > limitsY.upperBound { return }
    x.include(a)
    y.include(b)
  }

  private mutating func includeX(_ a: Double) { if a.isFinite, !isLogX || a > 0 { x.include(a) } }
  private mutating func includeY(_ b: Double) { if b.isFinite, !isLogY || b > 0 { y.include(b) } }

  mutating func include(_ shape: Mark.Shape) {
    switch shape {
    case .line(let x, let y), .steps(let x, let y):
      for index in 0..<min(x.count, y.count) { include(x[index], y[index]) }
    case .points(let x, let y), .labels(let x, let y, _):
      padX = 0.04
      for index in 0..<min(x.count, y.count) { include(x[index], y[index]) }
    case .band(let x, let low, let high):
      for index in 0..<min(x.count, low.count, high.count) {
        include(x[index], low[index])
        include(x[index], high[index])
      }
    case .bars(let left, let right, let low, let high):
      for index in 0..<min(left.count, right.count, low.count, high.count) {
        if low[index] == 0 || high[index] == 0 { hasZeroBars = true }
        // A bar from 0 on a logarithmic axis stands on the edge.
        include(left[index], isLogY && low[index] <= 0 ? high[index] : low[index])
        include(right[index], high[index])
      }
    case .intervals(let at, let low, let high, let isVertical):
      padX = max(padX, 0.03)
      for index in 0..<min(at.count, low.count, high.count) {
        for end in [low[index], high[index]] { isVertical ? include(at[index], end) : include(end, at[index]) }
      }
    case .field(let xEdges, let yEdges, _):
      for edge in xEdges { includeX(edge) }
      for edge in yEdges { includeY(edge) }
    case .rule(let at, let isVertical): isVertical ? includeX(at) : includeY(at)
    case .slope: break
    }
  }

  var isEmpty: Bool { x.isEmpty && y.isEmpty }

  /// Scales of panels; empty panels take the ranges of the others where ranges are shared.
  static func scales(_ panels: [Panel], sharesX: Bool, sharesY: Bool) -> [(x: FigureScale, y: FigureScale)] {
    var ranges = panels.map { panel in
      var range = PanelRange(panel)
      for mark in panel.marks { range.include(mark.shape) }
      return range
    }
    if sharesX {
      let all = ranges.reduce(into: Extent()) { $0.include($1.x) }
      let pad = ranges.map(\.padX).max() ?? 0
      for index in ranges.indices { (ranges[index].x, ranges[index].padX) = (all, pad) }
    }
    if sharesY {
      let all = ranges.reduce(into: Extent()) { $0.include($1.y) }
      for index in ranges.indices { ranges[index].y = all }
    }
    return ranges.map { range in
      (
        range.map(range.panel.x, range.x, pad: range.padX, isX: true),
        range.map(range.panel.y, range.y, pad: 0.04, isX: false)
      )
    }
  }

  private func map(_ axis: Axis, _ found: Extent, pad: Double, isX: Bool) -> FigureScale {
    if case .categories(let names) = axis.scale {
      if let limits = isX ? limitsX : limitsY {
        var scale = FigureScale(low: limits.lowerBound, high: limits.upperBound, isLogarithmic: false)
        scale.names = names
        return scale
      }
      var scale = FigureScale(low: -0.6, high: Double(max(names.count, 1)) - 0.4, isLogarithmic: false)
      scale.names = names
      return scale
    }
    let isLog = axis.scale == .logarithmic
    if let limits = isX ? limitsX : limitsY, !isLog || limits.lowerBound > 0 {
      return FigureScale(low: limits.lowerBound, high: limits.upperBound, isLogarithmic: isLog)
    }
    guard !found.isEmpty else {
      return FigureScale(low: isLog ? 1 : 0, high: isLog ? 10 : 1, isLogarithmic: isLog)
    }
    var low = found.low
    var high = found.high
    let isAnchored = axis.includesZero || (!isX && hasZeroBars)
    if axis.includesZero, !isLog {
      low = min(low, 0)
      high = max(high, 0)
    }
    let bare = FigureScale(low: low, high: high, isLogarithmic: isLog)
    // One end may be given and the other not (an infinite limit).
    let limits = axis.limits
    func end(_ given: Double?, _ own: Double) -> Double {
      if let given, given.isFinite, !isLog || given > 0 { return given }
      return own
    }
    let most = Double.greatestFiniteMagnitude
    let padded = (
      bare.low == 0 && isAnchored ? 0 : max(bare.value(at: -pad), isLog ? .leastNonzeroMagnitude : -most),
      bare.high == 0 && isAnchored ? 0 : min(bare.value(at: 1 + pad), most)
    )
    return FigureScale(
      low: end(limits?.lowerBound, padded.0), high: end(limits?.upperBound, padded.1), isLogarithmic: isLog)
  }
}

/// The range of finite numbers of an array; nil where there are none.
func finiteRange(_ numbers: [Double]) -> (low: Double, high: Double)? {
  var extent = Extent()
  for number in numbers where number.isFinite { extent.include(number) }
  return extent.isEmpty ? nil : (extent.low, extent.high)
}
