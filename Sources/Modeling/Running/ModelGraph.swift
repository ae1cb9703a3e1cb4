import Checking
import Interpreter
import Rendering
import Syntax

/// The sites of a model as a diagram: what depends on what, in which plates.
///
/// Read from the checked body, not from a trace, so that it costs the same whatever the data, and shows a site once
/// however many elements it has.
struct ModelGraph {
  private let table: DeclarationTable
  private var diagram = Diagram(nodes: [], edges: [], plates: [])
  private var edges: Set<Diagram.Edge> = []

  static func figure(_ model: ModelValue, _ table: DeclarationTable) -> Figure {
    var graph = ModelGraph(table: table)
    graph.add(
      model.model, prefix: "", inputs: nil, plates: [],
      kind: { name in
        model.conditions[name] != nil ? .observed : model.interventions[name] != nil ? .fixed : .latent
      }, depth: 0)
    return Figure(kind: "model graph", title: model.model.name, diagram: graph.finished)
  }

  private init(table: DeclarationTable) { self.table = table }

  /// Without inputs and derived quantities that nothing depends on, or that depend on nothing drawn.
  private var finished: Diagram {
    let kept = diagram.nodes.indices.filter { index in
      switch diagram.nodes[index].kind {
      case .latent, .observed, .fixed: true
      case .derived: edges.contains { $0.to == index }
      case .input: edges.contains { $0.from == index && diagram.nodes[$0.to].kind != .input }
      }
    }
    let number = Dictionary(uniqueKeysWithValues: kept.enumerated().map { ($1, $0) })
    let lines = edges.compactMap { edge -> Diagram.Edge? in
      guard let from = number[edge.from], let to = number[edge.to] else { return nil }
      return Diagram.Edge(from: from, to: to)
    }.sorted { ($0.to, $0.from) < ($1.to, $1.from) }
    return Diagram(nodes: kept.map { diagram.nodes[$0] }, edges: lines, plates: diagram.plates)
  }

  // MARK: - Walking

  /// What one model body has seen so far.
  private struct Scope {
    var model: CheckedModel
    var prefix: String
    var kind: (String) -> Diagram.Node.Kind
    /// Nodes that each local's value depends on.
    var sources: [LocalID: Set<Int>] = [:]
    /// Nodes that decide whether the present statement runs.
    var control: Set<Int> = []
    var depth: Int

    func name(_ local: LocalID) -> String {
      let locals = model.function.locals
      return locals.indices.contains(local.rawValue) ? locals[local.rawValue].name : "?"
    }
  }

  /// - Parameter inputs: What the arguments of a sub-model depend on; nil for the model itself, whose arguments are data.
  private mutating func add(
    _ model: CheckedModel, prefix: String, inputs: [Set<Int>]?, plates: [Int],
    kind: @escaping (String) -> Diagram.Node.Kind, depth: Int
  ) {
    var scope = Scope(model: model, prefix: prefix, kind: kind, depth: depth)
    for (position, name) in model.parameterNames.enumerated() {
      guard position < model.function.parameters.count else { break }
      let local = model.function.parameters[position]
      if let inputs {
        scope.sources[local] = position < inputs.count ? inputs[position] : []
      } else {
        scope.sources[local] = [addNode(.init(name: name, kind: .input))]
      }
    }
    visit(model.function.body, &scope, plates)
  }

  private mutating func addNode(_ node: Diagram.Node) -> Int {
    diagram.nodes.append(node)
    return diagram.nodes.count - 1
  }

  private mutating func connect(_ sources: Set<Int>, to node: Int) {
    for source in sources where source != node { edges.insert(Diagram.Edge(from: source, to: node)) }
  }

  private func sources(_ expression: CheckedExpression, _ scope: Scope) -> Set<Int> {
    var found: Set<Int> = []
    let locals = scope.sources
    TreeWalk.walk([CheckedStatement(.expression(expression, isShown: false), expression.span)]) { part, _ in
      switch part.kind {
      case .local(let local): found.formUnion(locals[local] ?? [])
      case .closure(let closure): for local in closure.captures { found.formUnion(locals[local] ?? []) }
      default: break
      }
    }
    return found
  }

  /// The node of a site, made when its first piece is met.
  private mutating func site(_ name: String, _ scope: Scope, _ plates: [Int], detail: String?) -> Int {
    let path = scope.prefix + name
    if let known = diagram.nodes.firstIndex(where: { $0.name == path && $0.kind != .input }) { return known }
    return addNode(.init(name: path, kind: scope.kind(path), detail: detail, plates: plates))
  }

  private mutating func visit(_ statements: [CheckedStatement], _ scope: inout Scope, _ plates: [Int]) {
    for statement in statements { visit(statement, &scope, plates) }
  }

