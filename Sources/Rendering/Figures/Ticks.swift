import Foundation

/// A round number, `digits · 10^exponent`, so that its text needs no rounding.
private struct RoundNumber {
  var digits: Int
  var exponent: Int
  var value: Double

  init?(_ digits: Int, _ exponent: Int) {
    // Read as text: the nearest double, which a product with a power of ten need not be.
    guard let value = Double("\(digits)e\(exponent)"), value.isFinite else { return nil }
    self.digits = digits
    self.exponent = exponent
    self.value = value
  }
}

/// The places on an axis that get a number, and the numbers' texts.
enum Ticks {
  struct Tick: Equatable {
    var value: Double
    var text: String
  }

  /// About `count` multiples of 1, 2 or 5 times a power of ten.
  static func linear(_ map: FigureScale, count: Int, isWhole: Bool = false, isTypographic: Bool = true) -> [Tick] {
    texts(numbers(map, count: count, isWhole: isWhole), isTypographic: isTypographic)
  }

  private static func numbers(_ map: FigureScale, count: Int, isWhole: Bool) -> [RoundNumber] {
    let count = Double(max(1, count))
    let rough = map.high / count - map.low / count
    guard rough > 0, rough.isFinite else { return [] }
    var exponent = Int(max(-330, min(308, log10(rough).rounded(.down))))
    // The step whose number of ticks is nearest to the wanted one, as a ratio: the limits are √2, √10 and √50.
    let fraction = RoundNumber(1, exponent).map { rough / $0.value } ?? 1
    var digit = fraction < 1.4142 ? 1 : fraction < 3.1623 ? 2 : fraction < 7.0711 ? 5 : 10
    if isWhole, exponent < 0 { (digit, exponent) = (1, 0) }
    guard let step = RoundNumber(digit, exponent)?.value, step > 0 else { return [] }
    let first = (map.low / step - 1e-9).rounded(.up)
    let last = (map.high / step + 1e-9).rounded(.down)
    guard first.magnitude < 1e15, last.magnitude < 1e15, first <= last, last - first < 1000 else { return [] }
    return (Int(first)...Int(last)).compactMap { RoundNumber($0 * digit, exponent) }
  }

  /// Powers of ten, with 2 and 5 times them where there is room.
  static func logarithmic(_ map: FigureScale, most: Int, isTypographic: Bool = true) -> [Tick] {
    texts(powers(map, most: most), isTypographic: isTypographic)
  }

  private static func powers(_ map: FigureScale, most: Int) -> [RoundNumber] {
    guard map.low > 0 else { return [] }
    let low = log10(map.low)
    let high = log10(map.high)
    if high - low < 1 {
      let ticks = numbers(FigureScale(low: map.low, high: map.high, isLogarithmic: false), count: most, isWhole: false)
      return ticks.filter { $0.value > 0 }
    }
    let first = Int((low - 1e-9).rounded(.down))
    let last = Int((high + 1e-9).rounded(.up))
    func ticks(_ digits: [Int], every: Int) -> [RoundNumber] {
      (first...last).filter { $0.isMultiple(of: every) }.flatMap { power in
        digits.compactMap { RoundNumber($0, power) }
      }.filter { $0.value > 0 && map.place($0.value) > -1e-9 && map.place($0.value) < 1 + 1e-9 }
    }
    for digits in [[1, 2, 5], [1, 3]] where (last - first) < most {
      let found = ticks(digits, every: 1)
      if found.count <= most { return found }
    }
    var every = 1
    while every < 1000 {
      let found = ticks([1], every: every)
      if found.count <= max(1, most) { return found }
      every += 1
    }
    return []
  }

  /// Texts that have the same form for all ticks of an axis.
  private static func texts(_ ticks: [RoundNumber], isTypographic: Bool) -> [Tick] {
    let largest = ticks.map { $0.value.magnitude }.max() ?? 0
    let smallest = ticks.filter { $0.digits != 0 }.map { $0.value.magnitude }.min() ?? 0
    let decimals = max(0, -(ticks.map(\.exponent).min() ?? 0))
    let isUniform = ticks.allSatisfy { $0.exponent == ticks.first?.exponent }
    // Logarithmic axes have exponents of their own for each tick; each shows the decimals it needs.
    let isPlain =
      isUniform
      ? largest < 1e7 && (largest >= 1e-3 || largest == 0) && decimals <= 7 : largest < 1e6 && smallest >= 1e-3
    return ticks.map { tick in
      let text =
        isPlain
        ? plain(tick, decimals: isUniform ? decimals : max(0, -tick.exponent), groups: largest >= 1e4)
        : scientific(tick, isTypographic: isTypographic)
      return Tick(
        value: tick.value, text: isTypographic ? text.replacingOccurrences(of: "-", with: "\u{2212}") : text)
    }
  }

  private static func plain(_ tick: RoundNumber, decimals: Int, groups: Bool) -> String {
    var digits = String(tick.digits.magnitude)
    if tick.exponent > 0, tick.digits != 0 { digits += String(repeating: "0", count: min(20, tick.exponent)) }
    var text = digits
    if decimals > 0 {
      digits = String(repeating: "0", count: max(0, decimals + 1 - digits.count)) + digits
      text = digits.dropLast(decimals) + "." + digits.suffix(decimals)
    } else if groups {
      text = Int(digits).map(Thinning.grouped) ?? digits
    }
    return tick.digits < 0 ? "-" + text : text
  }

  private static func scientific(_ tick: RoundNumber, isTypographic: Bool) -> String {
    guard tick.digits != 0 else { return "0" }
    var digits = String(tick.digits.magnitude)
    let exponent = tick.exponent + digits.count - 1
    while digits.count > 1, digits.hasSuffix("0") { digits.removeLast() }
    let mantissa = digits.count == 1 ? digits : "\(digits.prefix(1)).\(digits.dropFirst())"
    let sign = tick.digits < 0 ? "-" : ""
    guard isTypographic else { return "\(sign)\(mantissa)e\(exponent)" }
    let power = "10" + superscript(exponent)
    return sign + (mantissa == "1" ? power : "\(mantissa)×\(power)")
  }

  private static func superscript(_ number: Int) -> String {
    let marks: [Character: Character] = [
      "-": "⁻", "0": "⁰", "1": "¹", "2": "²", "3": "³", "4": "⁴", "5": "⁵", "6": "⁶", "7": "⁷", "8": "⁸", "9": "⁹",
    ]
    return String(String(number).map { marks[$0] ?? $0 })
  }
}
