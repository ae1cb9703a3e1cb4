import Foundation
import Notebooks
import Rendering
import Syntax
import TestSupport
import Testing

/// What a report shows, and in which order.
struct ReportTests {
  static let small = """
    ---
    title: A small study
    author: [Ada, Ben]
    description: Everything a report can hold, once.
    number-sections: true
    seed: 1
    ---

    # The data {#sec-data}

    ```swift {#numbers}
    let x = [1.0, 2.0, 4.0]
    x
    ```

    Numbers, with a mean of `= mean(x) | .2f` and a share of `= 0.25 | .1%`; see [Fig.](#fig-x), [Table](#tbl-x),
    [Eq.](#eq-model) and [Section](#sec-data).[^why]

    [^why]: Because they are few.

    $$
    y_i \\sim \\mathrm{Normal}(\\mu, \\sigma)
    $$ {#eq-model}

    > [!TIP]
    > Look at the *figure*.

    ## Plots

    ```swift {#fig-x .fold}
    //| caption: Three numbers, $n = 3$
    scatter(x, x)
    ```

    ```swift {#tbl-x .no-code}
    //| caption: The same
    Table().adding("x", x).adding("name", ["a", "b", "c"])
    ```

    ```swift {.hidden}
    let secret = 1
    ```

    ```swift {#bad}
    //| error: allow
    x[7]
    ```
    """ + "\n"

  @Test("The content of a report")
  func content() throws {
    let exporting = try Exporting(ReportTests.small)
    if let mismatch = Golden.mismatch(exporting.main, "reports/small.html") { Issue.record("\(mismatch)") }
  }

  @Test("The page is well-formed, refers to nothing outside, and every reference has its place")
  func wellFormed() throws {
    let page = try Exporting(ReportTests.small).page
    let tokens = PageTokens(page)
    #expect(tokens.faults.isEmpty, "\(tokens.faults)")
    let ids = tokens.tags.flatMap(\.attributes).filter { $0.name == "id" }.map(\.value)
    #expect(Set(ids).count == ids.count, "an id stands twice")
    for (name, value) in tokens.tags.flatMap(\.attributes) where name == "href" && value.hasPrefix("#") {
      #expect(ids.contains(String(value.dropFirst())), "nothing has the id \(value)")
    }
    for (name, value) in tokens.tags.flatMap(\.attributes) where name == "src" || name == "href" {
      #expect(["#", "data:", "https://", "http://", "mailto:"].contains { value.hasPrefix($0) }, "\(value)")
    }
    #expect(!tokens.tags.contains { $0.attributes.contains { $0.name.hasPrefix("on") || $0.name == "style" } })
    #expect(tokens.tags.filter { $0.name == "h1" && !$0.isClosing }.count == 1)
  }

  @Test("Style and script stay small, and the same report gives the same bytes")
  func size() throws {
    #expect(HTMLRenderer.shellSize <= 40_000)
    #expect(try Exporting(ReportTests.small).page == Exporting(ReportTests.small).page)
  }

  @Test("The notebook can be taken out of its report")
  func source() throws {
    let exporting = try Exporting(ReportTests.small)
    #expect(ReportSource.notebook(in: Array(exporting.page.utf8)) == Array(ReportTests.small.utf8))
  }

  @Test("Failed and skipped cells stand in the banner and in their places")
  func failures() throws {
    let exporting = try Exporting(
      "```swift {#a}\nlet x = [1][2 + \"\".count]\n```\n\n```swift {#b}\nx + 1\n```\n\n```swift {#c}\n1\n```\n")
    #expect(exporting.report.failures.map(\.cell) == ["cell a", "cell b"])
    let main = exporting.main
    #expect(main.contains("2 cells did not finish") && main.contains("Skipped: it needs"))
    #expect(main.contains("index 2 is out of range"))
  }

  @Test("A fit has its line in the strip of verdicts, hidden or not, with plots of its checks")
  func verdicts() throws {
    let exporting = try Exporting(
      """
      ```swift {#fit .hidden}
      model M() { let mu ~ Normal(0, 1)
        let y ~ Normal(mu, 1) }
      let fit = sample(M().given(y: 1.0), chains: 2, warmup: 200, draws: 200)
      ```
      """ + "\n")
    let verdicts = exporting.report.verdicts
    #expect(verdicts.count == 1 && verdicts.first?.verdict.model == "M")
    #expect(verdicts.first?.verdict.quantities.map(\.name) == ["mu"])
    #expect(verdicts.first?.rHatFigure != nil && verdicts.first?.essFigure != nil)
    let main = exporting.main
    #expect(main.contains("Did the fits work?") && main.contains("R-hat") && main.contains("E-BFMI"))
    // No cell shows it, nor does a terminal.
    #expect(exporting.run.texts == [[]])
  }

  @Test("A figure's caption, number and alternative are the author's")
  func captions() throws {
    let exporting = try Exporting(
      """
      ```swift {#fig-two}
      //| caption: Two of them
      //| subcaptions: [first, second]
      //| columns: 2
      //| alt: Two rising lines.
      show(linePlot([1.0, 2.0], [1.0, 2.0]))
      linePlot([1.0, 2.0], [2.0, 4.0])
      ```

      ```swift {}
      scatter([1.0], [1.0])
      ```
      """ + "\n")
    guard case .figures(let group)? = exporting.report.cells[0].outputs.first else {
      Issue.record("no figures")
      return
    }
    #expect(group.figures.count == 2 && group.columns == 2 && group.label.number == 1 && group.label.id == "fig-two")
    #expect(group.figures.allSatisfy { $0.alternativeText == "Two rising lines." })
    guard case .figures(let other)? = exporting.report.cells[1].outputs.first else {
      Issue.record("no figure")
      return
    }
    #expect(other.label.number == 2 && other.label.id == nil)
  }
}
