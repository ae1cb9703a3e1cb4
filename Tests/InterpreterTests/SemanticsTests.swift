import Interpreter
import Syntax
import Testing

/// Programs and what they show, a line per shown value.
@Suite struct SemanticsTests {
  struct Program: CustomTestStringConvertible, Sendable {
    var name: String
    var text: String
    var lines: [String]
    init(_ name: String, _ text: String, _ lines: [String]) {
      self.name = name
      self.text = text
      self.lines = lines
    }
    var testDescription: String { name }
  }

  static let programs: [Program] = [
    Program(
      "integers", "7 + 2 * 3\n-7 % 3\nquotient(-7, 2)\n2 ** 10\n-2 ** 2\nlet k = -1\n2 ** k",
      ["13", "-1", "-3", "1024", "-4", "0.5"]),
    Program("division of integers is real", "7 / 2\n1 / 0\n-1 / 0", ["3.5", "inf", "-inf"]),
    Program("reals print shortest", "0.1 + 0.2\n1e21\n3.0\n1e-7", ["0.30000000000000004", "1e+21", "3.0", "1e-07"]),
    Program("promotion", "1 + 0.5\n2 * [1.0, 2.0]\n[1, 2] + 0.5", ["1.5", "[2.0, 4.0]", "[1.5, 2.5]"]),
    Program(
      "comparison", "1 < 2\n2.0 <= 1\n\"a\" < \"b\"\n\"a\" == \"a\"\n1 != 1",
      ["true", "false", "true", "true", "false"]),
    Program(
      "nan compares with nothing", "nan < 1\nnan == nan\n!(nan >= 1)\nif nan < 1 { print(1) } else { print(2) }",
      ["false", "false", "true", "2"]),
    Program(
      "logic short-circuits", "func f(_ x: Int) -> Bool { print(x); return x > 1 }\nf(1) && f(2)\nf(3) || f(4)",
      ["1", "false", "3", "true"]),
    Program(
      "strings", "\"n = \\(1 + 1), \\(2.5), \\([1, 2])\"\n\"a\" + \"b\"\n\"héllo\".count",
      ["n = 2, 2.5, [1, 2]", "ab", "5"]),
    Program("variables", "var x = 1\nx += 4\nx *= 3\nx -= 1\nx", ["14"]),
    Program(
      "while and break", "var n = 0\nwhile true {\n  n += 1\n  if n % 2 == 0 { continue }\n  if n > 6 { break }\n}\nn",
      ["7"]),
    Program("for over a range", "var s = 0\nfor i in 2...5 { s += i }\nfor i in 0..<0 { s += 100 }\ns", ["14"]),
    Program("for runs backwards never", "var s = 0\nlet n = -3\nfor i in 0..<n { s += 1 }\ns", ["0"]),
    Program(
      "for over arrays",
      "var s = 0.0\nfor x in [1.0, 2.0, 4.0] { s += x }\ns\nvar t = \"\"\nfor w in [\"a\", \"b\"] { t += w }\nt",
      ["7.0", "ab"]),
    Program("for over pairs", "for (k, v) in [\"b\": 1, \"a\": 2] { print(\"\\(k)\\(v)\") }", ["b1", "a2"]),
    Program(
      "a loop sees the array as it was",
      "var a = [1, 2, 3]\nvar n = 0\nfor x in a {\n  a.append(x)\n  n += 1\n}\nn\na.count", ["3", "6"]),
    Program("value semantics", "var a = [1.0, 2.0]\nlet b = a\na[0] = 9\na\nb", ["[9.0, 2.0]", "[1.0, 2.0]"]),
    Program(
      "value semantics of structures",
      "struct P {\n  var x: Int\n  var q: [Int]\n}\nvar p = P(x: 1, q: [1])\nlet r = p\np.x = 5\np.q[0] = 7\np\nr",
      ["P(x: 5, q: [7])", "P(x: 1, q: [1])"]),
    Program(
      "value semantics of dictionaries", "var d = [\"a\": 1]\nlet e = d\nd[\"b\"] = 2\nd[\"a\"] = nil\nd\ne",
      ["[\"b\": 2]", "[\"a\": 1]"]),
    Program(
      "append", "var a = [1]\na.append(2)\nvar s = [\"x\"]\ns.append(\"y\")\na\ns", ["[1, 2]", "[\"x\", \"y\"]"]),
    Program(
      "nested places", "var m = [[1.0, 2.0], [3.0, 4.0]]\nm[1, 0] = 9\nm\nvar l = [\"a\": [1, 2]]\nl",
      ["[[1.0, 2.0],\n [9.0, 4.0]]", "[\"a\": [1, 2]]"]),
    Program(
      "indexing",
      "let x = [10, 20, 30, 40]\nx[1...]\nx[0..<2]\nx[[3, 0]]\nlet m = Matrix(rows: [[1, 2], [3, 4]])\nm[..., 1]\nm[0]\nm[1, 1]",
      ["[20, 30, 40]", "[10, 20]", "[40, 10]", "[2.0, 4.0]", "[1.0, 2.0]", "4.0"]),
    Program("masks", "let x = [1.0, -2.0, 3.0]\nx[x > 0]", ["[1.0, 3.0]"]),
    Program("slices are places", "var x = [1.0, 2.0, 3.0]\nx[0..<2] = [8, 9]\nx", ["[8.0, 9.0, 3.0]"]),
    Program(
      "products", "let a = Matrix(rows: [[1, 2], [3, 4]])\na * [1.0, 1.0]\na * a\n[1.0, 1.0] * a",
      ["[3.0, 7.0]", "[[7.0, 10.0],\n [15.0, 22.0]]", "[4.0, 6.0]"]),
    Program(
      "elementwise", "[1.0, 2.0] .* [3.0, 4.0]\n[1.0, 4.0] ./ 2\n[1.0, 2.0] ** 2\nexp([0.0])",
      ["[3.0, 8.0]", "[0.5, 2.0]", "[1.0, 4.0]", "[1.0]"]),
    Program(
      "optionals",
      "let a: Int? = nil\nlet b: Int? = 3\na ?? 7\nb ?? 7\nif let v = b { print(v) }\nif let v = a { print(v) } else { print(\"none\") }",
      ["7", "3", "3", "none"]),
    Program("guard", "for x in [1, -2, 3] {\n  guard x > 0 else { continue }\n  print(x)\n}", ["1", "3"]),
    Program("tuples", "let p = (1, name: \"x\")\np.0\np.name\nlet (a, b) = (1, 2.5)\nb", ["1", "x", "2.5"]),
    Program(
      "enums",
      "enum S {\n  case circle(Real)\n  case square\n}\nfunc area(_ s: S) -> Real {\n  switch s {\n  case .circle(let r): return r * r\n  case .square: return 1\n  }\n}\narea(.circle(3))\narea(.square)",
      ["9.0", "1.0"]),
    Program(
      "if as an expression", "let x = 3\nlet y = if x > 2 { \"big\" } else { \"small\" }\ny\nx > 5 ? 1 : 2",
      ["big", "2"]),
    Program(
      "closures", "let k = 10\nlet f = { (x: Int) -> Int in x * k }\nf(3)\n[1, 2].map { $0 + k }", ["30", "[11, 12]"]),
    Program("closures capture values", "var k = 1\nlet f = { (x: Int) -> Int in x + k }\nk = 100\nf(1)", ["2"]),
    Program(
      "functions as values",
      "func twice(_ f: (Int) -> Int, _ x: Int) -> Int { return f(f(x)) }\nfunc inc(_ x: Int) -> Int { return x + 1 }\ntwice(inc, 5)\n[1.0, 4.0].map(sqrt)",
      ["7", "[1.0, 2.0]"]),
    Program(
      "closures that return closures",
      "func adder(_ n: Int) -> (Int) -> Int { return { x in x + n } }\nlet add3 = adder(3)\nadd3(4)", ["7"]),
    Program(
      "recursion",
      "func ack(_ m: Int, _ n: Int) -> Int {\n  if m == 0 { return n + 1 }\n  if n == 0 { return ack(m - 1, 1) }\n  return ack(m - 1, ack(m, n - 1))\n}\nack(2, 3)",
      ["9"]),
    Program(
      "mutual recursion",
      "func even(_ n: Int) -> Bool { if n == 0 { return true }; return odd(n - 1) }\nfunc odd(_ n: Int) -> Bool { if n == 0 { return false }; return even(n - 1) }\neven(500)",
      ["true"]),
    Program(
      "defaults and labels", "func f(_ a: Int, by b: Int = 2) -> Int { return a * b }\nf(3)\nf(3, by: 5)", ["6", "15"]),
    Program("extents", "func g(_ x: Vector[N], _ y: Vector[N]) -> Int { return N }\ng([1.0, 2.0], [3.0, 4.0])", ["2"]),
    Program(
      "functions read globals", "var total = 1\nfunc f() -> Int { return total * 10 }\nf()\ntotal = 5\nf()",
      ["10", "50"]),
    Program(
      "globals changed in place are seen",
      "var a = [1, 2]\nfunc f() -> Int { return a[0] }\na[0] = 7\nf()\na.append(3)\na.count", ["7", "3"]),
    Program(
      "sorting is stable", "[\"bb\", \"a\", \"cc\", \"d\"].sorted(by: { $0.count < $1.count })",
      ["[\"a\", \"d\", \"bb\", \"cc\"]"]),
    Program("empty arrays", "let e: [Real] = []\ne.count\nsum(e)\n[1, 2].filter { $0 > 5 }", ["0", "0.0", "[]"]),
    Program(
      "dictionary counting", "var d: [String: Int] = [:]\nfor w in [\"a\", \"b\", \"a\"] { d[w, default: 0] += 1 }\nd",
      ["[\"a\": 2, \"b\": 1]"]),
    Program(
      "methods",
      "struct V {\n  let x: Real\n  func scaled(_ k: Real) -> V { return V(x: self.x * k) }\n}\nV(x: 2).scaled(3)",
      ["V(x: 6.0)"]),
    Program(
      "long arrays are cut with a count", "(0..<15).map { $0 }", ["[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, … 3 more]"]),
    Program(
      "a variable used late on the right",
      "var a = true\nvar b = false\na = b || a\na\nvar x: Int? = nil\nx = x ?? 3\nx ?? 0", ["true", "3"]),
    Program("levels", "let g = [\"b\", \"a\", \"b\"].index\nlet v = [10.0, 20.0]\nv[g]", ["[20.0, 10.0, 20.0]"]),
  ]

