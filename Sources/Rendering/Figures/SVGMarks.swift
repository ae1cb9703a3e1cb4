// Marks as SVG paths: one element per mark wherever that is possible, so that a figure stays small.
extension SVGRenderer {
  func roleClass(_ role: Mark.Role) -> String {
    switch role {
    case .series(let number):
      let count = Mark.Role.seriesCount
      return "s\(((number % count) + count) % count)"
    case .observed: return "ob"
    case .model: return "mo"
    case .reference: return "re"
    case .trouble: return "tr"
    }
  }

  func strokeWidth(_ mark: Mark) -> Double {
    switch mark.weight {
    case .thin: 1
    case .normal: 1.6
    case .heavy: 3.2
    case .faint: 0.8
    }
  }

  func fillOpacity(_ mark: Mark) -> Double {
    switch mark.weight {
    case .thin: 0.14
    case .normal: 0.28
    case .heavy: 0.6
    case .faint: 0.08
    }
  }

  func opacity(_ value: Double) -> String { value >= 1 ? "" : "opacity=\"\(SVGText.hundredths(value))\" " }
  func dash(_ mark: Mark) -> String { mark.dash == .dashed ? "stroke-dasharray=\"5 4\" " : "" }

  func draw(_ mark: Mark, _ place: Place) -> String {
    switch mark.shape {
    case .line(let x, let y): return stroked(line(x, y, place, isStepped: false), mark)
    case .steps(let x, let y): return stroked(line(x, y, place, isStepped: true), mark)
    case .points(let x, let y):
      return points(mark, at: zip(x, y).compactMap { place.point($0, $1) })
    case .band(let x, let low, let high): return filled(band(x, low, high, place), mark)
    case .bars(let left, let right, let low, let high): return bars(left, right, low, high, mark, place)
    case .intervals(let positions, let low, let high, let isVertical):
      return stroked(intervals(positions, low, high, isVertical, place), mark)
    case .field(let xEdges, let yEdges, let values): return field(xEdges, yEdges, values, mark, place)
    case .rule(let position, let isVertical):
      var path = SVGPath()
      if isVertical, let x = place.x(position) {
        path.move(x, place.frame.y)
        path.line(x, place.frame.bottom)
      } else if !isVertical, let y = place.y(position) {
        path.move(place.frame.x, y)
        path.line(place.frame.right, y)
      }
      return stroked(path, mark)
    case .slope(let intercept, let slope):
      let ends = [place.x.low, place.x.high]
      return stroked(line(ends, ends.map { intercept + slope * $0 }, place, isStepped: false), mark)
    case .labels(let x, let y, let texts):
      var result = ""
      for ((x, y), text) in zip(zip(x, y), texts) {
        guard let point = place.point(x, y) else { continue }
        let shown = SVGText.escaped(SVGText.cut(text, to: place.frame.width / 2))
        // Beside its point, on the side where there is room.
        let isRight = point.x > place.frame.x + place.frame.width * 0.7
        let at = SVGText.number(point.x + (isRight ? -5 : 5))
        let anchor = isRight ? " text-anchor=\"end\"" : ""
        result +=
          "<text class=\"\(roleClass(mark.role)) u\"\(anchor) x=\"\(at)\" y=\"\(SVGText.number(point.y + 4))\">\(shown)</text>"
      }
      return result
    }
  }

  private func stroked(_ path: SVGPath, _ mark: Mark) -> String {
    if path.isEmpty { return "" }
    let width = SVGText.number(strokeWidth(mark))
    let faint = opacity(mark.weight == .faint ? 0.35 : 1)
    return
      "<path class=\"l \(roleClass(mark.role))\" \(faint)\(dash(mark))stroke-width=\"\(width)\" d=\"\(path.text)\"/>"
  }

  private func filled(_ path: SVGPath, _ mark: Mark) -> String {
    if path.isEmpty { return "" }
    return "<path class=\"a \(roleClass(mark.role))\" \(opacity(fillOpacity(mark)))d=\"\(path.text)\"/>"
  }

  private func line(_ x: [Double], _ y: [Double], _ place: Place, isStepped: Bool) -> SVGPath {
    var path = SVGPath()
    var previous: (x: Double, y: Double)?
    for (x, y) in zip(x, y) {
      guard let point = place.point(x, y) else {
        previous = nil
        continue
      }
      if let previous {
        if isStepped { path.line(point.x, previous.y) }
        path.line(point.x, point.y)
      } else {
        path.move(point.x, point.y)
      }
      previous = point
    }
    return path
  }

  private func band(_ x: [Double], _ low: [Double], _ high: [Double], _ place: Place) -> SVGPath {
    var path = SVGPath()
    var lower: [(x: Double, y: Double)] = []
    var upper: [(x: Double, y: Double)] = []
    func flush() {
      if lower.count > 1 {
        path.move(upper[0].x, upper[0].y)
        for point in upper.dropFirst() { path.line(point.x, point.y) }
        for point in lower.reversed() { path.line(point.x, point.y) }
        path.close()
      }
      lower = []
      upper = []
    }
    for (x, (low, high)) in zip(x, zip(low, high)) {
      guard let a = place.point(x, low), let b = place.point(x, high) else {
        flush()
        continue
      }
      lower.append(a)
      upper.append(b)
    }
    flush()
    return path
  }

