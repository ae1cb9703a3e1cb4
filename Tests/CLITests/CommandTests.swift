import Foundation
import TestSupport
import Testing

/// The program as a user meets it: arguments, exit statuses, what goes where.
struct CommandTests {
  static let twoCells = """
    ---
    title: Two cells
    seed: 3
    ---

    # Words

    ```swift {#first}
    let x = [1.5, 2.5]
    mean(x)
    ```

    ```swift {#second}
    print("x has \\(x.count)")
    ```
    """ + "\n"

  @Test(
    "A text after -e is run", arguments: [("1 + 1", "2\n"), ("-3", "-3\n"), ("print(\"é\")", "é\n"), ("let x = 1", "")])
  func expression(text: String, shown: String) throws {
    let run = try Program.run(["-e", text])
    #expect(run.status == 0 && run.output == shown && run.errors.isEmpty, "\(run)")
  }

  @Test("Figures are drawn, or told in words where the reader asks for them")
  func figures() throws {
    let text = "forest([[1.0, 2.0], [3.0, 4.0]], names: [\"a\", \"b\"])"
    let drawn = try Program.run(["-e", text])
    #expect(drawn.status == 0 && drawn.output.contains("━"), "\(drawn)")
    let told = try Program.run(["-e", text], environment: ["CAIRN_FIGURES": "words"])
    #expect(told.status == 0 && told.output.hasPrefix("Forest plot: ") && !told.output.contains("━"), "\(told)")
  }

  @Test("A notebook shows what its cells give")
  func notebook() throws {
    let folder = try Program.folder(["two.nb.md": CommandTests.twoCells])
    let run = try Program.run(["run", "two.nb.md"], in: folder)
    #expect(run.status == 0 && run.errors.isEmpty, "\(run)")
    #expect(run.output == "Two cells\n── first\n2.0\n── second\nx has 2\n")
    let quiet = try Program.run(["run", "--quiet", "two.nb.md"], in: folder)
    #expect(quiet.output == "2.0\nx has 2\n")
    let check = try Program.run(["check", "two.nb.md"], in: folder)
    #expect(check.status == 0 && check.output == "two: 2 cells, 0 errors, 0 warnings\n", "\(check)")
  }

  @Test("`bench` times a model whose large data the cache did not keep, on the first run and on the next")
  func bench() throws {
    let notebook = """
      ---
      title: Many rows
      ---

      ```swift {#model}
      model Line(x: Vector[N]) {
          let slope ~ Normal(0, 1)
          let y ~ Normal(slope * x, 1)
      }
      let x = vector(20_000) { i in 0.001 * Real(i) }
      let m = Line(x: x).given(y: 2.0 * x)
      ```
      """ + "\n"
    let folder = try Program.folder(["many.nb.md": notebook])
    for _ in 0..<2 {
      let run = try Program.run(["bench", "--seconds", "0.001", "--gradients-only", "many.nb.md"], in: folder)
      #expect(run.status == 0 && run.errors.isEmpty && run.output.contains("\nm     Line given y"), "\(run)")
    }
    let loops = try Program.run(["bench", "--seconds", "0.001", "--list", "loops", "many.nb.md"], in: folder)
    #expect(loops.status == 0 && loops.output.contains("ns per evaluation, in "), "\(loops)")
  }

  @Test("The same notebook twice, and on other numbers of threads, gives the same text")
  func repeatable() throws {
    let text = try Data(contentsOf: Checkout.root.appendingPathComponent("notebooks/eight-schools.nb.md"))
    let data = try Data(contentsOf: Checkout.root.appendingPathComponent("notebooks/data/eight-schools.csv"))
    let folder = try Program.folder([
      "a.nb.md": String(decoding: text, as: UTF8.self), "data/eight-schools.csv": String(decoding: data, as: UTF8.self),
    ])
    let first = try Program.run(["run", "a.nb.md"], in: folder)
    #expect(first.status == 0, "\(first)")
    #expect(first.output.contains("divergences: "))
    #expect(first.errors.isEmpty)
    for threads in ["1", "2", "8"] {
      let again = try Program.run(["run", "--threads", threads, "a.nb.md"], in: folder)
      #expect(again.output == first.output)
    }
    let seeded = try Program.run(["run", "--seed", "1", "a.nb.md"], in: folder)
    #expect(seeded.status == 0 && seeded.output != first.output)
  }

