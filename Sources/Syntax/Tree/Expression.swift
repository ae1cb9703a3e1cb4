/// A name as written, with its place.
package struct Identifier: Sendable, Equatable {
  package var text: String
  package var span: SourceSpan
  package init(_ text: String, _ span: SourceSpan) {
    self.text = text
    self.span = span
  }
}

/// An expression of the source text. It holds no types.
package struct Expression: Sendable, Equatable {
  package var kind: Kind
  package var span: SourceSpan

  package init(_ kind: Kind, _ span: SourceSpan) {
    self.kind = kind
    self.span = span
  }

  package indirect enum Kind: Sendable, Equatable {
    case boolean(Bool)
    case integer(Int)
    case real(Double)
    case string([StringSegment])
    case nilLiteral
    case name(String)
    /// `.normal`, or with arguments through `.call`: the type comes from the context.
    case implicitMember(Identifier)
    /// `\.g.scale`
    case keyPath([Identifier])
    case array([Expression])
    /// `["a": 1]`, and `[:]` with no elements.
    case dictionary([DictionaryElement])
    /// Two or more elements, or none (the unit value). A parenthesised expression is just the expression.
    case tuple([Argument])
    case unary(UnaryOperator, Expression)
    case binary(BinaryOperator, operatorSpan: SourceSpan, Expression, Expression)
    /// `a..<b`, `a...b`; a missing bound is a slice's open end.
    case range(lower: Expression?, upper: Expression?, isClosed: Bool)
    case ternary(condition: Expression, then: Expression, otherwise: Expression)
    /// `f(x, label: y) { trailing }`; a trailing closure is the last argument, marked so.
    case call(callee: Expression, arguments: [Argument])
    case index(base: Expression, arguments: [Argument])
    /// `base.name`; `base.0` for tuples.
    case member(base: Expression, name: Identifier)
    /// `base?.name`
    case optionalMember(base: Expression, name: Identifier)
    /// `base!`
    case forceUnwrap(Expression)
    case closure(Closure)
    case ifExpression(IfStatement)
    case switchExpression(SwitchStatement)
    /// A type used as a value: `Row.self`.
    case typeReference(TypeExpression)
    /// What could not be parsed; a diagnostic has been given.
    case erroneous
  }

  package struct DictionaryElement: Sendable, Equatable {
    package var key: Expression
    package var value: Expression
    package init(key: Expression, value: Expression) {
      self.key = key
      self.value = value
    }
  }

  package struct Argument: Sendable, Equatable {
    package var label: Identifier?
    package var value: Expression
    package var isTrailingClosure: Bool
    package init(label: Identifier?, value: Expression, isTrailingClosure: Bool = false) {
      self.label = label
      self.value = value
      self.isTrailingClosure = isTrailingClosure
    }
  }
}

package enum StringSegment: Sendable, Equatable {
  case text(String)
  case interpolation(Expression)
}

package enum UnaryOperator: String, Sendable, CaseIterable {
  case minus = "-"
  case plus = "+"
  case not = "!"
}

/// Loosest first: `||`, `&&`, comparisons (not associative), `??`, ranges (own node), additive, multiplicative,
/// then unary minus, then `**` (right-associative and tighter than unary minus).
package enum BinaryOperator: String, Sendable, CaseIterable {
  case or = "||"
  case and = "&&"
  case equal = "=="
  case notEqual = "!="
  case less = "<"
  case lessOrEqual = "<="
  case greater = ">"
  case greaterOrEqual = ">="
  case coalesce = "??"
  case add = "+"
  case subtract = "-"
  case multiply = "*"
  case divide = "/"
  case remainder = "%"
  case elementMultiply = ".*"
  case elementDivide = "./"
  case power = "**"
}

/// `{ x, y in … }`, `{ (x: Real) -> Real in … }`, or `{ … }` with `$0`, `$1`.
package struct Closure: Sendable, Equatable {
  package struct Parameter: Sendable, Equatable {
    package var name: Identifier
    package var type: TypeExpression?
    package init(name: Identifier, type: TypeExpression?) {
      self.name = name
      self.type = type
    }
  }
  /// Nil where the closure uses `$0` or has no parameters at all.
  package var parameters: [Parameter]?
  package var result: TypeExpression?
  package var body: Block
  package init(parameters: [Parameter]?, result: TypeExpression?, body: Block) {
    self.parameters = parameters
    self.result = result
    self.body = body
  }
}

/// A type as written.
package struct TypeExpression: Sendable, Equatable {
  package var kind: Kind
  package var span: SourceSpan
  package init(_ kind: Kind, _ span: SourceSpan) {
    self.kind = kind
    self.span = span
  }

  package indirect enum Kind: Sendable, Equatable {
    /// `Real`, `Vector[N]`, `Matrix[M, N]`, `Index[J]`, `Posterior<M>`, a user's type.
    case named(Identifier, generics: [TypeExpression], extents: [ExtentExpression])
    /// `[T]`, `[N of T]`
    case array(extent: ExtentExpression?, element: TypeExpression)
    case dictionary(key: TypeExpression, value: TypeExpression)
    case tuple([Element])
    case optional(TypeExpression)
    case function(parameters: [TypeExpression], result: TypeExpression)
    case erroneous
  }

  package struct Element: Sendable, Equatable {
    package var label: Identifier?
    package var type: TypeExpression
    package init(label: Identifier?, type: TypeExpression) {
      self.label = label
      self.type = type
    }
  }

  /// Whether a part of it could not be read.
  package var isErroneous: Bool {
    switch kind {
    case .erroneous: true
    case .named(_, let generics, _): generics.contains(where: \.isErroneous)
    case .array(_, let element): element.isErroneous
    case .dictionary(let key, let value): key.isErroneous || value.isErroneous
    case .tuple(let elements): elements.contains { $0.type.isErroneous }
    case .optional(let inner): inner.isErroneous
    case .function(let parameters, let result): parameters.contains(where: \.isErroneous) || result.isErroneous
    }
  }
}

/// An extent in a type: a number, a name, or `_` for one that is not said.
package enum ExtentExpression: Sendable, Equatable {
  case literal(Int, SourceSpan)
  case name(Identifier)
  case unknown(SourceSpan)

  package var span: SourceSpan {
    switch self {
    case .literal(_, let span), .unknown(let span): span
    case .name(let name): name.span
    }
  }
}
