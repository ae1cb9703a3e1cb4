package import Checking
package import Numerics
package import Syntax

/// Digests of declared code: what a function *is*, apart from its place in the text.
///
/// A function's digest covers its own tree and everything it can reach: called functions, models, structures and enums
/// are numbered as they are met and their trees follow. Names of locals count, since they show in messages and labels;
/// spans, and the numbers that declarations have in one run, do not. Globals stay as ``BindingName``s: their values are
/// recorded as reads.
package final class CodeDigests {
  private let declarations: DeclarationTable
  /// What the declarations are called apart from their numbers in this run.
  package let names: BindingNames
  private var functions: [Int: Digest] = [:]
  private var structures: [Int: Digest] = [:]
  private var enumerations: [Int: Digest] = [:]
  private var closures: [ObjectIdentifier: (ClosureCode, Digest)] = [:]

  package init(_ declarations: DeclarationTable) {
    self.declarations = declarations
    names = BindingNames(declarations)
  }

  package func digest(of id: FunctionID) -> Digest {
    if let known = functions[id.rawValue] { return known }
    var writer = TreeWriter(declarations, names)
    writer.reference(.function(id.rawValue))
    let digest = writer.finish()
    functions[id.rawValue] = digest
    return digest
  }

  package func digest(of id: StructureID) -> Digest {
    if let known = structures[id.rawValue] { return known }
    var writer = TreeWriter(declarations, names)
    writer.reference(.structure(id.rawValue))
    let digest = writer.finish()
    structures[id.rawValue] = digest
    return digest
  }

  package func digest(of id: EnumerationID) -> Digest {
    if let known = enumerations[id.rawValue] { return known }
    var writer = TreeWriter(declarations, names)
    writer.reference(.enumeration(id.rawValue))
    let digest = writer.finish()
    enumerations[id.rawValue] = digest
    return digest
  }

  package func digest(of model: ModelID) -> Digest {
    var writer = TreeWriter(declarations, names)
    writer.reference(.model(model.rawValue))
    return writer.finish()
  }

  /// The digest of a closure's body.
  package func digest(of code: ClosureCode) -> Digest {
    if let known = closures[ObjectIdentifier(code)] { return known.1 }
    let digest = digest(of: code.function)
    closures[ObjectIdentifier(code)] = (code, digest)
    return digest
  }

  /// The digest of any checked function, such as a unit's main.
  package func digest(of function: CheckedFunction) -> Digest {
    var writer = TreeWriter(declarations, names)
    writer.write(function)
    return writer.finish()
  }

  /// The digest of a body's own tree: functions and models that it mentions count by name, not by what they are.
  package func shallowDigest(of function: CheckedFunction) -> Digest {
    var writer = TreeWriter(declarations, names, isShallow: true)
    writer.write(function)
    return writer.finish()
  }

  /// The places of a body's own tree, in an order that ``shallowDigest(of:)`` determines: bodies with equal digests have
  /// as many, and each stands for the same part.
  package func places(in function: CheckedFunction) -> [SourceSpan] {
    var writer = TreeWriter(declarations, names, isShallow: true)
    writer.write(function)
    return writer.places
  }

  /// All closures of functions, by digest, for reading stored closures back.
  package func closures(in bodies: [CheckedFunction]) -> [Digest: [ClosureCode]] {
    var result: [Digest: [ClosureCode]] = [:]
    var pending = bodies
    while let function = pending.popLast() {
      TreeWalk.walk(function.body) { expression, _ in
        guard case .closure(let closure) = expression.kind else { return }
        pending.append(closure.function)
        result[self.digest(of: closure.function), default: []].append(ClosureCode(function: closure.function))
      }
    }
    return result
  }
}

/// Writes a checked tree as fields of a digest.
private struct TreeWriter {
  enum Declaration: Hashable {
    case function(Int)
    case model(Int)
    case structure(Int)
    case enumeration(Int)
  }
  let declarations: DeclarationTable
  let names: BindingNames
  /// Whether functions and models are written by name only.
  let isShallow: Bool
  var builder: [UInt8] = []
  var numbers: [Declaration: Int] = [:]
  var pending: [Declaration] = []
  /// Where each part of the written trees stands.
  var places: [SourceSpan] = []

  init(_ declarations: DeclarationTable, _ names: BindingNames, isShallow: Bool = false) {
    self.declarations = declarations
    self.names = names
    self.isShallow = isShallow
  }

  mutating func finish() -> Digest {
    var next = 0
    while next < pending.count {
      write(pending[next])
      next += 1
    }
    var digest = DigestBuilder()
    digest.append(tag: "code")
    digest.append(bytes: builder)
    return digest.finish()
  }

