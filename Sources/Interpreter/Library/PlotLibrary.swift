import Checking
import Plots
import Rendering

/// Plots of plain numbers: what `stdlib/plots.cairn` declares without a fit.
enum PlotLibrary {
  static let all: [Intrinsic] = data + predictive + modifiers

  private static func plot(_ figure: Figure) -> Value { .engine(PlotValue(figure)) }

  /// Groups from a column of indices, of texts or of whole numbers; nil where none are given.
  private static func groups(_ a: Arguments, _ index: Int, count: Int) throws -> Plots.Groups? {
    guard let value = a[index].unwrapped else { return nil }
    let found: Plots.Groups
    switch value {
    case .intArray(let array):
      if let levels = array.index?.levels {
        found = Plots.Groups(index: array.elements, names: levels)
      } else {
        let values = Set(array.elements).sorted()
        let number = Dictionary(uniqueKeysWithValues: values.enumerated().map { ($1, $0) })
        found = Plots.Groups(index: array.elements.map { number[$0] ?? -1 }, names: values.map(String.init))
      }
    case .boolArray(let array):
      found = Plots.Groups(index: array.elements.map { $0 ? 1 : 0 }, names: ["false", "true"])
    default:
      let texts = try Operations.elements(of: value).map { value -> String in
        guard case .string(let text) = value else { throw a.wrong(index, "a column of texts or indices") }
        return text
      }
      let levels = Set(texts).sorted()
      let number = Dictionary(uniqueKeysWithValues: levels.enumerated().map { ($1, $0) })
      found = Plots.Groups(index: texts.map { number[$0] ?? -1 }, names: levels)
    }
    guard found.index.count == count else {
      throw Fault(
        "R004", "`\(a.name)` needs a group for each value", expected: "\(count) groups", found: "\(found.index.count)",
        help: "take both from the same rows of a table")
    }
    return found
  }

  private static func pair(_ a: Arguments) throws -> (x: [Double], y: [Double]) {
    let x = try a.reals(0)
    let y = try a.reals(1)
    guard x.count == y.count else {
      throw Fault(
        "R004", "`\(a.name)` needs as many x as y", expected: "\(x.count) values", found: "\(y.count)",
        help: "take both from the same rows of a table")
    }
    return (x, y)
  }

  private static func text(_ a: Arguments, _ index: Int) throws -> String? {
    guard let value = a[index].unwrapped else { return nil }
    guard case .string(let text) = value else { throw a.wrong(index, "a String") }
    return text
  }

  private static func integer(_ a: Arguments, _ index: Int, _ range: ClosedRange<Int>, _ what: String) throws -> Int? {
    guard let value = a[index].unwrapped else { return nil }
    guard case .int(let number) = value else { throw a.wrong(index, "an Int") }
    guard range.contains(number) else {
      throw Fault(
        "R012", "`\(a.name)`: \(what) is out of range", expected: "\(range.lowerBound) to \(range.upperBound)",
        found: "\(number)", help: "leave it out for a value that suits the data")
    }
    return number
  }

  private static func figure(_ a: Arguments, _ index: Int) throws -> Figure {
    guard case .engine(let engine) = a[index], let plot = engine as? PlotValue else { throw a.wrong(index, "a Plot") }
    return plot.figure
  }

  // MARK: - Data

  private static let data: [Intrinsic] = [
    CoreLibrary.make("scatter(_:_:by:)") { a, _ in
      let (x, y) = try pair(a)
      return plot(Plots.scatter(x: x, y: y, groups: try groups(a, 2, count: x.count)))
    },
    CoreLibrary.make("linePlot(_:_:by:)") { a, _ in
      let (x, y) = try pair(a)
      return plot(Plots.line(x: x, y: y, groups: try groups(a, 2, count: x.count)))
    },
    CoreLibrary.make("histogram(_:bins:by:)") { a, _ in
      let x = try a.reals(0)
      let bins = try integer(a, 1, 1...1000, "the number of bins")
      return plot(Plots.histogram(x, bins: bins, groups: try groups(a, 2, count: x.count)))
    },
    CoreLibrary.make("densityPlot(_:by:)") { a, _ in
      let x = try a.reals(0)
      return plot(Plots.density(x, groups: try groups(a, 1, count: x.count)))
    },
    CoreLibrary.make("ecdfPlot(_:by:)") { a, _ in
      let x = try a.reals(0)
      return plot(Plots.ecdf(x, groups: try groups(a, 1, count: x.count)))
    },
    CoreLibrary.make("dotPlot(_:dots:)") { a, _ in
      plot(Plots.quantileDots(try a.reals(0), dots: try integer(a, 1, 1...200, "the number of dots") ?? 50))
    },
    CoreLibrary.make("forest(_:names:)") { a, _ in
      guard let shape = Operations.shape(of: a[0]) else { throw a.wrong(0, "draws, a number or an array for each") }
      let draws = try a.reals(0)
      let columns = shape.dropFirst().reduce(1, *)
      var names = (0..<columns).map { columns == 1 ? "" : "[\($0)]" }
      if let list = a[1].unwrapped {
        names = try Arguments(a.name, [list]).strings(0)
        guard names.count == columns else {
          throw Fault(
            "R004", "`forest` needs a name for each column", expected: "\(columns) names", found: "\(names.count)",
            help: "each column of the draws is a row of the plot")
        }
      }
      let rows = names.enumerated().map { column, name in
        Plots.Row(
          name: name, draws: stride(from: column, to: draws.count, by: max(1, columns)).map { draws[$0] })
      }
      return plot(Plots.forest(rows, label: nil))
    },
    CoreLibrary.make("barPlot(_:_:)") { a, _ in
      let names = try a.strings(0)
      let heights = try a.reals(1)
      guard names.count == heights.count else {
        throw Fault(
          "R004", "`barPlot` needs a name for each bar", expected: "\(heights.count) names", found: "\(names.count)",
          help: "give as many names as heights")
      }
      return plot(Plots.bars(names: names, heights: heights))
    },
  ]

