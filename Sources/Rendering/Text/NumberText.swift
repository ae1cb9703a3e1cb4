import Foundation

/// Numbers as text: the same on every machine, whatever its locale.
package enum NumberText {
  /// A number with so many significant digits, trailing zeros kept: `12.30`, `0.001230`.
  ///
  /// Digits in front of the decimal point are never rounded away: 123456.7 with four digits is `123457`. Numbers of
  /// at least 10⁷ or below 10⁻⁴ are written as `1.230e-05`.
  package static func significant(_ number: Double, digits: Int) -> String {
    if let special = special(number) { return special }
    let digits = max(1, min(17, digits))
    guard number != 0 else { return fixed(0, places: digits - 1) }
    // The exponent after rounding: 9.9996 with four digits is 10.00.
    let scientific = String(format: "%.\(digits - 1)e", number)
    guard let mark = scientific.lastIndex(of: "e"), let exponent = Int(scientific[scientific.index(after: mark)...])
    else {
      return scientific
    }
    if exponent < -4 || exponent >= 7 { return scientific }
    return String(format: "%.\(max(0, digits - 1 - exponent))f", number)
  }

  /// A number with so many decimals. What rounds to zero has no sign.
  package static func fixed(_ number: Double, places: Int) -> String {
    if let special = special(number) { return special }
    let places = max(0, min(17, places))
    guard number.magnitude < 1e15 else { return String(format: "%.\(places)e", number) }
    let text = String(format: "%.\(places)f", number)
    return text.hasPrefix("-") && !text.contains(where: { $0 >= "1" && $0 <= "9" }) ? String(text.dropFirst()) : text
  }

  private static func special(_ number: Double) -> String? {
    if number.isNaN { return "nan" }
    if number.isInfinite { return number < 0 ? "-inf" : "inf" }
    return nil
  }
}
