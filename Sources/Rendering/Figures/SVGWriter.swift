import Foundation

/// Bytes of an SVG document as they grow.
struct SVGWriter {
  private(set) var bytes: [UInt8] = []

  /// Markup that this module wrote itself.
  mutating func raw(_ text: String) { bytes.append(contentsOf: text.utf8) }

  /// Text from elsewhere: markup has no effect and what XML forbids is replaced.
  mutating func escaped(_ text: String) {
    Markup.append(escaped: text, keepsLines: false, to: &bytes)
  }

  /// A coordinate with at most one decimal.
  mutating func number(_ value: Double) { tenths(SVGWriter.tenths(value)) }

  mutating func tenths(_ value: Int) { appendTenths(value, to: &bytes) }

  /// `<text x="…" y="…" class="…">…</text>`
  mutating func text(_ text: String, x: Double, y: Double, classes: String = "", turn: Int? = nil) {
    raw("<text")
    if let turn {
      raw(" transform=\"translate(")
      number(x)
      raw(" ")
      number(y)
      raw(")rotate(\(turn))\"")
    } else {
      raw(" x=\"")
      number(x)
      raw("\" y=\"")
      number(y)
      raw("\"")
    }
    if !classes.isEmpty { raw(" class=\"\(classes)\"") }
    raw(">")
    escaped(text)
    raw("</text>\n")
  }

  mutating func path(_ path: SVGPath, classes: String) {
    guard !path.bytes.isEmpty else { return }
    raw("<path class=\"\(classes)\" d=\"")
    bytes.append(contentsOf: path.bytes)
    raw("\"/>\n")
  }

  var isEmpty: Bool { bytes.isEmpty }
  var string: String { String(decoding: bytes, as: UTF8.self) }

  /// Pixels in tenths; far outside stays in a range that every viewer can hold.
  static func tenths(_ value: Double) -> Int {
    guard value.isFinite else { return 0 }
    return Int((max(-100_000, min(100_000, value)) * 10).rounded())
  }
}

/// Writes `-12.3` for −123: no zero in front of the point, none behind it.
private func appendTenths(_ value: Int, to bytes: inout [UInt8]) {
  func digits(_ value: UInt) {
    if value >= 10 { digits(value / 10) }
    bytes.append(UInt8(ascii: "0") + UInt8(value % 10))
  }
  if value < 0 { bytes.append(UInt8(ascii: "-")) }
  let size = value.magnitude
  if size >= 10 || size == 0 { digits(size / 10) }
  if size % 10 > 0 {
    bytes.append(UInt8(ascii: "."))
    bytes.append(UInt8(ascii: "0") + UInt8(size % 10))
  }
}

/// The data of one path: relative steps in tenths of a pixel, which sum to the rounded places without drift.
struct SVGPath {
  private(set) var bytes: [UInt8] = []
  private var x = 0
  private var y = 0
  private var command = UInt8(ascii: "M")

  private mutating func write(_ letter: UInt8, _ numbers: Int...) {
    // A further pair after a letter repeats it; a further one after `m` would be a line.
    let isRepeated = command == letter && letter == UInt8(ascii: "l") && !bytes.isEmpty
    if !isRepeated { bytes.append(letter) }
    for (index, number) in numbers.enumerated() {
      if (index > 0 || isRepeated) && number >= 0 { bytes.append(UInt8(ascii: " ")) }
      append(number)
    }
    command = letter
  }

  private mutating func append(_ value: Int) { appendTenths(value, to: &bytes) }

  mutating func move(_ px: Double, _ py: Double) {
    let nx = SVGWriter.tenths(px)
    let ny = SVGWriter.tenths(py)
    bytes.isEmpty ? write(UInt8(ascii: "M"), nx, ny) : write(UInt8(ascii: "m"), nx - x, ny - y)
    (x, y) = (nx, ny)
  }

  mutating func line(_ px: Double, _ py: Double) {
    let dx = SVGWriter.tenths(px) - x
    let dy = SVGWriter.tenths(py) - y
    if dx == 0 && dy == 0 {
      // A line whose points all lie in one place is a dot, drawn by its round ends.
      if command == UInt8(ascii: "M") || command == UInt8(ascii: "m") { write(UInt8(ascii: "h"), 0) }
      return
    }
    if dy == 0 {
      write(UInt8(ascii: "h"), dx)
    } else if dx == 0 {
      write(UInt8(ascii: "v"), dy)
    } else {
      write(UInt8(ascii: "l"), dx, dy)
    }
    x += dx
    y += dy
  }

  /// A dot of the stroke's width with round ends.
  mutating func dot(_ px: Double, _ py: Double) {
    move(px, py)
    write(UInt8(ascii: "h"), 0)
  }

  mutating func rectangle(_ left: Double, _ top: Double, _ right: Double, _ bottom: Double) {
    move(left, top)
    line(right, top)
    line(right, bottom)
    line(left, bottom)
    close(at: left, top)
  }

  /// Ends a closed outline that began at a place.
  mutating func close(at px: Double, _ py: Double) {
    bytes.append(UInt8(ascii: "z"))
    command = UInt8(ascii: "z")
    x = SVGWriter.tenths(px)
    y = SVGWriter.tenths(py)
  }

  mutating func circle(_ px: Double, _ py: Double, radius: Double) {
    move(px - radius, py)
    let r = SVGWriter.tenths(radius)
    for sign in [1, -1] {
      bytes.append(UInt8(ascii: "a"))
      append(r)
      bytes.append(UInt8(ascii: " "))
      append(r)
      bytes.append(contentsOf: " 0 1 0".utf8)
      if sign > 0 { bytes.append(UInt8(ascii: " ")) }
      append(2 * r * sign)
      bytes.append(contentsOf: " 0".utf8)
    }
    command = UInt8(ascii: "a")
  }

  /// A cubic curve to a place.
  mutating func curve(_ ax: Double, _ ay: Double, _ bx: Double, _ by: Double, _ px: Double, _ py: Double) {
    let numbers = [ax, ay, bx, by, px, py].map { SVGWriter.tenths($0) }
    write(
      UInt8(ascii: "c"), numbers[0] - x, numbers[1] - y, numbers[2] - x, numbers[3] - y, numbers[4] - x, numbers[5] - y)
    (x, y) = (numbers[4], numbers[5])
  }
}
