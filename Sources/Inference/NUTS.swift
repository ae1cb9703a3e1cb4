import Foundation
package import Numerics

/// What a transition did: facts for adaptation and for the user.
package struct TransitionFacts: Sendable {
  package var acceptance = 0.0
  package var stepSize = 0.0
  package var treeDepth = 0
  package var leapfrogs = 0
  package var isDivergent = false
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
/// Everything lives in buffers made once; a transition allocates nothing.
package final class NUTSKernel: @unchecked Sendable {
  package static let maximumEnergyError = 1000.0

  /// Raised whenever a change of the sampler, of warmup or of the search for start points may change a draw.
  package static let epoch = 3

  let target: any LogDensity
  package let dimension: Int
  package let maxTreeDepth: Int
  private let workspace: UnsafeMutableRawPointer
  private let pool: UnsafeMutablePointer<Double>
  private let poolByteCount: Int
  private let isPaged: Bool
  private static let pagedByteCount = 1 << 20
  /// From one vector to the next.
  private let stride: Int

  /// The current point: position, gradient of the log density, log density.
  package let position: UnsafeMutablePointer<Double>
  let gradient: UnsafeMutablePointer<Double>
  package private(set) var logDensity = -Double.infinity
  package let inverseMass: UnsafeMutablePointer<Double>
  package var stepSize = 1.0
  /// Evaluations of the log density with its gradient so far.
  package private(set) var evaluations = 0

  // The moving end of the trajectory. A leapfrog writes the state anew and swaps, so that the one before it is still
  // there when the step diverges.
  private var q, qBefore: UnsafeMutablePointer<Double>
  private var p, pBefore: UnsafeMutablePointer<Double>
  private let g: UnsafeMutablePointer<Double>
  private var endLogDensity = 0.0
  // Both ends kept while the other moves.
  private let qForward, pForward, gForward: UnsafeMutablePointer<Double>
  private let qBackward, pBackward, gBackward: UnsafeMutablePointer<Double>
  // The draw.
  /// States that may become the draw: those of the halves that are being joined, and the draw so far. They are passed on
  /// by number, not copied.
  private struct Candidate {
    var q, g: UnsafeMutablePointer<Double>
    var logDensity = 0.0
    var energy = 0.0
  }
  private let candidates: UnsafeMutablePointer<Candidate>
  private let freeCandidates: UnsafeMutablePointer<Int>
  private let candidateCount: Int
  private var freeCount = 0
  private var sample = 0
  // Momenta and their images under the inverse metric at the seams, sums of momenta.
  private let pForwardBack, sharpForwardBack, pForwardFront, sharpForwardFront: UnsafeMutablePointer<Double>
  private let pBackwardBack, sharpBackwardBack, pBackwardFront, sharpBackwardFront: UnsafeMutablePointer<Double>
  private let rho, rhoForward, rhoBackward: UnsafeMutablePointer<Double>
  /// Per level of the recursion: six vectors.
  private let levels: UnsafeMutablePointer<Double>
  private static let vectorsPerLevel = 6
  private var stop = TrajectoryStop.depthLimit
  private var leapfrogCount = 0
  private var startEnergy = 0.0
  /// Σ exp(energy of the start − energy) over the states of the trajectory.
  private var weight = 0.0
  private var acceptanceSum = 0.0

  package init(target: any LogDensity, maxTreeDepth: Int) {
    self.target = target
    self.maxTreeDepth = maxTreeDepth
    dimension = target.dimension
    workspace = UnsafeMutableRawPointer.allocate(byteCount: max(64, target.workspaceByteCount), alignment: 64)
    // Vectors are filled up with zeros, which loops go over as well.
    stride = (max(1, dimension) + 7) & ~7
    candidateCount = max(0, maxTreeDepth) + 4
    let count = 32 + NUTSKernel.vectorsPerLevel * (maxTreeDepth + 2) + 2 * candidateCount
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
    candidates = .allocate(capacity: candidateCount)
    freeCandidates = .allocate(capacity: candidateCount)
    let stride = stride
    var next = pool
    func vector() -> UnsafeMutablePointer<Double> {
      defer { next += stride }
      return next
    }
    position = vector()
    gradient = vector()
    inverseMass = vector()
    (q, qBefore, p, pBefore, g) = (vector(), vector(), vector(), vector(), vector())
    (qForward, pForward, gForward) = (vector(), vector(), vector())
    (qBackward, pBackward, gBackward) = (vector(), vector(), vector())
    for index in 0..<candidateCount {
      (candidates + index).initialize(to: Candidate(q: vector(), g: vector()))
      (freeCandidates + index).initialize(to: index)
    }
    (pForwardBack, sharpForwardBack, pForwardFront, sharpForwardFront) = (vector(), vector(), vector(), vector())
    (pBackwardBack, sharpBackwardBack, pBackwardFront, sharpBackwardFront) = (vector(), vector(), vector(), vector())
    (rho, rhoForward, rhoBackward) = (vector(), vector(), vector())
    levels = next
    for index in 0..<stride { inverseMass[index] = 1 }
  }

  deinit {
    candidates.deallocate()
    freeCandidates.deallocate()
    if isPaged { munmap(pool, poolByteCount) } else { pool.deallocate() }
    workspace.deallocate()
  }

  // MARK: - State

  /// Moves the chain to a position; the log density and gradient there are evaluated.
  @discardableResult
  package func move(to start: [Double]) -> Double {
    for index in 0..<dimension { position[index] = start[index] }
    logDensity = target.evaluate(position: position, gradient: gradient, workspace: workspace)
    evaluations += 1
    return logDensity
  }

  /// Writes down position, metric and step size.
  func save(into checkpoint: inout ChainCheckpoint) {
    for index in 0..<dimension {
      checkpoint.position[index] = position[index]
      checkpoint.gradient[index] = gradient[index]
      checkpoint.inverseMass[index] = inverseMass[index]
    }
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
    for index in 0..<dimension { inverseMass[index] = checkpoint.inverseMass[index] }
    stepSize = checkpoint.stepSize
    return true
  }

  /// Index of the first gradient entry that is not finite at the current point.
  package var firstNonFiniteGradient: Int? { (0..<dimension).first { !gradient[$0].isFinite } }

  private func copy(_ from: UnsafeMutablePointer<Double>, _ to: UnsafeMutablePointer<Double>) {
    var index = 0
    while index < stride {
      NUTSKernel.four(to + index).pointee = NUTSKernel.four(from + index).pointee
      index += 4
    }
  }

  @inline(__always)
  private static func four(_ pointer: UnsafeMutablePointer<Double>) -> UnsafeMutablePointer<SIMD4<Double>> {
    UnsafeMutableRawPointer(pointer).assumingMemoryBound(to: SIMD4<Double>.self)
  }

  private func sharp(_ momentum: UnsafeMutablePointer<Double>, _ result: UnsafeMutablePointer<Double>) {
    for index in 0..<dimension { result[index] = inverseMass[index] * momentum[index] }
  }

  private func kinetic(_ momentum: UnsafeMutablePointer<Double>) -> Double {
    var sum = 0.0
    for index in 0..<dimension { sum += inverseMass[index] * momentum[index] * momentum[index] }
    return 0.5 * sum
  }

  /// −log density + kinetic energy; +∞ where the density cannot be evaluated, an infinite density included.
  private func endEnergy() -> Double { finite(kinetic(p) - endLogDensity) }

  private func finite(_ energy: Double) -> Double { energy.isFinite ? energy : .infinity }

  private func drawMomentum(_ stream: inout RandomStream) {
    var index = 0
    while index < dimension {
      // Beyond the dimension nothing is drawn, and the momentum stays 0.
      var uniform = SIMD4(repeating: 0.5)
      for lane in 0..<min(4, dimension - index) { uniform[lane] = stream.nextUniform() }
      let normal = Special.normalQuantile(uniform)
      NUTSKernel.four(p + index).pointee = normal / NUTSKernel.four(inverseMass + index).pointee.squareRoot()
      index += 4
    }
  }

  /// The first half kick and the drift of a leapfrog step, and the density there. The second half kick is the caller's.
  private func drift(_ step: Double) {
    swap(&q, &qBefore)
    swap(&p, &pBefore)
    let half = 0.5 * step
    let (p, pBefore, q, qBefore) = (self.p, self.pBefore, self.q, self.qBefore)
    let (g, inverseMass) = (self.g, self.inverseMass)
    var index = 0
    while index < stride {
      let momentum =
        NUTSKernel.four(pBefore + index).pointee + half * NUTSKernel.four(g + index).pointee
      NUTSKernel.four(p + index).pointee = momentum
      NUTSKernel.four(q + index).pointee =
        NUTSKernel.four(qBefore + index).pointee + step * NUTSKernel.four(inverseMass + index).pointee * momentum
      index += 4
    }
    endLogDensity = target.evaluate(position: q, gradient: g, workspace: workspace)
    leapfrogCount += 1
    evaluations += 1
  }

  /// One leapfrog step of the moving end.
  private func leapfrog(_ step: Double) {
    drift(step)
    let half = 0.5 * step
    for index in 0..<dimension { p[index] += half * g[index] }
  }

  /// States of a leapfrog path: positions, momenta, log densities, energies, the start included.
  package struct Path: Sendable {
    package var positions: [[Double]] = []
    package var momenta: [[Double]] = []
    package var logDensities: [Double] = []
    package var energies: [Double] = []
  }

  /// The path from the current point with a given momentum; a negative step size goes backward in time.
  package func path(momentum: [Double], stepSize: Double, steps: Int) -> Path {
    copy(position, q)
    copy(gradient, g)
    endLogDensity = logDensity
    for index in 0..<dimension { p[index] = momentum[index] }
    var path = Path()
    for step in 0...steps {
      if step > 0 { leapfrog(stepSize) }
      path.positions.append((0..<dimension).map { q[$0] })
      path.momenta.append((0..<dimension).map { p[$0] })
      path.logDensities.append(endLogDensity)
      path.energies.append(endEnergy())
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
      copy(position, q)
      copy(gradient, g)
      endLogDensity = logDensity
      drawMomentum(&stream)
      let before = endEnergy()
      leapfrog(stepSize)
      let change = before - endEnergy()
      let isAccepted = change > -0.22314355131420976 && !change.isNaN
      let wanted = isAccepted ? 1 : -1
      if direction == 0 { direction = wanted }
      if wanted != direction { return }
      stepSize = direction == 1 ? 2 * stepSize : 0.5 * stepSize
      if stepSize > 1e7 || stepSize < 1e-300 { return }
    }
  }

  // MARK: - Transition

  /// One transition; momenta, directions and choices come from streams of their own.
  ///
  /// - Parameter isCancelled: Asked before each leapfrog. When true the transition is given up, and the chain stays
  ///   where it was.
  package func step(key: RandomKey, isCancelled: () -> Bool = { false }) -> TransitionFacts {
    var momentumStream = RandomStream(key: key.child(0))
    var directionStream = RandomStream(key: key.child(1))
    var choiceStream = RandomStream(key: key.child(2))
    drawMomentum(&momentumStream)
    var directions: UInt64 = 0
    for depth in 0..<min(maxTreeDepth, 64) where directionStream.nextUniform() > 0.5 {
      directions |= 1 << UInt64(depth)
    }
    return transition(directions, &choiceStream, isCancelled)
  }

  /// A transition with the momentum and the direction of each doubling (true: forward) given.
  package func step(momentum: [Double], directions: [Bool], key: RandomKey) -> TransitionFacts {
    for index in 0..<dimension { p[index] = momentum[index] }
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
    func array(_ vector: UnsafeMutablePointer<Double>) -> [Double] { (0..<dimension).map { vector[$0] } }
    return Trajectory(
      backwardPosition: array(qBackward), backwardMomentum: array(pBackward), forwardPosition: array(qForward),
      forwardMomentum: array(pForward), momentumSum: array(rho), logWeight: log(weight))
  }

  /// Where the leapfrog step that diverged set out from, after a divergent transition.
  package var divergenceStart: (position: [Double], momentum: [Double]) {
    ((0..<dimension).map { qBefore[$0] }, (0..<dimension).map { pBefore[$0] })
  }

  /// Grows a trajectory from the current point with the momentum in `p`; the chain moves to a draw from it.
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
    begin()
    var forwardLogDensity = logDensity
    var backwardLogDensity = logDensity
    var depth = 0
    while depth < maxTreeDepth {
      var weightSubtree = 0.0
      var proposal = 0
      let isValid: Bool
      if directions >> UInt64(depth) & 1 == 1 {
        copy(qForward, q)
        copy(pForward, p)
        copy(gForward, g)
        endLogDensity = forwardLogDensity
        copy(rho, rhoBackward)
        copy(pForwardFront, pBackwardFront)
        copy(sharpForwardFront, sharpBackwardFront)
        isValid = buildTree(
          depth, stepSize, rhoForward, pForwardBack, sharpForwardBack, pForwardFront, sharpForwardFront,
          &weightSubtree, &proposal, &choices, isCancelled)
        copy(q, qForward)
        copy(p, pForward)
        copy(g, gForward)
        forwardLogDensity = endLogDensity
      } else {
        copy(qBackward, q)
        copy(pBackward, p)
        copy(gBackward, g)
        endLogDensity = backwardLogDensity
        copy(rho, rhoForward)
        copy(pBackwardBack, pForwardBack)
        copy(sharpBackwardBack, sharpForwardBack)
        isValid = buildTree(
          depth, -stepSize, rhoBackward, pBackwardFront, sharpBackwardFront, pBackwardBack, sharpBackwardBack,
          &weightSubtree, &proposal, &choices, isCancelled)
        copy(q, qBackward)
        copy(p, pBackward)
        copy(g, gBackward)
        backwardLogDensity = endLogDensity
      }
      guard isValid else { break }
      depth += 1
      // Biased progressive sampling: the new half is taken with probability min(1, its weight / the old weight).
      if weightSubtree > weight || choices.nextUniform() * weight < weightSubtree { swap(&sample, &proposal) }
      release(proposal)
      weight += weightSubtree
      let goesOn = merge(
        rhoBackward, rhoForward, into: rho, sharpBackwardBack, pBackwardFront, sharpBackwardFront, pForwardBack,
        sharpForwardBack, sharpForwardFront)
      if !goesOn {
        stop = .treeTurned
        break
      }
    }
    let draw = candidates[sample]
    if stop != .interrupted {
      copy(draw.q, position)
      copy(draw.g, gradient)
      logDensity = draw.logDensity
    }
    facts.acceptance = leapfrogCount > 0 ? acceptanceSum / Double(leapfrogCount) : 0
    facts.treeDepth = depth
    facts.leapfrogs = leapfrogCount
    facts.isDivergent = stop == .divergent
    facts.energy = draw.energy
    facts.logDensity = logDensity
    facts.stop = stop
    return facts
  }

  /// The trajectory of one state: the current point with the momentum in `p`.
  private func begin() {
    copy(position, q)
    copy(gradient, g)
    endLogDensity = logDensity
    leapfrogCount = 0
    stop = .depthLimit
    weight = 1
    acceptanceSum = 0
    freeCount = candidateCount
    for index in 0..<candidateCount { freeCandidates[index] = candidateCount - 1 - index }
    sample = takeCandidate()
    copy(q, qForward)
    copy(p, pForward)
    copy(g, gForward)
    copy(q, qBackward)
    copy(p, pBackward)
    copy(g, gBackward)
    copy(q, candidates[sample].q)
    copy(g, candidates[sample].g)
    candidates[sample].logDensity = logDensity
    copy(p, pForwardBack)
    copy(p, pForwardFront)
    copy(p, pBackwardBack)
    copy(p, pBackwardFront)
    sharp(p, sharpForwardBack)
    copy(sharpForwardBack, sharpForwardFront)
    copy(sharpForwardBack, sharpBackwardBack)
    copy(sharpForwardBack, sharpBackwardFront)
    copy(p, rho)
    startEnergy = endEnergy()
    candidates[sample].energy = startEnergy
  }

  private func takeCandidate() -> Int {
    freeCount -= 1
    return freeCandidates[freeCount]
  }

  private func release(_ candidate: Int) {
    freeCandidates[freeCount] = candidate
    freeCount += 1
  }

  /// Adds the momenta of two halves up and says whether the whole has not turned: both ends still move along the sum of
  /// momenta, across the whole and from each half to the nearest state of the other.
  ///
  /// One pass with six sums of four parts: their latencies overlap.
  private func merge(
    _ rhoFirst: UnsafeMutablePointer<Double>, _ rhoSecond: UnsafeMutablePointer<Double>,
    into rhoSum: UnsafeMutablePointer<Double>, _ sharpBegin: UnsafeMutablePointer<Double>,
    _ pFirstEnd: UnsafeMutablePointer<Double>, _ sharpFirstEnd: UnsafeMutablePointer<Double>,
    _ pSecondBegin: UnsafeMutablePointer<Double>, _ sharpSecondBegin: UnsafeMutablePointer<Double>,
    _ sharpEnd: UnsafeMutablePointer<Double>
  ) -> Bool {
    var (begin, end) = (SIMD4<Double>.zero, SIMD4<Double>.zero)
    var (leftBegin, leftEnd) = (SIMD4<Double>.zero, SIMD4<Double>.zero)
    var (rightBegin, rightEnd) = (SIMD4<Double>.zero, SIMD4<Double>.zero)
    var index = 0
    while index < stride {
      let first = NUTSKernel.four(rhoFirst + index).pointee
      let second = NUTSKernel.four(rhoSecond + index).pointee
      let whole = first + second
      let left = first + NUTSKernel.four(pSecondBegin + index).pointee
      let right = second + NUTSKernel.four(pFirstEnd + index).pointee
      NUTSKernel.four(rhoSum + index).pointee = whole
      let (sharpFirst, sharpLast) = (
        NUTSKernel.four(sharpBegin + index).pointee, NUTSKernel.four(sharpEnd + index).pointee
      )
      begin += sharpFirst * whole
      end += sharpLast * whole
      leftBegin += sharpFirst * left
      leftEnd += NUTSKernel.four(sharpSecondBegin + index).pointee * left
      rightBegin += NUTSKernel.four(sharpFirstEnd + index).pointee * right
      rightEnd += sharpLast * right
      index += 4
    }
    return begin.sum() > 0 && end.sum() > 0 && leftBegin.sum() > 0 && leftEnd.sum() > 0 && rightBegin.sum() > 0
      && rightEnd.sum() > 0
  }

  /// The largest weight of a state, which keeps sums of weights finite. An energy error that low happens where a chain is
  /// far from where it started, if at all.
  private static let largestLogWeight = 600.0

  /// One leapfrog: the leaf of a tree. Its momentum, and that under the inverse metric, go where they are wanted.
  private func buildLeaf(
    _ step: Double, _ momenta: UnsafeMutablePointer<Double>, _ sharps: UnsafeMutablePointer<Double>,
    _ weight: inout Double, _ proposal: inout Int
  ) -> Bool {
    drift(step)
    let half = 0.5 * step
    let (p, q, g, inverseMass) = (self.p, self.q, self.g, self.inverseMass)
    proposal = takeCandidate()
    let candidate = candidates + proposal
    let (candidateQ, candidateG) = (candidate.pointee.q, candidate.pointee.g)
    var twiceKinetic = SIMD4<Double>.zero
    var index = 0
    while index < stride {
      let slope = NUTSKernel.four(g + index).pointee
      let momentum = NUTSKernel.four(p + index).pointee + half * slope
      let image = NUTSKernel.four(inverseMass + index).pointee * momentum
      twiceKinetic += image * momentum
      NUTSKernel.four(p + index).pointee = momentum
      NUTSKernel.four(momenta + index).pointee = momentum
      NUTSKernel.four(sharps + index).pointee = image
      NUTSKernel.four(candidateQ + index).pointee = NUTSKernel.four(q + index).pointee
      NUTSKernel.four(candidateG + index).pointee = slope
      index += 4
    }
    let energy = finite(0.5 * twiceKinetic.sum() - endLogDensity)
    let change = startEnergy - energy
    weight = change.isNaN ? 0 : exp(min(change, NUTSKernel.largestLogWeight))
    acceptanceSum += min(1, weight)
    candidate.pointee.logDensity = endLogDensity
    candidate.pointee.energy = energy
    // A change that is not a number has no finite start either.
    guard -change <= NUTSKernel.maximumEnergyError else {
      stop = .divergent
      return false
    }
    return true
  }

  /// Two leapfrogs. Of two states the checks across the halves are the checks of the whole.
  private func buildPair(
    _ step: Double, _ rhoSum: UnsafeMutablePointer<Double>, _ pBegin: UnsafeMutablePointer<Double>,
    _ sharpBegin: UnsafeMutablePointer<Double>, _ pEnd: UnsafeMutablePointer<Double>,
    _ sharpEnd: UnsafeMutablePointer<Double>, _ weight: inout Double, _ proposal: inout Int,
    _ choices: inout RandomStream, _ isCancelled: () -> Bool
  ) -> Bool {
    var weightFinal = 0.0
    var other = 0
    guard buildLeaf(step, pBegin, sharpBegin, &weight, &proposal) else { return false }
    if isCancelled() {
      stop = .interrupted
      return false
    }
    guard buildLeaf(step, pEnd, sharpEnd, &weightFinal, &other) else { return false }
    weight += weightFinal
    if choices.nextUniform() * weight < weightFinal { swap(&proposal, &other) }
    release(other)
    var (begin, end) = (SIMD4<Double>.zero, SIMD4<Double>.zero)
    var index = 0
    while index < stride {
      let whole = NUTSKernel.four(pBegin + index).pointee + NUTSKernel.four(pEnd + index).pointee
      NUTSKernel.four(rhoSum + index).pointee = whole
      begin += NUTSKernel.four(sharpBegin + index).pointee * whole
      end += NUTSKernel.four(sharpEnd + index).pointee * whole
      index += 4
    }
    let goesOn = begin.sum() > 0 && end.sum() > 0
    if !goesOn { stop = .subtreeTurned }
    return goesOn
  }

  /// Extends the trajectory by 2^depth steps. Begin and end are in the direction of motion; `weight` and `proposal` are
  /// of the new states alone.
  private func buildTree(
    _ depth: Int, _ step: Double, _ rhoSum: UnsafeMutablePointer<Double>, _ pBegin: UnsafeMutablePointer<Double>,
    _ sharpBegin: UnsafeMutablePointer<Double>, _ pEnd: UnsafeMutablePointer<Double>,
    _ sharpEnd: UnsafeMutablePointer<Double>, _ weight: inout Double, _ proposal: inout Int,
    _ choices: inout RandomStream, _ isCancelled: () -> Bool
  ) -> Bool {
    if depth <= 1 {
      if isCancelled() {
        stop = .interrupted
        return false
      }
      if depth == 1 {
        return buildPair(
          step, rhoSum, pBegin, sharpBegin, pEnd, sharpEnd, &weight, &proposal, &choices, isCancelled)
      }
      let isValid = buildLeaf(step, pBegin, sharpBegin, &weight, &proposal)
      copy(pBegin, pEnd)
      copy(pBegin, rhoSum)
      copy(sharpBegin, sharpEnd)
      return isValid
    }
    let size = stride
    // Level 0 and 1 need no vectors of their own.
    let level = levels + (depth - 2) * NUTSKernel.vectorsPerLevel * size
    let rhoInitial = level
    let pInitialEnd = level + size
    let sharpInitialEnd = level + 2 * size
    let rhoFinal = level + 3 * size
    let pFinalBegin = level + 4 * size
    let sharpFinalBegin = level + 5 * size
    guard
      buildTree(
        depth - 1, step, rhoInitial, pBegin, sharpBegin, pInitialEnd, sharpInitialEnd, &weight, &proposal, &choices,
        isCancelled)
    else { return false }
    var weightFinal = 0.0
    var other = 0
    guard
      buildTree(
        depth - 1, step, rhoFinal, pFinalBegin, sharpFinalBegin, pEnd, sharpEnd, &weightFinal, &other, &choices,
        isCancelled)
    else { return false }
    // Inside a subtree the choice is by weight alone.
    weight += weightFinal
    if choices.nextUniform() * weight < weightFinal { swap(&proposal, &other) }
    release(other)
    let goesOn = merge(
      rhoInitial, rhoFinal, into: rhoSum, sharpBegin, pInitialEnd, sharpInitialEnd, pFinalBegin, sharpFinalBegin,
      sharpEnd)
    if !goesOn { stop = .subtreeTurned }
    return goesOn
  }
}
