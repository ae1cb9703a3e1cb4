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

  /// Maps `count` values; both arrays have room for eight more.
  package func run(_ points: [Double], _ result: inout [Double], _ count: Int) {
    precondition(points.count >= count + 8 && result.count >= count + 8)
    points.withUnsafeBufferPointer { x in
      result.withUnsafeMutableBufferPointer { y in
        if let from = x.baseAddress, let to = y.baseAddress { function(from, to, count) }
      }
    }
  }

  package func callAsFunction(_ points: [Double]) -> [Double] {
    let padded = points + Array(repeating: 1, count: 8)
    var result = Array(repeating: 0.0, count: padded.count)
    run(padded, &result, points.count)
    return Array(result.prefix(points.count))
  }
}

/// One inline function of two arguments compiled by itself.
package final class InlineBinaryFunction: Sendable {
  private let image: CodeImage
  private let function:
    @convention(c) (UnsafePointer<Double>, UnsafePointer<Double>, UnsafeMutablePointer<Double>, Int) -> Void
  /// The largest error that the function may have, in ulp.
  package let bound: Double

  /// The names of all inline functions of two arguments.
  package static var names: [String] { InlineMath.BinaryFunction.allCases.map(\.rawValue) }

  package init(_ name: String, lanes: Int, library: LLVMLibrary, target: CodeTarget = CodeTarget())
    throws(CompilationError)
  {
    guard let known = InlineMath.BinaryFunction(rawValue: name) else {
      throw CompilationError("there is no inline function `\(name)`")
    }
    bound = known.bound
    let module = IRModule()
    let w = IRWriter(module: module)
    func array(_ text: String) -> IRValue { IRValue(text: text, type: .pointer, lanes: 1) }
    w.loop(from: .integer(0), to: IRValue(text: "%count", type: .integer, lanes: 1), step: lanes, "all") { k in
      let x = w.load(w.address(array("%x"), k), lanes: lanes)
      let y = w.load(w.address(array("%y"), k), lanes: lanes)
      w.store(InlineMath.apply(known, x, y, in: w), to: w.address(array("%z"), k))
    }
    module.append(
      function: """
        define void @map(ptr noalias %x, ptr noalias %y, ptr noalias %z, i64 %count) #0 {
        entry:
        \(w.lines.joined(separator: "\n"))
          ret void
        }
        """)
    image = try library.link(try library.compile(module.text, for: target))
    function = unsafeBitCast(
      try image.address(of: "map"),
      to: (@convention(c) (UnsafePointer<Double>, UnsafePointer<Double>, UnsafeMutablePointer<Double>, Int) -> Void)
        .self)
  }

  /// Maps `count` pairs; all arrays have room for eight more.
  package func run(_ x: [Double], _ y: [Double], _ result: inout [Double], _ count: Int) {
    precondition(x.count >= count + 8 && y.count >= count + 8 && result.count >= count + 8)
    x.withUnsafeBufferPointer { x in
      y.withUnsafeBufferPointer { y in
        result.withUnsafeMutableBufferPointer { z in
          if let first = x.baseAddress, let second = y.baseAddress, let to = z.baseAddress {
            function(first, second, to, count)
          }
        }
      }
    }
  }

  package func callAsFunction(_ x: [Double], _ y: [Double]) -> [Double] {
    precondition(x.count == y.count)
    let more = Array(repeating: 1.0, count: 8)
    var result = Array(repeating: 0.0, count: x.count + 8)
    run(x + more, y + more, &result, x.count)
    return Array(result.prefix(x.count))
  }
}
