package import Syntax
package import TensorIR

/// An array under piecewise definition: `let x: Vector[T]`, then `x[t] ~ D` or `x[t] = e`.
///
/// Every element is defined exactly once; which elements a statement defines is known at trace time, because indices are
/// made of fixed values and of plate and loop indices.
package final class PiecewiseArray {
  /// Values given to some elements.
  struct Piece {
    /// Flat positions within `extents`, in the order of the piece's elements.
    var positions: [Int]
    /// Shape `[frames…, elements of the piece]`.
    var value: TracedTensor
  }

  let name: String
  /// The frames open where the array was opened.
  let frames: [FrameID]
  package let extents: [Int]
  let element: TracedTensor.Element
  let span: SourceSpan
  /// Set when the first piece turns out to be a site.
  var source: PiecewiseSource?
  var isSite = false
  var pieces: [Piece] = []
  /// Per flat position: 0 where nothing is defined yet, else 1 + the number of the defining statement.
  var definedBy: [Int32]
  var definedCount = 0
  /// Places of the defining statements, for the message about a second definition.
  var statements: [SourceSpan] = []
  /// The assembled array, once complete.
  var assembled: TracedTensor?

  init(name: String, frames: [FrameID], extents: [Int], element: TracedTensor.Element, span: SourceSpan) {
    self.name = name
    self.frames = frames
    self.extents = extents
    self.element = element
    self.span = span
    let count = extents.reduce(1) { $0.multipliedReportingOverflow(by: $1).partialValue }
    definedBy = Array(repeating: 0, count: max(0, count))
  }

  var count: Int { definedBy.count }
  var isComplete: Bool { definedCount == count }

  /// State to go back to when a loop is traced a second time.
  struct Checkpoint {
    var pieces: Int
    var definedBy: [Int32]
    var definedCount: Int
    var statements: Int
    var source: PiecewiseSource?
    var isSite: Bool
  }
  func checkpoint() -> Checkpoint {
    Checkpoint(
      pieces: pieces.count, definedBy: definedBy, definedCount: definedCount, statements: statements.count,
      source: source, isSite: isSite)
  }
  func rollback(to checkpoint: Checkpoint) {
    pieces.removeLast(pieces.count - checkpoint.pieces)
    definedBy = checkpoint.definedBy
    definedCount = checkpoint.definedCount
    statements.removeLast(statements.count - checkpoint.statements)
    source = checkpoint.source
    isSite = checkpoint.isSite
    assembled = nil
  }

  /// Marks positions as defined; a second definition is a fault at the statement.
  func define(_ positions: [Int], by statement: SourceSpan) throws {
    statements.append(statement)
    let number = Int32(statements.count)
    for position in positions {
      guard position >= 0, position < definedBy.count else { continue }
      let earlier = definedBy[position]
      if earlier != 0 {
        let first = statements[Int(earlier) - 1]
        throw Fault(
          "M240", "element \(elementName(position)) of `\(name)` is defined twice", caret: "again here",
          expected: "every element defined exactly once", help: "change the range of one of the two definitions",
          labels: [Diagnostic.Label(span: first, text: "defined here first")], span: statement)
      }
      definedBy[position] = number
      definedCount += 1
    }
  }

  /// The fault for reading or ending before an element has its definition.
  func missing(_ position: Int, span: SourceSpan, isRead: Bool) -> Fault {
    if isRead {
      return Fault(
        "M241", "element \(elementName(position)) of `\(name)` is read before it is defined",
        help: "define it above, or start the loop later",
        labels: [Diagnostic.Label(span: self.span, text: "opened here")],
        span: span)
    }
    return Fault(
      "M242", "element \(elementName(position)) of `\(name)` is never defined", caret: "opened here",
      expected: "every element defined exactly once", found: "\(count - definedCount) of \(count) without a definition",
      help: "add `\(name)[…] ~ …` or `\(name)[…] = …` for it", span: self.span)
  }

  func elementName(_ position: Int) -> String {
    var rest = position
    var parts: [String] = []
    for extent in extents.reversed() {
      guard extent > 0 else { break }
      parts.insert(String(rest % extent), at: 0)
      rest /= extent
    }
    return "[\(parts.joined(separator: ", "))]"
  }
}

/// A loop that holds sites or a varying carry, while its body is traced.
final class LoopState {
  /// One defining statement of the body.
  struct Definition {
    var array: PiecewiseArray
    /// Flat positions, step by step.
    var positions: [Int]
    /// Nil for elements of a site whose values are known beforehand.
    var value: TracedTensor?
    var frames: [FrameID]
    var rest: [Int]
    var span: SourceSpan
  }

  struct DefinitionKey: Hashable {
    var array: ObjectIdentifier
    var span: SourceSpan
  }

  /// A read of elements that are not defined before the loop.
  struct EarlierRead {
    var array: PiecewiseArray
    var place: Tracer.Place
    /// Per index position, whether the value is used; nil where all are.
    var active: [Bool]?
    var span: SourceSpan

    func isActive(_ position: Int) -> Bool {
      guard let active else { return true }
      let block = max(1, place.rest.reduce(1, *))
      return position / block < active.count ? active[position / block] : true
    }
    func lanesAreAll(_ predicate: (Int) -> Bool) -> Bool {
      place.positions.indices.allSatisfy { !isActive($0) || predicate(place.positions[$0]) }
    }
    var firstUndefined: Int {
      let slot = place.positions.indices.first { isActive($0) && array.definedBy[place.positions[$0]] == 0 }
      return slot.map { place.positions[$0] } ?? place.positions.first ?? 0
    }
  }

  let frame: Frame
  /// Whether the body is traced as a scan's body (else as a map over all steps at once).
  let isScan: Bool
  /// Definitions met so far in the body.
  var definitions: [Definition] = []
  /// Map only: reads to be resolved once the whole body is known.
  var earlierReads: [EarlierRead] = []
  /// Scan only: the definitions of the whole body, known from the attempt as a map.
  var lookahead: [Definition] = []
  /// Scan only: the last values of each recurrent definition, newest first, as carries of the body.
  var history: [DefinitionKey: [TracedTensor]] = [:]
  /// Scan only: log-density terms that depend on the carry, summed outside.
  var pendingTerms: [(term: TracedTensor, span: SourceSpan)] = []
  /// Scan only: pieces of known sites whose distribution depends on the carry, scored outside.
  var pendingPieces: [(request: SiteRequest, value: TracedTensor, indices: TracedTensor)] = []

  init(frame: Frame, isScan: Bool) {
    self.frame = frame
    self.isScan = isScan
  }
}
