/// Where the boxes of a diagram stand: layers from causes down to effects, frames of plates around their nodes.
///
/// Layers by longest ways, as Sugiyama, Tagawa & Toda (1981), with further layers' edges led through gaps between
/// boxes. The order from left to right keeps the nodes of a plate together, nested or crossed. Places then follow from
/// least distances between boxes, and between boxes and frames that they do not belong to, so that nothing overlaps.
struct DiagramLayout {
  struct Box {
    var node: Int
    /// Of the middle.
    var x: Double
    var y: Double
    var width: Double
    var height: Double
  }
  struct PlateFrame {
    var plate: Int
    var x: Double
    var y: Double
    var width: Double
    var height: Double
    /// Whether the caption stands on the left, because another frame crosses the right end.
    var hasLeftCaption = false
  }
  struct Route {
    var from: Int
    var to: Int
    /// Middles of the gaps that it passes between its ends.
    var stops: [(x: Double, y: Double)]
  }
  private(set) var boxes: [Box] = []
  private(set) var frames: [PlateFrame] = []
  private(set) var routes: [Route] = []
  private(set) var width = 0.0
  private(set) var height = 0.0

  /// Diagrams with more nodes are cut: they could not be read.
  static let nodeLimit = 120
  static let boxHeight = 38.0
  static let smallHeight = 26.0
  static let captionHeight = 15.0
  private static let columnGap = 16.0
  private static let layerGap = 30.0
  private static let padding = 10.0

  /// A node, or a place where an edge passes a layer.
  private struct Item {
    var node: Int?
    var layer: Int
    var width: Double
    /// Ascending.
    var plates: [Int]
    var neighbors: [Int] = []
    var x = 0.0
  }

  private struct Plate {
    var members: Set<Int> = []
    var layers = Int.max...Int.max
    /// How many frames nest inside, which tells how far it keeps from its boxes.
    var level = 0
    var inset: Double { DiagramLayout.padding * Double(level + 1) }
    var foot: Double { (DiagramLayout.padding + DiagramLayout.captionHeight) * Double(level + 1) - 4 }
  }

  init(_ diagram: Diagram) {
    let count = min(diagram.nodes.count, DiagramLayout.nodeLimit)
    guard count > 0 else { return }
    let edges = diagram.validEdges.filter { $0.from < count && $0.to < count }
    let layers = DiagramLayout.layers(count, edges, with: DiagramLayout.above(diagram, count, edges))
    var items = diagram.nodes.prefix(count).enumerated().map { index, node in
      Item(
        node: index, layer: layers[index], width: DiagramLayout.boxWidth(node),
        plates: Set(node.plates.filter(diagram.plates.indices.contains)).sorted())
    }
    var plates = DiagramLayout.plates(items, count: diagram.plates.count)
    var chains: [(edge: Diagram.Edge, stops: [Int])] = []
    for edge in edges {
      var stops: [Int] = []
      let (from, to) = (items[edge.from], items[edge.to])
      if to.layer > from.layer + 1 {
        for layer in (from.layer + 1)..<to.layer {
          // Inside of the plates of both ends, and of those of the lower end as soon as they have begun.
          let around = to.plates.filter { from.plates.contains($0) || plates[$0].layers.lowerBound <= layer }
          items.append(Item(node: nil, layer: layer, width: 8, plates: around))
          stops.append(items.count - 1)
        }
      }
      let chain = [edge.from] + stops + [edge.to]
      for (a, b) in zip(chain, chain.dropFirst()) {
        items[a].neighbors.append(b)
        items[b].neighbors.append(a)
      }
      chains.append((edge, stops))
    }
    plates = DiagramLayout.plates(items, count: diagram.plates.count)
    // A frame is at least as wide as its caption.
    for index in plates.indices {
      let widest = plates[index].members.filter { items[$0].node != nil }.max {
        (items[$0].width, $1) < (items[$1].width, $0)
      }
      guard let widest else { continue }
      let caption = min(200, SVGText.width(diagram.plates[index], size: 11)) + 14 - 2 * plates[index].inset
      items[widest].width = max(items[widest].width, caption)
    }
    let order = DiagramLayout.order(items, plates)
    DiagramLayout.spread(&items, order, plates)
    place(diagram, items, plates, chains)
  }