  @Test(arguments: programs) func shows(_ program: Program) {
    let outcome = Session().run(program.text)
    let messages = outcome.diagnostics.filter { $0.severity == .error }.map {
      "\($0.code) \($0.message) \($0.found ?? "")"
    }
    #expect(messages == [])
    #expect(outcome.lines == program.lines)
  }

  /// Mistakes that only running can find, and their codes.
  static let faults: [Program] = [
    Program("overflow", "var x = 9223372036854775807\nx += 1", ["R001"]),
    Program("overflow of a product", "var x = 4611686018427387904\nx * x", ["R001"]),
    Program("negating the smallest", "var x = -9223372036854775807 - 1\n-x", ["R001"]),
    Program("power", "let b = 10\nb ** 30", ["R001"]),
    Program("remainder by zero", "let z = 0\n5 % z", ["R002"]),
    Program("quotient by zero", "let z = 0\nquotient(5, z)", ["R002"]),
    Program("smallest by minus one", "var x = -9223372036854775807 - 1\nlet m = -1\nquotient(x, m)", ["R001"]),
    Program(
      "closed range to the end", "let top = 9223372036854775807\nfor i in 1...top { if i > 2 { break } }", ["R001"]),
    Program("index", "let n = 3\nlet x = [1, 2, 3]\nx[n]", ["R003"]),
    Program("negative index", "let n = -1\nlet x = [1.0]\nx[n]", ["R003"]),
    Program("assigned index", "let n = 3\nvar x = [1.0]\nx[n] = 2", ["R003"]),
    Program("slice", "let n = 9\nlet x = [1, 2]\nx[0..<n]", ["R003"]),
    Program("mask length", "let x = [1.0, 2.0]\nlet m = [true].filter { $0 }\nx[m]", ["R004"]),
    Program("nil", "let a: Int? = nil\na!", ["R010"]),
    Program("recursion", "func f(_ n: Int) -> Int { return f(n + 1) + 1 }\nf(0)", ["R007"]),
    Program(
      "recursion through closures", "func f(_ n: Int) -> Int { return [n].map { f($0 + 1) }[0] }\nf(0)", ["R007"]),
    Program("huge zeros", "let n = 1000000000000\nzeros(n)", ["R008"]),
    Program("huge product of extents", "let n = 4000000000\nzeros(n, n)", ["R008"]),
    Program("huge map", "(0..<1000000000000).map { $0 }", ["R008"]),
    Program("huge text", "let n = 1000000000000\n\"ab\".repeated(n)", ["R008"]),
    Program("negative count", "let n = -1\nzeros(n)", ["R012"]),
    Program("conversion", "Int(nan)", ["R006"]),
    Program("conversion of the large", "Int(1e300)", ["R006"]),
    Program("empty maximum", "let e: [Real] = []\nmax(e)", ["R012"]),
    Program("quantile", "quantile([1.0, 2.0], 1.5)", ["R012"]),
    Program("not positive definite", "cholesky(Matrix(rows: [[1, 2], [2, 1]]))", ["R017"]),
    Program("not symmetric", "eigenvalues(Matrix(rows: [[2, 1], [0, 2]]))", ["R022"]),
    Program("singular", "solve(Matrix(rows: [[1, 1], [1, 1]]), [1.0, 2.0])", ["R017"]),
    Program("missing file", "readCSV(\"nowhere.csv\" + \"\")", ["R013"]),
    Program("requirement", "require(1 > 2, \"one is more\")", ["R019"]),
    Program(
      "extents",
      "func g(_ x: Vector[N], _ y: Vector[N]) -> Int { return N }\nlet a = [1.0, 2.0].filter { $0 > 0 }\nlet b = [1.0].filter { $0 > 0 }\ng(a, b)",
      ["H210"]),
    Program("counts", "[1.5].asCounts()", ["R006"]),
    Program("factorial", "factorial(30)", ["R001"]),
    Program("bounds", "let n = 0\nrandomInt(below: n)", ["R012"]),
  ]

