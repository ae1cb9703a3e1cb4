import Checking
import Interpreter
import Numerics
import Rendering
import Syntax
import TensorIR
import Testing

/// Sites play no part here.
final class NoSites: SiteHandler {
  struct Refusal: Error {}
  func site(_ request: SiteRequest, _ tracer: Tracer) throws -> Value { throw Refusal() }
  func openPiecewise(
    name: String, frames: [Frame], extents: [Int], families: [String], span: SourceSpan, _ tracer: Tracer
  ) throws -> PiecewiseSource { throw Refusal() }
  func piece(_ request: SiteRequest, value: TracedTensor, indices: TracedTensor, _ tracer: Tracer) throws {}
  func drawPiece(_ request: SiteRequest, indices: TracedTensor, _ tracer: Tracer) throws -> Value { throw Refusal() }
  func completePiecewise(name: String, value: TracedTensor, _ tracer: Tracer) throws {}
  func submodel(name: String, model: Value, span: SourceSpan, _ tracer: Tracer) throws -> ModelCall {
    throw Refusal()
  }
  func addLogDensity(_ term: TracedTensor, span: SourceSpan, _ tracer: Tracer) throws {}
  func derived(name: String, value: Value, frames: [Frame], _ tracer: Tracer) throws {}
  func checkpoint() -> Int { 0 }
  func rollback(to checkpoint: Int) {}
}

/// Inside a model a library function gives what it gives outside: for one element, and for all elements of a plate.
@Suite struct TracedLibraryTests {
  /// A call with two sets of arguments: the two elements of a plate.
  struct Case: Sendable, CustomTestStringConvertible {
    var name: String
    var sets: [[Value]]
    var isFramed: Bool
    var testDescription: String { name + (isFramed ? " in a plate" : "") }
  }

  private static func v(_ x: [Double]) -> Value { .realArray(RealArray(x)) }
  private static func m(_ r: Int, _ c: Int, _ x: [Double]) -> Value {
    .realArray(RealArray(shape: [r, c], elements: x))
  }
  private static func reals(_ x: Value) -> [Double]? { Operations.reals(x) }

  static let cases: [Case] = {
    typealias C = (String, [[Value]])
    let spd = m(2, 2, [4, 1, 1, 3])
    let spd2 = m(2, 2, [2, 0.5, 0.5, 1])
    var cases: [C] = []
    for n in [
      "exp", "log", "log10", "log2", "log1p", "expm1", "sqrt", "square", "sin", "cos", "tan", "asin", "acos", "atan",
      "sinh", "cosh", "tanh", "floor", "ceil", "round", "trunc", "logistic", "logit", "softplus", "logLogistic",
      "lgamma", "digamma", "trigamma", "erf", "erfc", "normalCDF", "normalQuantile", "abs", "sign",
    ] {
      cases.append(("\(n)(_:)", [[.real(0.3)], [.real(0.8)]]))
      cases.append(("\(n)(_:)", [[v([0.3, 0.9])], [v([0.8, 0.1])]]))
    }
    cases.append(("log1mexp(_:)", [[.real(-0.3)], [.real(-2)]]))
    for n in ["pow", "atan2", "hypot", "logAddExp", "logBeta", "logChoose", "min", "max"] {
      cases.append(("\(n)(_:_:)", [[.real(2.5), .real(1.5)], [.real(4), .real(1.25)]]))
      cases.append(("\(n)(_:_:)", [[v([2.5, 3]), .real(1.5)], [v([4, 5]), .real(1.25)]]))
    }
    cases.append(("clamp(_:_:_:)", [[.real(2), .real(0), .real(1)], [.real(0.5), .real(0), .real(1)]]))
    for n in [
      "sum", "product", "min", "max", "logSumExp", "mean", "variance", "sd", "center", "standardize", "cumulativeSum",
      "differences", "diagonal", "Array.reversed",
    ] {
      let name = n.hasPrefix("Array") ? "\(n)()" : "\(n)(_:)"
      cases.append((name, [[v([0.5, 2, 1])], [v([3, -1, 4])]]))
    }
    for n in [
      "sum", "mean", "transpose", "diagonal", "trace", "cholesky", "eigenvalues", "eigenvectors", "logDeterminant",
      "inverse", "rowSums", "columnSums",
      "logSumExp",
    ] { cases.append(("\(n)(_:)", [[spd], [spd2]])) }
    for n in ["transpose", "rowSums", "columnSums", "sum", "Matrix(columns:)", "Array.flattened()"] {
      cases.append(
        (n.contains("(") ? n : "\(n)(_:)", [[m(2, 3, [1, 2, 3, 4, 5, 6])], [m(2, 3, [0, 1, 0, 2, 7, 1])]]))
    }
    cases.append(("dot(_:_:)", [[v([1, 2]), v([3, 4])], [v([0, 2]), v([5, 4])]]))
    cases.append(("outer(_:_:)", [[v([1, 2]), v([3, 4, 5])], [v([0, 2]), v([5, 4, 1])]]))
    cases.append(("solve(_:_:)", [[spd, v([3, 4])], [spd2, v([5, 4])]]))
    cases.append(("solve(_:_:)", [[spd, spd2], [spd2, spd]]))
    cases.append(
      ("solve(_:_:)", [[m(2, 2, [1, 1, 1, 1.0001]), v([3, 4])], [m(2, 2, [3, 1, 2, 0.667]), v([5, 4])]]))
    cases.append(("solve(_:_:)", [[m(2, 2, [0, 2, 1, 0]), v([3, 4])], [spd2, v([5, 4])]]))
    cases.append(
      (
        "squaredExponential(_:_:_:)",
        [[v([0, 1, 2.5]), .real(1.5), .real(0.7)], [v([0, 3, 1]), .real(0.5), .real(2)]]
      ))
    cases.append(("concat(_:_:)", [[v([1, 2]), v([3, 4, 5])], [v([0, 2]), v([5, 4, 1])]]))
    cases.append(("Array.prefix(_:)", [[v([1, 2, 3]), .int(2)], [v([4, 5, 6]), .int(2)]]))
    cases.append(("Array.suffix(_:)", [[v([1, 2, 3]), .int(2)], [v([4, 5, 6]), .int(2)]]))
    cases.append(("Array.dropFirst(_:)", [[v([1, 2, 3]), .int(1)], [v([4, 5, 6]), .int(1)]]))
    cases.append(("Array.appending(_:)", [[v([1, 2, 3]), .real(2)], [v([4, 5, 6]), .real(3)]]))
    cases.append(
      (
        "reshape(_:_:)",
        [
          [v([1, 2, 3, 4]), .intArray(IntArray(shape: [2], elements: [2, 2]))],
          [v([4, 5, 6, 7]), .intArray(IntArray(shape: [2], elements: [2, 2]))],
        ]
      ))
    cases.append(
      (
        "Array.map(_:)",
        [[v([1, 2, 3]), .intrinsicFunction("exp(_:)")], [v([4, 5, 6]), .intrinsicFunction("exp(_:)")]]
      ))
    cases.append(
      (
        "Array.reduce(_:_:)",
        [
          [v([1, 2, 3]), .real(10), .intrinsicFunction("hypot(_:_:)")],
          [v([4, 5, 6]), .real(3), .intrinsicFunction("hypot(_:_:)")],
        ]
      ))
    return cases.flatMap {
      [Case(name: $0.0, sets: $0.1, isFramed: false), Case(name: $0.0, sets: $0.1, isFramed: true)]
    }
  }()

