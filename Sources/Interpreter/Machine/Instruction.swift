import Checking
import Syntax

/// Where a value lives: numbers and Booleans in 64-bit scalar registers, the rest in boxed ones.
enum RegisterKind: UInt8, Sendable {
  case int, real, bool, boxed

  init(_ type: Type) {
    switch type {
    case .int, .index: self = .int
    case .real: self = .real
    case .bool: self = .bool
    default: self = .boxed
    }
  }

  var isBoxed: Bool { self == .boxed }
}

/// What an instruction does. `s` stands for scalar registers, `v` for boxed ones, `#` for immediate numbers.
enum Opcode: UInt8, Sendable {
  // Moves.
  case moveScalar  // s[a] = s[b]
  case moveBoxed  // v[a] = v[b]
  case takeBoxed  // v[a] = v[b], and v[b] becomes empty
  case loadInt  // s[a] = #b
  case loadConstant  // s[a] = constants[b]
  case loadBoxed  // v[a] = boxedConstants[b]
  case clear  // v[a..<a+b] become empty
  case boxInt, boxReal, boxBool  // v[a] = s[b]
  case unboxInt, unboxReal, unboxBool  // s[a] = v[b]
  case loadGlobal  // v[a] = global #b
  case storeGlobal  // global #b = v[a]
  case releaseGlobal  // global #b becomes empty until the next store

  // Integers, checked.
  case addInt, subtractInt, multiplyInt, remainderInt, quotientInt, powerInt  // s[a] = s[b] ∘ s[c]
  case addImmediate  // s[a] = s[b] + #c
  case negateInt  // s[a] = −s[b]
  case minInt, maxInt
  case divideInts  // s[a] = Real(s[b]) / Real(s[c])

  // Reals.
  case addReal, subtractReal, multiplyReal, divideReal, remainderReal, powerReal, minReal, maxReal
  case negateReal, squareRoot, absoluteReal
  case intToReal  // s[a] = Real(s[b])

  // Comparisons: s[a] = s[b] ∘ s[c].
  case equalInt, notEqualInt, lessInt, lessOrEqualInt
  case equalReal, notEqualReal, lessReal, lessOrEqualReal
  case not

  // Jumps: the target is the last operand used.
  case jump  // to a
  case jumpBack  // to a; looks for cancellation
  case jumpIf, jumpIfNot  // s[a], to b
  case jumpEqual, jumpNotEqual, jumpLess, jumpLessOrEqual  // s[a] ∘ s[b], to c
  case jumpEqualImmediate, jumpNotEqualImmediate, jumpLessImmediate, jumpLessOrEqualImmediate
  case jumpGreaterImmediate, jumpGreaterOrEqualImmediate  // s[a] ∘ #b, to c
  case jumpEqualReal, jumpNotEqualReal, jumpLessReal, jumpLessOrEqualReal
  case jumpNotLessReal, jumpNotLessOrEqualReal
  case jumpIfNil, jumpIfNotNil  // v[a], to b
  case loopNext  // s[a] += 1; to c while s[a] < s[b]; looks for cancellation

  // Elements of rank-one and rank-two dense arrays.
  case getReal, getInt, getBool  // s[a] = v[b][s[c]]
  case getReal2, getInt2  // s[a] = v[b][s[c], s[d]]
  case setReal, setInt, setBool  // v[a][s[b]] = s[c]
  case setReal2, setInt2  // v[a][s[b], s[c]] = s[d]
  case appendReal, appendInt, appendBool  // v[a].append(s[b])
  case count  // s[a] = v[b].count

  // Boxed values.
  case getList  // v[a] = v[b][s[c]]
  case setList  // v[a][s[b]] = v[c], taken
  case appendBoxed  // v[a].append(v[b]), taken
  case appendText  // v[a] += v[b], texts or lists
  case appendParts  // v[a] += texts of c parts from b on
  case getKey  // v[a] = v[b][v[c]]
  case addToKeyInt, addToKeyReal  // v[a][v[b]] = (v[a][v[b]] ?? s[d]) + s[c]
  case setKey  // v[a][v[b]] = v[c], taken
  case getField, getFieldScalar  // v[a] or s[a] = v[b].field c
  case getTuple, getTupleScalar  // v[a] or s[a] = v[b].element c
  case appendAtPath  // place of plan c in v[a], append v[b], taken; plan d gives what a missing key starts with
  case removeLast  // v[a] loses its last element
  case setField  // v[a].field b = v[c], taken
  case getIndexed  // v[a] = element s[c] of the loop sequence v[b]

  // Calls.
  case call  // function a; windows at s[b], v[c]; the result comes at the window's start
  case callValue  // v[a]; windows at s[b], v[c]; plan d tells the kinds of arguments
  case callReal1, callReal2  // s[a] = real function c or d (s[b], s[c])
  case callReal3  // s[a] = real function c (s[b], s[b+1], s[b+2])
  case callIntrinsic  // v[a] = library function c (v[b], … d of them)
  case returnScalar  // s[a]
  case returnBoxed  // v[a], taken
  case bindExtents

  // Rare operations on boxed values: `d` or a plan tells the details.
  case unary, binary  // v[a] = ∘d v[b], v[b] ∘d v[c]
  case product
  case convert  // v[a] = plan c of v[b]
  case index  // v[a] = v[b][plan c]
  case setPath  // v[a] at plan c = v[b], taken
  case makeArray  // v[a] = plan d of v[b], … c of them
  case makeClosure  // v[a] = plan b
  case interpolate  // v[a] = texts of c parts from b on
  case makeTuple, makeList  // v[a] = of v[b], … c of them
  case makeStructure, makeEnum  // v[a] = plan d of v[b], … c of them
  case makeDictionary  // v[a] = of c pairs from v[b] on
  case makeRange  // v[a] = s[b]..<s[c]; closed when d is 1
  case rangeLower, rangeUpper  // s[a] = of v[b]
  case sequence  // v[a] = v[b] made ready for getIndexed
  case enumIndex  // s[a] = case number of v[b]
  case enumPayload  // v[a] = payload c of v[b]
  case unwrap  // v[a] = v[b] without one level of optional
  case forceUnwrap
  case column  // v[a] = column named by plan c of v[b]
  case hook  // v[a] = plan c of v[b], … d of them
  case show  // v[a]
}

