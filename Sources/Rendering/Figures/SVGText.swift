/// How much room text takes in the sans-serif fonts of browsers, by estimate: layout must not ask the machine's fonts.
enum SVGText {
  /// The width at a font size in pixels; rather too wide than too narrow.
  static func width(_ text: String, size: Double = 11) -> Double {
    var sum = 0.0
    for scalar in text.unicodeScalars { sum += advance(scalar) }
    return sum * size * 1.04
  }

  private static func advance(_ scalar: Unicode.Scalar) -> Double {
    switch scalar {
    case "i", "j", "l", "I", ".", ",", ":", ";", "'", "|", "!": 0.28
    case " ", "f", "t", "r", "(", ")", "[", "]", "/", "-", "`", "\"": 0.36
    case "m", "w", "M", "W", "%", "@": 0.88
    case "A"..."Z", "&", "+", "=", "<", ">", "~", "\u{2212}", "×", "…": 0.69
    case "¹", "²", "³", "⁰"..."⁹", "⁻": 0.38
    default: scalar.value < 0x2000 ? 0.57 : 0.57 * Double(max(1, DisplayText.width(String(scalar)))) + 0.05
    }
  }

  /// The text on one line without control characters, cut to a width; a cut is marked.
  static func cut(_ text: String, to room: Double, size: Double = 11) -> String {
    // Ten thousand letters are not measured one by one.
    let head = String(text.unicodeScalars.prefix(400))
    let clean = DisplayText.printable(head, keepsLines: false)
    if head.unicodeScalars.count == text.unicodeScalars.count, width(clean, size: size) <= room { return clean }
    var used = advance("…") * size
    var result = ""
    for character in clean {
      used += width(String(character), size: size)
      if used > room { break }
      result.append(character)
    }
    return result + "…"
  }

  /// Breaks text at spaces into lines of a width.
  static func lines(_ text: String, width room: Double, size: Double, most: Int) -> [String] {
    var lines: [String] = []
    var line = ""
    let clean = DisplayText.printable(String(text.unicodeScalars.prefix(2000)), keepsLines: false)
    for word in clean.split(separator: " ") {
      let longer = line.isEmpty ? String(word) : line + " " + word
      if !line.isEmpty, width(longer, size: size) > room {
        lines.append(line)
        line = String(word)
      } else {
        line = longer
      }
    }
    if !line.isEmpty { lines.append(line) }
    if lines.count > most { lines = Array(lines.prefix(most - 1)) + [lines[most - 1] + " …"] }
    return lines.map { cut($0, to: room, size: size) }
  }
}
