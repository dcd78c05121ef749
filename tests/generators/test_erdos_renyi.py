"""The Erdős-Rényi model: every set of links is equally likely."""

from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from topolearn.generators import bipartite_small_world, erdos_renyi


def rewired_fully(n_in, n_out, density, *, seed):
    """BSW with beta 1, which is the same model."""
    return bipartite_small_world(n_in, n_out, density, beta=1, seed=seed)


MODELS = pytest.mark.parametrize("model", [erdos_renyi, rewired_fully])


@MODELS
@pytest.mark.parametrize(("n_in", "n_out", "density"), [(12, 10, 0.25), (10, 12, 0.25), (15, 8, 0.8)])
def test_every_cell_is_equally_likely(model, n_in, n_out, density):
    n_graphs, n_cells = 800, n_in * n_out
    cells = np.concatenate([model(n_in, n_out, density, seed=seed).cells for seed in range(n_graphs)])
    expected = cells.size / n_cells
    # Links of one graph are drawn without replacement, which shrinks the variance of a count by 1 - density.
    statistic = ((np.bincount(cells, minlength=n_cells) - expected) ** 2).sum() / (expected * (1 - density))
    assert 1e-3 < stats.chi2.sf(statistic * (n_cells - 1) / n_cells, n_cells - 1) < 1 - 1e-3


@MODELS
@pytest.mark.parametrize(("n_in", "n_out", "n_links"), [(3, 2, 2), (2, 3, 3), (2, 2, 3)])
def test_every_set_of_links_is_equally_likely(model, n_in, n_out, n_links):
    counts = dict.fromkeys(combinations(range(n_in * n_out), n_links), 0)
    for seed in range(1500):
        counts[tuple(model(n_in, n_out, n_links / (n_in * n_out), seed=seed).cells.tolist())] += 1
    assert stats.chisquare(list(counts.values())).pvalue > 1e-3


@MODELS
def test_degrees_follow_the_hypergeometric_law(model):
    n_in, n_out, density = 200, 150, 0.05
    graphs = [model(n_in, n_out, density, seed=seed) for seed in range(20)]
    for degrees, cells in (("fan_in", n_in), ("fan_out", n_out)):
        found = np.concatenate([getattr(graph, degrees) for graph in graphs])
        law = stats.hypergeom(n_in * n_out, cells, graphs[0].n_links)
        edges = [-1, *law.ppf(np.linspace(0.1, 0.9, 7)), cells]
        expected = np.diff(law.cdf(edges)) * found.size
        counts = np.histogram(found, bins=np.array(edges) + 0.5)[0]
        assert stats.chisquare(counts, expected).pvalue > 1e-3
