import TensorIR

/// What library functions mean on values that vary inside a model.
enum TracedLibrary {
  typealias Trace = @Sendable (any TraceContext, [Value]) throws -> Value

  /// The intrinsic with its traced meaning, where it has one.
  static func withTrace(_ intrinsic: Intrinsic) -> Intrinsic {
    var result = intrinsic
    if result.trace == nil { result.trace = traces[intrinsic.name] }
    return result
  }

  private static let traces: [String: Trace] = {
    var all: [String: Trace] = [:]
    for (name, operation) in unary {
      all["\(name)(_:)"] = { context, values in
        try context.elementwise(operation, try real(context, values[0]))
      }
    }
    for (name, operation) in binary {
      all["\(name)(_:_:)"] = { context, values in
        try context.elementwise(operation, try real(context, values[0]), try real(context, values[1]))
      }
    }
    for (name, trace) in scalarFunctions + reductions + matrices + structure + functional { all[name] = trace }
    return all
  }()

  // MARK: - Element by element

  private static let unary: [(String, UnaryOperation)] = [
    ("exp", .exp), ("log", .log), ("log1p", .log1p), ("expm1", .expm1), ("sqrt", .sqrt), ("square", .square),
    ("floor", .floor), ("ceil", .ceiling), ("round", .round), ("trunc", .truncate), ("sin", .sin), ("cos", .cos),
    ("tan", .tan), ("asin", .asin), ("acos", .acos), ("atan", .atan), ("sinh", .sinh), ("cosh", .cosh), ("tanh", .tanh),
    ("logistic", .logistic), ("logLogistic", .logLogistic), ("softplus", .softplus), ("log1mexp", .log1mexp),
    ("erf", .erf), ("erfc", .erfc), ("normalCDF", .normalCDF), ("normalQuantile", .normalQuantile),
    ("lgamma", .logGamma), ("digamma", .digamma), ("trigamma", .trigamma), ("isNaN", .isNaN), ("isFinite", .isFinite),
  ]

  private static let binary: [(String, BinaryOperation)] = [
    ("pow", .power), ("atan2", .atan2), ("logAddExp", .logAddExp),
  ]

  private static let scalarFunctions: [(String, Trace)] = [
    ("abs(_:)", { context, values in try context.elementwise(.absolute, values[0]) }),
    ("sign(_:)", { context, values in try context.elementwise(.sign, values[0]) }),
    ("min(_:_:)", { context, values in try paired(context, .minimum, values[0], values[1]) }),
    ("max(_:_:)", { context, values in try paired(context, .maximum, values[0], values[1]) }),
    (
      "clamp(_:_:_:)",
      { context, values in
        try paired(context, .minimum, try paired(context, .maximum, values[0], values[1]), values[2])
      }
    ),
    ("quotient(_:_:)", { context, values in try context.elementwise(.integerQuotient, values[0], values[1]) }),
    ("Real(_:)", { context, values in try real(context, values[0]) }),
    ("Int(_:)", { context, values in try context.elementwise(.toInteger, values[0]) }),
    (
      "log10(_:)",
      { context, values in
        try context.elementwise(
          .divide, try context.elementwise(.log, try real(context, values[0])), .real(2.302585092994046))
      }
    ),
    (
      "log2(_:)",
      { context, values in
        try context.elementwise(
          .divide, try context.elementwise(.log, try real(context, values[0])), .real(0.6931471805599453))
      }
    ),
    (
      "logit(_:)",
      { context, values in
        let p = try real(context, values[0])
        let complement = try context.elementwise(.log1p, try context.elementwise(.negate, p))
        return try context.elementwise(.subtract, try context.elementwise(.log, p), complement)
      }
    ),
    (
      "hypot(_:_:)",
      { context, values in
        // The larger times √(1 + ratio²) does not overflow; a tiny floor keeps 0/0 away.
        let x = try context.elementwise(.absolute, try real(context, values[0]))
        let y = try context.elementwise(.absolute, try real(context, values[1]))
        let large = try context.elementwise(.maximum, try context.elementwise(.maximum, x, y), .real(1e-300))
        let ratio = try context.elementwise(.divide, try context.elementwise(.minimum, x, y), large)
        let root = try context.elementwise(
          .sqrt, try context.elementwise(.add, .real(1), try context.elementwise(.square, ratio)))
        return try context.elementwise(.multiply, large, root)
      }
    ),
    ("logBeta(_:_:)", { context, values in try logBeta(context, values[0], values[1]) }),
    (
      "logChoose(_:_:)",
      { context, values in
        let n = try real(context, values[0])
        let k = try real(context, values[1])
        let failures = try context.elementwise(.add, try context.elementwise(.subtract, n, k), .real(1))
        let beta = try logBeta(context, failures, try context.elementwise(.add, k, .real(1)))
        return try context.elementwise(
          .negate, try context.elementwise(.add, try context.elementwise(.log1p, n), beta))
      }
    ),
  ]

