"""Layer distributions: how many links each layer gets."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.profiles import examples
from topolearn.errors import InvalidTypeError, InvalidValueError, UnknownNameError
from topolearn.generators import DISTRIBUTIONS, distribute

PAPER = {"hidden1": (784, 1568), "hidden2": (1568, 1568), "hidden3": (1568, 1568)}


def cells(sizes):
    return {name: n_in * n_out for name, (n_in, n_out) in sizes.items()}


def test_uniform_gives_each_layer_the_same_density():
    assert distribute(PAPER, 0.01) == {"hidden1": 12293, "hidden2": 24586, "hidden3": 24586}


def test_erk_gives_links_in_proportion_to_neurons():
    # 61466 links over 784 + 1568 + 4 * 1568 = 8624 neuron sides: 7.1273 links for each.
    counts = distribute(PAPER, 0.01, "erk")
    assert sum(counts.values()) == round(0.01 * sum(cells(PAPER).values())) == 61466
    assert counts["hidden1"] == pytest.approx(7.1273 * 2352, abs=1)
    assert counts["hidden2"] == pytest.approx(7.1273 * 3136, abs=1)


def test_erk_is_solved_again_when_a_layer_would_exceed_density_one():
    # 1020 links: 'narrow' has 200 cells and would get 343, so it is full, and 'wide' has the other 820.
    assert distribute({"wide": (100, 100), "narrow": (100, 2)}, 0.1, "erk") == {"wide": 820, "narrow": 200}


def test_erk_cascades():
    # First 'c' (1 cell), then with the larger epsilon 'b' too, become full.
    sizes = {"a": (30, 30), "b": (3, 3), "c": (1, 1)}
    counts = distribute(sizes, 0.5, "erk")
    assert (counts["b"], counts["c"]) == (9, 1)
    assert sum(counts.values()) == 455


def test_a_mapping_names_densities_by_pattern_and_the_rest_gets_the_general_one():
    sizes = {"body.0": (10, 10), "body.2": (10, 20), "tail": (10, 10)}
    assert distribute(sizes, 0.1, {"body.2": 0.5, "body.*": 0.2}) == {"body.0": 20, "body.2": 100, "tail": 10}


layers = st.dictionaries(
    st.text("abc", min_size=1, max_size=3), st.tuples(st.integers(1, 40), st.integers(1, 40)), min_size=1, max_size=6
)


@examples(100)
@given(layers, st.floats(0.01, 1.0), st.sampled_from(list(DISTRIBUTIONS)))
def test_counts_are_possible_and_totals_exact(sizes, density, distribution):
    possible = cells(sizes)
    try:
        counts = distribute(sizes, density, distribution)
    except InvalidValueError as error:
        assert "link" in str(error)
        return
    assert list(counts) == list(sizes)
    assert all(1 <= counts[name] <= possible[name] for name in sizes)
    if distribution == "erk":
        assert sum(counts.values()) == round(density * sum(possible.values()))
    else:
        assert counts == {name: round(density * n) for name, n in possible.items()}


@examples(50)
@given(layers, st.floats(0.05, 0.9))
def test_erk_layers_that_are_not_full_have_one_ratio_of_links_to_neurons(sizes, density):
    try:
        counts = distribute(sizes, density, "erk")
    except InvalidValueError:
        return
    ratios = [
        (counts[name] - 1, counts[name] + 1, sum(sizes[name]))
        for name in sizes
        if counts[name] < cells(sizes)[name] - 1
    ]
    low = max((low / neurons for low, _, neurons in ratios), default=0)
    high = min((high / neurons for _, high, neurons in ratios), default=0)
    assert low <= high


@pytest.mark.parametrize(
    ("distribution", "kind", "message"),
    [
        ("erkk", UnknownNameError, "unknown layer distribution 'erkk': did you mean 'erk'"),
        (5, InvalidTypeError, "distribution=5 must be a name, or a dict of densities by layer name"),
        ({"hidden9": 0.1}, InvalidValueError, "no layer matches 'hidden9'.*hidden1, hidden2, hidden3"),
        ({1: 0.5}, InvalidTypeError, "the key 1 of the distribution must be a pattern of layer names"),
        ({"hidden1": 1.5}, InvalidValueError, "density of 'hidden1'=1.5 must lie in"),
        ({"hidden1": 0}, InvalidValueError, "density=0 leaves no link"),
        ({"hidden1": "x"}, InvalidTypeError, "density of 'hidden1'='x' must be a number"),
    ],
)
def test_bad_distributions(distribution, kind, message):
    with pytest.raises(kind, match=message):
        distribute(PAPER, 0.01, distribution)


@pytest.mark.parametrize("distribution", list(DISTRIBUTIONS))
@pytest.mark.parametrize("kind", [np.int8, np.uint8, np.int32])
def test_sizes_are_numbers_of_any_width(kind, distribution):
    """Products and sums of small integers, such as 100 * 100 in 8 bits, do not overflow."""
    plain = {"a": (100, 100), "b": (100, 120, 3), "c": (90, 10)}
    sizes = {name: tuple(map(kind, shape)) for name, shape in plain.items()}
    assert distribute(sizes, 0.1, distribution) == distribute(plain, 0.1, distribution)
    assert DISTRIBUTIONS[distribution](sizes, 0.1) == DISTRIBUTIONS[distribution](plain, 0.1)


@pytest.mark.parametrize(
    ("sizes", "kind", "message"),
    [
        ({"a": (3.0, 3)}, InvalidTypeError, r"sizes\['a'\]=3.0 must be an integer of at least 1"),
        ({"a": (3, True)}, InvalidTypeError, r"sizes\['a'\]=True must be an integer"),
        ({"a": (0, 3)}, InvalidValueError, r"sizes\['a'\]=0 must be at least 1"),
        ({"a": (3,)}, InvalidTypeError, r"sizes\['a'\] = \(3,\): map the name of a layer to \(n_in, n_out\)"),
        ({1: (3, 3)}, InvalidTypeError, r"sizes\[1\] = \(3, 3\): map the name"),
        ([(3, 3)], InvalidTypeError, r"sizes=\[\(3, 3\)\] must be a dict of layer names"),
        ({"a": (2**32, 2**31)}, InvalidValueError, r"must be less than 2\*\*63"),
    ],
)
@pytest.mark.parametrize("distribution", [*DISTRIBUTIONS, {}])
def test_bad_sizes(sizes, kind, message, distribution):
    with pytest.raises(kind, match=message):
        distribute(sizes, 0.5, distribution)


def test_erk_that_leaves_a_layer_empty_is_rejected():
    with pytest.raises(InvalidValueError, match="leaves layer 'small' without links: raise the density"):
        distribute({"large": (1000, 1000), "small": (1, 1)}, 1e-5, "erk")
