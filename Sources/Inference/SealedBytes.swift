import Foundation
import Numerics

/// Bytes that can be read back only whole, in the same version of their format, and for the computation they were
/// written for.
///
/// A digest over all of that ends the bytes, which stay on machines of one byte order. Whoever keeps them may damage them or confuse two computations: the answer is
/// that there is nothing.
enum SealedBytes {
  private static let sealCount = 32

  static func seal(_ writer: consuming ByteWriter, format: String, identity: Digest) -> [UInt8] {
    let seal = writer.bytes.withUnsafeBytes { digest($0, format, identity) }
    writer.bytes.append(contentsOf: seal.bytes)
    return writer.bytes
  }

  static func open(_ bytes: [UInt8], format: String, identity: Digest) -> ByteReader? {
    let end = bytes.count - sealCount
    guard end >= 0 else { return nil }
    let seal = bytes.withUnsafeBytes { digest(UnsafeRawBufferPointer(rebasing: $0[..<end]), format, identity) }
    return bytes[end...].elementsEqual(seal.bytes) ? ByteReader(bytes, end: end) : nil
  }

  private static func digest(_ payload: UnsafeRawBufferPointer, _ format: String, _ identity: Digest) -> Digest {
    var builder = DigestBuilder()
    builder.append(tag: "sealed")
    builder.append(format)
    builder.append(identity)
    builder.append(bytes: payload)
    return builder.finish()
  }
}

/// Numbers as words of eight bytes, as they lie in memory.
struct ByteWriter {
  fileprivate(set) var bytes: [UInt8] = []

  /// - Parameter wordCount: About how many words will be written.
  init(wordCount: Int) { bytes.reserveCapacity(8 * wordCount + 256) }

  mutating func write(_ number: Int) { word(UInt64(bitPattern: Int64(number))) }
  mutating func write(_ number: Double) { word(number.bitPattern) }
  mutating func write(_ numbers: [Double]) {
    write(numbers.count)
    numbers.withUnsafeBytes { bytes.append(contentsOf: $0) }
  }

  mutating func write(_ numbers: [Int]) {
    write(numbers.count)
    numbers.withUnsafeBytes { bytes.append(contentsOf: $0) }
  }

  mutating func write(_ flags: [Bool]) {
    write(flags.count)
    bytes.append(contentsOf: flags.lazy.map { $0 ? 1 : 0 })
  }

  private mutating func word(_ word: UInt64) { withUnsafeBytes(of: word) { bytes.append(contentsOf: $0) } }
}

struct DamagedBytes: Error {}

/// Reads bytes that may be hostile: every length is checked against what is left and what is expected.
struct ByteReader {
  private let bytes: [UInt8]
  private let end: Int
  private var position = 0

  fileprivate init(_ bytes: [UInt8], end: Int) {
    self.bytes = bytes
    self.end = end
  }

  var isAtEnd: Bool { position == end }

  mutating func int(in range: ClosedRange<Int>) throws(DamagedBytes) -> Int {
    let number = Int(Int64(bitPattern: try word()))
    guard range.contains(number) else { throw DamagedBytes() }
    return number
  }

  mutating func double() throws(DamagedBytes) -> Double { Double(bitPattern: try word()) }

  mutating func doubles(_ count: Int) throws(DamagedBytes) -> [Double] {
    try words(count) { Double(bitPattern: $0) }
  }

  mutating func ints(_ count: Int, in range: ClosedRange<Int>) throws(DamagedBytes) -> [Int] {
    let numbers = try words(count) { Int(Int64(bitPattern: $0)) }
    guard numbers.allSatisfy(range.contains) else { throw DamagedBytes() }
    return numbers
  }

  mutating func flags(_ count: Int) throws(DamagedBytes) -> [Bool] {
    guard try int(in: count...count) <= end - position else { throw DamagedBytes() }
    let part = bytes[position..<(position + count)]
    guard part.allSatisfy({ $0 <= 1 }) else { throw DamagedBytes() }
    position += count
    return part.map { $0 == 1 }
  }

  private mutating func word() throws(DamagedBytes) -> UInt64 {
    guard end - position >= 8 else { throw DamagedBytes() }
    let word = bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: position, as: UInt64.self) }
    position += 8
    return word
  }

  private mutating func words<T>(_ count: Int, _ number: (UInt64) -> T) throws(DamagedBytes) -> [T] {
    guard try int(in: count...count) <= (end - position) / 8 else { throw DamagedBytes() }
    let start = position
    position += count * 8
    return bytes.withUnsafeBytes { raw in
      (0..<count).map { number(raw.loadUnaligned(fromByteOffset: start + $0 * 8, as: UInt64.self)) }
    }
  }
}
