/// The candidate that a misspelled name most likely meant (Damerau–Levenshtein distance up to a third of its length).
enum Near {
  static func suggest(_ name: String, _ candidates: some Sequence<String>) -> String? {
    let goal = Array(name.lowercased().utf8)
    guard !goal.isEmpty, goal.count < 64 else { return nil }
    var best: (distance: Int, name: String)?
    for candidate in candidates where candidate != name {
      let letters = Array(candidate.lowercased().utf8)
      guard abs(letters.count - goal.count) <= 3, letters.count < 64 else { continue }
      let limit = goal.count == 1 ? 0 : max(1, min(goal.count, letters.count) / 3)
      let distance = self.distance(goal, letters)
      guard distance <= limit else { continue }
      if best.map({ distance < $0.distance || (distance == $0.distance && candidate < $0.name) }) ?? true {
        best = (distance, candidate)
      }
    }
    return best?.name
  }

  private static func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
    var before: [Int] = []
    var previous = Array(0...b.count)
    for i in 1...max(1, a.count) where i <= a.count {
      var row = [i]
      for j in 1...max(1, b.count) where j <= b.count {
        var value = min(previous[j] + 1, row[j - 1] + 1, previous[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1))
        if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] { value = min(value, before[j - 2] + 1) }
        row.append(value)
      }
      before = previous
      previous = row
    }
    return previous[b.count]
  }
}
