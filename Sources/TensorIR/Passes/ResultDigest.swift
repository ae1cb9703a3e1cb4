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
    graph.appendData(to: &builder)
    builder.append(settings.count)
    for setting in settings { builder.append(setting) }
    builder.append(Int(truncatingIfNeeded: stream.high))
    builder.append(Int(truncatingIfNeeded: stream.low))
    builder.append(numericClass)
    return builder.finish()
  }
}

extension Graph {
  /// The contents of data nodes, and which node has which. The data of loop bodies belong to the program's structure.
  fileprivate func appendData(to builder: inout DigestBuilder) {
    builder.append(data.count)
    for contents in data { contents.elements.withUnsafeBufferPointer { builder.append(doubles: $0) } }
    builder.append(integers: nodes.compactMap { if case .data(let slot) = $0.operation { slot } else { nil } })
  }

  /// A digest of structure and data together, in the order that they stand in.
  package func contentDigest() -> Digest {
    var builder = DigestBuilder()
    builder.append(tag: "graph with data")
    builder.append(structuralDigest())
    appendData(to: &builder)
    return builder.finish()
  }
}
