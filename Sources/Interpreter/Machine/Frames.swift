import Checking
package import Numerics
import Syntax

/// One open call.
struct FrameRecord {
  var function: Unmanaged<LoweredFunction>
  var scalars: UnsafeMutablePointer<Int>
  var boxed: UnsafeMutablePointer<Value>
  /// The instruction after the one that runs: kept up to date at calls and where a fault may arise.
  var position: Int
  /// The call back from a library function that opened this frame, or −1.
  var nestedCall: Int32
}

/// A library function that calls a function of the dialect: what tells its streams apart.
struct NestedCall {
  var arguments: [Value]
  /// The run of the library function that calls back; −1 where the host does.
  var activation = -1
  init(arguments: [Value]) { self.arguments = arguments }
}

/// One run of a library function: remembers which elements its callbacks drew random numbers for.
struct IntrinsicActivation {
  /// Digests of arguments that asked for randomness, with the calls back that did, in order.
  var occurrences: [Digest: [Int]] = [:]
  var callCount = 0
}

// Entering code from Swift, and streams of random numbers.
extension Machine {
  static func read(
    _ slot: Plan.Slot, _ scalars: UnsafeMutablePointer<Int>, _ boxed: UnsafeMutablePointer<Value>
  ) -> Value {
    switch slot.kind {
    case .int: .int(scalars[Int(slot.register)])
    case .real: .real(Double(bitPattern: UInt64(bitPattern: Int64(scalars[Int(slot.register)]))))
    case .bool: .bool(scalars[Int(slot.register)] != 0)
    case .boxed: boxed[Int(slot.register)]
    }
  }

  static func write(
    _ value: Value, _ slot: Plan.Slot, _ scalars: UnsafeMutablePointer<Int>, _ boxed: UnsafeMutablePointer<Value>
  ) throws {
    switch slot.kind {
    case .int: scalars[Int(slot.register)] = try integer(value)
    case .real: scalars[Int(slot.register)] = bits(try real(value))
    case .bool: scalars[Int(slot.register)] = try truth(value) ? 1 : 0
    case .boxed: boxed[Int(slot.register)] = value
    }
  }

  @inline(__always)
  static func bits(_ number: Double) -> Int { Int(Int64(bitPattern: number.bitPattern)) }

  static func integer(_ value: Value) throws -> Int {
    switch value {
    case .int(let number): return number
    case .some(let inner): return try integer(inner)
    default: throw mismatch("an Int", value)
    }
  }

  static func real(_ value: Value) throws -> Double {
    switch value {
    case .real(let number): return number
    case .int(let number): return Double(number)
    case .some(let inner): return try real(inner)
    default: throw mismatch("a Real", value)
    }
  }

  static func truth(_ value: Value) throws -> Bool {
    switch value {
    case .bool(let flag): return flag
    case .some(let inner): return try truth(inner)
    default: throw mismatch("a Bool", value)
    }
  }

  static func mismatch(_ expected: String, _ value: Value) -> Fault {
    if case .none = value {
      return Fault("R010", "the value is `nil`", expected: expected, help: "use `if let` or `??`")
    }
    return Fault("R006", "the value has another type", expected: expected, found: Operations.words(value))
  }

  /// Calls code with values; `inspect` sees the registers before they are cleared.
  func invoke(
    _ code: LoweredFunction, captures: [Value], arguments: [Value], nested: NestedCall?,
    inspect: ((UnsafeMutablePointer<Int>, UnsafeMutablePointer<Value>) -> Void)? = nil
  ) throws -> Value {
    guard arguments.count == code.parameters.count, captures.count == code.captures.count else {
      throw Fault(
        "R020", "`\(code.source.name)` takes \(code.parameters.count) arguments", found: "\(arguments.count)")
    }
    guard nesting < Machine.nestingLimit, depth < Machine.depthLimit else { throw Machine.tooDeep(code.source.name) }
    var scalarBase = 0
    var boxedBase = 0
    if depth > 0 {
      let top = frames[depth - 1]
      let size = top.function._withUnsafeGuaranteedRef { ($0.scalarCount, $0.boxedCount) }
      scalarBase = top.scalars - scalars + size.0
      boxedBase = top.boxed - boxed + size.1
    }
    guard scalarBase + code.scalarCount <= Machine.scalarCapacity, boxedBase + code.boxedCount <= Machine.boxedCapacity
    else { throw Machine.tooDeep(code.source.name) }
    makeReady(boxedBase + code.boxedCount)
    let s = scalars + scalarBase
    let v = boxed + boxedBase
    for (value, slot) in zip(arguments, code.parameters) { try Machine.write(value, slot, s, v) }
    for (value, slot) in zip(captures, code.captures) { try Machine.write(value, slot, s, v) }
    for counter in code.counters { s[counter] = 0 }
    var nestedIndex: Int32 = -1
    if var nested, depth > 0 {
      nested.activation = activations.count - 1
      nestedIndex = Int32(nestedCalls.count)
      nestedCalls.append(nested)
      if !activations.isEmpty { activations[activations.count - 1].callCount += 1 }
    }
    let entryDepth = depth
    frames[depth] = FrameRecord(
      function: .passUnretained(code), scalars: s, boxed: v, position: 0, nestedCall: nestedIndex)
    depth += 1
    nesting += 1
    let activationCount = activations.count
    defer {
      nesting -= 1
      if nestedIndex >= 0 { nestedCalls.removeLast(nestedCalls.count - Int(nestedIndex)) }
    }
    do {
      try withExtendedLifetime(code) { try execute(until: entryDepth, keepsRegisters: inspect != nil) }
    } catch {
      let diagnostic = described(error)
      unwind(to: entryDepth, boxedBase: boxedBase)
      activations.removeLast(activations.count - activationCount)
      throw diagnostic
    }
    inspect?(s, v)
    if inspect != nil {
      // The registers were kept for `inspect`; a unit's main returns nothing.
      for index in 0..<code.boxedCount { v[index] = .unit }
      return .unit
    }
    switch code.result {
    case .int: return .int(s[0])
    case .real: return .real(Double(bitPattern: UInt64(bitPattern: Int64(s[0]))))
    case .bool: return .bool(s[0] != 0)
    case .boxed:
      let result = v[0]
      v[0] = .unit
      return result
    }
  }

