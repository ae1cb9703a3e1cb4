import Foundation
package import Numerics

/// What a maximization ended with.
package struct OptimizationResult: Sendable {
  package enum Reason: Int, Sendable { case gradient, change, iterations, lineSearch, cancelled }
  package var position: [Double]
  package var logDensity: Double
  package var gradientNorm: Double
  package var iterations: Int
  package var evaluations: Int
  package var reason: Reason

  private static let format = "optimum 1"

  package func encoded(for identity: Digest) -> [UInt8] {
    var writer = ByteWriter(wordCount: position.count)
    writer.write(position)
    writer.write(logDensity)
    writer.write(gradientNorm)
    writer.write(iterations)
    writer.write(evaluations)
    writer.write(reason.rawValue)
    return SealedBytes.seal(writer, format: OptimizationResult.format, identity: identity)
  }

  /// Nil for bytes that do not hold just a result of this dimension.
  package static func decoded(_ bytes: [UInt8], for identity: Digest, dimension: Int) -> OptimizationResult? {
    guard var reader = SealedBytes.open(bytes, format: format, identity: identity) else { return nil }
    do throws(DamagedBytes) {
      let result = OptimizationResult(
        position: try reader.doubles(dimension), logDensity: try reader.double(), gradientNorm: try reader.double(),
        iterations: try reader.int(in: 0...Int.max), evaluations: try reader.int(in: 0...Int.max),
        reason: Reason(rawValue: try reader.int(in: 0...Reason.lineSearch.rawValue)) ?? .iterations)
      return reader.isAtEnd ? result : nil
    } catch { return nil }
  }
}