  private mutating func visit(_ statement: CheckedStatement, _ scope: inout Scope, _ plates: [Int]) {
    switch statement.kind {
    case .site(let site):
      let node = self.site(site.name, scope, plates, detail: words(site.distribution, scope))
      connect(sources(site.distribution, scope).union(scope.control), to: node)
      scope.sources[site.local] = [node]
    case .pieceSite(let local, let indices, let distribution):
      let node = site(scope.name(local), scope, plates, detail: words(distribution, scope))
      connect(
        indices.reduce(sources(distribution, scope).union(scope.control)) { $0.union(sources($1, scope)) }, to: node)
      scope.sources[local] = [node]
    case .pieceValue(let local, let indices, let value):
      let from = indices.reduce(sources(value, scope)) { $0.union(sources($1, scope)) }
      let own = scope.sources[local] ?? []
      if let node = own.first, diagram.nodes.indices.contains(node), diagram.nodes[node].kind != .input {
        connect(from, to: node)
      } else {
        scope.sources[local] = own.union(from)
      }
    case .openPiecewise(let local, _, _, _): scope.sources[local] = []
    case .submodel(let local, let name, let expression):
      guard case .model(let id, let arguments) = expression.kind, scope.depth < 8,
        table.models.indices.contains(id.rawValue)
      else {
        scope.sources[local] = sources(expression, scope)
        return
      }
      let inner = table.models[id.rawValue]
      let first = diagram.nodes.count
      add(
        inner, prefix: scope.prefix + name + ".", inputs: arguments.map { sources($0, scope) }, plates: plates,
        kind: scope.kind, depth: scope.depth + 1)
      scope.sources[local] = Set(first..<diagram.nodes.count)
    case .bind(let local, let value, let derived):
      let from = sources(value, scope).union(scope.control)
      scope.sources[local] = from
      // A quantity with a name of its own stands between what it is made of and what is made of it.
      let isRandom = from.contains { diagram.nodes[$0].kind != .input }
      if let derived, isRandom, !isTrivial(value) {
        let node = addNode(.init(name: scope.prefix + derived, kind: .derived, plates: plates))
        connect(from, to: node)
        scope.sources[local] = [node]
      }
    case .assign(let local, let value):
      scope.sources[local] = (scope.sources[local] ?? []).union(sources(value, scope)).union(scope.control)
    case .assignPath(let local, let steps, let value):
      var from = sources(value, scope)
      for case .key(let key) in steps { from.formUnion(sources(key, scope)) }
      scope.sources[local] = (scope.sources[local] ?? []).union(from)
    case .ifElse(let condition, let then, let otherwise):
      branch(on: condition, [then, otherwise], &scope, plates)
    case .ifLet(let local, let value, let then, let otherwise):
      scope.sources[local] = sources(value, scope)
      branch(on: value, [then, otherwise], &scope, plates)
    case .switchEnum(let subject, let cases, let otherwise):
      branch(on: subject, cases.map(\.body) + [otherwise ?? []], &scope, plates)
    case .forIn(let loop):
      scope.sources[loop.variable] = sources(loop.sequence, scope)
      // Twice: what one step gives, the next may use.
      visit(loop.body, &scope, plates)
      visit(loop.body, &scope, plates)
    case .whileLoop(let condition, let body):
      branch(on: condition, [body, body], &scope, plates)
    case .plate(let plate):
      diagram.plates.append(caption(plate, scope))
      visit(plate.body, &scope, plates + [diagram.plates.count - 1])
      for export in plate.exports { scope.sources[export.outer] = scope.sources[export.inner] }
    case .block(let body): visit(body, &scope, plates)
    case .addLogDensity(let term):
      let node = addNode(.init(name: scope.prefix + "addLogDensity", kind: .observed, plates: plates))
      connect(sources(term, scope).union(scope.control), to: node)
    case .expression, .breakLoop, .continueLoop, .returnValue: break
    }
  }

  private mutating func branch(
    on condition: CheckedExpression, _ bodies: [[CheckedStatement]], _ scope: inout Scope, _ plates: [Int]
  ) {
    let outer = scope.control
    scope.control.formUnion(sources(condition, scope).filter { diagram.nodes[$0].kind != .input })
    for body in bodies { visit(body, &scope, plates) }
    scope.control = outer
  }

  // MARK: - Words

  /// Another name for the same value is no quantity of its own.
  private func isTrivial(_ expression: CheckedExpression) -> Bool {
    switch expression.kind {
    case .local, .siteMember: true
    case .convert(let inner, _): isTrivial(inner)
    default: false
    }
  }

  private func words(_ expression: CheckedExpression, _ scope: Scope) -> String {
    switch expression.kind {
    case .local(let local): return scope.name(local)
    case .int(let number): return String(number)
    case .real(let number):
      return number == number.rounded() && number.magnitude < 1e6 ? String(Int(number)) : String(number)
    case .convert(let inner, _): return words(inner, scope)
    case .index(let base, _): return words(base, scope) + "[…]"
    case .siteMember(let base, let name): return words(base, scope) + "." + name
    case .unary(.minus, let inner): return "−" + words(inner, scope)
    case .distribution(let name, let arguments):
      return (name.split(separator: "(").first.map(String.init) ?? name) + "("
        + arguments.map { words($0, scope) }.joined(separator: ", ") + ")"
    case .intrinsic(let name, let arguments) where name.hasPrefix("Distribution.") && !arguments.isEmpty:
      return words(arguments[0], scope)
    default: return "…"
    }
  }

  private func caption(_ plate: CheckedPlate, _ scope: Scope) -> String {
    "\(scope.name(plate.index)) in \(words(plate.lower, scope))\(plate.isClosed ? "..." : "..<")\(words(plate.upper, scope))"
  }
}
