/// The commands of an interactive session, which begin with a colon.
package enum SessionCommand {
  package enum Argument: Sendable { case none, file, name, expression, switching }

  package static let all: [(name: String, argument: Argument, usage: String, words: String)] = [
    ("apropos", .name, ":apropos WORD", "what has the word in its name, its type or its description"),
    ("bt", .none, ":bt", "the last error with all calls that led to it"),
    ("clear", .none, ":clear", "clears the screen"),
    (
      "help", .name, ":help [NAME]",
      "this list; or what NAME is, with examples. Also `NAME?`; a message code such as C410"
    ),
    ("history", .none, ":history", "what was entered"),
    ("info", .name, ":info NAME", "what NAME stands for: declaration, type, where it comes from"),
    ("list", .none, ":list", "what entries bound: type and memory"),
    ("load", .file, ":load FILE", "runs the cells of a notebook, or a script, as entries"),
    ("more", .none, ":more", "what is left of a long output"),
    ("open", .none, ":open", "writes the last figure as SVG and opens it where a viewer is there"),
    ("quit", .none, ":quit", "ends the session; so does Ctrl-D"),
    ("reload", .none, ":reload", "loads the last file again"),
    ("reset", .none, ":reset", "forgets all entries"),
    ("run", .file, ":run FILE", "runs a notebook or script by itself; binds nothing here"),
    ("save", .file, ":save FILE.nb.md", "writes the session as a notebook; `:save! FILE` replaces one"),
    (
      "time", .expression, ":time EXPRESSION", "runs it and says how long it took; `:time on` says so after every entry"
    ),
    ("type", .expression, ":type EXPRESSION", "the type of an expression, without running it"),
  ]

  package static var names: [String] { all.map(\.name) }

  static func argument(of name: String) -> Argument {
    all.first { $0.name == name || $0.name + "!" == name }?.argument ?? .none
  }

  /// A command and what follows it; nil for a text that is none.
  package static func parse(_ line: String) -> (name: String, argument: String)? {
    let trimmed = line.drop { $0 == " " }
    guard trimmed.first == ":" else { return nil }
    let rest = trimmed.dropFirst()
    let name = rest.prefix { !$0.isWhitespace }
    let argument = rest.dropFirst(name.count).drop { $0.isWhitespace }
    return (String(name), String(argument.reversed().drop { $0.isWhitespace }.reversed()))
  }
}
