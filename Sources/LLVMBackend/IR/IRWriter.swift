/// What an IR value is. Every value has one lane or ``IRValue/vectorLanes`` of them.
enum IRType: Hashable, Sendable {
  case real
  case integer
  case truth
  case pointer

  var scalarName: String {
    switch self {
    case .real: "double"
    case .integer: "i64"
    case .truth: "i1"
    case .pointer: "ptr"
    }
  }
}

/// A value in IR text: a register's name or a literal.
struct IRValue: Hashable, Sendable {
  /// The fixed logical width: on every processor the same lanes, so that sums are taken in the same order.
  static let vectorLanes = 8

  var text: String
  var type: IRType
  var lanes: Int

  var typeName: String { IRValue.name(of: type, lanes: lanes) }
  /// Type and value, as operands are written.
  var typed: String { "\(typeName) \(text)" }

  static func name(of type: IRType, lanes: Int) -> String {
    lanes == 1 ? type.scalarName : "<\(lanes) x \(type.scalarName)>"
  }

  /// A literal; vectors repeat it.
  static func real(_ value: Double, lanes: Int = 1) -> IRValue {
    literal(hexadecimal(value), .real, lanes)
  }
  static func integer(_ value: Int, lanes: Int = 1) -> IRValue { literal(String(value), .integer, lanes) }
  static func truth(_ value: Bool, lanes: Int = 1) -> IRValue { literal(value ? "true" : "false", .truth, lanes) }

  private static func literal(_ text: String, _ type: IRType, _ lanes: Int) -> IRValue {
    if lanes == 1 { return IRValue(text: text, type: type, lanes: 1) }
    let entry = "\(type.scalarName) \(text)"
    let list = Array(repeating: entry, count: lanes).joined(separator: ", ")
    return IRValue(text: "<\(list)>", type: type, lanes: lanes)
  }

  /// Doubles are written by their bits.
  static func hexadecimal(_ value: Double) -> String {
    let digits = String(value.bitPattern, radix: 16, uppercase: true)
    return "0x" + String(repeating: "0", count: 16 - digits.count) + digits
  }
}

/// Comparisons of doubles; all but `unordered` are false where an operand is not a number.
enum RealComparison: String, Sendable {
  case equal = "oeq"
  case less = "olt"
  case lessOrEqual = "ole"
  case greater = "ogt"
  case greaterOrEqual = "oge"
  /// True also where an operand is not a number, as C's `!=`.
  case notEqual = "une"
  case unordered = "uno"
}

enum IntegerComparison: String, Sendable {
  case equal = "eq"
  case notEqual = "ne"
  case less = "slt"
  case lessOrEqual = "sle"
  case greater = "sgt"
  case greaterOrEqual = "sge"
  case belowUnsigned = "ult"
}

/// Writes the body of one IR function, instruction by instruction.
///
/// Nothing here carries a fast-math flag: what is written is what runs, to the bit.
final class IRWriter {
  let module: IRModule
  private(set) var lines: [String] = []
  /// Stack slots, which stand before everything else so that LLVM makes registers of them.
  private var slots: [String] = []
  private var registers = 0
  private var labels = 0

  init(module: IRModule) {
    self.module = module
  }

  /// The current block's name, for phi nodes.
  private(set) var block = "entry"

  func append(_ line: String) { lines.append("  " + line) }

  /// The whole body: the slots, then what was written.
  var body: String { (slots + lines).joined(separator: "\n") }

  /// A place on the stack for one value.
  func slot(_ type: IRType, lanes: Int) -> IRValue {
    let name = register()
    slots.append("  \(name) = alloca \(IRValue.name(of: type, lanes: lanes)), align \(lanes == 1 ? 8 : 64)")
    return IRValue(text: name, type: .pointer, lanes: 1)
  }

  func loadSlot(_ slot: IRValue, _ type: IRType, lanes: Int) -> IRValue {
    result(type, lanes, "load \(IRValue.name(of: type, lanes: lanes)), \(slot.typed), align \(lanes == 1 ? 8 : 64)")
  }