  private func bars(
    _ left: [Double], _ right: [Double], _ low: [Double], _ high: [Double], _ mark: Mark, _ place: Place
  ) -> String {
    var path = SVGPath()
    for ((left, right), (low, high)) in zip(zip(left, right), zip(low, high)) {
      guard let a = place.point(left, low), let b = place.point(right, high) else { continue }
      // A hair of space between neighbors, where they are wide enough.
      let space = abs(b.x - a.x) > 4 ? 0.5 : 0
      path.move(min(a.x, b.x) + space, a.y)
      path.line(min(a.x, b.x) + space, b.y)
      path.line(max(a.x, b.x) - space, b.y)
      path.line(max(a.x, b.x) - space, a.y)
      path.close()
    }
    if path.isEmpty { return "" }
    let opacity = self.opacity(mark.weight == .normal ? 0.75 : fillOpacity(mark))
    return "<path class=\"a \(roleClass(mark.role))\" \(opacity)d=\"\(path.text)\"/>"
  }

  private func intervals(
    _ positions: [Double], _ low: [Double], _ high: [Double], _ isVertical: Bool, _ place: Place
  ) -> SVGPath {
    var path = SVGPath()
    for (position, (low, high)) in zip(positions, zip(low, high)) {
      let ends =
        isVertical
        ? (place.point(position, low), place.point(position, high))
        : (place.point(low, position), place.point(high, position))
      guard let a = ends.0, let b = ends.1 else { continue }
      path.move(a.x, a.y)
      path.line(b.x, b.y)
    }
    return path
  }

  /// Rectangles in six strengths.
  private func field(
    _ xEdges: [Double], _ yEdges: [Double], _ values: [Double], _ mark: Mark, _ place: Place
  ) -> String {
    let columns = xEdges.count - 1
    let rows = yEdges.count - 1
    guard columns > 0, rows > 0, let range = finiteRange(values), range.high > 0 else { return "" }
    let levels = 6
    var paths = Array(repeating: SVGPath(), count: levels)
    for row in 0..<rows {
      var column = 0
      while column < columns {
        let slot = row * columns + column
        guard slot < values.count, values[slot].isFinite, values[slot] > 0 else {
          column += 1
          continue
        }
        // The square root: differences among the thin cells are what is to be seen.
        let level = min(levels - 1, Int((values[slot] / range.high).squareRoot() * Double(levels)))
        var end = column + 1
        while end < columns, row * columns + end < values.count {
          let next = values[row * columns + end]
          guard next.isFinite, next > 0,
            min(levels - 1, Int((next / range.high).squareRoot() * Double(levels))) == level
          else { break }
          end += 1
        }
        if let a = place.point(xEdges[column], yEdges[row]), let b = place.point(xEdges[end], yEdges[row + 1]) {
          paths[level].move(a.x, a.y)
          paths[level].line(a.x, b.y)
          paths[level].line(b.x, b.y)
          paths[level].line(b.x, a.y)
          paths[level].close()
        }
        column = end
      }
    }
    var result = ""
    for (level, path) in paths.enumerated() where !path.isEmpty {
      let strength = 0.15 + 0.85 * Double(level) / Double(levels - 1)
      result += "<path class=\"a \(roleClass(mark.role))\" \(opacity(strength))d=\"\(path.text)\"/>"
    }
    return result
  }

  func points(_ mark: Mark, at points: [(x: Double, y: Double)]) -> String {
    if points.isEmpty { return "" }
    let role = roleClass(mark.role)
    var path = SVGPath()
    switch mark.symbol {
    case .disc:
      for point in points { path.dot(point.x, point.y) }
      let size: Double
      switch mark.weight {
      case .thin: size = 3
      case .normal: size = points.count > 1500 ? 3 : points.count > 300 ? 4 : 5
      case .heavy: size = 7
      case .faint: size = 3
      }
      let strength = mark.weight == .faint ? 0.3 : points.count > 60 ? 0.6 : 1
      return
        "<path class=\"l \(role)\" \(opacity(strength))stroke-width=\"\(SVGText.number(size))\" d=\"\(path.text)\"/>"
    case .ring:
      let size = mark.weight == .heavy ? "3.6" : "2.8"
      return "<g class=\"n \(role)\" stroke-width=\"1.4\">"
        + points.map { "<circle cx=\"\(SVGText.number($0.x))\" cy=\"\(SVGText.number($0.y))\" r=\"\(size)\"/>" }
        .joined()
        + "</g>"
    case .cross:
      for point in points {
        path.move(point.x - 3, point.y - 3)
        path.raw("l6 6m0-6l-6 6")
      }
    case .bar:
      for point in points {
        path.move(point.x, point.y - 4)
        path.raw("v8")
      }
    }
    return
      "<path class=\"l \(role)\" \(opacity(mark.weight == .faint ? 0.4 : 1))stroke-width=\"1.3\" d=\"\(path.text)\"/>"
  }
}

extension SVGText {
  /// A share with two decimals at most.
  static func hundredths(_ value: Double) -> String {
    let number = Int((max(0, min(1, value.isFinite ? value : 0)) * 100).rounded())
    return number >= 100 ? "1" : number % 10 == 0 ? ".\(number / 10)" : number < 10 ? ".0\(number)" : ".\(number)"
  }
}
