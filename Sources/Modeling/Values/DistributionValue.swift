package import Distributions
package import Interpreter
import Numerics
package import Rendering
import TensorIR

/// A distribution as the dialect holds it: a family with its arguments, and `.iid` extents.
package final class DistributionValue: TraceableEngineValue {
  package static let typeName = "Distribution"
  package let family: any DistributionFamily
  /// In declared order; graph nodes while a model is traced.
  package let arguments: [Value]
  package let iid: [Int]
  package let isTraced: Bool

  package init(family: any DistributionFamily, arguments: [Value], iid: [Int] = []) {
    self.family = family
    self.arguments = arguments
    self.iid = iid
    isTraced = arguments.contains { if case .traced = $0 { true } else { Tracer.holdsNodes($0) } }
  }

  /// The parameters as plain tensors; with `.iid`, over that batch.
  package func concrete() throws -> Distribution {
    let parameters = try zip(family.parameters, arguments).map { parameter, value -> TensorData in
      guard let data = TensorConversion.data(value) else {
        throw Fault("M201", "`\(parameter.name)` of `\(family.baseName)` is no number", found: Operations.words(value))
      }
      return data
    }
    do {
      guard !iid.isEmpty else { return try Distribution(family, parameters) }
      let count = iid.reduce(1, *)
      let wide = zip(family.parameters, parameters).map { parameter, data -> TensorData in
        guard data.extents.count == parameter.rank, parameter.rank == 0, let value = data.elements.first else {
          return data
        }
        return TensorData(extents: iid, elements: Array(repeating: value, count: count))
      }
      let distribution = try Distribution(family, wide)
      return distribution
    } catch {
      throw DistributionValue.fault(error.description, family)
    }
  }

  static func fault(_ words: String, _ family: any DistributionFamily) -> Fault {
    Fault("M202", "a parameter of `\(family.baseName)` is out of range: \(words)", help: "see `cairn explain M202`")
  }

  package func member(_ name: String) throws -> Value? {
    switch name {
    case "mean", "variance": return try moments(name)
    default: return nil
    }
  }

  private func moments(_ name: String) throws -> Value {
    let distribution = try concrete()
    guard let scalar = family as? any UnivariateFamily else {
      throw Fault("M203", "`\(name)` is known for distributions of one number", found: family.baseName)
    }
    return try elementwise(distribution) { p in name == "mean" ? scalar.mean(p) : scalar.variance(p) }
  }

  /// Applies a function of one element's parameters over the batch.
  func elementwise(_ distribution: Distribution, _ body: ([Double]) -> Double) throws -> Value {
    let batch = distribution.batchShape
    let count = batch.reduce(1, *)
    let results = (0..<count).map { element -> Double in
      let own = zip(family.parameters, distribution.parameters).flatMap { parameter, data -> [Double] in
        if parameter.rank > 0 { return data.elements }
        return [data.elements.count == 1 ? data.elements[0] : data.elements[element]]
      }
      return body(own)
    }
    return batch.isEmpty ? .real(results[0]) : .realArray(RealArray(shape: batch, elements: results))
  }

  package var memberNames: [String] { ["mean", "variance"] }
  package func display() throws -> [OutputEvent] { [.text(inlineDescription)] }

  package var inlineDescription: String {
    let shown = arguments.map { (try? Operations.interpolate([$0])) ?? "…" }.joined(separator: ", ")
    return "\(family.baseName)(\(shown))" + (iid.isEmpty ? "" : ".iid(\(iid.map(String.init).joined(separator: ", ")))")
  }

  package func isSame(as other: any EngineValue) -> Bool {
    guard let other = other as? DistributionValue else { return false }
    return family.name == other.family.name && iid == other.iid && Operations.allSame(arguments, other.arguments)
  }

  package func encode(into encoder: inout ValueEncoder) throws {
    encoder.write(family.name)
    try encoder.write(arguments)
    encoder.write(iid)
  }

  static func decode(_ decoder: inout ValueDecoder) throws -> any EngineValue {
    let name = try decoder.string()
    guard let family = DistributionLibrary.family(named: name) else {
      throw Fault("R095", "the stored distribution `\(name)` is not known")
    }
    let arguments = try decoder.values()
    let iid = try decoder.ints()
    guard arguments.count == family.parameters.count, iid.allSatisfy({ $0 >= 0 }) else {
      throw Fault("R095", "the stored distribution `\(name)` cannot be read")
    }
    return DistributionValue(family: family, arguments: arguments, iid: iid)
  }
}

/// Values as plain tensors and back.
enum TensorConversion {
  static func data(_ value: Value) -> TensorData? {
    switch value {
    case .real(let number): TensorData(extents: [], elements: [number])
    case .int(let number): TensorData(extents: [], elements: [Double(number)])
    case .bool(let flag): TensorData(extents: [], elements: [flag ? 1 : 0])
    case .realArray(let array): TensorData(extents: array.shape, elements: array.elements)
    case .intArray(let array): TensorData(extents: array.shape, elements: array.elements.map(Double.init))
    case .boolArray(let array): TensorData(extents: array.shape, elements: array.elements.map { $0 ? 1 : 0 })
    case .some(let inner): data(inner)
    default: nil
    }
  }

  /// Data that may have missing entries: contents (0 where missing) and which are there.
  static func partial(_ value: Value) -> (data: TensorData, isPresent: [Bool])? {
    if let whole = data(value) { return (whole, Array(repeating: true, count: whole.elements.count)) }
    switch value {
    case .none: return (TensorData(extents: [], elements: [0]), [false])
    case .list(let elements):
      var shape: [Int]?
      var values: [Double] = []
      var present: [Bool] = []
      for element in elements {
        guard let (inner, flags) = partial(element) else { return nil }
        if let shape, shape != inner.extents { return nil }
        shape = inner.extents
        values += inner.elements
        present += flags
      }
      return (TensorData(extents: [elements.count] + (shape ?? []), elements: values), present)
    default: return nil
    }
  }

  static func value(_ data: TensorData, element: ElementType) -> Value {
    func integer(_ number: Double) -> Int {
      Int(exactly: number) ?? (number.isNaN ? 0 : Int(max(-9e18, min(9e18, number))))
    }
    if data.extents.isEmpty {
      let number = data.elements.first ?? .nan
      switch element {
      case .real: return .real(number)
      case .integer: return .int(integer(number))
      case .boolean: return .bool(number != 0)
      }
    }
    switch element {
    case .real: return .realArray(RealArray(shape: data.extents, elements: data.elements))
    case .integer: return .intArray(IntArray(shape: data.extents, elements: data.elements.map(integer)))
    case .boolean: return .boolArray(BoolArray(shape: data.extents, elements: data.elements.map { $0 != 0 }))
    }
  }
}
