package import Interpreter
package import Numerics

/// One thing outside its own text that a cell looked at, and what it found.
///
/// A read is named by the binding that the reading code resolves to, never by a number of one run, so that another run
/// can look at the same thing again.
package struct Read: Hashable, Sendable {
  package enum Kind: UInt8, Sendable, CaseIterable {
    /// The value of a binding of another cell.
    case value = 1
    /// A function or model that was called or used, with all it reaches.
    case function, model
    /// The text that a stored message or value points into.
    case text
    /// A file's content; whether a file exists; the names in a folder.
    case file, existence, directory
    case environment, parameter
    /// A library function or distribution, by its epoch.
    case builtin
    /// What floating-point results depend on beside the program.
    case numericClass
    /// What random streams start from.
    case identity, seed
    /// The time: never the same again. A run that asked for it is kept only for `cache: pin`.
    case clock
  }
  package var kind: Kind
  package var name: String
  /// Tells bindings of one name apart; 0 elsewhere.
  package var occurrence: Int

  package init(_ kind: Kind, _ name: String = "", occurrence: Int = 0) {
    self.kind = kind
    self.name = name
    self.occurrence = occurrence
  }

  package init(_ binding: BindingName) {
    let kind: Kind =
      switch binding.kind {
      case .value: .value
      case .function: .function
      case .model: .model
      }
    self.init(kind, binding.name, occurrence: binding.occurrence)
  }

  /// The binding that is read; nil for reads of other kinds.
  package var binding: BindingName? {
    let kind: BindingName.Kind
    switch self.kind {
    case .value: kind = .value
    case .function: kind = .function
    case .model: kind = .model
    case .text, .file, .existence, .directory, .environment, .parameter, .builtin, .numericClass, .identity, .seed,
      .clock:
      return nil
    }
    return BindingName(kind: kind, name: name, occurrence: occurrence)
  }
}

/// A read with the digest of what was found.
package struct ObservedRead: Hashable, Sendable {
  package var read: Read
  package var digest: Digest
  package init(_ read: Read, _ digest: Digest) {
    self.read = read
    self.digest = digest
  }
}

extension Digest {
  /// Of a short text, under a label that keeps domains apart.
  package static func of(_ label: String, _ text: String?) -> Digest {
    var builder = DigestBuilder()
    builder.append(tag: label)
    builder.append(text == nil ? 0 : 1)
    if let text { builder.append(text) }
    return builder.finish()
  }

  package static func of(_ label: String, bytes: [UInt8]) -> Digest {
    var builder = DigestBuilder()
    builder.append(tag: label)
    builder.append(bytes: bytes)
    return builder.finish()
  }
}
