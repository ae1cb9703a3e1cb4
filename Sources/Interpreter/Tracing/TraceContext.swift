package import Syntax
package import TensorIR

/// What a library function may do with graph nodes while a model is traced.
package protocol TraceContext: AnyObject {
  /// The graph that new nodes go to by default; tensors may belong to an outer one, see ``common(_:)``.
  var builder: GraphBuilder { get }
  var callSpan: SourceSpan { get }
  /// The value as a tensor of the graph; concrete numbers and arrays become data.
  func tensor(_ value: Value) throws -> TracedTensor
  /// Brings tensors to the same graph and the same frames (the union, outermost first).
  func aligned(_ tensors: [TracedTensor]) throws -> (tensors: [TracedTensor], frames: [FrameID])
  /// All tensors in the graph of the deepest of them, with that graph's builder and level.
  func common(_ tensors: [TracedTensor]) throws -> ([TracedTensor], GraphBuilder, Int)
  /// Applies a function of scalars element by element; operands are scalars or share one shape.
  func elementwise(_ operation: UnaryOperation, _ operand: Value) throws -> Value
  func elementwise(_ operation: BinaryOperation, _ left: Value, _ right: Value) throws -> Value
  func call(_ function: Value, _ arguments: [Value]) throws -> Value
  /// The shape of a node over frames.
  func shape(frames: [FrameID], _ shape: [Int]) -> Shape
}
