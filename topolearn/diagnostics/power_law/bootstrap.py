"""The plausibility of a power law: the share of samples drawn from the fit that fit worse than the data."""

from collections.abc import Callable

import numpy as np

from topolearn.diagnostics.power_law.law import draw
from topolearn.diagnostics.power_law.samples import Samples, counted

Refit = Callable[[Samples], float]


def bootstrap_p(
    samples: Samples, gamma: float, xmin: float, ks: float, refit: Refit, n: int, rng: np.random.Generator
) -> float:
    """Return the p-value of a fit by the semi-parametric bootstrap of Clauset et al.

    Parameters
    ----------
    samples : Samples
        All samples, including those below xmin.
    gamma, xmin, ks : float
        The fit, and its distance from the data.
    refit : callable
        Takes samples, fits them in the same way, and returns the distance.
    n : int
        Number of synthetic samples.
    rng : numpy.random.Generator
    """
    data = samples.expanded()
    below = data[data < xmin]
    worse = 0
    for child in rng.spawn(n):
        n_tail = int(child.binomial(data.size, 1 - below.size / data.size))
        tail = draw(n_tail, gamma, xmin, discrete=samples.discrete, rng=child)
        synthetic = np.concatenate([child.choice(below, data.size - n_tail), tail]) if below.size else tail
        worse += refit(counted(synthetic, samples.discrete)) >= ks
    return worse / n
