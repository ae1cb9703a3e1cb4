import Checking
import Syntax
import Testing

@Suite("Types of expressions")
struct TypeTests {
  static let expressions: [(String, String)] = [
    ("1", "Int"), ("1.5", "Real"), ("\"a\"", "String"), ("true", "Bool"), ("1 + 2", "Int"), ("1 + 2.5", "Real"),
    ("7 / 2", "Real"), ("7 % 2", "Int"), ("quotient(7, 2)", "Int"), ("2 ** 3", "Int"), ("2 ** -1", "Real"),
    ("2.0 ** 3", "Real"), ("-2 ** 2", "Int"), ("1 < 2.5", "Bool"), ("!(1 < 2)", "Bool"),
    ("[1, 2]", "[2 of Int]"), ("[1, 2.5]", "Vector[2]"), ("[[1, 2], [3, 4]]", "[2 of [2 of Int]]"),
    ("[[1.0], [2]]", "Matrix[2, 1]"), ("[\"a\"]", "[1 of String]"), ("[1, nil]", "[2 of Int?]"),
    ("[true]", "[1 of Bool]"), ("[[[\"a\"]]]", "[1 of [1 of [1 of String]]]"),
    ("[1.0, 2] + 1", "Vector[2]"), ("2 * [1.0, 2]", "Vector[2]"), ("[1, 2] + [3, 4]", "[2 of Int]"),
    ("[1, 2] / 2", "Vector[2]"), ("[1.0] .* [2.0]", "Vector[1]"), ("[1.0, 2] > 1", "[2 of Bool]"),
    ("exp(1)", "Real"), ("exp([1, 2])", "Vector[2]"), ("pow([1.0, 2], 2)", "Vector[2]"), ("abs(-3)", "Int"),
    ("abs([-3.5])", "Vector[1]"), ("zeros(2, 3) * zeros(3, 4)", "Matrix[2, 4]"), ("zeros(2, 3) * ones(3)", "Vector[2]"),
    ("ones(3) * zeros(3, 2)", "Vector[2]"), ("transpose(zeros(2, 3))", "Matrix[3, 2]"), ("dot([1, 2], [3, 4])", "Real"),
    ("solve(identity(2), [1, 2])", "Vector[2]"), ("outer([1, 2], [1, 2, 3])", "Matrix[2, 3]"),
    ("[1, 2, 3][0]", "Int"), ("[1.0, 2, 3][0..<2]", "Vector[2]"), ("[1.0, 2, 3][1...]", "Vector"),
    ("zeros(2, 3)[0]", "Vector[3]"), ("zeros(2, 3)[0, 1]", "Real"), ("zeros(2, 3)[..., 1]", "Vector[2]"),
    ("[1.0, 2][[0, 0, 1]]", "Vector[3]"), ("\"abc\"[0]", "String"), ("[\"a\": 1][\"a\"]", "Int?"),
    ("[\"a\": 1][\"b\", default: 2]", "Int"), ("[\"a\": 1][\"b\"] ?? 2.5", "T201"), ("(1, name: \"x\").name", "String"),
    ("(1, 2.5).1", "Real"), ("1 > 0 ? 1 : 2.5", "Real"), ("1 > 0 ? 1 : nil", "Int?"),
    ("1 > 0 ? [1, 2] : [3]", "[Int]"), ("if 1 > 0 { 1 } else { 2.5 }", "Real"),
    ("switch 3 { case 0: \"zero\"\n default: \"more\" }", "String"),
    ("[1, 2].map { $0 * 2.5 }", "Vector"),
    ("[1, 2, 3].filter { $0 > 1 }", "[Int]"), ("[1.5, 2].reduce(0) { $0 + $1 }", "Real"),
    ("[1, 2].reduce(0) { $0 + $1 }", "Int"), ("(0..<3).map { i in i * 2.0 }", "Vector"),
    ("zip([1], [\"a\"]).map { n, s in s }", "[String]"), ("[\"b\", \"a\"].index", "[Index[_]]"),
    ("\"abc\".count", "Int"), ("Int(\"3\")", "Int?"), ("Int(\"3\")?.description", "T225"),
    ("{ (x: Real) in x * x }", "(Real) -> Real"), ("{ (x: Int) -> Real in x }", "(Int) -> Real"),
    ("Normal(0, 1)", "Distribution over Real"), ("Normal([0, 1], 1)", "Distribution over Vector[2]"),
    ("Normal(0, 1).iid(3)", "Distribution over Vector[3]"),
    ("Normal(0, 1).iid(3, 2)", "Distribution over Matrix[3, 2]"),
    ("Poisson([1.0, 2])", "Distribution over [2 of Int]"), ("Dirichlet(ones(3))", "Distribution over Vector[3]"),
    ("MultivariateNormal(zeros(2), covariance: identity(2))", "Distribution over Vector[2]"),
    ("Normal(0, 1).draw(5)", "Vector"), ("Normal(0, 1).logDensity(0.5)", "Real"), ("Normal(0, 1).mean", "Real"),
    ("Normal([0, 1], 1).draw(5)", "Matrix[_, 2]"),
  ]