/// Maximizes a log density by L-BFGS (Nocedal & Wright, *Numerical Optimization*, algorithms 7.4 and 7.5) with a line
/// search that meets the strong Wolfe conditions (algorithms 3.5 and 3.6) and backs off from points that cannot be evaluated.
package enum Optimizer {
  /// Raised whenever a change may change a mode.
  package static let epoch = 1

  package struct Settings: Sendable {
    package var history = 8
    package var maximumIterations = 2000
    package var gradientTolerance = 1e-8
    package var relativeChange = 1e-13
    package init() {}
  }

  package static func maximize(
    _ target: any LogDensity, from start: [Double], settings: Settings = Settings(), isCancelled: () -> Bool = { false }
  ) -> OptimizationResult {
    let n = target.dimension
    let workspace = UnsafeMutableRawPointer.allocate(byteCount: max(64, target.workspaceByteCount), alignment: 64)
    defer { workspace.deallocate() }
    var evaluations = 0
    // Minimizes f = −log density.
    func evaluate(_ x: [Double]) -> (value: Double, gradient: [Double]) {
      evaluations += 1
      var gradient = Array(repeating: 0.0, count: max(1, n))
      let value = x.withUnsafeBufferPointer { position in
        gradient.withUnsafeMutableBufferPointer { buffer in
          guard let base = buffer.baseAddress else { return 0.0 }
          return withUnsafeTemporaryAllocation(of: Double.self, capacity: 1) { empty in
            empty[0] = 0
            let address = position.baseAddress ?? UnsafePointer(empty.baseAddress ?? base)
            return target.evaluate(position: address, gradient: base, workspace: workspace)
          }
        }
      }
      let isUsable = value.isFinite && gradient.prefix(n).allSatisfy(\.isFinite)
      return (isUsable ? -value : .infinity, gradient.prefix(n).map { -$0 })
    }
    func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }

    var x = start
    var (f, g) = evaluate(x)
    var pairs: [(s: [Double], y: [Double], rho: Double)] = []
    var reason = OptimizationResult.Reason.iterations
    var iteration = 0
    while iteration < settings.maximumIterations {
      if isCancelled() {
        reason = .cancelled
        break
      }
      let norm = g.map(abs).max() ?? 0
      if norm <= settings.gradientTolerance * max(1, abs(f)) {
        reason = .gradient
        break
      }
      iteration += 1
      var d = g
      var alphas: [Double] = []
      for pair in pairs.reversed() {
        let alpha = pair.rho * dot(pair.s, d)
        alphas.append(alpha)
        for index in 0..<n { d[index] -= alpha * pair.y[index] }
      }
      if let last = pairs.last {
        let scale = dot(last.s, last.y) / dot(last.y, last.y)
        for index in 0..<n { d[index] *= scale }
      } else {
        let scale = 1 / max(1, dot(g, g).squareRoot())
        for index in 0..<n { d[index] *= scale }
      }
      for (pair, alpha) in zip(pairs, alphas.reversed()) {
        let beta = pair.rho * dot(pair.y, d)
        for index in 0..<n { d[index] += (alpha - beta) * pair.s[index] }
      }
      for index in 0..<n { d[index] = -d[index] }
      var slope = dot(g, d)
      if slope >= 0 || slope.isNaN {
        pairs.removeAll()
        d = g.map { -$0 }
        slope = dot(g, d)
      }
      guard let found = lineSearch(x, f, slope, d, evaluate) else {
        if pairs.isEmpty {
          reason = .lineSearch
          break
        }
        // Begin anew along the steepest descent before giving up.
        pairs.removeAll()
        continue
      }
      let s = zip(found.x, x).map { $0 - $1 }
      let y = zip(found.gradient, g).map { $0 - $1 }
      let curvature = dot(s, y)
      if curvature > 1e-12 * dot(y, y) {
        pairs.append((s, y, 1 / curvature))
        if pairs.count > settings.history { pairs.removeFirst() }
      }
      let change = abs(f - found.value)
      x = found.x
      f = found.value
      g = found.gradient
      if change <= settings.relativeChange * max(1, abs(f)) {
        reason = .change
        break
      }
    }
    return OptimizationResult(
      position: x, logDensity: -f, gradientNorm: g.map(abs).max() ?? 0, iterations: iteration,
      evaluations: evaluations, reason: reason)
  }

  private static func lineSearch(
    _ x: [Double], _ f0: Double, _ slope0: Double, _ d: [Double],
    _ evaluate: ([Double]) -> (value: Double, gradient: [Double])
  ) -> (x: [Double], value: Double, gradient: [Double])? {
    let (c1, c2) = (1e-4, 0.9)
    func at(_ step: Double) -> (x: [Double], value: Double, gradient: [Double], slope: Double) {
      let point = zip(x, d).map { $0 + step * $1 }
      let (value, gradient) = evaluate(point)
      return (point, value, gradient, zip(gradient, d).reduce(0) { $0 + $1.0 * $1.1 })
    }
    var low = (step: 0.0, value: f0, slope: slope0)
    var step = 1.0
    var previous = low
    for attempt in 0..<40 {
      let here = at(step)
      if !here.value.isFinite {
        step = 0.5 * (previous.step + step)
        if step - previous.step < 1e-20 { return nil }
        continue
      }
      if here.value > f0 + c1 * step * slope0 || (attempt > 0 && here.value >= previous.value && previous.step > 0) {
        return zoom(low: previous, highStep: step)
      }
      if abs(here.slope) <= -c2 * slope0 { return (here.x, here.value, here.gradient) }
      if here.slope >= 0 {
        low = (step, here.value, here.slope)
        return zoom(low: low, highStep: previous.step) ?? (here.x, here.value, here.gradient)
      }
      previous = (step, here.value, here.slope)
      step *= 2
      if step > 1e10 { return (here.x, here.value, here.gradient) }
    }
    return nil

    func zoom(low start: (step: Double, value: Double, slope: Double), highStep: Double) -> (
      x: [Double], value: Double, gradient: [Double]
    )? {
      var low = start
      var high = highStep
      var best: (x: [Double], value: Double, gradient: [Double])?
      for _ in 0..<60 {
        let middle = 0.5 * (low.step + high)
        let here = at(middle)
        if !here.value.isFinite || here.value > f0 + c1 * middle * slope0 || here.value >= low.value {
          high = middle
        } else {
          best = (here.x, here.value, here.gradient)
          if abs(here.slope) <= -c2 * slope0 { return best }
          if here.slope * (high - low.step) >= 0 { high = low.step }
          low = (middle, here.value, here.slope)
        }
        if abs(high - low.step) <= 1e-16 * max(1e-300, abs(low.step)) { break }
      }
      return best
    }
  }
}
