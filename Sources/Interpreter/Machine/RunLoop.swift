import Checking
import Foundation
import Syntax

// The concrete run loop. Scalar registers are untyped 64-bit words; which kind a register holds is settled by lowering.
extension Machine {
  /// Runs the innermost frame until the number of open frames is back to `entryDepth`.
  ///
  /// The result is left in the frame's first register of its kind.
  func execute(until entryDepth: Int, keepsRegisters: Bool) throws {
    var s = frames[depth - 1].scalars
    var v = frames[depth - 1].boxed
    var function = frames[depth - 1].function
    var code = function._withUnsafeGuaranteedRef { $0.code }
    var pc = 0

    @inline(__always)
    func real(_ register: Int32) -> Double {
      Double(bitPattern: UInt64(bitPattern: Int64(s[Int(register)])))
    }
    @inline(__always)
    func setReal(_ register: Int32, _ value: Double) {
      s[Int(register)] = Int(Int64(bitPattern: value.bitPattern))
    }

    while true {
      let i = code[pc]
      pc &+= 1
      switch i.op {
      // MARK: Moves
      case .moveScalar: s[Int(i.a)] = s[Int(i.b)]
      case .moveBoxed: v[Int(i.a)] = v[Int(i.b)]
      case .takeBoxed:
        let value = (v + Int(i.b)).move()
        (v + Int(i.b)).initialize(to: .unit)
        v[Int(i.a)] = value
      case .loadInt: s[Int(i.a)] = Int(i.b)
      case .loadConstant: s[Int(i.a)] = function._withUnsafeGuaranteedRef { $0.constants[Int(i.b)] }
      case .loadBoxed: v[Int(i.a)] = function._withUnsafeGuaranteedRef { $0.boxedConstants[Int(i.b)] }
      case .clear: for index in Int(i.a)..<Int(i.a &+ i.b) { v[index] = .unit }
      case .boxInt: v[Int(i.a)] = .int(s[Int(i.b)])
      case .boxReal: v[Int(i.a)] = .real(real(i.b))
      case .boxBool: v[Int(i.a)] = .bool(s[Int(i.b)] != 0)
      case .unboxInt:
        if case .int(let number) = v[Int(i.b)] {
          s[Int(i.a)] = number
        } else {
          frames[depth &- 1].position = pc
          s[Int(i.a)] = try Machine.integer(v[Int(i.b)])
        }
      case .unboxReal:
        if case .real(let number) = v[Int(i.b)] {
          setReal(i.a, number)
        } else {
          frames[depth &- 1].position = pc
          setReal(i.a, try Machine.real(v[Int(i.b)]))
        }
      case .unboxBool:
        frames[depth &- 1].position = pc
        s[Int(i.a)] = try Machine.truth(v[Int(i.b)]) ? 1 : 0

      // MARK: Integers
      case .addInt:
        let (result, overflow) = s[Int(i.b)].addingReportingOverflow(s[Int(i.c)])
        if overflow {
          frames[depth &- 1].position = pc
          throw Operations.overflow("+", s[Int(i.b)], s[Int(i.c)])
        }
        s[Int(i.a)] = result
      case .subtractInt:
        let (result, overflow) = s[Int(i.b)].subtractingReportingOverflow(s[Int(i.c)])
        if overflow {
          frames[depth &- 1].position = pc
          throw Operations.overflow("-", s[Int(i.b)], s[Int(i.c)])
        }
        s[Int(i.a)] = result
      case .multiplyInt:
        let (result, overflow) = s[Int(i.b)].multipliedReportingOverflow(by: s[Int(i.c)])
        if overflow {
          frames[depth &- 1].position = pc
          throw Operations.overflow("*", s[Int(i.b)], s[Int(i.c)])
        }
        s[Int(i.a)] = result
      case .addImmediate:
        let (result, overflow) = s[Int(i.b)].addingReportingOverflow(Int(i.c))
        if overflow {
          frames[depth &- 1].position = pc
          throw Operations.overflow("+", s[Int(i.b)], Int(i.c))
        }
        s[Int(i.a)] = result
      case .remainderInt:
        let divisor = s[Int(i.c)]
        if divisor > 0 {
          s[Int(i.a)] = s[Int(i.b)] % divisor
        } else {
          frames[depth &- 1].position = pc
          s[Int(i.a)] = try Operations.remainder(s[Int(i.b)], divisor)
        }
      case .quotientInt:
        let divisor = s[Int(i.c)]
        if divisor > 0 {
          s[Int(i.a)] = s[Int(i.b)] / divisor
        } else {
          frames[depth &- 1].position = pc
          s[Int(i.a)] = try Operations.quotient(s[Int(i.b)], divisor)
        }
      case .powerInt:
        frames[depth &- 1].position = pc
        s[Int(i.a)] = try Operations.integerPower(s[Int(i.b)], s[Int(i.c)])
      case .negateInt:
        frames[depth &- 1].position = pc
        s[Int(i.a)] = try Operations.negated(s[Int(i.b)])
      case .minInt: s[Int(i.a)] = min(s[Int(i.b)], s[Int(i.c)])
      case .maxInt: s[Int(i.a)] = max(s[Int(i.b)], s[Int(i.c)])
      case .divideInts: setReal(i.a, Double(s[Int(i.b)]) / Double(s[Int(i.c)]))

      // MARK: Reals
      case .addReal: setReal(i.a, real(i.b) + real(i.c))
      case .subtractReal: setReal(i.a, real(i.b) - real(i.c))
      case .multiplyReal: setReal(i.a, real(i.b) * real(i.c))
      case .divideReal: setReal(i.a, real(i.b) / real(i.c))
      case .remainderReal: setReal(i.a, fmod(real(i.b), real(i.c)))
      case .powerReal: setReal(i.a, Operations.power(real(i.b), real(i.c)))
      case .minReal: setReal(i.a, Operations.smaller(real(i.b), real(i.c)))
      case .maxReal: setReal(i.a, Operations.larger(real(i.b), real(i.c)))
      case .negateReal: setReal(i.a, -real(i.b))
      case .squareRoot: setReal(i.a, real(i.b).squareRoot())
      case .absoluteReal: setReal(i.a, real(i.b).magnitude)
      case .intToReal: setReal(i.a, Double(s[Int(i.b)]))

      // MARK: Comparisons
      case .equalInt: s[Int(i.a)] = s[Int(i.b)] == s[Int(i.c)] ? 1 : 0
      case .notEqualInt: s[Int(i.a)] = s[Int(i.b)] != s[Int(i.c)] ? 1 : 0
      case .lessInt: s[Int(i.a)] = s[Int(i.b)] < s[Int(i.c)] ? 1 : 0
      case .lessOrEqualInt: s[Int(i.a)] = s[Int(i.b)] <= s[Int(i.c)] ? 1 : 0
      case .equalReal: s[Int(i.a)] = real(i.b) == real(i.c) ? 1 : 0
      case .notEqualReal: s[Int(i.a)] = real(i.b) != real(i.c) ? 1 : 0
      case .lessReal: s[Int(i.a)] = real(i.b) < real(i.c) ? 1 : 0
      case .lessOrEqualReal: s[Int(i.a)] = real(i.b) <= real(i.c) ? 1 : 0
      case .not: s[Int(i.a)] = s[Int(i.b)] == 0 ? 1 : 0

      // MARK: Jumps
      case .jump: pc = Int(i.a)
      case .jumpBack:
        if cancellation.isCancelled {
          frames[depth &- 1].position = pc
          throw Machine.interrupted
        }
        pc = Int(i.a)
      case .jumpIf: if s[Int(i.a)] != 0 { pc = Int(i.b) }
      case .jumpIfNot: if s[Int(i.a)] == 0 { pc = Int(i.b) }
      case .jumpEqual: if s[Int(i.a)] == s[Int(i.b)] { pc = Int(i.c) }
      case .jumpNotEqual: if s[Int(i.a)] != s[Int(i.b)] { pc = Int(i.c) }
      case .jumpLess: if s[Int(i.a)] < s[Int(i.b)] { pc = Int(i.c) }
      case .jumpLessOrEqual: if s[Int(i.a)] <= s[Int(i.b)] { pc = Int(i.c) }
      case .jumpEqualImmediate: if s[Int(i.a)] == Int(i.b) { pc = Int(i.c) }
      case .jumpNotEqualImmediate: if s[Int(i.a)] != Int(i.b) { pc = Int(i.c) }
      case .jumpLessImmediate: if s[Int(i.a)] < Int(i.b) { pc = Int(i.c) }
      case .jumpLessOrEqualImmediate: if s[Int(i.a)] <= Int(i.b) { pc = Int(i.c) }
      case .jumpGreaterImmediate: if s[Int(i.a)] > Int(i.b) { pc = Int(i.c) }
      case .jumpGreaterOrEqualImmediate: if s[Int(i.a)] >= Int(i.b) { pc = Int(i.c) }
      case .jumpEqualReal: if real(i.a) == real(i.b) { pc = Int(i.c) }
      case .jumpNotEqualReal: if real(i.a) != real(i.b) { pc = Int(i.c) }
      case .jumpLessReal: if real(i.a) < real(i.b) { pc = Int(i.c) }
      case .jumpLessOrEqualReal: if real(i.a) <= real(i.b) { pc = Int(i.c) }
      case .jumpNotLessReal: if !(real(i.a) < real(i.b)) { pc = Int(i.c) }
      case .jumpNotLessOrEqualReal: if !(real(i.a) <= real(i.b)) { pc = Int(i.c) }
      case .jumpIfNil: if case .none = v[Int(i.a)] { pc = Int(i.b) }
      case .jumpIfNotNil: if case .none = v[Int(i.a)] {} else { pc = Int(i.b) }
      case .loopNext:
        let next = s[Int(i.a)] &+ 1
        if next < s[Int(i.b)] {
          s[Int(i.a)] = next
          pc = Int(i.c)
          if cancellation.isCancelled {
            frames[depth &- 1].position = pc
            throw Machine.interrupted
          }
        }

      // MARK: Elements
      case .getReal:
        let position = s[Int(i.c)]
        if case .realArray = v[Int(i.b)] {
          let array = ValueLayout.reals(v + Int(i.b))
          if position >= 0, position < array.pointee.elements.count {
            setReal(i.a, array.pointee.elements[position])
            continue
          }
        }
        frames[depth &- 1].position = pc
        setReal(i.a, try Machine.real(try Operations.index(v[Int(i.b)], [.value(.int(position))])))
      case .getInt:
        let position = s[Int(i.c)]
        if case .intArray = v[Int(i.b)] {
          let array = ValueLayout.ints(v + Int(i.b))
          if position >= 0, position < array.pointee.elements.count {
            s[Int(i.a)] = array.pointee.elements[position]
            continue
          }
        }
        frames[depth &- 1].position = pc
        s[Int(i.a)] = try Machine.integer(try Operations.index(v[Int(i.b)], [.value(.int(position))]))
      case .getBool:
        let position = s[Int(i.c)]
        if case .boolArray = v[Int(i.b)] {
          let array = ValueLayout.bools(v + Int(i.b))
          if position >= 0, position < array.pointee.elements.count {
            s[Int(i.a)] = array.pointee.elements[position] ? 1 : 0
            continue
          }
        }
        frames[depth &- 1].position = pc
        s[Int(i.a)] = try Machine.truth(try Operations.index(v[Int(i.b)], [.value(.int(position))])) ? 1 : 0
      case .getReal2:
        let row = s[Int(i.c)]
        let column = s[Int(i.d)]
        if case .realArray = v[Int(i.b)] {
          let array = ValueLayout.reals(v + Int(i.b))
          if array.pointee.shape.count == 2, row >= 0, row < array.pointee.shape[0], column >= 0,
            column < array.pointee.shape[1]
          {
            setReal(i.a, array.pointee.elements[row &* array.pointee.shape[1] &+ column])
            continue
          }
        }
        frames[depth &- 1].position = pc
        setReal(i.a, try Machine.real(try Operations.index(v[Int(i.b)], [.value(.int(row)), .value(.int(column))])))
      case .getInt2:
        frames[depth &- 1].position = pc
        let indices: [IndexValue] = [.value(.int(s[Int(i.c)])), .value(.int(s[Int(i.d)]))]
        s[Int(i.a)] = try Machine.integer(try Operations.index(v[Int(i.b)], indices))
      case .setReal:
        let position = s[Int(i.b)]
        if case .realArray = v[Int(i.a)] {
          let array = ValueLayout.reals(v + Int(i.a))
          if position >= 0, position < array.pointee.elements.count {
            array.pointee.elements[position] = real(i.c)
            continue
          }
        }
        frames[depth &- 1].position = pc
        try Operations.setPath(&v[Int(i.a)], [.index([.value(.int(position))])], .real(real(i.c)))
      case .setInt:
        let position = s[Int(i.b)]
        if case .intArray = v[Int(i.a)] {
          let array = ValueLayout.ints(v + Int(i.a))
          if position >= 0, position < array.pointee.elements.count, array.pointee.index == nil {
            array.pointee.elements[position] = s[Int(i.c)]
            continue
          }
        }
        frames[depth &- 1].position = pc
        try Operations.setPath(&v[Int(i.a)], [.index([.value(.int(position))])], .int(s[Int(i.c)]))
      case .setBool:
        let position = s[Int(i.b)]
        if case .boolArray = v[Int(i.a)] {
          let array = ValueLayout.bools(v + Int(i.a))
          if position >= 0, position < array.pointee.elements.count {
            array.pointee.elements[position] = s[Int(i.c)] != 0
            continue
          }
        }
        frames[depth &- 1].position = pc
        try Operations.setPath(&v[Int(i.a)], [.index([.value(.int(position))])], .bool(s[Int(i.c)] != 0))
      case .setReal2:
        let row = s[Int(i.b)]
        let column = s[Int(i.c)]
        if case .realArray = v[Int(i.a)] {
          let array = ValueLayout.reals(v + Int(i.a))
          if array.pointee.shape.count == 2, row >= 0, row < array.pointee.shape[0], column >= 0,
            column < array.pointee.shape[1]
          {
            array.pointee.elements[row &* array.pointee.shape[1] &+ column] = real(Int32(i.d))
            continue
          }
        }
        frames[depth &- 1].position = pc
        let indices: [IndexValue] = [.value(.int(row)), .value(.int(column))]
        try Operations.setPath(&v[Int(i.a)], [.index(indices)], .real(real(Int32(i.d))))
      case .setInt2:
        frames[depth &- 1].position = pc
        let indices: [IndexValue] = [.value(.int(s[Int(i.b)])), .value(.int(s[Int(i.c)]))]
        try Operations.setPath(&v[Int(i.a)], [.index(indices)], .int(s[Int(i.d)]))
      case .appendReal:
        if case .realArray = v[Int(i.a)] {
          let array = ValueLayout.reals(v + Int(i.a))
          if array.pointee.shape.count == 1 {
            array.pointee.elements.append(real(i.b))
            array.pointee.shape[0] &+= 1
            continue
          }
        }
        frames[depth &- 1].position = pc
        try Operations.append(.real(real(i.b)), to: v + Int(i.a))
      case .appendInt:
        if case .intArray = v[Int(i.a)] {
          let array = ValueLayout.ints(v + Int(i.a))
          if array.pointee.shape.count == 1, array.pointee.index == nil {
            array.pointee.elements.append(s[Int(i.b)])
            array.pointee.shape[0] &+= 1
            continue
          }
        }
        frames[depth &- 1].position = pc
        try Operations.append(.int(s[Int(i.b)]), to: v + Int(i.a))
      case .appendBool:
        frames[depth &- 1].position = pc
        try Operations.append(.bool(s[Int(i.b)] != 0), to: v + Int(i.a))
      case .count:
        switch v[Int(i.b)] {
        case .realArray: s[Int(i.a)] = ValueLayout.reals(v + Int(i.b)).pointee.shape.first ?? 0
        case .intArray: s[Int(i.a)] = ValueLayout.ints(v + Int(i.b)).pointee.shape.first ?? 0
        case .list: s[Int(i.a)] = ValueLayout.list(v + Int(i.b)).pointee.count
        default:
          frames[depth &- 1].position = pc
          s[Int(i.a)] = try Operations.count(v[Int(i.b)])
        }

      // MARK: Boxed values
      case .getList:
        let position = s[Int(i.c)]
        if case .list = v[Int(i.b)] {
          let list = ValueLayout.list(v + Int(i.b))
          if position >= 0, position < list.pointee.count {
            v[Int(i.a)] = list.pointee[position]
            continue
          }
        }
        frames[depth &- 1].position = pc
        v[Int(i.a)] = try Operations.index(v[Int(i.b)], [.value(.int(position))])
      case .setList:
        let position = s[Int(i.b)]
        let value = (v + Int(i.c)).move()
        (v + Int(i.c)).initialize(to: .unit)
        if case .list = v[Int(i.a)] {
          let list = ValueLayout.list(v + Int(i.a))
          if position >= 0, position < list.pointee.count {
            list.pointee[position] = value
            continue
          }
        }
        frames[depth &- 1].position = pc
        try Operations.setPath(&v[Int(i.a)], [.index([.value(.int(position))])], value)
      case .appendBoxed:
        frames[depth &- 1].position = pc
        let value = (v + Int(i.b)).move()
        (v + Int(i.b)).initialize(to: .unit)
        try Operations.append(value, to: v + Int(i.a))
      case .appendText:
        frames[depth &- 1].position = pc
        if case .string = v[Int(i.a)], case .string(let text) = v[Int(i.b)] {
          let target = ValueLayout.string(v + Int(i.a))
          try Operations.checkBudget(target.pointee.utf8.count &+ text.utf8.count, "a text")
          target.pointee.append(text)
        } else {
          v[Int(i.a)] = try Operations.binary(.add, v[Int(i.a)], v[Int(i.b)])
        }
      case .appendParts:
        frames[depth &- 1].position = pc
        guard case .string = v[Int(i.a)] else { throw Operations.unsuitable("`+`", v[Int(i.a)]) }
        let pieces = function._withUnsafeGuaranteedRef { ($0.textParts + Int(i.b), $0.textBytes) }
        try appendParts(pieces.0, Int(i.c), pieces.1, to: &ValueLayout.string(v + Int(i.a)).pointee, s, v)
      case .getKey:
        if case .dictionary = v[Int(i.b)] {
          let dictionary = ValueLayout.dictionary(v + Int(i.b))
          let storage = dictionary.pointee.storage
          let entry = storage.find(v[Int(i.c)], hash: DictionaryKey.hash(v[Int(i.c)]))
          v[Int(i.a)] = entry < 0 ? .none : storage.values[entry]
        } else {
          frames[depth &- 1].position = pc
          v[Int(i.a)] = try Operations.key(v[Int(i.b)], v[Int(i.c)])
        }
      case .addToKeyInt:
        frames[depth &- 1].position = pc
        guard case .dictionary = v[Int(i.a)] else { throw Operations.unsuitable("a key", v[Int(i.a)]) }
        let amount = s[Int(i.c)]
        let start = s[Int(i.d)]
        try ValueLayout.dictionary(v + Int(i.a)).pointee.update(v[Int(i.b)]) { old in
          let number = try old.map { try Machine.integer($0) } ?? start
          let (sum, overflow) = number.addingReportingOverflow(amount)
          if overflow { throw Operations.overflow("+", number, amount) }
          return .int(sum)
        }
      case .addToKeyReal:
        frames[depth &- 1].position = pc
        guard case .dictionary = v[Int(i.a)] else { throw Operations.unsuitable("a key", v[Int(i.a)]) }
        let amount = real(i.c)
        let start = real(Int32(i.d))
        try ValueLayout.dictionary(v + Int(i.a)).pointee.update(v[Int(i.b)]) { old in
          .real((try old.map { try Machine.real($0) } ?? start) + amount)
        }
      case .setKey:
        frames[depth &- 1].position = pc
        let value = (v + Int(i.c)).move()
        (v + Int(i.c)).initialize(to: .unit)
        try setKey(v + Int(i.a), v[Int(i.b)], value)
      case .getField:
        if case .structure = v[Int(i.b)] {
          let fields = ValueLayout.fields(v + Int(i.b))
          if Int(i.c) < fields.pointee.count {
            v[Int(i.a)] = fields.pointee[Int(i.c)]
            continue
          }
        }
        frames[depth &- 1].position = pc
        v[Int(i.a)] = try Operations.field(v[Int(i.b)], Int(i.c))
      case .getFieldScalar:
        frames[depth &- 1].position = pc
        if case .structure = v[Int(i.b)] {
          let fields = ValueLayout.fields(v + Int(i.b))
          if Int(i.c) < fields.pointee.count {
            s[Int(i.a)] = try Machine.scalar(fields.pointee[Int(i.c)], kind: i.d)
            continue
          }
        }
        s[Int(i.a)] = try Machine.scalar(try Operations.field(v[Int(i.b)], Int(i.c)), kind: i.d)
      case .getTuple:
        if case .tuple = v[Int(i.b)] {
          let elements = ValueLayout.list(v + Int(i.b))
          if Int(i.c) < elements.pointee.count {
            v[Int(i.a)] = elements.pointee[Int(i.c)]
            continue
          }
        }
        frames[depth &- 1].position = pc
        v[Int(i.a)] = try Operations.tupleElement(v[Int(i.b)], Int(i.c))
      case .getTupleScalar:
        frames[depth &- 1].position = pc
        if case .tuple = v[Int(i.b)] {
          let elements = ValueLayout.list(v + Int(i.b))
          if Int(i.c) < elements.pointee.count {
            s[Int(i.a)] = try Machine.scalar(elements.pointee[Int(i.c)], kind: i.d)
            continue
          }
        }
        s[Int(i.a)] = try Machine.scalar(try Operations.tupleElement(v[Int(i.b)], Int(i.c)), kind: i.d)
      case .setField:
        let value = (v + Int(i.c)).move()
        (v + Int(i.c)).initialize(to: .unit)
        if case .structure = v[Int(i.a)] {
          let fields = ValueLayout.fields(v + Int(i.a))
          if Int(i.b) < fields.pointee.count {
            fields.pointee[Int(i.b)] = value
            continue
          }
        }
        frames[depth &- 1].position = pc
        try Operations.setPath(&v[Int(i.a)], [.field(Int(i.b))], value)

      // MARK: Calls
      case .call:
        frames[depth &- 1].position = pc
        let known = Int(i.a) < state.pointee.linkedCount ? state.pointee.linked[Int(i.a)] : nil
        let callee = try known ?? .passUnretained(link(.init(Int(i.a))))
        s += Int(i.b)
        v += Int(i.c)
        try push(callee, s, v)
        function = callee
        code = callee._withUnsafeGuaranteedRef { $0.code }
        pc = 0
      case .callValue:
        frames[depth &- 1].position = pc
        if let callee = try directCallee(v[Int(i.a)], plan: Int(i.d), function, v) {
          let captured = v[Int(i.a)]
          s += Int(i.b)
          v += Int(i.c)
          try push(callee, s, v)
          try passCaptures(captured, callee, s, v)
          function = callee
          code = callee._withUnsafeGuaranteedRef { $0.code }
          pc = 0
        } else {
          try callIndirectly(v[Int(i.a)], plan: Int(i.d), function, s + Int(i.b), v + Int(i.c))
        }
      case .callReal1:
        setReal(i.a, function._withUnsafeGuaranteedRef { $0.real1[Int(i.c)](real(i.b)) })
      case .callReal2:
        setReal(i.a, function._withUnsafeGuaranteedRef { $0.real2[Int(i.d)](real(i.b), real(i.c)) })
      case .callReal3:
        let x = real(i.b)
        let y = real(i.b &+ 1)
        let z = real(i.b &+ 2)
        setReal(i.a, function._withUnsafeGuaranteedRef { $0.real3[Int(i.c)](x, y, z) })
      case .callIntrinsic:
        frames[depth &- 1].position = pc
        try callIntrinsic(i, function, v)
      case .returnScalar:
        let result = s[Int(i.a)]
        let isLast = depth &- 1 == entryDepth
        if isLast, keepsRegisters {
          depth = entryDepth
          return
        }
        let count = function._withUnsafeGuaranteedRef { $0.boxedCount }
        for index in 0..<count { v[index] = .unit }
        s[0] = result
        depth &-= 1
        if isLast { return }
        let caller = frames[depth &- 1]
        s = caller.scalars
        v = caller.boxed
        function = caller.function
        code = function._withUnsafeGuaranteedRef { $0.code }
        pc = caller.position
      case .returnBoxed:
        let isLast = depth &- 1 == entryDepth
        if isLast, keepsRegisters {
          depth = entryDepth
          return
        }
        let result = (v + Int(i.a)).move()
        (v + Int(i.a)).initialize(to: .unit)
        let count = function._withUnsafeGuaranteedRef { $0.boxedCount }
        for index in 0..<count { v[index] = .unit }
        v[0] = result
        depth &-= 1
        if isLast { return }
        let caller = frames[depth &- 1]
        s = caller.scalars
        v = caller.boxed
        function = caller.function
        code = function._withUnsafeGuaranteedRef { $0.code }
        pc = caller.position

      // MARK: Rare
      case .loadGlobal, .storeGlobal, .releaseGlobal, .bindExtents, .unary, .binary, .product, .convert, .index,
        .setPath,
        .makeArray, .makeClosure, .interpolate, .makeTuple, .makeList, .makeStructure, .makeEnum, .makeDictionary,
        .makeRange, .rangeLower, .rangeUpper, .sequence, .enumIndex, .enumPayload, .unwrap, .forceUnwrap, .column,
        .hook, .show, .getIndexed, .removeLast, .appendAtPath:
        frames[depth &- 1].position = pc
        try rare(i, function, s, v)
      }
    }
  }

