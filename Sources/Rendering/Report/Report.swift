/// A notebook with all that it showed, ready to be laid out as a page.
///
/// It holds no markup: the renderer escapes every text, so that nothing in it can act on a page.
package struct Report: Sendable {
  package enum CodeDisplay: String, Sendable { case show, fold, hide }
  package enum Theme: String, Sendable { case auto, light, dark }

  /// A line of the title block or of the footer.
  package struct Fact: Sendable, Equatable {
    package var name: String
    package var value: String
    package init(_ name: String, _ value: String) {
      self.name = name
      self.value = value
    }
  }

  /// What a cell could not do, for the banner on top.
  package struct Failure: Sendable, Equatable {
    package var cell: String
    package var anchor: String
    package var words: String
    package init(cell: String, anchor: String, words: String) {
      self.cell = cell
      self.anchor = anchor
      self.words = words
    }
  }

  /// A fit's verdict with the cell it came from and the plots that show it.
  package struct FitVerdict: Sendable {
    package var verdict: Verdict
    package var cell: String
    package var anchor: String
    package var rHatFigure: Figure?
    package var essFigure: Figure?
    package init(verdict: Verdict, cell: String, anchor: String, rHatFigure: Figure?, essFigure: Figure?) {
      self.verdict = verdict
      self.cell = cell
      self.anchor = anchor
      self.rHatFigure = rHatFigure
      self.essFigure = essFigure
    }
  }

  package struct Section: Sendable, Equatable {
    package var level: Int
    package var id: String
    package var number: String?
    package var title: String
    package init(level: Int, id: String, number: String?, title: String) {
      self.level = level
      self.id = id
      self.number = number
      self.title = title
    }
  }

  package var title: String
  package var subtitle: String?
  package var authors: [String] = []
  package var date: String?
  /// A BCP 47 tag.
  package var language = "en"
  package var summary: String?
  /// Seed, parameters, files that were read.
  package var settings: [Fact] = []
  package var failures: [Failure] = []
  package var verdicts: [FitVerdict] = []
  package var sections: [Section] = []
  package var showsContents = true
  package var theme = Theme.auto
  package var blocks: [ProseBlock] = []
  package var cells: [ReportCell] = []
  /// What another run of the same text would repeat.
  package var reproduction: [Fact] = []
  /// How this run went; left out where two runs must give the same bytes.
  package var runFacts: [Fact] = []
  /// The notebook itself, to be taken out again.
  package var sourceName = "notebook.nb.md"
  package var source: [UInt8] = []

  package init(title: String) { self.title = title }
}

/// A cell as a page shows it.
package struct ReportCell: Sendable {
  package struct Badge: Sendable, Equatable {
    package enum Origin: String, Sendable { case ran, cached, pinned, volatile }
    package var origin: Origin
    /// How long the cell took when it ran; nil where that is not known.
    package var seconds: Double?
    /// The most memory that the process held meanwhile, in bytes.
    package var peakMemory: Int?
    package init(origin: Origin, seconds: Double?, peakMemory: Int?) {
      self.origin = origin
      self.seconds = seconds
      self.peakMemory = peakMemory
    }
  }

  package enum State: Sendable, Equatable {
    case done
    case failed
    case skipped(because: String)
    case erroneous
  }

  /// A diagnostic: its first line, and the excerpt with everything below it as a terminal has it.
  package struct Message: Sendable, Equatable {
    package enum Severity: String, Sendable { case error, warning, note }
    package var severity: Severity
    package var headline: String
    package var excerpt: String
    /// Calls that led there, the innermost first.
    package var trail: [String]
    package init(severity: Severity, headline: String, excerpt: String, trail: [String]) {
      self.severity = severity
      self.headline = headline
      self.excerpt = excerpt
      self.trail = trail
    }
  }

  /// A number that the page gives, and the caption beside it.
  package struct Label: Sendable, Equatable {
    package var id: String?
    package var number: Int?
    package var caption: [ProseInline]
    package init(id: String? = nil, number: Int? = nil, caption: [ProseInline] = []) {
      self.id = id
      self.number = number
      self.caption = caption
    }
  }

  package struct FigureGroup: Sendable {
    package var figures: [Figure]
    package var label: Label
    package var subcaptions: [[ProseInline]]
    /// Figures beside each other.
    package var columns: Int
    /// In pixels; nil where the figure decides.
    package var width: Double?
    package var height: Double?
    package init(
      figures: [Figure], label: Label, subcaptions: [[ProseInline]] = [], columns: Int = 1, width: Double? = nil,
      height: Double? = nil
    ) {
      self.figures = figures
      self.label = label
      self.subcaptions = subcaptions
      self.columns = columns
      self.width = width
      self.height = height
    }
  }

  package enum Output: Sendable {
    case text(String)
    case table(TextTable, Label)
    case figures(FigureGroup)
    case message(Message)
  }

  package var id: String
  /// How messages call it.
  package var title: String
  package var code: [CodePiece]
  package var codeDisplay: Report.CodeDisplay
  package var codeSummary: String?
  package var outputs: [Output]
  package var badge: Badge?
  package var state: State

  package init(
    id: String, title: String, code: [CodePiece], codeDisplay: Report.CodeDisplay, codeSummary: String? = nil,
    outputs: [Output], badge: Badge?, state: State
  ) {
    self.id = id
    self.title = title
    self.code = code
    self.codeDisplay = codeDisplay
    self.codeSummary = codeSummary
    self.outputs = outputs
    self.badge = badge
    self.state = state
  }
}
