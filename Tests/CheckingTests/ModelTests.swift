import Checking
import Foundation
import Syntax
import TestSupport
import Testing

@Suite("Models")
struct ModelTests {
  /// Whether a diagnostic only says that something comes with a later release.
  private func isLater(_ diagnostic: Diagnostic) -> Bool { diagnostic.code == "M190" }

  @Test("Every touchstone model checks, or names what is not available yet")
  func touchstones() throws {
    let data = try Data(contentsOf: Checkout.data.appendingPathComponent("checking/touchstone-models.cairn"))
    let text = String(decoding: data, as: UTF8.self)
    let bench = try Workbench()
    let unit = bench.cell(text)
    let wrong = unit.diagnostics.filter { !isLater($0) }
    #expect(wrong.isEmpty, "\(bench.text(wrong))")
    let later = unit.diagnostics.compactMap { $0.message.split(separator: "`").first.map(String.init) }
    #expect(
      later == [
        "LKJCholesky", "Ordered", "Ordered", "Multinomial", "solveODE", "NegativeBinomial", "Censored", "Weibull",
      ])
    #expect(unit.models.count == 17)
  }

  static let shapes: [(model: String, name: String, members: [String])] = [
    (
      "model A(x: Matrix[N, K]) { let alpha ~ Normal(0, 10)\n let beta ~ Normal(0, 2.5).iid(K)\n let eta = alpha + x * beta\n let y ~ Normal(eta, 1) }",
      "A", ["alpha: Real", "beta: Vector[K]", "eta: Vector[N]", "y: Vector[N]"]
    ),
    (
      "model B(g: [N of Index[J]]) { plate j in 0..<J { let t ~ Normal(0, 1)\n let d ~ Dirichlet(ones(3))\n let two = 2 * t }\n plate i in 0..<N { let y ~ Bernoulli(logits: t[g[i]]) } }",
      "B", ["t: Vector[J]", "d: Matrix[J, 3]", "two: Vector[J]", "y: [N of Int]"]
    ),
    (
      "model C(N: Int, T: Int) { plate i in 0..<N { let x: Vector[T]\n x[0] ~ Normal(0, 1)\n for t in 1..<T { x[t] ~ Normal(x[t - 1], 1) }\n plate k in 0..<2 { let z ~ Normal(0, 1) } } }",
      "C", ["x: Matrix[N, T]", "z: Matrix[N, 2]"]
    ),
    (
      "enum Tail { case light, heavy, other(Real) }\nmodel D(tail: Tail, wide: Bool, k: Int?) { switch tail { case .light, .heavy: let y ~ Normal(0, 1)\n case .other(let s): let y ~ Normal(0, s) }\n if wide { let c ~ Normal(0, 1) }\n if let k { let p ~ Normal(0, 1).iid(k) } else { let q ~ Normal(0, 1) } }",
      "D", ["y: Real", "c: Real?", "p: Vector?", "q: Real?"].map { $0.replacing("Vector?", with: "Vector[k]?") }
    ),
    (
      "model S(J: Int) { let scale ~ HalfNormal(1)\n let effect ~ Normal(0, scale).iid(J) }\nmodel E(N: Int) { plate i in 0..<N { let s ~ S(J: 2) }\n let first = s.effect[..., 0] }",
      "E", ["s: sites of S", "first: Vector[N]"]
    ),
  ]

  @Test("Members have the types they have outside their plates", arguments: 0..<ModelTests.shapes.count)
  func members(number: Int) throws {
    let (text, name, members) = ModelTests.shapes[number]
    let bench = try Workbench()
    let unit = bench.cell(text)
    #expect(unit.diagnostics.isEmpty, "\(bench.text(unit.diagnostics))")
    #expect(bench.members(name) == members)
  }

  static let group = """
    model Groups(group: [N of Index[J]], x: Vector[N]) {
        let mu ~ Normal(0, 1)
        plate j in 0..<J { let theta ~ Normal(mu, 1) }
        plate i in 0..<N { let k ~ Bernoulli(logits: theta[group[i]]) }
        let y ~ Normal(x + theta[group], 1)
    }
    """

  static let uses: [(String, [String])] = [
    ("let m = Groups(group: [0, 1], x: [1, 2])", []),
    ("let m = G.given(y: [1, 2])", []), ("let m = G.given(y: [1, nil])", []), ("let m = G.given(mu: 3)", []),
    ("let m = G.given(k: [true, false])", []), ("let m = G.given(k: [0, 1])", []),
    ("let m = G.given(k: [1.0, 0])", ["T201"]),
    ("let m = G.given(nu: 3)", ["M104"]), ("let m = G.given(mu: \"a\")", ["T201"]),
    ("let m = G.given(x: [1])", ["M104"]),
    ("let m = G.do(mu: 3).with(x: [3, 4])", []), ("let m = G.with(z: 3)", ["M105"]), ("let m = G.given(3)", ["M102"]),
    ("let m = G.given(mu: 3, mu: 4)", ["M103"]), ("let m = G.reparam(theta: .noncentered)", []),
    ("let m = G.reparam(theta: .backwards)", ["T227"]),
    ("let m = sample(G, init: .values(mu: 1).otherwise(.prior))", []),
    ("let m = sample(G, init: .values(nu: 1))", ["M104"]), ("let m = sample(G, keep: \\.mu, \\.theta)", []),
    ("let m = sample(G, keep: \\.mu, \\.thta)", ["M104"]), ("let t: Matrix = sample(G).theta", []),
    ("let t: Vector = sample(G).mu", []), ("let t: Vector = sample(G).theta", ["T201"]),
    ("let t = sample(G).thta", ["M104"]),
    ("let t = sample(G).draws", ["T224"]), ("let t = sample(G, chain: 2)", ["T219"]),
    ("func f(_ m: Model) -> Posterior { return sample(m) }\nlet t: Vector = f(G).anything", []),
    ("func f(_ m: Model<Groups>) -> Posterior<Groups> { return sample(m) }\nlet t = f(G).thta", ["M104"]),
  ]

  @Test("Labels and values are held to the model", arguments: 0..<ModelTests.uses.count)
  func using(number: Int) throws {
    let (text, codes) = ModelTests.uses[number]
    let bench = try Workbench()
    let first = bench.cell(ModelTests.group + "\nlet G = Groups(group: [0, 1], x: [1, 2])")
    #expect(first.diagnostics.isEmpty, "\(bench.text(first.diagnostics))")
    #expect(bench.codes(text) == codes, "\(text)")
  }

  static let bodies: [(String, [String])] = [
    ("let x ~ Normal(0, 1)\n if x > 0 { addLogDensity(1) }", ["M130"]),
    ("let x ~ Normal(0, 1)\n var a = 0.0\n if x > 0 { a = 1 }\n while a > 0 { a = 0 }", ["M133"]),
    ("let x ~ Normal(0, 1)\n let f = { (z: Real) in z + x }\n while f(1) > 0 { }", ["M133"]),
    ("let x ~ Normal(0, 1)\n let a = if n > 1 { 1.0 } else { x }\n while a > 0 { }", ["M133"]),
    ("let x ~ Normal(0, 1)\n var t = 0.0\n for i in 0..<3 { t = t + x\n let z = zeros(i) }", ["M131"]),
    ("let x ~ Normal(0, 1)\n for i in 0..<3 { var k = 0\n while k < 3 { k += 1 } }", []),
    ("var t = 0.0\n for i in 0..<3 { t = t + 1\n let z = zeros(i) }", []),
    ("plate i in 0..<n { var a = 1.0\n a = a + 1\n let y ~ Normal(a, 1) }", []),
    ("plate i in 0..<n { var a = 1.0 }\n let b = a", ["T107"]),
    ("plate i in 0..<n { let y ~ Normal(i > 0 ? 1 : 2, 1) }", []),
    ("plate i in 0..<n { if i > 0 { let y ~ Normal(0, 1) } }", ["M130"]),
    ("let y ~ Normal(z, 1)\n let z ~ Normal(0, 1)", ["T107"]),
    ("let w ~ Normal(0, 1)\n if n > 1 { let w ~ Normal(0, 2) }", ["M101"]),
    ("if n > 1 { let w ~ Normal(0, 2) } else { let w ~ Normal(0, 1) }\n let v = w + 1", []),
    ("if n > 1 { let w ~ Normal(0, 2) }\n let v = w + 1", ["T207"]),
    ("let x: Vector[n]\n for t in 0..<n { x[t] ~ Poisson(1) }", ["T201"]),
  ].map { ($0.0, $0.1) }

  @Test("Fixed and varying values keep apart", arguments: 0..<ModelTests.bodies.count)
  func rules(number: Int) throws {
    let (body, codes) = ModelTests.bodies[number]
    let found = try Workbench().codes("model M(n: Int) {\n \(body)\n}")
    #expect(found == codes, "\(body)")
  }

  @Test("A loop says what it carries and whether it holds sites")
  func loops() throws {
    let bench = try Workbench()
    bench.cell(
      "model M(T: Int) {\n let x: Vector[T]\n var s = 1.0\n for t in 0..<T { s = s * 0.5\n x[t] ~ Normal(0, s) }\n for k in 0..<3 { s = s + k }\n}"
    )
    let body = bench.checker.table.models.last?.function.body ?? []
    let loops = body.compactMap { if case .forIn(let loop) = $0.kind { loop } else { nil } }
    #expect(loops.map(\.containsSite) == [true, false])
    #expect(loops.map(\.carried.count) == [1, 1])
  }

  @Test("Extents of a signature are locals with the places that must agree")
  func extents() throws {
    let bench = try Workbench()
    bench.cell("func f(_ x: Matrix[N, K], _ g: [N of Index[J]], K: Int) -> Int { return J }")
    guard let function = bench.checker.table.functions.last else {
      Issue.record("the function is missing")
      return
    }
    let spelled = function.extents.map { extent in
      let places = extent.places.map { "\($0.parameter).\($0.axis)" }.joined(separator: " ")
      return "\(extent.name) \(extent.isGiven ? "given" : "bound"): \(places)"
    }
    #expect(spelled == ["J bound: 1.-1", "K given: 0.1", "N bound: 0.0 1.0"])
  }
}
