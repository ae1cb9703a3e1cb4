package import Syntax
package import TensorIR

/// What a library function may do with graph nodes while a model is traced.
package protocol TraceContext: AnyObject {
  var builder: GraphBuilder { get }
  var callSpan: SourceSpan { get }
  /// The value as a tensor of the graph; concrete numbers and arrays become data.
  func tensor(_ value: Value) throws -> TracedTensor
  /// Brings tensors to the same frames (the union, outermost first).
  func aligned(_ tensors: [TracedTensor]) throws -> (tensors: [TracedTensor], frames: [FrameID])
  /// Applies a function of scalars element by element; operands are scalars or share one shape.
  func elementwise(_ operation: UnaryOperation, _ operand: Value) throws -> Value
  func elementwise(_ operation: BinaryOperation, _ left: Value, _ right: Value) throws -> Value
  func call(_ function: Value, _ arguments: [Value]) throws -> Value
}
