package import Checking
package import Numerics
package import Syntax

/// Why bytes are not a value.
package struct DecodingError: Error, Sendable, CustomStringConvertible {
  package var description: String
  package init(_ description: String) { self.description = description }
}

/// Reads values from bytes that may be damaged or hostile: every length is checked against what is left, nothing traps.
package struct ValueDecoder {
  package let bytes: [UInt8]
  package private(set) var position = 0
  package let declarations: DeclarationTable
  package let code: CodeDigests
  /// Readers of engine values by type name.
  package let engineValues: EngineValueRegistry
  /// Finds the code of closures of the running program.
  package let closures: ClosureSource
  /// Where the code and places stand that the encoder noted, in its order.
  private let origins: [SourceSpan?]
  private var originCount = 0
  private var depth = 0

  /// The code with a digest; of several equal ones the one at the place.
  package typealias ClosureSource = (Digest, SourceSpan?) -> ClosureCode?

  package init(
    _ bytes: [UInt8], _ declarations: DeclarationTable, code: CodeDigests? = nil,
    engineValues: EngineValueRegistry = EngineValueRegistry(),
    origins: [SourceSpan?] = [], closures: @escaping ClosureSource = { _, _ in nil }
  ) {
    self.bytes = bytes
    self.origins = origins
    self.declarations = declarations
    self.code = code ?? CodeDigests(declarations)
    self.engineValues = engineValues
    self.closures = closures
  }

  /// The value that all bytes together encode.
  package static func decode(
    _ bytes: [UInt8], _ declarations: DeclarationTable, code: CodeDigests? = nil,
    engineValues: EngineValueRegistry = EngineValueRegistry(),
    origins: [SourceSpan?] = [], closures: @escaping ClosureSource = { _, _ in nil }
  ) throws -> Value {
    var decoder = ValueDecoder(
      bytes, declarations, code: code, engineValues: engineValues, origins: origins, closures: closures)
    let value = try decoder.value()
    guard decoder.position == bytes.count else {
      throw DecodingError("\(bytes.count - decoder.position) bytes too many")
    }
    return value
  }

  package var remaining: Int { bytes.count - position }

  /// The next place that the encoder noted; nil where none was or none is left.
  package mutating func origin() -> SourceSpan? {
    guard originCount < origins.count else { return nil }
    originCount += 1
    return origins[originCount - 1]
  }

  package mutating func byte() throws -> UInt8 {
    guard position < bytes.count else { throw DecodingError("the bytes end early") }
    position += 1
    return bytes[position - 1]
  }

  package mutating func int() throws -> Int {
    guard remaining >= 8 else { throw DecodingError("the bytes end early") }
    let word = bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: position, as: Int64.self) }
    position += 8
    return Int(Int64(littleEndian: word))
  }

  package mutating func double() throws -> Double {
    Double(bitPattern: UInt64(bitPattern: Int64(try int())))
  }

  package mutating func bool() throws -> Bool {
    switch try byte() {
    case 0: return false
    case 1: return true
    default: throw DecodingError("a Bool is neither 0 nor 1")
    }
  }

  /// A count of things that take at least `size` bytes each.
  package mutating func count(size: Int = 1) throws -> Int {
    let count = try int()
    guard count >= 0, count <= remaining / max(1, size) else {
      throw DecodingError("a count is larger than what is left")
    }
    return count
  }

  package mutating func string() throws -> String {
    let count = try count()
    guard let text = String(validating: bytes[position..<(position + count)], as: UTF8.self) else {
      throw DecodingError("a text is not UTF-8")
    }
    position += count
    return text
  }

  package mutating func strings() throws -> [String] {
    let count = try count(size: 8)
    var result: [String] = []
    for _ in 0..<count { result.append(try string()) }
    return result
  }

  package mutating func digest() throws -> Digest {
    func word(_ decoder: inout ValueDecoder) throws -> UInt64 {
      UInt64(bigEndian: UInt64(bitPattern: Int64(try decoder.int())))
    }
    return Digest(words: (try word(&self), try word(&self), try word(&self), try word(&self)))
  }

  package mutating func doubles() throws -> [Double] {
    let count = try count(size: 8)
    let start = position
    position += count * 8
    return bytes.withUnsafeBytes { raw in
      (0..<count).map {
        Double(bitPattern: UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: start + $0 * 8, as: UInt64.self)))
      }
    }
  }

  package mutating func ints() throws -> [Int] {
    let count = try count(size: 8)
    let start = position
    position += count * 8
    return bytes.withUnsafeBytes { raw in
      (0..<count).map {
        Int(Int64(littleEndian: raw.loadUnaligned(fromByteOffset: start + $0 * 8, as: Int64.self)))
      }
    }
  }

  private mutating func shape(_ rankLimit: Int = 32) throws -> [Int] {
    let shape = try ints()
    guard shape.count >= 1, shape.count <= rankLimit, shape.allSatisfy({ $0 >= 0 }) else {
      throw DecodingError("a shape is not one")
    }
    return shape
  }

  private func check(_ shape: [Int], _ count: Int) throws {
    var product = 1
    for extent in shape {
      let (next, didOverflow) = product.multipliedReportingOverflow(by: extent)
      guard !didOverflow else { throw DecodingError("a shape is too large") }
      product = next
    }
    guard product == count else { throw DecodingError("an array's shape and element count disagree") }
  }

  package mutating func values() throws -> [Value] {
    let count = try count()
    var result: [Value] = []
    for _ in 0..<count { result.append(try value()) }
    return result
  }

  package mutating func value() throws -> Value {
    depth += 1
    defer { depth -= 1 }
    guard depth < ValueEncoder.depthLimit else { throw DecodingError("values nest too deeply") }
    guard let tag = Value.Tag(rawValue: try byte()) else { throw DecodingError("an unknown tag") }
    switch tag {
    case .unit: return .unit
    case .none: return .none
    case .some: return .some(try value())
    case .bool: return .bool(try bool())
    case .int: return .int(try int())
    case .real: return .real(try double())
    case .string: return .string(try string())
    case .realArray:
      let shape = try shape()
      let elements = try doubles()
      try check(shape, elements.count)
      return .realArray(RealArray(shape: shape, elements: elements))
    case .intArray: return try intArray()
    case .boolArray:
      let shape = try shape()
      let count = try count()
      var elements: [Bool] = []
      for _ in 0..<count { elements.append(try bool()) }
      try check(shape, count)
      return .boolArray(BoolArray(shape: shape, elements: elements))
    case .list: return .list(try values())
    case .tuple: return .tuple(try values())
    case .dictionary:
      let count = try count(size: 2)
      var result = DictionaryValue()
      for _ in 0..<count {
        let key = try value()
        guard !result.contains(key) else { throw DecodingError("a key comes twice") }
        result.set(key, try value())
      }
      return .dictionary(result)
    case .structure:
      let id = try structureID()
      let fields = try values()
      guard fields.count == declarations.structures[id.rawValue].fields.count else {
        throw DecodingError("a structure has the wrong number of fields")
      }
      return .structure(id, fields)
    case .enumeration:
      let id = try enumerationID()
      let index = try int()
      let payload = try values()
      let cases = declarations.enumerations[id.rawValue].cases
      guard cases.indices.contains(index), cases[index].payload.count == payload.count else {
        throw DecodingError("an enum case does not exist")
      }
      return .enumeration(id, index, payload)
    case .range:
      let lower = try int()
      let upper = try int()
      guard lower <= upper, !upper.subtractingReportingOverflow(lower).overflow else {
        throw DecodingError("a range is not one")
      }
      return .range(lower, upper)
    case .function:
      let name = try string()
      let wanted = try digest()
      let place = origin()
      let found = declarations.functions.indices.reversed().filter {
        declarations.functions[$0].name == name && code.digest(of: FunctionID($0)) == wanted
      }
      let exact = found.first { declarations.functions[$0].span == place }
      if let index = exact ?? found.first { return .function(FunctionID(index)) }
      throw DecodingError("the function `\(name)` is not in this program")
    case .intrinsicFunction: return .intrinsicFunction(try string())
    case .closure:
      let wanted = try digest()
      let place = origin()
      let captures = try values()
      guard let closure = closures(wanted, place) else {
        throw DecodingError("a closure's code is not in this program")
      }
      return .closure(ClosureValue(code: closure, captures: captures))
    case .table: return try table()
    case .paths:
      let count = try count(size: 8)
      var paths: [[String]] = []
      for _ in 0..<count { paths.append(try strings()) }
      return .paths(paths)
    case .engine: return try engineValue()
    case .traced: throw DecodingError("a traced value cannot be stored")
    }
  }

  private mutating func intArray() throws -> Value {
    let shape = try shape()
    let elements = try ints()
    try check(shape, elements.count)
    var info: IndexInfo?
    if try bool() {
      let extent = try int()
      let levels = try bool() ? try strings() : nil
      guard extent >= 0, levels == nil || levels?.count == extent, elements.allSatisfy({ $0 >= 0 && $0 < extent })
      else {
        throw DecodingError("indices lie outside their range")
      }
      info = IndexInfo(extent: extent, levels: levels)
    }
    return .intArray(IntArray(shape: shape, elements: elements, index: info))
  }

  private mutating func table() throws -> Value {
    let rowCount = try int()
    let origin = try bool() ? try string() : nil
    let count = try count(size: 9)
    var columns: [TableValue.Column] = []
    for _ in 0..<count {
      let name = try string()
      let values = try value()
      guard Operations.extent(of: values, axis: 0) == rowCount else {
        throw DecodingError("a column has another length")
      }
      columns.append(TableValue.Column(name: name, values: values))
    }
    guard rowCount >= 0 else { throw DecodingError("a table has a negative number of rows") }
    return .table(TableValue(columns: columns, rowCount: rowCount, origin: origin))
  }

  private mutating func engineValue() throws -> Value {
    let name = try string()
    let length = try count()
    guard let read = engineValues.decoders[name] else { throw DecodingError("there is no reader of `\(name)`") }
    let end = position + length
    let engine = try read(&self)
    guard position == end else { throw DecodingError("`\(name)` has another length than it says") }
    return .engine(engine)
  }

  package mutating func structureID() throws -> StructureID {
    let name = try string()
    let occurrence = try int()
    let wanted = try digest()
    for index in declarations.structures.indices where declarations.structures[index].name == name {
      let id = StructureID(index)
      if code.names.occurrence(id) == occurrence, code.digest(of: id) == wanted { return id }
    }
    throw DecodingError("the structure `\(name)` is not in this program")
  }

  package mutating func enumerationID() throws -> EnumerationID {
    let name = try string()
    let occurrence = try int()
    let wanted = try digest()
    for index in declarations.enumerations.indices where declarations.enumerations[index].name == name {
      let id = EnumerationID(index)
      if code.names.occurrence(id) == occurrence, code.digest(of: id) == wanted { return id }
    }
    throw DecodingError("the enum `\(name)` is not in this program")
  }
}

/// Readers of engine values, by the name of their type.
package struct EngineValueRegistry: Sendable {
  package typealias Reader = @Sendable (inout ValueDecoder) throws -> any EngineValue
  package private(set) var decoders: [String: Reader] = [:]
  package init() {}
  package mutating func register(_ typeName: String, _ reader: @escaping Reader) { decoders[typeName] = reader }
}
