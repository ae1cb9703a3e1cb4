#!/usr/bin/env python3
"""Writes the data of the gradient benchmarks: the same files on every machine, since every draw comes from a seed.

    Benchmarks/gradients/data.py [FOLDER]     by default `data` beside this script
"""
import math
import pathlib
import random
import sys


def write(path, columns):
    """Columns by name; reals with four decimals, so that files stay small and everyone reads the same numbers."""
    def text(value):
        return str(value) if isinstance(value, int) else f"{value:.4f}"

    with open(path, "w") as file:
        file.write(",".join(columns) + "\n")
        for row in zip(*columns.values()):
            file.write(",".join(map(text, row)) + "\n")


def design(draw, rows, columns):
    x = [[round(draw.gauss(0, 1), 4) for _ in range(columns)] for _ in range(rows)]
    beta = [draw.gauss(0, 0.5) for _ in range(columns)]
    return x, [sum(a * b for a, b in zip(row, beta)) for row in x]


def table(x, y):
    return {**{f"x{k + 1}": column for k, column in enumerate(zip(*x))}, "y": y}


def eight_schools():
    return {"y": [28, 8, -3, 7, -1, 1, 18, 12], "sigma": [15, 10, 16, 11, 9, 11, 10, 18]}


def linear(seed, rows, columns):
    draw = random.Random(seed)
    x, eta = design(draw, rows, columns)
    return table(x, [draw.gauss(1.5 + value, 2) for value in eta])


def logistic(seed, rows, columns):
    draw = random.Random(seed)
    x, eta = design(draw, rows, columns)
    return table(x, [int(draw.random() < 1 / (1 + math.exp(0.3 - value))) for value in eta])


def autoregressive(seed, steps):
    """Five values before the first step, then the steps."""
    draw = random.Random(seed)
    y = [draw.gauss(0, 1) for _ in range(5)]
    for _ in range(100 + steps):
        y.append(draw.gauss(0.2 + 0.4 * y[-1] - 0.2 * y[-2] + 0.1 * y[-3] + 0.1 * y[-4] - 0.1 * y[-5], 0.8))
    return {"y": y[-(steps + 5):]}


def garch(seed, steps):
    draw = random.Random(seed)
    y, scale = [], 0.5
    for _ in range(steps):
        y.append(draw.gauss(0.1, scale))
        scale = math.sqrt(0.1 + 0.25 * (y[-1] - 0.1) ** 2 + 0.6 * scale ** 2)
    return {"y": y}


def varying_intercepts(seed, rows, groups):
    """Some groups are large and many small, as counties are."""
    draw = random.Random(seed)
    weights = [1 / (1 + j) ** 0.7 for j in range(groups)]
    group = list(range(groups)) + draw.choices(range(groups), weights, k=rows - groups)
    group.sort()
    alpha = [draw.gauss(1.5, 0.35) for _ in range(groups)]
    x = [int(draw.random() < 0.2) for _ in range(rows)]
    return {"group": group, "x": x, "y": [draw.gauss(alpha[j] - 0.7 * value, 0.75) for j, value in zip(group, x)]}


def gaussian_process(seed, rows):
    draw = random.Random(seed)
    x = [round(10 * (i + draw.random()) / rows, 4) for i in range(rows)]
    return {"x": x, "y": [draw.gauss(math.sin(value) + 0.3 * math.sin(3.1 * value), 0.3) for value in x]}


def covariance(seed, size):
    """A Wishart draw with some degrees of freedom to spare, scaled to variances near one."""
    draw = random.Random(seed)
    count = 2 * size
    z = [[draw.gauss(0, 1) for _ in range(count)] for _ in range(size)]
    s = [[round(sum(a * b for a, b in zip(z[i], z[j])) / count, 4) for j in range(size)] for i in range(size)]
    return {**{f"s{j + 1}": [s[i][j] for i in range(size)] for j in range(size)},
            "loc": [round(draw.gauss(0, 1), 4) for _ in range(size)]}


def latents(seed, rows, columns):
    draw = random.Random(seed)
    return {"y": [draw.gauss(draw.gauss(0.3, 0.7), 1) for _ in range(rows * columns)]}


FILES = {
    "eight-schools": eight_schools,
    "linear-10000x25": lambda: linear(1, 10_000, 25),
    "logistic-1000x5": lambda: logistic(2, 1_000, 5),
    "logistic-10000x25": lambda: logistic(3, 10_000, 25),
    "logistic-100000x10": lambda: logistic(4, 100_000, 10),
    "autoregressive-200": lambda: autoregressive(5, 200),
    "garch-1000": lambda: garch(6, 1_000),
    "varying-intercepts-919x85": lambda: varying_intercepts(7, 919, 85),
    "gaussian-process-200": lambda: gaussian_process(8, 200),
    "multivariate-normal-50": lambda: covariance(9, 50),
    "latents-1000x100": lambda: latents(10, 1_000, 100),
}


def main():
    here = pathlib.Path(__file__).resolve().parent
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else here / "data"
    folder.mkdir(parents=True, exist_ok=True)
    for name, make in FILES.items():
        path = folder / f"{name}.csv"
        partial = path.with_suffix(".partial")
        write(partial, make())
        partial.replace(path)


if __name__ == "__main__":
    main()
