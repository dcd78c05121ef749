"""Alternatives to a power law, fitted to the same tail, and likelihood-ratio tests against them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import optimize, special

from topolearn.diagnostics.power_law.law import log_pdf
from topolearn.diagnostics.power_law.samples import Floats, Samples
from topolearn.registry import Registry

LogLikelihoods = Callable[[Samples, float, float], Floats]  # one for each distinct value of a tail, xmin and gamma
NODES, WEIGHTS = np.polynomial.legendre.leggauss(200)
IMPOSSIBLE = 1e100  # the negative log-likelihood of invalid parameters
NARROW = 1e-4  # width in standard deviations below which the density is constant over a cell of a rounded law
TERMS = 256  # the number of terms of a sum that are added before the rest is integrated


@dataclass(frozen=True)
class LikelihoodRatio:
    """A likelihood-ratio test of a power law against another law.

    Attributes
    ----------
    alternative : str
    ratio : float
        Logarithm of the ratio of the tail's likelihood under the power law to that under the alternative: above 0 if
        the power law fits better. Against "truncated", which contains the power law, it is never above 0.
    p_value : float
        Probability of a ratio at least as far from 0 if neither law is better (Vuong's test; the chi-square test if
        the alternative contains the power law). The sign of the ratio is meaningful only if this is small.
    """

    alternative: str
    ratio: float
    p_value: float


def exponential(tail: Samples, xmin: float, gamma: float) -> Floats:
    """Return log-likelihoods of the exponential law, or of the geometric law for integers."""
    excess = tail.values - xmin
    mean = float(tail.counts @ excess) / tail.n
    if tail.discrete:
        return -np.log1p(mean) + excess * np.log(mean / (1 + mean))
    return -np.log(mean) - excess / mean


def log_normal(tail: Samples, xmin: float, gamma: float) -> Floats:
    """Return log-likelihoods of the log-normal law from xmin on, rounded for integers."""
    logs = np.log1p((tail.values - xmin) / xmin)  # relative to xmin, so that nearly equal values stay distinct
    start = np.log1p(-0.5 / xmin) if tail.discrete else 0.0
    widths = np.log1p(1 / (tail.values - 0.5)) if tail.discrete else np.zeros_like(logs)

    def likelihoods(parameters: Floats) -> Floats:
        mean, deviation = parameters[0], np.exp(parameters[1])
        whole = special.log_ndtr((mean - start) / deviation)
        if not tail.discrete:
            z = (logs - mean) / deviation
            return -logs - np.log(xmin) - parameters[1] - 0.5 * np.log(2 * np.pi) - z * z / 2 - whole
        ends = (np.log1p((tail.values - xmin + d) / xmin) for d in (-0.5, 0.5))
        above, below = (special.log_ndtr((mean - end) / deviation) for end in ends)
        # The rounded law has the probability exp(above) - exp(below), but both terms can underflow.
        cells = above + np.log(-np.expm1(np.minimum(below - above, -1e-300)))
        # The difference of two nearly equal numbers loses all digits, but there the density is flat.
        z = (logs - mean) / deviation
        flat = widths / deviation * np.maximum(np.abs(z), 1) < NARROW
        return np.where(flat, np.log(widths / deviation) - 0.5 * np.log(2 * np.pi) - z * z / 2, cells) - whole

    mean = float(tail.counts @ logs) / tail.n
    spread = float(tail.counts @ (logs - mean) ** 2) / tail.n
    return _best(likelihoods, np.array([mean, np.log(spread) / 2]), tail)


def truncated(tail: Samples, xmin: float, gamma: float) -> Floats:
    """Return log-likelihoods of a power law with an exponential cut-off."""
    logs = np.log1p((tail.values - xmin) / xmin)
    integrate = _cut_sum if tail.discrete else _cut_integral

    def likelihoods(parameters: Floats) -> Floats:
        exponent, rate = parameters[0], np.exp(parameters[1])
        return -exponent * logs - rate * (tail.values - xmin) - np.log(integrate(exponent, rate, xmin))

    return _best(likelihoods, np.array([gamma, -np.log(100 * tail.values.mean())]), tail)


def _cut_integral(exponent: float, rate: float, start: float) -> float:
    r"""Return the integral of :math:`(x / x_0)^{-a} e^{-r (x - x_0)}` from x_0 on, computed in log(x)."""
    # Beyond the first end the cut-off makes the integrand negligible, beyond the second the power.
    ends = [np.log1p(700 / (rate * start))] + ([40 / (exponent - 1)] if exponent > 1 else [])
    t = (NODES + 1) * min(ends) / 2
    heights = np.exp((1 - exponent) * t - rate * start * np.expm1(t))
    return float(start * (WEIGHTS @ heights) * min(ends) / 2)


def _cut_sum(exponent: float, rate: float, start: float) -> float:
    """Return the same as a sum over integers from x_0 on: its first terms, and the rest by Euler-Maclaurin."""
    k = np.arange(TERMS + 1)
    terms = np.exp(-exponent * np.log1p(k / start) - rate * k)
    far, last = start + TERMS, terms[-1]
    rest = last * _cut_integral(exponent, rate, far) - last / 2 + last * (exponent / far + rate) / 12
    return float(terms.sum() + rest)


def _best(likelihoods: Callable[[Floats], Floats], start: Floats, tail: Samples) -> Floats:
    """Return the log-likelihoods under the maximum-likelihood parameters."""

    def loss(parameters: Floats) -> float:
        total = float(tail.counts @ likelihoods(parameters))
        return -total if np.isfinite(total) else IMPOSSIBLE

    with np.errstate(all="ignore"):  # the search may try extreme parameters
        for _ in range(2):  # restart once, in case the simplex has collapsed
            optimum = optimize.minimize(
                loss, start, method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-8, "maxiter": 2000}
            )
            start = optimum.x
        return likelihoods(start)


ALTERNATIVES: Registry[LogLikelihoods] = Registry(
    "alternative to a power law", {"exponential": exponential, "log-normal": log_normal, "truncated": truncated}
)
NESTED = frozenset({"truncated"})


def ratio_against(name: str, tail: Samples, gamma: float, xmin: float) -> LikelihoodRatio:
    """Return the likelihood ratio of a fitted power law and an alternative, which is fitted to the same tail.

    References
    ----------
    Vuong (1989), "Likelihood ratio tests for model selection and non-nested hypotheses", Econometrica 57; Clauset,
    Shalizi, Newman (2009), "Power-law distributions in empirical data", SIAM Review 51, section 5.
    """
    other = ALTERNATIVES[name](tail, xmin, gamma)
    each = log_pdf(tail.values, gamma, xmin, discrete=tail.discrete) - other
    ratio = float(tail.counts @ each)
    if name in NESTED:
        ratio = min(ratio, 0.0)
        return LikelihoodRatio(name, ratio, float(special.chdtrc(1, -2 * ratio)))
    spread = float(np.sqrt(tail.counts @ (each - ratio / tail.n) ** 2))
    return LikelihoodRatio(name, ratio, float(special.erfc(abs(ratio) / (np.sqrt(2) * spread))) if spread else 1.0)
