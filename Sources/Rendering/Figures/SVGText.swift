import Foundation

/// Text and numbers as SVG has them.
enum SVGText {
  /// Text between tags or in an attribute: markup is inert, characters that XML cannot hold are replaced.
  static func escaped(_ text: String) -> String {
    var result = ""
    result.reserveCapacity(text.utf8.count)
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "'": result += "&#39;"
      case "\t", "\n", "\r": result += " "
      default:
        let value = scalar.value
        // Controls, marks that turn the reading order, and what XML forbids.
        let isBad =
          value < 0x20 || (0x7F...0x9F).contains(value) || (0x202A...0x202E).contains(value)
          || (0x2066...0x2069).contains(value) || value == 0xFFFE || value == 0xFFFF
        if isBad { result += "\u{FFFD}" } else { result.unicodeScalars.append(scalar) }
      }
    }
    return result
  }

  /// A coordinate with one decimal at most.
  static func number(_ value: Double) -> String {
    guard value.isFinite else { return "0" }
    let tenths = Int((max(-1e7, min(1e7, value)) * 10).rounded())
    let (whole, rest) = tenths.magnitude.quotientAndRemainder(dividingBy: 10)
    let sign = tenths < 0 ? "-" : ""
    return rest == 0 ? "\(sign)\(whole)" : "\(sign)\(whole).\(rest)"
  }

  /// About how wide a text is, in pixels, in the usual sans-serif fonts.
  static func width(_ text: String, size: Double = 11) -> Double {
    var units = 0.0
    for scalar in text.unicodeScalars {
      switch scalar {
      case "i", "j", "l", "I", ".", ",", ":", ";", "'", "|", "!", "(", ")", "[", "]", " ", "f", "t", "r": units += 0.33
      case "m", "w", "M", "W", "—": units += 0.85
      case "A"..."Z": units += 0.67
      default: units += scalar.value < 0x300 ? 0.56 : scalar.value < 0x1100 ? 0.6 : 1
      }
    }
    return units * size
  }

  /// The text cut to a width.
  static func cut(_ text: String, to width: Double, size: Double = 11) -> String {
    // Nobody reads a label of a thousand letters, and measuring it for each tick would take long.
    let text = text.count > 200 ? String(text.prefix(200)) + "…" : text
    guard self.width(text, size: size) > width else { return text }
    var result = ""
    var used = self.width("…", size: size)
    for character in text {
      used += self.width(String(character), size: size)
      if used > width { break }
      result.append(character)
    }
    return result.isEmpty ? "…" : result + "…"
  }
}

/// The commands of an SVG path, relative where that is shorter.
struct SVGPath {
  private(set) var text = ""
  private var lastX = 0
  private var lastY = 0
  private(set) var isEmpty = true

  private static func tenths(_ value: Double) -> Int {
    value.isFinite ? Int((max(-1e6, min(1e6, value)) * 10).rounded()) : 0
  }

  private static func text(_ tenths: Int) -> String {
    let (whole, rest) = tenths.magnitude.quotientAndRemainder(dividingBy: 10)
    if rest == 0 { return tenths < 0 ? "-\(whole)" : "\(whole)" }
    if whole == 0 { return tenths < 0 ? "-.\(rest)" : ".\(rest)" }
    return tenths < 0 ? "-\(whole).\(rest)" : "\(whole).\(rest)"
  }

  private mutating func pair(_ command: String, _ x: Int, _ y: Int) {
    let second = SVGPath.text(y)
    text += command + SVGPath.text(x) + (second.hasPrefix("-") ? "" : " ") + second
  }

  mutating func move(_ x: Double, _ y: Double) {
    (lastX, lastY) = (SVGPath.tenths(x), SVGPath.tenths(y))
    pair("M", lastX, lastY)
    isEmpty = false
  }

  mutating func line(_ x: Double, _ y: Double) {
    let (newX, newY) = (SVGPath.tenths(x), SVGPath.tenths(y))
    if newX == lastX, newY == lastY { return }
    if newY == lastY {
      text += "h" + SVGPath.text(newX - lastX)
    } else if newX == lastX {
      text += "v" + SVGPath.text(newY - lastY)
    } else {
      pair("l", newX - lastX, newY - lastY)
    }
    (lastX, lastY) = (newX, newY)
  }

  /// A dot, when stroked with round ends.
  mutating func dot(_ x: Double, _ y: Double) {
    move(x, y)
    text += "h0"
  }

  mutating func raw(_ commands: String) { text += commands }
  mutating func close() { text += "z" }
}
