import Foundation

/// The notebook that a report holds as a link to be saved.
package enum ReportSource {
  package static func notebook(in page: [UInt8]) -> [UInt8]? {
    let mark = Array("href=\"data:text/markdown;base64,".utf8)
    guard let start = page.firstRange(of: mark)?.upperBound,
      let end = page[start...].firstIndex(of: UInt8(ascii: "\"")),
      let data = Data(base64Encoded: String(decoding: page[start..<end], as: UTF8.self))
    else { return nil }
    return Array(data)
  }
}
