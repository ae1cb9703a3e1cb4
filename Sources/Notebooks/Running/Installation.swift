package import Foundation
package import Syntax

/// Where the library and the documentation of this program lie.
package struct Installation: Sendable {
  package var stdlib: URL
  /// The folder with a page per code.
  package var docs: URL?
  /// Whether the program runs from the checkout that it was built in.
  package var isCheckout: Bool

  package init(stdlib: URL, docs: URL?, isCheckout: Bool = false) {
    self.stdlib = stdlib
    self.docs = docs
    self.isCheckout = isCheckout
  }

  /// Looks at `$CAIRN_STDLIB`, then beside the executable, then in the checkout it was built in.
  ///
  /// - Throws: ``DiagnosticError`` that lists the places tried.
  package static func find(executable: String = CommandLine.arguments[0]) throws -> Installation {
    var tried: [String] = []
    func usable(_ url: URL) -> Bool {
      tried.append(url.path)
      let names = (try? FileManager.default.contentsOfDirectory(atPath: url.path)) ?? []
      return names.contains { $0.hasSuffix(".cairn") }
    }
    func docs(_ candidates: [URL]) -> URL? { candidates.first { FileManager.default.fileExists(atPath: $0.path) } }
    if let path = ProcessInfo.processInfo.environment["CAIRN_STDLIB"], !path.isEmpty {
      let url = URL(fileURLWithPath: path)
      if usable(url) {
        let parent = url.deletingLastPathComponent()
        return Installation(
          stdlib: url, docs: docs([parent.appendingPathComponent("docs/errors")]),
          isCheckout: isInCheckout(realExecutable(executable).deletingLastPathComponent()))
      }
    } else {
      let real = realExecutable(executable)
      let binaries = real.deletingLastPathComponent()
      let shared = binaries.deletingLastPathComponent().appendingPathComponent("share/cairn")
      if usable(shared.appendingPathComponent("stdlib")) {
        return Installation(
          stdlib: shared.appendingPathComponent("stdlib"), docs: docs([shared.appendingPathComponent("docs/errors")]))
      }
      var folder = binaries
      for _ in 0..<32 {
        if FileManager.default.fileExists(atPath: folder.appendingPathComponent("Package.swift").path),
          usable(folder.appendingPathComponent("stdlib"))
        {
          return Installation(
            stdlib: folder.appendingPathComponent("stdlib"), docs: docs([folder.appendingPathComponent("docs/errors")]),
            isCheckout: true)
        }
        let parent = folder.deletingLastPathComponent()
        if parent.path == folder.path { break }
        folder = parent
      }
    }
    throw DiagnosticError(
      Diagnostic(
        "N020", "the library folder `stdlib` is missing", at: nil, notes: tried.map { "tried \($0)" },
        help: "set CAIRN_STDLIB to the folder, or install again"))
  }

  /// Whether a folder lies below the checkout of the project.
  private static func isInCheckout(_ folder: URL) -> Bool {
    var folder = folder
    for _ in 0..<32 {
      let marks = ["Package.swift", "stdlib"].map { folder.appendingPathComponent($0).path }
      if marks.allSatisfy({ FileManager.default.fileExists(atPath: $0) }) { return true }
      let parent = folder.deletingLastPathComponent()
      if parent.path == folder.path { return false }
      folder = parent
    }
    return false
  }

  private static func realExecutable(_ name: String) -> URL {
    if let path = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe") {
      return URL(fileURLWithPath: path)
    }
    return URL(fileURLWithPath: name).resolvingSymlinksInPath()
  }

  /// Library files with their text, in the order of their names.
  package func libraryFiles() throws -> [(name: String, bytes: [UInt8])] {
    let names = ((try? FileManager.default.contentsOfDirectory(atPath: stdlib.path)) ?? []).filter {
      $0.hasSuffix(".cairn")
    }.sorted()
    return try names.map { name in
      guard let data = FileManager.default.contents(atPath: stdlib.appendingPathComponent(name).path) else {
        throw DiagnosticError(
          Diagnostic("N020", "the library file `\(name)` cannot be read", at: nil, help: "install again"))
      }
      return ("stdlib/" + name, Array(data))
    }
  }
}