  @Test("Each expression has its type", arguments: 0..<TypeTests.expressions.count)
  func type(number: Int) throws {
    let (expression, expected) = TypeTests.expressions[number]
    let found = try Workbench().type(expression)
    #expect(found == expected, "\(expression)")
  }

  @Test("The library checks without a word")
  func library() throws {
    let bench = try Workbench()
    #expect(bench.libraryDiagnostics.isEmpty, "\(bench.text(bench.libraryDiagnostics))")
  }

  static let silent: [(String, String)] = [
    (
      "methods see their fields",
      "struct P { var x: Real\n func twice() -> Real { return x + half() * 0 }\n func half() -> Real { return self.x / 2 } }\nlet t = P(x: 1).twice()"
    ),
    ("locals may have a parameter's name", "func f(_ x: Int) -> Int { let x = x + 1\n return x }"),
    (
      "guard, if let and while let",
      "func f(_ x: Int?) -> Int { guard let x, x > 0 else { return 0 }\n if let y = Int(\"3\") { return y + x }\n return x }"
    ),
    (
      "a switch over an enum needs no default",
      "enum E { case a, b(Int) }\nfunc f(_ e: E) -> Int { switch e { case .a: return 0\n case .b(let n): return n } }"
    ),
    (
      "a switch over ranges",
      "func f(_ n: Int) -> String { switch n { case 0: return \"none\"\n case 1..<10: return \"few\"\n default: return \"many\" } }"
    ),
    ("a last break ends a case", "for x in [1, 2] { switch x { case 1: break\n default: print(\"\\(x)\") } }"),
    (
      "while true needs no return behind it",
      "func f() -> Int { var i = 0\n while true { i += 1\n if i > 3 { return i } } }"
    ),
    (
      "functions call each other in any order",
      "func even(_ n: Int) -> Bool { return n == 0 || odd(n - 1) }\nfunc odd(_ n: Int) -> Bool { return n != 0 && even(n - 1) }"
    ),
    ("an optional chain goes on", "let s: String? = \"a\"\nlet n = s?.uppercased().count ?? 0"),
    ("dictionaries change in place", "var d: [String: [Int]] = [:]\nd[\"a\", default: []].append(3)\nd[\"b\"] = nil"),
    ("arrays change in place", "var m = zeros(2, 2)\nm[0, 1] = 5\nm[1] = [1, 2]\nvar xs: [Real] = []\nxs.append(1)"),
    ("tuples come apart", "let (a, b) = (1, \"x\")\nfor (k, v) in [\"a\": 1] { print(\"\\(k)\\(v)\") }"),
    (
      "a recursive call has lengths of its own",
      "func f(_ a: Vector[N], _ b: Vector[M]) -> Real { return N == 0 ? 0 : f(b, a) }"
    ),
    ("unrelated lengths may agree when running", "func f(_ a: [Real], _ b: [Real]) -> Vector { return a + b }"),
    (
      "a closure uses fields of self",
      "struct S { var xs: [Real]\n func scaled() -> [Real] { return xs.map { $0 * factor() } }\n func factor() -> Real { return 2 } }"
    ),
  ]

  @Test("What is right is not spoken of", arguments: 0..<TypeTests.silent.count)
  func nothing(number: Int) throws {
    let (name, text) = TypeTests.silent[number]
    let bench = try Workbench()
    let unit = bench.cell(text)
    #expect(unit.diagnostics.isEmpty, "\(name):\n\(bench.text(unit.diagnostics))")
  }

  @Test("Columns of a table have the types of the file")
  func columns() throws {
    let bench = try Workbench()
    let unit = bench.cell(
      """
      let t = readCSV("schools.csv")
      let a = t.effect + t.stderr
      let b = t.school.index
      let c = t.gap
      let d = t[0..<2].pupils
      let e = readCSV("other" + ".csv").anything + 1
      """, schema: SampleSchema())
    #expect(unit.diagnostics.isEmpty, "\(bench.text(unit.diagnostics))")
    let types = unit.exports.map { bench.checker.words(bench.checker.table.globals[$0.global.rawValue].type) }
    #expect(
      types
        == ["Table", "Vector[rows]", "[Index[_]]", "[Real?]", "[Int]", "Vector"].map {
          $0.replacing("[rows]", with: "")
        })
    #expect(try Workbench().codes("readCSV(\"schools.csv\").efect", schema: SampleSchema()) == ["T226"])
  }
}
