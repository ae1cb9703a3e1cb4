import CMicrohttpd
import Foundation

/// Serves one page on the loopback interface, and a stream that says when the page has changed.
///
/// Addresses hold a random token, so that other programs and pages of this machine cannot guess them; requests that
/// name another host than this one are refused, whatever their token (DNS rebinding).
final class LiveServer: @unchecked Sendable {
  struct CannotListen: Error { var port: UInt16 }

  private let condition = NSCondition()
  private var page = Data()
  /// Raised with each new page.
  private var version = 0
  /// The cells that are about to run, as JSON, and how often that changed.
  private var running = "[]"
  private var runningVersion = 0
  private var isStopping = false
  private let token: String
  private var daemon: OpaquePointer?
  private(set) var port: UInt16 = 0

  /// - Parameter port: 0 lets the system choose a free one.
  /// - Throws: ``CannotListen`` where the port is in use.
  init(port: UInt16) throws {
    token = (0..<16).map { _ in String(format: "%02x", UInt8.random(in: 0...255)) }.joined()
    let context = Unmanaged.passUnretained(self).toOpaque()
    guard let daemon = cairn_start_daemon(port, LiveServer.handler, context) else { throw CannotListen(port: port) }
    self.daemon = daemon
    self.port = cairn_daemon_port(daemon)
  }

  /// The page's address.
  var address: String { "http://127.0.0.1:\(port)/\(token)/" }

  /// Shows a new page to whoever looks.
  func publish(_ html: String) {
    condition.lock()
    page = Data(html.utf8)
    version += 1
    condition.broadcast()
    condition.unlock()
  }

  /// Tells whoever looks which cells are about to run, by the ids of their places.
  func announce(running ids: [String]) {
    let list = ids.map { "\"" + $0.filter { $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0)) } + "\"" }
    condition.lock()
    running = "[" + list.joined(separator: ",") + "]"
    runningVersion += 1
    condition.broadcast()
    condition.unlock()
  }

  /// Ends all streams and stops listening.
  func stop() {
    condition.lock()
    isStopping = true
    condition.broadcast()
    condition.unlock()
    if let daemon { MHD_stop_daemon(daemon) }
    daemon = nil
  }

  // MARK: - Requests

  private static let handler: MHD_AccessHandlerCallback = { context, connection, url, method, _, _, uploadSize, _ in
    guard let context, let connection, let url, let method else { return .NO }
    let server = Unmanaged<LiveServer>.fromOpaque(context).takeUnretainedValue()
    // A body is of no use here; saying so ends the request.
    uploadSize?.pointee = 0
    return server.answer(connection, path: String(cString: url), method: String(cString: method))
  }

  private func answer(_ connection: OpaquePointer, path: String, method: String) -> MHD_Result {
    guard method == "GET" || method == "HEAD" else { return reply(connection, 405, "only GET\n") }
    let host = MHD_lookup_connection_value(connection, .HEADER_KIND, "Host").map { String(cString: $0) } ?? ""
    guard ["127.0.0.1:\(port)", "localhost:\(port)"].contains(host) else {
      return reply(connection, 403, "this page is for this machine\n")
    }
    switch path {
    case "/\(token)/":
      condition.lock()
      let page = self.page
      condition.unlock()
      return reply(connection, 200, page, type: "text/html; charset=utf-8")
    case "/\(token)/events": return stream(connection)
    default: return reply(connection, 404, "nothing is here\n")
    }
  }

  private func reply(_ connection: OpaquePointer, _ status: UInt32, _ text: String) -> MHD_Result {
    reply(connection, status, Data(text.utf8), type: "text/plain; charset=utf-8")
  }

  private func reply(_ connection: OpaquePointer, _ status: UInt32, _ body: Data, type: String) -> MHD_Result {
    let response = body.withUnsafeBytes { bytes in
      MHD_create_response_from_buffer(
        bytes.count, UnsafeMutableRawPointer(mutating: bytes.baseAddress), .RESPMEM_MUST_COPY)
    }
    guard let response else { return .NO }
    defer { MHD_destroy_response(response) }
    MHD_add_response_header(response, "Content-Type", type)
    addCommonHeaders(response)
    return MHD_queue_response(connection, status, response)
  }

  private func addCommonHeaders(_ response: OpaquePointer) {
    MHD_add_response_header(response, "Cache-Control", "no-store")
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff")
    MHD_add_response_header(response, "Referrer-Policy", "no-referrer")
    MHD_add_response_header(response, "X-Frame-Options", "DENY")
  }

  // MARK: - Events

  /// What one listener has heard: server-sent events, as the HTML standard's section on them has it.
  private final class Listener {
    let server: LiveServer
    var heard: Int
    var heardRunning: Int
    var pending: [UInt8]
    init(_ server: LiveServer, version: Int, running: Int) {
      self.server = server
      heard = version
      heardRunning = running
      // The first line opens the stream at once; the delay is what a browser waits before it tries again.
      pending = Array("retry: 500\nid: \(version)\nevent: hello\ndata: \(version)\n\n".utf8)
    }
  }

  private func stream(_ connection: OpaquePointer) -> MHD_Result {
    condition.lock()
    // What is running is said to everybody who comes.
    let listener = Listener(self, version: version, running: -1)
    condition.unlock()
    let context = Unmanaged.passRetained(listener).toOpaque()
    let response = cairn_stream(
      { context, _, buffer, size in
        guard let context, let buffer else { return cairn_end_of_stream() }
        let listener = Unmanaged<Listener>.fromOpaque(context).takeUnretainedValue()
        return listener.server.read(listener, into: buffer, size: size)
      }, context,
      { context in
        guard let context else { return }
        Unmanaged<Listener>.fromOpaque(context).release()
      })
    guard let response else {
      Unmanaged<Listener>.fromOpaque(context).release()
      return .NO
    }
    defer { MHD_destroy_response(response) }
    MHD_add_response_header(response, "Content-Type", "text/event-stream")
    addCommonHeaders(response)
    return MHD_queue_response(connection, 200, response)
  }

  /// The next bytes of a listener's stream; waits until there are some.
  private func read(_ listener: Listener, into buffer: UnsafeMutablePointer<CChar>, size: Int) -> Int {
    condition.lock()
    defer { condition.unlock() }
    if listener.pending.isEmpty {
      // A comment now and then tells a closed connection from a quiet one.
      let deadline = Date(timeIntervalSinceNow: 10)
      while !isStopping, version == listener.heard, runningVersion == listener.heardRunning {
        if !condition.wait(until: deadline) { break }
      }
      if isStopping { return cairn_end_of_stream() }
      if version == listener.heard, runningVersion == listener.heardRunning {
        listener.pending = Array(": quiet\n\n".utf8)
      } else if version == listener.heard {
        listener.heardRunning = runningVersion
        listener.pending = Array("event: running\ndata: \(running)\n\n".utf8)
      } else {
        listener.heard = version
        listener.pending = Array("id: \(version)\nevent: page\ndata: \(version)\n\n".utf8)
      }
    }
    let count = min(size, listener.pending.count)
    for index in 0..<count { buffer[index] = CChar(bitPattern: listener.pending[index]) }
    listener.pending.removeFirst(count)
    return count
  }
}
