"""Values that others have published, or that their programs print."""

import networkx as nx
import pytest

from tests.diagnostics.graphs import needs_networks, read_edges
from tests.diagnostics.test_power_law import needs_data, published
from topolearn import BipartiteGraph
from topolearn import diagnostics as dg


@pytest.fixture(scope="module")
def women():
    return BipartiteGraph.from_networkx(nx.davis_southern_women_graph())


def test_southern_women(women):
    assert dg.closure(women) == pytest.approx(0.467764, abs=5e-7)
    coefficients = dg.latapy_coefficients(women)
    events, of_women = coefficients[: women.n_in].mean(), coefficients[women.n_in :].mean()
    assert sorted([events, of_women]) == pytest.approx([0.317140, 0.343073], abs=5e-7)
    assert dg.redundancy(women) == pytest.approx(0.958458, abs=5e-7)
    assert dg.assortativity(women) == pytest.approx(-0.336998, abs=5e-7)


@needs_networks
def test_c_elegans_and_the_power_grid():
    worm, grid = read_edges("celegans.edges"), read_edges("power.edges")
    assert dg.transitivity(worm) == pytest.approx(0.180711, abs=5e-7)
    assert dg.assortativity(worm) == pytest.approx(-0.1632, abs=5e-5)
    assert dg.clustering(grid) == pytest.approx(0.0801, abs=5e-5)
    assert dg.path_length(grid) == pytest.approx(18.989, abs=5e-4)


@needs_data
def test_words_of_moby_dick():
    words, _ = published("words")
    fit = dg.power_law(words, n_bootstraps=100, seed=0)
    assert (round(fit.gamma, 2), fit.xmin) == (1.95, 7)
    assert fit.ks == pytest.approx(0.00825, abs=5e-5)
    assert fit.p_value == pytest.approx(0.68, abs=0.15)  # with 100 bootstraps two standard errors are 0.1
    assert fit.verdict == "power law"


@needs_data
@pytest.mark.parametrize(
    ("name", "verdict"), [("terrorism", "power law"), ("blackouts", "power law"), ("fires", "no p")]
)
def test_verdicts_are_those_of_clauset_shalizi_and_newman(name, verdict):
    samples, _ = published(name)
    assert dg.power_law(samples, n_bootstraps=50).verdict.startswith(verdict)
