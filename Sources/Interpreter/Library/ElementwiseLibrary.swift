extension Operations {
  /// Applies a function of reals to numbers and arrays of one shape, element by element.
  static func elementwise(_ entry: Intrinsic, _ arguments: [Value]) throws -> Value {
    var shape: [Int] = []
    var columns: [[Double]] = []
    for argument in arguments {
      guard let elements = reals(argument), let own = Operations.shape(of: argument) else {
        if case .none = argument { throw Machine.mismatch("a Real", argument) }
        throw unsuitable("`\(entry.name)`", argument)
      }
      shape = try commonShape(shape, own, baseName(entry.name))
      columns.append(elements)
    }
    let result: [Double]
    switch entry.body {
    case .real1(let function) where columns.count == 1: result = columns[0].map { function($0) }
    case .real2(let function) where columns.count == 2: result = zipped(columns[0], columns[1]) { function($0, $1) }
    case .real3(let function) where columns.count == 3:
      let count = columns.map(\.count).max() ?? 0
      let isEmpty = columns.contains { $0.isEmpty }
      func pick(_ column: [Double], _ index: Int) -> Double { column.count == 1 ? column[0] : column[index] }
      result =
        isEmpty ? [] : (0..<count).map { function(pick(columns[0], $0), pick(columns[1], $0), pick(columns[2], $0)) }
    case .real1, .real2, .real3, .general:
      throw Fault("R020", "`\(baseName(entry.name))` was called with \(arguments.count) arguments")
    }
    return shape.isEmpty ? .real(result[0]) : .realArray(RealArray(shape: shape, elements: result))
  }

  /// The name of a registration as a user writes it: `Array.map(_:)` is `map`.
  package static func baseName(_ registration: String) -> String {
    let name = registration.prefix { $0 != "(" }
    return String(name.split(separator: ".").last ?? name)
  }

  /// The smaller of two reals; NaN when either is.
  @inline(__always)
  static func smaller(_ a: Double, _ b: Double) -> Double { a.isNaN || b.isNaN ? .nan : min(a, b) }
  @inline(__always)
  static func larger(_ a: Double, _ b: Double) -> Double { a.isNaN || b.isNaN ? .nan : max(a, b) }
}
