/// Statements between braces; `span` covers the braces.
package struct Block: Sendable, Equatable {
  package var statements: [Statement]
  package var span: SourceSpan
  package init(_ statements: [Statement], _ span: SourceSpan) {
    self.statements = statements
    self.span = span
  }
}

/// A statement or declaration. A cell is a list of these.
package struct Statement: Sendable, Equatable {
  package var kind: Kind
  package var span: SourceSpan
  package init(_ kind: Kind, _ span: SourceSpan) {
    self.kind = kind
    self.span = span
  }

  package indirect enum Kind: Sendable, Equatable {
    case expression(Expression)
    /// `let p = e`, `let p: T = e`, `let x: Vector[T]` (opens a piecewise site), `var …`
    case binding(Binding)
    /// `let x ~ D`
    case site(name: Identifier, type: TypeExpression?, tilde: SourceSpan, distribution: Expression)
    /// `x[t] ~ D`
    case elementSite(target: Expression, tilde: SourceSpan, distribution: Expression)
    /// `target = e`, `target += e` (operator set for compound forms)
    case assignment(target: Expression, operator: BinaryOperator?, value: Expression)
    case plate(index: Identifier, range: Expression, body: Block)
    case ifStatement(IfStatement)
    case guardStatement(conditions: [Condition], otherwise: Block)
    case switchStatement(SwitchStatement)
    case forLoop(pattern: Pattern, sequence: Expression, condition: Expression?, body: Block)
    case whileLoop(conditions: [Condition], body: Block)
    case breakStatement
    case continueStatement
    case returnStatement(Expression?)
    case importStatement(path: [Identifier])
    case function(FunctionDeclaration)
    case model(ModelDeclaration)
    case structure(StructureDeclaration)
    case enumeration(EnumerationDeclaration)
    /// `extension T { … }`: only `stdlib/` may declare one; elsewhere a diagnostic.
    case extensionDeclaration(ExtensionDeclaration)
    /// `test "name" { … }`
    case test(name: [StringSegment], nameSpan: SourceSpan, body: Block)
    case erroneous
  }

  package struct Binding: Sendable, Equatable {
    package var isVariable: Bool
    package var pattern: Pattern
    package var type: TypeExpression?
    package var value: Expression?
    package init(isVariable: Bool, pattern: Pattern, type: TypeExpression?, value: Expression?) {
      self.isVariable = isVariable
      self.pattern = pattern
      self.type = type
      self.value = value
    }
  }
}

/// What a value is taken apart by, in `let`, `for`, `case` and `if let`.
package struct Pattern: Sendable, Equatable {
  package var kind: Kind
  package var span: SourceSpan
  package init(_ kind: Kind, _ span: SourceSpan) {
    self.kind = kind
    self.span = span
  }
  package indirect enum Kind: Sendable, Equatable {
    case wildcard
    /// A bare name in `let`/`for`; `let x` inside a `case` pattern.
    case name(Identifier)
    case tuple([Pattern])
    /// `.some(let x)`, `Noise.normal`, `.pair(let a, _)`
    case enumCase(type: Identifier?, name: Identifier, arguments: [Pattern])
    /// A value or range to compare with.
    case expression(Expression)
    case erroneous
  }
}

/// One of the comma-separated conditions of `if`, `guard` and `while`.
package enum Condition: Sendable, Equatable {
  case expression(Expression)
  /// `let x = e`, `var x = e`; without a value `if let x` means `let x = x`.
  case optionalBinding(isVariable: Bool, name: Identifier, value: Expression?)
  /// `case p = e`
  case pattern(Pattern, value: Expression)
}

package struct IfStatement: Sendable, Equatable {
  package var conditions: [Condition]
  package var then: Block
  /// Nil, a block, or a block that holds one `if` for `else if`.
  package var otherwise: Block?
  package var span: SourceSpan
  package init(conditions: [Condition], then: Block, otherwise: Block?, span: SourceSpan) {
    self.conditions = conditions
    self.then = then
    self.otherwise = otherwise
    self.span = span
  }
}

package struct SwitchStatement: Sendable, Equatable {
  package struct Case: Sendable, Equatable {
    /// Empty for `default`.
    package var patterns: [Pattern]
    package var guardCondition: Expression?
    package var body: Block
    package init(patterns: [Pattern], guardCondition: Expression?, body: Block) {
      self.patterns = patterns
      self.guardCondition = guardCondition
      self.body = body
    }
  }
  package var subject: Expression
  package var cases: [Case]
  package var span: SourceSpan
  package init(subject: Expression, cases: [Case], span: SourceSpan) {
    self.subject = subject
    self.cases = cases
    self.span = span
  }
}
