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
  package init() {}
}

/// The No-U-Turn sampler: multinomial draws from the trajectory (Betancourt 2017, appendix A), the generalized U-turn
/// criterion with the checks across the two halves of a doubling that Stan added in 2.21, a diagonal metric.
///
/// Everything lives in buffers made once; a transition allocates nothing.
package final class NUTSKernel: @unchecked Sendable {
  package static let maximumEnergyError = 1000.0

  let target: any LogDensity
  package let dimension: Int
  package let maxTreeDepth: Int
  private let workspace: UnsafeMutableRawPointer
  private let pool: UnsafeMutablePointer<Double>

  /// The current point: position, gradient of the log density, log density.
  package let position: UnsafeMutablePointer<Double>
  let gradient: UnsafeMutablePointer<Double>
  package private(set) var logDensity = -Double.infinity
  package let inverseMass: UnsafeMutablePointer<Double>
  package var stepSize = 1.0

  // The moving end of the trajectory.
  private let q: UnsafeMutablePointer<Double>
  private let p: UnsafeMutablePointer<Double>
  private let g: UnsafeMutablePointer<Double>
  private var endLogDensity = 0.0
  // Both ends kept while the other moves.
  private let qForward, pForward, gForward: UnsafeMutablePointer<Double>
  private let qBackward, pBackward, gBackward: UnsafeMutablePointer<Double>
  // The draw.
  private let qSample, gSample: UnsafeMutablePointer<Double>
  private let qPropose, gPropose: UnsafeMutablePointer<Double>
  private var sampleLogDensity = 0.0
  private var proposeLogDensity = 0.0
  private var sampleEnergy = 0.0
  private var proposeEnergy = 0.0
  // Momenta and their images under the inverse metric at the seams, sums of momenta.
  private let pForwardBack, sharpForwardBack, pForwardFront, sharpForwardFront: UnsafeMutablePointer<Double>
  private let pBackwardBack, sharpBackwardBack, pBackwardFront, sharpBackwardFront: UnsafeMutablePointer<Double>
  private let rho, rhoForward, rhoBackward, rhoExtra: UnsafeMutablePointer<Double>
  private let momentumStart: UnsafeMutablePointer<Double>
  /// Per level of the recursion: ten vectors.
  private let levels: UnsafeMutablePointer<Double>
  private var divergent = false
  private var leapfrogCount = 0

  package init(target: any LogDensity, maxTreeDepth: Int) {
    self.target = target
    self.maxTreeDepth = maxTreeDepth
    dimension = target.dimension
    workspace = UnsafeMutableRawPointer.allocate(byteCount: max(64, target.workspaceByteCount), alignment: 64)
    let stride = max(1, dimension)
    let count = 32 + 10 * (maxTreeDepth + 2)
    pool = .allocate(capacity: count * stride)
    pool.initialize(repeating: 0, count: count * stride)
    var next = pool
    func vector() -> UnsafeMutablePointer<Double> {
      defer { next += stride }
      return next
    }
    position = vector()
    gradient = vector()
    inverseMass = vector()
    q = vector()
    p = vector()
    g = vector()
    (qForward, pForward, gForward) = (vector(), vector(), vector())
    (qBackward, pBackward, gBackward) = (vector(), vector(), vector())
    (qSample, gSample) = (vector(), vector())
    (qPropose, gPropose) = (vector(), vector())
    (pForwardBack, sharpForwardBack, pForwardFront, sharpForwardFront) = (vector(), vector(), vector(), vector())
    (pBackwardBack, sharpBackwardBack, pBackwardFront, sharpBackwardFront) = (vector(), vector(), vector(), vector())
    (rho, rhoForward, rhoBackward, rhoExtra) = (vector(), vector(), vector(), vector())
    momentumStart = vector()
    levels = next
    for index in 0..<dimension { inverseMass[index] = 1 }
  }

  deinit {
    pool.deallocate()
    workspace.deallocate()
  }

  // MARK: - State

  /// Moves the chain to a position; the log density and gradient there are evaluated.
  @discardableResult
  package func move(to start: [Double]) -> Double {
    for index in 0..<dimension { position[index] = start[index] }
    logDensity = target.evaluate(position: position, gradient: gradient, workspace: workspace)
    return logDensity
  }

  /// Index of the first gradient entry that is not finite at the current point.
  package var firstNonFiniteGradient: Int? { (0..<dimension).first { !gradient[$0].isFinite } }

  private func copy(_ from: UnsafeMutablePointer<Double>, _ to: UnsafeMutablePointer<Double>) {
    to.update(from: from, count: dimension)
  }

  private func sharp(_ momentum: UnsafeMutablePointer<Double>, _ result: UnsafeMutablePointer<Double>) {
    for index in 0..<dimension { result[index] = inverseMass[index] * momentum[index] }
  }

  private func kinetic(_ momentum: UnsafeMutablePointer<Double>) -> Double {
    var sum = 0.0
    for index in 0..<dimension { sum += inverseMass[index] * momentum[index] * momentum[index] }
    return 0.5 * sum
  }

  /// −log density + kinetic energy; +∞ where the density cannot be evaluated.
  private func endEnergy() -> Double {
    let energy = kinetic(p) - endLogDensity
    return energy.isNaN ? .infinity : energy
  }

  private func drawMomentum(_ stream: inout RandomStream) {
    for index in 0..<dimension { p[index] = stream.nextNormal() / inverseMass[index].squareRoot() }
  }

  /// One leapfrog step of the moving end.
  private func leapfrog(_ step: Double) {
    let half = 0.5 * step
    for index in 0..<dimension {
      p[index] += half * g[index]
      q[index] += step * inverseMass[index] * p[index]
    }
    endLogDensity = target.evaluate(position: q, gradient: g, workspace: workspace)
    for index in 0..<dimension { p[index] += half * g[index] }
    leapfrogCount += 1
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
  package func step(key: RandomKey) -> TransitionFacts {
    var facts = TransitionFacts()
    facts.stepSize = stepSize
    guard dimension > 0 else {
      facts.acceptance = 1
      facts.logDensity = logDensity
      facts.energy = -logDensity
      return facts
    }
    var momentumStream = RandomStream(key: key.child(0))
    var directionStream = RandomStream(key: key.child(1))
    var choiceStream = RandomStream(key: key.child(2))
    copy(position, q)
    copy(gradient, g)
    endLogDensity = logDensity
    drawMomentum(&momentumStream)
    leapfrogCount = 0
    divergent = false

    copy(q, qForward)
    copy(p, pForward)
    copy(g, gForward)
    copy(q, qBackward)
    copy(p, pBackward)
    copy(g, gBackward)
    copy(q, qSample)
    copy(g, gSample)
    sampleLogDensity = logDensity
    var forwardLogDensity = logDensity
    var backwardLogDensity = logDensity
    copy(p, pForwardBack)
    copy(p, pForwardFront)
    copy(p, pBackwardBack)
    copy(p, pBackwardFront)
    sharp(p, sharpForwardBack)
    copy(sharpForwardBack, sharpForwardFront)
    copy(sharpForwardBack, sharpBackwardBack)
    copy(sharpForwardBack, sharpBackwardFront)
    copy(p, rho)
    let startEnergy = endEnergy()
    sampleEnergy = startEnergy
    var logWeight = 0.0
    var acceptanceSum = 0.0
    var depth = 0

    while depth < maxTreeDepth {
      for index in 0..<dimension {
        rhoForward[index] = 0
        rhoBackward[index] = 0
      }
      var logWeightSubtree = -Double.infinity
      let isValid: Bool
      if directionStream.nextUniform() > 0.5 {
        copy(qForward, q)
        copy(pForward, p)
        copy(gForward, g)
        endLogDensity = forwardLogDensity
        copy(rho, rhoBackward)
        copy(pForwardFront, pBackwardFront)
        copy(sharpForwardFront, sharpBackwardFront)
        isValid = buildTree(
          depth, direction: 1, startEnergy, rhoForward, pForwardBack, sharpForwardBack, pForwardFront,
          sharpForwardFront, &logWeightSubtree, &acceptanceSum, &choiceStream)
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
          depth, direction: -1, startEnergy, rhoBackward, pBackwardFront, sharpBackwardFront, pBackwardBack,
          sharpBackwardBack, &logWeightSubtree, &acceptanceSum, &choiceStream)
        copy(q, qBackward)
        copy(p, pBackward)
        copy(g, gBackward)
        backwardLogDensity = endLogDensity
      }
      guard isValid else { break }
      depth += 1
      // Biased progressive sampling: the new half is taken with probability min(1, its weight / the old weight).
      if logWeightSubtree > logWeight || choiceStream.nextUniform() < exp(logWeightSubtree - logWeight) {
        copy(qPropose, qSample)
        copy(gPropose, gSample)
        sampleLogDensity = proposeLogDensity
        sampleEnergy = proposeEnergy
      }
      logWeight = Special.logAddExp(logWeight, logWeightSubtree)
      // U-turn across the whole, and from each half to the first state of the other.
      for index in 0..<dimension { rho[index] = rhoBackward[index] + rhoForward[index] }
      var goesOn = keepsGoing(sharpBackwardBack, sharpForwardFront, rho)
      for index in 0..<dimension { rhoExtra[index] = rhoBackward[index] + pForwardBack[index] }
      goesOn = goesOn && keepsGoing(sharpBackwardBack, sharpForwardBack, rhoExtra)
      for index in 0..<dimension { rhoExtra[index] = rhoForward[index] + pBackwardFront[index] }
      goesOn = goesOn && keepsGoing(sharpBackwardFront, sharpForwardFront, rhoExtra)
      guard goesOn else { break }
    }
    copy(qSample, position)
    copy(gSample, gradient)
    logDensity = sampleLogDensity
    facts.acceptance = leapfrogCount > 0 ? acceptanceSum / Double(leapfrogCount) : 0
    facts.treeDepth = depth
    facts.leapfrogs = leapfrogCount
    facts.isDivergent = divergent
    facts.energy = sampleEnergy
    facts.logDensity = logDensity
    return facts
  }

  /// Whether a stretch has not turned: both ends still move along the sum of momenta.
  private func keepsGoing(
    _ sharpStart: UnsafeMutablePointer<Double>, _ sharpEnd: UnsafeMutablePointer<Double>,
    _ sum: UnsafeMutablePointer<Double>
  ) -> Bool {
    var first = 0.0
    var last = 0.0
    for index in 0..<dimension {
      first += sharpStart[index] * sum[index]
      last += sharpEnd[index] * sum[index]
    }
    return first > 0 && last > 0
  }

  /// Extends the trajectory by 2^depth steps. Begin and end are in the direction of motion.
  private func buildTree(
    _ depth: Int, direction: Double, _ startEnergy: Double, _ rhoSum: UnsafeMutablePointer<Double>,
    _ pBegin: UnsafeMutablePointer<Double>, _ sharpBegin: UnsafeMutablePointer<Double>,
    _ pEnd: UnsafeMutablePointer<Double>, _ sharpEnd: UnsafeMutablePointer<Double>, _ logWeight: inout Double,
    _ acceptanceSum: inout Double, _ choices: inout RandomStream
  ) -> Bool {
    if depth == 0 {
      leapfrog(direction * stepSize)
      let energy = endEnergy()
      let change = startEnergy - energy
      if -change > NUTSKernel.maximumEnergyError || change.isNaN { divergent = true }
      logWeight = Special.logAddExp(logWeight, change)
      acceptanceSum += change > 0 ? 1 : (change.isNaN ? 0 : exp(change))
      copy(q, qPropose)
      copy(g, gPropose)
      proposeLogDensity = endLogDensity
      proposeEnergy = energy
      sharp(p, sharpBegin)
      copy(sharpBegin, sharpEnd)
      copy(p, pBegin)
      copy(p, pEnd)
      for index in 0..<dimension { rhoSum[index] += p[index] }
      return !divergent
    }
    let level = levels + (depth - 1) * 10 * max(1, dimension)
    let size = max(1, dimension)
    let rhoInitial = level
    let pInitialEnd = level + size
    let sharpInitialEnd = level + 2 * size
    let qInitial = level + 3 * size
    let gInitial = level + 4 * size
    let rhoFinal = level + 5 * size
    let pFinalBegin = level + 6 * size
    let sharpFinalBegin = level + 7 * size
    let rhoBoth = level + 8 * size
    for index in 0..<dimension { rhoInitial[index] = 0 }
    var logWeightInitial = -Double.infinity
    guard
      buildTree(
        depth - 1, direction: direction, startEnergy, rhoInitial, pBegin, sharpBegin, pInitialEnd, sharpInitialEnd,
        &logWeightInitial, &acceptanceSum, &choices)
    else { return false }
    copy(qPropose, qInitial)
    copy(gPropose, gInitial)
    let initialLogDensity = proposeLogDensity
    let initialEnergy = proposeEnergy
    for index in 0..<dimension { rhoFinal[index] = 0 }
    var logWeightFinal = -Double.infinity
    guard
      buildTree(
        depth - 1, direction: direction, startEnergy, rhoFinal, pFinalBegin, sharpFinalBegin, pEnd, sharpEnd,
        &logWeightFinal, &acceptanceSum, &choices)
    else { return false }
    // Inside a subtree the choice is by weight alone.
    let logWeightSubtree = Special.logAddExp(logWeightInitial, logWeightFinal)
    logWeight = Special.logAddExp(logWeight, logWeightSubtree)
    if !(logWeightFinal > logWeightSubtree || choices.nextUniform() < exp(logWeightFinal - logWeightSubtree)) {
      copy(qInitial, qPropose)
      copy(gInitial, gPropose)
      proposeLogDensity = initialLogDensity
      proposeEnergy = initialEnergy
    }
    for index in 0..<dimension {
      rhoBoth[index] = rhoInitial[index] + rhoFinal[index]
      rhoSum[index] += rhoBoth[index]
    }
    var goesOn = keepsGoing(sharpBegin, sharpEnd, rhoBoth)
    for index in 0..<dimension { rhoBoth[index] = rhoInitial[index] + pFinalBegin[index] }
    goesOn = goesOn && keepsGoing(sharpBegin, sharpFinalBegin, rhoBoth)
    for index in 0..<dimension { rhoBoth[index] = rhoFinal[index] + pInitialEnd[index] }
    return goesOn && keepsGoing(sharpInitialEnd, sharpEnd, rhoBoth)
  }
}