  mutating func tag(_ text: StaticString) { write("\(text)") }

  mutating func write(_ text: String) {
    write(text.utf8.count)
    builder.append(contentsOf: text.utf8)
  }

  mutating func write(_ number: Int) {
    withUnsafeBytes(of: Int64(number).littleEndian) { builder.append(contentsOf: $0) }
  }

  /// Numbers a declaration at its first mention; its tree follows at the end.
  mutating func reference(_ declaration: Declaration) {
    switch declaration {
    case .function(let index) where isShallow: return write(names.function(FunctionID(index)))
    case .model(let index) where isShallow: return write(names.model(ModelID(index)))
    case .structure(let index): write(names.occurrence(StructureID(index)))
    case .enumeration(let index): write(names.occurrence(EnumerationID(index)))
    case .function, .model: break
    }
    if let number = numbers[declaration] {
      write(number)
      return
    }
    let number = numbers.count
    numbers[declaration] = number
    pending.append(declaration)
    write(number)
  }

  mutating func write(_ name: BindingName?) {
    write(name?.name ?? "")
    write(name?.occurrence ?? -1)
  }

  private mutating func write(_ declaration: Declaration) {
    switch declaration {
    case .function(let index):
      tag("function")
      if declarations.functions.indices.contains(index) { write(declarations.functions[index]) }
    case .model(let index):
      tag("model")
      guard declarations.models.indices.contains(index) else { return }
      let model = declarations.models[index]
      write(model.name)
      write(model.parameterNames.count)
      for name in model.parameterNames { write(name) }
      write(model.function)
    case .structure(let index):
      tag("struct")
      guard declarations.structures.indices.contains(index) else { return }
      let info = declarations.structures[index]
      write(info.name)
      write(info.fields.count)
      for field in info.fields {
        write(field.name)
        write(field.type)
      }
    case .enumeration(let index):
      tag("enum")
      guard declarations.enumerations.indices.contains(index) else { return }
      let info = declarations.enumerations[index]
      write(info.name)
      write(info.cases.count)
      for item in info.cases {
        write(item.name)
        write(item.payload.count)
        for field in item.payload {
          write(field.label ?? "")
          write(field.type)
        }
      }
    }
  }

  mutating func write(_ function: CheckedFunction) {
    places.append(function.span)
    write(function.name)
    write(function.parameters.count)
    for parameter in function.parameters { write(parameter.rawValue) }
    write(function.locals.count)
    for local in function.locals {
      places.append(local.span)
      write(local.name)
      write(local.type)
    }
    write(function.extents.count)
    for extent in function.extents {
      write(extent.name)
      write(extent.local.rawValue)
      write(extent.isGiven ? 1 : 0)
      write(extent.places.count)
      for place in extent.places {
        write(place.parameter)
        write(place.axis)
      }
    }
    write(function.result)
    write(function.body)
  }

  mutating func write(_ extent: Extent) {
    switch extent {
    case .literal(let count):
      tag("n")
      write(count)
    case .symbol, .unknown: tag("_")
    }
  }

  mutating func write(_ scalar: Scalar) {
    switch scalar {
    case .real: tag("real")
    case .int: tag("int")
    case .bool: tag("bool")
    case .index(let extent):
      tag("index")
      write(extent)
    }
  }

  mutating func write(_ type: Type) {
    switch type {
    case .unit: tag("()")
    case .bool: tag("Bool")
    case .int: tag("Int")
    case .real: tag("Real")
    case .string: tag("String")
    case .range: tag("Range")
    case .dynamic: tag("dynamic")
    case .erroneous: tag("erroneous")
    case .index(let extent):
      tag("Index")
      write(extent)
    case .array(let scalar, let extents):
      tag("Array")
      write(scalar)
      write(extents.count)
      for extent in extents { write(extent) }
    case .list(let element, let extent):
      tag("List")
      write(element)
      write(extent)
    case .dictionary(let key, let value):
      tag("Dictionary")
      write(key)
      write(value)
    case .tuple(let fields):
      tag("Tuple")
      write(fields.count)
      for field in fields {
        write(field.label ?? "")
        write(field.type)
      }
    case .optional(let wrapped):
      tag("Optional")
      write(wrapped)
    case .function(let parameters, let result):
      tag("Function")
      write(parameters.count)
      for parameter in parameters { write(parameter) }
      write(result)
    case .structure(let id):
      tag("struct")
      reference(.structure(id.rawValue))
    case .enumeration(let id):
      tag("enum")
      reference(.enumeration(id.rawValue))
    case .table(let table):
      tag("Table")
      write(table.columns?.count ?? -1)
      for column in table.columns ?? [] {
        write(column.name)
        write(column.cell)
      }
    case .distribution(let type):
      tag("Distribution")
      write(type)
    case .model(let id):
      tag("Model")
      if let id { reference(.model(id.rawValue)) }
    case .posterior(let id):
      tag("Posterior")
      if let id { reference(.model(id.rawValue)) }
    case .sites(let id, let plates):
      tag("Sites")
      reference(.model(id.rawValue))
      write(plates.count)
    case .opaque(let name):
      tag("opaque")
      write(name)
    case .metatype(let type):
      tag("metatype")
      write(type)
    case .generic(let name):
      tag("generic")
      write(name)
    }
  }

