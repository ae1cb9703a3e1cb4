import Syntax

extension Type {
  /// `[N of element]`, brought to its one form.
  static func arrayOf(_ element: Type, _ extent: Extent) -> Type {
    switch element {
    case .real: .array(.real, [extent])
    case .int: .array(.int, [extent])
    case .bool: .array(.bool, [extent])
    case .index(let bound): .array(.index(bound), [extent])
    case .array(let scalar, let extents): .array(scalar, [extent] + extents)
    default: .list(element, extent)
    }
  }

  var isErroneous: Bool { if case .erroneous = self { true } else { false } }

  /// The scalar that arithmetic sees and the shape over it; nil where the type is no number.
  var numeric: (scalar: Scalar, extents: [Extent])? {
    switch self {
    case .real: (.real, [])
    case .int: (.int, [])
    case .bool: (.bool, [])
    case .index(let bound): (.index(bound), [])
    case .array(let scalar, let extents): (scalar, extents)
    default: nil
    }
  }

  static func numeric(_ scalar: Scalar, _ extents: [Extent]) -> Type {
    if !extents.isEmpty { return .array(scalar, extents) }
    return switch scalar {
    case .real: .real
    case .int: .int
    case .bool: .bool
    case .index(let bound): .index(bound)
    }
  }

  /// The type of an element of a sequence.
  var element: Type? {
    switch self {
    case .array(let scalar, let extents): .numeric(scalar, Array(extents.dropFirst()))
    case .list(let element, _): element
    case .range: .int
    case .dictionary(let key, let value):
      .tuple([TupleField(label: "key", type: key), TupleField(label: "value", type: value)])
    case .string: .string
    case .dynamic: .dynamic
    case .erroneous: .erroneous
    default: nil
    }
  }

  /// The base name under which members are declared.
  var memberBase: String {
    switch self {
    case .unit: "Void"
    case .bool: "Bool"
    case .int, .index: "Int"
    case .real: "Real"
    case .string: "String"
    case .array, .list: "Array"
    case .dictionary: "Dictionary"
    case .tuple: "Tuple"
    case .optional: "Optional"
    case .function: "Function"
    case .range: "Range"
    case .table: "Table"
    case .distribution: "Distribution"
    case .model: "Model"
    case .posterior: "Posterior"
    case .sites: "Sites"
    case .opaque(let name): name
    case .structure, .enumeration, .metatype, .generic, .dynamic, .erroneous: ""
    }
  }
}

extension Scalar {
  var isInteger: Bool {
    switch self {
    case .int, .index: true
    case .real, .bool: false
    }
  }
}

extension Checker {
  // MARK: - Words

  func words(_ extent: Extent) -> String {
    switch extent {
    case .literal(let number): "\(number)"
    case .symbol(let symbol): symbol.name
    case .unknown: "_"
    }
  }

  /// A type as the user would write it.
  package func words(_ type: Type) -> String {
    // A length that has no name of its own says nothing inside a type.
    func word(_ extent: Extent) -> String {
      if case .symbol(let symbol) = extent, symbol.name.contains(" ") { return "_" }
      return words(extent)
    }
    func isUnnamed(_ extent: Extent) -> Bool { word(extent) == "_" }
    func list(_ extents: [Extent]) -> String { extents.map { word($0) }.joined(separator: ", ") }
    switch type {
    case .unit: return "Void"
    case .bool: return "Bool"
    case .int: return "Int"
    case .real: return "Real"
    case .string: return "String"
    case .index(let bound): return "Index[\(words(bound))]"
    case .array(.real, let extents):
      if extents.count <= 2, extents.allSatisfy(isUnnamed) {
        return ["Vector", "Matrix"][safe: extents.count - 1] ?? "Tensor"
      }
      let name = ["Vector", "Matrix"][safe: extents.count - 1] ?? "Tensor"
      return "\(name)[\(list(extents))]"
    case .array(let scalar, let extents):
      var element: String
      switch scalar {
      case .real: element = "Real"
      case .int: element = "Int"
      case .bool: element = "Bool"
      case .index(let bound): element = "Index[\(words(bound))]"
      }
      for extent in extents.reversed() {
        element = isUnnamed(extent) ? "[\(element)]" : "[\(word(extent)) of \(element)]"
      }
      return element
    case .list(let element, let extent):
      return isUnnamed(extent) ? "[\(words(element))]" : "[\(word(extent)) of \(words(element))]"
    case .dictionary(let key, let value): return "[\(words(key)): \(words(value))]"
    case .tuple(let fields):
      return "(" + fields.map { ($0.label.map { $0 + ": " } ?? "") + words($0.type) }.joined(separator: ", ") + ")"
    case .optional(.erroneous): return "nil"
    case .optional(let wrapped): return "\(words(wrapped))?"
    case .function(let parameters, let result):
      return "(" + parameters.map { words($0) }.joined(separator: ", ") + ") -> " + words(result)
    case .range: return "Range"
    case .structure(let id): return table.structures[id.rawValue].name
    case .enumeration(let id): return table.enumerations[id.rawValue].name
    case .table: return "Table"
    case .distribution(let value): return "Distribution over \(words(value))"
    case .model(let id): return id.map { "Model<\(table.models[$0.rawValue].name)>" } ?? "Model"
    case .posterior(let id): return id.map { "Posterior<\(table.models[$0.rawValue].name)>" } ?? "Posterior"
    case .sites(let id, _): return "sites of \(table.models[id.rawValue].name)"
    case .opaque(let name): return name
    case .metatype(let type): return "\(words(type)).self"
    case .generic(let name): return name
    case .dynamic: return "a value known when running"
    case .erroneous: return "_"
    }
  }

