#!/usr/bin/env python3
"""Samples standard posteriors with the program and compares the draws with reference figures.

The rule is that of the reference collection: R-hat below 1.01 and effective sample sizes of at least 2000 first; then means,
standard deviations and quantiles within their Monte Carlo errors and within a tenth of a standard deviation. A posterior that
fails is run once more with another seed and four times the draws, and both runs are shown. Log densities are compared with an
evaluation in NumPy that shares no code with the program. Needs NumPy and SciPy.
"""
import argparse
import csv
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
from scipy import special, stats

here = pathlib.Path(__file__).resolve().parent


def normal(x, loc, scale):
    return np.sum(stats.norm.logpdf(x, loc, scale))


def table(name):
    with open(here / "data" / f"{name}.csv") as file:
        rows = list(csv.DictReader(file))
    return {key: np.array([float(row[key]) for row in rows]) for key in rows[0]}


def design(name):
    data, model = name.split("-", 1)
    d = table(data)
    n = len(next(iter(d.values())))
    one = np.ones(n)
    level = lambda x, k: (x == k).astype(float)
    if data == "earnings":
        log_earn = np.log(d["earn"])
        z = (d["height"] - d["height"].mean()) / d["height"].std(ddof=1)
        return {
            "earn_height": ([one, d["height"]], d["earn"]),
            "logearn_height_male": ([one, d["height"], d["male"]], log_earn),
            "logearn_interaction": ([one, d["height"], d["male"], d["height"] * d["male"]], log_earn),
            "logearn_interaction_z": ([one, z, d["male"], z * d["male"]], log_earn),
        }[model]
    if data.startswith("kidiq"):
        if model == "kidscore_mom_work":
            return [one] + [level(d["mom_work"], k) for k in (2, 3, 4)], d["kid_score"]
        hs, iq = d["mom_hs"], d["mom_iq"]
        h, q = hs - hs.mean(), iq - iq.mean()
        return {
            "kidscore_momhs": [one, hs],
            "kidscore_momiq": [one, iq],
            "kidscore_interaction": [one, hs, iq, hs * iq],
            "kidscore_interaction_c": [one, h, q, h * q],
        }[model], d["kid_score"]
    if data == "mesquite":
        if model == "mesquite":
            names = ["diam1", "diam2", "canopy_height", "total_height", "density", "group"]
            return [one] + [d[k] for k in names], d["weight"]
        a, b = d["diam1"], d["diam2"]
        return [one, np.log(a * b * d["canopy_height"]), np.log(a * b), np.log(a / b), np.log(d["total_height"]),
                np.log(d["density"]), d["group"]], np.log(d["weight"])
    if data.startswith("nes"):
        ages = [level(d["age_discrete"], k) for k in (2, 3, 4)]
        return [one, d["real_ideo"], d["race_adj"]] + ages + [d["educ1"], d["gender"], d["income"]], d["partyid7"]
    return [d[f"x{k}"] for k in range(1, 6)], d["y"]


