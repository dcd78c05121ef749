"""The explorer's page: it contains the graph in every state shown; names are text; nothing is loaded."""

import base64
import hashlib
import html as html_entities
import re

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import topolearn as tl
from tests.plotting.explorer_data import data_of, lives_in, weights_in
from topolearn.errors import InvalidTypeError, InvalidValueError, MissingFileError
from topolearn.graph import BipartiteGraph, Graph, LayeredNetwork, NeuronGroup
from topolearn.plotting.explorer import (
    MOST_LAYERS,
    MOST_LINKS,
    Explorer,
    Lives,
    Population,
    Scene,
    SceneLayer,
    explore,
    lives_through,
    most_frames,
    populations_of,
)
from topolearn.plotting.explorer.page import PACKAGE, SCRIPTS

EVIL = "</script><img src=x onerror=alert(1)>&amp;\"'\u2028"
N_IN, N_OUT = 5, 3
STATES = st.lists(st.sets(st.integers(0, N_IN * N_OUT - 1)), min_size=1, max_size=8)


def there(lives, state):
    cells, born, died = lives
    return cells[(born <= state) & (state < died)]


@settings(max_examples=60, deadline=None)
@given(STATES, st.data())
def test_the_page_has_the_links_of_every_state_that_it_shows(states, data):
    shown = sorted(data.draw(st.sets(st.integers(0, len(states) - 1), min_size=1)))
    graphs = [BipartiteGraph.from_cells(sorted(cells), N_IN, N_OUT) for cells in states]
    lives = lives_through(({"fc": graph} for graph in graphs), shown)["fc"]
    network = LayeredNetwork({"fc": graphs[0]})
    populations, ends = populations_of(network, network.graphs)
    scene = Scene("", "", populations, [SceneLayer("fc", *ends["fc"], lives)], range(len(states)), shown)
    read = lives_in(data_of(Explorer(scene).html)["layers"][0])
    for state in shown:
        assert there(read, state).tolist() == graphs[state].cells.tolist() == lives.at(state).tolist()
    for cell, born, died in zip(*(each.tolist() for each in read), strict=True):  # each life has its maximum length
        assert all(cell in states[state] for state in range(born, died))
        assert born == 0 or cell not in states[born - 1]
        assert died == len(states) or cell not in states[died]
        assert any(born <= state < died for state in shown)
    order = np.lexsort((read[1], read[0]))
    assert order.tolist() == list(range(len(order)))


@settings(max_examples=30, deadline=None)
@given(st.sets(st.integers(0, 10 * 7 - 1)))
def test_the_page_of_a_layer_has_its_links(cells):
    graph = BipartiteGraph.from_cells(sorted(cells), 10, 7)
    data = data_of(graph.explore().html)
    (layer,) = data["layers"]
    assert there(lives_in(layer), 0).tolist() == graph.cells.tolist()
    assert [(each["title"], each["n"]) for each in data["populations"]] == [("inputs", 10), ("outputs", 7)]
    assert (layer["source"], layer["target"], layer["n_in"]) == (0, 1, 10)


