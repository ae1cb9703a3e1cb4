import Foundation

/// The places on an axis that get a number, and the numbers' texts.
struct Ticks {
  struct Tick: Equatable {
    var value: Double
    var text: String
  }
  var ticks: [Tick] = []

  /// About `count` round numbers within a range.
  static func linear(_ range: ClosedRange<Double>, count: Int, isWhole: Bool = false) -> Ticks {
    let span = range.upperBound - range.lowerBound
    guard span > 0, span.isFinite, count > 0 else {
      return Ticks(ticks: [Tick(value: range.lowerBound, text: short(range.lowerBound))])
    }
    let raw = span / Double(count)
    let power = pow(10, floor(log10(raw)))
    guard power > 0, power.isFinite else {
      return Ticks(ticks: [Tick(value: range.lowerBound, text: short(range.lowerBound))])
    }
    let fraction = raw / power
    var step = (fraction <= 1.0001 ? 1 : fraction <= 2.0001 ? 2 : fraction <= 5.0001 ? 5 : 10) * power
    if isWhole { step = max(1, step.rounded()) }
    let first = (range.lowerBound / step - 1e-9).rounded(.up)
    let last = (range.upperBound / step + 1e-9).rounded(.down)
    guard first.magnitude < 1e15, last.magnitude < 1e15, last >= first else { return Ticks() }
    let places = max(0, Int((-log10(step) + 1e-9).rounded(.up)))
    let largest = max(range.lowerBound.magnitude, range.upperBound.magnitude)
    let isScientific = largest >= 1e6 || (largest < 1e-3 && largest > 0)
    var result = Ticks()
    for index in 0...min(100, Int(last - first)) {
      let multiple = first + Double(index)
      let value = multiple == 0 ? 0 : multiple * step
      let text = isScientific ? scientific(value, step: step) : fixed(value, places: min(12, places))
      result.ticks.append(Tick(value: value, text: text))
    }
    return result
  }

  /// Powers of ten within a range, with 2 and 5 between them where that is few.
  static func logarithmic(_ range: ClosedRange<Double>, count: Int) -> Ticks {
    let low = log10(range.lowerBound)
    let high = log10(range.upperBound)
    guard low.isFinite, high.isFinite, high > low else { return Ticks() }
    let first = Int((low - 1e-9).rounded(.up))
    let last = Int((high + 1e-9).rounded(.down))
    let decades = high - low
    var result = Ticks()
    func add(_ value: Double) {
      if value >= range.lowerBound * 0.999999, value <= range.upperBound * 1.000001 {
        result.ticks.append(Tick(value: value, text: short(value)))
      }
    }
    if decades < 0.7 { return linear(range, count: count) }
    let multiples: [Double] = decades < 1.5 ? [1, 2, 5] : decades < 2.5 ? [1, 3] : [1]
    let stride = max(1, Int((decades / Double(max(1, count))).rounded(.up)))
    var exponent = first - 1
    while exponent <= last {
      if stride == 1 || exponent % stride == 0 {
        for multiple in multiples { add(multiple * pow(10, Double(exponent))) }
      }
      exponent += 1
    }
    return result
  }

  // MARK: - Numbers

  /// A number in few characters, for ticks and sentences.
  static func short(_ value: Double, digits: Int = 3) -> String {
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

  private static func fixed(_ value: Double, places: Int) -> String {
    minus(NumberText.fixed(value, places: places))
  }

  private static func scientific(_ value: Double, step: Double) -> String {
    if value == 0 { return "0" }
    let digits = max(0, Int((log10(value.magnitude / step) + 1e-9).rounded(.down)))
    return minus(tidy(String(format: "%.\(min(12, digits))e", value)))
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
