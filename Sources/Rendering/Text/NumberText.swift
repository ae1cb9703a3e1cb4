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

  /// A number in few characters, for sentences: no trailing zeros, a true minus sign, `1.5e6`.
  package static func short(_ value: Double, digits: Int = 3) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "−∞" : "∞" }
    if value == 0 { return "0" }
    let size = value.magnitude
    if size >= 1e6 || size < 1e-4 {
      return minus(tidy(String(format: "%.\(max(0, digits - 1))e", value)))
    }
    var text = String(format: "%.\(max(0, digits - 1 - Int(log10(size).rounded(.down))))f", value)
    if text.contains(".") {
      while text.hasSuffix("0") { text.removeLast() }
      if text.hasSuffix(".") { text.removeLast() }
    }
    return minus(text)
  }

  /// `1.50e+06` as `1.5e6`.
  private static func tidy(_ text: String) -> String {
    guard let mark = text.firstIndex(of: "e") else { return text }
    var mantissa = String(text[..<mark])
    if mantissa.contains(".") {
      while mantissa.hasSuffix("0") { mantissa.removeLast() }
      if mantissa.hasSuffix(".") { mantissa.removeLast() }
    }
    let exponent = Int(text[text.index(after: mark)...]) ?? 0
    return "\(mantissa)e\(exponent)"
  }

  /// With a true minus sign.
  private static func minus(_ text: String) -> String { text.replacingOccurrences(of: "-", with: "−") }
}
