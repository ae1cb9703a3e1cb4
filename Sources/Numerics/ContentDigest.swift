/// The digest of long content by chunks of fixed size, so that a part can be verified without the rest.
package enum ContentDigest {
  /// Bytes in each chunk but the last.
  package static let chunkSize = 1 << 20

  /// The digests of a content's chunks; content that is empty has one empty chunk.
  package static func chunks(of bytes: UnsafeRawBufferPointer) -> [Digest] {
    var result: [Digest] = []
    var start = 0
    repeat {
      let end = min(bytes.count, start + chunkSize)
      result.append(chunk(UnsafeRawBufferPointer(rebasing: bytes[start..<end])))
      start = end
    } while start < bytes.count
    return result
  }

  package static func chunk(_ bytes: UnsafeRawBufferPointer) -> Digest {
    var builder = DigestBuilder()
    builder.append(tag: "chunk")
    builder.append(raw: bytes)
    return builder.finish()
  }

  /// The digest of the whole: of its kind, length and chunks.
  package static func whole(_ kind: String, size: Int, chunks: [Digest]) -> Digest {
    var builder = DigestBuilder()
    builder.append(tag: kind)
    builder.append(size)
    for chunk in chunks { builder.append(chunk) }
    return builder.finish()
  }
}
