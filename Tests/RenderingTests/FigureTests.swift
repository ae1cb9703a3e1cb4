import Foundation
import FoundationXML
import Rendering
import TestSupport
import Testing

/// Figures as SVG, in characters and in words.
@Suite struct FigureTests {
  private static func isWellFormed(_ svg: String) -> Bool { XMLParser(data: Data(svg.utf8)).parse() }

  static func shapes(_ x: [Double], _ y: [Double]) -> [Mark.Shape] {
    [
      .line(x: x, y: y), .steps(x: x, y: y), .points(x: x, y: y), .band(x: x, low: y, high: x),
      .bars(left: x, right: y, low: x, high: y), .intervals(at: x, low: y, high: x, isVertical: true),
      .intervals(at: x, low: y, high: x, isVertical: false), .field(xEdges: x, yEdges: y, values: x),
      .rule(at: x.first ?? .nan, isVertical: true), .slope(intercept: x.first ?? 0, slope: y.first ?? 0),
      .labels(x: x, y: y, texts: x.map { "\($0)" }),
    ]
  }

  @Test func examplesAreDrawnInCharactersAndTold() {
    for (name, figure) in FigureExamples.all {
      let text = TextRenderer(width: 80).text(figure)
      #expect(Golden.mismatch(text + "\n" + figure.alternativeText + "\n", "figures/\(name).txt") == nil)
      let svg = SVGRenderer(idPrefix: name, isStandalone: true).svg(figure)
      #expect(FigureTests.isWellFormed(svg), "\(name)")
      #expect(svg == SVGRenderer(idPrefix: name, isStandalone: true).svg(figure))
      #expect(svg.utf8.count < 300_000)
    }
  }

  @Test func nothingIsWiderThanTheWindow() {
    for (name, figure) in FigureExamples.all {
      for width in [20, 31, 40, 63, 80, 120, 200] {
        for usesUnicode in [true, false] {
          let text = TextRenderer(width: width, usesUnicode: usesUnicode).text(figure)
          let widest = text.split(separator: "\n").map { DisplayText.width(String($0)) }.max() ?? 0
          #expect(widest <= width, "\(name) at \(width)")
        }
      }
    }
  }

  @Test("Every shape with empty, single, constant, huge and odd numbers, on each kind of axis")
  func oddNumbers() {
    let arrays: [[Double]] = [
      [], [1], [2, 2, 2], [.nan, .nan], [.infinity, -.infinity, 0], [-1e308, 1e308], [1e-320, 2e-320], [-0.0, 0],
      [1, .nan, 3, .infinity],
    ]
    let axes = [
      Axis("x"), Axis(scale: .logarithmic), Axis(scale: .categories(["a", "b"])), Axis(limits: 3...3, ticks: .whole),
      Axis(ticks: .none, includesZero: true),
    ]
    for x in arrays {
      for y in arrays {
        for axis in axes {
          let marks = FigureTests.shapes(x, y).map { Mark($0, .series(-3), weight: .heavy, dash: .dashed, name: "n") }
          let figure = Figure(
            kind: "test",
            panels: [Panel(title: "t", x: axis, y: Axis(), marks: marks), Panel(x: Axis(), y: axis, marks: marks)],
            sharesX: true)
          #expect(FigureTests.isWellFormed(SVGRenderer(idPrefix: "p", isStandalone: false).svg(figure)))
          #expect(!TextRenderer(width: 40).text(figure).isEmpty)
          #expect(!figure.alternativeText.isEmpty)
          _ = figure.dataTable()
        }
      }
    }
  }

  @Test("Hostile words stay words, wherever they stand")
  func hostile() {
    let word = "</svg><script>alert(1)</script>\" onload='x' \u{202E}\u{0}\u{FFFF}&"
    let marks = [Mark(.labels(x: [0], y: [0], texts: [word]), name: word)]
    let panels = Figure(
      kind: word, title: word,
      panels: [Panel(title: word, x: Axis(word), y: Axis(word, scale: .categories([word])), marks: marks)],
      facts: [word],
      notes: [word])
    let nodes = [
      Diagram.Node(name: word, kind: .latent, detail: word, plates: [0]), Diagram.Node(name: "y", kind: .observed),
    ]
    let diagram = Figure(
      kind: word, diagram: Diagram(nodes: nodes, edges: [.init(from: 0, to: 1)], plates: [word]))
    for figure in [panels, diagram] {
      let svg = SVGRenderer(idPrefix: word, isStandalone: true).svg(figure)
      #expect(FigureTests.isWellFormed(svg))
      #expect(!svg.contains("<script") && !svg.contains("\u{202E}"))
      #expect(!svg.lowercased().contains(" onload='"))
      let text = TextRenderer(width: 60).text(figure)
      #expect(!text.contains("\u{202E}") && !text.contains("\u{0}"))
    }
  }

  @Test func aMillionPointsAreThinnedAndKeepTheirExtremes() {
    let count = 1_000_000
    var y = (0..<count).map { sin(Double($0) / 1000) }
    y[123_456] = 50
    y[654_321] = -50
    let thin = Thinning.line(x: (0..<count).map(Double.init), y: y)
    #expect(thin.x.count < 3000 && thin.y.max() == 50 && thin.y.min() == -50)
    let made = Thinning.points(x: y.map { $0 * 2 }, y: y)
    let figure = Figure(kind: "scatter plot", panels: [Panel(marks: made.marks)])
    #expect(SVGRenderer(idPrefix: "", isStandalone: true).svg(figure).utf8.count < 300_000)
  }
}
