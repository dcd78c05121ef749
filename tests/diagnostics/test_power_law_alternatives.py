"""Alternatives to a power law: the package powerlaw, normalisers, maximum likelihoods."""

import warnings

import mpmath
import numpy as np
import pytest
from scipy import integrate, optimize, stats

from topolearn.diagnostics.power_law import ALTERNATIVES, alternatives, power_law
from topolearn.diagnostics.power_law.law import draw


@pytest.mark.parametrize("discrete", [pytest.param(True, marks=pytest.mark.slow), False])
def test_other_laws_agree_with_the_package_powerlaw(discrete):
    powerlaw = pytest.importorskip("powerlaw")
    names = {"exponential": "exponential", "log-normal": "lognormal", "truncated": "truncated_power_law"}
    rng = np.random.default_rng(3)
    samples = draw(300, 2.4, 2, discrete=discrete, rng=rng)
    ours = power_law(samples, xmin=2, discrete=discrete, n_bootstraps=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = powerlaw.Fit(samples, xmin=2, discrete=discrete, verbose=False)
        assert ours.gamma == pytest.approx(theirs.power_law.alpha, abs=2e-3)
        for ours_name, name in names.items():
            nested = name == "truncated_power_law"
            ratio, p = theirs.distribution_compare("power_law", name, nested=nested)
            found = ours.against(ours_name)
            assert found.ratio == pytest.approx(ratio, abs=max(0.2, 0.02 * abs(ratio))), name
            assert found.p_value == pytest.approx(p, abs=0.1), name


@pytest.mark.parametrize("exponent", [0.7, 1.5, 3.0])
@pytest.mark.parametrize("rate", [1e-6, 0.01, 1.0])
def test_the_normaliser_of_the_cut_off_law(exponent, rate):
    def law(x):
        return (mpmath.mpf(x) / 3) ** -exponent * mpmath.exp(-rate * (x - 3))

    cuts = [3, 10, 1e3, 1e5, 1e7, 1e9]
    assert alternatives._cut_integral(exponent, rate, 3.0) == pytest.approx(float(mpmath.quad(law, cuts)), rel=1e-6)
    whole = sum(law(x) for x in range(3, 2000)) + mpmath.quad(law, [2000, *cuts[3:]]) + law(2000) / 2
    assert alternatives._cut_sum(exponent, rate, 3.0) == pytest.approx(float(whole), rel=1e-6)


@pytest.mark.parametrize("name", ALTERNATIVES)
@pytest.mark.parametrize("discrete", [True, False])
def test_alternatives_are_normalised(name, discrete):
    """The likelihoods belong to a law on the tail: they sum, or integrate, to one."""
    samples = draw(300, 3.0, 2, discrete=discrete, rng=np.random.default_rng(0))
    fit = power_law(samples, xmin=2, discrete=discrete, n_bootstraps=0)
    tail = fit._tail
    at = np.arange(2, 200_000, dtype=float) if discrete else np.geomspace(2, 1e7, 400_001)
    found = ALTERNATIVES[name](tail, 2.0, fit.gamma)
    spline = np.interp(np.log(at), np.log(tail.values), found)
    mass = np.exp(spline[at <= tail.values[-1]])
    total = mass.sum() if discrete else np.trapezoid(mass, at[at <= tail.values[-1]])
    assert 0.9 < total < 1.1


def log_normal_tail(x, counts, mean, deviation, xmin, discrete):
    """Return the log-likelihood of a tail, from scipy."""
    law = stats.lognorm(deviation, scale=np.exp(mean))
    if discrete:
        return counts @ (np.log(law.cdf(x + 0.5) - law.cdf(x - 0.5)) - law.logsf(xmin - 0.5))
    return counts @ (law.logpdf(x) - law.logsf(xmin))


def truncated_tail(x, counts, exponent, rate, xmin, discrete):
    """Return the log-likelihood of a tail, with the sum or integral computed directly."""

    def law(x):
        return (x / xmin) ** -exponent * np.exp(-rate * (x - xmin))

    whole = law(np.arange(xmin, 20_000)).sum() if discrete else integrate.quad(law, xmin, 2_000, limit=200)[0]
    return counts @ (np.log(law(x)) - np.log(whole))


@pytest.mark.parametrize("discrete", [True, False])
@pytest.mark.parametrize(
    ("name", "likelihood", "start"),
    [("log-normal", log_normal_tail, (1.5, 1.0)), ("truncated", truncated_tail, (0.5, 0.1))],
)
def test_alternatives_have_the_largest_likelihood(name, likelihood, start, discrete):
    samples = np.random.default_rng(5).lognormal(2, 0.8, 600) + 1
    samples = np.round(samples) if discrete else samples
    fit = power_law(samples, xmin=2, discrete=discrete, n_bootstraps=0)
    x, counts = np.unique(samples[samples >= 2], return_counts=True)

    def loss(p):
        return -likelihood(x, counts, p[0], abs(p[1]), 2.0, discrete)

    best = optimize.minimize(loss, start, method="Nelder-Mead", options={"xatol": 1e-6, "fatol": 1e-7}).fun
    assert fit.against(name).ratio == pytest.approx(counts @ np.log(fit.pdf(x)) + best, abs=1e-4)
