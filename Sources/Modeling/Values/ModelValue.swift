package import Checking
package import Interpreter
import Numerics
package import Rendering
package import Syntax

/// An instance of a model: its declaration, arguments, conditions, interventions and coordinates.
package final class ModelValue: EngineValue {
  package static let typeName = "Model"
  package let id: ModelID
  package let model: CheckedModel
  package let arguments: [Value]
  /// By path of the site.
  package let conditions: [String: Value]
  package let interventions: [String: Value]
  package let coordinates: [String: Coordinates]
  /// Where `given` named the site, for messages.
  package let places: [String: SourceSpan]

  package enum Coordinates: String, Sendable { case centered, noncentered }

  package init(
    id: ModelID, model: CheckedModel, arguments: [Value], conditions: [String: Value] = [:],
    interventions: [String: Value] = [:], coordinates: [String: Coordinates] = [:], places: [String: SourceSpan] = [:]
  ) {
    self.id = id
    self.model = model
    self.arguments = arguments
    self.conditions = conditions
    self.interventions = interventions
    self.coordinates = coordinates
    self.places = places
  }

  func with(
    arguments: [Value]? = nil, conditions: [String: Value]? = nil, interventions: [String: Value]? = nil,
    coordinates: [String: Coordinates]? = nil, places: [String: SourceSpan]? = nil
  ) -> ModelValue {
    ModelValue(
      id: id, model: model, arguments: arguments ?? self.arguments, conditions: conditions ?? self.conditions,
      interventions: interventions ?? self.interventions, coordinates: coordinates ?? self.coordinates,
      places: places ?? self.places)
  }

  package func member(_ name: String) throws -> Value? { nil }
  package var memberNames: [String] { [] }
  package func display() throws -> [OutputEvent] { [.text(inlineDescription)] }

  package var inlineDescription: String {
    var text = model.name
    let given = conditions.keys.sorted()
    if !given.isEmpty { text += " given \(given.joined(separator: ", "))" }
    let done = interventions.keys.sorted()
    if !done.isEmpty { text += ", with \(done.joined(separator: ", ")) set" }
    return text
  }

  package func isSame(as other: any EngineValue) -> Bool {
    guard let other = other as? ModelValue else { return false }
    return id == other.id && coordinates == other.coordinates && Operations.allSame(arguments, other.arguments)
      && Operations.allSame(conditions, other.conditions) && Operations.allSame(interventions, other.interventions)
  }

  package func encode(into encoder: inout ValueEncoder) throws {
    // The code of the model belongs to its meaning: derived quantities are computed from it.
    encoder.write(model.name)
    encoder.write(encoder.code.digest(of: id))
    encoder.note(.function(model.function))
    encoder.write(conditions.count)
    for name in conditions.keys.sorted() { encoder.note(.place(places[name])) }
    try encoder.write(arguments)
    for table in [conditions, interventions] {
      let names = table.keys.sorted()
      encoder.write(names)
      try encoder.write(names.map { table[$0] ?? .none })
    }
    let names = coordinates.keys.sorted()
    encoder.write(names)
    encoder.write(names.map { coordinates[$0]?.rawValue ?? "" })
  }

  static func decode(_ decoder: inout ValueDecoder) throws -> any EngineValue {
    let name = try decoder.string()
    let digest = try decoder.digest()
    let declarations = decoder.declarations
    let place = decoder.origin()
    let found = declarations.models.indices.reversed().filter {
      declarations.models[$0].name == name && decoder.code.digest(of: ModelID($0)) == digest
    }
    guard let index = found.first(where: { declarations.models[$0].function.span == place }) ?? found.first else {
      throw Fault("R095", "the stored model `\(name)` is not in this program")
    }
    // The places were noted before the values that may note their own.
    let siteCount = try decoder.count(size: 0)
    let spans = (0..<siteCount).map { _ in decoder.origin() }
    let arguments = try decoder.values()
    func table() throws -> [String: Value] {
      let names = try decoder.strings()
      let values = try decoder.values()
      return Dictionary(zip(names, values), uniquingKeysWith: { first, _ in first })
    }
    let conditions = try table()
    let interventions = try table()
    let sites = try decoder.strings()
    let kinds = try decoder.strings()
    var coordinates: [String: Coordinates] = [:]
    for (site, kind) in zip(sites, kinds) { coordinates[site] = Coordinates(rawValue: kind) }
    return ModelValue(
      id: ModelID(index), model: declarations.models[index], arguments: arguments, conditions: conditions,
      interventions: interventions, coordinates: coordinates,
      places: Dictionary(
        zip(conditions.keys.sorted(), spans).compactMap { name, span in span.map { (name, $0) } },
        uniquingKeysWith: { first, _ in first }))
  }
}
