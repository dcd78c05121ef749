"""Power laws: published exponents, brute force, the package powerlaw, p-values, other laws, unusual samples."""

import gzip
import json
import math
import warnings
from pathlib import Path

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, optimize, special, stats

from tests.profiles import examples
from topolearn.diagnostics.power_law import ALTERNATIVES, power_law
from topolearn.diagnostics.power_law.kernels import zeta
from topolearn.diagnostics.power_law.law import draw
from topolearn.errors import InvalidTypeError, InvalidValueError, UndefinedMeasureError, UnknownNameError

DATA = Path(__file__).parents[3] / "shared" / "data" / "powerlaw"
PUBLISHED = ("words", "terrorism", "blackouts", "cities", "fires")
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the published samples are not available")


def published(name):
    """A published sample, and its reference values."""
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
    """Against mpmath with 40 digits; all three are divided by the first term."""
    with mpmath.workdps(40):
        whole, first, second = (mpmath.zeta(s, q, k) * mpmath.mpf(q) ** s for k in range(3))
        log = mpmath.log(q)
        expected = whole, first + log * whole, second + 2 * log * first + log**2 * whole
    assert zeta(s, float(q)) == pytest.approx([float(each) for each in expected], rel=1e-9)


def gaps(tail, fit):
    """The largest gaps between a sorted tail and a continuous distribution, below the steps and above them."""
    values, first = np.unique(tail, return_index=True)
    steps = np.append(first, tail.size) / tail.size
    return np.abs(steps[:-1] - fit(values)).max(), np.abs(steps[1:] - fit(values)).max()


def fit_at(samples, xmin, discrete):
    """Gamma and distance from xmin on, in plain numpy."""
    tail = np.sort(samples[samples >= xmin])
    mean_log = np.log(tail / xmin).mean()
    if not discrete:
        gamma = 1 + 1 / mean_log
        return gamma, max(gaps(tail, lambda x: 1 - (x / xmin) ** (1 - gamma)))
    gamma = optimize.minimize_scalar(
        lambda g: np.log(special.zeta(g, xmin)) + g * np.log(tail).mean(),
        bounds=(1.0001, 60), method="bounded", options={"xatol": 1e-11},
    ).x  # fmt: skip
    at = np.arange(xmin, tail[-1] + 1)
    fit = 1 - special.zeta(gamma, at + 1) / special.zeta(gamma, xmin)
    return gamma, np.abs(np.searchsorted(tail, at, side="right") / tail.size - fit).max()


@examples(50)
@given(st.lists(st.integers(1, 40), min_size=2, max_size=40).filter(lambda x: len(set(x)) > 1))
def test_whole_numbers_agree_with_brute_force(samples):
    found, samples = power_law(samples, n_bootstraps=0), np.array(samples)
    if found.gamma < 50:
        gamma, distance = fit_at(samples, found.xmin, True)
        assert (found.gamma, found.ks) == pytest.approx((gamma, distance), rel=1e-4, abs=1e-6)
        assert found.ks <= min(fit_at(samples, xmin, True)[1] for xmin in np.unique(samples)[:-1]) + 1e-6


@examples(25)
@given(st.integers(2, 300), st.integers(0, 10**6), st.booleans())
def test_other_numbers_agree_with_brute_force(n, seed, tied):
    samples = np.random.default_rng(seed).pareto(1.5, n) + 0.5
    samples = np.concatenate([samples, samples[: n // 2]]) if tied else samples
    found = power_law(samples, n_bootstraps=0)
    assert (found.gamma, found.ks) == pytest.approx(fit_at(samples, found.xmin, False), rel=1e-9)
    assert found.ks <= min(fit_at(samples, xmin, False)[1] for xmin in np.unique(samples)[:-1]) + 1e-12


@pytest.mark.parametrize("law", [lambda r: r.exponential(300, 400), lambda r: r.pareto(1.2, 400) * 300])
def test_the_search_among_many_whole_numbers_is_complete(law):
    """With enough distinct values for the coarse comparison to reject candidates early."""
    samples = np.ceil(law(np.random.default_rng(0)))
    found = power_law(samples, n_bootstraps=0)
    fits = {xmin: power_law(samples, xmin=xmin, n_bootstraps=0) for xmin in np.unique(samples)[:-1]}
    assert len(fits) > 200
    assert found == min(fits.values(), key=lambda fit: fit.ks)
    assert found.ks == pytest.approx(fit_at(samples, found.xmin, True)[1], rel=1e-6)


SLOW = pytest.mark.slow


@pytest.mark.parametrize(
    ("gamma", "xmin"), [(2.5, 1), *(pytest.param(*law, marks=SLOW) for law in [(2.1, 6), (3.5, 2)])]
)
@pytest.mark.parametrize("discrete", [True, False])
def test_the_law_of_drawn_samples_is_recovered(gamma, xmin, discrete):
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
            discrete=discrete, n_bootstraps=50, seed=i, xmin=1,
        ).p_value
        for i in range(120)
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


@pytest.mark.parametrize("law", [lambda r: r.exponential(20, 1000) + 1, lambda r: r.geometric(0.05, 1000)])
def test_exponentials_are_rejected(law):
    """With xmin=1: a searched xmin would retreat to a tail short enough to pass for a power law."""
    samples = law(np.random.default_rng(0))
    assert power_law(samples, xmin=1, n_bootstraps=50).p_value == 0
    found = power_law(samples, xmin=1, n_bootstraps=0)
    assert found.against("exponential").ratio < 0
    assert found.against("exponential").p_value < 1e-6
    assert found.against("truncated").p_value < 1e-6


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=SLOW) for seed in range(1, 6))])
@pytest.mark.parametrize("discrete", [True, False])
def test_fits_agree_with_the_package_powerlaw(seed, discrete):
    """That package compares only just below the steps of the data; by that distance its xmin is the best."""
    powerlaw = pytest.importorskip("powerlaw")
    rng = np.random.default_rng(seed)
    below = rng.integers(1, 3, 60) if discrete else rng.uniform(0.3, 2, 60)
    samples = np.concatenate([draw(300, 2.4, 2, discrete=discrete, rng=rng), below])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = powerlaw.Fit(samples, discrete=discrete, verbose=False).power_law

    def at(xmin):
        return power_law(samples, xmin=xmin, discrete=discrete, n_bootstraps=0)

    def below_steps(xmin):
        fit = at(xmin)
        return gaps(np.sort(samples[samples >= xmin]), lambda x: 1 - fit.ccdf(x))[0]

    assert at(theirs.xmin).gamma == pytest.approx(theirs.alpha, rel=1e-4 if discrete else 1e-12)
    assert below_steps(theirs.xmin) == pytest.approx(float(theirs.D), abs=1e-4 if discrete else 1e-12)
    assert at(theirs.xmin).ks >= below_steps(theirs.xmin) - 1e-12
    assert min(np.unique(samples)[:-1], key=below_steps) == theirs.xmin
    assert power_law(samples, discrete=discrete, n_bootstraps=0).ks <= at(theirs.xmin).ks + 1e-12


