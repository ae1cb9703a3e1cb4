import Syntax

/// A function, method, distribution or property as a call sees it.
struct Signature {
  enum Kind {
    case function(FunctionID)
    case intrinsic(String, isElementwise: Bool)
    case distribution(String)
  }
  var name: String
  var kind: Kind
  var generics: [String]
  var labels: [String?]
  var names: [String]
  var types: [Type]
  /// Defaults are checked where they are declared, so that they mean what they meant there.
  var defaults: [CheckedExpression?]
  var result: Type
  /// The receiver's type for members; it is the first argument.
  var receiver: Type?
  var isProperty = false
  /// Extents that are `Int` parameters: symbol id → parameter.
  var extentParameters: [Int: Int] = [:]
  var documentation: String?
  var span: SourceSpan

  /// `name(label:_:)`
  var spelled: String {
    if isProperty { return name }
    return name + "(" + labels.map { ($0 ?? "_") + ":" }.joined() + ")"
  }
}

/// What a name of the global scope stands for.
enum Entity {
  case global(GlobalID)
  case functions([Signature])
  case model(ModelID, Signature)
  case structure(StructureID)
  case enumeration(EnumerationID)
  /// Its unit had an error that has been reported; a read of the global tells that this one depends on it.
  case erroneous(GlobalID)
}

/// What a body names outside itself: the ground of a unit's dependencies.
struct Uses {
  var globals: [GlobalID] = []
  var functions: [FunctionID] = []
  var models: [ModelID] = []
}

/// What generic names and extents of a signature stand for in one call.
struct Bindings {
  var generics: [String: Type] = [:]
  var extents: [Int: Extent] = [:]
  /// Identity of the models bound to generic names (`Model<M>`).
  var models: [String: ModelID?] = [:]
}

/// A variable of the function being checked.
final class FunctionContext {
  enum Kind { case unit, function, closure, model, test }
  let kind: Kind
  let parent: FunctionContext?
  var locals: [CheckedFunction.Local] = []
  /// Innermost last: name → local.
  var scopes: [[String: LocalID]] = [[:]]
  /// The declared result; nil while a closure's is inferred.
  var result: Type?
  var inferredResults: [Type] = []
  var loopDepth = 0
  /// Switches inside the innermost loop: `break` there would end only the switch.
  var switchDepth = 0
  /// Extents by local: `Int` constants that types may name.
  var extentOf: [Int: ExtentSymbol] = [:]
  /// Symbols that this function's own signature names: different ones are different lengths.
  var declaredSymbols: Set<Int> = []
  /// Locals that are assigned once and for all.
  var captured: Set<Int> = []

  // Models.
  var varying: Set<Int> = []
  var plates: [Extent] = []
  var members: [ModelMember] = []
  /// Piecewise arrays: local → (opened at, whether a definition has been seen).
  var piecewise: [Int: (span: SourceSpan, isDefined: Bool, name: String)] = [:]
  /// First local that the innermost open plate declared.
  var plateStart: [Int] = []
  /// Number of locals at the start of each open branch on a varying value: what was declared before it and is assigned
  /// in it varies.
  var varyingStarts: [Int] = []
  var varyingBranches: Int { varyingStarts.count }
  /// Loops around the statement being checked, in a model.
  var enclosingLoops = 0
  /// Whether this is the first pass over a loop, whose findings are thrown away.
  var isTrial = false
  /// Locals of sites bound as elements inside an open plate, for the message about `theta[j - 1]`.
  var plateElements: Set<Int> = []
  /// Names of `var`s of plates that have been left.
  var plateVariables: Set<String> = []

  // Units.
  var exports: [String: (local: LocalID, global: GlobalID)] = [:]

  init(kind: Kind, parent: FunctionContext?) {
    self.kind = kind
    self.parent = parent
  }

  var isModel: Bool { kind == .model }

  /// The state to come back to after a first pass over a loop.
  func copy() -> FunctionContext {
    let other = FunctionContext(kind: kind, parent: parent)
    other.restore(self)
    return other
  }

  func restore(_ other: FunctionContext) {
    locals = other.locals
    scopes = other.scopes
    result = other.result
    inferredResults = other.inferredResults
    loopDepth = other.loopDepth
    switchDepth = other.switchDepth
    extentOf = other.extentOf
    declaredSymbols = other.declaredSymbols
    captured = other.captured
    varying = other.varying
    plates = other.plates
    members = other.members
    piecewise = other.piecewise
    plateStart = other.plateStart
    varyingStarts = other.varyingStarts
    enclosingLoops = other.enclosingLoops
    isTrial = other.isTrial
    plateElements = other.plateElements
    plateVariables = other.plateVariables
    exports = other.exports
  }

  func lookup(_ name: String) -> LocalID? {
    for scope in scopes.reversed() { if let local = scope[name] { return local } }
    return nil
  }

  func add(_ name: String, _ type: Type, isVariable: Bool, span: SourceSpan) -> LocalID {
    let id = LocalID(locals.count)
    locals.append(.init(name: name, type: type, isVariable: isVariable, span: span))
    scopes[scopes.count - 1][name] = id
    return id
  }

  func isVarying(_ expression: CheckedExpression) -> Bool {
    if varying.isEmpty { return false }
    var found = false
    expression.visit {
      switch $0.kind {
      case .local(let id): if varying.contains(id.rawValue) { found = true }
      case .closure(let closure):
        if closure.captures.contains(where: { varying.contains($0.rawValue) }) { found = true }
      default: break
      }
    }
    return found
  }
}

extension CheckedExpression {
  /// Calls `body` on this expression and all inside it.
  func visit(_ body: (CheckedExpression) -> Void) {
    body(self)
    for child in children { child.visit(body) }
  }

  var children: [CheckedExpression] {
    switch kind {
    case .unit, .bool, .int, .real, .string, .nilLiteral, .local, .global, .function, .intrinsicFunction, .paths,
      .metatype, .erroneous, .closure:
      return []
    case .interpolation(let list), .array(let list), .tuple(let list), .structure(_, let list),
      .enumCase(_, _, let list), .call(_, let list), .intrinsic(_, let list), .distribution(_, let list),
      .model(_, let list):
      return list
    case .dictionary(let pairs): return pairs.flatMap { [$0.key, $0.value] }
    case .tupleElement(let a, _), .field(let a, _), .unary(_, let a), .convert(let a, _), .forceUnwrap(let a),
      .column(let a, _), .member(let a, _), .siteMember(let a, _):
      return [a]
    case .binary(_, let a, let b), .product(let a, let b), .and(let a, let b), .or(let a, let b),
      .coalesce(let a, let b), .range(let a, let b, _):
      return [a, b]
    case .conditional(let a, let b, let c): return [a, b, c]
    case .block(_, let result): return [result]
    case .callValue(let callee, let list): return [callee] + list
    case .index(let base, let indices):
      return [base]
        + indices.flatMap { index -> [CheckedExpression] in
          switch index {
          case .value(let a), .range(let a): [a]
          case .slice(let lower, let upper, _): [lower, upper].compactMap { $0 }
          case .all: []
          }
        }
    case .optionalChain(let base, _, let then): return [base, then]
    case .modelOperation(_, let base, let arguments): return (base.map { [$0] } ?? []) + arguments.map(\.value)
    }
  }
}