  static let interrupted = Fault("R080", "interrupted")

  /// Opens a frame whose registers start at the given pointers.
  @inline(__always)
  private func push(
    _ callee: Unmanaged<LoweredFunction>, _ s: UnsafeMutablePointer<Int>, _ v: UnsafeMutablePointer<Value>
  ) throws {
    let scalarEnd = (s - scalars) &+ callee._withUnsafeGuaranteedRef { $0.scalarCount }
    let boxedEnd = (v - boxed) &+ callee._withUnsafeGuaranteedRef { $0.boxedCount }
    if depth >= Machine.depthLimit || scalarEnd > Machine.scalarCapacity || boxedEnd > Machine.boxedCapacity {
      throw Machine.tooDeep(callee._withUnsafeGuaranteedRef { $0.source.name })
    }
    makeReady(boxedEnd)
    let counters = callee._withUnsafeGuaranteedRef { $0.counters }
    for counter in counters { s[counter] = 0 }
    frames[depth] = FrameRecord(function: callee, scalars: s, boxed: v, position: 0, nestedCall: -1)
    depth &+= 1
  }

  /// A Boolean, integer or real as a register holds it.
  @inline(__always)
  static func scalar(_ value: Value, kind: UInt16) throws -> Int {
    switch (value, kind) {
    case (.int(let number), UInt16(RegisterKind.int.rawValue)): return number
    case (.real(let number), UInt16(RegisterKind.real.rawValue)): return bits(number)
    case (.bool(let flag), _): return flag ? 1 : 0
    default:
      switch kind {
      case UInt16(RegisterKind.int.rawValue): return try integer(value)
      case UInt16(RegisterKind.real.rawValue): return bits(try real(value))
      default: return try truth(value) ? 1 : 0
      }
    }
  }
}
