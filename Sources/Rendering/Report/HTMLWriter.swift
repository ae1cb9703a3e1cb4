import Foundation

/// Bytes of a page as they grow; text from elsewhere comes in through ``escaped(_:)`` alone.
struct HTMLWriter {
  private(set) var bytes: [UInt8] = []

  /// Markup that this module wrote itself.
  mutating func raw(_ text: String) { bytes.append(contentsOf: text.utf8) }
  mutating func raw(_ text: [UInt8]) { bytes.append(contentsOf: text) }

  /// Text from elsewhere, in content or in a quoted attribute: markup has no effect, and what a page may not hold is
  /// replaced. Line ends stay.
  mutating func escaped(_ text: String) {
    Markup.append(escaped: text, keepsLines: true, to: &bytes)
  }

  /// `<name class="…">text</name>`
  mutating func element(_ name: String, classes: String = "", _ text: String) {
    raw(classes.isEmpty ? "<\(name)>" : "<\(name) class=\"\(classes)\">")
    escaped(text)
    raw("</\(name)>")
  }

  /// ` id="…"`, where there is one.
  mutating func id(_ id: String?) {
    guard let id else { return }
    raw(" id=\"")
    escaped(id)
    raw("\"")
  }

  /// `href="#…"`, with what a fragment may not hold in percent signs.
  mutating func fragment(_ id: String) {
    raw("href=\"#")
    escaped(HTMLWriter.percentEncoded(id))
    raw("\"")
  }

  static func percentEncoded(_ text: String) -> String {
    text.utf8.map { byte -> String in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
        String(Unicode.Scalar(byte))
      default: "%" + String(byte >> 4, radix: 16, uppercase: true) + String(byte & 15, radix: 16, uppercase: true)
      }
    }.joined()
  }

  /// A link that gives bytes as a file.
  mutating func download(_ bytes: [UInt8], type: String, name: String, words: String) {
    raw("<a download=\"")
    escaped(name)
    raw("\" href=\"data:\(type);base64,\(Data(bytes).base64EncodedString())\">")
    escaped(words)
    raw("</a>")
  }

  var string: String { String(decoding: bytes, as: UTF8.self) }
}