@settings(max_examples=30, deadline=None)
@given(st.sets(st.integers(0, 9 * 8 // 2 - 1)))
def test_the_page_of_a_one_mode_graph_has_its_links(cells):
    graph = Graph.from_cells(sorted(cells), 9, names=[f"n{i}" for i in range(9)])
    data = data_of(graph.explore().html)
    (layer,) = data["layers"]
    j, i = np.divmod(there(lives_in(layer), 0), 9)
    assert sorted(zip(i.tolist(), j.tolist(), strict=True)) == sorted(map(tuple, graph.edges().tolist()))
    assert not data["has_sides"]
    assert data["populations"][0]["names"] == list(graph.names)


def test_numbers_of_any_size_are_packed():
    cells = np.array([0, 255, 256, 2**31, 2**40], dtype=np.int64)
    lives = lives_through([{"a": BipartiteGraph.from_cells(cells, 2**21, 2**20)}], [0])["a"]
    weights = np.array([0.5, -1.25, np.nan, np.inf, -0.0], dtype=np.float32)
    data = SceneLayer("a", 0, 1, lives, weights).data()
    assert lives_in(data)[0].tolist() == cells.tolist()
    assert weights_in(data).tobytes() == weights.tobytes()


def test_adjacent_layers_share_a_column():
    ring, wide = BipartiteGraph(np.eye(4)), BipartiteGraph(np.ones((2, 4)))
    groups = [NeuronGroup(("q", "k"), (), "all", heads=2), NeuronGroup(("v",), ("o",))]
    network = LayeredNetwork({"q": ring, "k": wide, "v": ring, "o": ring}, groups)
    data = data_of(network.explore().html)
    ends = {layer["name"]: (layer["source"], layer["target"]) for layer in data["layers"]}
    assert ends["v"][1] == ends["o"][0]
    assert ends["q"][1] != ends["k"][1]  # its single head is shared by two: fewer neurons, and its own column
    titles = [each["title"] for each in data["populations"]]
    assert titles[ends["v"][1]] == "v → o"
    assert {each["title"]: each["is_read"] for each in data["populations"]}["v → o"]
    assert not data["populations"][ends["o"][1]]["is_read"]
    assert [data["populations"][i]["column"] for i in (*ends["v"], ends["o"][1])] == [0, 1, 2]


def test_names_are_in_the_page_as_text():
    graph = BipartiteGraph(np.eye(2), input_names=[EVIL, "b"], output_names=["c", "<!--"])
    network = LayeredNetwork({EVIL: graph})
    page = network.explore()
    for html in (page.html, page._repr_html_()):
        assert "<img" not in html
        assert "<!--" not in html
        assert html.count("</script>") == html.count("<script")
    data = data_of(page.html)
    assert data["populations"][0]["names"][0] == EVIL
    assert data["layers"][0]["name"] == EVIL


def test_titles_and_sentences_are_in_the_page_as_text():
    page = Explorer(Scene(EVIL, EVIL, [Population(2)], [], notes=[EVIL]))
    assert "<img" not in page.html
    assert page.html.count(html_entities.escape(EVIL).replace("&quot;", "&#34;").replace("&#x27;", "&#39;")) >= 3


def test_the_policy_lets_the_browser_load_nothing_and_run_only_the_one_script():
    html = tl.Graph([(0, 1)], 2).explore().html
    policy = re.search(r'Content-Security-Policy" content="(.*?)"', html)[1].replace("&#39;", "'")
    for tag in ("script", "style"):
        (text,) = re.findall(rf"<{tag}>(.*?)</{tag}>", html, re.S)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none';")
    assert not re.search(r"https?:|//[a-z]+\.|@import|url\(|\bfetch\b|XMLHttp|WebSocket|<link|innerHTML|eval\(", html)


def test_the_frame_cannot_access_the_notebook():
    shown = tl.Graph([(0, 1)], 2).explore()._repr_html_()
    assert shown.startswith('<iframe sandbox="allow-scripts" ')
    assert "allow-same-origin" not in shown
    assert html_entities.unescape(re.search(r'srcdoc="(.*?)"', shown, re.S)[1]).startswith("<!DOCTYPE html>")


def test_a_page_of_100_000_links_is_small():
    rng = np.random.default_rng(0)
    cells = rng.choice(10**6, 100_000, replace=False)
    assert len(BipartiteGraph.from_cells(cells, 1000, 1000).explore().html) < 400_000
    n = 100_000 * most_frames(100_000)  # the number of lives if all links change at each slider position
    born = rng.integers(0, 200, n)
    lives = Lives(np.sort(rng.integers(0, 10**6, n)), born, born + rng.integers(1, 30, n), 1000)
    weights = np.where(rng.random(n) < 100_000 / n, rng.normal(size=n), np.nan)
    page = Explorer(Scene("", "", [Population(1000), Population(1000)], [SceneLayer("fc", 0, 1, lives, weights)]))
    assert 1_000_000 < len(page.html) < 6_000_000


@pytest.mark.parametrize(
    ("graph", "words"),
    [
        (
            lambda: BipartiteGraph.from_cells(np.arange(MOST_LINKS + 1), 1000, 1000),
            r"200,001 links.*200,000.*from_cells",
        ),
        (lambda: Graph.from_cells(np.arange(MOST_LINKS + 1), 1000), r"200,001 links.*200,000.*Graph.from_cells"),
        (lambda: Graph([(0, 1)], 3_000_000), r"3,000,000 neurons.*2,000,000"),
        (
            lambda: LayeredNetwork({str(i): BipartiteGraph(np.eye(2)) for i in range(MOST_LAYERS + 1)}),
            r"17 layers.*16.*network\['NAME'\]",
        ),
    ],
)
def test_graphs_that_are_too_large_are_rejected_with_the_limit_and_a_solution(graph, words, tmp_path):
    with pytest.raises(InvalidValueError, match=words):
        graph().explore(tmp_path / "page.html")
    assert list(tmp_path.iterdir()) == []


def test_a_layer_of_a_million_neurons_is_small_and_quick():
    rng = np.random.default_rng(0)
    graph = BipartiteGraph.from_cells(rng.choice(10**8, 50_000, replace=False), 10**6, 100)
    assert len(graph.explore().html) < 400_000


def test_anything_that_is_a_graph_can_be_explored_and_nothing_else():
    assert repr(explore(nx.karate_club_graph())).startswith("Explorer(34 nodes, 78 links)")
    assert repr(tl.plotting.explore(np.ones((2, 3)))).startswith("Explorer(5 neurons, 6 links)")
    with pytest.raises(InvalidTypeError, match="is not a graph"):
        explore("graph")


def test_a_page_is_written_whole_into_a_directory_that_exists(tmp_path):
    graph = BipartiteGraph(np.eye(3))
    page = graph.explore(tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text(encoding="utf-8") == page.html
    assert page.save(tmp_path / "again.html") == tmp_path / "again.html"
    with pytest.raises(MissingFileError, match="there is no directory"):
        graph.explore(tmp_path / "missing" / "page.html")


def test_scripts_are_short_and_close_no_tag():
    from importlib.resources import files

    for name in SCRIPTS:
        text = (files(PACKAGE) / name).read_text(encoding="utf-8")
        assert len(text.splitlines()) <= 200
        assert "</" not in text
        assert "<!--" not in text
