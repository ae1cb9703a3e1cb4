import Foundation
package import TensorIR

/// What is wrong with a distribution's parameters, in words.
package struct ParameterFault: Error, Sendable, CustomStringConvertible {
  package var description: String
  package init(_ description: String) { self.description = description }
}

/// A number as a message shows it: whole ones without a fraction.
func numberText(_ x: Double) -> String {
  if x.isNaN { return "NaN" }
  if x.isInfinite { return x > 0 ? "∞" : "-∞" }
  return x == x.rounded() && abs(x) < 1e15 ? String(Int64(x)) : "\(x)"
}

extension DistributionFamily {
  /// The first parameter that breaks its rule: `scale must be positive, is -1`.
  package func fault(in values: [TensorData]) -> ParameterFault? {
    for (parameter, contents) in zip(parameters, values) {
      if let words = parameter.fault(in: contents) { return ParameterFault(words) }
    }
    if batchShape(values.map(\.extents)) == nil {
      let shapes = zip(parameters, values).map { "\($0.name) \($1.extents)" }.joined(separator: ", ")
      return ParameterFault("the parameters have shapes that do not fit together: \(shapes)")
    }
    return relationFault(values).map { ParameterFault($0) }
  }

  /// The first fault among parameters whose contents are known when the graph is built.
  package func fault(in nodes: [NodeID], _ b: GraphBuilder) -> ParameterFault? {
    let known = nodes.map { b.contents(of: $0) }
    for (parameter, contents) in zip(parameters, known) {
      if let contents, let words = parameter.fault(in: contents) { return ParameterFault(words) }
    }
    let all = known.compactMap { $0 }
    return all.count == nodes.count ? relationFault(all).map { ParameterFault($0) } : nil
  }
}

extension DistributionParameter {
  func fault(in contents: TensorData) -> String? {
    guard contents.extents.count >= rank else {
      return "\(name) must be \(kind == .vector ? "a vector" : "a matrix"), has shape \(contents.extents)"
    }
    let values = contents.elements
    func first(_ rule: String, where isLawful: (Double) -> Bool) -> String? {
      guard let index = values.firstIndex(where: { !isLawful($0) }) else { return nil }
      return "\(name)\(place(index, contents.extents)) must be \(rule), is \(numberText(values[index]))"
    }
    switch constraint {
    case .finite, .finiteVector: return first("a finite number") { $0.isFinite }
    case .extended: return first("a number") { !$0.isNaN }
    case .positive: return first("positive and finite") { $0 > 0 && $0.isFinite }
    case .positiveVector:
      if contents.extents.last == 0 { return "\(name) must not be empty" }
      return first("positive and finite") { $0 > 0 && $0.isFinite }
    case .nonnegative: return first("nonnegative and finite") { $0 >= 0 && $0.isFinite }
    case .unitInterval: return first("between 0 and 1") { $0 >= 0 && $0 <= 1 }
    case .count: return first("a whole number ≥ 0") { $0 >= 0 && $0 == $0.rounded() && $0.isFinite }
    case .positiveCount: return first("a whole number ≥ 1") { $0 >= 1 && $0 == $0.rounded() && $0.isFinite }
    case .simplex: return first("between 0 and 1") { $0 >= 0 && $0 <= 1 } ?? simplexFault(contents)
    case .logits: return first("a number below ∞") { !$0.isNaN && $0 < .infinity } ?? logitsFault(contents)
    case .lowerTriangular, .positiveDefinite: return matrixFault(contents)
    }
  }

  private func place(_ index: Int, _ extents: [Int]) -> String {
    if extents.isEmpty { return "" }
    var rest = index
    var indices: [String] = []
    for extent in extents.reversed() {
      indices.append(String(extent > 0 ? rest % extent : 0))
      rest = extent > 0 ? rest / extent : 0
    }
    return "[" + indices.reversed().joined(separator: ", ") + "]"
  }

  private func rows(_ contents: TensorData) -> [ArraySlice<Double>] {
    let width = contents.extents.last ?? 0
    if width == 0 { return [] }
    return stride(from: 0, to: contents.elements.count, by: width).map { contents.elements[$0..<($0 + width)] }
  }

  private func simplexFault(_ contents: TensorData) -> String? {
    if contents.extents.last == 0 { return "\(name) must not be empty" }
    for row in rows(contents) {
      let total = row.reduce(0, +)
      if abs(total - 1) > 1e-8 { return "\(name) must sum to 1, sums to \(numberText(total))" }
    }
    return nil
  }

  private func logitsFault(_ contents: TensorData) -> String? {
    if contents.extents.last == 0 { return "\(name) must not be empty" }
    return rows(contents).allSatisfy { $0.contains { $0 > -.infinity } } ? nil : "\(name) must not all be -∞"
  }

  private func matrixFault(_ contents: TensorData) -> String? {
    let order = contents.extents[contents.extents.count - 1]
    guard contents.extents[contents.extents.count - 2] == order else {
      return "\(name) must be square, has shape \(contents.extents)"
    }
    if order == 0 { return nil }
    let batch = Array(contents.extents.dropLast(2))
    for start in stride(from: 0, to: contents.elements.count, by: order * order) {
      let matrix = Array(contents.elements[start..<(start + order * order)])
      let fault = constraint == .lowerTriangular ? triangularFault(matrix, order) : definiteFault(matrix, order)
      // Of several, which one.
      if let fault { return batch.isEmpty ? fault : "matrix \(place(start / (order * order), batch)): \(fault)" }
    }
    return nil
  }

  private func triangularFault(_ matrix: [Double], _ order: Int) -> String? {
    for i in 0..<order {
      for j in 0...i where !matrix[i * order + j].isFinite {
        return "\(name)[\(i), \(j)] must be a finite number, is \(numberText(matrix[i * order + j]))"
      }
      let pivot = matrix[i * order + i]
      if !(pivot > 0) { return "\(name)[\(i), \(i)] must be positive, is \(numberText(pivot))" }
    }
    return nil
  }

  private func definiteFault(_ matrix: [Double], _ order: Int) -> String? {
    let size = matrix.reduce(0) { max($0, abs($1)) }
    if !matrix.allSatisfy({ $0.isFinite }) { return "\(name) must hold finite numbers" }
    for i in 0..<order {
      for j in 0..<i where abs(matrix[i * order + j] - matrix[j * order + i]) > 1e-8 * size {
        let (below, above) = (numberText(matrix[i * order + j]), numberText(matrix[j * order + i]))
        return "\(name) must be symmetric: [\(i), \(j)] is \(below), [\(j), \(i)] is \(above)"
      }
    }
    return Kernels.firstBadPivot(of: matrix, order: order).map { row, pivot in
      let number = pivot.isFinite ? String(format: "%.4g", pivot) : numberText(pivot)
      return
        "\(name) must be positive definite: \(row == 0 ? "entry [0, 0]" : "given the rows before it, the variance of row \(row)") is \(number)"
    }
  }
}
