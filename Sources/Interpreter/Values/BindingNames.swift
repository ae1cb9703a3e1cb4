package import Checking

/// What a binding is called in every run: its name, and how many of that name the document defines above it.
///
/// A name in a text stands for the nearest definition above, so that name and occurrence tell which definition it is,
/// while numbers of one run would change with every cell that comes or goes.
package struct BindingName: Hashable, Sendable, Comparable {
  package enum Kind: UInt8, Sendable { case value, function, model }
  package var kind: Kind
  /// Functions carry their parameter types, since overloads share a base name.
  package var name: String
  package var occurrence: Int
  package init(kind: Kind, name: String, occurrence: Int) {
    self.kind = kind
    self.name = name
    self.occurrence = occurrence
  }
  package static func < (left: BindingName, right: BindingName) -> Bool {
    (left.kind.rawValue, left.name, left.occurrence) < (right.kind.rawValue, right.name, right.occurrence)
  }

  /// As a reader knows it: without types and occurrence.
  package var words: String { name.firstIndex(of: "(").map { String(name[..<$0]) } ?? name }
}

/// The names of all bindings of a program, both ways.
package struct BindingNames: Sendable {
  private var values: [BindingName] = []
  private var functions: [BindingName] = []
  private var models: [BindingName] = []
  private var numbers: [BindingName: Int] = [:]
  /// How many types of the name the document declares above, by number of the declaration.
  private var structures: [Int] = []
  private var enumerations: [Int] = []

  package init(_ table: DeclarationTable) {
    var counts: [String: Int] = [:]
    func next(_ kind: BindingName.Kind, _ name: String) -> BindingName {
      let key = "\(kind.rawValue) \(name)"
      counts[key, default: 0] += 1
      return BindingName(kind: kind, name: name, occurrence: counts[key] ?? 1)
    }
    for global in table.globals { values.append(next(.value, global.name)) }
    for function in table.functions {
      let types = function.parameters.map { Operations.words(function.locals[$0.rawValue].type) }
      functions.append(next(.function, "\(function.name)(\(types.joined(separator: ", ")))"))
    }
    for model in table.models { models.append(next(.model, model.name)) }
    var types: [String: Int] = [:]
    func occurrence(_ name: String) -> Int {
      types[name, default: 0] += 1
      return types[name] ?? 1
    }
    structures = table.structures.map { occurrence("struct " + $0.name) }
    enumerations = table.enumerations.map { occurrence("enum " + $0.name) }
    for list in [values, functions, models] {
      for (index, name) in list.enumerated() { numbers[name] = index }
    }
  }

  package func global(_ id: GlobalID) -> BindingName? { BindingNames.entry(values, id.rawValue) }
  package func function(_ id: FunctionID) -> BindingName? { BindingNames.entry(functions, id.rawValue) }
  package func model(_ id: ModelID) -> BindingName? { BindingNames.entry(models, id.rawValue) }

  /// How-manieth declaration of its name a type is. Types of equal declarations are different types.
  package func occurrence(_ id: StructureID) -> Int {
    structures.indices.contains(id.rawValue) ? structures[id.rawValue] : 0
  }
  package func occurrence(_ id: EnumerationID) -> Int {
    enumerations.indices.contains(id.rawValue) ? enumerations[id.rawValue] : 0
  }

  private static func entry(_ list: [BindingName], _ index: Int) -> BindingName? {
    list.indices.contains(index) ? list[index] : nil
  }

  /// The number that a binding has in this run; nil where the program has no such binding.
  package func index(of name: BindingName) -> Int? { numbers[name] }
}