  // MARK: - Predictive checks

  /// Observed data and as many columns of replications.
  private static func check(_ a: Arguments) throws -> (observed: [Double], replicated: Plots.Replications) {
    let observed = try a.reals(0)
    return (observed, try replications(a, 1, size: observed.count))
  }

  private static func replications(_ a: Arguments, _ index: Int, size: Int) throws -> Plots.Replications {
    guard let shape = Operations.shape(of: a[index]), shape.count >= 2 else {
      throw a.wrong(index, "a matrix of draws × observations")
    }
    let columns = shape.dropFirst().reduce(1, *)
    guard columns == size else {
      throw Fault(
        "R004", "`\(a.name)` needs a replication of each observation", expected: "\(size) columns", found: "\(columns)",
        help: "give the same observations as the fit was made of")
    }
    return Plots.Replications(try a.reals(index), size: size)
  }

  private static func positions(_ a: Arguments, _ index: Int, count: Int) throws -> [Double]? {
    guard let value = a[index].unwrapped else { return nil }
    let x = try Arguments(a.name, [value]).reals(0)
    guard x.count == count else {
      throw Fault(
        "R004", "`\(a.name)` needs an x for each value", expected: "\(count) values", found: "\(x.count)",
        help: "give x in the order of the observations")
    }
    return x
  }

  private static func statistic(_ function: Value, _ data: [Double], _ context: any CallContext, _ a: Arguments) throws
    -> Double
  {
    switch try context.call(function, [.vector(data)]) {
    case .real(let number): return number
    case .int(let number): return Double(number)
    case .bool(let flag): return flag ? 1 : 0
    default:
      throw Fault(
        "R006", "the statistic of `\(a.name)` gives no number", help: "write one such as `{ x in mean(x) }`")
    }
  }