  func storeSlot(_ value: IRValue, _ slot: IRValue) {
    append("store \(value.typed), \(slot.typed), align \(value.lanes == 1 ? 8 : 64)")
  }

  func register() -> String {
    registers += 1
    return "%v\(registers)"
  }

  func label(_ hint: String) -> String {
    labels += 1
    return "\(hint)\(labels)"
  }

  func begin(block name: String) {
    lines.append("\(name):")
    block = name
  }

  func result(_ type: IRType, _ lanes: Int, _ instruction: String) -> IRValue {
    let name = register()
    append("\(name) = \(instruction)")
    return IRValue(text: name, type: type, lanes: lanes)
  }

  // MARK: - Reals

  private func arithmetic(_ name: String, _ a: IRValue, _ b: IRValue) -> IRValue {
    result(a.type, a.lanes, "\(name) \(a.typed), \(b.text)")
  }
  func add(_ a: IRValue, _ b: IRValue) -> IRValue { arithmetic("fadd", a, b) }
  func subtract(_ a: IRValue, _ b: IRValue) -> IRValue { arithmetic("fsub", a, b) }
  func multiply(_ a: IRValue, _ b: IRValue) -> IRValue { arithmetic("fmul", a, b) }
  func divide(_ a: IRValue, _ b: IRValue) -> IRValue { arithmetic("fdiv", a, b) }
  func negate(_ a: IRValue) -> IRValue { result(.real, a.lanes, "fneg \(a.typed)") }

  /// a · b + c, rounded once.
  func fma(_ a: IRValue, _ b: IRValue, _ c: IRValue) -> IRValue {
    intrinsic("fma", [a, b, c], lanes: a.lanes)
  }
  func absolute(_ a: IRValue) -> IRValue { intrinsic("fabs", [a], lanes: a.lanes) }
  func squareRoot(_ a: IRValue) -> IRValue { intrinsic("sqrt", [a], lanes: a.lanes) }
  func floor(_ a: IRValue) -> IRValue { intrinsic("floor", [a], lanes: a.lanes) }
  func ceiling(_ a: IRValue) -> IRValue { intrinsic("ceil", [a], lanes: a.lanes) }
  func truncate(_ a: IRValue) -> IRValue { intrinsic("trunc", [a], lanes: a.lanes) }
  /// Ties to even.
  func roundToEven(_ a: IRValue) -> IRValue { intrinsic("roundeven", [a], lanes: a.lanes) }
  func copySign(_ magnitude: IRValue, _ sign: IRValue) -> IRValue {
    intrinsic("copysign", [magnitude, sign], lanes: magnitude.lanes)
  }

  private func intrinsic(_ name: String, _ operands: [IRValue], lanes: Int) -> IRValue {
    let suffix = lanes == 1 ? "f64" : "v\(lanes)f64"
    let type = IRValue.name(of: .real, lanes: lanes)
    let function = "@llvm.\(name).\(suffix)"
    module.declare(
      "declare \(type) \(function)(\(Array(repeating: type, count: operands.count).joined(separator: ", ")))")
    return result(.real, lanes, "call \(type) \(function)(\(operands.map(\.typed).joined(separator: ", ")))")
  }

  func compare(_ comparison: RealComparison, _ a: IRValue, _ b: IRValue) -> IRValue {
    result(.truth, a.lanes, "fcmp \(comparison.rawValue) \(a.typed), \(b.text)")
  }
  func isNaN(_ a: IRValue) -> IRValue { compare(.unordered, a, a) }

  /// condition ? a : b per lane.
  func select(_ condition: IRValue, _ a: IRValue, _ b: IRValue) -> IRValue {
    result(a.type, a.lanes, "select \(condition.typed), \(a.typed), \(b.typed)")
  }

  // MARK: - Integers and truth values

