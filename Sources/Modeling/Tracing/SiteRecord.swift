import Distributions
import Interpreter
import Syntax
import TensorIR

/// What a trace knows of a site.
struct SiteRecord {
  enum Role {
    /// Sampled: its value comes from the position.
    case latent
    case observed
    case intervened
    /// Its value is drawn forward.
    case drawn
    /// Its value is an input of the program (stored draws).
    case replayed
  }
  var name: String
  var role: Role
  /// Frames' extents, then the site's own.
  var shape: [Int]
  var element: ElementType
  var family: any DistributionFamily
  var value: NodeID
  var span: SourceSpan
  /// Log density terms of the site, without Jacobian, one number per element.
  var pointwise: [Pointwise] = []
  /// The site's unconstrained coordinates at its value; for starting points.
  var unconstrained: NodeID?
  /// Parameters of its distribution: what it depends on.
  var dependencies: [NodeID] = []
  /// Entries that are missing from data, as flat positions.
  var missing: [Int] = []

  struct Pointwise {
    var node: NodeID
    /// Flat positions in the site of the node's elements, where it is a piece.
    var positions: [Int]?
  }
}

/// A stretch of the position that belongs to one site.
struct LatentBlock: Sendable {
  /// The site; of a site with missing data the block is called `NAME` too.
  var site: String
  var offset: Int
  var count: Int
}

/// Where the value of a site comes from in a trace.
enum SiteSource {
  case position
  case data(Value, SourceSpan?)
  case fixed(Value)
  /// Entries of the input vector, from an offset.
  case input(offset: Int)
  case draw
}
