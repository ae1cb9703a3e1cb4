import Checking
import Syntax

/// Arrays and lists: making, taking apart, and functions of functions.
enum ArrayLibrary {
  static let all: [Intrinsic] = properties + functional + making + combining

  private static let properties: [Intrinsic] = [
    CoreLibrary.make("Array.count") { a, _ in .int(try Operations.count(a[0])) },
    CoreLibrary.make("Range.count") { a, _ in .int(try Operations.count(a[0])) },
    CoreLibrary.make("Array.isEmpty") { a, _ in .bool(try Operations.count(a[0]) == 0) },
    CoreLibrary.make("Range.isEmpty") { a, _ in .bool(try Operations.count(a[0]) == 0) },
    CoreLibrary.make("Array.shape") { a, _ in .integers(try Operations.shape(of: a[0]) ?? [Operations.count(a[0])]) },
    CoreLibrary.make("Array.indices") { a, _ in .range(0, try Operations.count(a[0])) },
    CoreLibrary.make("Array.first") { a, _ in
      try Operations.count(a[0]) == 0 ? .none : try Operations.element(a[0], at: 0)
    },
    CoreLibrary.make("Array.last") { a, _ in
      let count = try Operations.count(a[0])
      return count == 0 ? .none : try Operations.element(a[0], at: count - 1)
    },
    CoreLibrary.make("Range.lowerBound") { a, _ in
      guard case .range(let lower, _) = a[0] else { throw a.wrong(0, "a range") }
      return .int(lower)
    },
    CoreLibrary.make("Range.upperBound") { a, _ in
      guard case .range(_, let upper) = a[0] else { throw a.wrong(0, "a range") }
      return .int(upper)
    },
    CoreLibrary.make("Range.contains(_:)") { a, _ in
      guard case .range(let lower, let upper) = a[0] else { throw a.wrong(0, "a range") }
      let number = try a.int(1)
      return .bool(lower <= number && number < upper)
    },
    CoreLibrary.make("Array.levels") { a, _ in
      guard case .intArray(let array) = a[0] else { throw a.wrong(0, "an array of indices") }
      if let levels = array.index?.levels { return .texts(levels) }
      return .texts((0..<(Operations.extent(of: a[0], axis: -1) ?? 0)).map(String.init))
    },
    CoreLibrary.make("Array.levelCount") { a, _ in .int(Operations.extent(of: a[0], axis: -1) ?? 0) },
  ]

  private static let functional: [Intrinsic] = [
    CoreLibrary.make("Array.map(_:)") { a, context in try map(a, context) },
    CoreLibrary.make("Range.map(_:)") { a, context in try map(a, context) },
    CoreLibrary.make("Array.filter(_:)") { a, context in try filter(a, context) },
    CoreLibrary.make("Range.filter(_:)") { a, context in try filter(a, context) },
    CoreLibrary.make("Array.reduce(_:_:)") { a, context in try reduce(a, context) },
    CoreLibrary.make("Range.reduce(_:_:)") { a, context in try reduce(a, context) },
    CoreLibrary.make("Array.compactMap(_:)") { a, context in
      var result: [Value] = []
      for element in try a.elements(0) {
        let value = try context.call(a[1], [element])
        if case .none = value { continue }
        result.append(value)
      }
      return try Operations.collected(result)
    },
    CoreLibrary.make("Array.flatMap(_:)") { a, context in
      var result: [Value] = []
      for element in try a.elements(0) { result += try Operations.elements(of: try context.call(a[1], [element])) }
      return try Operations.collected(result)
    },
    CoreLibrary.make("Array.forEach(_:)") { a, context in
      for element in try a.elements(0) { _ = try context.call(a[1], [element]) }
      return .unit
    },
    CoreLibrary.make("Array.contains(_:)") { a, _ in
      .bool(try a.elements(0).contains { Operations.isSame($0, a[1]) })
    },
    CoreLibrary.make("Array.contains(where:)") { a, context in
      for element in try a.elements(0) where try truth(a, context, [element]) { return .bool(true) }
      return .bool(false)
    },
    CoreLibrary.make("Array.allSatisfy(_:)") { a, context in
      for element in try a.elements(0) where try !truth(a, context, [element]) { return .bool(false) }
      return .bool(true)
    },
    CoreLibrary.make("Array.first(where:)") { a, context in
      for element in try a.elements(0) where try truth(a, context, [element]) { return element }
      return .none
    },
    CoreLibrary.make("Array.firstIndex(of:)") { a, _ in
      try a.elements(0).firstIndex { Operations.isSame($0, a[1]) }.map { .int($0) } ?? .none
    },
    CoreLibrary.make("Array.firstIndex(where:)") { a, context in
      for (index, element) in try a.elements(0).enumerated() where try truth(a, context, [element]) {
        return .int(index)
      }
      return .none
    },
    CoreLibrary.make("Array.sorted()") { a, _ in try sorted(a[0]) },
    CoreLibrary.make("Array.sorted(by:)") { a, context in
      try Operations.collected(try merged(try a.elements(0)) { try truth(a, context, [$0, $1]) }, like: a[0])
    },
    CoreLibrary.make("Array.order") { a, _ in .integers(try order(a[0])) },
    CoreLibrary.make("order(_:)") { a, _ in .integers(try order(a[0])) },
    CoreLibrary.make("Array.enumerated()") { a, _ in
      .list(try a.elements(0).enumerated().map { .tuple([.int($0.offset), $0.element]) })
    },
    CoreLibrary.make("zip(_:_:)") { a, _ in
      .list(zip(try a.elements(0), try a.elements(1)).map { .tuple([$0, $1]) })
    },
  ]

