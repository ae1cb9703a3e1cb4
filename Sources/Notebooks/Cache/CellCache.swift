import Checking
import Foundation
package import Interpreter
import Modeling
import Numerics
import Syntax

/// Why a cell runs though there is a cache.
package enum MissReason: Sendable, Equatable {
  /// No run of this cell is known.
  case neverRan
  /// A run of it is known, with other code or options.
  case edited
  /// A read finds something else than in the most similar run.
  case differs(Read)
  /// Some value it needs is computed anew in this run and not known yet (in a forecast).
  case waits(BindingName)
  /// `cache: never`, a cell that must fail, or no cache.
  case notKept
  /// What it gave was not kept, or is damaged.
  case lost
}

/// What the cache knows of a cell before it runs.
enum Lookup {
  case hit(CellManifest, events: [CellEvent], trace: CacheStore.Trace, reads: [ObservedRead])
  case miss(MissReason, seconds: Double?)
}

/// Finds what a cell gave before, and keeps what it gives now.
///
/// A hit is a stored run under the cell's static key whose every read finds today what it found then.
final class CellCache {
  let store: CacheStore
  let index: CodeIndex
  let world: RecordingWorld
  let engine: EngineIdentity
  let notebook: String
  let switches: CacheSwitches
  /// The machine fetches values through the cache, so that it must not be kept alive by it.
  private unowned let machine: Machine

  /// Of every value computed or found in this run.
  private(set) var digests: [GlobalID: Digest] = [:]
  private var known: [GlobalID: CellManifest.Export] = [:]
  private var owners: [GlobalID: CheckedUnit] = [:]
  /// Values that turned out to be gone while a cell ran.
  private var lost: [GlobalID] = []
  /// What the code that a computed value holds may call: its readers depend on that too.
  private var reachOfValues: [GlobalID: CodeReach] = [:]

  init(
    store: CacheStore, index: CodeIndex, world: RecordingWorld, engine: EngineIdentity, notebook: String,
    machine: Machine, libraryValues: [(global: GlobalID, value: Value)], switches: CacheSwitches
  ) {
    self.store = store
    self.index = index
    self.world = world
    self.engine = engine
    self.notebook = notebook
    self.machine = machine
    self.switches = switches
    for (global, value) in libraryValues { digests[global] = value.digest(index.table, code: index.code) }
  }

  // MARK: - Keys

  /// The static key: what the cell's statements mean, and the options that ask for another run.
  ///
  /// The tree is the checked one: names are resolved to bindings, overloads are chosen, types of values and of files'
  /// columns are known. Comments, spaces and places are no part of it.
  func key(of unit: CheckedUnit, options: [String: String]) -> Digest {
    var builder = DigestBuilder()
    builder.append(tag: "cell")
    builder.append(CacheStore.schemaVersion)
    builder.append(CellManifest.formatVersion)
    if switches.contains(.keyCode) {
      // A test's switch: cells are told apart by their names alone.
      builder.append(unit.exports.compactMap { index.code.names.global($0.global)?.name }.joined(separator: " "))
    } else {
      builder.append(index.code.shallowDigest(of: CodeIndex.statements(of: unit)))
      builder.append(unit.exports.count)
      for export in unit.exports {
        builder.append(index.code.names.global(export.global)?.name ?? "")
        builder.append(export.local.rawValue)
      }
    }
    builder.append(switches.contains(.keyOptions) ? "" : options["refresh"] ?? "")
    return builder.finish()
  }

  // MARK: - Looking up

  private func validator(seed: UInt64) -> ReadValidator {
    ReadValidator(index: index, world: world, engine: engine, values: digests, seed: seed)
  }

  func lookup(_ unit: CheckedUnit, options: [String: String], identity: String, seed: UInt64) -> Lookup {
    let traces = store.traces(for: key(of: unit, options: options))
    let validator = validator(seed: seed)
    var nearest: (reason: MissReason, agreed: Int, seconds: Double)?
    for trace in traces {
      var decoder = ValueDecoder.record(trace.reads)
      guard let reads = try? decoder.reads() else { continue }
      if let different = validator.difference(reads, in: unit, identity: identity) {
        let agreed = reads.firstIndex(of: different) ?? 0
        if agreed >= (nearest?.agreed ?? -1) {
          nearest = (reason(different.read), agreed, trace.seconds)
        }
        continue
      }
      guard let found = replay(trace, unit) else {
        nearest = (.lost, Int.max, trace.seconds)
        continue
      }
      return .hit(found.manifest, events: found.events, trace: trace, reads: reads)
    }
    if let nearest { return .miss(nearest.reason, seconds: nearest.seconds) }
    let last = store.lastTrace(notebook: notebook, cell: identity)
    return .miss(last == nil ? .neverRan : .edited, seconds: last?.seconds)
  }

  private func reason(_ read: Read) -> MissReason {
    if read.kind == .value, let binding = read.binding, let number = index.code.names.index(of: binding),
      digests[GlobalID(number)] == nil
    {
      return .waits(binding)
    }
    return .differs(read)
  }

