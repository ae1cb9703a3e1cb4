import Foundation

/// What a machine adds to the bits of a result.
package enum NumericClass {
  /// The processor's architecture, the C library, and a fingerprint of its scalar functions.
  ///
  /// The fingerprint is needed: one version of a C library holds several variants of `exp` and its like, takes the one
  /// that suits the processor (with fused multiply-add or without), and they differ in the last bit of some results.
  package static let platform = "\(architecture); \(library); scalar functions \(fingerprint())"

  private static var architecture: String {
    #if arch(x86_64)
      "x86_64"
    #elseif arch(arm64)
      "arm64"
    #else
      "another architecture"
    #endif
  }

  private static var library: String {
    #if canImport(Glibc)
      let length = confstr(Int32(_CS_GNU_LIBC_VERSION), nil, 0)
      guard length > 1 else { return "glibc" }
      var text = [CChar](repeating: 0, count: length)
      _ = confstr(Int32(_CS_GNU_LIBC_VERSION), &text, length)
      return String(decoding: text.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    #else
      return "another C library"
    #endif
  }

  /// Digits of a digest of what the functions give at 1024 points each: variants differ at several in a thousand.
  private static func fingerprint() -> String {
    let functions: [(Double) -> Double] = [
      exp, expm1, log, log1p, sin, cos, tan, sinh, cosh, tanh, atan, erf, erfc, tgamma, { Special.logGamma($0) },
      { pow($0, 1.7) }, { atan2($0, 0.7) },
    ]
    var results: [Double] = []
    results.reserveCapacity(functions.count * 1024)
    for function in functions {
      for point in 1...1024 { results.append(function(Double(point) * 0.011)) }
    }
    var builder = DigestBuilder()
    builder.append(tag: "scalar functions")
    results.withUnsafeBufferPointer { builder.append(doubles: $0) }
    return String(builder.finish().description.prefix(16))
  }
}
