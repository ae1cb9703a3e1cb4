import Rendering
import Syntax

/// What a program says, and what it asks the run for: printing, checks, parameters, environment, time.
enum OutputLibrary {
  static let all: [Intrinsic] = [
    CoreLibrary.make("print(_:)") { a, context in
      context.sink.emit(.text(ValuePrinter(context.declarations).text(a[0])))
      return .unit
    },
    CoreLibrary.make("show(_:)") { a, context in
      for event in try Operations.display(a[0], context.declarations) { context.sink.emit(event) }
      return .unit
    },
    CoreLibrary.make("show(_:rows:)") { a, context in
      guard case .table(let table) = a[0] else { throw Fault("R094", "a table is needed here") }
      let rows = try a.int(1)
      guard rows >= 0 else {
        throw Fault("R094", "the number of rows is negative", expected: "0 or more", found: "\(rows)")
      }
      context.sink.emit(.table(ValuePrinter(context.declarations).textTable(table, preview: rows)))
      return .unit
    },
    // A rung of the validation ladder: shown either way, an error of `cairn check` when it fails.
    CoreLibrary.make("check(_:_:)") { a, context in
      let message = try a.string(1)
      let holds = try a.bool(0)
      context.sink.emit(.text((holds ? "✓ " : "✗ ") + message))
      if !holds {
        context.warn(Diagnostic("R019", .warning, "check failed: \(message)", at: context.callSpan))
      }
      return .unit
    },
    CoreLibrary.make("require(_:_:)") { a, _ in
      guard try a.bool(0) else { throw Fault("R019", "requirement failed: \(try a.string(1))") }
      return .unit
    },
    CoreLibrary.make("expectEqual(_:_:)") { a, context in
      guard Operations.isSame(a[0], a[1]) else {
        let printer = ValuePrinter(context.declarations, limit: ValuePrinter.displayLimit)
        throw Fault(
          "R019", "the values differ", expected: printer.text(a[1]), found: printer.text(a[0]))
      }
      return .unit
    },
    CoreLibrary.make("expectClose(_:_:tolerance:)") { a, context in
      let x = try a.reals(0)
      let y = try a.reals(1)
      let tolerance = try a.real(2)
      let printer = ValuePrinter(context.declarations, limit: ValuePrinter.displayLimit)
      guard x.count == y.count else {
        throw Fault("R019", "the lengths differ", expected: "\(y.count)", found: "\(x.count)")
      }
      for (left, right) in zip(x, y) where !((left - right).magnitude <= tolerance || left == right) {
        throw Fault(
          "R019", "the values differ by more than \(tolerance)", expected: printer.text(a[1]), found: printer.text(a[0])
        )
      }
      return .unit
    },
    CoreLibrary.make("parameter(_:)") { a, context in
      context.world.parameter(try a.string(0)).map { .string($0) } ?? .none
    },
    CoreLibrary.make("environment(_:)") { a, context in
      context.world.environment(try a.string(0)).map { .string($0) } ?? .none
    },
    CoreLibrary.make("now()") { _, context in .real(context.world.now()) },
  ]
}
