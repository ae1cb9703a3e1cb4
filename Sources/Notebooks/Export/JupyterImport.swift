package import Foundation
package import Syntax

/// Reads a Jupyter notebook as a notebook of ours.
///
/// One that ``JupyterExport`` wrote comes back byte for byte, with whatever was edited since. Of any other, texts become
/// text, and code of other languages is shown and not run.
package struct JupyterImport {
  package struct Result: Sendable {
    package var text: String
    /// Pictures that the texts held, to be written beside the notebook.
    package var files: [(name: String, bytes: [UInt8])]
    package var warnings: [Diagnostic]
  }

  private var text = ""
  private var files: [(name: String, bytes: [UInt8])] = []
  private var warnings: [Diagnostic] = []
  private var foreignCells: [String: Int] = [:]
  private let folder: String
  private let language: String
  private let isOurs: Bool

  /// - Parameters:
  ///   - folder: What the folder of pictures is called.
  /// - Throws: ``DiagnosticError`` where the bytes are no notebook.
  package static func read(_ bytes: [UInt8], folder: String) throws -> Result {
    guard let root = try? JSONSerialization.jsonObject(with: Data(bytes)), let notebook = root as? [String: Any] else {
      throw failure("the file is not JSON", help: "a Jupyter notebook is a JSON file: save it again")
    }
    guard let cells = notebook["cells"] as? [[String: Any]] else {
      throw failure(
        "the file has no list of cells",
        help: (notebook["nbformat"] as? Int ?? 4) < 4
          ? "it is of an old format: convert it with `jupyter nbconvert --to notebook`" : "is it a Jupyter notebook?")
    }
    var reader = JupyterImport(notebook, folder: folder)
    reader.run(cells, notebook)
    return Result(text: reader.text, files: reader.files, warnings: reader.warnings)
  }

  private static func failure(_ message: String, help: String) -> DiagnosticError {
    DiagnosticError(Diagnostic("N044", message, at: nil, help: help))
  }

  private init(_ notebook: [String: Any], folder: String) {
    self.folder = folder
    let metadata = notebook["metadata"] as? [String: Any] ?? [:]
    let kernel = metadata["kernelspec"] as? [String: Any] ?? [:]
    let info = metadata["language_info"] as? [String: Any] ?? [:]
    language = JupyterImport.word(kernel["language"] as? String ?? info["name"] as? String ?? "text")
    isOurs = metadata["cairn"] is [String: Any] || language == "cairn"
  }

  /// A language as an info string may have it.
  private static func word(_ text: String) -> String {
    let safe = text.lowercased().filter { $0.isASCII && ($0.isLetter || $0.isNumber || "+#-".contains($0)) }
    return safe.isEmpty ? "text" : String(safe.prefix(40))
  }

  private mutating func run(_ cells: [[String: Any]], _ notebook: [String: Any]) {
    let own = (notebook["metadata"] as? [String: Any])?["cairn"] as? [String: Any] ?? [:]
    if own["bom"] as? Bool ?? false { text = "\u{FEFF}" }
    if let front = own["front_matter"] as? String { text += front } else if !isOurs { frontMatter(notebook) }
    var previous: String?
    for cell in cells {
      let metadata = (cell["metadata"] as? [String: Any])?["cairn"] as? [String: Any] ?? [:]
      let source = JupyterImport.string(cell["source"])
      let kind = cell["cell_type"] as? String ?? "raw"
      let isCode = kind == "code" && isOurs && metadata["shown"] == nil
      if isCode {
        text += metadata["gap"] as? String ?? (previous == "code" ? "\n" : "")
        code(cell, source, metadata)
        previous = "code"
        continue
      }
      let isShown = kind == "code" || (metadata["code"] as? Bool ?? false)
      // Where two texts touch a line keeps them apart.
      if previous == "text" || isShown { separate(isShown) }
      let body: String
      if kind == "code" {
        body = shown(source, metadata)
      } else if kind == "raw", !isOurs {
        body = JupyterImport.fence(source, "text")
      } else {
        body = attachments(of: cell, source)
      }
      let isFirst = text.isEmpty && !isOurs
      text += (metadata["before"] as? String ?? (isFirst ? "" : "\n")) + body + (metadata["after"] as? String ?? "\n\n")
      previous = "text"
    }
    text += own["end"] as? String ?? ""
    if !isOurs {
      // A file ends with one line end.
      while text.hasSuffix("\n\n") { text.unicodeScalars.removeLast() }
    }
    for (language, count) in foreignCells.sorted(by: { $0.key < $1.key }) {
      warnings.append(
        Diagnostic(
          "N047", .warning, "\(count) cell\(count == 1 ? " is" : "s are") in \(language): shown, and not run", at: nil,
          help: "write what they compute as cells ```swift {}"))
    }
  }

  /// A title for a notebook from elsewhere.
  private mutating func frontMatter(_ notebook: [String: Any]) {
    let title = (notebook["metadata"] as? [String: Any])?["title"] as? String ?? ""
    guard !title.isEmpty else { return }
    let quoted = title.replacingOccurrences(of: "\\", with: "\\\\").replacingOccurrences(of: "\"", with: "\\\"")
    let line = String(quoted.unicodeScalars.map { $0.value < 0x20 ? " " : Character($0) })
    text = "---\ntitle: \"\(line)\"\n---\n"
  }

  /// A line that separates two cells; after a blank line, so that it is a block of its own.
  private mutating func separate(_ isShown: Bool) {
    if !text.isEmpty, !text.hasSuffix("\n") { text += "\n" }
    text += (isShown ? JupyterExport.codeMark : JupyterExport.textMark) + "\n"
  }

  private mutating func code(_ cell: [String: Any], _ source: String, _ metadata: [String: Any]) {
    var opening = metadata["opening"] as? String ?? JupyterImport.opening(cell)
    var closing = metadata["closing"] as? String ?? "```\n"
    var body = (metadata["options"] as? String ?? "") + source
    if source.isEmpty {
      if metadata["is_blank"] as? Bool ?? false { body += "\n" }
    } else if !(metadata["ends_open"] as? Bool ?? false) {
      body += "\n"
    }
    // Code that was edited elsewhere may hold a line that would end its fence.
    let mark = opening.prefix { $0 == "`" }
    if !mark.isEmpty, source.contains("```") {
      let longest = CodeFence.longestRun(in: source)
      if longest >= mark.count, !JupyterImport.isHarmless(source, mark.count) {
        let longer = String(repeating: "`", count: longest + 1)
        opening = longer + opening.dropFirst(mark.count)
        closing = longer + "\n"
      }
    }
    text += opening + body + closing
  }

  /// Whether no line of the code is a run of backticks that ends a fence.
  private static func isHarmless(_ source: String, _ count: Int) -> Bool {
    !source.split(separator: "\n").contains { line in
      let body = line.drop { $0 == " " }
      let run = body.prefix { $0 == "`" }
      return run.count >= count && body.dropFirst(run.count).allSatisfy { $0 == " " || $0 == "\t" }
    }
  }

  /// The fence of a cell that was made elsewhere: its id is its label where it is one and somebody chose it.
  private static func opening(_ cell: [String: Any]) -> String {
    let id = cell["id"] as? String ?? ""
    let isLabel =
      id.utf8.count <= 64 && id.first.map { $0.isASCII && $0.isLowercase } == true
      && id.allSatisfy { $0.isASCII && ($0.isLowercase || $0.isNumber || $0 == "-") }
    let isDrawn = id.allSatisfy { $0.isHexDigit || $0 == "-" }
    return isLabel && !isDrawn && !id.hasPrefix("cell-") ? "```swift {#\(id)}\n" : "```swift {}\n"
  }

  private mutating func shown(_ source: String, _ metadata: [String: Any]) -> String {
    if let opening = metadata["shown"] as? String {
      let closing = metadata["closing"] as? String ?? "```"
      if JupyterImport.isHarmless(source, closing.count) { return opening + "\n" + source + "\n" + closing }
    }
    foreignCells[language, default: 0] += 1
    return JupyterImport.fence(source, language)
  }

  private static func fence(_ source: String, _ language: String) -> String {
    let mark = CodeFence.mark(for: source)
    return "\(mark)\(language)\n\(source)\n\(mark)"
  }

  private mutating func attachments(of cell: [String: Any], _ source: String) -> String {
    guard let attachments = cell["attachments"] as? [String: Any] else { return source }
    var source = source
    for (name, value) in attachments.sorted(by: { $0.key < $1.key }) {
      guard let forms = value as? [String: Any],
        let (type, data) = forms.sorted(by: { $0.key < $1.key }).first(where: { $0.key.hasPrefix("image/") }),
        let bytes = Data(base64Encoded: JupyterImport.string(data), options: .ignoreUnknownCharacters)
      else { continue }
      // Whatever the notebook calls it, the file's name is a plain one.
      let stem = (name as NSString).deletingPathExtension.filter {
        $0.isASCII && ($0.isLetter || $0.isNumber || "-_".contains($0))
      }
      let kind = type.dropFirst("image/".count).prefix { $0.isLetter }
      let file = "\(files.count + 1)-\(stem.isEmpty ? "picture" : String(stem.prefix(60))).\(kind)"
      files.append((file, Array(bytes)))
      source = source.replacingOccurrences(of: "attachment:\(name)", with: "\(folder)/\(file)")
    }
    return source
  }

  /// A text that Jupyter writes as one string or as a list of lines.
  private static func string(_ value: Any?) -> String {
    if let text = value as? String { return text }
    return (value as? [Any] ?? []).compactMap { $0 as? String }.joined()
  }
}
