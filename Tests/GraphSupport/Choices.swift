import Foundation
import Numerics

/// The numbers that a generator of test cases decides by, as a list: a shorter list, or one of smaller numbers, is a
/// simpler case, whatever the generator makes of it.
package struct Choices: Sendable {
  package let words: [UInt64]
  private var next = 0

  package init(words: [UInt64]) { self.words = words }

  package init(seed: UInt64, count: Int = 300) {
    var source = RandomStream(key: RandomKey(seed: seed))
    words = (0..<count).map { _ in source.nextBits() }
  }

  /// 0 beyond the end.
  package mutating func bits() -> UInt64 {
    defer { next += 1 }
    return next < words.count ? words[next] : 0
  }

  package mutating func below(_ bound: Int) -> Int { Int(bits() % UInt64(max(1, bound))) }
  package mutating func pick<Element>(_ elements: [Element]) -> Element { elements[below(elements.count)] }

  /// 0 for a word of 0.
  package mutating func normal() -> Double {
    Special.normalQuantile((Double((bits() ^ (1 << 63)) >> 12) + 0.5) * 0x1p-52)
  }

  /// The simplest list found on which something still goes wrong: stretches left out, words made 0 or smaller, over and
  /// over until no such change is left or the tries are used up.
  package static func smallest(
    _ words: [UInt64], tries: Int = 2000, isWrong: ([UInt64]) throws -> Bool
  ) rethrows -> [UInt64] {
    var best = words
    var left = tries
    func improve(_ candidate: [UInt64]) throws -> Bool {
      guard left > 0, candidate != best else { return false }
      left -= 1
      guard try isWrong(candidate) else { return false }
      best = candidate
      return true
    }
    var improved = true
    while improved && left > 0 {
      improved = false
      var length = max(1, best.count / 2)
      while length >= 1 {
        var start = 0
        while start < best.count {
          var shorter = best
          shorter.removeSubrange(start..<min(best.count, start + length))
          if try improve(shorter) { improved = true } else { start += length }
        }
        length /= 2
      }
      for index in best.indices {
        for smaller in [0, best[index] % 2, best[index] % 64, best[index] % 4096] where smaller < best[index] {
          var simpler = best
          simpler[index] = smaller
          if try improve(simpler) {
            improved = true
            break
          }
        }
      }
    }
    return best
  }
}
