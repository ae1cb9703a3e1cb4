"""Writes a page with the drawings that the tests hold the plots to (`Tests/Golden/plots/*.svgs`), to look at them."""

import argparse
import pathlib
import re
import subprocess
import tempfile


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--cairn", required=True)
    arguments.add_argument("page")
    options = arguments.parse_args()
    # The style is that of any report.
    with tempfile.TemporaryDirectory() as folder:
        notebook = pathlib.Path(folder) / "empty.nb.md"
        notebook.write_text("---\ntitle: x\n---\n")
        subprocess.run([options.cairn, "export", str(notebook)], check=True, stdout=subprocess.DEVNULL)
        style = re.search(r"<style>(.*?)</style>", (pathlib.Path(folder) / "empty.html").read_text(), re.S).group(1)
    golden = pathlib.Path(__file__).resolve().parent.parent / "Golden" / "plots"
    parts = [f"<!DOCTYPE html><meta charset=utf-8><title>Plots</title><style>{style}\n"
             ".all{display:grid;grid-template-columns:repeat(4,1fr);gap:1rem;padding:1rem}</style>"]
    for file in sorted(golden.glob("*.svgs")):
        parts.append(f"<h2>{file.stem}</h2><div class=all>")
        parts += [f"<div>{drawing}</div>" for drawing in re.findall(r"<svg.*?</svg>", file.read_text(), re.S)]
        parts.append("</div>")
    pathlib.Path(options.page).write_text("\n".join(parts))


main()
