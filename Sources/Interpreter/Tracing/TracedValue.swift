package import TensorIR

/// A plate or symbolic loop that is open while a model is traced; its axis leads the shapes of what depends on it.
package struct FrameID: Hashable, Sendable {
  package var rawValue: Int32
  package init(_ rawValue: Int32) { self.rawValue = rawValue }
}

/// A tensor of the graph as the dialect sees it: one element's shape, batched over frames.
///
/// The node's shape is the extents of `frames`, outermost first, followed by `shape`.
package struct TracedTensor: Sendable {
  package enum Element: Sendable { case real, int, bool }
  package var node: NodeID
  package var frames: [FrameID]
  package var element: Element
  /// The shape the program sees; empty for scalars.
  package var shape: [Int]
  package var index: IndexInfo?
  /// Which graph the node belongs to: 0 is the model's, 1 the body of the outermost open scan, and so on.
  package var level: Int
  package init(
    node: NodeID, frames: [FrameID], element: Element, shape: [Int], index: IndexInfo? = nil, level: Int = 0
  ) {
    self.node = node
    self.frames = frames
    self.element = element
    self.shape = shape
    self.index = index
    self.level = level
  }
}

/// What stands in a slot that is not concrete while a model is traced.
package final class TracedValue: @unchecked Sendable {
  package enum Content {
    case tensor(TracedTensor)
    /// An array under piecewise definition.
    case piecewise(PiecewiseArray)
    /// A value that may not be used, with the reason (a discrete site with missing entries).
    case unreadable(Fault)
  }
  package let content: Content
  package init(_ content: Content) { self.content = content }
}

/// An engine value that may hold graph nodes while a model is traced (a distribution with traced parameters).
package protocol TraceableEngineValue: EngineValue {
  var isTraced: Bool { get }
}
