/// Fences that hold any text.
enum CodeFence {
  /// Backticks that no run in the text is as long as: three at least.
  static func mark(for text: String) -> String { String(repeating: "`", count: max(3, longestRun(in: text) + 1)) }

  static func longestRun(in text: String) -> Int {
    var longest = 0
    var run = 0
    for byte in text.utf8 {
      run = byte == UInt8(ascii: "`") ? run + 1 : 0
      longest = max(longest, run)
    }
    return longest
  }
}
