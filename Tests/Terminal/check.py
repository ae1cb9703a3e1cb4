"""Drives the interactive session in a real terminal (tmux), as a user's fingers would."""

import argparse
import os
import subprocess
import sys
import tempfile
import time


class Terminal:
    def __init__(self, folder, command, width=90, height=40, environment=None):
        self.name = f"cairn-check-{os.getpid()}-{time.time_ns()}"
        variables = " ".join(f"{key}={value}" for key, value in (environment or {}).items())
        self.tmux("new-session", "-d", "-s", self.name, "-x", str(width), "-y", str(height), "-c", folder,
                  f"env {variables} {command}; echo status $?; exec sleep 1000")

    @staticmethod
    def tmux(*arguments):
        return subprocess.run(["tmux", "-L", "cairn-check", *arguments], check=True, capture_output=True, text=True).stdout

    def keys(self, *keys):
        self.tmux("send-keys", "-t", self.name, *keys)

    def type(self, text):
        self.tmux("send-keys", "-t", self.name, "-l", text)

    def line(self, text):
        self.type(text)
        self.keys("Enter")

    def paste(self, text):
        subprocess.run(["tmux", "-L", "cairn-check", "load-buffer", "-"], input=text, text=True, check=True)
        self.tmux("paste-buffer", "-p", "-t", self.name)

    def screen(self):
        return self.tmux("capture-pane", "-p", "-J", "-S", "-300", "-t", self.name)

    def wait(self, text, seconds=8, count=1):
        end = time.time() + seconds
        while time.time() < end:
            if self.screen().count(text) >= count:
                return True
            time.sleep(0.03)
        return False

    def resize(self, width, height):
        self.tmux("resize-window", "-t", self.name, "-x", str(width), "-y", str(height))

    def close(self):
        self.tmux("kill-session", "-t", self.name)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--cairn", required=True)
    arguments.add_argument("--show", action="store_true", help="print the screens")
    options = arguments.parse_args()
    cairn = os.path.abspath(options.cairn)
    faults = []

    def expect(holds, words):
        print(("ok    " if holds else "FAULT ") + words)
        if not holds:
            faults.append(words)

    with tempfile.TemporaryDirectory() as folder:
        os.mkdir(os.path.join(folder, ".cairn"))
        with open(os.path.join(folder, "numbers.csv"), "w") as file:
            file.write("a,b\n1,2\n3,4\n")
        with open(os.path.join(folder, ".cairn", "history"), "wb") as file:
            file.write(b"let old = 12\n\xff\xfe bad \x01 bytes\n" + b"x" * 200_000 + "\nprint(\"😀\")\n".encode())

        start = time.time()
        terminal = Terminal(folder, cairn)
        expect(terminal.wait("cairn>"), f"the prompt comes ({time.time() - start:.2f} s with tmux)")
        expect(terminal.wait("2 lines of the history"), "a damaged history is said and survived")

        terminal.line("1 + 1")
        expect(terminal.wait("\n2\n"), "an entry is run and shown")
        terminal.line("func double(_ x: Real) -> Real {")
        terminal.line("return 2 * x")
        terminal.line("}")
        terminal.line("double(21)")
        expect(terminal.wait("\n42.0\n"), "an unfinished entry goes on, and is run whole")
        terminal.keys("Up", "Up")
        expect(terminal.wait("return 2 * x\n}", count=2), "an entry of several lines is recalled whole")
        terminal.keys("C-c")
        expect(terminal.wait("^C"), "Ctrl-C at the prompt leaves the entry")
        terminal.type("print")
        terminal.keys("Up")
        expect(terminal.wait('print("😀")'), "arrows find entries that begin so, also of earlier sessions")
        terminal.keys("C-c")
        terminal.keys("C-r")
        terminal.type("old")
        expect(terminal.wait("let old = 12"), "Ctrl-R searches")
        terminal.keys("C-g")
        terminal.keys("C-c")

        terminal.paste("let pasted = [1.0,\n    2.0,\n    3.0]\nlet total = sum(pasted)")
        terminal.keys("Enter")
        terminal.line("total")
        expect(terminal.wait("\n6.0\n"), "a paste of several lines is one entry")
        terminal.paste("cairn> let copied = 5\ncairn> copied + 1\n6\n")
        terminal.keys("Enter")
        expect(terminal.wait("\n6\n"), "prompts of a pasted session are dropped")

        terminal.type("let normalish = norma")
        terminal.keys("Tab")
        expect(terminal.wait("let normalish = normal"), "Tab completes names")
        terminal.keys("Tab")
        expect(terminal.wait("normalQuantile"), "and lists them")
        terminal.keys("C-c")
        terminal.type('let t = readCSV("num')
        terminal.keys("Tab")
        expect(terminal.wait('readCSV("numbers.csv'), "Tab completes files in texts")
        terminal.type('")')
        terminal.keys("Enter")
        terminal.type("t.colu")
        terminal.keys("Tab")
        expect(terminal.wait("t.column"), "Tab completes members")
        terminal.keys("C-c")
        terminal.type("histogram([1.0], bi")
        terminal.keys("Tab")
        expect(terminal.wait("histogram([1.0], bins:"), "Tab completes argument labels")
        terminal.keys("C-c")
        terminal.type(":his")
        terminal.keys("Tab")
        expect(terminal.wait(":history"), "Tab completes commands")
        terminal.keys("C-c")

        terminal.line("mean?")
        expect(terminal.wait("The arithmetic mean"), "name? helps")
        terminal.line(":apropos kurtos")
        expect(terminal.wait("kurtos", count=2), ":apropos looks in descriptions")
        terminal.line(":type [1, 2].count")
        expect(terminal.wait("\nInt\n"), ":type")
        terminal.line(":info double")
        expect(terminal.wait("double(_ x: Real) -> Real"), ":info")
        terminal.line(":list")
        expect(terminal.wait("value's digest"), ":list")
        terminal.line(":help C412")
        expect(terminal.wait("C412:"), "a message's code has its page")
        terminal.line(":help R-hat")
        expect(terminal.wait("compares the spread between chains"), "words of the checks have help")
        terminal.line(":tyep x")
        expect(terminal.wait("did you mean `:type`?"), "a misspelled command is helped")
        terminal.line("it * 2")
        terminal.line(":time (0..<1000).map { i in i }.count")
        expect(terminal.wait(" ms)"), ":time says how long")

        terminal.line("func d0(_ n: Int) -> Int { return [1][7 + n] }")
        for level in range(1, 7):
            terminal.line(f"func d{level}(_ n: Int) -> Int {{ return d{level - 1}(n) }}")
        terminal.line("d6(0)")
        expect(terminal.wait("4 more calls: `:bt` shows all"), "a long trail is cut")
        terminal.line(":bt")
        expect(terminal.wait("`d6` called here"), ":bt has it whole")
        terminal.line("let kept = 1")
        terminal.line("let kept = [1][9]")
        terminal.line("kept + 100")
        expect(terminal.wait("\n101\n"), "an entry that failed binds nothing")

        terminal.line("while true { let x = 1 }")
        time.sleep(0.5)
        terminal.keys("C-c")
        expect(terminal.wait("interrupted"), "Ctrl-C stops an entry")
        terminal.line("kept + 200")
        expect(terminal.wait("\n201\n"), "and keeps the session")

        terminal.line("model Slow(n: Int) { plate i in 0..<n { let x ~ Normal(0, 1)")
        terminal.line("let y ~ StudentT(3, x, 1) } }")
        terminal.line("let slow = Slow(n: 2000).given(y: randomNormal(2000))")
        terminal.line("let part = sample(slow, chains: 2, warmup: 60, draws: 100000)")
        time.sleep(1)
        terminal.keys("C-c")
        expect(terminal.wait("C430", 20), "an interrupted fit says what it has")
        terminal.line("part.x.count")
        expect(terminal.wait("cairn> part.x.count"), "and is bound")
        time.sleep(0.5)

        terminal.line("randomNormal(2)")
        terminal.line("histogram(pasted)")
        expect(terminal.wait("count"), "plots are drawn")
        terminal.line(":open")
        expect(terminal.wait(".svg"), ":open writes the last figure")
        if options.show:
            print(terminal.screen())
        terminal.resize(30, 20)
        terminal.line("summary(t)")
        time.sleep(0.3)
        terminal.resize(20, 10)
        terminal.line('"narrow " + "text"')
        expect(terminal.wait("narrow text"), "a window of 20 columns works")
        terminal.resize(90, 40)
        terminal.line(":frob")
        terminal.keys("C-d")
        expect(terminal.wait("status 0"), "Ctrl-D leaves with status 0")
        terminal.close()

        saved = Terminal(folder, cairn)
        saved.wait("cairn>")
        for text in ["let x = [1.0, 2.0, 4.0]", "mean(x)", "it + 1", "randomNormal(3)", "let y = oops", "sd(x)"]:
            saved.line(text)
            time.sleep(0.1)
        saved.line(":save kept")
        expect(saved.wait("kept.nb.md: written; 1 entry that did not finish left out"), ":save writes a notebook")
        saved.line(":save kept")
        expect(saved.wait("is there already"), "and replaces none unasked")
        time.sleep(0.2)
        screen = saved.screen()
        run = subprocess.run([cairn, "run", "--quiet", "kept.nb.md"], cwd=folder, capture_output=True, text=True)
        shown = [line for line in run.stdout.splitlines()[1:] if line.strip()]
        expect(run.returncode == 0 and shown and all(line in screen for line in shown),
               f"whose run shows what the session showed ({len(shown)} lines)")
        saved.line(":reset")
        saved.line(":load kept.nb.md")
        saved.line("x.count")
        expect(saved.wait("\n3\n"), ":load binds what a notebook binds")
        saved.line(":reload")
        saved.line(":run kept.nb.md")
        saved.line(":quit")
        expect(saved.wait("status 0"), ":quit leaves")
        saved.close()

        for words, environment in [("a dumb terminal", {"TERM": "dumb"}), ("a locale without UTF-8", {"LC_ALL": "C"}),
                                   ("no color", {"NO_COLOR": "1"})]:
            other = Terminal(folder, cairn, environment=environment)
            other.wait("cairn>")
            other.line("1 + 41")
            holds = other.wait("42")
            other.keys("C-d")
            expect(holds and other.wait("status 0"), words)
            other.close()

        times = []
        for _ in range(7):
            start = time.time()
            process = subprocess.run([cairn], input="", text=True, cwd=folder, capture_output=True)
            times.append(time.time() - start)
        print(f"      from start to end of an empty session: {sorted(times)[3] * 1000:.0f} ms (median of 7)")
        piped = subprocess.run([cairn], input="let a = 1\na +\n1\nb\n", text=True, cwd=folder, capture_output=True)
        expect(piped.returncode == 1 and piped.stdout.startswith("2\n") and "cairn>" not in piped.stdout,
               "a pipe has no prompt, and an error its status")
    print(f"{len(faults)} faults")
    sys.exit(1 if faults else 0)


main()