  func addIntegers(_ a: IRValue, _ b: IRValue) -> IRValue { arithmetic("add", a, b) }
  func subtractIntegers(_ a: IRValue, _ b: IRValue) -> IRValue { arithmetic("sub", a, b) }
  func multiplyIntegers(_ a: IRValue, _ b: IRValue) -> IRValue { arithmetic("mul", a, b) }
  func and(_ a: IRValue, _ b: IRValue) -> IRValue { arithmetic("and", a, b) }
  func or(_ a: IRValue, _ b: IRValue) -> IRValue { arithmetic("or", a, b) }
  func exclusiveOr(_ a: IRValue, _ b: IRValue) -> IRValue { arithmetic("xor", a, b) }
  func not(_ a: IRValue) -> IRValue { exclusiveOr(a, .truth(true, lanes: a.lanes)) }
  func shiftLeft(_ a: IRValue, _ count: Int) -> IRValue { arithmetic("shl", a, .integer(count, lanes: a.lanes)) }
  func shiftRight(_ a: IRValue, _ count: Int) -> IRValue { arithmetic("lshr", a, .integer(count, lanes: a.lanes)) }
  /// Keeps the sign.
  func shiftRightSigned(_ a: IRValue, _ count: Int) -> IRValue {
    arithmetic("ashr", a, .integer(count, lanes: a.lanes))
  }
  func compareIntegers(_ comparison: IntegerComparison, _ a: IRValue, _ b: IRValue) -> IRValue {
    result(.truth, a.lanes, "icmp \(comparison.rawValue) \(a.typed), \(b.text)")
  }

  /// The bits of doubles, and back.
  func bits(_ a: IRValue) -> IRValue {
    result(.integer, a.lanes, "bitcast \(a.typed) to \(IRValue.name(of: .integer, lanes: a.lanes))")
  }
  func fromBits(_ a: IRValue) -> IRValue {
    result(.real, a.lanes, "bitcast \(a.typed) to \(IRValue.name(of: .real, lanes: a.lanes))")
  }
  /// Exact for whole numbers below 2⁵³; the operand must be in the range of the type.
  func toInteger(_ a: IRValue) -> IRValue {
    result(.integer, a.lanes, "fptosi \(a.typed) to \(IRValue.name(of: .integer, lanes: a.lanes))")
  }
  func toReal(_ a: IRValue) -> IRValue {
    result(.real, a.lanes, "sitofp \(a.typed) to \(IRValue.name(of: .real, lanes: a.lanes))")
  }
  /// 1 or 0.
  func toReal(truth a: IRValue) -> IRValue {
    select(a, .real(1, lanes: a.lanes), .real(0, lanes: a.lanes))
  }

  // MARK: - Lanes

  func splat(_ a: IRValue) -> IRValue {
    guard a.lanes == 1 else { return a }
    if !a.text.hasPrefix("%") {
      // A literal.
      let entry = "\(a.type.scalarName) \(a.text)"
      let list = Array(repeating: entry, count: IRValue.vectorLanes).joined(separator: ", ")
      return IRValue(text: "<\(list)>", type: a.type, lanes: IRValue.vectorLanes)
    }
    let vector = IRValue.name(of: a.type, lanes: IRValue.vectorLanes)
    let first = result(a.type, IRValue.vectorLanes, "insertelement \(vector) poison, \(a.typed), i64 0")
    return result(
      a.type, IRValue.vectorLanes,
      "shufflevector \(first.typed), \(vector) poison, <\(IRValue.vectorLanes) x i32> zeroinitializer")
  }

  func lane(_ a: IRValue, _ index: Int) -> IRValue {
    result(a.type, 1, "extractelement \(a.typed), i64 \(index)")
  }

  func inserting(_ a: IRValue, into vector: IRValue, at index: Int) -> IRValue {
    result(vector.type, vector.lanes, "insertelement \(vector.typed), \(a.typed), i64 \(index)")
  }

  /// Lane k is lane `k + count`, or that of `fill` where there is none.
  func shifted(_ a: IRValue, by count: Int, fill: IRValue) -> IRValue {
    let mask = (0..<a.lanes).map { lane in
      let source = lane + count
      return "i32 \((0..<a.lanes).contains(source) ? source : a.lanes + lane)"
    }
    return result(
      a.type, a.lanes, "shufflevector \(a.typed), \(fill.typed), <\(a.lanes) x i32> <\(mask.joined(separator: ", "))>")
  }