  /// A type as the user would write it, after `a` or `an`.
  func article(_ type: Type) -> String {
    let text = words(type)
    if text.hasPrefix("a ") || text.hasPrefix("an ") { return text }
    return ("AEIOU".contains(text.first ?? "x") ? "an " : "a ") + text
  }

  // MARK: - Extents

  /// Whether two extents are known to differ.
  func differ(_ a: Extent, _ b: Extent) -> Bool {
    switch (a, b) {
    case (.literal(let x), .literal(let y)): return x != y
    case (.symbol(let x), .symbol(let y)):
      let declared = context.declaredSymbols
      return x.id != y.id && declared.contains(x.id) && declared.contains(y.id)
    default: return false
    }
  }

  func differ(_ a: [Extent], _ b: [Extent]) -> Bool {
    a.count != b.count || zip(a, b).contains { differ($0, $1) }
  }

  /// The more telling of two extents that do not differ.
  func joined(_ a: Extent, _ b: Extent) -> Extent {
    switch (a, b) {
    case (.unknown, _): b
    case (_, .literal): b
    default: a
    }
  }

  func freshSymbol(_ name: String) -> ExtentSymbol {
    symbolCount += 1
    return ExtentSymbol(name: name, id: symbolCount)
  }

  // MARK: - Substitution

  func substitute(_ type: Type, _ bindings: Bindings) -> Type {
    func extent(_ extent: Extent) -> Extent {
      if case .symbol(let symbol) = extent {
        return bindings.extents[symbol.id] ?? (signatureSymbols.contains(symbol.id) ? .unknown : extent)
      }
      return extent
    }
    func scalar(_ scalar: Scalar) -> Scalar {
      if case .index(let bound) = scalar { return .index(extent(bound)) }
      return scalar
    }
    switch type {
    case .generic(let name): return bindings.generics[name] ?? .erroneous
    case .index(let bound): return .index(extent(bound))
    case .array(let element, let extents): return .array(scalar(element), extents.map(extent))
    case .list(let element, let bound): return .arrayOf(substitute(element, bindings), extent(bound))
    case .dictionary(let key, let value): return .dictionary(substitute(key, bindings), substitute(value, bindings))
    case .tuple(let fields):
      return .tuple(fields.map { TupleField(label: $0.label, type: substitute($0.type, bindings)) })
    case .optional(let wrapped): return .optional(substitute(wrapped, bindings))
    case .function(let parameters, let result):
      return .function(parameters.map { substitute($0, bindings) }, substitute(result, bindings))
    case .distribution(let value): return .distribution(substitute(value, bindings))
    case .opaque(let name):
      if let model = bindings.models[name] { return modelResult(name: name, model) }
      return type
    case .model(nil):
      return type
    case .metatype(let inner): return .metatype(substitute(inner, bindings))
    default: return type
    }
  }

  private func modelResult(name: String, _ model: ModelID?) -> Type {
    name.hasPrefix("Posterior<") ? .posterior(model) : .model(model)
  }

  // MARK: - Matching

