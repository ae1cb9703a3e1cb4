import Foundation

/// How much memory the process holds, as the kernel counts it.
enum ProcessMemory {
  /// Starts the count of the highest mark anew; without effect where the kernel does not allow it.
  static func resetPeak() {
    let file = open("/proc/self/clear_refs", O_WRONLY)
    guard file >= 0 else { return }
    defer { close(file) }
    _ = write(file, "5", 1)
  }

  /// The highest resident size since ``resetPeak()``, in bytes.
  static var peak: Int? {
    guard let text = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
      let line = text.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") })
    else { return nil }
    return line.split(whereSeparator: { !$0.isNumber }).first.flatMap { Int($0) }.map { $0 * 1024 }
  }
}