def independent_densities(name):
    if name.startswith("eight_schools"):
        d = table("eight_schools")
        points = [(1.0, 2.0, np.arange(1.0, 9.0)), (0.0, 0.5, np.zeros(8)),
                  (-3.0, 11.0, np.array([9.0, -8, 7, -6, 5, -4, 3, -2]))]
        return [stats.norm.logpdf(mu, 0, 5) + stats.halfcauchy.logpdf(tau, scale=5) + normal(theta, mu, tau)
                + normal(d["y"], theta, d["sigma"]) for mu, tau, theta in points]
    if name == "homes-varying_intercepts":
        d, u = table("homes"), table("homes_counties")["u"]
        county, a = d["county"].astype(int) - 1, 0.01 * np.arange(85)
        points = [((1.0, 0.5), -0.5, 0.3, 0.8, a), ((0.0, 0.0), 0.0, 2.0, 3.0, 0 * a), ((-4.0, 7.0), 3.0, 0.1, 0.2, 1 - a)]
        return [normal(np.array(g), 0, 5) + stats.norm.logpdf(b, 0, 2) + stats.halfnorm.logpdf(sa, scale=1)
                + stats.halfnorm.logpdf(sy, scale=2) + normal(a, g[0] + g[1] * u, sa)
                + normal(d["y"], a[county] + b * d["floor"], sy) for g, b, sa, sy, a in points]
    if name == "pumps-logistic":
        d = table("pumps")
        x, sign = np.column_stack([d[f"x{k}"] for k in range(1, 6)]), 2 * d["y"] - 1
        points = [(0.5, (0.1, -0.2, 0.3, -0.4, 0.5)), (0.0, (0.0,) * 5), (-2.0, (1.0, 0.5, -3.0, 2.0, -1.0))]
        return [stats.norm.logpdf(a, 0, 5) + normal(np.array(b), 0, 2.5)
                - np.sum(np.logaddexp(0, -sign * (a + x @ np.array(b)))) for a, b in points]
    if name == "tumours-beta_binomial":
        d, theta = table("tumours"), (np.arange(40) + 1) / 50
        points = [(0.2, 10.0, theta), (0.5, 2.0, 0.5 + 0 * theta), (0.01, 150.0, 1 - theta)]
        return [stats.lognorm.logpdf(k, 1, scale=np.exp(2)) + np.sum(stats.beta.logpdf(t, p * k, (1 - p) * k))
                + np.sum(stats.binom.logpmf(d["y"], d["n"], t)) for p, k, t in points]
    if name == "ark-arK":
        y = table("ark")["y"]
        lags = np.column_stack([y[5 - k : len(y) - k] for k in range(1, 6)])
        points = [(0.1, (0.5, -0.2, 0.1, 0.05, -0.1), 0.3), (0.0, (0.0,) * 5, 2.0), (-1.0, (1.0, 0.3, -0.4, 0.2, -0.6), 0.15)]
        return [stats.norm.logpdf(a, 0, 10) + normal(np.array(b), 0, 10) + stats.halfcauchy.logpdf(s, scale=2.5)
                + normal(y[5:], a + lags @ np.array(b), s) for a, b, s in points]
    if name == "garch-garch11":
        y = table("garch")["y"]
        result = []
        for mu, a0, a1, b1 in [(5.0, 1.4, 0.5, 0.2), (0.0, 3.0, 0.1, 0.8), (6.0, 0.2, 0.9, 0.05)]:
            s = [0.5]
            for before in y[:-1]:
                s.append(np.sqrt(a0 + a1 * (before - mu) ** 2 + b1 * s[-1] ** 2))
            result.append(normal(y, mu, np.array(s)))
        return result
    if name == "diamonds-diamonds":
        d = table("diamonds")
        x = np.column_stack([d[f"x{k}"] - d[f"x{k}"].mean() for k in range(2, 26)])
        c = 0.01 * np.arange(24)
        points = [(c, 7.8, 0.5), (0 * c, 0.0, 3.0), (0.5 - c, 9.0, 1.5)]
        return [normal(b, 0, 1) + stats.t.logpdf(i, 3, 8, 10) + np.log(2) + stats.t.logpdf(s, 3, 0, 10)
                + normal(d["y"], i + x @ b, s) for b, i, s in points]
    columns, y = design(name)
    x = np.column_stack(columns)
    k = x.shape[1]
    points = [(np.array([0.1 * (j + 1) * (-1) ** j for j in range(k)]), 1.5), (np.zeros(k), 3.0),
              (np.array([0.05 * (j + 1) for j in range(k)]), 0.7)]
    result = []
    for beta, sigma in points:
        value = normal(y, x @ beta, sigma)
        if name.startswith("kidiq-"):
            value += stats.halfcauchy.logpdf(sigma, scale=2.5)
        if name.startswith("sbl"):
            value += normal(beta, 0, 10) + stats.halfnorm.logpdf(sigma, scale=10)
        result.append(value)
    return result


def split(chains):
    half = chains.shape[1] // 2
    return np.concatenate([chains[:, :half], chains[:, -half:]])


def ess(chains):
    m, n = chains.shape
    centered = chains - chains.mean(axis=1, keepdims=True)
    size = 1 << (2 * n - 1).bit_length()
    spectrum = np.fft.rfft(centered, size)
    autocovariance = np.fft.irfft(spectrum * np.conj(spectrum), size)[:, :n].mean(axis=0) / n
    variance = autocovariance[0] * n / (n - 1)
    plus = autocovariance[0] + chains.mean(axis=1).var(ddof=1)
    rho = 1 - (variance - autocovariance) / plus
    total, previous, t = 0.0, np.inf, 0
    while t + 1 < n:
        pair = rho[t] + rho[t + 1]
        if pair < 0:
            break
        previous = min(previous, pair)
        total += previous
        t += 2
    return m * n / max(-1 + 2 * total, 1 / np.log10(m * n))


def rank_normal(chains):
    ranks = stats.rankdata(chains).reshape(chains.shape)
    return special.ndtri((ranks - 0.375) / (chains.size + 0.25))


def r_hat(chains):
    n = chains.shape[1]
    within = chains.var(axis=1, ddof=1).mean()
    return np.sqrt((chains.mean(axis=1).var(ddof=1) + within * (n - 1) / n) / within)