  // MARK: - Statements

  mutating func write(_ statements: [CheckedStatement]) {
    write(statements.count)
    for statement in statements { write(statement) }
  }

  mutating func write(_ statement: CheckedStatement) {
    places.append(statement.span)
    switch statement.kind {
    case .expression(let expression, let isShown):
      tag(isShown ? "show" : "do")
      write(expression)
    case .bind(let local, let value, let derivedName):
      tag("bind")
      write(local.rawValue)
      write(derivedName ?? "")
      write(value)
    case .assign(let local, let value):
      tag("assign")
      write(local.rawValue)
      write(value)
    case .assignPath(let local, let steps, let value):
      tag("assignPath")
      write(local.rawValue)
      write(steps.count)
      for step in steps { write(step) }
      write(value)
    case .ifElse(let condition, let then, let otherwise):
      tag("if")
      write(condition)
      write(then)
      write(otherwise)
    case .ifLet(let local, let value, let then, let otherwise):
      tag("ifLet")
      write(local.rawValue)
      write(value)
      write(then)
      write(otherwise)
    case .switchEnum(let subject, let cases, let otherwise):
      tag("switch")
      write(subject)
      write(cases.count)
      for item in cases {
        write(item.caseIndex)
        write(item.payload.count)
        for local in item.payload { write(local?.rawValue ?? -1) }
        write(item.body)
      }
      write(otherwise == nil ? 0 : 1)
      write(otherwise ?? [])
    case .forIn(let loop):
      tag("for")
      write(loop.variable.rawValue)
      write(loop.sequence)
      write(loop.body)
    case .whileLoop(let condition, let body):
      tag("while")
      write(condition)
      write(body)
    case .breakLoop: tag("break")
    case .continueLoop: tag("continue")
    case .returnValue(let value):
      tag(value == nil ? "return" : "returnValue")
      if let value { write(value) }
    case .block(let body):
      tag("block")
      write(body)
    case .site(let site):
      tag("site")
      write(site.name)
      write(site.local.rawValue)
      write(site.distribution)
    case .submodel(let local, let name, let model):
      tag("submodel")
      write(local.rawValue)
      write(name)
      write(model)
    case .openPiecewise(let local, let name, let type, let extents):
      tag("piecewise")
      write(local.rawValue)
      write(name)
      write(type)
      write(extents)
    case .pieceSite(let local, let indices, let value):
      tag("pieceSite")
      write(local.rawValue)
      write(indices)
      write(value)
    case .pieceValue(let local, let indices, let value):
      tag("pieceValue")
      write(local.rawValue)
      write(indices)
      write(value)
    case .plate(let plate):
      tag("plate")
      write(plate.index.rawValue)
      write(plate.lower)
      write(plate.upper)
      write(plate.isClosed ? 1 : 0)
      write(plate.body)
      write(plate.exports.count)
      for export in plate.exports {
        write(export.name)
        write(export.inner.rawValue)
        write(export.outer.rawValue)
      }
    case .addLogDensity(let term):
      tag("addLogDensity")
      write(term)
    }
  }

  mutating func write(_ step: CheckedPathStep) {
    switch step {
    case .index(let indices):
      tag("index")
      write(indices.count)
      for index in indices { write(index) }
    case .field(let number):
      tag("field")
      write(number)
    case .tupleElement(let number):
      tag("element")
      write(number)
    case .key(let key):
      tag("key")
      write(key)
    }
  }

  mutating func write(_ index: CheckedIndex) {
    switch index {
    case .value(let value):
      tag("value")
      write(value)
    case .range(let value):
      tag("range")
      write(value)
    case .slice(let lower, let upper, let isClosed):
      tag(isClosed ? "slice..." : "slice..<")
      write(lower == nil ? 0 : 1)
      if let lower { write(lower) }
      write(upper == nil ? 0 : 1)
      if let upper { write(upper) }
    case .all: tag("all")
    }
  }

  // MARK: - Expressions

