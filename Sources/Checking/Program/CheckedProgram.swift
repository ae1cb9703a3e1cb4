package import Syntax

/// A function ready for lowering: of the dialect, a closure's body, a model's body, or the main body of a cell.
package struct CheckedFunction: Sendable {
  package struct Local: Sendable {
    package var name: String
    package var type: Type
    package var isVariable: Bool
    package var span: SourceSpan
    package init(name: String, type: Type, isVariable: Bool, span: SourceSpan) {
      self.name = name
      self.type = type
      self.isVariable = isVariable
      self.span = span
    }
  }

  /// An extent named in the signature. On entry `local` receives the length found at the first place, and all other
  /// places must agree; where `isGiven`, the local is an `Int` parameter and only the check remains.
  package struct ExtentBinding: Sendable {
    package struct Place: Sendable {
      package var parameter: Int
      /// Axis of the argument; −1 for the bound of its `Index[J]` elements.
      package var axis: Int
      package init(parameter: Int, axis: Int) {
        self.parameter = parameter
        self.axis = axis
      }
    }
    package var name: String
    package var local: LocalID
    package var isGiven: Bool
    package var places: [Place]
    package init(name: String, local: LocalID, isGiven: Bool, places: [Place]) {
      self.name = name
      self.local = local
      self.isGiven = isGiven
      self.places = places
    }
  }

  package var name: String
  package var parameters: [LocalID]
  package var locals: [Local]
  package var extents: [ExtentBinding]
  package var result: Type
  package var body: [CheckedStatement]
  package var span: SourceSpan
  package init(
    name: String, parameters: [LocalID], locals: [Local], extents: [ExtentBinding], result: Type,
    body: [CheckedStatement], span: SourceSpan
  ) {
    self.name = name
    self.parameters = parameters
    self.locals = locals
    self.extents = extents
    self.result = result
    self.body = body
    self.span = span
  }
}

package struct CheckedModel: Sendable {
  package var id: ModelID
  package var name: String
  package var parameterNames: [String]
  package var function: CheckedFunction
  package var members: [ModelMember]
  package init(id: ModelID, name: String, parameterNames: [String], function: CheckedFunction, members: [ModelMember]) {
    self.id = id
    self.name = name
    self.parameterNames = parameterNames
    self.function = function
    self.members = members
  }
}

/// A name of a model that a user may say: a random site, a derived `let`, or a sub-model.
package struct ModelMember: Sendable {
  package enum Kind: Sendable, Equatable {
    case site, derived
    case submodel(ModelID)
  }
  package var name: String
  package var kind: Kind
  /// As seen after the model's outermost plates; optional where not every branch binds it.
  package var type: Type
  package var span: SourceSpan
  package var documentation: String?
  package init(name: String, kind: Kind, type: Type, span: SourceSpan, documentation: String? = nil) {
    self.name = name
    self.kind = kind
    self.type = type
    self.span = span
    self.documentation = documentation
  }
}

package struct StructureInfo: Sendable {
  package struct Field: Sendable {
    package var name: String
    package var type: Type
    package var isVariable: Bool
    package init(name: String, type: Type, isVariable: Bool) {
      self.name = name
      self.type = type
      self.isVariable = isVariable
    }
  }
  package var name: String
  package var fields: [Field]
  package init(name: String, fields: [Field]) {
    self.name = name
    self.fields = fields
  }
}

package struct EnumerationInfo: Sendable {
  package struct Case: Sendable {
    package var name: String
    package var payload: [TupleField]
    package init(name: String, payload: [TupleField]) {
      self.name = name
      self.payload = payload
    }
  }
  package var name: String
  package var cases: [Case]
  package init(name: String, cases: [Case]) {
    self.name = name
    self.cases = cases
  }
}

package struct GlobalInfo: Sendable {
  package var name: String
  package var type: Type
  package var span: SourceSpan
  /// The unit (cell, script, library file) that binds it.
  package var unit: Int
  package init(name: String, type: Type, span: SourceSpan, unit: Int) {
    self.name = name
    self.type = type
    self.span = span
    self.unit = unit
  }
}

/// What one cell, script or library file became.
package struct CheckedUnit: Sendable {
  package struct Export: Sendable {
    package var local: LocalID
    package var global: GlobalID
    /// Whether a function of this unit reads it, so that every assignment must be written through.
    package var isReadByFunctions: Bool
    package init(local: LocalID, global: GlobalID, isReadByFunctions: Bool) {
      self.local = local
      self.global = global
      self.isReadByFunctions = isReadByFunctions
    }
  }
  package var index: Int
  package var name: String
  /// The unit's statements as a function without parameters.
  package var main: CheckedFunction
  /// Top-level `let` and `var`: locals of `main` that are also stored under a global.
  package var exports: [Export]
  /// Functions and models declared here.
  package var functions: [FunctionID]
  package var models: [ModelID]
  /// Globals of other units that `main`, its functions or models may read: the static dependencies.
  package var reads: [GlobalID]
  package var tests: [(name: String, function: CheckedFunction)]
  package var diagnostics: [Diagnostic]
  package init(
    index: Int, name: String, main: CheckedFunction, exports: [Export], functions: [FunctionID], models: [ModelID],
    reads: [GlobalID], tests: [(name: String, function: CheckedFunction)], diagnostics: [Diagnostic]
  ) {
    self.index = index
    self.name = name
    self.main = main
    self.exports = exports
    self.functions = functions
    self.models = models
    self.reads = reads
    self.tests = tests
    self.diagnostics = diagnostics
  }
  /// Whether an error keeps it from running.
  package var hasErrors: Bool { diagnostics.contains { $0.severity == .error } }
}

/// All declarations of a run, by identity. Grows by one unit after the other; earlier entries never change.
package struct DeclarationTable: Sendable {
  package var functions: [CheckedFunction] = []
  package var models: [CheckedModel] = []
  package var structures: [StructureInfo] = []
  package var enumerations: [EnumerationInfo] = []
  package var globals: [GlobalInfo] = []
  package init() {}
}

/// Where the checker learns the header and column types of a table with a literal path.
///
/// The caller supplies it, so that checking itself reads no file and every use can be recorded.
package protocol SchemaSource: Sendable {
  /// The columns of a CSV file; nil when it cannot be read (the run will say why).
  func columns(ofCSV path: String) -> [TableType.Column]?
}
