package import TensorIR

/// One open plate or symbolic loop.
package final class Frame {
  package enum Kind { case plate, loop }
  package let id: FrameID
  package let kind: Kind
  package let name: String
  /// The first value of the index.
  package let lower: Int
  package let extent: Int
  /// The index as data, one value per element.
  package let index: TracedTensor

  package init(id: FrameID, kind: Kind, name: String, lower: Int, extent: Int, index: TracedTensor) {
    self.id = id
    self.kind = kind
    self.name = name
    self.lower = lower
    self.extent = extent
    self.index = index
  }
}
