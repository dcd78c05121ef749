"""The benchmarks of measures and of watching: peers measure what the library measures, and every way has its row."""

import numpy as np
import pytest

from analysis.benchmarks import diagnostics as benchmark
from analysis.benchmarks import watching
from topolearn.diagnostics.distances import SAMPLE
from topolearn.recording.history import KEPT


@pytest.fixture(scope="module")
def graphs():
    return benchmark.graphs_of("small")


def test_all_libraries_have_the_same_graph(graphs):
    assert graphs.networkx.number_of_edges() == graphs.igraph.ecount() == graphs.own.n_links == 300
    assert dict(graphs.networkx.degree) == dict(enumerate(graphs.own.degrees))
    assert graphs.igraph.degree() == graphs.own.degrees.tolist()
    assert list(graphs.networkx) == list(range(120))


@pytest.mark.slow
def test_peers_give_what_the_measures_give(graphs):
    """On all nodes, where nothing is scaled up."""
    n = graphs.n_nodes
    found = {
        name: {peer: each.call() for peer, each in calls.items()}
        for name, calls in benchmark.cases(graphs, n_few=n).items()
    }
    assert found["closure"]["networkx"] == pytest.approx(found["closure"]["topolearn"])
    assert found["Latapy clustering"]["networkx"] == pytest.approx(found["Latapy clustering"]["topolearn"])
    paths = found["path length"]
    assert sum(paths["networkx"]) / (n * (n - 1)) == pytest.approx(paths["topolearn"])
    assert paths["igraph"] == pytest.approx(paths["topolearn"])
    assert sum(found["efficiency"]["networkx"]) / (n * (n - 1)) == pytest.approx(found["efficiency"]["topolearn"])
    closeness = found["closeness, harmonic"]
    assert sum(closeness["networkx"].values()) / n == pytest.approx(closeness["topolearn"])
    assert np.mean(closeness["igraph"]) * (n - 1) == pytest.approx(closeness["topolearn"])
    assert 2 * np.mean(found["mean betweenness"]["igraph"]) == pytest.approx(found["mean betweenness"]["topolearn"])
    assert found["components"]["networkx"] == len(found["components"]["igraph"]) == found["components"]["topolearn"]
    for peer in ("networkx", "igraph"):
        assert found["assortativity"][peer] == pytest.approx(found["assortativity"]["topolearn"])
    matching = found["maximum matching"]
    assert len(matching["networkx"]) // 2 == len(matching["igraph"]) == len(matching["topolearn"])
    given = found["modularity of given communities"]
    assert given["igraph"] == pytest.approx(given["topolearn"])
    each = found["betweenness of each"]
    assert np.allclose(2 * np.array(each["igraph"]), each["topolearn"])


def test_large_graphs_are_searched_from_as_many_nodes_by_all(graphs, monkeypatch):
    monkeypatch.setattr(benchmark, "EXACT", 50)
    assert graphs.n_sources == SAMPLE
    monkeypatch.setattr(benchmark, "SAMPLE", 40)
    calls = benchmark.cases(graphs, n_few=8)["path length"]
    assert calls["networkx"].times == calls["igraph"].times == 5
    assert len(calls["igraph"].call()) == 8


def test_the_table_has_a_row_for_each_measure():
    names = ["closure", "path length", "components"]
    found = benchmark.table(["small"], repeats=1, n_few=4, only=names)
    assert found["measure"].tolist() == names
    assert (found["topolearn, s"] > 0).all()
    assert found["times networkx"].notna().all()
    assert found["scaled up"].tolist() == ["", "networkx on 4 nodes", ""]


@pytest.mark.slow  # trains four networks
def test_every_way_to_watch_has_its_costs():
    found = watching.table(epochs=2, rounds=1, n_images=200, hidden=(30, 30), density=0.1)
    assert list(found.index) == [*KEPT, "full, default measures", "peer: torch.save of masks"]
    assert (found["ms an update"] > 0).all()
    assert found.loc["summary", "KiB an update"] < found.loc["full", "KiB an update"]