  @Test("Scripts run in their own folder")
  func script() throws {
    let folder = try Program.folder([
      "sub/a.cairn": "let t = readCSV(\"t.csv\")\nprint(sum(t.x))\n", "sub/t.csv": "x\n1\n2\n",
    ])
    let run = try Program.run(["sub/a.cairn"], in: folder)
    #expect(run.status == 0 && run.output == "3.0\n" || run.output == "3\n", "\(run)")
    let check = try Program.run(["check", "sub/a.cairn"], in: folder)
    #expect(check.status == 0, "\(check)")
  }

  @Test("Mistakes of use are said, with the status of a wrong command line")
  func usage() throws {
    for arguments in [["rnu", "x.nb.md"], ["chekc"], ["explian", "R001"]] {
      let run = try Program.run(arguments)
      #expect(run.status == 64, "\(run)")
      #expect(run.errors.contains("did you mean `cairn "), "\(run)")
    }
    #expect(try Program.run(["run", "--threads", "0", "x.nb.md"]).status == 64)
    #expect(try Program.run(["run", "--sead", "0", "x.nb.md"]).status == 64)
    #expect(try Program.run(["a.cairn", "b.cairn"]).status == 64)
    #expect(try Program.run(["--version"]).output.contains("."))
    #expect(try Program.run(["--help"]).output.contains("cairn run"))
  }

  @Test("Codes are explained in any case, unknown ones refused")
  func explain() throws {
    let page = try Program.run(["explain", "n003"])
    #expect(page.status == 0 && page.output.hasPrefix("# N003: "), "\(page)")
    for code in ["Z999", "../README", "", "R001/../../x"] {
      let run = try Program.run(["explain", code])
      #expect(run.status != 0 && run.output.isEmpty, "\(run)")
    }
  }

  @Test("A missing library is a diagnostic that lists the places tried")
  func missingLibrary() throws {
    let run = try Program.run(["-e", "1"], environment: ["CAIRN_STDLIB": "/nonexistent/stdlib"])
    #expect(run.status == 1)
    #expect(run.output.contains("error[N020]") && run.output.contains("tried /nonexistent/stdlib"), "\(run)")
  }

  @Test("A broken library is named")
  func brokenLibrary() throws {
    let folder = try Program.folder(["stdlib/core.cairn": "let x: Int = \"a\"\n"])
    let run = try Program.run(["-e", "1"], environment: ["CAIRN_STDLIB": folder.appendingPathComponent("stdlib").path])
    #expect(run.status == 1 && run.output.contains("error[N021]"), "\(run)")
  }

  @Test("Files that cannot be read")
  func missingFiles() throws {
    let folder = try Program.folder(["folder.nb.md/x": ""])
    for arguments in [["run", "none.nb.md"], ["check", "none.nb.md"], ["none.cairn"], ["run", "folder.nb.md"]] {
      let run = try Program.run(arguments, in: folder)
      #expect(run.status == 1 && run.output.contains("error[N001]"), "\(run)")
    }
  }

