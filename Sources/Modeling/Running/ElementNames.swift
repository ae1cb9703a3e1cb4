import Checking
import Interpreter

/// What the elements of a fit's sites are called: `alpha[Adelie]` where the axis runs over the levels of an index,
/// `theta[3]` elsewhere.
struct ElementNames {
  /// Names along each axis of a site, where the axis has them.
  private var levels: [String: [[String]?]] = [:]

  init(_ fit: PosteriorValue) { self.init(fit.model) }

  /// An axis has the names of an index's levels when the model declares both with the same extent: the site in a plate
  /// over `0..<S`, the argument as `[N of Index[S]]`.
  init(_ value: ModelValue) {
    let model = value.model
    var byExtent: [Extent: [String]] = [:]
    for (parameter, argument) in zip(model.function.parameters, value.arguments) {
      guard model.function.locals.indices.contains(parameter.rawValue),
        case .array(.index(let extent), _) = model.function.locals[parameter.rawValue].type, case .symbol = extent,
        case .intArray(let array) = argument, let names = array.index?.levels
      else { continue }
      byExtent[extent] = names
    }
    guard !byExtent.isEmpty else { return }
    for member in model.members {
      var type = member.type
      if case .optional(let inner) = type { type = inner }
      guard case .array(_, let extents) = type else { continue }
      let names = extents.map { byExtent[$0] }
      if names.contains(where: { $0 != nil }) { levels[member.name] = names }
    }
  }

  func name(_ site: StoredSite, _ element: Int) -> String {
    if site.shape.isEmpty { return site.name }
    let names = levels[site.name] ?? []
    var rest = element
    var parts: [String] = []
    for (axis, extent) in site.shape.enumerated().reversed() {
      guard extent > 0 else { break }
      let position = rest % extent
      rest /= extent
      // The declared axes and those of the draws agree, unless missing data made a site of its own.
      let known = names.count == site.shape.count ? names[axis] : nil
      parts.insert(known.flatMap { $0.count == extent ? $0[position] : nil } ?? String(position), at: 0)
    }
    return "\(site.name)[\(parts.joined(separator: ", "))]"
  }
}