  private static func logBeta(_ context: any TraceContext, _ left: Value, _ right: Value) throws -> Value {
    let a = try real(context, left)
    let b = try real(context, right)
    // Nothing of the other brings each to the shape and frames of both.
    func spread(_ value: Value, over other: Value) throws -> Value {
      try context.elementwise(.add, value, try context.elementwise(.masked, other, .real(0)))
    }
    let operands = try Operands(context, [try spread(a, over: b), try spread(b, over: a)])
    return operands.value(operands.builder.logBeta(operands[0], operands[1]), operands.shape(0))
  }

  /// Real operations on integer operands work on their real values.
  private static func real(_ context: any TraceContext, _ value: Value) throws -> Value {
    try context.tensor(value).element == .real ? value : try context.elementwise(.toReal, value)
  }

  private static func paired(
    _ context: any TraceContext, _ operation: BinaryOperation, _ left: Value, _ right: Value
  ) throws -> Value {
    let a = try context.tensor(left).element
    let b = try context.tensor(right).element
    if a == b { return try context.elementwise(operation, left, right) }
    return try context.elementwise(operation, try real(context, left), try real(context, right))
  }

  // MARK: - Operands

  /// Tensors over the same frames, in one graph.
  struct Operands {
    let context: any TraceContext
    let tensors: [TracedTensor]
    let frames: [FrameID]
    let builder: GraphBuilder
    let level: Int

    init(_ context: any TraceContext, _ values: [Value]) throws {
      self.context = context
      var tensors: [TracedTensor] = []
      for value in values {
        let tensor = try context.tensor(value)
        tensors.append(tensor.element == .real ? tensor : try context.tensor(try context.elementwise(.toReal, value)))
      }
      let aligned = try context.aligned(tensors)
      frames = aligned.frames
      let common = try context.common(aligned.tensors)
      self.tensors = common.0
      builder = common.1
      level = common.2
    }

    subscript(index: Int) -> NodeID { tensors[index].node }
    func shape(_ index: Int) -> [Int] { tensors[index].shape }

    func value(_ node: NodeID, _ shape: [Int]) -> Value {
      .traced(
        TracedValue(.tensor(TracedTensor(node: node, frames: frames, element: .real, shape: shape, level: level))))
    }

    /// Axes of the program's own shape as axes of the node.
    func axes(_ own: [Int]) -> [Int] { own.map { frames.count + $0 } }

    func reshaped(_ node: NodeID, _ shape: [Int]) -> NodeID {
      builder.reshape(node, to: context.shape(frames: frames, shape))
    }

    func vector(_ index: Int, _ name: String) throws -> Int {
      guard shape(index).count == 1 else {
        throw Fault("H205", "`\(name)` needs a vector", expected: "one axis", found: "shape \(shape(index))")
      }
      return shape(index)[0]
    }

    func matrix(_ index: Int, _ name: String) throws -> (rows: Int, columns: Int) {
      guard shape(index).count == 2 else {
        throw Fault("H205", "`\(name)` needs a matrix", expected: "two axes", found: "shape \(shape(index))")
      }
      return (shape(index)[0], shape(index)[1])
    }

    func square(_ index: Int, _ name: String) throws -> Int {
      let (rows, columns) = try matrix(index, name)
      guard rows == columns else {
        throw Fault("H205", "`\(name)` needs a square matrix", found: "\(rows) × \(columns)")
      }
      return rows
    }