def compare(name, draws, reference, chains=4):
    """Faults in words, and the z-score of every mean."""
    faults, scores = [], {}
    is_centered = name == "eight_schools-eight_schools_centered"
    slack = 2 if is_centered else 1
    entries = {p["name"]: p for p in reference["parameters"]} if isinstance(reference["parameters"], list) else reference["parameters"]
    for scalar, figure in entries.items():
        x = draws[scalar].reshape(chains, -1)
        halves = split(x)
        folded = np.abs(halves - np.median(halves))
        rhat = max(r_hat(rank_normal(halves)), r_hat(rank_normal(folded)))
        bulk = ess(rank_normal(halves))
        tail = min(ess((halves <= np.quantile(x, q)).astype(float)) for q in (0.05, 0.95))
        if rhat >= 1.01 or min(bulk, tail) < 2000:
            if not is_centered:
                faults.append(f"{scalar}: not converged, R-hat {rhat:.4f}, ESS {bulk:.0f} and {tail:.0f}")
        mean, sd = x.mean(), x.std(ddof=1)
        error = sd / np.sqrt(ess(halves))
        z = (mean - figure["mean"]) / np.hypot(error, figure["mcse_mean"])
        scores[scalar] = z
        if abs(z) >= 4 and not is_centered:
            faults.append(f"{scalar}: mean is {z:.1f} standard errors off")
        if abs(mean - figure["mean"]) / figure["sd"] >= 0.1 * slack:
            faults.append(f"{scalar}: mean is {(mean - figure['mean']) / figure['sd']:.3f} standard deviations off")
        ratio = abs(np.log(sd / figure["sd"]))
        if ratio >= 0.10 * slack:
            c = halves - mean
            ess_sd = ess(c * c)
            error_sd = np.sqrt(((c ** 4).mean() - (c ** 2).mean() ** 2) / ess_sd / (c ** 2).mean() / 4)
            if ratio >= 0.15 * slack or abs(sd - figure["sd"]) / np.hypot(error_sd, figure["mcse_sd"]) >= 4:
                faults.append(f"{scalar}: sd {sd:.4g} against {figure['sd']:.4g}")
        if is_centered:
            continue
        for key, p, limit in (("q05", 0.05, 0.2), ("q50", 0.5, 0.1), ("q95", 0.95, 0.2)):
            q = np.quantile(x, p)
            size = ess((halves <= q).astype(float))
            low, high = stats.beta.ppf([0.1586553, 0.8413447], size * p + 1, size * (1 - p) + 1)
            error_q = (np.quantile(x, high) - np.quantile(x, low)) / 2
            off = q - figure[key]
            if abs(off) / np.hypot(error_q, figure[f"mcse_{key}"]) >= 4.5 or abs(off) / figure["sd"] >= limit:
                faults.append(f"{scalar}: {key} {q:.4g} against {figure[key]:.4g}")
    return faults, scores


def run(cairn, name, draws, seed):
    text = (here / "models" / f"{name}.cairn").read_text().replace("DRAWS", str(draws)).replace("SEED", str(seed))
    with tempfile.NamedTemporaryFile("w", suffix=".cairn", dir=here / "models", prefix=".run-") as file:
        file.write(text)
        file.flush()
        output = subprocess.run([cairn, file.name], capture_output=True, text=True)
    found, densities = {}, []
    for line in output.stdout.splitlines():
        if line.startswith("draws "):
            _, scalar, *values = line.split(" ")
            found[scalar] = np.array(values, dtype=float)
        elif line.startswith("density "):
            densities.append(float(line.split()[1]))
    if output.returncode != 0 or not found:
        raise SystemExit(f"{name} did not run:\n{output.stdout}\n{output.stderr}")
    divergences = [line for line in output.stdout.splitlines() if "diverged" in line]
    return found, densities, divergences


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cairn", required=True)
    parser.add_argument("--draws", type=int, default=2500)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    cairn = str(pathlib.Path(options.cairn).resolve())
    names = sorted(p.stem for p in (here / "models").glob("*.cairn") if not p.name.startswith("."))
    all_scores, failed = [], 0
    for name in names:
        if options.only not in name:
            continue
        reference = json.loads((here / "reference" / f"{name}.json").read_text())
        draws_each = options.draws * (4 if "centered" in name else 1)
        found, densities, divergences = run(cairn, name, draws_each, 1)
        worst = max(abs(a - b) / max(1, abs(b)) for a, b in zip(densities, independent_densities(name)))
        density_fault = [] if worst < 1e-10 and len(densities) == 3 else [f"log density is off by {worst:.1e}"]
        faults, scores = compare(name, found, reference)
        line = f"{name}: worst |z| {max(map(abs, scores.values())):.2f}, log density within {worst:.0e}"
        if divergences:
            line += f", {divergences[0].split(': ', 1)[1]}"
        if faults:
            print(f"{line}\n  first run: " + "; ".join(faults))
            found, _, _ = run(cairn, name, 4 * draws_each, 2)
            faults, scores = compare(name, found, reference)
            line = f"  second run: worst |z| {max(map(abs, scores.values())):.2f}"
        faults = faults + density_fault
        failed += bool(faults)
        all_scores += scores.values()
        print(line + (" – passes" if not faults else " – FAILS: " + "; ".join(faults)), flush=True)
    share = np.mean(np.abs(all_scores) > 2)
    print("z-scores of the means: " + " ".join(f"{z:.2f}" for z in all_scores))
    print(f"{len(all_scores)} scalars, share with |z| above 2: {100 * share:.1f} %")
    return 1 if failed or share > 0.15 else 0


if __name__ == "__main__":
    sys.exit(main())
