#!/usr/bin/env python3
"""Times gradients and sampling of Stan, NumPyro and nutpie (PyMC) beside Cairn's: same models, data and position.

Everything is installed from PyPI below .build/peers on the first run; Stan's compiler and headers come with the wheel
of httpstan. "stan" is the program as users write it, `y ~ normal(alpha + x * beta, sigma)` in whole-vector statements,
as stanc translates it by default. "stan, GLM" uses Stan's fused functions for regressions where there is one, and is
translated with `stanc --O1`, which alone puts such functions into the plain programs. Both are built with -O3,
-march=native and without range checks. Gradients are processor time per evaluation in a compiled loop, the median of
seven batches; one that is not Cairn's is not shown. Sampling is four chains, one after another on one thread, of 1000
warmup and 1000 kept draws, warmup counted; the figure is the least bulk effective sample size over the model's sites,
by one estimator for all, per second of processor time. Compilation is left out, but "cairn" holds Cairn's (all that the
cell of the fit takes), and "cairn, sampling" leaves it out too. One run per cell: such sizes differ between seeds by
tens of percent. Leapfrogs per effective draw are of the kept draws, and medians over five seeds.

    Benchmarks/peers.py [--cairn PROGRAM] [--peers stan,numpyro,nutpie] [--only gradients|sampling|leapfrogs] [MODEL…]
"""
import argparse
import contextlib
import csv
import datetime
import json
import os
import pathlib
import re
import resource
import statistics
import subprocess
import sys
import tempfile

import gradients

root = pathlib.Path(__file__).resolve().parent
sources = root / "peers"
place = root.parent / ".build" / "peers"
packages = {"stan": ["httpstan"], "numpyro": ["numpyro"], "nutpie": ["pymc", "nutpie", "arviz"]}
# Models with a fit worth timing.
sampled = ["eight-schools", "varying-intercepts-919x85", "logistic-1000x5", "autoregressive-200", "garch-1000",
           "linear-10000x25"]
chains, warmup, draws, seed = 4, 1000, 1000, 1
seeds = [1, 2, 3, 4, 5]
# Sixteen more chains tell the time of four without what a fit takes whatever its length.
more_chains = 16
# The least ratios to Cairn that are aimed at: of any model, and as geometric mean over all that a goal is set for.
goals = {"stan": (5, 15), "stan, GLM": (3, None), "numpyro": (2, 5)}
most_leapfrogs = 1.10
compared = [*sampled, "logistic-10000x25", "logistic-100000x10", "logistic-centered-10000x25",
            "linear-profiled-10000x25"]


def kind(name):
    """The model's name without its sizes."""
    return re.sub(r"-\d+(x\d+)?$", "", name)


def python(peer):
    return place / peer / "bin" / "python"


def install(peers):
    # The estimator of effective sample sizes is ArviZ's.
    for peer in {*peers, "nutpie"}:
        done = place / peer / "installed"
        if done.exists():
            continue
        print(f"installing {peer}", file=sys.stderr)
        gradients.run([sys.executable, "-m", "venv", place / peer])
        gradients.run([python(peer), "-m", "pip", "install", "--quiet", *packages[peer]])
        done.touch()


def versions(peers):
    found = {}
    for peer in peers:
        listed = json.loads(gradients.run([python(peer), "-m", "pip", "list", "--format", "json"]))
        wanted = {"httpstan", "numpyro", "jax", "pymc", "nutpie", "numba", "arviz"}
        found |= {item["name"]: item["version"] for item in listed if item["name"] in wanted}
    return found


# MARK: - Data

def table(name):
    """The columns of a model's data, numbers of either kind."""
    number = lambda text: float(text) if "." in text else int(text)
    with open(gradients.folder / "data" / f"{gradients.shared.get(name, name)}.csv") as file:
        rows = list(csv.reader(file))
    return {key: [number(row[k]) for row in rows[1:]] for k, key in enumerate(rows[0])}


