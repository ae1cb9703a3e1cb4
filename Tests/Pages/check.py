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
    for fault in faults:
        print("FAULT", fault)
    print(f"{len(options.notebooks)} reports, {len(faults)} faults")
    sys.exit(1 if faults else 0)


main()
