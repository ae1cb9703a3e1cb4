"""Times one model in NumPyro, in double precision on one thread.

    numpyro_models.py gradient MODEL DATA.json POSITION SECONDS
    numpyro_models.py sample MODEL DATA.json CHAINS WARMUP DRAWS SEED DRAWS-FILE
"""
import json
import os
import sys
import time

os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"

import jax
import jax.numpy as jnp
import numpy
import numpyro
from numpyro.distributions import (Bernoulli, Gamma, HalfCauchy, HalfNormal, ImproperUniform, MultivariateNormal, Normal,
                                   Uniform, constraints)
from numpyro.infer import NUTS
from numpyro.infer.util import initialize_model

numpyro.enable_x64()
sample = numpyro.sample


def eight_schools(d):
    mu, tau = sample("mu", Normal(0, 5)), sample("tau", HalfCauchy(5))
    z = sample("z", Normal(0, 1).expand([8]).to_event(1))
    sample("y", Normal(mu + tau * z, d["sigma"]), obs=d["y"])


def coefficients(d):
    return sample("alpha", Normal(0, 5)), sample("beta", Normal(0, 2.5).expand([d["K"]]).to_event(1))


def linear(d):
    alpha, beta = coefficients(d)
    sample("y", Normal(alpha + d["x"] @ beta, sample("sigma", HalfNormal(5))), obs=d["y"])


def linear_profiled(d):
    alpha, beta = coefficients(d)
    r = d["y"] - alpha - d["x"] @ beta
    numpyro.factor("profile", -0.5 * d["N"] * jnp.log(r @ r))


def logistic(d):
    alpha, beta = coefficients(d)
    sample("y", Bernoulli(logits=alpha + d["x"] @ beta), obs=d["y"])


def logistic_centered(d):
    alpha, beta = coefficients(d)
    eta = d["x"] @ beta
    sample("y", Bernoulli(logits=alpha + eta - eta.mean()), obs=d["y"])


def autoregressive(d):
    alpha, beta = sample("alpha", Normal(0, 10)), sample("beta", Normal(0, 10).expand([5]).to_event(1))
    sigma = sample("sigma", HalfCauchy(2.5))
    y = d["y"]
    lags = jnp.stack([y[4 - k:len(y) - 1 - k] for k in range(5)], axis=1)
    sample("y", Normal(alpha + lags @ beta, sigma), obs=y[5:])


def garch(d):
    alpha0 = sample("alpha0", ImproperUniform(constraints.positive, (), ()))
    alpha1 = sample("alpha1", Uniform(0, 1))
    mu = sample("mu", ImproperUniform(constraints.real, (), ()))
    # The same density as a share of what alpha1 leaves.
    beta1 = numpyro.deterministic("beta1", (1 - alpha1) * sample("share", Uniform(0, 1)))
    y = d["y"]

    def step(variance, before):
        after = alpha0 + alpha1 * (before - mu) ** 2 + beta1 * variance
        return after, after

    _, later = jax.lax.scan(step, 0.25 + 0 * mu, y[:-1])
    sample("y", Normal(mu, jnp.sqrt(jnp.concatenate([jnp.full(1, 0.25), later]))), obs=y)


def varying_intercepts(d):
    beta, mu = sample("beta", Normal(0, 1)), sample("mu", Normal(0, 2))
    sigma, tau = sample("sigma", HalfNormal(1)), sample("tau", HalfNormal(1))
    alpha = mu + tau * sample("z", Normal(0, 1).expand([d["J"]]).to_event(1))
    sample("y", Normal(alpha[d["group"] - 1] + beta * d["x"], sigma), obs=d["y"])


def gaussian_process(d):
    alpha, rho, sigma = sample("alpha", HalfNormal(2)), sample("rho", Gamma(25, 4)), sample("sigma", HalfNormal(1))
    distance = (d["x"][:, None] - d["x"]) ** 2
    k = alpha ** 2 * jnp.exp(-0.5 * distance / rho ** 2) + sigma ** 2 * jnp.eye(d["N"])
    sample("y", MultivariateNormal(jnp.zeros(d["N"]), covariance_matrix=k), obs=d["y"])


def multivariate_normal(d):
    sample("z", MultivariateNormal(d["loc"], scale_tril=numpy.linalg.cholesky(d["s"])))