def inputs(name):
    """A model's data as every peer gets them."""
    columns = table(name)
    match kind(name):
        case "linear" | "linear-profiled" | "logistic" | "logistic-centered":
            y = columns.pop("y")
            return {"N": len(y), "K": len(columns), "x": [list(row) for row in zip(*columns.values())], "y": y}
        case "autoregressive":
            return {"T": len(columns["y"]) - 5, **columns}
        case "garch":
            return {"T": len(columns["y"]), **columns}
        case "varying-intercepts":
            group = [j + 1 for j in columns["group"]]
            return {"N": len(group), "J": max(group), **columns, "group": group}
        case "multivariate-normal":
            location = columns.pop("loc")
            return {"K": len(location), "s": [list(row) for row in zip(*columns.values())], "loc": location}
        case "gaussian-process" | "latents":
            return {"N": len(columns["y"]), **columns}
        case _:
            return columns


def write_inputs(name):
    path = place / "data" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(inputs(name)))
    return path


# MARK: - Stan

class Stan:
    """Compiles programs with the compiler and headers of httpstan's wheel."""
    flags = ["-std=c++17", "-O3", "-march=native", "-DSTAN_NO_RANGE_CHECKS", "-w", "-pthread", "-D_REENTRANT",
             "-DBOOST_DISABLE_ASSERTS", "-DBOOST_PHOENIX_NO_VARIADIC_EXPRESSION"]

    def __init__(self, is_tuned=False):
        self.is_tuned = is_tuned
        self.package = next((place / "stan").glob("lib/python*/site-packages/httpstan"))
        self.build = place / "stan-programs"
        self.build.mkdir(parents=True, exist_ok=True)

    def make(self, target, source, command):
        if target.exists() and target.stat().st_mtime >= source.stat().st_mtime:
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name("partial-" + target.name)
        gradients.run([*command, "-o", partial])
        partial.replace(target)

    def source(self, name):
        fused = sources / f"{kind(name)}-glm.stan"
        return fused if self.is_tuned and fused.exists() else sources / f"{kind(name)}.stan"

    def program(self, name):
        """The executable of a model; what does not depend on it is made once, as CmdStan does."""
        include, source = self.package / "include", self.source(name)
        compiler = ["g++", *self.flags, f"-I{self.build}", f"-I{include}"]
        header = include / "stan/model/model_header.hpp"
        self.make(self.build / "stan/model/model_header.hpp.gch", header, [*compiler, "-x", "c++-header", header])
        driver = self.build / "driver.o"
        self.make(driver, sources / "stan_driver.cpp", [*compiler, "-c", sources / "stan_driver.cpp"])
        base = self.build / (source.stem if self.is_tuned else f"{source.stem}-plain")
        code, object_file = base.with_suffix(".cpp"), base.with_suffix(".o")
        if not code.exists() or code.stat().st_mtime < source.stat().st_mtime:
            level = "--O1" if self.is_tuned else "--O0"
            gradients.run([self.package / "stanc", level, "--name=benchmark_model", f"--o={code}", source])
        self.make(object_file, code, [*compiler, "-c", code])
        library = self.package / "lib"
        archives = ["-lsundials_cvodes", "-lsundials_idas", "-lsundials_kinsol", "-lsundials_nvecserial"]
        link = [*compiler, driver, object_file, f"-L{library}", *archives, library / "libtbb.so.2"]
        self.make(base, object_file, [*link, f"-Wl,-rpath,{library}"])
        return base

    def gradient(self, name, data, position, seconds):
        return json.loads(gradients.run([self.program(name), "gradient", data, position, seconds]))

    def sample(self, name, data, out, seed):
        return json.loads(gradients.run([self.program(name), "sample", data, chains, warmup, draws, seed, out]))


