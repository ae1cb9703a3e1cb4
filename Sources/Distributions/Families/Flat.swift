package import TensorIR

/// The improper distribution of density 1 on the constrained scale, between bounds or without.
package struct FlatFamily: DistributionFamily {
  package enum Bounds: Sendable { case none, lower, upper, both }

  package let bounds: Bounds
  package init(bounds: Bounds) { self.bounds = bounds }

  package var name: String {
    switch bounds {
    case .none: "Flat()"
    case .lower: "Flat(lower:)"
    case .upper: "Flat(upper:)"
    case .both: "Flat(lower:upper:)"
    }
  }
  package var parameters: [DistributionParameter] {
    let lower = DistributionParameter("lower", .real, .finite)
    let upper = DistributionParameter("upper", .real, .finite)
    return switch bounds {
    case .none: []
    case .lower: [lower]
    case .upper: [upper]
    case .both: [lower, upper]
    }
  }
  package var supportDescription: String {
    switch bounds {
    case .none: "a real number"
    case .lower: "a number above `lower`"
    case .upper: "a number below `upper`"
    case .both: "a number between `lower` and `upper`"
    }
  }

  package func support(_ p: [NodeID], _ b: GraphBuilder) -> Support {
    switch bounds {
    case .none: .real
    case .lower: .lower(p[0])
    case .upper: .upper(p[0])
    case .both: .interval(p[0], p[1])
    }
  }

  package func logDensity(_ value: NodeID, _ p: [NodeID], _ b: GraphBuilder) -> NodeID {
    func inside(_ condition: NodeID) -> NodeID {
      b.within(condition, b.spread(b.constant(0), to: b.shape(condition)))
    }
    switch bounds {
    case .none: return b.spread(b.constant(0), to: b.shape(value))
    case .lower: return inside(b.binary(.lessOrEqual, p[0], value))
    case .upper: return inside(b.binary(.lessOrEqual, value, p[0]))
    case .both: return inside(b.both(b.binary(.lessOrEqual, p[0], value), b.binary(.lessOrEqual, value, p[1])))
    }
  }

  package func draw(_ stream: StreamLabel, elements: NodeID, _ p: [NodeID], _ b: GraphBuilder) -> NodeID? { nil }

  package func relationFault(_ parameters: [TensorData]) -> String? {
    bounds == .both ? boundsFault(parameters, "lower", "upper") : nil
  }
}
