package import Checking

/// Visits every expression of a function's body once, outer before inner, with how many loops surround it.
///
/// Closure bodies are not entered; their expressions belong to another function.
package struct TreeWalk {
  var onExpression: (CheckedExpression, Int) -> Void
  private var loopDepth = 0

  init(onExpression: @escaping (CheckedExpression, Int) -> Void) { self.onExpression = onExpression }

  package static func walk(_ statements: [CheckedStatement], _ onExpression: @escaping (CheckedExpression, Int) -> Void)
  {
    var walk = TreeWalk(onExpression: onExpression)
    walk.visit(statements)
  }

  mutating func visit(_ statements: [CheckedStatement]) {
    for statement in statements { visit(statement) }
  }

  mutating func visit(_ statement: CheckedStatement) {
    switch statement.kind {
    case .expression(let expression, _): visit(expression)
    case .bind(_, let expression, _), .assign(_, let expression): visit(expression)
    case .assignPath(_, let steps, let value):
      for step in steps { visit(step) }
      visit(value)
    case .ifElse(let condition, let then, let otherwise):
      visit(condition)
      visit(then)
      visit(otherwise)
    case .ifLet(_, let value, let then, let otherwise):
      visit(value)
      visit(then)
      visit(otherwise)
    case .switchEnum(let subject, let cases, let otherwise):
      visit(subject)
      for item in cases { visit(item.body) }
      visit(otherwise ?? [])
    case .forIn(let loop):
      visit(loop.sequence)
      loopDepth += 1
      visit(loop.body)
      loopDepth -= 1
    case .whileLoop(let condition, let body):
      loopDepth += 1
      visit(condition)
      visit(body)
      loopDepth -= 1
    case .breakLoop, .continueLoop: break
    case .returnValue(let value): if let value { visit(value) }
    case .block(let body): visit(body)
    case .site(let site): visit(site.distribution)
    case .submodel(_, _, let model): visit(model)
    case .openPiecewise(_, _, _, let extents): for extent in extents { visit(extent) }
    case .pieceSite(_, let indices, let value), .pieceValue(_, let indices, let value):
      for index in indices { visit(index) }
      visit(value)
    case .plate(let plate):
      visit(plate.lower)
      visit(plate.upper)
      visit(plate.body)
    case .addLogDensity(let term): visit(term)
    }
  }

  private mutating func visit(_ step: CheckedPathStep) {
    switch step {
    case .index(let indices): for index in indices { visit(index) }
    case .field, .tupleElement: break
    case .key(let key): visit(key)
    }
  }

  private mutating func visit(_ index: CheckedIndex) {
    switch index {
    case .value(let value), .range(let value): visit(value)
    case .slice(let lower, let upper, _):
      if let lower { visit(lower) }
      if let upper { visit(upper) }
    case .all: break
    }
  }

  mutating func visit(_ expression: CheckedExpression) {
    onExpression(expression, loopDepth)
    switch expression.kind {
    case .unit, .bool, .int, .real, .string, .nilLiteral, .local, .global, .function, .intrinsicFunction, .closure,
      .paths,
      .metatype, .erroneous:
      break
    case .interpolation(let parts), .array(let parts), .tuple(let parts), .structure(_, let parts),
      .enumCase(_, _, let parts), .call(_, let parts), .intrinsic(_, let parts), .distribution(_, let parts),
      .model(_, let parts):
      for part in parts { visit(part) }
    case .dictionary(let pairs):
      for pair in pairs {
        visit(pair.key)
        visit(pair.value)
      }
    case .tupleElement(let base, _), .field(let base, _), .unary(_, let base), .convert(let base, _),
      .forceUnwrap(let base), .column(let base, _), .member(let base, _), .siteMember(let base, _):
      visit(base)
    case .binary(_, let left, let right), .product(let left, let right), .and(let left, let right),
      .or(let left, let right), .coalesce(let left, let right), .range(let left, let right, _):
      visit(left)
      visit(right)
    case .conditional(let condition, let then, let otherwise):
      visit(condition)
      visit(then)
      visit(otherwise)
    case .block(let statements, let result):
      visit(statements)
      visit(result)
    case .callValue(let callee, let arguments):
      visit(callee)
      for argument in arguments { visit(argument) }
    case .index(let base, let indices):
      visit(base)
      for index in indices { visit(index) }
    case .optionalChain(let base, _, let then):
      visit(base)
      visit(then)
    case .modelOperation(_, let base, let arguments):
      if let base { visit(base) }
      for argument in arguments { visit(argument.value) }
    }
  }
}
