internal import CLLVM
internal import Foundation

/// What LLVM said when it could not do something.
package struct CompilationError: Error, Sendable, CustomStringConvertible {
  package var description: String
  package init(_ description: String) { self.description = description }

  init(taking message: UnsafeMutablePointer<CChar>) {
    description = String(cString: message)
    cllvm_free(message)
  }
}

/// LLVM's code generator, opened at run time.
package final class LLVMLibrary: @unchecked Sendable {
  private let handle: OpaquePointer
  package let version: (major: Int, minor: Int, patch: Int)
  package let hostCPU: String
  package let hostFeatures: String

  /// Names that distributions give the library, newest first; 16 is the oldest whose interface suffices.
  package static let names = (16...22).reversed().flatMap { major in
    ["libLLVM.so.\(major).1", "libLLVM-\(major).so.1", "libLLVM-\(major).so", "libLLVM.so.\(major)"]
  }

  /// The library that serves unless another is asked for: the one that is tested most, then the others.
  package static let shared: Result<LLVMLibrary, CompilationError> = {
    guard let name = available else {
      return .failure(CompilationError("no libLLVM of version 16 or later was found"))
    }
    return Result { () throws(CompilationError) in try LLVMLibrary(name: name) }
  }()

  /// The name of a library that is there, found without loading one where it lies in a usual folder.
  package static let available: String? = {
    if let asked = ProcessInfo.processInfo.environment["CAIRN_LLVM"] { return asked.isEmpty ? nil : asked }
    let preferred = names.filter { $0.contains("19") } + names.filter { !$0.contains("19") }
    let folders = [
      "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib", "/usr/local/lib",
    ]
    for name in preferred where folders.contains(where: { access("\($0)/\(name)", R_OK) == 0 }) { return name }
    return preferred.first { (try? LLVMLibrary(name: $0)) != nil }
  }()

  package init(name: String) throws(CompilationError) {
    var opened: OpaquePointer?
    if let failure = cllvm_open(name, &opened) { throw CompilationError(taking: failure) }
    guard let opened else { throw CompilationError("\(name) could not be opened") }
    handle = opened
    var parts: [UInt32] = [0, 0, 0]
    cllvm_version(opened, &parts)
    version = (Int(parts[0]), Int(parts[1]), Int(parts[2]))
    func text(_ pointer: UnsafeMutablePointer<CChar>) -> String {
      defer { cllvm_free(pointer) }
      return String(cString: pointer)
    }
    hostCPU = text(cllvm_host_cpu(opened))
    hostFeatures = text(cllvm_host_features(opened))
    guard version.major >= 16 else {
      throw CompilationError("\(name) is LLVM \(version.major).\(version.minor); 16 is the oldest that serves")
    }
  }

  /// From IR text to a relocatable object.
  package func compile(_ text: String, for target: CodeTarget, asAssembly: Bool = false) throws(CompilationError)
    -> [UInt8]
  {
    var object: UnsafeMutablePointer<UInt8>?
    var size = 0
    var text = text
    let failure = text.withUTF8 { bytes in
      bytes.withMemoryRebound(to: CChar.self) { characters in
        cllvm_compile(
          handle, characters.baseAddress ?? UnsafePointer(bitPattern: 1)!, characters.count,
          target.cpu.isEmpty ? hostCPU : target.cpu, target.cpu.isEmpty ? hostFeatures : target.features,
          target.passes, Int32(target.level), asAssembly ? 1 : 0, &object, &size)
      }
    }
    if let failure { throw CompilationError(taking: failure) }
    guard let object else { throw CompilationError("LLVM gave no object") }
    defer { cllvm_free(object) }
    return Array(UnsafeBufferPointer(start: object, count: size))
  }

  /// Places an object in memory.
  package func link(_ object: [UInt8]) throws(CompilationError) -> CodeImage {
    var image: OpaquePointer?
    let failure = object.withUnsafeBufferPointer { bytes -> UnsafeMutablePointer<CChar>? in
      guard let base = bytes.baseAddress else { return nil }
      return cllvm_link(handle, base, bytes.count, &image)
    }
    if let failure { throw CompilationError(taking: failure) }
    guard let image else { throw CompilationError("the object is empty") }
    return CodeImage(image)
  }
}

/// The processor that code is made for, and how hard LLVM tries.
package struct CodeTarget: Hashable, Sendable {
  /// Empty for this machine's.
  package var cpu = ""
  package var features = ""
  /// What LLVM runs before it generates code.
  package var passes: String
  package var level: Int

  /// The code comes vectorized and fused: this takes about 60 % of the time of `default<O1>`, for code as fast.
  package static let usualPasses =
    "always-inline,function(sroa,early-cse<memssa>,simplifycfg,loop-mssa(loop-rotate,licm),"
    + "loop(indvars,loop-deletion,loop-unroll-full),simplifycfg,adce)"

  package init(
    cpu: String = "", features: String = "", passes: String = CodeTarget.usualPasses, level: Int = 2
  ) {
    self.cpu = cpu
    self.features = features
    self.passes = passes
    self.level = level
  }
}

/// Code in memory; unloaded when the last reference is gone.
package final class CodeImage: @unchecked Sendable {
  private let handle: OpaquePointer
  fileprivate init(_ handle: OpaquePointer) { self.handle = handle }
  deinit { cllvm_unload(handle) }

  package func address(of name: String) throws(CompilationError) -> UnsafeMutableRawPointer {
    var address: UnsafeMutableRawPointer?
    if let failure = cllvm_lookup(handle, name, &address) { throw CompilationError(taking: failure) }
    guard let address else { throw CompilationError("the object has no function `\(name)`") }
    return address
  }
}
