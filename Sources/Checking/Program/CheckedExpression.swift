package import Syntax

/// An expression whose names, types and conversions are settled: what lowering reads.
package struct CheckedExpression: Sendable {
  package var kind: Kind
  package var type: Type
  package var span: SourceSpan
  package init(_ kind: Kind, _ type: Type, _ span: SourceSpan) {
    self.kind = kind
    self.type = type
    self.span = span
  }

  package indirect enum Kind: Sendable {
    case unit
    case bool(Bool)
    case int(Int)
    case real(Double)
    case string(String)
    case nilLiteral
    case local(LocalID)
    /// A value bound at the top level of a cell, script or library file, resolved to its binding.
    case global(GlobalID)
    /// A declared function used as a value.
    case function(FunctionID)
    /// A library function used as a value (`xs.map(exp)`).
    case intrinsicFunction(String)
    /// Segments are strings or any printable value.
    case interpolation([CheckedExpression])
    /// The type tells what is built: `.array` (elements are scalars, or arrays of one rank less), or `.list`.
    case array([CheckedExpression])
    case dictionary([(key: CheckedExpression, value: CheckedExpression)])
    case tuple([CheckedExpression])
    case tupleElement(CheckedExpression, Int)
    /// All fields in order, defaults filled in.
    case structure(StructureID, [CheckedExpression])
    case field(CheckedExpression, Int)
    case enumCase(EnumerationID, Int, [CheckedExpression])
    case unary(UnaryOperator, CheckedExpression)
    /// Never `&&`, `||`, `??`. Operands are of the type the operation works on; scalars may meet arrays, arrays have
    /// one rank and scalar kind (int or real). `*` on matrices is the linear-algebra product, which is ``product``.
    case binary(BinaryOperator, CheckedExpression, CheckedExpression)
    /// Matrix × matrix, matrix × vector, vector × matrix.
    case product(CheckedExpression, CheckedExpression)
    case and(CheckedExpression, CheckedExpression)
    case or(CheckedExpression, CheckedExpression)
    /// The left side is optional; the type is its wrapped type (or optional again where the right side is).
    case coalesce(CheckedExpression, CheckedExpression)
    case conditional(CheckedExpression, CheckedExpression, CheckedExpression)
    /// Statements whose last value is `result`: `if` and `switch` used as expressions, desugared.
    case block([CheckedStatement], result: CheckedExpression)
    /// A declared function of the dialect, arguments in parameter order, defaults filled in.
    case call(FunctionID, [CheckedExpression])
    /// A library function; a method's receiver is the first argument. The name is the registration's: `exp(_:)`,
    /// `zeros(_:)`, `lags(_:_:_:before:)` for free functions; `Array.map(_:)`, `Table.rows` (a property), with the
    /// receiver's base name in front for members. Base names: Bool Int Real String Array (dense arrays and lists alike)
    /// Dictionary Range Optional Table Distribution Model Posterior, else the type's own name. Overloads that differ in
    /// types only share one registration, which looks at the values.
    case intrinsic(String, [CheckedExpression])
    /// A distribution's constructor by its registration's name (`Normal(_:_:)`, `Bernoulli(logits:)`), arguments in
    /// declared order; scalar families with array arguments are products of independent elements.
    case distribution(String, [CheckedExpression])
    case callValue(CheckedExpression, [CheckedExpression])
    case closure(CheckedClosure)
    case index(CheckedExpression, [CheckedIndex])
    case range(CheckedExpression, CheckedExpression, isClosed: Bool)
    case convert(CheckedExpression, Conversion)
    /// `e!`: an error at run time when nil.
    case forceUnwrap(CheckedExpression)
    /// `base?.…`: when `base` is nil the whole is nil; else `local` holds the wrapped value in `then`.
    case optionalChain(CheckedExpression, local: LocalID, then: CheckedExpression)
    /// A column of a table, by name (`table.effect`).
    case column(CheckedExpression, String)
    /// A member of an engine value found by name when running: `fit.theta`, members of dynamic values.
    case member(CheckedExpression, String)
    /// An instance of a model with all arguments in parameter order.
    case model(ModelID, [CheckedExpression])
    /// `m.given(…)`, `m.do(…)`, `m.with(…)`, `m.reparam(…)`, `fit.predict(…)`, `.values(…)`: labels are checked against
    /// the model where it is known; nested names are paths. `base` is nil for `.values`.
    case modelOperation(ModelOperation, base: CheckedExpression?, [ModelArgument])
    /// A list of site paths, for `keep:` and `over:`.
    case paths([[String]])
    /// A site of a sub-model: `g.scale`.
    case siteMember(CheckedExpression, String)
    case metatype(Type)
    /// A mistake that has been reported. Lowering never sees one: programs with errors do not run.
    case erroneous
  }
}

package struct CheckedClosure: Sendable {
  /// The body as a function whose first locals are the captures, then the parameters.
  package var function: CheckedFunction
  /// Values copied at creation, in the order of the function's first locals.
  package var captures: [LocalID]
  package init(function: CheckedFunction, captures: [LocalID]) {
    self.function = function
    self.captures = captures
  }
}

package enum CheckedIndex: Sendable {
  /// An integer, or an integer array (gather).
  case value(CheckedExpression)
  /// Bounds may be open.
  case slice(lower: CheckedExpression?, upper: CheckedExpression?, isClosed: Bool)
  /// A range value.
  case range(CheckedExpression)
  case all
}

package enum Conversion: Sendable, Equatable {
  /// Int → Real, also element by element on arrays.
  case intToReal
  /// `T` → `T?`
  case wrap
  /// `Index[J]` → `Int`, also on arrays: nothing changes but the type.
  case indexToInt
  /// Int → Index: a range check at run time.
  case intToIndex
  /// `[Real]` literal of scalars as `.list` → `.array`, where a list of numbers met an expected dense array.
  case listToArray
  /// From `.dynamic` to the node's type, checked at run time.
  case fromDynamic
  /// To `.dynamic`, no work.
  case toDynamic
  /// Bool data → Int 0/1, for counts.
  case boolToInt
  /// An element-by-element conversion inside a list or optional.
  indirect case elements(Conversion)
  /// A posterior or values as an initialization.
  case toInitialization
}

package enum ModelOperation: String, Sendable { case given, `do`, with, reparam, predict, values }

package struct ModelArgument: Sendable {
  package var path: [String]
  package var value: CheckedExpression
  package var span: SourceSpan
  package init(path: [String], value: CheckedExpression, span: SourceSpan) {
    self.path = path
    self.value = value
    self.span = span
  }
}
