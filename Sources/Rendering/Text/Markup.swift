/// Text in XML and HTML.
enum Markup {
  /// Appends text from elsewhere, for content or a quoted attribute: markup has no effect, and characters that a document
  /// may not hold are replaced.
  static func append(escaped text: String, keepsLines: Bool, to bytes: inout [UInt8]) {
    for scalar in DisplayText.printable(text, keepsLines: keepsLines).unicodeScalars {
      switch scalar {
      case "&": bytes.append(contentsOf: "&amp;".utf8)
      case "<": bytes.append(contentsOf: "&lt;".utf8)
      case ">": bytes.append(contentsOf: "&gt;".utf8)
      case "\"": bytes.append(contentsOf: "&quot;".utf8)
      case "'": bytes.append(contentsOf: "&#39;".utf8)
      default:
        // U+FFFE, U+FFFF and their like in higher planes are no characters.
        let shown: Unicode.Scalar = scalar.value & 0xFFFE == 0xFFFE ? "\u{FFFD}" : scalar
        bytes.append(contentsOf: UTF8.encode(shown) ?? UTF8.encodedReplacementCharacter)
      }
    }
  }
}
