#!/usr/bin/env python3
"""Times what the cache is for: reruns of a finished notebook, a large store, the cost of observing reads.

Processor seconds of whole processes, medians of seven runs. Nothing is asserted: read the numbers.

    Benchmarks/cache.py [path of the cairn executable]
"""
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile

executable = str(pathlib.Path(sys.argv[1]).resolve()) if len(sys.argv) > 1 else "cairn"
runs = 7


def processor(command, folder):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def median(command, folder):
    return statistics.median(processor(command, folder) for _ in range(runs))


def cell(code, label=None):
    return f"```swift {{{'#' + label if label else ''}}}\n{code}\n```\n\n"


def finished():
    """30 cells, four of them fits, each with something that reads it."""
    text = cell("let y = [1.2, 0.4, 2.0, 1.1, 0.7, 1.9, 0.2, 1.4]")
    text += cell("model M(n: Int, s: Real) {\n  let mu ~ Normal(0, s)\n  let tau ~ HalfNormal(2)\n"
                 "  plate i in 0..<n {\n    let theta ~ Normal(mu, tau)\n    let y ~ Normal(theta, 1)\n  }\n}")
    for k in range(4):
        text += cell(f"let fit{k} = sample(M(n: 8, s: {k + 1}).given(y: y).reparam(theta: .noncentered))\nsummary(fit{k})", f"fit-{k}")
        for part in range(4):
            text += cell(f"let m{k}x{part} = mean(fit{k}.mu) + {part}\nprint(m{k}x{part})")
    for k in range(8):
        text += cell(f"print(m0x{k % 4} + m1x{k % 4})")
    return text


with tempfile.TemporaryDirectory() as place:
    folder = pathlib.Path(place)
    (folder / "n.nb.md").write_text(finished())
    first = processor([executable, "run", "n.nb.md"], folder)
    again = median([executable, "run", "n.nb.md"], folder)
    empty = median([executable, "-e", "0"], folder)
    print(f"30 cells, 4 fits: first run {first:.2f} s, rerun {again:.3f} s (an empty program {empty:.3f} s)")

with tempfile.TemporaryDirectory() as place:
    folder = pathlib.Path(place)
    (folder / "many.nb.md").write_text("".join(cell(f"let x{k} = {k}") for k in range(10_000)))
    processor([executable, "run", "many.nb.md"], folder)
    (folder / "one.nb.md").write_text(cell("let a = 1"))
    processor([executable, "run", "one.nb.md"], folder)
    beside = median([executable, "run", "one.nb.md"], folder)
    with tempfile.TemporaryDirectory() as other:
        (pathlib.Path(other) / "one.nb.md").write_text(cell("let a = 1"))
        processor([executable, "run", "one.nb.md"], other)
        alone = median([executable, "run", "one.nb.md"], other)
    print(f"one cell beside 10,000 kept results {beside:.3f} s, alone {alone:.3f} s: {1e3 * (beside - alone):.0f} ms for the store")

with tempfile.TemporaryDirectory() as place:
    folder = pathlib.Path(place)
    work = ("func fib(_ n: Int) -> Int { return n < 2 ? n : fib(n - 1) + fib(n - 2) }\nlet k = 3\nvar total = 0\n"
            "for i in 0..<40000000 { total = (total + i * k) % 1000003 }\nprint(fib(30) + total)")
    (folder / "script.nb.md").write_text(cell("//| cache: never\n" + work))
    observed, plain = [], []
    for _ in range(runs):
        observed.append(processor([executable, "run", "script.nb.md"], folder))
        plain.append(processor([executable, "run", "--no-cache", "script.nb.md"], folder))
    ratio = statistics.median(a / b for a, b in zip(observed, plain))
    print(f"a cell of pure script: observed {statistics.median(observed):.3f} s, not observed {statistics.median(plain):.3f} s, ratio {ratio:.3f}")
