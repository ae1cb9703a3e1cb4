/// The space between the parts of a formula, where MathML's operator dictionary would give another than TeX.
enum MathSpacing {
  /// The space that TeX calls thin.
  static let thin = "0.167em"
  /// Operators that are signs when nothing stands to their left; the dictionary has them as prefixes.
  static let signs: Set<String> = ["+", "−", "±", "∓"]

  /// Gives a row its spaces.
  ///
  /// - Source: The TeXbook, chapter 18 and appendix G, rules 5 and 6.
  static func spaced(_ nodes: [MathNode], isScript: Bool) -> [MathNode] {
    var nodes = nodes
    let seen = nodes.indices.filter { nodes[$0].mathClass != .transparent }
    for (place, index) in seen.enumerated() where nodes[index].mathClass == .binary {
      let before = place > 0 ? nodes[seen[place - 1]].mathClass : nil
      let after = place + 1 < seen.count ? nodes[seen[place + 1]].mathClass : nil
      if !endsOperand(before) || !startsOperand(after) { nodes[index].becomeOrdinary() }
    }
    for (place, index) in seen.enumerated() {
      switch nodes[index].mathClass {
      case .binary, .relation, .punctuation:
        if isScript { nodes[index].loseSpace() }
        // What stands first is a prefix to the dictionary, and a tilde as a prefix has no space.
        if place == 0, !isScript, nodes[index].mathClass == .relation { nodes[index].becomeInfix() }
      case .inner:
        let before = place > 0 ? nodes[seen[place - 1]].mathClass : nil
        let after = place + 1 < seen.count ? nodes[seen[place + 1]].mathClass : nil
        nodes[index].changeOperator { dots in
          dots.leftSpace = !isScript && endsOperand(before) ? thin : "0"
          dots.rightSpace =
            !isScript && (after == .punctuation || startsOperand(after) && after != .binary) ? thin : "0"
        }
      case .ordinary, .largeOperator, .function, .opening, .closing, .transparent: break
      }
    }
    if isScript { return withFunctions(nodes) }
    for (left, right) in zip(seen, seen.dropFirst())
    where nodes[left].mathClass == .relation && nodes[right].mathClass == .relation {
      nodes[left].changeOperator { $0.rightSpace = "0" }
      nodes[right].changeOperator { $0.leftSpace = "0" }
    }
    return withFunctions(nodes)
  }

  private static func endsOperand(_ mathClass: MathClass?) -> Bool {
    switch mathClass {
    case .ordinary, .closing, .inner: true
    case nil, .largeOperator, .function, .binary, .relation, .opening, .punctuation, .transparent: false
    }
  }

  private static func startsOperand(_ mathClass: MathClass?) -> Bool {
    switch mathClass {
    case .ordinary, .largeOperator, .function, .opening, .inner, .binary: true
    case nil, .relation, .closing, .punctuation, .transparent: false
    }
  }

  /// Joins functions to their arguments, with thin space around them where TeX has it.
  private static func withFunctions(_ nodes: [MathNode]) -> [MathNode] {
    guard nodes.contains(where: { $0.mathClass == .function }) else { return nodes }
    var result: [MathNode] = []
    // Whether what stands to the left wants space before a function; a space already written is enough.
    var wantsSpace = false
    for (index, node) in nodes.enumerated() {
      if node.mathClass == .function, wantsSpace { result.append(.space(167)) }
      result.append(node)
      switch node.mathClass {
      case .ordinary, .closing, .inner: wantsSpace = !node.isEmpty
      case .largeOperator, .function, .binary, .relation, .opening, .punctuation, .transparent: wantsSpace = false
      }
      guard node.mathClass == .function, let next = nodes[(index + 1)...].first(where: { $0.mathClass != .transparent })
      else { continue }
      switch next.mathClass {
      case .ordinary, .largeOperator, .function:
        let isSpaced = nodes[index + 1].mathClass != .transparent && !next.isEmpty
        result.append(MathNode(.application(isSpaced: isSpaced), .transparent))
      case .opening, .inner: result.append(MathNode(.application(isSpaced: false), .transparent))
      case .binary, .relation, .closing, .punctuation, .transparent: break
      }
    }
    return result
  }
}