class Script:
    """A peer that a Python program of its own environment runs."""

    def __init__(self, peer, script):
        self.command = [python(peer), sources / script]

    def run(self, words):
        lines = gradients.run([*self.command, *words]).splitlines()
        return json.loads(lines[-1])

    def gradient(self, name, data, position, seconds):
        return self.run(["gradient", kind(name), data, position, seconds])

    def sample(self, name, data, out, seed):
        return self.run(["sample", kind(name), data, chains, warmup, draws, seed, out])

    def fits(self, name, data, out):
        """A fit for each seed, by one process, which compiles once."""
        words = ["sample", kind(name), data, chains, warmup, draws, ",".join(map(str, seeds)), out]
        lines = gradients.run([*self.command, *words]).splitlines()
        found = [json.loads(line) for line in lines[-len(seeds):]]
        return [made | {"out": f"{out}-{seed}"} for made, seed in zip(found, seeds)]


# MARK: - Cairn

class Cairn:
    def __init__(self, program):
        self.program = program

    def gradient(self, name, seconds):
        result = gradients.cairn(self.program, name, seconds, True)
        position = gradients.build / f"{name}.position"
        position.write_bytes(gradients.array.array("d", result["position"]).tobytes())
        return result, position

    def processor_time(self, folder, cell):
        """Seconds of a run of the model's notebook with another cell, and what it printed."""
        path = folder / "fit.nb.md"
        path.write_text(f"{self.notebook}\n```swift {{#fit}}\n{cell}\n```\n")
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        text = gradients.run([self.program, "run", path, "--no-cache", "--threads", 1])
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, text

    def fit(self, seed, count=chains):
        return f"let fit = sample(m, chains: {count}, warmup: {warmup}, draws: {draws}, threads: 1, seed: {seed})"

    def told(self, folder, sites, out, seed):
        """Writes the draws of a fit; their columns and leapfrogs."""
        show = ["print(\"leapfrogs \\(sum(fit.stats().leapfrogs))\")",
                "func told(_ x: Vector) { print(\"draws \\(x.map { v in \"\\(v)\" }.joined(\" \"))\") }"]
        for site in sites:
            if site["shape"]:
                show.append(f"for k in 0..<{site['shape'][0]} {{ told(fit.{site['name']}[..., k]) }}")
            else:
                show.append(f"told(fit.{site['name']})")
        _, text = self.processor_time(folder, "\n".join([self.fit(seed), *show]))
        columns = [line.split()[1:] for line in text.splitlines() if line.startswith("draws ")]
        flat = gradients.array.array("d", (float(value) for row in zip(*columns) for value in row))
        pathlib.Path(out).write_bytes(flat.tobytes())
        leapfrogs = next(float(line.split()[1]) for line in text.splitlines() if line.startswith("leapfrogs "))
        return {"columns": len(columns), "leapfrogs": leapfrogs}

    @contextlib.contextmanager
    def folder(self, name):
        self.notebook = (gradients.folder / f"{name}.nb.md").read_text()
        with tempfile.TemporaryDirectory() as name_of_folder:
            folder = pathlib.Path(name_of_folder)
            (folder / "data").symlink_to(gradients.folder / "data")
            yield folder

    def sample(self, name, sites, out, seed):
        """The run with the fit less one without; sampling alone by one with more chains. A last run tells the draws."""
        with self.folder(name) as folder:
            cells = ["1", self.fit(seed), self.fit(seed, chains + more_chains)]
            rounds = [[self.processor_time(folder, cell)[0] for cell in cells] for _ in range(5)]
            without, seconds, _ = (statistics.median(times) for times in zip(*rounds))
            sampling = statistics.median(times[2] - times[1] for times in rounds) * chains / more_chains
            return {"seconds": seconds - without, "sampling": sampling, **self.told(folder, sites, out, seed)}

    def fits(self, name, sites, out):
        with self.folder(name) as folder:
            return [self.told(folder, sites, f"{out}-{seed}", seed) | {"out": f"{out}-{seed}"} for seed in seeds]


# MARK: - Comparing

