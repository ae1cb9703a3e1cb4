package import Syntax

// What a reader of the program may ask: which names there are, what they stand for, what members a value has.
extension Checker {
  /// Something that a name stands for.
  package struct Description: Sendable, Equatable {
    package enum Kind: String, Sendable { case value, function, model, structure, enumeration, distribution, property }
    package var name: String
    package var kind: Kind
    /// As it is declared: `mean(_ x: [Real]) -> Real`, or a value's type.
    package var declaration: String
    package var documentation: String?
    /// Argument labels in order; nil where an argument has none.
    package var labels: [String?]
    package var span: SourceSpan
    /// What it is a member of.
    package var owner: String?
  }

  /// All names of the global scope, sorted.
  package var knownNames: [String] { Set(entities.keys).union(distributions.keys).sorted() }

  /// What a name stands for; several where it is overloaded.
  package func descriptions(of name: String) -> [Description] {
    var result: [Description] = []
    switch entities[name] {
    case .global(let id), .erroneous(let id):
      let info = table.globals[id.rawValue]
      result.append(
        Description(
          name: name, kind: .value, declaration: "\(name): \(words(info.type))", documentation: documentation[name],
          labels: [], span: info.span))
    case .functions(let list): result += list.map { describe($0, .function) }
    case .model(_, let signature):
      var description = describe(signature, .model)
      // A model's value is the model itself.
      let end = description.declaration.lastIndex(of: ")").map { description.declaration.index(after: $0) }
      description.declaration = "model " + description.declaration[..<(end ?? description.declaration.endIndex)]
      result.append(description)
    case .structure(let id):
      let info = table.structures[id.rawValue]
      let fields = info.fields.map { "\($0.name): \(words($0.type))" }.joined(separator: ", ")
      result.append(
        Description(
          name: name, kind: .structure, declaration: "struct \(name) { \(fields) }", documentation: documentation[name],
          labels: info.fields.map(\.name), span: Checker.nowhere))
    case .enumeration(let id):
      let cases = table.enumerations[id.rawValue].cases.map { "case \($0.name)" }.joined(separator: "; ")
      result.append(
        Description(
          name: name, kind: .enumeration, declaration: "enum \(name) { \(cases) }", documentation: documentation[name],
          labels: [], span: Checker.nowhere))
    case nil: break
    }
    return result + (distributions[name] ?? []).map { describe($0, .distribution) }
  }

  /// Makes names mean what they meant in an earlier state: what a unit that failed had bound is forgotten.
  package func restoreNames(of earlier: Checker) {
    entities = earlier.entities
    members = earlier.members
    distributions = earlier.distributions
    definedIn = earlier.definedIn
    documentation = earlier.documentation
  }

  /// Members that every value of a type has, sorted by name.
  package func members(of type: Type) -> [Description] {
    var result: [Description] = []
    switch type {
    case .structure(let id):
      result += table.structures[id.rawValue].fields.map {
        Description(
          name: $0.name, kind: .property, declaration: "\($0.name): \(words($0.type))", documentation: nil, labels: [],
          span: Checker.nowhere, owner: words(type))
      }
    case .table(let columns):
      result += (columns.columns ?? []).map {
        Description(
          name: $0.name, kind: .property, declaration: "\($0.name): column of \(words($0.cell))", documentation: nil,
          labels: [], span: Checker.nowhere, owner: "Table")
      }
    default: break
    }
    result += members(named: memberKey(type))
    return result.sorted { $0.name < $1.name }
  }

  /// Members that the library declares for all values of a kind, such as `Array`.
  private func members(named key: String) -> [Description] {
    (members[key] ?? [:]).values.flatMap { $0 }.map { signature in
      var description = describe(signature, signature.isProperty ? .property : .function)
      description.owner = signature.receiver.map { words($0) } ?? key
      return description
    }
  }

  /// Every member of every kind of value, sorted by owner and name.
  package var allMembers: [Description] {
    members.keys.sorted().flatMap { key in
      members(named: key).sorted { ($0.name, $0.declaration) < ($1.name, $1.declaration) }
    }
  }

  /// A type as the user would write it.
  package func typeWords(_ type: Type) -> String { words(type) }

  private static let nowhere = SourceSpan(source: SourceID(-1), start: 0, end: 0)

  private func describe(_ signature: Signature, _ kind: Description.Kind) -> Description {
    var declaration = signature.name
    if !signature.isProperty {
      let parameters = signature.types.indices.dropFirst(signature.receiver == nil ? 0 : 0).map { index -> String in
        let label = index < signature.labels.count ? signature.labels[index] : nil
        let name = index < signature.names.count ? signature.names[index] : "_"
        let shown = label == nil ? "_ \(name)" : (label == name ? name : "\(label ?? "") \(name)")
        let hasDefault = index < signature.defaults.count && signature.defaults[index] != nil
        return "\(shown): \(words(signature.types[index]))\(hasDefault ? " = …" : "")"
      }
      declaration += "(\(parameters.joined(separator: ", ")))"
    }
    declaration += signature.isProperty ? ": \(words(signature.result))" : " -> \(words(signature.result))"
    return Description(
      name: signature.name, kind: kind, declaration: declaration, documentation: signature.documentation,
      labels: signature.labels, span: signature.span)
  }
}

extension CheckedUnit {
  /// The type of the unit's last statement, where that is an expression.
  package var lastType: Type? {
    guard case .expression(let expression, _)? = main.body.last?.kind else { return nil }
    return expression.type
  }
}
