import Checking
package import Interpreter
package import Numerics

/// What a cell would find today where it looked before.
struct ReadValidator {
  /// Of the program.
  let index: CodeIndex
  let world: RecordingWorld
  let engine: EngineIdentity
  /// Digests of values computed or found so far in this run, by number of the binding.
  let values: [GlobalID: Digest]
  let seed: UInt64

  /// Today's digest; nil where there is no such thing now.
  func digest(of read: Read, in unit: CheckedUnit, identity: String) -> Digest? {
    switch read.kind {
    case .value:
      guard let number = read.binding.flatMap({ index.code.names.index(of: $0) }) else { return nil }
      return values[GlobalID(number)]
    case .function:
      guard let number = read.binding.flatMap({ index.code.names.index(of: $0) }) else { return nil }
      return index.code.digest(of: FunctionID(number))
    case .model:
      guard let number = read.binding.flatMap({ index.code.names.index(of: $0) }) else { return nil }
      return index.code.digest(of: ModelID(number))
    case .text: return ReadValidator.owner(of: read).flatMap { index.digest(of: $0, own: unit) }
    case .file: return world.contentDigest(read.name)
    case .existence: return ReadValidator.existenceDigest(world.base.fileExists(read.name))
    case .directory: return (try? world.base.listDirectory(read.name)).map(ReadValidator.directoryDigest)
    case .environment: return .of("environment", world.base.environment(read.name))
    case .parameter: return .of("parameter", world.base.parameter(read.name))
    case .builtin: return engine.digest(ofBuiltin: read.name)
    case .numericClass: return .of("numeric class", engine.numericClass)
    case .identity: return .of("identity", identity)
    case .seed: return ReadValidator.seedDigest(seed)
    case .clock: return nil
    }
  }

  /// The first read that finds something else; nil where all find the same.
  func difference(_ reads: [ObservedRead], in unit: CheckedUnit, identity: String) -> ObservedRead? {
    // In order: a later read may follow from what an earlier one found.
    reads.first { item in
      digest(of: item.read, in: unit, identity: identity) != item.digest
    }
  }

  // MARK: - Forms

  static func existenceDigest(_ exists: Bool) -> Digest { .of("existence", exists ? "there" : "absent") }
  static func directoryDigest(_ names: [String]) -> Digest {
    var builder = DigestBuilder()
    builder.append(tag: "directory")
    builder.append(names.count)
    for name in names { builder.append(name) }
    return builder.finish()
  }
  static func seedDigest(_ seed: UInt64) -> Digest { .of("seed", String(seed)) }

  /// A text's owner as a read: kind and name in one text.
  static func read(of owner: TextOwner) -> Read {
    switch owner {
    case .own: Read(.text)
    case .cell(let name): textRead("cell", name)
    case .function(let name): textRead("function", name)
    case .model(let name): textRead("model", name)
    }
  }

  private static func textRead(_ kind: String, _ name: BindingName) -> Read {
    Read(.text, "\(kind) \(name.kind.rawValue) \(name.name)", occurrence: name.occurrence)
  }

  static func owner(of read: Read) -> TextOwner? {
    let parts = read.name.split(separator: " ", maxSplits: 2)
    guard parts.count == 3, let number = UInt8(parts[1]), let kind = BindingName.Kind(rawValue: number) else {
      return nil
    }
    let name = BindingName(kind: kind, name: String(parts[2]), occurrence: read.occurrence)
    switch parts[0] {
    case "cell": return .cell(name)
    case "function": return .function(name)
    case "model": return .model(name)
    default: return nil
    }
  }
}
