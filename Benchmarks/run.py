#!/usr/bin/env python3
"""Times the scripts of Benchmarks/scripts against their Python twins, in the same run on the same machine.

Each pair runs alternately; the medians of seven runs and their ratio are printed. Start-up is measured with an
empty program and taken off both sides. Nothing is asserted: read the numbers.

    Benchmarks/run.py [path of the cairn executable] [names…]
"""
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

root = pathlib.Path(__file__).resolve().parent
scripts = root / "scripts"
runs = 7


def timed(command):
    start = time.perf_counter()
    result = subprocess.run(command, capture_output=True, text=True)
    return time.perf_counter() - start, result.stdout.strip(), result.returncode


def medians(ours, theirs):
    a, b = [], []
    for _ in range(runs):
        first, first_output, first_status = timed(ours)
        second, second_output, second_status = timed(theirs)
        if first_status or second_status:
            sys.exit(f"failed: {' '.join(ours if first_status else theirs)}")
        a.append(first)
        b.append(second)
    return statistics.median(a), statistics.median(b), first_output, second_output


def main():
    executable = sys.argv[1] if len(sys.argv) > 1 else str(root.parent / ".build/release/cairn")
    names = sys.argv[2:] or sorted(path.stem for path in scripts.glob("*.cairn"))
    with tempfile.TemporaryDirectory() as folder:
        empty = pathlib.Path(folder)
        (empty / "empty.cairn").write_text("")
        (empty / "empty.py").write_text("")
        ours, theirs, _, _ = medians([executable, "run", str(empty / "empty.cairn")], [sys.executable, str(empty / "empty.py")])
    print(f"machine: {pathlib.Path('/proc/cpuinfo').read_text().split('model name')[1].split(':')[1].splitlines()[0].strip()}"
          if pathlib.Path("/proc/cpuinfo").exists() else "machine: unknown")
    print(f"python {sys.version.split()[0]}, median of {runs}, start-up {ours * 1e3:.0f} ms against {theirs * 1e3:.0f} ms")
    print(f"{'script':<10} {'cairn ms':>9} {'python ms':>10} {'ratio':>7}")
    for name in names:
        a, b, first, second = medians(
            [executable, "run", str(scripts / f"{name}.cairn")], [sys.executable, str(scripts / f"{name}.py")])
        same = "" if first == second else f"   outputs differ: {first!r} and {second!r}"
        a, b = max(a - ours, 1e-6), max(b - theirs, 1e-6)
        print(f"{name:<10} {a * 1e3:9.1f} {b * 1e3:10.1f} {b / a:6.2f}x{same}")


main()