  @Test(arguments: faults) func isDiagnosed(_ program: Program) {
    let session = Session()
    let outcome = session.run(program.text)
    #expect(outcome.code == program.lines[0])
    #expect(outcome.error?.span != nil)
    // The session goes on.
    let after = session.run("1 + 1")
    #expect(after.lines == ["2"])
  }

  @Test func trailCountsRepeats() {
    let outcome = Session().run("func f(_ n: Int) -> Int { return f(n + 1) + 1 }\nf(0)")
    let trail = outcome.error?.trail ?? []
    #expect(trail.count == 2)
    #expect(trail.first?.text.contains("repeated 9998 times") == true)
  }

  @Test func cancellationStopsLoops() {
    let session = Session()
    session.machine.cancellation.cancel()
    #expect(session.run("while true { }").code == "R080")
    #expect(session.run("for i in 0..<1000000000 { }").code == "R080")
    session.machine.cancellation.reset()
    #expect(session.run("1").lines == ["1"])
  }

  @Test func exportsReachLaterUnits() {
    let session = Session()
    session.run("let a = [1.0, 2.0]\nfunc f(_ x: Real) -> Real { return x + a[0] }")
    #expect(session.run("f(2)\na[1]").lines == ["3.0", "2.0"])
    // A later binding of the same name does not change what the function reads.
    session.run("let a = [100.0]")
    #expect(session.run("f(2)\na[0]").lines == ["3.0", "100.0"])
  }
}

