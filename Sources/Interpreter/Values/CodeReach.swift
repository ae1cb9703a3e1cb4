package import Checking
import Syntax

/// What code may use of the program's built-in parts, through any chain of calls.
package struct CodeReach: Sendable {
  /// Registration names of library functions, and of distributions.
  package var builtins: Set<String> = []
  /// Functions and models that the code itself mentions.
  package var functions: Set<FunctionID> = []
  package var models: Set<ModelID> = []
  /// Those of them that a value may hold without a call: mentioned in closures, or used as values.
  package var heldFunctions: Set<FunctionID> = []
  package var heldModels: Set<ModelID> = []
  /// Whether it instantiates, conditions or reads models and fits, multiplies matrices or raises to powers.
  package var usesEngine = false

  /// What a body mentions itself, closures included.
  package init(of function: CheckedFunction) {
    var found = CodeReach()
    var pending = [(function, false)]
    while let (next, isClosure) = pending.popLast() {
      TreeWalk.walk(next.body) { expression, _ in
        switch expression.kind {
        case .intrinsic(let name, _), .intrinsicFunction(let name): found.builtins.insert(name)
        case .distribution(let name, _):
          found.builtins.insert(name)
          found.usesEngine = true
        case .call(let id, _):
          found.functions.insert(id)
          if isClosure { found.heldFunctions.insert(id) }
        case .function(let id):
          found.functions.insert(id)
          found.heldFunctions.insert(id)
        case .model(let id, _):
          found.models.insert(id)
          if isClosure { found.heldModels.insert(id) }
          found.usesEngine = true
        case .closure(let closure): pending.append((closure.function, true))
        case .member(_, let name):
          // Which type has the member is known only when running.
          for base in ["Array", "String", "Range"] { found.builtins.insert("\(base).\(name)") }
          found.usesEngine = true
        case .modelOperation, .siteMember, .product, .binary(.power, _, _): found.usesEngine = true
        default: break
        }
      }
    }
    self = found
  }

  /// Of nothing.
  package init() {}

  /// Adds what the mentioned functions and models reach in turn.
  package mutating func close(over table: DeclarationTable) {
    var pending = functions.map { FunctionOrModel.function($0) } + models.map { FunctionOrModel.model($0) }
    while let next = pending.popLast() {
      let body: CheckedFunction
      switch next {
      case .function(let id):
        guard table.functions.indices.contains(id.rawValue) else { continue }
        body = table.functions[id.rawValue]
      case .model(let id):
        guard table.models.indices.contains(id.rawValue) else { continue }
        body = table.models[id.rawValue].function
      }
      let own = CodeReach(of: body)
      builtins.formUnion(own.builtins)
      usesEngine = usesEngine || own.usesEngine
      for id in own.functions where functions.insert(id).inserted { pending.append(.function(id)) }
      for id in own.models where models.insert(id).inserted { pending.append(.model(id)) }
    }
  }

  private enum FunctionOrModel {
    case function(FunctionID)
    case model(ModelID)
  }
}
