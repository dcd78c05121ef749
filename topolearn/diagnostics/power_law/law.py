"""The power law itself: its density, its distribution, and random samples."""

import numpy as np
from numpy.typing import ArrayLike

from topolearn.diagnostics.power_law.samples import LARGEST, Floats

TABLE = 512  # the number of integers whose probabilities are tabulated for drawing


def log_pdf(x: ArrayLike, gamma: float, xmin: float, *, discrete: bool) -> Floats:
    """Return the logarithm of the density, or of the probability of integers, for x >= xmin."""
    decline = -gamma * np.log1p((np.asarray(x, dtype=np.float64) - xmin) / xmin)
    if not discrete:
        return decline + np.log((gamma - 1) / xmin)
    from topolearn.diagnostics.power_law.kernels import zeta

    return decline - np.log(zeta(gamma, xmin)[0])


def pdf(x: ArrayLike, gamma: float, xmin: float, *, discrete: bool) -> Floats:
    """Return the density, or the probability of integers; 0 outside the support."""
    x = np.asarray(x, dtype=np.float64)
    possible = (x >= xmin) & ((x == np.floor(x)) if discrete else True)
    return np.where(possible, np.exp(log_pdf(np.where(possible, x, xmin), gamma, xmin, discrete=discrete)), 0.0)


def ccdf(x: ArrayLike, gamma: float, xmin: float, *, discrete: bool) -> Floats:
    """Return the probability of values of at least x; 1 below xmin."""
    x = np.maximum(np.asarray(x, dtype=np.float64), xmin)
    if not discrete:
        return (x / xmin) ** (1 - gamma)
    from topolearn.diagnostics.power_law.kernels import shares_from

    shares = np.empty(x.size)
    shares_from(np.ceil(x).ravel(), gamma, xmin, shares)
    return np.where(np.isinf(x), 0.0, shares.reshape(x.shape))


def draw(n: int, gamma: float, xmin: float, *, discrete: bool, rng: np.random.Generator) -> Floats:
    """Draw samples of the law, capped at the largest valid sample."""
    uniforms = 1 - rng.random(n)  # in (0, 1]
    if not discrete:
        return xmin * np.exp(np.minimum(-np.log(uniforms) / (gamma - 1), np.log(LARGEST) - np.log(xmin)))
    from topolearn.diagnostics.power_law.kernels import draw_discrete

    drawn = np.empty(n)
    draw_discrete(uniforms, gamma, xmin, np.empty(TABLE), drawn)
    return drawn