  // MARK: - Layers and plates

  /// Further edges for the layers: what reaches into a plate from outside stands above all of it, where nothing of the
  /// plate leads there.
  private static func above(_ diagram: Diagram, _ count: Int, _ edges: [Diagram.Edge]) -> [Diagram.Edge] {
    var effects = Array(repeating: [Int](), count: count)
    for edge in edges { effects[edge.from].append(edge.to) }
    func leads(from start: Int, to goal: Int) -> Bool {
      var seen: Set<Int> = [start]
      var open = [start]
      while let node = open.popLast() {
        if node == goal { return true }
        for next in effects[node] where seen.insert(next).inserted { open.append(next) }
      }
      return false
    }
    var members: [[Int]] = Array(repeating: [], count: diagram.plates.count)
    for (index, node) in diagram.nodes.prefix(count).enumerated() {
      for plate in Set(node.plates) where members.indices.contains(plate) { members[plate].append(index) }
    }
    var result: [Diagram.Edge] = []
    var known = Set(edges)
    for edge in edges {
      let own = Set(diagram.nodes[edge.from].plates)
      for plate in Set(diagram.nodes[edge.to].plates).subtracting(own).sorted() where members.indices.contains(plate) {
        // Of crossing plates none stands above the other.
        for member in members[plate] where own.isSubset(of: diagram.nodes[member].plates) {
          let new = Diagram.Edge(from: edge.from, to: member)
          guard result.count < 4000, known.insert(new).inserted, !leads(from: member, to: edge.from) else { continue }
          effects[edge.from].append(member)
          result.append(new)
        }
      }
    }
    return result
  }

  private static func layers(_ count: Int, _ real: [Diagram.Edge], with further: [Diagram.Edge]) -> [Int] {
    let edges = real + further
    var layers = Array(repeating: 0, count: count)
    var waiting = Array(repeating: 0, count: count)
    for edge in edges { waiting[edge.to] += 1 }
    var isDone = Array(repeating: false, count: count)
    for _ in 0..<count {
      // Models have no cycles; in a cycle the first node begins, and the edges back are drawn upward.
      let open = (0..<count).filter { !isDone[$0] }
      guard let node = open.first(where: { waiting[$0] == 0 }) ?? open.first else { break }
      isDone[node] = true
      for edge in edges where edge.from == node && !isDone[edge.to] {
        waiting[edge.to] -= 1
        layers[edge.to] = max(layers[edge.to], layers[node] + 1)
      }
    }
    // What has no cause stands right above its first effect.
    for node in 0..<count where !real.contains(where: { $0.to == node }) {
      if let first = edges.filter({ $0.from == node }).map({ layers[$0.to] }).min(), first > layers[node] + 1 {
        layers[node] = first - 1
      }
    }
    return layers
  }

  private static func plates(_ items: [Item], count: Int) -> [Plate] {
    var plates = Array(repeating: Plate(), count: count)
    for (index, item) in items.enumerated() {
      for plate in item.plates {
        let layers = plates[plate].layers
        plates[plate].layers =
          plates[plate].members.isEmpty
          ? item.layer...item.layer : min(layers.lowerBound, item.layer)...max(layers.upperBound, item.layer)
        plates[plate].members.insert(index)
      }
    }
    // Smaller sets lie inside of larger ones; of equal and of crossing ones the later lies inside.
    func isInside(_ a: Int, _ b: Int) -> Bool {
      let (own, other) = (plates[a].members, plates[b].members)
      guard a != b, !own.isDisjoint(with: other) else { return false }
      if own.count != other.count, own.isSubset(of: other) || other.isSubset(of: own) { return own.count < other.count }
      return a > b
    }
    let bySize = plates.indices.filter { !plates[$0].members.isEmpty }.sorted {
      (plates[$0].members.count, $1) < (plates[$1].members.count, $0)
    }
    for plate in bySize {
      let inner = bySize.filter { isInside($0, plate) }.map { plates[$0].level + 1 }
      plates[plate].level = min(6, inner.max() ?? 0)
    }
    return plates
  }

