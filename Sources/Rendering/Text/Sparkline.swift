/// A small histogram in one line of text.
enum Sparkline {
  /// Heights from 0 to 8 as blocks, or as marks of ASCII that grow darker.
  static func text(_ heights: [Int], usesUnicode: Bool) -> String {
    let marks: [Character] = usesUnicode ? Array(" ▁▂▃▄▅▆▇█") : Array(" ..::+*##")
    return String(heights.map { marks[max(0, min(8, $0))] })
  }
}
