package import Checking
package import Numerics
package import Syntax

/// A part of a program's text that a value holds.
package enum CodeOrigin: Sendable {
  /// The body of a function, closure or model.
  case function(CheckedFunction)
  /// A place for messages; nil where there is none.
  case place(SourceSpan?)

  package var span: SourceSpan? {
    switch self {
    case .function(let function): function.span
    case .place(let span): span
    }
  }
}

/// Writes values in their canonical encoding: one byte string per value, whose SHA-256 identifies it.
///
/// Every value starts with a tag; counts and texts carry their lengths; numbers are little-endian, reals as raw IEEE
/// bits, so that −0.0 and NaN payloads stay distinct. Structures and enums go by name and declaration, never by their
/// number in one run; dictionaries in order; functions by the digest of their code.
package struct ValueEncoder {
  package private(set) var bytes: [UInt8] = []
  package let declarations: DeclarationTable
  /// Digests of functions, so that each is computed once.
  package let code: CodeDigests
  /// What the value holds of the text of a program, in the order of its encoding. No part of the bytes: a value is the
  /// same wherever its code stands.
  package private(set) var origins: [CodeOrigin] = []
  private var depth = 0

  package init(_ declarations: DeclarationTable, code: CodeDigests? = nil) {
    self.declarations = declarations
    self.code = code ?? CodeDigests(declarations)
  }

  /// How deep values may nest: deeper ones could not be shown or stored.
  static let depthLimit = 400

  /// Notes code or a place that the value holds; ``ValueDecoder/origin()`` gives it back at the same point.
  package mutating func note(_ origin: CodeOrigin) { origins.append(origin) }

  package mutating func write(_ byte: UInt8) { bytes.append(byte) }

  package mutating func write(_ number: Int) {
    withUnsafeBytes(of: Int64(number).littleEndian) { bytes.append(contentsOf: $0) }
  }

  package mutating func write(_ number: Double) {
    withUnsafeBytes(of: number.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
  }

  package mutating func write(_ text: String) {
    write(text.utf8.count)
    bytes.append(contentsOf: text.utf8)
  }

  package mutating func write(_ flag: Bool) { bytes.append(flag ? 1 : 0) }

  package mutating func write(_ digest: Digest) { bytes.append(contentsOf: digest.bytes) }

  /// Makes room for what follows, so that long contents are not copied as they grow.
  package mutating func reserve(_ count: Int) { bytes.reserveCapacity(bytes.count + count) }

  package mutating func write(_ numbers: [Double]) {
    write(numbers.count)
    // Every platform of Swift is little-endian; the loop keeps the format so if one day one is not.
    #if _endian(little)
      numbers.withUnsafeBytes { bytes.append(contentsOf: $0) }
    #else
      for number in numbers { write(number) }
    #endif
  }

  package mutating func write(_ numbers: [Int]) {
    write(numbers.count)
    #if _endian(little)
      numbers.withUnsafeBytes { bytes.append(contentsOf: $0) }
    #else
      for number in numbers { write(number) }
    #endif
  }

  package mutating func write(_ texts: [String]) {
    write(texts.count)
    for text in texts { write(text) }
  }

  package mutating func write(_ value: Value) throws {
    depth += 1
    defer { depth -= 1 }
    guard depth < ValueEncoder.depthLimit else {
      throw Fault(
        "R007", "the value nests too deeply to be stored", expected: "at most \(ValueEncoder.depthLimit) levels")
    }
    write(value.tag.rawValue)
    switch value {
    case .unit, .none: break
    case .some(let inner): try write(inner)
    case .bool(let flag): write(flag)
    case .int(let number): write(number)
    case .real(let number): write(number)
    case .string(let text): write(text)
    case .realArray(let array):
      write(array.shape)
      write(array.elements)
    case .intArray(let array):
      write(array.shape)
      write(array.elements)
      write(array.index != nil)
      if let index = array.index {
        write(index.extent)
        write(index.levels != nil)
        if let levels = index.levels { write(levels) }
      }
    case .boolArray(let array):
      write(array.shape)
      write(array.elements.count)
      bytes.append(contentsOf: array.elements.lazy.map { $0 ? 1 : 0 })
    case .list(let elements), .tuple(let elements): try write(elements)
    case .dictionary(let dictionary):
      write(dictionary.count)
      for pair in dictionary.pairs {
        try write(pair.key)
        try write(pair.value)
      }
    case .structure(let id, let fields):
      try write(structure: id)
      try write(fields)
    case .enumeration(let id, let index, let payload):
      try write(enumeration: id)
      write(index)
      try write(payload)
    case .range(let lower, let upper):
      write(lower)
      write(upper)
    case .function(let id):
      let isKnown = declarations.functions.indices.contains(id.rawValue)
      write(isKnown ? declarations.functions[id.rawValue].name : "")
      write(code.digest(of: id))
      if isKnown { note(.function(declarations.functions[id.rawValue])) }
    case .intrinsicFunction(let name): write(name)
    case .closure(let closure):
      write(code.digest(of: closure.code))
      note(.function(closure.code.function))
      try write(closure.captures)
    case .table(let table):
      write(table.rowCount)
      write(table.origin != nil)
      if let origin = table.origin { write(origin) }
      write(table.columns.count)
      for column in table.columns {
        write(column.name)
        try write(column.values)
      }
    case .paths(let paths):
      write(paths.count)
      for path in paths { write(path) }
    case .engine(let engine):
      write(type(of: engine).typeName)
      // The length lets a reader that lacks the type say so instead of losing its place.
      let start = bytes.count
      write(0)
      try engine.encode(into: &self)
      let length = bytes.count - start - 8
      withUnsafeBytes(of: Int64(length).littleEndian) { word in
        for (offset, byte) in word.enumerated() { bytes[start + offset] = byte }
      }
    case .traced: throw Fault("R020", "a value of a model under tracing cannot be stored")
    }
  }

  package mutating func write(_ values: [Value]) throws {
    write(values.count)
    for value in values { try write(value) }
  }

  /// A structure by name, occurrence and the digest of its declaration.
  package mutating func write(structure id: StructureID) throws {
    guard declarations.structures.indices.contains(id.rawValue) else {
      throw Fault("R090", "the structure is not known in this run")
    }
    write(declarations.structures[id.rawValue].name)
    write(code.names.occurrence(id))
    write(code.digest(of: id))
  }

  package mutating func write(enumeration id: EnumerationID) throws {
    guard declarations.enumerations.indices.contains(id.rawValue) else {
      throw Fault("R090", "the enum is not known in this run")
    }
    write(declarations.enumerations[id.rawValue].name)
    write(code.names.occurrence(id))
    write(code.digest(of: id))
  }

  package consuming func finish() -> [UInt8] { bytes }

  /// The digest of what was written, by chunks.
  package consuming func digest() -> Digest {
    bytes.withUnsafeBytes { content in
      ContentDigest.whole("value", size: content.count, chunks: ContentDigest.chunks(of: content))
    }
  }
}

extension Value {
  /// The first byte of an encoded value. Numbers are never used again for something else.
  package enum Tag: UInt8, Sendable, CaseIterable {
    case unit = 0
    case none, some, bool, int, real, string, realArray, intArray, boolArray, list, dictionary, tuple, structure,
      enumeration, range, function, intrinsicFunction, closure, table, paths, engine, traced
  }

  package var tag: Tag {
    switch self {
    case .unit: .unit
    case .none: .none
    case .some: .some
    case .bool: .bool
    case .int: .int
    case .real: .real
    case .string: .string
    case .realArray: .realArray
    case .intArray: .intArray
    case .boolArray: .boolArray
    case .list: .list
    case .dictionary: .dictionary
    case .tuple: .tuple
    case .structure: .structure
    case .enumeration: .enumeration
    case .range: .range
    case .function: .function
    case .intrinsicFunction: .intrinsicFunction
    case .closure: .closure
    case .table: .table
    case .paths: .paths
    case .engine: .engine
    case .traced: .traced
    }
  }

  /// The digest of the canonical encoding: equal for equal values in every process.
  ///
  /// A value that cannot be stored (nested beyond reason) has the digest of its description; whoever relies on digests
  /// encodes it and learns so.
  package func digest(_ declarations: DeclarationTable, code: CodeDigests? = nil) -> Digest {
    var encoder = ValueEncoder(declarations, code: code)
    do {
      try encoder.write(self)
      return encoder.digest()
    } catch {
      var builder = DigestBuilder()
      builder.append(tag: "unstorable")
      builder.append(Operations.words(self))
      return builder.finish()
    }
  }

  /// The canonical encoding.
  package func encoded(_ declarations: DeclarationTable, code: CodeDigests? = nil) throws -> [UInt8] {
    var encoder = ValueEncoder(declarations, code: code)
    try encoder.write(self)
    return encoder.finish()
  }
}
