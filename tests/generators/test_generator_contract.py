"""The contract of every generator in the registry: counts, seeds, shapes and errors."""

import hashlib
import math
import os
import random
import subprocess
import sys
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import assume, example, given
from hypothesis import strategies as st

from tests.profiles import examples
from topolearn import generators
from topolearn.errors import InvalidTypeError, InvalidValueError, TopolearnError, UnknownNameError
from topolearn.generators import GENERATORS, link_count, names
from topolearn.graph import BipartiteGraph

EACH = pytest.mark.parametrize("name", list(GENERATORS))
FEW = examples(30)
SIZES = st.integers(1, 40)
SEEDS = st.integers(0, 2**40)
# Arguments of models other than the seed. Few features are tiled often, so that ties leave much to draw.
NEEDS = {"csti": {"data": [[0, 1, 2], [1, 3, 1], [2, 0, 5], [4, 1, 1]]}}


FEWEST_LINKS = {"bsf": lambda n_in, n_out: n_in + n_out - 1}


def make(name, *layer, **params):
    return generators.make(name, *layer, **NEEDS.get(name, {}), **params)


def has_too_few_links(name, n_in, n_out, density):
    """Whether the layer has too few links for the model; then the error must name the densities that work."""
    if round(density * n_in * n_out) >= FEWEST_LINKS.get(name, lambda *_: 1)(n_in, n_out):
        return False
    with pytest.raises(InvalidValueError, match=r"use a density in \["):
        make(name, n_in, n_out, density, seed=0)
    return True


@EACH
@FEW
@given(n_in=SIZES, n_out=SIZES, density=st.floats(0, 1, exclude_min=True), seed=SEEDS)
@example(n_in=40, n_out=3, density=1.0, seed=0)
@example(n_in=1, n_out=1, density=1.0, seed=0)
@example(n_in=1, n_out=7, density=0.5, seed=0)
@example(n_in=5, n_out=5, density=0.02001, seed=0)
def test_exact_links_and_one_graph_for_each_seed(name, n_in, n_out, density, seed):
    n_links = round(density * (n_in * n_out))
    assume(n_links > 0)
    if has_too_few_links(name, n_in, n_out, density):
        return
    graph = make(name, n_in, n_out, density, seed=seed)
    assert isinstance(graph, BipartiteGraph)
    assert graph.n_links == n_links == link_count(n_in, n_out, density)
    assert (graph.n_in, graph.n_out) == (n_in, n_out)
    assert graph.edges().shape == (n_links, 2)
    assert make(name, n_in, n_out, density, seed=seed) == graph
    assert GENERATORS[name](n_in, n_out, density, seed=seed, **NEEDS.get(name, {})) == graph
    assert make(name, n_in, n_out, density, seed=np.random.default_rng(seed)) == graph


@EACH
@pytest.mark.parametrize(("n_in", "n_out"), [(30, 20), (20, 30), (25, 25), (1, 200), (200, 1)])
def test_different_seeds_differ(name, n_in, n_out):
    if has_too_few_links(name, n_in, n_out, 0.2):
        return
    made = {make(name, n_in, n_out, 0.2, seed=seed) for seed in range(10)}
    made |= {make(name, n_in, n_out, 0.2) for _ in range(3)}
    rng = np.random.default_rng(10)
    made |= {make(name, n_in, n_out, 0.2, seed=rng) for _ in range(3)}
    assert len(made) == 16


@EACH
@pytest.mark.parametrize(("n_in", "n_out"), [(1, 1), (6, 4), (4, 6), (5, 5)])
def test_density_one_is_complete(name, n_in, n_out):
    for seed in range(3):
        assert make(name, n_in, n_out, 1, seed=seed).to_scipy().toarray().all()


@EACH
@pytest.mark.parametrize(("n_in", "n_out"), [(784, 1568), (1568, 784), (1000, 10)])
def test_layers_of_the_usual_sizes(name, n_in, n_out):
    if has_too_few_links(name, n_in, n_out, 0.01):
        return
    graph = make(name, n_in, n_out, 0.01, seed=0)
    assert graph.shape == (n_out, n_in)
    assert graph.n_links == round(0.01 * n_in * n_out)


@EACH
def test_a_layer_too_large_for_a_dense_matrix(name):
    """4e10 cells, more than 32 bits can count."""
    if has_too_few_links(name, 200_000, 200_000, 2.5e-8):
        return
    graph = make(name, 200_000, 200_000, 2.5e-8, seed=0)
    assert graph.n_links == 1000
    assert graph.cells[-1] > 2**32


@EACH
@pytest.mark.parametrize("kind", [np.int8, np.int16, np.uint8, np.int32, np.int64, np.uint64])
def test_numpy_sizes_are_plain_sizes(name, kind):
    """Their product must not overflow."""
    assert make(name, kind(100), kind(90), 0.1, seed=0) == make(name, 100, 90, 0.1, seed=0)


@EACH
@pytest.mark.parametrize("density", [np.float64(0.25), Fraction(1, 4), np.float32(0.25)])
def test_any_real_density(name, density):
    assert make(name, 10, 8, density, seed=1) == make(name, 10, 8, 0.25, seed=1)