  /// Converts an expression to a type, or nil where that cannot be. Generic names and extents are bound on the way.
  func coerce(_ e: CheckedExpression, to goal: Type, _ bindings: inout Bindings) -> CheckedExpression? {
    let actual = e.type
    func converted(_ conversion: Conversion, _ type: Type) -> CheckedExpression {
      CheckedExpression(.convert(e, conversion), type, e.span)
    }
    switch (goal, actual) {
    case (.erroneous, _), (_, .erroneous): return e
    case (.generic(let name), _):
      if let bound = bindings.generics[name] {
        if let same = coerce(e, to: bound, &bindings) { return same }
        // `[1, 2.5]`-like arguments: the wider of the two.
        if bound == .int, actual == .real {
          bindings.generics[name] = .real
          return e
        }
        return nil
      }
      bindings.generics[name] = actual
      return e
    case (.opaque(let pattern), .model(let id)) where pattern.hasPrefix("Model<"):
      bindings.models[pattern] = id
      bindings.models["Posterior<" + pattern.dropFirst(6)] = id
      return e
    case (.opaque(let pattern), .posterior(let id)) where pattern.hasPrefix("Posterior<"):
      bindings.models[pattern] = id
      bindings.models["Model<" + pattern.dropFirst(10)] = id
      return e
    case (.dynamic, _): return actual == .dynamic ? e : converted(.toDynamic, .dynamic)
    case (.opaque(let pattern), .dynamic) where pattern.contains("<"):
      bindings.models[pattern] = .some(nil)
      return e
    case (_, .dynamic):
      let type = substitute(goal, bindings)
      return converted(.fromDynamic, type)
    case (.unit, .unit), (.bool, .bool), (.int, .int), (.real, .real), (.string, .string), (.range, .range): return e
    case (.real, .int): return realLiteral(e) ?? converted(.intToReal, .real)
    case (.real, .index):
      let integer = converted(.indexToInt, .int)
      return CheckedExpression(.convert(integer, .intToReal), .real, e.span)
    case (.int, .index): return converted(.indexToInt, .int)
    case (.index(let want), .index(let have)):
      return bind(want, have, &bindings) ? e : nil
    case (.index, .int): return converted(.intToIndex, substitute(goal, bindings))
    case (.array(let want, let extents), .array(let have, let own)):
      guard extents.count == own.count else { return nil }
      for (a, b) in zip(extents, own) where !bind(a, b, &bindings) { return nil }
      let shape = own
      switch (want, have) {
      case (.real, .real), (.int, .int), (.bool, .bool): return e
      case (.real, .int):
        if case .array(let elements) = e.kind {
          var made: [CheckedExpression] = []
          for element in elements {
            guard let item = coerce(element, to: .numeric(.real, Array(shape.dropFirst())), &bindings) else {
              return nil
            }
            made.append(item)
          }
          return CheckedExpression(.array(made), .array(.real, shape), e.span)
        }
        return converted(.intToReal, .array(.real, shape))
      case (.real, .index):
        let integers = converted(.indexToInt, .array(.int, shape))
        return CheckedExpression(.convert(integers, .intToReal), .array(.real, shape), e.span)
      case (.int, .index): return converted(.indexToInt, .array(.int, shape))
      case (.index(let bound), .index(let other)): return bind(bound, other, &bindings) ? e : nil
      case (.index, .int): return converted(.intToIndex, substitute(.array(want, shape), bindings))
      default: return nil
      }
    case (.array(let want, let extents), .list(let element, let count)):
      // `[]` and lists whose elements turn out to be numbers.
      if element.isErroneous {
        for extent in extents.dropFirst(0).prefix(1) where !bind(extent, count, &bindings) { return nil }
        return CheckedExpression(e.kind, .array(want, extents.map { _ in .unknown }), e.span)
      }
      return nil
    case (.list(let want, let extent), .list(let have, let count)):
      guard bind(extent, count, &bindings) else { return nil }
      if have.isErroneous { return CheckedExpression(e.kind, substitute(goal, bindings), e.span) }
      if case .generic = want {
        let probe = CheckedExpression(.unit, have, e.span)
        return coerce(probe, to: want, &bindings) == nil ? nil : e
      }
      if want == have { return e }
      if case .array(let elements) = e.kind {
        var made: [CheckedExpression] = []
        for element in elements {
          guard let item = coerce(element, to: want, &bindings) else { return nil }
          made.append(item)
        }
        return CheckedExpression(.array(made), .list(substitute(want, bindings), count), e.span)
      }
      let probe = CheckedExpression(.unit, have, e.span)
      guard let item = coerce(probe, to: want, &bindings) else { return nil }
      if case .convert(_, let conversion) = item.kind {
        return converted(.elements(conversion), .list(substitute(want, bindings), count))
      }
      return e
    case (.list(let want, let extent), .array(let scalar, let own)):
      guard let first = own.first, bind(extent, first, &bindings) else { return nil }
      let element = Type.numeric(scalar, Array(own.dropFirst()))
      let probe = CheckedExpression(.unit, element, e.span)
      guard let item = coerce(probe, to: want, &bindings) else { return nil }
      if case .array(let elements) = e.kind {
        var made: [CheckedExpression] = []
        for part in elements {
          guard let one = coerce(part, to: want, &bindings) else { return nil }
          made.append(one)
        }
        return CheckedExpression(.array(made), .arrayOf(substitute(want, bindings), first), e.span)
      }
      if case .convert(_, let conversion) = item.kind {
        return converted(.elements(conversion), .arrayOf(substitute(want, bindings), first))
      }
      return e
    case (.optional(let want), .optional(let have)):
      if want == have { return e }
      let probe = CheckedExpression(.unit, have, e.span)
      guard let item = coerce(probe, to: want, &bindings) else { return nil }
      if case .convert(_, let conversion) = item.kind {
        return converted(.elements(conversion), .optional(substitute(want, bindings)))
      }
      return e
    case (.optional(let want), _):
      if case .nilLiteral = e.kind { return CheckedExpression(.nilLiteral, substitute(goal, bindings), e.span) }
      guard let inner = coerce(e, to: want, &bindings) else { return nil }
      return CheckedExpression(.convert(inner, .wrap), .optional(inner.type), e.span)
    case (.dictionary(let key, let value), .dictionary(let k, let v)):
      if case .dictionary(let pairs) = e.kind {
        var made: [(key: CheckedExpression, value: CheckedExpression)] = []
        for pair in pairs {
          guard let a = coerce(pair.key, to: key, &bindings), let b = coerce(pair.value, to: value, &bindings) else {
            return nil
          }
          made.append((a, b))
        }
        return CheckedExpression(.dictionary(made), substitute(goal, bindings), e.span)
      }
      return matches(key, k, &bindings) && matches(value, v, &bindings) ? e : nil
    case (.tuple(let want), .tuple(let have)):
      guard want.count == have.count else { return nil }
      if case .tuple(let elements) = e.kind {
        var made: [CheckedExpression] = []
        for (element, field) in zip(elements, want) {
          guard let item = coerce(element, to: field.type, &bindings) else { return nil }
          made.append(item)
        }
        return CheckedExpression(.tuple(made), substitute(goal, bindings), e.span)
      }
      for (a, b) in zip(want, have) where !matches(a.type, b.type, &bindings) { return nil }
      return e
    case (.function(let parameters, let result), .function(let own, let value)):
      guard parameters.count == own.count else { return nil }
      for (a, b) in zip(parameters, own) where !matches(a, b, &bindings) && !matches(b, a, &bindings) { return nil }
      return result == .unit || matches(result, value, &bindings) ? e : nil
    case (.structure(let a), .structure(let b)): return a == b ? e : nil
    case (.enumeration(let a), .enumeration(let b)): return a == b ? e : nil
    case (.enumeration(let a), .posterior) where table.enumerations[a.rawValue].name == "Initialization":
      return converted(.toInitialization, goal)
    case (.table, .table): return e
    case (.distribution(let a), .distribution(let b)):
      if case .generic = a { return matches(a, b, &bindings) ? e : nil }
      return matches(a, b, &bindings) ? e : nil
    case (.model(let a), .model(let b)): return a == nil || a == b ? e : nil
    case (.posterior(let a), .posterior(let b)): return a == nil || a == b ? e : nil
    case (.opaque(let a), .opaque(let b)): return a == b ? e : nil
    case (.metatype(let a), .metatype(let b)): return matches(a, b, &bindings) ? e : nil
    case (.sites(let a, _), .sites(let b, _)): return a == b ? e : nil
    default: return nil
    }
  }

