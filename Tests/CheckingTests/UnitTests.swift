import Checking
import Syntax
import Testing

@Suite("Units and what they read")
struct UnitTests {
  private func reads(_ bench: Workbench, _ unit: CheckedUnit) -> [String] {
    unit.reads.map { bench.checker.table.globals[$0.rawValue].name }.filter { !["pi", "nan", "infinity"].contains($0) }
      .sorted()
  }

  @Test("A unit reads what its functions, and the functions they call, read")
  func transitive() throws {
    let bench = try Workbench()
    bench.cell("let a = 1\nlet b = 2")
    let middle = bench.cell("func f() -> Int { return g() + a }\nfunc g() -> Int { return b }")
    let last = bench.cell("let c = g()")
    let model = bench.cell("model M(n: Int) { let x ~ Normal(a, 1) }\nlet m = M(n: f())")
    #expect(reads(bench, middle) == ["a", "b"])
    #expect(reads(bench, last) == ["b"])
    #expect(reads(bench, model) == ["a", "b"])
  }

  @Test("What an erroneous unit binds is silent, and read")
  func erroneous() throws {
    let bench = try Workbench()
    let first = bench.cell("let a: Int = \"x\"\nlet fine = 1\nfunc f() -> Int { return 1 }\nstruct S { let x: Int }")
    let second = bench.cell("let b = a + fine\nlet c = f() + 1\nlet d: S? = nil\nlet e = S(x: 1)")
    let third = bench.cell("let g = b.anything(3)")
    #expect(first.diagnostics.map(\.code) == ["T201"])
    #expect(second.diagnostics.isEmpty && third.diagnostics.isEmpty)
    #expect(reads(bench, second) == ["S", "a", "f", "fine"])
    let lost = Set(first.exports.map(\.global))
    #expect(
      second.reads.allSatisfy { lost.contains($0) || bench.checker.table.globals[$0.rawValue].unit < first.index })
    #expect(reads(bench, third) == ["b"])
  }

  @Test("A later cell may define a name anew, with another type")
  func shadowing() throws {
    let bench = try Workbench()
    bench.cell("let x = 1\nfunc f() -> Int { return x }")
    let second = bench.cell("let x = \"text\"\nlet n = x.count + f()")
    #expect(second.diagnostics.isEmpty)
    #expect(bench.codes("let y = x + 1") == ["T209"])
  }

  @Test("Names with a leading underscore stay in their cell")
  func privacy() throws {
    let bench = try Workbench()
    bench.cell("let _hidden = 1\nlet shown = _hidden + 1")
    #expect(bench.codes("let y = shown") == [])
    #expect(bench.codes("let y = _hidden") == ["T107"])
  }

  @Test("Values at the top level are shown unless they are empty")
  func shown() throws {
    let unit = try Workbench().cell("1 + 1\nprint(\"a\")\n_ = 3\nlet x = 4")
    let flags = unit.main.body.compactMap { statement -> Bool? in
      if case .expression(_, let isShown) = statement.kind { isShown } else { nil }
    }
    #expect(flags == [true, false, false])
  }

  @Test("Exports tell which of them functions read")
  func writtenThrough() throws {
    let bench = try Workbench()
    let unit = bench.cell("var seen = 1\nvar alone = 2\nfunc f() -> Int { return seen }")
    let names = unit.exports.map { "\(bench.checker.table.globals[$0.global.rawValue].name) \($0.isReadByFunctions)" }
    #expect(names == ["seen true", "alone false"])
  }

  @Test("Tests are checked as functions of their own")
  func tests() throws {
    let unit = try Workbench().cell(
      "func f(_ x: Int) -> Int { return x }\ntest \"f keeps\" { let y = f(3)\n check(y == 3, \"same\") }")
    #expect(unit.diagnostics.isEmpty)
    #expect(unit.tests.map(\.name) == ["f keeps"])
    #expect(try Workbench().codes("test \"wrong\" { let y = nothing }") == ["T107"])
  }
}
