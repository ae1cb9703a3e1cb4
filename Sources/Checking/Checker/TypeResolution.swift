import Syntax

extension Checker {
  static let typeNames = [
    "Bool", "Int", "Real", "String", "Vector", "Matrix", "Tensor", "Index", "Table", "Distribution", "Model",
    "Posterior", "Guide", "Plot", "Summary", "Range", "SitePaths", "Void", "Any",
  ]

  /// The type that a type expression names.
  func resolve(_ expression: TypeExpression) -> Type {
    switch expression.kind {
    case .erroneous: return .erroneous
    case .array(let extent, let element):
      return .arrayOf(resolve(element), extent.map { resolve($0) } ?? .unknown)
    case .dictionary(let key, let value):
      let keyType = resolve(key)
      switch keyType {
      case .bool, .int, .real, .string, .enumeration, .index, .tuple, .generic, .erroneous: break
      default:
        report(
          Diagnostic(
            "T101", "`\(words(keyType))` cannot be a key", at: key.span,
            expected: "Bool, Int, Real, String, an enum or a tuple of these"))
      }
      return .dictionary(keyType, resolve(value))
    case .tuple(let elements):
      if elements.isEmpty { return .unit }
      return .tuple(elements.map { TupleField(label: $0.label?.text, type: resolve($0.type)) })
    case .optional(let wrapped): return .optional(resolve(wrapped))
    case .function(let parameters, let result):
      return .function(parameters.map { resolve($0) }, resolve(result))
    case .named(let name, let generics, let extents):
      return resolve(name, generics, extents, expression.span)
    }
  }

  private func resolve(
    _ name: Identifier, _ generics: [TypeExpression], _ extents: [ExtentExpression], _ span: SourceSpan
  ) -> Type {
    func plain(_ type: Type) -> Type {
      if let first = extents.first {
        report(
          Diagnostic(
            "T102", "`\(name.text)` has no extents", at: first.span,
            help: name.text == "Real" ? "write `Vector[N]`" : "write `[N of \(name.text)]`"))
      }
      return type
    }
    func dimensions(_ count: Int) -> [Extent] {
      if extents.isEmpty { return Array(repeating: .unknown, count: count) }
      if extents.count != count {
        report(
          Diagnostic(
            "T102", "`\(name.text)` has \(count) extent\(count == 1 ? "" : "s")", at: span,
            expected: "\(count)", found: "\(extents.count)"))
        return Array(repeating: .unknown, count: count)
      }
      return extents.map { resolve($0) }
    }
    if genericNames.contains(name.text) { return .generic(name.text) }
    switch name.text {
    case "Bool": return plain(.bool)
    case "Int": return plain(.int)
    case "Real": return plain(.real)
    case "String": return plain(.string)
    case "Void": return plain(.unit)
    case "Range": return plain(.range)
    case "Any": return plain(.dynamic)
    case "Vector": return .array(.real, dimensions(1))
    case "Matrix": return .array(.real, dimensions(2))
    case "Tensor":
      if extents.isEmpty {
        report(Diagnostic("T102", "`Tensor` needs its extents", at: span, help: "write `Tensor[_, _, _]`"))
        return .erroneous
      }
      return .array(.real, extents.map { resolve($0) })
    case "Index": return .index(dimensions(1)[0])
    case "Table": return plain(.table(TableType(columns: nil, rows: .unknown)))
    case "Distribution":
      return .distribution(generics.first.map { resolve($0) } ?? .dynamic)
    case "Model", "Posterior":
      let isModel = name.text == "Model"
      guard let argument = generics.first else { return isModel ? .model(nil) : .posterior(nil) }
      if case .named(let inner, _, _) = argument.kind {
        if genericNames.contains(inner.text) { return .opaque("\(name.text)<\(inner.text)>") }
        if case .model(let id, _)? = entities[inner.text] { return isModel ? .model(id) : .posterior(id) }
        if case .erroneous(let id)? = entities[inner.text] { return global(id, argument.span).type }
        report(
          Diagnostic(
            "T103", "there is no model `\(inner.text)`", at: argument.span,
            help: didYouMean(inner.text, modelNames)))
      }
      return .erroneous
    case "Guide", "Plot", "Summary", "SitePaths": return plain(.opaque(name.text))
    default: break
    }
    switch entities[name.text] {
    case .structure(let id)?: return plain(.structure(id))
    case .enumeration(let id)?: return plain(.enumeration(id))
    case .model(let id, _)?: return plain(.model(id))
    case .erroneous(let id)?: return global(id, span).type
    case .global?, .functions?, nil: break
    }
    if name.text.isEmpty { return .erroneous }
    var help = didYouMean(name.text, Checker.typeNames + typeEntityNames)
    if name.text == "Double" || name.text == "Float" { help = "real numbers are `Real`" }
    if name.text == "Array" || name.text == "List" { help = "an array of T is `[T]`" }
    if ["Factor", "Category", "Categorical", "Group", "Level", "Levels"].contains(name.text) {
      help = "groups are `Index`: `[N of Index[J]]` is N observations in J groups, made by `table.column.index`"
    }
    if name.text == "int" || name.text == "integer" { help = "whole numbers are `Int`" }
    report(Diagnostic("T103", "there is no type `\(name.text)`", at: name.span, help: help))
    return .erroneous
  }

  private var modelNames: [String] {
    entities.compactMap { if case .model = $0.value { $0.key } else { nil } }
  }
  private var typeEntityNames: [String] {
    entities.compactMap {
      switch $0.value {
      case .structure, .enumeration, .model: $0.key
      default: nil
      }
    }
  }

  func resolve(_ extent: ExtentExpression) -> Extent {
    switch extent {
    case .literal(let number, _): return .literal(number)
    case .unknown: return .unknown
    case .name(let name):
      // In a signature a name binds; in a body it is a constant of that name.
      if extentScope != nil {
        if let symbol = extentScope?.symbols[name.text] { return .symbol(symbol) }
        let symbol = freshSymbol(name.text)
        signatureSymbols.insert(symbol.id)
        extentScope?.symbols[name.text] = symbol
        return .symbol(symbol)
      }
      guard let local = context.lookup(name.text) else {
        if case .global(let id)? = entities[name.text], table.globals[id.rawValue].type == .int { return .unknown }
        if context.kind == .unit || context.kind == .closure { return .unknown }
        report(
          Diagnostic(
            "T104", "there is no extent `\(name.text)` here", at: name.span,
            help: didYouMean(name.text, context.scopes.flatMap(\.keys)) ?? "name it in the signature, or bind an `Int`")
        )
        return .unknown
      }
      if let symbol = context.extentOf[local.rawValue] { return .symbol(symbol) }
      guard context.locals[local.rawValue].type == .int else {
        report(
          Diagnostic(
            "T104", "`\(name.text)` is no `Int`", at: name.span, expected: "Int",
            found: words(context.locals[local.rawValue].type)))
        return .unknown
      }
      let symbol = freshSymbol(name.text)
      context.extentOf[local.rawValue] = symbol
      return .symbol(symbol)
    }
  }

  /// The extent that an `Int` expression gives.
  func extent(of expression: CheckedExpression) -> Extent {
    switch expression.kind {
    case .int(let number): return .literal(number)
    case .local(let id):
      if context.locals[id.rawValue].isVariable { return .unknown }
      if let symbol = context.extentOf[id.rawValue] { return .symbol(symbol) }
      let symbol = freshSymbol(context.locals[id.rawValue].name)
      context.extentOf[id.rawValue] = symbol
      return .symbol(symbol)
    case .convert(let inner, _): return extent(of: inner)
    default: return .unknown
    }
  }
}
