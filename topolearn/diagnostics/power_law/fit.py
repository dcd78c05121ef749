"""`power_law`: fit the exponent and the start of a power law, and test its plausibility."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from topolearn.checks import check_size, random_generator
from topolearn.diagnostics.degrees import degrees_of
from topolearn.diagnostics.power_law import law
from topolearn.diagnostics.power_law.alternatives import LikelihoodRatio, ratio_against
from topolearn.diagnostics.power_law.bootstrap import bootstrap_p
from topolearn.diagnostics.power_law.samples import Floats, Samples, read_samples, read_start
from topolearn.diagnostics.reading import GraphLike

PLAUSIBLE = 0.1  # the smallest p-value of a plausible law, as in Clauset et al.
FEWEST = 50  # the smallest tail that distinguishes a power law from others, also as in Clauset et al.
NARROWEST = 10**0.5  # the smallest ratio of the largest sample to xmin: half a decade


@dataclass(frozen=True)
class PowerLawFit:
    r"""A power law :math:`p(x) \propto x^{-\gamma}` for samples of at least xmin.

    Attributes
    ----------
    gamma : float
        The maximum-likelihood exponent.
    xmin : float
        The start of the law.
    ks : float
        The Kolmogorov-Smirnov distance between the samples from xmin on and the law.
    p_value : float or None
        The share of bootstraps, samples drawn from the fit, that are at least as far from their own fits. Above 0.1 a
        power law is plausible. None without bootstraps.
    n_tail, n : int
        The number of samples of at least xmin, and of all samples above 0.
    largest : float
        The largest sample.
    gamma_error : float
        Standard error of gamma, given xmin.
    discrete : bool
        Whether the samples are whole numbers.
    """

    gamma: float
    xmin: float
    ks: float
    p_value: float | None
    n_tail: int
    n: int
    gamma_error: float
    discrete: bool
    largest: float
    _tail: Samples = field(repr=False, compare=False)

    def __repr__(self) -> str:
        tested = "" if self.p_value is None else f", p_value={self.p_value:.3g}"
        return (
            f"PowerLawFit({self.verdict}; gamma={self.gamma:.4g} ± {self.gamma_error:.2g}, xmin={self.xmin:.6g}, "
            f"ks={self.ks:.3g}{tested}, n_tail={self.n_tail} of {self.n}, "
            f"{'discrete' if self.discrete else 'continuous'})"
        )

    @property
    def is_plausible(self) -> bool | None:
        """Whether the samples may follow a power law: False if p < 0.1 or the tail is short, else None if untested.

        A tail is short if it has fewer than 50 samples or spans less than half a decade, where any law fits. (Stumpf
        and Porter require two decades.)
        """
        if self._objection:
            return False
        return None if self.p_value is None else True

    @property
    def verdict(self) -> str:
        """The result in words: "power law", "no power law" with the reason, or "untested"."""
        if self._objection:
            return f"no power law: {self._objection}"
        return "untested" if self.p_value is None else "power law"

    @property
    def _objection(self) -> str:
        if self.p_value is not None and self.p_value < PLAUSIBLE:
            return f"p = {self.p_value:.2g}"
        if self.n_tail < FEWEST:
            return f"only {self.n_tail} in the tail"
        if self.largest < NARROWEST * self.xmin:
            return f"only from {self.xmin:.4g} to {self.largest:.4g}"
        return ""

    def pdf(self, x: ArrayLike) -> Floats:
        """Return the density, or the probability, of x among the samples from xmin on; 0 below xmin."""
        return law.pdf(x, self.gamma, self.xmin, discrete=self.discrete)

    def ccdf(self, x: ArrayLike) -> Floats:
        """Return the probability of values of at least x among the samples from xmin on; 1 below xmin."""
        return law.ccdf(x, self.gamma, self.xmin, discrete=self.discrete)

    def against(self, alternative: str) -> LikelihoodRatio:
        """Compare the law with another one, fitted to the same samples from xmin on.

        Parameters
        ----------
        alternative : {"exponential", "log-normal", "truncated"}
            The last is a power law with an exponential cut-off.

        Raises
        ------
        UnknownNameError
            For another name.

        Examples
        --------
        >>> import numpy as np
        >>> rng = np.random.default_rng(0)
        >>> power_law(rng.geometric(0.2, 500), xmin=1, n_bootstraps=0).against("exponential").ratio < -50
        True
        """
        return ratio_against(alternative, self._tail, self.gamma, self.xmin)


def power_law(
    samples: ArrayLike | GraphLike,
    *,
    side: str | None = None,
    xmin: float | None = None,
    discrete: bool | None = None,
    n_bootstraps: int = 100,
    seed: int | np.random.Generator | None = 0,
) -> PowerLawFit:
    r"""Fit a power law to samples, such as the degrees of a graph, by the method of Clauset, Shalizi and Newman.

    Gamma is the maximum-likelihood estimate. For integers the law is

    .. math:: p(x) = \frac{x^{-\gamma}}{\zeta(\gamma, x_{min})}

    For other samples :math:`p(x) \propto x^{-\gamma}` is a density, and

    .. math:: \gamma = 1 + n \Big/ \sum_i \ln \frac{x_i}{x_{min}}

    Of all distinct values except the largest, xmin is the one that minimizes the Kolmogorov-Smirnov distance between
    the samples from xmin on and the law.

    Parameters
    ----------
    samples : array-like of shape (n,), or graph
        Numbers of at least 0; zeros, such as the degrees of isolated neurons, are left out. For a graph, its degrees:
        a `BipartiteGraph`, `Graph` or `LayeredNetwork`, a networkx or igraph graph, or a scipy matrix.
    side : {"all", "fan_in", "fan_out"}, optional
        For a graph with two sides: the degrees of all nodes, of the outputs, or of the inputs. Default all.
    xmin : float, optional
        The start of the law; default the best one.
    discrete : bool, optional
        Whether the samples are discrete; default true if all are integers below :math:`2^{52}`.
    n_bootstraps : int
        Number of bootstraps for the p-value, whose error is about :math:`1 / (2 \sqrt n)`; 0 for no p-value.
    seed : int, numpy.random.Generator or None
        For the bootstraps.

    Returns
    -------
    PowerLawFit

    Raises
    ------
    InvalidTypeError, InvalidValueError
        When samples are not a 1-D array of finite numbers of at least 0, or an argument has a wrong type or value.
    UndefinedMeasureError
        When the samples, or those of at least xmin, have fewer than two distinct values.

    References
    ----------
    Clauset, Shalizi, Newman (2009), "Power-law distributions in empirical data", SIAM Review 51; Stumpf, Porter (2012),
    "Critical truths about power laws", Science 335, for the required length of a tail.

    Examples
    --------
    >>> from topolearn.generators import make
    >>> power_law(make("bsf", 500, 500, 0.02, seed=0)).verdict, power_law(make("er", 500, 500, 0.02, seed=0)).verdict
    ('power law', 'no power law: only from 16 to 21')
    >>> fit = power_law([1, 1, 1, 1, 1, 1, 2, 2, 3, 5], n_bootstraps=0)
    >>> round(fit.gamma, 3), fit.xmin, fit.n_tail
    (2.228, 1.0, 10)
    """
    kept = read_samples(degrees_of(samples, side), discrete)
    n_bootstraps = check_size("n_bootstraps", n_bootstraps, least=0)
    rng = random_generator(seed)
    if xmin is not None:
        xmin = read_start(xmin, kept)
    gamma, start, ks = _fitted(kept, xmin)
    tail = kept.tail(start)
    p_value = None
    if n_bootstraps:
        p_value = bootstrap_p(kept, gamma, start, ks, lambda each: _distance(each, xmin), n_bootstraps, rng)
    error = _error(gamma, start, tail)
    return PowerLawFit(gamma, start, ks, p_value, tail.n, kept.n, error, kept.discrete, float(kept.values[-1]), tail)


def _fitted(samples: Samples, xmin: float | None) -> tuple[float, float, float]:
    """Return gamma, xmin and the distance of the best fit, or of the fit from a given xmin on."""
    from topolearn.diagnostics.power_law.kernels import best_start

    if xmin is None:
        i, gamma, ks = best_start(samples.values, samples.counts, samples.discrete, samples.values.size - 1)
        return float(gamma), float(samples.values[i]), float(ks)
    tail = samples.tail(xmin)
    values, counts = tail.values, tail.counts
    if values[0] > xmin:  # no sample equals xmin
        values, counts = np.append(xmin, values), np.append(0, counts)
    _, gamma, ks = best_start(values, counts, samples.discrete, 1)
    return float(gamma), xmin, float(ks)


def _distance(samples: Samples, xmin: float | None) -> float:
    """Return the distance of the best fit; 0 if all synthetic samples are equal, since any exponent fits those."""
    tail = samples if xmin is None else samples.tail(xmin)
    return _fitted(samples, xmin)[2] if tail.values.size > 1 else 0.0


def _error(gamma: float, xmin: float, tail: Samples) -> float:
    """Return the standard error of gamma, from the curvature of the likelihood."""
    if not tail.discrete:
        return (gamma - 1) / float(np.sqrt(tail.n))
    from topolearn.diagnostics.power_law.kernels import zeta

    value, first, second = zeta(gamma, xmin)
    return float(1 / np.sqrt(tail.n * (second / value - (first / value) ** 2)))
