import Foundation
import TestSupport
import Testing

/// `cairn watch` as another program of the machine meets it.
struct WatchTests {
  /// One request, read to its end; the status line and everything after it.
  private static func get(_ port: UInt16, _ path: String, host: String? = nil, method: String = "GET") -> String {
    let handle = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(handle) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let isConnected = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(handle, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
      }
    }
    guard isConnected else { return "" }
    let request = "\(method) \(path) HTTP/1.0\r\nHost: \(host ?? "127.0.0.1:\(port)")\r\n\r\n"
    _ = request.withCString { write(handle, $0, strlen($0)) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while case let count = read(handle, &buffer, buffer.count), count > 0 { bytes += buffer.prefix(count) }
    return String(decoding: bytes, as: UTF8.self)
  }

  private static func wait(_ holds: () -> Bool) -> Bool {
    for _ in 0..<400 {
      if holds() { return true }
      Thread.sleep(forTimeInterval: 0.05)
    }
    return false
  }

  @Test("The page is served under its token to this machine alone, follows the file, and Ctrl-C ends it")
  func serves() throws {
    func text(_ number: Int) -> String {
      "```swift {#a}\nlet x = 1\n```\n\n```swift {#b}\nprint(\"shows \(number)\")\n```\n"
    }
    let folder = try Program.folder(["w.nb.md": text(1)])
    let log = folder.appendingPathComponent("log")
    FileManager.default.createFile(atPath: log.path, contents: nil)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: Program.path)
    process.arguments = ["watch", "w.nb.md"]
    process.currentDirectoryURL = folder
    var environment = ProcessInfo.processInfo.environment
    environment["CAIRN_STDLIB"] = Checkout.root.appendingPathComponent("stdlib").path
    process.environment = environment
    process.standardOutput = try FileHandle(forWritingTo: log)
    process.standardInput = FileHandle.nullDevice
    try process.run()
    defer { if process.isRunning { process.terminate() } }
    func said() -> String { (try? String(contentsOf: log, encoding: .utf8)) ?? "" }
    try #require(WatchTests.wait { said().contains("shown") }, "\(said())")
    let url = try #require(said().split(whereSeparator: \.isWhitespace).first { $0.hasPrefix("http://127.0.0.1:") })
    let parts = url.dropFirst("http://127.0.0.1:".count).split(separator: "/")
    let port = try #require(UInt16(parts[0]))
    let path = "/\(parts[1])/"

    let page = WatchTests.get(port, path)
    #expect(page.hasPrefix("HTTP/1.") && page.contains("200 OK") && page.contains("shows 1"))
    #expect(page.contains("Cache-Control: no-store") && page.contains("connect-src 'self'"))
    #expect(WatchTests.get(port, "/").contains(" 404 "))
    #expect(WatchTests.get(port, path, host: "example.org").contains(" 403 "))
    #expect(WatchTests.get(port, path, method: "POST").contains(" 405 "))

    try Data(text(2).utf8).write(to: folder.appendingPathComponent("w.nb.md"))
    #expect(WatchTests.wait { WatchTests.get(port, path).contains("shows 2") })
    #expect(WatchTests.wait { said().hasSuffix("ran b\n") }, "\(said())")
    kill(process.processIdentifier, SIGINT)
    #expect(WatchTests.wait { !process.isRunning })
    #expect(process.terminationStatus == 0)
  }
}
