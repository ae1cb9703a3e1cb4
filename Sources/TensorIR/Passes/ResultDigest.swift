package import Numerics

/// What identifies a result: the program, what its sites are called, its data, settings, stream and numeric class.
package struct ResultDigest {
  package static func make(
    program: Digest, siteNames: [String], graph: Graph, settings: [String], stream: RandomKey, numericClass: String
  ) -> Digest {
    var builder = DigestBuilder()
    builder.append(tag: "result")
    builder.append(program)
    builder.append(siteNames.count)
    for name in siteNames { builder.append(name) }
    builder.append(graph.data.count)
    for contents in graph.data { contents.elements.withUnsafeBufferPointer { builder.append(doubles: $0) } }
    builder.append(settings.count)
    for setting in settings { builder.append(setting) }
    builder.append(Int(truncatingIfNeeded: stream.high))
    builder.append(Int(truncatingIfNeeded: stream.low))
    builder.append(numericClass)
    return builder.finish()
  }
}
