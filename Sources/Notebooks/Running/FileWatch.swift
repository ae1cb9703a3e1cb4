import Foundation

/// Notices that some of a set of files and folders changed, came or went.
///
/// It looks at their stamps now and then rather than at events of the kernel: editors save in many ways (in place, by a
/// rename, through a link), and a stamp tells of all of them, on every file system.
package struct FileWatch {
  private let stamps: [(path: String, stamp: FileStamp?)]

  /// Remembers how the files are now.
  package init(_ paths: Set<String>) {
    stamps = paths.sorted().map { ($0, FileStamp(ofAnything: $0)) }
  }

  /// Remembers how the files are now, and of those that an earlier watch knows how they were then.
  package init(_ paths: Set<String>, known earlier: FileWatch) {
    let known = Dictionary(earlier.stamps.map { ($0.path, $0.stamp) }, uniquingKeysWith: { first, _ in first })
    stamps = paths.sorted().map { ($0, known[$0] ?? FileStamp(ofAnything: $0)) }
  }

  /// Whether some file is not as it was.
  package var hasChanged: Bool { stamps.contains { FileStamp(ofAnything: $0.path) != $0.stamp } }

  /// The files that are not as they were.
  package var changed: [String] { stamps.filter { FileStamp(ofAnything: $0.path) != $0.stamp }.map(\.path) }
}
