"""Power laws: published exponents, brute force, the package powerlaw, p-values, other laws, odd samples."""

import gzip
import json
import math
import warnings
from pathlib import Path

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, special, stats

from topolearn.diagnostics.power_law import ALTERNATIVES, alternatives, power_law
from topolearn.diagnostics.power_law.kernels import zeta
from topolearn.diagnostics.power_law.law import draw
from topolearn.errors import InvalidTypeError, InvalidValueError, UndefinedMeasureError, UnknownNameError

DATA = Path(__file__).parents[3] / "shared" / "data" / "powerlaw"
PUBLISHED = ("words", "terrorism", "blackouts", "cities", "fires")
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the published samples are not there")


def published(name):
    """A published sample, and what is known of it."""
    known = json.loads((DATA / "reference.json").read_text())[name]
    packed = DATA / f"{name}.txt.gz"
    text = gzip.decompress(packed.read_bytes()).decode() if packed.is_file() else (DATA / f"{name}.txt").read_text()
    return np.array(text.split(), dtype=float) * known["factor"], known


@needs_data
@pytest.mark.parametrize("name", PUBLISHED)
def test_published_exponents(name):
    samples, known = published(name)
    at = power_law(samples, xmin=known["xmin"], discrete=known["discrete"], n_bootstraps=0)
    assert at.n_tail == known["n_tail"]
    assert at.gamma == pytest.approx(known["mle_alpha_at_xmin"], abs=1e-4)
    assert at.gamma == pytest.approx(known["alpha"], rel=0.02)
    own = power_law(samples, discrete=known["discrete"], n_bootstraps=0)
    assert own.gamma == pytest.approx(known["alpha"], rel=0.05)
    assert own.ks <= at.ks + 1e-12


@pytest.mark.parametrize("s", [1.01, 1.5, 2.5, 7, 40])
@pytest.mark.parametrize("q", [1, 3, 20, 1000])
def test_zeta_and_its_derivatives(s, q):
    """Against mpmath, in 40 digits; the first term is divided out of all three."""
    with mpmath.workdps(40):
        whole, first, second = (mpmath.zeta(s, q, k) * mpmath.mpf(q) ** s for k in range(3))
        log = mpmath.log(q)
        expected = whole, first + log * whole, second + 2 * log * first + log**2 * whole
    assert zeta(s, float(q)) == pytest.approx([float(each) for each in expected], rel=1e-9)


