/// Dots in a grid of characters: two by four of them in each, as Braille has them (Unicode 2800–28FF).
struct BrailleCanvas {
  let columns: Int
  let rows: Int
  private var dots: [UInt8]
  /// The role of the last mark in each character.
  private var roles: [Mark.Role?]

  init(columns: Int, rows: Int) {
    self.columns = max(1, columns)
    self.rows = max(1, rows)
    dots = Array(repeating: 0, count: self.columns * self.rows)
    roles = Array(repeating: nil, count: self.columns * self.rows)
  }

  var width: Int { columns * 2 }
  var height: Int { rows * 4 }

  mutating func set(_ x: Int, _ y: Int, _ role: Mark.Role) {
    guard x >= 0, y >= 0, x < width, y < height else { return }
    let slot = (y / 4) * columns + x / 2
    // Left column from the top: dots 1, 2, 3, 7; right column: 4, 5, 6, 8.
    let bits: [UInt8] = x % 2 == 0 ? [0x01, 0x02, 0x04, 0x40] : [0x08, 0x10, 0x20, 0x80]
    dots[slot] |= bits[y % 4]
    roles[slot] = role
  }

  /// A line of dots (Bresenham), cut to the canvas first.
  mutating func line(_ x0: Double, _ y0: Double, _ x1: Double, _ y1: Double, _ role: Mark.Role, isDashed: Bool = false)
  {
    guard let (a, b) = BrailleCanvas.clipped((x0, y0), (x1, y1), Double(width), Double(height)) else { return }
    let steps = max(abs(Int(b.x) - Int(a.x)), abs(Int(b.y) - Int(a.y)), 1)
    for step in 0...steps where !isDashed || step % 4 < 2 {
      let share = Double(step) / Double(steps)
      set(Int((a.x + (b.x - a.x) * share).rounded(.down)), Int((a.y + (b.y - a.y) * share).rounded(.down)), role)
    }
  }

  /// Liang and Barsky (1984).
  private static func clipped(
    _ a: (x: Double, y: Double), _ b: (x: Double, y: Double), _ width: Double, _ height: Double
  ) -> (a: (x: Double, y: Double), b: (x: Double, y: Double))? {
    guard a.x.isFinite, a.y.isFinite, b.x.isFinite, b.y.isFinite else { return nil }
    let dx = b.x - a.x
    let dy = b.y - a.y
    var from = 0.0
    var to = 1.0
    for (p, q) in [(-dx, a.x), (dx, width - 1e-6 - a.x), (-dy, a.y), (dy, height - 1e-6 - a.y)] {
      if p == 0 {
        if q < 0 { return nil }
      } else if p < 0 {
        from = max(from, q / p)
      } else {
        to = min(to, q / p)
      }
    }
    guard from <= to else { return nil }
    return ((a.x + from * dx, a.y + from * dy), (a.x + to * dx, a.y + to * dy))
  }

  /// The rows as text.
  func lines(usesUnicode: Bool, color: (Mark.Role) -> String?) -> [String] {
    (0..<rows).map { row in
      var line = ""
      var current: String?
      for column in 0..<columns {
        let slot = row * columns + column
        let wanted = dots[slot] == 0 ? nil : roles[slot].flatMap(color)
        if wanted != current {
          if current != nil { line += "\u{1B}[0m" }
          if let wanted { line += wanted }
          current = wanted
        }
        line.append(BrailleCanvas.character(dots[slot], usesUnicode))
      }
      if current != nil { line += "\u{1B}[0m" }
      return line
    }
  }

  private static func character(_ dots: UInt8, _ usesUnicode: Bool) -> Character {
    if dots == 0 { return " " }
    if usesUnicode, let scalar = Unicode.Scalar(0x2800 + UInt32(dots)) { return Character(scalar) }
    // Where the dots lie decides the mark.
    let upper = dots & (0x01 | 0x08 | 0x02 | 0x10)
    let lower = dots & (0x04 | 0x20 | 0x40 | 0x80)
    switch dots.nonzeroBitCount {
    case 1...2: return upper == 0 ? "." : lower == 0 ? "'" : ":"
    case 3...5: return upper == 0 ? "_" : lower == 0 ? "\"" : "+"
    default: return "#"
    }
  }
}
