import Foundation

/// Dual averaging of the log step size (Hoffman & Gelman 2014, section 3.2.1).
package struct DualAveraging: Sendable {
  package var targetAcceptance: Double
  package var gamma = 0.05
  package var t0 = 10.0
  package var kappa = 0.75
  package private(set) var mu = 0.0
  package private(set) var count = 0.0
  package private(set) var errorMean = 0.0
  package private(set) var logStepMean = 0.0

  package init(targetAcceptance: Double, initialStepSize: Double) {
    self.targetAcceptance = targetAcceptance
    restart(at: initialStepSize)
  }

  package mutating func restart(at stepSize: Double) {
    mu = log(10 * stepSize)
    count = 0
    errorMean = 0
    logStepMean = 0
  }

  /// Takes in one acceptance statistic and gives the step size for the next transition.
  package mutating func update(acceptance: Double) -> Double {
    count += 1
    let bounded = min(1, acceptance.isNaN ? 0 : acceptance)
    let eta = 1 / (count + t0)
    errorMean = (1 - eta) * errorMean + eta * (targetAcceptance - bounded)
    let logStep = mu - count.squareRoot() / gamma * errorMean
    let weight = pow(count, -kappa)
    logStepMean = weight * logStep + (1 - weight) * logStepMean
    return exp(logStep)
  }

  /// The averaged step size: what sampling runs with.
  package var finalStepSize: Double { exp(logStepMean) }

  func write(to writer: inout ByteWriter) {
    for number in [mu, count, errorMean, logStepMean] { writer.write(number) }
  }

  init(from reader: inout ByteReader, targetAcceptance: Double) throws(DamagedBytes) {
    self.targetAcceptance = targetAcceptance
    mu = try reader.double()
    count = try reader.double()
    errorMean = try reader.double()
    logStepMean = try reader.double()
  }
}

/// Running variances of a window of warmup, shrunk toward 10⁻³ as Stan does with few draws.
package struct VarianceEstimate: Sendable {
  package private(set) var count = 0
  package private(set) var mean: [Double]
  private var squares: [Double]

  package init(dimension: Int) {
    mean = Array(repeating: 0, count: dimension)
    squares = mean
  }

  package mutating func add(_ x: UnsafePointer<Double>) {
    count += 1
    let share = 1 / Double(count)
    for index in mean.indices {
      let delta = x[index] - mean[index]
      mean[index] += share * delta
      squares[index] += delta * (x[index] - mean[index])
    }
  }

  /// An entry's variance over that of another estimate of as many values.
  func ratio(to other: VarianceEstimate, at index: Int) -> Double { squares[index] / other.squares[index] }

  package var variance: [Double] { squares.map { count > 1 ? $0 / Double(count - 1) : 0 } }

  package var regularized: [Double] {
    let n = Double(count)
    return variance.map { n / (n + 5) * $0 + 1e-3 * (5 / (n + 5)) }
  }

  package mutating func reset() { self = VarianceEstimate(dimension: mean.count) }

  func write(to writer: inout ByteWriter) {
    writer.write(count)
    writer.write(mean)
    writer.write(squares)
  }

  init(from reader: inout ByteReader, dimension: Int, maximumCount: Int) throws(DamagedBytes) {
    count = try reader.int(in: 0...maximumCount)
    mean = try reader.doubles(dimension)
    squares = try reader.doubles(dimension)
  }
}

/// A diagonal metric from draws and gradients: the scale that minimizes the Fisher divergence between the target and a
/// normal is √(var(draws) / var(gradients)) (Seyboldt, Carlson & Carpenter 2024, "Preconditioning Hamiltonian Monte Carlo
/// by minimizing Fisher divergence", section 3.1). Gradients say as much of a scale as draws do, so that a handful of
/// iterations suffices.
///
/// Two estimates run side by side; the older one serves, and is replaced by the younger one every so often, so that
/// where the chain came from is forgotten.
package struct MetricEstimate: Sendable {
  private var draws, gradients: VarianceEstimate
  private var nextDraws, nextGradients: VarianceEstimate

  /// How many vectors it keeps.
  static let vectorCount = 8

  /// Iterations after which the younger estimate takes over: early in warmup, and later.
  package static let earlySpan = 10
  package static let lateSpan = 80

  package init(dimension: Int) {
    draws = VarianceEstimate(dimension: dimension)
    gradients = draws
    nextDraws = draws
    nextGradients = draws
  }

  /// The metric of the first gradient alone: the scale is about the inverse of the slope.
  package static func first(
    _ gradient: UnsafePointer<Double>, into inverseMass: UnsafeMutablePointer<Double>, _ count: Int
  ) {
    for index in 0..<count {
      let slope = abs(gradient[index])
      inverseMass[index] = slope.isFinite && slope > 0 ? min(1e10, max(1e-10, 1 / slope)) : 1
    }
  }

  package mutating func add(position: UnsafePointer<Double>, gradient: UnsafePointer<Double>) {
    draws.add(position)
    gradients.add(gradient)
    nextDraws.add(position)
    nextGradients.add(gradient)
  }

  /// Replaces the estimate that serves where the younger one has seen enough.
  ///
  /// - Returns: Whether it did.
  package mutating func renew(after span: Int) -> Bool {
    guard nextDraws.count >= span else { return false }
    (draws, gradients) = (nextDraws, nextGradients)
    nextDraws.reset()
    nextGradients.reset()
    return true
  }

  /// Writes the inverse mass; leaves it where draws are too few or an entry has no scale.
  package func write(into inverseMass: UnsafeMutablePointer<Double>) {
    guard draws.count >= 3 else { return }
    for index in draws.mean.indices {
      let scale = draws.ratio(to: gradients, at: index).squareRoot()
      if scale.isFinite, scale > 0 { inverseMass[index] = min(1e20, max(1e-20, scale)) }
    }
  }

  func write(to writer: inout ByteWriter) {
    for estimate in [draws, gradients, nextDraws, nextGradients] { estimate.write(to: &writer) }
  }

  init(from reader: inout ByteReader, dimension: Int, maximumCount: Int) throws(DamagedBytes) {
    func estimate() throws(DamagedBytes) -> VarianceEstimate {
      try VarianceEstimate(from: &reader, dimension: dimension, maximumCount: maximumCount)
    }
    draws = try estimate()
    gradients = try estimate()
    nextDraws = try estimate()
    nextGradients = try estimate()
  }
}

/// The parts of a warmup by draws and gradients: an early one, a long one, and the end, where the metric stands still
/// and the step size settles.
package struct MetricSchedule: Sendable {
  package let early: Int
  package let last: Int

  package init(warmup: Int) {
    early = Int(0.3 * Double(warmup))
    last = warmup - max(min(warmup, 5), Int(0.15 * Double(warmup)))
  }
}
