import Checking
import Interpreter
import Testing

/// A random call's stream depends on its cell, the chain of calls and visits, and the seed; on nothing else.
@Suite struct StreamTests {
  private func lines(_ text: String, identity: String = "cell", seed: UInt64 = 0) -> [String] {
    let session = Session()
    session.machine.seedRoot = seed
    return session.run(text, identity: identity).lines
  }

  @Test func repeats() {
    let text = "randomUniform()\nrandomNormal(2)"
    #expect(lines(text) == lines(text))
    #expect(lines(text) != lines(text, identity: "other"))
    #expect(lines(text) != lines(text, seed: 1))
  }

  @Test func movingLinesChangesNothing() {
    let plain = lines("randomUniform()")
    #expect(lines("// a comment\n\n\nrandomUniform()") == plain)
    #expect(lines("let unrelated = sum([1.0, 2.0])\nvar k = 0\nfor i in 0..<3 { k += i }\nrandomUniform()") == plain)
  }

  @Test func everyVisitDiffers() {
    let drawn = lines("for i in 0..<20 { print(randomUniform()) }\nrandomUniform()\nrandomUniform()")
    #expect(Set(drawn).count == 22)
  }

  @Test func everyCallPathDiffers() {
    let text = """
      func f() -> Real { return randomUniform() }
      func g(_ n: Int) -> Real { if n == 0 { return f() }; return g(n - 1) }
      f()
      f()
      g(0)
      g(1)
      g(2)
      """
    #expect(Set(lines(text)).count == 5)
  }

  @Test func aLongerLoopStartsTheSame() {
    let short = lines("for i in 0..<3 { print(randomUniform()) }")
    let long = lines("for i in 0..<6 { print(randomUniform()) }")
    #expect(Array(long.prefix(3)) == short)
  }

  @Test func mappedElementsKeepTheirDraws() {
    func draws(_ array: String) -> [String] { lines("for p in \(array).map({ x in randomUniform() }) { print(p) }") }
    let forward = draws("[1, 2, 3]")
    let backward = draws("[3, 2, 1]")
    #expect(forward == Array(backward.reversed()))
    let with = draws("[1, 7, 2, 3]")
    #expect([with[0], with[2], with[3]] == forward)
    // Equal elements are told by their occurrence.
    #expect(Set(draws("[5, 5, 5]")).count == 3)
  }

  @Test func nestedCallbacksDiffer() {
    let text =
      "for row in (0..<3).map({ i in (0..<2).map({ j in randomUniform() }) }) { for x in [row[0], row[1]] { print(x) } }"
    #expect(Set(lines(text)).count == 6)
  }

  @Test func whileConditionsDraw() {
    let text = "var n = 0\nwhile randomUniform() < 2 && n < 5 { n += 1\nprint(randomUniform()) }"
    #expect(Set(lines(text)).count == 5)
  }

  @Test func drawingIsObserved() {
    final class Observer: RunObserver {
      var draws = 0
      var globals: [Int] = []
      var functions: [Int] = []
      func didRead(_ global: GlobalID) { globals.append(global.rawValue) }
      func didCall(_ function: FunctionID) { functions.append(function.rawValue) }
      func didUse(model: ModelID) {}
      func didDraw() { draws += 1 }
    }
    let session = Session()
    session.run("let a = 2\nlet b = 3\nfunc f(_ x: Int) -> Int { return x + a }")
    let observer = Observer()
    session.machine.observer = observer
    session.run("f(1)\nf(2)\nsum([1.0])")
    #expect(observer.draws == 0)
    #expect(observer.functions.count == 1)
    #expect(observer.globals.count == 1)
    session.run("randomUniform()\nrandomUniform()")
    #expect(observer.draws == 1)
  }
}