  /// Whether a value of one type is one of the other without any work.
  private func matches(_ goal: Type, _ actual: Type, _ bindings: inout Bindings) -> Bool {
    guard let result = coerce(CheckedExpression(.unit, actual, context.placeholderSpan), to: goal, &bindings) else {
      return false
    }
    if case .convert = result.kind { return goal == .dynamic || actual == .dynamic }
    return true
  }

  private func bind(_ goal: Extent, _ actual: Extent, _ bindings: inout Bindings) -> Bool {
    if case .symbol(let symbol) = goal, signatureSymbols.contains(symbol.id),
      !context.declaredSymbols.contains(symbol.id)
    {
      guard let known = bindings.extents[symbol.id] else {
        bindings.extents[symbol.id] = actual
        return true
      }
      if differ(known, actual) { return false }
      bindings.extents[symbol.id] = joined(known, actual)
      return true
    }
    return !differ(goal, actual)
  }

  /// An integer literal where a real is expected is that real.
  private func realLiteral(_ e: CheckedExpression) -> CheckedExpression? {
    switch e.kind {
    case .int(let number): return CheckedExpression(.real(Double(number)), .real, e.span)
    case .unary(.minus, let operand):
      if case .int(let number) = operand.kind { return CheckedExpression(.real(-Double(number)), .real, e.span) }
      return nil
    default: return nil
    }
  }
}

extension FunctionContext {
  var placeholderSpan: SourceSpan { SourceSpan(source: SourceID(0), start: 0, end: 0) }
}

extension Array {
  subscript(safe index: Int) -> Element? { indices.contains(index) ? self[index] : nil }
}
