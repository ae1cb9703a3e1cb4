import Foundation
import Inference
import Numerics
import TestSupport
import Testing

/// Leapfrog paths, and trees of them, against the reference file: the kernel is driven by given momenta and directions.
struct LeapfrogTests {
  typealias Item = [String: Any]

  /// A law of the file, in coordinates where its metric is diagonal.
  ///
  /// For a dense inverse mass A Aᵀ those are z with q = A z and r = Aᵀ p: energies, sums of momenta and all products of
  /// the turning criterion are the same there.
  private struct Setting {
    let base: any LogDensity
    let target: any LogDensity
    let inverseMass: [Double]
    let factor: [[Double]]?
    let stepSize: Double

    init(_ item: Item) throws {
      if item["target"] as? String == "gaussian" {
        base = GaussianTarget(
          mean: ConformanceTests.numbers(item["mean"]), covariance: ConformanceTests.rows(item["covariance"]))
      } else {
        try #require(item["target"] as? String == "funnel")
        base = FunnelTarget()
      }
      stepSize = try #require(ConformanceTests.number(item["step_size"]))
      if item["inverse_mass"] is [[Any]] {
        let factor = LinearTarget.cholesky(ConformanceTests.rows(item["inverse_mass"]))
        self.factor = factor
        target = LinearTarget(base: base, factor: factor)
        inverseMass = Array(repeating: 1, count: base.dimension)
      } else {
        factor = nil
        target = base
        inverseMass = ConformanceTests.numbers(item["inverse_mass"])
      }
      try #require(inverseMass.count == base.dimension)
    }

    func kernel(depth: Int) -> NUTSKernel {
      let kernel = NUTSKernel(target: target, maxTreeDepth: depth)
      kernel.updateInverseMass { metric in
        for (index, value) in inverseMass.enumerated() { metric[index] = value }
      }
      kernel.stepSize = stepSize
      return kernel
    }

    /// q → z, by substitution.
    func position(_ q: [Double]) -> [Double] { factor.map { LinearTarget.solve($0, q) } ?? q }
    /// p → r = Aᵀ p
    func momentum(_ p: [Double]) -> [Double] { factor.map { LinearTarget.transposedProduct($0, p) } ?? p }
    func value(_ q: [Double]) -> (logDensity: Double, gradient: [Double]) {
      var gradient = q
      let result = q.withUnsafeBufferPointer { point in
        gradient.withUnsafeMutableBufferPointer { slopes -> Double in
          guard let from = point.baseAddress, let to = slopes.baseAddress else { return .nan }
          return withUnsafeTemporaryAllocation(byteCount: 64, alignment: 64) { workspace in
            workspace.baseAddress.map { base.evaluate(position: from, gradient: to, workspace: $0) } ?? .nan
          }
        }
      }
      return (result, gradient)
    }
  }

  private func near(_ got: [Double], _ want: [Double], _ scale: Double) -> Bool {
    got.count == want.count && zip(got, want).allSatisfy { abs($0 - $1) <= 1e-10 * scale }
  }

  private func largest(_ rows: [[Double]]) -> Double { rows.flatMap { $0 }.reduce(1) { max($0, abs($1)) } }

  private func isNear(_ got: Double, _ want: Double) -> Bool { abs(got - want) <= 1e-9 * max(1, abs(want)) }

  private static func cases(_ name: String) throws -> [Item] {
    try #require(try ConformanceTests.json("leapfrog")[name] as? [Item])
  }

  @Test func paths() throws {
    var states = 0
    let cases = try Self.cases("trajectories")
    #expect(cases.count == 10)
    for item in cases {
      let setting = try Setting(item)
      let positions = ConformanceTests.rows(item["q"])
      let momenta = ConformanceTests.rows(item["p"])
      let gradients = ConformanceTests.rows(item["grad_logp"])
      let densities = ConformanceTests.numbers(item["logp"])
      let energies = ConformanceTests.numbers(item["energy"])
      let steps = try #require(ConformanceTests.number(item["steps"]))
      let count = Int(steps) + 1
      try #require([positions, momenta, gradients].allSatisfy { $0.count == count })
      try #require(densities.count == count && energies.count == count)
      let kernel = setting.kernel(depth: 1)
      kernel.move(to: setting.position(positions[0]))
      let path = kernel.path(
        momentum: setting.momentum(momenta[0]), stepSize: setting.stepSize, steps: positions.count - 1)
      let places = positions.map(setting.position)
      let pushes = momenta.map(setting.momentum)
      for step in positions.indices {
        #expect(near(path.positions[step], places[step], largest(places)))
        #expect(near(path.momenta[step], pushes[step], largest(pushes)))
        #expect(isNear(path.logDensities[step], densities[step]))
        #expect(isNear(path.energies[step], energies[step]))
        let own = setting.value(positions[step])
        #expect(isNear(own.logDensity, densities[step]) && near(own.gradient, gradients[step], largest(gradients)))
        states += 1
      }
      let worst = path.energies.map { abs($0 - path.energies[0]) }.max() ?? 0
      let wanted = try #require(ConformanceTests.number(item["max_abs_energy_error"]))
      #expect(abs(worst - wanted) <= 1e-9 * max(1, energies.map(abs).max() ?? 1))
    }
    #expect(states == 120)
  }