    /// A vector over the frames repeated along a new axis: `axis` 0 gives rows alike, 1 columns alike.
    func repeated(_ node: NodeID, along axis: Int, _ rows: Int, _ columns: Int) -> NodeID {
      let own = axis == 0 ? [frames.count + 1] : [frames.count]
      return builder.broadcast(
        node, to: context.shape(frames: frames, [rows, columns]), mapping: Array(0..<frames.count) + own)
    }
  }

  // MARK: - Reductions

  private static let reductions: [(String, Trace)] = [
    ("sum(_:)", { context, values in try integersOrReals(context, values[0], .sum) }),
    ("product(_:)", { context, values in try integersOrReals(context, values[0], .product) }),
    ("min(_:)", { context, values in try integersOrReals(context, values[0], .minimum) }),
    ("max(_:)", { context, values in try integersOrReals(context, values[0], .maximum) }),
    ("logSumExp(_:)", { context, values in try reduced(context, values[0], .logSumExp) }),
    ("mean(_:)", { context, values in try mean(context, values[0]) }),
    ("variance(_:)", { context, values in try variance(context, values[0]) }),
    ("sd(_:)", { context, values in try context.elementwise(.sqrt, try variance(context, values[0])) }),
    (
      "center(_:)",
      { context, values in
        try context.elementwise(.subtract, values[0], try mean(context, values[0]))
      }
    ),
    (
      "standardize(_:)",
      { context, values in
        let centered = try context.elementwise(.subtract, values[0], try mean(context, values[0]))
        return try context.elementwise(
          .divide, centered, try context.elementwise(.sqrt, try variance(context, values[0])))
      }
    ),
    (
      "cumulativeSum(_:)",
      { context, values in
        // The graph's running sum goes along the last axis, which is the vector's own.
        let operands = try Operands(context, [values[0]])
        let count = try operands.vector(0, "cumulativeSum")
        return operands.value(operands.builder.cumulativeSum(operands[0]), [count])
      }
    ),
    (
      "differences(_:)",
      { context, values in
        let operands = try Operands(context, [values[0]])
        let count = try operands.vector(0, "differences")
        guard count > 1 else { return .realArray(RealArray([])) }
        let axis = operands.frames.count
        let later = operands.builder.slice(operands[0], axis: axis, start: 1, count: count - 1)
        let earlier = operands.builder.slice(operands[0], axis: axis, start: 0, count: count - 1)
        return operands.value(operands.builder.subtract(later, earlier), [count - 1])
      }
    ),
    (
      "dot(_:_:)",
      { context, values in
        let operands = try Operands(context, values)
        let count = try operands.vector(0, "dot")
        guard try operands.vector(1, "dot") == count else {
          throw Fault(
            "H205", "`dot` needs vectors of one length", expected: "\(count)", found: "\(operands.shape(1)[0])")
        }
        let product = operands.builder.multiply(operands[0], operands[1])
        return operands.value(operands.builder.reduce(.sum, product, axes: operands.axes([0])), [])
      }
    ),
    (
      "rowSums(_:)",
      { context, values in
        let operands = try Operands(context, [values[0]])
        let (rows, _) = try operands.matrix(0, "rowSums")
        return operands.value(operands.builder.reduce(.sum, operands[0], axes: operands.axes([1])), [rows])
      }
    ),
    (
      "columnSums(_:)",
      { context, values in
        let operands = try Operands(context, [values[0]])
        let (_, columns) = try operands.matrix(0, "columnSums")
        return operands.value(operands.builder.reduce(.sum, operands[0], axes: operands.axes([0])), [columns])
      }
    ),
  ]

  private static func reduced(_ context: any TraceContext, _ value: Value, _ reduction: Reduction) throws -> Value {
    let operands = try Operands(context, [value])
    let axes = operands.axes(Array(operands.shape(0).indices))
    return operands.value(operands.builder.reduce(reduction, operands[0], axes: axes), [])
  }

