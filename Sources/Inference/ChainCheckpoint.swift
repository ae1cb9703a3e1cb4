package import Numerics

/// All that a chain needs to go on: where it is, what it adapts, and what it has made so far.
///
/// The generator has no state: streams are keyed by iteration.
package struct ChainCheckpoint: Sendable {
  /// The iteration that comes next.
  package var iteration = 0
  package var position: [Double]
  /// Log density and gradient at the position, to see that they still have the same bits there.
  package var logDensity = 0.0
  package var gradient: [Double]
  package var stepSize = 1.0
  package var inverseMass: [Double]
  package var averaging: DualAveraging
  package var metric: MetricEstimate
  package var result = ChainResult(positions: [], count: 0)

  /// The state of a new chain; position, gradient and metric are empty until a kernel writes its own down.
  init(dimension: Int, targetAcceptance: Double) {
    position = []
    gradient = []
    inverseMass = []
    averaging = DualAveraging(targetAcceptance: targetAcceptance, initialStepSize: 1)
    metric = MetricEstimate(dimension: dimension)
  }
}

/// Where chains leave their states, so that a later run goes on from there. Who keeps the bytes, and when it is time for
/// them, is the caller's business.
package struct ChainMemory: Sendable {
  /// What is computed; bytes that were written for anything else are not read.
  package var identity: Digest
  package var load: @Sendable (_ chain: Int) -> [UInt8]?
  /// Asked once per iteration.
  package var isDue: @Sendable (_ chain: Int) -> Bool
  package var save: @Sendable (_ chain: Int, _ bytes: [UInt8]) -> Void

  package init(
    identity: Digest, load: @escaping @Sendable (_ chain: Int) -> [UInt8]?,
    isDue: @escaping @Sendable (_ chain: Int) -> Bool,
    save: @escaping @Sendable (_ chain: Int, _ bytes: [UInt8]) -> Void
  ) {
    self.identity = identity
    self.load = load
    self.isDue = isDue
    self.save = save
  }

  /// What a chain's bytes are written for.
  package func identity(of chain: Int) -> Digest {
    var builder = DigestBuilder()
    builder.append(tag: "chain")
    builder.append(identity)
    builder.append(chain)
    return builder.finish()
  }
}

// MARK: - Bytes

extension ChainCheckpoint {
  private static let format = "chain checkpoint 3"

  package func encoded(for identity: Digest) -> [UInt8] {
    var writer = ByteWriter(wordCount: result.wordCount + 14 * position.count)
    writer.write(iteration)
    writer.write(position)
    writer.write(logDensity)
    writer.write(gradient)
    writer.write(stepSize)
    writer.write(inverseMass)
    averaging.write(to: &writer)
    metric.write(to: &writer)
    result.write(to: &writer)
    return SealedBytes.seal(writer, format: ChainCheckpoint.format, identity: identity)
  }

  /// Nil for bytes that are damaged, or no state that a chain of these settings can be in.
  package init?(_ bytes: [UInt8], for identity: Digest, dimension: Int, settings: NUTSSettings) {
    guard var reader = SealedBytes.open(bytes, format: ChainCheckpoint.format, identity: identity) else { return nil }
    do throws(DamagedBytes) {
      iteration = try reader.int(in: 0...(settings.warmup + settings.draws))
      position = try reader.doubles(dimension)
      logDensity = try reader.double()
      gradient = try reader.doubles(dimension)
      stepSize = try reader.double()
      inverseMass = try reader.doubles(dimension)
      averaging = try DualAveraging(from: &reader, targetAcceptance: settings.targetAcceptance)
      metric = try MetricEstimate(from: &reader, dimension: dimension, maximumCount: settings.warmup)
      result = try ChainResult(
        from: &reader, count: max(0, iteration - settings.warmup), dimension: dimension, settings: settings)
    } catch { return nil }
    guard reader.isAtEnd else { return nil }
  }
}

extension ChainResult {
  private static let format = "chains 2"

  /// Finished chains as bytes.
  package static func encoded(_ chains: [ChainResult], for identity: Digest) -> [UInt8] {
    var writer = ByteWriter(wordCount: chains.reduce(0) { $0 + $1.wordCount })
    for chain in chains { chain.write(to: &writer) }
    return SealedBytes.seal(writer, format: format, identity: identity)
  }

  /// All chains of a run with these settings; nil for bytes that do not hold just them.
  package static func decoded(
    _ bytes: [UInt8], for identity: Digest, dimension: Int, settings: NUTSSettings
  ) -> [ChainResult]? {
    guard var reader = SealedBytes.open(bytes, format: format, identity: identity) else { return nil }
    var chains: [ChainResult] = []
    do throws(DamagedBytes) {
      for _ in 0..<settings.chains {
        chains.append(
          try ChainResult(from: &reader, count: settings.draws, dimension: dimension, settings: settings))
      }
    } catch { return nil }
    return reader.isAtEnd ? chains : nil
  }

  fileprivate var wordCount: Int { positions.count + 2 * inverseMass.count + 7 * count + 16 }

  fileprivate func write(to writer: inout ByteWriter) {
    writer.write(positions)
    writer.write(acceptance)
    writer.write(stepSizes)
    writer.write(treeDepths)
    writer.write(leapfrogs)
    writer.write(isDivergent)
    writer.write(energy)
    writer.write(logDensity)
    writer.write(outsideCount)
    writer.write(outsidePosition)
    writer.write(finalStepSize)
    writer.write(inverseMass)
    writer.write(warmupLeapfrogs)
    writer.write(warmupDivergences)
  }

  fileprivate init(
    from reader: inout ByteReader, count: Int, dimension: Int, settings: NUTSSettings
  ) throws(DamagedBytes) {
    // Bounds that no transition passes and no sum of many overflows at.
    let leapfrogs = 0...(1 << min(62, settings.maxTreeDepth))
    let (size, isTooLarge) = count.multipliedReportingOverflow(by: dimension)
    guard !isTooLarge else { throw DamagedBytes() }
    self.init(positions: try reader.doubles(size), count: count)
    acceptance = try reader.doubles(count)
    stepSizes = try reader.doubles(count)
    treeDepths = try reader.ints(count, in: 0...max(0, settings.maxTreeDepth))
    self.leapfrogs = try reader.ints(count, in: leapfrogs)
    isDivergent = try reader.flags(count)
    energy = try reader.doubles(count)
    logDensity = try reader.doubles(count)
    outsideCount = try reader.int(in: 0...count)
    outsidePosition = try reader.doubles(outsideCount > 0 ? dimension : 0)
    finalStepSize = try reader.double()
    inverseMass = try reader.doubles(dimension)
    warmupLeapfrogs = try reader.int(in: 0...(1 << 52))
    warmupDivergences = try reader.int(in: 0...settings.warmup)
  }
}