def latents(d):
    mu, tau = sample("mu", Normal(0, 1)), sample("tau", HalfNormal(1))
    sample("y", Normal(sample("z", Normal(mu, tau).expand([d["N"]]).to_event(1)), 1), obs=d["y"])


# Sites in the order of the position, as the notebooks have it; where two names stand, in the position and in the draws.
ORDER = {
    "eight-schools": ["mu", "tau", "z"], "linear": ["alpha", "beta", "sigma"], "linear-profiled": ["alpha", "beta"],
    "logistic": ["alpha", "beta"], "logistic-centered": ["alpha", "beta"],
    "autoregressive": ["alpha", "beta", "sigma"], "garch": ["alpha0", "alpha1", "mu", ("share", "beta1")],
    "varying-intercepts": ["beta", "mu", "sigma", "tau", "z"], "gaussian-process": ["alpha", "rho", "sigma"],
    "multivariate-normal": ["z"], "latents": ["mu", "tau", "z"],
}


def gradient(model, order, data, position_path, seconds):
    info = initialize_model(jax.random.PRNGKey(0), model, model_args=(data,))
    start, point, offset = numpy.fromfile(position_path), {}, 0
    for name in (item if isinstance(item, str) else item[0] for item in order):
        shape = info.param_info.z[name].shape
        size = int(numpy.prod(shape, dtype=int))
        point[name] = jnp.asarray(start[offset:offset + size].reshape(shape))
        offset += size
    both = jax.value_and_grad(info.potential_fn)

    # Each evaluation waits for the one before, so that none is left out.
    @jax.jit
    def loop(count, point):
        def body(_, carry):
            point, total = carry
            value, slopes = both(point)
            return {name: point[name] + 1e-300 * slopes[name] for name in point}, total + value
        return jax.lax.fori_loop(0, count, body, (point, 0.0))

    def elapsed(count):
        begin = time.process_time()
        jax.block_until_ready(loop(count, point))
        return time.process_time() - begin

    value, slopes = jax.jit(both)(point)
    elapsed(1)
    count = 1
    while (passed := elapsed(count)) < seconds / 4:
        count *= 2
    count = int(count * seconds / passed) + 1
    names = [item if isinstance(item, str) else item[0] for item in order]
    return {
        "gradientNanoseconds": [1e9 * elapsed(count) / count for _ in range(7)], "logDensity": -float(value),
        "gradient": [-float(x) for name in names for x in numpy.ravel(slopes[name])],
    }


def fit(model, order, data, chains, warmup, draws, seed, out):
    """One compiled loop for all chains: `MCMC.run` would compile for each of them anew."""
    kernel = NUTS(model)
    states = [kernel.init(key, warmup, None, (data,), {}) for key in jax.random.split(jax.random.PRNGKey(seed), chains)]
    constrained = jax.jit(jax.vmap(kernel.postprocess_fn((data,), {})))

    def step(state, _=None):
        state = kernel.sample(state, (data,), {})
        return state, state.z

    @jax.jit
    def run(state):
        state = jax.lax.fori_loop(0, warmup, lambda _, inner: step(inner)[0], state)
        return jax.lax.scan(step, state, length=draws)[1]

    jax.block_until_ready(constrained(run(states[0])))
    begin = time.process_time()
    found = jax.block_until_ready([constrained(run(state)) for state in states])
    seconds = time.process_time() - begin
    names = [item if isinstance(item, str) else item[1] for item in order]
    columns = numpy.stack([
        numpy.concatenate([numpy.asarray(chain[name]).reshape(draws, -1) for name in names], axis=1)
        for chain in found])
    columns.astype("float64").tofile(out)
    return {"seconds": seconds, "columns": columns.shape[2]}


def main():
    mode, name, path, *words = sys.argv[1:]
    raw = json.load(open(path))
    data = {key: numpy.asarray(value) if isinstance(value, list) else value for key, value in raw.items()}
    model = globals()[name.replace("-", "_")]
    if mode == "gradient":
        print(json.dumps(gradient(model, ORDER[name], data, words[0], float(words[1]))))
    else:
        print(json.dumps(fit(model, ORDER[name], data, *map(int, words[:4]), words[4])))


main()
