import Checking

/// Access to the payload of a value where it lies, without copying it out.
///
/// Swift cannot change the payload of an enum in place; taking an array out and putting it back costs several atomic
/// operations per element access. Swift lays every payload of a multi-payload enum at offset zero, and none of the
/// payloads here has bits to spare for the tag beside `Double` and `Int`, so the tag lies behind them
/// (`swift/docs/ABI/TypeLayout.rst`). The machine checks that once, when it is made.
enum ValueLayout {
  @inline(__always)
  static func reals(_ slot: UnsafeMutablePointer<Value>) -> UnsafeMutablePointer<RealArray> {
    UnsafeMutableRawPointer(slot).assumingMemoryBound(to: RealArray.self)
  }
  @inline(__always)
  static func ints(_ slot: UnsafeMutablePointer<Value>) -> UnsafeMutablePointer<IntArray> {
    UnsafeMutableRawPointer(slot).assumingMemoryBound(to: IntArray.self)
  }
  @inline(__always)
  static func bools(_ slot: UnsafeMutablePointer<Value>) -> UnsafeMutablePointer<BoolArray> {
    UnsafeMutableRawPointer(slot).assumingMemoryBound(to: BoolArray.self)
  }
  @inline(__always)
  static func string(_ slot: UnsafeMutablePointer<Value>) -> UnsafeMutablePointer<String> {
    UnsafeMutableRawPointer(slot).assumingMemoryBound(to: String.self)
  }
  /// Of `.list` and `.tuple`.
  @inline(__always)
  static func list(_ slot: UnsafeMutablePointer<Value>) -> UnsafeMutablePointer<[Value]> {
    UnsafeMutableRawPointer(slot).assumingMemoryBound(to: [Value].self)
  }
  @inline(__always)
  static func dictionary(_ slot: UnsafeMutablePointer<Value>) -> UnsafeMutablePointer<DictionaryValue> {
    UnsafeMutableRawPointer(slot).assumingMemoryBound(to: DictionaryValue.self)
  }
  /// The fields of `.structure`: they follow the identity.
  @inline(__always)
  static func fields(_ slot: UnsafeMutablePointer<Value>) -> UnsafeMutablePointer<[Value]> {
    UnsafeMutableRawPointer(slot).advanced(by: MemoryLayout<Int>.stride).assumingMemoryBound(to: [Value].self)
  }

  /// Whether this toolchain lays values out as the functions above take for granted.
  static let isAsAssumed: Bool = {
    let slots = UnsafeMutablePointer<Value>.allocate(capacity: 7)
    slots.initialize(repeating: .unit, count: 7)
    defer {
      slots.deinitialize(count: 7)
      slots.deallocate()
    }
    slots[0] = .realArray(RealArray([1, 2]))
    slots[1] = .intArray(IntArray(shape: [2], elements: [3, 4]))
    slots[2] = .boolArray(BoolArray(shape: [1], elements: [true]))
    slots[3] = .string("a text that is too long for the small form")
    slots[4] = .list([.int(5), .int(6)])
    slots[5] = .structure(.init(7), [.int(8)])
    slots[6] = .dictionary(DictionaryValue([(.int(1), .int(2))]))
    reals(slots).pointee.elements[1] = 9
    ints(slots + 1).pointee.elements[0] = 10
    bools(slots + 2).pointee.elements[0] = false
    string(slots + 3).pointee.append("!")
    list(slots + 4).pointee.append(.int(11))
    fields(slots + 5).pointee[0] = .int(12)
    dictionary(slots + 6).pointee.set(.int(1), .int(13))
    guard case .realArray(let realArray) = slots[0], realArray.elements == [1, 9], realArray.shape == [2],
      case .intArray(let intArray) = slots[1], intArray.elements == [10, 4],
      case .boolArray(let boolArray) = slots[2], boolArray.elements == [false],
      case .string(let text) = slots[3], text.hasSuffix("form!"),
      case .list(let list) = slots[4], list.count == 3, case .int(11) = list[2],
      case .structure(let id, let fields) = slots[5], id.rawValue == 7, case .int(12) = fields[0],
      case .dictionary(let dictionary) = slots[6], case .int(13)? = dictionary[.int(1)]
    else { return false }
    return true
  }()
}