  private static func boxWidth(_ node: Diagram.Node) -> Double {
    let name = SVGText.width(SVGText.cut(node.name, to: 170, size: 12), size: 12.6)
    let detail = SVGText.width(SVGText.cut(node.detail ?? "", to: 170))
    return max(54, min(190, max(name, detail) + 24))
  }

  // MARK: - Order

  private static func order(_ items: [Item], _ plates: [Plate]) -> [Int] {
    let rank = ranks(items)
    // Nodes with the same plates form a group.
    var groups: [(plates: [Int], members: [Int])] = []
    for (index, item) in items.enumerated() where !item.plates.isEmpty {
      if let known = groups.firstIndex(where: { $0.plates == item.plates }) {
        groups[known].members.append(index)
      } else {
        groups.append((item.plates, [index]))
      }
    }
    var sequence: [Int] = []
    for group in arranged(groups, items, rank, plates) {
      sequence += groups[group].members.sorted { (rank[$0], $0) < (rank[$1], $1) }
    }
    var key = Array(repeating: 0.0, count: items.count)
    for (position, item) in sequence.enumerated() { key[item] = Double(position) + 0.5 }
    // Nodes outside of plates go where no frame of their layer is cut, as near to their neighbors as that allows.
    let loose = items.indices.filter { items[$0].plates.isEmpty }.sorted { (rank[$0], $0) < (rank[$1], $1) }
    var taken: [Int: [Int: Double]] = [:]
    for item in loose {
      let near = items[item].neighbors.filter { !items[$0].plates.isEmpty }.map { key[$0] }
      let wish = near.isEmpty ? Double(sequence.count) / 2 + rank[item] : near.reduce(0, +) / Double(near.count)
      let gaps = (0...sequence.count).filter { gap in
        !plates.contains { plate in
          guard !plate.members.isEmpty, plate.layers.contains(items[item].layer) else { return false }
          let isBefore = sequence[..<gap].contains { plate.members.contains($0) }
          return isBefore && sequence[gap...].contains { plate.members.contains($0) }
        }
      }
      func cost(_ gap: Int) -> Double {
        (Double(gap) - wish).magnitude + (taken[items[item].layer]?[gap] ?? 0)
      }
      guard let gap = gaps.min(by: { (cost($0), $0) < (cost($1), $1) }) else { continue }
      taken[items[item].layer, default: [:]][gap, default: 0] += 1.5
      let share = rank[item] / (1 + rank[item].magnitude)
      key[item] = Double(gap) + 0.45 * share
    }
    return items.indices.sorted { (key[$0], rank[$0], $0) < (key[$1], rank[$1], $1) }
  }

  /// A rough place of each item in its layer: the mean of its neighbors', a few times over.
  private static func ranks(_ items: [Item]) -> [Double] {
    let depth = (items.map(\.layer).max() ?? 0) + 1
    var layers = (0..<depth).map { layer in items.indices.filter { items[$0].layer == layer } }
    var rank = Array(repeating: 0.0, count: items.count)
    func number(_ layer: Int) {
      for (position, item) in layers[layer].enumerated() {
        rank[item] = Double(position) - Double(layers[layer].count - 1) / 2
      }
    }
    for layer in 0..<depth { number(layer) }
    for round in 0..<8 {
      for step in 0..<depth {
        let layer = round.isMultiple(of: 2) ? step : depth - 1 - step
        let wish = layers[layer].map { item -> Double in
          let near = items[item].neighbors.map { rank[$0] }
          return near.isEmpty ? rank[item] : near.reduce(0, +) / Double(near.count)
        }
        let sorted = layers[layer].indices.sorted { (wish[$0], $0) < (wish[$1], $1) }
        layers[layer] = sorted.map { layers[layer][$0] }
        number(layer)
      }
    }
    return rank
  }

