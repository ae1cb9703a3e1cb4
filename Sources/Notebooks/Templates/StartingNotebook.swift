package import Checking
import Foundation

/// Notebooks to begin with.
package enum StartingNotebook {
  /// A small regression with made-up data: every step of the workflow once.
  package static func example(title: String) -> String {
    let data = """
      ```swift {#data}
      let x = (0..<20).map { i in i / 10 - 1 }
      let y = 1 + 2 * x + 0.3 * randomNormal(20)
      ```
      """
    return notebook(
      title: title, data: data,
      intro: "Twenty made-up points, to be replaced by your own: `cairn new NAME --from FILE.csv`\nbegins with a file.",
      hasPredictor: true)
  }

  /// A notebook about a file: its columns, and a first model of one of them.
  ///
  /// - Parameters:
  ///   - path: As cells name the file.
  ///   - columns: Of the file.
  package static func about(path: String, columns: [TableType.Column], title: String) -> String {
    func isReal(_ type: Type) -> Bool {
      switch type {
      case .real: true
      case .optional(let inner): isReal(inner)
      default: false
      }
    }
    func isNumeric(_ type: Type) -> Bool {
      switch type {
      case .real, .int: true
      case .optional(let inner): isNumeric(inner)
      default: false
      }
    }
    // Measurements rather than counts, years and row numbers, where there are any.
    let measured = columns.filter { isReal($0.cell) }.map(\.name)
    let numeric = measured.isEmpty ? columns.filter { isNumeric($0.cell) }.map(\.name) : measured
    let file = quoted(path)
    var data = """
      ```swift {#data}
      let table = readCSV(\(file))
      table
      ```

      What each column holds, and how much is missing:

      ```swift {#columns}
      summary(table)
      ```
      """
    guard let first = numeric.first, let last = numeric.last else {
      return front(title) + "\n# \(title)\n\n## The data\n\n" + data
        + "\n\nNo column holds numbers: `table.column(\"…\").index` makes indices of names, for a model to go by.\n"
    }
    // Measurements often end with what is explained; tables of whole numbers, where these may be counts of little range,
    // more often begin with it.
    let (outcome, predictor) = measured.isEmpty ? (first, numeric.dropFirst().first) : (last, numeric.dropLast().first)
    let chosen = [predictor, outcome].compactMap { $0 }
    let list = chosen.map(quoted).joined(separator: ", ")
    let backward =
      predictor.map {
        "; a slope in the columns' own units is\n`mean(fit.slope) * sd(complete.reals(\(quoted(outcome)))) / sd(complete.reals(\(quoted($0))))`"
      } ?? ""
    data += """


      A first question: what does \(predictor.map { "`\($0)` say about `\(outcome)`" } ?? "`\(outcome)` look like")?
      Which columns it is about is a guess: `y`, what is explained, and others are named in the cell below. What is used is
      standardized, so that the priors suit any units\(backward).

      ```swift {#chosen}
      let complete = table.select([\(list)]).dropMissing()
      func standardized(_ v: Vector[n]) -> Vector[n] { (v - mean(v)) / sd(v) }
      \(predictor.map { "let x = standardized(complete.reals(\(quoted($0))))\n" } ?? "")let y = standardized(complete.reals(\(quoted(outcome))))
      ```

      Rows with a missing value in one of these are left out: `= table.count - complete.count` of
      `= table.count`.
      """
    return notebook(
      title: title, data: data, intro: nil, hasPredictor: predictor != nil)
  }

  private static func quoted(_ text: String) -> String {
    "\"" + text.replacingOccurrences(of: "\\", with: "\\\\").replacingOccurrences(of: "\"", with: "\\\"") + "\""
  }

  private static func front(_ title: String) -> String {
    "---\ntitle: \(quoted(title))\nengine: 0.1\nseed: 1\n---\n"
  }

  private static func notebook(
    title: String, data: String, intro: String?, hasPredictor: Bool
  ) -> String {
    let model =
      hasPredictor
      ? """
      model Line(x: Vector[n]) {
          let intercept ~ Normal(0, 1)
          let slope ~ Normal(0, 1)
          let sigma ~ HalfNormal(1)
          plate i in 0..<n {
              let y ~ Normal(intercept + slope * x[i], sigma)
          }
      }
      let m = Line(x: x).given(y: y)
      """
      : """
      model Level(size: Int) {
          let mu ~ Normal(0, 1)
          let sigma ~ HalfNormal(1)
          plate i in 0..<size {
              let y ~ Normal(mu, sigma)
          }
      }
      let m = Level(size: y.count).given(y: y)
      """
    let formula =
      hasPredictor
      ? "y_i \\sim \\mathrm{Normal}(\\alpha + \\beta x_i, \\sigma)" : "y_i \\sim \\mathrm{Normal}(\\mu, \\sigma)"
    let interest = hasPredictor ? "slope" : "mu"
    return front(title) + """

      # The data

      \(intro.map { $0 + "\n\n" } ?? "")\(data)

      # The model

      $$
      \(formula)
      $$

      ```swift {#model}
      \(model)
      m.sites
      ```

      # Does the prior make sense?

      Data that the model makes up before it has seen any; they should look possible, not certain.

      ```swift {#fig-prior}
      //| caption: Data that the prior imagines, and the real ones
      ppcDensity(observed: y, replicated: m.prior(200).y)
      ```

      # The fit

      ```swift {#fit}
      let fit = sample(m, chains: 4)
      summary(fit)
      ```

      R-hat of at most 1.01 and at least 400 effective draws (ESS, bulk and tail) mean that the numbers can be trusted;
      warnings above the table say what to do where they are not. The mean of `\(interest)` is `= mean(fit.\(interest)) | .2f`.

      ```swift {#fig-trace}
      //| caption: The chains should look alike, and like noise
      tracePlot(fit)
      ```

      # Does the model fit the data?

      ```swift {#fig-check}
      //| caption: Data that the fitted model would make, and the real ones
      ppcDensity(observed: y, replicated: fit.replicate().y)
      ```

      If the real data stand out in [Figure](#fig-check), the model misses something: change it, and run the notebook again.
      Only what depends on the change runs.

      """
  }
}
