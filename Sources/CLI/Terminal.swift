import Foundation
import Interpreter
import Notebooks
import Numerics
import Rendering
import Syntax

/// Where output goes: widths, colors, progress.
final class Terminal: @unchecked Sendable {
  let isTerminal: Bool
  let usesColor: Bool
  let width: Int
  /// Whether the terminal's locale has more than ASCII.
  private let usesUnicode: Bool
  /// Whether figures are told in words, for screen readers.
  private let tellsFigures: Bool
  private let showsProgress: Bool
  private var hasProgress = false
  private let lock = NSLock()

  init() {
    isTerminal = isatty(STDOUT_FILENO) == 1
    let environment = ProcessInfo.processInfo.environment
    tellsFigures = environment["CAIRN_FIGURES"] == "words"
    usesUnicode = !isTerminal || Terminal.hasUnicode(environment)
    let isDumb = environment["TERM"] == "dumb"
    usesColor = isTerminal && environment["NO_COLOR"] == nil && !isDumb
    showsProgress = isatty(STDERR_FILENO) == 1 && !isDumb
    var size = winsize()
    if isTerminal, ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 {
      width = max(20, Int(size.ws_col))
    } else {
      width = environment["COLUMNS"].flatMap { Int($0) }.map { max(20, $0) } ?? 100
    }
  }

  /// Whether the locale, where one is chosen, writes UTF-8; without a choice terminals of today do.
  private static func hasUnicode(_ environment: [String: String]) -> Bool {
    for name in ["LC_ALL", "LC_CTYPE", "LANG"] {
      guard let locale = environment[name], !locale.isEmpty else { continue }
      let upper = locale.uppercased()
      return upper.contains("UTF-8") || upper.contains("UTF8")
    }
    return true
  }

  private func write(_ text: String, to file: FileHandle) { file.write(Data(text.utf8)) }

  func line(_ text: String) {
    lock.withLock {
      clear()
      write(text + "\n", to: .standardOutput)
    }
  }

  func show(_ diagnostic: Diagnostic, _ sources: SourceMap) {
    // The numbers of lines stand before the excerpt.
    let room = isTerminal ? width - 7 : width
    let text = DiagnosticRenderer(usesColor: usesColor, width: room).text(Terminal.harmless(diagnostic), sources)
    lock.withLock {
      clear()
      // Errors of a piped run belong to what it prints; a notebook's reader sees them in their place.
      write(text + "\n", to: .standardOutput)
    }
  }

  /// A diagnostic whose words, which may quote a file, cannot command the terminal.
  private static func harmless(_ diagnostic: Diagnostic) -> Diagnostic {
    func clean(_ text: String) -> String { DisplayText.printable(text, keepsLines: true) }
    var result = diagnostic
    result.message = clean(diagnostic.message)
    result.caretText = diagnostic.caretText.map(clean)
    result.expected = diagnostic.expected.map(clean)
    result.found = diagnostic.found.map(clean)
    result.help = diagnostic.help.map(clean)
    result.notes = diagnostic.notes.map(clean)
    return result
  }

  func show(_ event: CellEvent, _ sources: SourceMap) {
    switch event {
    case .diagnostic(let diagnostic): show(diagnostic, sources)
    case .output(.verdict): break
    case .output(let output):
      var renderer = TextRenderer(width: width, usesUnicode: usesUnicode)
      renderer.usesColor = usesColor
      renderer.figureStyle = tellsFigures ? .words : .drawn
      var text = renderer.text(output)
      if text.hasSuffix("\n") { text.removeLast() }
      line(text)
    }
  }

  func heading(_ text: String) {
    let shown = DisplayText.printable(text, keepsLines: false)
    line(usesColor ? "\u{1B}[1;36m\(shown)\u{1B}[0m" : shown)
  }

  /// Says what kept a command from its work; gives the exit status.
  func fail(_ error: any Error) -> Int32 {
    if let error = error as? DiagnosticError {
      show(error.diagnostic, SourceMap())
    } else {
      line("cairn: \(error)")
    }
    return 1
  }

  /// Something about the machine rather than the notebook: on standard error, so that what a run prints stays the same.
  func notice(_ text: String) {
    lock.withLock {
      clear()
      write("cairn: \(DisplayText.printable(text, keepsLines: false))\n", to: .standardError)
    }
  }

  /// How a run went; on a terminal only, and no part of what the notebook shows.
  func facts(_ counts: [CellResult.Source: Int], _ elapsed: Duration) {
    guard isTerminal else { return }
    let total = counts.values.reduce(0, +)
    let found = (counts[.cached] ?? 0) + (counts[.pinned] ?? 0)
    let seconds = elapsed.inSeconds
    let pinned = counts[.pinned].map { ", \($0) pinned" } ?? ""
    let text = "── run: \(total) cells, \(found) from the cache\(pinned), \(total - found) ran, "
    line("")
    line((usesColor ? "\u{1B}[2m" : "") + text + String(format: "%.2f s", seconds) + (usesColor ? "\u{1B}[0m" : ""))
  }

  /// A line that the next one replaces; on a terminal only.
  func progress(_ text: String) {
    guard showsProgress else { return }
    lock.withLock {
      let shown = text.count > width - 1 ? String(text.prefix(width - 1)) : text
      write("\r\u{1B}[K\(shown)", to: .standardError)
      hasProgress = true
    }
  }

  private func clear() {
    if hasProgress { write("\r\u{1B}[K", to: .standardError) }
    hasProgress = false
  }

  func endProgress() { lock.withLock { clear() } }
}

/// Ctrl-C: the first stops the running cell, the second the program.
final class Interrupts {
  private var source: (any DispatchSourceSignal)?

  init(_ cancellation: Cancellation) {
    signal(SIGINT, SIG_IGN)
    let source = DispatchSource.makeSignalSource(signal: SIGINT, queue: DispatchQueue(label: "interrupt"))
    source.setEventHandler { @Sendable in
      if cancellation.isCancelled { _exit(130) }
      cancellation.cancel()
    }
    source.resume()
    self.source = source
  }
}
