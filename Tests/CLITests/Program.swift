import Foundation
import TestSupport

/// Runs the built program: the one place that knows where it is.
enum Program {
  struct Outcome {
    var status: Int32
    var output: String
    var errors: String
    /// Whether a signal ended it.
    var wasKilled: Bool
  }

  /// Beside the test bundle, where the build puts it; or what `CAIRN_BINARY` names.
  static let path: String = {
    if let path = ProcessInfo.processInfo.environment["CAIRN_BINARY"] { return path }
    var candidates = [Bundle.main.bundleURL, URL(fileURLWithPath: CommandLine.arguments[0])]
    if let own = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe") {
      candidates.append(URL(fileURLWithPath: own))
    }
    let folders = candidates.flatMap { [$0, $0.deletingLastPathComponent()] }
    let found = folders.map { $0.appendingPathComponent("cairn").path }.first {
      var isFolder: ObjCBool = false
      return FileManager.default.fileExists(atPath: $0, isDirectory: &isFolder) && !isFolder.boolValue
    }
    return found ?? Checkout.root.appendingPathComponent(".build/release/cairn").path
  }()

  /// - Parameters:
  ///   - folder: The working directory; a fresh one if nil.
  ///   - interruptAfter: Seconds after which Ctrl-C is sent.
  ///   - killAfter: Seconds after which the process is killed.
  ///   - program: Another program than the built one.
  static func run(
    _ arguments: [String], in folder: URL? = nil, environment: [String: String] = [:], interruptAfter: Double? = nil,
    killAfter: Double? = nil, program: String? = nil
  ) throws -> Outcome {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program ?? path)
    process.arguments = arguments
    process.currentDirectoryURL = try folder ?? temporaryFolder()
    var all = ProcessInfo.processInfo.environment
    for name in ["CAIRN_STDLIB", "NO_COLOR", "COLUMNS", "CAIRN_UPDATE_GOLDEN"] { all[name] = nil }
    all["CAIRN_STDLIB"] = Checkout.root.appendingPathComponent("stdlib").path
    process.environment = all.merging(environment) { $1 }
    let output = Pipe()
    let errors = Pipe()
    process.standardOutput = output
    process.standardError = errors
    process.standardInput = FileHandle.nullDevice
    try process.run()
    if let interruptAfter {
      let id = process.processIdentifier
      Thread.detachNewThread {
        Thread.sleep(forTimeInterval: interruptAfter)
        kill(id, SIGINT)
      }
    }
    if let killAfter {
      let id = process.processIdentifier
      Thread.detachNewThread {
        Thread.sleep(forTimeInterval: killAfter)
        kill(id, SIGKILL)
      }
    }
    // Both pipes are drained at once, so that neither fills up.
    let reader = Reader(errors.fileHandleForReading)
    let text = output.fileHandleForReading.readDataToEndOfFile()
    let other = reader.wait()
    process.waitUntilExit()
    return Outcome(
      status: process.terminationStatus, output: String(decoding: text, as: UTF8.self),
      errors: String(decoding: other, as: UTF8.self), wasKilled: process.terminationReason == .uncaughtSignal)
  }

  private final class Reader: @unchecked Sendable {
    private let done = DispatchSemaphore(value: 0)
    private var data = Data()
    init(_ handle: FileHandle) {
      Thread.detachNewThread { [self] in
        data = handle.readDataToEndOfFile()
        done.signal()
      }
    }
    func wait() -> Data {
      done.wait()
      return data
    }
  }

  static func temporaryFolder() throws -> URL {
    let folder = Scratch.newPlace()
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    return folder
  }

  /// A folder with these files in it.
  static func folder(_ files: [String: String]) throws -> URL {
    let folder = try temporaryFolder()
    for (name, text) in files {
      let file = folder.appendingPathComponent(name)
      try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(text.utf8).write(to: file)
    }
    return folder
  }
}
