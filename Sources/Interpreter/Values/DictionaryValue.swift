import Checking

/// An insertion-ordered dictionary of the dialect.
///
/// Keys are Booleans, numbers, strings, enum cases and tuples of these. Copies share storage until one is changed.
/// Order is that of first insertion; nothing of Swift's seeded hashing shows through.
///
/// - Complexity: look-up and insertion amortized O(1); removal leaves a hole that later growth sweeps away.
package struct DictionaryValue: Sendable {
  // Only methods of this file touch the arrays, one at a time; checking every access would cost more than the access.
  final class Storage: @unchecked Sendable {
    @exclusivity(unchecked) var keys: [Value] = []
    @exclusivity(unchecked) var values: [Value] = []
    /// The hash of each entry; −1 marks a removed one.
    @exclusivity(unchecked) var hashes: [Int] = []
    /// Open addressing: −1 is free, otherwise the number of an entry. Its length is a power of two.
    @exclusivity(unchecked) var slots: [Int32] = Array(repeating: -1, count: 8)
    @exclusivity(unchecked) var liveCount = 0

    init() {}
    init(copying other: Storage) {
      keys = other.keys
      values = other.values
      hashes = other.hashes
      slots = other.slots
      liveCount = other.liveCount
    }

    /// The entry of a key, or −1.
    func find(_ key: Value, hash: Int) -> Int {
      if case .string(let text) = key { return find(text, hash: hash) }
      let mask = slots.count - 1
      var position = hash & mask
      while true {
        let entry = Int(slots[position])
        if entry < 0 { return -1 }
        if hashes[entry] == hash, DictionaryKey.equal(keys[entry], key) { return entry }
        position = (position + 1) & mask
      }
    }

    /// The entry of a text, or −1.
    @inline(__always)
    private func find(_ text: String, hash: Int) -> Int {
      let mask = slots.count - 1
      var position = hash & mask
      while true {
        let entry = Int(slots[position])
        if entry < 0 { return -1 }
        // The hashes are of the bytes, so that canonically equivalent but different spellings do not meet here.
        if hashes[entry] == hash, case .string(let key) = keys[entry], key == text { return entry }
        position = (position + 1) & mask
      }
    }

    func insert(_ key: Value, hash: Int, _ value: Value) {
      if (keys.count + 1) * 2 > slots.count { rebuild(capacity: (liveCount + 1) * 4) }
      let entry = keys.count
      keys.append(key)
      values.append(value)
      hashes.append(hash)
      liveCount += 1
      place(entry, hash: hash)
    }

    private func place(_ entry: Int, hash: Int) {
      let mask = slots.count - 1
      var position = hash & mask
      while slots[position] >= 0 { position = (position + 1) & mask }
      slots[position] = Int32(truncatingIfNeeded: entry)
    }

    /// Sweeps removed entries out and makes the table at least as large as asked.
    private func rebuild(capacity: Int) {
      if liveCount < keys.count {
        let kept = hashes.indices.filter { hashes[$0] >= 0 }
        keys = kept.map { keys[$0] }
        values = kept.map { values[$0] }
        hashes = kept.map { hashes[$0] }
      }
      var size = 8
      while size < capacity { size *= 2 }
      slots = Array(repeating: -1, count: size)
      for entry in hashes.indices { place(entry, hash: hashes[entry]) }
    }
  }

  var storage: Storage

  package init() { storage = Storage() }

  /// A dictionary of pairs in order; a key that comes again replaces the earlier value and keeps its place.
  package init(_ pairs: [(Value, Value)]) {
    storage = Storage()
    for (key, value) in pairs { set(key, value) }
  }

  package var count: Int { storage.liveCount }
  package var isEmpty: Bool { storage.liveCount == 0 }

  package subscript(key: Value) -> Value? {
    let entry = storage.find(key, hash: DictionaryKey.hash(key))
    return entry < 0 ? nil : storage.values[entry]
  }

  /// Whether a key is there.
  package func contains(_ key: Value) -> Bool { storage.find(key, hash: DictionaryKey.hash(key)) >= 0 }

  package mutating func set(_ key: Value, _ value: Value) {
    makeUnique()
    let hash = DictionaryKey.hash(key)
    let entry = storage.find(key, hash: hash)
    if entry >= 0 { storage.values[entry] = value } else { storage.insert(key, hash: hash, value) }
  }

  /// `d[key] = (d[key] ?? start) + amount` with one look-up; `combine` gets the old value, or nil.
  @inline(__always)
  mutating func update(_ key: Value, _ combine: (Value?) throws -> Value) rethrows {
    makeUnique()
    let hash = DictionaryKey.hash(key)
    let entry = storage.find(key, hash: hash)
    if entry >= 0 {
      storage.values[entry] = try combine(storage.values[entry])
    } else {
      storage.insert(key, hash: hash, try combine(nil))
    }
  }

  /// Removes a key if it is there.
  package mutating func remove(_ key: Value) {
    let hash = DictionaryKey.hash(key)
    let entry = storage.find(key, hash: hash)
    guard entry >= 0 else { return }
    makeUnique()
    // The slot goes on pointing at the hole, so that probes run past it.
    storage.hashes[entry] = -1
    storage.keys[entry] = .unit
    storage.values[entry] = .unit
    storage.liveCount -= 1
  }

  /// Changes a value where it lies; false where the key is missing.
  mutating func modify(_ key: Value, _ body: (UnsafeMutablePointer<Value>) throws -> Void) rethrows -> Bool {
    let entry = storage.find(key, hash: DictionaryKey.hash(key))
    guard entry >= 0 else { return false }
    makeUnique()
    try storage.values.withUnsafeMutableBufferPointer { try body($0.baseAddress.unsafelyUnwrapped + entry) }
    return true
  }

  package var keys: [Value] { liveEntries.map { storage.keys[$0] } }
  package var values: [Value] { liveEntries.map { storage.values[$0] } }
  package var pairs: [(key: Value, value: Value)] { liveEntries.map { (storage.keys[$0], storage.values[$0]) } }

  private var liveEntries: [Int] { storage.hashes.indices.filter { storage.hashes[$0] >= 0 } }

  @inline(__always)
  private mutating func makeUnique() {
    if !isKnownUniquelyReferenced(&storage) { storage = Storage(copying: storage) }
  }
}

