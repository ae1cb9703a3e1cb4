/// SplitMix64 (Steele, Lea & Flood 2014): the same cases from the same seed.
package struct Cases: RandomNumberGenerator {
  private var state: UInt64
  /// Seeds are spread by another constant than the steps, else the streams of neighboring seeds would overlap.
  package init(seed: UInt64) { state = (seed &+ 1) &* 0xD134_2543_DE82_EF95 }
  package mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
  package mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<max(1, bound), using: &self) }
  package mutating func chance(_ percent: Int) -> Bool { below(100) < percent }
  package mutating func pick<T>(_ items: [T]) -> T { items[below(items.count)] }
}

/// A notebook with its files and parameters, and random edits of it: what the cache is held against.
package struct FuzzedNotebook: Equatable, Sendable {
  package struct Cell: Equatable, Sendable {
    package var label: String?
    package var options: [String] = []
    /// With holes `%1`, `%2`, … for numbers that edits change.
    package var lines: [String]
    package var numbers: [Int] = []
    package var comment: String?

    var code: String {
      var text = lines.joined(separator: "\n")
      for (index, number) in numbers.enumerated().reversed() {
        text = text.replacingOccurrences("%\(index + 1)", with: "\(number)")
      }
      return (comment.map { "// \($0)\n" } ?? "") + text
    }
  }

  package var cells: [Cell]
  package var files: [String: String]
  package var parameters: [String: String]
  package var environment: [String: String]
  package var seed: Int

  package var text: String {
    var result = "---\nseed: \(seed)\nparams:\n"
    for (name, value) in parameters.sorted(by: { $0.key < $1.key }) { result += "  \(name): \(value)\n" }
    result += "---\n\n# Fuzz\n\n"
    for cell in cells {
      let options = cell.options.map { "//| \($0)\n" }.joined()
      result += "```swift {\(cell.label.map { "#\($0)" } ?? "")}\n\(options)\(cell.code)\n```\n\n"
    }
    return result
  }

  // MARK: - Making

  private static let integers = ["a", "b", "s"]

  /// A cell of a random kind.
  package static func cell(_ random: inout Cases) -> Cell {
    let x = random.pick(integers)
    let y = random.pick(integers)
    let n = { (random: inout Cases) in random.below(5) }
    let templates: [(Int, [String])] = [
      (6, ["let \(x) = %1"]),
      (3, ["let \(x) = \(y) + %1"]),
      (2, ["let v = [%1.5, %2.25, Real(\(x))]", "print(v)"]),
      (3, ["let v = (0..<(%1 + 2)).map { Real($0) * Real(\(x)) }", "v"]),
      (4, ["func f(_ x: Int) -> Int { return x * %1 + \(y) }"]),
      (1, ["func f(_ x: Real) -> Real { return x + %1.5 }"]),
      (3, ["func g(_ x: Int) -> Int {", "  if x > %1 { return f(x) }", "  return x", "}"]),
      (3, ["let k = { (x: Int) in x + \(y) * %1 }"]),
      (2, ["let k = { (x: Int) in f(x) - %1 }"]),
      (3, ["print(f(%1))", "print(k(%2))"]),
      (3, ["if \(x) > %1 { print(\(y)) } else { print(g(%2)) }"]),
      (3, ["print(\"\(x) is \\(\(x)) of %1\")"]),
      (2, ["func say(_ x: Int) { print(\"said \\(x) %1\") }", "say(\(x))"]),
      (2, ["say(%1)", "let d = \(x)"]),
      (2, ["print([5, 6, 7][\(x)])"]),
      (2, ["let u = Uniform(0, 1).draw(%1 + 1)", "print(u)"]),
      (1, ["func roll(_ n: Int) -> Real { return sum(Uniform(0, 1).draw(n + 1)) }"]),
      (1, ["let \(x) = %1 + 0", "print(roll(\(x)))"]),
      (
        4,
        [
          "model M(n: Int) {", "  let mu ~ Normal(0, %1 + 1)", "  let tau ~ HalfNormal(2)",
          "  let eta = mu + Real(\(y))",
          "  plate i in 0..<n { let y ~ Normal(eta, tau) }", "}",
        ]
      ),
      (
        4,
        [
          "let m = M(n: 3).given(y: [0.5, %1.0, 1.5])",
          "let fit = sample(m, draws: 8, warmup: 8, chains: 1, seed: %2)",
        ]
      ),
      (
        2,
        ["let m = M(n: 3).given(y: [0.5, nil, %1.0])", "let fit = sample(m, draws: 8, warmup: 8, chains: 2)"]
      ),
      (4, ["print(fit.mu)"]),
      (3, ["print(mean(fit.eta) + %1.0)"]),
      (2, ["let p = M(n: %1 + 1).prior(2)", "print(p.y)"]),
      (2, ["print(fit.predict(n: %1 + 1).mu[0])"]),
      (1, ["summary(fit)"]),
      (3, ["let t = readCSV(\"t.csv\")", "print(t.x)", "print(t.count + %1)"]),
      (2, ["let name = fileExists(\"extra.txt\") ? \"extra.txt\" : \"base.txt\"", "print(readText(name))"]),
      (1, ["print(listFiles(\".\").count + %1)"]),
      (2, ["print(parameter(\"size\") ?? \"none\")"]),
      (1, ["print(environment(\"FUZZ\") ?? \"unset\")"]),
      (2, ["struct P { let x: Int; let y: Real }", "let q = P(x: \(x), y: %1.5)", "print(q.x)"]),
      (1, ["print(q)"]),
      (2, ["var total = %1", "for i in 0..<\(x) { total += i }", "total"]),
      (1, ["check(\(x) < %1, \"small enough\")"]),
      (1, ["let w = [\"k\": \(x), \"l\": %1]", "print(w)"]),
      (1, ["print(now() >= 0 - %1.0)"]),
      (1, ["let h = f", "print(h(%1))"]),
      (1, ["let hs = [k, { (x: Int) in x * %1 }]", "print(hs[1](2))"]),
    ]
    let total = templates.reduce(0) { $0 + $1.0 }
    var roll = random.below(total)
    let lines =
      templates.first { template in
        roll -= template.0
        return roll < 0
      }?.1 ?? ["let a = %1"]
    var cell = Cell(lines: lines)
    cell.numbers = (0..<3).map { _ in n(&random) }
    if random.chance(30) { cell.label = "c\(random.below(1000))" }
    return cell
  }

  package init(_ random: inout Cases) {
    files = ["t.csv": "x,z\n1,a\n2,b\n", "base.txt": "base"]
    parameters = ["size": "3"]
    environment = [:]
    seed = random.below(3)
    // A core that the other kinds can refer to, then anything, mostly below it.
    func cell(_ label: String?, _ lines: [String], _ numbers: [Int]) -> Cell {
      Cell(label: label, lines: lines, numbers: numbers + Array(repeating: 1, count: 3 - numbers.count))
    }
    cells = [
      cell(nil, ["let a = %1"], [2]), cell(nil, ["let b = %1"], [3]), cell(nil, ["let s = a + %1"], [1]),
      cell(nil, ["func f(_ x: Int) -> Int { return x * %1 + s }"], [2]),
      cell(nil, ["func g(_ x: Int) -> Int {", "  if x > %1 { return f(x) }", "  return x", "}"], [2]),
      cell("k", ["let k = { (x: Int) in x + s * %1 }"], [1]),
    ]
    if random.chance(60) { cells.append(cell("t", ["let t = readCSV(\"t.csv\")", "print(t.count + %1)"], [1])) }
    if random.chance(60) {
      cells.append(
        cell(
          nil,
          [
            "model M(n: Int) {", "  let mu ~ Normal(0, %1 + 1)", "  let tau ~ HalfNormal(2)",
            "  let eta = mu + Real(b)",
            "  plate i in 0..<n { let y ~ Normal(eta, tau) }", "}",
          ], [random.below(3)]))
      cells.append(
        cell(
          random.chance(50) ? "fit" : nil,
          [
            "let m = M(n: 3).given(y: [0.5, %1.0, 1.5])",
            "let fit = sample(m, draws: 8, warmup: 8, chains: 1, seed: %2)",
          ],
          [random.below(3), random.below(3)]))
    }
    for _ in 0..<(3 + random.below(6)) {
      let place = random.chance(80) ? cells.count : random.below(cells.count + 1)
      cells.insert(FuzzedNotebook.cell(&random), at: place)
    }
    relabel()
  }

  /// Labels are unique: later ones of the same text lose theirs.
  private mutating func relabel() {
    var seen: Set<String> = []
    for index in cells.indices {
      if let label = cells[index].label, !seen.insert(label).inserted { cells[index].label = nil }
    }
  }

  // MARK: - Editing

  package enum Edit: String, CaseIterable, Sendable {
    case literal, comment, blank, renameLocal, label, caption, refresh, swapCells, moveCell, insert, delete, duplicate
    case swapSites, overload, shadow, parenthesize
    case changeFile, removeFile, restoreFile, touchFile, addFile, seed, parameter, environment, undo

    /// Those that usually touch some cells and leave others.
    static let telling: [Edit] = [
      .literal, .literal, .literal, .literal, .literal, .literal, .shadow, .insert, .insert, .changeFile,
    ]
  }

  /// Applies an edit; false where it has nothing to act on.
  package mutating func apply(_ edit: Edit, _ random: inout Cases) -> Bool {
    let place = random.below(cells.count)
    switch edit {
    case .literal:
      let hole = random.chance(80) ? 0 : 1
      guard cells[place].lines.contains(where: { $0.contains("%\(hole + 1)") }) else { return false }
      cells[place].numbers[hole] = (cells[place].numbers[hole] + 1 + random.below(3)) % 6
    case .comment: cells[place].comment = random.chance(30) ? nil : "note \(random.below(1000))"
    case .blank: cells[place].lines.insert("", at: random.below(cells[place].lines.count + 1))
    case .renameLocal:
      guard let line = cells[place].lines.firstIndex(where: { $0.contains("(x: Int)") || $0.contains("(_ x: Int)") }),
        cells[place].lines.count == 1
      else { return false }
      let text = cells[place].lines[line]
      cells[place].lines[line] = text.contains("zz") ? text : text.replacingWord("x", with: "zz")
    case .label: cells[place].label = random.chance(30) ? nil : "c\(random.below(1000))"
    case .caption: cells[place].options = ["caption: words \(random.below(100))"]
    case .refresh: cells[place].options = ["refresh: \(random.below(100))"]
    case .swapCells:
      let other = random.below(cells.count)
      guard other != place else { return false }
      cells.swapAt(place, other)
    case .moveCell:
      let cell = cells.remove(at: place)
      cells.insert(cell, at: random.below(cells.count + 1))
    case .insert: cells.insert(FuzzedNotebook.cell(&random), at: random.below(cells.count + 1))
    case .delete:
      guard cells.count > 4 else { return false }
      cells.remove(at: place)
    case .duplicate: cells.insert(cells[place], at: random.below(cells.count + 1))
    case .swapSites:
      guard let at = cells.firstIndex(where: { $0.lines.first?.hasPrefix("model M") == true }),
        cells[at].lines.count > 3
      else { return false }
      cells[at].lines.swapAt(1, 2)
    case .overload:
      cells.insert(
        Cell(lines: ["func f(_ x: Bool) -> Int { return %1 }"], numbers: [random.below(5), 0, 0]),
        at: random.below(cells.count + 1))
    case .shadow:
      cells.insert(
        Cell(lines: ["let \(random.pick(FuzzedNotebook.integers)) = %1"], numbers: [random.below(6), 0, 0]),
        at: random.below(cells.count + 1))
    case .parenthesize:
      guard let line = cells[place].lines.firstIndex(where: { $0.hasPrefix("print(") && $0.hasSuffix(")") }) else {
        return false
      }
      let text = cells[place].lines[line]
      cells[place].lines[line] = "print((" + text.dropFirst(6).dropLast() + "))"
    case .changeFile:
      guard files["t.csv"] != nil else { return false }
      files["t.csv"] = "x,z\n\(random.below(9)),a\n\(random.below(9)),b\n"
      if random.chance(30) { files["base.txt"] = "base \(random.below(100))" }
    case .removeFile:
      let present = ["t.csv", "t.csv", "extra.txt"].filter { files[$0] != nil }
      guard !present.isEmpty else { return false }
      files[random.pick(present)] = nil
    case .restoreFile:
      guard files["t.csv"] == nil else { return false }
      files["t.csv"] = "x,z\n1,a\n2,b\n"
    case .touchFile: break
    case .addFile: files["extra.txt"] = "extra \(random.below(20))"
    case .seed: seed = random.below(4)
    case .parameter: parameters["size"] = "\(random.below(6))"
    case .environment: environment["FUZZ"] = random.chance(30) ? nil : "\(random.below(5))"
    case .undo: return false
    }
    relabel()
    return true
  }

  /// Edits of a sequence with what they lead to, the start first; `undo` goes back to an earlier state.
  package static func sequence(seed: UInt64, edits count: Int) -> [(edit: Edit?, notebook: FuzzedNotebook)] {
    var random = Cases(seed: seed)
    var states: [(edit: Edit?, notebook: FuzzedNotebook)] = [(nil, FuzzedNotebook(&random))]
    while states.count <= count {
      var next = states[states.count - 1].notebook
      // Most edits change what some cell gives; the rest is spread over all kinds.
      let isMissing = next.files["t.csv"] == nil && random.chance(50)
      let edit = isMissing ? .restoreFile : random.chance(80) ? random.pick(Edit.telling) : random.pick(Edit.allCases)
      if edit == .undo {
        guard states.count > 1 else { continue }
        next = states[max(0, states.count - 2 - random.below(2))].notebook
      } else if !next.apply(edit, &random) {
        continue
      }
      states.append((edit, next))
    }
    return states
  }
}

extension String {
  fileprivate func replacingOccurrences(_ part: String, with other: String) -> String {
    split(separator: part, omittingEmptySubsequences: false).joined(separator: other)
  }

  /// Replaces a whole word.
  fileprivate func replacingWord(_ word: String, with other: String) -> String {
    var result = ""
    var current = ""
    func isPart(_ character: Character) -> Bool { character.isLetter || character.isNumber || character == "_" }
    for character in self + "\n" {
      if isPart(character) {
        current.append(character)
      } else {
        result += current == word ? other : current
        current = ""
        result.append(character)
      }
    }
    result.removeLast()
    return result
  }
}