  /// Reductions that keep integers integers; a sum of Booleans counts.
  private static func integersOrReals(_ context: any TraceContext, _ value: Value, _ reduction: Reduction) throws
    -> Value
  {
    let tensor = try context.tensor(value)
    guard tensor.element != .real else { return try reduced(context, value, reduction) }
    return try context.elementwise(.toInteger, try reduced(context, value, reduction))
  }

  private static func count(_ context: any TraceContext, _ value: Value) throws -> Double {
    Double(try context.tensor(value).shape.reduce(1, *))
  }

  private static func mean(_ context: any TraceContext, _ value: Value) throws -> Value {
    try context.elementwise(.divide, try reduced(context, value, .sum), .real(try count(context, value)))
  }

  private static func variance(_ context: any TraceContext, _ value: Value) throws -> Value {
    let centered = try context.elementwise(.subtract, try real(context, value), try mean(context, value))
    let squares = try reduced(context, try context.elementwise(.square, centered), .sum)
    return try context.elementwise(.divide, squares, .real(try count(context, value) - 1))
  }

  // MARK: - Matrices

  private static let matrices: [(String, Trace)] = [
    (
      "transpose(_:)",
      { context, values in
        let operands = try Operands(context, [values[0]])
        let (rows, columns) = try operands.matrix(0, "transpose")
        return operands.value(operands.builder.transpose(operands[0]), [columns, rows])
      }
    ),
    (
      "diagonal(_:)",
      { context, values in
        let operands = try Operands(context, [values[0]])
        if operands.shape(0).count == 2 {
          let size = try operands.square(0, "diagonal")
          return operands.value(operands.builder.diagonalPart(operands[0]), [size])
        }
        let size = try operands.vector(0, "diagonal")
        return operands.value(operands.builder.diagonalMatrix(operands[0]), [size, size])
      }
    ),
    (
      "trace(_:)",
      { context, values in
        let operands = try Operands(context, [values[0]])
        _ = try operands.square(0, "trace")
        let part = operands.builder.diagonalPart(operands[0])
        return operands.value(operands.builder.reduce(.sum, part, axes: operands.axes([0])), [])
      }
    ),
    (
      "outer(_:_:)",
      { context, values in
        let operands = try Operands(context, values)
        let rows = try operands.vector(0, "outer")
        let columns = try operands.vector(1, "outer")
        let left = operands.repeated(operands[0], along: 1, rows, columns)
        let right = operands.repeated(operands[1], along: 0, rows, columns)
        return operands.value(operands.builder.multiply(left, right), [rows, columns])
      }
    ),
    (
      "cholesky(_:)",
      { context, values in
        let operands = try Operands(context, [values[0]])
        let size = try operands.square(0, "cholesky")
        return operands.value(operands.builder.cholesky(operands[0]), [size, size])
      }
    ),
    (
      "logDeterminant(_:)",
      { context, values in
        let operands = try Operands(context, [values[0]])
        _ = try operands.square(0, "logDeterminant")
        let builder = operands.builder
        let logs = builder.log(builder.diagonalPart(builder.cholesky(operands[0])))
        let half = builder.reduce(.sum, logs, axes: operands.axes([0]))
        return operands.value(builder.multiply(builder.constant(2), half), [])
      }
    ),
    (
      "eigenvalues(_:)",
      { context, values in
        let operands = try Operands(context, [values[0]])
        let size = try operands.square(0, "eigenvalues")
        return operands.value(operands.builder.symmetricEigen(operands[0]).values, [size])
      }
    ),
    (
      "eigenvectors(_:)",
      { context, values in
        let operands = try Operands(context, [values[0]])
        let size = try operands.square(0, "eigenvectors")
        let builder = operands.builder
        return operands.value(builder.transpose(builder.symmetricEigen(operands[0]).vectors), [size, size])
      }
    ),
    ("solve(_:_:)", { context, values in try solve(context, values) }),
    (
      "inverse(_:)",
      { context, values in
        let size = try context.tensor(values[0]).shape.first ?? 0
        var unit = [Double](repeating: 0, count: size * size)
        for index in 0..<size { unit[index * size + index] = 1 }
        return try solve(context, [values[0], .matrix(size, size, unit)])
      }
    ),
    (
      "squaredExponential(_:_:_:)",
      { context, values in
        let operands = try Operands(context, values)
        let size = try operands.vector(0, "squaredExponential")
        let builder = operands.builder
        let rows = operands.repeated(operands[0], along: 1, size, size)
        let columns = operands.repeated(operands[0], along: 0, size, size)
        let matrixShape = context.shape(frames: operands.frames, [size, size])
        func wide(_ index: Int) -> NodeID {
          builder.broadcast(operands[index], to: matrixShape, mapping: Array(0..<operands.frames.count))
        }
        let distance = builder.divide(builder.subtract(rows, columns), wide(2))
        let kernel = builder.exp(builder.multiply(builder.constant(-0.5), builder.square(distance)))
        return operands.value(builder.multiply(builder.square(wide(1)), kernel), [size, size])
      }
    ),
    ("Matrix(rows:)", { _, values in values[0] }),
    (
      "Matrix(columns:)",
      { context, values in
        let operands = try Operands(context, [values[0]])
        let (rows, columns) = try operands.matrix(0, "Matrix")
        return operands.value(operands.builder.transpose(operands[0]), [columns, rows])
      }
    ),
  ]

