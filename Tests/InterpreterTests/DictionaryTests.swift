import Checking
import Interpreter
import Testing

@Suite struct DictionaryTests {
  /// The obvious slow dictionary: a list of pairs.
  struct Slow {
    var pairs: [(Int, Int)] = []
    mutating func set(_ key: Int, _ value: Int) {
      if let index = pairs.firstIndex(where: { $0.0 == key }) {
        pairs[index].1 = value
      } else {
        pairs.append((key, value))
      }
    }
    mutating func remove(_ key: Int) { pairs.removeAll { $0.0 == key } }
  }

  @Test(arguments: 0..<40) func agreesWithAListOfPairs(_ seed: Int) {
    var random = Seeded(UInt64(seed))
    var fast = DictionaryValue()
    var slow = Slow()
    for step in 0..<600 {
      let key = random.below(60)
      if random.below(3) == 0 {
        fast.remove(.int(key))
        slow.remove(key)
      } else {
        fast.set(.int(key), .int(step))
        slow.set(key, step)
      }
    }
    let found = fast.pairs.map { "\($0.key) \($0.value)" }
    #expect(found == slow.pairs.map { "\(Value.int($0.0)) \(Value.int($0.1))" })
    #expect(fast.count == slow.pairs.count)
  }

  @Test func copiesAreIndependent() {
    var a = DictionaryValue([(.string("x"), .int(1))])
    let b = a
    a.set(.string("x"), .int(2))
    a.set(.string("y"), .int(3))
    #expect(b.count == 1)
    #expect(b[.string("x")].map { Operations.isSame($0, .int(1)) } == true)
  }

  @Test func keysOfAllKinds() {
    let keys: [Value] = [
      .bool(true), .bool(false), .int(1), .int(-1), .real(1.5), .real(.nan), .string(""), .string("K"),
      .string("\u{212A}"),
      .string("e\u{301}"), .string("é"), .tuple([.int(1), .string("a")]), .tuple([.int(1), .string("b")]),
      .enumeration(EnumerationID(0), 0, []), .enumeration(EnumerationID(0), 1, []),
      .enumeration(EnumerationID(1), 0, []),
    ]
    let dictionary = DictionaryValue(keys.enumerated().map { ($0.element, .int($0.offset)) })
    #expect(dictionary.count == keys.count)
    for (index, key) in keys.enumerated() {
      #expect(dictionary[key].map { Operations.isSame($0, .int(index)) } == true, "\(key)")
    }
    // Zeros of both signs are one number, hence one key.
    let zeros = DictionaryValue([(.real(0.0), .int(1)), (.real(-0.0), .int(2))])
    #expect(zeros.count == 1)
  }
}