  private static let predictive: [Intrinsic] = [
    CoreLibrary.make("ppcDensity(observed:replicated:)") { a, _ in
      let (observed, replicated) = try check(a)
      return plot(Plots.ppcDensity(observed: observed, replicated: replicated))
    },
    CoreLibrary.make("ppdDensity(_:)") { a, _ in
      guard let shape = Operations.shape(of: a[0]), shape.count >= 2 else {
        throw a.wrong(0, "a matrix of draws × observations")
      }
      let size = shape.dropFirst().reduce(1, *)
      return plot(Plots.ppcDensity(observed: nil, replicated: Plots.Replications(try a.reals(0), size: size)))
    },
    CoreLibrary.make("ppcECDF(observed:replicated:)") { a, _ in
      let (observed, replicated) = try check(a)
      return plot(Plots.ppcECDF(observed: observed, replicated: replicated))
    },
    CoreLibrary.make("ppcStatistic(observed:replicated:_:name:)") { a, context in
      let (observed, replicated) = try check(a)
      let own = try statistic(a[2], observed, context, a)
      var values: [Double] = []
      for draw in replicated.draws {
        if context.isCancelled { throw Fault("R080", "the run was interrupted") }
        values.append(try statistic(a[2], draw, context, a))
      }
      return plot(Plots.ppcStatistic(observed: own, replicated: values, name: try a.string(3)))
    },
    CoreLibrary.make("ppcStatistics(observed:replicated:_:_:names:)") { a, context in
      let (observed, replicated) = try check(a)
      let names = try a.strings(4)
      guard names.count == 2 else {
        throw Fault(
          "R012", "`ppcStatistics` needs two names", found: "\(names.count)", help: "write `names: [\"mean\", \"sd\"]`")
      }
      var values: ([Double], [Double]) = ([], [])
      for draw in replicated.draws {
        if context.isCancelled { throw Fault("R080", "the run was interrupted") }
        values.0.append(try statistic(a[2], draw, context, a))
        values.1.append(try statistic(a[3], draw, context, a))
      }
      let own = (try statistic(a[2], observed, context, a), try statistic(a[3], observed, context, a))
      return plot(Plots.ppcStatistics(observed: own, replicated: values, names: (names[0], names[1])))
    },
    CoreLibrary.make("ppcIntervals(observed:replicated:x:)") { a, _ in
      let (observed, replicated) = try check(a)
      return plot(
        Plots.ppcIntervals(
          observed: observed, replicated: replicated, x: try positions(a, 2, count: observed.count)))
    },
    CoreLibrary.make("ppcRibbon(observed:replicated:x:)") { a, _ in
      let (observed, replicated) = try check(a)
      return plot(
        Plots.ppcRibbon(observed: observed, replicated: replicated, x: try positions(a, 2, count: observed.count)))
    },
    CoreLibrary.make("ppcBars(observed:replicated:)") { a, _ in
      let (observed, replicated) = try check(a)
      return plot(Plots.ppcBars(observed: observed, replicated: replicated))
    },
    CoreLibrary.make("rootogram(observed:replicated:)") { a, _ in
      let (observed, replicated) = try check(a)
      return plot(Plots.rootogram(observed: observed, replicated: replicated))
    },
    CoreLibrary.make("pitECDF(observed:replicated:)") { a, _ in
      let (observed, replicated) = try check(a)
      return plot(Plots.pitECDF(Plots.pit(observed: observed, replicated: replicated)))
    },
    CoreLibrary.make("looPIT(_:)") { a, _ in plot(Plots.pitECDF(try a.reals(0), kind: "LOO-PIT plot")) },
    CoreLibrary.make("comparisonPlot(_:_:names:)") { a, _ in
      let differences = try a.reals(0)
      let errors = try a.reals(1)
      let names = try a.strings(2)
      guard differences.count == errors.count, names.count == errors.count else {
        throw Fault(
          "R004", "`comparisonPlot` needs a difference, an error and a name of each model",
          found: "\(differences.count), \(errors.count) and \(names.count)",
          help: "give all three in the same order of models")
      }
      return plot(Plots.comparison(differences: differences, errors: errors, names: names))
    },
    CoreLibrary.make("paretoK(_:)") { a, _ in plot(Plots.paretoK(try a.reals(0))) },
    CoreLibrary.make("regressionPlot(x:y:mean:predicted:)") { a, _ in
      let (x, y) = try pair(a)
      let predicted = a[3].unwrapped
      return plot(
        Plots.regression(
          x: x, y: y, mean: try replications(a, 2, size: x.count),
          predicted: try predicted.map { try replications(Arguments(a.name, [$0]), 0, size: x.count) }))
    },
  ]

  // MARK: - Modifiers

  private static let modifiers: [Intrinsic] = [
    CoreLibrary.make("Plot.titled(_:)") { a, _ in
      var figure = try figure(a, 0)
      figure.title = try a.string(1)
      return plot(figure)
    },
    CoreLibrary.make("Plot.labeled(x:y:)") { a, _ in
      var figure = try figure(a, 0)
      let x = try text(a, 1)
      let y = try text(a, 2)
      guard case .panels(var panels) = figure.content else {
        throw Fault("R006", "this plot has no axes", help: "`titled` gives it a title")
      }
      for index in panels.indices {
        if let x { panels[index].x.label = x }
        if let y { panels[index].y.label = y }
      }
      figure.content = .panels(panels)
      return plot(figure)
    },
    CoreLibrary.make("Plot.described(_:)") { a, _ in
      var figure = try figure(a, 0)
      figure.alternative = try a.string(1)
      return plot(figure)
    },
    CoreLibrary.make("Plot.alternativeText") { a, _ in .string(try figure(a, 0).alternativeText) },
    CoreLibrary.make("grid(_:columns:)") { a, _ in
      let figures = try a.elements(0).map { value -> Figure in
        guard case .engine(let engine) = value, let plot = engine as? PlotValue else {
          throw a.wrong(0, "a list of plots")
        }
        return plot.figure
      }
      var panels: [Panel] = []
      for figure in figures {
        guard case .panels(let own) = figure.content else {
          throw Fault(
            "R006", "a model graph has no place in a grid", help: "show it on its own: `show(m.graph())`")
        }
        panels += own.map { panel in
          var panel = panel
          if panel.title == nil { panel.title = figure.title }
          return panel
        }
      }
      let kinds = figures.map(\.kind).reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
      return plot(
        Figure(
          kind: kinds.count == 1 ? kinds[0] : "grid of plots", panels: panels,
          columns: try integer(a, 1, 1...12, "the number of columns"), facts: figures.flatMap(\.facts),
          notes: figures.flatMap(\.notes)))
    },
  ]
}