  private static let making: [Intrinsic] = [
    CoreLibrary.make("zeros(_:)") { a, _ in .vector(Array(repeating: 0, count: try a.count(0))) },
    CoreLibrary.make("zeros(_:_:)") { a, _ in try filled(a, 0) },
    CoreLibrary.make("ones(_:)") { a, _ in .vector(Array(repeating: 1, count: try a.count(0))) },
    CoreLibrary.make("ones(_:_:)") { a, _ in try filled(a, 1) },
    CoreLibrary.make("repeated(_:_:)") { a, _ in
      let count = try a.count(1)
      switch a[0] {
      case .real(let number): return .vector(Array(repeating: number, count: count))
      case .int(let number): return .integers(Array(repeating: number, count: count))
      case .bool(let flag): return .boolArray(BoolArray(shape: [count], elements: Array(repeating: flag, count: count)))
      default: return try Operations.collected(Array(repeating: a[0], count: count), like: nil, of: a[0])
      }
    },
    CoreLibrary.make("vector(_:_:)") { a, context in
      let count = try a.count(0)
      var result: [Double] = []
      result.reserveCapacity(count)
      for index in 0..<count { result.append(try Machine.real(try context.call(a[1], [.int(index)]))) }
      return .vector(result)
    },
    CoreLibrary.make("matrix(_:_:_:)") { a, context in
      let rows = try a.count(0)
      let columns = try a.count(1)
      _ = try Operations.elementCount([rows, columns])
      var result: [Double] = []
      for row in 0..<rows {
        for column in 0..<columns {
          result.append(try Machine.real(try context.call(a[2], [.int(row), .int(column)])))
        }
      }
      return .matrix(rows, columns, result)
    },
    CoreLibrary.make("linspace(_:_:count:)") { a, _ in
      let low = try a.real(0)
      let high = try a.real(1)
      let count = try a.count(2)
      // Both ends are exact.
      return .vector(
        (0..<count).map {
          count == 1 ? low : $0 == count - 1 ? high : low + (high - low) * Double($0) / Double(count - 1)
        })
    },
    CoreLibrary.make("arange(_:_:step:)") { a, _ in
      let low = try a.real(0)
      let high = try a.real(1)
      let step = try a.real(2)
      guard step != 0, step.isFinite, low.isFinite, high.isFinite else {
        throw Fault("R012", "`arange` needs finite bounds and a step that is not zero", found: "step \(step)")
      }
      let count = ((high - low) / step).rounded(.up)
      guard count > 0 else { return .vector([]) }
      try Operations.checkBudget(Int(exactly: count) ?? Int.max)
      return .vector((0..<Int(count)).map { low + Double($0) * step })
    },
    CoreLibrary.make("Array.toInts") { a, _ in .intArray(try Operations.integers(a[0])) },
    CoreLibrary.make("Range.toInts") { a, _ in .intArray(try Operations.integers(a[0])) },
    CoreLibrary.make("Array.asCounts()") { a, _ in try counts(a[0], "the array") },
  ]

