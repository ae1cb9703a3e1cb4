package import Syntax

/// The length of one axis, as far as it is known before running.
package enum Extent: Hashable, Sendable {
  case literal(Int)
  /// A name bound by a signature, an `Int` parameter, or one fresh name per value whose length only running tells.
  case symbol(ExtentSymbol)
  /// Nothing is known; fits anything and is checked when the program runs.
  case unknown
}

/// A named extent. Two symbols are the same length exactly when their `id`s agree.
package struct ExtentSymbol: Hashable, Sendable {
  package var name: String
  package var id: Int
  package init(name: String, id: Int) {
    self.name = name
    self.id = id
  }
}

/// What a dense array holds.
package enum Scalar: Hashable, Sendable {
  case real, int, bool
  /// Integers in `0..<extent`.
  case index(Extent)
}

/// Identities of declarations; indices into the tables of ``DeclarationTable``.
package struct StructureID: Hashable, Sendable {
  package var rawValue: Int
  package init(_ rawValue: Int) { self.rawValue = rawValue }
}
package struct EnumerationID: Hashable, Sendable {
  package var rawValue: Int
  package init(_ rawValue: Int) { self.rawValue = rawValue }
}
package struct ModelID: Hashable, Sendable {
  package var rawValue: Int
  package init(_ rawValue: Int) { self.rawValue = rawValue }
}
package struct FunctionID: Hashable, Sendable {
  package var rawValue: Int
  package init(_ rawValue: Int) { self.rawValue = rawValue }
}
package struct GlobalID: Hashable, Sendable {
  package var rawValue: Int
  package init(_ rawValue: Int) { self.rawValue = rawValue }
}
/// A variable of one function; an index into its `locals`.
package struct LocalID: Hashable, Sendable {
  package var rawValue: Int
  package init(_ rawValue: Int) { self.rawValue = rawValue }
}

/// The type of an expression.
///
/// Dense arrays of scalars of any rank are `.array`; `[T]` of anything else is `.list`. `Vector[N]` is
/// `.array(.real, [N])`, `[T of [P of Int]]` is `.array(.int, [T, P])`, `[N of Real?]` is `.list(.optional(.real), N)`.
package indirect enum Type: Hashable, Sendable {
  case unit, bool, int, real, string
  case index(Extent)
  case array(Scalar, [Extent])
  case list(Type, Extent)
  case dictionary(Type, Type)
  case tuple([TupleField])
  case optional(Type)
  case function([Type], Type)
  /// A range of integers.
  case range
  case structure(StructureID)
  case enumeration(EnumerationID)
  case table(TableType)
  /// A distribution over values of the given type.
  case distribution(Type)
  /// An instance of a model; nil where which one is known only at run time.
  case model(ModelID?)
  case posterior(ModelID?)
  /// The bundle of sites that `let g ~ Submodel(…)` binds; dims are those of plates it has left.
  case sites(ModelID, plates: [Extent])
  /// A library type that the engine supplies: `Guide`, `Plot`, `Summary`, …
  case opaque(String)
  /// `Row.self`
  case metatype(Type)
  /// A generic name inside the signature of an intrinsic.
  case generic(String)
  /// Known only at run time (a member of a posterior of unknown model); converted with a check.
  case dynamic
  /// A mistake that has been reported; silences what follows from it.
  case erroneous
}

package struct TupleField: Hashable, Sendable {
  package var label: String?
  package var type: Type
  package init(label: String?, type: Type) {
    self.label = label
    self.type = type
  }
}

/// The columns of a table, where they are known before running.
package struct TableType: Hashable, Sendable {
  package struct Column: Hashable, Sendable {
    package var name: String
    /// The type of one cell: `.real`, `.int`, `.bool`, `.string`, or optional of these.
    package var cell: Type
    package init(name: String, cell: Type) {
      self.name = name
      self.cell = cell
    }
  }
  /// Nil where the columns are known only at run time: a column then has the type `.dynamic`.
  package var columns: [Column]?
  package var rows: Extent
  package init(columns: [Column]?, rows: Extent) {
    self.columns = columns
    self.rows = rows
  }
}
