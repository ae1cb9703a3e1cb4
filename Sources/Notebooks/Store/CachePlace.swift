package import Foundation

/// Where the cache of a file lies, and what the file is called there.
package struct CachePlace: Sendable {
  /// `.cairn` in the nearest folder upward that holds `.cairn` or `.git`, else beside the file.
  package let folder: URL
  /// The file's path from there, by which its runs are told from those of other notebooks.
  package let name: String
  /// Whether some folder upward is marked as a project's, by `.cairn` or `.git`.
  package let isProject: Bool

  package init(of file: String) {
    let url = URL(fileURLWithPath: file).standardizedFileURL.resolvingSymlinksInPath()
    let own = url.deletingLastPathComponent()
    var root = own
    var isMarked = false
    var candidate = own
    for _ in 0..<128 {
      let marks = [".cairn", ".git"].map { candidate.appendingPathComponent($0).path }
      if marks.contains(where: { FileManager.default.fileExists(atPath: $0) }) {
        root = candidate
        isMarked = true
        break
      }
      let parent = candidate.deletingLastPathComponent()
      if parent.path == candidate.path { break }
      candidate = parent
    }
    folder = root.appendingPathComponent(".cairn")
    isProject = isMarked
    let prefix = root.path.hasSuffix("/") ? root.path : root.path + "/"
    name = url.path.hasPrefix(prefix) ? String(url.path.dropFirst(prefix.count)) : url.path
  }
}