def agreement(ours, theirs):
    """The greatest difference of gradients; constants may differ."""
    a, b = ours["gradient"], theirs["gradient"]
    if len(a) != len(b):
        return float("inf")
    return max(abs(x - y) for x, y in zip(a, b)) / (max(map(abs, a)) or 1.0)


def least_size(out, columns, name, is_raw):
    """The least bulk effective sample size over sites, group effects among them."""
    words = [out, chains, columns, kind(name) if is_raw else "-"]
    return json.loads(gradients.run([python("nutpie"), sources / "effective_size.py", *words]))


def guarded(action, what):
    try:
        return action()
    except (SystemExit, ValueError, KeyError, OSError) as error:
        print(f"{what}: {str(error)[-600:]}", file=sys.stderr)
        return None


def measure(name, ours, peers, options):
    data, result = write_inputs(name), {"name": name}
    first, position = ours.gradient(name, options.seconds)
    if options.only in (None, "gradients"):
        times = {"cairn": statistics.median(first["gradientNanoseconds"])}
        for key, peer in peers.items():
            found = guarded(lambda: peer.gradient(name, data, position, options.seconds), f"{name}, {key}")
            if not found:
                continue
            difference = agreement(first, found)
            if difference < 1e-7:
                times[key] = statistics.median(found["gradientNanoseconds"])
            else:
                print(f"{name}, {key}: the gradient differs by {difference:.1e}; not shown", file=sys.stderr)
        result["gradient"] = times

    everyone = {"cairn": ours, **peers}
    if options.only in (None, "sampling") and name in sampled:
        result["sampling"] = {}
        for key, peer in everyone.items():
            out = place / "data" / f"{name}-{key}.draws"
            what = first["sites"] if key == "cairn" else data
            made = guarded(lambda: peer.sample(name, what, out, seed), f"{name}, sampling by {key}")
            if not made:
                continue
            made |= least_size(out, made["columns"], name, key != "cairn")
            result["sampling"][key] = made | {"perSecond": made["bulk"] / made["seconds"]}
            if key == "cairn":
                alone = made["sampling"]
                result["sampling"]["cairn, sampling"] = made | {"seconds": alone, "perSecond": made["bulk"] / alone}
    if options.only in (None, "leapfrogs") and name in sampled and "nutpie" in peers:
        result["leapfrogs"] = {}
        for key in ("cairn", "nutpie"):
            what = first["sites"] if key == "cairn" else data
            fits = everyone[key].fits(name, what, place / "data" / f"{name}-{key}.draws")
            sizes = [least_size(made["out"], made["columns"], name, key != "cairn")["bulk"] for made in fits]
            result["leapfrogs"][key] = [{"leapfrogs": made["leapfrogs"], "bulk": size}
                                        for made, size in zip(fits, sizes)]
    return result


def print_ratios(results, names):
    """How many times longer the peers' gradients take than Cairn's, with the goals that are missed."""
    rows = [item for item in results if item.get("gradient") and item["name"] in compared]
    if not rows:
        return

    def cell(ratio):
        return f"{'–':>12}" if ratio is None else f"{ratio:>12.1f}"

    print("\ngradient, times as long as Cairn's\n" + f"{'model':<27}" + "".join(f"{name:>12}" for name in names))
    ratios = {name: {item["name"]: item["gradient"][name] / item["gradient"]["cairn"] for item in rows
                     if name in item["gradient"]} for name in names}
    for item in rows:
        print(f"{item['name']:<27}" + "".join(cell(ratios[name].get(item["name"])) for name in names))
    means = {name: statistics.geometric_mean(found.values()) for name, found in ratios.items() if found}
    print(f"{'geometric mean':<27}" + "".join(cell(means.get(name)) for name in names))
    for name, (least, mean) in goals.items():
        missed = [f"{model} {ratio:.2f}" for model, ratio in ratios.get(name, {}).items() if ratio < least
                  and (name != "stan, GLM" or (sources / f"{kind(model)}-glm.stan").exists())]
        if missed:
            print(f"below {least} times, {name}: {', '.join(missed)}")
        if mean and means.get(name, mean) < mean:
            print(f"mean below {mean} times, {name}: {means[name]:.1f}")


