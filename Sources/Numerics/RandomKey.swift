/// A key of a counter-based random generator: no state, only functions of (key, counter).
///
/// Source: Salmon, Moraes, Dror & Shaw (2011), "Parallel random numbers: as easy as 1, 2, 3", Philox-4×64 with 10 rounds.
package struct RandomKey: Hashable, Sendable {
  package var high: UInt64
  package var low: UInt64

  package init(words: (UInt64, UInt64)) {
    high = words.0
    low = words.1
  }

  package init(seed: UInt64) {
    self.init(words: (seed, 0x6361_6972_6E2D_3031))
  }

  /// The key of a numbered part; keys of different numbers, and the blocks of this key, are unrelated streams.
  package func child(_ index: UInt64) -> RandomKey {
    // The third counter word tells derivation of keys from drawing of blocks.
    let block = Philox.block(counter: (index, 0, 1, 0), key: (high, low))
    return RandomKey(words: (block.0, block.1))
  }

  /// The key of a named part.
  package func child(_ label: String) -> RandomKey {
    var builder = DigestBuilder()
    builder.append(tag: "stream")
    builder.append(Int(bitPattern: UInt(high)))
    builder.append(Int(bitPattern: UInt(low)))
    builder.append(label)
    let digest = builder.finish()
    return RandomKey(words: (digest.words.0, digest.words.1))
  }

  /// Four words of the stream.
  package func block(_ counter: UInt64) -> (UInt64, UInt64, UInt64, UInt64) {
    Philox.block(counter: (counter, 0, 0, 0), key: (high, low))
  }
}

/// The bijection behind the keys.
package enum Philox {
  package static func block(
    counter: (UInt64, UInt64, UInt64, UInt64), key: (UInt64, UInt64)
  ) -> (UInt64, UInt64, UInt64, UInt64) {
    var c = counter
    var k = key
    for round in 0..<10 {
      if round > 0 {
        k.0 &+= 0x9E37_79B9_7F4A_7C15
        k.1 &+= 0xBB67_AE85_84CA_A73B
      }
      let first = c.0.multipliedFullWidth(by: 0xD2E7_470E_E14C_6C93)
      let second = c.2.multipliedFullWidth(by: 0xCA5A_8263_9512_1157)
      c = (second.high ^ c.1 ^ k.0, second.low, first.high ^ c.3 ^ k.1, first.low)
    }
    return c
  }
}
