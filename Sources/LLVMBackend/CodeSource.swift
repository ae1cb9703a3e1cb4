internal import Numerics
package import TensorIR

/// IR text of a graph, with the data that it reads and the memory that it needs.
package struct CodeSource {
  static let entry = "evaluate"

  package let text: String
  let data: [Double]
  /// Doubles.
  package let workspaceCount: Int
  /// What runs one after the other.
  let steps: [Step]

  /// - Parameters:
  ///   - destinations: Per output an offset in the buffer of results; nil for an output that is returned (the first
  ///     such) or not wanted.
  ///   - resultCount: Doubles in the buffer of results that no output covers are set to 0, where this is given.
  ///   - countsCycles: Adds the cycles of each step to the integers that the stream's address points to.
  package init(
    _ graph: Graph, destinations: [Int?], clearing resultCount: Int? = nil, countsCycles: Bool = false
  ) {
    let module = IRModule()
    let w = IRWriter(module: module)
    func argument(_ name: String) -> IRValue { IRValue(text: "%\(name)", type: .pointer, lanes: 1) }
    let environment = Environment(
      position: argument("position"), data: argument("data"), workspace: argument("workspace"),
      table: argument("table"), stream: argument("stream"))
    let plan = WorkspacePlan()
    let pool = DataPool()
    let emitter = GraphEmitter(graph, writer: w, plan: plan, pool: pool, environment: environment)
    if countsCycles { emitter.counters = environment.stream }
    let results = argument("results")
    // Where parameters overlap or leave gaps, results are added up in a cleared buffer.
    var covered = 0
    var isExact = true
    for (output, offset) in zip(graph.outputs, destinations) {
      guard let offset else { continue }
      if offset != covered { isExact = false }
      covered = offset + graph[output].shape.elementCount
    }
    if let resultCount, covered != resultCount || !isExact {
      var places: [Destination?] = []
      for (output, offset) in zip(graph.outputs, destinations) {
        let count = graph[output].shape.elementCount
        places.append(offset == nil ? nil : Destination(base: environment.workspace, offset: plan.allocate(count)))
      }
      emitter.emit(destinations: places)
      emitter.fill(Destination(base: results, offset: 0), count: resultCount, with: .real(0))
      for ((output, offset), place) in zip(zip(graph.outputs, destinations), places) {
        guard let offset, let place else { continue }
        let from = emitter.pointer(place)
        let to = emitter.pointer(Destination(base: results, offset: offset))
        emitter.vectorLoop(graph[output].shape.elementCount) { index, mask in
          let target = w.address(to, index)
          let sum = w.add(w.load(target, lanes: 8, mask: mask), w.load(w.address(from, index), lanes: 8, mask: mask))
          w.store(sum, to: target, mask: mask)
        }
      }
    } else {
      emitter.emit(destinations: destinations.map { $0.map { Destination(base: results, offset: $0) } })
    }
    var value = IRValue.real(0)
    for (output, offset) in zip(graph.outputs, destinations) where offset == nil {
      value = Elements.real(emitter.scalarOutput(output), in: w)
      break
    }
    let parameters = ["position", "results", "data", "workspace"].map { "ptr noalias %\($0)" }.joined(separator: ", ")
    module.append(
      function: """
        define double @\(CodeSource.entry)(\(parameters), ptr %table, ptr %stream) #0 {
        entry:
        \(w.body)
          ret \(value.typed)
        }
        """)
    text = module.text
    data = pool.elements
    workspaceCount = plan.count
    steps = emitter.schedule.steps
  }

  /// Everything that decides the bytes of the object.
  func key(library: LLVMLibrary, target: CodeTarget) -> Digest {
    var builder = DigestBuilder()
    builder.append(tag: "object")
    builder.append(text)
    builder.append("\(library.version)")
    builder.append(target.cpu.isEmpty ? library.hostCPU : target.cpu)
    builder.append(target.cpu.isEmpty ? library.hostFeatures : target.features)
    builder.append(target.passes)
    builder.append(target.level)
    return builder.finish()
  }
}
