import Foundation

/// Normal variates out of 256 layers of equal area, nearly all of which take one number of the stream and no function.
///
/// Source: Marsaglia & Tsang 2000, "The ziggurat method for generating random variables"; with the layer and the place in
/// it from bits of their own, as in Doornik 2005, "An improved ziggurat method to generate normal random samples".
package enum Ziggurat {
  /// Where the tail begins, and the area of a layer under e^(−x²/2).
  package static let tail = 3.654_152_885_361_009
  package static let area = 0.004_928_673_233_99
  package static let count = 256

  /// The layers' right ends from the widest, which stands for the tail with what is below it, to 0.
  package static let ends: [Double] = {
    var ends = [area / exp(-0.5 * tail * tail), tail]
    while ends.count < count {
      let last = ends[ends.count - 1]
      ends.append((-2 * log(area / last + exp(-0.5 * last * last))).squareRoot())
    }
    return ends + [0]
  }()

  /// For each layer its right end, and the share of it that lies below the next one: never freed.
  private nonisolated(unsafe) static let layers: UnsafePointer<(end: Double, inner: Double)> = {
    let layers = UnsafeMutablePointer<(end: Double, inner: Double)>.allocate(capacity: count)
    for index in 0..<count { (layers + index).initialize(to: (ends[index], ends[index + 1] / ends[index])) }
    return UnsafePointer(layers)
  }()

  /// Fills a vector with independent standard normal variates.
  package static func fill(_ result: UnsafeMutablePointer<Double>, count: Int, from stream: inout RandomStream) {
    let layers = layers
    for index in 0..<count {
      let bits = stream.nextBits()
      let layer = layers[Int(bits & 255)]
      // The sign and 53 bits.
      let place = Double(Int64(bitPattern: bits) >> 10) * 0x1p-53
      result[index] = abs(place) < layer.inner ? place * layer.end : outside(Int(bits & 255), place, &stream)
    }
  }

  /// The rest of the way for a place outside of what a layer shares with the next one.
  private static func outside(_ first: Int, _ start: Double, _ stream: inout RandomStream) -> Double {
    var (index, place) = (first, start)
    while true {
      if abs(place) < layers[index].inner { return place * layers[index].end }
      if index == 0 {
        // Beyond the tail's start (Marsaglia 1964).
        while true {
          let beyond = -log(stream.nextUniform()) / tail
          let height = -log(stream.nextUniform())
          if 2 * height > beyond * beyond { return place < 0 ? -tail - beyond : tail + beyond }
        }
      }
      let x = place * ends[index]
      let low = exp(-0.5 * (ends[index] * ends[index] - x * x))
      let high = exp(-0.5 * (ends[index + 1] * ends[index + 1] - x * x))
      if low + stream.nextUniform() * (high - low) < 1 { return x }
      let bits = stream.nextBits()
      index = Int(bits & 255)
      place = Double(Int64(bitPattern: bits) >> 10) * 0x1p-53
    }
  }
}
