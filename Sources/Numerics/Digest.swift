import CCrypto

/// A 256-bit value (SHA-256) that identifies content.
package struct Digest: Hashable, Sendable, Comparable, CustomStringConvertible {
  /// Big-endian words.
  package var words: (UInt64, UInt64, UInt64, UInt64)

  package init(words: (UInt64, UInt64, UInt64, UInt64)) { self.words = words }

  /// From 32 bytes, most significant first; nil for another count.
  package init?(bytes: some Collection<UInt8>) {
    guard bytes.count == 32 else { return nil }
    let all = Array(bytes)
    func word(_ start: Int) -> UInt64 { all[start..<(start + 8)].reduce(0) { $0 << 8 | UInt64($1) } }
    self.init(words: (word(0), word(8), word(16), word(24)))
  }

  package static func == (left: Digest, right: Digest) -> Bool { left.words == right.words }

  package func hash(into hasher: inout Hasher) { hasher.combine(words.0) }

  package static func < (left: Digest, right: Digest) -> Bool { left.words < right.words }

  package var bytes: [UInt8] {
    [words.0, words.1, words.2, words.3].flatMap { word in
      (0..<8).map { UInt8(truncatingIfNeeded: word >> (56 - 8 * $0)) }
    }
  }

  package var description: String {
    let digits = Array("0123456789abcdef")
    return String(bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
  }
}

extension Digest {
  /// Plain SHA-256 of bytes, as other programs compute it.
  package static func sha256(of bytes: [UInt8]) -> Digest {
    var builder = DigestBuilder()
    builder.append(plain: bytes)
    return builder.finish()
  }
}

/// Feeds SHA-256 with labeled, length-prefixed fields, so that no two sequences of fields give the same bytes.
package struct DigestBuilder: ~Copyable {
  private let context: OpaquePointer?

  package init() {
    context = EVP_MD_CTX_new()
    EVP_DigestInit_ex(context, EVP_sha256(), nil)
  }

  deinit { EVP_MD_CTX_free(context) }

  private mutating func raw(_ bytes: UnsafeRawBufferPointer) {
    guard let base = bytes.baseAddress, bytes.count > 0 else { return }
    EVP_DigestUpdate(context, base, bytes.count)
  }

  private mutating func word(_ value: UInt64, kind: UInt8) {
    var little = value.littleEndian
    var kind = kind
    withUnsafeBytes(of: &kind) { raw($0) }
    withUnsafeBytes(of: &little) { raw($0) }
  }

  /// Bytes without a label: for digests that others compute too.
  mutating func append(plain bytes: [UInt8]) { bytes.withUnsafeBytes { raw($0) } }

  /// A label that separates domains.
  package mutating func append(tag: String) { append(string: tag, kind: 1) }
  package mutating func append(_ value: Int) { word(UInt64(bitPattern: Int64(value)), kind: 2) }
  /// Raw bits: −0 and NaN payloads stay distinct.
  package mutating func append(_ value: Double) { word(value.bitPattern, kind: 3) }
  package mutating func append(_ value: String) { append(string: value, kind: 4) }
  package mutating func append(bytes: [UInt8]) { bytes.withUnsafeBytes { append(raw: $0) } }
  package mutating func append(raw bytes: UnsafeRawBufferPointer) {
    word(UInt64(bytes.count), kind: 5)
    raw(bytes)
  }
  package mutating func append(bytes: UnsafeRawBufferPointer) {
    word(UInt64(bytes.count), kind: 5)
    raw(bytes)
  }
  package mutating func append(_ digest: Digest) { append(bytes: digest.bytes) }
  package mutating func append(doubles: UnsafeBufferPointer<Double>) {
    word(UInt64(doubles.count), kind: 6)
    raw(UnsafeRawBufferPointer(doubles))
  }
  package mutating func append(integers: [Int]) {
    word(UInt64(integers.count), kind: 7)
    integers.withUnsafeBytes { raw($0) }
  }

  private mutating func append(string: String, kind: UInt8) {
    var string = string
    string.withUTF8 { text in
      word(UInt64(text.count), kind: kind)
      raw(UnsafeRawBufferPointer(text))
    }
  }

  package consuming func finish() -> Digest {
    var bytes = [UInt8](repeating: 0, count: 32)
    var count: UInt32 = 32
    EVP_DigestFinal_ex(context, &bytes, &count)
    return Digest(bytes: bytes) ?? Digest(words: (0, 0, 0, 0))
  }
}
