/// Insertion-ordered dictionaries and optionals.
enum DictionaryLibrary {
  static let all: [Intrinsic] = [
    CoreLibrary.make("Dictionary.count") { a, _ in .int(try a.dictionary(0).count) },
    CoreLibrary.make("Dictionary.isEmpty") { a, _ in .bool(try a.dictionary(0).isEmpty) },
    CoreLibrary.make("Dictionary.keys") { a, _ in try Operations.collected(try a.dictionary(0).keys) },
    CoreLibrary.make("Dictionary.values") { a, _ in try Operations.collected(try a.dictionary(0).values) },
    CoreLibrary.make("Dictionary.contains(_:)") { a, _ in .bool(try a.dictionary(0).contains(a[1])) },
    CoreLibrary.make("Dictionary.get(_:default:)") { a, _ in try a.dictionary(0)[a[1]] ?? a[2] },
    CoreLibrary.make("Dictionary.subscript(_:default:)") { a, _ in try a.dictionary(0)[a[1]] ?? a[2] },
    CoreLibrary.make("Dictionary.removing(_:)") { a, _ in
      var dictionary = try a.dictionary(0)
      dictionary.remove(a[1])
      return .dictionary(dictionary)
    },
    CoreLibrary.make("Dictionary.setting(_:_:)") { a, _ in
      var dictionary = try a.dictionary(0)
      dictionary.set(a[1], a[2])
      return .dictionary(dictionary)
    },
    CoreLibrary.make("Dictionary.merging(_:)") { a, _ in
      var dictionary = try a.dictionary(0)
      for pair in try a.dictionary(1).pairs { dictionary.set(pair.key, pair.value) }
      return .dictionary(dictionary)
    },
    CoreLibrary.make("Dictionary.mapValues(_:)") { a, context in
      var result = DictionaryValue()
      for pair in try a.dictionary(0).pairs { result.set(pair.key, try context.call(a[1], [pair.value])) }
      return .dictionary(result)
    },
    CoreLibrary.make("Dictionary.filter(_:)") { a, context in
      var result = DictionaryValue()
      for pair in try a.dictionary(0).pairs {
        if try Machine.truth(try context.call(a[1], [pair.key, pair.value])) { result.set(pair.key, pair.value) }
      }
      return .dictionary(result)
    },
    CoreLibrary.make("grouped(_:by:)") { a, context in
      var order = DictionaryValue()
      var groups: [[Value]] = []
      for element in try a.elements(0) {
        let key = try context.call(a[1], [element])
        if case .int(let index)? = order[key] {
          groups[index].append(element)
        } else {
          order.set(key, .int(groups.count))
          groups.append([element])
        }
      }
      let values = try groups.map { try Operations.collected($0, like: a[0]) }
      return .dictionary(DictionaryValue(Array(zip(order.keys, values))))
    },
  ]
}