  /// The groups from left to right, such that those of one plate stand together.
  private static func arranged(
    _ groups: [(plates: [Int], members: [Int])], _ items: [Item], _ rank: [Double], _ plates: [Plate]
  ) -> [Int] {
    let mean = groups.map { group in group.members.reduce(0) { $0 + rank[$1] } / Double(group.members.count) }
    // With many groups: by plates from the outside in, which keeps nested ones together.
    let place = plates.map { plate in
      plate.members.isEmpty ? 0 : plate.members.sorted().reduce(0) { $0 + rank[$1] } / Double(plate.members.count)
    }
    func path(_ group: Int) -> [Double] {
      groups[group].plates.sorted { (plates[$1].members.count, $0) < (plates[$0].members.count, $1) }
        .flatMap { [place[$0], Double($0)] }
    }
    let start = groups.indices.sorted { a, b in
      let (first, second) = (path(a), path(b))
      return first == second ? a < b : first.lexicographicallyPrecedes(second)
    }
    guard groups.count > 1, groups.count <= 7 else { return start }
    var owner = Array(repeating: -1, count: items.count)
    for (index, group) in groups.enumerated() { for item in group.members { owner[item] = index } }
    var links: [(Int, Int)] = []
    for (index, item) in items.enumerated() where owner[index] >= 0 {
      for other in item.neighbors where other > index && owner[other] >= 0 && owner[other] != owner[index] {
        links.append((owner[index], owner[other]))
      }
    }
    func cost(_ order: [Int]) -> Double {
      var position = Array(repeating: 0, count: order.count)
      for (place, group) in order.enumerated() { position[group] = place }
      var cost = 0.0
      for plate in plates.indices {
        let places = groups.indices.filter { groups[$0].plates.contains(plate) }.map { position[$0] }
        if let low = places.min(), let high = places.max() { cost += Double(high - low + 1 - places.count) * 1000 }
      }
      for (a, b) in links { cost += Double(abs(position[a] - position[b])) }
      for a in groups.indices {
        for b in groups.indices where mean[a] < mean[b] && position[a] > position[b] { cost += 0.1 }
      }
      return cost
    }
    var best = start
    var least = cost(start)
    func permute(_ done: [Int], _ left: [Int]) {
      guard !left.isEmpty else {
        let own = cost(done)
        if own < least - 1e-9 { (best, least) = (done, own) }
        return
      }
      for index in left.indices {
        var rest = left
        let next = rest.remove(at: index)
        permute(done + [next], rest)
      }
    }
    permute([], Array(groups.indices))
    return best
  }

  // MARK: - Places

  /// Sets x of all items: apart as far as needed, near to their neighbors as far as possible.
  private static func spread(_ items: inout [Item], _ order: [Int], _ plates: [Plate]) {
    var distances: [[(other: Int, distance: Double)]] = Array(repeating: [], count: items.count)
    var before: [[(other: Int, distance: Double)]] = distances
    for (place, a) in order.enumerated() {
      for b in order[(place + 1)...] {
        let left = margin(items, a, b, plates)
        let right = margin(items, b, a, plates)
        guard items[a].layer == items[b].layer || left > 0 || right > 0 else { continue }
        let distance = (items[a].width + items[b].width) / 2 + columnGap + left + right
        distances[a].append((b, distance))
        before[b].append((a, distance))
      }
    }
    for item in order {
      items[item].x = max(items[item].width / 2, before[item].map { items[$0.other].x + $0.distance }.max() ?? 0)
    }
    for round in 0..<80 {
      for item in round.isMultiple(of: 2) ? order.reversed() : order {
        guard !items[item].neighbors.isEmpty else { continue }
        let near = items[item].neighbors.map { items[$0].x }
        var wish = near.reduce(0, +) / Double(near.count)
        if let low = before[item].map({ items[$0.other].x + $0.distance }).max() { wish = max(wish, low) }
        if let high = distances[item].map({ items[$0.other].x - $0.distance }).min() { wish = min(wish, high) }
        items[item].x = wish
      }
    }
  }

