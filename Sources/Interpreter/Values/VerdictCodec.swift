package import Rendering

// Verdicts of fits as bytes: what the cache keeps of a cell's output.

extension ValueEncoder {
  package mutating func write(_ verdict: Verdict) {
    write(verdict.model)
    write([verdict.chains, verdict.draws, verdict.otherQuantities, verdict.divergences])
    write([verdict.depthHits, verdict.depthLimit])
    write(verdict.quantities.map(\.name))
    write(verdict.quantities.flatMap { [$0.rHat, $0.bulkESS, $0.tailESS] })
    write(verdict.ebfmi)
    write([verdict.rHatLimit, verdict.essLimit, verdict.ebfmiLimit])
    write(verdict.problems)
  }
}

extension ValueDecoder {
  /// - Throws: Where the bytes are no verdict.
  package mutating func verdict() throws -> Verdict {
    let model = try string()
    let counts = try ints()
    let depth = try ints()
    let names = try strings()
    let numbers = try doubles()
    let ebfmi = try doubles()
    let limits = try doubles()
    let problems = try strings()
    guard counts.count == 4, depth.count == 2, limits.count == 3, numbers.count == 3 * names.count else {
      throw DecodingError("a verdict of another form")
    }
    let quantities = names.enumerated().map { index, name in
      Verdict.Quantity(
        name: name, rHat: numbers[3 * index], bulkESS: numbers[3 * index + 1], tailESS: numbers[3 * index + 2])
    }
    return Verdict(
      model: model, chains: counts[0], draws: counts[1], quantities: quantities, otherQuantities: counts[2],
      divergences: counts[3], depthHits: depth[0], depthLimit: depth[1], ebfmi: ebfmi, rHatLimit: limits[0],
      essLimit: limits[1], ebfmiLimit: limits[2], problems: problems)
  }
}
