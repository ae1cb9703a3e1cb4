/// A page taken apart as strictly as a browser would at its strictest: every tag with its attributes.
package struct PageTokens {
  package struct Tag: Equatable {
    package var name: String
    package var isClosing: Bool
    package var attributes: [(name: String, value: String)]
    package static func == (left: Tag, right: Tag) -> Bool {
      left.name == right.name && left.isClosing == right.isClosing
        && left.attributes.elementsEqual(right.attributes, by: ==)
    }
  }
  package private(set) var tags: [Tag] = []
  /// What is no well-formed markup, in words.
  package private(set) var faults: [String] = []
  /// Contents of `<style>` and `<script>`, which a browser does not look into.
  package private(set) var raw: [(tag: String, text: String)] = []
  /// Text between tags, entities as they stand.
  package private(set) var text = ""

  /// Elements without content.
  static let void: Set<String> = ["meta", "br", "hr", "img", "input"]

  package init(_ page: String) {
    let bytes = Array(page.utf8)
    var position = 0
    var open: [String] = []
    func string(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }
    while position < bytes.count {
      guard let start = bytes[position...].firstIndex(of: UInt8(ascii: "<")) else { break }
      text += string(position..<start)
      var end = start + 1
      var quote: UInt8?
      while end < bytes.count {
        if let mark = quote {
          if bytes[end] == mark { quote = nil }
        } else if bytes[end] == UInt8(ascii: "\"") || bytes[end] == UInt8(ascii: "'") {
          quote = bytes[end]
        } else if bytes[end] == UInt8(ascii: ">") {
          break
        }
        end += 1
      }
      let inner = string((start + 1)..<min(end, bytes.count))
      position = min(end + 1, bytes.count)
      if inner.hasPrefix("!") {
        if inner != "!DOCTYPE html" { faults.append("<\(inner)>") }
        continue
      }
      let tag = PageTokens.tag(inner)
      guard let tag else {
        faults.append("<\(inner.prefix(80))>")
        continue
      }
      tags.append(tag)
      let isEmpty = PageTokens.void.contains(tag.name) || inner.hasSuffix("/")
      if tag.isClosing {
        if open.last == tag.name {
          open.removeLast()
        } else {
          faults.append("</\(tag.name)> closes <\(open.last ?? "")>")
        }
      } else if !isEmpty {
        open.append(tag.name)
      }
      if !tag.isClosing, tag.name == "style" || tag.name == "script" {
        let close = Array("</\(tag.name)>".utf8)
        let stop = bytes[position...].firstRange(of: close)?.lowerBound ?? bytes.count
        // Drawings have none of these: a style inside of one is markup too.
        raw.append((tag.name, string(position..<stop)))
        position = stop
      }
    }
    if !open.isEmpty { faults.append("not closed: \(open)") }
  }

  private static func tag(_ inner: String) -> Tag? {
    var rest = inner[...]
    let isClosing = rest.hasPrefix("/")
    if isClosing { rest = rest.dropFirst() }
    if rest.hasSuffix("/") { rest = rest.dropLast() }
    let name = rest.prefix { $0.isLetter || $0.isNumber }
    guard !name.isEmpty else { return nil }
    rest = rest.dropFirst(name.count)
    var attributes: [(name: String, value: String)] = []
    while true {
      rest = rest.drop { $0 == " " || $0 == "\n" }
      if rest.isEmpty { break }
      let key = rest.prefix { $0.isLetter || $0 == "-" || $0.isNumber }
      guard !key.isEmpty else { return nil }
      rest = rest.dropFirst(key.count)
      guard rest.hasPrefix("=\"") else {
        attributes.append((String(key), ""))
        continue
      }
      rest = rest.dropFirst(2)
      guard let end = rest.firstIndex(of: "\"") else { return nil }
      attributes.append((String(key), String(rest[..<end])))
      rest = rest[rest.index(after: end)...]
    }
    return Tag(name: String(name), isClosing: isClosing, attributes: attributes)
  }
}