  @Test("Hostile files end with a diagnostic, not with a crash")
  func hostileFiles() throws {
    var deep = "```swift {}\nlet x = " + String(repeating: "(", count: 200_000) + "\n```\n"
    deep += "```swift {}\nfunc f(_ n: Int) -> Int { return f(n + 1) + 1 }\nf(0)\n```\n"
    let folder = try Program.folder([
      "empty.nb.md": "", "deep.nb.md": deep, "nul.nb.md": "```swift {}\nlet \0x = 1\n```\n",
      "yaml.nb.md": "---\na: " + String(repeating: "[", count: 300_000) + "\n---\n",
    ])
    try Data([0x60, 0x60, 0x60, 0xFF, 0xFE, 0x0A]).write(to: folder.appendingPathComponent("bytes.nb.md"))
    let empty = try Program.run(["run", "empty.nb.md"], in: folder)
    #expect(empty.status == 0 && empty.output.isEmpty, "\(empty)")
    for name in ["deep", "nul", "yaml", "bytes"] {
      let run = try Program.run(["run", "\(name).nb.md"], in: folder)
      #expect(run.status == 1 && !run.wasKilled, "\(name): \(run.output.prefix(2000))")
      #expect(run.output.contains("error["), "\(name)")
      for line in run.output.split(separator: "\n") { #expect(line.count < 400, "\(name)") }
    }
  }

  @Test("Ctrl-C ends the running cell, leaves out the rest, and says so in the status")
  func interrupt() throws {
    let folder = try Program.folder([
      "long.nb.md":
        "```swift {#long}\nvar i = 0\nwhile true { i = (i + 1) % 1000 }\n```\n\n```swift {}\nprint(\"after\")\n```\n"
    ])
    let run = try Program.run(["run", "long.nb.md"], in: folder, interruptAfter: 1.5)
    #expect(run.status == 130 && !run.wasKilled, "\(run)")
    #expect(run.output.contains("error[R080]"))
    #expect(!run.output.contains("after\n"))
  }

  @Test("A reader that leaves early does no harm")
  func brokenPipe() throws {
    let folder = try Program.folder(["many.cairn": "for i in 0..<200000 { print(\"line \\(i)\") }\n"])
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = ["-c", "'\(Program.path)' many.cairn 2>errors.txt | head -n 2 > out.txt"]
    process.currentDirectoryURL = folder
    process.environment = ProcessInfo.processInfo.environment.merging([
      "CAIRN_STDLIB": Checkout.root.appendingPathComponent("stdlib").path
    ]) { $1 }
    try process.run()
    process.waitUntilExit()
    let output = try String(contentsOf: folder.appendingPathComponent("out.txt"), encoding: .utf8)
    #expect(output == "line 0\nline 1\n")
    let errors = try String(contentsOf: folder.appendingPathComponent("errors.txt"), encoding: .utf8)
    #expect(errors.isEmpty, "\(errors)")
  }

  @Test("Piped output has no colors, and fits the width asked for")
  func plain() throws {
    let run = try Program.run(
      ["run", "a.nb.md"], in: try Program.folder(["a.nb.md": "```swift {}\nlet x: Int = \"a\"\n```\n"]))
    #expect(run.status == 1 && !run.output.contains("\u{1B}"))
    let wide =
      "Table().adding(\"a long name of a column\", [1.5]).adding(\"another long name of it\", [2.5]).adding(\"third long name of all\", [3.5])"
    let narrow = try Program.run(["-e", wide], environment: ["COLUMNS": "50"])
    for line in narrow.output.split(separator: "\n") { #expect(line.count <= 50, "\(narrow.output)") }
    #expect(narrow.output.contains("third long name of all"))
  }
}

extension CommandTests {
  @Test("A session over a pipe runs entry by entry, and its status tells of errors")
  func session() throws {
    let folder = try Program.folder(["session.txt": "let x = [1,\n2]\nx.count\nnothing\nit + 1\n:type x\nmean?\n"])
    let shell = "exec '\(Program.path)' < session.txt"
    let run = try Program.run(["-c", shell], in: folder, program: "/bin/sh")
    #expect(run.status == 1, "\(run)")
    #expect(
      run.output.hasPrefix("2\nerror[T107]") && run.output.contains("\n3\n") && run.output.contains("Int]\n"), "\(run)")
    #expect(run.output.contains("The arithmetic mean") && !run.output.contains("cairn>"), "\(run)")
    let good = try Program.run(["-c", "echo '1 + 1' | '\(Program.path)'"], in: folder, program: "/bin/sh")
    #expect(good.status == 0 && good.output == "2\n", "\(good)")
    // Outside of a project nothing is left in the folder.
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == ["session.txt"])
  }

