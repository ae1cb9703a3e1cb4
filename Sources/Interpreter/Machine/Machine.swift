package import Checking
package import Numerics
package import Rendering
import Synchronization
package import Syntax

/// Stops a run from another thread or a signal handler.
package final class Cancellation: Sendable {
  private let flag = Atomic<Bool>(false)
  package init() {}
  package var isCancelled: Bool { flag.load(ordering: .relaxed) }
  package func cancel() { flag.store(true, ordering: .relaxed) }
  package func reset() { flag.store(false, ordering: .relaxed) }
}

/// Runs checked units and calls functions of the dialect on concrete values.
///
/// One machine serves one session: its declarations grow by one unit after the other. It is used by one thread at a time.
package final class Machine: CallContext {
  /// How many calls may be open at once.
  package static let depthLimit = 10_000
  /// How many library functions may be calling back at once: each holds a frame of the real stack.
  static let nestingLimit = 96
  static let scalarCapacity = 1 << 20
  static let boxedCapacity = 1 << 19

  package let registry: IntrinsicRegistry
  package let hooks: any EngineHooks
  package var world: any World
  package var sink: any OutputSink
  package var threads: Int
  package let cancellation: Cancellation
  /// Whether a fit that is interrupted gives the draws that it has made (interactive sessions), or ends the run.
  package var keepsInterruptedWork = false
  package var observer: (any RunObserver)?
  /// The seed from which all streams derive.
  package var seedRoot: UInt64 = 0
  /// The identity of the executing cell: its label, or its first export with an occurrence number.
  package var cellIdentity = ""
  /// How often code was entered from outside: zero when nothing ran.
  package private(set) var entryCount = 0
  package var onWarning: (Diagnostic) -> Void = { _ in }
  package var onProgress: (String) -> Void = { _ in }
  /// Fetches a global that this machine has not computed (from the cache).
  package var globalSource: ((GlobalID) throws -> Value?)?
  package var results: (any ResultStore)?
  package let work = WorkCounter()

  @exclusivity(unchecked) package private(set) var declarations: DeclarationTable
  @exclusivity(unchecked) var globals: [Value?] = []
  /// Code by function, kept between runs.
  var lowered: [LoweredFunction?] = []
  @exclusivity(unchecked) var globalSeen: [Bool] = []
  private var drawing: [Int: Bool] = [:]

  // The explicit stacks. They never move, so that pointers into them stay good across calls back.
  let scalars: UnsafeMutablePointer<Int>
  let boxed: UnsafeMutablePointer<Value>
  let frames: UnsafeMutablePointer<FrameRecord>
  /// What the run loop changes often lies behind a pointer: access to a stored property of a class is checked for
  /// exclusivity at run time, which a call would pay several times.
  struct State {
    var depth = 0
    /// Boxed registers below this one are initialized.
    var boxedReady = 0
    /// Code that this run has called, by function; nil until its first call of the run.
    var linked: UnsafeMutablePointer<Unmanaged<LoweredFunction>?>
    var linkedCount = 0
  }
  let state: UnsafeMutablePointer<State>
  var depth: Int {
    @inline(__always) get { state.pointee.depth }
    @inline(__always) set { state.pointee.depth = newValue }
  }
  var boxedReady: Int {
    @inline(__always) get { state.pointee.boxedReady }
    @inline(__always) set { state.pointee.boxedReady = newValue }
  }
  @exclusivity(unchecked) var nesting = 0
  @exclusivity(unchecked) var nestedCalls: [NestedCall] = []
  @exclusivity(unchecked) var activations: [IntrinsicActivation] = []

  package init(
    registry: IntrinsicRegistry, hooks: any EngineHooks, world: any World, sink: any OutputSink,
    declarations: DeclarationTable = DeclarationTable(), threads: Int = 1, cancellation: Cancellation = Cancellation()
  ) {
    precondition(ValueLayout.isAsAssumed, "this Swift toolchain lays enums out in another way than ValueLayout assumes")
    self.registry = registry
    self.hooks = hooks
    self.world = world
    self.sink = sink
    self.declarations = declarations
    self.threads = threads
    self.cancellation = cancellation
    scalars = .allocate(capacity: Machine.scalarCapacity)
    boxed = .allocate(capacity: Machine.boxedCapacity)
    frames = .allocate(capacity: Machine.depthLimit + 2)
    state = .allocate(capacity: 1)
    state.initialize(to: State(linked: .allocate(capacity: 1)))
    fitTables()
  }

  deinit {
    boxed.deinitialize(count: boxedReady)
    boxed.deallocate()
    scalars.deallocate()
    frames.deallocate()
    state.pointee.linked.deallocate()
    state.deallocate()
  }

  /// Takes up the declarations of further units; earlier entries do not change.
  package func update(_ declarations: DeclarationTable) {
    self.declarations = declarations
    fitTables()
  }

  private func fitTables() {
    let count = declarations.functions.count
    while lowered.count < count { lowered.append(nil) }
    if count > state.pointee.linkedCount {
      let table = UnsafeMutablePointer<Unmanaged<LoweredFunction>?>.allocate(capacity: count)
      table.initialize(repeating: nil, count: count)
      for index in 0..<state.pointee.linkedCount { table[index] = state.pointee.linked[index] }
      state.pointee.linked.deallocate()
      state.pointee.linked = table
      state.pointee.linkedCount = count
    }
    while globals.count < declarations.globals.count {
      globals.append(nil)
      globalSeen.append(false)
    }
  }

  // MARK: - Globals

  package func setGlobal(_ id: GlobalID, _ value: Value?) {
    while globals.count <= id.rawValue {
      globals.append(nil)
      globalSeen.append(false)
    }
    globals[id.rawValue] = value
  }

  /// The value of a global, recorded as read.
  package func global(_ id: GlobalID) throws -> Value {
    guard id.rawValue >= 0, id.rawValue < globals.count else {
      throw Fault("R091", "the variable is not known in this run")
    }
    if !globalSeen[id.rawValue] {
      globalSeen[id.rawValue] = true
      observer?.didRead(id)
    }
    if let value = globals[id.rawValue] { return value }
    if let value = try globalSource?(id) {
      globals[id.rawValue] = value
      return value
    }
    let name =
      declarations.globals.indices.contains(id.rawValue) ? declarations.globals[id.rawValue].name : "a variable"
    throw Fault("R091", "`\(name)` has no value yet", help: "the cell that defines it must run first")
  }

  // MARK: - Running

  /// Runs a unit's statements and stores its exports as globals.
  ///
  /// - Throws: ``DiagnosticError`` with span and call trail.
  @discardableResult
  package func run(_ unit: CheckedUnit) throws -> [(global: GlobalID, value: Value)] {
    beginRun()
    entryCount += 1
    var writtenThrough: [LocalID: GlobalID] = [:]
    for export in unit.exports where export.isReadByFunctions { writtenThrough[export.local] = export.global }
    let code = try lower(unit.main, writtenThrough: writtenThrough)
    var exports: [(global: GlobalID, value: Value)] = []
    _ = try invoke(code, captures: [], arguments: [], nested: nil) { scalarBase, boxedBase in
      for export in unit.exports {
        let slot = code.locals[export.local.rawValue]
        exports.append((export.global, Machine.read(slot, scalarBase, boxedBase)))
      }
    }
    for export in exports { setGlobal(export.global, export.value) }
    return exports
  }

  /// Runs the body of a `test`.
  package func run(test function: CheckedFunction) throws {
    beginRun()
    _ = try invoke(try lower(function), captures: [], arguments: [], nested: nil)
  }

  /// Forgets what the last run observed.
  package func beginRun() {
    for index in 0..<state.pointee.linkedCount { state.pointee.linked[index] = nil }
    for index in globalSeen.indices { globalSeen[index] = false }
    hasDrawn = false
  }
  @exclusivity(unchecked) var hasDrawn = false

  /// Calls a declared function.
  package func call(_ id: FunctionID, _ arguments: [Value]) throws -> Value {
    try invoke(try link(id), captures: [], arguments: arguments, nested: NestedCall(arguments: arguments))
  }

  /// Calls a function value of the dialect.
  package func call(_ function: Value, _ arguments: [Value]) throws -> Value {
    switch function {
    case .function(let id): return try call(id, arguments)
    case .closure(let closure):
      return try invoke(
        try code(of: closure), captures: closure.captures, arguments: arguments,
        nested: NestedCall(arguments: arguments))
    case .intrinsicFunction(let name):
      guard let entry = registry[name] else {
        throw Fault("R093", "the library function `\(name)` is declared but not supplied")
      }
      return try callLibrary(entry, arguments)
    default: throw Operations.unsuitable("a call", function)
    }
  }

  /// Calls a library function on values.
  func callLibrary(_ entry: Intrinsic, _ arguments: [Value]) throws -> Value {
    switch entry.body {
    case .general(let body):
      activations.append(IntrinsicActivation())
      defer { activations.removeLast() }
      return try body(self, arguments)
    case .real1, .real2, .real3:
      return try Operations.elementwise(entry, arguments)
    }
  }

  // MARK: - Code

  /// Code of a function for this run; the observer learns of it once.
  func link(_ id: FunctionID) throws -> LoweredFunction {
    guard id.rawValue >= 0, id.rawValue < declarations.functions.count else {
      throw Fault("R090", "the function is not known in this run")
    }
    if let code = state.pointee.linked[id.rawValue] { return code.takeUnretainedValue() }
    let code: LoweredFunction
    if let known = lowered[id.rawValue] {
      code = known
    } else {
      code = try lower(declarations.functions[id.rawValue])
      lowered[id.rawValue] = code
    }
    state.pointee.linked[id.rawValue] = .passUnretained(code)
    observer?.didCall(id)
    return code
  }

  func code(of closure: ClosureValue) throws -> LoweredFunction {
    if let code = closure.code.lowered as? LoweredFunction { return code }
    let code = try lower(closure.code.function, captureCount: closure.captures.count)
    closure.code.lowered = code
    return code
  }

  private func lower(
    _ function: CheckedFunction, captureCount: Int = 0, writtenThrough: [LocalID: GlobalID] = [:]
  ) throws -> LoweredFunction {
    do {
      return try Lowerer.lower(
        function, captureCount: captureCount, registry: registry, writtenThrough: writtenThrough,
        mayDraw: { [unowned self] in self.mayDraw($0) },
        functionName: { [unowned self] id in
          let known = self.declarations.functions
          return known.indices.contains(id.rawValue) ? known[id.rawValue].name : ""
        })
    } catch let fault as Fault {
      throw DiagnosticError(fault.diagnostic(at: function.span))
    }
  }

  /// Whether a function may reach a random draw, through any chain of calls.
  func mayDraw(_ id: FunctionID) -> Bool {
    if let known = drawing[id.rawValue] { return known }
    var reached: Set<Int> = [id.rawValue]
    var pending = [id.rawValue]
    var found = false
    while let next = pending.popLast(), !found {
      guard declarations.functions.indices.contains(next) else { continue }
      TreeWalk.walk(declarations.functions[next].body) { expression, _ in
        if case .call(let callee, _) = expression.kind {
          if reached.insert(callee.rawValue).inserted { pending.append(callee.rawValue) }
        } else if Lowerer.mayDraw(expression, { _ in false }) {
          found = true
        }
      }
    }
    drawing[id.rawValue] = found
    return found
  }

  // MARK: - Context

  package var isCancelled: Bool { cancellation.isCancelled }
  package func acceptInterruption() -> Bool {
    guard keepsInterruptedWork else { return false }
    cancellation.reset()
    return true
  }
  package func warn(_ diagnostic: Diagnostic) { onWarning(diagnostic) }
  package func progress(_ text: String) { onProgress(text) }

  package var callSpan: SourceSpan {
    guard depth > 0 else { return SourceSpan(source: SourceID(-1), start: 0, end: 0) }
    let frame = frames[depth - 1]
    return frame.function._withUnsafeGuaranteedRef { code in
      let index = max(0, min(frame.position - 1, code.spans.count - 1))
      return code.spans.isEmpty ? code.source.span : code.spans[index]
    }
  }
}