  /// The solution of `a x = b`: by the inverse of a matrix that is known, otherwise by the normal equations
  /// `aᵀa x = aᵀb`, since the graph factors positive definite matrices only.
  ///
  /// Those square the condition number κ; a step of refinement takes the error κ² ε back to about κ ε (Björck 1987,
  /// "Stability analysis of the method of seminormal equations", section 4). Where κ² ε is above 1 the factor is NaN: a
  /// covariance is better solved through `cholesky`.
  private static func solve(_ context: any TraceContext, _ values: [Value]) throws -> Value {
    let operands = try Operands(context, values)
    let size = try operands.square(0, "solve")
    let builder = operands.builder
    let shape = operands.shape(1)
    guard shape.first == size, shape.count <= 2 else {
      throw Fault(
        "H205", "`solve` needs as many right-hand rows as the matrix has", expected: "\(size)", found: "\(shape)")
    }
    let columns = shape.count == 2 ? shape[1] : 1
    let right = operands.reshaped(operands[1], [size, columns])
    if case .realArray(let known) = values[0] {
      let identity = (0..<(size * size)).map { $0 % (size + 1) == 0 ? 1.0 : 0 }
      let inverse = try LinearAlgebraLibrary.solved(known.elements, size, identity, size)
      let matrix = builder.data(TensorData(extents: [size, size], elements: inverse))
      return operands.value(operands.reshaped(builder.matrixProduct(matrix, right), shape), shape)
    }
    let transposed = builder.transpose(operands[0])
    let factor = builder.cholesky(builder.matrixProduct(transposed, operands[0]))
    func solved(_ right: NodeID) -> NodeID {
      let lower = builder.triangularSolve(factor, builder.matrixProduct(transposed, right))
      return builder.triangularSolve(factor, lower, transposed: true)
    }
    let first = solved(right)
    let rest = builder.subtract(right, builder.matrixProduct(operands[0], first))
    let solution = builder.add(first, solved(rest))
    return operands.value(operands.reshaped(solution, shape), shape)
  }

  // MARK: - Structure