  @Test(arguments: cases) func agrees(_ item: Case) throws {
    let machine = Session().machine
    let builder = GraphBuilder()
    let place = SourceSpan(source: SourceID(0), start: 0, end: 0)
    let tracer = Tracer(
      handler: NoSites(), context: machine, registry: machine.registry, hooks: machine.hooks, builder: builder,
      span: place, global: { _ in .none })
    let plate = FrameID(7)
    if item.isFramed {
      let numbers = builder.data(TensorData(extents: [2], elements: [0, 1]), element: .integer, tags: [7])
      let index = TracedTensor(node: numbers, frames: [plate], element: .int, shape: [])
      tracer.frames.append(Frame(id: plate, kind: .plate, name: "i", lower: 0, extent: 2, index: index))
    }
    var position: [Double] = []
    var arguments: [Value] = []
    for (number, argument) in item.sets[0].enumerated() {
      guard Value.Tag.real == argument.tag || Value.Tag.realArray == argument.tag,
        let elements = Operations.reals(argument)
      else {
        arguments.append(argument)
        continue
      }
      let shape = Operations.shape(of: argument) ?? []
      let dimensions = (item.isFramed ? [Dimension(2, tag: 7)] : []) + shape.map { Dimension($0) }
      let node = builder.parameter(offset: position.count, shape: dimensions)
      position += elements
      if item.isFramed { position += Operations.reals(item.sets[1][number]) ?? [] }
      let tensor = TracedTensor(node: node, frames: item.isFramed ? [plate] : [], element: .real, shape: shape)
      arguments.append(.traced(TracedValue(.tensor(tensor))))
    }
    let output = try tracer.call(.intrinsicFunction(item.name), arguments)
    guard case .traced(let traced) = output, case .tensor(let tensor) = traced.content else {
      Issue.record("not a tensor")
      return
    }
    let result = Program(try builder.finish(outputs: [tensor.node])).run(position: position, inputs: [])[0]
    var expected: [Double] = []
    var shape: [Int] = []
    for set in item.isFramed ? item.sets : [item.sets[0]] {
      let concrete = try machine.call(.intrinsicFunction(item.name), set)
      expected += Operations.reals(concrete) ?? []
      shape = Operations.shape(of: concrete) ?? []
    }
    #expect(tensor.shape == shape)
    #expect(result.extents == (item.isFramed ? [2] : []) + shape)
    #expect(result.elements.count == expected.count)
    // `solve` refines what the normal equations give inside models: without that, nearly singular systems would be off
    // by more.
    for (found, wanted) in zip(result.elements, expected) {
      #expect((found - wanted).magnitude <= 1e-9 * max(1, wanted.magnitude))
    }
  }
}
