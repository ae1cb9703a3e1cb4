"""Times one model in nutpie: PyMC's model, compiled by Numba, on one thread.

    nutpie_models.py gradient MODEL DATA.json POSITION SECONDS
    nutpie_models.py sample MODEL DATA.json CHAINS WARMUP DRAWS SEED[,SEED…] DRAWS-FILE

With several seeds there is a line for each, and the draws are in DRAWS-FILE-SEED.
"""
import ctypes
import json
import sys
import time

import numpy
import nutpie
import pymc
import pytensor
import pytensor.tensor as tensor
from pymc import Bernoulli, Deterministic, Flat, Gamma, HalfCauchy, HalfFlat, HalfNormal, MvNormal, Normal, Uniform


def eight_schools(d):
    mu, tau, z = Normal("mu", 0, 5), HalfCauchy("tau", 5), Normal("z", 0, 1, shape=8)
    Normal("y", mu + tau * z, d["sigma"], observed=d["y"])


def coefficients(d):
    return Normal("alpha", 0, 5), Normal("beta", 0, 2.5, shape=d["K"])


def linear(d):
    alpha, beta = coefficients(d)
    sigma = HalfNormal("sigma", 5)
    Normal("y", alpha + tensor.dot(d["x"], beta), sigma, observed=d["y"])


def linear_profiled(d):
    alpha, beta = coefficients(d)
    r = d["y"] - alpha - tensor.dot(d["x"], beta)
    pymc.Potential("profile", -0.5 * d["N"] * tensor.log(tensor.sum(r ** 2)))


def logistic(d):
    alpha, beta = coefficients(d)
    Bernoulli("y", logit_p=alpha + tensor.dot(d["x"], beta), observed=d["y"])


def logistic_centered(d):
    alpha, beta = coefficients(d)
    eta = tensor.dot(d["x"], beta)
    Bernoulli("y", logit_p=alpha + eta - eta.mean(), observed=d["y"])


def autoregressive(d):
    alpha, beta, sigma = Normal("alpha", 0, 10), Normal("beta", 0, 10, shape=5), HalfCauchy("sigma", 2.5)
    y = d["y"]
    lags = numpy.stack([y[4 - k:len(y) - 1 - k] for k in range(5)], axis=1)
    Normal("y", alpha + tensor.dot(lags, beta), sigma, observed=y[5:])


def garch(d):
    alpha0, alpha1, mu = HalfFlat("alpha0"), Uniform("alpha1", 0, 1), Flat("mu")
    # The same density as a share of what alpha1 leaves.
    share = Uniform("share", 0, 1)
    beta1 = Deterministic("beta1", (1 - alpha1) * share)
    y = d["y"]

    def step(before, variance, alpha0, alpha1, mu, beta1):
        return alpha0 + alpha1 * (before - mu) ** 2 + beta1 * variance

    start = tensor.constant(0.25, dtype="float64")
    later, _ = pytensor.scan(step, sequences=[tensor.as_tensor(y[:-1])], outputs_info=[start],
                             non_sequences=[alpha0, alpha1, mu, beta1], strict=True)
    Normal("y", mu, tensor.sqrt(tensor.concatenate([[0.25], later])), observed=y)


def varying_intercepts(d):
    beta, mu, sigma, tau = Normal("beta", 0, 1), Normal("mu", 0, 2), HalfNormal("sigma", 1), HalfNormal("tau", 1)
    alpha = mu + tau * Normal("z", 0, 1, shape=d["J"])
    Normal("y", alpha[d["group"] - 1] + beta * d["x"], sigma, observed=d["y"])


def gaussian_process(d):
    alpha, rho, sigma = HalfNormal("alpha", 2), Gamma("rho", 25, 4), HalfNormal("sigma", 1)
    distance = (d["x"][:, None] - d["x"]) ** 2
    k = alpha ** 2 * tensor.exp(-0.5 * distance / rho ** 2) + sigma ** 2 * numpy.eye(d["N"])
    MvNormal("y", numpy.zeros(d["N"]), cov=k, observed=d["y"])


def multivariate_normal(d):
    MvNormal("z", d["loc"], chol=numpy.linalg.cholesky(d["s"]))


def latents(d):
    mu, tau = Normal("mu", 0, 1), HalfNormal("tau", 1)
    Normal("y", Normal("z", mu, tau, shape=d["N"]), 1, observed=d["y"])


# Sites in the order of the draws, as the notebooks have it.
ORDER = {
    "eight-schools": ["mu", "tau", "z"], "linear": ["alpha", "beta", "sigma"], "logistic": ["alpha", "beta"],
    "autoregressive": ["alpha", "beta", "sigma"], "garch": ["alpha0", "alpha1", "mu", "beta1"],
    "varying-intercepts": ["beta", "mu", "sigma", "tau", "z"],
}


def gradient(compiled, position_path, seconds):
    """Calls the C function that nutpie itself calls, from a loop compiled by Numba."""
    import numba

    function = compiled.compiled_logp_func
    signature = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_uint64, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p,
                                 ctypes.c_void_p)
    call = signature(function.address)
    position = numpy.fromfile(position_path)
    slopes, value = numpy.zeros_like(position), numpy.zeros(1)
    # The data that the function reads lie in a record.
    user = compiled.user_data
    words = (len(position), position.ctypes.data, slopes.ctypes.data, value.ctypes.data, user.ctypes.data)

    @numba.njit
    def loop(count, a, b, c, d, e):
        status = 0
        for _ in range(count):
            status += call(a, b, c, d, e)
        return status

    def elapsed(count):
        begin = time.process_time()
        if loop(count, *words):
            raise ValueError("the log density cannot be evaluated")
        return time.process_time() - begin

    elapsed(1)
    count = 1
    while (passed := elapsed(count)) < seconds / 4:
        count *= 2
    count = int(count * seconds / passed) + 1
    return {"gradientNanoseconds": [1e9 * elapsed(count) / count for _ in range(7)], "logDensity": float(value[0]),
            "gradient": slopes.tolist()}


def fit(compiled, order, chains, warmup, draws, seed, out):
    begin = time.process_time()
    found = nutpie.sample(compiled, chains=chains, tune=warmup, draws=draws, cores=1, seed=seed, progress_bar=False)
    seconds = time.process_time() - begin
    parts = [numpy.asarray(found.posterior[name]).reshape(chains, draws, -1) for name in order]
    columns = numpy.concatenate(parts, axis=2)
    columns.astype("float64").tofile(out)
    leapfrogs = float(numpy.asarray(found.sample_stats["n_steps"]).sum())
    return {"seconds": seconds, "columns": columns.shape[2], "leapfrogs": leapfrogs}


def main():
    mode, name, path, *words = sys.argv[1:]
    raw = json.load(open(path))
    data = {key: numpy.asarray(value) if isinstance(value, list) else value for key, value in raw.items()}
    with pymc.Model() as model:
        globals()[name.replace("-", "_")](data)
    compiled = nutpie.compile_pymc_model(model, backend="numba")
    if mode == "gradient":
        print(json.dumps(gradient(compiled, words[0], float(words[1]))))
    else:
        seeds = [int(word) for word in words[3].split(",")]
        for seed in seeds:
            out = words[4] if len(seeds) == 1 else f"{words[4]}-{seed}"
            print(json.dumps(fit(compiled, ORDER[name], *map(int, words[:3]), seed, out)))


main()
