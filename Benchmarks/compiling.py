#!/usr/bin/env python3
"""Measures how long models take to compile and how much code they become: a model of a hundred sites, and a logistic
regression of more and more rows, whose code must not grow.

The times are of `cairn bench`, from the model with its data to a program: of the clock and of the processor, medians of
some rounds. The code is listed before LLVM has it; "lines" are those of the listing, and "bytes" what Clang makes of it,
which stands in for the compiler inside Cairn (`-` without Clang).

    Benchmarks/compiling.py [--cairn PROGRAM] [--rounds N] [--out FILE]
"""
import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import tempfile

import gradients

root = pathlib.Path(__file__).resolve().parent
row_counts = [1_000, 10_000, 100_000]
# Milliseconds of the clock that a hundred sites may take, and how much more for a hundred times the rows.
most_for_hundred, most_growth = 250, 1.2


def notebooks(folder):
    """Notebooks by name: one that is kept, and one per count of rows with the first of the rows of a benchmark."""
    found = {"hundred-sites": root / "compiling" / "hundred-sites.nb.md"}
    source = "logistic-100000x10"
    lines = (gradients.folder / "data" / f"{source}.csv").read_text().splitlines()
    text = (gradients.folder / f"{source}.nb.md").read_text()
    (folder / "data").mkdir()
    for count in row_counts:
        name = f"logistic-{count}x10"
        (folder / "data" / f"{name}.csv").write_text("\n".join(lines[:count + 1]) + "\n")
        found[name] = folder / f"{name}.nb.md"
        found[name].write_text(text.replace(source, name))
    return found


def code_size(program, notebook, folder):
    """Lines of the listing, and bytes of machine code."""
    listing = gradients.run([program, "bench", notebook, "--model", "m", "--no-cache", "--list", "code"])
    lines = listing.count("\n")
    if not shutil.which("clang"):
        return lines, None
    (folder / "code.ll").write_text(listing)
    gradients.run(["clang", "-O3", "-march=native", "-w", "-c", "-x", "ir", folder / "code.ll", "-o", folder / "code.o"])
    text = subprocess.run(["size", folder / "code.o"], capture_output=True, text=True, check=True).stdout
    return lines, int(text.splitlines()[1].split()[0])


def measure(program, notebook, folder, rounds):
    found = []
    for _ in range(rounds):
        out = folder / "figures.json"
        gradients.run([program, "bench", notebook, "--model", "m", "--no-cache", "--seconds", 0.001,
                       "--gradients-only", "--json", out])
        found.append(json.loads(out.read_text())["models"][0])
    lines, size = code_size(program, notebook, folder)
    return {"dimension": found[0]["dimension"], "lines": lines, "bytes": size,
            **{key: statistics.median(one[key] for one in found)
               for key in ("compileMilliseconds", "compileProcessorMilliseconds")}}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cairn", default=str(root.parent / ".build/release/cairn"))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--out", type=pathlib.Path, default=gradients.build / "compiling.json")
    options = parser.parse_args()
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    gradients.build.mkdir(parents=True, exist_ok=True)
    gradients.prepare_data()
    results = {}
    print(f"machine: {gradients.machine()}; medians of {options.rounds} rounds")
    print(f"{'model':<20} {'dim':>7} {'make, ms':>9} {'processor':>10} {'lines':>8} {'bytes':>9}")
    with tempfile.TemporaryDirectory() as name_of_folder:
        folder = pathlib.Path(name_of_folder)
        for name, notebook in notebooks(folder).items():
            one = results[name] = measure(options.cairn, notebook, folder, options.rounds)
            size = "-" if one["bytes"] is None else f"{one['bytes']:,}"
            print(f"{name:<20} {one['dimension']:>7} {one['compileMilliseconds']:>9.1f} "
                  f"{one['compileProcessorMilliseconds']:>10.1f} {one['lines']:>8,} {size:>9}", flush=True)
    if results["hundred-sites"]["compileMilliseconds"] > most_for_hundred:
        print(f"a hundred sites: above {most_for_hundred} ms")
    first, last = (results[f"logistic-{count}x10"] for count in (row_counts[0], row_counts[-1]))
    for key, what in (("compileProcessorMilliseconds", "processor time"), ("lines", "code"), ("bytes", "machine code")):
        if last[key] and last[key] > most_growth * first[key]:
            print(f"logistic regression: {what} grows {last[key] / first[key]:.2f} times with the rows")
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps({"machine": gradients.machine(), "models": results}, indent=1) + "\n")


if __name__ == "__main__":
    main()