  /// The sum of eight lanes by a fixed tree.
  func sum(lanes a: IRValue) -> IRValue {
    guard a.lanes > 1 else { return a }
    var width = a.lanes
    var vector = a
    while width > 1 {
      let half = width / 2
      let type = "<\(width) x double>"
      func part(_ start: Int) -> IRValue {
        let mask = (start..<start + half).map { "i32 \($0)" }.joined(separator: ", ")
        return result(
          .real, half == 1 ? 2 : half, "shufflevector \(type) \(vector.text), \(type) poison, <\(half) x i32> <\(mask)>"
        )
      }
      if half == 1 {
        let first = result(.real, 1, "extractelement \(type) \(vector.text), i64 0")
        let second = result(.real, 1, "extractelement \(type) \(vector.text), i64 1")
        return add(first, second)
      }
      let low = part(0)
      let high = part(half)
      vector = result(.real, half, "fadd <\(half) x double> \(low.text), \(high.text)")
      width = half
    }
    return vector
  }

  // MARK: - Memory

  /// The address of the element `index` after `base`, in doubles.
  func address(_ base: IRValue, _ index: IRValue) -> IRValue {
    if index.text == "0" { return base }
    return result(.pointer, 1, "getelementptr inbounds double, \(base.typed), \(index.typed)")
  }

  func load(_ pointer: IRValue, lanes: Int, mask: IRValue? = nil) -> IRValue {
    let type = IRValue.name(of: .real, lanes: lanes)
    guard let mask, lanes > 1 else { return result(.real, lanes, "load \(type), \(pointer.typed), align 8") }
    module.declare("declare \(type) @llvm.masked.load.v\(lanes)f64.p0(ptr, i32, <\(lanes) x i1>, \(type))")
    return result(
      .real, lanes,
      "call \(type) @llvm.masked.load.v\(lanes)f64.p0(\(pointer.typed), i32 8, \(mask.typed), \(type) zeroinitializer)")
  }

  func store(_ value: IRValue, to pointer: IRValue, mask: IRValue? = nil) {
    guard let mask, value.lanes > 1 else {
      append("store \(value.typed), \(pointer.typed), align 8")
      return
    }
    let type = value.typeName
    module.declare("declare void @llvm.masked.store.v\(value.lanes)f64.p0(\(type), ptr, i32, <\(value.lanes) x i1>)")
    append(
      "call void @llvm.masked.store.v\(value.lanes)f64.p0(\(value.typed), \(pointer.typed), i32 8, \(mask.typed))")
  }

  func loadInteger(_ pointer: IRValue, lanes: Int, mask: IRValue? = nil) -> IRValue {
    let type = IRValue.name(of: .integer, lanes: lanes)
    guard let mask, lanes > 1 else { return result(.integer, lanes, "load \(type), \(pointer.typed), align 8") }
    module.declare("declare \(type) @llvm.masked.load.v\(lanes)i64.p0(ptr, i32, <\(lanes) x i1>, \(type))")
    return result(
      .integer, lanes,
      "call \(type) @llvm.masked.load.v\(lanes)i64.p0(\(pointer.typed), i32 8, \(mask.typed), \(type) zeroinitializer)")
  }

  func loadPointer(_ pointer: IRValue) -> IRValue { result(.pointer, 1, "load ptr, \(pointer.typed), align 8") }

  /// Loads at `base + indices[lane]` per lane; masked lanes give 0.
  func gather(_ base: IRValue, _ indices: IRValue, mask: IRValue?) -> IRValue {
    let lanes = indices.lanes
    if lanes == 1 { return load(address(base, indices), lanes: 1) }
    let pointers = result(.pointer, lanes, "getelementptr inbounds double, \(base.typed), \(indices.typed)")
    let type = IRValue.name(of: .real, lanes: lanes)
    module.declare(
      "declare \(type) @llvm.masked.gather.v\(lanes)f64.v\(lanes)p0(<\(lanes) x ptr>, i32, <\(lanes) x i1>, \(type))")
    let mask = mask ?? .truth(true, lanes: lanes)
    return result(
      .real, lanes,
      "call \(type) @llvm.masked.gather.v\(lanes)f64.v\(lanes)p0(\(pointers.typed), i32 8, \(mask.typed), "
        + "\(type) zeroinitializer)")
  }

