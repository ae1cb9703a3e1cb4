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
  /// Its definition had an error that has been reported.
  case erroneous
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
  var varyingBranches = 0
  var symbolicLoops = 0
  /// Locals of sites bound as elements inside an open plate, for the message about `theta[j - 1]`.
  var plateElements: Set<Int> = []
  var submodelPlates: [Int: Int] = [:]

  // Units.
  var exports: [String: (local: LocalID, global: GlobalID)] = [:]

  init(kind: Kind, parent: FunctionContext?) {
    self.kind = kind
    self.parent = parent
  }

  var isModel: Bool { kind == .model }

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
    expression.visit { if case .local(let id) = $0.kind, varying.contains(id.rawValue) { found = true } }
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
