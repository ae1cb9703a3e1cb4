/// A piece of a formula's source.
struct TeXToken {
  enum Kind: Equatable {
    /// A backslash and a name, or a backslash and one other character.
    case command(String)
    /// A character with the combining marks on it.
    case character(String)
    case space
    case openBrace, closeBrace, superscript, `subscript`, ampersand
    case end
  }

  var kind: Kind
  /// Bytes of the source.
  var range: Range<Int>
}

/// Cuts a formula into pieces; comments are left out.
enum TeXTokens {
  static func of(_ source: String) -> [TeXToken] {
    var tokens: [TeXToken] = []
    let scalars = Array(source.unicodeScalars)
    var index = 0
    var offset = 0
    func width(_ place: Int) -> Int { UTF8.width(scalars[place]) }
    while index < scalars.count {
      let start = offset
      let scalar = scalars[index]
      index += 1
      offset += UTF8.width(scalar)
      let kind: TeXToken.Kind
      switch scalar {
      case "\\":
        var name = ""
        while index < scalars.count, isLetter(scalars[index]) {
          name.unicodeScalars.append(scalars[index])
          offset += 1
          index += 1
        }
        if name.isEmpty, index < scalars.count {
          name.unicodeScalars.append(isSpace(scalars[index]) ? " " : scalars[index])
          offset += width(index)
          index += 1
        }
        kind = .command(name)
      case "%":
        while index < scalars.count, scalars[index] != "\n" {
          offset += width(index)
          index += 1
        }
        continue
      case "{": kind = .openBrace
      case "}": kind = .closeBrace
      case "^": kind = .superscript
      case "_": kind = .subscript
      case "&": kind = .ampersand
      case _ where isSpace(scalar):
        while index < scalars.count, isSpace(scalars[index]) {
          offset += width(index)
          index += 1
        }
        kind = .space
      default:
        var text = String(scalar)
        // Strings compare in time that grows as the square of the marks on a character, so that those are few.
        var room = 8
        while room > 0, index < scalars.count, combines(scalars[index]) {
          room -= 1
          text.unicodeScalars.append(scalars[index])
          offset += width(index)
          index += 1
        }
        kind = .character(text)
      }
      tokens.append(TeXToken(kind: kind, range: start..<offset))
    }
    tokens.append(TeXToken(kind: .end, range: offset..<offset))
    return tokens
  }

  private static func isLetter(_ scalar: Unicode.Scalar) -> Bool {
    (0x41...0x5A).contains(scalar.value) || (0x61...0x7A).contains(scalar.value)
  }

  private static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
    scalar == " " || scalar == "\t" || scalar == "\n" || scalar == "\r"
  }

  private static func combines(_ scalar: Unicode.Scalar) -> Bool {
    guard scalar.value >= 0x300 else { return false }
    switch scalar.properties.generalCategory {
    case .nonspacingMark, .enclosingMark, .spacingMark: return true
    default: return false
    }
  }
}
