"""Prints the least bulk effective sample size and the greatest R-hat over a model's sites.

    effective_size.py DRAWS CHAINS COLUMNS MODEL

Where the sampler saw standardized effects of groups, MODEL says so and the effects themselves are looked at; else it
is `-`.
"""
import json
import sys

import arviz
import numpy

# The column of the mean, of the scale, and the first standardized effect.
standardized = {"eight-schools": (0, 1, 2), "varying-intercepts": (1, 3, 4)}


def main():
    path, chains, columns, model = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    draws = numpy.fromfile(path).reshape(chains, -1, columns)
    if model in standardized:
        mean, scale, first = standardized[model]
        draws[:, :, first:] = draws[:, :, [mean]] + draws[:, :, [scale]] * draws[:, :, first:]
    sizes = [float(arviz.ess(draws[:, :, k], method="bulk")) for k in range(columns)]
    worst = max(float(arviz.rhat(draws[:, :, k])) for k in range(columns))
    print(json.dumps({"bulk": min(sizes), "rHat": worst}))


main()
