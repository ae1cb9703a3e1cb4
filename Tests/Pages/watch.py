"""Drives `cairn watch` in headless Chromium: an edit on disk changes the page, only what changed runs, the place stays."""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time

from browser import Browser

NOTEBOOK = """---
title: Watched
seed: 1
---

# One

```swift {#first}
let x = readCSV("data.csv")
print("first")
x
```

""" + "\n\n".join(f"Paragraph {number} of a long text." for number in range(80)) + """

```swift {#second}
print("sum \\(sum(x.a))")
```

```swift {#third}
print("other 7")
```
"""


def wait(condition, seconds=10):
    end = time.time() + seconds
    while time.time() < end:
        if condition():
            return True
        time.sleep(0.05)
    return False


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--cairn", required=True)
    options = arguments.parse_args()
    faults = []

    def expect(holds, words):
        print(("ok    " if holds else "FAULT ") + words)
        if not holds:
            faults.append(words)

    with tempfile.TemporaryDirectory() as folder:
        os.mkdir(os.path.join(folder, ".cairn"))
        notebook = os.path.join(folder, "w.nb.md")
        data = os.path.join(folder, "data.csv")
        with open(data, "w") as file:
            file.write("a\n1\n2\n")
        with open(notebook, "w") as file:
            file.write(NOTEBOOK)
        log = os.path.join(folder, "log")
        with open(log, "w") as output:
            program = subprocess.Popen([options.cairn, "watch", notebook], stdout=output, stderr=output)

        def said():
            with open(log) as file:
                return file.read()

        browser = None
        try:
            expect(wait(lambda: "shown" in said()), "the first page is shown")
            address = re.search(r"http://127\.0\.0\.1:\d+/[0-9a-f]+/", said()).group(0)
            browser = Browser(1000, 700)
            browser.open(address)
            text = lambda: browser.run("document.body?document.body.innerText:''")
            expect("sum 3" in text() and "other 7" in text(), "the page has what the cells give")
            browser.run("scrollTo({top:1400,behavior:'instant'})")
            time.sleep(0.3)
            before = browser.run("scrollY")

            with open(notebook, "w") as file:
                file.write(NOTEBOOK.replace("other 7", "other 8"))
            start = time.time()
            expect(wait(lambda: "other 8" in text()), f"an edit appears ({time.time() - start:.2f} s)")
            expect(said().rstrip().endswith("ran third"), "and runs the edited cell alone")
            time.sleep(0.4)
            after = browser.run("scrollY")
            expect(before > 0 and abs(after - before) < 3, f"the place stays ({before} and {after})")

            with open(data, "w") as file:
                file.write("a\n1\n2\n40\n")
            expect(wait(lambda: "sum 43" in text()), "changed data appear")
            expect("ran first, second" in said().splitlines()[-1], "and run what read them")

            with open(notebook, "w") as file:
                file.write(NOTEBOOK.replace("sum(x.a)", "sum(x.b)"))
            expect(wait(lambda: "did not finish" in text()), "an error is shown on the page")
            with open(notebook, "w") as file:
                file.write(NOTEBOOK)
            expect(wait(lambda: "did not finish" not in text() and "sum 43" in text()), "and is gone when mended")
            os.rename(notebook, notebook + ".away")
            expect(wait(lambda: "no file" in text()), "a notebook that is gone is said so")
            os.rename(notebook + ".away", notebook)
            expect(wait(lambda: "sum 43" in text()), "and is shown when it is back")
            bad = [message for message in browser.messages if "ERR_" not in message]
            expect(not bad, f"nothing on the console {bad[:2]}")

            slow = NOTEBOOK.replace('print("other 7")', "print(sum((0..<9_000_000).map { i in sqrt(Real(i)) }))")
            with open(notebook, "w") as file:
                file.write(slow)
            expect(wait(lambda: browser.run("document.querySelectorAll('.running').length") == 1), "what runs is dimmed")
            with open(notebook, "w") as file:
                file.write(NOTEBOOK.replace("other 7", "other 9"))
            expect(wait(lambda: "other 9" in text(), 20), "an edit stops a run that it outdates")

            port = re.search(r":(\d+)/", address).group(1)
            second = subprocess.run([options.cairn, "watch", notebook, "--port", port], capture_output=True, text=True)
            expect(second.returncode == 1 and "N070" in second.stdout, "a port in use is said so")
            denied = subprocess.run(["curl", "-s", "-o", os.devnull, "-w", "%{http_code}", f"http://127.0.0.1:{port}/"],
                                    capture_output=True, text=True).stdout
            expect(denied in ("404", ""), "without the token nothing is there")
        finally:
            if browser:
                browser.close()
            program.send_signal(2)
            expect(program.wait(10) == 0, "Ctrl-C ends it")
    print(f"{len(faults)} faults")
    sys.exit(1 if faults else 0)


main()