def print_leapfrogs(results):
    rows = [item for item in results if item.get("leapfrogs")]
    if not rows:
        return
    print(f"\nleapfrogs per effective draw, kept draws only, medians of {len(seeds)} seeds (least–greatest)\n"
          f"{'model':<27}{'cairn':>22}{'nutpie':>22}{'ratio':>8}")
    for item in rows:
        found = {key: [one["leapfrogs"] / one["bulk"] for one in fits] for key, fits in item["leapfrogs"].items()}
        cells = [f"{statistics.median(each):.2f} ({min(each):.2f}–{max(each):.2f})" for each in found.values()]
        ratio = statistics.median(found["cairn"]) / statistics.median(found["nutpie"])
        mark = "  above the goal" if ratio > most_leapfrogs else ""
        print(f"{item['name']:<27}" + "".join(f"{cell:>22}" for cell in cells) + f"{ratio:>8.2f}{mark}")


def print_table(title, results, key, cell, names):
    rows = [item for item in results if item.get(key)]
    if not rows:
        return
    print(f"\n{title}\n{'model':<27}" + "".join(f"{name:>24}" for name in names))
    for item in rows:
        print(f"{item['name']:<27}" + "".join(f"{cell(item[key].get(name)):>24}" for name in names))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("models", nargs="*", metavar="MODEL")
    parser.add_argument("--cairn", default=str(root.parent / ".build/release/cairn"))
    parser.add_argument("--peers", default="stan,numpyro,nutpie")
    parser.add_argument("--only", choices=["gradients", "sampling", "leapfrogs"])
    parser.add_argument("--seconds", type=float, default=0.1, help="processor time of a batch")
    parser.add_argument("--out", type=pathlib.Path, default=gradients.build / "peers.json")
    options = parser.parse_args()
    # One core, for everything that starts from here.
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    os.environ |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
    known = sorted(path.name.removesuffix(".nb.md") for path in gradients.folder.glob("*.nb.md"))
    names = options.peers.split(",")
    for name in options.models:
        if name not in known:
            sys.exit(f"there is no model `{name}`; there are {', '.join(known)}")
    for name in names:
        if name not in packages:
            sys.exit(f"there is no peer `{name}`; there are {', '.join(packages)}")
    gradients.build.mkdir(parents=True, exist_ok=True)
    gradients.prepare_data()
    install(names)
    made = {"stan": Stan, "numpyro": lambda: Script("numpyro", "numpyro_models.py"),
            "nutpie": lambda: Script("nutpie", "nutpie_models.py")}
    peers = {}
    for name in names:
        peers[name] = made[name]()
        if name == "stan":
            peers["stan, GLM"] = Stan(is_tuned=True)
    ours, results = Cairn(options.cairn), []
    for name in options.models or known:
        print(name, file=sys.stderr)
        results.append(measure(name, ours, peers, options))
    date = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
    found = versions(names)
    print(f"{date}, {gradients.machine()}, {', '.join(f'{key} {value}' for key, value in sorted(found.items()))}")
    columns = ["cairn", *peers]
    print_table("gradient, ns of processor time", results, "gradient",
                lambda value: "–" if value is None else f"{value:,.0f}", columns)
    print_ratios(results, list(peers))
    print_leapfrogs(results)
    print_table("least bulk effective size per second (of 4 × 1000 draws: size, seconds)", results, "sampling",
                lambda value: "–" if value is None else
                f"{value['perSecond']:,.0f} ({value['bulk']:,.0f}, {value['seconds']:.3f})",
                ["cairn", "cairn, sampling", *peers])
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps({
        "date": date, "machine": gradients.machine(), "versions": found, "models": results}, indent=1) + "\n")


if __name__ == "__main__":
    main()
