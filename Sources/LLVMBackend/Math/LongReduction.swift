/// Reduction by π/2 of arguments whose multiple of it has more bits than a double (Payne & Hanek 1983).
extension InlineMath {
  enum Trigonometric: String { case sin, cos, tan }

  /// The bits of 2/π after the point, 32 to a word, computed with 500 digits: enough for the largest double.
  private static let twoOverPi: [UInt32] = [
    0xA2F9_836E, 0x4E44_1529, 0xFC27_57D1, 0xF534_DDC0, 0xDB62_9599, 0x3C43_9041, 0xFE51_63AB, 0xDEBB_C561, 0xB724_6E3A,
    0x424D_D2E0, 0x0649_2EEA, 0x09D1_921C, 0xFE1D_EB1C, 0xB129_A73E, 0xE882_35F5, 0x2EBB_4484, 0xE99C_7026, 0xB45F_7E41,
    0x3991_D639, 0x8353_39F4, 0x9C84_5F8B, 0xBDF9_283B, 0x1FF8_97FF, 0xDE05_980F, 0xEF2F_118B, 0x5A0A_6D1F, 0x6D36_7ECF,
    0x27CB_09B7, 0x4F46_3F66, 0x9E5F_EA2D, 0x7527_BAC7, 0xEBE5_F17B, 0x3D07_39F7, 0x8A52_92EA, 0x6BFB_5FB1, 0x1F8D_5D08,
    0x5603_3046, 0xFC7B_6BAB, 0xF0CF_BC20, 0x9AF4_361D,
  ]

  /// f(x) for finite |x| ≥ 2⁴⁰, by a function of the module that is not inlined.
  static func far(_ function: Trigonometric, _ x: LaneReal) -> LaneReal {
    let w = x.w
    let lanes = x.value.lanes
    let name = "cairn.\(function.rawValue).far.\(lanes)"
    if w.module.begins("cairn.two.over.pi") {
      let words = ([0] + twoOverPi).map { "i64 \($0)" }.joined(separator: ", ")
      w.module.append(
        function: "@cairn.two.over.pi = internal constant [\(twoOverPi.count + 1) x i64] [\(words)], align 8")
    }
    if w.module.begins(name) {
      let inner = IRWriter(module: w.module)
      let type = IRValue.name(of: .real, lanes: lanes)
      let (r, low, quadrant) = longReduced(LaneReal(IRValue(text: "%x", type: .real, lanes: lanes), inner))
      let value = finished(function, r, low, quadrant)
      w.module.append(
        function: """
          define internal \(type) @\(name)(\(type) %x) #2 cold {
          entry:
          \(inner.lines.joined(separator: "\n"))
            ret \(value.value.typed)
          }
          """)
    }
    return LaneReal(w.call(name, [x.value], returns: .real, lanes: lanes), w)
  }

  /// |x| = M 2ᵉ⁻⁵² with whole M < 2⁵³. Of x · 2/π modulo 4 only the bits of 2/π after number e − 54 count: 4 times the
  /// fraction of M · 0.f₀f₁f₂…, in words of 32 bits.
  private static func longReduced(_ x: LaneReal) -> (r: LaneReal, low: LaneReal, quadrant: IRValue) {
    let w = x.w
    let lanes = x.value.lanes
    func integer(_ value: Int) -> IRValue { .integer(value, lanes: lanes) }
    func shift(_ instruction: String, _ a: IRValue, _ count: IRValue) -> IRValue {
      w.result(.integer, lanes, "\(instruction) \(a.typed), \(count.text)")
    }
    let mask = integer(0xFFFF_FFFF)
    // Lanes that need no such reduction, infinities among them, get a place inside the table.
    let isFar = w.and(
      w.compare(.greaterOrEqual, x.magnitude.value, x.constant(0x1p40).value),
      w.compare(.notEqual, x.magnitude.value, x.constant(.infinity).value))
    let t = isFar.select(x.magnitude, 0x1p40)
    let bits = w.bits(t.value)
    // Counted from 32 zeros that stand before the table's first word.
    let start = w.subtractIntegers(w.shiftRight(bits, 52), integer(1023 + 54 - 32))
    let mantissa = w.or(w.and(bits, integer(0x000F_FFFF_FFFF_FFFF)), integer(0x0010_0000_0000_0000))
    let first = w.shiftRight(start, 5)
    let left = w.and(start, integer(31))
    let right = w.subtractIntegers(integer(32), left)
    let table = IRValue(text: "@cairn.two.over.pi", type: .pointer, lanes: 1)
    let words = (0...6).map { w.bits(w.gather(table, w.addIntegers(first, integer($0)), mask: nil)) }
    let f = (0..<6).map { k in
      w.and(w.or(shift("shl", words[k], left), shift("lshr", words[k + 1], right)), mask)
    }
    let m0 = w.and(mantissa, mask)
    let m1 = w.shiftRight(mantissa, 32)
    let low = f.map { w.multiplyIntegers(m0, $0) }
    let high = f.map { w.multiplyIntegers(m1, $0) }
    // Columns of weight 2^−32(k+1), from the last; carries go to the left, out of the first they are whole turns.
    var carry = integer(0)
    var g: [IRValue] = []
    for k in (0..<5).reversed() {
      var sum = w.addIntegers(w.and(low[k], mask), w.shiftRight(low[k + 1], 32))
      sum = w.addIntegers(sum, w.and(high[k + 1], mask))
      if k + 2 < 6 { sum = w.addIntegers(sum, w.shiftRight(high[k + 2], 32)) }
      sum = w.addIntegers(sum, carry)
      carry = w.shiftRight(sum, 32)
      g.insert(w.and(sum, mask), at: 0)
    }
    let quadrant = w.shiftRight(w.addIntegers(g[0], integer(1 << 29)), 30)
    g[0] = w.subtractIntegers(g[0], w.shiftLeft(quadrant, 30))
    let parts = g.enumerated().map { k, word in
      LaneReal(w.toReal(word), w) * Double(sign: .plus, exponent: -30 - 32 * k, significand: 1)
    }
    let (c, cLow) = LaneReal.twoSum(parts[2], parts[3])
    let (b, bLow) = LaneReal.twoSum(parts[1], c)
    let (a, aLow) = LaneReal.twoSum(parts[0], b)
    let (turn, turnLow) = LaneReal.orderedSum(a, aLow + (bLow + (cLow + parts[4])))
    let (r, error) = LaneReal.twoProduct(turn, x.constant(1.5707963267948966))
    let rest = turn.fma(6.123233995736766e-17, turnLow.fma(1.5707963267948966, error))
    let isNegative = x .< 0
    return (
      isNegative.select(-r, r), isNegative.select(-rest, rest),
      w.select(isNegative, w.subtractIntegers(integer(0), quadrant), quadrant)
    )
  }
}