  @Test func divergence() throws {
    let item = try #require(try ConformanceTests.json("leapfrog")["divergence"] as? Item)
    let setting = try Setting(item)
    let start = ConformanceTests.numbers(item["q0"])
    let momentum = ConformanceTests.numbers(item["p0"])
    let energies = ConformanceTests.numbers(item["energy"])
    #expect(energies.count == 2)
    let kernel = setting.kernel(depth: 10)
    kernel.move(to: start)
    let path = kernel.path(momentum: momentum, stepSize: setting.stepSize, steps: 1)
    for (got, want) in zip(path.energies, energies) { #expect(isNear(got, want)) }
    let facts = kernel.step(
      momentum: momentum, directions: Array(repeating: true, count: 10), key: RandomKey(seed: 1))
    #expect(facts.isDivergent == (item["divergent_with_delta_max_1000"] as? Bool))
    #expect(facts.stop == .divergent && facts.leapfrogs == 1 && facts.treeDepth == 0)
    #expect(kernel.divergenceStart.position == start && near(kernel.divergenceStart.momentum, momentum, 1))
    // Nothing else was there to draw from.
    #expect((0..<kernel.dimension).map { kernel.position[$0] } == start)
  }

  /// Every aligned subtree of sixteen states, grown from every one of its states: the directions follow from where the
  /// state stands, and from the reference's turning flags follows where the kernel must stop and why.
  @Test func trees() throws {
    let cases = try Self.cases("trees")
    #expect(cases.count == 4)
    var grown = 0
    var whole: Set<String> = []
    for (number, item) in cases.enumerated() {
      let setting = try Setting(item)
      let positions = ConformanceTests.rows(item["q"]).map(setting.position)
      let momenta = ConformanceTests.rows(item["p"]).map(setting.momentum)
      let nodes = try #require(item["nodes"] as? [Item])
      try #require(positions.count == 16 && momenta.count == 16 && nodes.count == 15)
      var turning: [ClosedRange<Int>: Bool] = [:]
      var byRange: [ClosedRange<Int>: Item] = [:]
      for node in nodes {
        let first = try #require(ConformanceTests.number(node["first"]))
        let last = try #require(ConformanceTests.number(node["last"]))
        turning[Int(first)...Int(last)] = try #require(node["turning_with_cross_checks"] as? Bool)
        byRange[Int(first)...Int(last)] = node
      }
      func anyPartTurns(_ range: ClosedRange<Int>) -> Bool {
        byRange.keys.contains { range.contains($0.lowerBound) && range.contains($0.upperBound) && turning[$0] == true }
      }
      for (range, _) in byRange {
        let depth = range.count.trailingZeroBitCount
        for start in range {
          let directions = (0..<depth).map { (start - range.lowerBound) >> $0 & 1 == 0 }
          var stop = TrajectoryStop.depthLimit
          var reached = start...start
          var kept = 0
          for level in 0..<depth {
            let size = 1 << level
            let half = directions[level] ? reached.upperBound + 1 : reached.lowerBound - size
            if anyPartTurns(half...(half + size - 1)) {
              stop = .subtreeTurned
              break
            }
            reached = min(half, reached.lowerBound)...max(half + size - 1, reached.upperBound)
            kept += 1
            if turning[reached] == true {
              stop = .treeTurned
              break
            }
          }
          let kernel = setting.kernel(depth: depth)
          kernel.move(to: positions[start])
          let facts = kernel.step(momentum: momenta[start], directions: directions, key: RandomKey(seed: 3))
          #expect(facts.stop == stop && facts.treeDepth == kept, "tree \(number), \(range) from \(start)")
          grown += 1
          guard stop != .subtreeTurned, let node = byRange[reached] else { continue }
          let trajectory = kernel.trajectory
          let scale = largest(positions + momenta)
          #expect(near(trajectory.backwardPosition, positions[reached.lowerBound], scale))
          #expect(near(trajectory.forwardPosition, positions[reached.upperBound], scale))
          #expect(near(trajectory.backwardMomentum, momenta[reached.lowerBound], scale))
          #expect(near(trajectory.forwardMomentum, momenta[reached.upperBound], scale))
          let rho = setting.momentum(ConformanceTests.numbers(node["rho"]))
          #expect(near(trajectory.momentumSum, rho, largest([rho])))
          for (momentum, key) in [
            (trajectory.backwardMomentum, "p_sharp_first_dot_rho"),
            (trajectory.forwardMomentum, "p_sharp_last_dot_rho"),
          ] {
            let product = rho.indices.reduce(0.0) {
              $0 + setting.inverseMass[$1] * momentum[$1] * trajectory.momentumSum[$1]
            }
            #expect(isNear(product, try #require(ConformanceTests.number(node[key]))))
          }
          whole.insert("\(number) \(reached)")
        }
      }
    }
    #expect(grown == 256)
    #expect(whole.count == 54)
  }

  /// The growth of trees for given directions, doubling by doubling, until it stops.
  @Test func doublings() throws {
    let cases = try Self.cases("doublings")
    #expect(cases.count == 14)
    var doublings = 0
    for (number, item) in cases.enumerated() {
      let setting = try Setting(item)
      let start = setting.position(ConformanceTests.numbers(item["q0"]))
      let momentum = setting.momentum(ConformanceTests.numbers(item["p0"]))
      let wanted = try #require(item["with_cross_checks"] as? Item)
      let directions = ConformanceTests.numbers(wanted["directions"]).map { $0 == 1 }
      func grow(_ depth: Int) -> (kernel: NUTSKernel, facts: TransitionFacts) {
        let kernel = setting.kernel(depth: depth)
        kernel.move(to: start)
        return (kernel, kernel.step(momentum: momentum, directions: directions, key: RandomKey(seed: 8)))
      }
      let steps = try #require(wanted["steps"] as? [Item])
      for (depth, step) in steps.enumerated() {
        let (kernel, facts) = grow(depth + 1)
        let isValid = try #require(step["new_subtree_valid"] as? Bool)
        #expect(facts.leapfrogs == (step["leapfrogs_so_far"] as? Int), "case \(number), depth \(depth)")
        #expect(facts.treeDepth == (isValid ? depth + 1 : depth))
        doublings += 1
        guard isValid else {
          #expect(facts.stop == .subtreeTurned && step["reason"] as? String == "subtree_turned")
          continue
        }
        #expect(facts.stop == (step["tree_turning"] as? Bool == true ? .treeTurned : .depthLimit))
        let trajectory = kernel.trajectory
        func agrees(_ got: [Double], _ want: [Double]) -> Bool { near(got, want, largest([want])) }
        #expect(agrees(trajectory.momentumSum, setting.momentum(ConformanceTests.numbers(step["rho"]))))
        #expect(agrees(trajectory.backwardPosition, setting.position(ConformanceTests.numbers(step["leftmost_q"]))))
        #expect(agrees(trajectory.backwardMomentum, setting.momentum(ConformanceTests.numbers(step["leftmost_p"]))))
        #expect(agrees(trajectory.forwardPosition, setting.position(ConformanceTests.numbers(step["rightmost_q"]))))
        #expect(agrees(trajectory.forwardMomentum, setting.momentum(ConformanceTests.numbers(step["rightmost_p"]))))
        #expect(isNear(trajectory.logWeight, try #require(ConformanceTests.number(step["log_sum_weight"]))))
      }
      let (_, facts) = grow(directions.count)
      let stops: [String: TrajectoryStop] = [
        "tree_turned": .treeTurned, "subtree_turned": .subtreeTurned, "divergent": .divergent,
      ]
      #expect(facts.stop == stops[wanted["stop"] as? String ?? ""], "case \(number)")
      #expect(facts.treeDepth == (wanted["final_depth"] as? Int))
      #expect(facts.leapfrogs == (wanted["leapfrogs"] as? Int))
      #expect(1 << facts.treeDepth == (wanted["tree_size"] as? Int))
      let before = directions.prefix(facts.treeDepth).enumerated().reduce(0) { $0 + ($1.element ? 0 : 1 << $1.offset) }
      #expect(before == (wanted["initial_index_in_tree"] as? Int))
    }
    #expect(doublings == 46)
  }
}
