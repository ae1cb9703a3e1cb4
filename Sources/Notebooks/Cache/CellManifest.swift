import Checking
package import Interpreter
package import Numerics
package import Rendering
package import Syntax

/// What a cell gave, as kept: names and digests of its values, and its events with places that move with the text.
package struct CellManifest: Sendable {
  /// Raised when records of cells, or the encoding of values in them, change: cells that were kept in another format
  /// run again, while fits, which have a format of their own, stay.
  package static let formatVersion = 3

  package struct Export: Sendable, Equatable {
    package var name: String
    package var digest: Digest
    /// Of the encoded value, in bytes.
    package var size: Int
    /// Where the code and places that the value holds stand, in the order of its encoding.
    package var origins: [PlaceName?]
    /// Library functions that the value's code may call.
    package var builtins: [String]
    package var usesEngine: Bool
  }
  package var exports: [Export]
  package var events: [StoredEvent]
}

/// An event whose places are names.
package enum StoredEvent: Sendable {
  case output(OutputEvent)
  case diagnostic(Diagnostic, places: [PlaceName?])
}

/// Names the places of events and values, and finds them again.
struct PlaceCodec {
  let index: CodeIndex
  let own: CheckedUnit
  /// Owners other than the cell itself whose text was pointed into.
  private(set) var owners: [TextOwner] = []
  /// Whether some place has no name; what holds it cannot be kept.
  private(set) var isIncomplete = false

  init(_ index: CodeIndex, own: CheckedUnit) {
    self.index = index
    self.own = own
  }

  mutating func name(_ span: SourceSpan?) -> PlaceName? {
    guard let span else { return nil }
    guard let place = index.name(of: span, own: own) else {
      isIncomplete = true
      return nil
    }
    if place.owner != .own, !owners.contains(place.owner) { owners.append(place.owner) }
    return place
  }

  mutating func stored(_ event: CellEvent) -> StoredEvent {
    switch event {
    case .output(let output): return .output(output)
    case .diagnostic(var diagnostic):
      var places: [PlaceName?] = []
      diagnostic.visitPlaces { span in
        places.append(name(span))
        return nil
      }
      return .diagnostic(diagnostic, places: places)
    }
  }

  /// The event with the places of today's text; nil where one is gone.
  func event(_ stored: StoredEvent) -> CellEvent? {
    switch stored {
    case .output(let output): return .output(output)
    case .diagnostic(var diagnostic, let places):
      var next = places.makeIterator()
      var isWhole = true
      diagnostic.visitPlaces { _ in
        guard let place = next.next() ?? nil else { return nil }
        guard let span = index.span(of: place, own: own) else {
          isWhole = false
          return nil
        }
        return span
      }
      return isWhole ? .diagnostic(diagnostic) : nil
    }
  }
}

extension Diagnostic {
  /// Replaces every place, in a fixed order; places that cannot be nil get an empty one.
  mutating func visitPlaces(_ change: (SourceSpan?) -> SourceSpan?) {
    let nowhere = SourceSpan(source: SourceID(-1), start: 0, end: 0)
    span = change(span)
    for index in labels.indices { labels[index].span = change(labels[index].span) ?? nowhere }
    for index in fixes.indices { fixes[index].span = change(fixes[index].span) ?? nowhere }
    for index in trail.indices { trail[index].span = change(trail[index].span) ?? nowhere }
  }
}

// MARK: - Bytes

extension ValueEncoder {
  /// For records of the cache: without declarations.
  static func record() -> ValueEncoder { ValueEncoder(DeclarationTable()) }

  mutating func write(_ owner: TextOwner) {
    func binding(_ tag: UInt8, _ name: BindingName) {
      write(tag)
      write(name.kind.rawValue)
      write(name.name)
      write(name.occurrence)
    }
    switch owner {
    case .own: write(UInt8(0))
    case .cell(let name): binding(1, name)
    case .function(let name): binding(2, name)
    case .model(let name): binding(3, name)
    }
  }

  mutating func write(_ places: [PlaceName?]) {
    write(places.count)
    for place in places {
      write(place != nil)
      guard let place else { continue }
      write(place.owner)
      write(place.part)
    }
  }

  mutating func write(_ text: String?) {
    write(text != nil)
    if let text { write(text) }
  }

  mutating func write(_ reads: [ObservedRead]) {
    write(reads.count)
    for item in reads {
      write(item.read.kind.rawValue)
      write(item.read.name)
      write(item.read.occurrence)
      write(item.digest)
    }
  }

