import Foundation
import Interpreter
import Syntax
import Testing

/// Programs with swapped, doubled and missing words: whatever the checker lets through must run to an end.
@Suite(.serialized) struct FuzzTests {
  /// Words and the marks between them, so that joining gives the text back.
  private static func words(_ text: String) -> [String] {
    var result: [String] = []
    for character in text {
      let isWordPart = character.isLetter || character.isNumber || character == "_"
      if isWordPart, let last = result.last?.last, last.isLetter || last.isNumber || last == "_" {
        result[result.count - 1].append(character)
      } else {
        result.append(String(character))
      }
    }
    return result
  }

  private static func mutant(_ text: String, _ random: inout Seeded) -> String {
    var words = words(text)
    for _ in 0...random.below(3) where words.count > 2 {
      let numbers = words.indices.filter { words[$0].first?.isNumber == true }
      let isNumeric = !numbers.isEmpty && random.below(2) == 0
      let i = isNumeric ? numbers[random.below(numbers.count)] : random.below(words.count)
      let j = random.below(words.count)
      switch isNumeric ? 5 : random.below(5) {
      case 0: words.swapAt(i, j)
      case 1: words.remove(at: i)
      case 2: words.insert(words[j], at: i)
      case 3: words[i] = words[j]
      default:
        let extremes = [
          "0", "-1", "1", "9223372036854775807", "1e308", "nan", "0.5", "1000000", "-7", "2", "[]", "nil", "true",
        ]
        words[i] = extremes[random.below(extremes.count)]
      }
    }
    return words.joined()
  }

  @Test(arguments: 0..<8) func mutantsEnd(_ seed: Int) {
    var random = Seeded(UInt64(seed) &* 7919)
    var ran = 0
    for program in SemanticsTests.programs + SemanticsTests.faults {
      for _ in 0..<2 {
        let session = Session()
        let text = FuzzTests.mutant(program.text, &random)
        // A mutant may loop forever; the watchdog stops it as Ctrl-C would.
        let cancellation = session.machine.cancellation
        let watchdog = DispatchWorkItem { cancellation.cancel() }
        DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(300), execute: watchdog)
        let outcome = session.run(text)
        watchdog.cancel()
        cancellation.reset()
        if outcome.code == nil { ran += 1 }
        #expect(outcome.code?.hasPrefix("X") != true, "\(text)")
        #expect(session.run("1 + 1").lines == ["2"], "\(text)")
      }
    }
    // Enough of them get past the checker to mean something.
    #expect(ran > 10)
  }
}
