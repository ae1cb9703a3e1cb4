#!/usr/bin/env python3
"""Times gradients of Cairn's models against the same models by hand in C, on the same data at the same position.

Values and gradients must agree first: a model that does not is an error, and nothing is said of its speed. Then C and
Cairn are timed in turn, some rounds of seven batches of processor time each. The table shows medians, and the ratio of
Cairn to C with the least and greatest of the rounds. "Sampler" is what NUTS does besides the gradient, per leapfrog: a
difference, lost in noise where gradients are slow; "alone" the same on a stand-in of as many dimensions. Speeds are
never asserted: read the numbers.

    Benchmarks/gradients.py [--cairn PROGRAM] [--rounds N] [--seconds S] [--out FILE] [--variants] [MODEL…]

`--variants` times instead the same densities in other words, the notebooks of `variants/`, against each other.
"""
import argparse
import array
import datetime
import json
import math
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys

root = pathlib.Path(__file__).resolve().parent
folder = root / "gradients"
build = root.parent / ".build" / "bench"
# Some model shares its data with another.
shared = {
    "linear-profiled-10000x25": "linear-10000x25",
    "logistic-centered-10000x25": "logistic-10000x25",
}
tolerance = 1e-10
# Sites of variants by the names that the models have.
original = {"omega": "alpha", "coefficients": "beta", "a": "sigma", "zeta": "mu", "acute": "tau", "effect": "theta",
            "z": "theta"}
# How much longer the slowest form of a density may take than the fastest.
most_of_variants = 1.2


def machine():
    """The processor's name, as the system tells it."""
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or "unknown"


def run(command):
    result = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if result.returncode:
        sys.exit(f"failed: {' '.join(map(str, command))}\n{result.stdout}{result.stderr}")
    return result.stdout


def compile_twins():
    """The C models by each compiler there is; Clang knows the vector functions of the C library only when told."""
    source, programs = folder / "models.c", {}
    for name, command in (("gcc", ["gcc"]), ("clang", ["clang"]), ("clang-v", ["clang", "-fveclib=libmvec"])):
        if not shutil.which(command[0]):
            continue
        program = build / f"models-{name}"
        if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
            run(command + ["-O3", "-march=native", "-ffast-math", "-o", program, source, "-lopenblas", "-lm"])
        programs[name] = program
    if not programs:
        sys.exit("neither gcc nor clang is installed")
    return programs


def prepare_data():
    script, data = folder / "data.py", folder / "data"
    stamp = data / "complete"
    if not stamp.exists() or stamp.stat().st_mtime < script.stat().st_mtime:
        run([sys.executable, script, data])
        stamp.touch()


def cairn(program, name, seconds, gradients_only, folder=folder):
    out = build / f"{name}.json"
    notebook, flags = folder / f"{name}.nb.md", ["--gradients-only"] if gradients_only else []
    run([program, "bench", notebook, "--model", "m", "--no-cache", "--seconds", seconds, "--json", out] + flags)
    return json.loads(out.read_text())["models"][0]


def twin(program, name, seconds):
    data = folder / "data" / f"{shared.get(name, name)}.csv"
    return json.loads(run([program, name, data, build / f"{name}.position", seconds]))


def disagreement(ours, theirs):
    """The greatest difference, relative to the value, and for the gradient to its greatest entry."""
    a, b = ours["gradient"], theirs["gradient"]
    if len(a) != len(b):
        sys.exit(f"gradients have {len(a)} and {len(b)} entries")
    numbers = [ours["logDensity"], theirs["logDensity"], *a, *b]
    if not all(isinstance(x, (int, float)) and abs(x) < 1e300 for x in numbers):
        return float("inf")
    scale = max(map(abs, a)) or 1.0
    value = abs(ours["logDensity"] - theirs["logDensity"]) / max(abs(ours["logDensity"]), 1.0)
    return max(value, max(abs(x - y) for x, y in zip(a, b)) / scale)


def measure(program, twins, name, options):
    first = cairn(program, name, options.seconds, False)
    (build / f"{name}.position").write_bytes(array.array("d", first["position"]).tobytes())
    found = {key: disagreement(first, twin(path, name, 0.001)) for key, path in twins.items()}
    worst = max(found.values())
    if not worst <= tolerance:
        print(f"{name}: C and Cairn disagree by {worst:.1e}, more than {tolerance:.0e}", file=sys.stderr)
        return {"name": name, "dimension": first["dimension"], "disagreement": str(worst)}
    rounds, traffic, by_compiler = [], [], {key: [] for key in twins}
    for _ in range(options.rounds):
        least = []
        for key, path in twins.items():
            theirs = twin(path, name, options.seconds)
            by_compiler[key].append(statistics.median(theirs["gradientNanoseconds"]))
            least += [statistics.median(theirs["trafficNanoseconds"])] if "trafficNanoseconds" in theirs else []
        traffic += [min(least)] if least else []
        ours = statistics.median(cairn(program, name, options.seconds, True)["gradientNanoseconds"])
        rounds.append(ours)
    best = min(by_compiler, key=lambda key: statistics.median(by_compiler[key]))
    ratios = [a / b for a, b in zip(rounds, by_compiler[best])]
    sampler, alone = (statistics.median(first[key]["nanosecondsPerLeapfrog"]) for key in ("sampler", "samplerAlone"))
    return {
        "name": name, "dimension": first["dimension"], "disagreement": worst, "compiler": best,
        "c": by_compiler, "cairn": rounds, "ratios": ratios, "traffic": traffic, "samplerNanoseconds": sampler,
        "samplerAloneNanoseconds": alone,
        "compileMilliseconds": first["compileMilliseconds"], "workspaceBytes": first["workspaceBytes"],
        "dataBytes": first.get("dataBytes"), "sites": first["sites"],
    }


