/// The text of the `///` lines above a declaration, without the slashes.
package typealias DocComment = String

/// A parameter of a function or model: `_ x: Real`, `at day: Vector[T]`, `chains: Int = 4`.
package struct Parameter: Sendable, Equatable {
  /// The argument label; nil for `_`.
  package var label: Identifier?
  package var name: Identifier
  package var type: TypeExpression
  package var defaultValue: Expression?
  package var span: SourceSpan
  package init(label: Identifier?, name: Identifier, type: TypeExpression, defaultValue: Expression?, span: SourceSpan)
  {
    self.label = label
    self.name = name
    self.type = type
    self.defaultValue = defaultValue
    self.span = span
  }
}

package struct FunctionDeclaration: Sendable, Equatable {
  /// How the body is given.
  package enum Form: Sendable, Equatable {
    case body(Block)
    /// `intrinsic func` (stdlib only): the engine supplies it.
    case intrinsic
    /// `intrinsic elementwise func`: of reals; applied element by element to arrays of equal shapes.
    case intrinsicElementwise
    /// `intrinsic distribution Normal(…) -> Real`: a constructor of a distribution over the result type.
    case intrinsicDistribution
    /// `intrinsic var`: a computed member, written without parentheses at its use.
    case intrinsicProperty
  }
  package var name: Identifier
  /// Generic names; allowed on `intrinsic` declarations only.
  package var generics: [Identifier]
  package var parameters: [Parameter]
  package var result: TypeExpression?
  package var form: Form
  package var documentation: DocComment?
  package var span: SourceSpan
  package init(
    name: Identifier, generics: [Identifier], parameters: [Parameter], result: TypeExpression?, form: Form,
    documentation: DocComment?, span: SourceSpan
  ) {
    self.name = name
    self.generics = generics
    self.parameters = parameters
    self.result = result
    self.form = form
    self.documentation = documentation
    self.span = span
  }
}

package struct ModelDeclaration: Sendable, Equatable {
  package var name: Identifier
  package var parameters: [Parameter]
  package var body: Block
  package var documentation: DocComment?
  package var span: SourceSpan
  package init(name: Identifier, parameters: [Parameter], body: Block, documentation: DocComment?, span: SourceSpan) {
    self.name = name
    self.parameters = parameters
    self.body = body
    self.documentation = documentation
    self.span = span
  }
}

package struct StructureDeclaration: Sendable, Equatable {
  package struct Field: Sendable, Equatable {
    package var isVariable: Bool
    package var name: Identifier
    package var type: TypeExpression
    package var defaultValue: Expression?
    package init(isVariable: Bool, name: Identifier, type: TypeExpression, defaultValue: Expression?) {
      self.isVariable = isVariable
      self.name = name
      self.type = type
      self.defaultValue = defaultValue
    }
  }
  package var name: Identifier
  package var fields: [Field]
  package var methods: [FunctionDeclaration]
  package var documentation: DocComment?
  package var span: SourceSpan
  package init(
    name: Identifier, fields: [Field], methods: [FunctionDeclaration], documentation: DocComment?, span: SourceSpan
  ) {
    self.name = name
    self.fields = fields
    self.methods = methods
    self.documentation = documentation
    self.span = span
  }
}

package struct EnumerationDeclaration: Sendable, Equatable {
  package struct Case: Sendable, Equatable {
    package var name: Identifier
    package var payload: [TypeExpression.Element]
    package init(name: Identifier, payload: [TypeExpression.Element]) {
      self.name = name
      self.payload = payload
    }
  }
  package var name: Identifier
  package var cases: [Case]
  package var methods: [FunctionDeclaration]
  package var documentation: DocComment?
  package var span: SourceSpan
  package init(
    name: Identifier, cases: [Case], methods: [FunctionDeclaration], documentation: DocComment?, span: SourceSpan
  ) {
    self.name = name
    self.cases = cases
    self.methods = methods
    self.documentation = documentation
    self.span = span
  }
}

package struct ExtensionDeclaration: Sendable, Equatable {
  package var type: TypeExpression
  package var generics: [Identifier]
  package var methods: [FunctionDeclaration]
  package var span: SourceSpan
  package init(type: TypeExpression, generics: [Identifier], methods: [FunctionDeclaration], span: SourceSpan) {
    self.type = type
    self.generics = generics
    self.methods = methods
    self.span = span
  }
}

/// A parsed source text: the tree, every token with its trivia (so that printing gives the bytes back), and what was
/// wrong. Parsing never fails.
package struct SyntaxTree: Sendable {
  package var source: SourceText
  package var tokens: [Token]
  package var statements: [Statement]
  package var diagnostics: [Diagnostic]
  package init(source: SourceText, tokens: [Token], statements: [Statement], diagnostics: [Diagnostic]) {
    self.source = source
    self.tokens = tokens
    self.statements = statements
    self.diagnostics = diagnostics
  }
}
