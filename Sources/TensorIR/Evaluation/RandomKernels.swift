import Numerics

/// Random numbers by element: a counter-based key, the stream's label, the draw and the element's number give the bits,
/// so that the arrangement of a graph cannot change them.
enum RandomKernels {
  static func fill(
    _ i: Program.Instruction, elements: UnsafePointer<Double>, first: UnsafePointer<Double>,
    second: UnsafePointer<Double>, _ result: UnsafeMutablePointer<Double>, _ stream: UnsafePointer<Program.Stream>
  ) {
    let labeled = stream.pointee.key.child(i.label.high).child(i.label.low).child(stream.pointee.draw)
    for k in 0..<i.count {
      let number = elements[k * i.aStep]
      let element = number.isFinite ? UInt64(bitPattern: Int64(max(-9e18, min(9e18, number)))) : 0
      var source = RandomStream(key: labeled.child(element))
      let a = first[k * i.bStep]
      let b = second[k * i.cStep]
      switch i.random {
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
