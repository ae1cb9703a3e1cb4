package import Checking
package import Interpreter
package import Numerics
package import Syntax

/// Whose text a place lies in, named so that another run finds it.
package enum TextOwner: Hashable, Sendable {
  /// The cell's own statements.
  case own
  /// The statements of the cell that defines a binding.
  case cell(BindingName)
  case function(BindingName)
  case model(BindingName)
}

/// A place by its owner and how-manieth part of the owner's tree it is: it moves with the text.
package struct PlaceName: Hashable, Sendable {
  package var owner: TextOwner
  package var part: Int
}

/// The code of a whole run: what its units, functions and models are called, and where their parts stand.
package final class CodeIndex {
  package let table: DeclarationTable
  package let code: CodeDigests
  private let units: [CheckedUnit]
  private var unitBySource: [SourceID: Int] = [:]
  private var placesByOwner: [TextOwner: [SourceSpan]] = [:]
  private var shallowDigests: [TextOwner: Digest] = [:]
  private var closureCode: [Digest: [ClosureCode]]?

  package init(_ table: DeclarationTable, units: [CheckedUnit]) {
    self.table = table
    self.units = units
    code = CodeDigests(table)
    for (index, unit) in units.enumerated() { unitBySource[unit.main.span.source] = index }
  }

  /// A unit's statements as a function without the cell's title, which is no part of what it does.
  package static func statements(of unit: CheckedUnit) -> CheckedFunction {
    var main = unit.main
    main.name = ""
    return main
  }

  // MARK: - Owners

  /// The body that an owner names; `own` is the cell in question.
  private func body(_ owner: TextOwner, own: CheckedUnit) -> CheckedFunction? {
    switch owner {
    case .own: return CodeIndex.statements(of: own)
    case .cell(let binding):
      guard let unit = unit(defining: binding) else { return nil }
      return CodeIndex.statements(of: unit)
    case .function(let binding):
      guard let index = code.names.index(of: binding), table.functions.indices.contains(index) else { return nil }
      return table.functions[index]
    case .model(let binding):
      guard let index = code.names.index(of: binding), table.models.indices.contains(index) else { return nil }
      return table.models[index].function
    }
  }

  private func unit(defining binding: BindingName) -> CheckedUnit? {
    guard let index = code.names.index(of: binding) else { return nil }
    switch binding.kind {
    case .value:
      guard table.globals.indices.contains(index) else { return nil }
      return units.first { $0.index == table.globals[index].unit }
    case .function: return units.first { $0.functions.contains(FunctionID(index)) }
    case .model: return units.first { $0.models.contains(ModelID(index)) }
    }
  }

  /// A binding that the unit defines: its name as an owner of text. Nothing of a unit without one can be read elsewhere.
  private func binding(of unit: CheckedUnit) -> BindingName? {
    if let export = unit.exports.first { return code.names.global(export.global) }
    if let function = unit.functions.first { return code.names.function(function) }
    return unit.models.first.flatMap { code.names.model($0) }
  }

  private func places(_ owner: TextOwner, own: CheckedUnit) -> [SourceSpan] {
    let key = owner == .own ? binding(of: own).map { TextOwner.cell($0) } : owner
    if let key, let known = placesByOwner[key] { return known }
    guard let body = body(owner, own: own) else { return [] }
    let found = code.places(in: body)
    if let key { placesByOwner[key] = found }
    return found
  }

  /// The digest of an owner's own tree; nil where this program has no such owner.
  package func digest(of owner: TextOwner, own: CheckedUnit) -> Digest? {
    if owner != .own, let known = shallowDigests[owner] { return known }
    guard let body = body(owner, own: own) else { return nil }
    let digest = code.shallowDigest(of: body)
    if owner != .own { shallowDigests[owner] = digest }
    return digest
  }

  // MARK: - Places

  /// The name of a place; nil where it is no part of any tree, so that a text could not be found again.
  package func name(of span: SourceSpan, own: CheckedUnit) -> PlaceName? {
    guard let index = unitBySource[span.source] else { return nil }
    let unit = units[index]
    var owners: [TextOwner] = []
    if unit.index == own.index {
      owners.append(.own)
    } else if let binding = binding(of: unit) {
      owners.append(.cell(binding))
    }
    owners += unit.functions.compactMap { code.names.function($0).map { .function($0) } }
    owners += unit.models.compactMap { code.names.model($0).map { .model($0) } }
    for owner in owners {
      // The innermost part that stands there: one around it may come to stand elsewhere.
      if let part = places(owner, own: own).lastIndex(of: span) { return PlaceName(owner: owner, part: part) }
    }
    return nil
  }

  /// Where a named place stands now.
  package func span(of place: PlaceName, own: CheckedUnit) -> SourceSpan? {
    let known = places(place.owner, own: own)
    return known.indices.contains(place.part) ? known[place.part] : nil
  }

  // MARK: - Code of values

  /// The code of a stored closure; of several equal ones that at the place.
  package func closure(_ digest: Digest, at place: SourceSpan?) -> ClosureCode? {
    let known: [Digest: [ClosureCode]]
    if let closureCode {
      known = closureCode
    } else {
      let bodies = units.map(\.main) + table.functions + table.models.map(\.function)
      known = code.closures(in: bodies)
      closureCode = known
    }
    let candidates = known[digest] ?? []
    return candidates.first { $0.function.span == place } ?? candidates.first
  }
}
