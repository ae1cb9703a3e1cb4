import Numerics

/// Random numbers by element: a counter-based key, the stream's label, the draw and the element's number give the bits,
/// so that the arrangement of a graph cannot change them.
extension Program {
  /// Writes one variate per element; a step of 0 repeats a single number.
  package static func fillRandom(
    _ kind: RandomKind, _ label: StreamLabel, elements: UnsafePointer<Double>, elementStep: Int,
    first: UnsafePointer<Double>, firstStep: Int, second: UnsafePointer<Double>, secondStep: Int,
    _ result: UnsafeMutablePointer<Double>, count: Int, stream: UnsafePointer<Program.Stream>
  ) {
    let labeled = stream.pointee.key.child(label.high).child(label.low).child(stream.pointee.draw)
    for k in 0..<count {
      let number = elements[k * elementStep]
      let element = number.isFinite ? UInt64(bitPattern: Int64(max(-9e18, min(9e18, number)))) : 0
      var source = RandomStream(key: labeled.child(element))
      let a = first[k * firstStep]
      let b = second[k * secondStep]
      switch kind {
      case .uniform: result[k] = source.nextUniform()
      case .normal: result[k] = source.nextNormal()
      case .logGamma: result[k] = a > 0 && a.isFinite ? source.nextLogGamma(shape: a) : .nan
      case .poisson: result[k] = a >= 0 && a.isFinite ? source.nextPoisson(rate: a) : .nan
      case .binomial:
        let isValid = a >= 0 && a.isFinite && b >= 0 && b <= 1
        result[k] = isValid ? source.nextBinomial(trials: a, probability: b) : .nan
      }
    }
  }
}
