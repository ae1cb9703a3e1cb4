internal import Foundation
package import Numerics
internal import TensorIR

/// A graph as machine code, with its data: immutable, and shared by threads, each with a workspace of its own.
package final class CompiledCode: @unchecked Sendable {
  typealias Function =
    @convention(c) (
      UnsafePointer<Double>, UnsafeMutablePointer<Double>, UnsafePointer<Double>, UnsafeMutableRawPointer,
      UnsafeRawPointer, UnsafeRawPointer?
    ) -> Double

  let function: Function
  private let image: CodeImage
  let data: UnsafeMutablePointer<Double>
  let dataCount: Int
  package let workspaceByteCount: Int
  let steps: [Step]
  /// The IR, for tests and for looking at what was made.
  package let text: String

  init(_ source: CodeSource, library: LLVMLibrary, target: CodeTarget, store: (any ObjectStore)?)
    throws(CompilationError)
  {
    // Refused from the plan, before anything is allocated.
    let (needed, available) = (8.0 * Double(source.workspaceCount), Double(CompiledCode.physicalMemory))
    guard needed <= available else {
      throw CompilationError(
        "it needs \(CompiledCode.gibibytes(needed)) of working memory per chain; this machine has "
          + CompiledCode.gibibytes(available))
    }
    let object = try CompiledCode.object(of: source, library: library, target: target, store: store)
    image = try library.link(object)
    function = unsafeBitCast(try image.address(of: CodeSource.entry), to: Function.self)
    text = source.text
    steps = source.steps
    workspaceByteCount = source.workspaceCount * MemoryLayout<Double>.stride + 64
    dataCount = source.data.count
    let size = max(1, dataCount) * MemoryLayout<Double>.stride
    data = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 64).bindMemory(
      to: Double.self, capacity: max(1, dataCount))
    data.initialize(from: source.data, count: dataCount)
  }

  deinit { data.deallocate() }

  private static let physicalMemory = ProcessInfo.processInfo.physicalMemory

  private static func gibibytes(_ bytes: Double) -> String {
    "\((bytes / 0x1p30 * 10).rounded() / 10) GiB"
  }

  package var dataByteCount: Int { dataCount * MemoryLayout<Double>.stride }

  private static func object(
    of source: CodeSource, library: LLVMLibrary, target: CodeTarget, store: (any ObjectStore)?
  ) throws(CompilationError) -> [UInt8] {
    guard let store else { return try library.compile(source.text, for: target) }
    let key = source.key(library: library, target: target)
    if let known = store.object(for: key) {
      // What cannot be linked is made anew.
      if (try? library.link(known).address(of: CodeSource.entry)) != nil { return known }
      store.discard(key)
    }
    let object = try library.compile(source.text, for: target)
    store.keep(object, for: key)
    return object
  }
}

/// Keeps objects between runs; a key says everything that decides an object's bytes.
package protocol ObjectStore: Sendable {
  func object(for key: Digest) -> [UInt8]?
  func keep(_ object: [UInt8], for key: Digest)
  func discard(_ key: Digest)
}
