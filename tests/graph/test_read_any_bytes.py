"""Any file is read as it was written or rejected with a TopolearnError; none crashes the process."""

import subprocess
import sys

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import topolearn as tl
from tests.graph.network_files import READ
from tests.profiles import examples
from topolearn.errors import TopolearnError

NAMES = st.text(
    st.characters(codec="utf-8", exclude_categories=["C", "Z"], exclude_characters='"#%,;|\t:~{}[]()<*'),
    min_size=1,
    max_size=8,
)
SEPARATORS = ["\t", ", ", ";", " | ", "  "]


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("any") / "net.txt"


@examples(50)
@given(data=st.data())
def test_a_list_is_read_as_it_was_written(data, path):
    """In any dialect; the names, and networkx's graph of the same pairs, are the oracle."""
    names = data.draw(st.lists(NAMES, min_size=2, max_size=8, unique=True))
    pairs = data.draw(st.lists(st.tuples(st.sampled_from(names), st.sampled_from(names)), min_size=1, max_size=20))
    sep = data.draw(st.sampled_from(SEPARATORS))
    end = data.draw(st.sampled_from(["\n", "\r\n"]))
    encoding = data.draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]))
    path.write_bytes("".join(f"{a}{sep}{b}{end}" for a, b in pairs).encode(encoding))
    peer = nx.Graph(pairs)
    peer.remove_edges_from(list(nx.selfloop_edges(peer)))
    if len(peer) < 2:
        return
    options = {"sep": sep.strip(" ") or " ", "header": False, "duplicates": "merge", "format": "links"}
    graph = tl.read_graph(path, sides=1, self_loops="drop", **options)
    called = graph.to_networkx() if hasattr(graph, "to_networkx") else None
    assert (graph.n_nodes, graph.n_links) == (len(peer), peer.number_of_edges())
    assert called is None or nx.is_isomorphic(nx.Graph(called.edges), nx.Graph(peer.edges))
    layer = tl.read_graph(path, sides=2, **options)
    inputs, outputs = (layer.input_names or range(layer.n_in)), (layer.output_names or range(layer.n_out))
    assert {(str(inputs[a]), str(outputs[b])) for a, b in layer.edges()} == set(pairs)


@examples(100)
@given(data=st.data())
def test_a_damaged_file_is_rejected_or_read_and_raises_nothing_else(data, path):
    """Files of all formats, with bytes removed, changed or repeated."""
    name = data.draw(st.sampled_from(sorted(READ)))
    content, options, *_ = READ[name]
    start = data.draw(st.integers(0, len(content)))
    stop = data.draw(st.integers(start, len(content)))
    content = content[:start] + data.draw(st.binary(max_size=4) | st.just(content[start:stop] * 2)) + content[stop:]
    path.with_name(name).write_bytes(content)
    try:
        graph = tl.read_graph(path.with_name(name), **options)
    except TopolearnError as error:
        assert "\n" not in str(error)
    else:
        assert graph.source.line


@examples(100)
@given(content=st.binary(max_size=200) | st.text(max_size=80).map(str.encode))
def test_any_bytes_are_rejected_or_read(content, path):
    path.write_bytes(content)
    for sides in (None, 1, 2):
        try:
            tl.read_graph(path, sides=sides)
        except TopolearnError as error:
            assert "\n" not in str(error)


def test_no_matrix_market_file_crashes_the_process(tmp_path):
    """SciPy's compiled reader aborts on some of these; `read_graph` and `BipartiteGraph.load` do not."""
    banner = "%%MatrixMarket matrix coordinate pattern general\n"
    for i, content in enumerate(
        [
            b"3 3 2\n1 2\n2 3\n",
            b"\xef\xbb\xbf" + banner.encode() + b"3 3 1\n1 2\n",
            (banner + "3 3 1\n1 2\n").encode("utf-16"),
            banner.encode() + b"3 3 99999999999999999999\n1 2\n",
            banner.encode() + b"99999999999999 9 1\n1 2\n",
            banner.encode() + b"3 3 1\n-1 2\n",
            banner.encode() + b"3 3\n",
            banner.encode() + b"\0\0\0",
            banner.replace("general", "symmetric").encode() + b"3 4 1\n1 2\n",
            banner.replace("coordinate", "array").encode() + b"3 3\n1\n",
        ]
    ):
        (tmp_path / f"{i}.mtx").write_bytes(content)
    script = (
        "import sys, pathlib, topolearn as tl\n"
        "for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):\n"
        "    for read in (tl.read_graph, tl.BipartiteGraph.load):\n"
        "        try: print(path.name, read(path))\n"
        "        except (tl.errors.TopolearnError, MemoryError) as error: print(path.name, type(error).__name__)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 20


@pytest.mark.slow
def test_ten_million_links_fit_and_show_their_progress(tmp_path, capsys):
    import resource

    generator = np.random.default_rng(0)
    ends = np.sort(generator.integers(0, 10**6, (10**7, 2)), axis=1)
    path = tmp_path / "large.tsv"
    with path.open("w") as file:
        for start in range(0, 10**7, 10**6):
            file.writelines(f"n{a}\tn{b}\n" for a, b in ends[start : start + 10**6].tolist())
    graph = tl.read_graph(path, sides=1, duplicates="merge", self_loops="drop", progress=True)
    kept = ends[ends[:, 0] != ends[:, 1]]
    assert graph.n_links == np.unique(kept[:, 0] * 10**6 + kept[:, 1]).size
    assert "read large.tsv" in capsys.readouterr().err
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 4 * 2**20  # KiB
