"""Opens reports in headless Chromium without a network, and looks for whatever a reader would run into.

For every notebook: no message on the console, no refusal by the page's policy, no request to anywhere; axe-core's rules
in light and dark; no text that is wider than the page on a phone. With --pictures FOLDER it also takes screenshots in
both themes, on a phone, and as paper. Run it in a network namespace of its own (`make check-pages` does).
"""

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile

import axe_core_python

from browser import Browser

AXE = (pathlib.Path(axe_core_python.__file__).parent / "axe.min.js").read_text()


def violations(browser):
    browser.run(AXE)
    found = browser.run(
        "axe.run(document,{resultTypes:['violations']}).then(r=>r.violations.map(v=>"
        "({id:v.id,impact:v.impact,nodes:v.nodes.length,first:v.nodes[0].html.slice(0,160),"
        "why:v.nodes[0].failureSummary.slice(0,300)})))", waits=True)
    return found


def check(cairn, notebook, pictures):
    faults = []
    with tempfile.TemporaryDirectory() as folder:
        page = os.path.join(folder, "page.html")
        subprocess.run([cairn, "export", notebook, "--output", page], check=True, stdout=subprocess.DEVNULL)
        size = os.path.getsize(page)
        name = pathlib.Path(notebook).name.removesuffix(".nb.md")
        browser = Browser()
        try:
            for theme in ["light", "dark"]:
                browser.theme(theme)
                browser.size(1280, 900)
                browser.open("file://" + page)
                # As a reader would: everything opened once.
                browser.run("document.querySelectorAll('details').forEach(d=>{d.open=true})")
                for violation in violations(browser):
                    line = f"{name}, {theme}: {violation['id']} ({violation['impact']}) {violation['first']}"
                    print("  axe:", line, "|", violation["why"].replace("\n", " "))
                    if violation["impact"] in ("serious", "critical"):
                        faults.append(line)
                browser.open("file://" + page)
                if pictures:
                    height = browser.run("document.documentElement.scrollHeight")
                    browser.size(1280, min(height, 12000))
                    browser.picture(os.path.join(pictures, f"{name}-{theme}.png"))
            browser.theme("light")
            browser.size(390, 844, 2, phone=True)
            browser.open("file://" + page)
            width = browser.run("document.documentElement.scrollWidth")
            if width > 391:
                faults.append(f"{name}: {width} pixels wide on a phone of 390")
            if pictures:
                browser.size(390, min(6000, browser.run("document.documentElement.scrollHeight")), 1, phone=True)
                browser.picture(os.path.join(pictures, f"{name}-phone.png"))
                browser.size(1280, 900)
                browser.paper(os.path.join(pictures, f"{name}.pdf"))
            for message in browser.messages:
                faults.append(f"{name}: {message}")
            outside = [url for url in browser.requests if not url.startswith(("file:", "data:", "about:"))]
            faults += [f"{name}: asks for {url}" for url in outside]
            print(f"{name}: {size // 1000} kB, {len(browser.messages)} messages, {len(outside)} requests outside")
        finally:
            browser.close()
    return faults


HOSTILE = [
    "<script>alert(1)</script>", "\"><img src=x onerror=alert(2)>", "'><svg onload=alert(3)>", "</title><script>alert(4)</script>",
    "</style><script>alert(5)</script>", "<iframe srcdoc='<script>alert(6)</script>'></iframe>",
    "<a href=\"javascript:alert(7)\">x</a>", "[x](javascript:alert(8))", "<math href=\"javascript:alert(9)\"><mi>y</mi></math>",
    "$<img src=x onerror=alert(10)>$", "<details open ontoggle=alert(11)>", "<base href='https://example.org/'>",
    "<form action='https://example.org/'><button id=go>x</button></form>", "<link rel=stylesheet href='https://example.org/x.css'>",
    "<meta http-equiv=refresh content='0;url=https://example.org/'>", "<object data='https://example.org/'></object>",
]


def hostile(cairn):
    """A notebook with hostile text in every place: nothing of it may be alive in the page's tree."""
    faults = []
    for text in HOSTILE:
        yaml = '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
        notebook = f"""---
title: {yaml}
subtitle: {yaml}
author: [{yaml}]
date: {yaml}
lang: {yaml}
description: {yaml}
params:
  level: {yaml}
---

# {text}

{text} **{text}** [{text}](https://example.org "{text.replace('"', "'")}") ![{text}](a.png) ${text}$[^n] `= parameter("level")!`

[^n]: {text}

> [!NOTE]
> {text}

| {text} | b |
| --- | --- |
| {text} | c |

$$
{text}
$$

```swift {{#fig-a}}
//| caption: {yaml}
//| alt: {yaml}
//| code-summary: {yaml}
let s = parameter("level")!
print(s)
forest([[1.0, 2.0], [3.0, 4.0]], names: [s, "b"]).titled(s).labeled(x: s, y: s)
```

```swift {{#tbl-a}}
//| caption: {yaml}
Table().adding(s, [1.0, 2.0]).adding("level", [s, s])
```

```swift {{}}
//| error: allow
require(s.count == 0, s)
```

```swift {{}}
//| error: allow
let wrong: Int = s // {text}
```
"""
        with tempfile.TemporaryDirectory() as folder:
            os.mkdir(os.path.join(folder, ".cairn"))
            file, page = os.path.join(folder, "h.nb.md"), os.path.join(folder, "h.html")
            with open(file, "w") as output:
                output.write(notebook)
            subprocess.run([cairn, "export", file], stdout=subprocess.DEVNULL)
            browser = Browser()
            try:
                browser.open("file://" + page)
                browser.run("document.querySelectorAll('details').forEach(d=>{d.open=true})")
                alive = browser.run(
                    "Array.from(document.querySelectorAll('*')).filter(e=>{"
                    "var n=e.localName;"
                    "if(['iframe','object','embed','base','form','link'].includes(n))return true;"
                    "if(n==='script'&&!e.textContent.startsWith('(function'))return true;"
                    "if(n==='img')return !e.src.startsWith('data:');"
                    "return Array.from(e.attributes).some(a=>a.name.startsWith('on')||a.name==='srcdoc'||"
                    "/^\\s*javascript:/i.test(a.value))}).map(e=>e.outerHTML.slice(0,120))")
                counts = browser.run("[document.scripts.length,document.styleSheets.length,"
                                     "document.querySelectorAll('meta[http-equiv]').length]")
                cells = browser.run("document.querySelectorAll('.cell').length")
                shown = browser.run("document.body.innerText.includes(document.title)")
                bad = list(browser.messages) + [url for url in browser.requests if not url.startswith(("file:", "data:", "about:"))]
                if alive or counts != [1, 1, 1] or bad or cells != 4 or not shown:
                    faults.append(f"{text}: alive {alive}, scripts, styles and metas {counts}, {cells} cells, {bad}")
            finally:
                browser.close()
    print(f"hostile text: {len(HOSTILE)} kinds in every place, {len(faults)} alive")
    return faults


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--cairn", required=True)
    arguments.add_argument("--pictures")
    arguments.add_argument("notebooks", nargs="+")
    options = arguments.parse_args()
    if options.pictures:
        os.makedirs(options.pictures, exist_ok=True)
    faults = []
    for notebook in options.notebooks:
        faults += check(options.cairn, notebook, options.pictures)
    faults += hostile(options.cairn)
    for fault in faults:
        print("FAULT", fault)
    print(f"{len(options.notebooks)} reports, {len(faults)} faults")
    sys.exit(1 if faults else 0)


main()
