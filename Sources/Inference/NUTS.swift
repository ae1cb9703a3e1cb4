import Foundation
package import Numerics

/// What a transition did: facts for adaptation and for the user.
package struct TransitionFacts: Sendable {
  package var acceptance = 0.0
  /// The mean of 2 min(1, w) / (1 + w) over the states, w = exp(energy of the start − energy): an error of the energy
  /// counts as much where it lowers the energy as where it raises it.
  package var symmetricAcceptance = 0.0
  package var stepSize = 0.0
  package var treeDepth = 0
  package var leapfrogs = 0
  package var isDivergent = false
  /// Diverged, or began, where the density cannot be evaluated.
  package var isOutside = false
  package var energy = 0.0
  package var logDensity = 0.0
  package var stop = TrajectoryStop.depthLimit
  package init() {}
}

/// Why a trajectory grew no further.
package enum TrajectoryStop: Sendable {
  case depthLimit
  /// The whole trajectory turned; the last doubling belongs to it.
  case treeTurned
  /// A part of the last doubling turned; the doubling was thrown away.
  case subtreeTurned
  /// The energy error passed the limit; the doubling was thrown away.
  case divergent
  /// The caller asked to stop; the chain stays where it was.
  case interrupted
}

/// The No-U-Turn sampler: multinomial draws from the trajectory (Betancourt 2017, appendix A), the generalized U-turn
/// criterion with the checks across the two halves of a doubling that Stan added in 2.21, a diagonal metric.
///
/// Momenta are kept in the metric's own scale, r = √M⁻¹ p, so that kinetic energy and criterion are plain products of
/// them. A doubling is grown state by state; of the states grown so far only those are kept that a later check reads:
/// for each finished part its two ends and its sum, three vectors per level. Everything lives in vectors made once and
/// passed on by pointer; a transition allocates and copies nothing.
package final class NUTSKernel: @unchecked Sendable {
  package typealias Vector = UnsafeMutablePointer<Double>

  package static let maximumEnergyError = 1000.0

  /// Raised whenever a change of the sampler, of warmup or of the search for start points may change a draw.
  package static let epoch = 4

  /// A place with what the target says there.
  private struct Point {
    var q, g: Vector
    var logDensity = 0.0
    var energy = 0.0
    /// How many roles it has: the chain's place, the draw, an end of the trajectory, proposal.
    var users = 0
  }

  /// Consecutive states: momenta at both ends, the sum of all. Of one state, all three are the same vector.
  private struct Span {
    var begin, end, sum: Vector
    var isSingle: Bool { begin == end }
  }

  let target: any LogDensity
  package let dimension: Int
  package let maxTreeDepth: Int
  private let workspace: UnsafeMutableRawPointer
  private let pool: Vector
  private let poolByteCount: Int
  private let isPaged: Bool
  private static let pagedByteCount = 1 << 20
  /// From one vector to the next.
  private let stride: Int
  /// The memory of a sampler's vectors, all levels of the deepest tree included.
  package static func byteCount(dimension: Int, maxTreeDepth: Int) -> Double {
    let count = 2 + 2 * pointCount + 3 * (max(0, maxTreeDepth) + 1) + 6 + MetricEstimate.vectorCount
    return 8 * Double(count) * Double(dimension)
  }

  /// How far loops go: vectors are filled up with zeros.
  private let limit: Int

  /// The inverse metric, and its square root.
  package let inverseMass: UnsafePointer<Double>
  private let scale: Vector
  package var stepSize = 1.0
  /// Evaluations of the log density with its gradient so far.
  package private(set) var evaluations = 0

  private let points: UnsafeMutablePointer<Point>
  private static let pointCount = 6
  /// Where the chain is.
  private var current = 0
  /// Ends of the trajectory.
  private var (forward, backward) = (0, 0)
  /// The end that moves, in the place of the one it was, and where its last step set out from.
  private var (moving, before) = (0, 0)
  private var momentum, momentumBefore: Vector
  /// The trajectory, in the order of time.
  private var tree: Span
  /// Finished parts of the doubling that grows, by the logarithm of their size.
  private let parts: UnsafeMutablePointer<Span>
  // Vectors for momenta and sums: those never used in this transition come after `vectors + unusedIndex * stride`.
  private let vectors: Vector
  private var unusedIndex = 0
  private let freeVectors: UnsafeMutablePointer<Vector>
  private var freeCount = 0

  private var stop = TrajectoryStop.depthLimit
  private var leapfrogCount = 0
  private var startEnergy = 0.0
  /// Σ exp(energy of the start − energy) over the states of the trajectory.
  private var weight = 0.0
  private var acceptanceSum = 0.0
  private var symmetricSum = 0.0

  package init(target: any LogDensity, maxTreeDepth: Int) {
    self.target = target
    self.maxTreeDepth = maxTreeDepth
    dimension = target.dimension
    workspace = UnsafeMutableRawPointer.allocate(byteCount: max(64, target.workspaceByteCount), alignment: 64)
    stride = (max(1, dimension) + 7) & ~7
    limit = (dimension + 3) & ~3
    // Three per level, three of the trajectory, the newest state and the sum in the making.
    let vectorCount = 3 * (max(0, maxTreeDepth) + 1) + 6
    let count = 2 + 2 * NUTSKernel.pointCount + vectorCount
    // Large vectors come from the system as pages of zeros that take memory when they are first written: those of
    // levels that no trajectory reaches take none.
    poolByteCount = count * stride * MemoryLayout<Double>.stride
    let pages =
      poolByteCount >= NUTSKernel.pagedByteCount
      ? mmap(nil, poolByteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) : MAP_FAILED
    isPaged = pages != MAP_FAILED
    if let pages, pages != MAP_FAILED {
      pool = pages.bindMemory(to: Double.self, capacity: count * stride)
    } else {
      pool = UnsafeMutableRawPointer.allocate(byteCount: poolByteCount, alignment: 64)
        .bindMemory(to: Double.self, capacity: count * stride)
      pool.initialize(repeating: 0, count: count * stride)
    }
    let stride = stride
    var next = pool
    func vector() -> Vector {
      defer { next += stride }
      return next
    }
    let inverseMass = vector()
    for index in 0..<dimension { inverseMass[index] = 1 }
    self.inverseMass = UnsafePointer(inverseMass)
    scale = vector()
    for index in 0..<dimension { scale[index] = 1 }
    points = .allocate(capacity: NUTSKernel.pointCount)
    for index in 0..<NUTSKernel.pointCount { (points + index).initialize(to: Point(q: vector(), g: vector())) }
    points[0].logDensity = -.infinity
    vectors = next
    freeVectors = .allocate(capacity: vectorCount)
    parts = .allocate(capacity: max(1, maxTreeDepth))
    (momentum, momentumBefore) = (vectors, vectors)
    tree = Span(begin: vectors, end: vectors, sum: vectors)
  }

  deinit {
    points.deallocate()
    parts.deallocate()
    freeVectors.deallocate()
    if isPaged { munmap(pool, poolByteCount) } else { pool.deallocate() }
    workspace.deallocate()
  }

  // MARK: - State

  /// The current point: position, gradient of the log density, log density.
  package var position: UnsafePointer<Double> { UnsafePointer(points[current].q) }
  package var gradient: UnsafePointer<Double> { UnsafePointer(points[current].g) }
  package var logDensity: Double { points[current].logDensity }

  /// Moves the chain to a position; the log density and gradient there are evaluated.
  @discardableResult
  package func move(to start: [Double]) -> Double {
    for index in 0..<dimension { points[current].q[index] = start[index] }
    return evaluate(current)
  }

  @discardableResult
  private func evaluate(_ point: Int) -> Double {
    let (q, g) = (points[point].q, points[point].g)
    let value = target.evaluate(position: q, gradient: g, workspace: workspace)
    points[point].logDensity = value
    evaluations += 1
    return value
  }

  /// Changes the inverse metric.
  package func updateInverseMass(_ change: (Vector) -> Void) {
    let vector = Vector(mutating: inverseMass)
    change(vector)
    for index in 0..<dimension { scale[index] = vector[index].squareRoot() }
  }

  /// Writes down position, metric and step size.
  func save(into checkpoint: inout ChainCheckpoint) {
    checkpoint.position = array(position)
    checkpoint.gradient = array(gradient)
    checkpoint.inverseMass = array(inverseMass)
    checkpoint.result.inverseMass = checkpoint.inverseMass
    checkpoint.logDensity = logDensity
    checkpoint.stepSize = stepSize
  }

  /// Goes back to a state that a kernel of this target was in.
  ///
  /// - Returns: False where log density or gradient have other bits at its position than they had then: draws made from
  ///   here would not be those of one run. The kernel is then as it was when new, at that position.
  func restore(_ checkpoint: ChainCheckpoint) -> Bool {
    move(to: checkpoint.position)
    guard
      logDensity.bitPattern == checkpoint.logDensity.bitPattern,
      (0..<dimension).allSatisfy({ gradient[$0].bitPattern == checkpoint.gradient[$0].bitPattern })
    else { return false }
    updateInverseMass { vector in
      for index in 0..<dimension { vector[index] = checkpoint.inverseMass[index] }
    }
    stepSize = checkpoint.stepSize
    return true
  }

  /// Index of the first gradient entry that is not finite at the current point.
  package var firstNonFiniteGradient: Int? { (0..<dimension).first { !gradient[$0].isFinite } }

  private func array(_ vector: UnsafePointer<Double>) -> [Double] {
    Array(UnsafeBufferPointer(start: vector, count: dimension))
  }

  /// Momenta as the user knows them.
  private func momenta(_ vector: UnsafePointer<Double>) -> [Double] { (0..<dimension).map { vector[$0] / scale[$0] } }

  private func setMomentum(_ values: [Double]) {
    for index in 0..<dimension { momentum[index] = scale[index] * values[index] }
  }

  @inline(__always)
  private static func four(_ pointer: Vector) -> UnsafeMutablePointer<SIMD4<Double>> {
    UnsafeMutableRawPointer(pointer).assumingMemoryBound(to: SIMD4<Double>.self)
  }

  // MARK: - Vectors and points

  private func takeVector() -> Vector {
    if freeCount > 0 {
      freeCount -= 1
      return freeVectors[freeCount]
    }
    defer { unusedIndex += 1 }
    return vectors + unusedIndex * stride
  }

  private func release(_ vector: Vector) {
    freeVectors[freeCount] = vector
    freeCount += 1
  }

  private func takePoint() -> Int {
    var index = 0
    while points[index].users > 0 { index &+= 1 }
    points[index].users = 1
    return index
  }

  /// Lets `role` be another point.
  private func assign(_ role: inout Int, _ point: Int) {
    points[point].users += 1
    points[role].users -= 1
    role = point
  }

  /// A trajectory of the current point alone, its momentum still to be set.
  private func begin() {
    (freeCount, unusedIndex) = (0, 0)
    for index in 0..<NUTSKernel.pointCount { points[index].users = 0 }
    (forward, backward, moving, before) = (current, current, current, current)
    // The chain's place, the draw, both ends.
    points[current].users = 4
    momentum = takeVector()
    momentumBefore = momentum
    tree = Span(begin: momentum, end: momentum, sum: momentum)
    leapfrogCount = 0
    stop = .depthLimit
    weight = 1
    acceptanceSum = 0
    symmetricSum = 0
  }

  // MARK: - Steps

  private func finite(_ energy: Double) -> Double { energy.isFinite ? energy : .infinity }

  /// −log density + kinetic energy of the moving end; +∞ where the density cannot be evaluated, an infinite density
  /// included.
  private func movingEnergy() -> Double {
    var sum = SIMD4<Double>.zero
    var index = 0
    while index < limit {
      let r = NUTSKernel.four(momentum + index).pointee
      sum += r * r
      index += 4
    }
    return finite(0.5 * sum.sum() - points[moving].logDensity)
  }

  /// One leapfrog step of the moving end, to a point and a momentum of its own; the energy there.
  private func leapfrog(_ step: Double) -> Double {
    let next = takePoint()
    let from = moving
    // Nobody needs to look at where it set out from but after a divergence, when no other point is taken.
    points[from].users -= 1
    before = from
    moving = next
    momentumBefore = momentum
    momentum = takeVector()
    let half = SIMD4(repeating: 0.5 * step)
    let whole = SIMD4(repeating: step)
    let (r, rBefore, scale, limit) = (momentum, momentumBefore, scale, limit)
    let (q, qBefore) = (points[next].q, points[from].q)
    let (g, gBefore) = (points[next].g, points[from].g)
    var index = 0
    while index < limit {
      let scales = NUTSKernel.four(scale + index).pointee
      let kicked =
        NUTSKernel.four(rBefore + index).pointee + half * (scales * NUTSKernel.four(gBefore + index).pointee)
      NUTSKernel.four(r + index).pointee = kicked
      NUTSKernel.four(q + index).pointee = NUTSKernel.four(qBefore + index).pointee + whole * (scales * kicked)
      index += 4
    }
    let logDensity = target.evaluate(position: q, gradient: g, workspace: workspace)
    leapfrogCount += 1
    evaluations += 1
    var twiceKinetic = SIMD4<Double>.zero
    index = 0
    while index < limit {
      let kicked =
        NUTSKernel.four(r + index).pointee
        + half * (NUTSKernel.four(scale + index).pointee * NUTSKernel.four(g + index).pointee)
      NUTSKernel.four(r + index).pointee = kicked
      twiceKinetic += kicked * kicked
      index += 4
    }
    let energy = finite(0.5 * twiceKinetic.sum() - logDensity)
    points[next].logDensity = logDensity
    points[next].energy = energy
    return energy
  }

  /// States of a leapfrog path: positions, momenta, log densities, energies, the start included.
  package struct Path: Sendable {
    package var positions: [[Double]] = []
    package var momenta: [[Double]] = []
    package var logDensities: [Double] = []
    package var energies: [Double] = []
  }

  /// The path from the current point with a given momentum; a negative step size goes backward in time.
  package func path(momentum start: [Double], stepSize: Double, steps: Int) -> Path {
    begin()
    setMomentum(start)
    var path = Path()
    for step in 0...steps {
      let energy = step > 0 ? leapfrog(stepSize) : movingEnergy()
      if step > 1 { release(momentumBefore) }
      path.positions.append(array(points[moving].q))
      path.momenta.append(momenta(momentum))
      path.logDensities.append(points[moving].logDensity)
      path.energies.append(energy)
    }
    return path
  }

  // MARK: - Step size

  /// Doubles or halves the step size until one step's acceptance crosses 0.8 (Hoffman & Gelman 2014, algorithm 4, with
  /// Stan's threshold).
  package func findReasonableStepSize(key: RandomKey) {
    guard dimension > 0 else { return }
    var stream = RandomStream(key: key)
    var direction = 0
    for _ in 0..<100 {
      begin()
      Ziggurat.fill(momentum, count: dimension, from: &stream)
      let start = movingEnergy()
      let change = start - leapfrog(stepSize)
      let isAccepted = change > -0.22314355131420976 && !change.isNaN
      let wanted = isAccepted ? 1 : -1
      if direction == 0 { direction = wanted }
      if wanted != direction { return }
      stepSize = direction == 1 ? 2 * stepSize : 0.5 * stepSize
      if stepSize > 1e7 || stepSize < 1e-300 { return }
    }
  }

  // MARK: - Transition

  /// Where the numbers for choices begin in a transition's stream; those before are its momenta's.
  private static let firstChoice: UInt64 = 1 << 62

  /// One transition; momenta and choices come from parts of the key's stream that do not meet.
  ///
  /// - Parameter isCancelled: Asked before each leapfrog. When true the transition is given up, and the chain stays
  ///   where it was.
  package func step(key: RandomKey, isCancelled: () -> Bool = { false }) -> TransitionFacts {
    begin()
    var momentumStream = RandomStream(key: key)
    Ziggurat.fill(momentum, count: dimension, from: &momentumStream)
    var choiceStream = RandomStream(key: key, block: NUTSKernel.firstChoice)
    let directions = choiceStream.nextBits()
    return transition(directions, &choiceStream, isCancelled)
  }

  /// A transition with the momentum and the direction of each doubling (true: forward) given.
  package func step(momentum: [Double], directions: [Bool], key: RandomKey) -> TransitionFacts {
    begin()
    setMomentum(momentum)
    var mask: UInt64 = 0
    for (depth, isForward) in directions.prefix(64).enumerated() where isForward { mask |= 1 << UInt64(depth) }
    var choiceStream = RandomStream(key: key)
    return transition(mask, &choiceStream) { false }
  }

  /// The trajectory of the last transition as far as it was kept.
  package struct Trajectory: Sendable {
    package var backwardPosition, backwardMomentum, forwardPosition, forwardMomentum: [Double]
    /// The sum of the momenta of all states.
    package var momentumSum: [Double]
    /// log Σ exp(energy of the start − energy) over all states.
    package var logWeight: Double
  }

  /// Of use when the trajectory's last doubling was kept.
  package var trajectory: Trajectory {
    Trajectory(
      backwardPosition: array(points[backward].q), backwardMomentum: momenta(tree.begin),
      forwardPosition: array(points[forward].q), forwardMomentum: momenta(tree.end), momentumSum: momenta(tree.sum),
      logWeight: log(weight))
  }

  /// Where the leapfrog step that diverged set out from, after a divergent transition.
  package var divergenceStart: (position: [Double], momentum: [Double]) {
    (array(points[before].q), momenta(momentumBefore))
  }

  /// Where the step that diverged went, after a divergent transition.
  package var divergenceEnd: [Double] { array(points[moving].q) }

  /// Grows a trajectory from the current point with the momentum that was set; the chain moves to a draw from it.
  private func transition(
    _ directions: UInt64, _ choices: inout RandomStream, _ isCancelled: () -> Bool
  ) -> TransitionFacts {
    var facts = TransitionFacts()
    facts.stepSize = stepSize
    guard dimension > 0 else {
      facts.acceptance = 1
      facts.logDensity = logDensity
      facts.energy = -logDensity
      return facts
    }
    startEnergy = movingEnergy()
    points[current].energy = startEnergy
    var draw = current
    var depth = 0
    while depth < maxTreeDepth {
      let isForward = directions >> UInt64(depth & 63) & 1 == 1
      moving = isForward ? forward : backward
      momentum = isForward ? tree.end : tree.begin
      var proposal = 0
      var weightOfHalf = 0.0
      guard
        let half = grow(depth, isForward ? stepSize : -stepSize, &proposal, &weightOfHalf, &choices, isCancelled)
      else { break }
      depth += 1
      // Biased progressive sampling: the new half is taken with probability min(1, its weight / the old weight).
      if weightOfHalf > weight || choices.nextUniform() * weight < weightOfHalf { assign(&draw, proposal) }
      points[proposal].users -= 1
      weight += weightOfHalf
      if isForward { forward = moving } else { backward = moving }
      let old = isForward ? tree : Span(begin: tree.end, end: tree.begin, sum: tree.sum)
      var goesOn = false
      let whole = join(old, half, &goesOn)
      tree = isForward ? whole : Span(begin: whole.end, end: whole.begin, sum: whole.sum)
      if !goesOn {
        stop = .treeTurned
        break
      }
    }
    facts.acceptance = leapfrogCount > 0 ? acceptanceSum / Double(leapfrogCount) : 0
    facts.symmetricAcceptance = leapfrogCount > 0 ? symmetricSum / Double(leapfrogCount) : 0
    facts.treeDepth = depth
    facts.leapfrogs = leapfrogCount
    facts.isDivergent = stop == .divergent
    facts.isOutside = facts.isDivergent && points[moving].energy == .infinity
    facts.energy = points[draw].energy
    facts.stop = stop
    if stop != .interrupted { current = draw }
    facts.logDensity = logDensity
    return facts
  }

  /// The largest weight of a state, which keeps sums of weights finite. An energy error that low happens where a chain is
  /// far from where it started, if at all.
  private static let largestLogWeight = 600.0

  /// Extends the trajectory by 2^depth steps of the moving end.
  ///
  /// A state becomes the proposal with its share of the weight so far. That takes one number per change, not one per
  /// state: after a change at weight W the next one comes where the weight passes W / u, since the chance to get from W
  /// to W′ without one is W / W′.
  ///
  /// - Returns: The new states, in the order in which they were reached; none where a part of them turned, a step
  ///   diverged, or the caller gave up.
  private func grow(
    _ depth: Int, _ step: Double, _ proposal: inout Int, _ weight: inout Double, _ choices: inout RandomStream,
    _ isCancelled: () -> Bool
  ) -> Span? {
    let count = 1 << depth
    var total = 0.0
    var next = -1.0
    var part = tree
    for number in 0..<count {
      if isCancelled() {
        stop = .interrupted
        return nil
      }
      let change = startEnergy - leapfrog(step)
      let weightOfState = change.isNaN ? 0 : exp(min(change, NUTSKernel.largestLogWeight))
      acceptanceSum += min(1, weightOfState)
      symmetricSum += 2 * min(1, weightOfState) / (1 + weightOfState)
      // A change that is not a number has no finite start either.
      guard -change <= NUTSKernel.maximumEnergyError else {
        stop = .divergent
        return nil
      }
      total += weightOfState
      if total > next {
        if number == 0 {
          points[moving].users += 1
          proposal = moving
        } else {
          assign(&proposal, moving)
        }
        next = count > 1 ? total / choices.nextUniform() : .infinity
      }
      part = Span(begin: momentum, end: momentum, sum: momentum)
      var level = 0
      while number >> level & 1 == 1 {
        var goesOn = false
        part = join(parts[level], part, &goesOn)
        guard goesOn else {
          stop = .subtreeTurned
          return nil
        }
        level += 1
      }
      if level < depth { parts[level] = part }
    }
    weight = total
    return part
  }

  /// Joins two spans that follow each other and says whether the whole has not turned: both ends still move along the
  /// sum of momenta, across the whole and from each half to the nearest state of the other.
  ///
  /// One pass with six sums of four parts: their latencies overlap. Of two states the checks across the halves are the
  /// checks of the whole.
  private func join(_ first: Span, _ second: Span, _ goesOn: inout Bool) -> Span {
    let limit = limit
    var (begin, end) = (SIMD4<Double>.zero, SIMD4<Double>.zero)
    var index = 0
    if first.isSingle && second.isSingle {
      let sum = takeVector()
      while index < limit {
        let (a, b) = (NUTSKernel.four(first.begin + index).pointee, NUTSKernel.four(second.end + index).pointee)
        let whole = a + b
        NUTSKernel.four(sum + index).pointee = whole
        begin += a * whole
        end += b * whole
        index += 4
      }
      goesOn = begin.sum() > 0 && end.sum() > 0
      return Span(begin: first.begin, end: second.end, sum: sum)
    }
    let sum = first.isSingle ? second.sum : first.sum
    var (leftBegin, leftEnd) = (SIMD4<Double>.zero, SIMD4<Double>.zero)
    var (rightBegin, rightEnd) = (SIMD4<Double>.zero, SIMD4<Double>.zero)
    while index < limit {
      let (sumFirst, sumSecond) = (
        NUTSKernel.four(first.sum + index).pointee, NUTSKernel.four(second.sum + index).pointee
      )
      let (seamFirst, seamSecond) = (
        NUTSKernel.four(first.end + index).pointee, NUTSKernel.four(second.begin + index).pointee
      )
      let (a, b) = (NUTSKernel.four(first.begin + index).pointee, NUTSKernel.four(second.end + index).pointee)
      let whole = sumFirst + sumSecond
      let left = sumFirst + seamSecond
      let right = sumSecond + seamFirst
      NUTSKernel.four(sum + index).pointee = whole
      begin += a * whole
      end += b * whole
      leftBegin += a * left
      leftEnd += seamSecond * left
      rightBegin += seamFirst * right
      rightEnd += b * right
      index += 4
    }
    goesOn =
      begin.sum() > 0 && end.sum() > 0 && leftBegin.sum() > 0 && leftEnd.sum() > 0 && rightBegin.sum() > 0
      && rightEnd.sum() > 0
    // What lies at the seam is read no more.
    if !first.isSingle {
      release(first.end)
      if !second.isSingle { release(second.sum) }
    }
    if !second.isSingle { release(second.begin) }
    return Span(begin: first.begin, end: second.end, sum: sum)
  }
}
