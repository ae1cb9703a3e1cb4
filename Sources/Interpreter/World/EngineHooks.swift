package import Checking
package import Syntax

/// A labeled argument of `m.given(…)` and its like, evaluated.
package struct EvaluatedModelArgument: Sendable {
  package var path: [String]
  package var value: Value
  package var span: SourceSpan
  package init(path: [String], value: Value, span: SourceSpan) {
    self.path = path
    self.value = value
    self.span = span
  }
}

/// What the model side supplies to evaluation: distributions, models and their members.
package protocol EngineHooks: AnyObject, Sendable {
  /// A distribution by its registration's name; `tracer` is set while a model is traced.
  func makeDistribution(
    _ name: String, _ arguments: [Value], span: SourceSpan, tracer: Tracer?, context: any CallContext
  ) throws -> Value
  func makeModel(_ id: ModelID, _ arguments: [Value], span: SourceSpan, context: any CallContext) throws -> Value
  /// `given`, `do`, `with`, `reparam`, `predict`; `base` is nil for `values`.
  func modelOperation(
    _ operation: ModelOperation, base: Value?, _ arguments: [EvaluatedModelArgument], span: SourceSpan,
    context: any CallContext
  ) throws -> Value
  /// `fit.NAME` and other members that are found by name when running.
  func member(_ base: Value, _ name: String, span: SourceSpan, context: any CallContext) throws -> Value
  /// A posterior or values as an initialization.
  func initialization(_ value: Value, span: SourceSpan, context: any CallContext) throws -> Value
  /// The same distribution over other tensors.
  func mapTensors(of distribution: Value, _ transform: (TracedTensor) throws -> TracedTensor) throws -> Value
  /// The tensors that a value holds.
  func tensors(of value: Value) throws -> [TracedTensor]
}

/// Hooks of a run without models: members of engine values work, the rest says what is missing.
package final class PlainHooks: EngineHooks {
  package init() {}
  package func makeDistribution(
    _ name: String, _ arguments: [Value], span: SourceSpan, tracer: Tracer?, context: any CallContext
  ) throws -> Value { throw PlainHooks.missing("distributions", span) }
  package func makeModel(
    _ id: ModelID, _ arguments: [Value], span: SourceSpan, context: any CallContext
  ) throws -> Value { throw PlainHooks.missing("models", span) }
  package func modelOperation(
    _ operation: ModelOperation, base: Value?, _ arguments: [EvaluatedModelArgument], span: SourceSpan,
    context: any CallContext
  ) throws -> Value { throw PlainHooks.missing("models", span) }
  package func member(_ base: Value, _ name: String, span: SourceSpan, context: any CallContext) throws -> Value {
    try Operations.member(base, name)
  }
  package func initialization(_ value: Value, span: SourceSpan, context: any CallContext) throws -> Value { value }
  package func mapTensors(
    of distribution: Value, _ transform: (TracedTensor) throws -> TracedTensor
  ) throws -> Value { distribution }
  package func tensors(of value: Value) throws -> [TracedTensor] { [] }

  private static func missing(_ what: String, _ span: SourceSpan) -> Fault {
    Fault("R093", "\(what) are not part of this run", span: span)
  }
}

extension Operations {
  /// The name under which the library declares members of plain values; nil for engine values, tables and the rest.
  static func memberBase(_ value: Value) -> String? {
    switch value {
    case .realArray, .intArray, .boolArray, .list: "Array"
    case .string: "String"
    case .range: "Range"
    default: nil
    }
  }

  /// A member found by name: of an engine value, a column of a table, or a value of a dictionary of sites.
  package static func member(_ base: Value, _ name: String) throws -> Value {
    switch base {
    case .engine(let engine):
      if let value = try engine.member(name) { return value }
      let near = Spelling.nearest(name, in: engine.memberNames)
      throw Fault(
        "R016", "a \(type(of: engine).typeName) has no member `\(name)`", help: near.map { "did you mean `\($0)`?" })
    case .table: return try column(base, name)
    case .dictionary(let members):
      if let value = members[.string(name)] { return value }
      throw Fault("R016", "there is no member `\(name)`")
    case .none: return .none
    default: throw unsuitable("the member `\(name)`", base)
    }
  }
}

/// Learns what an evaluation observed, for the cache's read traces.
package protocol RunObserver: AnyObject {
  /// A value bound at the top level of some unit.
  func didRead(_ global: GlobalID)
  /// A declared function, at its first call of the run.
  func didCall(_ function: FunctionID)
  /// A model was instantiated.
  func didUse(model: ModelID)
  /// The first random draw: the cell's identity and the seed root were read.
  func didDraw()
}