  private static let combining: [Intrinsic] = [
    CoreLibrary.make("Array.appending(_:)") { a, _ in try Operations.appending(a[0], a[1]) },
    CoreLibrary.make("Array.append(_:)") { a, _ in try Operations.appending(a[0], a[1]) },
    CoreLibrary.make("Array.droppingLast()") { a, _ in
      let count = try Operations.count(a[0])
      guard count > 0 else { throw Fault("R012", "there is no element to remove", help: "test `isEmpty` first") }
      return try Operations.index(a[0], [.range(0, count - 1)])
    },
    CoreLibrary.make("Array.reversed()") { a, _ in try Operations.collected(try a.elements(0).reversed(), like: a[0]) },
    CoreLibrary.make("Array.prefix(_:)") { a, _ in
      let count = try Operations.count(a[0])
      return try Operations.index(a[0], [.range(0, max(0, min(count, try a.int(1))))])
    },
    CoreLibrary.make("Array.suffix(_:)") { a, _ in
      let count = try Operations.count(a[0])
      return try Operations.index(a[0], [.range(count - max(0, min(count, try a.int(1))), count)])
    },
    CoreLibrary.make("Array.dropFirst(_:)") { a, _ in
      let count = try Operations.count(a[0])
      return try Operations.index(a[0], [.range(max(0, min(count, try a.int(1))), count)])
    },
    CoreLibrary.make("Array.dropLast(_:)") { a, _ in
      let count = try Operations.count(a[0])
      return try Operations.index(a[0], [.range(0, count - max(0, min(count, try a.int(1))))])
    },
    CoreLibrary.make("concat(_:_:)") { a, _ in
      try Operations.collected(
        try a.elements(0) + (try a.elements(1)), like: try Operations.count(a[0]) == 0 ? a[1] : a[0])
    },
    CoreLibrary.make("Array.flattened()") { a, _ in
      switch a[0] {
      case .realArray(let array): return .vector(array.elements)
      case .intArray(let array): return .integers(array.elements)
      case .boolArray(let array): return .boolArray(BoolArray(shape: [array.elements.count], elements: array.elements))
      default: return try Operations.collected(try a.elements(0).flatMap { try Operations.elements(of: $0) })
      }
    },
    CoreLibrary.make("reshape(_:_:)") { a, _ in
      let shape = try Operations.integers(a[1]).elements
      let count = try Operations.elementCount(shape)
      let own = Operations.shape(of: a[0]) ?? []
      guard count == own.reduce(1, *), !shape.isEmpty else {
        throw Fault(
          "R004", "\(own) has other elements than \(shape)", expected: "\(own.reduce(1, *))", found: "\(count)")
      }
      switch a[0] {
      case .realArray(let array): return .realArray(RealArray(shape: shape, elements: array.elements))
      case .intArray(let array): return .intArray(IntArray(shape: shape, elements: array.elements, index: array.index))
      case .boolArray(let array): return .boolArray(BoolArray(shape: shape, elements: array.elements))
      default: throw a.wrong(0, "an array of numbers")
      }
    },
    CoreLibrary.make("unique(_:)") { a, _ in
      var seen = DictionaryValue()
      for element in try a.elements(0) { seen.set(element, .unit) }
      return try Operations.collected(seen.keys, like: a[0])
    },
    CoreLibrary.make("tally(_:)") { a, _ in
      var counts = DictionaryValue()
      for element in try a.elements(0) {
        if case .int(let count)? = counts[element] {
          counts.set(element, .int(count + 1))
        } else {
          counts.set(element, .int(1))
        }
      }
      return .dictionary(counts)
    },
    CoreLibrary.make("dropMissing(_:)") { a, _ in
      if case .table(let table) = a[0] { return .table(try TableLibrary.dropMissing(table)) }
      return try Operations.collected(try a.elements(0).filter { if case .none = $0 { false } else { true } })
    },
    CoreLibrary.make("any(_:)") { a, _ in .bool(try bools(a).contains(true)) },
    CoreLibrary.make("all(_:)") { a, _ in .bool(try !bools(a).contains(false)) },
    CoreLibrary.make("which(_:)") { a, _ in
      let flags = try bools(a)
      return .integers(flags.indices.filter { flags[$0] })
    },
  ]

  // MARK: - Helpers

  private static func filled(_ a: Arguments, _ number: Double) throws -> Value {
    let shape = [try a.count(0), try a.count(1)]
    return .matrix(shape[0], shape[1], Array(repeating: number, count: try Operations.elementCount(shape)))
  }

  private static func bools(_ a: Arguments) throws -> [Bool] {
    if let flags = Operations.bools(a[0]) { return flags }
    return try a.elements(0).map { try Machine.truth($0) }
  }

  private static func truth(_ a: Arguments, _ context: any CallContext, _ arguments: [Value]) throws -> Bool {
    try Machine.truth(try context.call(a[1], arguments))
  }

  private static func map(_ a: Arguments, _ context: any CallContext) throws -> Value {
    let count = try Operations.count(a[0])
    try Operations.checkBudget(count)
    var result: [Value] = []
    result.reserveCapacity(count)
    for element in try a.elements(0) { result.append(try context.call(a[1], [element])) }
    return try Operations.collected(result)
  }

  private static func filter(_ a: Arguments, _ context: any CallContext) throws -> Value {
    let kept = try a.elements(0).filter { try truth(a, context, [$0]) }
    return try Operations.collected(kept, like: a[0])
  }