def size(site):
    return math.prod(site["shape"])


def in_order(flat, theirs, names):
    """Numbers of sites that stand in an order of their own, in the order of these names."""
    parts, start = {}, 0
    for site in theirs:
        parts[original.get(site["name"], site["name"])] = flat[start:start + size(site)]
        start += size(site)
    return [x for name in names for x in parts[name]]


def measure_variants(program, twins, name, options):
    """The same density in other words: all must agree with C, and take about the same time."""
    forms = {"": folder, **{path.name.removesuffix(".nb.md").split(".")[1]: folder / "variants"
                            for path in sorted((folder / "variants").glob(f"{name}.*.nb.md"))}}
    found = {}
    for form, place in forms.items():
        first = cairn(program, f"{name}.{form}".rstrip("."), 0.001, True, place)
        names = [site["name"] for site in (first if form == "" else found["plain"]["first"])["sites"]]
        first = {**first, **{key: in_order(first[key], first["sites"], names) for key in ("position", "gradient")}}
        (build / f"{name}.position").write_bytes(array.array("d", first["position"]).tobytes())
        worst = max(disagreement(first, twin(path, name, 0.001)) for path in twins.values())
        found[form or "plain"] = {"first": first, "place": place, "disagreement": worst, "times": [], "make": []}
    for _ in range(options.rounds):
        for form, one in found.items():
            key = name if form == "plain" else f"{name}.{form}"
            again = cairn(program, key, options.seconds, True, one["place"])
            one["times"].append(statistics.median(again["gradientNanoseconds"]))
            one["make"].append(again["compileMilliseconds"])
    times = {form: statistics.median(one["times"]) for form, one in found.items()}
    least = min(times.values())
    for form, one in sorted(found.items(), key=lambda item: times[item[0]]):
        note = "" if one["disagreement"] <= tolerance else f"   differs by {one['disagreement']:.1e}"
        print(f"{name if form == 'plain' else '':<20} {form:<20} {times[form]:>10,.0f} {times[form] / least:>6.2f} "
              f"{statistics.median(one['make']):>9.1f}{note}")
    ratio = max(times.values()) / least
    print(f"{'':<20} {'slowest : fastest':<20} {'':>10} {ratio:>6.2f}"
          f"{'   above the goal' if ratio > most_of_variants else ''}", flush=True)
    return {"name": name, "ratio": ratio, "forms": {
        form: {key: one[key] for key in ("disagreement", "times", "make")} for form, one in found.items()}}


def ratio_text(ratio):
    return f"{ratio:.2f}" if ratio >= 0.1 else f"{ratio:.2g}"


def row(result):
    if "ratios" not in result:
        return f"{result['name']:<27} {result['dimension']:>7}   differs by {result['disagreement']}"
    ratios = result["ratios"]
    c, ours = statistics.median(result["c"][result["compiler"]]), statistics.median(result["cairn"])
    spread = f"({ratio_text(min(ratios))}–{ratio_text(max(ratios))})"
    return (f"{result['name']:<27} {result['dimension']:>7} {c:>11,.0f} {result['compiler']:<7} {ours:>12,.0f} "
            f"{ratio_text(statistics.median(ratios)):>7} {spread:<15} {result['samplerNanoseconds']:>9,.0f} "
            f"{result['samplerAloneNanoseconds']:>7,.0f} "
            f"{result['compileMilliseconds']:>8.1f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("models", nargs="*", metavar="MODEL")
    parser.add_argument("--cairn", default=str(root.parent / ".build/release/cairn"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=0.1, help="processor time of a batch; seven make a round")
    parser.add_argument("--variants", action="store_true", help="time the same densities in other words")
    parser.add_argument("--out", type=pathlib.Path)
    options = parser.parse_args()
    place = folder / "variants" if options.variants else folder
    known = sorted({path.name.split(".")[0] for path in place.glob("*.nb.md")})
    options.out = options.out or build / f"{'variants' if options.variants else 'gradients'}.json"
    for name in options.models:
        if name not in known:
            sys.exit(f"there is no model `{name}`; there are {', '.join(known)}")
    # Processor time of one thread is what is measured.
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    build.mkdir(parents=True, exist_ok=True)
    prepare_data()
    twins = compile_twins()
    results = []
    if options.variants:
        print(f"machine: {machine()}; ns of processor time, medians of {options.rounds} rounds")
        print(f"{'model':<20} {'form':<20} {'Cairn':>10} {'ratio':>6} {'make, ms':>9}")
        results = [measure_variants(options.cairn, twins, name, options) for name in options.models or known]
    else:
        print(f"machine: {machine()}; ns of processor time, {options.rounds} rounds; C: fastest of {', '.join(twins)}")
        print(f"{'model':<27} {'dim':>7} {'C':>11} {'by':<7} {'Cairn':>12} {'ratio':>7} {'(rounds)':<15} "
              f"{'sampler':>9} {'alone':>7} {'make, ms':>8}")
        for name in options.models or known:
            results.append(measure(options.cairn, twins, name, options))
            print(row(results[-1]), flush=True)
        for result in results:
            if result.get("traffic"):
                ratio = statistics.median(a / b for a, b in zip(result["cairn"], result["traffic"]))
                print(f"{result['name']}: reading and writing the same memory alone takes "
                      f"{statistics.median(result['traffic']):,.0f} ns; the gradient takes {ratio:.2f} times as long")
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps({
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"), "machine": machine(),
        "tolerance": tolerance, "models": results,
    }, indent=1) + "\n")
    if any("ratios" not in result and "forms" not in result for result in results) or any(
            not form["disagreement"] <= tolerance for result in results for form in result.get("forms", {}).values()):
        sys.exit("some gradients disagree")


if __name__ == "__main__":
    main()