def test_same_seed_same_p_value():
    samples = draw(300, 2.5, 1, discrete=True, rng=np.random.default_rng(0))
    p = [power_law(samples, seed=seed, xmin=1).p_value for seed in (1, 1, np.random.default_rng(1), 2, 3, 4)]
    assert p[0] == p[1] == p[2]
    assert len(set(p)) > 1
    assert power_law(samples, n_bootstraps=0).p_value is None


def test_a_given_generator_advances():
    rng = np.random.default_rng(1)
    samples = draw(300, 2.5, 1, discrete=True, rng=np.random.default_rng(0))
    assert len({power_law(samples, seed=rng, xmin=1).p_value for _ in range(4)}) > 1


@pytest.mark.parametrize(
    ("samples", "options", "error", "message"),
    [
        (["a", "b"], {}, InvalidTypeError, "must be numbers"),
        (["1", "2"], {}, InvalidTypeError, "must be numbers"),
        ([1, None], {}, InvalidTypeError, "must be numbers"),
        ([[1], [2, 3]], {}, InvalidTypeError, "must be numbers"),
        (np.array([1 + 2j, 3]), {}, InvalidTypeError, "must be numbers"),
        (np.array(["2020-01-01", "2020-01-02"], dtype="datetime64[D]"), {}, InvalidTypeError, "must be numbers"),
        ([1, 10**400], {}, InvalidValueError, "too large for a float"),
        ([1, 1e200], {}, InvalidValueError, r"sample 1e\+200 must lie in .*: use another unit"),
        ([1, 2**52], {"discrete": True}, InvalidValueError, r"is not an integer below 2\*\*52: leave discrete out"),
        (3.0, {}, InvalidValueError, r"shape \(\) must be a 1-D array"),
        ([[1, 2], [3, 4]], {}, InvalidValueError, r"shape \(2, 2\) must be a 1-D array"),
        ([1, 2, math.nan], {}, InvalidValueError, "sample nan cannot follow"),
        ([1, 2, -3], {}, InvalidValueError, "sample -3.0 cannot follow"),
        ([1, 2, math.inf], {}, InvalidValueError, "sample inf cannot follow"),
        ([1, 2.5], {"discrete": True}, InvalidValueError, "sample 2.5 is not an integer"),
        ([1, 2, 3], {"xmin": 0}, InvalidValueError, "xmin=0 must be a number above 0"),
        ([1, 2, 3], {"xmin": 1.5}, InvalidValueError, "xmin=1.5 must be an integer, like the samples"),
        ([1, 2, 3], {"xmin": "1"}, InvalidTypeError, "xmin='1' must be a number"),
        ([1, 2, 3], {"xmin": math.nan}, InvalidValueError, "xmin=nan must be a number above 0"),
        ([1, 2, 3], {"discrete": "no"}, InvalidTypeError, "discrete='no' must be True, False or None"),
        ([1, 2, 3], {"seed": -1, "n_bootstraps": 0}, InvalidValueError, "seed=-1"),
        ([1, 2, 3], {"n_bootstraps": 2.5}, InvalidTypeError, "n_bootstraps=2.5 must be an integer"),
        ([1, 2, 3], {"n_bootstraps": -1}, InvalidValueError, "n_bootstraps=-1 must be at least 0"),
        ([], {}, UndefinedMeasureError, "no sample is above 0"),
        ([0, 0], {}, UndefinedMeasureError, "no sample is above 0"),
        ([4, 4, 4, 0], {}, UndefinedMeasureError, "all samples above 0 are 4: two different values are needed"),
        ([1, 2, 3], {"xmin": 3}, UndefinedMeasureError, "from xmin=3 on is undefined.*at most 2"),
        ([1, 2, 3], {"xmin": 9}, UndefinedMeasureError, "from xmin=9 on is undefined"),
    ],
)
def test_invalid_samples_are_rejected(samples, options, error, message):
    with pytest.raises(error, match=message):
        power_law(samples, **options)


