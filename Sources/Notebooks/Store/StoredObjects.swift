import Foundation
import GRDB
package import Numerics

// Values by the digest of their content.
extension CacheStore {
  private func chunkName(_ digest: Digest) -> String {
    let text = digest.description
    return "objects/\(text.prefix(2))/\(text.dropFirst(2))"
  }

  func writeChunks(_ object: NewObject) throws {
    try object.bytes.withUnsafeBytes { content in
      for (number, digest) in object.chunks.enumerated() {
        let name = chunkName(digest)
        let start = number * ContentDigest.chunkSize
        let end = min(content.count, start + ContentDigest.chunkSize)
        // A chunk of the right length that is there already is not written again; reading verifies it.
        if let size = try? FileManager.default.attributesOfItem(atPath: files.url(name).path)[.size] as? Int,
          size == end - start
        {
          // As new, so that a collection under way leaves it until its row is there.
          utimes(files.url(name).path, nil)
          continue
        }
        files.atStep(.beforeChunk)
        try files.write(
          UnsafeRawBufferPointer(rebasing: content[start..<end]), to: name, steps: (.chunkWritten, .chunkRenamed))
      }
    }
  }

  /// The bytes with a digest, verified; nil, and put aside, where they are damaged or gone.
  ///
  /// - Parameter kinds: What it may be the digest of; only a check of everything knows no better.
  package func object(_ digest: Digest, kinds: [String] = ["value"]) -> [UInt8]? {
    let found = look { db in
      try Row.fetchOne(
        db, sql: "SELECT size, bytes, chunks FROM object WHERE digest = ?", arguments: [Data(digest.bytes)])
    }
    guard let row = found ?? nil else { return nil }
    if let (bytes, chunks) = content(row),
      kinds.contains(where: { ContentDigest.whole($0, size: bytes.count, chunks: chunks) == digest })
    {
      return bytes
    }
    notice("a damaged value of the cache was dropped; it is computed again")
    if let chunks: Data = row.value("chunks") {
      for chunk in CacheStore.digests(chunks) where verified(chunk) == nil { files.quarantine(chunkName(chunk)) }
    }
    access("mended") { try $0.execute(sql: "DELETE FROM object WHERE digest = ?", arguments: [Data(digest.bytes)]) }
    return nil
  }

  /// The bytes and the digests of their chunks, which they were found to have.
  private func content(_ row: Row) -> (bytes: [UInt8], chunks: [Digest])? {
    if let bytes: Data = row.value("bytes") {
      return (Array(bytes), bytes.withUnsafeBytes { ContentDigest.chunks(of: $0) })
    }
    guard let size: Int = row.value("size"), size >= 0, let list: Data = row.value("chunks"), list.count % 32 == 0,
      size <= (list.count / 32) * ContentDigest.chunkSize
    else { return nil }
    let chunks = CacheStore.digests(list)
    var result: [UInt8] = []
    result.reserveCapacity(size)
    for chunk in chunks {
      guard let data = verified(chunk) else { return nil }
      result.append(contentsOf: data)
    }
    return result.count == size ? (result, chunks) : nil
  }

  static func digests(_ list: Data) -> [Digest] {
    stride(from: 0, to: list.count - 31, by: 32).compactMap { start in
      Digest(bytes: list[(list.startIndex + start)..<(list.startIndex + start + 32)])
    }
  }

  private func verified(_ chunk: Digest) -> Data? {
    guard let data = files.read(chunkName(chunk)) else { return nil }
    return data.withUnsafeBytes { ContentDigest.chunk($0) } == chunk ? data : nil
  }
}
