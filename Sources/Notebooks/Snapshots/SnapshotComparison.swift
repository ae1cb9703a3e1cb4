import Foundation

extension Snapshot {
  /// What is different today, a line each; empty where the snapshot still holds.
  ///
  /// - Parameter tolerance: Relative, of numbers that come from no draws.
  package func differences(from today: Snapshot, tolerance: Double) -> [String] {
    var result: [String] = []
    let now = Dictionary(today.cells.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    let known = Set(cells.map(\.name))
    for cell in cells {
      guard let other = now[cell.name] else {
        result.append("cell \(cell.name) shows nothing any more")
        continue
      }
      if cell.outputs.count != other.outputs.count {
        result.append("cell \(cell.name) shows \(other.outputs.count) outputs, not \(cell.outputs.count)")
        continue
      }
      for (number, pair) in zip(cell.outputs, other.outputs).enumerated() {
        if let words = Snapshot.difference(pair.0, pair.1, tolerance) {
          result.append("cell \(cell.name), output \(number + 1): \(words)")
        }
      }
    }
    for cell in today.cells where !known.contains(cell.name) { result.append("cell \(cell.name) is new") }
    return result
  }

  private static func difference(_ old: Output, _ new: Output, _ tolerance: Double) -> String? {
    if let a = old.text, let b = new.text { return differenceOfTexts(a, b, tolerance) }
    if let a = old.table, let b = new.table { return differenceOfTables(a, b, tolerance) }
    if let a = old.figure, let b = new.figure { return differenceOfDrawings(a, b, tolerance) }
    return "it is another kind of output"
  }

  // MARK: - Figures

  /// Words must agree, and each row of numbers within the tolerance times its own range.
  private static func differenceOfDrawings(_ old: Drawing, _ new: Drawing, _ tolerance: Double) -> String? {
    if old == new { return nil }
    if let pair = zip(old.texts, new.texts).first(where: { $0 != $1 }) {
      return "the figure says `\(pair.1)` where `\(pair.0)` was"
    }
    guard old.texts.count == new.texts.count, old.numbers.count == new.numbers.count else {
      return "the figure has other parts"
    }
    for (a, b) in zip(old.numbers, new.numbers) {
      guard a.count == b.count else { return "the figure draws \(b.count) numbers where it drew \(a.count)" }
      let size = a.reduce(0.0) { if case .number(let x) = $1 { max($0, abs(x)) } else { $0 } }
      for (left, right) in zip(a, b) where left != right {
        guard case .number(let x) = left, case .number(let y) = right, abs(x - y) <= tolerance * size else {
          return "the figure draws \(words(right)) where \(words(left)) was"
        }
      }
    }
    return nil
  }

  // MARK: - Texts

  /// Words must agree; where both have a number, the numbers within the tolerance.
  private static func differenceOfTexts(_ old: String, _ new: String, _ tolerance: Double) -> String? {
    if old == new { return nil }
    let a = pieces(old)
    let b = pieces(new)
    guard a.count == b.count else { return "the text is another" }
    for (left, right) in zip(a, b) where left != right {
      guard let x = Double(left), let y = Double(right), isClose(x, y, tolerance) else {
        return "`\(right.trimmingCharacters(in: .whitespacesAndNewlines))` "
          + "where `\(left.trimmingCharacters(in: .whitespacesAndNewlines))` was"
      }
    }
    return nil
  }

  /// A text as numbers and what stands between them.
  private static func pieces(_ text: String) -> [String] {
    var result: [String] = []
    var current = ""
    var isNumber = false
    for character in text {
      let starts = character.isASCII && character.isNumber
      let continues =
        starts || (isNumber && (character == "." || character == "e" || character == "E"))
        || (isNumber && (character == "-" || character == "+") && (current.last == "e" || current.last == "E"))
      if continues != isNumber, !current.isEmpty {
        result.append(current)
        current = ""
      }
      isNumber = continues
      current.append(character)
    }
    if !current.isEmpty { result.append(current) }
    return result
  }

  private static func isClose(_ x: Double, _ y: Double, _ tolerance: Double) -> Bool {
    x == y || abs(x - y) <= tolerance * max(abs(x), abs(y))
  }

  // MARK: - Tables

  /// Columns of a summary of draws, with how many Monte Carlo errors of the mean each may move: quantiles and the spread
  /// are noisier than the mean.
  private static let estimates: [String: Double] = ["mean": 4, "sd": 6, "q5": 12, "median": 8, "q95": 12]
  /// What tells how good a run was, not what it found; it differs from machine to machine.
  private static let quality: Set<String> = ["mcse", "R-hat", "ESS bulk", "ESS tail"]

  private static func differenceOfTables(_ old: Table, _ new: Table, _ tolerance: Double) -> String? {
    if old == new { return nil }
    guard old.title == new.title else { return "the title is another" }
    guard old.columns == new.columns else { return "the columns are others" }
    guard old.rows.count == new.rows.count else { return "\(new.rows.count) rows where \(old.rows.count) were" }
    let error = old.columns.firstIndex(of: "mcse")
    for (a, b) in zip(old.rows, new.rows) {
      guard a.count == b.count else { return "a row has another length" }
      for (column, pair) in zip(a, b).enumerated() where pair.0 != pair.1 {
        let name = column < old.columns.count ? old.columns[column] : ""
        guard case .number(let x) = pair.0, case .number(let y) = pair.1 else {
          return "\(rowName(a)), \(name): \(words(pair.1)) where \(words(pair.0)) was"
        }
        var allowed = tolerance * max(abs(x), abs(y))
        if let error, error < a.count, case .number(let first) = a[error] {
          if name == "mcse", y > 3 * x {
            return "\(rowName(a)): the Monte Carlo error is \(y), more than three times \(x) as it was"
          }
          if quality.contains(name) { continue }
          // By the error of the kept run alone: a worse run may not widen what it is held to.
          if let factor = estimates[name] { allowed = max(allowed, factor * first * 2.0.squareRoot()) }
        }
        if abs(x - y) > allowed {
          return
            "\(rowName(a)), \(name): \(y) where \(x) was, which is more than \(String(format: "%.2g", allowed)) away"
        }
      }
    }
    // Notes of a summary tell of the sampler's run.
    return old.notes == new.notes || error != nil ? nil : "the notes are others"
  }

  private static func rowName(_ row: [Value]) -> String {
    if case .text(let text)? = row.first { return "row `\(text)`" }
    return "a row"
  }

  private static func words(_ value: Value) -> String {
    switch value {
    case .number(let number): "\(number)"
    case .text(let text): "`\(text)`"
    case .missing: "nothing"
    }
  }
}
