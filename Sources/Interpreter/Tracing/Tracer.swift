package import Checking
package import Syntax
package import TensorIR

/// Runs a model's body once over graph nodes.
///
/// The tracer walks the checked tree: it needs the structure that register code has lost. A branch on a varying value
/// becomes selects, a plate a batch axis, a loop with a site or a varying carry a scan; what is concrete is evaluated by
/// the same primitive operations as script code, and calls whose arguments are all concrete run on the machine.
package final class Tracer {
  /// How deep calls may nest before the recursion is called runaway.
  static let depthLimit = 200

  package let handler: any SiteHandler
  let context: any CallContext
  let registry: IntrinsicRegistry
  let hooks: any EngineHooks
  /// Reads a global by identity.
  let global: (GlobalID) throws -> Value

  /// Graphs under construction: the model's own, then one per open scan body.
  var scopes: [Scope]
  /// Open plates and loops, outermost first.
  package var frames: [Frame] = []
  /// Conditions of open varying branches, each a Boolean tensor; index checks look at active elements only.
  var masks: [TracedTensor] = []
  /// Loops that are being tried as maps or traced as scans, innermost last.
  var loops: [LoopState] = []
  /// Names of sub-models on the way from the outermost model.
  var prefix = ""
  var depth = 0
  var frameCount: Int32 = 0
  var origins: [SourceSpan] = []
  var originNumbers: [SourceSpan: Int32] = [:]
  package var callSpan: SourceSpan

  package init(
    handler: any SiteHandler, context: any CallContext, registry: IntrinsicRegistry, hooks: any EngineHooks,
    builder: GraphBuilder, span: SourceSpan, global: @escaping (GlobalID) throws -> Value
  ) {
    self.handler = handler
    self.context = context
    self.registry = registry
    self.hooks = hooks
    self.global = global
    scopes = [Scope(builder: builder, frame: nil)]
    callSpan = span
  }

  /// How a list of statements ended.
  enum Flow {
    case normal
    case breakLoop
    case continueLoop
    case returned(Value)
  }

  /// The variables of one activation.
  final class Activation {
    let function: CheckedFunction
    var locals: [Value?]
    /// Whether `~` may stand here.
    let isModel: Bool
    /// Piecewise arrays opened by this activation, by local.
    var piecewise: [Int: PiecewiseArray] = [:]
    /// The value of a `return`.
    var result: Value?
    init(function: CheckedFunction, isModel: Bool) {
      self.function = function
      self.isModel = isModel
      locals = Array(repeating: nil, count: function.locals.count)
    }
  }

  // MARK: - Entry

  /// Traces a model's body with its arguments.
  package func trace(model id: ModelID, arguments: [Value]) throws {
    guard id.rawValue >= 0, id.rawValue < context.declarations.models.count else {
      throw Fault("R090", "the model is not known in this run")
    }
    let model = context.declarations.models[id.rawValue]
    _ = try run(model.function, arguments: arguments, captures: [], isModel: true)
  }

  /// Runs a function's body on values that may hold nodes.
  func run(_ function: CheckedFunction, arguments: [Value], captures: [Value], isModel: Bool) throws -> Activation {
    guard depth < Tracer.depthLimit else {
      throw Fault(
        "M230", "the call nests too deeply while the model is traced",
        help: "recursion must end on a fixed value; on a varying one use a loop over a fixed range", span: callSpan)
    }
    depth += 1
    defer { depth -= 1 }
    let activation = Activation(function: function, isModel: isModel)
    for (index, value) in captures.enumerated() where index < activation.locals.count {
      activation.locals[index] = value
    }
    for (parameter, value) in zip(function.parameters, arguments) { activation.locals[parameter.rawValue] = value }
    try bindExtents(of: function, arguments: arguments, in: activation)
    let flow = try execute(function.body, in: activation)
    if case .returned(let value) = flow { activation.result = value }
    if isModel { try finishPiecewise(in: activation) }
    return activation
  }

  /// Gives extents named in the signature their lengths, or checks them.
  private func bindExtents(of function: CheckedFunction, arguments: [Value], in activation: Activation) throws {
    for binding in function.extents {
      var known: (length: Int, place: CheckedFunction.ExtentBinding.Place)?
      if binding.isGiven, case .int(let given)? = activation.locals[binding.local.rawValue] {
        known = (given, .init(parameter: -1, axis: 0))
      }
      for place in binding.places where place.parameter < arguments.count {
        guard let length = try extent(of: arguments[place.parameter], axis: place.axis) else { continue }
        if let first = known {
          let agrees = place.axis < 0 ? length <= first.length : length == first.length
          guard agrees else {
            throw ExtentFault.disagree(
              name: binding.name, function: function, first: first.length, firstPlace: first.place, second: length,
              secondPlace: place, span: callSpan)
          }
        } else {
          known = (length, place)
        }
      }
      if let known, !binding.isGiven { activation.locals[binding.local.rawValue] = .int(known.length) }
    }
  }

  private func extent(of value: Value, axis: Int) throws -> Int? {
    if case .traced(let traced) = value {
      switch traced.content {
      case .tensor(let tensor):
        if axis < 0 { return tensor.index?.extent }
        return axis < tensor.shape.count ? tensor.shape[axis] : nil
      case .piecewise(let array):
        return axis >= 0 && axis < array.extents.count ? array.extents[axis] : nil
      case .unreadable:
        return nil
      }
    }
    return Operations.extent(of: value, axis: axis)
  }
}

/// Messages about extents that a signature binds.
enum ExtentFault {
  static func disagree(
    name: String, function: CheckedFunction, first: Int, firstPlace: CheckedFunction.ExtentBinding.Place, second: Int,
    secondPlace: CheckedFunction.ExtentBinding.Place, span: SourceSpan
  ) -> Fault {
    func words(_ place: CheckedFunction.ExtentBinding.Place, _ length: Int) -> String {
      if place.parameter < 0 { return "`\(name)` is \(length)" }
      let local = function.locals[function.parameters[place.parameter].rawValue].name
      if place.axis < 0 { return "the indices of `\(local)` reach to \(length)" }
      return "`\(local)` has \(length)"
    }
    return Fault(
      "H210", "`\(name)` of `\(function.name)` stands for two lengths",
      expected: words(firstPlace, first), found: words(secondPlace, second),
      help: "arguments that share an extent name must share the length", span: span)
  }
}
