package import Checking
package import TensorIR

/// A value of the dialect.
///
/// Values are immutable from outside: arrays and lists copy on write. `nil` of any type is `.none`; a value of type `T?`
/// is represented as the `T` itself, and only a nested optional (`T??`) is boxed in `.some`.
///
/// Only rare and wide cases are `indirect`: the run loop works on the payloads of the others where they lie
/// (``ValueLayout``).
package enum Value: Sendable {
  case unit
  case none
  indirect case some(Value)
  case bool(Bool)
  case int(Int)
  case real(Double)
  case string(String)
  case realArray(RealArray)
  case intArray(IntArray)
  case boolArray(BoolArray)
  /// `[T]` of anything that is not a dense array's scalar.
  case list([Value])
  case dictionary(DictionaryValue)
  case tuple([Value])
  case structure(StructureID, [Value])
  case enumeration(EnumerationID, Int, [Value])
  /// Half-open.
  case range(Int, Int)
  case function(FunctionID)
  case intrinsicFunction(String)
  case closure(ClosureValue)
  indirect case table(TableValue)
  case paths([[String]])
  /// Distributions, models, posteriors, summaries, plots: what the engine defines.
  case engine(any EngineValue)
  /// A graph node, or a composite that holds one: only while a model is traced.
  case traced(TracedValue)
}

/// A dense array of reals, row-major.
package struct RealArray: Sendable {
  package var shape: [Int]
  package var elements: [Double]
  package init(shape: [Int], elements: [Double]) {
    self.shape = shape
    self.elements = elements
  }
  package init(_ elements: [Double]) { self.init(shape: [elements.count], elements: elements) }
}

/// What `Index[J]` elements carry beside their number.
package final class IndexInfo: Sendable {
  /// Elements lie in `0..<extent`.
  package let extent: Int
  /// Level names, one per index, when the index was built from text.
  package let levels: [String]?
  package init(extent: Int, levels: [String]?) {
    self.extent = extent
    self.levels = levels
  }
}

/// A dense array of integers, row-major; with `index`, of range-checked indices.
package struct IntArray: Sendable {
  package var shape: [Int]
  package var elements: [Int]
  package var index: IndexInfo?
  package init(shape: [Int], elements: [Int], index: IndexInfo? = nil) {
    self.shape = shape
    self.elements = elements
    self.index = index
  }
}

package struct BoolArray: Sendable {
  package var shape: [Int]
  package var elements: [Bool]
  package init(shape: [Int], elements: [Bool]) {
    self.shape = shape
    self.elements = elements
  }
}

/// A function value: code and the values it captured.
package struct ClosureValue: Sendable {
  package var code: ClosureCode
  package var captures: [Value]
  package init(code: ClosureCode, captures: [Value]) {
    self.code = code
    self.captures = captures
  }
}

/// The body of a closure as checked (what the tracer walks); the lowered form hangs on it.
package final class ClosureCode: @unchecked Sendable {
  package let function: CheckedFunction
  /// Set once by lowering before the value can exist; never changed afterwards.
  package var lowered: AnyObject?
  package init(function: CheckedFunction) { self.function = function }
}

/// Named columns of one length.
package struct TableValue: Sendable {
  package struct Column: Sendable {
    package var name: String
    /// `.realArray`, `.intArray`, `.boolArray`, or `.list` of strings or of optionals.
    package var values: Value
    /// The level names and codes of a text column are made on demand by `.index`.
    package init(name: String, values: Value) {
      self.name = name
      self.values = values
    }
  }
  package var columns: [Column]
  package var rowCount: Int
  /// Where the data came from, for messages ("column `x` of `students`").
  package var origin: String?
  package init(columns: [Column], rowCount: Int, origin: String?) {
    self.columns = columns
    self.rowCount = rowCount
    self.origin = origin
  }
}
