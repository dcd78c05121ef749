"""A power law itself: its density, its distribution, and samples of it."""

import numpy as np
from numpy.typing import ArrayLike

from topolearn.diagnostics.power_law.samples import LARGEST, Floats

TABLE = 512  # whole numbers whose probabilities are tabulated when drawing


def log_pdf(x: ArrayLike, gamma: float, xmin: float, *, discrete: bool) -> Floats:
    """Return the logarithm of the density, or of the probability of whole numbers, from xmin on."""
    decline = -gamma * np.log1p((np.asarray(x, dtype=np.float64) - xmin) / xmin)
    if not discrete:
        return decline + np.log((gamma - 1) / xmin)
    from topolearn.diagnostics.power_law.kernels import zeta

    return decline - np.log(zeta(gamma, xmin)[0])


def pdf(x: ArrayLike, gamma: float, xmin: float, *, discrete: bool) -> Floats:
    """Return the density, or the probability of whole numbers; 0 where the law gives none."""
    x = np.asarray(x, dtype=np.float64)
    possible = (x >= xmin) & ((x == np.floor(x)) if discrete else True)
    return np.where(possible, np.exp(log_pdf(np.where(possible, x, xmin), gamma, xmin, discrete=discrete)), 0.0)


def ccdf(x: ArrayLike, gamma: float, xmin: float, *, discrete: bool) -> Floats:
    """Return the probability of at least x, from xmin on."""
    x = np.maximum(np.asarray(x, dtype=np.float64), xmin)
    if not discrete:
        return (x / xmin) ** (1 - gamma)
    from topolearn.diagnostics.power_law.kernels import shares_from

    shares = np.empty(x.size)
    shares_from(np.ceil(x).ravel(), gamma, xmin, shares)
    return np.where(np.isinf(x), 0.0, shares.reshape(x.shape))


def draw(n: int, gamma: float, xmin: float, *, discrete: bool, rng: np.random.Generator) -> Floats:
    """Return samples of the law, up to the largest number that can be a sample."""
    uniforms = 1 - rng.random(n)  # in (0, 1]
    if not discrete:
        return xmin * np.exp(np.minimum(-np.log(uniforms) / (gamma - 1), np.log(LARGEST) - np.log(xmin)))
    from topolearn.diagnostics.power_law.kernels import draw_discrete

    drawn = np.empty(n)
    draw_discrete(uniforms, gamma, xmin, np.empty(TABLE), drawn)
    return drawn