  mutating func write(_ expressions: [CheckedExpression]) {
    write(expressions.count)
    for expression in expressions { write(expression) }
  }

  mutating func write(_ expression: CheckedExpression) {
    places.append(expression.span)
    switch expression.kind {
    case .unit: tag("()")
    case .bool(let flag): tag(flag ? "true" : "false")
    case .int(let number):
      tag("int")
      write(number)
    case .real(let number):
      tag("real")
      write(Int(Int64(bitPattern: number.bitPattern)))
    case .string(let text):
      tag("text")
      write(text)
    case .nilLiteral: tag("nil")
    case .local(let local):
      tag("local")
      write(local.rawValue)
    case .global(let id):
      tag("global")
      write(names.global(id))
      write(expression.type)
    case .function(let id):
      tag("function")
      reference(.function(id.rawValue))
    case .intrinsicFunction(let name):
      tag("intrinsic")
      write(name)
    case .interpolation(let parts):
      tag("interpolation")
      write(parts)
    case .array(let elements):
      tag("array")
      write(expression.type)
      write(elements)
    case .dictionary(let pairs):
      tag("dictionary")
      write(pairs.count)
      for pair in pairs {
        write(pair.key)
        write(pair.value)
      }
    case .tuple(let elements):
      tag("tuple")
      write(elements)
    case .tupleElement(let base, let index):
      tag("element")
      write(base)
      write(index)
    case .structure(let id, let fields):
      tag("struct")
      reference(.structure(id.rawValue))
      write(fields)
    case .field(let base, let index):
      tag("field")
      write(base)
      write(index)
    case .enumCase(let id, let index, let payload):
      tag("case")
      reference(.enumeration(id.rawValue))
      write(index)
      write(payload)
    case .unary(let operation, let operand):
      tag("unary")
      write(operation.rawValue)
      write(operand)
    case .binary(let operation, let left, let right):
      tag("binary")
      write(operation.rawValue)
      write(left)
      write(right)
    case .product(let left, let right): pair("product", left, right)
    case .and(let left, let right): pair("and", left, right)
    case .or(let left, let right): pair("or", left, right)
    case .coalesce(let left, let right): pair("??", left, right)
    case .conditional(let condition, let then, let otherwise):
      tag("?:")
      write(condition)
      write(then)
      write(otherwise)
    case .block(let statements, let result):
      tag("block")
      write(statements)
      write(result)
    case .call(let id, let arguments):
      tag("call")
      reference(.function(id.rawValue))
      write(arguments)
    case .intrinsic(let name, let arguments):
      tag("callIntrinsic")
      write(name)
      write(arguments)
    case .distribution(let name, let arguments):
      tag("distribution")
      write(name)
      write(arguments)
    case .callValue(let callee, let arguments):
      tag("callValue")
      write(callee)
      write(arguments)
    case .closure(let closure):
      tag("closure")
      write(closure.captures.count)
      for capture in closure.captures { write(capture.rawValue) }
      write(closure.function)
    case .index(let base, let indices):
      tag("index")
      write(base)
      write(indices.count)
      for index in indices { write(index) }
    case .range(let lower, let upper, let isClosed):
      tag(isClosed ? "..." : "..<")
      write(lower)
      write(upper)
    case .convert(let operand, let conversion):
      tag("convert")
      write("\(conversion)")
      write(expression.type)
      write(operand)
    case .forceUnwrap(let operand):
      tag("!")
      write(operand)
    case .optionalChain(let base, let local, let then):
      tag("?.")
      write(base)
      write(local.rawValue)
      write(then)
    case .column(let base, let name):
      tag("column")
      write(base)
      write(name)
    case .member(let base, let name):
      tag("member")
      write(base)
      write(name)
    case .siteMember(let base, let name):
      tag("siteMember")
      write(base)
      write(name)
    case .model(let id, let arguments):
      tag("model")
      reference(.model(id.rawValue))
      write(arguments)
    case .modelOperation(let operation, let base, let arguments):
      tag("modelOperation")
      write(operation.rawValue)
      write(base == nil ? 0 : 1)
      if let base { write(base) }
      write(arguments.count)
      for argument in arguments {
        places.append(argument.span)
        write(argument.path.count)
        for part in argument.path { write(part) }
        write(argument.value)
      }
    case .paths(let paths):
      tag("paths")
      write(paths.count)
      for path in paths {
        write(path.count)
        for part in path { write(part) }
      }
    case .metatype(let type):
      tag("metatype")
      write(type)
    case .erroneous: tag("erroneous")
    }
  }

  private mutating func pair(_ name: StaticString, _ left: CheckedExpression, _ right: CheckedExpression) {
    tag(name)
    write(left)
    write(right)
  }
}
