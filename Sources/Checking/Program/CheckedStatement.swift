package import Syntax

package struct CheckedStatement: Sendable {
  package var kind: Kind
  package var span: SourceSpan
  package init(_ kind: Kind, _ span: SourceSpan) {
    self.kind = kind
    self.span = span
  }

  package indirect enum Kind: Sendable {
    /// A value at the top level of a cell is shown unless it is unit.
    case expression(CheckedExpression, isShown: Bool)
    /// Initializes a local. `derivedName` is set for a `let` of a model body: a quantity readable as `fit.NAME`.
    case bind(LocalID, CheckedExpression, derivedName: String?)
    case assign(LocalID, CheckedExpression)
    /// `x[i, j] = v`, `s.field = v`, `d["k"] = v`, nested: the path from the local down.
    case assignPath(LocalID, [CheckedPathStep], CheckedExpression)
    case ifElse(CheckedExpression, then: [CheckedStatement], otherwise: [CheckedStatement])
    /// `if let`: when the value is not nil, the local holds it in `then`.
    case ifLet(LocalID, CheckedExpression, then: [CheckedStatement], otherwise: [CheckedStatement])
    /// The subject is an enum value; payloads are bound by `bindPayload`.
    case switchEnum(CheckedExpression, cases: [CheckedSwitchCase], otherwise: [CheckedStatement]?)
    /// A loop over a range of integers or the elements of an array, list or dictionary (pairs).
    case forIn(CheckedLoop)
    case whileLoop(CheckedExpression, [CheckedStatement])
    case breakLoop
    case continueLoop
    case returnValue(CheckedExpression?)
    /// A block with its own scope that `break`-free code may leave by falling through (guards, lowered patterns).
    case block([CheckedStatement])

    // Model bodies only.
    case site(CheckedSite)
    /// `let g ~ Submodel(…)`
    case submodel(LocalID, name: String, CheckedExpression)
    /// `let x: Vector[T]`: the extents are evaluated now.
    case openPiecewise(LocalID, name: String, type: Type, extents: [CheckedExpression])
    /// `x[t] ~ D`
    case pieceSite(LocalID, [CheckedExpression], CheckedExpression)
    /// `x[t] = e`
    case pieceValue(LocalID, [CheckedExpression], CheckedExpression)
    case plate(CheckedPlate)
    case addLogDensity(CheckedExpression)
  }
}

package struct CheckedSite: Sendable {
  package var name: String
  package var local: LocalID
  package var distribution: CheckedExpression
  package init(name: String, local: LocalID, distribution: CheckedExpression) {
    self.name = name
    self.local = local
    self.distribution = distribution
  }
}

package struct CheckedSwitchCase: Sendable {
  package var caseIndex: Int
  /// Locals that receive the payload, nil for `_`.
  package var payload: [LocalID?]
  package var body: [CheckedStatement]
  package init(caseIndex: Int, payload: [LocalID?], body: [CheckedStatement]) {
    self.caseIndex = caseIndex
    self.payload = payload
    self.body = body
  }
}

package struct CheckedLoop: Sendable {
  /// The loop variable; for tuples (dictionary pairs, `zip`, `enumerated`) the body starts by taking it apart.
  package var variable: LocalID
  package var sequence: CheckedExpression
  package var body: [CheckedStatement]
  /// Whether the body (not functions it calls) holds a site, a piecewise definition or `addLogDensity`.
  package var containsSite: Bool
  /// Locals declared outside the loop that the body assigns: the carry of a scan.
  package var carried: [LocalID]
  package init(
    variable: LocalID, sequence: CheckedExpression, body: [CheckedStatement], containsSite: Bool, carried: [LocalID]
  ) {
    self.variable = variable
    self.sequence = sequence
    self.body = body
    self.containsSite = containsSite
    self.carried = carried
  }
}

package struct CheckedPlate: Sendable {
  /// A name bound inside: `inner` holds one element, `outer` the array after the plate.
  package struct Export: Sendable {
    package var name: String
    package var inner: LocalID
    package var outer: LocalID
    package init(name: String, inner: LocalID, outer: LocalID) {
      self.name = name
      self.inner = inner
      self.outer = outer
    }
  }
  package var index: LocalID
  package var lower: CheckedExpression
  package var upper: CheckedExpression
  package var isClosed: Bool
  package var body: [CheckedStatement]
  package var exports: [Export]
  package init(
    index: LocalID, lower: CheckedExpression, upper: CheckedExpression, isClosed: Bool, body: [CheckedStatement],
    exports: [Export]
  ) {
    self.index = index
    self.lower = lower
    self.upper = upper
    self.isClosed = isClosed
    self.body = body
    self.exports = exports
  }
}

package enum CheckedPathStep: Sendable {
  case index([CheckedIndex])
  case field(Int)
  case tupleElement(Int)
  case key(CheckedExpression)
}
