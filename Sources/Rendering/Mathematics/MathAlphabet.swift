/// The alphabets that TeX's font commands choose.
enum MathAlphabet {
  case roman, bold, italic, boldItalic, sansSerif, monospace, doubleStruck, script, fraktur
  /// `\boldsymbol`: bold, slanted where the letter would be.
  case boldSymbol

  /// Whether letters in a row are one word.
  var isTextual: Bool {
    switch self {
    case .roman, .bold, .italic, .sansSerif, .monospace: true
    case .boldItalic, .doubleStruck, .script, .fraktur, .boldSymbol: false
    }
  }

  /// A text in this alphabet, by the characters that Unicode keeps for it; others stay as they are.
  func mapped(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars { result.unicodeScalars.append(mapped(scalar)) }
    return result
  }

  /// The first characters of an alphabet's runs in the block Mathematical Alphanumeric Symbols.
  private struct Runs {
    var capitals: UInt32
    var small: UInt32
    var greekCapitals: UInt32?
    var greekSmall: UInt32?
    var digits: UInt32?
  }

  private static let boldRuns = Runs(
    capitals: 0x1D400, small: 0x1D41A, greekCapitals: 0x1D6A8, greekSmall: 0x1D6C2, digits: 0x1D7CE)
  private static let boldItalicRuns = Runs(
    capitals: 0x1D468, small: 0x1D482, greekCapitals: 0x1D71C, greekSmall: 0x1D736, digits: 0x1D7CE)

  private func runs(for scalar: Unicode.Scalar) -> Runs? {
    switch self {
    case .roman: nil
    case .bold: MathAlphabet.boldRuns
    case .italic: Runs(capitals: 0x1D434, small: 0x1D44E, greekCapitals: 0x1D6E2, greekSmall: 0x1D6FC)
    case .boldItalic: MathAlphabet.boldItalicRuns
    // Greek capitals and the nabla stand upright in TeX's formulas, so their bold forms do as well.
    case .boldSymbol:
      MathAlphabet.isUprightByDefault(scalar) ? MathAlphabet.boldRuns : MathAlphabet.boldItalicRuns
    case .sansSerif: Runs(capitals: 0x1D5A0, small: 0x1D5BA, digits: 0x1D7E2)
    case .monospace: Runs(capitals: 0x1D670, small: 0x1D68A, digits: 0x1D7F6)
    case .doubleStruck: Runs(capitals: 0x1D538, small: 0x1D552, digits: 0x1D7D8)
    case .script: Runs(capitals: 0x1D49C, small: 0x1D4B6)
    case .fraktur: Runs(capitals: 0x1D504, small: 0x1D51E)
    }
  }

  /// Greek capitals and ∇, which TeX sets upright.
  static func isUprightByDefault(_ scalar: Unicode.Scalar) -> Bool {
    (0x391...0x3A9).contains(scalar.value) || scalar == "∇"
  }

  private func mapped(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
    guard let runs = runs(for: scalar) else { return scalar }
    let value = scalar.value
    let code: UInt32? =
      switch value {
      case 0x41...0x5A: runs.capitals + (value - 0x41)
      case 0x61...0x7A: runs.small + (value - 0x61)
      case 0x30...0x39: runs.digits.map { $0 + (value - 0x30) }
      case 0x391...0x3A9: runs.greekCapitals.map { $0 + (value - 0x391) }
      case 0x2207: runs.greekCapitals.map { $0 + 25 }
      case 0x3B1...0x3C9: runs.greekSmall.map { $0 + (value - 0x3B1) }
      default: MathAlphabet.greekVariants[scalar].flatMap { place in runs.greekSmall.map { $0 + place } }
      }
    guard let code else { return scalar }
    if let older = MathAlphabet.holes[code] { return older }
    return Unicode.Scalar(code) ?? scalar
  }

  /// Where the variants stand behind the small Greek letters of a run.
  private static let greekVariants: [Unicode.Scalar: UInt32] = [
    "∂": 25, "ϵ": 26, "ϑ": 27, "ϰ": 28, "ϕ": 29, "ϱ": 30, "ϖ": 31,
  ]

  /// Places that the block leaves empty, as the character was in Unicode before (Unicode 16, chapter 22.2).
  private static let holes: [UInt32: Unicode.Scalar] = [
    0x1D455: "ℎ",
    0x1D49D: "ℬ", 0x1D4A0: "ℰ", 0x1D4A1: "ℱ", 0x1D4A3: "ℋ", 0x1D4A4: "ℐ", 0x1D4A7: "ℒ", 0x1D4A8: "ℳ",
    0x1D4AD: "ℛ", 0x1D4BA: "ℯ", 0x1D4BC: "ℊ", 0x1D4C4: "ℴ",
    0x1D506: "ℭ", 0x1D50B: "ℌ", 0x1D50C: "ℑ", 0x1D515: "ℜ", 0x1D51D: "ℨ",
    0x1D53A: "ℂ", 0x1D53F: "ℍ", 0x1D545: "ℕ", 0x1D547: "ℙ", 0x1D548: "ℚ", 0x1D549: "ℝ", 0x1D551: "ℤ",
  ]
}
