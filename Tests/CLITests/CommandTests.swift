import Foundation
import TestSupport
import Testing

/// The program as a user runs it: the built binary, its output and its exit status.
struct CommandTests {
  struct Outcome {
    var output: String
    var status: Int32
  }

  /// The binary lies in the same build folder as the tests.
  private var binary: URL {
    var folder = Bundle.main.bundleURL
    if let override = ProcessInfo.processInfo.environment["CAIRN_BINARY"] { return URL(fileURLWithPath: override) }
    for _ in 0..<4 {
      let candidate = folder.appendingPathComponent("cairn")
      if FileManager.default.isExecutableFile(atPath: candidate.path) { return candidate }
      folder = folder.deletingLastPathComponent()
    }
    let configuration = Checkout.root.appendingPathComponent(".build/release/cairn")
    if FileManager.default.isExecutableFile(atPath: configuration.path) { return configuration }
    return Checkout.root.appendingPathComponent(".build/debug/cairn")
  }

  private func run(_ arguments: [String], environment: [String: String] = [:]) throws -> Outcome {
    let process = Process()
    process.executableURL = binary
    process.arguments = arguments
    process.currentDirectoryURL = Checkout.root
    var variables = ProcessInfo.processInfo.environment
    variables["CAIRN_STDLIB"] = Checkout.root.appendingPathComponent("stdlib").path
    for (key, value) in environment { variables[key] = value }
    process.environment = variables
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = pipe
    process.standardInput = FileHandle.nullDevice
    try process.run()
    let data = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return Outcome(output: String(decoding: data, as: UTF8.self), status: process.terminationStatus)
  }

  @Test func aTextIsEvaluated() throws {
    let result = try run(["-e", "let x = [1.0, 2.0, 4.0]\nsum(x)"])
    #expect(result.status == 0)
    #expect(result.output == "7.0\n")
  }

  @Test func errorsEndWithAStatus() throws {
    let result = try run(["-e", "let x = missing"])
    #expect(result.status == 1)
    #expect(result.output.hasPrefix("error[T107]"))
  }

  @Test func runTimeErrorsAreShownOnce() throws {
    let result = try run(["-e", "let x = [1.0]\nfor i in 0..<3 { print(x[i]) }"])
    #expect(result.status == 1)
    #expect(result.output.components(separatedBy: "error[").count == 2)
    #expect(result.output.hasPrefix("1.0\n"))
  }

  @Test func theNotebookRunsAndChecks() throws {
    let checked = try run(["check", "notebooks/eight-schools.nb.md"])
    #expect(checked.status == 0, "\(checked.output)")
    let result = try run(["run", "notebooks/eight-schools.nb.md"])
    #expect(result.status == 0, "\(result.output)")
    #expect(result.output.contains("theta[7]"))
    let again = try run(["run", "notebooks/eight-schools.nb.md", "--threads", "3"])
    #expect(again.output == result.output)
  }

  @Test func aMissingFileIsSaid() throws {
    let result = try run(["run", "no-such.nb.md"])
    #expect(result.status == 1)
    #expect(result.output.contains("error[N001]"))
  }

  @Test func aMissingLibraryIsSaid() throws {
    let result = try run(["-e", "1"], environment: ["CAIRN_STDLIB": "/nonexistent/stdlib"])
    #expect(result.status == 1)
    #expect(result.output.contains("error[N020]"))
    #expect(result.output.contains("/nonexistent/stdlib"))
  }

  @Test func aMisspelledCommandIsSuggested() throws {
    let result = try run(["chekc"])
    #expect(result.status == 64)
    #expect(result.output.contains("cairn check"))
  }
}
