import Syntax

/// Examples of the productions of `docs/grammar.md`, by their names there, and of what a name there covers besides.
struct Production: Sendable, CustomStringConvertible {
  var name: String
  var kind: SourceKind
  var text: String
  var description: String { name }

  init(_ name: String, _ text: String, as kind: SourceKind = .user) {
    self.name = name
    self.kind = kind
    self.text = text
  }

  static let all: [Production] = lexical + declarations + statements + expressions + types + library

  private static let lexical = [
    Production(
      "comment",
      """
      // one line
      let a = 1 // behind
      /* several /* nested */
         lines */ let b = 2
      """),
    Production(
      "doc-comment",
      """
      /// The damped value.
      ///
      ///   indented
      func damped(_ x: Real) -> Real { return x }
      /// cut off
      // by this
      /// A model of nothing.
      model Empty() { }
      """),
    Production("identifier", "größe_1 = `default` + 温度 + _x + β"),
    Production("shorthand", "pairs.map { $0 + $1 }"),
    Production("integer", "[0, 1_000, 0xFF, 0b1010, 0o17, 007, 9223372036854775807]"),
    Production("real", "[1.0, 1e-3, 2.5E+10, 1_000.5, 6.02e23, 3e0]"),
    Production("boolean", "true == !false"),
    Production(
      "string", #"let words = "plain, \"quoted\", \\ back, tab\t, line\n, nul\0, single\', code \u{1F3D4}\u{e9}""#),
    Production(
      "interpolation",
      #"""
      "n = \(n), mean \(mean(x.map { $0 + 1 })), nested \("a \(b + "c") d")"
      """#),
    Production(
      "long-text",
      #"""
      let words = """
        first line
          indented, "quoted", ""
        joined \
        here with \(1 + 1)

        last\n
        """
      let empty = """
        """
      """#),
    Production(
      "statements",
      """
      a = 1; b = 2;;
      c = a
        + b
        .* 2
      [1, 2].sum()
      (a, b)
      -c
      d = c -
        1
      """),
  ]

  private static let declarations = [
    Production("statement", "let a = 1\nmodel M() { }\n\nprint(a)"),
    Production(
      "binding", "let x = 1\nlet y: Real = 2\nlet (a, b) = pair\nlet _ = f()\nlet z: Vector[T]\nlet (p, (q, _)): T = t"),
    Production("var", "var total = 0.0\nvar n: Int = 3\nvar later: Int"),
    Production("site", "let mu ~ Normal(0, 5)\nlet theta: Vector[J] ~ Normal(mu, tau).iid(J)"),
    Production("element-site", "z[0] ~ Categorical(uniform: K)\ny[t, p] ~ Normal(mu, sigma)"),
    Production(
      "function",
      """
      func f() { }
      func damped(_ x: Real, by phi: Real, times: Int = 3, in range: Real) -> Real { return x }
      func apply(_ f: (Real, Int) -> Real?, to x: Vector[N]) -> (Vector[N], count: Int) { (f(x), 1) }
      """),
    Production("parameter", "model M(x: Matrix[N, K], group: [N of Index[J]], noise: Noise = .normal, _ n: Int) { }"),
    Production(
      "model",
      """
      model EightSchools(stderr: Vector[J]) {
        let mu ~ Normal(0, 5)
        let g ~ GroupEffects(J: 8)
        plate j in 0..<J { let y ~ Normal(mu, stderr[j]) }
      }
      """),
    Production(
      "structure",
      """
      struct Point {
        let x: Real
        var y, z: Real = 0
        var label: String?
        func norm() -> Real { return sqrt(x * x + y * y) }
      }
      """),
    Production(
      "enumeration",
      """
      enum Noise {
        case normal, studentT(df: Real)
        case pair(Int, [Real]); case `default`
        func isHeavy() -> Bool { return true }
      }
      """),
    Production("import", "import shared\nimport shared.models"),
    Production("test", #"test "damped stays \(1 + 1) small" { check(damped(1, 0.5) < 1, "small") }"#),
    Production(
      "contextual-word",
      """
      model = 3
      plate[0] = model
      test(plate, of: 2)
      let of = elementwise + distribution.intrinsic
      extension[0] = test
      var plate = model
      """),
  ]

  private static let statements = [
    Production("assignment", "x = 1\ny[i, 0] += 2\np.x -= 3\na *= 4\nb /= 5\nc %= 6\nd **= 2"),
    Production(
      "if",
      """
      if a > b, let c { x = c } else if case .some(let d) = e { x = d }
      else { x = 0 }
      if (xs.contains { $0 > 1 }) { }
      """),
    Production(
      "condition",
      "if a, let b = f(x), var c, case .pair(let d, _) = e, !g { }"),
    Production("guard", "guard n > 0, let x = y else { return nil }"),
    Production(
      "switch",
      """
      switch noise {
      case .normal: let y ~ Normal(0, 1)
      case .studentT(let df), .t(let df) where df > 2:
        let y ~ StudentT(df, 0, 1)
        check(true, "a")
      case 1...9, -1: f()
      default:
      }
      """),
    Production(
      "case-pattern",
      """
      switch v {
      case _: a()
      case let x: b()
      case (let x, 2): c()
      case let (x, _): d()
      case Noise.normal: e()
      case .pair(a: let x, b: (1, _)): f()
      case let .some(x): g()
      case 0..<5, "text", nil, true: h()
      }
      """),
    Production(
      "for", "for i in 0..<n { s += i }\nfor (i, x) in pairs where x > 0 { }\nfor _ in 1...3 { break; continue }"),
    Production("while", "while n > 0, let x = next() { n -= 1 }"),
    Production(
      "plate", "plate j in 0..<J { let theta ~ Normal(mu, tau) }\nplate p in a..<b + 1 { plate t in 0..<T { } }"),
    Production(
      "block", "for i in x { if i > 2 { break }; continue }\nfunc f() { return }\nfunc g() -> Int { return 1 }"),
    Production(
      "piecewise",
      """
      let sigma: Vector[T]
      let y: Vector[T]
      sigma[0] = sigma1
      y[0] ~ Normal(mu, sigma[0])
      for t in 1..<T { sigma[t] = alpha * sigma[t - 1]; y[t] ~ Normal(mu, sigma[t]) }
      """),
  ]

  private static let expressions = [
    Production("expression", "x = a > b ? a : b ? c : d"),
    Production("disjunction", "a || b && c || !d"),
    Production("comparison", "(a < b) == false\na <= b\na >= b\na != b\na > b"),
    Production("coalescing", "a ?? b ?? c + 1"),
    Production("range", "[a..<b, a...b, 0..<n + 1]\nx[1...]\nx[...k]\nx[..<k]\nm[..., k]\nm[1...3, ...]"),
    Production("sum", "a - b + c - d"),
    Production("product", "a * b / c % d .* e ./ f + x*y.*z./2"),
    Production("unary", "-x + !y - +z\n(- -x)"),
    Production("power", "-x ** 2\n2 ** -1\na ** b ** c\n(-x) ** 2\na ** -b ** c * d"),
    Production("call", "f()\nf(x, label: y, in: 3)(z)\nm.given(\\.g.scale, 1)\nsample(m, keep: \\.mean, \\.rate,)"),
    Production("postfix", "xs.map { $0 }\nMixture(w) { k in Normal(mu[k], s[k]) }\nf { 1 }\nf(1) { 2 } { 3 }"),
    Production("member", "a.b.c\npair.0.1\nfit.default\nx?.y.z\nx!.y\nschools\n  .effect\n  .sum()"),
    Production("index", "x[0]\nm[i, j][k]\nalpha[group]\nrow[column, default: 0]"),
    Production("implicit-member", "m.reparam(theta: .noncentered)\nx = .studentT(4)\nf(.init)"),
    Production("key-path", "\\.mu\n\\.g.scale\nf(\\.in)"),
    Production("array", "[]\n[1, 2.5, x,]\n[[1, 2], [3, 4]]"),
    Production("dictionary", "[:]\n[\"a\": 1, \"b\": 2,]"),
    Production("tuple", "()\n(1, label: 2)\n(x)\n((1, 2), 3)"),
    Production(
      "closure",
      """
      { }
      { x in x + 1 }
      { x, y in x + y }
      { (x: Real, y) -> Real in return x }
      { () in 1 }
      { _ in let a = 1; return a }
      { (a, b) }
      { t, s in
        let infections = s[0] * s[1]
        return [-infections, infections]
      }
      """),
    Production("if-expression", "let x = if a { 1 } else if b { 2 } else { 3 }\nf(if c { 1 } else { 2 })"),
    Production("switch-expression", "let x = switch n { case 0: \"none\"\ncase _: \"some\" }"),
    Production("type-reference", "readCSV(path, as: Row.self)\n[Row].self\nVector[3].self"),
    Production("nil", "x == nil"),
  ]

  private static let types = [
    Production(
      "primary-type", "let a: Real\nlet b: Vector[N]\nlet c: Matrix[M, 3]\nlet d: Tensor[_, B, C]\nlet e: Index[J]"),
    Production("generic-type", "let a: Posterior<EightSchools>\nlet b: Pair<Vector[N], Posterior<M>>"),
    Production(
      "array-type",
      "let a: [Real]\nlet b: [N of Int]\nlet c: [T of [P of Int]]\nlet d: [_ of Index[_]]\nlet e: [8 of Bool]"),
    Production("dictionary-type", "let a: [String: Matrix[S, K]]"),
    Production("tuple-type", "let a: (Real, label: Int)\nlet b: ()\nlet c: (Real)"),
    Production("optional-type", "let a: Real?\nlet b: [Int?]?\nlet c: ((Int) -> Int)?\nlet d: Int??"),
    Production(
      "function-type",
      "let f: (A, B) -> C\nlet g: () -> ()\nlet h: (A) -> (B) -> C\nlet i: ((A, B)) -> C\nlet j: A -> B"),
  ]

  private static let library = [
    Production(
      "intrinsic",
      """
      /// e to the power x.
      intrinsic elementwise func exp(_ x: Real) -> Real
      intrinsic func sample<M>(_ model: Model<M>, chains: Int = 4) -> Posterior<M>
      intrinsic func print(_ words: String)
      """, as: .library),
    Production(
      "intrinsic-distribution", "intrinsic distribution Normal(_ loc: Real, _ scale: Real) -> Real", as: .library),
    Production("intrinsic-property", "extension Table { intrinsic var count: Int }", as: .library),
    Production(
      "extension",
      """
      extension [T] {
        intrinsic func first() -> T?
        func isShort() -> Bool { return true }
      }
      extension Vector[N] { intrinsic var sum: Real }
      extension Model<M> { }
      """, as: .library),
    Production("generics", "intrinsic func zip<A, B>(_ a: [A], _ b: [B]) -> [(A, B)]", as: .library),
  ]
}
