/// One inline function compiled by itself, for tests and tables of its error.
package final class InlineFunction: Sendable {
  private let image: CodeImage
  private let function: @convention(c) (UnsafePointer<Double>, UnsafeMutablePointer<Double>, Int) -> Void
  /// The largest error that the function may have, in ulp.
  package let bound: Double

  /// The names of all inline functions of one argument.
  package static var names: [String] { InlineMath.Function.allCases.map(\.rawValue) }

  package init(_ name: String, lanes: Int, library: LLVMLibrary, target: CodeTarget = CodeTarget())
    throws(CompilationError)
  {
    guard let known = InlineMath.Function(rawValue: name) else {
      throw CompilationError("there is no inline function `\(name)`")
    }
    bound = known.bound
    let module = IRModule()
    let w = IRWriter(module: module)
    let count = IRValue(text: "%count", type: .integer, lanes: 1)
    w.loop(from: .integer(0), to: count, step: lanes, "all") { k in
      let x = w.load(w.address(IRValue(text: "%x", type: .pointer, lanes: 1), k), lanes: lanes)
      w.store(
        InlineMath.apply(known, x, in: w), to: w.address(IRValue(text: "%y", type: .pointer, lanes: 1), k))
    }
    module.append(
      function: """
        define void @map(ptr noalias %x, ptr noalias %y, i64 %count) #0 {
        entry:
        \(w.body)
          ret void
        }
        """)
    image = try library.link(try library.compile(module.text, for: target))
    function = unsafeBitCast(
      try image.address(of: "map"),
      to: (@convention(c) (UnsafePointer<Double>, UnsafeMutablePointer<Double>, Int) -> Void).self)
  }

  package func callAsFunction(_ points: [Double]) -> [Double] {
    let padded = points + Array(repeating: 1, count: 8)
    var result = Array(repeating: 0.0, count: padded.count)
    padded.withUnsafeBufferPointer { x in
      result.withUnsafeMutableBufferPointer { y in
        if let from = x.baseAddress, let to = y.baseAddress { function(from, to, points.count) }
      }
    }
    return Array(result.prefix(points.count))
  }
}