def fit_at(samples, xmin, discrete):
    """Gamma and distance from xmin on, in plain numpy."""
    tail = np.sort(samples[samples >= xmin])
    mean_log = np.log(tail / xmin).mean()
    if not discrete:
        gamma = 1 + 1 / mean_log
        return gamma, stats.kstest(tail, lambda x: 1 - (x / xmin) ** (1 - gamma)).statistic
    gamma = optimize.minimize_scalar(
        lambda g: np.log(special.zeta(g, xmin)) + g * np.log(tail).mean(),
        bounds=(1.0001, 60), method="bounded", options={"xatol": 1e-11},
    ).x  # fmt: skip
    at = np.arange(xmin, tail[-1] + 1)
    fit = 1 - special.zeta(gamma, at + 1) / special.zeta(gamma, xmin)
    return gamma, np.abs(np.searchsorted(tail, at, side="right") / tail.size - fit).max()


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(1, 40), min_size=2, max_size=40).filter(lambda x: len(set(x)) > 1))
def test_whole_numbers_agree_with_brute_force(samples):
    found, samples = power_law(samples, n_bootstraps=0), np.array(samples)
    if found.gamma < 50:
        gamma, distance = fit_at(samples, found.xmin, True)
        assert (found.gamma, found.ks) == pytest.approx((gamma, distance), rel=1e-4, abs=1e-6)
        assert found.ks <= min(fit_at(samples, xmin, True)[1] for xmin in np.unique(samples)[:-1]) + 1e-6


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 150), st.integers(0, 10**6), st.booleans())
def test_other_numbers_agree_with_brute_force(n, seed, tied):
    samples = np.random.default_rng(seed).pareto(1.5, n) + 0.5
    samples = np.concatenate([samples, samples[: n // 2]]) if tied else samples
    found = power_law(samples, n_bootstraps=0)
    assert (found.gamma, found.ks) == pytest.approx(fit_at(samples, found.xmin, False), rel=1e-9)
    assert found.ks <= min(fit_at(samples, xmin, False)[1] for xmin in np.unique(samples)[:-1]) + 1e-12


@pytest.mark.parametrize(("gamma", "xmin"), [(2.5, 1), (2.1, 6), (3.5, 2)])
@pytest.mark.parametrize("discrete", [True, False])
def test_a_law_that_was_drawn_is_found_again(gamma, xmin, discrete):
    samples = draw(20_000, gamma, xmin, discrete=discrete, rng=np.random.default_rng(1))
    found = power_law(samples, xmin=xmin, discrete=discrete, n_bootstraps=0)
    assert abs(found.gamma - gamma) < 4 * found.gamma_error
    at = np.unique(samples)[:30]
    np.testing.assert_allclose(found.ccdf(at), [(samples >= x).mean() for x in at], atol=0.02)
    if discrete:
        np.testing.assert_allclose(found.pdf(at[:5]), [(samples == x).mean() for x in at[:5]], atol=0.02)


def test_the_error_is_that_of_repeated_samples():
    for discrete in (True, False):
        fits = [
            power_law(
                draw(400, 2.5, 2, discrete=discrete, rng=np.random.default_rng(i)),
                xmin=2, discrete=discrete, n_bootstraps=0,
            )
            for i in range(300)
        ]  # fmt: skip
        assert np.std([fit.gamma for fit in fits]) == pytest.approx(np.mean([f.gamma_error for f in fits]), rel=0.15)


@pytest.mark.parametrize("discrete", [True, False])
def test_p_values_of_power_laws_are_uniform(discrete):
    p_values = [
        power_law(
            draw(150, 2.5, 1, discrete=discrete, rng=np.random.default_rng(i)),
            discrete=discrete, n_bootstraps=60, seed=i, xmin=1,
        ).p_value
        for i in range(200)
    ]  # fmt: skip
    assert stats.kstest(p_values, "uniform").pvalue > 0.01


def test_p_values_with_a_searched_start_are_uniform_enough():
    p_values = []
    for i in range(120):
        rng = np.random.default_rng(i)
        samples = np.concatenate([rng.uniform(0.2, 1, 60), draw(200, 2.5, 1, discrete=False, rng=rng)])
        p_values.append(power_law(samples, n_bootstraps=40, seed=i).p_value)
    assert np.mean(np.array(p_values) < 0.1) < 0.2
    assert 0.4 < np.mean(p_values) < 0.7


@pytest.mark.parametrize("law", [lambda r: r.exponential(20, 3000) + 1, lambda r: r.geometric(0.05, 3000)])
def test_exponentials_are_rejected(law):
    samples = law(np.random.default_rng(0))
    assert power_law(samples, xmin=1, n_bootstraps=50).p_value == 0
    found = power_law(samples, xmin=1, n_bootstraps=0)
    assert found.against("exponential").ratio < 0
    assert found.against("exponential").p_value < 1e-6
    assert found.against("truncated").p_value < 1e-6


@pytest.mark.parametrize("discrete", [True, False])
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
    """The likelihoods are those of a law on the tail: they sum, or integrate, to one."""
    samples = draw(300, 3.0, 2, discrete=discrete, rng=np.random.default_rng(0))
    fit = power_law(samples, xmin=2, discrete=discrete, n_bootstraps=0)
    tail = fit._tail
    at = np.arange(2, 200_000, dtype=float) if discrete else np.geomspace(2, 1e7, 400_001)
    found = ALTERNATIVES[name](tail, 2.0, fit.gamma)
    spline = np.interp(np.log(at), np.log(tail.values), found)
    mass = np.exp(spline[at <= tail.values[-1]])
    total = mass.sum() if discrete else np.trapezoid(mass, at[at <= tail.values[-1]])
    assert 0.9 < total < 1.1


def test_same_seed_same_p_value():
    samples = draw(300, 2.5, 1, discrete=True, rng=np.random.default_rng(0))
    p = [power_law(samples, seed=seed).p_value for seed in (1, 1, 2)]
    assert p[0] == p[1]
    assert power_law(samples, n_bootstraps=0).p_value is None


@pytest.mark.parametrize(
    ("samples", "options", "error", "message"),
    [
        (["a", "b"], {}, InvalidTypeError, "must be numbers"),
        ([[1, 2], [3, 4]], {}, InvalidValueError, r"shape \(2, 2\) must be one row"),
        ([1, 2, math.nan], {}, InvalidValueError, "sample nan cannot follow"),
        ([1, 2, -3], {}, InvalidValueError, "sample -3.0 cannot follow"),
        ([1, 2, math.inf], {}, InvalidValueError, "sample inf cannot follow"),
        ([1, 2.5], {"discrete": True}, InvalidValueError, "sample 2.5 is not whole"),
        ([1, 2, 3], {"xmin": 0}, InvalidValueError, "xmin=0 must be a number above 0"),
        ([1, 2, 3], {"xmin": 1.5}, InvalidValueError, "xmin=1.5 must be whole"),
        ([1, 2, 3], {"n_bootstraps": -1}, InvalidValueError, "n_bootstraps=-1 must be at least 0"),
        ([], {}, UndefinedMeasureError, "no sample is above 0"),
        ([0, 0], {}, UndefinedMeasureError, "no sample is above 0"),
        ([4, 4, 4, 0], {}, UndefinedMeasureError, "all samples above 0 are 4: two different values are needed"),
        ([1, 2, 3], {"xmin": 3}, UndefinedMeasureError, "from xmin=3 on is undefined"),
        ([1, 2, 3], {"xmin": 9}, UndefinedMeasureError, "from xmin=9 on is undefined"),
    ],
)
def test_odd_samples_are_refused(samples, options, error, message):
    with pytest.raises(error, match=message):
        power_law(samples, **options)


def test_an_unknown_law_is_refused():
    with pytest.raises(UnknownNameError, match="did you mean 'log-normal'"):
        power_law([1, 1, 2], n_bootstraps=0).against("lognormal")


@pytest.mark.parametrize("samples", [[1, 2], [1, 10**9], [1000] * 10_000 + [1001], [1, 1, 1, 1, 3], [0.5, 0.5000001]])
def test_extreme_samples_have_a_fit(samples):
    found = power_law(samples, n_bootstraps=20)
    assert found.gamma > 1
    assert all(math.isfinite(x) for x in (found.gamma, found.ks, found.p_value, found.gamma_error))
    for name in ALTERNATIVES:
        assert math.isfinite(found.against(name).ratio)


def test_zeros_are_left_out():
    assert power_law([0, 0, 1, 1, 2, 3], n_bootstraps=0) == power_law([1, 1, 2, 3], n_bootstraps=0)


def test_a_start_without_a_sample_is_taken_as_it_is():
    samples = np.array([4, 5, 5, 7, 12])
    found = power_law(samples, xmin=3, n_bootstraps=0)
    expected = optimize.minimize_scalar(
        lambda g: np.log(special.zeta(g, 3)) + g * np.log(samples).mean(), bounds=(1.001, 20), method="bounded"
    ).x
    assert (found.xmin, found.n_tail) == (3, 5)
    assert found.gamma == pytest.approx(expected, abs=1e-4)