/// Changes in place take time in proportion to the change: a copy of the whole at every step would take hours here.
@Suite struct InPlaceTests {
  static let programs: [SemanticsTests.Program] = [
    .init(
      "reals",
      "var a: [Real] = []\nfor k in 0..<300000 { a.append(k * 0.5) }\nfor k in 0..<300000 { a[k] = 1 }\nsum(a)",
      ["300000.0"]),
    .init(
      "texts",
      "var a: [String] = []\nfor k in 0..<300000 { a.append(\"x\") }\nfor k in 0..<300000 { a[k] = \"y\" }\na.count",
      ["300000"]),
    .init("text", "var s = \"\"\nfor k in 0..<300000 { s += \"ab\" }\ns.count", ["600000"]),
    .init("removal", "var a = repeated(\"x\", 200000)\nwhile !a.isEmpty { a.removeLast() }\na.count", ["0"]),
    .init(
      "dictionary",
      "var d: [Int: Int] = [:]\nfor k in 0..<200000 { d[k] = k }\nfor k in 0..<200000 { d[k, default: 0] += 1 }\nd[7] ?? 0",
      ["8"]),
    .init(
      "groups",
      "var d: [String: [Int]] = [:]\nfor k in 0..<200000 { d[\"k\\(k % 2)\", default: []].append(k) }\nd[\"k0\"]?.count ?? 0",
      ["100000"]),
    .init(
      "structures",
      "struct P {\n  var x: Real\n  var tags: [String]\n}\nvar l = (0..<1000).map { i in P(x: 0, tags: []) }\nfor k in 0..<200000 { l[k % 1000].x += 1 }\nfor k in 0..<200000 { l[k % 1000].tags.append(\"a\") }\nl[5].x\nl[5].tags.count",
      ["200.0", "200"]),
    .init(
      "matrix", "var m = zeros(1000, 300)\nfor i in 0..<1000 { for j in 0..<300 { m[i, j] = i } }\nm[999, 299]",
      ["999.0"]),
  ]

  @Test(.timeLimit(.minutes(2)), arguments: programs) func isFast(_ program: SemanticsTests.Program) {
    let outcome = Session().run(program.text)
    #expect(outcome.error?.message == nil)
    #expect(outcome.lines == program.lines)
  }
}