/// One step of the machine: sixteen bytes.
struct Instruction: Sendable {
  var op: Opcode
  var d: UInt16
  var a: Int32
  var b: Int32
  var c: Int32
  init(_ op: Opcode, _ a: Int32 = 0, _ b: Int32 = 0, _ c: Int32 = 0, d: UInt16 = 0) {
    self.op = op
    self.d = d
    self.a = a
    self.b = b
    self.c = c
  }
}

/// Details of an instruction that do not fit its operands.
enum Plan: Sendable {
  case convert(Conversion, Type)
  case type(Type)
  case name(String)
  /// Kinds of the arguments of a call through a value, and of its result.
  case signature([RegisterKind], RegisterKind)
  case index([IndexPlan])
  case path([StepPlan])
  case start(Type?)
  case structure(StructureID)
  case enumeration(EnumerationID, Int)
  case closure(ClosureCode, [Slot])
  case distribution(String)
  case model(ModelID)
  case modelOperation(ModelOperation, hasBase: Bool, paths: [(path: [String], span: SourceSpan)])
  case member(String)
  case siteMember(String)
  case initialization
  case extents([CheckedFunction.ExtentBinding])

  /// A register with its kind.
  struct Slot: Sendable {
    var kind: RegisterKind
    var register: Int32
  }

  /// One piece of an interpolated text.
  enum TextPart: Sendable {
    /// A range of the function's literal bytes.
    case literal(start: Int32, count: Int32)
    case slot(Slot)
  }

  enum IndexPlan: Sendable {
    /// A boxed register.
    case value(Int32)
    /// Scalar registers.
    case slice(lower: Int32?, upper: Int32?, isClosed: Bool)
    case range(Int32)
    case all
  }

  enum StepPlan: Sendable {
    case index([IndexPlan])
    case field(Int)
    case tupleElement(Int)
    case key(Int32)
  }
}

/// A function in register code.
///
/// Parameters come first in each register file, then captures, locals, constants of loops and temporaries.
final class LoweredFunction: @unchecked Sendable {
  let source: CheckedFunction
  let code: UnsafeMutablePointer<Instruction>
  let codeCount: Int
  /// The place of each instruction.
  let spans: [SourceSpan]
  let constants: [Int]
  let boxedConstants: [Value]
  /// Pieces of interpolated texts, and the bytes of the literal ones; plain memory, which the machine reads uncounted.
  let textParts: UnsafeMutablePointer<Plan.TextPart>
  let textBytes: UnsafeMutablePointer<UInt8>
  let plans: [Plan]
  let intrinsics: [Intrinsic]
  let real1: [@Sendable (Double) -> Double]
  let real2: [@Sendable (Double, Double) -> Double]
  let real3: [@Sendable (Double, Double, Double) -> Double]
  let scalarCount: Int
  let boxedCount: Int
  /// Visit counters of random call sites: scalar registers that start at zero.
  let counters: Range<Int>
  let parameters: [Plan.Slot]
  let captures: [Plan.Slot]
  let result: RegisterKind
  /// Where exports of a unit's main live.
  let locals: [Plan.Slot]
  /// Random call sites by instruction.
  let sites: [Int: RandomSite]

  init(
    source: CheckedFunction, code instructions: [Instruction], spans: [SourceSpan], constants: [Int],
    boxedConstants: [Value], textParts parts: [Plan.TextPart], textBytes bytes: [UInt8], plans: [Plan],
    intrinsics: [Intrinsic], real1: [@Sendable (Double) -> Double],
    real2: [@Sendable (Double, Double) -> Double], real3: [@Sendable (Double, Double, Double) -> Double],
    scalarCount: Int, boxedCount: Int, counters: Range<Int>, parameters: [Plan.Slot], captures: [Plan.Slot],
    result: RegisterKind, locals: [Plan.Slot], sites: [Int: RandomSite]
  ) {
    self.source = source
    code = UnsafeMutablePointer<Instruction>.allocate(capacity: max(1, instructions.count))
    code.initialize(from: instructions, count: instructions.count)
    codeCount = instructions.count
    textParts = .allocate(capacity: max(1, parts.count))
    textParts.initialize(from: parts, count: parts.count)
    textBytes = .allocate(capacity: max(1, bytes.count))
    textBytes.initialize(from: bytes, count: bytes.count)
    self.spans = spans
    self.constants = constants
    self.boxedConstants = boxedConstants
    self.plans = plans
    self.intrinsics = intrinsics
    self.real1 = real1
    self.real2 = real2
    self.real3 = real3
    self.scalarCount = scalarCount
    self.boxedCount = boxedCount
    self.counters = counters
    self.parameters = parameters
    self.captures = captures
    self.result = result
    self.locals = locals
    self.sites = sites
  }

  deinit {
    code.deinitialize(count: codeCount)
    code.deallocate()
    // Both hold plain values.
    textParts.deallocate()
    textBytes.deallocate()
  }
}

/// A call that may reach randomness, named so that moving lines does not change its stream.
struct RandomSite: Sendable {
  /// What is called, and the how-manieth such call of its function this is: `shuffled(_:)#0`.
  var name: String
  /// The scalar register that counts visits.
  var counter: Int32
}