  private static func reduce(_ a: Arguments, _ context: any CallContext) throws -> Value {
    var result = a[1]
    for element in try a.elements(0) { result = try context.call(a[2], [result, element]) }
    return result
  }

  /// A real column of whole values as counts.
  static func counts(_ value: Value, _ what: String) throws -> Value {
    switch value {
    case .intArray: return value
    case .boolArray: return try Operations.convert(value, .boolToInt, to: .int)
    case .realArray(let array):
      var result: [Int] = []
      result.reserveCapacity(array.elements.count)
      for (row, number) in array.elements.enumerated() {
        guard let whole = Int(exactly: number), whole >= 0 else {
          throw Fault(
            "R006", "\(what) holds \(number) at \(row)", expected: "whole numbers from 0 on", found: "\(number)")
        }
        result.append(whole)
      }
      return .intArray(IntArray(shape: array.shape, elements: result))
    case .list(let elements):
      return .list(
        try elements.enumerated().map { row, element in
          switch element {
          case .none, .int: return element
          case .real(let number):
            guard let whole = Int(exactly: number), whole >= 0 else {
              throw Fault("R006", "\(what) holds \(number) at \(row)", expected: "whole numbers from 0 on")
            }
            return .int(whole)
          default: throw Operations.unsuitable("`asCounts`", value)
          }
        })
    default: throw Operations.unsuitable("`asCounts`", value)
    }
  }

  static func sorted(_ value: Value) throws -> Value {
    switch value {
    case .realArray(let array) where array.shape.count == 1:
      return .vector(array.elements.sorted(by: realOrder))
    case .intArray(let array) where array.shape.count == 1:
      return .intArray(IntArray(shape: array.shape, elements: array.elements.sorted(), index: array.index))
    default:
      return try Operations.collected(try merged(try Operations.elements(of: value), precedes), like: value)
    }
  }

  /// NaN sorts behind every number.
  private static func realOrder(_ a: Double, _ b: Double) -> Bool { a < b || (b.isNaN && !a.isNaN) }

  private static func precedes(_ a: Value, _ b: Value) throws -> Bool {
    guard case .bool(let result) = try Operations.binary(.less, a, b) else {
      throw Fault("R020", "the elements have no order", found: Operations.words(a))
    }
    return result
  }

  /// Positions in ascending order of elements; equal ones keep their order.
  private static func order(_ value: Value) throws -> [Int] {
    let elements = try Operations.elements(of: value)
    let positions = try merged(elements.indices.map { .int($0) }) { a, b in
      guard case .int(let i) = a, case .int(let j) = b else { return false }
      return try precedes(elements[i], elements[j])
    }
    return positions.compactMap { if case .int(let index) = $0 { index } else { nil } }
  }

  /// A stable merge sort; any answers of `precedes` end it, also contradictory ones.
  static func merged(_ elements: [Value], _ precedes: (Value, Value) throws -> Bool) throws -> [Value] {
    var source = elements
    var target = elements
    var width = 1
    while width < source.count {
      var start = 0
      while start < source.count {
        let middle = min(start + width, source.count)
        let end = min(start + 2 * width, source.count)
        var left = start
        var right = middle
        for position in start..<end {
          if left < middle, try right >= end || !precedes(source[right], source[left]) {
            target[position] = source[left]
            left += 1
          } else {
            target[position] = source[right]
            right += 1
          }
        }
        start = end
      }
      swap(&source, &target)
      width *= 2
    }
    return source
  }
}

extension Operations {
  /// Elements as an array of the kind of `model`, which tells the kind where there are none.
  static func collected(_ elements: [Value], like model: Value?, of element: Value? = nil) throws -> Value {
    if elements.isEmpty {
      switch (model, element) {
      case (.realArray(let array)?, _): return .realArray(RealArray(shape: [0] + array.shape.dropFirst(), elements: []))
      case (.intArray(let array)?, _):
        return .intArray(IntArray(shape: [0] + array.shape.dropFirst(), elements: [], index: array.index))
      case (.boolArray(let array)?, _): return .boolArray(BoolArray(shape: [0] + array.shape.dropFirst(), elements: []))
      case (_, .real?): return .vector([])
      case (_, .int?), (.range?, _): return .integers([])
      case (_, .bool?): return .boolArray(BoolArray(shape: [0], elements: []))
      default: return .list([])
      }
    }
    if case .list? = model { return .list(elements) }
    let result = try collected(elements)
    if case .intArray(let array)? = model, case .intArray(var made) = result {
      made.index = array.index
      return .intArray(made)
    }
    return result
  }
}
