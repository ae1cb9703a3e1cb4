/// A token that is no word and no literal, by its spelling.
package enum Symbol: String, Sendable, CaseIterable {
  case leftParenthesis = "("
  case rightParenthesis = ")"
  case leftBracket = "["
  case rightBracket = "]"
  case leftBrace = "{"
  case rightBrace = "}"
  case comma = ","
  case semicolon = ";"
  case colon = ":"
  case backslash = "\\"
  case dot = "."
  case question = "?"
  case exclamation = "!"
  case tilde = "~"
  case arrow = "->"
  case assign = "="
  case plusAssign = "+="
  case minusAssign = "-="
  case timesAssign = "*="
  case divideAssign = "/="
  case remainderAssign = "%="
  case powerAssign = "**="
  case or = "||"
  case and = "&&"
  case equal = "=="
  case notEqual = "!="
  case less = "<"
  case lessOrEqual = "<="
  case greater = ">"
  case greaterOrEqual = ">="
  case coalesce = "??"
  case halfOpen = "..<"
  case closed = "..."
  case plus = "+"
  case minus = "-"
  case times = "*"
  case divide = "/"
  case remainder = "%"
  case elementTimes = ".*"
  case elementDivide = "./"
  case power = "**"
  // Operators of other languages: known, so that the message can name what to write.
  case identical = "==="
  case notIdentical = "!=="
  case increment = "++"
  case decrement = "--"
  case leftArrow = "<-"
  case walrus = ":="
  case twoDots = ".."
  case ampersand = "&"
  case bar = "|"
  case caret = "^"

  /// The symbols by their first byte, longest first.
  static let starting: [[(symbol: Symbol, bytes: [UInt8])]] = {
    var table: [[(symbol: Symbol, bytes: [UInt8])]] = Array(repeating: [], count: 128)
    for symbol in allCases {
      let bytes = Array(symbol.rawValue.utf8)
      if let first = bytes.first { table[Int(first)].append((symbol, bytes)) }
    }
    return table.map { $0.sorted { $0.bytes.count > $1.bytes.count } }
  }()
}

/// A word that belongs to the language wherever it stands.
package enum Keyword: String, Sendable, CaseIterable {
  case `let`, `var`, `func`, `struct`, `enum`, `if`, `else`, `guard`, `switch`, `case`, `default`, `for`, `in`, `while`
  case `break`, `continue`, `return`, `import`, `true`, `false`, `nil`, `class`, `protocol`, `where`, `throws`, `try`

  /// The keywords by their first letter, from `a`.
  static let starting: [[(keyword: Keyword, bytes: [UInt8])]] = {
    var table: [[(keyword: Keyword, bytes: [UInt8])]] = Array(repeating: [], count: 26)
    for keyword in allCases {
      let bytes = Array(keyword.rawValue.utf8)
      if let first = bytes.first { table[Int(first) - 0x61].append((keyword, bytes)) }
    }
    return table
  }()
}
