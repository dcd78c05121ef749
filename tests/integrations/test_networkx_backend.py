"""networkx with ``backend="topolearn"``: the same answers, errors and fallbacks, and networkx's own tests."""

import os
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from networkx.algorithms import bipartite

from tests.profiles import examples
from topolearn.integrations import networkx_info
from topolearn.integrations.networkx_backend import BACKEND, FUNCTIONS
from topolearn.integrations.networkx_backend.graph import BackendGraph, from_networkx, to_networkx

ROOT = Path(__file__).parents[2]
INSTALLED = pytest.mark.skipif(
    "topolearn" not in nx.utils.backends.backends,
    reason="topolearn was installed before it was a backend of networkx: pip install -e . again",
)
WOMEN = nx.davis_southern_women_graph()
EVERYWHERE = {  # of any graph
    "closure": lambda graph, top, **on: bipartite.robins_alexander_clustering(graph, **on),
    "latapy": lambda graph, top, **on: bipartite.clustering(graph, **on),
    "latapy min": lambda graph, top, **on: bipartite.clustering(graph, top, "min", **on),
    "latapy max": lambda graph, top, **on: bipartite.clustering(graph, mode="max", **on),
    "latapy sum": lambda graph, top, **on: bipartite.clustering(graph, mode="sum", **on),
    "mean latapy": bipartite.average_clustering,
    "redundancy": lambda graph, top, **on: bipartite.node_redundancy(graph, **on),
    "some redundancy": lambda graph, top, **on: bipartite.node_redundancy(
        graph, [v for v in top if graph.degree[v] > 1], **on
    ),
    "betweenness of sides": bipartite.betweenness_centrality,
    "betweenness": lambda graph, top, **on: nx.betweenness_centrality(graph, **on),
    "pairs": lambda graph, top, **on: nx.betweenness_centrality(graph, normalized=False, **on),
    "path length": lambda graph, top, **on: nx.average_shortest_path_length(graph, **on),
    "distances": lambda graph, top, **on: nx.single_source_shortest_path_length(graph, top[0], **on),
    "no distances": lambda graph, top, **on: nx.single_source_shortest_path_length(graph, "nobody", **on),
    "all distances": lambda graph, top, **on: dict(nx.all_pairs_shortest_path_length(graph, **on)),
    "short distances": lambda graph, top, **on: dict(nx.all_pairs_shortest_path_length(graph, cutoff=1.5, **on)),
    "assortativity": lambda graph, top, **on: nx.degree_assortativity_coefficient(graph, **on),
    "correlation": lambda graph, top, **on: nx.degree_pearson_correlation_coefficient(graph, **on),
    "projection": bipartite.projected_graph,
    "weighted": bipartite.weighted_projected_graph,
    "ratios": lambda graph, top, **on: bipartite.weighted_projected_graph(graph, top, ratio=True, **on),
    "newman": bipartite.collaboration_weighted_projected_graph,
    "overlap": bipartite.overlap_weighted_projected_graph,
    "least overlap": lambda graph, top, **on: bipartite.overlap_weighted_projected_graph(graph, top, False, **on),
}


@pytest.fixture(autouse=True)
def fresh():
    """Do not cache converted graphs."""
    with nx.config(cache_converted_graphs=False):
        yield


def answer(call, graph, top, backend):
    """The result or error of a call; None if the backend leaves it to networkx."""
    try:
        result = call(graph, top, backend=backend)
    except NotImplementedError:
        return None
    except Exception as error:
        return type(error).__name__, str(error)
    if isinstance(result, nx.Graph):
        edges = {frozenset(pair[:2]): pair[2].get("weight", 0) for pair in result.edges(data=True)}
        return dict(result.nodes(data=True)) | {"graph": result.graph}, edges
    return result


def alike(first, second):
    """Whether two answers are the same, numbers up to rounding."""
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(alike(first[key], second[key]) for key in first)
    if isinstance(first, tuple):
        return len(first) == len(second) and all(map(alike, first, second))
    if isinstance(first, float | int):
        same_kind = isinstance(second, float | int) and not isinstance(second, np.generic)
        return same_kind and first == pytest.approx(second, rel=1e-9, abs=1e-12, nan_ok=True)
    return first == second


@st.composite
def graphs(draw):
    """A bipartite or one-mode graph, with numbers or other objects as nodes, and its first side."""
    n, m, seed = draw(st.integers(1, 8)), draw(st.integers(1, 8)), draw(st.integers(0, 10**6))
    p = draw(st.sampled_from([0.1, 0.3, 0.6, 1]))
    graph = bipartite.random_graph(n, m, p, seed=seed) if draw(st.booleans()) else nx.gnp_random_graph(n + m, p, seed)
    kind = draw(st.sampled_from([int, str, lambda i: (i, "x")]))
    graph = nx.relabel_nodes(graph, {i: kind(i) for i in graph})
    return graph, list(graph)[:n]


@INSTALLED
@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore:An input array is constant")
@pytest.mark.parametrize("name", EVERYWHERE)
@examples(12)
@given(drawn=graphs())
@example(drawn=(WOMEN, [node for node, data in WOMEN.nodes(data=True) if data["bipartite"] == 0]))
def test_answers_and_errors_are_those_of_networkx(name, drawn):
    call, (graph, top) = EVERYWHERE[name], drawn
    own = answer(call, graph, top, "topolearn")
    if own is not None:
        assert alike(answer(call, graph, top, "networkx"), own)
    elif graph is WOMEN:
        pytest.fail("left to networkx")


