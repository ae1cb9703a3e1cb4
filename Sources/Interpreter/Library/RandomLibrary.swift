import Numerics

/// Random numbers outside models. Each call has a stream of its own: see ``Machine/randomKey(seed:)``.
package enum RandomLibrary {
  package static let all: [Intrinsic] = [
    CoreLibrary.make("randomUniform()") { _, context in
      var stream = RandomStream(key: context.randomKey())
      return .real(stream.nextUniform())
    },
    CoreLibrary.make("randomUniform(_:)") { a, context in
      let count = try a.count(0)
      var stream = RandomStream(key: context.randomKey())
      return .vector((0..<count).map { _ in stream.nextUniform() })
    },
    CoreLibrary.make("randomNormal()") { _, context in
      var stream = RandomStream(key: context.randomKey())
      return .real(stream.nextNormal())
    },
    CoreLibrary.make("randomNormal(_:)") { a, context in
      let count = try a.count(0)
      var stream = RandomStream(key: context.randomKey())
      return .vector((0..<count).map { _ in stream.nextNormal() })
    },
    CoreLibrary.make("randomInt(below:)") { a, context in
      let bound = try a.int(0)
      guard bound > 0 else { throw Fault("R012", "`randomInt` needs a bound above 0", found: "\(bound)") }
      var stream = RandomStream(key: context.randomKey())
      return .int(stream.nextBelow(bound))
    },
    CoreLibrary.make("Array.shuffled()") { a, context in
      var elements = try a.elements(0)
      var stream = RandomStream(key: context.randomKey())
      // Fisher and Yates, from the end.
      for index in stride(from: elements.count - 1, to: 0, by: -1) {
        elements.swapAt(index, stream.nextBelow(index + 1))
      }
      return try Operations.collected(elements, like: a[0])
    },
    CoreLibrary.make("Array.randomElement()") { a, context in
      let count = try Operations.count(a[0])
      guard count > 0 else { return .none }
      var stream = RandomStream(key: context.randomKey())
      return try Operations.element(a[0], at: stream.nextBelow(count))
    },
  ]
}