/// Hashing and equality of dictionary keys: a fixed function, strings by their exact UTF-8 bytes.
enum DictionaryKey {
  static func hash(_ key: Value) -> Int {
    switch key {
    case .string(let text): return finish(hash(text))
    case .int(let number): return finish(UInt64(bitPattern: Int64(number)))
    default: return finish(general(key))
    }
  }

  @inline(__always)
  private static func finish(_ raw: UInt64) -> Int {
    var mixed = raw
    // The finalizer of MurmurHash3 (Appleby, public domain).
    mixed = (mixed ^ (mixed >> 33)) &* 0xff51_afd7_ed55_8ccd
    mixed = (mixed ^ (mixed >> 33)) &* 0xc4ce_b9fe_1a85_ec53
    mixed ^= mixed >> 33
    return Int(mixed >> 2)
  }

  private static func hash(_ text: String) -> UInt64 {
    var text = text
    return text.withUTF8 { bytes in
      var hash: UInt64 = 0x9e37_79b9_7f4a_7c15 &+ UInt64(bytes.count)
      var index = 0
      while index &+ 8 <= bytes.count {
        let chunk = UnsafeRawBufferPointer(bytes).loadUnaligned(fromByteOffset: index, as: UInt64.self)
        hash = (hash ^ chunk) &* 0x9fb2_1c65_1e98_df25
        hash ^= hash >> 29
        index &+= 8
      }
      var tail: UInt64 = 0
      while index < bytes.count {
        tail = (tail << 8) | UInt64(bytes[index])
        index &+= 1
      }
      return (hash ^ tail) &* 0x9fb2_1c65_1e98_df25
    }
  }

  private static func general(_ key: Value) -> UInt64 {
    switch key {
    case .bool(let flag): return flag ? 1 : 2
    case .int(let number): return UInt64(bitPattern: Int64(number))
    case .real(let number): return number == 0 ? 0 : (number.isNaN ? 1 : number.bitPattern)
    case .string(let text): return hash(text)
    case .enumeration(let id, let index, let payload):
      return combine(UInt64(truncatingIfNeeded: id.rawValue &* 1021 &+ index), payload)
    case .tuple(let elements): return combine(3, elements)
    case .structure(let id, let fields): return combine(UInt64(truncatingIfNeeded: id.rawValue &* 2053), fields)
    case .list(let elements): return combine(5, elements)
    case .intArray(let array):
      return array.elements.reduce(7) { ($0 ^ UInt64(bitPattern: Int64($1))) &* 0x9fb2_1c65_1e98_df25 }
    case .some(let inner): return general(inner) &+ 11
    default: return 13
    }
  }

  private static func combine(_ start: UInt64, _ parts: [Value]) -> UInt64 {
    parts.reduce(start) { ($0 ^ general($1)) &* 0x9fb2_1c65_1e98_df25 &+ ($0 >> 31) }
  }

  static func equal(_ left: Value, _ right: Value) -> Bool {
    switch (left, right) {
    case (.string(let a), .string(let b)): return sameText(a, b)
    case (.int(let a), .int(let b)): return a == b
    case (.real(let a), .real(let b)): return a == b || (a.isNaN && b.isNaN)
    default: return Operations.isSame(left, right)
    }
  }

  /// Equality by bytes: canonically equivalent but different spellings are different texts, as their digests are.
  @inline(__always)
  static func sameText(_ left: String, _ right: String) -> Bool {
    guard left.utf8.count == right.utf8.count, left == right else { return false }
    // Swift compares by canonical equivalence; with equal byte counts only exotic texts could still differ.
    var left = left
    var right = right
    return left.withUTF8 { a in right.withUTF8 { b in a.elementsEqual(b) } }
  }
}