  /// How far the outermost frame around `a` that does not hold `b` reaches, where it would meet `b` or a frame of it.
  private static func margin(_ items: [Item], _ a: Int, _ b: Int, _ plates: [Plate]) -> Double {
    var margin = 0.0
    for plate in items[a].plates where !items[b].plates.contains(plate) {
      let meets =
        plates[plate].layers.contains(items[b].layer)
        || items[b].plates.contains { other in
          !items[a].plates.contains(other) && plates[other].layers.overlaps(plates[plate].layers)
            && plates[other].members.isDisjoint(with: plates[plate].members)
        }
      if meets { margin = max(margin, plates[plate].inset) }
    }
    return margin
  }

  private mutating func place(
    _ diagram: Diagram, _ items: [Item], _ plates: [Plate], _ chains: [(edge: Diagram.Edge, stops: [Int])]
  ) {
    let depth = (items.map(\.layer).max() ?? 0) + 1
    let filled = plates.indices.filter { !plates[$0].members.isEmpty }
    // Middles of the layers, with room for the frames that begin and end between them.
    var middle = Array(repeating: 0.0, count: depth)
    var y = 8.0
    for layer in 0..<depth {
      y += filled.filter { plates[$0].layers.lowerBound == layer }.map { plates[$0].inset }.max() ?? 0
      middle[layer] = y + DiagramLayout.boxHeight / 2
      y += DiagramLayout.boxHeight
      y += filled.filter { plates[$0].layers.upperBound == layer }.map { plates[$0].foot }.max() ?? 0
      if layer + 1 < depth { y += DiagramLayout.layerGap }
    }
    height = y + 8
    // Everything moves to the right of the left edge, frames included.
    var left = Double.infinity
    var right = -Double.infinity
    for item in items {
      let reach = item.width / 2 + (item.plates.map { plates[$0].inset }.max() ?? 0)
      left = min(left, item.x - reach)
      right = max(right, item.x + reach)
    }
    let shift = 12 - left
    width = right - left + 24
    for item in items {
      guard let node = item.node else { continue }
      let isSmall = diagram.nodes[node].detail == nil
      boxes.append(
        Box(
          node: node, x: item.x + shift, y: middle[item.layer], width: DiagramLayout.boxWidth(diagram.nodes[node]),
          height: isSmall ? DiagramLayout.smallHeight : DiagramLayout.boxHeight))
    }
    for (edge, stops) in chains {
      routes.append(
        Route(from: edge.from, to: edge.to, stops: stops.map { (items[$0].x + shift, middle[items[$0].layer]) }))
    }
    for plate in filled.sorted(by: { (plates[$1].level, $0) < (plates[$0].level, $1) }) {
      let members = plates[plate].members
      let low = members.map { items[$0].x - items[$0].width / 2 }.min() ?? 0
      let high = members.map { items[$0].x + items[$0].width / 2 }.max() ?? 0
      let inset = plates[plate].inset
      let top = middle[plates[plate].layers.lowerBound] - DiagramLayout.boxHeight / 2 - inset
      let bottom = middle[plates[plate].layers.upperBound] + DiagramLayout.boxHeight / 2 + plates[plate].foot
      var frame = PlateFrame(
        plate: plate, x: low - inset + shift, y: top, width: high - low + 2 * inset, height: bottom - top)
      frame.hasLeftCaption = filled.contains { other in
        let own = plates[other].members
        return other != plate && !own.isDisjoint(with: members) && !own.isSubset(of: members)
          && !members.isSubset(of: own)
          && (own.map { items[$0].x }.max() ?? 0) > (members.map { items[$0].x }.max() ?? 0)
      }
      frames.append(frame)
    }
  }
}