@INSTALLED
@pytest.mark.parametrize("find", [bipartite.hopcroft_karp_matching, bipartite.eppstein_matching])
@examples(25)
@given(drawn=graphs())
def test_a_matching_is_as_large_as_can_be(find, drawn):
    graph, top = drawn
    if not (bipartite.is_bipartite(graph) and bipartite.is_bipartite_node_set(graph, top)):
        return
    own = find(graph, top, backend="topolearn")
    assert len(own) == len(find(graph, top, backend="networkx"))
    assert all(graph.has_edge(node, other) and own[other] == node for node, other in own.items())
    if not nx.is_connected(graph):
        with pytest.raises(nx.AmbiguousSolution):
            find(graph, backend="topolearn")


LEFT_OUT = {
    "directed": (nx.DiGraph([(0, 1)]), bipartite.robins_alexander_clustering, {}),
    "parallel": (nx.MultiGraph([(0, 1)]), nx.betweenness_centrality, {}),
    "loops": (nx.Graph([(0, 1), (1, 1)]), nx.betweenness_centrality, {}),
    "weights": (WOMEN, nx.average_shortest_path_length, {"weight": "weight"}),
    "sampled": (WOMEN, nx.betweenness_centrality, {"k": 3}),
    "an iterator": (WOMEN, bipartite.clustering, {"nodes": iter(["E1"])}),
    "a stranger": (WOMEN, bipartite.projected_graph, {"nodes": ["E1", "nobody"]}),
    "twice": (WOMEN, bipartite.projected_graph, {"nodes": ["E1", "E1"]}),
    "both sides": (WOMEN, bipartite.projected_graph, {"nodes": ["E1", "Nora Fayette"]}),
    "multigraphs": (WOMEN, bipartite.projected_graph, {"nodes": ["E1"], "multigraph": True}),
}


@INSTALLED
@pytest.mark.parametrize("name", LEFT_OUT)
def test_what_is_left_to_networkx_falls_back_or_is_rejected(name):
    graph, call, words = LEFT_OUT[name]
    with pytest.raises(NotImplementedError):
        call(graph, **words, backend="topolearn")
    with nx.config.backend_priority(algos=["topolearn"], generators=["topolearn"]):
        try:
            call(graph, **words)
        except (nx.NetworkXError, KeyError) as error:
            with pytest.raises(type(error)):
                call(graph, **words, backend="networkx")


@INSTALLED
def test_one_search_is_worth_no_conversion():
    assert BACKEND.should_run("single_source_shortest_path_length", (WOMEN, "E1"), {}) is not True
    assert BACKEND.should_run("single_source_shortest_path_length", (from_networkx(WOMEN), "E1"), {}) is True
    assert BACKEND.should_run("projected_graph", (), {"B": WOMEN, "nodes": []}) is True


def test_a_converted_graph_is_restored():
    graph = to_networkx(from_networkx(WOMEN))
    assert graph.graph == WOMEN.graph
    assert graph.nodes(data=True) == WOMEN.nodes(data=True)
    assert {frozenset(edge) for edge in graph.edges} == {frozenset(edge) for edge in WOMEN.edges}
    assert BackendGraph.__networkx_backend__ == "topolearn"
    assert to_networkx(3) == 3


def test_the_entry_points_lead_to_the_backend_and_to_a_list_of_its_functions():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    groups = {name: each["topolearn"] for name, each in project["project"]["entry-points"].items()}
    module, _, name = groups["networkx.backends"].partition(":")
    assert getattr(import_module(module), name) is BACKEND
    copied = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert copied == {"topolearn/integrations/networkx_info.py": "topolearn_networkx.py"}
    assert (ROOT / next(iter(copied))).samefile(networkx_info.__file__)
    assert groups["networkx.backend_info"] == "topolearn_networkx:backend_info"
    assert sorted(networkx_info.backend_info()["functions"]) == sorted(FUNCTIONS)
    assert all(name in nx.utils.backends._registered_algorithms for name in FUNCTIONS)
    assert not hasattr(BACKEND, "pagerank")


def test_networkx_is_imported_without_topolearn():
    code = "import sys, networkx; print({'torch', 'topolearn', 'numba'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@INSTALLED
@pytest.mark.slow  # networkx's own tests of bipartite graphs, twice
@pytest.mark.parametrize(("fallback", "least"), [("1", 200), ("", 50)], ids=["with fallback", "alone"])
def test_networkx_own_bipartite_tests_pass(fallback, least, tmp_path):
    """Without fallback, calls left to networkx are expected to fail, and all others pass."""
    words = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "--pyargs", "networkx.algorithms.bipartite"]
    settings_of = {"NETWORKX_TEST_BACKEND": "topolearn", "NETWORKX_FALLBACK_TO_NX": fallback}
    done = subprocess.run(
        [sys.executable, *words],
        cwd=tmp_path,
        env=os.environ | settings_of,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert int(done.stdout.rsplit(" passed", 1)[0].split()[-1]) >= least
    assert ("xfailed" in done.stdout) == (not fallback)