  private static let structure: [(String, Trace)] = [
    ("Array.count", { context, values in .int(try length(context, values[0])) }),
    ("Array.isEmpty", { context, values in .bool(try length(context, values[0]) == 0) }),
    ("Array.indices", { context, values in .range(0, try length(context, values[0])) }),
    ("Array.shape", { context, values in .integers(try context.tensor(values[0]).shape) }),
    (
      "Array.first",
      { context, values in
        try length(context, values[0]) == 0 ? .none : try elements(context, values[0], in: 0..<1)[0]
      }
    ),
    (
      "Array.last",
      { context, values in
        let count = try length(context, values[0])
        return count == 0 ? .none : try elements(context, values[0], in: (count - 1)..<count)[0]
      }
    ),
    ("Array.prefix(_:)", { context, values in try part(context, values) { count, n in 0..<min(count, n) } }),
    (
      "Array.suffix(_:)",
      { context, values in try part(context, values) { count, n in (count - min(count, n))..<count } }
    ),
    ("Array.dropFirst(_:)", { context, values in try part(context, values) { count, n in min(count, n)..<count } }),
    (
      "Array.dropLast(_:)", { context, values in try part(context, values) { count, n in 0..<(count - min(count, n)) } }
    ),
    (
      "Array.droppingLast()",
      { context, values in try part(context, [values[0], .int(1)]) { count, n in 0..<max(0, count - n) } }
    ),
    ("Array.reversed()", { context, values in try gathered(try elements(context, values[0]).reversed(), context) }),
    (
      "Array.appending(_:)",
      { context, values in
        try gathered(try elements(context, values[0]) + [values[1]], context)
      }
    ),
    (
      "Array.append(_:)",
      { context, values in
        try gathered(try elements(context, values[0]) + [values[1]], context)
      }
    ),
    (
      "Array.flattened()",
      { context, values in
        let operands = try Operands(context, [values[0]])
        let count = operands.shape(0).reduce(1, *)
        return operands.value(operands.reshaped(operands[0], [count]), [count])
      }
    ),
    (
      "reshape(_:_:)",
      { context, values in
        let operands = try Operands(context, [values[0]])
        let shape = try Operations.integers(values[1]).elements
        guard try Operations.elementCount(shape) == operands.shape(0).reduce(1, *) else {
          throw Fault("H205", "\(operands.shape(0)) has other elements than \(shape)")
        }
        return operands.value(operands.reshaped(operands[0], shape), shape)
      }
    ),
    (
      "concat(_:_:)",
      { context, values in
        if case .list = values[0] {
        } else if case .list = values[1] {
        } else {
          let operands = try Operands(context, values)
          let (left, right) = (operands.shape(0), operands.shape(1))
          if !left.isEmpty, left.dropFirst() == right.dropFirst() {
            let node = operands.builder.concatenate([operands[0], operands[1]], axis: operands.frames.count)
            return operands.value(node, [left[0] + right[0]] + left.dropFirst())
          }
        }
        return try gathered(try elements(context, values[0]) + (try elements(context, values[1])), context)
      }
    ),
    (
      "repeated(_:_:)",
      { context, values in
        guard case .int(let count) = values[1], count >= 0 else {
          throw Fault("M227", "a count cannot vary", help: "extents are fixed by the model's arguments")
        }
        return try gathered(Array(repeating: values[0], count: count), context)
      }
    ),
    (
      "zip(_:_:)",
      { context, values in
        .list(zip(try elements(context, values[0]), try elements(context, values[1])).map { .tuple([$0, $1]) })
      }
    ),
    (
      "Array.enumerated()",
      { context, values in
        .list(try elements(context, values[0]).enumerated().map { .tuple([.int($0.offset), $0.element]) })
      }
    ),
  ]

  private static func length(_ context: any TraceContext, _ value: Value) throws -> Int {
    switch value {
    case .traced:
      guard let count = try context.tensor(value).shape.first else { throw Operations.unsuitable("counting", value) }
      return count
    default: return try Operations.count(value)
    }
  }

  /// The elements of an array or list as values.
  private static func elements(
    _ context: any TraceContext, _ value: Value, in range: Range<Int>? = nil
  ) throws -> [Value] {
    guard case .traced = value else {
      let all = try Operations.elements(of: value)
      return range.map { Array(all[$0]) } ?? all
    }
    let tensor = try context.tensor(value)
    let (same, builder, level) = try context.common([tensor])
    guard let count = tensor.shape.first else { throw Operations.unsuitable("a loop", value) }
    let rest = Array(tensor.shape.dropFirst())
    return (range ?? 0..<count).map { index in
      let slice = builder.slice(same[0].node, axis: tensor.frames.count, start: index, count: 1)
      let node = builder.reshape(slice, to: context.shape(frames: tensor.frames, rest))
      return .traced(
        TracedValue(
          .tensor(
            TracedTensor(
              node: node, frames: tensor.frames, element: tensor.element, shape: rest, index: tensor.index, level: level
            ))))
    }
  }