@EACH
def test_global_random_states_are_not_touched(name):
    before = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    for seed in (None, 3, np.random.default_rng(3)):
        make(name, 30, 20, 0.1, seed=seed)
    after = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    assert before[0] == after[0]
    np.testing.assert_array_equal(before[1][1], after[1][1])
    assert before[1][2:] == after[1][2:]
    assert torch.equal(before[2], after[2])


@EACH
@pytest.mark.parametrize(
    ("n_in", "n_out", "density", "error", "message"),
    [
        (8, 6, 0, InvalidValueError, "density=0 "),
        (8, 6, 1e-4, InvalidValueError, "no link.*0.0208"),
        (8, 6, 0.5 / 48, InvalidValueError, "no link"),
        (8, 6, 1.0001, InvalidValueError, "density=1.0001"),
        (8, 6, -0.1, InvalidValueError, "density=-0.1"),
        (8, 6, math.nan, InvalidValueError, "density=nan"),
        (8, 6, math.inf, InvalidValueError, "density=inf"),
        (0, 6, 0.5, InvalidValueError, "n_in=0"),
        (8, 0, 0.5, InvalidValueError, "n_out=0"),
        (-8, 6, 0.5, InvalidValueError, "n_in=-8"),
        (8.0, 6, 0.5, InvalidTypeError, "n_in=8.0"),
        (8, np.float64(6), 0.5, InvalidTypeError, "n_out="),
        (True, 6, 0.5, InvalidTypeError, "n_in=True"),
        (8, True, 0.5, InvalidTypeError, "n_out=True"),
        ("8", 6, 0.5, InvalidTypeError, "n_in='8'"),
        (None, 6, 0.5, InvalidTypeError, "n_in=None"),
        (2**32, 2**32, 1e-18, InvalidValueError, r"n_in \* n_out must be less than 2\*\*63"),
        (8, 6, True, InvalidTypeError, "density=True"),
        (8, 6, "0.5", InvalidTypeError, "density='0.5'"),
        (8, 6, None, InvalidTypeError, "density=None"),
        (8, 6, Decimal("0.5"), InvalidTypeError, "density="),
        (8, 6, 0.5 + 0j, InvalidTypeError, "density="),
    ],
)
def test_impossible_layers_are_rejected(name, n_in, n_out, density, error, message):
    with pytest.raises(error, match=message) as caught:
        make(name, n_in, n_out, density, seed=0)
    assert isinstance(caught.value, TopolearnError)
    assert isinstance(caught.value, TypeError if error is InvalidTypeError else ValueError)


@EACH
def test_unknown_parameters_are_rejected(name):
    with pytest.raises(InvalidValueError, match=f"{name!r} has no parameter 'colour'"):
        make(name, 8, 6, 0.5, colour=1)


def test_unknown_parameters_are_rejected_with_a_suggestion():
    with pytest.raises(InvalidValueError, match="did you mean 'beta'"):
        make("bsw", 8, 6, 0.5, betta=0.1)
    with pytest.raises(InvalidValueError, match="'er' has no parameter 'beta': it has none"):
        make("er", 8, 6, 0.5, beta=0.1)


@pytest.mark.parametrize(
    ("name", "hint"), [("bws", "did you mean 'bsw'"), ("BSW", "did you mean 'bsw'"), ("", "er, bsw")]
)
def test_unknown_names_are_rejected_with_a_suggestion(name, hint):
    with pytest.raises(UnknownNameError, match=hint) as caught:
        make(name, 8, 6, 0.5)
    assert "unknown generator" in str(caught.value)


def test_the_registry_and_the_functions_are_the_same():
    assert names() == list(GENERATORS)
    assert {"er", "bsw"} <= set(names())
    assert GENERATORS["er"] is generators.erdos_renyi
    assert GENERATORS["bsw"] is generators.bipartite_small_world


def fingerprint(name):
    return hashlib.sha256(make(name, 300, 200, 0.05, seed=11).edges().tobytes()).hexdigest()


def test_another_process_makes_the_same_graphs():
    code = (
        "import hashlib, sys, topolearn as tl\n"
        f"needs = {NEEDS}\n"
        "for name in sys.argv[1:]:\n"
        "    edges = tl.generators.make(name, 300, 200, 0.05, seed=11, **needs.get(name, {})).edges()\n"
        "    print(hashlib.sha256(edges.tobytes()).hexdigest())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *GENERATORS],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONHASHSEED": "77", "OMP_NUM_THREADS": "1"},
    )
    assert done.stdout.split() == [fingerprint(name) for name in GENERATORS]


@EACH
@pytest.mark.parametrize(
    ("seed", "message"), [(-1, "seed=-1 must be at least 0"), ("a", "seed='a' must be an integer"), (1.5, "seed=1.5")]
)
def test_bad_seeds_are_rejected(name, seed, message):
    with pytest.raises(TopolearnError, match=message):
        make(name, 5, 5, 0.5, seed=seed)