  mutating func write(_ manifest: CellManifest) {
    write(manifest.exports.count)
    for export in manifest.exports {
      write(export.name)
      write(export.digest)
      write(export.size)
      write(export.origins)
      write(export.builtins)
      write(export.usesEngine)
    }
    write(manifest.events.count)
    for event in manifest.events {
      switch event {
      case .output(.text(let text)):
        write(UInt8(0))
        write(text)
      case .output(.table(let table)):
        write(UInt8(1))
        write(table)
      case .output(.figure(let figure)):
        write(UInt8(3))
        write(figure)
      case .output(.verdict(let verdict)):
        write(UInt8(4))
        write(verdict)
      case .diagnostic(let diagnostic, let places):
        write(UInt8(2))
        write(diagnostic)
        write(places)
      }
    }
  }

  private mutating func write(_ diagnostic: Diagnostic) {
    write(diagnostic.code)
    write(diagnostic.severity.rawValue)
    write(diagnostic.message)
    write(diagnostic.caretText)
    write(diagnostic.labels.map(\.text))
    write(diagnostic.expected)
    write(diagnostic.found)
    write(diagnostic.notes)
    write(diagnostic.help)
    write(diagnostic.fixes.map(\.replacement))
    write(diagnostic.fixes.map { $0.certainty == .certain ? 1 : 0 })
    write(diagnostic.trail.map(\.text))
  }
}

extension ValueDecoder {
  static func record(_ bytes: [UInt8]) -> ValueDecoder { ValueDecoder(bytes, DeclarationTable()) }

  mutating func owner() throws -> TextOwner {
    func binding(_ decoder: inout ValueDecoder) throws -> BindingName {
      guard let kind = BindingName.Kind(rawValue: try decoder.byte()) else { throw DecodingError("no such binding") }
      return BindingName(kind: kind, name: try decoder.string(), occurrence: try decoder.int())
    }
    switch try byte() {
    case 0: return .own
    case 1: return .cell(try binding(&self))
    case 2: return .function(try binding(&self))
    case 3: return .model(try binding(&self))
    default: throw DecodingError("a text of an unknown kind")
    }
  }

  mutating func places() throws -> [PlaceName?] {
    var result: [PlaceName?] = []
    for _ in 0..<(try count()) {
      result.append(try bool() ? PlaceName(owner: try owner(), part: try int()) : nil)
    }
    return result
  }

  mutating func optionalString() throws -> String? { try bool() ? try string() : nil }

  mutating func reads() throws -> [ObservedRead] {
    var result: [ObservedRead] = []
    for _ in 0..<(try count(size: 49)) {
      guard let kind = Read.Kind(rawValue: try byte()) else { throw DecodingError("a read of an unknown kind") }
      let read = Read(kind, try string(), occurrence: try int())
      result.append(ObservedRead(read, try digest()))
    }
    return result
  }

  mutating func manifest() throws -> CellManifest {
    var exports: [CellManifest.Export] = []
    for _ in 0..<(try count(size: 50)) {
      exports.append(
        CellManifest.Export(
          name: try string(), digest: try digest(), size: try int(), origins: try places(), builtins: try strings(),
          usesEngine: try bool()))
    }
    var events: [StoredEvent] = []
    for _ in 0..<(try count()) {
      switch try byte() {
      case 0: events.append(.output(.text(try string())))
      case 1: events.append(.output(.table(try textTable())))
      case 2: events.append(.diagnostic(try diagnostic(), places: try places()))
      case 3: events.append(.output(.figure(try figure())))
      case 4: events.append(.output(.verdict(try verdict())))
      default: throw DecodingError("an event of an unknown kind")
      }
    }
    return CellManifest(exports: exports, events: events)
  }

  private mutating func diagnostic() throws -> Diagnostic {
    let nowhere = SourceSpan(source: SourceID(-1), start: 0, end: 0)
    let code = try string()
    guard let severity = Diagnostic.Severity(rawValue: try string()) else { throw DecodingError("no such severity") }
    var result = Diagnostic(code, severity, try string(), at: nil)
    result.caretText = try optionalString()
    result.labels = try strings().map { Diagnostic.Label(span: nowhere, text: $0) }
    result.expected = try optionalString()
    result.found = try optionalString()
    result.notes = try strings()
    result.help = try optionalString()
    let replacements = try strings()
    let certainties = try ints()
    result.fixes = zip(replacements, certainties).map {
      Diagnostic.Fix(span: nowhere, replacement: $0, certainty: $1 == 1 ? .certain : .likely)
    }
    result.trail = try strings().map { Diagnostic.Label(span: nowhere, text: $0) }
    return result
  }
}