  /// A stored run as events of today's text; nil where a part of it is gone.
  private func replay(_ trace: CacheStore.Trace, _ unit: CheckedUnit) -> (manifest: CellManifest, events: [CellEvent])?
  {
    var decoder = ValueDecoder.record(trace.manifest)
    guard let manifest = try? decoder.manifest(), decoder.remaining == 0, fits(manifest, unit) else { return nil }
    let codec = PlaceCodec(index, own: unit)
    var events: [CellEvent] = []
    for stored in manifest.events {
      guard let event = codec.event(stored) else { return nil }
      events.append(event)
    }
    return (manifest, events)
  }

  private func fits(_ manifest: CellManifest, _ unit: CheckedUnit) -> Bool {
    manifest.exports.count == unit.exports.count
      && zip(manifest.exports, unit.exports).allSatisfy {
        $0.name == index.code.names.global($1.global)?.name
      }
  }

  /// The last run of a pinned cell, whatever it read.
  func pinned(_ unit: CheckedUnit, identity: String) -> (manifest: CellManifest, events: [CellEvent])? {
    guard let trace = store.lastTrace(notebook: notebook, cell: identity) else { return nil }
    var decoder = ValueDecoder.record(trace.manifest)
    guard let manifest = try? decoder.manifest(), fits(manifest, unit) else { return nil }
    let codec = PlaceCodec(index, own: unit)
    store.noteUse(of: trace.id)
    // Messages whose place is gone keep their words.
    return (
      manifest,
      manifest.events.compactMap { stored in
        if let event = codec.event(stored) { return event }
        guard case .diagnostic(var diagnostic, _) = stored else { return nil }
        diagnostic.span = nil
        diagnostic.labels = []
        diagnostic.fixes = []
        diagnostic.trail = []
        return .diagnostic(diagnostic)
      }
    )
  }

  /// Makes what a stored run gave the values of this run; they are fetched when somebody reads them.
  func adopt(_ manifest: CellManifest, of unit: CheckedUnit) {
    for (export, place) in zip(manifest.exports, unit.exports) {
      digests[place.global] = export.digest
      known[place.global] = export
      owners[place.global] = unit
      machine.setGlobal(place.global, nil)
    }
  }

  // MARK: - Values

  /// The value of a binding that this run found rather than computed; nil where it has none.
  func value(of global: GlobalID) throws -> Value? {
    guard let export = known[global], let unit = owners[global] else { return nil }
    func gone() -> Fault {
      lost.append(global)
      return Fault("R091", "`\(export.name)` is not in the cache any more", help: "run again")
    }
    guard let bytes = store.object(export.digest) else { throw gone() }
    let codec = PlaceCodec(index, own: unit)
    let origins = export.origins.map { $0.flatMap { codec.index.span(of: $0, own: unit) } }
    do {
      return try ValueDecoder.decode(
        bytes, index.table, code: index.code, engineValues: Engine.valueRegistry, origins: origins,
        closures: { [index] in index.closure($0, at: $1) })
    } catch {
      throw gone()
    }
  }

  /// Values that a run asked for in vain since the last call.
  func takeLost() -> [GlobalID] {
    defer { lost = [] }
    return lost
  }

  // MARK: - Keeping

  /// A run of a cell under observation.
  struct Observation {
    let recorder: ReadRecorder
    let start: ContinuousClock.Instant
  }

  func begin(_ unit: CheckedUnit) -> Observation {
    let recorder = ReadRecorder(unit: unit, table: index.table)
    machine.observer = recorder
    world.begin()
    return Observation(recorder: recorder, start: .now)
  }

  /// Takes up what the cell gave, and keeps it where that is allowed.
  ///
  /// - Parameters:
  ///   - isKept: Whether the cell succeeded and may be kept at all.
  ///   - isRead: Whether a later cell may read the binding.
  /// - Returns: Exports with their digests.
  func finish(
    _ observation: Observation, of unit: CheckedUnit, options: [String: String], identity: String, seed: UInt64,
    values: [(global: GlobalID, value: Value)], events: [CellEvent], isKept: Bool, isRead: (GlobalID) -> Bool
  ) -> [CellResult.Export] {
    machine.observer = nil
    let elapsed = observation.start.duration(to: .now)
    let seconds = elapsed.inSeconds
    var places = PlaceCodec(index, own: unit)
    var isWhole = isKept
    var exports: [CellManifest.Export] = []
    var objects: [CacheStore.NewObject] = []
    for (global, value) in values {
      let name = index.table.globals[global.rawValue].name
      var encoder = ValueEncoder(index.table, code: index.code)
      guard (try? encoder.write(value)) != nil else {
        // A value that cannot be written cannot be compared: whoever reads it is not kept either.
        digests[global] = nil
        isWhole = false
        continue
      }
      let origins = encoder.origins
      let bytes = encoder.finish()
      let chunks = bytes.withUnsafeBytes { ContentDigest.chunks(of: $0) }
      let digest = ContentDigest.whole("value", size: bytes.count, chunks: chunks)
      let reach = reach(of: origins)
      exports.append(
        CellManifest.Export(
          name: name, digest: digest, size: bytes.count, origins: origins.map { places.name($0.span) },
          builtins: reach.builtins.sorted(), usesEngine: reach.usesEngine))
      digests[global] = digest
      known[global] = nil
      reachOfValues[global] = reach
      if bytes.count <= CacheStore.inlineLimit || seconds > 0.2 || isRead(global) {
        objects.append(CacheStore.NewObject(digest: digest, chunks: chunks, bytes: bytes))
      }
    }
    let result = exports.map { CellResult.Export(name: $0.name, digest: $0.digest) }
    guard isWhole else { return result }
    let stored = events.map { places.stored($0) }
    guard !places.isIncomplete,
      let reads = reads(observation.recorder, unit, identity: identity, seed: seed, textOwners: places.owners)
    else { return result }
    var readBytes = ValueEncoder.record()
    readBytes.write(reads)
    var manifestBytes = ValueEncoder.record()
    manifestBytes.write(CellManifest(exports: exports, events: stored))
    store.store(
      CacheStore.NewTrace(
        key: key(of: unit, options: options), reads: readBytes.finish(), manifest: manifestBytes.finish(),
        notebook: notebook, cell: identity, seconds: seconds, objects: objects))
    return result
  }