  private static func part(
    _ context: any TraceContext, _ values: [Value], _ range: (Int, Int) -> Range<Int>
  ) throws -> Value {
    guard case .int(let n) = values[1] else {
      throw Fault("M227", "a count cannot vary", help: "extents are fixed by the model's arguments")
    }
    let kept = range(try length(context, values[0]), max(0, n))
    guard case .traced = values[0] else {
      return try Operations.index(values[0], [.range(kept.lowerBound, kept.upperBound)])
    }
    let tensor = try context.tensor(values[0])
    let (same, builder, level) = try context.common([tensor])
    var result = same[0]
    result.node = builder.slice(same[0].node, axis: tensor.frames.count, start: kept.lowerBound, count: kept.count)
    result.shape = [kept.count] + tensor.shape.dropFirst()
    result.level = level
    return .traced(TracedValue(.tensor(result)))
  }

  /// Results as one array where they are numbers, else as a list.
  private static func gathered(_ results: [Value], _ context: any TraceContext) throws -> Value {
    var holdsNode = false
    for result in results {
      switch result {
      case .traced: holdsNode = true
      case .bool, .int, .real, .realArray, .intArray, .boolArray: continue
      default: return .list(results)
      }
    }
    guard holdsNode else { return try Operations.collected(results) }
    return .traced(TracedValue(.tensor(try context.tensor(.list(results)))))
  }

  // MARK: - Functions of functions

  private static let functional: [(String, Trace)] = [
    ("Array.map(_:)", map), ("Range.map(_:)", map),
    ("Array.reduce(_:_:)", reduce), ("Range.reduce(_:_:)", reduce),
    (
      "Array.forEach(_:)",
      { context, values in
        for element in try elements(context, values[0]) { _ = try context.call(values[1], [element]) }
        return .unit
      }
    ),
    (
      "vector(_:_:)",
      { context, values in
        guard case .int(let count) = values[0], count >= 0 else {
          throw Fault("M227", "the length of a vector cannot vary", help: "extents are fixed by the model's arguments")
        }
        if count == 0 { return .realArray(RealArray([])) }
        return try gathered(try (0..<count).map { try real(context, try context.call(values[1], [.int($0)])) }, context)
      }
    ),
    (
      "matrix(_:_:_:)",
      { context, values in
        guard case .int(let rows) = values[0], case .int(let columns) = values[1], rows >= 0, columns >= 0 else {
          throw Fault("M227", "the extents of a matrix cannot vary", help: "extents are fixed by the model's arguments")
        }
        _ = try Operations.elementCount([rows, columns])
        if rows * columns == 0 { return .matrix(rows, columns, []) }
        var all: [Value] = []
        for row in 0..<rows {
          for column in 0..<columns {
            all.append(try real(context, try context.call(values[2], [.int(row), .int(column)])))
          }
        }
        let flat = try gathered(all, context)
        guard case .traced = flat else {
          return .realArray(RealArray(shape: [rows, columns], elements: Operations.reals(flat) ?? []))
        }
        let operands = try Operands(context, [flat])
        return operands.value(operands.reshaped(operands[0], [rows, columns]), [rows, columns])
      }
    ),
    // These act on fixed values only, but their function may read varying ones.
    (
      "Array.filter(_:)",
      { context, values in
        let kept = try elements(context, values[0]).filter { try fixedTruth(try context.call(values[1], [$0])) }
        return try gathered(kept, context)
      }
    ),
    (
      "Array.allSatisfy(_:)",
      { context, values in
        for element in try elements(context, values[0]) where try !fixedTruth(try context.call(values[1], [element])) {
          return .bool(false)
        }
        return .bool(true)
      }
    ),
  ]

  private static func fixedTruth(_ value: Value) throws -> Bool {
    guard case .bool(let flag) = value else {
      throw Fault(
        "M229", "a test on a varying value cannot choose elements",
        help: "choose by data before the model, or use a select")
    }
    return flag
  }

  private static let map: Trace = { context, values in
    try gathered(try elements(context, values[0]).map { try context.call(values[1], [$0]) }, context)
  }

  private static let reduce: Trace = { context, values in
    var result = values[1]
    for element in try elements(context, values[0]) { result = try context.call(values[2], [result, element]) }
    return result
  }
}