def test_an_unknown_law_is_rejected():
    with pytest.raises(UnknownNameError, match="did you mean 'log-normal'"):
        power_law([1, 1, 2], n_bootstraps=0).against("lognormal")


@pytest.mark.parametrize(
    "samples",
    [
        [1, 2], [1, 10**9], [1000] * 10_000 + [1001], [1, 1, 1, 1, 3], [0.5, 0.5000001], [1, 10**15, 10**15],
        [2**51, 2**51 + 1, 2**51 + 9], [2**60, 2**61, 2**62], [1e-150, 1, 1e150], [1, 1, np.nextafter(1, 2)],
    ],
)  # fmt: skip
def test_extreme_samples_have_a_fit(samples):
    found = power_law(samples, n_bootstraps=20)
    assert found.gamma > 1
    assert all(math.isfinite(x) for x in (found.gamma, found.ks, found.p_value, found.gamma_error))
    for name in ALTERNATIVES:
        against = found.against(name)
        assert math.isfinite(against.ratio)
        assert 0 <= against.p_value <= 1


@pytest.mark.parametrize("start", [10**6, 10**9, 10**12, 10**15])
def test_nearly_equal_whole_numbers_follow_a_geometric_law(start):
    """For large x, (1 + k/x)^-gamma is exp(-k gamma/x); with a mean k of 2/3 each probability is 0.4 of the last."""
    found = power_law([start, start + 1, start + 1], n_bootstraps=0)
    assert found.gamma / start == pytest.approx(-math.log(0.4), rel=1e-5)
    assert found.ks == pytest.approx(0.6 - 1 / 3, abs=1e-5)


def test_drawn_whole_numbers_follow_the_law():
    """Both those from the table and those from the bisection beyond it."""
    drawn = draw(200_000, 1.6, 3, discrete=True, rng=np.random.default_rng(0))
    ends = np.array([3, 4, 5, 8, 20, 100, 513, 515, 600, 5_000, 10**6])
    expected = -np.diff(np.append(special.zeta(1.6, ends), 0)) / special.zeta(1.6, 3)
    counts = np.diff(np.append(np.searchsorted(np.sort(drawn), ends), drawn.size))
    assert stats.chisquare(counts, expected * drawn.size).pvalue > 0.01
    assert (drawn == np.floor(drawn)).all()
    assert draw(100, 1.01, 1, discrete=True, rng=np.random.default_rng(0)).max() == 2**52


def test_the_law_outside_its_support():
    discrete = power_law([1, 1, 2, 3], n_bootstraps=0)
    assert discrete.pdf([-1, 0, 0.5, 1.5]).tolist() == [0] * 4
    assert discrete.ccdf([-1, 0, 1, math.inf]).tolist() == [1, 1, 1, 0]
    assert discrete.ccdf(1.5) == discrete.ccdf(2) == pytest.approx(1 - discrete.pdf(1))
    continuous = power_law([1, 1, 2, 3.5], n_bootstraps=0)
    assert continuous.pdf([0, 0.9]).tolist() == [0, 0]
    assert integrate.quad(continuous.pdf, 2, math.inf)[0] == pytest.approx(continuous.ccdf(2))


def test_the_repr_of_a_fit():
    found = power_law([1, 1, 1, 2, 3, 0], n_bootstraps=0)
    numbers = "gamma=2.328 ± 0.65, xmin=1, ks=0.105, n_tail=5 of 5, discrete"
    assert repr(found) == f"PowerLawFit(no power law: only 5 in the tail; {numbers})"
    assert "p_value=" in repr(power_law([1, 1, 1, 2, 3, 0], n_bootstraps=2))


def test_zeros_are_left_out():
    assert power_law([0, 0, 1, 1, 2, 3], n_bootstraps=0) == power_law([1, 1, 2, 3], n_bootstraps=0)


def test_an_xmin_that_is_not_a_sample_is_used_as_given():
    samples = np.array([4, 5, 5, 7, 12])
    found = power_law(samples, xmin=3, n_bootstraps=0)
    expected = optimize.minimize_scalar(
        lambda g: np.log(special.zeta(g, 3)) + g * np.log(samples).mean(), bounds=(1.001, 20), method="bounded"
    ).x
    assert (found.xmin, found.n_tail) == (3, 5)
    assert found.gamma == pytest.approx(expected, abs=1e-4)