  private func reach(of origins: [CodeOrigin]) -> CodeReach {
    var result: CodeReach?
    for case .function(let function) in origins {
      var own = CodeReach(of: function)
      own.close(over: index.table)
      guard var sum = result else {
        result = own
        continue
      }
      sum.builtins.formUnion(own.builtins)
      sum.usesEngine = sum.usesEngine || own.usesEngine
      result = sum
    }
    return result ?? CodeReach()
  }

  /// Everything that the run observed, in an order in which it can be looked at again; nil where it cannot.
  private func reads(
    _ recorder: ReadRecorder, _ unit: CheckedUnit, identity: String, seed: UInt64, textOwners: [TextOwner]
  ) -> [ObservedRead]? {
    let outside = world.finish()
    guard outside.changed.isEmpty else {
      for path in outside.changed { store.notice("`\(path)` changed while the notebook ran: run again") }
      return nil
    }
    var result: [ObservedRead] = []
    func add(_ read: Read, _ digest: Digest) {
      if !switches.contains(.reads(of: read.kind)) { result.append(ObservedRead(read, digest)) }
    }
    let own = CodeReach(of: unit.main)
    var builtins = own.builtins
    var usesEngine = own.usesEngine
    for global in recorder.globals {
      guard let name = index.code.names.global(global), let digest = digests[global] else { return nil }
      add(Read(name), digest)
      if let export = known[global] {
        builtins.formUnion(export.builtins)
        usesEngine = usesEngine || export.usesEngine
      } else if let reach = reachOfValues[global] {
        builtins.formUnion(reach.builtins)
        usesEngine = usesEngine || reach.usesEngine
      }
    }
    var code = CodeReach()
    code.functions = own.heldFunctions.union(own.functions.intersection(recorder.functions))
    code.models = own.heldModels.union(own.models.intersection(recorder.models))
    for function in code.functions.sorted(by: { $0.rawValue < $1.rawValue }) {
      if let name = index.code.names.function(function) { add(Read(name), index.code.digest(of: function)) }
    }
    for model in code.models.sorted(by: { $0.rawValue < $1.rawValue }) {
      if let name = index.code.names.model(model) { add(Read(name), index.code.digest(of: model)) }
    }
    code.close(over: index.table)
    builtins.formUnion(code.builtins)
    usesEngine = usesEngine || code.usesEngine
    // How code is evaluated and shown, and what the engine computes, have epochs as library functions do.
    add(Read(.builtin, Engine.languageEpoch.name), engine.digest(ofBuiltin: Engine.languageEpoch.name))
    if usesEngine { add(Read(.builtin, Engine.engineEpoch.name), engine.digest(ofBuiltin: Engine.engineEpoch.name)) }
    let registered = builtins.filter { machine.registry[$0] != nil || Engine.isDistribution($0) }
    for builtin in registered.sorted() { add(Read(.builtin, builtin), engine.digest(ofBuiltin: builtin)) }
    if usesEngine || registered.contains(where: { Engine.isNumeric($0, in: machine.registry) }) {
      add(Read(.numericClass), .of("numeric class", engine.numericClass))
    }
    for item in outside.reads { add(item.read, item.digest) }
    if outside.isVolatile { add(Read(.clock), .of("clock", "asked")) }
    if recorder.hasDrawn {
      add(Read(.identity), .of("identity", identity))
      add(Read(.seed), ReadValidator.seedDigest(seed))
    }
    for owner in textOwners {
      // The code of a function or model that is read itself covers its tree.
      switch owner {
      case .function(let name):
        if let number = index.code.names.index(of: name), code.functions.contains(FunctionID(number)) { continue }
      case .model(let name):
        if let number = index.code.names.index(of: name), code.models.contains(ModelID(number)) { continue }
      case .own, .cell: break
      }
      guard let digest = index.digest(of: owner, own: unit) else { return nil }
      add(ReadValidator.read(of: owner), digest)
    }
    return result
  }
}