  /// Initializes boxed registers up to a number.
  @inline(__always)
  func makeReady(_ count: Int) {
    if count > boxedReady {
      (boxed + boxedReady).initialize(repeating: .unit, count: count - boxedReady)
      boxedReady = count
    }
  }

  private func unwind(to entryDepth: Int, boxedBase: Int) {
    for index in boxedBase..<max(boxedBase, boxedReady) { boxed[index] = .unit }
    depth = entryDepth
  }

  static func tooDeep(_ name: String) -> Fault {
    Fault(
      "R007", "calls nest too deeply in `\(name)`", expected: "at most \(depthLimit) open calls",
      help: "check that the recursion ends, or use a loop")
  }

  // MARK: - Faults

  /// An error with the place of the running instruction and the calls that led there.
  private func described(_ error: any Error) -> any Error {
    if error is DiagnosticError || depth == 0 { return error }
    let place = callSpan
    var diagnostic: Diagnostic
    if let fault = error as? Fault {
      diagnostic = fault.diagnostic(at: place)
      if diagnostic.span?.source == SourceID(-1) { diagnostic.span = place }
    } else {
      diagnostic = Diagnostic("R099", .error, "\(error)", at: place)
    }
    diagnostic.trail = trail()
    return DiagnosticError(diagnostic)
  }

  /// The open calls, innermost first; repeated ones are counted.
  private func trail() -> [Diagnostic.Label] {
    var result: [Diagnostic.Label] = []
    var repeats = 1
    var rest = 0
    func close() {
      if repeats > 1, let last = result.indices.last { result[last].text += ", repeated \(repeats) times" }
      repeats = 1
    }
    for index in stride(from: depth - 2, through: 0, by: -1) {
      let frame = frames[index]
      let label = frame.function._withUnsafeGuaranteedRef { code in
        let position = max(0, min(frame.position - 1, code.spans.count - 1))
        let callee = frames[index + 1].function._withUnsafeGuaranteedRef { $0.source.name }
        return Diagnostic.Label(
          span: code.spans.isEmpty ? code.source.span : code.spans[position], text: "`\(callee)` called here")
      }
      if rest == 0, let last = result.last, last.span == label.span {
        repeats += 1
        continue
      }
      close()
      if result.count < 16 { result.append(label) } else { rest += 1 }
    }
    close()
    if rest > 0, let last = result.indices.last { result[last].text += ", and \(rest) more calls" }
    return result
  }

  // MARK: - Streams

  package func randomKey() -> RandomKey { randomKey(seed: seedRoot) }

  /// The stream of the random call that runs now.
  ///
  /// From the seed root: the cell's identity, then for every open call the name of its call site (what is called, and
  /// the how-manieth such call of its function: line numbers play no part) and how often it has been reached in this
  /// activation. A callback of a library function is told by the digest of its arguments and their occurrence, so that
  /// the order of the elements plays no part either.
  package func randomKey(seed: UInt64) -> RandomKey {
    if !hasDrawn {
      hasDrawn = true
      observer?.didDraw()
    }
    var key = RandomKey(seed: seed).child(cellIdentity)
    for index in 0..<depth {
      let frame = frames[index]
      if frame.nestedCall >= 0, Int(frame.nestedCall) < nestedCalls.count {
        let nested = nestedCalls[Int(frame.nestedCall)]
        let digest = Value.tuple(nested.arguments).digest(declarations)
        key = key.child("element \(digest)").child(occurrence(of: digest, activation: nested.activation))
      }
      frame.function._withUnsafeGuaranteedRef { code in
        guard let site = code.sites[frame.position - 1] else { return }
        key = key.child(site.name).child(UInt64(bitPattern: Int64(frame.scalars[Int(site.counter)])))
      }
    }
    return key
  }

  /// The number of earlier callbacks of one library call that drew for equal arguments.
  private func occurrence(of digest: Digest, activation: Int) -> UInt64 {
    guard activation >= 0, activation < activations.count else { return 0 }
    let call = activations[activation].callCount
    var calls = activations[activation].occurrences[digest] ?? []
    if let index = calls.firstIndex(of: call) { return UInt64(index) }
    calls.append(call)
    activations[activation].occurrences[digest] = calls
    return UInt64(calls.count - 1)
  }
}