  // MARK: - Control

  func jump(_ target: String) { append("br label %\(target)") }
  func branch(_ condition: IRValue, _ then: String, _ otherwise: String) {
    append("br \(condition.typed), label %\(then), label %\(otherwise)")
  }

  /// A counted loop: `body` gets the counter, which goes from `start` to below `end` by `step`.
  func loop(from start: IRValue, to end: IRValue, step: Int, _ hint: String, body: (IRValue) -> Void) {
    let head = label(hint)
    let inside = label(hint + ".body")
    let after = label(hint + ".end")
    let counter = IRValue(text: register(), type: .integer, lanes: 1)
    let next = register()
    let before = block
    jump(head)
    begin(block: head)
    let place = lines.count
    append("")
    let goesOn = compareIntegers(.less, counter, end)
    branch(goesOn, inside, after)
    begin(block: inside)
    body(counter)
    append("\(next) = add nsw i64 \(counter.text), \(step)")
    lines[place] = "  \(counter.text) = phi i64 [ \(start.text), %\(before) ], [ \(next), %\(block) ]"
    jump(head)
    begin(block: after)
  }

  /// Calls the function at an address; `returns` nil for none.
  @discardableResult
  func call(address: IRValue, _ arguments: [IRValue], returns type: IRType?) -> IRValue {
    let list = arguments.map(\.typed).joined(separator: ", ")
    guard let type else {
      append("call void \(address.text)(\(list))")
      return .integer(0)
    }
    return result(type, 1, "call \(type.scalarName) \(address.text)(\(list))")
  }

  /// Calls a function of the module.
  func call(_ name: String, _ arguments: [IRValue], returns type: IRType, lanes: Int) -> IRValue {
    module.countCall(of: name)
    return result(
      type, lanes,
      "call \(IRValue.name(of: type, lanes: lanes)) @\(name)(\(arguments.map(\.typed).joined(separator: ", ")))")
  }
}

/// A module in the making: functions, and declarations of what they use.
final class IRModule {
  private var declarations: Set<String> = []
  private var functions: [String] = []
  private var known: Set<String> = []

  func declare(_ line: String) { declarations.insert(line) }

  func append(function text: String) { functions.append(text) }

  /// Whether a function of this name has been begun; from now on it has.
  func begins(_ name: String) -> Bool { known.insert(name).inserted }

  var text: String {
    (functions.map { withoutInlining($0) } + declarations.sorted() + [IRModule.attributes]).joined(separator: "\n\n")
      + "\n"
  }

  /// How often a function was called, by its name.
  private var callCounts: [String: Int] = [:]

  func countCall(of name: String) { callCounts[name, default: 0] += 1 }

  /// Functions that are called from so many places that their copies would take longer to compile than calls to run.
  private static let mostCopies = 2

  private func withoutInlining(_ function: String) -> String {
    guard function.hasPrefix("define internal"), let start = function.firstIndex(of: "@"),
      let end = function[start...].firstIndex(of: "("), let line = function.firstIndex(of: "\n"),
      callCounts[String(function[function.index(after: start)..<end]), default: 0] > IRModule.mostCopies
    else { return function }
    return String(function[..<line].replacing(" #1 ", with: " #2 ")) + function[line...]
  }

  /// Vectors of 512 bits are kept whole where the processor has them.
  static let attributes = """
    attributes #0 = { nounwind "min-legal-vector-width"="512" "prefer-vector-width"="512" }
    attributes #1 = { nounwind alwaysinline "min-legal-vector-width"="512" "prefer-vector-width"="512" }
    attributes #2 = { nounwind noinline "min-legal-vector-width"="512" "prefer-vector-width"="512" }
    """
}
