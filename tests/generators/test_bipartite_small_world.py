"""The bipartite small-world model: its lattice, its rewiring, and the closure in between."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from tests.profiles import examples
from topolearn.diagnostics import closure
from topolearn.errors import InvalidTypeError, InvalidValueError
from topolearn.generators import bipartite_small_world, erdos_renyi

FEW = examples(40)
SIZES = st.integers(1, 40)
DENSITIES = st.floats(0.02, 1)


def lattice(n_in, n_out, density, seed=0):
    return bipartite_small_world(n_in, n_out, density, beta=0, seed=seed)


def sides(graph):
    """Degrees of the smaller and of the larger side, and the neighbours of each neuron of the larger one."""
    rows = graph.to_scipy().toarray()
    if graph.n_out <= graph.n_in:
        return graph.fan_in, graph.fan_out, [np.flatnonzero(column) for column in rows.T]
    return graph.fan_out, graph.fan_in, [np.flatnonzero(row) for row in rows]


@FEW
@given(n_in=SIZES, n_out=SIZES, density=DENSITIES, seed=st.integers(0, 99))
def test_degrees_of_the_lattice(n_in, n_out, density, seed):
    assume(round(density * (n_in * n_out)) > 0)
    graph = lattice(n_in, n_out, density, seed)
    small, large, _ = sides(graph)
    assert set(large.tolist()) <= {graph.n_links // large.size, -(-graph.n_links // large.size)}
    assert np.abs(small - graph.n_links / small.size).max() <= 1 + math.ceil(large.size / small.size)


@FEW
@given(n_in=SIZES, n_out=SIZES, density=DENSITIES, seed=st.integers(0, 99))
def test_neighbours_are_consecutive_around_the_place_of_the_neuron(n_in, n_out, density, seed):
    assume(round(density * (n_in * n_out)) > 0)
    small, large, neighbours = sides(lattice(n_in, n_out, density, seed))
    a, b = small.size, large.size
    for j, found in enumerate(neighbours):
        k = found.size
        first = math.floor(j * a / b - k / 2 + 1e-9)
        assert set(found.tolist()) == {(first + i) % a for i in range(k)}


@pytest.mark.parametrize(
    ("n_in", "n_out", "rows"),
    [
        (4, 4, ["1100", "0110", "0011", "1001"]),
        (6, 3, ["111100", "001111", "110011"]),
        (3, 6, ["101", "101", "110", "110", "011", "011"]),
    ],
)
def test_small_lattices_by_hand(n_in, n_out, rows):
    """Neuron j of the larger side has the two neighbours from floor(j a / b - 1) on; equal sides: inputs have two."""
    found = lattice(n_in, n_out, 2 / min(n_in, n_out)).to_scipy().toarray()
    assert ["".join(map(str, row)) for row in found.astype(int)] == rows


@pytest.mark.parametrize(("n_in", "n_out"), [(1568, 784), (784, 1568), (512, 512), (768, 2048), (300, 100)])
def test_degrees_of_the_usual_layers(n_in, n_out):
    small, large, _ = sides(lattice(n_in, n_out, 0.01))
    assert np.ptp(large) <= 1
    assert np.ptp(small) <= 4
    assert np.ptp(erdos_renyi(n_in, n_out, 0.01, seed=0).degrees) > 5


def test_a_whole_mean_degree_leaves_nothing_to_chance():
    made = {bipartite_small_world(40, 20, 0.1, beta=0, seed=seed) for seed in range(5)}
    assert len(made) == 1
    fractional = {bipartite_small_world(40, 20, 0.08, beta=0, seed=seed) for seed in range(5)}
    assert len(fractional) == 5


@pytest.mark.parametrize(("n_in", "n_out"), [(400, 400), (500, 250), (250, 500)])
@pytest.mark.parametrize("beta", [0.1, 0.25, 0.6])
def test_the_number_of_rewired_links_is_binomial(n_in, n_out, beta):
    """A rewired link returns to the lattice with probability below 1 %, so missing links give the number."""
    n_graphs, density = 300, 2 / min(n_in, n_out)
    ring = lattice(n_in, n_out, density)
    cells = [bipartite_small_world(n_in, n_out, density, beta=beta, seed=seed).cells for seed in range(n_graphs)]
    missing = np.array([np.setdiff1d(ring.cells, found, assume_unique=True).size for found in cells])
    law = stats.binom(ring.n_links, beta)
    dropped = law.mean()
    fallen_back = dropped * dropped / (n_in * n_out - ring.n_links + dropped)
    assert abs(missing.mean() + fallen_back - dropped) < 4 * law.std() / math.sqrt(n_graphs)
    spread = missing.var(ddof=1) * (n_graphs - 1) / law.var()
    assert 1e-3 < stats.chi2.sf(spread, n_graphs - 1) < 1 - 1e-3


@pytest.mark.parametrize(("n_in", "n_out"), [(20, 10), (10, 20)])
def test_rewired_links_fall_anywhere_and_any_link_is_rewired(n_in, n_out):
    n_graphs, beta = 1000, 0.5
    ring = lattice(n_in, n_out, 0.2)
    cells = np.concatenate(
        [bipartite_small_world(n_in, n_out, 0.2, beta=beta, seed=seed).cells for seed in range(n_graphs)]
    )
    counts = np.bincount(cells, minlength=n_in * n_out)
    on_ring, elsewhere = counts[ring.cells], np.delete(counts, ring.cells)
    for group in (on_ring, elsewhere):
        variance = group.mean() * (1 - group.mean() / n_graphs)
        assert 1e-3 < stats.chi2.sf(((group - group.mean()) ** 2).sum() / variance, group.size - 1) < 1 - 1e-3
    assert on_ring.mean() > 3 * elsewhere.mean()


@pytest.mark.parametrize(("n_in", "n_out"), [(784, 1568), (1568, 784)])
@pytest.mark.parametrize(("beta", "expected"), [(0, 0.599), (0.1, 0.372), (0.25, 0.177), (1, 0.010)])
def test_closure(n_in, n_out, beta, expected):
    """The lattice closes its paths of length three; Erdős-Rényi closes a share equal to its density."""
    found = [closure(bipartite_small_world(n_in, n_out, 0.01, beta=beta, seed=seed)) for seed in range(5)]
    assert np.mean(found) == pytest.approx(expected, rel=0.05)


def test_beta_is_a_quarter_by_default():
    assert bipartite_small_world(40, 30, 0.2, seed=3) == bipartite_small_world(40, 30, 0.2, beta=0.25, seed=3)


@pytest.mark.parametrize(
    ("beta", "error"),
    [
        (-0.01, InvalidValueError),
        (1.01, InvalidValueError),
        (math.nan, InvalidValueError),
        (math.inf, InvalidValueError),
        (True, InvalidTypeError),
        ("0.1", InvalidTypeError),
        (None, InvalidTypeError),
    ],
)
def test_beta_out_of_range_is_rejected(beta, error):
    with pytest.raises(error, match=rf"beta={beta!r}.*\[0, 1\]"):
        bipartite_small_world(8, 6, 0.5, beta=beta)


def test_rewiring_shortens_paths_long_before_it_opens_closed_ones():
    lattice, small_world, random = (
        bipartite_small_world(784, 1568, 0.01, beta=beta, seed=0) for beta in (0.0, 0.25, 1.0)
    )
    lengths = [graph.to_igraph().average_path_length() for graph in (lattice, small_world, random)]
    assert lengths[0] > 5 * lengths[1]
    assert lengths[1] < 1.3 * lengths[2]
    assert closure(small_world) > 10 * closure(random)