  @Test("Export, import and new write whole files, refuse to replace, and say where they stop")
  func formats() throws {
    let folder = try Program.folder([
      "two.nb.md": CommandTests.twoCells, "t.csv": "a,b\n1,2.5\n2,3.5\n3,4.5\n", "bad.csv": "",
    ])
    func file(_ name: String) -> String? {
      try? String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8)
    }
    let frozen = try Program.run(["export", "two.nb.md", "--frozen"], in: folder)
    #expect(frozen.status == 1 && frozen.output.contains("N045") && file("two.html") == nil, "\(frozen)")
    let first = try Program.run(["export", "two.nb.md", "--reproducible"], in: folder)
    #expect(first.status == 0 && first.output.contains("2 cells, 2 ran"), "\(first)")
    let page = file("two.html")
    #expect(page?.hasPrefix("<!DOCTYPE html>") ?? false)
    let again = try Program.run(["export", "two.nb.md", "--reproducible", "--frozen"], in: folder)
    #expect(again.status == 0 && again.output.contains("0 ran") && file("two.html") == page, "\(again)")
    #expect(try Program.run(["export", "two.nb.md", "--md"], in: folder).status == 0)
    #expect(try Program.run(["export", "two.nb.md", "--md"], in: folder).status == 0)
    try Data("my own\n".utf8).write(to: folder.appendingPathComponent("own.md"))
    let kept = try Program.run(["export", "two.nb.md", "--md", "-o", "own.md"], in: folder)
    #expect(kept.status == 1 && kept.output.contains("N048") && file("own.md") == "my own\n", "\(kept)")
    #expect(file("two.md")?.contains("```text\n2.0\n```") ?? false)
    #expect(try Program.run(["export", "two.nb.md", "--ipynb"], in: folder).status == 0)
    let refused = try Program.run(["import", "two.ipynb"], in: folder)
    #expect(refused.status == 1 && refused.output.contains("N048"), "\(refused)")
    #expect(try Program.run(["import", "two.ipynb", "--output", "back.nb.md"], in: folder).status == 0)
    #expect(file("back.nb.md") == CommandTests.twoCells)
    #expect(try Program.run(["import", "two.html", "--output", "out.nb.md"], in: folder).status == 0)
    #expect(file("out.nb.md") == CommandTests.twoCells)
    #expect(try Program.run(["import", "t.csv"], in: folder).output.contains("N044"))
    #expect(try Program.run(["export", "two.nb.md", "-o", "none/x.html"], in: folder).output.contains("N043"))
    #expect(try Program.run(["export", "two.nb.md", "--md", "--ipynb"], in: folder).status == 64)
    #expect(try Program.run(["new", "bad", "--from", "bad.csv"], in: folder).output.contains("N049"))
    #expect(try Program.run(["new", "two"], in: folder).output.contains("N048"))
  }

  @Test(
    "A starting notebook runs cleanly, whatever the table",
    arguments: [
      "", "a,b\n1,2.5\n2,3.5\n4,4.0\n3,1.5\n", "name,value\nx,1.5\ny,2.5\nz,0.5\n", "n\n1\n2\n5\n", "name\nx\ny\n",
      "odd name,\"quo\"\"ted\"\n1.5,2.5\n2.5,1.5\nNA,1.0\n0.5,3.0\n",
    ])
  func starting(table: String) throws {
    let folder = try Program.folder(["t.csv": table])
    let new = try Program.run(["new", "study"] + (table.isEmpty ? [] : ["--from", "t.csv"]), in: folder)
    #expect(new.status == 0, "\(new)")
    let check = try Program.run(["check", "study.nb.md"], in: folder)
    // Fits of tables with a few rows may have divergences to warn of; the text has nothing.
    let warnings = check.output.split(separator: "\n").filter { $0.hasPrefix("warning[") }
    #expect(check.status == 0 && warnings.allSatisfy { $0.hasPrefix("warning[C41") }, "\(check)")
  }
}
