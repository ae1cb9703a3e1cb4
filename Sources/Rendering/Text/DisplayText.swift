/// Text as a terminal shows it: what can be printed, and how many columns it takes.
package enum DisplayText {
  /// The columns that a text takes: wide East Asian forms two, combining marks and joiners none.
  package static func width(_ text: String) -> Int {
    if text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) { return text.utf8.count }
    return text.unicodeScalars.reduce(0) { $0 + width($1) }
  }

  private static func width(_ scalar: Unicode.Scalar) -> Int {
    switch scalar.properties.generalCategory {
    case .nonspacingMark, .enclosingMark, .format, .control: return 0
    default: break
    }
    switch scalar.value {
    case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F,
      0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1F64F, 0x1F680...0x1F6FF, 0x1F900...0x1F9FF, 0x20000...0x3FFFD:
      return 2
    default: return 1
    }
  }

  /// The text without control characters, which could command a terminal; line feeds and tabs stay if wanted.
  package static func printable(_ text: String, keepsLines: Bool) -> String {
    func isHarmless(_ scalar: Unicode.Scalar) -> Bool {
      if scalar.value >= 0x20 && scalar.value < 0x7F { return true }
      if scalar == "\n" || scalar == "\t" { return keepsLines }
      // Controls, and the marks that reverse the reading order of what follows.
      if scalar.value < 0xA0 { return false }
      return !(0x202A...0x202E).contains(scalar.value) && !(0x2066...0x2069).contains(scalar.value)
    }
    if text.unicodeScalars.allSatisfy(isHarmless) { return text }
    var result = ""
    for scalar in text.unicodeScalars {
      if isHarmless(scalar) {
        result.unicodeScalars.append(scalar)
      } else if scalar == "\n" || scalar == "\t" || scalar == "\r" {
        // A line end inside a table cell would break the row; a carriage return would overwrite the line.
        result += scalar == "\r" && keepsLines ? "" : " "
      } else {
        result += "\u{FFFD}"
      }
    }
    return result
  }

  /// The text cut to so many columns; a cut is marked by the last of them.
  package static func truncated(_ text: String, to columns: Int, mark: String) -> String {
    guard width(text) > columns else { return text }
    let room = max(0, columns - width(mark))
    var result = ""
    var used = 0
    for character in text {
      let size = width(String(character))
      if used + size > room { break }
      result.append(character)
      used += size
    }
    return result + mark
  }
}
